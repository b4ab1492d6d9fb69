"""Gathers and scatters: reads through arrays of places, edges and triangles, histograms, stores at permuted places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Final

from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Continue, If, Parameter, Return, Statement
from strategies.language.types import INT32, Scalar, Vector
from strategies.repertoire.forms import Form, one_for
from strategies.repertoire.pen import Pen
from strategies.repertoire.records import element, loaded, particle
from strategies.repertoire.records import listed as listed_records
from strategies.repertoire.scenes import Scene
from strategies.repertoire.values import Value
from strategies.statements import Sketch

#: Cells of an array that is read or written through indices.
EXTENTS: Final = (4, 6, 9, 12)
#: Launches; most work on a list of things.
LAUNCHES: Final = (
    (8,), (7,), (12,), (5,), (11,), (16,), (9,), (13,), (6,), (10,), (8,), (12,), (3, 4), (4, 2), (5, 3), (2, 7),
    (2, 3, 2), (3, 2, 4), (2, 1, 2, 3),
)  # fmt: skip


def _dtype(pen: Pen, vectors: int = 40) -> Scalar | Vector:
    """What is gathered: numbers, or vectors of three, mostly."""
    if pen.dice.chance(vectors):
        return types.vector(pen.dice.one_of((3, 3, 2)), pen.main)
    return pen.main


def _place(pen: Pen, extent: int) -> Value:
    """A place below `extent` out of an array, under a name mostly; at times by way of a table."""
    dice = pen.dice
    if dice.chance(15):
        length = dice.one_of(EXTENTS)
        inner = pen.at(pen.places(length))
        inner = pen.named(inner)
        return pen.named(pen.at(pen.places(extent, (length,)), inner), 70)
    found = pen.at(pen.places(extent))
    if dice.chance(12):
        # the one after it, on a ring
        found = (found + 1) % extent
    return pen.named(found, 75)


def _source(pen: Pen, of: Scalar | Vector, extent: int) -> Parameter:
    return pen.input(of, shape=(extent,))


def _shaped(pen: Pen, value: Value) -> Value:
    """What was gathered, weighted or changed as people do."""
    match pen.dice.below(7):
        case 0:
            return value * pen.number(0.25, 2.0)
        case 1:
            return value * pen.at(pen.input())
        case 2 if isinstance(value.type, Scalar):
            return pen.op(pen.dice.one_of(("max", "min", "sub")), value, pen.at(pen.input()))
        case 3 if isinstance(value.type, Scalar):
            return value * value
        case 4 if isinstance(value.type, Scalar):
            return value + pen.term()
    return value


def gather(pen: Pen) -> None:
    """``x[idx[i]]``, with another at the same place or another one; where there is none, a default."""
    dice, of = pen.dice, _dtype(pen)
    extent = dice.one_of(EXTENTS)
    source = _source(pen, of, extent)
    if dice.chance(35):
        places = pen.places(extent, low=-1)
        j = pen.let(pen.at(places))
        output = pen.output(of)
        with pen.when(j < 0):
            if dice.chance(75):
                pen.store(output, pen.zero(of) if dice.chance(60) else pen.at(pen.input(of)))
            pen.body.append(Return())
        j = j.narrowed(0, extent - 1)
        value = _shaped(pen, pen.at(source, j))
        pen.store(output, value)
        return
    j = _place(pen, extent)
    value = pen.at(source, j)
    match dice.below(4):
        case 0:
            other = pen.at(_source(pen, of, extent), j)
            value = value + other if dice.chance(50) else value - other
        case 1:
            value = value - pen.at(source, _place(pen, extent))
        case 2:
            value = value * pen.at(pen.input(shape=(extent,)), j)
    value = pen.named(_shaped(pen, value), 40)
    _finish(pen, value)


def _finish(pen: Pen, value: Value) -> None:
    """A store at the thread's own place or at a permuted one, or a sum into a cell that an array names."""
    dice = pen.dice
    assert isinstance(value.type, Scalar | Vector)
    match dice.below(4):
        case 0 | 1:
            pen.keep(value)
        case 2:
            _permuted(pen, value)
        case _:
            cells = dice.one_of(EXTENTS)
            pen.atomic(dice.one_of(("atomic_add", "atomic_add", "atomic_sub")), _cells(pen, value.type, cells),
                       value, _place(pen, cells))  # fmt: skip


