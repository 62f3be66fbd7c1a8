"""Writing files whole: a reader finds the old file or the new one, never half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write beside `path`, then rename over it; make its folder where there is none.

    Text is written as UTF-8 with newlines as they are. Raises OSError, which names `path` or the
    folder that cannot be made, leaving nothing behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _faults_name(path):
        number, beside = tempfile.mkstemp(dir=path.parent, prefix=".new.")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
            # mkstemp makes files for their owner alone; give the new one what `open` would.
            os.chmod(beside, 0o666 & ~_umask())
            os.replace(beside, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside)
            raise
    return path


def make_folder(path: Path) -> Path:
    """Make the folder where there is none. Raises OSError unless files can be written in it."""
    path.mkdir(parents=True, exist_ok=True)
    with _faults_name(path), tempfile.TemporaryFile(dir=path):
        pass
    return path


@contextlib.contextmanager
def _faults_name(path: Path) -> Iterator[None]:
    """What the system refuses is told of the path that was asked for, not of a file beside it."""
    try:
        yield
    except OSError as fault:
        raise OSError(fault.errno, fault.strerror or str(fault), str(path)) from fault


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
