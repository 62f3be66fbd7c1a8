"""Pieces of HTML that objects show themselves with in notebooks: escaped, no scripts, no styles."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence


def escaped(text: str) -> str:
    """The text with nothing in it that is markup, and no control characters."""
    kept = (c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return html.escape("".join(kept))


def paragraph(text: str, strong: str = "") -> str:
    """A line of text, after a word in bold."""
    start = f"<b>{escaped(strong)}</b> " if strong else ""
    return f"<p>{start}{escaped(text)}</p>"


def verbatim(text: str) -> str:
    """Text whose lines and columns stay."""
    return f"<pre>{escaped(text)}</pre>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a line of heads."""
    lines = [_line(heads, "th"), *(_line(row, "td") for row in rows)]
    return f"<table>{''.join(lines)}</table>"


def image(content: bytes) -> str:
    """A picture, as PNG, inside the page."""
    return f'<img src="data:image/png;base64,{base64.b64encode(content).decode()}">'


def _line(cells: Sequence[str], kind: str) -> str:
    return f"<tr>{''.join(f'<{kind}>{escaped(cell)}</{kind}>' for cell in cells)}</tr>"
