"""Loops compute what the reference evaluator says, for recurrences of any form."""

from __future__ import annotations

import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Integer, Rational

import symbackprop as sb
from symbackprop.emit import emit_module
from symbackprop.equations.evaluate import FLOAT, evaluate_system
from symbackprop.equations.masks import Compare, Delta, Where
from symbackprop.equations.nodes import Access, Digit, Index, Stop, TensorSymbol, extent
from symbackprop.equations.reductions import ArgMax, LogSumExp, Max, Sum
from symbackprop.equations.system import Equation
from symbackprop.program import lower
from symbackprop.program.invariants import Invariants
from symbackprop.program.steps import Condition, condition_on, existence, implies, strongest
from tests.program.running import module_of, only_forward

N, T = extent("N"), extent("T")
n, t, i = Index("n", N), Index("t", T), Index("i", Integer(2))
H, G = TensorSymbol("h", (N, T, 2)), TensorSymbol("g", (N, T, 2))
GIVEN = [
    TensorSymbol("a", (N, T, 2)),
    TensorSymbol("c", (T, N, 2, 2)),
    TensorSymbol("u", (2, 2)),
    TensorSymbol("v", (2,)),
    TensorSymbol("w", (T,)),
    TensorSymbol("start", (N, 2)),
    TensorSymbol("table", (5, 2)),
    TensorSymbol("ids", (N, T), "integer", 5),
    TensorSymbol("on", (N, T), "mask"),
]
A, C, U, V, W, START, TABLE, IDS, ON = GIVEN


FORMS = ("add", "mul", "sum", "tanh", "extreme", "ends", "mask", "guard", "stop", "pair")


@st.composite
def recurrences(draw):
    """One or two equations that read each other's earlier steps, and a name for the direction."""
    ahead = draw(st.booleans())
    members = [H, G] if draw(st.booleans()) else [H]
    equations = []
    for k, member in enumerate(members):
        done = members[:k]
        start = earlier(draw, members, ahead, i)
        rhs = start + draw(bodies(members, done, ahead, (n, t, i), 3))
        equations.append(Equation(member, (n, t, i), rhs))
    return equations


def earlier(draw, members, ahead, index):
    """A read of an earlier step, guarded; before the first one an initial state."""
    tensor = draw(st.sampled_from(members))
    shift = draw(st.integers(1, 2))
    initial = draw(st.sampled_from([Integer(0), START[n, index], V[index] * 2, Rational(1, 3)]))
    if ahead:
        return Where(Compare("<", t + shift, T), tensor[n, t + shift, index], initial)
    return Where(Compare(">=", t, shift), tensor[n, t - shift, index], initial)


@st.composite
def bodies(draw, members, done, ahead, scope, depth):
    """A right-hand side over the indices in scope, small enough to stay small over some steps."""
    inner = lambda scope=scope: draw(bodies(members, done, ahead, scope, depth - 1))  # noqa: E731
    last = scope[-1]
    if depth == 0:
        leaves = [A[n, t, last], C[t, n, 0, last], V[last], W[t], TABLE[IDS[n, t], last], t / T]
        leaves += [tensor[n, t, last] for tensor in done] * 2
        leaves += [earlier(draw, members, ahead, last)] * 4
        return draw(st.sampled_from(leaves))
    k = Index(f"k{depth}", Integer(2))
    form = draw(st.sampled_from(FORMS))
    if form == "add":
        return inner() / 2 - inner() / 3
    if form == "mul":
        return sympy.tanh(inner()) * inner() / 2
    if form == "sum":
        weight = draw(st.sampled_from([U[k, last], C[t, n, k, last], V[k] * U[last, k]]))
        return Sum(weight * inner((*scope, k)), k) / 4
    if form == "tanh":
        return sympy.tanh(inner())
    if form == "extreme":
        kind = draw(st.sampled_from([Max, LogSumExp]))
        return kind(U[k, last] + inner((*scope, k)), k) / 3
    if form == "ends":
        mask = draw(st.sampled_from([Compare("==", t, 0), Compare("<", t, T - 1), Delta(t, T - 1)]))
        return Where(mask, inner(), inner())
    if form == "mask":
        return Where(ON[n, t], inner(), inner())
    if form == "guard":
        near = Sum(U[k, last] * A[n, t - 1, k], k) * inner()
        return Where(Compare(">", t, 0), near / 2, inner())
    if form == "stop":
        read = inner()
        return Where(Compare("==", Digit(t, 1, 2), 0), Stop(read), read)
    position = ArgMax(inner((*scope, k)), k)
    m = Index(f"m{depth}", Integer(2))
    return Sum(Delta(last, position) * U[m, last], m) / 2


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(equations=recurrences(), seed=st.integers(0, 9))
def test_any_recurrence_computes_what_the_evaluator_says(equations, seed):
    assert_agree(equations, seed)


