"""What an audited file is refused: other processes, the network, files outside its folder.

It is refused by a hook in the interpreter, which keeps accidents from happening, not malice.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

_STARTS = (
    "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system", "os.spawn",
    "subprocess.Popen", "socket.connect", "socket.bind", "os.startfile",
)  # fmt: skip
_CHANGES = (
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown",
    "os.link", "os.symlink", "os.utime", "os.setxattr", "os.removexattr", "shutil.rmtree",
)  # fmt: skip
_TWO_PATHS = ("os.rename", "os.link", "os.symlink")


def guard(folder: Path) -> None:
    """Refuse what no gradient needs: other processes, the network, files outside the folder."""
    inside = os.path.realpath(folder)

    def refuse(event: str, given: tuple[Any, ...]) -> None:
        if event in _STARTS:
            what = "the network" if event.startswith("socket") else "other processes"
            raise PermissionError(errno.EPERM, f"an audited file may not use {what} ({event})")
        if event == "open":
            name, _, flags = given
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and not _within(name, inside):
                raise PermissionError(
                    errno.EPERM,
                    "an audited file may write in its temporary folder alone",
                    str(name),
                )
        elif event in _CHANGES:
            for name in given[: 2 if event in _TWO_PATHS else 1]:
                if not _within(name, inside):
                    raise PermissionError(
                        errno.EPERM, "an audited file may not change other files", str(name)
                    )

    sys.addaudithook(refuse)


def _within(name: Any, folder: str) -> bool:
    if not isinstance(name, (str, bytes, os.PathLike)):
        return True
    path = os.fsdecode(name)
    return path == os.devnull or os.path.realpath(path).startswith(folder + os.sep)
