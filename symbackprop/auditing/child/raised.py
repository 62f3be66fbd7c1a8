"""What a stranger's code raised: where, and with arrays of which shapes."""

from __future__ import annotations

import ast
import linecache
import traceback
from types import TracebackType
from typing import Any

import numpy as np


def described(raised: BaseException, path: str) -> dict[str, Any]:
    """What the stranger's code raised, where, and the shapes of the arrays named there."""
    if isinstance(raised, SystemExit):
        return {"trouble": "exit", "message": f"it ends the program: sys.exit({raised.code!r})",
                **_where(raised.__traceback__, path)}  # fmt: skip
    kind = type(raised).__name__.lstrip("_")
    text = str(raised).split("\n")[0][:300]
    trouble = "memory" if isinstance(raised, MemoryError) else "raised"
    return {"trouble": trouble, "type": kind, "message": f"{kind}: {text}" if text else kind,
            **_where(raised.__traceback__, path)}  # fmt: skip


def _where(trace: TracebackType | None, path: str) -> dict[str, Any]:
    """The last line of the stranger's file that led to the exception."""
    frames = [(f, line) for f, line in traceback.walk_tb(trace) if f.f_code.co_filename == path]
    if not frames:
        return {"line": 0, "text": "", "shapes": {}, "depth": []}
    frame, line = frames[-1]
    text = linecache.getline(path, line).strip()
    words = {n.id for n in ast.walk(_parsed(text)) if isinstance(n, ast.Name)}
    local = {**frame.f_locals}
    shapes = {n: list(np.shape(local[n])) for n in sorted(words)
              if isinstance(local.get(n), (np.ndarray, np.generic))}  # fmt: skip
    return {"line": line, "text": text, "shapes": shapes, "depth": [n for _, n in frames]}


def _parsed(text: str) -> ast.AST:
    for candidate in (text, text + " pass"):
        try:
            return ast.parse(candidate)
        except SyntaxError:
            continue
    return ast.Module([], [])
