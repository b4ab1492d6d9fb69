"""Everything in one kernel: loops with branches in them, vectors, matrices, structs, views, functions, sums, stores."""

from __future__ import annotations

from collections.abc import Iterator

from strategies import views
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Break, Continue, Expression, If, Statement
from strategies.language.types import INT32, Scalar, Vector
from strategies.repertoire import motifs
from strategies.repertoire.forms import Form, one_for
from strategies.repertoire.values import Value
from strategies.repertoire.worlds import World
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("branch", "loop"))

#: Of 100 kernels, how many are statements of the grammar, of all kinds.
MIXED = 20
#: Of the others, how many of 100 branch on what they found.
DECIDED = 50
WEIGHTS = Statements(define=5, reassign=2, augment=3, update=1, component=2, branch=3, loop=3, leave=1)


# ---------------------------------------------------------------- loops


def pairs(scene: World) -> None:
    """A loop over other points, all or those that an array lists: what is near adds a force, a density, a count."""
    pen, dice = scene.pen, scene.dice
    count = dice.between(3, 4)
    listed = len(pen.own) < 4 and dice.chance(45)
    others = pen.input(scene.point, shape=(dice.between(5, 9) if listed else count,))
    near = (
        pen.places(others.shape[0], (*pen.sketch.launch, count), low=-1 if dice.chance(40) else 0) if listed else None
    )
    place = pen.let(scene.own(scene.point))
    reach = pen.number(0.5, 2.0)
    density = pen.total()
    force = pen.total(scene.point) if dice.chance(60) else None
    with pen.loop(count) as k:
        j = k
        if near is not None:
            j = pen.let(pen.at(near, *pen.own, k))
            if near.low < 0:
                pen.body.append(If(j < 0, (Continue(),)))
                j = j.narrowed(0, others.shape[0] - 1)
        apart = pen.let(place - pen.at(others, j))
        distance = pen.let(pen.op("length", apart))
        if dice.chance(75):
            with pen.when(distance < reach):
                near_by = distance.narrowed(0.0, reach.interval.high)
                _interact(scene, density, force, apart, near_by, reach, inside=True)
        else:
            _interact(scene, density, force, apart, distance, reach)
    _found(scene, density)
    if force is not None:
        scene.pool.put(pen.settled(force))


def _interact(
    scene: World,
    density: Value,
    force: Value | None,
    apart: Value,
    distance: Value,
    reach: Value,
    inside: bool = False,
) -> None:
    """What one neighbour adds, which is known to be near if it is `inside`."""
    pen, dice = scene.pen, scene.dice
    match dice.below(3):
        case 0:
            share = 1.0 - distance / reach
            weight = pen.let(share.narrowed(0.0, 1.0) if inside else share)
            weight = pen.let(weight * weight) if dice.chance(50) else weight
        case 1:
            weight = pen.let(pen.op("exp", -distance))
        case _:
            weight = pen.let(1.0 / (0.5 + pen.op("length_sq", apart)))
    weight = scene.called(weight)
    pen.add(density, weight)
    if force is not None:
        pen.add(force, apart * weight if dice.chance(60) else apart * (weight / (distance + 0.5)))


def _found(scene: World, total: Value) -> None:
    scene.pool.put(scene.pen.settled(total))


def row(scene: World) -> None:
    """A loop over the thread's row of a table, perhaps under a name: a product with weights, a largest value."""
    pen, dice = scene.pen, scene.dice
    width = dice.between(3, 4)
    table = pen.input(span=1.5, shape=(*pen.sketch.launch, width))
    at: tuple[Value, ...] = pen.own
    if dice.chance(50):
        made, table = views.row(pen.sketch, table)
        pen.body += made
        at = ()
    weights = pen.input(span=1.0, shape=(width,)) if dice.chance(65) else None
    total = pen.total()
    best = pen.let(pen.at(table, *at, 0), mutable=True) if dice.chance(45) else None
    with pen.loop(width) as k:
        value = pen.let(pen.at(table, *at, k))
        if best is not None:
            with pen.when(value > best):
                pen.assign(best, value)
        share = value * pen.at(weights, k) if weights is not None else value * value
        if dice.chance(35):
            with pen.when(value > 0.0 if dice.chance(50) else pen.op("abs", value) < pen.number(0.5, 1.0)):
                pen.add(total, scene.called(share))
        else:
            pen.add(total, scene.called(share))
    _found(scene, total)
    if best is not None:
        scene.pool.put(best)


