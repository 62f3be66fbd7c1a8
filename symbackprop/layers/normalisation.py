"""Layers that shift and scale by statistics of what they are given."""

from __future__ import annotations

import math

from symbackprop.layers.registry import Array, Call, shape_text, with_parameters


@with_parameters
def layer_norm(call: Call, x: Array, eps: float = 1e-5) -> Array:
    """z = γ x̂ + β with x̂ = (x - μ) r, r = 1 / √(σ² + eps), over the last axis.

    Ba et al. (2016), Layer normalization, eq. 4; eps inside the root as Ioffe and Szegedy (2015).
    """
    _is_no_less_than_zero(call, eps)
    gamma = call.parameter("gamma", x.shape[-1:], init="ones")
    beta = call.parameter("beta", x.shape[-1:], init="zeros")
    mu = call.equation("mu[...] = mean[i](x[..., i])", x=x)
    variance = call.equation("var[...] = mean[i]((x[..., i] - mu[...])**2)", x=x, mu=mu)
    r = call.equation("r[...] = 1 / sqrt(var[...] + eps)", var=variance, eps=eps)
    xhat = call.equation("xhat[..., i] = (x[..., i] - mu[...]) * r[...]", x=x, mu=mu, r=r)
    scaled = "z[..., i] = gamma[i] * xhat[..., i] + beta[i]"
    return call.equation(scaled, xhat=xhat, gamma=gamma, beta=beta)


@with_parameters
def rms_norm(call: Call, x: Array, eps: float = 1e-6) -> Array:
    """z = γ x̂ with x̂ = x r, r = 1 / √(mean x² + eps), over the last axis.

    Zhang and Sennrich (2019), Root mean square layer normalization, eq. 4.
    """
    _is_no_less_than_zero(call, eps)
    gamma = call.parameter("gamma", x.shape[-1:], init="ones")
    r = call.equation("r[...] = 1 / sqrt(mean[i](x[..., i]**2) + eps)", x=x, eps=eps)
    xhat = call.equation("xhat[..., i] = x[..., i] * r[...]", x=x, r=r)
    return call.equation("z[..., i] = gamma[i] * xhat[..., i]", xhat=xhat, gamma=gamma)


@with_parameters
def batch_norm(call: Call, x: Array, eps: float = 1e-5, momentum: float = 0.1) -> Array:
    """z = γ x̂ + β with x̂ = (x - μ) r, r = 1 / √(σ² + eps), over all axes but the last.

    In use μ and σ² are running values: after each step of training they are (1 - momentum) of what
    they were plus momentum of the batch's μ and of its unbiased variance, σ² M / (M - 1) for M
    values. Ioffe and Szegedy (2015), Batch normalization, algorithms 1 and 2.
    """
    count = math.prod(x.shape[:-1])
    if len(x.shape) < 2 or count == 1:
        what = f"{shape_text(x)} has one value for each variance"
        call.refuse("x", what, "give an array with more than one row")
    if not 0 <= momentum <= 1:
        call.refuse("momentum", f"momentum {momentum}", "it is from 0 to 1")
    _is_no_less_than_zero(call, eps)
    gamma = call.parameter("gamma", x.shape[-1:], init="ones")
    beta = call.parameter("beta", x.shape[-1:], init="zeros")
    mean = call.state("running_mean", x.shape[-1:], init="zeros")
    variance = call.state("running_var", x.shape[-1:], init="ones")
    mu = call.equation("mu[c] = mean[...](x[..., c])", in_use="s[c]", x=x, s=mean)
    squares = "var[c] = mean[...]((x[..., c] - mu[c])**2)"
    var = call.equation(squares, in_use="s[c]", x=x, mu=mu, s=variance)
    r = call.equation("r[c] = 1 / sqrt(var[c] + eps)", var=var, eps=eps)
    xhat = call.equation("xhat[..., c] = (x[..., c] - mu[c]) * r[c]", x=x, mu=mu, r=r)
    moved = "new[c] = (1 - m) * s[c] + m * v[c] * k"
    unbiased = count / (count - 1)
    call.update(mean, call.equation(moved, s=mean, v=mu, m=momentum, k=1))
    call.update(variance, call.equation(moved, s=variance, v=var, m=momentum, k=unbiased))
    scaled = "z[..., c] = gamma[c] * xhat[..., c] + beta[c]"
    return call.equation(scaled, xhat=xhat, gamma=gamma, beta=beta)


def _is_no_less_than_zero(call: Call, eps: float) -> None:
    if eps < 0:
        call.refuse("eps", f"eps {eps} is negative", "a variance plus eps has a root; use 1e-5")
