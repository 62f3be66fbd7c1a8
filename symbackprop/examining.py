"""A derivation looked at more closely: with numbers, with its depth, beside a stranger's code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from symbackprop.errors import CallError, refuse_unknown

if TYPE_CHECKING:
    from symbackprop.auditing.model import Audit
    from symbackprop.derivation.model import Derivation
    from symbackprop.inspecting import Inspection
    from symbackprop.inspecting.phrases import Phrase
    from symbackprop.report.worked import Worked
    from symbackprop.spec.syntax import Spec


def numbers(
    derivation: Derivation,
    values: Mapping[str, Any] | str | Path | None = None,
    *,
    rate: Any = "0.1",
    seed: int = 0,
    digits: int = 6,
) -> Worked:
    """Numbers carried through every equation, forward and backward, to the updated parameters.

    `values` maps names of inputs, parameters and extents to numbers or nested lists, or is the path
    of a YAML or JSON file that does; what it leaves out is drawn. All is computed exactly, and
    rounded to `digits` in print. Raises CallError, SpecError for a file, Unproved.
    """
    from symbackprop.notebook import proved
    from symbackprop.report.worked import work

    return work(proved(derivation), values, rate, seed, digits)


def require_numbers_of(derivation: Derivation, numbers: Any) -> None:
    """Raises CallError unless these are worked numbers of exactly this derivation."""
    from symbackprop.report.worked import Worked

    fix = "give sb.numbers(d) of the derivation d that is rendered"
    if not isinstance(numbers, Worked):
        raise CallError(f"the numbers are of type {type(numbers).__name__}", fix)
    if [*numbers.derivation.lines()] != [*derivation.lines()]:
        of, name = numbers.derivation.system.name, derivation.system.name
        message = f"the numbers are those of another derivation, of {of}, not of this one of {name}"
        raise CallError(message, fix)


def require_spec(spec: Any) -> None:
    """Raises CallError for what is no spec."""
    from symbackprop.spec.syntax import Spec

    if not isinstance(spec, Spec):
        message = f"what was given is of type {type(spec).__name__}, not a spec"
        raise CallError(message, "give what sb.load(...) or sb.parse(...) returns")


def inspect(
    spec: Spec, *, params: Mapping[str, Any] | str | Path | None = None, seed: int = 0
) -> Inspection:
    """Norms of cotangents and bounds of the spectrum of each layer's Jacobian, along the depth.

    At some rows of the spec's data, where they can be had, else at inputs drawn; at the parameters
    of a mapping or of a .npz file that training saved, else at those of the start. Raises CallError
    where parameters do not fit, or values are not finite; SpecError, Unproved.
    """
    from symbackprop import pipeline
    from symbackprop.inspecting import inspect
    from symbackprop.inspecting.phrases import phrase
    from symbackprop.program import lower

    def compiled(found: Derivation) -> ModuleType:
        return pipeline._imported(lower(found), "float64")

    derivation = pipeline.derive(spec)
    module = compiled(derivation)
    arrays, extents, where = _inputs(spec, derivation, seed)
    start = module.init_params(seed=seed)
    states = module.init_state() if hasattr(module, "init_state") else {}
    parameters = phrase("parameters as they start, seed {seed}", seed=seed)
    if params is not None:
        start = {**start, **_fitting(params, start)}
        parameters = phrase("parameters as given")
    given = {**start, **states, **arrays}
    return inspect(derivation, given, extents, (where, parameters), compiled)


def _inputs(
    spec: Spec, derivation: Derivation, seed: int
) -> tuple[dict[str, Any], Mapping[str, int], Phrase]:
    """Rows of the spec's data, or inputs drawn; the run-time extents; and which it is, in words."""
    import numpy as np

    from symbackprop.inspecting.phrases import phrase
    from symbackprop.inspecting.values import drawn, rows_within, small_extents
    from symbackprop.spec.errors import SpecError
    from symbackprop.training import read_plan
    from symbackprop.training.rows import read_rows

    system, why = derivation.system, ""
    if "data" in spec.train:
        try:
            rows = read_rows(spec, read_plan(spec), "float64")
        except (SpecError, CallError, OSError) as fault:
            first = fault.faults[0].message if isinstance(fault, SpecError) else str(fault)
            why = first.splitlines()[0]
        else:
            count = rows.count
            if rows.counted is not None:
                count = min(count, rows_within(system, rows.extents, rows.counted))
            rows = rows.take(np.arange(count)).complete(np.random.default_rng(seed))
            missing = tuple(i for i in system.inputs if i.symbol.name not in rows.arrays)
            arrays = {**rows.arrays, **drawn(missing, rows.extents, seed)}
            of = phrase("{count} rows of the spec's data", count=count)
            if missing:
                names = tuple(i.symbol.name for i in missing)
                words = "{rows}, but {names} drawn, seed {seed}"
                of = phrase(words, rows=of, names=names, seed=seed)
            return arrays, rows.extents, of
    extents = small_extents(system)
    where = phrase("inputs drawn, seed {seed}", seed=seed)
    if extents:
        sizes = tuple(f"{name} = {size}" for name, size in extents.items())
        where = phrase("{drawn}, {sizes}", drawn=where, sizes=sizes)
    if why:
        words = "{drawn}, since the spec's data cannot be had: {why}"
        where = phrase(words, drawn=where, why=why)
    return drawn(system.inputs, extents, seed), extents, where


def _fitting(params: Mapping[str, Any] | str | Path, start: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters given, in double precision. Raises CallError where they are not the spec's."""
    import numpy as np

    from symbackprop.training.sources import read_npz

    try:
        given = params if isinstance(params, Mapping) else read_npz(Path(params))
    except OSError as fault:
        message = f"no parameters can be read at '{params}': {fault.strerror}"
        raise CallError(
            message, "name a .npz that training saved, as runs/NAME/params.npz"
        ) from None
    found = {}
    for name, value in given.items():
        refuse_unknown(name, start, "parameter")
        array = np.asarray(value, dtype="float64")
        if array.shape != start[name].shape:
            wanted, came = list(start[name].shape), list(array.shape)
            message = f"{name} is {wanted}, but its value is {came}"
            raise CallError(message, "give the parameters of this spec")
        found[name] = array
    return found


def audit(
    path_and_function: str,
    derivation: Derivation,
    *,
    spec: Spec | None = None,
    bind: Mapping[str, str] | None = None,
    returns: Sequence[str] = (),
    rate: float | None = None,
    columns: bool = False,
    scale: str = "1",
    loss: str | None = None,
    wrt: Sequence[str] = (),
    timeout: float = 10.0,
) -> Audit:
    """Hold the hand-written gradients of `FILE.py:FUNCTION` against the derived ones.

    The file is executed, in a process of its own. `bind` says what arguments are that no name
    tells, `returns` what comes back in order, `rate` the learning rate of a training step, `scale`
    what the gradients are meant to be of the derivation's, as "N". With the spec, its constants are
    known by name. The outcome is true only if all gradients agree. Raises CallError.
    """
    from symbackprop.auditing.audit import Options
    from symbackprop.auditing.audit import audit as audited

    constants = {n: float(v) for n, v in spec.constants.items()} if spec else {}
    options = Options(
        bind or {}, returns, rate, columns, scale, loss, wrt, timeout, constants
    )  # fmt: skip
    return audited(path_and_function, derivation, options)
