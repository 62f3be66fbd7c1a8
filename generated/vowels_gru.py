"""Who says the vowel, by gated recurrent units

Utterances end after different numbers of steps. What stands after the end is never
read, since the state is taken at each one's own end: a gather along time, and on the
way back a scatter that starts each error there.

Written by symbackprop from the spec vowels_gru (78dda8339bb93908).
Call init_params, then forward, loss_and_grads, sgd_step.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "x": ("N", "T", 12),
    "end": ("N",),
    "y": ("N",),
    "W1_z": (12, 48),
    "U1_z": (48, 48),
    "b1_z": (48,),
    "W1_r": (12, 48),
    "U1_r": (48, 48),
    "b1_r": (48,),
    "W1_h": (12, 48),
    "U1_h": (48, 48),
    "b1_h": (48,),
    "W2": (48, 9),
    "b2": (9,),
    "p": ("N", 9),
}

_PARAMETERS = [
    "W1_z",
    "U1_z",
    "b1_z",
    "W1_r",
    "U1_r",
    "b1_r",
    "W1_h",
    "U1_h",
    "b1_h",
    "W2",
    "b2",
]
_KINDS = {
    "end": "iu",
    "y": "iu",
}
_CLASSES = {
    "end": "T",
    "y": 9,
}
_EXTENTS = [
    "N",
    "T",
]


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "W1_z": _glorot_uniform(rng, (12, 48), dtype),
        "U1_z": _glorot_uniform(rng, (48, 48), dtype),
        "b1_z": np.zeros((48,), dtype),
        "W1_r": _glorot_uniform(rng, (12, 48), dtype),
        "U1_r": _glorot_uniform(rng, (48, 48), dtype),
        "b1_r": np.zeros((48,), dtype),
        "W1_h": _glorot_uniform(rng, (12, 48), dtype),
        "U1_h": _glorot_uniform(rng, (48, 48), dtype),
        "b1_h": np.zeros((48,), dtype),
        "W2": _glorot_uniform(rng, (48, 9), dtype),
        "b2": np.zeros((9,), dtype),
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
        self.range_N = np.arange(N)
        self.ones_9 = np.ones(9, dtype)
        self.fixed_N = np.multiply(self.range_N, 9)
        self.ones_N = np.ones(N, dtype)
        self.ones_N_T = np.ones(N * T, dtype)
        self.copy_1 = _aligned((N * T, 12), dtype)
        self.product_1 = _aligned((T, N, 48), dtype)
        self.zeros_1 = _aligned((N, 48), dtype)
        self.product_3 = _aligned((T, N, 48), dtype)
        self.product_5 = _aligned((T, N, 48), dtype)
        self.z1 = _aligned((T, N, 48), dtype)
        self.r1 = _aligned((T, N, 48), dtype)
        self.n1 = _aligned((T, N, 48), dtype)
        self.h = _aligned((T, N, 48), dtype)
        self.z_z1_t = _aligned((N, 48), dtype)
        self.z_n1_t = _aligned((N, 48), dtype)
        self.multiply_8 = np.empty((N,), np.intp)
        self.z2 = np.empty((N, 9), dtype)
        self.take_11 = np.empty((N,), dtype)
        self.largest_10 = np.empty((N,), dtype)
        self.total_10 = np.empty((N,), dtype)
        self.dW2 = np.empty((48, 9), dtype)
        self.db2 = np.empty((9,), dtype)
        self.copy_16 = _aligned((48, 48), dtype)
        self.copy_16_2 = _aligned((48, 48), dtype)
        self.copy_16_3 = _aligned((48, 48), dtype)
        self.dz_z1 = _aligned((T, N, 48), dtype)
        self.mask_16 = np.empty((N,), np.bool_)
        self.multiply_16_2 = _aligned((N, 48), dtype)
        self.product_16 = _aligned((N, 48), dtype)
        self.product_16_2 = _aligned((N, 48), dtype)
        self.product_16_3 = _aligned((N, 48), dtype)
        self.multiply_23 = _aligned((T - 1, N, 48), dtype)
        self.part_26 = _aligned((T, 12, 48), dtype)
        self.dW1_h = np.empty((12, 48), dtype)
        self.dW1_r = np.empty((12, 48), dtype)
        self.dW1_z = np.empty((12, 48), dtype)
        self.db1_h = np.empty((48,), dtype)
        self.db1_r = np.empty((48,), dtype)
        self.db1_z = np.empty((48,), dtype)
        self._alike = _alike(self._shapes)
        self.one = np.ones((), dtype)  # quicker beside few entries than a number


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


@np.errstate(over="ignore")
def forward(params, *, x, end, workspace=None, training=False):
    """Return p, by name."""
    work = _prepare(params, {"x": x, "end": end}, workspace)
    N = work.N
    T = work.T
    end = np.asarray(end, dtype=np.intp)
    W1_z = params["W1_z"]
    U1_z = params["U1_z"]
    b1_z = params["b1_z"]
    W1_r = params["W1_r"]
    U1_r = params["U1_r"]
    b1_r = params["b1_r"]
    W1_h = params["W1_h"]
    U1_h = params["U1_h"]
    b1_h = params["b1_h"]
    W2 = params["W2"]
    b2 = params["b2"]

    # (1) z_z1, apart from other steps
    copy_1 = work.copy_1
    np.copyto(copy_1.reshape(T, N, 12), x.transpose(1, 0, 2))
    product_1 = work.product_1
    np.matmul(copy_1.reshape(T, N, 12), W1_z, out=product_1.reshape(T, N, 48))
    np.add(product_1, b1_z, out=product_1)
    zeros_1 = work.zeros_1
    zeros_1.fill(0.0)

    # (3) z_r1, apart from other steps
    product_3 = work.product_3
    np.matmul(copy_1.reshape(T, N, 12), W1_r, out=product_3.reshape(T, N, 48))
    np.add(product_3, b1_r, out=product_3)

    # (5) z_n1, apart from other steps
    product_5 = work.product_5
    np.matmul(copy_1.reshape(T, N, 12), W1_h, out=product_5.reshape(T, N, 48))
    np.add(product_5, b1_h, out=product_5)

    h = work.h

    for t in range(T):
        # (1) z_z1[n, t, j] = b1_z[j] + sum[k](U1_z[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W1_z[i, j] * x[n, t, i])
        h_before = h[t - 1] if t >= 1 else zeros_1
        z_z1_t = h_before.dot(U1_z, out=work.z_z1_t)
        z_z1_t += product_1[t]

        # (2) z1[n, t, j] = sigmoid(z_z1[n, t, j])
        z1_t = np.negative(z_z1_t, out=z_z1_t)
        np.exp(z1_t, out=z1_t)
        z1_t += work.one
        np.reciprocal(z1_t, out=z1_t)

        # (3) z_r1[n, t, j] = b1_r[j] + sum[k](U1_r[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W1_r[i, j] * x[n, t, i])
        z_r1_t = h_before.dot(U1_r, out=work.product_16_3)
        z_r1_t += product_3[t]

        # (4) r1[n, t, j] = sigmoid(z_r1[n, t, j])
        r1_t = np.negative(z_r1_t, out=z_r1_t)
        np.exp(r1_t, out=r1_t)
        r1_t += work.one
        np.reciprocal(r1_t, out=r1_t)

        # (5) z_n1[n, t, j] = b1_h[j] + sum[i](W1_h[i, j] * x[n, t, i]) + sum[k](U1_h[k,
        #     j] * r1[n, t, k] * [t >= 1] * h[n, t - 1, k])
        multiply_5 = np.multiply(r1_t, h_before, out=r1_t)
        z_n1_t = multiply_5.dot(U1_h, out=work.z_n1_t)
        z_n1_t += product_5[t]

        # (6) n1[n, t, j] = tanh(z_n1[n, t, j])
        n1_t = np.tanh(z_n1_t, out=z_n1_t)

        # (7) h[n, t, j] = (1 - z1[n, t, j]) * n1[n, t, j] + z1[n, t, j] * [t >= 1] *
        #     h[n, t - 1, j]
        subtract_7 = np.subtract(work.one, z1_t, out=work.product_16_3)
        subtract_7 *= n1_t
        multiply_7 = np.multiply(h_before, z1_t, out=z1_t)
        np.add(multiply_7, subtract_7, out=h[t])

    # (8) s[n, j] = h[n, end[n], j]
    multiply_8 = np.multiply(end, N, out=work.multiply_8)
    multiply_8 += work.range_N
    s = np.take(h.reshape(N * T, 48), multiply_8, axis=0, out=work.z_z1_t, mode="clip")

    # (9) z2[n, j] = b2[j] + sum[i](W2[i, j] * s[n, i])
    z2 = s.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (10) p[n, k] = exp(z2[n, k] - logsumexp[j](z2[n, j]))
    largest_10 = np.maximum.reduce(z2, axis=1, out=work.largest_10)
    p = np.subtract(z2, largest_10[:, None], out=z2)
    np.exp(p, out=p)
    total_10 = p.dot(work.ones_9, out=work.total_10)
    p /= total_10[:, None]

    return {
        "p": p,
    }


@np.errstate(over="ignore")
def loss(params, *, x, end, y, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"x": x, "end": end, "y": y}, workspace)
    N = work.N
    T = work.T
    end = np.asarray(end, dtype=np.intp)
    y = np.asarray(y, dtype=np.intp)
    W1_z = params["W1_z"]
    U1_z = params["U1_z"]
    b1_z = params["b1_z"]
    W1_r = params["W1_r"]
    U1_r = params["U1_r"]
    b1_r = params["b1_r"]
    W1_h = params["W1_h"]
    U1_h = params["U1_h"]
    b1_h = params["b1_h"]
    W2 = params["W2"]
    b2 = params["b2"]

    # (1) z_z1, apart from other steps
    copy_1 = work.copy_1
    np.copyto(copy_1.reshape(T, N, 12), x.transpose(1, 0, 2))
    product_1 = work.product_1
    np.matmul(copy_1.reshape(T, N, 12), W1_z, out=product_1.reshape(T, N, 48))
    np.add(product_1, b1_z, out=product_1)
    zeros_1 = work.zeros_1
    zeros_1.fill(0.0)

    # (3) z_r1, apart from other steps
    product_3 = work.product_3
    np.matmul(copy_1.reshape(T, N, 12), W1_r, out=product_3.reshape(T, N, 48))
    np.add(product_3, b1_r, out=product_3)

    # (5) z_n1, apart from other steps
    product_5 = work.product_5
    np.matmul(copy_1.reshape(T, N, 12), W1_h, out=product_5.reshape(T, N, 48))
    np.add(product_5, b1_h, out=product_5)

    h = work.h

    for t in range(T):
        # (1) z_z1[n, t, j] = b1_z[j] + sum[k](U1_z[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W1_z[i, j] * x[n, t, i])
        h_before = h[t - 1] if t >= 1 else zeros_1
        z_z1_t = h_before.dot(U1_z, out=work.z_z1_t)
        z_z1_t += product_1[t]

        # (2) z1[n, t, j] = sigmoid(z_z1[n, t, j])
        z1_t = np.negative(z_z1_t, out=z_z1_t)
        np.exp(z1_t, out=z1_t)
        z1_t += work.one
        np.reciprocal(z1_t, out=z1_t)

        # (3) z_r1[n, t, j] = b1_r[j] + sum[k](U1_r[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W1_r[i, j] * x[n, t, i])
        z_r1_t = h_before.dot(U1_r, out=work.product_16_3)
        z_r1_t += product_3[t]

        # (4) r1[n, t, j] = sigmoid(z_r1[n, t, j])
        r1_t = np.negative(z_r1_t, out=z_r1_t)
        np.exp(r1_t, out=r1_t)
        r1_t += work.one
        np.reciprocal(r1_t, out=r1_t)

        # (5) z_n1[n, t, j] = b1_h[j] + sum[i](W1_h[i, j] * x[n, t, i]) + sum[k](U1_h[k,
        #     j] * r1[n, t, k] * [t >= 1] * h[n, t - 1, k])
        multiply_5 = np.multiply(r1_t, h_before, out=r1_t)
        z_n1_t = multiply_5.dot(U1_h, out=work.z_n1_t)
        z_n1_t += product_5[t]

        # (6) n1[n, t, j] = tanh(z_n1[n, t, j])
        n1_t = np.tanh(z_n1_t, out=z_n1_t)

        # (7) h[n, t, j] = (1 - z1[n, t, j]) * n1[n, t, j] + z1[n, t, j] * [t >= 1] *
        #     h[n, t - 1, j]
        subtract_7 = np.subtract(work.one, z1_t, out=work.product_16_3)
        subtract_7 *= n1_t
        multiply_7 = np.multiply(h_before, z1_t, out=z1_t)
        np.add(multiply_7, subtract_7, out=h[t])

    # (8) s[n, j] = h[n, end[n], j]
    multiply_8 = np.multiply(end, N, out=work.multiply_8)
    multiply_8 += work.range_N
    s = np.take(h.reshape(N * T, 48), multiply_8, axis=0, out=work.z_z1_t, mode="clip")

    # (9) z2[n, j] = b2[j] + sum[i](W2[i, j] * s[n, i])
    z2 = s.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (11) loss = sum[n](logsumexp[j](z2[n, j]) - z2[n, y[n]]) / N
    add_11 = np.add(work.fixed_N, y, out=work.multiply_8)
    take_11 = z2.take(add_11, out=work.take_11, mode="clip")

    # (10) p[n, k] = exp(z2[n, k] - logsumexp[j](z2[n, j]))
    largest_10 = np.maximum.reduce(z2, axis=1, out=work.largest_10)
    subtract_10 = np.subtract(z2, largest_10[:, None], out=z2)
    np.exp(subtract_10, out=subtract_10)
    total_10 = subtract_10.dot(work.ones_9, out=work.total_10)

    # (11) loss = sum[n](logsumexp[j](z2[n, j]) - z2[n, y[n]]) / N
    log_11 = np.log(total_10, out=total_10)
    take_11 -= largest_10
    log_11 -= take_11
    total_11 = float(np.add.reduce(log_11, axis=None))
    loss = total_11 / N

    return loss


@np.errstate(over="ignore")
def loss_and_grads(params, *, x, end, y, workspace=None, training=True):
    """Return the loss and its gradients by parameter and input names."""
    work = _prepare(params, {"x": x, "end": end, "y": y}, workspace)
    N = work.N
    T = work.T
    end = np.asarray(end, dtype=np.intp)
    y = np.asarray(y, dtype=np.intp)
    W1_z = params["W1_z"]
    U1_z = params["U1_z"]
    b1_z = params["b1_z"]
    W1_r = params["W1_r"]
    U1_r = params["U1_r"]
    b1_r = params["b1_r"]
    W1_h = params["W1_h"]
    U1_h = params["U1_h"]
    b1_h = params["b1_h"]
    W2 = params["W2"]
    b2 = params["b2"]

    # (1) z_z1, apart from other steps
    copy_1 = work.copy_1
    np.copyto(copy_1.reshape(T, N, 12), x.transpose(1, 0, 2))
    product_1 = work.product_1
    np.matmul(copy_1.reshape(T, N, 12), W1_z, out=product_1.reshape(T, N, 48))
    np.add(product_1, b1_z, out=product_1)
    zeros_1 = work.zeros_1
    zeros_1.fill(0.0)

    # (3) z_r1, apart from other steps
    product_3 = work.product_3
    np.matmul(copy_1.reshape(T, N, 12), W1_r, out=product_3.reshape(T, N, 48))
    np.add(product_3, b1_r, out=product_3)

    # (5) z_n1, apart from other steps
    product_5 = work.product_5
    np.matmul(copy_1.reshape(T, N, 12), W1_h, out=product_5.reshape(T, N, 48))
    np.add(product_5, b1_h, out=product_5)

    z1 = work.z1
    r1 = work.r1
    n1 = work.n1
    h = work.h

    for t in range(T):
        # (1) z_z1[n, t, j] = b1_z[j] + sum[k](U1_z[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W1_z[i, j] * x[n, t, i])
        h_before = h[t - 1] if t >= 1 else zeros_1
        z_z1_t = h_before.dot(U1_z, out=work.z_z1_t)
        z_z1_t += product_1[t]

        # (2) z1[n, t, j] = sigmoid(z_z1[n, t, j])
        negative_2 = np.negative(z_z1_t, out=z_z1_t)
        np.exp(negative_2, out=negative_2)
        negative_2 += work.one
        z1_t = np.reciprocal(negative_2, out=z1[t])

        # (3) z_r1[n, t, j] = b1_r[j] + sum[k](U1_r[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W1_r[i, j] * x[n, t, i])
        z_r1_t = h_before.dot(U1_r, out=work.z_z1_t)
        z_r1_t += product_3[t]

        # (4) r1[n, t, j] = sigmoid(z_r1[n, t, j])
        negative_4 = np.negative(z_r1_t, out=z_r1_t)
        np.exp(negative_4, out=negative_4)
        negative_4 += work.one
        r1_t = np.reciprocal(negative_4, out=r1[t])

        # (5) z_n1[n, t, j] = b1_h[j] + sum[i](W1_h[i, j] * x[n, t, i]) + sum[k](U1_h[k,
        #     j] * r1[n, t, k] * [t >= 1] * h[n, t - 1, k])
        multiply_5 = np.multiply(r1_t, h_before, out=work.z_z1_t)
        z_n1_t = multiply_5.dot(U1_h, out=work.z_n1_t)
        z_n1_t += product_5[t]

        # (6) n1[n, t, j] = tanh(z_n1[n, t, j])
        n1_t = np.tanh(z_n1_t, out=n1[t])

        # (7) h[n, t, j] = (1 - z1[n, t, j]) * n1[n, t, j] + z1[n, t, j] * [t >= 1] *
        #     h[n, t - 1, j]
        subtract_7 = np.subtract(work.one, z1_t, out=work.z_n1_t)
        subtract_7 *= n1_t
        multiply_7 = np.multiply(h_before, z1_t, out=work.z_z1_t)
        np.add(multiply_7, subtract_7, out=h[t])

    # (8) s[n, j] = h[n, end[n], j]
    multiply_8 = np.multiply(end, N, out=work.multiply_8)
    multiply_8 += work.range_N
    s = np.take(h.reshape(N * T, 48), multiply_8, axis=0, out=work.z_z1_t, mode="clip")

    # (9) z2[n, j] = b2[j] + sum[i](W2[i, j] * s[n, i])
    z2 = s.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (11) loss = sum[n](logsumexp[j](z2[n, j]) - z2[n, y[n]]) / N
    add_11 = np.add(work.fixed_N, y, out=work.multiply_8)
    take_11 = z2.take(add_11, out=work.take_11, mode="clip")

    # (10) p[n, k] = exp(z2[n, k] - logsumexp[j](z2[n, j]))
    largest_10 = np.maximum.reduce(z2, axis=1, out=work.largest_10)
    p = np.subtract(z2, largest_10[:, None], out=z2)
    np.exp(p, out=p)
    total_10 = p.dot(work.ones_9, out=work.total_10)
    p /= total_10[:, None]

    # (11) loss = sum[n](logsumexp[j](z2[n, j]) - z2[n, y[n]]) / N
    log_11 = np.log(total_10, out=total_10)
    take_11 -= largest_10
    log_11 -= take_11
    total_11 = float(np.add.reduce(log_11, axis=None))
    loss = total_11 / N

    # (12) dz2[n, j] = (p[n, j] - [j = y[n]]) / N
    take_12 = p.take(add_11, out=work.total_10, mode="clip")
    take_12 -= work.one
    dz2 = p
    dz2.put(add_11, take_12)
    dz2 /= N

    # (13) dW2[i, j] = sum[n](dz2[n, j] * s[n, i])
    dW2 = s.T.dot(dz2, out=work.dW2)

    # (14) db2[j] = sum[n](dz2[n, j])
    db2 = work.ones_N.dot(dz2, out=work.db2)

    # (15) ds[n, i] = sum[j](W2[i, j] * dz2[n, j])
    ds = dz2.dot(W2.T, out=work.z_z1_t)

    # (16) dh, apart from other steps
    copy_16 = work.copy_16
    np.copyto(copy_16, U1_r.T)
    copy_16_2 = work.copy_16_2
    np.copyto(copy_16_2, U1_z.T)
    copy_16_3 = work.copy_16_3
    np.copyto(copy_16_3, U1_h.T)

    dh = work.product_5
    dz_n1 = work.product_3
    dz_r1 = work.product_1
    dz_z1 = work.dz_z1

    for t in reversed(range(T)):
        # (16) dh[n, t, j] = ds[n, j] * [t = end[n]] + [t + 1 < T] * (dh[n, t + 1, j] *
        #     z1[n, t + 1, j] + sum[j1](U1_r[j, j1] * dz_r1[n, t + 1, j1]) +
        #     sum[j1](U1_z[j, j1] * dz_z1[n, t + 1, j1]) + sum[j1](U1_h[j, j1] *
        #     dz_n1[n, t + 1, j1] * r1[n, t + 1, j]))
        mask_16 = np.equal(t, end, out=work.mask_16)
        multiply_16 = np.multiply(ds, mask_16[:, None], out=work.z_n1_t)
        if t < T - 1:
            multiply_16_2 = np.multiply(z1[t + 1], dh[t + 1], out=work.multiply_16_2)
            product_16 = dz_r1[t + 1].dot(copy_16, out=work.product_16)
            product_16_2 = dz_z1[t + 1].dot(copy_16_2, out=work.product_16_2)
            product_16_3 = dz_n1[t + 1].dot(copy_16_3, out=work.product_16_3)
            product_16_3 *= r1[t + 1]
            product_16 += multiply_16_2
            product_16_2 += product_16
            product_16_3 += product_16_2
        else:
            product_16_3 = work.product_16_3
            product_16_3.fill(0.0)
        dh_t = np.add(product_16_3, multiply_16, out=dh[t])

        # (17) dn1[n, t, j] = (1 - z1[n, t, j]) * dh[n, t, j]
        subtract_17 = np.subtract(work.one, z1[t], out=work.product_16_3)
        dn1_t = np.multiply(dh_t, subtract_17, out=work.z_n1_t)

        # (18) dz_n1[n, t, j] = (1 - n1[n, t, j]**2) * dn1[n, t, j]
        multiply_18 = np.multiply(n1[t], n1[t], out=work.product_16_2)
        np.subtract(work.one, multiply_18, out=multiply_18)
        dz_n1_t = np.multiply(dn1_t, multiply_18, out=dz_n1[t])

        # (19) dr1[n, t, j] = sum[j1](U1_h[j, j1] * dz_n1[n, t, j1]) * [t >= 1] * h[n, t
        #     - 1, j]
        dr1_t = dz_n1_t.dot(copy_16_3, out=work.product_16_2)
        h_before_2 = h[t - 1] if t >= 1 else zeros_1
        dr1_t *= h_before_2

        # (20) dz_r1[n, t, j] = (1 - r1[n, t, j]) * dr1[n, t, j] * r1[n, t, j]
        subtract_20 = np.subtract(work.one, r1[t], out=work.z_n1_t)
        subtract_20 *= dr1_t
        np.multiply(r1[t], subtract_20, out=dz_r1[t])

        # (21) dz1[n, t, j] = ([t >= 1] * h[n, t - 1, j] - n1[n, t, j]) * dh[n, t, j]
        dz1_t = np.subtract(h_before_2, n1[t], out=work.z_n1_t)
        dz1_t *= dh_t

        # (22) dz_z1[n, t, j] = (1 - z1[n, t, j]) * dz1[n, t, j] * z1[n, t, j]
        multiply_22 = np.multiply(dz1_t, subtract_17, out=dz1_t)
        np.multiply(z1[t], multiply_22, out=dz_z1[t])

    # (23) dU1_h[k, j] = sum[n, t](dz_n1[n, t, j] * r1[n, t, k] * [t >= 1] * h[n, t - 1,
    #     k])
    multiply_23 = np.multiply(h[: T - 1], r1[1:], out=work.multiply_23)
    dU1_h = np.dot(
        multiply_23.reshape(N * (T - 1), 48).T,
        dz_n1[1:].reshape(N * (T - 1), 48),
        out=work.copy_16_3,
    )

    # (24) dU1_r[k, j] = sum[n, t](dz_r1[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU1_r = np.dot(
        h[: T - 1].reshape(N * (T - 1), 48).T,
        dz_r1[1:].reshape(N * (T - 1), 48),
        out=work.copy_16_2,
    )

    # (25) dU1_z[k, j] = sum[n, t](dz_z1[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU1_z = np.dot(
        h[: T - 1].reshape(N * (T - 1), 48).T,
        dz_z1[1:].reshape(N * (T - 1), 48),
        out=work.copy_16,
    )

    # (26) dW1_h[i, j] = sum[n, t](dz_n1[n, t, j] * x[n, t, i])
    part_26 = work.part_26
    dW1_h = work.dW1_h
    np.matmul(
        copy_1.reshape(T, N, 12).transpose(0, 2, 1),
        dz_n1.reshape(T, N, 48),
        out=part_26,
    )
    np.add.reduce(part_26, axis=0, out=dW1_h)

    # (27) dW1_r[i, j] = sum[n, t](dz_r1[n, t, j] * x[n, t, i])
    part_27 = work.part_26
    dW1_r = work.dW1_r
    np.matmul(
        copy_1.reshape(T, N, 12).transpose(0, 2, 1),
        dz_r1.reshape(T, N, 48),
        out=part_27,
    )
    np.add.reduce(part_27, axis=0, out=dW1_r)

    # (28) dW1_z[i, j] = sum[n, t](dz_z1[n, t, j] * x[n, t, i])
    part_28 = work.part_26
    dW1_z = work.dW1_z
    np.matmul(
        copy_1.reshape(T, N, 12).transpose(0, 2, 1),
        dz_z1.reshape(T, N, 48),
        out=part_28,
    )
    np.add.reduce(part_28, axis=0, out=dW1_z)

    # (29) db1_h[j] = sum[n, t](dz_n1[n, t, j])
    db1_h = work.ones_N_T.dot(dz_n1.reshape(N * T, 48), out=work.db1_h)

    # (30) db1_r[j] = sum[n, t](dz_r1[n, t, j])
    db1_r = work.ones_N_T.dot(dz_r1.reshape(N * T, 48), out=work.db1_r)

    # (31) db1_z[j] = sum[n, t](dz_z1[n, t, j])
    db1_z = work.ones_N_T.dot(dz_z1.reshape(N * T, 48), out=work.db1_z)

    return loss, {
        "W1_z": dW1_z,
        "U1_z": dU1_z,
        "b1_z": db1_z,
        "W1_r": dW1_r,
        "U1_r": dU1_r,
        "b1_r": db1_r,
        "W1_h": dW1_h,
        "U1_h": dU1_h,
        "b1_h": db1_h,
        "W2": dW2,
        "b2": db2,
    }


@np.errstate(over="ignore")
def sgd_step(params, *, x, end, y, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"x": x, "end": end, "y": y}, workspace)
    rate = _checked_rate(rate, params, work)
    N = work.N
    T = work.T
    end = np.asarray(end, dtype=np.intp)
    y = np.asarray(y, dtype=np.intp)
    W1_z = params["W1_z"]
    U1_z = params["U1_z"]
    b1_z = params["b1_z"]
    W1_r = params["W1_r"]
    U1_r = params["U1_r"]
    b1_r = params["b1_r"]
    W1_h = params["W1_h"]
    U1_h = params["U1_h"]
    b1_h = params["b1_h"]
    W2 = params["W2"]
    b2 = params["b2"]

    # (1) z_z1, apart from other steps
    copy_1 = work.copy_1
    np.copyto(copy_1.reshape(T, N, 12), x.transpose(1, 0, 2))
    product_1 = work.product_1
    np.matmul(copy_1.reshape(T, N, 12), W1_z, out=product_1.reshape(T, N, 48))
    np.add(product_1, b1_z, out=product_1)
    zeros_1 = work.zeros_1
    zeros_1.fill(0.0)

    # (3) z_r1, apart from other steps
    product_3 = work.product_3
    np.matmul(copy_1.reshape(T, N, 12), W1_r, out=product_3.reshape(T, N, 48))
    np.add(product_3, b1_r, out=product_3)

    # (5) z_n1, apart from other steps
    product_5 = work.product_5
    np.matmul(copy_1.reshape(T, N, 12), W1_h, out=product_5.reshape(T, N, 48))
    np.add(product_5, b1_h, out=product_5)

    z1 = work.z1
    r1 = work.r1
    n1 = work.n1
    h = work.h

    for t in range(T):
        # (1) z_z1[n, t, j] = b1_z[j] + sum[k](U1_z[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W1_z[i, j] * x[n, t, i])
        h_before = h[t - 1] if t >= 1 else zeros_1
        z_z1_t = h_before.dot(U1_z, out=work.z_z1_t)
        z_z1_t += product_1[t]

        # (2) z1[n, t, j] = sigmoid(z_z1[n, t, j])
        negative_2 = np.negative(z_z1_t, out=z_z1_t)
        np.exp(negative_2, out=negative_2)
        negative_2 += work.one
        z1_t = np.reciprocal(negative_2, out=z1[t])

        # (3) z_r1[n, t, j] = b1_r[j] + sum[k](U1_r[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W1_r[i, j] * x[n, t, i])
        z_r1_t = h_before.dot(U1_r, out=work.z_z1_t)
        z_r1_t += product_3[t]

        # (4) r1[n, t, j] = sigmoid(z_r1[n, t, j])
        negative_4 = np.negative(z_r1_t, out=z_r1_t)
        np.exp(negative_4, out=negative_4)
        negative_4 += work.one
        r1_t = np.reciprocal(negative_4, out=r1[t])

        # (5) z_n1[n, t, j] = b1_h[j] + sum[i](W1_h[i, j] * x[n, t, i]) + sum[k](U1_h[k,
        #     j] * r1[n, t, k] * [t >= 1] * h[n, t - 1, k])
        multiply_5 = np.multiply(r1_t, h_before, out=work.z_z1_t)
        z_n1_t = multiply_5.dot(U1_h, out=work.z_n1_t)
        z_n1_t += product_5[t]

        # (6) n1[n, t, j] = tanh(z_n1[n, t, j])
        n1_t = np.tanh(z_n1_t, out=n1[t])

        # (7) h[n, t, j] = (1 - z1[n, t, j]) * n1[n, t, j] + z1[n, t, j] * [t >= 1] *
        #     h[n, t - 1, j]
        subtract_7 = np.subtract(work.one, z1_t, out=work.z_n1_t)
        subtract_7 *= n1_t
        multiply_7 = np.multiply(h_before, z1_t, out=work.z_z1_t)
        np.add(multiply_7, subtract_7, out=h[t])

    # (8) s[n, j] = h[n, end[n], j]
    multiply_8 = np.multiply(end, N, out=work.multiply_8)
    multiply_8 += work.range_N
    s = np.take(h.reshape(N * T, 48), multiply_8, axis=0, out=work.z_z1_t, mode="clip")

    # (9) z2[n, j] = b2[j] + sum[i](W2[i, j] * s[n, i])
    z2 = s.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (11) loss = sum[n](logsumexp[j](z2[n, j]) - z2[n, y[n]]) / N
    add_11 = np.add(work.fixed_N, y, out=work.multiply_8)
    take_11 = z2.take(add_11, out=work.take_11, mode="clip")

    # (10) p[n, k] = exp(z2[n, k] - logsumexp[j](z2[n, j]))
    largest_10 = np.maximum.reduce(z2, axis=1, out=work.largest_10)
    p = np.subtract(z2, largest_10[:, None], out=z2)
    np.exp(p, out=p)
    total_10 = p.dot(work.ones_9, out=work.total_10)
    p /= total_10[:, None]

    # (11) loss = sum[n](logsumexp[j](z2[n, j]) - z2[n, y[n]]) / N
    log_11 = np.log(total_10, out=total_10)
    take_11 -= largest_10
    log_11 -= take_11
    total_11 = float(np.add.reduce(log_11, axis=None))
    loss = total_11 / N

    # (12) dz2[n, j] = (p[n, j] - [j = y[n]]) / N
    take_12 = p.take(add_11, out=work.total_10, mode="clip")
    take_12 -= work.one
    dz2 = p
    dz2.put(add_11, take_12)
    dz2 /= N

    # (13) dW2[i, j] = sum[n](dz2[n, j] * s[n, i])
    dW2 = s.T.dot(dz2, out=work.dW2)

    # (14) db2[j] = sum[n](dz2[n, j])
    db2 = work.ones_N.dot(dz2, out=work.db2)
    db2 *= rate
    b2 -= db2

    # (15) ds[n, i] = sum[j](W2[i, j] * dz2[n, j])
    ds = dz2.dot(W2.T, out=work.z_z1_t)

    # (13) W2 -= rate * dW2
    dW2 *= rate
    W2 -= dW2

    # (16) dh, apart from other steps
    copy_16 = work.copy_16
    np.copyto(copy_16, U1_r.T)
    copy_16_2 = work.copy_16_2
    np.copyto(copy_16_2, U1_z.T)
    copy_16_3 = work.copy_16_3
    np.copyto(copy_16_3, U1_h.T)

    dh = work.product_5
    dz_n1 = work.product_3
    dz_r1 = work.product_1
    dz_z1 = work.dz_z1

    for t in reversed(range(T)):
        # (16) dh[n, t, j] = ds[n, j] * [t = end[n]] + [t + 1 < T] * (dh[n, t + 1, j] *
        #     z1[n, t + 1, j] + sum[j1](U1_r[j, j1] * dz_r1[n, t + 1, j1]) +
        #     sum[j1](U1_z[j, j1] * dz_z1[n, t + 1, j1]) + sum[j1](U1_h[j, j1] *
        #     dz_n1[n, t + 1, j1] * r1[n, t + 1, j]))
        mask_16 = np.equal(t, end, out=work.mask_16)
        multiply_16 = np.multiply(ds, mask_16[:, None], out=work.z_n1_t)
        if t < T - 1:
            multiply_16_2 = np.multiply(z1[t + 1], dh[t + 1], out=work.multiply_16_2)
            product_16 = dz_r1[t + 1].dot(copy_16, out=work.product_16)
            product_16_2 = dz_z1[t + 1].dot(copy_16_2, out=work.product_16_2)
            product_16_3 = dz_n1[t + 1].dot(copy_16_3, out=work.product_16_3)
            product_16_3 *= r1[t + 1]
            product_16 += multiply_16_2
            product_16_2 += product_16
            product_16_3 += product_16_2
        else:
            product_16_3 = work.product_16_3
            product_16_3.fill(0.0)
        dh_t = np.add(product_16_3, multiply_16, out=dh[t])

        # (17) dn1[n, t, j] = (1 - z1[n, t, j]) * dh[n, t, j]
        subtract_17 = np.subtract(work.one, z1[t], out=work.product_16_3)
        dn1_t = np.multiply(dh_t, subtract_17, out=work.z_n1_t)

        # (18) dz_n1[n, t, j] = (1 - n1[n, t, j]**2) * dn1[n, t, j]
        multiply_18 = np.multiply(n1[t], n1[t], out=work.product_16_2)
        np.subtract(work.one, multiply_18, out=multiply_18)
        dz_n1_t = np.multiply(dn1_t, multiply_18, out=dz_n1[t])

        # (19) dr1[n, t, j] = sum[j1](U1_h[j, j1] * dz_n1[n, t, j1]) * [t >= 1] * h[n, t
        #     - 1, j]
        dr1_t = dz_n1_t.dot(copy_16_3, out=work.product_16_2)
        h_before_2 = h[t - 1] if t >= 1 else zeros_1
        dr1_t *= h_before_2

        # (20) dz_r1[n, t, j] = (1 - r1[n, t, j]) * dr1[n, t, j] * r1[n, t, j]
        subtract_20 = np.subtract(work.one, r1[t], out=work.z_n1_t)
        subtract_20 *= dr1_t
        np.multiply(r1[t], subtract_20, out=dz_r1[t])

        # (21) dz1[n, t, j] = ([t >= 1] * h[n, t - 1, j] - n1[n, t, j]) * dh[n, t, j]
        dz1_t = np.subtract(h_before_2, n1[t], out=work.z_n1_t)
        dz1_t *= dh_t

        # (22) dz_z1[n, t, j] = (1 - z1[n, t, j]) * dz1[n, t, j] * z1[n, t, j]
        multiply_22 = np.multiply(dz1_t, subtract_17, out=dz1_t)
        np.multiply(z1[t], multiply_22, out=dz_z1[t])

    # (23) dU1_h[k, j] = sum[n, t](dz_n1[n, t, j] * r1[n, t, k] * [t >= 1] * h[n, t - 1,
    #     k])
    multiply_23 = np.multiply(h[: T - 1], r1[1:], out=work.multiply_23)
    dU1_h = np.dot(
        multiply_23.reshape(N * (T - 1), 48).T,
        dz_n1[1:].reshape(N * (T - 1), 48),
        out=work.copy_16_3,
    )
    dU1_h *= rate
    U1_h -= dU1_h

    # (24) dU1_r[k, j] = sum[n, t](dz_r1[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU1_r = np.dot(
        h[: T - 1].reshape(N * (T - 1), 48).T,
        dz_r1[1:].reshape(N * (T - 1), 48),
        out=work.copy_16_3,
    )
    dU1_r *= rate
    U1_r -= dU1_r

    # (25) dU1_z[k, j] = sum[n, t](dz_z1[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU1_z = np.dot(
        h[: T - 1].reshape(N * (T - 1), 48).T,
        dz_z1[1:].reshape(N * (T - 1), 48),
        out=work.copy_16_3,
    )
    dU1_z *= rate
    U1_z -= dU1_z

    # (26) dW1_h[i, j] = sum[n, t](dz_n1[n, t, j] * x[n, t, i])
    part_26 = work.part_26
    dW1_h = work.dW1_h
    np.matmul(
        copy_1.reshape(T, N, 12).transpose(0, 2, 1),
        dz_n1.reshape(T, N, 48),
        out=part_26,
    )
    np.add.reduce(part_26, axis=0, out=dW1_h)
    dW1_h *= rate
    W1_h -= dW1_h

    # (27) dW1_r[i, j] = sum[n, t](dz_r1[n, t, j] * x[n, t, i])
    part_27 = work.part_26
    dW1_r = work.dW1_r
    np.matmul(
        copy_1.reshape(T, N, 12).transpose(0, 2, 1),
        dz_r1.reshape(T, N, 48),
        out=part_27,
    )
    np.add.reduce(part_27, axis=0, out=dW1_r)
    dW1_r *= rate
    W1_r -= dW1_r

    # (28) dW1_z[i, j] = sum[n, t](dz_z1[n, t, j] * x[n, t, i])
    part_28 = work.part_26
    dW1_z = work.dW1_z
    np.matmul(
        copy_1.reshape(T, N, 12).transpose(0, 2, 1),
        dz_z1.reshape(T, N, 48),
        out=part_28,
    )
    np.add.reduce(part_28, axis=0, out=dW1_z)
    dW1_z *= rate
    W1_z -= dW1_z

    # (29) db1_h[j] = sum[n, t](dz_n1[n, t, j])
    db1_h = work.ones_N_T.dot(dz_n1.reshape(N * T, 48), out=work.db1_h)
    db1_h *= rate
    b1_h -= db1_h

    # (30) db1_r[j] = sum[n, t](dz_r1[n, t, j])
    db1_r = work.ones_N_T.dot(dz_r1.reshape(N * T, 48), out=work.db1_r)
    db1_r *= rate
    b1_r -= db1_r

    # (31) db1_z[j] = sum[n, t](dz_z1[n, t, j])
    db1_z = work.ones_N_T.dot(dz_z1.reshape(N * T, 48), out=work.db1_z)
    db1_z *= rate
    b1_z -= db1_z

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
    if classes in _EXTENTS:
        return  # nothing that is given has an axis of them
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
