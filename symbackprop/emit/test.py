"""The test module beside a generated one: central differences, NumPy and pytest alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from sympy import Expr, Integer

from symbackprop.emit.layout import Call, Code, lines, quoted
from symbackprop.equations.nodes import Stop, TensorSymbol, tensors
from symbackprop.equations.system import Equation, Input, System
from symbackprop.program.model import Program
from symbackprop.templating import fill

Sizes = dict[Expr, Expr]


def emit_test(program: Program) -> str:
    """The source of the module's test."""
    system = program.derivation.system
    modes = [program] if program.in_use is None else [program, program.in_use]
    sizes = run_time_sizes(system)
    extents = tuple(f"{extent}={size}" for extent, size in sizes.items())
    return fill(
        "test.py.jinja",
        name=system.name,
        losses=[
            line for mode in modes for line in _losses(mode, " in use" * (mode is not program))
        ],
        steps=_steps(modes),
        modes=len(modes) > 1,
        sparse=bool(system.sparse),
        stopped=any(held(program, loss.name) for loss in program.losses),
        params=_dict("params", [(p.symbol, _weights(p.symbol, sizes)) for p in system.parameters]),
        given=_dict("given", [(i.symbol, _drawn(i, sizes)) for i in system.inputs]),
        workspace=lines("work = ", Call("net.Workspace", (*extents, "dtype=np.float64"))),
    )


def run_time_sizes(system: System) -> Sizes:
    """A small prime for each run-time extent, no two alike and none that the spec fixes."""
    symbols = [*(i.symbol for i in system.inputs), *(p.symbol for p in system.parameters)]
    fixed = {int(e) for s in symbols for e in s.shape if e.is_Integer}
    primes = (n for n in itertools.count(5) if all(n % k for k in range(2, n)) and n not in fixed)
    return {extent: Integer(next(primes)) for extent in system.extents}


def _dict(name: str, entries: list[tuple[TensorSymbol, Code]]) -> list[str]:
    """`name = {…}` with one entry a line."""
    if not entries:
        return [f"    {name} = {{}}"]
    body = [line for t, code in entries for line in lines(f"{quoted(t.name)}: ", code, ",", 8)]
    return [f"    {name} = {{", *body, "    }"]


def held(program: Program, loss: str) -> set[str]:
    """What stop_gradient holds constant for a loss: by these, its gradients are not its slopes."""
    equations = {line.equation.tensor: line.equation for line in program.derivation.forward}
    start = {t for t in equations if t.name == loss}
    stops = {s for t in _upstream(start, equations) for s in _stops(t, equations)}
    return {t.name for t in _upstream({t for s in stops for t in tensors(s)}, equations)}


def _upstream(
    start: set[TensorSymbol], equations: Mapping[TensorSymbol, Equation]
) -> set[TensorSymbol]:
    """The tensors and everything that they are computed from."""
    found: set[TensorSymbol] = set()
    waiting = list(start)
    while waiting:
        tensor = waiting.pop()
        if tensor not in found:
            found.add(tensor)
            waiting += tensors(equations[tensor].rhs) if tensor in equations else []
    return found


def _stops(tensor: TensorSymbol, equations: Mapping[TensorSymbol, Equation]) -> set[Expr]:
    return set(equations[tensor].rhs.atoms(Stop)) if tensor in equations else set()


def _losses(program: Program, mode: str) -> list[str]:
    """The entry of each loss: its inputs, and the names of the gradients that are its slopes."""
    found: list[str] = []
    for loss in program.losses:
        constant = held(program, loss.name)
        by = [name for name in loss.gradients.results if name != loss.name and name not in constant]
        both = Call("", (_strings(loss.gradients.inputs), _strings(by)))
        found += lines(f"{quoted(loss.name + mode)}: ", both, ",")
    return found


def _steps(modes: list[Program]) -> str:
    """The function that takes a step for each loss, in either mode."""
    found = [
        f"    {quoted(loss.name + mode)}: {quoted(loss.descent.name)},\n"
        for program, mode in zip(modes, ("", " in use"), strict=False)
        for loss in program.losses
        if loss.descent is not None
    ]
    return f"{{\n{''.join(found)}}}" if found else "{}"


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
        return Call("np.less", (Call("rng.random", (shape,)), "0.7"))
    if given.distribution:
        return Call("rng.dirichlet", (Call("np.ones", (sides[-1],)), Call("", sides[:-1])))
    return Call("entries", sides)
