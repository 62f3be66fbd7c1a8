"""Which lower half belongs to this upper half?

A softmax over the rows of the batch itself: every other row serves as a wrong answer,
so the gradient pulls the two halves of one digit together and pushes all other pairs
apart, each by its probability (van den Oord, Li and Vinyals, 2018).

Written by symbackprop from the spec info_nce (7ea391adbac98fc5).
Call init_params, then forward, loss_and_grads.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "x": ("N", 2, 32),
    "W1": (32, 64),
    "b1": (64,),
    "W2": (64, 16),
    "b2": (16,),
    "W3": (32, 64),
    "b3": (64,),
    "W4": (64, 16),
    "b4": (16,),
    "a": ("N", 16),
    "b": ("N", 16),
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
        "W1": _glorot_uniform(rng, (32, 64), dtype),
        "b1": np.zeros((64,), dtype),
        "W2": _glorot_uniform(rng, (64, 16), dtype),
        "b2": np.zeros((16,), dtype),
        "W3": _glorot_uniform(rng, (32, 64), dtype),
        "b3": np.zeros((64,), dtype),
        "W4": _glorot_uniform(rng, (64, 16), dtype),
        "b4": np.zeros((16,), dtype),
    }


class Workspace:
    """Every buffer of a step, for given run-time extents; the next step uses them again.

    A buffer is written anew once what it held is read no more, so several tensors
    may share one.
    """

    def __init__(self, *, N, dtype=np.float32):
        self._extents = {"N": N}
        self._dtype = np.dtype(dtype)
        self._shapes = {
            name: tuple(self._extents.get(extent, extent) for extent in shape)
            for name, shape in SHAPES.items()
        }
        self.N = N
        self.ones_N = np.ones(N, dtype)
        self.range_N = np.arange(N)
        self.fixed_N = np.equal(self.range_N, self.range_N[:, None])
        self.fixed_N_2 = self.fixed_N.astype(dtype)
        self.z1 = np.empty((N, 64), dtype)
        self.u = np.empty((N, 16), dtype)
        self.z3 = np.empty((N, 64), dtype)
        self.v = np.empty((N, 16), dtype)
        self.inner_9 = np.empty((N,), dtype)
        self.sqrt_9 = np.empty((N,), dtype)
        self.a = np.empty((N, 16), dtype)
        self.inner_10 = np.empty((N,), dtype)
        self.sqrt_10 = np.empty((N,), dtype)
        self.b = np.empty((N, 16), dtype)
        self.s = np.empty((N, N), dtype)
        self.largest_12 = np.empty((N,), dtype)
        self.p = np.empty((N, N), dtype)
        self.total_12 = np.empty((N,), dtype)
        self.da = np.empty((N, 16), dtype)
        self.dW4 = np.empty((64, 16), dtype)
        self.db4 = np.empty((16,), dtype)
        self.dz_v = np.empty((N, 64), dtype)
        self.mask_23 = np.empty((N, 64), np.bool_)
        self.dW3 = np.empty((32, 64), dtype)
        self.db3 = np.empty((64,), dtype)
        self.dW2 = np.empty((64, 16), dtype)
        self.db2 = np.empty((16,), dtype)
        self.dW1 = np.empty((32, 64), dtype)
        self.db1 = np.empty((64,), dtype)


def forward(params, *, x, workspace=None, training=False):
    """Return a, b, by name."""
    work = _prepare(params, {"x": x}, workspace)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]

    # (3) z1[n, j] = b1[j] + sum[i](W1[i, j] * upper[n, i])
    z1 = np.dot(x[:, 0], W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (4) z_u[n, j] = relu(z1[n, j])
    z_u = np.maximum(z1, 0.0, out=z1)

    # (5) u[n, j] = b2[j] + sum[i](W2[i, j] * z_u[n, i])
    u = np.dot(z_u, W2, out=work.u)
    np.add(u, b2, out=u)

    # (6) z3[n, j] = b3[j] + sum[i](W3[i, j] * lower[n, i])
    z3 = np.dot(x[:, 1], W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (7) z_v[n, j] = relu(z3[n, j])
    z_v = np.maximum(z3, 0.0, out=z3)

    # (8) v[n, j] = b4[j] + sum[i](W4[i, j] * z_v[n, i])
    v = np.dot(z_v, W4, out=work.v)
    np.add(v, b4, out=v)

    # (9) a[n, j] = u[n, j] / sqrt(1 / 1000000 + sum[j1](u[n, j1]**2))
    inner_9 = np.einsum("...i,...i->...", u, u, out=work.inner_9)
    np.add(inner_9, 1e-06, out=inner_9)
    np.sqrt(inner_9, out=inner_9)
    a = np.divide(u, inner_9[:, None], out=u)

    # (10) b[n, j] = v[n, j] / sqrt(1 / 1000000 + sum[j1](v[n, j1]**2))
    inner_10 = np.einsum("...i,...i->...", v, v, out=work.inner_10)
    np.add(inner_10, 1e-06, out=inner_10)
    np.sqrt(inner_10, out=inner_10)
    b = np.divide(v, inner_10[:, None], out=v)

    return {
        "a": a,
        "b": b,
    }


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

    # (3) z1[n, j] = b1[j] + sum[i](W1[i, j] * upper[n, i])
    z1 = np.dot(x[:, 0], W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (4) z_u[n, j] = relu(z1[n, j])
    z_u = np.maximum(z1, 0.0, out=z1)

    # (5) u[n, j] = b2[j] + sum[i](W2[i, j] * z_u[n, i])
    u = np.dot(z_u, W2, out=work.u)
    np.add(u, b2, out=u)

    # (6) z3[n, j] = b3[j] + sum[i](W3[i, j] * lower[n, i])
    z3 = np.dot(x[:, 1], W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (7) z_v[n, j] = relu(z3[n, j])
    z_v = np.maximum(z3, 0.0, out=z3)

    # (8) v[n, j] = b4[j] + sum[i](W4[i, j] * z_v[n, i])
    v = np.dot(z_v, W4, out=work.v)
    np.add(v, b4, out=v)

    # (9) a[n, j] = u[n, j] / sqrt(1 / 1000000 + sum[j1](u[n, j1]**2))
    inner_9 = np.einsum("...i,...i->...", u, u, out=work.inner_9)
    np.add(inner_9, 1e-06, out=inner_9)
    np.sqrt(inner_9, out=inner_9)
    a = np.divide(u, inner_9[:, None], out=u)

    # (10) b[n, j] = v[n, j] / sqrt(1 / 1000000 + sum[j1](v[n, j1]**2))
    inner_10 = np.einsum("...i,...i->...", v, v, out=work.inner_10)
    np.add(inner_10, 1e-06, out=inner_10)
    np.sqrt(inner_10, out=inner_10)
    b = np.divide(v, inner_10[:, None], out=v)

    # (11) s[n, m] = 10 * sum[k](a[n, k] * b[m, k])
    s = np.dot(a, b.T, out=work.s)
    np.multiply(s, 10.0, out=s)

    # (12) p[n, m] = exp(s[n, m] - logsumexp[m1](s[n, m1]))
    largest_12 = np.maximum.reduce(s, axis=1, out=work.largest_12)
    subtract_12 = np.subtract(s, largest_12[:, None], out=work.p)
    np.exp(subtract_12, out=subtract_12)
    total_12 = np.dot(subtract_12, work.ones_N, out=work.total_12)

    # (13) l[n] = logsumexp[m](s[n, m]) - s[n, n]
    l = np.log(total_12, out=total_12)
    subtract_13 = np.subtract(s.diagonal(0, 0, 1), largest_12, out=largest_12)
    np.subtract(l, subtract_13, out=l)

    # (14) loss = sum[n](l[n]) / N
    total_14 = float(np.add.reduce(l, axis=None))
    loss = total_14 / N

    return loss


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

    # (3) z1[n, j] = b1[j] + sum[i](W1[i, j] * upper[n, i])
    z1 = np.dot(x[:, 0], W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (4) z_u[n, j] = relu(z1[n, j])
    z_u = np.maximum(z1, 0.0, out=z1)

    # (5) u[n, j] = b2[j] + sum[i](W2[i, j] * z_u[n, i])
    u = np.dot(z_u, W2, out=work.u)
    np.add(u, b2, out=u)

    # (6) z3[n, j] = b3[j] + sum[i](W3[i, j] * lower[n, i])
    z3 = np.dot(x[:, 1], W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (7) z_v[n, j] = relu(z3[n, j])
    z_v = np.maximum(z3, 0.0, out=z3)

    # (8) v[n, j] = b4[j] + sum[i](W4[i, j] * z_v[n, i])
    v = np.dot(z_v, W4, out=work.v)
    np.add(v, b4, out=v)

    # (9) a[n, j] = u[n, j] / sqrt(1 / 1000000 + sum[j1](u[n, j1]**2))
    inner_9 = np.einsum("...i,...i->...", u, u, out=work.inner_9)
    np.add(inner_9, 1e-06, out=inner_9)
    sqrt_9 = np.sqrt(inner_9, out=work.sqrt_9)
    a = np.divide(u, sqrt_9[:, None], out=work.a)

    # (10) b[n, j] = v[n, j] / sqrt(1 / 1000000 + sum[j1](v[n, j1]**2))
    inner_10 = np.einsum("...i,...i->...", v, v, out=work.inner_10)
    np.add(inner_10, 1e-06, out=inner_10)
    sqrt_10 = np.sqrt(inner_10, out=work.sqrt_10)
    b = np.divide(v, sqrt_10[:, None], out=work.b)

    # (11) s[n, m] = 10 * sum[k](a[n, k] * b[m, k])
    s = np.dot(a, b.T, out=work.s)
    np.multiply(s, 10.0, out=s)

    # (12) p[n, m] = exp(s[n, m] - logsumexp[m1](s[n, m1]))
    largest_12 = np.maximum.reduce(s, axis=1, out=work.largest_12)
    p = np.subtract(s, largest_12[:, None], out=work.p)
    np.exp(p, out=p)
    total_12 = np.dot(p, work.ones_N, out=work.total_12)
    np.divide(p, total_12[:, None], out=p)

    # (13) l[n] = logsumexp[m](s[n, m]) - s[n, n]
    l = np.log(total_12, out=total_12)
    subtract_13 = np.subtract(s.diagonal(0, 0, 1), largest_12, out=largest_12)
    np.subtract(l, subtract_13, out=l)

    # (14) loss = sum[n](l[n]) / N
    total_14 = float(np.add.reduce(l, axis=None))
    loss = total_14 / N

    # (15) ds[n, m] = (p[n, m] - [m = n]) / N
    ds = np.subtract(p, work.fixed_N_2, out=p)
    np.divide(ds, N, out=ds)

    # (16) da[n, k] = 10 * sum[m](b[m, k] * ds[n, m])
    da = np.dot(ds, b, out=work.da)
    np.multiply(da, 10.0, out=da)

    # (17) db[m, k] = 10 * sum[n](a[n, k] * ds[n, m])
    db = np.dot(ds.T, a, out=work.b)
    np.multiply(db, 10.0, out=db)

    # (18) dv[n, j] = db[n, j] / sqrt(1 / 1000000 + sum[j1](v[n, j1]**2)) - v[n, j] *
    #     sum[j1](db[n, j1] * v[n, j1]) / (1 / 1000000 + sum[j1](v[n, j1]**2))**(3 / 2)
    dv = np.divide(db, sqrt_10[:, None], out=work.a)
    multiply_18 = np.multiply(inner_10, sqrt_10, out=inner_10)
    inner_18 = np.einsum("...i,...i->...", db, v, out=work.sqrt_10)
    multiply_18_2 = np.multiply(v, inner_18[:, None], out=v)
    np.divide(multiply_18_2, multiply_18[:, None], out=multiply_18_2)
    np.subtract(dv, multiply_18_2, out=dv)

    # (19) du[n, j] = da[n, j] / sqrt(1 / 1000000 + sum[j1](u[n, j1]**2)) - u[n, j] *
    #     sum[j1](da[n, j1] * u[n, j1]) / (1 / 1000000 + sum[j1](u[n, j1]**2))**(3 / 2)
    du = np.divide(da, sqrt_9[:, None], out=work.v)
    multiply_19 = np.multiply(inner_9, sqrt_9, out=inner_9)
    inner_19 = np.einsum("...i,...i->...", da, u, out=work.sqrt_9)
    multiply_19_2 = np.multiply(u, inner_19[:, None], out=u)
    np.divide(multiply_19_2, multiply_19[:, None], out=multiply_19_2)
    np.subtract(du, multiply_19_2, out=du)

    # (20) dW4[i, j] = sum[n](dv[n, j] * z_v[n, i])
    dW4 = np.dot(z_v.T, dv, out=work.dW4)

    # (21) db4[j] = sum[n](dv[n, j])
    db4 = np.dot(work.ones_N, dv, out=work.db4)

    # (22) dz_v[n, i] = sum[j](W4[i, j] * dv[n, j])
    dz_v = np.dot(dv, W4.T, out=work.dz_v)

    # (23) dz3[n, j] = dz_v[n, j] * [z3[n, j] > 0]
    mask_23 = np.greater(z_v, 0.0, out=work.mask_23)
    dz3 = np.multiply(mask_23, dz_v, out=dz_v)

    # (24) dW3[i, j] = sum[n](dz3[n, j] * lower[n, i])
    dW3 = np.dot(x[:, 1].T, dz3, out=work.dW3)

    # (25) db3[j] = sum[n](dz3[n, j])
    db3 = np.dot(work.ones_N, dz3, out=work.db3)

    # (26) dW2[i, j] = sum[n](du[n, j] * z_u[n, i])
    dW2 = np.dot(z_u.T, du, out=work.dW2)

    # (27) db2[j] = sum[n](du[n, j])
    db2 = np.dot(work.ones_N, du, out=work.db2)

    # (28) dz_u[n, i] = sum[j](W2[i, j] * du[n, j])
    dz_u = np.dot(du, W2.T, out=work.dz_v)

    # (29) dz1[n, j] = dz_u[n, j] * [z1[n, j] > 0]
    mask_29 = np.greater(z_u, 0.0, out=work.mask_23)
    dz1 = np.multiply(mask_29, dz_u, out=dz_u)

    # (30) dW1[i, j] = sum[n](dz1[n, j] * upper[n, i])
    dW1 = np.dot(x[:, 0].T, dz1, out=work.dW1)

    # (31) db1[j] = sum[n](dz1[n, j])
    db1 = np.dot(work.ones_N, dz1, out=work.db1)

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


def _prepare(params, given, workspace):
    """Check every argument; return the workspace to use."""
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
    if list(params) != _PARAMETERS:
        return False
    for name, array in params.items():
        if array.shape != shapes[name] or array.dtype is not dtype:
            return False
    for name, array in given.items():
        if getattr(array, "shape", None) != shapes[name]:
            return False
        if array.dtype is not dtype and array.dtype.kind not in _KINDS.get(name, ""):
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
                f"workspace: made for {name} = {workspace._extents[name]}, "
                f"but the arrays have {name} = {extent}"
            )


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
        raise ValueError(f"{name}: expected an array, got {type(array).__name__}")
    if len(shape) != len(expected):
        raise ValueError(f"{name}: shape {shape}, expected {_written(expected)}")
    for came, extent in zip(shape, expected):
        if isinstance(extent, str):
            if not extent.isidentifier():
                continue
            known, bearer = extents.setdefault(extent, (came, name))
            if came == known and came > 0:
                continue
            if came == known:
                reason = f"{extent} = 0: it must be at least 1"
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
    return np.dtype(dtype)


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
