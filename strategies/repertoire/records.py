"""What people use structs for: particles and bodies that move, rays that hit, springs by index, settings, bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from strategies import structs
from strategies.blocks import whole
from strategies.intervals import TRUTH, Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Compare,
    Component,
    Element,
    Expression,
    If,
    Name,
    Return,
)
from strategies.language.types import BOOL, INT32, Struct, Type
from strategies.names import STRUCTS
from strategies.repertoire.scenes import Drawn, Scene
from strategies.scope import Variable
from strategies.structs import field_names
from strategies.typed import Typed

#: Between which values fields lie, if nothing else is said.
COMMON: Final = symmetric(2.0)
#: Of 100 records that may say whether they take part at all, how many do.
FLAGGED: Final = 40


class Record(NamedTuple):
    """A struct whose fields have roles: by role, their names and between which values they lie."""

    of: Struct
    names: Mapping[str, str]
    bounds: Mapping[str, Interval]

    def type(self, role: str) -> Type:
        """The type of a field."""
        return self.of.field(self.names[role])

    @property
    def known(self) -> dict[str, Interval]:
        """Between which values each field lies, by its name."""
        return {self.names[role]: interval for role, interval in self.bounds.items()}


@dataclass(frozen=True)
class Held:
    """A variable that is a struct, or an array of such with an index; its fields by role."""

    name: str
    fields: Mapping[str, Typed]

    def __getitem__(self, role: str) -> Typed:
        return self.fields[role]


def record(scene: Scene, roles: Mapping[str, tuple[Type, Interval]]) -> Record:
    """A new struct with fields for `roles`, in an order of its own, and at times one more."""
    sketch, dice = scene.sketch, scene.dice
    order = dice.some_of(sorted(roles), len(roles))
    names = dict(zip(order, field_names(sketch, len(order)), strict=True))
    called = dice.one_of([name for name in STRUCTS if name not in sketch.scope.taken])
    sketch.scope.taken.add(called)
    of = types.struct(called, [(names[role], roles[role][0]) for role in order])
    return Record(of, names, {role: roles[role][1] for role in order})


def passed(scene: Scene, kind: Record) -> Held:
    """A new parameter of the kernel that is a struct."""
    name = structs.struct_parameter(scene.sketch, kind.of, kind.known)
    return held(scene, kind, name)


def held(scene: Scene, kind: Record, name: str) -> Held:
    """The fields of a variable that is a struct, or of a parameter."""
    visible = {v.name: v for v in scene.sketch.scope}
    variables = {role: visible[f"{name}.{field}"] for role, field in kind.names.items()}
    for variable in variables.values():
        variable.used = True
    return Held(name, {role: read(variable) for role, variable in variables.items()})


def read(variable: Variable) -> Typed:
    """What a variable holds."""
    return Typed(Name(variable.type, variable.name), variable.interval, variable.live)


def listed(scene: Scene, kind: Record, count: int | None = None) -> str:
    """A new array of structs: one for each thread, or `count`."""
    shape = None if count is None else (count,)
    return structs.array_of_structs(scene.sketch, kind.of, bounds=kind.known, shape=shape)


def element(scene: Scene, kind: Record, array: str, *indices: Expression) -> Held:
    """The fields of an element of an array, read where they are needed."""
    at = indices or scene.sketch.own_indices()
    fields = {}
    for role, field in kind.names.items():
        of = kind.type(role)
        live = types.element_scalar(of).is_float
        fields[role] = Typed(Element(of, f"{array}.{field}", at), kind.bounds[role], live)
    return Held(array, fields)


def loaded(scene: Scene, kind: Record, array: str, *indices: Expression) -> Held:
    """``p = particles[i]``."""
    at = indices or scene.sketch.own_indices()
    known = {
        field: (kind.bounds[role], types.element_scalar(kind.type(role)).is_float) for role, field in kind.names.items()
    }
    scene.body.append(structs.local(scene.sketch, kind.of, Element(kind.of, array, at), known))
    return held(scene, kind, next(reversed(scene.sketch.structs)))


def one(scene: Scene, kind: Record) -> Held:
    """The thread's own struct: loaded into a local, or read field by field."""
    array = listed(scene, kind)
    return loaded(scene, kind, array) if scene.dice.chance(70) else element(scene, kind, array)


def flags(scene: Scene) -> dict[str, tuple[Type, Interval]]:
    """The role of a truth value at times: that the record takes part (``on``), or that it does not (``off``)."""
    return {scene.dice.one_of(("on", "off")): (BOOL, TRUTH)} if scene.dice.chance(FLAGGED) else {}


