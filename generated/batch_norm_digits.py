"""Handwritten digits, every layer normalised over its batch

The mean and the variance of a batch are functions of all of its rows, so every row's
error reaches every other row. In use they are not the batch's but running ones, and the
rows are strangers again (Ioffe and Szegedy 2015).

Written by symbackprop from the spec batch_norm_digits (bd1a274779724562).
Call init_params, then forward, loss_and_grads, sgd_step.

state= takes the running values, first those of init_state: a step of training, with its
gradients, changes them in place; in use they are read.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "x": ("N", 64),
    "y": ("N",),
    "W1": (64, 64),
    "gamma2": (64,),
    "beta2": (64,),
    "W3": (64, 64),
    "gamma4": (64,),
    "beta4": (64,),
    "W5": (64, 10),
    "b5": (10,),
    "running_mean2": (64,),
    "running_var2": (64,),
    "running_mean4": (64,),
    "running_var4": (64,),
    "p": ("N", 10),
}

_PARAMETERS = [
    "W1",
    "gamma2",
    "beta2",
    "W3",
    "gamma4",
    "beta4",
    "W5",
    "b5",
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
_STATES = [
    "running_mean2",
    "running_var2",
    "running_mean4",
    "running_var4",
]


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "W1": _glorot_uniform(rng, (64, 64), dtype),
        "gamma2": np.ones((64,), dtype),
        "beta2": np.zeros((64,), dtype),
        "W3": _glorot_uniform(rng, (64, 64), dtype),
        "gamma4": np.ones((64,), dtype),
        "beta4": np.zeros((64,), dtype),
        "W5": _glorot_uniform(rng, (64, 10), dtype),
        "b5": np.zeros((10,), dtype),
    }


def init_state(dtype=np.float32):
    """Return the states as training starts; steps of training change them in place."""
    return {
        "running_mean2": np.zeros((64,), dtype),
        "running_var2": np.ones((64,), dtype),
        "running_mean4": np.zeros((64,), dtype),
        "running_var4": np.ones((64,), dtype),
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
        self._state = init_state(dtype)
        self.ones_N = np.ones(N, dtype)
        self.ones_10 = np.ones(10, dtype)
        self.range_N = np.arange(N)
        self.fixed_N = np.multiply(self.range_N, 10)
        self.fixed_N_2 = np.multiply(self.range_N, 10)
        self.z1 = _aligned((N, 64), dtype)
        self.mu2 = np.empty((64,), dtype)
        self.var2 = np.empty((64,), dtype)
        self.r2 = np.empty((64,), dtype)
        self.new_running_mean2 = np.empty((64,), dtype)
        self.z2 = _aligned((N, 64), dtype)
        self.z3 = _aligned((N, 64), dtype)
        self.var4 = np.empty((64,), dtype)
        self.r4 = np.empty((64,), dtype)
        self.new_running_mean4 = np.empty((64,), dtype)
        self.z4 = _aligned((N, 64), dtype)
        self.z5 = np.empty((N, 10), dtype)
        self.add_21 = np.empty((N,), np.intp)
        self.take_21 = np.empty((N,), dtype)
        self.largest_20 = np.empty((N,), dtype)
        self.total_20 = np.empty((N,), dtype)
        self.dW5 = np.empty((64, 10), dtype)
        self.db5 = np.empty((10,), dtype)
        self.dh2 = _aligned((N, 64), dtype)
        self.mask_26 = np.empty((N, 64), np.bool_)
        self.dgamma4 = np.empty((64,), dtype)
        self.total_30 = np.empty((64,), dtype)
        self.inner_30 = np.empty((64,), dtype)
        self.dW3 = _aligned((64, 64), dtype)
        self.inner_37 = np.empty((64,), dtype)
        self.dW1 = _aligned((64, 64), dtype)
        self._alike = _alike(self._shapes)
        self.one = np.ones((), dtype)  # quicker beside few entries than a number


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


def forward(params, *, x, state=None, workspace=None, training=False):
    """Return p, by name."""
    if training:
        return _forward_in_training(params, x, workspace)
    return _forward_in_use(params, x, state, workspace)


def _forward_in_training(params, x, workspace):
    """Return p, by name."""
    work = _prepare(params, {"x": x}, workspace)
    N = work.N
    W1 = params["W1"]
    gamma2 = params["gamma2"]
    beta2 = params["beta2"]
    W3 = params["W3"]
    gamma4 = params["gamma4"]
    beta4 = params["beta4"]
    W5 = params["W5"]
    b5 = params["b5"]

    # (1) z1[n, j] = sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)

    # (2) mu2[c] = sum[n](z1[n, c]) / N
    mu2 = work.ones_N.dot(z1, out=work.mu2)
    mu2 /= N

    # (3) var2[c] = sum[n]((z1[n, c] - mu2[c])**2) / N
    subtract_3 = np.subtract(z1, mu2, out=z1)
    var2 = np.einsum("...i,...i->...", subtract_3.T, subtract_3.T, out=work.var2)
    var2 /= N

    # (4) r2[c] = 1 / sqrt(1 / 100000 + var2[c])
    r2 = np.add(var2, 1e-05, out=var2)
    np.sqrt(r2, out=r2)
    np.reciprocal(r2, out=r2)

    # (7) xhat2[n, c] = (z1[n, c] - mu2[c]) * r2[c]
    xhat2 = np.multiply(subtract_3, r2, out=subtract_3)

    # (8) z2[n, c] = gamma2[c] * xhat2[n, c] + beta2[c]
    z2 = np.multiply(xhat2, gamma2, out=xhat2)
    np.add(z2, beta2, out=z2)

    # (9) h1[n, c] = relu(z2[n, c])
    h1 = np.maximum(z2, 0.0, out=z2)

    # (10) z3[n, j] = sum[i](W3[i, j] * h1[n, i])
    z3 = h1.dot(W3, out=work.z3)

    # (11) mu4[c] = sum[n](z3[n, c]) / N
    mu4 = work.ones_N.dot(z3, out=work.var2)
    mu4 /= N

    # (12) var4[c] = sum[n]((z3[n, c] - mu4[c])**2) / N
    subtract_12 = np.subtract(z3, mu4, out=z3)
    var4 = np.einsum("...i,...i->...", subtract_12.T, subtract_12.T, out=work.var4)
    var4 /= N

    # (13) r4[c] = 1 / sqrt(1 / 100000 + var4[c])
    r4 = np.add(var4, 1e-05, out=var4)
    np.sqrt(r4, out=r4)
    np.reciprocal(r4, out=r4)

    # (16) xhat4[n, c] = (z3[n, c] - mu4[c]) * r4[c]
    xhat4 = np.multiply(subtract_12, r4, out=subtract_12)

    # (17) z4[n, c] = gamma4[c] * xhat4[n, c] + beta4[c]
    z4 = np.multiply(xhat4, gamma4, out=xhat4)
    np.add(z4, beta4, out=z4)

    # (18) h2[n, c] = relu(z4[n, c])
    h2 = np.maximum(z4, 0.0, out=z4)

    # (19) z5[n, j] = b5[j] + sum[i](W5[i, j] * h2[n, i])
    z5 = h2.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (20) p[n, k] = exp(z5[n, k] - logsumexp[j](z5[n, j]))
    largest_20 = np.maximum.reduce(z5, axis=1, out=work.largest_20)
    p = np.subtract(z5, largest_20[:, None], out=z5)
    np.exp(p, out=p)
    total_20 = p.dot(work.ones_10, out=work.total_20)
    p /= total_20[:, None]

    return {
        "p": p,
    }


def _forward_in_use(params, x, state, workspace):
    """Return p, by name."""
    work = _prepare(params, {"x": x}, workspace)
    state = _held(state, work)
    W1 = params["W1"]
    gamma2 = params["gamma2"]
    beta2 = params["beta2"]
    W3 = params["W3"]
    gamma4 = params["gamma4"]
    beta4 = params["beta4"]
    W5 = params["W5"]
    b5 = params["b5"]
    running_mean2 = state["running_mean2"]
    running_var2 = state["running_var2"]
    running_mean4 = state["running_mean4"]
    running_var4 = state["running_var4"]

    # (1) z1[n, j] = sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)

    # (4) r2[c] = 1 / sqrt(1 / 100000 + var2[c])
    r2 = np.add(running_var2, 1e-05, out=work.r2)
    np.sqrt(r2, out=r2)
    np.reciprocal(r2, out=r2)

    # (7) xhat2[n, c] = (z1[n, c] - mu2[c]) * r2[c]
    xhat2 = np.subtract(z1, running_mean2, out=z1)
    xhat2 *= r2

    # (8) z2[n, c] = gamma2[c] * xhat2[n, c] + beta2[c]
    z2 = np.multiply(xhat2, gamma2, out=xhat2)
    np.add(z2, beta2, out=z2)

    # (9) h1[n, c] = relu(z2[n, c])
    h1 = np.maximum(z2, 0.0, out=z2)

    # (10) z3[n, j] = sum[i](W3[i, j] * h1[n, i])
    z3 = h1.dot(W3, out=work.z3)

    # (13) r4[c] = 1 / sqrt(1 / 100000 + var4[c])
    r4 = np.add(running_var4, 1e-05, out=work.r4)
    np.sqrt(r4, out=r4)
    np.reciprocal(r4, out=r4)

    # (16) xhat4[n, c] = (z3[n, c] - mu4[c]) * r4[c]
    xhat4 = np.subtract(z3, running_mean4, out=z3)
    xhat4 *= r4

    # (17) z4[n, c] = gamma4[c] * xhat4[n, c] + beta4[c]
    z4 = np.multiply(xhat4, gamma4, out=xhat4)
    np.add(z4, beta4, out=z4)

    # (18) h2[n, c] = relu(z4[n, c])
    h2 = np.maximum(z4, 0.0, out=z4)

    # (19) z5[n, j] = b5[j] + sum[i](W5[i, j] * h2[n, i])
    z5 = h2.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (20) p[n, k] = exp(z5[n, k] - logsumexp[j](z5[n, j]))
    largest_20 = np.maximum.reduce(z5, axis=1, out=work.largest_20)
    p = np.subtract(z5, largest_20[:, None], out=z5)
    np.exp(p, out=p)
    total_20 = p.dot(work.ones_10, out=work.total_20)
    p /= total_20[:, None]

    # (39) mu2[c] = running_mean2[c]: the array running_mean2
    # (40) var2[c] = running_var2[c]: the array running_var2
    # (41) mu4[c] = running_mean4[c]: the array running_mean4
    # (42) var4[c] = running_var4[c]: the array running_var4

    return {
        "p": p,
    }


def loss(params, *, x, y, state=None, workspace=None, training=True):
    """Return the loss."""
    if training:
        return _loss_in_training(params, x, y, workspace)
    return _loss_in_use(params, x, y, state, workspace)


def _loss_in_training(params, x, y, workspace):
    """Return the loss."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    N = work.N
    y = np.asarray(y, dtype=np.intp)
    W1 = params["W1"]
    gamma2 = params["gamma2"]
    beta2 = params["beta2"]
    W3 = params["W3"]
    gamma4 = params["gamma4"]
    beta4 = params["beta4"]
    W5 = params["W5"]
    b5 = params["b5"]

    # (1) z1[n, j] = sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)

    # (2) mu2[c] = sum[n](z1[n, c]) / N
    mu2 = work.ones_N.dot(z1, out=work.mu2)
    mu2 /= N

    # (3) var2[c] = sum[n]((z1[n, c] - mu2[c])**2) / N
    subtract_3 = np.subtract(z1, mu2, out=z1)
    var2 = np.einsum("...i,...i->...", subtract_3.T, subtract_3.T, out=work.var2)
    var2 /= N

    # (4) r2[c] = 1 / sqrt(1 / 100000 + var2[c])
    r2 = np.add(var2, 1e-05, out=var2)
    np.sqrt(r2, out=r2)
    np.reciprocal(r2, out=r2)

    # (7) xhat2[n, c] = (z1[n, c] - mu2[c]) * r2[c]
    xhat2 = np.multiply(subtract_3, r2, out=subtract_3)

    # (8) z2[n, c] = gamma2[c] * xhat2[n, c] + beta2[c]
    z2 = np.multiply(xhat2, gamma2, out=xhat2)
    np.add(z2, beta2, out=z2)

    # (9) h1[n, c] = relu(z2[n, c])
    h1 = np.maximum(z2, 0.0, out=z2)

    # (10) z3[n, j] = sum[i](W3[i, j] * h1[n, i])
    z3 = h1.dot(W3, out=work.z3)

    # (11) mu4[c] = sum[n](z3[n, c]) / N
    mu4 = work.ones_N.dot(z3, out=work.var2)
    mu4 /= N

    # (12) var4[c] = sum[n]((z3[n, c] - mu4[c])**2) / N
    subtract_12 = np.subtract(z3, mu4, out=z3)
    var4 = np.einsum("...i,...i->...", subtract_12.T, subtract_12.T, out=work.var4)
    var4 /= N

    # (13) r4[c] = 1 / sqrt(1 / 100000 + var4[c])
    r4 = np.add(var4, 1e-05, out=var4)
    np.sqrt(r4, out=r4)
    np.reciprocal(r4, out=r4)

    # (16) xhat4[n, c] = (z3[n, c] - mu4[c]) * r4[c]
    xhat4 = np.multiply(subtract_12, r4, out=subtract_12)

    # (17) z4[n, c] = gamma4[c] * xhat4[n, c] + beta4[c]
    z4 = np.multiply(xhat4, gamma4, out=xhat4)
    np.add(z4, beta4, out=z4)

    # (18) h2[n, c] = relu(z4[n, c])
    h2 = np.maximum(z4, 0.0, out=z4)

    # (19) z5[n, j] = b5[j] + sum[i](W5[i, j] * h2[n, i])
    z5 = h2.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (21) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    add_21 = np.add(work.fixed_N, y, out=work.add_21)
    take_21 = z5.take(add_21, out=work.take_21, mode="clip")

    # (20) p[n, k] = exp(z5[n, k] - logsumexp[j](z5[n, j]))
    largest_20 = np.maximum.reduce(z5, axis=1, out=work.largest_20)
    subtract_20 = np.subtract(z5, largest_20[:, None], out=z5)
    np.exp(subtract_20, out=subtract_20)
    total_20 = subtract_20.dot(work.ones_10, out=work.total_20)

    # (21) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    log_21 = np.log(total_20, out=total_20)
    take_21 -= largest_20
    log_21 -= take_21
    total_21 = float(np.add.reduce(log_21, axis=None))
    loss = total_21 / N

    return loss


