"""What `accuracy.py` measures: pointwise functions; losses and norms of rows of four numbers."""

from __future__ import annotations

import functools
import math
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.emit.precise import Dual, Truth, Vocabulary, places, pointwise_truth

Rows = np.ndarray[Any, Any]
NEAR = (0.5, 1, 2, 3, 6, 17, 20, 36.7, 87.3, 88.02, 88.72, 103.97, 708.4, 709.78, 745.13)


@dataclass(frozen=True)
class Pointwise:
    """`y = text` of x; `torch` (with T and F) and `jax` (with jax and jnp) say the same.

    At the kinks both slopes are right. The slope has zeros that are no floats: nearer to them than
    1/8 it is not measured.
    """

    name: str
    text: str
    torch: str
    jax: str
    kinks: tuple[float, ...] = ()
    zeros: tuple[float, ...] = ()
    least: float = -math.inf

    @property
    def truth(self) -> Truth:
        return pointwise_truth(self.text)

    def points(self, dtype: np.dtype[Any]) -> Rows:
        some = np.concatenate([places(dtype, 2, NEAR), np.linspace(-12, 12, 97)]).astype(dtype)
        return np.unique(some[some >= self.least])

    def has_slope(self, x: float) -> bool:
        return x not in self.kinks and all(abs(x - zero) > 0.125 for zero in self.zeros)


def _one(
    name: str, torch: str, jax: str, *kinks: float, zero: float | None = None, least: float = -1e38
) -> Pointwise:
    text = f"{name}(x)" if name.isidentifier() else name
    return Pointwise(name, text, torch, jax, kinks, () if zero is None else (zero,), least)


TINY = 5e-324  # log is of what is above 0
POINTWISE = (
    _one("exp", "T.exp(x)", "jnp.exp(x)"),
    _one("log", "T.log(x)", "jnp.log(x)", least=TINY),
    _one("sqrt", "T.sqrt(x)", "jnp.sqrt(x)", least=0.0),
    _one("sin", "T.sin(x)", "jnp.sin(x)"),
    _one("cos", "T.cos(x)", "jnp.cos(x)"),
    _one("tan", "T.tan(x)", "jnp.tan(x)"),
    _one("sinh", "T.sinh(x)", "jnp.sinh(x)"),
    _one("cosh", "T.cosh(x)", "jnp.cosh(x)"),
    _one("tanh", "T.tanh(x)", "jnp.tanh(x)"),
    _one("arctan", "T.arctan(x)", "jnp.arctan(x)"),
    _one("erf", "T.erf(x)", "jax.scipy.special.erf(x)"),
    _one("1 - erf(x)", "1 - T.erf(x)", "1 - jax.scipy.special.erf(x)"),
    _one("log1p", "T.log1p(x)", "jnp.log1p(x)", least=-1 + 2**-24),
    _one("expm1", "T.expm1(x)", "jnp.expm1(x)"),
    _one("sign", "T.sign(x)", "jnp.sign(x)", 0),
    _one("abs", "T.abs(x)", "jnp.abs(x)", 0),
    _one("maximum(x, 0.5)", "T.maximum(x, T.full_like(x, 0.5))", "jnp.maximum(x, 0.5)", 0.5),
    _one("minimum(x, 0.5)", "T.minimum(x, T.full_like(x, 0.5))", "jnp.minimum(x, 0.5)", 0.5),
    _one("clip(x, -2, 2)", "T.clip(x, -2, 2)", "jnp.clip(x, -2, 2)", -2, 2),
    _one("sigmoid", "T.sigmoid(x)", "jax.nn.sigmoid(x)"),
    _one("softplus", "F.softplus(x)", "jax.nn.softplus(x)"),
    _one("log(sigmoid(x))", "F.logsigmoid(x)", "jax.nn.log_sigmoid(x)"),
    _one("relu", "F.relu(x)", "jax.nn.relu(x)", 0),
    _one("leaky_relu", "F.leaky_relu(x)", "jax.nn.leaky_relu(x)", 0),
    _one("elu", "F.elu(x)", "jax.nn.elu(x)", 0),
    _one("selu", "F.selu(x)", "jax.nn.selu(x)", 0),
    _one("gelu", "F.gelu(x)", "jax.nn.gelu(x, approximate=False)", zero=-0.7518),
    _one("gelu_tanh", "F.gelu(x, approximate='tanh')", "jax.nn.gelu(x)", zero=-0.7524),
    _one("silu", "F.silu(x)", "jax.nn.silu(x)", zero=-1.2785),
    _one("mish", "F.mish(x)", "jax.nn.mish(x)", zero=-1.1924),
    _one("softsign", "F.softsign(x)", "jax.nn.soft_sign(x)"),
    _one("hard_sigmoid", "F.hardsigmoid(x)", "jax.nn.hard_sigmoid(x)", -3, 3),
    _one("hard_tanh", "F.hardtanh(x)", "jax.nn.hard_tanh(x)", -1, 1),
    _one("relu6", "F.relu6(x)", "jax.nn.relu6(x)", 0, 6),
    _one("x**2", "x**2", "x**2"),
    _one("x**3", "x**3", "x**3"),
    _one("x**1.5", "x**1.5", "x**1.5", least=0.0),
    _one("1 / x", "1 / x", "1 / x", 0),
)


