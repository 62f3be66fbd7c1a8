"""Random specs from the grammar.

`specs`: index statements of ranks 0 to 4 with every kind of node. `windows`: affine reads under any
reduction. `recurrences`: one or two tensors that read each other's earlier or later steps.
`images` and `sequences`: layers one after the other, of odd sizes. `any_spec`: any of these.
"""

from __future__ import annotations

from hypothesis import strategies as st

EXTENTS = {"n": "N", "i": "2", "j": "3", "k": "5"}
TENSORS = {
    "x": "ni",
    "W": "ij",
    "V": "jk",
    "T": "nij",
    "b": "j",
    "q": "k",
    "s": "",
    "S": "jl",
}
LABELS = {"u": ("n", "j"), "v": ("ni", "k")}  # shape, and the axis it may index
HEADER = """
name: drawn
inputs:
  x: [N, 2]
  u: {shape: [N], classes: 3}
  v: {shape: [N, 2], classes: 5}
  m: {shape: [N, 3], kind: mask}
params:
  W: {shape: [2, 3]}
  V: {shape: [3, 5]}
  T: {shape: [N, 2, 3]}
  b: {shape: [3]}
  q: {shape: [5]}
  s: {shape: []}
  S: {shape: [3, 3]}
"""
ANCHORS = {"n": "x[n, 0]", "i": "W[i, 0]", "j": "b[j]", "k": "q[k]"}  # give an index its extent
SMOOTH = ("tanh", "sigmoid", "softplus", "sin", "arctan", "erf", "silu", "gelu", "square")
KINKED = ("relu", "abs", "leaky_relu", "elu", "hard_tanh")


@st.composite
def specs(draw: st.DrawFn) -> str:
    """The text of a spec with two to four statements that build on one another."""
    tensors = dict(TENSORS)
    lines = []
    for number in range(draw(st.integers(1, 3))):
        free = draw(st.sampled_from(["", "n", "j", "ni", "nj", "jk", "nij", "nik"]))
        target = f"h{number}"
        left = f"{target}[{', '.join(free)}]" if free else target
        body = draw(_expressions(tensors, frozenset(free), 3, index=bool(free)))
        anchored = " + ".join([body, *(f"0.25 * {ANCHORS[i]}" for i in free)])
        lines.append(f"  {left} = {anchored}")
        tensors[target] = free
    every = " + ".join(
        f"sum[{', '.join(names)}](tanh({t}[{', '.join(names)}]))" if names else f"tanh({t})"
        for t, names in tensors.items()
        if t != "x"
    )
    return (
        f"{HEADER}network: |\n"
        + "\n".join(lines)
        + f"\nloss: {every}\nwrt: [x, W, V, T, b, q, s, S]\n"
    )


@st.composite
def _expressions(
    draw: st.DrawFn, tensors: dict[str, str], scope: frozenset[str], depth: int, index: bool
) -> str:
    """An expression whose free indices are within the scope."""
    if depth == 0:
        return draw(_leaves(tensors, scope))
    inner = _expressions(tensors, scope, depth - 1, index)
    kind = draw(
        st.sampled_from(["leaf", "+", "*", "-", "/", "f", "f", "reduce", "reduce", "where"])
    )
    if kind == "leaf":
        return draw(_leaves(tensors, scope))
    if kind in "+*-":
        return f"({draw(inner)} {kind} {draw(inner)})"
    if kind == "/":
        return f"({draw(inner)} / (2 + tanh({draw(inner)})))"
    if kind == "f":
        name = draw(st.sampled_from(SMOOTH + KINKED))
        return f"({draw(inner)})**2" if name == "square" else f"{name}({draw(inner)})"
    if kind == "where":
        mask = f"{draw(inner)} > {draw(inner)}"
        if {"n", "j"} <= scope and draw(st.booleans()):
            mask = f"({mask}) & m[n, j]"
        return f"where({mask}, {draw(inner)}, {draw(inner)})"
    return draw(_reductions(tensors, scope, depth, index))


