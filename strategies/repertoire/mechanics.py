"""What simulations compute: elastic energies, particles on grids, rigid bodies, distance fields, steps of equations."""

from __future__ import annotations

from typing import Final

from strategies.blocks import whole
from strategies.intervals import UNIT, Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    AugmentedAssign,
    Break,
    Cast,
    Compare,
    Conditional,
    Construct,
    For,
    If,
    Logical,
    Name,
)
from strategies.language.types import BOOL, INT32
from strategies.repertoire.called import in_scene
from strategies.repertoire.scenes import Drawn, Scene
from strategies.typed import Typed

#: How far beyond a cell the three weights of a quadratic spline reach.
_SPLINE: Final = 3
#: What a distance field may give at most where a ray looks at it, and how near a surface is a hit.
_FAR: Final = 6.0
_NEAR: Final = 0.0625


def _identity(scene: Scene, size: int) -> Typed:
    return scene.made(scene.matrix(size), *(scene.literal(float(n % (size + 1) == 0)) for n in range(size * size)))


# ---------------------------------------------------------------- bodies that bend


def _deformation(scene: Scene, size: int) -> Typed:
    """How an element is deformed: its edges now times the inverse of those at rest, or a matrix that is given."""
    dice, of, point = scene.dice, scene.matrix(size), scene.vector(size)
    if dice.chance(30):
        return scene.let(scene.read(of, 1.5))
    if len(scene.sketch.launch) == 1 and dice.chance(60):
        nodes = dice.between(size + 2, 8)
        places = scene.array(point, symmetric(1.0), (nodes,))
        corners = scene.array(INT32, Interval(0, nodes - 1), (scene.sketch.launch[0], size + 1))
        own = scene.sketch.own_indices()[0]
        at = [scene.let(Typed(scene.at(corners, own, whole(n)).node, Interval(0, nodes - 1))) for n in range(size + 1)]
        points = [scene.at(places, index.node) for index in at]
    else:
        points = [scene.read(point, 1.0) for _ in range(size + 1)]
    first = scene.let(points[0])
    edges = [scene.op("sub", other, first) for other in points[1:]]
    if dice.chance(60):
        edges = [scene.let(edge) for edge in edges]
    now = scene.op("matrix_from_cols", *edges)
    return scene.let(scene.op("mul", scene.let(now) if dice.chance(50) else now, scene.read(of, 1.0)))


def elastic(scene: Scene) -> list[Typed]:
    """The energy of a deformed element, or the stress in it: neo-Hookean, Saint Venant's, or of small strains."""
    dice, size = scene.dice, scene.dice.one_of((3, 2))
    f = _deformation(scene, size)
    mu, bulk = scene.gain(0.25, 1.5), scene.gain(0.25, 1.5)
    half = scene.literal(0.5)
    match dice.below(4):
        case 0 | 1:
            volume = scene.let(scene.op("determinant", f))
            spread = scene.op("ddot", f, f)
            if dice.chance(50):
                spread = scene.op("trace", scene.op("mul", scene.op("transpose", f), f))
            less = scene.op("sub", scene.named(spread), scene.literal(float(size)))
            bent = scene.product(half, mu, less)
            if dice.chance(50):
                grown = scene.let(scene.op("log", scene.op("max", volume, scene.literal(0.25))))
                energy = scene.op("sub", bent, scene.op("mul", mu, grown))
            else:
                grown, energy = scene.let(scene.op("sub", volume, scene.literal(1.0))), bent
            return [scene.op("add", energy, scene.product(half, bulk, grown, grown))]
        case 2:
            strain = scene.op("sub", scene.op("mul", scene.op("transpose", f), f), _identity(scene, size))
            strain = scene.let(scene.op("mul", strain, half))
        case _:
            strain = scene.op("mul", scene.op("add", f, scene.op("transpose", f)), half)
            strain = scene.let(scene.op("sub", strain, _identity(scene, size)))
    volume = scene.let(scene.op("trace", strain))
    if dice.chance(55):
        twice = scene.op("mul", scene.op("ddot", strain, strain), mu)
        return [scene.op("add", twice, scene.product(half, bulk, volume, volume))]
    stress = scene.op("mul", strain, scene.op("mul", scene.literal(2.0), mu))
    pressure = scene.op("mul", _identity(scene, size), scene.op("mul", bulk, volume))
    stress = scene.let(scene.op("add", stress, pressure))
    return [scene.op("mul", f, stress)] if dice.chance(50) else [stress]


