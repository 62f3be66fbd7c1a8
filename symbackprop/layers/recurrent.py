"""Recurrent layers: sequences [..., T, D] in, the state after every step [..., T, units] out.

The state before the first step is zero. `reverse`: from the last step to the first. `steps`: the
gradient goes no further back than to the start of its block of so many steps (truncated
backpropagation through time, Williams and Peng 1990); 0 lets it go to the first step.
"""

from __future__ import annotations

from collections.abc import Callable

from symbackprop.layers.registry import Array, Call, shape_text, with_parameters


@with_parameters
def rnn(call: Call, x: Array, units: int, reverse: bool = False, steps: int = 0) -> Array:
    """h_t = tanh(x_t W + h_{t-1} U + b) (Elman 1990)."""
    parameters = _parameters(call, x, units, steps, ("",))
    carried, h = _carried("h", reverse, steps)
    text = f"""h[..., t, j] = tanh({_affine("", h("k"))})
        {carried}"""
    return _stated(call, text, x, steps, parameters)


@with_parameters
def gru(call: Call, x: Array, units: int, reverse: bool = False, steps: int = 0) -> Array:
    """h_t = (1 - z_t) n_t + z_t h_{t-1} with update gate z, reset gate r and proposal n.

    z = σ(x W_z + h' U_z + b_z), r = σ(x W_r + h' U_r + b_r), n = tanh(x W_h + (r h') U_h + b_h)
    with h' = h_{t-1} (Cho et al. 2014, equations 5 to 8).
    """
    parameters = _parameters(call, x, units, steps, ("_z", "_r", "_h"))
    carried, h = _carried("h", reverse, steps)
    text = f"""z[..., t, j] = sigmoid({_affine("_z", h("k"))})
        r[..., t, j] = sigmoid({_affine("_r", h("k"))})
        n[..., t, j] = tanh({_affine("_h", f"r[..., t, k] * {h('k')}")})
        h[..., t, j] = (1 - z[..., t, j]) * n[..., t, j] + z[..., t, j] * {h("j")}
        {carried}"""
    return _stated(call, text, x, steps, parameters)


@with_parameters
def lstm(call: Call, x: Array, units: int, reverse: bool = False, steps: int = 0) -> Array:
    """h_t = o_t tanh(c_t) with the cell c_t = f_t c_{t-1} + i_t g_t.

    The gates i, f, o are σ(x W + h' U + b), g is tanh(x W + h' U + b), each with parameters of
    its own and h' = h_{t-1}; b_f starts at 1 (Hochreiter and Schmidhuber 1997; Gers et al. 2000).
    """
    parameters = _parameters(call, x, units, steps, ("_i", "_f", "_g", "_o"), ones="b_f")
    carried, h = _carried("h", reverse, steps)
    carried_cell, c = _carried("c", reverse, steps)
    text = f"""i[..., t, j] = sigmoid({_affine("_i", h("k"))})
        f[..., t, j] = sigmoid({_affine("_f", h("k"))})
        g[..., t, j] = tanh({_affine("_g", h("k"))})
        o[..., t, j] = sigmoid({_affine("_o", h("k"))})
        c[..., t, j] = f[..., t, j] * {c("j")} + i[..., t, j] * g[..., t, j]
        h[..., t, j] = o[..., t, j] * tanh(c[..., t, j])
        {carried}
        {carried_cell}"""
    return _stated(call, text, x, steps, parameters)


def last(call: Call, h: Array) -> Array:
    """y[n, j] = h[n, T - 1, j]: the last step of a sequence [N, T, units]."""
    if len(h.shape) < 2:
        call.refuse("h", f"last of an array {shape_text(h)}", "give a sequence, [N, T, units]")
    return call.equation("y[..., j] = h[..., t, j]", h=h, t=h.shape[-2] - 1)


def _parameters(
    call: Call, x: Array, units: int, steps: int, gates: tuple[str, ...], ones: str = ""
) -> dict[str, Array]:
    """W [D, units], U [units, units] and b [units] for each gate; the bias `ones` starts at 1."""
    if len(x.shape) < 2:
        call.refuse("x", f"a sequence of shape {shape_text(x)}", "give [N, T, D]")
    if steps < 0:
        call.refuse("steps", f"steps={steps}", "use 1 or more; 0 lets gradients go all the way")
    if units < 1:
        call.refuse("units", f"units={units}", "a layer has at least one unit")
    made: dict[str, Array] = {}
    for gate in gates:
        W, U, b = f"W{gate}", f"U{gate}", f"b{gate}"
        made[W] = call.parameter(W, (x.shape[-1], units))
        made[U] = call.parameter(U, (units, units))
        made[b] = call.parameter(b, (units,), init="ones" if b == ones else "zeros")
    return made


def _stated(call: Call, text: str, x: Array, steps: int, parameters: dict[str, Array]) -> Array:
    """The state h of the statements; `e` is the last step."""
    T = x.shape[-2]
    return call.recurrence(text, {"t": T}, x=x, m=steps, e=T - 1, **parameters)["h"]


def _affine(gate: str, state: str) -> str:
    """x_t W + h U + b of a gate; `state` is what U multiplies, at k."""
    return f"sum[i](x[..., t, i] * W{gate}[i, j]) + sum[k]({state} * U{gate}[k, j]) + b{gate}[j]"


def _carried(state: str, reverse: bool, steps: int) -> tuple[str, Callable[[str], str]]:
    """The statement, if any, of the state before a step, and how that is read at an index.

    With blocks of m steps the state that enters a block is taken for a constant.
    """
    before = f"{state}[..., t {'+' if reverse else '-'} 1, {{}}]"
    if not steps:
        return "", before.format
    first = f"digit({'e - t' if reverse else 't'}, 1, m) == 0"
    earlier = before.format("k")
    entering = f"{state}p[..., t, k] = where({first}, stop_gradient({earlier}), {earlier})"
    return entering, f"{state}p[..., t, {{}}]".format
