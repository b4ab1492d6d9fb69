"""What people compute with vectors: reflections, projections, distances, forces between points, steps of a motion."""

from __future__ import annotations

from typing import Final

from strategies.blocks import whole
from strategies.intervals import UNIT, Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    AugmentedAssign,
    Cast,
    Compare,
    Conditional,
    Construct,
    Element,
    If,
    Name,
    Slice,
)
from strategies.language.types import BOOL, INT32
from strategies.leaves import slices
from strategies.repertoire.scenes import Drawn, Scene
from strategies.typed import Typed


def reflected(scene: Scene) -> list[Typed]:
    """A velocity or a ray mirrored at a surface, with some of it lost."""
    dice, of = scene.dice, scene.vector(scene.rows)
    way = scene.let(scene.read(of))
    normal = scene.let(scene.op("normalize", scene.read(of)))
    along = scene.op("dot", way, normal)
    if dice.chance(50):
        along = scene.let(along)
    if dice.chance(60):
        return [scene.op("sub", way, scene.op("mul", normal, scene.op("mul", scene.literal(2.0), along)))]
    across = scene.let(scene.op("mul", normal, along))
    rest = scene.op("sub", way, across)
    back, kept = scene.gain(0.25, 1.0), scene.gain(0.25, 1.0)
    return [scene.op("sub", scene.op("mul", rest, kept), scene.op("mul", across, back))]


def projected(scene: Scene) -> list[Typed]:
    """A vector along another, and what is left of it."""
    dice, of = scene.dice, scene.vector(scene.rows)
    a, b = scene.let(scene.read(of)), scene.let(scene.read(of))
    share = scene.op("div", scene.op("dot", a, b), scene.op("dot", b, b))
    # no longer than what is projected
    reach = Interval(-a.interval.size * of.length, a.interval.size * of.length)
    along = scene.op("mul", b, scene.named(share._replace(interval=reach)))._replace(interval=reach)
    if dice.chance(35):
        return [along]
    rest = scene.op("sub", a, along)
    if dice.chance(40):
        return [scene.op("length_sq", rest)]
    return [rest]


def bounced(scene: Scene) -> list[Typed]:
    """A particle that meets a plane: pushed out, its velocity turned back and slowed."""
    dice, of = scene.dice, scene.vector(scene.rows)
    place, speed = scene.let(scene.read(of), mutable=True), scene.let(scene.read(of), mutable=True)
    normal = scene.let(scene.op("normalize", scene.read(of)))
    depth = scene.let(scene.op("sub", scene.op("dot", place, normal), scene.gain(-0.5, 0.5)))
    back = scene.gain(0.25, 1.0)

    def arm(inner: Scene) -> None:
        out = inner.op("sub", place, inner.op("mul", normal, depth))
        inner.set(place, out)
        inner.claim(place, place.interval.join(out.interval))
        along = inner.op("dot", speed, normal)
        turned = inner.op("sub", speed, inner.op("mul", normal, inner.op("mul", inner.named(along), back)))
        inner.set(speed, turned)
        inner.claim(speed, speed.interval.join(turned.interval))

    scene.when(Compare(BOOL, ("<",), (depth.node, scene.literal(0.0).node)), arm)
    results = [scene.now(place), scene.now(speed)]
    return results if dice.chance(60) else [scene.total(*results)]


def attracted(scene: Scene) -> list[Typed]:
    """The pull of several points, by a power of the distance, summed in a loop."""
    dice, of = scene.dice, scene.vector(scene.rows)
    count = dice.between(2, 5)
    place = scene.let(scene.read(of))
    soft = scene.literal(dice.one_of((0.25, 0.5, 1.0)))
    total = scene.zero(of if dice.chance(60) else scene.main)

    def body(inner: Scene, index: Name) -> None:
        apart = inner.let(inner.op("sub", inner.listed(of, count, index), place))
        squared = inner.let(inner.op("add", inner.op("dot", apart, apart), soft))
        if total.type is inner.main:
            term = inner.op("exp", inner.op("neg", squared)) if dice.chance(50) else inner.op("sqrt", squared)
        else:
            term = inner.op("div", apart, inner.op("mul", squared, inner.op("sqrt", squared)))
            if dice.chance(40):
                term = inner.op("div", apart, squared)
        if dice.chance(55):
            term = inner.op("mul", term, inner.listed(inner.main, count, index))
        inner.grow(total, term, count)

    scene.repeat(count, [total], body)
    found = scene.now(total)
    return [scene.op("mul", found, scene.gain())] if dice.chance(40) else [found]


