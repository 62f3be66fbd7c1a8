"""The corrected line: single edits of strangers' sources, likeliest first."""

from __future__ import annotations

import ast
import subprocess
import sys
import traceback
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.auditing.repairs import Repair, blamed, repairs

WITHIN = 300

ROWS = """\
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gradients(x, y, W1, b1, W2, b2, lam):
    N = x.shape[0]          # examples
    z1 = x @ W1 + b1
    a1 = np.tanh(z1)
    z2 = a1 @ W2 + b2
    p  = sigmoid(z2)

    dz2 = 2 * (p - y) / N * p * (1 - p)
    dW2 = a1.T @ dz2 + lam * W2
    db2 = np.sum(dz2, axis=0)
    da1 = dz2 @ W2.T
    dz1 = da1 * (1 - a1**2)
    dW1 = x.T @ dz1 + lam * W1
    db1 = np.sum(dz1, axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
"""

COLUMNS = """\
import numpy as np

def relu(Z): return np.maximum(0, Z)

def backward(params, X, Y):
    m = X.shape[1]
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    Z1 = np.dot(W1, X) + b1
    A1 = relu(Z1)
    A2 = 1 / (1 + np.exp(-(np.dot(W2, A1) + b2)))
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(W2.T, dZ2)
    dZ1[Z1 <= 0] = 0
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return dW1, db1, dW2, db2
"""

CLASS = """\
import numpy as np

class Net:
\tdef __init__(self, W1, W2, rate=0.1):
\t\tself.W1, self.W2, self.rate = W1, W2, rate

\tdef act(self, z):
\t\treturn 1 / (1 + np.exp(-z))

\tdef act_prime(self, z):
\t\treturn self.act(z) * (1 - self.act(z))

\tdef forward(self, x):
\t\tself.x = x
\t\tself.z1 = x.dot(self.W1)
\t\tself.h = self.act(self.z1)
\t\treturn self.h.dot(self.W2)

\tdef step(self, x, t):
\t\tout = self.forward(x)
\t\tdelta2 = (out - t) / len(x)
\t\tdelta1 = delta2.dot(self.W2.T) * self.act_prime(self.z1)
\t\tself.W2 -= self.rate * self.h.T.dot(delta2)
\t\tself.W1 -= self.rate * self.x.T.dot(delta1)
"""

RECURRENT = """\
import numpy as np

def bptt(x, y, Wx, Wh, Wy):
    T = len(x)
    h = np.zeros((T + 1, Wh.shape[0]))
    for t in range(T):
        h[t] = np.tanh(x[t] @ Wx + h[t - 1] @ Wh)
    dWx, dWh, dWy = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wy)
    dh_next = np.zeros(Wh.shape[0])
    for t in reversed(range(T)):
        dy = h[t] @ Wy - y[t]
        dWy += np.outer(h[t], dy)
        dh = dy @ Wy.T + dh_next
        dz = dh * (1 - h[t] ** 2)
        dWx += np.outer(x[t], dz)
        dWh += np.outer(h[t - 1], dz)
        dh_next = dz @ Wh.T
    return dWx, dWh, dWy
"""

SUMS = """\
import numpy as np

def gradient(E, ids, U, t):
    x = E[ids]
    p = np.einsum("nd,dk->nk", x, U)
    d = p - t
    dU = np.einsum("nd,nk->dk", x, d)
    dx = np.einsum("nk,dk->nd", d, U)
    dE = np.zeros_like(E)
    np.add.at(dE, ids, dx)
    return dict(E=dE, U=dU)
"""


def _values() -> dict[str, Any]:
    """Numbers for all of these networks, of extents that differ."""
    r = np.random.default_rng(5)
    shapes = {"x": (7, 3), "y": (7, 2), "W1": (3, 5), "b1": (5,), "W2": (5, 2), "b2": (2,)}
    shapes |= {"V1": (5, 3), "c1": (5, 1), "V2": (2, 5), "c2": (2, 1), "xs": (6, 3), "ys": (6, 2)}
    shapes |= {"Wx": (3, 4), "Wh": (4, 4), "Wy": (4, 2), "E": (4, 3), "U": (3, 2)}
    return {name: r.normal(size=shape) for name, shape in shapes.items()}


