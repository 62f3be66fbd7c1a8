"""Layers that draw numbers: in training only, and by inputs that may also be handed in."""

from __future__ import annotations

from symbackprop.layers.registry import Array, Call


def dropout(call: Call, x: Array, rate: float) -> Array:
    """y = x m / (1 - rate) with a mask m that keeps each entry with probability 1 - rate; in use x.

    Srivastava et al. (2014), Dropout, scaled in training so that nothing is scaled in use.
    """
    if not 0 <= rate < 1:
        call.refuse("rate", f"rate {float(rate):g}", "it is 0 or more and below 1")
    keep = call.drawn("keep", x, "bernoulli", 1 - rate)
    text = "y[...] = where(keep[...], x[...] / (1 - r), 0)"
    return call.equation(text, in_use="x[...]", keep=keep, x=x, r=rate)
