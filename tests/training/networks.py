"""Hand-written networks that obey the contract of generated modules, and specs to go with them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from symbackprop.spec.syntax import (
    InputDeclaration,
    LossDeclaration,
    Number,
    Place,
    Source,
    Spec,
)

HERE = Place(1, 1)


def spec(
    inputs: dict[str, Any], train: dict[str, object], text: str = "", path: str = "net.yaml"
) -> Spec:
    """A spec with these inputs (name -> shape, kind or shape, kind, classes) and training block."""
    declared = []
    for name, what in inputs.items():
        shape, kind, classes = (*what, None, None)[:3] if isinstance(what, tuple) else (what, 0, 0)
        declared.append(InputDeclaration(name, tuple(shape), kind or "real", classes, HERE))
    text = text or "train:\n" + "".join(f"  {key}: {value}\n" for key, value in train.items())
    return Spec(
        name="net",
        title="A net",
        notes="",
        dims={},
        inputs=tuple(declared),
        params=(),
        constants={},
        network=(),
        losses=(LossDeclaration("loss", Number(0, "0", HERE), None, HERE),),
        outputs=None,
        wrt=None,
        train=train,
        source=Source(
            text or "train:\n" + "".join(f"  {k}: {v}\n" for k, v in train.items()), path
        ),
    )


def linear(width: int = 3, dtype: str = "float64") -> ModuleType:
    """p = x w + b with half the mean of squared errors."""
    module = ModuleType("linear")

    def init_params(seed: int = 0) -> dict[str, np.ndarray]:
        w = np.random.default_rng(seed).normal(size=width).astype(dtype)
        return {"w": w, "b": np.zeros((), dtype)}

    def forward(params: dict[str, np.ndarray], *, x: np.ndarray) -> dict[str, np.ndarray]:
        return {"p": x @ params["w"] + params["b"]}

    def loss(params: dict[str, np.ndarray], *, x: np.ndarray, y: np.ndarray) -> float:
        return float(np.mean((forward(params, x=x)["p"] - y) ** 2) / 2)

    def loss_and_grads(
        params: dict[str, np.ndarray], *, x: np.ndarray, y: np.ndarray, workspace: Any = None
    ) -> tuple[float, dict[str, np.ndarray]]:
        assert x.shape[0] == workspace.N
        error = forward(params, x=x)["p"] - y
        return float(np.mean(error**2) / 2), {"w": x.T @ error / len(x), "b": error.mean()}

    return _with(module, init_params, forward, loss, loss_and_grads)


def softmax(width: int = 64, classes: int = 10, dtype: str = "float32") -> ModuleType:
    """p = softmax(x W + b) with the cross-entropy of labels."""
    module = ModuleType("softmax")

    def init_params(seed: int = 0) -> dict[str, np.ndarray]:
        W = np.random.default_rng(seed).normal(size=(width, classes)) / 8
        return {"W": W.astype(dtype), "b": np.zeros(classes, dtype)}

    def forward(params: dict[str, np.ndarray], *, x: np.ndarray) -> dict[str, np.ndarray]:
        z = x @ params["W"] + params["b"]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return {"p": e / e.sum(axis=1, keepdims=True)}

    def loss(params: dict[str, np.ndarray], *, x: np.ndarray, y: np.ndarray) -> float:
        return float(-np.log(forward(params, x=x)["p"][np.arange(len(y)), y]).mean())

    def loss_and_grads(
        params: dict[str, np.ndarray], *, x: np.ndarray, y: np.ndarray, workspace: Any = None
    ) -> tuple[float, dict[str, np.ndarray]]:
        p = forward(params, x=x)["p"]
        value = float(-np.log(p[np.arange(len(y)), y]).mean())
        p[np.arange(len(y)), y] -= 1
        return value, {"W": x.T @ p / p.dtype.type(len(y)), "b": p.mean(axis=0)}

    return _with(module, init_params, forward, loss, loss_and_grads)


def _with(module: ModuleType, *functions: Any) -> ModuleType:
    class Workspace:
        def __init__(self, *, N: int) -> None:
            self.N = N

    for function in (*functions, Workspace):
        setattr(module, function.__name__, function)
    return module
