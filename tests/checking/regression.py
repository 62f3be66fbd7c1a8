"""Softmax regression, derived and written by hand: what the tests of the checker damage."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import sympy

from symbackprop.derivation.model import Derivation, Line, LossDerivation, Step
from symbackprop.equations.masks import Delta
from symbackprop.equations.nodes import Access, Index, Partial, TensorSymbol, extent
from symbackprop.equations.reductions import LogSumExp, Sum
from symbackprop.equations.system import Equation, Input, Loss, Parameter, System
from symbackprop.spec.syntax import Init

N = extent("N")
D, K = 4, 5
x, y = TensorSymbol("x", (N, D)), TensorSymbol("y", (N,), "integer")
W, b = TensorSymbol("W1", (D, K)), TensorSymbol("b1", (K,))
z, p, loss = TensorSymbol("z", (N, K)), TensorSymbol("p", (N, K)), TensorSymbol("loss", ())
dz, dW, db = TensorSymbol("dz", (N, K)), TensorSymbol("dW1", (D, K)), TensorSymbol("db1", (K,))
n, m = Index("n", N), Index("m", N)
i, u = Index("i", D), Index("u", D)
j, k, v = Index("j", K), Index("k", K), Index("v", K)

softmax = sympy.exp(z[n, j] - LogSumExp(z[n, k], k))
cross_entropy = Sum(LogSumExp(z[n, j], j) - z[n, y[n]], n) / N
dz_rhs = (p[m, v] - Delta(v, y[m])) / N
dW_chain = Sum(dz[n, j] * Partial(z[n, j], W[u, v]), n, j)
dW_deltas = Sum(dz[n, j] * x[n, i] * Delta(i, u) * Delta(j, v), n, j, i)
dW_rhs = Sum(dz[n, v] * x[n, u], n)
db_chain = Sum(dz[n, j] * Partial(z[n, j], b[v]), n, j)
db_rhs = Sum(dz[n, v], n)

system = System(
    name="regression",
    title="",
    notes="",
    extents=(N,),
    inputs=(Input(x), Input(y, sympy.Integer(K))),
    parameters=(Parameter(W, Init("zeros")), Parameter(b, Init("zeros"))),
    equations=(
        Equation(z, (n, j), Sum(x[n, i] * W[i, j], i) + b[j], "dense"),
        Equation(p, (n, j), sympy.exp(z[n, j]) / Sum(sympy.exp(z[n, k]), k), "softmax"),
        Equation(loss, (), -Sum(sympy.log(p[n, y[n]]), n) / N, "cross_entropy"),
    ),
    losses=(Loss(loss, (W, b)),),
    outputs=(p,),
)


def derivation(dz_rhs=dz_rhs, dW_rhs=dW_rhs, dW_deltas=dW_deltas, cross_entropy=cross_entropy):
    """The derivation; each argument is a right-hand side that a test may put a fault into.

    The steps follow the fault, so that only the step that introduces it is wrong.
    """
    written = [equation.rhs for equation in system.equations]
    lines = (
        Line(1, system.equations[0]),
        _line(2, p, (n, j), (Step("softmax", written[1], softmax, ""),)),
        _line(3, loss, (), (Step("log of softmax", written[2], cross_entropy, ""),)),
        _line(4, dz, (m, v), (Step("chain rule", Partial(Access(loss), z[m, v]), dz_rhs, ""),), z),
        _line(
            5,
            dW,
            (u, v),
            (
                Step("chain rule", dW_chain, dW_deltas, ""),
                Step("collapse a delta", dW_deltas, dW_rhs, ""),
            ),
            W,
        ),
        _line(6, db, (v,), (Step("chain rule", db_chain, db_rhs, ""),), b),
    )
    back = LossDerivation(loss, lines[3:], {"W1": lines[4], "b1": lines[5]}, ("W1", "b1"))
    return Derivation(system, lines[:3], (back,))


def _line(number, tensor, indices, steps, of=None) -> Line:
    return Line(number, Equation(tensor, indices, steps[-1].after), steps, of)


def module(**damage):
    """A hand-written module; each keyword replaces one of its gradients by a function of it."""

    def forward(params, *, x):
        scores = x @ params["W1"] + params["b1"]
        exps = np.exp(scores - scores.max(1, keepdims=True))
        return {"p": exps / exps.sum(1, keepdims=True)}

    def loss(params, *, x, y):
        scores = x @ params["W1"] + params["b1"]
        scores = scores - scores.max(1, keepdims=True)  # finite for large scores, too
        return float((np.log(np.exp(scores).sum(1)) - scores[np.arange(len(y)), y]).mean())

    def gradients(params, x, y):
        p = forward(params, x=x)["p"]
        p[np.arange(len(y)), y] -= 1
        p /= np.asarray(len(y), p.dtype)
        return {"W1": x.T @ p, "b1": p.sum(0)}

    def sgd_step(params, *, x, y, rate, workspace=None):
        value = loss(params, x=x, y=y)
        for name, gradient in gradients(params, x, y).items():
            params[name] -= rate * gradient
        return value

    def loss_and_grads(params, *, x, y, workspace=None):
        grads = gradients(params, x, y)
        for name, change in damage.items():
            grads[name] = change(grads[name])
        return loss(params, x=x, y=y), grads

    return SimpleNamespace(
        forward=forward,
        loss=loss,
        loss_and_grads=loss_and_grads,
        sgd_step=sgd_step,
        Workspace=lambda N: SimpleNamespace(N=N),
    )
