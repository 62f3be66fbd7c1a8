"""Windows drawn at random: sizes, strides, paddings, dilations; against PyTorch in float64."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symbackprop as sb

pytestmark = pytest.mark.torch
functional = torch.nn.functional
drawn = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
small = st.integers(1, 3)


def held(text, reference, seed=0, **shapes):
    """Loss mean(y³) and its gradients by every array, as the reference has them."""
    module = sb.compile(sb.derive(sb.parse(text)), "float64")
    rng = np.random.default_rng(seed)
    arrays = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    tensors = {name: torch.tensor(a, requires_grad=True) for name, a in arrays.items()}
    y = reference(**tensors)
    loss = (y**3).mean()
    loss.backward()
    params = {name: a for name, a in arrays.items() if name != "x"}
    found, grads = module.loss_and_grads(params, x=arrays["x"])
    out = module.forward(params, x=arrays["x"])["y"]
    np.testing.assert_allclose(out, y.detach().numpy(), rtol=1e-9, atol=1e-9)
    assert found == pytest.approx(loss.item(), rel=1e-9)
    for name, tensor in tensors.items():
        np.testing.assert_allclose(grads[name], tensor.grad.numpy(), rtol=1e-9, atol=1e-9)


def spec(shape, statement, names, params=""):
    return (
        f"name: drawn\ninputs: {{x: {shape}}}\n{params}\nnetwork: |\n  {statement}\n"
        f"loss: mean(y**3)\noutputs: [y]\nwrt: [{names}]\n"
    )


@drawn
@given(kernel=small, stride=small, dilation=small, padding=st.integers(0, 2), extra=small)
def test_conv1d_along_an_axis_that_is_known_when_running(kernel, stride, dilation, padding, extra):
    size = max((kernel - 1) * dilation + extra - 2 * padding, 1)
    if (kernel - 1) * dilation + 1 > size + 2 * padding:
        size += 1
    options = f"stride={stride}, dilation={dilation}, padding={padding}"
    text = spec("[N, T, 2]", f"y = conv1d(x, 3, {kernel}, {options})", "x, W1, b1")

    def reference(x, W1, b1):
        turned, weight = x.transpose(1, 2), W1.permute(2, 1, 0)
        return functional.conv1d(turned, weight, b1, stride, padding, dilation).transpose(1, 2)

    held(text, reference, x=(2, size, 2), W1=(kernel, 2, 3), b1=(3,))


@drawn
@given(
    size=st.tuples(st.integers(5, 7), st.integers(5, 8)),
    kernel=st.tuples(small, small),
    stride=st.tuples(small, small),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=st.sampled_from(["valid", "same", 0, 1, 2]),
)
def test_conv2d(size, kernel, stride, dilation, padding):
    written = f'"{padding}"' if isinstance(padding, str) else padding
    options = f"stride={stride}, dilation={dilation}, padding={written}"
    text = spec(
        f"[N, {size[0]}, {size[1]}, 2]", f"y = conv2d(x, 3, {kernel}, {options})", "x, W1, b1"
    )

    def reference(x, W1, b1):
        zeros = [same_or(padding, *one) for one in zip(size, kernel, stride, dilation, strict=True)]
        turned = functional.pad(x.permute(0, 3, 1, 2), (*zeros[1], *zeros[0]))
        weight = W1.permute(3, 2, 0, 1)
        return functional.conv2d(turned, weight, b1, stride, 0, dilation).permute(0, 2, 3, 1)

    held(text, reference, x=(2, *size, 2), W1=(*kernel, 2, 3), b1=(3,))


def same_or(padding, size, kernel, stride, dilation):
    """Zeros before and after, as Keras has them for "same"."""
    if padding != "same":
        return (padding, padding) if isinstance(padding, int) else (0, 0)
    span = (kernel - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + span - size, 0)
    return total // 2, total - total // 2


@drawn
@given(
    size=st.tuples(st.integers(2, 4), st.integers(2, 5)),
    kernel=st.tuples(st.integers(1, 4), st.integers(2, 4)),
    stride=st.tuples(small, small),
    padding=st.sampled_from(["valid", "same", 0, 1]),
)
def test_conv2d_transpose(size, kernel, stride, padding):
    full = [(n - 1) * s + k for n, s, k in zip(size, stride, kernel, strict=True)]
    if padding == 1 and min(full) < 3:
        padding = 0
    written = f'"{padding}"' if isinstance(padding, str) else padding
    call = f"y = conv2d_transpose(x, 3, {kernel}, stride={stride}, padding={written})"
    text = spec(f"[N, {size[0]}, {size[1]}, 2]", call, "x, W1, b1")

    def reference(x, W1, b1):
        turned, weight = x.permute(0, 3, 1, 2), W1.permute(3, 2, 0, 1)
        z = functional.conv_transpose2d(turned, weight, None, stride)
        if isinstance(padding, int):
            z = z[:, :, padding : full[0] - padding, padding : full[1] - padding]
        if padding == "same":
            for axis, (n, s, k) in enumerate(zip(size, stride, kernel, strict=True), 2):
                short = max(n * s - z.shape[axis], 0)
                ends = (0, 0, 0, short) if axis == 2 else (0, short)
                z = functional.pad(z, ends).narrow(axis, max(k - s, 0) // 2, n * s)
        return z.permute(0, 2, 3, 1) + b1

    held(text, reference, x=(2, *size, 2), W1=(*kernel, 3, 2), b1=(3,))


@drawn
@given(
    size=st.tuples(st.integers(3, 6), st.integers(3, 7)),
    window=st.tuples(small, small),
    stride=st.tuples(small, small),
    pool=st.sampled_from(["max", "avg"]),
    ties=st.booleans(),
)
def test_pools_with_and_without_overlap(size, window, stride, pool, ties):
    # the parameter makes rows of x equal, so that several places attain the maximum
    h = "h[n, i, j, c] = x[n, i, j, 0] * V[c]" if ties else "h = x @ U"
    params = "params: {V: {shape: [2]}}" if ties else "params: {U: {shape: [2, 2]}}"
    statement = f"{h}\n  y = {pool}_pool2d(h, {window}, stride={stride})"
    name = "V" if ties else "U"
    text = spec(f"[N, {size[0]}, {size[1]}, 2]", statement, f"x, {name}", params)

    def reference(x, **own):
        h = x[..., :1] * own["V"] if ties else x @ own["U"]
        pooled = getattr(functional, f"{pool}_pool2d")(h.permute(0, 3, 1, 2), window, stride)
        return pooled.permute(0, 2, 3, 1)

    held(text, reference, x=(2, *size, 2), **{name: (2,) if ties else (2, 2)})


@drawn
@given(a=st.integers(1, 3), b=st.integers(1, 3), start=st.integers(0, 2), back=st.booleans())
def test_any_affine_position(a, b, start, back):
    size = 3 * a + 2 * b + start + 1
    at = f"{size - 1} - {a}*t - {b}*p" if back else f"{a}*t + {b}*p + {start}"
    statement = f"y[n, t] = sum[p, d](K[p, d] * x[n, {at}, d])"
    text = spec(f"[N, {size}, 2]", statement, "x, K", "params: {K: {shape: [3, 2]}}")

    def reference(x, K):
        count = (size - 1 - 2 * b - (0 if back else start)) // a + 1
        rows = []
        for t in range(count):
            places = [size - 1 - a * t - b * p if back else a * t + b * p + start for p in range(3)]
            rows.append(sum(x[:, place] @ K[p] for p, place in enumerate(places)))
        return torch.stack(rows, 1)

    held(text, reference, x=(2, size, 2), K=(3, 2))


def test_a_gradient_that_is_wrong_is_noticed():
    text = spec("[N, 5, 2]", "y = conv1d(x, 3, 2)", "x, W1, b1")

    def wrong(x, W1, b1):
        turned = x.transpose(1, 2)
        return functional.conv1d(turned, W1.permute(2, 1, 0).flip(2), b1).transpose(1, 2)

    with pytest.raises(AssertionError):
        held(text, wrong, x=(2, 5, 2), W1=(2, 2, 3), b1=(3,))