def _rows(m: dict[str, Any], v: dict[str, Any]) -> dict[str, Any]:
    return dict(m["gradients"](v["x"], v["y"], v["W1"], v["b1"], v["W2"], v["b2"], 0.03))


def _columns(m: dict[str, Any], v: dict[str, Any]) -> dict[str, Any]:
    params = {"W1": v["V1"], "b1": v["c1"], "W2": v["V2"], "b2": v["c2"]}
    found = m["backward"](params, v["x"].T, v["y"].T)
    return dict(zip(("W1", "b1", "W2", "b2"), found, strict=True))


def _class(m: dict[str, Any], v: dict[str, Any]) -> dict[str, Any]:
    net = m["Net"](v["W1"].copy(), v["W2"].copy())
    net.step(v["x"], v["y"])
    return {"W1": net.W1, "W2": net.W2}


def _recurrent(m: dict[str, Any], v: dict[str, Any]) -> dict[str, Any]:
    found = m["bptt"](v["xs"], v["ys"], v["Wx"], v["Wh"], v["Wy"])
    return dict(zip(("Wx", "Wh", "Wy"), found, strict=True))


def _sums(m: dict[str, Any], v: dict[str, Any]) -> dict[str, Any]:
    return dict(m["gradient"](v["E"], np.array([0, 2, 2, 3, 1, 0, 2]), v["U"], v["y"]))


Run = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
STYLES: dict[str, tuple[str, str, Run]] = {
    "rows": (ROWS, "gradients", _rows),
    "columns": (COLUMNS, "backward", _columns),
    "class": (CLASS, "Net.step", _class),
    "recurrent": (RECURRENT, "bptt", _recurrent),
    "sums": (SUMS, "gradient", _sums),
}

