"""What indexed arrays are for: a subset that is worked on, rows of it, labels, chosen points, places written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.indexed_arrays import indexed_array
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.types import INT32, Scalar, Vector
from strategies.repertoire.endings import finish
from strategies.repertoire.forms import Form
from strategies.repertoire.pen import Pen
from strategies.repertoire.selections import SELECTIONS, chosen
from strategies.repertoire.values import Value


def own(pen: Pen) -> None:
    """The thread's own of what was chosen, with what a plain array holds for it; vectors at times."""
    dice = pen.dice
    vectors = dice.chance(30)
    of: Scalar | Vector = types.vector(3, pen.main) if vectors else pen.main
    value = pen.let(pen.at(chosen(pen, pen.sketch.launch, of)))
    other = pen.at(pen.input(of))
    match dice.below(4):
        case 0:
            found = value + (other - value) * pen.number(0.25, 0.75)
        case 1:
            apart = pen.let(other - value)
            found = pen.op("dot", apart, apart) if vectors else apart * apart
        case 2:
            found = pen.op("dot", value, other) if vectors else value * other
        case _:
            found = value + other * pen.scalar(0.0625, 0.5)
    if dice.chance(30) and isinstance(found.type, Scalar):
        pen.atomic("atomic_add", pen.output(shape=(1,), zero=dice.chance(60)), found, 0)
        return
    finish(pen, found)


def labels(pen: Pen) -> None:
    """Labels that are chosen: each is a place in another array, a group that is summed into, or a case."""
    dice, groups = pen.dice, pen.dice.between(3, 5)
    label = pen.let(pen.at(chosen(pen, pen.sketch.launch, INT32, Interval(0, groups - 1))))
    value = pen.at(pen.input())
    match dice.below(3):
        case 0:
            finish(pen, pen.at(pen.input(shape=(groups,)), label) * value)
        case 1:
            pen.atomic("atomic_add", pen.output(shape=(groups,), zero=dice.chance(70)), value, label)
            if dice.chance(50):
                pen.atomic("atomic_add", pen.output(INT32, (groups,), zero=True), pen.whole(1), label)
        case _:
            result = pen.let(value * pen.number(0.25, 0.75), mutable=True)
            with pen.when(label.equals(0) if dice.chance(60) else label > 1):
                pen.assign(result, pen.op("abs", value) if dice.chance(50) else -value)
            finish(pen, result)


def rows(pen: Pen) -> None:
    """Rows that are chosen, each gone through by a thread: a weighted sum, a distance from a plain row."""
    dice, launch = pen.dice, pen.sketch.launch
    width = dice.between(2, 5)
    table = chosen(pen, (*launch, width))
    weights = pen.input(span=1.0, shape=(*launch, width) if dice.chance(40) else (width,))
    total = pen.total()
    with pen.loop(width) as k:
        left, right = pen.at(table, *pen.own, k), pen.at(weights, *(pen.own if len(weights.shape) > 1 else ()), k)
        if dice.chance(65):
            pen.add(total, left * right)
        else:
            apart = pen.let(left - right)
            pen.add(total, apart * apart)
    found = pen.settled(total)
    finish(pen, found / float(width) if dice.chance(30) else found)


def beside(pen: Pen) -> None:
    """A thread's own and the next along an axis, of what was chosen: their difference, or a mean."""
    dice, launch = pen.dice, pen.sketch.launch
    array = chosen(pen, launch)
    axis = launch.index(max(launch))
    last = pen.length(array, axis) - 1
    place: list[Value] = list(pen.own)
    place[axis] = pen.op("min", place[axis] + 1, last) if dice.chance(60) else (pen.own[axis] + 1) % launch[axis]
    if dice.chance(40):
        place[axis] = pen.let(place[axis])
    here, after = pen.at(array), pen.at(array, *place)
    value = after - here if dice.chance(60) else 0.5 * (here + after)
    other = pen.at(pen.input())
    finish(pen, value * other if dice.chance(60) else pen.named(value, 60) + other)


def points(pen: Pen) -> None:
    """A few chosen points that every thread goes through: what is near counts."""
    dice, count = pen.dice, pen.dice.between(3, 6)
    keys = chosen(pen, (count,))
    x = pen.let(pen.at(pen.input()))
    reach = pen.number(0.5, 1.5)
    total = pen.total()
    with pen.loop(count) as k:
        apart = pen.let(x - pen.at(keys, k))
        near = pen.op("exp", -(apart * apart)) if dice.chance(50) else 1.0 / (1.0 + apart * apart)
        if dice.chance(50):
            with pen.when(pen.op("abs", apart) < reach):
                pen.add(total, near)
        else:
            pen.add(total, near * pen.at(pen.input(span=1.0, shape=(count,)), k))
    finish(pen, pen.settled(total))


def written(pen: Pen) -> None:
    """Chosen cells that are written: what the threads computed goes back to where it belongs."""
    dice = pen.dice
    target = indexed_array(pen.sketch, pen.main, pen.sketch.launch, symmetric(3.0), output=True)
    x, v = pen.at(pen.input()), pen.at(pen.input())
    value = x + v * pen.scalar(0.0625, 0.5) if dice.chance(60) else x * v
    if dice.chance(40):
        pen.store(target, value, operator=dice.one_of(("add", "add", "sub")))
    elif dice.chance(40):
        with pen.when(x > 0.0 if dice.chance(50) else v < pen.number(0.25, 1.0)):
            pen.store(target, value)
    else:
        pen.store(target, value)


SUBSETS: Final[tuple[Form[Callable[[Pen], None]], ...]] = (
    Form(4, own), Form(4, labels), Form(4, rows, most=3), Form(3, beside), Form(3, points), Form(8, written),
    *SELECTIONS,
)  # fmt: skip
