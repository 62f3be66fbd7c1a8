"""Every equation of a function stands in it by number, those that need no statement among them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import symbackprop as sb
from symbackprop.emit.mathematics import mathematics
from symbackprop.emit.native.bodies import body
from symbackprop.emit.native.table import compiled
from symbackprop.emit.printer import Printer
from symbackprop.program.lower import lower
from symbackprop.program.model import Function, Program
from tests.emit.specs import SPECS
from tests.emit.specs_modes import MODES

GENERATED = Path(__file__).parents[2] / "generated"
NAMES = """
name: names
inputs:
  x: [N, T, 4]
  y: [N, 4]
network: |
  first[n, i] = x[n, 0, i]
  h[n, t, i] = tanh(x[n, t, i] + h[n, t - 1, i])
  s[n, i] = h[n, T - 1, 3 - i]
  z = dense(s, 4)
  again[n, i] = z[n, i]
  o = again + first
  size = mean(first)
losses:
  loss: half_sse(o, y)
  other: {value: "mean(first)", wrt: []}
"""


def written(program: Program, function: Function) -> str:
    home = program if any(function is f for f in program.functions) else program.in_use
    assert home is not None
    return "\n".join(mathematics(home, function, Printer(home, function)))


def numbers(text: str) -> list[int]:
    """The equations that comments begin with, in order."""
    return [int(n) for n in re.findall(r"^ *(?:#|//) \((\d+)\)", text, re.M)]


def told(text: str) -> list[str]:
    """The comments of equations that have no statement, each on one line."""
    lines = re.sub(r"\n *(?:#|//)     ", " ", text).split("\n")
    return [line.strip("/# ") for line in lines if re.search(r": (the|a|computed|part) ", line)]


@pytest.mark.parametrize(
    ("name", "recompute"), [*((name, False) for name in (*SPECS, *MODES)), ("misc", True)]
)
def test_every_equation_of_a_function_has_its_number_there(name: str, recompute: bool) -> None:
    program = lower(sb.derive(sb.parse((SPECS | MODES)[name])), recompute)
    lines = {line.number for line in program.derivation.lines()}
    assert lines == {n for function in program.functions for n in function.equations}
    for home, function, mode in compiled(program):
        for text in (written(home, function), "\n".join(body(program, function, mode))):
            assert set(numbers(text)) >= set(function.equations), function.name


def test_what_a_tensor_is_that_has_no_statement() -> None:
    program = lower(sb.derive(sb.parse(NAMES)))
    texts = {
        f.name: (written(program, f), "\n".join(body(program, f, ""))) for f in program.functions
    }
    for text in texts["loss_and_grads"]:
        assert told(text) == [
            "(1) first[n, i] = x[n, 0, i]: a view of x",
            "(3) s[n, i] = h[n, T - 1, 3 - i]: a view of h",
            "(5) again[n, i] = z[n, i]: the array z",
            "(11) dagain[n, i] = do[n, i]: the array do",
            "(12) dz[n, i] = dagain[n, i]: the array do",
        ]
    found = numbers(texts["loss_and_grads"][0])
    for alias, made in ((3, 2), (5, 4), (11, 10), (12, 11)):
        assert found.index(alias) > max(k for k, number in enumerate(found) if number == made)
    assert told(texts["loss_sgd_step"][0])[3:] == [
        "(11) dagain[n, i] = do[n, i], times rate: the array do",
        "(12) dz[n, i] = dagain[n, i], times rate: the array do",
    ]
    assert told(texts["other"][0]) == [
        "(1) first[n, i] = x[n, 0, i]: a view of x",
        "(9) other = sum[n, i](first[n, i]) / (4 * N): the number size",
    ]


def test_a_value_that_is_there_for_another_equation() -> None:
    """The loss has computed y - t already."""
    program = lower(sb.derive(sb.load("affine")))
    (loss,) = program.losses
    assert told(written(program, loss.value)) == []
    assert told(written(program, loss.gradients)) == [
        "(4) dy[i] = y[i] - t[i]: computed with (3)",
        "(7) db[i] = dz[i]: the array dz",
    ]


@pytest.mark.parametrize("path", sorted(GENERATED.glob("*.md")), ids=lambda path: path.stem)
def test_the_gallery_has_the_numbers_of_its_derivations(path: Path) -> None:
    derived = set(map(int, re.findall(r"\\tag\{(\d+)\}", path.read_text())))
    modules = [path.with_suffix(".py"), *GENERATED.glob(f"native/{path.stem}.[cp]*")]
    for module in modules:
        assert set(numbers(module.read_text())) == derived, module