def takes_part(of: Held, wanted: bool = True) -> Expression | None:
    """Whether a record takes part, or with `wanted` false whether it does not; None where no field says so."""
    for role in ("on", "off"):
        if role in of.fields:
            node = of[role].node
            return node if (role == "on") == wanted else Apply(BOOL, "unot", (node,))
    return None


def leave(scene: Scene, of: Held) -> None:
    """``if p.fixed: return``, where a field says so."""
    test = takes_part(of, wanted=False)
    if test is not None:
        scene.body.append(If(test, (Return(),)))


def now(scene: Scene, of: Held, role: str) -> Typed:
    """A field of a local with what is known of it by now."""
    return scene.now(of[role])


# ---------------------------------------------------------------- what moves


def particle(scene: Scene, *more: str) -> Record:
    """A place, a speed and a mass, with `more` positive numbers, and at times whether it takes part."""
    of = scene.vector(scene.rows)
    roles = {"place": (of, COMMON), "speed": (of, COMMON), "mass": (scene.main, Interval(0.5, 3.0))}
    return record(scene, {**roles, **{name: (scene.main, Interval(0.25, 2.0)) for name in more}, **flags(scene)})


def settings(scene: Scene) -> tuple[Typed, Typed, Typed]:
    """What a step needs: a pull, a time and a drag; fields of a struct that is passed, or on their own."""
    of = scene.vector(scene.rows)
    if scene.dice.chance(80):
        kind = record(
            scene,
            {
                "pull": (of, COMMON),
                "step": (scene.main, Interval(0.0625, 0.25)),
                "drag": (scene.main, Interval(0.125, 0.5)),
            },
        )
        given = passed(scene, kind)
        return given["pull"], given["step"], given["drag"]
    return scene.read(of), scene.gain(0.0625, 0.25), scene.gain(0.125, 0.5)


def moved(scene: Scene) -> list[Typed]:
    """A particle after a time step, stored whole, or its fields."""
    dice, of = scene.dice, scene.vector(scene.rows)
    kind = particle(scene, *dice.some_of(("size", "stiff"), dice.below(2)))
    p = loaded(scene, kind, listed(scene, kind))
    pull, step, drag = settings(scene)
    push = scene.op("div", scene.read(of), p["mass"])
    change = scene.op("add", pull, push) if dice.chance(60) else push
    if dice.chance(50):
        change = scene.op("sub", change, scene.op("mul", now(scene, p, "speed"), drag))

    def advance(inner: Scene) -> None:
        inner.grow(p["speed"], inner.op("mul", inner.named(change), step))
        inner.grow(p["place"], inner.op("mul", now(inner, p, "speed"), step))

    test = takes_part(p)
    if test is None:
        advance(scene)
    else:
        scene.when(test, advance)
    if dice.chance(40):
        _grounded(scene, p)
    if dice.chance(65):
        if test is not None and dice.chance(60):
            _put_to_rest(scene, p)
        scene.body.append(structs.put(scene.sketch, p.name))
        return []
    speed = now(scene, p, "speed")
    energy = scene.product(scene.literal(0.5), p["mass"], scene.op("dot", speed, speed))
    return [now(scene, p, "place"), energy if dice.chance(50) else speed]


def _put_to_rest(scene: Scene, p: Held) -> None:
    """A particle takes part no longer where it is slow, or far away."""
    role = "on" if "on" in p.fields else "off"
    slow = scene.dice.chance(60)
    of = now(scene, p, "speed" if slow else "place")
    size, bound = scene.op("dot", of, of), scene.literal(0.25 if slow else 8.0)
    target = p[role].node
    assert isinstance(target, Name)
    scene.body.append(Assign(target, scene.test(size, ">" if slow == (role == "on") else "<", bound)))


def _grounded(scene: Scene, p: Held) -> None:
    """A particle below the ground is put back on it, its speed turned and slowed."""
    axis = scene.dice.below(min(2, scene.rows))
    place, speed = now(scene, p, "place"), now(scene, p, "speed")
    height = Typed(Component(scene.main, place.node, whole(axis)), place.interval, place.live)
    back = scene.gain(0.25, 0.75)

    def arm(inner: Scene) -> None:
        inner.set(p["speed"], inner.op("mul", speed, inner.op("neg", back)))
        inner.set(p["place"], inner.op("mul", place, inner.literal(0.5)))

    scene.when(Compare(BOOL, ("<",), (height.node, scene.literal(0.0).node)), arm)
    scene.claim(p["speed"], symmetric(speed.interval.size))
    scene.claim(p["place"], symmetric(place.interval.size))


