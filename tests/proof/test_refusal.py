"""A wrong version of any rule is refused: no derivation is shown, and no file is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import sympy
from sympy import Add, Expr, Mul

import symbackprop as sb
from symbackprop.cli import main
from symbackprop.derivation import adjoint, differentiate, forward, occurrences, scores, sweep
from symbackprop.derivation.model import Derivation
from symbackprop.equations.build import build
from symbackprop.equations.nodes import Access, Index
from symbackprop.proof import equalities, prove

X = "name: net\ninputs: {x: [N, 4]}\n"
BY_X = f"{X}wrt: [x]\n"
SOFTMAX = """
name: net
inputs: {x: [N, 4], y: {shape: [N], classes: 3}}
network: "  p = softmax(dense(x, 3))"
loss: cross_entropy(p, y)
"""
DISTRIBUTION = """
name: net
inputs: {x: [N, 4], t: {shape: [N, 3], kind: distribution}}
network: "  p = softmax(dense(x, 3))"
loss: cross_entropy(p, t)
"""
TANH = f"{X}network: '  h = tanh(dense(x, 3))'\nloss: mean(h**2)\n"
RECURRENCE = """
name: net
inputs: {x: [N, T, 2]}
params: {U: {shape: [2, 2]}}
network: |
  h[n, t, k] = tanh(x[n, t, k] + sum[j](h[n, t - 1, j] * U[j, k]))
loss: mean(h)
"""
SOFTSIGN = f"{X}network: '  h = softsign(dense(x, 3))'\nloss: mean(h**2)\n"
ROOT = f"""{BY_X}network: |
  r[n] = 1 / sqrt(sum[i](x[n, i]**2) + 1)
  h[n, i] = x[n, i] * r[n]
loss: mean(tanh(h))
"""
SUM = f"""{X}params: {{w: {{shape: [3]}}}}
network: |
  m[n] = mean[i](x[n, i])
  h[n, j] = sum[i](x[n, i]) * w[j] * m[n]
