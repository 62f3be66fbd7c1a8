"""A block of text, split into statements: brackets, comments and characters, before any parsing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from symbackprop.spec.document import DEPTH, at
from symbackprop.spec.errors import Fault, Faults, quoted
from symbackprop.spec.excerpt import Excerpt
from symbackprop.spec.syntax import Place

LENGTH = 10_000  # characters of one statement
STATEMENTS = 5_000

_MARK = re.compile(
    r"""'[^'\n\\]*'|"[^"\n\\]*"|\#[^\n]*|[()\[\]{}\n;\\'"]|[^\x00-\x7f]""", re.VERBOSE
)
# A line at the left margin that begins a statement ends the one above it, brackets open or not.
# No run of blanks can be read by two parts of a pattern: that would take quadratic time.
_BEGINS = re.compile(r"^([A-Za-z_]\w*)[ \t]*(?:(\[[^\n=]*\])[ \t]*)?=(?!=)", re.MULTILINE)
_FIRST_STEP = re.compile(r"[,\[]\s*(?:-\s*)?\d+\s*[,\]]")
_CLOSES = {")": "(", "]": "[", "}": "{"}
_SPELLED = {
    "−": "-", "–": "-", "×": "*", "·": "*", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!=",
    "“": '"', "”": '"', "‘": "'", "’": "'", "…": "...", "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Code:
    """One statement or expression on one line: comments and breaks inside brackets are blanks.

    The character at `column` stands in the file at `place(column)`.
    """

    text: str
    offset: int
    excerpt: Excerpt

    def place(self, column: int) -> Place:
        return self.excerpt.place(self.offset + column)


def statements(block: Excerpt, faults: Faults) -> Iterator[Code]:
    """The statements of a block, one a line; a line ends where no bracket is open."""
    return _pieces(block, faults, one=False)


def expression(block: Excerpt, faults: Faults) -> Code | None:
    """The block as one expression, which may run over several lines."""
    pieces = list(_pieces(block, faults, one=True))
    return pieces[0] if pieces else None


def targets(block: Excerpt) -> Iterator[tuple[str, int]]:
    """The names that lines of the block seem to define, with their offsets, read or not."""
    for found in _BEGINS.finditer(block.text):
        if not _FIRST_STEP.search(found.group(2) or ""):
            yield found.group(1), found.start()


def _pieces(block: Excerpt, faults: Faults, one: bool) -> Iterator[Code]:
    start, count = 0, 0
    while start < len(block.text):
        piece = _Piece(block, start, one)
        if piece.fault is not None:
            faults.add(piece.fault)
        else:
            code = _code(block, start, piece.end)
            if len(code.text) > LENGTH:
                message = f"a statement of {len(code.text):,} characters; the limit is {LENGTH:,}"
                faults.add(Fault(code.place(0), message, "split it into several statements"))
            elif count == STATEMENTS:
                message = f"a network of more than {STATEMENTS:,} statements"
                faults.add(Fault(code.place(0), message, "split it into several specs"))
                return
            elif code.text:
                count += 1
                yield code
        start = piece.end + 1


class _Piece:
    """One piece from `start`: its end, and the first fault in it, if any."""

    def __init__(self, block: Excerpt, start: int, one: bool) -> None:
        self.fault: Fault | None = None
        self.end = len(block.text)
        self.block = block
        opened: list[int] = []
        deepest, too_deep = 0, 0
        for mark in _MARK.finditer(block.text, start):
            token, offset = mark.group(), mark.start()
            if token == "\n":
                if not one and (not opened or _BEGINS.match(block.text, offset + 1)):
                    self.end = offset
                    break
            elif token in "([{":
                opened.append(offset)
                if len(opened) > deepest:
                    deepest = len(opened)
                    too_deep = offset if deepest == DEPTH + 1 else too_deep
            elif token in ")]}":
                if not opened or block.text[opened[-1]] != _CLOSES[token]:
                    self._mismatch(token, offset, opened)
                    end = -1 if one else block.text.find("\n", offset)
                    self.end = end if end >= 0 else len(block.text)
                    return
                opened.pop()
            else:
                self._character(token, offset)
        if deepest > DEPTH:
            message = f"brackets are nested {deepest:,} deep; the limit is {DEPTH}"
            self.fault = Fault(block.place(too_deep), message, "name the inner parts first")
        elif opened:
            bracket = block.text[opened[-1]]
            message = f"{quoted(bracket)} is never closed"
            self.fault = Fault(block.place(opened[-1]), message, "add the closing bracket")

    def _mismatch(self, token: str, offset: int, opened: list[int]) -> None:
        if opened:
            bracket, place = self.block.text[opened[-1]], self.block.place(opened[-1])
            message = f"'{token}' closes the '{bracket}' at {at(place)}"
        else:
            message = f"'{token}' closes nothing"
        self._refuse(offset, message, "make the brackets pair up")

    def _character(self, token: str, offset: int) -> None:
        if token[0] == "#" or (token.isascii() and len(token) > 1):
            return
        if token == ";":
            self._refuse(offset, "';' separates no statements", "write one statement a line")
        elif token == "\\":
            fix = "put brackets around an expression of several lines"
            self._refuse(offset, "'\\' continues no line", fix)
        elif token in "'\"":
            self._refuse(offset, f"the quote {token} is never closed", "add the closing quote")
        elif len(token) > 1:
            self._refuse(offset, "a quoted word is not ASCII", "use ASCII")
        elif token in _SPELLED:
            self._refuse(offset, f"character {quoted(token)}", f"write {_SPELLED[token]!r}")
        else:
            fix = "names are made of ASCII letters, digits and _"
            self._refuse(offset, f"character {quoted(token)} is not part of the language", fix)

    def _refuse(self, offset: int, message: str, fix: str) -> None:
        if self.fault is None:
            self.fault = Fault(self.block.place(offset), message, fix)


def _code(block: Excerpt, start: int, end: int) -> Code:
    def blank(mark: re.Match[str]) -> str:
        comment_or_break = mark.group()[0] in "#\n"
        return " " * len(mark.group()) if comment_or_break else mark.group()

    text = _MARK.sub(blank, block.text[start:end])
    text = re.sub(r"[^\x20-\x7e]", " ", text).rstrip()
    stripped = text.lstrip()
    return Code(stripped, start + len(text) - len(stripped), block)
