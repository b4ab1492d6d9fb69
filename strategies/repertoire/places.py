"""Ways to places in arrays beside the thread's own: neighbours, rows written whole, pairs, axes in another order."""

from __future__ import annotations

from collections.abc import Iterator

from strategies import views
from strategies.blocks import whole
from strategies.language.nodes import Expression, Slice, Statement
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value
from strategies.statements import Sketch


def beside(sketch: Sketch) -> Iterator[Statement]:
    """The cells beside the thread's own: held at the ends, or under a test of the array's length."""
    pen, dice = Pen(sketch), sketch.dice
    field = pen.input(shape=sketch.launch)
    axis = dice.one_of([n for n, extent in enumerate(sketch.launch) if extent > 1])
    own, last = pen.own[axis], pen.extent(field, axis) - 1

    def at(place: Value) -> Value:
        return pen.at(field, *(place if n == axis else v for n, v in enumerate(pen.own)))

    if dice.chance(50):
        with pen.when(own < last):
            pen.keep(at((own + 1).narrowed(1, field.shape[axis] - 1)) - pen.at(field))
    else:
        after = at(pen.op("min", own + 1, last))
        pen.keep(after - at(pen.op("max", own - 1, 0)) if dice.chance(60) else pen.at(field) * after)
    yield from pen.body


def filled(sketch: Sketch) -> Iterator[Statement]:
    """A whole row of an output, or a slice of it, written in a loop as long as it is."""
    pen, dice = Pen(sketch), sketch.dice
    width = dice.between(3, 5)
    if len(sketch.launch) == 4:
        yield from beside(sketch)
        return
    output = pen.output(shape=(*sketch.launch, width))
    given = pen.input(shape=(width,))
    x = pen.let(pen.at(pen.input()))
    row, first = output, 0
    at: tuple[Value, ...] = pen.own
    if dice.chance(70):
        first = dice.below(2)
        index: tuple[Expression | Slice, ...] = sketch.own_indices()
        if first:
            index = (*index, Slice(whole(first)))
        made, row = views.take(sketch, output, index, (width - first,) if first else ())
        pen.body += made
        at = ()
    with pen.loop(pen.length(row, len(row.shape) - 1)) as k:
        pen.store(
            row, pen.at(given, k) * x if dice.chance(60) else x + pen.at(given, k + first if first else k), *at, k
        )
    yield from pen.body


def paired(sketch: Sketch) -> Iterator[Statement]:
    """Two elements at a stride, or a line of a table summed over its length."""
    pen, dice = Pen(sketch), sketch.dice
    first, rest = pen.own[0], pen.own[1:]
    if dice.chance(50):
        array = pen.input(shape=(2 * sketch.launch[0], *sketch.launch[1:]))
        even, odd = pen.at(array, first * 2, *rest), pen.at(array, first * 2 + 1, *rest)
        pen.keep((even + odd) * 0.5 if dice.chance(50) else even - odd)
    else:
        table = pen.input(shape=(dice.between(3, 5), *sketch.launch)[:4])
        if len(table.shape) <= len(sketch.launch):
            table = pen.input(shape=(dice.between(3, 5),))
        total = pen.total()
        with pen.loop(pen.extent(table)) as k:
            pen.add(total, pen.at(table, k, *pen.own) if len(table.shape) > 1 else pen.at(table, k))
        pen.keep(pen.settled(total, linear=True) + pen.at(pen.input()))
    yield from pen.body


def turned(sketch: Sketch) -> Iterator[Statement]:
    """The axes of an array in another order, read or written."""
    pen, dice = Pen(sketch), sketch.dice
    order = list(reversed(range(len(sketch.launch)))) if dice.chance(60) else dice.some_of(range(len(sketch.launch)), 4)
    shape = tuple(sketch.launch[axis] for axis in order)
    place = [pen.own[axis] for axis in order]
    if dice.chance(50):
        pen.store(pen.output(shape=shape), pen.at(pen.input()) * pen.number(0.5, 2.0), *place)
    else:
        pen.keep(pen.at(pen.input(shape=shape), *place) - pen.at(pen.input()))
    yield from pen.body
