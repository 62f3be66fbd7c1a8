"""The functions of the generated module: arguments, checks, mathematics, results.

Where training differs from use, each has a body for either, and chooses between them.
"""

from __future__ import annotations

import re

from sympy import Expr

from symbackprop.emit.arguments import Arguments, arguments, is_step
from symbackprop.emit.layout import WIDTH, Call, Code, lines, quoted
from symbackprop.emit.mathematics import mathematics
from symbackprop.emit.numbers import number, undefined_somewhere
from symbackprop.emit.printer import Printer
from symbackprop.emit.warnings import ignored_warnings, silenced
from symbackprop.program.model import Function, Program
from symbackprop.program.names import local
from symbackprop.program.operations import Read, Scalar


def function_sources(program: Program) -> list[str]:
    """The source of every function."""
    in_use = program.in_use
    if in_use is None:
        return [_function(program, f, public_head(program, f)) for f in program.functions]
    found = []
    for training, otherwise in zip(program.functions, in_use.functions, strict=True):
        found.append(_choice(program, training, arguments(in_use, otherwise)))
        found.append(_function(program, training, private_head(program, training, "in_training")))
        found.append(_function(in_use, otherwise, private_head(in_use, otherwise, "in_use")))
    return found


def public_head(program: Program, function: Function) -> list[str]:
    """The head of a function that is called by users."""
    return _head(function, arguments(program, function), function is not program.forward)


def _head(function: Function, takes: Arguments, training: bool) -> list[str]:
    heading = Call(function.name, ("params", *takes.keywords, f"training={training}"))
    return lines("def ", heading, ":", indent=0)


def private_head(program: Program, function: Function, mode: str) -> list[str]:
    """The head of the body of a function in one mode."""
    takes = arguments(program, function).names
    return lines("def ", Call(f"_{function.name}_{mode}", ("params", *takes)), ":", indent=0)


def _choice(program: Program, training: Function, in_use: Arguments) -> str:
    """The function that chooses the body."""
    takes = arguments(program, training)
    name = training.name
    return "\n".join(
        [
            *_head(training, takes | in_use, training is not program.forward),
            *docstring(program, training),
            "    if training:",
            *lines("return ", Call(f"_{name}_in_training", ("params", *takes.names)), indent=8),
            *lines("return ", Call(f"_{name}_in_use", ("params", *in_use.names))),
        ]
    )


def _function(program: Program, function: Function, head: list[str]) -> str:
    """One function: the extents and arrays it reads, the mathematics, the results."""
    printer = Printer(program, function)
    written = mathematics(program, function, printer)
    returned = [*_updated(function, printer), *_returned(program, function, printer)]
    checked = refused_divisors(program, function)
    body = [*extents_read(program, [*checked, *written, *returned]), *checked]
    body += [*_arrays(program, function), *written, *returned]
    takes = arguments(program, function)
    body = [*docstring(program, function), *prepared(function, takes, body), *body]
    ignored = ignored_warnings(program, function)
    decorator = [silenced(ignored)] if ignored else []
    return "\n".join([*decorator, *head, *body])


def prepared(function: Function, takes: Arguments, body: list[str]) -> list[str]:
    """The checks of the arguments; the workspace has a name only where it is used."""
    asked = takes.drawn or takes.has_states or takes.has_rate
    used = asked or any("work." in line for line in body)
    prefix = "work = " if used else ""
    given = Call("", tuple(f"{quoted(n)}: {n}" for n in function.inputs), "{}")
    passed = ", ".join(f"{quoted(name)}: {name}" for name in takes.extents)
    more = f", {{{passed}}}" if passed else ""
    one = f"    {prefix}_prepare(params, {given}, workspace{more})"
    if len(one) > WIDTH or takes.drawn:
        checked = Call("_prepare", ("params", "given", f"workspace{more}"))
        found = [*lines("given = ", given), *lines(prefix, checked)]
    else:
        found = [one]
    if takes.drawn:
        found.append("    _draw(given, rng, work)")
    if takes.has_rate:
        names = (Call("", tuple(map(quoted, takes.stepped)), "[]"),) if takes.stepped else ()
        found += lines("rate = ", Call("_checked_rate", ("rate", "params", "work", *names)))
    if takes.has_states:
        changed = ", changed=True" if function.updates else ""
        found.append(f"    state = _held(state, work{changed})")
    return found


