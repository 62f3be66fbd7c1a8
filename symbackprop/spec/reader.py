"""A spec's text to its `Spec`: the keys of section 1, each read, then all names checked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TypeVar

from symbackprop.spec import document, fields, grammar, lines
from symbackprop.spec.declarations import Entries
from symbackprop.spec.definitions import Definition, Definitions, bad_module_name
from symbackprop.spec.document import ListNode, MappingNode, Node, ScalarNode, describe
from symbackprop.spec.errors import Enough, Fault, Faults, Refused, SpecError, did_you_mean, quoted
from symbackprop.spec.fields import attempt
from symbackprop.spec.names import Names
from symbackprop.spec.syntax import (
    Expression,
    InputDeclaration,
    LossDeclaration,
    ParameterDeclaration,
    Place,
    Source,
    Spec,
    Statement,
)

KEYS = (
    "name", "title", "notes", "dims", "inputs", "params", "constants",
    "network", "loss", "losses", "outputs", "wrt", "sparse", "train",
)  # fmt: skip
# A misspelling of one of these leaves names undefined, and is the one fault to report.
DEFINING = ("name", "dims", "inputs", "params", "constants", "network", "loss", "losses")
TRAIN_KEYS = (
    "data", "environment", "discount", "batch", "epochs", "steps", "optimizer", "rate", "momentum",
    "beta1", "beta2", "epsilon", "clip", "every", "losses", "schedule", "warmup", "factor",
    "period", "seed", "validation", "measure", "goal",
)  # fmt: skip
NETWORK_FORM = "write 'network: |' and a statement a line"

Value = TypeVar("Value")
Default = TypeVar("Default")


def read(source: Source) -> Spec:
    """The spec in the text. Raises SpecError with every fault that can be seen in the text."""
    faults = Faults()
    spec = None
    with contextlib.suppress(Enough):
        root = attempt(faults, lambda: document.read(source.text, faults))
        if root is not None:
            spec = _Reader(source, root, faults).spec()
    if faults.found or spec is None:
        raise SpecError(source, faults.found)
    return spec


class _Reader:
    """Reads one root mapping; every fault goes into `faults`, and reading goes on."""

    def __init__(self, source: Source, root: MappingNode, faults: Faults) -> None:
        self.source = source
        self.faults = faults
        self.found = fields.options(root, KEYS, "the spec", faults)
        unknown = [key.text for key, _ in root.entries if key.text not in KEYS]
        self.complete = not any(did_you_mean(word, DEFINING, "") for word in unknown)
        self.places = {key.text: key.place for key, _ in root.entries}
        self.definitions = Definitions(faults)
        self.entries = Entries(faults)

    def spec(self) -> Spec:
        name = self._name()
        title = self._option("title", lambda node: " ".join(fields.text(node, "title").split()), "")
        notes = self._option("notes", lambda node: fields.text(node, "notes"), "")
        dims = self._numbers("dims", "extent", fields.size)
        inputs = self._declared("inputs", "input", self.entries.input)
        params = self._declared("params", "parameter", self.entries.parameter)
        constants = self._numbers("constants", "constant", fields.number)
        for extent, place in self.entries.extents:
            self.definitions.extent(extent, place)
        if "inputs" not in self.found:
            self._lacks("inputs", "declare what the network reads: inputs: {x: [N, 3]}")
        network, targets = self._network()
        losses = self._losses()
        declared = {declaration.name: declaration for declaration in inputs}
        extents = frozenset(n for n, d in self.definitions.known.items() if d.kind == "extent")
        names = Names(
            self.definitions, declared, constants, targets, self.faults, self.complete, extents
        )
        read = {statement.target for statement in network}
        for target in (
            t for t in targets if t not in read
        ):  # one message for a statement is enough
            self.definitions.known.setdefault(target, Definition("tensor", targets[target]))
        for statement in network:
            names.statement(statement)
        for loss in losses:
            names.value(loss.value, frozenset(), indexed=False)
        wrt = self._references("wrt", names, inputs)
        for loss in losses:
            self._differentiable(loss.wrt or (), f"wrt of {quoted(loss.name)}", names, inputs)
            self.definitions.define(loss.name, "loss", loss.place)
        outputs = self._references("outputs", names, None)
        sparse = self._sparse(names)
        empty: Mapping[str, object] = {}
        train = self._option("train", lambda node: self._train(node, inputs), empty)
        if not self.faults.found:
            self._unused(params, names)
        return Spec(
            name, title, notes, dims, inputs, params, constants, network, losses,
            outputs, wrt, train, self.source, sparse,
        )  # fmt: skip

    def _option(self, key: str, read: Callable[[Node], Value], default: Default) -> Value | Default:
        """The value of a key that may be left out, or whose fault has been noted."""
        if key not in self.found:
            return default
        value = attempt(self.faults, lambda: read(self.found[key]))
        return default if value is None else value

    def _lacks(self, key: str, fix: str) -> None:
        """A required key is missing, unless one of the unknown keys may be it."""
        if self.complete:
            self.faults.add(Fault(None, f"the spec has no {quoted(key)}", fix))

    def _name(self) -> str:
        if "name" not in self.found:
            self._lacks("name", "add a line such as 'name: my_network'")
            return ""
        name, place = self._option("name", lambda node: fields.word(node, "name"), ("", None))
        fault = bad_module_name(name, place) if place else None
        if fault is not None:
            self.faults.add(fault)
        return name

    def _numbers(
        self, key: str, kind: str, read: Callable[[Node, str], Value]
    ) -> Mapping[str, Value]:
        """`dims` and `constants`: names with numbers."""
        numbers = {}
        for name, node in self._option(key, lambda n: fields.entries(n, key), ()):
            self.definitions.define(name.text, kind, name.place)
            value = attempt(self.faults, lambda: read(node, f"{kind} {quoted(name.text)}"))  # noqa: B023
            if value is not None:
                numbers[name.text] = value
        return numbers

    def _declared(
        self, key: str, kind: str, read: Callable[[ScalarNode, Node], Value]
    ) -> tuple[Value, ...]:
        """`inputs` and `params`."""
        declared = []
        for name, node in self._option(key, lambda n: fields.entries(n, key), ()):
            self.definitions.define(name.text, kind, name.place)
            value = attempt(self.faults, lambda: read(name, node))  # noqa: B023
            if value is not None:
                declared.append(value)
        return tuple(declared)

    def _network(self) -> tuple[tuple[Statement, ...], dict[str, Place]]:
        """The statements that can be read, and where each name on a left side is defined first."""
        node = self.found.get("network")
        if node is None or (isinstance(node, ScalarNode) and node.is_nothing):
            return (), {}
        if not isinstance(node, ScalarNode):
            self.complete = False
            message = f"network is a block of statements, not {describe(node)}"
            self.faults.add(Fault(node.place, message, NETWORK_FORM))
            return (), {}
        if node.style != "|" and "\n" in node.raw.rstrip():
            self.complete = False
            message = "network is a text whose line breaks YAML removes"
            self.faults.add(Fault(node.place, message, NETWORK_FORM))
            return (), {}
        statements: list[Statement] = []
        targets: dict[str, Place] = {}
        block = node.excerpt()
        for code in lines.statements(block, self.faults):
            statement = attempt(self.faults, lambda: grammar.statement(code))  # noqa: B023
            if statement is not None:
                statements.append(statement)
        for target, offset in lines.targets(block):
            targets.setdefault(target, block.place(offset))
        return tuple(statements), targets

    def _losses(self) -> tuple[LossDeclaration, ...]:
        if "loss" in self.found and "losses" in self.found:
            message = "both 'loss' and 'losses'"
            self.faults.add(Fault(self.places["losses"], message, "keep one of the two"))
        if "loss" in self.found:
            value = self._expression(self.found["loss"], "loss")
            place = self.places["loss"]
            return (LossDeclaration("loss", value, None, place),) if value is not None else ()
        if "losses" not in self.found:
            self._lacks("loss", "add the scalar to minimise, such as 'loss: mse(p, y)'")
            return ()
        listed = self._option("losses", lambda n: fields.entries(n, "losses"), None)
        if listed == ():
            fix = "write 'name: {value: expression, wrt: [names]}' lines"
            self.faults.add(Fault(self.places["losses"], "losses has no entry", fix))
        losses = (attempt(self.faults, lambda: self._loss(key, node)) for key, node in listed or ())  # noqa: B023
        return tuple(loss for loss in losses if loss is not None)

    def _loss(self, key: ScalarNode, node: Node) -> LossDeclaration | None:
        """`d_loss: {value: expression, wrt: [W1, b1]}`, or the expression alone."""
        wrt = None
        if isinstance(node, MappingNode):
            what = f"loss {quoted(key.text)}"
            found = fields.options(fields.uncut(node), ("value", "wrt"), what, self.faults)
            if "value" not in found:
                raise Refused(key.place, f"{what} has no value", "add value: and its expression")
            node = found["value"]
            wrt = self._by(found["wrt"]) if "wrt" in found else None
        value = self._expression(node, key.text)
        return LossDeclaration(key.text, value, wrt, key.place) if value is not None else None

    def _by(self, node: Node) -> tuple[tuple[str, Place], ...]:
        """`[W1, b1]`; or `[]` for a scalar that is measured and stepped by nothing."""
        if isinstance(node, ListNode) and not node.items:
            return ()
        return fields.words(node, "wrt")

    def _expression(self, node: Node, name: str) -> Expression | None:
        if not isinstance(node, ScalarNode) or node.text.strip() == "" or node.is_nothing:
            fix = "write one scalar expression, such as mse(p, y)"
            message = f"{quoted(name)} is {describe(node)}, not an expression"
            self.faults.add(Fault(node.place, message, fix))
            return None
        code = lines.expression(node.excerpt(), self.faults)
        if code is None:
            return None
        return attempt(self.faults, lambda: grammar.expression(code))

    def _unused(self, params: tuple[ParameterDeclaration, ...], names: Names) -> None:
        for parameter in params:
            if parameter.name not in names.used:
                message = f"parameter {quoted(parameter.name)} is read by no statement and no loss"
                self.faults.add(Fault(parameter.place, message, "delete it, or use it"))

    def _references(
        self, key: str, names: Names, inputs: tuple[InputDeclaration, ...] | None
    ) -> tuple[tuple[str, Place], ...] | None:
        """`wrt` (with inputs) or `outputs` (without)."""
        if key not in self.found:
            return None
        listed = self._option(key, lambda node: fields.words(node, key), ())
        if inputs is not None:
            self._differentiable(listed, key, names, inputs)
            return listed
        for name, place in listed:
            if names.reference(name, place, key):
                known = self.definitions.known.get(name)
                if known is not None and known.kind not in ("tensor", "input"):
                    message = f"outputs names {quoted(name)}, which is of kind {known.kind}"
                    self.faults.add(Fault(place, message, "name tensors of the network"))
        return listed

    def _sparse(self, names: Names) -> tuple[tuple[str, Place], ...]:
        """`sparse`: parameters, declared or made by a layer."""
        listed = self._option("sparse", lambda node: fields.words(node, "sparse"), ())
        for name, place in listed:
            known = self.definitions.known.get(name)
            if names.reference(name, place, "sparse") and known and known.kind != "parameter":
                message = f"sparse names {quoted(name)}, which is of kind {known.kind}"
                fix = "name parameters that are read by rows, as an embedding's E1"
                self.faults.add(Fault(place, message, fix))
        return listed

    def _differentiable(
        self, listed: tuple[tuple[str, Place], ...], what: str, names: Names,
        inputs: tuple[InputDeclaration, ...],
    ) -> None:  # fmt: skip
        """A loss is differentiated by parameters and real inputs."""
        kinds = {declared.name: declared.kind for declared in inputs}
        fix = "name parameters, or inputs of real numbers"
        for name, place in listed:
            known = self.definitions.known.get(name)
            if not names.reference(name, place, what) or known is None:
                continue
            if known.kind not in ("input", "parameter"):
                message = f"{what} names {quoted(name)}, which is of kind {known.kind}"
                self.faults.add(Fault(place, message, fix))
            elif kinds.get(name, "real") in ("labels", "mask"):
                message = f"{what} names {quoted(name)}, whose entries are {kinds[name]}"
                self.faults.add(Fault(place, message, fix))

    def _train(self, node: Node, inputs: tuple[InputDeclaration, ...]) -> Mapping[str, object]:
        """`train:` as plain values; what they mean is the trainer's to check."""
        fix = "write 'key: value' lines below it, indented"
        if not isinstance(node, MappingNode):
            raise Refused(node.place, f"train is a mapping, not {describe(node)}", fix)
        found = fields.options(node, TRAIN_KEYS, "train", self.faults)
        names = [declared.name for declared in inputs]
        rows = found.get("data")
        for key, _ in rows.entries if isinstance(rows, MappingNode) else ():
            if key.text not in names:
                message = f"data for {quoted(key.text)}, which is no input"
                fix = did_you_mean(key.text, names, f"the inputs are {', '.join(names)}")
                self.faults.add(Fault(key.place, message, fix))
        return {key: fields.plain(value) for key, value in found.items()}
