"""Python laid out as its formatters lay it out: on one line, else one bracket further in."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

WIDTH = 88


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`; a tuple where the name is empty."""

    name: str
    arguments: tuple[Code, ...]

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.arguments))
        alone = "," if not self.name and len(self.arguments) == 1 else ""
        return f"{self.name}({inner}{alone})"


Code = str | Call


def lines(prefix: str, code: Code, suffix: str = "", indent: int = 4) -> list[str]:
    """`prefix code suffix`, broken inside its brackets where it is too long for one line."""
    margin = " " * indent
    flat = f"{margin}{prefix}{code}{suffix}"
    if isinstance(code, str) or len(flat) <= WIDTH or not code.arguments:
        return [flat]
    inner = f"{margin}    " + ", ".join(map(str, code.arguments))
    alone = not code.name and len(code.arguments) == 1
    if len(inner) <= WIDTH and not alone:
        body = [inner]
    else:
        body = [
            line
            for argument in code.arguments
            for line in _argument(argument, indent + 4)
        ]
    return [f"{margin}{prefix}{code.name}(", *body, f"{margin}){suffix}"]


def _argument(argument: Code, indent: int) -> list[str]:
    return lines("", argument, ",", indent)


def comment(text: str, indent: int = 4) -> list[str]:
    """The text as comment lines."""
    margin = " " * indent + "# "
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=margin,
        subsequent_indent=f"{margin}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def sentences(text: str, indent: int = 4) -> list[str]:
    """The text as lines of a docstring."""
    margin = " " * indent
    return textwrap.wrap(text, WIDTH, initial_indent=margin, subsequent_indent=margin,
                         break_long_words=False, break_on_hyphens=False)


def quoted(text: str) -> str:
    """A string literal in double quotes."""
    return '"' + escaped(text).replace('"', '\\"') + '"'


def escaped(text: str) -> str:
    """Text that can stand inside a docstring: no quotes that end it, nothing invisible."""
    escapes = {"\\": "\\\\", '"': '\\"'}
    return "".join(
        escapes.get(c) or (c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode())
        for c in text
    )
