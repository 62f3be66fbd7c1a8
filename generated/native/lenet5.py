"""LeNet-5 on handwritten digits

The same small kernel is moved over the whole image, so the gradient of a kernel is a
sum over all the places where it stood, and that of the image adds up what every window
has read (LeCun, Bottou, Bengio and Haffner 1998; here with rectifiers and the largest
of each window).

Written by symbackprop from the spec lenet5 (d35f34abe1423202).
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
    "x": ("N", 28, 28, 1),
    "y": ("N",),
    "W1": (5, 5, 1, 6),
    "b1": (6,),
    "W2": (5, 5, 6, 16),
    "b2": (16,),
    "W3": (400, 120),
    "b3": (120,),
    "W4": (120, 84),
    "b4": (84,),
    "W5": (84, 10),
    "b5": (10,),
    "p": ("N", 10),
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
_KINDS = {
    "y": "iu",
}
_CLASSES = {
    "y": 10,
}
_EXTENTS = [
    "N",
]


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "W1": _glorot_uniform(rng, (5, 5, 1, 6), dtype),
        "b1": np.zeros((6,), dtype),
        "W2": _glorot_uniform(rng, (5, 5, 6, 16), dtype),
        "b2": np.zeros((16,), dtype),
        "W3": _glorot_uniform(rng, (400, 120), dtype),
        "b3": np.zeros((120,), dtype),
        "W4": _glorot_uniform(rng, (120, 84), dtype),
        "b4": np.zeros((84,), dtype),
        "W5": _glorot_uniform(rng, (84, 10), dtype),
        "b5": np.zeros((10,), dtype),
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
        self.ones_10 = np.ones(10, dtype)
        self.range_N = np.arange(N)
        self.fixed_N = np.multiply(self.range_N, 10)
        self.ones_N = np.ones(N, dtype)
        self.ones_100_N = np.ones(100 * N, dtype)
        self.ones_784_N = np.ones(784 * N, dtype)
        self.x_pad1 = _aligned((N, 32, 32, 1), dtype)
        self.part_2 = _aligned((5, 5, 3, 28, 28), dtype)
        self.z1 = _aligned((N, 28, 28, 6), dtype)
        self.s2 = _aligned((N, 14, 14, 6), dtype)
        self.copy_5 = _aligned((14, 14, 6, N), dtype)
        self.copy_5_2 = _aligned((150, 100 * N), dtype)
        self.z2 = _aligned((16, 10, 10, N), dtype)
        self.s4 = _aligned((16, 5, 5, N), dtype)
        self.y1 = _aligned((N, 400), dtype)
        self.z3 = _aligned((N, 120), dtype)
        self.z4 = _aligned((N, 84), dtype)
        self.z5 = np.empty((N, 10), dtype)
        self.add_15 = np.empty((N,), np.intp)
        self.take_15 = np.empty((N,), dtype)
        self.largest_14 = np.empty((N,), dtype)
        self.total_14 = np.empty((N,), dtype)
        self.dW5 = np.empty((84, 10), dtype)
        self.db5 = np.empty((10,), dtype)
        self.df6 = _aligned((N, 84), dtype)
        self.mask_20 = np.empty((N, 84), np.bool_)
        self.dW4 = _aligned((120, 84), dtype)
        self.db4 = np.empty((84,), dtype)
        self.df5 = _aligned((N, 120), dtype)
        self.mask_24 = np.empty((N, 120), np.bool_)
        self.dW3 = _aligned((400, 120), dtype)
        self.db3 = np.empty((120,), dtype)
        self.dc3 = _aligned((16, 10, 10, N), dtype)
        self.copy_29 = _aligned((16, 5, 5, N), dtype)
        self.mask_29 = np.empty((16, 5, 5, N), np.bool_)
        self.part_29 = _aligned((16, 5, 5, N), dtype)
        self.mask_29_2 = np.empty((16, 5, 5, N), np.bool_)
        self.mask_30 = np.empty((16, 10, 10, N), np.bool_)
        self.dW2 = _aligned((5, 5, 6, 16), dtype)
        self.db2 = np.empty((16,), dtype)
        self.product_33 = _aligned((5, 5, 6, 10, 10, N), dtype)
        self.ds2 = _aligned((6, 14, 14, N), dtype)
        self.dc1 = _aligned((N, 28, 28, 6), dtype)
        self.copy_34 = _aligned((N, 14, 14, 6), dtype)
        self.mask_34 = np.empty((N, 14, 14, 6), np.bool_)
        self.part_34 = _aligned((N, 14, 14, 6), dtype)
        self.mask_34_2 = np.empty((N, 14, 14, 6), np.bool_)
        self.mask_35 = np.empty((N, 28, 28, 6), np.bool_)
        self.part_36_2 = np.empty((5, 5, 1, 6), dtype)
        self.dW1 = np.empty((5, 5, 1, 6), dtype)
        self.db1 = np.empty((6,), dtype)
        self.dy1 = _aligned((N, 400), dtype)
        self._alike = _alike(self._shapes)
        self.one = np.ones((), dtype)  # quicker beside few entries than a number
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


def forward(params, *, x, workspace=None, training=False):
    """Return p, by name."""
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
    W5 = params["W5"]
    b5 = params["b5"]

    # (1) x_pad1[n, i, j, c] = [i >= 2 and i < 30 and j >= 2 and j < 30] * x[n, i - 2, j
    #     - 2, c]
    x_pad1 = work.x_pad1
    x_pad1.fill(0.0)
    x_pad1[:, 2:30, 2:30] = x

    # (2) z1[n, i, j, o] = b1[o] + sum[p, q, c](W1[p, q, c, o] * x_pad1[n, i + p, j + q,
    #     c])
    part_2 = work.part_2
    z1 = work.z1
    windows = _windows(x_pad1, (5, 5, N, 28, 28), (1, 2, 0, 1, 2), (1, 1, 1, 1, 1))
    for start in range(0, N, 3):
        block = windows[:, :, start : start + 3]
        count = block.shape[2]
        copied = part_2[:, :, :count]
        np.copyto(copied, block)
        np.dot(
            copied.reshape(25, -1).T,
            W1.reshape(25, 6),
            out=z1[start : start + 3].reshape(-1, 6),
        )
    np.add(z1, b1, out=z1)

    # (3) c1[n, i, j, o] = relu(z1[n, i, j, o])
    c1 = np.maximum(z1, 0.0, out=z1)

    # (4) s2[n, i, j, c] = max[p:2, q:2](c1[n, 2 * i + p, 2 * j + q, c])
    windows = c1.reshape(N, 14, 2, 14, 2, 6)
    s2 = np.maximum(windows[:, :, 0, :, 0], windows[:, :, 0, :, 1], out=work.s2)
    for q, r in [*np.ndindex(2, 2)][2:]:
        np.maximum(s2, windows[:, :, q, :, r], out=s2)

    # (5) z2[n, i, j, o] = b2[o] + sum[p, q, c](W2[p, q, c, o] * s2[n, i + p, j + q, c])
    copy_5 = work.copy_5
    np.copyto(copy_5, s2.transpose(1, 2, 3, 0))
    copy_5_2 = work.copy_5_2
    np.copyto(
        copy_5_2.reshape(5, 5, 6, 10, 10, N),
        _windows(copy_5, (5, 5, 6, 10, 10, N), (0, 1, 2, 0, 1, 3), (1, 1, 1, 1, 1, 1)),
    )
    z2 = work.z2
    np.matmul(W2.reshape(150, 16).T, copy_5_2, out=z2.reshape(16, 100 * N))
    np.add(z2, b2[:, None, None, None], out=z2)

    # (6) c3[n, i, j, o] = relu(z2[n, i, j, o])
    c3 = np.maximum(z2, 0.0, out=z2)

    # (7) s4[n, i, j, c] = max[p:2, q:2](c3[n, 2 * i + p, 2 * j + q, c])
    windows = c3.reshape(16, 5, 2, 5, 2, N)
    s4 = np.maximum(windows[:, :, 0, :, 0], windows[:, :, 0, :, 1], out=work.s4)
    for q, r in [*np.ndindex(2, 2)][2:]:
        np.maximum(s4, windows[:, :, q, :, r], out=s4)

    # (8) y1[n, f] = s4[n, digit(f, 80, 5), digit(f, 16, 5), digit(f, 1, 16)]
    y1 = work.y1
    np.copyto(y1.reshape(N, 5, 5, 16), s4.transpose(3, 1, 2, 0))

    # (9) z3[n, j] = b3[j] + sum[i](W3[i, j] * y1[n, i])
    z3 = y1.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (10) f5[n, j] = relu(z3[n, j])
    f5 = np.maximum(z3, 0.0, out=z3)

    # (11) z4[n, j] = b4[j] + sum[i](W4[i, j] * f5[n, i])
    z4 = f5.dot(W4, out=work.z4)
    np.add(z4, b4, out=z4)

    # (12) f6[n, j] = relu(z4[n, j])
    f6 = np.maximum(z4, 0.0, out=z4)

    # (13) z5[n, j] = b5[j] + sum[i](W5[i, j] * f6[n, i])
    z5 = f6.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (14) p[n, k] = exp(z5[n, k] - logsumexp[j](z5[n, j]))
    largest_14 = np.maximum.reduce(z5, axis=1, out=work.largest_14)
    p = np.subtract(z5, largest_14[:, None], out=z5)
    np.exp(p, out=p)
    total_14 = p.dot(work.ones_10, out=work.total_14)
    p /= total_14[:, None]

    return {
        "p": p,
    }


def loss(params, *, x, y, workspace=None, training=True):
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
    W4 = params["W4"]
    b4 = params["b4"]
    W5 = params["W5"]
    b5 = params["b5"]

    # (1) x_pad1[n, i, j, c] = [i >= 2 and i < 30 and j >= 2 and j < 30] * x[n, i - 2, j
    #     - 2, c]
    x_pad1 = work.x_pad1
    x_pad1.fill(0.0)
    x_pad1[:, 2:30, 2:30] = x

    # (2) z1[n, i, j, o] = b1[o] + sum[p, q, c](W1[p, q, c, o] * x_pad1[n, i + p, j + q,
    #     c])
    part_2 = work.part_2
    z1 = work.z1
    windows = _windows(x_pad1, (5, 5, N, 28, 28), (1, 2, 0, 1, 2), (1, 1, 1, 1, 1))
    for start in range(0, N, 3):
        block = windows[:, :, start : start + 3]
        count = block.shape[2]
        copied = part_2[:, :, :count]
        np.copyto(copied, block)
        np.dot(
            copied.reshape(25, -1).T,
            W1.reshape(25, 6),
            out=z1[start : start + 3].reshape(-1, 6),
        )
    np.add(z1, b1, out=z1)

    # (3) c1[n, i, j, o] = relu(z1[n, i, j, o])
    c1 = np.maximum(z1, 0.0, out=z1)

    # (4) s2[n, i, j, c] = max[p:2, q:2](c1[n, 2 * i + p, 2 * j + q, c])
    windows = c1.reshape(N, 14, 2, 14, 2, 6)
    s2 = np.maximum(windows[:, :, 0, :, 0], windows[:, :, 0, :, 1], out=work.s2)
    for p, q in [*np.ndindex(2, 2)][2:]:
        np.maximum(s2, windows[:, :, p, :, q], out=s2)

    # (5) z2[n, i, j, o] = b2[o] + sum[p, q, c](W2[p, q, c, o] * s2[n, i + p, j + q, c])
    copy_5 = work.copy_5
    np.copyto(copy_5, s2.transpose(1, 2, 3, 0))
    copy_5_2 = work.copy_5_2
    np.copyto(
        copy_5_2.reshape(5, 5, 6, 10, 10, N),
        _windows(copy_5, (5, 5, 6, 10, 10, N), (0, 1, 2, 0, 1, 3), (1, 1, 1, 1, 1, 1)),
    )
    z2 = work.z2
    np.matmul(W2.reshape(150, 16).T, copy_5_2, out=z2.reshape(16, 100 * N))
    np.add(z2, b2[:, None, None, None], out=z2)

    # (6) c3[n, i, j, o] = relu(z2[n, i, j, o])
    c3 = np.maximum(z2, 0.0, out=z2)

    # (7) s4[n, i, j, c] = max[p:2, q:2](c3[n, 2 * i + p, 2 * j + q, c])
    windows = c3.reshape(16, 5, 2, 5, 2, N)
    s4 = np.maximum(windows[:, :, 0, :, 0], windows[:, :, 0, :, 1], out=work.s4)
    for p, q in [*np.ndindex(2, 2)][2:]:
        np.maximum(s4, windows[:, :, p, :, q], out=s4)

    # (8) y1[n, f] = s4[n, digit(f, 80, 5), digit(f, 16, 5), digit(f, 1, 16)]
    y1 = work.y1
    np.copyto(y1.reshape(N, 5, 5, 16), s4.transpose(3, 1, 2, 0))

    # (9) z3[n, j] = b3[j] + sum[i](W3[i, j] * y1[n, i])
    z3 = y1.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (10) f5[n, j] = relu(z3[n, j])
    f5 = np.maximum(z3, 0.0, out=z3)

    # (11) z4[n, j] = b4[j] + sum[i](W4[i, j] * f5[n, i])
    z4 = f5.dot(W4, out=work.z4)
    np.add(z4, b4, out=z4)

    # (12) f6[n, j] = relu(z4[n, j])
    f6 = np.maximum(z4, 0.0, out=z4)

    # (13) z5[n, j] = b5[j] + sum[i](W5[i, j] * f6[n, i])
    z5 = f6.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (15) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    add_15 = np.add(work.fixed_N, y, out=work.add_15)
    take_15 = z5.take(add_15, out=work.take_15, mode="clip")

    # (14) p[n, k] = exp(z5[n, k] - logsumexp[j](z5[n, j]))
    largest_14 = np.maximum.reduce(z5, axis=1, out=work.largest_14)
    subtract_14 = np.subtract(z5, largest_14[:, None], out=z5)
    np.exp(subtract_14, out=subtract_14)
    total_14 = subtract_14.dot(work.ones_10, out=work.total_14)

    # (15) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    log_15 = np.log(total_14, out=total_14)
    take_15 -= largest_14
    log_15 -= take_15
    total_15 = float(np.add.reduce(log_15, axis=None))
    loss = total_15 / N

    return loss


def loss_and_grads(params, *, x, y, workspace=None, training=True):
    """Return the loss and its gradients by W1, b1, W2, b2, W3, b3, W4, b4, W5, b5."""
    work = _prepare(params, {"x": x, "y": y}, workspace)
    N = work.N
    y = np.asarray(y, dtype=np.intp)
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

    # (1) x_pad1[n, i, j, c] = [i >= 2 and i < 30 and j >= 2 and j < 30] * x[n, i - 2, j
    #     - 2, c]
    x_pad1 = work.x_pad1
    x_pad1.fill(0.0)
    x_pad1[:, 2:30, 2:30] = x

    # (2) z1[n, i, j, o] = b1[o] + sum[p, q, c](W1[p, q, c, o] * x_pad1[n, i + p, j + q,
    #     c])
    part_2 = work.part_2
    z1 = work.z1
    windows = _windows(x_pad1, (5, 5, N, 28, 28), (1, 2, 0, 1, 2), (1, 1, 1, 1, 1))
    for start in range(0, N, 3):
        block = windows[:, :, start : start + 3]
        count = block.shape[2]
        copied = part_2[:, :, :count]
        np.copyto(copied, block)
        np.dot(
            copied.reshape(25, -1).T,
            W1.reshape(25, 6),
            out=z1[start : start + 3].reshape(-1, 6),
        )
    np.add(z1, b1, out=z1)

    # (3) c1[n, i, j, o] = relu(z1[n, i, j, o])
    c1 = np.maximum(z1, 0.0, out=z1)

    # (4) s2[n, i, j, c] = max[p:2, q:2](c1[n, 2 * i + p, 2 * j + q, c])
    windows = c1.reshape(N, 14, 2, 14, 2, 6)
    s2 = np.maximum(windows[:, :, 0, :, 0], windows[:, :, 0, :, 1], out=work.s2)
    for q, r in [*np.ndindex(2, 2)][2:]:
        np.maximum(s2, windows[:, :, q, :, r], out=s2)

    # (5) z2[n, i, j, o] = b2[o] + sum[p, q, c](W2[p, q, c, o] * s2[n, i + p, j + q, c])
    copy_5 = work.copy_5
    np.copyto(copy_5, s2.transpose(1, 2, 3, 0))
    copy_5_2 = work.copy_5_2
    np.copyto(
        copy_5_2.reshape(5, 5, 6, 10, 10, N),
        _windows(copy_5, (5, 5, 6, 10, 10, N), (0, 1, 2, 0, 1, 3), (1, 1, 1, 1, 1, 1)),
    )
    z2 = work.z2
    np.matmul(W2.reshape(150, 16).T, copy_5_2, out=z2.reshape(16, 100 * N))
    np.add(z2, b2[:, None, None, None], out=z2)

    # (6) c3[n, i, j, o] = relu(z2[n, i, j, o])
    c3 = np.maximum(z2, 0.0, out=z2)

    # (7) s4[n, i, j, c] = max[p:2, q:2](c3[n, 2 * i + p, 2 * j + q, c])
    windows = c3.reshape(16, 5, 2, 5, 2, N)
    s4 = np.maximum(windows[:, :, 0, :, 0], windows[:, :, 0, :, 1], out=work.s4)
    for q, r in [*np.ndindex(2, 2)][2:]:
        np.maximum(s4, windows[:, :, q, :, r], out=s4)

    # (8) y1[n, f] = s4[n, digit(f, 80, 5), digit(f, 16, 5), digit(f, 1, 16)]
    y1 = work.y1
    np.copyto(y1.reshape(N, 5, 5, 16), s4.transpose(3, 1, 2, 0))

    # (9) z3[n, j] = b3[j] + sum[i](W3[i, j] * y1[n, i])
    z3 = y1.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (10) f5[n, j] = relu(z3[n, j])
    f5 = np.maximum(z3, 0.0, out=z3)

    # (11) z4[n, j] = b4[j] + sum[i](W4[i, j] * f5[n, i])
    z4 = f5.dot(W4, out=work.z4)
    np.add(z4, b4, out=z4)

    # (12) f6[n, j] = relu(z4[n, j])
    f6 = np.maximum(z4, 0.0, out=z4)

    # (13) z5[n, j] = b5[j] + sum[i](W5[i, j] * f6[n, i])
    z5 = f6.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (15) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    add_15 = np.add(work.fixed_N, y, out=work.add_15)
    take_15 = z5.take(add_15, out=work.take_15, mode="clip")

    # (14) p[n, k] = exp(z5[n, k] - logsumexp[j](z5[n, j]))
    largest_14 = np.maximum.reduce(z5, axis=1, out=work.largest_14)
    p = np.subtract(z5, largest_14[:, None], out=z5)
    np.exp(p, out=p)
    total_14 = p.dot(work.ones_10, out=work.total_14)
    p /= total_14[:, None]

    # (15) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    log_15 = np.log(total_14, out=total_14)
    take_15 -= largest_14
    log_15 -= take_15
    total_15 = float(np.add.reduce(log_15, axis=None))
    loss = total_15 / N

    # (16) dz5[n, j] = (p[n, j] - [j = y[n]]) / N
    take_16 = p.take(add_15, out=work.total_14, mode="clip")
    take_16 -= work.one
    dz5 = p
    dz5.put(add_15, take_16)
    dz5 /= N

    # (17) dW5[i, j] = sum[n](dz5[n, j] * f6[n, i])
    dW5 = f6.T.dot(dz5, out=work.dW5)

    # (18) db5[j] = sum[n](dz5[n, j])
    db5 = work.ones_N.dot(dz5, out=work.db5)

    # (19) df6[n, i] = sum[j](W5[i, j] * dz5[n, j])
    df6 = dz5.dot(W5.T, out=work.df6)

    # (20) dz4[n, j] = df6[n, j] * [z4[n, j] > 0]
    mask_20 = np.greater(f6, 0.0, out=work.mask_20)
    dz4 = np.multiply(mask_20, df6, out=df6)

    # (21) dW4[i, j] = sum[n](dz4[n, j] * f5[n, i])
    dW4 = f5.T.dot(dz4, out=work.dW4)

    # (22) db4[j] = sum[n](dz4[n, j])
    db4 = work.ones_N.dot(dz4, out=work.db4)

    # (23) df5[n, i] = sum[j](W4[i, j] * dz4[n, j])
    df5 = dz4.dot(W4.T, out=work.df5)

    # (24) dz3[n, j] = df5[n, j] * [z3[n, j] > 0]
    mask_24 = np.greater(f5, 0.0, out=work.mask_24)
    dz3 = np.multiply(mask_24, df5, out=df5)

    # (25) dW3[i, j] = sum[n](dz3[n, j] * y1[n, i])
    dW3 = np.matmul(y1.T, dz3, out=work.dW3)

    # (26) db3[j] = sum[n](dz3[n, j])
    db3 = work.ones_N.dot(dz3, out=work.db3)

    # (27) dy1[n, i] = sum[j](W3[i, j] * dz3[n, j])
    dy1 = np.matmul(dz3, W3.T, out=work.y1)

    # (28) ds4[n, i, j, k] = dy1[n, 16 * j + 80 * i + k]: a view of dy1

    # (29) dc3[n, a, b, c] = sum[i, j, p:2, q:2](ds4[n, i, j, c] * [a = 2 * i + p] * [b
    #     = 2 * j + q] * [p = digit(argmax[p1:2, q1:2](c3[n, 2 * i + p1, 2 * j + q1,
    #     c]), 2, 2)] * [q = digit(argmax[p1:2, q1:2](c3[n, 2 * i + p1, 2 * j + q1, c]),
    #     1, 2)])
    dc3 = work.dc3
    copy_29 = work.copy_29
    np.copyto(copy_29, dy1.reshape(N, 5, 5, 16).transpose(3, 1, 2, 0))
    mask_29 = work.mask_29
    mask_29_2 = work.mask_29_2
    windows = dc3.reshape(16, 5, 2, 5, 2, N)
    mask_29_2.fill(True)
    seen = c3.reshape(16, 5, 2, 5, 2, N)
    for q, r in [*np.ndindex(2, 2)][:-1]:
        np.equal(seen[:, :, q, :, r], s4, out=mask_29)
        np.logical_and(mask_29_2, mask_29, out=mask_29)
        np.logical_xor(mask_29_2, mask_29, out=mask_29_2)
        np.multiply(copy_29, mask_29, out=windows[:, :, q, :, r])
    np.multiply(copy_29, mask_29_2, out=windows[:, :, 1, :, 1])

    # (30) dz2[n, i, j, o] = dc3[n, i, j, o] * [z2[n, i, j, o] > 0]
    mask_30 = np.greater(c3, 0.0, out=work.mask_30)
    dz2 = np.multiply(mask_30, dc3, out=dc3)

    # (31) dW2[p, q, c, o] = sum[n, i, j](dz2[n, i, j, o] * s2[n, i + p, j + q, c])
    dW2 = work.dW2
    copy_5_2.dot(dz2.reshape(16, 100 * N).T, out=dW2.reshape(150, 16))

    # (32) db2[o] = sum[n, i, j](dz2[n, i, j, o])
    db2 = dz2.reshape(16, 100 * N).dot(work.ones_100_N, out=work.db2)

    # (33) ds2[n, a, b, c] = sum[i, j, o, p, q](W2[p, q, c, o] * dz2[n, i, j, o] * [a =
    #     i + p] * [b = j + q])
    product_33 = work.product_33
    np.matmul(
        W2.reshape(150, 16),
        dz2.reshape(16, 100 * N),
        out=product_33.reshape(150, 100 * N),
    )
    ds2 = work.ds2
    ds2.fill(0.0)
    windows = _windows(
        ds2, (6, 10, 5, 10, 5, N), (0, 1, 1, 2, 2, 3), (1, 1, 1, 1, 1, 1)
    )
    entries = product_33.transpose(2, 3, 0, 4, 1, 5)
    for q, r in np.ndindex(5, 5):
        windows[:, :, q, :, r] += entries[:, :, q, :, r]

    # (34) dc1[n, a, b, c] = sum[i, j, p:2, q:2](ds2[n, i, j, c] * [a = 2 * i + p] * [b
    #     = 2 * j + q] * [p = digit(argmax[p1:2, q1:2](c1[n, 2 * i + p1, 2 * j + q1,
    #     c]), 2, 2)] * [q = digit(argmax[p1:2, q1:2](c1[n, 2 * i + p1, 2 * j + q1, c]),
    #     1, 2)])
    dc1 = work.dc1
    copy_34 = work.copy_34
    np.copyto(copy_34, ds2.transpose(3, 1, 2, 0))
    mask_34 = work.mask_34
    mask_34_2 = work.mask_34_2
    windows = dc1.reshape(N, 14, 2, 14, 2, 6)
    mask_34_2.fill(True)
    seen = c1.reshape(N, 14, 2, 14, 2, 6)
    for q, r in [*np.ndindex(2, 2)][:-1]:
        np.equal(seen[:, :, q, :, r], s2, out=mask_34)
        np.logical_and(mask_34_2, mask_34, out=mask_34)
        np.logical_xor(mask_34_2, mask_34, out=mask_34_2)
        np.multiply(copy_34, mask_34, out=windows[:, :, q, :, r])
    np.multiply(copy_34, mask_34_2, out=windows[:, :, 1, :, 1])

    # (35) dz1[n, i, j, o] = dc1[n, i, j, o] * [z1[n, i, j, o] > 0]
    mask_35 = np.greater(c1, 0.0, out=work.mask_35)
    dz1 = np.multiply(mask_35, dc1, out=dc1)

    # (36) dW1[p, q, c, o] = sum[n, i, j](dz1[n, i, j, o] * x_pad1[n, i + p, j + q, c])
    part_36 = work.part_2
    part_36_2 = work.part_36_2
    dW1 = work.dW1
    dW1.fill(0.0)
    windows = _windows(x_pad1, (5, 5, N, 28, 28), (1, 2, 0, 1, 2), (1, 1, 1, 1, 1))
    for start in range(0, N, 3):
        block = windows[:, :, start : start + 3]
        count = block.shape[2]
        copied = part_36[:, :, :count]
        np.copyto(copied, block)
        np.dot(
            copied.reshape(25, -1),
            dz1[start : start + 3].reshape(-1, 6),
            out=part_36_2.reshape(25, 6),
        )
        dW1 += part_36_2

    # (37) db1[o] = sum[n, i, j](dz1[n, i, j, o])
    db1 = work.ones_784_N.dot(dz1.reshape(784 * N, 6), out=work.db1)

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


def sgd_step(params, *, x, y, rate, workspace=None, training=True):
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
    W4 = params["W4"]
    b4 = params["b4"]
    W5 = params["W5"]
    b5 = params["b5"]

    # (1) x_pad1[n, i, j, c] = [i >= 2 and i < 30 and j >= 2 and j < 30] * x[n, i - 2, j
    #     - 2, c]
    x_pad1 = work.x_pad1
    x_pad1.fill(0.0)
    x_pad1[:, 2:30, 2:30] = x

    # (2) z1[n, i, j, o] = b1[o] + sum[p, q, c](W1[p, q, c, o] * x_pad1[n, i + p, j + q,
    #     c])
    part_2 = work.part_2
    z1 = work.z1
    windows = _windows(x_pad1, (5, 5, N, 28, 28), (1, 2, 0, 1, 2), (1, 1, 1, 1, 1))
    for start in range(0, N, 3):
        block = windows[:, :, start : start + 3]
        count = block.shape[2]
        copied = part_2[:, :, :count]
        np.copyto(copied, block)
        np.dot(
            copied.reshape(25, -1).T,
            W1.reshape(25, 6),
            out=z1[start : start + 3].reshape(-1, 6),
        )
    np.add(z1, b1, out=z1)

    # (3) c1[n, i, j, o] = relu(z1[n, i, j, o])
    c1 = np.maximum(z1, 0.0, out=z1)

    # (4) s2[n, i, j, c] = max[p:2, q:2](c1[n, 2 * i + p, 2 * j + q, c])
    windows = c1.reshape(N, 14, 2, 14, 2, 6)
    s2 = np.maximum(windows[:, :, 0, :, 0], windows[:, :, 0, :, 1], out=work.s2)
    for q, r in [*np.ndindex(2, 2)][2:]:
        np.maximum(s2, windows[:, :, q, :, r], out=s2)

    # (5) z2[n, i, j, o] = b2[o] + sum[p, q, c](W2[p, q, c, o] * s2[n, i + p, j + q, c])
    copy_5 = work.copy_5
    np.copyto(copy_5, s2.transpose(1, 2, 3, 0))
    copy_5_2 = work.copy_5_2
    np.copyto(
        copy_5_2.reshape(5, 5, 6, 10, 10, N),
        _windows(copy_5, (5, 5, 6, 10, 10, N), (0, 1, 2, 0, 1, 3), (1, 1, 1, 1, 1, 1)),
    )
    z2 = work.z2
    np.matmul(W2.reshape(150, 16).T, copy_5_2, out=z2.reshape(16, 100 * N))
    np.add(z2, b2[:, None, None, None], out=z2)

    # (6) c3[n, i, j, o] = relu(z2[n, i, j, o])
    c3 = np.maximum(z2, 0.0, out=z2)

    # (7) s4[n, i, j, c] = max[p:2, q:2](c3[n, 2 * i + p, 2 * j + q, c])
    windows = c3.reshape(16, 5, 2, 5, 2, N)
    s4 = np.maximum(windows[:, :, 0, :, 0], windows[:, :, 0, :, 1], out=work.s4)
    for q, r in [*np.ndindex(2, 2)][2:]:
        np.maximum(s4, windows[:, :, q, :, r], out=s4)

    # (8) y1[n, f] = s4[n, digit(f, 80, 5), digit(f, 16, 5), digit(f, 1, 16)]
    y1 = work.y1
    np.copyto(y1.reshape(N, 5, 5, 16), s4.transpose(3, 1, 2, 0))

    # (9) z3[n, j] = b3[j] + sum[i](W3[i, j] * y1[n, i])
    z3 = y1.dot(W3, out=work.z3)
    np.add(z3, b3, out=z3)

    # (10) f5[n, j] = relu(z3[n, j])
    f5 = np.maximum(z3, 0.0, out=z3)

    # (11) z4[n, j] = b4[j] + sum[i](W4[i, j] * f5[n, i])
    z4 = f5.dot(W4, out=work.z4)
    np.add(z4, b4, out=z4)

    # (12) f6[n, j] = relu(z4[n, j])
    f6 = np.maximum(z4, 0.0, out=z4)

    # (13) z5[n, j] = b5[j] + sum[i](W5[i, j] * f6[n, i])
    z5 = f6.dot(W5, out=work.z5)
    np.add(z5, b5, out=z5)

    # (15) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    add_15 = np.add(work.fixed_N, y, out=work.add_15)
    take_15 = z5.take(add_15, out=work.take_15, mode="clip")

    # (14) p[n, k] = exp(z5[n, k] - logsumexp[j](z5[n, j]))
    largest_14 = np.maximum.reduce(z5, axis=1, out=work.largest_14)
    p = np.subtract(z5, largest_14[:, None], out=z5)
    np.exp(p, out=p)
    total_14 = p.dot(work.ones_10, out=work.total_14)
    p /= total_14[:, None]

    # (15) loss = sum[n](logsumexp[j](z5[n, j]) - z5[n, y[n]]) / N
    log_15 = np.log(total_14, out=total_14)
    take_15 -= largest_14
    log_15 -= take_15
    total_15 = float(np.add.reduce(log_15, axis=None))
    loss = total_15 / N

    # (16) dz5[n, j] = (p[n, j] - [j = y[n]]) / N, times rate
    take_16 = p.take(add_15, out=work.total_14, mode="clip")
    take_16 -= work.one
    dz5 = p
    dz5.put(add_15, take_16)
    divide_16 = rate / N
    dz5 *= divide_16

    # (17) dW5[i, j] = sum[n](dz5[n, j] * f6[n, i]), times rate
    dW5 = f6.T.dot(dz5, out=work.dW5)

    # (18) db5[j] = sum[n](dz5[n, j]), times rate
    db5 = work.ones_N.dot(dz5, out=work.db5)
    b5 -= db5

    # (19) df6[n, i] = sum[j](W5[i, j] * dz5[n, j]), times rate
    df6 = dz5.dot(W5.T, out=work.df6)

    # (17) W5 -= rate * dW5
    W5 -= dW5

    # (20) dz4[n, j] = df6[n, j] * [z4[n, j] > 0], times rate
    mask_20 = np.greater(f6, 0.0, out=work.mask_20)
    dz4 = np.multiply(mask_20, df6, out=df6)

    # (22) db4[j] = sum[n](dz4[n, j]), times rate
    db4 = work.ones_N.dot(dz4, out=work.db4)
    b4 -= db4

    # (23) df5[n, i] = sum[j](W4[i, j] * dz4[n, j]), times rate
    df5 = dz4.dot(W4.T, out=work.df5)

    # (21) dW4[i, j] = sum[n](dz4[n, j] * f5[n, i]), times rate
    dW4 = f5.T.dot(dz4, out=work.dW4)
    W4 -= dW4

    # (24) dz3[n, j] = df5[n, j] * [z3[n, j] > 0], times rate
    mask_24 = np.greater(f5, 0.0, out=work.mask_24)
    dz3 = np.multiply(mask_24, df5, out=df5)

    # (26) db3[j] = sum[n](dz3[n, j]), times rate
    db3 = work.ones_N.dot(dz3, out=work.db3)
    b3 -= db3

    # (27) dy1[n, i] = sum[j](W3[i, j] * dz3[n, j]), times rate
    dy1 = np.matmul(dz3, W3.T, out=work.dy1)

    # (25) dW3[i, j] = sum[n](dz3[n, j] * y1[n, i]), times rate
    dW3 = np.matmul(y1.T, dz3, out=work.dW3)
    W3 -= dW3

    # (28) ds4[n, i, j, k] = dy1[n, 16 * j + 80 * i + k], times rate: a view of dy1

    # (29) dc3[n, a, b, c] = sum[i, j, p:2, q:2](ds4[n, i, j, c] * [a = 2 * i + p] * [b
    #     = 2 * j + q] * [p = digit(argmax[p1:2, q1:2](c3[n, 2 * i + p1, 2 * j + q1,
    #     c]), 2, 2)] * [q = digit(argmax[p1:2, q1:2](c3[n, 2 * i + p1, 2 * j + q1, c]),
    #     1, 2)]), times rate
    dc3 = work.dc3
    copy_29 = work.copy_29
    np.copyto(copy_29, dy1.reshape(N, 5, 5, 16).transpose(3, 1, 2, 0))
    mask_29 = work.mask_29
    mask_29_2 = work.mask_29_2
    windows = dc3.reshape(16, 5, 2, 5, 2, N)
    mask_29_2.fill(True)
    seen = c3.reshape(16, 5, 2, 5, 2, N)
    for q, r in [*np.ndindex(2, 2)][:-1]:
        np.equal(seen[:, :, q, :, r], s4, out=mask_29)
        np.logical_and(mask_29_2, mask_29, out=mask_29)
        np.logical_xor(mask_29_2, mask_29, out=mask_29_2)
        np.multiply(copy_29, mask_29, out=windows[:, :, q, :, r])
    np.multiply(copy_29, mask_29_2, out=windows[:, :, 1, :, 1])

    # (30) dz2[n, i, j, o] = dc3[n, i, j, o] * [z2[n, i, j, o] > 0], times rate
    mask_30 = np.greater(c3, 0.0, out=work.mask_30)
    dz2 = np.multiply(mask_30, dc3, out=dc3)

    # (31) dW2[p, q, c, o] = sum[n, i, j](dz2[n, i, j, o] * s2[n, i + p, j + q, c]),
    #     times rate
    dW2 = work.dW2
    copy_5_2.dot(dz2.reshape(16, 100 * N).T, out=dW2.reshape(150, 16))

    # (32) db2[o] = sum[n, i, j](dz2[n, i, j, o]), times rate
    db2 = dz2.reshape(16, 100 * N).dot(work.ones_100_N, out=work.db2)
    b2 -= db2

    # (33) ds2[n, a, b, c] = sum[i, j, o, p, q](W2[p, q, c, o] * dz2[n, i, j, o] * [a =
    #     i + p] * [b = j + q]), times rate
    product_33 = work.product_33
    np.matmul(
        W2.reshape(150, 16),
        dz2.reshape(16, 100 * N),
        out=product_33.reshape(150, 100 * N),
    )
    ds2 = work.ds2
    ds2.fill(0.0)
    windows = _windows(
        ds2, (6, 10, 5, 10, 5, N), (0, 1, 1, 2, 2, 3), (1, 1, 1, 1, 1, 1)
    )
    entries = product_33.transpose(2, 3, 0, 4, 1, 5)
    for q, r in np.ndindex(5, 5):
        windows[:, :, q, :, r] += entries[:, :, q, :, r]

    # (31) W2 -= rate * dW2
    W2 -= dW2

    # (34) dc1[n, a, b, c] = sum[i, j, p:2, q:2](ds2[n, i, j, c] * [a = 2 * i + p] * [b
    #     = 2 * j + q] * [p = digit(argmax[p1:2, q1:2](c1[n, 2 * i + p1, 2 * j + q1,
    #     c]), 2, 2)] * [q = digit(argmax[p1:2, q1:2](c1[n, 2 * i + p1, 2 * j + q1, c]),
    #     1, 2)]), times rate
    dc1 = work.dc1
    copy_34 = work.copy_34
    np.copyto(copy_34, ds2.transpose(3, 1, 2, 0))
    mask_34 = work.mask_34
    mask_34_2 = work.mask_34_2
    windows = dc1.reshape(N, 14, 2, 14, 2, 6)
    mask_34_2.fill(True)
    seen = c1.reshape(N, 14, 2, 14, 2, 6)
    for q, r in [*np.ndindex(2, 2)][:-1]:
        np.equal(seen[:, :, q, :, r], s2, out=mask_34)
        np.logical_and(mask_34_2, mask_34, out=mask_34)
        np.logical_xor(mask_34_2, mask_34, out=mask_34_2)
        np.multiply(copy_34, mask_34, out=windows[:, :, q, :, r])
    np.multiply(copy_34, mask_34_2, out=windows[:, :, 1, :, 1])

    # (35) dz1[n, i, j, o] = dc1[n, i, j, o] * [z1[n, i, j, o] > 0], times rate
    mask_35 = np.greater(c1, 0.0, out=work.mask_35)
    dz1 = np.multiply(mask_35, dc1, out=dc1)

    # (36) dW1[p, q, c, o] = sum[n, i, j](dz1[n, i, j, o] * x_pad1[n, i + p, j + q, c]),
    #     times rate
    part_36 = work.part_2
    part_36_2 = work.part_36_2
    dW1 = work.dW1
    dW1.fill(0.0)
    windows = _windows(x_pad1, (5, 5, N, 28, 28), (1, 2, 0, 1, 2), (1, 1, 1, 1, 1))
    for start in range(0, N, 3):
        block = windows[:, :, start : start + 3]
        count = block.shape[2]
        copied = part_36[:, :, :count]
        np.copyto(copied, block)
        np.dot(
            copied.reshape(25, -1),
            dz1[start : start + 3].reshape(-1, 6),
            out=part_36_2.reshape(25, 6),
        )
        dW1 += part_36_2
    W1 -= dW1

    # (37) db1[o] = sum[n, i, j](dz1[n, i, j, o]), times rate
    db1 = work.ones_784_N.dot(dz1.reshape(784 * N, 6), out=work.db1)
    b1 -= db1

    return loss


def _windows(array, shape, axes, steps):
    """View an array by new axes, each of which moves by a step along an old axis.

    Several may move along one: then windows overlap, and entries share memory.
    """
    strides = [array.strides[axis] * step for axis, step in zip(axes, steps)]
    return np.lib.stride_tricks.as_strided(array, shape, strides)


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


# ---- The same functions as C loops, with the same equations by number, in the file
# lenet5.c.
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
    "x",
    "y",
]
_OWN = [
    "ones_10",
    "range_N",
    "fixed_N",
    "ones_N",
    "ones_100_N",
    "ones_784_N",
    "x_pad1",
    "part_2",
    "z1",
    "s2",
    "copy_5",
    "copy_5_2",
    "z2",
    "s4",
    "y1",
    "z3",
    "z4",
    "z5",
    "add_15",
    "take_15",
    "largest_14",
    "total_14",
    "dW5",
    "db5",
    "df6",
    "mask_20",
    "dW4",
    "db4",
    "df5",
    "mask_24",
    "dW3",
    "db3",
    "dc3",
    "copy_29",
    "mask_29",
    "part_29",
    "mask_29_2",
    "mask_30",
    "dW2",
    "db2",
    "product_33",
    "ds2",
    "dc1",
    "copy_34",
    "mask_34",
    "part_34",
    "mask_34_2",
    "mask_35",
    "part_36_2",
    "dW1",
    "db1",
    "dy1",
]
_NAME = "lenet5"
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


def forward(params, *, x, workspace=None, training=False):
    """Return p, by name."""
    if type(workspace) is Workspace:
        _value = workspace._compiled["forward_in_training"](params, x)
        if _value is not None:
            return {"p": workspace.z5}
    work = _prepare(params, {"x": x}, workspace)
    params = _fit_all(params, work._dtype)
    x = _fit(x, work._dtype)
    _value = work._compiled["forward_in_training"](params, x)
    if _value is not None:
        return {"p": work.z5}
    return _numpy_forward(params, x=x, training=training, workspace=work)


_numpy_loss = loss


def loss(params, *, x, y, workspace=None, training=True):
    """Return the loss."""
    if type(workspace) is Workspace:
        _value = workspace._compiled["loss_in_training"](params, x, y)
        if _value is not None:
            return _value
    work = _prepare(params, {"x": x, "y": y}, workspace)
    params = _fit_all(params, work._dtype)
    x = _fit(x, work._dtype)
    y = _fit(y, _POSITION)
    _value = work._compiled["loss_in_training"](params, x, y)
    if _value is not None:
        return _value
    return _numpy_loss(params, x=x, y=y, training=training, workspace=work)


_numpy_loss_and_grads = loss_and_grads


def loss_and_grads(params, *, x, y, workspace=None, training=True):
    """Return the loss and its gradients by W1, b1, W2, b2, W3, b3, W4, b4, W5, b5."""
    if type(workspace) is Workspace:
        _value = workspace._compiled["loss_and_grads_in_training"](params, x, y)
        if _value is not None:
            return (
                _value,
                {
                    "W1": workspace.dW1,
                    "b1": workspace.db1,
                    "W2": workspace.dW2,
                    "b2": workspace.db2,
                    "W3": workspace.dW3,
                    "b3": workspace.db3,
                    "W4": workspace.dW4,
                    "b4": workspace.db4,
                    "W5": workspace.dW5,
                    "b5": workspace.db5,
                },
            )
    work = _prepare(params, {"x": x, "y": y}, workspace)
    params = _fit_all(params, work._dtype)
    x = _fit(x, work._dtype)
    y = _fit(y, _POSITION)
    _value = work._compiled["loss_and_grads_in_training"](params, x, y)
    if _value is not None:
        return (
            _value,
            {
                "W1": work.dW1,
                "b1": work.db1,
                "W2": work.dW2,
                "b2": work.db2,
                "W3": work.dW3,
                "b3": work.db3,
                "W4": work.dW4,
                "b4": work.db4,
                "W5": work.dW5,
                "b5": work.db5,
            },
        )
    return _numpy_loss_and_grads(params, x=x, y=y, training=training, workspace=work)


_numpy_sgd_step = sgd_step


def sgd_step(params, *, x, y, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    if type(workspace) is Workspace:
        _value = workspace._compiled["sgd_step_in_training"](params, x, y, rate)
        if _value is not None:
            return _value
    work = _prepare(params, {"x": x, "y": y}, workspace)
    rate = _checked_rate(rate, params, work)
    params = _fit_all(params, work._dtype)
    x = _fit(x, work._dtype)
    y = _fit(y, _POSITION)
    _value = work._compiled["sgd_step_in_training"](params, x, y, rate)
    if _value is not None:
        return _value
    return _numpy_sgd_step(
        params, x=x, y=y, rate=rate, training=training, workspace=work
    )
