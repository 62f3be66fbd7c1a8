"""Edits of whole statements: how they assign, in which order they stand, whether they are there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from symbackprop.auditing.repairs.code import ATOM, SIGNED, Code, Spot
from symbackprop.auditing.repairs.places import Change
from symbackprop.auditing.repairs.scope import Scope
from symbackprop.auditing.repairs.syntax import targets

FAR, LONG = 8, 4  # statements over which another is moved, lines that it may have
ASSIGNED = {ast.Add: "+=", ast.Sub: "-=", ast.Mult: "*=", ast.Div: "/="}


def other_sign_of_update(scope: Scope) -> Iterator[Change]:
    """+= where -= belongs: an ascent."""
    node, code = scope.step.node, scope.reach.code
    if isinstance(node, ast.AugAssign) and type(node.op) in ASSIGNED:
        old = ASSIGNED[type(node.op)]
        new = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*="}[old]
        yield Change((code.sign(node.target, node.value, old, new),))


def overwritten(scope: Scope) -> Iterator[Change]:
    """= where += belongs: a term that overwrites the others; or the other way round."""
    node, code = scope.step.node, scope.reach.code
    if isinstance(node, ast.AugAssign) and type(node.op) in ASSIGNED:
        yield Change((code.sign(node.target, node.value, ASSIGNED[type(node.op)], "="),), 0.5)
    elif isinstance(node, ast.Assign) and len(node.targets) == len(targets(node)) == 1:
        for rank, new in enumerate(("+=", "-=")):
            spot = code.sign(node.targets[0], node.value, "=", new)
            yield Change((spot,), 0.7 * rank)


def other_order(scope: Scope) -> Iterator[Change]:
    """A value is overwritten before it is last used, or computed before it is ready."""
    step, code = scope.step, scope.reach.code
    block = _block(code, step.node)
    at = block.index(step.node)
    if not _own_lines(code, step.node) or _height(step.node) > LONG:
        return
    for other in range(max(at - FAR, 0), min(at + FAR + 1, len(block))):
        if other != at and _own_lines(code, block[other]):
            between = block[at + 1 : other + 1] if other > at else block[other:at]
            if _matters(scope, between):
                cost = 0.15 * abs(other - at) + 0.05 * sum(_height(b) - 1 for b in between)
                yield Change(_moved(code, block, at, other), cost)


def _height(node: ast.stmt) -> int:
    """How many lines a statement takes."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _matters(scope: Scope, between: list[ast.stmt]) -> bool:
    """Whether moving the statement over these changes what one of them, or it, reads."""
    step, steps = scope.step, scope.reach.step_of
    if any(isinstance(b, ast.Return) for b in [*between, step.node]):
        return False
    inner = [steps[n] for b in between for n in ast.walk(b) if n in steps]
    written = {ref[:2] for s in inner for ref in s.writes}
    read = {ref[:2] for s in inner for ref in s.reads}
    own = {ref[:2] for ref in step.writes}
    return bool(own & read or written & {ref[:2] for ref in step.reads})


def _moved(code: Code, block: list[ast.stmt], at: int, to: int) -> tuple[Spot, ...]:
    """The lines of one statement taken to where another of its block stands."""
    start, end = _lines(code, block[at])
    text = code.text[start:end].decode()
    first, last = _lines(code, block[to])
    there = last if to > at else first
    if there == len(code.text) and not code.text.endswith((b"\n", b"\r")):
        return Spot(start, end, ""), Spot(there, there, code.ending + text.rstrip("\r\n"))
    return tuple(sorted((Spot(start, end, ""), Spot(there, there, text)), key=lambda s: s.start))


def dropped(scope: Scope) -> Iterator[Change]:
    """A statement too many: a factor applied twice, a value overwritten."""
    node, code = scope.step.node, scope.reach.code
    own = {ref[:2] for ref in scope.step.writes} & {ref[:2] for ref in scope.step.reads}
    if isinstance(node, (ast.AugAssign, ast.Assign)) and own and _own_lines(code, node):
        if len(_block(code, node)) > 1:
            yield Change((Spot(*_lines(code, node), ""),))
        else:
            yield Change((Spot(*code.span(node), "pass"),))


