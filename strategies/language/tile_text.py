"""How operations on tiles are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from strategies.language.nodes import Apply, Expression
from strategies.language.tiles import (
    ALONG_AXES,
    FILLED,
    LOADS,
    MOVES,
    OPERATORS,
    PLACES,
    REDUCTIONS,
    SCANS,
    named_shape,
)
from strategies.language.types import Tile, Type


def tuple_text(parts: Sequence[str]) -> str:
    """Places or extents: one as it is, several in parentheses."""
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def tile_text(node: Apply, expression: Callable[[Expression], str], type_name: Callable[[Type], str]) -> str | None:
    """The text of an operation on tiles; None for operators, which are written as those of numbers are.

    `expression` and `type_name` write what is in it.
    """
    op, of = node.op, node.type
    if op in OPERATORS:
        return None
    given = [expression(a) for a in node.arguments]
    if op == "tile_extract" or not isinstance(of, Tile):
        return f"wp.tile_extract({', '.join(given)})"
    extents = [str(n) for n in of.shape]
    if named := named_shape(node):
        extents = given[len(given) - len(named) :]
    shape, dtype = tuple_text(extents), f"dtype={type_name(of.dtype)}"
    if op in LOADS:
        array, *offset = given[: 1 + len(of.shape)]
        placed = "" if all(part == "0" for part in offset) else f", offset={tuple_text(offset)}"
        kept = f', storage="{LOADS[op]}"' if LOADS[op] else ""
        return f"wp.tile_load({array}, shape={shape}{placed}{kept})"
    if op == "tile_load_indexed":
        array, indices, *offset, along = given
        shape, placed = _tuple([str(n) for n in of.shape]), _tuple(offset)
        return f"wp.tile_load_indexed({array}, indices={indices}, shape={shape}, offset={placed}, axis={along})"
    if op in FILLED:
        return f"wp.{op}(shape={shape}, {dtype})"
    if op == "tile_full":
        return f"wp.tile_full(shape={shape}, value={given[0]}, {dtype})"
    if op == "tile_arange":
        return f"wp.tile_arange({of.shape[0]}, {dtype})"
    if op in REDUCTIONS:
        return _reduction(node, given)
    if op == "tile_astype":
        return f"wp.tile_astype({given[0]}, {dtype})"
    if op in MOVES:
        return _move(node, given, of)
    if op == "tile_matmul":
        return _product(node, given)
    if op in SCANS or op in PLACES or op in ("tile_dot", "tile_diag_add"):
        return f"wp.{op}({', '.join(given)})"
    return f"wp.tile_map({', '.join((f'wp.{op}', *given))})"


def _tuple(parts: Sequence[str]) -> str:
    """A tuple, where Warp does not take a number for one of one item."""
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _reduction(node: Apply, given: Sequence[str]) -> str:
    axis = f", axis={given[1]}" if len(given) > 1 and node.op in ALONG_AXES else ""
    if node.op.startswith("tile_reduce_"):
        return f"wp.tile_reduce(wp.{node.op.removeprefix('tile_reduce_')}, {given[0]}{axis})"
    return f"wp.{node.op}({given[0]}{axis})"


def _product(node: Apply, given: Sequence[str]) -> str:
    tiles = sum(isinstance(part.type, Tile) for part in node.arguments)
    scales = [f"{name}={text}" for name, text in zip(("alpha", "beta"), given[tiles:], strict=False)]
    return f"wp.tile_matmul({', '.join((*given[:tiles], *scales))})"


def _move(node: Apply, given: Sequence[str], of: Tile) -> str:
    shape = _tuple([str(n) for n in of.shape])
    match node.op:
        case "tile_view":
            offset = _tuple(given[1:])
            return f"wp.tile_view({given[0]}, offset={offset}, shape={shape})"
        case "tile_squeeze" | "tile_transpose":
            return f"wp.{node.op}({given[0]})"
    return f"wp.{node.op}({given[0]}, shape={shape})"