loss: mean(h)
"""
MIRROR = f"{BY_X}network: '  h = softplus(x) * softplus(-x)'\nloss: mean(h)\n"
BINARY = """
name: net
inputs: {x: [N, 4], y: {shape: [N, 3], kind: mask}}
network: "  p = sigmoid(dense(x, 3))"
loss: mean(-y * log(p) - (1 - y) * log(1 - p))
"""
CAUSAL = """
name: net
inputs: {x: [N, T, 4]}
network: "  h = multi_head_attention(x, 2, causal=True)"
loss: mean(h**2)
"""
SCORES = """
name: net
inputs: {x: [N, 4], u: [N, 4]}
network: "  h[n] = logsumexp[i](x[n, i] * u[n, i])"
loss: mean(h)
wrt: [x]
"""
CONVOLUTION = """
name: net
inputs: {x: [N, 7, 2]}
params: {K: {shape: [3, 2, 3]}}
network: "  y[n, i, o] = sum[p, c](K[p, c, o] * x[n, 2*i + p, c])"
loss: mean(tanh(y))
wrt: [x]
"""

# Each rule: where it is looked up, what it is called there, and a spec that uses it.
RULES = {
    "collapse δ": (adjoint, "collapsed", SOFTMAX),
    "gather by range": (adjoint, "gathered", RECURRENCE),
    "one divisor": (adjoint, "over_one_divisor", SOFTSIGN),
    "forward value": (adjoint, "in_forward_values", TANH),
    "forward power": (adjoint, "in_known_powers", ROOT),
    "forward sum": (adjoint, "in_known_sums", SUM),
    "forward product": (adjoint, "in_known_products", ROOT),
    "mirror": (adjoint, "mirrored", MIRROR),
    "on its support": (adjoint, "on_support", CAUSAL),
    "rows sum to 1": (adjoint, "with_row_sums", DISTRIBUTION),
    "merge like terms": (adjoint, "merged", BINARY),
    "factor": (adjoint, "factored", DISTRIBUTION),
    "solve for the index": (adjoint, "solved", CONVOLUTION),
    "recognise": (forward, "recognise", SOFTMAX),
    "compose": (forward, "_anchored", SOFTMAX),
    "name": (scores, "_read_from", SCORES),
}


def opposite(expr: Expr) -> Expr:
    return -expr


def twice(expr: Expr) -> Expr:
    return 2 * expr


def without_a_term(expr: Expr) -> Expr:
    """The last term, or the last factor that reads a tensor, is left out."""
    if isinstance(expr, Add):
        return Add(*expr.args[:-1])
    factors = [f for f in Mul.make_args(expr) if f.has(Access)]
    return expr / factors[-1] if factors else 2 * expr


def at_a_wrong_index(expr: Expr) -> Expr:
    """The first entry that is read at an index is read at 0."""
    for access in sorted(expr.atoms(Access), key=sympy.default_sort_key):
        for index in access.indices:
            if isinstance(index, Index):
                zero = {index: sympy.Integer(0)}
                return expr.xreplace({access: access.xreplace(zero)})
    return 2 * expr


DAMAGES = (opposite, twice, without_a_term, at_a_wrong_index)


def wrong(rule: Callable[..., Expr], damage: Callable[[Expr], Expr]) -> Callable[..., Expr]:
    """The rule with its result damaged wherever it fires; not what it asks itself for."""
    within: list[Expr] = []

    def damaged(expr: Expr, *more: object) -> Expr:
        within.append(expr)
        found = rule(expr, *more)
        within.pop()
        return found if found == expr or within else damage(found)

    return damaged


def damage_rule(rule: str, damage: Callable[[Expr], Expr], monkeypatch) -> None:
    room, name, _ = RULES[rule]
    monkeypatch.setattr(room, name, wrong(getattr(room, name), damage))


def derived(text: str) -> Derivation:
    return differentiate(build(sb.parse(text)))


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_used_and_proved(rule: str) -> None:
    derivation = derived(RULES[rule][2])
    prove(derivation)
    assert rule in {equality.rule for equality in equalities(derivation)}


# By these the cotangent of the scores is no tensor any more: it is put in where it is used, and
# fails there, against the equations of the network.
WITHOUT_A_LINE = {("collapse δ", without_a_term), ("factor", without_a_term)}
REPORT = "  fix: this is a fault of symbackprop; please report it with the spec"


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("rule", RULES)
def test_a_wrong_rule_is_refused(rule: str, damage, monkeypatch) -> None:
    damage_rule(rule, damage, monkeypatch)
    with pytest.raises(sb.Unproved) as refused:
        sb.derive(sb.parse(RULES[rule][2]))
    named = "chain rule" if (rule, damage) in WITHOUT_A_LINE else rule
    first, second, *others = str(refused.value).splitlines()
    assert first == f'rule "{named}" does not hold; nothing is shown or written'
    assert second.startswith("  equation (") and f', rule "{named}": ' in second
    assert others[-1] == REPORT


@pytest.mark.parametrize("damage", [opposite, twice, at_a_wrong_index], ids=lambda f: f.__name__)
def test_a_wrong_chain_rule_is_refused(damage, monkeypatch) -> None:
    def damaged(*given):
        for found in occurrences.occurrences(*given):
            yield dataclasses.replace(found, coefficient=damage(found.coefficient))

    monkeypatch.setattr(adjoint, "occurrences", damaged)
    with pytest.raises(sb.Unproved, match=r'^rule "chain rule" does not hold'):
        sb.derive(sb.parse(TANH))


def test_a_way_that_the_chain_rule_forgets_is_refused(monkeypatch) -> None:
    """x² + tanh x reads x twice: only the first of two ways."""
    monkeypatch.setattr(
        adjoint, "occurrences", lambda *given: list(occurrences.occurrences(*given))[:1]
    )
    with pytest.raises(sb.Unproved, match=r'^rule "chain rule" does not hold'):
        sb.derive(sb.parse(f"{BY_X}network: '  h = x**2 + tanh(x)'\nloss: mean(tanh(h))\n"))


def test_an_equation_that_the_sweep_forgets_is_refused(monkeypatch) -> None:
    """The steps hold, but they begin with one of the two equations that read x."""
    consumers = sweep._Sweep._consumers
    monkeypatch.setattr(sweep._Sweep, "_consumers", lambda back, x: consumers(back, x)[:1])
    text = f"{BY_X}network: |\n  a = tanh(x)\n  b = sin(x)\n  c = a * b\nloss: mean(c)\n"
    with pytest.raises(sb.Unproved) as refused:
        sb.derive(sb.parse(text))
    assert 'dx[0, 0], rule "chain rule": the network is ' in str(refused.value)


def test_a_gradient_that_vanishes_by_mistake_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(adjoint, "collapsed", lambda term: sympy.Integer(0))
    with pytest.raises(sb.Unproved) as refused:
        sb.derive(sb.parse(TANH))
    assert ", the equation is 0" in str(refused.value)


def test_a_gradient_that_is_0_is_no_fault() -> None:
    text = (
        f"{X}params: {{w: {{shape: []}}}}\nnetwork: '  h = x * stop_gradient(w)'\nloss: mean(h)\n"
    )
    assert sb.derive(sb.parse(text))["w"].equation.rhs == 0


PLAIN = f"""{X}params: {{w: {{shape: [4]}}}}
network: "  h[n] = sum[i](x[n, i] * w[i])"
loss: mean(h**2)
"""
MESSAGE = """\
rule "collapse δ" does not hold; nothing is shown or written
  equation (3), dh[0], rule "collapse δ": before is 3479, after is -3479
  (3) dh[n] = -2*h[n]/N
  before: Sum[n1](2*h[n1]*Delta(n, n1)/N)
  after: -2*h[n]/N
  where h[0] = 3479
  fix: this is a fault of symbackprop; please report it with the spec"""


def test_the_message_in_full(monkeypatch) -> None:
    damage_rule("collapse δ", opposite, monkeypatch)
    with pytest.raises(sb.Unproved) as refused:
        sb.derive(sb.parse(PLAIN))
    assert str(refused.value) == MESSAGE


def test_the_command_line_says_it_without_a_traceback_and_writes_nothing(
    tmp_path, monkeypatch, capsys
) -> None:
    damage_rule("factor", twice, monkeypatch)
    monkeypatch.chdir(tmp_path)
    spec = tmp_path / "net.yaml"
    spec.write_text(DISTRIBUTION)
    for command in ("derive", "generate", "render", "tour", "check"):
        assert main([command, str(spec)]) == 1
        told = capsys.readouterr()
        first = 'symbackprop: rule "factor" does not hold; nothing is shown or written\n'
        assert told.err.startswith(first) and told.err.endswith(f"{REPORT}\n")
        assert "dz" not in told.out and "Traceback" not in told.err
    assert [path.name for path in tmp_path.rglob("*")] == ["net.yaml"]


def test_a_plain_derivation_is_proved_before_it_is_given_out(tmp_path, monkeypatch) -> None:
    damage_rule("factor", twice, monkeypatch)
    wrong_one = derived(DISTRIBUTION)
    for give in (
        sb.show,
        sb.compile,
        lambda d: sb.generate(d, tmp_path),
        lambda d: sb.render(d, tmp_path / "net.md"),
    ):
        with pytest.raises(sb.Unproved):
            give(wrong_one)
    assert not list(tmp_path.iterdir())
    assert not sb.check(wrong_one)


def test_what_is_changed_afterwards_is_proved_again() -> None:
    right = sb.derive(sb.parse(TANH))
    (loss,) = right.losses
    first, *others = loss.cotangents
    twofold = dataclasses.replace(first.equation, rhs=2 * first.equation.rhs)
    lines = (dataclasses.replace(first, equation=twofold), *others)
    with pytest.raises(sb.Unproved, match=r'^rule "steps connect" does not hold'):
        dataclasses.replace(right, losses=(dataclasses.replace(loss, cotangents=lines),))
