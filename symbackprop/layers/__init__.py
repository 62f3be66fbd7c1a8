"""The vocabulary: every layer and loss, by family. SymPy-free."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.layers import dense, losses, penalties, probability, shape
from symbackprop.layers.registry import Layer, family

LAYERS: Mapping[str, Layer] = {
    name: layer
    for module in (dense, probability, shape, losses, penalties)
    for name, layer in family(module).items()
}

__all__ = ["LAYERS", "Layer"]