def springs(scene: Scene) -> list[Typed]:
    """A spring, with damping at times, between two points that arrays name or the thread has."""
    dice, of = scene.dice, scene.vector(scene.rows)
    apart = scene.let(scene.op("sub", scene.read(of), scene.read(of)))
    length = scene.let(scene.op("length", apart))
    # no longer than one: the divisor is at least the length
    way = scene.let(scene.op("div", apart, length)._replace(interval=UNIT))
    pull = scene.op("mul", scene.gain(), scene.op("sub", length, scene.gain(0.25, 1.5)))
    if dice.chance(50):
        speed = scene.op("sub", scene.read(of), scene.read(of))
        pull = scene.op("add", pull, scene.op("mul", scene.gain(0.0625, 0.5), scene.op("dot", speed, way)))
    if dice.chance(30):
        pull = scene.let(pull)
        return [scene.product(scene.literal(0.5), pull, pull)]
    return [scene.op("mul", way, scene.named(pull))]


def triangle(scene: Scene) -> list[Typed]:
    """The area, the normal or a weighted point of a triangle."""
    dice = scene.dice
    of = scene.vector(scene.rows if scene.rows < 4 else 3)
    a = scene.let(scene.read(of))
    first, second = (scene.let(scene.op("sub", scene.read(of), a)) for _ in range(2))
    if dice.chance(30):
        u, v = scene.gain(0.25, 0.5), scene.gain(0.25, 0.5)
        return [scene.total(a, scene.op("mul", first, u), scene.op("mul", second, v))]
    if of.length == 2:
        turned = [scene.op("mul", scene.part(first, n), scene.part(second, 1 - n)) for n in range(2)]
        return [scene.op("mul", scene.op("sub", *turned), scene.literal(0.5))]
    normal = scene.op("cross", first, second)
    match dice.below(3):
        case 0:
            return [scene.op("normalize", normal)]
        case 1:
            return [scene.op("mul", scene.literal(0.5), scene.op("length", normal))]
    return [scene.op("dot", scene.let(normal), scene.read(of))]


def segment(scene: Scene) -> list[Typed]:
    """The nearest point of a segment, or how far a point is from it."""
    dice, of = scene.dice, scene.vector(scene.rows)
    a, point = scene.let(scene.read(of)), scene.read(of)
    way = scene.let(scene.op("sub", scene.read(of), a))
    to = scene.let(scene.op("sub", point, a))
    t = scene.op("div", scene.op("dot", to, way), scene.op("dot", way, way))
    t = scene.let(scene.op("clamp", t, scene.literal(0.0), scene.literal(1.0)))
    if dice.chance(50):
        return [scene.op("add", a, scene.op("mul", way, t))]
    apart = scene.op("sub", to, scene.op("mul", way, t))
    return [scene.op("length" if dice.chance(50) else "length_sq", apart)]


def limited(scene: Scene) -> list[Typed]:
    """A velocity that a force changes and a limit holds, and the place after a step."""
    dice, of = scene.dice, scene.vector(scene.rows)
    speed = scene.let(scene.read(of), mutable=True)
    step = scene.gain(0.0625, 0.25)
    push = scene.op("sub", scene.read(of), scene.op("mul", scene.now(speed), scene.gain(0.0625, 0.5)))
    scene.grow(speed, scene.op("mul", push, step))
    if dice.chance(60):
        now = scene.now(speed)
        size, most = scene.let(scene.op("length", now)), scene.gain(0.5, 2.0)
        test = Compare(BOOL, (">",), (size.node, most.node))

        def arm(inner: Scene) -> None:
            held = inner.op("mul", now, inner.op("div", most, size))
            inner.set(speed, held)
            inner.claim(speed, now.interval.join(held.interval))

        scene.when(test, arm)
    place = scene.op("add", scene.read(of), scene.op("mul", scene.now(speed), step))
    return [place, *([scene.now(speed)] if dice.chance(50) else [])]


def lit(scene: Scene) -> list[Typed]:
    """How bright a surface is: its normal against the light, with a highlight at times."""
    dice, of = scene.dice, scene.vector(scene.rows)
    normal, light = (scene.let(scene.op("normalize", scene.read(of))) for _ in range(2))
    shade = scene.let(scene.op("max", scene.op("dot", normal, light), scene.literal(0.0)))
    if dice.chance(50):
        half = scene.op("normalize", scene.op("add", light, scene.read(of)))
        bright = scene.let(scene.op("max", scene.op("dot", normal, half), scene.literal(0.0)))
        for _ in range(dice.between(1, 2)):
            bright = scene.op("mul", bright, bright)
            bright = scene.named(bright)
        shade = scene.op("add", scene.op("mul", shade, scene.gain()), scene.op("mul", bright, scene.gain()))
    if dice.chance(50):
        return [scene.op("mul", scene.read(scene.vector(3)), shade)]
    return [shade]


