"""What people do with what an index picks: particles that are active, statistics of a selection, labels, samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.indexed_arrays import indexed_array
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Break, Continue, If, Parameter
from strategies.language.types import INT32, Scalar, Vector
from strategies.repertoire.endings import finish, worked_on
from strategies.repertoire.forms import Form
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value


def chosen(
    pen: Pen, shape: tuple[int, ...], of: Scalar | Vector | None = None, span: Interval | None = None
) -> Parameter:
    """An indexed array of `shape`."""
    return indexed_array(pen.sketch, of or pen.main, shape, span or symmetric(2.0))


def particles(pen: Pen) -> None:
    """A step in time of the particles that are active, and what is written back to where they are kept."""
    dice, launch = pen.dice, pen.sketch.launch
    of: Scalar | Vector = types.vector(dice.one_of((2, 3)), pen.main) if dice.chance(40) else pen.main
    x = pen.let(pen.at(chosen(pen, launch, of)))
    v = pen.let(pen.at(chosen(pen, launch, of) if dice.chance(50) else pen.input(of)))
    terms: list[Callable[[], Value]] = [
        lambda: -pen.number(0.25, 1.0) * x,
        lambda: -pen.number(0.125, 0.5) * v,
        lambda: pen.at(pen.input(of)),
        lambda: (pen.at(pen.input(of)) - x) * pen.number(0.25, 0.75),
    ]
    parts = [term() for term in dice.some_of(terms, dice.between(1, 3))]
    force = parts[0]
    for part in parts[1:]:
        force = force + part
    if dice.chance(45):
        mass = chosen(pen, launch, span=Interval(0.5, 2.0)) if dice.chance(50) else pen.input(span=Interval(0.5, 2.0))
        force = force / pen.at(mass) if isinstance(of, Scalar) or dice.chance(50) else force * (1.0 / pen.at(mass))
    force = pen.named(force, 60)
    dt = pen.scalar(0.0625, 0.25)
    after = pen.let(v + force * dt)
    place = pen.named(x + after * dt, 60)
    match dice.below(4):
        case 0:
            pen.store(indexed_array(pen.sketch, of, launch, symmetric(3.0), output=True), place)
            if dice.chance(50):
                pen.keep(after)
        case 1:
            size = pen.op("dot", after, after) if isinstance(of, Vector) else after * after
            pen.atomic("atomic_add", pen.output(shape=(1,), zero=dice.chance(60)), 0.5 * size, 0)
            pen.keep(place)
        case 2:
            pen.keep(place)
            pen.keep(after)
        case _:
            if isinstance(of, Vector):
                finish(pen, pen.op("length", place) if dice.chance(50) else place.part(dice.below(of.length)))
            else:
                finish(pen, place)


def statistics(pen: Pen) -> None:
    """A mean, a spread, a count or an extreme of a selection: a row of it for each thread, or one list for all."""
    dice, launch = pen.dice, pen.sketch.launch
    width = dice.between(3, 5)
    own = len(launch) < types.MAX_ARRAY_DIMENSIONS and dice.chance(75)
    table = chosen(pen, (*launch, width) if own else (width,), span=symmetric(1.5))
    place = pen.own if own else ()
    other = pen.let(pen.at(pen.input()))
    kind = dice.weighted(((3, "mean"), (3, "spread"), (3, "masked"), (3, "extreme"), (2, "weighed")))
    if kind == "extreme":
        best = pen.let(pen.at(table, *place, 0), mutable=True)
        nearest = dice.chance(50)
        with pen.loop(width, 1) as k:
            value = pen.let(pen.at(table, *place, k))
            if nearest:
                test = pen.op("abs", value - other) < pen.op("abs", best - other)
            else:
                test = value > best if dice.chance(50) else value < best
            with pen.when(test):
                pen.assign(best, value)
        finish(pen, (best - other) if dice.chance(50) else best * other)
        return
    total = pen.total()
    count = pen.total(INT32) if kind == "masked" else None
    weights = pen.input(span=Interval(0.25, 1.0), shape=(width,)) if kind == "weighed" else None
    room = pen.total() if kind == "weighed" else None
    flags = pen.input(INT32, Interval(0, 1), (width,)) if kind == "masked" and dice.chance(50) else None
    limit = pen.number(-0.5, 0.75)
    with pen.loop(width) as k:
        if flags is not None and dice.chance(50):
            pen.body.append(If(pen.at(flags, k).equals(0), (Continue(),)))
            flags = None
        value = pen.named(pen.at(table, *place, k), 60)
        if weights is not None and room is not None:
            pen.add(total, value * pen.at(weights, k))
            pen.add(room, pen.at(weights, k))
        elif count is not None:
            with pen.when(pen.at(flags, k).differs(0) if flags is not None else value > limit):
                pen.add(total, value * other if dice.chance(40) else value)
                pen.add(count, pen.whole(1))
        else:
            pen.add(total, value)
    found = pen.settled(total)
    if count is not None:
        sure = pen.op("max", pen.settled(count), 1)
        finish(pen, found / pen.cast(sure) + other)
        return
    if room is not None:
        found = found / pen.above(room, 0.25 * width)
    elif kind == "mean" or dice.chance(60):
        found = found / float(width)
    if kind == "spread":
        mean, squares = pen.let(found), pen.total()
        with pen.loop(width) as k:
            apart = pen.let(pen.at(table, *place, k) - mean)
            pen.add(squares, apart * apart)
        found = pen.above(squares, 0.0) / float(width - dice.below(2))
        if dice.chance(40):
            found = pen.op("sqrt", found + 0.0625)
        pen.keep(mean)
    finish(pen, found * other if dice.chance(40) else other - found)


def block(pen: Pen) -> None:
    """Rows and columns that are chosen of a matrix, times a vector or another choice."""
    dice, launch = pen.dice, pen.sketch.launch
    inner = dice.between(2, 4)
    a = chosen(pen, (*launch[-2:-1], inner) if len(launch) > 1 else (launch[0], inner), span=symmetric(1.0))
    if len(launch) > 1:
        b: Parameter = (
            chosen(pen, (inner, launch[-1]), span=symmetric(1.0))
            if dice.chance(50)
            else pen.input(span=1.0, shape=(inner, launch[-1]))
        )
        i, j = pen.own[-2:]
    else:
        b = chosen(pen, (inner,), span=symmetric(1.0)) if dice.chance(40) else pen.input(span=1.0, shape=(inner,))
        i, j = pen.own[0], None
    total = pen.total()
    apart = dice.chance(25)
    with pen.loop(inner) as k:
        left = pen.at(a, i, k)
        right = pen.at(b, k, j) if j is not None else pen.at(b, k)
        if apart:
            gap = pen.let(left - right)
            pen.add(total, gap * gap)
        else:
            pen.add(total, left * right)
    found = pen.settled(total)
    if dice.chance(45):
        found = found + pen.at(pen.input())
    finish(pen, found)


def keyframes(pen: Pen) -> None:
    """A value between two entries of a list that is chosen: a table, a track of keyframes, a palette."""
    dice, count = pen.dice, pen.dice.between(3, 6)
    vectors = dice.chance(30)
    of: Scalar | Vector = types.vector(3, pen.main) if vectors else pen.main
    keys = chosen(pen, (count,), of)
    time = pen.let(pen.at(pen.input(span=Interval(0.125, count - 1.25))))
    cell = pen.let(pen.cut(pen.op("floor", time) if dice.chance(50) else time, 0, count - 2))
    part = pen.let((time - pen.cast(cell)).narrowed(0.0, 1.0))
    if dice.chance(35):
        part = pen.let((part * part * (3.0 - 2.0 * part)).narrowed(0.0, 1.0))
    one, other = pen.at(keys, cell), pen.at(keys, (cell + 1).narrowed(1, count - 1))
    match dice.below(4):
        case 0:
            found = one * (1.0 - part) + other * part
        case 1:
            found = one + (other - one) * part
        case 2:
            found = pen.op("lerp", one, other, part)
        case _:
            found = (other - one) * part
    if vectors:
        found = pen.let(found)
        match dice.below(3):
            case 0:
                pen.keep(found)
                return
            case 1:
                found = pen.op("dot", found, pen.at(pen.input(of)))
            case _:
                found = found.part(dice.below(3)) * pen.at(pen.input())
    finish(pen, pen.named(found, 50))


def classified(pen: Pen) -> None:
    """A label that is chosen picks of each thread's row: a loss of it, a margin to the others, whether it is best."""
    dice, launch = pen.dice, pen.sketch.launch
    count = dice.between(3, 4)
    label = pen.let(pen.at(chosen(pen, launch, INT32, Interval(0, count - 1))))
    scores = pen.input(span=1.5, shape=(*launch, count))
    own = pen.let(pen.at(scores, *pen.own, label))
    kind = dice.below(4)
    total = pen.total()
    with pen.loop(count) as k:
        value = pen.named(pen.at(scores, *pen.own, k), 50)
        match kind:
            case 0:
                pen.add(total, pen.op("exp", value))
            case 1:
                with pen.when(k.differs(label)):
                    pen.add(total, pen.op("max", value - own + pen.number(0.25, 1.0), 0.0))
            case 2:
                pen.add(total, pen.choose(k.equals(label), 1.0 - value, value) if dice.chance(50) else value * value)
            case _:
                with pen.when(value > own):
                    pen.add(total, value - own)
    found = pen.settled(total)
    if kind == 0:
        sure = pen.above(total, 0.5)
        found = pen.op("log", sure) - own if dice.chance(60) else pen.op("exp", own) / sure
    elif dice.chance(50):
        found = found / float(count) - own * pen.number(0.25, 0.75)
    if dice.chance(35):
        found = pen.at(pen.input(span=Interval(0.25, 1.0), shape=(count,)), label) * found
    if dice.chance(30):
        pen.atomic("atomic_add", pen.output(shape=(count,), zero=True), found, label)
        if dice.chance(50):
            pen.keep(own)
        return
    finish(pen, found)


