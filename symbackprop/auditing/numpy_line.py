"""One equation of the derivation as a line of NumPy, in the names of the spec."""

from __future__ import annotations

import sympy
from sympy import Expr

from symbackprop.derivation.model import Line
from symbackprop.equations.masks import Compare
from symbackprop.equations.nodes import Access, Index
from symbackprop.equations.reductions import Sum
from symbackprop.layers.pointwise import POINTWISE

_NUMPY = {"exp": "exp", "log": "log", "tanh": "tanh", "sin": "sin", "cos": "cos", "Abs": "abs"}


class _NoLine(Exception):
    """The equation has no short form in NumPy."""


def numpy_line(line: Line) -> str:
    """`dW1 = x.T @ dz1`; an empty text where no short line says it."""
    equation = line.equation
    try:
        return f"{equation.tensor.name} = {_text(equation.rhs, equation.indices)}"
    except _NoLine:
        return ""


def _text(expr: Expr, axes: tuple[Index, ...]) -> str:
    if isinstance(expr, sympy.Add):
        content, rest = expr.primitive()
        if content != 1:
            return _joined(content, [f"({_text(rest, axes)})"])
        text = ""
        for term in expr.as_ordered_terms():
            minus = term.could_extract_minus_sign()
            sign = (" - " if minus else " + ") if text else ("-" if minus else "")
            text += sign + _text(-term if minus else term, axes)
        return text
    if isinstance(expr, sympy.Mul):
        coefficient, factors = expr.as_coeff_mul()
        above, below = [], []
        for factor in factors:
            base, power = factor.as_base_exp()
            if power.is_Integer and power < 0 and not base.has(Access):
                below.append(str(base ** (-power)))
            else:
                above.append(_factor(factor, axes))
        return _joined(coefficient, above, below)
    return _factor(expr, axes)


def _joined(coefficient: Expr, above: list[str], below: list[str] | None = None) -> str:
    below = list(below or ())
    numerator, denominator = sympy.Rational(coefficient).as_numer_denom()
    sign = "-" if numerator < 0 else ""
    if abs(numerator) != 1 or not above:
        above = [str(abs(numerator)), *above]
    if denominator != 1:
        below = [str(denominator), *below]
    text = " * ".join(above)
    return sign + text + "".join(f" / {b}" for b in below)


def _factor(expr: Expr, axes: tuple[Index, ...]) -> str:
    if isinstance(expr, Access):
        return _read(expr, axes)
    if isinstance(expr, Sum):
        return _sum(expr, axes)
    if isinstance(expr, sympy.Add):
        return f"({_text(expr, axes)})"
    if isinstance(expr, Compare):
        operator, a, b = expr.args
        return f"({_text(a, axes)} {operator} {_text(b, axes)})"
    if isinstance(expr, sympy.Pow) and expr.exp.is_Integer and expr.exp > 0:
        return f"{_factor(expr.base, axes)} ** {expr.exp}"
    if not expr.has(Access) and not expr.atoms(Index):
        return str(expr)
    name = type(expr).__name__
    if isinstance(expr, sympy.Function) and (name in _NUMPY or name in POINTWISE):
        inner = ", ".join(_text(a, axes) for a in expr.args)
        return f"np.{_NUMPY[name]}({inner})" if name in _NUMPY else f"{name}({inner})"
    raise _NoLine


def _read(access: Access, axes: tuple[Index, ...]) -> str:
    """A tensor whose axes are those of the result, the last ones in order."""
    indices = access.indices
    name = str(access.tensor.name)
    if not all(isinstance(i, Index) for i in indices) or len(set(indices)) != len(indices):
        raise _NoLine
    if indices == axes[len(axes) - len(indices) :]:
        return name
    if len(indices) == 1 and len(axes) == 2 and indices[0] == axes[0]:
        return f"{name}[:, None]"
    if len(indices) == 2 and indices == axes[::-1]:
        return f"{name}.T"
    raise _NoLine


def _sum(expr: Sum, axes: tuple[Index, ...]) -> str:
    factors = [f for f in sympy.Mul.make_args(expr.body) if isinstance(f, Access)]
    rest = sympy.Mul(*(f for f in sympy.Mul.make_args(expr.body) if not isinstance(f, Access)))
    if rest.has(Access) or rest.atoms(Index) or not factors:
        return _summed(expr, axes)
    scale = "" if rest == 1 else f"{rest} * "
    if len(factors) == 2 and len(expr.bound) == 1:
        bound = expr.bound[0]
        for a, b in (factors, factors[::-1]):
            left, right = a.indices, b.indices
            if len(left) == 2 and len(right) == 2 and bound in left and bound in right:
                rows = left[1 - left.index(bound)]
                columns = right[1 - right.index(bound)]
                if (rows, columns) == axes:
                    first = a.tensor.name + (".T" if left[0] == bound else "")
                    second = b.tensor.name + (".T" if right[1] == bound else "")
                    return f"{scale}{first} @ {second}"
    if len(factors) == 1:
        (only,) = factors
        where = [only.indices.index(b) for b in expr.bound if b in only.indices]
        if len(where) == len(expr.bound):
            left = tuple(i for i in only.indices if i not in expr.bound)
            if left == axes[len(axes) - len(left) :]:
                inside = str(where[0]) if len(where) == 1 else str(tuple(sorted(where)))
                return f"{scale}{only.tensor.name}.sum(axis={inside})"
    return scale + _einsum(factors, expr.bound, axes)


def _summed(expr: Sum, axes: tuple[Index, ...]) -> str:
    """A sum of something pointwise, over the last axes."""
    inner = _text(expr.body, (*axes, *expr.bound))
    where = tuple(range(-len(expr.bound), 0))
    return f"({inner}).sum(axis={where[0] if len(where) == 1 else where})"


def _einsum(factors: list[Access], bound: tuple[Index, ...], axes: tuple[Index, ...]) -> str:
    letters: dict[Index, str] = {}
    for index in (*axes, *bound):
        wanted = [index.name[0].lower(), *"ijklmnpqrstuvwxyzabcdefgho"]
        letters[index] = next(c for c in wanted if c.isalpha() and c not in letters.values())
    parts = []
    for factor in factors:
        if not all(i in letters for i in factor.indices):
            raise _NoLine
        parts.append("".join(letters[i] for i in factor.indices))
    output = "".join(letters[i] for i in axes)
    if not set(output) <= set("".join(parts)):
        raise _NoLine
    names = ", ".join(f.tensor.name for f in factors)
    return f'np.einsum("{",".join(parts)}->{output}", {names})'