# style, what stands in the right file, what stands there by mistake
DAMAGES = [
    ("rows", "(p - y) / N", "(y - p) / N"),
    ("rows", "2 * (p - y)", "(p - y)"),
    ("rows", "(p - y) / N", "(p - y)"),
    ("rows", " * p * (1 - p)", ""),
    ("rows", "p * (1 - p)", "z2 * (1 - z2)"),
    ("rows", "p * (1 - p)", "(1 - p**2)"),
    ("rows", "a1.T @ dz2 + lam * W2", "a1.T @ dz2"),
    ("rows", "x.T @ dz1 + lam * W1", "x.T @ dz1 + lam * W2"),
    ("rows", "a1.T @ dz2", "z1.T @ dz2"),
    ("rows", "np.sum(dz1, axis=0)", "np.mean(dz1, axis=0)"),
    ("rows", "np.sum(dz1, axis=0)", "np.sum(dz1)"),
    ("rows", "np.sum(dz2, axis=0)", "np.sum(dz2, axis=1)"),
    ("rows", "np.sum(dz2, axis=0)", "dz2"),
    ("rows", "dz2 @ W2.T", "dz2 @ W2"),
    ("rows", "dz2 @ W2.T", "W2 @ dz2"),
    ("rows", "x.T @ dz1", "dz1.T @ x"),
    ("rows", "da1 * (1 - a1**2)", "da1"),
    ("rows", "da1 * (1 - a1**2)", "da1 * (1 - z1**2)"),
    ("rows", "da1 * (1 - a1**2)", "da1 * (1 - a1*2)"),
    ("rows", "da1 * (1 - a1**2)", "da1 * (1 + a1**2)"),
    ("rows", "da1 * (1 - a1**2)", "da1 * a1 * (1 - a1)"),
    ("rows", "da1 * (1 - a1**2)", "da1 * (1 - a1)"),
    ("rows", "lam * W1", "2 * lam * W1"),
    ("rows", '"W1": dW1', '"W1": -dW1'),
    ("rows", '"b1": db1', '"b1": db2'),
    ("columns", "dZ2 = A2 - Y", "dZ2 = Y - A2"),
    ("columns", "np.dot(dZ2, A1.T) / m", "np.dot(dZ2, A1.T)"),
    ("columns", "np.dot(dZ2, A1.T)", "np.dot(dZ2, A1)"),
    ("columns", "np.dot(dZ2, A1.T)", "np.dot(A1, dZ2.T)"),
    ("columns", "np.dot(W2.T, dZ2)", "np.dot(W2, dZ2)"),
    ("columns", "X.shape[1]", "X.shape[0]"),
    ("columns", "dZ1[Z1 <= 0]", "dZ1[Z1 > 0]"),
    ("columns", "np.sum(dZ1, axis=1,", "np.sum(dZ1, axis=0,"),
    ("columns", "return dW1, db1,", "return dW2, db1,"),
    ("class", "(out - t) / len(x)", "(t - out) / len(x)"),
    ("class", "(out - t) / len(x)", "(out - t)"),
    ("class", "self.act_prime(self.z1)", "self.act_prime(self.h)"),
    ("class", "\t\treturn self.act(z) * (1 - self.act(z))", "\t\treturn z * (1 - z)"),
    ("class", " * self.act_prime(self.z1)", ""),
    ("class", "self.W1 -= self.rate", "self.W1 += self.rate"),
    ("class", "self.rate * self.x.T", "self.x.T"),
    ("class", "self.x.T.dot(delta1)", "self.h.T.dot(delta1)"),
    ("recurrent", " + dh_next", ""),
    ("recurrent", "np.outer(h[t - 1], dz)", "np.outer(h[t], dz)"),
    ("recurrent", "reversed(range(T))", "range(T)"),
    ("recurrent", "reversed(range(T))", "reversed(range(1, T))"),
    ("recurrent", "dz @ Wh.T", "dz @ Wh"),
    ("recurrent", "np.outer(x[t], dz)", "np.outer(dz, x[t])"),
    ("recurrent", "dWx += np", "dWx = np"),
    ("recurrent", "dh * (1 - h[t] ** 2)", "dh"),
    ("recurrent", "dh * (1 - h[t] ** 2)", "dh * (1 - h[t - 1] ** 2)"),
    ("sums", '"nd,nk->dk"', '"nd,nk->kd"'),
    ("sums", '"nk,dk->nd", d', '"nk,dk->nd", x'),
    ("sums", "np.add.at(dE, ids, dx)", "dE[ids] += dx"),
    ("sums", "np.add.at(dE, ids, dx)", "dE[ids] = dx"),
]


def _numbers(style: str, source: str) -> dict[str, Any] | int:
    """What the function computes; where it raises, the line."""
    names: dict[str, Any] = {}
    try:
        with np.errstate(all="ignore"):
            exec(compile(source, "stranger.py", "exec"), names)
            return STYLES[style][2](names, _values())
    except Exception as raised:
        trace = traceback.extract_tb(raised.__traceback__)
        return [frame.lineno or 0 for frame in trace if frame.filename == "stranger.py"][-1]


def _wrong(found: dict[str, Any] | int, right: dict[str, Any]) -> list[str]:
    """The names of what is not as it should be."""
    if isinstance(found, int):
        return list(right)
    same = {n: np.shape(found[n]) == np.shape(right[n]) for n in right}
    return [n for n in right if not (same[n] and np.allclose(found[n], right[n], atol=1e-12))]


@pytest.mark.parametrize(("style", "right", "wrong"), DAMAGES[::3])
def test_a_damaged_function_is_mended(style: str, right: str, wrong: str) -> None:
    """Its numbers are the right ones again, with one of the first edits."""
    _mended(style, right, wrong)


@pytest.mark.slow
@pytest.mark.parametrize(("style", "right", "wrong"), [d for i, d in enumerate(DAMAGES) if i % 3])
def test_so_are_the_others(style: str, right: str, wrong: str) -> None:
    _mended(style, right, wrong)


