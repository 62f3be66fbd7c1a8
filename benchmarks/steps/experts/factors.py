"""Matrix factorisation: the mean squared error of ratings, with l2 over both tables."""

from __future__ import annotations

from typing import Any

import numpy as np

L2 = 1e-4


def expert(params: dict[str, Any], batch: dict[str, Any]) -> Any:
    P, Q = params["P"], params["Q"]
    rows, rank = len(batch["user"]), P.shape[1]
    p, q, t = (np.empty((rows, rank), P.dtype) for _ in range(3))
    error = np.empty(rows, P.dtype)
    column, ones = error[:, None], np.ones(rank, P.dtype)
    # Pairs of neighbours as one complex number: half as many entries to add.
    pairs = {4: np.complex64, 8: np.complex128}[P.itemsize]
    P2, Q2, p2, q2 = (a.reshape(-1).view(pairs) for a in (P, Q, p, q))
    P1, Q1 = P.reshape(-1), Q.reshape(-1)
    places = np.empty((rows, rank // 2), np.intp)
    flat, within = places.reshape(-1), np.arange(rank // 2)
    start = np.empty(rows, np.intp)
    starts = start[:, None]

    def step(user: Any, item: Any, rating: Any, rate: float) -> float:
        P.take(user, 0, p, "clip")
        Q.take(item, 0, q, "clip")
        np.multiply(p, q, t)
        t.dot(ones, error)
        np.subtract(error, rating, error)
        squares = float(P1.dot(P1)) + float(Q1.dot(Q1))
        loss = float(error.dot(error)) / rows + L2 / 2 * squares
        np.multiply(error, -2 * rate / rows, error)
        np.multiply(p, column, p)
        np.multiply(q, column, q)
        np.multiply(P, 1 - rate * L2, P)
        np.multiply(Q, 1 - rate * L2, Q)
        for labels, table, values in ((user, P2, q2), (item, Q2, p2)):
            np.multiply(labels, rank // 2, start)
            np.add(starts, within, places)
            np.add.at(table, flat, values)
        return loss

    return step
