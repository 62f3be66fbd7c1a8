"""Whether a mutant differs at all from what it was made of.

A mutant that has the same values is no mutant: Σ_j f(j) without its last term where j has two
values and the last term is 0, h > 0 for z > 0 where h is relu(z). Two proofs, both exact:

- the two expressions agree at many random values of all tensors, each entry free: they are equal
  as functions (a polynomial that is 0 at random points is 0, Schwartz 1980);
- they agree wherever the equations before them hold: at many random values of what is given, at
  zeros and ties too, of various extents.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Expr

from symbackprop.checking.calling import case, dense
from symbackprop.checking.draw import Array, Instance, first_defined, run_time_extents
from symbackprop.checking.exact import compare
from symbackprop.checking.values import cotangent_values, forward_values
from symbackprop.derivation.model import Derivation, Line
from symbackprop.equations.evaluate import (
    Entries,
    Environment,
    Undefined,
    Value,
    compile_expression,
    extent_of,
)
from symbackprop.equations.nodes import TensorSymbol, tensors
from tests.mutation.derivations import DamagedLine
from tests.mutation.refusal import imported

_FREE, _HELD = 12, 8  # at how many values the two are held against each other
EVERYWHERE = "equal for all values of all tensors"
IN_THE_SYSTEM = "equal wherever the equations before it hold"
FROM_THE_MODULE = "the same results from small, usual and large inputs"


def of_line(derivation: Derivation, mutant: DamagedLine) -> str:
    """In what sense the two expressions are equal; nothing where they differ."""
    if _agree(mutant, _free(derivation, mutant)):
        return EVERYWHERE
    if _agree(mutant, _held(derivation, mutant.line)):
        return IN_THE_SYSTEM
    return ""


Values = Mapping[str, Entries]


def _agree(mutant: DamagedLine, drawn: Iterable[tuple[Values, Mapping[str, int]]]) -> bool:
    """Whether both have the same values wherever the right one has any; false where it has none."""
    compared = False
    for values, extents in drawn:
        for a, b in _both(mutant, values, extents):
            if a is not None and (b is None or not _same(a, b)):
                return False
            compared = compared or a is not None
    return compared


def _both(
    mutant: DamagedLine, values: Values, extents: Mapping[str, int]
) -> Iterator[tuple[Value | None, Value | None]]:
    """The values of the right and the wrong expression at every value of the indices."""
    environment = Environment(values, extents)
    shape = tuple(extent_of(e, extents) for e in mutant.line.equation.tensor.shape)
    right, wrong = (_entries(mutant, e, environment, shape) for e in (mutant.right, mutant.wrong))
    yield from zip(right, wrong, strict=True)


def _entries(
    mutant: DamagedLine, expr: Expr, environment: Environment, shape: tuple[int, ...]
) -> list[Value | None]:
    """The values at all entries; None where there is none."""
    try:
        at = compile_expression(expr, environment, mutant.line.equation.indices)
    except (AssertionError, Undefined):
        return [None for _ in np.ndindex(shape)]

    def value(point: tuple[int, ...]) -> Value | None:
        try:
            return at(point)
        except (AssertionError, Undefined):
            return None

    return [value(point) for point in np.ndindex(shape)]


def _same(a: Value, b: Value) -> bool:
    return compare(a, b, lambda a, b: f"{a} and {b}").held


def _free(
    derivation: Derivation, mutant: DamagedLine
) -> Iterator[tuple[Values, Mapping[str, int]]]:
    """Random values of everything that the two read."""
    read = {t for e in (mutant.right, mutant.wrong) for t in tensors(e)}
    for seed in range(_FREE):
        chance = np.random.default_rng(seed)
        extents = _extents(derivation, seed)
        drawn = {t.name: _any(t, extents, chance) for t in sorted(read, key=str)}
        yield {name: Entries.of(array) for name, array in drawn.items()}, extents


def _extents(derivation: Derivation, seed: int) -> Mapping[str, int]:
    """The usual run-time extents, and larger ones: a sum over two steps hides a third."""
    return {name: size + seed % 3 for name, size in run_time_extents(derivation.system).items()}


def _any(tensor: TensorSymbol, extents: Mapping[str, int], chance: np.random.Generator) -> Array:
    """Entries of either sign, some of them 0 and some equal."""
    shape = tuple(extent_of(e, extents) for e in tensor.shape)
    if tensor.kind != "real":
        below = 2 if tensor.classes is None else extent_of(tensor.classes, extents)
        return chance.integers(0, below, shape)
    coarse, fine = chance.integers(-1, 2, shape), chance.integers(1, 97, shape)
    signs = chance.choice([-1, 1], shape) if chance.integers(2) else np.ones(shape, int)
    return _fractions(np.where(chance.random(shape) < 1 / 4, 97 * coarse, signs * fine))


def _fractions(numerators: Array) -> Array:
    found = np.empty(np.shape(numerators), dtype=object)
    found.ravel()[:] = [Fraction(int(n), 97) for n in np.ravel(numerators)]
    return found


def _held(derivation: Derivation, line: Line) -> Iterator[tuple[Values, Mapping[str, int]]]:
    """Values of all tensors by the right equations."""
    loss = next(
        (x for x in derivation.losses if any(c.number == line.number for c in x.cotangents)), None
    )
    for seed in range(_HELD):
        extents = _extents(derivation, seed)

        def values(drawn: Instance, seed: int = seed) -> Values:
            given = _stretched(drawn.given, seed)
            forward = forward_values(derivation, dataclasses.replace(drawn, given=given))
            return cotangent_values(loss, forward, drawn.extents) if loss else forward

        with suppress(Undefined):
            yield first_defined(derivation.system, values, seed, extents), extents


def _stretched(given: Mapping[str, Array], seed: int) -> dict[str, Array]:
    """Larger values, so that more of them pass a threshold; or zeros; or halves, many equal."""
    chance = np.random.default_rng(seed)

    def stretched(array: Array) -> Array:
        if array.dtype != object or not chance.integers(3):
            return array
        by = (Fraction(1), Fraction(4), Fraction(1, 2), Fraction(2))[seed // 2 % 4]
        if seed % 2 == 0:
            return np.asarray(by * array)
        if seed % 4 == 1:
            thinned: Array = array.copy()
            thinned[chance.random(array.shape) < 3 / 4] = Fraction(0)
            return thinned
        return _fractions(np.vectorize(lambda f: 97 * round(2 * by * f) // 2)(array))

    rows = {n for n, a in given.items() if a.ndim and a.dtype == object and _sums_to_one(a)}
    return {n: a if n in rows else stretched(a) for n, a in given.items()}


def _sums_to_one(array: Array) -> bool:
    return bool(np.all(array.sum(axis=-1) == 1))


def of_module(derivation: Derivation, right: str, wrong: str) -> str:
    """Whether two modules return the same, from small, large, equal and single entries."""
    try:
        modules = imported(right), imported(wrong)
    except Exception:
        return ""
    for instance in _instances(derivation):
        right_results, wrong_results = (_results(derivation, m, instance) for m in modules)
        if _finite(right_results) and not _same_results(right_results, wrong_results):
            return ""
    return FROM_THE_MODULE


def _instances(derivation: Derivation) -> Iterator[Instance]:
    system = derivation.system
    reals = [s.name for s in system.given if s.kind == "real"]
    least = {e.name: 1 for e in system.extents}
    for seed in range(_HELD):
        for extents in (_extents(derivation, seed), least):
            try:
                drawn = first_defined(system, lambda found: found, seed, extents, exact=False)
            except (Undefined, AssertionError):
                continue
            for scale in (1.0, 300.0, 0.0):
                given = {
                    n: scale * drawn.given[n] for n in reals if seed % 2 or n in _inputs(system)
                }
                yield dataclasses.replace(drawn, given={**drawn.given, **given})


def _inputs(system: Any) -> set[str]:
    return {i.symbol.name for i in system.inputs if not i.distribution}


def _results(derivation: Derivation, module: Any, instance: Instance) -> list[Any]:
    """What the functions return, and what they leave in the states."""
    found: list[Any] = []
    for training in (None,) if derivation.in_use is None else (True, False):
        called = case(derivation, module, instance, np.float64, training)
        state = {name: array.copy() for name, array in called.state.items()}
        kept = {"state": state} if state else {}
        names = [x.loss.name for x in derivation.losses]
        functions = ["forward"] * bool(derivation.system.outputs)
        for function in [*functions, *names, *(f"{n}_and_grads" for n in names)]:
            with np.errstate(all="ignore"):
                try:
                    found += _flat(called.call(function, **kept), called)
                except Exception as raised:
                    found.append(str(raised))
        found += list(state.values())
    return found


def _flat(result: Any, called: Any) -> list[Any]:
    if isinstance(result, dict):
        shapes = {n: a.shape for n, a in {**called.inputs, **called.params}.items()}
        return [np.copy(dense(v, shapes.get(n, ()))) for n, v in sorted(result.items())]
    if isinstance(result, tuple):
        return [x for part in result for x in _flat(part, called)]
    return [np.copy(result)]


def _finite(results: list[Any]) -> bool:
    """Whether every function returned numbers: where it did not, nothing is asked of a mutant."""
    return all(not isinstance(r, str) and np.isfinite(r).all() for r in results)


def _same_results(right: list[Any], wrong: list[Any]) -> bool:
    if len(right) != len(wrong):
        return False
    for a, b in zip(right, wrong, strict=True):
        if isinstance(a, str) or isinstance(b, str):
            if isinstance(a, str) != isinstance(b, str):
                return False
        elif a.shape != b.shape or not np.allclose(a, b, 1e-9, 1e-12, equal_nan=True):
            return False
    return True
