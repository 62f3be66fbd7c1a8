"""Expressions and statements: Python's grammar, parsed by `ast`, walked and never executed."""

from __future__ import annotations

import ast
from typing import NoReturn

from symbackprop.layers.pointwise import REDUCTIONS
from symbackprop.spec import tree
from symbackprop.spec.errors import Refused, did_you_mean, quoted
from symbackprop.spec.lines import Code
from symbackprop.spec.numerals import number
from symbackprop.spec.operators import BINARY, COMPARE, NO_BINARY, NO_EXPRESSION
from symbackprop.spec.syntax import (
    Binary,
    Binder,
    Call,
    Compare,
    Element,
    Expression,
    Keyword,
    Name,
    Number,
    Place,
    Reduction,
    Rest,
    Sequence,
    Statement,
    Text,
    Transpose,
    Truth,
    Unary,
)


def statement(code: Code, layer: bool = False) -> Statement:
    """`target = value` or `target[indices] = value`; Refused where the code is neither.

    `layer` admits `...` in index lists, which only the equations of layers use.
    """
    body = tree.of(code).body
    found = body[0]
    if len(body) != 1 or not isinstance(found, ast.Assign):
        tree.refuse_statement(code, found)
    target = found.targets[0]
    if len(found.targets) != 1 or isinstance(target, (ast.Tuple, ast.List)):
        raise Refused(code.place(0), "a statement defines one name", "write one statement for each")
    reader = _Reader(code, layer)
    text = " ".join(code.text.split())
    if isinstance(target, ast.Name):
        return Statement(target.id, None, reader.expression(found.value), code.place(0), text)
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        left = [reader.left_index(node) for node in _list(target.slice)]
        indices = tuple(Name(i.index, i.place) if isinstance(i, Binder) else i for i in left)
        extents = tuple(i for i in left if isinstance(i, Binder))
        value = reader.expression(found.value)
        return Statement(target.value.id, indices, value, code.place(0), text, extents)
    raise Refused(code.place(0), "the left side is no name", tree.FORM)


def expression(code: Code, layer: bool = False) -> Expression:
    """One expression; Refused where the code is none."""
    body = tree.of(code).body
    found = body[0]
    if len(body) != 1 or not isinstance(found, ast.Expr):
        raise Refused(code.place(0), "a statement, not an expression", "write its right side alone")
    return _Reader(code, layer).expression(found.value)


