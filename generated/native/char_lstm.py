"""Shakespeare's sonnets, a character at a time, by long short-term memory

A state that is carried along the text has to say what of it matters for the next
character. Its gates say how much of it is kept. On the way back the errors travel along
the text the other way: a second recurrence, from the last step to the first.

Written by symbackprop from the spec char_lstm (a9794e967e6425bf).
Call init_params, then forward, loss_and_grads, sgd_step.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import atexit
import contextlib
import ctypes
import functools
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import warnings

import numpy as np

SHAPES = {
    "ids": ("N", "T"),
    "next": ("N", "T"),
    "E1": (61, 32),
    "W2_i": (32, 128),
    "U2_i": (128, 128),
    "b2_i": (128,),
    "W2_f": (32, 128),
    "U2_f": (128, 128),
    "b2_f": (128,),
    "W2_g": (32, 128),
    "U2_g": (128, 128),
    "b2_g": (128,),
    "W2_o": (32, 128),
    "U2_o": (128, 128),
    "b2_o": (128,),
    "W3": (128, 61),
    "b3": (61,),
    "p": ("N", "T", 61),
}

_PARAMETERS = [
    "E1",
    "W2_i",
    "U2_i",
    "b2_i",
    "W2_f",
    "U2_f",
    "b2_f",
    "W2_g",
    "U2_g",
    "b2_g",
    "W2_o",
    "U2_o",
    "b2_o",
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
        "W2_i": _glorot_uniform(rng, (32, 128), dtype),
        "U2_i": _glorot_uniform(rng, (128, 128), dtype),
        "b2_i": np.zeros((128,), dtype),
        "W2_f": _glorot_uniform(rng, (32, 128), dtype),
        "U2_f": _glorot_uniform(rng, (128, 128), dtype),
        "b2_f": np.ones((128,), dtype),
        "W2_g": _glorot_uniform(rng, (32, 128), dtype),
        "U2_g": _glorot_uniform(rng, (128, 128), dtype),
        "b2_g": np.zeros((128,), dtype),
        "W2_o": _glorot_uniform(rng, (32, 128), dtype),
        "U2_o": _glorot_uniform(rng, (128, 128), dtype),
        "b2_o": np.zeros((128,), dtype),
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
        self.product_8 = _aligned((T, N, 128), dtype)
        self.i2 = _aligned((T, N, 128), dtype)
        self.f2 = _aligned((T, N, 128), dtype)
        self.g2 = _aligned((T, N, 128), dtype)
        self.o2 = _aligned((T, N, 128), dtype)
        self.c2 = _aligned((T, N, 128), dtype)
        self.h = _aligned((T, N, 128), dtype)
        self.z_i2_t = _aligned((N, 128), dtype)
        self.multiply_10_2 = _aligned((N, 128), dtype)
        self.z3 = _aligned((T, N, 61), dtype)
        self.add_14 = np.empty((N, T), np.intp)
        self.take_14 = _aligned((N, T), dtype)
        self.largest_13 = _aligned((T, N), dtype)
        self.total_13 = _aligned((T, N), dtype)
        self.dW3 = _aligned((128, 61), dtype)
        self.db3 = np.empty((61,), dtype)
        self.copy_18 = _aligned((128, 128), dtype)
        self.copy_18_2 = _aligned((128, 128), dtype)
        self.copy_18_3 = _aligned((128, 128), dtype)
        self.copy_18_4 = _aligned((128, 128), dtype)
        self.dz_f2 = _aligned((T, N, 128), dtype)
        self.dz_i2 = _aligned((T, N, 128), dtype)
        self.product_18_4 = _aligned((N, 128), dtype)
        self.dh_t = _aligned((N, 128), dtype)
        self.dW2_f = _aligned((32, 128), dtype)
        self.dW2_g = _aligned((32, 128), dtype)
        self.dW2_i = _aligned((32, 128), dtype)
        self.dW2_o = _aligned((32, 128), dtype)
        self.db2_f = np.empty((128,), dtype)
        self.db2_g = np.empty((128,), dtype)
        self.db2_i = np.empty((128,), dtype)
        self.db2_o = np.empty((128,), dtype)
        self.product_40 = _aligned((T, N, 32), dtype)
        self.product_40_2 = _aligned((T, N, 32), dtype)
        self.product_40_3 = _aligned((T, N, 32), dtype)
        self.de = _aligned((T, N, 32), dtype)
        self.dE1 = _aligned((61, 32), dtype)
        self.places_41 = np.empty((N * T, 16), np.intp)
        self.p_2 = _aligned((N, T, 61), dtype)
        self._alike = _alike(self._shapes)
        self._compiled = _bind(self)

    def __reduce__(self):
        """A copy is a new one: nothing in it is kept from one step to the next."""
        make = functools.partial(type(self), dtype=self._dtype, **self._extents)
        return make, ()


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
    W2_i = params["W2_i"]
    U2_i = params["U2_i"]
    b2_i = params["b2_i"]
    W2_f = params["W2_f"]
    U2_f = params["U2_f"]
    b2_f = params["b2_f"]
    W2_g = params["W2_g"]
    U2_g = params["U2_g"]
    b2_g = params["b2_g"]
    W2_o = params["W2_o"]
    U2_o = params["U2_o"]
    b2_o = params["b2_o"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) e[n, t, d] = E1[ids[n, t], d]
    e = E1.take(ids, axis=0, out=work.e, mode="clip")

    # (2) z_i2, apart from other steps
    copy_2 = work.copy_2
    np.copyto(copy_2.reshape(T, N, 32), e.transpose(1, 0, 2))
    product_2 = work.product_2
    np.matmul(copy_2, W2_i, out=product_2.reshape(N * T, 128))
    np.add(product_2, b2_i, out=product_2)
    zeros_2 = work.zeros_2
    zeros_2.fill(0.0)

    # (4) z_f2, apart from other steps
    product_4 = work.product_4
    np.matmul(copy_2, W2_f, out=product_4.reshape(N * T, 128))
    np.add(product_4, b2_f, out=product_4)

    # (6) z_g2, apart from other steps
    product_6 = work.product_6
    np.matmul(copy_2, W2_g, out=product_6.reshape(N * T, 128))
    np.add(product_6, b2_g, out=product_6)

    # (8) z_o2, apart from other steps
    product_8 = work.product_8
    np.matmul(copy_2, W2_o, out=product_8.reshape(N * T, 128))
    np.add(product_8, b2_o, out=product_8)

    c2 = work.c2
    h = work.h

    for t in range(T):
        # (2) z_i2[n, t, j] = b2_i[j] + sum[k](U2_i[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_i[i, j] * e[n, t, i])
        h_before = h[t - 1] if t >= 1 else zeros_2
        z_i2_t = h_before.dot(U2_i, out=work.z_i2_t)
        z_i2_t += product_2[t]

        # (3) i2[n, t, j] = sigmoid(z_i2[n, t, j])
        i2_t = np.negative(z_i2_t, out=z_i2_t)
        np.exp(i2_t, out=i2_t)
        i2_t += 1.0
        np.reciprocal(i2_t, out=i2_t)

        # (4) z_f2[n, t, j] = b2_f[j] + sum[k](U2_f[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_f[i, j] * e[n, t, i])
        z_f2_t = h_before.dot(U2_f, out=work.dh_t)
        z_f2_t += product_4[t]

        # (5) f2[n, t, j] = sigmoid(z_f2[n, t, j])
        f2_t = np.negative(z_f2_t, out=z_f2_t)
        np.exp(f2_t, out=f2_t)
        f2_t += 1.0
        np.reciprocal(f2_t, out=f2_t)

        # (6) z_g2[n, t, j] = b2_g[j] + sum[k](U2_g[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_g[i, j] * e[n, t, i])
        z_g2_t = h_before.dot(U2_g, out=work.product_18_4)
        z_g2_t += product_6[t]

        # (7) g2[n, t, j] = tanh(z_g2[n, t, j])
        g2_t = np.tanh(z_g2_t, out=z_g2_t)

        # (8) z_o2[n, t, j] = b2_o[j] + sum[k](U2_o[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_o[i, j] * e[n, t, i])
        z_o2_t = h_before.dot(U2_o, out=work.multiply_10_2)
        z_o2_t += product_8[t]

        # (9) o2[n, t, j] = sigmoid(z_o2[n, t, j])
        o2_t = np.negative(z_o2_t, out=z_o2_t)
        np.exp(o2_t, out=o2_t)
        o2_t += 1.0
        np.reciprocal(o2_t, out=o2_t)

        # (10) c2[n, t, j] = f2[n, t, j] * [t >= 1] * c2[n, t - 1, j] + g2[n, t, j] *
        #     i2[n, t, j]
        c2_before = c2[t - 1] if t >= 1 else zeros_2
        multiply_10 = np.multiply(c2_before, f2_t, out=f2_t)
        multiply_10_2 = np.multiply(i2_t, g2_t, out=i2_t)
        c2_t = np.add(multiply_10_2, multiply_10, out=c2[t])

        # (11) h[n, t, j] = o2[n, t, j] * tanh(c2[n, t, j])
        tanh_11 = np.tanh(c2_t, out=work.z_i2_t)
        np.multiply(tanh_11, o2_t, out=h[t])

    # (12) z3[n, t, j] = b3[j] + sum[i](W3[i, j] * h[n, t, i])
    z3 = work.z3
    np.matmul(h.reshape(N * T, 128), W3, out=z3.reshape(N * T, 61))

    for start in range(0, N * T, 537):
        rows = slice(start, min(start + 537, N * T))
        part = slice(rows.stop - start)
        z3_rows = z3.reshape(-1, 61)[rows]
        # (12) z3[n, t, j] = b3[j] + sum[i](W3[i, j] * h[n, t, i])
        np.add(z3_rows, b3, out=z3_rows)
        # (13) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
        largest_13 = _largest(z3_rows, out=work.largest_13.reshape(-1)[part])
        z3_rows -= largest_13[:, None]
        np.exp(z3_rows, out=z3_rows)
        total_13 = np.matmul(z3_rows, work.ones_61, out=work.total_13.reshape(-1)[part])
        z3_rows /= total_13[:, None]
    p = z3

    # (13) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
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
    W2_i = params["W2_i"]
    U2_i = params["U2_i"]
    b2_i = params["b2_i"]
    W2_f = params["W2_f"]
    U2_f = params["U2_f"]
    b2_f = params["b2_f"]
    W2_g = params["W2_g"]
    U2_g = params["U2_g"]
    b2_g = params["b2_g"]
    W2_o = params["W2_o"]
    U2_o = params["U2_o"]
    b2_o = params["b2_o"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) e[n, t, d] = E1[ids[n, t], d]
    e = E1.take(ids, axis=0, out=work.e, mode="clip")

    # (2) z_i2, apart from other steps
    copy_2 = work.copy_2
    np.copyto(copy_2.reshape(T, N, 32), e.transpose(1, 0, 2))
    product_2 = work.product_2
    np.matmul(copy_2, W2_i, out=product_2.reshape(N * T, 128))
    np.add(product_2, b2_i, out=product_2)
    zeros_2 = work.zeros_2
    zeros_2.fill(0.0)

    # (4) z_f2, apart from other steps
    product_4 = work.product_4
    np.matmul(copy_2, W2_f, out=product_4.reshape(N * T, 128))
    np.add(product_4, b2_f, out=product_4)

    # (6) z_g2, apart from other steps
    product_6 = work.product_6
    np.matmul(copy_2, W2_g, out=product_6.reshape(N * T, 128))
    np.add(product_6, b2_g, out=product_6)

    # (8) z_o2, apart from other steps
    product_8 = work.product_8
    np.matmul(copy_2, W2_o, out=product_8.reshape(N * T, 128))
    np.add(product_8, b2_o, out=product_8)

    c2 = work.c2
    h = work.h

    for t in range(T):
        # (2) z_i2[n, t, j] = b2_i[j] + sum[k](U2_i[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_i[i, j] * e[n, t, i])
        h_before = h[t - 1] if t >= 1 else zeros_2
        z_i2_t = h_before.dot(U2_i, out=work.z_i2_t)
        z_i2_t += product_2[t]

        # (3) i2[n, t, j] = sigmoid(z_i2[n, t, j])
        i2_t = np.negative(z_i2_t, out=z_i2_t)
        np.exp(i2_t, out=i2_t)
        i2_t += 1.0
        np.reciprocal(i2_t, out=i2_t)

        # (4) z_f2[n, t, j] = b2_f[j] + sum[k](U2_f[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_f[i, j] * e[n, t, i])
        z_f2_t = h_before.dot(U2_f, out=work.dh_t)
        z_f2_t += product_4[t]

        # (5) f2[n, t, j] = sigmoid(z_f2[n, t, j])
        f2_t = np.negative(z_f2_t, out=z_f2_t)
        np.exp(f2_t, out=f2_t)
        f2_t += 1.0
        np.reciprocal(f2_t, out=f2_t)

        # (6) z_g2[n, t, j] = b2_g[j] + sum[k](U2_g[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_g[i, j] * e[n, t, i])
        z_g2_t = h_before.dot(U2_g, out=work.product_18_4)
        z_g2_t += product_6[t]

        # (7) g2[n, t, j] = tanh(z_g2[n, t, j])
        g2_t = np.tanh(z_g2_t, out=z_g2_t)

        # (8) z_o2[n, t, j] = b2_o[j] + sum[k](U2_o[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_o[i, j] * e[n, t, i])
        z_o2_t = h_before.dot(U2_o, out=work.multiply_10_2)
        z_o2_t += product_8[t]

        # (9) o2[n, t, j] = sigmoid(z_o2[n, t, j])
        o2_t = np.negative(z_o2_t, out=z_o2_t)
        np.exp(o2_t, out=o2_t)
        o2_t += 1.0
        np.reciprocal(o2_t, out=o2_t)

        # (10) c2[n, t, j] = f2[n, t, j] * [t >= 1] * c2[n, t - 1, j] + g2[n, t, j] *
        #     i2[n, t, j]
        c2_before = c2[t - 1] if t >= 1 else zeros_2
        multiply_10 = np.multiply(c2_before, f2_t, out=f2_t)
        multiply_10_2 = np.multiply(i2_t, g2_t, out=i2_t)
        c2_t = np.add(multiply_10_2, multiply_10, out=c2[t])

        # (11) h[n, t, j] = o2[n, t, j] * tanh(c2[n, t, j])
        tanh_11 = np.tanh(c2_t, out=work.z_i2_t)
        np.multiply(tanh_11, o2_t, out=h[t])

    # (12) z3[n, t, j] = b3[j] + sum[i](W3[i, j] * h[n, t, i])
    z3 = work.z3
    np.matmul(h.reshape(N * T, 128), W3, out=z3.reshape(N * T, 61))
    np.add(z3, b3, out=z3)

    # (14) loss = sum[n, t](logsumexp[j](z3[n, t, j]) - z3[n, t, next[n, t]]) / (N * T)
    add_14 = np.add(work.fixed_N_2, next, out=work.add_14)
    take_14 = z3.take(add_14, out=work.take_14, mode="clip")

    # (13) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
    largest_13 = _largest(z3, out=work.largest_13)
    subtract_13 = np.subtract(z3, largest_13[:, :, None], out=z3)
    np.exp(subtract_13, out=subtract_13)
    total_13 = np.matmul(subtract_13, work.ones_61, out=work.total_13)

    # (14) loss = sum[n, t](logsumexp[j](z3[n, t, j]) - z3[n, t, next[n, t]]) / (N * T)
    log_14 = np.log(total_13, out=total_13)
    take_14 -= largest_13.T
    np.subtract(log_14.T, take_14, out=take_14)
    total_14 = float(np.add.reduce(take_14, axis=None))
    loss = total_14 / (N * T)

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
    W2_i = params["W2_i"]
    U2_i = params["U2_i"]
    b2_i = params["b2_i"]
    W2_f = params["W2_f"]
    U2_f = params["U2_f"]
    b2_f = params["b2_f"]
    W2_g = params["W2_g"]
    U2_g = params["U2_g"]
    b2_g = params["b2_g"]
    W2_o = params["W2_o"]
    U2_o = params["U2_o"]
    b2_o = params["b2_o"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) e[n, t, d] = E1[ids[n, t], d]
    e = E1.take(ids, axis=0, out=work.e, mode="clip")

    # (2) z_i2, apart from other steps
    copy_2 = work.copy_2
    np.copyto(copy_2.reshape(T, N, 32), e.transpose(1, 0, 2))
    product_2 = work.product_2
    np.matmul(copy_2, W2_i, out=product_2.reshape(N * T, 128))
    np.add(product_2, b2_i, out=product_2)
    zeros_2 = work.zeros_2
    zeros_2.fill(0.0)

    # (4) z_f2, apart from other steps
    product_4 = work.product_4
    np.matmul(copy_2, W2_f, out=product_4.reshape(N * T, 128))
    np.add(product_4, b2_f, out=product_4)

    # (6) z_g2, apart from other steps
    product_6 = work.product_6
    np.matmul(copy_2, W2_g, out=product_6.reshape(N * T, 128))
    np.add(product_6, b2_g, out=product_6)

    # (8) z_o2, apart from other steps
    product_8 = work.product_8
    np.matmul(copy_2, W2_o, out=product_8.reshape(N * T, 128))
    np.add(product_8, b2_o, out=product_8)

    i2 = work.i2
    f2 = work.f2
    g2 = work.g2
    o2 = work.o2
    c2 = work.c2
    h = work.h

    for t in range(T):
        # (2) z_i2[n, t, j] = b2_i[j] + sum[k](U2_i[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_i[i, j] * e[n, t, i])
        h_before = h[t - 1] if t >= 1 else zeros_2
        z_i2_t = h_before.dot(U2_i, out=work.z_i2_t)
        z_i2_t += product_2[t]

        # (3) i2[n, t, j] = sigmoid(z_i2[n, t, j])
        negative_3 = np.negative(z_i2_t, out=z_i2_t)
        np.exp(negative_3, out=negative_3)
        negative_3 += 1.0
        i2_t = np.reciprocal(negative_3, out=i2[t])

        # (4) z_f2[n, t, j] = b2_f[j] + sum[k](U2_f[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_f[i, j] * e[n, t, i])
        z_f2_t = h_before.dot(U2_f, out=work.z_i2_t)
        z_f2_t += product_4[t]

        # (5) f2[n, t, j] = sigmoid(z_f2[n, t, j])
        negative_5 = np.negative(z_f2_t, out=z_f2_t)
        np.exp(negative_5, out=negative_5)
        negative_5 += 1.0
        f2_t = np.reciprocal(negative_5, out=f2[t])

        # (6) z_g2[n, t, j] = b2_g[j] + sum[k](U2_g[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_g[i, j] * e[n, t, i])
        z_g2_t = h_before.dot(U2_g, out=work.z_i2_t)
        z_g2_t += product_6[t]

        # (7) g2[n, t, j] = tanh(z_g2[n, t, j])
        g2_t = np.tanh(z_g2_t, out=g2[t])

        # (8) z_o2[n, t, j] = b2_o[j] + sum[k](U2_o[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_o[i, j] * e[n, t, i])
        z_o2_t = h_before.dot(U2_o, out=work.z_i2_t)
        z_o2_t += product_8[t]

        # (9) o2[n, t, j] = sigmoid(z_o2[n, t, j])
        negative_9 = np.negative(z_o2_t, out=z_o2_t)
        np.exp(negative_9, out=negative_9)
        negative_9 += 1.0
        o2_t = np.reciprocal(negative_9, out=o2[t])

        # (10) c2[n, t, j] = f2[n, t, j] * [t >= 1] * c2[n, t - 1, j] + g2[n, t, j] *
        #     i2[n, t, j]
        c2_before = c2[t - 1] if t >= 1 else zeros_2
        multiply_10 = np.multiply(c2_before, f2_t, out=work.z_i2_t)
        multiply_10_2 = np.multiply(i2_t, g2_t, out=work.multiply_10_2)
        c2_t = np.add(multiply_10_2, multiply_10, out=c2[t])

        # (11) h[n, t, j] = o2[n, t, j] * tanh(c2[n, t, j])
        tanh_11 = np.tanh(c2_t, out=work.multiply_10_2)
        np.multiply(tanh_11, o2_t, out=h[t])

    # (12) z3[n, t, j] = b3[j] + sum[i](W3[i, j] * h[n, t, i])
    z3 = work.z3
    np.matmul(h.reshape(N * T, 128), W3, out=z3.reshape(N * T, 61))
    np.add(z3, b3, out=z3)

    # (14) loss = sum[n, t](logsumexp[j](z3[n, t, j]) - z3[n, t, next[n, t]]) / (N * T)
    add_14 = np.add(work.fixed_N_2, next, out=work.add_14)
    take_14 = z3.take(add_14, out=work.take_14, mode="clip")

    # (13) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
    largest_13 = _largest(z3, out=work.largest_13)

    for start in range(0, N * T, 537):
        rows = slice(start, min(start + 537, N * T))
        z3_rows = z3.reshape(-1, 61)[rows]
        largest_13_rows = largest_13[:, :, None].reshape(-1, 1)[rows]
        # (13) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
        z3_rows -= largest_13_rows
        np.exp(z3_rows, out=z3_rows)
        total_13 = np.matmul(z3_rows, work.ones_61, out=work.total_13.reshape(-1)[rows])
        z3_rows /= total_13[:, None]
    total_13 = work.total_13
    p = z3

    # (14) loss = sum[n, t](logsumexp[j](z3[n, t, j]) - z3[n, t, next[n, t]]) / (N * T)
    log_14 = np.log(total_13, out=total_13)
    take_14 -= largest_13.T
    np.subtract(log_14.T, take_14, out=take_14)
    total_14 = float(np.add.reduce(take_14, axis=None))
    loss = total_14 / (N * T)

    # (15) dz3[n, t, j] = (p[n, t, j] - [j = next[n, t]]) / (N * T)
    take_15 = p.take(add_14, out=work.take_14, mode="clip")
    take_15 -= 1.0
    dz3 = p
    dz3.put(add_14, take_15)
    dz3 /= N * T

    # (16) dW3[i, j] = sum[n, t](dz3[n, t, j] * h[n, t, i])
    dW3 = h.reshape(N * T, 128).T.dot(dz3.reshape(N * T, 61), out=work.dW3)

    # (17) db3[j] = sum[n, t](dz3[n, t, j])
    db3 = work.ones_N_T.dot(dz3.reshape(N * T, 61), out=work.db3)

    # (18) dh, apart from other steps
    product_18 = work.product_8
    np.matmul(dz3.reshape(N * T, 61), W3.T, out=product_18.reshape(N * T, 128))
    copy_18 = work.copy_18
    np.copyto(copy_18, U2_f.T)
    copy_18_2 = work.copy_18_2
    np.copyto(copy_18_2, U2_g.T)
    copy_18_3 = work.copy_18_3
    np.copyto(copy_18_3, U2_i.T)
    copy_18_4 = work.copy_18_4
    np.copyto(copy_18_4, U2_o.T)

    dc2 = work.product_6
    dz_o2 = work.product_4
    dz_g2 = work.product_2
    dz_f2 = work.dz_f2
    dz_i2 = work.dz_i2

    for t in reversed(range(T)):
        # (18) dh[n, t, j] = sum[j1](W3[j, j1] * dz3[n, t, j1]) + [t + 1 < T] *
        #     (sum[j1](U2_f[j, j1] * dz_f2[n, t + 1, j1]) + sum[j1](U2_g[j, j1] *
        #     dz_g2[n, t + 1, j1]) + sum[j1](U2_i[j, j1] * dz_i2[n, t + 1, j1]) +
        #     sum[j1](U2_o[j, j1] * dz_o2[n, t + 1, j1]))
        if t < T - 1:
            product_18_2 = dz_f2[t + 1].dot(copy_18, out=work.multiply_10_2)
            product_18_3 = dz_g2[t + 1].dot(copy_18_2, out=work.z_i2_t)
            product_18_4 = dz_i2[t + 1].dot(copy_18_3, out=work.product_18_4)
            dh_t = dz_o2[t + 1].dot(copy_18_4, out=work.dh_t)
            product_18_3 += product_18_2
            product_18_4 += product_18_3
            dh_t += product_18_4
        else:
            dh_t = work.dh_t
            dh_t.fill(0.0)
        dh_t += product_18[t]

        # (19) dc2[n, t, j] = (1 - tanh(c2[n, t, j])**2) * dh[n, t, j] * o2[n, t, j] +
        #     [t + 1 < T] * dc2[n, t + 1, j] * f2[n, t + 1, j]
        tanh_19 = np.tanh(c2[t], out=work.product_18_4)
        multiply_19 = np.multiply(tanh_19, tanh_19, out=work.z_i2_t)
        np.subtract(1.0, multiply_19, out=multiply_19)
        multiply_19 *= dh_t
        multiply_19 *= o2[t]
        if t < T - 1:
            multiply_19_2 = np.multiply(f2[t + 1], dc2[t + 1], out=work.multiply_10_2)
        else:
            multiply_19_2 = work.multiply_10_2
            multiply_19_2.fill(0.0)
        dc2_t = np.add(multiply_19_2, multiply_19, out=dc2[t])

        # (20) do2[n, t, j] = dh[n, t, j] * tanh(c2[n, t, j])
        do2_t = np.multiply(tanh_19, dh_t, out=tanh_19)

        # (21) dz_o2[n, t, j] = (1 - o2[n, t, j]) * do2[n, t, j] * o2[n, t, j]
        subtract_21 = np.subtract(1.0, o2[t], out=work.dh_t)
        subtract_21 *= do2_t
        np.multiply(o2[t], subtract_21, out=dz_o2[t])

        # (22) dg2[n, t, j] = dc2[n, t, j] * i2[n, t, j]
        dg2_t = np.multiply(i2[t], dc2_t, out=work.dh_t)

        # (23) dz_g2[n, t, j] = (1 - g2[n, t, j]**2) * dg2[n, t, j]
        multiply_23 = np.multiply(g2[t], g2[t], out=work.product_18_4)
        np.subtract(1.0, multiply_23, out=multiply_23)
        np.multiply(dg2_t, multiply_23, out=dz_g2[t])

        # (24) df2[n, t, j] = dc2[n, t, j] * [t >= 1] * c2[n, t - 1, j]
        c2_before_2 = c2[t - 1] if t >= 1 else zeros_2
        df2_t = np.multiply(c2_before_2, dc2_t, out=work.product_18_4)

        # (25) dz_f2[n, t, j] = (1 - f2[n, t, j]) * df2[n, t, j] * f2[n, t, j]
        subtract_25 = np.subtract(1.0, f2[t], out=work.dh_t)
        subtract_25 *= df2_t
        np.multiply(f2[t], subtract_25, out=dz_f2[t])

        # (26) di2[n, t, j] = dc2[n, t, j] * g2[n, t, j]
        di2_t = np.multiply(g2[t], dc2_t, out=work.dh_t)

        # (27) dz_i2[n, t, j] = (1 - i2[n, t, j]) * di2[n, t, j] * i2[n, t, j]
        subtract_27 = np.subtract(1.0, i2[t], out=work.product_18_4)
        subtract_27 *= di2_t
        np.multiply(i2[t], subtract_27, out=dz_i2[t])

    # (28) dU2_f[k, j] = sum[n, t](dz_f2[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU2_f = np.matmul(
        h[: T - 1].reshape(N * (T - 1), 128).T,
        dz_f2[1:].reshape(N * (T - 1), 128),
        out=work.copy_18_4,
    )

    # (29) dU2_g[k, j] = sum[n, t](dz_g2[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU2_g = np.matmul(
        h[: T - 1].reshape(N * (T - 1), 128).T,
        dz_g2[1:].reshape(N * (T - 1), 128),
        out=work.copy_18_3,
    )

    # (30) dU2_i[k, j] = sum[n, t](dz_i2[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU2_i = np.matmul(
        h[: T - 1].reshape(N * (T - 1), 128).T,
        dz_i2[1:].reshape(N * (T - 1), 128),
        out=work.copy_18_2,
    )

    # (31) dU2_o[k, j] = sum[n, t](dz_o2[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU2_o = np.matmul(
        h[: T - 1].reshape(N * (T - 1), 128).T,
        dz_o2[1:].reshape(N * (T - 1), 128),
        out=work.copy_18,
    )

    # (32) dW2_f[i, j] = sum[n, t](dz_f2[n, t, j] * e[n, t, i])
    dW2_f = copy_2.T.dot(dz_f2.reshape(N * T, 128), out=work.dW2_f)

    # (33) dW2_g[i, j] = sum[n, t](dz_g2[n, t, j] * e[n, t, i])
    dW2_g = copy_2.T.dot(dz_g2.reshape(N * T, 128), out=work.dW2_g)

    # (34) dW2_i[i, j] = sum[n, t](dz_i2[n, t, j] * e[n, t, i])
    dW2_i = copy_2.T.dot(dz_i2.reshape(N * T, 128), out=work.dW2_i)

    # (35) dW2_o[i, j] = sum[n, t](dz_o2[n, t, j] * e[n, t, i])
    dW2_o = copy_2.T.dot(dz_o2.reshape(N * T, 128), out=work.dW2_o)

    # (36) db2_f[j] = sum[n, t](dz_f2[n, t, j])
    db2_f = work.ones_N_T.dot(dz_f2.reshape(N * T, 128), out=work.db2_f)

    # (37) db2_g[j] = sum[n, t](dz_g2[n, t, j])
    db2_g = work.ones_N_T.dot(dz_g2.reshape(N * T, 128), out=work.db2_g)

    # (38) db2_i[j] = sum[n, t](dz_i2[n, t, j])
    db2_i = work.ones_N_T.dot(dz_i2.reshape(N * T, 128), out=work.db2_i)

    # (39) db2_o[j] = sum[n, t](dz_o2[n, t, j])
    db2_o = work.ones_N_T.dot(dz_o2.reshape(N * T, 128), out=work.db2_o)

    # (40) de[n, t, i] = sum[j](W2_f[i, j] * dz_f2[n, t, j]) + sum[j](W2_g[i, j] *
    #     dz_g2[n, t, j]) + sum[j](W2_i[i, j] * dz_i2[n, t, j]) + sum[j](W2_o[i, j] *
    #     dz_o2[n, t, j])
    product_40 = work.product_40
    np.matmul(dz_f2.reshape(N * T, 128), W2_f.T, out=product_40.reshape(N * T, 32))
    product_40_2 = work.product_40_2
    np.matmul(dz_g2.reshape(N * T, 128), W2_g.T, out=product_40_2.reshape(N * T, 32))
    product_40_3 = work.product_40_3
    np.matmul(dz_i2.reshape(N * T, 128), W2_i.T, out=product_40_3.reshape(N * T, 32))
    de = work.de
    np.matmul(dz_o2.reshape(N * T, 128), W2_o.T, out=de.reshape(N * T, 32))

    for start in range(0, N * T, 1024):
        rows = slice(start, min(start + 1024, N * T))
        product_40_2_rows = product_40_2.reshape(-1, 32)[rows]
        product_40_rows = product_40.reshape(-1, 32)[rows]
        product_40_3_rows = product_40_3.reshape(-1, 32)[rows]
        de_rows = de.reshape(-1, 32)[rows]
        # (40) de[n, t, i] = sum[j](W2_f[i, j] * dz_f2[n, t, j]) + sum[j](W2_g[i, j] *
        #     dz_g2[n, t, j]) + sum[j](W2_i[i, j] * dz_i2[n, t, j]) + sum[j](W2_o[i, j]
        #     * dz_o2[n, t, j])
        product_40_2_rows += product_40_rows
        product_40_3_rows += product_40_2_rows
        de_rows += product_40_3_rows

    # (41) dE1[i, j] = sum[n, t](de[n, t, j] * [i = ids[n, t]])
    dE1 = work.dE1
    dE1.fill(0.0)
    copy_41 = work.copy_2
    np.copyto(copy_41.reshape(N, T, 32), de.transpose(1, 0, 2))
    places_41 = work.places_41
    _at_rows(
        np.add,
        dE1,
        ids.reshape(N * T),
        copy_41,
        work.range_976.reshape(61, 16),
        places_41,
    )

    return loss, {
        "E1": dE1,
        "W2_i": dW2_i,
        "U2_i": dU2_i,
        "b2_i": db2_i,
        "W2_f": dW2_f,
        "U2_f": dU2_f,
        "b2_f": db2_f,
        "W2_g": dW2_g,
        "U2_g": dU2_g,
        "b2_g": db2_g,
        "W2_o": dW2_o,
        "U2_o": dU2_o,
        "b2_o": db2_o,
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
    W2_i = params["W2_i"]
    U2_i = params["U2_i"]
    b2_i = params["b2_i"]
    W2_f = params["W2_f"]
    U2_f = params["U2_f"]
    b2_f = params["b2_f"]
    W2_g = params["W2_g"]
    U2_g = params["U2_g"]
    b2_g = params["b2_g"]
    W2_o = params["W2_o"]
    U2_o = params["U2_o"]
    b2_o = params["b2_o"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) e[n, t, d] = E1[ids[n, t], d]
    e = E1.take(ids, axis=0, out=work.e, mode="clip")

    # (2) z_i2, apart from other steps
    copy_2 = work.copy_2
    np.copyto(copy_2.reshape(T, N, 32), e.transpose(1, 0, 2))
    product_2 = work.product_2
    np.matmul(copy_2, W2_i, out=product_2.reshape(N * T, 128))
    np.add(product_2, b2_i, out=product_2)
    zeros_2 = work.zeros_2
    zeros_2.fill(0.0)

    # (4) z_f2, apart from other steps
    product_4 = work.product_4
    np.matmul(copy_2, W2_f, out=product_4.reshape(N * T, 128))
    np.add(product_4, b2_f, out=product_4)

    # (6) z_g2, apart from other steps
    product_6 = work.product_6
    np.matmul(copy_2, W2_g, out=product_6.reshape(N * T, 128))
    np.add(product_6, b2_g, out=product_6)

    # (8) z_o2, apart from other steps
    product_8 = work.product_8
    np.matmul(copy_2, W2_o, out=product_8.reshape(N * T, 128))
    np.add(product_8, b2_o, out=product_8)

    i2 = work.i2
    f2 = work.f2
    g2 = work.g2
    o2 = work.o2
    c2 = work.c2
    h = work.h

    for t in range(T):
        # (2) z_i2[n, t, j] = b2_i[j] + sum[k](U2_i[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_i[i, j] * e[n, t, i])
        h_before = h[t - 1] if t >= 1 else zeros_2
        z_i2_t = h_before.dot(U2_i, out=work.z_i2_t)
        z_i2_t += product_2[t]

        # (3) i2[n, t, j] = sigmoid(z_i2[n, t, j])
        negative_3 = np.negative(z_i2_t, out=z_i2_t)
        np.exp(negative_3, out=negative_3)
        negative_3 += 1.0
        i2_t = np.reciprocal(negative_3, out=i2[t])

        # (4) z_f2[n, t, j] = b2_f[j] + sum[k](U2_f[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_f[i, j] * e[n, t, i])
        z_f2_t = h_before.dot(U2_f, out=work.z_i2_t)
        z_f2_t += product_4[t]

        # (5) f2[n, t, j] = sigmoid(z_f2[n, t, j])
        negative_5 = np.negative(z_f2_t, out=z_f2_t)
        np.exp(negative_5, out=negative_5)
        negative_5 += 1.0
        f2_t = np.reciprocal(negative_5, out=f2[t])

        # (6) z_g2[n, t, j] = b2_g[j] + sum[k](U2_g[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_g[i, j] * e[n, t, i])
        z_g2_t = h_before.dot(U2_g, out=work.z_i2_t)
        z_g2_t += product_6[t]

        # (7) g2[n, t, j] = tanh(z_g2[n, t, j])
        g2_t = np.tanh(z_g2_t, out=g2[t])

        # (8) z_o2[n, t, j] = b2_o[j] + sum[k](U2_o[k, j] * [t >= 1] * h[n, t - 1, k]) +
        #     sum[i](W2_o[i, j] * e[n, t, i])
        z_o2_t = h_before.dot(U2_o, out=work.z_i2_t)
        z_o2_t += product_8[t]

        # (9) o2[n, t, j] = sigmoid(z_o2[n, t, j])
        negative_9 = np.negative(z_o2_t, out=z_o2_t)
        np.exp(negative_9, out=negative_9)
        negative_9 += 1.0
        o2_t = np.reciprocal(negative_9, out=o2[t])

        # (10) c2[n, t, j] = f2[n, t, j] * [t >= 1] * c2[n, t - 1, j] + g2[n, t, j] *
        #     i2[n, t, j]
        c2_before = c2[t - 1] if t >= 1 else zeros_2
        multiply_10 = np.multiply(c2_before, f2_t, out=work.z_i2_t)
        multiply_10_2 = np.multiply(i2_t, g2_t, out=work.multiply_10_2)
        c2_t = np.add(multiply_10_2, multiply_10, out=c2[t])

        # (11) h[n, t, j] = o2[n, t, j] * tanh(c2[n, t, j])
        tanh_11 = np.tanh(c2_t, out=work.multiply_10_2)
        np.multiply(tanh_11, o2_t, out=h[t])

    # (12) z3[n, t, j] = b3[j] + sum[i](W3[i, j] * h[n, t, i])
    z3 = work.z3
    np.matmul(h.reshape(N * T, 128), W3, out=z3.reshape(N * T, 61))
    np.add(z3, b3, out=z3)

    # (14) loss = sum[n, t](logsumexp[j](z3[n, t, j]) - z3[n, t, next[n, t]]) / (N * T)
    add_14 = np.add(work.fixed_N_2, next, out=work.add_14)
    take_14 = z3.take(add_14, out=work.take_14, mode="clip")

    # (13) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
    largest_13 = _largest(z3, out=work.largest_13)

    for start in range(0, N * T, 537):
        rows = slice(start, min(start + 537, N * T))
        z3_rows = z3.reshape(-1, 61)[rows]
        largest_13_rows = largest_13[:, :, None].reshape(-1, 1)[rows]
        # (13) p[n, t, k] = exp(z3[n, t, k] - logsumexp[j](z3[n, t, j]))
        z3_rows -= largest_13_rows
        np.exp(z3_rows, out=z3_rows)
        total_13 = np.matmul(z3_rows, work.ones_61, out=work.total_13.reshape(-1)[rows])
        z3_rows /= total_13[:, None]
    total_13 = work.total_13
    p = z3

    # (14) loss = sum[n, t](logsumexp[j](z3[n, t, j]) - z3[n, t, next[n, t]]) / (N * T)
    log_14 = np.log(total_13, out=total_13)
    take_14 -= largest_13.T
    np.subtract(log_14.T, take_14, out=take_14)
    total_14 = float(np.add.reduce(take_14, axis=None))
    loss = total_14 / (N * T)

    # (15) dz3[n, t, j] = (p[n, t, j] - [j = next[n, t]]) / (N * T)
    take_15 = p.take(add_14, out=work.take_14, mode="clip")
    take_15 -= 1.0
    dz3 = p
    dz3.put(add_14, take_15)
    dz3 /= N * T

    # (16) dW3[i, j] = sum[n, t](dz3[n, t, j] * h[n, t, i])
    dW3 = h.reshape(N * T, 128).T.dot(dz3.reshape(N * T, 61), out=work.dW3)

    # (17) db3[j] = sum[n, t](dz3[n, t, j])
    db3 = work.ones_N_T.dot(dz3.reshape(N * T, 61), out=work.db3)
    db3 *= rate
    b3 -= db3

    # (18) dh, apart from other steps
    product_18 = work.product_8
    np.matmul(dz3.reshape(N * T, 61), W3.T, out=product_18.reshape(N * T, 128))
    copy_18 = work.copy_18
    np.copyto(copy_18, U2_f.T)
    copy_18_2 = work.copy_18_2
    np.copyto(copy_18_2, U2_g.T)
    copy_18_3 = work.copy_18_3
    np.copyto(copy_18_3, U2_i.T)
    copy_18_4 = work.copy_18_4
    np.copyto(copy_18_4, U2_o.T)

    # (16) W3 -= rate * dW3
    dW3 *= rate
    W3 -= dW3

    dc2 = work.product_6
    dz_o2 = work.product_4
    dz_g2 = work.product_2
    dz_f2 = work.dz_f2
    dz_i2 = work.dz_i2

    for t in reversed(range(T)):
        # (18) dh[n, t, j] = sum[j1](W3[j, j1] * dz3[n, t, j1]) + [t + 1 < T] *
        #     (sum[j1](U2_f[j, j1] * dz_f2[n, t + 1, j1]) + sum[j1](U2_g[j, j1] *
        #     dz_g2[n, t + 1, j1]) + sum[j1](U2_i[j, j1] * dz_i2[n, t + 1, j1]) +
        #     sum[j1](U2_o[j, j1] * dz_o2[n, t + 1, j1]))
        if t < T - 1:
            product_18_2 = dz_f2[t + 1].dot(copy_18, out=work.multiply_10_2)
            product_18_3 = dz_g2[t + 1].dot(copy_18_2, out=work.z_i2_t)
            product_18_4 = dz_i2[t + 1].dot(copy_18_3, out=work.product_18_4)
            dh_t = dz_o2[t + 1].dot(copy_18_4, out=work.dh_t)
            product_18_3 += product_18_2
            product_18_4 += product_18_3
            dh_t += product_18_4
        else:
            dh_t = work.dh_t
            dh_t.fill(0.0)
        dh_t += product_18[t]

        # (19) dc2[n, t, j] = (1 - tanh(c2[n, t, j])**2) * dh[n, t, j] * o2[n, t, j] +
        #     [t + 1 < T] * dc2[n, t + 1, j] * f2[n, t + 1, j]
        tanh_19 = np.tanh(c2[t], out=work.product_18_4)
        multiply_19 = np.multiply(tanh_19, tanh_19, out=work.z_i2_t)
        np.subtract(1.0, multiply_19, out=multiply_19)
        multiply_19 *= dh_t
        multiply_19 *= o2[t]
        if t < T - 1:
            multiply_19_2 = np.multiply(f2[t + 1], dc2[t + 1], out=work.multiply_10_2)
        else:
            multiply_19_2 = work.multiply_10_2
            multiply_19_2.fill(0.0)
        dc2_t = np.add(multiply_19_2, multiply_19, out=dc2[t])

        # (20) do2[n, t, j] = dh[n, t, j] * tanh(c2[n, t, j])
        do2_t = np.multiply(tanh_19, dh_t, out=tanh_19)

        # (21) dz_o2[n, t, j] = (1 - o2[n, t, j]) * do2[n, t, j] * o2[n, t, j]
        subtract_21 = np.subtract(1.0, o2[t], out=work.dh_t)
        subtract_21 *= do2_t
        np.multiply(o2[t], subtract_21, out=dz_o2[t])

        # (22) dg2[n, t, j] = dc2[n, t, j] * i2[n, t, j]
        dg2_t = np.multiply(i2[t], dc2_t, out=work.dh_t)

        # (23) dz_g2[n, t, j] = (1 - g2[n, t, j]**2) * dg2[n, t, j]
        multiply_23 = np.multiply(g2[t], g2[t], out=work.product_18_4)
        np.subtract(1.0, multiply_23, out=multiply_23)
        np.multiply(dg2_t, multiply_23, out=dz_g2[t])

        # (24) df2[n, t, j] = dc2[n, t, j] * [t >= 1] * c2[n, t - 1, j]
        c2_before_2 = c2[t - 1] if t >= 1 else zeros_2
        df2_t = np.multiply(c2_before_2, dc2_t, out=work.product_18_4)

        # (25) dz_f2[n, t, j] = (1 - f2[n, t, j]) * df2[n, t, j] * f2[n, t, j]
        subtract_25 = np.subtract(1.0, f2[t], out=work.dh_t)
        subtract_25 *= df2_t
        np.multiply(f2[t], subtract_25, out=dz_f2[t])

        # (26) di2[n, t, j] = dc2[n, t, j] * g2[n, t, j]
        di2_t = np.multiply(g2[t], dc2_t, out=work.dh_t)

        # (27) dz_i2[n, t, j] = (1 - i2[n, t, j]) * di2[n, t, j] * i2[n, t, j]
        subtract_27 = np.subtract(1.0, i2[t], out=work.product_18_4)
        subtract_27 *= di2_t
        np.multiply(i2[t], subtract_27, out=dz_i2[t])

    # (28) dU2_f[k, j] = sum[n, t](dz_f2[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU2_f = np.matmul(
        h[: T - 1].reshape(N * (T - 1), 128).T,
        dz_f2[1:].reshape(N * (T - 1), 128),
        out=work.copy_18_4,
    )
    dU2_f *= rate
    U2_f -= dU2_f

    # (29) dU2_g[k, j] = sum[n, t](dz_g2[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU2_g = np.matmul(
        h[: T - 1].reshape(N * (T - 1), 128).T,
        dz_g2[1:].reshape(N * (T - 1), 128),
        out=work.copy_18_4,
    )
    dU2_g *= rate
    U2_g -= dU2_g

    # (30) dU2_i[k, j] = sum[n, t](dz_i2[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU2_i = np.matmul(
        h[: T - 1].reshape(N * (T - 1), 128).T,
        dz_i2[1:].reshape(N * (T - 1), 128),
        out=work.copy_18_4,
    )
    dU2_i *= rate
    U2_i -= dU2_i

    # (31) dU2_o[k, j] = sum[n, t](dz_o2[n, t, j] * [t >= 1] * h[n, t - 1, k])
    dU2_o = np.matmul(
        h[: T - 1].reshape(N * (T - 1), 128).T,
        dz_o2[1:].reshape(N * (T - 1), 128),
        out=work.copy_18_4,
    )
    dU2_o *= rate
    U2_o -= dU2_o

    # (32) dW2_f[i, j] = sum[n, t](dz_f2[n, t, j] * e[n, t, i])
    dW2_f = copy_2.T.dot(dz_f2.reshape(N * T, 128), out=work.dW2_f)

    # (33) dW2_g[i, j] = sum[n, t](dz_g2[n, t, j] * e[n, t, i])
    dW2_g = copy_2.T.dot(dz_g2.reshape(N * T, 128), out=work.dW2_g)

    # (34) dW2_i[i, j] = sum[n, t](dz_i2[n, t, j] * e[n, t, i])
    dW2_i = copy_2.T.dot(dz_i2.reshape(N * T, 128), out=work.dW2_i)

    # (35) dW2_o[i, j] = sum[n, t](dz_o2[n, t, j] * e[n, t, i])
    dW2_o = copy_2.T.dot(dz_o2.reshape(N * T, 128), out=work.dW2_o)

    # (36) db2_f[j] = sum[n, t](dz_f2[n, t, j])
    db2_f = work.ones_N_T.dot(dz_f2.reshape(N * T, 128), out=work.db2_f)
    db2_f *= rate
    b2_f -= db2_f

    # (37) db2_g[j] = sum[n, t](dz_g2[n, t, j])
    db2_g = work.ones_N_T.dot(dz_g2.reshape(N * T, 128), out=work.db2_g)
    db2_g *= rate
    b2_g -= db2_g

    # (38) db2_i[j] = sum[n, t](dz_i2[n, t, j])
    db2_i = work.ones_N_T.dot(dz_i2.reshape(N * T, 128), out=work.db2_i)
    db2_i *= rate
    b2_i -= db2_i

    # (39) db2_o[j] = sum[n, t](dz_o2[n, t, j])
    db2_o = work.ones_N_T.dot(dz_o2.reshape(N * T, 128), out=work.db2_o)
    db2_o *= rate
    b2_o -= db2_o

    # (40) de[n, t, i] = sum[j](W2_f[i, j] * dz_f2[n, t, j]) + sum[j](W2_g[i, j] *
    #     dz_g2[n, t, j]) + sum[j](W2_i[i, j] * dz_i2[n, t, j]) + sum[j](W2_o[i, j] *
    #     dz_o2[n, t, j])
    product_40 = work.product_40
    np.matmul(dz_f2.reshape(N * T, 128), W2_f.T, out=product_40.reshape(N * T, 32))
    product_40_2 = work.product_40_2
    np.matmul(dz_g2.reshape(N * T, 128), W2_g.T, out=product_40_2.reshape(N * T, 32))
    product_40_3 = work.product_40_3
    np.matmul(dz_i2.reshape(N * T, 128), W2_i.T, out=product_40_3.reshape(N * T, 32))
    de = work.de
    np.matmul(dz_o2.reshape(N * T, 128), W2_o.T, out=de.reshape(N * T, 32))

    for start in range(0, N * T, 1024):
        rows = slice(start, min(start + 1024, N * T))
        product_40_2_rows = product_40_2.reshape(-1, 32)[rows]
        product_40_rows = product_40.reshape(-1, 32)[rows]
        product_40_3_rows = product_40_3.reshape(-1, 32)[rows]
        de_rows = de.reshape(-1, 32)[rows]
        # (40) de[n, t, i] = sum[j](W2_f[i, j] * dz_f2[n, t, j]) + sum[j](W2_g[i, j] *
        #     dz_g2[n, t, j]) + sum[j](W2_i[i, j] * dz_i2[n, t, j]) + sum[j](W2_o[i, j]
        #     * dz_o2[n, t, j])
        product_40_2_rows += product_40_rows
        product_40_3_rows += product_40_2_rows
        de_rows += product_40_3_rows

    # (34) W2_i -= rate * dW2_i
    dW2_i *= rate
    W2_i -= dW2_i

    # (32) W2_f -= rate * dW2_f
    dW2_f *= rate
    W2_f -= dW2_f

    # (33) W2_g -= rate * dW2_g
    dW2_g *= rate
    W2_g -= dW2_g

    # (35) W2_o -= rate * dW2_o
    dW2_o *= rate
    W2_o -= dW2_o

    # (41) dE1[i, j] = sum[n, t](de[n, t, j] * [i = ids[n, t]])
    dE1 = work.dE1
    dE1.fill(0.0)
    copy_41 = work.copy_2
    np.copyto(copy_41.reshape(N, T, 32), de.transpose(1, 0, 2))
    places_41 = work.places_41
    _at_rows(
        np.add,
        dE1,
        ids.reshape(N * T),
        copy_41,
        work.range_976.reshape(61, 16),
        places_41,
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


# ---- The same functions as C loops, with the same equations by number, in the file
# char_lstm.c.
#
# Compiled on first use, once for each dtype, by the system's C compiler, and kept: beside
# this file by `symbackprop build`, else in the user's cache. Without a compiler, and for
# arrays that the loops do not take (not contiguous, say), NumPy computes.

_ENTRIES = [
    "forward_in_training",
    "loss_in_training",
    "loss_and_grads_in_training",
    "sgd_step_in_training",
]
_GIVEN = [
    "E1",
    "W2_i",
    "U2_i",
    "b2_i",
    "W2_f",
    "U2_f",
    "b2_f",
    "W2_g",
    "U2_g",
    "b2_g",
    "W2_o",
    "U2_o",
    "b2_o",
    "W3",
    "b3",
    "ids",
    "next",
]
_OWN = [
    "ones_61",
    "range_T",
    "fixed_T",
    "range_N",
    "fixed_N",
    "fixed_N_2",
    "ones_N_T",
    "range_976",
    "e",
    "copy_2",
    "product_2",
    "zeros_2",
    "product_4",
    "product_6",
    "product_8",
    "i2",
    "f2",
    "g2",
    "o2",
    "c2",
    "h",
    "z_i2_t",
    "multiply_10_2",
    "z3",
    "add_14",
    "take_14",
    "largest_13",
    "total_13",
    "dW3",
    "db3",
    "copy_18",
    "copy_18_2",
    "copy_18_3",
    "copy_18_4",
    "dz_f2",
    "dz_i2",
    "product_18_4",
    "dh_t",
    "dW2_f",
    "dW2_g",
    "dW2_i",
    "dW2_o",
    "db2_f",
    "db2_g",
    "db2_i",
    "db2_o",
    "product_40",
    "product_40_2",
    "product_40_3",
    "de",
    "dE1",
    "places_41",
    "p_2",
]
_NAME = "char_lstm"
_SOURCE = None  # the text of the C file, where none is beside this one
_COMPILERS = ("cc", "gcc", "clang")
_FLAGS = (
    "-std=c99",
    "-O2",
    "-fPIC",
    "-shared",
    "-fopenmp-simd",
    "-fno-math-errno",
    "-ffp-contract=off",  # x * x - y * y is 0 where x is y
)
# How BLAS calls its product, and whether its integers then have 64 bits.
_PRODUCTS = (
    ("cblas_{}gemm_64", 1),
    ("scipy_cblas_{}gemm64_", 1),
    ("cblas_{}gemm64_", 1),
    ("scipy_cblas_{}gemm", 0),
    ("cblas_{}gemm", 0),
)
# How it calls what tells and sets the number of its threads.
_THREADS = (
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    ("scipy_openblas_get_num_threads64_", "scipy_openblas_set_num_threads64_"),
    ("openblas_get_num_threads64_", "openblas_set_num_threads64_"),
    ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
    ("openblas_get_num_threads", "openblas_set_num_threads"),
)
_POSITION, _TRUTH = np.dtype(np.intp), np.dtype(np.bool_)


def _decline(*_):
    """Stand in for a compiled function where there is none: it returns None."""


def _bind(work):
    """The compiled functions on the memory of a workspace, by name."""
    library = _library(work._dtype)
    if library is None:
        return dict.fromkeys(_ENTRIES, _decline)
    extents = (ctypes.c_int64 * (len(_EXTENTS) + 1))(*work._extents.values())
    # What NumPy made of transposed arrays may lie in another order.
    own = tuple(np.ascontiguousarray(getattr(work, name)) for name in _OWN)
    return dict(zip(_ENTRIES, library.bind_workspace(own, extents)))


@functools.cache
def _library(dtype):
    """The compiled file for a dtype, opened; None, and a warning, where that cannot be."""
    try:
        path = _built(dtype)
        with _briefly_awake():
            library = ctypes.PyDLL(str(path))
    except OSError as fault:
        warnings.warn(
            f"{__name__} runs as NumPy: {fault}", RuntimeWarning, stacklevel=5
        )
        return None
    shown = np.zeros((2, 3), dtype)
    types = (np.ndarray, shown.dtype, np.dtype(np.intp), np.dtype(np.bool_))
    library.bind_workspace.restype = ctypes.py_object
    library.bind_workspace.argtypes = [ctypes.py_object, ctypes.c_void_p]
    library.open_library.argtypes = [
        ctypes.py_object,
        ctypes.c_void_p,
        ctypes.py_object,
        ctypes.py_object,
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    names = tuple(_GIVEN)
    blas = _blas(dtype)
    if not library.open_library(shown, shown.ctypes.data, types, names, *blas):
        reason = f"NumPy {np.__version__} lays arrays out in another way here"
        warnings.warn(
            f"{__name__} runs as NumPy: {reason}", RuntimeWarning, stacklevel=5
        )
        return None
    return library


@contextlib.contextmanager
def _briefly_awake():
    """An OpenMP opened within soon lets waiting threads sleep: others need the processor."""
    wished = os.environ.get("GOMP_SPINCOUNT")
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    try:
        yield
    finally:
        if wished is None:
            os.environ.pop("GOMP_SPINCOUNT", None)


def _built(dtype):
    """The path of the compiled file: beside this one, in the cache, or compiled now.

    A file that is not what was once compiled is passed over. Raises OSError that says
    what is missing.
    """
    here = pathlib.Path(__file__).parent
    beside = [] if _SOURCE else [_kept(dtype, here), _kept(dtype, here, portable=True)]
    found = next(filter(None, beside), None)
    if found is None:
        cache = _cache()
        found = _kept(dtype, cache) or _build(dtype, cache)
    return found


def _kept(dtype, folder, portable=False):
    """The whole compiled file in a folder; None where there is none."""
    for path in sorted(folder.glob(f"{_stem(dtype, portable)}.*.so")):
        if path.is_file() and path.name.split(".")[-2] == _digest(path.read_bytes()):
            return path
    return None


def _stem(dtype, portable):
    """The name of the compiled file, made of all that it is compiled from and for.

    After it comes the digest of what is in the file.
    """
    name = np.dtype(dtype).name
    made_of = "\n".join([_c_source(), *_FLAGS, name, _machine(portable)])
    return f"{_NAME}.{name}.{_digest(made_of.encode())}"


def _digest(content):
    return hashlib.sha256(content).hexdigest()[:16]


def _c_source():
    """The text of the C file beside this one."""
    return _SOURCE or pathlib.Path(__file__).with_suffix(".c").read_text("utf-8")


def _machine(portable):
    """What the compiled loops depend on: the system, the processor and what it can do."""
    known = [sys.platform, platform.machine()]
    if portable:
        return "\n".join([*known, "portable"])
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        known += sorted(
            {line for line in lines if line.startswith(("flags", "Features"))}
        )
    return "\n".join(known)


def _cache():
    """The user's folder of compiled files; a new one where that cannot be written."""
    with contextlib.suppress(OSError, RuntimeError):  # no such folder, no home
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        folder = pathlib.Path(base) / "symbackprop"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    folder = tempfile.mkdtemp(prefix="symbackprop-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return pathlib.Path(folder)


def _build(dtype, folder, portable=False):
    """Compile the C file for a dtype into a folder; return the path.

    `portable` leaves out what only processors like this one can do. Raises OSError that
    says what is missing, or what the compiler says.
    """
    wished = os.environ.get("CC", "").split()
    found = [wished] if wished else [[c] for c in _COMPILERS]
    compiler = next((c for c in found if shutil.which(c[0])), None)
    if compiler is None and wished:
        fix = "name a compiler there, or unset it"
        raise OSError(f"no C compiler: CC is {wished[0]}, which is no command: {fix}")
    if compiler is None:
        tried = ", ".join(_COMPILERS)
        raise OSError(f"no C compiler was found (tried {tried}): install one")
    flags = [*_FLAGS, "-DREAL=float", "-DREAL_IS_DOUBLE=0"]
    if np.dtype(dtype) == np.float64:
        flags = [*_FLAGS, "-DREAL=double", "-DREAL_IS_DOUBLE=1"]
    if not portable:
        flags.append("-march=native")
    if sys.platform == "darwin":
        flags += ["-undefined", "dynamic_lookup"]
    with tempfile.TemporaryDirectory(dir=folder, prefix=".build-") as beside:
        source, made = pathlib.Path(beside, f"{_NAME}.c"), pathlib.Path(beside, "made")
        source.write_text(_c_source(), "utf-8")
        # Threads where the compiler knows them; a file for other machines needs no more
        # than they are sure to have.
        for threads in [[]] if portable else [["-fopenmp"], []]:
            ran = subprocess.run(
                [*compiler, *flags, *threads, str(source), "-o", str(made), "-lm"],
                check=False,
                capture_output=True,
                text=True,
            )
            if not ran.returncode:
                break
        if ran.returncode or not made.exists():
            said = [*ran.stderr.strip().splitlines(), f"it ended with {ran.returncode}"]
            first = next((line for line in said if "error" in line), said[0])
            raise OSError(f"{compiler[0]} failed on {_NAME}.c: {first}")
        path = folder / f"{_stem(dtype, portable)}.{_digest(made.read_bytes())}.so"
        os.replace(made, path)
    return path


def _blas(dtype):
    """What the loops need of BLAS: the address of its product for a dtype, whether its
    integers have 64 bits, and the addresses of what tells and sets its threads.

    MKL's where its wheel is installed, else those of NumPy's own; zeros where neither is
    found.
    """
    letter = {"float32": "s", "float64": "d"}[np.dtype(dtype).name]
    for path in _blas_files():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for spelling, is_wide in _PRODUCTS:
            gemm = _address(library, spelling.format(letter))
            if gemm:
                return gemm, is_wide, *_threads_of(library)
    return 0, 0, 0, 0


def _threads_of(library):
    """The addresses of what tells and sets its number of threads; zeros for neither."""
    for pair in _THREADS:
        told, setting = (_address(library, name) for name in pair)
        if told and setting:
            return told, setting
    return 0, 0


def _address(library, name):
    """Where a function of a library is; zero where there is none of that name."""
    found = getattr(library, name, None)
    return ctypes.cast(found, ctypes.c_void_p).value if found else 0


def _blas_files():
    """Where BLAS may be: MKL's wheel, what NumPy brought along, the system's."""
    lib = pathlib.Path(sys.prefix) / "lib"
    for pattern in ("libiomp5.so", "libmkl_rt.so*"):
        yield from sorted(lib.glob(pattern))
    package = pathlib.Path(np.__file__).parent
    for folder in (
        package.parent / "numpy.libs",
        package / ".dylibs",
        package / ".libs",
    ):
        yield from sorted(folder.glob("*openblas*"))
    yield from ("libopenblas.so.0", "libcblas.so.3", "libblas.so.3")


def _fit(array, dtype):
    """An array as the loops take it: in row-major order, of just this dtype."""
    array = np.asarray(array, dtype, order="C")
    return array if array.dtype is dtype else array.view(dtype)


def _fit_all(params, dtype):
    """The parameters as the loops take them, their memory their own."""
    return {
        name: array if array.dtype is dtype else array.view(dtype)
        for name, array in params.items()
    }


_numpy_forward = forward


def forward(params, *, ids, workspace=None, training=False):
    """Return p, by name."""
    if type(workspace) is Workspace:
        _value = workspace._compiled["forward_in_training"](params, ids)
        if _value is not None:
            return {"p": workspace.p_2}
    work = _prepare(params, {"ids": ids}, workspace)
    params = _fit_all(params, work._dtype)
    ids = _fit(ids, _POSITION)
    _value = work._compiled["forward_in_training"](params, ids)
    if _value is not None:
        return {"p": work.p_2}
    return _numpy_forward(params, ids=ids, training=training, workspace=work)


_numpy_loss = loss


def loss(params, *, ids, next, workspace=None, training=True):
    """Return the loss."""
    if type(workspace) is Workspace:
        _value = workspace._compiled["loss_in_training"](params, ids, next)
        if _value is not None:
            return _value
    work = _prepare(params, {"ids": ids, "next": next}, workspace)
    params = _fit_all(params, work._dtype)
    ids = _fit(ids, _POSITION)
    next = _fit(next, _POSITION)
    _value = work._compiled["loss_in_training"](params, ids, next)
    if _value is not None:
        return _value
    return _numpy_loss(params, ids=ids, next=next, training=training, workspace=work)


_numpy_loss_and_grads = loss_and_grads


def loss_and_grads(params, *, ids, next, workspace=None, training=True):
    """Return the loss and its gradients by parameter and input names."""
    if type(workspace) is Workspace:
        _value = workspace._compiled["loss_and_grads_in_training"](params, ids, next)
        if _value is not None:
            return (
                _value,
                {
                    "E1": workspace.dE1,
                    "W2_i": workspace.dW2_i,
                    "U2_i": workspace.copy_18_2,
                    "b2_i": workspace.db2_i,
                    "W2_f": workspace.dW2_f,
                    "U2_f": workspace.copy_18_4,
                    "b2_f": workspace.db2_f,
                    "W2_g": workspace.dW2_g,
                    "U2_g": workspace.copy_18_3,
                    "b2_g": workspace.db2_g,
                    "W2_o": workspace.dW2_o,
                    "U2_o": workspace.copy_18,
                    "b2_o": workspace.db2_o,
                    "W3": workspace.dW3,
                    "b3": workspace.db3,
                },
            )
    work = _prepare(params, {"ids": ids, "next": next}, workspace)
    params = _fit_all(params, work._dtype)
    ids = _fit(ids, _POSITION)
    next = _fit(next, _POSITION)
    _value = work._compiled["loss_and_grads_in_training"](params, ids, next)
    if _value is not None:
        return (
            _value,
            {
                "E1": work.dE1,
                "W2_i": work.dW2_i,
                "U2_i": work.copy_18_2,
                "b2_i": work.db2_i,
                "W2_f": work.dW2_f,
                "U2_f": work.copy_18_4,
                "b2_f": work.db2_f,
                "W2_g": work.dW2_g,
                "U2_g": work.copy_18_3,
                "b2_g": work.db2_g,
                "W2_o": work.dW2_o,
                "U2_o": work.copy_18,
                "b2_o": work.db2_o,
                "W3": work.dW3,
                "b3": work.db3,
            },
        )
    return _numpy_loss_and_grads(
        params, ids=ids, next=next, training=training, workspace=work
    )


_numpy_sgd_step = sgd_step


def sgd_step(params, *, ids, next, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    if type(workspace) is Workspace:
        _value = workspace._compiled["sgd_step_in_training"](params, ids, next, rate)
        if _value is not None:
            return _value
    work = _prepare(params, {"ids": ids, "next": next}, workspace)
    rate = _checked_rate(rate, params, work)
    params = _fit_all(params, work._dtype)
    ids = _fit(ids, _POSITION)
    next = _fit(next, _POSITION)
    _value = work._compiled["sgd_step_in_training"](params, ids, next, rate)
    if _value is not None:
        return _value
    return _numpy_sgd_step(
        params, ids=ids, next=next, rate=rate, training=training, workspace=work
    )
