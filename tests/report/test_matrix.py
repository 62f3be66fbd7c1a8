"""Every matrix form denotes the same array as the equation it was made of."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sympy import Integer, exp

from symbackprop.derivation.model import Line
from symbackprop.equations.evaluate import FLOAT, evaluate_equation
from symbackprop.equations.evaluate_environment import extent_of
from symbackprop.equations.masks import Delta
from symbackprop.equations.nodes import Access, Index, TensorSymbol, extent, tensors
from symbackprop.equations.reductions import LogSumExp, Sum
from symbackprop.equations.system import Equation
from symbackprop.notation import Notation
from symbackprop.report.entries import entry_form
from symbackprop.report.formula import Apply, Constant, Named
from symbackprop.report.matrix import MatrixForm, matrix_form
from symbackprop.report.naming import Names, line_names, names
from symbackprop.report.recurring import Steps, steps_of
from symbackprop.report.structure import gathered
from symbackprop.report.unicode import text_of
from symbackprop.report.view import view

from .reading import PARTS, RANGES, SAMPLES, column, part, read
from .specs import SPECS, derived

EXTENTS = dict(
    zip("NTMdIBSKACDEGHL", (11, 13, 17, 19, 5, 7, 3, 2, 23, 29, 31, 37, 41, 43, 47), strict=True)
)
N = extent("N")
NO_STEPS = Steps()


def array_of(tensor: TensorSymbol, rng: np.random.Generator) -> np.ndarray:
    shape = tuple(extent_of(size, EXTENTS) for size in tensor.shape)
    if tensor.kind == "integer":
        return rng.integers(0, 3, shape)
    if tensor.kind == "mask":
        return rng.integers(0, 2, shape)
    return rng.uniform(0.2, 2.0, shape) * np.where(rng.uniform(size=shape) < 0.3, -1, 1)


def form(equation: Equation, known: Names, steps: Steps = NO_STEPS) -> MatrixForm | None:
    group = steps.groups.get(equation.tensor)
    needed = frozenset([group.step_of(equation)] if group else [])
    bare = gathered(steps.bare(equation.rhs))
    return matrix_form(equation.lhs, bare, known, steps.axes, needed)


def agrees(equation: Equation, known: Names, steps: Steps = NO_STEPS) -> bool | None:
    """Whether both readings give the same numbers; None where there is no matrix form."""
    found = form(equation, known, steps)
    if found is None:
        return None
    rng = np.random.default_rng(7)
    arrays = {t.name: array_of(t, rng) for t in tensors(equation.rhs)}
    variances = [t.name for t in tensors(equation.rhs) if t.name == "v"]
    arrays |= {name: np.abs(arrays[name]) for name in variances}
    result = replace(equation, tensor=TensorSymbol("result", equation.tensor.shape))
    expected = evaluate_equation(result, arrays, EXTENTS, FLOAT).astype(float)
    values = values_of(equation, known, steps, arrays)
    axes = {known.entry(index): axis for axis, index in enumerate(equation.indices)}
    kept = found.left.indices if isinstance(found.left, Named) else ()
    verdicts = []
    for at in itertools.product(*(range(expected.shape[axes[i]]) for i in kept)):
        here = part(expected, {axes[i]: k for i, k in zip(kept, at, strict=True)})
        wanted = column(written(here, known))
        value = read(found.right, values | dict(zip(kept, at, strict=True)))
        value = np.reshape(value, ()) if not equation.indices else value
        value = np.broadcast_to(value, np.shape(wanted))
        verdicts.append(np.allclose(value, wanted, rtol=1e-10, equal_nan=True))
    return all(verdicts)


def written(array: np.ndarray, known: Names) -> np.ndarray:
    """An array as the page writes it."""
    return array.T if known.notation.reverses else array


def values_of(
    equation: Equation, known: Names, steps: Steps, arrays: dict[str, np.ndarray]
) -> dict[Any, Any]:
    """What every name on the page stands for."""
    read_here = tensors(equation.rhs)
    values: dict[Any, Any] = {
        known.whole(t): column(written(arrays[t.name], known)) for t in read_here
    }
    values |= {known.entry(t): float(arrays[t.name]) for t in read_here if not t.shape}
    values |= {known.entry(extent(name)): float(size) for name, size in EXTENTS.items()}
    shape = tuple(extent_of(size, EXTENTS) for size in equation.tensor.shape)
    values[Constant("identity")] = np.eye(shape[0] if shape else 1)
    for labels in (t for t in read_here if t.kind == "integer" and t.rank == 1):
        classes = one_hot_width(equation, labels)
        rows = written(np.eye(classes)[arrays[labels.name].astype(int)], known)
        values[known.one_hot(labels)] = rows
        values[Apply("onehot", (known.whole(labels),))] = rows
    bound = {i for s in equation.rhs.atoms(Sum) for i in s.bound}
    values[RANGES] = {known.entry(i): extent_of(i.extent, EXTENTS) for i in bound}
    named = {known.whole(t): t for t in read_here}
    places = {
        (known.whole(a.tensor), entry_form(position, known)): axis
        for a in steps.bare(equation.rhs).atoms(Access)
        for axis, position in enumerate(a.indices)
    }

    def parts(formula: Named, here: dict[Any, Any]) -> Any:
        whole = replace(formula, indices=())
        given = [i for i in formula.indices if i != Constant("all")]
        at = {places[whole, index]: int(read(index, here)) for index in given}
        array, end = arrays[named[whole].name], steps.ends.get(named[whole])
        inside = all(0 <= place < array.shape[axis] for axis, place in at.items())
        if inside or end is None or end.value == 0:
            return column(written(part(array, at), known))
        return column(written(arrays[end.value.tensor.name], known))

    values[PARTS] = parts
    values[SAMPLES] = int(known.notation.reverses)
    return values


def one_hot_width(equation: Equation, labels: TensorSymbol) -> int:
    """The extent that the labels read."""
    for delta in equation.rhs.atoms(Delta):
        index = next((i for i in delta.args if isinstance(i, Index)), None)
        if labels in delta.free_symbols | delta.atoms(TensorSymbol) and index is not None:
            return extent_of(index.extent, EXTENTS)
    for access in equation.rhs.atoms(Access):
        for index, size in zip(access.indices, access.tensor.shape, strict=True):
            if labels in index.atoms(TensorSymbol):
                return extent_of(size, EXTENTS)
    raise AssertionError(labels)


@pytest.mark.parametrize("convention", ["row", "column"])
@pytest.mark.parametrize("spec", sorted(SPECS))
def test_matrix_forms_of_whole_derivations_denote_their_equations(
    spec: str, convention: str
) -> None:
    derivation = derived(spec)
    known = names(derivation, Notation(convention=convention))
    steps = steps_of(derivation)
    verdicts = {line.number: agrees(line.equation, known, steps) for line in derivation.lines()}
    assert False not in verdicts.values(), verdicts
    assert True in verdicts.values()


x, y, A = TensorSymbol("x", (N, 3)), TensorSymbol("y", (N,), "integer"), TensorSymbol("A", (3, 3))
a, b, E = TensorSymbol("a", (N,)), TensorSymbol("b", (3,)), TensorSymbol("E", (7, 3))
r, m, c = TensorSymbol("r", (N, 3)), TensorSymbol("m", (N,)), TensorSymbol("c", ())
q, s, g = TensorSymbol("q", (7, 3)), TensorSymbol("s", (3, N)), TensorSymbol("g", (N, 5, 3))
n, i, j, k, u = Index("n", N), Index("i", 3), Index("j", 3), Index("k", 3), Index("u", 7)

KNOWN = [
    (Equation(r, (n, i), E[y[n], i]), "Y E"),
    (Equation(q, (u, i), Sum(r[n, i] * Delta(u, y[n]), n)), "Yᵀ R"),
    (Equation(r, (n, i), x[n, i] - a[n] * b[i]), "X − a bᵀ"),
    (Equation(r, (n, i), x[n, i] * (1 - r[n, i] ** 2)), "X ⊙ (1 − R ⊙ R)"),
    (Equation(r, (n, i), x[n, i] - LogSumExp(x[n, j], j)), "log softmax(X)"),
    (Equation(s, (i, n), exp(x[n, i] - LogSumExp(x[n, j], j))), "softmax(X)ᵀ"),
    (Equation(c, (), Sum((x[n, i] - r[n, i]) ** 2, n, i) / (2 * N)), "‖X − R‖_F²/(2 N)"),
    (Equation(c, (), Sum(b[i] * b[j] * A[i, j], i, j)), "bᵀ A b"),
    (Equation(r, (n, i), (x[n, i] - r[n, i]) / 10), "(X − R)/10"),
    (Equation(r, (n, i), x[n, i] / a[n]), "diag(a)⁻¹ X"),
    (Equation(r, (n, i), x[n, i] / r[n, i]), "X ⊘ R"),
    (Equation(m, (n,), x[n, y[n]]), "(X ⊙ Y) 𝟏"),
    (Equation(m, (n,), Sum(x[n, i], i)), "X 𝟏"),
    (Equation(b, (i,), Sum(x[n, i], n)), "Xᵀ 𝟏"),
    (Equation(r, (n, i), Sum(x[n, j] * A[i, j] * b[j], j)), "X diag(b) Aᵀ"),
    (Equation(s, (i, n), x[n, i] + s[i, n]), "S + Xᵀ"),
    (Equation(A, (i, j), A[j, i] - Delta(i, j)), "Aᵀ − I"),
    (Equation(r, (n, i), b[i]), "𝟏 bᵀ"),
    (Equation(r, (n, i), Integer(0)), "0"),
    (Equation(m, (n,), Sum(x[n, i] * Sum(r[n, j] * A[j, i], j), i)), "(X ⊙ (R A)) 𝟏"),
]


@pytest.mark.parametrize(("equation", "text"), KNOWN, ids=[text for _, text in KNOWN])
def test_known_forms(equation: Equation, text: str) -> None:
    known = line_names(Line(1, equation))
    found = form(equation, known)
    assert found is not None and text_of(found.right) == text
    assert agrees(equation, known)
    assert agrees(equation, line_names(Line(1, equation), Notation(convention="column")))


@pytest.mark.parametrize(
    "equation",
    [
        Equation(m, (n,), Sum(g[n, Index("t", 5), i] * b[i], Index("t", 5), i)),
        Equation(c, (), Sum(x[n, i], n, i)),
        Equation(b, (i,), A[i, i]),
        Equation(c, (), Sum(A[i, j] * A[j, k] * A[k, i], i, j, k)),
        Equation(r, (n, i), Sum(x[n, j] * A[i, j] * A[j, k] * A[k, j], j, k)),
    ],
)
def test_equations_without_a_matrix_form(equation: Equation) -> None:
    known = line_names(Line(1, equation))
    assert agrees(equation, known) in (None, True)


def test_a_part_of_a_tensor_is_not_the_tensor() -> None:
    part = Equation(TensorSymbol("w", (N, 2)), (n, Index("i", 2)), x[n, Index("i", 2)])
    assert form(part, line_names(Line(1, part))) is None


def test_the_comparison_can_fail() -> None:
    equation = Equation(r, (n, i), Sum(x[n, j] * A[i, j], j))
    wrong = Equation(r, (n, i), Sum(x[n, j] * A[j, i], j))
    known = line_names(Line(1, equation))
    found = form(wrong, known)
    assert found is not None
    rng = np.random.default_rng(1)
    arrays = {t.name: array_of(t, rng) for t in (x, A)}
    values = {known.whole(t): column(arrays[t.name]) for t in (x, A)}
    right = evaluate_equation(equation, arrays, EXTENTS, FLOAT).astype(float)
    assert not np.allclose(read(found.right, values), right)


def test_dense_layers_have_matrix_forms_throughout() -> None:
    without = [s.number for s in view(derived("mlp")).lines() if s.matrix is None]
    assert len(without) == 1, "the loss alone is a sum over examples"
