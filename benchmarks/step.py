"""A generated training step beside an expert's, in alternation: `python benchmarks/step.py`.

Prints the medians in microseconds and the median ratio, generated over expert, of 21 rounds; first
checks that both compute the same.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from expert import expert_step

import symbackprop as sb

BATCH, STEPS, ROUNDS = 32, 300, 21


def main() -> None:
    net = sb.compile(sb.derive(sb.load("keras_mlp")))
    chance = np.random.default_rng(0)
    x = chance.random((BATCH, 784), dtype=np.float32)
    y = chance.integers(0, 10, BATCH)
    params = net.init_params(seed=0)
    work = net.Workspace(N=BATCH)
    by_hand = expert_step(params, BATCH)

    def generated() -> object:
        return net.loss_and_grads(params, x=x, y=y, workspace=work)

    def expert() -> object:
        return by_hand(x, y)

    _agree(generated(), expert())
    pairs = [(_seconds(generated), _seconds(expert)) for _ in range(ROUNDS)]
    ours, theirs = (1e6 * statistics.median(c) / STEPS for c in zip(*pairs, strict=True))
    ratios = sorted(a / b for a, b in pairs)
    print(f"generated {ours:.0f} µs, expert {theirs:.0f} µs a step")
    print(f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def _seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    return time.perf_counter() - start


def _agree(a: object, b: object) -> None:
    (loss, grads), (expected, by_hand) = a, b  # type: ignore[misc]
    assert abs(loss - expected) < 1e-5, (loss, expected)
    for name, gradient in grads.items():
        np.testing.assert_allclose(gradient, by_hand[name], rtol=1e-3, atol=1e-6)


if __name__ == "__main__":
    main()
