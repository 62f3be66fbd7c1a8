"""What a statement could speak of: the values in scope where it stands, what it assigns."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from symbackprop.auditing.repairs.lexicon import Lexicon
from symbackprop.auditing.repairs.reach import Reach, Step
from symbackprop.auditing.repairs.syntax import around, heads, parameters, targets
from symbackprop.auditing.repairs.words import COEFFICIENT, RATE, SIZE, Word, belonging

PLACE = re.compile(r"self(\.\w+)+|(self\.)?\w+\[[\"']\w+[\"']\]|(self\.)?\w+\[-?\d+\]")

STEPPED = re.compile(r"(self\.)?\w+\[[a-z]\w*(( ?[-+] ?1)?|, [a-z]\w*)\]")


@dataclass(frozen=True, eq=False)
class Scope:
    """The vocabulary of one statement."""

    lexicon: Lexicon
    step: Step

    @property
    def reach(self) -> Reach:
        return self.lexicon.reach

    @cached_property
    def target(self) -> Word:
        """What the statement assigns."""
        single = targets(self.step.node)
        return Word(self.reach.code.says(single[0]) if single else "_", "array")

    @cached_property
    def backward(self) -> bool:
        """Whether the statement seems to be part of the backward pass."""
        return self.target.cotangent or self.hands_out or self.updates

    @property
    def hands_out(self) -> bool:
        return isinstance(self.step.node, ast.Return)

    @cached_property
    def updates(self) -> bool:
        """Whether a value becomes what it is by itself and something more."""
        return self.target.text in self.reads

    @cached_property
    def reads(self) -> frozenset[str]:
        """The texts of what the statement reads."""
        parts = heads(self.step.node)
        if isinstance(self.step.node, ast.AugAssign):
            parts = [*parts, self.step.node.target]
        return frozenset(
            self.reach.code.says(n)
            for part in parts
            for n in ast.walk(part)
            if isinstance(n, (ast.Name, ast.Attribute, ast.Subscript))
            and (isinstance(n.ctx, ast.Load) or n is getattr(self.step.node, "target", None))
        )

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The values that it could read, each once."""
        return tuple(Word(text, self.lexicon.holds(text)) for text in self._texts())

    @cached_property
    def values(self) -> frozenset[str]:
        """The texts of these values."""
        return frozenset(w.text for w in self.words)

    @cached_property
    def arrays(self) -> tuple[Word, ...]:
        return tuple(w for w in self.words if w.holds == "array")

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """How the code may call the number of examples, its own name for it first."""
        named = [w.text for w in self.words if w.text in self.lexicon.sized]
        typical = [w.text for w in self.words if w.holds == "scalar" and SIZE.match(w.last)]
        shown = [t for t in self.lexicon.lengths if self.knows(t)]
        given = [w.text for w in self.arrays if w.text in parameters(self.step.scope)][:3]
        base = [] if named or shown else [f"len({t})" for t in given]
        wide = [f"{t}.shape[1]" for t in given]
        return tuple(dict.fromkeys([*named, *typical, *shown, *base, *wide]))

    @cached_property
    def rates(self) -> tuple[str, ...]:
        return tuple(w.text for w in self.words if RATE.match(w.last))

    @cached_property
    def coefficients(self) -> tuple[str, ...]:
        """What a penalty could be multiplied by: names for it first, then numbers of the file."""
        scalars = [w for w in self.words if w.holds == "scalar" and not SIZE.match(w.last)]
        likely = [w.text for w in scalars if COEFFICIENT.match(w.last)]
        others = [w.text for w in scalars if w.text not in self.lexicon.sized]
        others = [t for t in others if not re.search("eps|tol|seed|iter|epoch", t)]
        return tuple(dict.fromkeys([*likely, *self.lexicon.numbers, *others]))

    @cached_property
    def likely(self) -> tuple[tuple[Word, float], ...]:
        """Arrays by how well they belong to what is assigned: of its number, of its stem."""
        ranked = [(w, belonging(w, self.target)) for w in self.arrays]
        return tuple(sorted(ranked, key=lambda pair: pair[1]))

    def renumbered(self, text: str) -> Iterator[str]:
        """The text with the number of what is assigned in the place of its own; the text itself."""
        if self.target.number:
            number = rf"\g<1>{self.target.number}"
            other = re.sub(r"\b([A-Za-z_]\w*?)\d+\b", number, text)
            if other != text and self.knows(other):
                yield other
        if self.knows(text):
            yield text

    def knows(self, text: str) -> bool:
        """Whether every name in an expression has a value where the statement stands."""
        texts = self._plain
        free = self._free
        for node in ast.walk(ast.parse(text, mode="eval")):
            if isinstance(node, ast.Name) and node.id not in free:
                return False
            if isinstance(node, (ast.Attribute, ast.Subscript)):
                name = ast.unparse(node)
                if PLACE.fullmatch(name) and name.count(".") < 2 and name not in texts:
                    return bool(re.search(r"\[-?\d+\]$", name))
        return True

    @cached_property
    def _plain(self) -> frozenset[str]:
        """The values in scope as `ast.unparse` writes them."""
        return frozenset(ast.unparse(ast.parse(w.text)) for w in self.words)

    @cached_property
    def _free(self) -> frozenset[str]:
        named = {*self.reach.named, *self.lexicon.imported}
        return self._plain | named | {"self", "len", "range", "sum", "float", "int"}

    def _texts(self) -> list[str]:
        step, reach = self.step, self.reach
        loop = reach.loop(step.node)
        last = max(step.node.lineno - 1, getattr(loop, "end_lineno", 0) or 0)
        scope, names = step.scope, []
        while True:
            bound = reach.bound(scope)
            names += [n for n, line in bound.items() if scope is not step.scope or line <= last]
            if isinstance(scope, ast.Module):
                break
            scope = reach.scope(scope)
        skip = {"self", "cls", "_", *self.lexicon.imported, *self.lexicon.called}
        reached = {s.scope for s in reach.steps}
        names = [n for n in names if n not in skip]
        return list(dict.fromkeys([*names, *(self._items() if step.scope in reached else [])]))

    def _live(self, text: str) -> bool:
        """Whether the index of an item is one of a loop around the statement."""
        index = re.findall(r"(?:\[|, )([a-zA-Z_]\w*)", text)
        return not any(name in self._over for name in index)

    @cached_property
    def _over(self) -> frozenset[str]:
        """The names that run through other loops and comprehensions than those at hand."""
        here = [*around(self.reach.code, self.step.node), *ast.walk(self.step.node)]
        kinds = (ast.For, ast.comprehension)
        every = [n for n in ast.walk(self.step.scope) if isinstance(n, kinds)]
        own = {
            n.id for a in every if a in here for n in ast.walk(a.target) if isinstance(n, ast.Name)
        }
        all_ = {n.id for a in every for n in ast.walk(a.target) if isinstance(n, ast.Name)}
        return frozenset(all_ - own)

    def _items(self) -> list[str]:
        """Attributes of self and items at constants that this function or its file mentions."""
        own: list[str] = []
        far: list[str] = []
        calls = {n.func for n in self.lexicon.nodes() if isinstance(n, ast.Call)}
        for step in self.reach.steps:
            for part in [*heads(step.node), *targets(step.node)]:
                for node in ast.walk(part):
                    if isinstance(node, (ast.Attribute, ast.Subscript)) and node not in calls:
                        text = self.reach.code.says(node)
                        if PLACE.fullmatch(text):
                            (own if step.scope is self.step.scope else far).append(text)
                        elif STEPPED.fullmatch(text) and step.scope is self.step.scope:
                            own.append(text)
        own = [t for t in own if self._live(t)]
        bases = {re.split(r"[.\[]", t)[0] for t in own}
        own += [t for t in far if re.split(r"[.\[]", t)[0] in bases]
        return [t for t in own if not re.search(r"\.(T|shape|size|ndim)\b", t)]
