"""Worked numbers: exact, rounded in print alone, put into the right places."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symbackprop as sb
from symbackprop.cli import main
from symbackprop.notation import Notation
from symbackprop.report import document_markdown, document_tex
from symbackprop.report.formula import Apply, Decimal, Grid, walk
from symbackprop.report.worked.equations import Row, example
from symbackprop.report.worked.figures import decimal
from symbackprop.report.worked.typeset import aligned, typeset

from .katex import formulas, render
from .reading import SAMPLES, read

HEAD = "name: t\ninputs:\n  x: [N, 2]\n"
TWO = (
    HEAD
    + """\
  y: [N, 2]
network: |
  h = sigmoid(dense(x, 2))
  p = sigmoid(dense(h, 2))
loss: half_sse(p, y)
"""
)
WEIGHTS = {
    "x": [[0.05, 0.1]],
    "y": [[0.01, 0.99]],
    "W1": [[0.15, 0.25], [0.2, 0.3]],
    "b1": [0.35, 0.35],
    "W2": [[0.4, 0.5], [0.45, 0.55]],
    "b2": [0.6, 0.6],
}
SPECS = {
    "two": TWO,
    "classes": HEAD + "  y: {shape: [N], classes: 3}\nnetwork: |\n  h = relu(dense(x, 2))\n"
    "  p = softmax(dense(h, 3))\nloss: cross_entropy(p, y) + l2(0.01)\n",
    "gru": "name: t\ninputs:\n  x: [N, T, 2]\n  y: [N, 1]\nnetwork: |\n  h = gru(x, 2)\n"
    "  p = dense(last(h), 1)\nloss: mse(p, y)\n",
    "backwards": "name: t\ninputs:\n  x: [N, T, 2]\n  y: [N, T, 2]\nnetwork: |\n"
    "  p = rnn(x, 2, reverse=True)\nloss: mse(p, y)\n",
    "attention": "name: t\ninputs:\n  x: [N, T, 2]\n  y: [N, T, 2]\nnetwork: |\n"
    "  p = layer_norm(multi_head_attention(x, 1) + x)\nloss: mse(p, y)\n",
    "norm": HEAD + "  y: {shape: [N], classes: 2}\nnetwork: |\n"
    "  h = dropout(relu(batch_norm(dense(x, 2))), 0.5)\n"
    "  p = softmax(dense(h, 2))\nloss: cross_entropy(p, y)\n",
    "images": "name: t\ninputs:\n  x: [N, 4, 4, 1]\n  y: {shape: [N], classes: 2}\nnetwork: |\n"
    "  c = max_pool2d(relu(conv2d(x, 2, 2)), 2)\n  p = softmax(dense(flatten(c), 2))\n"
    "loss: cross_entropy(p, y)\n",
    "rows": "name: t\ninputs:\n  ids: {shape: [N], classes: 3}\n  y: [N, 1]\nnetwork: |\n"
    "  p = dense(embedding(ids, 2), 1)\nloss: mse(p, y)\n",
}


@functools.cache
def derived(text: str):
    return sb.derive(sb.parse(text))


def worked(spec: str, values=None, **options):
    return sb.numbers(derived(SPECS.get(spec, spec)), values, **options)


# --- the textbook's example, by hand ---------------------------------------------------------


def joined(rows: list[list]) -> list:
    return [entry for row in rows for entry in row]


def by_hand(rate) -> dict[str, list]:
    """Every number of a 2-2-2 network, from the definitions, with scalars alone."""
    mp = mpmath.mp
    x, y = [mp.mpf("0.05"), mp.mpf("0.1")], [mp.mpf("0.01"), mp.mpf("0.99")]
    w1 = [[mp.mpf("0.15"), mp.mpf("0.25")], [mp.mpf("0.2"), mp.mpf("0.3")]]
    w2 = [[mp.mpf("0.4"), mp.mpf("0.5")], [mp.mpf("0.45"), mp.mpf("0.55")]]
    b1, b2 = [mp.mpf("0.35")] * 2, [mp.mpf("0.6")] * 2
    two = range(2)

    def sigmoid(z):
        return 1 / (1 + mp.exp(-z))

    z1 = [x[0] * w1[0][i] + x[1] * w1[1][i] + b1[i] for i in two]
    h = [sigmoid(z) for z in z1]
    z2 = [h[0] * w2[0][i] + h[1] * w2[1][i] + b2[i] for i in two]
    p = [sigmoid(z) for z in z2]
    loss = ((p[0] - y[0]) ** 2 + (p[1] - y[1]) ** 2) / 2
    dp = [p[i] - y[i] for i in two]
    dz2 = [dp[i] * p[i] * (1 - p[i]) for i in two]
    dw2 = [[h[j] * dz2[i] for i in two] for j in two]
    dh = [dz2[0] * w2[j][0] + dz2[1] * w2[j][1] for j in two]
    dz1 = [dh[j] * h[j] * (1 - h[j]) for j in two]
    dw1 = [[x[k] * dz1[j] for j in two] for k in two]
    new_w1 = [[w1[k][j] - rate * dw1[k][j] for j in two] for k in two]
    new_w2 = [[w2[k][j] - rate * dw2[k][j] for j in two] for k in two]
    new_b1, new_b2 = [b1[j] - rate * dz1[j] for j in two], [b2[j] - rate * dz2[j] for j in two]
    h_new = [sigmoid(x[0] * new_w1[0][i] + x[1] * new_w1[1][i] + new_b1[i]) for i in two]
    p_new = [sigmoid(h_new[0] * new_w2[0][i] + h_new[1] * new_w2[1][i] + new_b2[i]) for i in two]
    after = ((p_new[0] - y[0]) ** 2 + (p_new[1] - y[1]) ** 2) / 2
    equations = {
        1: z1, 2: h, 3: z2, 4: p, 5: [loss], 6: dp, 7: dz2, 8: joined(dw2), 9: dz2, 10: dh,
        11: dz1, 12: joined(dw1), 13: dz1,
    }  # fmt: skip
    updates = [joined(new_w1), new_b1, joined(new_w2), new_b2]
    return {"equations": equations, "updates": updates, "after": after}


def flat(formula) -> list[Decimal]:
    if isinstance(formula, Decimal):
        return [formula]
    assert isinstance(formula, Grid)
    return [entry for row in formula.rows for entry in row]


def printed(value, digits: int) -> str:
    """The digits by mpmath's own rounding."""
    return mpmath.nstr(value, digits, strip_zeros=False, min_fixed=-5, max_fixed=30)


