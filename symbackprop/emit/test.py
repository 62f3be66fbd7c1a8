"""The test module beside a generated one: central differences, NumPy and pytest alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from sympy import Expr, Integer

from symbackprop.emit.environment import render
from symbackprop.emit.layout import Call, Code, lines, quoted
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.equations.system import Input, System
from symbackprop.program.model import Loss, Program

Sizes = dict[Expr, Expr]


def emit_test(program: Program) -> str:
    """The source of the module's test."""
    system = program.derivation.system
    sizes = run_time_sizes(system)
    return render(
        "test.py.jinja",
        name=system.name,
        losses=[line for loss in program.losses for line in _loss(loss)],
        params=[
            line
            for p in system.parameters
            for line in lines(f"{quoted(p.symbol.name)}: ", _weights(p.symbol, sizes), ",", 8)
        ],
        given=[
            line
            for i in system.inputs
            for line in lines(f"{quoted(i.symbol.name)}: ", _drawn(i, sizes), ",", 8)
        ],
        workspace=", ".join([*(f"{e}={n}" for e, n in sizes.items()), "dtype=np.float64"]),
    )


def run_time_sizes(system: System) -> Sizes:
    """A small prime for each run-time extent, no two alike and none that the spec fixes."""
    symbols = [*(i.symbol for i in system.inputs), *(p.symbol for p in system.parameters)]
    fixed = {int(e) for s in symbols for e in s.shape if e.is_Integer}
    primes = (
        n
        for n in itertools.count(5)
        if all(n % k for k in range(2, n)) and n not in fixed
    )
    return {extent: Integer(next(primes)) for extent in system.extents}


def _loss(loss: Loss) -> list[str]:
    """The entry of a loss: its inputs, and the names of its gradients."""
    inputs = loss.gradients.inputs
    by = [name for name in loss.gradients.results if name != loss.name]
    both = Call("", (_strings(inputs), _strings(by)))
    return lines(f"{quoted(loss.name)}: ", both, ",")


def _strings(names: Iterable[str]) -> Code:
    quotes = tuple(quoted(n) for n in names)
    return Call("", quotes) if quotes else "()"


def _weights(symbol: TensorSymbol, sizes: Sizes) -> Code:
    return Call("weights", _shape(symbol, sizes))


def _shape(symbol: TensorSymbol, sizes: Sizes) -> tuple[str, ...]:
    return tuple(str(extent.xreplace(sizes)) for extent in symbol.shape)


def _drawn(given: Input, sizes: Sizes) -> Code:
    """How a random input is drawn, by its kind."""
    sides = _shape(given.symbol, sizes)
    shape: Code = Call("", sides) if sides else "()"
    if given.symbol.kind == "integer":
        classes = "5" if given.classes is None else str(given.classes.xreplace(sizes))
        return Call("rng.integers", (classes, Call("size=", sides) if sides else "size=()"))
    if given.symbol.kind == "mask":
        return f"{Call('rng.random', (shape,))} < 0.7"
    if given.distribution:
        return Call("rng.dirichlet", (Call("np.ones", (sides[-1],)), Call("", sides[:-1])))
    return Call("entries", sides)
