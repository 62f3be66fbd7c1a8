"""Exclusive or

The smallest task that needs a hidden layer: no line parts the inputs that differ from
those that agree, so the hidden units have to bend the plane first. At the rate of 0.1
that is often given, most starts are still on the plateau after 10,000 steps: the mean
over four rows and two factors of σ', at most 1/4 each, make every step small. At a rate
of 1 about 1,500 steps cross it.

Written by symbackprop from the spec xor (0f2930b6881d0625).
Call init_params, then forward, loss_and_grads, sgd_step.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import atexit
import contextlib
import ctypes
import functools
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import warnings

import numpy as np

SHAPES = {
    "x": ("N", 2),
    "y": ("N", 1),
    "W1": (2, 2),
    "b1": (2,),
    "W2": (2, 1),
    "b2": (1,),
    "p": ("N", 1),
}

_PARAMETERS = [
    "W1",
    "b1",
    "W2",
    "b2",
]
_KINDS = {}
_CLASSES = {}
_EXTENTS = [
    "N",
]


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "W1": _glorot_uniform(rng, (2, 2), dtype),
        "b1": np.zeros((2,), dtype),
        "W2": _glorot_uniform(rng, (2, 1), dtype),
        "b2": np.zeros((1,), dtype),
    }


class Workspace:
    """Every buffer of a step, for given run-time extents; the next step uses them again.

    A buffer is written anew once what it held is read no more, so several tensors
    may share one.
    """

    def __init__(self, *, N, dtype=np.float32):
        self._extents = {"N": N}
        _check_extents(self._extents)
        self._dtype = _check_dtype("dtype", np.dtype(dtype), None)
        self._shapes = {
            name: tuple(self._extents.get(extent, extent) for extent in shape)
            for name, shape in SHAPES.items()
        }
        self.N = N
        self.ones_N = np.ones(N, dtype)
        self.z1 = np.empty((N, 2), dtype)
        self.z2 = np.empty((N, 1), dtype)
        self.subtract_5 = np.empty((N, 1), dtype)
        self.dz2 = np.empty((N, 1), dtype)
        self.dW2 = np.empty((2, 1), dtype)
        self.db2 = np.empty((1,), dtype)
        self.dh = np.empty((N, 2), dtype)
        self.dz1 = np.empty((N, 2), dtype)
        self.dW1 = np.empty((2, 2), dtype)
        self.db1 = np.empty((2,), dtype)
        self._alike = _alike(self._shapes)
        self.one = np.ones((), dtype)  # quicker beside few entries than a number
        self._compiled = _bind(self)

    def __reduce__(self):
        """A copy is a new one: nothing in it is kept from one step to the next."""
        make = functools.partial(type(self), dtype=self._dtype, **self._extents)
        return make, ()


@np.errstate(over="ignore")
def forward(params, *, x, workspace=None, training=False):
    """Return p, by name."""
    work = _prepare(params, {"x": x}, workspace)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = sigmoid(z1[n, j])
    h = np.negative(z1, out=z1)
    np.exp(h, out=h)
    h += work.one
    np.reciprocal(h, out=h)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    z2 = h.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) p[n, j] = sigmoid(z2[n, j])
    p = np.negative(z2, out=z2)
    np.exp(p, out=p)
    p += work.one
    np.reciprocal(p, out=p)

    return {
        "p": p,
    }


@np.errstate(over="ignore")
def loss(params, *, x, y, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    N = work.N
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = sigmoid(z1[n, j])
    h = np.negative(z1, out=z1)
    np.exp(h, out=h)
    h += work.one
    np.reciprocal(h, out=h)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    z2 = h.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) p[n, j] = sigmoid(z2[n, j])
    p = np.negative(z2, out=z2)
    np.exp(p, out=p)
    p += work.one
    np.reciprocal(p, out=p)

    # (5) loss = sum[n, i]((p[n, i] - y[n, i])**2) / N
    subtract_5 = np.subtract(p, y, out=p)
    product_5 = float(np.vdot(subtract_5, subtract_5))
    loss = product_5 / N

    return loss


@np.errstate(over="ignore")
def loss_and_grads(params, *, x, y, workspace=None, training=True):
    """Return the loss and its gradients by W1, b1, W2, b2."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    N = work.N
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = sigmoid(z1[n, j])
    h = np.negative(z1, out=z1)
    np.exp(h, out=h)
    h += work.one
    np.reciprocal(h, out=h)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    z2 = h.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) p[n, j] = sigmoid(z2[n, j])
    p = np.negative(z2, out=z2)
    np.exp(p, out=p)
    p += work.one
    np.reciprocal(p, out=p)

    # (5) loss = sum[n, i]((p[n, i] - y[n, i])**2) / N
    subtract_5 = np.subtract(p, y, out=work.subtract_5)
    product_5 = float(np.vdot(subtract_5, subtract_5))
    loss = product_5 / N

    # (6) dp[n, i] = 2 * (p[n, i] - y[n, i]) / N
    dp = np.multiply(subtract_5, 2 / N, out=subtract_5)

    # (7) dz2[n, j] = (1 - p[n, j]) * dp[n, j] * p[n, j]
    dz2 = np.subtract(work.one, p, out=work.dz2)
    dz2 *= dp
    dz2 *= p

    # (8) dW2[i, j] = sum[n](dz2[n, j] * h[n, i])
    dW2 = h.T.dot(dz2, out=work.dW2)

    # (9) db2[j] = sum[n](dz2[n, j])
    db2 = work.ones_N.dot(dz2, out=work.db2)

    # (10) dh[n, i] = sum[j](W2[i, j] * dz2[n, j])
    dh = dz2.dot(W2.T, out=work.dh)

    # (11) dz1[n, j] = (1 - h[n, j]) * dh[n, j] * h[n, j]
    dz1 = np.subtract(work.one, h, out=work.dz1)
    dz1 *= dh
    dz1 *= h

    # (12) dW1[i, j] = sum[n](dz1[n, j] * x[n, i])
    dW1 = x.T.dot(dz1, out=work.dW1)

    # (13) db1[j] = sum[n](dz1[n, j])
    db1 = work.ones_N.dot(dz1, out=work.db1)

    return loss, {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
    }