@dataclass(frozen=True)
class OfRows:
    """A scalar of one row x, and of y; `spec` is the loss, after a statement where it needs one.

    `truth` is of the entries of x and y; there are y of several kinds. `x` says what rows may be:
    any, or shares that sum to 1, or not all 0, or all different (beside equal entries the gradient
    of a normalisation is 0 but for eps).
    """

    name: str
    spec: str
    truth_text: str
    torch: str
    jax: str
    y: str = ""
    x: str = "any"

    def truth(self, y: Any) -> Truth:
        code = compile(self.truth_text, "<truth>", "eval")

        def value(known: Vocabulary, x: Any) -> Dual:
            one = x[0] * 0 + 1
            names = {"x": x, "y": y, "sum": _sum, "zip": zip, "range": range, "one": one}
            return eval(code, {"__builtins__": {}, **known, **names})

        return value

    def points(self, dtype: np.dtype[Any]) -> Rows:
        made = {"shares": _shares, "different": _different}.get(self.x, _any)
        rows = np.array(made()).astype(dtype)
        if self.x == "shares":
            rows = rows[((rows > 0) & (rows < 1)).all(axis=1)]
        return rows[(rows != 0).any(axis=1)] if self.x == "not all 0" else rows

    def targets(self, dtype: np.dtype[Any]) -> list[Any]:
        kinds: dict[str, list[Any]] = {
            "": [None],
            "label": [0, 2],
            "share": [np.array([0.0625, 0.4375, 0.3125, 0.1875], dtype)],
            "chance": [np.array([1, 0, 0.25, 1], dtype)],
            "real": [np.array([0.5, -0.25, 0.125, 0], dtype), np.zeros(4, dtype)],
            "sign": [np.array([1, -1, 1, -1], dtype)],
        }
        return kinds[self.y]


def _sum(terms: Any) -> Any:
    return functools.reduce(operator.add, terms)


def _different() -> list[list[float]]:
    """Rows of every size."""
    rows = ((1, -0.5, 0.25, 2), (-1, 0.5, 3, 1))
    return [[10.0**decade * v for v in row] for decade in range(-30, 31, 2) for row in rows]


def _any() -> list[list[float]]:
    """And those with differences at which exponentials overflow, underflow or vanish."""
    found = [[0.0, 0.0, 0.0, 0.0], *_different()]
    for size in (0.5, 1, 3, 10, 17, 30, 50, 88.5, 104, 200, 700, 710, 750, 1e4):
        found += [[size * v for v in row] for row in ((0, 1, -1, 0.5), (1, 0, 0, 0), (1, 1, 0, -1))]
    return found


def _shares() -> list[list[float]]:
    found = [[0.2, 0.3, 0.1, 0.4], [0.999, 4e-4, 3e-4, 3e-4], [0.5, 0.125, 0.25, 0.125]]
    for decade in range(-30, 0):
        small = 10.0**decade
        found += [[small, 0.75 - small, 0.125, 0.125], [0.5, small, 0.25, 0.25 - small]]
    return found


