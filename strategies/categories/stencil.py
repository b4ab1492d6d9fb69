"""Stencils on fields of one to three dimensions: Laplacians, gradients, sweeps, windows and steps in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from operator import add
from typing import Final

from strategies.functions import FunctionSketch
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Call, Expression, If, Name, Parameter, Return, Statement
from strategies.language.types import INT32, Array, Scalar, Vector
from strategies.repertoire.forms import Form, one_for
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value
from strategies.statements import Sketch
from strategies.typed import Typed

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("neighbour",))

#: Every axis has neighbours on both sides.
LAUNCHES: Final = (
    (8,), (7,), (12,), (5,), (16,), (9,), (4, 5), (3, 4), (5, 3), (6, 4), (4, 4), (3, 7), (5, 5), (3, 3, 4), (4, 3, 3),
    (3, 4, 3),
)  # fmt: skip


#: What happens at the edges of a field, and how often: the last cell stands for what is beyond, the other end does, a
#: ternary puts zero there, a function that is passed the field and a place knows; or cells at the edges are left out.
EDGES: Final = ((4, "held"), (3, "wrapped"), (3, "missing"), (3, "sampled"), (5, "inside"))
#: Of 100 stencils that vectors have, too, how many are of such.
VECTORS: Final = 35
#: How far from the field's cells a function that samples it is asked.
_BEYOND: Final = 3


class _Grid:
    """A field's neighbourhood around the thread's cell, and what happens at its edges."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.dice = pen.dice
        self.edge = self.dice.weighted(EDGES)
        self.places: dict[tuple[int, int], Value] = {}
        #: whether places beside the own one have names
        self.names = self.placed and self.dice.chance(50)
        #: what the cells hold
        self.of: Scalar | Vector = pen.main
        self._samples: dict[tuple[Scalar | Vector, float], Callable[[Parameter, tuple[Value, ...]], Value]] = {}
        self.shaped = 100 if self.dice.chance(50) else 0

    @property
    def axes(self) -> range:
        return range(len(self.pen.sketch.launch))

    @property
    def placed(self) -> bool:
        """Whether places beyond the edges are those of other cells."""
        return self.edge in ("held", "wrapped")

    def may_hold_vectors(self) -> None:
        """Let the cells hold vectors, at times: velocities, colours, displacements."""
        if self.dice.chance(VECTORS):
            self.of = types.vector(self.dice.one_of((3, 2, 2)), self.pen.main)

    def field(self, span: float = 2.0) -> Parameter:
        """A field that covers the launch."""
        return self.pen.input(self.of, span=span, shape=self.pen.sketch.launch)

    def at(self, field: Parameter, *moves: tuple[int, int]) -> Value:
        """The cell that is `moves` away, each an axis and an offset."""
        place = list(self.pen.own)
        if self.edge in ("missing", "sampled"):
            return self._beyond(field, moves)
        for axis, offset in moves:
            place[axis] = self._beside(field, axis, offset)
        return self.pen.at(field, *place)

    def _beyond(self, field: Parameter, moves: tuple[tuple[int, int], ...]) -> Value:
        """A cell that may not be there: chosen by a test, or by a function."""
        pen, place = self.pen, list(self.pen.own)
        tests = []
        for axis, offset in moves:
            if not offset:
                continue
            own, last = pen.own[axis], pen.length(field, axis, self.shaped)
            place[axis] = own + offset if offset > 0 else own - -offset
            if self.edge == "missing":
                place[axis] = place[axis].narrowed(max(0, offset), field.shape[axis] - 1 + min(0, offset))
            tests.append(own < last - offset if offset > 0 else own > 0 if offset == -1 else own >= -offset)
        if not tests:
            return pen.at(field)
        if self.edge == "sampled":
            return self._sampled(field)(field, tuple(place))
        assert isinstance(field.type, Array)
        cell = pen.choose(pen.both(*tests), pen.at(field, *place), pen.zero(field.type.dtype))
        return pen.let(cell)

    def _sampled(self, field: Parameter) -> Callable[[Parameter, tuple[Value, ...]], Value]:
        """A function that gives a cell of a field, whether it is there or not."""
        assert isinstance(field.type, Array)
        of = field.type.dtype
        assert isinstance(of, Scalar | Vector)
        key = of, float(field.high)
        if key not in self._samples:
            self._samples[key] = _sampler(self.pen, field, of)
        return self._samples[key]

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

    def outside(self, field: Parameter) -> Expression:
        """Whether the cell is at an edge."""
        tests: list[Expression] = []
        exact = self.dice.chance(70)
        for axis in self.axes:
            own, last = self.pen.own[axis], self.pen.length(field, axis, self.shaped)
            tests += [own.equals(0), own.equals(last - 1)] if exact else [own < 1, own >= last - 1]
        return self.pen.either(*tests)

    def inside(self, field: Parameter) -> Expression:
        """Whether the cell has neighbours on all sides."""
        tests = []
        for axis in self.axes:
            own, last = self.pen.own[axis], self.pen.length(field, axis, self.shaped)
            tests += [own > 0, own < last - 1]
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
        return reduce(add, parts)
    order = (-1, 1) if dice.chance(60) else (1, -1)
    around = reduce(add, [grid.at(field, (axis, offset)) for axis in grid.axes for offset in order])
    if dice.chance(40):
        around = pen.let(around)
    return around - centre * float(2 * len(grid.axes))