def refused_divisors(program: Program, function: Function) -> list[str]:
    """Refuses extents for which a new state is undefined: the unbiased variance of one value."""
    states = {state.update for state in program.derivation.system.states}
    found: dict[str, list[str]] = {}
    for value in function.order:
        line = program.lines.get(program.serves[value])
        if line is None or line.equation.tensor not in states:
            continue
        for operand in program.values[value].operands:
            scalar = program.values[operand]
            divisor = _denominator(scalar.number) if isinstance(scalar, Scalar) else None
            bearer = None if divisor is None else _bearer(program, function, divisor)
            if divisor is not None and bearer is not None:
                text = number(divisor)
                names = (quoted(bearer), bearer, quoted(text), quoted(line.equation.label))
                found[text] = [
                    *lines("", f"if {text} == 0:"),
                    *lines("", Call("_refuse_divisor", names), indent=8),
                ]
    return [line for refused in found.values() for line in refused]


def _denominator(expr: Expr) -> Expr | None:
    """What a number made of run-time extents is divided by, if that may be 0."""
    _, below = expr.as_numer_denom()
    for factor in below.as_ordered_factors():
        if undefined_somewhere(1 / factor):
            return factor
    return None


def _bearer(program: Program, function: Function, divisor: Expr) -> str | None:
    """The first input that has one of the extents in the divisor."""
    for given in program.derivation.system.inputs:
        free = {s for e in given.symbol.shape for s in e.free_symbols}
        known = given.symbol.name in function.inputs and given.draw is None
        if known and free & divisor.free_symbols:
            return str(given.symbol.name)
    return None


def _updated(function: Function, printer: Printer) -> list[str]:
    """Writes the new states over those that were given."""
    if not function.updates:
        return []
    found = ["", "    if state is not work._state:"]
    for name, value in function.updates.items():
        target = Call("state", (quoted(name),), "[]")
        found += lines("", Call("np.copyto", (target, printer.see(value))), indent=8)
    return found


def docstring(program: Program, function: Function) -> list[str]:
    if function is program.forward:
        outputs = ", ".join(function.results)
        text = f"Return {outputs}, by name." if outputs else "Return no outputs: there are none."
    elif is_step(program, function):
        text = "Change the parameters by -rate times the gradients; return the loss."
    elif len(function.results) == 1:
        text = "Return the loss."
    else:
        (_, *by) = function.results
        text = f"Return the loss and its gradients by {', '.join(by)}."
    if len(text) <= 80 - 4:
        return [f'    """{text}"""']
    short = text.split(" by ")[0] + " by parameter and input names."
    return [f'    """{short if len(short) < 76 else "Return the results by name."}"""']


def extents_read(program: Program, body: list[str]) -> list[str]:
    """The run-time extents that the body reads."""
    words = {w for line in body if not line.lstrip().startswith("#") for w in _words(line)}
    names = [e.name for e in program.derivation.system.extents if e.name in words]
    return [line for name in names for line in lines(f"{name} = ", f"work.{name}")]


def _words(line: str) -> list[str]:
    return re.findall(r"[\w.]+", line)


def _arrays(program: Program, function: Function) -> list[str]:
    """Parameters by their own names; scalars as Python numbers, integers as positions."""
    reads = {op.name: op for op in program.values if isinstance(op, Read)}
    found: list[str] = []
    for name in arguments(program, function).drawn:
        found += lines(f"{name} = ", Call("given", (quoted(name),), "[]"))
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
    for name in function.states:
        found += lines(f"{local(name)} = ", Call("state", (quoted(name),), "[]"))
    return found


def _returned(program: Program, function: Function, printer: Printer) -> list[str]:
    entries: list[str] = []
    results = list(function.results.items())
    first: list[str] = []
    if function is not program.forward:
        value = results.pop(0)[1]
        scalar = program.values[value]
        seen: Code = printer.see(value)
        if isinstance(scalar, (Scalar, Read)):
            seen = Call("float", (seen,))
        if len(function.results) == 1 and not returns_gradients(program, function):
            return ["", *lines("return ", seen)]
        first = [str(seen)]
    for name, value in results:
        shown = printer.see(value)
        if name in function.rows:
            shown = Call("", (printer.see(function.rows[name]), shown))
        entries += lines(f"{quoted(name)}: ", shown, ",", indent=8)
    opening = "    return " + "".join(f"{f}, " for f in first)
    if not entries:
        return ["", f"{opening}{{}}"]
    return ["", f"{opening}{{", *entries, "    }"]


def returns_gradients(program: Program, function: Function) -> bool:
    """Whether the function is one that returns gradients."""
    return any(loss.gradients is function for loss in program.losses)
