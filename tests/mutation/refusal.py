"""Whether the checks refuse a damaged derivation or module: the functions of `symbackprop check`.

The cheapest comes first, and the first that refuses ends it. A check that is left out could only
have refused once more.
"""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any
from unittest import mock

import numpy as np

from symbackprop.checking import gradients
from symbackprop.checking.draw import TooLarge, run_time_extents
from symbackprop.checking.evaluated import Expected, expect
from symbackprop.checking.extremes import check_extremes
from symbackprop.checking.module import check_module
from symbackprop.checking.report import Row
from symbackprop.checking.values import work
from symbackprop.checking.wide import check_wide
from symbackprop.checking.zeros import check_zeros
from symbackprop.derivation.model import Derivation
from symbackprop.equations.evaluate import Undefined
from symbackprop.equations.recurrence import NoRecurrence
from symbackprop.proof import Facts, equalities, outcomes, words

Check = Callable[[], list[Row]]

_EXACT = 8_000_000  # operations up to which `check` takes exact values of a tiny instance
_NO_VALUES = (AssertionError, NoRecurrence, Undefined)  # for these `check` refuses the equations


def of_steps(derivation: Derivation, number: int | None = None) -> str:
    """Why an equality of one line is refused, or of any, as `check` does; nothing if none is."""
    facts = Facts(derivation)
    for equality in equalities(derivation):
        if number in (None, equality.line.number):
            found = outcomes(equality, facts)
            if found and found[-1].difference:
                return words(equality, facts)
    return ""


def of_gradients(derivation: Derivation) -> str:
    """Why the gradients of a derivation are refused in floats; nothing if they are not."""
    return _failure(
        [lambda: check_wide(derivation, expect(derivation)), lambda: check_zeros(derivation)]
    )


def of_exact_gradients(derivation: Derivation) -> str:
    """Why SymPy's derivatives refuse a derivation that is small enough for them."""
    if work(derivation, run_time_extents(derivation.system)) > _EXACT:
        return ""
    return _failure([lambda: gradients.check_gradients(derivation)])


@contextmanager
def remembering() -> Iterator[None]:
    """SymPy's derivatives of a loss are found once: damage to a derivation leaves them as they are.

    For the derivations of one system alone.
    """
    known: dict[Any, Any] = {}
    find = gradients._Tracer.derivative

    @functools.wraps(find)
    def derivative(tracer: Any, system: Any, loss: str, by: str, position: int, *rest: Any) -> Any:
        key = (loss, by, position)
        if key not in known:
            known[key] = find(tracer, system, loss, by, position, *rest)
        return known[key]

    with mock.patch.object(gradients._Tracer, "derivative", derivative):
        yield


class Modules:
    """What a derivation expects of its module, computed once for all mutants of it."""

    def __init__(self, derivation: Derivation, source: str) -> None:
        in_use = derivation.in_use
        self.source = source
        self.modes: list[tuple[Derivation, Expected, bool | None]] = [
            (derivation, expect(derivation), None if in_use is None else True)
        ]
        if in_use is not None:
            self.modes.append((in_use, expect(in_use), False))

    def refused(self, source: str) -> str:
        """Why a module is refused; nothing if it is not. What cannot be imported is refused."""
        try:
            module = imported(source)
        except Exception as raised:  # whatever a damaged module does when it is read
            return f"{type(raised).__name__}: {raised}"
        with np.errstate(all="ignore"):
            return _failure(part for mode in self.modes for part in self._parts(module, *mode))

    def _parts(
        self, module: Any, derivation: Derivation, expected: Expected, training: bool | None
    ) -> Iterator[Check]:
        instance = expected.forward.instance
        yield functools.partial(check_module, derivation, module, expected, training)
        yield functools.partial(check_extremes, derivation, module, instance, training)

    def shapes(self) -> dict[str, dict[str, tuple[int, ...]]]:
        """The shapes of the arrays in each function, by name, as the checks call it."""
        module = imported(self.source)
        found: dict[str, dict[str, tuple[int, ...]]] = {}

        def returned(frame: FrameType, event: str, value: object) -> None:
            if event == "return" and frame.f_globals is module.__dict__:
                known = {**frame.f_locals, **_buffers(frame.f_locals.get("work"))}
                arrays = {n: a for n, a in known.items() if isinstance(a, np.ndarray)}
                shapes = found.setdefault(frame.f_code.co_name, {})
                shapes.update({name: array.shape for name, array in arrays.items()})

        derivation, expected, training = self.modes[0]
        sys.setprofile(returned)
        try:
            check_module(derivation, module, expected, training)
        finally:
            sys.setprofile(None)
        return found


def _buffers(work: Any) -> dict[str, Any]:
    return {f"work.{name}": value for name, value in vars(work).items()} if work else {}


def imported(source: str) -> Any:
    """The module that the source is."""
    module = ModuleType("mutant")
    exec(builtins.compile(source, "<mutant>", "exec"), module.__dict__)
    return module


def _failure(parts: Iterable[Check]) -> str:
    for part in parts:
        try:
            failed = [row.failure for row in part() if not row.held]
        except TooLarge:
            continue
        except _NO_VALUES as wrong:
            return str(wrong) or type(wrong).__name__
        if failed:
            return failed[0]
    return ""
