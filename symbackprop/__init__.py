"""Backpropagation derived by hand, by a machine: the equations, the proof and the NumPy code.

import symbackprop as sb

net = sb.load("keras_mlp")        # or sb.parse(text): the spec
d = sb.derive(net)                # its derivation: d["W1"] is the gradient by W1
sb.render(d, "keras_mlp.md")      # as a document
module = sb.compile(d)            # as a NumPy module, imported
report = sb.check(d)              # true only if every check holds
sb.audit("net.py:step", d)        # hand-written gradients held against it, the fault named
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "CallError",
    "Notation",
    "SpecError",
    "Unproved",
    "__version__",
    "audit",
    "build",
    "check",
    "compile",
    "derive",
    "generate",
    "inspect",
    "load",
    "numbers",
    "parse",
    "render",
    "show",
    "train",
]

if TYPE_CHECKING:
    from symbackprop.errors import CallError, Unproved
    from symbackprop.notation import Notation
    from symbackprop.pipeline import (
        audit,
        build,
        check,
        compile,
        derive,
        generate,
        inspect,
        load,
        numbers,
        parse,
        render,
        show,
        train,
    )
    from symbackprop.spec.errors import SpecError


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: `import symbackprop` alone is instant."""
    if name not in __all__:
        raise AttributeError(f"module 'symbackprop' has no attribute '{name}'")
    if name == "SpecError":
        from symbackprop.spec.errors import SpecError

        return SpecError
    from symbackprop import errors, pipeline

    return getattr(errors if hasattr(errors, name) else pipeline, name)


def __dir__() -> list[str]:
    return __all__
