"""Mistakes in what is added up, and where a condition on indices begins to hold."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Integer

from symbackprop.equations.masks import Compare, Where
from symbackprop.equations.nodes import Index
from symbackprop.equations.reductions import ArgMax, ArgMin, LogSumExp, Max, Min, Reduction, Sum
from symbackprop.equations.renaming import substituted
from symbackprop.mistakes.places import Place, Scope, Variant, shown


def off_by_one(place: Place, scope: Scope) -> Iterator[Variant]:
    """A sum without its first or last term, or with one twice; t >= 2 for t >= 1."""
    node = place.node
    if isinstance(node, Sum):
        for index in node.bound:
            last = index.extent - 1
            ends = (("first", Integer(0), ">="), ("last", last, "<="))
            for name, end, op in ends:
                inside = Compare({">=": ">", "<=": "<"}[op], index, end)
                without = Where(inside, node.body, Integer(0))
                twice = Where(inside, node.body, 2 * node.body)
                yield Sum(without, *node.bound), f"the sum misses its {name} {index}"
                yield Sum(twice, *node.bound), f"the sum takes its {name} {index} twice"
    elif isinstance(node, Max | Min | LogSumExp | ArgMax | ArgMin):
        yield from _shorter(node)
    elif isinstance(node, Compare) and node.args[1].is_integer and node.args[2].is_integer:
        low, high = node.args[1:]
        for by in (1, -1):
            wrong = Compare(node.op, low, high + by)
            yield wrong, f"{shown(wrong)} where {shown(node)} belongs"


def _shorter(node: Reduction) -> Iterator[Variant]:
    """The reduction over all but the first or the last value of an index."""
    for index in node.bound:
        if index.extent != 1:
            shorter = Index(index.name, index.extent - 1)
            bound = [shorter if i == index else i for i in node.bound]
            for name, position in (("first", shorter + 1), ("last", shorter)):
                body = node.body.xreplace({index: position})
                words = f"{type(node).__name__} misses its {name} {index}"
                yield node.func(body, *bound), words


def last_term_alone(place: Place, scope: Scope) -> Iterator[Variant]:
    """f(n = N - 1) for Σ_n f(n): each term is written over the one before, not added to it."""
    node = place.node
    if isinstance(node, Sum):
        for index in node.bound:
            rest = [i for i in node.bound if i != index]
            last = substituted(node.body, {index: index.extent - 1})
            yield Sum(last, *rest), f"only the last {index} is left of the sum"
