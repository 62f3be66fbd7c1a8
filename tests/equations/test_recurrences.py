"""Statements that read each other's earlier steps: what they become, and what is refused."""

from __future__ import annotations

import pytest

import symbackprop as sb
from symbackprop.equations.build import build
from symbackprop.equations.masks import Compare, Where
from symbackprop.equations.nodes import Access
from symbackprop.equations.recurrence import NoRecurrence, Recurrence, components
from symbackprop.equations.system import Equation, System
from symbackprop.spec.errors import SpecError

HEAD = """\
name: steps
inputs:
  x: [N, T, 3]
  s: [N, T, T, 3]
  v: [N, T, 5]
  ids: {shape: [N, T], classes: 7}
  lag: {shape: [N], classes: 4}
  h0: [N, 3]
params:
  U: {shape: [3, 3], init: zeros}
network: |
"""


def built(*statements: str, loss: str = "sum(h)") -> System:
    body = "".join(f"  {s}\n" for s in statements)
    return build(sb.parse(f"{HEAD}{body}loss: {loss} + sum(U)\n"))


def defined(system: System, name: str) -> Equation:
    return next(e for e in system.equations if e.tensor.name == name)


def test_an_earlier_step_is_read_where_there_is_one() -> None:
    equation = defined(built("h[n, t, i] = x[n, t, i] + 2 * h[n, t - 1, i]"), "h")
    n, t, i = equation.indices
    (guard,) = equation.rhs.atoms(Where)
    assert guard == Where(Compare(">=", t, 1), Access(equation.tensor, n, t - 1, i), 0)


def test_an_index_is_no_read_of_a_tensor_of_its_name() -> None:
    system = built(
        "h[n, t, i] = x[n, t, i] + sum[k](U[k, i] * h[n, t - 1, k])",
        "g[n, t, i] = h[n, t, i] + sum[k](U[i, k] * g[n, t + 1, k])",
        "k[n, t] = sum[j](g[n, t, j]**2)",
        loss="sum(k)",
    )
    first, second = (c for c in components(system.equations) if isinstance(c, Recurrence))
    assert [e.tensor.name for e in (*first.equations, *second.equations)] == ["h", "g"]
    assert (first.reverse, second.reverse) == (False, True)


def test_a_pass_from_the_end_reads_the_step_after() -> None:
    system = built("h[n, T, i] = h0[n, i]", "h[n, t, i] = x[n, t, i] + h[n, t + 1, i]")
    equation = defined(system, "h")
    n, t, i = equation.indices
    (guard,) = equation.rhs.atoms(Where)
    mask, inside, before = guard.args
    assert (mask, inside) == (
        Compare("<", t, t.extent - 1),
        Access(equation.tensor, n, t + 1, i),
    )
    assert before.tensor.name == "h0"
    (group,) = [c for c in components(system.equations) if isinstance(c, Recurrence)]
    assert group.reverse and group.extent == t.extent


def test_statements_that_read_each_other_are_one_recurrence() -> None:
    system = built(
        "a[n, t, i] = x[n, t, i] + sum[k](U[k, i] * h[n, t - 1, k])",
        "w = tanh(x)",
        "c[n, t, i] = a[n, t, i] * c[n, t - 2, i]",
        "h = sigmoid(c)",
    )
    assert [e.tensor.name for e in system.equations] == ["a", "c", "h", "w", "loss"]
    (group,) = [c for c in components(system.equations) if isinstance(c, Recurrence)]
    assert [e.tensor.name for e in group.equations] == ["a", "c", "h"]
    assert {t.name: axis for t, axis in group.axes.items()} == {"a": 1, "c": 1, "h": 1}
    assert not group.reverse


def test_the_state_of_a_layer_has_the_name_that_the_statement_gives() -> None:
    system = built("h = rnn(x, 3)", "g = h + rnn(h, 3)")
    names = [e.tensor.name for e in system.equations]
    assert names == ["z_h1", "h", "z_h2", "h2", "g", "loss"]


