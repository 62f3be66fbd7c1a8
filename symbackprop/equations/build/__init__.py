"""Spec to System: every statement becomes equations over indexed tensors."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable

from sympy import Expr, Rational, Symbol

from symbackprop.equations.build.arraywise import Arraywise
from symbackprop.equations.build.indexed import Indexed
from symbackprop.equations.build.recurrent import Circles
from symbackprop.equations.build.scope import (
    ArrayValue,
    BuildFault,
    DependsOnFault,
    Scope,
    shape_text,
)
from symbackprop.equations.build.sparse import sparse_parameters
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.equations.system import Draw, Input, Loss, System
from symbackprop.spec.errors import Fault, SpecError
from symbackprop.spec.syntax import (
    LossDeclaration,
    Place,
    Spec,
    Statement,
)


def build(spec: Spec) -> System:
    """The equations of a spec.

    Raises SpecError for what only shapes can show: extents that disagree, a loss that is no
    scalar, arguments of the wrong kind; all statements are looked at before it is raised.
    """
    scope = Scope(spec)
    targets = frozenset(s.target for s in spec.network)
    scope.taken |= targets | {ls.name for ls in spec.losses}
    scope.numbers |= {n: Rational(v.numerator, v.denominator) for n, v in spec.constants.items()}
    _declare_inputs(scope)
    for p in spec.params:
        shape = [scope.extent_of(e) for e in p.shape]
        scope.parameter(p.name, shape, p.init, p.place, p.trainable)
    circles = Circles(scope, spec.network)
    for statement in spec.network:
        _attempt(scope, statement.target, functools.partial(_state, scope, circles, statement))
    for loss in spec.losses:
        _attempt(scope, loss.name, functools.partial(_state_loss, scope, loss))
    _require_known_classes(scope)
    if scope.faults:
        raise SpecError(spec.source, scope.faults)
    losses = tuple(_loss(scope, declared) for declared in spec.losses)
    outputs = _outputs(scope)
    sparse = sparse_parameters(scope, losses)
    if scope.faults:
        raise SpecError(spec.source, scope.faults)
    return System(
        name=spec.name,
        title=spec.title,
        notes=spec.notes,
        extents=_run_time_extents(scope),
        inputs=tuple(scope.inputs.values()),
        parameters=tuple(scope.parameters.values()),
        equations=tuple(scope.equations),
        losses=losses,
        outputs=outputs,
        digest=hashlib.sha256(spec.source.text.encode()).hexdigest()[:16],
        states=tuple(scope.states.values()),
        sparse=sparse,
        own=targets | {i.name for i in spec.inputs} | {p.name for p in spec.params},
    )


def _declare_inputs(scope: Scope) -> None:
    kinds = {"labels": "integer", "mask": "mask"}
    for declared in scope.spec.inputs:
        shape = [scope.extent_of(e) for e in declared.shape]
        classes = None if declared.classes is None else scope.extent_of(declared.classes)
        symbol = TensorSymbol(declared.name, shape, kinds.get(declared.kind, "real"), classes)
        scope.declare(symbol)
        draw = None
        if declared.draw is not None:
            numbers = (Rational(a.numerator, a.denominator) for a in declared.draw.parameters)
            draw = Draw(declared.draw.name, tuple(numbers))
        is_distribution = declared.kind == "distribution"
        scope.inputs[declared.name] = Input(symbol, classes, is_distribution, draw)
        for size in (*shape, *(() if classes is None else (classes,))):
            scope.numbers |= {s.name: s for s in size.free_symbols}
    scope.numbers |= {n: scope.extent_of(n) for n in scope.spec.dims}
    for p in scope.spec.params:
        for size in p.shape:
            if isinstance(size, str):
                scope.numbers[size] = scope.extent_of(size)


def _require_known_classes(scope: Scope) -> None:
    """A module learns run-time extents from shapes; labels do not show how many there may be."""
    if scope.faults:
        return
    known = {s.name for s in _run_time_extents(scope)} | scope.spec.dims.keys()
    for declared in scope.spec.inputs:
        name, classes = declared.name, declared.classes
        if isinstance(classes, str) and classes not in known:
            message = f"'{name}' has {classes} classes, and no array has an axis of {classes}"
            fix = f"write their number: classes: 10, or dims: {{{classes}: 10}}"
            scope.faults.append(Fault(declared.place, message, fix))


def _attempt(scope: Scope, name: str, build_one: Callable[[], None]) -> None:
    """Runs one statement; its fault is noted and what depends on it is passed over."""
    try:
        build_one()
    except BuildFault as found:
        scope.faults.append(found.fault)
        scope.broken.add(name)
    except DependsOnFault:
        scope.broken.add(name)


def _state(scope: Scope, circles: Circles, statement: Statement) -> None:
    if circles.first_step(statement) is not None:
        circles.begin(statement)
        return
    members = circles.of(statement)
    if statement.indices is None:
        value = Arraywise(scope, statement.target).value(statement.value)
    else:
        indexed = Indexed(scope, members=members, target=statement.target)
        given = {b.index: indexed.extent(b) for b in statement.extents if b.extent is not None}
        indices, body = indexed.statement(statement.indices, statement.value, given)
        value = ArrayValue(indices, body)
    scope.define(statement.target, value, statement.place)
    circles.end(statement)


def _state_loss(scope: Scope, declared: LossDeclaration) -> None:
    value = Arraywise(scope, declared.name).value(declared.value)
    if value.rank:
        scope.fail(
            declared.value.place,
            f"the loss has shape {shape_text(value.shape)}, but a loss is a scalar",
            "take its mean(…) or sum(…)",
        )
    scope.define(declared.name, value, declared.place)


def _loss(scope: Scope, declared: LossDeclaration) -> Loss:
    symbol = scope.arrays[declared.name].body.tensor
    names = declared.wrt if declared.wrt is not None else scope.spec.wrt
    if names is None:
        chosen = tuple(p.symbol for p in scope.parameters.values() if p.trainable)
    else:
        chosen = tuple(s for n, place in names if (s := _variable(scope, n, place)) is not None)
    return Loss(symbol, chosen)


def _variable(scope: Scope, name: str, place: Place) -> TensorSymbol | None:
    """The parameter or real input that a `wrt` names."""
    if name in scope.parameters:
        return scope.parameters[name].symbol
    symbol: Expr = scope.arrays[name].body.tensor if name in scope.arrays else None
    inputs = {i.name for i in scope.spec.inputs}
    if symbol is not None and name in inputs and symbol.kind == "real":
        return symbol  # type: ignore[no-any-return]
    what = "labels or a mask" if name in inputs else "neither a parameter nor an input"
    known = ", ".join([*scope.parameters, *(i.name for i in scope.spec.inputs if i.kind == "real")])
    fault = Fault(place, f"wrt: '{name}' is {what}", f"differentiate by one of {known}")
    if fault not in scope.faults:
        scope.faults.append(fault)
    return None


def _outputs(scope: Scope) -> tuple[TensorSymbol, ...]:
    named = scope.spec.outputs
    if named is None:
        last = [s.target for s in scope.spec.network][-1:]
        return tuple(scope.arrays[n].body.tensor for n in last)
    return tuple(scope.arrays[n].body.tensor for n, _ in named)


def _run_time_extents(scope: Scope) -> tuple[Symbol, ...]:
    """The extents that the module learns from its arguments, in order of first appearance."""
    found: dict[Symbol, None] = {}
    symbols = [scope.arrays[i.name].body.tensor for i in scope.spec.inputs]
    for symbol in [*symbols, *(p.symbol for p in scope.parameters.values())]:
        for size in symbol.shape:
            for s in sorted(size.free_symbols, key=lambda s: s.name):
                found[s] = None
    return tuple(found)
