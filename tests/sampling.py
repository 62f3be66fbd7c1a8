"""Long lists of cases of which CI runs a part: `pytest -m thorough` runs the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], every: int) -> list[Any]:
    """One case of `every` so many as it is, the others under the marker `thorough`."""
    return [
        case if k % every == 0 else pytest.param(case, marks=pytest.mark.thorough)
        for k, case in enumerate(cases)
    ]