def _divided(grid: _Grid, value: Value) -> Value:
    """`value` over the square of the spacing, by one of the ways to write that."""
    pen, dx = grid.pen, _spacing(grid.pen)
    match grid.dice.below(3):
        case 0:
            return value / (dx * dx)
        case 1:
            return value * pen.let(1.0 / (dx * dx))
    return value * dx


def _sampler(pen: Pen, field: Parameter, of: Scalar | Vector) -> Callable[[Parameter, tuple[Value, ...]], Value]:
    """``def sample(f: wp.array2d(dtype=float), i: int, j: int)``: places beyond the ends held, or nothing there."""
    dice, own = pen.dice, FunctionSketch(pen.sketch)
    given = Parameter(own.fresh(), types.array(of, len(field.shape)), field.low, field.high, field.shape)
    own.parameters.append(given)
    inner = Pen(own)
    places = []
    for extent in field.shape:
        variable = own.count(Interval(-_BEYOND, extent - 1 + _BEYOND))
        places.append(Value(inner, Typed(Name(INT32, variable.name), variable.interval), variable))
    kind = dice.below(3)
    lasts = [inner.length(given, axis, 60) for axis in range(len(field.shape))]
    if kind == 0:
        tests = [t for p, last in zip(places, lasts, strict=True) for t in (p < 0, p >= last)]
        inner.body.append(If(inner.either(*tests), (Return((inner.zero(of).node,)),)))
        at = [p.narrowed(0, extent - 1) for p, extent in zip(places, field.shape, strict=True)]
    elif kind == 1:
        at = [((p + last) % last).narrowed(0, n - 1) if n >= _BEYOND else inner.op("clamp", p, 0, last - 1)
              for p, last, n in zip(places, lasts, field.shape, strict=True)]  # fmt: skip
    else:
        at = [inner.op("clamp", p, 0, last - 1) for p, last in zip(places, lasts, strict=True)]
    found = inner.at(given, *at).typed
    interval = found.interval.join(Interval(0.0, 0.0))
    needed = tuple(p.name for p in own.parameters)
    body = [*inner.body, Return((found.node,))]
    callee = own.finish(of, body, [found._replace(interval=interval, live=True)], needed=needed)
    pen.sketch.called.add(callee.function.name)

    def sample(array: Parameter, indices: tuple[Value, ...]) -> Value:
        arguments = (Name(array.type, array.name), *(index.node for index in indices))
        return Value(pen, Typed(Call(of, callee.function.name, arguments), interval, True))

    return sample


