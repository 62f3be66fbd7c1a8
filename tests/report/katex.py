"""KaTeX in QuickJS: raises on LaTeX that does not parse."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import quickjs

import symbackprop.report

_SOURCE = Path(symbackprop.report.__file__).parent / "katex" / "katex.min.js"
_RENDER = """(function (tex, display) {
  return katex.renderToString(tex, {throwOnError: true, strict: false, displayMode: display});
})"""


@functools.lru_cache(maxsize=1)
def _renderer() -> Any:
    context = quickjs.Context()
    context.eval(_SOURCE.read_text(encoding="utf-8"))
    return context.eval(_RENDER)


def render(tex: str, display: bool = True) -> str:
    """HTML of a formula."""
    return str(_renderer()(tex, display))


def formulas(markdown: str) -> Iterator[tuple[str, bool]]:
    """Every formula of a Markdown page, and whether it is displayed."""
    for block in re.findall(r"```math\n(.*?)```", markdown, re.DOTALL):
        yield block, True
    prose = re.sub(r"```math\n.*?```", "", markdown, flags=re.DOTALL)
    for inline in re.findall(r"\$([^$\n]+)\$", prose):
        yield inline, False