@np.errstate(over="ignore")
def sgd_step(params, *, x, y, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    rate = _checked_rate(rate, params, work)
    N = work.N
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = sigmoid(z1[n, j])
    h = np.negative(z1, out=z1)
    np.exp(h, out=h)
    h += work.one
    np.reciprocal(h, out=h)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    z2 = h.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) p[n, j] = sigmoid(z2[n, j])
    p = np.negative(z2, out=z2)
    np.exp(p, out=p)
    p += work.one
    np.reciprocal(p, out=p)

    # (5) loss = sum[n, i]((p[n, i] - y[n, i])**2) / N
    subtract_5 = np.subtract(p, y, out=work.subtract_5)
    product_5 = float(np.vdot(subtract_5, subtract_5))
    loss = product_5 / N

    # (6) dp[n, i] = 2 * (p[n, i] - y[n, i]) / N, times rate
    multiply_6 = rate * (2 / N)
    dp = np.multiply(multiply_6, subtract_5, out=subtract_5)

    # (7) dz2[n, j] = (1 - p[n, j]) * dp[n, j] * p[n, j], times rate
    dz2 = np.subtract(work.one, p, out=work.dz2)
    dz2 *= dp
    dz2 *= p

    # (8) dW2[i, j] = sum[n](dz2[n, j] * h[n, i]), times rate
    dW2 = h.T.dot(dz2, out=work.dW2)

    # (9) db2[j] = sum[n](dz2[n, j]), times rate
    db2 = work.ones_N.dot(dz2, out=work.db2)
    b2 -= db2

    # (10) dh[n, i] = sum[j](W2[i, j] * dz2[n, j]), times rate
    dh = dz2.dot(W2.T, out=work.dh)

    # (8) W2 -= rate * dW2
    W2 -= dW2

    # (11) dz1[n, j] = (1 - h[n, j]) * dh[n, j] * h[n, j], times rate
    dz1 = np.subtract(work.one, h, out=work.dz1)
    dz1 *= dh
    dz1 *= h

    # (12) dW1[i, j] = sum[n](dz1[n, j] * x[n, i]), times rate
    dW1 = x.T.dot(dz1, out=work.dW1)
    W1 -= dW1

    # (13) db1[j] = sum[n](dz1[n, j]), times rate
    db1 = work.ones_N.dot(dz1, out=work.db1)
    b1 -= db1

    return loss


_LARGEST = float(np.finfo(float).max)


