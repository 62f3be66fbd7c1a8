"""The derivation as JSON."""

from __future__ import annotations

import itertools
import json
from typing import Any

from symbackprop.equations.recurrence import Recurrence
from symbackprop.equations.system import System
from symbackprop.report.latex import latex_of
from symbackprop.report.remarks import draws, steps_heading, updates
from symbackprop.report.unicode import text_of
from symbackprop.report.view import Block, Row, Shown, View
from symbackprop.report.words import latex_words, text_words

SCHEMA = 1


def json_text(view: View, steps: bool) -> str:
    """JSON with a fixed order of keys:

    schema      1
    name, title, notes, digest
    extents     [name]: the run-time extents
    inputs      [{name, shape: [text], kind}]
    parameters  [{name, shape: [text], trainable}]
    equations   [{number, of, loss, tensor, indices, label, text, latex, matrix_latex,
                also: [{rule, text, latex, why}], in_use, steps: [{rule, before, after, why}]}],
                in the order of their numbers; `text` and `latex` are in index form, `matrix_latex`
                is null where there is no matrix form; `of` names what a cotangent belongs to; it
                and `loss` are null on the way forward; `also` holds other forms of the right-hand
                side; `in_use` marks what holds outside training only; `before` and `after` are
                LaTeX
    recurrences [{numbers, index, extent, direction, text, latex}]: equations computed together step
                by step, "forward" or "backward"; `text` and `latex` say what is beyond the ends
    draws       [{text, latex}]: inputs drawn where they are not given
    updates     [{state, becomes, number}]: what a step of training makes of states
    gradients   {loss: {name: number}}
    sparse      [name]: parameters whose gradient is handed out as (rows, values)

    Shapes and indices are those of the code; `text`, `latex` and the steps follow the notation,
    rules and their reasons its language.
    """
    system = view.derivation.system
    record = {"schema": SCHEMA, **_declared(system), **_shown(view, steps)}
    record |= {
        "gradients": {
            loss.loss.name: {name: line.number for name, line in loss.gradients.items()}
            for loss in view.derivation.losses
        },
        "sparse": [tensor.name for tensor in system.sparse],
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def _declared(system: System) -> dict[str, Any]:
    """What the spec says beside its equations."""
    return {
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
    }


def _shown(view: View, steps: bool) -> dict[str, Any]:
    """The equations, and what is said of them."""
    sections, states = view.all_sections(), view.derivation.system.states
    return {
        "equations": [
            _equation(shown, steps, section in view.in_use)
            for section in sections
            for shown in section.lines
        ],
        "recurrences": [
            _recurrence(block, block.recurrence)
            for section in sections
            for block in section.blocks()
            if block.recurrence is not None
        ],
        "draws": [{"text": text_of(d), "latex": latex_of(d)} for d in draws(view)],
        "updates": [
            {"state": s.symbol.name, "becomes": s.update.name, "number": number}
            for s, (_, number) in zip(states, updates(view), strict=True)
        ],
    }


def _shape(tensor: Any) -> list[str]:
    return [str(extent) for extent in tensor.shape]


def _equation(shown: Shown, steps: bool, in_use: bool) -> dict[str, Any]:
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
        "matrix_latex": (f"{latex_of(matrix.left)} = {latex_of(matrix.right)}" if matrix else None),
        "also": [
            {
                "rule": r.rule,
                "text": text_of(r.formula),
                "latex": latex_of(r.formula),
                "why": text_words(r.why),
            }
            for r in shown.other_forms()
        ],
        "in_use": in_use,
        "steps": [_step(before, after) for before, after in _pairs(shown)] if steps else [],
    }


def _recurrence(block: Block, group: Recurrence) -> dict[str, Any]:
    words = steps_heading(block)
    return {
        "numbers": [shown.number for shown in block.lines],
        "index": group.step_of(block.lines[0].line.equation).name,
        "extent": str(group.extent),
        "direction": "backward" if group.reverse else "forward",
        "text": text_words(words),
        "latex": latex_words(words),
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
        "why": text_words(after.why),
    }
