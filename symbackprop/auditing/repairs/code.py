"""A file's text beside its syntax tree: what a node says, and the text with spots of it replaced.

All positions are bytes of the UTF-8 text, as the tree counts them.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BOM = b"\xef\xbb\xbf"
# How tightly an expression binds: an operand that binds less tightly needs parentheses.
LOOSE, COMPARED, SUM, PRODUCT, SIGNED, POWER, ATOM = 0, 3, 10, 11, 12, 13, 14
WORDS = tuple(chr(c).encode() for c in range(128) if chr(c).isalnum())
SUMS = (ast.Add, ast.Sub)
PRODUCTS = (ast.Mult, ast.Div, ast.MatMult, ast.FloorDiv, ast.Mod)
SIGNS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.MatMult: "@",
    ast.Pow: "**",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


@dataclass(frozen=True)
class Spot:
    """The bytes from `start` to `end` give way to `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, eq=False)
class Code:
    """A parsed file: its text, its tree, where its lines begin, who holds whom."""

    text: bytes
    tree: ast.Module
    starts: tuple[int, ...]
    parents: Mapping[ast.AST, ast.AST]

    def span(self, node: ast.AST) -> tuple[int, int]:
        """First byte and one past the last, without parentheses around the node."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        last, end = getattr(node, "end_lineno", 1), getattr(node, "end_col_offset", 0)
        return self.starts[line - 1] + column, self.starts[last - 1] + end

    def says(self, node: ast.AST) -> str:
        """The node's text, as the file has it."""
        start, end = self.span(node)
        return self.text[start:end].decode()

    def bracketed(self, node: ast.AST) -> bool:
        """Whether parentheses of its own stand around the node."""
        if isinstance(self.parents.get(node), (ast.Call, ast.ClassDef, ast.FunctionDef)):
            return False
        start, end = self.span(node)
        before = self.text[max(start - 200, 0) : start].rstrip()
        return before.endswith(b"(") and self.text[end : end + 200].lstrip().startswith(b")")

    def operand(self, node: ast.expr, needed: int) -> str:
        """The node's text as an operand that must bind at least so tightly."""
        text = self.says(node)
        return f"({text})" if self.bracketed(node) or tightness(node) < needed else text

    def instead(self, node: ast.expr, text: str, tight: int) -> Spot:
        """`text`, which binds so tightly, in the place of the node."""
        start, end = self.span(node)
        if not self.bracketed(node):
            return Spot(start, end, f"({text})" if tight < self.needed(node) else text)
        if tight == ATOM and self.needed(node) > LOOSE:
            first = self.text.rindex(b"(", 0, start)
            if not self.text[:first].endswith(WORDS):
                return Spot(first, self.text.index(b")", end) + 1, text)
        return Spot(start, end, text)

    def needed(self, node: ast.expr) -> int:
        """How tightly the place of this node asks its expression to bind."""
        parent = self.parents.get(node)
        if isinstance(parent, ast.BinOp):
            first = parent.left is node
            if isinstance(parent.op, SUMS):
                return SUM if first else PRODUCT
            if isinstance(parent.op, ast.Pow):
                return ATOM if first else SIGNED
            return PRODUCT if first else SIGNED
        if isinstance(parent, ast.UnaryOp):
            return SIGNED
        if isinstance(parent, ast.Compare):
            return SUM
        if isinstance(parent, (ast.Attribute, ast.Subscript, ast.Call)):
            bound = parent.func if isinstance(parent, ast.Call) else parent.value
            return ATOM if bound is node else LOOSE
        return COMPARED if isinstance(parent, (ast.BoolOp, ast.IfExp)) else LOOSE

    def sign(self, left: ast.expr, right: ast.expr, old: str, new: str) -> Spot:
        """The operator `old` between two operands gives way to `new`."""
        start, end = self.span(left)[1], self.span(right)[0]
        between = re.sub(rb"#[^\r\n]*", lambda m: b" " * len(m[0]), self.text[start:end])
        at = start + between.index(old.encode())
        return Spot(at, at + len(old), new)

    @property
    def ending(self) -> str:
        """How lines end in this file."""
        return "\r\n" if b"\r\n" in self.text else "\n"

    def line(self, position: int) -> int:
        """The 1-based line that holds this byte."""
        return bisect_right(self.starts, position)

    def lines(self, first: int, last: int) -> tuple[int, int]:
        """The bytes of the lines from `first` to `last`, with their ends."""
        return self.starts[first - 1], self.starts[last] if last < len(self.starts) else len(
            self.text
        )

    def with_spots(self, start: int, end: int, spots: Sequence[Spot]) -> str:
        """The text from `start` to `end` with the spots replaced."""
        pieces, at = [], start
        for spot in sorted(spots, key=lambda spot: (spot.start, spot.end)):
            pieces += [self.text[at : spot.start], spot.text.encode()]
            at = spot.end
        return b"".join([*pieces, self.text[at:end]]).decode()


def read(source: str) -> Code:
    """Parse a file. Raises SyntaxError where it is not Python."""
    text = source.encode()
    skip = len(BOM) if text.startswith(BOM) else 0
    tree = ast.parse(text[skip:])
    starts = [skip, *(m.end() for m in re.finditer(rb"\r\n|\r|\n", text))]
    parents = {c: node for node in ast.walk(tree) for c in ast.iter_child_nodes(node)}
    return Code(text, tree, tuple(starts), parents)


def tightness(node: ast.expr) -> int:
    """How tightly an expression binds."""
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, SUMS):
            return SUM
        if isinstance(node.op, PRODUCTS):
            return PRODUCT
        return POWER if isinstance(node.op, ast.Pow) else COMPARED
    if isinstance(node, ast.UnaryOp):
        return LOOSE if isinstance(node.op, ast.Not) else SIGNED
    if isinstance(node, ast.Compare):
        return COMPARED
    loose = (ast.BoolOp, ast.IfExp, ast.Lambda, ast.Tuple, ast.Yield, ast.NamedExpr, ast.Starred)
    return LOOSE if isinstance(node, loose) else ATOM