@contextmanager
def _edges(grid: _Grid, field: Parameter, kinds: tuple[Scalar | Vector, ...] = ()) -> Iterator[Callable[..., None]]:
    """What is done at the edges, around what is done inside: nothing, a branch, or an early return.

    What the block gets stores the results, of types `kinds`, or one of the field's; cells at the edges that are written
    are of the same outputs.
    """
    pen, outputs = grid.pen, list[Parameter]()
    kinds = kinds or (grid.of,)

    def write(*values: Value) -> None:
        value = values[0]
        of = value.type
        assert isinstance(of, Scalar | Vector)
        if len(values) == 1:
            match grid.dice.below(9):
                case 0:
                    value = value + pen.scalar(0.0625, 0.5) * pen.at(pen.input(of, shape=pen.sketch.launch))
                case 1:
                    # cells that take no part
                    value = value * pen.at(pen.input(span=Interval(0.0, 1.0), shape=pen.sketch.launch))
                case 2:
                    value = (
                        pen.op("clamp", value, -4.0, 4.0) if value.interval.size > 4 and of is pen.main else value * 0.5
                    )
                case 3 if not outputs:
                    pen.store(pen.output(of), value, operator="add")
                    return
        for n, result in enumerate((value, *values[1:])):
            assert isinstance(result.type, Scalar | Vector)
            pen.store(outputs[n] if outputs else pen.output(result.type), result)

    if grid.edge != "inside":
        yield write
    elif grid.dice.chance(60):
        outputs += [pen.output(of) for of in kinds]
        with pen.when(grid.outside(field)):
            if grid.dice.chance(75):
                as_it_is = grid.dice.chance(70)
                for output, of in zip(outputs, kinds, strict=True):
                    pen.store(output, pen.at(field) if as_it_is and of is grid.of else pen.zero(of))
            pen.body.append(Return())
        yield write
    else:
        with pen.when(grid.inside(field)):
            yield write


def diffusion(grid: _Grid) -> None:
    """An explicit step: ``u + dt * k * laplacian``, with a source, a decay or a coefficient of each cell, as drawn."""
    pen, dice = grid.pen, grid.dice
    grid.may_hold_vectors()
    u = grid.field()
    with _edges(grid, u) as write:
        laplacian = pen.named(_divided(grid, _laplacian(grid, u)) if dice.chance(50) else _laplacian(grid, u), 75)
        rate = pen.at(pen.input(span=1.0)) if dice.chance(25) else pen.number(0.125, 1.0)
        change = rate * laplacian
        if dice.chance(35):
            change = change + pen.at(pen.input(grid.of, shape=pen.sketch.launch))
        if dice.chance(25):
            change = change - pen.number(0.125, 0.5) * pen.at(u)
        if grid.of is pen.main and dice.chance(20):
            # a reaction, as of Fisher or Gray and Scott
            change = change + pen.at(u) * (1.0 - pen.at(u))
        write(pen.at(u) + pen.number(0.0625, 0.25) * pen.named(change, 30))


def wave(grid: _Grid) -> None:
    """A wave equation's step out of the two before, with damping at times."""
    pen, dice = grid.pen, grid.dice
    grid.may_hold_vectors()
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
    grid.may_hold_vectors()
    u, source = grid.field(), grid.field()
    with _edges(grid, u) as write:
        around = reduce(add, [grid.at(u, (axis, offset)) for axis in grid.axes for offset in (-1, 1)])
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

    kind, axes = dice.below(4), len(grid.axes)
    kinds: tuple[Scalar | Vector, ...] = (pen.main,)
    if kind == 0 and axes > 1:
        kinds = (types.vector(axes, pen.main),)
    elif kind == 1:
        kinds *= axes
    with _edges(grid, u, kinds) as write:
        slopes = [pen.let(slope(axis)) for axis in grid.axes]
        squares = reduce(add, [s * s for s in slopes])
        match kind:
            case 0 if axes > 1:
                write(pen.vector(*slopes))
            case 1 if axes > 1:
                write(*slopes)
            case 2:
                # upwind or along a velocity that is given
                speeds = [pen.number(-1.0, 1.0) for _ in slopes]
                write(
                    pen.at(u)
                    - pen.number(0.0625, 0.25) * reduce(add, [c * s for c, s in zip(speeds, slopes, strict=True)])
                )
            case _:
                write(pen.op("sqrt", squares + 0.0625) if dice.chance(60) else pen.op("exp", -squares))


