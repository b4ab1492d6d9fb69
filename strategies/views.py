"""Parts of arrays under local names: ``row = a[i]``, ``inner = a[1:-1, j]``, views of views."""

from __future__ import annotations

from typing import Final

from strategies.blocks import whole
from strategies.intervals import Interval
from strategies.language.nodes import Assign, Element, Expression, Name, Parameter, Slice, Statement, View
from strategies.language.types import INT32, Array, Scalar, Vector
from strategies.language.views import view_type
from strategies.statements import Sketch
from strategies.typed import Typed

#: Of 100 fixed positions, how many count from the end.
FROM_END: Final = 30
#: Of 100 bounds of slices, how many lie beyond the end of the axis, which Python and NumPy take for the end.  Warp is
#: known not to where the slice runs backwards, and pairs with that are not kept.
BEYOND: Final = 4
#: Of 100 parts of an axis that would have one element, how many have.
SINGLE: Final = 10
#: Of 100 axes that a view keeps, in how many it takes a part of the axis.
SLICED: Final = 60


def position(sketch: Sketch, extent: int) -> Expression:
    """A place along an axis: a number, perhaps from the end, or an index of the thread or a loop."""
    node = sketch.index(extent)
    if sketch.dice.chance(55):
        node = whole(sketch.dice.below(extent))
    number = getattr(node, "value", None)
    if number is not None and sketch.dice.chance(FROM_END):
        return whole(int(number) - extent)
    return node


def own_or_position(sketch: Sketch, array: Parameter, axis: int) -> Expression:
    """The thread's own index along an axis that it covers, mostly; else any place."""
    if axis < len(sketch.indices) and sketch.launch[axis] <= array.shape[axis] and sketch.dice.chance(75):
        return sketch.own_indices()[axis]
    return position(sketch, array.shape[axis])


def element(sketch: Sketch, array: Parameter, positions: tuple[Expression, ...] | None = None) -> Typed:
    """An element of an array, or of a part of one."""
    assert isinstance(array.type, Array)
    if positions is None:
        positions = sketch.off_diagonal(
            [own_or_position(sketch, array, n) for n in range(len(array.shape))], array.shape
        )
    sketch.nodes += 1 + len(positions)
    live = sketch.has_gradient(array)
    return Typed(Element(array.type.dtype, array.name, positions), Interval(array.low, array.high), live)


def take(
    sketch: Sketch, array: Parameter, indices: tuple[Expression | Slice, ...], lengths: tuple[int, ...]
) -> tuple[list[Statement], Parameter]:
    """``name = array[indices]``, and what `name` stands for from here on; no statement if there is such a name.

    `lengths` are those of the axes that have a slice, at least; axes without an index keep theirs.
    """
    assert isinstance(array.type, Array)
    shape = (*lengths, *array.shape[len(indices) :])
    of = view_type(array.type, View(array.type, array.name, indices))
    assert of is not None
    view = View(of, array.name, indices)
    if (known := sketch.taken.get(view)) in sketch.views and known is not None:
        return [], known
    part = Parameter(sketch.fresh(), of, array.low, array.high, shape, array.output)
    sketch.views.append(part)
    sketch.taken[view] = part
    moves = any(isinstance(index, Slice) and isinstance(index.start, Name) for index in indices)
    if moves or array.name in sketch.moving:
        sketch.moving.add(part.name)
    return [Assign(Name(of, part.name), view)], part


def row(sketch: Sketch, array: Parameter, own: bool = True) -> tuple[list[Statement], Parameter]:
    """The part of an array at one place of its first axes: a row of two dimensions, a plane or a line of three.

    With `own`, the places are the thread's, so that no two threads have the same if all its indices are among them.
    """
    ndim = len(array.shape)
    count = min(ndim - 1, len(sketch.indices)) if own else sketch.dice.between(1, ndim - 1)
    indices = sketch.own_indices()[:count] if own else ()
    if not own:
        indices = sketch.off_diagonal([own_or_position(sketch, array, n) for n in range(count)], array.shape[:count])
    return take(sketch, array, indices, ())