def _cells(pen: Pen, of: Scalar | Vector, count: int) -> Parameter:
    """Cells that threads add to, which begin with zero mostly."""
    return pen.output(of, (count,), zero=pen.dice.chance(70))


def _permuted(pen: Pen, value: Value) -> None:
    """``out[perm[i]] = value``: no two threads have the same place."""
    dice, (first, *rest) = pen.dice, pen.own
    count = pen.sketch.launch[0]
    assert isinstance(value.type, Scalar | Vector)
    if dice.chance(25):
        where = count - 1 - first if dice.chance(50) else (first + dice.between(1, count)) % count
        pen.keep(value, where, *rest)
        return
    extent = count + dice.one_of((0, 0, 1, 3))
    order = pen.input(INT32, Interval(0, extent - 1), (count,), distinct=True)
    where = pen.named(pen.at(order, first), 50)
    output = pen.output(value.type, (extent, *pen.sketch.launch[1:]))
    pen.store(output, value, where, *rest)


def permute(pen: Pen) -> None:
    """A permutation, there or back, of one array or two; or a compaction of what a flag keeps."""
    dice, of = pen.dice, _dtype(pen)
    source = pen.input(of)
    if dice.chance(35):
        keep = pen.at(pen.input(INT32, Interval(0, 1))).differs(0) if dice.chance(50) else pen.at(pen.input()) > 0.0
        with pen.when(keep):
            _permuted(pen, _shaped(pen, pen.at(source)))
        return
    value = pen.at(source)
    if dice.chance(30):
        extent = dice.one_of(EXTENTS)
        value = value + pen.at(_source(pen, of, extent), _place(pen, extent))
    _permuted(pen, _shaped(pen, value))


def edges(pen: Pen) -> None:
    """Both ends of an edge: a force that one end gets and the other gives, a flux, or a message."""
    dice, of = pen.dice, _dtype(pen, 65)
    count = dice.one_of(EXTENTS)
    if len(pen.own) == 1 and dice.chance(50):
        ends = pen.places(count, (pen.sketch.launch[0], 2))
        a, b = (pen.let(pen.at(ends, pen.own[0], n)) for n in range(2))
    else:
        a, b = (pen.let(pen.at(pen.places(count))) for _ in range(2))
    x = _source(pen, of, count)
    apart = pen.let(pen.at(x, b) - pen.at(x, a) if dice.chance(50) else pen.at(x, a) - pen.at(x, b))
    if isinstance(of, Vector) and dice.chance(60):
        length = pen.let(pen.op("length", apart))
        rest = pen.at(pen.input(span=Interval(0.25, 1.5))) if dice.chance(50) else pen.number(0.25, 1.5)
        flux = pen.let(pen.number(0.25, 2.0) * (length - rest) * (apart / pen.op("max", length, 0.25)))
    else:
        flux = pen.let(
            apart * (pen.at(pen.input(span=Interval(0.25, 2.0))) if dice.chance(50) else pen.number(0.25, 2))
        )
    sums = _cells(pen, of, count)
    small = pen.summand(sums, flux)
    if small.node != flux.node:
        # one end gets what the other gives
        flux = pen.let(small)
    pen.atomic("atomic_add", sums, flux, a)
    if dice.chance(85):
        pen.atomic(*_opposite(pen, sums, flux), b)
    if dice.chance(20):
        degree = pen.output(INT32, (count,), zero=True)
        for end in (a, b):
            pen.atomic("atomic_add", degree, pen.whole(1), end)


def _opposite(pen: Pen, sums: Parameter, flux: Value) -> tuple[str, Parameter, Value]:
    return ("atomic_sub", sums, flux) if pen.dice.chance(60) else ("atomic_add", sums, -flux)


