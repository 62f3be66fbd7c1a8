"""Every spec of the gallery, its derivation and its generated module, holds."""

from __future__ import annotations

from pathlib import Path

import pytest

import symbackprop.gallery
from symbackprop import pipeline
from symbackprop.checking.report import Report

NAMES = sorted(path.stem for path in Path(symbackprop.gallery.__file__).parent.glob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_gallery_spec_holds(name: str) -> None:
    spec = pipeline.load(name)
    report: Report = pipeline.check(pipeline.derive(spec), spec)
    assert report, str(report)
    assert report.equalities > 50
