"""Write the derivation as a document, its format by the file's ending."""

from __future__ import annotations

import argparse

from symbackprop.commands import options as common

SUMMARY = "the derivation as a document, .html, .md, .tex or .pdf"


def arguments(parser: argparse.ArgumentParser) -> None:
    common.spec(parser)
    parser.add_argument("-o", metavar="FILE", help="default: NAME.md; of a fragment NAME.tex")
    parser.add_argument(
        "--fragment",
        action="store_true",
        help="the equations alone, as LaTeX that a paper takes in by \\input",
    )
    common.notation(parser)
    common.numbers(parser)


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline

    if options.o is not None:
        pipeline.ending(options.o, options.fragment)  # what is wrong is said before any work
    spec = pipeline.load(options.spec)
    path = options.o or f"{spec.name}{'.tex' if options.fragment else '.md'}"
    derivation = pipeline.derive(spec)
    worked = common.worked(options, derivation)
    notation = common.chosen_notation(options)
    print(pipeline.render(derivation, path, notation, worked, options.fragment))
    return 0
