"""Targets of assignments: a root (a local, an array's element, a field, a row of an array), and a part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from strategies.blocks import rounded, whole
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Component,
    Construct,
    Element,
    Expression,
    Literal,
    Name,
    Part,
    Slice,
    Statement,
    View,
)
from strategies.language.structs import leaves
from strategies.language.types import Composite, Matrix, Scalar, Type, Vector
from strategies.leaves import slices
from strategies.ops import FACTOR, OPS, REACH, Away
from strategies.ops.domains import LEAST_DIVISOR
from strategies.statements import Sketch
from strategies.structs import array_of_structs, struct_type
from strategies.typed import Typed

#: Operators in place by what they change: Warp differentiates sums alone.
SUMS: Final = ("add", "sub")
#: The last is asked for more often, because it is defined of fewer values.
OTHERS: Final = ("mul", "floordiv", "mod", "bit_and", "bit_or", "bit_xor", "rshift", "lshift", "lshift", "lshift")
#: The same of floats: people scale and divide; a power is defined of positive values alone, and so is asked for more.
FLOAT_OTHERS: Final = ("mul", "mul", "mul", "div", "div", "pow_operator", "pow_operator", "mod", "floordiv")
#: The same of vectors and matrices, which are scaled by one number; of whole numbers their bits are changed, too.
SCALINGS: Final = ("mul", "mul", "mul", "div", "div")
WHOLE_SCALINGS: Final = ("mul", "bit_and", "bit_or", "bit_xor")
#: The bounds of slices in reverse; of two numbers there are the first alone.
BACKWARDS: Final = ((None, None, -1), (None, None, -2), (None, 0, -1), (-2, None, -1))


@dataclass
class Place:
    """Where a thread may write: the root as an expression, and between which values what is there lies.

    `slot` says that it is part of an array's element, of which Warp refuses other changes in place than sums where
    it has a gradient.
    """

    node: Expression
    interval: Interval
    slot: bool = True

    @property
    def type(self) -> Type:
        """The type of what is there."""
        return self.node.type

    @property
    def plain(self) -> bool:
        """Whether it is all of an array's element, and no field of one."""
        return isinstance(self.node, Element) and "." not in self.node.array


def composite_type(sketch: Sketch) -> Composite:
    """A vector or a matrix of the kernel's float type, or a vector of whole numbers."""
    match sketch.dice.below(7):
        case 4 | 5:
            rows, columns = sketch.dice.one_of(((2, 2), (3, 3), (2, 3), (3, 2)))
            return types.matrix(rows, columns, sketch.main)
        case 6:
            return types.vector(sketch.dice.one_of((2, 3, 4)), types.INT32)
    return sketch.vector_type(sketch.main)


# ---------------------------------------------------------------- roots


def element_place(sketch: Sketch) -> Place:
    """The thread's own element of a new output array: of numbers, vectors or matrices."""
    of: Scalar | Composite = composite_type(sketch)
    if sketch.dice.chance(30):
        of = sketch.dice.one_of((sketch.main, types.INT32))
    interval = sketch.output_interval(of)
    if of is types.INT32 and sketch.dice.chance(60):
        # a shift to the left is defined of what is not negative
        interval = Interval(0, 7)
    output = sketch.array(of, sketch.launch_shape(), interval, output=True)
    return Place(Element(of, output.name, sketch.own_indices()), Interval(output.low, output.high))


def field_places(sketch: Sketch) -> list[Place]:
    """Some fields of the thread's own element of a new array of structs."""
    inner = struct_type(sketch)
    of = struct_type(sketch, (inner,)) if sketch.dice.chance(40) else inner
    some = sketch.dice.some_of([path for path, _ in leaves(of)], sketch.dice.between(1, 3))
    array = array_of_structs(sketch, of, frozenset(some))
    fields = dict(leaves(of))
    return [_field(sketch, array, path, fields[path]) for path in some]


