"""Tiles: blocks loaded, combined, mapped, reduced, broadcast, multiplied as matrices, sorted, read and set number by
number, and stored by whole blocks."""

import math
from collections.abc import Iterator
from typing import Final

import msgspec

from strategies.functions import FunctionSketch
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Call,
    Element,
    Expression,
    If,
    Literal,
    Name,
    Return,
    Statement,
    TileStore,
)
from strategies.language.tiles import SCANNED
from strategies.language.types import FLOAT32, INT32, Tile
from strategies.ops import OPS
from strategies.repertoire.tile_loads import SCALED, SCALES
from strategies.repertoire.tile_numbers import Numbers
from strategies.repertoire.tile_shapes import with_named_extents
from strategies.statements import Sketch
from strategies.typed import Typed

#: Blocks, few: each works on a whole tile.
LAUNCHES: Final = ((2,), (3,), (4,), (5,), (2,), (3,), (2, 2), (3, 2), (2, 3), (2, 1, 2), (1, 2, 2))
#: Tiles that a block of one, two or three dimensions loads.
SHAPES: Final = {
    1: ((4,), (8,), (5,), (6,), (16,), (4, 4), (2, 4), (3, 4), (4, 2), (3, 3), (2, 3)),
    2: ((4, 4), (2, 4), (3, 2), (4, 2), (2, 2), (2, 3)),
    3: ((1, 2, 3), (2, 2, 2), (1, 3, 2)),
}
#: Numbers of threads that people launch blocks with; on the CPU Warp makes one of them.
BLOCKS: Final = (8, 16, 32, 64, 128, 256)
#: Numbers of tiles stay below this, so that sums and products of whole tiles do too; halves have no more room.
MOST: Final = {"float16": 24.0, "float32": 64.0, "float64": 64.0}
#: Built-ins that are mapped over a tile, with where they are defined and tame.
MAPPED: Final = {
    "sin": Interval(-100, 100), "cos": Interval(-100, 100), "tanh": Interval(-100, 100), "atan": Interval(-100, 100),
    "abs": Interval(-100, 100), "exp": Interval(-4, 3), "sqrt": Interval(0.0625, 100), "log": Interval(0.0625, 100),
    "erf": Interval(-4, 4), "cbrt": Interval(0.0625, 100), "sinh": Interval(-3, 3), "cosh": Interval(-3, 3),
    "floor": Interval(-100, 100), "sign": Interval(-100, 100),
}  # fmt: skip
#: Mapped built-ins with two arguments.
PAIRED: Final = ("max", "min", "max", "min", "atan2")
#: What a block gives instead of a whole tile: a number that all of one are reduced to, one of its numbers or rows, or
#: rarely one that every thread reads, computes with and stores: of several threads each has its part in the adjoint.
GIVEN: Final = ((62, "total"), (28, "one"), (10, "read"))
#: Of 100 of those, how many are combined with something else, and how many are added up over all blocks.  By whole
#: tiles alone: what every thread of a block added by itself would depend on how many there are.
COMBINED: Final = 45
SUMMED: Final = 25
#: Of 100 stores, how many depend on what all threads of a block find the same.
CHOSEN: Final = 12
#: Of 100 tiles that are loaded, in how many some numbers are set.
CHANGED: Final = 22
#: How a tile is changed in place.  Where its old numbers had been read, Warp's gradient is wrong.
UPDATES: Final = ((4, "add"), (3, "scale"), (1, "residual"), (1, "read before"))
#: Products of more flags would leave what integers hold.
MANY: Final = 16
#: Of 100 kernels, how many reduce in a way that Warp documents as not differentiable.
UNPROMISED: Final = 28
#: Of 100 kernels, how many have names for the extents of their tiles.
NAMED: Final = 30


