"""Proof of steps: no derivation is handed out in which an equality was not seen to hold.

But for those that are too dear to evaluate.

| room | what it knows |
|---|---|
| `equalities` | what a derivation says: its steps, and of each cotangent what it has to be |
| `statements` | each equality as a statement of its own, and what it may take in |
| `form` | statements without their names, so that what a deep network repeats is proved once |
| `instances` | small extents, and random entries for every tensor: generic, or at kinks and ties |
| `nets` | more points, for what has no values at those |
| `duals` | derivatives at a point, and what they are at kinks |
| `sides`, `sums` | the two sides on an instance, as functions of the indices |
| `remembered` | reductions, each computed once for the indices that it depends on |
| `evaluation` | whether they agree, at every place or at sampled ones |
| `comparison` | what counts as agreeing, and how two sides that part are told |

Nothing here imports what it judges: the rules that made the steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from symbackprop.derivation.model import Derivation
from symbackprop.errors import Unproved
from symbackprop.proof.comparison import NO_VALUES, TOO_DEAR, Difference, Outcome, entry
from symbackprop.proof.equalities import Equality, equalities
from symbackprop.proof.evaluation import outcome, told
from symbackprop.proof.extents import may_shrink
from symbackprop.proof.instances import Draw
from symbackprop.proof.statements import Facts, Statement

__all__ = [
    "FIRST",
    "NO_VALUES",
    "THOROUGH",
    "TOO_DEAR",
    "Draw",
    "Equality",
    "Facts",
    "Outcome",
    "equalities",
    "outcomes",
    "prove",
    "words",
]

# What is drawn before a derivation is handed out, and what `check` draws. A tensor that its
# equation defines meets a kink where most entries that it is made of are 0.
FIRST = (Draw(0), Draw(1, kinks=True), Draw(2, kinks=True, smooth=False))
THOROUGH = (
    *(Draw(shape, operations=50_000) for shape in (0, 1)),
    *(Draw(2 + k, kinks=True, zeros=zeros) for k, zeros in enumerate((2, 6))),
    *(Draw(4 + k, kinks=True, zeros=zeros, smooth=False) for k, zeros in enumerate((12, 24, 24))),
)
_MOST = 12  # statements made of one equality, each with the equations of more tensors
_TOGETHER = 3  # of them that are tried at smaller extents before any at its own
_ROUNDS = 4  # of them that may fail at kinks alone
_FEW = 8  # entries that a message tells


def prove(derivation: Derivation) -> None:
    """Every equality of the derivation, and of what is in use where that differs.

    Raises Unproved for the first that fails, or that has no values at any point.
    """
    for one in (derivation, derivation.in_use):
        if one is not None:
            facts = Facts(one)
            _refuse_misnamed(one)
            for equality in equalities(one):
                last = outcomes(equality, facts, FIRST)[-1]
                if last.nothing == NO_VALUES:
                    raise Unproved(_without_values(equality))
                if last.difference:
                    raise Unproved(
                        f'rule "{equality.rule}" does not hold; nothing is shown or written\n'
                        f"  {words(equality, facts, FIRST)}\n"
                        "  fix: this is a fault of symbackprop; please report it with the spec"
                    )


def _refuse_misnamed(derivation: Derivation) -> None:
    """Raises Unproved unless there is each gradient that was asked for, and no other.

    Each has to be a line of its loss, of the tensor of that name.
    """
    for loss in derivation.losses:
        if tuple(loss.gradients) != loss.wrt:
            found, wanted = (", ".join(names) or "nothing" for names in (loss.gradients, loss.wrt))
            raise Unproved(
                f"gradients of {loss.loss.name} by {found}, asked for by {wanted}; nothing is "
                "shown or written\n"
                "  fix: this is a fault of symbackprop; please report it with the spec"
            )
        own = {line.number: line for line in loss.cotangents}
        for name, line in loss.gradients.items():
            if own.get(line.number) != line or line.of is None or line.of.name != name:
                raise Unproved(
                    f"what stands for the gradient of {name} is another line; nothing is shown or "
                    f"written\n  equation ({line.number}), {line.equation.tensor.name}\n"
                    "  fix: this is a fault of symbackprop; please report it with the spec"
                )


def outcomes(equality: Equality, facts: Facts, draws: Sequence[Draw] = THOROUGH) -> list[Outcome]:
    """What came of each draw for the first statement made of the equality that holds.

    If none holds, for the last that has values, up to the draw on which it fails; if none has
    values, the one outcome that says why.
    """
    return _outcomes(equality, facts, draws)[2]


def _outcomes(
    equality: Equality, facts: Facts, draws: Sequence[Draw]
) -> tuple[Statement | None, Sequence[Draw], list[Outcome]]:
    last: tuple[Statement | None, Sequence[Draw], list[Outcome]] | None = None
    too_dear = False
    unseen = False  # at its own extents, where it fails at smaller ones, which may be their fault
    at_kinks = 0  # how often it failed there alone; each equation taken in makes kinks rarer
    for statement, own in _attempts(equality, facts):
        drawn = [replace(draw, own=own) for draw in draws]
        found = _until_failure(statement, drawn)
        has_values = found[-1].difference or any(o.held for o in found)
        too_dear = too_dear or any(o.nothing == TOO_DEAR for o in found)
        unseen = unseen or (own and not has_values)
        if has_values:
            last = statement, drawn, found
            if not found[-1].difference:
                break
            at_kinks += drawn[len(found) - 1].kinks and any(o.held for o in found[:-1])
            if at_kinks == _ROUNDS:
                break
    if last is not None and not (unseen and last[2][-1].difference and not last[1][0].own):
        return last
    return None, draws, [Outcome(nothing=TOO_DEAR if too_dear else NO_VALUES)]


def _attempts(equality: Equality, facts: Facts) -> Iterator[tuple[Statement, bool]]:
    """Statements made of an equality, and whether fixed extents keep their own lengths.

    They do where a statement fails at smaller ones: it may speak of them in numbers.
    """
    statements = islice(facts.statements(equality), _MOST)
    for first in statements:
        some = [first]
        yield first, False
        for statement in islice(statements, _TOGETHER - 1):
            some.append(statement)
            yield statement, False
        yield from ((statement, True) for statement in some if may_shrink(statement))


def _until_failure(statement: Statement, draws: Sequence[Draw]) -> list[Outcome]:
    found: list[Outcome] = []
    for draw in draws:
        found.append(outcome(statement, draw))
        if found[-1].difference:
            break
    return found


def _without_values(equality: Equality) -> str:
    line, before, after = equality.line, equality.before, equality.after
    return (
        f'rule "{equality.rule}": no point was found where both sides have values; nothing is '
        "shown or written\n"
        f"  equation ({line.number}) {line.equation.lhs} = {line.equation.rhs}\n"
        f"  {before.name}: {before.expr}\n"
        f"  {after.name}: {after.expr}\n"
        "  fix: see that what it takes logarithms or roots of, or divides by, allows them somewhere"
    )


def words(equality: Equality, facts: Facts, draws: Sequence[Draw] = THOROUGH) -> str:
    """The equation, the place where its sides part, and both values, of an equality that fails."""
    statement, drawn, found = _outcomes(equality, facts, draws)
    assert statement is not None and found[-1].difference
    # told anew: what is remembered may have the names of another statement of the same form
    difference = told(statement, drawn[len(found) - 1])
    return _words(equality, difference)


def _words(equality: Equality, difference: Difference) -> str:
    line, (before, after) = equality.line, (equality.before, equality.after)
    at = entry(line.equation.tensor.name, difference.point)
    lines = [
        f'equation ({line.number}), {at}, rule "{equality.rule}": '
        f"{before.name} is {difference.before}, {after.name} is {difference.after}",
        f"  ({line.number}) {line.equation.lhs} = {line.equation.rhs}",
        f"  {before.name}: {before.expr}",
        f"  {after.name}: {after.expr}",
    ]
    if 0 < len(difference.read) <= _FEW:
        lines.append(f"  where {', '.join(difference.read)}")
    return "\n".join(lines)
