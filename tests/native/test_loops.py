"""How loops are written: long ones, counters with the names of indices, rows looked up once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.emit.native import bodies, strips
from symbackprop.spec import parse
from tests.native.compared import HAS_COMPILER, Both
from tests.native.test_bodies import body_of, cache  # noqa: F401

needs_compiler = pytest.mark.skipif(not HAS_COMPILER, reason="there is no C compiler")

SHORT_ROWS = """
name: short_rows
inputs: {{x: [N, {rows}, {columns}], y: [N, {rows}, {columns}]}}
params: {{b: {{shape: [{columns}]}}, a: {{shape: [{columns}]}}}}
network: |
  z[n, i, c] = a[c] * x[n, i, c] + b[c]
  h = tanh(z)
loss: mse(h, y)
"""


def short_rows(rows, columns):
    return Both(parse(SHORT_ROWS.format(rows=rows, columns=columns)))


@needs_compiler
@pytest.mark.parametrize(("rows", "columns"), [(96, 3), (576, 6), (70, 5), (64, 15), (48, 2)])
def test_short_rows_are_done_several_at_once(rows, columns):
    both = short_rows(rows, columns)
    assert "strip[" in both.source and " += " in both.source
    assert both.differences("float64") == []
    assert both.differences("float32") == []


@pytest.mark.parametrize(("rows", "columns"), [(96, 16), (97, 3), (5, 3)])
def test_rows_that_fill_vectors_or_leave_a_rest_stay_as_they_are(rows, columns):
    assert "strip[" not in short_rows(rows, columns).source


@pytest.mark.parametrize("layers", [6, 30])
def test_strips_are_small_and_used_again(layers):
    network = "\n".join(
        f"  h{k + 1}[n, i, c] = tanh(a[c] * h{k}[n, i, c] + b[c])" for k in range(layers)
    )
    spec = SHORT_ROWS.format(rows=96, columns=3).split("network")[0]
    spec += f"network: |\n  h0 = tanh(x)\n{network}\nloss: mse(h{layers}, y)\n"
    body = body_of(Both(parse(spec)).source, "sgd_step_in_training")
    declared = [line for line in body.splitlines() if line.strip().startswith("real strip")]
    assert (
        declared and sum(int(line.split("[")[1].split("]")[0]) for line in declared) <= strips.ROOM
    )


LOOKED_UP = """
name: looked_up
inputs: {u: {shape: [N], classes: 30}, v: {shape: [N], classes: 20}, y: [N]}
params: {P: {shape: [30, 33]}, Q: {shape: [20, 33]}}
network: |
  r[n] = sum[f](P[u[n], f] * Q[v[n], f])
loss: mse(r, y)
"""


@needs_compiler
def test_a_row_is_looked_up_once_outside_of_the_loop_along_it():
    both = Both(parse(LOOKED_UP))
    body = body_of(both.source, "loss_and_grads_in_training")
    inside = [line for line in body.splitlines() if "P[" in line or "Q[" in line]
    assert inside and not any("clipped" in line for line in inside)
    assert "const int64_t u_row = 33 * clipped(u[n], 30);" in body
    assert both.differences("float64") == []


NAMED = """
name: named
inputs: {x: [N, 7], y: [N, 5]}
params: {W: {shape: [7, 5]}, B: {shape: [5, 5]}}
network: |
  h[n, j] = tanh(sum[i](W[i, j] * x[n, i]))
  z[n, k] = sum[m](B[m, k] * h[n, m])
loss: mse(z, y)
"""


def test_loops_run_over_the_indices_of_their_equation():
    body = body_of(Both(parse(NAMED)).source, "forward_in_training")
    heads = [text.strip() for text in body.splitlines() if text.strip().startswith("for (")]
    expected = [("n", "N"), ("j", "5"), ("i", "7"), ("k", "5"), ("m", "5")]
    assert heads == [f"for (int64_t {i} = 0; {i} < {e}; {i}++) {{" for i, e in expected]


def test_a_counter_that_no_index_names_is_called_as_none_is():
    text = SHORT_ROWS.format(rows=96, columns=3).replace("x[n, i, c]", "x[n, i, c] ** 2")
    body = body_of(Both(parse(text)).source, "forward_in_training")
    heads = [t.strip() for t in body.splitlines() if t.strip().startswith("for (")]
    outer = next(h for h in heads if "96 * N" in h or "N" in h)
    assert not any(outer.startswith(f"for (int64_t {name} ") for name in "nic")


@given(st.lists(st.sampled_from(["a", "b * c", "x[i + 3 * j]", "f(a, y[2 * i])", "+", "="])))
def test_broken_lines_have_all_of_the_line(words):
    line = "        " + " ".join(words) + ";"
    parts = bodies._broken(line)
    assert "".join(p.replace(" ", "") for p in parts) == line.replace(" ", "")
    assert all(len(part) <= bodies.WIDTH for part in parts)
    assert all(part.count("[") == part.count("]") for part in parts)


def test_a_line_that_cannot_be_broken_stays():
    line = "x" * 120
    assert bodies._broken(line) == [line]
