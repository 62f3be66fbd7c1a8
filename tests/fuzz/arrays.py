"""Random array statements: NumPy's operators, broadcasting, reductions by axis, and layers."""

from __future__ import annotations

from tests.fuzz.indexed import BOUNDED, OPERATORS
from tests.fuzz.parts import MOST, Parts, Tensor, entries, is_written

LAYERS_OF_RANK = {
    1: ("softmax", "dense", "embedding"),
    2: ("dense", "dense", "softmax", "log_softmax", "layer_norm", "rms_norm", "batch_norm",
        "dropout"),
    3: ("rnn", "gru", "lstm", "dense", "attention", "conv1d", "multi_head_attention", "layer_norm",
        "last", "flatten", "batch_norm", "dropout", "softmax", "pad"),
    4: ("conv2d", "max_pool2d", "avg_pool2d", "flatten", "dense", "conv2d_transpose", "pad",
        "batch_norm", "softmax"),
    5: ("dense", "softmax", "layer_norm", "dropout", "flatten"),
}  # fmt: skip
Made = tuple[str, tuple[str, ...]]


def statement(parts: Parts, depth: int) -> None:
    """`h = …`."""
    text, shape = value(parts, depth)
    name = f"h{len(parts.made)}"
    parts.define(name, shape, f"{name} = {text}")


def value(parts: Parts, depth: int) -> Made:
    """A real array and its shape."""
    draws = parts.draws
    if depth <= 0:
        found = parts.some()
        return found.name, found.shape
    form = draws.pick(
        ("layer", "binary", "pointwise", "layer", "binary", "reduce", "matmul", "transpose",
         "layer", "where", "join", "turn", "reshape", "power", "stop", "mask", "layer")
    )  # fmt: skip
    parts.note(f"array {form}")
    if form == "layer":
        return layer(parts)
    if form == "matmul":
        return matmul(parts)
    text, shape = value(parts, depth - 1)
    match form:
        case "pointwise":
            return f"{draws.pick(BOUNDED)}({text})", shape
        case "power":
            return f"({text})**{draws.pick(('2', '3'))}", shape
        case "stop":
            return f"stop_gradient({text}) + {text}", shape
        case "binary":
            other, both = broadcast(parts, shape)
            return f"({text}) {draws.pick('+*-')} {other}", both
        case "where":
            other, both = broadcast(parts, shape)
            condition, whole = mask(parts, both)
            return f"where({condition}, {text}, {other})", whole
        case "mask":
            condition, whole = mask(parts, shape)
            return f"({condition}) * ({text})", whole
        case "transpose":
            return f"({text}).T", shape[::-1]
        case "reduce" if shape:
            return reduction(parts, text, shape)
        case "turn" if shape:
            order = list(range(len(shape)))
            for k in range(len(order) - 1):
                j = k + draws.below(len(order) - k)
                order[k], order[j] = order[j], order[k]
            moved = tuple(shape[k] for k in order)
            return f"transpose({text}, {', '.join(map(str, order))})", moved
        case "reshape" if shape:
            return reshape(parts, text, shape)
        case "join" if shape:
            other = parts.of_shape(shape)
            axis = draws.below(len(shape))
            if other is not None and shape[axis].isdigit():
                both = str(2 * int(shape[axis]))
                joined = (*shape[:axis], both, *shape[axis + 1 :])
                return f"concat({text}, {other.name}, axis={axis - len(shape)})", joined
    return text, shape


def broadcast(parts: Parts, shape: tuple[str, ...]) -> Made:
    """An operand that fits the shape, of its rank, of less, or with axes of 1."""
    draws = parts.draws
    form = draws.pick(("number", "same", "less", "ones", "column"))
    parts.note(f"broadcast {form}")
    other: Tensor | None = None
    if form == "same":
        other = parts.of_shape(shape)
    elif form == "less" and shape:
        other = parts.of_shape(shape[1 + draws.below(len(shape)) :])
    elif form == "ones" and shape:
        axis = draws.below(len(shape))
        other = parts.of_shape((*shape[:axis], "1", *shape[axis + 1 :]))
    elif form == "column" and shape[-1:] == ("1",):
        other = parts.of_shape((*shape[:-1], parts.size()))
        return (other.name, other.shape) if other else ("2", shape)
    return (other.name, shape) if other else (draws.pick(("2", "0.5", "3")), shape)


