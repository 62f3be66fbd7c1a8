"""Tables of 5,000 to 500,000 rows with gradients by rows: `python benchmarks/sparse.py`.

Two tables of 32 numbers a row, a batch of 512, float32: matrix factorisation, and skip-gram with
5 negative samples. Memory is what a workspace and a step allocate beside the tables; times are
medians, of the loss with its gradients and of the step of gradient descent that uses them.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

import symbackprop as sb

BATCH, STEPS = 512, 200

FACTORS = """
name: factors
dims: {{rows: {rows}, k: 32}}
inputs:
  user: {{shape: [N], classes: rows}}
  item: {{shape: [N], classes: rows}}
  r: [N]
params: {{P: {{shape: [rows, k], init: normal(0.1)}}, Q: {{shape: [rows, k], init: normal(0.1)}}}}
network: |
  p[n] = sum[f](P[user[n], f] * Q[item[n], f])
loss: mse(p, r)
{sparse}
"""
PAIRS = """
name: pairs
dims: {{rows: {rows}, k: 32}}
inputs:
  center: {{shape: [N], classes: rows}}
  near: {{shape: [N], classes: rows}}
  far: {{shape: [N, 5], classes: rows}}
params: {{P: {{shape: [rows, k], init: normal(0.1)}}, Q: {{shape: [rows, k], init: normal(0.1)}}}}
network: |
  s[n] = sum[f](P[center[n], f] * Q[near[n], f])
  o[n, m] = sum[f](P[center[n], f] * Q[far[n, m], f])
loss: mean(softplus(-s)) + mean(softplus(o))
{sparse}
"""


def factors(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    ids = {name: rng.integers(0, rows, BATCH) for name in ("user", "item")}
    return {**ids, "r": rng.standard_normal(BATCH, dtype=np.float32)}


def pairs(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    shapes = {"center": BATCH, "near": BATCH, "far": (BATCH, 5)}
    return {name: rng.integers(0, rows, shape) for name, shape in shapes.items()}


def measured(text: str, draw: Callable[..., dict[str, Any]], rows: int) -> list[float]:
    """MiB allocated beside the tables; milliseconds for gradients and for their use."""
    net = sb.compile(sb.derive(sb.parse(text)))
    rng = np.random.default_rng(0)
    params = net.init_params()
    batches = [draw(rng, rows) for _ in range(20)]
    tracemalloc.start()
    work = net.Workspace(N=BATCH)
    use(params, net.loss_and_grads(params, **batches[0], workspace=work)[1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    deriving, using = [], []
    for k in range(STEPS if "sparse" in text else 20):
        start = time.perf_counter()
        _, grads = net.loss_and_grads(params, **batches[k % len(batches)], workspace=work)
        derived = time.perf_counter()
        use(params, grads)
        deriving.append(derived - start)
        using.append(time.perf_counter() - derived)
    return [peak / 2**20, *(1e3 * statistics.median(times) for times in (deriving, using))]


def use(params: dict[str, Any], grads: dict[str, Any]) -> None:
    for name, gradient in grads.items():
        if isinstance(gradient, tuple):
            rows, values = gradient
            np.multiply(values, -0.05, out=values)
            np.add.at(params[name], rows, values)
        else:
            np.multiply(gradient, -0.05, out=gradient)
            np.add(params[name], gradient, out=params[name])


def main() -> None:
    print("network   gradients     rows   MiB beside the tables   ms, gradients   ms, use")
    for name, text, draw in (("factors", FACTORS, factors), ("pairs", PAIRS, pairs)):
        for kind, line in (("rows", "sparse: [P, Q]"), ("dense", "")):
            for rows in (5_000, 50_000, 500_000):
                memory, derived, used = measured(text.format(rows=rows, sparse=line), draw, rows)
                shown = f"{memory:20.2f}   {derived:13.2f}   {used:7.2f}"
                print(f"{name:8}  {kind:9} {rows:8,}   {shown}")


if __name__ == "__main__":
    main()
