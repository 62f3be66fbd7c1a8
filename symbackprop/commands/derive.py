"""Print the equations of the gradients."""

from __future__ import annotations

import argparse

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


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline

    derivation = pipeline.derive(pipeline.load(options.spec), options.wrt)
    print(pipeline.show(derivation, options.format, options.detail).rstrip("\n"))
    return 0