@st.composite
def _reductions(
    draw: st.DrawFn, tensors: dict[str, str], scope: frozenset[str], depth: int, index: bool
) -> str:
    unused = sorted(set("ijkn") - scope)
    if not unused:
        return draw(_leaves(tensors, scope))
    bound = draw(st.lists(st.sampled_from(unused), min_size=1, max_size=2, unique=True))
    op = draw(st.sampled_from(["sum", "sum", "mean", "max", "min", "prod", "logsumexp"]))
    body = draw(_expressions(tensors, scope | set(bound), depth - 1, index))
    anchored = " + ".join([body, *(f"0.25 * {ANCHORS[b]}" for b in bound)])
    return f"{op}[{', '.join(bound)}]({anchored})"


@st.composite
def _leaves(draw: st.DrawFn, tensors: dict[str, str], scope: frozenset[str]) -> str:
    """A number, or an entry of a tensor at indices of the scope, at labels, or at constants."""
    name = draw(st.sampled_from([*tensors, "number"]))
    if name == "number":
        return draw(st.sampled_from(["0.5", "2", "1.25"]))
    positions = []
    for axis in tensors[name]:
        own = "j" if axis == "l" else axis
        choices = [own] if own in scope else []
        if axis == "j" and "n" in scope:
            choices.append("u[n]")
        if axis == "k" and {"n", "i"} <= scope:
            choices.append("v[n, i]")
        positions.append(draw(st.sampled_from(choices or ["0"])))
    return f"{name}[{', '.join(positions)}]" if positions else name


@st.composite
def windows(draw: st.DrawFn) -> str:
    """A window sliding over one or two axes, with stride, dilation and offset, then another."""
    op = draw(st.sampled_from(["sum", "sum", "max", "min", "mean", "logsumexp", "prod"]))
    axes = draw(st.integers(1, 2))
    sizes = draw(st.lists(st.integers(7, 9), min_size=axes, max_size=axes, unique=True))
    free, bound = "ij"[:axes], "pq"[:axes]
    kernel = draw(st.lists(st.integers(1, 3), min_size=axes, max_size=axes))
    places = [
        _position(draw(st.integers(1, 3)), i, draw(st.integers(1, 2)), p, draw(st.integers(0, 2)))
        for i, p in zip(free, bound, strict=True)
    ]
    written = ", ".join(f"{p}:{size}" for p, size in zip(bound, kernel, strict=True))
    weight = draw(st.sampled_from(["", " * K[{b}]", " * tanh(K[{b}])", " + K[{b}]"]))
    weight = weight.format(b=", ".join(bound))
    body = f"x[n, {', '.join(places)}, c]{weight}"
    outer = draw(st.sampled_from(["tanh", "relu", "abs", "sin"]))
    left = ", ".join(free)
    shape = ", ".join(map(str, sizes))
    return f"""
name: drawn
inputs:
  x: [N, {shape}, 2]
params: {{K: {{shape: [{", ".join(map(str, kernel))}]}}}}
network: |
  y[n, {left}, c] = {op}[{written}]({body})
  z[n, {left}] = {outer}(sum[c](y[n, {left}, c]))
loss: sum(tanh(z)) + 0.1 * sum(K ** 2)
wrt: [x, K]
"""


def _position(stride: int, i: str, dilation: int, p: str, offset: int) -> str:
    moved = f"{stride}*{i} + {dilation}*{p}".replace("1*", "")
    return f"{moved} + {offset}" if offset else moved