def mask(parts: Parts, shape: tuple[str, ...]) -> Made:
    draws = parts.draws
    if draws.once_in(3):
        found = parts.of_shape(shape, "mask")
        if found is not None:
            return found.name, shape
    left, both = parts.of_shape(shape), shape
    if left is None:
        return "2 > 1", shape
    right, both = broadcast(parts, shape)
    text = f"{left.name} {draws.pick(OPERATORS[:4])} {right}"
    if draws.once_in(4):
        text = f"~({text})"
    return text, both


def reduction(parts: Parts, text: str, shape: tuple[str, ...]) -> Made:
    draws = parts.draws
    op = draws.pick(("sum", "mean", "max", "min", "logsumexp"))
    form = draws.pick(("one", "all", "two"))
    parts.note(f"array {op}, {form}")
    if form == "all":
        return f"{op}({text})", ()
    axes = {draws.below(len(shape)) for _ in range(2 if form == "two" else 1)}
    keep = draws.once_in(3)
    words = [str(a - len(shape) if draws.once_in(2) else a) for a in sorted(axes)]
    axis = words[0] if len(words) == 1 else f"({', '.join(words)})"
    kept = tuple("1" if k in axes else s for k, s in enumerate(shape) if keep or k not in axes)
    return f"{op}({text}, axis={axis}{', keepdims=True' if keep else ''})", kept


def reshape(parts: Parts, text: str, shape: tuple[str, ...]) -> Made:
    """Two fixed axes to one, one to two, or the last to -1."""
    pairs = [k for k in range(len(shape) - 1) if (shape[k] + shape[k + 1]).isdigit()]
    if pairs and not parts.draws.once_in(3):
        k = parts.draws.pick(pairs)
        size = str(int(shape[k]) * int(shape[k + 1]))
        new = (*shape[:k], size, *shape[k + 2 :])
        return f"reshape({text}, {', '.join(new)})", new
    if shape[-1] == "4" and all(map(is_written, shape)):
        new = (*shape[:-1], "2", "2")
        return f"reshape({text}, {', '.join(new)})", new
    if all(map(is_written, shape)):
        return f"reshape({text}, {', '.join([*shape[:-1], '-1'])})", shape
    return text, shape


def matmul(parts: Parts) -> Made:
    """`a @ b`, vectors, matrices and stacks of them."""
    draws = parts.draws
    a = parts.some(least=1)
    inner = a.shape[-1]
    if not is_written(inner):
        return a.name, a.shape
    form = draws.pick(("matrix", "vector", "stack"))
    parts.note(f"matmul of rank {a.rank}, {form}")
    if form == "vector":
        b = parts.of_shape((inner,))
        return (f"{a.name} @ {b.name}", a.shape[:-1]) if b else (a.name, a.shape)
    leading = a.shape[:-2] if form == "stack" else ()
    b = parts.of_shape((*leading, inner, parts.size()))
    if b is None or entries((*a.shape[:-1], b.shape[-1])) > MOST:
        return a.name, a.shape
    lead = a.shape[:-1] if a.rank > 1 else (leading if form == "stack" else ())
    return f"{a.name} @ {b.name}", (*lead, b.shape[-1])