def text_of(number: Decimal) -> str:
    assert number.exponent == 0
    return ("-" if number.minus else "") + number.mantissa


def significant(text: str) -> int:
    return len(text.lstrip("-").lstrip("0.").replace(".", ""))


def same_digits(found: Decimal, value, digits: int) -> bool:
    """All digits are those of the value; where there are fewer, the others are zeros."""
    text = text_of(found)
    expected = printed(value, digits)
    return text == expected or (
        significant(text) < digits and mpmath.mpf(text) == mpmath.mpf(expected)
    )


@pytest.mark.parametrize("digits", [4, 6, 12])
def test_the_textbooks_example_agrees_with_a_calculation_by_hand(digits: int) -> None:
    with mpmath.workdps(60):
        expected = by_hand(mpmath.mpf("0.5"))
        shown = example(worked("two", WEIGHTS, rate=0.5, digits=digits))
        equations = {e.shown.number: e for _, section in shown.sections for e in section}
        assert equations.keys() == expected["equations"].keys()
        for number, values in expected["equations"].items():
            (row,) = equations[number].rows
            found = flat(row.result)
            assert len(found) == len(values)
            for entry, value in zip(found, values, strict=True):
                assert same_digits(entry, value, digits), (number, entry, value)
        for update, values in zip(shown.updates["loss"], expected["updates"], strict=True):
            for entry, value in zip(flat(update.result), values, strict=True):
                assert same_digits(entry, value, digits), (update.left, entry, value)
        ((_, before, after),) = shown.after
        assert same_digits(before, expected["equations"][5][0], digits)
        assert same_digits(after, expected["after"], digits)


