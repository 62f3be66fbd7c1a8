"""The vocabulary: every layer and loss, by family. SymPy-free."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.layers import (
    attention,
    convolution,
    dense,
    losses,
    normalisation,
    penalties,
    pooling,
    probability,
    random,
    recurrent,
    shape,
)
from symbackprop.layers.registry import Layer, family

FAMILIES = (
    dense,
    convolution,
    pooling,
    attention,
    normalisation,
    recurrent,
    probability,
    random,
    shape,
    losses,
    penalties,
)

LAYERS: Mapping[str, Layer] = {
    name: layer for module in FAMILIES for name, layer in family(module).items()
}

__all__ = ["LAYERS", "Layer"]