def _checked_rate(rate, params, work, names=None):
    """The rate of a step as a float; what it changes are writeable arrays, each once."""
    number = rate if isinstance(rate, float) else _number(rate)
    if not -_LARGEST <= number <= _LARGEST:
        raise ValueError(f"rate: {rate!r}, expected a finite number")
    stepped = params if names is None else {name: params[name] for name in names}
    for name, array in stepped.items():
        if not isinstance(array, np.ndarray) or not array.flags.writeable:
            _refuse_change(name, array)
    alike = work._alike
    if alike and len({id(params[name]) for name in alike}) < len(alike):
        _refuse_twins(stepped)
    return float(number)


def _number(rate):
    """A rate that is an integer, or of a type of NumPy's, as Python has it; else NaN."""
    if isinstance(rate, (np.integer, np.floating)):
        return float(rate)
    return rate if isinstance(rate, int) else np.nan


def _refuse_change(name, array):
    """Name a parameter that a step cannot change."""
    reason = "a read-only array, but a step changes it"
    if not isinstance(array, np.ndarray):
        expected = f"expected an array to change: pass np.array({name})"
        reason = f"{type(array).__name__}, {expected}"
    raise ValueError(f"{name}: {reason}")


def _alike(shapes):
    """The parameters that have their shape in common with others: two may be one array."""
    names = {}
    for name in _PARAMETERS:
        names.setdefault(shapes[name], []).append(name)
    return [name for each in names.values() if len(each) > 1 for name in each]


def _refuse_twins(stepped):
    """Name two parameters that are the same array."""
    seen = {}
    for name, array in stepped.items():
        twin = seen.setdefault(id(array), name)
        if twin != name:
            reason = "a step would change it twice: pass a copy"
            raise ValueError(f"{name}: the same array as {twin}, {reason}")


def _prepare(params, given, workspace):
    """Check every argument; return the workspace to use."""
    own = workspace is None or isinstance(workspace, Workspace)
    if not own:
        came = type(workspace).__name__
        raise ValueError(f"workspace: {came}, expected a Workspace of this module")
    if workspace is None or not _fits(params, given, workspace):
        extents, dtype = _check(params, given)
        if workspace is None:
            known = {name: extents.get(name, 1) for name in _EXTENTS}
            return Workspace(**known, dtype=dtype)
        _check_workspace(workspace, extents, dtype)
    for name in _CLASSES:
        if name in given:
            _check_classes(name, given[name], workspace._extents)
    return workspace


def _fits(params, given, workspace):
    """Whether all names, shapes and dtypes are those that the workspace was made for."""
    shapes, dtype = workspace._shapes, workspace._dtype
    try:
        if list(params) != _PARAMETERS:
            return False
        for name, array in params.items():
            if array.shape != shapes[name] or array.dtype is not dtype:
                return False
        for name, array in given.items():
            if array.shape != shapes[name]:
                return False
            if name in _KINDS:
                if array.dtype.kind not in _KINDS[name]:
                    return False
            elif array.dtype is not dtype:
                return False
    except (AttributeError, TypeError):  # no dict, or no arrays
        return False
    return True


def _check_workspace(workspace, extents, dtype):
    """Hold the extents and the dtype of the arrays against those of the workspace."""
    if workspace._dtype != dtype:
        raise ValueError(
            f"workspace: made for {workspace._dtype}, but params are {dtype}; "
            f"make one with Workspace(..., dtype=np.{dtype})"
        )
    for name, extent in extents.items():
        if workspace._extents[name] != extent:
            raise ValueError(
                f"workspace: made for {name} = {workspace._extents[name]}, but the "
                f"arrays have {name} = {extent}; make one with Workspace(..., "
                f"{name}={extent})"
            )


def _check_extents(extents):
    """Hold extents that were passed as numbers against the least that each may be."""
    for name, extent in extents.items():
        least = 1
        if not isinstance(extent, (int, np.integer)) or extent < least:
            expected = f"a whole number of at least {least}"
            raise ValueError(f"{name}: {extent!r}, expected {expected}")