# ---------------------------------------------------------------- particles and grids


def splined(scene: Scene) -> list[Typed]:
    """A particle on a grid, by quadratic splines: what it gives to the nodes around, or what they tell it."""
    dice, axes = scene.dice, scene.dice.one_of((1, 2, 2, 3))
    extent = dice.one_of((4, 5)) if axes < 3 else 4
    # half a cell from the end, so that the three nodes around are there
    inside = Interval(0.5, extent - 1.75)
    of = scene.vector(axes) if axes > 1 else scene.main
    x = scene.let(scene.at(scene.array(of, inside)))
    cells, weights = list[Typed](), list[Typed]()
    for axis in range(axes):
        along = scene.part(x, axis) if axes > 1 else x
        cell = Cast(INT32, scene.op("sub", along, scene.literal(0.5)).node)
        cells.append(scene.let(Typed(cell, Interval(0, extent - _SPLINE))))
        share = scene.op("sub", along, scene.sketch.convert(cells[-1], scene.main))
        weights.append(_spline(scene, scene.let(share._replace(interval=Interval(0.5, 1.5)))))
    names = [Name(INT32, scene.sketch.fresh()) for _ in range(axes)]
    gathers = dice.chance(45)
    value = scene.let(scene.read(scene.main if axes == 1 or dice.chance(60) else scene.vector(axes)))
    grid = scene.sketch.array(
        value.type,  # type: ignore[arg-type]
        (extent,) * axes,
        symmetric(2.0) if gathers else Interval(0.0, 0.0),
        output=not gathers,
    )
    total = scene.zero(value.type) if gathers else None
    inner = scene.inside()
    mark = scene.sketch.scope.mark()
    scene.sketch.loop_trips += [_SPLINE] * axes
    weight = scene.part(weights[0], names[0])
    for name, other in zip(names[1:], weights[1:], strict=True):
        weight = inner.op("mul", weight, scene.part(other, name))
    weight = inner.named(weight)
    at = [Apply(INT32, "add", (cell.node, name)) for cell, name in zip(cells, names, strict=True)]
    if total is not None:
        inner.grow(total, inner.op("mul", inner.at(grid, *at), weight), _SPLINE**axes)
    else:
        inner.body += scene.sketch.scatter("atomic_add", grid, tuple(at), inner.op("mul", value, weight))
    del scene.sketch.loop_trips[-axes:]
    gone = scene.sketch.scope.release(mark)
    scene.sketch.defined = [v for v in scene.sketch.defined if v not in gone]
    block = tuple(inner.body)
    for name in reversed(names):
        block = (For(name.name, whole(_SPLINE), block),)
    scene.body += block
    if total is None:
        return []
    moved = scene.op("add", value, scene.op("mul", scene.now(total), scene.gain(0.0625, 0.5)))
    return [moved] if dice.chance(60) else [scene.now(total)]


def _spline(scene: Scene, share: Typed) -> Typed:
    """The weights of the nodes before, at and behind a place that is `share` beyond the first."""
    half, one = scene.literal(0.5), scene.literal(1.0)

    def square(value: Typed) -> Typed:
        return scene.op("mul", value, value)

    parts = (
        scene.op("mul", half, square(scene.op("sub", scene.literal(1.5), share))),
        scene.op("sub", scene.literal(0.75), square(scene.op("sub", share, one))),
        scene.op("mul", half, square(scene.op("sub", share, half))),
    )
    return scene.let(scene.made(scene.vector(_SPLINE), *parts))._replace(interval=Interval(0.0, 1.0))


