"""What people assign to: components in a loop, an element's fields under a condition, rows filled, parts exchanged."""

from __future__ import annotations

from typing import Final

from strategies.blocks import rounded, whole
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Cast,
    Compare,
    Component,
    Element,
    Expression,
    If,
    Name,
    Parameter,
    View,
)
from strategies.language.types import BOOL, INT32, Composite, Matrix, Type
from strategies.ops import REACH
from strategies.repertoire.records import moved
from strategies.repertoire.scenes import Drawn, Scene
from strategies.typed import Typed

#: Of 100 poses that are moved along axes, how many are locals, of which Warp is known to lose such stores.
LIFTED: Final = 60


def _output(scene: Scene, of: Type, shape: tuple[int, ...] | None = None) -> Parameter:
    assert isinstance(of, types.Scalar | Composite)
    return scene.sketch.output(of, shape)


def _part(scene: Scene, base: Expression, index: int | Expression, column: Expression | None = None) -> Component:
    """A number of what is at `base`, by its name or its place."""
    found = scene.part(Typed(base, symmetric(1.0)), index, column).node
    assert isinstance(found, Component)
    return found


def _sum(scene: Scene, target: Component | Element, value: Typed, times: int = 1) -> AugmentedAssign:
    """``target += value``, as often as `times`."""
    scalar = types.element_scalar(value.type)
    value = scene.sketch.fit(value, symmetric(rounded(REACH[scalar.notation] / (8 * times), scalar)))
    return AugmentedAssign(target, scene.dice.one_of(("add", "add", "sub")), value.node)


def components(scene: Scene) -> list[Typed]:
    """The numbers of a vector changed in a loop, each with the number of another at its place."""
    dice, of = scene.dice, scene.vector(scene.rows)
    v = scene.let(scene.read(of), mutable=True) if dice.chance(65) else scene.zero(of)
    other = scene.let(scene.read(of))
    gain = scene.gain()
    row = scene.array(scene.main, symmetric(2.0), (scene.sketch.launch[0], scene.rows)) if dice.chance(50) else None
    own = scene.sketch.own_indices()[0]

    def body(inner: Scene, index: Name) -> None:
        value = inner.op("mul", inner.part(other, index), gain)
        if row is not None:
            value = inner.op("add", value, inner.at(row, own, index))
        elif dice.chance(40):
            value = inner.op(dice.one_of(("sin", "tanh")), value)
        known = inner.known(v)
        change = _sum(inner, _part(inner, v.node, index), value)
        known.interval = symmetric(known.interval.size + value.interval.size)
        known.live = True
        inner.body.append(change)

    scene.repeat(scene.rows, [v], body)
    found = scene.now(v)
    return [found] if dice.chance(60) else [scene.op("dot", found, scene.read(of))]


def entries(scene: Scene) -> list[Typed]:
    """The numbers of a matrix, in two loops: a product of two vectors, or what a row and a column say."""
    dice, of = scene.dice, scene.matrix(scene.rows)
    m = scene.let(scene.read(of, 1.0), mutable=True) if dice.chance(50) else scene.zero(of)
    x, y = (scene.let(scene.read(scene.vector(scene.rows))) for _ in range(2))
    only = dice.chance(35)

    def outer(inner: Scene, row: Name) -> None:
        def body(deep: Scene, column: Name) -> None:
            value = deep.op("mul", deep.part(x, row), deep.part(y, column))
            known = deep.known(m)
            known.interval, known.live = symmetric(known.interval.size + value.interval.size), True
            change = _sum(deep, _part(deep, m.node, row, column), value)
            test = Compare(BOOL, ("!=",), (row, column)) if only else None
            deep.body.append(change if test is None else If(test, (change,)))

        inner.repeat(scene.rows, [], body)

    scene.repeat(scene.rows, [m], outer)
    found = scene.now(m)
    return [found] if dice.chance(55) else [scene.op("mul", found, scene.read(scene.vector(scene.rows)))]


def by_number(scene: Scene) -> list[Typed]:
    """The numbers of the thread's own element, one after another: a point turned, scaled, or from an angle."""
    dice, of = scene.dice, scene.vector(scene.rows)
    out = _output(scene, of)
    place = Element(of, out.name, scene.sketch.own_indices())
    if dice.chance(50):
        angle, size = scene.let(scene.read(scene.main)), scene.gain()
        values = [scene.op("mul", size, scene.op(name, angle)) for name in ("cos", "sin")]
    else:
        point = scene.let(scene.read(of))
        c = scene.let(scene.op("cos", scene.read(scene.main)))
        values = [
            scene.op("mul", scene.part(point, 0), c),
            scene.op("sub", scene.part(point, 1), scene.part(point, 0)),
        ]
    values += [scene.gain(-1.0, 1.0) for _ in range(scene.rows - 2)]
    for n, value in enumerate(values):
        target = _part(scene, place, n)
        scene.body.append(_sum(scene, target, value) if dice.chance(30) else Assign(target, value.node))
    return []


