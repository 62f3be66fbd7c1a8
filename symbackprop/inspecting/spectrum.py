"""The largest and the smallest singular value of a matrix that is known by its products.

A small one is written out. Of a large one, Golub and Kahan's bidiagonalisation (1965), with every
vector made orthogonal to all before it, finds the largest from below and the smallest from above.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symbackprop.inspecting.jacobian import Array, Jacobian

SMALL = 600  # rows or columns that are written out
STEPS = 64
_VANISHED = 1e-12


def extremes(
    jacobian: Jacobian, small: int = SMALL, steps: int = STEPS
) -> tuple[float, float, bool]:
    """The largest and the smallest of min(rows, columns) singular values, and whether exactly."""
    if min(jacobian.rows, jacobian.columns) <= small:
        values = np.linalg.svd(_written_out(jacobian), compute_uv=False)
        rounding = np.finfo(float).eps * max(jacobian.rows, jacobian.columns)
        return *_ends(values, rounding), True
    return *_ends(_bidiagonal(jacobian, steps), _VANISHED), False


def _ends(values: Array, rounding: float) -> tuple[float, float]:
    """The first and the last; 0 for what rounding alone may be, as a share of the first."""
    largest, smallest = float(values[0]), float(values[-1])
    return largest, smallest if smallest > rounding * largest else 0.0


def _written_out(jacobian: Jacobian) -> Array:
    """The matrix, row by row or column by column, whichever are fewer."""
    if jacobian.rows <= jacobian.columns:
        return np.stack([jacobian.transposed_times(e) for e in np.eye(jacobian.rows)])
    return np.stack([jacobian.times(e) for e in np.eye(jacobian.columns)], axis=1)


def _bidiagonal(jacobian: Jacobian, steps: int) -> Array:
    """The singular values of the bidiagonal matrix that so many steps lead to.

    They start on the side with fewer entries: on the other one there are vectors that the matrix
    takes to 0 whatever its singular values are.
    """
    turned = jacobian.rows < jacobian.columns
    onward, back = jacobian.times, jacobian.transposed_times
    if turned:
        onward, back = back, onward
    right: list[Array] = []
    left: list[Array] = []
    diagonal: list[float] = []
    above: list[float] = []
    size = min(jacobian.rows, jacobian.columns)
    v, scale = _orthogonal(np.random.default_rng(0).standard_normal(size), [], 0.0)[0], 0.0
    for _ in range(min(steps, size)):
        right.append(v)
        u, alpha = _orthogonal(onward(v), left, scale)
        diagonal.append(alpha)
        scale = max(scale, alpha)
        if alpha == 0:  # a vector that goes to 0: the smallest is 0
            break
        left.append(u)
        v, beta = _orthogonal(back(u), right, scale)
        if beta == 0:  # all that this start leads to
            break
        above.append(beta)
    matrix: Any = np.diag(diagonal) + np.diag(above[: len(diagonal) - 1], 1)
    values: Array = np.linalg.svd(matrix, compute_uv=False)
    return values


def _orthogonal(vector: Array, others: list[Array], scale: float) -> tuple[Array, float]:
    """The vector without its parts along the others, of length 1, and its length.

    The length is 0 where rounding is all that is left, next to vectors of a length of `scale`.
    """
    for _ in range(2):  # once more takes away what rounding has left (Kahan and Parlett)
        for other in others:
            vector = vector - (other @ vector) * other
    length = float(np.linalg.norm(vector))
    if length <= _VANISHED * scale or length == 0:
        return vector, 0.0
    return vector / length, length
