"""Where gradients vanish or explode: norms of cotangents, spectra of layers, along the depth."""

from __future__ import annotations

import argparse
from pathlib import Path

from symbackprop.commands import colour
from symbackprop.commands import options as common
from symbackprop.errors import CallError

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


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline
    from symbackprop.files import write_whole

    if options.o is not None and Path(options.o).suffix not in ENDINGS:
        suffix = Path(options.o).suffix or options.o
        message = f"cannot draw '{options.o}': no picture ends in '{suffix}'"
        raise CallError(message, f"end the file's name in {common.listed(ENDINGS)}")
    inspection = pipeline.inspect(
        pipeline.load(options.spec), params=options.params, seed=options.seed
    )
    drawn = inspection.picture(Path(options.o).suffix) if options.o else b""
    colour.show(str(inspection))
    if options.o:
        print(f"\n{write_whole(Path(options.o), drawn)}")
    return 0