def _check(params, given):
    """Hold all arrays against SHAPES; return the run-time extents and the dtype.

    Raises ValueError that names the argument, what came and what was expected.
    """
    if not hasattr(params, "keys"):
        raise ValueError(f"params: expected a dict, got {type(params).__name__}")
    if list(params) != _PARAMETERS and sorted(params) != sorted(_PARAMETERS):
        _refuse_names(params)
    extents = {}
    dtype = None
    for arrays in (params, given):
        for name, array in arrays.items():
            if getattr(array, "shape", None) != SHAPES[name]:
                _match(name, array, extents)
            if array.dtype is not dtype and name not in _KINDS:
                dtype = _check_dtype(name, array.dtype, dtype)
    extents = {name: extent for name, (extent, _) in extents.items()}
    for name, kinds in _KINDS.items():
        if name in given and given[name].dtype.kind not in kinds:
            _refuse_kind(name, given[name].dtype, kinds)
    for name in _CLASSES:
        if name in given:
            _check_classes(name, given[name], extents)
    return extents, dtype


def _match(name, array, extents):
    """Match a shape with run-time extents; `extents` learns each with its first bearer."""
    shape, expected = getattr(array, "shape", None), SHAPES[name]
    if shape is None:
        came = type(array).__name__
        raise ValueError(f"{name}: expected an array, got {came}: pass a NumPy array")
    if len(shape) != len(expected):
        raise ValueError(f"{name}: shape {shape}, expected {_written(expected)}")
    for came, extent in zip(shape, expected):
        if isinstance(extent, str):
            if not extent.isidentifier():
                continue
            known, bearer = extents.setdefault(extent, (came, name))
            least = 1
            if came == known and came >= least:
                continue
            if came == known:
                reason = f"{extent} = {came}: it must be at least {least}"
            else:
                reason = f"{extent} = {known} as in {bearer}"
            raise ValueError(
                f"{name}: shape {shape}, expected {_written(expected)} with {reason}"
            )
        if came != extent:
            raise ValueError(f"{name}: shape {shape}, expected {_written(expected)}")


def _written(shape):
    """A shape as text: run-time extents by name, without quotes."""
    return str(tuple(shape)).replace("'", "")


def _check_dtype(name, dtype, expected):
    """The one dtype of all real arrays: float32 or float64, as the first has it."""
    if dtype not in (np.float32, np.float64):
        expected = expected or "float32 or float64"
        raise ValueError(f"{name}: dtype {dtype}, expected {expected}")
    if expected is not None and dtype != expected:
        raise ValueError(
            f"{name}: dtype {dtype}, expected {expected} as in the arrays before it: "
            f"pass {name}.astype(np.{expected})"
        )
    return np.dtype(dtype.name)


def _refuse_kind(name, dtype, kinds):
    """Name the dtype that a mask, or an array of integers, ought to have."""
    expected = "bool: pass {}.astype(bool)"
    if kinds == "iu":
        expected = "integers: pass {}.astype(np.int64)"
    raise ValueError(f"{name}: dtype {dtype}, expected {expected.format(name)}")


def _check_classes(name, array, extents):
    """Labels from 0 to below the number of classes."""
    classes = _CLASSES[name]
    classes = extents.get(classes, classes)
    # argmin and argmax are quicker than min and max on arrays as short as a batch.
    if array.item(array.argmin()) >= 0 and array.item(array.argmax()) < classes:
        return
    place = np.argwhere((array < 0) | (array >= classes))[0].tolist()
    at = f"[{', '.join(map(str, place))}]" if place else ""
    came = array[tuple(place)]
    raise ValueError(f"{name}{at} is {came}, expected 0 to {classes - 1}")


def _refuse_names(params):
    """Name the first parameter that is missing, or that is none."""
    expected = ", ".join(_PARAMETERS)
    for name in _PARAMETERS:
        if name not in params:
            raise ValueError(f"params: {name!r} is missing, expected {expected}")
    extra = next(name for name in params if name not in _PARAMETERS)
    raise ValueError(f"params: {extra!r} is no parameter, expected {expected}")


def _glorot_uniform(rng, shape, dtype):
    """Uniform of variance 2 / (fan in + fan out) (Glorot and Bengio, 2010)."""
    limit = (6 / sum(_fans(shape))) ** 0.5
    return np.asarray(rng.uniform(-limit, limit, shape), dtype)


def _fans(shape):
    """Fan in and fan out: the last two axes, each times the receptive field before."""
    if len(shape) < 2:
        return (*shape, *shape) or (1, 1)
    field = int(np.prod(shape[:-2]))
    return field * shape[-2], field * shape[-1]


