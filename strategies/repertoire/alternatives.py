"""What conditional expressions choose beside numbers: vectors, matrices and rotations, elements that are overwritten
afterwards, how often a loop runs, places, what a function returns, and which of two functions is called at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.functions import FunctionSketch
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Assign, Call, Element, Expression, Name, Parameter, Return
from strategies.language.types import INT32, Composite, Scalar, Vector
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value
from strategies.typed import Typed

#: Of 100 values that are chosen, how many of one another's arms are such a choice again.
NESTED: Final = 35


def _test(pen: Pen) -> Expression:
    """What decides: a number of the thread's own, a mode, or where it is."""
    dice = pen.dice
    match dice.below(4):
        case 0:
            mode = pen.scalar(0, 2, INT32) if dice.chance(40) else pen.at(pen.input(INT32, Interval(0, 2)))
            return dice.one_of((mode.equals, mode.differs))(pen.whole(dice.between(0, 1)))
        case 1:
            place = dice.one_of(pen.own)
            return dice.one_of((place.__lt__, place.__ge__))(pen.whole(dice.between(1, 2)))
        case 2:
            x = pen.at(pen.input())
            return dice.one_of((x.__lt__, x.__gt__))(pen.at(pen.input()))
    x = pen.at(pen.input())
    return dice.one_of((x.__lt__, x.__gt__, x.__ge__))(pen.number(-0.5, 0.5))


def _several(pen: Pen, of: Scalar | Composite) -> Value:
    """One of two or three elements, or of what was made of them."""
    arms = [pen.at(pen.input(of)) for _ in range(3)]
    if pen.dice.chance(40):
        arms[1] = arms[0] * pen.number(0.25, 0.75) if pen.dice.chance(60) else -arms[0]
    other = pen.choose(_test(pen), arms[1], arms[2]) if pen.dice.chance(NESTED) else arms[1]
    first, second = (arms[0], other) if pen.dice.chance(60) else (other, arms[0])
    return pen.let(pen.choose(_test(pen), first, second))


def values(pen: Pen) -> None:
    """A vector, a matrix or a quaternion that is chosen as a whole, and what is computed of it."""
    dice, main = pen.dice, pen.main
    length = dice.one_of((2, 3, 3, 4))
    of: Composite = dice.weighted(
        ((5, types.vector(length, main)), (3, types.matrix(length, length, main)), (2, types.quaternion(main)))
    )
    found = _several(pen, of)
    if isinstance(of, Vector):
        match dice.below(4):
            case 0:
                pen.give(pen.op("dot", found, pen.at(pen.input(of))))
            case 1:
                pen.give(pen.op("length", found))
            case 2:
                pen.keep(found * pen.at(pen.input()))
            case _:
                pen.keep(pen.at(pen.input(of)) - found)
    elif isinstance(of, types.Matrix) and dice.chance(60):
        vector = pen.at(pen.input(types.vector(length, main)))
        product = pen.op("mul", found, vector)
        pen.keep(product if dice.chance(60) else product + vector)
    else:
        pen.keep(found * pen.number(0.25, 1.5) if dice.chance(40) else found)


def facing(pen: Pen) -> None:
    """A direction, or a rotation, that is turned over where it points the wrong way; the nearer or longer of two."""
    dice, main = pen.dice, pen.main
    of: Composite = types.quaternion(main) if dice.chance(25) else types.vector(dice.one_of((3, 3, 2)), main)
    one, other = pen.let(pen.at(pen.input(of))), pen.at(pen.input(of))
    if isinstance(of, Vector) and dice.chance(50):
        sizes = [pen.op("length", value) for value in (one, other)]
        found = pen.choose(sizes[0] < sizes[1] if dice.chance(50) else sizes[0] > sizes[1], one, other)
    else:
        found = pen.choose(pen.op("dot", one, other) < 0.0, -one, one)
    found = pen.let(found)
    if dice.chance(45):
        pen.keep(found)
    else:
        pen.give(pen.op("dot", found, pen.at(pen.input(of))))