def either(scene: Scene) -> list[Typed]:
    """One part of a value changed under a condition, and another where it does not hold."""
    dice, of = scene.dice, scene.vector(scene.rows)
    test = scene.sketch.comparison(1).node
    first, second = (scene.let(value) for value in (scene.read(scene.main), scene.gain()))
    numbers = dice.some_of(range(scene.rows), 2)
    if dice.chance(50):
        v = scene.let(scene.read(of), mutable=True)
        base: Expression = v.node
        known = scene.known(v)
        known.interval = symmetric(known.interval.size + max(first.interval.size, second.interval.size))
    else:
        out = _output(scene, of)
        base = Element(of, out.name, scene.sketch.own_indices())
    arms = [_sum(scene, _part(scene, base, n), value) for n, value in zip(numbers, (first, second), strict=True)]
    scene.body.append(If(test, (arms[0],), (arms[1],) if dice.chance(65) else ()))
    return [] if isinstance(base, Element) else [scene.now(v)]


def exchanged(scene: Scene) -> list[Typed]:
    """Two numbers of a vector, or two rows of a matrix, that change places."""
    dice = scene.dice
    of: Composite = scene.vector(scene.rows) if dice.chance(60) else scene.matrix(scene.rows)
    v = scene.let(scene.read(of), mutable=True)
    i, j = dice.some_of(range(scene.rows), 2)
    parts = [_part(scene, v.node, n) for n in (i, j)]
    kept = scene.let(Typed(parts[0], v.interval, True))
    other = Typed(parts[1], v.interval, True)
    if dice.chance(50) and not isinstance(of, Matrix):
        other = scene.op("mul", other, scene.gain())
    scene.body.append(Assign(parts[0], other.node))
    scene.body.append(Assign(parts[1], kept.node))
    scene.claim(v, v.interval.join(other.interval))
    scene.known(v).live = True
    return [scene.now(v)]


def filled(scene: Scene) -> list[Typed]:
    """The thread's row of an output, filled in a loop: by a name of its own, or by two indices."""
    dice, sketch = scene.dice, scene.sketch
    if len(sketch.launch) == types.MAX_ARRAY_DIMENSIONS:
        return collected(scene)
    count = dice.between(3, 5)
    out = _output(scene, scene.main, (*sketch.launch_shape(), count))
    own = sketch.own_indices()
    view = View(types.array(scene.main), out.name, own)
    named = dice.chance(60)
    name = Name(view.type, sketch.fresh())
    if named:
        scene.body.append(Assign(name, view))
    total = scene.let(scene.op("add", scene.op("abs", scene.read(scene.main)), scene.literal(0.5)))

    def body(inner: Scene, index: Name) -> None:
        target = Element(scene.main, name.name, (index,)) if named else Element(scene.main, out.name, (*own, index))
        value = inner.listed(inner.main, count, index)
        value = inner.op(dice.one_of(("div", "mul", "sub")), value, total)
        if dice.chance(30):
            inner.body.append(_sum(inner, target, value))
        else:
            inner.body.append(Assign(target, value.node))

    scene.repeat(count, [], body)
    return []


def collected(scene: Scene) -> list[Typed]:
    """Sums into the thread's own element, or a part of it, in a loop."""
    dice, sketch, of = scene.dice, scene.sketch, scene.vector(scene.rows)
    count = dice.between(2, 4)
    whole_value = dice.chance(40)
    out = _output(scene, of)
    place = Element(of, out.name, sketch.own_indices())
    number = dice.below(scene.rows)

    def body(inner: Scene, index: Name) -> None:
        value = inner.listed(of if whole_value else inner.main, count, index)
        if dice.chance(60):
            value = inner.op("mul", value, inner.listed(inner.main, count, index))
        target = place if whole_value else _part(inner, place, number)
        inner.body.append(_sum(inner, target, value, count))

    scene.repeat(count, [], body)
    if not whole_value and dice.chance(50):
        last = _part(scene, place, (number + 1) % scene.rows)
        scene.body.append(Assign(last, scene.read(scene.main).node))
    return []


def mirrored(scene: Scene) -> list[Typed]:
    """A store at the other end of an output: whole, or a part."""
    dice, sketch, of = scene.dice, scene.sketch, scene.vector(scene.rows)
    own = list(sketch.own_indices())
    out = _output(scene, of, sketch.launch)
    own[0] = Apply(INT32, "sub", (whole(sketch.launch[0] - 1), own[0]))
    place = Element(of, out.name, tuple(own))
    value = scene.let(scene.read(of))
    if dice.chance(40):
        found = scene.op("mul", value, scene.gain())
        scene.body.append(Assign(place, found.node))
        return []
    first, second = dice.some_of(range(scene.rows), 2)
    scene.body.append(Assign(_part(scene, place, first), scene.part(value, second).node))
    size = scene.op("dot", value, value)
    scene.body.append(_sum(scene, _part(scene, place, second), scene.op("mul", size, scene.gain())))
    return []