_LSE = "log(sum(exp(v) for v in x))"
_D = "x - mean(x, axis=-1, keepdims=True)"
_VARIANCE = "sum((v - sum(x) / 4)**2 for v in x) / 4"
LOSSES = (
    OfRows(
        "cross_entropy(softmax(x), label)",
        "cross_entropy(softmax(x), y)",
        f"{_LSE} - x[y]",
        "F.cross_entropy(x, y)",
        "-jax.nn.log_softmax(x)[0, y[0]]",
        "label",
    ),
    OfRows(
        "cross_entropy(softmax(x), shares)",
        "cross_entropy(softmax(x), y)",
        f"sum(b * ({_LSE} - v) for v, b in zip(x, y))",
        "F.cross_entropy(x, y)",
        "-(y * jax.nn.log_softmax(x)).sum()",
        "share",
    ),
    OfRows(
        "cross_entropy(x, label)",
        "cross_entropy(x, y)",
        "-log(x[y])",
        "F.nll_loss(T.log(x), y)",
        "-jnp.log(x)[0, y[0]]",
        "label",
        "shares",
    ),
    OfRows(
        "binary_cross_entropy(sigmoid(x), y)",
        "binary_cross_entropy(sigmoid(x), y)",
        "sum(b * softplus(-v) + (1 - b) * softplus(v) for v, b in zip(x, y)) / 4",
        "F.binary_cross_entropy_with_logits(x, y)",
        "jnp.mean(-y * jax.nn.log_sigmoid(x) - (1 - y) * jax.nn.log_sigmoid(-x))",
        "chance",
    ),
    OfRows(
        "binary_cross_entropy(x, y)",
        "binary_cross_entropy(x, y)",
        "sum(-b * log(v) - (1 - b) * log(1 - v) for v, b in zip(x, y)) / 4",
        "F.binary_cross_entropy(x, y)",
        "jnp.mean(-y * jnp.log(x) - (1 - y) * jnp.log1p(-x))",
        "chance",
        "shares",
    ),
    OfRows(
        "mse",
        "mse(x, y)",
        "sum((v - b)**2 for v, b in zip(x, y)) / 4",
        "F.mse_loss(x, y)",
        "jnp.mean((x - y) ** 2)",
        "real",
    ),
    OfRows(
        "half_sse",
        "half_sse(x, y)",
        "sum((v - b)**2 for v, b in zip(x, y)) / 2",
        "((x - y) ** 2).sum() / 2",
        "((x - y) ** 2).sum() / 2",
        "real",
    ),
    OfRows(
        "mae",
        "mae(x, y)",
        "sum(abs(v - b) for v, b in zip(x, y)) / 4",
        "F.l1_loss(x, y)",
        "jnp.mean(jnp.abs(x - y))",
        "real",
    ),
    OfRows(
        "huber",
        "huber(x, y)",
        "sum(where(abs(v - b).value <= 1, (v - b)**2 / 2, abs(v - b) - one / 2)"
        " for v, b in zip(x, y)) / 4",
        "F.huber_loss(x, y)",
        "jnp.mean(jnp.where(jnp.abs(x - y) <= 1, (x - y) ** 2 / 2, jnp.abs(x - y) - 0.5))",
        "real",
    ),
    OfRows(
        "hinge(x, ±1)",
        "hinge(x, y)",
        "sum(relu(1 - b * v) for v, b in zip(x, y)) / 4",
        "F.relu(1 - x * y).mean()",
        "jax.nn.relu(1 - x * y).mean()",
        "sign",
    ),
    OfRows(
        "hinge(x, label)",
        "hinge(x, y)",
        "sum(relu(1 + x[k] - x[y]) for k in range(4) if k != y)",
        "F.multi_margin_loss(x, y) * 4",
        "jnp.where(jnp.arange(4) == y[0], 0, jax.nn.relu(1 + x[0] - x[0, y[0]])).sum()",
        "label",
    ),
    OfRows("nll", "nll(x, y)", "-x[y]", "F.nll_loss(x, y)", "-x[0, y[0]]", "label"),
    OfRows(
        "kl_divergence(x, q)",
        "kl_divergence(x, y)",
        "sum(v * (log(v) - log(one * b)) for v, b in zip(x, y))",
        "F.kl_div(T.log(y), x, reduction='sum')",
        "jnp.sum(jax.scipy.special.rel_entr(x, y))",
        "share",
        "shares",
    ),
    OfRows(
        "kl_divergence(p, x)",
        "kl_divergence(y, x)",
        "sum(b * (log(one * b) - log(v)) for v, b in zip(x, y))",
        "F.kl_div(T.log(x), y, reduction='sum')",
        "jnp.sum(jax.scipy.special.rel_entr(y, x))",
        "share",
        "shares",
    ),
    OfRows(
        "kl_normal(x, logvar)",
        "kl_normal(x, y)",
        "sum(exp(one * b) + v**2 - 1 - b for v, b in zip(x, y)) / 2",
        "0.5 * (T.exp(y) + x**2 - 1 - y).sum()",
        "0.5 * (jnp.exp(y) + x**2 - 1 - y).sum()",
        "real",
    ),
    OfRows(
        "kl_normal(mu, x)",
        "kl_normal(y, x)",
        "sum(exp(v) + b**2 - 1 - v for v, b in zip(x, y)) / 2",
        "0.5 * (T.exp(x) + y**2 - 1 - x).sum()",
        "0.5 * (jnp.exp(x) + y**2 - 1 - x).sum()",
        "real",
    ),
    OfRows(
        "logsumexp",
        "sum(logsumexp(x, axis=-1))",
        _LSE,
        "T.logsumexp(x, 1).sum()",
        "jax.scipy.special.logsumexp(x)",
    ),
    OfRows(
        "softmax, first entry",
        "sum[n](p[n, 0]); p = softmax(x)",
        "exp(x[0]) / sum(exp(v) for v in x)",
        "T.softmax(x, 1)[0, 0]",
        "jax.nn.softmax(x)[0, 0]",
    ),
    OfRows(
        "log_softmax, first entry",
        "sum[n](p[n, 0]); p = log_softmax(x)",
        f"x[0] - {_LSE}",
        "T.log_softmax(x, 1)[0, 0]",
        "jax.nn.log_softmax(x)[0, 0]",
    ),
    OfRows(
        "norm, sqrt(sum(x**2))",
        "sum(sqrt(sum(x**2, axis=-1)))",
        "sqrt(sum(v**2 for v in x))",
        "T.linalg.norm(x)",
        "jnp.linalg.norm(x)",
        "",
        "not all 0",
    ),
    OfRows(
        "variance",
        f"sum(mean(({_D})**2, axis=-1))",
        _VARIANCE,
        "T.var(x, correction=0)",
        "jnp.var(x)",
    ),
    OfRows(
        "layer_norm, first entry",
        "sum[n](z[n, 0]); z = layer_norm(x)",
        f"(x[0] - sum(x) / 4) / sqrt({_VARIANCE} + one / 100000)",
        "F.layer_norm(x, (4,))[0, 0]",
        "((x - x.mean()) / jnp.sqrt(x.var() + 1e-5))[0, 0]",
        "",
        "different",
    ),
    OfRows(
        "rms_norm, first entry",
        "sum[n](z[n, 0]); z = rms_norm(x)",
        "x[0] / sqrt(sum(v**2 for v in x) / 4 + one / 1000000)",
        "F.rms_norm(x, (4,), eps=1e-6)[0, 0]",
        "(x / jnp.sqrt((x**2).mean() + 1e-6))[0, 0]",
        "",
        "different",
    ),
)

README = (
    *("exp", "log", "expm1", "sqrt", "tanh", "erf", "1 - erf(x)", "sigmoid", "softplus"),
    *("log(sigmoid(x))", "elu", "selu", "gelu", "gelu_tanh", "silu", "mish", "softsign"),
    *(case.name for case in LOSSES if case.name.split("(")[0] in ("cross_entropy", "mse", "huber")),
    "binary_cross_entropy(sigmoid(x), y)",
    "kl_divergence(p, x)",
    "kl_normal(mu, x)",
    "logsumexp",
    "norm, sqrt(sum(x**2))",
)
"""The rows of the short table."""