def window(pen: Pen) -> None:
    """The cells around the thread's own in a selection: inside of it, held at its ends, or wrapped around."""
    dice, launch = pen.dice, pen.sketch.launch
    line = chosen(pen, launch)
    axis = launch.index(max(launch))
    extent, own = launch[axis], pen.own[axis]
    here = pen.let(pen.at(line))
    how = dice.weighted(((4, "inside"), (3, "held"), (3, "wrapped")))
    kind = dice.below(4)
    taps = pen.input(span=1.0, shape=(3,)) if dice.chance(40) else None
    total = pen.total()
    with pen.loop(2, -1) as k:
        moved = own + k

        def take(place: Value) -> None:
            at = tuple(place if n == axis else v for n, v in enumerate(pen.own))
            value = pen.at(line, *at)
            if kind == 1:
                value = value - here
            elif kind == 2:
                gap = pen.let(value - here)
                value = gap * gap
            elif kind == 3:
                value = pen.op("abs", value - here)
            if taps is not None:
                value = value * pen.at(taps, (k + 1).narrowed(0, 2))
            pen.add(total, value)

        if how == "inside":
            place = pen.let(moved)
            with pen.when(pen.both(place >= 0, place < pen.length(line, axis, 40))):
                take(place.narrowed(0, extent - 1))
        elif how == "held":
            take(pen.named(pen.op("clamp", moved, 0, extent - 1), 60))
        else:
            take(pen.named((moved + extent) % extent, 60))
    found = pen.settled(total)
    finish(pen, found * pen.at(pen.input()) if dice.chance(50) else pen.at(pen.input()) + found * pen.number(0.25, 0.5))