def test_a_wrong_digit_would_be_seen() -> None:
    value = mpmath.mpf("0.751365069552316")
    assert same_digits(Decimal("0.751365"), value, 6)
    assert not same_digits(Decimal("0.751366"), value, 6)
    assert not same_digits(Decimal("0.75137"), value, 6)
    assert not same_digits(Decimal("0.751365", minus=True), value, 6)


def test_the_textbooks_example_as_text() -> None:
    lines = str(worked("two", WEIGHTS, rate="0.5")).splitlines()
    assert "  (10) H̄ = Z̄² W²ᵀ" in lines
    at = lines.index("   (8) W̄² = Hᵀ Z̄²")
    assert lines[at + 1 : at + 3] == [
        "          = ⎡0.593270⎤ [0.138499  −0.0380982] = ⎡0.0821670  −0.0226025⎤",
        "            ⎣0.596884⎦                          ⎣0.0826676  −0.0227402⎦",
    ]
    assert lines[-1] == "  L was 0.298371, and is 0.280471 with the new parameters."
    assert not any("Drawn" in line for line in lines)


# --- numbers put into formulas ---------------------------------------------------------------


def holds(row: Row, column: bool) -> bool | None:
    """Whether the formula with numbers has the value beside it; None where this cannot read it."""
    if any(isinstance(part, Apply) and part.function == "onehot" for part in walk(row.formula)):
        return None
    value = read(row.formula, {SAMPLES: int(column)})
    wanted = read(row.result, {})
    value = np.reshape(value, ()) if np.ndim(wanted) == 0 else value
    return bool(
        np.allclose(np.broadcast_to(value, np.shape(wanted)), wanted, rtol=1e-9, atol=1e-12)
    )


@pytest.mark.parametrize("convention", ["row", "column"])
@pytest.mark.parametrize("spec", sorted(SPECS))
def test_every_formula_with_numbers_has_the_value_beside_it(spec: str, convention: str) -> None:
    shown = example(worked(spec, digits=18), Notation(convention=convention))
    rows = [row for _, section in shown.sections for e in section for row in e.rows]
    rows += [Row(u.left, u.numbers, u.result) for found in shown.updates.values() for u in found]
    verdicts = [holds(row, convention == "column") for row in rows if row.formula is not None]
    assert False not in verdicts
    assert verdicts.count(True) > 8
    assert not any("Named" in repr(row.formula) for row in rows)


def test_a_number_in_the_wrong_place_would_be_seen() -> None:
    shown = example(worked("two", digits=18))
    row = shown.sections[0][1][0].rows[0]
    assert holds(row, column=False)
    turned = replace(row.result, rows=tuple(zip(*row.result.rows, strict=True)))
    assert not holds(replace(row, result=turned), column=False)


def test_values_are_exact() -> None:
    found = worked(HEAD + "  y: [N, 1]\nnetwork: |\n  p = dense(x, 1)\nloss: mse(p, y)\n")
    assert all(isinstance(v, int | Fraction) for v in found.back["loss"]["p"].flat)
    assert isinstance(found.after["loss"], Fraction)


# --- rounding ------------------------------------------------------------------------------


@given(st.fractions(-(10**9), 10**9), st.integers(2, 12))
def test_rounding_is_to_the_nearest_of_so_many_digits(value: Fraction, digits: int) -> None:
    found = decimal(value, digits)
    shown = Fraction(found.mantissa) * Fraction(10) ** found.exponent * (-1 if found.minus else 1)
    if value == 0:
        assert found == Decimal("0")
        return
    unit = Fraction(10) ** (len(str(int(abs(value)))) if abs(value) >= 1 else 0)
    while unit > abs(value):
        unit /= 10
    assert abs(shown - value) <= unit / Fraction(10) ** (digits - 1) / 2
    count = significant(found.mantissa)
    assert count == digits or (shown == value and (count < digits or abs(value) >= 10**digits))


