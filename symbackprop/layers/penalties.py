"""Penalties on parameters, to be added to a loss."""

from __future__ import annotations

from symbackprop.layers.registry import Array, Call


def l2(call: Call, a: float, *params: Array) -> Array:
    """a/2 Σ W², over the parameters named, or over every parameter of rank 2 or more."""
    return _over_parameters(call, "a / 2 * sum[...]({w}[...]**2)", a, params)


def l1(call: Call, a: float, *params: Array) -> Array:
    """a Σ |W|, over the parameters named, or over every parameter of rank 2 or more."""
    return _over_parameters(call, "a * sum[...](abs({w}[...]))", a, params)


def _over_parameters(call: Call, term: str, a: float, params: tuple[Array, ...]) -> Array:
    chosen = params or call.matrices()
    if not chosen:
        call.refuse("params", "no parameter of rank 2 or more", "name the parameters to penalise")
    operands = {f"w{k}": w for k, w in enumerate(chosen)}
    text = " + ".join(term.format(w=name) for name in operands)
    return call.equation(text, a=a, **operands)
