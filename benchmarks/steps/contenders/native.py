"""The generated module whose loops are compiled; if they cannot be, it is no contender."""

from __future__ import annotations

import warnings
from typing import Any

from benchmarks.steps.contenders import Contender, ours


def start(workload: Any, params: Any, batches: Any, threads: int, folder: Any) -> Contender:
    # The module's word that it runs as NumPy.
    warnings.simplefilter("error", RuntimeWarning)
    return ours.start(workload, params, batches, threads, folder, target="native")