# ---- The same functions as C loops, with the same equations by number, in the file
# xor.c.
#
# Compiled on first use, once for each dtype, by the system's C compiler, and kept: beside
# this file by `symbackprop build`, else in the user's cache. Without a compiler, and for
# arrays that the loops do not take (not contiguous, say), NumPy computes.

_ENTRIES = [
    "forward_in_training",
    "loss_in_training",
    "loss_and_grads_in_training",
    "sgd_step_in_training",
]
_GIVEN = [
    "W1",
    "b1",
    "W2",
    "b2",
    "x",
    "y",
]
_OWN = [
    "ones_N",
    "z1",
    "z2",
    "subtract_5",
    "dz2",
    "dW2",
    "db2",
    "dh",
    "dz1",
    "dW1",
    "db1",
]
_NAME = "xor"
_SOURCE = None  # the text of the C file, where none is beside this one
_COMPILERS = ("cc", "gcc", "clang")
_FLAGS = (
    "-std=c99",
    "-O2",
    "-fPIC",
    "-shared",
    "-fopenmp-simd",
    "-fno-math-errno",
    "-ffp-contract=off",  # x * x - y * y is 0 where x is y
)
# How BLAS calls its product, and whether its integers then have 64 bits.
_PRODUCTS = (
    ("cblas_{}gemm_64", 1),
    ("scipy_cblas_{}gemm64_", 1),
    ("cblas_{}gemm64_", 1),
    ("scipy_cblas_{}gemm", 0),
    ("cblas_{}gemm", 0),
)
# How it calls what tells and sets the number of its threads.
_THREADS = (
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    ("scipy_openblas_get_num_threads64_", "scipy_openblas_set_num_threads64_"),
    ("openblas_get_num_threads64_", "openblas_set_num_threads64_"),
    ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
    ("openblas_get_num_threads", "openblas_set_num_threads"),
)
_POSITION, _TRUTH = np.dtype(np.intp), np.dtype(np.bool_)


def _decline(*_):
    """Stand in for a compiled function where there is none: it returns None."""


def _bind(work):
    """The compiled functions on the memory of a workspace, by name."""
    library = _library(work._dtype)
    if library is None:
        return dict.fromkeys(_ENTRIES, _decline)
    extents = (ctypes.c_int64 * (len(_EXTENTS) + 1))(*work._extents.values())
    # What NumPy made of transposed arrays may lie in another order.
    own = tuple(np.ascontiguousarray(getattr(work, name)) for name in _OWN)
    return dict(zip(_ENTRIES, library.bind_workspace(own, extents)))