def _field(sketch: Sketch, array: str, path: str, of: Type) -> Place:
    parameter = next(p for p in sketch.parameters if p.name == f"{array}.{path}")
    return Place(Element(of, parameter.name, sketch.own_indices()), Interval(parameter.low, parameter.high))


def row_places(sketch: Sketch) -> tuple[Statement, list[Place]]:
    """``row = out[i]``, and some elements of the row."""
    count = sketch.dice.between(2, 4)
    of: Scalar | Composite = sketch.vector_type(sketch.main) if sketch.dice.chance(50) else sketch.main
    output = sketch.output(of, (*sketch.launch_shape(), count))
    view = View(types.array(of), output.name, sketch.own_indices())
    name = sketch.fresh()
    interval = Interval(output.low, output.high)
    some = sketch.dice.some_of(range(count), sketch.dice.between(1, 2))
    return Assign(Name(view.type, name), view), [Place(Element(of, name, (whole(n),)), interval) for n in some]


def local_place(sketch: Sketch, of: Composite) -> tuple[Statement, Place]:
    """A local vector or matrix, of which components are changed."""
    value = sketch.fit_local(value_of(sketch, of, 2))
    name = Name(of, sketch.fresh())
    return Assign(name, value.node), Place(name, value.interval, slot=False)


def kept(sketch: Sketch, place: Place) -> Iterator[Statement]:
    """What a local holds in the end, stored whole."""
    assert isinstance(place.type, Composite)
    output = sketch.output(place.type)
    yield Assign(Element(place.type, output.name, sketch.own_indices()), place.node)


# ---------------------------------------------------------------- parts


def part(sketch: Sketch, place: Place) -> Place:
    """A place, or a part of it: a component by name or index, a matrix' row or element."""
    of = place.type
    if not isinstance(of, Composite) or sketch.dice.chance(sketch.weights.targets.whole):
        return place
    sliced = sketch.weights.targets.slot_slice if place.slot else sketch.weights.targets.slice
    if max(of.shape) > 2 and sketch.dice.chance(sliced):
        return Place(_sliced(sketch, place.node, of), place.interval, place.slot)
    match of:
        case Vector():
            index = _index(sketch, of.length)
            node: Expression = Component(of.dtype, place.node, index, _named(sketch, index))
        case Matrix() if sketch.dice.chance(sketch.weights.targets.row):
            row = types.vector(of.columns, of.dtype)
            node = Component(row, place.node, _index(sketch, of.rows))
            if sketch.dice.chance(sketch.weights.targets.nested):
                if not place.slot and of.columns > 2 and sketch.dice.chance(sketch.weights.targets.slice):
                    return Place(_sliced(sketch, node, row), place.interval, place.slot)
                column = _index(sketch, of.columns)
                node = Component(of.dtype, node, column, _named(sketch, column))
        case Matrix():
            node = Component(of.dtype, place.node, _index(sketch, of.rows), column=_index(sketch, of.columns))
        case _:
            return place
    return Place(node, place.interval, place.slot)


def _index(sketch: Sketch, extent: int) -> Expression:
    """Which of `extent` numbers or rows: a number as it stands, or one that only a run knows."""
    if sketch.dice.chance(sketch.weights.targets.dynamic):
        return sketch.group(extent)
    return whole(sketch.dice.below(extent))


def _named(sketch: Sketch, index: Expression) -> bool:
    """Whether a number is called by its name, as only one of a known place can be."""
    return isinstance(index, Literal) and sketch.dice.chance(sketch.weights.targets.attribute)


