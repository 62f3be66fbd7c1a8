"""LaTeX to HTML by KaTeX, when the page is made: whoever opens it needs no script for that."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from symbackprop.errors import CallError

_KATEX = Path(__file__).resolve().parents[1] / "katex"
_RENDER = """(function (tex) {
  return katex.renderToString(tex, {throwOnError: true, strict: false, output: "html"});
})"""
_SPAN = re.compile(r'<span(?: class="([^"]*)")?(?: aria-hidden="true")?(?: style="([^"]*)")?>')
_BREAK = re.compile(r'<span class="mspace (?:allow|no)break"></span>')  # it has broken by then
_CLASS = re.compile(r"\.([A-Za-z][\w-]*)")
_FACE = re.compile(r"@font-face\{([^}]*)\}")
_OPEN_CLOSE_SIGN = re.compile(
    r"(?P<open>(?<!\\)\{|\\left(?![a-z])|\\begin)|(?P<close>(?<!\\)\}|\\right(?![a-z])|\\end)"
    r"| (?P<sign>[+-]|\\odot|\\oslash|\\cdot) "
)
_LIGHT = "b.katex{font-weight:400}.katex b{font-weight:inherit}"
_FONT = re.compile(r"url\(fonts/KaTeX_([\w-]+)\.woff2\)")

# What the classes of KaTeX ask for; the page's own text is set in the first three.
_ALWAYS = ("Main-Regular", "Main-Bold", "Main-Italic")
_FONTS = {
    "mathnormal": "Math-Italic",
    "boldsymbol": "Math-BoldItalic",
    "mathcal": "Caligraphic-Regular",
    "amsrm": "AMS-Regular",
    "mathbb": "AMS-Regular",
    "size1": "Size1-Regular",
    "delim-size1": "Size1-Regular",
    "small-op": "Size1-Regular",
    "size2": "Size2-Regular",
    "large-op": "Size2-Regular",
    "size3": "Size3-Regular",
    "size4": "Size4-Regular",
    "delim-size4": "Size4-Regular",
}


class Mathematics:
    """Sets formulas, each once; its style sheet is that of all that were set.

    KaTeX spells out measures and long names of classes at every sign. Here equal measures are a
    class, classes have short names, in capitals, and those that no style knows of go: that makes
    half the page. `b` is the shortest element of a line of text.
    """

    def __init__(self) -> None:
        self._render = _renderer()
        self._plain = (_KATEX / "katex.min.css").read_text("utf-8")
        rules = _FACE.sub("", self._plain).strip()
        names = dict.fromkeys(_CLASS.findall(rules))
        self._short = {name: _capitals(k) for k, name in enumerate(names)} | {"katex": "katex"}
        self._rules = _CLASS.sub(lambda m: f".{self._short[m[1]]}", rules)
        self._set: dict[str, str] = {}
        self._measures: dict[str, str] = {}  # what stands in style attributes: its class
        self._used: set[str] = set()

    def inline(self, tex: str) -> str:
        """A formula in a line of text."""
        if tex not in self._set:
            html = _BREAK.sub("", self._render(before_signs(tex)))
            html = _SPAN.sub(self._element, html)
            self._set[tex] = html.replace("</span>", "</b>")
        return self._set[tex]

    def display(self, tex: str) -> str:
        """A formula of full size that may be broken before its outermost signs."""
        return self.inline(rf"\displaystyle {tex}")

    def _element(self, span: re.Match[str]) -> str:
        """The same as a short element."""
        classes = (span[1] or "").split()
        self._used.update(classes)
        kept = [self._short[name] for name in classes if name in self._short]
        if span[2]:
            kept.append(self._measures.setdefault(span[2], f"K{len(self._measures)}"))
        return f'<b class="{" ".join(kept)}">' if kept else "<b>"

    def style(self) -> str:
        """The style sheet, fonts and all. (A name thrice goes before every rule.)"""
        rules = self._rules.replace(">span", ">b")
        measures = (f".{k}.{k}.{k}{{{style}}}" for style, k in self._measures.items())
        return "".join([*self._faces(), rules, _LIGHT, *measures])

    def _faces(self) -> list[str]:
        needed = {*_ALWAYS, *(font for name, font in _FONTS.items() if name in self._used)}
        return [
            _embedded(face, font[1])
            for face in _FACE.findall(self._plain)
            if (font := _FONT.search(face)) and font[1] in needed
        ]


def before_signs(tex: str) -> str:
    """The same, broken before a sign where KaTeX breaks after it: as by hand, and as `broken`."""
    depth = 0

    def kept(found: re.Match[str]) -> str:
        nonlocal depth
        depth += bool(found["open"]) - bool(found["close"])
        if not found["sign"] or depth:
            return found[0]
        return rf" \allowbreak {found['sign']} \nobreak "

    return _OPEN_CLOSE_SIGN.sub(kept, tex)


def _capitals(number: int) -> str:
    """A, B, …, Z, AA, AB, …"""
    rest, last = divmod(number, 26)
    return (_capitals(rest - 1) if rest else "") + chr(ord("A") + last)


def _embedded(face: str, font: str) -> str:
    """The font's face with the font in it."""
    letters = base64.b64encode((_KATEX / "fonts" / f"KaTeX_{font}.woff2").read_bytes()).decode()
    source = f'src:url("data:font/woff2;base64,{letters}") format("woff2")'
    kept = [part for part in face.split(";") if not part.startswith("src:")]
    return f"@font-face{{{';'.join([*kept, source])}}}"


def _renderer() -> Any:
    """KaTeX's function. Raises CallError where QuickJS, which runs it, is missing."""
    try:
        import quickjs
    except ImportError:
        raise CallError(
            "an HTML page needs quickjs, which is not installed",
            "pip install 'symbackprop[html]'",
        ) from None
    context = quickjs.Context()
    context.eval((_KATEX / "katex.min.js").read_text("utf-8"))
    return context.eval(_RENDER)
