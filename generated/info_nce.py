"""Which lower half belongs to this upper half?

A softmax over the rows of the batch itself: every other row serves as a wrong answer,
so the gradient pulls the two halves of one digit together and pushes all other pairs
apart, each by its probability (van den Oord, Li and Vinyals, 2018).

Written by symbackprop from the spec info_nce (7ea391adbac98fc5).
Call init_params, then forward, loss_and_grads, sgd_step.

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
        _check_extents(self._extents)
        self._dtype = _check_dtype("dtype", np.dtype(dtype), None)
        self._shapes = {
            name: tuple(self._extents.get(extent, extent) for extent in shape)
            for name, shape in SHAPES.items()
        }
        self.N = N
        self.ones_N = np.ones(N, dtype)
        self.range_N = np.arange(N)
        self.fixed_N = np.equal(self.range_N, self.range_N[:, None])
        self.fixed_N_2 = self.fixed_N.astype(dtype)
        self.z1 = _aligned((N, 64), dtype)
        self.u = _aligned((N, 16), dtype)
        self.z3 = _aligned((N, 64), dtype)
        self.v = _aligned((N, 16), dtype)
        self.s_a = np.empty((N,), dtype)
        self.s_b = np.empty((N,), dtype)
        self.s = _aligned((N, N), dtype)
        self.largest_14 = np.empty((N,), dtype)
        self.p = _aligned((N, N), dtype)
        self.total_14 = np.empty((N,), dtype)
        self.da = _aligned((N, 16), dtype)
        self.db = _aligned((N, 16), dtype)
        self.dW4 = _aligned((64, 16), dtype)
        self.db4 = np.empty((16,), dtype)
        self.dz_v = _aligned((N, 64), dtype)
        self.mask_25 = np.empty((N, 64), np.bool_)
        self.dW3 = _aligned((32, 64), dtype)
        self.db3 = np.empty((64,), dtype)
        self.dW2 = _aligned((64, 16), dtype)
        self.db2 = np.empty((16,), dtype)
        self.dW1 = _aligned((32, 64), dtype)
        self.db1 = np.empty((64,), dtype)
        self._alike = _alike(self._shapes)


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


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

    # (1) upper[n, i] = x[n, 0, i]: a view of x
    # (2) lower[n, i] = x[n, 1, i]: a view of x

    # (3) z1[n, j] = b1[j] + sum[i](W1[i, j] * upper[n, i])
    z1 = x[:, 0].dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (4) z_u[n, j] = relu(z1[n, j])
    z_u = np.maximum(z1, 0.0, out=z1)

    # (5) u[n, j] = b2[j] + sum[i](W2[i, j] * z_u[n, i])
    u = z_u.dot(W2, out=work.u)
    np.add(u, b2, out=u)

    # (6) z3[n, j] = b3[j] + sum[i](W3[i, j] * lower[n, i])
    z3 = x[:, 1].dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (7) z_v[n, j] = relu(z3[n, j])
    z_v = np.maximum(z3, 0.0, out=z3)

    # (8) v[n, j] = b4[j] + sum[i](W4[i, j] * z_v[n, i])
    v = z_v.dot(W4, out=work.v)
    np.add(v, b4, out=v)

    # (9) s_a[n] = 1 / sqrt(1 / 1000000 + sum[j1](u[n, j1]**2))
    s_a = np.einsum("...i,...i->...", u, u, out=work.s_a)
    s_a += 1e-06
    np.sqrt(s_a, out=s_a)
    np.reciprocal(s_a, out=s_a)

    # (10) a[n, j] = s_a[n] * u[n, j]
    a = np.multiply(u, s_a[:, None], out=u)

    # (11) s_b[n] = 1 / sqrt(1 / 1000000 + sum[j1](v[n, j1]**2))
    s_b = np.einsum("...i,...i->...", v, v, out=work.s_b)
    s_b += 1e-06
    np.sqrt(s_b, out=s_b)
    np.reciprocal(s_b, out=s_b)

    # (12) b[n, j] = s_b[n] * v[n, j]
    b = np.multiply(v, s_b[:, None], out=v)

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

    # (1) upper[n, i] = x[n, 0, i]: a view of x
    # (2) lower[n, i] = x[n, 1, i]: a view of x

    # (3) z1[n, j] = b1[j] + sum[i](W1[i, j] * upper[n, i])
    z1 = x[:, 0].dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (4) z_u[n, j] = relu(z1[n, j])
    z_u = np.maximum(z1, 0.0, out=z1)

    # (5) u[n, j] = b2[j] + sum[i](W2[i, j] * z_u[n, i])
    u = z_u.dot(W2, out=work.u)
    np.add(u, b2, out=u)

    # (6) z3[n, j] = b3[j] + sum[i](W3[i, j] * lower[n, i])
    z3 = x[:, 1].dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (7) z_v[n, j] = relu(z3[n, j])
    z_v = np.maximum(z3, 0.0, out=z3)

    # (8) v[n, j] = b4[j] + sum[i](W4[i, j] * z_v[n, i])
    v = z_v.dot(W4, out=work.v)
    np.add(v, b4, out=v)

    # (9) s_a[n] = 1 / sqrt(1 / 1000000 + sum[j1](u[n, j1]**2))
    s_a = np.einsum("...i,...i->...", u, u, out=work.s_a)
    s_a += 1e-06
    np.sqrt(s_a, out=s_a)
    np.reciprocal(s_a, out=s_a)

    # (10) a[n, j] = s_a[n] * u[n, j]
    a = np.multiply(u, s_a[:, None], out=u)

    # (11) s_b[n] = 1 / sqrt(1 / 1000000 + sum[j1](v[n, j1]**2))
    s_b = np.einsum("...i,...i->...", v, v, out=work.s_b)
    s_b += 1e-06
    np.sqrt(s_b, out=s_b)
    np.reciprocal(s_b, out=s_b)

    # (12) b[n, j] = s_b[n] * v[n, j]
    b = np.multiply(v, s_b[:, None], out=v)

    # (13) s[n, m] = 10 * sum[k](a[n, k] * b[m, k])
    s = a.dot(b.T, out=work.s)
    s *= 10.0

    # (14) p[n, m] = exp(s[n, m] - logsumexp[m1](s[n, m1]))
    largest_14 = _largest(s, out=work.largest_14)
    subtract_14 = np.subtract(s, largest_14[:, None], out=work.p)
    np.exp(subtract_14, out=subtract_14)
    total_14 = subtract_14.dot(work.ones_N, out=work.total_14)

    # (15) l[n] = logsumexp[m](s[n, m]) - s[n, n]
    l = np.log(total_14, out=total_14)
    subtract_15 = np.subtract(s.diagonal(0, 0, 1), largest_14, out=largest_14)
    l -= subtract_15

    # (16) loss = sum[n](l[n]) / N
    total_16 = float(np.add.reduce(l, axis=None))
    loss = total_16 / N

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

    # (1) upper[n, i] = x[n, 0, i]: a view of x
    # (2) lower[n, i] = x[n, 1, i]: a view of x

    # (3) z1[n, j] = b1[j] + sum[i](W1[i, j] * upper[n, i])
    z1 = x[:, 0].dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (4) z_u[n, j] = relu(z1[n, j])
    z_u = np.maximum(z1, 0.0, out=z1)

    # (5) u[n, j] = b2[j] + sum[i](W2[i, j] * z_u[n, i])
    u = z_u.dot(W2, out=work.u)
    np.add(u, b2, out=u)

    # (6) z3[n, j] = b3[j] + sum[i](W3[i, j] * lower[n, i])
    z3 = x[:, 1].dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (7) z_v[n, j] = relu(z3[n, j])
    z_v = np.maximum(z3, 0.0, out=z3)

    # (8) v[n, j] = b4[j] + sum[i](W4[i, j] * z_v[n, i])
    v = z_v.dot(W4, out=work.v)
    np.add(v, b4, out=v)

    # (9) s_a[n] = 1 / sqrt(1 / 1000000 + sum[j1](u[n, j1]**2))
    s_a = np.einsum("...i,...i->...", u, u, out=work.s_a)
    s_a += 1e-06
    np.sqrt(s_a, out=s_a)
    np.reciprocal(s_a, out=s_a)

    # (10) a[n, j] = s_a[n] * u[n, j]
    a = np.multiply(u, s_a[:, None], out=u)

    # (11) s_b[n] = 1 / sqrt(1 / 1000000 + sum[j1](v[n, j1]**2))
    s_b = np.einsum("...i,...i->...", v, v, out=work.s_b)
    s_b += 1e-06
    np.sqrt(s_b, out=s_b)
    np.reciprocal(s_b, out=s_b)

    # (12) b[n, j] = s_b[n] * v[n, j]
    b = np.multiply(v, s_b[:, None], out=v)

    # (13) s[n, m] = 10 * sum[k](a[n, k] * b[m, k])
    s = a.dot(b.T, out=work.s)
    s *= 10.0

    # (14) p[n, m] = exp(s[n, m] - logsumexp[m1](s[n, m1]))
    largest_14 = _largest(s, out=work.largest_14)
    p = np.subtract(s, largest_14[:, None], out=work.p)
    np.exp(p, out=p)
    total_14 = p.dot(work.ones_N, out=work.total_14)
    p /= total_14[:, None]

    # (15) l[n] = logsumexp[m](s[n, m]) - s[n, n]
    l = np.log(total_14, out=total_14)
    subtract_15 = np.subtract(s.diagonal(0, 0, 1), largest_14, out=largest_14)
    l -= subtract_15

    # (16) loss = sum[n](l[n]) / N
    total_16 = float(np.add.reduce(l, axis=None))
    loss = total_16 / N

    # (17) ds[n, m] = (p[n, m] - [m = n]) / N
    ds = np.subtract(p, work.fixed_N_2, out=p)
    ds /= N

    # (18) da[n, k] = 10 * sum[m](b[m, k] * ds[n, m])
    da = ds.dot(b, out=work.da)
    da *= 10.0

    # (19) db[m, k] = 10 * sum[n](a[n, k] * ds[n, m])
    db = ds.T.dot(a, out=work.db)
    db *= 10.0

    # (20) dv[n, j1] = (db[n, j1] - b[n, j1] * sum[j](b[n, j] * db[n, j])) * s_b[n]
    inner_20 = np.einsum("...i,...i->...", b, db, out=work.total_14)
    dv = np.multiply(b, inner_20[:, None], out=b)
    np.subtract(db, dv, out=dv)
    dv *= s_b[:, None]

    # (21) du[n, j1] = (da[n, j1] - a[n, j1] * sum[j](a[n, j] * da[n, j])) * s_a[n]
    inner_21 = np.einsum("...i,...i->...", a, da, out=work.s_b)
    du = np.multiply(a, inner_21[:, None], out=a)
    np.subtract(da, du, out=du)
    du *= s_a[:, None]

    # (22) dW4[i, j] = sum[n](dv[n, j] * z_v[n, i])
    dW4 = z_v.T.dot(dv, out=work.dW4)

    # (23) db4[j] = sum[n](dv[n, j])
    db4 = work.ones_N.dot(dv, out=work.db4)

    # (24) dz_v[n, i] = sum[j](W4[i, j] * dv[n, j])
    dz_v = dv.dot(W4.T, out=work.dz_v)

    # (25) dz3[n, j] = dz_v[n, j] * [z3[n, j] > 0]
    mask_25 = np.greater(z_v, 0.0, out=work.mask_25)
    dz3 = np.multiply(mask_25, dz_v, out=dz_v)

    # (26) dW3[i, j] = sum[n](dz3[n, j] * lower[n, i])
    dW3 = x[:, 1].T.dot(dz3, out=work.dW3)

    # (27) db3[j] = sum[n](dz3[n, j])
    db3 = work.ones_N.dot(dz3, out=work.db3)

    # (28) dW2[i, j] = sum[n](du[n, j] * z_u[n, i])
    dW2 = z_u.T.dot(du, out=work.dW2)

    # (29) db2[j] = sum[n](du[n, j])
    db2 = work.ones_N.dot(du, out=work.db2)

    # (30) dz_u[n, i] = sum[j](W2[i, j] * du[n, j])
    dz_u = du.dot(W2.T, out=work.dz_v)

    # (31) dz1[n, j] = dz_u[n, j] * [z1[n, j] > 0]
    mask_31 = np.greater(z_u, 0.0, out=work.mask_25)
    dz1 = np.multiply(mask_31, dz_u, out=dz_u)

    # (32) dW1[i, j] = sum[n](dz1[n, j] * upper[n, i])
    dW1 = x[:, 0].T.dot(dz1, out=work.dW1)

    # (33) db1[j] = sum[n](dz1[n, j])
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

    # (1) upper[n, i] = x[n, 0, i]: a view of x
    # (2) lower[n, i] = x[n, 1, i]: a view of x

    # (3) z1[n, j] = b1[j] + sum[i](W1[i, j] * upper[n, i])
    z1 = x[:, 0].dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (4) z_u[n, j] = relu(z1[n, j])
    z_u = np.maximum(z1, 0.0, out=z1)

    # (5) u[n, j] = b2[j] + sum[i](W2[i, j] * z_u[n, i])
    u = z_u.dot(W2, out=work.u)
    np.add(u, b2, out=u)

    # (6) z3[n, j] = b3[j] + sum[i](W3[i, j] * lower[n, i])
    z3 = x[:, 1].dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (7) z_v[n, j] = relu(z3[n, j])
    z_v = np.maximum(z3, 0.0, out=z3)

    # (8) v[n, j] = b4[j] + sum[i](W4[i, j] * z_v[n, i])
    v = z_v.dot(W4, out=work.v)
    np.add(v, b4, out=v)

    # (9) s_a[n] = 1 / sqrt(1 / 1000000 + sum[j1](u[n, j1]**2))
    s_a = np.einsum("...i,...i->...", u, u, out=work.s_a)
    s_a += 1e-06
    np.sqrt(s_a, out=s_a)
    np.reciprocal(s_a, out=s_a)

    # (10) a[n, j] = s_a[n] * u[n, j]
    a = np.multiply(u, s_a[:, None], out=u)

    # (11) s_b[n] = 1 / sqrt(1 / 1000000 + sum[j1](v[n, j1]**2))
    s_b = np.einsum("...i,...i->...", v, v, out=work.s_b)
    s_b += 1e-06
    np.sqrt(s_b, out=s_b)
    np.reciprocal(s_b, out=s_b)

    # (12) b[n, j] = s_b[n] * v[n, j]
    b = np.multiply(v, s_b[:, None], out=v)

    # (13) s[n, m] = 10 * sum[k](a[n, k] * b[m, k])
    s = a.dot(b.T, out=work.s)
    s *= 10.0

    # (14) p[n, m] = exp(s[n, m] - logsumexp[m1](s[n, m1]))
    largest_14 = _largest(s, out=work.largest_14)
    p = np.subtract(s, largest_14[:, None], out=work.p)
    np.exp(p, out=p)
    total_14 = p.dot(work.ones_N, out=work.total_14)
    p /= total_14[:, None]

    # (15) l[n] = logsumexp[m](s[n, m]) - s[n, n]
    l = np.log(total_14, out=total_14)
    subtract_15 = np.subtract(s.diagonal(0, 0, 1), largest_14, out=largest_14)
    l -= subtract_15

    # (16) loss = sum[n](l[n]) / N
    total_16 = float(np.add.reduce(l, axis=None))
    loss = total_16 / N

    # (17) ds[n, m] = (p[n, m] - [m = n]) / N, times rate
    ds = np.subtract(p, work.fixed_N_2, out=p)
    divide_17 = rate / N
    ds *= divide_17

    # (18) da[n, k] = 10 * sum[m](b[m, k] * ds[n, m]), times rate
    da = ds.dot(b, out=work.da)
    da *= 10.0

    # (19) db[m, k] = 10 * sum[n](a[n, k] * ds[n, m]), times rate
    db = ds.T.dot(a, out=work.db)
    db *= 10.0

    # (20) dv[n, j1] = (db[n, j1] - b[n, j1] * sum[j](b[n, j] * db[n, j])) * s_b[n],
    #     times rate
    inner_20 = np.einsum("...i,...i->...", b, db, out=work.total_14)
    dv = np.multiply(b, inner_20[:, None], out=b)
    np.subtract(db, dv, out=dv)
    dv *= s_b[:, None]

    # (21) du[n, j1] = (da[n, j1] - a[n, j1] * sum[j](a[n, j] * da[n, j])) * s_a[n],
    #     times rate
    inner_21 = np.einsum("...i,...i->...", a, da, out=work.s_b)
    du = np.multiply(a, inner_21[:, None], out=a)
    np.subtract(da, du, out=du)
    du *= s_a[:, None]

    # (22) dW4[i, j] = sum[n](dv[n, j] * z_v[n, i]), times rate
    dW4 = z_v.T.dot(dv, out=work.dW4)

    # (23) db4[j] = sum[n](dv[n, j]), times rate
    db4 = work.ones_N.dot(dv, out=work.db4)
    b4 -= db4

    # (24) dz_v[n, i] = sum[j](W4[i, j] * dv[n, j]), times rate
    dz_v = dv.dot(W4.T, out=work.dz_v)

    # (22) W4 -= rate * dW4
    W4 -= dW4

    # (25) dz3[n, j] = dz_v[n, j] * [z3[n, j] > 0], times rate
    mask_25 = np.greater(z_v, 0.0, out=work.mask_25)
    dz3 = np.multiply(mask_25, dz_v, out=dz_v)

    # (26) dW3[i, j] = sum[n](dz3[n, j] * lower[n, i]), times rate
    dW3 = x[:, 1].T.dot(dz3, out=work.dW3)
    W3 -= dW3

    # (27) db3[j] = sum[n](dz3[n, j]), times rate
    db3 = work.ones_N.dot(dz3, out=work.db3)
    b3 -= db3

    # (28) dW2[i, j] = sum[n](du[n, j] * z_u[n, i]), times rate
    dW2 = z_u.T.dot(du, out=work.dW2)

    # (29) db2[j] = sum[n](du[n, j]), times rate
    db2 = work.ones_N.dot(du, out=work.db2)
    b2 -= db2

    # (30) dz_u[n, i] = sum[j](W2[i, j] * du[n, j]), times rate
    dz_u = du.dot(W2.T, out=work.dz_v)

    # (28) W2 -= rate * dW2
    W2 -= dW2

    # (31) dz1[n, j] = dz_u[n, j] * [z1[n, j] > 0], times rate
    mask_31 = np.greater(z_u, 0.0, out=work.mask_25)
    dz1 = np.multiply(mask_31, dz_u, out=dz_u)

    # (32) dW1[i, j] = sum[n](dz1[n, j] * upper[n, i]), times rate
    dW1 = x[:, 0].T.dot(dz1, out=work.dW1)
    W1 -= dW1

    # (33) db1[j] = sum[n](dz1[n, j]), times rate
    db1 = work.ones_N.dot(dz1, out=work.db1)
    b1 -= db1

    return loss


def _largest(array, out):
    """The largest entry of each row; where rows are short, argmax is quicker than maximum."""
    rows, found = array.reshape(-1, array.shape[-1]), out.reshape(-1)
    for start in range(0, len(rows), 1024):
        part = rows[start : start + 1024]
        places = part.argmax(axis=1)
        np.add(places, np.arange(0, part.size, part.shape[1]), out=places)
        part.take(places, out=found[start : start + 1024], mode="clip")
    return out


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
