"""Tiles that a block begins with: loaded, gathered, summed up along a row, multiplied as parts of large matrices; and
the places where a block keeps what is its own."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

import msgspec

from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Compare,
    Element,
    Expression,
    For,
    Literal,
    Name,
    Statement,
    TileStore,
)
from strategies.language.tiles import MOVES, shared_by
from strategies.language.types import BOOL, FLOAT32, INT32, Tile
from strategies.statements import Sketch
from strategies.typed import Typed

#: Numbers that a block sums up at most: with what it loads besides, not more than finite differences have directions
#: for.
SUMMED: Final = 36
#: Products of large matrices by parts: how many parts, and their rows, columns and what is between.
PARTS: Final = tuple(
    (trips, rows, columns, inner)
    for trips, rows, columns, inner in itertools.product((2, 3), (2, 3, 4), (2, 3, 4), (2, 3, 4))
    if trips * inner * (rows + columns) <= SUMMED
)
#: Of 100 kernels, in how many the last block's tiles reach over the ends of their arrays, and how many rows at most.
PARTIAL: Final = 14
SHORT: Final = 2
#: Of 100 kernels, how many keep tiles in shared memory; and of 100 loads of those.
SHARED: Final = 16
KEPT: Final = 60
#: How a loop over the tiles of a row is written, by strides or to a bound of the launch: ``range(3)``,
#: ``range(0, 12, 4)``, ``range(count)``, ``range(0, n, 4)``.
LOOPS: Final = ((4, (False, False)), (3, (True, False)), (3, (False, True)), (2, (True, True)))
#: Of 100 products that are summed up, how many are by the built-in itself, as people mostly write it; of 100 products,
#: how many it scales too, and of 100 sums, how many it scales before it adds to them.
ADDED: Final = 65
SCALED: Final = 22
FADED: Final = 8
#: What it scales by: exact in every type.
SCALES: Final = (0.25, 0.5, 2.0, -1.0, 1.5)
FADES: Final = (0.5, 0.75, -0.5)


class Loads:
    """Draws the tiles of one block."""

    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch
        self.dice = sketch.dice
        self.main = sketch.main
        self.body: list[Statement] = []
        self.own = sketch.own_indices()
        #: tiles that may be the same numbers as others
        self.sharing: set[str] = set()
        #: views of tiles: Warp reshapes none, for their numbers need not lie one after another
        self.views: set[str] = set()
        #: by how many rows the arrays of the blocks' own tiles are too short
        self.short = self.dice.between(1, SHORT) if self.dice.chance(PARTIAL) else 0
        self.in_shared_memory = self.dice.chance(SHARED)

    def let(self, value: Typed) -> Typed:
        """`value` under a new name, unless it has one: another name of a tile is no copy of it."""
        if isinstance(value.node, Name):
            return value
        name = Name(value.type, self.sketch.fresh())
        self.body.append(Assign(name, value.node))
        source = shared_by(value.node)
        if source is not None:
            self.sharing |= {source, name.name}
        if self.is_view(value.node):
            self.views.add(name.name)
        return Typed(name, value.interval, value.live)

    def is_view(self, node: Expression) -> bool:
        """Whether a tile is a part of another, without a copy."""
        while isinstance(node, Apply) and node.op in MOVES:
            if node.op == "tile_view":
                return True
            node = node.arguments[0]
        return isinstance(node, Name) and node.name in self.views

    def named(self, value: Typed) -> Typed:
        """`value` under a new name, or as it is."""
        return self.let(value) if self.dice.chance(65) else value

    def offset(self, shape: tuple[int, ...]) -> tuple[Expression, ...]:
        """Where the block's own tile of `shape` begins in an array of as many dimensions as it has."""
        found: list[Expression] = []
        for axis, extent in enumerate(shape):
            index: Expression = self.own[axis] if axis < len(self.own) else Literal(INT32, 0)
            own = axis < len(self.own) and extent > 1
            found.append(Apply(INT32, "mul", (index, Literal(INT32, extent))) if own else index)
        return tuple(found)

    def whole(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of an array with a tile of `shape` for each block."""
        launch = self.sketch.launch
        return tuple(n * (launch[axis] if axis < len(launch) else 1) for axis, n in enumerate(shape))

    def flat(self, count: int) -> tuple[Expression, int]:
        """Where a block has `count` numbers of its own in a line of those of all blocks, and how long that is."""
        place: Expression = self.own[0]
        for index, extent in zip(self.own[1:], self.sketch.launch[1:], strict=True):
            if extent == 1:
                continue
            place = Apply(INT32, "add", (Apply(INT32, "mul", (place, Literal(INT32, extent))), index))
        if count > 1:
            place = Apply(INT32, "mul", (place, Literal(INT32, count)))
        return place, count * math.prod(self.sketch.launch)

    def placed(self, shape: tuple[int, ...]) -> tuple[tuple[Expression, ...], tuple[int, ...]]:
        """Where a block keeps a tile of its own, and the extents of the array with one for each: a line has all in
        one dimension."""
        if len(shape) == 1 and len(self.own) > 1:
            place, extent = self.flat(shape[0])
            return (place,), (extent,)
        return self.offset(shape), self.whole(shape)

    def missing(self, shape: tuple[int, ...]) -> int:
        """How many rows of the last block's tile its array does not have."""
        return min(self.short, shape[0] - 1)

    def load(self, shape: tuple[int, ...], interval: Interval | None = None, shared: bool = False) -> Typed:
        """The block's own tile of an array, or one that all blocks share."""
        at, extents = (tuple(Literal(INT32, 0) for _ in shape), shape) if shared else self.placed(shape)
        missing = 0 if shared else self.missing(shape)
        array = self.sketch.array(
            self.main, (extents[0] - missing, *extents[1:]), interval or self.sketch.input_interval(self.main)
        )
        found = Interval(array.low, array.high)
        op = "tile_load_padded" if missing else self.plain()
        node = Apply(types.tile(shape, self.main), op, (Name(array.type, array.name), *at))
        return Typed(node, found.join(Interval(0, 0)) if missing else found, True)

    def plain(self) -> str:
        """The name of a load within an array."""
        return "tile_load_shared" if self.in_shared_memory and self.dice.chance(KEPT) else "tile_load"

    def keep(self, value: Typed) -> None:
        """Store a tile, or the number that is its only one, at the block's own place."""
        of = value.type
        assert isinstance(of, Tile)
        at, extents = self.placed(of.shape)
        missing = self.missing(of.shape)
        interval = value.interval if of.dtype.is_integer else self.sketch.output_interval(of.dtype)
        output = self.sketch.array(of.dtype, (extents[0] - missing, *extents[1:]), interval, output=True)
        op = "tile_store_clipped" if missing else "tile_store"
        self.body.append(TileStore(op, output.name, at, value.node))

    def test(self) -> Expression:
        """What all threads of a block find the same."""
        if self.dice.chance(25) and self.sketch.launch[0] > 1:
            return Compare(BOOL, (self.dice.one_of((">", "!=", "==")),), (self.own[0], Literal(INT32, 0)))
        if self.dice.chance(50):
            flags = self.sketch.array(INT32, self.sketch.launch, Interval(0, self.dice.between(1, 3)))
            node = Element(INT32, flags.name, self.own)
            return Compare(BOOL, (self.dice.one_of((">", "==", "!=")),), (node, Literal(INT32, 0)))
        given = self.given_number(Interval(-2.0, 2.0))
        bound = self.sketch.literal(self.main, Interval(-0.5, 0.5))
        return Compare(BOOL, (self.dice.one_of((">", "<")),), (given.node, bound.node))

    def loop(self, trips: int, step: int) -> tuple[For, Expression]:
        """A loop without a body over at most `trips` tiles of `step` numbers, and where each one begins."""
        strided, counted = self.dice.weighted(LOOPS)
        most = trips * step if strided else trips
        index = Name(INT32, self.sketch.fresh())
        bound: Expression = Literal(INT32, most)
        if counted:
            # the last of them is reached at times
            reach = Interval(most - step + 1 if strided else 1, most)
            bound = self.sketch.variable(self.sketch.scalar_parameter(INT32, reach)).node
        if strided:
            return For(index.name, bound, (), Literal(INT32, 0), Literal(INT32, step)), index
        begins = Apply(INT32, "mul", (index, Literal(INT32, step))) if step > 1 else index
        return For(index.name, bound, ()), begins

    def number(self, interval: Interval) -> Typed:
        """A number that a tile is scaled by: a literal, a parameter, or an element of an array."""
        if self.dice.below(3):
            return self.given_number(interval)
        if interval.low < 0:
            # nothing is left of a tile that is scaled by zero
            interval = Interval(0.25, interval.high) if self.dice.chance(70) else Interval(interval.low, -0.25)
        return self.sketch.literal(self.main, interval)

    def given_number(self, interval: Interval) -> Typed:
        """A number that the launch is given: one for all blocks, or one for each."""
        if self.dice.chance(50):
            return self.sketch.variable(self.sketch.scalar_parameter(self.main, interval))
        array = self.sketch.array(self.main, self.sketch.launch, interval)
        return Typed(Element(self.main, array.name, self.own), interval, True)

    def gathered(self, shape: tuple[int, ...]) -> Typed:
        """Rows, or elements of a line, at the places that an array names for this block."""
        rows = self.dice.between(3, 6)
        links = self.sketch.array(INT32, (shape[0] * self.sketch.launch[0],), Interval(0, rows - 1))
        first = Apply(INT32, "mul", (self.own[0], Literal(INT32, shape[0])))
        picked = types.tile(shape[:1], INT32)
        load = Apply(picked, "tile_load", (Name(links.type, links.name), first if shape[0] > 1 else self.own[0]))
        places = self.let(Typed(load, Interval(0, rows - 1)))
        array = self.sketch.array(self.main, (rows, *shape[1:]), self.sketch.input_interval(self.main))
        zeros = [Literal(INT32, 0) for _ in shape]
        node = Apply(
            types.tile(shape, self.main), "tile_load_indexed",
            (Name(array.type, array.name), places.node, *zeros, Literal(INT32, 0)),
        )  # fmt: skip
        return Typed(node, Interval(array.low, array.high), True)

    def accumulated(self, shape: tuple[int, ...]) -> Typed:
        """A sum, over a few tiles of a row, of what is loaded."""
        of, rank, count = types.tile(shape, self.main), len(shape), math.prod(shape)
        trips = self.dice.between(2, 3 if 3 * count <= SUMMED else 2)
        total = Name(of, self.sketch.fresh())
        self.body.append(Assign(total, Apply(of, "tile_zeros", ())))
        loop, begins = self.loop(trips, shape[-1])
        extents = (*self.whole(shape)[:-1], shape[-1] * trips)
        at = (*self.offset(shape)[:-1], begins)
        if rank <= len(self.own):
            # the blocks along the last axis of the launch all sum the same row
            extents = (*self.whole(shape)[:-1], shape[-1] * trips)
        reach = 2.0
        loads = []
        for _ in range(self.dice.between(1, 2 if 2 * trips * count <= SUMMED else 1)):
            array = self.sketch.array(self.main, extents, Interval(-reach, reach))
            loads.append(Apply(of, self.plain(), (Name(array.type, array.name), *at)))
        value = loads[0] if len(loads) == 1 else Apply(of, "mul", tuple(loads))
        self.body.append(msgspec.structs.replace(loop, body=(AugmentedAssign(total, "add", value),)))
        size = reach ** len(loads) * trips
        return Typed(total, Interval(-size, size), True)

    def multiplied(self) -> Typed:
        """A product of large matrices: the sum over a few tiles of a row of one and of a column of the other."""
        trips, rows, columns, inner = self.dice.one_of(PARTS)
        of = types.tile((rows, columns), self.main)
        total = Name(of, self.sketch.fresh())
        self.body.append(Assign(total, Apply(of, "tile_zeros", ())))
        launch = self.sketch.launch
        loop, along = self.loop(trips, inner)
        down = Apply(INT32, "mul", (self.own[0], Literal(INT32, rows)))
        across: Expression = Literal(INT32, 0)
        if len(launch) > 1:
            across = Apply(INT32, "mul", (self.own[1], Literal(INT32, columns)))
        wide = columns * (launch[1] if len(launch) > 1 else 1)
        left = self.sketch.array(self.main, (rows * launch[0], inner * trips), Interval(-1, 1))
        right = self.sketch.array(self.main, (inner * trips, wide), Interval(-1, 1))
        loads = [
            Apply(types.tile((rows, inner), self.main), self.plain(), (Name(left.type, left.name), down, along)),
            Apply(types.tile((inner, columns), self.main), self.plain(), (Name(right.type, right.name), along, across)),
        ]
        block: list[Statement] = []
        factors: list[Expression] = list(loads)
        if self.dice.chance(85):
            factors = [Name(load.type, self.sketch.fresh()) for load in loads]
            block = [Assign(name, load) for name, load in zip(factors, loads, strict=True) if isinstance(name, Name)]
        added, reach = self.added(total, factors)
        self.body.append(msgspec.structs.replace(loop, body=(*block, added)))
        size = float(inner * trips) * reach
        return Typed(total, Interval(-size, size), True)

    def added(self, total: Name, factors: Sequence[Expression]) -> tuple[Statement, float]:
        """A product of matrices added to a tile, and how many times itself it is added."""
        scale = self.dice.one_of(SCALES) if self.dice.chance(SCALED) else None
        if not self.dice.chance(ADDED):
            return AugmentedAssign(total, "add", Apply(total.type, "tile_matmul", tuple(factors))), 1.0
        further: list[Expression] = []
        if scale is not None:
            further.append(Literal(FLOAT32, scale))
        elif self.dice.chance(FADED):
            # what there is of the sum counts for less
            further += [Literal(FLOAT32, 1.0), Literal(FLOAT32, self.dice.one_of(FADES))]
        node = Apply(total.type, "tile_matmul", (*factors, total, *further))
        return Assign(total, node), abs(scale or 1.0)
