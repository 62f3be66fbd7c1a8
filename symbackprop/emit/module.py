"""The generated module: a program as the NumPy source that a careful expert would write."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sympy import Expr, Symbol

from symbackprop.emit.arguments import arguments
from symbackprop.emit.functions import function_sources
from symbackprop.emit.initial import initial_parameters, initial_states, schemes, started
from symbackprop.emit.layout import Call, Code, escaped, lines, quoted, sentences
from symbackprop.emit.least import joint_checks, least_extents, where_known
from symbackprop.emit.native.section import IMPORTS, native_section
from symbackprop.emit.numbers import number
from symbackprop.emit.printer import Printer
from symbackprop.emit.statements import constant
from symbackprop.emit.warnings import UNDEFINED, silenced, undefined
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.equations.system import System
from symbackprop.program.model import Program
from symbackprop.program.shapes import ALIGNED, size
from symbackprop.templating import fill

DTYPES = {"real": "dtype", "integer": "np.intp", "mask": "np.bool_"}

TARGETS = ("numpy", "native")


def emit_module(program: Program, dtype: str = "float32", target: str = "numpy") -> str:
    """The module's source; `dtype` is the default of init_params and of Workspace.

    That of the target native is the same with a C file beside it, which `emit_native` writes.
    """
    system = program.derivation.system
    functions = function_sources(program)
    workspace = _workspace(program, dtype)
    written = [*functions, *workspace["body"]]
    shaped = system.given
    modes = [program] if program.in_use is None else [program, program.in_use]
    outputs = [t for t in system.outputs if t not in shaped]
    return fill(
        "module.py.jinja",
        title=escaped(system.title or system.name),
        notes=_paragraphs(system.notes),
        contents=_contents(program),
        imports=_imports(written, target),
        native=native_section(program) if target == "native" else None,
        shapes=_shapes([*shaped, *outputs]),
        kinds=_kinds(program),
        classes=_classes(program),
        open_classes=any(i.classes in system.extents for i in system.inputs),
        extents=_list(e.name for e in system.extents),
        compound=_compound(program),
        joint=joint_checks(program.derivation),
        least=_dict((n, str(e)) for n, e in least_extents(program.derivation).items()),
        draws=drawn_laws(system),
        laws=sorted({i.draw.law for i in system.inputs if i.draw is not None}),
        loose=any(arguments(mode, f).extents for mode in modes for f in mode.functions),
        state_names=_list(s.symbol.name for s in system.states),
        init_state=initial_states(system, dtype),
        steps=any("_checked_rate(" in function for function in functions),
        divisors=any("_refuse_divisor(" in function for function in functions),
        parameter_names=_list(p.symbol.name for p in system.parameters),
        init_params=initial_parameters(system, dtype),
        schemes=schemes(system),
        fans=any(s.startswith(("glorot", "he")) for s in schemes(system)),
        workspace=workspace,
        aligned=any("_aligned(" in line for line in workspace["body"]),
        one=_reads_one(program, functions),
        functions=functions,
        erf=any("_erf(" in part for part in written),
        erfc=any("_erfc(" in part for part in written),
        largest=any("_largest(" in part for part in written),
        windows=any("_windows(" in part for part in written),
        tables=any("_at_rows(" in part for part in written),
    )


def _imports(written: Iterable[str], target: str) -> list[str]:
    """What the module imports beside NumPy."""
    found = {"math"} if any("math." in part for part in written) else set()
    return sorted(found | (set(IMPORTS) if target == "native" else set()))


def _reads_one(program: Program, functions: Iterable[str]) -> bool:
    """Whether functions read the number 1 of the workspace, and not what the spec calls so."""
    free = Printer(program, program.forward).one == "work.one"
    return free and any(re.search(r"\bwork\.one\b", function) for function in functions)


def _contents(program: Program) -> list[str]:
    """What the module says about itself."""
    system = program.derivation.system
    gradients = ", ".join(loss.gradients.name for loss in program.losses)
    text = (
        f"Written by symbackprop from the spec {system.name} ({system.digest[:16] or 'no digest'})."
    )
    steps = [loss.descent.name for loss in program.losses if loss.descent is not None]
    offered = f"Call init_params, then forward, {', '.join([gradients, *steps])}."
    numbers = (
        "The numbers in the comments are those of the equations in the derivation; "
        "[condition] is 1 where the condition holds, else 0."
    )
    more = [line for note in _on_training(system) for line in ("", *sentences(note, 0))]
    return [*sentences(text, 0), *sentences(offered, 0), *more, "", *sentences(numbers, 0)]


def _on_training(system: System) -> list[str]:
    """What there is to say of draws, states and sparse gradients."""
    drawn = [i.symbol.name for i in system.inputs if i.draw is not None]
    found: list[str] = []
    if drawn:
        found.append(
            f"What is not handed in of {', '.join(drawn)} is drawn: rng= is a generator or a seed, "
            "which gives the same numbers again."
        )
    if system.states:
        found.append(
            "state= takes the running values, first those of init_state: a step of training, with "
            "its gradients, changes them in place; in use they are read."
        )
    if system.sparse:
        found.append(
            f"The gradients by {', '.join(t.name for t in system.sparse)} are pairs (rows, "
            "values): the gradient of a row is the sum of the values for it; all other rows have 0."
        )
    return found


def _paragraphs(text: str) -> list[str]:
    paragraphs = [sentences(escaped(p), 0) for p in text.splitlines() if p.strip()]
    return [line for paragraph in paragraphs for line in (*paragraph, "")]


def _shapes(symbols: Iterable[TensorSymbol]) -> list[str]:
    return [
        line
        for symbol in symbols
        for line in lines(f"{quoted(symbol.name)}: ", _shape(symbol.shape, True), ",")
    ]


def _shape(shape: Iterable[Expr], text: bool = False) -> Code:
    """A shape as a tuple; `text` makes strings of run-time extents."""
    sizes = [number(e) for e in shape]
    if text:
        sizes = [s if s.isdigit() else quoted(s) for s in sizes]
    return Call("", tuple(sizes)) if sizes else "()"


def _kinds(program: Program) -> str:
    """NumPy's letters for the dtypes of inputs that are not real."""
    pairs = [(i.symbol.name, i.symbol.kind) for i in program.derivation.system.inputs]
    letters = {"integer": "iu", "mask": "b"}
    return _dict((name, quoted(letters[kind])) for name, kind in pairs if kind != "real")


