"""Statements of a kernel, drawn so that every variable is defined before it is read and every loop ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from strategies import names
from strategies.expressions import Expressions, Typed
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.limits import MAX_UNROLL
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Cast,
    Component,
    Conditional,
    Construct,
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
)
from strategies.language.types import BOOL, FLOAT32, INT32, Array, Scalar, Type, Vector
from strategies.ops import FACTOR, OPS, REACH
from strategies.scope import Variable
from strategies.weights import BARE_CONSTANTS, LONG_TRIPS, NESTED_TRIPS, NODE_BUDGET, SUMS, TRIPS, Statements

Block = tuple[Statement, ...]
#: A variable is kept within this share of the type's reach, so that sums and products of two still fit.
_HEADROOM: Final = 0.25


class Sketch(Expressions):
    """Draws the statements of one kernel."""

    def begin(self) -> None:
        """Set up what blocks need."""
        self.loop_trips: list[int] = []
        #: whether each enclosing loop is one that Warp does not unroll
        self.arms = 0
        #: whether the code is in a dynamic loop that only sums
        self.sums = False
        self.defined: list[Variable] = []

    # ------------------------------------------------------------ locals

    def local_type(self) -> Type:
        """The type of a new local: mostly the kernel's float type."""
        others = sorted((t for t in self.allowed if t is not self.main and t is not BOOL), key=repr)
        table: list[tuple[int, Type]] = [(8, self.main), (1, BOOL)]
        table += [(1, t) for t in others]
        if self.vectors:
            table.append((10, self.vector_type(self.main)))
        return self.dice.weighted(tuple(table))

    def define(self, depth: int, of: Type | None = None, mutable: bool | None = None) -> Statement:
        """``name = expression``."""
        of = of or self.local_type()
        value = self.fit_local(self.expression(of, depth))
        return self.define_as(value, self.dice.chance(60) if mutable is None else mutable)

    def define_as(self, value: Typed, mutable: bool) -> Statement:
        node = value.node
        bare = isinstance(node, Literal) and node.type in (INT32, FLOAT32)
        if bare and (mutable or (self.loop_trips and not self.dice.chance(BARE_CONSTANTS))):
            # a bare constant may not be changed in a dynamic loop; a conversion makes it a variable, as the
            # constructor does that literals of other types are written with
            node = Cast(node.type, node)
        name = self.fresh(names.LOCALS)
        variable = Variable(
            name,
            value.type,
            value.interval,
            mutable=mutable,
            used=False,
            live=value.live,
            constant=isinstance(node, Literal),
            loop_depth=len(self.loop_trips),
        )
        self.scope.add(variable)
        self.defined.append(variable)
        return Assign(Name(value.type, name), node)

    def fit_local(self, value: Typed) -> Typed:
        """`value` within what a variable may hold."""
        scalar = types.element_scalar(value.type)
        if scalar.kind in ("bool", "uint"):
            return value
        return self.fit(value, symmetric(_round(REACH[scalar.notation] * _HEADROOM, scalar)))

    def changeable(self, wanted: Callable[[Variable], bool] = lambda _: True) -> list[Variable]:
        """The variables that may be assigned here."""
        return [v for v in self.scope if v.mutable and v.type is not BOOL and self._open(v) and wanted(v)]

    def _open(self, variable: Variable) -> bool:
        """Whether the enclosing loop, if any, allows for changes of `variable`."""
        if not self.loop_trips:
            return True
        return variable.budget is not None or variable.loop_depth == len(self.loop_trips)

    def reassign(self, depth: int) -> Statement | None:
        """``name = expression`` for a variable that there is."""
        variables = self.changeable(lambda v: not v.sum_only)
        if not variables:
            return None
        variable = self.dice.one_of(variables)
        value = self.expression(variable.type, depth)
        if value.node == Name(variable.type, variable.name):
            value = self.plus(value, self.leaf(variable.type))
        if variable.budget is not None:
            value = self.fit(value, self._range(variable.type, variable.base))
        else:
            value = self.fit_local(value)
            variable.interval = value.interval
        variable.used, variable.live = False, value.live
        return Assign(Name(variable.type, variable.name), value.node)

    @staticmethod
    def _range(of: Type, reach: float) -> Interval:
        scalar = types.element_scalar(of)
        reach = _round(reach, scalar)
        return Interval(0, scalar.limits[1]) if scalar.kind == "uint" else symmetric(reach)

    def augment(self, depth: int) -> Statement | None:
        """``name += expression``, ``name *= expression`` and their like."""
        variables = self.changeable()
        if not variables:
            return None
        variable = self.dice.one_of(variables)
        scalar = types.element_scalar(variable.type)
        product = (
            self.dice.chance(25) and isinstance(variable.type, Scalar) and scalar.is_float and not variable.sum_only
        )
        operator = "mul" if product else self.dice.one_of(("add", "sub"))
        value = self.expression(variable.type, depth)
        if value.node == Name(variable.type, variable.name):
            value = self.leaf(variable.type)
        if variable.budget is None:
            return self._augment_once(variable, operator, value)
        if operator == "mul":
            value = self.fit(value, symmetric(1.0))
        else:
            spent = self._spend(variable, value)
            if spent is None:
                return None
            value = spent
        variable.used, variable.live = False, variable.live or value.live
        return AugmentedAssign(Name(variable.type, variable.name), operator, value.node)

    def _augment_once(self, variable: Variable, operator: str, value: Typed) -> Statement:
        row = OPS[operator]
        scalar = types.element_scalar(variable.type)
        limit = FACTOR if operator == "mul" else REACH
        if scalar.kind != "uint":
            value = self.fit(value, symmetric(_round(limit[scalar.notation] * _HEADROOM, scalar)))
        if operator == "mul":
            value = self.fit(value, symmetric(_round(max(1.0, limit[scalar.notation] / 8), scalar)))
        interval = row.interval(variable.interval, value.interval)
        reach = REACH[scalar.notation] * (2 * _HEADROOM)
        if scalar.kind == "uint":
            interval = Interval(*scalar.limits)
        elif interval.size > reach:
            if variable.sum_only:
                small = self.fit(value, symmetric(_round(max(reach - variable.interval.size, 0.25), scalar)))
                return AugmentedAssign(Name(variable.type, variable.name), operator, small.node)
            return self._settle(variable, operator, value)
        variable.interval = interval
        variable.used, variable.live = False, variable.live or value.live
        return AugmentedAssign(Name(variable.type, variable.name), operator, value.node)

    def _settle(self, variable: Variable, operator: str, value: Typed) -> Statement:
        """``name = guard(name op value)``: the change would leave the variable's range."""
        old = self.variable(variable)
        changed = self.fit_local(self.apply(OPS[operator], variable.type, [old, value]))
        variable.interval = changed.interval
        variable.used, variable.live = False, changed.live
        return Assign(Name(variable.type, variable.name), changed.node)

    def _spend(self, variable: Variable, value: Typed) -> Typed | None:
        """`value` small enough to be added in every iteration that is left."""
        assert variable.budget is not None
        scalar = types.element_scalar(variable.type)
        if scalar.kind == "uint":
            return value
        trips = math.prod(self.loop_trips[variable.loop_depth :])
        most = variable.budget / trips
        if value.interval.size > most:
            target = most / 2
            if target < (0.25 if scalar.is_float else 1):
                return None
            value = self.fit(value, symmetric(_round(target, scalar)))
        variable.budget -= value.interval.size * trips
        return value

    def assign_component(self, depth: int) -> Statement | None:
        """``v[i] = expression`` once a component, or ``v[i] += expression``."""
        vectors = self.changeable(lambda v: isinstance(v.type, Vector) and v.budget is None and not v.sum_only)
        if not vectors:
            return None
        variable = self.dice.one_of(vectors)
        assert isinstance(variable.type, Vector)
        component = self.dice.below(variable.type.length)
        index = Literal(INT32, component)
        attribute = self.dice.chance(60)
        of = variable.type.dtype
        target = Component(of, Name(variable.type, variable.name), index, attribute)
        value = self.fit_local(self.expression(of, depth))
        if component in variable.assigned_components or not self.dice.chance(15):
            total = Interval(variable.interval.low - value.interval.size, variable.interval.high + value.interval.size)
            if total.size > REACH[of.notation] * 2 * _HEADROOM:
                return None
            variable.interval = total
            variable.used, variable.live = False, variable.live or value.live
            return AugmentedAssign(target, self.dice.one_of(("add", "sub")), value.node)
        variable.assigned_components.add(component)
        variable.interval = variable.interval.join(value.interval)
        variable.used, variable.live = False, variable.live or value.live
        return Assign(target, value.node)

    def build_vector(self, depth: int) -> list[Statement]:
        """``v = wp.vec3()``, then its components one by one."""
        of = self.vector_type(self.main)
        body = [self.define_as(Typed(Construct(of, ()), Interval(0, 0)), mutable=True)]
        variable = self.defined[-1]
        for component in range(of.length):
            target = Component(of.dtype, Name(of, variable.name), _int(component), self.dice.chance(50))
            value = self.fit_local(self.expression(of.dtype, depth))
            variable.assigned_components.add(component)
            variable.interval = variable.interval.join(value.interval)
            variable.live |= value.live
            body.append(Assign(target, value.node))
        return body

    # ------------------------------------------------------------ blocks

    def block(self, count: int, weights: Statements, depth: int) -> list[Statement]:
        """`count` statements, more or less."""
        body: list[Statement] = []
        for _ in range(count):
            if self.nodes > NODE_BUDGET:
                break
            statement = self.statement(weights, depth)
            if statement is not None:
                body += statement
        return body

    def statement(self, weights: Statements, depth: int) -> list[Statement] | None:
        """One statement, with what it needs before it."""
        table = (
            (weights.define, "define"),
            (weights.reassign, "reassign"),
            (weights.augment, "augment"),
            (weights.component if self.vectors else 0, "component"),
            (weights.branch if self.arms < 3 else 0, "branch"),
            (weights.loop if len(self.loop_trips) < 2 else 0, "loop"),
        )
        made: Statement | None
        match self.dice.weighted(tuple(entry for entry in table if entry[0])):
            case "define":
                made = self.define(depth)
            case "reassign":
                made = self.reassign(depth) or self.define(depth)
            case "augment":
                made = self.augment(depth) or self.define(depth)
            case "component" if self.dice.chance(40):
                return self.build_vector(depth - 1)
            case "component":
                made = self.assign_component(depth) or self.define(depth)
            case "branch":
                return self.branch(weights, depth)
            case _:
                return self.loop(weights, depth)
        return [made]

    @contextmanager
    def _inner(self) -> Iterator[None]:
        """A block whose locals are not visible after it."""
        mark = self.scope.mark()
        yield
        gone = self.scope.release(mark)
        self.defined = [v for v in self.defined if v not in gone]

    def arm(self, draw: Callable[[], list[Statement]]) -> Block:
        """One arm of a branch: what it defines stays in it; what it leaves unused is used at its end."""
        with self._inner():
            mark = self.scope.mark()
            body = draw()
            body += self._use_up(mark)
        return tuple(body)

    def _use_up(self, mark: int) -> list[Statement]:
        """Feed locals of this block that nobody read into a variable that outlives it."""
        own = list(self.scope)[mark:]
        unused = [v for v in own if not v.used and v.type is not BOOL]
        outer = [v for v in self.changeable() if v not in own]
        body: list[Statement] = []
        for variable in unused:
            fitting = [v for v in outer if v.type is self._sum_type(variable.type)]
            if not fitting:
                continue
            target = self.dice.one_of(fitting)
            value = self.as_type(self.variable(variable), target.type)
            if target.budget is not None:
                spent = self._spend(target, value)
                if spent is None:
                    continue
                body.append(AugmentedAssign(Name(target.type, target.name), "add", spent.node))
                target.live |= spent.live
            else:
                body.append(self._augment_once(target, "add", value))
            target.used = False
        return body

    def _sum_type(self, of: Type) -> Type:
        return of if isinstance(of, Vector) and any(v.type is of for v in self.changeable()) else self.main

    def as_type(self, value: Typed, of: Type) -> Typed:
        """`value` as type `of`: converted, or one component of it."""
        if value.type is of:
            return value
        if isinstance(value.type, Vector):
            value = self._component_of(value)
        if isinstance(of, Vector):
            part = self.as_type(value, of.dtype)
            return Typed(Construct(of, (part.node,)), part.interval, part.live)
        if value.type is BOOL:
            assert isinstance(of, Scalar)
            one, zero = self._constant(of, 1), self._constant(of, 0)
            return Typed(Conditional(of, value.node, one, zero), Interval(0, 1))
        assert isinstance(of, Scalar)
        return self.convert(value, of)

    def branch(self, weights: Statements, depth: int) -> list[Statement]:
        """``if``, perhaps with ``elif`` and ``else``, that changes variables read afterwards."""
        before: list[Statement] = []
        if not self.changeable():
            before.append(self.define(depth, of=self.main, mutable=True))
            if self.loop_trips:
                return before
        self.arms += 1
        before.append(self._if(weights, depth, self.dice.below(3)))
        self.arms -= 1
        return before

    def _if(self, weights: Statements, depth: int, further: int) -> If:
        test = self.condition(self.dice.between(1, 2))
        entry = self.scope.snapshot()
        body = self.arm(lambda: self.changes(weights, depth))
        after = self.scope.snapshot()
        self.scope.restore(entry)
        orelse: Block = ()
        if further >= 2:
            orelse = (self._if(weights, depth, further - 2 + self.dice.below(2)),)
        elif further == 1:
            orelse = self.arm(lambda: self.changes(weights, depth))
        self.scope.merge(after)
        return If(test.node, body, orelse)

    def changes(self, weights: Statements, depth: int) -> list[Statement]:
        """The body of an arm: it changes something for certain."""
        body: list[Statement] = []
        if self.dice.chance(30):
            body += self.block(1, weights, depth - 1)
        change = (self.reassign(depth) if self.dice.chance(50) else self.augment(depth)) or self.reassign(depth)
        if change is not None:
            body.append(change)
        return body or [self.define(depth)]

    # ------------------------------------------------------------ loops

    def loop(self, weights: Statements, depth: int, leave: bool | None = None) -> list[Statement]:
        """A ``for`` loop that accumulates into variables defined before it."""
        before: list[Statement] = []
        if not self.changeable(self._has_room):
            of: Type = self.main
            if self.vectors and self.dice.chance(50):
                of = self.vector_type(self.main)
            before.append(self.accumulator(of))
        bounds, trips, interval = self._bounds()
        name = self.fresh(names.LOOPS)
        leaves = self.dice.chance(weights.leave * 10) if leave is None else leave
        dynamic = leaves or trips > MAX_UNROLL or any(b is not None and not isinstance(b, Literal) for b in bounds)
        entry = self.scope.snapshot()
        chosen = self._open_for_loop(trips)
        sums = dynamic and not self.sums and self.dice.chance(SUMS)
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
        most = REACH[self.main.notation] * _HEADROOM
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
                reach = float(_round(REACH[scalar.notation] * 2 * _HEADROOM, scalar))
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
                bounds = (_int(start), _int(start + trips), None)
                return bounds, trips, Interval(start, start + trips - 1)
            case 4:
                step = self.dice.between(2, 3)
                return (_int(0), _int(trips * step - 1), _int(step)), trips, Interval(0, (trips - 1) * step)
            case 5:
                return (_int(trips - 1), _int(-1), _int(-1)), trips, Interval(0, trips - 1)
            case 6:
                step = self.dice.between(2, 3)
                start = trips * step
                return (_int(start), _int(0), _int(-step)), trips, Interval(step, start)
            case 7 | 8:
                return self._parameter_bound(trips)
            case 9 if outer == 1:
                if self.dice.chance(35):
                    trips = self.dice.between(*LONG_TRIPS)
                    return (None, _int(trips), None), trips, Interval(0, trips - 1)
                return self._extent_bound(trips)
        return (None, _int(trips), None), trips, Interval(0, trips - 1)

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
            return (bound, _int(0), _int(-1)), max(top, 1), Interval(1, max(top, 1))
        if self.dice.chance(20):
            return (_int(0), bound, _int(2)), max(top, 1), Interval(0, max(top - 1, 0))
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

    # ------------------------------------------------------------ results

    def own_indices(self) -> tuple[Expression, ...]:
        """The thread's own indices."""
        return tuple(Name(INT32, v.name) for v in self.indices)

    def output(self, dtype: Scalar | Vector, shape: tuple[int, ...] | None = None) -> Parameter:
        """A new output array."""
        scalar = types.element_scalar(dtype)
        interval = Interval(0, 1) if scalar.kind == "bool" else Interval(0 if scalar.kind == "uint" else -3, 3)
        return self.array(dtype, shape or self.launch_shape(), interval, output=True)

    def store(self, output: Parameter, value: Typed) -> Statement:
        """``out[i] = value``."""
        assert isinstance(output.type, Array)
        return Assign(Element(output.type.dtype, output.name, self.own_indices()), value.node)

    def store_sum(self, output: Parameter, value: Typed) -> Statement:
        """``out[i] += value``."""
        assert isinstance(output.type, Array)
        target = Element(output.type.dtype, output.name, self.own_indices())
        operator = self.dice.one_of(("add", "add", "sub"))
        return AugmentedAssign(target, operator, self._summand(output, value, 1).node)

    def _summand(self, output: Parameter, value: Typed, times: int) -> Typed:
        assert isinstance(output.type, Array)
        scalar = types.element_scalar(output.type.dtype)
        if scalar.kind == "uint":
            return value
        return self.fit(value, symmetric(max(1, _round(REACH[scalar.notation] / (2 * times), scalar))))

    def atomic(self, op: str, output: Parameter, indices: tuple[Expression, ...], value: Typed) -> Statement:
        """``wp.atomic_add(out, i, value)`` and its like."""
        times = math.prod(self.launch) * math.prod(self.loop_trips)
        if op in ("atomic_add", "atomic_sub"):
            value = self._summand(output, value, times)
        return Atomic(op, output.name, indices, value.node)

    def result(self, of: Type, depth: int) -> Typed:
        """An expression of type `of` that uses every local that nothing has used so far."""
        value = self.expression(of, depth)
        unused = [v for v in self.scope if not v.used and v in self.defined]
        for variable in sorted(unused, key=lambda v: v.sum_only):
            if of is BOOL:
                continue
            extra = self.as_type(self.variable(variable), of)
            value = self.plus(value, extra, linear=variable.sum_only)
        if isinstance(of, Scalar | Vector) and of is not BOOL:
            if types.element_scalar(of).is_float and not value.live:
                value = self.plus(value, self.as_type(self.element(of.dtype if isinstance(of, Vector) else of), of))
            elif isinstance(value.node, Literal):
                value = self.plus(self.element(of), value)
        return value

    def plus(self, left: Typed, right: Typed, linear: bool = False) -> Typed:
        """The two combined: added, subtracted or, unless the result must be `linear` in both, multiplied."""
        product = types.element_scalar(left.type).is_float and isinstance(left.type, Scalar) and not linear
        op = self.dice.one_of(("add", "sub", "mul") if product else ("add", "sub"))
        return self.apply(OPS[op], left.type, [left, right])

    @property
    def touches_vectors(self) -> bool:
        """Whether a parameter or a local is a vector."""
        return any(isinstance(types_of, Vector) for types_of in self._element_types())

    def _element_types(self) -> Iterator[Type]:
        for parameter in self.parameters:
            yield parameter.type.dtype if isinstance(parameter.type, Array) else parameter.type
        for variable in self.scope:
            yield variable.type

    def group(self, cells: int) -> Expression:
        """Which of `cells` cells a thread belongs to: by its index, or by an array of groups."""
        if cells == 1:
            return _int(0)
        own = Name(INT32, self.dice.one_of(self.indices).name)
        match self.dice.below(4):
            case 2:
                groups = self.array(INT32, self.launch_shape(spare=False), Interval(0, cells - 1))
                return Element(INT32, groups.name, self.own_indices())
            case 3:
                test = self.comparison(1).node
                return Conditional(INT32, test, _int(0), _int(cells - 1))
        return Apply(INT32, "mod", (own, _int(cells)))

    def store_in_arms(self, output: Parameter, depth: int) -> list[Statement]:
        """The result stored by both arms of a branch."""
        assert isinstance(output.type, Array)
        first = self.result(output.type.dtype, depth)
        second = self.expression(output.type.dtype, depth)
        test = self.condition(self.dice.between(1, 2))
        return [If(test.node, (self.store(output, first),), (self.store(output, second),))]

    def leave_early(self, output: Parameter, depth: int) -> Statement:
        """``if condition: out[i] = value; return``."""
        assert isinstance(output.type, Array)
        test = self.condition(self.dice.between(1, 2))
        body: list[Statement] = []
        if self.dice.chance(75):
            body.append(self.store(output, self.expression(output.type.dtype, depth)))
        body.append(Return())
        return If(test.node, tuple(body))


def _int(value: int) -> Expression:
    return Literal(INT32, value)


def _round(value: float, scalar: Scalar) -> float:
    """A bound that reads well: a power of two for floats, a whole number for integers."""
    return 2.0 ** math.floor(math.log2(value)) if scalar.is_float else max(1, math.floor(value))
