"""A whole spec to its values: every key, every default, and every place in the file."""

from fractions import Fraction
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.spec import SpecError, parse
from symbackprop.spec.syntax import Init, Name, Number, Place

FULL = """\
name: full
title: "Everything, with $\\\\LaTeX$ & <b>HTML</b>"
notes: |
  Two lines
  of notes.
dims: {D: 4}
inputs:
  x: [N, D]
  y: {shape: [N], classes: K}
  m: {shape: [N], kind: mask}
  q: {shape: [N, K], kind: distribution}
  s: []
params:
  a: [D]
  A: [D, K]
  c: {shape: [2], init: [0.1, -1e-3], trainable: false}
  E: {shape: [K, 3], init: "normal(0.05)"}
  g: {shape: [], init: 2}
constants: {tau: 0.1, big: 1e3}
network: |
  # the first layer
  h = relu(dense(x, 8, name=enc))
  z[n, k] = sum[d](x[n, d] * A[d, k] * a[d]) / tau + g
  e[n, j] = E[y[n], j] * c[0] + h[n, j]
losses:
  first: {value: "cross_entropy(z, y) + l2(big, W_enc)", wrt: [W_enc, x]}
  second: mean(e) * s
outputs: [h, z]
wrt: [A, b_enc]
train:
  data: {x: [[1, 2.5]], y: [0]}
  batch: full
  rate: 1e-2
"""


def place_of(text: str, word: str, nth: int = 1) -> Place:
    """Where the nth occurrence of the word starts."""
    offset = -1
    for _ in range(nth):
        offset = text.index(word, offset + 1)
    before = text[:offset]
    return Place(before.count("\n") + 1, offset - before.rfind("\n"))


def test_every_key_arrives():
    spec = parse(FULL, "full.yaml")
    assert (spec.name, spec.notes) == ("full", "Two lines\nof notes.")
    assert spec.title == "Everything, with $\\LaTeX$ & <b>HTML</b>"
    assert spec.dims == {"D": 4}
    assert spec.constants == {"tau": Fraction(1, 10), "big": 1000}
    assert [(i.name, i.shape, i.kind, i.classes) for i in spec.inputs] == [
        ("x", ("N", "D"), "real", None),
        ("y", ("N",), "labels", "K"),
        ("m", ("N",), "mask", None),
        ("q", ("N", "K"), "distribution", None),
        ("s", (), "real", None),
    ]
    assert [(p.name, p.init, p.trainable) for p in spec.params] == [
        ("a", Init("zeros"), True),
        ("A", Init("glorot_uniform"), True),
        ("c", Init("values", (), (Fraction(1, 10), Fraction(-1, 1000))), False),
        ("E", Init("normal", (Fraction(1, 20),)), True),
        ("g", Init("values", (), Fraction(2)), True),
    ]
    assert [s.target for s in spec.network] == ["h", "z", "e"]
    assert [loss.name for loss in spec.losses] == ["first", "second"]
    assert [name for name, _ in spec.losses[0].wrt] == ["W_enc", "x"]
    assert spec.losses[1].wrt is None
    assert [name for name, _ in spec.outputs] == ["h", "z"]
    assert [name for name, _ in spec.wrt] == ["A", "b_enc"]
    assert spec.train == {"data": {"x": [[1, 2.5]], "y": [0]}, "batch": "full", "rate": 0.01}
    assert (spec.source.text, spec.source.path) == (FULL, "full.yaml")


def test_every_place_is_right_in_the_file():
    spec = parse(FULL)
    assert spec.inputs[1].place == place_of(FULL, "y:")
    assert spec.params[1].place == place_of(FULL, "A:")
    assert spec.network[0].place == place_of(FULL, "h = relu")
    assert spec.network[1].value.right.place == place_of(FULL, "g\n")
    assert spec.network[2].value.right.place == place_of(FULL, "h[n, j]")
    assert spec.losses[0].value.right.place == place_of(FULL, "l2(big")
    assert spec.losses[0].wrt[1][1] == place_of(FULL, "x]")
    assert spec.losses[1].value.right.place == Place(place_of(FULL, "second").line, 21)
    assert spec.outputs[1][1] == place_of(FULL, "z]", 1)


STYLES = {
    "plain": "loss: {}\n",
    "single quotes": "loss: '{}'\n",
    "double quotes": 'loss: "{}"\n',
    "literal": "loss: |\n    {}\n",
    "stripped": "loss:   |-  # why not\n\n  {}\n",
    "folded": "loss: >\n  {}\n",
    "below": "loss:\n   {}\n",
}


