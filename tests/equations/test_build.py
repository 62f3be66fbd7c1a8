"""From a spec to equations: names, shapes, and the message for each fault that shapes show."""

from __future__ import annotations

import pytest

from symbackprop.equations.build import build
from symbackprop.equations.nodes import extent
from symbackprop.equations.system import System
from symbackprop.spec import parse
from symbackprop.spec.errors import SpecError

HEADER = """name: t
inputs:
  x: [N, 64]
  y: {shape: [N], classes: 10}
  r: [N, 10]
params:
  W: {shape: [64, 10]}
  b: {shape: [32]}
network: |
"""
USE = "0 * sum(W) * sum(b)"


def built(
    body: str, header: str = "name: t\ninputs:\n  x: [N, 64]\n  y: {shape: [N], classes: 10}\n"
) -> System:
    return build(parse(f"{header}{body}", "t.yaml"))


FAULTS = {
    "extents": (
        "  z[n, j] = sum[k](W[k, j] * x[n, k] * b[k])\nloss: sum(z)",
        "t.yaml:10:17: index k has extent 64 in W[k, j] but 32 in b[k]",
        "use an index of its own for each extent",
    ),
    "product": (
        "  z = x @ b\nloss: sum(z) + sum(W)",
        "t.yaml:10:9: '@' of shapes [N, 64] and [32]: 64 is not 32",
        "the last axis of the left and the last but one of the right have one extent",
    ),
    "broadcast": (
        "  z = x @ W + b\nloss: sum(z)",
        "t.yaml:10:13: '+' of shapes [N, 10] and [32], which do not broadcast",
        "axes are aligned from the right; extents are equal or 1",
    ),
    "loss": (
        "  z = x @ W + sum(b)\nloss: z",
        "t.yaml:11:7: the loss has shape [N, 10], but a loss is a scalar",
        "take its mean(…) or sum(…)",
    ),
    "axis": (
        "  z = softmax(x @ W + sum(b), axis=2)\nloss: sum(z)",
        "t.yaml:10:36: softmax: axis 2 of an array of rank 2",
        "use -2 to 1",
    ),
    "targets": (
        f"  z = x @ W\nloss: cross_entropy(z, x) + {USE}",
        "t.yaml:11:24: cross_entropy: scores [N, 10] and targets [N, 64]",
        "use integer labels (classes: …), or distributions of the shape of the scores",
    ),
    "classes": (
        f"loss: cross_entropy(dense(x, 7), y) + {USE}",
        "t.yaml:10:34: cross_entropy: labels of 10 classes, but scores of 7",
        "give the scores one entry for each class",
    ),
    "shapes of a loss": (
        f"  z = x @ W\nloss: mse(z, y) + {USE}",
        "t.yaml:11:14: mse: shapes [N, 10] and [N] of the two arguments differ",
        "a loss compares entry with entry: give both the same shape",
    ),
    "reshape": (
        f"  z = reshape(x, N, 5, 7)\nloss: sum(z) + {USE}",
        "t.yaml:10:7: reshape: [N, 64] to [N, 5, 7]",
        "keep the number of entries",
    ),
    "reshape to what is open twice": (
        f"  z = reshape(x, -1, -1)\nloss: sum(z) + {USE}",
        "t.yaml:10:7: reshape: 2 extents are -1",
        "let one be -1 at most",
    ),
    "rank": (
        f"  z[n, i] = x[n]\nloss: sum(z) + {USE}",
        "t.yaml:10:13: 'x' has rank 2 [N, 64], but stands here with 1 indices",
        "write one index for each axis",
    ),
    "bounds": (
        "  z[n] = x[n, 70] + sum[j](W[0, j])\nloss: sum(z) + sum(b)",
        "t.yaml:10:15: index 70 of an axis of x that has extent 64",
        "use 0 to 63",
    ),
    "shift": (
        f"  z[n, i] = x[n, i + 1] * x[n, i]\nloss: sum(z) + {USE}",
        "t.yaml:10:13: index i + 1 of x leaves its axis of extent 64, with i from 0 to 63",
        "pad first, or say when it is read: where(condition, entry, 0)",
    ),
    "mask": (
        f"  z = where(x, 1, 0)\nloss: sum(z) + {USE}",
        "t.yaml:10:13: 'where' takes masks, but this is a number",
        "compare it, as in x > 0, or declare the input with kind: mask",
    ),
    "units": (
        f"  z = dense(x, N)\nloss: sum(z) + {USE}",
        "t.yaml:10:16: units of dense takes a whole number known in the spec, but got 'N'",
        "write dense(x, units, bias=True, axes=1)",
    ),
    "sharing": (
        f"  z = dense(x, 5, name=a)\n  q = dense(z, 5, name=a)\nloss: sum(q) + {USE}",
        "t.yaml:11:7: parameter W_a has shape [64, 5], but here [5, 5]",
        "layers that share a name have the same shapes; use another name=",
    ),
    "gather": (
        "  z[n] = b[y[n]]\nloss: sum(z) + sum(W)",
        "t.yaml:10:12: y has 10 classes, but indexes an axis of b of extent 32",
        "let both be the same number",
    ),
    "zero": (
        f"  z = x / 0\nloss: sum(z) + {USE}",
        "t.yaml:10:11: division by zero",
        "divide by something else",
    ),
    "concat of ranks": (
        f"  v[n] = x[n, 0]\n  z = concat(x, v)\nloss: sum(z) + {USE}",
        "t.yaml:11:17: concat: shapes [N, 64] and [N] along axis -1",
        "all other axes have the same extents",
    ),
    "not real": (
        f"  z = sqrt(-2) * x\nloss: sum(z) + {USE}",
        "t.yaml:10:3: 'z' cannot be computed: "
        "a number in it is not real and finite, as log(0) or sqrt(-1) are not",
        "use real, finite numbers",
    ),
    "not real either": (
        f"  z = (-8)**(1/3) * x\nloss: sum(z) + {USE}",
        "t.yaml:10:3: 'z' cannot be computed: (-1)**(1/3) is not a real number",
        "use real, finite numbers",
    ),
    "power": (
        f"  z = x**5000\nloss: sum(z) + {USE}",
        "t.yaml:10:3: 'z' cannot be computed: a power of 5000, more than 1000",
        "use real, finite numbers",
    ),
    "zero to a power": (
        f"  z = 0**x\nloss: sum(z) + {USE}",
        "t.yaml:10:3: 'z' cannot be computed: 0 to the power of x[n, i]",
        "use real, finite numbers",
    ),
    "written extent": (
        f"  z = sum[q:N-1](q) * x\nloss: sum(z) + {USE}",
        "t.yaml:10:11: the extent of q is N - 1, which is not at least 1",
        "write an extent that is 1 or more",
    ),
    "keyword": (
        "  z = leaky_relu(x, slope=b)\nloss: sum(z) + sum(W)",
        "t.yaml:10:7: leaky_relu of shapes [N, 64] and [32], which do not broadcast",
        "axes are aligned from the right; extents are equal or 1",
    ),
    "concat": (
        "  z = concat(x, W)\nloss: sum(z) + sum(b)",
        "t.yaml:10:17: concat: shapes [N, 64] and [64, 10] along axis -1",
        "all other axes have the same extents",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_that_shapes_show(name: str) -> None:
    body, message, fix = FAULTS[name]
    with pytest.raises(SpecError) as caught:
        built(body, HEADER)
    assert [f.fix for f in caught.value.faults] == [fix]
    assert str(caught.value).splitlines()[0] == message


def test_every_statement_is_looked_at() -> None:
    """Two faults, two messages; what depends on a fault is passed over."""
    with pytest.raises(SpecError) as caught:
        built("network: |\n  a = x @ x\n  b = a + 1\n  c = x + y\n  d = b * c\nloss: sum(d)\n")
    assert [f.place.line for f in caught.value.faults if f.place] == [6, 8]


def test_layers_are_numbered_in_order_of_evaluation() -> None:
    system = built(
        "network: |\n  h = tanh(dense(relu(dense(x, 5)), 7))\n  g = dense(h, 3, name=enc)\n"
        "  p = dense(g, 10, bias=False)\nloss: cross_entropy(softmax(p), y)\n"
    )
    assert [p.symbol.name for p in system.parameters] == [
        "W1",
        "b1",
        "W2",
        "b2",
        "W_enc",
        "b_enc",
        "W3",
    ]
    shapes = {p.symbol.name: p.symbol.shape for p in system.parameters}
    assert shapes["W1"] == (64, 5) and shapes["W_enc"] == (7, 3) and shapes["b2"] == (7,)


def test_run_time_extents_stay_symbols() -> None:
    system = built("loss: cross_entropy(softmax(dense(x, 10)), y)\n")
    assert system.extents == (extent("N"),)
    assert system.equations[0].tensor.shape == (extent("N"), 10)


def test_penalties_cover_every_parameter_of_rank_two() -> None:
    network = "network: |\n  z = dense(dense(x, 3), 2)\n"
    system = built(f"{network}loss: mean(z) + l2(0.5) + l1(1, b1)\n")
    read = {t.name for t in system.equations[-1].rhs.atoms() if hasattr(t, "shape")}
    assert {"W1", "W2", "b1"} <= read and "b2" not in read


def test_outputs_default_to_the_last_tensor() -> None:
    system = built("network: |\n  h = dense(x, 3)\n  g = h * 2\nloss: sum(g)\n")
    assert [t.name for t in system.outputs] == ["g"]
