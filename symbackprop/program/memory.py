"""What a module takes of the computer's memory, known before anything is allocated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from symbackprop.equations.evaluate_environment import extent_of
from symbackprop.program.model import Program
from symbackprop.program.operations import Shape

INTEGER, MASK = 8, 1  # bytes of a number


@dataclass(frozen=True)
class Memory:
    """Bytes of a module whose real numbers take `real` bytes: of each parameter, of a workspace."""

    parameters: Mapping[str, int]
    buffers: tuple[tuple[Shape, str], ...]
    real: int

    def workspace(self, extents: Mapping[str, int]) -> int:
        """All buffers of a workspace at these run-time extents."""
        return sum(_bytes(shape, kind, extents, self.real) for shape, kind in self.buffers)


def memory(program: Program, real: int) -> Memory:
    """What the program's module takes."""
    symbols = [parameter.symbol for parameter in program.derivation.system.parameters]
    return Memory(
        {symbol.name: _bytes(symbol.shape, symbol.kind, {}, real) for symbol in symbols},
        tuple((buffer.shape, buffer.kind) for buffer in program.buffers),
        real,
    )


def _bytes(shape: Shape, kind: str, extents: Mapping[str, int], real: int) -> int:
    number = {"real": real, "integer": INTEGER, "mask": MASK}[kind]
    return number * math.prod(extent_of(size, extents) for size in shape)
