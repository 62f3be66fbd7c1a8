"""Like adjoint equations are derived once: those that differ in nothing but names of tensors.

What an adjoint equation is derived from is written down with its tensors numbered as they occur.
Where that is written twice, the second derivation is the first with the names of the second. Rules
and SymPy sort by names, so it is also written how the names sort.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sympy import Add, Expr, Mul

from symbackprop.derivation.adjoint import Adjoint, Consumer, adjoint
from symbackprop.derivation.model import Step
from symbackprop.derivation.occurrences import Softmaxes
from symbackprop.derivation.rules.known import Known
from symbackprop.equations.nodes import Access, Index, TensorSymbol, kinds, tensor_set
from symbackprop.equations.reductions import LogSumExp
from symbackprop.equations.renaming import stem
from symbackprop.equations.system import Equation

Form = tuple[Any, ...]
Names = dict[TensorSymbol, TensorSymbol]


class Adjoints:
    """The adjoint equations of a system, each form of which is derived once."""

    def __init__(self, softmaxes: Softmaxes, known: Known) -> None:
        self._softmaxes = softmaxes
        self._known = known
        self._derived: dict[Form, tuple[tuple[TensorSymbol, ...], Adjoint]] = {}

    def of(self, x: Access, consumers: Sequence[Consumer]) -> Adjoint:
        """The right-hand side of x̄ at the indices of `x`, the steps to it and to other forms."""
        if any(LogSumExp in kinds(equation.rhs) for equation, _ in consumers):
            return adjoint(x, consumers, self._softmaxes, self._known)  # reads any softmax
        written = _Written(x, consumers, self._known)
        form, own = written.form(), tuple(written.tensors)
        if form in self._derived:
            first, found = self._derived[form]
            return _renamed(found, dict(zip(first, own, strict=True)))
        found = adjoint(x, consumers, self._softmaxes, self._known)
        if all(tensor_set(expr) <= written.tensors.keys() for expr in _expressions(found)):
            self._derived[form] = own, found
        return found


class _Written:
    """What an adjoint equation is derived from; `tensors` are numbered as they first occur."""

    def __init__(self, x: Access, consumers: Sequence[Consumer], known: Known) -> None:
        self.tensors: dict[TensorSymbol, int] = {}
        self._stems: set[str] = set()  # of indices
        self._written: list[Any] = []
        self._expr(x)
        for equation, cotangent in consumers:
            self._equation(equation)
            for index in cotangent.indices:
                self._expr(index)
            self._expr(cotangent.value)
        self._facts(known)

    def form(self) -> Form:
        """Equal where all that is written is, but for the names of tensors, which sort alike.

        A tensor that an index could be named as keeps its name.
        """
        names = [tensor.name for tensor in self.tensors]
        kept = tuple(name if stem(name) in self._stems else "" for name in names)
        sorts = (sorted(range(len(names)), key=lambda k: names[k] + end) for end in ("", "["))
        return (*self._written, kept, *map(tuple, sorts))

    def _facts(self, known: Known) -> None:
        """What is known of these tensors, and of those that are known by these."""
        told: set[int] = set()
        for tensor in (waiting := list(self.tensors)):
            self._written += (tensor in known.distributions, "facts")
            for number, fact in known.about.get(tensor, ()):
                if number not in told and tensor_set(fact.key) <= self.tensors.keys():
                    told.add(number)
                    self._written.append(fact.table)
                    self._expr(fact.key)
                    self._equation(fact.equation)
                    waiting += [t for t in self.tensors if t not in waiting]

    def _equation(self, equation: Equation) -> None:
        self._expr(equation.tensor)
        self._written.append(len(equation.indices))
        for index in equation.indices:
            self._expr(index)
        self._expr(equation.rhs)

    def _expr(self, expr: Any) -> None:
        if isinstance(expr, TensorSymbol):
            number = self.tensors.get(expr)
            if number is None:
                number = self.tensors[expr] = len(self.tensors)
                self._written += ("tensor", expr.kind, expr.shape, expr.classes)
            self._written.append(number)
        elif expr.args:
            self._written += (expr.func, len(expr.args))
            for argument in expr.args:
                self._expr(argument)
        else:
            if isinstance(expr, Index):
                self._stems.add(stem(expr.name))
            self._written.append(expr)


def _expressions(found: Adjoint) -> Iterator[Expr]:
    rhs, steps, also = found
    yield rhs
    for step in (*steps, *also):
        yield from (step.before, step.after)


def _renamed(found: Adjoint, names: Names) -> Adjoint:
    """The same with other tensors, whose names sort as those before, as `form` sees to."""
    rhs, steps, also = found
    made: dict[Any, Any] = dict(names)

    def put(expr: Any) -> Any:
        if expr not in made:
            arguments = tuple(map(put, expr.args))
            if arguments == expr.args:
                made[expr] = expr
            elif isinstance(expr, (Add, Mul)):  # whose arguments are in order already
                made[expr] = expr.func._from_args(arguments)
            else:
                made[expr] = expr.func(*arguments)
        return made[expr]

    for expr in _expressions(found):
        put(expr)

    def renamed(step: Step) -> Step:
        return replace(step, before=made[step.before], after=made[step.after])

    return made[rhs], tuple(map(renamed, steps)), tuple(map(renamed, also))
