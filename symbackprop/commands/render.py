"""Write the derivation as a document, its format by the file's ending."""

from __future__ import annotations

import argparse

from symbackprop.commands import options as common

SUMMARY = "the derivation as a document, .md or .tex"


def arguments(parser: argparse.ArgumentParser) -> None:
    common.spec(parser)
    parser.add_argument("-o", metavar="FILE", help="default: NAME.md")


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline

    if options.o is not None:
        pipeline.ending(options.o)  # a wrong ending is said before any work is done
    spec = pipeline.load(options.spec)
    print(pipeline.render(pipeline.derive(spec), options.o or f"{spec.name}.md"))
    return 0
