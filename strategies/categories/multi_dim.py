"""Arrays and launches of two to four dimensions: matrices, rows, planes, slices, views of views, read and written."""

import math
from collections.abc import Iterator
from typing import Final

from strategies import views
from strategies.blocks import whole
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Element,
    Expression,
    Extent,
    For,
    Literal,
    Name,
    Parameter,
    Statement,
)
from strategies.language.types import INT32, Array, Scalar, Vector
from strategies.ops import OPS
from strategies.repertoire.forms import one_for
from strategies.repertoire.grids import GRIDS
from strategies.repertoire.pen import Pen
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

#: Extents differ, so that exchanged ones show; a last axis is at times longer than a vector.
LAUNCHES: Final = (
    (3, 4), (4, 2), (5, 3), (2, 7), (2, 3, 2), (3, 2, 4), (2, 2, 5), (1, 2, 2, 3), (2, 1, 3, 2), (2, 3, 1, 2),
    (4,), (5,), (3,),
)  # fmt: skip
#: Of 100 kernels, how many are computations that arrays of several dimensions are for.
WORKED: Final = 57
#: Cells of one output at most, and stores of one thread.
MOST_STORES: Final = 4


def _dtype(sketch: Sketch) -> Scalar | Vector:
    return sketch.vector_type(sketch.main) if sketch.vectors and sketch.dice.chance(40) else sketch.main


def _input(sketch: Sketch) -> Parameter:
    """An array of more dimensions than one, mostly one more than the launch."""
    least = max(2, len(sketch.launch))
    return views.grid(
        sketch, _dtype(sketch), sketch.dice.one_of([n for n in (least, least + 1, 3, 4) if least <= n <= 4])
    )


def _parts(sketch: Sketch, array: Parameter) -> tuple[list[Statement], Parameter]:
    """A view of an array or, half of the time where that has dimensions left, a view of that view."""
    dice = sketch.dice
    made, part = (views.sliced if dice.chance(50) else views.row)(sketch, array)
    if len(part.shape) > 1 and dice.chance(50):
        again, part = views.sliced(sketch, part) if dice.chance(50) else views.row(sketch, part, own=False)
        made += again
    return made, part


def _number(sketch: Sketch, value: Typed) -> Typed:
    """`value` as a scalar of the kernel's type."""
    return sketch.as_type(value, sketch.main)


def _fold(sketch: Sketch, part: Parameter) -> list[Statement]:
    """``for k in range(row.shape[0]): acc += row[k] * w``, over one axis of a part."""
    dice = sketch.dice
    axis = part.shape.index(max(part.shape)) if dice.chance(60) else dice.below(len(part.shape))
    extent = part.shape[axis]
    index = Name(INT32, sketch.fresh())
    at = tuple(index if n == axis else views.own_or_position(sketch, part, n) for n in range(len(part.shape)))
    value = _number(sketch, views.element(sketch, part, at))
    match dice.below(3):
        case 0:
            weight = sketch.literal(sketch.main, Interval(0.125, 0.75))
            value = sketch.apply(OPS["mul"], sketch.main, [value, weight])
        case 1:
            others = [p for p in sketch.readable(sketch.main) if len(p.shape) == 1 and p.shape[0] >= extent]
            other = dice.one_of(others) if others else sketch.array(sketch.main, (extent,), symmetric(1.0))
            value = sketch.apply(OPS["mul"], sketch.main, [value, views.element(sketch, other, (index,))])
    value = sketch.fit(value, symmetric(4.0))
    total = sketch.define_as(Typed(Literal(sketch.main, 0.0), Interval(0, 0)), mutable=True)
    variable = sketch.defined[-1]
    variable.interval, variable.live = symmetric(4.0 * extent + 1), True
    change = AugmentedAssign(Name(sketch.main, variable.name), dice.one_of(("add", "add", "sub")), value.node)
    stop: Expression = whole(extent)
    if _fixed(sketch, part) and dice.chance(50):
        stop = Extent(INT32, part.name, axis)
        # the loop is not unrolled, and not replayed where a gradient needs the sum
        variable.sum_only = True
    return [total, For(index.name, stop, (change,))]


def _fixed(sketch: Sketch, part: Parameter) -> bool:
    """Whether the lengths of a part are the same for all threads: those of an array are."""
    return part.name not in sketch.moving


