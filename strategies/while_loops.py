"""``while`` loops, bounds that only a run of the kernel knows, and the ways out of a loop."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from strategies.blocks import whole
from strategies.intervals import Interval, symmetric
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
    Cast,
    Compare,
    Continue,
    Element,
    Expression,
    For,
    If,
    Literal,
    Logical,
    Name,
    Statement,
    While,
    walk,
)
from strategies.language.rules import certainly_runs
from strategies.language.types import BOOL, INT32, Type, element_scalar
from strategies.loops import Bounds
from strategies.repertoire.while_forms import WhileForms
from strategies.scope import Variable
from strategies.typed import Typed
from strategies.weights import Statements

#: Of 100 local variables that bound a range, how many the body changes, which does not matter to the range.
CHANGED: Final = 12


class WhileLoops(WhileForms):
    """Draws loops that are less usual than a ``for`` over a few numbers."""

    # ------------------------------------------------------------ while

    def while_loop(self, weights: Statements, depth: int) -> list[Statement]:
        """A ``while`` loop that counts up or down, halves, or goes on as long as a value is large."""
        counts = self.counts
        self.counts = counts or (not self.loop_trips and self.counting)
        form = self.dice.below(8)
        before: list[Statement] = []
        residual = None
        if form == 7 and not self.counts:
            # drawn before the sums, which hold nothing as yet
            defined, residual = self._residual()
            before.append(defined)
        before += self._with_accumulator()
        outer = self.scope.mark()
        trips = self.dice.between(*self.weights.loops.trips) if not self.loop_trips else 2
        match form:
            case 4 | 5:
                made = self._count_down(weights, depth, trips)
            case 6:
                made = self._halve(weights, depth)
            case 7 if residual is not None:
                made = self._converge(weights, depth, trips, residual)
            case _:
                made = self._count_up(weights, depth, trips)
        if self.counts:
            self._hold_back(outer)
        self.counts = counts
        return before + made

    def _hold_back(self, outer: int) -> None:
        """Leave what a loop computed to sums: it is not there in the backward pass, for a factor or an index."""
        for n, variable in enumerate(self.scope):
            variable.sum_only |= n >= outer or (variable.mutable and self._open(variable))

    def _counter(self, start: Expression, interval: Interval) -> tuple[Statement, Variable]:
        """An int32 that a loop changes by itself."""
        name = self.fresh()
        first = Cast(INT32, start) if isinstance(start, Literal) else start
        return Assign(Name(INT32, name), first), self.scope.add(Variable(name, INT32, interval))

    def _count_up(self, weights: Statements, depth: int, trips: int) -> list[Statement]:
        """``k = int(0)``, ``while k < n``, with ``k += 1`` at the end of the body or at its beginning."""
        first = self.dice.weighted(((9, 0), (2, 1), (1, -2)))
        step = self.dice.weighted(((8, 1), (2, 2), (1, 3)))
        bound = self.stop_of_loop(max(trips, first + 2 * step + 1))
        most = int(bound.interval.high)
        trips = max(1, -((first - most) // step))
        start, counter = self._counter(whole(first), Interval(first, first))
        early = self.dice.chance(25)
        reached = Interval(first + step, most - 1 + step) if early else Interval(first, most - 1)
        counter.interval, counter.stride = Interval(reached.low, max(reached)), step
        name = Name(INT32, counter.name)
        update = AugmentedAssign(name, "add", whole(step))
        if self.dice.chance(30):
            update = Assign(name, Apply(INT32, "add", (name, whole(step))))  # type: ignore[assignment]
        operator, test = "<", bound.node
        if self.dice.chance(20) and isinstance(bound.node, Literal):
            operator, test = "<=", whole(most - 1)
        body = self._while_body(weights, depth, trips, counter, update, early)
        counter.interval = Interval(first, max(first, most - 1 + step))
        return [start, While(Compare(BOOL, (operator,), (name, test)), body)]

    def _count_down(self, weights: Statements, depth: int, trips: int) -> list[Statement]:
        """``k = n``, ``while k > 0``, with ``k -= 1``."""
        bound = self.stop_of_loop(trips)
        most = max(1, int(bound.interval.high))
        start, counter = self._counter(bound.node, Interval(1, most))
        early = self.dice.chance(40)
        if early:
            counter.interval = Interval(0, most - 1)
        name = Name(INT32, counter.name)
        update = AugmentedAssign(name, "sub", whole(1))
        body = self._while_body(weights, depth, most, counter, update, early)
        counter.interval = Interval(min(0, bound.interval.low), most)
        return [start, While(Compare(BOOL, (">",), (name, whole(0))), body)]

    def _halve(self, weights: Statements, depth: int) -> list[Statement]:
        """``k = int(12)``, ``while k > 1``, with ``k = k // 2``."""
        most = self.dice.one_of((8, 16, 6, 12, 20, 24))
        start, counter = self._counter(whole(most), Interval(2, most))
        name = Name(INT32, counter.name)
        halved = Apply(INT32, self.dice.one_of(("floordiv", "div")), (name, whole(2)))
        if self.dice.chance(30):
            halved = Apply(INT32, "rshift", (name, whole(1)))
        body = self._while_body(weights, depth, most.bit_length() - 1, counter, Assign(name, halved), False)
        # not 1 alone: a break may leave at any time
        counter.interval = Interval(1, most)
        return [start, While(Compare(BOOL, (">",), (name, whole(1))), body)]

    def _residual(self) -> tuple[Statement, Variable]:
        """What is left at first: the magnitude of something that an input tells."""
        size = self.expression(self.main, 1)
        if size.interval.is_point or not any(isinstance(part, Element) for part in walk(size.node)):
            size = self.own_element()
        size = self.fit(size, symmetric(8.0))
        value = Typed(Apply(self.main, "abs", (size.node,)), Interval(0, size.interval.size), size.live)
        defined = self.define_as(value, mutable=False)
        residual = self.defined[-1]
        residual.used = True
        return defined, residual

    def _converge(self, weights: Statements, depth: int, trips: int, residual: Variable) -> list[Statement]:
        """``while r > 0.5 and k < 6``, with ``r *= 0.5``: the usual guard around an iteration."""
        start, counter = self._counter(whole(0), Interval(0, trips - 1))
        name, left = Name(INT32, counter.name), Name(self.main, residual.name)
        shrink: Statement = AugmentedAssign(left, "mul", self._constant(self.main, self.dice.one_of((0.5, 0.25))))
        if self.dice.chance(30):
            shrink = AugmentedAssign(left, "sub", self._constant(self.main, 0.75))
            residual.interval = Interval(-0.75, residual.interval.high)
        limit = self._constant(self.main, self.dice.one_of((0.5, 0.125, 1.0)))
        large = Compare(BOOL, (">",), (left, limit))
        again = Compare(BOOL, ("<",), (name, whole(trips)))
        tests = (again, large) if self.dice.chance(50) else (large, again)
        update = AugmentedAssign(name, "add", whole(1))
        body = self._while_body(weights, depth, trips, counter, update, False)
        counter.interval = Interval(0, trips)
        return [start, While(Logical(BOOL, "and", tests), (*body[:-1], shrink, body[-1]))]

    def _while_body(
        self, weights: Statements, depth: int, trips: int, counter: Variable, update: Statement, early: bool
    ) -> tuple[Statement, ...]:
        """The statements of a ``while`` loop; its counter changes first or last, and before every ``continue``."""

        def draw() -> list[Statement]:
            body: list[Statement] = []
            leaves = weights.leave and self.dice.chance(self.features.percent("leave", weights.leave * 10))
            if leaves:
                body.append(self._way_out(counter, update, early))
            if self.dice.chance(15):
                body.append(self.define(depth - 1, mutable=False))
            body += self._added(depth, counter) or [self.define(depth - 1)]
            if self.dice.chance(35):
                body += self.block(1, weights, depth - 1)
            return body

        body = self._inside_loop(trips, True, draw, counter)
        return (update, *body) if early else (*body, update)

    def _way_out(self, counter: Variable, update: Statement, early: bool) -> Statement:
        """``if condition: break``, or ``continue``, which counts too."""
        if self.dice.chance(50):
            return If(self.index_test(counter, ends=True), (Break(),))
        test = self.index_test(counter)
        return If(test, (Continue(),) if early else (update, Continue()))

    # ------------------------------------------------------------ bounds that only a run knows

    def stop_of_loop(self, trips: int) -> Typed:
        """An int32 of up to `trips`: a literal, a parameter, an array's length or element, a thread's index."""
        match self.dice.below(8):
            case 2 | 3:
                count = self.scalar_parameter(INT32, Interval(self.dice.between(0, 1), trips))
                return self.variable(count)
            case 4:
                found = self._extent_bound(trips)
                return Typed(found.stop, Interval(found.trips, found.trips))
            case 5 | 6:
                return self._count_from_array(trips)
            case 7:
                return self._small_index(trips)
        return Typed(whole(trips), Interval(trips, trips))

    def _count_from_array(self, trips: int) -> Typed:
        """An element of an array of counts."""
        fitting = [p for p in self.readable(INT32) if p.low >= 0 and p.high <= trips and len(p.shape) == 1]
        if fitting and self.dice.chance(60):
            counts = self.dice.one_of(fitting)
        else:
            counts = self.array(INT32, (self.launch[0],), Interval(0, trips))
        index = self.index(counts.shape[0])
        return Typed(Element(INT32, counts.name, (index,)), Interval(counts.low, counts.high))

    def _small_index(self, trips: int) -> Typed:
        """The thread's index, or the index of the loop around, held below `trips`."""
        around = [v for v in (*self.loop_indices[-1:], *self.indices) if v.interval.low >= 0]
        chosen = self.dice.one_of(around)
        name = Name(INT32, chosen.name)
        if chosen.interval.high <= trips:
            return Typed(name, chosen.interval)
        node = Apply(INT32, "mod", (name, whole(trips + 1)))
        if self.dice.chance(30):
            node = Apply(INT32, "min", (name, whole(trips)))
        return Typed(node, Interval(0, trips))

    def dynamic_loop(self, weights: Statements, depth: int) -> list[Statement]:
        """A ``for`` loop whose bounds only a run of the kernel knows."""
        before, bounds = self._dynamic_bounds()
        # the index is read after some loops: what it then is must be what the loop made it
        steady = replace(weights, reindex=0)
        return before + self._with_target(
            bounds,
            lambda given: self.loop(steady if given.name else weights, depth, leave=False, bounds=given),
        )

    def _with_target(self, bounds: Bounds, draw: Callable[[Bounds], list[Statement]]) -> list[Statement]:
        """The loop that `draw` draws, at times one whose target has a value before it that is read after it: if no
        iteration runs, the target keeps it."""
        if self.loop_trips or not self.dice.chance(self.weights.loops.target):
            return draw(bounds)
        first = self.dice.between(-1, 4)
        name, begin = self.start(INT32, first)
        made = draw(bounds._replace(name=name.name))
        self.past_indices = [past for past in self.past_indices if past != name.name]
        reach = bounds.interval.join(Interval(first, first))
        return [begin, *made, *self.leave_result(name, reach, False, True)]

    def _dynamic_bounds(self) -> tuple[list[Statement], Bounds]:
        """The bounds of such a loop, and what they need before it."""
        trips = self.dice.between(*self.weights.loops.trips) if not self.loop_trips else 2
        stop = self.stop_of_loop(trips)
        if isinstance(stop.node, Literal):
            stop = self.variable(self.scalar_parameter(INT32, Interval(0, trips)))
        before: list[Statement] = []
        changed: tuple[Statement, ...] = ()
        if self.dice.chance(self.weights.loops.local_bounds):
            # a range is evaluated once: what becomes of its bound does not matter to it
            start, local = self._counter(stop.node, stop.interval)
            before.append(start)
            stop = Typed(Name(INT32, local.name), stop.interval)
            if self.dice.chance(CHANGED):
                changed = (AugmentedAssign(Name(INT32, local.name), self.dice.one_of(("sub", "add")), whole(1)),)
                local.interval = Interval(stop.interval.low - trips, stop.interval.high + trips)
        return before, self._range_up_to(stop)._replace(changed=changed)

    def _range_up_to(self, stop: Typed) -> Bounds:
        """A range one end of which is `stop`, a value from zero on."""
        low, high = int(stop.interval.low), int(stop.interval.high)
        most, below = max(1, high), Interval(0, max(0, high - 1))
        match self.dice.below(9):
            case 3:
                more = Apply(INT32, "add", (stop.node, whole(1)))
                return Bounds(None, more, None, high + 1, Interval(0, high))
            case 4:
                return Bounds(whole(1), stop.node, None, max(1, high - 1), Interval(1, max(1, high - 1)))
            case 5:
                return Bounds(stop.node, whole(0), whole(-1), most, Interval(1, most))
            case 6:
                last = Apply(INT32, "sub", (stop.node, whole(1)))
                return Bounds(last, whole(-1), whole(-1), most, below)
            case 7:
                step = self.variable(self.scalar_parameter(INT32, Interval(1, 3)))
                return Bounds(whole(0), stop.node, step.node, most, below)
            case 8:
                # behind all that it may be, so that some iterations are left
                top = high + self.dice.between(1, 3)
                return Bounds(stop.node, whole(top), None, max(1, top - low), Interval(low, top - 1))
        return Bounds(None, stop.node, None, most, below)

    def form_of_loop(self) -> list[Statement]:
        """One of the ``for`` loops that people write, with constant bounds, or a parameter's or an array's."""
        if self.dice.chance(45):
            forms = ((3, self.others), (2, self.pairs), (3, self.rows), (2, self.window))
            return self.dice.weighted(forms)()
        return self.form_over(self._bounds())

    def form_of_dynamic_loop(self) -> list[Statement]:
        """One of the ``for`` loops that people write, with bounds that only a run knows."""
        if self.dice.chance(55):
            forms = ((6, self.segment), (4, self.onwards), (1, self.pairs))
            return self.dice.weighted(forms)()
        before, bounds = self._dynamic_bounds()
        return [*before, *self._with_target(bounds, self.form_over)]

    @abstractmethod
    def result(self, of: Type, depth: int) -> Typed:
        """An expression of type `of` that uses every local that nothing has used so far."""

    def end_with_result(self) -> Iterator[Statement]:
        """A store of what the loops left: of one value as it is at times, or of an expression with all of them."""
        left = [v for v in self.scope if not v.used and v in self.defined]
        if len(left) == 1 and left[0].type is self.main and left[0].live and self.dice.chance(60):
            yield self.store(self.output(self.main), self.variable(left[0]))
        elif left or not any(p.output and element_scalar(p.type).is_float for p in self.parameters):
            yield self.store(self.output(self.main), self.result(self.main, self.dice.between(0, 1)))

    # ------------------------------------------------------------ exits

    def exit_loop(self, weights: Statements, depth: int, certain: bool) -> list[Statement]:
        """A constant loop, most often with a way out, or `certain` to have one and to run."""
        bounds = self._edge_bounds(self.past_indices, certain)
        made = self.loop(weights, depth, leave=certain or self.dice.chance(80), bounds=bounds)
        loop = made[-1]
        assert isinstance(loop, For)
        self.past_indices.append(loop.name)
        if certainly_runs(loop) and self.dice.chance(self.weights.loops.read):
            made.append(self._read_index(bounds, loop.name))
        return made

    def _edge_bounds(self, names: list[str], runs: bool) -> Bounds:
        """A constant range near the number of trips up to which Warp unrolls, or a strided, reversed or empty one."""
        nested = bool(self.loop_trips)
        trips = 2 if nested else self.dice.one_of(self.weights.loops.edge if self.dice.chance(35) else range(3, 7))
        step = self.dice.one_of((1, 1, 1, 2, 3, -1, -1, -2))
        first = self.dice.one_of((0, 0, 0, 1, -3, 5))
        last = first + (trips - 1) * step
        # any end between the last value and the one that would come after it
        end = last + (1 + self.dice.below(step) if step > 0 else -1 - self.dice.below(-step))
        if not nested and not runs and self.dice.chance(3 * self.weights.loops.empty):
            return self.empty_range()
        interval = Interval(min(first, last), max(first, last))
        start = None if first == 0 and step == 1 and self.dice.chance(70) else whole(first)
        stride = None if step == 1 and (start is None or self.dice.chance(80)) else whole(step)
        name = self.dice.one_of(names) if names and not nested and self.dice.chance(self.weights.loops.reused) else None
        return Bounds(start, whole(end), stride, trips, interval, name)

    def _read_index(self, bounds: Bounds, name: str) -> Statement:
        """A local from the index of a loop that has ended, which holds its last value."""
        return self.define_as(self.convert(Typed(Name(INT32, name), bounds.interval), self.main), mutable=False)
