"""Steps of gradient descent as NumPy statements, in place."""

from __future__ import annotations

from symbackprop.emit.blocks import blocks_of
from symbackprop.emit.layout import Call, Infix, quoted
from symbackprop.emit.numbers import factor
from symbackprop.emit.printer import Printer
from symbackprop.program.operations import Descend, Read, Scalar
from symbackprop.program.shapes import size

CHUNK = 32768
"""About how many entries of a large parameter change at once: 128 KB in single precision."""


def descend(printer: Printer, value: int, operation: Descend) -> list[str]:
    """parameter *= 1 - decay, where there is one; parameter -= rate * gradient."""
    if operation.decay is None:
        return _subtracted(printer, value, operation)
    name, decay = (str(printer.see(v)) for v in (operation.parameter, operation.decay))
    scaled = printer.write(f"{name} *= ", Infix("1", "-", decay))
    return scaled + _subtracted(printer, value, operation)


def _subtracted(printer: Printer, value: int, operation: Descend) -> list[str]:
    """parameter -= rate * gradient; some rows at a time where the parameter is large."""
    parameter = printer.values[operation.parameter]
    gradient = printer.values[operation.gradient]
    assert isinstance(parameter, Read)
    name, seen = (str(printer.see(v)) for v in (operation.parameter, operation.gradient))
    rate = printer.values[operation.rate]
    times = None if isinstance(rate, Scalar) else str(printer.see(operation.rate))
    if not gradient.shape:
        if isinstance(gradient, Scalar):
            seen = factor(gradient.number)
        return _by_number(printer, parameter, name, f"{times} * {seen}" if times else seen)
    out, found, inner = seen, [], printer
    if times and printer.places[value].inplace is None:
        out, found = printer.names[value], printer.fresh(value)
    same = gradient.shape == parameter.shape and operation.rows is None
    if times and same and size(parameter.shape) >= 2 * CHUNK:
        blocks = blocks_of(printer, max(1, CHUNK // size(parameter.shape[1:])))
        found.append(blocks.head(printer, parameter.shape[0]))
        inner = printer.indented()
        found += inner.write(f"{blocks.block} = ", blocks.of(out))
        name, seen = blocks.of(name), blocks.block if seen == out else blocks.of(seen)
        out = blocks.block
    if times and seen == out and out.isidentifier():
        found += inner.write(f"{out} *= ", times)
    elif times:
        found += inner.write("", Call("np.multiply", (seen, times, f"out={out}")))
    if operation.rows is not None:
        room = (printer.see(v) for v in operation.room)
        changed = ("np.subtract", name, printer.see(operation.rows), out, *room)
        return found + printer.write("", Call("_at_rows", changed))
    assert times or not printer.is_handed_in(operation.gradient), "the rate is in what was computed"
    return found + inner.write(f"{name} -= ", out)


def _by_number(printer: Printer, parameter: Read, name: str, scaled: str) -> list[str]:
    """A gradient that is the same number for every entry."""
    if parameter.shape:
        return printer.write(f"{name} -= ", scaled)
    target = f"{Call('params', (quoted(parameter.name),), '[]')}[()]"
    return printer.write(f"{target} = ", Infix(name, "-", scaled))
