"""Pointwise expressions: sums, products, powers, functions, masks; and the table of all rules."""

from __future__ import annotations

from collections.abc import Mapping

import sympy
from sympy import Add, Expr, Function, Integer, Mul, Number, NumberSymbol, Pow, Symbol

from symbackprop.equations import masks, nodes, reductions
from symbackprop.equations.masks import Compare, Where
from symbackprop.equations.nodes import Index, PointwiseFunction
from symbackprop.equations.pointwise import computed
from symbackprop.equations.reductions import LogSumExp
from symbackprop.program.accesses import lower_access
from symbackprop.program.cancellation import joined, norm, vanishes, vanishing
from symbackprop.program.contractions import sum_over
from symbackprop.program.extremes import lower_extreme, lower_position
from symbackprop.program.graph import COMPARISON_FUNCTIONS
from symbackprop.program.ranges import lower_where, pieces
from symbackprop.program.scatters import add_scatters, is_scatter, lower_scatter
from symbackprop.program.scope import Labelled, Rule, Scope
from symbackprop.program.sums import common_factor, lower_product, lower_sum

# Rows of the pointwise table that array libraries have as one function.
DIRECT: Mapping[str, str] = {
    **{name: name for name in ("log1p", "expm1", "sign", "maximum", "minimum")},
    "abs": "absolute",
}

FUNCTIONS: Mapping[type, str] = {
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.tanh: "tanh",
    sympy.atan: "arctan",
    sympy.erf: "erf",
    sympy.Abs: "absolute",
    sympy.sign: "sign",
}


def lower_number(expr: Expr, scope: Scope) -> Labelled:
    """Constants and run-time extents."""
    return scope.scalar(expr)


def lower_index(index: Index, scope: Scope) -> Labelled:
    """An index as a number: its own position."""
    return Labelled(scope.graph.arange(index.extent), (index,))


def lower_add(expr: Add, scope: Scope) -> Labelled:
    """A sum of terms: the small ones first, a maximum next to what it shifts, scatters last."""
    content, rest = common_factor(expr)
    if content != 1:
        return scope.scale(scope.lower(rest), content)
    scattered = [term for term in expr.args if is_scatter(term)]
    terms, others = joined([term for term in expr.args if term not in scattered], scope)
    shifts: list[tuple[Expr, Labelled]] = []
    for term in others:
        number, core = term.as_coeff_Mul()
        if isinstance(core, LogSumExp):
            largest, total = _stages(core, scope)
            shifts.append((number, largest))
            terms.append((number, scope.apply("log", total)))
        else:
            terms.append((number, scope.lower(core)))
    for number, largest in shifts:
        _shift(terms, number, largest, scope)
    base = _fold(terms, scope) if terms else None
    return add_scatters(base, scattered, scope) if scattered else _present(base)


def _present(labelled: Labelled | None) -> Labelled:
    assert labelled is not None
    return labelled


def _shift(
    terms: list[tuple[Expr, Labelled]], number: Expr, largest: Labelled, scope: Scope
) -> None:
    """Add number·max to the term with the opposite number: near values cancel before rounding."""
    for k, (other, value) in enumerate(terms):
        if other == -number and set(value.axes) >= set(largest.axes):
            terms[k] = (other, scope.apply("subtract", value, largest))
            return
    terms.append((number, largest))


def _fold(terms: list[tuple[Expr, Labelled]], scope: Scope) -> Labelled:
    """The sum of numbers times values, from the values with the fewest indices to the most."""
    ordered = sorted(terms, key=lambda term: (len(term[1].axes), bool(term[0].is_negative)))
    sign, total = 0, scope.scalar(0)
    for number, value in ordered:
        term = scope.scale(value, abs(number))
        new = -1 if number.is_negative else 1
        if sign == 0:
            sign, total = new, term
        elif sign == new:
            total = scope.apply("add", term, total)
        else:
            total = scope.apply("subtract", *((total, term) if sign == 1 else (term, total)))
            sign = 1
    return total if sign == 1 else scope.apply("negative", total)


def lower_mul(expr: Mul, scope: Scope) -> Labelled:
    """A product: numbers together, values from the fewest indices to the most, then quotients."""
    if is_scatter(expr):
        return lower_scatter(expr, scope)
    for factor in expr.args:
        if isinstance(factor, Compare) and pieces(factor) is not None:
            rest = Mul(*(f for f in expr.args if f is not factor))
            return scope.lower(Where(factor, rest, Integer(0)))
    found = vanishing(expr, scope)
    if found is not None:
        return found
    number: Expr = Integer(1)
    above: list[Labelled] = []
    below: list[Labelled] = []
    for factor in sorted(expr.args, key=lambda f: not vanishes(f)):
        base, exponent = factor.as_base_exp() if isinstance(factor, Pow) else (factor, Integer(1))
        inverse = exponent.could_extract_minus_sign()
        value = scope.lower(Pow(base, -exponent) if inverse else factor)
        constant = scope.graph.number(value.value)
        if constant is not None:
            number = number / constant if inverse else number * constant
        else:
            (below if inverse else above).append(value)
    above.sort(key=lambda value: len(value.axes))
    below.sort(key=lambda value: len(value.axes))
    return _quotient(number, above, below, scope)


def _quotient(number: Expr, above: list[Labelled], below: list[Labelled], scope: Scope) -> Labelled:
    if not above:
        total = scope.scalar(number)
    else:
        total = scope.scale(above[0], number)
        for value in above[1:]:
            total = scope.apply("multiply", value, total)
    if below:
        divisor = below[0]
        for value in below[1:]:
            divisor = scope.apply("multiply", value, divisor)
        total = scope.apply("divide", total, divisor)
    return total


