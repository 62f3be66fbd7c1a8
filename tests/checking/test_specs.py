"""The checker on derivations of real specs: what it must be able to draw, evaluate and compare."""

from __future__ import annotations

import dataclasses

import pytest
import sympy

from symbackprop.checking import check, shrinks
from symbackprop.checking.draw import first_defined, run_time_extents, small_extents
from symbackprop.derivation import differentiate
from symbackprop.equations.build import build
from symbackprop.equations.evaluate import Undefined, evaluate_system
from symbackprop.spec import parse

SPECS = {
    "kinks and extrema": """
inputs: {x: [N, 4]}
network: |
  h = leaky_relu(dense(x, 3))
loss: mean(abs(h)) + sum(max(h, axis=-1))
""",
    "only defined for positive numbers": """
inputs: {x: [N, 2]}
network: |
  r[n] = sqrt(x[n, 0]) * log(x[n, 1])
  z = dense(x, 2)
loss: mean(r * r) + mean(z)
""",
    "labels, masks and distributions": """
inputs:
  x: [N, 3]
  y: {shape: [N], classes: 5}
  q: {shape: [N, 5], kind: distribution}
  keep: {shape: [N, 3], kind: mask}
network: |
  z = dense(where(keep, x, 0), 5)
  p = softmax(z)
loss: cross_entropy(p, y) + cross_entropy(p, q)
""",
    "two losses": """
inputs: {x: [N, 3], z: [N, 2]}
network: |
  fake = tanh(dense(z, 3, name=g))
  s = dense(x, 1, name=d)
  t = dense(fake, 1, name=d)
losses:
  critic: {value: mean(softplus(-s)) + mean(softplus(t)), wrt: [W_d, b_d]}
  maker: {value: mean(softplus(-t)), wrt: [W_g, b_g]}
""",
    "a stopped gradient and a product": """
inputs: {x: [N, 3]}
params: {w: {shape: [3]}}
network: |
  a[n] = prod[i](x[n, i] + w[i])
loss: mean(a * stop_gradient(a))
""",
    "a norm of one entry, and a long product": """
inputs: {x: [N, 1]}
params: {W: {shape: [3, 5]}, q: {shape: [5]}}
network: |
  r = sqrt(sum(x * x, axis=1)) * sum(q)
  p = prod[i, k](W[i, k] - q[k] + 0.25)
loss: sum(tanh(r)) + tanh(p)
wrt: [x, W, q]
""",
    "inputs with the names of Python's arguments": """
inputs: {self: [N, 3], function: [N, 3]}
params: {w: {shape: [3]}}
loss: mean(self * w * function)
""",
    "deep enough to be cut": """
inputs: {x: [N, 3], y: [N, 1]}
network: |
  a = tanh(dense(x, 3))
  b = tanh(dense(a, 3))
  c = sigmoid(dense(b, 3))
  d = dense(c, 1)
loss: mse(d, y)
""",
}


ZERO = """
inputs: {x: [N, 3], w: [N]}
params: {a: {shape: [2]}}
wrt: [x, w, a]
loss: sum(softmax(x)) + 0 * sum(a)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    """Faults show at a few entries of the whole gradients, too."""
    monkeypatch.setattr("symbackprop.checking.gradients._OPERATIONS", 5000)


def derived(text: str):
    return differentiate(build(parse(f"name: t\n{text}")))


@pytest.mark.parametrize("text", [*SPECS.values(), ZERO], ids=[*SPECS, "gradients that are zero"])
def test_the_derivation_holds(text) -> None:
    found = check(derived(text))
    assert found, str(found)
    assert all(row.equalities for row in found if "stop_gradient" not in row.how)


@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS)
def test_a_thousandth_more_is_refused_in_every_gradient(text) -> None:
    """Each gradient's equation, scaled by 1.001, fails its own row."""
    good = derived(text)
    losses = []
    for loss in good.losses:
        scaled = {
            line.number: dataclasses.replace(
                line,
                equation=dataclasses.replace(
                    line.equation, rhs=line.equation.rhs * sympy.Rational(1001, 1000)
                ),
            )
            for line in loss.gradients.values()
        }
        losses.append(
            dataclasses.replace(
                loss,
                cotangents=tuple(scaled.get(c.number, c) for c in loss.cotangents),
                gradients={n: scaled[line.number] for n, line in loss.gradients.items()},
            )
        )
    found = check(dataclasses.replace(good, losses=tuple(losses)))
    for loss in good.losses:
        for name, line in loss.gradients.items():
            together = f"gradients of {loss.loss.name}"  # where too many for rows of their own
            own = [r for r in found if r.what == f"∂{loss.loss.name}/∂{name}"]
            row = (own or [r for r in found if r.what == together])[0]
            says = f"equation ({line.number}), " if own else "equation ("
            assert row.failure.startswith(says), str(found)


