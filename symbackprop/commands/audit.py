"""Hold hand-written gradients against the derived ones, and name the fault.

The function is called at random points with arrays of the spec's shapes. Its arguments are bound by
name to inputs and parameters: exactly, else as W1 to w1 or hidden_weights, x to inputs, y to
labels; params, weights and biases get all of them in the dict or list that the source expects; lr,
rate, eta get a known rate. Of a class, Class.method is called, its attributes set. What comes back
is taken by name, in order, from attributes, or as the change of the parameters in a training step.
Examples in columns and transposed weights are found out by their shapes. A gradient that is the
spec's times one number throughout, as N for a sum in place of a mean, is refused unless --scale
says that it is meant.

THE FILE IS EXECUTED, with your rights, as if you had started it yourself. It runs in a process of
its own with bounds on time, memory, files and output, which protect against accidents, not against
malice: audit no file that you would not run.

Exit code: 0 where all gradients agree, 1 where one does not, 2 where the call is wrong.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from symbackprop.commands import options as common

if TYPE_CHECKING:
    from symbackprop.auditing.model import Audit

WIDTH = 140  # columns where there is no terminal to measure
SUMMARY = "a stranger's gradients, and the name of their fault"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "function", metavar="FILE.py:FUNCTION", help="a function, or a method as Class.method"
    )
    common.spec(parser)
    parser.add_argument(
        "--bind",
        metavar="ARG=NAME",
        action="append",
        default=[],
        help="an argument (or self.NAME, or a global) is this name of the spec, a list of "
        "names (weights=W1,W2), or a number (reg=0.01); may be given again",
    )
    parser.add_argument(
        "--returns", metavar="NAMES", help="what comes back, in order: W1,b1,- for no gradient"
    )
    parser.add_argument("--rate", type=_number, help="the learning rate that its step uses")
    parser.add_argument(
        "--columns", action="store_true", help="examples stand in columns, weights are transposed"
    )
    parser.add_argument(
        "--scale", metavar="FACTOR", default="1", help="its gradients are meant to be N, 2, 1/N, … "
        "times the spec's"
    )  # fmt: skip
    parser.add_argument("--loss", metavar="NAME", help="which of the spec's losses")
    parser.add_argument(
        "--wrt", metavar="NAME", action="append", help="only this gradient; may be given again"
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=_number, default=10.0, help="default: 10"
    )


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline
    from symbackprop.auditing.target import target

    target(options.function)  # a wrong file is said before any work is done
    spec = pipeline.load(options.spec)
    found = pipeline.audit(
        options.function,
        pipeline.derive(spec),
        spec=spec,
        bind=dict(_pair(word) for word in options.bind),
        returns=[n.strip() for n in options.returns.split(",")] if options.returns else (),
        rate=options.rate,
        columns=options.columns,
        scale=options.scale,
        loss=options.loss,
        wrt=options.wrt or (),
        timeout=options.timeout,
    )
    show(found)
    return 0 if found else 1


def show(audit: Audit) -> None:
    """Print the gradients, then the faults with the equations beside them."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from symbackprop.auditing.printed import TITLES, after_table, cells, heading, shown

    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(Text(heading(audit)))
    rows = shown(audit)
    table = Table(*TITLES[:2], box=None, pad_edge=False, header_style="bold")
    table.add_column(TITLES[2], justify="right")
    for row in rows:
        name, verdict, difference = map(Text, cells(row))
        verdict.stylize("green" if row.held else "bold red")
        table.add_row(name, verdict, difference)
    if rows:
        print()
        console.print(table)
    for line in after_table(audit):
        print(line)


def _pair(word: str) -> tuple[str, str]:
    from symbackprop.errors import CallError

    argument, equals, name = word.partition("=")
    if not equals or not argument.strip() or not name.strip():
        raise CallError(f"--bind '{word}' is no ARG=NAME", "write --bind weights=W1,W2")
    return argument.strip(), name.strip()


def _number(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"'{word}' is no positive number")
    return number
