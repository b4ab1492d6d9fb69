"""Loops of a kernel, each of which ends, with accumulators that stay in range whatever the number of trips."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from strategies.blocks import HEADROOM, rounded, whole
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
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
    Return,
    Statement,
    Unpack,
    names_in,
    walk,
)
from strategies.language.types import BOOL, INT32, Array, Scalar, Type, Vector
from strategies.ops import REACH
from strategies.scope import Variable
from strategies.typed import Typed
from strategies.updates import Updates
from strategies.weights import Statements

#: Of 100 variables that a loop adds to, how many begin with something else than zero.
STARTED: Final = 20
#: Of 100 bodies of loops, how many add an element at the index; the others add what is drawn.
VISITS: Final = 50
#: Of 100 arrays that a loop visits, how many have a row for each thread.
ROWS: Final = 60
#: Of 100 loops whose index begins below zero, how many read an element for each value of it; the others take the index
#: for a number.  Of those whose index begins at one, how many read the first element too; the others pass it over.
MOVED_UP: Final = 70
MOVED_DOWN: Final = 60
#: Of 100 tests that leave a loop, or pass an iteration over, how many are of the index and not of what it finds.
ENDED_BY_PLACE: Final = 6
PASSED_BY_PLACE: Final = 20
#: Of 100 ranges that are to be longer than most, or as long as an array, how many are about as long as the last that
#: Warp unrolls.
EDGES: Final = 65
#: Between which values a sum lies before anything is added to it.
NOTHING: Final = Interval(0, 0)


class Bounds(NamedTuple):
    """A range: how often it runs at most, and between which values its index lies."""

    start: Expression | None
    stop: Expression
    step: Expression | None
    trips: int
    interval: Interval
    #: the index's name, if it is not a new one
    name: str | None = None
    #: statements at the end of the body that change what the bounds were made of
    changed: tuple[Statement, ...] = ()

    @property
    def stride(self) -> int:
        """How far apart the values of the index are; one if only a run knows."""
        return abs(int(self.step.value)) if isinstance(self.step, Literal) else 1


class Loops(Updates):
    """Draws loops."""

    #: whether loops visit arrays that all threads read, as segments of one are
    shared = False

    def begin(self) -> None:
        """Set up what loops need."""
        super().begin()
        #: the names of the indices of loops that have ended
        self.past_indices: list[str] = []

    def loop(
        self, weights: Statements, depth: int, leave: bool | None = None, bounds: Bounds | None = None
    ) -> list[Statement]:
        """A ``for`` loop that accumulates into variables defined before it."""
        before = self._with_accumulator()
        bounds = bounds or self._bounds()
        name = bounds.name or self.fresh()
        leaves = self.dice.chance(self.features.percent("leave", weights.leave * 10)) if leave is None else leave
        parts = (bounds.start, bounds.stop, bounds.step)
        dynamic = (
            leaves or bounds.trips > self.max_unroll or any(b is not None and not isinstance(b, Literal) for b in parts)
        )
        index = Variable(name, INT32, bounds.interval, constant=True, stride=bounds.stride)

        def draw() -> list[Statement]:
            self.scope.add(index)
            return self._loop_body(weights, depth, leaves, index)

        body = self._inside_loop(bounds.trips, dynamic, draw, index)
        before.append(For(name, bounds.stop, (*body, *bounds.changed), bounds.start, bounds.step))
        return before

    def _with_accumulator(self) -> list[Statement]:
        """What a loop needs before it: a variable to add to, if there is none."""
        if self.changeable(self._has_room):
            return []
        of: Type = INT32 if self.counts else self.main
        if self.vectors and not self.counts and self.dice.chance(50):
            of = self.vector_type(self.main)
        return [self.accumulator(of)]

    def _inside_loop(
        self,
        trips: int,
        dynamic: bool,
        draw: Callable[[], list[Statement]],
        index: Variable | None,
    ) -> tuple[Statement, ...]:
        """The body that `draw` draws, for a loop of up to `trips` trips that `index` counts."""
        entry = self.scope.snapshot()
        chosen = self._open_for_loop(trips)
        zeros = [v for v in chosen if entry[v.name].interval == NOTHING and entry[v.name].budget is None]
        for variable in zeros:
            # nothing would come of reading it first
            variable.used = True
        sums = dynamic and not self.sums and self.main.is_float and self.dice.chance(self.weights.loops.sums)
        if sums:
            self._keep_to_sums(chosen, entry)
        self.loop_trips.append(trips)
        self.loop_indices += [index] if index is not None else []
        with self._inner():
            mark = self.scope.mark()
            body = draw()
            body += self._use_up(mark)
            if index is not None:
                body += self._begun(zeros, body, index)
        if index is not None:
            self.loop_indices.pop()
        self.loop_trips.pop()
        self.sums = self.sums and not sums
        changed = self._close_after_loop(chosen, entry, trips, body)
        for variable in zeros:
            # what came of it is there to be read
            variable.used = variable.name not in changed
        return tuple(body)

    def _begun(self, zeros: list[Variable], body: list[Statement], index: Variable) -> list[Statement]:
        """Sums into the variables that begin with zero and that `body` reads, scales or adds to themselves alone."""
        more: list[Statement] = []
        for variable in zeros:
            if any(self.mentions(s, variable.name) for s in body) and not self._gives(body, variable.name):
                added = self._add_at(index, variable)
                more += [added] if added is not None else []
        return more

    def _gives(self, body: list[Statement], name: str) -> bool:
        """Whether statements in `body` change the variable `name` by something else than itself."""
        return any(
            isinstance(node, Assign | AugmentedAssign)
            and not (isinstance(node, AugmentedAssign) and node.operator in ("mul", "div"))
            and self.mentions(node.target, name)
            and not self.mentions(node.value, name)
            for statement in body
            for node in walk(statement)
        )

    def _has_room(self, variable: Variable) -> bool:
        """Whether a loop can add to `variable` without leaving its range."""
        of = INT32 if self.counts else self.main
        return types.element_scalar(variable.type) is of and variable.interval.size <= REACH[of.notation] * HEADROOM

    def accumulator(self, of: Type) -> Statement:
        """A variable to add to: mostly zero, at times a value."""
        if self.dice.chance(STARTED):
            return self.define_as(self.fit_local(self.leaf(of)), mutable=True)
        scalar = types.element_scalar(of)
        start = Typed(self._constant(scalar, 0), Interval(0, 0))
        if isinstance(of, Vector):
            start = Typed(self.filled(of, start.node), start.interval)
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
                reach = self._reach(scalar)
                variable.base = max(1.0, variable.interval.size)
                variable.budget = max(0.0, reach - variable.base) / trips
                variable.interval = symmetric(max(reach, variable.base))
            variable.loop_depth = len(self.loop_trips) + 1
        return chosen

    @staticmethod
    def _reach(scalar: Scalar) -> float:
        """What a variable that a loop changes may grow to."""
        return float(rounded(REACH[scalar.notation] * 2 * HEADROOM, scalar))

    def _close_after_loop(
        self, chosen: list[Variable], entry: dict[str, Variable], trips: int, body: list[Statement]
    ) -> set[str]:
        """Take the budgets back: no variable has grown by more than what was spent of its own in every iteration.

        The names of what the loop changed.
        """
        changed = names_in(
            target
            for statement in body
            for node in walk(statement)
            if isinstance(node, Assign | AugmentedAssign | Unpack)
            for target in (node.targets if isinstance(node, Unpack) else (node.target,))
        )
        for variable in chosen:
            before = entry[variable.name]
            if before.budget is not None:
                continue
            if variable.name not in changed:
                variable.interval, variable.budget, variable.loop_depth = before.interval, None, before.loop_depth
                continue
            scalar = types.element_scalar(variable.type)
            if variable.budget is not None and scalar.kind != "uint":
                spent = max(0.0, self._reach(scalar) - variable.base) - variable.budget * trips
                variable.interval = symmetric(min(variable.interval.size, variable.base + max(0.0, spent)))
            variable.budget, variable.loop_depth = None, before.loop_depth
        return changed

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

    def _loop_body(self, weights: Statements, depth: int, leaves: bool, index: Variable) -> list[Statement]:
        body: list[Statement] = []
        if leaves:
            body.append(self._leave(index))
        if self.dice.chance(15):
            body.append(self.define(depth - 1, mutable=False))
        body += self._added(depth, index)
        if weights.reindex and self.dice.chance(weights.reindex):
            body.append(self._reindex(index))
        if self.dice.chance(40) or len(body) <= leaves:
            body += self.block(1, weights, depth - 1)
        if leaves and self.dice.chance(40) and len(body) > 1:
            # after what the body does first, and before the rest
            body.insert(1, body.pop(0))
            if len(body) == 2 and isinstance(body[1], If) and body[1].body == (Continue(),):
                body.reverse()
        return body or [self.define(depth - 1)]

    def _added(self, depth: int, index: Variable) -> list[Statement]:
        """What an iteration adds: something that depends on the index, or it would add the same each time."""
        first = None if self.dice.chance(VISITS) else self._accumulate(depth, index)
        body = [] if first is None else [first]
        scales = isinstance(first, AugmentedAssign) and first.operator == "mul"
        if first is None or scales or not self.mentions(first, index.name):
            # a sum that begins with zero and is only scaled stays zero
            added = self._add_at(index)
            body += [added] if added is not None else []
        return body

    def _add_at(self, index: Variable, only: Variable | None = None) -> Statement | None:
        """``acc += values[k]``, at times times something."""
        fitting = self.changeable(lambda v: types.element_scalar(v.type) in (self.main, INT32) and v.budget is not None)
        fitting = [v for v in fitting if only is None or v is only]
        fitting = [v for v in fitting if self._may_grow(v) and isinstance(v.type, Scalar | Vector)]
        if not fitting:
            return None
        variable = self.dice.one_of(fitting)
        of = variable.type
        value = self.at_index(types.element_scalar(of), index)
        if isinstance(of, Vector):
            value = Typed(self.filled(of, value.node), value.interval, value.live)
        if of is self.main and self.dice.chance(50):
            other = self.leaf(of)
            value = self.plus(value, other) if other.node != value.node else value
        spent = self._spend(variable, value)
        if spent is None:
            return None
        variable.used, variable.live = False, variable.live or spent.live
        return AugmentedAssign(Name(of, variable.name), self.dice.one_of(("add", "add", "sub")), spent.node)

    def _reindex(self, index: Variable) -> Statement:
        """A new value for the loop's own index, which the next iteration does not see."""
        low, high = index.interval
        name = Name(INT32, index.name)
        if self.dice.chance(50):
            index.interval = Interval(low + 1, high + 1)
            return AugmentedAssign(name, "add", whole(1))
        index.interval = Interval(0, max(high, 0) * 2) if low >= 0 else Interval(low * 2, max(high, 0) * 2)
        return Assign(name, Apply(INT32, "mul", (name, whole(2))))

    def _accumulate(self, depth: int, index: Variable) -> Statement | None:
        """``acc += expression``, or a minimum or a maximum of elements."""
        floats = self.changeable(lambda v: v.type is self.main and not v.sum_only)
        if floats and self.dice.chance(20):
            variable = self.dice.one_of(floats)
            value = self.at_index(self.main, index)
            if value.interval.within(self._range(self.main, variable.base)):
                op = self.dice.one_of(("max", "min"))
                variable.used, variable.live = False, variable.live or value.live
                old = Name(self.main, variable.name)
                return Assign(old, Apply(self.main, op, (old, value.node)))
        return self.augment(depth)

    def _leave(self, index: Variable) -> Statement:
        """``if condition: break``, or ``continue``, or a store and a ``return``: of some iterations, not of all."""
        if self.early_output is not None and self.dice.chance(self.weights.loops.returns):
            return self._leave_with(self.early_output, index)
        breaks = self.dice.chance(50)
        return If(self.index_test(index, breaks), (Break() if breaks else Continue(),))

    def _leave_with(self, output: Parameter, index: Variable) -> Statement:
        """``if condition: out[i] = value; return``: the value is linear in what the loop sums."""
        assert isinstance(output.type, Array)
        test = self.index_test(index, ends=True)
        of = output.type.dtype
        value = self.expression(of, 1)
        sums = [v for v in self.scope if v.sum_only and v.type is of]
        if sums:
            value = self.plus(self.variable(self.dice.one_of(sums)), value, linear=True)
        return If(test, (Assign(Element(of, output.name, self.own_indices()), value.node), Return()))

    def own_indices(self) -> tuple[Expression, ...]:
        """The thread's own indices."""
        return tuple(Name(INT32, v.name) for v in self.indices)

    # ------------------------------------------------------------ what an iteration reads

    @staticmethod
    def offset(name: Expression, by: int) -> Expression:
        """An index, and what is added to it."""
        if by == 0:
            return name
        return Apply(INT32, "add" if by > 0 else "sub", (name, whole(abs(by))))

    def at_index(self, of: Scalar, index: Variable, stored: bool = False) -> Typed:
        """An element at a loop's index: of a row of the thread's own, or of an array that all threads read.

        The number that the index is may stand for it where that begins below zero, unless it must be `stored`.
        """
        low, name = int(index.interval.low), Name(INT32, index.name)
        if low < 0 and not stored and not self.dice.chance(MOVED_UP):
            return self.convert(Typed(name, index.interval), of)
        by = -low if low < 0 or (low == 1 and index.stride == 1 and self.dice.chance(MOVED_DOWN)) else 0
        place = self.offset(name, by)
        extent = int(index.interval.high) + by + 1
        head = self.launch[:1] if self.indices and not self.shared and self.dice.chance(ROWS) else ()
        shape = (*head, extent)
        fitting = [
            p
            for p in self.readable(of)
            if len(p.shape) == len(shape) and all(n >= m for n, m in zip(p.shape, shape, strict=True))
        ]
        if not fitting or (len(self.parameters) < self.max_arrays and self.dice.chance(30)):
            fitting = [self.array(of, shape, self.input_interval(of))]
        own = self.own_indices()[:1] if head else ()
        return self.read(self.dice.one_of(fitting), *own, place)

    def read(self, array: Parameter, *indices: Expression) -> Typed:
        """An element of an array."""
        assert isinstance(array.type, Array)
        self.nodes += 2
        node = Element(array.type.dtype, array.name, indices)
        return Typed(node, Interval(array.low, array.high), self.has_gradient(array))

    @staticmethod
    def mentions(node: Expression | Statement, name: str) -> bool:
        """Whether an expression or a statement reads the variable `name`."""
        return any(isinstance(part, Name) and part.name == name for part in walk(node))

    def index_test(self, index: Variable, ends: bool = False) -> Expression:
        """A test that holds in some iterations: of an element at the index, or of the index.

        One that `ends` the loop goes by what is the thread's own: a constant range that ends at a literal is a shorter
        range in disguise.
        """
        values = range(int(index.interval.low), int(index.interval.high) + 1, index.stride)
        if len(values) < 3 or not self.dice.chance(ENDED_BY_PLACE if ends else PASSED_BY_PLACE):
            return self.hit(index)
        name = Name(INT32, index.name)
        if self.indices and (ends or self.dice.chance(40)):
            return Compare(BOOL, ("==" if index.stride == 1 else ">",), (name, self._own_place(values)))
        if index.stride % 2 and self.dice.chance(50):
            even = Apply(INT32, "mod", (name, whole(2)))
            return Compare(BOOL, ("==",), (even, whole(self.dice.below(2) if index.interval.low >= 0 else 0)))
        return Compare(BOOL, ("==",), (name, whole(values[len(values) // 2])))

    def _own_place(self, values: range) -> Expression:
        """A whole number of the thread's own that is about as large as some of `values`: its index, or an element."""
        own = [v for v in self.indices if v.interval.high < values[-1]]
        if own and values[0] == 0 and self.dice.chance(40):
            return Name(INT32, self.dice.one_of(own).name)
        reach = Interval(values[0], values[-1])
        fitting = [p for p in self.readable(INT32) if len(p.shape) == len(self.launch) and p.low >= reach.low]
        fitting = [p for p in fitting if p.high <= reach.high + 2]
        fitting = [p for p in fitting if all(n >= m for n, m in zip(p.shape, self.launch, strict=True))]
        if fitting and self.dice.chance(60):
            return self.read(self.dice.one_of(fitting), *self.own_indices()).node
        return self.new_element(reach, INT32).node

    def hit(self, index: Variable) -> Expression:
        """A test of an element at the index, which some iterations pass."""
        # in a loop that only counts, an adjoint would need the place of a float
        of = INT32 if self.dice.chance(85 if self.counts else 20) else self.main
        value = self.at_index(of, index, stored=True)
        own = self.dice.chance(80 if self.is_shared(value) else 30)
        if of is INT32:
            operator = self.dice.one_of(("==", "==", ">", "<"))
            if own and (other := self.own_element(of)).node != value.node:
                return Compare(BOOL, (operator,), (value.node, other.node))
            return Compare(BOOL, (operator,), (value.node, self.literal(INT32, self._within(value.interval)).node))
        operator = self.dice.one_of((">", "<"))
        if own and (other := self.own_element()).node != value.node:
            return Compare(BOOL, (operator,), (value.node, other.node))
        return Compare(BOOL, (operator,), (value.node, self._middle(value, self.main).node))

    @staticmethod
    def _within(values: Interval) -> Interval:
        """The middle half of whole numbers, for a test that neither always nor never holds."""
        quarter = (values.high - values.low) / 4
        return Interval(values.low + quarter, values.high - quarter) if quarter >= 1 else values

    def number_of(self, of: Scalar, value: float) -> Expression:
        """A literal of a type."""
        return self._constant(of, value)

    def new_element(self, interval: Interval, of: Scalar | None = None) -> Typed:
        """The thread's own element of a new input."""
        return self.read(self.array(of or self.main, self.launch_shape(), interval), *self.own_indices())

    def own_element(self, of: Scalar | None = None) -> Typed:
        """The thread's own element of an input; in a function any."""
        of = of or self.main
        if not self.indices:
            return self.element(of)
        fitting = [
            p
            for p in self.readable(of)
            if len(p.shape) == len(self.launch) and all(n >= m for n, m in zip(p.shape, self.launch, strict=True))
        ]
        if not fitting or (len(self.parameters) < self.max_arrays and self.dice.chance(30)):
            return self.new_element(self.input_interval(of), of)
        return self.read(self.dice.one_of(fitting), *self.own_indices())

    @staticmethod
    def is_shared(value: Typed) -> bool:
        """Whether an element at a loop's index is the same for all threads."""
        return isinstance(value.node, Element) and len(value.node.indices) == 1

    # ------------------------------------------------------------ bounds

    def _bounds(self) -> Bounds:
        """A range of a few trips."""
        outer = math.prod(self.loop_trips)
        trips = self.dice.between(*self.weights.loops.trips) if outer == 1 else 2
        most = max(2, self.weights.loops.nested // outer)
        trips = min(trips, most)
        match self.dice.below(10):
            case 3:
                start = self.dice.between(-2, 3)
                return Bounds(whole(start), whole(start + trips), None, trips, Interval(start, start + trips - 1))
            case 4:
                step = self.dice.between(2, 3)
                return Bounds(whole(0), whole(trips * step - 1), whole(step), trips, Interval(0, (trips - 1) * step))
            case 5:
                return Bounds(whole(trips - 1), whole(-1), whole(-1), trips, Interval(0, trips - 1))
            case 6:
                step = self.dice.between(2, 3)
                start = trips * step
                return Bounds(whole(start), whole(0), whole(-step), trips, Interval(step, start))
            case 7 | 8:
                return self._parameter_bound(trips)
            case 9 if outer == 1:
                if self.dice.chance(EDGES):
                    trips = self.dice.one_of(self.weights.loops.edge)
                    return Bounds(None, whole(trips), None, trips, Interval(0, trips - 1))
                return self._extent_bound(trips)
        return Bounds(None, whole(trips), None, trips, Interval(0, trips - 1))

    def _parameter_bound(self, trips: int) -> Bounds:
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
            return Bounds(bound, whole(0), whole(-1), max(top, 1), Interval(1, max(top, 1)))
        if self.dice.chance(20):
            return Bounds(whole(0), bound, whole(2), max(top, 1), Interval(0, max(top - 1, 0)))
        return Bounds(None, bound, None, max(top, 1), Interval(0, max(top - 1, 0)))

    def _extent_bound(self, trips: int) -> Bounds:
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
        return Bounds(None, Extent(INT32, chosen.name, 0), None, extent, Interval(0, extent - 1))
