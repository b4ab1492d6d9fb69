"""What graphics, geometry and solvers are made of: samples between cells, triangles, contacts, distances, roots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Break, If
from strategies.language.types import INT32, Scalar, Vector
from strategies.repertoire.forms import Form
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value


def _point(pen: Pen, length: int = 3) -> Vector:
    return types.vector(length, pen.main)


def interpolate(pen: Pen) -> None:
    """A sample of a grid between its cells: along one axis, two or three."""
    dice = pen.dice
    axes = dice.one_of((1, 2, 2, 3))
    extents = tuple(dice.one_of((4, 5, 6)) if axes < 3 else dice.one_of((3, 4)) for _ in range(axes))
    grid = pen.input(shape=extents)
    # at least one cell from the far end, so that there is another one beside
    if axes > 1 and dice.chance(60):
        place = pen.let(pen.at(pen.input(_point(pen, axes), Interval(0.0, float(min(extents) - 1) - 0.125))))
        places = [place.part(n) for n in range(axes)]
    else:
        places = [pen.let(pen.at(pen.input(span=Interval(0.0, n - 1.125)))) for n in extents]
    cells = [pen.let(_cell(pen, x, n)) for x, n in zip(places, extents, strict=True)]
    shares = [pen.let(x - pen.cast(c)).narrowed(0.0, 1.0) for x, c in zip(places, cells, strict=True)]
    if axes < 3 and dice.chance(35):
        _spread(pen, cells, shares, extents)
        return

    def corner(*beside: int) -> Value:
        at = [c + b if b else c for c, b in zip(cells, beside, strict=True)]
        return pen.at(grid, *at)

    def mixed(a: Value, b: Value, t: Value, lerp: bool) -> Value:
        return pen.op("lerp", a, b, t) if lerp else (1.0 - t) * a + t * b

    lerp = dice.chance(55)
    values = [corner(*((n >> axis) & 1 for axis in range(axes))) for n in range(2**axes)]
    for axis in range(axes):
        values = [mixed(values[n], values[n + 1], shares[axis], lerp) for n in range(0, len(values), 2)]
        if axis < axes - 1:
            values = [pen.let(v) for v in values]
    _kept(pen, values[0])


def _spread(pen: Pen, cells: list[Value], shares: list[Value], extents: tuple[int, ...]) -> None:
    """What a particle gives to the corners of its cell, by its shares."""
    given = pen.let(pen.at(pen.input(span=Interval(0.25, 2.0))))
    grid = pen.output(shape=extents, zero=pen.dice.chance(75))
    for n in range(2 ** len(cells)):
        beside = [(n >> axis) & 1 for axis in range(len(cells))]
        weight = given
        for share, far in zip(shares, beside, strict=True):
            weight = weight * (share if far else 1.0 - share)
        pen.atomic("atomic_add", grid, weight, *(c + 1 if far else c for c, far in zip(cells, beside, strict=True)))


def _cell(pen: Pen, x: Value, extent: int) -> Value:
    """The cell that a place is in, of those that have another beside."""
    found = pen.cut(pen.op("floor", x) if pen.dice.chance(60) else x, 0, extent - 2)
    if pen.dice.chance(40):
        return pen.op("clamp", found.narrowed(0, extent - 1), 0, extent - 2)
    return found


def _kept(pen: Pen, value: Value) -> None:
    """A result, scaled, beside another or added to what is there."""
    dice = pen.dice
    value = pen.named(value, 50)
    match dice.below(5):
        case 0:
            value = value * pen.number(0.25, 2.0)
        case 1 if isinstance(value.type, Scalar):
            value = value - pen.at(pen.input())
        case 2:
            assert isinstance(value.type, Scalar | Vector)
            pen.store(pen.output(value.type), value, operator="add")
            return
        case 3 if isinstance(value.type, Scalar):
            apart = pen.let(value - pen.at(pen.input()))
            pen.atomic("atomic_add", pen.output(shape=(1,), zero=True), apart * apart, 0)
    pen.keep(value)


def triangle(pen: Pen) -> None:
    """A triangle's normal and area, given to its corners or kept."""
    dice, of, first = pen.dice, _point(pen), pen.own[0]
    threads = pen.sketch.launch[0]
    flat = len(pen.own) == 1
    # a corner that is there twice leaves no normal to be made of length one
    distinct = dice.chance(50)
    corners: list[Value] = []
    if flat and dice.chance(65):
        count = 3 * threads + dice.below(3) if distinct else dice.between(6, 9)
        faces = pen.input(INT32, Interval(0, count - 1), (threads, 3), distinct)
        corners = [pen.let(pen.at(faces, first, n)) for n in range(3)]
        x = pen.input(of, 1.0, (count,))
        p, q, r = (pen.let(pen.at(x, n)) for n in corners)
    elif flat and dice.chance(50):
        distinct, x = True, pen.input(of, 1.0, (3 * threads,))
        p, q, r = (pen.let(pen.at(x, first * 3 + n if n else first * 3)) for n in range(3))
    else:
        distinct = True
        p, q, r = (pen.let(pen.at(pen.input(of, 1.0))) for _ in range(3))
    one, other = pen.let(q - p), pen.let(r - p)
    normal = pen.let(pen.op("cross", one, other))
    area = pen.let(pen.op("length", normal) * 0.5) if distinct and dice.chance(60) else None
    if corners and (not distinct or dice.chance(60)):
        sums = pen.output(of, (x.shape[0],), zero=dice.chance(70))
        share = normal if area is None or dice.chance(50) else pen.let(normal * (area / 3.0))
        match dice.below(4):
            case 0:
                # the pressure on the face, as a third of it on each corner
                share = pen.let(share * (pen.at(pen.input()) / 6.0))
            case 1:
                share = pen.let(share / 6.0)
            case 2:
                share = pen.let(share * pen.number(0.25, 1.5))
        for corner in corners:
            pen.atomic("atomic_add", sums, share, corner)
        if area is not None:
            pen.keep(area)
        return
    if area is not None and dice.chance(50):
        pen.keep(area * pen.at(pen.input(span=Interval(0.25, 2.0))))
    pen.keep(pen.op("normalize", normal) if dice.chance(60) else (p + q + r) / 3.0 + normal * 0.25)


