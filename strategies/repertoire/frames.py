"""What people compute with rigid transformations: points and poses changed between frames, chained, compared, moved."""

from __future__ import annotations

from typing import Final

from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Compare, Name
from strategies.language.types import BOOL
from strategies.repertoire.scenes import Drawn, Scene
from strategies.typed import Typed


def body_frame(scene: Scene, index: Typed | None = None) -> Typed:
    """The frame of the body that the thread, or `index`, belongs to."""
    index = index or scene.body_index()
    shape = (scene.bodies,)
    if scene.dice.chance(40):
        poses = scene.array(types.transform(scene.main), symmetric(2.0), shape)
        return scene.frame(scene.at(poses, index.node))
    place = scene.at(scene.array(scene.vector(), symmetric(2.0), shape), index.node)
    turn = scene.rotation(scene.at(scene.array(scene.quaternion, symmetric(1.0), shape), index.node))
    return scene.let(scene.made(types.transform(scene.main), place, turn))


def either_frame(scene: Scene) -> Typed:
    """A body's frame, or the thread's own."""
    return body_frame(scene) if scene.dice.chance(35) else scene.frame()


def inverse(scene: Scene, frame: Typed) -> Typed:
    """The inverse of a frame, mostly under a name."""
    found = scene.op("transform_inverse", frame)
    return scene.let(found) if scene.dice.chance(60) else found


def moved_points(scene: Scene) -> list[Typed]:
    """Points and directions of bodies in the world, or of the world in a body's frame."""
    dice, of = scene.dice, scene.vector()
    frame = body_frame(scene) if dice.chance(60) else scene.frame()
    back = dice.chance(35)
    to = inverse(scene, frame) if back else frame
    point = scene.op("transform_point", to, scene.own(of))
    match dice.below(4):
        case 0:
            return [point, scene.op("transform_vector", to, scene.own(of))]
        case 1:
            offset = scene.op("mul", scene.op("transform_vector", to, scene.direction()), scene.gain())
            return [scene.op("sub", point, offset)]
        case 2:
            return [scene.op("sub", point, scene.read(of))]
    return [point]


def chained(scene: Scene) -> list[Typed]:
    """A pose through a chain of frames, the last inverted at times: ``X_wp * X_pj * inverse(X_cj)``."""
    dice = scene.dice
    first, second = either_frame(scene), scene.frame()
    found = scene.op("mul" if dice.chance(70) else "transform_multiply", first, second)
    match dice.below(3):
        case 0:
            found = scene.op("mul", found, scene.op("transform_inverse", scene.frame()))
        case 1:
            found = scene.op("mul", scene.op("transform_inverse", either_frame(scene)), found)
    found = scene.let(found)
    if dice.chance(40):
        return [found]
    return [scene.op("transform_point", found, scene.read(scene.vector())), *([found] if dice.chance(30) else [])]


def relative(scene: Scene) -> list[Typed]:
    """One pose seen from another: the errors of place and turn, and the force and torque that mend them."""
    dice, of = scene.dice, scene.vector()
    current, target = either_frame(scene), scene.frame()
    between = scene.let(scene.op("mul", scene.op("transform_inverse", current), target))
    place = scene.named(scene.place_of(between))
    if dice.chance(25):
        return [between]
    turn = scene.op("mul", scene.imaginary(scene.turn_of(between)), scene.literal(2.0))
    if dice.chance(35):
        squares = [scene.op("length_sq", value) for value in (place, scene.named(turn))]
        return [scene.op("add", squares[0], scene.op("mul", squares[1], scene.gain()))]
    stiff = scene.gain()
    force = scene.op("mul", place, stiff)
    if dice.chance(50):
        force = scene.op("sub", force, scene.op("mul", scene.read(of), scene.gain(0.0625, 0.5)))
    return [force, scene.op("mul", turn, scene.gain())]


def box(scene: Scene) -> list[Typed]:
    """How far a point is from a box or a ball in its own frame, and what pushes it out."""
    dice, of = scene.dice, scene.vector()
    frame = either_frame(scene)
    local = scene.let(scene.op("transform_point", scene.op("transform_inverse", frame), scene.read(of)))
    if dice.chance(50):
        size = scene.at(scene.array(of, Interval(0.25, 1.5)))
        over = scene.let(scene.op("sub", scene.op("abs", local), size))
        outside = scene.op("max", over, scene.made(of, *[scene.literal(0.0)] * 3))
        inside = scene.op("min", scene.op("max", over), scene.literal(0.0))
        apart = scene.op("add", scene.op("length", outside), inside)
    else:
        apart = scene.op("sub", scene.op("length", local), scene.gain(0.5, 1.5))
    if dice.chance(45):
        return [apart]
    depth = scene.let(scene.op("max", scene.op("neg", apart), scene.literal(0.0)))
    way = scene.op("transform_vector", frame, scene.op("normalize", local))
    return [scene.op("mul", way, scene.op("mul", depth, scene.gain()))]


