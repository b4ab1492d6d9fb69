"""Single numbers of tiles: read and set at their places, found, put into order, joined by a function of one's own."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from strategies.blocks import changeable_value
from strategies.calls import Callee
from strategies.functions import FunctionSketch
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Call,
    Component,
    Element,
    Expression,
    For,
    Function,
    Literal,
    Name,
    Return,
    TileStore,
    Unpack,
)
from strategies.language.several import item
from strategies.language.tiles import PLACES, SORT
from strategies.language.types import INT32, Tile
from strategies.ops import OPS
from strategies.repertoire.tile_loads import Loads
from strategies.typed import Typed

#: The types of keys, mostly plain ones.
KEYS: Final = ("int32", "int32", "int32", "uint32", "int64")
#: By what a function joins two whole numbers, and what it does with each number first of two floats.
JOINED: Final = {False: (("bit_or", ""), ("bit_xor", ""), ("max", "abs")), True: (("max", "abs"), ("min", "abs"))}
#: Of 100 numbers of tiles, how many are sought by keys; and of 100 in tiles of two dimensions, how many with their row.
SOUGHT: Final = 35
WHOLE: Final = 35


class Numbers(Loads):
    """Draws what is done with single numbers of the tiles of one block."""

    # ------------------------------------------------------------ places

    def place(self, extent: int, wraps: bool = True) -> Expression:
        """A place along an axis: a fixed one, the last, or one that an array names for the block."""
        if extent > 1 and self.dice.chance(40):
            chosen = self.sketch.array(INT32, self.sketch.launch, Interval(0, extent - 1))
            return Element(INT32, chosen.name, self.own)
        return Literal(INT32, -1 if extent > 1 and wraps and self.dice.chance(20) else self.dice.below(extent))

    def at(self, value: Typed, *places: Expression) -> Typed:
        """The number of a tile at places, one for each axis."""
        of = value.type
        assert isinstance(of, Tile)
        if len(places) > 2:
            node: Expression = Apply(of.dtype, "tile_extract", (value.node, *places))
        else:
            node = component(value.node, *places)
        return Typed(node, value.interval, value.live)

    def anywhere(self, value: Typed) -> Typed:
        """A number of a tile."""
        of = value.type
        assert isinstance(of, Tile)
        if len(of.shape) > 2:
            return self.at(value, *(Literal(INT32, self.dice.below(n)) for n in of.shape))
        return self.at(value, *map(self.place, of.shape))

    def one(self, value: Typed) -> Typed:
        """A tile of one number of a tile, or of one row of it: at a fixed place, or where keys are least or largest."""
        of = value.type
        assert isinstance(of, Tile)
        value, shape = self.kept(value), [1] * len(of.shape)
        places = [self.place(n, wraps=False) for n in of.shape]
        if of.shape[0] > 1 and len(of.shape) <= 2 and self.dice.chance(SOUGHT):
            places[0] = self.sought(of.shape[0])
        if len(of.shape) > 1 and self.dice.chance(WHOLE):
            places[-1], shape[-1] = Literal(INT32, 0), of.shape[-1]
        node = Apply(types.tile(shape, of.dtype), "tile_view", (value.node, *places))
        if len(shape) == 2 and shape[-1] > 1 and self.dice.chance(50):
            node = Apply(types.tile(shape[1:], of.dtype), "tile_squeeze", (node,))
        return Typed(node, value.interval, value.live)

    def kept(self, value: Typed) -> Typed:
        """`value` under a name, since it is used more than once."""
        return value if isinstance(value.node, Name) else self.let(value)

    # ------------------------------------------------------------ reading

    def read(self, value: Typed) -> Typed:
        """One number of some of a tile's."""
        of = value.type
        assert isinstance(of, Tile)
        table = [(4, "one"), (3, "pair")]
        if len(of.shape) <= 2 and of.shape[-1] > 1:
            table.append((4, "sum"))
        if of.shape[0] > 1 and len(of.shape) <= 2:
            table.append((8, "found"))
        match self.dice.weighted(tuple(table)):
            case "pair":
                return self.pair(value)
            case "sum":
                return self.summed(value)
            case "found":
                return self.found(value)
        return self.anywhere(value)

    def pair(self, value: Typed) -> Typed:
        """Two numbers of a tile combined."""
        first, second = self.anywhere(value), self.anywhere(value)
        if first.node == second.node:
            return first
        op = self.dice.one_of(("sub", "sub", "mul", "add"))
        found = OPS[op].result_interval(self.main, first.interval, second.interval)
        return Typed(Apply(self.main, op, (first.node, second.node)), found, value.live)

    def summed(self, value: Typed) -> Typed:
        """A sum over the numbers of a line, or of a row, each with a weight."""
        of = value.type
        assert isinstance(of, Tile)
        *rows, count = of.shape
        fixed = [self.place(n) for n in rows]
        total, index = Name(self.main, self.sketch.fresh()), Name(INT32, self.sketch.fresh())
        number = self.at(value, *fixed, index)
        factor = number
        match self.dice.below(3):
            case 0 | 1:
                weights = self.sketch.array(self.main, (count,), self.sketch.input_interval(self.main))
                factor = Typed(Element(self.main, weights.name, (index,)), Interval(weights.low, weights.high), True)
                term: Expression = Apply(self.main, "mul", (number.node, factor.node))
            case _ if self.dice.chance(50):
                term = Apply(self.main, "abs", (number.node,))
                factor = Typed(number.node, Interval(1, 1))
            case _:
                term = Apply(self.main, "mul", (number.node, number.node))
        self.body.append(Assign(total, changeable_value(Literal(self.main, 0.0))))
        self.body.append(For(index.name, Literal(INT32, count), (AugmentedAssign(total, "add", term),)))
        return Typed(total, symmetric(number.interval.size * factor.interval.size * count), value.live)

    # ------------------------------------------------------------ finding

    def keys(self, shape: tuple[int, ...]) -> Typed:
        """A tile of whole numbers no two of which are alike: what is done with them would depend on which is first."""
        dtype = types.scalar(self.dice.one_of(KEYS))
        extents = self.whole(shape)
        count = math.prod(extents)
        low = -self.dice.below(count) if dtype.is_signed else 0
        array = self.sketch.array(dtype, extents, Interval(low, low + count + self.dice.below(count)))
        changed = msgspec.structs.replace(array, distinct=True)
        self.sketch.parameters[self.sketch.parameters.index(array)] = changed
        load = Apply(types.tile(shape, dtype), "tile_load", (Name(array.type, array.name), *self.offset(shape)))
        return self.let(Typed(load, Interval(array.low, array.high)))

    def found(self, value: Typed) -> Typed:
        """The number, or one of the row, for which another tile has its smallest or largest."""
        of = value.type
        assert isinstance(of, Tile)
        return self.at(value, self.sought(of.shape[0]), *map(self.place, of.shape[1:]))

    def sought(self, count: int) -> Expression:
        """The place of the smallest or largest of `count` keys, which is stored too at times."""
        keys = self.keys((count,))
        op = self.dice.one_of(tuple(PLACES))
        best = self.let(Typed(Apply(types.tile((1,), INT32), op, (keys.node,)), Interval(0, count - 1)))
        if self.dice.chance(50):
            self.keep(best)
        return component(best.node, Literal(INT32, 0))

    # ------------------------------------------------------------ setting

    def changed(self, value: Typed) -> Typed:
        """A tile that nothing else has read so far, with some of its numbers set."""
        of = value.type
        assert isinstance(of, Tile)
        if len(of.shape) == 1 and of.shape[0] > 2 and self.dice.chance(40):
            # the ends of a line take what is next to them
            for end, beside in ((0, 1), (-1, -2)):
                near = component(value.node, Literal(INT32, beside))
                self.body.append(Assign(component(value.node, Literal(INT32, end)), near))
            return value
        number = self.number(Interval(-2.0, 2.0))
        self.body.append(Assign(component(value.node, *map(self.place, of.shape)), number.node))
        return Typed(value.node, value.interval.join(number.interval), value.live)

    def composed(self) -> Typed:
        """A short line of numbers of the block's own."""
        count = self.dice.between(2, 4)
        of = types.tile((count,), self.main)
        line = self.let(Typed(Apply(of, "tile_zeros", ()), Interval(0, 0)))
        if self.dice.chance(50):
            index = Name(INT32, self.sketch.fresh())
            source = self.sketch.array(self.main, (*self.sketch.launch, count), self.sketch.input_interval(self.main))
            cell = Element(self.main, source.name, (*self.own, index))
            number = self.scaled_number(Typed(cell, Interval(source.low, source.high), True))
            self.body.append(
                For(index.name, Literal(INT32, count), (Assign(component(line.node, index), number.node),))
            )
            return Typed(line.node, number.interval, True)
        interval = Interval(0, 0)
        for n in range(count):
            source = self.sketch.array(self.main, self.sketch.launch, self.sketch.input_interval(self.main))
            number = Typed(Element(self.main, source.name, self.own), Interval(source.low, source.high), True)
            number = self.scaled_number(number)
            self.body.append(Assign(component(line.node, Literal(INT32, n)), number.node))
            interval = interval.join(number.interval)
        return Typed(line.node, interval, True)

    def scaled_number(self, number: Typed) -> Typed:
        """A number, or a multiple of it."""
        if self.dice.chance(50):
            return number
        factor = self.sketch.literal(self.main, self.dice.one_of((Interval(0.25, 0.9), Interval(1.5, 3.0))))
        found = OPS["mul"].result_interval(self.main, factor.interval, number.interval)
        return Typed(Apply(self.main, "mul", (factor.node, number.node)), found, True)

    # ------------------------------------------------------------ order

    def in_order(self, unpromised: bool) -> Typed:
        """A line in the order of keys: loaded so or, which Warp does not differentiate, sorted with them."""
        count = self.dice.between(4, 8)
        keys = self.keys((count,))
        if unpromised:
            values = self.let(self.load((count,)))
            self.sort(keys, values)
            return values
        places = types.tile((count,), INT32)
        order = self.let(Typed(Apply(places, "tile_arange", ()), Interval(0, count - 1)))
        self.sort(keys, order)
        if len(self.own) == 1 and self.dice.chance(40):
            kept = self.dice.one_of((keys, order))
            of = kept.type
            assert isinstance(of, Tile)
            output = self.sketch.array(of.dtype, self.whole(of.shape), kept.interval, output=True)
            self.body.append(TileStore("tile_store", output.name, self.offset(of.shape), kept.node))
        array = self.sketch.array(self.main, self.whole((count,)), self.sketch.input_interval(self.main))
        given = (Name(array.type, array.name), order.node, *self.offset((count,)), Literal(INT32, 0))
        load = Apply(types.tile((count,), self.main), "tile_load_indexed", given)
        return self.let(Typed(load, Interval(array.low, array.high), True))

    def sort(self, keys: Typed, values: Typed) -> None:
        """Put two tiles into the order of the first, in place."""
        both = (keys.node, values.node)
        assert isinstance(keys.node, Name)
        assert isinstance(values.node, Name)
        results = tuple(Apply(node.type, item(SORT, n), both) for n, node in enumerate(both))
        self.body.append(Unpack((keys.node, values.node), results))

    # ------------------------------------------------------------ joining

    def joined(self, value: Typed) -> Typed:
        """All numbers of a tile made one by a function of two, for which their order is all the same."""
        of = value.type
        assert isinstance(of, Tile)
        op, way = self.dice.one_of(JOINED[of.dtype.is_float])
        own = FunctionSketch(self.sketch)
        own.most_parameters = 2
        size = value.interval.size
        names = [own.parameter(of.dtype, symmetric(size)).name for _ in range(2)]
        parts: list[Expression] = [Name(of.dtype, name) for name in names]
        if way:
            parts = [Apply(of.dtype, way, (part,)) for part in parts]
        result = Apply(of.dtype, op, tuple(parts))
        function = Function(own.name, of.dtype, tuple(own.parameters), (Return((result,)),))
        # bits that any number has are bits of what is next below a power of two
        found = Interval(0, size) if way else Interval(0, 2 ** int(size).bit_length() - 1)
        self.sketch.callees.append(Callee(function, (found,), of.dtype.is_float))
        self.sketch.called.add(own.name)
        return Typed(Call(types.tile((1,), of.dtype), own.name, (value.node,), folds=True), found, False)


def component(base: Expression, *places: Expression) -> Component:
    """``base[places]``, of a tile of one dimension or two."""
    of = base.type
    assert isinstance(of, Tile)
    return Component(of.dtype, base, places[0], column=places[1] if len(places) > 1 else None)