def contact(pen: Pen) -> None:
    """A particle on the ground or at a wall: pushed out, with friction and a bounce; inactive ones are left alone."""
    dice, of = pen.dice, _point(pen)
    x_out, v_out = pen.output(of), pen.output(of)
    if dice.chance(50):
        flags = pen.input(INT32, Interval(0, 2))
        pen.leave(pen.at(flags).equals(0) if dice.chance(60) else pen.at(flags).differs(1))
    x, v = pen.let(pen.at(pen.input(of)), mutable=True), pen.let(pen.at(pen.input(of)), mutable=True)
    dt = pen.scalar(0.0625, 0.25)
    gravity = pen.vector(0.0, -8.0, 0.0) if dice.chance(60) else pen.vector(0.0, -pen.scalar(1.0, 8.0), 0.0)
    pen.assign(v, v + gravity * dt)
    pen.assign(x, x + v * dt)
    normal = pen.vector(0.0, 1.0, 0.0) if dice.chance(40) else None
    radius = pen.number(0.125, 0.5) if dice.chance(50) else None
    if normal is not None:
        normal = pen.let(normal)
        height = pen.op("dot", x, normal)
    else:
        height = x.part(1)
    depth = pen.let(height if radius is None else height - radius)
    with pen.when(depth < 0.0):
        if normal is not None:
            along = pen.let(pen.op("dot", v, normal))
            across = pen.let(v - normal * along)
            bounce = pen.number(0.25, 0.75)
            pen.assign(v, across * pen.number(0.25, 0.875) - normal * (along * bounce))
            pen.assign(x, x - normal * depth)
        else:
            pen.assign(
                x, pen.vector(x.part(0), x.part(1) - depth if radius is not None else pen.literal(0.0), x.part(2))
            )
            pen.assign(v, pen.vector(v.part(0) * 0.5, -v.part(1) * 0.5, v.part(2) * 0.5))
    pen.store(x_out, x)
    pen.store(v_out, v)


def closest(pen: Pen) -> None:
    """The nearest of some points: which it is, and how far; or the nearest place on a segment."""
    dice, of, count = pen.dice, _point(pen, pen.dice.one_of((2, 3))), pen.dice.between(3, 6)
    point = pen.let(pen.at(pen.input(of)))
    if dice.chance(35):
        a, b = (pen.let(pen.at(pen.input(of))) for _ in range(2))
        along = pen.let(b - a)
        t = pen.let(pen.op("dot", point - a, along) / (pen.op("dot", along, along).narrowed(0.0, 64.0) + 0.0625))
        t = pen.let(pen.op("clamp", t, 0.0, 1.0))
        near = pen.let(a + along * t)
        _kept(pen, pen.op("length", point - near) if dice.chance(60) else near)
        return
    others = pen.input(of, shape=(count,))
    measure = "length" if pen.main.notation == "float16" else dice.one_of(("length", "length_sq"))
    # farther than any of them is
    best = pen.let(pen.literal(16.0 if measure == "length" else 100.0), mutable=True)
    which = pen.let(pen.whole(-1 if dice.chance(40) else 0), mutable=True, within=Interval(-1, count - 1))
    with pen.loop(count) as k:
        apart = pen.let(point - pen.at(others, k))
        distance = pen.let(pen.op(measure, apart))
        with pen.when(distance < best):
            pen.assign(best, distance)
            pen.assign(which, k)
    pen.keep(which)
    if dice.chance(75):
        pen.keep(best)
    else:
        weights = pen.input(shape=(count,))
        pen.keep(pen.at(weights, pen.op("max", which, 0).narrowed(0, count - 1)) * pen.at(pen.input()))


