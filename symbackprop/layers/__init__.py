"""The vocabulary: every layer and loss, by family. SymPy-free."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.layers import (
    attention,
    dense,
    losses,
    normalisation,
    penalties,
    probability,
    shape,
)
from symbackprop.layers.registry import Layer, family

LAYERS: Mapping[str, Layer] = {
    name: layer
    for module in (dense, attention, normalisation, probability, shape, losses, penalties)
    for name, layer in family(module).items()
}

__all__ = ["LAYERS", "Layer"]
