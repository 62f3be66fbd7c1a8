"""Which values live in variables of a loop's body, and which of those are stored as well.

A value is read from its variable wherever it is read in the body that sets it, or deeper inside, at
the same entry; if it is read nowhere else, no memory holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from symbackprop.emit.native.accesses import Access
from symbackprop.emit.native.memory import Memory
from symbackprop.emit.native.pieces import Block, Loop, Node, Statement

Paths = Mapping[Statement, tuple[Loop, ...]]


class Variables:
    """The variables of one function.

    `readers` are the values that read each value, `kept` are read after the function, or at other
    steps of a loop.
    """

    def __init__(
        self, memory: Memory, readers: Mapping[int, frozenset[int]], kept: frozenset[int]
    ) -> None:
        self.memory = memory
        self.readers = readers
        self.kept = kept
        self._of: dict[int, str] = {}
        self._stored: set[int] = set()
        self._through: set[tuple[Statement, int]] = set()
        self._names: dict[tuple[str, int], str] = {}

    def of(self, value: int) -> str | None:
        """The variable that a statement sets; None for a value that is only in memory."""
        return self._of.get(value)

    def is_stored(self, value: int) -> bool:
        return value in self._stored

    def read(self, one: Statement, operand: int) -> str | None:
        """The variable that an operand is read from; None where it is read from memory."""
        through = (one, operand) in self._through
        return self._of[one.operands[operand].origin] if through else None

    def accumulator(self, one: Statement) -> str:
        """The variable in which a reduction is collected."""
        if one.target.form == "local":
            return one.target.pointer
        return self._of.setdefault(one.value, self._name(one))

    def declared(self, node: Node) -> set[str]:
        """The variables that stand in the body in which a node does."""
        if isinstance(node, Statement):
            return {self._of[node.value]} if node.value in self._of else set()
        if isinstance(node, Loop):
            inside = (s for s in node.statements() if s.ends_with(node))
            return {self.accumulator(s) for s in inside}
        return set()

    def needed(self, pieces: Sequence[Statement | Block]) -> list[Statement | Block]:
        """Without statements whose values nothing reads: positions that have been taken apart."""
        found: list[Statement | Block] = []
        read: set[int] = set()
        apart = {p.value for p in pieces if isinstance(p, Block)}
        together = {p.value for p in pieces} - apart
        for piece in reversed(pieces):
            if isinstance(piece, Statement):
                value = piece.value
                inside = self.readers.get(value, frozenset()) <= together
                if inside and value not in read and value not in self.kept and piece.whole:
                    continue
                read |= {o for operand in piece.operands for o in _origins(operand)}
                read |= {o for g in piece.target.gathered for o in _origins(g.access)}
                read.add(self.memory.written_over(value))
            found.append(piece)
        return found[::-1]

    def likely(self, pieces: Sequence[Statement | Block]) -> set[int]:
        """The values that may need no memory: all that reads them are statements among these."""
        apart = {p.value for p in pieces if isinstance(p, Block)}
        together = {p.value for p in pieces} - apart
        over = {self.memory.based_on(value) for value in together | apart}
        return {
            p.value
            for p in pieces
            if isinstance(p, Statement)
            and p.whole
            and p.target.form == "memory"
            and not p.target.gathered
            and p.value not in self.kept | over
            and self.readers.get(p.value, frozenset()) <= together
        }

    def settle(self, nodes: Sequence[Node]) -> set[int]:
        """Decide for the values that these nodes compute; return those that are stored."""
        paths = dict(_paths(nodes, ()))
        blocks = {n.value for n in nodes if isinstance(n, Block)}
        by_value: dict[int, list[Statement]] = {}
        for one in paths:
            by_value.setdefault(one.value, []).append(one)
            self._of.pop(one.value, None)
        stored = set(by_value)
        for value, (made, *more) in by_value.items():
            depth = _scope(made)
            alone = not more and made.whole and not made.target.gathered
            if depth is None or not alone or made.target.form == "local":
                continue
            found = [s for reader in self.readers.get(value, ()) for s in by_value.get(reader, ())]
            inside = _inside(made, depth, found, paths)
            self._through |= inside
            if inside:
                self._of[value] = self._name(made)
            reads = [(s, k) for s in found for k, o in enumerate(s.operands) if _has(o, value)]
            known = {s.value for s, _ in reads} - blocks
            readers = self.readers.get(value, frozenset())
            based = any(self.memory.based_on(reader) == value for reader in readers)
            if inside.issuperset(reads) and readers <= known and value not in self.kept:
                stored -= set() if based else {value}
        self._stored = self._stored - set(by_value) | stored
        return stored

    def _name(self, made: Statement) -> str:
        key = made.target.pointer, _scope(made) or 0
        if key not in self._names:
            self._names[key] = self.memory.names.new(f"{key[0]}_i")
        return self._names[key]


def _inside(
    made: Statement, depth: int, readers: Iterable[Statement], paths: Paths
) -> set[tuple[Statement, int]]:
    """The operands that can be the variable which the statement sets."""
    scope = paths[made][:depth]
    found: set[tuple[Statement, int]] = set()
    for reader in readers:
        path = paths[reader]
        if len(path) < depth or any(a is not b for a, b in zip(path, scope, strict=False)):
            continue
        for k, operand in enumerate(reader.operands):
            same = (
                operand.origin == made.value
                and operand.form == "memory"
                and not operand.gathered
                and operand.offset == made.target.offset
                and operand.strides[:depth] == made.target.strides[:depth]
                and all(s == 0 for s in operand.strides[depth:])
            )
            if same:
                found.add((reader, k))
    return found


def _paths(
    nodes: Iterable[Node], path: tuple[Loop, ...]
) -> Iterable[tuple[Statement, tuple[Loop, ...]]]:
    """Every statement, and the loops around it."""
    for node in nodes:
        if isinstance(node, Loop):
            yield from _paths(node.body, (*path, node))
        elif isinstance(node, Statement):
            yield node, path


def _scope(made: Statement) -> int | None:
    """How many loops are around where the value is known; None where it is only in memory."""
    if not any(made.reduced):
        return None if made.combine else len(made.shape)
    return None if any(made.reduced[: made.suffix]) else made.suffix


def _has(access: Access, value: int) -> bool:
    return value in _origins(access)


def _origins(access: Access) -> set[int]:
    """The values that an access reads, those of the integers that it is gathered by among them."""
    return {access.origin}.union(*(_origins(g.access) for g in access.gathered))