def turned(scene: Scene) -> list[Typed]:
    """Two components turned by an angle, the others kept."""
    dice, of = scene.dice, scene.vector(scene.rows)
    point = scene.let(scene.op("sub", scene.read(of), scene.read(of)) if dice.chance(40) else scene.read(of))
    angle = scene.let(scene.read(scene.main))
    c, s = scene.let(scene.op("cos", angle)), scene.let(scene.op("sin", angle))
    i, j = dice.one_of([(n, m) for n in range(of.length) for m in range(n + 1, of.length)])
    x, y = scene.part(point, i), scene.part(point, j)
    parts = [scene.part(point, n) for n in range(of.length)]
    parts[i] = scene.op("sub", scene.op("mul", c, x), scene.op("mul", s, y))
    parts[j] = scene.op("add", scene.op("mul", s, x), scene.op("mul", c, y))
    found = scene.made(of, *parts)
    return [scene.op("add", found, scene.read(of))] if dice.chance(35) else [found]


def bounds(scene: Scene) -> list[Typed]:
    """The corners of a box around several points, and its size or its middle."""
    dice, of = scene.dice, scene.vector(scene.rows)
    count = dice.between(2, 4)
    points = scene.array(of, symmetric(2.0), (scene.sketch.launch[0], count))
    row = scene.sketch.own_indices()[0]
    low = scene.let(scene.read(of), mutable=True)
    high = scene.let(Typed(low.node, low.interval, low.live), mutable=True)
    for corner in (low, high):
        scene.claim(corner, symmetric(2.0))

    def body(inner: Scene, index: Name) -> None:
        point = inner.let(inner.at(points, row, index))
        inner.set(low, inner.op("min", low, point))
        inner.set(high, inner.op("max", high, point))

    scene.repeat(count, [low, high], body)
    corners = scene.now(high), scene.now(low)
    if dice.chance(50):
        return [scene.op("sub", *corners)]
    return [scene.op("mul", scene.op("add", *corners), scene.literal(0.5))] if dice.chance(50) else list(corners)


def nearest(scene: Scene) -> list[Typed]:
    """The least distance to several points, found in a loop."""
    dice, of = scene.dice, scene.vector(scene.rows)
    count = dice.between(2, 5)
    place = scene.let(scene.read(of))
    best = scene.let(scene.op("add", scene.literal(8.0), scene.gain(0.5, 2.0)), mutable=True)
    scene.claim(best, Interval(0.0, 12.0))

    def body(inner: Scene, index: Name) -> None:
        apart = inner.op("sub", inner.listed(of, count, index), place)
        far = inner.let(inner.op(dice.one_of(("length", "length_sq")), apart))
        if dice.chance(50):
            inner.set(best, inner.op("min", best, far))
            return
        change = inner.inside()
        change.set(best, far)
        inner.body.append(If(Compare(BOOL, ("<",), (far.node, best.node)), tuple(change.body)))

    scene.repeat(count, [best], body)
    found = scene.now(best)
    if dice.chance(40):
        return [scene.op("sub", found, scene.gain())]
    return [found]


def flattened(scene: Scene) -> list[Typed]:
    """A vector seen from above: its part in the ground's plane, beside all of it."""
    dice, of = scene.dice, scene.vector(max(scene.rows, 3))
    way = scene.let(scene.op("sub", scene.read(of), scene.read(of)) if dice.chance(50) else scene.read(of))
    flat = scene.slice(way, dice.one_of(slices(of.length, 2)))
    if dice.chance(60):
        flat = scene.let(flat)
    match dice.below(4):
        case 0:
            return [scene.op("atan2", scene.part(way, of.length - 1), scene.op("length", flat))]
        case 1:
            squared = scene.op("dot", flat, flat)
            return [scene.op("sub", scene.op("dot", way, way), scene.op("mul", squared, scene.gain(0.25, 0.75)))]
        case 2:
            heading = scene.let(scene.op("normalize", flat))
            return [scene.op("dot", heading, scene.slice(way, dice.one_of(slices(of.length, 2))))]
    return [scene.op("mul", flat, scene.op("length", way))]