def arm(scene: Scene) -> list[Typed]:
    """The frames of a chain of joints, composed in a loop, and where its end is."""
    dice, of = scene.dice, types.transform(scene.main)
    count = dice.between(2, 4)
    frame = scene.claim(scene.frame(mutable=True), symmetric(16.0))
    axis = scene.direction() if dice.chance(60) else None
    offset = scene.own(scene.vector(), 1.0) if dice.chance(40) else None

    def body(inner: Scene, index: Name) -> None:
        about = axis or inner.let(inner.op("normalize", inner.listed(inner.vector(), count, index)))
        turn = inner.about(about, inner.listed(inner.main, count, index))
        link = offset or inner.listed(inner.vector(), count, index)
        local = inner.made(of, link, turn)
        inner.set(frame, inner.op("mul", frame, inner.let(local) if dice.chance(60) else local))

    scene.repeat(count, [frame], body)
    end = scene.now(frame)
    if dice.chance(35):
        return [end]
    point = scene.op("transform_point", end, scene.own(scene.vector()))
    if dice.chance(30):
        apart = scene.let(scene.op("sub", point, scene.read(scene.vector())))
        return [scene.op("dot", apart, apart)]
    return [point]


def blended(scene: Scene) -> list[Typed]:
    """Between two poses: the places mixed, the rotations along the arc."""
    dice, of = scene.dice, scene.vector()
    first, second = either_frame(scene), scene.frame()
    t = scene.named(scene.sketch.fit(scene.gain(0.25, 0.75), Interval(0.0, 1.0)))
    a, b = scene.place_of(first), scene.place_of(second)
    place = scene.op("lerp", a, b, t) if dice.chance(60) else scene.op(
        "add", scene.op("mul", a, scene.op("sub", scene.literal(1.0), t)), scene.op("mul", b, t)
    )  # fmt: skip
    turn = scene.op("quat_slerp", scene.turn_of(first), scene.turn_of(second), t)
    pose = scene.made(types.transform(scene.main), scene.named(place), scene.let(turn))
    if dice.chance(50):
        return [pose]
    return [scene.op("transform_point", scene.let(pose), scene.read(of))]


def integrated(scene: Scene) -> list[Typed]:
    """A rigid body after a time step: velocities from force and torque, then its place and its rotation."""
    dice, of = scene.dice, scene.vector()
    frame = scene.frame()
    step = scene.gain(0.0625, 0.25)
    speed = scene.let(scene.read(of), mutable=True)
    spin = scene.let(scene.read(of, 1.0), mutable=True)
    if dice.chance(60):
        push = scene.op("mul", scene.read(of), scene.gain(0.25, 2.0))
        if dice.chance(40):
            down = scene.made(of, scene.literal(0.0), scene.literal(-8.0), scene.literal(0.0))
            push = scene.op("add", push, down)
        scene.grow(speed, scene.op("mul", push, step))
    if dice.chance(35):
        scene.grow(spin, scene.op("mul", scene.op("transform_vector", frame, scene.read(of)), step))
    place = scene.op("add", scene.place_of(frame), scene.op("mul", scene.now(speed), step))
    turn = scene.let(scene.spun(scene.turn_of(frame), scene.now(spin), step))
    pose = scene.made(types.transform(scene.main), scene.named(place), turn)
    return [pose, *([scene.now(speed)] if dice.chance(40) else [])]


def as_matrix(scene: Scene) -> list[Typed]:
    """A pose as a matrix of four by four, applied to points or composed with another."""
    dice, of = scene.dice, scene.vector()
    if dice.chance(30):
        scales = scene.at(scene.array(of, Interval(0.5, 2.0)))
        matrix = scene.op("transform_compose", scene.own(of), scene.rotation(), scales)
    else:
        matrix = scene.op("transform_to_matrix", scene.frame())
    matrix = scene.let(matrix)
    match dice.below(4):
        case 0:
            point = scene.own(of)
            parts = [scene.part(point, n) for n in range(3)]
            return [scene.op("mul", matrix, scene.made(scene.vector(4), *parts, scene.literal(1.0)))]
        case 1:
            other = scene.op("transform_to_matrix", scene.frame())
            matrix = scene.op("mul", matrix, other)
            return [matrix] if dice.chance(40) else [scene.op("transform_point", scene.let(matrix), scene.read(of))]
    name = "transform_point" if dice.chance(65) else "transform_vector"
    return [scene.op(name, matrix, scene.read(of))]


