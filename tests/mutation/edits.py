"""Single edits of one node of a module's syntax tree, each a mistake that a person makes."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping

Edit = tuple[ast.AST, str]  # the node that stands there now, and in words
Shapes = Mapping[str, tuple[int, ...]]

_CALLS = {
    "add": "subtract",
    "subtract": "add",
    "multiply": "divide",
    "divide": "multiply",
    "maximum": "minimum",
    "minimum": "maximum",
    "greater": "greater_equal",
    "greater_equal": "greater",
    "less": "less_equal",
    "less_equal": "less",
    "equal": "not_equal",
    "not_equal": "equal",
    "exp": "expm1",
    "log": "log1p",
    "log1p": "log",
    "expm1": "exp",
    "tanh": "sin",
    "sqrt": "square",
    "square": "sqrt",
    "negative": "positive",
    "abs": "positive",
    "absolute": "positive",
    "argmax": "argmin",
    "argmin": "argmax",
    "logical_and": "logical_or",
    "logical_or": "logical_and",
}
_COMPARISONS: Mapping[type, tuple[type, ...]] = {
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
_OPERATORS: Mapping[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
_AXES = ("transpose", "swapaxes", "reshape")  # methods that take axes or extents in order
_ORDERED = ("dot", "matmul", "subtract", "divide")  # functions whose operands do not commute


def _numpy(node: ast.AST) -> str:
    """Which function of NumPy the node calls; nothing for anything else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        function: ast.expr = node.func
        while isinstance(function, ast.Attribute) and not isinstance(function.value, ast.Name):
            function = function.value
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            return function.attr if function.value.id == "np" else ""
    return ""


def _called(node: ast.AST) -> str:
    """The name of the plain function that is called."""
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return node.func.id if named else ""  # type: ignore[attr-defined]


def _method(node: ast.Call) -> str:
    """The name of the method that is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    wrong = copy.copy(node)
    for name, value in fields.items():
        setattr(wrong, name, value)
    return wrong


def wrong_operation(node: ast.AST, shapes: Shapes) -> Iterator[Edit]:
    """a - b for a + b, the minimum for the maximum, …"""
    name = _numpy(node)
    if name in _CALLS:
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        other = _CALLS[name]
        inner = node.func
        if inner.attr == name:
            yield _changed(node, func=_changed(inner, attr=other)), f"{other} for {name}"
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _OPERATORS:
        operator = _OPERATORS[type(node.op)]
        words = f"{operator.__name__} for {type(node.op).__name__}"
        yield _changed(node, op=operator()), words
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand, "the sign is opposite"


def wrong_comparison(node: ast.AST, shapes: Shapes) -> Iterator[Edit]:
    """a >= b or a < b for a > b."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        for other in _COMPARISONS[type(node.ops[0])]:
            words = f"{other.__name__} for {type(node.ops[0]).__name__}"
            yield _changed(node, ops=[other()]), words


def wrong_number(node: ast.AST, shapes: Shapes) -> Iterator[Edit]:
    """Another number, another bound of a slice or of a loop."""
    number = node.value if isinstance(node, ast.Constant) else None
    if isinstance(number, int | float) and not isinstance(number, bool):
        halves = (number / 2,) if isinstance(number, float) and number else ()
        for other in (number + 1, number - 1, *halves):
            yield ast.Constant(other), f"{other} for {number}"


def wrong_bound(node: ast.AST, shapes: Shapes) -> Iterator[Edit]:
    """A slice or a loop that begins or ends one off."""
    if isinstance(node, ast.Slice):
        for name in ("lower", "upper"):
            bound = getattr(node, name)
            if bound is not None:
                yield _changed(node, **{name: None}), f"no {name} bound"
        one = ast.Constant(1)
        lower = ast.BinOp(node.lower, ast.Add(), one) if node.lower else one
        yield _changed(node, lower=lower), "begins one late"
        upper = ast.BinOp(node.upper, ast.Sub(), one) if node.upper else ast.Constant(-1)
        yield _changed(node, upper=upper), "ends one early"
    if isinstance(node, ast.Call) and _called(node) == "range":
        *first, last = node.args[:2]
        short = ast.BinOp(last, ast.Sub(), ast.Constant(1))
        yield _changed(node, args=[*first, short, *node.args[2:]]), "the loop ends one early"
        start = first[0] if first else ast.Constant(0)
        late = ast.BinOp(start, ast.Add(), ast.Constant(1))
        yield _changed(node, args=[late, last, *node.args[2:]]), "the loop begins one late"
    if _called(node) == "reversed":
        yield node.args[0], "the loop goes forward"  # type: ignore[attr-defined]


