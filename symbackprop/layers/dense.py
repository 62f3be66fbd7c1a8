"""Layers that multiply by, or look up in, a parameter."""

from __future__ import annotations

from symbackprop.layers.registry import Array, Call, indices, with_parameters


@with_parameters
def dense(call: Call, x: Array, units: int, bias: bool = True, axes: int = 1) -> Array:
    """z[…, j] = Σ_i x[…, i] W[i, j] + b[j], with i over the last `axes` axes of x."""
    if not 1 <= axes <= len(x.shape):
        call.refuse("axes", f"axes={axes} of an array of rank {len(x.shape)}", "use 1 to the rank")
    if units < 1:
        call.refuse("units", f"units={units}", "a layer has at least one unit")
    i = indices("i", axes)
    W = call.parameter("W", (*x.shape[-axes:], units))
    product = f"sum[{i}](x[..., {i}] * W[{i}, j])"
    if not bias:
        return call.equation(f"z[..., j] = {product}", x=x, W=W)
    b = call.parameter("b", (units,), init="zeros")
    return call.equation(f"z[..., j] = {product} + b[j]", x=x, W=W, b=b)


@with_parameters
def embedding(call: Call, ids: Array, dim: int) -> Array:
    """e[…, d] = E[ids[…], d]: a row of E for each id."""
    if not ids.is_labels:
        call.refuse("ids", "the ids of an embedding are a real array", "give the input `classes`")
    if dim < 1:
        call.refuse("dim", f"dim={dim}", "a row has at least one entry")
    E = call.parameter("E", (ids.classes, dim), init="normal(0.05)")
    return call.equation("e[..., d] = E[ids[...], d]", ids=ids, E=E)