def assert_agree(equations, seed=0):
    """The module's outputs equal the evaluator's for several numbers of steps; returns its text."""
    derivation = with_steps(equations)
    program = lower(derivation)
    source = emit_module(program, "float64")
    module = module_of(source)
    shown = "\n".join(
        [*(f"{e.lhs} = {e.rhs}" for e in equations), source[: source.find("def _pre")]]
    )
    for steps in (1, 2, 5):
        sizes = {"N": 3, "T": steps}
        arrays = drawn(sizes, seed)
        used = {name: arrays[name] for name in program.forward.inputs}
        wanted = evaluate_system(equations, arrays, sizes, FLOAT)
        work = module.Workspace(**sizes, dtype=np.float64)
        for _ in range(2):
            found = module.forward({}, **used, workspace=work)
            for equation in equations:
                name = equation.tensor.name
                expected = np.asarray(wanted[name], dtype=float)
                np.testing.assert_allclose(found[name], expected, 1e-9, 1e-9, err_msg=shown)
    return source


def with_steps(equations):
    derivation = only_forward(equations, GIVEN)
    return replace(derivation, system=replace(derivation.system, extents=(N, T)))


def drawn(sizes, seed):
    rng = np.random.default_rng(seed)
    found = {}
    for tensor in GIVEN:
        shape = tuple(sizes.get(str(e)) or int(e) for e in tensor.shape)
        if tensor.kind == "integer":
            found[tensor.name] = rng.integers(0, 5, shape)
        elif tensor.kind == "mask":
            found[tensor.name] = rng.random(shape) < 0.5
        else:
            found[tensor.name] = rng.standard_normal(shape)
    return found


def before(tensor, *indices, shift=1, initial=0):
    return Where(Compare(">=", t, shift), tensor[(n, t - shift, *indices)], initial)


# What a loop looks like


def body(rhs, *more):
    return assert_agree([Equation(H, (n, t, i), rhs), *more])


def loop_of(source):
    """The lines of the first loop of forward."""
    text = source[source.find("def forward") :]
    return text[text.find("    for t in") : text.find("    return")]


def test_products_of_what_no_step_waits_for_leave_the_loop():
    k = Index("k", Integer(2))
    projected = Sum(A[n, t, k] * U[k, i], k) + V[i]
    loop = loop_of(body(sympy.tanh(projected + before(H, i))))
    assert "np.dot" not in loop
    assert loop.count("np.add(") + loop.count(" += ") == 1


def test_pointwise_values_of_the_inputs_stay_in_the_loop():
    source = body(sympy.tanh(A[n, t, i]) * before(H, i))
    assert "np.tanh(a[:, t]" in loop_of(source)
    assert len(re.findall(r"_aligned\(\(T,", source)) == 1


def test_what_does_not_depend_on_the_step_leaves_the_loop():
    assert "np.exp" not in loop_of(body(sympy.exp(-V[i]) * before(H, i) + A[n, t, i]))


def test_an_outer_product_of_inputs_stays_in_the_loop():
    """For all steps at once it would need T times the memory."""
    S = TensorSymbol("s", (N, T, 2, 2))
    j = Index("j", Integer(2))
    rhs = A[n, t, i] * A[n, t, j] + before(S, i, j) / 2
    source = assert_agree([Equation(S, (n, t, i, j), rhs)])
    assert "np.multiply(" in loop_of(source)


def test_an_earlier_step_is_chosen_not_copied():
    loop = loop_of(body(A[n, t, i] + before(H, i, initial=START[n, i])))
    assert "h_before = h[t - 1] if t >= 1 else start" in loop


