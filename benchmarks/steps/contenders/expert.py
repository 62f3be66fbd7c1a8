"""The step that an expert writes by hand in NumPy."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmarks.steps.contenders import Contender


def start(
    workload: Any, params: Any, batches: Any, threads: int, folder: Any, **forms: bool
) -> Contender:
    expert = import_module(f"benchmarks.steps.experts.{workload.expert}").expert
    keywords = [{**batch, "rate": workload.rate} for batch in batches]
    return Contender(expert(params, batches[0], **forms), keywords, lambda: params)