def kept_apart(scene: Scene) -> list[Typed]:
    """A distance that two particles are held at, as of position-based dynamics, by their inverse masses."""
    dice, of, count = scene.dice, scene.vector(scene.rows), scene.dice.between(4, 7)
    places, masses = scene.array(of, symmetric(1.5), (count,)), scene.array(scene.main, Interval(0.25, 2.0), (count,))
    i, j = (scene.link(count) for _ in range(2))
    apart = scene.let(scene.op("sub", scene.at(places, i.node), scene.at(places, j.node)))
    length = scene.let(scene.op("length", apart))
    w, v = (scene.let(scene.at(masses, n.node)) for n in (i, j))
    wrong = scene.let(scene.op("sub", length, scene.gain(0.25, 1.5)))
    soft = scene.op("add", scene.op("add", w, v), scene.gain(0.0625, 0.5)) if dice.chance(50) else scene.op("add", w, v)
    share = scene.let(scene.op("div", wrong, soft))
    way = scene.op("div", apart, scene.op("max", length, scene.literal(0.125)))._replace(interval=UNIT)
    push = scene.let(scene.op("mul", way, share))
    moved = scene.sketch.output(of, (count,))
    scene.body += scene.sketch.scatter("atomic_sub", moved, (i.node,), scene.op("mul", push, w))
    scene.body += scene.sketch.scatter("atomic_add", moved, (j.node,), scene.op("mul", push, v))
    return [wrong] if dice.chance(30) else []


# ---------------------------------------------------------------- bodies that turn


def rigid(scene: Scene) -> list[Typed]:
    """A rigid body after a time step: its place and its orientation, a torque turned into the body's axes and back."""
    dice, of = scene.dice, scene.vector()
    frame = scene.frame() if dice.chance(40) else None
    if frame is None:
        x, q = scene.let(scene.read(of), mutable=True), scene.rotation()
    else:
        x, q = scene.let(scene.place_of(frame), mutable=True), scene.turn_of(frame)
    v, w = scene.let(scene.read(of), mutable=True), scene.let(scene.read(of), mutable=True)
    step = scene.let(scene.gain(0.0625, 0.25))
    push = scene.op("mul", scene.read(of), scene.gain(0.25, 1.0))
    if dice.chance(60):
        push = scene.op("add", push, scene.made(of, scene.literal(0.0), scene.literal(-8.0), scene.literal(0.0)))
    scene.grow(v, scene.op("mul", scene.named(push), step))
    scene.grow(x, scene.op("mul", scene.now(v), step))
    torque = scene.let(scene.op("quat_rotate_inv", q, scene.read(of)))
    inertia = scene.read(scene.matrix(), 1.0)
    if dice.chance(50):
        spin = scene.let(scene.op("quat_rotate_inv", q, scene.now(w)))
        torque = scene.op(
            "sub", torque, scene.op("cross", spin, scene.op("mul", scene.read(scene.matrix(), 1.0), spin))
        )
    turn = scene.op("quat_rotate", q, scene.op("mul", inertia, torque))
    scene.grow(w, scene.op("mul", scene.named(turn), step))
    turned = scene.let(scene.spun(q, scene.now(w), step))
    if frame is not None and dice.chance(60):
        return [scene.now(w), scene.made(types.transform(scene.main), scene.now(x), turned)]
    return [scene.now(x), scene.now(w), turned]


def linked(scene: Scene) -> list[Typed]:
    """The end of an arm of a few joints, frame times frame in a loop."""
    dice, count = scene.dice, scene.dice.between(2, 3)
    of = types.transform(scene.main)
    frame = scene.claim(scene.frame(mutable=True), symmetric(16.0))
    axis = scene.direction()

    def joint(inner: Scene, index: Name) -> None:
        turn = inner.about(axis, inner.listed(inner.main, count, index))
        link = inner.listed(inner.vector(), count, index, 1.0)
        moved = inner.op("mul", frame, inner.made(of, link, inner.named(turn)))
        inner.set(frame, moved._replace(interval=symmetric(16.0)))

    scene.repeat(count, [frame], joint)
    tip = scene.op("transform_point", scene.now(frame), scene.read(scene.vector(), 1.0))
    error = scene.let(scene.op("sub", tip, scene.read(scene.vector())))
    return [scene.op("dot", error, error)] if dice.chance(60) else [error]


# ---------------------------------------------------------------- distance fields


