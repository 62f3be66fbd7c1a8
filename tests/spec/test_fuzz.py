"""Any text at all parses or raises SpecError, with places that exist."""

from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from symbackprop.spec import SpecError, expression, parse, statement
from symbackprop.spec.source import gallery

SPECS = [path.read_text(encoding="utf-8") for path in gallery().values()]
PIECES = [
    *"[](){}:&*!|>'\"#-?%@`\t\n,=\\;~éß\r", "...", "---", "<<", "null", "None", "lambda", "0x1",
    "1e9", "1_0", "0o7", "if", "not", "for", "sum[", "max[p:", "name", "W1", "f''", "'''", "−",
    "\u2028", "\x00", "\ud800", "\ufeff", "**", "//", "@@", "  ", "- ", "? ", ": ", " #",
]  # fmt: skip
assert SPECS


def held(text: str) -> None:
    """Parses, or is refused at places that are in the text."""
    try:
        parse(text)
    except SpecError as error:
        lines = error.source.text.split("\n")
        for fault in error.faults:
            assert fault.message and fault.fix
            if fault.place is not None:
                assert 1 <= fault.place.line <= len(lines)
                assert 1 <= fault.place.column <= len(lines[fault.place.line - 1]) + 1


@given(st.text())
@example("? ")
@example("{")
@example("!<")
@example("%YAML 9.9\n---\n")
@example("a: |9\n  b")
@example('a: "\\U00110000"')
def test_any_text(text):
    held(text)


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_any_pieces_of_syntax(pieces):
    held("".join(pieces))
    held("name: a\ninputs: {x: [N]}\nnetwork: |\n  y = " + "".join(pieces) + "\nloss: mean(x)\n")


@settings(max_examples=300)
@given(
    st.sampled_from(SPECS),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(PIECES)),
        min_size=1,
        max_size=4,
    ),
)
def test_a_spec_with_a_few_changes(text, changes):
    for where, removed, inserted in changes:
        start = int(where * len(text))
        text = text[:start] + inserted + text[start + removed :]
    held(text)


@given(st.lists(st.sampled_from([*PIECES, "x", "i", "(x)", "[i]", " + ", "2"]), max_size=20))
def test_a_single_statement_or_expression(pieces):
    for read in (statement, expression):
        for layer in (False, True):
            try:
                read("".join(pieces), layer)
            except SpecError as error:
                assert str(error)


def test_the_gallery_parses():
    for path in gallery().values():
        parse(Path(path).read_text(encoding="utf-8"), path.name)