def differences(scene: Scene) -> list[Typed]:
    """Neighbouring numbers of a vector: their differences, their products, the vector beside its mirror image."""
    dice, of = scene.dice, scene.vector(scene.rows)
    samples = scene.let(scene.read(of))
    if of.length == 2 or dice.chance(30):
        mirrored = scene.slice(samples, Slice(step=whole(-1)))
        if dice.chance(50):
            return [scene.op("dot", samples, mirrored)]
        return [scene.op("mul", scene.op("add", samples, mirrored), scene.gain(0.25, 0.75))]
    after = scene.slice(samples, Slice(whole(1)))
    before = scene.slice(samples, Slice(None, whole(dice.one_of((-1, of.length - 1)))))
    if dice.chance(40):
        return [scene.op("dot", after, before)]
    change = scene.let(scene.op("sub", after, before))
    match dice.below(3):
        case 0:
            return [scene.op("dot", change, change)]
        case 1:
            return [scene.op("mul", change, scene.gain())]
    return [scene.total(scene.op("dot", change, before), scene.op("dot", samples, samples))]


def one_by_one(scene: Scene) -> list[Typed]:
    """The numbers of vectors, each at the index of a loop: a product, a sum of squares or of sizes, the largest."""
    dice, of = scene.dice, scene.vector(scene.rows)
    v, w = scene.let(scene.read(of)), scene.let(scene.read(of))
    kind = dice.below(5)
    scale = scene.gain(0.25, 1.5)
    total = scene.zero(scene.main)
    if kind == 4:
        total = scene.claim(total, Interval(0.0, v.interval.size))

    def body(inner: Scene, index: Name) -> None:
        part = inner.part(v, index)
        match kind:
            case 0:
                term = inner.op("mul", part, inner.part(w, index))
            case 1:
                apart = inner.let(inner.op("sub", part, inner.part(w, index)))
                term = inner.product(apart, apart)
            case 2:
                term = inner.product(part, part, inner.listed(inner.main, of.length, index, 1.0))
            case 3:
                term = inner.op("mul", inner.op("abs", part), scale)
            case _:
                inner.set(total, inner.op("max", total, inner.op("abs", part)))
                return
        inner.grow(total, term, of.length)

    scene.repeat(of.length, [total], body)
    found = scene.now(total)
    if kind == 1 and dice.chance(50):
        return [scene.op("sqrt", found)]
    return [found, scene.op("mul", w, found)] if dice.chance(25) else [found]


def dominant(scene: Scene) -> list[Typed]:
    """The axis along which a vector is longest or shortest, and what another one has there."""
    dice, of = scene.dice, scene.vector(scene.rows)
    v = scene.let(scene.read(of))
    sized = scene.op("abs", v) if dice.chance(65) else v
    which = scene.op(dice.one_of(("argmax", "argmax", "argmin")), scene.named(sized))
    axis = scene.let(Typed(Cast(INT32, which.node), Interval(0, of.length - 1)))
    there = scene.part(v if dice.chance(50) else scene.let(scene.read(of)), axis.node)
    if dice.chance(40):
        return [axis, scene.op("mul", there, scene.gain())]
    if dice.chance(50):
        return [scene.op("mul", v, scene.named(there))]
    return [scene.op("mul", there, scene.read(scene.main))]


def alike(scene: Scene) -> list[Typed]:
    """Whether two vectors are the same: cells of a grid, or a vector and what a clamp made of it."""
    dice = scene.dice
    if dice.chance(55):
        whole_numbers = types.vector(scene.rows, INT32)
        one, other = (scene.sketch.array(whole_numbers, scene.sketch.launch_shape(), Interval(0, 1)) for _ in range(2))
        left, right = (_own_cell(scene, array.name, whole_numbers, Interval(0, 1)) for array in (one, other))
        value = scene.read(scene.main)
    else:
        of = scene.vector(scene.rows)
        left = scene.let(scene.read(of))
        right = scene.let(scene.op("max", left, scene.made(of, *(scene.literal(-0.5) for _ in range(of.length)))))
        value = scene.op("dot", left, right)
    test = Compare(BOOL, (dice.one_of(("==", "==", "!=")),), (left.node, right.node))
    found = scene.let(value, mutable=True)
    missed = scene.op("mul", found, scene.gain(-0.75, 0.75))
    if dice.chance(50):
        node = Conditional(found.type, test, found.node, missed.node)
        return [Typed(node, found.interval.join(missed.interval), found.live)]
    scene.when(test, lambda inner: inner.set(found, missed))
    return [scene.claim(scene.now(found), found.interval.join(missed.interval))]


def _own_cell(scene: Scene, array: str, of: types.Vector, interval: Interval) -> Typed:
    return scene.let(Typed(Element(of, array, scene.sketch.own_indices()), interval))


