"""Print the equations of the gradients."""

from __future__ import annotations

import argparse

from symbackprop.commands import options as common

SUMMARY = "the gradients, on the screen"


def arguments(parser: argparse.ArgumentParser) -> None:
    common.spec(parser)
    parser.add_argument(
        "--wrt",
        metavar="NAME",
        action="append",
        help="a parameter or input to differentiate by; may be given again",
    )
    formats = ("text", "latex", "markdown", "json")
    parser.add_argument(
        "--format",
        type=common.one_of(*formats),
        default="text",
        help=f"{common.listed(formats)} (default: text)",
    )
    parser.add_argument(
        "--detail",
        type=common.one_of("result", "steps"),
        default="result",
        help="result (default), or steps: every rule that was used",
    )


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline

    derivation = pipeline.derive(pipeline.load(options.spec), options.wrt)
    print(pipeline.show(derivation, options.format, options.detail).rstrip("\n"))
    return 0
