"""Tiles that a block begins with: loaded, gathered, summed up along a row, multiplied as parts of large matrices."""

from __future__ import annotations

import itertools
import math
from typing import Final

from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Element,
    Expression,
    For,
    Literal,
    Name,
    Statement,
)
from strategies.language.tiles import shared_by
from strategies.language.types import INT32
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

    def let(self, value: Typed) -> Typed:
        """`value` under a new name, unless it has one: another name of a tile is no copy of it."""
        if isinstance(value.node, Name):
            return value
        name = Name(value.type, self.sketch.fresh())
        self.body.append(Assign(name, value.node))
        source = shared_by(value.node)
        if source is not None:
            self.sharing |= {source, name.name}
        return Typed(name, value.interval, value.live)

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

    def load(self, shape: tuple[int, ...], interval: Interval | None = None, shared: bool = False) -> Typed:
        """The block's own tile of an array, or one that all blocks share."""
        extents = shape if shared else self.whole(shape)
        array = self.sketch.array(self.main, extents, interval or self.sketch.input_interval(self.main))
        at = tuple(Literal(INT32, 0) for _ in shape) if shared else self.offset(shape)
        of = types.tile(shape, self.main)
        return Typed(Apply(of, "tile_load", (Name(array.type, array.name), *at)), Interval(array.low, array.high), True)

    def number(self, interval: Interval) -> Typed:
        """A number that a tile is scaled by: a literal, a parameter, or an element of an array."""
        match self.dice.below(3):
            case 0:
                return self.sketch.variable(self.sketch.scalar_parameter(self.main, interval))
            case 1:
                array = self.sketch.array(self.main, self.sketch.launch, interval)
                return Typed(Element(self.main, array.name, self.own), interval, True)
        if interval.low < 0:
            # nothing is left of a tile that is scaled by zero
            interval = Interval(0.25, interval.high) if self.dice.chance(70) else Interval(interval.low, -0.25)
        return self.sketch.literal(self.main, interval)

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
        index = Name(INT32, self.sketch.fresh())
        extents = (*self.whole(shape)[:-1], shape[-1] * trips)
        at = (*self.offset(shape)[:-1], Apply(INT32, "mul", (index, Literal(INT32, shape[-1]))))
        if rank <= len(self.own):
            # the blocks along the last axis of the launch all sum the same row
            extents = (*self.whole(shape)[:-1], shape[-1] * trips)
        reach = 2.0
        loads = []
        for _ in range(self.dice.between(1, 2 if 2 * trips * count <= SUMMED else 1)):
            array = self.sketch.array(self.main, extents, Interval(-reach, reach))
            loads.append(Apply(of, "tile_load", (Name(array.type, array.name), *at)))
        value = loads[0] if len(loads) == 1 else Apply(of, "mul", tuple(loads))
        self.body.append(For(index.name, Literal(INT32, trips), (AugmentedAssign(total, "add", value),)))
        size = reach ** len(loads) * trips
        return Typed(total, Interval(-size, size), True)

    def multiplied(self) -> Typed:
        """A product of large matrices: the sum over a few tiles of a row of one and of a column of the other."""
        trips, rows, columns, inner = self.dice.one_of(PARTS)
        of = types.tile((rows, columns), self.main)
        total, index = Name(of, self.sketch.fresh()), Name(INT32, self.sketch.fresh())
        self.body.append(Assign(total, Apply(of, "tile_zeros", ())))
        launch = self.sketch.launch
        along = Apply(INT32, "mul", (index, Literal(INT32, inner)))
        down = Apply(INT32, "mul", (self.own[0], Literal(INT32, rows)))
        across: Expression = Literal(INT32, 0)
        if len(launch) > 1:
            across = Apply(INT32, "mul", (self.own[1], Literal(INT32, columns)))
        wide = columns * (launch[1] if len(launch) > 1 else 1)
        left = self.sketch.array(self.main, (rows * launch[0], inner * trips), Interval(-1, 1))
        right = self.sketch.array(self.main, (inner * trips, wide), Interval(-1, 1))
        loads = [
            Apply(types.tile((rows, inner), self.main), "tile_load", (Name(left.type, left.name), down, along)),
            Apply(types.tile((inner, columns), self.main), "tile_load", (Name(right.type, right.name), along, across)),
        ]
        block: list[Statement] = []
        factors: list[Expression] = list(loads)
        if self.dice.chance(70):
            factors = [Name(load.type, self.sketch.fresh()) for load in loads]
            block = [Assign(name, load) for name, load in zip(factors, loads, strict=True) if isinstance(name, Name)]
        product = Apply(of, "tile_matmul", tuple(factors))
        block.append(AugmentedAssign(total, "add", product))
        self.body.append(For(index.name, Literal(INT32, trips), tuple(block)))
        size = float(inner * trips)
        return Typed(total, Interval(-size, size), True)
