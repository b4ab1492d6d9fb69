"""Tiles of fewer axes and fewer numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from harness.shrink.dimensions import EXTENTS
from harness.shrink.tree import with_fields
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Component,
    Element,
    Expression,
    Name,
    Node,
    Parameter,
    Program,
    TileStore,
    rebuild,
    walk,
)
from strategies.language.tiles import FILLED, LOADS, has_tiles, named_shape
from strategies.language.types import Array, Tile

_Item = TypeVar("_Item")


def plainer_tiles(program: Program) -> Iterator[Program]:
    """All tiles of a rank without one of their axes, with the arrays that they are loaded from and stored to; all tiles
    with fewer numbers; extents as numbers, not by name.

    Whether the rest fits, a product of matrices say, is for the check of what is well formed.
    """
    if not has_tiles(program):
        return
    shapes = {of.shape for node in walk(program) if isinstance(of := getattr(node, "type", None), Tile)}
    for rank in sorted({len(shape) for shape in shapes if len(shape) > 1}):
        for axis in range(rank):
            yield _without_axis(program, rank, axis)
    most = max(extent for shape in shapes for extent in shape)
    for bound in (*(n for n in EXTENTS if n < most), most):
        yield _cut(program, bound)


def _without_axis(program: Program, rank: int, axis: int) -> Program:
    """`program` with its tiles of `rank` axes, and the arrays that they are parts of, without `axis`."""

    def kept(items: Sequence[_Item]) -> tuple[_Item, ...]:
        return (*items[:axis], *items[axis + 1 :])

    def concerned(node: Expression) -> bool:
        return isinstance(node.type, Tile) and len(node.type.shape) == rank

    arrays = {n.array for n in walk(program) if isinstance(n, TileStore) and concerned(n.value)}
    for node in walk(program):
        if isinstance(node, Apply) and concerned(node):
            arrays |= {a.name for a in node.arguments if isinstance(a, Name) and isinstance(a.type, Array)}

    def arguments(node: Apply) -> tuple[Expression, ...]:
        given = node.arguments
        if node.op in LOADS and concerned(node):
            return (given[0], *kept(given[1 : 1 + rank]), *kept(named_shape(node)))
        if node.op in FILLED and concerned(node):
            return kept(given)
        if node.op in ("tile_view", "tile_extract") and concerned(given[0]):
            return (given[0], *kept(given[1:]))
        return given

    def change(node: Node) -> Node:
        new = node
        match node:
            case TileStore() if node.array in arrays:
                new = with_fields(node, offset=kept(node.offset))
            case Element() if node.array in arrays:
                new = with_fields(node, indices=kept(node.indices))
            case Parameter(type=Array() as of) if node.name in arrays:
                new = with_fields(node, type=types.array(of.dtype, rank - 1), shape=kept(node.shape))
            case Name(type=Array() as of) if node.name in arrays:
                new = with_fields(node, type=types.array(of.dtype, rank - 1))
            case Component() if node.column is not None and concerned(node.base):
                new = with_fields(node, index=kept((node.index, node.column))[0], column=None)
            case Apply():
                new = with_fields(node, arguments=arguments(node))
        return _of_shape(rebuild(new, change), lambda shape: kept(shape) if len(shape) == rank else shape)

    changed: Program = rebuild(program, change)
    return changed


def _cut(program: Program, most: int) -> Program:
    """`program` with no more than `most` numbers along any axis of a tile."""

    def change(node: Node) -> Node:
        new = node
        if isinstance(node, Apply) and (named := named_shape(node)):
            new = with_fields(node, arguments=node.arguments[: len(node.arguments) - len(named)])
        return _of_shape(rebuild(new, change), lambda shape: tuple(min(most, n) for n in shape))

    changed: Program = rebuild(program, change)
    return changed


def _of_shape(node: Node, shape: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Node:
    """`node` as a tile of another shape, if it is one."""
    of = getattr(node, "type", None)
    new: Node = with_fields(node, type=types.tile(shape(of.shape), of.dtype)) if isinstance(of, Tile) else node
    return new
