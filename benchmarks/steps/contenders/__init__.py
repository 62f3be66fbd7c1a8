"""Who is timed: each file gives a `start` for the process that it runs in.

`start(workload, params, batches, threads, folder)` gets its own copies of the arrays and returns a
Contender. Whatever can be made before the first step may be: data in the library's own arrays,
compiled functions, buffers; nothing that depends on the values in a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Contender:
    """A training step: `step(*first, **keywords)` is called with a batch's keywords in turn.

    It changes the parameters in place and returns the loss. `params()` are they as they stand.
    """

    step: Callable[..., Any]
    keywords: Sequence[Mapping[str, Any]]
    params: Callable[[], Mapping[str, Any]]
    first: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Known:
    """A contender by name: the file here, what it needs installed, and what a reader is told."""

    name: str
    file: str
    needs: str
    title: str
    # Products alone have no loss: there is nothing to check.
    checked: bool = True
    # Networks whose products are nothing beside the rest have no form of their own here.
    without: tuple[str, ...] = ()


CONTENDERS = {
    known.name: known
    for known in (
        Known("expert", "expert", "numpy", "expert NumPy"),
        Known(
            "fused",
            "fused",
            "numpy",
            "the same, SGD update inside the product",
            without=("W1", "W5", "W8"),
        ),
        Known("ours", "ours", "numpy", "symbackprop, NumPy"),
        Known("native", "native", "numpy", "symbackprop, native"),
        Known("torch", "torch_eager", "torch", "PyTorch eager"),
        Known("compile", "torch_compiled", "torch", "torch.compile"),
        Known("jax", "jax_jit", "jax", "JAX jit"),
        Known("jax1", "jax_jit", "jax", "JAX jit, 1 core"),
        Known("autograd", "hips", "autograd", "HIPS autograd"),
        Known(
            "openblas",
            "products_numpy",
            "numpy",
            "products alone, NumPy's BLAS",
            False,
            ("W1", "W8"),
        ),
        Known(
            "mkl", "products_torch", "torch", "products alone, PyTorch's MKL", False, ("W1", "W8")
        ),
    )
}
