"""Products in C where BLAS is not called: few long rows, few long sums, and small ones."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.templating import fill

COMPILER = next(
    (c for c in (os.environ.get("CC"), "cc", "gcc", "clang") if c and shutil.which(c)), None
)
pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
HEAD = """
#include <math.h>
#include <stdint.h>
#include <string.h>
typedef REAL real;
"""
ENTRY = """
void multiply(int way, int ta, int tb, int64_t m, int64_t n, int64_t k, double alpha, const real *a,
              int64_t lda, const real *b, int64_t ldb, double beta, real *c, int64_t ldc)
{
    if (way == 0)
        product(ta, tb, m, n, k, (real)alpha, a, lda, b, ldb, (real)beta, c, ldc);
    else if (way == 1)
        product_of_few_rows(ta, m, n, k, (real)alpha, a, lda, b, ldb, (real)beta, c, ldc);
    else
        product_of_long_sums(m, n, k, (real)alpha, a, lda, b, ldb, (real)beta, c, ldc);
}
"""
FLAGS = ["-O2", "-fopenmp-simd", "-fno-math-errno", "-ffp-contract=off"]
TEMPLATES = ("native_mathematics.c.jinja", "native_products.c.jinja")


@pytest.fixture(scope="module", params=["-march=native", "-DPORTABLE"])
def libraries(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("products")
    source = folder / "products.c"
    source.write_text(HEAD + "".join(fill(name) for name in TEMPLATES) + ENTRY)
    found = {}
    for dtype, real in (("float32", "float"), ("float64", "double")):
        path = folder / f"{dtype}.so"
        command = [
            COMPILER,
            "-std=c99",
            *FLAGS,
            request.param,
            "-fPIC",
            "-shared",
            f"-DREAL={real}",
            "-Wall",
        ]
        command += ["-Werror", "-Wno-unused-function", str(source), "-o", str(path), "-lm"]
        subprocess.run(command, check=True)
        found[dtype] = ctypes.CDLL(str(path))
    return found


def multiplied(library, way, ta, tb, alpha, a, b, beta, c):
    """alpha a b + beta c, where a is stored as its transpose if `ta`; c inside of a wider array."""
    dtype = a.dtype
    (m, k), n = a.shape, b.shape[1]
    gap = dtype.type(7)
    stored = [
        np.pad(x.T if t else x, ((0, 0), (0, 3)), constant_values=gap)
        for x, t in ((a, ta), (b, tb), (c, False))
    ]
    left, right, out = (np.ascontiguousarray(x) for x in stored)
    pointer, whole, real = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
    library.multiply(
        way,
        int(ta),
        int(tb),
        whole(m),
        whole(n),
        whole(k),
        real(alpha),
        pointer(left.ctypes.data),
        whole(left.shape[1]),
        pointer(right.ctypes.data),
        whole(right.shape[1]),
        real(beta),
        pointer(out.ctypes.data),
        whole(out.shape[1]),
    )
    assert np.all(out[:, n:] == gap), "entries beside the result were written"
    return out[:, :n]


def agree(libraries, dtype, way, ta, tb, m, n, k, alpha, beta, seed):
    rng = np.random.default_rng(seed)
    a, b, c = (rng.standard_normal(s).astype(dtype) for s in ((m, k), (k, n), (m, n)))
    if beta == 0:
        c[:] = np.nan  # what is written over is not read
    came = multiplied(libraries[dtype], way, ta, tb, alpha, a, b, beta, c)
    a, b = a.astype(np.longdouble), b.astype(np.longdouble)
    true = alpha * (a @ b) + (0 if beta == 0 else beta * c.astype(np.longdouble))
    size = np.abs(alpha) * (np.abs(a) @ np.abs(b)) + 2
    assert np.max(np.abs(came - true) / size) < 8 * np.finfo(dtype).eps


SIZES = st.integers(1, 40)
LONG = st.integers(1, 700)
FACTORS = st.sampled_from([0.0, 1.0, -0.5])
DTYPES = st.sampled_from(["float32", "float64"])


@settings(max_examples=60, deadline=None)
@given(
    dtype=DTYPES,
    ta=st.booleans(),
    m=SIZES,
    n=LONG,
    k=SIZES,
    alpha=FACTORS,
    beta=FACTORS,
    seed=st.integers(0, 99),
)
def test_few_rows(libraries, dtype, ta, m, n, k, alpha, beta, seed):
    agree(libraries, dtype, 1, ta, False, m, n, k, alpha, beta, seed)


@settings(max_examples=60, deadline=None)
@given(
    dtype=DTYPES,
    m=SIZES,
    n=SIZES,
    k=st.one_of(LONG, st.integers(8180, 8210)),
    alpha=FACTORS,
    beta=FACTORS,
    seed=st.integers(0, 99),
)
def test_long_sums(libraries, dtype, m, n, k, alpha, beta, seed):
    agree(libraries, dtype, 2, False, True, m, n, k, alpha, beta, seed)


@settings(max_examples=60, deadline=None)
@given(
    dtype=DTYPES,
    ta=st.booleans(),
    tb=st.booleans(),
    m=SIZES,
    n=LONG,
    k=LONG,
    alpha=FACTORS,
    beta=FACTORS,
    seed=st.integers(0, 99),
)
def test_every_product(libraries, dtype, ta, tb, m, n, k, alpha, beta, seed):
    agree(libraries, dtype, 0, ta, tb, m, n, k, alpha, beta, seed)


def test_not_a_number_reaches_only_its_row_and_column(libraries):
    a, b = np.ones((5, 9), "float32"), np.ones((9, 300), "float32")
    a[3, 2], b[4, 70] = np.nan, np.inf
    came = multiplied(libraries["float32"], 1, True, False, 1, a, b, 0, np.zeros((5, 300), "f4"))
    assert np.all(np.isnan(came[3])) and np.all(np.isinf(np.delete(came[:, 70], 3)))
    rest = np.delete(np.delete(came, 3, 0), 70, 1)
    assert np.all(rest == 9)


def test_a_check_that_can_fail(libraries):
    with pytest.raises(AssertionError):
        agree(libraries, "float32", 2, True, True, 6, 7, 20, 1.0, 0.0, 0)
