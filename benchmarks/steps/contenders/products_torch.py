"""The products of a step by PyTorch, which takes them to MKL."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.steps.contenders import Contender
from benchmarks.steps.contenders.products import PRODUCTS


def start(workload: Any, params: Any, batches: Any, threads: int, folder: Any) -> Contender:
    torch.set_num_threads(threads)
    calls = [
        tuple(torch.from_numpy(a) for a in (product.a, product.b, product.out))
        for product in PRODUCTS[workload.expert](params, batches[0])
        for _ in range(product.times)
    ]

    def step(**_: Any) -> float:
        for a, b, out in calls:
            torch.matmul(a, b, out=out)
        return 0.0

    return Contender(step, batches, dict)
