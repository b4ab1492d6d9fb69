"""Stencils on fields of one to three dimensions: Laplacians, gradients, sweeps, windows and steps in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from strategies.intervals import Interval
from strategies.language.nodes import Expression, Parameter, Return, Statement
from strategies.language.types import INT32
from strategies.repertoire.forms import Form, one_for
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value
from strategies.statements import Sketch

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("neighbour",))

#: Every axis has neighbours on both sides.
LAUNCHES: Final = (
    (8,), (7,), (12,), (5,), (16,), (9,), (4, 5), (3, 4), (5, 3), (6, 4), (4, 4), (3, 7), (5, 5), (3, 3, 4), (4, 3, 3),
    (3, 4, 3),
)  # fmt: skip


class _Grid:
    """A field's neighbourhood around the thread's cell, and what happens at its edges."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.dice = pen.dice
        self.edge = self.dice.weighted(((4, "held"), (3, "wrapped"), (5, "inside")))
        self.places: dict[tuple[int, int], Value] = {}
        #: whether places beside the own one have names
        self.names = self.edge != "inside" and self.dice.chance(50)
        self.shaped = 100 if self.dice.chance(50) else 0

    @property
    def axes(self) -> range:
        return range(len(self.pen.sketch.launch))

    def field(self, span: float = 2.0) -> Parameter:
        """A field that covers the launch."""
        return self.pen.input(span=span, shape=self.pen.sketch.launch)

    def at(self, field: Parameter, *moves: tuple[int, int]) -> Value:
        """The cell that is `moves` away, each an axis and an offset."""
        place = list(self.pen.own)
        for axis, offset in moves:
            place[axis] = self._beside(field, axis, offset)
        return self.pen.at(field, *place)

    def _beside(self, field: Parameter, axis: int, offset: int) -> Value:
        if offset == 0:
            return self.pen.own[axis]
        if (axis, offset) not in self.places or not self.names:
            found = self.beside(field, axis, offset)
            self.places[axis, offset] = self.pen.let(found) if self.names else found
        return self.places[axis, offset]

    def beside(self, field: Parameter, axis: int, offset: int) -> Value:
        """The place that many cells away along an axis: held at the ends, wrapped around, or known to be inside."""
        pen, own, extent = self.pen, self.pen.own[axis], field.shape[axis]
        moved = own + offset if offset > 0 else own - -offset
        if self.edge == "inside":
            return moved.narrowed(max(0, offset), extent - 1 + min(0, offset))
        if self.edge == "held":
            last = pen.length(field, axis, self.shaped) - 1
            return pen.op("min", moved, last) if offset > 0 else pen.op("max", moved, 0)
        length = pen.length(field, axis, self.shaped)
        if offset < 0:
            return (own + (length - -offset) if self.dice.chance(50) else own - -offset + length) % length
        return moved % length

    def outside(self, field: Parameter, reach: int = 1) -> Expression:
        """Whether the cell is at an edge."""
        tests: list[Expression] = []
        exact = self.dice.chance(70)
        for axis in self.axes:
            own, last = self.pen.own[axis], self.pen.length(field, axis, self.shaped)
            if reach == 1 and exact:
                tests += [own.equals(0), own.equals(last - 1)]
            else:
                tests += [own < reach, own >= last - reach]
        return self.pen.either(*tests)

    def inside(self, field: Parameter, reach: int = 1) -> Expression:
        """Whether the cell has neighbours on all sides."""
        tests = []
        for axis in self.axes:
            own, last = self.pen.own[axis], self.pen.length(field, axis, self.shaped)
            tests += [own >= reach if reach > 1 else own > 0, own < last - reach]
        return self.pen.both(*tests)


def _spacing(pen: Pen) -> Value:
    """The width of a cell, or one over it."""
    return pen.scalar(0.5, 2.0)


def _laplacian(grid: _Grid, field: Parameter) -> Value:
    """The neighbours' sum less as many times the cell: three, five or seven points."""
    pen, dice = grid.pen, grid.dice
    centre = pen.named(pen.at(field), 50)
    if dice.chance(30):
        # axis by axis
        parts = [grid.at(field, (a, 1)) - centre * 2.0 + grid.at(field, (a, -1)) for a in grid.axes]
        if len(parts) > 1:
            parts = [pen.let(part) for part in parts]
        return _sum(parts)
    order = (-1, 1) if dice.chance(60) else (1, -1)
    around = _sum([grid.at(field, (axis, offset)) for axis in grid.axes for offset in order])
    if dice.chance(40):
        around = pen.let(around)
    return around - centre * float(2 * len(grid.axes))


