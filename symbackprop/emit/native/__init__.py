"""The native target: the functions of a program as loops in one C file, and the way into it."""

from symbackprop.emit.native.source import emit_native

__all__ = ["emit_native"]
