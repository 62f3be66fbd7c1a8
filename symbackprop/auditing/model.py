"""What an audit found: gradient by gradient, and fault by fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symbackprop import hypertext
from symbackprop.derivation.model import Line

AGREES, DIFFERS, MISSING = "agrees", "differs", "missing"
WRONG_SHAPE, NOT_FINITE, NOT_REACHED = "wrong shape", "not finite", "not reached"


@dataclass(frozen=True)
class Row:
    """One gradient: its verdict, and the largest difference over the largest right entry."""

    gradient: str
    verdict: str
    difference: float | None = None
    detail: str = ""

    @property
    def held(self) -> bool:
        return self.verdict == AGREES


@dataclass(frozen=True)
class Correction:
    """Whole lines of the stranger's file, from `line` on: as they are, and as they should be."""

    line: int
    before: str
    after: str


@dataclass(frozen=True)
class Finding:
    """One fault.

    kind: opposite sign, wrong factor, forgotten derivative, derivative of the wrong value, missing
    term, transposed, wrong tensor, stale values, shape error, …; `unexplained` where no mistake
    gives the stranger's values; `failed` where there are none. `gradients` are those it spoils.
    `line` is the derivation's. `place` and `text` are the stranger's line, 0 where it is not known.
    `corrections` are verified: with them, and those of the other findings, all gradients agree.
    `numpy` is the derivation's line in NumPy.
    """

    kind: str
    words: str
    gradients: tuple[str, ...] = ()
    line: Line | None = None
    factor: str = ""
    place: int = 0
    text: str = ""
    corrections: tuple[Correction, ...] = ()
    numpy: str = ""
    fix: str = ""


@dataclass(frozen=True)
class Audit:
    """Hand-written gradients held against the derived ones; true only if all of them agree."""

    file: str
    function: str
    spec: str
    points: int
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    verified: bool = False

    def __bool__(self) -> bool:
        return bool(self.rows) and all(row.held for row in self.rows) and not self.findings

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    @property
    def verdict(self) -> str:
        """The line that sums up."""
        wrong = sum(not row.held for row in self.rows)
        if self:
            return f"accepted: all {len(self.rows)} gradients agree at {self.points} points"
        if all(row.verdict == NOT_REACHED for row in self.rows):
            return "refused: it gives no gradients"
        named = sum(f.kind not in ("unexplained", "failed") for f in self.findings)
        faults = f"{named} fault{'s' if named != 1 else ''} found"
        if any(f.kind == "unexplained" for f in self.findings):
            faults = "not explained" if not named else f"{faults}, the rest is not explained"
        return f"refused: {wrong} of {len(self.rows)} gradients differ; {faults}"

    def __str__(self) -> str:
        from symbackprop.auditing.printed import text

        return text(self)

    def _repr_html_(self) -> str:
        return hypertext.verbatim(str(self))
