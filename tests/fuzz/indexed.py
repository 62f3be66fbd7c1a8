"""Random index statements: contractions, gathers, affine reads, windows, reductions, masks."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.fuzz.parts import Parts, Tensor, entries, is_written, length

BOUNDED = (
    "tanh", "sin", "sigmoid", "relu", "arctan", "erf", "cos", "softplus", "leaky_relu", "elu",
    "selu", "gelu", "gelu_tanh", "silu", "mish", "softsign", "hard_sigmoid", "hard_tanh", "relu6",
    "abs", "sign", "sinh", "cosh", "expm1", "exp", "tan",
)  # fmt: skip
PARTIAL = ("log", "sqrt", "log1p")
REDUCTIONS = ("sum", "sum", "sum", "mean", "max", "min", "logsumexp", "prod")
OPERATORS = ("<", ">", "<=", ">=", "==", "!=")
NUMBERS = ("2", "0.5", "1", "3", "0.1", "1e-3", "0", "7/3")
FREE = "nijkab"
BOUND = "pqrsuvcdef"


@dataclass
class Indexed:
    """Writes a right-hand side; `scope` maps indices to sizes, `stood` are alone on an axis."""

    parts: Parts
    scope: dict[str, str] = field(default_factory=dict)
    stood: set[str] = field(default_factory=set)
    bound: int = 0

    def position(self, size: str) -> str:
        """An expression that runs within an axis of that size."""
        draws, note = self.parts.draws, self.parts.note
        fitting = [i for i, s in self.scope.items() if s == size]
        if fitting and not draws.once_in(6):
            index = draws.pick(fitting[::-1])
            self.stood.add(index)
            return index
        form = draws.pick(("number", "affine", "gather", "affine", "gather", "reversed", "sum"))
        if form == "reversed" and fitting and is_written(size):
            note("reversed read")
            return f"{size} - 1 - {draws.pick(fitting)}"
        if form == "gather":
            found = [t for t in self.parts.tensors if t.kind == "labels" and t.classes == size]
            if is_written(size) and (not found or draws.once_in(4)) and self.scope:
                own = tuple(dict.fromkeys([draws.pick(list(self.scope.values()))]))
                if all(map(is_written, own)):
                    found.append(self.parts.declared(own, "labels", size))
            if found:
                note("gather")
                return self.entry(found[-1])
        if form in ("affine", "sum") and size.isdigit():
            text, reach = "", 0
            for index, own in list(self.scope.items())[::-1]:
                if not own.isdigit() or draws.once_in(3):
                    continue
                factor = draws.pick((1, 2, 1, 3))
                more = factor * (int(own) - 1)
                if reach + more < int(size):
                    reach += more
                    text += f" + {factor}*{index}" if factor > 1 else f" + {index}"
                    if form == "affine":
                        break
            if text:
                note("affine read")
                left = int(size) - 1 - reach
                return text[3:] + (f" + {draws.below(left + 1)}" if left else "")
        last = length(size) - 1 if size.isdigit() else 0
        return str(draws.below(max(1, last + 1)))

    def entry(self, tensor: Tensor | None = None) -> str:
        """One entry of a tensor."""
        tensor = tensor or self.parts.some()
        if not tensor.rank:
            return tensor.name
        before = set(self.stood)
        places = [self.position(size) for size in tensor.shape]
        alone = [p for p in places if p in self.scope]
        if len(set(alone)) < len(alone):
            self.parts.note("repeated index")
        if len(set(alone) & before):
            self.parts.note("shared index")
        return f"{tensor.name}[{', '.join(places)}]"

    def met(self) -> str:
        """An entry in which some index of the scope stands for sure."""
        fitting = [
            t
            for t in self.parts.tensors
            if t.kind == "real" and set(t.shape) & set(self.scope.values())
        ]
        return self.entry(self.parts.draws.pick(fitting[::-1]) if fitting else None)

    def value(self, depth: int) -> str:
        """A real-valued expression."""
        draws = self.parts.draws
        if depth <= 0:
            return self.leaf()
        form = draws.pick(
            ("entry", "add", "multiply", "reduce", "pointwise", "multiply", "reduce", "add",
             "where", "power", "divide", "mask", "partial", "subtract", "stop", "two", "negative")
        )  # fmt: skip
        self.parts.note(form)
        inner = depth - 1
        match form:
            case "add":
                return f"{self.value(inner)} + {self.value(inner)}"
            case "subtract":
                return f"{self.value(inner)} - ({self.value(inner)})"
            case "multiply":
                return f"({self.value(inner)}) * ({self.value(inner)})"
            case "negative":
                return f"-({self.value(inner)})"
            case "divide":
                return f"({self.value(inner)}) / (2 + sin({self.value(inner)}))"
            case "power":
                return f"({self.value(inner)})**{draws.pick(('2', '3', '2', '4'))}"
            case "reduce":
                return self.reduction(inner)
            case "pointwise":
                return f"{draws.pick(BOUNDED)}({self.value(inner)})"
            case "partial":
                body = self.value(inner)
                inside = draws.pick((f"1 + ({body})**2", f"abs({body}) + 0.1", body))
                return f"{draws.pick(PARTIAL)}({inside})"
            case "where":
                return f"where({self.mask(inner)}, {self.value(inner)}, {self.value(inner)})"
            case "mask":
                return f"({self.mask(inner)}) * ({self.value(inner)})"
            case "stop":
                return f"stop_gradient({self.value(inner)}) * ({self.value(inner)})"
            case "two":
                name = draws.pick(("maximum", "minimum", "clip"))
                second = "-0.5, 0.7" if name == "clip" else self.value(inner)
                return f"{name}({self.value(inner)}, {second})"
        return self.entry()

    def leaf(self) -> str:
        draws = self.parts.draws
        form = draws.pick(("met", "met", "entry", "met", "number", "index", "constant"))
        if form == "number":
            return draws.pick(NUMBERS)
        if form == "index" and self.scope:
            self.parts.note("index as a number")
            return f"{draws.pick(list(self.scope))}{draws.pick((' + 1', '', ' / 3'))}"
        if form == "constant" and draws.once_in(3):
            self.parts.constants["alpha"] = "0.25"
            return "alpha"
        return self.entry() if form == "entry" else self.met()

    def reduction(self, depth: int) -> str:
        """`sum[p, q](…)`; sizes come from axes that are there, or are a window's."""
        draws = self.parts.draws
        op = draws.pick(REDUCTIONS)
        own = []
        for _ in range(draws.pick((1, 1, 1, 2, 2, 3))):
            sizes = [s for t in self.parts.tensors if t.kind == "real" for s in t.shape]
            size = draws.pick(sizes[::-1]) if sizes and not draws.once_in(5) else draws.pick("23")
            if self.bound < len(BOUND) and entries((*self.scope.values(), size)) <= 2000:
                index = BOUND[self.bound]
                self.bound += 1
                self.scope[index] = size
                own.append(index)
        if not own:
            return self.leaf()
        form = draws.pick(("entries", "value", "product"))
        if form == "product":
            body = f"{self.met()} * {self.met()}"
        else:
            body = self.met() if form == "entries" else self.value(depth)
        self.parts.note(f"{op} over {len(own)}")
        binders = []
        for index in own:
            size = self.scope[index]
            if index not in self.stood or (self.parts.knows(size) and draws.once_in(10)):
                binders.append(f"{index}:{size}")
                self.parts.note("written extent")
            else:
                binders.append(index)
        for index in own:
            del self.scope[index]
        return f"{op}[{', '.join(binders)}]({body})"

    def mask(self, depth: int) -> str:
        draws = self.parts.draws
        form = draws.pick(
            ("compare", "index", "index", "pair", "tensor", "and", "or", "not", "label", "first")
        )
        self.parts.note(f"mask {form}")
        if form in ("and", "or") and depth > 0:
            sign = "&" if form == "and" else "|"
            return f"({self.mask(depth - 1)}) {sign} ({self.mask(depth - 1)})"
        if form == "not" and depth > 0:
            return f"~({self.mask(depth - 1)})"
        indices = list(self.scope)
        if form == "index" and indices:
            return f"{draws.pick(indices)} {draws.pick(OPERATORS)} {draws.pick('012')}"
        if form == "pair" and len(indices) > 1:
            shift = draws.pick(("", "", " + 1"))
            return f"{indices[0]} {draws.pick(OPERATORS)} {draws.pick(indices[1:])}{shift}"
        if form == "tensor":
            return self.entry(self.parts.some("mask", 0, 3))
        if form == "label" and indices:
            label = self.parts.some("labels", 0, 2)
            return f"{self.entry(label)} {draws.pick(('==', '!=', '<'))} {draws.pick(indices)}"
        return f"{self.leaf()} {draws.pick(OPERATORS[:4])} {self.leaf()}"

    def left(self, name: str) -> str:
        """The left-hand side; indices that stand alone nowhere have their extents written."""
        words = []
        for index, size in self.scope.items():
            written = index not in self.stood and self.parts.knows(size)
            words.append(f"{index}:{size}" if written else index)
        return f"{name}[{', '.join(words)}]"


