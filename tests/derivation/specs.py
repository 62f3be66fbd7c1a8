"""Random specs from the grammar: index statements of ranks 0 to 4 with every kind of node."""

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
