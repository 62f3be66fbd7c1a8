"""The table of pointers that a compiled function reads: what stands where in it.

A compiled function knows no names: it is handed one array of pointers, `at`, whose order is that of
`slots`. First what users hand in, then what a workspace owns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symbackprop.program.model import Function, Program
from symbackprop.program.operations import Shape

GIVEN = ("parameter", "input", "state")
MODES = ("in_training", "in_use")


@dataclass(frozen=True)
class Slot:
    """One array: a parameter, input, state, constant or buffer, or the place of a scalar result."""

    source: str
    name: str
    kind: str
    shape: Shape

    @property
    def is_given(self) -> bool:
        """Whether users hand it in, at every call anew."""
        return self.source in GIVEN


def slots(program: Program) -> tuple[Slot, ...]:
    """Every array that some function of the program reads or writes, in the order of the table."""
    system = program.derivation.system
    given = [("parameter", p.symbol) for p in system.parameters]
    given += [("input", i.symbol) for i in system.inputs]
    given += [("state", s.symbol) for s in system.states]
    found = [Slot(source, s.name, s.kind, s.shape) for source, s in given]
    found += _constants(program)
    found += [Slot("buffer", b.name, b.kind, b.shape) for b in program.buffers]
    return (*found, *_scalar_results(program))


def modes(program: Program) -> tuple[Program, ...]:
    """The program of training, and that of use where it is another one."""
    return (program,) if program.in_use is None else (program, program.in_use)


def entry_name(function: Function, mode: str) -> str:
    """What the compiled function is called."""
    return f"{function.name}_{mode}"


def compiled(program: Program) -> Iterator[tuple[Program, Function, str]]:
    """Every function that is compiled, with the program that it is one of, and the mode."""
    for mode, name in zip(modes(program), MODES, strict=False):
        for function in mode.functions:
            yield mode, function, name


def _constants(program: Program) -> list[Slot]:
    """What is made of extents alone; those of both modes, each once."""
    found = {
        name: Slot("constant", name, mode.values[value].kind, mode.values[value].shape)
        for mode in modes(program)
        for value, name in mode.constants.items()
    }
    return list(found.values())


def _scalar_results(program: Program) -> list[Slot]:
    """Results without axes, which have no buffer; a loss is what its function returns."""
    found: dict[str, Slot] = {}
    for mode in modes(program):
        losses = {loss.name for loss in mode.losses}
        for function in mode.functions:
            for name, value in function.results.items():
                operation = mode.values[value]
                is_loss = name in losses and function is not mode.forward
                if not operation.shape and not is_loss:
                    found[name] = Slot("result", name, operation.kind, ())
    return list(found.values())