def copied(scope: Scope) -> Iterator[Change]:
    """Two names for one array, which is then changed in place: a copy was meant."""
    node, code, reach = scope.step.node, scope.reach.code, scope.reach
    refs = (ast.Name, ast.Attribute, ast.Subscript)
    if isinstance(node, ast.Assign) and isinstance(node.value, refs):
        names = {ref[:2] for ref in (*scope.step.reads, *scope.step.writes)}
        changed = [s for s in reach.steps if isinstance(s.node, ast.AugAssign)]
        cost = -1.0 if any(ref[:2] in names for s in changed for ref in s.writes) else 1.0
        yield Change((code.instead(node.value, f"{code.says(node.value)}.copy()", ATOM),), cost)
    if isinstance(node, ast.AugAssign) and type(node.op) in ASSIGNED:
        sign, target = ASSIGNED[type(node.op)][0], code.says(node.target)
        text = f"{target} = {target} {sign} {code.operand(node.value, SIGNED)}"
        yield Change((Spot(*code.span(node), text),), 1.0)


def added_at(scope: Scope) -> Iterator[Change]:
    """Rows that are named twice are added once: np.add.at adds each."""
    node, code = scope.step.node, scope.reach.code
    if not isinstance(node, (ast.AugAssign, ast.Assign)):
        return
    target = targets(node)[0] if len(targets(node)) == 1 else None
    if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Constant):
        base, index = code.says(target.value), code.says(target.slice)
        index = f"({index})" if isinstance(target.slice, ast.Tuple) and index[0] != "(" else index
        name = "subtract" if isinstance(getattr(node, "op", None), ast.Sub) else "add"
        start, end = code.span(node)
        yield Change((Spot(start, end, f"np.{name}.at({base}, {index}, {code.says(node.value)})"),))


def taken_at_target(scope: Scope) -> Iterator[Change]:
    """The one that a label takes off its entry is missing after an assignment."""
    step, code = scope.step, scope.reach.code
    target = targets(step.node)
    if not isinstance(step.node, ast.Assign) or len(target) != 1 or not _own_lines(code, step.node):
        return
    for index in scope.lexicon.labels:
        start, end = _lines(code, step.node)
        margin = code.text[start : code.span(step.node)[0]].decode()
        at = start + len(code.text[start:end].rstrip(b"\r\n"))
        text = f"{code.ending}{margin}{code.says(target[0])}[{index}] -= 1"
        yield Change((Spot(at, at, text),))


def rest_at_labels(scope: Scope) -> Iterator[Change]:
    """What a row gives to the entry at its label is not the sum of all that the others give."""
    node, code = scope.step.node, scope.reach.code
    target = targets(node)[0] if isinstance(node, ast.Assign) and targets(node) else None
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Tuple):
        assert isinstance(node, ast.Assign)
        total = f"{code.says(target.value)}.sum(axis=1)"
        yield Change((code.instead(node.value, f"-{total}", SIGNED),))
        yield Change((code.instead(node.value, total, ATOM),), 0.5)


def other_target(scope: Scope) -> Iterator[Change]:
    """The value is assigned to a neighbour of the name that it belongs to."""
    node, code = scope.step.node, scope.reach.code
    if isinstance(node, (ast.Assign, ast.AugAssign)) and len(targets(node)) == 1:
        target = targets(node)[0]
        stem = re.sub(r"\d+", "", code.says(target))
        for word in scope.words:
            if word.text != code.says(target) and re.sub(r"\d+", "", word.text) == stem:
                yield Change((code.instead(target, word.text, ATOM),))


def _block(code: Code, node: ast.stmt) -> list[ast.stmt]:
    """The statements among which this one stands."""
    parent = code.parents[node]
    for name in ("body", "orelse", "finalbody"):
        block = getattr(parent, name, None)
        if isinstance(block, list) and node in block:
            return block
    return [node]


def _lines(code: Code, node: ast.stmt) -> tuple[int, int]:
    start, end = code.span(node)
    return code.lines(code.line(start), code.line(end))


def _own_lines(code: Code, node: ast.stmt) -> bool:
    """Whether nothing but this statement, and a comment, stands on its lines."""
    start, end = code.span(node)
    first, last = _lines(code, node)
    after = code.text[end:last].strip()
    return not code.text[first:start].strip() and (not after or after.startswith(b"#"))
