"""What a module says at infinities, and where a gradient does not exist."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

import symbackprop as sb
from symbackprop.checking import check
from symbackprop.emit import emit_module
from symbackprop.program import lower

TEXT = "name: t\ninputs: {x: [N, 3]}\nwrt: [x]\n"
INF = np.inf


def at(network: str, rows: list[list[float]]) -> tuple[float, np.ndarray]:
    module = sb.compile(
        sb.derive(sb.parse(f"{TEXT}network: '{network}'\nloss: sum(h)\n")), "float64"
    )
    with np.errstate(all="ignore"):
        value, gradients = module.loss_and_grads({}, x=np.array(rows))
    return value, gradients["x"]


def test_scores_of_minus_infinity_have_no_weight() -> None:
    value, gradient = at("  h[n] = logsumexp[i](x[n, i])", [[-INF, -INF, 1.0]])
    assert value == 1.0 and gradient.tolist() == [[0.0, 0.0, 1.0]]


@pytest.mark.parametrize("row", [[-INF, -INF, -INF], [INF, 1.0, 2.0]])
def test_a_row_without_a_finite_largest_score_is_no_number(row: list[float]) -> None:
    """Its logsumexp is ∓∞, but its softmax does not exist: NaN says so, and nothing finite does."""
    value, gradient = at("  h[n] = logsumexp[i](x[n, i])", [row])
    assert np.isnan(value) and np.isnan(gradient).all()


def test_the_gradient_of_a_norm_at_0_is_no_number() -> None:
    value, gradient = at("  h[n] = sqrt(sum[i](x[n, i]**2))", [[0.0, 0.0, 0.0], [3.0, 4.0, 0.0]])
    assert value == 5.0 and np.isnan(gradient[0]).all()
    assert gradient[1].tolist() == pytest.approx([0.6, 0.8, 0.0])


def test_a_largest_score_that_is_not_taken_off_shows_in_one_bias_alone() -> None:
    """Where every entry is large, other parts are beyond all bounds, and nothing is compared."""
    derivation = sb.derive(sb.load("mixture_density"))
    source = emit_module(lower(derivation), "float64")
    wrong = source.replace("np.subtract(z2, largest_4[:, None]", "np.add(z2, largest_4[:, None]")
    assert wrong != source
    module = ModuleType("mixture_density")
    exec(wrong, module.__dict__)
    assert [r.what for r in check(derivation, module) if not r.held] == ["large entries and zeros"]
