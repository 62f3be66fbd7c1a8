"""Any equation of the grammar computes what the reference evaluator says, whatever its form."""

from __future__ import annotations

import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Integer, Rational

from symbackprop.equations.masks import And, Compare, Delta, Not, Or, Where
from symbackprop.equations.nodes import Access, Index, Stop, TensorSymbol, pointwise_function
from symbackprop.equations.reductions import ArgMax, ArgMin, LogSumExp, Max, Min, Prod, Sum
from symbackprop.equations.system import Equation
from tests.program.running import N, agree

EXTENTS = {"N": N, "2": Integer(2), "5": Integer(5)}
TENSORS = [
    TensorSymbol("a", (N, 2)),
    TensorSymbol("b", (2, 5)),
    TensorSymbol("c", (N,)),
    TensorSymbol("d", (5, 5)),
    TensorSymbol("s", ()),
    TensorSymbol("t", (N, 2, 5)),
    TensorSymbol("u", (5, N, 2, 2)),
    TensorSymbol("ids", (N,), "integer", 5),
    TensorSymbol("two", (N, 2), "integer", 5),
    TensorSymbol("on", (N, 2), "mask"),
    TensorSymbol("o", (5,), "mask"),
]
REAL = [t for t in TENSORS if t.kind == "real"]
SMOOTH = ["tanh", "sigmoid", "softplus", "relu", "elu", "gelu", "silu", "leaky_relu", "abs"]


@st.composite
def expressions(draw, scope, depth, real=True):
    """A random right-hand side over the indices in scope."""
    if depth == 0:
        return draw(leaves(scope))
    inner = lambda: draw(expressions(scope, depth - 1))  # noqa: E731
    form = draw(
        st.sampled_from(
            [
                "add",
                "mul",
                "sum",
                "sum",
                "extreme",
                "lse",
                "prod",
                "function",
                "power",
                "where",
                "mask",
                "softmax",
                "scatter",
                "number",
                "stop",
                "leaf",
            ]
        )
    )
    if form == "add":
        number = draw(st.sampled_from([1, -1, 2, Rational(-1, 3)]))
        return number * inner() + inner()
    if form == "mul":
        return inner() * inner()
    if form in ("sum", "extreme", "lse", "prod", "softmax"):
        index = Index(
            draw(st.sampled_from("pqr")) + str(depth),
            draw(st.sampled_from(sorted(EXTENTS.values(), key=str))),
        )
        body = draw(expressions([*scope, index], depth - 1))
        if form == "sum":
            other = draw(expressions([*scope, index], 0))
            return Sum(draw(st.sampled_from([body, body * other, body + other])), index)
        if form == "softmax":
            same = [i for i in scope if i.extent == index.extent]
            shown = draw(st.sampled_from(same)) if same else None
            if shown is None:
                return LogSumExp(body, index)
            return sympy.exp(body.xreplace({index: shown}) - LogSumExp(body, index))
        kind = {"lse": LogSumExp, "prod": Prod}.get(form) or draw(st.sampled_from([Max, Min]))
        return kind(body, index)
    if form == "function":
        name = draw(st.sampled_from(SMOOTH))
        return (
            sympy.tanh(inner())
            if name == "tanh"
            else pointwise_function(name)(*_parameters(name, inner()))
        )
    if form == "power":
        return inner() ** draw(st.sampled_from([2, 3]))
    if form == "where":
        return Where(draw(masks(scope, depth - 1)), inner(), inner())
    if form == "mask":
        return draw(masks(scope, depth - 1)) * inner()
    if form == "scatter":
        fives = [i for i in scope if i.extent == 5]
        rows = [i for i in scope if i.extent == N]
        if fives and rows:
            return inner() + inner() * Delta(
                draw(st.sampled_from(fives)), Access(TENSORS[7], draw(st.sampled_from(rows)))
            )
        if fives:
            n = Index(f"n{depth}", N)
            return Sum(
                draw(expressions([*scope, n], depth - 1)) * Delta(fives[0], Access(TENSORS[7], n)),
                n,
            )
        return inner()
    if form == "stop":
        return Stop(inner())
    if form == "number":
        return (
            draw(st.sampled_from([Integer(2), Rational(1, 3), 1 / N, sympy.sqrt(2) / 2])) * inner()
        )
    return draw(leaves(scope))


def _parameters(name, x):
    return {"elu": (x, Integer(1)), "leaky_relu": (x, Rational(1, 100))}.get(name, (x,))


@st.composite
def leaves(draw, scope):
    """An access, an index or a number."""
    tensor = draw(st.sampled_from(REAL))
    indices = []
    for extent in tensor.shape:
        fitting = [i for i in scope if i.extent == extent]
        shorter = [i + 3 for i in scope if i.extent == 2 and extent == 5]
        gathers = [Access(TENSORS[7], i) for i in scope if i.extent == N and extent == 5]
        choices = [*fitting, *fitting, *shorter, *gathers, Integer(1)]
        indices.append(draw(st.sampled_from(choices)))
    return Access(tensor, *indices)


@st.composite
def masks(draw, scope, depth):
    form = draw(
        st.sampled_from(["compare", "and", "or", "not", "range", "delta", "tensor", "first"])
    )
    if form in ("and", "or") and depth:
        pair = draw(masks(scope, depth - 1)), draw(masks(scope, depth - 1))
        return And(*pair) if form == "and" else Or(*pair)
    if form == "not" and depth:
        return Not(draw(masks(scope, depth - 1)))
    if form == "range" and scope:
        index = draw(st.sampled_from(scope))
        op = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
        return Compare(op, index, Integer(draw(st.integers(0, 2))))
    if form == "delta" and len(scope) > 1:
        return Delta(scope[0], scope[1])
    if form == "first" and scope:
        index = Index(f"f{depth}", scope[-1].extent)
        body = draw(expressions([*scope[:-1], index], 0))
        return Delta(scope[-1], draw(st.sampled_from([ArgMax, ArgMin]))(body, index))
    if form == "tensor":
        fives = [i for i in scope if i.extent == 5]
        if fives:
            return Access(TENSORS[10], draw(st.sampled_from(fives)))
    op = draw(st.sampled_from(["<", ">", ">="]))
    return Compare(op, draw(expressions(scope, 0)), draw(expressions(scope, 0)))


@st.composite
def equations(draw):
    scope = draw(
        st.sampled_from(
            [
                (),
                (Index("n", N),),
                (Index("n", N), Index("i", Integer(2))),
                (Index("k", Integer(5)), Index("n", N)),
                (Index("i", Integer(2)), Index("j", Integer(2))),
                (Index("n", N), Index("i", Integer(2)), Index("k", Integer(5))),
            ]
        )
    )
    found = []
    for number in range(draw(st.integers(1, 2))):
        rhs = sympy.sympify(draw(expressions(list(scope), draw(st.integers(1, 3)))))
        tensor = TensorSymbol(f"y{number}", tuple(i.extent for i in scope))
        found.append(Equation(tensor, scope, rhs))
    return found


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(equations())
def test_any_equation(drawn):
    agree(drawn, TENSORS)
