"""Locals and blocks of a kernel, drawn so that every variable is defined before it is read."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from strategies.calls import Calls
from strategies.expressions import cancels
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Cast,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    If,
    Literal,
    Name,
    Parameter,
    Statement,
    names_in,
)
from strategies.language.types import BOOL, FLOAT32, INT32, Composite, Matrix, Scalar, Type, Vector
from strategies.leaves import counting_uses
from strategies.meetings import Meeting
from strategies.ops import FACTOR, OPS, REACH
from strategies.scope import Variable
from strategies.typed import Typed
from strategies.weights import Statements

Block = tuple[Statement, ...]
#: Of 100 locals that would be but another name of a variable, how many are computed after all.
COPIES_AVOIDED: Final = 85
#: A variable is kept within this share of the type's reach, so that sums and products of two still fit.
HEADROOM: Final = 0.25


class Blocks(Calls, ABC):
    """Draws locals, branches and blocks of statements."""

    def begin(self) -> None:
        """Set up what blocks need."""
        self.start_calls()
        self.loop_trips: list[int] = []
        #: whether each enclosing loop is one that Warp does not unroll
        self.arms = 0
        #: whether the code is in a dynamic loop that only sums
        self.sums = False
        #: whether it is in a loop that only computes integers, so that no derivative depends on how often it runs
        self.counts = False
        #: whether the ``while`` loops of this kernel are of that kind
        self.counting = False
        #: where a ``return`` out of a loop stores its result; none leaves the kernel from a loop without it
        self.early_output: Parameter | None = None
        self.defined: list[Variable] = []
        #: with what the names of the variables begin that may be changed: those of the fields of one struct
        self.focus = ""

    # ------------------------------------------------------------ locals

    def local_type(self) -> Type:
        """The type of a new local: mostly the kernel's float type."""
        if self.counts:
            return INT32
        others = sorted((t for t in self.allowed if t is not self.main and t is not BOOL), key=repr)
        table: list[tuple[int, Type]] = [(2 if self.spread else 8, self.main), (1, BOOL)]
        table += [(2 if self.spread else 1, t) for t in others]
        if self.vectors:
            table.append((10, self.vector_type(self.main)))
        if self.forms:
            table.append((16, self.composite_type(self.main)))
        return self.dice.weighted(tuple(table))

    @counting_uses
    def define(self, depth: int, of: Type | None = None, mutable: bool | None = None) -> Statement:
        """``name = expression``."""
        of = of or self.local_type()
        value = self.expression(of, depth)
        if isinstance(value.node, Name) and depth > 0 and self.dice.chance(COPIES_AVOIDED):
            value = self.operation(of, depth) if of is not BOOL else self.comparison(depth)
        value = self.fit_local(value)
        return self.define_as(value, self.dice.chance(60) if mutable is None else mutable)

    def define_as(self, value: Typed, mutable: bool) -> Statement:
        node = value.node
        if mutable or (self.loop_trips and is_bare(node) and not self.dice.chance(self.weights.integers.bare)):
            node = changeable_value(node)
        variable = self.new_local(value.type, value.interval, value.live, mutable)
        variable.constant = isinstance(node, Literal)
        if isinstance(node, Name | Element):
            self.copies[variable.name] = node
        return Assign(Name(value.type, variable.name), node)

    def new_local(self, of: Type, interval: Interval, live: bool, mutable: bool = False) -> Variable:
        """A local of which a statement has just given a value, and which nothing has read so far."""
        depth = len(self.loop_trips)
        variable = Variable(self.fresh(), of, interval, mutable=mutable, used=False, live=live, loop_depth=depth)
        self.scope.add(variable)
        self.defined.append(variable)
        return variable

    def awaited_parameter(self, of: Scalar) -> Variable:
        """A new parameter passed by value, which the result reads if nothing before it does."""
        parameter = self.scalar_parameter(of)
        parameter.used = False
        self.defined.append(parameter)
        return parameter

    def fit_local(self, value: Typed) -> Typed:
        """`value` within what a variable may hold."""
        scalar = types.element_scalar(value.type)
        if scalar.kind in ("bool", "uint") or (scalar.is_integer and self.patterns):
            return value
        return self.fit(value, symmetric(rounded(REACH[scalar.notation] * HEADROOM, scalar)))

    def changeable(self, wanted: Callable[[Variable], bool] = lambda _: True) -> list[Variable]:
        """The variables that may be assigned here."""
        return [v for v in self.scope if v.mutable and v.type is not BOOL and self._may_change(v) and wanted(v)]

    @contextmanager
    def only(self, prefix: str) -> Iterator[None]:
        """Change no other variables than those whose names begin with `prefix`."""
        before, self.focus = self.focus, prefix
        yield
        self.focus = before

    def _may_change(self, variable: Variable) -> bool:
        return variable.name.startswith(self.focus) and self._open(variable)

    def _open(self, variable: Variable) -> bool:
        """Whether the enclosing loop, if any, allows for changes of `variable`."""
        if self.counts and not types.element_scalar(variable.type).is_integer:
            return False
        if not self.loop_trips:
            return True
        return variable.budget is not None or variable.loop_depth == len(self.loop_trips)

    @counting_uses
    def reassign(self, depth: int) -> Statement | None:
        """``name = expression`` for a variable that there is."""
        variables = self.changeable(lambda v: not v.sum_only)
        if not variables:
            return None
        variable = self.dice.one_of(variables)
        unread = not variable.used
        value = self.expression(variable.type, depth)
        if unread and variable.name not in names_in((value.node,)):
            # else nothing would come of what it holds
            value = self.plus(value, self.variable(variable))
        elif value.node == Name(variable.type, variable.name):
            other = self.leaf(variable.type)
            if other.node == value.node and isinstance(variable.type, Scalar):
                other = self.element(variable.type)
            value = self.plus(value, other)
        elif isinstance(value.node, Name) and depth > 0 and self.dice.chance(COPIES_AVOIDED):
            value = self.operation(variable.type, depth)
        if variable.budget is not None:
            value = self.fit(value, self._range(variable.type, variable.base))
        else:
            value = self.fit_local(value)
            variable.interval = value.interval
        variable.used, variable.live = False, value.live
        return Assign(Name(variable.type, variable.name), changeable_value(value.node))

    @staticmethod
    def _range(of: Type, reach: float) -> Interval:
        scalar = types.element_scalar(of)
        reach = rounded(reach, scalar)
        return Interval(0, scalar.limits[1]) if scalar.kind == "uint" else symmetric(reach)

    @counting_uses
    def augment(self, depth: int) -> Statement | None:
        """``name += expression``, ``name *= expression`` and their like."""
        variables = self.changeable(self._may_grow)
        if not variables:
            return None
        variable = self.dice.one_of(variables)
        scalar = types.element_scalar(variable.type)
        # a vector and a matrix are scaled by a number
        scaled = isinstance(variable.type, Scalar | Vector | Matrix)
        product = self.dice.chance(25) and scaled and scalar.is_float and not variable.sum_only
        operator = "mul" if product else self.dice.one_of(("add", "sub"))
        value = self.expression(scalar if product else variable.type, depth)
        if value.node == Name(variable.type, variable.name):
            value = self.other_than(value)
        if operator == "sub" and cancels(Name(variable.type, variable.name), value.node):
            operator = "add"
        value = self.worthwhile(operator, value)
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

    def _may_grow(self, variable: Variable) -> bool:
        """Whether something can be added to `variable` in every iteration that is left."""
        scalar = types.element_scalar(variable.type)
        if variable.budget is None or scalar.kind == "uint":
            return True
        trips = math.prod(self.loop_trips[variable.loop_depth :])
        return variable.budget / trips >= 2 * (0.25 if scalar.is_float else 1)

    def _augment_once(self, variable: Variable, operator: str, value: Typed) -> Statement:
        row = OPS[operator]
        scalar = types.element_scalar(variable.type)
        limit = FACTOR if operator == "mul" else REACH
        if scalar.kind != "uint":
            value = self.fit(value, symmetric(rounded(limit[scalar.notation] * HEADROOM, scalar)))
        if operator == "mul":
            value = self.fit(value, symmetric(rounded(max(1.0, limit[scalar.notation] / 8), scalar)))
        interval = row.result_interval(variable.type, variable.interval, value.interval)
        reach = REACH[scalar.notation] * (2 * HEADROOM)
        if scalar.kind == "uint":
            interval = Interval(*scalar.limits)
        elif interval.size > reach:
            if variable.sum_only:
                small = self.fit(value, symmetric(rounded(max(reach - variable.interval.size, 0.25), scalar)))
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
            value = self.fit(value, symmetric(rounded(target, scalar)))
        variable.budget -= value.interval.size * trips
        return value

    def assign_component(self, depth: int) -> Statement | None:
        """``v[i] = expression`` once a component, or ``v[i] += expression``."""
        own = self.changeable(lambda v: isinstance(v.type, Vector) and v.budget is None and not v.sum_only)
        # those of structs only where asked for: Warp is known to lose their gradients
        vectors = [v for v in own if self.focus or "." not in v.name]
        if not vectors:
            return None
        variable = self.dice.one_of(vectors)
        assert isinstance(variable.type, Vector)
        component = self.dice.below(variable.type.length)
        index = Literal(INT32, component)
        attribute = self.dice.chance(60)
        of = variable.type.dtype
        target = Component(of, Name(variable.type, variable.name), index, attribute)
        value = self.expression(of, depth)
        if isinstance(value.node, Component) and value.node.base == target.base:
            value = self.element(of)
        value = self.fit_local(value)
        if component in variable.assigned_components or not self.dice.chance(15):
            total = Interval(variable.interval.low - value.interval.size, variable.interval.high + value.interval.size)
            if total.size > REACH[of.notation] * 2 * HEADROOM:
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
        # nothing reads what is still zero
        self.scope.hide(variable.name)
        for component in range(of.length):
            target = Component(of.dtype, Name(of, variable.name), whole(component), self.dice.chance(50))
            value = self.fit_local(self.expression(of.dtype, depth))
            variable.assigned_components.add(component)
            variable.interval = variable.interval.join(value.interval)
            variable.live |= value.live
            body.append(Assign(target, value.node))
        self.scope.add(variable)
        return body

    # ------------------------------------------------------------ blocks

    def block(self, count: int, weights: Statements, depth: int) -> list[Statement]:
        """`count` statements, more or less."""
        body: list[Statement] = []
        for _ in range(count):
            if self.nodes > self.weights.kernels.nodes:
                break
            statement = self.statement(weights, depth)
            if statement is not None:
                body += statement
        return body

    @abstractmethod
    def statement(self, weights: Statements, depth: int) -> list[Statement] | None:
        """One statement, with what it needs before it."""

    @contextmanager
    def _inner(self) -> Iterator[None]:
        """A block whose locals are not visible after it."""
        mark, parts = self.scope.mark(), len(self.views)
        yield
        del self.views[parts:]
        gone = self.scope.release(mark)
        self.defined = [v for v in self.defined if v not in gone]

    def forget(self, name: str) -> None:
        """Let nothing that is drawn from here on read a local."""
        self.scope.hide(name)
        self.defined = [v for v in self.defined if v.name != name]

    def arm(self, draw: Callable[[], list[Statement]]) -> Block:
        """One arm of a branch: what it defines stays in it; what it leaves unused is used at its end."""
        with self._inner():
            mark = self.scope.mark()
            body = draw()
            body += self._use_up(mark)
        return tuple(body)

    def when(self, test: Typed, draw: Callable[[], list[Statement]]) -> If:
        """``if test:`` with the statements that `draw` draws, after which either may have happened."""
        entry = self.scope.snapshot()
        with self.facts.supposing(test.node, True):
            body = self.arm(draw)
        self.scope.merge(entry)
        return If(test.node, body)

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
        if self.counts:
            return INT32
        return of if isinstance(of, Vector) and any(v.type is of for v in self.changeable()) else self.main

    def as_type(self, value: Typed, of: Type) -> Typed:
        """`value` as type `of`: converted, or one component of it."""
        if value.type is of:
            return value
        if isinstance(value.type, Composite):
            value = self._component_of(value)
        if isinstance(of, Composite):
            part = self.as_type(value, of.dtype)
            return Typed(self.filled(of, part.node), part.interval, part.live)
        if value.type is BOOL:
            assert isinstance(of, Scalar)
            one, zero = self._constant(of, 1), self._constant(of, 0)
            return Typed(Conditional(of, value.node, one, zero), Interval(0, 1))
        assert isinstance(of, Scalar)
        return self.convert(value, of)

    def plus(self, left: Typed, right: Typed, linear: bool = False) -> Typed:
        """The two combined: added, subtracted or, unless the result must be `linear` in both, multiplied."""
        scalar = types.element_scalar(left.type)
        product = scalar.is_float and isinstance(left.type, Scalar) and not linear
        # a factor that is always the same may be zero, and leave nothing of the other
        product = product and not left.interval.is_point and not right.interval.is_point
        sums = ("add", "sub") if scalar.is_float else self.joins
        op = self.dice.one_of(("add", "sub", "mul") if product else sums)
        if op == "sub" and cancels(left.node, right.node):
            op = "add"
        return self.apply(OPS[op], left.type, [left, self.worthwhile(op, right)])

    def branch(self, weights: Statements, depth: int) -> list[Statement]:
        """``if``, perhaps with ``elif`` and ``else``, that changes variables read afterwards."""
        before: list[Statement] = []
        if not self.changeable():
            before.append(self.define(depth, of=self.main, mutable=True))
            if self.loop_trips:
                return before
        self.arms += 1
        given = self.meetings()
        before.append(self._if(weights, depth, self.dice.below(3), given))
        self.arms -= 1
        self.meet(given)
        return before

    def _if(self, weights: Statements, depth: int, further: int, given: Sequence[Meeting] = ()) -> If:
        """A branch with so many further arms, or one more if every arm is to give names their first values."""
        test = self.condition(self.dice.between(1, 2))
        entry = self.scope.snapshot()
        with self.facts.supposing(test.node, True):
            body = self.arm(lambda: self.changes(weights, depth, given))
        after = self.scope.snapshot()
        self.scope.restore(entry)
        orelse: Block = ()
        with self.facts.supposing(test.node, False):
            if further >= 2:
                orelse = (self._if(weights, depth, further - 2 + self.dice.below(2), given),)
            elif further == 1 or given:
                orelse = self.arm(lambda: self.changes(weights, depth, given))
        self.scope.merge(after)
        if body == orelse and not given:
            # two arms that are one decide nothing
            orelse = ()
            self.scope.merge(entry)
        return If(test.node, body, orelse)

    def changes(self, weights: Statements, depth: int, given: Sequence[Meeting] = ()) -> list[Statement]:
        """The body of an arm: it changes something for certain, or gives names their first values."""
        if given:
            # what stands first is drawn first, for the other reads what it has changed
            changing = self.dice.chance(self.weights.branches.changes)
            late = changing and self.dice.chance(70)
            before = self.changes(weights, depth) if late else []
            first = self._given(weights, depth, given)
            return before + first + (self.changes(weights, depth) if changing and not late else [])
        if self._may_loop(weights) and self.dice.chance(self.features.percent("loop", self.weights.branches.loops)):
            return self.loop_in_arm(weights, depth)
        body = []
        if self.dice.chance(30):
            body += self.block(1, weights, depth - 1)
        change = (self.reassign(depth) if self.dice.chance(50) else self.augment(depth)) or self.reassign(depth)
        if change is not None:
            body.append(change)
        return body or [self.define(depth)]

    def _may_loop(self, weights: Statements) -> bool:
        """Whether an arm here may hold a loop: not one within another."""
        return (weights.loops_in_arms or weights.loop + weights.dynamic_loop > 0) and not self.loop_trips

    @abstractmethod
    def loop_in_arm(self, weights: Statements, depth: int) -> list[Statement]:
        """A loop that changes something that outlives the arm, with what it needs before it."""

    # ------------------------------------------------------------ names that the arms give their first values

    def meetings(self) -> list[Meeting]:
        """The names that every arm of the next branch gives its first value: in most branches none."""
        branches = self.weights.branches
        if not self.dice.chance(branches.meetings):
            return []
        count = 2 if self.dice.chance(branches.second) else 1
        return [Meeting(self.fresh(), self._type_of_meeting()) for _ in range(count)]

    def _type_of_meeting(self) -> Type:
        if self.counts:
            return INT32
        table: list[tuple[int, Type]] = [(8, self.main), (2, BOOL), (2, INT32)]
        if self.vectors:
            table.append((4, self.vector_type(self.main)))
        return self.dice.weighted(tuple(table))

    def _given(self, weights: Statements, depth: int, given: Sequence[Meeting]) -> list[Statement]:
        """The statements of one arm that give names their first values: at times those of a branch within it."""
        if self.arms < 3 and self.dice.chance(self.weights.branches.nested):
            self.arms += 1
            test = self._if(weights, depth, 1, given)
            self.arms -= 1
            return [test]
        return [self.first_value(meeting, depth) for meeting in given]

    def first_value(self, meeting: Meeting, depth: int) -> Statement:
        """``name = expression``, another one than in the arms before."""
        of = meeting.type
        value = self.condition(1) if of is BOOL else self.expression(of, depth)
        stays = not isinstance(value.node, Literal) or self.dice.chance(self.weights.branches.literals)
        if not stays and isinstance(of, Scalar) and self._may_read(of):
            value = self.element(of)
        if meeting.has(value.node):
            value = self.other_than(value)
        value = self.fit_local(value)
        meeting.values.append(value)
        node = value.node if of is BOOL else changeable_value(value.node)
        return Assign(Name(of, meeting.name), node)

    def meet(self, given: Sequence[Meeting]) -> None:
        """Let what follows read the names that all arms have given a value."""
        for meeting in given:
            depth, mutable = len(self.loop_trips), self.dice.chance(40)
            variable = Variable(
                meeting.name, meeting.type, meeting.interval, mutable, False, meeting.live, loop_depth=depth
            )
            self.scope.add(variable)
            self.defined.append(variable)


def is_bare(node: Expression) -> bool:
    """Whether Warp takes a value for a constant, which a dynamic loop may not change."""
    if isinstance(node, Apply):
        return node.op == "len"
    return isinstance(node, Literal) and node.type in (INT32, FLOAT32)


def changeable_value(node: Expression) -> Expression:
    """`node` as a variable's value: a conversion makes one of a bare literal, as the constructor does that literals of
    other types are written with."""
    return Cast(node.type, node) if is_bare(node) else node


def whole(value: int) -> Expression:
    """An int32 literal."""
    return Literal(INT32, value)


def rounded(value: float, scalar: Scalar) -> float:
    """A bound that reads well: a power of two for floats, a whole number for integers."""
    return 2.0 ** math.floor(math.log2(value)) if scalar.is_float else max(1, math.floor(value))