def _combination(sketch: Sketch, parts: list[Parameter]) -> Statement:
    """A local out of a few elements of arrays and parts."""
    dice = sketch.dice
    value = _number(sketch, views.element(sketch, dice.one_of(parts)))
    for _ in range(dice.between(1, 2)):
        other = _number(sketch, views.element(sketch, dice.one_of(parts)))
        if other.node == value.node:
            other = sketch.literal(sketch.main)
        op = dice.one_of(("add", "sub", "mul", "mul", "max", "min"))
        value = sketch.apply(OPS[op], sketch.main, [value, other])
    return sketch.define_as(sketch.fit_local(value), mutable=dice.chance(40))


def _store_through(sketch: Sketch) -> Iterator[Statement]:
    """An output of one dimension more than the launch, written through the thread's own part of it."""
    dice = sketch.dice
    output = views.grid(sketch, sketch.main, len(sketch.launch) + 1, output=True)
    made, part = views.row(sketch, output)
    yield from made
    cells = list(range(part.shape[0]))
    for n in range(min(len(cells), dice.between(1, MOST_STORES))):
        cell = cells.pop(dice.below(len(cells)))
        at = whole(cell - part.shape[0] if dice.chance(views.FROM_END) else cell)
        target = Element(sketch.main, part.name, (at,))
        value = sketch.result(sketch.main, dice.between(0, 2)) if n == 0 else sketch.expression(sketch.main, 2)
        if dice.chance(25):
            yield AugmentedAssign(target, "add", sketch.summand(output, value, 1).node)
        else:
            yield Assign(target, value.node)


def _reduce(sketch: Sketch) -> Statement:
    """A sum over some axes of the launch, in an array of the others."""
    count = len(sketch.launch)
    axes = sorted(sketch.dice.some_of(range(count), sketch.dice.between(1, count - 1))) if count > 1 else []
    shape = tuple(sketch.launch[axis] for axis in axes) or (1,)
    output = sketch.output(sketch.main, shape=shape)
    at = tuple(sketch.own_indices()[axis] for axis in axes) or (whole(0),)
    value = sketch.summand(output, sketch.result(sketch.main, 1), math.prod(sketch.launch))
    return Atomic("atomic_add", output.name, at, value.node)


def _permuted(sketch: Sketch) -> Statement:
    """A store with the axes in another order."""
    order = sketch.dice.some_of(range(len(sketch.launch)), len(sketch.launch))
    output = sketch.output(sketch.main, shape=tuple(sketch.launch[axis] for axis in order))
    at = tuple(sketch.own_indices()[axis] for axis in order)
    return Assign(Element(sketch.main, output.name, at), sketch.result(sketch.main, sketch.dice.between(0, 2)).node)


def body(sketch: Sketch) -> Iterator[Statement]:
    """A product, a patch, a row's norm; or views of arrays, locals out of their elements, a store of several kinds."""
    dice = sketch.dice
    if dice.chance(WORKED):
        pen = Pen(sketch)
        one_for(len(sketch.launch), GRIDS, dice)(pen)
        yield from pen.body
        return
    sketch.vectors = dice.chance(20)
    sketch.max_arrays = 5
    arrays = [_input(sketch) for _ in range(dice.between(1, 2))]
    parts = list(arrays)
    for _ in range(dice.between(1, 3)):
        array = dice.one_of(arrays)
        if not dice.chance(80):
            yield _combination(sketch, [array])
            continue
        made, part = _parts(sketch, array)
        yield from made
        parts.append(part)
        if max(part.shape) > 1 and dice.chance(45):
            yield from _fold(sketch, part)
        else:
            yield _combination(sketch, [part, part, dice.one_of(parts)])
    yield from sketch.block(dice.below(2), Statements(branch=1), 2)
    match dice.below(5):
        case 0 | 1 if len(sketch.launch) < types.MAX_ARRAY_DIMENSIONS:
            yield from _store_through(sketch)
        case 2:
            yield _reduce(sketch)
        case 3:
            yield _permuted(sketch)
        case _:
            output = views.grid(sketch, sketch.main, len(sketch.launch), output=True)
            assert isinstance(output.type, Array)
            yield sketch.store(output, sketch.result(sketch.main, dice.between(0, 2)))