def root(pen: Pen) -> None:
    """A root that is found by halving an interval, or by Newton's steps."""
    dice = pen.dice
    target = pen.let(pen.at(pen.input(span=Interval(0.25, 2.0))))
    steps = dice.between(3, 6)
    if dice.chance(50):
        low, high = (pen.let(pen.literal(end), mutable=True, within=Interval(0, 2)) for end in (0.0, 2.0))
        with pen.loop(steps):
            middle = pen.let(0.5 * (low + high))
            with pen.when(_cubic(pen, middle) < target):
                pen.assign(low, middle)
            with pen.otherwise():
                pen.assign(high, middle)
        found = 0.5 * (low + high)
        _kept(pen, found * target if dice.chance(40) else found + pen.at(pen.input()))
        return
    x = pen.let(target if dice.chance(50) else 0.5 * (target + 1.0), mutable=True, within=Interval(0.125, 8.0))
    with pen.loop(dice.between(2, 4)):
        if dice.chance(50):
            pen.assign(x, (0.5 * (x + target / x)).narrowed(0.125, 8.0))
        else:
            # of x * x * x + x - target: the slope is at least one
            value = pen.let(x * x * x + x - target)
            slope = pen.let((3.0 * (x * x) + 1.0).narrowed(1.0, 200.0))
            pen.assign(x, pen.op("max", x - value / slope, 0.125))
    _kept(pen, x)


def _cubic(pen: Pen, x: Value) -> Value:
    return x * x if pen.dice.chance(50) else x * x * x + x


def march(pen: Pen) -> None:
    """A ray that goes on by the distance to the nearest surface: spheres, a box, a plane, and unions of such."""
    dice, of = pen.dice, _point(pen)
    start = pen.let(pen.at(pen.input(of)))
    way = pen.let(pen.op("normalize", pen.at(pen.input(of, 1.0))))
    radius = pen.number(0.25, 1.0)
    steps, union, floor = dice.between(3, 5), dice.chance(40), dice.chance(35)
    left = dice.chance(40)
    t = pen.let(pen.literal(0.0), mutable=True, within=Interval(0, 2 * steps))
    with pen.loop(steps):
        place = pen.let((start + way * t).narrowed(-12, 12))
        distance = pen.let(pen.op("length", place) - radius)
        if union:
            other = pen.op("length", place - pen.vector(1.0, 0.5, 0.0)) - 0.5
            distance = pen.let(pen.op("min", distance, other))
        if floor:
            distance = pen.let(pen.op("min", distance, place.part(1) + 1.0))
        if left:
            pen.body.append(If(distance < 0.125, (Break(),)))
        pen.add(t, pen.op("clamp", distance, 0.0, 2.0))
    if dice.chance(50):
        pen.keep(t)
    else:
        pen.keep(start + way * t)


def image(pen: Pen) -> None:
    """An image's edges by Sobel's kernels, its contrast, or its mean in a window."""
    dice = pen.dice
    picture = pen.input(span=Interval(0.0, 1.0), shape=pen.sketch.launch)
    rest = pen.own[2:]
    shaped = 100 if dice.chance(50) else 0

    def beside(axis: int, offset: int) -> Value:
        last = pen.length(picture, axis, shaped) - 1
        own = pen.own[axis]
        return own if not offset else pen.op("min", own + 1, last) if offset > 0 else pen.op("max", own - 1, 0)

    up, down, left, right = (pen.let(beside(axis, offset)) for axis in range(2) for offset in (-1, 1))
    i, j = pen.own[:2]

    def at(row: Value, column: Value) -> Value:
        return pen.at(picture, row, column, *rest)

    if dice.chance(55):
        gx = pen.let(at(up, right) + 2.0 * at(i, right) + at(down, right)
                     - at(up, left) - 2.0 * at(i, left) - at(down, left))  # fmt: skip
        gy = pen.let(at(down, left) + 2.0 * at(down, j) + at(down, right)
                     - at(up, left) - 2.0 * at(up, j) - at(up, right))  # fmt: skip
        size = gx * gx + gy * gy
        _kept(pen, pen.op("sqrt", size + 0.0625) if dice.chance(65) else size)
    else:
        mean = pen.let((at(up, j) + at(down, j) + at(i, left) + at(i, right)) * 0.25)
        pen.keep(
            at(i, j) + pen.number(0.25, 1.5) * (at(i, j) - mean) if dice.chance(60) else pen.op("max", mean, at(i, j))
        )


