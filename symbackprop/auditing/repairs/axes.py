"""Edits of products of matrices, of transposes, and of the axes along which is summed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from symbackprop.auditing.repairs.code import ATOM, LOOSE, PRODUCT, SIGNED, Spot
from symbackprop.auditing.repairs.places import Change, Place, called

AXES = ("0", "1", "-1", "2", "(0, 1)", "(0, 2)", "(1, 2)", "(0, 2, 3)", "(0, 1, 2)")
REDUCED = {"sum", "mean", "max", "min", "prod", "var", "std", "argmax", "norm"}


def order_of_product(place: Place) -> Iterator[Change]:
    """The factors of a matrix product stand in the wrong order, or untransposed."""
    pair = _factors(place.node)
    if pair is None or place.index:
        return
    left, right = pair
    for swapped in (False, True):
        for turns in ((0, 0), (1, 0), (0, 1), (1, 1)):
            one, two = (right, left) if swapped else (left, right)
            count = sum(turns) + 2 * swapped - (2 if swapped and sum(turns) == 2 else 0)
            if count or swapped:
                texts = [_turned(place, n, bool(t)) for n, t in zip((one, two), turns, strict=True)]
                yield _product(place, texts[0], texts[1], 0.3 * count)


def _factors(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """The two factors of a matrix product, in any of its spellings."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return node.left, node.right
    if isinstance(node, ast.Call) and called(node) in ("dot", "matmul", "outer", "inner"):
        if len(node.args) == 2:
            return node.args[0], node.args[1]
        if len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            return node.func.value, node.args[0]
    return None


def _product(place: Place, left: str, right: str, cost: float) -> Change:
    """The product of two texts in the spelling that stands there."""
    node = place.node
    if isinstance(node, ast.BinOp):
        return place.instead(f"{left} @ {right}", PRODUCT, cost)
    assert isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name))
    if len(node.args) == 2:
        name = place.code.says(node.func)
        return place.instead(f"{name}({_bare(left)}, {_bare(right)})", ATOM, cost)
    return place.instead(f"{left}.{called(node)}({_bare(right)})", ATOM, cost)


def _turned(place: Place, node: ast.expr, turn: bool) -> str:
    """A factor, transposed if asked to, where a second transpose undoes the first."""
    inner = _untransposed(node)
    if not turn:
        return place.code.operand(node, ATOM)
    if inner is not None:
        return place.code.operand(inner, ATOM)
    return f"{place.code.operand(node, ATOM)}.T"