def _list(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


class _Reader:
    """Walks Python's tree of one piece of code. Every method raises Refused at its first fault."""

    def __init__(self, code: Code, layer: bool) -> None:
        self.code = code
        self.layer = layer

    def place(self, node: ast.expr | ast.keyword) -> Place:
        return self.code.place(node.col_offset)

    def refuse(self, node: ast.expr | ast.keyword, message: str, fix: str) -> NoReturn:
        raise Refused(self.place(node), message, fix)

    def expression(self, node: ast.expr) -> Expression:
        place = self.place(node)
        if isinstance(node, ast.Name):
            return Name(node.id, place)
        if isinstance(node, ast.Constant):
            return self.constant(node)
        if isinstance(node, ast.BinOp):
            return self.binary(node)
        if isinstance(node, ast.UnaryOp):
            return self.unary(node)
        if isinstance(node, ast.Compare):
            return self.compare(node)
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.Subscript):
            return self.element(node)
        if isinstance(node, ast.Attribute):
            if node.attr != "T":
                message = f"'.{node.attr[:40]}' is no operation"
                self.refuse(node, message, "only .T, the transpose, follows a dot")
            return Transpose(self.expression(node.value), place)
        if isinstance(node, (ast.Tuple, ast.List)):
            fix = "bring data in as an input"
            self.refuse(node, "a list stands only as an argument of a call", fix)
        self.refuse(node, *NO_EXPRESSION.get(type(node), ("no expression of a spec", tree.FORM)))

    def constant(self, node: ast.Constant) -> Expression:
        place, value = self.place(node), node.value
        if isinstance(value, bool):
            return Truth(value, place)
        if isinstance(value, (int, float, complex)):
            return number(self.code.text[node.col_offset : node.end_col_offset], place)
        if value is None:
            self.refuse(node, "None is no value", "leave the argument out")
        if value is Ellipsis:
            self.refuse(node, "'...' stands for no value", "write the expression out")
        fix = "names have no quotes"
        self.refuse(node, "a quoted word stands only as an argument of a call", fix)

    def binary(self, node: ast.BinOp) -> Expression:
        operator = BINARY.get(type(node.op))
        end = node.left.end_col_offset or 0
        if operator is None:
            written, fix = NO_BINARY[type(node.op)]
            place = self.code.place(self.code.text.index(written, end))
            raise Refused(place, f"'{written}' is no operation of a spec", fix)
        left, right = self.expression(node.left), self.expression(node.right)
        return Binary(operator, left, right, self.code.place(self.code.text.index(operator, end)))

    def unary(self, node: ast.UnaryOp) -> Expression:
        if isinstance(node.op, ast.Not):
            self.refuse(node, "'not' negates no mask", "write ~, with the comparison in brackets")
        of = self.expression(node.operand)
        if isinstance(node.op, ast.UAdd):
            return of
        return Unary("-" if isinstance(node.op, ast.USub) else "~", of, self.place(node))

    def compare(self, node: ast.Compare) -> Expression:
        operands = [node.left, *node.comparators]
        parts: list[Expression] = []
        for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
            operator = COMPARE.get(type(op))
            if operator is None:
                self.refuse(node, "'in' and 'is' compare nothing here", "use < <= > >= == !=")
            place = self.code.place(self.code.text.index(operator, left.end_col_offset or 0))
            parts.append(Compare(operator, self.expression(left), self.expression(right), place))
        chain = parts[0]
        for part in parts[1:]:
            chain = Binary("&", chain, part, part.place)
        return chain

    def call(self, node: ast.Call) -> Expression:
        if isinstance(node.func, ast.Subscript) and isinstance(node.func.value, ast.Name):
            return self.reduction(node, node.func, node.func.value.id)
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            fix = f"functions are called by name alone: {name}(...)"
            self.refuse(node.func, f"{quoted('.' + name)} is no operation", fix[:100])
        if not isinstance(node.func, ast.Name):
            self.refuse(node.func, "what is called is no function", "write function(arguments)")
        positional = tuple(self.argument(argument) for argument in node.args)
        keywords = []
        for keyword in node.keywords:
            if keyword.arg is None:
                self.refuse(keyword, "'**' spreads no mapping", "write the arguments one by one")
            keywords.append(Keyword(keyword.arg, self.argument(keyword.value), self.place(keyword)))
        return Call(node.func.id, positional, tuple(keywords), self.place(node))

    def argument(self, node: ast.expr) -> Expression:
        """An argument of a call: an expression, a quoted word, or a list of numbers and names."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return Text(node.value, self.place(node))
        if isinstance(node, (ast.Tuple, ast.List)):
            return Sequence(tuple(self.argument(item) for item in node.elts), self.place(node))
        return self.expression(node)

    def reduction(self, node: ast.Call, func: ast.Subscript, op: str) -> Expression:
        if op not in REDUCTIONS:
            fix = did_you_mean(op, REDUCTIONS, f"reductions are {', '.join(REDUCTIONS)}")
            self.refuse(func, f"unknown reduction {quoted(op)}", fix)
        if len(node.args) != 1 or node.keywords:
            count = len(node.args) + len(node.keywords)
            message = f"{op}[…] takes one expression, not {count}"
            self.refuse(node, message, f"write {op}[i](expression)")
        binders = tuple(self.binder(item) for item in _list(func.slice))
        if not binders:
            self.refuse(func, f"{op}[…] binds no index", f"write {op}[i](expression)")
        return Reduction(op, binders, self.expression(node.args[0]), self.place(node))

    def binder(self, node: ast.expr) -> Binder:
        if isinstance(node, ast.Name):
            return Binder(node.id, None, self.place(node))
        if isinstance(node, ast.Slice) and isinstance(node.lower, ast.Name) and not node.step:
            if node.upper is None:
                fix = "write the extent, as in max[p:2]"
                self.refuse(node, "an index with ':' and no extent", fix)
            return Binder(node.lower.id, self.index(node.upper), self.place(node))
        if self._is_rest(node):
            return Binder("...", None, self.place(node))
        fix = "write sum[i, j](…), or max[p:2](…) with an extent"
        self.refuse(node, "a reduction binds indices", fix)

    def element(self, node: ast.Subscript) -> Expression:
        if not isinstance(node.value, ast.Name):
            self.refuse(node, "only a named tensor has entries", "give the expression a name first")
        if node.value.id in REDUCTIONS:
            op = node.value.id
            self.refuse(node, f"{op}[…] reduces nothing", f"write {op}[i](expression)")
        indices = tuple(self.index(item) for item in _list(node.slice))
        return Element(node.value.id, indices, self.place(node))

    def left_index(self, node: ast.expr) -> Expression | Binder:
        """On the left: a name, with an extent where it is written, or a recurrence's first step."""
        if isinstance(node, ast.Slice):
            return self.binder(node)
        found = self.index(node)
        whole = found.of if isinstance(found, Unary) else found
        if not isinstance(found, (Name, Rest)) and not isinstance(whole, Number):
            self.refuse(node, "the left side names its indices, one for each axis", tree.FORM)
        return found

    def index(self, node: ast.expr) -> Expression:
        """What stands in an index list: whole numbers and names, + - *, and entries of labels."""
        if self._is_rest(node):
            return Rest(self.place(node))
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)):
            operator = BINARY[type(node.op)]
            place = self.code.place(self.code.text.index(operator, node.left.end_col_offset or 0))
            return Binary(operator, self.index(node.left), self.index(node.right), place)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return Unary("-", self.index(node.operand), self.place(node))
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return self.constant(node)
        layers_own = self.layer and isinstance(node, ast.Call)
        if isinstance(node, (ast.Name, ast.Subscript)) or layers_own:
            return self.expression(node)
        if isinstance(node, ast.Slice):
            self.refuse(node, *NO_EXPRESSION[ast.Slice])
        fix = "an index is a name, a whole number, their + - *, or an entry of integer labels"
        self.refuse(node, "not an index", fix)

    def _is_rest(self, node: ast.expr) -> bool:
        is_rest = isinstance(node, ast.Constant) and node.value is Ellipsis
        if is_rest and not self.layer:
            self.refuse(node, "'...' is no index", "name every axis")
        return is_rest
