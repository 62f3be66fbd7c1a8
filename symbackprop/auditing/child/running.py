"""The child: loads the stranger's file, calls the function at each point, hands arrays back.

It reads one request a line and answers with one line of JSON each; arrays travel in .npz files
without pickles. What the stranger prints goes elsewhere.
"""

from __future__ import annotations

import ast
import builtins
import json
import linecache
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from symbackprop.auditing.child.arguments import Point, Settings, Unbound, prepared
from symbackprop.auditing.child.binding import Caller
from symbackprop.auditing.child.guard import guard
from symbackprop.auditing.child.layouts import Array, Layout
from symbackprop.auditing.child.leaves import Nonsense
from symbackprop.auditing.child.names import Known
from symbackprop.auditing.child.raised import described
from symbackprop.auditing.child.returned import Outcome, outcome
from symbackprop.auditing.child.watching import Seen
from symbackprop.auditing.repairs import repairs

_PATIENCE = 2.0  # seconds for one edit


def main(folder: str, path: str, modules: list[str]) -> None:
    """Answer requests until there are none."""
    asked = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    sys.argv = [path]
    sys.path[:0] = [str(Path(path).parent)]
    sys.path += [m for m in modules if m not in sys.path]
    sys.dont_write_bytecode = True
    guard(Path(folder))
    for line in asked:
        answer = _answer(json.loads(line), Path(folder), path)
        sys.stdout.flush()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(request: Mapping[str, Any], folder: Path, path: str) -> dict[str, Any]:
    return _REQUESTS[request["do"]](request, folder, path)


def _run(request: Mapping[str, Any], folder: Path, path: str) -> dict[str, Any]:
    """Call the function at each of the points, in one module or in a fresh one for each."""
    text = (folder / request["source"]).read_text("utf-8")
    arrays: dict[str, Array] = {}
    calls: list[dict[str, Any]] = []
    session = None
    for number in request["points"]:
        seen = Seen(path) if request.get("watch") else None
        try:
            if session is None or request.get("fresh"):
                session = _Session(text, path, _settings(request))
            found = session.at(number, folder, seen)
        except (Unbound, Nonsense) as wrong:
            kind = "unbound" if isinstance(wrong, Unbound) else "nonsense"
            calls.append({"trouble": kind, "message": wrong.message, "fix": wrong.fix})
            break
        except BaseException as raised:
            calls.append(described(raised, path))
            break
        for name, array in found.gradients.items():
            arrays[f"{number} gradient {name}"] = array
        for name, array in found.after.items():
            arrays[f"{number} after {name}"] = array
        for key, value in seen.values.items() if seen else ():
            arrays[f"{number} seen {key}"] = value
        calls.append(
            {"way": found.way, "loss": found.loss, "rate": found.rate, "ordered": found.ordered,
             "names": list(found.gradients), "odd": session.odd, "open": found.open}
        )  # fmt: skip
    np.savez(folder / request["out"], **arrays)  # type: ignore[arg-type]
    return {"calls": calls}


def _repair(request: Mapping[str, Any], folder: Path, path: str) -> dict[str, Any]:
    """The first edits of the source with which the first points come out as they should."""
    text = (folder / request["source"]).read_text("utf-8")
    expected = dict(np.load(folder / request["expected"], allow_pickle=False))
    found: list[dict[str, Any]] = []
    deadline = _Deadline(request["seconds"])
    tried = 0
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _too_long)
    wrong, hint, line = request["wrong"], request["hint"], request["line"]
    for repair, edited in repairs(text, request["function"], wrong, hint, line):
        if deadline.passed or len(found) >= request["wanted"]:
            break
        tried += 1
        if _mends(edited, path, request, folder, expected):
            found.append({"line": repair.line, "before": repair.before, "after": repair.after,
                          "source": edited})  # fmt: skip
    return {"repairs": found, "tried": tried}


def _mends(
    edited: str,
    path: str,
    request: Mapping[str, Any],
    folder: Path,
    expected: Mapping[str, Array],
) -> bool:
    try:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
        session = _Session(edited, path, _settings(request))
        for number in request["points"]:
            found = session.at(number, folder, None)
            for name in request["gradients"]:
                right = expected[f"{number} gradient {name}"]
                got = found.gradients.get(name)
                scale = expected[f"{number} scale {name}"]
                if got is None or got.shape != right.shape:
                    return False
                if not (np.abs(got - right) <= request["tolerance"] * scale).all():
                    return False
    except BaseException:
        return False
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
    return True


def _too_long(*_: Any) -> None:
    raise TimeoutError


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._end = time.process_time() + seconds

    @property
    def passed(self) -> bool:
        return time.process_time() > self._end


_REQUESTS: dict[str, Callable[[Mapping[str, Any], Path, str], dict[str, Any]]] = {
    "run": _run,
    "repair": _repair,
}


def _settings(request: Mapping[str, Any]) -> Settings:
    return Settings(
        request["function"],
        tuple(Known(**k) for k in request["known"]),
        Layout(**request["layout"]),
        request["binds"],
        tuple(request["returned"]),
        request["rate"],
        request["constants"],
        request["reading"],
    )


class _Session:
    """One load of the stranger's file, called at one point after another."""

    def __init__(self, text: str, path: str, settings: Settings) -> None:
        np.random.seed(0)
        self.settings = settings
        self.tree = ast.parse(text, path)
        self.module = ModuleType(Path(path).stem)
        self.module.__file__ = path
        sys.modules[self.module.__name__] = self.module
        linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
        code = builtins.compile(text, path, "exec", dont_inherit=True)
        exec(code, self.module.__dict__)
        self.caller = Caller(self.module, self.tree, settings)

    @property
    def odd(self) -> dict[str, Any]:
        """Parameters that the stranger makes with another shape: where they stand, and which."""
        return {n: [str(p[-1]), list(s)] for n, (p, s) in self.caller.standing.odd.items()}

    def at(self, number: int, folder: Path, seen: Seen | None) -> Outcome:
        with np.load(folder / f"point{number}.npz", allow_pickle=False) as stored:
            whole = {name: stored[name] for name in stored.files}
        extents = {n[7:]: int(a) for n, a in whole.items() if n.startswith("extent ")}
        shapes = {n[6:]: tuple(map(int, a)) for n, a in whole.items() if n.startswith("shape ")}
        rate = float(whole["rate"])
        arrays = prepared(whole, self.settings.known, self.settings.layout)
        call = self.caller.call(Point(arrays, extents, rate))
        if seen:
            seen.start()
        try:
            value = call.function(*call.given, **call.named)
        finally:
            if seen:
                seen.stop()
        return outcome(value, call, self.settings, self.tree, shapes)
