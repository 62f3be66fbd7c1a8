"""Arguments that several commands take."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from symbackprop.errors import CallError
from symbackprop.notation import CHOICES, Notation

if TYPE_CHECKING:
    from symbackprop.derivation.model import Derivation
    from symbackprop.report.worked import Worked

MOST = 2**31 - 1  # of epochs, steps, seeds
DIGITS = 18  # a longer word is not read as a number
SHORT = {"language": "lang"}  # options whose names are shorter than what they choose


def spec(parser: argparse.ArgumentParser) -> None:
    """The positional SPEC."""
    parser.add_argument("spec", metavar="SPEC", help="a path, or the name of a gallery spec")


def dtype(parser: argparse.ArgumentParser) -> None:
    """`--dtype`."""
    parser.add_argument(
        "--dtype",
        type=one_of("float32", "float64"),
        default="float32",
        help="float32 (default) or float64",
    )


def target(parser: argparse.ArgumentParser) -> None:
    """`--target`."""
    parser.add_argument(
        "--target",
        type=one_of("numpy", "native"),
        default="numpy",
        help="numpy (default), or native: the same with its loops in C",
    )


def memory(parser: argparse.ArgumentParser) -> None:
    """`--memory`."""
    parser.add_argument(
        "--memory",
        type=one_of("high", "low"),
        default="high",
        help="low: compute cheap values again on the way back instead of keeping them",
    )


def notation(parser: argparse.ArgumentParser) -> None:
    """An option for each choice of a Notation: `--cotangents`, …, `--lang`."""
    group = parser.add_argument_group("notation")
    for name in CHOICES:
        _choice(group, name)


def language(parser: argparse.ArgumentParser) -> None:
    """`--lang` alone."""
    _choice(parser, "language")


def _choice(parser: argparse._ActionsContainer, name: str) -> None:
    choices = CHOICES[name]
    first, *others = choices.items()
    parser.add_argument(
        f"--{SHORT.get(name, name)}",
        dest=name,
        type=one_of(*choices),
        default=first[0],
        help=listed([f"{first[0]} ({first[1]}; default)", *(f"{w} ({s})" for w, s in others)]),
    )


def chosen_notation(options: argparse.Namespace) -> Notation:
    """The Notation that the options say."""
    return Notation(**{name: getattr(options, name) for name in CHOICES})


def numbers(parser: argparse.ArgumentParser) -> None:
    """`--numbers`, and what goes with it."""
    group = parser.add_argument_group("worked numbers")
    group.add_argument(
        "--numbers", action="store_true", help="carry numbers through every equation"
    )
    group.add_argument(
        "--values",
        metavar="FILE",
        help=".yaml or .json: names to numbers or nested lists; others are drawn",
    )
    group.add_argument("--rate", help="of the update, as 0.5 or 1/3 (default: 0.1)")
    group.add_argument("--seed", type=count(0), help="of what is drawn (default: 0)")
    group.add_argument("--digits", type=count(1), help="significant digits in print (default: 6)")


def worked(options: argparse.Namespace, derivation: Derivation) -> Worked | None:
    """The numbers that the options ask for."""
    from symbackprop import pipeline

    given = {name: getattr(options, name) for name in ("values", "rate", "seed", "digits")}
    asked = {name: value for name, value in given.items() if value is not None}
    if options.numbers:
        return pipeline.numbers(derivation, **asked)
    for name in asked:
        raise CallError(f"--{name} goes with --numbers", "add --numbers, or leave it out")
    return None


def one_of(*known: str) -> Callable[[str], str]:
    """A type of argument: one of these words."""

    def check(word: str) -> str:
        if word not in known:
            raise argparse.ArgumentTypeError(f"'{word}' is none of {', '.join(known)}")
        return word

    return check


def count(least: int) -> Callable[[str], int]:
    """A type of argument: a whole number from `least`, below 2³¹."""

    def check(word: str) -> int:
        if not word.isdecimal() or (len(word) <= DIGITS and int(word) < least):
            raise argparse.ArgumentTypeError(f"'{word}' is no whole number from {least}")
        if len(word) > DIGITS or int(word) > MOST:
            shown = word if len(word) <= 40 else f"{word[:37]}..."
            raise argparse.ArgumentTypeError(f"'{shown}' is above {MOST}, the most there can be")
        return int(word)

    return check


def listed(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return f"{', '.join(words[:-1])} or {words[-1]}"
