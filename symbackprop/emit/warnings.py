"""What NumPy would warn of in a generated function where nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterable

from symbackprop.emit.numbers import undefined_somewhere
from symbackprop.program.model import Function, Program
from symbackprop.program.operations import Apply, Scalar

UNDEFINED = frozenset(["divide", "invalid", "over"])
# Functions that numbers which are not positive can leave undefined.
PARTIAL = frozenset(["log", "log1p", "sqrt", "power"])


def silenced(warnings: Iterable[str]) -> str:
    """The decorator of a function in which NumPy does not warn of these."""
    ignored = ", ".join(f'{warning}="ignore"' for warning in sorted(warnings))
    return f"@np.errstate({ignored})"


def ignored_warnings(program: Program, function: Function) -> set[str]:
    """What NumPy would warn of where nothing is wrong.

    1 / (1 + exp(-x)) may overflow to its limit; `where` computes the branch not taken as well; what
    some run-time extents leave undefined is NaN.
    """
    values = program.values
    ignored: set[str] = set()
    if undefined(program, [*function.order, *function.results.values()]):
        ignored |= UNDEFINED
    for value in function.order:
        operation = values[value]
        if not isinstance(operation, Apply):
            continue
        if operation.function == "where":
            ignored |= UNDEFINED
        if operation.function == "divide" and isinstance(values[operation.inputs[0]], Scalar):
            below = values[operation.inputs[1]]
            if isinstance(below, Apply) and below.function == "add":
                parts = [values[v] for v in below.inputs]
                if any(isinstance(p, Apply) and p.function == "exp" for p in parts):
                    ignored.add("over")
    return ignored


def undefined(program: Program, computed: Iterable[int]) -> bool:
    """Whether some run-time extents make a number that the values need NaN or infinite."""
    for value in computed:
        operation = program.values[value]
        operands = [program.values[v] for v in operation.operands]
        numbers = [o.number for o in (operation, *operands) if isinstance(o, Scalar)]
        if any(undefined_somewhere(number) for number in numbers):
            return True
        if not isinstance(operation, Apply):
            continue
        first, last = (operands[k] for k in (0, -1))
        if operation.function in PARTIAL and isinstance(first, Scalar):
            unsafe = not first.number.is_positive
        elif operation.function == "divide" and isinstance(last, Scalar):
            unsafe = not last.number.is_nonzero
        else:
            unsafe = False
        if unsafe:
            return True
    return False
