"""Losses: scalars, the mean over all leading axes unless reduction="sum"."""

from __future__ import annotations

from symbackprop.layers.registry import Array, Call, shape_text


def mse(call: Call, p: Array, y: Array, reduction: str = "mean") -> Array:
    """Mean over the last axis of (p - y)²."""
    return _entrywise(call, p, y, "mean", "(p[{i}] - y[{i}])**2", reduction)


def half_sse(call: Call, p: Array, y: Array, reduction: str = "mean") -> Array:
    """Half the sum over the last axis of (p - y)²."""
    return _entrywise(call, p, y, "sum", "(p[{i}] - y[{i}])**2 / 2", reduction)


def mae(call: Call, p: Array, y: Array, reduction: str = "mean") -> Array:
    """Mean over the last axis of |p - y|."""
    return _entrywise(call, p, y, "mean", "abs(p[{i}] - y[{i}])", reduction)


def huber(call: Call, p: Array, y: Array, delta: float = 1.0, reduction: str = "mean") -> Array:
    """Mean over the last axis of d²/2 where |d| <= delta, else delta (|d| - delta/2); d = p - y.

    Huber (1964), Robust estimation of a location parameter.
    """
    d = "(p[{i}] - y[{i}])"
    body = f"where(abs({d}) <= delta, {d}**2 / 2, delta * (abs({d}) - delta / 2))"
    return _entrywise(call, p, y, "mean", body, reduction, delta=delta)


def binary_cross_entropy(call: Call, p: Array, y: Array, reduction: str = "mean") -> Array:
    """Mean over the last axis of -y log p - (1 - y) log(1 - p)."""
    body = "-y[{i}] * log(p[{i}]) - (1 - y[{i}]) * log(1 - p[{i}])"
    return _entrywise(call, p, y, "mean", body, reduction)


def cross_entropy(
    call: Call, p: Array, y: Array, label_smoothing: float = 0.0, reduction: str = "mean"
) -> Array:
    """-log p[y] for labels, -Σ_k y_k log p_k for distributions.

    With smoothing s over K classes the target is (1 - s) y + s/K (Szegedy et al. 2016, section 7).
    """
    return _expected_log(call, p, y, "log(p[..., {k}])", label_smoothing, reduction)


def nll(call: Call, logp: Array, y: Array, reduction: str = "mean") -> Array:
    """-logp[y] for labels, -Σ_k y_k logp_k for distributions."""
    return _expected_log(call, logp, y, "p[..., {k}]", 0.0, reduction)


def hinge(call: Call, s: Array, y: Array, reduction: str = "mean") -> Array:
    """Mean over the last axis of max(0, 1 - y s) for y of -1 and 1.

    For labels Σ_{k≠y} max(0, 1 + s_k - s_y) (Weston and Watkins 1999, eq. 4).
    """
    if not y.is_labels:
        return _entrywise(call, s, y, "mean", "relu(1 - y[{i}] * p[{i}])", reduction)
    _labels_fit(call, s, y)
    how = _reduction(call, reduction)
    margin = "relu(1 + s[..., k] - s[..., y[...]])"
    return call.equation(_over(how, s, f"sum[k](where(k == y[...], 0, {margin}))"), s=s, y=y)


def kl_divergence(call: Call, p: Array, q: Array, reduction: str = "mean") -> Array:
    """Σ_k p_k (log p_k - log q_k), with 0 log 0 = 0."""
    body = "where(p[{i}] > 0, p[{i}] * (log(p[{i}]) - log(y[{i}])), 0)"
    return _entrywise(call, p, q, "sum", body, reduction, second="q")


def kl_normal(call: Call, mu: Array, logvar: Array, reduction: str = "mean") -> Array:
    """KL divergence of N(mu, exp logvar) from N(0, 1), summed over the last axis.

    Half of exp(logvar) + mu² - 1 - logvar (Kingma and Welling 2014, appendix B).
    """
    body = "(exp(y[{i}]) + p[{i}]**2 - 1 - y[{i}]) / 2"
    return _entrywise(call, mu, logvar, "sum", body, reduction, second="logvar")


def _entrywise(
    call: Call,
    p: Array,
    y: Array,
    inner: str,
    body: str,
    reduction: str,
    second: str = "y",
    **numbers: float,
) -> Array:
    """`inner` of the body over the last axis, `reduction` over the others."""
    how = _reduction(call, reduction)
    if p.shape != y.shape:
        call.refuse(
            second,
            f"shapes {shape_text(p)} and {shape_text(y)} of the two arguments differ",
            "a loss compares entry with entry: give both the same shape",
        )
    if len(p.shape) < 2:
        return call.equation(_over(how, p, body.format(i="..."), p.shape), p=p, y=y, **numbers)
    text = f"{inner}[i]({body.format(i='..., i')})"
    return call.equation(_over(how, p, text), p=p, y=y, **numbers)


def _expected_log(
    call: Call, p: Array, y: Array, log_p: str, smoothing: float, reduction: str
) -> Array:
    """-Σ_k target_k log p_k, the target a label or a distribution, smoothed."""
    how = _reduction(call, reduction)
    if not 0 <= smoothing < 1:
        call.refuse("label_smoothing", f"label_smoothing={smoothing}", "use 0 <= s < 1")
    if y.is_labels:
        _labels_fit(call, p, y)
        body = f"-{log_p.format(k='y[...]')}"
    elif p.shape != y.shape:
        call.refuse(
            "y",
            f"scores {shape_text(p)} and targets {shape_text(y)}",
            "use integer labels (classes: …), or distributions of the shape of the scores",
        )
    else:
        body = f"-sum[k](y[..., k] * {log_p.format(k='k')})"
    if smoothing:
        body = f"(1 - s) * ({body}) - s * mean[j]({log_p.format(k='j')})"
        return call.equation(_over(how, p, body), p=p, y=y, s=smoothing)
    return call.equation(_over(how, p, body), p=p, y=y)


def _over(how: str, p: Array, body: str, leading: tuple[object, ...] | None = None) -> str:
    """The body reduced over the leading axes, where there are any."""
    leading = p.shape[:-1] if leading is None else leading
    return f"{how}[...]({body})" if leading else body


def _reduction(call: Call, reduction: str) -> str:
    if reduction not in ("mean", "sum"):
        call.refuse("reduction", f"reduction={reduction!r}", 'use "mean" or "sum"')
    return reduction


def _labels_fit(call: Call, p: Array, y: Array) -> None:
    if p.shape[:-1] != y.shape:
        call.refuse(
            "y",
            f"scores {shape_text(p)} and labels {shape_text(y)}",
            "one label for each row of scores",
        )
    if p.shape[-1] != y.classes:
        call.refuse(
            "y",
            f"labels of {y.classes} classes, but scores of {p.shape[-1]}",
            "give the scores one entry for each class",
        )
