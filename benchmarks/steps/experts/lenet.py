"""LeNet: two convolutions, the first under tanh, the second under relu, and three dense layers.

Images are kept as channels, height, width, example: every window is then a slab whose last axis is
contiguous, and a convolution one product with the slabs below each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.steps.experts.parts import softmax_loss


class Convolution:
    """A convolution of an image [c, h, w, n] by K [kh, kw, c, o] to [o, h', w', n], and back.

    The products have one long side, all places of all examples. As a stack of shorter ones they
    take half the time.
    """

    def __init__(self, image: Any, K: Any, b: Any, input_gradient: bool = True) -> None:
        channels, height, width, n = image.shape
        kh, kw, _, filters = K.shape
        tall, wide = height - kh + 1, width - kw + 1
        parts = tall * (2 if wide * n % 2 == 0 else 1)

        def stack(a: Any) -> Any:
            return a.reshape(-1, parts, tall * wide * n // parts).transpose(1, 0, 2)

        self.flat_K, self.b = K.reshape(-1, filters), b
        self.slabs = np.empty((kh * kw, channels, tall, wide, n), K.dtype)
        self.out, self.d = (np.empty((filters, tall, wide, n), K.dtype) for _ in range(2))
        self.rows, self.d_rows = (a.reshape(filters, -1) for a in (self.out, self.d))
        columns = self.slabs.reshape(len(self.flat_K), -1)
        self.columns, self.outs, self.ds = stack(columns), stack(self.rows), stack(self.d_rows)
        self.dKs = np.empty((parts, *self.flat_K.shape), K.dtype)
        self.dK, self.db = np.empty_like(self.flat_K), np.empty_like(b)
        self.ones = np.ones(tall * wide * n, K.dtype)
        places = [
            (slice(None), slice(p, p + tall), slice(q, q + wide))
            for p in range(kh)
            for q in range(kw)
        ]
        self.reads = [image[place] for place in places]
        if input_gradient:
            self.d_image, self.d_slabs = np.empty_like(image), np.empty_like(self.slabs)
            self.d_columns = stack(self.d_slabs.reshape(columns.shape))
            self.adds = [self.d_image[place] for place in places]

    def forward(self) -> None:
        for slab, read in zip(self.slabs, self.reads, strict=True):
            np.copyto(slab, read)
        np.matmul(self.flat_K.T, self.columns, self.outs)
        np.add(self.rows, self.b[:, None], self.rows)

    def back(self) -> None:
        """From d, the cotangent of out: dK and db."""
        np.matmul(self.columns, self.ds.transpose(0, 2, 1), self.dKs)
        np.add.reduce(self.dKs, 0, None, self.dK)
        np.dot(self.d_rows, self.ones, self.db)

    def back_image(self) -> None:
        """From d: d_image."""
        np.matmul(self.flat_K, self.ds, self.d_columns)
        self.d_image.fill(0)
        for slab, added in zip(self.d_slabs, self.adds, strict=True):
            np.add(added, slab, added)

    def descend(self) -> None:
        np.subtract(self.flat_K, self.dK, self.flat_K)
        np.subtract(self.b, self.db, self.b)


class Pool:
    """The largest of each 2 by 2 square of [c, h, w, n], and back to the first that attains it."""

    def __init__(self, image: Any, d: Any) -> None:
        channels, height, width, n = image.shape
        places = [(p, q) for p in range(2) for q in range(2)]
        self.reads = [image[:, p::2, q::2] for p, q in places]
        self.writes = [d[:, p::2, q::2] for p, q in places]
        self.out, self.d = (
            np.empty((channels, height // 2, width // 2, n), image.dtype) for _ in range(2)
        )
        self.here, self.left = np.empty(self.out.shape, bool), np.empty(self.out.shape, bool)

    def forward(self) -> None:
        a, b, c, d = self.reads
        np.maximum(a, b, out=self.out)
        np.maximum(self.out, c, out=self.out)
        np.maximum(self.out, d, out=self.out)

    def back(self) -> None:
        self.left.fill(True)
        for read, write in zip(self.reads[:3], self.writes[:3], strict=True):
            np.equal(read, self.out, self.here)
            np.logical_and(self.here, self.left, self.here)
            np.logical_xor(self.left, self.here, self.left)
            np.multiply(self.d, self.here, write)
        np.multiply(self.d, self.left, self.writes[3])


def expert(params: dict[str, Any], batch: dict[str, Any]) -> Any:
    K1, b1, K2, b2, W3, b3, W4, b4, W5, b5 = params.values()
    n, height, width, channels = batch["x"].shape
    dtype = K1.dtype
    image = np.empty((channels, height, width, n), dtype)
    conv1 = Convolution(image, K1, b1, input_gradient=False)
    pool1 = Pool(conv1.out, conv1.d)
    conv2 = Convolution(pool1.out, K2, b2)
    pool2 = Pool(conv2.out, conv2.d)
    open2 = np.empty(conv2.out.shape, bool)
    # The dense layers have an example a row; flattening counts height, width, channel.
    last, tall, wide, _ = pool2.out.shape
    flat, d_flat = np.empty((n, tall, wide, last), dtype), np.empty((n, tall, wide, last), dtype)
    f, df = flat.reshape(n, -1), d_flat.reshape(n, -1)
    h3, d3 = np.empty((n, len(b3)), dtype), np.empty((n, len(b3)), dtype)
    h4, d4 = np.empty((n, len(b4)), dtype), np.empty((n, len(b4)), dtype)
    z = np.empty((n, len(b5)), dtype)
    open3, open4 = np.empty(h3.shape, bool), np.empty(h4.shape, bool)
    dW3, db3, dW4, db4, dW5, db5 = (np.empty_like(a) for a in (W3, b3, W4, b4, W5, b5))
    ones, zero, square = np.ones(n, dtype), np.zeros((), dtype), np.empty_like(conv1.out)
    loss = softmax_loss(z)

    def step(x: Any, y: Any, rate: float) -> float:
        np.copyto(image, x.transpose(3, 1, 2, 0))
        conv1.forward()
        np.tanh(conv1.out, conv1.out)
        pool1.forward()
        conv2.forward()
        np.maximum(conv2.out, zero, out=conv2.out)
        pool2.forward()
        np.copyto(flat, pool2.out.transpose(3, 1, 2, 0))
        f.dot(W3, h3)
        np.add(h3, b3, h3)
        np.maximum(h3, zero, out=h3)
        h3.dot(W4, h4)
        np.add(h4, b4, h4)
        np.maximum(h4, zero, out=h4)
        h4.dot(W5, z)
        np.add(z, b5, z)
        value: float = loss(y, rate)

        z.dot(W5.T, d4)
        np.greater(h4, zero, open4)
        np.multiply(d4, open4, d4)
        d4.dot(W4.T, d3)
        np.greater(h3, zero, open3)
        np.multiply(d3, open3, d3)
        d3.dot(W3.T, df)
        for a, d, W, dW, b, db in (
            (h4, z, W5, dW5, b5, db5),
            (h3, d4, W4, dW4, b4, db4),
            (f, d3, W3, dW3, b3, db3),
        ):
            a.T.dot(d, dW)
            np.subtract(W, dW, W)
            ones.dot(d, db)
            np.subtract(b, db, b)

        np.copyto(pool2.d, d_flat.transpose(3, 1, 2, 0))
        pool2.back()
        np.greater(conv2.out, zero, open2)
        np.multiply(conv2.d, open2, conv2.d)
        conv2.back()
        conv2.back_image()
        np.copyto(pool1.d, conv2.d_image)
        pool1.back()
        np.multiply(conv1.out, conv1.out, square)
        np.subtract(1, square, square)
        np.multiply(conv1.d, square, conv1.d)
        conv1.back()
        conv1.descend()
        conv2.descend()
        return value

    return step
