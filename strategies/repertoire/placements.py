"""What people assign to: components in a loop, an element's fields under a condition, rows filled, parts exchanged, or
scaled; and those whose place only a run knows."""

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
from strategies.language.types import BOOL, INT32, Composite, Matrix, Scalar, Type
from strategies.ops import REACH
from strategies.repertoire.records import moved
from strategies.repertoire.scenes import Drawn, Scene
from strategies.typed import Typed

#: Of 100 poses that are moved along axes, how many are locals, of which Warp is known to lose such stores.
LIFTED: Final = 60
#: Beyond this no product in place goes.
FAR: Final = 32.0


def _output(scene: Scene, of: Type, shape: tuple[int, ...] | None = None) -> Parameter:
    assert isinstance(of, Scalar | Composite)
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
    if dice.chance(35):
        key = scene.at(sketch.array(INT32, sketch.launch_shape(), Interval(0, 63)))
        many = types.vector(scene.rows, INT32)
        of: Scalar | Composite = many if dice.chance(60) else INT32
        out = sketch.array(of, sketch.launch_shape(), Interval(0, 7), output=True)
        place: Element | Component = Element(of, out.name, sketch.own_indices())
        if of is many:
            place = _part(scene, place, _axis(scene, scene.rows) if dice.chance(30) else dice.below(scene.rows))
        for name in dice.some_of(("bit_or", "bit_and", "bit_xor"), 2):
            value: Expression = Apply(INT32, "lshift", (whole(1), Apply(INT32, "bit_and", (key.node, whole(7)))))
            scene.body.append(AugmentedAssign(place, name, value if dice.chance(50) else key.node))
        few = Typed(Cast(scene.main, Apply(INT32, "bit_and", (key.node, whole(3)))), Interval(0, 3))
        return [scene.op("mul", scene.read(scene.main), few)]
    mixed, most = _mixed(scene)
    share = Typed(Cast(scene.main, mixed), Interval(0, most))
    return [scene.op("mul", scene.read(scene.main), share)]


#: What a whole number is mixed with in place, and by which numbers, so that no later mask or remainder is always zero.
_MIXED: Final = {
    "bit_xor": (5, 11, 21, 31), "rshift": (1, 2, 3), "mul": (3, 5, 7), "lshift": (1, 2), "floordiv": (2, 3, 4),
    "bit_or": (1, 2, 8),
}  # fmt: skip


def _mixed(scene: Scene) -> tuple[Name | Component, int]:
    """A whole number, or one of a vector of them, after a few changes in place; and how large it may be."""
    dice, sketch = scene.dice, scene.sketch
    of: Scalar | Composite = types.vector(scene.rows, INT32) if dice.chance(50) else INT32
    keys = sketch.array(of, sketch.launch_shape(), Interval(0, 63))
    whole_value = Name(of, sketch.fresh())
    scene.body.append(Assign(whole_value, scene.at(keys).node))
    place: Name | Component = whole_value
    if isinstance(of, Composite):
        place = _part(scene, whole_value, _axis(scene, scene.rows) if dice.chance(30) else dice.below(scene.rows))
    shift = 0
    for op in dice.some_of(sorted(_MIXED), dice.between(1, 2)):
        number = dice.one_of(_MIXED[op])
        shift = number if op == "lshift" else shift
        scene.body.append(AugmentedAssign(place, op, whole(number)))
    if dice.chance(50):
        divisor = dice.one_of((3, 5, 7))
        scene.body.append(AugmentedAssign(place, "mod", whole(divisor)))
        return place, divisor - 1
    mask = dice.one_of((3, 7)) << shift
    scene.body.append(AugmentedAssign(place, "bit_and", whole(mask)))
    return place, mask


def _axis(scene: Scene, extent: int) -> Expression:
    """One of `extent` places that only a run knows: of an array, held between the ends, or the thread's remainder."""
    match scene.dice.below(5):
        case 0:
            return Apply(INT32, "mod", (scene.sketch.own_indices()[0], whole(extent)))
        case 1:
            far = scene.at(scene.array(INT32, Interval(-2, extent + 2)))
            return scene.let(scene.sketch.clamp(far, Interval(0, extent - 1))).node
        case 2 | 3:
            return scene.at(scene.array(INT32, Interval(0, extent - 1), scene.sketch.launch_shape(spare=False))).node
    return scene.link(extent).node


