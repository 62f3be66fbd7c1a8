"""FILE.py:FUNCTION, read and found, before anything is run."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass
from pathlib import Path

from symbackprop.auditing.child.source import defined
from symbackprop.errors import CallError
from symbackprop.spec.errors import did_you_mean, quoted

_LARGEST = 2_000_000  # bytes


@dataclass(frozen=True)
class Target:
    """A function of a file, with the file's text."""

    path: Path
    function: str
    text: str
    tree: ast.Module

    def line(self, number: int) -> str:
        """A line of the file, without its indent."""
        lines = self.text.splitlines()
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def target(words: str) -> Target:
    """The function that `FILE.py:FUNCTION` means. Raises CallError."""
    name, colon, function = words.rpartition(":")
    if not colon or not function or function.endswith(".py") or "/" in function:
        name, function = words.rstrip(":"), ""
    path = Path(name)
    text = _read(path)
    try:
        tree = ast.parse(text, name)
    except (SyntaxError, ValueError, RecursionError) as wrong:
        line = getattr(wrong, "lineno", None)
        where = f"{name}:{line}" if line else name
        why = getattr(wrong, "msg", None) or str(wrong) or type(wrong).__name__
        raise CallError(f"{where}: this is no Python: {why}", "mend the file first") from None
    there = list(dict.fromkeys(defined(tree)))
    shown = ", ".join(there[:12]) + (", …" if len(there) > 12 else "")
    if not there:
        raise CallError(f"{name} defines no function", "audit a file with a function in it")
    if not function:
        fix = f"symbackprop audit {name}:{there[0]} SPEC; it has {shown}"
        raise CallError(f"which function of {name} is to be audited?", fix)
    if function not in there:
        methods = [t for t in there if t.rpartition(".")[2] == function]
        listed = f"it has {shown}"
        fix = f"did you mean '{methods[0]}'?" if methods else did_you_mean(function, there, listed)
        raise CallError(f"{name} has no function {quoted(function)}", fix)
    return Target(path, function, text, tree)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise CallError(f"{path} has more than 2 MB", "audit a file of source text")
        content = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except FileNotFoundError:
        raise CallError(f"there is no file {quoted(str(path))}", _near(path)) from None
    except (UnicodeDecodeError, SyntaxError, LookupError) as wrong:
        raise CallError(f"{path} cannot be read as text: {wrong}", "save it as UTF-8") from None
    except OSError as wrong:
        raise CallError(f"{path}: {wrong.strerror}", "name a file that can be read") from None


def _near(path: Path) -> str:
    try:
        beside = sorted(p.name for p in path.parent.iterdir() if p.suffix == ".py")
    except OSError:
        return f"there is no folder '{path.parent}' either"
    return did_you_mean(path.name, beside, "the words are FILE.py:FUNCTION SPEC, in this order")
