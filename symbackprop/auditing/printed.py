"""An audit in words: the gradients, then each fault with the derivation's equation beside it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from symbackprop.auditing.model import NOT_REACHED, Audit, Finding, Row
from symbackprop.report import line_text
from symbackprop.spec.errors import printable

TITLES = ("gradient", "verdict", "largest difference")


def text(audit: Audit) -> str:
    """The whole report as plain text."""
    table = [TITLES, *(cells(row) for row in shown(audit))]
    widths = [max(len(line[c]) for line in table) for c in range(len(TITLES))]
    lines = [
        f"{line[0]:{widths[0]}}  {line[1]:{widths[1]}}  {line[2]:>{widths[2]}}".rstrip()
        for line in table
    ]
    lines += after_table(audit)
    return "\n".join([heading(audit), *(["", *lines] if shown(audit) else lines[1:])])


def shown(audit: Audit) -> tuple[Row, ...]:
    """The gradients, where the function got as far as to give some."""
    return audit.rows if any(row.verdict != NOT_REACHED for row in audit.rows) else ()


def heading(audit: Audit) -> str:
    """What is held against what."""
    return f"{audit.file}:{audit.function} against {audit.spec}, at {audit.points} random points"


def cells(row: Row) -> tuple[str, str, str]:
    """A gradient, its verdict, and by how much it differs or why nothing can be said."""
    shown = row.detail
    if row.difference is not None:
        shown = "0" if row.difference == 0 else f"{row.difference:.1e}"
    return row.gradient, row.verdict, shown


def after_table(audit: Audit) -> list[str]:
    """The notes, the faults and the line that sums up."""
    lines = [f"note: {note}" for note in audit.notes]
    lines = ["", *lines] if lines else []
    for number, finding in enumerate(audit.findings, 1):
        lines += ["", *_finding_lines(audit, number, finding)]
    return [*map(printable, [*lines, "", audit.verdict])]


def _finding_lines(audit: Audit, number: int, finding: Finding) -> Iterator[str]:
    kind = finding.kind
    if finding.factor and finding.kind == "wrong factor":
        kind = f"wrong factor {finding.factor}"
    yield f"{number}. {kind}: {finding.words}"
    rows: list[tuple[str, str]] = []
    if finding.gradients:
        rows.append(
            ("spoils", f"the gradient{_s(finding.gradients)} of {_listed(finding.gradients)}")
        )
    if finding.line is not None:
        rows.append((f"derivation ({finding.line.number})", line_text(finding.line)))
    name = Path(audit.file).name
    for correction in finding.corrections:
        rows += _corrected(name, correction.line, correction.before, correction.after)
    if not finding.corrections:
        if finding.place:
            rows.append((f"{name}:{finding.place}", finding.text))
        if finding.numpy:
            rows.append(("in NumPy", finding.numpy))
    width = max((len(title) for title, _ in rows), default=0)
    for title, shown in rows:
        yield f"   {title:{width}}  {shown}"
    if finding.corrections:
        yield f"   {_verified(audit)}"
    if finding.fix:
        yield f"   fix: {finding.fix}"


def _corrected(name: str, line: int, before: str, after: str) -> Iterator[tuple[str, str]]:
    """The changed lines as they are and as they should be; for a line that moves, where to."""
    old, new = before.splitlines(), after.splitlines()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    changes = [op for op in matcher.get_opcodes() if op[0] != "equal"]
    for _, first, last, _, _ in changes:
        for number in range(first, last):
            yield f"{name}:{line + number}", old[number].strip()
    if not any(op[0] in ("replace", "insert") for op in changes):
        yield "corrected", "without it"
    for kind, first, _, start, stop in changes:
        where = f"   (before line {line + first})" if kind == "insert" else ""
        for number in range(start, stop):
            yield "corrected", new[number].strip() + where


def _verified(audit: Audit) -> str:
    if not audit.verified:
        return "with this line the gradients that this fault alone spoils agree"
    if sum(len(f.corrections) for f in audit.findings) > 1:
        return "with all corrected lines, all gradients agree"
    return "with this line all gradients agree"


def _listed(names: tuple[str, ...]) -> str:
    *front, last = names
    return f"{', '.join(front)} and {last}" if front else last


def _s(names: tuple[str, ...]) -> str:
    return "s" if len(names) > 1 else ""