def triangles(pen: Pen) -> None:
    """The corners of a triangle: its normal or middle, stored or added to each corner."""
    dice = pen.dice
    threads, of = pen.sketch.launch[0], types.vector(3, pen.main)
    # a corner that is there twice leaves no length that has a gradient
    distinct = dice.chance(40)
    count = 3 * threads + dice.below(3) if distinct else dice.one_of(EXTENTS)
    corners = pen.input(INT32, Interval(0, count - 1), (threads, 3), distinct)
    i, j, k = (pen.let(pen.at(corners, pen.own[0], n)) for n in range(3))
    x = pen.input(of, 1.5, (count,))
    p, q, r = (pen.let(pen.at(x, n)) for n in (i, j, k))
    if dice.chance(65):
        normal = pen.let(pen.op("cross", q - p, r - p))
        if distinct and dice.chance(60):
            found = pen.let(0.5 * pen.op("length", normal))
            found = pen.let(found / 3.0) if dice.chance(40) else found
        elif dice.chance(40):
            found = pen.let(pen.op("dot", normal, pen.at(pen.input(of))))
        else:
            found = normal
    else:
        found = pen.let((p + q + r) / 3.0)
    assert isinstance(found.type, Scalar | Vector)
    if dice.chance(65):
        sums = _cells(pen, found.type, count)
        for corner in (i, j, k):
            pen.atomic("atomic_add", sums, found, corner)
    else:
        pen.keep(found)


def listed(pen: Pen) -> None:
    """A sum over a few neighbours that an array lists for each thread, some of which may be missing."""
    dice = pen.dice
    if len(pen.own) == 4:
        gather(pen)
        return
    of, count, most = _dtype(pen), dice.one_of(EXTENTS), dice.between(2, 5)
    missing = dice.chance(35)
    near = pen.places(count, (*pen.sketch.launch, most), low=-1 if missing else 0)
    x = _source(pen, of, count)
    weights = pen.input(span=1.0, shape=(*pen.sketch.launch, most)) if dice.chance(50) else None
    degree = pen.total(INT32) if missing and dice.chance(40) else None
    total = pen.total(of)
    with pen.loop(pen.length(near, len(pen.own), 0)) as k:
        j = pen.let(pen.at(near, *pen.own, k))
        if missing and dice.chance(50):
            pen.body.append(If(j < 0, (Continue(),)))
            _gathered(pen, total, degree, x, j.narrowed(0, count - 1), weights, k)
        elif missing:
            with pen.when(j >= 0):
                _gathered(pen, total, degree, x, j.narrowed(0, count - 1), weights, k)
        else:
            _gathered(pen, total, degree, x, j, weights, k)
    found = pen.settled(total)
    if degree is not None:
        found = found / pen.op("max", pen.cast(pen.settled(degree)), 1.0)
    elif dice.chance(30):
        found = found / float(most) if dice.chance(50) else found - pen.at(pen.input(of))
    pen.keep(found)


def _gathered(
    pen: Pen, total: Value, degree: Value | None, x: Parameter, j: Value, weights: Parameter | None, k: Value
) -> None:
    value = pen.at(x, j)
    pen.add(total, value if weights is None else pen.at(weights, *pen.own, k) * value)
    if degree is not None:
        pen.add(degree, pen.whole(1))


def rows(pen: Pen) -> None:
    """The entries of a sparse row, from where an array says that it begins to where it ends, times a vector."""
    dice = pen.dice
    first, entries, columns = pen.own[0], dice.between(8, 14), dice.one_of(EXTENTS)
    if dice.chance(60):
        offsets = pen.input(INT32, Interval(0, entries), (pen.sketch.launch[0] + 1,))
        start, stop = pen.let(pen.at(offsets, first)), pen.let(pen.at(offsets, first + 1))
    else:
        begins = pen.input(INT32, Interval(0, entries - 4), (pen.sketch.launch[0],))
        counts = pen.input(INT32, Interval(0, 4), (pen.sketch.launch[0],))
        start = pen.let(pen.at(begins, first))
        stop = pen.let(start + pen.at(counts, first))
    places, values = pen.places(columns, (entries,)), pen.input(span=1.0, shape=(entries,))
    of = _dtype(pen, 25)
    x = pen.input(of, 1.0, (columns,))
    found = pen.sparse_row((start, stop), places, values, x)
    if dice.chance(30):
        found = pen.at(pen.input(of)) - found
    if len(pen.own) == 1:
        pen.keep(found)
    else:
        pen.keep(found + pen.at(pen.input(of)))