def test_equal_values_have_equal_digits() -> None:
    half = mpmath.MPContext()
    half.dps = 50
    assert decimal(half.mpf(1) / 2, 6) == decimal(Fraction(1, 2), 6) == Decimal("0.5")
    assert decimal(half.mpf(1) / 3, 4) == decimal(Fraction(1, 3), 4) == Decimal("0.3333")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fraction(1, 8), Decimal("0.125")),
        (Fraction(999_999_7, 10_000_000), Decimal("1.00000")),
        (Fraction(-2, 3), Decimal("0.666667", minus=True)),
        (Fraction(1, 81_000), Decimal("1.23457", -5)),
        (Fraction(1, 100_000), Decimal("1", -5)),
        (Fraction(1234567, 1), Decimal("1.23457", 6)),
        (Fraction(1200000, 1), Decimal("1200000")),
        (Fraction(25, 10**7), Decimal("2.5", -6)),
        (Fraction(1234565, 10**6), Decimal("1.23457")),
    ],
)
def test_figures(value: Fraction, expected: Decimal) -> None:
    assert decimal(value, 6) == expected


# --- LaTeX -------------------------------------------------------------------------------------


LONG = ("attention", "gru")


@pytest.mark.parametrize(
    "spec",
    [pytest.param(s, marks=pytest.mark.slow if s in LONG else ()) for s in sorted(SPECS)],
)
def test_all_latex_parses(spec: str) -> None:
    found = list(formulas(worked(spec).shown("markdown")))
    assert len(found) > 15
    for tex, display in found:
        render(tex, display)


def test_rows_for_a_page_of_ones_own() -> None:
    found = worked("classes")
    shown = typeset(found)
    assert set(shown.equations) == {line.number for line in found.derivation.lines()}
    for rows in (*shown.equations.values(), *shown.updates.values()):
        render(aligned(rows))
    for tex in (*shown.given, *shown.states, shown.rate, *shown.losses["loss"]):
        render(tex)


def test_documents_have_the_numbers_only_when_asked() -> None:
    found = worked("two", WEIGHTS)
    tex = document_tex(found.derivation, worked=found)
    assert r"\section{Worked example}" in tex
    assert r"\begin{bmatrix} 0.751365 & 0.772928 \end{bmatrix}" in tex
    assert "Worked example" not in document_tex(found.derivation)
    assert "Worked example" not in document_markdown(found.derivation)


# --- what is given ----------------------------------------------------------------------------


def test_what_is_left_out_is_drawn_and_the_same_whatever_else_is_given() -> None:
    one, other = worked("two"), worked("two", {"W1": [[1, 2], [3, 4]]})
    assert one.given.drawn == ("x", "y", "W1", "b1", "W2", "b2")
    assert other.given.drawn == ("x", "y", "b1", "W2", "b2")
    for name in other.given.drawn:
        assert one.given.arrays[name].tolist() == other.given.arrays[name].tolist()
    assert worked("two", seed=1).given.arrays["x"].tolist() != one.given.arrays["x"].tolist()
    assert str(worked("two")) == str(one)


def test_values_of_every_kind(tmp_path) -> None:
    values = {"N": 1, "x": np.float32([[0.1, -2]]), "y": [2], "b1": (0.25, Fraction(1, 3))}
    found = worked("classes", values)
    assert found.given.extents == {"N": 1}
    assert found.given.arrays["x"].tolist() == [[Fraction(1, 10), -2]]
    assert found.given.arrays["b1"].tolist() == [Fraction(1, 4), Fraction(1, 3)]
    path = tmp_path / "values.json"
    path.write_text(json.dumps({"x": [[0.1, 1e-2]], "y": [0]}))
    assert worked("classes", path).given.arrays["x"].tolist() == [
        [Fraction(1, 10), Fraction(1, 100)]
    ]


def test_values_that_the_spec_states_are_taken() -> None:
    text = "name: t\ninputs:\n  x: [2]\nparams:\n  w: {shape: [2], init: [0.5, -1]}\n"
    found = worked(text + "loss: sum((w * x)**2)\n")
    assert found.given.arrays["w"].tolist() == [Fraction(1, 2), -1]
    assert found.given.drawn == ("x",)


