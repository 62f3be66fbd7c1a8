"""Python's own syntax tree of a piece of code, bounded in depth; nothing is executed."""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from typing import NoReturn

from symbackprop.spec.errors import Refused, quoted
from symbackprop.spec.lines import Code

OPERATIONS = 200  # the deepest tree of one expression
TERMS = 50_000  # that the chain rule may make of one expression
FORM = "write 'name = expression' or 'name[i, j] = expression'"


def of(code: Code) -> ast.Module:
    """Python's tree of the code, bounded in depth and in terms, with at least one statement."""
    deep = f"operations are nested more than {OPERATIONS} deep"
    split = "split it into several statements"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code.text)
    except SyntaxError as error:
        column = min(max((error.offset or 1) - 1, 0), len(code.text))
        raise _unreadable(code, column) from None
    except (RecursionError, MemoryError):
        raise Refused(code.place(0), deep, split) from None
    level: list[ast.AST] = [tree]
    for _ in range(OPERATIONS + 3):  # the module, the statement and its value are no operations
        level = [
            child
            for node in level
            for child in ast.iter_child_nodes(node)
            if isinstance(child, (ast.stmt, ast.expr, ast.keyword))
        ]
        if not level:
            break
    else:
        raise Refused(code.place(0), deep, split)
    terms = sum(_measured(value)[2] for value in _values(tree))
    if terms > TERMS:
        message = f"about {terms:,} terms in its derivative; the limit is {TERMS:,}"
        raise Refused(code.place(0), message, split)
    return tree


def _measured(node: ast.AST) -> tuple[int, int, int]:
    """How many tensors a tree reads, how many nodes it has, how many its derivative may have.

    The chain rule repeats what is not linear once for every tensor that it reads.
    """
    if isinstance(node, ast.Name | ast.Subscript):
        return 1, 1, 0
    below = [_measured(child) for child in _operands(node)]
    reads, size = sum(r for r, _, _ in below), 1 + sum(s for _, s, _ in below)
    products = (ast.Mult, ast.Div, ast.Pow, ast.MatMult)
    linear = isinstance(node, ast.BinOp) and not isinstance(node.op, products)
    repeated = 0 if linear or len(below) == 0 else reads * size
    return reads, size, repeated + sum(t for _, _, t in below)


def _values(tree: ast.Module) -> list[ast.AST]:
    """The right-hand sides of the statements."""
    return [value for s in tree.body if (value := getattr(s, "value", None)) is not None]


def _operands(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.Call):
        return [*node.args, *(k.value for k in node.keywords)]
    return [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]


def _unreadable(code: Code, column: int) -> Refused:
    target = re.match(r"(\w+)\s*=(?!=)", code.text)
    if target is not None and keyword.iskeyword(target.group(1)):
        message = f"{quoted(target.group(1))} is a keyword of Python"
        return Refused(code.place(0), message, "rename it")
    word = re.compile(r"\w+|\S").search(code.text, column)
    if word is None:
        return Refused(code.place(len(code.text) - 1), "the line ends too early", "complete it")
    place = code.place(word.start())
    message = f"cannot be read from {quoted(word.group())} on"
    return Refused(place, message, "look for a missing operator, comma or name before it")


def refuse_statement(code: Code, found: ast.stmt) -> NoReturn:
    """The code is a statement of Python, but none of the language's."""
    first = re.match(r"\w+", code.text)
    if isinstance(found, ast.Expr):
        if isinstance(found.value, ast.Compare) and isinstance(found.value.ops[0], ast.Eq):
            raise Refused(code.place(0), "'==' compares and defines nothing", "define with one '='")
        raise Refused(code.place(0), "an expression that gives nothing a name", FORM)
    if isinstance(found, ast.AugAssign):
        raise Refused(code.place(0), "a name is defined once", "use a new name and '='")
    if isinstance(found, ast.AnnAssign):
        raise Refused(code.place(0), "a statement has no type annotation", FORM)
    word = quoted(first.group() if first else code.text[:1])
    raise Refused(code.place(0), f"{word} starts no statement of a spec", FORM)