def taken(pen: Pen) -> None:
    """A place that is read and then overwritten: marked as taken, moved on, or given to another array; what is there is
    read before or after."""
    dice, of = pen.dice, _dtype(pen, 25)
    extent = dice.one_of(EXTENTS)
    source = _source(pen, of, extent)
    places = pen.sketch.array(INT32, pen.sketch.launch, Interval(0, extent - 1), output=True)
    kind = dice.below(5)
    if kind == 4:
        # nothing keeps the place itself
        value = pen.let(pen.at(source, pen.at(places)))
        pen.store(places, pen.whole(-1))
        _finish(pen, _shaped(pen, value))
        return
    j = pen.let(pen.at(places))
    before = pen.let(pen.at(source, j)) if dice.chance(40) else None
    match kind:
        case 0 | 1:
            pen.store(places, pen.whole(-1))
        case 2:
            pen.store(places, (j + 1) % extent)
        case _:
            other = pen.sketch.array(INT32, pen.sketch.launch, Interval(0, extent - 1), output=True)
            k = pen.let(pen.at(other))
            pen.store(places, k)
            pen.store(other, j)
            before = before if before is not None else pen.at(source, k) - pen.at(source, j)
    _finish(pen, _shaped(pen, pen.at(source, j) if before is None else before))


def things(pen: Pen) -> None:
    """Whole things that are named by a place: the pose of a parent, a matrix, a particle with its fields."""
    dice, count = pen.dice, pen.dice.between(3, 6)
    if pen.main.bits == 16:
        gather(pen)
        return
    scene = Scene(pen.sketch)
    of = scene.vector()
    missing = dice.chance(40)
    place = pen.let(pen.at(pen.places(count, low=-1 if missing else 0)))
    where = place.narrowed(0, count - 1).node
    kind = dice.weighted(((5, "pose"), (3, "matrix"), (4, "record"), (2, "turn")))
    x = scene.let(scene.at(scene.array(of, symmetric(1.5))))
    found = scene.claim(scene.let(x, mutable=True), symmetric(64.0)) if missing else x
    inner = scene.inside() if missing else scene
    with scene.sketch._inner() if missing else nullcontext():
        match kind:
            case "pose":
                poses = inner.array(types.transform(pen.main), symmetric(1.5), (count,))
                moved = inner.op("transform_point", inner.frame(inner.at(poses, where)), x)
            case "turn":
                turns = inner.array(inner.quaternion, symmetric(1.0), (count,))
                moved = inner.op("quat_rotate", inner.rotation(inner.at(turns, where)), x)
            case "matrix":
                matrices = inner.array(inner.matrix(), symmetric(1.0), (count,))
                moved = inner.op("mul", inner.at(matrices, where), x)
            case _:
                kind_of = particle(inner)
                array = listed_records(inner, kind_of, count)
                p = loaded(inner, kind_of, array, where) if dice.chance(60) else element(inner, kind_of, array, where)
                apart = inner.let(inner.op("sub", x, p["place"]))
                moved = inner.op("mul", apart, p["mass"])
                if dice.chance(50):
                    moved = inner.op("add", moved, p["speed"])
        moved = inner.sketch.fit(moved, symmetric(64.0))
        if missing:
            inner.set(found, moved)
    pen.body += scene.body
    if missing:
        pen.body.append(If(place >= 0, tuple(inner.body)))
        moved = scene.now(found)
    result = Value(pen, moved)
    if dice.chance(35):
        other = pen.at(pen.input(of))
        result = result - other if dice.chance(50) else result + other * pen.number(0.25, 1.5)
    _finish(pen, pen.op("dot", result, pen.at(pen.input(of))) if dice.chance(25) else result)


