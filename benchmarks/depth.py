"""Derivation and generation against what a network has more of: `python benchmarks/depth.py`.

Prints seconds of processor time for dense relu networks of 10 to 1,000 layers, for decoder-only
transformers of 3 to 24 blocks, for networks of 10 to 640 short equations, and for one of 10 layers
whose parameters become more; each is the median of `--rounds`. `--plot FILE` draws them.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import symbackprop as sb
from symbackprop.derivation import differentiate
from symbackprop.emit import emit_module, emit_test
from symbackprop.equations.build import build
from symbackprop.program import lower
from symbackprop.proof import prove

STAGES = ("parse", "build", "derive", "prove", "lower", "print")
WIDTH = 32


def layers(depth: int, width: int = WIDTH) -> str:
    lines = [f"  h{k} = relu(dense({f'h{k - 1}' if k else 'x'}, {width}))" for k in range(depth)]
    return "\n".join(
        [
            "name: deep",
            f"inputs: {{x: [N, {width}], y: {{shape: [N], classes: {width}}}}}",
            "network: |",
            *lines,
            f"loss: cross_entropy(softmax(h{depth - 1}), y)",
        ]
    )


def transformer(blocks: int, width: int = 64) -> str:
    lines = [f"  x0 = embedding(ids, {width})"]
    for k in range(blocks):
        lines += [
            f"  a{k} = x{k} + multi_head_attention(layer_norm(x{k}), 4, causal=True)",
            f"  x{k + 1} = a{k} + dense(gelu(dense(layer_norm(a{k}), {4 * width})), {width})",
        ]
    return "\n".join(
        [
            "name: transformer",
            "inputs:",
            "  ids: {shape: [N, T], classes: 65}",
            "  y: {shape: [N, T], classes: 65}",
            "network: |",
            *lines,
            f"  p = softmax(dense(layer_norm(x{blocks}), 65))",
            "loss: cross_entropy(p, y)",
        ]
    )


FUNCTIONS = ("tanh", "sin", "sigmoid", "softplus", "arctan", "cos")


def equations(number: int) -> str:
    """So many equations, each of one to three others, no two next to each other alike."""
    lines = ["  h0 = x"]
    for k in range(1, number):
        a, b, function = k - 1, k // 2, FUNCTIONS[k % len(FUNCTIONS)]
        kinds = (f"{function}(h{a}) * w", f"h{a} + {function}(h{b})", f"h{a} * h{b} + 0.5 * w")
        lines.append(f"  h{k} = {kinds[k % len(kinds)]}")
    head = (
        f"name: many\ninputs: {{x: [N, {WIDTH}]}}\nparams: {{w: {{shape: [{WIDTH}]}}}}\nnetwork: |"
    )
    return "\n".join([head, *lines, f"loss: mean(h{number - 1}**2)"])


def parameters(width: int) -> str:
    return layers(10, width)


# What there is more of, the specs with it, and how much of it.
NETWORKS: dict[str, tuple[Callable[[int], str], tuple[int, ...]]] = {
    "layers": (layers, (10, 30, 100, 300, 1000)),
    "blocks": (transformer, (3, 6, 12, 24)),
    "equations": (equations, (10, 40, 160, 640)),
    "wide": (parameters, (32, 1024, 32768)),
}


def times(text: str) -> list[float]:
    """Seconds of each stage; nothing is remembered from what was derived before."""
    from symbackprop.proof.evaluation import outcome

    outcome.cache_clear()
    gc.collect()
    marks = [time.process_time()]

    def mark() -> None:
        marks.append(time.process_time())

    spec = sb.parse(text)
    mark()
    system = build(spec)
    mark()
    derivation = differentiate(system)
    mark()
    prove(derivation)
    mark()
    program = lower(derivation)
    mark()
    emit_module(program, "float32")
    emit_test(program)
    mark()
    return [b - a for a, b in itertools.pairwise(marks)]


def measured(text: str, rounds: int) -> list[float]:
    """The median of each stage, and of all together."""
    each = [times(text) for _ in range(rounds)]
    stages = [statistics.median(found) for found in zip(*each, strict=True)]
    return [*stages, statistics.median(map(sum, each))]


def plot(found: dict[str, list[tuple[int, list[float]]]], file: Path) -> None:
    """Seconds in all, against what there is more of; a line of slope 1 beside each."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.2))
    for what, rows in found.items():
        if what == "wide":
            continue
        numbers = [number for number, _ in rows]
        seconds = [row[-1] for _, row in rows]
        (line,) = axes.loglog(numbers, seconds, "o-", label=what)
        linear = [seconds[-1] * number / numbers[-1] for number in numbers]
        axes.loglog(numbers, linear, ":", color=line.get_color(), linewidth=1)
    axes.set_xlabel("how many (dotted: in proportion)")
    axes.set_ylabel("seconds, spec to proved NumPy module")
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend()
    figure.tight_layout()
    figure.savefig(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plot", type=Path, metavar="FILE")
    options = parser.parse_args()
    gc.set_threshold(100_000, 50, 100)  # as the command line does
    times(layers(2))
    times(transformer(1))
    print(f"{'':>16}" + "".join(f"{stage:>8}" for stage in (*STAGES, "all", "each ms")))
    found: dict[str, list[tuple[int, list[float]]]] = {}
    for what, (text, numbers) in NETWORKS.items():
        for number in numbers:
            row = measured(text(number), options.rounds)
            found.setdefault(what, []).append((number, row))
            each = "" if what == "wide" else f"{1000 * row[-1] / number:8.1f}"
            print(f"{f'{number:,} {what}':>16}" + "".join(f"{s:8.2f}" for s in row) + each)
    if options.plot:
        plot(found, options.plot)


if __name__ == "__main__":
    main()
