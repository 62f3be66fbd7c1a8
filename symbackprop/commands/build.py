"""Generate for the target native, and compile its loops ahead, beside the module.

Where the module runs there is then no need of a compiler. The compiled file is for processors that
can do what this one can; --portable makes one for all of its kind.
"""

from __future__ import annotations

import argparse

from symbackprop.commands import options as common

SUMMARY = "the module with its loops in C, compiled ahead"


def arguments(parser: argparse.ArgumentParser) -> None:
    common.spec(parser)
    parser.add_argument("-o", metavar="DIR", default="generated", help="default: generated")
    common.dtype(parser)
    common.memory(parser)
    parser.add_argument(
        "--portable", action="store_true", help="use only what all processors of this kind can do"
    )


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline

    derivation = pipeline.derive(pipeline.load(options.spec))
    for path in pipeline.build(
        derivation, options.o, options.dtype, options.portable, options.memory
    ):
        print(path)
    return 0
