"""What the native target adds to the NumPy module: how the loops are found, bound and entered."""

from __future__ import annotations

from typing import Any

from symbackprop.emit.native.entries import entries
from symbackprop.emit.native.table import compiled, entry_name, slots
from symbackprop.program.model import Program

IMPORTS = (
    "atexit",
    "contextlib",
    "ctypes",
    "functools",
    "hashlib",
    "os",
    "pathlib",
    "platform",
    "shutil",
    "subprocess",
    "sys",
    "tempfile",
    "warnings",
)
DTYPES = {"real": "dtype", "integer": "np.intp", "mask": "np.bool_"}


def native_section(program: Program) -> dict[str, Any]:
    """The values of `native.py.jinja`."""
    table = slots(program)
    results = [slot for slot in table if slot.source == "result"]
    return {
        "name": program.derivation.system.name,
        "given": [slot.name for slot in table if slot.is_given],
        "own": [
            f"_result_{slot.name}" if slot.source == "result" else slot.name
            for slot in table
            if not slot.is_given
        ],
        "entries": [entry_name(function, mode) for _, function, mode in compiled(program)],
        "results": [
            f"        self._result_{slot.name} = np.empty((), {DTYPES[slot.kind]})"
            for slot in results
        ],
        "functions": entries(program),
    }
