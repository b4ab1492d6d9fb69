"""What computations on vectors, matrices, rotations and frames share: what they read, loop over, know of lengths."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec

from strategies import intervals
from strategies.blocks import rounded, whole
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Component,
    Construct,
    Expression,
    For,
    If,
    Literal,
    Name,
    Parameter,
    Part,
    Slice,
    Statement,
    While,
)
from strategies.language.parts import part_type
from strategies.language.types import INT32, Composite, Matrix, Quaternion, Scalar, Transform, Type, Vector
from strategies.ops import REACH, Unit, overload
from strategies.repertoire.idioms import Lines
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed

#: Operations that keep a length of one if all that they are given has it, beside those whose row says so.
_KEEPS_LENGTH: Final = frozenset(("quat_inverse", "quat_rotate", "quat_rotate_inv", "transform_vector", "neg"))
#: Of 100 vectors that are read, how many are passed by value.
SHARED: Final = 9
#: What is done at once with two short numbers.
_EXACT: Final = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}
#: Of 100 numbers that scale or weigh, how many are parameters, elements of arrays, and expressions of the grammar.
_PARAMETER: Final = 35
_ELEMENT: Final = 20
_DRAWN: Final = 12
#: How much larger a component may be after a rotation: three of one size become one, and some rounding.
_SPREAD: Final = 1.75
_ROUNDED: Final = 1.01


class Scene(Lines):
    """The statements of one computation, which knows what has length one, so that nothing is normalized twice."""

    def __init__(self, sketch: Sketch, units: set[str] | None = None) -> None:
        super().__init__(sketch)
        self.main = sketch.main
        #: the names of the locals of length one, and of the frames whose rotations are
        self.units = set() if units is None else units
        #: the sizes that the kernel's vectors and matrices have
        self.rows = self.columns = 3
        #: how many bodies there are where several share an array
        self.bodies = sketch.dice.between(3, 6)
        #: whether this kernel writes ``v.x``, and not ``v[0]``
        self.dotted = sketch.dice.chance(50)

    def inside(self) -> Scene:
        """A scene for the statements of a block in this one."""
        found = Scene(self.sketch, self.units)
        found.rows, found.columns, found.bodies, found.dotted = self.rows, self.columns, self.bodies, self.dotted
        return found

    # ------------------------------------------------------------ types

    def vector(self, length: int = 3) -> Vector:
        """A vector type of the kernel's float type."""
        return types.vector(length, self.main)

    def matrix(self, rows: int = 3, columns: int | None = None) -> Matrix:
        """A matrix type of the kernel's float type, square unless `columns` says otherwise."""
        return types.matrix(rows, columns or rows, self.main)

    @property
    def quaternion(self) -> Quaternion:
        """The quaternion type of the kernel's float type."""
        return types.quaternion(self.main)

    # ------------------------------------------------------------ operations

    def op(self, name: str, *arguments: Typed) -> Typed:
        """An operation, its arguments guarded; of length one, numbers lie between minus one and one."""
        if name == "neg" and isinstance(arguments[0].node, Literal):
            return self.literal(-float(arguments[0].node.value))
        folded = self._folded(name, arguments)
        if folded is not None:
            return folded
        arguments = self._kept_positive(name, arguments)
        given = tuple(a.type for a in arguments)
        row = overload(name, given)
        domain = row.places(types.element_scalar(given[0]), *(a.interval for a in arguments))
        fitted = [
            a if isinstance(place, Unit) and self.is_unit(a.node) else self.sketch.fit(a, place)
            for a, place in zip(arguments, domain, strict=False)
        ]
        found = self.sketch.unique(row, self.sketch.applied(row, given, fitted))
        if isinstance(found.type, Quaternion | Vector) and self.is_unit(found.node):
            return found._replace(interval=intervals.UNIT)
        closer = _closer(name, fitted)
        return found if closer is None else found._replace(interval=closer)

    def _folded(self, name: str, given: tuple[Typed, ...]) -> Typed | None:
        """What nobody leaves to the machine: a sum or a product of two short numbers, a factor or a divisor of one."""
        last = given[-1].node
        if name in ("mul", "div") and len(given) == 2 and isinstance(last, Literal) and last.value == 1.0:
            return given[0]
        numbers = [float(a.node.value) for a in given if isinstance(a.node, Literal)]
        if len(numbers) < 2 or len(given) > 2 or name not in _EXACT or given[0].type is not self.main:
            return None
        value = _EXACT[name](*numbers)
        short = value * 64 == round(value * 64)
        return Typed(Literal(self.main, value), Interval(value, value)) if short else None

    def _kept_positive(self, name: str, given: tuple[Typed, ...]) -> tuple[Typed, ...]:
        """`given`, the divisor or what a root is taken of kept off zero as people do it."""
        last = given[-1]
        if name not in ("div", "sqrt") or not isinstance(last.type, Scalar):
            return given
        least = self.literal(0.25 if name == "div" else 0.0625)
        if last.interval.low < least.interval.low and (last.interval.low >= 0 or name == "sqrt"):
            last = self.op("add" if last.interval.low >= 0 else "max", last, least)
        return (*given[:-1], last)

    def apply(self, op: str, of: Type, *arguments: Typed) -> Typed:
        """An operation, whose result is of type `of`."""
        return self.op(op, *arguments)

    def total(self, *terms: Typed) -> Typed:
        """The sum of two or more."""
        found = terms[0]
        for term in terms[1:]:
            found = self.op("add", found, term)
        return found

    def product(self, *factors: Typed) -> Typed:
        """The product of two or more."""
        found = factors[0]
        for factor in factors[1:]:
            found = self.op("mul", found, factor)
        return found

    def is_unit(self, node: Expression) -> bool:
        """Whether a vector or a quaternion has length one, or the rotation of a frame."""
        match node:
            case Name(name=name):
                return name in self.units
            case Construct(type=Transform(), arguments=(_, rotation)):
                return self.is_unit(rotation)
            case Construct(arguments=parts) if parts and all(isinstance(p, Literal) for p in parts):
                return sum(float(p.value) ** 2 for p in parts if isinstance(p, Literal)) == 1
            case Apply(op="normalize"):
                return True
            case Apply(op="quat_from_axis_angle", arguments=(axis, _)):
                # one that was normalized may have been zero
                return isinstance(axis, Construct)
            case Apply(op="mul", arguments=(left, right)) if left.type is right.type is self.quaternion:
                return self.is_unit(left) and self.is_unit(right)
            case Apply(op=op, arguments=parts) if op in _KEEPS_LENGTH:
                return all(self.is_unit(part) for part in parts)
            case Apply(op=op):
                return overload(op, node.argument_types).unit
        return False

    def made(self, of: Composite, *parts: Typed) -> Typed:
        """A value of several numbers, made of `parts`."""
        interval = parts[0].interval
        for part in parts[1:]:
            interval = interval.join(part.interval)
        self.sketch.nodes += 1
        return Typed(Construct(of, tuple(p.node for p in parts)), interval, any(p.live for p in parts))

    def part(self, value: Typed, index: int | Expression, column: int | Expression | None = None) -> Typed:
        """``v[index]``, ``m[index, column]``, or a row of a matrix."""
        of = value.type
        assert isinstance(of, Composite)
        at = whole(index) if isinstance(index, int) else index
        beside = whole(column) if isinstance(column, int) else column
        found: Type = types.vector(of.columns, of.dtype) if isinstance(of, Matrix) and column is None else of.dtype
        named = isinstance(of, Vector | Quaternion) and of.length <= 4 and isinstance(at, Literal) and self.dotted
        return Typed(Component(found, value.node, at, named, beside), value.interval, value.live)

    # ------------------------------------------------------------ locals

    def slice(self, value: Typed, index: Slice) -> Typed:
        """Two numbers of a vector or more, ``v[1:]``."""
        part = Part(value.type, value.node, index)
        found = part_type(value.type, part)
        assert found is not None, f"{index} of {value.type} has fewer than two numbers"
        return Typed(msgspec.structs.replace(part, type=found), value.interval, value.live)

    def let(self, value: Typed, mutable: bool = False) -> Typed:
        """A local with `value`; one of length one is known to be."""
        unit = self.is_unit(value.node)
        found = super().let(value, mutable)
        if unit and isinstance(found.node, Name):
            self.units.add(found.node.name)
        return found

    def named(self, value: Typed) -> Typed:
        """`value`, under a local name or as it is; a name as it is."""
        return value if isinstance(value.node, Name | Literal) else super().named(value)

    def known(self, local: Typed) -> Variable:
        """The variable that a local is."""
        assert isinstance(local.node, Name)
        name = local.node.name
        return next(v for v in self.sketch.scope if v.name == name)

    def claim(self, local: Typed, interval: Interval) -> Typed:
        """A local that keeps to `interval` however often a loop changes it."""
        self.known(local).interval = interval
        return local._replace(interval=interval)

    def set(self, local: Typed, value: Typed) -> None:
        """``name = value`` of a local that was claimed to stay where it is."""
        assert isinstance(local.node, Name)
        known = self.known(local)
        known.live = known.live or value.live
        self.body.append(Assign(local.node, value.node))

    def grow(self, local: Typed, value: Typed, times: int = 1) -> None:
        """``name += value``, as often as `times`; from then on the local is between other bounds."""
        assert isinstance(local.node, Name)
        scalar = types.element_scalar(local.type)
        value = self.sketch.fit(value, symmetric(rounded(REACH[scalar.notation] / (8 * times), scalar)))
        known = self.known(local)
        known.interval = symmetric(known.interval.size + times * value.interval.size)
        known.used, known.live = False, known.live or value.live
        self.body.append(AugmentedAssign(local.node, "add", value.node))

    def now(self, local: Typed) -> Typed:
        """A read of a local, with what is known of it by now."""
        return self.sketch.variable(self.known(local))

    def zero(self, of: Type) -> Typed:
        """A local that a sum begins with."""
        if isinstance(of, Composite):
            return self.let(Typed(Construct(of, ()), Interval(0.0, 0.0)), mutable=True)
        return self.let(self.literal(0.0), mutable=True)

    # ------------------------------------------------------------ what is read

    def literal(self, value: float) -> Typed:
        """A number as it stands."""
        self.sketch.nodes += 1
        return Typed(Literal(self.main, value), Interval(value, value))

    def gain(self, low: float = 0.125, high: float = 2.0) -> Typed:
        """What scales or weighs: a literal, a parameter, the thread's own number, or an expression."""
        kind = self.dice.below(100)
        if kind >= 100 - _PARAMETER:
            return self.sketch.variable(self.sketch.scalar_parameter(self.main, Interval(low, high)))
        if kind >= 100 - _PARAMETER - _ELEMENT:
            return self.at(self.array(self.main, Interval(low, high)))
        if kind >= 100 - _PARAMETER - _ELEMENT - _DRAWN and not self.sketch.loop_trips:
            value = self.drawn()
            return self.let(self.sketch.fit(value, Interval(min(low, -high), high)) if low < 0 else value)
        return self.factor(low, high)

    def factor(self, low: float, high: float) -> Typed:
        """A literal that changes what it is a factor of."""
        for _ in range(4):
            found = self.sketch.literal(self.main, Interval(low, high))
            if found.interval.low not in (0.0, 1.0):
                break
        return found

    def array(self, of: Type, interval: Interval, shape: tuple[int, ...] | None = None) -> Parameter:
        """A new input array, with an element for each thread if no shape is given."""
        assert isinstance(of, Scalar | Composite)
        return self.sketch.array(of, shape or self.sketch.launch_shape(), interval)

    def read(self, of: Type, reach: float = 2.0) -> Typed:
        """An element of a new array: the thread's own, or the one that an array of indices names; a vector may be the
        same for all threads, as gravity is."""
        if isinstance(of, Vector) and not self.sketch.loop_trips and self.dice.chance(SHARED):
            return self.sketch.variable(self.sketch.scalar_parameter(of, symmetric(reach)))
        if self.dice.chance(12):
            source = self.array(of, symmetric(reach), (self.bodies,))
            return self.at(source, self.body_index().node)
        return self.at(self.array(of, symmetric(reach)))

    def body_index(self) -> Typed:
        """Which of the bodies the thread works on, read from an array."""
        return self.link(self.bodies)

    def own(self, of: Type, reach: float = 2.0) -> Typed:
        """What `read` gives, mostly under a name."""
        return self.named(self.read(of, reach))

    # ------------------------------------------------------------ directions, rotations and frames

    def direction(self) -> Typed:
        """A vector of three numbers whose length is one: read and normalized, or an axis."""
        of = self.vector()
        if self.dice.chance(45):
            axis = self.dice.below(3)
            return self.made(of, *(self.literal(1.0 if n == axis else 0.0) for n in range(3)))
        return self.let(self.op("normalize", self.read(of)))

    def rotation(self, value: Typed | None = None, mutable: bool = False) -> Typed:
        """A quaternion of length one: read and normalized, of an axis and an angle, or of three angles."""
        match self.dice.below(7) if value is None else 0:
            case 4 | 5:
                found = self.about(self.direction(), self.gain(-1.5, 1.5))
            case 6:
                angles = self.let(self.read(self.vector(), 1.0))
                found = self.op("quat_rpy", *(self.part(angles, n) for n in range(3)))
            case _:
                found = self.op("normalize", value or self.read(self.quaternion, 1.0))
        return self.let(found, mutable)

    def about(self, axis: Typed, angle: Typed) -> Typed:
        """The rotation about an axis, of length one also where the axis has none."""
        found = self.op("quat_from_axis_angle", axis, angle)
        return found if self.is_unit(found.node) else self.op("normalize", found)

    def frame(self, pose: Typed | None = None, mutable: bool = False) -> Typed:
        """A rigid transformation: of a position and a rotation, or out of an array, its rotation normalized."""
        of = types.transform(self.main)
        if pose is None and not self.dice.chance(45):
            place = self.own(self.vector())
            return self.let(self.made(of, place, self.rotation()), mutable)
        pose = pose or self.read(of)
        if not isinstance(pose.node, Name):
            pose = self.let(pose)
        rotation = self.op("normalize", self.half_of(pose, "transform_get_rotation"))
        return self.let(self.made(of, self.place_of(pose), rotation), mutable)

    def place_of(self, frame: Typed) -> Typed:
        """Where a frame is."""
        return self.half_of(frame, "transform_get_translation")

    def half_of(self, frame: Typed, getter: str) -> Typed:
        """A frame's translation or its rotation: by a call, or as ``X.p`` and ``X.q`` in kernels with ``v.x``."""
        if not self.dotted or not isinstance(frame.node, Name):
            return self.op(getter, frame)
        turned = getter == "transform_get_rotation"
        of = self.quaternion if turned else self.vector()
        self.sketch.nodes += 1
        return Typed(Component(of, frame.node, whole(int(turned)), True), frame.interval, frame.live)

    def turn_of(self, frame: Typed) -> Typed:
        """How a frame is turned: a quaternion of length one if that of the frame is."""
        found = self.let(self.half_of(frame, "transform_get_rotation"))
        if self.is_unit(frame.node) and isinstance(found.node, Name):
            self.units.add(found.node.name)
            self.claim(found, intervals.UNIT)
        return found

    def imaginary(self, q: Typed) -> Typed:
        """The vector part of a quaternion."""
        q = q if isinstance(q.node, Name) else self.let(q)
        return self.made(self.vector(), *(self.part(q, n) for n in range(3)))

    def spun(self, q: Typed, spin: Typed, step: Typed) -> Typed:
        """A rotation after a small time at an angular velocity: ``normalize(q + quat(w, 0) * q * 0.5 * dt)``."""
        rate = self.op("mul", self.made(self.quaternion, spin, self.literal(0.0)), q)
        if self.dice.chance(50):
            change = self.product(rate, self.literal(0.5), step)
        else:
            change = self.op("mul", rate, self.product(self.literal(0.5), step))
        if self.dice.chance(40):
            change = self.let(change)
        return self.op("normalize", self.op("add", q, change))

    # ------------------------------------------------------------ loops and branches

    def repeat(self, count: int, carried: Sequence[Typed], draw: Callable[[Scene, Name], None]) -> None:
        """A loop of `count` iterations that `draw` fills; no expression but its own reads what is `carried`."""
        index = Name(INT32, self.sketch.fresh())
        made = self._iterated(count, carried, lambda inner: draw(inner, index))
        self.body.append(For(index.name, whole(count), made))

    def repeat_while(
        self, test: Expression, most: int, carried: Sequence[Typed], draw: Callable[[Scene], None]
    ) -> None:
        """``while test:`` around statements that `draw` adds, which come to an end after `most` iterations."""
        self.body.append(While(test, self._iterated(most, carried, draw)))

    def _iterated(self, count: int, carried: Sequence[Typed], draw: Callable[[Scene], None]) -> tuple[Statement, ...]:
        """The body of a loop of up to `count` iterations."""
        inner = self.inside()
        variables = [self.known(local) for local in carried]
        for variable in variables:
            variable.sum_only = True
        mark = self.sketch.scope.mark()
        self.sketch.loop_trips.append(count)
        draw(inner)
        self.sketch.loop_trips.pop()
        gone = self.sketch.scope.release(mark)
        self.sketch.defined = [v for v in self.sketch.defined if v not in gone]
        kept = {p.name for p in self.sketch.parameters}
        for variable in gone:
            if variable.name in kept:
                self.sketch.scope.add(variable)
        for variable in variables:
            variable.sum_only = False
        return tuple(inner.body)

    def when(self, test: Expression, draw: Callable[[Scene], None]) -> None:
        """``if test:`` with statements that `draw` adds, which change locals that stay between their bounds."""
        inner = self.inside()
        with self.sketch._inner():
            draw(inner)
        self.body.append(If(test, tuple(inner.body)))

    def drawn(self, of: Type | None = None) -> Typed:
        """An expression of the grammar, small, of numbers and vectors."""
        hidden = [v for v in self.sketch.scope if isinstance(v.type, Transform | Quaternion) and not v.sum_only]
        for variable in hidden:
            variable.sum_only = True
        value = super().drawn(of)
        for variable in hidden:
            variable.sum_only = False
        return value

    def listed(self, of: Type, count: int, index: Expression, reach: float = 1.5) -> Typed:
        """An element of a short array that all threads share, at a loop's index; or of a row for each thread."""
        if self.dice.chance(35):
            rows = self.array(of, symmetric(reach), (self.sketch.launch[0], count))
            return self.at(rows, self.sketch.own_indices()[0], index)
        return self.at(self.array(of, symmetric(reach), (count,)), index)


