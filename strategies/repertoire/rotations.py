"""What people compute with quaternions: orientations integrated, compared, blended, chained, and vectors turned."""

from __future__ import annotations

from typing import Final

from strategies import several
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Compare, Conditional, Name
from strategies.language.types import BOOL
from strategies.repertoire.scenes import Drawn, Scene
from strategies.typed import Typed


def spinning(scene: Scene) -> list[Typed]:
    """An orientation after a time step at an angular velocity, which a torque or a drag may change first."""
    dice = scene.dice
    q = scene.rotation()
    spin = scene.let(scene.read(scene.vector()), mutable=True)
    step = scene.gain(0.0625, 0.25)
    if dice.chance(40):
        push = scene.read(scene.vector())
        if dice.chance(50):
            push = scene.op("sub", push, scene.op("cross", scene.now(spin), scene.read(scene.vector())))
        scene.grow(spin, scene.op("mul", scene.named(push), step))
    if dice.chance(35):
        slowed = scene.op("mul", scene.now(spin), scene.gain(0.25, 0.75))
        scene.set(spin, slowed)
        scene.claim(spin, scene.known(spin).interval.join(slowed.interval))
    turned = scene.spun(q, scene.now(spin), step)
    if dice.chance(40):
        turned = scene.let(turned)
        return [turned, scene.op("quat_rotate", turned, scene.read(scene.vector()))]
    return [turned, scene.now(spin)] if dice.chance(40) else [turned]


def substeps(scene: Scene) -> list[Typed]:
    """An orientation that a loop integrates in several small steps."""
    count = scene.dice.between(2, 4)
    q = scene.claim(scene.rotation(mutable=True), symmetric(1.0))
    spin = scene.let(scene.read(scene.vector(), 1.0))
    step = scene.gain(0.0625, 0.125)

    def body(inner: Scene, index: Name) -> None:
        inner.set(q, inner.spun(q, spin, step))

    scene.repeat(count, [q], body)
    if scene.dice.chance(50):
        return [scene.now(q)]
    return [scene.op("quat_rotate", scene.now(q), scene.own(scene.vector()))]


def relative(scene: Scene) -> list[Typed]:
    """The rotation from one orientation to another, as an axis and an angle, a small vector, or a torque."""
    dice = scene.dice
    current, target = scene.rotation(), scene.rotation()
    between = scene.op("mul", scene.op("quat_inverse", current), target)
    if dice.chance(30):
        between = scene.op("mul", target, scene.op("quat_inverse", current))
    between = scene.let(between)
    if dice.chance(35):
        scene.body += several.unpack(scene.sketch, "quat_to_axis_angle", [between])
        axis, angle = (scene.sketch.variable(v) for v in scene.sketch.defined[-2:])
        return [scene.op("mul", axis, angle)] if dice.chance(50) else [axis, angle]
    error = scene.op("mul", scene.imaginary(between), scene.literal(2.0))
    if dice.chance(40):
        error = scene.let(error)
        test = Compare(BOOL, ("<",), (scene.part(between, 3).node, scene.literal(0.0).node))
        flipped = scene.op("neg", error)
        node = Conditional(error.type, test, flipped.node, error.node)
        error = Typed(node, symmetric(error.interval.size), error.live)
    if dice.chance(60):
        pull = scene.op("mul", scene.named(error), scene.gain())
        error = scene.op("sub", pull, scene.op("mul", scene.read(scene.vector()), scene.gain(0.0625, 0.5)))
    return [error]


def velocity(scene: Scene) -> list[Typed]:
    """The angular velocity between two orientations that are a time step apart."""
    before, after = scene.rotation(), scene.rotation()
    change = scene.let(scene.op("mul", after, scene.op("quat_inverse", before)))
    rate = scene.op("div", scene.literal(2.0), scene.gain(0.25, 1.0)) if scene.dice.chance(60) else scene.gain(2.0, 4.0)
    return [scene.op("mul", scene.imaginary(change), rate)]