def flags(scene: Scene) -> list[Typed]:
    """A whole number mixed by operators in place, and what it selects; or the bits of the thread's own element."""
    dice, sketch = scene.dice, scene.sketch
    keys = sketch.array(INT32, sketch.launch_shape(), Interval(0, 63))
    key = scene.at(keys)
    if dice.chance(35):
        out = sketch.array(INT32, sketch.launch_shape(), Interval(0, 7), output=True)
        place = Element(INT32, out.name, sketch.own_indices())
        for name in dice.some_of(("bit_or", "bit_and", "bit_xor"), 2):
            value: Expression = Apply(INT32, "lshift", (whole(1), Apply(INT32, "bit_and", (key.node, whole(7)))))
            scene.body.append(AugmentedAssign(place, name, value if dice.chance(50) else key.node))
        return [scene.op("mul", scene.read(scene.main), scene.gain())]
    mixed = Name(INT32, sketch.fresh())
    scene.body.append(Assign(mixed, key.node))
    steps = {
        "bit_xor": (3, 31),
        "rshift": (1, 3),
        "mul": (3, 7),
        "lshift": (1, 2),
        "floordiv": (2, 4),
        "bit_or": (1, 15),
    }
    for op in dice.some_of(sorted(steps), dice.between(1, 2)):
        scene.body.append(AugmentedAssign(mixed, op, whole(dice.between(*steps[op]))))
    last = dice.one_of(("mod", "bit_and"))
    scene.body.append(AugmentedAssign(mixed, last, whole(dice.between(3, 6) if last == "mod" else dice.one_of((3, 7)))))
    share = Typed(Cast(scene.main, mixed), Interval(0, 7))
    return [scene.op("mul", scene.read(scene.main), share)]


def symmetric_matrix(scene: Scene) -> list[Typed]:
    """A matrix whose entries on both sides of the diagonal are set together."""
    dice, of = scene.dice, scene.matrix(scene.rows)
    m = scene.zero(of)
    values = []
    for row in range(scene.rows):
        for column in range(row, scene.rows):
            value = scene.let(scene.read(scene.main)) if row != column else scene.gain(0.5, 2.0)
            values.append(value)
            for i, j in {(row, column): None, (column, row): None}:
                scene.body.append(Assign(_part(scene, m.node, i, whole(j)), value.node))
        if scene.rows > 2 and row == 0:
            break
    interval = Interval(0.0, 0.0)
    for value in values:
        interval = interval.join(value.interval)
    known = scene.known(m)
    known.interval, known.live = interval, True
    found = scene.now(m)
    return [scene.op("mul", found, scene.read(scene.vector(scene.rows)))] if dice.chance(60) else [found]


def poses(scene: Scene) -> list[Typed]:
    """The parts of a transformation, or the numbers of a quaternion, changed."""
    dice, of = scene.dice, types.transform(scene.main)
    if dice.chance(40):
        q = scene.let(scene.read(scene.quaternion, 1.0), mutable=True)
        change = scene.read(scene.main)
        scene.body.append(_sum(scene, _part(scene, q.node, dice.below(4)), change))
        scene.claim(q, symmetric(1.0 + change.interval.size))
        turn = scene.let(scene.op("normalize", scene.now(q)))
        return [scene.op("quat_rotate", turn, scene.read(scene.vector()))]
    pose = scene.let(scene.read(of), mutable=True)
    place = Component(scene.vector(), pose.node, whole(0), True)
    rotation = Component(scene.quaternion, pose.node, whole(1), True)
    way = scene.op("mul", scene.read(scene.vector()), scene.gain())
    moved_to = scene.op("add", Typed(place, pose.interval, True), way)
    scene.body.append(Assign(place, moved_to.node))
    turned = scene.op("normalize", Typed(rotation, pose.interval, True))
    scene.body.append(Assign(rotation, turned.node))
    scene.claim(pose, moved_to.interval.join(symmetric(1.0)))
    assert isinstance(pose.node, Name)
    scene.units.add(pose.node.name)
    if dice.chance(45):
        return [scene.now(pose)]
    return [scene.op("transform_point", scene.now(pose), scene.read(scene.vector()))]


def lifted(scene: Scene) -> list[Typed]:
    """A pose moved along its axes: numbers of its translation changed, in a local or in the thread's own element."""
    dice, of = scene.dice, types.transform(scene.main)
    pose = scene.let(scene.read(of), mutable=True) if dice.chance(LIFTED) else None
    base = Element(of, _output(scene, of).name, scene.sketch.own_indices()) if pose is None else pose.node
    reach = 1.0
    for axis in dice.some_of(range(3), dice.between(1, 2)):
        target = Component(scene.main, Component(scene.vector(), base, whole(0), True), whole(axis), dice.chance(60))
        value = scene.op("mul", scene.read(scene.main), scene.gain())
        reach += value.interval.size
        scene.body.append(Assign(target, value.node) if dice.chance(30) else _sum(scene, target, value))
    if pose is None:
        return []
    scene.claim(pose, symmetric(pose.interval.size + reach))
    return [scene.op("transform_point", scene.now(pose), scene.read(scene.vector()))]


PLACEMENTS: Final[tuple[Drawn, ...]] = (
    components, components, entries, by_number, by_number, either, either, exchanged, filled, collected, collected,
    mirrored, symmetric_matrix, poses, lifted, lifted, moved, flags,
)  # fmt: skip
