"""Reductions that are computed once for each value of the indices that they depend on.

All entries of a softmax row share one logsumexp, and all digits of a position one argmax.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from sympy import Expr

from symbackprop.equations.evaluate_compile import (
    COMPILERS,
    Compiled,
    Frame,
    NodeCompiler,
    Scope,
)
from symbackprop.equations.evaluate_numbers import Value
from symbackprop.equations.nodes import free_indices
from symbackprop.equations.reductions import ArgMax, ArgMin, LogSumExp, Max, Min, Prod, Sum

Extra = Mapping[type, NodeCompiler]
Memory = dict[Expr, dict[tuple[Any, ...], Value]]

_REDUCTIONS = (Sum, Prod, LogSumExp, Max, Min, ArgMax, ArgMin)


def remembered(sums: NodeCompiler = COMPILERS[Sum]) -> Extra:
    """Compilers of reductions on one instance, that remember; `sums` compiles what adds up."""
    memory: Memory = {}
    compilers = {**{kind: COMPILERS[kind] for kind in _REDUCTIONS}, Sum: sums}
    return {kind: functools.partial(_remember, memory, c) for kind, c in compilers.items()}


def _remember(memory: Memory, compiler: NodeCompiler, expr: Expr, scope: Scope) -> Compiled:
    computed = compiler(expr, scope)
    slots = [scope.slots[i] for i in sorted(free_indices(expr), key=lambda i: i.name)]
    known = memory.setdefault(expr, {})

    def at(frame: Frame) -> Value:
        key = tuple([frame[slot] for slot in slots])
        if key not in known:
            known[key] = computed(frame)
        return known[key]

    return at
