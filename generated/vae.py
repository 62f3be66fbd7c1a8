"""Digits out of noise, by variational inference

Each digit is coded by the mean and the variance of eight normal variables. Drawing from
them would cut the gradient, so the draw is written mu + sigma eps, with eps drawn
before and apart from all parameters: then backpropagation goes through mu and sigma as
through anything else (Kingma and Welling, 2014). The loss is the negative evidence
lower bound in nats a digit, what the pixels cost given the code plus what the code
costs. Held out it ends near 24.5; without a code the mean image alone gives 27.1, and
grey pixels that were known exactly would still cost 13.7.

Written by symbackprop from the spec vae (ecfcedc062e3a3be).
Call init_params, then forward, loss_and_grads, cost_of_code_and_grads, loss_sgd_step.

What is not handed in of eps is drawn: rng= is a generator or a seed, which gives the
same numbers again.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "x": ("N", 64),
    "eps": ("N", 8),
    "W1": (64, 128),
    "b1": (128,),
    "W2": (128, 8),
    "b2": (8,),
    "W3": (128, 8),
    "b3": (8,),
    "W4": (8, 128),
    "b4": (128,),
    "W5": (128, 64),
    "b5": (64,),
    "mu": ("N", 8),
    "logvar": ("N", 8),
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
    "W5",
    "b5",
]
_KINDS = {}
_CLASSES = {}
_EXTENTS = [
    "N",
]
_DRAWS = {
    "eps": ("normal", 0.0, 1.0),
}


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "W1": _glorot_uniform(rng, (64, 128), dtype),
        "b1": np.zeros((128,), dtype),
        "W2": _glorot_uniform(rng, (128, 8), dtype),
        "b2": np.zeros((8,), dtype),
        "W3": _glorot_uniform(rng, (128, 8), dtype),
        "b3": np.zeros((8,), dtype),
        "W4": _glorot_uniform(rng, (8, 128), dtype),
        "b4": np.zeros((128,), dtype),
        "W5": _glorot_uniform(rng, (128, 64), dtype),
        "b5": np.zeros((64,), dtype),
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
            "eps": np.empty((N, 8), dtype),
        }
        self.ones_64 = np.ones(64, dtype)
        self.ones_N = np.ones(N, dtype)
        self.z1 = _aligned((N, 128), dtype)
        self.mu = np.empty((N, 8), dtype)
        self.logvar = np.empty((N, 8), dtype)
        self.divide_5 = np.empty((N, 8), dtype)
        self.code = np.empty((N, 8), dtype)
        self.z4 = _aligned((N, 128), dtype)
        self.z5 = _aligned((N, 64), dtype)
        self.negative_9 = _aligned((N, 64), dtype)
        self.exp_10 = np.empty((N, 8), dtype)
        self.subtract_10_2 = _aligned((N, 64), dtype)
        self.absolute_10 = _aligned((N, 64), dtype)
        self.log1p_10 = _aligned((N, 64), dtype)
        self.add_10_3 = _aligned((N, 64), dtype)
        self.total_10_3 = np.empty((N,), dtype)
        self.mask_12 = np.empty((N, 64), np.bool_)
        self.dW5 = _aligned((128, 64), dtype)
        self.db5 = np.empty((64,), dtype)
        self.dg = _aligned((N, 128), dtype)
        self.mask_16 = np.empty((N, 128), np.bool_)
        self.dW4 = _aligned((8, 128), dtype)
        self.db4 = np.empty((128,), dtype)
        self.dW3 = _aligned((128, 8), dtype)
        self.db3 = np.empty((8,), dtype)
        self.dW2 = _aligned((128, 8), dtype)
        self.db2 = np.empty((8,), dtype)
        self.dW1 = _aligned((64, 128), dtype)
        self.db1 = np.empty((128,), dtype)
        self._alike = _alike(self._shapes)


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


@np.errstate(over="ignore")
def forward(params, *, x, eps=None, rng=None, workspace=None, training=False):
    """Return mu, logvar, back, by name."""
    given = {"x": x, "eps": eps}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    eps = given["eps"]
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]
    W5 = params["W5"]
    b5 = params["b5"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = relu(z1[n, j])
    h = np.maximum(z1, 0.0, out=z1)

    # (3) mu[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    mu = h.dot(W2, out=work.mu)
    np.add(mu, b2, out=mu)

    # (4) logvar[n, j] = b3[j] + sum[i](W3[i, j] * h[n, i])
    logvar = h.dot(W3, out=work.logvar)
    np.add(logvar, b3, out=logvar)

    # (5) code[n, j] = eps[n, j] * exp(logvar[n, j] / 2) + mu[n, j]
    code = np.divide(logvar, 2.0, out=work.code)
    np.exp(code, out=code)
    np.multiply(eps, code, out=code)
    code += mu

    # (6) z4[n, j] = b4[j] + sum[i](W4[i, j] * code[n, i])
    z4 = code.dot(W4, out=work.z4)
    np.add(z4, b4, out=z4)

    # (7) g[n, j] = relu(z4[n, j])
    g = np.maximum(z4, 0.0, out=z4)

    # (8) z5[n, j] = b5[j] + sum[i](W5[i, j] * g[n, i])
    z5 = g.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (9) back[n, j] = sigmoid(z5[n, j])
    back = np.negative(z5, out=z5)
    np.exp(back, out=back)
    back += 1.0
    np.reciprocal(back, out=back)

    return {
        "mu": mu,
        "logvar": logvar,
        "back": back,
    }


def loss(params, *, x, eps=None, rng=None, workspace=None, training=True):
    """Return the loss."""
    given = {"x": x, "eps": eps}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    N = work.N
    eps = given["eps"]
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]
    W5 = params["W5"]
    b5 = params["b5"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = relu(z1[n, j])
    h = np.maximum(z1, 0.0, out=z1)

    # (3) mu[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    mu = h.dot(W2, out=work.mu)
    np.add(mu, b2, out=mu)

    # (4) logvar[n, j] = b3[j] + sum[i](W3[i, j] * h[n, i])
    logvar = h.dot(W3, out=work.logvar)
    np.add(logvar, b3, out=logvar)

    # (5) code[n, j] = eps[n, j] * exp(logvar[n, j] / 2) + mu[n, j]
    code = np.divide(logvar, 2.0, out=work.code)
    np.exp(code, out=code)
    np.multiply(eps, code, out=code)
    code += mu

    # (6) z4[n, j] = b4[j] + sum[i](W4[i, j] * code[n, i])
    z4 = code.dot(W4, out=work.z4)
    np.add(z4, b4, out=z4)

    # (7) g[n, j] = relu(z4[n, j])
    g = np.maximum(z4, 0.0, out=z4)

    # (8) z5[n, j] = b5[j] + sum[i](W5[i, j] * g[n, i])
    z5 = g.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (9) back[n, j] = sigmoid(z5[n, j])
    negative_9 = np.negative(z5, out=work.negative_9)

    # (10) loss = sum[n, i](mu[n, i]**2 / 2 + exp(logvar[n, i]) / 2 - 1 / 2 - logvar[n,
    #     i] / 2) / N + 64 * sum[n](sum[i]((1 - x[n, i]) * softplus(z5[n, i]) + x[n, i]
    #     * softplus(-z5[n, i])) / 64) / N
    product_10 = float(np.vdot(mu, mu))
    total_10 = float(np.add.reduce(logvar, axis=None))
    negative_10 = -total_10
    exp_10 = np.exp(logvar, out=logvar)
    total_10_2 = float(np.add.reduce(exp_10, axis=None))
    subtract_10 = product_10 - (8 * N)
    add_10 = negative_10 + subtract_10
    add_10_2 = total_10_2 + add_10
    divide_10 = add_10_2 / 2
    cost_of_code = divide_10 / N
    subtract_10_2 = np.subtract(1.0, x, out=work.subtract_10_2)
    absolute_10 = np.absolute(z5, out=work.absolute_10)
    np.negative(absolute_10, out=absolute_10)
    np.exp(absolute_10, out=absolute_10)
    np.log1p(absolute_10, out=absolute_10)
    maximum_10 = np.maximum(z5, 0.0, out=z5)
    maximum_10 += absolute_10
    maximum_10 *= subtract_10_2
    maximum_10_2 = np.maximum(negative_9, 0.0, out=negative_9)
    maximum_10_2 += absolute_10
    np.multiply(maximum_10_2, x, out=maximum_10_2)
    maximum_10_2 += maximum_10
    total_10_3 = maximum_10_2.dot(work.ones_64, out=work.total_10_3)
    total_10_4 = float(np.add.reduce(total_10_3, axis=None))
    divide_10_2 = total_10_4 / 64
    divide_10_3 = divide_10_2 / N
    multiply_10 = divide_10_3 * 64
    loss = multiply_10 + cost_of_code

    return loss


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def loss_and_grads(params, *, x, eps=None, rng=None, workspace=None, training=True):
    """Return the loss and its gradients by W1, b1, W2, b2, W3, b3, W4, b4, W5, b5."""
    given = {"x": x, "eps": eps}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    N = work.N
    eps = given["eps"]
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]
    W5 = params["W5"]
    b5 = params["b5"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = relu(z1[n, j])
    h = np.maximum(z1, 0.0, out=z1)

    # (3) mu[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    mu = h.dot(W2, out=work.mu)
    np.add(mu, b2, out=mu)

    # (4) logvar[n, j] = b3[j] + sum[i](W3[i, j] * h[n, i])
    logvar = h.dot(W3, out=work.logvar)
    np.add(logvar, b3, out=logvar)

    # (5) code[n, j] = eps[n, j] * exp(logvar[n, j] / 2) + mu[n, j]
    divide_5 = np.divide(logvar, 2.0, out=work.divide_5)
    np.exp(divide_5, dtype=float, out=divide_5)
    code = np.multiply(eps, divide_5, out=work.code)
    code += mu

    # (6) z4[n, j] = b4[j] + sum[i](W4[i, j] * code[n, i])
    z4 = code.dot(W4, out=work.z4)
    np.add(z4, b4, out=z4)

    # (7) g[n, j] = relu(z4[n, j])
    g = np.maximum(z4, 0.0, out=z4)

    # (8) z5[n, j] = b5[j] + sum[i](W5[i, j] * g[n, i])
    z5 = g.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (9) back[n, j] = sigmoid(z5[n, j])
    negative_9 = np.negative(z5, out=work.negative_9)

    # (10) loss = sum[n, i](mu[n, i]**2 / 2 + exp(logvar[n, i]) / 2 - 1 / 2 - logvar[n,
    #     i] / 2) / N + 64 * sum[n](sum[i]((1 - x[n, i]) * softplus(z5[n, i]) + x[n, i]
    #     * softplus(-z5[n, i])) / 64) / N
    product_10 = float(np.vdot(mu, mu))
    total_10 = float(np.add.reduce(logvar, axis=None))
    negative_10 = -total_10
    exp_10 = np.exp(logvar, out=work.exp_10)
    total_10_2 = float(np.add.reduce(exp_10, axis=None))
    subtract_10 = product_10 - (8 * N)
    add_10 = negative_10 + subtract_10
    add_10_2 = total_10_2 + add_10
    divide_10 = add_10_2 / 2
    cost_of_code = divide_10 / N
    subtract_10_2 = np.subtract(1.0, x, out=work.subtract_10_2)
    absolute_10 = np.absolute(z5, out=work.absolute_10)
    np.negative(absolute_10, out=absolute_10)
    np.exp(absolute_10, out=absolute_10)
    log1p_10 = np.log1p(absolute_10, out=work.log1p_10)
    maximum_10 = np.maximum(z5, 0.0, out=z5)
    add_10_3 = np.add(maximum_10, log1p_10, out=work.add_10_3)
    add_10_3 *= subtract_10_2
    maximum_10_2 = np.maximum(negative_9, 0.0, out=negative_9)
    maximum_10_2 += log1p_10
    np.multiply(maximum_10_2, x, out=maximum_10_2)
    maximum_10_2 += add_10_3
    total_10_3 = maximum_10_2.dot(work.ones_64, out=work.total_10_3)
    total_10_4 = float(np.add.reduce(total_10_3, axis=None))
    divide_10_2 = total_10_4 / 64
    divide_10_3 = divide_10_2 / N
    multiply_10 = divide_10_3 * 64
    loss = multiply_10 + cost_of_code

    # (12) dz5[n, i] = (back[n, i] - x[n, i]) / N
    add_12 = np.add(absolute_10, 1.0, out=work.negative_9)
    mask_12 = np.greater(maximum_10, 0.0, out=work.mask_12)
    multiply_12 = np.multiply(x, absolute_10, out=work.z5)
    np.subtract(subtract_10_2, multiply_12, out=multiply_12)
    dz5 = np.multiply(subtract_10_2, absolute_10, out=subtract_10_2)
    np.subtract(dz5, x, out=dz5)
    np.copyto(dz5, multiply_12, where=mask_12)
    dz5 /= N
    dz5 /= add_12

    # (13) dW5[i, j] = sum[n](dz5[n, j] * g[n, i])
    dW5 = g.T.dot(dz5, out=work.dW5)

    # (14) db5[j] = sum[n](dz5[n, j])
    db5 = work.ones_N.dot(dz5, out=work.db5)

    # (15) dg[n, i] = sum[j](W5[i, j] * dz5[n, j])
    dg = dz5.dot(W5.T, out=work.dg)

    # (16) dz4[n, j] = dg[n, j] * [z4[n, j] > 0]
    mask_16 = np.greater(g, 0.0, out=work.mask_16)
    dz4 = np.multiply(mask_16, dg, out=dg)

    # (17) dW4[i, j] = sum[n](code[n, i] * dz4[n, j])
    dW4 = code.T.dot(dz4, out=work.dW4)

    # (18) db4[j] = sum[n](dz4[n, j])
    db4 = work.ones_N.dot(dz4, out=work.db4)

    # (19) dcode[n, i] = sum[j](W4[i, j] * dz4[n, j])
    dcode = dz4.dot(W4.T, out=work.code)

    # (20) dlogvar[n, j] = (exp(logvar[n, j]) - 1) / (2 * N) + dcode[n, j] * eps[n, j] *
    #     exp(logvar[n, j] / 2) / 2
    expm1_20 = np.expm1(logvar, out=logvar)
    expm1_20 /= N
    dlogvar = np.multiply(dcode, divide_5, out=divide_5)
    np.multiply(eps, dlogvar, out=dlogvar)
    dlogvar += expm1_20
    dlogvar /= 2.0

    # (21) dmu[n, j] = mu[n, j] / N + dcode[n, j]
    dmu = np.divide(mu, N, out=mu)
    dmu += dcode

    # (22) dW3[i, j] = sum[n](dlogvar[n, j] * h[n, i])
    dW3 = h.T.dot(dlogvar, out=work.dW3)

    # (23) db3[j] = sum[n](dlogvar[n, j])
    db3 = work.ones_N.dot(dlogvar, out=work.db3)

    # (24) dW2[i, j] = sum[n](dmu[n, j] * h[n, i])
    dW2 = h.T.dot(dmu, out=work.dW2)

    # (25) db2[j] = sum[n](dmu[n, j])
    db2 = work.ones_N.dot(dmu, out=work.db2)

    # (26) dh[n, i] = sum[j](W2[i, j] * dmu[n, j]) + sum[j](W3[i, j] * dlogvar[n, j])
    product_26 = dmu.dot(W2.T, out=work.dg)
    dh = dlogvar.dot(W3.T, out=work.z4)
    dh += product_26

    # (27) dz1[n, j] = dh[n, j] * [z1[n, j] > 0]
    mask_27 = np.greater(h, 0.0, out=work.mask_16)
    dz1 = np.multiply(mask_27, dh, out=dh)

    # (28) dW1[i, j] = sum[n](dz1[n, j] * x[n, i])
    dW1 = x.T.dot(dz1, out=work.dW1)

    # (29) db1[j] = sum[n](dz1[n, j])
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
        "W5": dW5,
        "b5": db5,
    }


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def loss_sgd_step(
    params, *, x, rate, eps=None, rng=None, workspace=None, training=True
):
    """Change the parameters by -rate times the gradients; return the loss."""
    given = {"x": x, "eps": eps}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    rate = _checked_rate(rate, params, work)
    N = work.N
    eps = given["eps"]
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]
    W5 = params["W5"]
    b5 = params["b5"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = relu(z1[n, j])
    h = np.maximum(z1, 0.0, out=z1)

    # (3) mu[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    mu = h.dot(W2, out=work.mu)
    np.add(mu, b2, out=mu)

    # (4) logvar[n, j] = b3[j] + sum[i](W3[i, j] * h[n, i])
    logvar = h.dot(W3, out=work.logvar)
    np.add(logvar, b3, out=logvar)

    # (5) code[n, j] = eps[n, j] * exp(logvar[n, j] / 2) + mu[n, j]
    divide_5 = np.divide(logvar, 2.0, out=work.divide_5)
    np.exp(divide_5, dtype=float, out=divide_5)
    code = np.multiply(eps, divide_5, out=work.code)
    code += mu

    # (6) z4[n, j] = b4[j] + sum[i](W4[i, j] * code[n, i])
    z4 = code.dot(W4, out=work.z4)
    np.add(z4, b4, out=z4)

    # (7) g[n, j] = relu(z4[n, j])
    g = np.maximum(z4, 0.0, out=z4)

    # (8) z5[n, j] = b5[j] + sum[i](W5[i, j] * g[n, i])
    z5 = g.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (9) back[n, j] = sigmoid(z5[n, j])
    negative_9 = np.negative(z5, out=work.negative_9)

    # (10) loss = sum[n, i](mu[n, i]**2 / 2 + exp(logvar[n, i]) / 2 - 1 / 2 - logvar[n,
    #     i] / 2) / N + 64 * sum[n](sum[i]((1 - x[n, i]) * softplus(z5[n, i]) + x[n, i]
    #     * softplus(-z5[n, i])) / 64) / N
    product_10 = float(np.vdot(mu, mu))
    total_10 = float(np.add.reduce(logvar, axis=None))
    negative_10 = -total_10
    exp_10 = np.exp(logvar, out=work.exp_10)
    total_10_2 = float(np.add.reduce(exp_10, axis=None))
    subtract_10 = product_10 - (8 * N)
    add_10 = negative_10 + subtract_10
    add_10_2 = total_10_2 + add_10
    divide_10 = add_10_2 / 2
    cost_of_code = divide_10 / N
    subtract_10_2 = np.subtract(1.0, x, out=work.subtract_10_2)
    absolute_10 = np.absolute(z5, out=work.absolute_10)
    np.negative(absolute_10, out=absolute_10)
    np.exp(absolute_10, out=absolute_10)
    log1p_10 = np.log1p(absolute_10, out=work.log1p_10)
    maximum_10 = np.maximum(z5, 0.0, out=z5)
    add_10_3 = np.add(maximum_10, log1p_10, out=work.add_10_3)
    add_10_3 *= subtract_10_2
    maximum_10_2 = np.maximum(negative_9, 0.0, out=negative_9)
    maximum_10_2 += log1p_10
    np.multiply(maximum_10_2, x, out=maximum_10_2)
    maximum_10_2 += add_10_3
    total_10_3 = maximum_10_2.dot(work.ones_64, out=work.total_10_3)
    total_10_4 = float(np.add.reduce(total_10_3, axis=None))
    divide_10_2 = total_10_4 / 64
    divide_10_3 = divide_10_2 / N
    multiply_10 = divide_10_3 * 64
    loss = multiply_10 + cost_of_code

    # (12) dz5[n, i] = (back[n, i] - x[n, i]) / N, times rate
    add_12 = np.add(absolute_10, 1.0, out=work.negative_9)
    mask_12 = np.greater(maximum_10, 0.0, out=work.mask_12)
    multiply_12 = np.multiply(x, absolute_10, out=work.z5)
    np.subtract(subtract_10_2, multiply_12, out=multiply_12)
    dz5 = np.multiply(subtract_10_2, absolute_10, out=subtract_10_2)
    np.subtract(dz5, x, out=dz5)
    np.copyto(dz5, multiply_12, where=mask_12)
    divide_12 = rate / N
    dz5 *= divide_12
    dz5 /= add_12

    # (14) db5[j] = sum[n](dz5[n, j]), times rate
    db5 = work.ones_N.dot(dz5, out=work.db5)
    b5 -= db5

    # (15) dg[n, i] = sum[j](W5[i, j] * dz5[n, j]), times rate
    dg = dz5.dot(W5.T, out=work.dg)

    # (13) dW5[i, j] = sum[n](dz5[n, j] * g[n, i]), times rate
    dW5 = g.T.dot(dz5, out=work.dW5)
    W5 -= dW5

    # (16) dz4[n, j] = dg[n, j] * [z4[n, j] > 0], times rate
    mask_16 = np.greater(g, 0.0, out=work.mask_16)
    dz4 = np.multiply(mask_16, dg, out=dg)

    # (17) dW4[i, j] = sum[n](code[n, i] * dz4[n, j]), times rate
    dW4 = code.T.dot(dz4, out=work.dW4)

    # (18) db4[j] = sum[n](dz4[n, j]), times rate
    db4 = work.ones_N.dot(dz4, out=work.db4)
    b4 -= db4

    # (19) dcode[n, i] = sum[j](W4[i, j] * dz4[n, j]), times rate
    dcode = dz4.dot(W4.T, out=work.code)

    # (17) W4 -= rate * dW4
    W4 -= dW4

    # (20) dlogvar[n, j] = (exp(logvar[n, j]) - 1) / (2 * N) + dcode[n, j] * eps[n, j] *
    #     exp(logvar[n, j] / 2) / 2, times rate
    expm1_20 = np.expm1(logvar, out=logvar)
    expm1_20 *= divide_12
    dlogvar = np.multiply(dcode, divide_5, out=divide_5)
    np.multiply(eps, dlogvar, out=dlogvar)
    dlogvar += expm1_20
    dlogvar /= 2.0

    # (21) dmu[n, j] = mu[n, j] / N + dcode[n, j], times rate
    dmu = np.multiply(mu, divide_12, out=mu)
    dmu += dcode

    # (22) dW3[i, j] = sum[n](dlogvar[n, j] * h[n, i]), times rate
    dW3 = h.T.dot(dlogvar, out=work.dW3)

    # (23) db3[j] = sum[n](dlogvar[n, j]), times rate
    db3 = work.ones_N.dot(dlogvar, out=work.db3)
    b3 -= db3

    # (24) dW2[i, j] = sum[n](dmu[n, j] * h[n, i]), times rate
    dW2 = h.T.dot(dmu, out=work.dW2)

    # (25) db2[j] = sum[n](dmu[n, j]), times rate
    db2 = work.ones_N.dot(dmu, out=work.db2)
    b2 -= db2

    # (26) dh[n, i] = sum[j](W2[i, j] * dmu[n, j]) + sum[j](W3[i, j] * dlogvar[n, j]),
    #     times rate
    product_26 = dmu.dot(W2.T, out=work.dg)
    dh = dlogvar.dot(W3.T, out=work.z4)
    dh += product_26

    # (24) W2 -= rate * dW2
    W2 -= dW2

    # (22) W3 -= rate * dW3
    W3 -= dW3

    # (27) dz1[n, j] = dh[n, j] * [z1[n, j] > 0], times rate
    mask_27 = np.greater(h, 0.0, out=work.mask_16)
    dz1 = np.multiply(mask_27, dh, out=dh)

    # (28) dW1[i, j] = sum[n](dz1[n, j] * x[n, i]), times rate
    dW1 = x.T.dot(dz1, out=work.dW1)
    W1 -= dW1

    # (29) db1[j] = sum[n](dz1[n, j]), times rate
    db1 = work.ones_N.dot(dz1, out=work.db1)
    b1 -= db1

    return loss


def cost_of_code(params, *, x, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"x": x}, workspace)
    N = work.N
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = relu(z1[n, j])
    h = np.maximum(z1, 0.0, out=z1)

    # (3) mu[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    mu = h.dot(W2, out=work.mu)
    np.add(mu, b2, out=mu)

    # (4) logvar[n, j] = b3[j] + sum[i](W3[i, j] * h[n, i])
    logvar = h.dot(W3, out=work.logvar)
    np.add(logvar, b3, out=logvar)

    # (10) loss = sum[n, i](mu[n, i]**2 / 2 + exp(logvar[n, i]) / 2 - 1 / 2 - logvar[n,
    #     i] / 2) / N + 64 * sum[n](sum[i]((1 - x[n, i]) * softplus(z5[n, i]) + x[n, i]
    #     * softplus(-z5[n, i])) / 64) / N
    product_10 = float(np.vdot(mu, mu))
    total_10 = float(np.add.reduce(logvar, axis=None))
    negative_10 = -total_10
    exp_10 = np.exp(logvar, out=logvar)
    total_10_2 = float(np.add.reduce(exp_10, axis=None))
    subtract_10 = product_10 - (8 * N)
    add_10 = negative_10 + subtract_10
    add_10_2 = total_10_2 + add_10
    divide_10 = add_10_2 / 2
    cost_of_code = divide_10 / N

    # (11) cost_of_code = sum[n, i](mu[n, i]**2 / 2 + exp(logvar[n, i]) / 2 - 1 / 2 -
    #     logvar[n, i] / 2) / N: computed with (10)

    return cost_of_code


def cost_of_code_and_grads(params, *, x, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"x": x}, workspace)
    N = work.N
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
    z1 = x.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = relu(z1[n, j])
    h = np.maximum(z1, 0.0, out=z1)

    # (3) mu[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    mu = h.dot(W2, out=work.mu)
    np.add(mu, b2, out=mu)

    # (4) logvar[n, j] = b3[j] + sum[i](W3[i, j] * h[n, i])
    logvar = h.dot(W3, out=work.logvar)
    np.add(logvar, b3, out=logvar)

    # (10) loss = sum[n, i](mu[n, i]**2 / 2 + exp(logvar[n, i]) / 2 - 1 / 2 - logvar[n,
    #     i] / 2) / N + 64 * sum[n](sum[i]((1 - x[n, i]) * softplus(z5[n, i]) + x[n, i]
    #     * softplus(-z5[n, i])) / 64) / N
    product_10 = float(np.vdot(mu, mu))
    total_10 = float(np.add.reduce(logvar, axis=None))
    negative_10 = -total_10
    exp_10 = np.exp(logvar, out=logvar)
    total_10_2 = float(np.add.reduce(exp_10, axis=None))
    subtract_10 = product_10 - (8 * N)
    add_10 = negative_10 + subtract_10
    add_10_2 = total_10_2 + add_10
    divide_10 = add_10_2 / 2
    cost_of_code = divide_10 / N

    # (11) cost_of_code = sum[n, i](mu[n, i]**2 / 2 + exp(logvar[n, i]) / 2 - 1 / 2 -
    #     logvar[n, i] / 2) / N: computed with (10)

    return cost_of_code, {}


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
        if _DRAWS[name][0] == "normal":
            _normal_into(out, rng, *_DRAWS[name][1:])


def _normal_into(out, rng, mean, std):
    """Normal numbers."""
    rng.standard_normal(dtype=out.dtype, out=out)
    np.multiply(out, std, out=out)
    np.add(out, mean, out=out)


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
