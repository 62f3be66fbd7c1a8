"""What a layer is: a function that states its equations in the spec language.

    @with_parameters
    def dense(call: Call, x: Array, units: int, bias: bool = True) -> Array:
        W = call.parameter("W", (x.shape[-1], units))
        b = call.parameter("b", (units,), init="zeros")
        return call.equation("z[..., j] = sum[i](x[..., i] * W[i, j]) + b[j]", x=x, W=W, b=b)

Its gradient, its formula and its code follow from that equation. `...` stands for all
remaining leading axes. The name on the left is what the result is called in the report.
Nothing here imports SymPy, so a call can be checked without it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NoReturn, Protocol, TypeVar

Extent = Any  # an int, or a SymPy expression over run-time extents
Pair = tuple[int, int]  # written as two numbers, or as one that stands for both
Padding = str | int  # "valid", "same" or a number


class Array(Protocol):
    """A tensor-valued argument. `classes` is set where its entries are labels 0..classes-1."""

    @property
    def shape(self) -> tuple[Extent, ...]: ...
    @property
    def is_labels(self) -> bool: ...
    @property
    def classes(self) -> Extent | None: ...
    @property
    def is_mask(self) -> bool: ...


class Call(Protocol):
    """One call of a layer inside a spec: what its definition may ask for."""

    def parameter(self, base: str, shape: Sequence[Extent], init: str = ...) -> Array:
        """The parameter `base` of this call (`W` becomes `W1`, or `W_enc` with name=enc)."""

    def drawn(self, base: str, like: Array, law: str, *parameters: Any) -> Array:
        """An input of that shape (`keep` becomes `keep1`, `keep2`, …), drawn unless handed in."""

    def state(self, base: str, shape: Sequence[Extent], init: str = ...) -> Array:
        """What training steps change besides parameters (`running_mean` of call 2: …`mean2`)."""

    def update(self, state: Array, value: Array) -> None:
        """The state takes that value after a step of training."""

    def equation(
        self,
        text: str,
        extents: Mapping[str, Extent] = ...,
        /,
        in_use: Any = ...,
        **operands: Any,
    ) -> Array:
        """The left-hand side of an index statement; a bare expression is a scalar.

        `extents` states the extent of an index that stands on no axis alone; `in_use` is the
        right-hand side outside training, where that is another one.
        """

    def recurrence(
        self, text: str, extents: Mapping[str, Extent] = ..., /, **operands: Any
    ) -> Mapping[str, Array]:
        """Index statements, one a line, that may read each other's earlier steps; by name."""

    def matrices(self) -> tuple[Array, ...]:
        """Every parameter of rank 2 or more, of the whole network."""

    def refuse(self, argument: str, message: str, fix: str) -> NoReturn:
        """The call is wrong: a fault at the place of that argument."""


Definition = TypeVar("Definition", bound=Callable[..., Any])


def with_parameters(define: Definition) -> Definition:
    """Marks a layer that owns parameters: it takes a number, or `name=`, which may share."""
    define.owns_parameters = True  # type: ignore[attr-defined]
    return define


@dataclass(frozen=True)
class Layer:
    """A row of the vocabulary; `signature` is what a spec may pass."""

    name: str
    define: Callable[..., Any]
    signature: inspect.Signature
    owns_parameters: bool


def family(module: ModuleType) -> dict[str, Layer]:
    """The layers of a module: every public function of its own whose first parameter is `call`."""
    layers = {}
    for name, define in vars(module).items():
        if inspect.isfunction(define) and define.__module__ == module.__name__ and name[0] != "_":
            first, *rest = inspect.signature(define).parameters.values()
            assert first.name == "call", f"{module.__name__}.{name} is no layer"
            owns = getattr(define, "owns_parameters", False)
            if owns:
                rest.append(inspect.Parameter("name", inspect.Parameter.KEYWORD_ONLY, default=None))
            layers[name] = Layer(name, define, inspect.Signature(rest), owns)
    return layers


def shape_text(array: Array) -> str:
    """A shape as a spec writes it: [N, 64]."""
    return f"[{', '.join(map(str, array.shape))}]"


def names(base: str, count: int) -> list[str]:
    """As many names: `i` alone, or `i1`, `i2`, …"""
    return [base] if count == 1 else [f"{base}{k}" for k in range(1, count + 1)]


def indices(base: str, count: int) -> str:
    """`i`, or `i1, i2, …` where an equation needs several of a kind."""
    return ", ".join(names(base, count))


def axis_of(call: Call, array: Array, axis: int) -> int:
    """An axis counted from 0; a fault where the array has no such axis."""
    rank = len(array.shape)
    if not -rank <= axis < rank:
        call.refuse(
            "axis",
            f"axis {axis} of an array of rank {rank}",
            f"use {-rank} to {rank - 1}" if rank else "a scalar has no axes",
        )
    return axis % rank
