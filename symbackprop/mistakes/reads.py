"""Mistakes in what is read: another tensor, a derivative forgotten or taken of another value."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sympy import Expr, Mul

from symbackprop.equations.nodes import Access, TensorSymbol, free_indices, tensors
from symbackprop.equations.reductions import Reduction
from symbackprop.equations.system import Equation
from symbackprop.mistakes.places import Place, Scope, Variant, shown


def forgotten_derivative(place: Place, scope: Scope) -> Iterator[Variant]:
    """h̄ for h̄ f'(z): every factor but the cotangent and the constants forgotten."""
    node = place.node
    if scope.line.of is None or place.bound or place.is_position or not isinstance(node, Mul):
        return
    kept = [f for f in node.args if scope.cotangents & set(tensors(f)) or not f.has(Access)]
    rest = [f for f in node.args if f not in kept]
    if rest and any(f.has(Access) for f in kept):
        derivative = Mul(*rest)
        if free_indices(derivative) <= free_indices(Mul(*kept)) | set(place.indices):
            yield Mul(*kept), f"the derivative {shown(derivative)} is forgotten"


def derivative_of_the_wrong_value(place: Place, scope: Scope) -> Iterator[Variant]:
    """f'(h) for f'(z) where h = f(z), and z for h where f' is written in terms of h."""
    if place.is_position:
        return
    node, z = place.node, scope.line.of
    if place.is_whole and z is not None:
        for h, f in _activations(z, scope):
            yield from _taken_of(node, h, f, f"the derivative is taken of {h}, not of {z}")
            yield from _taken_of(node, z, f, f"the derivative is taken of {h}, not of {z}")
            yield _reading(node, h, z), f"{z} stands where its activation {h} belongs"
            yield _reading(node, z, h), f"{h} stands where its argument {z} belongs"
    if scope.line.of is not None and node.is_Function and len(node.args) == 1:
        (argument,) = node.args
        if isinstance(argument, Access):
            name = getattr(node.func, "table_name", node.func.__name__)
            yield node.func(node), f"{name} is taken of {shown(node)}, not of {shown(argument)}"


Scalar = Callable[[Expr], Expr]


def _activations(z: TensorSymbol, scope: Scope) -> Iterator[tuple[TensorSymbol, Scalar]]:
    """The tensors h with h[i] = f(z[i]), and f."""
    for h, equation in scope.forward.items():
        read = _read_alone(equation, z)
        if h in scope.tensors and read is not None and equation.rhs != read:

            def f(value: Expr, rhs: Expr = equation.rhs, read: Expr = read) -> Expr:
                return rhs.xreplace({read: value})

            yield h, f


def _read_alone(equation: Equation, z: TensorSymbol) -> Expr | None:
    """z[i] where the equation is pointwise and reads nothing else."""
    read = Access(z, *equation.indices) if z.shape == equation.tensor.shape else None
    alone = equation.rhs.atoms(Access) == {read} and not equation.rhs.has(Reduction)
    return read if alone else None


def _taken_of(node: Expr, read: TensorSymbol, f: Scalar, words: str) -> Iterator[Variant]:
    """The expression with f(x[i]) in the place of each x[i]."""
    found = {a: f(_moved(a, read)) for a in node.atoms(Access) if a.tensor == read}
    if found:
        yield node.xreplace(found), words


def _moved(access: Access, tensor: TensorSymbol) -> Access:
    return Access(tensor, *access.indices)


def _reading(node: Expr, old: TensorSymbol, new: TensorSymbol) -> Expr:
    return node.xreplace({a: _moved(a, new) for a in node.atoms(Access) if a.tensor == old})


def wrong_tensor(place: Place, scope: Scope) -> Iterator[Variant]:
    """V[i] for W[i], where V is known there and has the same shape and kind."""
    node = place.node
    if place.is_whole:
        for own in tensors(node):
            for other in _alike(own, scope):
                yield _reading(node, own, other), f"{other} where {own} belongs"
    elif isinstance(node, Access):
        for other in _alike(node.tensor, scope):
            wrong = _moved(node, other)
            yield wrong, f"{shown(wrong)} where {shown(node)} belongs, in one place"


def _alike(own: TensorSymbol, scope: Scope) -> Iterator[TensorSymbol]:
    """Other tensors that are known there, of the same shape and kind."""
    for other in scope.tensors:
        like = (other.shape, other.kind, other.classes) == (own.shape, own.kind, own.classes)
        if like and other not in (own, scope.line.equation.tensor):
            yield other
