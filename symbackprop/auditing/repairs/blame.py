"""Where a function hands out its gradients, and which statements feed which of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from symbackprop.auditing.repairs.places import called
from symbackprop.auditing.repairs.reach import Reach, Ref, Step, inside
from symbackprop.auditing.repairs.syntax import parameters, targets
from symbackprop.auditing.repairs.words import PARAMETER, Word

SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)
UNREACHED, SOME, SHARED, FORWARD, SHOWN = 5.0, 3.0, 3.0, 1.5, -0.5
PER_HOP = 0.45
LOSS = re.compile(r"^(loss|cost|error|mse|total\w*|j)$", re.I)
TARGET = re.compile(
    r"^(y\w{0,5}|t|ts|target\w*|label\w*|truth|expected\w*|desired\w*|answers?|ratings|counts|"
    r"\w+_true|d_?out\w*|dy|do|grad\w*|up\w*)$",
    re.I,
)


@dataclass(frozen=True, eq=False)
class Outlet:
    """A gradient or a new value that a function hands out: its label, and what stands there."""

    label: str
    step: Step
    value: ast.expr


def outlets(reach: Reach) -> list[Outlet]:
    """What the function returns, by its names, and what it updates in place.

    A tuple of expressions without names is in the order of the parameters that are handed in.
    """
    found: list[Outlet] = []
    for step in reach.steps:
        if isinstance(step.node, ast.Return) and step.scope is reach.entry and step.node.value:
            found += _labelled(reach, step, step.node.value, 0, "")
    given = [name for name in parameters(reach.entry) if Word(name, "array").parameter]
    bare = [outlet for outlet in found if not LOSS.match(outlet.label)]
    if len(bare) == len(given):
        pairs = zip(bare, given, strict=True)
        found = [Outlet(o.label or name, o.step, o.value) for o, name in pairs]
    labels = {outlet.label for outlet in found}
    return found + [o for o in _updates(reach) if o.label not in labels]


def _updates(reach: Reach) -> Iterator[Outlet]:
    """Values from outside that become what they are and something more: W -= rate * dW."""
    given = parameters(reach.entry)
    for step in reach.steps:
        node = step.node
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            for target in targets(node):
                ref = reach.ref(target)
                if ref is None or ref not in step.reads:
                    continue
                if ref[0] is None or isinstance(ref[0], ast.Module) or ref[1] in given:
                    yield Outlet((ref[1], *ref[2])[-1].lstrip("."), step, node.value)


def _labelled(
    reach: Reach, step: Step, value: ast.expr, depth: int, label: str
) -> Iterator[Outlet]:
    """The parts of a returned value that have a name of their own."""
    pairs = list(_parts(reach, value))
    if pairs and depth < 6:
        for name, part in pairs:
            yield from _labelled(reach, step, part, depth + 1, name)
        return
    inner: list[Outlet] = []
    if depth < 6 and isinstance(value, ast.Call):
        for other in reach.returns(called(value)):
            if isinstance(other.node, ast.Return) and other.node.value is not None:
                inner += _labelled(reach, other, other.node.value, depth + 1, "")
    elif depth < 6 and isinstance(value, (ast.Name, ast.Attribute)):
        inner += _held(reach, step, value, depth)
    if len(inner) > 1:
        yield from inner
    else:
        yield Outlet(label or _label(reach, value), step, value)


def _held(reach: Reach, step: Step, value: ast.expr, depth: int) -> Iterator[Outlet]:
    """The items of a container that a name holds: written whole, or one by one."""
    ref = reach.ref(value)
    writers = reach.feeding(step, ref) if ref else []
    for writer in sorted(writers, key=lambda s: s.order):
        node = writer.node
        if not isinstance(node, (ast.Assign, ast.AugAssign)):
            continue
        single, parts = targets(node), [node.value]
        if len(single) > 1 and isinstance(node.value, (ast.Tuple, ast.List)):
            parts = node.value.elts
        for target, part in zip(single, parts, strict=False):
            key = target.slice if isinstance(target, ast.Subscript) else None
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield Outlet(key.value, writer, part)
            elif list(_parts(reach, part)) or isinstance(part, ast.Call):
                inner = list(_labelled(reach, writer, part, depth + 1, ""))
                yield from inner if len(inner) > 1 else []


def _parts(reach: Reach, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """The items of a dict, a tuple or a list that is written out, with their labels."""
    if isinstance(value, ast.Dict):
        for key, part in zip(value.keys, value.values, strict=True):
            yield (str(key.value) if isinstance(key, ast.Constant) else ""), part
    elif isinstance(value, ast.Call) and called(value) == "dict":
        yield from ((k.arg or "", k.value) for k in value.keywords)
    elif isinstance(value, (ast.Tuple, ast.List)):
        yield from ((_label(reach, part), part) for part in value.elts)


def _label(reach: Reach, node: ast.expr) -> str:
    changed = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))
    ref = reach.ref(node.left if changed and isinstance(node, ast.BinOp) else node)
    return (ref[1], *ref[2])[-1].lstrip(".") if ref else ""


def meant(outlets: Sequence[Outlet], gradient: str) -> list[Outlet]:
    """The outlets that a gradient's name means: W1 is dW1, grad_w1, weights1, hidden_weights."""
    for reading in (_spelled, _said):
        wanted = {reading(gradient), reading(re.sub(r"^d(?=[A-Z])", "", gradient))}
        found = [o for o in outlets if o.label and reading(o.label) in wanted]
        if found:
            return found
    return []


