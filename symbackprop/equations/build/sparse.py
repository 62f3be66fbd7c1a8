"""Which parameters have gradients by rows: those that are read nowhere but at rows that data name.

Where every read is E[ids[n], …], the gradient Σ_n dy[n, …] δ(u, ids[n]) is 0 in all other rows,
and can be handed out as the rows ids[n] with the values dy[n, …].
"""

from __future__ import annotations

from collections.abc import Sequence

from symbackprop.equations.build.scope import Scope
from symbackprop.equations.nodes import Access, Index, TensorSymbol, free_indices
from symbackprop.equations.system import Equation, Loss
from symbackprop.spec.errors import Fault
from symbackprop.spec.syntax import Place


def sparse_parameters(scope: Scope, losses: Sequence[Loss]) -> tuple[TensorSymbol, ...]:
    """The parameters that `sparse` names; a fault for each that is not read by rows alone."""
    found: list[TensorSymbol] = []
    for name, place in scope.spec.sparse:
        parameter = scope.parameters.get(name)
        if parameter is None:
            known = ", ".join(scope.parameters)
            message = f"sparse names '{name}', which is no parameter"
            scope.faults.append(Fault(place, message, f"the parameters are {known}"))
            continue
        symbol = parameter.symbol
        if not any(symbol in loss.wrt for loss in losses):
            message = f"sparse names '{name}', by which no loss is differentiated"
            scope.faults.append(Fault(place, message, "add it to wrt, or leave it out of sparse"))
        fault = _dense(symbol, scope.equations, place)
        if fault is not None:
            scope.faults.append(fault)
        found.append(symbol)
    return tuple(found)


def _dense(symbol: TensorSymbol, equations: Sequence[Equation], place: Place) -> Fault | None:
    """A fault where some equation reads the parameter otherwise than by rows that data name."""
    for equation in equations:
        for access in sorted(equation.rhs.atoms(Access), key=str):
            if access.tensor != symbol or _by_rows(access):
                continue
            where = f", at line {equation.place.line}" if equation.place is not None else ""
            message = f"the gradient by '{symbol.name}' is dense: {access} is read{where}"
            fix = "sparse parameters are read at labels only, as E[ids[n], k], and by no l1 or l2"
            return Fault(place, message, fix)
    return None


def _by_rows(access: Access) -> bool:
    """E[ids[n], k]: a label in front, then plain indices, each once and none that chose the row."""
    row, *others = access.indices or (None,)
    plain = all(isinstance(i, Index) for i in others) and len(set(others)) == len(others)
    return (
        isinstance(row, Access)
        and row.tensor.kind == "integer"
        and plain
        and free_indices(row).isdisjoint(others)
    )