def ray(scene: Scene) -> list[Typed]:
    """A ray in the frame of a shape: where it meets a plane or a ball there, in the world again."""
    dice, of = scene.dice, scene.vector()
    frame = either_frame(scene)
    back = scene.let(scene.op("transform_inverse", frame))
    start = scene.let(scene.op("transform_point", back, scene.read(of)))
    way = scene.let(scene.op("transform_vector", back, scene.read(of)))
    if dice.chance(50):
        hit = scene.op("div", scene.op("neg", scene.part(start, 1)), scene.part(way, 1))
    else:
        b = scene.let(scene.op("dot", start, way))
        radius = scene.gain(0.5, 1.5)
        c = scene.op("sub", scene.op("dot", start, start), scene.op("mul", radius, radius))
        inside = scene.op("sub", scene.op("mul", b, b), c)
        hit = scene.op("sub", scene.op("neg", b), scene.op("sqrt", inside))
    hit = scene.let(hit)
    if dice.chance(35):
        return [hit]
    point = scene.op("add", start, scene.op("mul", way, hit))
    return [scene.op("transform_point", frame, point)]


def cloud(scene: Scene) -> list[Typed]:
    """A sum over several points of a shape, each moved by its frame: a mean, an extent, or an energy."""
    dice, of = scene.dice, scene.vector()
    count = dice.between(2, 4)
    frame = either_frame(scene)
    aim = scene.own(of) if dice.chance(60) else None
    total = scene.zero(of if aim is None or dice.chance(40) else scene.main)

    def body(inner: Scene, index: Name) -> None:
        point = inner.op("transform_point", frame, inner.listed(of, count, index))
        if aim is not None:
            point = inner.op("sub", point, aim)
        if total.type is inner.main:
            point = inner.let(point)
            point = inner.op("dot", point, point)
        elif dice.chance(40):
            point = inner.op("mul", inner.named(point), inner.listed(inner.main, count, index))
        inner.grow(total, point, count)

    scene.repeat(count, [total], body)
    found = scene.now(total)
    return [scene.op("div", found, scene.literal(float(count)))] if dice.chance(50) else [found]


def anchored(scene: Scene) -> list[Typed]:
    """A spring between points fixed to two bodies: its force on each, and the torque about one of them."""
    dice, of = scene.dice, scene.vector()
    a, b = scene.body_index(), scene.body_index()
    first, second = body_frame(scene, a), body_frame(scene, b)
    ends = [scene.let(scene.op("transform_point", frame, scene.read(of))) for frame in (first, second)]
    apart = scene.let(scene.op("sub", ends[1], ends[0]))
    force = scene.op("mul", apart, scene.gain())
    if dice.chance(50):
        length = scene.let(scene.op("length", apart))
        pull = scene.op("mul", scene.op("sub", length, scene.gain(0.25, 1.0)), scene.gain())
        force = scene.op("mul", scene.op("div", apart, length), scene.named(pull))
    force = scene.let(force)
    if dice.chance(50):
        total = scene.sketch.output(of, shape=(scene.bodies,))
        scene.body += scene.sketch.scatter("atomic_add", total, (a.node,), force)
        scene.body += scene.sketch.scatter("atomic_sub", total, (b.node,), force)
        return []
    arm_of = scene.op("sub", ends[0], scene.place_of(first))
    return [scene.op("cross", arm_of, force), *([force] if dice.chance(40) else [])]


def nearer(scene: Scene) -> list[Typed]:
    """A point in the frame of one of two bodies, whichever is nearer."""
    of = scene.vector()
    point = scene.let(scene.read(of))
    frame, other = scene.frame(), scene.frame()
    local = scene.let(scene.op("transform_point", scene.op("transform_inverse", frame), point), mutable=True)
    there = scene.let(scene.op("transform_point", scene.op("transform_inverse", other), point))
    sizes = [scene.op("length_sq", value).node for value in (there, scene.now(local))]
    scene.claim(local, local.interval.join(there.interval))
    test = Compare(BOOL, ("<",), (sizes[0], sizes[1]))
    scene.when(test, lambda inner: inner.set(local, there))
    return [scene.now(local)]


FRAMES: Final[tuple[Drawn, ...]] = (
    moved_points, moved_points, chained, relative, box, arm, blended, integrated, as_matrix, ray, cloud, anchored,
    nearer,
)  # fmt: skip
