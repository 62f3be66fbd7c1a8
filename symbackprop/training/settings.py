"""What two runs must share for one to go on where the other stopped; not how long they are."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping

from symbackprop.spec.syntax import Place, Spec
from symbackprop.training.loop import State
from symbackprop.training.plan import Plan
from symbackprop.training.rows import Rows
from symbackprop.training.stepping import Rule

# Of the spec and its syntax trees: what says nothing of the equations, or is in the plan.
_UNSAID = ("title", "notes", "train", "source", "text")


def settings_of(
    spec: Spec, plan: Plan, rows: Rows | None, state: State, total_steps: int
) -> dict[str, object]:
    """Plain values for JSON: digests of the spec, key by key, and of the rows; the plan.

    How long the run is, is one of them only where the rates depend on it.
    """
    schedule = dataclasses.asdict(plan.schedule)
    if plan.schedule.shape == "cosine":
        schedule["steps"] = total_steps
    return {
        "spec": {
            field.name: _digest(json.dumps(_said(getattr(spec, field.name))).encode())
            for field in dataclasses.fields(spec)
            if field.name not in _UNSAID
        },
        "parameters": {n: f"{a.dtype}{list(a.shape)}" for n, a in state.params.items()},
        "rows": _digest(*_bytes(rows)) if rows else None,
        "environment": plan.environment,
        "discount": plan.discount,
        "optimizer": {loss: _plain(plan.rules[loss]) for loss, _ in state.memory},
        "schedule": schedule,
        "measure": list(plan.measure),
        "batch": plan.batch or "full",
        "seed": plan.seed,
        "validation": plan.validation,
    }


def _plain(rule: Rule) -> dict[str, object]:
    kind = type(rule.optimizer).__name__.lower()
    own = dataclasses.asdict(rule.optimizer)
    return {kind: own, "clip": rule.clip, "every": rule.every}


def _said(node: object) -> object:
    """What a part of a spec says, wherever it stands and however its numbers are written."""
    if isinstance(node, Place):
        return None
    if dataclasses.is_dataclass(node):
        fields = [field.name for field in dataclasses.fields(node) if field.name not in _UNSAID]
        return [type(node).__name__, *(_said(getattr(node, name)) for name in fields)]
    if isinstance(node, Mapping):
        return {str(key): _said(node[key]) for key in sorted(node)}
    if isinstance(node, tuple):
        return [_said(item) for item in node]
    return str(node)


def _bytes(rows: Rows) -> list[bytes]:
    """Every input's dtype, shape and numbers, in order."""
    parts = []
    for name, array in rows.arrays.items():
        parts += [f"{name} {array.dtype} {array.shape}".encode(), array.tobytes()]
    return parts


def _digest(*parts: bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()[:16]
