"""Names of a spec that mean something in the generated module: refused, or called otherwise."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import textwrap

import numpy as np
import pytest
from sympy import Integer

import symbackprop as sb
from symbackprop.program.names import Namer
from symbackprop.program.storage import Pool
from symbackprop.spec.calls import signatures
from symbackprop.spec.definitions import MODULE_ARGUMENTS, MODULE_EXTENTS, MODULE_FUNCTIONS
from tests.emit.specs import SPECS
from tests.program.running import sources

EXTENT = (
    "name: names\ninputs: {{aa: [N, {name}]}}\nparams: {{w: {{shape: [{name}]}}}}\n"
    "network: |\n  h = aa @ w\nloss: sum(h**2) / {name}\n"
)
INPUT = "name: names\ninputs: {{{name}: [N]}}\nloss: sum({name}**2)\nwrt: [{name}]\n"
LOSS = "name: names\ninputs: {{x: [N]}}\nlosses: {{{name}: {{value: sum(x**2)}}}}\nwrt: [x]\n"
PARAMETERS = (
    "name: names\ninputs: {{x: [N]}}\nparams: {{{name}: {{shape: []}}, {name}_: {{shape: []}}}}\n"
    "network: |\n  h[n] = x[n] * {name} + {name}_\nloss: sum(h**2)\n"
)
TENSOR = (
    "name: names\ninputs: {{x: [N]}}\nparams: {{w: {{shape: [N]}}}}\n"
    "network: |\n  {name} = x * w\n  {name}_ = tanh({name}) + {name}\nloss: sum({name}_**2)\n"
)
GRADIENT = (
    "name: names\ninputs: {{x: [dw]}}\nparams: {{w: {{shape: [dw]}}}}\n"
    "network: |\n  h = x * w\nloss: sum(h**2)\n"
)
WORDS = sorted(
    {*MODULE_ARGUMENTS, *MODULE_EXTENTS, "len", "print", "name", "extent"} - {*signatures()}
)


def refused(text):
    """Whether the front end refuses a name as one of the module's own, or as a function's."""
    try:
        sb.parse(text)
    except sb.SpecError as error:
        assert "of the generated module's own" in str(error) or "name of a function" in str(error)
        return True
    return False


def holds(text):
    return bool(sb.check(sb.derive(sb.parse(text))))


@pytest.mark.parametrize("name", MODULE_EXTENTS)
def test_extents_that_would_shadow_are_refused(name):
    assert refused(EXTENT.format(name=name))


@pytest.mark.parametrize("name", MODULE_ARGUMENTS)
def test_inputs_that_would_shadow_are_refused(name):
    assert refused(INPUT.format(name=name))


@pytest.mark.parametrize("name", MODULE_FUNCTIONS)
def test_losses_that_would_shadow_are_refused(name):
    assert refused(LOSS.format(name=name))


@pytest.mark.parametrize("name", ["dtype", "seed", "list", "total_1", "forward"])
def test_other_inputs_are_not(name):
    assert holds(INPUT.format(name=name))


@pytest.mark.parametrize("name", ["list", "name", "extent", "total_1", "Workspace", "dh", "dtypes"])
def test_other_extents_are_not(name):
    assert holds(EXTENT.format(name=name))


@pytest.mark.parametrize("name", ["seed", "dtype", "self", "work", "print", "value"])
def test_other_losses_are_not(name):
    assert holds(LOSS.format(name=name))


@pytest.mark.parametrize("name", WORDS)
def test_parameters_and_tensors_are_called_otherwise(name):
    assert holds(TENSOR.format(name=name))
    if name != "rate":
        assert holds(PARAMETERS.format(name=name))


def test_a_parameter_called_as_the_rate_of_a_step_is_refused():
    assert refused(PARAMETERS.format(name="rate"))


def test_an_extent_may_be_called_as_a_gradient():
    assert holds(GRADIENT.format())


def test_a_buffer_leaves_the_names_of_extents_alone():
    """Two temporaries of one name and different shapes: the second is not called h_2."""
    text = "name: names\ninputs: {x: [h_2]}\nloss: sum(x)\nwrt: [x]\n"
    pool = Pool(Namer(sb.derive(sb.parse(text))))
    shapes = [(Integer(2),), (Integer(3),), (Integer(5),)]
    found = [pool.occupy((shape, "real"), "h", pool.free()) for shape in shapes]
    assert found == ["h", "h_3", "h_4"]


def names(function):
    """The names that a function reads or binds in its own scope, nested functions left out."""
    found = {a.arg for a in (*function.args.args, *function.args.kwonlyargs)}
    return found | {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}


@pytest.fixture(scope="module")
def modules():
    return [ast.parse(sources(textwrap.dedent(text))[0]) for text in SPECS.values()]


def test_the_lists_are_complete(modules):
    """What the modules use of Python's, and what their public functions bind, is listed."""
    python = {n for n in dir(builtins) if not n.startswith("_")}
    for module in modules:
        used = {n.id for n in ast.walk(module) if isinstance(n, ast.Name)} & python
        assert used <= set(MODULE_FUNCTIONS)
        for function in ast.walk(module):
            if not isinstance(function, ast.FunctionDef):
                continue
            shared = names(function) & python
            if function.name in ("__init__", "init_params"):
                own = {"self", "seed", "dtype", "rng", "np", "SHAPES"} & names(function)
                assert shared | own <= set(MODULE_EXTENTS)
            elif not function.name.startswith("_"):
                assert shared <= set(MODULE_ARGUMENTS) & set(MODULE_EXTENTS)


