"""Write the NumPy module and a test module beside it."""

from __future__ import annotations

import argparse

from symbackprop.commands import options as common

SUMMARY = "the NumPy module and its test"


def arguments(parser: argparse.ArgumentParser) -> None:
    common.spec(parser)
    parser.add_argument("-o", metavar="DIR", default="generated", help="default: generated")
    common.dtype(parser)


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline

    derivation = pipeline.derive(pipeline.load(options.spec))
    for path in pipeline.generate(derivation, options.o, options.dtype):
        print(path)
    return 0
