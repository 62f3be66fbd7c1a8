"""One gradient from every spelling of softmax or sigmoid with cross-entropy."""

from __future__ import annotations

import pytest
from sympy import Expr, exp

from symbackprop.derivation import Derivation, Line, differentiate
from symbackprop.equations.build import build
from symbackprop.equations.masks import Delta
from symbackprop.equations.nodes import Access, TensorSymbol, extent, pointwise_function, tensors
from symbackprop.equations.reductions import LogSumExp, Sum
from symbackprop.spec import parse

HEADER = """
name: spelled
inputs:
  x: [N, 7]
  y: {labels}
network: |
  z = dense(x, 5)
"""
LABELS = "{shape: [N], classes: 5}"
SOFT = "[N, 5]"
ROWS = "{shape: [N, 5], kind: distribution}"
N = extent("N")


def derived(labels: str, rest: str) -> Derivation:
    return differentiate(build(parse(HEADER.replace("{labels}", labels) + rest)))


def cotangent_of(derivation: Derivation, name: str) -> Line:
    (line,) = [x for x in derivation.losses[0].cotangents if x.of and x.of.name == name]
    return line


def softmax_of(derivation: Derivation, line: Line) -> Access:
    """The one tensor in the gradient that holds a softmax or a sigmoid, at the line's indices."""
    held = {x.equation.tensor: x.equation.rhs for x in derivation.forward}
    (p,) = [t for t in tensors(line.equation.rhs) if t in held]
    assert isinstance(held[p], exp) and held[p].has(LogSumExp)
    return Access(p, *line.equation.indices)


@pytest.mark.parametrize(
    "rest",
    [
        "  p = softmax(z)\nloss: cross_entropy(p, y)",
        "loss: cross_entropy(softmax(z), y)",
        "  l = log_softmax(z)\nloss: nll(l, y)",
        "  p = exp(z) / sum(exp(z), axis=-1, keepdims=True)\nloss: mean[n](-log(p[n, y[n]]))",
        "  e = exp(z)\n  s = sum(e, axis=1, keepdims=True)\n  p = e / s\nloss: cross_entropy(p, y)",
        "  p[n, k] = exp(z[n, k]) / sum[j](exp(z[n, j]))\n  r[n] = -log(p[n, y[n]])\nloss: mean(r)",
        "  m = max(z, axis=1, keepdims=True)\n"
        "  p = exp(z - m) / sum(exp(z - m), axis=1, keepdims=True)\nloss: cross_entropy(p, y)",
        "  r[n] = logsumexp[k](z[n, k]) - z[n, y[n]]\nloss: mean(r)",
        "loss: mean[n](log(sum[k](exp(z[n, k]))) - z[n, y[n]])",
    ],
)
def test_softmax_with_cross_entropy(rest: str) -> None:
    derivation = derived(LABELS, rest)
    line = cotangent_of(derivation, "z")
    n, k = line.equation.indices
    (y,) = [t for t in tensors(line.equation.rhs) if t.kind == "integer"]
    expected = (softmax_of(derivation, line) - Delta(k, Access(y, n))) / N
    assert line.equation.rhs == expected


def test_soft_labels_keep_their_row_sums() -> None:
    derivation = derived(SOFT, "loss: cross_entropy(softmax(z), y)")
    line = cotangent_of(derivation, "z")
    n, k = line.equation.indices
    p = softmax_of(derivation, line)
    (y,) = [t for t in tensors(line.equation.rhs) if t.name == "y"]
    (total,) = line.equation.rhs.atoms(Sum)
    assert total.body == Access(y, n, *total.bound)
    assert line.equation.rhs == (p * total - Access(y, n, k)) / N


def test_distributions_have_rows_that_sum_to_one() -> None:
    derivation = derived(ROWS, "loss: cross_entropy(softmax(z), y)")
    line = cotangent_of(derivation, "z")
    n, k = line.equation.indices
    (y,) = [t for t in tensors(line.equation.rhs) if t.name == "y"]
    assert line.equation.rhs == (softmax_of(derivation, line) - Access(y, n, k)) / N
    assert "rows sum to 1" in line.rules


@pytest.mark.parametrize(
    "rest",
    [
        "  p = sigmoid(z)\nloss: binary_cross_entropy(p, y)",
        "loss: binary_cross_entropy(sigmoid(z), y)",
        "  p = 1 / (1 + exp(-z))\nloss: binary_cross_entropy(p, y)",
        "  p = exp(z) / (1 + exp(z))\nloss: mean(-y * log(p) - (1 - y) * log(1 - p))",
    ],
)
def test_sigmoid_with_binary_cross_entropy(rest: str) -> None:
    derivation = derived("[N, 5]", rest)
    line = cotangent_of(derivation, "z")
    n, k = line.equation.indices
    (y,) = [t for t in tensors(line.equation.rhs) if t.name == "y"]
    (z,) = [x.equation.tensor for x in derivation.forward if x.equation.tensor.name == "z"]
    held = {x.equation.tensor for x in derivation.forward}
    sigmoid = pointwise_function("sigmoid")
    p = sigmoid(Access(z, n, k))
    named = [t for t in tensors(line.equation.rhs) if t in held and t != z]
    if named:
        assert isinstance(derivation_of(derivation, named[0]), sigmoid)
        p = Access(named[0], n, k)
    assert line.equation.rhs == (p - Access(y, n, k)) / (5 * N)


def derivation_of(derivation: Derivation, tensor: TensorSymbol) -> Expr:
    (rhs,) = [x.equation.rhs for x in derivation.forward if x.equation.tensor == tensor]
    return rhs


def test_nothing_is_derived_at_a_fixed_extent() -> None:
    line = cotangent_of(derived(LABELS, "loss: cross_entropy(softmax(z), y)"), "z")
    assert N in line.equation.rhs.free_symbols
