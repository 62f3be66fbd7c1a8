"""What values, buffers and constants are called in the program."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Container, Sequence

from sympy import Integer

from symbackprop.derivation.model import Derivation
from symbackprop.program.operations import (
    Apply,
    Arange,
    Branch,
    Copy,
    Descend,
    Either,
    Matmul,
    Ones,
    Operation,
    Reduce,
    Row,
    Scalar,
    Scratch,
    Steps,
    Written,
)
from symbackprop.program.windows import Blocked, First, Sweep
from symbackprop.spec.definitions import MODULE_ARGUMENTS

_REDUCED = {"max": "largest", "min": "smallest", "sum": "total", "prod": "product"}


class Namer:
    """Hands out names that are new: none of Python's, the module's or the spec's."""

    def __init__(self, derivation: Derivation) -> None:
        system = derivation.system
        modes = [derivation] if derivation.in_use is None else [derivation, derivation.in_use]
        self.tensors = {t.equation.tensor.name for mode in modes for t in mode.lines()}
        self.spec = {
            *self.tensors,
            *(i.symbol.name for i in system.inputs),
            *(p.symbol.name for p in system.parameters),
            *(s.symbol.name for s in system.states),
            *(e.name for e in system.extents),
        }
        self._constants: set[str] = set()
        self._sources: dict[Operation, str] = {}
        self._steps: set[str] = set()

    def new(self, base: str, taken: Container[str]) -> str:
        """`base`, or `base` with a number, that is neither taken nor a name of the spec's."""
        name, number = base, 2
        while name in taken or self._is_known(name) or has_meaning(name):
            name, number = f"{base}_{number}", number + 1
        return name

    def _is_known(self, name: str) -> bool:
        return name in self.spec or name in self._steps

    def step(self, index: str) -> str:
        """A name for the position of a loop, which no temporary has."""
        name = index if index in self._steps else self.new(index, ())
        self._steps.add(name)
        return name

    def constant(self, operation: Operation) -> str:
        """A name for a value that the workspace computes once, also for several graphs."""
        if operation in self._sources:
            return self._sources[operation]
        extent = "".join(c if c.isalnum() else "_" for c in str((*operation.shape, "")[0]))
        base = {Arange: "range", Ones: "ones"}.get(type(operation), "fixed")
        name = self.new(f"{base}_{extent}", self._constants)
        self._constants.add(name)
        if not operation.operands:
            self._sources[operation] = name
        return name


def local(name: str) -> str:
    """What a tensor is called in a function: its own name, unless that has a meaning there.

    No two tensors share one: `params` becomes `params_`, and `params_` becomes `params__`.
    """
    return f"{name}_" if has_meaning(name.rstrip("_")) else name


def describe(values: Sequence[Operation], value: int, line: int) -> str:
    """A name for a temporary that says what it holds and for which equation."""
    operation = values[value]
    base = type(operation).__name__.lower()
    if isinstance(operation, Apply):
        base = "mask" if operation.kind == "mask" else operation.function
    elif isinstance(operation, Reduce):
        base = _REDUCED.get(operation.function, operation.function)
    elif isinstance(operation, Sweep):
        base = _REDUCED[operation.function]
    elif isinstance(operation, Scratch):
        base = {"mask": "mask", "integer": "places"}.get(operation.kind, "part")
    elif isinstance(operation, First):
        base = "position"
    elif isinstance(operation, Blocked):
        base = "product"
    elif isinstance(operation, Matmul):
        ones = any(isinstance(values[o], Ones) for o in operation.operands)
        base = "total" if ones else "product"
    elif isinstance(operation, Descend):
        base = "scaled"
    elif isinstance(operation, Copy) and isinstance(values[operation.of], Scalar):
        base = "zeros" if values[operation.of] == Scalar((), "integer", Integer(0)) else "filled"
    elif isinstance(operation, (Either, Branch)):
        return _neighbour(values, operation) or f"chosen_{line}"
    return f"{base}_{line}"


def _neighbour(values: Sequence[Operation], choice: Either | Branch) -> str | None:
    """`h_before` or `h_after` where a choice is between a tensor's neighbouring step and others."""
    row = values[choice.a]
    if not isinstance(row, Row):
        return None
    source = values[row.of]
    steps = values[source.of] if isinstance(source, Written) else source
    shift = row.position - row.step
    if not isinstance(steps, Steps) or not shift.is_nonzero:
        return None
    return f"{steps.tensor}_{'before' if shift.is_negative else 'after'}"


def has_meaning(name: str) -> bool:
    """Whether Python, or every generated function, gives the name a meaning of its own."""
    return keyword.iskeyword(name) or hasattr(builtins, name) or name in MODULE_ARGUMENTS
