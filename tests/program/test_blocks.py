"""Windows copied a few at a time: right for every layout and length, and small in memory."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Integer

from symbackprop.equations.masks import And, Compare, Delta, Where
from symbackprop.equations.nodes import Index, TensorSymbol
from symbackprop.equations.reductions import Sum
from symbackprop.equations.system import Equation
from symbackprop.program import blocks, slabs
from tests.program import running
from tests.program.running import N, agree, compiled

n, c, o = Index("n", N), Index("c", Integer(2)), Index("o", Integer(3))
i, p, a = Index("i", Integer(5)), Index("p", Integer(3)), Index("a", Integer(7))
j, q, b = Index("j", Integer(4)), Index("q", Integer(2)), Index("b", Integer(5))
PLACES = {i + p: a, j + q: b}
IMAGES = {"last": (n, i + p, j + q, c), "first": (c, n, i + p, j + q), "middle": (n, c, i + p, j)}
KERNELS = {"last": (p, q, c, o), "first": (o, c, p, q), "alone": (p, q, c)}


def tensor(name, indices):
    return TensorSymbol(name, tuple(e.extent for e in indices))


def convolution(read, weights):
    """z = Σ x[n, i + p, j + q, c] w[p, q, c, o] and both of its gradients, and what they read."""
    landed = tuple(PLACES.get(e, e) for e in read)
    out = tuple(e for e in (n, i, j, o) if e != o or o in weights)
    x, w, dz = tensor("x", landed), tensor("w", weights), tensor("dz", out)
    added = dz[out] * w[weights]
    for position in read:
        added *= Delta(PLACES[position], position) if position in PLACES else 1
    z = Sum(x[read] * w[weights], *(e for e in weights if e != o))
    dw = Sum(x[read] * dz[out], *(e for e in out if e != o))
    dx = Sum(added, *(e for e in (i, j, o, p, q) if e not in landed and e in (*out, *weights)))
    equations = [
        Equation(tensor("z", out), out, z),
        Equation(tensor("dw", weights), weights, dw),
        Equation(tensor("dx", landed), landed, dx),
    ]
    return equations, (x, w, dz)


@pytest.mark.parametrize("entries", [1, 200, 65536])
@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("image", IMAGES)
def test_a_convolution_in_blocks(image, kernel, count, entries, monkeypatch):
    """Of one position; of a few, the last block shorter; of more than there are."""
    monkeypatch.setattr(blocks, "ENTRIES", entries)
    monkeypatch.setattr(slabs, "KEPT", 0)
    monkeypatch.setitem(running.SIZES, "N", count)
    source = agree(*convolution(IMAGES[image], KERNELS[kernel]))
    assert source.count("in range(0, N, ") >= 2


def test_without_an_index_that_windows_leave_alone_they_are_copied_at_once():
    x, w = TensorSymbol("x", (7, 5)), TensorSymbol("w", (3, 2))
    z = Equation(tensor("z", (i, j)), (i, j), Sum(x[i + p, j + q] * w[p, q], p, q))
    assert "range(0" not in agree([z], (x, w))


def test_small_windows_of_a_known_number_are_copied_at_once():
    m = Index("m", Integer(11))
    x, w = TensorSymbol("x", (11, 7)), TensorSymbol("w", (3, 3))
    z = Equation(tensor("z", (m, i, o)), (m, i, o), Sum(x[m, i + p] * w[p, o], p))
    assert "range(0" not in agree([z], (x, w))


def test_the_workspace_of_a_convolution_is_little_more_than_what_has_to_be_kept():
    module = compiled("""
name: growth
inputs: {x: [N, 32, 32, 4], y: [N, 32, 32, 8]}
network: |
  a = relu(conv2d(x, 8, 5, padding="same"))
  b = conv2d(a, 8, 3, padding="same")
loss: mse(b, y)
""")
    sizes = [
        sum(b.nbytes for b in vars(module.Workspace(N=count)).values() if isinstance(b, np.ndarray))
        for count in (2, 3)
    ]
    padded, results = 36 * 36 * 4 + 34 * 34 * 8, 2 * 32 * 32 * 8
    assert sizes[1] - sizes[0] < 1.2 * 4 * (padded + results)


def test_padding_along_two_axes_is_one_write():
    x = TensorSymbol("x", (N, 3, 2))
    inside = [Compare(">=", a, 2), Compare("<", a, 5), Compare(">=", b, 1), Compare("<", b, 3)]
    for mask in (And(*inside), And(And(*inside[:2]), And(*inside[2:]))):
        padded = Equation(
            tensor("padded", (n, a, b)), (n, a, b), Where(mask, x[n, a - 2, b - 1], 4)
        )
        source = agree([padded], (x,))
        assert "padded.fill(4.0)\n    padded[:, 2:5, 1:3] = x\n" in source
        assert source.count("np.empty(") == 1


def test_masks_that_leave_no_box_are_not_taken_for_one():
    x = TensorSymbol("x", (N, 7, 5))
    for mask in (
        And(Compare("!=", a, 2), Compare("<", b, 3)),
        And(Compare(">=", a, 2), Compare(">=", a, 3), Compare("<", b, 3)),
        And(Compare(">=", a, 5), Compare("<", a, 2)),
        And(Compare("<", x[n, a, b], 0), Compare("<", b, 3), Compare(">", a, 1)),
    ):
        agree([Equation(tensor("cut", (n, a, b)), (n, a, b), Where(mask, x[n, a, b], 4))], (x,))
