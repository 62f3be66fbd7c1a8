"""Who is called what: one name space for extents, inputs, parameters, tensors, losses, …"""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass, field

from symbackprop.spec.calls import signatures
from symbackprop.spec.document import at
from symbackprop.spec.errors import Fault, Faults, quoted
from symbackprop.spec.syntax import Place

LENGTH = 64

# What the generated module calls its own, where a name of the spec is a keyword or a function of
# it: in functions of inputs, where extents are keywords too, and in the module itself.
MODULE_ARGUMENTS = (
    *("np", "params", "rate", "workspace", "training", "state", "rng"),
    *("work", "given", "float", "int", "bool", "math", "range", "reversed", "enumerate"),
    *("max", "min", "slice"),
)
MODULE_EXTENTS = (*MODULE_ARGUMENTS, "self", "dtype", "seed", "SHAPES", "tuple")
MODULE_FUNCTIONS = (
    *("forward", "sgd_step", "init_params", "init_state", "Workspace", "SHAPES", "np", "math"),
    *(
        "AttributeError",
        "ValueError",
        "bool",
        "dict",
        "enumerate",
        "float",
        "getattr",
        "hasattr",
        "int",
        "isinstance",
        "len",
        "list",
    ),
    *("map", "next", "range", "reversed", "sorted", "str", "sum", "tuple", "type", "zip"),
    *("contextlib", "ctypes", "functools", "hashlib", "os", "pathlib", "platform", "shutil"),
    *("subprocess", "sys", "tempfile", "warnings", "all", "getattr", "open"),
    *(
        "OSError",
        "RuntimeError",
        "RuntimeWarning",
        "TypeError",
        "atexit",
        "filter",
        "id",
        "max",
        "min",
        "slice",
    ),
)

_SUFFIXES = ("_and_grads", "_sgd_step")
_MODULE = {
    "input": MODULE_ARGUMENTS,
    "extent": MODULE_EXTENTS,
    "loss": MODULE_FUNCTIONS,
    "parameter": ("rate",),  # which a step takes beside them
}
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Definition:
    """What a name stands for: `extent`, `input`, `parameter`, `constant`, `tensor` or `loss`."""

    kind: str
    place: Place

    @property
    def phrase(self) -> str:
        """The kind with its article."""
        return f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"


@dataclass
class Definitions:
    """The names defined so far, and the faults found among them."""

    faults: Faults
    known: dict[str, Definition] = field(default_factory=dict)

    def define(self, name: str, kind: str, place: Place) -> None:
        """The name enters; a fault where it is no name, reserved, or taken."""
        fault = bad_name(name, place) or self._reserved(name, kind, place)
        first = self.known.get(name)
        if fault is None and first is not None:
            later, earlier = sorted(
                (Definition(kind, place), first), key=lambda d: (d.place.line, d.place.column)
            )[::-1]
            where = at(earlier.place)
            kinds = f"{later.phrase} here, {earlier.phrase} at {where}"
            message = f"{quoted(name)} is defined twice: {kinds}"
            fault = Fault(later.place, message, "rename one of them")
        if fault is not None:
            self.faults.add(fault)
        self.known.setdefault(name, Definition(kind, place))

    def extent(self, name: str, place: Place) -> None:
        """An extent's name, which may stand in any number of shapes."""
        if name not in self.known or self.known[name].kind != "extent":
            self.define(name, "extent", place)

    def _reserved(self, name: str, kind: str, place: Place) -> Fault | None:
        if name in signatures():
            message = f"{quoted(name)} is the name of a function"
            return Fault(place, message, f"rename this {kind}")
        if name in _MODULE.get(kind, ()) or (kind == "loss" and name.endswith(_SUFFIXES)):
            message = f"{quoted(name)} is a name of the generated module's own"
            return Fault(place, message, f"rename this {kind}")
        return None


def bad_name(name: str, place: Place) -> Fault | None:
    """A fault where the text cannot be a name in a formula and in code."""
    if not _IDENTIFIER.fullmatch(name):
        fix = "start with a letter; use ASCII letters, digits and _ only"
        return Fault(place, f"{quoted(name)} is no name", fix)
    if keyword.iskeyword(name):
        return Fault(place, f"{quoted(name)} is a keyword of Python", f"rename it, to {name}_1 say")
    if len(name) > LENGTH:
        message = f"a name of {len(name)} characters; the limit is {LENGTH}"
        return Fault(place, message, "shorten it")
    return None


def bad_module_name(name: str, place: Place) -> Fault | None:
    """A fault where a module of that name would hide one that it imports itself."""
    if name in sys.stdlib_module_names or name in ("numpy", "pytest"):
        message = f"a module {quoted(name)} would hide Python's own"
        return Fault(place, message, f"rename the spec, to {name}_net say")
    return bad_name(name, place)
