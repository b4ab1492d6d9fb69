"""Values with operators, for what writes kernels as a person would: expressions that know what they may be, inputs."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from strategies.blocks import whole
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    Extent,
    Literal,
    Logical,
    Name,
    Parameter,
)
from strategies.language.rules import constructions
from strategies.language.types import BOOL, INT32, Array, Composite, Scalar, Type, Vector
from strategies.ops import overload
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed

#: A value, or a number of its type.
Operand: TypeAlias = "Value | float | int"


class Value:
    """An expression with operators, or a local, of which every read tells what it may hold by then."""

    def __init__(self, pen: Values, typed: Typed, variable: Variable | None = None) -> None:
        self.pen = pen
        self._typed = typed
        self.variable = variable

    @property
    def typed(self) -> Typed:
        """The expression, and between which values it lies here."""
        if self.variable is None:
            return self._typed
        self.variable.used = True
        return Typed(Name(self.variable.type, self.variable.name), self.variable.interval, self.variable.live)

    @property
    def node(self) -> Expression:
        """The expression."""
        return self.typed.node

    @property
    def type(self) -> Type:
        """The type of the expression."""
        return self._typed.node.type

    @property
    def interval(self) -> Interval:
        """Between which values it lies here."""
        return self._typed.interval if self.variable is None else self.variable.interval

    def narrowed(self, low: float, high: float) -> Value:
        """The same, known to lie between `low` and `high` from what was tested before."""
        return Value(self.pen, Typed(self.node, Interval(low, high), self.typed.live))

    def __add__(self, other: Operand) -> Value:
        return self.pen.op("add", self, other)

    def __radd__(self, other: Operand) -> Value:
        return self.pen.op("add", other, self)

    def __sub__(self, other: Operand) -> Value:
        return self.pen.op("sub", self, other)

    def __rsub__(self, other: Operand) -> Value:
        return self.pen.op("sub", other, self)

    def __mul__(self, other: Operand) -> Value:
        return self.pen.op("mul", self, other)

    def __rmul__(self, other: Operand) -> Value:
        return self.pen.op("mul", other, self)

    def __truediv__(self, other: Operand) -> Value:
        return self.pen.op("div", self, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return self.pen.op("div", other, self)

    def __floordiv__(self, other: Operand) -> Value:
        return self.pen.op("floordiv", self, other)

    def __mod__(self, other: Operand) -> Value:
        return self.pen.op("mod", self, other)

    def __neg__(self) -> Value:
        return self.pen.op("neg", self)

    def __lt__(self, other: Operand) -> Expression:
        return self.pen.test(self, "<", other)

    def __le__(self, other: Operand) -> Expression:
        return self.pen.test(self, "<=", other)

    def __gt__(self, other: Operand) -> Expression:
        return self.pen.test(self, ">", other)

    def __ge__(self, other: Operand) -> Expression:
        return self.pen.test(self, ">=", other)

    def equals(self, other: Operand) -> Expression:
        """``a == b``."""
        return self.pen.test(self, "==", other)

    def differs(self, other: Operand) -> Expression:
        """``a != b``."""
        return self.pen.test(self, "!=", other)

    def part(self, index: int | Value, attribute: bool | None = None) -> Value:
        """One number of a vector: ``v.x``, ``v[0]``, or at a place that only a run knows."""
        of = self.type
        assert isinstance(of, Vector)
        named = isinstance(index, int) and of.length <= 4 and (attribute is None or attribute)
        node = whole(index) if isinstance(index, int) else index.node
        base = self.typed
        return Value(self.pen, Typed(Component(of.dtype, base.node, node, named), base.interval, base.live))


class Values:
    """What a pen writes statements with."""

    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch
        self.dice = sketch.dice
        self.main = sketch.main

    @property
    def own(self) -> tuple[Value, ...]:
        """The thread's indices."""
        return tuple(Value(self, Typed(Name(INT32, v.name), v.interval)) for v in self.sketch.indices)

    # ------------------------------------------------------------ values

    def literal(self, number: float, of: Type | None = None) -> Value:
        """A number."""
        scalar = types.element_scalar(of or self.main)
        exact = float(number) if scalar.is_float else int(number)
        return Value(self, Typed(Literal(scalar, exact), Interval(exact, exact)))

    def whole(self, number: int) -> Value:
        """A whole number."""
        return self.literal(number, INT32)

    def _value(self, operand: Operand, of: Type) -> Value:
        return operand if isinstance(operand, Value) else self.literal(operand, of)

    def op(self, name: str, *operands: Operand) -> Value:
        """An operator or a built-in, its arguments guarded where that is needed."""
        of = next(o for o in operands if isinstance(o, Value)).type
        given = [self._value(o, of).typed for o in operands]
        if name in ("add", "sub") and all(g.type is INT32 and isinstance(g.node, Literal) for g in given):
            first, second = (int(g.interval.low) for g in given)
            return self.whole(first + second if name == "add" else first - second)
        found = self.sketch.apply(overload(name, [g.type for g in given]), given[0].type, given)
        if name == "mul" and given[0].node == given[1].node and given[0].type == found.type:
            # a square
            return Value(self, Typed(found.node, Interval(max(0, found.interval.low), found.interval.high), found.live))
        if name == "mod" and of is INT32 and given[0].interval.low >= 0 and given[1].interval.is_point:
            return Value(self, Typed(found.node, Interval(0, given[1].interval.low - 1)))
        return Value(self, found)

    def test(self, left: Value, operator: str, right: Operand) -> Expression:
        """A comparison."""
        return Compare(BOOL, (operator,), (left.node, self._value(right, left.type).node))

    def both(self, *tests: Expression) -> Expression:
        """``a and b``."""
        return tests[0] if len(tests) == 1 else Logical(BOOL, "and", tests)

    def either(self, *tests: Expression) -> Expression:
        """``a or b``."""
        return tests[0] if len(tests) == 1 else Logical(BOOL, "or", tests)

    def choose(self, test: Expression, then: Value, otherwise: Operand) -> Value:
        """``then if test else otherwise``."""
        one, other = then.typed, self._value(otherwise, then.type).typed
        node = Conditional(then.type, test, one.node, other.node)
        return Value(self, Typed(node, one.interval.join(other.interval), one.live or other.live))

    def cast(self, value: Value, of: Scalar | None = None) -> Value:
        """A number as one of another type: a float is cut off."""
        return Value(self, self.sketch.convert(value.typed, of or self.main))

    def cut(self, value: Value, low: int, high: int) -> Value:
        """``int(x)``, known to lie between `low` and `high`."""
        return Value(self, Typed(Cast(INT32, value.node), Interval(low, high)))

    def vector(self, *parts: Operand) -> Value:
        """``wp.vec3(x, y, z)``."""
        given = [self._value(p, self.main).typed for p in parts]
        interval = given[0].interval
        for part in given[1:]:
            interval = interval.join(part.interval)
        of = types.vector(len(given), self.main)
        return Value(self, Typed(Construct(of, tuple(g.node for g in given)), interval, any(g.live for g in given)))

    def zero(self, of: Type) -> Value:
        """Zero of a type: ``0.0``, ``wp.vec3()``."""
        if isinstance(of, Composite):
            return Value(self, Typed(Construct(of, ()), Interval(0, 0)))
        return self.literal(0, of)

    def filled(self, of: Vector, part: Value) -> Value:
        """A vector all of whose numbers are `part`."""
        given = part.typed
        times = 1 if (of.dtype,) in constructions(of) else of.length
        return Value(self, Typed(Construct(of, (given.node,) * times), given.interval, given.live))

    def drawn(self, of: Type | None = None, depth: int = 1) -> Value:
        """An expression of the grammar, small."""
        wanted = of or self.main
        value = self.sketch.expression(wanted, depth)
        if types.element_scalar(wanted).is_float:
            value = self.sketch.fit(value, symmetric(4.0))
        return Value(self, value)

    def condition(self, depth: int = 1) -> Expression:
        """A truth value of the grammar."""
        return self.sketch.condition(depth).node

    def fitted(self, value: Value, low: float, high: float) -> Value:
        """`value`, guarded if it may leave an interval."""
        return Value(self, self.sketch.fit(value.typed, Interval(low, high)))

    def number(self, low: float, high: float) -> Value:
        """A small number: a literal, or a parameter of the kernel."""
        numbers = sum(not isinstance(p.type, Array) for p in self.sketch.parameters)
        if not self.dice.chance(45 if numbers < 2 else 15):
            found = Value(self, self.sketch.literal(self.main, Interval(low, high)))
            # nobody adds nothing, or multiplies by one
            if found.interval.low not in (-1.0, 0.0, 1.0):
                return found
        return self.scalar(low, high)

    # ------------------------------------------------------------ parameters

    def scalar(self, low: float, high: float, of: Scalar | None = None) -> Value:
        """A parameter passed by value."""
        variable = self.sketch.scalar_parameter(of or self.main, Interval(low, high))
        return Value(self, Typed(Name(variable.type, variable.name), variable.interval, variable.live))

    def input(
        self,
        of: Scalar | Composite | None = None,
        span: Interval | float = 2.0,
        shape: tuple[int, ...] | None = None,
        distinct: bool = False,
    ) -> Parameter:
        """An input array, with an element for each thread if no shape is given."""
        interval = span if isinstance(span, Interval) else symmetric(span)
        found = self.sketch.array(of or self.main, shape or self.sketch.launch_shape(), interval)
        if distinct:
            changed = msgspec.structs.replace(found, distinct=True)
            self.sketch.parameters[self.sketch.parameters.index(found)] = changed
            return changed
        return found

    def places(self, extent: int, shape: tuple[int, ...] | None = None, low: int = 0) -> Parameter:
        """An array of places in another one of `extent` elements; with `low` of -1 some name none."""
        return self.sketch.array(INT32, shape or self.sketch.launch_shape(spare=False), Interval(low, extent - 1))

    def output(
        self, of: Scalar | Composite | None = None, shape: tuple[int, ...] | None = None, zero: bool = False
    ) -> Parameter:
        """An array that is written, which holds something before, or zeros."""
        wanted = of or self.main
        held = Interval(0, 0) if zero else self.sketch.output_interval(wanted)
        return self.sketch.array(wanted, shape or self.sketch.launch_shape(), held, output=True)

    def at(self, array: Parameter, *indices: Value | int) -> Value:
        """An element of an array; the thread's own without indices."""
        of = array.type
        assert isinstance(of, Array)
        nodes = self._nodes(array, indices)
        live = self.sketch.has_gradient(array)
        self.sketch.nodes += 1
        return Value(self, Typed(Element(of.dtype, array.name, nodes), Interval(array.low, array.high), live))

    def _nodes(self, array: Parameter, indices: tuple[Value | int, ...]) -> tuple[Expression, ...]:
        given = indices or self.own
        assert len(given) == len(array.shape), array
        found = []
        for index, extent in zip(given, array.shape, strict=True):
            value = index if isinstance(index, Value) else self.whole(index)
            low, high = value.interval
            assert low >= 0 or value.interval.is_point, f"{array.name} has no place {low}"
            assert -extent <= low <= high < extent, f"{array.name} has {extent} places here, not {value.interval}"
            found.append(value.node)
        return tuple(found)

    def extent(self, array: Parameter, axis: int = 0) -> Value:
        """``a.shape[0]``."""
        length = array.shape[axis]
        return Value(self, Typed(Extent(INT32, array.name, axis), Interval(length, length)))

    def length(self, array: Parameter, axis: int, shaped: int = 50) -> Value:
        """The length of an axis: in `shaped` of 100 cases from the array, else a number."""
        return self.extent(array, axis) if self.dice.chance(shaped) else self.whole(array.shape[axis])

    def term(self) -> Value:
        """What a person would add or multiply with: an element, scaled or passed through a function, or a number."""
        match self.dice.below(8):
            case 0:
                return self.number(0.25, 2.0)
            case 1:
                return self.at(self.input()) * self.number(0.25, 2.0)
            case 2:
                return self.op(self.dice.one_of(("sin", "cos", "tanh", "exp", "abs")), self.at(self.input(span=1.5)))
            case 3:
                return self.drawn()
        return self.at(self.input())
