"""Arguments that several commands take."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

MOST = 2**31 - 1  # of epochs, steps, seeds
DIGITS = 18  # a longer word is not read as a number


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
