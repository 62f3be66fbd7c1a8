"""Print the equations of the gradients."""

from __future__ import annotations

import argparse

from symbackprop.commands import colour
from symbackprop.commands import options as common
from symbackprop.pipeline import DETAILS, FORMATS

SUMMARY = "the gradients, on the screen"


def arguments(parser: argparse.ArgumentParser) -> None:
    common.spec(parser)
    parser.add_argument(
        "--wrt",
        metavar="NAME",
        action="append",
        help="a parameter or input to differentiate by; may be given again",
    )
    parser.add_argument(
        "--format",
        type=common.one_of(*FORMATS),
        default="text",
        help=f"{common.listed(FORMATS)} (default: text)",
    )
    parser.add_argument(
        "--detail",
        type=common.one_of(*DETAILS),
        default="result",
        help="result (default), or steps: every rule that was used",
    )
    common.notation(parser)
    common.numbers(parser)


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline

    derivation = pipeline.derive(pipeline.load(options.spec), options.wrt)
    notation = common.chosen_notation(options)
    worked = common.worked(options, derivation)
    if worked is None:
        printed = pipeline.show(derivation, options.format, options.detail, notation)
    else:
        printed = worked.shown(options.format, notation)
    if options.format == "text":
        colour.show(printed)
    else:
        print(printed.rstrip("\n"))
    return 0
