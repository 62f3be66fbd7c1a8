"""The generated step of keras_mlp against an expert's: `python benchmarks/step.py`.

Prints the median microseconds of a step (loss and all gradients) at batch 32 in float32, both with
buffers made beforehand, and their ratio.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
from expert import expert_step

import symbackprop as sb

BATCH, REPEATS = 32, 5000


def main() -> None:
    net = sb.compile(sb.derive(sb.load("keras_mlp")))
    params = net.init_params(seed=0)
    rng = np.random.default_rng(0)
    x = rng.random((BATCH, 784), dtype=np.float32)
    y = rng.integers(0, 10, BATCH)
    work, expert = net.Workspace(N=BATCH), expert_step(params, BATCH)

    value, grads = net.loss_and_grads(params, x=x, y=y, workspace=work)
    loss, by_hand = expert(x, y)
    assert np.isclose(value, loss, rtol=1e-5), (value, loss)
    assert all(np.allclose(grads[n], by_hand[n], atol=1e-6) for n in params)

    generated_times, expert_times = [], []
    for _ in range(REPEATS):
        start = time.perf_counter()
        net.loss_and_grads(params, x=x, y=y, workspace=work)
        middle = time.perf_counter()
        expert(x, y)
        generated_times.append(middle - start)
        expert_times.append(time.perf_counter() - middle)
    generated, by_expert = (1e6 * statistics.median(t) for t in (generated_times, expert_times))
    print(f"generated {generated:7.1f} µs")
    print(f"expert    {by_expert:7.1f} µs")
    print(f"ratio     {generated / by_expert:7.2f}")


if __name__ == "__main__":
    main()
