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
_CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "shutil.rmtree", "os.truncate")


def guard(folder: Path) -> None:
    """Refuse what no gradient needs: other processes, the network, files outside the folder."""
    inside = str(folder)

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
        elif event in _CHANGES and not _within(given[0], inside):
            raise PermissionError(
                errno.EPERM, "an audited file may not change other files", str(given[0])
            )

    sys.addaudithook(refuse)


def _within(name: Any, folder: str) -> bool:
    if not isinstance(name, (str, bytes, os.PathLike)):
        return True
    path = os.fsdecode(name)
    return path == os.devnull or os.path.abspath(path).startswith(folder + os.sep)
