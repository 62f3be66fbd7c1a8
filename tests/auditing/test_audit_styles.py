"""One right function in the styles of many hands: names, containers, layouts, steps, dtypes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strangers import RIGHT

import symbackprop as sb
from symbackprop.auditing.child.layouts import LAYOUTS, laid_out, restored
from symbackprop.auditing.child.names import Known, gradient_meanings, meanings

DERIVATION = sb.derive(sb.load("xor"))
KNOWN = [
    Known("x", "input", "real", 2, 0),
    Known("y", "input", "real", 2, 0),
    Known("W1", "parameter", "real", 2),
    Known("b1", "parameter", "real", 1),
    Known("W2", "parameter", "real", 2),
    Known("b2", "parameter", "real", 1),
]

STYLES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "dict_of_parameters": (
        "def f(params, inputs, labels):\n"
        "    p = params\n"
        "    g = gradients(inputs, labels, p['w1'], p['b1'], params['w2'], params['b2'])\n"
        "    return dict(zip(('dw1', 'db1', 'dw2', 'db2'), g))\n",
        {},
    ),
    "unpacked": (
        "def f(theta, X, Y):\n    W1, b1, W2, b2 = theta\n"
        "    return gradients(X, Y, W1, b1, W2, b2)\n",
        {},
    ),
    "keywords": ("def f(*, y, x, **p):\n    return gradients(x, y, **p)\n", {}),
    "loss_first": (
        "def f(x, y, W1, b1, W2, b2):\n    return 0.5, gradients(x, y, W1, b1, W2, b2)\n",
        {},
    ),
    "in_place": (
        "def f(x, y, W1, b1, W2, b2, lr):\n"
        "    for p, g in zip((W1, b1, W2, b2), gradients(x, y, W1, b1, W2, b2)):\n"
        "        p -= lr * g\n",
        {},
    ),
    "fixed_rate": (
        "def f(x, y, W1, b1, W2, b2):\n    g = gradients(x, y, W1, b1, W2, b2)\n"
        "    return W1 - 0.3 * g[0], b1 - 0.3 * g[1], W2 - 0.3 * g[2], b2 - 0.3 * g[3]\n",
        {},
    ),
    "said_rate": (
        "import math\nR = math.sqrt(0.04)\ndef f(x, y, W1, b1, W2, b2):\n"
        "    g = gradients(x, y, W1, b1, W2, b2)\n"
        "    return [p - R * d for p, d in zip((W1, b1, W2, b2), g)]\n",
        {"rate": 0.2},
    ),
    "weights_then_biases": (
        "def f(x, y, weights, biases):\n"
        "    a, b, c, d = gradients(x, y, weights[0], biases[0], weights[1], biases[1])\n"
        "    return [a, c], [b, d]\n",
        {"returns": ["W1", "W2", "b1", "b2"]},
    ),
    "object": (
        "class Net:\n"
        "    def __init__(self, n_in, n_hidden, n_out):\n"
        "        self.layers = [dict(W=np.zeros((n_in, n_hidden)), b=np.zeros(n_hidden)),\n"
        "                       dict(W=np.zeros((n_hidden, n_out)), b=np.zeros(n_out))]\n"
        "    def backward(self, x, y):\n"
        "        a, c = self.layers\n"
        "        g = gradients(x, y, a['W'], a['b'], c['W'], c['b'])\n"
        "        a['dW'], a['db'], c['dW'], c['db'] = g\n",
        {"function": "Net.backward"},
    ),
    "attributes_alone": (
        "class Net:\n    def __init__(self, path):\n        self.W1 = load(path)\n"
        "    def backward(self, x, y):\n"
        "        g = gradients(x, y, self.W1, self.b1, self.W2, self.b2)\n"
        "        self.dW1, self.db1, self.dW2, self.db2 = g\n",
        {"function": "Net.backward"},
    ),
    "columns": (
        "def f(X, Y, W1, b1, W2, b2):\n    assert X.shape[0] == 2 and Y.shape[0] == 1\n"
        "    assert b1.shape == (2, 1)\n"
        "    a, b, c, d = gradients(X.T, Y.T, W1.T, b1.T, W2.T, b2.T)\n"
        "    return a.T, b[:, None], c.T, d[:, None]\n",
        {},
    ),
    "single_precision": (
        "def f(x, y, W1, b1, W2, b2):\n"
        "    return gradients(*(a.astype(np.float32) for a in (x, y, W1, b1, W2, b2)))\n",
        {},
    ),
    "bound_by_the_caller": (
        "def f(q, r, s, t, u, v):\n    return gradients(v, u, q, r, s, t)\n",
        {"bind": {"q": "W1", "r": "b1", "s": "W2", "t": "b2", "u": "y", "v": "x"}},
    ),
}


@pytest.mark.parametrize("style", STYLES)
def test_a_right_function_in_this_style_is_accepted(tmp_path: Path, style: str) -> None:
    text, options = STYLES[style]
    path = tmp_path / "stranger.py"
    path.write_text(f"{RIGHT}\n\n{text}", "utf-8")
    given = dict(options)
    function = given.pop("function", "f")
    found = sb.audit(f"{path}:{function}", DERIVATION, **given)
    assert found, str(found)


def test_a_gradient_that_is_not_given_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "stranger.py"
    path.write_text(RIGHT.replace("return dW1, db1, dW2, db2", "return dict(dW1=dW1, dW2=dW2)"))
    found = sb.audit(f"{path}:gradients", DERIVATION)
    assert [f.kind for f in found] == ["missing gradient"]
    assert found.findings[0].fix.endswith("--wrt W1 --wrt W2")
    assert sb.audit(f"{path}:gradients", DERIVATION, wrt=["W1", "W2"])


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (["hidden_weights", "output_bias"], ["W1", "b2"]),
        (["w0", "w1"], ["W1", "W2"]),
        (["weights_2", "bias_1"], ["W2", "b1"]),
        (["wh", "wo"], ["W1", "W2"]),
        (["X_train", "y_train"], ["x", "y"]),
        (["inputs", "targets"], ["x", "y"]),
        (["B1", "w_2"], ["b1", "W2"]),
    ],
)
def test_names_mean_what_they_say(names: list[str], meant: list[str]) -> None:
    found = meanings(names, KNOWN)
    assert [found.get(name) for name in names] == meant


def test_a_name_that_could_be_two_is_none() -> None:
    assert meanings(["weights"], KNOWN) == {}
    assert "W" not in meanings(["W"], KNOWN)


@pytest.mark.parametrize("form", ["d{}", "grad_{}", "{}_grad", "d_{}", "nabla_{}", "delta_{}"])
def test_names_of_gradients(form: str) -> None:
    names = [form.format(k.name) for k in KNOWN[2:]]
    assert list(gradient_meanings(names, KNOWN[2:]).values()) == ["W1", "b1", "W2", "b2"]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.words or "as the spec")
def test_a_layout_is_undone(layout: Any) -> None:
    rng = np.random.default_rng(0)
    shapes = {"W1": (3, 5), "b1": (5,), "W2": (5, 1), "b2": (1,)}
    for known in KNOWN[2:]:
        array = rng.normal(size=shapes[known.name])
        back = restored(laid_out(array, known, layout), known, layout, array.shape)
        assert np.array_equal(back, array)