def _slice(sketch: Sketch, extent: int) -> tuple[Slice, int]:
    """A slice of two places or more of `extent`, and how many they are."""
    dice = sketch.dice
    if dice.chance(sketch.weights.targets.backwards):
        bounds = dice.one_of([b for b in BACKWARDS if len(range(extent)[slice(*b)]) > 1])
        return Slice(*(None if bound is None else whole(bound) for bound in bounds)), len(range(extent)[slice(*bounds)])
    if extent > 2 and dice.chance(20):
        step = Slice(None if dice.chance(60) else whole(0), None, whole(2))
        return step, -(-extent // 2)
    count = dice.between(2, max(2, extent - 1))
    first = dice.below(extent - count + 1)
    start = None if first == 0 and dice.chance(60) else whole(first)
    stop = None if first + count == extent and dice.chance(60) else whole(first + count)
    if stop is None and start is not None and dice.chance(25):
        start = whole(-count)
    return Slice(start, stop), count


def _sliced(sketch: Sketch, base: Expression, of: Composite) -> Part:
    """A slice of a vector, or of a row, a column or a block of a matrix."""
    if not isinstance(of, Matrix):
        index, count = _slice(sketch, of.length)
        return Part(types.vector(count, of.dtype), base, index)
    (rows, height), (columns, width) = _slice(sketch, of.rows), _slice(sketch, of.columns)
    match sketch.dice.below(3):
        case 0:
            return Part(types.vector(width, of.dtype), base, whole(sketch.dice.below(of.rows)), columns)
        case 1:
            return Part(types.vector(height, of.dtype), base, rows, whole(sketch.dice.below(of.columns)))
    return Part(types.matrix(height, width, of.dtype), base, rows, columns)


def change(sketch: Sketch, place: Place, depth: int, stores: int | None = None) -> Statement | None:
    """``target = value``, as `stores` of 100 are, or ``target op= value``; None if the operator does not take what is
    there."""
    of = place.type
    assert isinstance(of, Scalar | Composite)
    scalar = types.element_scalar(of)
    target = place.node
    assert isinstance(target, Element | Component | Name | Part)
    if scalar.kind == "bool":
        return Assign(target, sketch.condition(depth).node)
    if sketch.dice.chance(_others(sketch, place)):
        return _changed(sketch, place, depth)
    value = value_of(sketch, of, depth)
    if scalar.is_integer:
        value = sketch.fit(value, symmetric(rounded(REACH[scalar.notation] / 8, scalar)))
    else:
        value = sketch.fit_local(value)
    if sketch.dice.chance(sketch.weights.targets.store if stores is None else stores):
        place.interval = value.interval
        return Assign(target, value.node)
    operator = sketch.dice.one_of(SUMS)
    size = place.interval.size + value.interval.size
    if size > REACH[scalar.notation]:
        return Assign(target, value.node)
    place.interval = symmetric(size) if scalar.kind != "uint" else Interval(*scalar.limits)
    return AugmentedAssign(target, operator, value.node)


def stored(sketch: Sketch, place: Place) -> Statement:
    """``target = value`` of a whole place."""
    of, target = place.type, place.node
    assert isinstance(of, Scalar | Composite)
    assert isinstance(target, Element | Name)
    value = sketch.condition(1) if of is types.BOOL else sketch.fit_local(value_of(sketch, of, 1))
    return Assign(target, value.node)


def _others(sketch: Sketch, place: Place) -> int:
    """Of 100 changes of a place, how many are by another operator than a sum."""
    targets, of = sketch.weights.targets, place.type
    assert isinstance(of, Scalar | Composite)
    if types.element_scalar(of).is_integer:
        return targets.others
    if not place.slot or (sketch.options is not None and sketch.options.enable_backward is False):
        return targets.scaled
    # of a part of an element, or of a field of one, Warp refuses a product that has a gradient
    return targets.product if place.plain else 0


def _changed(sketch: Sketch, place: Place, depth: int) -> Statement | None:
    """``target *= value`` and its like; of a vector or a matrix, all its numbers by one."""
    of, dice = place.type, sketch.dice
    if isinstance(of, Scalar):
        operator = dice.one_of(OTHERS if of.is_integer else FLOAT_OTHERS)
        if operator in ("mul", "div") and of.is_float:
            return _scaled(sketch, place, of, operator, depth)
        found = _other(sketch, place, of, operator, depth)
        return _scaled(sketch, place, of, "mul", depth) if found is None and of.is_float else found
    assert isinstance(of, Composite)
    if of.dtype.is_float:
        return _scaled(sketch, place, of.dtype, dice.one_of(SCALINGS), depth)
    operator = dice.one_of(WHOLE_SCALINGS)
    if operator == "mul":
        return _scaled(sketch, place, of.dtype, operator, depth)
    value = sketch.filled(of, sketch.literal(of.dtype, Interval(1, 15)).node)
    place.interval = Interval(*of.dtype.limits)
    return _augmented(place, operator, value)


def _scaled(sketch: Sketch, place: Place, scalar: Scalar, operator: str, depth: int) -> Statement | None:
    """``target *= factor`` or ``target /= divisor``, as far as what comes of it stays of moderate size."""
    most, size = REACH[scalar.notation] / 2, place.interval.size
    value = sketch.expression(scalar, depth)
    if operator == "mul":
        room = min(most / max(size, 1.0), FACTOR[scalar.notation])
        small = Interval(0.125, 0.875) if scalar.is_float else Interval(2, 3)
        if value.interval.is_point or room < small.high:
            value = sketch.literal(scalar, small)
        value = sketch.fit(value, symmetric(rounded(room, scalar)))
        reach = size * value.interval.size
    else:
        if value.interval.is_point or size > most * LEAST_DIVISOR:
            value = sketch.literal(scalar, Interval(2, 5))
        value = sketch.fit(value, Away(LEAST_DIVISOR, REACH[scalar.notation]))
        reach = size / min(abs(value.interval.low), abs(value.interval.high))
    if reach > most:
        return None
    place.interval = symmetric(reach) if scalar.kind != "uint" else Interval(*scalar.limits)
    return _augmented(place, operator, value.node)


def _augmented(place: Place, operator: str, value: Expression) -> Statement:
    target = place.node
    assert isinstance(target, Element | Component | Name | Part)
    return AugmentedAssign(target, operator, value)


def _other(sketch: Sketch, place: Place, of: Scalar, operator: str, depth: int) -> Statement | None:
    """Another operator in place, where its operands are inside its domain."""
    row = OPS[operator]
    first, second = row.domain(of)[:2]
    if not isinstance(first, Interval) or not place.interval.within(first):
        return None
    value = sketch.expression(of, depth)
    if value.interval.is_point or operator in ("lshift", "rshift"):
        value = sketch.literal(of, Interval(1, 3))
    value = sketch.fit(value, second)
    interval = row.result_interval(of, place.interval, value.interval)
    if interval.size > REACH[of.notation]:
        return None
    place.interval = interval
    return _augmented(place, operator, value.node)


def value_of(sketch: Sketch, of: Scalar | Composite, depth: int) -> Typed:
    """A value for a target: of a matrix, its numbers one by one, or a product with one of them."""
    if isinstance(of, Vector) and of.length < 4 and sketch.dice.chance(sketch.weights.targets.read_slice):
        extent = sketch.dice.between(of.length + 1, 4)
        longer = sketch.element(types.vector(extent, of.dtype))
        index = sketch.dice.one_of(slices(extent, of.length))
        return Typed(Part(of, longer.node, index), longer.interval, longer.live)
    if isinstance(of, Scalar | Vector):
        return sketch.expression(of, depth)
    if sketch.readable(of) or sketch.dice.chance(50):
        found = sketch.element(of)
        factor = sketch.expression(of.dtype, depth - 1)
        factor = sketch.fit(factor, symmetric(4.0))
        size = found.interval.size * factor.interval.size
        node = Apply(of, "mul", (found.node, factor.node))
        return Typed(node, symmetric(size), True)
    parts = [sketch.fit_local(sketch.expression(of.dtype, 1)) for _ in range(of.length)]
    interval = parts[0].interval
    for other in parts[1:]:
        interval = interval.join(other.interval)
    return Typed(Construct(of, tuple(p.node for p in parts)), interval, any(p.live for p in parts))