def _divisor(scene: Scene) -> Typed:
    """What something is divided by: a number, or a size that is kept off zero."""
    if scene.dice.chance(35):
        return scene.factor(1.5, 4.0)
    size = scene.op("abs", scene.read(scene.main))
    return scene.let(scene.op("add", size, scene.literal(scene.dice.one_of((0.5, 1.0)))))


def _scale(scene: Scene, local: Typed, target: Component | Name) -> None:
    """``target *= factor`` or ``target /= divisor``, of a local or a part of it."""
    known = scene.known(local)
    size = known.interval.size
    if scene.dice.chance(65):
        operator, value = "mul", scene.gain(-1.5, 1.5) if scene.dice.chance(20) else scene.gain()
        size *= value.interval.size
    else:
        operator, value = "div", _divisor(scene)
        size /= min(abs(value.interval.low), abs(value.interval.high))
    if size > FAR:
        operator, value, size = "mul", scene.factor(0.25, 0.75), known.interval.size
    known.interval = known.interval.join(symmetric(size))
    known.live, known.used = True, False
    scene.body.append(AugmentedAssign(target, operator, value.node))


def stretched(scene: Scene) -> list[Typed]:
    """Numbers of a vector scaled, each by its own factor, or the one of an axis that only a run knows; at times where
    it lies on one side of zero alone."""
    dice, of = scene.dice, scene.vector(scene.rows)
    v = scene.let(scene.read(of), mutable=True)
    axes: list[int | Expression] = list(dice.some_of(range(scene.rows), dice.between(1, 2)))
    if dice.chance(40):
        axes = [_axis(scene, scene.rows)]
    for axis in axes:
        target = _part(scene, v.node, axis)
        if dice.chance(25):
            # what bounces
            back = scene.factor(0.25, 0.75)
            turned = Apply(scene.main, "neg", (back.node,)) if dice.chance(50) else back.node
            test = Compare(BOOL, (dice.one_of(("<", ">")),), (target, scene.literal(0.0).node))
            scene.known(v).used = False
            scene.body.append(If(test, (AugmentedAssign(target, "mul", turned),)))
        else:
            _scale(scene, v, target)
    if dice.chance(30):
        assert isinstance(v.node, Name)
        _scale(scene, v, v.node)
    return [scene.now(v)]


def divided(scene: Scene) -> list[Typed]:
    """A vector divided by its own last number or its length, or scaled; a matrix times a number."""
    dice = scene.dice
    of: Composite = scene.vector(scene.rows) if dice.chance(65) else scene.matrix(scene.rows)
    v = scene.let(scene.read(of), mutable=True)
    assert isinstance(v.node, Name)
    if isinstance(of, Matrix) or dice.chance(35):
        _scale(scene, v, v.node)
        if dice.chance(40):
            _scale(scene, v, v.node)
        return [scene.now(v) if dice.chance(60) else scene.op("mul", scene.now(v), scene.gain())]
    own = scene.op("length", v) if dice.chance(45) else scene.op("abs", scene.part(v, scene.rows - 1))
    size = scene.let(scene.op("add", own, scene.literal(0.5)))
    scene.body.append(AugmentedAssign(v.node, "div", size.node))
    scene.claim(v, symmetric(2.0 * v.interval.size))
    return [scene.now(v)]


def eliminated(scene: Scene) -> list[Typed]:
    """A row of a matrix divided by its pivot, and a multiple of it taken off another; or its rows scaled in a loop."""
    dice, of = scene.dice, scene.matrix(scene.rows)
    m = scene.let(scene.read(of, 1.0), mutable=True)
    if dice.chance(40):
        factors = scene.array(scene.main, Interval(0.25, 1.5), (scene.rows,))

        def body(inner: Scene, index: Name) -> None:
            at = _part(inner, m.node, index, index) if dice.chance(35) else _row(m, index)
            inner.body.append(AugmentedAssign(at, "mul", inner.at(factors, index).node))

        scene.repeat(scene.rows, [m], body)
        scene.claim(m, symmetric(1.5 * m.interval.size))
    else:
        first, second = dice.some_of(range(scene.rows), 2)
        pivot = scene.let(scene.op("add", scene.op("abs", scene.part(m, first, first)), scene.literal(0.5)))
        scene.body.append(AugmentedAssign(_row(m, whole(first)), "div", pivot.node))
        size = 2.0 * m.interval.size
        if dice.chance(60):
            factor = scene.let(scene.part(m, second, first))
            taken = Apply(_row(m, whole(first)).type, "mul", (_row(m, whole(first)), factor.node))
            scene.body.append(AugmentedAssign(_row(m, whole(second)), "sub", taken))
            size += size * size
        scene.claim(m, symmetric(size))
    known = scene.known(m)
    known.live, known.used = True, False
    found = scene.now(m)
    return [found] if dice.chance(55) else [scene.op("mul", found, scene.read(scene.vector(scene.rows)))]


