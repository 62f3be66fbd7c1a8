"""Python source from a program: `emit_module`, `emit_test`."""

from symbackprop.emit.module import emit_module
from symbackprop.emit.test import emit_test

__all__ = ["emit_module", "emit_test"]