def _mended(style: str, right: str, wrong: str) -> None:
    source, function, _ = STYLES[style]
    assert right in source
    damaged = source.replace(right, wrong, 1)
    goal = _numbers(style, source)
    assert isinstance(goal, dict)
    bad = _numbers(style, damaged)
    assert _wrong(bad, goal), "the damage changes nothing"
    if isinstance(bad, int):
        edits = islice(repairs(damaged, function, (), "shape error", bad), WITHIN)
    else:
        edits = islice(repairs(damaged, function, _wrong(bad, goal)), WITHIN)
    assert any(not _wrong(_numbers(style, new), goal) for _, new in edits)


def test_a_stale_value_is_mended_by_another_order() -> None:
    lines = CLASS.splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if "delta1 = delta2" in line)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    goal = _numbers("class", CLASS)
    assert isinstance(goal, dict) and _wrong(_numbers("class", "".join(lines)), goal) == ["W1"]
    edits = islice(repairs("".join(lines), "Net.step", ["W1"], "stale values"), WITHIN)
    good = [r for r, new in edits if not _wrong(_numbers("class", new), goal)]
    assert good and len(good[0].before.splitlines()) == 2


def test_a_saved_value_is_copied() -> None:
    source = CLASS.replace(
        "\t\tdelta1 = delta2.dot(self.W2.T)",
        "\t\told = self.W2\n\t\tself.W2 -= self.rate * self.h.T.dot(delta2)\n"
        "\t\tdelta1 = delta2.dot(old.T)",
    ).replace("(self.z1)\n\t\tself.W2 -= self.rate * self.h.T.dot(delta2)\n", "(self.z1)\n")
    edits = [r.after.strip() for r, _ in islice(repairs(source, "Net.step", ["W1"]), WITHIN)]
    assert "old = self.W2.copy()" in edits


def _texts(source: str, function: str, *hints: Any) -> list[str]:
    return [r.after.strip() for r, _ in islice(repairs(source, function, *hints), WITHIN)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("g = grad(z)", "g = grad(a)"),
        ("g = (x - y) * 2  # twice", "g = x - y  # twice"),
        ("g = (x\n         - y) * 2", "g = (x\n         - y)"),
        ("g = - x", "g = x"),
        ("g = x / (2 * n)", "g = x / n"),
        ("g = x if a > 0 else y", "g = x if a < 0 else y"),
        ("g = x[1:] * y[:-1]", "g = x[:-1] * y[:-1]"),
        ("g = np.sum(x * y, axis=1)", "g = np.sum(x * y, axis=0)"),
        ("g = np.sum(x * y, axis=1, keepdims=True)", "g = np.sum(x * y, axis=1)"),
        ("g = x.mean(axis=0)", "g = x.sum(axis=0)"),
        ("g = np.outer(x, y)", "g = np.outer(y, x)"),
        ("g = x @ y", "g = x.T @ y"),
        ("g = (x + a).T @ y", "g = (x + a) @ y"),
        ("g = x.dot(y)", "g = y.dot(x)"),
        ("g = x @ y", "g = x * y"),
        ("g = np.multiply(x, y)", "g = np.dot(x, y)"),
        ("g = a * 2", "g = a ** 2"),
        ("g = y * a", "g = y * a * (1 - a)"),
        ("g = y * a * (1 - a)", "g = y"),
        ("g = x; h = y", "g = -x; h = y"),
        ("g = x.reshape(-1)", "g = x"),
    ],
)
def test_edits_keep_style(before: str, after: str) -> None:
    """Comments, line breaks and what else stands on the line stay; parentheses come as needed."""
    function = "import numpy as np\n\ndef f(x, y, z, a, n):\n    {}\n    return g\n"
    assert after in _texts(function.format(before), "f")


def test_parentheses_come_where_they_are_needed() -> None:
    texts = _texts(
        "def f(x, y, c):\n    g = x - y\n    d = c * g.T\n    return d\n", "f", (), "factor"
    )
    assert "g = 2 * (x - y)" in texts
    assert "return 2 * d" in texts


def test_the_missing_term_of_a_label_is_written_on_a_line_of_its_own() -> None:
    source = (
        "import numpy as np\n\ndef f(p, y):\n    n = len(y)\n"
        "    loss = -np.log(p[range(n), y]).sum()\n    d = p.copy()\n    return d\n"
    )
    assert "d = p.copy()\n    d[range(n), y] -= 1" in _texts(source, "f", ["d"], "missing term")