def colours(pen: Pen) -> None:
    """Colours: a brightness, a gamma, a blend of two pictures by their coverage."""
    dice, of = pen.dice, _point(pen)
    colour = pen.let(pen.at(pen.input(of, Interval(0.0, 1.0))))
    match dice.below(3):
        case 0:
            weights = pen.vector(0.25, 0.5, 0.25)
            grey = pen.let(pen.op("dot", colour, weights))
            if dice.chance(50):
                share = pen.number(0.25, 1.5) if dice.chance(60) else pen.at(pen.input(span=Interval(0.25, 1.5)))
                pen.keep(pen.filled(of, grey) + (colour - pen.filled(of, grey)) * share)
            else:
                pen.keep(grey)
        case 1:
            over = pen.at(pen.input(of, Interval(0.0, 1.0)))
            cover = pen.let(pen.at(pen.input(span=Interval(0.0, 1.0))))
            found = over * cover + colour * (1.0 - cover)
            if dice.chance(40):
                found = (
                    pen.op("min", found, pen.filled(of, pen.literal(0.75)))
                    if dice.chance(50)
                    else pen.op("cw_mul", found, colour)
                )
            if dice.chance(40):
                pen.keep(cover * (1.0 - cover))
            pen.keep(found)
        case _:
            light = pen.let(pen.number(0.5, 2.0) * colour.part(0) + pen.number(0.25, 1.0) * colour.part(1))
            pen.keep(light / (1.0 + light) if light.interval.low >= 0 else light)


def blocks(pen: Pen) -> None:
    """A row of a sparse matrix of blocks, times a vector of vectors."""
    dice, size = pen.dice, pen.dice.one_of((2, 3))
    entries, columns = dice.between(6, 10), dice.between(3, 6)
    of, first = _point(pen, size), pen.own[0]
    begins = pen.input(INT32, Interval(0, entries - 3), (pen.sketch.launch[0],))
    start = pen.let(pen.at(begins, first))
    if dice.chance(50):
        counts = pen.input(INT32, Interval(0, 3), (pen.sketch.launch[0],))
        stop = pen.let(start + pen.at(counts, first))
    else:
        stop = (start + 3).narrowed(3, entries)
    places = pen.places(columns, (entries,))
    values, x = pen.input(types.matrix(size, size, pen.main), 1.0, (entries,)), pen.input(of, 1.0, (columns,))
    found = pen.sparse_row((start, stop), places, values, x)
    match dice.below(4):
        case 0:
            pen.keep(pen.at(pen.input(of)) - found)
        case 1:
            pen.store(pen.output(of), found, operator="add")
        case 2:
            pen.keep(pen.at(pen.input(of)) + found)
        case _:
            pen.keep(found)


def transport(pen: Pen) -> None:
    """A value that a flow carries here: a step back along the velocity, and a sample there."""
    dice, own = pen.dice, pen.own[0]
    count = pen.sketch.launch[0]
    field, speed = pen.input(shape=(count,)), pen.input(span=1.0, shape=(count,))
    dt = pen.scalar(0.25, 1.0)
    back = pen.let(pen.cast(own) - dt * pen.at(speed, own))
    back = pen.let(pen.op("clamp", back, 0.0, float(count) - 1.125 if count > 1 else 0.0))
    cell = pen.let(pen.cut(pen.op("floor", back) if dice.chance(50) else back, 0, count - 2))
    t = pen.let(back - pen.cast(cell)).narrowed(0.0, 1.0)
    value = (1.0 - t) * pen.at(field, cell) + t * pen.at(field, cell + 1)
    pen.keep(value if len(pen.own) == 1 and dice.chance(60) else value * pen.at(pen.input()))


SCENES: Final[tuple[Form[Callable[[Pen], None]], ...]] = (
    Form(5, interpolate), Form(5, triangle), Form(3, contact), Form(3, closest), Form(3, root), Form(4, march),
    Form(3, image, least=2), Form(2, colours), Form(2, blocks), Form(1, transport),
)  # fmt: skip
