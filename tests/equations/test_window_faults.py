"""Faults of windows: each one message, with its place, the values and the fix."""

from __future__ import annotations

import pytest

from symbackprop.equations.build import build
from symbackprop.spec import parse
from symbackprop.spec.errors import SpecError

FAULTS = {
    "conv2d(im, 5, 12)": (
        "conv2d: a kernel that reaches over 12 entries, larger than its image, whose axis has 9",
        'make it smaller, or pad: padding="same"',
    ),
    "conv2d(im, 5, 5, dilation=3, padding=1)": (
        "conv2d: a kernel that reaches over 13 entries, larger than its image, "
        "whose axis has 9 and 2 zeros around it",
        'make it smaller, or pad: padding="same"',
    ),
    "conv2d(im, 5, 0)": ("conv2d: kernel 0", "it is at least 1"),
    "conv2d(im, 5, 3, stride=0)": ("conv2d: stride 0", "it is at least 1"),
    "conv2d(im, 5, 3, stride=(1, -2))": ("conv2d: stride -2", "it is at least 1"),
    "conv2d(im, 0, 3)": ("conv2d: filters=0", "a layer has at least one filter"),
    "conv2d(im, 5, 3, padding=-1)": ("conv2d: padding -1", "it is 0 or more"),
    "conv2d(x, 5, 3)": (
        "conv2d: x has shape [N, T, 4], which is no image [N, H, W, C]",
        "reshape it before",
    ),
    "conv1d(im, 5, 3)": (
        "conv1d: x has shape [N, 9, 8, 3], which is no sequence [N, T, D]",
        "reshape it before",
    ),
    'conv1d(x, 5, 3, stride=2, padding="same")': (
        'conv1d: padding="same" with stride 2 along an axis of extent T, '
        "which is known only when running",
        "give T a number under dims, or write the padding as a number",
    ),
    "conv2d_transpose(im, 2, 2, padding=9)": (
        "conv2d_transpose: padding 9 cuts 18 entries off an axis of 10",
        "cut off less",
    ),
    "max_pool2d(im, 9)": (
        "max_pool2d: a window of 9 entries, larger than its image, whose axis has 8",
        "make it smaller, or pad first",
    ),
    "avg_pool2d(im, 2, stride=-1)": ("avg_pool2d: stride -1", "it is at least 1"),
    "pad(im, -1)": ("pad: width -1", "it is 0 or more"),
}

STATEMENTS = {
    "y[n, t, d] = x[n, t, d] - x[n, t - 1, d]": (
        "index t - 1 of x leaves its axis of extent T, with t from 0 to T - 1",
        "pad first, or say when it is read: where(condition, entry, 0)",
    ),
    "y[n, i, c] = sum[p:10](im[n, i + p, 0, c])": (
        "im[n, i + p, 0, c] leaves its axis of extent 9 whatever its index is",
        "let the window be no larger than the axis, or pad first",
    ),
    "y[n, c] = sum[p](im[n, 2*p, 0, c])": (
        "index p stands only inside im[n, 2*p, 0, c], so it has no extent",
        "write its extent where it is bound, as in sum[p:3](…)",
    ),
    "y[n, i] = x[n, 2*i, 0] + im[n, 2*i, 0, 0]": (
        "index i may run to floor(T/2 - 1/2) + 1 in x[n, 2*i, 0] but to 5 in im[n, 2*i, 0, 0]",
        "which is less depends on the run-time extents: give them numbers under dims",
    ),
}


def fault_of(statement):
    text = (
        "name: t\ninputs: {x: [N, T, 4], im: [N, 9, 8, 3]}\n"
        f"network: |\n  {statement}\nloss: sum(y) + sum(x) + sum(im)\n"
    )
    with pytest.raises(SpecError) as caught:
        build(parse(text))
    (fault,) = caught.value.faults
    assert fault.place.line == 4
    return fault.message, fault.fix


@pytest.mark.parametrize("call", FAULTS)
def test_a_call_that_cannot_be(call):
    assert fault_of(f"y = {call}") == FAULTS[call]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_that_leaves_a_tensor(statement):
    assert fault_of(statement) == STATEMENTS[statement]