def test_the_flag_of_a_call_is_known_from_the_definition() -> None:
    source = (
        "def nonlin(x, deriv=False):\n    if deriv:\n        return x * (1 - x)\n    return x\n\n\n"
        "def f(l1, error):\n    delta = error * nonlin(l1)\n    return delta\n"
    )
    assert "delta = error * nonlin(l1, deriv=True)" in _texts(source, "f")


def test_only_what_the_function_reaches_is_edited() -> None:
    source = (
        "def used(z):\n    return z * z\n\n\ndef unused(z):\n    return z - 1\n\n\n"
        "def f(x):\n    return used(x)\n\n\nprint(f(3) - 1)\n"
    )
    assert {r.line for r, _ in repairs(source, "f")} == {2, 10}


def test_nothing_for_a_function_that_is_not_there() -> None:
    assert list(repairs("x = 1\n", "f")) == []


def test_what_is_not_python_is_refused() -> None:
    with pytest.raises(SyntaxError):
        next(repairs("def f(:\n", "f"))


def test_names_of_wrong_gradients_bring_their_statements_first() -> None:
    source = ROWS.replace("np.sum(dz1, axis=0)", "np.sum(dz1, axis=1)")
    lines = [r.line for r, _ in islice(repairs(source, "gradients", ["b1"]), 20)]
    assert lines.count(21) > 15
    unaware = [r.line for r, _ in islice(repairs(source, "gradients"), 20)]
    assert unaware.count(21) < 10


def test_a_hint_brings_its_kind_first() -> None:
    source = ROWS.replace("da1 * (1 - a1**2)", "da1")

    def rank(hint: str) -> int:
        edits = repairs(source, "gradients", ["W1", "b1"], hint)
        return next(i for i, (r, _) in enumerate(edits) if "da1 * (1 - a1 ** 2)" in r.after)

    assert rank("forgotten derivative") < rank("") < WITHIN


def test_the_line_where_a_fault_shows_comes_first() -> None:
    source = ROWS.replace("da1 = dz2 @ W2.T", "da1 = dz2 @ W2")
    every = ["W1", "b1", "W2", "b2"]
    lines = [r.line for r, _ in islice(repairs(source, "gradients", every, "shape", 18), 20)]
    assert lines.count(18) > 10


@pytest.mark.parametrize(
    ("style", "gradient", "line"),
    [
        ("rows", "W1", 20),
        ("rows", "db2", 17),
        ("columns", "W1", 16),
        ("columns", "b2", 13),
        ("class", "W2", 23),
        ("recurrent", "Wh", 16),
        ("sums", "U", 7),
        ("rows", "W7", None),
    ],
)
def test_the_blamed_line(style: str, gradient: str, line: int | None) -> None:
    source, function, _ = STYLES[style]
    assert blamed(source, function, gradient) == line


@pytest.mark.parametrize(
    ("body", "gradient", "line"),
    [
        ("g_hidden = x\n    return g_hidden, y", "W1", 2),
        ("grads = {}\n    grads['W1'] = x\n    grads['b1'] = y\n    return grads", "b1", 4),
        ("W1 -= lr * x\n    b1 -= lr * y", "b1", 3),
        ("dW1 = x\n    W1 = W1 - lr * dW1\n    b1 = b1 - lr * y\n    return W1, b1", "W1", 2),
        ("loss = x\n    return loss, {'W1': x + y, 'b1': y}", "W1", 3),
        ("return x.T, y.sum(0)", "b1", 2),
    ],
)
def test_gradients_are_known_by_key_by_name_and_by_place(
    body: str, gradient: str, line: int
) -> None:
    assert blamed(f"def f(x, y, W1, b1, lr):\n    {body}\n", "f", gradient) == line