def test_a_branch_computes_only_where_its_row_exists():
    read = H[n, t - 1, i]
    guarded = Where(Compare(">=", t, 1), sympy.tanh(read) * W[t - 1], START[n, i])
    loop = loop_of(body(A[n, t, i] + guarded))
    assert "if t >= 1:" in loop and "else:" in loop
    assert loop.index("if t >= 1:") < loop.index("np.tanh(h[t - 1]")


def test_guards_inside_guards():
    inner = Where(Compare(">=", t, 2), H[n, t - 2, i] * H[n, t - 1, i], sympy.tanh(H[n, t - 1, i]))
    body(A[n, t, i] + Where(Compare(">=", t, 1), inner, V[i]))


def test_a_pass_from_the_end():
    rhs = A[n, t, i] + Where(Compare("<", t, T - 1), H[n, t + 1, i], 0) / 2
    assert "for t in reversed(range(T)):" in loop_of(body(rhs))


def test_a_constant_of_differentiation_is_no_constant_of_values():
    rhs = Where(Compare("==", Digit(t, 1, 3), 0), Stop(before(H, i)), before(H, i)) / 2
    assert "where=" not in loop_of(body(A[n, t, i] + rhs))


def test_only_what_is_read_again_is_kept_for_all_steps():
    gate = TensorSymbol("gate", (N, T, 2))
    equations = [
        Equation(gate, (n, t, i), sympy.tanh(A[n, t, i] + before(H, i))),
        Equation(H, (n, t, i), gate[n, t, i] * V[i]),
    ]
    derivation = with_steps(equations)
    system = replace(derivation.system, outputs=(H,))
    program = lower(replace(derivation, system=system))
    assert [b.name for b in program.buffers if b.shape[0] == T] == ["h"]


# Gradients


TEXT = """
name: cells
inputs: {{x: [N, T, 3], y: [N, T, 2], h0: [N, 2]}}
params: {{p: {{shape: [2, 2]}}, q: {{shape: [2]}}}}
network: |
  {first}
  h[n, t, i] = {rhs}
  c[n, t, i] = {other}
loss: mse(h, y) + sum(p) * sum(q) + 0.1 * sum(h0) + 0.1 * sum(x)
wrt: [p, q, x, h0]
"""


@st.composite
def cells(draw):
    """The text of a spec with one or two recurrent statements, in either direction."""
    sign = draw(st.sampled_from("-+"))
    starts = draw(st.booleans())
    shifts = {"h": 1 if starts else draw(st.integers(1, 2)), "c": draw(st.integers(1, 2))}
    at = {name: f"{name}[n, t {sign} {shift}, {{}}]" for name, shift in shifts.items()}
    terms = [
        f"sum[k](p[k, i] * {at['h'].format('k')})",
        f"q[i] * {at['h'].format('i')}",
        f"tanh(q[i] * {at['c'].format('i')})",
        f"logsumexp[k]({at['h'].format('k')} + p[k, i])",
        f"max[k]({at['c'].format('k')} * p[k, i])",
        "sum[d](x[n, t, d]) * q[i]",
        f"where(t < 2, 0.5, {at['h'].format('i')})",
    ]
    chosen = draw(st.lists(st.sampled_from(terms), min_size=2, max_size=4, unique=True))
    rhs = f"tanh({' + '.join(chosen)} + x[n, t, 0])"
    other = draw(st.sampled_from([f"h[n, t, i] * {at['c'].format('i')} + 1", "2 * h[n, t, i]"]))
    beyond = "-1" if sign == "-" else "T"
    first = f"h[n, {beyond}, i] = h0[n, i]" if starts else ""
    return TEXT.format(first=first, rhs=rhs, other=other)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=cells(), steps=st.sampled_from([1, 2, 3, 5]), seed=st.integers(0, 9))
