"""The BLAS that NumPy's wheels bring along, called directly: W -= aᵀ d in one product."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112
REALS = {"float32": ("sgemm", ctypes.c_float), "float64": ("dgemm", ctypes.c_double)}


def gemm(dtype: Any) -> Any:
    """`cblas_?gemm` of the very library that NumPy's products call. Raises OSError without one."""
    libraries = (Path(np.__file__).parents[1] / "numpy.libs").glob("libscipy_openblas64_*")
    path = next(iter(sorted(libraries)), None)
    if path is None:
        raise OSError("this NumPy brings no OpenBLAS of its own")
    name, real = REALS[np.dtype(dtype).name]
    function = getattr(ctypes.CDLL(str(path)), f"scipy_cblas_{name}64_")
    whole, place = ctypes.c_int64, ctypes.c_void_p
    function.argtypes = [
        *(ctypes.c_int, ctypes.c_int, ctypes.c_int, whole, whole, whole),
        *(real, place, whole, place, whole, real, place, whole),
    ]
    function.restype = None
    return function


def ordered(matrix: Any) -> tuple[bool, int]:
    """Whether a matrix has its rows in order, else its columns; and how far the next one is."""
    rows, columns = (stride // matrix.itemsize for stride in matrix.strides)
    return (True, rows) if columns == 1 else (False, columns)


def subtracted_product(W: Any, d: Any, a: Any = None) -> Callable[..., None]:
    """A function of a [rows, ins], where it is not given here: W -= aᵀ d, for d [rows, outs].

    The call is made ready here but for the address of a batch, which has its rows in order.
    """
    call, (ins, outs) = gemm(W.dtype), W.shape
    a_rows, a_next = (True, ins) if a is None else ordered(a)
    d_rows, d_next = ordered(d)
    ways = (TRANSPOSED if a_rows else PLAIN, PLAIN if d_rows else TRANSPOSED)
    head = (ROW_MAJOR, *ways, ins, outs, len(d), -1.0)
    tail = (a_next, d.ctypes.data, d_next, 1.0, W.ctypes.data, ordered(W)[1])
    if a is not None:
        whole = (*head, a.ctypes.data, *tail)
        return lambda: call(*whole)
    return lambda x: call(*head, x.ctypes.data, *tail)
