"""Pages of the specs, and what stands in them, by Python's own reader of HTML."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from symbackprop import pipeline
from symbackprop.derivation import Derivation
from symbackprop.report.page.page import page
from symbackprop.report.view import view
from tests.report.specs import derived

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


@dataclass
class Reading(HTMLParser):
    """Elements with their attributes, text by the element that it stands in, and what is wrong."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, words: str) -> None:
        self.texts.append((tuple(self.open), words))

    def values(self, name: str) -> Iterator[str]:
        """Every value of an attribute."""
        return (found[name] for _, found in self.elements if name in found)

    def text(self, tag: str) -> str:
        """All text inside elements of a kind."""
        return "".join(words for inside, words in self.texts if tag in inside)


def reading(html: str) -> Reading:
    """The page, read; all its elements are closed."""
    found = Reading()
    found.feed(html)
    found.close()
    assert not found.open, found.open
    return found


def page_of(derivation: Derivation) -> str:
    """The page of a derivation, with its module."""
    return page(view(derivation), pipeline.source(derivation)[0])


@functools.cache
def page_named(name: str) -> str:
    """The page of one of the specs."""
    return page_of(derived(name))
