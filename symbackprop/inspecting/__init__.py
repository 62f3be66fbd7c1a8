"""Where gradients vanish or explode: norms of cotangents and spectra of Jacobians with the depth.

Derivation, values ─chain─▶ tensors that all passes ─jacobian, spectrum─▶ Inspection ─picture─▶
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations.evaluate_arrays import evaluate_arrays
from symbackprop.equations.nodes import Access, TensorSymbol, tensors
from symbackprop.equations.recurrence import Recurrence, components
from symbackprop.errors import CallError
from symbackprop.inspecting.chain import between, chain, leading
from symbackprop.inspecting.jacobian import Jacobians
from symbackprop.inspecting.model import Depth, Inspection, Layer, Steps, Way
from symbackprop.inspecting.phrases import Phrase
from symbackprop.inspecting.spectrum import extremes

__all__ = ["Depth", "Inspection", "Layer", "Steps", "Way", "inspect"]

Array = np.ndarray[Any, np.dtype[Any]]


def inspect(
    derivation: Derivation,
    given: Mapping[str, Any],
    extents: Mapping[str, int],
    origins: tuple[Phrase, ...],
    compiled: Callable[[Derivation], ModuleType],
) -> Inspection:
    """The ways back from all losses, where inputs, parameters and states have the given values.

    `compiled` makes the module of a derivation, in double precision. Raises CallError where the
    way forward has values that are not finite, or there is nothing on the way back.
    """
    forward = evaluate_arrays([line.equation for line in derivation.forward], given, extents)
    for line in derivation.forward:
        name = line.equation.tensor.name
        if not np.isfinite(forward[name]).all():
            message = f"{name}, equation ({line.number}), is not finite at these values"
            raise CallError(message, "scale the data, or start the parameters smaller")
    jacobians = Jacobians(forward, extents, compiled)
    ways = tuple(
        _way(derivation, loss, forward, extents, jacobians)
        for loss in derivation.losses
        if loss.cotangents  # one that is only reported has no way back
    )
    if not any(way.depth for way in ways):
        message = f"on the way back of {derivation.system.name} there is nothing to inspect"
        raise CallError(message, "name parameters or inputs that the loss reads through equations")
    return Inspection(derivation.system.name, derivation.system.title, origins, ways)


def _way(
    derivation: Derivation,
    loss: LossDerivation,
    forward: Mapping[str, Array],
    extents: Mapping[str, int],
    jacobians: Jacobians,
) -> Way:
    back = evaluate_arrays([line.equation for line in loss.cotangents], forward, extents)
    of = {line.of: back[line.equation.tensor.name] for line in loss.cotangents}
    links = chain(derivation, loss)
    layers = tuple(
        _layer(derivation, below, above, jacobians) for below, above in itertools.pairwise(links)
    )
    depth = tuple(_depth(derivation, loss, forward, of, set(links)))
    return Way(loss.loss.name, depth, layers, tuple(_steps(derivation, of)))


def _depth(
    derivation: Derivation,
    loss: LossDerivation,
    forward: Mapping[str, Array],
    of: Mapping[TensorSymbol | None, Array],
    links: set[TensorSymbol],
) -> Iterator[Depth]:
    parameters = {p.symbol for p in derivation.system.parameters}
    on_the_way = leading(derivation, loss.loss)
    for line in derivation.forward:
        tensor = line.equation.tensor
        if tensor == loss.loss or tensor not in on_the_way:
            continue
        read = [t for t in tensors(line.equation.rhs) if t in parameters and t in of]
        gradients = {t.name: _rms(of[t]) for t in read}
        cotangent = _rms(of[tensor]) if tensor in of else None
        yield Depth(
            line.number,
            tensor.name,
            line.equation.label,
            _rms(forward[tensor.name]),
            cotangent,
            gradients,
            tensor in links,
        )


def _layer(
    derivation: Derivation, below: TensorSymbol, above: TensorSymbol, jacobians: Jacobians
) -> Layer:
    equations = between(derivation, below, above)
    jacobian = jacobians.of(equations, below, above)
    largest, smallest, exact = extremes(jacobian)
    labels = tuple(dict.fromkeys(e.label for e in equations if e.label))
    return Layer(
        below.name, above.name, labels, jacobian.rows, jacobian.columns, largest, smallest, exact
    )


def _steps(derivation: Derivation, of: Mapping[TensorSymbol | None, Array]) -> Iterator[Steps]:
    """The tensors that a recurrence hands from step to step, where they have a cotangent."""
    for part in components(line.equation for line in derivation.forward):
        if not isinstance(part, Recurrence):
            continue
        for equation in part.equations:
            tensor, axis = equation.tensor, part.axes[equation.tensor]
            if tensor in of and tensor in _carried(part):
                array = np.moveaxis(of[tensor], axis, 0)
                norms = tuple(_rms(array[t]) for t in range(len(array)))
                yield Steps(tensor.name, part.step_of(equation).name, norms, part.reverse)


def _carried(part: Recurrence) -> set[TensorSymbol]:
    """The tensors of the group that are read at another step."""
    found = set()
    for equation in part.equations:
        for access in equation.rhs.atoms(Access):
            if access.tensor in part.axes:
                position = access.indices[part.axes[access.tensor]]
                if position != part.step_of(equation):
                    found.add(access.tensor)
    return found


def _rms(array: Array) -> float:
    """The root of the mean square, without overflow."""
    largest = float(np.abs(array).max(initial=0.0))
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.mean(np.square(array / largest))))
