"""Check every step, every gradient and the module of each SPEC; exit 0 only if all hold."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from symbackprop.commands import check_several
from symbackprop.commands import options as common
from symbackprop.errors import CallError
from symbackprop.spec.source import gallery

if TYPE_CHECKING:
    from symbackprop.checking import Report

WIDTH = 140  # columns where there is no terminal to measure
SUMMARY = "the proof: every step, every gradient, the module"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("specs", metavar="SPEC", nargs="*", help="paths, or names of gallery specs")
    parser.add_argument("--all", action="store_true", help="every spec of the gallery")
    parser.add_argument(
        "--processes",
        metavar="N",
        type=common.count(1),
        help="how many specs to check at once (default: one a core)",
    )


def run(options: argparse.Namespace) -> int:
    if options.all and options.specs:
        raise CallError("--all is the whole gallery", "leave out --all, or the specs beside it")
    specs = list(gallery()) if options.all else options.specs
    if not specs:
        fix = "name one or several, or check the whole gallery with --all"
        raise CallError("there is no SPEC to check", fix)
    if options.all or len(specs) > 1:
        return check_several.run(specs, options.processes)
    return _one(specs[0])


def _one(where: str) -> int:
    from symbackprop import pipeline

    spec = pipeline.load(where)
    report = pipeline.check(pipeline.derive(spec), spec)
    show(report)
    return 0 if report else 1


def show(report: Report) -> None:
    """Print what was checked, how, how often and how well it held; then what did not, and where,
    and what was not checked.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("what", "how", "equalities", box=None, pad_edge=False, header_style="bold")
    table.add_column("largest error", justify="right")
    table.add_column("result")
    for row in report:
        *cells, result = row.cells()
        style = "bold red" if not row.held else "green" if row.equalities else "yellow"
        table.add_row(*map(Text, cells), Text(result, style))
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(table)
    for line in (*report.failures, *report.unchecked):
        console.print(Text(line))
    print(report.verdict)
