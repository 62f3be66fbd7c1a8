"""Worked numbers as they are read: signs between factors, what stands alone, what is refused."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

import symbackprop as sb
from symbackprop.cli import main
from symbackprop.notation import USUAL, Notation
from symbackprop.report import document_tex
from symbackprop.report.display import Display
from symbackprop.report.formula import Apply, Decimal, Formula, Named, Number, Power, Times
from symbackprop.report.formula import Fraction as Fraction_
from symbackprop.report.latex import latex_of
from symbackprop.report.page.example import numbers_of
from symbackprop.report.unicode import text_of
from symbackprop.report.worked.figures import stated

POWERS = """\
name: t
inputs:
  x: [N, 2]
params:
  a: {shape: [2]}
  b: {shape: [2]}
network: |
  r[n] = sum[i](exp(a[i] * x[n, i]) * b[i])
loss: 0.5 * mean(r) + sum(a)**2 * 2**b[0]
"""
TWO = "name: t\ninputs:\n  x: [N, 2]\nnetwork: |\n  h = tanh(dense(x, 2))\nloss: mean(h**2)\n"
CHINESE = Notation(language="zh")


def derived(text: str):
    return sb.derive(sb.parse(text))


# --- signs -----------------------------------------------------------------------------------


def test_no_two_numbers_stand_side_by_side_without_a_sign() -> None:
    text = str(sb.numbers(derived(POWERS)))
    assert "= 2·2^0.55 (0.05 + (−0.2))" in text
    for line in text.splitlines():
        if not set("⎡⎣") & set(line):  # in matrices, columns stand apart
            assert not re.search(r"[0-9⁰¹²³⁴⁵⁶⁷⁸⁹] [0-9](?!\[)", line), line


HALF, TWO_CUBED = Decimal("0.5"), Power(Decimal("2"), Decimal("3"))


@pytest.mark.parametrize(
    ("factors", "text", "latex"),
    [
        ((HALF, TWO_CUBED), "0.5·2³", r"0.5 \cdot 2^{3}"),
        ((TWO_CUBED, HALF), "2³·0.5", r"2^{3} \cdot 0.5"),
        ((Fraction_(HALF, HALF), HALF), "0.5/0.5·0.5", r"\frac{0.5}{0.5} \cdot 0.5"),
        ((Apply("log", (HALF,)), HALF), "log(0.5)·0.5", r"\log(0.5) \cdot 0.5"),
        ((HALF, Apply("log", (HALF,))), "0.5 log(0.5)", r"0.5 \, \log(0.5)"),
        ((HALF, Power(Named(Display("x")), TWO_CUBED)), "0.5 x^(2³)", r"0.5 \, x^{2^{3}}"),
    ],
)
def test_signs_between_factors(factors: tuple[Formula, ...], text: str, latex: str) -> None:
    assert (text_of(Times(factors)), latex_of(Times(factors))) == (text, latex)


def test_one_sum_writes_the_exponential_in_one_way() -> None:
    values = {"x": [[0.123456, 1], [0, 2]], "a": [0.654321, -1.23456], "b": [1, 1]}
    for line in sb.numbers(derived(POWERS), values).shown("latex").splitlines():
        assert not (r"\mathrm{e}^" in line and r"\exp" in line), line
    assert r"\mathrm{e}^{0.654321 \cdot 0.123456}" in sb.numbers(derived(POWERS), values).shown(
        "latex"
    )


# --- what stands alone -------------------------------------------------------------------------


def test_numbers_that_are_not_put_in_are_said_to_be_left_out() -> None:
    text = "name: t\ninputs:\n  x: [N, 7]\nparams:\n  W: {shape: [7, 7]}\n"
    text += "network: |\n  h = x @ W\nloss: mean(h**2)\n"
    found = sb.numbers(derived(text))
    said = (
        "At (1) values stand alone: with numbers put in, the formula would be too long to read, "
        "or has no such form."
    )
    for document in (
        str(found),
        found.shown("markdown"),
        document_tex(found.derivation, USUAL, found),
    ):
        assert said in document
    assert said in numbers_of(found, USUAL).remarks
    assert "式 (1) 只给出数值：代入后过长，或没有相应的写法。" in found.shown("text", CHINESE)


def test_where_all_numbers_are_put_in_nothing_is_said() -> None:
    assert "stand alone" not in str(sb.numbers(derived(TWO)))


# --- the rate ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fraction(1, 3), Number),
        (Fraction(1, 10), Decimal("0.1")),
        (Fraction("0.123456789"), Decimal("0.123456789")),
        (Fraction(1, 10**9), Decimal("1", -9)),
        (Fraction(1, 3**50), Decimal("1.39", -24)),
        (Fraction("0.1234567890123456789012345"), Decimal("0.123")),
    ],
)
def test_what_is_stated_is_not_rounded_where_it_is_short(value: Fraction, expected: object) -> None:
    found = stated(value, 3)
    assert isinstance(found, Number) if expected is Number else found == expected


def test_a_fraction_as_the_rate_is_printed_as_it_is(capsys) -> None:
    assert main(["derive", "two_sigmoids", "--numbers", "--rate", "1/3"]) == 0
    out = capsys.readouterr().out
    assert "\nUpdate, η = 1/3\n" in out
    assert " − 1/3 [" in out
    latex = sb.numbers(sb.derive(sb.load("two_sigmoids")), rate="1/3")
    assert r"\eta = \frac{1}{3}" in numbers_of(latex, USUAL).rate
    with pytest.raises(SystemExit):
        main(["derive", "--help"])
    assert "as 0.5 or 1/3 (default: 0.1)" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("rate", ["1/0", "1/2/3", "1e999999999", "1_0", "１", "--1", True])
def test_what_is_no_rate(rate: object) -> None:
    with pytest.raises(sb.CallError) as fault:
        sb.numbers(derived(TWO), rate=rate)
    assert str(fault.value) == (
        f"the rate is '{rate}', not a number\n  fix: write it as in 0.5 or 1/3"
    )


# --- values that are refused ---------------------------------------------------------------------

NO_NUMBER = "not a finite number\n  fix: give a number, or lists or an array of numbers"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"x": "abc"}, f"x is 'abc', {NO_NUMBER}"),
        ({"x": [[1, 2], [3, None]]}, f"x[1, 1] is 'None', {NO_NUMBER}"),
        ({"b1": {}}, f"b1 is '{{}}', {NO_NUMBER}"),
        (
            {"b1": [1, True]},
            "b1 holds true, not a number\n  fix: write a number: masks alone are true or false",
        ),
        ({"N": True}, "the extent N is true, not a whole number from 1\n  fix: write N: 2"),
        (
            [1],
            "the values are of type list\n"
            "  fix: give a mapping of names to numbers, or the path of a file that holds one",
        ),
    ],
)
def test_values_that_are_no_numbers(values: object, said: str) -> None:
    with pytest.raises(sb.CallError) as fault:
        sb.numbers(derived(TWO), values)
    assert str(fault.value) == said


def test_true_is_a_number_in_masks_alone(tmp_path) -> None:
    text = "name: t\ninputs:\n  x: [N]\n  m: {shape: [N], kind: mask}\n"
    text += "params:\n  w: {shape: []}\nloss: sum(where(m, w * x, 0))\n"
    path = tmp_path / "v.yaml"
    path.write_text("m: [true, false]\nx: [1, 2]\nw: 3\n")
    found = sb.numbers(derived(text), path)
    assert found.given.arrays["m"].tolist() == [1, 0]
    assert {type(v) for v in found.given.arrays["m"].tolist()} == {int}
    path.write_text("x: [1, 2]\nw: true\n")
    with pytest.raises(sb.SpecError) as fault:
        sb.numbers(derived(text), path)
    first, *_, last = str(fault.value).splitlines()
    assert first == f"{path}:2:1: w holds true, not a number"
    assert last == "  fix: write a number: masks alone are true or false"


@pytest.mark.parametrize(("ending", "kind"), [(".json", "JSON"), (".yaml", "YAML")])
def test_a_file_is_called_what_its_name_says(ending: str, kind: str, tmp_path) -> None:
    path = tmp_path / f"v{ending}"
    path.write_text("[[[\n")
    with pytest.raises(sb.SpecError) as fault:
        sb.numbers(derived(TWO), path)
    assert str(fault.value).startswith(f"{path}:2:1: not {kind}: ")


def test_what_is_no_derivation_and_what_is_no_spec() -> None:
    spec = sb.parse(TWO)
    said = "what was given is of type Spec, not a derivation\n"
    said += "  fix: give what sb.derive(sb.load(...)) returns"
    for call in (sb.numbers, sb.show, sb.compile, lambda d: sb.render(d, "x.md")):
        with pytest.raises(sb.CallError) as fault:
            call(spec)
        assert str(fault.value) == said
    said = "what was given is of type ProvedDerivation, not a spec\n"
    said += "  fix: give what sb.load(...) or sb.parse(...) returns"
    for use in (sb.inspect, sb.derive):
        with pytest.raises(sb.CallError) as fault:
            use(sb.derive(spec))
        assert str(fault.value) == said