def wrong_view(node: ast.AST, shapes: Shapes) -> Iterator[Edit]:
    """An array that is transposed and ought not to be, or the other way round; another axis."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value, "not transposed"
    if isinstance(node, ast.Call) and (name := _method(node)) in _AXES:
        for k in range(len(node.args) - 1):
            axes = list(node.args)
            axes[k], axes[k + 1] = axes[k + 1], axes[k]
            yield _changed(node, args=axes), f"{name} with axes exchanged"
    if _numpy(node) in ("dot", "matmul"):
        assert isinstance(node, ast.Call)
        for k, operand in enumerate(node.args[:2]):
            rank = len(_shape(operand, shapes) or (0, 0))
            if rank > 1 and not (isinstance(operand, ast.Attribute) and operand.attr == "T"):
                arguments = list(node.args)
                arguments[k] = ast.Attribute(operand, "T", ast.Load())
                yield _changed(node, args=arguments), f"operand {k + 1} transposed"
    if isinstance(node, ast.keyword) and node.arg == "axis":
        axis = ast.unparse(node.value)
        for other in {"0": "1", "1": "0", "-1": "0", "2": "1"}.get(axis, ""):
            yield _changed(node, value=ast.Constant(int(other))), f"axis {other} for {axis}"
    if isinstance(node, ast.Tuple) and len(node.elts) > 1:
        empty = [k for k, e in enumerate(node.elts) if isinstance(e, ast.Constant) and not e.value]
        if any(node.elts[k].value is None for k in empty):  # type: ignore[attr-defined]
            yield _changed(node, elts=node.elts[::-1]), "the new axis at the other end"


def swapped_operands(node: ast.AST, shapes: Shapes) -> Iterator[Edit]:
    """b a for a b, b - a for a - b."""
    if _numpy(node) in _ORDERED:
        assert isinstance(node, ast.Call)
        first, second, *rest = node.args
        yield _changed(node, args=[second, first, *rest]), "operands swapped"


def lost_operation(node: ast.AST, shapes: Shapes) -> Iterator[Edit]:
    """A statement left out; a result never computed, so that what was in its place stays."""
    if isinstance(node, ast.AugAssign) or (
        isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
    ):
        yield ast.copy_location(ast.Pass(), node), "left out"
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
        out = [k.value for k in node.value.keywords if k.arg == "out"]
        if out:
            yield _changed(node, value=out[0]), "never computed"
        if _numpy(node.value) and node.value.args:
            operand, result = (_shape(e, shapes) for e in (node.value.args[0], node.targets[0]))
            if operand is not None and operand == result:
                yield _changed(node, value=node.value.args[0]), "its operand instead"


def _shape(node: ast.expr, shapes: Shapes) -> tuple[int, ...] | None:
    return shapes.get(ast.unparse(node))


def lost_guard(node: ast.AST, shapes: Shapes) -> Iterator[Edit]:
    """One of two branches alone."""
    if isinstance(node, ast.IfExp):
        yield node.body, "the condition is lost"
        yield node.orelse, "the condition is lost, the other branch"
    if isinstance(node, ast.If):
        yield _changed(node, test=ast.Constant(True)), "the condition is lost"
        if node.orelse:
            yield _changed(node, test=ast.Constant(False)), "the condition is lost, other branch"


def wrong_array(node: ast.AST, shapes: Shapes) -> Iterator[Edit]:
    """Another array of the same shape in an operand."""
    if _numpy(node):
        assert isinstance(node, ast.Call)
        for k, operand in enumerate(node.args):
            own = ast.unparse(operand)
            for other in shapes if own in shapes else ():
                if other != own and shapes[other] == shapes[own]:
                    arguments = list(node.args)
                    arguments[k] = ast.parse(other, mode="eval").body
                    yield _changed(node, args=arguments), f"{other} for {own}"


KINDS: Mapping[str, Callable[[ast.AST, Shapes], Iterator[Edit]]] = {
    "wrong operation": wrong_operation,
    "wrong comparison": wrong_comparison,
    "wrong number": wrong_number,
    "wrong bound": wrong_bound,
    "wrong view": wrong_view,
    "swapped operands": swapped_operands,
    "lost operation": lost_operation,
    "lost guard": lost_guard,
    "wrong array": wrong_array,
}
