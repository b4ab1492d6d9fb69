"""Local names of arrays: which array each is a part of, and which axes."""

from __future__ import annotations

from collections.abc import Iterable

from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Element,
    Expression,
    Extent,
    Function,
    Name,
    Node,
    Program,
    Slice,
    View,
    walk,
)
from strategies.language.types import Array


def definitions(body: Iterable[Node]) -> dict[str, View]:
    """The local names of views that statements define, in order; each has one definition."""
    found: dict[str, View] = {}
    for statement in body:
        for node in walk(statement):
            match node:
                case Assign(target=Name(name=name), value=View() as value):
                    found[name] = value
    return found


def roots(owner: Program | Function) -> dict[str, str]:
    """For each local name of a view the parameter that it is a part of."""
    found: dict[str, str] = {}
    for name, view in definitions(owner.body).items():
        found[name] = found.get(view.array, view.array)
    return found


def axes_kept(ndim: int, view: View) -> list[int]:
    """The axes, of an array of `ndim` dimensions, that `view` has too."""
    indexed = {axis for axis, index in enumerate(view.indices) if not isinstance(index, Slice)}
    return [axis for axis in range(ndim) if axis not in indexed]


def view_type(of: Array, view: View) -> Array | None:
    """The type of a view of an array of type `of`; None if there is no such view."""
    kept = axes_kept(of.ndim, view)
    if len(view.indices) > of.ndim or not kept:
        return None
    return types.array(of.dtype, len(kept))


def full_indices(view: View, indices: tuple[Expression, ...], ndim: int) -> tuple[Expression, ...] | None:
    """The indices of an element of `view` in the array that it is a part of; None behind a slice."""
    if any(isinstance(index, Slice) for index in view.indices):
        return None
    if len(view.indices) + len(indices) != ndim:
        return None
    return (*view.indices, *indices)  # type: ignore[arg-type]


def arrays_named(node: Node) -> str | None:
    """The array that a node names, if it names one."""
    match node:
        case Element() | Extent() | View():
            return node.array
        case Name(type=Array()):
            return node.name
    return None
