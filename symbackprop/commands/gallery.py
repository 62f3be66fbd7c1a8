"""List the specs that ship with the package, or print one."""

from __future__ import annotations

import argparse

SUMMARY = "the shipped specs, or one of them"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="print this one")


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline
    from symbackprop.errors import CallError
    from symbackprop.spec.errors import did_you_mean, quoted
    from symbackprop.spec.source import gallery

    specs = gallery()
    if options.name is None:
        width = max(map(len, specs))
        for name in specs:
            print(f"{name:{width}}  {pipeline.load(name).title}")
    elif options.name in specs:
        print(specs[options.name].read_text(encoding="utf-8"), end="")
    else:
        fix = did_you_mean(options.name, specs, f"there are {', '.join(specs)}")
        raise CallError(f"the gallery has no spec {quoted(options.name)}", fix)
    return 0
