"""Shakespeare's sonnets, a character at a time, by gated recurrent units

A state that is carried along the text has to say what of it matters for the next
character. Its gates say how much of it is kept. On the way back the errors travel along
the text the other way: a second recurrence, from the last step to the first.

Written by symbackprop from the spec char_gru (18102110efb85204).
Call init_params, then forward, loss_and_grads, sgd_step.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "ids": ("N", "T"),
    "next": ("N", "T"),
    "E1": (61, 32),
    "W2_z": (32, 128),
    "U2_z": (128, 128),
    "b2_z": (128,),
    "W2_r": (32, 128),
    "U2_r": (128, 128),
    "b2_r": (128,),
    "W2_h": (32, 128),
    "U2_h": (128, 128),
    "b2_h": (128,),
    "W3": (128, 61),
    "b3": (61,),
    "p": ("N", "T", 61),
}

_PARAMETERS = [
    "E1",
    "W2_z",
    "U2_z",
    "b2_z",
    "W2_r",
    "U2_r",
    "b2_r",
    "W2_h",
    "U2_h",
    "b2_h",
    "W3",
    "b3",
]
_KINDS = {
    "ids": "iu",
    "next": "iu",
}
_CLASSES = {
    "ids": 61,
    "next": 61,
}
_EXTENTS = [
    "N",
    "T",
]


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "E1": _normal(rng, (61, 32), 0.05, dtype),
        "W2_z": _glorot_uniform(rng, (32, 128), dtype),
        "U2_z": _glorot_uniform(rng, (128, 128), dtype),
        "b2_z": np.zeros((128,), dtype),
        "W2_r": _glorot_uniform(rng, (32, 128), dtype),
        "U2_r": _glorot_uniform(rng, (128, 128), dtype),
        "b2_r": np.zeros((128,), dtype),
        "W2_h": _glorot_uniform(rng, (32, 128), dtype),
        "U2_h": _glorot_uniform(rng, (128, 128), dtype),
        "b2_h": np.zeros((128,), dtype),
        "W3": _glorot_uniform(rng, (128, 61), dtype),
        "b3": np.zeros((61,), dtype),
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
        self.ones_61 = np.ones(61, dtype)
        self.range_T = np.arange(T)
        self.fixed_T = np.multiply(self.range_T, 61 * N)
        self.range_N = np.arange(N)
        self.fixed_N = np.multiply(self.range_N, 61)
        self.fixed_N_2 = np.add(self.fixed_T, self.fixed_N[:, None])
        self.ones_N_T = np.ones(N * T, dtype)
        self.range_976 = np.arange(976)
        self.e = _aligned((N, T, 32), dtype)
        self.copy_2 = _aligned((N * T, 32), dtype)
        self.product_2 = _aligned((T, N, 128), dtype)
        self.zeros_2 = _aligned((N, 128), dtype)
        self.product_4 = _aligned((T, N, 128), dtype)
        self.product_6 = _aligned((T, N, 128), dtype)
        self.z2 = _aligned((T, N, 128), dtype)
        self.r2 = _aligned((T, N, 128), dtype)
        self.n2 = _aligned((T, N, 128), dtype)
        self.h = _aligned((T, N, 128), dtype)
        self.z_z2_t = _aligned((N, 128), dtype)
        self.z_n2_t = _aligned((N, 128), dtype)
        self.z3 = _aligned((T, N, 61), dtype)
        self.add_11 = np.empty((N, T), np.intp)
        self.take_11 = _aligned((N, T), dtype)
        self.largest_10 = _aligned((T, N), dtype)
        self.total_10 = _aligned((T, N), dtype)
        self.dW3 = _aligned((128, 61), dtype)
        self.db3 = np.empty((61,), dtype)
        self.copy_15 = _aligned((128, 128), dtype)
        self.copy_15_2 = _aligned((128, 128), dtype)
        self.copy_15_3 = _aligned((128, 128), dtype)
        self.dz_r2 = _aligned((T, N, 128), dtype)
        self.dz_z2 = _aligned((T, N, 128), dtype)
        self.product_15_3 = _aligned((N, 128), dtype)
        self.product_15_4 = _aligned((N, 128), dtype)
        self.multiply_22 = _aligned((T - 1, N, 128), dtype)
        self.dW2_h = _aligned((32, 128), dtype)
        self.dW2_r = _aligned((32, 128), dtype)
        self.dW2_z = _aligned((32, 128), dtype)
        self.db2_h = np.empty((128,), dtype)
        self.db2_r = np.empty((128,), dtype)
        self.db2_z = np.empty((128,), dtype)
        self.product_31 = _aligned((T, N, 32), dtype)
        self.product_31_2 = _aligned((T, N, 32), dtype)
        self.de = _aligned((T, N, 32), dtype)
        self.dE1 = _aligned((61, 32), dtype)
        self.places_32 = np.empty((N * T, 16), np.intp)
        self.p_2 = _aligned((N, T, 61), dtype)
        self._alike = _alike(self._shapes)


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


@np.errstate(over="ignore")
def forward(params, *, ids, workspace=None, training=False):
    """Return p, by name."""
    work = _prepare(params, {"ids": ids}, workspace)
    N = work.N
    T = work.T
    ids = np.asarray(ids, dtype=np.intp)
    E1 = params["E1"]
    W2_z = params["W2_z"]
    U2_z = params["U2_z"]
    b2_z = params["b2_z"]
    W2_r = params["W2_r"]
    U2_r = params["U2_r"]
    b2_r = params["b2_r"]
    W2_h = params["W2_h"]
    U2_h = params["U2_h"]
    b2_h = params["b2_h"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) e[n, t, d] = E1[ids[n, t], d]
    e = E1.take(ids, axis=0, out=work.e, mode="clip")

    # (2) z_z2, apart from other steps
    copy_2 = work.copy_2
    np.copyto(copy_2.reshape(T, N, 32), e.transpose(1, 0, 2))
    product_2 = work.product_2
    np.matmul(copy_2, W2_z, out=product_2.reshape(N * T, 128))
    np.add(product_2, b2_z, out=product_2)
    zeros_2 = work.zeros_2
    zeros_2.fill(0.0)

    # (4) z_r2, apart from other steps
    product_4 = work.product_4
    np.matmul(copy_2, W2_r, out=product_4.reshape(N * T, 128))
    np.add(product_4, b2_r, out=product_4)

    # (6) z_n2, apart from other steps
    product_6 = work.product_6
    np.matmul(copy_2, W2_h, out=product_6.reshape(N * T, 128))
    np.add(product_6, b2_h, out=product_6)

    h = work.h

    for t in range(T):
        # (2) z_z2[n, t, j] = b2_z[j] + sum[k](U2_z[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_z[i, j] * e[n, t, i])
        h_before = h[t - 1] if t >= 1 else zeros_2
        z_z2_t = h_before.dot(U2_z, out=work.z_z2_t)
        z_z2_t += product_2[t]

        # (3) z2[n, t, j] = sigmoid(z_z2[n, t, j])
        z2_t = np.negative(z_z2_t, out=z_z2_t)
        np.exp(z2_t, out=z2_t)
        z2_t += 1.0
        np.reciprocal(z2_t, out=z2_t)

        # (4) z_r2[n, t, j] = b2_r[j] + sum[k](U2_r[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_r[i, j] * e[n, t, i])
        z_r2_t = h_before.dot(U2_r, out=work.product_15_4)
        z_r2_t += product_4[t]

        # (5) r2[n, t, j] = sigmoid(z_r2[n, t, j])
        r2_t = np.negative(z_r2_t, out=z_r2_t)
        np.exp(r2_t, out=r2_t)
        r2_t += 1.0
        np.reciprocal(r2_t, out=r2_t)

        # (6) z_n2[n, t, j] = b2_h[j] + sum[i](W2_h[i, j] * e[n, t, i]) + sum[k](U2_h[k,
        #     j] * r2[n, t, k] * [t >= 1] * h[n, t - 1, k])
        multiply_6 = np.multiply(r2_t, h_before, out=r2_t)
        z_n2_t = multiply_6.dot(U2_h, out=work.z_n2_t)
        z_n2_t += product_6[t]

        # (7) n2[n, t, j] = tanh(z_n2[n, t, j])
        n2_t = np.tanh(z_n2_t, out=z_n2_t)

        # (8) h[n, t, j] = (1 - z2[n, t, j]) * n2[n, t, j] + z2[n, t, j] * [t >= 1] *
        #     h[n, t - 1, j]
        subtract_8 = np.subtract(1.0, z2_t, out=work.product_15_4)
        subtract_8 *= n2_t
        multiply_8 = np.multiply(h_before, z2_t, out=z2_t)
        np.add(multiply_8, subtract_8, out=h[t])

    # (9) z3[n, t, j] = b3[j] + sum[i](W3[i, j] * h[n, t, i])
    z3 = work.z3
    np.matmul(h.reshape(N * T, 128), W3, out=z3.reshape(N * T, 61))

    for start in range(0, N * T, 537):
        rows = slice(start, min(start + 537, N * T))
        part = slice(rows.stop - start)
        z3_rows = z3.reshape(-1, 61)[rows]
        # (9) z3[n, t, j] = b3[j] + sum[i](W3[i, j] * h[n, t, i])
        np.add(z3_rows, b3, out=z3_rows)
        # (10) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
        largest_10 = _largest(z3_rows, out=work.largest_10.reshape(-1)[part])
        z3_rows -= largest_10[:, None]
        np.exp(z3_rows, out=z3_rows)
        total_10 = np.matmul(z3_rows, work.ones_61, out=work.total_10.reshape(-1)[part])
        z3_rows /= total_10[:, None]
    p = z3

    # (10) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
    p_2 = work.p_2
    np.copyto(p_2, p.transpose(1, 0, 2))

    return {
        "p": p_2,
    }


@np.errstate(over="ignore")
def loss(params, *, ids, next, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"ids": ids, "next": next}, workspace)
    N = work.N
    T = work.T
    ids = np.asarray(ids, dtype=np.intp)
    next = np.asarray(next, dtype=np.intp)
    E1 = params["E1"]
    W2_z = params["W2_z"]
    U2_z = params["U2_z"]
    b2_z = params["b2_z"]
    W2_r = params["W2_r"]
    U2_r = params["U2_r"]
    b2_r = params["b2_r"]
    W2_h = params["W2_h"]
    U2_h = params["U2_h"]
    b2_h = params["b2_h"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) e[n, t, d] = E1[ids[n, t], d]
    e = E1.take(ids, axis=0, out=work.e, mode="clip")

    # (2) z_z2, apart from other steps
    copy_2 = work.copy_2
    np.copyto(copy_2.reshape(T, N, 32), e.transpose(1, 0, 2))
    product_2 = work.product_2
    np.matmul(copy_2, W2_z, out=product_2.reshape(N * T, 128))
    np.add(product_2, b2_z, out=product_2)
    zeros_2 = work.zeros_2
    zeros_2.fill(0.0)

    # (4) z_r2, apart from other steps
    product_4 = work.product_4
    np.matmul(copy_2, W2_r, out=product_4.reshape(N * T, 128))
    np.add(product_4, b2_r, out=product_4)

    # (6) z_n2, apart from other steps
    product_6 = work.product_6
    np.matmul(copy_2, W2_h, out=product_6.reshape(N * T, 128))
    np.add(product_6, b2_h, out=product_6)

    h = work.h

    for t in range(T):
        # (2) z_z2[n, t, j] = b2_z[j] + sum[k](U2_z[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_z[i, j] * e[n, t, i])
        h_before = h[t - 1] if t >= 1 else zeros_2
        z_z2_t = h_before.dot(U2_z, out=work.z_z2_t)
        z_z2_t += product_2[t]

        # (3) z2[n, t, j] = sigmoid(z_z2[n, t, j])
        z2_t = np.negative(z_z2_t, out=z_z2_t)
        np.exp(z2_t, out=z2_t)
        z2_t += 1.0
        np.reciprocal(z2_t, out=z2_t)

        # (4) z_r2[n, t, j] = b2_r[j] + sum[k](U2_r[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_r[i, j] * e[n, t, i])
        z_r2_t = h_before.dot(U2_r, out=work.product_15_4)
        z_r2_t += product_4[t]

        # (5) r2[n, t, j] = sigmoid(z_r2[n, t, j])
        r2_t = np.negative(z_r2_t, out=z_r2_t)
        np.exp(r2_t, out=r2_t)
        r2_t += 1.0
        np.reciprocal(r2_t, out=r2_t)

        # (6) z_n2[n, t, j] = b2_h[j] + sum[i](W2_h[i, j] * e[n, t, i]) + sum[k](U2_h[k,
        #     j] * r2[n, t, k] * [t >= 1] * h[n, t - 1, k])
        multiply_6 = np.multiply(r2_t, h_before, out=r2_t)
        z_n2_t = multiply_6.dot(U2_h, out=work.z_n2_t)
        z_n2_t += product_6[t]

        # (7) n2[n, t, j] = tanh(z_n2[n, t, j])
        n2_t = np.tanh(z_n2_t, out=z_n2_t)

        # (8) h[n, t, j] = (1 - z2[n, t, j]) * n2[n, t, j] + z2[n, t, j] * [t >= 1] *
        #     h[n, t - 1, j]
        subtract_8 = np.subtract(1.0, z2_t, out=work.product_15_4)
        subtract_8 *= n2_t
        multiply_8 = np.multiply(h_before, z2_t, out=z2_t)
        np.add(multiply_8, subtract_8, out=h[t])

    # (9) z3[n, t, j] = b3[j] + sum[i](W3[i, j] * h[n, t, i])
    z3 = work.z3
    np.matmul(h.reshape(N * T, 128), W3, out=z3.reshape(N * T, 61))
    np.add(z3, b3, out=z3)

    # (11) loss = sum[n, t](logsumexp[j](z3[n, t, j]) - z3[n, t, next[n, t]]) / (N * T)
    add_11 = np.add(work.fixed_N_2, next, out=work.add_11)
    take_11 = z3.take(add_11, out=work.take_11, mode="clip")

    # (10) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
    largest_10 = _largest(z3, out=work.largest_10)
    subtract_10 = np.subtract(z3, largest_10[:, :, None], out=z3)
    np.exp(subtract_10, out=subtract_10)
    total_10 = np.matmul(subtract_10, work.ones_61, out=work.total_10)

    # (11) loss = sum[n, t](logsumexp[j](z3[n, t, j]) - z3[n, t, next[n, t]]) / (N * T)
    log_11 = np.log(total_10, out=total_10)
    take_11 -= largest_10.T
    np.subtract(log_11.T, take_11, out=take_11)
    total_11 = float(np.add.reduce(take_11, axis=None))
    loss = total_11 / (N * T)

    return loss


@np.errstate(over="ignore")
def loss_and_grads(params, *, ids, next, workspace=None, training=True):
    """Return the loss and its gradients by parameter and input names."""
    work = _prepare(params, {"ids": ids, "next": next}, workspace)
    N = work.N
    T = work.T
    ids = np.asarray(ids, dtype=np.intp)
    next = np.asarray(next, dtype=np.intp)
    E1 = params["E1"]
    W2_z = params["W2_z"]
    U2_z = params["U2_z"]
    b2_z = params["b2_z"]
    W2_r = params["W2_r"]
    U2_r = params["U2_r"]
    b2_r = params["b2_r"]
    W2_h = params["W2_h"]
    U2_h = params["U2_h"]
    b2_h = params["b2_h"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) e[n, t, d] = E1[ids[n, t], d]
    e = E1.take(ids, axis=0, out=work.e, mode="clip")

    # (2) z_z2, apart from other steps
    copy_2 = work.copy_2
    np.copyto(copy_2.reshape(T, N, 32), e.transpose(1, 0, 2))
    product_2 = work.product_2
    np.matmul(copy_2, W2_z, out=product_2.reshape(N * T, 128))
    np.add(product_2, b2_z, out=product_2)
    zeros_2 = work.zeros_2
    zeros_2.fill(0.0)

    # (4) z_r2, apart from other steps
    product_4 = work.product_4
    np.matmul(copy_2, W2_r, out=product_4.reshape(N * T, 128))
    np.add(product_4, b2_r, out=product_4)

    # (6) z_n2, apart from other steps
    product_6 = work.product_6
    np.matmul(copy_2, W2_h, out=product_6.reshape(N * T, 128))
    np.add(product_6, b2_h, out=product_6)

    z2 = work.z2
    r2 = work.r2
    n2 = work.n2
    h = work.h

    for t in range(T):
        # (2) z_z2[n, t, j] = b2_z[j] + sum[k](U2_z[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_z[i, j] * e[n, t, i])
        h_before = h[t - 1] if t >= 1 else zeros_2
        z_z2_t = h_before.dot(U2_z, out=work.z_z2_t)
        z_z2_t += product_2[t]

        # (3) z2[n, t, j] = sigmoid(z_z2[n, t, j])
        negative_3 = np.negative(z_z2_t, out=z_z2_t)
        np.exp(negative_3, out=negative_3)
        negative_3 += 1.0
        z2_t = np.reciprocal(negative_3, out=z2[t])

        # (4) z_r2[n, t, j] = b2_r[j] + sum[k](U2_r[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_r[i, j] * e[n, t, i])
        z_r2_t = h_before.dot(U2_r, out=work.z_z2_t)
        z_r2_t += product_4[t]

        # (5) r2[n, t, j] = sigmoid(z_r2[n, t, j])
        negative_5 = np.negative(z_r2_t, out=z_r2_t)
        np.exp(negative_5, out=negative_5)
        negative_5 += 1.0
        r2_t = np.reciprocal(negative_5, out=r2[t])

        # (6) z_n2[n, t, j] = b2_h[j] + sum[i](W2_h[i, j] * e[n, t, i]) + sum[k](U2_h[k,
        #     j] * r2[n, t, k] * [t >= 1] * h[n, t - 1, k])
        multiply_6 = np.multiply(r2_t, h_before, out=work.z_z2_t)
        z_n2_t = multiply_6.dot(U2_h, out=work.z_n2_t)
        z_n2_t += product_6[t]

        # (7) n2[n, t, j] = tanh(z_n2[n, t, j])
        n2_t = np.tanh(z_n2_t, out=n2[t])

        # (8) h[n, t, j] = (1 - z2[n, t, j]) * n2[n, t, j] + z2[n, t, j] * [t >= 1] *
        #     h[n, t - 1, j]
        subtract_8 = np.subtract(1.0, z2_t, out=work.z_n2_t)
        subtract_8 *= n2_t
        multiply_8 = np.multiply(h_before, z2_t, out=work.z_z2_t)
        np.add(multiply_8, subtract_8, out=h[t])

    # (9) z3[n, t, j] = b3[j] + sum[i](W3[i, j] * h[n, t, i])
    z3 = work.z3
    np.matmul(h.reshape(N * T, 128), W3, out=z3.reshape(N * T, 61))
    np.add(z3, b3, out=z3)

    # (11) loss = sum[n, t](logsumexp[j](z3[n, t, j]) - z3[n, t, next[n, t]]) / (N * T)
    add_11 = np.add(work.fixed_N_2, next, out=work.add_11)
    take_11 = z3.take(add_11, out=work.take_11, mode="clip")

    # (10) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
    largest_10 = _largest(z3, out=work.largest_10)

    for start in range(0, N * T, 537):
        rows = slice(start, min(start + 537, N * T))
        z3_rows = z3.reshape(-1, 61)[rows]
        largest_10_rows = largest_10[:, :, None].reshape(-1, 1)[rows]
        # (10) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
        z3_rows -= largest_10_rows
        np.exp(z3_rows, out=z3_rows)
        total_10 = np.matmul(z3_rows, work.ones_61, out=work.total_10.reshape(-1)[rows])
        z3_rows /= total_10[:, None]
    total_10 = work.total_10
    p = z3

    # (11) loss = sum[n, t](logsumexp[j](z3[n, t, j]) - z3[n, t, next[n, t]]) / (N * T)
    log_11 = np.log(total_10, out=total_10)
    take_11 -= largest_10.T
    np.subtract(log_11.T, take_11, out=take_11)
    total_11 = float(np.add.reduce(take_11, axis=None))
    loss = total_11 / (N * T)

    # (12) dz3[n, t, j] = (p[n, t, j] - [j = next[n, t]]) / (N * T)
    take_12 = p.take(add_11, out=work.take_11, mode="clip")
    take_12 -= 1.0
    dz3 = p
    dz3.put(add_11, take_12)
    dz3 /= N * T

    # (13) dW3[i, j] = sum[n, t](dz3[n, t, j] * h[n, t, i])
    dW3 = h.reshape(N * T, 128).T.dot(dz3.reshape(N * T, 61), out=work.dW3)

    # (14) db3[j] = sum[n, t](dz3[n, t, j])
    db3 = work.ones_N_T.dot(dz3.reshape(N * T, 61), out=work.db3)

    # (15) dh, apart from other steps
    product_15 = work.product_6
    np.matmul(dz3.reshape(N * T, 61), W3.T, out=product_15.reshape(N * T, 128))
    copy_15 = work.copy_15
    np.copyto(copy_15, U2_r.T)
    copy_15_2 = work.copy_15_2
    np.copyto(copy_15_2, U2_z.T)
    copy_15_3 = work.copy_15_3
    np.copyto(copy_15_3, U2_h.T)

    dh = work.product_4
    dz_n2 = work.product_2
    dz_r2 = work.dz_r2
    dz_z2 = work.dz_z2

    for t in reversed(range(T)):
        # (15) dh[n, t, j] = sum[j1](W3[j, j1] * dz3[n, t, j1]) + [t + 1 < T] * (dh[n, t
        #     + 1, j] * z2[n, t + 1, j] + sum[j1](U2_r[j, j1] * dz_r2[n, t + 1, j1]) +
        #     sum[j1](U2_z[j, j1] * dz_z2[n, t + 1, j1]) + sum[j1](U2_h[j, j1] *
        #     dz_n2[n, t + 1, j1] * r2[n, t + 1, j]))
        if t < T - 1:
            multiply_15 = np.multiply(z2[t + 1], dh[t + 1], out=work.z_z2_t)
            product_15_2 = dz_r2[t + 1].dot(copy_15, out=work.z_n2_t)
            product_15_3 = dz_z2[t + 1].dot(copy_15_2, out=work.product_15_3)
            product_15_4 = dz_n2[t + 1].dot(copy_15_3, out=work.product_15_4)
            product_15_4 *= r2[t + 1]
            product_15_2 += multiply_15
            product_15_3 += product_15_2
            product_15_4 += product_15_3
        else:
            product_15_4 = work.product_15_4
            product_15_4.fill(0.0)
        dh_t = np.add(product_15_4, product_15[t], out=dh[t])

        # (16) dn2[n, t, j] = (1 - z2[n, t, j]) * dh[n, t, j]
        subtract_16 = np.subtract(1.0, z2[t], out=work.product_15_4)
        dn2_t = np.multiply(dh_t, subtract_16, out=work.product_15_3)

        # (17) dz_n2[n, t, j] = (1 - n2[n, t, j]**2) * dn2[n, t, j]
        multiply_17 = np.multiply(n2[t], n2[t], out=work.z_n2_t)
        np.subtract(1.0, multiply_17, out=multiply_17)
        dz_n2_t = np.multiply(dn2_t, multiply_17, out=dz_n2[t])

        # (18) dr2[n, t, j] = sum[j1](U2_h[j, j1] * dz_n2[n, t, j1]) * [t >= 1] * h[n, t
        #     - 1, j]
        dr2_t = dz_n2_t.dot(copy_15_3, out=work.z_n2_t)
        h_before_2 = h[t - 1] if t >= 1 else zeros_2
        dr2_t *= h_before_2

        # (19) dz_r2[n, t, j] = (1 - r2[n, t, j]) * dr2[n, t, j] * r2[n, t, j]
        subtract_19 = np.subtract(1.0, r2[t], out=work.product_15_3)
        subtract_19 *= dr2_t
        np.multiply(r2[t], subtract_19, out=dz_r2[t])

        # (20) dz2[n, t, j] = ([t >= 1] * h[n, t - 1, j] - n2[n, t, j]) * dh[n, t, j]
        dz2_t = np.subtract(h_before_2, n2[t], out=work.product_15_3)
        dz2_t *= dh_t

        # (21) dz_z2[n, t, j] = (1 - z2[n, t, j]) * dz2[n, t, j] * z2[n, t, j]
        multiply_21 = np.multiply(dz2_t, subtract_16, out=dz2_t)
        np.multiply(z2[t], multiply_21, out=dz_z2[t])

    # (22) dU2_h[k, j] = sum[n, t](dz_n2[n, t, j] * r2[n, t, k] * [t >= 1] * h[n, t - 1,
    #     k])
    multiply_22 = np.multiply(h[: T - 1], r2[1:], out=work.multiply_22)
    dU2_h = np.matmul(
        multiply_22.reshape(N * (T - 1), 128).T,
        dz_n2[1:].reshape(N * (T - 1), 128),
        out=work.copy_15_3,
    )

    # (23) dU2_r[k, j] = sum[n, t](dz_r2[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU2_r = np.matmul(
        h[: T - 1].reshape(N * (T - 1), 128).T,
        dz_r2[1:].reshape(N * (T - 1), 128),
        out=work.copy_15_2,
    )

    # (24) dU2_z[k, j] = sum[n, t](dz_z2[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU2_z = np.matmul(
        h[: T - 1].reshape(N * (T - 1), 128).T,
        dz_z2[1:].reshape(N * (T - 1), 128),
        out=work.copy_15,
    )

    # (25) dW2_h[i, j] = sum[n, t](dz_n2[n, t, j] * e[n, t, i])
    dW2_h = copy_2.T.dot(dz_n2.reshape(N * T, 128), out=work.dW2_h)

    # (26) dW2_r[i, j] = sum[n, t](dz_r2[n, t, j] * e[n, t, i])
    dW2_r = copy_2.T.dot(dz_r2.reshape(N * T, 128), out=work.dW2_r)

    # (27) dW2_z[i, j] = sum[n, t](dz_z2[n, t, j] * e[n, t, i])
    dW2_z = copy_2.T.dot(dz_z2.reshape(N * T, 128), out=work.dW2_z)

    # (28) db2_h[j] = sum[n, t](dz_n2[n, t, j])
    db2_h = work.ones_N_T.dot(dz_n2.reshape(N * T, 128), out=work.db2_h)

    # (29) db2_r[j] = sum[n, t](dz_r2[n, t, j])
    db2_r = work.ones_N_T.dot(dz_r2.reshape(N * T, 128), out=work.db2_r)

    # (30) db2_z[j] = sum[n, t](dz_z2[n, t, j])
    db2_z = work.ones_N_T.dot(dz_z2.reshape(N * T, 128), out=work.db2_z)

    # (31) de[n, t, i] = sum[j](W2_h[i, j] * dz_n2[n, t, j]) + sum[j](W2_r[i, j] *
    #     dz_r2[n, t, j]) + sum[j](W2_z[i, j] * dz_z2[n, t, j])
    product_31 = work.product_31
    np.matmul(dz_n2.reshape(N * T, 128), W2_h.T, out=product_31.reshape(N * T, 32))
    product_31_2 = work.product_31_2
    np.matmul(dz_r2.reshape(N * T, 128), W2_r.T, out=product_31_2.reshape(N * T, 32))
    de = work.de
    np.matmul(dz_z2.reshape(N * T, 128), W2_z.T, out=de.reshape(N * T, 32))
    product_31_2 += product_31
    de += product_31_2

    # (32) dE1[i, j] = sum[n, t](de[n, t, j] * [i = ids[n, t]])
    dE1 = work.dE1
    dE1.fill(0.0)
    copy_32 = work.copy_2
    np.copyto(copy_32.reshape(N, T, 32), de.transpose(1, 0, 2))
    places_32 = work.places_32
    _at_rows(
        np.add,
        dE1,
        ids.reshape(N * T),
        copy_32,
        work.range_976.reshape(61, 16),
        places_32,
    )

    return loss, {
        "E1": dE1,
        "W2_z": dW2_z,
        "U2_z": dU2_z,
        "b2_z": db2_z,
        "W2_r": dW2_r,
        "U2_r": dU2_r,
        "b2_r": db2_r,
        "W2_h": dW2_h,
        "U2_h": dU2_h,
        "b2_h": db2_h,
        "W3": dW3,
        "b3": db3,
    }


@np.errstate(over="ignore")
def sgd_step(params, *, ids, next, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"ids": ids, "next": next}, workspace)
    rate = _checked_rate(rate, params, work)
    N = work.N
    T = work.T
    ids = np.asarray(ids, dtype=np.intp)
    next = np.asarray(next, dtype=np.intp)
    E1 = params["E1"]
    W2_z = params["W2_z"]
    U2_z = params["U2_z"]
    b2_z = params["b2_z"]
    W2_r = params["W2_r"]
    U2_r = params["U2_r"]
    b2_r = params["b2_r"]
    W2_h = params["W2_h"]
    U2_h = params["U2_h"]
    b2_h = params["b2_h"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) e[n, t, d] = E1[ids[n, t], d]
    e = E1.take(ids, axis=0, out=work.e, mode="clip")

    # (2) z_z2, apart from other steps
    copy_2 = work.copy_2
    np.copyto(copy_2.reshape(T, N, 32), e.transpose(1, 0, 2))
    product_2 = work.product_2
    np.matmul(copy_2, W2_z, out=product_2.reshape(N * T, 128))
    np.add(product_2, b2_z, out=product_2)
    zeros_2 = work.zeros_2
    zeros_2.fill(0.0)

    # (4) z_r2, apart from other steps
    product_4 = work.product_4
    np.matmul(copy_2, W2_r, out=product_4.reshape(N * T, 128))
    np.add(product_4, b2_r, out=product_4)

    # (6) z_n2, apart from other steps
    product_6 = work.product_6
    np.matmul(copy_2, W2_h, out=product_6.reshape(N * T, 128))
    np.add(product_6, b2_h, out=product_6)

    z2 = work.z2
    r2 = work.r2
    n2 = work.n2
    h = work.h

    for t in range(T):
        # (2) z_z2[n, t, j] = b2_z[j] + sum[k](U2_z[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_z[i, j] * e[n, t, i])
        h_before = h[t - 1] if t >= 1 else zeros_2
        z_z2_t = h_before.dot(U2_z, out=work.z_z2_t)
        z_z2_t += product_2[t]

        # (3) z2[n, t, j] = sigmoid(z_z2[n, t, j])
        negative_3 = np.negative(z_z2_t, out=z_z2_t)
        np.exp(negative_3, out=negative_3)
        negative_3 += 1.0
        z2_t = np.reciprocal(negative_3, out=z2[t])

        # (4) z_r2[n, t, j] = b2_r[j] + sum[k](U2_r[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_r[i, j] * e[n, t, i])
        z_r2_t = h_before.dot(U2_r, out=work.z_z2_t)
        z_r2_t += product_4[t]

        # (5) r2[n, t, j] = sigmoid(z_r2[n, t, j])
        negative_5 = np.negative(z_r2_t, out=z_r2_t)
        np.exp(negative_5, out=negative_5)
        negative_5 += 1.0
        r2_t = np.reciprocal(negative_5, out=r2[t])

        # (6) z_n2[n, t, j] = b2_h[j] + sum[i](W2_h[i, j] * e[n, t, i]) + sum[k](U2_h[k,
        #     j] * r2[n, t, k] * [t >= 1] * h[n, t - 1, k])
        multiply_6 = np.multiply(r2_t, h_before, out=work.z_z2_t)
        z_n2_t = multiply_6.dot(U2_h, out=work.z_n2_t)
        z_n2_t += product_6[t]

        # (7) n2[n, t, j] = tanh(z_n2[n, t, j])
        n2_t = np.tanh(z_n2_t, out=n2[t])

        # (8) h[n, t, j] = (1 - z2[n, t, j]) * n2[n, t, j] + z2[n, t, j] * [t >= 1] *
        #     h[n, t - 1, j]
        subtract_8 = np.subtract(1.0, z2_t, out=work.z_n2_t)
        subtract_8 *= n2_t
        multiply_8 = np.multiply(h_before, z2_t, out=work.z_z2_t)
        np.add(multiply_8, subtract_8, out=h[t])

    # (9) z3[n, t, j] = b3[j] + sum[i](W3[i, j] * h[n, t, i])
    z3 = work.z3
    np.matmul(h.reshape(N * T, 128), W3, out=z3.reshape(N * T, 61))
    np.add(z3, b3, out=z3)

    # (11) loss = sum[n, t](logsumexp[j](z3[n, t, j]) - z3[n, t, next[n, t]]) / (N * T)
    add_11 = np.add(work.fixed_N_2, next, out=work.add_11)
    take_11 = z3.take(add_11, out=work.take_11, mode="clip")

    # (10) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
    largest_10 = _largest(z3, out=work.largest_10)

    for start in range(0, N * T, 537):
        rows = slice(start, min(start + 537, N * T))
        z3_rows = z3.reshape(-1, 61)[rows]
        largest_10_rows = largest_10[:, :, None].reshape(-1, 1)[rows]
        # (10) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
        z3_rows -= largest_10_rows
        np.exp(z3_rows, out=z3_rows)
        total_10 = np.matmul(z3_rows, work.ones_61, out=work.total_10.reshape(-1)[rows])
        z3_rows /= total_10[:, None]
    total_10 = work.total_10
    p = z3

    # (11) loss = sum[n, t](logsumexp[j](z3[n, t, j]) - z3[n, t, next[n, t]]) / (N * T)
    log_11 = np.log(total_10, out=total_10)
    take_11 -= largest_10.T
    np.subtract(log_11.T, take_11, out=take_11)
    total_11 = float(np.add.reduce(take_11, axis=None))
    loss = total_11 / (N * T)

    # (12) dz3[n, t, j] = (p[n, t, j] - [j = next[n, t]]) / (N * T)
    take_12 = p.take(add_11, out=work.take_11, mode="clip")
    take_12 -= 1.0
    dz3 = p
    dz3.put(add_11, take_12)
    dz3 /= N * T

    # (13) dW3[i, j] = sum[n, t](dz3[n, t, j] * h[n, t, i])
    dW3 = h.reshape(N * T, 128).T.dot(dz3.reshape(N * T, 61), out=work.dW3)

    # (14) db3[j] = sum[n, t](dz3[n, t, j])
    db3 = work.ones_N_T.dot(dz3.reshape(N * T, 61), out=work.db3)
    db3 *= rate
    b3 -= db3

    # (15) dh, apart from other steps
    product_15 = work.product_6
    np.matmul(dz3.reshape(N * T, 61), W3.T, out=product_15.reshape(N * T, 128))
    copy_15 = work.copy_15
    np.copyto(copy_15, U2_r.T)
    copy_15_2 = work.copy_15_2
    np.copyto(copy_15_2, U2_z.T)
    copy_15_3 = work.copy_15_3
    np.copyto(copy_15_3, U2_h.T)

    # (13) W3 -= rate * dW3
    dW3 *= rate
    W3 -= dW3

    dh = work.product_4
    dz_n2 = work.product_2
    dz_r2 = work.dz_r2
    dz_z2 = work.dz_z2

    for t in reversed(range(T)):
        # (15) dh[n, t, j] = sum[j1](W3[j, j1] * dz3[n, t, j1]) + [t + 1 < T] * (dh[n, t
        #     + 1, j] * z2[n, t + 1, j] + sum[j1](U2_r[j, j1] * dz_r2[n, t + 1, j1]) +
        #     sum[j1](U2_z[j, j1] * dz_z2[n, t + 1, j1]) + sum[j1](U2_h[j, j1] *
        #     dz_n2[n, t + 1, j1] * r2[n, t + 1, j]))
        if t < T - 1:
            multiply_15 = np.multiply(z2[t + 1], dh[t + 1], out=work.z_z2_t)
            product_15_2 = dz_r2[t + 1].dot(copy_15, out=work.z_n2_t)
            product_15_3 = dz_z2[t + 1].dot(copy_15_2, out=work.product_15_3)
            product_15_4 = dz_n2[t + 1].dot(copy_15_3, out=work.product_15_4)
            product_15_4 *= r2[t + 1]
            product_15_2 += multiply_15
            product_15_3 += product_15_2
            product_15_4 += product_15_3
        else:
            product_15_4 = work.product_15_4
            product_15_4.fill(0.0)
        dh_t = np.add(product_15_4, product_15[t], out=dh[t])

        # (16) dn2[n, t, j] = (1 - z2[n, t, j]) * dh[n, t, j]
        subtract_16 = np.subtract(1.0, z2[t], out=work.product_15_4)
        dn2_t = np.multiply(dh_t, subtract_16, out=work.product_15_3)

        # (17) dz_n2[n, t, j] = (1 - n2[n, t, j]**2) * dn2[n, t, j]
        multiply_17 = np.multiply(n2[t], n2[t], out=work.z_n2_t)
        np.subtract(1.0, multiply_17, out=multiply_17)
        dz_n2_t = np.multiply(dn2_t, multiply_17, out=dz_n2[t])

        # (18) dr2[n, t, j] = sum[j1](U2_h[j, j1] * dz_n2[n, t, j1]) * [t >= 1] * h[n, t
        #     - 1, j]
        dr2_t = dz_n2_t.dot(copy_15_3, out=work.z_n2_t)
        h_before_2 = h[t - 1] if t >= 1 else zeros_2
        dr2_t *= h_before_2

        # (19) dz_r2[n, t, j] = (1 - r2[n, t, j]) * dr2[n, t, j] * r2[n, t, j]
        subtract_19 = np.subtract(1.0, r2[t], out=work.product_15_3)
        subtract_19 *= dr2_t
        np.multiply(r2[t], subtract_19, out=dz_r2[t])

        # (20) dz2[n, t, j] = ([t >= 1] * h[n, t - 1, j] - n2[n, t, j]) * dh[n, t, j]
        dz2_t = np.subtract(h_before_2, n2[t], out=work.product_15_3)
        dz2_t *= dh_t

        # (21) dz_z2[n, t, j] = (1 - z2[n, t, j]) * dz2[n, t, j] * z2[n, t, j]
        multiply_21 = np.multiply(dz2_t, subtract_16, out=dz2_t)
        np.multiply(z2[t], multiply_21, out=dz_z2[t])

    # (22) dU2_h[k, j] = sum[n, t](dz_n2[n, t, j] * r2[n, t, k] * [t >= 1] * h[n, t - 1,
    #     k])
    multiply_22 = np.multiply(h[: T - 1], r2[1:], out=work.multiply_22)
    dU2_h = np.matmul(
        multiply_22.reshape(N * (T - 1), 128).T,
        dz_n2[1:].reshape(N * (T - 1), 128),
        out=work.copy_15_3,
    )
    dU2_h *= rate
    U2_h -= dU2_h

    # (23) dU2_r[k, j] = sum[n, t](dz_r2[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU2_r = np.matmul(
        h[: T - 1].reshape(N * (T - 1), 128).T,
        dz_r2[1:].reshape(N * (T - 1), 128),
        out=work.copy_15_3,
    )
    dU2_r *= rate
    U2_r -= dU2_r

    # (24) dU2_z[k, j] = sum[n, t](dz_z2[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU2_z = np.matmul(
        h[: T - 1].reshape(N * (T - 1), 128).T,
        dz_z2[1:].reshape(N * (T - 1), 128),
        out=work.copy_15_3,
    )
    dU2_z *= rate
    U2_z -= dU2_z

    # (25) dW2_h[i, j] = sum[n, t](dz_n2[n, t, j] * e[n, t, i])
    dW2_h = copy_2.T.dot(dz_n2.reshape(N * T, 128), out=work.dW2_h)

    # (26) dW2_r[i, j] = sum[n, t](dz_r2[n, t, j] * e[n, t, i])
    dW2_r = copy_2.T.dot(dz_r2.reshape(N * T, 128), out=work.dW2_r)

    # (27) dW2_z[i, j] = sum[n, t](dz_z2[n, t, j] * e[n, t, i])
    dW2_z = copy_2.T.dot(dz_z2.reshape(N * T, 128), out=work.dW2_z)

    # (28) db2_h[j] = sum[n, t](dz_n2[n, t, j])
    db2_h = work.ones_N_T.dot(dz_n2.reshape(N * T, 128), out=work.db2_h)
    db2_h *= rate
    b2_h -= db2_h

    # (29) db2_r[j] = sum[n, t](dz_r2[n, t, j])
    db2_r = work.ones_N_T.dot(dz_r2.reshape(N * T, 128), out=work.db2_r)
    db2_r *= rate
    b2_r -= db2_r

    # (30) db2_z[j] = sum[n, t](dz_z2[n, t, j])
    db2_z = work.ones_N_T.dot(dz_z2.reshape(N * T, 128), out=work.db2_z)
    db2_z *= rate
    b2_z -= db2_z

    # (31) de[n, t, i] = sum[j](W2_h[i, j] * dz_n2[n, t, j]) + sum[j](W2_r[i, j] *
    #     dz_r2[n, t, j]) + sum[j](W2_z[i, j] * dz_z2[n, t, j])
    product_31 = work.product_31
    np.matmul(dz_n2.reshape(N * T, 128), W2_h.T, out=product_31.reshape(N * T, 32))
    product_31_2 = work.product_31_2
    np.matmul(dz_r2.reshape(N * T, 128), W2_r.T, out=product_31_2.reshape(N * T, 32))
    de = work.de
    np.matmul(dz_z2.reshape(N * T, 128), W2_z.T, out=de.reshape(N * T, 32))
    product_31_2 += product_31
    de += product_31_2

    # (27) W2_z -= rate * dW2_z
    dW2_z *= rate
    W2_z -= dW2_z

    # (26) W2_r -= rate * dW2_r
    dW2_r *= rate
    W2_r -= dW2_r

    # (25) W2_h -= rate * dW2_h
    dW2_h *= rate
    W2_h -= dW2_h

    # (32) dE1[i, j] = sum[n, t](de[n, t, j] * [i = ids[n, t]])
    dE1 = work.dE1
    dE1.fill(0.0)
    copy_32 = work.copy_2
    np.copyto(copy_32.reshape(N, T, 32), de.transpose(1, 0, 2))
    places_32 = work.places_32
    _at_rows(
        np.add,
        dE1,
        ids.reshape(N * T),
        copy_32,
        work.range_976.reshape(61, 16),
        places_32,
    )
    dE1 *= rate
    E1 -= dE1

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


def _at_rows(ufunc, table, rows, values, starts, places):
    """Add each row of values to that row of a table, or subtract it; rows may repeat.

    Where `places` has half as many columns, neighbours are one complex number. `starts` is
    room for where rows start, or has the places of every row.
    """
    if not table.flags.c_contiguous:
        ufunc.at(table, rows, values)
        return
    if starts.ndim == 2:
        starts.take(rows, axis=0, out=places, mode="clip")
    else:
        each = places.shape[1]
        np.multiply(rows, each, out=starts)
        np.add(starts[:, None], np.arange(each), out=places)
    flat, added = table.reshape(-1), values.reshape(-1)
    if added.size > places.size:
        pairs = np.result_type(flat, np.complex64)
        flat, added = flat.view(pairs), added.view(pairs)
    ufunc.at(flat, places.reshape(-1), added)


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


def _normal(rng, shape, std, dtype):
    """Normal with the given standard deviation."""
    return np.asarray(std * rng.standard_normal(shape), dtype)


def _fans(shape):
    """Fan in and fan out: the last two axes, each times the receptive field before."""
    if len(shape) < 2:
        return (*shape, *shape) or (1, 1)
    field = int(np.prod(shape[:-2]))
    return field * shape[-2], field * shape[-1]
