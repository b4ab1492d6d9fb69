"""Images, volumes and feature maps: channels, halos, pooling, normalisation of a batch, sampling between cells."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Final

from strategies.blocks import whole
from strategies.intervals import Interval
from strategies.language.nodes import Parameter, Slice
from strategies.repertoire.axes import across
from strategies.repertoire.endings import finish, worked_on
from strategies.repertoire.forms import Form
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value


def channels(pen: Pen) -> None:
    """The channels of a pixel: each scaled and shifted, mixed by a matrix, or all weighed into one."""
    dice, count = pen.dice, pen.dice.between(2, 4)
    pixel = across(pen, count, 1.0)
    kind = dice.weighted(((4, "each"), (3, "mixed"), (3, "one"), (3, "share")))
    gain = pen.input(span=Interval(0.5, 1.5), shape=(count,))
    if kind == "one":
        total = pen.total()
        with pen.loop(count) as c:
            value = pixel.at(c)
            pen.add(total, value * pen.at(gain, c) if dice.chance(60) else pen.at(gain, c) * value * value)
        finish(pen, pen.settled(total))
        return
    target = across(pen, count, output=True)
    if kind == "mixed":
        matrix = pen.input(span=1.0, shape=(count, count))
        with pen.loop(count) as r:
            total = pen.total()
            with pen.loop(count) as c:
                pen.add(total, pen.at(matrix, r, c) * pixel.at(c))
            target.store(worked_on(pen, pen.settled(total)), r)
        return
    sure: Value | None = None
    if kind == "share":
        total = pen.total()
        with pen.loop(count) as c:
            value = pixel.at(c)
            pen.add(total, value * value if dice.chance(50) else pen.op("abs", value))
        sure = pen.let(pen.above(total, 0.0) + pen.number(0.25, 0.5))
        if dice.chance(50):
            sure = pen.let(pen.op("sqrt", sure))
    bias = pen.input(span=0.5, shape=(count,)) if dice.chance(60) else None
    with pen.loop(count) as c:
        value = pixel.at(c)
        value = value / sure if sure is not None else value * pen.at(gain, c)
        if bias is not None:
            value = value + pen.at(bias, c) if dice.chance(60) else value - pen.at(bias, c)
        target.store(worked_on(pen, value), c, "add" if dice.chance(20) else None)


class _Padded:
    """A field with a border of one cell around what the launch covers, along its last axes."""

    def __init__(self, pen: Pen, axes: int) -> None:
        self.pen, launch = pen, pen.sketch.launch
        self.first = len(launch) - axes
        shape = (*launch[: self.first], *(n + 2 for n in launch[self.first :]))
        self.array = pen.input(shape=shape)
        self.inner: Parameter | None = None
        if pen.dice.chance(90):
            within = tuple(Slice(whole(1), whole(-1)) for _ in range(axes))
            self.inner = pen.part(self.array, *pen.own[: self.first], *within, lengths=launch[self.first :])

    def at(self, axis: int = 0, offset: int = 0) -> Value:
        """The thread's own cell, or the one that many cells away along an axis."""
        pen = self.pen
        if self.inner is not None and offset == 0:
            return pen.at(self.inner, *pen.own[self.first :])
        place = [v if n < self.first else v + 1 for n, v in enumerate(pen.own)]
        if offset:
            place[axis] = pen.own[axis] + (1 + offset) if offset > -1 else pen.own[axis]
        return pen.at(self.array, *place)


def halo(pen: Pen) -> None:
    """A stencil on an array with a border, so that no cell needs a test: a Laplacian, a mean, a gradient, a flux."""
    dice, launch = pen.dice, pen.sketch.launch
    axes = min(3, len(launch)) if dice.chance(75) else 1
    field = _Padded(pen, axes)
    along = range(len(launch) - axes, len(launch))
    centre = pen.let(field.at()) if dice.chance(60) else field.at()
    sides = [(field.at(axis, -1), field.at(axis, 1)) for axis in along]
    match dice.below(5):
        case 0:
            parts = [low + high for low, high in sides]
            found = reduce(add, parts) - centre * float(2 * axes)
        case 1:
            found = (reduce(add, [low + high for low, high in sides]) + centre) / float(2 * axes + 1)
        case 2:
            slopes = [pen.let(0.5 * (high - low)) for low, high in sides]
            found = reduce(add, [s * s for s in slopes])
        case 3:
            parts = [pen.let(low - 2.0 * centre + high) for low, high in sides]
            rates = [pen.number(0.125, 0.75) for _ in parts]
            found = centre + reduce(add, [r * p for r, p in zip(rates, parts, strict=True)])
        case _:
            ends = [pen.op("max", pen.op("max", low, high), centre) for low, high in sides[:1]]
            for low, high in sides[1:]:
                ends.append(pen.op("max", low, high))
            found = ends[0]
            for end in ends[1:]:
                found = pen.op("max", pen.let(found), end)
    if dice.chance(30):
        found = pen.at(pen.input()) * pen.number(0.25, 1.0) + found
    finish(pen, pen.named(found, 50))


