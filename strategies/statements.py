"""Statements of a kernel, drawn so that every variable is defined before it is read and every loop ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Final

from strategies.blocks import Block, rounded, whole
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Component,
    Conditional,
    Element,
    Expression,
    If,
    Literal,
    Name,
    Parameter,
    Return,
    Statement,
    walk,
)
from strategies.language.types import BOOL, INT32, Array, Composite, Matrix, Scalar, Type, Vector
from strategies.ops import REACH
from strategies.scope import Variable
from strategies.typed import Typed
from strategies.weights import Statements
from strategies.while_loops import WhileLoops

#: Of 100 changes in place by another operator than a sum, how many are powers of a new local, beside those of others.
POWERS: Final = 12


#: Atomic operations that Warp makes of a change in place of an element, by its operator.
IN_PLACE: Final = {
    "atomic_add": "add",
    "atomic_sub": "sub",
    "atomic_and": "bit_and",
    "atomic_or": "bit_or",
    "atomic_xor": "bit_xor",
}


class Sketch(WhileLoops):
    """Draws the statements of one kernel."""

    def statement(self, weights: Statements, depth: int) -> list[Statement] | None:
        """One statement, with what it needs before it."""
        inner = len(self.loop_trips) < 2
        table = (
            (weights.reassign, "reassign"),
            (weights.augment, "augment"),
            (weights.update, "update"),
            (weights.component if self.vectors else 0, "assign component"),
            (weights.branch if self.arms < 3 else 0, "branch"),
            (weights.loop if inner else 0, "loop"),
            (weights.while_loop if inner else 0, "while"),
            (weights.dynamic_loop if inner else 0, "dynamic"),
        )
        drawn = ((self.features.weight(kind, weight), kind) for weight, kind in table)
        match self.dice.weighted(((weights.define, "define"), *(entry for entry in drawn if entry[0]))):
            case "define":
                made = self.define(depth)
            case "reassign":
                made = self.reassign(depth) or self.define(depth)
            case "augment":
                made = self.augment(depth) or self.define(depth)
            case "update" if self.main.is_float and not self.counts and self.dice.chance(POWERS):
                return self.power(depth)
            case "update":
                made = self.update(depth) or self.reassign(depth) or self.define(depth)
            case "assign component" if self.dice.chance(40):
                return self.build_vector(depth - 1)
            case "assign component":
                made = self.assign_component(depth) or self.define(depth)
            case "branch":
                return self.branch(weights, depth)
            case "while":
                return self.while_loop(weights, depth)
            case "dynamic":
                return self.dynamic_loop(weights, depth)
            case _:
                return self.loop(weights, depth)
        return [made]

    def loops_in_sequence(self, most: int, one: Callable[[int], list[Statement]]) -> Iterator[Statement]:
        """A local at times, then one to `most` loops that `one` draws by depth, with a statement after some."""
        yield from self.block(self.dice.below(2), Statements(), 2)
        for _ in range(self.dice.between(1, most)):
            if self.dice.chance(self.features.percent("branch", self.weights.branches.whole_loops)):
                yield from self._in_an_arm(one)
            else:
                yield from one(self.dice.between(1, 2))
            if self.dice.chance(25):
                yield from self.block(1, Statements(), 1)

    def _in_an_arm(self, one: Callable[[int], list[Statement]]) -> Iterator[Statement]:
        """A loop that `one` draws in an arm of a branch, beside a change in the other arm at times."""
        if not self.changeable(lambda v: v.type is self.main):
            yield self.define(1, of=self.main, mutable=True)
        test = self.condition(1)
        entry = self.scope.snapshot()
        with self.facts.supposing(test.node, True):
            body = self.arm(lambda: one(self.dice.between(1, 2)))
        after = self.scope.snapshot()
        self.scope.restore(entry)
        orelse: Block = ()
        if self.dice.chance(60):
            with self.facts.supposing(test.node, False):
                orelse = self.arm(lambda: self.changes(Statements(), 1))
        self.scope.merge(after)
        yield If(test.node, body, orelse)

    def loop_in_arm(self, weights: Statements, depth: int) -> list[Statement]:
        """A loop that changes something that outlives the arm, with what it needs before it."""
        plain = replace(weights, branch=0, loop=0, dynamic_loop=0, while_loop=0)
        whole = 1 if self.indices else 0
        drawn = self.dice.weighted(((2, "loop"), (3, "dynamic"), (whole, "form"), (whole, "dynamic form")))
        match drawn:
            case "loop":
                return self.loop(plain, depth, leave=False)
            case "dynamic":
                return self.dynamic_loop(plain, depth)
            case "form":
                return self.form_of_loop()
        return self.form_of_dynamic_loop()

    # ------------------------------------------------------------ results

    def output(self, dtype: Scalar | Composite, shape: tuple[int, ...] | None = None) -> Parameter:
        """A new output array."""
        return self.array(dtype, shape or self.launch_shape(), self.output_interval(dtype), output=True)

    @staticmethod
    def output_interval(of: Type) -> Interval:
        """Between which values an output lies before the launch."""
        scalar = types.element_scalar(of)
        return Interval(0, 1) if scalar.kind == "bool" else Interval(0 if scalar.kind == "uint" else -3, 3)

    def store(self, output: Parameter, value: Typed) -> Statement:
        """``out[i] = value``."""
        assert isinstance(output.type, Array)
        return Assign(Element(output.type.dtype, output.name, self.own_indices()), value.node)

    def store_sum(self, output: Parameter, value: Typed) -> Statement:
        """``out[i] += value``."""
        assert isinstance(output.type, Array)
        target = Element(output.type.dtype, output.name, self.own_indices())
        operator = self.dice.one_of(("add", "add", "sub"))
        return AugmentedAssign(target, operator, self.summand(output, value, 1).node)

    def summand(self, output: Parameter, value: Typed, times: int) -> Typed:
        """`value`, small enough to be added to a cell of `output` that many times."""
        assert isinstance(output.type, Array)
        scalar = types.element_scalar(output.type.dtype)
        if scalar.kind == "uint":
            return value
        return self.fit(value, symmetric(max(1, rounded(REACH[scalar.notation] / (2 * times), scalar))))

    def atomic(self, op: str, output: Parameter, indices: tuple[Expression, ...], value: Typed) -> Statement:
        """``wp.atomic_add(out, i, value)`` and its like."""
        times = math.prod(self.launch) * math.prod(self.loop_trips)
        if op in ("atomic_add", "atomic_sub"):
            value = self.summand(output, value, times)
        return Atomic(op, output.name, indices, value.node)

    @cached_property
    def adds_in_place(self) -> bool:
        """Whether sums into cells that threads share are written as changes in place, which Warp makes atomic."""
        return self.dice.chance(self.weights.targets.shared)

    @cached_property
    def adds_components(self) -> bool:
        """Whether vectors are added so component by component."""
        return self.dice.chance(self.weights.targets.components)

    def scatter(self, op: str, output: Parameter, indices: tuple[Expression, ...], value: Typed) -> list[Statement]:
        """``wp.atomic_add(out, i, value)`` and its like; in some kernels a sum is ``out[i] += value``, or one for each
        component, and bits are set by ``|=``."""
        atomic = self.atomic(op, output, indices, value)
        assert isinstance(atomic, Atomic)
        assert isinstance(output.type, Array)
        if op not in IN_PLACE or not self.adds_in_place:
            return [atomic]
        operator, of, given = IN_PLACE[op], output.type.dtype, atomic.value
        target = Element(of, output.name, indices)
        plain = all(isinstance(node, Name | Literal) for node in (given, *indices))
        if not (plain and isinstance(of, Vector) and self.adds_components and operator in ("add", "sub")):
            return [AugmentedAssign(target, operator, given)]
        named = of.length <= 4 and self.dice.chance(self.weights.targets.attribute)
        pairs = [[Component(of.dtype, base, whole(n), named) for base in (target, given)] for n in range(of.length)]
        return [AugmentedAssign(place, operator, number) for place, number in pairs]

    def result(self, of: Type, depth: int) -> Typed:
        """An expression of type `of` that uses every local that nothing has used so far."""
        value = self.expression(of, depth)
        unused = [v for v in self.scope if not v.used and v in self.defined]
        sums = any(v.sum_only for v in unused)
        for variable in sorted(unused, key=lambda v: v.sum_only):
            if of is BOOL:
                continue
            if variable.type is BOOL and isinstance(of, Scalar):
                # sums are added behind it, for no choice may read them
                value = self.chosen_by(variable, value)
                continue
            extra = self.as_type(self.variable(variable), of)
            value = self.plus(value, extra, linear=variable.sum_only)
        if isinstance(of, Scalar | Composite) and of is not BOOL:
            if types.element_scalar(of).is_float and not value.live:
                source = self.as_type(self.element(of.dtype if isinstance(of, Vector | Matrix) else of), of)
                value = self.plus(value, source, linear=sums)
            elif value.interval.is_point or not (self.main.is_float or self._reads(value.node)):
                value = self.plus(self.element(of), value)
        return value

    def chosen_by(self, flag: Variable, value: Typed) -> Typed:
        """`value` where a truth value holds, and else another number."""
        assert isinstance(value.type, Scalar)
        other = self.element(value.type) if self._may_read(value.type) else self.leaf(value.type)
        if other.node == value.node:
            other = self.literal(value.type)
        node = Conditional(value.type, self.variable(flag).node, value.node, other.node)
        self.nodes += 1
        return Typed(node, value.interval.join(other.interval), value.live or other.live)

    @staticmethod
    def _reads(node: Expression) -> bool:
        """Whether an expression reads an array: else nothing of it may depend on inputs."""
        return any(isinstance(part, Element) for part in walk(node))

    def group(self, cells: int) -> Expression:
        """Which of `cells` cells a thread belongs to: by its index, an array of groups, or the size of a number."""
        if cells == 1:
            return whole(0)
        own = Name(INT32, self.dice.one_of(self.indices).name)
        match self.dice.below(4):
            case 2:
                groups = self.array(INT32, self.launch_shape(spare=False), Interval(0, cells - 1))
                return Element(INT32, groups.name, self.own_indices())
            case 3 if self.main.is_float:
                # the bin that a number falls into
                return self.convert(self.fit(self.element(self.main), Interval(0, cells - 1)), INT32).node
        return Apply(INT32, "mod", (own, whole(cells)))

    def leave_early(self, output: Parameter, depth: int) -> Statement:
        """``if condition: out[i] = value; return``."""
        assert isinstance(output.type, Array)
        test = self.condition(self.dice.between(1, 2))
        body: list[Statement] = []
        with self.facts.supposing(test.node, True):
            if self.dice.chance(75):
                body.append(self.store(output, self.expression(output.type.dtype, depth)))
        body.append(Return())
        self.facts.note(test.node, False)
        return If(test.node, tuple(body))