def _loss_in_use(params, x, y, state, workspace):
    """Return the loss."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    state = _held(state, work)
    N = work.N
    y = np.asarray(y, dtype=np.intp)
    W1 = params["W1"]
    gamma2 = params["gamma2"]
    beta2 = params["beta2"]
    W3 = params["W3"]
    gamma4 = params["gamma4"]
    beta4 = params["beta4"]
    W5 = params["W5"]
    b5 = params["b5"]
    running_mean2 = state["running_mean2"]
    running_var2 = state["running_var2"]
    running_mean4 = state["running_mean4"]
    running_var4 = state["running_var4"]

    # (1) z1[n, j] = sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)

    # (4) r2[c] = 1 / sqrt(1 / 100000 + var2[c])
    r2 = np.add(running_var2, 1e-05, out=work.r2)
    np.sqrt(r2, out=r2)
    np.reciprocal(r2, out=r2)

    # (7) xhat2[n, c] = (z1[n, c] - mu2[c]) * r2[c]
    xhat2 = np.subtract(z1, running_mean2, out=z1)
    xhat2 *= r2

    # (8) z2[n, c] = gamma2[c] * xhat2[n, c] + beta2[c]
    z2 = np.multiply(xhat2, gamma2, out=xhat2)
    np.add(z2, beta2, out=z2)

    # (9) h1[n, c] = relu(z2[n, c])
    h1 = np.maximum(z2, 0.0, out=z2)

    # (10) z3[n, j] = sum[i](W3[i, j] * h1[n, i])
    z3 = h1.dot(W3, out=work.z3)

    # (13) r4[c] = 1 / sqrt(1 / 100000 + var4[c])
    r4 = np.add(running_var4, 1e-05, out=work.r4)
    np.sqrt(r4, out=r4)
    np.reciprocal(r4, out=r4)

    # (16) xhat4[n, c] = (z3[n, c] - mu4[c]) * r4[c]
    xhat4 = np.subtract(z3, running_mean4, out=z3)
    xhat4 *= r4

    # (17) z4[n, c] = gamma4[c] * xhat4[n, c] + beta4[c]
    z4 = np.multiply(xhat4, gamma4, out=xhat4)
    np.add(z4, beta4, out=z4)

    # (18) h2[n, c] = relu(z4[n, c])
    h2 = np.maximum(z4, 0.0, out=z4)

    # (19) z5[n, j] = b5[j] + sum[i](W5[i, j] * h2[n, i])
    z5 = h2.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (21) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    add_21 = np.add(work.fixed_N_2, y, out=work.add_21)
    take_21 = z5.take(add_21, out=work.take_21, mode="clip")

    # (20) p[n, k] = exp(z5[n, k] - logsumexp[j](z5[n, j]))
    largest_20 = np.maximum.reduce(z5, axis=1, out=work.largest_20)
    subtract_20 = np.subtract(z5, largest_20[:, None], out=z5)
    np.exp(subtract_20, out=subtract_20)
    total_20 = subtract_20.dot(work.ones_10, out=work.total_20)

    # (21) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    log_21 = np.log(total_20, out=total_20)
    take_21 -= largest_20
    log_21 -= take_21
    total_21 = float(np.add.reduce(log_21, axis=None))
    loss = total_21 / N

    # (39) mu2[c] = running_mean2[c]: the array running_mean2
    # (40) var2[c] = running_var2[c]: the array running_var2
    # (41) mu4[c] = running_mean4[c]: the array running_mean4
    # (42) var4[c] = running_var4[c]: the array running_var4

    return loss


def loss_and_grads(params, *, x, y, state=None, workspace=None, training=True):
    """Return the loss and its gradients by parameter and input names."""
    if training:
        return _loss_and_grads_in_training(params, x, y, state, workspace)
    return _loss_and_grads_in_use(params, x, y, state, workspace)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def _loss_and_grads_in_training(params, x, y, state, workspace):
    """Return the loss and its gradients by parameter and input names."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    state = _held(state, work, changed=True)
    N = work.N
    if N - 1 == 0:
        _refuse_divisor("x", x, "N - 1", "batch_norm")
    y = np.asarray(y, dtype=np.intp)
    W1 = params["W1"]
    gamma2 = params["gamma2"]
    beta2 = params["beta2"]
    W3 = params["W3"]
    gamma4 = params["gamma4"]
    beta4 = params["beta4"]
    W5 = params["W5"]
    b5 = params["b5"]
    running_mean2 = state["running_mean2"]
    running_var2 = state["running_var2"]
    running_mean4 = state["running_mean4"]
    running_var4 = state["running_var4"]

    # (1) z1[n, j] = sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)

    # (2) mu2[c] = sum[n](z1[n, c]) / N
    mu2 = work.ones_N.dot(z1, out=work.mu2)
    mu2 /= N

    # (3) var2[c] = sum[n]((z1[n, c] - mu2[c])**2) / N
    subtract_3 = np.subtract(z1, mu2, out=z1)
    var2 = np.einsum("...i,...i->...", subtract_3.T, subtract_3.T, out=work.var2)
    var2 /= N

    # (4) r2[c] = 1 / sqrt(1 / 100000 + var2[c])
    r2 = np.add(var2, 1e-05, out=work.r2)
    np.sqrt(r2, out=r2)
    np.reciprocal(r2, out=r2)

    # (5) new_running_mean2[c] = mu2[c] / 10 + 9 * running_mean2[c] / 10
    new_running_mean2 = np.multiply(running_mean2, 9.0, out=work.new_running_mean2)
    new_running_mean2 += mu2
    new_running_mean2 /= 10.0

    # (6) new_running_var2[c] = 9 * running_var2[c] / 10 + N * var2[c] / (10 * (N - 1))
    new_running_var2 = np.multiply(var2, N * float(np.float_power(N - 1, -1)), out=var2)
    multiply_6 = np.multiply(running_var2, 9.0, out=work.mu2)
    new_running_var2 += multiply_6
    new_running_var2 /= 10.0

    # (7) xhat2[n, c] = (z1[n, c] - mu2[c]) * r2[c]
    xhat2 = np.multiply(subtract_3, r2, out=subtract_3)

    # (8) z2[n, c] = gamma2[c] * xhat2[n, c] + beta2[c]
    z2 = np.multiply(xhat2, gamma2, out=work.z2)
    np.add(z2, beta2, out=z2)

    # (9) h1[n, c] = relu(z2[n, c])
    h1 = np.maximum(z2, 0.0, out=z2)

    # (10) z3[n, j] = sum[i](W3[i, j] * h1[n, i])
    z3 = h1.dot(W3, out=work.z3)

    # (11) mu4[c] = sum[n](z3[n, c]) / N
    mu4 = work.ones_N.dot(z3, out=work.mu2)
    mu4 /= N

    # (12) var4[c] = sum[n]((z3[n, c] - mu4[c])**2) / N
    subtract_12 = np.subtract(z3, mu4, out=z3)
    var4 = np.einsum("...i,...i->...", subtract_12.T, subtract_12.T, out=work.var4)
    var4 /= N

    # (13) r4[c] = 1 / sqrt(1 / 100000 + var4[c])
    r4 = np.add(var4, 1e-05, out=work.r4)
    np.sqrt(r4, out=r4)
    np.reciprocal(r4, out=r4)

    # (14) new_running_mean4[c] = mu4[c] / 10 + 9 * running_mean4[c] / 10
    new_running_mean4 = np.multiply(running_mean4, 9.0, out=work.new_running_mean4)
    new_running_mean4 += mu4
    new_running_mean4 /= 10.0

    # (15) new_running_var4[c] = 9 * running_var4[c] / 10 + N * var4[c] / (10 * (N - 1))
    new_running_var4 = np.multiply(var4, N * float(np.float_power(N - 1, -1)), out=var4)
    multiply_15 = np.multiply(running_var4, 9.0, out=work.mu2)
    new_running_var4 += multiply_15
    new_running_var4 /= 10.0

    # (16) xhat4[n, c] = (z3[n, c] - mu4[c]) * r4[c]
    xhat4 = np.multiply(subtract_12, r4, out=subtract_12)

    # (17) z4[n, c] = gamma4[c] * xhat4[n, c] + beta4[c]
    z4 = np.multiply(xhat4, gamma4, out=work.z4)
    np.add(z4, beta4, out=z4)

    # (18) h2[n, c] = relu(z4[n, c])
    h2 = np.maximum(z4, 0.0, out=z4)

    # (19) z5[n, j] = b5[j] + sum[i](W5[i, j] * h2[n, i])
    z5 = h2.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (21) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    add_21 = np.add(work.fixed_N, y, out=work.add_21)
    take_21 = z5.take(add_21, out=work.take_21, mode="clip")

    # (20) p[n, k] = exp(z5[n, k] - logsumexp[j](z5[n, j]))
    largest_20 = np.maximum.reduce(z5, axis=1, out=work.largest_20)
    p = np.subtract(z5, largest_20[:, None], out=z5)
    np.exp(p, out=p)
    total_20 = p.dot(work.ones_10, out=work.total_20)
    p /= total_20[:, None]

    # (21) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    log_21 = np.log(total_20, out=total_20)
    take_21 -= largest_20
    log_21 -= take_21
    total_21 = float(np.add.reduce(log_21, axis=None))
    loss = total_21 / N

    # (22) dz5[n, j] = (p[n, j] - [j = y[n]]) / N
    take_22 = p.take(add_21, out=work.total_20, mode="clip")
    take_22 -= work.one
    dz5 = p
    dz5.put(add_21, take_22)
    dz5 /= N

    # (23) dW5[i, j] = sum[n](dz5[n, j] * h2[n, i])
    dW5 = h2.T.dot(dz5, out=work.dW5)

    # (24) db5[j] = sum[n](dz5[n, j])
    db5 = work.ones_N.dot(dz5, out=work.db5)

    # (25) dh2[n, i] = sum[j](W5[i, j] * dz5[n, j])
    dh2 = dz5.dot(W5.T, out=work.dh2)

    # (26) dz4[n, c] = dh2[n, c] * [z4[n, c] > 0]
    mask_26 = np.greater(h2, 0.0, out=work.mask_26)
    dz4 = np.multiply(mask_26, dh2, out=dh2)

    # (27) dbeta4[c] = sum[n](dz4[n, c])
    dbeta4 = work.ones_N.dot(dz4, out=work.mu2)

    # (28) dgamma4[c] = sum[n](dz4[n, c] * xhat4[n, c])
    dgamma4 = np.einsum("...i,...i->...", dz4.T, xhat4.T, out=work.dgamma4)

    # (29) dxhat4[n, c] = gamma4[c] * dz4[n, c]
    dxhat4 = np.multiply(dz4, gamma4, out=dz4)

    # (30) dz3[n, c] = (dxhat4[n, c] - sum[n1](dxhat4[n1, c]) / N - xhat4[n, c] *
    #     sum[n1](dxhat4[n1, c] * xhat4[n1, c]) / N) * r4[c]
    total_30 = work.ones_N.dot(dxhat4, out=work.total_30)
    total_30 /= N
    inner_30 = np.einsum("...i,...i->...", dxhat4.T, xhat4.T, out=work.inner_30)
    inner_30 /= N
    multiply_30 = np.multiply(xhat4, inner_30, out=xhat4)
    dz3 = np.subtract(dxhat4, total_30, out=dxhat4)
    dz3 -= multiply_30
    dz3 *= r4

    # (31) dW3[i, j] = sum[n](dz3[n, j] * h1[n, i])
    dW3 = h1.T.dot(dz3, out=work.dW3)

    # (32) dh1[n, i] = sum[j](W3[i, j] * dz3[n, j])
    dh1 = dz3.dot(W3.T, out=work.z3)

    # (33) dz2[n, c] = dh1[n, c] * [z2[n, c] > 0]
    mask_33 = np.greater(h1, 0.0, out=work.mask_26)
    dz2 = np.multiply(mask_33, dh1, out=dh1)

    # (34) dbeta2[c] = sum[n](dz2[n, c])
    dbeta2 = work.ones_N.dot(dz2, out=work.r4)

    # (35) dgamma2[c] = sum[n](dz2[n, c] * xhat2[n, c])
    dgamma2 = np.einsum("...i,...i->...", dz2.T, xhat2.T, out=work.total_30)

    # (36) dxhat2[n, c] = gamma2[c] * dz2[n, c]
    dxhat2 = np.multiply(dz2, gamma2, out=dz2)

    # (37) dz1[n, c] = (dxhat2[n, c] - sum[n1](dxhat2[n1, c]) / N - xhat2[n, c] *
    #     sum[n1](dxhat2[n1, c] * xhat2[n1, c]) / N) * r2[c]
    total_37 = work.ones_N.dot(dxhat2, out=work.inner_30)
    total_37 /= N
    inner_37 = np.einsum("...i,...i->...", dxhat2.T, xhat2.T, out=work.inner_37)
    inner_37 /= N
    multiply_37 = np.multiply(xhat2, inner_37, out=xhat2)
    dz1 = np.subtract(dxhat2, total_37, out=dxhat2)
    dz1 -= multiply_37
    dz1 *= r2

    # (38) dW1[i, j] = sum[n](dz1[n, j] * x[n, i])
    dW1 = x.T.dot(dz1, out=work.dW1)

    if state is not work._state:
        np.copyto(state["running_mean2"], new_running_mean2)
        np.copyto(state["running_var2"], new_running_var2)
        np.copyto(state["running_mean4"], new_running_mean4)
        np.copyto(state["running_var4"], new_running_var4)

    return loss, {
        "W1": dW1,
        "gamma2": dgamma2,
        "beta2": dbeta2,
        "W3": dW3,
        "gamma4": dgamma4,
        "beta4": dbeta4,
        "W5": dW5,
        "b5": db5,
    }


