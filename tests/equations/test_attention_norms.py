"""Attention and normalisation: the parameters they make, and the message for each wrong call."""

from __future__ import annotations

import pytest

from symbackprop.equations.build import build
from symbackprop.spec import parse
from symbackprop.spec.errors import SpecError

SPEC = """name: t
inputs:
  x: [N, T, 6]
  u: [N, S, 5]
  v: [N, S, 6]
  w: [M, T, 6]
  z: [6]
  r: [N, T, D]
  m: {{shape: [N, T], kind: mask}}
network: |
  o = {call}
loss: sum(o)
"""
SHAPES = {
    "layer_norm(x)": {"gamma1": [6], "beta1": [6]},
    "rms_norm(layer_norm(x, name=pre))": {"gamma_pre": [6], "beta_pre": [6], "gamma1": [6]},
    "attention(x, x, x)": {},
    "multi_head_attention(dense(x, 4), 2)": {
        "W1": [6, 4],
        "b1": [4],
        "W2_q": [4, 2, 2],
        "W2_k": [4, 2, 2],
        "W2_v": [4, 2, 2],
        "W2_o": [2, 2, 4],
    },
    "multi_head_attention(x, 3, bias=True, name=enc)": {
        "W_enc_q": [6, 3, 2],
        "b_enc_q": [3, 2],
        "W_enc_k": [6, 3, 2],
        "b_enc_k": [3, 2],
        "W_enc_v": [6, 3, 2],
        "b_enc_v": [3, 2],
        "W_enc_o": [3, 2, 6],
        "b_enc_o": [6],
    },
}
FAULTS = {
    "multi_head_attention(x, 4)": (
        "11:31: multi_head_attention: heads=4 does not divide the width 6",
        "use a number of heads that divides the width",
    ),
    "multi_head_attention(x, 0)": (
        "11:31: multi_head_attention: heads=0 does not divide the width 6",
        "use a number of heads that divides the width",
    ),
    "multi_head_attention(r, 2)": (
        "11:31: multi_head_attention: heads=2 does not divide the width D",
        "give the width as a number, which the heads divide",
    ),
    "multi_head_attention(z, 2)": (
        "11:28: multi_head_attention: an array of rank 1",
        "give it [..., T, D]",
    ),
    "attention(x, z, x)": ("11:20: attention: k has rank 1", "give it [..., T, D]"),
    "attention(x, u, v)": (
        "11:20: attention: queries [N, T, 6] and keys [N, S, 5]",
        "a query and a key have the same number of entries",
    ),
    "attention(x, x, v)": (
        "11:23: attention: keys [N, T, 6] and values [N, S, 6]",
        "give each key its value",
    ),
    "attention(x, w, w)": (
        "11:17: attention: leading axes of [N, T, 6], [M, T, 6] and [M, T, 6] differ",
        "give all three the same",
    ),
    "attention(x, x, x, mask=x)": (
        "11:31: attention: the mask holds numbers",
        "declare it with kind: mask, or compare: scores > 0",
    ),
    "attention(x, x, x, mask=m)": (
        "11:31: attention: a mask [N, T] for scores [N, T, T]",
        "axes are aligned from the right; extents are equal or 1",
    ),
    "multi_head_attention(x, 2, mask=m)": (
        "11:39: multi_head_attention: a mask [N, T] for scores [N, 2, T, T]",
        "axes are aligned from the right; extents are equal or 1",
    ),
    "attention(x, x, x, mask=1)": (
        "11:31: mask of attention takes an array, but 1 is a number",
        "write attention(q, k, v, causal=False, mask=None)",
    ),
    "layer_norm(x, eps=-0.5)": (
        "11:25: layer_norm: eps -1/2 is negative",
        "a variance plus eps has a root; use 1e-5",
    ),
    "rms_norm(x, eps=z)": (
        "11:23: eps of rms_norm takes a number, but got 'z'",
        "write rms_norm(x, eps=1e-06)",
    ),
}


@pytest.mark.parametrize("call", SHAPES)
def test_parameters_have_their_names_and_shapes(call: str) -> None:
    system = build(parse(SPEC.format(call=call)))
    assert {p.symbol.name: list(p.symbol.shape) for p in system.parameters} == SHAPES[call]


@pytest.mark.parametrize("call", FAULTS)
def test_wrong_calls_are_refused(call: str) -> None:
    message, fix = FAULTS[call]
    with pytest.raises(SpecError) as caught:
        build(parse(SPEC.format(call=call), "t.yaml"))
    (fault,) = caught.value.faults
    assert f"{fault.place.line}:{fault.place.column}: {fault.message}" == message
    assert fault.fix == fix
