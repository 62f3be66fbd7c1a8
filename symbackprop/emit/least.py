"""How large run-time extents have to be, so that every extent made of them is at least 1."""

from __future__ import annotations

from sympy import Expr, Integer, Symbol

from symbackprop.derivation.model import Derivation
from symbackprop.emit.layout import Call, lines, quoted
from symbackprop.emit.numbers import number
from symbackprop.equations.nodes import Index, TensorSymbol
from symbackprop.equations.ranges import nonnegative


def least_extents(derivation: Derivation) -> dict[str, int]:
    """The least value of each run-time extent that has to be more than 1, by name."""
    found: dict[str, int] = {}
    for extent in _made(derivation):
        symbols = sorted(extent.free_symbols, key=lambda s: s.name)
        if len(symbols) == 1:
            value = found.get(symbols[0].name, 1)
            while not extent.xreplace({symbols[0]: Integer(value)}) >= 1:
                value += 1
            found[symbols[0].name] = value
    return {name: value for name, value in sorted(found.items()) if value > 1}


def joint_checks(derivation: Derivation) -> list[str]:
    """Checks of the extents that are made of several run-time extents, as T - S + 1 is."""
    found: list[str] = []
    for extent in _made(derivation):
        if len(extent.free_symbols) > 1:
            looked_up = {s: Symbol(f"extents[{quoted(s.name)}]") for s in extent.free_symbols}
            known = number(extent.xreplace(looked_up))
            call = Call("_check_made", (quoted(number(extent)), known))
            found += where_known(extent, call)
    return found


def where_known(extent: Expr, check: Call) -> list[str]:
    """A check of an extent, made where all that it is made of are known.

    A loss that is a constant takes no array to learn them from.
    """
    names = sorted(quoted(s.name) for s in extent.free_symbols)
    condition = f"{names[0]} in extents"
    if len(names) > 1:
        condition = f"extents.keys() >= {{{', '.join(names)}}}"
    return [f"    if {condition}:", *lines("", check, indent=8)]


def _made(derivation: Derivation) -> list[Expr]:
    """The extents made of others that these may leave below 1."""
    found: dict[Expr, None] = {}
    seen: set[Symbol] = set()
    for line in derivation.lines():
        atoms = line.equation.rhs.atoms(Index, TensorSymbol) | {line.equation.tensor}
        new = atoms - seen
        seen |= new
        for atom in sorted(new, key=lambda a: (a.name, type(a).__name__)):
            for extent in (atom.extent,) if isinstance(atom, Index) else atom.shape:
                if extent.free_symbols and not extent.is_Symbol and not nonnegative(extent - 1):
                    found[extent] = None
    return list(found)
