"""Three ways to a loss, its gradients and the outputs: PyTorch, plain loops, the module.

Each returns, by name, `(value, {name: gradient})` for a loss and an array for an output.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stranger import Array, Case, draw, sizes

from symbackprop.derivation.model import Derivation
from symbackprop.equations.evaluate import FLOAT, evaluate_system, extent_of


def extents_of(derivation: Derivation, primes: tuple[int, ...]) -> dict[str, int]:
    """A prime for every run-time extent."""
    system = derivation.system
    symbols = [entry.symbol for entry in (*system.inputs, *system.parameters)]
    fixed = {int(size) for symbol in symbols for size in symbol.shape if size.is_Integer}
    return sizes((symbol.name for symbol in system.extents), fixed, primes)


def given(
    case: Case, derivation: Derivation, extents: Mapping[str, int], seed: int
) -> dict[str, Array]:
    """An array for every input, parameter and state."""
    rng = np.random.default_rng(seed)
    system = derivation.system
    made = {}
    for entry in (*system.inputs, *system.parameters, *system.states):
        symbol = entry.symbol
        shape = tuple(extent_of(size, extents) for size in symbol.shape)
        kind = "distribution" if getattr(entry, "distribution", False) else symbol.kind
        below = extent_of(entry.classes, extents) if kind == "integer" else 0
        made[symbol.name] = draw(kind, shape, below, case.draws.get(symbol.name), rng)
    return made


def by_torch(case: Case, derivation: Derivation, arrays: Mapping[str, Array]) -> dict[str, Any]:
    """By the reference, which its author wrote by hand; only its operations are differentiated."""
    tensors = {name: torch.tensor(array) for name, array in arrays.items()}
    for tensor in tensors.values():
        tensor.requires_grad_(tensor.is_floating_point())
    expected = case.expected(tensors)
    found: dict[str, Any] = {}
    for loss in derivation.losses:
        value = expected.pop(loss.loss.name)
        by = {name: tensors[name] for name in loss.gradients}
        grads = torch.autograd.grad(
            value, by.values(), retain_graph=True, allow_unused=True, materialize_grads=True
        )
        named = {name: grad.numpy() for name, grad in zip(by, grads, strict=True)}
        found[loss.loss.name] = (value.item(), named)
    return found | {name: tensor.detach().numpy() for name, tensor in expected.items()}


def by_loops(
    derivation: Derivation, arrays: Mapping[str, Array], extents: Mapping[str, int]
) -> dict[str, Any]:
    """By the reference evaluator, from the derivation's equations."""
    lists = {name: array.tolist() for name, array in arrays.items()}
    objects = {name: np.array(entries, dtype=object) for name, entries in lists.items()}
    forward = [line.equation for line in derivation.forward]
    tensors = evaluate_system(forward, objects, extents, FLOAT)
    found: dict[str, Any] = {
        symbol.name: tensors[symbol.name].astype(float) for symbol in derivation.system.outputs
    }
    for loss in derivation.losses:
        backward = [line.equation for line in loss.cotangents]
        all_tensors = evaluate_system(backward, tensors, extents, FLOAT)
        grads = {
            name: all_tensors[line.equation.tensor.name].astype(float)
            for name, line in loss.gradients.items()
        }
        found[loss.loss.name] = (float(tensors[loss.loss.name][()]), grads)
    return found


def by_module(module: Any, derivation: Derivation, arrays: Mapping[str, Array]) -> dict[str, Any]:
    """By the generated module; a second step in the same workspace must find the same."""
    params = {p.symbol.name: arrays[p.symbol.name] for p in derivation.system.parameters}
    inputs = {i.symbol.name: arrays[i.symbol.name] for i in derivation.system.inputs}
    found: dict[str, Any] = {}
    if derivation.system.outputs:
        outputs = _call(module.forward, params, inputs)
        found |= {name: np.copy(array) for name, array in outputs.items()}
    for loss in derivation.losses:
        name = loss.loss.name
        step = getattr(module, f"{name}_and_grads")
        value, grads = _call(step, params, inputs)
        once = {by: np.copy(grad) for by, grad in grads.items()}
        extents = _run_time_extents(module, arrays)
        work = module.Workspace(**extents, dtype=np.float64)
        for _ in range(2):
            again, grads = _call(step, params, inputs, workspace=work)
            assert again == value
            for by, grad in grads.items():
                np.testing.assert_array_equal(grad, once[by], err_msg=f"{by}, workspace reused")
        assert abs(_call(getattr(module, name), params, inputs) - value) <= 1e-12 * (1 + abs(value))
        found[name] = (value, once)
    return found


def _call(
    function: Any, params: Mapping[str, Array], inputs: Mapping[str, Array], **options: Any
) -> Any:
    """The function of those inputs that it takes."""
    taken = inspect.signature(function).parameters
    wanted = {name: array for name, array in inputs.items() if name in taken}
    return function(params, **wanted, **options)


def _run_time_extents(module: Any, arrays: Mapping[str, Array]) -> dict[str, int]:
    """The extents that the workspace asks for, read off the arrays by the module's SHAPES."""
    wanted = inspect.signature(module.Workspace).parameters
    found = {}
    for name, array in arrays.items():
        for size, extent in zip(array.shape, module.SHAPES.get(name, ()), strict=False):
            if extent in wanted:
                found[extent] = size
    return found