def overwritten(pen: Pen) -> None:
    """An element that is chosen, and has another value before what was chosen is stored: the old one is meant."""
    dice = pen.dice
    of: Scalar | Composite = types.vector(dice.one_of((2, 3)), pen.main) if dice.chance(35) else pen.main
    state = pen.output(of)
    other = pen.output(of) if dice.chance(40) else pen.input(of)
    old, given = pen.at(state), pen.at(other)
    test = _test(pen)
    found = pen.let(pen.choose(test, old, given) if dice.chance(65) else pen.choose(test, given, old))
    match dice.below(3):
        case 0:
            pen.store(state, pen.zero(of), *pen.own)
        case 1:
            pen.store(state, pen.at(pen.input(of)), *pen.own)
        case _:
            pen.store(state, pen.at(pen.input(of)), *pen.own, operator=dice.one_of(("add", "sub")))
    if other.output and dice.chance(60):
        pen.store(other, found, *pen.own)
    else:
        pen.keep(found * pen.number(0.25, 1.5) if dice.chance(40) else found)


def ranged(pen: Pen) -> None:
    """How often a loop runs, or where it begins, chosen: by a thread's own number or by a mode."""
    dice, many = pen.dice, pen.dice.between(3, 5)
    count = pen.at(pen.input(INT32, Interval(0, many)))
    stop = pen.choose(_test(pen), count if dice.chance(60) else pen.whole(many), dice.between(1, 2))
    stop = pen.named(stop, 35)
    start = pen.choose(_test(pen), pen.whole(1), 0) if dice.chance(30) else pen.whole(0)
    weights, shared = pen.input(span=1.0, shape=(many,)), pen.input(shape=(pen.sketch.launch[0] + many,))
    total = pen.total()
    with pen.loop(stop, start) as k:
        k = k.narrowed(0, many - 1)
        value = pen.at(weights, k) * pen.at(shared, pen.own[0] + k)
        if dice.chance(30):
            value = pen.choose(pen.at(weights, k) > 0.0, value, pen.at(weights, k))
        pen.add(total, value)
    pen.give(pen.settled(total, linear=True))


def places(pen: Pen) -> None:
    """A place that is chosen, written where the element is read: the neighbour around the end, one of two lists."""
    dice, count = pen.dice, pen.dice.between(3, 6)
    own, last = pen.own[0], pen.sketch.launch[0] - 1
    line = pen.input(shape=(last + 1,))
    if dice.chance(50) and last > 0:
        before = pen.choose(own > 0, (own - 1).narrowed(0, last), pen.whole(last))
        after = pen.choose(own < last, (own + 1).narrowed(0, last), pen.whole(0))
        left, right = pen.at(line, before), pen.at(line, after)
        pen.give(dice.one_of((right - left, left + right, left - pen.at(line, own))))
        return
    table = pen.input(shape=(count,))
    one, other = (pen.at(pen.places(count)) for _ in range(2))
    place = pen.choose(_test(pen), one, other if dice.chance(60) else pen.whole(dice.below(count)))
    if dice.chance(NESTED):
        place = pen.choose(_test(pen), place, pen.whole(dice.below(count)))
    pen.give(pen.at(table, place) * pen.at(pen.input()))


def listed(pen: Pen) -> None:
    """A number, or a vector, that a mode chooses out of three or four: one choice in the other's arm."""
    dice = pen.dice
    of: Scalar | Composite = types.vector(dice.one_of((2, 3)), pen.main) if dice.chance(45) else pen.main
    mode = pen.let(pen.at(pen.input(INT32, Interval(0, 4))))
    count = dice.between(3, 4)
    found = pen.at(pen.input(of))
    for number in reversed(range(count - 1)):
        arm = pen.at(pen.input(of))
        if dice.chance(30):
            arm = arm * pen.number(0.25, 1.5)
        found = pen.choose(mode.equals(number), arm, found)
    if isinstance(of, Vector):
        pen.keep(found)
    else:
        pen.give(pen.let(found))