def test_every_equation_comes_after_what_it_reads() -> None:
    system = build(
        sb.parse(
            "name: two\ninputs: {x: [N, T, 3]}\n"
            "network: |\n  h = lstm(x, 4)\n  g = gru(h, 5, reverse=True, steps=3)\n  y = last(g)\n"
            "loss: sum(y)\n"
        )
    )
    done: set[str] = set()
    for component in components(system.equations):
        group = [component] if isinstance(component, Equation) else component.equations
        done |= {e.tensor.name for e in group}
        known = {e.tensor.name for e in system.equations}
        for equation in group:
            read = {a.tensor.name for a in equation.rhs.atoms(Access)}
            assert read & known <= done, equation.tensor.name


FAULTS = {
    "two indices": (
        ["h[n, t, u, i] = s[n, t, u, i] + h[n, t - 1, u - 1, i]"],
        "12:35: 'h[n, t - 1, u - 1, i]' reads earlier steps along two indices, t and u",
        "a recurrence goes along one index: keep the others as they are",
    ),
    "one index, then another": (
        ["h[n, t, u, i] = s[n, t, u, i] + h[n, t - 1, u, i] + h[n, t, u - 1, i]"],
        "12:55: 'h[n, t, u - 1, i]' reads earlier steps along axis 2 of 'h', "
        "whose steps go along axis 1",
        "a recurrence goes along one index: keep the others as they are",
    ),
    "both ways": (
        ["h[n, t, i] = x[n, t, i] + h[n, t - 1, i] + h[n, t + 1, i]"],
        "12:46: 'h[n, t + 1, i]' reads a step after, but 'h' is read a step before",
        "a recurrence goes one way: write two, one for each direction",
    ),
    "both ways between two": (
        ["a[n, t, i] = x[n, t, i] + h[n, t - 1, i]", "h[n, t, i] = a[n, t + 1, i]"],
        "13:16: 'a[n, t + 1, i]' reads a step after, but 'h' is read a step before",
        "a recurrence goes one way: write two, one for each direction",
    ),
    "a shift by an index": (
        ["h[n, t, i] = x[n, t, i] + sum[k](h[n, t - k, k])"],
        "12:43: 'h' reads its own step 't - k', which is no step at a constant distance",
        "read a constant shift, such as t - 1",
    ),
    "a shift by labels": (
        ["h[n, t, i] = x[n, t, i] + h[n, t - lag[n], i]"],
        "12:36: 'h' reads its own step 't - lag[n]', which is no step at a constant distance",
        "read a constant shift, such as t - 1",
    ),
    "a stride": (
        ["h[n, t, i] = x[n, t, i] + h[n, 2*t - 1, i]"],
        "12:38: 'h' reads its own step '2*t - 1', which is no step at a constant distance",
        "read a constant shift, such as t - 1",
    ),
    "a bound step": (
        ["h[n, t, i] = x[n, t, i] + sum[u](x[n, u, i] * h[n, u - 1, i])"],
        "12:49: 'h[n, u - 1, i]' reads earlier steps of u, which is reduced over",
        "let the step be an index on the left",
    ),
    "another axis": (
        ["h[n, t, u, i] = s[n, t, u, i] + h[n, u, t - 1, i]"],
        "12:35: 'h[n, u, t - 1, i]' reads earlier steps along axis 2 of 'h', "
        "whose steps go along axis 1",
        "a recurrence goes along one index: keep the others as they are",
    ),
    "two indices through another": (
        [
            "a[n, t, u, i] = s[n, t, u, i] + h[n, t - 1, u, i]",
            "h[n, t, u, i] = tanh(a[n, t, u - 1, i])",
        ],
        "13:24: 'a[n, t, u - 1, i]' reads earlier steps along axis 2 of 'h', "
        "whose steps go along axis 1",
        "a recurrence goes along one index: keep the others as they are",
    ),
    "outside on an axis that is no step": (
        ["h[n, t, i] = x[n, t, i] + h[n, t - 1, 3 - i]"],
        "12:3: index 3 - i of h leaves its axis of extent 3, with i from 0 to 2",
        "pad first, or say when it is read: where(condition, entry, 0)",
    ),
    "outside through another": (
        ["a[n, t, i] = x[n, t, i] + h[n, t - 1, 3]", "h[n, t, i] = a[n, t, i]"],
        "12:3: index 3 of h leaves its axis of extent 3",
        "pad first, or say when it is read: where(condition, entry, 0)",
    ),
    "labels of another number of classes": (
        ["h[n, t, i] = x[n, t, i] + h[n, t - 1, lag[n]]"],
        "12:29: 'h' has shape [N, T, 3], but is read at [n, t - 1, lag[n]] with extents [N, T, 4]",
        "use an index of its own for each extent",
    ),
    "rank": (
        ["h[n, t, i] = x[n, t, i] + h[n, t - 1]"],
        "12:29: 'h' has rank 3, but stands here with 2 indices",
        "write one index for each axis",
    ),
    "extents": (
        ["a[n, t, i] = x[n, t, i] + sum[k:5](h[n, t - 1, k])", "h[n, t, i] = a[n, t, i]"],
        "12:3: 'h' has shape [N, T, 3], but is read at [n, t - 1, k] with extents [N, T, 5]",
        "use an index of its own for each extent",
    ),
    "a first step of what has none": (
        ["h[n, -1, i] = h0[n, i]", "h[n, t, i] = x[n, t, i]"],
        "12:3: a first step of 'h', which reads no earlier step of its own",
        "delete it, or read an earlier step, such as t - 1",
    ),
    "a first step on another axis": (
        ["h[-1, t, i] = x[0, t, i]", "h[n, t, i] = x[n, t, i] + h[n, t - 1, i]"],
        "12:3: the first step of 'h' stands at axis 0, but its steps go along axis 1",
        "let -1 stand where t - 1 does",
    ),
    "a first step that is none": (
        ["h[n, 0, i] = h0[n, i]", "h[n, t, i] = x[n, t, i] + h[n, t - 1, i]"],
        "12:3: the first step of 'h' stands at 0, but its first read is at -1",
        "write -1 there",
    ),
    "a first step of another shape": (
        ["h[n, -1, i] = v[n, 0, i]", "h[n, t, i] = x[n, t, i] + h[n, t - 1, i]"],
        "12:3: the first step has shape [N, 5], but a step of 'h' [N, 3]",
        "let both have the same extents",
    ),
    "a first step below": (
        ["h[n, t, i] = x[n, t, i] + h[n, t - 1, i]", "h[n, -1, i] = h0[n, i]"],
        "13:3: a first step of 'h', whose steps stand above",
        "state it before the statements that read it",
    ),
    "a first step two steps away": (
        ["h[n, -1, i] = h0[n, i]", "h[n, t, i] = x[n, t, i] + h[n, t - 2, i]"],
        "13:29: 'h[n, t - 2, i]' reads 2 steps away, "
        "but a start is stated for 'h', as only recurrences of one step have",
        "read one step away, or leave the first states zero",
    ),
    "a first step at the distance of its read": (
        ["h[n, -2, i] = h0[n, i]", "h[n, t, i] = x[n, t, i] + h[n, t - 2, i]"],
        "13:29: 'h[n, t - 2, i]' reads 2 steps away, "
        "but a start is stated for 'h', as only recurrences of one step have",
        "read one step away, or leave the first states zero",
    ),
    "the same step": (
        ["h[n, t, i] = x[n, t, i] + h[n, t, i]"],
        "12:29: 'h' is used in its own definition",
        "read an earlier step, such as t - 1, or rename what is defined here",
    ),
    "a stranger's earlier step": (
        ["h[n, t, i] = x[n, t - 1, i]"],
        "12:16: index t - 1 of x leaves its axis of extent T",
        "pad first, or say when it is read: where(condition, entry, 0)",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name: str) -> None:
    statements, message, fix = FAULTS[name]
    loss = "sum(h)"
    with pytest.raises(SpecError) as caught:
        built(*statements, loss=loss)
    text = str(caught.value)
    assert f"<spec>:{message}" in text
    assert f"fix: {fix}" in text


POSITIONS = {
    "labels": "h[n, t - 1, kind[n]]",
    "labels of each step": "h[n, t - 1, each[n, t]]",
    "a number": "h[n, t - 1, 2]",
    "from the end": "h[n, t - 1, 2 - i]",
    "a window": "sum[p:2](where(i + p < 3, h[n, t - 1, i + p], 0))",
}


@pytest.mark.parametrize("name", POSITIONS)
def test_any_position_may_stand_on_an_axis_that_is_no_step(name: str) -> None:
    spec = (
        "name: elsewhere\ninputs:\n  x: [N, T, 3]\n  kind: {shape: [N], classes: 3}\n"
        "  each: {shape: [N, T], classes: 3}\nparams:\n  w: {shape: [3], init: normal(0.5)}\n"
        f"network: |\n  h[n, t, i:3] = w[i] * x[n, t, i] + tanh({POSITIONS[name]})\n"
        "  unread = sum(where(kind == 0, 0, 1)) * sum(where(each == 0, 0, 1))\n"
        "loss: sum(h**2) + 0.1 * unread\n"
    )
    report = sb.check(sb.derive(sb.parse(spec)))
    assert report, str(report)


def test_layers_say_what_is_wrong_with_them() -> None:
    for call, message in {
        "rnn(h0, 0)": "rnn: units=0",
        "gru(x, 4, steps=-1)": "gru: steps=-1",
        "lstm(lag, 4)": "lstm: a sequence of shape [N]",
    }.items():
        with pytest.raises(SpecError, match=message.replace("[", r"\[")):
            built(f"h = {call}")


def test_equations_that_are_no_recurrence_are_refused() -> None:
    equation = defined(built("h[n, t, i] = x[n, t, i] + h[n, t - 1, i]"), "h")
    n, t, i = equation.indices
    same = Equation(equation.tensor, equation.indices, 2 * equation.lhs)
    back = Access(equation.tensor, n, t - 1, i) + Access(equation.tensor, n, t + 1, i)
    with pytest.raises(NoRecurrence, match="at the same step"):
        components([same])
    with pytest.raises(NoRecurrence, match="the steps before and the steps after"):
        components([Equation(equation.tensor, equation.indices, back)])


def test_written_extents_serve_where_no_axis_tells() -> None:
    system = built(
        "p[n:N, t:T] = 2 * k[n, t - 1] + 1",
        "k[n, t] = p[n, t] / (p[n, t] + 1)",
        "h[n, j:8] = where(j < 3, x[n, 0, j], v[n, 0, j - 3])",
    )
    assert [str(s) for s in defined(system, "k").tensor.shape] == ["N", "T"]
    assert [str(s) for s in defined(system, "h").tensor.shape] == ["N", "8"]
    with pytest.raises(SpecError, match="leaves its axis of extent 5"):
        built("h[n, j:9] = where(j < 3, x[n, 0, j], v[n, 0, j - 3])")
    with pytest.raises(SpecError, match="the extent of j is 0, which is not at least 1"):
        built("h[n, j:0] = x[n, 0, 0] * j")


def test_a_first_step_may_be_the_same_for_all() -> None:
    for first, read in {"U[0, i]": "U[0, i]", "2": "2"}.items():
        system = built(f"h[n, -1, i] = {first}", "h[n, t, i] = x[n, t, i] + h[n, t - 1, i]")
        (guard,) = defined(system, "h").rhs.atoms(Where)
        before = guard.args[2]
        if isinstance(before, Access):
            (before,) = [e.rhs for e in system.equations if e.tensor == before.tensor]
        assert str(before) == read
