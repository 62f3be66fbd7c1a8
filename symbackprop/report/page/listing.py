"""The generated module as the page shows it: its functions, each line joined to an equation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symbackprop.hypertext import escaped

_FULL = 160_000  # letters; of a longer module, only the functions that hold every number are shown
_DEFINITION = re.compile(r"def (\w+)\(")
_NUMBER = re.compile(r"^ *# \((\d+)\)")
_LINK = re.compile(r"^# \((\d+)\)")
_TOKEN = re.compile(
    r'(?P<c>#.*)|(?P<s>"""(?:[^"]|"(?!""))*(?:"""|$)|"[^"\n]*")'
    r"|\b(?P<k>def|return|for|in|if|else|with|not|and|or|range|reversed|None|True|False)\b"
)


@dataclass(frozen=True)
class Line:
    """A line of code in HTML. `number` is that of its equation or 0; `first` where it is named."""

    html: str
    number: int
    first: bool = False


@dataclass(frozen=True)
class Function:
    """A function with its lines; `shown`: it is open when the page is opened."""

    name: str
    lines: tuple[Line, ...]
    shown: bool = False

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the equations that it computes."""
        return frozenset(line.number for line in self.lines if line.number)


def functions(module: str) -> list[Function]:
    """The functions that compute equations; the first few hold every number, and are shown."""
    found = [f for f in _all(module) if f.numbers]
    chosen: list[Function] = []
    wanted = frozenset[int]().union(*(f.numbers for f in found))
    while wanted:
        chosen.append(max(found, key=lambda f: len(f.numbers & wanted)))
        wanted -= chosen[-1].numbers
    others = [f for f in found if f not in chosen] if len(module) <= _FULL else []
    named: set[int] = set()
    return [_named_once(f, named, f in chosen) for f in (*chosen, *others)]


def _named_once(function: Function, named: set[int], shown: bool) -> Function:
    """`first` only where no line before bears the number."""
    lines = []
    for line in function.lines:
        lines.append(replace(line, first=line.first and line.number not in named))
        if line.number:
            named.add(line.number)
    return Function(function.name, tuple(lines), shown)


def _all(module: str) -> Iterator[Function]:
    lines = module.split("\n")
    starts = [k for k, line in enumerate(lines) if line and not re.match(r"[\s)]", line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        defined = _DEFINITION.match(lines[start])
        if defined:
            body = "\n".join(lines[start:end]).rstrip().split("\n")
            yield Function(defined[1], tuple(_joined(body)))


def _joined(lines: Sequence[str]) -> Iterator[Line]:
    """Lines with the number of the comment above; a blank line, or a lesser indent, ends it."""
    number = indent = 0
    for line, html in zip(lines, _coloured("\n".join(lines)).split("\n"), strict=True):
        named = _NUMBER.match(line)
        own = len(line) - len(line.lstrip())
        if named:
            number, indent = int(named[1]), own
        elif not line.strip() or own < indent:
            number = 0
        yield Line(html, number, bool(named))


def _coloured(code: str) -> str:
    """Comments, strings and words of Python marked, each mark within one line."""
    pieces, end = [], 0
    for token in _TOKEN.finditer(code):
        kind = token.lastgroup
        words = _LINK.sub(r'# <a href="#e\1">(\1)</a>', escaped(token[0]))
        marked = "\n".join(f'<i class="{kind}">{part}</i>' for part in words.split("\n"))
        pieces += [escaped(code[end : token.start()]), marked]
        end = token.end()
    return "".join([*pieces, escaped(code[end:])])