def returned(pen: Pen) -> None:
    """A function that returns a choice, called twice or in the arm of another one."""
    dice = pen.dice
    of: Scalar | Vector = types.vector(dice.one_of((2, 3)), pen.main) if dice.chance(35) else pen.main
    own = FunctionSketch(pen.sketch)
    inner = Pen(own)
    bounds = {"one": of, "other": of, "by": pen.main}
    one, other, by = (_parameter(inner, own, wanted) for wanted in bounds.values())
    limit, below = inner.literal(dice.one_of((0.0, 0.25, -0.5))), dice.chance(50)
    test = by < limit if below else by > limit
    last: Value = other * by if dice.chance(50) else other
    if dice.chance(40):
        # on the other side of the limit
        last = inner.choose(by > 1.0 if below else by < -1.0, one - other, last)
    result = own.fit_local(inner.choose(test, one, last).typed)
    if dice.chance(30):
        result = inner.let(Value(inner, result)).typed
    needed = tuple(parameter.name for parameter in own.parameters)
    callee = own.finish(of, [*inner.body, Return((result.node,))], [result], needed=needed)
    pen.sketch.called.add(callee.function.name)

    def called() -> Value:
        given = [pen.at(pen.input(wanted)).node for wanted in bounds.values()]
        return Value(pen, Typed(Call(of, callee.function.name, tuple(given)), result.interval, True))

    if dice.chance(45):
        found = pen.choose(_test(pen), called(), called() if dice.chance(50) else pen.at(pen.input(of)))
    else:
        found = called() - called() if dice.chance(40) else called()
    pen.keep(pen.let(found) if dice.chance(50) else found)


def _parameter(pen: Pen, own: FunctionSketch, of: Scalar | Vector) -> Value:
    variable = own.parameter(of, symmetric(2.0))
    variable.used = True
    return Value(pen, Typed(Name(of, variable.name), variable.interval, True), variable)


def effects(pen: Pen) -> None:
    """A function that stores something in an array, called in one arm: only where the arm is chosen, it is stored."""
    dice, main = pen.dice, pen.main
    kept = pen.output()
    own = FunctionSketch(pen.sketch)
    given = Parameter(own.fresh(), types.array(main, len(kept.shape)), kept.low, kept.high, kept.shape, True)
    own.parameters.append(given)
    places = [own.place(extent) for extent in pen.sketch.launch]
    inner = Pen(own)
    x = _parameter(inner, own, main)
    target = Element(main, given.name, tuple(Name(INT32, place.name) for place in places))
    inner.body.append(Assign(target, (x * 0.5 if dice.chance(40) else x).node))
    result = own.fit_local((x * x if dice.chance(40) else x + dice.one_of((0.5, 1.0))).typed)
    names = tuple(parameter.name for parameter in own.parameters)
    callee = own.finish(main, [*inner.body, Return((result.node,))], [result], needed=names)
    pen.sketch.called.add(callee.function.name)
    arguments = (Name(kept.type, kept.name), *(index.node for index in pen.own), pen.at(pen.input()).node)
    call = Value(pen, Typed(Call(main, callee.function.name, arguments), result.interval, True))
    other = pen.at(pen.input()) if dice.chance(70) else pen.literal(0.0)
    found = pen.choose(_test(pen), call, other) if dice.chance(70) else pen.choose(_test(pen), other, call)
    pen.keep(pen.let(found))


ALTERNATIVES: Final[tuple[tuple[int, Callable[[Pen], None]], ...]] = (
    (8, values), (4, facing), (6, overwritten), (4, ranged), (4, places), (3, listed), (5, returned), (3, effects),
)  # fmt: skip
