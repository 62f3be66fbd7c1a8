"""What a verified edit of the source says of the mistake that it mends."""

from __future__ import annotations

import ast
import difflib
import re

from symbackprop.auditing.model import Correction

_TOKEN = re.compile(r"[A-Za-z_][\w.]*|\d+\.?\d*(?:e-?\d+)?|\*\*|[<>=!]=|\S")
_OPERATORS = ("+", "-", "*", "/", "@", "**", "<", ">", "==", "<=", ">=", "in", "for")
_AXES = ("axis", "keepdims", "None", "newaxis")


def kind_of(correction: Correction) -> tuple[str, str]:
    """The kind of mistake that the edit mends, and the words for it."""
    before, after = _changed(correction)
    if not after:
        return "extra step", f"`{before}` has to go"
    if not before:
        return "missing term", f"`{after}` is missing"
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    parts = [op for op in matcher.get_opcodes() if op[0] != "equal"]
    gone = [t for _, a, b, _, _ in parts for t in old[a:b]]
    came = [t for _, _, _, a, b in parts for t in new[a:b]]
    at = _inside_brackets(old, parts[0][1]) if parts else ""
    if set(gone) | set(came) <= {"+", "-"} and _of_a_number(old, new, parts[0]):
        return "off by one", _words(_around(old, parts[0][1]), _around(new, parts[0][3]))
    return _named(gone, came, at)


def _of_a_number(old: list[str], new: list[str], part: tuple[str, int, int, int, int]) -> bool:
    """Whether the sign is that of a number that stands alone, as in k=-1."""
    _, _, end, _, stop = part
    before = old[part[1] - 1] if part[1] else ""
    return before in ("=", ",", "[", "(") and all(
        k < len(t) and t[k][0].isdigit() for t, k in ((old, end), (new, stop))
    )


def _around(tokens: list[str], position: int) -> list[str]:
    return ["".join(tokens[max(position - 2, 0) : position + 2])]


def _named(gone: list[str], came: list[str], at: str) -> tuple[str, str]:
    words = _words(gone, came)
    signs = {"+", "-"}
    names_gone = [t for t in gone if t[0].isalpha() or t[0] == "_"]
    names_came = [t for t in came if t[0].isalpha() or t[0] == "_"]
    if set(gone) | set(came) <= signs | {"=", "+=", "-=", "(", ")"}:
        return "opposite sign", "the sign is opposite"
    if "sum" in came and "sum" not in gone:
        return "missing term", words
    if at == "axis" or any(a in gone or a in came for a in _AXES):
        return "wrong axis", words
    if at == "range":
        return "off by one", words
    if at == "[":
        return "wrong shift", words
    if _turns(gone, came):
        return "transposed", words
    if gone and names_gone == gone and names_came == came and len(gone) == len(came):
        return "wrong tensor", words
    if not gone and came and came[0] in ("*", "/"):
        return "wrong factor" if not names_came else "missing factor", words
    if not came and gone and (gone[0] in ("*", "/") or gone[-1] == "*"):
        return "wrong factor", words
    if not gone and came and came[0] in signs:
        return "missing term", words
    if _numbers(gone) and _numbers(came):
        return "wrong factor", words
    return "another expression", words


def _words(gone: list[str], came: list[str]) -> str:
    old, new = _joined(gone), _joined(came)
    if not old:
        return f"`{new}` is missing"
    if not new:
        return f"`{old}` is too much"
    return f"`{old}` stands where `{new}` belongs"


def _joined(tokens: list[str]) -> str:
    return "".join(f" {t} " if t in _OPERATORS else t for t in tokens).strip()


def _turns(gone: list[str], came: list[str]) -> bool:
    def bare(tokens: list[str]) -> list[str]:
        text = [t.removesuffix(".T") for t in tokens if t not in ("T", ".", "(", ")")]
        return [t for t in text if t not in ("transpose", "np.transpose")]

    return sorted(bare(gone)) == sorted(bare(came)) and gone != came


def _numbers(tokens: list[str]) -> bool:
    return bool(tokens) and all(t[0].isdigit() or t in "+-*/()" for t in tokens)


def _inside_brackets(tokens: list[str], position: int) -> str:
    """The bracket, or the called name, that a token stands in: `range`, or `[`."""
    if position > 1 and tokens[position - 1] == "=" and tokens[position - 2] == "axis":
        return "axis"
    depth = 0
    for k in range(position - 1, -1, -1):
        if tokens[k] in (")", "]"):
            depth += 1
        elif tokens[k] in ("(", "["):
            if depth == 0:
                return "[" if tokens[k] == "[" else tokens[k - 1] if k else "("
            depth -= 1
    return ""


def _changed(correction: Correction) -> tuple[str, str]:
    """The changed part of both versions, on one line each, as the parser would write them."""
    old, new = correction.before.splitlines(), correction.after.splitlines()
    before = " ".join(x.strip() for x in old if x not in new)
    after = " ".join(x.strip() for x in new if x not in old)
    return _plain(before), _plain(after)


def _plain(text: str) -> str:
    try:
        return ast.unparse(ast.parse(text))
    except SyntaxError:
        return text
