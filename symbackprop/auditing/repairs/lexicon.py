"""What a file says over and over: sizes, factors, terms, sums, derivatives, and what names hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from symbackprop.auditing.repairs.code import SIGNED, SUMS
from symbackprop.auditing.repairs.reach import Reach
from symbackprop.auditing.repairs.syntax import parameters, targets
from symbackprop.auditing.repairs.words import COEFFICIENT, DERIVATIVE, RATE, Word

HOLDERS = (ast.Dict, ast.List, ast.DictComp, ast.ListComp)


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The phrases of the part of a file that a function reaches."""

    reach: Reach

    def nodes(self) -> Iterator[ast.expr]:
        for step in self.reach.steps:
            for node in ast.walk(step.node):
                if isinstance(node, ast.expr):
                    yield node

    def holds(self, text: str) -> str:
        """What a name seems to hold: "array", "index" of a loop, "scalar", "container"."""
        return self._contents.get(text, "array")

    @cached_property
    def text(self) -> str:
        return self.reach.code.text.decode()

    def lacks(self, *signs: str) -> float:
        """What it costs to speak of something of which the file shows no sign."""
        small = self.text.lower()
        return 0.0 if any(sign in small for sign in signs) else 1.5

    @cached_property
    def imported(self) -> frozenset[str]:
        nodes = ast.walk(self.reach.code.tree)
        imports = [n for n in nodes if isinstance(n, (ast.Import, ast.ImportFrom))]
        return frozenset((a.asname or a.name).split(".")[0] for n in imports for a in n.names)

    @cached_property
    def called(self) -> frozenset[str]:
        """The names that stand for functions and classes."""
        plain = (ast.Assign, ast.AnnAssign)
        named = {n for n, d in self.reach.named.items() if not isinstance(d[0], plain)}
        calls = [n.func for n in self.nodes() if isinstance(n, ast.Call)]
        return frozenset(named | {c.id for c in calls if isinstance(c, ast.Name)})

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """The functions that are reached and can be called with one value, as they are called."""
        found = []
        for name, nodes in sorted(self.reach.named.items()):
            for node in nodes:
                if node in self.reach.owners and _one(node):
                    found.append(f"self.{name}" if "self" in parameters(node) else name)
        return tuple(dict.fromkeys(found))

    @cached_property
    def derivatives(self) -> tuple[str, ...]:
        """Those that are named as derivatives are."""
        return tuple(f for f in self.functions if DERIVATIVE.match(f.split(".")[-1]))

    @cached_property
    def elementary(self) -> tuple[str, ...]:
        """The functions of NumPy that the file takes of single values."""
        calls = [ast.unparse(n) for n in self.nodes() if isinstance(n, ast.Call)]
        found = [re.match(r"np\.(exp|tanh|sqrt|log|cosh|sinh|sin|cos)\(", c) for c in calls]
        return tuple(dict.fromkeys(f[0][:-1] for f in found if f))

    @cached_property
    def flags(self) -> Mapping[str, tuple[str, ...]]:
        """What calls of each function say after their first argument; what they could say."""
        found: dict[str, list[str]] = {}
        for node in self.nodes():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                more = [ast.unparse(n) for n in [*node.args[1:], *node.keywords]]
                if len(more) == 1 and len(node.args) >= 1:
                    found.setdefault(node.func.id, []).append(more[0])
        for name, nodes in self.reach.named.items():
            for made in nodes:
                given = getattr(made, "args", None)
                if isinstance(given, ast.arguments) and given.defaults:
                    pairs = zip(given.args[-len(given.defaults) :], given.defaults, strict=True)
                    off = [a.arg for a, d in pairs if ast.unparse(d) == "False"]
                    found.setdefault(name, []).extend(f"{a}=True" for a in off)
        return {name: tuple(dict.fromkeys(texts)) for name, texts in found.items()}

    @cached_property
    def sized(self) -> frozenset[str]:
        """The names that are assigned the length of something."""
        found = set()
        for step in self.reach.steps:
            if isinstance(step.node, ast.Assign):
                value = ast.unparse(step.node.value)
                if re.search(r"\.shape\b|^len\(|\.size$", value) and "(" not in value[4:]:
                    found |= {self.reach.code.says(t) for t in targets(step.node)}
        return frozenset(found)

    @cached_property
    def lengths(self) -> tuple[str, ...]:
        """The lengths that the file takes: len(x), x.shape[0], y.size."""
        form = re.compile(r"len\([\w.]+\)|[\w.]+\.shape\[-?\d\]|[\w.]+\.size")
        texts = [ast.unparse(n) for n in self.nodes()]
        return tuple(dict.fromkeys(t for t in texts if form.fullmatch(t)))

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """The numbers by which the file multiplies, without the commonest."""
        found = []
        for node in self.nodes():
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
                sides = [s.value for s in (node.left, node.right) if isinstance(s, ast.Constant)]
                found += [v for v in sides if isinstance(v, float)]
        return tuple(dict.fromkeys(repr(n) for n in found if n not in (0.5, 1.0, 2.0, -1.0)))

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """By what the file multiplies and divides: "* mask", "/ np.sqrt(d)"."""
        found = []
        for node in self.nodes():
            if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
                sign = "*" if isinstance(node.op, ast.Mult) else "/"
                found.append(f"{sign} {self.reach.code.operand(node.right, SIGNED)}")
                if sign == "*":
                    found.append(f"* {self.reach.code.operand(node.left, SIGNED)}")
        return _short(found)

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """What the file adds and subtracts: "+ lam * W2"."""
        found = []
        for step in self.reach.steps:
            names = [Word(self.reach.code.says(t), "array") for t in targets(step.node)]
            back = isinstance(step.node, ast.Return) and step.scope is self.reach.entry
            back = back or any(n.cotangent for n in names)
            for node in ast.walk(step.node) if back or set(step.reads) & set(step.writes) else ():
                if isinstance(node, ast.BinOp) and isinstance(node.op, SUMS):
                    sign = "+" if isinstance(node.op, ast.Add) else "-"
                    found.append(f"{sign} {self.reach.code.operand(node.right, SIGNED - 1)}")
        return _short([f for f in found if not f[2:].isdigit()])

    @cached_property
    def sums(self) -> tuple[str, ...]:
        """How the file writes sums of "·", then how all do."""
        found = []
        for node in self.nodes():
            if isinstance(node, ast.Call) and re.search(r"\b(sum|mean)$", ast.unparse(node.func)):
                text, function = ast.unparse(node), ast.unparse(node.func)
                if re.match(r"(np|numpy)\.", function) and node.args:
                    found.append(text.replace(f"({ast.unparse(node.args[0])}", "(·", 1))
                elif isinstance(node.func, ast.Attribute):
                    found.append("·" + text[len(ast.unparse(node.func.value)) :])
        found += ["np.sum(·, axis=0)", "np.sum(·, axis=1, keepdims=True)"]
        found += ["np.sum(·, axis=0, keepdims=True)", "np.sum(·, axis=1)", "np.sum(·, axis=(0, 1))"]
        return tuple(dict.fromkeys(f for f in found if f.count("·") == 1))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """How the file picks each row's entry at its label: "range(N), y"."""
        found = [n for n in self.nodes() if isinstance(n, ast.Subscript)]
        texts = [ast.unparse(n.slice).strip("()") for n in found if isinstance(n.slice, ast.Tuple)]
        return tuple(
            dict.fromkeys(
                t.removeprefix("(") + (")" if t.count("(") > t.count(")") else "")
                for t in texts
                if re.match(r"(np\.a)?range\(", t)
            )
        )

    @cached_property
    def _contents(self) -> Mapping[str, str]:
        found = {text: "scalar" for text in self.sized}
        for step in self.reach.steps:
            node = step.node
            if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
                if "range" in ast.unparse(node.iter):
                    found[node.target.id] = "index"
            elif isinstance(node, ast.For) and ast.unparse(node.iter).startswith("enumerate"):
                found |= {self.reach.code.says(t): "index" for t in targets(node)[:1]}
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                found |= {self.reach.code.says(t): "scalar" for t in targets(node)}
            elif isinstance(node, ast.Assign) and isinstance(node.value, HOLDERS):
                found |= {self.reach.code.says(t): "container" for t in targets(node)[:1]}
        for owner in self.reach.owners:
            given = getattr(owner, "args", None)
            if isinstance(given, ast.arguments):
                plain = [a.arg for a in (*given.posonlyargs, *given.args)]
                some = plain[-len(given.defaults) :] if given.defaults else []
                rated = [n for n in plain if RATE.match(n) or COEFFICIENT.match(n)]
                found |= {name: "scalar" for name in [*some, *rated]}
        return found


def _short(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t for t in texts if "\n" not in t and len(t) < 60))


def _one(node: ast.AST) -> bool:
    """Whether a definition can be called with one value."""
    value = getattr(node, "value", node)
    if not isinstance(value, (ast.FunctionDef, ast.Lambda)):
        return False
    plain = [n for n in parameters(value) if n != "self"]
    return len(plain) - len(value.args.defaults) == 1 and plain[0] not in ("self", "cls")
