"""Hypothesis draws anew on a developer's machine, and the same examples in CI.

Each test process computes on one thread: several that share the cores would wait for each other.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is first imported

from hypothesis import HealthCheck, settings

settings.register_profile("developer", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") else "developer")