def _loss_and_grads_in_use(params, x, y, state, workspace):
    """Return the loss and its gradients by parameter and input names."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    state = _held(state, work)
    N = work.N
    y = np.asarray(y, dtype=np.intp)
    W1 = params["W1"]
    gamma2 = params["gamma2"]
    beta2 = params["beta2"]
    W3 = params["W3"]
    gamma4 = params["gamma4"]
    beta4 = params["beta4"]
    W5 = params["W5"]
    b5 = params["b5"]
    running_mean2 = state["running_mean2"]
    running_var2 = state["running_var2"]
    running_mean4 = state["running_mean4"]
    running_var4 = state["running_var4"]

    # (1) z1[n, j] = sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)

    # (4) r2[c] = 1 / sqrt(1 / 100000 + var2[c])
    r2 = np.add(running_var2, 1e-05, out=work.r2)
    np.sqrt(r2, out=r2)
    np.reciprocal(r2, out=r2)

    # (7) xhat2[n, c] = (z1[n, c] - mu2[c]) * r2[c]
    xhat2 = np.subtract(z1, running_mean2, out=z1)
    xhat2 *= r2

    # (8) z2[n, c] = gamma2[c] * xhat2[n, c] + beta2[c]
    z2 = np.multiply(xhat2, gamma2, out=work.z2)
    np.add(z2, beta2, out=z2)

    # (9) h1[n, c] = relu(z2[n, c])
    h1 = np.maximum(z2, 0.0, out=z2)

    # (10) z3[n, j] = sum[i](W3[i, j] * h1[n, i])
    z3 = h1.dot(W3, out=work.z3)

    # (13) r4[c] = 1 / sqrt(1 / 100000 + var4[c])
    r4 = np.add(running_var4, 1e-05, out=work.r4)
    np.sqrt(r4, out=r4)
    np.reciprocal(r4, out=r4)

    # (16) xhat4[n, c] = (z3[n, c] - mu4[c]) * r4[c]
    xhat4 = np.subtract(z3, running_mean4, out=z3)
    xhat4 *= r4

    # (17) z4[n, c] = gamma4[c] * xhat4[n, c] + beta4[c]
    z4 = np.multiply(xhat4, gamma4, out=work.z4)
    np.add(z4, beta4, out=z4)

    # (18) h2[n, c] = relu(z4[n, c])
    h2 = np.maximum(z4, 0.0, out=z4)

    # (19) z5[n, j] = b5[j] + sum[i](W5[i, j] * h2[n, i])
    z5 = h2.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (21) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    add_21 = np.add(work.fixed_N_2, y, out=work.add_21)
    take_21 = z5.take(add_21, out=work.take_21, mode="clip")

    # (20) p[n, k] = exp(z5[n, k] - logsumexp[j](z5[n, j]))
    largest_20 = np.maximum.reduce(z5, axis=1, out=work.largest_20)
    p = np.subtract(z5, largest_20[:, None], out=z5)
    np.exp(p, out=p)
    total_20 = p.dot(work.ones_10, out=work.total_20)
    p /= total_20[:, None]

    # (21) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    log_21 = np.log(total_20, out=total_20)
    take_21 -= largest_20
    log_21 -= take_21
    total_21 = float(np.add.reduce(log_21, axis=None))
    loss = total_21 / N

    # (22) dz5[n, j] = (p[n, j] - [j = y[n]]) / N
    take_22 = p.take(add_21, out=work.total_20, mode="clip")
    take_22 -= work.one
    dz5 = p
    dz5.put(add_21, take_22)
    dz5 /= N

    # (23) dW5[i, j] = sum[n](dz5[n, j] * h2[n, i])
    dW5 = h2.T.dot(dz5, out=work.dW5)

    # (24) db5[j] = sum[n](dz5[n, j])
    db5 = work.ones_N.dot(dz5, out=work.db5)

    # (25) dh2[n, i] = sum[j](W5[i, j] * dz5[n, j])
    dh2 = dz5.dot(W5.T, out=work.dh2)

    # (26) dz4[n, c] = dh2[n, c] * [z4[n, c] > 0]
    mask_26 = np.greater(h2, 0.0, out=work.mask_26)
    dz4 = np.multiply(mask_26, dh2, out=dh2)

    # (27) dbeta4[c] = sum[n](dz4[n, c])
    dbeta4 = work.ones_N.dot(dz4, out=work.inner_37)

    # (28) dgamma4[c] = sum[n](dz4[n, c] * xhat4[n, c])
    dgamma4 = np.einsum("...i,...i->...", dz4.T, xhat4.T, out=work.dgamma4)

    # (29) dxhat4[n, c] = gamma4[c] * dz4[n, c]
    dxhat4 = np.multiply(dz4, gamma4, out=dz4)

    # (39) mu2[c] = running_mean2[c]: the array running_mean2
    # (40) var2[c] = running_var2[c]: the array running_var2
    # (41) mu4[c] = running_mean4[c]: the array running_mean4
    # (42) var4[c] = running_var4[c]: the array running_var4

    # (43) dz3[n, c] = r4[c] * dxhat4[n, c]
    dz3 = np.multiply(dxhat4, r4, out=dxhat4)

    # (31) dW3[i, j] = sum[n](dz3[n, j] * h1[n, i])
    dW3 = h1.T.dot(dz3, out=work.dW3)

    # (32) dh1[n, i] = sum[j](W3[i, j] * dz3[n, j])
    dh1 = dz3.dot(W3.T, out=work.z3)

    # (33) dz2[n, c] = dh1[n, c] * [z2[n, c] > 0]
    mask_33 = np.greater(h1, 0.0, out=work.mask_26)
    dz2 = np.multiply(mask_33, dh1, out=dh1)

    # (34) dbeta2[c] = sum[n](dz2[n, c])
    dbeta2 = work.ones_N.dot(dz2, out=work.r4)

    # (35) dgamma2[c] = sum[n](dz2[n, c] * xhat2[n, c])
    dgamma2 = np.einsum("...i,...i->...", dz2.T, xhat2.T, out=work.inner_30)

    # (36) dxhat2[n, c] = gamma2[c] * dz2[n, c]
    dxhat2 = np.multiply(dz2, gamma2, out=dz2)

    # (44) dz1[n, c] = r2[c] * dxhat2[n, c]
    dz1 = np.multiply(dxhat2, r2, out=dxhat2)

    # (38) dW1[i, j] = sum[n](dz1[n, j] * x[n, i])
    dW1 = x.T.dot(dz1, out=work.dW1)

    return loss, {
        "W1": dW1,
        "gamma2": dgamma2,
        "beta2": dbeta2,
        "W3": dW3,
        "gamma4": dgamma4,
        "beta4": dbeta4,
        "W5": dW5,
        "b5": db5,
    }


def sgd_step(params, *, x, y, rate, state=None, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    if training:
        return _sgd_step_in_training(params, x, y, rate, state, workspace)
    return _sgd_step_in_use(params, x, y, rate, state, workspace)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def _sgd_step_in_training(params, x, y, rate, state, workspace):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    rate = _checked_rate(rate, params, work)
    state = _held(state, work, changed=True)
    N = work.N
    if N - 1 == 0:
        _refuse_divisor("x", x, "N - 1", "batch_norm")
    y = np.asarray(y, dtype=np.intp)
    W1 = params["W1"]
    gamma2 = params["gamma2"]
    beta2 = params["beta2"]
    W3 = params["W3"]
    gamma4 = params["gamma4"]
    beta4 = params["beta4"]
    W5 = params["W5"]
    b5 = params["b5"]
    running_mean2 = state["running_mean2"]
    running_var2 = state["running_var2"]
    running_mean4 = state["running_mean4"]
    running_var4 = state["running_var4"]

    # (1) z1[n, j] = sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)

    # (2) mu2[c] = sum[n](z1[n, c]) / N
    mu2 = work.ones_N.dot(z1, out=work.mu2)
    mu2 /= N

    # (3) var2[c] = sum[n]((z1[n, c] - mu2[c])**2) / N
    subtract_3 = np.subtract(z1, mu2, out=z1)
    var2 = np.einsum("...i,...i->...", subtract_3.T, subtract_3.T, out=work.var2)
    var2 /= N

    # (4) r2[c] = 1 / sqrt(1 / 100000 + var2[c])
    r2 = np.add(var2, 1e-05, out=work.r2)
    np.sqrt(r2, out=r2)
    np.reciprocal(r2, out=r2)

    # (5) new_running_mean2[c] = mu2[c] / 10 + 9 * running_mean2[c] / 10
    new_running_mean2 = np.multiply(running_mean2, 9.0, out=work.new_running_mean2)
    new_running_mean2 += mu2
    new_running_mean2 /= 10.0

    # (6) new_running_var2[c] = 9 * running_var2[c] / 10 + N * var2[c] / (10 * (N - 1))
    new_running_var2 = np.multiply(var2, N * float(np.float_power(N - 1, -1)), out=var2)
    multiply_6 = np.multiply(running_var2, 9.0, out=work.mu2)
    new_running_var2 += multiply_6
    new_running_var2 /= 10.0

    # (7) xhat2[n, c] = (z1[n, c] - mu2[c]) * r2[c]
    xhat2 = np.multiply(subtract_3, r2, out=subtract_3)

    # (8) z2[n, c] = gamma2[c] * xhat2[n, c] + beta2[c]
    z2 = np.multiply(xhat2, gamma2, out=work.z2)
    np.add(z2, beta2, out=z2)

    # (9) h1[n, c] = relu(z2[n, c])
    h1 = np.maximum(z2, 0.0, out=z2)

    # (10) z3[n, j] = sum[i](W3[i, j] * h1[n, i])
    z3 = h1.dot(W3, out=work.z3)

    # (11) mu4[c] = sum[n](z3[n, c]) / N
    mu4 = work.ones_N.dot(z3, out=work.mu2)
    mu4 /= N

    # (12) var4[c] = sum[n]((z3[n, c] - mu4[c])**2) / N
    subtract_12 = np.subtract(z3, mu4, out=z3)
    var4 = np.einsum("...i,...i->...", subtract_12.T, subtract_12.T, out=work.var4)
    var4 /= N

    # (13) r4[c] = 1 / sqrt(1 / 100000 + var4[c])
    r4 = np.add(var4, 1e-05, out=work.r4)
    np.sqrt(r4, out=r4)
    np.reciprocal(r4, out=r4)

    # (14) new_running_mean4[c] = mu4[c] / 10 + 9 * running_mean4[c] / 10
    new_running_mean4 = np.multiply(running_mean4, 9.0, out=work.new_running_mean4)
    new_running_mean4 += mu4
    new_running_mean4 /= 10.0

    # (15) new_running_var4[c] = 9 * running_var4[c] / 10 + N * var4[c] / (10 * (N - 1))
    new_running_var4 = np.multiply(var4, N * float(np.float_power(N - 1, -1)), out=var4)
    multiply_15 = np.multiply(running_var4, 9.0, out=work.mu2)
    new_running_var4 += multiply_15
    new_running_var4 /= 10.0

    # (16) xhat4[n, c] = (z3[n, c] - mu4[c]) * r4[c]
    xhat4 = np.multiply(subtract_12, r4, out=subtract_12)

    # (17) z4[n, c] = gamma4[c] * xhat4[n, c] + beta4[c]
    z4 = np.multiply(xhat4, gamma4, out=work.z4)
    np.add(z4, beta4, out=z4)

    # (18) h2[n, c] = relu(z4[n, c])
    h2 = np.maximum(z4, 0.0, out=z4)

    # (19) z5[n, j] = b5[j] + sum[i](W5[i, j] * h2[n, i])
    z5 = h2.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (21) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    add_21 = np.add(work.fixed_N, y, out=work.add_21)
    take_21 = z5.take(add_21, out=work.take_21, mode="clip")

    # (20) p[n, k] = exp(z5[n, k] - logsumexp[j](z5[n, j]))
    largest_20 = np.maximum.reduce(z5, axis=1, out=work.largest_20)
    p = np.subtract(z5, largest_20[:, None], out=z5)
    np.exp(p, out=p)
    total_20 = p.dot(work.ones_10, out=work.total_20)
    p /= total_20[:, None]

    # (21) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    log_21 = np.log(total_20, out=total_20)
    take_21 -= largest_20
    log_21 -= take_21
    total_21 = float(np.add.reduce(log_21, axis=None))
    loss = total_21 / N

    # (22) dz5[n, j] = (p[n, j] - [j = y[n]]) / N, times rate
    take_22 = p.take(add_21, out=work.total_20, mode="clip")
    take_22 -= work.one
    dz5 = p
    dz5.put(add_21, take_22)
    divide_22 = rate / N
    dz5 *= divide_22

    # (23) dW5[i, j] = sum[n](dz5[n, j] * h2[n, i]), times rate
    dW5 = h2.T.dot(dz5, out=work.dW5)

    # (24) db5[j] = sum[n](dz5[n, j]), times rate
    db5 = work.ones_N.dot(dz5, out=work.db5)
    b5 -= db5

    # (25) dh2[n, i] = sum[j](W5[i, j] * dz5[n, j]), times rate
    dh2 = dz5.dot(W5.T, out=work.dh2)

    # (23) W5 -= rate * dW5
    W5 -= dW5

    # (26) dz4[n, c] = dh2[n, c] * [z4[n, c] > 0], times rate
    mask_26 = np.greater(h2, 0.0, out=work.mask_26)
    dz4 = np.multiply(mask_26, dh2, out=dh2)

    # (27) dbeta4[c] = sum[n](dz4[n, c]), times rate
    dbeta4 = work.ones_N.dot(dz4, out=work.mu2)
    beta4 -= dbeta4

    # (28) dgamma4[c] = sum[n](dz4[n, c] * xhat4[n, c]), times rate
    dgamma4 = np.einsum("...i,...i->...", dz4.T, xhat4.T, out=work.dgamma4)

    # (29) dxhat4[n, c] = gamma4[c] * dz4[n, c], times rate
    dxhat4 = np.multiply(dz4, gamma4, out=dz4)

    # (28) gamma4 -= rate * dgamma4
    gamma4 -= dgamma4

    # (30) dz3[n, c] = (dxhat4[n, c] - sum[n1](dxhat4[n1, c]) / N - xhat4[n, c] *
    #     sum[n1](dxhat4[n1, c] * xhat4[n1, c]) / N) * r4[c], times rate
    total_30 = work.ones_N.dot(dxhat4, out=work.total_30)
    total_30 /= N
    inner_30 = np.einsum("...i,...i->...", dxhat4.T, xhat4.T, out=work.inner_30)
    inner_30 /= N
    multiply_30 = np.multiply(xhat4, inner_30, out=xhat4)
    dz3 = np.subtract(dxhat4, total_30, out=dxhat4)
    dz3 -= multiply_30
    dz3 *= r4

    # (32) dh1[n, i] = sum[j](W3[i, j] * dz3[n, j]), times rate
    dh1 = dz3.dot(W3.T, out=work.z3)

    # (31) dW3[i, j] = sum[n](dz3[n, j] * h1[n, i]), times rate
    dW3 = h1.T.dot(dz3, out=work.dW3)
    W3 -= dW3

    # (33) dz2[n, c] = dh1[n, c] * [z2[n, c] > 0], times rate
    mask_33 = np.greater(h1, 0.0, out=work.mask_26)
    dz2 = np.multiply(mask_33, dh1, out=dh1)

    # (34) dbeta2[c] = sum[n](dz2[n, c]), times rate
    dbeta2 = work.ones_N.dot(dz2, out=work.r4)
    beta2 -= dbeta2

    # (35) dgamma2[c] = sum[n](dz2[n, c] * xhat2[n, c]), times rate
    dgamma2 = np.einsum("...i,...i->...", dz2.T, xhat2.T, out=work.r4)

    # (36) dxhat2[n, c] = gamma2[c] * dz2[n, c], times rate
    dxhat2 = np.multiply(dz2, gamma2, out=dz2)

    # (35) gamma2 -= rate * dgamma2
    gamma2 -= dgamma2

    # (37) dz1[n, c] = (dxhat2[n, c] - sum[n1](dxhat2[n1, c]) / N - xhat2[n, c] *
    #     sum[n1](dxhat2[n1, c] * xhat2[n1, c]) / N) * r2[c], times rate
    total_37 = work.ones_N.dot(dxhat2, out=work.r4)
    total_37 /= N
    inner_37 = np.einsum("...i,...i->...", dxhat2.T, xhat2.T, out=work.inner_37)
    inner_37 /= N
    multiply_37 = np.multiply(xhat2, inner_37, out=xhat2)
    dz1 = np.subtract(dxhat2, total_37, out=dxhat2)
    dz1 -= multiply_37
    dz1 *= r2

    # (38) dW1[i, j] = sum[n](dz1[n, j] * x[n, i]), times rate
    dW1 = x.T.dot(dz1, out=work.dW1)
    W1 -= dW1

    if state is not work._state:
        np.copyto(state["running_mean2"], new_running_mean2)
        np.copyto(state["running_var2"], new_running_var2)
        np.copyto(state["running_mean4"], new_running_mean4)
        np.copyto(state["running_var4"], new_running_var4)

    return loss


def _sgd_step_in_use(params, x, y, rate, state, workspace):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    rate = _checked_rate(rate, params, work)
    state = _held(state, work)
    N = work.N
    y = np.asarray(y, dtype=np.intp)
    W1 = params["W1"]
    gamma2 = params["gamma2"]
    beta2 = params["beta2"]
    W3 = params["W3"]
    gamma4 = params["gamma4"]
    beta4 = params["beta4"]
    W5 = params["W5"]
    b5 = params["b5"]
    running_mean2 = state["running_mean2"]
    running_var2 = state["running_var2"]
    running_mean4 = state["running_mean4"]
    running_var4 = state["running_var4"]

    # (1) z1[n, j] = sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)

    # (4) r2[c] = 1 / sqrt(1 / 100000 + var2[c])
    r2 = np.add(running_var2, 1e-05, out=work.r2)
    np.sqrt(r2, out=r2)
    np.reciprocal(r2, out=r2)

    # (7) xhat2[n, c] = (z1[n, c] - mu2[c]) * r2[c]
    xhat2 = np.subtract(z1, running_mean2, out=z1)
    xhat2 *= r2

    # (8) z2[n, c] = gamma2[c] * xhat2[n, c] + beta2[c]
    z2 = np.multiply(xhat2, gamma2, out=work.z2)
    np.add(z2, beta2, out=z2)

    # (9) h1[n, c] = relu(z2[n, c])
    h1 = np.maximum(z2, 0.0, out=z2)

    # (10) z3[n, j] = sum[i](W3[i, j] * h1[n, i])
    z3 = h1.dot(W3, out=work.z3)

    # (13) r4[c] = 1 / sqrt(1 / 100000 + var4[c])
    r4 = np.add(running_var4, 1e-05, out=work.r4)
    np.sqrt(r4, out=r4)
    np.reciprocal(r4, out=r4)

    # (16) xhat4[n, c] = (z3[n, c] - mu4[c]) * r4[c]
    xhat4 = np.subtract(z3, running_mean4, out=z3)
    xhat4 *= r4

    # (17) z4[n, c] = gamma4[c] * xhat4[n, c] + beta4[c]
    z4 = np.multiply(xhat4, gamma4, out=work.z4)
    np.add(z4, beta4, out=z4)

    # (18) h2[n, c] = relu(z4[n, c])
    h2 = np.maximum(z4, 0.0, out=z4)

    # (19) z5[n, j] = b5[j] + sum[i](W5[i, j] * h2[n, i])
    z5 = h2.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (21) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    add_21 = np.add(work.fixed_N_2, y, out=work.add_21)
    take_21 = z5.take(add_21, out=work.take_21, mode="clip")

    # (20) p[n, k] = exp(z5[n, k] - logsumexp[j](z5[n, j]))
    largest_20 = np.maximum.reduce(z5, axis=1, out=work.largest_20)
    p = np.subtract(z5, largest_20[:, None], out=z5)
    np.exp(p, out=p)
    total_20 = p.dot(work.ones_10, out=work.total_20)
    p /= total_20[:, None]

    # (21) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    log_21 = np.log(total_20, out=total_20)
    take_21 -= largest_20
    log_21 -= take_21
    total_21 = float(np.add.reduce(log_21, axis=None))
    loss = total_21 / N

    # (22) dz5[n, j] = (p[n, j] - [j = y[n]]) / N, times rate
    take_22 = p.take(add_21, out=work.total_20, mode="clip")
    take_22 -= work.one
    dz5 = p
    dz5.put(add_21, take_22)
    divide_22 = rate / N
    dz5 *= divide_22

    # (23) dW5[i, j] = sum[n](dz5[n, j] * h2[n, i]), times rate
    dW5 = h2.T.dot(dz5, out=work.dW5)

    # (24) db5[j] = sum[n](dz5[n, j]), times rate
    db5 = work.ones_N.dot(dz5, out=work.db5)
    b5 -= db5

    # (25) dh2[n, i] = sum[j](W5[i, j] * dz5[n, j]), times rate
    dh2 = dz5.dot(W5.T, out=work.dh2)

    # (23) W5 -= rate * dW5
    W5 -= dW5

    # (26) dz4[n, c] = dh2[n, c] * [z4[n, c] > 0], times rate
    mask_26 = np.greater(h2, 0.0, out=work.mask_26)
    dz4 = np.multiply(mask_26, dh2, out=dh2)

    # (27) dbeta4[c] = sum[n](dz4[n, c]), times rate
    dbeta4 = work.ones_N.dot(dz4, out=work.inner_37)
    beta4 -= dbeta4

    # (28) dgamma4[c] = sum[n](dz4[n, c] * xhat4[n, c]), times rate
    dgamma4 = np.einsum("...i,...i->...", dz4.T, xhat4.T, out=work.dgamma4)

    # (29) dxhat4[n, c] = gamma4[c] * dz4[n, c], times rate
    dxhat4 = np.multiply(dz4, gamma4, out=dz4)

    # (28) gamma4 -= rate * dgamma4
    gamma4 -= dgamma4

    # (39) mu2[c] = running_mean2[c]: the array running_mean2
    # (40) var2[c] = running_var2[c]: the array running_var2
    # (41) mu4[c] = running_mean4[c]: the array running_mean4
    # (42) var4[c] = running_var4[c]: the array running_var4

    # (43) dz3[n, c] = r4[c] * dxhat4[n, c], times rate
    dz3 = np.multiply(dxhat4, r4, out=dxhat4)

    # (32) dh1[n, i] = sum[j](W3[i, j] * dz3[n, j]), times rate
    dh1 = dz3.dot(W3.T, out=work.z3)

    # (31) dW3[i, j] = sum[n](dz3[n, j] * h1[n, i]), times rate
    dW3 = h1.T.dot(dz3, out=work.dW3)
    W3 -= dW3

    # (33) dz2[n, c] = dh1[n, c] * [z2[n, c] > 0], times rate
    mask_33 = np.greater(h1, 0.0, out=work.mask_26)
    dz2 = np.multiply(mask_33, dh1, out=dh1)

    # (34) dbeta2[c] = sum[n](dz2[n, c]), times rate
    dbeta2 = work.ones_N.dot(dz2, out=work.r4)
    beta2 -= dbeta2

    # (35) dgamma2[c] = sum[n](dz2[n, c] * xhat2[n, c]), times rate
    dgamma2 = np.einsum("...i,...i->...", dz2.T, xhat2.T, out=work.r4)

    # (36) dxhat2[n, c] = gamma2[c] * dz2[n, c], times rate
    dxhat2 = np.multiply(dz2, gamma2, out=dz2)

    # (35) gamma2 -= rate * dgamma2
    gamma2 -= dgamma2

    # (44) dz1[n, c] = r2[c] * dxhat2[n, c], times rate
    dz1 = np.multiply(dxhat2, r2, out=dxhat2)

    # (38) dW1[i, j] = sum[n](dz1[n, j] * x[n, i]), times rate
    dW1 = x.T.dot(dz1, out=work.dW1)
    W1 -= dW1

    return loss


def _held(state, work, changed=False):
    """The states to read: those that were given, or those that training starts from.

    `changed`: what was given is to be written over.
    """
    if state is None:
        return work._state
    if not hasattr(state, "keys"):
        raise ValueError(f"state: expected a dict, got {type(state).__name__}")
    expected = ", ".join(_STATES)
    for name in _STATES:
        if name not in state:
            raise ValueError(f"state: {name!r} is missing, expected {expected}")
    for name, array in state.items():
        if name not in _STATES:
            raise ValueError(f"state: {name!r} is no state, expected {expected}")
        shape, dtype = work._state[name].shape, work._dtype
        if getattr(array, "shape", None) != shape:
            came = getattr(array, "shape", type(array).__name__)
            raise ValueError(f"{name}: shape {came}, expected {shape}")
        if array.dtype != dtype:
            came = f"dtype {array.dtype}, expected {dtype}"
            raise ValueError(f"{name}: {came} as in params")
        if changed and not array.flags.writeable:
            reason = "but a step of training changes it"
            raise ValueError(f"{name}: a read-only array, {reason}")
    return state


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


def _refuse_divisor(name, array, divisor, label):
    """Name the input whose extents make a divisor 0."""
    reason = f"for which {divisor} is 0, and {label} divides by it: give more"
    raise ValueError(f"{name}: shape {array.shape}, {reason}")


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
