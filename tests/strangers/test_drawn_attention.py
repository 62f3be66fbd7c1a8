"""Attention and norms at shapes, masks and options drawn at random, equal to PyTorch's to 1e-9."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

import torch
from stranger import Case
from test_strangers import assert_same
from torch.nn import functional as F
from ways import by_module, by_torch, extents_of
from ways import given as drawn

import symbackprop as sb

pytestmark = pytest.mark.torch

SOME = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
)
PRIMES = (3, 2, 5, 7, 11, 13)


def agree(case: Case, seed: int) -> None:
    """The generated module and PyTorch find the same loss, outputs and gradients."""
    derivation = sb.derive(sb.parse(case.text))
    arrays = drawn(case, derivation, extents_of(derivation, PRIMES), seed)
    found = by_module(sb.compile(derivation, "float64"), derivation, arrays)
    assert_same(found, by_torch(case, derivation, arrays))


def text(inputs: dict[str, Any], call: str, wrt: str) -> str:
    declared = ", ".join(f"{name}: {shape}" for name, shape in inputs.items())
    return (
        f"name: drawn\ninputs: {{{declared}}}\nnetwork: |\n  z = {call}\n"
        f"loss: sum(z * y)\nwrt: [{wrt}]\n"
    )


def shape(extents: list[Any]) -> str:
    return f"[{', '.join(map(str, extents))}]"


def attended(s: Any, v: Any, causal: bool, mask: Any) -> Any:
    """softmax(s) v by hand, where both allow it; a query that may see nothing finds 0."""
    allowed = torch.ones(s.shape[-2:]).bool()
    allowed = allowed.tril() if causal else allowed
    allowed = allowed if mask is None else allowed & mask
    p = torch.where(allowed, s, -1e30).softmax(-1)
    return torch.where(allowed, p, 0.0) @ v


EXTENT = st.sampled_from([1, 2, 4, 5, "T"])


@SOME
@given(
    leading=st.lists(st.sampled_from(["N", 1, 2]), max_size=2),
    t=EXTENT,
    s=st.sampled_from([1, 3, "S", "T"]),
    width=st.integers(1, 5),
    values=st.integers(1, 4),
    causal=st.booleans(),
    masked=st.none() | st.lists(st.booleans(), max_size=4),
    seed=st.integers(0, 99),
)
def test_attention(leading, t, s, width, values, causal, masked, seed):
    scores = [*leading, t, s]
    inputs = {
        "q": shape([*leading, t, width]),
        "k": shape([*leading, s, width]),
        "v": shape([*leading, s, values]),
        "y": shape([*leading, t, values]),
    }
    call = f"attention(q, k, v, causal={causal})"
    if masked:  # the last axes of the scores, each whole or of extent 1
        rank = min(len(masked), len(scores))
        own = [e if whole else 1 for e, whole in zip(scores[-rank:], masked, strict=False)]
        inputs["m"] = f"{{shape: {shape(own)}, kind: mask}}"
        call = f"attention(q, k, v, causal={causal}, mask=m)"

    def reference(**given):
        q, k, v, y = (given[name] for name in "qkvy")
        z = attended(q @ k.mT / width**0.5, v, causal, given.get("m"))
        return {"loss": (z * y).sum(), "z": z}

    agree(Case(text(inputs, call, "q, k, v"), _named(reference, inputs), {}), seed)


@SOME
@given(
    t=EXTENT,
    heads=st.integers(1, 3),
    width=st.integers(1, 3),
    causal=st.booleans(),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_multi_head_attention(t, heads, width, causal, bias, seed):
    both = shape(["N", t, heads * width])
    inputs = {"x": both, "y": both}
    call = f"multi_head_attention(x, {heads}, causal={causal}, bias={bias})"
    made = [f"{base}1_{one}" for base in ("Wb" if bias else "W") for one in "qkvo"]

    def reference(x, y, **own):
        q, k, v = (
            torch.einsum("nti,ihe->nhte", x, own[f"W1_{one}"])
            + (own[f"b1_{one}"][:, None] if bias else 0)
            for one in "qkv"
        )
        o = attended(q @ k.mT / width**0.5, v, causal, None)
        z = torch.einsum("nhte,hei->nti", o, own["W1_o"]) + (own["b1_o"] if bias else 0)
        return {"loss": (z * y).sum(), "z": z}

    wrt = ", ".join(["x", *made])
    agree(Case(text(inputs, call, wrt), _named(reference, [*inputs, *made]), {}), seed)


@SOME
@given(
    leading=st.lists(st.sampled_from(["N", "T", 1, 2, 4]), max_size=3),
    width=st.sampled_from([1, 2, 3, 5, "D"]),
    kind=st.sampled_from(["layer_norm", "rms_norm"]),
    eps=st.sampled_from([1e-5, 0.25]),
    seed=st.integers(0, 99),
)
def test_norms(leading, width, kind, eps, seed):
    both = shape([*leading, width])
    inputs = {"x": both, "y": both}
    made = ["gamma1", "beta1"] if kind == "layer_norm" else ["gamma1"]

    def reference(x, y, gamma1, beta1=None):
        if kind == "rms_norm":
            z = F.rms_norm(x, x.shape[-1:], gamma1, eps)
        else:
            z = F.layer_norm(x, x.shape[-1:], gamma1, beta1, eps)
        return {"loss": (z * y).sum(), "z": z}

    wrt = ", ".join(["x", *made])
    call = f"{kind}(x, eps={eps})"
    agree(Case(text(inputs, call, wrt), _named(reference, [*inputs, *made]), {}), seed)


@SOME
@given(
    axes=st.lists(st.sampled_from(["N", "H", 2, 3]), min_size=1, max_size=4),
    reduced=st.lists(st.booleans(), min_size=4, max_size=4),
    seed=st.integers(0, 99),
)
def test_norms_over_any_axes(axes, reduced, seed):
    """Batch, layer, instance and group norm are this one equation over different axes."""
    over = [k for k in range(len(axes)) if reduced[k]] or [0]
    inputs = {"x": shape(axes), "y": shape(axes)}
    own = f"axis=({', '.join(map(str, over))},), keepdims=True"
    call = f"(x - mean(x, {own})) / sqrt(mean((x - mean(x, {own}))**2, {own}) + 0.01)"

    def reference(x, y):
        d = x - x.mean(over, keepdim=True)
        z = d / (d.square().mean(over, keepdim=True) + 0.01).sqrt()
        return {"loss": (z * y).sum(), "z": z}

    agree(Case(text(inputs, call, "x"), reference, {}), seed)


def _named(reference: Any, names: Any) -> Any:
    """The reference, with those names as its parameters."""
    kind = inspect.Parameter.KEYWORD_ONLY
    reference.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])
    return reference
