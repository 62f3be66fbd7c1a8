"""PyTorch, eager: its own functions, its own layouts of parameters, updates of all at once."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.steps.contenders import Contender
from benchmarks.steps.contenders.torch_losses import NETWORKS


def start(workload: Any, params: Any, batches: Any, threads: int, folder: Any) -> Contender:
    torch.set_num_threads(threads)
    network = NETWORKS[workload.expert]
    held = [p.requires_grad_() for p in network.inward(params)]

    def step(**batch: Any) -> float:
        loss = network.loss(held, **batch)
        grads = torch.autograd.grad(loss, held)
        with torch.no_grad():
            torch._foreach_add_(held, grads, alpha=-workload.rate)
        return float(loss.item())

    given = [{k: torch.from_numpy(v) for k, v in batch.items()} for batch in batches]
    return Contender(step, given, lambda: network.outward([p.detach() for p in held], params))