def lower_pow(expr: Pow, scope: Scope) -> Labelled:
    """Powers by products and roots where the exponent is a small integer or half of one."""
    base, exponent = expr.as_base_exp()
    value = scope.lower(base)
    number = scope.graph.number(value.value)
    power = scope.number(exponent)
    if number is not None and power is not None:
        return scope.scalar(number**power)
    if exponent.is_negative:
        return scope.apply("divide", scope.scalar(1), scope.lower(Pow(base, -exponent)))
    if exponent == sympy.Rational(1, 2):
        return norm(base, scope) or scope.apply("sqrt", value)
    if (2 * exponent).is_Integer and exponent <= 8:
        whole = _power(value, int(exponent), scope)
        if exponent.is_Integer:
            return whole
        return scope.apply("multiply", whole, scope.apply("sqrt", value))
    return scope.apply("power", value, scope.lower(exponent))


def _power(value: Labelled, exponent: int, scope: Scope) -> Labelled:
    """value^exponent for an exponent of at least 1, by squaring."""
    if exponent == 1:
        return value
    half = _power(value, exponent // 2, scope)
    square = scope.apply("multiply", half, half)
    return scope.apply("multiply", square, value) if exponent % 2 else square


def lower_function(expr: Function, scope: Scope) -> Labelled:
    """SymPy's own functions; log(1 + a) as log1p."""
    if isinstance(expr, sympy.log) and isinstance(expr.args[0], Add):
        rest = expr.args[0] - 1
        if not isinstance(rest, Add):
            return scope.apply("log1p", scope.lower(rest))
    return scope.apply(FUNCTIONS[type(expr)], *(scope.lower(a) for a in expr.args))


def lower_exp(expr: Function, scope: Scope) -> Labelled:
    """exp(a - LogSumExp(f)) = exp(a - max f) / Σ exp(f - max f): a softmax, however indexed."""
    terms = Add.make_args(expr.args[0])
    for term in terms:
        number, core = term.as_coeff_Mul()
        if isinstance(core, LogSumExp) and number == -1:
            rest = Add(*(t for t in terms if t is not term))
            largest, total = _stages(core, scope)
            shifted = scope.apply("subtract", scope.lower(rest), largest)
            return scope.apply("divide", scope.apply("exp", shifted), total)
    return lower_function(expr, scope)


def lower_logsumexp(expr: LogSumExp, scope: Scope) -> Labelled:
    """max f + log Σ exp(f - max f), which is finite wherever f is."""
    largest, total = _stages(expr, scope)
    return scope.apply("add", scope.apply("log", total), largest)


def _stages(expr: LogSumExp, scope: Scope) -> tuple[Labelled, Labelled]:
    """max f and Σ exp(f - max f)."""
    body = scope.lower(expr.body)
    largest = scope.reduce("max", body, expr.bound)
    grown = scope.apply("exp", scope.apply("subtract", body, largest))
    terms = scope.missing(body.axes, expr.bound)
    return largest, scope.scale(sum_over(grown, expr.bound, scope), terms)


def lower_table(expr: PointwiseFunction, scope: Scope) -> Labelled:
    """A function of the pointwise table: directly, or by the form that is safe to compute."""
    if expr.table_name in DIRECT:
        return scope.apply(DIRECT[expr.table_name], *(scope.lower(a) for a in expr.args))
    parameters, body = computed(expr.table_name)
    return scope.lower(body.xreplace(dict(zip(parameters, expr.args, strict=True))))


def lower_mask(expr: masks.Mask, scope: Scope) -> Labelled:
    """Comparisons and what joins them; δ compares two positions."""
    if isinstance(expr, Compare):
        function, parts = COMPARISON_FUNCTIONS[expr.op], expr.args[1:]
    else:
        function, parts = _MASKS[type(expr)], expr.args
    lowered = [scope.lower(part) for part in parts]
    total = scope.apply(function, *lowered[:2])
    for part in lowered[2:]:
        total = scope.apply(function, total, part)
    return total


_MASKS: Mapping[type, str] = {
    masks.Delta: "equal",
    masks.And: "logical_and",
    masks.Or: "logical_or",
    masks.Not: "logical_not",
}


def lower_stop(expr: nodes.Stop, scope: Scope) -> Labelled:
    """A constant for differentiation only."""
    return scope.lower(expr.args[0])


def lower_digit(expr: nodes.Digit, scope: Scope) -> Labelled:
    """(flat // place) mod size, in integers."""
    flat, place, extent = (scope.lower(a) for a in expr.args)
    if scope.graph.number(place.value) != 1:
        flat = scope.apply("floor_divide", flat, place)
    return scope.apply("remainder", flat, extent)


RULES: Mapping[type, Rule] = {
    Number: lower_number,
    NumberSymbol: lower_number,
    Symbol: lower_number,
    Index: lower_index,
    Add: lower_add,
    Mul: lower_mul,
    Pow: lower_pow,
    Function: lower_function,
    sympy.floor: lower_number,
    sympy.exp: lower_exp,
    PointwiseFunction: lower_table,
    nodes.Access: lower_access,
    reductions.Sum: lower_sum,
    reductions.Prod: lower_product,
    reductions.Max: lower_extreme,
    reductions.Min: lower_extreme,
    reductions.LogSumExp: lower_logsumexp,
    reductions.ArgMax: lower_position,
    reductions.ArgMin: lower_position,
    masks.Delta: lower_mask,
    masks.Mask: lower_mask,
    Where: lower_where,
    nodes.Stop: lower_stop,
    nodes.Digit: lower_digit,
}