def layer(parts: Parts) -> Made:
    """A layer of a tensor whose rank it takes; those that own parameters are counted or named."""
    draws = parts.draws
    x = parts.some(least=1)
    kind = draws.pick(LAYERS_OF_RANK[x.rank])
    units = draws.pick("2315")
    shape, n = x.shape, x.name
    parts.note(kind)
    reverse = ", reverse=True" if draws.once_in(3) else ""

    def owning(call: str, key: tuple[str, ...]) -> str:
        """The call, counted or with a name; with a name also once more, of another array."""
        if not draws.once_in(4):
            parts.layers += 1
            return call
        known = parts.shared.get(key)
        name = known or f"cell{len(parts.shared)}"
        parts.shared[key] = name
        parts.note("layer by a name known" if known else "layer by name")
        named = f"{call[:-1]}, name={name})"
        other = parts.of_shape(shape) if kind != "embedding" and draws.once_in(2) else None
        if other is None:
            return named
        parts.note("layer by a name known")
        again = f"{kind}({other.name}{named[len(kind) + 1 + len(n) :]}"
        return f"{named} {draws.pick('+*-')} {again}"

    match kind:
        case "dense":
            bias = draws.pick(("", "", ", bias=False"))
            axes = 2 if len(shape) > 2 and draws.once_in(4) else 1
            more = bias + (", axes=2" if axes == 2 else "")
            key = ("dense", units, more, *shape[-axes:])
            return owning(f"dense({n}, {units}{more})", key), (*shape[:-axes], units)
        case "embedding":
            ids = parts.some("labels", 1, 2)
            text = owning(
                f"embedding({ids.name}, {units})", ("embedding", units, ids.classes or "")
            )
            if "name=" not in text:
                parts.tables.append(f"E{parts.layers}")
            return text, (*ids.shape, units)
        case "rnn" | "gru" | "lstm":
            units = draws.pick("12")
            call = f"{kind}({n}, {units}{reverse})"
            return owning(call, (kind, units, shape[-1])), (*shape[:2], units)
        case "attention":
            if draws.once_in(2):
                return f"attention({n}, {n}, {n}, causal=True)", shape
            length = parts.size()
            k = parts.of_shape((shape[0], length, shape[2]))
            v = parts.of_shape((shape[0], length, units)) if k else None
            return (
                (f"attention({n}, {k.name}, {v.name})", (*shape[:2], units))
                if k and v
                else (n, shape)
            )
        case "multi_head_attention":
            heads = draws.pick("12")
            more = ", causal=True" if draws.once_in(2) else ""
            call = f"multi_head_attention({n}, {heads}{more})"
            return owning(call, (kind, heads, shape[-1])), shape
        case "conv1d":
            width, same = draws.pick("123"), draws.once_in(2)
            more = ', padding="same"' if same else ""
            out = shape[1] if same else less(shape[1], int(width) - 1)
            call = f"conv1d({n}, {units}, {width}{more})"
            return owning(call, (kind, units, width, shape[-1])), (shape[0], out, units)
        case "conv2d" | "conv2d_transpose":
            call, key = f"{kind}({n}, {units}, 2)", (kind, units, shape[-1])
            by = -1 if kind == "conv2d" else 1
            if draws.once_in(3):
                call = f'{kind}({n}, {units}, 3, padding="same")'
                return owning(call, (*key, "3")), (*shape[:3], units)
            return owning(call, key), (shape[0], less(shape[1], -by), less(shape[2], -by), units)
        case "max_pool2d" | "avg_pool2d":
            return f"{kind}({n}, 2, 1)", (shape[0], less(shape[1], 1), less(shape[2], 1), shape[3])
        case "last":
            return f"last({n})", (shape[0], shape[2])
        case "flatten":
            rest = shape[1:]
            size = str(entries(rest)) if "".join(rest).isdigit() else "*".join(rest)
            return f"flatten({n})", (shape[0], size)
        case "pad":
            inner = tuple(less(s, -2) for s in shape[1:-1])
            return f"pad({n}, 1)", (shape[0], *inner, shape[-1])
        case "dropout":
            return f"dropout({n}, {draws.pick(('0.5', '0.25'))})", shape
        case "softmax" | "log_softmax":
            axis = draws.pick(("", f", axis={draws.below(len(shape))}"))
            return f"{kind}({n}{axis})", shape
    return owning(f"{kind}({n})", (kind, shape[-1])), shape


def less(size: str, by: int) -> str:
    """A size without so many entries."""
    if by == 0:
        return size
    return str(int(size) - by) if size.isdigit() else f"({size}) - {by}"