@st.composite
def recurrences(draw: st.DrawFn) -> str:
    """h, and sometimes c beside it, from steps before or after, with an initial value or none."""
    ahead, shift = draw(st.booleans()), draw(st.integers(1, 2))
    pair, started = draw(st.booleans()), draw(st.booleans()) and not ahead and shift == 1
    step = f"t + {shift}" if ahead else f"t - {shift}"
    reads = [
        f"sum[j](h[n, {step}, j] * U[j, k])",
        f"logsumexp[j](h[n, {step}, j] + U[j, k])",
        f"max[j](h[n, {step}, j] * U[k, j])",
        f"h[n, {step}, k] * x[n, t, k]",
    ]
    if pair:
        reads.append(f"c[n, {step}, k] * sigmoid(x[n, t, k])")
    read = draw(st.sampled_from(reads))
    outer = draw(st.sampled_from(["tanh", "sin", "sigmoid", "relu"]))
    lines = ["h[n, -1, k] = h0[n, k]"] if started else []
    if pair:
        second = draw(st.sampled_from([f"c[n, {step}, k]", f"h[n, {step}, k]"]))
        lines.append(f"c[n, t, k] = 0.5 * {second} + {outer}({read} + x[n, t, k])")
        lines.append("h[n, t, k] = tanh(c[n, t, k] * b[k])")
    else:
        lines.append(f"h[n, t, k] = {outer}({read} + x[n, t, k] * b[k])")
    lines.append(
        draw(st.sampled_from(["s = last(h)", "s = mean(h, axis=1)", "s = max(h, axis=1)"]))
    )
    network = "\n".join(f"  {line}" for line in lines)
    return f"""
name: drawn
inputs:
  x: [N, T, 3]
  h0: [N, 3]
params: {{U: {{shape: [3, 3]}}, b: {{shape: [3]}}}}
network: |
{network}
loss: sum(tanh(s)) + 0.1 * sum(U * U) + 0.1 * sum(b) + 0.1 * sum(h0)
wrt: [x, U, b, h0]
"""


IMAGE_LAYERS = (
    "conv2d(x, {f}, {k}, stride={s}, padding={pad})",
    "conv2d(x, {f}, ({k}, {s}), bias=False)",
    "conv2d_transpose(x, {f}, {k}, stride={s})",
    "max_pool2d(x, {s})",
    "max_pool2d(x, 2, stride=1)",
    "avg_pool2d(x, 2, stride={s})",
    "batch_norm(x)",
    "dropout(x, 0.25)",
    "relu(x)",
    "tanh(x)",
    "layer_norm(x)",
)
SEQUENCE_LAYERS = (
    "rnn(x, {f}, reverse={b})",
    "gru(x, {f})",
    "lstm(x, {f}, reverse={b})",
    "conv1d(x, {f}, {k}, padding='same')",
    "conv1d(x, {f}, 2, stride={s})",
    "multi_head_attention(dense(x, 4), 2, causal={b})",
    "attention(x, tanh(x), sin(x), causal={b})",
    "layer_norm(x)",
    "rms_norm(x)",
    "dense(x, {f})",
    "dropout(x, 0.25)",
    "softmax(x)",
    "gelu(x)",
)


@st.composite
def images(draw: st.DrawFn) -> str:
    height, width = draw(st.sampled_from([(5, 7), (6, 5), (7, 8)]))
    lines = _layers(draw, IMAGE_LAYERS)
    return f"""
name: drawn
inputs:
  x0: [N, {height}, {width}, 2]
  y: {{shape: [N], classes: 3}}
network: |
{lines}
  p = softmax(dense(flatten(x), 3))
loss: cross_entropy(p, y)
"""


@st.composite
def sequences(draw: st.DrawFn) -> str:
    lines = _layers(draw, SEQUENCE_LAYERS)
    end = draw(st.sampled_from(["last(x)", "mean(x, axis=1)", "max(x, axis=1)"]))
    return f"""
name: drawn
inputs:
  x0: [N, T, 2]
  y: [N, 3]
network: |
{lines}
  p = dense({end}, 3)
loss: mse(p, y)
"""


def _layers(draw: st.DrawFn, vocabulary: tuple[str, ...]) -> str:
    """Up to three statements x1 = …, x2 = …, the last of which is called x."""
    chosen = draw(st.lists(st.sampled_from(vocabulary), min_size=1, max_size=3))
    lines = []
    for number, layer in enumerate(chosen, 1):
        before, after = f"x{number - 1}", "x" if number == len(chosen) else f"x{number}"
        filled = layer.format(
            f=draw(st.integers(2, 3)),
            k=draw(st.integers(1, 3)),
            s=draw(st.integers(1, 2)),
            b=draw(st.booleans()),
            pad=draw(st.sampled_from(["'valid'", "'same'", "1"])),
        )
        lines.append(f"  {after} = {filled.replace('(x', f'({before}')}")
    return "\n".join(lines)


def any_spec() -> st.SearchStrategy[str]:
    """A spec of any of these kinds."""
    return st.one_of(specs(), windows(), recurrences(), images(), sequences())