def statement(parts: Parts, depth: int) -> None:
    """`h[n, i] = …` over axes that are there, or new ones."""
    shape = parts.shape()
    if parts.tensors and not parts.draws.once_in(3):
        shape = parts.some().shape
    shape = tuple(s if parts.knows(s) or not is_written(s) else "2" for s in shape)
    writer = Indexed(parts, dict(zip(FREE, shape, strict=False)))
    name = f"h{len(parts.made)}"
    if not shape:
        parts.define(name, (), f"{name} = {writer.reduction(depth)}")
        return
    body = writer.value(depth)
    for index in [i for i in writer.scope if i not in writer.stood]:
        if not parts.knows(writer.scope[index]) or not parts.draws.once_in(3):
            body = f"({body}) {parts.draws.pick('*+')} {writer.met()}"
    parts.define(name, shape[: len(FREE)], f"{writer.left(name)} = {body}")


def window(parts: Parts) -> None:
    """A read at `s i + d p`, over p or at some p, whose output runs as far as the reads allow."""
    draws = parts.draws
    read = parts.some(least=1, most=4)
    axis = draws.below(read.rank)
    size, stride, width = read.shape[axis], draws.pick((1, 2, 3)), draws.pick((2, 3, 1))
    dilation = draws.pick((1, 1, 1, 2))
    reach = dilation * (width - 1)
    if size.isdigit() and int(size) <= reach:
        return
    out = f"({size} - {reach})//{stride}" if stride > 1 else f"{size} - {reach}"
    if size.isdigit():
        out = str((int(size) - 1 - reach) // stride + 1)
    elif not reach and stride == 1:
        out = size
    own = dict(zip(FREE, read.shape, strict=False))
    index = FREE[axis]
    at = f"{stride}*{index}" if stride > 1 else index
    body_of = Indexed(parts, {**own, index: out}, set(own), 0)

    def entry(place: str) -> str:
        places = [place if k == axis else i for k, i in enumerate(own)]
        return f"{read.name}[{', '.join(places)}]"

    name = f"h{len(parts.made)}"
    if draws.once_in(3) and (stride == 1 or size.isdigit()):
        reads = [entry(f"{at} + {dilation * p}" if p else at) for p in range(width)]
        body = draws.pick((" - ", " * ", " + ")).join(reads)
        parts.note("shifted reads")
    else:
        op = draws.pick(REDUCTIONS)
        step = f"{dilation}*p" if dilation > 1 else "p"
        kernel = parts.of_shape((str(width),)) if draws.once_in(2) else None
        times = f" * {kernel.name}[p]" if kernel is not None else ""
        body = f"{op}[p:{width}]({entry(f'{at} + {step}')}{times})"
        parts.note(f"window {op}, stride {stride}, dilation {dilation}")
    body_of.bound = 1
    if draws.once_in(3) and parts.knows(out):
        body += f" + {body_of.met()}"
    shape = tuple(body_of.scope.values())
    parts.define(name, shape, f"{name}[{', '.join(own)}] = {draws.pick(('', 'tanh'))}({body})")