def _closer(name: str, given: Sequence[Typed]) -> Interval | None:
    """Closer bounds than the operation's row knows: a rotation keeps the length, and squares are positive."""
    sizes = [value.interval.size for value in given]
    of = given[0].type
    match name:
        case "quat_rotate" | "quat_rotate_inv":
            return symmetric(_SPREAD * sizes[1])
        case "transform_vector" if isinstance(of, Transform):
            return symmetric(_SPREAD * sizes[1])
        case "transform_point" if isinstance(of, Transform):
            return symmetric(sizes[0] + _SPREAD * sizes[1])
        case "transform_inverse":
            return symmetric(max(1.0, _SPREAD * sizes[0]))
        case "mul" | "transform_multiply" if isinstance(of, Transform) and isinstance(given[1].type, Transform):
            return symmetric(max(1.0, sizes[0] + _SPREAD * sizes[1]))
        case "dot" if isinstance(of, Vector):
            reach = of.length * sizes[0] * sizes[1] * _ROUNDED
            return Interval(0.0 if given[0].node == given[1].node else -reach, reach)
        case "length" if isinstance(of, Vector):
            return Interval(0.0, of.length**0.5 * sizes[0] * _ROUNDED)
        case "length_sq" if isinstance(of, Vector):
            return Interval(0.0, of.length * sizes[0] ** 2 * _ROUNDED)
        case "mul" if isinstance(of, Matrix) and isinstance(given[1].type, Vector | Matrix):
            return symmetric(of.columns * sizes[0] * sizes[1] * _ROUNDED)
        case "mul" if isinstance(of, Scalar) and given[0].node == given[1].node:
            return Interval(0.0, sizes[0] ** 2)
    return None


#: A computation: it adds its statements to a scene, and gives what a kernel may store, at least one value.
Drawn: TypeAlias = Callable[[Scene], list[Typed]]
