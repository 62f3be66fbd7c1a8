"""init_params: how the parameters start."""

from __future__ import annotations

from fractions import Fraction

from symbackprop.emit.layout import Call, Code, lines, quoted
from symbackprop.emit.numbers import number
from symbackprop.equations.system import Parameter, State, System


def initial_parameters(system: System, dtype: str) -> list[str]:
    """The source of init_params; run-time extents of parameters are its keyword arguments."""
    used = {s for p in system.parameters for e in p.symbol.shape for s in e.free_symbols}
    extents = [e.name for e in system.extents if e in used]
    arguments = ["seed=0", f"dtype=np.{dtype}", *(["*", *extents] if extents else [])]
    entries = [
        line
        for p in system.parameters
        for line in lines(f"{quoted(p.symbol.name)}: ", _start(p), ",", indent=8)
    ]
    drawn = any(_draws(p) for p in system.parameters)
    return [
        *lines("def ", Call("init_params", tuple(arguments)), ":", indent=0),
        '    """Return the parameters as training starts; `seed` may be a generator."""',
        *(["    rng = np.random.default_rng(seed)"] if drawn else []),
        *(["    return {", *entries, "    }"] if entries else ["    return {}"]),
    ]


def initial_states(system: System, dtype: str) -> list[str]:
    """The source of init_state; empty where there are no states."""
    if not system.states:
        return []
    extents = _state_extents(system)
    arguments = [f"dtype=np.{dtype}", *(["*", *extents] if extents else [])]
    entries = [
        line
        for s in system.states
        for line in lines(f"{quoted(s.symbol.name)}: ", _start(s), ",", indent=8)
    ]
    return [
        *lines("def ", Call("init_state", tuple(arguments)), ":", indent=0),
        '    """Return the states as training starts; steps of training change them in place."""',
        "    return {",
        *entries,
        "    }",
    ]


def started(system: System) -> Code:
    """The call of init_state for the extents at hand."""
    return Call("init_state", ("dtype", *(f"{e}={e}" for e in _state_extents(system))))


def _state_extents(system: System) -> list[str]:
    used = {a for s in system.states for e in s.symbol.shape for a in e.free_symbols}
    return [e.name for e in system.extents if e in used]


def schemes(system: System) -> list[str]:
    """The drawing functions that init_params calls."""
    return sorted({p.init.scheme for p in system.parameters if _draws(p)})


def _draws(parameter: Parameter) -> bool:
    return parameter.init.values is None and parameter.init.scheme not in ("zeros", "ones")


def _start(parameter: Parameter | State) -> Code:
    sizes = tuple(number(e) for e in parameter.symbol.shape)
    shape: Code = Call("", sizes) if sizes else "()"
    init = parameter.init
    if init.values is not None:
        return Call("np.array", (_nested(init.values), "dtype"))
    if init.scheme in ("zeros", "ones"):
        return Call(f"np.{init.scheme}", (shape, "dtype"))
    numbers = tuple(repr(float(a)) for a in init.arguments)
    return Call(f"_{init.scheme}", ("rng", shape, *numbers, "dtype"))


def _nested(values: object) -> Code:
    """Nested numbers as a list."""
    if isinstance(values, (tuple, list)):
        return Call("", tuple(_nested(v) for v in values))
    return repr(float(Fraction(str(values)) if not isinstance(values, (int, float)) else values))