def _row(m: Typed, index: Expression) -> Component:
    """A row of a matrix."""
    assert isinstance(m.type, Matrix)
    return Component(types.vector(m.type.columns, m.type.dtype), m.node, index)


def chosen(scene: Scene) -> list[Typed]:
    """A number or a row whose place only a run knows, assigned or added to: of a local, or of the thread's element."""
    dice = scene.dice
    of: Composite = scene.vector(scene.rows) if dice.chance(65) else scene.matrix(scene.rows)
    v = scene.let(scene.read(of), mutable=True) if dice.chance(45) else None
    base = Element(of, _output(scene, of).name, scene.sketch.own_indices()) if v is None else v.node
    for _ in range(dice.between(1, 2)):
        if isinstance(of, Matrix):
            target = Component(scene.vector(of.columns), base, _axis(scene, of.rows))
            if dice.chance(50):
                target = _part(scene, base, _axis(scene, of.rows), _axis(scene, of.columns))
        else:
            target = _part(scene, base, _axis(scene, scene.rows))
        value = scene.read(target.type)
        if isinstance(target.type, Scalar) and dice.chance(50):
            value = scene.op("mul", value, scene.gain())
        stored = dice.chance(15 if v is not None else 40)
        scene.body.append(Assign(target, value.node) if stored else _sum(scene, target, value))
        if v is not None:
            known = scene.known(v)
            known.interval = symmetric(known.interval.size + value.interval.size)
            known.live, known.used = True, False
    return [] if v is None else [scene.now(v)]


def faded(scene: Scene) -> list[Typed]:
    """The thread's own element scaled in place, then added to: what was there before fades away."""
    dice = scene.dice
    some: tuple[Scalar | Composite, ...] = (scene.main, scene.vector(scene.rows), scene.matrix(scene.rows))
    of = dice.one_of(some)
    place = Element(of, _output(scene, of).name, scene.sketch.own_indices())
    keep = scene.gain(0.25, 0.875)
    if dice.chance(70):
        scene.body.append(AugmentedAssign(place, "mul", keep.node))
    else:
        scene.body.append(AugmentedAssign(place, "div", _divisor(scene).node))
    value = scene.op("mul", scene.read(of), scene.op("sub", scene.literal(1.0), keep))
    scene.body.append(_sum(scene, place, value))
    return []


def symmetric_matrix(scene: Scene) -> list[Typed]:
    """A matrix whose entries on both sides of the diagonal are set together: products of two numbers of a vector, as a
    body's inertia has them, or numbers of their own."""
    dice, size = scene.dice, min(scene.rows, 3)
    m = scene.zero(scene.matrix(size))
    arm = scene.let(scene.read(scene.vector(size))) if dice.chance(60) else None
    interval = Interval(0.0, 0.0)
    for row in range(size):
        for column in range(row, size):
            if arm is not None:
                value = scene.op("mul", scene.part(arm, row), scene.part(arm, column))
                value = scene.let(value) if row != column else value
            else:
                value = scene.let(scene.read(scene.main)) if row != column else scene.gain(0.5, 2.0)
            interval = interval.join(value.interval)
            for i, j in {(row, column): None, (column, row): None}:
                scene.body.append(Assign(_part(scene, m.node, i, whole(j)), value.node))
    known = scene.known(m)
    known.interval, known.live = interval, True
    found = scene.now(m)
    return [scene.op("mul", found, scene.read(scene.vector(size)))] if dice.chance(60) else [found]


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
    mirrored, symmetric_matrix, poses, lifted, lifted, moved, flags, stretched, stretched, stretched, divided, divided,
    eliminated, eliminated, chosen, chosen, chosen, faded,
)  # fmt: skip
