"""Sunspots, by a linear state space

The sun's cycle is a rotation: a state is turned and damped by a matrix, year after
year, and takes in what was counted. The gradient of that matrix sums the outer products
of the states and of the errors that come back along the years, each turned by the
transpose.

Written by symbackprop from the spec sunspots_ssm (9e0843a8ed21d0d3).
Call init_params, then forward, loss_and_grads, persistence_and_grads, loss_sgd_step.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "past": ("N", "T"),
    "next": ("N",),
    "A": (8, 8),
    "B": (8,),
    "C": (8,),
    "c": (),
    "p": ("N",),
}

_PARAMETERS = [
    "A",
    "B",
    "C",
    "c",
]
_KINDS = {}
_CLASSES = {}
_EXTENTS = [
    "N",
    "T",
]


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "A": _normal(rng, (8, 8), 0.25, dtype),
        "B": _normal(rng, (8,), 0.3, dtype),
        "C": _normal(rng, (8,), 0.3, dtype),
        "c": np.zeros((), dtype),
    }


class Workspace:
    """Every buffer of a step, for given run-time extents; the next step uses them again.

    A buffer is written anew once what it held is read no more, so several tensors
    may share one.
    """

    def __init__(self, *, N, T, dtype=np.float32):
        self._extents = {"N": N, "T": T}
        _check_extents(self._extents)
        self._dtype = _check_dtype("dtype", np.dtype(dtype), None)
        self._shapes = {
            name: tuple(self._extents.get(extent, extent) for extent in shape)
            for name, shape in SHAPES.items()
        }
        self.N = N
        self.T = T
        self.zeros_1 = np.empty((N, 8), dtype)
        self.copy_1 = np.empty((8, 8), dtype)
        self.h = _aligned((T, N, 8), dtype)
        self.multiply_1 = np.empty((N, 8), dtype)
        self.product_1 = np.empty((N, 8), dtype)
        self.p = np.empty((N,), dtype)
        self.dC = np.empty((8,), dtype)
        self.dh = _aligned((T, N, 8), dtype)
        self.copy_13 = _aligned((N * T,), dtype)
        self.dB = np.empty((8,), dtype)
        self.dc_2 = np.empty((), dtype)
        self.absolute_6 = np.empty((N,), dtype)
        self._alike = _alike(self._shapes)


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


def forward(params, *, past, workspace=None, training=False):
    """Return p, by name."""
    work = _prepare(params, {"past": past}, workspace)
    T = work.T
    A = params["A"]
    B = params["B"]
    C = params["C"]
    c = float(params["c"])

    # (1) h, apart from other steps
    zeros_1 = work.zeros_1
    zeros_1.fill(0.0)
    copy_1 = work.copy_1
    np.copyto(copy_1, A.T)

    h = work.h

    for t in range(T):
        # (1) h[n, t, i] = B[i] * past[n, t] + sum[j](A[i, j] * [t >= 1] * h[n, t - 1,
        #     j])
        multiply_1 = np.multiply(past[:, t][:, None], B, out=work.multiply_1)
        h_before = h[t - 1] if t >= 1 else zeros_1
        product_1 = h_before.dot(copy_1, out=work.product_1)
        np.add(product_1, multiply_1, out=h[t])

    # (2) s[n, j] = h[n, T - 1, j]: a view of h

    # (3) p[n] = c + sum[i](C[i] * s[n, i])
    p = h[T - 1].dot(C, out=work.p)
    np.add(p, c, out=p)

    return {
        "p": p,
    }


def loss(params, *, past, next, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"past": past, "next": next}, workspace)
    N = work.N
    T = work.T
    A = params["A"]
    B = params["B"]
    C = params["C"]
    c = float(params["c"])

    # (1) h, apart from other steps
    zeros_1 = work.zeros_1
    zeros_1.fill(0.0)
    copy_1 = work.copy_1
    np.copyto(copy_1, A.T)

    h = work.h

    for t in range(T):
        # (1) h[n, t, i] = B[i] * past[n, t] + sum[j](A[i, j] * [t >= 1] * h[n, t - 1,
        #     j])
        multiply_1 = np.multiply(past[:, t][:, None], B, out=work.multiply_1)
        h_before = h[t - 1] if t >= 1 else zeros_1
        product_1 = h_before.dot(copy_1, out=work.product_1)
        np.add(product_1, multiply_1, out=h[t])

    # (2) s[n, j] = h[n, T - 1, j]: a view of h

    # (3) p[n] = c + sum[i](C[i] * s[n, i])
    p = h[T - 1].dot(C, out=work.p)
    np.add(p, c, out=p)

    # (5) loss = sum[n]((p[n] - next[n])**2) / N
    subtract_5 = np.subtract(p, next, out=p)
    product_5 = float(subtract_5.dot(subtract_5))
    loss = product_5 / N

    return loss


def loss_and_grads(params, *, past, next, workspace=None, training=True):
    """Return the loss and its gradients by A, B, C, c."""
    work = _prepare(params, {"past": past, "next": next}, workspace)
    N = work.N
    T = work.T
    A = params["A"]
    B = params["B"]
    C = params["C"]
    c = float(params["c"])

    # (1) h, apart from other steps
    zeros_1 = work.zeros_1
    zeros_1.fill(0.0)
    copy_1 = work.copy_1
    np.copyto(copy_1, A.T)

    h = work.h

    for t in range(T):
        # (1) h[n, t, i] = B[i] * past[n, t] + sum[j](A[i, j] * [t >= 1] * h[n, t - 1,
        #     j])
        multiply_1 = np.multiply(past[:, t][:, None], B, out=work.multiply_1)
        h_before = h[t - 1] if t >= 1 else zeros_1
        product_1 = h_before.dot(copy_1, out=work.product_1)
        np.add(product_1, multiply_1, out=h[t])

    # (2) s[n, j] = h[n, T - 1, j]: a view of h

    # (3) p[n] = c + sum[i](C[i] * s[n, i])
    p = h[T - 1].dot(C, out=work.p)
    np.add(p, c, out=p)

    # (5) loss = sum[n]((p[n] - next[n])**2) / N
    subtract_5 = np.subtract(p, next, out=p)
    product_5 = float(subtract_5.dot(subtract_5))
    loss = product_5 / N

    # (7) dp[n] = 2 * (p[n] - next[n]) / N
    dp = np.multiply(subtract_5, 2 / N, out=subtract_5)

    # (8) dC[i] = sum[n](dp[n] * s[n, i])
    dC = dp.dot(h[T - 1], out=work.dC)

    # (9) dc = sum[n](dp[n])
    dc = float(np.add.reduce(dp, axis=None))

    # (10) ds[n, i] = C[i] * dp[n]
    ds = np.multiply(dp[:, None], C, out=work.product_1)

    dh = work.dh

    for t in reversed(range(T)):
        # (11) dh[n, t, i] = ds[n, i] * [t = T - 1] + [t + 1 < T] * sum[i1](A[i1, i] *
        #     dh[n, t + 1, i1])
        chosen_11 = ds if t == T - 1 else zeros_1
        if t < T - 1:
            product_11 = dh[t + 1].dot(A, out=work.multiply_1)
        else:
            product_11 = work.multiply_1
            product_11.fill(0.0)
        np.add(product_11, chosen_11, out=dh[t])

    # (12) dA[i, j] = sum[n, t](dh[n, t, i] * [t >= 1] * h[n, t - 1, j])
    dA = np.dot(
        dh[1:].reshape(N * (T - 1), 8).T,
        h[: T - 1].reshape(N * (T - 1), 8),
        out=work.copy_1,
    )

    # (13) dB[i] = sum[n, t](past[n, t] * dh[n, t, i])
    copy_13 = work.copy_13
    np.copyto(copy_13.reshape(T, N), past.T)
    dB = copy_13.dot(dh.reshape(N * T, 8), out=work.dB)

    # (9) dc = sum[n](dp[n])
    dc_2 = work.dc_2
    np.copyto(dc_2, dc)

    return loss, {
        "A": dA,
        "B": dB,
        "C": dC,
        "c": dc_2,
    }


def loss_sgd_step(params, *, past, next, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"past": past, "next": next}, workspace)
    rate = _checked_rate(rate, params, work)
    N = work.N
    T = work.T
    A = params["A"]
    B = params["B"]
    C = params["C"]
    c = float(params["c"])

    # (1) h, apart from other steps
    zeros_1 = work.zeros_1
    zeros_1.fill(0.0)
    copy_1 = work.copy_1
    np.copyto(copy_1, A.T)

    h = work.h

    for t in range(T):
        # (1) h[n, t, i] = B[i] * past[n, t] + sum[j](A[i, j] * [t >= 1] * h[n, t - 1,
        #     j])
        multiply_1 = np.multiply(past[:, t][:, None], B, out=work.multiply_1)
        h_before = h[t - 1] if t >= 1 else zeros_1
        product_1 = h_before.dot(copy_1, out=work.product_1)
        np.add(product_1, multiply_1, out=h[t])

    # (2) s[n, j] = h[n, T - 1, j]: a view of h

    # (3) p[n] = c + sum[i](C[i] * s[n, i])
    p = h[T - 1].dot(C, out=work.p)
    np.add(p, c, out=p)

    # (5) loss = sum[n]((p[n] - next[n])**2) / N
    subtract_5 = np.subtract(p, next, out=p)
    product_5 = float(subtract_5.dot(subtract_5))
    loss = product_5 / N

    # (7) dp[n] = 2 * (p[n] - next[n]) / N
    dp = np.multiply(subtract_5, 2 / N, out=subtract_5)

    # (8) dC[i] = sum[n](dp[n] * s[n, i])
    dC = dp.dot(h[T - 1], out=work.dC)

    # (9) dc = sum[n](dp[n])
    dc = float(np.add.reduce(dp, axis=None))
    params["c"][()] = c - rate * dc

    # (10) ds[n, i] = C[i] * dp[n]
    ds = np.multiply(dp[:, None], C, out=work.product_1)

    # (8) C -= rate * dC
    dC *= rate
    C -= dC

    dh = work.dh

    for t in reversed(range(T)):
        # (11) dh[n, t, i] = ds[n, i] * [t = T - 1] + [t + 1 < T] * sum[i1](A[i1, i] *
        #     dh[n, t + 1, i1])
        chosen_11 = ds if t == T - 1 else zeros_1
        if t < T - 1:
            product_11 = dh[t + 1].dot(A, out=work.multiply_1)
        else:
            product_11 = work.multiply_1
            product_11.fill(0.0)
        np.add(product_11, chosen_11, out=dh[t])

    # (12) dA[i, j] = sum[n, t](dh[n, t, i] * [t >= 1] * h[n, t - 1, j])
    dA = np.dot(
        dh[1:].reshape(N * (T - 1), 8).T,
        h[: T - 1].reshape(N * (T - 1), 8),
        out=work.copy_1,
    )
    dA *= rate
    A -= dA

    # (13) dB[i] = sum[n, t](past[n, t] * dh[n, t, i])
    copy_13 = work.copy_13
    np.copyto(copy_13.reshape(T, N), past.T)
    dB = copy_13.dot(dh.reshape(N * T, 8), out=work.dB)
    dB *= rate
    B -= dB

    return loss


def persistence(params, *, past, next, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"past": past, "next": next}, workspace)
    N = work.N
    T = work.T

    # (4) now[n] = past[n, T - 1]: a view of past

    # (6) persistence = sqrt(sum[n]((now[n] - next[n])**2)) / sqrt(N)
    subtract_6 = np.subtract(past[:, T - 1], next, out=work.absolute_6)
    absolute_6 = np.absolute(subtract_6, out=work.p)
    largest_6 = float(np.maximum.reduce(absolute_6, axis=None))
    maximum_6 = float(np.maximum(largest_6, 1.1754943508222875e-38))
    subtract_6 /= maximum_6
    product_6 = float(subtract_6.dot(subtract_6))
    sqrt_6 = float(np.sqrt(product_6))
    multiply_6 = sqrt_6 * maximum_6
    persistence = multiply_6 * (N ** (-0.5))

    return persistence


def persistence_and_grads(params, *, past, next, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"past": past, "next": next}, workspace)
    N = work.N
    T = work.T

    # (4) now[n] = past[n, T - 1]: a view of past

    # (6) persistence = sqrt(sum[n]((now[n] - next[n])**2)) / sqrt(N)
    subtract_6 = np.subtract(past[:, T - 1], next, out=work.p)
    absolute_6 = np.absolute(subtract_6, out=work.absolute_6)
    largest_6 = float(np.maximum.reduce(absolute_6, axis=None))
    maximum_6 = float(np.maximum(largest_6, 1.1754943508222875e-38))
    subtract_6 /= maximum_6
    product_6 = float(subtract_6.dot(subtract_6))
    sqrt_6 = float(np.sqrt(product_6))
    multiply_6 = sqrt_6 * maximum_6
    persistence = multiply_6 * (N ** (-0.5))

    return persistence, {}


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


def _normal(rng, shape, std, dtype):
    """Normal with the given standard deviation."""
    return np.asarray(std * rng.standard_normal(shape), dtype)