def there_and_back(scene: Scene) -> list[Typed]:
    """A point in a body's own axes, changed there, and turned back."""
    dice, of = scene.dice, scene.vector()
    q, origin = scene.rotation(), scene.own(of)
    local = scene.let(scene.op("quat_rotate_inv", q, scene.op("sub", scene.read(of), origin)))
    match dice.below(4):
        case 0:
            changed = scene.op("cw_mul", local, scene.read(of))
        case 1:
            bound = scene.made(of, *(scene.literal(dice.one_of((0.5, 1.0, 1.5))) for _ in range(3)))
            changed = scene.op("max", scene.op("min", local, bound), scene.op("neg", bound))
        case 2:
            changed = scene.op("cross", scene.read(of), local)
        case _:
            changed = scene.op("mul", local, scene.gain())
    if dice.chance(30):
        return [scene.named(changed)]
    return [scene.op("add", scene.op("quat_rotate", q, scene.named(changed)), origin)]


def blended(scene: Scene) -> list[Typed]:
    """Between two orientations: along the arc, or a sum on the nearer side, normalized."""
    dice = scene.dice
    first, second = scene.rotation(), scene.rotation(mutable=True)
    t = scene.gain(0.25, 0.75)
    if dice.chance(50):
        t = scene.sketch.fit(t, Interval(0.0, 1.0))
        found = scene.let(scene.op("quat_slerp", first, second, t))
    else:
        near = scene.claim(second, symmetric(1.0))
        test = Compare(BOOL, ("<",), (scene.op("dot", first, near).node, scene.literal(0.0).node))
        scene.when(test, lambda inner: inner.set(near, inner.op("neg", near)))
        share = scene.op("sub", scene.literal(1.0), t)
        mixed = scene.op("add", scene.op("mul", first, share), scene.op("mul", scene.now(near), t))
        found = scene.let(scene.op("normalize", mixed))
    if dice.chance(50):
        return [scene.op("quat_rotate", found, scene.own(scene.vector()))]
    return [found]


def between_directions(scene: Scene) -> list[Typed]:
    """The rotation that takes one direction to another, by the shortest way."""
    a, b = (scene.let(scene.op("normalize", scene.read(scene.vector()))) for _ in range(2))
    real = scene.op("add", scene.literal(1.0), scene.op("dot", a, b))
    arc = scene.made(scene.quaternion, scene.op("cross", a, b), real)
    q = scene.let(scene.op("normalize", arc))
    return [q] if scene.dice.chance(40) else [scene.op("quat_rotate", q, scene.read(scene.vector()))]


def chain(scene: Scene) -> list[Typed]:
    """Rotations of the joints of an arm, one after another in a loop, and where its links end."""
    dice, of = scene.dice, scene.vector()
    count, reach = dice.between(2, 4), 2.0
    q = scene.claim(scene.rotation(mutable=True), symmetric(1.0))
    place = scene.let(scene.read(of), mutable=True) if dice.chance(65) else None
    fixed = scene.direction() if dice.chance(40) else None

    def body(inner: Scene, index: Name) -> None:
        axis = fixed or inner.let(inner.op("normalize", inner.listed(of, count, index)))
        angle = inner.listed(inner.main, count, index)
        turn = inner.about(axis, angle)
        inner.set(q, inner.op("mul", q, inner.named(turn)))
        if place is not None:
            link = inner.listed(of, count, index, reach) if dice.chance(60) else inner.own(of)
            inner.grow(place, inner.op("quat_rotate", q, link), count)

    scene.repeat(count, [q, *([place] if place is not None else [])], body)
    if place is not None:
        return [scene.now(place), *([scene.now(q)] if dice.chance(35) else [])]
    return [scene.now(q)] if dice.chance(40) else [scene.op("quat_rotate", scene.now(q), scene.own(of))]


def inertia(scene: Scene) -> list[Typed]:
    """What a body's inertia, given along its own axes, is in the world: a momentum, or an acceleration."""
    dice, of = scene.dice, scene.vector()
    q = scene.rotation()
    moments, push = scene.own(of), scene.read(of)
    if dice.chance(50):
        turn = scene.let(scene.op("quat_to_matrix", q))
        world = scene.product(turn, scene.op("diag", moments), scene.op("transpose", turn))
        return [scene.op("mul", scene.let(world), push)]
    local = scene.let(scene.op("quat_rotate_inv", q, push))
    if dice.chance(35):
        local = scene.let(scene.op("sub", local, scene.op("cross", scene.read(of), scene.op("cw_mul", moments, local))))
    op = "cw_mul" if dice.chance(60) else "cw_div"
    return [scene.op("quat_rotate", q, scene.op(op, local, moments))]


