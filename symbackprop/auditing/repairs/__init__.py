"""The corrected line: single edits of a stranger's source that mend a typical mistake.

An edit is a guess until it has been run: whoever asks for edits runs each and keeps the one with
which all gradients are right. They come likeliest first: by kind of mistake, by how close the
statement is to a wrong gradient, by how much alike the exchanged names are. All other bytes of
the file stay as they are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from symbackprop.auditing.repairs import (
    arithmetic,
    axes,
    blame,
    indices,
    names,
    slopes,
    steps,
    terms,
)
from symbackprop.auditing.repairs.code import Code, Spot, read
from symbackprop.auditing.repairs.lexicon import Lexicon
from symbackprop.auditing.repairs.places import Change, Place, places
from symbackprop.auditing.repairs.reach import reach
from symbackprop.auditing.repairs.scope import Scope

HINTED, SPOKEN = 1.5, 1.5
ENGLISH = {"a", "as", "at", "by", "in", "is", "it", "no", "not", "of", "that", "the", "where"}
# What no mistake in a derivation explains is more often one of axes, order, or indices.
UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class Repair:
    """Whole lines of the file, from `line` on, counted from 1: as they are, as they should be.

    `after` is empty where the lines are dropped.
    """

    line: int
    before: str
    after: str


@dataclass(frozen=True)
class Kind:
    """A kind of edit, how unlikely it is, and the words in a hint that speak for it."""

    edits: Callable[[Place], Iterator[Change]]
    cost: float
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepKind:
    """The same for an edit of a whole statement."""

    edits: Callable[[Scope], Iterator[Change]]
    cost: float
    hints: tuple[str, ...] = ()


TENSOR = ("wrong tensor", "wrong value", "stale", "wrong layer", "weights")
TURNED = ("transposed", "swapped axes", "shape")
SUMMED = ("axis", "axes", "shape", "factor")
SHIFTED = ("shift", "off by one", "range")
MISSING = ("missing term",)
SLOPE = ("forgotten", "derivative", "guard")

KINDS: tuple[Kind, ...] = (
    Kind(arithmetic.turned_difference, 0.2, ("sign",)),
    Kind(arithmetic.extra_minus, 0.5, ("sign",)),
    Kind(arithmetic.lost_minus, 0.7, ("sign",)),
    Kind(arithmetic.other_sign, 0.9, ("sign",)),
    Kind(slopes.slope, 0.7, SLOPE),
    Kind(slopes.other_slope, 0.6, SLOPE),
    Kind(arithmetic.mean_for_sum, 0.6, ("factor",)),
    Kind(arithmetic.known_factor, 0.8, ("factor",)),
    Kind(arithmetic.extra_factor, 0.8, ("factor", "extra")),
    Kind(axes.order_of_product, 0.7, TURNED),
    Kind(axes.transpose_of_all, 0.7, TURNED),
    Kind(axes.other_axis, 0.8, (*SUMMED, UNEXPLAINED)),
    Kind(axes.other_subscripts, 0.8, TURNED),
    Kind(names.other_name, 0.8, (*TENSOR, *SHIFTED)),
    Kind(terms.penalty, 1.0, MISSING),
    Kind(names.flag_of_call, 1.0, SLOPE),
    Kind(names.call_off_everywhere, 1.0, ("wrong value",)),
    Kind(arithmetic.other_comparison, 1.0, ("guard", "off by one", UNEXPLAINED)),
    Kind(arithmetic.other_number, 1.2, ("factor", *SHIFTED)),
    Kind(arithmetic.other_power, 1.2, ("wrong value", "factor", "derivative")),
    Kind(indices.other_step, 1.2, (*SHIFTED, UNEXPLAINED)),
    Kind(names.other_function, 1.2, ("wrong value", "derivative")),
    Kind(axes.missing_sum, 1.2, SUMMED),
    Kind(terms.lost_term, 1.2, ("extra", "term")),
    Kind(terms.term_of_the_file, 1.6, MISSING),
    Kind(slopes.half_slope, 0.8, SLOPE),
    Kind(names.value_of_name, 1.8, ("wrong value", "stale")),
    Kind(indices.guarded_step, 1.5, ("guard", *SHIFTED, UNEXPLAINED)),
    Kind(axes.kept_axes, 1.3, ("shape", "axis", UNEXPLAINED)),
    Kind(axes.outer_call_dropped, 1.3, ("wrong value", "extra", UNEXPLAINED)),
    Kind(axes.elementwise_for_matrix, 1.5, ("shape", "tensor", UNEXPLAINED)),
    Kind(slopes.slope_too_many, 0.9, ("factor", "extra", "derivative")),
    Kind(names.exchanged_names, 1.2, (*TENSOR, *TURNED)),
    Kind(terms.product_term, 2.2, MISSING),
    Kind(terms.factor_in_scope, 1.6, ("factor", *MISSING, *SLOPE)),
    Kind(axes.missing_row_sum, 2.2, (*MISSING, UNEXPLAINED)),
    Kind(terms.added_term, 1.5, MISSING),
    Kind(indices.other_range, 1.0, (*SHIFTED, UNEXPLAINED)),
    Kind(indices.other_slice, 1.5, (*SHIFTED, UNEXPLAINED)),
    Kind(arithmetic.factor_of_the_file, 1.7, ("factor", "guard", "forgotten", UNEXPLAINED)),
    Kind(arithmetic.complement, 1.7, ("wrong value", UNEXPLAINED)),
    Kind(names.call_around, 1.8, ("wrong value",)),
    Kind(names.swapped_pair, 2.0, TENSOR),
    Kind(axes.other_shape, 2.2, ("shape", UNEXPLAINED)),
    Kind(arithmetic.divided_for_multiplied, 2.3, ("factor",)),
    Kind(terms.row_of_sums, 3.0, (*MISSING, UNEXPLAINED)),
)
STEP_KINDS: tuple[StepKind, ...] = (
    StepKind(steps.other_sign_of_update, 0.9, ("sign",)),
    StepKind(steps.overwritten, 1.2, (*MISSING, UNEXPLAINED)),
    StepKind(steps.other_order, 1.2, ("stale", UNEXPLAINED)),
    StepKind(steps.added_at, 1.5, (*MISSING, UNEXPLAINED)),
    StepKind(steps.copied, 0.9, ("stale", UNEXPLAINED)),
    StepKind(steps.dropped, 1.8, ("factor", "extra", UNEXPLAINED)),
    StepKind(steps.taken_at_target, 1.8, (*MISSING, UNEXPLAINED)),
    StepKind(steps.rest_at_labels, 1.5, (*MISSING, UNEXPLAINED)),
    StepKind(steps.other_target, 2.2, (*TENSOR, UNEXPLAINED)),
)


def repairs(
    source: str, function: str, wrong: Sequence[str] = (), hint: str = "", line: int = 0
) -> Iterator[tuple[Repair, str]]:
    """Single edits of the function and of what it reaches in its file, likeliest first.

    `wrong` names the gradients that are wrong, by which statements that feed right ones stand
    back; `hint` is the kind of mistake, in words that may name values of the file, and `line`
    where it shows or raises an exception, as far as they are known. With each edit comes the
    whole new file, which compiles. Raises SyntaxError where the file is not Python.
    """
    code = read(source)
    seen = {source}
    found = changes(code, function, wrong, hint, line)
    for change in sorted(found, key=lambda change: change.cost):
        new = code.with_spots(0, len(code.text), change.spots)
        if new not in seen and _compiles(new):
            seen.add(new)
            yield _shown(code, change.spots), new


def blamed(source: str, function: str, gradient: str) -> int | None:
    """The line that computes a gradient of the function; None where none bears its name."""
    return blame.blamed(reach(read(source), function), gradient)


def changes(
    code: Code, function: str, wrong: Sequence[str] = (), hint: str = "", line: int = 0
) -> list[Change]:
    """All edits with what they cost in all, in the order of the text."""
    reached = reach(code, function)
    lexicon = Lexicon(reached)
    found: list[Change] = []
    blamed = blame.blame(reached, wrong, line)
    for step, unlikely in blamed.steps.items():
        scope = Scope(lexicon, step)
        for kind in STEP_KINDS:
            cost = kind.cost + unlikely - _told(kind.hints, hint)
            found += [Change(c.spots, c.cost + cost) for c in kind.edits(scope)]
        for place in places(scope):
            for of_place in KINDS:
                cost = of_place.cost + unlikely - _told(of_place.hints, hint)
                cost += blamed.values.get(place.node, 0.0) * (unlikely < blame.SOME)
                found += [Change(c.spots, c.cost + cost) for c in of_place.edits(place)]
    spoken = _names(hint) & _names(code.text.decode()) - ENGLISH
    return [Change(c.spots, c.cost - SPOKEN * _brings(code, c, spoken)) for c in found]


def _brings(code: Code, change: Change, names: set[str]) -> bool:
    """Whether an edit brings in one of the names."""
    if not names:
        return False
    before = b" ".join(code.text[s.start : s.end] for s in change.spots).decode()
    return bool(names & _names(" ".join(s.text for s in change.spots)) - _names(before))


def _names(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d]\w*", text))


def _told(hints: tuple[str, ...], hint: str) -> float:
    return HINTED if any(word in hint.lower() for word in hints) else 0.0


def _compiles(source: str) -> bool:
    try:
        ast.parse(source.removeprefix("\ufeff"))
    except (SyntaxError, ValueError):
        return False
    return True


def _shown(code: Code, spots: tuple[Spot, ...]) -> Repair:
    """The whole lines that the edit touches."""
    start, end = min(s.start for s in spots), max(s.end for s in spots)
    first, last = code.line(start), code.line(max(start, end - 1))
    start, end = code.lines(first, last)
    before, after = code.text[start:end].decode(), code.with_spots(start, end, spots)
    return Repair(first, before.rstrip("\r\n"), after.rstrip("\r\n"))
