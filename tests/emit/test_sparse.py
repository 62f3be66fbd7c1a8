"""Gradients by rows: equal to the dense ones when added up, refused where they would be dense."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest

from symbackprop.spec.errors import SpecError
from tests.emit.specs_modes import PAIRS, SENTENCES
from tests.program.running import compiled


def wide(words):
    return PAIRS.replace("words: 50, k: 4", f"words: {words}, k: 32")


def without_sparse(text):
    return "\n".join(line for line in text.splitlines() if not line.startswith("sparse"))


def pairs(words=50, count=11):
    rng = np.random.default_rng(0)
    return {
        "center": rng.integers(0, words, count),
        "near": rng.integers(0, words, count),
        "far": rng.integers(0, words, (count, 3)),
    }


def sentences(count=11):
    rng = np.random.default_rng(0)
    return {"ids": rng.integers(0, 31, (count, 7)), "y": rng.integers(0, 3, count)}


@pytest.mark.parametrize(
    ("text", "given", "tables"),
    [(PAIRS, pairs(), {"P": 22, "Q": 44}), (SENTENCES, sentences(), {"E1": 77})],
)
def test_rows_add_up_to_the_dense_gradient(text, given, tables):
    net, dense = compiled(text), compiled(without_sparse(text))
    params = net.init_params(0, np.float64)
    value, grads = net.loss_and_grads(params, **given)
    expected_value, expected = dense.loss_and_grads(params, **given)
    assert value == expected_value
    assert list(grads) == list(expected)
    for name, whole in expected.items():
        if name not in tables:
            np.testing.assert_array_equal(grads[name], whole)
            continue
        rows, values = grads[name]
        assert rows.shape == (tables[name],) and rows.dtype == np.intp
        assert values.shape == (tables[name], params[name].shape[1])
        assert values.dtype == np.float64
        added = np.zeros_like(whole)
        np.add.at(added, rows, values)
        np.testing.assert_allclose(added, whole, rtol=1e-12, atol=1e-15)


def test_rows_are_the_workspaces_own():
    net, given = compiled(PAIRS), pairs()
    work = net.Workspace(N=11)
    _, grads = net.loss_and_grads(net.init_params(), **given, workspace=work)
    owned = [a for a in vars(work).values() if isinstance(a, np.ndarray)]
    arrays = [array for pair in grads.values() for array in pair]
    for array in arrays:
        assert any(np.shares_memory(array, own) for own in owned)
        assert not any(np.shares_memory(array, data) for data in given.values())
    assert not any(np.shares_memory(a, b) for a in arrays for b in arrays if a is not b)


def test_a_gradient_that_reads_no_row_is_empty():
    text = SENTENCES.replace("sparse: E1", "").replace(
        "loss: cross_entropy(softmax(z), y)",
        "losses:\n  a: {value: 'cross_entropy(softmax(z), y)'}\n"
        "  b: {value: mean(W2**2), wrt: [E1]}\nsparse: E1",
    )
    net = compiled(text)
    rows, values = net.b_and_grads(net.init_params())[1]["E1"]
    assert rows.shape == (0,) and values.shape == (0, 4)
    assert net.a_and_grads(net.init_params(), **sentences())[1]["E1"][0].shape == (77,)


@pytest.mark.parametrize("is_sparse", [True, False])
def test_no_one_hot_array_and_no_table_beside_the_table(is_sparse):
    """50,000 rows of 32 are 6.4 MB; a dense one-hot array of the batch would be 100 MB."""
    text = wide(50_000)
    net = compiled(text if is_sparse else without_sparse(text))
    params, given = net.init_params(), pairs(50_000, 512)
    tracemalloc.start()
    work = net.Workspace(N=512)
    net.loss_and_grads(params, **given, workspace=work)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (2e6 if is_sparse else 16e6)


def test_time_and_memory_do_not_grow_with_the_table():
    measured = []
    for words in (500, 500_000):
        net, given = compiled(wide(words)), pairs(words, 512)
        params = net.init_params()
        tracemalloc.start()
        work = net.Workspace(N=512)
        net.loss_and_grads(params, **given, workspace=work)
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        times = []
        for _ in range(30):
            start = time.perf_counter()
            net.loss_and_grads(params, **given, workspace=work)
            times.append(time.perf_counter() - start)
        measured.append((memory, sorted(times)[5]))
    (small_memory, small_time), (large_memory, large_time) = measured
    assert large_memory < 1.1 * small_memory
    assert large_time < 5 * small_time  # what is read lies in the cache, or does not


FAULTS = [
    (
        PAIRS.replace("loss: mean(", "loss: l2(0.1, P) + mean("),
        "the gradient by 'P' is dense: P[i, j] is read, at line 14",
    ),
    (
        PAIRS.replace("sparse: [P, Q]", "sparse: [P, R]"),
        "sparse names 'R', which is not defined",
    ),
    (
        PAIRS.replace("sparse: [P, Q]", "sparse: [P, s]"),
        "sparse names 's', which is of kind tensor",
    ),
    (
        PAIRS.replace("sparse: [P, Q]", "sparse: [P, near]"),
        "sparse names 'near', which is of kind input",
    ),
    (
        SENTENCES.replace("sparse: E1", "sparse: [E1, W2]"),
        "the gradient by 'W2' is dense: W2[i, j] is read, at line 8",
    ),
    (
        SENTENCES.replace("sparse: E1", "sparse: E2"),
        "sparse names 'E2', which is no parameter",
    ),
    (
        PAIRS + "wrt: [Q]\n",
        "sparse names 'P', by which no loss is differentiated",
    ),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_what_is_not_read_by_rows_is_refused(text, message):
    with pytest.raises(SpecError) as raised:
        compiled(text)
    assert message in str(raised.value)
    assert "fix: " in str(raised.value)


def test_the_positions_of_a_small_table_are_looked_up(monkeypatch):
    """Whichever way they are found, rows that repeat add up."""
    from symbackprop.program import tables

    found = []
    for most in (0, 2**18):
        monkeypatch.setattr(tables, "MOST", most)
        module = compiled(PAIRS)
        params = module.init_params(seed=0, dtype=np.float64)
        module.sgd_step(params, **pairs(), rate=0.5)
        assert hasattr(module.Workspace(N=11), "range_100") == (most > 0)
        found.append(params)
    for name in found[0]:
        np.testing.assert_array_equal(found[0][name], found[1][name])
