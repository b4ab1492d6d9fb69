"""Loops with ways out that are taken: the first hit, elements that are passed over, limits that are reached."""

from __future__ import annotations

from collections.abc import Callable

from strategies.blocks import whole
from strategies.intervals import Interval, symmetric
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
    Compare,
    Continue,
    Element,
    Extent,
    For,
    If,
    Literal,
    Name,
    Parameter,
    Return,
    Statement,
)
from strategies.language.rules import certainly_runs
from strategies.language.types import BOOL, INT32
from strategies.loops import Bounds
from strategies.ops import OPS
from strategies.repertoire.segment_forms import SegmentForms
from strategies.typed import Typed


class ExitForms(SegmentForms):
    """Draws loops that some threads leave before their end."""

    def empty_range(self) -> Bounds:
        """A constant range in which nothing is: its body is compiled, and never run."""
        last = self.dice.between(2, 5)
        first, end, step = self.dice.one_of(
            ((0, 0, 1), (last, last, 1), (last, 0, 1), (last, 1, 2), (0, last, -1), (1, last, -2))
        )
        plain = first == 0 and step == 1
        start, stride = None if plain else whole(first), None if step == 1 else whole(step)
        return Bounds(start, whole(end), stride, 1, Interval(min(first, end), max(first, end)))

    def searched(self) -> Bounds:
        """A range that is worth leaving early: of four trips or more, or of as many as a parameter or an array says."""
        if self.dice.chance(self.weights.loops.empty):
            return self.empty_range()
        trips = self.dice.between(4, 6)
        match self.dice.below(8):
            case 0:
                count = self.scalar_parameter(INT32, Interval(3, trips))
                count.used = True
                return Bounds(None, Name(INT32, count.name), None, trips, Interval(0, trips - 1))
            case 1:
                values = self.array(self.main, (trips,), self.input_interval(self.main))
                return Bounds(None, Extent(INT32, values.name, 0), None, trips, Interval(0, trips - 1))
            case 2:
                return Bounds(whole(trips - 1), whole(-1), whole(-1), trips, Interval(0, trips - 1))
            case 3 | 4 | 5:
                trips = self.dice.one_of(self.weights.loops.edge)
            case 6:
                # up or down to what the thread's own number says: empty for some threads
                own = self.own_element(INT32) if self.dice.chance(40) else self.new_element(Interval(-1, trips), INT32)
                if own.interval.low >= -8 and own.interval.high <= 8:
                    return self._from_or_to(own, trips)
        return Bounds(None, whole(trips), None, trips, Interval(0, trips - 1))

    def _from_or_to(self, own: Typed, trips: int) -> Bounds:
        """A range that ends before a number of the thread's own, or begins with one that lies below `trips`."""
        low, high = int(own.interval.low), int(own.interval.high)
        if self.dice.chance(50) or low < 0:
            return Bounds(None, own.node, None, max(1, high), Interval(0, max(0, high - 1)))
        return Bounds(own.node, whole(trips), None, max(1, trips - low), Interval(low, max(low, trips - 1)))

    def first_hit(self, bounds: Bounds) -> list[Statement]:
        """Where the first element is that passes a test: ``found = j``, ``break``."""
        found, begin = self.start(INT32, self.dice.one_of((-1, -1, -1, 0)))
        index = self.new_index(bounds)
        name = Name(INT32, index.name)
        with self.inside(index, bounds.trips):
            test = self.hit(index)
        loop = self.over(index, bounds, [If(test, (Assign(found, name), Break()))])
        assert isinstance(loop, For)
        if certainly_runs(loop, self.parameters) and self.dice.chance(self.weights.loops.read):
            # the index says it, after the loop
            ended = self.over(index, bounds, [If(test, (Break(),))])
            return [ended, *self.leave_result(name, bounds.interval, False, True)]
        made = [begin, loop]
        values = self._line_of(int(bounds.interval.high) + 1) if self.dice.chance(20) else None
        if values is not None:
            first, other = self.read(values, found), self.own_element()
            known = Compare(BOOL, (">=",), (found, whole(0)))
            output = self.output(self.main)
            return [*made, If(known, (self.store(output, first),), (self.store(output, other),))]
        reach = Interval(-1, bounds.interval.high)
        return [*made, *self.leave_result(found, reach, False, True)]

    def _line_of(self, extent: int) -> Parameter | None:
        """A float input of one dimension that is long enough."""
        fitting = [p for p in self.readable(self.main) if len(p.shape) == 1 and p.shape[0] >= extent]
        return self.dice.one_of(fitting) if fitting else None

    def returned(self, bounds: Bounds) -> list[Statement]:
        """The thread ends at the first hit, after it stored where that was, or a value of it."""
        index = self.new_index(bounds)
        name = Name(INT32, index.name)
        of = self.main if self.early_output is not None and self.dice.chance(45) else INT32
        output = self.early_output if of is self.main else self.output(INT32)
        assert output is not None
        with self.inside(index, bounds.trips):
            test = self.hit(index)
            value = self.at_index(self.main, index).node if of is self.main else name
        target = Element(of, output.name, self.own_indices())
        loop = self.over(index, bounds, [If(test, (Assign(target, value), Return()))])
        return [loop] if of is self.main else [loop, Assign(target, whole(-1))]

    def limited(self, bounds: Bounds) -> list[Statement]:
        """A sum, of whole numbers most often, that ends the loop when it is large enough."""
        index, trips = self.new_index(bounds), bounds.trips
        of = self.main if self.dice.chance(20) else INT32
        total, begin = self.start(of, 0)
        with self.inside(index, trips):
            if of is self.main:
                value = self.share(self.term(index, trips), trips)
                value = self.share(self.apply(OPS["abs"], of, [value]), trips)
            else:
                head = self.own_indices()[:1] if self.dice.chance(70) else ()
                shape = (*self.launch[: len(head)], int(index.interval.high) + 1)
                counts = self.array(INT32, shape, Interval(0, self.dice.between(3, 5)))
                value = self.read(counts, *head, Name(INT32, index.name))
        high = value.interval.high
        limit = self.literal(of, Interval(high, high * min(trips, 4) / 2 if of is self.main else high * 2))
        add: Statement = AugmentedAssign(total, "add", value.node)
        leave = If(Compare(BOOL, (self.dice.one_of((">", ">=")),), (total, limit.node)), (Break(),))
        body = [add, leave] if self.dice.chance(60) else [leave, add]
        if self.dice.chance(30):
            body = [If(self.index_test(index), (add,)), leave]
        reach = Interval(0.0, high * trips)
        return [begin, self.over(index, bounds, body), *self.leave_result(total, reach, value.live, True)]

    def passed_over(self, bounds: Bounds) -> list[Statement]:
        """A sum of elements without those that a test names, or fails; another test ends it at times."""
        index, trips = self.new_index(bounds), bounds.trips
        whole_numbers = self.dice.chance(35)
        total, begin = self.start(INT32 if whole_numbers else self.main, 0)
        breaks = self.dice.chance(30)
        with self.inside(index, trips):
            skip = If(self.hit(index), (Continue(),))
            if self.dice.chance(35):
                one = whole(1) if whole_numbers else Literal(self.main, 1.0)
                skip = If(skip.test, (AugmentedAssign(total, "add", one),), (Continue(),))
            body: list[Statement] = [skip]
            if breaks:
                body.append(If(self.index_test(index, ends=True), (Break(),)))
                if self.dice.chance(40):
                    body.reverse()
            value = self.at_index(INT32, index) if whole_numbers else self.term(index, trips)
        body.append(AugmentedAssign(total, "add", value.node))
        reach = symmetric((value.interval.size + 1) * trips)
        dynamic = self.is_dynamic(bounds, breaks) or whole_numbers
        return [begin, self.over(index, bounds, body), *self.leave_result(total, reach, value.live, dynamic)]

    def run(self, bounds: Bounds) -> list[Statement]:
        """How long a run of elements is that pass a test, the loop ending in an ``else``; or a sum over that run."""
        index, trips = self.new_index(bounds), bounds.trips
        sums = self.dice.chance(25)
        total, begin = self.start(self.main if sums else INT32, 0)
        with self.inside(index, trips):
            test = self.hit(index)
            value = self.term(index, trips) if sums else Typed(whole(1), Interval(1, 1))
        add = AugmentedAssign(total, "add", value.node)
        loop = self.over(index, bounds, [If(test, (add,), (Break(),))])
        reach = symmetric(value.interval.size * trips)
        return [begin, loop, *self.leave_result(total, reach, value.live, True)]

    def inner_exit(self) -> list[Statement]:
        """A loop in a loop: the inner one ends at a hit, and the outer one goes on; or it ends too."""
        height, width = self.dice.between(2, 4), self.dice.between(3, 5)
        outer = self.new_index(Bounds(None, whole(height), None, height, Interval(0, height - 1)))
        inner = self.new_index(Bounds(None, whole(width), None, width, Interval(0, width - 1)))
        row, column = Name(INT32, outer.name), Name(INT32, inner.name)
        head = self.own_indices()[:1] if self.dice.chance(40) else ()
        grid = self.array(self.main, (*self.launch[: len(head)], height, width), self.input_interval(self.main))
        count, begin = self.start(INT32, 0)
        value = self.read(grid, *head, row, column)
        own = self.dice.chance(30 if head else 85)
        other = self.own_element() if own else self._middle(value, self.main)
        test = Compare(BOOL, (self.dice.one_of((">", "<")),), (value.node, other.node))
        step = AugmentedAssign(count, "add", whole(1) if self.dice.chance(60) else column)
        leave: tuple[Statement, ...] = (step, Break()) if self.dice.chance(40) else (Break(),)
        body: list[Statement] = [If(test, leave)]
        if len(leave) == 1:
            body.append(step)
        outside: list[Statement] = [For(inner.name, whole(width), tuple(body))]
        if self.dice.chance(30):
            enough = Compare(BOOL, (">",), (count, whole(self.dice.between(2, 4))))
            outside.append(If(enough, (Break(),)))
        loop = For(outer.name, whole(height), tuple(outside))
        return [begin, loop, *self.leave_result(count, Interval(0, height * width * width), False, True)]

    def settled_loop(self) -> list[Statement]:
        """An iteration with a bound on its steps, which ends when it hardly moves."""
        steps = self.dice.between(5, 8)
        index = self.new_index(Bounds(None, whole(steps), None, steps, Interval(0, steps - 1)))
        goal, first = self.own_element(), self.own_element()
        if goal.node == first.node:
            first = self.element_of(self.array(self.main, self.launch_shape(), self.input_interval(self.main)))
        state, begin = self.start_at(first.node)
        change = Name(self.main, self.fresh())
        rate = self._constant(self.main, self.dice.one_of((0.5, 0.25)))
        gap = Apply(self.main, "sub", (goal.node, state))
        small = self._constant(self.main, self.dice.one_of((0.25, 0.125, 0.0625)))
        body: list[Statement] = [
            Assign(change, Apply(self.main, "mul", (rate, gap))),
            If(Compare(BOOL, ("<",), (Apply(self.main, "abs", (change,)), small)), (Break(),)),
            AugmentedAssign(state, "add", change),
        ]
        made: list[Statement] = [begin]
        if self.dice.chance(40):
            count, zero = self.start(INT32, 0)
            body.append(AugmentedAssign(count, "add", whole(1)))
            made += [zero, For(index.name, whole(steps), tuple(body))]
            made += [self.store(self.output(INT32), Typed(count, Interval(0, steps)))]
        else:
            made.append(For(index.name, whole(steps), tuple(body)))
        return [*made, *self.leave_result(state, first.interval.join(goal.interval), True, True)]

    def exit_form(self) -> list[Statement]:
        """One of the loops that some threads leave early."""
        own: tuple[tuple[int, Callable[[], list[Statement]]], ...] = (
            (4, self.inner_exit), (3, lambda: self.others(skips=True)), (2, self.settled_loop),
        )  # fmt: skip
        form = self.dice.weighted(((5, None), *own)) if self.dice.chance(50) else None
        if form is not None:
            return form()
        made = self.dice.weighted(
            ((5, self.first_hit), (4, self.returned), (4, self.limited), (5, self.passed_over), (2, self.run))
        )
        return made(self.searched())