def test_what_has_no_real_value_anywhere_is_a_failure_and_not_a_traceback() -> None:
    text = "inputs: {x: [N]}\nwrt: [x]\nloss: sum(log(-1 - x * x))"
    found = check(derived(text))
    assert not found
    failed = [row for row in found if not row.held]
    assert {row.what for row in failed} == {"gradients", "second order", "full size"}
    assert all("log(-" in r.failure or "not finite" in r.failure for r in failed), str(found)


STOPPED = """
inputs: {x: [N, 3]}
params: {w: {shape: [3]}, c: {shape: [3]}}
loss: mean(x*w + stop_gradient(w) + c)
"""


def differences(text: str, wrong: float = 1.0):
    from symbackprop import pipeline

    derivation = pipeline.derive(parse(f"name: t\n{text}"))
    module = pipeline.compile(derivation, "float64")
    true = module.loss_and_grads

    def loss_and_grads(params, *, x):
        value, grads = true(params, x=x)
        return value, {name: gradient * wrong for name, gradient in grads.items()}

    module.loss_and_grads = loss_and_grads
    found = check(derivation, module)
    return found, [row for row in found if row.how.startswith("module's central differences")]


def test_a_gradient_that_is_no_slope_is_held_against_the_reference_alone() -> None:
    found, (row,) = differences(STOPPED)
    assert found, str(found)
    without = "without w (stop_gradient)"
    assert row.how == f"module's central differences, 4 of 4 within rounding, {without}"
    assert row.equalities == 4  # a direction and 3 entries of c


def test_beside_a_stopped_gradient_the_others_are_still_held() -> None:
    found, (row,) = differences(STOPPED, 1.001)
    assert row.failure.startswith("equation (") and "of c: the module says" in row.failure
    failed = [r.how for r in found if not r.held]
    assert "module and reference evaluator, float64" in failed


def test_where_every_gradient_is_stopped_there_are_no_differences() -> None:
    text = STOPPED.replace(", c: {shape: [3]}", "").replace(" + c", "")
    found, (row,) = differences(text)
    assert found and row.cells()[1:] == (
        "module's central differences, without w (stop_gradient)", "0", "0", "not checked",
    )  # fmt: skip


def test_what_comes_before_a_stopped_tensor_is_stopped_through_statements() -> None:
    text = """
inputs: {x: [N, 3]}
params: {w: {shape: [3]}, c: {shape: [3]}}
network: |
  h = tanh(x * w)
  t = 2 * h
loss: mean(t * stop_gradient(t) + c)
"""
    found, (row,) = differences(text)
    assert found and row.how.endswith(", without w (stop_gradient)")


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ("N, 2000000000", "too large: "),
        ("N, 6500, 6501, 2", "too large: "),
        ("N, " + ", ".join(["1"] * 40), "too large: a tensor of 41 axes"),
        ("N, " + ", ".join(["2147483647"] * 31), "too large: "),
    ],
)
def test_what_is_too_large_is_not_checked_and_said_so(shape, why) -> None:
    derivation = derived(
        f"inputs: {{x: [{shape}]}}\nparams: {{w: {{shape: []}}}}\nloss: mean(x * w)"
    )
    found = check(derivation)
    left = [row for row in found if not row.equalities]
    of_size = [row for row in left if row.what == "full size"]
    assert of_size and all(row.how.startswith(f"not run, {why}") for row in of_size)
    assert all(row.cells()[-1] == "not checked" for row in left)
    assert found.proved.floats == found.proved.differences == 0  # steps are of any size
    rows = f", {len(left)} of {len(found.rows)} rows not checked"
    assert found.verdict.endswith(rows if found.equalities else "nothing is proved")