def _classes(program: Program) -> str:
    """The classes of integer inputs, where they are a number."""
    inputs = program.derivation.system.inputs
    known = [(i.symbol.name, number(i.classes)) for i in inputs if i.classes is not None]
    return _dict((name, text if text.isdigit() else quoted(text)) for name, text in known)


def _dict(items: Iterable[tuple[str, str]]) -> str:
    """A dict, one item a line; `{}` for none."""
    body = "".join(f"    {quoted(name)}: {value},\n" for name, value in items)
    return f"{{\n{body}}}" if body else "{}"


def _list(names: Iterable[str]) -> str:
    """A list of names, one a line."""
    body = "".join(f"    {quoted(name)},\n" for name in names)
    return f"[\n{body}]" if body else "[]"


def _compound(program: Program) -> list[str]:
    """Checks of the axes of parameters whose extent is made of several run-time extents."""
    found: list[str] = []
    for parameter in program.derivation.system.parameters:
        symbol = parameter.symbol
        for axis, extent in enumerate(symbol.shape):
            if extent.free_symbols and not extent.is_Symbol:
                call = Call(
                    "_check_axis",
                    (
                        quoted(symbol.name),
                        f"params[{quoted(symbol.name)}]",
                        str(axis),
                        number(extent.xreplace(_looked_up(extent))),
                    ),
                )
                found += where_known(extent, call)
    return found


def _looked_up(extent: Expr) -> dict[Expr, Expr]:
    """Each run-time extent as it is looked up in the dict of extents."""
    return {e: Symbol(f"extents[{quoted(e.name)}]", positive=True) for e in extent.free_symbols}


def _workspace(program: Program, dtype: str) -> dict[str, list[str]]:
    """The constructor of Workspace: its extents, its constants and its buffers."""
    extents = [e.name for e in program.derivation.system.extents]
    head = ["self", "*", *extents, f"dtype=np.{dtype}"]
    known = Call("", tuple(f"{quoted(name)}: {name}" for name in extents), "{}")
    body = [
        *lines("self._extents = ", known, indent=8),
        *(["        _check_extents(self._extents)"] if extents else []),
        '        self._dtype = _check_dtype("dtype", np.dtype(dtype), None)',
        "        self._shapes = {",
        "            name: tuple(self._extents.get(extent, extent) for extent in shape)",
        "            for name, shape in SHAPES.items()",
        "        }",
    ]
    for name in extents:
        body += lines(f"self.{name} = ", name, indent=8)
    body += _drawn_buffers(program)
    if program.derivation.system.states:
        body += lines("self._state = ", started(program.derivation.system), indent=8)
    body += _constants(program)
    body += _buffers(program)
    opening = lines("def ", Call("__init__", tuple(head)), ":", 4)
    modes = [program] if program.in_use is None else [program, program.in_use]
    if any(undefined(mode, mode.constants) for mode in modes):
        opening = [f"    {silenced(UNDEFINED)}", *opening]
    return {"head": opening, "body": body}


def _buffers(program: Program) -> list[str]:
    """The memory of a step; large arrays of reals begin with a line of the cache."""
    found: list[str] = []
    for buffer in program.buffers:
        is_large = buffer.kind == "real" and size(buffer.shape) >= ALIGNED
        made = "_aligned" if is_large else "np.empty"
        call = Call(made, (_shape(buffer.shape), DTYPES[buffer.kind]))
        found += lines(f"self.{buffer.name} = ", call, indent=8)
    return found


def _constants(program: Program) -> list[str]:
    """The values that depend on extents alone; those of both modes, each once."""
    found: dict[str, list[str]] = {}
    for mode in [program] if program.in_use is None else [program, program.in_use]:
        printer = Printer(mode, mode.forward, "self")
        for value, name in mode.constants.items():
            found.setdefault(name, lines(f"self.{name} = ", constant(printer, value), indent=8))
    return [line for written in found.values() for line in written]


def drawn_laws(system: System) -> str:
    """The law and the numbers of every input that may be drawn."""
    return _dict(
        (i.symbol.name, str(Call("", (quoted(i.draw.law), *_floats(i.draw.parameters)))))
        for i in system.inputs
        if i.draw is not None
    )


def _floats(numbers: Iterable[Expr]) -> tuple[str, ...]:
    return tuple(repr(float(a)) for a in numbers)


def _drawn_buffers(program: Program) -> list[str]:
    """Where inputs are drawn to, and the block of uniform numbers that makes masks."""
    drawn = [i for i in program.derivation.system.inputs if i.draw is not None]
    if not drawn:
        return []
    found = ["        self._drawn = {"]
    for given in drawn:
        call = Call("np.empty", (_shape(given.symbol.shape), DTYPES[given.symbol.kind]))
        found += lines(f"{quoted(given.symbol.name)}: ", call, ",", indent=12)
    found.append("        }")
    if any(given.symbol.kind == "mask" for given in drawn):
        found.append("        self._block = np.empty(16384, np.float32)")
    return found
