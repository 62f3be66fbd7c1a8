"""JAX: value, gradients and update in one jitted function that may reuse the parameters' memory."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.steps.contenders import Contender

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.steps.losses import LOSSES, Library


def conv2d(x: Any, K: Any) -> Any:
    layouts = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, K, (1, 1), "VALID", dimension_numbers=layouts)


def max_pool2d(x: Any) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def scan(step: Any, first: Any, xs: Any) -> Any:
    return lax.scan(step, first, xs)[1]


LIBRARY = Library(jnp, scan, conv2d, max_pool2d)


def start(workload: Any, params: Any, batches: Any, threads: int, folder: Any) -> Contender:
    jax.config.update("jax_enable_x64", workload.dtype == "float64")  # type: ignore[no-untyped-call]
    loss, names = LOSSES[workload.expert], list(params)
    held = [jnp.asarray(params[name]) for name in names]

    # As a list: JAX sorts the names of a dict.
    def value_of(values: Any, batch: Any) -> Any:
        return loss(LIBRARY, dict(zip(names, values, strict=True)), **batch)

    def descend(values: Any, batch: Any) -> Any:
        value, grads = jax.value_and_grad(value_of)(values, batch)
        return value, [p - workload.rate * g for p, g in zip(values, grads, strict=True)]

    jitted = jax.jit(descend, donate_argnums=0)

    def step(batch: Any) -> float:
        nonlocal held
        value, held = jitted(held, batch)
        return float(value)

    given = [{"batch": {k: jnp.asarray(v) for k, v in b.items()}} for b in batches]
    return Contender(
        step, given, lambda: {k: np.asarray(v) for k, v in zip(names, held, strict=True)}
    )
