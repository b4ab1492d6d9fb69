"""What people compute with spatial vectors: twists, wrenches, inertias, and how they change between frames."""

from __future__ import annotations

from typing import Final

from strategies.intervals import symmetric
from strategies.language import types
from strategies.language.nodes import Name
from strategies.language.types import Vector
from strategies.repertoire.frames import body_frame
from strategies.repertoire.scenes import Drawn, Scene
from strategies.typed import Typed


def spatial(scene: Scene) -> Vector:
    """The type of twists and wrenches."""
    return scene.vector(6)


def joined(scene: Scene, top: Typed, bottom: Typed) -> Typed:
    """A spatial vector of its two halves."""
    return scene.made(spatial(scene), top, bottom)


def halves(scene: Scene, value: Typed) -> tuple[Typed, Typed]:
    """The angular and the linear half, mostly under names."""
    value = value if isinstance(value.node, Name) else scene.let(value)
    return scene.named(scene.op("spatial_top", value)), scene.named(scene.op("spatial_bottom", value))


def twist(scene: Scene) -> Typed:
    """The velocity of a body: read, or made of two vectors."""
    if scene.dice.chance(60):
        return scene.let(scene.read(spatial(scene)))
    return scene.let(joined(scene, scene.read(scene.vector()), scene.read(scene.vector())))


def momentum(scene: Scene) -> list[Typed]:
    """The momentum of a body from its velocity, mass and inertia; its energy, or the power of a wrench."""
    dice = scene.dice
    speed = twist(scene)
    spin, linear = halves(scene, speed)
    moments = scene.read(scene.vector() if dice.chance(50) else scene.matrix())
    turning = scene.op("cw_mul" if isinstance(moments.type, Vector) else "mul", moments, spin)
    found = scene.let(joined(scene, turning, scene.op("mul", linear, scene.gain())))
    match dice.below(3):
        case 0:
            return [
                scene.op("mul", scene.op("dot" if dice.chance(50) else "spatial_dot", speed, found), scene.literal(0.5))
            ]
        case 1:
            return [scene.op("spatial_cross_dual", speed, found)]
    return [found]


def at_point(scene: Scene) -> list[Typed]:
    """The velocity of a point of a body, and what follows from it: friction, a closing speed, a drag."""
    dice, of = scene.dice, scene.vector()
    motion = twist(scene)
    arm = scene.let(scene.op("sub", scene.read(of), scene.read(of)) if dice.chance(50) else scene.read(of))
    if scene.main is types.FLOAT32 and dice.chance(45):
        speed = scene.op("velocity_at_point", motion, arm)
    else:
        spin, linear = halves(scene, motion)
        speed = scene.op("add", linear, scene.op("cross", spin, arm))
    match dice.below(4):
        case 0:
            return [speed]
        case 1:
            normal = scene.direction()
            closing = scene.let(scene.op("dot", scene.named(speed), normal))
            return [
                scene.op("mul", normal, scene.op("mul", scene.op("min", closing, scene.literal(0.0)), scene.gain()))
            ]
        case 2:
            force = scene.let(scene.op("mul", speed, scene.gain(0.25, 1.0)))
            return [joined(scene, scene.op("cross", arm, force), force)]
    return [scene.op("length_sq", scene.named(speed))]


def moved(scene: Scene) -> list[Typed]:
    """A twist or a wrench in another frame, in Warp's own words or written out."""
    dice = scene.dice
    value = twist(scene)
    if scene.main is not types.FLOAT32:
        return adjoint(scene)
    frame = body_frame(scene) if dice.chance(35) else scene.frame()
    if dice.chance(35):
        frame = scene.let(scene.op("transform_inverse", frame))
    if dice.chance(65):
        found = scene.op("transform_twist" if dice.chance(50) else "transform_wrench", frame, value)
        if dice.chance(30):
            return [scene.op("dot", scene.let(found), scene.read(spatial(scene)))]
        return [found]
    spin, linear = halves(scene, value)
    turned = scene.let(scene.op("transform_vector", frame, spin))
    rest = scene.op("transform_vector", frame, linear)
    return [joined(scene, turned, scene.op("add", rest, scene.op("cross", scene.place_of(frame), turned)))]


def adjoint(scene: Scene) -> list[Typed]:
    """The matrix that moves twists to another frame, made of a rotation and an offset, and applied."""
    dice = scene.dice
    turn = scene.let(scene.op("quat_to_matrix", scene.rotation()) if dice.chance(60) else scene.read(scene.matrix()))
    side = scene.op("mul", scene.op("skew", scene.read(scene.vector())), turn)
    matrix = scene.let(scene.op("spatial_adjoint", turn, scene.named(side)))
    if dice.chance(35):
        inertia = scene.read(scene.matrix(6), 1.0)
        return [scene.product(scene.op("transpose", matrix), inertia, matrix)]
    return [scene.op("mul", matrix, scene.read(spatial(scene)))]