def normalized(pen: Pen) -> None:
    """Features less a mean, over a deviation that was kept for each channel, or for each channel of each sample."""
    dice, launch = pen.dice, pen.sketch.launch
    axis = min(1, len(launch) - 1) if dice.chance(70) else dice.below(len(launch))
    each = len(launch) > 1 and dice.chance(35)
    axes = tuple(sorted({0, axis})) if each else (axis,)
    if each and len(axes) == 1:
        axes = (0, 1)
    shape, place = tuple(launch[a] for a in axes), tuple(pen.own[a] for a in axes)
    groups = dice.chance(20) and launch[axis] > 1 and not each
    if groups:
        shape, place = ((launch[axis] + 1) // 2,), ((pen.own[axis] // 2).narrowed(0, (launch[axis] - 1) // 2),)

    def kept(span: Interval | float) -> Value:
        """A number of the thread's channel, by a row of them at times."""
        array = pen.input(span=span, shape=shape)
        if len(shape) > 1 and dice.chance(60):
            return pen.at(pen.part(array, place[0]), *place[1:])
        return pen.at(array, *place)

    x = pen.input()
    value = pen.at(pen.part(x, pen.own[0]), *pen.own[1:]) if len(launch) > 1 and dice.chance(85) else pen.at(x)
    found = value - kept(1.0) if dice.chance(85) else value
    variance = kept(Interval(0.25, 2.0))
    match dice.below(3):
        case 0:
            found = found / pen.op("sqrt", variance + pen.number(0.0625, 0.25))
        case 1:
            found = found * pen.let(1.0 / pen.op("sqrt", variance + pen.number(0.0625, 0.25)))
        case _:
            found = found / (pen.op("sqrt", variance) + pen.number(0.0625, 0.25))
    if dice.chance(75):
        found = pen.named(found, 60) * kept(Interval(0.5, 1.5))
        if dice.chance(70):
            found = found + kept(0.5)
    if len(launch) > 1 and dice.chance(50):
        row = pen.part(pen.output(), pen.own[0])
        pen.store(row, worked_on(pen, found), *pen.own[1:])
    else:
        finish(pen, found)


def sampled(pen: Pen) -> None:
    """A value between the cells of an image or a volume: by two, four or eight of them, from planes or rows."""
    dice, axes = pen.dice, pen.dice.weighted(((4, 2), (3, 3), (1, 1)))
    shape = tuple(dice.between(3, 5) for _ in range(axes))
    grid = pen.input(shape=shape)
    low, part = list[Value](), list[Value]()
    for extent in shape:
        x = pen.let(pen.at(pen.input(span=Interval(0.125, extent - 1.25))))
        cell = pen.let(pen.cut(pen.op("floor", x) if dice.chance(50) else x, 0, extent - 2))
        low.append(cell)
        part.append(pen.let((x - pen.cast(cell)).narrowed(0.0, 1.0)))
    named = axes > 1 and dice.chance(75)
    above = pen.part(grid, low[0]) if named else None
    below = pen.part(grid, (low[0] + 1).narrowed(1, shape[0] - 1)) if named else None
    nearest = dice.chance(25)

    def corner(offsets: tuple[int, ...]) -> Value:
        place = [c if not o else (c + 1).narrowed(1, n - 1) for c, o, n in zip(low, offsets, shape, strict=True)]
        view = below if offsets[0] else above
        return pen.at(view, *place[1:]) if view is not None else pen.at(grid, *place)

    way = dice.below(3)

    def mixed(one: Value, other: Value, t: Value) -> Value:
        if way == 0:
            found = pen.op("lerp", one, other, t)
        else:
            found = one + t * (other - one) if way == 1 else (1.0 - t) * one + t * other
        # between the two, but for rounding
        return found.narrowed(grid.low * 1.0625, grid.high * 1.0625)

    def between(axis: int, offsets: tuple[int, ...]) -> Value:
        if axis == axes:
            return corner(offsets)
        one, other = between(axis + 1, (*offsets, 0)), between(axis + 1, (*offsets, 1))
        if axis == axes - 1 and nearest:
            return pen.let(pen.choose(part[axis] < 0.5, one, other))
        found = mixed(one, other, part[axis])
        return pen.let(found) if axis else found

    finish(pen, between(0, ()))


def pooled(pen: Pen) -> None:
    """Blocks of cells, each brought to one: the largest, the mean, a weighted sum; along one axis or two."""
    dice, launch = pen.dice, pen.sketch.launch
    axes = 2 if len(launch) > 1 and dice.chance(70) else 1
    first = len(launch) - axes
    size = 2 if axes == 2 else dice.between(2, 3)
    array = pen.input(span=1.5, shape=(*launch[:first], *(n * size for n in launch[first:])))
    starts = tuple(pen.let(v * size) if dice.chance(30) else v * size for v in pen.own[first:])
    view: Parameter | None = None
    if first and dice.chance(70):
        view = pen.part(array, *pen.own[:first])
    kind = dice.weighted(((4, "max"), (3, "mean"), (3, "weights"), (2, "norm")))
    weights = pen.input(span=1.0, shape=(size,) * axes) if kind == "weights" else None

    def at(offsets: tuple[Value | int, ...]) -> Value:
        moved = [s + o if isinstance(o, Value) or o else s for s, o in zip(starts, offsets, strict=True)]
        return pen.at(view, *moved) if view is not None else pen.at(array, *pen.own[:first], *moved)

    best = pen.let(at((0,) * axes), mutable=True) if kind == "max" else None
    total = best or pen.total()

    def visit(offsets: tuple[Value, ...]) -> None:
        if len(offsets) < axes:
            with pen.loop(size) as k:
                visit((*offsets, k))
            return
        value = at(offsets)
        if best is not None:
            pen.assign(best, pen.op("max", best, value))
        elif weights is not None:
            pen.add(total, value * pen.at(weights, *offsets))
        elif kind == "norm":
            value = pen.let(value)
            pen.add(total, value * value)
        else:
            pen.add(total, value)

    visit(())
    found = best or pen.settled(total)
    if kind == "mean":
        found = found / float(size**axes)
    finish(pen, found)


IMAGES: Final[tuple[Form[Callable[[Pen], None]], ...]] = (
    Form(5, channels, most=3), Form(8, halo, least=2), Form(5, normalized, least=2), Form(4, sampled),
    Form(3, pooled, least=2),
)  # fmt: skip
