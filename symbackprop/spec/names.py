"""Names in statements and losses: each is defined, before it is used, and used as what it is."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.layers import LAYERS
from symbackprop.spec import calls
from symbackprop.spec.definitions import Definitions, bad_name
from symbackprop.spec.document import at
from symbackprop.spec.errors import Fault, Faults, did_you_mean, quoted
from symbackprop.spec.syntax import (
    Binary,
    Call,
    Compare,
    Element,
    Expression,
    InputDeclaration,
    Keyword,
    Name,
    Number,
    Place,
    Reduction,
    Sequence,
    Statement,
    Text,
    Transpose,
    Unary,
)

_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": lambda a, b: abs(a) ** b,
}

# What layers call their parameters, before the number or name of the call.
BASES = ("W", "U", "E", "b", "beta", "gamma")
_MADE = re.compile(rf"({'|'.join(BASES)})(?:(\d+)|_([A-Za-z]\w*?))(_[a-z]+)?")


@dataclass
class Names:
    """Reads statements and losses in order; `used` are the names that anything reads.

    `complete`: every definition of the spec could be read; if not, an undefined name is no fault.
    """

    definitions: Definitions
    inputs: Mapping[str, InputDeclaration]
    constants: Mapping[str, Fraction]
    targets: Mapping[str, Place]
    faults: Faults
    complete: bool = True
    extents: frozenset[str] = frozenset()
    target: str = ""
    indexed: bool = False
    used: set[str] = field(default_factory=set)
    reported: set[str] = field(default_factory=set)
    numbered: int = 0
    named: set[str] = field(default_factory=set)

    def statement(self, statement: Statement) -> None:
        """Checks the right side, then defines the left."""
        target, indices, own = statement.target, statement.indices, dict[str, Place]()
        self.target, self.indexed = target, indices is not None
        running = [i for i in indices or () if isinstance(i, Name) and i.id not in self.extents]
        for index in running:
            self._bind(index.id, index.place, own, "stands twice on the left")
        for size in (b.extent for b in statement.extents if b.extent is not None):
            self._index(size, frozenset(), None)
        self.value(statement.value, frozenset(own), self.indexed)
        if indices is None or len(running) == len(indices):
            self.definitions.define(target, "tensor", statement.place)
        elif target not in self.targets:
            message = f"a first step of {quoted(target)}, which no statement defines"
            self.faults.add(Fault(statement.place, message, "define it below, with plain indices"))

    def value(self, node: Expression, scope: frozenset[str], indexed: bool) -> None:
        """Checks an expression in which the indices of `scope` are bound."""
        match node:
            case Name():
                if node.id not in scope:
                    self._refer(node.id, node.place)
            case Element():
                self._element(node, scope, indexed)
            case Reduction():
                self._reduction(node, scope)
            case Call():
                self._call(node, scope, indexed)
            case Transpose(of=of) | Unary(of=of):
                self.value(of, scope, indexed)
            case Binary(left=left, right=right) | Compare(left=left, right=right):
                if node.op == "**" and self._is_out_of_range(left, right):
                    message = "this power is out of range"
                    self.faults.add(Fault(node.place, message, "write its value, below 1e308"))
                    return
                self.value(left, scope, indexed)
                self.value(right, scope, indexed)
            case Sequence(items=items):
                for item in items:
                    self.value(item, scope, indexed)

    def reference(self, name: str, place: Place, what: str) -> bool:
        """Whether a name in `wrt` or `outputs` is defined, or a parameter that a layer makes."""
        if name in self.definitions.known or self._is_made(name):
            return True
        if not self.complete:
            return False
        otherwise = "name something that the spec defines, or a layer's W1, b1, W2, …"
        fix = did_you_mean(name, self.definitions.known, otherwise)
        self.faults.add(Fault(place, f"{what} names {quoted(name)}, which is not defined", fix))
        return False

    def _is_out_of_range(self, base: Expression, exponent: Expression) -> bool:
        """Whether base**exponent is a number too large to be written out exactly."""
        try:
            low, high = self._constant(base), self._constant(exponent)
            if low is None or high is None:
                return False
            power = abs(low) ** high
        except (OverflowError, ZeroDivisionError):
            return True
        return abs(high) > 1000 or power == float("inf") or (power == 0 and low != 0)

    def _constant(self, node: Expression) -> float | None:
        """The value of an expression of numbers and constants; None where it is none."""
        match node:
            case Number(value=value):
                return float(value)
            case Name(id=name):
                return float(self.constants[name]) if name in self.constants else None
            case Unary(op="-", of=of):
                inner = self._constant(of)
                return None if inner is None else -inner
            case Binary(op=op, left=left, right=right) if op in _ARITHMETIC:
                a, b = self._constant(left), self._constant(right)
                return None if a is None or b is None else _ARITHMETIC[op](a, b)
        return None

    def _refer(self, name: str, place: Place, ahead: bool = False) -> None:
        """A name stands for a value; `ahead` admits a tensor defined further down."""
        self.used.add(name)
        if name in self.definitions.known or self._is_made(name) or name in self.reported:
            return
        if name in self.targets:
            if not ahead and name == self.target:
                message = f"{quoted(name)} is used in its own definition"
                earlier = "read an earlier step, such as t - 1, or " if self.indexed else ""
                self._report(name, place, message, f"{earlier}rename what is defined here")
            elif not ahead:
                where = at(self.targets[name])
                message = f"{quoted(name)} is used before it is defined, at {where}"
                self._report(name, place, message, "define it above, or rename it")
            return
        if name in calls.signatures():
            message = f"{quoted(name)} is a function, not a value"
            self._report(name, place, message, f"call it: {calls.usage(name)}")
            return
        if not self.complete:
            return
        candidates = [*self.definitions.known, *self.targets]
        fix = did_you_mean(name, candidates, "define it above, or as an input or parameter")
        self._report(name, place, f"{quoted(name)} is not defined", fix)

    def _report(self, name: str, place: Place, message: str, fix: str) -> None:
        """One fault for a name, however often it stands."""
        self.reported.add(name)
        self.faults.add(Fault(place, message, fix))

    def _is_made(self, name: str) -> bool:
        """Whether a layer call so far can have made a parameter of this name."""
        found = _MADE.fullmatch(name)
        if found is None:
            return False
        _, number, tag, suffix = found.groups()
        if number is not None:
            return 1 <= int(number[:9]) <= self.numbered
        return tag in self.named or f"{tag}{suffix or ''}" in self.named

    def _bind(self, index: str, place: Place, scope: dict[str, Place], twice: str) -> None:
        """An index enters a scope; a fault where it is taken."""
        fault = bad_name(index, place)
        known = self.definitions.known.get(index)
        if fault is None and index in calls.signatures():
            fault = Fault(place, f"index {quoted(index)} is also a function", "rename the index")
        if fault is None and index in scope:
            fault = Fault(place, f"index {quoted(index)} {twice}", "give each index its own name")
        if fault is None and known is not None:
            message = f"index {quoted(index)} is also {known.phrase}, at {at(known.place)}"
            fault = Fault(place, message, "rename the index")
        if fault is not None:
            self.faults.add(fault)
        scope[index] = place

    def _reduction(self, node: Reduction, scope: frozenset[str]) -> None:
        inner = dict.fromkeys(scope, node.place)
        for binder in node.binders:
            if binder.extent is not None:
                self._index(binder.extent, scope, None)
            self._bind(binder.index, binder.place, inner, "is bound already")
        self.value(node.body, frozenset(inner), indexed=True)

    def _element(self, node: Element, scope: frozenset[str], indexed: bool) -> None:
        if node.tensor in scope:
            if node.tensor not in self.definitions.known:  # else it is reported where it is bound
                message = f"index {quoted(node.tensor)} has no entries"
                self._report(node.tensor, node.place, message, "drop its brackets, or rename it")
        else:
            shifted = any(isinstance(index, Binary) for index in node.indices)
            self._refer(node.tensor, node.place, ahead=indexed and shifted)
        for index in node.indices:
            self._index(index, scope, node.tensor)

    def _index(self, node: Expression, scope: frozenset[str], tensor: str | None) -> None:
        """An expression in an index list of `tensor` (None: an extent)."""
        match node:
            case Name(id=name, place=place):
                if name not in scope:
                    self._index_name(name, place, tensor)
            case Element():
                self._element(node, scope, indexed=True)
                known = self.definitions.known.get(node.tensor)
                declared = self.inputs.get(node.tensor)
                if declared is not None and declared.kind != "labels":
                    what = "a real array" if declared.kind == "real" else f"a {declared.kind}"
                    self._not_labels(node, tensor, what)
                elif declared is None and known is not None and known.kind != "input":
                    self._not_labels(node, tensor, known.phrase)
            case Unary(of=of):
                self._index(of, scope, tensor)
            case Binary(left=left, right=right):
                self._index(left, scope, tensor)
                self._index(right, scope, tensor)

    def _index_name(self, name: str, place: Place, tensor: str | None) -> None:
        known, declared = self.definitions.known.get(name), self.inputs.get(name)
        label = declared is not None and declared.kind == "labels" and not declared.shape
        if label or (known is not None and known.kind in ("extent", "constant")):
            self.used.add(name)
            return
        if known is not None:
            message = f"{quoted(name)} is {known.phrase}, no index"
            self._report(name, place, message, f"write its own indices: {name}[…]")
        elif tensor is None:
            self._refer(name, place)
        elif name not in self.reported:
            message = f"index {quoted(name)} is bound by nothing"
            fix = f"put it on the left side, or under a reduction such as sum[{name}](…)"
            self._report(name, place, message, fix[:120])

    def _not_labels(self, node: Element, tensor: str | None, what: str) -> None:
        """What is no integer input stands as an index."""
        axis = f"an axis of {quoted(tensor)}" if tensor else "an axis"
        message = f"{quoted(node.tensor)} indexes {axis} but is {what}"
        fix = "only integer labels index"
        declared = self.inputs.get(node.tensor)
        if declared is not None:
            shape = ", ".join(map(str, declared.shape))
            fix = f"give it classes, {node.tensor}: {{shape: [{shape}], classes: …}}"
        self._report(node.tensor, node.place, message, fix[:160])

    def _call(self, node: Call, scope: frozenset[str], indexed: bool) -> None:
        found = list(calls.check(node))
        for fault in found:
            self.faults.add(fault)
        words = set()
        for parameter, argument in calls.bind(node) if node.function in calls.signatures() else ():
            if parameter.annotation == "str" and not isinstance(argument, Text) and not found:
                written = f'{parameter.name}="{argument.id}"' if isinstance(argument, Name) else "…"
                message = f"{parameter.name} of {node.function} takes a quoted word"
                self.faults.add(Fault(argument.place, message, f"write {written[:100]}"))
                words.add(argument)
        for argument in (*node.args, *(k.value for k in node.keywords if k.name != "name")):
            if argument not in words:
                self.value(argument, scope, indexed)
        layer = LAYERS.get(node.function)
        if layer is not None and layer.owns_parameters:
            tag = next((k for k in node.keywords if k.name == "name"), None)
            if tag is None:
                self.numbered += 1
            else:
                self._tag(tag)

    def _tag(self, keyword: Keyword) -> None:
        """`name=enc`: a word, not a reference."""
        if isinstance(keyword.value, Name):
            self.named.add(keyword.value.id)
            fault = bad_name(keyword.value.id, keyword.value.place)
            if fault is not None:
                self.faults.add(fault)
        else:
            message = "name= takes a plain word"
            self.faults.add(Fault(keyword.value.place, message, "write name=enc"))
