"""Source from a program: `emit_module` and `emit_test` (Python), `emit_native` (C)."""

from symbackprop.emit.module import emit_module
from symbackprop.emit.native import emit_native
from symbackprop.emit.test import emit_test

__all__ = ["emit_module", "emit_native", "emit_test"]