class Block(Numbers):
    """Draws what one block does with tiles: one that every step makes another of, and those that meet it."""

    def __init__(self, sketch: Sketch) -> None:
        super().__init__(sketch)
        self.most = MOST[sketch.main.notation]
        self.unpromised = self.dice.chance(UNPROMISED)
        #: the tile whose sum does not depend on anything, if the last one made is such
        self.settled: Expression | None = None

    # ------------------------------------------------------------ computing

    def combined(self, op: str, left: Typed, right: Typed, of: Tile) -> Typed | None:
        """``left op right``, if that stays small."""
        found = OPS[op].result_interval(self.main, left.interval, right.interval)
        if found.size > self.most:
            return None
        return Typed(Apply(of, op, (left.node, right.node)), found, left.live or right.live)

    def meet(self, value: Typed, other: Typed) -> Typed:
        """Two tiles of one shape combined."""
        of = _tile(value)
        for op in self.dice.some_of(("mul", "add", "sub"), 3):
            pair = (value, other) if self.dice.chance(70) else (other, value)
            found = self.combined(op, *pair, of)
            if found is not None:
                return found
        return self.tamed(other if other.interval.size < value.interval.size else value)

    def tamed(self, value: Typed) -> Typed:
        """`value` brought near zero."""
        return Typed(Apply(value.type, "sin", (value.node,)), Interval(-1, 1), value.live)

    def scaled(self, value: Typed) -> Typed:
        """`value` times a number, or over one."""
        of = _tile(value)
        if self.dice.chance(25):
            number, op = self.number(Interval(0.5, 3.0)), "div"
        else:
            number, op = self.number(Interval(-2.0, 2.0)), "mul"
        pair = (number, value) if op == "mul" and self.dice.chance(50) else (value, number)
        return self.combined(op, *pair, of) or self.tamed(value)

    def mapped(self, value: Typed) -> Typed:
        """A built-in or a function over all numbers of `value`."""
        of = _tile(value)
        if self.dice.chance(30):
            return self.through_function(value)
        if self.dice.chance(30):
            other = self.load(of.shape)
            op = self.dice.one_of(PAIRED)
            if op != "atan2":
                found = OPS[op].result_interval(self.main, value.interval, other.interval)
                return Typed(Apply(of, op, (value.node, other.node)), found, True)
        # of numbers all of one sign, a sign says nothing
        varied = value.interval.low < -0.5 and value.interval.high > 0.5
        known = [op for op, domain in MAPPED.items() if value.interval.within(domain) and (varied or not OPS[op].flat)]
        op = self.dice.one_of(known)
        found = OPS[op].result_interval(self.main, value.interval)
        if found.size > self.most:
            return self.tamed(value)
        return Typed(Apply(of, op, (value.node,)), found, value.live and not OPS[op].flat)

    def through_function(self, value: Typed) -> Typed:
        """A function of the program's own, mapped over one tile or two."""
        own = FunctionSketch(self.sketch)
        given = [value]
        if self.dice.chance(50):
            given.append(self.load(_tile(value).shape))
        own.most_parameters = len(given)
        own.allowed = frozenset((self.main, INT32, types.BOOL))
        for part in given:
            own.parameter(self.main, part.interval)
        result = own.give(self.main, self.dice.between(1, 2))
        result = own.fit(result, Interval(-self.most / 2, self.most / 2))
        if [p.type for p in own.parameters] != [self.main] * len(given):
            return self.tamed(value)
        callee = own.finish(self.main, [Return((result.node,))], [result])
        self.sketch.called.add(callee.function.name)
        node = Call(_tile(value), callee.function.name, tuple(part.node for part in given))
        return Typed(node, callee.intervals[0], callee.live)

    def total(self, value: Typed) -> Typed:
        """All numbers of `value` as one."""
        of, count = types.tile((1,), self.main), math.prod(_tile(value).shape)
        if self.unpromised and count > 1 and self.dice.chance(25):
            return self.joined(value)
        if self.unpromised and self.dice.chance(75):
            op = self.dice.one_of(("tile_min", "tile_max", "tile_reduce_min", "tile_reduce_max", "tile_reduce_add"))
            interval = value.interval
            if op == "tile_reduce_add":
                interval = Interval(value.interval.low * count, value.interval.high * count)
            return Typed(Apply(of, op, (value.node,)), interval, False)
        interval = Interval(value.interval.low * count, value.interval.high * count)
        if isinstance(value.node, Name) and self.dice.chance(20):
            size = value.interval.size**2 * count
            return Typed(Apply(of, "tile_dot", (value.node, value.node)), Interval(0, size), value.live)
        return Typed(Apply(of, "tile_sum", (value.node,)), interval, value.live)

    def along(self, value: Typed, axis: int) -> Typed:
        """The sums of `value` along an axis."""
        shape = _tile(value).shape
        count = shape[axis]
        of = types.tile(shape[:axis] + shape[axis + 1 :], self.main)
        interval = Interval(value.interval.low * count, value.interval.high * count)
        op = "tile_sum"
        if self.unpromised and self.dice.chance(50):
            op = self.dice.one_of(("tile_reduce_add", "tile_reduce_min", "tile_reduce_max"))
        node = Apply(of, op, (value.node, Literal(INT32, axis)))
        return Typed(node, interval, value.live and op == "tile_sum")

    def broadcast(self, value: Typed, shape: tuple[int, ...]) -> Typed:
        """`value` as a tile of `shape`, along whose first axes it is repeated."""
        return Typed(Apply(types.tile(shape, self.main), "tile_broadcast", (value.node,)), value.interval, value.live)

    def masked(self, value: Typed) -> Typed:
        """`value` times what two tiles of flags have in common."""
        of = _tile(value)
        flags = types.tile(of.shape, INT32)
        loads = []
        for _ in range(2):
            array = self.sketch.array(INT32, self.whole(of.shape), Interval(0, 3))
            loads.append(Apply(flags, "tile_load", (Name(array.type, array.name), *self.offset(of.shape))))
        op = self.dice.one_of(("bit_and", "bit_and", "bit_or", "bit_xor"))
        if self.dice.chance(25):
            both = self.let(Typed(loads[0], Interval(0, 3)))
            self.update(both, op, Typed(loads[1], Interval(0, 3)))
        else:
            both = self.named(Typed(Apply(flags, op, tuple(loads)), Interval(0, 3)))
        if isinstance(both.node, Name) and self.dice.chance(60):
            self.counted(both)
        weights = Typed(Apply(of, "tile_astype", (both.node,)), Interval(0, 3))
        return self.combined("mul", value, self.named(weights), of) or self.tamed(value)

    def counted(self, flags: Typed) -> None:
        """What the block has of flags, in one number that is stored."""
        shape = _tile(flags).shape
        count = math.prod(shape)
        of = types.tile((1,), INT32)
        ops = ["tile_sum", "tile_min", "tile_max", "tile_reduce_max", *(("tile_reduce_mul",) if count <= MANY else ())]
        if count > 1 and self.dice.chance(60):
            found = self.joined(flags)
        else:
            op = self.dice.one_of(ops)
            most = {"tile_sum": 3 * count, "tile_reduce_mul": 3**count}.get(op, 3)
            found = Typed(Apply(of, op, (flags.node,)), Interval(0, most))
        self.keep(self.let(found)._replace(interval=self.sketch.output_interval(INT32)))

    # ------------------------------------------------------------ steps

    def update(self, value: Typed, op: str, other: Typed) -> None:
        """``value op= other``, of a tile that has a name."""
        assert isinstance(value.node, Name)
        self.body.append(AugmentedAssign(value.node, op, other.node))

    def updated(self, value: Typed) -> Typed:
        """`value` changed where it is: scaled, by another tile or, as a residual is added, by what is made of it."""
        value = self.kept(value)
        if not isinstance(value.node, Name) or value.node.name in self.sharing:
            return self.scaled(value)
        if value.node == self.settled:
            self.settled = None
        before = None
        match self.dice.weighted(UPDATES):
            case "scale":
                divided = self.dice.chance(50)
                op = "div" if divided else "mul"
                other = self.number(Interval(0.5, 3.0) if divided else Interval(-2.0, 2.0))
            case "residual":
                op, other = self.dice.one_of(("add", "add", "sub")), self.named(self.mapped(value))
            case "read before":
                before = self.let(self.mapped(value))
                op, other = self.dice.one_of(("add", "sub")), self.named(self.load(_tile(value).shape))
            case _:
                op, other = self.dice.one_of(("add", "add", "sub", "mul")), self.named(self.load(_tile(value).shape))
        found = OPS[op].result_interval(self.main, value.interval, other.interval)
        if found.size > self.most:
            op, other = "mul", self.sketch.literal(self.main, Interval(0.25, 0.9))
            found = OPS[op].result_interval(self.main, value.interval, other.interval)
        self.update(value, op, other)
        changed = Typed(value.node, found, value.live or other.live)
        return changed if before is None else self.meet(changed, before)

    def normalised(self, value: Typed) -> Typed:
        """``e / sum(e)`` over a row: softmax, or a mean that is taken off."""
        of = _tile(value)
        if self.dice.chance(50) and value.interval.within(Interval(-4, 2)):
            if self.unpromised:
                top = self.let(Typed(Apply(types.tile((1,), self.main), "tile_max", (value.node,)), value.interval))
                moved = Typed(Apply(of, "sub", (value.node, self.broadcast(top, of.shape).node)), Interval(-6, 0), True)
                value = self.named(moved)
            raised = Apply(of, "exp", (value.node,))
            weights = self.let(Typed(raised, OPS["exp"].result_interval(self.main, value.interval), value.live))
            total = self.let(Typed(Apply(types.tile((1,), self.main), "tile_sum", (weights.node,)), Interval(0, 1)))
            shares = Apply(of, "div", (weights.node, self.broadcast(total, of.shape).node))
            return Typed(shares, Interval(0, 1), value.live)
        spread = value.interval.size
        if OPS["sub"].result_interval(self.main, value.interval, Interval(-spread, spread)).size > self.most:
            return self.tamed(value)
        value = self.kept(value)
        line = types.tile((1,), self.main)
        count = Literal(self.main, float(math.prod(of.shape)))
        mean = Apply(line, "div", (Apply(line, "tile_sum", (value.node,)), count))
        mean_tile = self.named(Typed(mean, Interval(-spread, spread), value.live))
        node = Apply(of, "sub", (value.node, self.broadcast(mean_tile, of.shape).node))
        return Typed(node, Interval(-2 * spread, 2 * spread), value.live)

    def settle(self, value: Typed) -> Typed:
        """`value` under a name, of which is known that its sum has no gradient."""
        value = self.let(value)
        self.settled = value.node
        return value

    def settled_too(self, value: Typed, found: Typed) -> Typed:
        """`found`, made of `value` by what multiplies or moves its numbers: their sum has no gradient if the other's
        has none."""
        return self.settle(found) if value.node == self.settled else found

    def product(self, value: Typed) -> Typed:
        """A tile times a matrix of weights, with a bias at times."""
        rows, inner = _tile(value).shape
        columns = self.dice.one_of((2, 3, 4))
        weights = self.named(self.load((inner, columns), Interval(-1, 1), shared=True))
        of = types.tile((rows, columns), self.main)
        reach = value.interval.size * inner
        if 2 * reach + 2 <= self.most and self.dice.chance(45):
            return self.product_added(value, weights, of)
        further: tuple[Expression, ...] = ()
        if 2 * reach <= self.most and self.dice.chance(SCALED):
            scale = self.dice.one_of(SCALES)
            further, reach = (Literal(FLOAT32, scale),), reach * abs(scale)
        product = Apply(of, "tile_matmul", (value.node, weights.node, *further))
        found = self.named(Typed(product, Interval(-reach, reach), True))
        if reach + 1 <= self.most and self.dice.chance(40):
            bias = self.named(self.load((columns,), Interval(-1, 1), shared=True))
            spread = self.broadcast(bias, of.shape)
            found = self.combined("add", found, spread, of) or found
        return found

    def product_added(self, value: Typed, weights: Typed, of: Tile) -> Typed:
        """A product of matrices that is added to a tile of zeros, of biases, or of the block's own."""
        match self.dice.below(3):
            case 0:
                start = Typed(Apply(of, "tile_zeros", ()), Interval(0, 0))
            case 1:
                start = self.load(of.shape, Interval(-2, 2))
            case _:
                start = self.scaled(self.named(self.load(of.shape, Interval(-2, 2))))
                if start.interval.size > 2:
                    start = self.tamed(start)
        start, factors = self.let(start), (self.kept(value), self.kept(weights))
        assert isinstance(start.node, Name)
        added, times = self.added(start.node, [factor.node for factor in factors])
        self.body.append(added)
        reach = start.interval.size + value.interval.size * _tile(value).shape[1] * times
        return Typed(start.node, Interval(-reach, reach), True)

    def guarded(self, value: Typed) -> Typed:
        """`value` to which the blocks that pass a test add another tile, in place."""
        fresh = self.let(self.scaled(value) if isinstance(value.node, Name) else value)
        if fresh.interval.size + 2 > self.most or not isinstance(fresh.node, Name) or fresh.node.name in self.sharing:
            return fresh
        if fresh.node == self.settled:
            self.settled = None
        before, self.body = self.body, []
        test = self.test()
        other = self.named(self.load(_tile(fresh).shape, Interval(-2, 2)))
        self.update(fresh, self.dice.one_of(("add", "add", "sub")), other)
        before.append(If(test, tuple(self.body)))
        self.body = before
        reach = fresh.interval.size + 2
        return Typed(fresh.node, Interval(-reach, reach), True)

    def moved(self, value: Typed) -> Typed:
        """The same numbers in another shape or order, or some of them."""
        of = _tile(value)
        shape = of.shape
        whole = not self.is_view(value.node)
        kinds = ["reshape"] if whole else []
        if len(shape) == 2:
            kinds += ["transpose", "transpose"]
        if 1 in shape and math.prod(shape) > 1:
            kinds += ["squeeze"] * 3
        if max(shape) > 2:
            kinds.append("view")
        if not kinds:
            return self.scaled(value)
        kind = self.dice.one_of(kinds)
        if kind == "transpose":
            new: tuple[int, ...] = shape[::-1]
        elif kind == "squeeze":
            new = tuple(n for n in shape if n != 1)
        elif kind == "view":
            value = self.kept(value)
            new = tuple(self.dice.between(max(1, n - 2), n) for n in shape)
            if new == shape:
                # less along the longest axis
                axis = shape.index(max(shape))
                new = (*shape[:axis], shape[axis] - 1, *shape[axis + 1 :])
            at = [Literal(INT32, self.dice.between(0, n - m)) for n, m in zip(shape, new, strict=True)]
            return Typed(Apply(types.tile(new, self.main), "tile_view", (value.node, *at)), value.interval, value.live)
        else:
            count = math.prod(shape)
            pairs = [(n, count // n) for n in range(2, count) if count % n == 0]
            new = self.dice.one_of([p for p in pairs if p != shape] or [(count, 1)])
        return Typed(Apply(types.tile(new, self.main), f"tile_{kind}", (value.node,)), value.interval, value.live)

    def scanned(self, value: Typed) -> Typed:
        """Running sums or extremes of a line."""
        of = _tile(value)
        count = of.shape[0]
        op = self.dice.one_of(
            ("tile_scan_inclusive", "tile_scan_exclusive", "tile_scan_max_inclusive", "tile_scan_min_inclusive")
        )
        size = value.interval.size * (count if op in ("tile_scan_inclusive", "tile_scan_exclusive") else 1)
        return Typed(Apply(of, op, (value.node,)), Interval(-size, size), False)

    def step(self, value: Typed) -> Typed:
        """Another tile, of `value` and at times of others."""
        shape = _tile(value).shape
        table = [(5, "meet"), (4, "scale"), (5, "map"), (2, "move"), (2, "normalise"), (1, "ramp"), (2, "update")]
        table.append((2, "guard"))
        if len(shape) == 2:
            table += [(4, "product"), (2, "rows")]
        if len(shape) <= len(self.own):
            table.append((2, "mask"))
        if len(shape) == 2 and shape[0] == shape[1] and self.unpromised:
            table.append((4, "diagonal"))
        if len(shape) == 1 and self.unpromised and self.main.notation in SCANNED:
            table.append((9, "scan"))
        match self.dice.weighted(tuple(table)):
            case "meet":
                return self.meet(value, self.named(self.load(shape)))
            case "scale":
                return self.settled_too(value, self.scaled(value))
            case "map":
                return self.mapped(value)
            case "move":
                return self.settled_too(value, self.moved(value))
            case "mask":
                return self.masked(value)
            case "update":
                return self.updated(value)
            case "guard":
                return self.guarded(value)
            case "diagonal":
                line = self.named(self.load(shape[:1], Interval(0.5, 2.0), shared=True))
                node = Apply(_tile(value), "tile_diag_add", (value.node, line.node))
                return Typed(node, Interval(value.interval.low, value.interval.high + 2), False)
            case "normalise":
                return self.settle(self.normalised(value))
            case "product" if value.interval.size * shape[1] <= self.most:
                return self.product(value)
            case "scan" if value.interval.size * shape[0] <= self.most:
                return self.scanned(value)
            case "rows" if shape[0] > 1 and value.interval.size * shape[0] * 2 <= self.most:
                value = self.kept(value)
                sums = self.named(self.along(value, 0))
                return self.combined("sub", value, self.broadcast(sums, shape), _tile(value)) or value
            case "ramp" if len(shape) == 1:
                ramp = Typed(Apply(_tile(value), "tile_arange", ()), Interval(0, shape[0] - 1))
                return self.combined("mul", value, self.named(ramp), _tile(value)) or self.tamed(value)
        return self.scaled(value)

    # ------------------------------------------------------------ results

    def store(self, value: Typed) -> None:
        """The tile at the block's own place, or added to one that all blocks share."""
        of = _tile(value)
        if len(of.shape) < len(self.own):
            self.reduce(value)
            return
        if self.dice.chance(25):
            self.sum_up(value)
            return
        if self.dice.chance(CHOSEN):
            self.choose(value)
            return
        self.keep(value)

    def choose(self, value: Typed) -> None:
        """The tile stored by the blocks that pass a test; by the others another one, mostly."""
        value = self.kept(value)
        self.keep(value)
        stored = self.body.pop()
        assert isinstance(stored, TileStore)
        test = self.test()
        orelse: tuple[Statement, ...] = ()
        if self.dice.chance(70):
            before, self.body = self.body, []
            other = self.scaled(value) if self.dice.chance(50) else self.mapped(value)
            orelse = (*self.body, msgspec.structs.replace(stored, value=other.node))
            self.body = before
        self.body.append(If(test, (stored,), orelse))

    def reduce(self, value: Typed) -> None:
        """One number a block, or a row of one, stored or summed."""
        match self.dice.weighted(GIVEN):
            case "read" if value.interval.size**2 * _tile(value).shape[-1] <= self.most**2:
                self.give_read(value)
                return
            case "one" if len(_tile(value).shape) in (1, len(self.own), len(self.own) + 1):
                found = self.one(value)
            case _:
                if value.node == self.settled:
                    value = self.meet(value, self.named(self.load(_tile(value).shape)))
                found = self.total(value)
        found = self.named(found)
        if self.dice.chance(COMBINED):
            found = self.scaled(found) if self.dice.chance(50) else self.meet(found, self.load(_tile(found).shape))
        if self.dice.chance(SUMMED):
            self.sum_up(found)
        else:
            self.keep(found)

    def sum_up(self, value: Typed) -> None:
        """Add a tile to the one that all blocks share."""
        of = _tile(value)
        output = self.sketch.array(self.main, of.shape, self.sketch.output_interval(self.main), output=True)
        start = tuple(Literal(INT32, 0) for _ in of.shape)
        self.body.append(TileStore("tile_atomic_add", output.name, start, value.node))

    def give_read(self, value: Typed) -> None:
        """A number that is computed with single ones of a tile."""
        number = self.read(self.kept(value)).node
        if self.dice.chance(COMBINED):
            array = self.sketch.array(self.main, self.sketch.launch, self.sketch.input_interval(self.main))
            factor = Element(self.main, array.name, self.own)
            number = Apply(self.main, self.dice.one_of(("mul", "add", "sub")), (number, factor))
        output = self.sketch.array(self.main, self.sketch.launch, self.sketch.output_interval(self.main), output=True)
        self.body.append(Assign(Element(self.main, output.name, self.own), number))


def _tile(value: Typed) -> Tile:
    assert isinstance(value.type, Tile)
    return value.type


def body(sketch: Sketch) -> Iterator[Statement]:
    """A tile that is loaded, summed up or a product, one to four steps that each make another of it, and its store."""
    dice = sketch.dice
    sketch.block_dim = dice.one_of(BLOCKS)
    sketch.max_arrays = 99
    block = Block(sketch)
    shape = dice.one_of(SHAPES[len(sketch.launch)])
    if len(sketch.launch) < 3 and dice.chance(15):
        value = block.multiplied()
    elif dice.chance(20):
        value = block.accumulated(shape)
    elif dice.chance(14):
        value = block.in_order(block.unpromised)
    elif dice.chance(9):
        value = block.composed()
    else:
        value = block.let(block.gathered(shape) if dice.chance(15) else block.load(shape))
        if len(shape) <= 2 and dice.chance(CHANGED):
            value = block.changed(value)
    for _ in range(dice.between(1, 4)):
        value = block.named(block.step(value))
    value = block.kept(value) if dice.chance(50) else value
    if dice.chance(45):
        block.reduce(value)
    else:
        block.store(value)
    yield from with_named_extents(sketch, block.body) if dice.chance(NAMED) else block.body