def matrices(scene: Scene) -> list[Typed]:
    """A rotation as a matrix: applied, its columns taken, or multiplied with another."""
    dice, of = scene.dice, scene.vector()
    turn = scene.let(scene.op("quat_to_matrix", scene.rotation()))
    match dice.below(4):
        case 0:
            turn = scene.op("mul", turn, scene.op("quat_to_matrix", scene.rotation()))
            return [turn] if dice.chance(40) else [scene.op("mul", scene.let(turn), scene.read(of))]
        case 1:
            column = dice.below(3)
            up = scene.made(of, *(scene.part(turn, n, column) for n in range(3)))
            return [scene.op("dot", scene.let(up), scene.read(of))]
        case 2:
            return [scene.op("mul", scene.op("transpose", turn), scene.op("sub", scene.read(of), scene.read(of)))]
    return [scene.op("add", scene.op("mul", turn, scene.read(of)), scene.read(of))]


def distance(scene: Scene) -> list[Typed]:
    """How far two orientations are apart, as a number for a loss."""
    dice = scene.dice
    near = scene.let(scene.op("dot", scene.rotation(), scene.rotation()))
    loss = scene.op(
        "sub", scene.literal(1.0), scene.op("mul", near, near) if dice.chance(60) else scene.op("abs", near)
    )
    return [scene.op("mul", loss, scene.gain()) if dice.chance(60) else loss]


def joint(scene: Scene) -> list[Typed]:
    """The angle of a hinge about its axis, and the torque that limits or drives it."""
    dice = scene.dice
    axis, q = scene.direction(), scene.rotation()
    if dice.chance(50):
        q = scene.let(scene.op("mul", scene.op("quat_inverse", q), scene.rotation()))
    along = scene.op("dot", scene.imaginary(q), axis)
    # where the real part may have either sign, a guarded `atan2` would give another angle
    half = scene.op("clamp", along, scene.literal(-0.875), scene.literal(0.875))
    angle = scene.op("mul", scene.literal(2.0), scene.op("asin", scene.named(half)))
    over = scene.op("sub", scene.let(angle), scene.gain(0.25, 1.5))
    if dice.chance(40):
        over = scene.op("max", over, scene.literal(0.0))
    push = scene.op("mul", over, scene.gain())
    if dice.chance(50):
        push = scene.op("add", push, scene.op("mul", scene.op("dot", axis, scene.read(scene.vector())), scene.gain()))
    return [scene.op("mul", axis, scene.named(push))] if dice.chance(60) else [push]


def angles(scene: Scene) -> list[Typed]:
    """An orientation from three angles, composed with another, and vectors turned by it, or its angles again."""
    dice, of = scene.dice, scene.vector()
    given = scene.let(scene.read(of, 1.0))
    turn = scene.op("quat_rpy", *(scene.part(given, n) for n in range(3)))
    if scene.main is types.FLOAT32 and dice.chance(60):
        axes = [dice.below(3)]
        while len(axes) < 3:
            axes.append(dice.one_of([n for n in range(3) if n != axes[-1]]))
        turn = scene.op("quat_from_euler_" + "".join(map(str, axes)), given)
    turn = scene.let(turn)
    if dice.chance(50):
        turn = scene.let(scene.op("mul", scene.rotation(), turn))
    if scene.main is types.FLOAT32 and dice.chance(40):
        return [scene.op("quat_to_rpy", turn)]
    return [scene.op("quat_rotate", turn, scene.read(of))] if dice.chance(70) else [turn]


ROTATIONS: Final[tuple[Drawn, ...]] = (
    spinning, substeps, relative, velocity, there_and_back, blended, between_directions, chain, inertia, matrices,
    distance, joint, angles,
)  # fmt: skip
