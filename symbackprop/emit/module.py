"""The generated module: a program as the NumPy source that a careful expert would write."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Expr, Symbol

from symbackprop.emit.initial import initial_parameters, schemes
from symbackprop.emit.layout import WIDTH, Call, Code, escaped, lines, quoted, sentences
from symbackprop.emit.least import joint_checks, least_extents
from symbackprop.emit.mathematics import mathematics
from symbackprop.emit.numbers import number
from symbackprop.emit.printer import Printer
from symbackprop.emit.statements import constant
from symbackprop.emit.warnings import UNDEFINED, ignored_warnings, silenced, undefined
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.program.model import Function, Program
from symbackprop.program.names import local
from symbackprop.program.operations import Read, Scalar
from symbackprop.templating import fill

DTYPES = {"real": "dtype", "integer": "np.intp", "mask": "np.bool_"}


def emit_module(program: Program, dtype: str = "float32") -> str:
    """The module's source; `dtype` is the default of init_params and of Workspace."""
    system = program.derivation.system
    losses = [f for loss in program.losses for f in (loss.value, loss.gradients)]
    functions = [_function(program, f) for f in (program.forward, *losses)]
    shaped = [*(i.symbol for i in system.inputs), *(p.symbol for p in system.parameters)]
    outputs = [t for t in system.outputs if t not in shaped]
    return fill(
        "module.py.jinja",
        title=escaped(system.title or system.name),
        notes=_paragraphs(system.notes),
        contents=_contents(program),
        math=any("math." in function for function in functions),
        shapes=_shapes([*shaped, *outputs]),
        kinds=_kinds(program),
        classes=_classes(program),
        extents=_list(e.name for e in system.extents),
        compound=_compound(program),
        joint=joint_checks(program.derivation),
        least=_dict((n, str(e)) for n, e in least_extents(program.derivation).items()),
        parameter_names=_list(p.symbol.name for p in system.parameters),
        init_params=initial_parameters(system, dtype),
        schemes=schemes(system),
        fans=any(s.startswith(("glorot", "he")) for s in schemes(system)),
        workspace=_workspace(program, dtype),
        functions=functions,
        erf=any("_erf(" in function for function in functions),
        windows=any("_windows(" in function for function in functions),
    )


def _contents(program: Program) -> list[str]:
    """What the module says about itself."""
    system = program.derivation.system
    gradients = ", ".join(loss.gradients.name for loss in program.losses)
    text = (
        f"Written by symbackprop from the spec {system.name} ({system.digest[:16] or 'no digest'})."
    )
    offered = f"Call init_params, then forward, {gradients}."
    numbers = (
        "The numbers in the comments are those of the equations in the derivation; "
        "[condition] is 1 where the condition holds, else 0."
    )
    return [*sentences(text, 0), *sentences(offered, 0), "", *sentences(numbers, 0)]


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
                found += lines("", call)
    return found


def _looked_up(extent: Expr) -> dict[Expr, Expr]:
    """Each run-time extent as it is looked up in the dict of extents."""
    return {e: Symbol(f"extents[{quoted(e.name)}]", positive=True) for e in extent.free_symbols}


def _workspace(program: Program, dtype: str) -> dict[str, list[str]]:
    """The constructor of Workspace: its extents, its constants and its buffers."""
    extents = [e.name for e in program.derivation.system.extents]
    head = ["self", "*", *extents, f"dtype=np.{dtype}"]
    printer = Printer(program, program.forward, "self")
    known = Call("", tuple(f"{quoted(name)}: {name}" for name in extents), "{}")
    body = [
        *lines("self._extents = ", known, indent=8),
        "        self._dtype = np.dtype(dtype)",
        "        self._shapes = {",
        "            name: tuple(self._extents.get(extent, extent) for extent in shape)",
        "            for name, shape in SHAPES.items()",
        "        }",
    ]
    for name in extents:
        body += lines(f"self.{name} = ", name, indent=8)
    for value, name in program.constants.items():
        body += lines(f"self.{name} = ", constant(printer, value), indent=8)
    for buffer in program.buffers:
        shape = _shape(buffer.shape)
        call = Call("np.empty", (shape, DTYPES[buffer.kind]))
        body += lines(f"self.{buffer.name} = ", call, indent=8)
    opening = lines("def ", Call("__init__", tuple(head)), ":", 4)
    if undefined(program, program.constants):
        opening = [f"    {silenced(UNDEFINED)}", *opening]
    return {"head": opening, "body": body}


