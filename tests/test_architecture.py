"""The arrows between the stages, read from the imports: none points back."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "symbackprop"

# What each stage may import, beside itself.
ALLOWED = {
    "spec": {"layers"},
    "layers": set(),
    "equations": {"spec", "layers"},
    "derivation": {"equations", "spec", "layers"},
    "program": {"derivation", "equations", "spec", "layers"},
    "emit": {"program", "equations", "derivation"},
    "report": {"derivation", "equations", "spec"},
    "proof": {"derivation", "equations", "layers"},
    "checking": {"proof", "derivation", "equations", "spec", "layers"},
    "mistakes": {"derivation", "equations"},
    "auditing": {"checking", "mistakes", "report", "derivation", "equations", "layers", "spec"},
    "inspecting": {"report", "derivation", "equations"},
    "training": {"spec"},
}
# What proves must not share a mistake with what it judges: of these it reads the values alone.
PROVING = ("proof", "checking")
JUDGED = {"derivation", "program", "emit", "equations.build"}
VALUES = "derivation.model"


def imports(path: Path) -> set[str]:
    """The modules of this package that a file imports, without the package's name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{a.name}" for a in node.names] + [node.module]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        else:
            continue
        found |= {n.removeprefix("symbackprop.") for n in names if n.startswith("symbackprop.")}
    return found


@pytest.mark.parametrize("stage", ALLOWED)
def test_no_arrow_points_back(stage: str) -> None:
    for path in sorted((PACKAGE / stage).rglob("*.py")):
        stages = {name.split(".")[0] for name in imports(path)} & set(ALLOWED)
        extra = stages - ALLOWED[stage] - {stage}
        assert not extra, f"{path.relative_to(PACKAGE)} imports {sorted(extra)}"


def within(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


@pytest.mark.parametrize("stage", PROVING)
def test_what_proves_does_not_import_what_it_judges(stage: str) -> None:
    assert all((PACKAGE / room.replace(".", "/")).is_dir() for room in JUDGED)
    for path in sorted((PACKAGE / stage).rglob("*.py")):
        for name in imports(path):
            assert within(name, {VALUES}) or not within(name, JUDGED), (path.name, name)


@pytest.mark.parametrize("stage", ["spec", "layers"])
def test_the_front_end_knows_nothing_of_sympy(stage: str) -> None:
    for path in sorted((PACKAGE / stage).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(n.split(".")[0] in ("sympy", "numpy") for n in names), path


def test_an_arrow_that_points_back_is_seen(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("from symbackprop.report import text\n")
    assert "report" in {n.split(".")[0] for n in imports(bad)}


def test_files_stay_readable() -> None:
    """A file that has grown past 300 lines is two."""
    long = [p for p in PACKAGE.rglob("*.py") if len(p.read_text("utf-8").splitlines()) > 300]
    assert not long, [str(p.relative_to(PACKAGE)) for p in long]
