"""Computations along the axes of arrays: reductions of one, axes in another order, outer products, running sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.blocks import whole
from strategies.intervals import Interval
from strategies.language.nodes import Parameter, Slice
from strategies.language.types import INT32
from strategies.repertoire.endings import finish, worked_on
from strategies.repertoire.forms import Form
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value

#: Of 100 lines of arrays that a loop goes along, how many have a name.
NAMED: Final = 90


class Line:
    """One line of an array, along an axis, at a place of the others: by a name, or by all indices."""

    def __init__(self, pen: Pen, array: Parameter, axis: int, place: tuple[Value, ...], named: int = NAMED) -> None:
        self.pen, self.array, self.axis, self.place = pen, array, axis, place
        self.length = array.shape[axis]
        self.part: Parameter | None = None
        if pen.dice.chance(named):
            if axis == len(place):
                self.part = pen.part(array, *place)
            else:
                indices: list[Value | Slice] = list(place)
                indices.insert(axis, Slice())
                self.part = pen.part(array, *indices, lengths=(self.length,))

    def indices(self, k: Value | int) -> tuple[Value | int, ...]:
        """Where the element at `k` is."""
        return (k,) if self.part is not None else (*self.place[: self.axis], k, *self.place[self.axis :])

    def at(self, k: Value | int) -> Value:
        """The element at `k`."""
        return self.pen.at(self.part or self.array, *self.indices(k))

    def store(self, value: Value, k: Value | int, operator: str | None = None) -> None:
        """``line[k] = value``."""
        self.pen.store(self.part or self.array, value, *self.indices(k), operator=operator)

    def stop(self, shaped: int) -> Value:
        """How long it is."""
        return self.pen.length(self.part or self.array, 0 if self.part is not None else self.axis, shaped)


def across(pen: Pen, extent: int, span: float = 1.5, output: bool = False) -> Line:
    """A line for each thread, along an axis that the launch has not: at the end, mostly, or before another."""
    dice, launch = pen.dice, pen.sketch.launch
    axis = len(launch) if dice.chance(15) else dice.below(len(launch) + 1)
    shape = (*launch[:axis], extent, *launch[axis:])
    array = pen.output(shape=shape) if output else pen.input(span=span, shape=shape)
    return Line(pen, array, axis, pen.own)


def reduced(pen: Pen) -> None:
    """One axis of an array: a sum, a mean, a moment, a product with weights, an extreme and where that is."""
    dice, extent = pen.dice, pen.dice.between(3, 5)
    line = across(pen, extent)
    kind = dice.weighted(((4, "sum"), (4, "weights"), (3, "squares"), (3, "extreme"), (2, "place"), (2, "count")))
    if kind in ("extreme", "place"):
        best = pen.let(line.at(0), mutable=True)
        which = pen.let(pen.whole(0), mutable=True, within=Interval(0, extent - 1)) if kind == "place" else None
        op = dice.one_of(("max", "min"))
        with pen.loop(extent, 1) as k:
            value = line.at(k)
            if which is None and dice.chance(50):
                pen.assign(best, pen.op(op, best, value))
            else:
                value = pen.let(value)
                with pen.when(value > best if op == "max" else value < best):
                    pen.assign(best, value)
                    if which is not None:
                        pen.assign(which, k)
        if which is not None:
            pen.keep(which)
        finish(pen, best)
        return
    shaped = 100 if dice.chance(25) else 0
    weights = pen.input(span=1.0, shape=(extent,)) if kind == "weights" else None
    other = across(pen, extent, 1.0) if kind != "weights" and dice.chance(30) else None
    limit = pen.number(-0.5, 1.0) if kind == "count" else None
    total = pen.total()
    count = pen.total(INT32) if kind == "count" else None
    with pen.loop(line.stop(shaped)) as k:
        value = line.at(k)
        if other is not None:
            value = value - other.at(k) if dice.chance(50) else value * other.at(k)
        if kind == "squares":
            value = pen.named(value, 50)
            value = value * value
        if weights is not None:
            value = value * pen.at(weights, k)
        if limit is not None and count is not None:
            value = pen.let(value)
            with pen.when(value > limit):
                pen.add(total, value)
                pen.add(count, pen.whole(1))
        else:
            pen.add(total, value)
    found = pen.settled(total, linear=bool(shaped))
    if shaped:
        pen.keep(found + pen.at(pen.input()))
        if count is not None:
            pen.keep(pen.settled(count, linear=True))
        return
    if count is not None:
        sure = pen.settled(count)
        finish(pen, found / pen.cast(pen.op("max", sure, 1)))
        return
    finish(pen, found / float(extent) if dice.chance(40) else found)


def running(pen: Pen) -> None:
    """A running sum, a decaying one or differences along an axis, each in its place of an output."""
    dice, extent = pen.dice, pen.dice.between(3, 5)
    source, target = across(pen, extent), across(pen, extent, output=True)
    gate = across(pen, extent, 1.0) if dice.chance(35) else None
    backwards = dice.chance(30)
    kind = dice.below(4)
    decay = pen.scalar(0.25, 0.75)
    state = pen.let(source.at(extent - 1 if backwards else 0) if kind == 1 else pen.zero(pen.main), mutable=True,
                    within=Interval(-16.0, 16.0))  # fmt: skip
    with pen.loop(-1, extent - 1, -1) if backwards else pen.loop(extent) as k:
        value = source.at(k)
        if gate is not None:
            value = value * gate.at(k)
        match kind:
            case 0:
                pen.add(state, value)
            case 1:
                pen.assign(state, decay * state + (1.0 - decay) * value)
            case 2:
                pen.assign(state, state * decay + value)
            case _:
                pen.assign(state, pen.op("max", state, value))
        target.store(state if dice.chance(60) else state * pen.at(pen.input()), k)


def transposed(pen: Pen) -> None:
    """An array with its axes in another order, read or written, with its twin, row by row at times."""
    dice, launch = pen.dice, pen.sketch.launch
    count = len(launch)
    order = list(reversed(range(count))) if dice.chance(50) else dice.some_of(range(count), count)
    if order == sorted(order):
        order = order[::-1]
    shape, place = tuple(launch[axis] for axis in order), tuple(pen.own[axis] for axis in order)
    here, there = pen.input(), pen.input(shape=shape)
    row = pen.part(there, place[0]) if dice.chance(45) else None
    turned = pen.at(row, *place[1:]) if row is not None else pen.at(there, *place)
    match dice.below(5):
        case 0:
            found = 0.5 * (pen.at(here) + turned)
        case 1:
            found = 0.5 * (pen.at(here) - turned)
        case 2:
            found = pen.at(here) * turned
        case 3:
            found = turned
        case _:
            found = pen.at(here) + pen.number(0.25, 1.0) * turned
    found = worked_on(pen, pen.named(found, 50))
    if dice.chance(55):
        output = pen.output(shape=shape)
        if dice.chance(50):
            pen.store(pen.part(output, place[0]), found, *place[1:], operator="add" if dice.chance(25) else None)
        else:
            pen.store(output, found, *place)
    else:
        pen.keep(found)


def outer(pen: Pen) -> None:
    """Two lines against each other: products, differences, kernels of distances; a row for each thread, or a cell."""
    dice, launch = pen.dice, pen.sketch.launch
    own = pen.own[0]
    u = pen.input(span=1.5, shape=(launch[0],))
    kind = dice.below(5)
    scale = pen.number(0.25, 1.0)

    def met(one: Value, other: Value) -> Value:
        match kind:
            case 0:
                return one * other
            case 1:
                apart = pen.let(one - other)
                return apart * apart
            case 2:
                apart = pen.let(one - other)
                return pen.op("exp", -(apart * apart) * scale)
            case 3:
                return scale * one * other
        return pen.op("abs", one - other)

    if len(launch) == 1:
        wide = dice.between(3, 5)
        v = pen.input(span=1.5, shape=(wide,))
        target = across(pen, wide, output=True)
        x = pen.let(pen.at(u, own))
        bias = across(pen, wide, 1.0) if dice.chance(40) else None
        with pen.loop(pen.length(v, 0, 0)) as k:
            found = met(x, pen.at(v, k))
            if bias is not None:
                found = found + bias.at(k)
            target.store(found, k, "add" if dice.chance(30) else None)
        return
    v = pen.input(span=1.5, shape=(launch[1],))
    found = met(pen.at(u, own), pen.at(v, pen.own[1]))
    for axis in range(2, len(launch)):
        w = pen.input(span=1.0, shape=(launch[axis],))
        found = found * pen.at(w, pen.own[axis]) if dice.chance(60) else found + pen.at(w, pen.own[axis])
    if dice.chance(60):
        output = pen.output()
        row = pen.part(output, own)
        pen.store(row, worked_on(pen, found), *pen.own[1:], operator=dice.one_of((None, None, "add", "sub")))
    else:
        finish(pen, found)


def matvec(pen: Pen) -> None:
    """A matrix of each batch times a vector of it: an element for each thread, or a column of them in a loop."""
    dice, launch = pen.dice, pen.sketch.launch
    inner = dice.between(2, 4)
    shared = dice.chance(35)
    rows = dice.between(2, 3) if len(launch) == 1 else 0
    batch = launch[:1]
    b = pen.own[0]
    x = pen.input(span=1.0, shape=(inner,) if shared else (*batch, inner))
    given = None if shared or dice.chance(50) else pen.part(x, b)
    more = dice.chance(40)

    def times(row: tuple[Value, ...]) -> Value:
        line = Line(pen, a, len(row), row)
        total = pen.total()
        with pen.loop(inner) as k:
            other = pen.at(x, k) if shared else pen.at(given, k) if given is not None else pen.at(x, b, k)
            pen.add(total, line.at(k) * other)
        return pen.settled(total)

    if rows:
        a = pen.input(span=1.0, shape=(*batch, rows, inner))
        bias = pen.input(span=1.0, shape=(rows,)) if more else None
        y = Line(pen, pen.output(shape=(*batch, rows)), 1, (b,))
        with pen.loop(rows) as r:
            found = times((b, r))
            y.store(worked_on(pen, found if bias is None else found + pen.at(bias, r)), r)
        return
    place = pen.own[:3]
    a = pen.input(span=1.0, shape=(*launch[:3], inner))
    found = times(place)
    if more:
        found = found + pen.at(pen.input(span=1.0, shape=launch[1:2]), pen.own[1])
    finish(pen, found)


def spread(pen: Pen) -> None:
    """A number for each thread that is written along an axis, under slices with steps or in a loop."""
    dice, half = pen.dice, pen.dice.between(2, 3)
    launch = pen.sketch.launch
    value = pen.let(worked_on(pen, pen.at(pen.input())))
    output = pen.output(shape=(*launch, 2 * half))
    weights = pen.input(span=1.0, shape=(half,))
    first = pen.part(output, *pen.own, Slice(None, None, whole(2)), lengths=(half,))
    second = pen.part(output, *pen.own, Slice(whole(1), None, whole(2)), lengths=(half,))
    one, other = dice.some_of(("mul", "add", "sub", "max", "min"), 2)
    with pen.loop(half) as k:
        for target, op in ((first, one), (second, other)):
            pen.store(target, pen.op(op, pen.at(weights, k), value), k, operator="add" if dice.chance(20) else None)


AXES: Final[tuple[Form[Callable[[Pen], None]], ...]] = (
    Form(7, reduced, most=3), Form(3, running, most=3), Form(3, transposed, least=2), Form(4, outer), Form(4, matvec),
    Form(4, spread, most=3),
)  # fmt: skip