def test_what_is_too_large_is_checked_on_its_tiny_instance() -> None:
    spec = parse("name: t\ninputs: {x: [N, 2000000000]}\nparams: {w: {shape: []}}\nloss: mean(x*w)")
    found = check(differentiate(build(spec)), None, differentiate(build(next(shrinks(spec)))))
    assert next(row for row in found if row.what == "∂loss/∂w").equalities == 1
    assert found.rows[-1].how == "not run, too large: 6,000,000,002 numbers"
    assert found.rows[-1].cells()[2:] == ("0", "0", "not checked")
    assert found and found.verdict.endswith(f"all held, 1 of {len(found.rows)} rows not checked")


def test_drawn_values_keep_what_the_inputs_promise() -> None:
    system = build(parse("name: t\n" + SPECS["labels, masks and distributions"]))
    instance = first_defined(system, lambda drawn: drawn)
    assert (instance.given["q"].sum(axis=-1) == 1).all()
    assert (instance.given["q"] > 0).all()
    assert instance.given["y"].dtype.kind == "i"
    assert ((instance.given["y"] >= 0) & (instance.given["y"] < 5)).all()
    assert set(instance.given["keep"].ravel()) <= {0, 1}
    assert instance.extents == {"N": 7} == run_time_extents(system)


def test_positive_values_are_drawn_where_a_network_needs_them() -> None:
    system = build(parse("name: t\n" + SPECS["only defined for positive numbers"]))

    def evaluated(drawn):
        return drawn, evaluate_system(system.equations, drawn.given, drawn.extents)

    drawn, _ = first_defined(system, evaluated)
    assert (drawn.given["x"] > 0).all()
    with pytest.raises(Undefined, match="never"):
        first_defined(system, lambda _: (_ for _ in ()).throw(Undefined("never")))


def test_run_time_extents_differ_from_each_other_and_from_fixed_ones() -> None:
    system = build(
        parse("name: t\ninputs: {x: [N, T, 3], y: [N, T, 2]}\nloss: sum(x) + sum(y)\nwrt: [x]")
    )
    assert run_time_extents(system) == {"N": 5, "T": 7}
    assert small_extents(system) == {"N": 2, "T": 3}


LARGE = """
name: t
dims: {wide: 64}
inputs:
  x: [N, 784]
  y: {shape: [N], classes: 10}
params: {w: {shape: [64]}}
network: |
  h = relu(dense(x, wide)) * w
  p = softmax(dense(h, 10))
loss: cross_entropy(p, y) + l2(1e-4)
"""


def test_a_spec_shrinks_to_small_primes_that_keep_it_together() -> None:
    small = next(shrinks(parse(LARGE)))
    assert small.dims == {"wide": 5}
    assert [declared.shape for declared in small.inputs] == [("N", 7), ("N",)]
    assert small.inputs[1].classes == 3
    assert small.params[0].shape == (5,)
    system = build(small)
    shapes = {p.symbol.name: tuple(map(int, p.symbol.shape)) for p in system.parameters}
    assert shapes == {"w": (5,), "W1": (7, 5), "b1": (5,), "W2": (5, 3), "b2": (3,)}
    assert run_time_extents(system) == {"N": 4}


def test_a_square_shrinks_to_a_square_and_a_small_spec_to_itself() -> None:
    square = parse("name: t\ninputs: {x: [N, 8, 8]}\nloss: sum(reshape(x, N, 64) ** 2)\nwrt: [x]")
    small = next(shrinks(square))
    assert small.inputs[0].shape == ("N", 3, 3)
    assert build(small).equations[-1].tensor.rank == 0
    tiny = parse("name: t\n" + SPECS["two losses"])
    assert list(shrinks(tiny)) == [tiny]
