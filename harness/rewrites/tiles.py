"""Rewrites that avoid defects of tiles: `harness.rewrites.base` says what a rewrite is."""

from __future__ import annotations

from typing import Final

import msgspec

from harness.rewrites.base import FreshNames, register
from strategies.language.nodes import Apply, Assign, AugmentedAssign, Literal, Name, Program, Statement, names_in
from strategies.language.tiles import accumulates
from strategies.language.types import Tile

#: Changes of tiles of floats that Warp makes in place; by other operators it makes another tile.
_IN_PLACE: Final = ("add", "sub")


@register
def copy_changed_tiles(program: Program) -> Program:
    """``t += e`` as ``t = t * 1.0; t += e``, and so with ``wp.tile_matmul(a, b, t)``, outside of loops.

    The change in place stays, and shows what it shows.  A value that is made of `t` is computed before `t` is copied.
    """
    names = FreshNames(program)

    def one(node: Statement) -> list[Statement]:
        match node:
            case AugmentedAssign(target=Name(type=Tile() as of) as tile, operator=operator, value=value):
                if operator not in _IN_PLACE or not of.dtype.is_float:
                    return [node]
                copied = Assign(tile, Apply(of, "mul", (tile, Literal(of.dtype, 1.0))))
                if tile.name not in names_in((value,)):
                    return [copied, node]
                kept = Name(of, names.fresh(tile.name))
                return [Assign(kept, value), copied, msgspec.structs.replace(node, value=kept)]
            case Assign(target=Name(type=Tile() as of) as tile, value=value) if accumulates(value):
                return [Assign(tile, Apply(of, "mul", (tile, Literal(of.dtype, 1.0)))), node]
        return [node]

    body = tuple(new for statement in program.body for new in one(statement))
    return program if body == program.body else msgspec.structs.replace(program, body=body)
