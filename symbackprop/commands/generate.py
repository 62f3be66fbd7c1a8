"""Write the NumPy module and a test module beside it.

--target native adds its loops as one C file, compiled on first use where there is a compiler.
"""

from __future__ import annotations

import argparse

from symbackprop.commands import options as common

SUMMARY = "the NumPy module and its test"


def arguments(parser: argparse.ArgumentParser) -> None:
    common.spec(parser)
    parser.add_argument("-o", metavar="DIR", default="generated", help="default: generated")
    common.dtype(parser)
    common.memory(parser)
    common.target(parser)


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline

    derivation = pipeline.derive(pipeline.load(options.spec))
    for path in pipeline.generate(
        derivation, options.o, options.dtype, options.target, options.memory
    ):
        print(path)
    return 0
