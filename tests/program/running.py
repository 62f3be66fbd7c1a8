"""From equations to a module that runs, and what the reference evaluator makes of the same."""

from __future__ import annotations

import types

import numpy as np
from sympy import Integer

from symbackprop.derivation import Derivation, Line, differentiate
from symbackprop.emit import emit_module, emit_test
from symbackprop.equations.build import build
from symbackprop.equations.evaluate import FLOAT, evaluate_system
from symbackprop.equations.nodes import extent
from symbackprop.equations.system import Input, Parameter, System
from symbackprop.program import lower
from symbackprop.spec import parse
from symbackprop.spec.syntax import Init

N = extent("N")
SIZES = {"N": 3}
CLASSES = Integer(5)


def module_of(source):
    """The module of a source, as an import would make it."""
    module = types.ModuleType("generated")
    exec(compile(source, "generated.py", "exec"), module.__dict__)
    return module


def compiled(text):
    """The module of a spec."""
    return module_of(emit_module(lower(differentiate(build(parse(text))))))


def sources(text):
    """The sources of a spec's module and of its test."""
    program = lower(differentiate(build(parse(text))))
    return emit_module(program), emit_test(program)


def only_forward(equations, inputs, parameters=()):
    """A derivation whose outputs are what the equations define, and which has no loss."""
    system = System(
        name="generated",
        title="",
        notes="",
        extents=(N,),
        inputs=tuple(Input(t, CLASSES if t.kind == "integer" else None) for t in inputs),
        parameters=tuple(Parameter(t, Init("zeros")) for t in parameters),
        equations=tuple(equations),
        losses=(),
        outputs=tuple(e.tensor for e in equations),
    )
    lines = tuple(Line(k, e) for k, e in enumerate(equations, 1))
    return Derivation(system, lines, ())


def random_inputs(inputs, seed=0):
    """Random arrays for tensors, by name; integers below CLASSES."""
    rng = np.random.default_rng(seed)
    found = {}
    for tensor in inputs:
        shape = tuple(SIZES.get(str(e)) or int(e) for e in tensor.shape)
        if tensor.kind == "integer":
            found[tensor.name] = rng.integers(0, int(CLASSES), shape)
        elif tensor.kind == "mask":
            found[tensor.name] = np.asarray(rng.random(shape) < 0.5)
        else:
            found[tensor.name] = np.asarray(rng.standard_normal(shape))
    return found


def both(equations, inputs, seed=0):
    """What the module computes, and what the evaluator does, for each equation's tensor."""
    program = lower(only_forward(equations, inputs))
    source = emit_module(program, "float64")
    module = module_of(source)
    given = random_inputs(inputs, seed)
    used = {name: given[name] for name in program.forward.inputs}
    if not used:
        return [], source
    found = module.forward({}, **used)
    wanted = evaluate_system(equations, given, SIZES, FLOAT)
    pairs = [
        (np.asarray(found[e.tensor.name]), np.asarray(wanted[e.tensor.name], dtype=float))
        for e in equations
    ]
    return pairs, source


def agree(equations, inputs, seed=0):
    """Assert that module and evaluator agree; return the source of the mathematics."""
    pairs, source = both(equations, inputs, seed)
    body = source[source.find("class Workspace") : source.find("def _prepare")]
    shown = "\n".join([*(f"{e.lhs} = {e.rhs}" for e in equations), body])
    for found, wanted in pairs:
        assert found.shape == wanted.shape, shown
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9, err_msg=shown)
    return body
