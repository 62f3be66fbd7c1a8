"""The files of a run: parameters, the state to go on from, the record."""

from __future__ import annotations

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import CallError
from symbackprop.files import write_whole
from symbackprop.spec.errors import printable
from symbackprop.training.loop import State

Array = NDArray[Any]


def save_arrays(path: Path, arrays: Mapping[str, Array]) -> Path:
    """A .npz with one array for each parameter, or state of the network, by its name."""
    return write_whole(path, _npz(arrays))


def save_state(path: Path, state: State, settings: Mapping[str, object]) -> Path:
    """A .npz of plain arrays, nothing pickled: all that `load_state` needs."""
    arrays: dict[str, Array] = {
        "settings": np.array(json.dumps(settings)),
        "step": np.array(state.step),
        "columns": np.array(state.columns),
        "records": np.array(state.records, dtype=np.float64).reshape(-1, len(state.columns)),
    }
    arrays |= {f"params/{name}": array for name, array in state.params.items()}
    arrays |= {f"states/{name}": array for name, array in state.states.items()}
    arrays |= {f"sums/{loss}": np.array(total) for loss, total in state.sums.items()}
    for (loss, name), memory in state.memory.items():
        arrays |= {f"memory/{loss}/{name}/{k}": array for k, array in enumerate(memory)}
    return write_whole(path, _npz(arrays))


# What NumPy, zipfile and json raise at a file that is not what `save_state` wrote.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, MemoryError),
    *(ValueError, TypeError, LookupError, AttributeError, OverflowError),
)


class _Damaged(ValueError):
    """What is wrong in a file that can be read."""


def load_state(path: Path, fresh: State, settings: Mapping[str, object]) -> State:
    """The state in which the run that saved `path` stood; `fresh` is one before its first step.

    Raises CallError if there is no such file, if it is damaged, or if the run that saved it had
    other settings.
    """
    again = "train without --resume to start again"
    if not path.is_file():
        raise CallError(f"there is nothing to resume: no file {path}", again)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        difference = _difference(json.loads(str(arrays["settings"])), settings)
        state = fresh if difference else _state(arrays, fresh)
    except PermissionError:
        raise
    except _DAMAGE as fault:
        why = f": {fault}" if isinstance(fault, _Damaged) else ""
        raise CallError(f"{path} is not the state of a run{why}", again) from fault
    if difference:
        raise CallError(f"{path} is of a run with {difference}", again)
    return state


def _difference(saved: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """The first setting in which two runs differ; empty where there is none."""
    for name, value in own.items():
        if saved[name] == value:
            continue
        if name == "spec":
            part = next(key for key in value if saved[name].get(key) != value[key])
            return f"other {part} in its spec"
        if name == "rows":
            return "other rows of data"
        return f"{name} {printable(str(saved[name]))[:200]}, this one has {value}"
    return ""


def _state(arrays: Mapping[str, Array], fresh: State) -> State:
    """The state that the arrays are, each held against the fresh one's."""

    def like(name: str, own: Array) -> Array:
        found = arrays[name]
        if (found.shape, found.dtype) != (own.shape, own.dtype):
            there, here = (f"{a.dtype}{list(a.shape)}" for a in (found, own))
            raise _Damaged(f"'{name}' is {there}, not {here}")
        return found

    def pair(name: str) -> tuple[float, float]:
        first, second = like(name, np.zeros(2))
        return float(first), float(second)

    records, step = arrays["records"], like("step", np.array(0))
    width = len(fresh.columns)
    if records.dtype != np.float64 or records.ndim != 2 or records.shape[1] != width:
        there = f"{records.dtype}{list(records.shape)}"
        raise _Damaged(f"'records' is {there}, not rows of {width} numbers")
    if step < 0 or not np.isfinite(records[:, 0]).all():
        raise _Damaged("its steps are not counted from 0")
    return State(
        {name: like(f"params/{name}", array) for name, array in fresh.params.items()},
        {name: like(f"states/{name}", array) for name, array in fresh.states.items()},
        {
            key: tuple(like(f"memory/{'/'.join(key)}/{k}", array) for k, array in enumerate(memory))
            for key, memory in fresh.memory.items()
        },
        {loss: pair(f"sums/{loss}") for loss in fresh.sums},
        int(step),
        fresh.columns,
        [tuple(map(float, record)) for record in records],
    )


def save_records(path: Path, state: State) -> Path:
    """A .csv with a line for each epoch."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(state.columns)
    writer.writerows((int(record[0]), *record[1:]) for record in state.records)
    return write_whole(path, text.getvalue())


def _npz(arrays: Mapping[str, Array]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, array in arrays.items():
            # One fixed date: the same run gives the same bytes.
            with file.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)
    return content.getvalue()
