"""Loop nests as C: the loops, the equations that they serve, and which of them are vectorised."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from symbackprop.emit.aliases import Aliases
from symbackprop.emit.formulas import formula
from symbackprop.emit.layout import comment
from symbackprop.emit.native.accesses import Access
from symbackprop.emit.native.fusion import collapsed, fused
from symbackprop.emit.native.pieces import Block, Loop, Node, Statement
from symbackprop.emit.native.strips import lengthened
from symbackprop.emit.native.threads import shared
from symbackprop.emit.native.writer import REDUCTIONS, Writer, loop_head

FEW = 4  # a loop over so few positions is rolled out by the compiler


class Nests:
    """Prints the loops of one function."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.memory = writer.memory
        self.variables = writer.variables
        self._shown = 0
        self._aliases = Aliases(self.memory.program, self.memory.function)
        self._declared: dict[int, set[str]] = {}
        self._written: set[str] = set()

    # What blocks ask for

    def pointer(self, access: Access, written: bool = False) -> str:
        return self.memory.declare(access, written)

    def counters(self, depth: int) -> tuple[str, ...]:
        return self.writer.counters(depth)

    def nest(self, statements: Sequence[Statement], depth: int) -> list[str]:
        """Statements of a block: nothing of theirs lives in variables."""
        nodes = collapsed(fused(statements))
        return [line for node in nodes for line in self._node(node, depth, depth, ())]

    # Regions

    def region(self, pieces: Sequence[Statement | Block], depth: int) -> list[str]:
        """Pieces that follow each other in a function, or in the body of a loop over steps."""
        nodes = self._fused(self.variables.needed(pieces))
        declared = self._declared.setdefault(depth, set())
        found: list[str] = []
        for node in nodes:
            found += self._node(node, depth, depth, declared)
            declared |= self.variables.declared(node)
        return found

    def _fused(self, pieces: Sequence[Statement | Block]) -> list[Node]:
        """The loops of pieces. What lives in variables alone stands in no other value's way.

        Which values do is known only then: those that turn out to be stored count the next time.
        """
        free = self.variables.likely(pieces)
        while True:
            nodes = collapsed(fused([p.freed(free) for p in pieces]))
            nodes = lengthened(nodes, self.memory)
            stored = free & self.variables.settle(nodes)
            if not stored:
                return nodes
            free -= stored

    def begin(self, depth: int) -> None:
        """A body of its own begins at this depth: no variables are declared in it."""
        self._declared.pop(depth, None)

    def title(self, line: int, depth: int) -> list[str]:
        """The equation that the next lines serve, where it is another one than before."""
        lines, before = self.memory.program.lines, self._shown
        self._shown = line
        if line == before or line not in lines:
            return []
        told = self._aliases.before({line})
        found = [t for a in told for t in self._numbered(a.number, depth, f": {a.said}")]
        return [*found, *self._numbered(line, depth)]

    def untold(self, depth: int) -> list[str]:
        """The aliases that stand behind all statements."""
        found = self._aliases.rest()
        return [t for a in found for t in self._numbered(a.number, depth, f": {a.said}")]

    def _numbered(self, line: int, depth: int, said: str = "") -> list[str]:
        text = f"({line}) {formula(self.memory.program.lines[line].equation)}{said}"
        return [t.replace("#", "//", 1) for t in comment(text, 4 * depth)]

    def _node(self, node: Node, depth: int, base: int, outer: Collection[str]) -> list[str]:
        """A node at a depth, the loops of whose nest begin at the depth `base`."""
        if isinstance(node, Block):
            return [*self.title(node.line, depth), *node.lines(self, depth)]
        margin = "    " * depth
        if isinstance(node, Statement):
            written = self.writer.statement(node, sorted(outer))
            return [*self.title(node.line, depth), *(margin + line for line in written)]
        statements = node.statements()
        found: list[str] = []
        if len({s.line for s in statements}) == 1:
            found += self.title(statements[0].line, depth)
        found += self.writer.starts(node, depth, base)
        if depth == base:
            self._written = {m for s in statements for m in s.target.memory.split("|")}
        else:
            found += self.writer.rows_of(node, self._written, depth)
        rows = dict(self.writer.rows)
        found += self._directives(node, depth == base)
        counter = self.writer.counter(node)
        self.writer.around.append(counter)
        found.append(margin + loop_head(counter, node.extent, node.step))
        declared = set(outer)
        for inner in node.body:
            found += self._node(inner, depth + 1, base, declared)
            declared |= self.variables.declared(inner)
        self.writer.rows = rows
        self.writer.around.pop()
        return [*found, f"{margin}}}", *self.writer.ends(node, depth)]

    def _directives(self, loop: Loop, outermost: bool) -> list[str]:
        """That a loop is shared among threads, or vectorised, or both."""
        vectorised = self._vectorised(loop)
        sharing = shared(loop, self.variables) if outermost else None
        return vectorised if sharing is None else [sharing.directive(bool(vectorised))]

    def _vectorised(self, loop: Loop) -> list[str]:
        """The directive of a loop whose positions may be done in any order."""
        few = loop.extent.is_Integer and loop.extent <= FEW
        if few or any(not isinstance(node, Statement) for node in loop.body):
            return []
        clauses: dict[str, list[str]] = {}
        for one in loop.statements():
            scattered = any(g.access.strides[loop.level] != 0 for g in one.target.gathered)
            if scattered or one.combine.startswith("arg"):
                return []
            if one.suffix <= loop.level:
                names = clauses.setdefault(REDUCTIONS[one.combine], [])
                names.append(self.variables.accumulator(one))
        text = "".join(f" reduction({sign} : {', '.join(n)})" for sign, n in clauses.items())
        return [f"#pragma omp simd{text}"]