def sliced(sketch: Sketch, array: Parameter) -> tuple[list[Statement], Parameter]:
    """A part of an array with one axis or more sliced."""
    dice, ndim = sketch.dice, len(array.shape)
    kept = dice.below(ndim)
    indices: list[Expression | Slice] = []
    lengths: list[int] = []
    for axis in range(ndim):
        if axis == kept or dice.chance(35):
            part, length = slice_of(sketch, array.shape[axis])
            indices.append(part)
            lengths.append(length)
        else:
            indices.append(own_or_position(sketch, array, axis))
    if dice.chance(40):
        # axes at the end that are kept whole need no colon
        while len(indices) > 1 and indices[-1] == Slice():
            indices.pop()
            lengths.pop()
    return take(sketch, array, tuple(indices), tuple(lengths))


def slice_of(sketch: Sketch, extent: int) -> tuple[Slice, int]:
    """A part of an axis, and how long it is at least; never empty."""
    dice = sketch.dice
    if extent < 2 or not dice.chance(SLICED):
        return Slice(), extent
    step = dice.one_of((1, 1, 1, 2, 2, -1, -1, 3, -2))
    start, stop = _bounds(sketch, extent, step)
    positions = range(extent)[slice(start, stop, step)]
    if not positions or (len(positions) == 1 and not dice.chance(SINGLE)):
        return Slice(), extent
    if step == 1 and dice.chance(20):
        moving = _moving_start(sketch, extent)
        if moving is not None:
            return moving
    if step > 0 and start == 0:
        start = None
    return Slice(_bound(start), _bound(stop), None if step == 1 else whole(step)), len(positions)


def _bounds(sketch: Sketch, extent: int, step: int) -> tuple[int | None, int | None]:
    """Where a slice begins and ends: left out, or a number, perhaps from the end."""
    dice = sketch.dice
    low, high = dice.below(extent - 1), dice.between(2, extent)
    first: int | None = low if step > 0 else high - 1
    last: int | None = high if step > 0 else low
    if dice.chance(40):
        first = None
    elif first is not None and dice.chance(FROM_END):
        first -= extent
    if dice.chance(40) or (last is not None and step < 0 and last == 0):
        last = None
    elif last is not None and dice.chance(FROM_END) and last < extent:
        last -= extent
    if dice.chance(BEYOND):
        first = None if first is None else extent + dice.below(3) if step < 0 else -extent - dice.between(1, 3)
    if dice.chance(BEYOND):
        last = None if last is None else -extent - dice.between(1, 3) if step < 0 else extent + dice.between(1, 3)
    return first, last


def _bound(value: int | None) -> Expression | None:
    return None if value is None else whole(value)


def _moving_start(sketch: Sketch, extent: int) -> tuple[Slice, int] | None:
    """``i:``, a slice that begins at an index of the thread, or ends behind it."""
    fitting = [v for v in sketch.indices if v.interval.high <= extent - 1]
    if not fitting:
        return None
    index = sketch.dice.one_of(fitting)
    return Slice(Name(INT32, index.name)), extent - int(index.interval.high)


def grid(sketch: Sketch, dtype: Scalar | Vector, ndim: int, output: bool = False) -> Parameter:
    """An array of `ndim` dimensions: those of the launch first, others after them."""
    dice = sketch.dice
    further = tuple(dice.one_of((2, 3, 4, 5, 6)) for _ in range(ndim - len(sketch.launch)))
    extents = (*sketch.launch, *further)[:ndim]
    if not output and dice.chance(25):
        extents = (extents[0] + dice.between(1, 2), *extents[1:])
    if output:
        return sketch.output(dtype, shape=extents)
    return sketch.array(dtype, extents, sketch.input_interval(dtype))
