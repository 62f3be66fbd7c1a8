"""The expert's step with each update inside the product that makes its gradient."""

from __future__ import annotations

from functools import partial

from benchmarks.steps.contenders import expert

start = partial(expert.start, inside=True)
