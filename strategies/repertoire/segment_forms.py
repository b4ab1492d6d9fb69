"""Loops over what a thread's place tells: a segment of an array, the elements behind it, its neighbours, all others."""

from __future__ import annotations

import math
from typing import Final

from strategies.blocks import whole
from strategies.intervals import Interval, symmetric
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Compare,
    Continue,
    Element,
    Expression,
    Extent,
    For,
    If,
    Literal,
    Name,
    Parameter,
    Statement,
)
from strategies.language.types import BOOL, INT32
from strategies.loops import Bounds
from strategies.ops import OPS
from strategies.repertoire.loop_forms import PLACES, SEGMENT, LoopForms
from strategies.typed import Typed

#: Of 100 loops over a segment, how many go through an array of places, as a sparse row's columns.
LINKED: Final = 45
#: The exponent of a bell's tail, at least.
DEEPEST: Final = 6.0


class SegmentForms(LoopForms):
    """Draws loops whose bounds or terms depend on the thread's own place."""

    def own_index(self) -> Expression:
        """The thread's first index."""
        return self.own_indices()[0]

    def segment_bounds(self) -> Bounds:
        """From one offset to the next, or from a first place for so many places: of the thread's own."""
        own = self.own_index()
        if self.dice.chance(60):
            offsets = self.array(INT32, (self.launch[0] + 1,), Interval(0, PLACES))
            start = self.read(offsets, own).node
            stop = self.read(offsets, self.offset(own, 1)).node
            return Bounds(start, stop, None, PLACES, Interval(0, PLACES - 1))
        first = self.array(INT32, (self.launch[0],), Interval(0, PLACES - SEGMENT))
        count = self.array(INT32, (self.launch[0],), Interval(0, SEGMENT))
        start = self.read(first, own).node
        stop = Apply(INT32, "add", (start, self.read(count, own).node))
        return Bounds(start, stop, None, SEGMENT, Interval(0, PLACES - 1))

    def segment(self) -> list[Statement]:
        """A sum over the thread's segment: of its elements, or of those that an array names, as in a sparse row."""
        self.shared = True
        made = self._segment(self.segment_bounds())
        self.shared = False
        return made

    def _segment(self, bounds: Bounds) -> list[Statement]:
        made: list[Statement] = []
        if self.dice.chance(40) and bounds.start is not None:
            bounds, made = self._named_bounds(bounds)
        if not self.dice.chance(LINKED):
            form = self.dice.one_of((self.summed, self.summed, self.counted))
            return [*made, *form(bounds)]
        total, begin = self.start(self.main, 0.0)
        index = self.new_index(bounds)
        name = Name(INT32, index.name)
        with self.inside(index, bounds.trips):
            links = self.array(INT32, (PLACES,), Interval(0, self.launch[0] - 1))
            place = self.read(links, name)
            body: list[Statement] = []
            at = place.node
            if self.dice.chance(50):
                body.append(self.define_as(place, mutable=False))
                at = self.variable(self.defined[-1]).node
            found = self.read(self.line(), at)
            value = self.product(self.at_index(self.main, index), found) if self.dice.chance(65) else found
            value = self.share(value, bounds.trips)
            body.append(AugmentedAssign(total, "add", value.node))
        reach = symmetric(value.interval.size * bounds.trips)
        return [*made, begin, self.over(index, bounds, body), *self.leave_result(total, reach, value.live, True)]

    def _named_bounds(self, bounds: Bounds) -> tuple[Bounds, list[Statement]]:
        """Both bounds under local names."""
        assert bounds.start is not None
        first, last = Name(INT32, self.fresh()), Name(INT32, self.fresh())
        stop = bounds.stop
        if isinstance(stop, Apply):
            stop = Apply(INT32, stop.op, (first, stop.arguments[1]))
        made: list[Statement] = [Assign(first, bounds.start), Assign(last, stop)]
        return bounds._replace(start=first, stop=last), made

    def line(self) -> Parameter:
        """A float input with an element for each of the first threads."""
        fitting = [p for p in self.readable(self.main) if len(p.shape) == 1 and p.shape[0] >= self.launch[0]]
        if fitting and self.dice.chance(70):
            return self.dice.one_of(fitting)
        return self.array(self.main, (self.launch[0],), self.input_interval(self.main))

    def onwards(self) -> list[Statement]:
        """A sum over the elements behind the thread's own, in front of it, or at every so many places from it."""
        own, count = self.own_index(), self.launch[0]
        values = self.line()
        end: Expression = whole(values.shape[0])
        if self.dice.chance(50):
            end = Extent(INT32, values.name, 0)
        last = values.shape[0] - 1
        match self.dice.below(4):
            case 0:
                bounds = Bounds(self.offset(own, 1), end, None, last, Interval(1, last))
            case 1:
                stop = self.offset(own, 1) if self.dice.chance(60) else own
                bounds = Bounds(None, stop, None, count, Interval(0, count - 1))
            case 2:
                bounds = Bounds(own, end, None, last + 1, Interval(0, last))
            case _:
                stride = self.dice.between(2, 4)
                bounds = Bounds(own, end, whole(stride), last // stride + 1, Interval(0, last))
        form = self.dice.weighted(((4, self.summed), (2, self.counted), (1, self.extreme)))
        return form(bounds)

    def others(self, skips: bool = False) -> list[Statement]:
        """Something of every other element: the thread's own is left out."""
        values, own = self.line(), self.own_index()
        count = self.launch[0]
        index = self.new_index(Bounds(None, whole(count), None, count, Interval(0, count - 1)))
        stop: Expression = whole(count)
        if values.shape[0] == count and self.dice.chance(50):
            stop = Extent(INT32, values.name, 0)
        name = Name(INT32, index.name)
        total, begin = self.start(self.main, 0.0)
        with self.inside(index, count):
            gap = self.apply(OPS["sub"], self.main, [self.read(values, own), self.read(values, name)])
            body: list[Statement] = [self.define_as(gap, mutable=False)]
            gap = self.variable(self.defined[-1])
            value = self.share(self._pull(gap), count)
        add = AugmentedAssign(total, self.dice.one_of(("add", "sub")), value.node)
        if skips or self.dice.chance(55):
            body = [If(Compare(BOOL, ("==",), (name, own)), (Continue(),)), *body, add]
        else:
            body = [If(Compare(BOOL, ("!=",), (name, own)), (*body, add))]
        dynamic = count > self.max_unroll or not isinstance(stop, Literal)
        reach = symmetric(value.interval.size * count)
        return [begin, For(name.name, stop, tuple(body)), *self.leave_result(total, reach, value.live, dynamic)]

    def _pull(self, gap: Typed) -> Typed:
        """What another element counts, by the distance to it: its square, an inverse, a bell, or what is drawn."""
        one = Typed(self._constant(self.main, 1.0), Interval(1.0, 1.0))
        match self.dice.below(4):
            case 0:
                return self.product(gap, gap)
            case 1:
                return self.apply(OPS["div"], self.main, [gap, self.plus_one(self.product(gap, gap))])
            case 2:
                return self._bell(gap)
        return self.apply(OPS["div"], self.main, [one, self.plus_one(self.apply(OPS["abs"], self.main, [gap]))])

    def _bell(self, gap: Typed) -> Typed:
        """``exp(-c * (x * x))``, with a factor if its tail would be nothing."""
        size = gap.interval.size**2
        exponent: Expression = Apply(self.main, "mul", (gap.node, gap.node))
        if size > DEEPEST:
            scale = 2.0 ** math.floor(math.log2(DEEPEST / size))
            exponent = Apply(self.main, "mul", (self.number_of(self.main, scale), exponent))
        self.nodes += 4
        node = Apply(self.main, "exp", (Apply(self.main, "neg", (exponent,)),))
        return Typed(node, Interval(0.0, 1.0), gap.live)

    def plus_one(self, value: Typed) -> Typed:
        """A number that is not negative, plus one: a divisor."""
        node = Apply(self.main, "add", (value.node, self._constant(self.main, 1.0)))
        return Typed(node, Interval(1.0, value.interval.high + 1.0), value.live)

    def pairs(self) -> list[Statement]:
        """A sum over pairs: an inner loop that begins behind the outer index, or ends before it."""
        count = self.dice.between(3, 4)
        outer = self.new_index(Bounds(None, whole(count), None, count, Interval(0, count - 1)))
        inner = self.new_index(Bounds(None, whole(count), None, count, Interval(0, count - 1)))
        one, two = Name(INT32, outer.name), Name(INT32, inner.name)
        total, begin = self.start(self.main, 0.0)
        with self.inside(outer, count), self.inside(inner, count):
            left = self.at_index(self.main, outer)
            right = self._like(left, one, two)
            op = self.dice.one_of(("mul", "sub"))
            value = self.apply(OPS[op], self.main, [left, right])
            if op == "sub":
                magnitude = self.apply(OPS["abs"], self.main, [value])
                value = magnitude if self.dice.chance(40) else self.product(value, value)
            value = self.share(value, count * count)
        add = AugmentedAssign(total, "add", value.node)
        start, stop = (self.offset(one, 1), whole(count)) if self.dice.chance(60) else (None, one)
        loop = For(outer.name, whole(count), (For(inner.name, stop, (add,), start),))
        reach = symmetric(value.interval.size * count * count)
        return [begin, loop, *self.leave_result(total, reach, value.live, True)]

    @staticmethod
    def _like(value: Typed, one: Name, two: Name) -> Typed:
        """The same element at another index."""
        node = value.node
        assert isinstance(node, Element)
        indices = tuple(two if index == one else index for index in node.indices)
        return value._replace(node=Element(node.type, node.array, indices))

    def rows(self, height: int = 0, width: int = 0) -> list[Statement]:
        """Two loops, one in the other: a matrix times a vector, a sum of the rows' sums, or a row stored at a time."""
        height, width = height or self.dice.between(2, 4), width or self.dice.between(2, 4)
        outer = self.new_index(Bounds(None, whole(height), None, height, Interval(0, height - 1)))
        inner = self.new_index(Bounds(None, whole(width), None, width, Interval(0, width - 1)))
        row, column = Name(INT32, outer.name), Name(INT32, inner.name)
        total, begin = self.start(self.main, 0.0)
        part, anew = self.start(self.main, 0.0)
        matrix = self.array(self.main, (height, width), self.input_interval(self.main))
        with self.inside(outer, height), self.inside(inner, width):
            value = self.read(matrix, row, column)
            if self.dice.chance(75):
                value = self.product(value, self.at_index(self.main, inner))
            value = self.share(value, height * width * 8)
            weight = self.at_index(self.main, outer)
        step: Statement = AugmentedAssign(part, "add", value.node)
        inside = self.over(inner, Bounds(None, whole(width), None, width, inner.interval), [step])
        size = value.interval.size * width
        if len(self.launch) == 1 and self.dice.chance(40):
            output = self.output(self.main, (self.launch[0], height))
            store = Assign(Element(self.main, output.name, (self.own_index(), row)), part)
            return [For(outer.name, whole(height), (anew, inside, store))]
        left: Typed = Typed(part, symmetric(size), True)
        sum_: Typed = self.share(self.product(weight, left), height) if self.dice.chance(60) else left
        gather = AugmentedAssign(total, "add", sum_.node)
        reach = symmetric(sum_.interval.size * height)
        return [
            begin,
            For(outer.name, whole(height), (anew, inside, gather)),
            *self.leave_result(total, reach, True, max(height, width) > self.max_unroll),
        ]

    def window(self) -> list[Statement]:
        """A weighted sum of the elements around the thread's own, held at the ends or left out beyond them."""
        values, own, side = self.line(), self.own_index(), self.dice.between(1, 2)
        bounds = Bounds(whole(-side), whole(side + 1), None, 2 * side + 1, Interval(-side, side))
        index = self.new_index(bounds)
        name, last = Name(INT32, index.name), whole(self.launch[0] - 1)
        total, begin = self.start(self.main, 0.0)
        place = Name(INT32, self.fresh())
        near = Apply(INT32, "add", (own, name))
        weights = self.array(self.main, (2 * side + 1,), Interval(-1.0, 1.0))
        value = self.read(values, place)
        weight = self.read(weights, self.offset(name, side))
        if self.dice.chance(70):
            value = self.product(weight, value)
        value = self.share(value, bounds.trips)
        add: Statement = AugmentedAssign(total, "add", value.node)
        if self.dice.chance(50):
            body: list[Statement] = [Assign(place, Apply(INT32, "clamp", (near, whole(0), last))), add]
        else:
            inside = Compare(BOOL, ("<=", "<="), (whole(0), place, last))
            body = [Assign(place, near), If(inside, (add,))]
        reach = symmetric(value.interval.size * bounds.trips)
        made = [begin, self.over(index, bounds, body)]
        return [*made, *self.leave_result(total, reach, value.live, self.is_dynamic(bounds))]
