"""Derivation and generation against depth and width: `python benchmarks/depth.py`.

Prints seconds for dense relu networks of 10, 100 and 1,000 layers, for one of 10 layers that is 32
times as wide, and for decoder-only transformers of 6, 12 and 24 blocks.
"""

from __future__ import annotations

import time

import symbackprop as sb
from symbackprop.pipeline import source


def spec(depth: int, width: int) -> str:
    layers = [f"  h{k} = relu(dense({f'h{k - 1}' if k else 'x'}, {width}))" for k in range(depth)]
    return "\n".join(
        [
            "name: deep",
            f"inputs: {{x: [N, {width}], y: {{shape: [N], classes: {width}}}}}",
            "network: |",
            *layers,
            f"loss: cross_entropy(softmax(h{depth - 1}), y)",
        ]
    )


def transformer(blocks: int, width: int) -> str:
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


NETWORKS = (
    *(("layers", spec, depth, width) for depth, width in ((10, 32), (100, 32), (1000, 32))),
    ("layers", spec, 10, 1024),
    *(("blocks", transformer, blocks, 64) for blocks in (6, 12, 24)),
)


def main() -> None:
    sb.derive(sb.parse(spec(2, 32)))  # imports
    print(f"{'depth':>12} {'width':>6} {'derive s':>9} {'generate s':>11} {'report s':>9}")
    for what, text, depth, width in NETWORKS:
        start = time.perf_counter()
        derivation = sb.derive(sb.parse(text(depth, width)))
        derived = time.perf_counter()
        source(derivation)
        generated = time.perf_counter()
        str(derivation)
        printed = time.perf_counter()
        times = (derived - start, generated - derived, printed - generated)
        deep = f"{depth} {what}"
        print(f"{deep:>12} {width:6} {times[0]:9.2f} {times[1]:11.2f} {times[2]:9.2f}")


if __name__ == "__main__":
    main()
