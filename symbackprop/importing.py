"""Generated modules, imported: from memory or from a file, never among the modules of Python."""

from __future__ import annotations

import builtins
import importlib.util
import linecache
from pathlib import Path
from types import ModuleType


def from_text(name: str, file: str, text: str) -> ModuleType:
    """The module that the text is; tracebacks and `inspect` find its lines under `file`."""
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    module = ModuleType(name)
    module.__file__ = file
    exec(builtins.compile(text, file, "exec", dont_inherit=True), module.__dict__)
    return module


def from_file(path: Path) -> ModuleType:
    """The module in a file, under the file's name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