def steps(scene: World) -> None:
    """A few steps in time of a body, which bounces off the ground or is held back by drag."""
    pen, dice = scene.pen, scene.dice
    of: Scalar | Vector = scene.point if dice.chance(50) else pen.main
    wide = symmetric(8.0)
    x = pen.let(scene.own(of), mutable=True, within=wide)
    v = pen.let(pen.at(pen.input(of)), mutable=True, within=wide)
    dt, stiff = pen.scalar(0.03125, 0.125), pen.number(0.25, 1.0)
    drag = pen.number(0.125, 0.5) if dice.chance(50) else None
    with pen.loop(dice.between(2, 3)):
        force = pen.let(-stiff * x if drag is None else -stiff * x - drag * v)
        pen.add(v, dt * force)
        pen.add(x, dt * v)
        if isinstance(of, Scalar) and dice.chance(60):
            with pen.when(x < 0.0):
                pen.assign(x, -x)
                pen.assign(v, v * -0.5)
    scene.pool.put(x)
    if dice.chance(60):
        scene.pool.put(v)


def search(scene: World) -> None:
    """The nearest of a few values, or the interval that a number falls into, and what belongs to it."""
    pen, dice = scene.pen, scene.dice
    count = dice.between(3, 5)
    keys, values = pen.input(span=2.0, shape=(count,)), pen.input(span=2.0, shape=(count,))
    x = pen.let(scene.own(pen.main))
    which = pen.let(pen.whole(0), mutable=True, within=Interval(0, count - 1))
    if dice.chance(60):
        best = pen.let(pen.op("abs", x - pen.at(keys, 0)), mutable=True)
        with pen.loop(count, 1) as k:
            distance = pen.let(pen.op("abs", x - pen.at(keys, k)))
            with pen.when(distance < best):
                pen.assign(best, distance)
                pen.assign(which, k)
    else:
        with pen.loop(count) as k:
            if dice.chance(50):
                pen.body.append(If(pen.at(keys, k) > x, (Break(),)))
                pen.assign(which, k)
            else:
                with pen.when(x >= pen.at(keys, k)):
                    pen.assign(which, k)
    scene.pool.let(scene.called(pen.at(values, which) * x))


LOOPS = (Form(5, pairs), Form(4, row, most=3), Form(3, steps), Form(2, search))


# ---------------------------------------------------------------- around the loops


def _turned(scene: World) -> None:
    """A point turned and moved by a matrix."""
    pen, dice, of = scene.pen, scene.dice, scene.point
    turn = pen.at(pen.input(types.matrix(of.length, of.length, pen.main), 1.0))
    point = turn * scene.own(of)
    if dice.chance(50):
        point = point + pen.at(pen.input(of))
    found = pen.let(point)
    scene.pool.let(found.part(dice.below(of.length)) if dice.chance(40) else pen.op("length", found))


def _scaled(scene: World, value: Value) -> Value:
    """What was found, scaled, and changed further on one side of a bound."""
    pen, dice = scene.pen, scene.dice
    result = pen.let(value * pen.number(0.5, 1.5), mutable=True)
    with pen.when(_test(scene)):
        if dice.chance(60):
            pen.assign(result, result * pen.at(pen.input()))
        else:
            pen.add(result, scene.own(pen.main))
    if dice.chance(60):
        with pen.otherwise():
            pen.assign(result, scene.own(pen.main) * 0.5 if dice.chance(50) else pen.op("cos", result))
    return result


def _limited(scene: World, value: Value) -> Value:
    """What was found, held between two bounds, beyond which it goes on more slowly at times."""
    pen, dice = scene.pen, scene.dice
    result = pen.let(value, mutable=True)
    high = pen.number(0.5, 1.5)
    slow = pen.number(0.125, 0.5) if dice.chance(50) else None
    with pen.when(result > high):
        pen.assign(result, high if slow is None else high + (result - high) * slow)
    if dice.chance(60):
        with pen.otherwise(), pen.when(result < -high):
            pen.assign(result, -high if slow is None else (result + high) * slow - high)
    return result


def _either(scene: World, value: Value) -> Value:
    """One of two values, by a comparison."""
    pen, dice = scene.pen, scene.dice
    other = scene.own(pen.main) * pen.number(0.25, 1.5)
    first, second = (value, other) if dice.chance(60) else (other, value)
    return pen.let(pen.choose(_test(scene), first, second))


