"""The derivation as JSON."""

from __future__ import annotations

import itertools
import json
from typing import Any

from symbackprop.report.latex import latex_of
from symbackprop.report.unicode import text_of
from symbackprop.report.view import Row, Shown, View

SCHEMA = 1


def json_text(view: View, steps: bool) -> str:
    """JSON with a fixed order of keys:

    schema      1
    name, title, notes, digest
    extents     [name]: the run-time extents
    inputs      [{name, shape: [text], kind}]
    parameters  [{name, shape: [text], trainable}]
    equations   [{number, of, loss, tensor, indices, label, text, latex, matrix_latex,
                steps: [{rule, before, after, why}]}], in the order of their numbers; `text` and
                `latex` are in index form, `matrix_latex` is null where there is no matrix form;
                `of` names what a cotangent belongs to; it and `loss` are null on the way forward;
                `before` and `after` are LaTeX
    gradients   {loss: {name: number}}
    """
    system = view.derivation.system
    record = {
        "schema": SCHEMA,
        "name": system.name,
        "title": system.title,
        "notes": system.notes,
        "digest": system.digest,
        "extents": [extent.name for extent in system.extents],
        "inputs": [
            {"name": i.symbol.name, "shape": _shape(i.symbol), "kind": i.symbol.kind}
            for i in system.inputs
        ],
        "parameters": [
            {"name": p.symbol.name, "shape": _shape(p.symbol), "trainable": p.trainable}
            for p in system.parameters
        ],
        "equations": [_equation(shown, steps) for shown in view.lines()],
        "gradients": {
            loss.loss.name: {name: line.number for name, line in loss.gradients.items()}
            for loss in view.derivation.losses
        },
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def _shape(tensor: Any) -> list[str]:
    return [str(extent) for extent in tensor.shape]


def _equation(shown: Shown, steps: bool) -> dict[str, Any]:
    line = shown.line
    matrix = shown.matrix
    return {
        "number": shown.number,
        "of": line.of.name if line.of else None,
        "loss": shown.loss.name if shown.loss else None,
        "tensor": line.equation.tensor.name,
        "indices": [index.name for index in line.equation.indices],
        "label": line.equation.label,
        "text": f"{text_of(shown.derivative)} = {text_of(shown.index)}",
        "latex": f"{latex_of(shown.derivative)} = {latex_of(shown.index)}",
        "matrix_latex": (
            f"{latex_of(matrix.left)} = {latex_of(matrix.right)}" if matrix else None
        ),
        "steps": [_step(before, after) for before, after in _pairs(shown)] if steps else [],
    }


def _pairs(shown: Shown) -> list[tuple[Row, Row]]:
    """Each row that a rule led to, with the row before it."""
    rows = shown.rows()
    return [(a, b) for a, b in itertools.pairwise(rows) if b.rule]


def _step(before: Row, after: Row) -> dict[str, str]:
    return {
        "rule": after.rule,
        "before": latex_of(before.formula),
        "after": latex_of(after.formula),
        "why": after.why,
    }
