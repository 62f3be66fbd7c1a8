"""Writing files whole: a reader finds the old file or the new one, never half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from symbackprop.errors import CallError

try:
    import fcntl
except ImportError:  # a system without it has no locks of folders
    fcntl = None  # type: ignore[assignment]

# What systems say that have no files without a name, or no way to give them one later.
_NO_UNNAMED = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.EXDEV)


def ending_of(path: str | Path, known: Iterable[str], doing: str, kind: str) -> str:
    """The ending of a file's name, in small letters.

    Raises CallError, which says that it cannot be done (`doing`: render), where no `kind` of file
    has that ending, or there is none, or nothing before it.
    """
    if not isinstance(path, str | os.PathLike):
        message = f"cannot {doing}: the path is of type {type(path).__name__}"
        raise CallError(message, "give it as text, or as a pathlib.Path")
    *front, last = known
    endings = f"{', '.join(front)} or {last}" if front else last
    file, fix = Path(path), f"end the file's name in {endings}"
    found = file.suffix.lower()
    if found in (*front, last):
        return found
    why = f"no {kind} ends in '{file.suffix}'"
    if not file.suffix.strip("."):
        why = "the file's name has no ending"
    if file.name.lower() in (*front, last):
        why = f"there is no name before '{file.name}'"
        fix = f"write it as in {file.with_name(f'name{file.name}')}"
    raise CallError(f"cannot {doing} '{path}': {why}", fix)


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write beside `path`, then rename over it; make its folder where there is none.

    Text is written as UTF-8 with newlines as they are. Raises OSError, which names `path` or the
    folder that cannot be made, leaving nothing behind.
    """
    (written,) = write_all({path: content})
    return written


def write_all(contents: Mapping[Path, str | bytes]) -> tuple[Path, ...]:
    """Write files that belong together: none takes its place before all of them are on the disk.

    Each is whole at any time; between two of them a kill may still come.
    """
    beside: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with _faults_name(path):
                beside[path] = _new_file(
                    path.parent, content.encode() if isinstance(content, str) else content
                )
        for path in contents:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        for path in contents:
            with _faults_name(path):
                os.replace(beside[path], path)
    except BaseException:
        for file in beside.values():
            file.unlink(missing_ok=True)
        raise
    return tuple(contents)


def make_folder(path: Path) -> Path:
    """Make the folder where there is none. Raises OSError unless files can be written in it."""
    path.mkdir(parents=True, exist_ok=True)
    with _faults_name(path):
        _new_file(path, b"").unlink()
    return path


@contextlib.contextmanager
def alone_in(folder: Path, what: str) -> Iterator[None]:
    """While this lasts, nobody else is alone in the folder. Raises CallError where somebody is.

    The lock is the system's and goes with the process, however that ends; no file stands for it.
    """
    if fcntl is None:
        yield
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CallError(
                f"another {what} is writing to {folder}",
                "let it end, or choose another folder with -o",
            ) from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(number)


def _new_file(folder: Path, content: bytes) -> Path:
    """A new file with this content, on the disk."""
    try:
        return _unnamed_at_first(folder, content)
    except (AttributeError, OSError) as fault:
        if isinstance(fault, OSError) and fault.errno not in _NO_UNNAMED:
            raise
    return _named(folder, content)


def _unnamed_at_first(folder: Path, content: bytes) -> Path:
    """The file gets its name when all is written: whoever is killed before leaves nothing."""
    path = folder / f".new.{secrets.token_hex(8)}"
    with os.fdopen(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o666), "wb") as file:
        _to_disk(file, content)
        # With a directory's descriptor, though it is not needed here, Python follows links.
        os.link(f"/proc/self/fd/{file.fileno()}", path, src_dir_fd=0, follow_symlinks=True)
    return path


def _named(folder: Path, content: bytes) -> Path:
    number, name = tempfile.mkstemp(dir=folder, prefix=".new.")
    try:
        with os.fdopen(number, "wb") as file:
            _to_disk(file, content)
        # mkstemp makes files for their owner alone; give the new one what `open` would.
        os.chmod(name, 0o666 & ~_umask())
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def _to_disk(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


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
