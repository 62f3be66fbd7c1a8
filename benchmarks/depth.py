"""Derivation and generation against depth and width: `python benchmarks/depth.py`.

Prints seconds for dense relu networks of 10, 100 and 1,000 layers, and for one of 10 layers that
is 32 times as wide.
"""

from __future__ import annotations

import time

import symbackprop as sb
from symbackprop.pipeline import source


def spec(depth: int, width: int) -> str:
    layers = [f"  h{k} = relu(dense({f'h{k - 1}' if k else 'x'}, {width}))" for k in range(depth)]
    return "\n".join(
        [
            "name: deep",
            f"inputs: {{x: [N, {width}], y: {{shape: [N], classes: {width}}}}}",
            "network: |",
            *layers,
            f"loss: cross_entropy(softmax(h{depth - 1}), y)",
        ]
    )


def main() -> None:
    sb.derive(sb.parse(spec(2, 32)))  # imports
    print(f"{'layers':>7} {'width':>6} {'derive s':>9} {'generate s':>11} {'report s':>9}")
    for depth, width in ((10, 32), (100, 32), (1000, 32), (10, 1024)):
        start = time.perf_counter()
        derivation = sb.derive(sb.parse(spec(depth, width)))
        derived = time.perf_counter()
        source(derivation)
        generated = time.perf_counter()
        str(derivation)
        printed = time.perf_counter()
        times = (derived - start, generated - derived, printed - generated)
        print(f"{depth:7} {width:6} {times[0]:9.2f} {times[1]:11.2f} {times[2]:9.2f}")


if __name__ == "__main__":
    main()
