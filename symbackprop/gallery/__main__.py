"""Write all that the gallery generates: `python -m symbackprop.gallery [DIR]`.

For each spec NAME.py, test_NAME.py and the derivation NAME.md; DIR is generated/ by default. In
DIR/native a few of them for the native target.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from symbackprop import pipeline
from symbackprop.spec.source import gallery

NATIVE = ("xor", "keras_mlp", "lenet5", "char_lstm")


def write(directory: Path) -> Iterator[Path]:
    """Write the files of every spec; give their paths."""
    for name in gallery():
        derivation = pipeline.derive(pipeline.load(name))
        yield from pipeline.generate(derivation, directory)
        yield pipeline.render(derivation, directory / f"{name}.md")
        if name in NATIVE:
            yield from pipeline.generate(derivation, directory / "native", target="native")


if __name__ == "__main__":
    about = argparse.ArgumentParser(prog="python -m symbackprop.gallery", description=__doc__)
    about.add_argument("directory", nargs="?", type=Path, default=Path("generated"), metavar="DIR")
    for path in write(about.parse_args().directory):
        print(path)
