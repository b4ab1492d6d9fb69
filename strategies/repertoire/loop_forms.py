"""Loops as people write them: sums over a row, extremes, recurrences, neighbours, segments that offsets bound.

Each is drawn from parts: over what it runs, what its terms are, what is done with them, and what is kept of it.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from strategies.blocks import HEADROOM, changeable_value, rounded, whole
from strategies.intervals import Interval, symmetric
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Compare,
    Element,
    Expression,
    For,
    If,
    Literal,
    Name,
    Parameter,
    Statement,
)
from strategies.language.rules import certainly_runs
from strategies.language.types import BOOL, INT32, Composite, Scalar
from strategies.loops import Bounds, Loops
from strategies.ops import OPS, REACH
from strategies.scope import Variable
from strategies.typed import Typed

#: Of 100 whole numbers that a loop leaves, how many have an output of their own; the others are added to the result.
STORED: Final = 60
#: Of 100 loops that leave a local what their last iteration gave it, with bounds that only a run knows, how many are
#: known to run: the local needs no value before them then.
COUNTED: Final = 50
#: Elements of a segment at most, and places that its offsets may name.
SEGMENT: Final = 4
PLACES: Final = 6
#: What a factor or a step of an iteration is.
DAMPING: Final = (0.5, 0.25, 0.125, 0.75)


class LoopForms(Loops):
    """Draws whole loops, each with what it computes."""

    @abstractmethod
    def output(self, dtype: Scalar | Composite, shape: tuple[int, ...] | None = None) -> Parameter:
        """A new output array."""

    @abstractmethod
    def store(self, output: Parameter, value: Typed) -> Statement:
        """``out[i] = value``."""

    # ------------------------------------------------------------ parts

    def start(self, of: Scalar, value: float) -> tuple[Name, Statement]:
        """A local that a loop changes, which nothing else reads before `leave_result`."""
        name = Name(of, self.fresh())
        return name, Assign(name, changeable_value(self._constant(of, value)))

    def start_at(self, value: Expression) -> tuple[Name, Statement]:
        """The same, from a value that is no literal."""
        assert isinstance(value.type, Scalar)
        name = Name(value.type, self.fresh())
        return name, Assign(name, changeable_value(value))

    def leave_result(self, name: Name, interval: Interval, live: bool, dynamic: bool) -> list[Statement]:
        """Let the rest of the kernel read what a loop left in `name`; a whole number is stored at times."""
        if name.type is INT32 and self.dice.chance(STORED):
            return [self.store(self.output(INT32), Typed(name, interval))]
        variable = Variable(name.name, name.type, interval, used=False, live=live, sum_only=dynamic)
        self.scope.add(variable)
        self.defined.append(variable)
        return []

    def is_dynamic(self, bounds: Bounds, breaks: bool = False) -> bool:
        """Whether Warp leaves the loop one, and does not unroll it."""
        parts = (bounds.start, bounds.stop, bounds.step)
        fixed = all(b is None or isinstance(b, Literal) for b in parts)
        return breaks or bounds.trips > self.max_unroll or not fixed

    def new_index(self, bounds: Bounds) -> Variable:
        """A loop's index: at times under the name of that of a loop that has ended."""
        name = bounds.name
        if name is None and self.past_indices and self.dice.chance(self.weights.loops.reused):
            name = self.past_indices.pop(self.dice.below(len(self.past_indices)))
        return Variable(name or self.fresh(), INT32, bounds.interval, constant=True, stride=bounds.stride)

    @contextmanager
    def inside(self, index: Variable, trips: int) -> Iterator[None]:
        """What is drawn here stands in a loop that `index` counts, and that changes no variable of the scope."""
        self.loop_indices.append(index)
        self.loop_trips.append(trips)
        with self._inner():
            self.scope.add(index)
            yield
        self.loop_trips.pop()
        self.loop_indices.pop()
        self.past_indices.append(index.name)

    @staticmethod
    def over(index: Variable, bounds: Bounds, body: list[Statement]) -> Statement:
        """The loop itself."""
        return For(index.name, bounds.stop, (*body, *bounds.changed), bounds.start, bounds.step)

    def term(self, index: Variable, times: int) -> Typed:
        """What a loop adds `times` times: something that differs from one iteration to the next."""
        first = self.at_index(self.main, index)
        match self.dice.below(6):
            case 0 | 1:
                # of an array that all threads read, each thread takes something else
                scaled = self.is_shared(first) and self.dice.chance(60)
                value = self.product(first, self.own_element()) if scaled else first
            case 2:
                value = self.product(first, self.at_index(self.main, index))
            case 3:
                value = self.product(first, self.own_element())
            case 4:
                value = self.plus(first, self.expression(self.main, 1))
            case _:
                value = self.operation(self.main, self.dice.between(1, 2))
                if not self.mentions(value.node, index.name):
                    value = self.product(first, value)
        return self.share(value, times)

    def product(self, left: Typed, right: Typed) -> Typed:
        """The product of two; of two that are the same, the square."""
        return self.apply(OPS["mul"], self.main, [left, right])

    def share(self, value: Typed, times: int) -> Typed:
        """`value`, small enough to be added so many times."""
        scalar = value.type
        assert isinstance(scalar, Scalar)
        return self.fit(value, symmetric(rounded(REACH[scalar.notation] * HEADROOM / times, scalar)))

    @staticmethod
    def times(value: Interval, times: int) -> Interval:
        """Between which values a sum of up to so many terms lies."""
        return Interval(min(0.0, value.low * times), max(0.0, value.high * times))

    # ------------------------------------------------------------ over any range

    def summed(self, bounds: Bounds) -> list[Statement]:
        """``total += term``, at times under a condition, or with a local for the term."""
        total, begin = self.start(self.main, 0.0)
        index, trips = self.new_index(bounds), bounds.trips
        body: list[Statement] = []
        with self.inside(index, trips):
            value = self.term(index, trips)
            if self.dice.chance(20):
                body.append(self.define_as(value, mutable=False))
                value = self.variable(self.defined[-1])
            add: Statement = AugmentedAssign(total, self.dice.one_of(("add", "add", "add", "sub")), value.node)
            if self.dice.chance(25):
                other: tuple[Statement, ...] = ()
                if self.dice.chance(35):
                    less = self.term(index, trips)
                    other = (AugmentedAssign(total, "sub", less.node),)
                    value = value._replace(interval=value.interval.join(less.interval))
                add = If(self.index_test(index), (add,), other)
            body.append(add)
        reach = symmetric(value.interval.size * trips)
        return [
            begin,
            self.over(index, bounds, body),
            *self.leave_result(total, reach, value.live, self.is_dynamic(bounds)),
        ]

    def counted(self, bounds: Bounds) -> list[Statement]:
        """How many elements are of a kind, or the sum of whole numbers."""
        count, begin = self.start(INT32, 0)
        index = self.new_index(bounds)
        with self.inside(index, bounds.trips):
            if self.dice.chance(35) and index.interval.low >= 0:
                value = self.at_index(INT32, index)
                add: Statement = AugmentedAssign(count, "add", value.node)
                reach = self.times(value.interval, bounds.trips)
            else:
                add = If(self.hit(index), (AugmentedAssign(count, "add", whole(1)),))
                reach = Interval(0, bounds.trips)
        return [begin, self.over(index, bounds, [add]), *self.leave_result(count, reach, False, True)]

    def latest(self, bounds: Bounds) -> list[Statement]:
        """A local that each iteration sets anew, with what the last one left in it read after the loop."""
        if not isinstance(bounds.stop, Literal) and self.dice.chance(COUNTED):
            trips = max(2, bounds.trips)
            count = self.scalar_parameter(INT32, Interval(1, trips))
            count.used = True
            reach = Interval(0, trips - 1)
            bounds = Bounds(None, Name(INT32, count.name), None, trips, reach, bounds.name, bounds.changed)
        index, dynamic = self.new_index(bounds), self.is_dynamic(bounds)
        total, begin = self.start(self.main, 0.0)
        last = Name(self.main, self.fresh())
        with self.inside(index, bounds.trips):
            value = self.term(index, bounds.trips)
        body: list[Statement] = [Assign(last, changeable_value(value.node))]
        sums = self.dice.chance(50)
        if sums:
            body.append(AugmentedAssign(total, "add", last))
        loop = self.over(index, bounds, body)
        assert isinstance(loop, For)
        left: list[Statement] = [loop]
        if not certainly_runs(loop, self.parameters):
            left = [Assign(last, changeable_value(self._constant(self.main, self.dice.one_of((0.0, 1.0))))), loop]
        left += self.leave_result(last, value.interval.join(Interval(0, 1)), value.live, dynamic)
        if sums:
            reach = symmetric(value.interval.size * bounds.trips)
            left = [begin, *left, *self.leave_result(total, reach, value.live, dynamic)]
        return left

    def extreme(self, bounds: Bounds) -> list[Statement]:
        """The largest or smallest element, at times with its place."""
        index = self.new_index(bounds)
        place = Name(INT32, index.name)
        dynamic = self.is_dynamic(bounds)
        with self.inside(index, bounds.trips):
            value = self.at_index(self.main, index)
            body: list[Statement] = []
            if self.dice.chance(35):
                body.append(self.define_as(self.apart(value), mutable=False))
                value = self.variable(self.defined[-1])
        size = rounded(value.interval.size * 2, self.main)
        smallest = self.dice.chance(50)
        best, begin = self.start(self.main, min(size, 60.0) if smallest else -min(size, 60.0))
        reach = value.interval.join(symmetric(min(size, 60.0)))
        if self.dice.chance(45):
            taken = Apply(self.main, "min" if smallest else "max", (best, value.node))
            loop = self.over(index, bounds, [*body, Assign(best, taken)])
            return [begin, loop, *self.leave_result(best, reach, value.live, dynamic)]
        at, zero = self.start(INT32, self.dice.one_of((-1, 0)))
        test = Compare(BOOL, ("<" if smallest else ">",), (value.node, best))
        body.append(If(test, (Assign(best, value.node), Assign(at, place))))
        made = [begin, zero, self.over(index, bounds, body), self.store(self.output(INT32), Typed(at, Interval(0, 0)))]
        return [*made, *(self.leave_result(best, reach, value.live, dynamic) if self.dice.chance(60) else [])]

    def apart(self, value: Typed) -> Typed:
        """How far `value` is from an element of the thread's own: the magnitude, or the square."""
        other = self.own_element()
        gap = self.apply(OPS["sub"], self.main, [value, other])
        if self.dice.chance(50):
            return self.apply(OPS["abs"], self.main, [gap])
        return self.product(gap, gap)

    def iterated(self, bounds: Bounds) -> list[Statement]:
        """A recurrence: Horner's rule, an average that forgets, or steps towards something."""
        index, trips = self.new_index(bounds), bounds.trips
        dynamic = self.is_dynamic(bounds)
        if self.dice.chance(40):
            made, state, reach = self._horner(index, bounds)
            return [*made, *self.leave_result(state, reach, True, dynamic)]
        first = self.own_element()
        state, begin = self.start_at(first.node)
        with self.inside(index, trips):
            goal = self.at_index(self.main, index)
            if goal.live and self.dice.chance(30):
                goal = self.fit(self.apply(OPS["sin"], self.main, [goal]), Interval(-1.0, 1.0))
        rate = self._constant(self.main, self.dice.one_of(DAMPING))
        gap = Apply(self.main, "sub", (goal.node, state))
        step: Statement = AugmentedAssign(state, "add", Apply(self.main, "mul", (rate, gap)))
        if self.dice.chance(40):
            left = self._constant(self.main, 1.0 - rate.value) if isinstance(rate, Literal) else rate
            kept, more = Apply(self.main, "mul", (left, state)), Apply(self.main, "mul", (rate, goal.node))
            step = Assign(state, Apply(self.main, "add", (kept, more)))
        reach = first.interval.join(goal.interval)
        made = [begin, self.over(index, bounds, [step])]
        return [*made, *self.leave_result(state, reach, first.live or goal.live, dynamic)]

    def _horner(self, index: Variable, bounds: Bounds) -> tuple[list[Statement], Name, Interval]:
        """``p = p * x + coefficients[k]``."""
        at = self.fit(self.own_element(), Interval(-1.0, 1.0))
        made: list[Statement] = []
        if not isinstance(at.node, Element | Name):
            made.append(self.define_as(at, mutable=False))
            at = self.variable(self.defined[-1])
        state, begin = self.start(self.main, 0.0)
        with self.inside(index, bounds.trips):
            coefficient = self.at_index(self.main, index)
        step = Assign(state, Apply(self.main, "add", (Apply(self.main, "mul", (state, at.node)), coefficient.node)))
        made += [begin, self.over(index, bounds, [step])]
        return made, state, symmetric(coefficient.interval.size * bounds.trips)

    def stored(self, bounds: Bounds) -> list[Statement]:
        """A row of an output, element by element: of terms, or of the sums so far."""
        index, trips = self.new_index(bounds), bounds.trips
        if index.interval.low < 0:
            return self.summed(bounds)
        shape = (self.launch[0] if len(self.launch) == 1 else 0, int(index.interval.high) + 1)
        if not shape[0]:
            return self.summed(bounds)
        with self.inside(index, trips):
            value = self.term(index, trips)
        output = self.output(self.main, shape)
        target = Element(self.main, output.name, (*self.own_indices()[:1], Name(INT32, index.name)))
        if self.dice.chance(50):
            return [self.over(index, bounds, [Assign(target, value.node)])]
        total, begin = self.start(self.main, 0.0)
        add: Statement = AugmentedAssign(total, "add", value.node)
        store: Statement = Assign(target, total)
        body = [add, store] if self.dice.chance(65) else [store, add]
        return [begin, self.over(index, bounds, body)]

    def added(self, bounds: Bounds) -> list[Statement]:
        """Each iteration adds to a cell of its own, which all threads share: sums of columns, or a histogram."""
        index = self.new_index(bounds)
        if index.interval.low < 0:
            return self.summed(bounds)
        times = math.prod(self.launch) * bounds.trips
        with self.inside(index, bounds.trips):
            value = self.term(index, times)
            cells, cell = int(index.interval.high) + 1, Name(INT32, index.name)
            places: tuple[Expression, ...] = (cell,)
            if self.dice.chance(35):
                cells = self.dice.between(3, 5)
                bins = self.array(INT32, (int(index.interval.high) + 1,), Interval(0, cells - 1))
                places = (self.read(bins, cell).node,)
        output = self.output(self.main, shape=(cells,))
        return [self.over(index, bounds, [Atomic("atomic_add", output.name, places, value.node)])]

    def multiplied(self, bounds: Bounds) -> list[Statement]:
        """A product of factors near one, or of powers of one number."""
        factor, begin = self.start(self.main, 1.0)
        index, trips = self.new_index(bounds), bounds.trips
        with self.inside(index, trips):
            value = self.at_index(self.main, index)
            scaled = self.fit(value, symmetric(0.5))
            one = Typed(self._constant(self.main, 1.0), Interval(1.0, 1.0))
            change = self.apply(OPS["add" if self.dice.chance(50) else "sub"], self.main, [one, scaled])
        loop = self.over(index, bounds, [AugmentedAssign(factor, "mul", change.node)])
        reach = Interval(0.0, min(1.5**trips, 60.0)) if trips < 10 else None
        if reach is None:
            return self.iterated(bounds)
        return [begin, loop, *self.leave_result(factor, reach, value.live, self.is_dynamic(bounds))]

    def form_over(self, bounds: Bounds) -> list[Statement]:
        """One of the loops that people write, over a range."""
        # what a loop that Warp does not unroll carries over is not there for adjoints: people sum there
        few = 1 if self.is_dynamic(bounds) else 3
        forms: tuple[tuple[int, Callable[[Bounds], list[Statement]]], ...] = (
            (6, self.summed), (2, self.counted), (few, self.extreme), (few, self.iterated), (few, self.multiplied),
            (2, self.stored), (2, self.added), (2 if few > 1 else 4, self.latest),
        )  # fmt: skip
        return self.dice.weighted(forms)(bounds)