def _check(source: str, repair: Repair, new: str) -> None:
    """The edit changes the lines that it says, and no byte besides."""
    ast.parse(new.removeprefix("\ufeff"))
    old, now = source.splitlines(keepends=True), new.splitlines(keepends=True)
    count, after = len(repair.before.splitlines()), len(repair.after.splitlines())
    first = repair.line - 1
    assert [line.rstrip("\r\n").removeprefix("\ufeff") for line in old[first : first + count]] == (
        repair.before.splitlines()
    )
    assert [line.rstrip("\r\n").removeprefix("\ufeff") for line in now[first : first + after]] == (
        repair.after.splitlines()
    )
    assert old[:first] == now[:first]
    assert old[first + count :] == now[first + after :]
    assert repair.before != repair.after


EXPRESSIONS = st.recursive(
    st.sampled_from(["x", "W1", "h", "2", "1e-4", "self.W", 'c["z1"]', "x[t - 1]", "x.T", "é"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "@", "**", ">"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        inner.map(lambda e: f"-{e}"),
        inner.map(lambda e: f"np.sum({e}, axis=0)"),
        inner.map(lambda e: f"({e}\n        )"),
        inner.map(lambda e: f"{e}.T" if e.isidentifier() else f"({e}).T"),
        st.tuples(inner, inner).map(lambda t: f"np.dot({t[0]}, # why\n     {t[1]})"),
    ),
    max_leaves=6,
)
STATEMENTS = st.one_of(
    st.tuples(st.sampled_from(["dW", "h", "é", "self.W", "x[t]"]), EXPRESSIONS).map(
        lambda t: f"{t[0]} = {t[1]}"
    ),
    st.tuples(st.sampled_from(["W1", "x"]), EXPRESSIONS).map(lambda t: f"{t[0]} -= {t[1]}  # ≤"),
    EXPRESSIONS.map(lambda e: f"for t in reversed(range(3)):\n        W1 += {e}"),
    EXPRESSIONS.map(lambda e: f"a = 1; b = {e}"),
    EXPRESSIONS.map(lambda e: f"return {{'W1': {e}}}, (x, {e})"),
    EXPRESSIONS.map(lambda e: f"print(f'{{x}} {{W1}}', {e})"),
)


@settings(max_examples=30, deadline=None)
@given(
    body=st.lists(STATEMENTS, min_size=1, max_size=4),
    ends=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from(["", "\ufeff"]),
    last=st.booleans(),
    wrong=st.sampled_from([(), ("W1",), ("W1", "dW")]),
)
def test_every_edit_parses_and_changes_the_lines_that_it_says(
    body: list[str], ends: str, mark: str, last: bool, wrong: tuple[str, ...]
) -> None:
    text = "import numpy as np\nc = {'z1': 1}\ndef f(self, x, W1, t=0):\n    é = h = x\n    "
    text += "\n    ".join(body) + ("\n" if last else "")
    source = mark + text.replace("\n", ends)
    seen = {source}
    for repair, new in islice(repairs(source, "f", wrong), 250):
        assert new not in seen
        seen.add(new)
        _check(source, repair, new)


@pytest.mark.parametrize("style", STYLES)
def test_every_edit_of_the_examples_parses_and_is_there_once(style: str) -> None:
    source, function, _ = STYLES[style]
    edits = list(repairs(source, function))
    assert 200 < len(edits) < 6000
    assert len({new for _, new in edits}) == len(edits)
    for repair, new in edits[::9]:
        _check(source, repair, new)


COMMAND = (
    "import sys, hashlib; from itertools import islice;"
    "from symbackprop.auditing.repairs import repairs;"
    "text = sys.stdin.read();"
    "found = ''.join(n for _, n in islice(repairs(text, 'backward', ('W1',)), 900));"
    "print(hashlib.sha256(found.encode()).hexdigest());"
    "print(sorted({m.split('.')[0] for m in sys.modules} & {'numpy', 'sympy', 'jinja2'}))"
)


def test_edits_do_not_depend_on_hashes_and_need_no_library() -> None:
    told = [
        subprocess.run(
            [sys.executable, "-c", COMMAND],
            input=COLUMNS,
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert told[0].splitlines()[1] == "[]"
