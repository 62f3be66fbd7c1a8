"""A mixture of Gaussians for a relation that is no function

Where one x has several answers the mean of them is none; a mixture says all of them.
Its gradients are weighed by the share that each component has in explaining the row
(Bishop, 1994). The rows are drawn, by make_samples.py, as Bishop drew them: x = t + 0.3
sin(2πt) + noise.

Written by symbackprop from the spec mixture_density (60e9337d2849a219).
Call init_params, then forward, loss_and_grads, sgd_step.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "x": ("N", 1),
    "t": ("N",),
    "W1": (1, 20),
    "b1": (20,),
    "W2": (20, 3),
    "b2": (3,),
    "W3": (20, 3),
    "b3": (3,),
    "W4": (20, 3),
    "b4": (3,),
    "g": ("N", 3),
    "mu": ("N", 3),
    "s": ("N", 3),
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
        "W1": _glorot_uniform(rng, (1, 20), dtype),
        "b1": np.zeros((20,), dtype),
        "W2": _glorot_uniform(rng, (20, 3), dtype),
        "b2": np.zeros((3,), dtype),
        "W3": _glorot_uniform(rng, (20, 3), dtype),
        "b3": np.zeros((3,), dtype),
        "W4": _glorot_uniform(rng, (20, 3), dtype),
        "b4": np.zeros((3,), dtype),
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
        self.ones_3 = np.ones(3, dtype)
        self.ones_N = np.ones(N, dtype)
        self.z1 = _aligned((N, 20), dtype)
        self.z2 = np.empty((N, 3), dtype)
        self.largest_4 = np.empty((N,), dtype)
        self.p = np.empty((N, 3), dtype)
        self.mu = np.empty((N, 3), dtype)
        self.s = np.empty((N, 3), dtype)
        self.multiply_8 = np.empty((N, 3), dtype)
        self.subtract_8 = np.empty((N, 3), dtype)
        self.total_9 = np.empty((N,), dtype)
        self.dW4 = np.empty((20, 3), dtype)
        self.db4 = np.empty((3,), dtype)
        self.dW3 = np.empty((20, 3), dtype)
        self.db3 = np.empty((3,), dtype)
        self.dW2 = np.empty((20, 3), dtype)
        self.db2 = np.empty((3,), dtype)
        self.product_23 = _aligned((N, 20), dtype)
        self.product_23_2 = _aligned((N, 20), dtype)
        self.dh = _aligned((N, 20), dtype)
        self.dW1 = np.empty((1, 20), dtype)
        self.db1 = np.empty((20,), dtype)
        self.negative_14 = np.empty((N, 3), dtype)
        self._alike = _alike(self._shapes)
        self.one = np.ones((), dtype)  # quicker beside few entries than a number


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


def forward(params, *, x, workspace=None, training=False):
    """Return g, mu, s, by name."""
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

    # (2) h[n, j] = tanh(z1[n, j])
    h = np.tanh(z1, out=z1)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    z2 = h.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) p[n, j] = exp(z2[n, j] - logsumexp[j1](z2[n, j1]))
    largest_4 = np.maximum.reduce(z2, axis=1, out=work.largest_4)
    subtract_4 = np.subtract(z2, largest_4[:, None], out=z2)
    exp_4 = np.exp(subtract_4, out=work.subtract_8)
    total_4 = exp_4.dot(work.ones_3, out=work.largest_4)

    # (5) g[n, k] = z2[n, k] - logsumexp[j](z2[n, j])
    log_5 = np.log(total_4, out=total_4)
    g = np.subtract(subtract_4, log_5[:, None], out=subtract_4)

    # (6) mu[n, j] = b3[j] + sum[i](W3[i, j] * h[n, i])
    mu = h.dot(W3, out=work.mu)
    np.add(mu, b3, out=mu)

    # (7) s[n, j] = b4[j] + sum[i](W4[i, j] * h[n, i])
    s = h.dot(W4, out=work.s)
    np.add(s, b4, out=s)

    return {
        "g": g,
        "mu": mu,
        "s": s,
    }


def loss(params, *, x, t, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"x": x, "t": t}, workspace)
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

    # (2) h[n, j] = tanh(z1[n, j])
    h = np.tanh(z1, out=z1)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    z2 = h.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) p[n, j] = exp(z2[n, j] - logsumexp[j1](z2[n, j1]))
    largest_4 = np.maximum.reduce(z2, axis=1, out=work.largest_4)
    subtract_4 = np.subtract(z2, largest_4[:, None], out=z2)
    exp_4 = np.exp(subtract_4, out=work.subtract_8)
    total_4 = exp_4.dot(work.ones_3, out=work.largest_4)

    # (5) g[n, k] = z2[n, k] - logsumexp[j](z2[n, j])
    log_5 = np.log(total_4, out=total_4)
    g = np.subtract(subtract_4, log_5[:, None], out=subtract_4)

    # (6) mu[n, j] = b3[j] + sum[i](W3[i, j] * h[n, i])
    mu = h.dot(W3, out=work.mu)
    np.add(mu, b3, out=mu)

    # (7) s[n, j] = b4[j] + sum[i](W4[i, j] * h[n, i])
    s = h.dot(W4, out=work.s)
    np.add(s, b4, out=s)

    # (8) q[n, i] = g[n, i] - s[n, i] - (t[n] - mu[n, i])**2 * exp(-2 * s[n, i]) / 2
    multiply_8 = np.multiply(s, -2.0, out=work.multiply_8)
    np.exp(multiply_8, dtype=float, out=multiply_8)
    subtract_8 = np.subtract(t[:, None], mu, out=mu)
    subtract_8 *= subtract_8
    subtract_8 *= multiply_8
    q = np.subtract(g, s, out=g)
    subtract_8 /= 2.0
    q -= subtract_8

    # (9) p1[n, i] = exp(q[n, i] - logsumexp[i1](q[n, i1]))
    largest_9 = np.maximum.reduce(q, axis=1, out=work.largest_4)
    subtract_9 = np.subtract(q, largest_9[:, None], out=q)
    np.exp(subtract_9, out=subtract_9)
    total_9 = subtract_9.dot(work.ones_3, out=work.total_9)

    # (10) l[n] = logsumexp[i](q[n, i]) - 9189385332046727 / 10000000000000000
    l = np.log(total_9, out=total_9)
    l -= 0.9189385332046727
    l += largest_9

    # (11) loss = -sum[n](l[n]) / N
    total_11 = float(np.add.reduce(l, axis=None))
    loss = total_11 / (-N)

    return loss


def loss_and_grads(params, *, x, t, workspace=None, training=True):
    """Return the loss and its gradients by W1, b1, W2, b2, W3, b3, W4, b4."""
    work = _prepare(params, {"x": x, "t": t}, workspace)
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

    # (2) h[n, j] = tanh(z1[n, j])
    h = np.tanh(z1, out=z1)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    z2 = h.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) p[n, j] = exp(z2[n, j] - logsumexp[j1](z2[n, j1]))
    largest_4 = np.maximum.reduce(z2, axis=1, out=work.largest_4)
    subtract_4 = np.subtract(z2, largest_4[:, None], out=z2)
    p = np.exp(subtract_4, out=work.p)
    total_4 = p.dot(work.ones_3, out=work.largest_4)
    p /= total_4[:, None]

    # (5) g[n, k] = z2[n, k] - logsumexp[j](z2[n, j])
    log_5 = np.log(total_4, out=total_4)
    g = np.subtract(subtract_4, log_5[:, None], out=subtract_4)

    # (6) mu[n, j] = b3[j] + sum[i](W3[i, j] * h[n, i])
    mu = h.dot(W3, out=work.mu)
    np.add(mu, b3, out=mu)

    # (7) s[n, j] = b4[j] + sum[i](W4[i, j] * h[n, i])
    s = h.dot(W4, out=work.s)
    np.add(s, b4, out=s)

    # (8) q[n, i] = g[n, i] - s[n, i] - (t[n] - mu[n, i])**2 * exp(-2 * s[n, i]) / 2
    multiply_8 = np.multiply(s, -2.0, out=work.multiply_8)
    np.exp(multiply_8, dtype=float, out=multiply_8)
    subtract_8 = np.subtract(t[:, None], mu, out=work.subtract_8)
    subtract_8 *= subtract_8
    subtract_8 *= multiply_8
    q = np.subtract(g, s, out=g)
    divide_8 = np.divide(subtract_8, 2.0, out=work.s)
    q -= divide_8

    # (9) p1[n, i] = exp(q[n, i] - logsumexp[i1](q[n, i1]))
    largest_9 = np.maximum.reduce(q, axis=1, out=work.largest_4)
    p1 = np.subtract(q, largest_9[:, None], out=q)
    np.exp(p1, out=p1)
    total_9 = p1.dot(work.ones_3, out=work.total_9)
    p1 /= total_9[:, None]

    # (10) l[n] = logsumexp[i](q[n, i]) - 9189385332046727 / 10000000000000000
    l = np.log(total_9, out=total_9)
    l -= 0.9189385332046727
    l += largest_9

    # (11) loss = -sum[n](l[n]) / N
    total_11 = float(np.add.reduce(l, axis=None))
    loss = total_11 / (-N)

    # (12) dq[n, i] = -p1[n, i] / N
    dq = np.divide(p1, -N, out=p1)

    # (13) dg[n, i] = dq[n, i]: the array dq

    # (14) dmu[n, i] = -(mu[n, i] - t[n]) * dq[n, i] * exp(-2 * s[n, i])
    dmu = np.subtract(mu, t[:, None], out=mu)
    negative_14 = np.negative(multiply_8, out=multiply_8)
    dmu *= negative_14
    dmu *= dq

    # (15) ds[n, i] = ((t[n] - mu[n, i])**2 * exp(-2 * s[n, i]) - 1) * dq[n, i]
    ds = np.subtract(subtract_8, work.one, out=subtract_8)
    ds *= dq

    # (16) dW4[i, j] = sum[n](ds[n, j] * h[n, i])
    dW4 = h.T.dot(ds, out=work.dW4)

    # (17) db4[j] = sum[n](ds[n, j])
    db4 = work.ones_N.dot(ds, out=work.db4)

    # (18) dW3[i, j] = sum[n](dmu[n, j] * h[n, i])
    dW3 = h.T.dot(dmu, out=work.dW3)

    # (19) db3[j] = sum[n](dmu[n, j])
    db3 = work.ones_N.dot(dmu, out=work.db3)

    # (20) dz2[n, j] = dg[n, j] - p[n, j] * sum[k](dg[n, k])
    total_20 = dq.dot(work.ones_3, out=work.total_9)
    dz2 = np.multiply(p, total_20[:, None], out=p)
    np.subtract(dq, dz2, out=dz2)

    # (21) dW2[i, j] = sum[n](dz2[n, j] * h[n, i])
    dW2 = h.T.dot(dz2, out=work.dW2)

    # (22) db2[j] = sum[n](dz2[n, j])
    db2 = work.ones_N.dot(dz2, out=work.db2)

    # (23) dh[n, i] = sum[j](W2[i, j] * dz2[n, j]) + sum[j](W3[i, j] * dmu[n, j]) +
    #     sum[j](W4[i, j] * ds[n, j])
    product_23 = dz2.dot(W2.T, out=work.product_23)
    product_23_2 = dmu.dot(W3.T, out=work.product_23_2)
    dh = ds.dot(W4.T, out=work.dh)
    product_23_2 += product_23
    dh += product_23_2

    # (24) dz1[n, j] = (1 - h[n, j]**2) * dh[n, j]
    dz1 = np.multiply(h, h, out=h)
    np.subtract(work.one, dz1, out=dz1)
    dz1 *= dh

    # (25) dW1[i, j] = sum[n](dz1[n, j] * x[n, i])
    dW1 = x.T.dot(dz1, out=work.dW1)

    # (26) db1[j] = sum[n](dz1[n, j])
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


def sgd_step(params, *, x, t, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"x": x, "t": t}, workspace)
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

    # (2) h[n, j] = tanh(z1[n, j])
    h = np.tanh(z1, out=z1)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    z2 = h.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) p[n, j] = exp(z2[n, j] - logsumexp[j1](z2[n, j1]))
    largest_4 = np.maximum.reduce(z2, axis=1, out=work.largest_4)
    subtract_4 = np.subtract(z2, largest_4[:, None], out=z2)
    p = np.exp(subtract_4, out=work.p)
    total_4 = p.dot(work.ones_3, out=work.largest_4)
    p /= total_4[:, None]

    # (5) g[n, k] = z2[n, k] - logsumexp[j](z2[n, j])
    log_5 = np.log(total_4, out=total_4)
    g = np.subtract(subtract_4, log_5[:, None], out=subtract_4)

    # (6) mu[n, j] = b3[j] + sum[i](W3[i, j] * h[n, i])
    mu = h.dot(W3, out=work.mu)
    np.add(mu, b3, out=mu)

    # (7) s[n, j] = b4[j] + sum[i](W4[i, j] * h[n, i])
    s = h.dot(W4, out=work.s)
    np.add(s, b4, out=s)

    # (8) q[n, i] = g[n, i] - s[n, i] - (t[n] - mu[n, i])**2 * exp(-2 * s[n, i]) / 2
    multiply_8 = np.multiply(s, -2.0, out=work.multiply_8)
    np.exp(multiply_8, dtype=float, out=multiply_8)
    subtract_8 = np.subtract(t[:, None], mu, out=work.subtract_8)
    subtract_8 *= subtract_8

    # (14) dmu, the part that is known already
    dmu = np.subtract(mu, t[:, None], out=mu)
    negative_14 = np.negative(multiply_8, out=work.negative_14)
    dmu *= negative_14

    # (8) q[n, i] = g[n, i] - s[n, i] - (t[n] - mu[n, i])**2 * exp(-2 * s[n, i]) / 2
    subtract_8 *= multiply_8
    q = np.subtract(g, s, out=g)
    divide_8 = np.divide(subtract_8, 2.0, out=work.s)
    q -= divide_8

    # (9) p1[n, i] = exp(q[n, i] - logsumexp[i1](q[n, i1]))
    largest_9 = np.maximum.reduce(q, axis=1, out=work.largest_4)
    p1 = np.subtract(q, largest_9[:, None], out=q)
    np.exp(p1, out=p1)
    total_9 = p1.dot(work.ones_3, out=work.total_9)
    p1 /= total_9[:, None]

    # (10) l[n] = logsumexp[i](q[n, i]) - 9189385332046727 / 10000000000000000
    l = np.log(total_9, out=total_9)
    l -= 0.9189385332046727
    l += largest_9

    # (11) loss = -sum[n](l[n]) / N
    total_11 = float(np.add.reduce(l, axis=None))
    loss = total_11 / (-N)

    # (12) dq[n, i] = -p1[n, i] / N, times rate
    divide_12 = rate / (-N)
    dq = np.multiply(p1, divide_12, out=p1)

    # (13) dg[n, i] = dq[n, i], times rate: the array dq

    # (14) dmu[n, i] = -(mu[n, i] - t[n]) * dq[n, i] * exp(-2 * s[n, i]), times rate
    dmu *= dq

    # (15) ds[n, i] = ((t[n] - mu[n, i])**2 * exp(-2 * s[n, i]) - 1) * dq[n, i], times
    #     rate
    ds = np.subtract(subtract_8, work.one, out=subtract_8)
    ds *= dq

    # (16) dW4[i, j] = sum[n](ds[n, j] * h[n, i]), times rate
    dW4 = h.T.dot(ds, out=work.dW4)

    # (17) db4[j] = sum[n](ds[n, j]), times rate
    db4 = work.ones_N.dot(ds, out=work.db4)
    b4 -= db4

    # (18) dW3[i, j] = sum[n](dmu[n, j] * h[n, i]), times rate
    dW3 = h.T.dot(dmu, out=work.dW3)

    # (19) db3[j] = sum[n](dmu[n, j]), times rate
    db3 = work.ones_N.dot(dmu, out=work.db3)
    b3 -= db3

    # (20) dz2[n, j] = dg[n, j] - p[n, j] * sum[k](dg[n, k]), times rate
    total_20 = dq.dot(work.ones_3, out=work.total_9)
    dz2 = np.multiply(p, total_20[:, None], out=p)
    np.subtract(dq, dz2, out=dz2)

    # (21) dW2[i, j] = sum[n](dz2[n, j] * h[n, i]), times rate
    dW2 = h.T.dot(dz2, out=work.dW2)

    # (22) db2[j] = sum[n](dz2[n, j]), times rate
    db2 = work.ones_N.dot(dz2, out=work.db2)
    b2 -= db2

    # (23) dh[n, i] = sum[j](W2[i, j] * dz2[n, j]) + sum[j](W3[i, j] * dmu[n, j]) +
    #     sum[j](W4[i, j] * ds[n, j]), times rate
    product_23 = dz2.dot(W2.T, out=work.product_23)
    product_23_2 = dmu.dot(W3.T, out=work.product_23_2)
    dh = ds.dot(W4.T, out=work.dh)
    product_23_2 += product_23
    dh += product_23_2

    # (21) W2 -= rate * dW2
    W2 -= dW2

    # (18) W3 -= rate * dW3
    W3 -= dW3

    # (16) W4 -= rate * dW4
    W4 -= dW4

    # (24) dz1[n, j] = (1 - h[n, j]**2) * dh[n, j], times rate
    dz1 = np.multiply(h, h, out=h)
    np.subtract(work.one, dz1, out=dz1)
    dz1 *= dh

    # (25) dW1[i, j] = sum[n](dz1[n, j] * x[n, i]), times rate
    dW1 = x.T.dot(dz1, out=work.dW1)
    W1 -= dW1

    # (26) db1[j] = sum[n](dz1[n, j]), times rate
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
