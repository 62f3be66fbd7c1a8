"""torch.compile of a whole step, or of the parts that it can take."""

from __future__ import annotations

from typing import Any

import torch
from torch.func import grad_and_value

from benchmarks.steps.contenders import Contender
from benchmarks.steps.contenders.torch_losses import NETWORKS


def start(workload: Any, params: Any, batches: Any, threads: int, folder: Any) -> Contender:
    torch.set_num_threads(threads)
    network, rate = NETWORKS[workload.expert], workload.rate
    held = list(network.inward(params))

    @torch.compile(fullgraph=True)
    def descend(values: Any, batch: Any) -> Any:
        grads, loss = grad_and_value(lambda p: network.loss(p, **batch))(values)
        for value, gradient in zip(values, grads, strict=True):
            value.sub_(rate * gradient)
        return loss

    compiled = torch.compile(network.loss)

    def in_parts(values: Any, batch: Any) -> Any:
        with torch.enable_grad():
            loss = compiled(values, **batch)
            grads = torch.autograd.grad(loss, values)
        torch._foreach_add_(values, grads, alpha=-rate)
        return loss

    if not network.whole:
        held = [p.requires_grad_() for p in held]
    run = descend if network.whole else in_parts

    def step(batch: Any) -> float:
        with torch.no_grad():
            return float(run(held, batch).item())

    given = [{"batch": {k: torch.from_numpy(v) for k, v in batch.items()}} for batch in batches]
    return Contender(step, given, lambda: network.outward([p.detach() for p in held], params))
