"""What has to hold of any text: a refusal in plain words, or a module whose numbers are right.

A share of specs goes through the whole checker and all reports too.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from sympy import I

from symbackprop import report
from symbackprop.checking import check
from symbackprop.derivation import differentiate
from symbackprop.derivation.model import Derivation
from symbackprop.emit import emit_module, emit_test
from symbackprop.equations.build import build
from symbackprop.program import lower
from symbackprop.proof import Unproved, prove
from symbackprop.spec import SpecError, parse
from tests.fuzz.numbers import Outcome, Wrong, numbers

SECONDS = 20  # of processor time for one spec, without the whole checker
SECONDS_OF_CHECK = 120
# At the sizes that the checker draws, rounding in cosh of a large sum is larger than gradients.
GROWING = re.compile(r"\b(exp|expm1|sinh|cosh|tan)\(")


class Hangs(BaseException):
    """Time is up; no SymPy code catches it."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises Hangs after so much processor time."""

    def stop(*_: Any) -> None:
        raise Hangs(f"more than {seconds} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def outcome(text: str, seed: int, thorough: bool = False) -> Outcome:
    """What becomes of the text. Raises whatever is no refusal: Wrong, Hangs, any exception."""
    with within(SECONDS):
        try:
            system = build(parse(text))
        except SpecError as refusal:
            require_plain(refusal)
            return Outcome("refused", _kind_of(refusal))
        derivation = differentiate(system)
        if any(line.equation.rhs.has(I) for line in derivation.lines()):
            return _unproved(derivation)
        program = lower(derivation)
        source = emit_module(program, "float64")
        module = ModuleType("fuzzed")
        exec(compile(source, "fuzzed.py", "exec", dont_inherit=True), module.__dict__)
        found = numbers(derivation, module, seed)
    if thorough:
        with within(SECONDS_OF_CHECK):
            _printed(derivation)
            compile(emit_test(program), "test_fuzzed.py", "exec")
            by_nothing = not any(loss.gradients for loss in derivation.losses)
            if found.kind == "held" and not GROWING.search(text) and not by_nothing:
                proof = check(derivation, module)
                if any(not row.held for row in proof):
                    raise Wrong(f"the checker says:\n{proof}")
    return found


def _unproved(derivation: Derivation) -> Outcome:
    """Log(-1 - n) has an imaginary part for any n, which a rule brings to light."""
    try:
        prove(derivation)
    except Unproved:
        return Outcome("refused", "no point was found where a step has values")
    raise Wrong("an imaginary number is proved")


def require_plain(refusal: SpecError) -> None:
    """Every fault says what is wrong and what would help, at a place that exists."""
    lines = refusal.source.text.split("\n")
    for fault in refusal.faults:
        if not (fault.message.strip() and fault.fix.strip()):
            raise Wrong(f"a fault without words: {fault}")
        place = fault.place
        if place is None:
            continue
        if not (
            1 <= place.line <= len(lines) and 1 <= place.column <= len(lines[place.line - 1]) + 1
        ):
            raise Wrong(f"a fault at no place of the text: {fault}")
    if "fix: " not in str(refusal):
        raise Wrong(f"a refusal without a fix: {refusal}")


def _kind_of(refusal: SpecError) -> str:
    """The first fault's message without the names and numbers in it."""
    message = refusal.faults[0].message
    message = re.sub(r"'[^']*'|\[[^\]]*\]|\b[a-z]{1,4}\d+(_\w+)?\b|\b[A-Z]\w?\b", "…", message)
    return re.sub(r"\d+|\b[a-z]\b", "#", message)[:70]


def _printed(derivation: Derivation) -> None:
    for detail in ("result", "steps"):
        for form in (report.text, report.latex, report.markdown, report.json):
            form(derivation, detail)
    report.document_tex(derivation)
    report.document_markdown(derivation)
