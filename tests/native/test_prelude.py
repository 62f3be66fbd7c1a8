"""The functions of the C prelude, vectorised, against 40 digits and at their ends."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.templating import fill

COMPILER = next(
    (c for c in (os.environ.get("CC"), "cc", "gcc", "clang") if c and shutil.which(c)), None
)
pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
FUNCTIONS = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
}
# erfc is exp of a square times a polynomial, so that each of its factors rounds; e^x - 1 loses half
# a unit more where x is about ln 2 / 2, and tanh is made of it.
ULPS = {"erfc": 4.5, "expm1": 2.25, "tanh": 2.25}
HEAD = """
#include <math.h>
#include <stdint.h>
#include <string.h>
typedef REAL real;
"""
LOOP = """
void all_{0}(const real *restrict x, real *restrict y, int64_t n)
{{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] = real_{0}(x[i]{1});
}}
"""
FLAGS = ["-O2", "-march=native", "-fopenmp-simd", "-fno-math-errno", "-ffp-contract=off"]


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prelude")
    source = folder / "prelude.c"
    loops = [LOOP.format(name, ", 1" if name == "erfc" else "") for name in FUNCTIONS]
    source.write_text(HEAD + fill("native_mathematics.c.jinja") + "".join(loops))
    found = {}
    for dtype, real in (("float32", "float"), ("float64", "double")):
        path = folder / f"{dtype}.so"
        command = [COMPILER, "-std=c99", *FLAGS, "-fPIC", "-shared", f"-DREAL={real}", "-Wall"]
        command += ["-Werror", "-Wno-unused-function", str(source), "-o", str(path), "-lm"]
        subprocess.run(command, check=True)
        found[dtype] = ctypes.CDLL(str(path))
    return found


def applied(library, name, x):
    y = np.empty_like(x)
    pointers = (ctypes.c_void_p(a.ctypes.data) for a in (x, y))
    getattr(library, f"all_{name}")(*pointers, ctypes.c_int64(x.size))
    return y


def units_apart(name, x, y):
    """How far results are from the true ones, in units of the last place of these."""
    worst = 0.0
    with mpmath.workdps(40):
        for entry, came in zip(x, y, strict=True):
            true = FUNCTIONS[name](mpmath.mpf(float(entry)))
            nearest = x.dtype.type(true)
            if abs(true) < np.finfo(x.dtype).tiny or not np.isfinite(nearest):
                continue
            unit = mpmath.mpf(float(np.spacing(abs(nearest))))
            worst = max(worst, float(abs(mpmath.mpf(float(came)) - true) / unit))
    return worst


def domain(name):
    """Where a function is neither flat nor out of range, and all the way to 0."""
    wide = st.floats(-80, 80, width=32)
    small = st.floats(-1, 1, width=32)
    if name == "log":
        return st.floats(np.float32(1e-35), np.float32(1e35), width=32) | st.floats(
            0.5, 2, width=32
        )
    if name == "log1p":
        return st.floats(-0.96875, 2.0**99, width=32) | small.filter(lambda v: v > -0.97)
    if name == "erfc":
        return st.floats(-6, 8.5, width=32)
    return wide | small


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_are_within_some_units(libraries, name, dtype):
    @settings(max_examples=15)
    @given(st.lists(domain(name), min_size=37, max_size=37), st.floats(-1e-7, 1e-7))
    def holds(entries, shift):
        x = np.array(entries, dtype)
        if dtype == "float64":  # not only numbers with few digits
            x *= 1 + shift
        assert units_apart(name, x, applied(libraries[dtype], name, x)) <= ULPS.get(name, 2.0)

    holds()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ends_and_what_is_undefined(libraries, dtype):
    inf, nan = np.inf, np.nan
    ends = {
        "exp": ([-inf, inf, nan, 0, 1000, -1000], [0, inf, nan, 1, inf, 0]),
        "expm1": ([-inf, inf, nan, 0, 1000, -1000], [-1, inf, nan, 0, inf, -1]),
        "log": ([0, inf, nan, -1, 1, -inf], [-inf, inf, nan, nan, 0, nan]),
        "log1p": ([-1, inf, nan, -2, 0, -inf], [-inf, inf, nan, nan, 0, nan]),
        "tanh": ([-inf, inf, nan, 0, 50, -50], [-1, 1, nan, 0, 1, -1]),
        "erf": ([-inf, inf, nan, 0, 50, -50], [-1, 1, nan, 0, 1, -1]),
        "erfc": ([-inf, inf, nan, 50, -50, 70], [2, 0, nan, 0, 2, 0]),
    }
    for name, (x, wanted) in ends.items():
        came = applied(libraries[dtype], name, np.array(x, dtype))
        np.testing.assert_array_equal(came, np.array(wanted, dtype), err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_below_the_normal_ones(libraries, dtype):
    tiny = np.finfo(dtype).tiny
    x = np.array([tiny / 8, tiny / 1024, 3 * tiny], dtype)
    np.testing.assert_allclose(applied(libraries[dtype], "log", x), np.log(x), rtol=1e-6)
    np.testing.assert_array_equal(applied(libraries[dtype], "log1p", x), x)
    np.testing.assert_array_equal(applied(libraries[dtype], "expm1", x), x)
    low = np.array([np.log(tiny) - 3, np.log(tiny) - 6], dtype)
    np.testing.assert_allclose(applied(libraries[dtype], "exp", low), np.exp(low), rtol=1e-4)


def test_what_loops_call_is_part_of_them():
    text = fill("native_mathematics.c.jinja")
    assert "static inline real " not in text and text.count("INLINED real ") > 15
