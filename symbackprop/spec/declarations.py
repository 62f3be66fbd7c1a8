"""The declarations of a spec: inputs, parameters, and the extents that they name."""

from __future__ import annotations

from symbackprop.spec.document import ListNode, MappingNode, Node, ScalarNode, describe
from symbackprop.spec.draws import law
from symbackprop.spec.errors import Faults, Refused, did_you_mean, listed, quoted
from symbackprop.spec.fields import extent, options, truth, uncut, word
from symbackprop.spec.initial import default, initial
from symbackprop.spec.syntax import InputDeclaration, ParameterDeclaration, Place

KINDS = ("real", "labels", "mask", "distribution")


class Entries:
    """Reads inputs and parameters; `extents` collects the named extents with their places."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.extents: list[tuple[str, Place]] = []

    def shape(self, node: Node, what: str) -> tuple[int | str, ...]:
        if not isinstance(node, ListNode):
            example = node.text[:40] if isinstance(node, ScalarNode) and node.text else "N, 3"
            message = f"{what} is a list of extents, not {describe(node)}"
            raise Refused(node.place, message, f"write [{example}]")
        return tuple(self.extent(item, f"an extent of {what}") for item in node.items)

    def extent(self, node: Node, what: str) -> int | str:
        found, place = extent(node, what)
        if isinstance(found, str):
            self.extents.append((found, place))
        return found

    def input(self, key: ScalarNode, node: Node) -> InputDeclaration:
        """`x: [N, 784]`, `y: {shape: [N], classes: 10}` or `eps: {shape: [N, 8], draw: normal}`."""
        name, what = key.text, f"the shape of input {quoted(key.text)}"
        if not isinstance(node, MappingNode):
            return InputDeclaration(name, self.shape(node, what), "real", None, key.place)
        known, said = ("shape", "classes", "kind", "draw"), f"input {quoted(name)}"
        found = options(uncut(node), known, said, self.faults)
        shape = self._shape_of(found, node, said)
        kind, place = "labels" if "classes" in found else "real", node.place
        draw = law(found["draw"]) if "draw" in found else None
        if draw is not None and draw.name == "bernoulli":
            kind = "mask"
        if "kind" in found:
            kind, place = word(found["kind"], "kind")
        if kind not in KINDS:
            fix = did_you_mean(kind, KINDS, f"kinds are {listed(KINDS)}")
            raise Refused(place, f"unknown kind {quoted(kind)}", fix)
        if kind == "labels" and "classes" not in found:
            message = f"labels {quoted(name)} without classes"
            raise Refused(place, message, "say how many classes there are: classes: 10")
        if kind != "labels" and "classes" in found:
            message = f"input {quoted(name)} has classes, but its kind is {kind}"
            raise Refused(place, message, "only labels have classes; delete one of the two")
        if kind == "distribution" and not shape:
            message = f"distribution {quoted(name)} of rank 0"
            raise Refused(place, message, "its rows lie along the last axis: give it one")
        if draw is not None and kind != ("mask" if draw.name == "bernoulli" else "real"):
            made = "a mask" if draw.name == "bernoulli" else "real numbers"
            message = f"{draw.name} draws {made}, but {quoted(name)} is of kind {kind}"
            raise Refused(found["draw"].place, message, "delete one of the two")
        classes = None
        if "classes" in found:
            classes = self.extent(found["classes"], f"classes of {quoted(name)}")
        return InputDeclaration(name, shape, kind, classes, key.place, draw)

    def parameter(self, key: ScalarNode, node: Node) -> ParameterDeclaration:
        """`W: {shape: [3, 4], init: normal(0.1), trainable: false}`, or `W: [3, 4]`."""
        name, what = key.text, f"parameter {quoted(key.text)}"
        if not isinstance(node, MappingNode):
            shape = self.shape(node, f"the shape of {what}")
            return ParameterDeclaration(name, shape, default(shape), True, key.place)
        found = options(uncut(node), ("shape", "init", "trainable"), what, self.faults)
        shape = self._shape_of(found, node, what)
        init = initial(found["init"], shape) if "init" in found else default(shape)
        trainable = truth(found["trainable"], "trainable") if "trainable" in found else True
        return ParameterDeclaration(name, shape, init, trainable, key.place)

    def _shape_of(self, found: dict[str, Node], node: Node, what: str) -> tuple[int | str, ...]:
        if "shape" not in found:
            raise Refused(node.place, f"{what} has no shape", "add shape: [N, 3]")
        return self.shape(found["shape"], f"the shape of {what}")
