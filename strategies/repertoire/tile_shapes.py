"""Names for the extents of tiles: ``TILE = 4`` and ``wp.tile_load(a, shape=(TILE, 2), offset=(i * TILE, 0))``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from strategies.language.nodes import Apply, Constant, Expression, For, Literal, Statement, TileStore, rebuild, walk
from strategies.language.tiles import FILLED, LOADS
from strategies.language.types import INT32, Tile
from strategies.statements import Sketch

#: What the extents of a kernel are called: of the first kind where there is one.
NAMES: Final = (("TILE", "TILE_SIZE", "BLOCK"), ("TILE_M", "ROWS"), ("TILE_N", "COLS"), ("TILE_K", "DEPTH"))
#: Of 100 kernels, how many have plain numbers of the module for them.
BARE: Final = 45


def with_named_extents(sketch: Sketch, body: Sequence[Statement]) -> list[Statement]:
    """`body` with names for the extents of the tiles that are loaded, up to three, where those are written."""
    extents: dict[int, None] = {}
    for node in (part for statement in body for part in walk(statement)):
        if isinstance(node, Apply) and node.op in LOADS and isinstance(node.type, Tile):
            extents |= dict.fromkeys(n for n in node.type.shape if n > 1)
    found = list(extents)[: len(NAMES) - 1]
    groups = NAMES[:1] if len(found) == 1 else NAMES[1:]
    chosen, wrapped = sketch.dice.below(2), not sketch.dice.chance(BARE)
    known = {
        extent: Constant(INT32, group[chosen % len(group)], Literal(INT32, extent), wrapped)
        for extent, group in zip(found, groups, strict=False)
    }

    def named(part: Any) -> Any:
        return known.get(int(part.value), part) if isinstance(part, Literal) and part.type is INT32 else part

    def begins(part: Expression) -> Expression:
        """A place that is a multiple of an extent."""
        if isinstance(part, Apply) and part.op == "mul":
            return msgspec.structs.replace(part, arguments=(part.arguments[0], *map(named, part.arguments[1:])))
        return part

    def change(node: Any) -> Any:
        new = rebuild(node, change)
        match new:
            case Apply(op=op, type=Tile() as of, arguments=given) if op in LOADS or op in FILLED:
                shape = tuple(named(Literal(INT32, n)) for n in of.shape)
                named_shape = shape if any(isinstance(part, Constant) for part in shape) else ()
                return msgspec.structs.replace(new, arguments=(*given[:1], *map(begins, given[1:]), *named_shape))
            case TileStore():
                return msgspec.structs.replace(new, offset=tuple(map(begins, new.offset)))
            case For(step=Literal()):
                return msgspec.structs.replace(new, step=named(new.step))
        return new

    return [change(statement) for statement in body]