def test_every_function_of_a_module_is_listed(modules):
    losses = {"loss", "critic", "maker"}
    for module in modules:
        public = {
            statement.name
            for statement in module.body
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef))
            and not statement.name.startswith("_")
        }
        suffixes = ("_and_grads", "_sgd_step")
        public = {n.removesuffix(s) for s in suffixes for n in public if n.endswith(s)} | {
            n for n in public if not n.endswith(suffixes) or n == "sgd_step"
        }
        own = public - losses
        assert own <= set(MODULE_FUNCTIONS)


def test_the_generated_test_runs_beside_such_names():
    source = inspect.getsource(sb.compile(sb.derive(sb.parse(TENSOR.format(name="work")))).loss)
    assert "work_ = " in source


LETTERS = """
name: letters
inputs: {x: [N, 4, 4, 1], p: [N], q: [N], r: [N], u: [N], v: [N]}
params: {w: {shape: [2, 2], init: normal(0.3)}}
network: |
  a = max_pool2d(x, 2)
  s[n] = sum[i, j](w[i, j] * a[n, i, j, 0]) + p[n] * q[n] + r[n] * u[n] * v[n]
loss: mean(s**2)
"""
SEVEN = """
name: seven
inputs: {x: [N, 4, 4, 4, 4, 4, 4, 4]}
params: {K: {shape: [2, 2], init: ones}}
network: |
  m[n, i, j, k, l, o, y, z] = max[a:2, b:2, c:2, d:2, e:2, f:2, g:2](x[n, 2 * i + a,
    2 * j + b, 2 * k + c, 2 * l + d, 2 * o + e, 2 * y + f, 2 * z + g]) * K[i, j]
loss: mean(m**2)
"""


@pytest.mark.parametrize("text", [LETTERS, SEVEN])
def test_a_loop_over_windows_has_a_name_for_each_axis(text: str) -> None:
    derivation = sb.derive(sb.parse(text))
    module = sb.compile(derivation, "float64")
    heads = re.findall(r"for (\w+(?:, \w+)+) in", inspect.getsource(module.loss))
    assert heads
    assert all(len(set(names.split(", "))) == names.count(",") + 1 for names in heads)
    rng = np.random.default_rng(0)
    symbols = {i.symbol.name: i.symbol for i in derivation.system.inputs}
    shapes = {k: [3 if e.is_Symbol else int(e) for e in s.shape] for k, s in symbols.items()}
    given = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    params = module.init_params(1, np.float64)
    loss, _ = module.loss_and_grads(params, **given)
    pooled = given["x"]
    for axis in range(1, pooled.ndim - (text is LETTERS)):
        pooled = np.maximum(*(pooled.take(range(k, 4, 2), axis) for k in (0, 1)))
    if text is LETTERS:
        products = given["p"] * given["q"] + given["r"] * given["u"] * given["v"]
        wanted = np.mean((np.einsum("ij,nij->n", params["w"], pooled[..., 0]) + products) ** 2)
    else:
        wanted = np.mean((pooled * params["K"].reshape(2, 2, *[1] * 5)) ** 2)
    assert abs(loss - wanted) < 1e-12
