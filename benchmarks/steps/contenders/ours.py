"""The generated NumPy module."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.steps.contenders import Contender


def start(
    workload: Any, params: Any, batches: Any, threads: int, folder: Any, target: str = "numpy"
) -> Contender:
    net = loaded(next((Path(folder) / target).glob("*.py")))
    work = net.Workspace(**workload.extents, dtype=np.dtype(workload.dtype).type)
    keywords = [{**batch, "rate": workload.rate, "workspace": work} for batch in batches]
    return Contender(net.sgd_step, keywords, lambda: params, first=(params,))


def loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
