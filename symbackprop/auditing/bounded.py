"""The child process in which a stranger's file runs, and what it may take.

It has a temporary folder to work in, no standard input, an address space, a processor time and
files of bounded size, one thread, a bounded part of its output kept, and a time for each answer.
These bounds are for accidents: the file runs with the rights of whoever starts the audit.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

MEMORY = 4 * 2**30  # bytes of address space
FILES = 256 * 2**20  # bytes in one file
PROCESSES = 1024  # of the user's, threads among them; the superuser has no bound
KEPT = 4000  # characters of what the stranger prints
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); sys.path += sys.argv[4:]; "
    "from symbackprop.auditing.child.running import main; "
    "del sys.path[0]; main(sys.argv[2], sys.argv[3], sys.argv[4:])"
)


class Ended(Exception):
    """The child gave no answer: `trouble` is time, memory or died."""

    def __init__(self, trouble: str, message: str) -> None:
        super().__init__(message)
        self.trouble, self.message = trouble, message


class Child:
    """A child that is started when it is first asked, and again after it had to be stopped."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path = path.resolve()
        self.seconds = seconds
        self.printed = ""
        self._folder = tempfile.TemporaryDirectory(prefix="audit.")
        self.folder = Path(self._folder.name).resolve()
        self._running: subprocess.Popen[bytes] | None = None
        self._answers: queue.Queue[bytes] = queue.Queue()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        with contextlib.suppress(OSError):
            self._folder.cleanup()

    def ask(self, request: Mapping[str, Any], seconds: float | None = None) -> dict[str, Any]:
        """The answer to a request, within its own time if it has one. Raises Ended."""
        running = self._running or self._start()
        assert running.stdin is not None
        try:
            running.stdin.write(json.dumps(request).encode() + b"\n")
            running.stdin.flush()
            line = self._answers.get(timeout=seconds or self.seconds)
        except (BrokenPipeError, queue.Empty) as fault:
            late = isinstance(fault, queue.Empty)
            code = None if late else running.wait()
            self.stop()
            raise self._ended(late, code) from None
        if not line:
            code = running.wait()
            self.stop()
            raise self._ended(False, code)
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            self.stop()
            raise Ended(
                "died", "it writes to what is not its own, where the answer was due"
            ) from None
        return answer

    def arrays(self, name: str) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """The arrays that the child left in its folder. Raises Ended."""
        try:
            with np.load(self.folder / name, allow_pickle=False) as stored:
                return {key: stored[key] for key in stored.files}
        except (OSError, ValueError) as wrong:
            raise Ended("died", f"what it handed back cannot be read: {wrong}") from None

    def stop(self) -> None:
        """End the child and whatever it has started in its process group."""
        running, self._running = self._running, None
        if running is None:
            return
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(running.pid, signal.SIGKILL)
            else:
                running.kill()
        running.wait()
        for pipe in (running.stdin, running.stdout, running.stderr):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _start(self) -> subprocess.Popen[bytes]:
        package = str(Path(__file__).resolve().parents[2])
        modules = [p for p in sys.path if p and os.path.isdir(p)]
        command = [sys.executable, "-I", "-S", "-c", _START, package, str(self.folder)]
        self._running = subprocess.Popen(
            [*command, str(self.path), *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self._environment(),
            start_new_session=True,
            preexec_fn=_limit if os.name == "posix" else None,
        )
        self._answers = queue.Queue()
        for reader in (_answers, self._output):
            threading.Thread(
                target=reader, args=(self._running, self._answers), daemon=True
            ).start()
        return self._running

    def _environment(self) -> dict[str, str]:
        """One thread, nothing shown, nothing written but in the folder."""
        kept = {n: os.environ[n] for n in ("PATH", "LANG", "SYSTEMROOT") if n in os.environ}
        folder = str(self.folder)
        threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        return {
            **kept,
            **dict.fromkeys(threads, "1"),
            **dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR"), folder),
            "MPLBACKEND": "Agg",
            "PYTHONHASHSEED": "0",
        }

    def _output(self, running: subprocess.Popen[bytes], _: queue.Queue[bytes]) -> None:
        """Read what is printed, so that the pipe never fills, and keep the end of it."""
        assert running.stderr is not None
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(running.stderr.fileno(), 65536):
                text = chunk.decode("utf-8", "replace")
                self.printed = (self.printed + text)[-KEPT:]

    def _ended(self, late: bool, code: int | None) -> Ended:
        if late:
            return Ended("time", f"it gives no answer in {self.seconds:g} seconds")
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
            if name in ("SIGXCPU", "SIGKILL"):
                return Ended("time", f"it was stopped by {name}: too much processor time or memory")
            return Ended("died", f"the process died of {name}")
        return Ended("died", f"the process ended itself with the code {code}")


def _answers(running: subprocess.Popen[bytes], answers: queue.Queue[bytes]) -> None:
    assert running.stdout is not None
    with contextlib.suppress(OSError, ValueError):
        while line := running.stdout.readline(1_000_000):
            answers.put(line)
    answers.put(b"")


def _limit() -> None:
    """Run in the child before it starts: each bound, as far as the system allows."""
    import resource

    bounds = {
        "RLIMIT_AS": MEMORY,
        "RLIMIT_FSIZE": FILES,
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": 120,
        "RLIMIT_NPROC": PROCESSES,
    }
    for name, bound in bounds.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        _, hard = resource.getrlimit(kind)
        most = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))
