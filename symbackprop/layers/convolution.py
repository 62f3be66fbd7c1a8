"""Layers that multiply every window of a sequence or an image by a kernel."""

from __future__ import annotations

from typing import NamedTuple

from symbackprop.layers.registry import (
    Array,
    Call,
    Extent,
    Padding,
    Pair,
    shape_text,
    with_parameters,
)
from symbackprop.layers.shape import cropped, padded


class Axis(NamedTuple):
    """One axis that windows slide along: its index in the result, the index inside a window."""

    name: str
    inner: str
    size: Extent
    kernel: int
    stride: int
    dilation: int = 1

    @property
    def span(self) -> int:
        """How far a window reaches."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def position(self) -> str:
        """Where entry `inner` of window `name` lies."""
        return f"{_times(self.stride, self.name)} + {_times(self.dilation, self.inner)}"


@with_parameters
def conv1d(
    call: Call,
    x: Array,
    filters: int,
    kernel: int,
    stride: int = 1,
    padding: Padding = "valid",
    bias: bool = True,
    dilation: int = 1,
) -> Array:
    """z[n, t, o] = Σ_{p, c} x[n, s t + d p, c] W[p, c, o] + b[o], stride s, dilation d.

    x is padded with zeros before: by none ("valid"), so that one window begins at every s-th place
    ("same"), or by a number at both ends. W is [kernel, D, filters].
    """
    axes = _axes(call, x, "t", [kernel], [stride], [dilation])
    return _convolution(call, x, filters, axes, padding, bias)


@with_parameters
def conv2d(
    call: Call,
    x: Array,
    filters: int,
    kernel: Pair,
    stride: Pair = (1, 1),
    padding: Padding = "valid",
    bias: bool = True,
    dilation: Pair = (1, 1),
) -> Array:
    """z[n, i, j, o] = Σ_{p, q, c} x[n, s i + d p, s j + d q, c] W[p, q, c, o] + b[o].

    As conv1d along both axes of an image; W is [*kernel, C, filters].
    """
    axes = _axes(call, x, "ij", kernel, stride, dilation)
    return _convolution(call, x, filters, axes, padding, bias)


@with_parameters
def conv2d_transpose(
    call: Call,
    x: Array,
    filters: int,
    kernel: Pair,
    stride: Pair = (1, 1),
    padding: Padding = "valid",
    bias: bool = True,
) -> Array:
    """z[n, a, b, o] = Σ_{i, j, p, q, c} x[n, i, j, c] W[p, q, o, c] [a = s i + p] [b = s j + q].

    Then its borders are cut off: none ("valid"), as many as leave s times the size of x ("same"),
    or a number at both ends. W is [*kernel, filters, C].
    """
    axes = _axes(call, x, "ij", kernel, stride, (1, 1))
    _check_filters(call, filters)
    sizes = {"a": _full(axes[0], padding), "b": _full(axes[1], padding)}
    cuts = [
        _cut(call, axis, size, padding) for axis, size in zip(axes, sizes.values(), strict=True)
    ]
    W = call.parameter("W", (*kernel, filters, x.shape[-1]))
    z = call.equation(
        "z[n, a, b, o] = sum[i, j, p, q, c](x[n, i, j, c] * W[p, q, o, c]"
        f" * (a == {axes[0].position}) * (b == {axes[1].position}))",
        sizes,
        x=x,
        W=W,
    )
    z = cropped(call, z, dict(zip((1, 2), cuts, strict=True)))
    if not bias:
        return z
    b = call.parameter("b", (filters,), init="zeros")
    return call.equation("z[n, i, j, o] = y[n, i, j, o] + b[o]", y=z, b=b)


def _convolution(
    call: Call, x: Array, filters: int, axes: list[Axis], padding: Padding, bias: bool
) -> Array:
    _check_filters(call, filters)
    x = padded(call, x, {k: _margin(call, axis, padding) for k, axis in enumerate(axes, 1)})
    W = call.parameter("W", (*(axis.kernel for axis in axes), x.shape[-1], filters))
    inner = ", ".join(axis.inner for axis in axes)
    at = ", ".join(axis.position for axis in axes)
    outer = ", ".join(axis.name for axis in axes)
    product = f"sum[{inner}, c](x[n, {at}, c] * W[{inner}, c, o])"
    if not bias:
        return call.equation(f"z[n, {outer}, o] = {product}", x=x, W=W)
    b = call.parameter("b", (filters,), init="zeros")
    return call.equation(f"z[n, {outer}, o] = {product} + b[o]", x=x, W=W, b=b)


def _axes(
    call: Call,
    x: Array,
    names: str,
    kernel: Pair | list[int],
    stride: Pair | list[int],
    dilation: Pair | list[int],
) -> list[Axis]:
    """The axes of x between the first and the last, with what slides along each."""
    if len(x.shape) != len(names) + 2:
        wanted = "image [N, H, W, C]" if len(names) == 2 else "sequence [N, T, D]"
        call.refuse("x", f"x has shape {shape_text(x)}, which is no {wanted}", "reshape it before")
    for name, sizes in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        for size in sizes:
            if size < 1:
                call.refuse(name, f"{name} {size}", "it is at least 1")
    sliding = zip(names, "pq", x.shape[1:-1], kernel, stride, dilation, strict=False)
    return [Axis(*one) for one in sliding]


def _check_filters(call: Call, filters: int) -> None:
    if filters < 1:
        call.refuse("filters", f"filters={filters}", "a layer has at least one filter")


def _margin(call: Call, axis: Axis, padding: Padding) -> tuple[int, int]:
    """How many zeros stand before and after; a fault where no window fits between their ends."""
    before, after = _zeros(call, axis, padding)
    if getattr(axis.size, "is_Integer", True) and axis.size + before + after < axis.span:
        around = f" and {before + after} zeros around it" if before + after else ""
        call.refuse(
            "kernel",
            f"a kernel that reaches over {axis.span} entries, larger than its image, "
            f"whose axis has {axis.size}{around}",
            'make it smaller, or pad: padding="same"',
        )
    return before, after


def _zeros(call: Call, axis: Axis, padding: Padding) -> tuple[int, int]:
    if padding == "valid":
        return 0, 0
    if isinstance(padding, int):
        if padding < 0:
            call.refuse("padding", f"padding {padding}", "it is 0 or more")
        return padding, padding
    if axis.stride == 1:
        total = axis.span - 1
    elif not getattr(axis.size, "is_Integer", True):
        call.refuse(
            "padding",
            f'padding="same" with stride {axis.stride} along an axis of extent {axis.size}, '
            "which is known only when running",
            f"give {axis.size} a number under dims, or write the padding as a number",
        )
    else:
        windows = -(-int(axis.size) // axis.stride)
        total = max((windows - 1) * axis.stride + axis.span - int(axis.size), 0)
    return total // 2, total - total // 2


def _full(axis: Axis, padding: Padding) -> Extent:
    """The extent of a transposed convolution before it is cut."""
    full = (axis.size - 1) * axis.stride + axis.kernel
    return full + max(axis.stride - axis.kernel, 0) if padding == "same" else full


def _cut(call: Call, axis: Axis, full: Extent, padding: Padding) -> tuple[int, int]:
    """How many entries leave before and after."""
    if padding == "valid":
        return 0, 0
    if padding == "same":
        total = max(axis.kernel - axis.stride, 0)
        return total // 2, total - total // 2
    assert isinstance(padding, int)
    if padding < 0:
        call.refuse("padding", f"padding {padding}", "it is 0 or more")
    if getattr(full, "is_Integer", True) and full <= 2 * padding:
        call.refuse(
            "padding",
            f"padding {padding} cuts {2 * padding} entries off an axis of {full}",
            "cut off less",
        )
    return padding, padding


def _times(number: int, name: str) -> str:
    return name if number == 1 else f"{number} * {name}"