def _sum(parts: list[Value]) -> Value:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _divided(grid: _Grid, value: Value) -> Value:
    """`value` over the square of the spacing, by one of the ways to write that."""
    pen, dx = grid.pen, _spacing(grid.pen)
    match grid.dice.below(3):
        case 0:
            return value / (dx * dx)
        case 1:
            return value * pen.let(1.0 / (dx * dx))
    return value * dx


@contextmanager
def _edges(grid: _Grid, field: Parameter) -> Iterator[Callable[[Value | None], None]]:
    """What is done at the edges, around what is done inside: nothing, a branch, or an early return.

    What the block gets stores the result; given None, it only says that results were stored.
    """
    pen, outputs = grid.pen, list[Parameter]()

    def write(value: Value | None) -> None:
        if value is None:
            return
        match grid.dice.below(9):
            case 0:
                value = value + pen.scalar(0.0625, 0.5) * pen.at(pen.input(shape=pen.sketch.launch))
            case 1:
                # cells that take no part
                value = value * pen.at(pen.input(span=Interval(0.0, 1.0), shape=pen.sketch.launch))
            case 2:
                value = pen.op("clamp", value, -4.0, 4.0) if value.interval.size > 4 else value * 0.5
            case 3 if not outputs:
                pen.store(pen.output(), value, operator="add")
                return
        pen.store(outputs[0] if outputs else pen.output(), value)

    if grid.edge != "inside":
        yield write
    elif grid.dice.chance(60):
        outputs.append(pen.output())
        with pen.when(grid.outside(field)):
            if grid.dice.chance(75):
                pen.store(outputs[0], pen.at(field) if grid.dice.chance(70) else pen.literal(0.0))
            pen.body.append(Return())
        yield write
    else:
        with pen.when(grid.inside(field)):
            yield write


def diffusion(grid: _Grid) -> None:
    """An explicit step: ``u + dt * k * laplacian``, with a source, a decay or a coefficient of each cell, as drawn."""
    pen, dice = grid.pen, grid.dice
    u = grid.field()
    with _edges(grid, u) as write:
        laplacian = pen.named(_divided(grid, _laplacian(grid, u)) if dice.chance(50) else _laplacian(grid, u), 75)
        rate = pen.at(pen.input(span=1.0)) if dice.chance(25) else pen.number(0.125, 1.0)
        change = rate * laplacian
        if dice.chance(35):
            change = change + pen.at(pen.input(shape=pen.sketch.launch))
        if dice.chance(25):
            change = change - pen.number(0.125, 0.5) * pen.at(u)
        if dice.chance(20):
            # a reaction, as of Fisher or Gray and Scott
            change = change + pen.at(u) * (1.0 - pen.at(u))
        write(pen.at(u) + pen.number(0.0625, 0.25) * pen.named(change, 30))


def wave(grid: _Grid) -> None:
    """A wave equation's step out of the two before, with damping at times."""
    pen, dice = grid.pen, grid.dice
    now, before = grid.field(), grid.field()
    with _edges(grid, now) as write:
        speed = pen.scalar(0.25, 1.0)
        laplacian = pen.named(_laplacian(grid, now), 80)
        value = 2.0 * pen.at(now) - pen.at(before) + speed * speed * laplacian
        if dice.chance(40):
            value = pen.let(value) * (1.0 - pen.number(0.0625, 0.25))
        write(value)


def jacobi(grid: _Grid) -> None:
    """A sweep for Poisson's equation, or its residual, relaxed at times."""
    pen, dice = grid.pen, grid.dice
    u, source = grid.field(), grid.field()
    with _edges(grid, u) as write:
        around = _sum([grid.at(u, (axis, offset)) for axis in grid.axes for offset in (-1, 1)])
        count = 2.0 * len(grid.axes)
        h = _spacing(pen)
        if dice.chance(30):
            write(pen.at(source) * h * h - (around - count * pen.at(u)))
            return
        value = (around - h * h * pen.at(source)) / count if dice.chance(70) else around / count + pen.at(source)
        if dice.chance(40):
            new, weight = pen.let(value), pen.scalar(0.25, 1.5)
            value = (
                (1.0 - weight) * pen.at(u) + weight * new if dice.chance(50) else pen.at(u) + weight * (new - pen.at(u))
            )
        write(value)


