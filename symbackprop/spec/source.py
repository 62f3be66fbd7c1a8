"""Where a spec's text comes from: a path, or the gallery that ships with the package."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path

from symbackprop.spec.errors import Fault, SpecError, did_you_mean, printable, quoted
from symbackprop.spec.syntax import Place, Source

SIZE = 500_000  # bytes of one spec

GALLERY = Path(__file__).resolve().parent.parent / "gallery"

# Line feeds and tabs are the only control characters; U+0085, U+2028 and U+2029 would break lines.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def gallery() -> Mapping[str, Path]:
    """The names of the shipped specs, sorted, each with its file."""
    return {path.stem: path for path in sorted(GALLERY.glob("*.yaml"))}


def open_source(where: str | Path) -> Source:
    """The text of the spec at a path, or of the gallery's spec of that name.

    Raises SpecError where there is none, or where it is no readable text of bounded size.
    """
    path = Path(where)
    name = str(where)
    known = gallery()
    if name in known and not path.is_file():
        path = known[name]
    shown = printable(str(path))[:300]

    def refuse(message: str, fix: str) -> SpecError:
        return SpecError(Source("", shown), [Fault(None, message, fix)])

    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise refuse("this is a directory", "name a .yaml file in it")
        if not stat.S_ISREG(status.st_mode):
            raise refuse("this is no regular file", "name a .yaml file")
        if status.st_size > SIZE:
            raise _too_large(status.st_size, shown)
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        listed = f"a path needs to exist; the gallery has {', '.join(known)}"
        message = f"neither a file nor a spec of the gallery is called {quoted(name)}"
        raise refuse(message, did_you_mean(name, known, listed)) from None
    except ValueError as error:
        if isinstance(error, SpecError):
            raise
        raise refuse("this is no path", "name a .yaml file") from None
    except OSError as error:
        message = f"cannot be read: {error.strerror or type(error).__name__}"
        raise refuse(message, "check the path and its permissions") from None
    if b"\0" in content:
        raise refuse("this is a binary file", "a spec is a text file, in UTF-8")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8 text"
        raise refuse(message, "save the spec as UTF-8") from None
    return Source(text, shown)


def normalised(text: str, path: str) -> Source:
    """The text with line feeds as its only line breaks and no byte order mark.

    Raises SpecError where it is too large or has control characters.
    """
    if len(text) > SIZE:
        raise _too_large(len(text), path)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    source = Source(text, path)
    found = _CONTROL.search(text)
    if found is not None:
        before = text[: found.start()]
        place = Place(before.count("\n") + 1, found.start() - before.rfind("\n"))
        message = f"control character U+{ord(found.group()):04X}"
        raise SpecError(source, [Fault(place, message, "delete it")])
    return source


def _too_large(size: int, path: str) -> SpecError:
    message = f"{size:,} bytes; the limit of a spec is {SIZE:,}"
    fault = Fault(None, message, "keep large data in a file of its own")
    return SpecError(Source("", path), [fault])