def _untransposed(node: ast.expr) -> ast.expr | None:
    """What a transpose is taken of: x of x.T, x.transpose(), np.transpose(x)."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    if isinstance(node, ast.Call) and called(node) == "transpose":
        if len(node.args) == 1 and isinstance(node.args[0], (ast.Name, ast.Attribute, ast.Call)):
            return node.args[0]
        if not node.args and isinstance(node.func, ast.Attribute):
            return node.func.value
    return None


def _bare(text: str) -> str:
    """The text without parentheses around all of it, which an argument needs none of."""
    if text.startswith("(") and text.endswith(")") and "\n" not in text:
        try:
            ast.parse(text[1:-1], mode="eval")
        except SyntaxError:
            return text
        return text[1:-1] if "," not in text else text
    return text


def transpose_of_all(place: Place) -> Iterator[Change]:
    """A whole gradient comes out transposed, or is transposed where it must not be."""
    inner = _untransposed(place.node)
    if place.scope.lexicon.holds(place.scope.target.text) == "scalar":
        return
    if inner is not None:
        yield place.kept(inner)
    elif place.whole or (place.root and place.ref):
        yield place.instead(f"{place.operand(ATOM)}.T", ATOM, place.unlikely)
    elif place.ref and not place.index and isinstance(place.parent, (ast.BinOp, ast.Call)):
        yield place.instead(f"{place.text}.T", ATOM, 1.5)


def elementwise_for_matrix(place: Place) -> Iterator[Change]:
    """* where @ belongs, or @ where * does."""
    node, code = place.node, place.code
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.MatMult)):
        old = "*" if isinstance(node.op, ast.Mult) else "@"
        yield Change((code.sign(node.left, node.right, old, "@" if old == "*" else "*"),), 0.7)
        return
    pair = _factors(node)
    if pair is not None:
        left, right = (code.operand(f, t) for f, t in zip(pair, (PRODUCT, SIGNED), strict=True))
        yield place.instead(f"{left} * {right}", PRODUCT, 0.7)
    elif isinstance(node, ast.Call) and called(node) == "multiply":
        end = code.span(node.func)[1]
        yield Change((Spot(end - len("multiply"), end, "dot"),), 0.5)


def other_axis(place: Place) -> Iterator[Change]:
    """A sum over the wrong axis, over all of them, or over too few."""
    node, code = place.node, place.code
    if not isinstance(node, ast.Call) or called(node) not in REDUCED:
        return
    axis = [k for k in node.keywords if k.arg == "axis"]
    function = isinstance(node.func, ast.Attribute) and _numpy(place, node.func.value)
    given = node.args[1:] if function or isinstance(node.func, ast.Name) else node.args
    old = axis[0].value if axis else given[0] if given else None
    if old is not None:
        for rank, new in enumerate(a for a in AXES if a != code.says(old)):
            yield Change((code.instead(old, new, ATOM),), 0.2 * rank)
        yield from _without(place, axis[0] if axis else None)
    else:
        for rank, new in enumerate(AXES[:5]):
            yield _with(place, f"axis={new}", 0.2 * rank)
            yield _with(place, f"axis={new}, keepdims=True", 0.1 + 0.2 * rank)


def _numpy(place: Place, node: ast.expr) -> bool:
    return place.code.says(node) in ("np", "numpy")


def kept_axes(place: Place) -> Iterator[Change]:
    """keepdims is missing, or there where it must not be."""
    node = place.node
    if isinstance(node, ast.Call) and called(node) in REDUCED:
        kept = [k for k in node.keywords if k.arg == "keepdims"]
        if kept:
            yield from _without(place, kept[0])
        else:
            yield _with(place, "keepdims=True", 0.0)


def _with(place: Place, text: str, cost: float) -> Change:
    """One keyword more in a call."""
    assert isinstance(place.node, ast.Call)
    end = place.code.span(place.node)[1] - 1
    before = place.code.text[:end].rstrip()
    comma = "" if before.endswith((b",", b"(")) else ", "
    return Change((Spot(len(before), len(before), comma + text),), cost)


def _without(place: Place, keyword: ast.keyword | None) -> Iterator[Change]:
    """One keyword less in a call."""
    if keyword is None:
        return
    code = place.code
    start, end = code.span(keyword)
    before = code.text[:start].rstrip()
    after = code.text[end:]
    if before.endswith(b","):
        yield Change((Spot(len(before) - 1, end, ""),), 0.5)
    else:
        comma = re.match(rb"\s*,\s*", after)
        yield Change((Spot(start, end + (len(comma[0]) if comma else 0), ""),), 0.5)


def missing_sum(place: Place) -> Iterator[Change]:
    """A gradient is not summed over the examples (or steps) that share its parameter."""
    if place.whole or (place.root and place.ref):
        inner = place.unlikely + 0.7 * (not place.scope.target.stem.startswith("b"))
        for rank, form in enumerate(place.scope.lexicon.sums):
            text = place.operand(ATOM) if form.startswith("·") else place.operand(LOOSE)
            yield place.instead(form.replace("·", text), ATOM, inner + 0.25 * rank)


def missing_row_sum(place: Place) -> Iterator[Change]:
    """A factor is not summed along its axis, as the derivatives of softmax and of norms ask."""
    above = place.parent
    product = isinstance(above, ast.BinOp) and isinstance(above.op, (ast.Mult, ast.Sub, ast.Add))
    inner = isinstance(place.node, ast.BinOp) and isinstance(place.node.op, ast.Mult)
    if place.index or not product or not (inner or place.ref):
        return
    forms = [f for f in place.scope.lexicon.sums if "keepdims" in f]
    for rank, form in enumerate(dict.fromkeys([*forms, "np.sum(·, axis=-1, keepdims=True)"])):
        text = place.operand(ATOM) if form.startswith("·") else place.operand(LOOSE)
        if text.startswith("(") and not form.startswith("·"):
            text = text[1:-1] if place.code.bracketed(place.node) else text
        yield place.instead(form.replace("·", text), ATOM, 0.2 * rank + 0.5 * place.ref)


def outer_call_dropped(place: Place) -> Iterator[Change]:
    """A call too many: a sum, a mean, an activation, a clip."""
    node = place.node
    if not isinstance(node, ast.Call) or place.index:
        return
    if node.args and not isinstance(node.args[0], ast.Starred):
        yield place.kept(node.args[0])
    method = isinstance(node.func, ast.Attribute) and called(node) in {*REDUCED, "clip", "copy"}
    if isinstance(node.func, ast.Attribute) and method and not _numpy(place, node.func.value):
        yield place.kept(node.func.value)


def other_subscripts(place: Place) -> Iterator[Change]:
    """A letter of an einsum is another, or its result is transposed."""
    node = place.node
    if not isinstance(node, ast.Call) or called(node) != "einsum" or not node.args:
        return
    first = node.args[0]
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return
    text = place.code.says(first)
    quote, formula = text[0], text[1:-1]
    left, arrow, right = formula.partition("->")
    others = [left + arrow + right[::-1]]
    swaps = [(i, j) for i in range(len(right)) for j in range(i + 1, len(right))]
    others += [left + arrow + _swapped(right, i, j) for i, j in swaps]
    letters = sorted(set(re.findall(r"[a-zA-Z]", formula)))
    at = [i for i, c in enumerate(formula) if c.isalpha()]
    others += [formula[:i] + c + formula[i + 1 :] for i in at for c in letters]
    starts = [i for i in range(len(left)) if i == 0 or left[i - 1] == ","]
    for start in starts:
        term = left[start:].split(",")[0]
        others.append(left[:start] + term[::-1] + left[start + len(term) :] + arrow + right)
    for rank, other in enumerate(dict.fromkeys(o for o in others if o != formula)):
        yield Change((place.code.instead(first, quote + other + quote, ATOM),), 0.1 * rank)


def _swapped(text: str, i: int, j: int) -> str:
    letters = list(text)
    letters[i], letters[j] = letters[j], letters[i]
    return "".join(letters)


def other_shape(place: Place) -> Iterator[Change]:
    """A row where a column belongs: an axis of length 1 is missing, or one too many."""
    node = place.node
    if place.ref and not place.index and not isinstance(place.parent, ast.Attribute):
        yield place.instead(f"{place.text}[:, None]", ATOM, 1.0)
        yield place.instead(f"{place.text}.reshape(-1, 1)", ATOM, 1.0)
        yield place.instead(f"{place.text}.ravel()", ATOM, 1.2)
    if isinstance(node, ast.Call) and called(node) in ("reshape", "ravel", "flatten", "squeeze"):
        assert isinstance(node.func, ast.Attribute) or node.args
        if isinstance(node.func, ast.Attribute) and place.code.says(node.func.value) != "np":
            yield place.kept(node.func.value, 0.3)
    if isinstance(node, ast.Subscript) and "None" in place.code.says(node.slice):
        yield place.kept(node.value, 0.3)
