"""The values that a stranger's variables take while the function runs."""

from __future__ import annotations

import linecache
import sys
from types import FrameType
from typing import Any

import numpy as np

from symbackprop.auditing.child.holders import is_value
from symbackprop.auditing.child.layouts import Array

_SEEN = 300  # values that are kept
_SIZE = 100_000  # numbers in one of them


class Seen:
    """The values that the stranger's variables take, by line and name."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.values: dict[str, Array] = {}
        self._held: dict[int, dict[str, int]] = {}
        self._line: dict[int, int] = {}

    def start(self) -> None:
        sys.settrace(self._trace)

    def stop(self) -> None:
        sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != self.path:
            return None
        own = id(frame)
        if event in ("line", "return") and own in self._line:
            self._note(frame, self._line[own])
        if event in ("call", "line"):
            if event == "call":
                self._held[own] = {n: id(v) for n, v in frame.f_locals.items()}
            self._line[own] = frame.f_lineno
        if event == "return":
            self._line.pop(own, None)
            self._held.pop(own, None)
        return self._trace

    def _note(self, frame: FrameType, line: int) -> None:
        held = self._held.setdefault(id(frame), {})
        for name, value in list(frame.f_locals.items()):
            changed = held.get(name) != id(value)
            named = isinstance(value, np.ndarray) and name in linecache.getline(self.path, line)
            if (changed or named) and is_value(value) and value is not None:
                held[name] = id(value)
                array = np.asarray(value)
                key = f"{line} {name}"
                room = key in self.values or len(self.values) < _SEEN
                if room and array.dtype.kind in "fiub" and array.size <= _SIZE:
                    self.values[key] = array.copy()