def gradient(grid: _Grid) -> None:
    """Central or one-sided differences along the axes: a vector, its length, or one output each."""
    pen, dice = grid.pen, grid.dice
    u = grid.field()
    side = dice.weighted(((5, "central"), (2, "forward"), (2, "backward")))
    scale = _spacing(pen) if dice.chance(60) else pen.literal(0.5 if side == "central" else 1.0)

    def slope(axis: int) -> Value:
        ahead = grid.at(u, (axis, 0 if side == "backward" else 1))
        back = grid.at(u, (axis, 0 if side == "forward" else -1))
        rise = ahead - back
        if scale.interval.is_point:
            return rise * scale if scale.interval.high != 1.0 else rise
        return rise / (2.0 * scale) if side == "central" else rise / scale

    with _edges(grid, u) as write:
        slopes = [pen.let(slope(axis)) for axis in grid.axes]
        squares = _sum([s * s for s in slopes])
        match dice.below(4):
            case 0 if len(slopes) > 1:
                pen.keep(pen.vector(*slopes))
                write(None)
            case 1 if len(slopes) > 1:
                for part in slopes:
                    pen.keep(part)
                write(None)
            case 2:
                # upwind or along a velocity that is given
                speeds = [pen.number(-1.0, 1.0) for _ in slopes]
                write(pen.at(u) - pen.number(0.0625, 0.25) * _sum([c * s for c, s in zip(speeds, slopes, strict=True)]))
            case _:
                write(pen.op("sqrt", squares + 0.0625) if dice.chance(60) else pen.op("exp", -squares))


def divergence(grid: _Grid) -> None:
    """The divergence of a field of vectors, or of one array for each component; in two dimensions the curl, too."""
    pen, dice = grid.pen, grid.dice
    dimensions = len(grid.axes)
    fields = [grid.field() for _ in grid.axes]
    scale = 0.5 if dice.chance(40) else 1.0 / _spacing(pen)
    grid.names = grid.names or grid.edge != "inside"
    with _edges(grid, fields[0]) as write:

        def rise(n: int, axis: int) -> Value:
            return grid.at(fields[n], (axis, 1)) - grid.at(fields[n], (axis, -1))

        if dice.chance(25):
            value = pen.named(rise(1, 0), 50) - pen.named(rise(0, 1), 50)
            if dimensions == 3:
                value = value + rise(2, 2)
        else:
            value = _sum([pen.named(rise(n, n), 60) for n in grid.axes])
        write(value * scale if dice.chance(70) else -scale * value)


