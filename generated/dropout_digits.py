"""Handwritten digits, half of the units dropped at every step

In training a coin is tossed for every unit of every row: heads, it is doubled; tails,
it is 0 and its error with it. In use all units speak. The module draws the coins, or
takes them as input keep1, keep2 (Srivastava et al. 2014).

Written by symbackprop from the spec dropout_digits (5147517cae6ced6c).
Call init_params, then forward, loss_and_grads, sgd_step.

What is not handed in of keep1, keep2 is drawn: rng= is a generator or a seed, which
gives the same numbers again.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "x": ("N", 64),
    "y": ("N",),
    "keep1": ("N", 256),
    "keep2": ("N", 256),
    "W1": (64, 256),
    "b1": (256,),
    "W2": (256, 256),
    "b2": (256,),
    "W3": (256, 10),
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
    "keep1": "b",
    "keep2": "b",
}
_CLASSES = {
    "y": 10,
}
_EXTENTS = [
    "N",
]
_DRAWS = {
    "keep1": ("bernoulli", 0.5),
    "keep2": ("bernoulli", 0.5),
}


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "W1": _glorot_uniform(rng, (64, 256), dtype),
        "b1": np.zeros((256,), dtype),
        "W2": _glorot_uniform(rng, (256, 256), dtype),
        "b2": np.zeros((256,), dtype),
        "W3": _glorot_uniform(rng, (256, 10), dtype),
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
        self._drawn = {
            "keep1": np.empty((N, 256), np.bool_),
            "keep2": np.empty((N, 256), np.bool_),
        }
        self._block = np.empty(16384, np.float32)
        self.ones_10 = np.ones(10, dtype)
        self.range_N = np.arange(N)
        self.fixed_N = np.multiply(self.range_N, 10)
        self.ones_N = np.ones(N, dtype)
        self.fixed_N_2 = np.multiply(self.range_N, 10)
        self.z1 = _aligned((N, 256), dtype)
        self.multiply_3 = _aligned((N, 256), dtype)
        self.h1 = _aligned((N, 256), dtype)
        self.multiply_6 = _aligned((N, 256), dtype)
        self.h2 = _aligned((N, 256), dtype)
        self.z3 = np.empty((N, 10), dtype)
        self.add_9 = np.empty((N,), np.intp)
        self.take_9 = np.empty((N,), dtype)
        self.largest_8 = np.empty((N,), dtype)
        self.total_8 = np.empty((N,), dtype)
        self.dW3 = _aligned((256, 10), dtype)
        self.db3 = np.empty((10,), dtype)
        self.mask_15 = np.empty((N, 256), np.bool_)
        self.dW2 = _aligned((256, 256), dtype)
        self.db2 = np.empty((256,), dtype)
        self.dW1 = _aligned((64, 256), dtype)
        self.db1 = np.empty((256,), dtype)
        self._alike = _alike(self._shapes)
        self.one = np.ones((), dtype)  # quicker beside few entries than a number


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


def forward(
    params, *, x, keep1=None, keep2=None, rng=None, workspace=None, training=False
):
    """Return p, by name."""
    if training:
        return _forward_in_training(params, x, keep1, keep2, rng, workspace)
    return _forward_in_use(params, x, workspace)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def _forward_in_training(params, x, keep1, keep2, rng, workspace):
    """Return p, by name."""
    given = {"x": x, "keep1": keep1, "keep2": keep2}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    keep1 = given["keep1"]
    keep2 = given["keep2"]
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = np.matmul(x, W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) z_h1[n, j] = relu(z1[n, j])
    z_h1 = np.maximum(z1, 0.0, out=z1)

    # (3) h1[n, j] = keep1[n, j] * 2 * z_h1[n, j]
    multiply_3 = np.multiply(z_h1, 2.0, out=z_h1)
    h1 = work.h1
    np.copyto(h1, 0.0)
    np.copyto(h1, multiply_3, where=keep1)

    # (4) z2[n, j] = b2[j] + sum[i](W2[i, j] * h1[n, i])
    z2 = np.matmul(h1, W2, out=work.z1)
    np.add(z2, b2, out=z2)

    # (5) z_h2[n, j] = relu(z2[n, j])
    z_h2 = np.maximum(z2, 0.0, out=z2)

    # (6) h2[n, j] = keep2[n, j] * 2 * z_h2[n, j]
    multiply_6 = np.multiply(z_h2, 2.0, out=z_h2)
    h2 = work.h2
    np.copyto(h2, 0.0)
    np.copyto(h2, multiply_6, where=keep2)

    # (7) z3[n, j] = b3[j] + sum[i](W3[i, j] * h2[n, i])
    z3 = h2.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (8) p[n, k] = exp(z3[n, k] - logsumexp[j](z3[n, j]))
    largest_8 = np.maximum.reduce(z3, axis=1, out=work.largest_8)
    p = np.subtract(z3, largest_8[:, None], out=z3)
    np.exp(p, out=p)
    total_8 = p.dot(work.ones_10, out=work.total_8)
    p /= total_8[:, None]

    return {
        "p": p,
    }


def _forward_in_use(params, x, workspace):
    """Return p, by name."""
    work = _prepare(params, {"x": x}, workspace)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = np.matmul(x, W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) z_h1[n, j] = relu(z1[n, j])
    z_h1 = np.maximum(z1, 0.0, out=z1)

    # (4) z2[n, j] = b2[j] + sum[i](W2[i, j] * h1[n, i])
    z2 = np.matmul(z_h1, W2, out=work.h2)
    np.add(z2, b2, out=z2)

    # (5) z_h2[n, j] = relu(z2[n, j])
    z_h2 = np.maximum(z2, 0.0, out=z2)

    # (7) z3[n, j] = b3[j] + sum[i](W3[i, j] * h2[n, i])
    z3 = z_h2.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (8) p[n, k] = exp(z3[n, k] - logsumexp[j](z3[n, j]))
    largest_8 = np.maximum.reduce(z3, axis=1, out=work.largest_8)
    p = np.subtract(z3, largest_8[:, None], out=z3)
    np.exp(p, out=p)
    total_8 = p.dot(work.ones_10, out=work.total_8)
    p /= total_8[:, None]

    # (23) h1[n, j] = z_h1[n, j]: the array z_h1
    # (24) h2[n, j] = z_h2[n, j]: the array z_h2

    return {
        "p": p,
    }


def loss(
    params, *, x, y, keep1=None, keep2=None, rng=None, workspace=None, training=True
):
    """Return the loss."""
    if training:
        return _loss_in_training(params, x, y, keep1, keep2, rng, workspace)
    return _loss_in_use(params, x, y, workspace)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def _loss_in_training(params, x, y, keep1, keep2, rng, workspace):
    """Return the loss."""
    given = {"x": x, "y": y, "keep1": keep1, "keep2": keep2}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    N = work.N
    keep1 = given["keep1"]
    keep2 = given["keep2"]
    y = np.asarray(y, dtype=np.intp)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = np.matmul(x, W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) z_h1[n, j] = relu(z1[n, j])
    z_h1 = np.maximum(z1, 0.0, out=z1)

    # (3) h1[n, j] = keep1[n, j] * 2 * z_h1[n, j]
    multiply_3 = np.multiply(z_h1, 2.0, out=z_h1)
    h1 = work.h1
    np.copyto(h1, 0.0)
    np.copyto(h1, multiply_3, where=keep1)

    # (4) z2[n, j] = b2[j] + sum[i](W2[i, j] * h1[n, i])
    z2 = np.matmul(h1, W2, out=work.z1)
    np.add(z2, b2, out=z2)

    # (5) z_h2[n, j] = relu(z2[n, j])
    z_h2 = np.maximum(z2, 0.0, out=z2)

    # (6) h2[n, j] = keep2[n, j] * 2 * z_h2[n, j]
    multiply_6 = np.multiply(z_h2, 2.0, out=z_h2)
    h2 = work.h2
    np.copyto(h2, 0.0)
    np.copyto(h2, multiply_6, where=keep2)

    # (7) z3[n, j] = b3[j] + sum[i](W3[i, j] * h2[n, i])
    z3 = h2.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (9) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    add_9 = np.add(work.fixed_N, y, out=work.add_9)
    take_9 = z3.take(add_9, out=work.take_9, mode="clip")

    # (8) p[n, k] = exp(z3[n, k] - logsumexp[j](z3[n, j]))
    largest_8 = np.maximum.reduce(z3, axis=1, out=work.largest_8)
    subtract_8 = np.subtract(z3, largest_8[:, None], out=z3)
    np.exp(subtract_8, out=subtract_8)
    total_8 = subtract_8.dot(work.ones_10, out=work.total_8)

    # (9) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    log_9 = np.log(total_8, out=total_8)
    take_9 -= largest_8
    log_9 -= take_9
    total_9 = float(np.add.reduce(log_9, axis=None))
    loss = total_9 / N

    return loss


def _loss_in_use(params, x, y, workspace):
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
    z1 = np.matmul(x, W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) z_h1[n, j] = relu(z1[n, j])
    z_h1 = np.maximum(z1, 0.0, out=z1)

    # (4) z2[n, j] = b2[j] + sum[i](W2[i, j] * h1[n, i])
    z2 = np.matmul(z_h1, W2, out=work.h2)
    np.add(z2, b2, out=z2)

    # (5) z_h2[n, j] = relu(z2[n, j])
    z_h2 = np.maximum(z2, 0.0, out=z2)

    # (7) z3[n, j] = b3[j] + sum[i](W3[i, j] * h2[n, i])
    z3 = z_h2.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (9) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    add_9 = np.add(work.fixed_N_2, y, out=work.add_9)
    take_9 = z3.take(add_9, out=work.take_9, mode="clip")

    # (8) p[n, k] = exp(z3[n, k] - logsumexp[j](z3[n, j]))
    largest_8 = np.maximum.reduce(z3, axis=1, out=work.largest_8)
    subtract_8 = np.subtract(z3, largest_8[:, None], out=z3)
    np.exp(subtract_8, out=subtract_8)
    total_8 = subtract_8.dot(work.ones_10, out=work.total_8)

    # (9) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    log_9 = np.log(total_8, out=total_8)
    take_9 -= largest_8
    log_9 -= take_9
    total_9 = float(np.add.reduce(log_9, axis=None))
    loss = total_9 / N

    # (23) h1[n, j] = z_h1[n, j]: the array z_h1
    # (24) h2[n, j] = z_h2[n, j]: the array z_h2

    return loss


def loss_and_grads(
    params, *, x, y, keep1=None, keep2=None, rng=None, workspace=None, training=True
):
    """Return the loss and its gradients by W1, b1, W2, b2, W3, b3."""
    if training:
        return _loss_and_grads_in_training(params, x, y, keep1, keep2, rng, workspace)
    return _loss_and_grads_in_use(params, x, y, workspace)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def _loss_and_grads_in_training(params, x, y, keep1, keep2, rng, workspace):
    """Return the loss and its gradients by W1, b1, W2, b2, W3, b3."""
    given = {"x": x, "y": y, "keep1": keep1, "keep2": keep2}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    N = work.N
    keep1 = given["keep1"]
    keep2 = given["keep2"]
    y = np.asarray(y, dtype=np.intp)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = np.matmul(x, W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) z_h1[n, j] = relu(z1[n, j])
    z_h1 = np.maximum(z1, 0.0, out=z1)

    # (3) h1[n, j] = keep1[n, j] * 2 * z_h1[n, j]
    multiply_3 = np.multiply(z_h1, 2.0, out=work.multiply_3)
    h1 = work.h1
    np.copyto(h1, 0.0)
    np.copyto(h1, multiply_3, where=keep1)

    # (4) z2[n, j] = b2[j] + sum[i](W2[i, j] * h1[n, i])
    z2 = np.matmul(h1, W2, out=work.multiply_3)
    np.add(z2, b2, out=z2)

    # (5) z_h2[n, j] = relu(z2[n, j])
    z_h2 = np.maximum(z2, 0.0, out=z2)

    # (6) h2[n, j] = keep2[n, j] * 2 * z_h2[n, j]
    multiply_6 = np.multiply(z_h2, 2.0, out=work.multiply_6)
    h2 = work.h2
    np.copyto(h2, 0.0)
    np.copyto(h2, multiply_6, where=keep2)

    # (7) z3[n, j] = b3[j] + sum[i](W3[i, j] * h2[n, i])
    z3 = h2.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (9) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    add_9 = np.add(work.fixed_N, y, out=work.add_9)
    take_9 = z3.take(add_9, out=work.take_9, mode="clip")

    # (8) p[n, k] = exp(z3[n, k] - logsumexp[j](z3[n, j]))
    largest_8 = np.maximum.reduce(z3, axis=1, out=work.largest_8)
    p = np.subtract(z3, largest_8[:, None], out=z3)
    np.exp(p, out=p)
    total_8 = p.dot(work.ones_10, out=work.total_8)
    p /= total_8[:, None]

    # (9) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    log_9 = np.log(total_8, out=total_8)
    take_9 -= largest_8
    log_9 -= take_9
    total_9 = float(np.add.reduce(log_9, axis=None))
    loss = total_9 / N

    # (10) dz3[n, j] = (p[n, j] - [j = y[n]]) / N
    take_10 = p.take(add_9, out=work.total_8, mode="clip")
    take_10 -= work.one
    dz3 = p
    dz3.put(add_9, take_10)
    dz3 /= N

    # (11) dW3[i, j] = sum[n](dz3[n, j] * h2[n, i])
    dW3 = h2.T.dot(dz3, out=work.dW3)

    # (12) db3[j] = sum[n](dz3[n, j])
    db3 = work.ones_N.dot(dz3, out=work.db3)

    # (13) dh2[n, i] = sum[j](W3[i, j] * dz3[n, j])
    dh2 = np.matmul(dz3, W3.T, out=work.h2)

    # (14) dz_h2[n, j] = 2 * dh2[n, j] * keep2[n, j]
    dz_h2 = np.multiply(dh2, 2.0, out=dh2)
    np.multiply(keep2, dz_h2, out=dz_h2)

    # (15) dz2[n, j] = dz_h2[n, j] * [z2[n, j] > 0]
    mask_15 = np.greater(z_h2, 0.0, out=work.mask_15)
    dz2 = np.multiply(mask_15, dz_h2, out=dz_h2)

    # (16) dW2[i, j] = sum[n](dz2[n, j] * h1[n, i])
    dW2 = np.matmul(h1.T, dz2, out=work.dW2)

    # (17) db2[j] = sum[n](dz2[n, j])
    db2 = work.ones_N.dot(dz2, out=work.db2)

    # (18) dh1[n, i] = sum[j](W2[i, j] * dz2[n, j])
    dh1 = np.matmul(dz2, W2.T, out=work.h1)

    # (19) dz_h1[n, j] = 2 * dh1[n, j] * keep1[n, j]
    dz_h1 = np.multiply(dh1, 2.0, out=dh1)
    np.multiply(keep1, dz_h1, out=dz_h1)

    # (20) dz1[n, j] = dz_h1[n, j] * [z1[n, j] > 0]
    mask_20 = np.greater(z_h1, 0.0, out=work.mask_15)
    dz1 = np.multiply(mask_20, dz_h1, out=dz_h1)

    # (21) dW1[i, j] = sum[n](dz1[n, j] * x[n, i])
    dW1 = np.matmul(x.T, dz1, out=work.dW1)

    # (22) db1[j] = sum[n](dz1[n, j])
    db1 = work.ones_N.dot(dz1, out=work.db1)

    return loss, {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
        "W3": dW3,
        "b3": db3,
    }


def _loss_and_grads_in_use(params, x, y, workspace):
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
    z1 = np.matmul(x, W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) z_h1[n, j] = relu(z1[n, j])
    z_h1 = np.maximum(z1, 0.0, out=z1)

    # (4) z2[n, j] = b2[j] + sum[i](W2[i, j] * h1[n, i])
    z2 = np.matmul(z_h1, W2, out=work.h2)
    np.add(z2, b2, out=z2)

    # (5) z_h2[n, j] = relu(z2[n, j])
    z_h2 = np.maximum(z2, 0.0, out=z2)

    # (7) z3[n, j] = b3[j] + sum[i](W3[i, j] * h2[n, i])
    z3 = z_h2.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (9) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    add_9 = np.add(work.fixed_N_2, y, out=work.add_9)
    take_9 = z3.take(add_9, out=work.take_9, mode="clip")

    # (8) p[n, k] = exp(z3[n, k] - logsumexp[j](z3[n, j]))
    largest_8 = np.maximum.reduce(z3, axis=1, out=work.largest_8)
    p = np.subtract(z3, largest_8[:, None], out=z3)
    np.exp(p, out=p)
    total_8 = p.dot(work.ones_10, out=work.total_8)
    p /= total_8[:, None]

    # (9) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    log_9 = np.log(total_8, out=total_8)
    take_9 -= largest_8
    log_9 -= take_9
    total_9 = float(np.add.reduce(log_9, axis=None))
    loss = total_9 / N

    # (10) dz3[n, j] = (p[n, j] - [j = y[n]]) / N
    take_10 = p.take(add_9, out=work.total_8, mode="clip")
    take_10 -= work.one
    dz3 = p
    dz3.put(add_9, take_10)
    dz3 /= N

    # (11) dW3[i, j] = sum[n](dz3[n, j] * h2[n, i])
    dW3 = z_h2.T.dot(dz3, out=work.dW3)

    # (12) db3[j] = sum[n](dz3[n, j])
    db3 = work.ones_N.dot(dz3, out=work.db3)

    # (13) dh2[n, i] = sum[j](W3[i, j] * dz3[n, j])
    dh2 = np.matmul(dz3, W3.T, out=work.multiply_6)

    # (15) dz2[n, j] = dz_h2[n, j] * [z2[n, j] > 0]
    mask_15 = np.greater(z_h2, 0.0, out=work.mask_15)
    dz2 = np.multiply(mask_15, dh2, out=dh2)

    # (16) dW2[i, j] = sum[n](dz2[n, j] * h1[n, i])
    dW2 = np.matmul(z_h1.T, dz2, out=work.dW2)

    # (17) db2[j] = sum[n](dz2[n, j])
    db2 = work.ones_N.dot(dz2, out=work.db2)

    # (18) dh1[n, i] = sum[j](W2[i, j] * dz2[n, j])
    dh1 = np.matmul(dz2, W2.T, out=work.h2)

    # (20) dz1[n, j] = dz_h1[n, j] * [z1[n, j] > 0]
    mask_20 = np.greater(z_h1, 0.0, out=work.mask_15)
    dz1 = np.multiply(mask_20, dh1, out=dh1)

    # (21) dW1[i, j] = sum[n](dz1[n, j] * x[n, i])
    dW1 = np.matmul(x.T, dz1, out=work.dW1)

    # (22) db1[j] = sum[n](dz1[n, j])
    db1 = work.ones_N.dot(dz1, out=work.db1)

    # (23) h1[n, j] = z_h1[n, j]: the array z_h1
    # (24) h2[n, j] = z_h2[n, j]: the array z_h2
    # (25) dz_h2[n, j] = dh2[n, j]: the array dh2
    # (26) dz_h1[n, j] = dh1[n, j]: the array dh1

    return loss, {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
        "W3": dW3,
        "b3": db3,
    }


def sgd_step(
    params,
    *,
    x,
    y,
    rate,
    keep1=None,
    keep2=None,
    rng=None,
    workspace=None,
    training=True,
):
    """Change the parameters by -rate times the gradients; return the loss."""
    if training:
        return _sgd_step_in_training(params, x, y, rate, keep1, keep2, rng, workspace)
    return _sgd_step_in_use(params, x, y, rate, workspace)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def _sgd_step_in_training(params, x, y, rate, keep1, keep2, rng, workspace):
    """Change the parameters by -rate times the gradients; return the loss."""
    given = {"x": x, "y": y, "keep1": keep1, "keep2": keep2}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    rate = _checked_rate(rate, params, work)
    N = work.N
    keep1 = given["keep1"]
    keep2 = given["keep2"]
    y = np.asarray(y, dtype=np.intp)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = np.matmul(x, W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) z_h1[n, j] = relu(z1[n, j])
    z_h1 = np.maximum(z1, 0.0, out=z1)

    # (3) h1[n, j] = keep1[n, j] * 2 * z_h1[n, j]
    multiply_3 = np.multiply(z_h1, 2.0, out=work.multiply_3)
    h1 = work.h1
    np.copyto(h1, 0.0)
    np.copyto(h1, multiply_3, where=keep1)

    # (4) z2[n, j] = b2[j] + sum[i](W2[i, j] * h1[n, i])
    z2 = np.matmul(h1, W2, out=work.multiply_3)
    np.add(z2, b2, out=z2)

    # (5) z_h2[n, j] = relu(z2[n, j])
    z_h2 = np.maximum(z2, 0.0, out=z2)

    # (6) h2[n, j] = keep2[n, j] * 2 * z_h2[n, j]
    multiply_6 = np.multiply(z_h2, 2.0, out=work.multiply_6)
    h2 = work.h2
    np.copyto(h2, 0.0)
    np.copyto(h2, multiply_6, where=keep2)

    # (7) z3[n, j] = b3[j] + sum[i](W3[i, j] * h2[n, i])
    z3 = h2.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (9) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    add_9 = np.add(work.fixed_N, y, out=work.add_9)
    take_9 = z3.take(add_9, out=work.take_9, mode="clip")

    # (8) p[n, k] = exp(z3[n, k] - logsumexp[j](z3[n, j]))
    largest_8 = np.maximum.reduce(z3, axis=1, out=work.largest_8)
    p = np.subtract(z3, largest_8[:, None], out=z3)
    np.exp(p, out=p)
    total_8 = p.dot(work.ones_10, out=work.total_8)
    p /= total_8[:, None]

    # (9) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    log_9 = np.log(total_8, out=total_8)
    take_9 -= largest_8
    log_9 -= take_9
    total_9 = float(np.add.reduce(log_9, axis=None))
    loss = total_9 / N

    # (10) dz3[n, j] = (p[n, j] - [j = y[n]]) / N, times rate
    take_10 = p.take(add_9, out=work.total_8, mode="clip")
    take_10 -= work.one
    dz3 = p
    dz3.put(add_9, take_10)
    divide_10 = rate / N
    dz3 *= divide_10

    # (11) dW3[i, j] = sum[n](dz3[n, j] * h2[n, i]), times rate
    dW3 = h2.T.dot(dz3, out=work.dW3)

    # (12) db3[j] = sum[n](dz3[n, j]), times rate
    db3 = work.ones_N.dot(dz3, out=work.db3)
    b3 -= db3

    # (13) dh2[n, i] = sum[j](W3[i, j] * dz3[n, j]), times rate
    dh2 = np.matmul(dz3, W3.T, out=work.h2)

    # (11) W3 -= rate * dW3
    W3 -= dW3

    # (14) dz_h2[n, j] = 2 * dh2[n, j] * keep2[n, j], times rate
    dz_h2 = np.multiply(dh2, 2.0, out=dh2)
    np.multiply(keep2, dz_h2, out=dz_h2)

    # (15) dz2[n, j] = dz_h2[n, j] * [z2[n, j] > 0], times rate
    mask_15 = np.greater(z_h2, 0.0, out=work.mask_15)
    dz2 = np.multiply(mask_15, dz_h2, out=dz_h2)

    # (17) db2[j] = sum[n](dz2[n, j]), times rate
    db2 = work.ones_N.dot(dz2, out=work.db2)
    b2 -= db2

    # (18) dh1[n, i] = sum[j](W2[i, j] * dz2[n, j]), times rate
    dh1 = np.matmul(dz2, W2.T, out=work.multiply_3)

    # (16) dW2[i, j] = sum[n](dz2[n, j] * h1[n, i]), times rate
    dW2 = np.matmul(h1.T, dz2, out=work.dW2)
    W2 -= dW2

    # (19) dz_h1[n, j] = 2 * dh1[n, j] * keep1[n, j], times rate
    dz_h1 = np.multiply(dh1, 2.0, out=dh1)
    np.multiply(keep1, dz_h1, out=dz_h1)

    # (20) dz1[n, j] = dz_h1[n, j] * [z1[n, j] > 0], times rate
    mask_20 = np.greater(z_h1, 0.0, out=work.mask_15)
    dz1 = np.multiply(mask_20, dz_h1, out=dz_h1)

    # (21) dW1[i, j] = sum[n](dz1[n, j] * x[n, i]), times rate
    dW1 = np.matmul(x.T, dz1, out=work.dW1)
    W1 -= dW1

    # (22) db1[j] = sum[n](dz1[n, j]), times rate
    db1 = work.ones_N.dot(dz1, out=work.db1)
    b1 -= db1

    return loss


def _sgd_step_in_use(params, x, y, rate, workspace):
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
    z1 = np.matmul(x, W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) z_h1[n, j] = relu(z1[n, j])
    z_h1 = np.maximum(z1, 0.0, out=z1)

    # (4) z2[n, j] = b2[j] + sum[i](W2[i, j] * h1[n, i])
    z2 = np.matmul(z_h1, W2, out=work.h2)
    np.add(z2, b2, out=z2)

    # (5) z_h2[n, j] = relu(z2[n, j])
    z_h2 = np.maximum(z2, 0.0, out=z2)

    # (7) z3[n, j] = b3[j] + sum[i](W3[i, j] * h2[n, i])
    z3 = z_h2.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (9) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    add_9 = np.add(work.fixed_N_2, y, out=work.add_9)
    take_9 = z3.take(add_9, out=work.take_9, mode="clip")

    # (8) p[n, k] = exp(z3[n, k] - logsumexp[j](z3[n, j]))
    largest_8 = np.maximum.reduce(z3, axis=1, out=work.largest_8)
    p = np.subtract(z3, largest_8[:, None], out=z3)
    np.exp(p, out=p)
    total_8 = p.dot(work.ones_10, out=work.total_8)
    p /= total_8[:, None]

    # (9) loss = sum[n](logsumexp[j](z3[n, j]) - z3[n, y[n]]) / N
    log_9 = np.log(total_8, out=total_8)
    take_9 -= largest_8
    log_9 -= take_9
    total_9 = float(np.add.reduce(log_9, axis=None))
    loss = total_9 / N

    # (10) dz3[n, j] = (p[n, j] - [j = y[n]]) / N, times rate
    take_10 = p.take(add_9, out=work.total_8, mode="clip")
    take_10 -= work.one
    dz3 = p
    dz3.put(add_9, take_10)
    divide_10 = rate / N
    dz3 *= divide_10

    # (11) dW3[i, j] = sum[n](dz3[n, j] * h2[n, i]), times rate
    dW3 = z_h2.T.dot(dz3, out=work.dW3)

    # (12) db3[j] = sum[n](dz3[n, j]), times rate
    db3 = work.ones_N.dot(dz3, out=work.db3)
    b3 -= db3

    # (13) dh2[n, i] = sum[j](W3[i, j] * dz3[n, j]), times rate
    dh2 = np.matmul(dz3, W3.T, out=work.multiply_6)

    # (11) W3 -= rate * dW3
    W3 -= dW3

    # (15) dz2[n, j] = dz_h2[n, j] * [z2[n, j] > 0], times rate
    mask_15 = np.greater(z_h2, 0.0, out=work.mask_15)
    dz2 = np.multiply(mask_15, dh2, out=dh2)

    # (17) db2[j] = sum[n](dz2[n, j]), times rate
    db2 = work.ones_N.dot(dz2, out=work.db2)
    b2 -= db2

    # (18) dh1[n, i] = sum[j](W2[i, j] * dz2[n, j]), times rate
    dh1 = np.matmul(dz2, W2.T, out=work.h2)

    # (16) dW2[i, j] = sum[n](dz2[n, j] * h1[n, i]), times rate
    dW2 = np.matmul(z_h1.T, dz2, out=work.dW2)
    W2 -= dW2

    # (20) dz1[n, j] = dz_h1[n, j] * [z1[n, j] > 0], times rate
    mask_20 = np.greater(z_h1, 0.0, out=work.mask_15)
    dz1 = np.multiply(mask_20, dh1, out=dh1)

    # (21) dW1[i, j] = sum[n](dz1[n, j] * x[n, i]), times rate
    dW1 = np.matmul(x.T, dz1, out=work.dW1)
    W1 -= dW1

    # (22) db1[j] = sum[n](dz1[n, j]), times rate
    db1 = work.ones_N.dot(dz1, out=work.db1)
    b1 -= db1

    # (23) h1[n, j] = z_h1[n, j]: the array z_h1
    # (24) h2[n, j] = z_h2[n, j]: the array z_h2
    # (25) dz_h2[n, j] = dh2[n, j], times rate: the array dh2
    # (26) dz_h1[n, j] = dh1[n, j], times rate: the array dh1

    return loss


def _draw(given, rng, work):
    """Draw what may be drawn and was not given, in order; `rng` is a generator or a seed."""
    waiting = [name for name in given if name in _DRAWS and given[name] is None]
    if not waiting:
        return
    try:
        rng = np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ValueError(f"rng: expected a generator or a seed, got {rng!r}") from None
    for name in waiting:
        given[name] = out = work._drawn[name]
        if _DRAWS[name][0] == "bernoulli":
            _bernoulli_into(out, rng, *_DRAWS[name][1:], work._block)


def _bernoulli_into(out, rng, probability, block):
    """A mask that is True with the probability; uniform numbers fill a block at a time."""
    flat = out.reshape(-1)
    for start in range(0, flat.size, block.size):
        part = flat[start : start + block.size]
        uniform = block[: part.size]
        rng.random(dtype=np.float32, out=uniform)
        np.less(uniform, probability, out=part)


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
    given = {
        name: array
        for name, array in given.items()
        if array is not None or name not in _DRAWS
    }
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
