"""What a function reaches in its file: the statements, what each reads and writes, who feeds whom.

Names are followed without running anything: a read is fed by the last write before it, in a loop
also by later ones; an attribute by every method that writes it; a call by what is returned.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from symbackprop.auditing.repairs.code import Code
from symbackprop.auditing.repairs.syntax import (
    CALLED,
    FUNCTIONS,
    around,
    bindings,
    definition,
    definitions,
    heads,
    parameters,
    statements,
    targets,
)

# A place that holds a value: its scope (None for an attribute), its name, its constant keys.
Ref = tuple[ast.AST | None, str, tuple[str, ...]]
LOOPS = (ast.For, ast.While)


@dataclass(frozen=True, eq=False)
class Step:
    """A statement, or the head of a compound one."""

    node: ast.stmt
    scope: ast.AST
    order: int
    reads: tuple[Ref, ...]
    writes: tuple[Ref, ...]


@dataclass(frozen=True, eq=False)
class Reach:
    """The part of a file that one function reaches."""

    code: Code
    entry: ast.AST | None
    owners: tuple[ast.AST, ...]
    named: Mapping[str, tuple[ast.AST, ...]]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every statement that is reached, in the order of the text."""
        nodes = sorted(
            {node for owner in self.owners for node in statements(owner)},
            key=lambda node: (node.lineno, node.col_offset),
        )
        return tuple(
            Step(n, self.scope(n), i, tuple(self.reads(n)), tuple(self.writes(n)))
            for i, n in enumerate(nodes)
        )

    @cached_property
    def bounds(self) -> dict[ast.AST, dict[str, int]]:
        scopes = [n for n in ast.walk(self.code.tree) if isinstance(n, (*FUNCTIONS, ast.Module))]
        return {scope: bindings(scope) for scope in scopes}

    @cached_property
    def step_of(self) -> dict[ast.AST, Step]:
        return {step.node: step for step in self.steps}

    @cached_property
    def writers(self) -> dict[tuple[ast.AST | None, str], list[Step]]:
        """The statements that write each name, in the order of the text."""
        found: dict[tuple[ast.AST | None, str], list[Step]] = {}
        for step in self.steps:
            for root in dict.fromkeys(ref[:2] for ref in step.writes):
                found.setdefault(root, []).append(step)
        return found

    def scope(self, node: ast.AST) -> ast.AST:
        """The function, or the module, in which a node stands."""
        parent = self.code.parents.get(node)
        while parent is not None and not isinstance(parent, (*FUNCTIONS, ast.Module)):
            parent = self.code.parents.get(parent)
        return parent or self.code.tree

    def bound(self, scope: ast.AST) -> dict[str, int]:
        """The names that a scope binds itself, each with the line where it first does."""
        return self.bounds[scope]

    def binder(self, name: str, scope: ast.AST) -> ast.AST:
        """The innermost scope around `scope` that binds the name; else the module."""
        while not isinstance(scope, ast.Module) and name not in self.bound(scope):
            scope = self.scope(scope)
        return scope

    def ref(self, node: ast.AST) -> Ref | None:
        """The place that an expression names: a name, an attribute, an item at a constant."""
        if isinstance(node, ast.Name):
            return self.binder(node.id, self.scope(node)), node.id, ()
        if isinstance(node, ast.Attribute):
            return None, f".{node.attr}", ()
        if isinstance(node, ast.Subscript):
            base = self.ref(node.value)
            if base is not None and isinstance(node.slice, ast.Constant):
                return base[0], base[1], (*base[2], str(node.slice.value))
            return base
        return None

    def reads(self, node: ast.stmt) -> Iterator[Ref]:
        """What a statement reads; of a compound one, what its head does."""
        for part in heads(node):
            yield from self.refs(part)
        if isinstance(node, ast.AugAssign):
            ref = self.ref(node.target)
            yield from [ref] if ref else []

    def refs(self, part: ast.AST) -> Iterator[Ref]:
        """The places that an expression reads."""
        for inner in ast.walk(part):
            if isinstance(inner, (ast.Name, ast.Attribute, ast.Subscript)):
                ref = self.ref(inner)
                if ref and isinstance(inner.ctx, ast.Load) and ref[1] not in ("self", "cls"):
                    yield ref

    def writes(self, node: ast.stmt) -> Iterator[Ref]:
        """What a statement writes; a bare call may write all that it is given."""
        for target in targets(node):
            ref = self.ref(target)
            yield from [ref] if ref else []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            base = [call.func.value] if isinstance(call.func, ast.Attribute) else []
            for given in [*base, *call.args, *(k.value for k in call.keywords)]:
                ref = self.ref(given)
                yield from [ref] if ref else []

    def feeding(self, step: Step, read: Ref) -> list[Step]:
        """The statements whose writes a read of this statement may see."""
        writers = [w for w in self.writers.get(read[:2], []) if _meets(w, read)]
        near = [w for w in writers if w.scope is step.scope]
        far = [w for w in writers if w.scope is not step.scope]
        found: list[Step] = []
        loop = self.loop(step.node)
        for writer in reversed(near):
            if writer.order >= step.order:
                found += [writer] if loop is not None and inside(self.code, writer, loop) else []
            else:
                found.append(writer)
                if self._settles(writer, step, read):
                    return found
        # What the entry writes last is read by others at its next call alone.
        return found + ([w for w in far if w.scope is not self.entry] or far)[::-1]

    def _settles(self, writer: Step, step: Step, read: Ref) -> bool:
        """Whether no earlier write can be seen past this one."""
        block = self.code.parents[writer.node]
        plain = isinstance(writer.node, (ast.Assign, ast.AnnAssign))
        whole = any(w[:2] == read[:2] and w[2] == read[2][: len(w[2])] for w in writer.writes)
        named = not any(
            isinstance(t, ast.Subscript) and not isinstance(t.slice, ast.Constant)
            for t in targets(writer.node)
        )
        return plain and whole and named and block in around(self.code, step.node)

    def loop(self, node: ast.AST) -> ast.AST | None:
        """The outermost loop of the function around a statement."""
        loops = [a for a in around(self.code, node) if isinstance(a, LOOPS)]
        return loops[-1] if loops else None

    def returns(self, name: str) -> list[Step]:
        """The return statements of the functions of this name."""
        owners = self.named.get(name, ())
        return [s for s in self.steps if isinstance(s.node, ast.Return) and s.scope in owners]

    def sources(self, step: Step, reads: Iterable[Ref]) -> Iterator[Step]:
        """One hop back: the writers of what is read, the returns of what is called, the calls."""
        for read in dict.fromkeys(reads):
            yield from self.feeding(step, read)
            yield from self.returns(read[1].lstrip("."))
            if isinstance(read[0], FUNCTIONS) and read[1] in parameters(read[0]):
                yield from self.callers(read[0])

    def callers(self, function: ast.AST) -> list[Step]:
        """The statements that name this function."""
        name = getattr(function, "name", "")
        name = "." if name == "__init__" else name
        return [s for s in self.steps if any(r[1].lstrip(".") == name for r in s.reads)]

    def hops(self, starts: Iterable[tuple[Step, Iterable[Ref]]]) -> dict[Step, int]:
        """How many hops back from these expressions each statement that feeds them is.

        What a function returns is fed by what its caller hands in, which the caller reads; its
        other callers have no part in that.
        """
        found: dict[Step, int] = {}
        queue: deque[tuple[Step, Iterable[Ref], int]] = deque((s, r, 0) for s, r in starts)
        asked = {start.scope for start, _, _ in queue}
        while queue:
            step, reads, hop = queue.popleft()
            if step in found:
                continue
            found[step] = hop
            for read in dict.fromkeys(reads):
                fed = self.feeding(step, read)
                asked |= {s.scope for s in fed if s.scope is not step.scope}
                if read[0] in asked and read[1] in parameters(read[0]):
                    fed += self.callers(read[0])
                fed += self.returns(read[1].lstrip("."))
                queue.extend((s, s.reads, hop + 1) for s in fed)
        return found


