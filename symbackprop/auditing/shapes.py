"""Gradients of a wrong shape, or summed over the wrong axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from symbackprop.auditing.compare import Compared
from symbackprop.auditing.model import Finding
from symbackprop.auditing.points import Array


def of_shape(found: Sequence[Compared], name: str) -> Finding | None:
    """What the shapes, or a sum over all entries, tell of one gradient; None where they do not."""
    if any(c.came is None for c in found) or not found:
        return None
    for words, kind, tells in (
        ("it is the transpose of the gradient", "transposed", _turned),
        ("it is summed over all entries, one number for all of them", "shape error", _summed),
        ("it is one entry repeated, as a mean over all of them is", "shape error", _averaged),
    ):
        if all(tells(c) for c in found):
            return Finding(kind, words, (name,))
    odd = next((c for c in found if c.came is not None and c.came.shape != c.right.shape), None)
    if odd is None or odd.came is None:
        return None
    words = f"it has the shape {list(odd.came.shape)}, and the gradient {list(odd.right.shape)}"
    if sorted(odd.came.shape) == sorted(odd.right.shape):
        words += ": its axes are turned, and its entries are others as well"
    return Finding("shape error", words, (name,))


def spread(
    seen: Mapping[tuple[int, str], Array], known: Iterable[Array], extents: Mapping[str, int]
) -> tuple[int, str] | None:
    """The line after which a variable has a free extent along more axes than any tensor has.

    (N, 1) - (N,) is (N, N): an accident of broadcasting. The words tell of it.
    """
    shapes = [array.shape for array in known]
    most = {n: max(s.count(size) for s in shapes) for n, size in extents.items()}
    for (line, name), array in sorted(seen.items()):
        for extent, size in extents.items():
            if size > 1 and array.shape.count(size) > max(most[extent], 1):
                shape = ", ".join(extent if n == size else str(n) for n in array.shape)
                words = (
                    f"`{name}` is [{shape}] after this line, and no tensor of the derivation has "
                    f"{extent} twice: arrays of unlike shapes were spread over each other"
                )
                return line, words
    return None


def _turned(one: Compared) -> bool:
    came = one.came
    if came is None or came.ndim != 2:
        return False
    return Compared(came.T, one.right, one.slack).agrees


def _summed(one: Compared) -> bool:
    if one.came is None or one.right.size < 2:
        return False
    return _constant(one, float(one.right.sum()))


def _averaged(one: Compared) -> bool:
    return one.came is not None and one.right.size > 1 and _constant(one, float(one.right.mean()))


def _constant(one: Compared, number: float) -> bool:
    assert one.came is not None
    slack = float(np.sum(one.slack))
    if not np.isfinite(one.came).all():
        return False
    return bool((np.abs(one.came - number) <= slack).all())
