"""The command line: which commands there are, how errors look, what the exit code is.

Nothing but the standard library is imported until a command runs.
"""

from __future__ import annotations

import argparse
import errno
import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from symbackprop import __version__
from symbackprop.commands import (
    audit,
    build,
    check,
    derive,
    gallery,
    generate,
    inspect,
    render,
    tour,
    train,
)
from symbackprop.errors import CallError, Diverged, Unproved

COMMANDS = {
    "derive": derive,
    "generate": generate,
    "build": build,
    "render": render,
    "check": check,
    "inspect": inspect,
    "train": train,
    "audit": audit,
    "gallery": gallery,
    "tour": tour,
}
DONE, FAILED, WRONG, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code.

    0: done; 1: a check or a step failed, or training diverged; 2: a wrong spec or call.
    """
    os.environ.setdefault("SYMPY_CACHE_SIZE", "20000")  # a deep network has more like expressions
    gc.set_threshold(100_000, 50, 100)  # which make no cycles to speak of
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # mathematics on an ASCII terminal
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except KeyboardInterrupt as stop:
        print(f"symbackprop: {str(stop) or 'interrupted'}", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, ArithmeticError, OSError, MemoryError, Unproved) as fault:
        message, code = _report(fault)
        if isinstance(fault, OSError) and fault.errno in FULL:
            _drop_output()
        print(message, file=sys.stderr)
        return code


def _run(words: list[str]) -> int:
    parser, commands = _parsers()
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        from symbackprop.spec.errors import did_you_mean, quoted

        listed = f"the commands are {', '.join(COMMANDS)}"
        fix = did_you_mean(words[0], COMMANDS, listed)
        raise CallError(f"no command is called {quoted(words[0])}", fix)
    options, rest = parser.parse_known_args(words)
    if rest:
        raise _unknown(rest[0], commands.get(options.command, parser))
    if options.command is None:
        parser.print_help(sys.stderr)
        return WRONG
    code: int = COMMANDS[options.command].run(options)
    return code


class _Parser(argparse.ArgumentParser):
    """A parser whose errors look like all others."""

    def error(self, message: str) -> NoReturn:
        raise CallError(message, f"{self.prog} --help shows how it is called")


def _parsers() -> tuple[_Parser, dict[str, argparse.ArgumentParser]]:
    parser = _Parser(
        prog="symbackprop",
        description="Derive, prove, generate and train neural networks from their equations.",
        epilog="SPEC is a path, or the name of a spec that `symbackprop gallery` lists.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"symbackprop {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands: dict[str, argparse.ArgumentParser] = {}
    for name, command in COMMANDS.items():
        commands[name] = subparsers.add_parser(
            name, help=command.SUMMARY, description=command.__doc__, allow_abbrev=False
        )
        command.arguments(commands[name])
    return parser, commands


def _unknown(word: str, parser: argparse.ArgumentParser) -> CallError:
    from symbackprop.spec.errors import did_you_mean, quoted

    known = [option for action in parser._actions for option in action.option_strings]
    if not word.startswith("-"):
        return CallError(f"{quoted(word)} is one word too many", f"{parser.prog} --help")
    fix = did_you_mean(word.split("=")[0], known, f"the options are {', '.join(sorted(known))}")
    return CallError(f"{parser.prog} has no option {quoted(word)}", fix)


def _report(fault: Exception) -> tuple[str, int]:
    """What to print, and the exit code; a fault of this program itself is raised on."""
    from symbackprop.spec.errors import SpecError

    if isinstance(fault, SpecError):
        return str(fault), WRONG
    if isinstance(fault, CallError):
        return f"symbackprop: {fault}", WRONG
    if isinstance(fault, Diverged | Unproved):
        return f"symbackprop: {fault}", FAILED
    if isinstance(fault, MemoryError):
        what = f"symbackprop: there is not enough memory{f': {fault}' if str(fault) else ''}"
        return f"{what}\n  fix: make the extents, or batch under train, smaller", WRONG
    if isinstance(fault, OSError) and fault.filename is None and fault.errno in FULL:
        return f"symbackprop: the output cannot be written: {fault.strerror}", WRONG
    if isinstance(fault, OSError) and fault.filename is not None:
        what = f"symbackprop: {fault.filename}: {fault.strerror}"
        fix = "make room there" if fault.errno in FULL else "mend its permissions"
        return f"{what}\n  fix: choose another place with -o, or {fix}", WRONG
    raise fault


def _drop_output() -> None:
    """What is still to be written goes nowhere; the interpreter's last flush would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