def reach(code: Code, function: str) -> Reach:
    """The function (`name` or `Class.method`) and all of the file that it names, step by step."""
    named = definitions(code.tree)
    entry = definition(code.tree, function)
    owners = [entry] if entry is not None else []
    for owner in owners:  # which grows meanwhile
        names = {n.id for n in ast.walk(owner) if isinstance(n, ast.Name)}
        names |= {n.attr for n in ast.walk(owner) if isinstance(n, ast.Attribute)}
        more = [d for name in sorted(names) for d in named.get(name, ())]
        parent = code.parents.get(owner)
        if isinstance(parent, ast.ClassDef):
            more += [m for m in parent.body if getattr(m, "name", "") == "__init__"]
        for node in more:
            members = [node]
            if isinstance(node, ast.ClassDef):
                members = [m for m in node.body if getattr(m, "name", "") in CALLED]
            owners += [m for m in members if m not in owners]
    return Reach(code, entry, tuple(owners), {n: tuple(d) for n, d in named.items()})


def inside(code: Code, step: Step, block: ast.AST) -> bool:
    return block in around(code, step.node)


def _meets(writer: Step, read: Ref) -> bool:
    return any(w[:2] == read[:2] and _overlap(w[2], read[2]) for w in writer.writes)


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return all(a == b for a, b in zip(one, other, strict=False))