def _field(scene: Scene) -> list[Typed]:
    """A distance to a scene of a ball, a box, a torus or a plane, and of two of those at times."""
    dice = scene.dice
    # a ray looks this far from the middle
    p = scene.read(scene.vector(), 2.0 * _FAR)
    found = _surface(scene, p)
    if dice.chance(55):
        other = _surface(scene, p)
        kind = dice.below(3)
        if kind == 2:
            # a smooth union
            apart = scene.op("max", scene.op("sub", scene.literal(0.5), scene.op("abs", scene.op("sub", found, other))),
                             scene.literal(0.0))  # fmt: skip
            apart = scene.let(apart)
            joined = scene.op("min", found, other)
            found = scene.op("sub", joined, scene.product(apart, apart, scene.literal(0.5)))
        else:
            found = scene.op("min", found, other) if kind else scene.op("max", found, scene.op("neg", other))
    return [scene.named(found)]


def _surface(scene: Scene, p: Typed) -> Typed:
    dice, of = scene.dice, scene.vector()
    if dice.chance(40):
        p = scene.let(scene.op("sub", p, scene.made(of, *(scene.factor(-1.0, 1.0) for _ in range(3)))))
    match dice.below(4):
        case 0 | 1:
            return scene.op("sub", scene.op("length", p), scene.gain(0.25, 1.5))
        case 2:
            size = scene.made(of, *(scene.factor(0.25, 1.0) for _ in range(3)))
            out = scene.op("sub", scene.op("abs", p), size)
            out = scene.let(scene.op("max", out, Typed(Construct(of, ()), Interval(0.0, 0.0))))
            return scene.op("sub", scene.op("length", out), scene.factor(0.0625, 0.25))
        case _ if dice.chance(50):
            ring = scene.op("sub", scene.op("length", scene.made(scene.vector(2), scene.part(p, 0), scene.part(p, 2))),
                            scene.factor(0.5, 1.0))  # fmt: skip
            flat = scene.let(scene.made(scene.vector(2), ring, scene.part(p, 1)))
            return scene.op("sub", scene.op("length", flat), scene.factor(0.125, 0.5))
    return scene.op("add", scene.part(p, 1), scene.gain(0.25, 1.0))


def sampled_normal(scene: Scene) -> list[Typed]:
    """The normal of a surface that a function tells the distance to: differences along the axes, and how it is lit."""
    dice, of = scene.dice, scene.vector()
    distance = in_scene(scene, _field)
    p = scene.let(scene.read(of))
    step = dice.one_of((0.0625, 0.125))
    central = dice.chance(65)
    here = None if central else scene.let(distance(p))
    slopes = []
    for axis in range(3):
        beside = scene.made(of, *(scene.literal(step if n == axis else 0.0) for n in range(3)))
        ahead = distance(scene.op("add", p, beside))
        back = here if here is not None else distance(scene.op("sub", p, beside))
        slopes.append(scene.let(scene.op("sub", ahead, back)))
    normal = scene.let(scene.op("normalize", scene.made(of, *slopes)))
    if dice.chance(35):
        return [normal]
    light = scene.direction()
    lit = scene.op("max", scene.op("dot", normal, light), scene.literal(0.0))
    return [scene.op("add", scene.op("mul", lit, scene.gain(0.25, 1.0)), scene.factor(0.0625, 0.25))]


def traced(scene: Scene) -> list[Typed]:
    """A ray that goes on, while it is not too far, by the distance that a function tells: where it hits, after how
    many steps."""
    dice, of = scene.dice, scene.vector()
    distance = in_scene(scene, _field)
    start = scene.let(scene.read(of))
    way = scene.let(scene.op("normalize", scene.read(of, 1.0)))
    steps = dice.between(6, 12)
    t = scene.claim(scene.let(scene.literal(0.0), mutable=True), Interval(0.0, _FAR + 2.0))
    count = scene.claim(scene.let(Typed(whole(0), Interval(0, 0)), mutable=True), Interval(0, steps))
    tests = (
        Compare(BOOL, ("<",), (t.node, scene.literal(_FAR).node)),
        Compare(BOOL, ("<",), (count.node, whole(steps))),
    )
    leaves = dice.chance(75)

    def go_on(inner: Scene) -> None:
        d = inner.let(distance(inner.op("add", start, inner.op("mul", way, t))))
        if leaves:
            inner.body.append(If(Compare(BOOL, ("<",), (d.node, inner.literal(_NEAR).node)), (Break(),)))
        further = inner.op("clamp", d, inner.literal(0.0 if leaves else _NEAR), inner.literal(2.0))
        assert isinstance(t.node, Name)
        assert isinstance(count.node, Name)
        inner.body.append(AugmentedAssign(t.node, "add", further.node))
        inner.body.append(AugmentedAssign(count.node, "add", whole(1)))

    scene.repeat_while(Logical(BOOL, "and", tests if dice.chance(60) else tests[::-1]), steps, [t, count], go_on)
    scene.known(t).live = True
    if dice.chance(40):
        hit = Conditional(scene.main, Compare(BOOL, ("<",), (t.node, scene.literal(_FAR).node)), t.node,
                          scene.literal(-1.0).node)  # fmt: skip
        return [scene.now(count), Typed(hit, Interval(-1.0, _FAR + 2.0), True)]
    place = scene.op("add", start, scene.op("mul", way, scene.now(t)))
    return [scene.now(count), place] if dice.chance(50) else [scene.now(count), scene.now(t)]