def neighbours(scene: Scene) -> list[Typed]:
    """A sum over the other particles of a list, by their distance: a force, a density, or a mean speed."""
    dice, of = scene.dice, scene.vector(scene.rows)
    count = dice.between(3, 5)
    kind = particle(scene)
    array = listed(scene, kind, count)
    own = scene.own(of)
    soft = scene.literal(dice.one_of((0.25, 0.5, 1.0)))
    total = scene.zero(of if dice.chance(65) else scene.main)
    whole_record = dice.chance(50)

    def body(inner: Scene, index: Name) -> None:
        other = loaded(inner, kind, array, index) if whole_record else element(inner, kind, array, index)
        test = takes_part(other)
        if test is None:
            add(inner, other)
        else:
            inner.when(test, lambda within: add(within, other))

    def add(inner: Scene, other: Held) -> None:
        apart = inner.let(inner.op("sub", other["place"], own))
        squared = inner.op("add", inner.op("dot", apart, apart), soft)
        weight = inner.op("div", other["mass"], squared)
        if dice.chance(40):
            weight = inner.op("mul", other["mass"], inner.op("exp", inner.op("neg", squared)))
        if total.type is inner.main:
            inner.grow(total, weight, count)
            return
        term = inner.op("mul", other["speed"] if dice.chance(30) else apart, inner.named(weight))
        inner.grow(total, term, count)

    scene.repeat(count, [total], body)
    return [scene.now(total)]


def body(scene: Scene) -> list[Typed]:
    """A rigid body after a time step: its place, its rotation, and both speeds."""
    dice, of = scene.dice, scene.vector()
    turning = scene.matrix() if dice.chance(50) else of
    kind = record(
        scene,
        {
            "place": (of, COMMON),
            "turn": (scene.quaternion, symmetric(1.0)),
            "speed": (of, COMMON),
            "spin": (of, symmetric(1.0)),
            "mass": (scene.main, Interval(0.5, 3.0)),
            "inertia": (turning, symmetric(1.0)),
        },
    )
    b = loaded(scene, kind, listed(scene, kind))
    step = scene.gain(0.0625, 0.25)
    scene.grow(b["speed"], scene.op("mul", scene.op("div", scene.read(of), b["mass"]), step))
    name = "mul" if turning is not of else "cw_mul"
    scene.grow(b["spin"], scene.op("mul", scene.op(name, b["inertia"], scene.read(of)), step))
    scene.grow(b["place"], scene.op("mul", now(scene, b, "speed"), step))
    turned = scene.spun(b["turn"], now(scene, b, "spin"), step)
    scene.set(b["turn"], turned)
    scene.claim(b["turn"], symmetric(1.0))
    if dice.chance(65):
        scene.body.append(structs.put(scene.sketch, b.name))
        return []
    scene.units.add(f"{b.name}.{kind.names['turn']}")
    point = scene.op("quat_rotate", now(scene, b, "turn"), scene.read(of))
    return [scene.op("add", now(scene, b, "place"), point)]


def springs(scene: Scene) -> list[Typed]:
    """Springs that name their two ends, and the forces on those."""
    dice, of, count = scene.dice, scene.vector(scene.rows), scene.dice.between(4, 7)
    ends = (INT32, Interval(0, count - 1))
    kind = record(
        scene,
        {
            "first": ends,
            "second": ends,
            "rest": (scene.main, Interval(0.25, 1.5)),
            "stiff": (scene.main, Interval(0.5, 2.0)),
            **flags(scene),
        },
    )
    s = one(scene, kind)
    leave(scene, s)
    places = scene.array(of, COMMON, (count,))
    apart = scene.let(scene.op("sub", scene.at(places, s["second"].node), scene.at(places, s["first"].node)))
    length = scene.let(scene.op("length", apart))
    pull = scene.op("mul", s["stiff"], scene.op("sub", length, s["rest"]))
    if dice.chance(25):
        return [scene.product(scene.literal(0.5), scene.let(pull), scene.op("sub", length, s["rest"]))]
    force = scene.let(scene.op("mul", apart, scene.op("div", pull, length)))
    total = scene.sketch.output(of, shape=(count,))
    scene.body += scene.sketch.scatter("atomic_add", total, (s["first"].node,), force)
    if dice.chance(75):
        scene.body += scene.sketch.scatter("atomic_sub", total, (s["second"].node,), force)
    return []


# ---------------------------------------------------------------- what is looked at


