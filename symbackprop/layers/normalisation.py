"""Layers that shift and scale by statistics of what they are given."""

from __future__ import annotations

from symbackprop.layers.registry import Array, Call, with_parameters


@with_parameters
def layer_norm(call: Call, x: Array, eps: float = 1e-5) -> Array:
    """z = γ x̂ + β with x̂ = (x - μ) r, r = 1 / √(σ² + eps), over the last axis.

    Ba et al. (2016), Layer normalization, eq. 4; eps inside the root as Ioffe and Szegedy (2015).
    """
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
    gamma = call.parameter("gamma", x.shape[-1:], init="ones")
    r = call.equation("r[...] = 1 / sqrt(mean[i](x[..., i]**2) + eps)", x=x, eps=eps)
    xhat = call.equation("xhat[..., i] = x[..., i] * r[...]", x=x, r=r)
    return call.equation("z[..., i] = gamma[i] * xhat[..., i]", xhat=xhat, gamma=gamma)
