"""Strangers' files for tests, and how the corpus is judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

import symbackprop as sb
from symbackprop.auditing.model import Audit

CORPUS = Path(__file__).parent / "corpus"

RIGHT = """\
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gradients(x, y, W1, b1, W2, b2):
    h = sigmoid(x @ W1 + b1)
    p = sigmoid(h @ W2 + b2)
    dz2 = 2 * (p - y) / len(x) * p * (1 - p)
    dW2 = h.T @ dz2
    db2 = dz2.sum(axis=0)
    dz1 = dz2 @ W2.T * h * (1 - h)
    dW1 = x.T @ dz1
    db1 = dz1.sum(axis=0)
    return dW1, db1, dW2, db2
"""


def cases() -> dict[str, dict[str, Any]]:
    """The corpus by name."""
    found = YAML(typ="safe").load((CORPUS / "cases.yaml").read_text("utf-8"))
    return {case["name"]: case for case in found}


def audited(case: Mapping[str, Any]) -> Audit:
    """The audit of one file of the corpus, with the options that it needs."""
    name = case["spec"]
    spec = sb.load(CORPUS / name if name.endswith(".yaml") else name)
    words = list(case.get("options", ()))
    given: dict[str, Any] = {"bind": {}}
    while words:
        option = words.pop(0)
        if option == "--columns":
            given["columns"] = True
        elif option == "--bind":
            argument, _, meant = words.pop(0).partition("=")
            given["bind"][argument] = meant
        elif option == "--returns":
            given["returns"] = words.pop(0).split(",")
        else:
            given[option.removeprefix("--")] = float(words.pop(0))
    path = CORPUS / f"{case['name']}.py"
    return sb.audit(f"{path}:{case['function']}", sb.derive(spec), spec=spec, **given)


def misjudged(case: Mapping[str, Any], audit: Audit) -> str:
    """What an audit of the corpus has wrong; an empty text where it is right.

    Several faults of one kind may be one finding, and one fault a finding for each gradient.
    """
    if case.get("verdict") == "accepted":
        return "" if audit else f"a false alarm:\n{audit}"
    if audit:
        return "accepted, though it is wrong"
    for fault in case["faults"]:
        kinds = {fault["kind"], *fault.get("or", ())}
        found = [f for f in audit.findings if f.kind in kinds or _same_in_words(f.kind, kinds)]
        spoiled = {name for f in found for name in f.gradients}
        reached = not any(f.gradients for f in found)
        if not found or not (reached or spoiled >= set(fault["gradients"])):
            return f"not named {fault['kind']} of {fault['gradients']}:\n{audit}"
        factor = fault.get("factor")
        factors = {f.factor.replace("m", "N") for f in found if f.kind == "wrong factor"}
        if factor and factors and str(factor) not in factors and factors != {""}:
            return f"the factor is {factor}, not {factors}"
    return ""


def _same_in_words(kind: str, kinds: set[str]) -> bool:
    """A factor that is left out is a missing factor, and a wrong one."""
    return kind == "missing factor" and bool(kinds & {"wrong factor", "missing term"})
