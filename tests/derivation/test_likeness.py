"""Like equations are derived once, and what comes of it is what deriving each would give."""

from __future__ import annotations

import pytest

from symbackprop.derivation import differentiate, likeness
from symbackprop.derivation.adjoint import adjoint
from symbackprop.derivation.model import Derivation
from symbackprop.equations.build import build
from symbackprop.spec import load, parse
from symbackprop.spec.source import gallery

DEEP = """
name: net
inputs: {x: [N, 5], y: {shape: [N], classes: 5}}
network: |
  h0 = x
%s
loss: cross_entropy(softmax(h%d), y)
"""
LAYERS = {
    "relu": "  h{b} = relu(dense(h{a}, 5))",
    "tanh": "  h{b} = tanh(dense(h{a}, 5))",
    "residual": "  h{b} = h{a} + gelu(dense(layer_norm(h{a}), 5))",
    "attention": "  h{b} = h{a} + sigmoid(h{a}) * softmax(dense(h{a}, 5))",
    "by index": "  h{b}[n, i] = h{a}[n, i] * sum[j](h{a}[n, j]**2) + max[j](h{a}[n, j])",
    "named as an index": "  i{b}[n, i] = sin(h{a}[n, i])\n"
    "  h{b}[n, i] = i{b}[n, i] * sum[j](h{a}[n, j])",
}


def deep(layer: str, depth: int) -> str:
    lines = [LAYERS[layer].format(a=k, b=k + 1) for k in range(depth)]
    return DEEP % ("\n".join(lines), depth)


def derived(text: str) -> Derivation:
    return differentiate(build(parse(text)))


def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness._Written, "form", lambda written: (object(),))


def calls(text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    made = []
    monkeypatch.setattr(likeness, "adjoint", lambda *given: made.append(1) or adjoint(*given))
    derived(text)
    return len(made)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_derivation_is_what_it_would_be_one_by_one(layer: str, monkeypatch) -> None:
    text = deep(layer, 12)
    together = derived(text)
    one_by_one(monkeypatch)
    apart = derived(text)
    assert together == apart
    for a, b in zip(together.lines(), apart.lines(), strict=True):  # written alike, too
        assert str(a.equation.rhs) == str(b.equation.rhs)
        assert [(str(s.before), str(s.after), s.why) for s in (*a.steps, *a.also)] == [
            (str(s.before), str(s.after), s.why) for s in (*b.steps, *b.also)
        ]


@pytest.mark.slow
@pytest.mark.parametrize("name", gallery())
def test_the_gallery_is_what_it_would_be_one_by_one(name: str, monkeypatch) -> None:
    system = build(load(name))
    together = differentiate(system)
    one_by_one(monkeypatch)
    assert differentiate(system) == together


@pytest.mark.parametrize("layer", ["relu", "tanh"])
def test_a_deeper_network_takes_no_more_derivations(layer: str, monkeypatch) -> None:
    few = calls(deep(layer, 12), monkeypatch)
    assert calls(deep(layer, 60), monkeypatch) <= few + 8  # of 60 · 4, where names sort otherwise
    one_by_one(monkeypatch)
    assert calls(deep(layer, 60), monkeypatch) > 200


def test_names_that_sort_otherwise_are_derived_apart(monkeypatch) -> None:
    """a_2 before b_2, but c_2 before b_3: SymPy orders terms by names."""
    text = """
name: net
inputs: {x: [N]}
params: {w: {shape: []}, v: {shape: []}}
network: |
  p = x * w
  q = x * v
  a = p * q
  s = x * v
  r = x * w
  b = s * r
loss: sum(a + b)
"""
    together = derived(text)
    one_by_one(monkeypatch)
    assert derived(text) == together