def dynamics(scene: Scene) -> list[Typed]:
    """A spatial inertia times a velocity: momentum, energy, and the force that keeps a body turning."""
    dice = scene.dice
    inertia = scene.read(scene.matrix(6), 1.0)
    if dice.chance(40):
        inertia = scene.let(scene.op("add", inertia, scene.op("transpose", inertia)))
    speed = twist(scene)
    found = scene.let(scene.op("mul", inertia, speed))
    match dice.below(3):
        case 0:
            return [scene.op("mul", scene.op("dot", speed, found), scene.literal(0.5))]
        case 1:
            bias = scene.op("spatial_cross_dual", speed, found)
            return [scene.op("sub", bias, scene.read(spatial(scene)))]
    return [found]


def contacts(scene: Scene) -> list[Typed]:
    """The wrench of several forces at several points of a body, summed in a loop."""
    dice, of = scene.dice, scene.vector()
    count = dice.between(2, 4)
    centre = scene.own(of) if dice.chance(60) else None
    total = scene.zero(spatial(scene))

    def body(inner: Scene, index: Name) -> None:
        force = inner.let(inner.listed(of, count, index))
        arm = inner.listed(of, count, index)
        if centre is not None:
            arm = inner.op("sub", arm, centre)
        wrench = joined(inner, inner.op("cross", inner.named(arm), force), force)
        if dice.chance(35):
            wrench = inner.op("mul", wrench, inner.listed(inner.main, count, index))
        inner.grow(total, wrench, count)

    scene.repeat(count, [total], body)
    found = scene.now(total)
    if dice.chance(40):
        return [scene.op("sub", found, scene.op("mul", twist(scene), scene.gain(0.0625, 0.5)))]
    return [found]


def on_bodies(scene: Scene) -> list[Typed]:
    """A force at a point of a body, added to the wrench of the one that an array names."""
    of = scene.vector()
    body = scene.body_index()
    centre = scene.at(scene.array(of, symmetric(1.0), (scene.bodies,)), body.node)
    arm = scene.let(scene.op("sub", scene.read(of, 1.0), centre))
    force = scene.read(of, 1.0)
    if scene.dice.chance(50):
        force = scene.op("mul", force, scene.gain(0.25, 1.0))
    force = scene.let(force)
    wrench = joined(scene, scene.op("cross", arm, force), force)
    total = scene.sketch.output(spatial(scene), shape=(scene.bodies,))
    op = "atomic_add" if scene.dice.chance(75) else "atomic_sub"
    scene.body += scene.sketch.scatter(op, total, (body.node,), wrench)
    return []


def damped(scene: Scene) -> list[Typed]:
    """A wrench less what damps a motion, with a gain for turning and one for moving; or a velocity slowed."""
    spin, linear = halves(scene, twist(scene))
    slowed = [scene.op("mul", half, scene.gain(0.125, 1.0)) for half in (spin, linear)]
    found = joined(scene, *slowed)
    if scene.dice.chance(60):
        return [scene.op("sub", scene.read(spatial(scene)), found)]
    return [found]


def joints(scene: Scene) -> list[Typed]:
    """The velocity of the last body of a chain: each joint's axis times its rate, added in a loop."""
    dice, of = scene.dice, spatial(scene)
    count = dice.between(2, 4)
    speed = scene.let(scene.read(of, 1.0), mutable=True) if dice.chance(60) else scene.zero(of)
    bias = dice.chance(45)
    rest = scene.zero(of) if bias else None
    most = symmetric(1.25 + 2.25 * count)
    scene.claim(speed, most)

    def body(inner: Scene, index: Name) -> None:
        rate = inner.op("mul", inner.listed(of, count, index), inner.listed(inner.main, count, index))
        if rest is not None:
            rate = inner.let(rate)
            before = speed._replace(interval=most)
            inner.grow(rest, inner.op("spatial_cross", before, rate), count)
        inner.grow(speed, rate, count)

    scene.repeat(count, [speed, *([rest] if rest is not None else [])], body)
    return [scene.now(speed), *([scene.now(rest)] if rest is not None else [])]


def stepped(scene: Scene) -> list[Typed]:
    """The velocity of a body after a time step under a wrench, and its pose after that."""
    dice = scene.dice
    motion = scene.let(scene.read(spatial(scene)), mutable=True)
    step = scene.gain(0.0625, 0.25)
    push = scene.read(spatial(scene))
    if dice.chance(50):
        push = scene.op("mul", push, scene.gain(0.25, 2.0))
    scene.grow(motion, scene.op("mul", push, step))
    if dice.chance(40) or "transform" not in scene.sketch.forms:
        return [scene.now(motion)]
    frame = scene.frame()
    spin, linear = halves(scene, scene.now(motion))
    place = scene.op("add", scene.place_of(frame), scene.op("mul", linear, step))
    turn = scene.let(scene.spun(scene.turn_of(frame), spin, step))
    return [scene.made(types.transform(scene.main), place, turn), scene.now(motion)]


SCREWS: Final[tuple[Drawn, ...]] = (
    momentum, at_point, at_point, moved, moved, adjoint, dynamics, contacts, on_bodies, damped, joints, stepped,
)  # fmt: skip