def box(grid: _Grid) -> None:
    """Nested loops over a window: a mean, a blur with an array of weights, or the largest or smallest value."""
    pen, dice = grid.pen, grid.dice
    u = grid.field()
    reach = 1 if len(grid.axes) > 1 else dice.between(1, 2)
    axes = list(grid.axes)[-2:] if dice.chance(70) else [dice.below(len(grid.axes))]
    width = 2 * reach + 1
    kind = dice.weighted(((4, "mean"), (4, "weights"), (2, "extreme"), (2, "bilateral"), (2, "counted")))
    taps = pen.input(span=1.0, shape=(width,) * len(axes)) if kind == "weights" else None
    sigma = pen.scalar(0.0625, 0.25) if kind == "bilateral" else None
    centre = pen.let(pen.at(u)) if kind in ("extreme", "bilateral") else None
    total = pen.let(pen.at(u), mutable=True) if kind == "extreme" else pen.total()
    weights = pen.total() if kind == "bilateral" else pen.total(INT32) if kind == "counted" else None
    op = dice.one_of(("max", "min"))

    def visit(left: list[int], place: list[Value], offsets: list[Value]) -> None:
        if left:
            axis = left[0]
            with pen.loop(reach + 1, -reach) as k:
                moved = pen.own[axis] + k
                inside = kind == "counted"
                place[axis] = moved if inside else _window_place(grid, u, axis, moved, reach)
                if dice.chance(50) or inside:
                    place[axis] = pen.let(place[axis])
                visit(left[1:], place, [*offsets, k])
            return
        if kind == "counted":
            assert weights is not None
            tests = [t for axis in axes for t in (place[axis] >= 0, place[axis] < pen.length(u, axis, grid.shaped))]
            at = [p.narrowed(0, u.shape[a] - 1) if a in axes else p for a, p in enumerate(place)]
            with pen.when(pen.both(*tests)):
                pen.add(total, pen.at(u, *at))
                pen.add(weights, pen.whole(1))
            return
        cell = pen.at(u, *place)
        if kind == "extreme":
            pen.assign(total, pen.op(op, total, cell))
        elif taps is not None:
            pen.add(total, pen.at(taps, *[(k + reach).narrowed(0, width - 1) for k in offsets]) * cell)
        elif sigma is not None:
            assert centre is not None
            assert weights is not None
            cell = pen.let(cell)
            apart = pen.let(cell - centre)
            weight = pen.let(pen.op("exp", -(apart * apart) * sigma))
            pen.add(total, weight * cell)
            pen.add(weights, weight)
        else:
            pen.add(total, cell)

    visit(axes, list(pen.own), [])
    if kind == "extreme":
        pen.give(total - centre if centre is not None and dice.chance(40) else total)
        return
    found = pen.settled(total)
    if weights is not None:
        # the cell itself has a weight of one
        sure = pen.settled(weights)
        sure = sure.narrowed(1, max(1, sure.interval.high))
        found = found / (pen.cast(sure) if kind == "counted" else sure)
    elif kind == "mean":
        count = float(width ** len(axes))
        found = found / count if dice.chance(60) else pen.at(u) - found / count
    pen.give(found)


def _window_place(grid: _Grid, u: Parameter, axis: int, moved: Value, reach: int) -> Value:
    """A place of a window, held or wrapped around."""
    pen = grid.pen
    length = pen.length(u, axis, grid.shaped)
    if grid.edge == "wrapped":
        return (moved + length) % length if grid.dice.chance(60) else _positive(moved, reach, u.shape[axis])
    return pen.op("clamp", moved, 0, length - 1)


def _positive(moved: Value, reach: int, extent: int) -> Value:
    times = -(-reach // extent) * extent
    return (moved + times) % extent


def reinforce(grid: _Grid) -> None:
    """Two neighbours of a line or a row, as finite volumes and smoothing take them: fluxes, limiters, second order."""
    pen, dice = grid.pen, grid.dice
    u, axis = grid.field(), dice.below(len(grid.axes))
    with _edges(grid, u) as write:
        left, right = pen.let(grid.at(u, (axis, -1))), pen.let(grid.at(u, (axis, 1)))
        here = pen.let(pen.at(u))
        match dice.below(4):
            case 0:
                # Burgers' equation
                flux = [pen.let(0.5 * (x * x)) for x in (left, right)]
                write(here - pen.number(0.0625, 0.25) * (flux[1] - flux[0]))
            case 1:
                # a limited slope
                one, other = pen.let(here - left), pen.let(right - here)
                slope = pen.choose(one * other > 0.0, pen.op("min", pen.op("abs", one), pen.op("abs", other)), 0.0)
                write(here + pen.number(0.25, 0.5) * pen.let(slope))
            case 2:
                # upwind
                speed = pen.let(pen.at(pen.input(shape=pen.sketch.launch)))
                slope = pen.choose(speed > 0.0, here - left, right - here)
                write(here - pen.number(0.0625, 0.25) * speed * pen.let(slope))
            case _:
                weight = pen.scalar(0.125, 0.5)
                write(weight * left + (1.0 - 2.0 * weight) * here + weight * right)


STENCILS: Final = (
    Form(5, diffusion), Form(2, wave), Form(3, jacobi), Form(4, gradient), Form(2, divergence, least=2), Form(6, box),
    Form(4, reinforce),
)  # fmt: skip


def body(sketch: Sketch) -> Iterator[Statement]:
    """One stencil over all axes, or along one."""
    pen = Pen(sketch)
    one_for(len(sketch.launch), STENCILS, sketch.dice)(_Grid(pen))
    yield from pen.body