def searched(pen: Pen) -> None:
    """The first of the chosen keys that is near, or the nearest, and what belongs to it."""
    dice, count = pen.dice, pen.dice.between(4, 6)
    keys = chosen(pen, (count,))
    values = chosen(pen, (count,)) if dice.chance(30) else pen.input(shape=(count,))
    x = pen.let(pen.at(pen.input()))
    which = pen.let(pen.whole(0), mutable=True, within=Interval(0, count - 1))
    if dice.chance(50):
        best = pen.let(pen.op("abs", x - pen.at(keys, 0)), mutable=True)
        with pen.loop(count, 1) as k:
            gap = pen.let(pen.op("abs", x - pen.at(keys, k)))
            with pen.when(gap < best):
                pen.assign(best, gap)
                pen.assign(which, k)
    else:
        reach = pen.number(0.5, 1.0)
        with pen.loop(count) as k:
            gap = pen.op("abs", x - pen.at(keys, k)) if dice.chance(60) else x - pen.at(keys, k)
            with pen.when(gap < reach):
                pen.assign(which, k)
                pen.body.append(Break())
    if dice.chance(40):
        pen.keep(which)
    value = pen.at(values, which)
    finish(pen, value * x if dice.chance(50) else x + value * pen.at(pen.input()))


def returned(pen: Pen) -> None:
    """Results that go back through the index: blended with what was there, limited, or only where a test says so."""
    dice, launch = pen.dice, pen.sketch.launch
    target = indexed_array(pen.sketch, pen.main, launch, symmetric(3.0), output=True)
    old = pen.let(pen.at(chosen(pen, launch))) if dice.chance(50) else None
    value = worked_on(pen, pen.at(pen.input()) * pen.at(pen.input()) if dice.chance(50) else pen.at(pen.input()))
    if old is not None:
        value = old + pen.number(0.25, 0.75) * (value - old) if dice.chance(50) else value * old
    value = pen.let(value)
    place = list(pen.own)
    if dice.chance(25):
        axis = launch.index(max(launch))
        place[axis] = (launch[axis] - 1 - place[axis]).narrowed(0, launch[axis] - 1)
    operator = dice.one_of((None, None, "add", "sub"))
    if dice.chance(35):
        flags = pen.input(INT32, Interval(0, 2))
        with pen.when(pen.at(flags).equals(1) if dice.chance(50) else value > pen.number(-0.5, 0.5)):
            pen.store(target, value, *place, operator=operator)
    else:
        pen.store(target, value, *place, operator=operator)
    if dice.chance(40):
        pen.keep(value * value if value.interval.size <= 4.0 else -value)


SELECTIONS: Final[tuple[Form[Callable[[Pen], None]], ...]] = (
    Form(7, particles), Form(8, statistics), Form(7, block), Form(4, keyframes), Form(4, classified, most=3),
    Form(4, window), Form(4, searched), Form(6, returned),
)  # fmt: skip
