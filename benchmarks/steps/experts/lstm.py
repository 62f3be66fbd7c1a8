"""An LSTM, a dense layer and a softmax at every step.

Features first, [units, n], the four gates below each other in one array and one `tanh`: the rows of
the three sigmoids are halved beforehand, for sigmoid(z) = (1 + tanh(z / 2)) / 2. What a step reads
is one array as well, x over h of the step before over a row of ones, so that a step is one product
and the gradients of W, U and b are one product over all steps. All that the way back needs of the
gates is made before its loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.steps.experts.parts import bias_descent, descent, softmax_loss

GATES = ("o", "i", "f", "g")


def stacked(params: dict[str, Any]) -> Any:
    """[4 units, inputs + units + 1]: W, U and b of every gate; `params` become views of it."""
    inputs, units = params["W1_o"].shape
    whole = np.empty((4 * units, inputs + units + 1), params["W1_o"].dtype)
    for k, gate in enumerate(GATES):
        rows = whole[k * units : (k + 1) * units]
        views = (rows[:, :inputs].T, rows[:, inputs:-1].T, rows[:, -1])
        for name, view in zip(("W1", "U1", "b1"), views, strict=True):
            view[...] = params[f"{name}_{gate}"]
            params[f"{name}_{gate}"] = view
    return whole


def expert(params: dict[str, Any], batch: dict[str, Any], inside: bool = False) -> Any:
    """The parameters of the cell in `params` become views of one array."""
    n, steps, inputs = batch["x"].shape
    W2, b2, W = params["W2"], params["b2"], stacked(params)
    units, classes = W2.shape
    reads, dtype = W.shape[1], W.dtype

    # What a step reads; h of the last step is read by none.
    read = np.ones((steps + 1, reads, n), dtype)
    xs, h = read[:-1, :inputs], read[:, inputs:-1]
    h[0] = 0
    cell, tanh = np.zeros((steps + 1, units, n), dtype), np.empty((steps, units, n), dtype)
    gates = np.empty((steps, 4, units, n), dtype)
    flat_gates = gates.reshape(steps, 4 * units, n)
    # [.., steps, n]: for the products over all steps.
    d_across = np.empty((4 * units, steps, n), dtype)
    across = np.empty((reads, steps + 1, n), dtype)
    states = across[inputs:-1, 1:].reshape(units, steps * n, copy=False)
    dstates, d_states = np.empty((steps, units, n), dtype), np.empty((units, steps * n), dtype)
    z, labels = np.empty((classes, steps * n), dtype), np.empty((steps, n), np.intp)
    halved, U = np.empty_like(W), W[:, inputs:-1]
    row = np.full((4 * units, 1), 0.5, dtype)
    row[3 * units :] = 1
    into_c = np.empty((steps, units, n), dtype)
    spare = np.empty((3, units, n), dtype)
    dh, dc, part = (np.empty((units, n), dtype) for _ in range(3))
    half, one = np.full((), 0.5, dtype), np.ones((), dtype)
    loss, column = softmax_loss(z, axis=0), b2[:, None]
    down_W2, down_b2 = descent(W2, z.T, states.T, inside=inside), bias_descent(b2, z.T)
    read_rows = across[:, :-1].reshape(reads, -1, copy=False).T
    d_rows = d_across.reshape(4 * units, -1).T
    down_W = descent(W, read_rows, d_rows, inside=inside)
    add, subtract, multiply, np_tanh, matmul = np.add, np.subtract, np.multiply, np.tanh, np.matmul

    def forward() -> None:
        multiply(W, row, halved)
        for a, flat, reads_now, c, c_next, tanh_c, h_next in zip(
            *(gates, flat_gates, read[:-1], cell[:-1], cell[1:], tanh, h[1:]), strict=True
        ):
            halved.dot(reads_now, flat)
            np_tanh(flat, flat)
            sigmoids = a[:3]
            multiply(sigmoids, half, sigmoids)
            add(sigmoids, half, sigmoids)
            o, i, f, g = a
            multiply(f, c, c_next)
            multiply(i, g, part)
            add(c_next, part, c_next)
            np_tanh(c_next, tanh_c)
            multiply(o, tanh_c, h_next)

    def slopes() -> None:
        """In place of o, i, f, g what dh and dc are multiplied by to give their cotangents.

        o (1 - o) tanh c for dh; i (1 - i) g, f (1 - f) c' and i (1 - g^2) for dc, c' the cell of
        the step before. The factor f of dc at the step before goes to `forget`; dh enters dc by
        `into_c`, o (1 - tanh^2 c).
        """
        for a, c, tanh_c, into, keep in zip(gates, cell[:-1], tanh, into_c, forget, strict=True):
            o, i, f, g = a
            np.copyto(keep, f)
            multiply(tanh_c, tanh_c, into)
            subtract(one, into, into)
            multiply(into, o, into)
            subtract(one, a[:3], spare)
            multiply(spare, a[:3], spare)
            multiply(g, g, part)
            subtract(one, part, part)
            multiply(spare[1], g, f)
            multiply(i, part, g)
            np.copyto(i, f)
            multiply(spare[2], c, f)
            multiply(spare[0], tanh_c, o)

    forget = np.empty((steps, units, n), dtype)
    UT = U.T

    def back() -> None:
        dh.fill(0)
        dc.fill(0)
        for t in range(steps - 1, -1, -1):
            a = gates[t]
            add(dh, dstates[t], dh)
            multiply(dh, into_c[t], part)
            add(dc, part, dc)
            multiply(a[0], dh, a[0])
            multiply(a[1:], dc, a[1:])
            multiply(dc, forget[t], dc)
            if t:
                matmul(UT, flat_gates[t], dh)

    def step(x: Any, y: Any, rate: float) -> float:
        np.copyto(xs, x.transpose(1, 2, 0))
        np.copyto(labels, y.T)
        forward()
        np.copyto(across.transpose(1, 0, 2), read)
        matmul(W2.T, states, z)
        add(z, column, z)
        value = loss(labels, rate)
        matmul(W2, z, d_states)
        np.copyto(dstates, d_states.reshape(units, steps, n).transpose(1, 0, 2))
        down_W2()
        down_b2()
        slopes()
        back()
        np.copyto(d_across.transpose(1, 0, 2), flat_gates)
        down_W()
        return value

    return step
