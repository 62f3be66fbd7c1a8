"""Small handwritten digits, two hidden layers

The network of keras_mlp on images of 8 by 8 pixels that ship with this package: the
equations are the same to the letter, for no equation knows how wide its layers are.

Written by symbackprop from the spec digits_mlp (3c851e4172c13731).
Call init_params, then forward, loss_and_grads, sgd_step.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "x": ("N", 64),
    "y": ("N",),
    "W1": (64, 64),
    "b1": (64,),
    "W2": (64, 64),
    "b2": (64,),
    "W3": (64, 10),
    "b3": (10,),
    "p": ("N", 10),
}

_PARAMETERS = [
    "W1",
    "b1",
    "W2",
    "b2",
    "W3",
    "b3",
]
_KINDS = {
    "y": "iu",
}
_CLASSES = {
    "y": 10,
}
_EXTENTS = [
    "N",
]


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "W1": _glorot_uniform(rng, (64, 64), dtype),
        "b1": np.zeros((64,), dtype),
        "W2": _glorot_uniform(rng, (64, 64), dtype),
        "b2": np.zeros((64,), dtype),
        "W3": _glorot_uniform(rng, (64, 10), dtype),
        "b3": np.zeros((10,), dtype),
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
        self.ones_10 = np.ones(10, dtype)
        self.range_N = np.arange(N)
        self.fixed_N = np.multiply(self.range_N, 10)
        self.ones_N = np.ones(N, dtype)
        self.z1 = _aligned((N, 64), dtype)
        self.z2 = _aligned((N, 64), dtype)
        self.z3 = np.empty((N, 10), dtype)
        self.add_7 = np.empty((N,), np.intp)
        self.take_7 = np.empty((N,), dtype)
        self.largest_6 = np.empty((N,), dtype)
        self.total_6 = np.empty((N,), dtype)
        self.dW3 = np.empty((64, 10), dtype)
        self.db3 = np.empty((10,), dtype)
        self.dh2 = _aligned((N, 64), dtype)
        self.mask_12 = np.empty((N, 64), np.bool_)
        self.dW2 = _aligned((64, 64), dtype)
        self.db2 = np.empty((64,), dtype)
        self.dW1 = _aligned((64, 64), dtype)
        self.db1 = np.empty((64,), dtype)
        self._alike = _alike(self._shapes)
        self.one = np.ones((), dtype)  # quicker beside few entries than a number


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


def forward(params, *, x, workspace=None, training=False):
    """Return p, by name."""
    work = _prepare(params, {"x": x}, workspace)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h1[n, j] = relu(z1[n, j])
    h1 = np.maximum(z1, 0.0, out=z1)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h1[n, i])
    z2 = h1.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) h2[n, j] = relu(z2[n, j])
    h2 = np.maximum(z2, 0.0, out=z2)

    # (5) z3[n, j] = b3[j] + sum[i](W3[i, j] * h2[n, i])
    z3 = h2.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (6) p[n, k] = exp(z3[n, k] - logsumexp[j](z3[n, j]))
    largest_6 = np.maximum.reduce(z3, axis=1, out=work.largest_6)
    p = np.subtract(z3, largest_6[:, None], out=z3)
    np.exp(p, out=p)
    total_6 = p.dot(work.ones_10, out=work.total_6)
    p /= total_6[:, None]

    return {
        "p": p,
    }


def loss(params, *, x, y, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    N = work.N
    y = np.asarray(y, dtype=np.intp)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h1[n, j] = relu(z1[n, j])
    h1 = np.maximum(z1, 0.0, out=z1)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h1[n, i])
    z2 = h1.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) h2[n, j] = relu(z2[n, j])
    h2 = np.maximum(z2, 0.0, out=z2)

    # (5) z3[n, j] = b3[j] + sum[i](W3[i, j] * h2[n, i])
    z3 = h2.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (7) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    add_7 = np.add(work.fixed_N, y, out=work.add_7)
    take_7 = z3.take(add_7, out=work.take_7, mode="clip")

    # (6) p[n, k] = exp(z3[n, k] - logsumexp[j](z3[n, j]))
    largest_6 = np.maximum.reduce(z3, axis=1, out=work.largest_6)
    subtract_6 = np.subtract(z3, largest_6[:, None], out=z3)
    np.exp(subtract_6, out=subtract_6)
    total_6 = subtract_6.dot(work.ones_10, out=work.total_6)

    # (7) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    log_7 = np.log(total_6, out=total_6)
    take_7 -= largest_6
    log_7 -= take_7
    total_7 = float(np.add.reduce(log_7, axis=None))
    loss = total_7 / N

    return loss


def loss_and_grads(params, *, x, y, workspace=None, training=True):
    """Return the loss and its gradients by W1, b1, W2, b2, W3, b3."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    N = work.N
    y = np.asarray(y, dtype=np.intp)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h1[n, j] = relu(z1[n, j])
    h1 = np.maximum(z1, 0.0, out=z1)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h1[n, i])
    z2 = h1.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) h2[n, j] = relu(z2[n, j])
    h2 = np.maximum(z2, 0.0, out=z2)

    # (5) z3[n, j] = b3[j] + sum[i](W3[i, j] * h2[n, i])
    z3 = h2.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (7) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    add_7 = np.add(work.fixed_N, y, out=work.add_7)
    take_7 = z3.take(add_7, out=work.take_7, mode="clip")

    # (6) p[n, k] = exp(z3[n, k] - logsumexp[j](z3[n, j]))
    largest_6 = np.maximum.reduce(z3, axis=1, out=work.largest_6)
    p = np.subtract(z3, largest_6[:, None], out=z3)
    np.exp(p, out=p)
    total_6 = p.dot(work.ones_10, out=work.total_6)
    p /= total_6[:, None]

    # (7) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    log_7 = np.log(total_6, out=total_6)
    take_7 -= largest_6
    log_7 -= take_7
    total_7 = float(np.add.reduce(log_7, axis=None))
    loss = total_7 / N

    # (8) dz3[n, j] = (p[n, j] - [j = y[n]]) / N
    take_8 = p.take(add_7, out=work.total_6, mode="clip")
    take_8 -= work.one
    dz3 = p
    dz3.put(add_7, take_8)
    dz3 /= N

    # (9) dW3[i, j] = sum[n](dz3[n, j] * h2[n, i])
    dW3 = h2.T.dot(dz3, out=work.dW3)

    # (10) db3[j] = sum[n](dz3[n, j])
    db3 = work.ones_N.dot(dz3, out=work.db3)

    # (11) dh2[n, i] = sum[j](W3[i, j] * dz3[n, j])
    dh2 = dz3.dot(W3.T, out=work.dh2)

    # (12) dz2[n, j] = dh2[n, j] * [z2[n, j] > 0]
    mask_12 = np.greater(h2, 0.0, out=work.mask_12)
    dz2 = np.multiply(mask_12, dh2, out=dh2)

    # (13) dW2[i, j] = sum[n](dz2[n, j] * h1[n, i])
    dW2 = h1.T.dot(dz2, out=work.dW2)

    # (14) db2[j] = sum[n](dz2[n, j])
    db2 = work.ones_N.dot(dz2, out=work.db2)

    # (15) dh1[n, i] = sum[j](W2[i, j] * dz2[n, j])
    dh1 = dz2.dot(W2.T, out=work.z2)

    # (16) dz1[n, j] = dh1[n, j] * [z1[n, j] > 0]
    mask_16 = np.greater(h1, 0.0, out=work.mask_12)
    dz1 = np.multiply(mask_16, dh1, out=dh1)

    # (17) dW1[i, j] = sum[n](dz1[n, j] * x[n, i])
    dW1 = x.T.dot(dz1, out=work.dW1)

    # (18) db1[j] = sum[n](dz1[n, j])
    db1 = work.ones_N.dot(dz1, out=work.db1)

    return loss, {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
        "W3": dW3,
        "b3": db3,
    }


