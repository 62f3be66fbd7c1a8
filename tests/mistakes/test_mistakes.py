"""Each kind of mistake is made where it can be, is an expression in its place, and shows."""

from __future__ import annotations

import functools

import pytest

from symbackprop.derivation import differentiate
from symbackprop.derivation.model import Derivation, Line
from symbackprop.equations.build import build
from symbackprop.equations.nodes import Access, Index, free_indices, tensors
from symbackprop.mistakes import KINDS, Mistake, damaged, mistakes
from symbackprop.spec import parse
from tests.mutation import equivalence
from tests.mutation.derivations import DamagedLine
from tests.mutation.specs import SPECS

# The spec, the tensor, the kind, what stands there by mistake.
MADE = [
    ("dense", "dW1", "opposite sign", "-Sum[n](dz1[n, j]*x[n, i])"),
    ("dense", "dp", "wrong factor", "(p[n, i] - y[n, i])/N"),
    ("dense", "dp", "wrong factor", "2*p[n, i]/3 - 2*y[n, i]/3"),
    ("dense", "dz1", "forgotten derivative", "dh[n, j]"),
    ("dense", "dz1", "derivative of the wrong value", "(1 - z1[n, j])*dh[n, j]*z1[n, j]"),
    (
        "dense",
        "dz1",
        "derivative of the wrong value",
        "(1 - sigmoid(h[n, j]))*sigmoid(h[n, j])*dh[n, j]",
    ),
    ("dense", "dz2", "missing term", "-dp[n, j]*p[n, j]**2"),
    ("dense", "dz2", "wrong power", "(1 - p[n, j])*dp[n, j]"),
    ("dense", "dz1", "dropped factor", "(1 - h[n, j])*dh[n, j]"),
    ("dense", "dh", "swapped axes", "Sum[j](W2[j, i]*dz2[n, j]) + 1/(30*N)"),
    ("dense", "dh", "wrong tensor", "Sum[j](W1[i, j]*dz2[n, j]) + 1/(30*N)"),
    ("dense", "dh", "wrong index", "Sum[j](W2[i, j]*dz2[n, i]) + 1/(30*N)"),
    ("dense", "h", "wrong function", "tanh(z1[n, j])"),
    ("dense", "db1", "last term alone", "dz1[N - 1, j]"),
    ("dense", "db1", "off by one", "Sum[n](Where(Compare(<, n, N - 1), dz1[n, j], 0))"),
    (
        "recurrence",
        "dU",
        "wrong shift",
        "Sum[n, t](dz_h[n, t, k]*Where(Compare(>=, t, 1), h[n, t, j], 0))",
    ),
    ("recurrence", "dU", "lost guard", "Sum[n, t](dz_h[n, t, k]*h[n, t - 1, j])"),
    (
        "recurrence",
        "dU",
        "wrong comparison",
        "Sum[n, t](dz_h[n, t, k]*Where(Compare(>, t, 1), h[n, t - 1, j], 0))",
    ),
    ("convolution", "dK", "wrong stride", "Sum[n, i](dy[n, i, o]*x[n, i + p, c])"),
    ("words", "ds", "forgotten derivative", "da[n, d]"),
    ("words", "dE", "moved delta", None),
]


@functools.cache
def derived(name: str) -> Derivation:
    return differentiate(build(parse(SPECS[name])))


def line_of(derivation: Derivation, tensor: str) -> Line:
    return next(x for x in derivation.lines() if x.equation.tensor.name == tensor)


@functools.cache
def all_of(name: str) -> tuple[Mistake, ...]:
    derivation = derived(name)
    return tuple(m for line in derivation.lines() for m in mistakes(derivation, line))


@pytest.mark.parametrize(("name", "tensor", "kind", "expected"), MADE)
def test_a_mistake_is_made(name: str, tensor: str, kind: str, expected: str | None) -> None:
    made = [m for m in all_of(name) if m.line.equation.tensor.name == tensor and m.kind == kind]
    assert made
    assert expected is None or expected in [str(m.rhs) for m in made], [str(m.rhs) for m in made]


def test_every_kind_is_made_somewhere() -> None:
    assert {m.kind for name in SPECS for m in all_of(name)} == set(KINDS)


@pytest.mark.parametrize("name", SPECS)
def test_a_mistake_is_an_expression_in_its_place(name: str) -> None:
    derivation = derived(name)
    known = {*derivation.system.given, *(x.equation.tensor for x in derivation.lines())}
    for mistake in all_of(name):
        equation = mistake.line.equation
        assert mistake.rhs != equation.rhs
        assert mistake.words
        assert free_indices(mistake.rhs) <= set(equation.indices), mistake
        assert set(tensors(mistake.rhs)) <= known, mistake
        for access in mistake.rhs.atoms(Access):
            assert len(access.indices) == access.tensor.rank


@pytest.mark.parametrize("name", SPECS)
def test_no_mistake_is_made_twice(name: str) -> None:
    made = [(m.line.number, m.rhs) for m in all_of(name)]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("name", SPECS)
def test_nearly_every_mistake_shows(name: str) -> None:
    """All but a few differ in value, for some values of all tensors."""
    derivation = derived(name)
    some = all_of(name)[::9]
    silent = [m for m in some if equivalence.of_line(derivation, as_mutant(m))]
    assert len(silent) < 0.1 * len(some), [(m.words, m.rhs) for m in silent]


def as_mutant(m: Mistake) -> DamagedLine:
    return DamagedLine(
        m.kind, m.words, m.line, m.line.equation.rhs, m.rhs, lambda: derived("dense")
    )


@pytest.mark.parametrize("tensor", ["h", "dh"])
def test_a_damaged_derivation_differs_in_one_line(tensor: str) -> None:
    derivation = derived("dense")
    line = line_of(derivation, tensor)
    mistake = next(mistakes(derivation, line))
    wrong = damaged(derivation, mistake)
    changed = [(a, b) for a, b in zip(derivation.lines(), wrong.lines(), strict=True) if a != b]
    ((before, after),) = changed
    assert before == line
    assert after.equation.rhs == mistake.rhs
    assert not after.steps or after.steps[-1].after == mistake.rhs
    assert (after.number, after.of, after.steps[:-1]) == (line.number, line.of, line.steps[:-1])


def test_a_gradient_is_damaged_wherever_it_is_handed_out() -> None:
    derivation = derived("dense")
    mistake = next(mistakes(derivation, derivation["W1"]))
    assert damaged(derivation, mistake)["W1"].equation.rhs == mistake.rhs
    assert damaged(derivation, mistake)["W2"] == derivation["W2"]


def test_words_name_what_is_wrong() -> None:
    words = {m.words for m in all_of("dense")}
    assert {
        "the factor 2/3 is missing",
        "the factor 1/N is missing",
        "W1 where W2 belongs",
        "W2[j, i] where W2[i, j] belongs",
        "the derivative is taken of h, not of z1",
        "z1 stands where its activation h belongs",
        "the sum misses its last n",
        "tanh where sigmoid belongs",
    } <= words, sorted(words)


def test_an_index_keeps_its_extent() -> None:
    """Two indices are exchanged only where both run over the same extent."""
    for mistake in all_of("convolution"):
        for access in mistake.rhs.atoms(Access) if mistake.kind == "wrong index" else ():
            for position, extent in zip(access.indices, access.tensor.shape, strict=True):
                assert not isinstance(position, Index) or position.extent == extent
