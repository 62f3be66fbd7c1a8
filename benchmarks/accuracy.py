"""The generated code against 50 digits, beside PyTorch and JAX: `python benchmarks/accuracy.py`.

Prints for each function the largest error, in units in the last place of the float nearest to the
true value, over inputs from 1e-30 to 1e30 of both signs and where functions bend, overflow and
underflow: of the value and of the derivative, in float32 and float64. `lost`: no digit is right at
some input; `inf`: not finite at an input whose result is. A 0 in place of a subnormal number counts
as right. PyTorch and JAX are measured where they are installed. Deterministic; about a minute.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from accuracy_cases import LOSSES, POINTWISE, README, OfRows, Pointwise

import symbackprop as sb
from tests.emit.precise import FLUSHED, INFINITE, LOST, Error, error, exact

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
Array = np.ndarray[Any, Any]
Way = Callable[[Any, Array, Any], tuple[Array, Array]]
"""Values and slopes at all points x of a pointwise function, or value and gradient of a row."""


@dataclass(frozen=True)
class Worst:
    """The largest of many errors, and where; how many results were 0 for a subnormal number."""

    ulps: float = 0.0
    fault: str = ""
    at: str = ""
    flushed: int = 0

    def __str__(self) -> str:
        if self.fault:
            return {INFINITE: "inf", LOST: "lost"}[self.fault]
        return f"{self.ulps:.1f}" if self.ulps < 9.95 else f"{self.ulps:.3g}".replace("e+0", "e")


_SEVERITY = ("", LOST, INFINITE)


def worst(errors: Iterator[tuple[Error, Any]]) -> Worst:
    """The worst of errors at points."""
    found, flushed = Worst(), 0
    for one, at in errors:
        if one.fault == FLUSHED:
            flushed += 1
            continue
        key = (_SEVERITY.index(one.fault), one.ulps)
        if key > (_SEVERITY.index(found.fault), found.ulps):
            found = Worst(one.ulps, one.fault, np.array2string(np.asarray(at), precision=5))
    return Worst(found.ulps, found.fault, found.at, flushed)


Y_SHAPES = {
    "": "",
    "label": "y: {shape: [N], classes: 4}",
    "share": "y: {shape: [N, 4], kind: distribution}",
    **dict.fromkeys(("chance", "real", "sign"), "y: [N, 4]"),
}


def ours(case: Pointwise | OfRows, dtype: np.dtype[Any]) -> Way:
    """The generated module of a case."""
    if isinstance(case, Pointwise):
        loss, statement, given = "sum(y)", f"y = {case.text}", "x: [N]"
    else:
        loss, _, statement = case.spec.partition("; ")
        given = ", ".join(filter(None, ("x: [N, 4]", Y_SHAPES[case.y])))
    text = f"name: case\ninputs: {{{given}}}\n"
    text += f"network: |\n  {statement}\n" if statement else ""
    text += f"loss: {loss}\nwrt: [x]\n" + ("outputs: [y]\n" if isinstance(case, Pointwise) else "")
    net = sb.compile(sb.derive(sb.parse(text)), dtype.name)
    params = {k: v.astype(dtype) for k, v in net.init_params(0).items()}

    def at(case: Any, x: Array, y: Any) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            if isinstance(case, Pointwise):
                values = net.forward(params, x=x)["y"].copy()
                return values, net.loss_and_grads(params, x=x)[1]["x"]
            value, grads = net.loss_and_grads(params, x=x, **({} if y is None else {"y": y}))
            return np.array(value), grads["x"][0]

    return at


def torch_way() -> Way:
    """PyTorch's function and its derivative by autograd."""
    import torch
    import torch.nn.functional

    names = {"T": torch, "F": torch.nn.functional}

    def at(case: Any, x: Array, y: Any) -> tuple[Array, Array]:
        own = torch.tensor(x, requires_grad=True)
        known = {"x": own} if y is None else {"x": own, "y": torch.tensor(y)}
        value = eval(case.torch, {**names, **known})
        value.sum().backward()
        slopes = own.grad.numpy()
        return value.detach().numpy(), slopes if isinstance(case, Pointwise) else slopes[0]

    return at