def histogram(pen: Pen) -> None:
    """The bin that a number falls into, counted or summed into; or the cell of a grid that a point is in."""
    dice = pen.dice
    bins = dice.one_of((4, 5, 8, 10))
    if dice.chance(30):
        across, along = dice.one_of(((3, 4), (4, 4), (2, 5)))
        point = pen.let(pen.at(pen.input(types.vector(dice.one_of((2, 3)), pen.main), Interval(0.0, 1.0))))
        cells = [pen.let(_bin(pen, point.part(n), extent)) for n, extent in enumerate((across, along))]
        found = pen.at(pen.input()) if dice.chance(60) else pen.whole(1)
        assert isinstance(found.type, Scalar)
        pen.atomic("atomic_add", pen.output(found.type, (across, along), zero=True), found, *cells)
        if dice.chance(60):
            pen.keep(pen.at(pen.input(shape=(across, along)), *cells) * pen.at(pen.input()))
        return
    value = pen.let(pen.at(pen.input(span=Interval(0.0, 1.0) if dice.chance(50) else 2.0)))
    if value.interval.low < 0:
        share = value + 2.0
        where = pen.let(pen.op("clamp", pen.cut(share if bins == 4 else share * (bins / 4.0), 0, bins), 0, bins - 1))
    else:
        where = pen.let(_bin(pen, value, bins))
    if dice.chance(70):
        pen.atomic("atomic_add", pen.output(INT32, (bins,), zero=True), pen.whole(1), where)
    if dice.chance(70):
        pen.atomic("atomic_add", pen.output(shape=(bins,), zero=True), _shaped(pen, value), where)
    else:
        pen.keep(pen.at(pen.input(shape=(bins,)), where) * value)


def _bin(pen: Pen, share: Value, bins: int) -> Value:
    """``wp.clamp(int(x * n), 0, n - 1)``, of a number between zero and one."""
    scaled = share * float(bins)
    found = pen.cut(pen.op("floor", scaled) if pen.dice.chance(25) else scaled, 0, bins)
    return pen.op("clamp", found, 0, bins - 1)


def segments(pen: Pen) -> None:
    """What belongs to one of a few groups: its sum, its largest value, how many there are."""
    dice, of = pen.dice, _dtype(pen, 25)
    groups = dice.one_of((3, 4, 6))
    group = _place(pen, groups)
    value = pen.named(_shaped(pen, pen.at(pen.input(of))), 50)
    kind = dice.weighted(((5, "atomic_add"), (2, "atomic_max"), (2, "atomic_min")))
    op = kind if isinstance(of, Scalar) else "atomic_add"
    # an extreme of what is nothing before would be that, of squares
    cells = _cells(pen, of, groups) if op == "atomic_add" else pen.output(of, (groups,))
    if dice.chance(30):
        with pen.when(pen.at(pen.input()) > 0.0 if dice.chance(60) else pen.condition()):
            pen.atomic(op, cells, value, group)
    else:
        pen.atomic(op, cells, value, group)
    if dice.chance(40):
        pen.atomic("atomic_add", pen.output(INT32, (groups,), zero=True), pen.whole(1), group)
    if dice.chance(30):
        pen.keep(value - pen.at(pen.input(of, shape=(groups,)), group))


def table(pen: Pen) -> None:
    """A row of a table, chosen by an array: an embedding, its product with another row, or a blend of two."""
    dice = pen.dice
    entries, width = dice.one_of(EXTENTS), dice.between(2, 4)
    rows_of = pen.input(span=1.5, shape=(entries, width))
    row = _place(pen, entries)
    if dice.chance(40) and len(pen.own) < 4:
        output = pen.output(shape=(*pen.sketch.launch, width))
        with pen.loop(pen.length(rows_of, 1, 40)) as k:
            value = pen.at(rows_of, row, k)
            pen.store(output, value * pen.number(0.5, 2.0) if dice.chance(40) else value, *pen.own, k)
        return
    other = _place(pen, entries)
    total = pen.total()
    with pen.loop(width) as k:
        one, two = pen.at(rows_of, row, k), pen.at(rows_of, other, k)
        if dice.chance(50):
            apart = pen.let(one - two)
            pen.add(total, apart * apart)
        else:
            pen.add(total, one * two)
    _finish(pen, pen.settled(total))


KINDS: Final[tuple[Form[Callable[[Pen], None]], ...]] = (
    Form(6, gather), Form(3, permute), Form(4, edges), Form(3, triangles, most=1), Form(4, listed), Form(3, rows),
    Form(4, histogram), Form(4, segments), Form(3, table), Form(3, taken), Form(5, things),
)  # fmt: skip


def body(sketch: Sketch) -> Iterator[Statement]:
    """One gather or scatter; what it computes with is gathered, too, or read at the thread's own place."""
    sketch.max_arrays = 6
    pen = Pen(sketch)
    one_for(len(sketch.launch), KINDS, sketch.dice)(pen)
    yield from pen.body