@pytest.mark.parametrize("style", STYLES)
@given(
    names=st.lists(st.sampled_from(["x", "tt", "q7"]), min_size=1, max_size=6),
    blanks=st.lists(st.sampled_from([" ", "  ", "\n", "\n\n", "\n "]), min_size=6, max_size=6),
)
def test_a_place_is_the_start_of_its_name_in_every_style(style, names, blanks):
    """The sum of the names, broken over lines anywhere, in every way that YAML writes a text."""
    indent = {"literal": "    ", "below": "   "}.get(style, "  ")
    blanks = [b.replace("\n", "\n" + indent) if b.strip(" ") else b for b in blanks]
    pieces = [f"mean({name})" for name in names]
    expression = pieces[0] + "".join(
        f"{blank}+ {piece}" for blank, piece in zip(blanks, pieces[1:], strict=False)
    )
    text = "name: a\ninputs: {x: [N], tt: [N], q7: [N]}\n" + STYLES[style].format(expression)
    lines = text.split("\n")
    node = parse(text).losses[0].value
    found = []
    while not hasattr(node, "function"):
        found.append((node.right.place, node.right.args[0]))
        node = node.left
    found.append((node.place, node.args[0]))
    assert [name.id for _, name in reversed(found)] == names
    for place, name in found:
        assert lines[place.line - 1][place.column - 1 :].startswith("mean(")
        assert lines[name.place.line - 1][name.place.column - 1 :].startswith(name.id)


def test_escapes_in_double_quotes_count_as_they_are_written():
    text = 'name: a\ninputs: {x: [N]}\nloss: "mean(\\x78) \\\n  \\u002b mean(x)"\n'
    node = parse(text).losses[0].value
    assert node.left.args[0].place == Place(3, 13)
    assert (node.place, node.right.place) == (Place(4, 3), Place(4, 10))


def test_line_breaks_of_other_systems_change_nothing():
    assert parse(FULL.replace("\n", "\r\n")) == parse(FULL) == parse("\ufeff" + FULL)


def spec_with(network: str, loss: str = "mean(x)") -> str:
    lines = dedent(network).strip("\n").split("\n")
    return (
        "name: a\ninputs:\n  x: [N, T, 3]\n  y: {shape: [N], classes: 5}\n"
        "network: |\n" + "".join(f"  {line}\n" for line in lines) + f"loss: {loss}\n"
    )


@pytest.mark.parametrize(
    "network",
    [
        "h[n, t, i] = tanh(x[n, t, i] + h[n, t - 1, i])",
        "h[n, -1, i] = x[n, 0, i]\nh[n, t, i] = x[n, t, i] + h[n, t - 1, i]",
        "c[n, t, i] = x[n, t, i] * h[n, t - 1, i]\nh[n, t, i] = tanh(c[n, t, i])",
        "m[n, i] = max[p:2](x[n, 2*i + p, 0])",
        "u = x @ x.T\nv[n, i] = where(i < n, N, T)",
        "u = reshape(x, N, -1)\nw = dense(u, 2)\nv = w + b1\nq = l1(0.1, W1)",
        "a = dense(x, 2, name=W1)\nb = dense(x, 2, name=enc)\nc = W_enc + W_W1",
        "e = embedding(y, 4)\nf = e @ E1.T",
        "z[n] = sum[k](where(k == y[n], x[n, 0, k], 0))",
    ],
)
def test_what_text_alone_cannot_refuse_passes(network):
    parse(spec_with(network))


def test_what_the_layer_before_made_has_its_number_only():
    with pytest.raises(SpecError, match="'W2' is not defined"):
        parse(spec_with("h = dense(x, 2)\nv = W2"))
    with pytest.raises(SpecError, match="'h3' is not defined"):
        parse(spec_with("\n".join(f"h{k} = dense(x, 2)" for k in (1, 2, 4)) + "\nv = h3"))


def test_constants_that_make_an_endless_number_are_refused_and_others_pass():
    head = "name: a\nconstants: {k: 1000}\ninputs: {x: [N]}\nloss: mean(x) * "
    for fine in ("k**2", "2**0.5", "k**-3", "x**k", "(-k)**3"):
        parse(head.replace("mean(x)", "mean(x)") + fine.replace("x**k", "mean(x**k)") + "\n")
    for endless in ("k**k", "(1 + 1e-300)**(k*k)", "2**-k**2", "0**-1", "(k/3)**1e5"):
        with pytest.raises(SpecError, match="this power is out of range"):
            parse(head + endless + "\n")


def test_a_number_keeps_how_it_was_written():
    loss = parse("name: a\ninputs: {x: [N]}\nloss: mean(x) + l2(1e-4)\n").losses[0]
    assert loss.value.right.args == (Number(Fraction(1, 10000), "1e-4", Place(3, 20)),)
    assert loss.value.left.args == (Name("x", Place(3, 12)),)