def _spelled(name: str) -> str:
    word = Word(re.sub(r"^\W+", "", name) or "_", "array")
    bare = re.sub(r"_?(new|updated)_?", "", word.stem)
    return (bare + word.number).replace("_", "")


def _said(name: str) -> str:
    """A weight or a bias, and of which layer."""
    small = name.lower()
    bias = re.search(r"bias|offset|\bb|_b|^d?b", small) is not None
    first = re.search(r"hid|first|in(put)?(_|$)|xh", small) is not None
    last = re.search(r"out|last|hy|ho", small) is not None
    number = re.findall(r"\d+", small)
    layer = number[-1] if number else "1" if first else "2" if last else ""
    return ("b" if bias else "w") + layer


def blamed(reach: Reach, gradient: str) -> int | None:
    """The line that computes the gradient: copies and packings are followed back."""
    found = meant(outlets(reach), gradient)
    if not found:
        return None
    step, value = found[-1].step, found[-1].value
    for _ in range(8):
        ref = reach.ref(value)
        if ref is None:
            ref = _gradient_read(reach, value)
        writers = [w for w in reach.feeding(step, ref) if w is not step] if ref else []
        if not writers or not isinstance(writers[0].node, (ast.Assign, ast.AugAssign)):
            break
        step, value = writers[0], writers[0].node.value
    return value.lineno


def _gradient_read(reach: Reach, value: ast.expr) -> Ref | None:
    """The gradient in lr * dW."""
    for inner in ast.walk(value):
        if isinstance(inner, (ast.Name, ast.Attribute, ast.Subscript)):
            word = Word(reach.code.says(inner), "array")
            if word.cotangent and PARAMETER.match(word.stem):
                return reach.ref(inner)
    return None


@dataclass(frozen=True)
class Blame:
    """How unlikely the fault is in each statement, and in each expression that is handed out."""

    steps: Mapping[Step, float]
    values: Mapping[ast.AST, float]


def blame(reach: Reach, wrong: Sequence[str], line: int = 0) -> Blame:
    """Who is to blame for the wrong gradients, by how statements feed them.

    A single fault lies in what feeds all of them, and more likely in what feeds no right one; or
    at the line where it showed, if that is known, and in what feeds this.
    """
    every = outlets(reach)
    found = [meant(every, name) for name in wrong]
    bad = [outlet for some in found for outlet in some] or every
    good = [o for o in every if o not in bad] if found and all(found) else []
    to_each = [reach.hops([(o.step, tuple(reach.refs(o.value)))]) for o in bad]
    to_good = reach.hops((o.step, tuple(reach.refs(o.value))) for o in good)
    costs, late = {}, _late(reach)
    for step in reach.steps:
        hops = [to[step] for to in to_each if step in to]
        cost = _far(min(hops) if hops else None) + FORWARD * (step not in late)
        if hops and wrong:
            cost += SOME * (len(hops) < len(to_each))
            simple = isinstance(step.node, SIMPLE)
            if simple and step in to_good and (to_good[step] or min(hops)):
                cost += SHARED if to_good[step] <= min(hops) else SHARED / 2
        costs[step] = cost
    alone = [o for o in bad if len(bad) > 1 and wrong]
    values = {inner: SOME for o in [*alone, *good] for inner in ast.walk(o.value)}
    shown = _shown(reach, line)
    return Blame({s: min(cost, shown.get(s, cost)) for s, cost in costs.items()}, values)


def _shown(reach: Reach, line: int) -> dict[Step, float]:
    """The same for a fault that showed at a line."""
    spans = [(s, s.node.lineno, s.node.end_lineno or 0) for s in reach.steps]
    there = [s for s, first, last in spans if first <= line <= last][-1:]
    hops = reach.hops((s, s.reads) for s in there)
    return {s: _far(hop) + SHOWN for s, hop in hops.items()}


def _far(hops: int | None) -> float:
    return UNREACHED if hops is None else min(PER_HOP * hops, UNREACHED - 1)


def _late(reach: Reach) -> set[Step]:
    """The statements that the targets have a part in: not those of the forward pass alone."""
    names = [n for n in parameters(reach.entry) if TARGET.match(n)]
    wanted = {(reach.entry, n) for n in names}
    late = {s for s in reach.steps if any(r[:2] in wanted for r in s.reads)}
    if not late:
        return set(reach.steps)
    feeds = {s: set(reach.sources(s, s.reads)) for s in reach.steps}
    while more := {s for s in reach.steps if s not in late and feeds[s] & late}:
        late |= more
    heads = [s for s in reach.steps if not isinstance(s.node, SIMPLE)]
    return late | {h for h in heads if any(inside(reach.code, s, h.node) for s in late)}
