"""Equations to adjoint equations: the chain rule, step by step."""

from symbackprop.derivation.differentiate import differentiate, variables
from symbackprop.derivation.model import Derivation, Line, LossDerivation, Step

__all__ = ["Derivation", "Line", "LossDerivation", "Step", "differentiate", "variables"]
