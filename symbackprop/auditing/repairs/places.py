"""The places of a statement where an edit can be made, and an edit of one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from symbackprop.auditing.repairs.code import PRODUCTS, Code, Spot, tightness
from symbackprop.auditing.repairs.reach import Reach, Step
from symbackprop.auditing.repairs.scope import Scope
from symbackprop.auditing.repairs.syntax import heads

MAKERS = re.compile(
    r"^(print|zeros|ones|empty|full|zeros_like|ones_like|empty_like|full_like|eye|randn|rand|"
    r"normal|uniform|seed|RandomState|default_rng|astype|isinstance|format|linspace|append)$"
)
COUNTS = {"len", "range", "enumerate", "zip", "reversed", "append", "isinstance", "list", "tuple"}
LINEAR = {"dot", "matmul", "outer", "sum", "mean", "einsum", "tensordot", "transpose", "multiply"}


@dataclass(frozen=True)
class Change:
    """A single edit, and how unlikely it is among those of its kind."""

    spots: tuple[Spot, ...]
    cost: float = 0.0


@dataclass(frozen=True, eq=False)
class Place:
    """An expression of a statement; `index` where it stands within a subscript."""

    scope: Scope
    node: ast.expr
    index: bool
    said: Mapping[str, Sequence[ast.expr]]  # the expressions of the statement by what they say

    @property
    def code(self) -> Code:
        return self.scope.reach.code

    @property
    def step(self) -> Step:
        return self.scope.step

    @property
    def reach(self) -> Reach:
        return self.scope.reach

    @property
    def parent(self) -> ast.AST:
        return self.code.parents[self.node]

    @property
    def text(self) -> str:
        return self.code.says(self.node)

    def operand(self, needed: int) -> str:
        return self.code.operand(self.node, needed)

    def instead(self, text: str, tight: int, cost: float = 0.0) -> Change:
        """The text in the place of the expression."""
        return Change((self.code.instead(self.node, text, tight),), cost)

    def kept(self, part: ast.expr, cost: float = 0.0) -> Change:
        """A part of the expression in the place of the whole."""
        text = self.code.operand(part, 0)
        bare = self.code.bracketed(part) and self.code.needed(self.node) <= tightness(part)
        if bare and "\n" not in text:
            text = self.code.says(part)
        return self.instead(
            text, 14 if text.startswith("(") and not bare else tightness(part), cost
        )

    def everywhere(self, text: str, tight: int, cost: float = 0.0) -> Change:
        """The text in the place of all expressions of the statement that say the same."""
        spots = tuple(self.code.instead(n, text, tight) for n in self.said[self.text])
        return Change(spots, cost)

    @property
    def first_of(self) -> int:
        """How often the statement says this, told at its first place; else 0."""
        same = self.said[self.text]
        return len(same) if same and same[0] is self.node else 0

    @property
    def value(self) -> bool:
        """Whether this may be an array or a number: no text, no truth value, no container."""
        if isinstance(self.node, ast.Constant):
            return isinstance(self.node.value, (int, float)) and not isinstance(
                self.node.value, bool
            )
        return not isinstance(
            self.node, (ast.Dict, ast.Tuple, ast.List, ast.Lambda, ast.Slice, ast.Starred)
        )

    @property
    def whole(self) -> bool:
        """Whether this is all that is assigned or returned under one name."""
        holder = self.parent
        while isinstance(holder, (ast.Tuple, ast.List, ast.Dict, ast.keyword)) or (
            isinstance(holder, ast.Call) and called(holder) == "dict"
        ):
            holder = self.code.parents[holder]
        given = isinstance(holder, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return))
        return given and self.value and not self.index

    @property
    def unlikely(self) -> float:
        """What it costs to change the whole of a value that is only handed on or updated."""
        scope = self.scope
        if scope.lexicon.holds(scope.target.text) == "scalar":
            return 2.5
        if not self.whole:
            return 0.7
        if self.ref and (scope.hands_out or not isinstance(self.parent, ast.stmt)):
            return 1.5
        return 2.0 if isinstance(self.node, ast.BinOp) and self._updated else 0.0

    @property
    def _updated(self) -> bool:
        return isinstance(self.step.node, ast.Assign) and self.scope.updates

    @property
    def root(self) -> bool:
        """Whether a factor or a sign is best put here: this is no part of a product."""
        above = self.parent
        if self.index or not self.value or isinstance(above, (ast.For, ast.comprehension)):
            return False
        if isinstance(above, ast.Call) and called(above) in COUNTS:
            return False
        if isinstance(above, (ast.Tuple, ast.List)) and not self.whole:
            return False
        if isinstance(above, ast.BinOp) and isinstance(above.op, (*PRODUCTS, ast.Pow)):
            return False
        if isinstance(above, (ast.UnaryOp, ast.Attribute, ast.Subscript)):
            return False
        return not (isinstance(above, ast.Call) and called(above) in LINEAR)

    @property
    def factor(self) -> bool:
        """Whether this is a name in a product of matrices, transposed or not."""
        above = self.parent
        if isinstance(above, ast.Attribute) and above.attr == "T":
            above = self.code.parents[above]
        matrices = isinstance(above, ast.BinOp) and isinstance(above.op, ast.MatMult)
        dotted = isinstance(above, ast.Call) and called(above) in ("dot", "matmul", "outer")
        return self.ref and not self.index and (matrices or dotted)

    @property
    def ref(self) -> bool:
        """Whether this is a name, an attribute or an item."""
        return isinstance(self.node, (ast.Name, ast.Attribute, ast.Subscript)) and not (
            isinstance(self.node, ast.Attribute) and self.node.attr in ("T", "shape", "size")
        )


def places(scope: Scope) -> Iterator[Place]:
    """The places of a statement, outer ones first."""
    found = list(expressions(scope.step))
    said: dict[str, list[ast.expr]] = {}
    for node, _ in found:
        said.setdefault(scope.reach.code.says(node), []).append(node)
    for node, index in found:
        yield Place(scope, node, index, said)


def expressions(step: Step) -> Iterator[tuple[ast.expr, bool]]:
    """The expressions of a statement that can hold numbers, and whether within a subscript."""
    for head in heads(step.node):
        if head is getattr(step.node, "annotation", None):
            continue
        if isinstance(head, ast.withitem):
            continue
        yield from _within(head, False)


def _within(node: ast.AST, index: bool) -> Iterator[tuple[ast.expr, bool]]:
    if isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Call) and MAKERS.match(called(node))
    ):
        return
    if isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        yield node, index
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.Call) and child is node.func:
            if isinstance(child, ast.Attribute):
                yield from _within(child.value, index)
        elif isinstance(node, ast.Dict) and child in node.keys:
            continue
        elif isinstance(child, (ast.expr, ast.keyword, ast.comprehension)):
            yield from _within(
                child, index or (isinstance(node, ast.Subscript) and child is node.slice)
            )


def called(node: ast.AST) -> str:
    """The last name of what a call calls: dot of np.dot(a, b) and of a.dot(b)."""
    function = getattr(node, "func", None)
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
