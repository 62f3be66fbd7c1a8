"""Digits through a bottleneck

The input is its own target: whatever 16 numbers can say about 64 pixels is found by
asking for the pixels back.

Written by symbackprop from the spec autoencoder (acb62de77b504fe9).
Call init_params, then forward, loss_and_grads, sgd_step.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "x": ("N", 64),
    "W1": (64, 32),
    "b1": (32,),
    "W2": (32, 16),
    "b2": (16,),
    "W3": (16, 32),
    "b3": (32,),
    "W4": (32, 64),
    "b4": (64,),
    "code": ("N", 16),
    "back": ("N", 64),
}

_PARAMETERS = [
    "W1",
    "b1",
    "W2",
    "b2",
    "W3",
    "b3",
    "W4",
    "b4",
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
        "W1": _glorot_uniform(rng, (64, 32), dtype),
        "b1": np.zeros((32,), dtype),
        "W2": _glorot_uniform(rng, (32, 16), dtype),
        "b2": np.zeros((16,), dtype),
        "W3": _glorot_uniform(rng, (16, 32), dtype),
        "b3": np.zeros((32,), dtype),
        "W4": _glorot_uniform(rng, (32, 64), dtype),
        "b4": np.zeros((64,), dtype),
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
        self.z1 = _aligned((N, 32), dtype)
        self.code = _aligned((N, 16), dtype)
        self.z3 = _aligned((N, 32), dtype)
        self.z4 = _aligned((N, 64), dtype)
        self.subtract_8 = _aligned((N, 64), dtype)
        self.inner_8 = np.empty((N,), dtype)
        self.dz4 = _aligned((N, 64), dtype)
        self.dW4 = _aligned((32, 64), dtype)
        self.db4 = np.empty((64,), dtype)
        self.dg = _aligned((N, 32), dtype)
        self.mask_14 = np.empty((N, 32), np.bool_)
        self.dW3 = np.empty((16, 32), dtype)
        self.db3 = np.empty((32,), dtype)
        self.dW2 = np.empty((32, 16), dtype)
        self.db2 = np.empty((16,), dtype)
        self.dW1 = _aligned((64, 32), dtype)
        self.db1 = np.empty((32,), dtype)
        self._alike = _alike(self._shapes)


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


@np.errstate(over="ignore")
def forward(params, *, x, workspace=None, training=False):
    """Return code, back, by name."""
    work = _prepare(params, {"x": x}, workspace)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = relu(z1[n, j])
    h = np.maximum(z1, 0.0, out=z1)

    # (3) code[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    code = h.dot(W2, out=work.code)
    np.add(code, b2, out=code)

    # (4) z3[n, j] = b3[j] + sum[i](W3[i, j] * code[n, i])
    z3 = code.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (5) g[n, j] = relu(z3[n, j])
    g = np.maximum(z3, 0.0, out=z3)

    # (6) z4[n, j] = b4[j] + sum[i](W4[i, j] * g[n, i])
    z4 = g.dot(W4, out=work.z4)
    np.add(z4, b4, out=z4)

    # (7) back[n, j] = sigmoid(z4[n, j])
    back = np.negative(z4, out=z4)
    np.exp(back, out=back)
    back += 1.0
    np.reciprocal(back, out=back)

    return {
        "code": code,
        "back": back,
    }


@np.errstate(over="ignore")
def loss(params, *, x, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"x": x}, workspace)
    N = work.N
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = relu(z1[n, j])
    h = np.maximum(z1, 0.0, out=z1)

    # (3) code[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    code = h.dot(W2, out=work.code)
    np.add(code, b2, out=code)

    # (4) z3[n, j] = b3[j] + sum[i](W3[i, j] * code[n, i])
    z3 = code.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (5) g[n, j] = relu(z3[n, j])
    g = np.maximum(z3, 0.0, out=z3)

    # (6) z4[n, j] = b4[j] + sum[i](W4[i, j] * g[n, i])
    z4 = g.dot(W4, out=work.z4)
    np.add(z4, b4, out=z4)

    # (7) back[n, j] = sigmoid(z4[n, j])
    back = np.negative(z4, out=z4)
    np.exp(back, out=back)
    back += 1.0
    np.reciprocal(back, out=back)

    # (8) loss = sum[n](sum[i]((back[n, i] - x[n, i])**2) / 64) / N
    subtract_8 = np.subtract(back, x, out=back)
    inner_8 = np.einsum("...i,...i->...", subtract_8, subtract_8, out=work.inner_8)
    total_8 = float(np.add.reduce(inner_8, axis=None))
    divide_8 = total_8 / 64
    loss = divide_8 / N

    return loss


@np.errstate(over="ignore")
def loss_and_grads(params, *, x, workspace=None, training=True):
    """Return the loss and its gradients by W1, b1, W2, b2, W3, b3, W4, b4."""
    work = _prepare(params, {"x": x}, workspace)
    N = work.N
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = relu(z1[n, j])
    h = np.maximum(z1, 0.0, out=z1)

    # (3) code[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    code = h.dot(W2, out=work.code)
    np.add(code, b2, out=code)

    # (4) z3[n, j] = b3[j] + sum[i](W3[i, j] * code[n, i])
    z3 = code.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (5) g[n, j] = relu(z3[n, j])
    g = np.maximum(z3, 0.0, out=z3)

    # (6) z4[n, j] = b4[j] + sum[i](W4[i, j] * g[n, i])
    z4 = g.dot(W4, out=work.z4)
    np.add(z4, b4, out=z4)

    # (7) back[n, j] = sigmoid(z4[n, j])
    back = np.negative(z4, out=z4)
    np.exp(back, out=back)
    back += 1.0
    np.reciprocal(back, out=back)

    # (8) loss = sum[n](sum[i]((back[n, i] - x[n, i])**2) / 64) / N
    subtract_8 = np.subtract(back, x, out=work.subtract_8)
    inner_8 = np.einsum("...i,...i->...", subtract_8, subtract_8, out=work.inner_8)
    total_8 = float(np.add.reduce(inner_8, axis=None))
    divide_8 = total_8 / 64
    loss = divide_8 / N

    # (9) dback[n, i] = (back[n, i] - x[n, i]) / (32 * N)
    dback = np.divide(subtract_8, 32 * N, out=subtract_8)

    # (10) dz4[n, j] = (1 - back[n, j]) * back[n, j] * dback[n, j]
    dz4 = np.subtract(1.0, back, out=work.dz4)
    dz4 *= back
    dz4 *= dback

    # (11) dW4[i, j] = sum[n](dz4[n, j] * g[n, i])
    dW4 = g.T.dot(dz4, out=work.dW4)

    # (12) db4[j] = sum[n](dz4[n, j])
    db4 = work.ones_N.dot(dz4, out=work.db4)

    # (13) dg[n, i] = sum[j](W4[i, j] * dz4[n, j])
    dg = dz4.dot(W4.T, out=work.dg)

    # (14) dz3[n, j] = dg[n, j] * [z3[n, j] > 0]
    mask_14 = np.greater(g, 0.0, out=work.mask_14)
    dz3 = np.multiply(mask_14, dg, out=dg)

    # (15) dW3[i, j] = sum[n](code[n, i] * dz3[n, j])
    dW3 = code.T.dot(dz3, out=work.dW3)

    # (16) db3[j] = sum[n](dz3[n, j])
    db3 = work.ones_N.dot(dz3, out=work.db3)

    # (17) dcode[n, i] = sum[j](W3[i, j] * dz3[n, j])
    dcode = dz3.dot(W3.T, out=work.code)

    # (18) dW2[i, j] = sum[n](dcode[n, j] * h[n, i])
    dW2 = h.T.dot(dcode, out=work.dW2)

    # (19) db2[j] = sum[n](dcode[n, j])
    db2 = work.ones_N.dot(dcode, out=work.db2)

    # (20) dh[n, i] = sum[j](W2[i, j] * dcode[n, j])
    dh = dcode.dot(W2.T, out=work.dg)

    # (21) dz1[n, j] = dh[n, j] * [z1[n, j] > 0]
    mask_21 = np.greater(h, 0.0, out=work.mask_14)
    dz1 = np.multiply(mask_21, dh, out=dh)

    # (22) dW1[i, j] = sum[n](dz1[n, j] * x[n, i])
    dW1 = x.T.dot(dz1, out=work.dW1)

    # (23) db1[j] = sum[n](dz1[n, j])
    db1 = work.ones_N.dot(dz1, out=work.db1)

    return loss, {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
        "W3": dW3,
        "b3": db3,
        "W4": dW4,
        "b4": db4,
    }


@np.errstate(over="ignore")
def sgd_step(params, *, x, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"x": x}, workspace)
    rate = _checked_rate(rate, params, work)
    N = work.N
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = relu(z1[n, j])
    h = np.maximum(z1, 0.0, out=z1)

    # (3) code[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    code = h.dot(W2, out=work.code)
    np.add(code, b2, out=code)

    # (4) z3[n, j] = b3[j] + sum[i](W3[i, j] * code[n, i])
    z3 = code.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (5) g[n, j] = relu(z3[n, j])
    g = np.maximum(z3, 0.0, out=z3)

    # (6) z4[n, j] = b4[j] + sum[i](W4[i, j] * g[n, i])
    z4 = g.dot(W4, out=work.z4)
    np.add(z4, b4, out=z4)

    # (7) back[n, j] = sigmoid(z4[n, j])
    back = np.negative(z4, out=z4)
    np.exp(back, out=back)
    back += 1.0
    np.reciprocal(back, out=back)

    # (8) loss = sum[n](sum[i]((back[n, i] - x[n, i])**2) / 64) / N
    subtract_8 = np.subtract(back, x, out=work.subtract_8)
    inner_8 = np.einsum("...i,...i->...", subtract_8, subtract_8, out=work.inner_8)
    total_8 = float(np.add.reduce(inner_8, axis=None))
    divide_8 = total_8 / 64
    loss = divide_8 / N

    # (9) dback[n, i] = (back[n, i] - x[n, i]) / (32 * N), times rate
    divide_9 = rate / (32 * N)
    dback = np.multiply(subtract_8, divide_9, out=subtract_8)

    # (10) dz4[n, j] = (1 - back[n, j]) * back[n, j] * dback[n, j], times rate
    dz4 = np.subtract(1.0, back, out=work.dz4)
    dz4 *= back
    dz4 *= dback

    # (11) dW4[i, j] = sum[n](dz4[n, j] * g[n, i]), times rate
    dW4 = g.T.dot(dz4, out=work.dW4)

    # (12) db4[j] = sum[n](dz4[n, j]), times rate
    db4 = work.ones_N.dot(dz4, out=work.db4)
    b4 -= db4

    # (13) dg[n, i] = sum[j](W4[i, j] * dz4[n, j]), times rate
    dg = dz4.dot(W4.T, out=work.dg)

    # (11) W4 -= rate * dW4
    W4 -= dW4

    # (14) dz3[n, j] = dg[n, j] * [z3[n, j] > 0], times rate
    mask_14 = np.greater(g, 0.0, out=work.mask_14)
    dz3 = np.multiply(mask_14, dg, out=dg)

    # (15) dW3[i, j] = sum[n](code[n, i] * dz3[n, j]), times rate
    dW3 = code.T.dot(dz3, out=work.dW3)

    # (16) db3[j] = sum[n](dz3[n, j]), times rate
    db3 = work.ones_N.dot(dz3, out=work.db3)
    b3 -= db3

    # (17) dcode[n, i] = sum[j](W3[i, j] * dz3[n, j]), times rate
    dcode = dz3.dot(W3.T, out=work.code)

    # (15) W3 -= rate * dW3
    W3 -= dW3

    # (18) dW2[i, j] = sum[n](dcode[n, j] * h[n, i]), times rate
    dW2 = h.T.dot(dcode, out=work.dW2)

    # (19) db2[j] = sum[n](dcode[n, j]), times rate
    db2 = work.ones_N.dot(dcode, out=work.db2)
    b2 -= db2

    # (20) dh[n, i] = sum[j](W2[i, j] * dcode[n, j]), times rate
    dh = dcode.dot(W2.T, out=work.dg)

    # (18) W2 -= rate * dW2
    W2 -= dW2

    # (21) dz1[n, j] = dh[n, j] * [z1[n, j] > 0], times rate
    mask_21 = np.greater(h, 0.0, out=work.mask_14)
    dz1 = np.multiply(mask_21, dh, out=dh)

    # (22) dW1[i, j] = sum[n](dz1[n, j] * x[n, i]), times rate
    dW1 = x.T.dot(dz1, out=work.dW1)
    W1 -= dW1

    # (23) db1[j] = sum[n](dz1[n, j]), times rate
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