@functools.cache
def _library(dtype):
    """The compiled file for a dtype, opened; None, and a warning, where that cannot be."""
    try:
        path = _built(dtype)
        with _briefly_awake():
            library = ctypes.PyDLL(str(path))
    except OSError as fault:
        warnings.warn(
            f"{__name__} runs as NumPy: {fault}", RuntimeWarning, stacklevel=5
        )
        return None
    shown = np.zeros((2, 3), dtype)
    types = (np.ndarray, shown.dtype, np.dtype(np.intp), np.dtype(np.bool_))
    library.bind_workspace.restype = ctypes.py_object
    library.bind_workspace.argtypes = [ctypes.py_object, ctypes.c_void_p]
    library.open_library.argtypes = [
        ctypes.py_object,
        ctypes.c_void_p,
        ctypes.py_object,
        ctypes.py_object,
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    names = tuple(_GIVEN)
    blas = _blas(dtype)
    if not library.open_library(shown, shown.ctypes.data, types, names, *blas):
        reason = f"NumPy {np.__version__} lays arrays out in another way here"
        warnings.warn(
            f"{__name__} runs as NumPy: {reason}", RuntimeWarning, stacklevel=5
        )
        return None
    return library


@contextlib.contextmanager
def _briefly_awake():
    """An OpenMP opened within soon lets waiting threads sleep: others need the processor."""
    wished = os.environ.get("GOMP_SPINCOUNT")
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    try:
        yield
    finally:
        if wished is None:
            os.environ.pop("GOMP_SPINCOUNT", None)


def _built(dtype):
    """The path of the compiled file: beside this one, in the cache, or compiled now.

    A file that is not what was once compiled is passed over. Raises OSError that says
    what is missing.
    """
    here = pathlib.Path(__file__).parent
    beside = [] if _SOURCE else [_kept(dtype, here), _kept(dtype, here, portable=True)]
    found = next(filter(None, beside), None)
    if found is None:
        cache = _cache()
        found = _kept(dtype, cache) or _build(dtype, cache)
    return found


def _kept(dtype, folder, portable=False):
    """The whole compiled file in a folder; None where there is none."""
    for path in sorted(folder.glob(f"{_stem(dtype, portable)}.*.so")):
        if path.is_file() and path.name.split(".")[-2] == _digest(path.read_bytes()):
            return path
    return None


def _stem(dtype, portable):
    """The name of the compiled file, made of all that it is compiled from and for.

    After it comes the digest of what is in the file.
    """
    name = np.dtype(dtype).name
    made_of = "\n".join([_c_source(), *_FLAGS, name, _machine(portable)])
    return f"{_NAME}.{name}.{_digest(made_of.encode())}"


def _digest(content):
    return hashlib.sha256(content).hexdigest()[:16]


def _c_source():
    """The text of the C file beside this one."""
    return _SOURCE or pathlib.Path(__file__).with_suffix(".c").read_text("utf-8")


def _machine(portable):
    """What the compiled loops depend on: the system, the processor and what it can do."""
    known = [sys.platform, platform.machine()]
    if portable:
        return "\n".join([*known, "portable"])
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        known += sorted(
            {line for line in lines if line.startswith(("flags", "Features"))}
        )
    return "\n".join(known)


def _cache():
    """The user's folder of compiled files; a new one where that cannot be written."""
    with contextlib.suppress(OSError, RuntimeError):  # no such folder, no home
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        folder = pathlib.Path(base) / "symbackprop"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    folder = tempfile.mkdtemp(prefix="symbackprop-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return pathlib.Path(folder)


def _build(dtype, folder, portable=False):
    """Compile the C file for a dtype into a folder; return the path.

    `portable` leaves out what only processors like this one can do. Raises OSError that
    says what is missing, or what the compiler says.
    """
    wished = os.environ.get("CC", "").split()
    found = [wished] if wished else [[c] for c in _COMPILERS]
    compiler = next((c for c in found if shutil.which(c[0])), None)
    if compiler is None and wished:
        fix = "name a compiler there, or unset it"
        raise OSError(f"no C compiler: CC is {wished[0]}, which is no command: {fix}")
    if compiler is None:
        tried = ", ".join(_COMPILERS)
        raise OSError(f"no C compiler was found (tried {tried}): install one")
    flags = [*_FLAGS, "-DREAL=float", "-DREAL_IS_DOUBLE=0"]
    if np.dtype(dtype) == np.float64:
        flags = [*_FLAGS, "-DREAL=double", "-DREAL_IS_DOUBLE=1"]
    if not portable:
        flags.append("-march=native")
    if sys.platform == "darwin":
        flags += ["-undefined", "dynamic_lookup"]
    with tempfile.TemporaryDirectory(dir=folder, prefix=".build-") as beside:
        source, made = pathlib.Path(beside, f"{_NAME}.c"), pathlib.Path(beside, "made")
        source.write_text(_c_source(), "utf-8")
        # Threads where the compiler knows them; a file for other machines needs no more
        # than they are sure to have.
        for threads in [[]] if portable else [["-fopenmp"], []]:
            ran = subprocess.run(
                [*compiler, *flags, *threads, str(source), "-o", str(made), "-lm"],
                check=False,
                capture_output=True,
                text=True,
            )
            if not ran.returncode:
                break
        if ran.returncode or not made.exists():
            said = [*ran.stderr.strip().splitlines(), f"it ended with {ran.returncode}"]
            first = next((line for line in said if "error" in line), said[0])
            raise OSError(f"{compiler[0]} failed on {_NAME}.c: {first}")
        path = folder / f"{_stem(dtype, portable)}.{_digest(made.read_bytes())}.so"
        os.replace(made, path)
    return path


def _blas(dtype):
    """What the loops need of BLAS: the address of its product for a dtype, whether its
    integers have 64 bits, and the addresses of what tells and sets its threads.

    MKL's where its wheel is installed, else those of NumPy's own; zeros where neither is
    found.
    """
    letter = {"float32": "s", "float64": "d"}[np.dtype(dtype).name]
    for path in _blas_files():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for spelling, is_wide in _PRODUCTS:
            gemm = _address(library, spelling.format(letter))
            if gemm:
                return gemm, is_wide, *_threads_of(library)
    return 0, 0, 0, 0


def _threads_of(library):
    """The addresses of what tells and sets its number of threads; zeros for neither."""
    for pair in _THREADS:
        told, setting = (_address(library, name) for name in pair)
        if told and setting:
            return told, setting
    return 0, 0


def _address(library, name):
    """Where a function of a library is; zero where there is none of that name."""
    found = getattr(library, name, None)
    return ctypes.cast(found, ctypes.c_void_p).value if found else 0


def _blas_files():
    """Where BLAS may be: MKL's wheel, what NumPy brought along, the system's."""
    lib = pathlib.Path(sys.prefix) / "lib"
    for pattern in ("libiomp5.so", "libmkl_rt.so*"):
        yield from sorted(lib.glob(pattern))
    package = pathlib.Path(np.__file__).parent
    for folder in (
        package.parent / "numpy.libs",
        package / ".dylibs",
        package / ".libs",
    ):
        yield from sorted(folder.glob("*openblas*"))
    yield from ("libopenblas.so.0", "libcblas.so.3", "libblas.so.3")


def _fit(array, dtype):
    """An array as the loops take it: in row-major order, of just this dtype."""
    array = np.asarray(array, dtype, order="C")
    return array if array.dtype is dtype else array.view(dtype)


def _fit_all(params, dtype):
    """The parameters as the loops take them, their memory their own."""
    return {
        name: array if array.dtype is dtype else array.view(dtype)
        for name, array in params.items()
    }


_numpy_forward = forward


def forward(params, *, x, workspace=None, training=False):
    """Return p, by name."""
    if type(workspace) is Workspace:
        _value = workspace._compiled["forward_in_training"](params, x)
        if _value is not None:
            return {"p": workspace.z2}
    work = _prepare(params, {"x": x}, workspace)
    params = _fit_all(params, work._dtype)
    x = _fit(x, work._dtype)
    _value = work._compiled["forward_in_training"](params, x)
    if _value is not None:
        return {"p": work.z2}
    return _numpy_forward(params, x=x, training=training, workspace=work)


_numpy_loss = loss


def loss(params, *, x, y, workspace=None, training=True):
    """Return the loss."""
    if type(workspace) is Workspace:
        _value = workspace._compiled["loss_in_training"](params, x, y)
        if _value is not None:
            return _value
    work = _prepare(params, {"x": x, "y": y}, workspace)
    params = _fit_all(params, work._dtype)
    x = _fit(x, work._dtype)
    y = _fit(y, work._dtype)
    _value = work._compiled["loss_in_training"](params, x, y)
    if _value is not None:
        return _value
    return _numpy_loss(params, x=x, y=y, training=training, workspace=work)


_numpy_loss_and_grads = loss_and_grads


def loss_and_grads(params, *, x, y, workspace=None, training=True):
    """Return the loss and its gradients by W1, b1, W2, b2."""
    if type(workspace) is Workspace:
        _value = workspace._compiled["loss_and_grads_in_training"](params, x, y)
        if _value is not None:
            return (
                _value,
                {
                    "W1": workspace.dW1,
                    "b1": workspace.db1,
                    "W2": workspace.dW2,
                    "b2": workspace.db2,
                },
            )
    work = _prepare(params, {"x": x, "y": y}, workspace)
    params = _fit_all(params, work._dtype)
    x = _fit(x, work._dtype)
    y = _fit(y, work._dtype)
    _value = work._compiled["loss_and_grads_in_training"](params, x, y)
    if _value is not None:
        return (
            _value,
            {"W1": work.dW1, "b1": work.db1, "W2": work.dW2, "b2": work.db2},
        )
    return _numpy_loss_and_grads(params, x=x, y=y, training=training, workspace=work)


_numpy_sgd_step = sgd_step


def sgd_step(params, *, x, y, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    if type(workspace) is Workspace:
        _value = workspace._compiled["sgd_step_in_training"](params, x, y, rate)
        if _value is not None:
            return _value
    work = _prepare(params, {"x": x, "y": y}, workspace)
    rate = _checked_rate(rate, params, work)
    params = _fit_all(params, work._dtype)
    x = _fit(x, work._dtype)
    y = _fit(y, work._dtype)
    _value = work._compiled["sgd_step_in_training"](params, x, y, rate)
    if _value is not None:
        return _value
    return _numpy_sgd_step(
        params, x=x, y=y, rate=rate, training=training, workspace=work
    )