def divergence(grid: _Grid) -> None:
    """The divergence of a field of vectors, or of one array for each component; in two dimensions the curl, too."""
    pen, dice = grid.pen, grid.dice
    dimensions = len(grid.axes)
    whole_field = dice.chance(60)
    if whole_field:
        grid.of = types.vector(dimensions, pen.main)
        fields = [grid.field()] * dimensions
    else:
        fields = [grid.field() for _ in grid.axes]
    scale = 0.5 if dice.chance(40) else 1.0 / _spacing(pen)
    grid.names = grid.names or grid.placed
    with _edges(grid, fields[0], (pen.main,)) as write:

        def rise(n: int, axis: int) -> Value:
            ahead, back = grid.at(fields[n], (axis, 1)), grid.at(fields[n], (axis, -1))
            return ahead.part(n) - back.part(n) if whole_field else ahead - back

        if dice.chance(25):
            value = pen.named(rise(1, 0), 50) - pen.named(rise(0, 1), 50)
            if dimensions == 3:
                value = value + rise(2, 2)
        else:
            value = reduce(add, [pen.named(rise(n, n), 60) for n in grid.axes])
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


def window(grid: _Grid) -> None:
    """A sum over a window of a radius that is passed: ``for k in range(-r, r + 1)``, along one axis or over all of few,
    weighted by the distance at times."""
    pen, dice = grid.pen, grid.dice
    grid.may_hold_vectors()
    u = grid.field(1.5)
    radius = pen.scalar(1, dice.between(1, 3), INT32)
    axes = [dice.below(len(grid.axes))] if len(grid.axes) > 2 or dice.chance(60) else list(grid.axes)
    total = pen.total(grid.of)
    bell = pen.scalar(0.125, 1.0) if dice.chance(40) else None
    skips = dice.chance(35)

    def visit(left: list[int], place: list[Value], offsets: list[Value]) -> None:
        if left:
            axis = left[0]
            with pen.loop(radius + 1, -radius) as k:
                place[axis] = _window_place(grid, u, axis, pen.own[axis] + k, int(radius.interval.high))
                if dice.chance(50):
                    place[axis] = pen.let(place[axis])
                visit(left[1:], place, [*offsets, k])
            return
        cell = pen.at(u, *place)
        if bell is not None:
            square = reduce(add, [k * k for k in offsets])
            cell = cell * pen.op("exp", -(pen.cast(square) * bell).narrowed(0.0, 18.0))
        if skips:
            with pen.when(pen.either(*(k.differs(0) for k in offsets))):
                pen.add(total, cell)
        else:
            pen.add(total, cell)

    visit(axes, list(pen.own), [])
    # of a loop that is not unrolled, nothing but sums may read the result
    found = pen.settled(total, linear=True)
    pen.keep(found - pen.at(u) if dice.chance(40) else found)


def scattered(grid: _Grid) -> None:
    """A cell that gives shares of what it holds to those around it, and keeps the rest or all of it."""
    pen, dice = grid.pen, grid.dice
    grid.may_hold_vectors()
    u = grid.field()
    share = pen.let(pen.at(u) * pen.number(0.0625, 0.25))
    sums = pen.output(grid.of, pen.sketch.launch, zero=dice.chance(65))
    axes = list(grid.axes) if dice.chance(60) else [dice.below(len(grid.axes))]
    gives = dice.chance(60)
    for axis in axes:
        for offset in (-1, 1):
            place, own, last = list(pen.own), pen.own[axis], pen.length(u, axis, grid.shaped)
            if grid.placed:
                place[axis] = grid.beside(u, axis, offset)
                pen.atomic("atomic_add", sums, share, *place)
                continue
            moved = own + 1 if offset > 0 else own - 1
            place[axis] = moved.narrowed(max(0, offset), u.shape[axis] - 1 + min(0, offset))
            with pen.when(own < last - 1 if offset > 0 else own > 0):
                pen.atomic("atomic_add", sums, share, *place)
                if gives:
                    pen.atomic("atomic_sub", sums, share, *pen.own)
    if grid.placed and gives:
        pen.atomic("atomic_sub", sums, share * float(2 * len(axes)), *pen.own)


STENCILS: Final = (
    Form(5, diffusion), Form(2, wave), Form(3, jacobi), Form(4, gradient), Form(3, divergence, least=2), Form(6, box),
    Form(4, reinforce), Form(3, window), Form(3, scattered),
)  # fmt: skip


def body(sketch: Sketch) -> Iterator[Statement]:
    """One stencil over all axes, or along one."""
    pen = Pen(sketch)
    one_for(len(sketch.launch), STENCILS, sketch.dice)(_Grid(pen))
    yield from pen.body