def test_a_logarithm_is_given_what_it_is_defined_at() -> None:
    found = worked(
        "name: t\ninputs:\n  x: [3]\nparams:\n  w: {shape: [3]}\nloss: sum(w * log(x))\n"
    )
    assert min(found.given.arrays["x"]) > 0


FAULTS = {
    "x: [[0, 1], [1]]": (
        "1:1: x has a list of 2 beside one of 1",
        "make the lists of one level equally long",
    ),
    "W1: [[1, 2, 3], [4, 5, 6]]": (
        "1:1: W1 is [2, 2], but its value is [2, 3]",
        "make the two agree",
    ),
    "b1: 3": ("1:1: b1 is [2], but its value is []", "make the two agree"),
    "w2: [1]": (
        "1:1: no input, parameter, state or extent is called 'w2'",
        "did you mean 'W2'?",
    ),
    "b1: [a, 2]": (
        "1:6: an entry of b1 is 'a', not a number",
        "write a number, as in 3, 0.5 or 1e-4",
    ),
    "N: 2.5": ("1:1: the extent N is 2.5, not a whole number from 1", "write N: 2"),
    "N: 3\nx: [[1, 2]]": (
        "2:1: the extent N is 3 by the value given for it, but 1 by x",
        "make the two agree",
    ),
    "y: [3]": ("1:1: y holds 3, not a whole number from 0 to 2", "correct the value"),
    "- 1": (
        "1:1: such a file is a mapping of keys to values, not a list",
        "write 'name: numbers' lines, such as W1: [[0.5, -1], [2, 0]]",
    ),
    "x: [[1, 2": (
        "1:5: not YAML: a list that does not end",
        "check its commas and its ']'",
    ),
}


@pytest.mark.parametrize("text", FAULTS)
def test_values_that_do_not_fit(text: str, tmp_path) -> None:
    path = tmp_path / "v.yaml"
    path.write_text(text)
    message, fix = FAULTS[text]
    with pytest.raises(sb.SpecError) as fault:
        worked("classes", path)
    said = str(fault.value).splitlines()
    assert said[0] == f"{path}:{message}"
    assert said[-1] == f"  fix: {fix}"


def test_all_faults_are_said_at_once(tmp_path) -> None:
    path = tmp_path / "v.yaml"
    path.write_text("b1: 3\nw2: [1]\nN: 0\nW1: [[1, x], [2, 3]]\n")
    with pytest.raises(sb.SpecError) as fault:
        worked("classes", path)
    assert len(fault.value.faults) == 4


def test_faults_of_a_mapping() -> None:
    with pytest.raises(sb.CallError) as fault:
        worked("two", {"W1": [[1, 2]], "x": [["a", 1]], "b1": [float("nan"), 1]})
    assert str(fault.value).splitlines() == [
        "x[0, 0] is 'a', not a finite number",
        "  fix: give a number, or lists or an array of numbers",
        "b1[0] is 'nan', not a finite number",
        "  fix: give a number, or lists or an array of numbers",
        "W1 is [2, 2], but its value is [1, 2]",
        "  fix: make the two agree",
    ]


def test_a_distribution_sums_to_one_exactly() -> None:
    text = HEAD + "  y: {shape: [N, 3], kind: distribution}\n"
    text += "network: |\n  p = softmax(dense(x, 3))\nloss: cross_entropy(p, y)\n"
    assert worked(text).given.arrays["y"].sum(axis=-1).tolist() == [1, 1]
    with pytest.raises(sb.CallError) as fault:
        worked(text, {"y": [[0.2, 0.3, 0.5], [0.3, 0.3, 0.3]]})
    assert fault.value.message == "row 1 of y sums to 0.9, not 1"


