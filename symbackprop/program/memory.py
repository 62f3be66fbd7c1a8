"""What a module takes of the computer's memory, in bytes, known before anything is allocated."""

from __future__ import annotations

import math
from collections.abc import Mapping

from symbackprop.equations.evaluate_environment import extent_of
from symbackprop.program.model import Program
from symbackprop.program.operations import Shape

INTEGER, MASK = 8, 1  # bytes of a number


def parameter_bytes(program: Program, real: int) -> dict[str, int]:
    """Each parameter, where a real number takes `real` bytes."""
    symbols = [parameter.symbol for parameter in program.derivation.system.parameters]
    return {symbol.name: _bytes(symbol.shape, symbol.kind, {}, real) for symbol in symbols}


def workspace_bytes(program: Program, real: int, extents: Mapping[str, int]) -> int:
    """All buffers of a workspace at these run-time extents."""
    return sum(_bytes(buffer.shape, buffer.kind, extents, real) for buffer in program.buffers)


def _bytes(shape: Shape, kind: str, extents: Mapping[str, int], real: int) -> int:
    number = {"real": real, "integer": INTEGER, "mask": MASK}[kind]
    return number * math.prod(extent_of(size, extents) for size in shape)