def _function(program: Program, function: Function) -> str:
    """One function: arguments, the extents and arrays it reads, the mathematics, the results."""
    loss = function is not program.forward
    arguments = ["params", *(["*", *function.inputs]), "workspace=None", f"training={loss}"]
    printer = Printer(program, function)
    written = mathematics(program, function, printer)
    returned = _returned(program, function, printer)
    body = [*_extents(program, [*written, *returned]), *_arrays(program, function)]
    body += [*written, *returned]
    body = [*_docstring(program, function), *_prepared(function, body), *body]
    ignored = ignored_warnings(program, function)
    decorator = [silenced(ignored)] if ignored else []
    head = lines("def ", Call(function.name, tuple(arguments)), ":", indent=0)
    return "\n".join([*decorator, *head, *body])


def _prepared(function: Function, body: list[str]) -> list[str]:
    """The checks of the arguments; the workspace has a name only where it is used."""
    used = any("work." in line for line in body)
    prefix = "work = " if used else ""
    given = Call("", tuple(f"{quoted(n)}: {n}" for n in function.inputs), "{}")
    one = f"    {prefix}_prepare(params, {given}, workspace)"
    if len(one) <= WIDTH:
        return [one]
    return [*lines("given = ", given), f"    {prefix}_prepare(params, given, workspace)"]


def _docstring(program: Program, function: Function) -> list[str]:
    if function is program.forward:
        outputs = ", ".join(function.results)
        text = f"Return {outputs}, by name." if outputs else "Return no outputs: there are none."
    elif len(function.results) == 1:
        text = "Return the loss."
    else:
        (_, *by) = function.results
        text = f"Return the loss and its gradients by {', '.join(by)}."
    if len(text) <= 80 - 4:
        return [f'    """{text}"""']
    short = text.split(" by ")[0] + " by parameter and input names."
    return [f'    """{short if len(short) < 76 else "Return the results by name."}"""']


def _extents(program: Program, body: list[str]) -> list[str]:
    """The run-time extents that the body reads."""
    words = {w for line in body if not line.lstrip().startswith("#") for w in _words(line)}
    names = [e.name for e in program.derivation.system.extents if e.name in words]
    return [line for name in names for line in lines(f"{name} = ", f"work.{name}")]


def _words(line: str) -> list[str]:
    return "".join(c if c.isalnum() or c in "_." else " " for c in line).split()


def _arrays(program: Program, function: Function) -> list[str]:
    """Parameters by their own names; scalars as Python numbers, integers as positions."""
    reads = {op.name: op for op in program.values if isinstance(op, Read)}
    found: list[str] = []
    for name in function.inputs:
        if not reads[name].shape:
            convert = {"real": "float", "integer": "int", "mask": "bool"}[reads[name].kind]
            found += lines(f"{name} = ", Call(convert, (name,)))
        elif reads[name].kind == "integer":
            found += lines(f"{name} = ", Call("np.asarray", (name, "dtype=np.intp")))
    for name in function.parameters:
        source = Call("params", (quoted(name),), "[]")
        found += lines(
            f"{local(name)} = ", source if reads[name].shape else Call("float", (source,))
        )
    return found


def _returned(program: Program, function: Function, printer: Printer) -> list[str]:
    entries: list[str] = []
    results = list(function.results.items())
    first: list[str] = []
    if function is not program.forward:
        value = results.pop(0)[1]
        scalar = program.values[value]
        seen = printer.see(value)
        if isinstance(scalar, (Scalar, Read)):
            seen = Call("float", (seen,))
        if len(function.results) == 1 and not program_gradients(program, function):
            return ["", *lines("return ", seen)]
        first = [str(seen)]
    for name, value in results:
        entries += lines(f"{quoted(name)}: ", printer.see(value), ",", indent=8)
    opening = "    return " + "".join(f"{f}, " for f in first)
    if not entries:
        return ["", f"{opening}{{}}"]
    return ["", f"{opening}{{", *entries, "    }"]


def program_gradients(program: Program, function: Function) -> bool:
    """Whether the function is one that returns gradients."""
    return any(loss.gradients is function for loss in program.losses)