def sgd_step(params, *, x, y, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    rate = _checked_rate(rate, params, work)
    N = work.N
    y = np.asarray(y, dtype=np.intp)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h1[n, j] = relu(z1[n, j])
    h1 = np.maximum(z1, 0.0, out=z1)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h1[n, i])
    z2 = h1.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) h2[n, j] = relu(z2[n, j])
    h2 = np.maximum(z2, 0.0, out=z2)

    # (5) z3[n, j] = b3[j] + sum[i](W3[i, j] * h2[n, i])
    z3 = h2.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (7) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    add_7 = np.add(work.fixed_N, y, out=work.add_7)
    take_7 = z3.take(add_7, out=work.take_7, mode="clip")

    # (6) p[n, k] = exp(z3[n, k] - logsumexp[j](z3[n, j]))
    largest_6 = np.maximum.reduce(z3, axis=1, out=work.largest_6)
    p = np.subtract(z3, largest_6[:, None], out=z3)
    np.exp(p, out=p)
    total_6 = p.dot(work.ones_10, out=work.total_6)
    p /= total_6[:, None]

    # (7) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    log_7 = np.log(total_6, out=total_6)
    take_7 -= largest_6
    log_7 -= take_7
    total_7 = float(np.add.reduce(log_7, axis=None))
    loss = total_7 / N

    # (8) dz3[n, j] = (p[n, j] - [j = y[n]]) / N, times rate
    take_8 = p.take(add_7, out=work.total_6, mode="clip")
    take_8 -= work.one
    dz3 = p
    dz3.put(add_7, take_8)
    divide_8 = rate / N
    dz3 *= divide_8

    # (9) dW3[i, j] = sum[n](dz3[n, j] * h2[n, i]), times rate
    dW3 = h2.T.dot(dz3, out=work.dW3)

    # (10) db3[j] = sum[n](dz3[n, j]), times rate
    db3 = work.ones_N.dot(dz3, out=work.db3)
    b3 -= db3

    # (11) dh2[n, i] = sum[j](W3[i, j] * dz3[n, j]), times rate
    dh2 = dz3.dot(W3.T, out=work.dh2)

    # (9) W3 -= rate * dW3
    W3 -= dW3

    # (12) dz2[n, j] = dh2[n, j] * [z2[n, j] > 0], times rate
    mask_12 = np.greater(h2, 0.0, out=work.mask_12)
    dz2 = np.multiply(mask_12, dh2, out=dh2)

    # (14) db2[j] = sum[n](dz2[n, j]), times rate
    db2 = work.ones_N.dot(dz2, out=work.db2)
    b2 -= db2

    # (15) dh1[n, i] = sum[j](W2[i, j] * dz2[n, j]), times rate
    dh1 = dz2.dot(W2.T, out=work.z2)

    # (13) dW2[i, j] = sum[n](dz2[n, j] * h1[n, i]), times rate
    dW2 = h1.T.dot(dz2, out=work.dW2)
    W2 -= dW2

    # (16) dz1[n, j] = dh1[n, j] * [z1[n, j] > 0], times rate
    mask_16 = np.greater(h1, 0.0, out=work.mask_12)
    dz1 = np.multiply(mask_16, dh1, out=dh1)

    # (17) dW1[i, j] = sum[n](dz1[n, j] * x[n, i]), times rate
    dW1 = x.T.dot(dz1, out=work.dW1)
    W1 -= dW1

    # (18) db1[j] = sum[n](dz1[n, j]), times rate
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