# ---------------------------------------------------------------- equations that are stepped and solved


def _rate(scene: Scene) -> list[Typed]:
    """How fast a quantity changes: growth, decay, a pendulum, prey and hunters, an oscillator."""
    dice = scene.dice
    match dice.below(4):
        case 0:
            x = scene.read(scene.main, 8.0)
            free = scene.op("sub", scene.literal(1.0), scene.op("div", x, scene.gain(1.0, 2.0)))
            return [scene.product(scene.gain(0.25, 1.0), x, free)]
        case 1:
            x = scene.read(scene.main, 8.0)
            return [scene.op("sub", scene.op("sin", x), scene.op("mul", scene.gain(0.25, 1.0), x))]
        case 2:
            state = scene.read(scene.vector(2), 8.0)
            prey, hunters = scene.part(state, 0), scene.part(state, 1)
            met = scene.let(scene.op("mul", prey, hunters))
            return [
                scene.made(
                    scene.vector(2),
                    scene.op("sub", scene.op("mul", scene.gain(0.25, 1.0), prey), met),
                    scene.op("sub", scene.op("mul", scene.gain(0.25, 1.0), met), hunters),
                )
            ]
    state = scene.read(scene.vector(2), 8.0)
    place, speed = scene.part(state, 0), scene.part(state, 1)
    drag = scene.op("mul", scene.gain(0.125, 0.5), speed)
    pull = scene.op("sin", place) if dice.chance(50) else scene.op("mul", place, scene.gain(0.5, 1.5))
    return [scene.made(scene.vector(2), speed, scene.op("sub", scene.op("neg", pull), drag))]


def stepped(scene: Scene) -> list[Typed]:
    """A step of Runge and Kutta, of Heun or by the midpoint, with a function that tells the rate of change; or a few
    steps of Euler in a loop."""
    dice = scene.dice
    rate = in_scene(scene, _rate)
    of = rate.takes
    h = scene.let(scene.gain(0.0625, 0.5))
    half = scene.literal(0.5)
    if dice.chance(25):
        x, count = scene.let(scene.read(of), mutable=True), dice.between(2, 4)
        x = scene.claim(x, symmetric(16.0))

        def euler(inner: Scene, index: Name) -> None:
            moved = inner.op("add", x, inner.op("mul", rate(x), h))
            inner.set(x, inner.sketch.fit(moved, symmetric(16.0)))

        scene.repeat(count, [x], euler)
        return [scene.now(x)]
    x = scene.let(scene.read(of))

    def ahead(slope: Typed, share: Typed) -> Typed:
        return scene.op("add", x, scene.op("mul", slope, share))

    first = scene.let(rate(x))
    match dice.below(4):
        case 0:
            return [ahead(rate(ahead(first, scene.op("mul", half, h))), h)]
        case 1:
            other = scene.let(rate(ahead(first, h)))
            return [ahead(scene.op("add", first, other), scene.op("mul", half, h))]
    middle = scene.let(scene.op("mul", half, h))
    second = scene.let(rate(ahead(first, middle)))
    third = scene.let(rate(ahead(second, middle)))
    last = scene.let(rate(ahead(third, h)))
    two = scene.literal(2.0)
    total = scene.total(first, scene.op("mul", second, two), scene.op("mul", third, two), last)
    return [ahead(total, scene.op("div", h, scene.literal(6.0)))]


