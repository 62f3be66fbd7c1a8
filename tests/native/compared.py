"""The compiled functions of a spec beside NumPy's, on the same arrays."""

from __future__ import annotations

import itertools
import os
import shutil
from typing import Any

import numpy as np

from symbackprop.derivation import differentiate
from symbackprop.emit import emit_module, emit_native
from symbackprop.emit.test import run_time_sizes
from symbackprop.equations.build import build
from symbackprop.importing import from_text
from symbackprop.program import lower

HAS_COMPILER = any(shutil.which(c) for c in (os.environ.get("CC", "cc"), "gcc", "clang"))
TOLERANCES = {"float64": 1e-11, "float32": 1e-5}


class Both:
    """The module of a spec for either target; the loops are compiled at that level."""

    def __init__(self, spec: Any, level: str = "-O0") -> None:
        self.system = build(spec)
        self.program = lower(differentiate(self.system))
        self.plain = from_text("plain", "<plain>", emit_module(self.program, "float64"))
        self.source = emit_native(self.program)
        text = emit_module(self.program, "float64", "native")
        self.native: Any = from_text("native", "<native>", text)
        self.native._SOURCE = self.source
        self.native._FLAGS = tuple(
            level if f == "-O3" or f == "-O2" else f for f in self.native._FLAGS
        )
        for name in [n for n in vars(self.native) if n.startswith("_numpy_")]:
            setattr(self.native, name, _declined)

    def differences(self, dtype: str, seed: int = 0, tolerance: float | None = None) -> list[str]:
        """What the two targets disagree on, by function and result."""
        tolerance = TOLERANCES[dtype] if tolerance is None else tolerance
        extents = run_time_sizes(self.system)
        sizes = {e.name: int(n) for e, n in extents.items()}
        params, given, state = self._drawn(extents, dtype, seed)
        found: list[str] = []
        modes = [self.program, *([self.program.in_use] if self.program.in_use else [])]
        for mode, training in zip(modes, (True, False), strict=False):
            for function in mode.functions:
                runs = [
                    self._run(module, function, training, kind, sizes, params, given, state)
                    for module, kind in (
                        (self.plain, dtype),
                        (self.native, dtype),
                        (self.plain, "float64"),
                    )
                ]
                wanted, came, true = runs
                found += [
                    f"{function.name} ({'training' if training else 'in use'}): {name}"
                    for name in wanted
                    if not _agree(wanted[name], came[name], true[name], tolerance)
                ]
        return found

    def _run(
        self,
        module: Any,
        function: Any,
        training: bool,
        dtype: str,
        sizes: dict[str, int],
        *arrays: dict[str, Any],
    ) -> dict[str, Any]:
        """All results of a function by name, and what it made of the parameters and states."""
        params, given, state = ({k: _as(a, dtype) for k, a in each.items()} for each in arrays)
        work = module.Workspace(**sizes, dtype=np.dtype(dtype))
        for buffer in self.program.buffers:
            getattr(work, buffer.name).fill(np.nan if buffer.kind == "real" else 1)
        more: dict[str, Any] = {n: given[n] for n in function.inputs}
        more |= {"state": state} if function.states else {}
        more |= {"rate": 0.25} if function.name.endswith("sgd_step") else {}
        with np.errstate(all="ignore"):
            called = getattr(module, function.name)
            came = called(params, **more, workspace=work, training=training)
        return {**_flat(came), **_named("param", params), **_named("state", state)}

    def _drawn(self, sizes: Any, dtype: str, seed: int) -> Any:
        rng = np.random.default_rng(seed)

        def shape(symbol: Any) -> tuple[int, ...]:
            return tuple(int(e.subs(sizes)) for e in symbol.shape)

        params = {
            p.symbol.name: np.asarray(0.5 * rng.standard_normal(shape(p.symbol)) + 0.1, dtype)
            for p in self.system.parameters
        }
        state = {
            s.symbol.name: np.asarray(rng.random(shape(s.symbol)) + 0.5, dtype)
            for s in self.system.states
        }
        given = {}
        for one in self.system.inputs:
            sides, kind = shape(one.symbol), one.symbol.kind
            if kind == "integer":
                classes = 5 if one.classes is None else int(one.classes.subs(sizes))
                array = rng.integers(classes, size=sides)
            elif kind == "mask":
                array = rng.random(sides) < 0.7
            elif one.distribution:
                array = rng.dirichlet(np.ones(sides[-1]), sides[:-1]).astype(dtype)
            else:
                array = rng.standard_normal(sides).astype(dtype)
            given[one.symbol.name] = np.asarray(array)
        return params, given, state


def _declined(*_: Any, **__: Any) -> None:
    raise AssertionError("the compiled function was not used")


def _flat(came: Any) -> dict[str, Any]:
    """Results by name, copied: a loss, gradients, rows and values."""
    if isinstance(came, tuple):
        return {"loss": came[0], **_flat(came[1])}
    if not isinstance(came, dict):
        return {"loss": came}
    pairs = {n: r if isinstance(r, tuple) else (r,) for n, r in came.items()}
    named = itertools.chain(*([(f"{n} {k}", a) for k, a in enumerate(r)] for n, r in pairs.items()))
    return {name: np.array(array) for name, array in named}


def _named(what: str, arrays: dict[str, Any]) -> dict[str, Any]:
    return {f"{what} {name}": array for name, array in arrays.items()}


def _as(array: Any, dtype: str) -> Any:
    """A copy, of that dtype where it is real."""
    return np.array(array, dtype if array.dtype.kind == "f" else None)


def _agree(wanted: Any, came: Any, true: Any, tolerance: float) -> bool:
    """Whether entries differ by less than so much of the largest, and are finite where NumPy's.

    Or are as near to the true ones, in double precision, as NumPy's are to a factor of 3.
    """
    a, b, c = (np.asarray(each, float) for each in (wanted, came, true))
    if a.shape != b.shape:
        return False
    finite = np.isfinite(a)
    scale = max(1e-3, float(np.abs(a[finite]).max(initial=0.0)))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= tolerance * scale
        rounding = np.abs(a - c)[finite].max(initial=0.0)
        as_near = np.abs(b - c) <= 3 * rounding if 3 * rounding < 1e-3 * scale else near
        return bool(np.all(same | near | as_near))
