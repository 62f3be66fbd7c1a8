"""What text parses to: exact numbers, operators, reductions, statements, layers' own equations."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.spec import SpecError, expression, statement
from symbackprop.spec.syntax import (
    Binary,
    Binder,
    Call,
    Compare,
    Element,
    Keyword,
    Name,
    Number,
    Place,
    Reduction,
    Rest,
    Sequence,
    Text,
    Transpose,
    Truth,
    Unary,
)


def at(column: int) -> Place:
    return Place(1, column)


def test_a_contraction_keeps_every_place():
    found = statement("z[n] = sum[j](W[j] * x[n, 2*j + 1])")
    assert found.target == "z" and found.place == at(1)
    assert found.indices == (Name("n", at(3)),)
    one, two = Number(Fraction(1), "1", at(33)), Number(Fraction(2), "2", at(27))
    affine = Binary("+", Binary("*", two, Name("j", at(29)), at(28)), one, at(31))
    body = Binary(
        "*",
        Element("W", (Name("j", at(17)),), at(15)),
        Element("x", (Name("n", at(24)), affine), at(22)),
        at(20),
    )
    assert found.value == Reduction("sum", (Binder("j", None, at(12)),), body, at(8))


def test_a_call_with_all_kinds_of_arguments():
    found = expression('conv(x, 8, (5, 5), padding="same", bias=False)')
    five = Number(Fraction(5), "5", at(13)), Number(Fraction(5), "5", at(16))
    assert found == Call(
        "conv",
        (Name("x", at(6)), Number(Fraction(8), "8", at(9)), Sequence(five, at(12))),
        (
            Keyword("padding", Text("same", at(28)), at(20)),
            Keyword("bias", Truth(False, at(41)), at(36)),
        ),
        at(1),
    )


def test_pooling_writes_its_extents():
    found = expression("max[p:2, q:K](x[p, q])")
    assert [b.index for b in found.binders] == ["p", "q"]
    assert found.binders[0].extent == Number(Fraction(2), "2", at(7))
    assert found.binders[1].extent == Name("K", at(12))


def test_a_chain_of_comparisons_is_a_conjunction():
    a, b, c = Name("a", at(1)), Name("b", at(5)), Name("c", at(10))
    low, high = Compare("<", a, b, at(3)), Compare("<=", b, c, at(7))
    assert expression("a < b <= c") == Binary("&", low, high, at(7))


def test_masks_transposes_and_signs():
    assert expression("~m") == Unary("~", Name("m", at(2)), at(1))
    assert expression("x.T") == Transpose(Name("x", at(1)), at(1))
    assert expression("+x") == Name("x", at(2))


def test_the_first_step_of_a_recurrence():
    found = statement("h[n, -1, i] = h0[n, i]")
    assert found.indices[1] == Unary("-", Number(Fraction(1), "1", at(7)), at(6))


def test_the_rest_of_the_axes_belongs_to_layers():
    found = statement("z[..., j] = sum[...](x[..., i] * W[i, j])", layer=True)
    assert found.indices[0] == Rest(at(3))
    assert found.value.binders == (Binder("...", None, at(17)),)
    with pytest.raises(SpecError, match=r"'\.\.\.' is no index"):
        statement("z[..., j] = x[..., j]")


@pytest.mark.parametrize("text", ["z = (x\n  + y)  # done", "z = (x  # first\n\n  + y)"])
def test_an_expression_in_brackets_runs_over_lines_and_comments(text):
    found = statement(text)
    assert found.text == "z = (x + y)"
    assert found.value.right.place == Place(text.count("\n") + 1, 5)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**30, places=12))
def test_numbers_are_exact(value):
    assert expression(f"{value:f}").value == Fraction(value)


@given(st.integers(0, 10**6), st.integers(-300, 280))
def test_exponents_are_exact(digits, exponent):
    assert expression(f"{digits}e{exponent}").value == digits * Fraction(10) ** exponent


NAMES = st.sampled_from(["a", "b", "W1", "gamma"])


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Larger expressions from smaller ones, each in its full brackets."""
    binary = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**", "@", "&", "|"]), inner)
    return st.one_of(
        binary.map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda a: f"exp({a})"),
        inner.map(lambda a: f"sum[i]({a})"),
        inner.map(lambda a: f"(-{a})"),
        inner.map(lambda a: f"{a}.T"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]} < {t[1]})"),
    )


def written(node) -> str:
    """An expression in full brackets: the inverse of parsing."""
    match node:
        case Name(id=name):
            return name
        case Number(text=text):
            return text
        case Unary(op=op, of=of):
            return f"({op}{written(of)})"
        case Transpose(of=of):
            return f"{written(of)}.T"
        case Call(function=function, args=(argument,)):
            return f"{function}({written(argument)})"
        case Reduction(op=op, body=body):
            return f"{op}[i]({written(body)})"
        case Binary(op=op, left=left, right=right) | Compare(op=op, left=left, right=right):
            return f"({written(left)} {op} {written(right)})"
    raise AssertionError(node)


@given(st.recursive(st.one_of(NAMES, st.just("0.5")), grow, max_leaves=12))
def test_what_is_parsed_is_what_was_written(text):
    assert written(expression(text)) == text


@given(st.recursive(st.one_of(NAMES, st.just("0.5")), grow, max_leaves=12))
def test_the_place_of_every_part_is_the_start_of_its_name_or_sign(text):
    def check(node):
        at_place = text[node.place.column - 1 :]
        match node:
            case Name(id=word) | Number(text=word) | Call(function=word) | Reduction(op=word):
                assert at_place.startswith(word)
            case Unary(op=op) | Binary(op=op) | Compare(op=op):
                assert at_place.startswith(op)
        for part in ("of", "left", "right", "body"):
            if hasattr(node, part):
                check(getattr(node, part))
        for argument in getattr(node, "args", ()):
            check(argument)

    check(expression(text))
