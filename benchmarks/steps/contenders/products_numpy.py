"""The products of a step by NumPy: `dot` or `matmul`, whichever was the faster at the start."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.steps.contenders import Contender
from benchmarks.steps.contenders.products import PRODUCTS


def faster(product: Any) -> Any:
    """The call for a product; `dot` takes what is no stack of matrices and written in order."""
    calls: list[Callable[..., Any]] = [np.matmul]
    if product.out.ndim == 2:
        calls.append(np.dot)

    def seconds(call: Any) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            call(product.a, product.b, product.out)
            times.append(time.perf_counter() - start)
        return min(times)

    return min(calls, key=seconds)


def start(workload: Any, params: Any, batches: Any, threads: int, folder: Any) -> Contender:
    calls = [
        (faster(product), product.a, product.b, product.out)
        for product in PRODUCTS[workload.expert](params, batches[0])
        for _ in range(product.times)
    ]

    def step(**_: Any) -> float:
        for call, a, b, out in calls:
            call(a, b, out)
        return 0.0

    return Contender(step, batches, dict)
