"""What goes wrong outside a spec's text: a call that cannot be met, a run that cannot go on."""

from __future__ import annotations

from collections.abc import Iterable


class CallError(ValueError):
    """A call that is wrong; `str()` says what is wrong, then how to mend it."""

    def __init__(self, message: str, fix: str) -> None:
        self.message = message
        self.fix = fix
        super().__init__(f"{message}\n  fix: {fix}")


class Diverged(ArithmeticError):
    """Training came to a loss that is not a number, or infinite."""


class Unproved(AssertionError):
    """An equality of a derivation that does not hold, or that has no values anywhere."""


def refuse_unknown(word: str, known: Iterable[str], what: str) -> None:
    """Raises CallError for a word that is none of the known."""
    from symbackprop.spec.errors import did_you_mean, quoted

    word, known = str(word), list(known)
    if word not in known:
        listed = f"there are {', '.join(known)}"
        raise CallError(f"no {what} is called {quoted(word)}", did_you_mean(word, known, listed))
