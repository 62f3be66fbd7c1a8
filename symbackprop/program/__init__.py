"""From a derivation to array operations: `lower`."""

from symbackprop.program.lower import lower

__all__ = ["lower"]
