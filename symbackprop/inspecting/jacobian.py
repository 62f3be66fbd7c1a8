"""Products with the Jacobian of a few equations, out of modules that are generated for them.

The product from the left, c ↦ Jᵀ c, is the gradient of Σ c ⊙ b by a. It is linear in c, so that the
product from the right, d ↦ J d, is the gradient of Σ d ⊙ (Jᵀ c) by c.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from sympy import preorder_traversal

from symbackprop.derivation.differentiate import differentiate
from symbackprop.derivation.model import Derivation
from symbackprop.equations.evaluate_arrays import evaluate_arrays
from symbackprop.equations.nodes import Index, TensorSymbol, tensors
from symbackprop.equations.reductions import Sum
from symbackprop.equations.system import Equation, Input, Loss, System

Array = np.ndarray[Any, np.dtype[Any]]
Compile = Callable[[Derivation], ModuleType]
Product = Callable[[Array], Array]

_PAIRING = TensorSymbol("pairing", ())


@dataclass(frozen=True)
class Jacobian:
    """∂above/∂below at a point, as its products with vectors from both sides."""

    rows: int
    columns: int
    times: Product
    transposed_times: Product


@dataclass(frozen=True)
class _Modules:
    """The modules of both products, and of the values that they read."""

    left: ModuleType
    right: ModuleType | None
    forward: tuple[Equation, ...]
    below: str
    above: str


class Jacobians:
    """The Jacobians of layers; layers alike but for names have one pair of modules."""

    def __init__(self, values: Mapping[str, Array], extents: Mapping[str, int], compiled: Compile):
        self.values = values
        self.extents = extents
        self.compiled = compiled
        self.known: dict[Any, _Modules] = {}

    def of(
        self, equations: Sequence[Equation], below: TensorSymbol, above: TensorSymbol
    ) -> Jacobian:
        """The Jacobian of the last equation's tensor by `below`, through these equations."""
        names = _numbered(equations, below)
        renamed = tuple(_renamed(equation, names) for equation in equations)
        key = (renamed, names[below], names[above])
        if key not in self.known:
            self.known[key] = self._modules(renamed, names[below], names[above])
        modules = self.known[key]
        given = {new.name: _typed(self.values[old.name], old) for old, new in names.items()}
        given |= {
            name: array
            for name, array in evaluate_arrays(modules.forward, given, self.extents).items()
            if name not in given
        }
        return self._products(modules, given, self.values[below.name], self.values[above.name])

    def _modules(
        self, equations: tuple[Equation, ...], below: TensorSymbol, above: TensorSymbol
    ) -> _Modules:
        left = differentiate(_pairing(equations, above, "from_above", below, self.extents))
        back = [line.equation for line in left.losses[0].cotangents]
        slope = left.losses[0].gradients[below.name].equation.tensor
        forward = tuple(line.equation for line in left.forward if line.equation.tensor != _PAIRING)
        right = None
        if any(e.tensor == slope for e in back):
            weight = TensorSymbol("from_above", above.shape)
            system = _pairing(back, slope, "from_below", weight, self.extents)
            right = self.compiled(differentiate(system))
        return _Modules(self.compiled(left), right, forward, below.name, above.name)

    def _products(
        self, modules: _Modules, given: Mapping[str, Array], below: Array, above: Array
    ) -> Jacobian:
        def transposed(vector: Array) -> Array:
            weights = {**given, "from_above": vector.reshape(above.shape)}
            return _gradient(modules.left, modules.below, weights, self.extents).ravel()

        def times(vector: Array) -> Array:
            if modules.right is None:
                return np.zeros(above.size)
            weights = {
                **given,
                "from_below": vector.reshape(below.shape),
                "from_above": np.zeros(above.shape),
            }
            return _gradient(modules.right, "from_above", weights, self.extents).ravel()

        return Jacobian(above.size, below.size, times, transposed)


def _typed(array: Array, tensor: TensorSymbol) -> Array:
    """The array as modules take it."""
    kinds: dict[str, Any] = {"mask": bool, "integer": np.int64}
    return array.astype(kinds.get(tensor.kind, np.float64))


def _renamed(equation: Equation, names: Mapping[TensorSymbol, TensorSymbol]) -> Equation:
    """The equation with these names for its tensors, and for its indices names by their places."""
    inside = [i for i in preorder_traversal(equation.rhs) if isinstance(i, Index)]
    found = dict.fromkeys((*equation.indices, *inside))
    places = {index: Index(f"i{k}", index.extent) for k, index in enumerate(found)}
    renaming: dict[Any, Any] = {**names, **places}
    rhs = equation.rhs.xreplace(renaming)
    return Equation(names[equation.tensor], tuple(places[i] for i in equation.indices), rhs)


def _numbered(
    equations: Sequence[Equation], below: TensorSymbol
) -> dict[TensorSymbol, TensorSymbol]:
    """A name for every tensor by its place, so that equations of the same form are equal."""
    found = dict.fromkeys([below])
    for equation in equations:
        computed = (equation.tensor, *found)
        read = sorted(tensors(equation.rhs), key=lambda t: (t not in computed, str(t)))
        found |= dict.fromkeys(read)
        found[equation.tensor] = None
    # In the order of places, not of names: a name decides nothing but its own place.
    return {t: TensorSymbol(f"v{k}", t.shape, t.kind, t.classes) for k, t in enumerate(found)}


def _pairing(
    equations: Sequence[Equation],
    result: TensorSymbol,
    weight: str,
    wrt: TensorSymbol,
    extents: Mapping[str, int],
) -> System:
    """The equations with the loss Σ weight ⊙ result, to be differentiated by `wrt`."""
    weights = TensorSymbol(weight, result.shape)
    indices = [Index(f"at{k}", size) for k, size in enumerate(result.shape)]
    paired = weights[tuple(indices)] * result[tuple(indices)]
    total = Sum(paired, *indices) if indices else paired
    all_of = (*equations, Equation(_PAIRING, (), total))
    defined = {e.tensor for e in all_of}
    read = {t for e in all_of for t in tensors(e.rhs)} | {wrt}
    inputs = sorted(read - defined, key=lambda t: t.name)
    symbols = {s for t in (*inputs, *defined) for size in t.shape for s in size.free_symbols}
    return System(
        name="products",
        title="",
        notes="",
        extents=tuple(sorted((s for s in symbols if s.name in extents), key=str)),
        inputs=tuple(Input(t, t.classes) for t in inputs),
        parameters=(),
        equations=all_of,
        losses=(Loss(_PAIRING, (wrt,)),),
        outputs=(),
    )


def _gradient(
    module: ModuleType, by: str, given: Mapping[str, Array], extents: Mapping[str, int]
) -> Array:
    """The gradient of the pairing, out of its module."""
    function = module.pairing_and_grads
    taken = inspect.signature(function).parameters
    chosen = {name: value for name, value in {**extents, **given}.items() if name in taken}
    _, gradients = function({}, **chosen)
    return np.asarray(gradients[by])
