"""Ways to elements of arrays: slices and rows, places along axes, stores through a part of an output."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from strategies import views
from strategies.blocks import whole
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Cast,
    Element,
    Expression,
    Extent,
    For,
    Literal,
    Name,
    Parameter,
    Statement,
)
from strategies.language.types import INT32, Array
from strategies.repertoire.access.base import Access, Draw

#: Of 100 arrays that are sliced, how many are longer than the last axis of a launch.
LONG: Final = 60


def _slice(way: Access) -> Iterator[Statement]:
    """A part of an array of one dimension or more, its length, and elements of it."""
    dice, sketch = way.dice, way.sketch
    ndim = dice.one_of((1, 1, 1, 2, 2, 3))
    shape = tuple(dice.one_of((5, 6, 7, 8, 9) if dice.chance(LONG) else (2, 3, 4)) for _ in range(ndim))
    array = way.array(way.of, shape)
    statements, part = views.sliced(sketch, array)
    yield from statements
    if len(part.shape) > 1 and dice.chance(40):
        again, part = views.sliced(sketch, part) if dice.chance(50) else views.row(sketch, part, own=False)
        yield from again
    yield way.stored(way.mixed(_element(way, part)))
    if dice.chance(50):
        yield way.stored(Extent(INT32, part.name, dice.below(len(part.shape))))
    else:
        # the far end, where a length that is off by one shows
        yield way.stored(_far_end(part))


def _element(way: Access, array: Parameter) -> Expression:
    assert isinstance(array.type, Array)
    return Element(array.type.dtype, array.name, tuple(way.at(extent) for extent in array.shape))


def _far_end(array: Parameter) -> Expression:
    assert isinstance(array.type, Array)
    return Element(array.type.dtype, array.name, tuple(whole(extent - 1) for extent in array.shape))


def _sweep(way: Access) -> Iterator[Statement]:
    """All elements of a part of the thread's row, weighted, so that a wrong place shows."""
    dice, sketch = way.dice, way.sketch
    count = dice.one_of((5, 6, 7, 9))
    array = way.array(way.of, (sketch.launch[0], count) if dice.chance(75) else (count,))
    part, length = views.slice_of(sketch, count)
    rows = way.own()[:1] if len(array.shape) > 1 else ()
    statements, view = views.take(sketch, array, (*rows, part), (length,))
    yield from statements
    total, index = Name(way.of, sketch.fresh()), Name(INT32, sketch.fresh())
    yield Assign(total, Cast(way.of, Literal(way.of, 0.0)))
    if rows and dice.chance(60):
        weight: Expression = Element(way.of, way.array(way.of, (count,)).name, (index,))
    else:
        weight = Cast(way.of, Apply(INT32, "add", (index, whole(1))))
    read = Element(way.of, view.name, (index,))
    stop: Expression = whole(view.shape[0])
    if dice.chance(50) and view.name not in sketch.moving:
        stop = Extent(INT32, view.name, 0)
    yield For(index.name, stop, (AugmentedAssign(total, "add", Apply(way.of, "mul", (read, weight))),))
    # of an array that has no rows the sum is the same for all threads
    yield way.stored(total if rows else Apply(way.of, "mul", (total, way.x())))


def _row(way: Access) -> Iterator[Statement]:
    """A row, a plane or a line of an array of more dimensions."""
    dice = way.dice
    shape = tuple(dice.one_of((2, 3, 4, 5)) for _ in range(dice.between(2, 4)))
    statements, part = views.row(way.sketch, way.array(way.of, shape), own=False)
    yield from statements
    yield way.stored(way.mixed(_element(way, part)))


def _place(ndim: int, way: Access) -> Iterator[Statement]:
    """Elements of an array, at the thread's place, at fixed and at given ones, and at its far end."""
    dice = way.dice
    shape = tuple(dice.one_of((2, 3, 5, 6)) for _ in range(ndim))
    array = way.array(dice.one_of((way.of, way.of, INT32)), shape)
    yield way.stored(way.mixed(_element(way, array)))
    if dice.chance(40):
        yield way.stored(_element(way, array))
    else:
        yield way.stored(_far_end(array))


def _twice(way: Access) -> Iterator[Statement]:
    """One element read several times, whose gradient is the sum."""
    array = way.array(way.of, way.sketch.launch_shape())
    read = Element(way.of, array.name, way.own())
    first, begin = way.local(read)
    yield begin
    yield way.stored(Apply(way.of, way.dice.one_of(("mul", "add")), (first, Apply(way.of, "mul", (read, way.x())))))
    yield way.stored(_element(way, array))


def _threads(way: Access) -> Iterator[Statement]:
    """Which thread it is, counted through all axes: kept, and where it reads in an array of one axis."""
    sketch, dice = way.sketch, way.dice
    flat, extent = way.own()[0], sketch.launch[0]
    for own, count in zip(way.own()[1:], sketch.launch[1:], strict=True):
        flat = Apply(INT32, "add", (Apply(INT32, "mul", (flat, whole(count))), own))
        extent *= count
    if len(sketch.launch) == 1:
        flat = Apply(INT32, "sub", (whole(extent - 1), flat))
    place, begin = way.local(flat)
    yield begin
    line = way.array(way.of, (extent,))
    yield way.stored(way.mixed(Element(way.of, line.name, (place,))))
    if dice.chance(60):
        yield way.stored(place)


def _scattered(way: Access) -> Iterator[Statement]:
    """A store through a part of an output: a row of it, or a slice with the thread's own place."""
    dice, sketch = way.dice, way.sketch
    own = way.own()
    more = dice.between(1, 3)
    extents = (*sketch.launch, more) if len(sketch.launch) < 4 else sketch.launch
    output = sketch.output(way.of, shape=extents)
    if len(own) == 1 or not dice.chance(60):
        index = (*own, whole(dice.below(more)))[: len(extents)]
        yield Assign(Element(way.of, output.name, index), way.x())
        return
    statements, part = views.take(sketch, output, own[:1], ())
    yield from statements
    index = (*own[1:], whole(dice.below(more)))[: len(part.shape)]
    yield Assign(Element(way.of, part.name, index), way.x())


WAYS: Final[dict[str, Draw]] = {
    "slice": _slice, "sweep": _sweep, "row": _row, "twice": _twice, "threads": _threads, "scattered": _scattered,
    **{f"place of {ndim} axes": partial(_place, ndim) for ndim in range(1, 5)},
}  # fmt: skip