def _by_kind(scene: World, value: Value) -> Value:
    """What a number of the thread says is done with what was found."""
    pen, dice = scene.pen, scene.dice
    kind = pen.let(pen.at(pen.input(INT32, Interval(0, 2))))
    result = pen.let(value, mutable=True)
    with pen.when(kind.equals(1)):
        pen.assign(result, result * pen.at(pen.input()) if dice.chance(50) else pen.op("abs", result))
    with pen.otherwise(), pen.when(kind.equals(2) if dice.chance(60) else kind > 1):
        pen.assign(result, pen.op(dice.one_of(("sin", "tanh", "neg")), result))
    return result


def _mirrored(scene: World, value: Value) -> Value:
    """What was found and something of the thread's own, turned or exchanged where two conditions hold, or one."""
    pen, dice = scene.pen, scene.dice
    first = pen.let(value, mutable=True)
    second = pen.let(scene.own(pen.main) * pen.number(0.5, 1.5), mutable=True)
    test = first > second
    if dice.chance(50):
        test = (pen.both if dice.chance(60) else pen.either)(test, second > pen.number(-0.5, 1.0))
    with pen.when(test):
        if dice.chance(50):
            pen.unpack([first, second], [second, first])
        else:
            pen.assign(first, second * 2.0 - first)
    return pen.let(first - second if dice.chance(50) else first * second)


def _test(scene: World) -> Expression:
    """A comparison of something that was found, or of the grammar."""
    pen = scene.pen
    known = [v for v in scene.pool.values if v.type is pen.main and v.variable is not None]
    return scene.dice.one_of(known) > pen.number(-0.5, 1.0) if known else pen.condition()


DECISIONS = (Form(3, _scaled), Form(3, _limited), Form(2, _either), Form(2, _by_kind), Form(2, _mirrored))


def _decided(scene: World) -> None:
    """A branch on what was found: another value on each side."""
    value = scene.pool.take(2.0)
    scene.pool.put(one_for(len(scene.pen.own), DECISIONS, scene.dice)(scene, value))


def _stored(scene: World) -> None:
    """A sum of what was found over all threads or those of a group, and stores."""
    pen, dice, pool = scene.pen, scene.dice, scene.pool
    scene.settle()
    numbers = [v for v in pool.values if v.type is pen.main and v.variable is not None]
    if numbers and dice.chance(60):
        value = dice.one_of(numbers)
        if dice.chance(55):
            groups = dice.one_of((3, 4))
            where = pen.at(pen.places(groups))
            cells = pen.output(shape=(groups,), zero=dice.chance(60))
            pen.atomic(dice.one_of(("atomic_add", "atomic_add", "atomic_max")), cells, value, where)
        else:
            pen.atomic(
                "atomic_add",
                pen.output(shape=(1,), zero=dice.chance(60)),
                value * value if dice.chance(30) else value,
                0,
            )
    scene.store()
    if pool.unread() or not any(p.output for p in scene.sketch.parameters):
        motifs.finish(pool, 2)


def body(sketch: Sketch) -> Iterator[Statement]:
    """A loop or two with what comes before and after: formulas, a matrix, a branch, an early return; sums, stores."""
    dice = sketch.dice
    if dice.chance(MIXED):
        yield from _mixed(sketch)
        return
    sketch.vectors = dice.chance(60)
    scene = World(sketch)
    pen = scene.pen
    if dice.chance(20):
        flags = pen.input(INT32, Interval(0, 2))
        pen.leave(pen.at(flags).equals(0) if dice.chance(60) else pen.at(flags) > 1)
    if dice.chance(30):
        _turned(scene)
    if dice.chance(35):
        motifs.run(scene.pool)
    for _ in range(dice.one_of((1, 1, 1, 2))):
        one_for(len(pen.own), LOOPS, dice)(scene)
    if dice.chance(DECIDED):
        _decided(scene)
    _stored(scene)
    yield from pen.body


def _mixed(sketch: Sketch) -> Iterator[Statement]:
    """Statements of the grammar, of all kinds, one of them a loop, and a store."""
    dice = sketch.dice
    sketch.allow_integers()
    sketch.vectors = dice.chance(60)
    output = sketch.output(sketch.main)
    if dice.chance(10):
        yield sketch.leave_early(output, 1)
    yield from sketch.block(dice.between(2, 4), WEIGHTS, dice.between(1, 2))
    yield from sketch.loop(WEIGHTS, dice.between(1, 2))
    yield from sketch.block(dice.between(0, 2), WEIGHTS, dice.between(1, 2))
    yield sketch.store(output, sketch.result(sketch.main, dice.between(1, 2)))
