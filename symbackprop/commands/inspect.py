"""Where gradients vanish or explode: norms of cotangents, spectra of layers, along the depth."""

from __future__ import annotations

import argparse
from pathlib import Path

from symbackprop.commands import colour
from symbackprop.commands import options as common
from symbackprop.notation import Notation

SUMMARY = "where gradients vanish or explode, along the depth"
ENDINGS = (".svg", ".png")


def arguments(parser: argparse.ArgumentParser) -> None:
    common.spec(parser)
    parser.add_argument("-o", metavar="FILE", help="a picture as well, .svg or .png")
    parser.add_argument(
        "--params", metavar="FILE", help="parameters that train saved, a .npz (default: the start)"
    )
    parser.add_argument(
        "--seed", type=common.count(0), default=0, help="of what is drawn (default: 0)"
    )
    common.language(parser)


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline
    from symbackprop.files import ending_of, write_whole

    drawing = "" if options.o is None else ending_of(options.o, ENDINGS, "draw", "picture")
    inspection = pipeline.inspect(
        pipeline.load(options.spec), params=options.params, seed=options.seed
    )
    notation = Notation(language=options.language)
    drawn = inspection.picture(drawing, notation) if drawing else b""
    colour.show(inspection.shown(notation))
    if drawing:
        print(f"\n{write_whole(Path(options.o), drawn)}")
    return 0