def test_gradients_are_what_the_evaluator_says(text, steps, seed):
    derivation = sb.derive(sb.parse(text))
    module = sb.compile(derivation, "float64")
    sizes = {"N": 3, "T": steps}
    rng = np.random.default_rng(seed)
    system = derivation.system
    arrays = {
        e.symbol.name: rng.standard_normal([sizes.get(str(s)) or int(s) for s in e.symbol.shape])
        for e in (*system.inputs, *system.parameters)
    }
    params = {name: arrays[name] for name in ("p", "q")}
    inputs = {name: arrays[name] for name in ("x", "y", "h0")}
    value, grads = module.loss_and_grads(params, **inputs)
    lines = [line.equation for line in derivation.lines()]
    wanted = evaluate_system(lines, arrays, sizes, FLOAT)
    np.testing.assert_allclose(value, float(wanted["loss"][()]), 1e-9, err_msg=text)
    for name, line in derivation.losses[0].gradients.items():
        expected = np.asarray(wanted[line.equation.tensor.name], dtype=float)
        np.testing.assert_allclose(grads[name], expected, 1e-9, 1e-9, err_msg=f"{name}\n{text}")


LSTM = """
name: step
inputs: {x: [N, T, 16], y: {shape: [N, T], classes: 11}}
network: |
  h = lstm(x, 24)
  z = dense(h, 11)
loss: cross_entropy(softmax(z), y)
"""


def test_a_step_allocates_nothing_in_the_size_of_the_data():
    module = sb.compile(sb.derive(sb.parse(LSTM)), "float32")
    assert abs(peak(module, 40) - peak(module, 20)) < 2000


def peak(module, steps):
    """The most bytes that a step has allocated at a time, with its workspace at hand."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((32, steps, 16), dtype=np.float32), rng.integers(0, 11, (32, steps))
    params = module.init_params(seed=0)
    work = module.Workspace(N=32, T=steps)
    for _ in range(2):
        module.loss_and_grads(params, x=x, y=y, workspace=work)
    tracemalloc.start()
    module.loss_and_grads(params, x=x, y=y, workspace=work)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_memory_grows_with_the_steps_and_not_with_their_square():
    module = sb.compile(sb.derive(sb.parse(LSTM)), "float32")

    def size(steps):
        work = module.Workspace(N=4, T=steps)
        return sum(a.nbytes for a in vars(work).values() if isinstance(a, np.ndarray))

    assert size(80) - size(40) == 2 * (size(40) - size(20))


# Conditions on the step


def test_when_a_row_exists():
    assert existence(t - 2, t, T, T) == [Condition(">=", Integer(2))]
    assert existence(t + 1, t, T, T) == [Condition("<", T - 1)]
    assert existence(T - 1 - t, t, T, T) == []
    assert existence(t, t, T - 1, T) == [Condition("<", T - 1)]


@pytest.mark.parametrize(
    ("mask", "condition"),
    [
        (Compare(">", t, 2), Condition(">=", Integer(3))),
        (Compare("<=", t + 1, T), Condition("<", T)),
        (Compare(">", T - 1, t), Condition("<", T - 1)),
        (Compare(">=", 4, 2 - t), Condition(">=", Integer(-2))),
        (Compare("!=", t, 0), Condition("!=", Integer(0))),
        (Delta(t, T - 1), Condition("==", T - 1)),
        (Compare("<", 2 * t, 5), None),
        (Compare("<", t, i), None),
        (Compare("==", Digit(t, 1, 3), 0), None),
    ],
)
def test_masks_that_are_conditions(mask, condition):
    assert condition_on(t, mask) == condition


def test_what_conditions_entail():
    assert implies(Condition(">=", Integer(2)), Condition(">=", Integer(1)), T)
    assert not implies(Condition(">=", Integer(1)), Condition(">=", Integer(2)), T)
    assert implies(Condition("==", T - 1), Condition(">=", T - 1), T)
    assert implies(Condition("!=", Integer(0)), Condition(">=", Integer(1)), T)
    assert strongest([Condition(">=", Integer(k)) for k in (1, 3, 2)], T) == (
        Condition(">=", Integer(3)),
    )


def test_what_is_read_at_other_steps_leaves_within_its_range():
    k = Index("k", Integer(2))
    near = Sum(A[n, t - 1, k] * U[k, i], k)
    found = Invariants(t, [H], (t, n, i))
    found.split_off(Where(Compare(">=", t, 1), near * H[n, t - 1, i], 0))
    (invariant,) = found.found.values()
    counter = invariant.indices[0]
    assert counter.extent == T - 1
    assert invariant.body == Sum(Access(A, n, counter, k) * U[k, i], k)
