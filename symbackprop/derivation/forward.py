"""The equations forward, rewritten before anything is differentiated.

A logarithm or a quotient is looked at through the definitions of the tensors in it, so that
log softmax, log sigmoid and a hand-spelled softmax are recognised wherever their parts stand.
Each softmax that a gradient will need gets a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import sympy
from sympy import Expr, Pow, exp, log

from symbackprop.derivation.model import Step
from symbackprop.derivation.occurrences import softmax_key, softmax_of
from symbackprop.derivation.rules.known import FORWARD_VALUE, in_forward_values
from symbackprop.derivation.rules.recognise import recognise, sigmoid, softplus
from symbackprop.derivation.scores import name_scores
from symbackprop.derivation.statistics import name_statistics
from symbackprop.equations.build.hoist import contains_contraction
from symbackprop.equations.nodes import Access, TensorSymbol, free_indices, tensors
from symbackprop.equations.reductions import LogSumExp, Sum
from symbackprop.equations.renaming import fresh_bound, fresh_name, plain_bound, positional
from symbackprop.equations.system import Equation, System

Definitions = Mapping[TensorSymbol, Equation]
Rewritten = tuple[Equation, tuple[Step, ...]]

SPELLING = "recognise"
THROUGH = "compose"
NAMED = "name"
MOST_ROUNDS = 6


def rewrite_forward(system: System, taken: set[str]) -> list[Rewritten]:
    """Every equation that is needed, in its recognised form, with the steps that led there.

    `taken` grows by the names that are given to scores.
    """
    done: dict[TensorSymbol, Equation] = {}
    rewritten: list[Rewritten] = []
    for equation in system.equations:
        rhs, steps = _rewritten(equation, done)
        scores, named = name_scores(replace(equation, rhs=rhs), taken)
        if named.rhs != rhs:
            steps = (*steps, Step(NAMED, rhs, named.rhs, "the exponent has a name"))
            rhs = named.rhs
        *statistics, named = name_statistics(named, taken)
        if named.rhs != rhs:
            why = "what is reduced and then read beside it has a name"
            steps = (*steps, Step(NAMED, rhs, named.rhs, why))
        for one in (*scores, *statistics):
            done[one.tensor] = one
            rewritten.append((one, ()))
        done[equation.tensor] = named
        rewritten.append((named, steps))
    return prune(rewritten, system.results)


def prune(rewritten: list[Rewritten], needed: Iterable[TensorSymbol]) -> list[Rewritten]:
    """Only the equations that the needed tensors depend on."""
    definitions = {e.tensor: e for e, _ in rewritten}
    wanted: set[TensorSymbol] = set()
    waiting = list(needed)
    while waiting:
        tensor = waiting.pop()
        if tensor not in wanted:
            wanted.add(tensor)
            waiting += tensors(definitions[tensor].rhs) if tensor in definitions else ()
    return [(e, steps) for e, steps in rewritten if e.tensor in wanted]


def name_softmaxes(
    rewritten: list[Rewritten], taken: set[str]
) -> tuple[list[Rewritten], dict[Expr, Equation]]:
    """Gives every logsumexp's softmax a tensor: the one that already holds it, or a new one.

    A softmax inside a later equation is read from that tensor. Returns the equations and, for each
    form of logsumexp, the equation of exp(f - logsumexp f).
    """
    known: dict[Expr, Equation] = {}
    held = {positional(s)[0]: e for e, _ in rewritten if (s := softmax_of(e.rhs)) and _covers(e, s)}
    before: dict[Expr, Equation] = {}
    result: list[Rewritten] = []
    for equation, steps in rewritten:
        last = None
        while last != equation:  # what is read from a tensor may stand under a logsumexp
            last = equation
            equation, steps = _reading_softmaxes(equation, steps, before)
            for node in sorted(equation.rhs.atoms(LogSumExp), key=sympy.default_sort_key):
                key = softmax_key(node)
                if key in known:
                    continue
                if key in held:
                    known[key] = held[key]
                    continue
                named = _softmax_equation(node, taken)
                known[key] = before[key] = named
                result.append((named, ()))
                last = None
        result.append((equation, steps))
        if isinstance(equation.rhs, exp):
            before.setdefault(positional(equation.rhs)[0], equation)
    return result, known


def _covers(equation: Equation, expr: Expr) -> bool:
    """Whether the expression depends on every index of the equation, and on no other."""
    return free_indices(expr) == set(equation.indices)


def _reading_softmaxes(
    equation: Equation, steps: tuple[Step, ...], before: dict[Expr, Equation]
) -> Rewritten:
    """The equation with each softmax that stands inside it read from its tensor."""
    if isinstance(equation.rhs, exp):
        return equation, steps
    rhs = in_forward_values(equation.rhs, before)
    if rhs == equation.rhs:
        return equation, steps
    step = Step(FORWARD_VALUE, equation.rhs, rhs, "computed already")
    return replace(equation, rhs=rhs), (*steps, step)


def _softmax_equation(node: LogSumExp, taken: set[str]) -> Equation:
    """p = exp(f - logsumexp f) as an equation of its own."""
    names = {s.name for s in node.free_symbols} | {i.name for i in node.bound}
    rhs = exp(node.body - fresh_bound(node, names))
    _, order = positional(rhs)
    name = fresh_name("p", taken)
    taken.add(name)
    return Equation(TensorSymbol(name, [i.extent for i in order]), order, rhs, "softmax")


def _rewritten(equation: Equation, definitions: Definitions) -> tuple[Expr, tuple[Step, ...]]:
    steps = []
    rhs = equation.rhs
    through = _anchored(rhs, definitions)
    if through != rhs:
        steps.append(
            Step(THROUGH, rhs, through, "written in the tensors that its parts are made of")
        )
        rhs = through
    known = recognise(rhs)
    known = plain_bound(known, {i.name for i in equation.indices})
    if known != rhs:
        steps.append(Step(SPELLING, rhs, known, _why(known)))
        rhs = known
    return rhs, tuple(steps)


def _why(expr: Expr) -> str:
    found = [
        name
        for node, name in ((LogSumExp, "logsumexp"), (sigmoid, "sigmoid"), (softplus, "softplus"))
        if expr.has(node)
    ]
    return f"in terms of {' and '.join(found)}" if found else "log and exp cancel"


def _anchored(expr: Expr, definitions: Definitions) -> Expr:
    """The expression with definitions put in under each log and quotient that they resolve."""
    if not expr.args or isinstance(expr, Access):
        return expr
    if isinstance(expr, log):
        resolved = _resolved(expr, definitions)
        if resolved is not None:
            return resolved
    if _is_quotient(expr):
        expr = _resolved_quotient(expr, definitions)
    arguments = [_anchored(a, definitions) if isinstance(a, Expr) else a for a in expr.args]
    return expr if tuple(arguments) == expr.args else expr.func(*arguments)


def _resolved_quotient(expr: Expr, definitions: Definitions) -> Expr:
    """A quotient whose divisor, and the factor that it divides, are written out where it helps."""
    divisors = [f for f in expr.args if _is_divisor(f)]
    for divisor in divisors:
        for factor in (f for f in expr.args if f is not divisor):
            resolved = _resolved(factor * divisor, definitions)
            if resolved is not None and not recognise(resolved).is_Mul:
                rest = sympy.Mul(*(f for f in expr.args if f not in (divisor, factor)))
                return rest * resolved
    return expr


def _is_divisor(factor: Expr) -> bool:
    return (
        isinstance(factor, Pow)
        and factor.exp.is_Integer
        and factor.exp < 0
        and factor.base.has(Access)
    )


def _is_quotient(expr: Expr) -> bool:
    return expr.is_Mul and any(map(_is_divisor, expr.args))


def _resolved(expr: Expr, definitions: Definitions) -> Expr | None:
    """The expression unfolded just far enough for a rule to fire; None if none does."""
    before = _unresolved(expr)
    unfolded = expr
    for _ in range(MOST_ROUNDS):
        known = recognise(unfolded)
        if unfolded != expr and _unresolved(known) < before and not _raw(known):
            return unfolded
        deeper = _unfold(unfolded, definitions)
        if deeper == unfolded:
            return None
        unfolded = deeper
    return None


def _unresolved(expr: Expr) -> int:
    """How many logs and quotients stand in it."""
    if isinstance(expr, Access):
        return 0
    here = int(isinstance(expr, log) or (isinstance(expr, Pow) and bool(expr.exp.is_negative)))
    return here + sum(_unresolved(a) for a in expr.args)


def _raw(expr: Expr) -> bool:
    """Whether a sum of exponentials is left that no rule took up."""
    return any(
        total.body.has(exp) and not total.body.has(LogSumExp)
        for total in expr.atoms(Sum)
        if isinstance(total.body, exp)
    )


def _unfold(expr: Expr, definitions: Definitions) -> Expr:
    """One level of definitions put in, where they are neither contractions nor data."""
    mapping = {}
    reductions = expr.atoms(Sum, LogSumExp)
    taken = {s.name for s in (*expr.free_symbols, *(i for r in reductions for i in r.bound))}
    for access in sorted(expr.atoms(Access), key=sympy.default_sort_key):
        found = definitions.get(access.tensor)
        if found is None or contains_contraction(found.rhs) or not _may_unfold(found.rhs):
            continue
        body = fresh_bound(found.rhs, taken)
        mapping[access] = body.xreplace(dict(zip(found.indices, access.indices, strict=True)))
    return expr.xreplace(mapping) if mapping else expr


def _may_unfold(rhs: Expr) -> bool:
    """Aliases, arithmetic, exponentials, sigmoids and their sums: what may hide a rule."""
    if isinstance(rhs, Access | exp | sigmoid | softplus | Sum | LogSumExp) or rhs.is_Number:
        return True
    return (rhs.is_Add or rhs.is_Mul or rhs.is_Pow) and all(_may_unfold(a) for a in rhs.args)
