"""Specs as an attacker writes them: words stay words in every language that they are printed in."""

import ast
import io
import json
import re
import subprocess
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from sympy import Integer

import symbackprop as sb
from symbackprop import pipeline, report
from symbackprop.spec import Spec, SpecError, parse

PAYLOADS = [
    '"""; import os; os.abort(); """',
    "'''\\\nimport os\n'''",
    "\\N{BULLET} \\x00 \\u0000 {x!r} %s %(a)s ${x}",
    "<% for i in range(9) %>x<% endfor %> << 7*7 >> {{ 7*7 }} {% raw %} <# a #>",
    r"\input{/etc/passwd} \write18{touch pwned} \immediate\openout1=pwned",
    r"^^5cend{document} ~#$%&_{}",
    r"\end{document}\newpage \csname end\endcsname \catcode`\%=0 $$ \[ \] \( \)",
    "<script>alert(1)</script> <img src=x onerror=alert(1)> &lt;b&gt;",
    "[a](javascript:alert(1)) ![a](x)",
    "# noqa\n# type: ignore\n\tpass  # fmt: off",
    "‮txet desrever ​ ﻿",
]
SPEC = """
name: net
inputs: {x: [N, 3], y: [N, 2]}
network: |
  h = dense(tanh(dense(x, 5)), 2)
loss: mse(h, y)
"""


def with_words(title: str, notes: str) -> Spec:
    """The network, with these words of a stranger."""
    text = io.StringIO()
    YAML().dump({"title": title, "notes": notes}, text)
    return parse(text.getvalue() + SPEC)


def statements(source: str) -> str:
    """What a module does: its syntax tree without its docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match getattr(node, "body", None):
            case [ast.Expr(value=ast.Constant(value=str()) as words), *_]:
                words.value = ""
    return ast.dump(tree)


def commands(tex: str) -> set[str]:
    """The control sequences of a document."""
    return set(re.findall(r"\\(?:[A-Za-z@]+|.)", tex))


HARMLESS = {
    "\\textbackslash",
    "\\textasciicircum",
    "\\textasciitilde",
    "\\textless",
    "\\textgreater",
}
HARMLESS |= {"\\textbar", "\\{", "\\}", "\\$", "\\&", "\\#", "\\%", "\\_", "\\text"}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_words_do_nothing_in_any_language(payload: str) -> None:
    try:
        wrong = sb.derive(with_words(payload, payload))
    except SpecError as refusal:
        assert "control character" in str(refusal)
        return
    right = sb.derive(with_words("A title", "A note"))
    modules = [pipeline.source(d)[0] for d in (right, wrong)]
    assert statements(modules[0]) == statements(modules[1])
    tests = [pipeline.source(d)[1] for d in (right, wrong)]
    assert statements(tests[0]) == statements(tests[1])
    found = commands(report.document_tex(wrong)) - commands(report.document_tex(right))
    assert found <= HARMLESS, found
    page = report.document_markdown(wrong)
    assert not re.search(r"<(?!!--)", page) and not re.search(r"(?<!\\)\]\(", page)
    assert json.loads(report.json(wrong))["title"] == wrong.system.title


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
@example("<< 7*7 >>", "<% include 'x' %>")
def test_any_words(title: str, notes: str) -> None:
    try:
        spec = with_words(title, notes)
    except SpecError:
        return
    derivation = sb.derive(spec)
    module = pipeline.source(derivation)[0]
    assert statements(module) == statements(pipeline.source(sb.derive(parse(SPEC)))[0])


NASTY = [
    *("np", "numpy", "params", "workspace", "work", "grads", "rng", "state", "training", "self"),
    *("print", "eval", "exec", "open", "int", "float", "len", "range", "list", "type", "object"),
    *("loss_and_grads", "forward", "Workspace", "init_params", "SHAPES", "dtype", "seed", "N"),
    *("I", "E", "S", "Q", "O", "beta", "gamma", "lamda", "zeta", "Sum", "Symbol", "Integer", "pi"),
    *(
        "data",
        "T",
        "shape",
        "size",
        "dot",
        "match",
        "case",
        "type_",
        "True_",
        "l",
        "d",
        "dx",
        "dW1",
    ),
]


@pytest.mark.parametrize(("a", "b"), [*zip(NASTY, [*NASTY[1:], NASTY[0]], strict=True)])
def test_names_of_others_are_names_like_any(a: str, b: str) -> None:
    """Each runs as the same network with plain names does, or is refused with a fix."""
    text = (
        "name: {b}\ninputs: {{{a}: [N, 3], y: [N, 2]}}\nparams: {{{b}: {{shape: [3, 2]}}}}\n"
        "network: |\n  h[n, k] = tanh(sum[i]({a}[n, i] * {b}[i, k]))\nloss: mse(h, y)\n"
    )
    try:
        module = sb.compile(sb.derive(parse(text.format(a=a, b=b))), dtype="float64")
    except SpecError as refusal:
        assert "\n  fix: " in str(refusal)
        return
    plain = sb.compile(sb.derive(parse(text.format(a="u", b="V"))), dtype="float64")
    params = plain.init_params(seed=1)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    value, grads = plain.loss_and_grads(params, u=x, y=y)
    renamed, found = module.loss_and_grads({b: params["V"]}, **{a: x, "y": y})
    assert value == renamed and (found[b] == grads["V"]).all()


OUTSIDE = ["../evil", "/tmp/evil", "a/b", "a\\b", "a b", "a;b", "a.py", "con\n", "-o", "..", "$(x)"]
SLOTS = {
    "name": "name: {}",
    "an input": "inputs: {{{}: [N, 3]}}",
    "a parameter": "params: {{{}: {{shape: [3]}}}}",
    "an extent": "inputs: {{x: [{}, 3]}}",
    "a loss": "losses: {{{}: mse(h, y)}}",
}


@pytest.mark.parametrize(("word", "slot"), [*product(OUTSIDE, SLOTS)])
def test_a_name_is_no_path_and_no_code(word: str, slot: str) -> None:
    key = SLOTS[slot].split(":")[0]
    kept = "\n".join(line for line in SPEC.strip().splitlines() if not line.startswith(key))
    quoted = json.dumps(word)
    with pytest.raises(SpecError, match="fix: "):
        parse(f"{kept}\n{SLOTS[slot].format(quoted)}\n")


def test_an_extent_beyond_any_memory_is_no_obstacle_to_deriving_and_is_named_by_check() -> None:
    text = SPEC.replace("dense(x, 5)", "dense(x, 1000000000000)")
    derivation = sb.derive(parse(text))
    assert derivation.system.parameters[0].symbol.shape == (3, Integer(10**12))
    said = str(sb.check(derivation))
    assert "too large: " in said and "not checked" in said


@pytest.mark.latex
def test_latex_that_words_smuggle_in_is_not_run(tmp_path) -> None:
    for number, payload in enumerate(PAYLOADS):
        try:
            derivation = sb.derive(with_words(payload, payload))
        except SpecError:
            continue
        sb.render(derivation, tmp_path / f"page{number}.tex")
        ended = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-shell-escape", f"page{number}.tex"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-2000:]
    assert not list(tmp_path.glob("pwned*"))