def test_a_step_out_of_the_domain() -> None:
    text = "name: t\ninputs:\n  x: [1]\nparams:\n  w: {shape: [1]}\nloss: sum(-x * log(w))\n"
    found = worked(text, {"x": [-1], "w": [0.5]}, rate=1)
    assert str(found).splitlines()[-1] == (
        "  L was −0.693147, and is undefined with the new parameters."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": "abc"}, "the rate is 'abc', not a number"),
        ({"rate": 0}, "the rate is 0"),
        ({"rate": float("inf")}, "the rate is 'inf', not a number"),
        ({"digits": 50}, "50 significant digits; there are from 2 to 20"),
    ],
)
def test_options_that_there_are_not(options, message: str) -> None:
    with pytest.raises(sb.CallError) as fault:
        worked("two", **options)
    assert fault.value.message == message


def test_no_value_at_what_was_given() -> None:
    text = "name: t\ninputs:\n  x: [2]\nparams:\n  w: {shape: [2]}\nloss: sum(w * log(x))\n"
    with pytest.raises(sb.CallError) as fault:
        worked(text, {"x": [-1, 1]})
    assert fault.value.message == "the example has no value in loss: log(-1)"
    assert fault.value.fix == "choose other values"


SMALLER = (
    "a spec with a few units a layer, as two_sigmoids in the gallery; "
    "values can say that N be smaller"
)


def test_too_many_numbers() -> None:
    with pytest.raises(sb.CallError) as fault:
        sb.numbers(sb.derive(sb.load("keras_mlp")))
    assert fault.value.message == "keras_mlp has 112,755 numbers to work out; 1,000 are the most"
    assert fault.value.fix == f"take {SMALLER}"


def test_too_many_columns() -> None:
    text = "name: wide\ninputs:\n  x: [N, 9]\nnetwork: |\n  p = dense(x, 1)\nloss: sum(p)\n"
    with pytest.raises(sb.CallError) as fault:
        worked(text)
    assert fault.value.message == "x is [2, 9]; 8 columns are the most on a page"
    assert fault.value.fix == f"take fewer digits than 6, or {SMALLER}"
    assert worked(text, digits=5).digits == 5


# --- the command line --------------------------------------------------------------------------


def test_the_command_line(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.yaml").write_text(TWO)
    (tmp_path / "values.yaml").write_text("".join(f"{n}: {v}\n" for n, v in WEIGHTS.items()))
    given = ["--numbers", "--values", "values.yaml", "--rate", "0.5"]
    assert main(["derive", "two.yaml", *given]) == 0
    assert capsys.readouterr().out == str(worked("two", WEIGHTS, rate="0.5"))
    assert main(["render", "two.yaml", "-o", "two.tex", *given]) == 0
    assert main(["derive", "two.yaml", *given, "--format", "latex", "--digits", "3"]) == 0
    assert r"\begin{bmatrix} 0.751 & 0.773 \end{bmatrix}" in capsys.readouterr().out
    assert "0.280471" in (tmp_path / "two.tex").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["derive", "xor", "--rate", "2"],
            "--rate goes with --numbers\n  fix: add --numbers, or leave it out",
        ),
        (
            ["derive", "xor", "--numbers", "--format", "json"],
            "no format of worked numbers is called 'json'\n  fix: there are text, latex, markdown",
        ),
        (
            ["derive", "xor", "--numbers", "--values", "nowhere.yaml"],
            "no text file of values can be read at 'nowhere.yaml'\n"
            "  fix: write a .yaml or .json file of names and numbers, in UTF-8",
        ),
    ],
)
def test_calls_that_cannot_be_met(words, message, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"symbackprop: {message}\n")


def test_a_spec_too_large_leaves_no_file(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["render", "keras_mlp", "-o", "x.tex", "--numbers"]) == 2
    assert re.match(r"symbackprop: keras_mlp has [\d,]+ numbers", capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_another_derivation_are_refused(tmp_path) -> None:
    spec = sb.load("xor")
    one, other = sb.derive(spec), sb.derive(spec, wrt=["x"])
    for numbers, said in ((sb.numbers(other), "those of another derivation, of xor"), (5, "int")):
        with pytest.raises(sb.CallError, match=said):
            sb.render(one, tmp_path / "x.tex", numbers=numbers)
    assert list(tmp_path.iterdir()) == []