def solved(scene: Scene) -> list[Typed]:
    """Kepler's equation, or a root, by Newton's steps in a loop that ends when they are small."""
    dice = scene.dice
    mean = scene.let(scene.at(scene.array(scene.main, symmetric(2.0))))
    bent = scene.let(scene.sketch.fit(scene.gain(0.125, 0.5), Interval(0.125, 0.5)))
    steps = dice.between(4, 8)
    x = scene.claim(scene.let(mean, mutable=True), symmetric(4.0))
    # larger than any step is said to be small
    change = scene.claim(scene.let(scene.literal(1.0), mutable=True), symmetric(16.0))
    count = scene.claim(scene.let(Typed(whole(0), Interval(0, 0)), mutable=True), Interval(0, steps))
    tests = (
        Compare(BOOL, (">",), (scene.op("abs", change).node, scene.literal(_NEAR).node)),
        Compare(BOOL, ("<",), (count.node, whole(steps))),
    )

    def newton(inner: Scene) -> None:
        wrong = inner.op("sub", inner.op("sub", x, inner.op("mul", bent, inner.op("sin", x))), mean)
        slope = inner.op("sub", inner.literal(1.0), inner.op("mul", bent, inner.op("cos", x)))
        slope = slope._replace(interval=Interval(0.5, 1.5))
        inner.set(change, inner.op("div", inner.named(wrong), slope)._replace(interval=symmetric(16.0)))
        inner.set(x, inner.sketch.clamp(inner.op("sub", x, change), symmetric(4.0)))
        assert isinstance(count.node, Name)
        inner.body.append(AugmentedAssign(count.node, "add", whole(1)))

    scene.repeat_while(Logical(BOOL, "and", tests), steps, [x, change, count], newton)
    angle = scene.now(x)
    if dice.chance(50):
        far = scene.op("sub", scene.literal(1.0), scene.op("mul", bent, scene.op("cos", angle)))
        return [scene.op("mul", far, scene.gain(0.5, 2.0)), angle] if dice.chance(40) else [angle, far]
    return [angle, scene.now(count)] if dice.chance(50) else [angle]


def escaped(scene: Scene) -> list[Typed]:
    """How many times a complex number may be squared before it runs away, as of Mandelbrot and Julia."""
    dice, steps = scene.dice, scene.dice.between(6, 16)
    of = scene.vector(2)
    c = scene.let(scene.at(scene.array(of, symmetric(1.5))))
    z = scene.claim(scene.let(c if dice.chance(50) else scene.op("mul", c, scene.literal(0.5)), mutable=True),
                    symmetric(8.0))  # fmt: skip
    count = scene.claim(scene.let(Typed(whole(0), Interval(0, 0)), mutable=True), Interval(0, steps))
    small = Compare(BOOL, ("<",), (scene.op("dot", z, z).node, scene.literal(4.0).node))
    tests = (Compare(BOOL, ("<",), (count.node, whole(steps))), small)

    def square(inner: Scene) -> None:
        a, b = inner.part(z, 0), inner.part(z, 1)
        real = inner.op("sub", inner.op("mul", a, a), inner.op("mul", b, b))
        imaginary = inner.product(inner.literal(2.0), a, b)
        squared = inner.op("add", inner.made(of, real, imaginary), c)
        inner.set(z, squared._replace(interval=symmetric(8.0)))
        assert isinstance(count.node, Name)
        inner.body.append(AugmentedAssign(count.node, "add", whole(1)))

    scene.repeat_while(Logical(BOOL, "and", tests), steps, [z, count], square)
    if dice.chance(40):
        return [scene.now(count), scene.op("dot", scene.now(z), scene.now(z))]
    scaled = scene.op("div", scene.sketch.convert(scene.now(count), scene.main), scene.literal(float(steps)))
    return [scaled] if dice.chance(50) else [scene.now(count)]


MECHANICS: Final[tuple[tuple[int, Drawn], ...]] = (
    (5, elastic), (4, splined), (3, kept_apart), (4, rigid), (2, linked), (4, sampled_normal), (6, traced),
    (4, stepped), (4, solved), (2, escaped),
)  # fmt: skip
