"""Local names of arrays: which array each is a part of, and which axes."""

from __future__ import annotations

from collections.abc import Mapping

from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Element,
    Expression,
    Extent,
    Function,
    Literal,
    Name,
    Node,
    Program,
    Slice,
    Statement,
    View,
    Zeros,
    statements,
)
from strategies.language.remembered import remembered
from strategies.language.types import Array


def definitions(body: tuple[Statement, ...]) -> Mapping[str, View]:
    """The local names of views that statements define, in order; each has one definition."""
    return _local_arrays(body)[0]


def made(body: tuple[Statement, ...]) -> Mapping[str, Zeros]:
    """The arrays that statements make, by their local names; each has one definition."""
    return _local_arrays(body)[1]


@remembered
def _local_arrays(body: tuple[Statement, ...]) -> tuple[dict[str, View], dict[str, Zeros]]:
    views: dict[str, View] = {}
    zeros: dict[str, Zeros] = {}
    for node in statements(body):
        match node:
            case Assign(target=Name(name=name), value=View() as view):
                views[name] = view
            case Assign(target=Name(name=name), value=Zeros() as new):
                zeros[name] = new
    return views, zeros


@remembered
def roots(owner: Program | Function) -> dict[str, str]:
    """For each local name of a view the array that it is a part of: a parameter, or one that the owner makes."""
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


def slice_bounds(index: Slice) -> slice | None:
    """A slice whose parts are numbers, as Python's; None if one is not."""
    parts = (index.start, index.stop, index.step)
    if not all(part is None or isinstance(part, Literal) for part in parts):
        return None
    return slice(*(int(part.value) if isinstance(part, Literal) else None for part in parts))


def shapes(program: Program) -> dict[str, dict[int, int]]:
    """For each array of the kernel, and each part of one, the lengths of its axes, where numbers tell them."""
    return lengths_known(program, {p.name: p.shape for p in program.arrays})


def lengths_known(owner: Program | Function, given: Mapping[str, tuple[int, ...]]) -> dict[str, dict[int, int]]:
    """The same in a kernel or a function whose arrays have the shapes `given`."""
    known = dict(given) | {n: z.shape for n, z in made(owner.body).items()}
    found = {name: dict(enumerate(shape)) for name, shape in known.items()}
    ndims = {name: len(shape) for name, shape in known.items()}
    for name, view in definitions(owner.body).items():
        whole, lengths = found.get(view.array, {}), dict[int, int]()
        kept = axes_kept(ndims.get(view.array, 0), view)
        for axis, before in enumerate(kept):
            if before not in whole:
                continue
            index = view.indices[before] if before < len(view.indices) else Slice()
            assert isinstance(index, Slice)
            bounds = slice_bounds(index)
            if bounds is not None and bounds.step != 0:
                lengths[axis] = len(range(whole[before])[bounds])
        found[name], ndims[name] = lengths, len(kept)
    return found
