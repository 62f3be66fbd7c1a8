"""What is wrong with draws, dropout and batch norm: one message each, with place and fix."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symbackprop.equations.build import build
from symbackprop.equations.system import Draw
from symbackprop.spec import parse
from symbackprop.spec.errors import SpecError
from symbackprop.spec.syntax import Law

SPEC = """name: net
inputs:
  x: [N, 3]
  eps: {{shape: [N, 3], {draw}}}
network: |
  z = {value}
loss: mse(z, eps)
wrt: [x]
"""


def spec(draw="draw: normal", value="x * 2"):
    return SPEC.format(draw=draw, value=value)


@pytest.mark.parametrize(
    ("draw", "law"),
    [
        ("normal", Law("normal", (Fraction(0), Fraction(1)))),
        ('"normal(1, 0.5)"', Law("normal", (Fraction(1), Fraction(1, 2)))),
        ("uniform", Law("uniform", (Fraction(0), Fraction(1)))),
        ('"uniform(-1, 1)"', Law("uniform", (Fraction(-1), Fraction(1)))),
    ],
)
def test_laws(draw, law):
    read = parse(spec(f"draw: {draw}"))
    assert read.inputs[1].draw == law
    assert build(read).inputs[1].draw == Draw(law.name, law.parameters)


def test_a_bernoulli_input_is_a_mask():
    text = spec("draw: bernoulli(0.8)", "where(eps, x, 0)").replace("mse(z, eps)", "mse(z, x)")
    read = build(parse(text)).inputs[1]
    assert read.symbol.kind == "mask"
    assert [float(p) for p in read.draw.parameters] == [0.8]


def test_masks_of_dropout_are_numbered_past_names_of_the_spec():
    text = "name: net\ninputs: {x: [N, 3]}\nnetwork: |\n  keep1 = dropout(x, 0.5)\n"
    system = build(parse(text + "  z = dropout(keep1, 0.25)\nloss: mean(z)\nwrt: [x]\n"))
    assert [i.symbol.name for i in system.inputs] == ["x", "keep2", "keep3"]


FAULTS = [
    (
        spec("draw: cauchy"),
        "net.yaml:4:30: unknown law 'cauchy'",
        "write normal, uniform or bernoulli(0.8)",
    ),
    (spec("draw: norml"), "net.yaml:4:30: unknown law 'norml'", "did you mean 'normal'?"),
    (
        spec("draw: normal(1)"),
        "net.yaml:4:30: normal takes 2 numbers, not 1",
        "write normal or normal(0, 0.5)",
    ),
    (
        spec("draw: bernoulli"),
        "net.yaml:4:30: bernoulli takes 1 number, not 0",
        "write bernoulli(0.8)",
    ),
    (
        spec("draw: bernoulli(1.5)"),
        "net.yaml:4:40: no probability",
        "write a number from 0 to 1",
    ),
    (
        spec('draw: "normal(0, -1)"'),
        "net.yaml:4:41: a negative standard deviation",
        "write normal(0, 0.5)",
    ),
    (
        spec('draw: "uniform(1, 1)"'),
        "net.yaml:4:39: low is not below high",
        "write uniform(low, high)",
    ),
    (
        spec("draw: normal(std=1)"),
        "net.yaml:4:37: normal takes numbers without names",
        "drop std=",
    ),
    (
        spec("draw: normal(0, 1)"),
        "net.yaml:4:30: draw cannot be read",
        'write normal, uniform or bernoulli(0.8); between braces in quotes: "normal(0, 1)"',
    ),
    (
        spec("draw: normal, kind: mask"),
        "net.yaml:4:30: normal draws real numbers, but 'eps' is of kind mask",
        "delete one of the two",
    ),
    (
        spec("draw: normal, classes: 3"),
        "net.yaml:4:30: normal draws real numbers, but 'eps' is of kind labels",
        "delete one of the two",
    ),
    (
        spec(value="dropout(x, 1)"),
        "net.yaml:6:18: dropout: rate 1",
        "it is 0 or more and below 1",
    ),
    (
        spec(value="dropout(x, -0.1)"),
        "net.yaml:6:18: dropout: rate -0.1",
        "it is 0 or more and below 1",
    ),
    (
        spec(value="dropout(x)"),
        "net.yaml:6:7: dropout lacks its argument 'rate'",
        "write dropout(x, rate)",
    ),
    (
        spec(value="batch_norm(x, momentum=2)"),
        "net.yaml:6:30: batch_norm: momentum 2",
        "it is from 0 to 1",
    ),
    (
        spec().replace("[N, 3]", "[1, 3]").replace("x * 2", "batch_norm(x)"),
        "net.yaml:6:18: batch_norm: [1, 3] has one value for each variance",
        "give an array with more than one row",
    ),
    (
        spec().replace("[N, 3]", "[N]").replace("x * 2", "batch_norm(x)"),
        "net.yaml:6:18: batch_norm: [N] has one value for each variance",
        "give an array with more than one row",
    ),
]


@pytest.mark.parametrize(("text", "message", "fix"), FAULTS)
def test_faults(text, message, fix):
    with pytest.raises(SpecError) as raised:
        build(parse(text, "net.yaml"))
    first, *_, last = str(raised.value).splitlines()
    assert (first, last) == (message, f"  fix: {fix}")
