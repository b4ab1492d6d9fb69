"""Loops of a kernel, each of which ends, with accumulators that stay in range whatever the number of trips."""

from __future__ import annotations

import math

from strategies.blocks import HEADROOM, rounded, whole
from strategies.expressions import Typed
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.limits import MAX_UNROLL
from strategies.language.nodes import (
    Apply,
    Assign,
    Break,
    Construct,
    Continue,
    Expression,
    Extent,
    For,
    If,
    Literal,
    Name,
    Statement,
)
from strategies.language.types import INT32, Array, Type, Vector
from strategies.ops import REACH
from strategies.scope import Variable
from strategies.updates import Updates
from strategies.weights import LONG_TRIPS, NESTED_TRIPS, SUMS, TRIPS, Statements


class Loops(Updates):
    """Draws loops."""

    def loop(self, weights: Statements, depth: int, leave: bool | None = None) -> list[Statement]:
        """A ``for`` loop that accumulates into variables defined before it."""
        before: list[Statement] = []
        if not self.changeable(self._has_room):
            of: Type = self.main
            if self.vectors and self.dice.chance(50):
                of = self.vector_type(self.main)
            before.append(self.accumulator(of))
        bounds, trips, interval = self._bounds()
        name = self.fresh()
        leaves = self.dice.chance(weights.leave * 10) if leave is None else leave
        dynamic = leaves or trips > MAX_UNROLL or any(b is not None and not isinstance(b, Literal) for b in bounds)
        entry = self.scope.snapshot()
        chosen = self._open_for_loop(trips)
        sums = dynamic and not self.sums and self.main.is_float and self.dice.chance(SUMS)
        if sums:
            self._keep_to_sums(chosen, entry)
        self.loop_trips.append(trips)
        with self._inner():
            mark = self.scope.mark()
            self.loop_indices.append(self.scope.add(Variable(name, INT32, interval, constant=True)))
            body = self._loop_body(weights, depth, leaves)
            body += self._use_up(mark + 1)
        self.loop_indices.pop()
        self.loop_trips.pop()
        self.sums = self.sums and not sums
        self._close_after_loop(chosen, entry)
        start, stop, step = bounds
        before.append(For(name, stop, tuple(body), start, step))
        return before

    def _has_room(self, variable: Variable) -> bool:
        """Whether a loop can add to `variable` without leaving its range."""
        most = REACH[self.main.notation] * HEADROOM
        return types.element_scalar(variable.type) is self.main and variable.interval.size <= most

    def accumulator(self, of: Type) -> Statement:
        """A variable to add to: mostly zero, at times a value."""
        if self.dice.chance(30):
            return self.define_as(self.fit_local(self.leaf(of)), mutable=True)
        scalar = types.element_scalar(of)
        start = self.literal(scalar, Interval(0, 1))
        if isinstance(of, Vector):
            start = Typed(Construct(of, (start.node,)), start.interval)
        return self.define_as(start, mutable=True)

    def _open_for_loop(self, trips: int) -> list[Variable]:
        """Give the variables that the body may change one interval for all iterations."""
        chosen = self.changeable()
        for variable in chosen:
            scalar = types.element_scalar(variable.type)
            if variable.budget is not None:
                continue  # what it may grow by is counted over all loops inside
            if scalar.kind == "uint":
                variable.interval = Interval(*scalar.limits)
                variable.base, variable.budget = float(scalar.limits[1]), math.inf
            else:
                reach = float(rounded(REACH[scalar.notation] * 2 * HEADROOM, scalar))
                variable.base = max(1.0, variable.interval.size)
                left = max(0.0, reach - variable.base)
                variable.budget = left / trips
                variable.interval = symmetric(max(reach, variable.base))
            variable.loop_depth = len(self.loop_trips) + 1
        return chosen

    def _close_after_loop(self, chosen: list[Variable], entry: dict[str, Variable]) -> None:
        for variable in chosen:
            before = entry[variable.name]
            if before.budget is None:
                variable.budget, variable.loop_depth = None, before.loop_depth

    def _keep_to_sums(self, chosen: list[Variable], entry: dict[str, Variable]) -> None:
        """Let the loop add to a few variables, which nothing but sums may read from now on."""
        self.sums = True
        roomiest = sorted(chosen, key=lambda v: -(v.budget or 0.0))
        for n, variable in enumerate(roomiest):
            if n < 2:
                variable.sum_only = True
            else:
                before = entry[variable.name]
                variable.interval, variable.base, variable.budget = (
                    before.interval,
                    before.base,
                    before.budget,
                )
                variable.loop_depth = before.loop_depth

    def _loop_body(self, weights: Statements, depth: int, leaves: bool) -> list[Statement]:
        body: list[Statement] = []
        if leaves and self.dice.chance(50):
            body.append(self._leave())
            leaves = False
        if self.dice.chance(30):
            body.append(self.define(depth - 1, mutable=False))
        added = self._accumulate(depth)
        if added is not None:
            body.append(added)
        if leaves:
            body.append(self._leave())
        if self.dice.chance(40) or not body:
            body += self.block(1, weights, depth - 1)
        return body or [self.define(depth - 1)]

    def _accumulate(self, depth: int) -> Statement | None:
        """``acc += expression``, or a minimum, a maximum, or a decaying sum."""
        floats = self.changeable(lambda v: v.type is self.main and not v.sum_only)
        if floats and self.dice.chance(20):
            variable = self.dice.one_of(floats)
            old = Name(self.main, variable.name)
            value = self.fit(self.expression(self.main, depth), self._range(self.main, variable.base))
            op = self.dice.one_of(("max", "min"))
            variable.used, variable.live = False, variable.live or value.live
            return Assign(old, Apply(self.main, op, (old, value.node)))
        return self.augment(depth)

    def _leave(self) -> Statement:
        """``if condition: break``, or ``continue``."""
        test = self.condition(1)
        return If(test.node, (Break() if self.dice.chance(50) else Continue(),))

    def _bounds(self) -> tuple[tuple[Expression | None, Expression, Expression | None], int, Interval]:
        """The bounds of a range, how often it runs at most, and between which values its index lies."""
        outer = math.prod(self.loop_trips)
        trips = self.dice.between(*TRIPS) if outer == 1 else 2
        most = max(2, NESTED_TRIPS // outer)
        trips = min(trips, most)
        match self.dice.below(10):
            case 3:
                start = self.dice.between(-2, 3)
                bounds = (whole(start), whole(start + trips), None)
                return bounds, trips, Interval(start, start + trips - 1)
            case 4:
                step = self.dice.between(2, 3)
                return (whole(0), whole(trips * step - 1), whole(step)), trips, Interval(0, (trips - 1) * step)
            case 5:
                return (whole(trips - 1), whole(-1), whole(-1)), trips, Interval(0, trips - 1)
            case 6:
                step = self.dice.between(2, 3)
                start = trips * step
                return (whole(start), whole(0), whole(-step)), trips, Interval(step, start)
            case 7 | 8:
                return self._parameter_bound(trips)
            case 9 if outer == 1:
                if self.dice.chance(35):
                    trips = self.dice.between(*LONG_TRIPS)
                    return (None, whole(trips), None), trips, Interval(0, trips - 1)
                return self._extent_bound(trips)
        return (None, whole(trips), None), trips, Interval(0, trips - 1)

    def _parameter_bound(
        self, trips: int
    ) -> tuple[tuple[Expression | None, Expression, Expression | None], int, Interval]:
        counts = [
            v
            for v in self.scope.of_type(INT32)
            if any(p.name == v.name for p in self.parameters) and v.interval.low >= 0 and v.interval.high <= trips
        ]
        if counts and self.dice.chance(70):
            count = self.dice.one_of(counts)
        else:
            count = self.scalar_parameter(INT32, Interval(self.dice.between(0, 1), trips))
        top = int(count.interval.high)
        count.used = True
        bound = Name(INT32, count.name)
        if self.dice.chance(20):
            return (bound, whole(0), whole(-1)), max(top, 1), Interval(1, max(top, 1))
        if self.dice.chance(20):
            return (whole(0), bound, whole(2)), max(top, 1), Interval(0, max(top - 1, 0))
        return (None, bound, None), max(top, 1), Interval(0, max(top - 1, 0))

    def _extent_bound(
        self, trips: int
    ) -> tuple[tuple[Expression | None, Expression, Expression | None], int, Interval]:
        """The length of a small array: the loop visits its elements."""
        small = [
            p
            for p in self.parameters
            if isinstance(p.type, Array) and not p.output and len(p.shape) == 1 and p.shape[0] <= 6
        ]
        if not small:
            small = [self.array(self.main, (trips,), self.input_interval(self.main))]
        chosen = self.dice.one_of(small)
        extent = chosen.shape[0]
        return (None, Extent(INT32, chosen.name, 0), None), extent, Interval(0, extent - 1)
