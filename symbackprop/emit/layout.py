"""Python laid out as its formatters lay it out: on one line, else one bracket further in."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

WIDTH = 88


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`; a tuple, list or dict where the name is empty or ends with `=`."""

    name: str
    arguments: tuple[Code, ...]
    brackets: str = "()"

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.arguments))
        alone = "," if self.collects and self.brackets == "()" and len(self.arguments) == 1 else ""
        return f"{self.name}{self.brackets[0]}{inner}{alone}{self.brackets[1]}"

    @property
    def collects(self) -> bool:
        """Whether this is a collection, whose entries never share a line once it is broken."""
        return not self.name or self.name.endswith("=")


@dataclass(frozen=True, slots=True)
class Infix:
    """`left sign right`."""

    left: str
    sign: str
    right: str

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right}"


Code = str | Call | Infix


def lines(prefix: str, code: Code, suffix: str = "", indent: int = 4) -> list[str]:
    """`prefix code suffix`, broken inside its brackets where it is too long for one line.

    What has no bracket to be broken in gets one where an assignment allows it.
    """
    margin = " " * indent
    flat = f"{margin}{prefix}{code}{suffix}"
    if len(flat) <= WIDTH:
        return [flat]
    assigned = prefix.endswith("= ")
    broken = [flat]
    if isinstance(code, Call) and code.arguments:
        opening = f"{margin}{prefix}{code.name}{code.brackets[0]}"
        broken = [opening, *_inside(code, indent + 4), f"{margin}{code.brackets[1]}{suffix}"]
        if len(opening) <= WIDTH:
            return broken
    inner = lines("", code, "", indent + 4) if assigned else []
    if inner and all(len(line) <= WIDTH for line in inner):
        return [f"{margin}{prefix}(", *inner, f"{margin}){suffix}"]
    if isinstance(code, Infix) and not prefix:
        return [f"{margin}{code.left}", f"{margin}{code.sign} {code.right}{suffix}"]
    return broken


def _inside(call: Call, indent: int) -> list[str]:
    """The arguments on one line, else each on its own."""
    together = " " * indent + ", ".join(map(str, call.arguments))
    if len(together) <= WIDTH and not call.collects:
        return [together]
    if call.brackets == "[]" and call.name:
        return lines("", call.arguments[0], "", indent)
    return [line for argument in call.arguments for line in lines("", argument, ",", indent)]


def comment(text: str, indent: int = 4) -> list[str]:
    """The text as comment lines."""
    margin = " " * indent + "# "
    if len(margin) + len(text) <= WIDTH:
        return [margin + text]
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
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def quoted(text: str) -> str:
    """A string literal in double quotes."""
    return '"' + escaped(text).replace('"', '\\"') + '"'


def escaped(text: str) -> str:
    """Text that can stand inside a docstring: no quotes that end it, nothing invisible."""
    escapes = {"\\": "\\\\", '"': '\\"'}
    return "".join(
        escapes.get(c)
        or (c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode())
        for c in text
    )