def bounds(scene: Scene) -> list[Typed]:
    """A point against a box: held inside, its distance, or where in the box it is."""
    dice, of = scene.dice, scene.vector(scene.rows)
    kind = record(scene, {"low": (of, Interval(-3.0, -0.5)), "high": (of, Interval(0.5, 3.0))})
    box = passed(scene, kind) if dice.chance(60) else one(scene, kind)
    point = scene.let(scene.read(of))
    match dice.below(4):
        case 0:
            return [scene.op("max", scene.op("min", point, box["high"]), box["low"])]
        case 1:
            size = scene.op("sub", box["high"], box["low"])
            return [scene.op("cw_div", scene.op("sub", point, box["low"]), scene.named(size))]
        case 2:
            nearest = scene.let(scene.op("max", scene.op("min", point, box["high"]), box["low"]))
            return [scene.op("length", scene.op("sub", point, nearest))]
    middle = scene.op("mul", scene.op("add", box["low"], box["high"]), scene.literal(0.5))
    return [scene.op("dot", scene.op("sub", point, middle), scene.op("sub", box["high"], box["low"]))]


def surface(scene: Scene) -> list[Typed]:
    """The colour of a surface under a light, both of them structs."""
    dice, of = scene.dice, scene.vector()
    material = record(
        scene,
        {
            "colour": (of, Interval(0.0, 1.0)),
            "rough": (scene.main, Interval(0.25, 1.0)),
            "shine": (scene.main, Interval(0.25, 1.0)),
        },
    )
    light = record(scene, {"way": (of, COMMON), "colour": (of, Interval(0.0, 2.0))})
    m, lamp = one(scene, material), passed(scene, light) if dice.chance(60) else one(scene, light)
    normal, way = scene.let(scene.op("normalize", scene.read(of))), scene.let(scene.op("normalize", lamp["way"]))
    shade = scene.op("max", scene.op("dot", normal, way), scene.literal(0.0))
    if dice.chance(50):
        shade = scene.op("mul", shade, scene.op("sub", scene.literal(1.0), m["rough"]))
    colour = scene.op("mul", scene.op("cw_mul", m["colour"], lamp["colour"]), scene.named(shade))
    if dice.chance(50):
        half = scene.op("normalize", scene.op("add", way, scene.read(of)))
        bright = scene.let(scene.op("max", scene.op("dot", normal, half), scene.literal(0.0)))
        glint = scene.op("mul", scene.op("mul", bright, bright), m["shine"])
        colour = scene.op("add", colour, scene.op("mul", lamp["colour"], glint))
    return [colour]


def joint(scene: Scene) -> list[Typed]:
    """A joint with its frame and axis: where it takes a point, or the torque of its limits."""
    dice, of = scene.dice, scene.vector()
    kind = record(
        scene,
        {
            "frame": (types.transform(scene.main), symmetric(1.0)),
            "axis": (of, symmetric(1.0)),
            "low": (scene.main, Interval(-1.5, -0.25)),
            "high": (scene.main, Interval(0.25, 1.5)),
        },
    )
    j = one(scene, kind)
    angle = scene.op("max", scene.op("min", scene.read(scene.main), j["high"]), j["low"])
    turn = scene.let(scene.about(scene.let(scene.op("normalize", j["axis"])), scene.named(angle)))
    frame = scene.frame(j["frame"])
    if dice.chance(60):
        return [scene.op("transform_point", frame, scene.op("quat_rotate", turn, scene.read(of)))]
    local = scene.made(types.transform(scene.main), scene.read(of), turn)
    return [scene.op("mul", frame, local)]


def curve(scene: Scene) -> list[Typed]:
    """Settings of a formula in a struct that is passed: a gain, a shift, bounds, and whether those hold."""
    dice, main = scene.dice, scene.main
    kind = record(
        scene,
        {
            "gain": (main, Interval(0.25, 2.0)),
            "shift": (main, symmetric(1.0)),
            "low": (main, Interval(-2.0, -0.5)),
            "high": (main, Interval(0.5, 2.0)),
            **flags(scene),
        },
    )
    p = passed(scene, kind)
    x = scene.read(main)
    found = scene.op("add", scene.op("mul", p["gain"], x), p["shift"])
    test = takes_part(p)
    if test is not None:
        value = scene.let(found, mutable=True)
        bounded = scene.op("clamp", value, p["low"], p["high"])
        scene.when(test, lambda inner: inner.set(value, bounded))
        found = scene.now(value)
    elif dice.chance(40):
        found = scene.op(dice.one_of(("sin", "tanh", "cos")), found)
        found = scene.op("mul", scene.op("sub", p["high"], p["low"]), found)
    elif dice.chance(60):
        found = scene.op("clamp", found, p["low"], p["high"])
    if dice.chance(50):
        found = scene.op("mul", found, scene.read(scene.vector(scene.rows)))
        found = found if dice.chance(60) else scene.op("add", found, scene.read(scene.vector(scene.rows)))
    return [found]


MOTIONS: Final[tuple[Drawn, ...]] = (
    moved, moved, neighbours, neighbours, body, springs, bounds, surface, joint, curve,
)  # fmt: skip