def boxed(scene: Scene) -> list[Typed]:
    """Where a point is in a box, from nought to one along each axis, stretched, or moved by a speed for each axis."""
    dice, of = scene.dice, scene.vector(scene.rows)
    place = scene.let(scene.read(of))
    low = scene.read(of, 1.0)
    size = scene.let(
        scene.op("add", scene.op("abs", scene.read(of)), _filled(scene, of, dice.one_of((0.25, 0.5, 1.0))))
    )
    match dice.below(3):
        case 0:
            share = scene.op("cw_div", scene.op("sub", place, low), size)
            return [scene.named(share)]
        case 1:
            share = scene.let(scene.op("cw_div", place, size))
            return [scene.op("dot", share, share)]
    stretched = scene.op("add", scene.op("cw_mul", place, size), low)
    return [scene.op("mul", scene.named(stretched), scene.gain(0.25, 1.5))]


def _filled(scene: Scene, of: types.Vector, value: float) -> Typed:
    return scene.made(of, *(scene.literal(value) for _ in range(of.length)))


def gridded(scene: Scene) -> list[Typed]:
    """The cell that a point is in, as a vector of whole numbers: moved, kept inside, made one index, looked up."""
    dice, axes = scene.dice, min(scene.rows, 3)
    of, cell_type = scene.vector(axes), types.vector(axes, INT32)
    extent = dice.one_of((3, 4))
    inside = Interval(0.0, float(extent))
    point = scene.let(scene.at(scene.array(of, inside)))
    parts = tuple(Cast(INT32, scene.op("floor", scene.part(point, n)).node) for n in range(axes))
    cell = scene.let(Typed(Construct(cell_type, parts), Interval(0, extent)))
    if dice.chance(45):
        moves = scene.sketch.array(cell_type, scene.sketch.launch_shape(), Interval(-1, 1))
        cell = scene.op("add", cell, _own_cell(scene, moves.name, cell_type, Interval(-1, 1)))
    zero = Typed(Construct(cell_type, (whole(0),) * axes), Interval(0, 0))
    last = Typed(Construct(cell_type, (whole(extent - 1),) * axes), Interval(extent - 1, extent - 1))
    cell = scene.let(scene.op("max", scene.op("min", cell, last), zero)._replace(interval=Interval(0, extent - 1)))
    index = scene.part(cell, 0)
    for axis in range(1, axes):
        index = scene.sketch.plus(Typed(Apply(INT32, "mul", (index.node, whole(extent))), Interval(0, extent**axis)),
                                  scene.part(cell, axis))  # fmt: skip
    index = scene.let(index._replace(interval=Interval(0, extent**axes - 1)))
    if dice.chance(40):
        counts = scene.sketch.array(INT32, (extent**axes,), Interval(0, 0), output=True)
        scene.body += scene.sketch.scatter("atomic_add", counts, (index.node,), Typed(whole(1), Interval(1, 1)))
    table = scene.array(scene.main, symmetric(1.5), (extent**axes,))
    return [scene.op("mul", scene.at(table, index.node), scene.op("length", point))]


def slowed(scene: Scene) -> list[Typed]:
    """A vector that is scaled and moved in place, as of a step with drag."""
    dice, of = scene.dice, scene.vector(scene.rows)
    speed, place = scene.let(scene.read(of), mutable=True), scene.read(of)
    drag = scene.sketch.fit(scene.gain(0.25, 1.0), symmetric(1.0))
    assert isinstance(speed.node, Name)
    if dice.chance(60):
        scene.grow(speed, scene.op("mul", scene.read(of), scene.gain(0.0625, 0.25)))
    scene.body.append(AugmentedAssign(speed.node, "mul", drag.node))
    if dice.chance(40):
        divisor = scene.op("add", scene.literal(1.0), scene.op("length", scene.now(speed)))
        scene.body.append(AugmentedAssign(speed.node, "div", scene.named(divisor).node))
    moved = scene.op("add", place, scene.op("mul", scene.now(speed), scene.gain(0.0625, 0.5)))
    return [moved, scene.now(speed)] if dice.chance(40) else [moved]


DIRECTIONS: Final[tuple[Drawn, ...]] = (
    reflected, reflected, projected, bounced, attracted, attracted, springs, triangle, segment, limited, lit, turned,
    bounds, nearest, flattened, differences, one_by_one, one_by_one, dominant, alike, boxed, gridded, slowed, slowed,
)  # fmt: skip
#: Those of one result that need no arrays, and so may be functions.
NAMED: Final[tuple[Drawn, ...]] = (
    reflected, projected, springs, triangle, segment, lit, turned, flattened, differences,
)  # fmt: skip