def jax_way() -> Way:
    """JAX's function and its derivative by vjp."""
    import jax
    import jax.numpy

    jax.config.update("jax_enable_x64", True)
    compiled: dict[str, Any] = {}

    def at(case: Any, x: Array, y: Any) -> tuple[Array, Array]:
        def function(x: Any, y: Any) -> Any:
            return eval(case.jax, {"jax": jax, "jnp": jax.numpy, "x": x, "y": y})

        if isinstance(case, Pointwise):
            values, back = jax.vjp(lambda x: function(x, None), jax.numpy.asarray(x))
            return np.asarray(values), np.asarray(back(jax.numpy.ones_like(values))[0])
        known = compiled.setdefault(case.name, jax.jit(jax.value_and_grad(function)))
        value, slopes = known(x, y)
        return np.asarray(value), np.asarray(slopes)[0]

    return at


def measured_pointwise(case: Pointwise, dtype: np.dtype[Any], ways: Sequence[Way]) -> list[Worst]:
    """The worst value of each way, then the worst slope of each."""
    points = case.points(dtype)
    truths = [exact(case.truth, [x], 0, dtype) for x in points.tolist()]
    results = [way(case, points, None) for way in ways]
    return [
        worst(
            (error(float(came), true[part], dtype), x)
            for came, true, x in zip(result[part], truths, points.tolist(), strict=True)
            if part == 0 or case.has_slope(x)
        )
        for part in (0, 1)
        for result in results
    ]


def measured_rows(case: OfRows, dtype: np.dtype[Any], ways: Sequence[Way]) -> list[Worst]:
    """The same of a function of rows, each row a batch of its own; every entry of the gradient."""
    points = [(row, y) for y in case.targets(dtype) for row in case.points(dtype)]
    found: list[list[tuple[Error, Any]]] = [[] for _ in range(2 * len(ways))]
    for row, y in points:
        numbers = y.tolist() if isinstance(y, np.ndarray) else y
        truths = [exact(case.truth(numbers), row.tolist(), k, dtype) for k in range(len(row))]
        batch = y if y is None else np.array([y])
        for k, way in enumerate(ways):
            value, slopes = way(case, row[None], batch)
            found[k].append((error(float(value), truths[0][0], dtype), row))
            for came, (_, slope) in zip(slopes, truths, strict=True):
                found[len(ways) + k].append((error(float(came), slope, dtype), row))
    return [worst(iter(errors)) for errors in found]


def measured(case: Pointwise | OfRows, others: Sequence[Way]) -> list[list[Worst]]:
    """The worst of values and of slopes in float32, then in float64, in every way."""
    cells = []
    for dtype in DTYPES:
        ways = [ours(case, dtype), *others]
        measure = measured_pointwise if isinstance(case, Pointwise) else measured_rows
        parts = measure(case, dtype, ways)
        cells += [parts[: len(ways)], parts[len(ways) :]]
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="what to measure; all where none is named")
    parser.add_argument("--markdown", action="store_true", help="the README's rows, as Markdown")
    parser.add_argument("--where", action="store_true", help="the input of each worst error")
    options = parser.parse_args()
    started = time.perf_counter()
    known = {}
    for name, make in (("PyTorch", torch_way), ("JAX", jax_way)):
        try:
            known[name] = make()
        except ImportError:
            print(f"{name} is not installed", file=sys.stderr)
    every = [*POINTWISE, *LOSSES]
    names = options.names or (README if options.markdown else ())
    cases = [
        c for c in every if not names or c.name in names or re.split("\\W", c.name)[0] in names
    ]
    legend = " / ".join(["ours", *known])
    heads = [f"{d.name} {part}" for d in DTYPES for part in ("value", "derivative")]
    if options.markdown:
        print(f"| {legend} |", " | ".join(heads), "|")
        print("|---|" + "---|" * len(heads))
    else:
        print(f"{legend:36}", *(f"{h:26}" for h in heads))
    for case in cases:
        name, cells = case.name, measured(case, list(known.values()))
        texts = [" / ".join(map(str, cell)) for cell in cells]
        if options.markdown:
            print(f"| `{name}` |", " | ".join(texts), "|")
        else:
            print(f"{name:36}", *(f"{text:26}" for text in texts), flush=True)
        if options.where:
            for head, cell in zip(heads, cells, strict=True):
                print(f"    {head:20}", " | ".join(f"{w.at} {w.flushed or ''}" for w in cell))
    print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
