"""Functions over structs as people write them: what meets what, what one measures of a particle, and one step of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from strategies import structs
from strategies.functions import FunctionSketch
from strategies.intervals import TRUTH, Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Call,
    Compare,
    Conditional,
    Construct,
    Expression,
    Function,
    If,
    Literal,
    Logical,
    Name,
    Parameter,
    Return,
)
from strategies.language.structs import zero
from strategies.language.types import BOOL, Struct, Type
from strategies.repertoire.helpers import HelperScene
from strategies.repertoire.records import (
    COMMON,
    MOTIONS,
    Held,
    Record,
    held,
    listed,
    loaded,
    particle,
    passed,
    read,
    record,
    takes_part,
)
from strategies.repertoire.scenes import Drawn, Scene
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed

#: Of 100 records of a hit, how many say whether there was one.
HITS: Final = 55


def taken(own: FunctionSketch, kind: Record) -> Held:
    """A parameter of a function that is a struct."""
    name = own.fresh()
    own.structs[name] = kind.of
    own.parameters.append(Parameter(name, kind.of, 0, 0))
    for role, field in kind.names.items():
        live = types.element_scalar(kind.type(role)).is_float
        own.scope.add(Variable(f"{name}.{field}", kind.type(role), kind.bounds[role], live=live))
    visible = {v.name: v for v in own.scope}
    return Held(name, {role: read(visible[f"{name}.{field}"]) for role, field in kind.names.items()})


def function_of(sketch: Sketch) -> HelperScene:
    """The scene of a new function over structs, which calls no others."""
    own = FunctionSketch(sketch)
    own.calls = 0
    own.most_parameters = 8
    own.scope.taken |= {f.name for f in sketch.struct_functions}
    return HelperScene(own)


def called(scene: Scene, inner: HelperScene, of: Type, given: Mapping[str, str]) -> Call:
    """A call of the function that `inner` drew, which `given` is passed to by parameter; the rest are values."""
    own, sketch = inner.sketch, scene.sketch
    statements = tuple(structs.spelled(statement, own.structs) for statement in inner.body)
    sketch.struct_functions.append(Function(own.name, of, tuple(own.parameters), statements))
    arguments: list[Expression] = []
    for parameter in own.parameters:
        if parameter.name in given:
            arguments.append(Name(parameter.type, given[parameter.name]))
            continue
        arguments.append(sketch.argument(parameter, 1).node)
    return Call(of, own.name, tuple(arguments))


def hit(scene: Scene) -> list[Typed]:
    """A ray against a ball, by a function that gives a record of the hit."""
    dice, of, main = scene.dice, scene.vector(scene.rows), scene.main
    ray = record(scene, {"start": (of, COMMON), "way": (of, symmetric(1.0))})
    ball = record(scene, {"centre": (of, symmetric(1.0)), "radius": (main, Interval(0.5, 2.0))})
    roles = {"far": (main, COMMON), "point": (of, COMMON)}
    if dice.chance(50):
        roles["normal"] = (of, COMMON)
    if dice.chance(HITS):
        roles["hit"] = (BOOL, TRUTH)
    found = record(scene, roles)
    r = loaded(scene, ray, listed(scene, ray))
    b = passed(scene, ball) if dice.chance(65) else loaded(scene, ball, listed(scene, ball))
    inner = function_of(scene.sketch)
    given = _meets(inner, ray, ball, found)
    known = {field: (interval, found.of.field(field) is not BOOL) for field, interval in given.items()}
    names = [p.name for p in inner.sketch.parameters if isinstance(p.type, Struct)]
    call = called(scene, inner, found.of, {names[0]: r.name, names[1]: b.name})
    scene.body.append(structs.local(scene.sketch, found.of, call, known))
    h = held(scene, found, next(reversed(scene.sketch.structs)))
    if "hit" in roles and dice.chance(65):
        return [_seen(scene, h, r["way"])]
    match dice.below(3):
        case 0:
            return [h["point"], h["far"]]
        case 1 if "normal" in roles:
            return [scene.op("dot", h["normal"], r["way"])]
    scene.body.append(structs.put(scene.sketch, h.name))
    return []


def _seen(scene: Scene, h: Held, way: Typed) -> Typed:
    """How far away the hit is, or how it is lit; something else where there is none."""
    dice = scene.dice
    missed = scene.literal(dice.one_of((0.0, -1.0, 4.0)))
    if "normal" not in h.fields or dice.chance(40):
        row = Conditional(scene.main, h["hit"].node, h["far"].node, missed.node)
        return Typed(row, h["far"].interval.join(missed.interval), True)
    colour = scene.let(missed, mutable=True)
    lit = scene.op("neg", scene.op("dot", h["normal"], way)) if dice.chance(50) else scene.op("dot", h["normal"], way)
    colour = scene.claim(colour, missed.interval.join(lit.interval))
    scene.when(h["hit"].node, lambda inner: inner.set(colour, lit))
    return scene.now(colour)


def _meets(inner: HelperScene, ray: Record, ball: Record, found: Record) -> dict[str, Interval]:
    """The body of the function, and between which values the fields of its result lie."""
    r, b = taken(inner.sketch, ray), taken(inner.sketch, ball)
    to = inner.let(inner.op("sub", r["start"], b["centre"]))
    along = inner.let(inner.op("dot", to, r["way"]))
    c = inner.op("sub", inner.op("dot", to, to), inner.op("mul", b["radius"], b["radius"]))
    inside = inner.let(inner.op("sub", inner.op("mul", along, along), c))
    of = found.of
    name = inner.sketch.fresh()
    inner.sketch.structs[name] = of
    inner.body.append(Assign(Name(of, name), Construct(of, ())))
    known: dict[str, Interval] = {}

    def put(target: Scene, role: str, value: Typed) -> Typed:
        field = f"{name}.{found.names[role]}"
        value = inner.sketch.fit_local(value)
        known[found.names[role]] = value.interval.join(Interval(0.0, 0.0))
        target.body.append(Assign(Name(value.type, field), value.node))
        return Typed(Name(value.type, field), value.interval, True)

    def arm(deep: Scene) -> None:
        far = deep.op("sub", deep.op("neg", along), deep.op("sqrt", inside))
        if "hit" in found.names:
            field = f"{name}.{found.names['hit']}"
            known[found.names["hit"]] = TRUTH
            deep.body.append(Assign(Name(BOOL, field), Literal(BOOL, True)))
        far = put(deep, "far", far)
        point = put(deep, "point", deep.op("add", r["start"], deep.op("mul", r["way"], far)))
        if "normal" in found.names:
            out = deep.op("sub", point, b["centre"])
            put(deep, "normal", deep.op("div", out, b["radius"]) if deep.dice.chance(50) else deep.op("normalize", out))

    inner.when(Compare(BOOL, (">",), (inside.node, inner.literal(0.0).node)), arm)
    inner.body.append(Return((Name(of, name),)))
    return known


def measured(scene: Scene) -> list[Typed]:
    """What a function tells of a particle, or of two: an energy, a pull, a speed at an angle."""
    dice = scene.dice
    kind = particle(scene)
    pair = dice.chance(45)
    array = listed(scene, kind)
    p = loaded(scene, kind, array)
    inner = function_of(scene.sketch)
    own = inner.sketch
    a = taken(own, kind)
    given = {own.parameters[-1].name: p.name}
    idle = takes_part(a, wanted=False)
    if pair:
        q = loaded(scene, kind, listed(scene, kind, scene.bodies), scene.body_index().node)
        b = taken(own, kind)
        given[own.parameters[-1].name] = q.name
        other = takes_part(b, wanted=False)
        idle = None if idle is None or other is None else Logical(BOOL, "or", (idle, other))
        apart = inner.let(inner.op("sub", b["place"], a["place"]))
        squared = inner.op("add", inner.op("dot", apart, apart), inner.literal(0.5))
        pull = inner.op("div", inner.op("mul", a["mass"], b["mass"]), squared)
        value = inner.op("mul", apart, inner.named(pull)) if dice.chance(50) else pull
    else:
        moving = inner.product(inner.literal(0.5), a["mass"], inner.op("dot", a["speed"], a["speed"]))
        value = moving
        if dice.chance(60):
            lifted = inner.op("mul", a["mass"], inner.op("dot", inner.read(a["place"].type), a["place"]))
            value = inner.op(dice.one_of(("add", "sub")), moving, lifted)
    value = own.fit_local(value)
    if idle is not None:
        value = value._replace(interval=value.interval.join(Interval(0.0, 0.0)))
        inner.body.insert(0, If(idle, (Return((zero(value.type),)),)))
    inner.body.append(Return((value.node,)))
    call = called(scene, inner, value.type, given)
    found = scene.let(Typed(call, value.interval, True))
    return [scene.op("mul", found, scene.gain())] if dice.chance(40) else [found]


def advanced(scene: Scene) -> list[Typed]:
    """A function that gives a particle back after a time step, called once or in a loop's stead for two steps."""
    dice = scene.dice
    kind = particle(scene)
    p = loaded(scene, kind, listed(scene, kind))
    inner = function_of(scene.sketch)
    own = inner.sketch
    a = taken(own, kind)
    given = {own.parameters[-1].name: p.name}
    step = inner.gain(0.0625, 0.25)
    push = inner.op("div", inner.read(a["speed"].type), a["mass"])
    name = own.fresh()
    own.structs[name] = kind.of
    fields = {role: f"{name}.{field}" for role, field in kind.names.items()}
    inner.body.append(Assign(Name(kind.of, name), Name(kind.of, a.name)))
    locals_of = {}
    for role, field in fields.items():
        live = types.element_scalar(kind.type(role)).is_float
        own.scope.add(Variable(field, kind.type(role), kind.bounds[role], mutable=True, live=live))
        locals_of[role] = Typed(Name(kind.type(role), field), kind.bounds[role], live)
    if dice.chance(50):
        push = inner.op("sub", push, inner.op("mul", a["speed"], inner.gain(0.125, 0.5)))
    inner.grow(locals_of["speed"], inner.op("mul", push, step))
    inner.grow(locals_of["place"], inner.op("mul", inner.now(locals_of["speed"]), step))
    known = {kind.names[role]: (inner.known(value).interval, value.live) for role, value in locals_of.items()}
    idle = takes_part(a, wanted=False)
    if idle is not None:
        # in front of everything: what does not take part is given back as it is
        inner.body.insert(0, If(idle, (Return((Name(kind.of, a.name),)),)))
    inner.body.append(Return((Name(kind.of, name),)))
    call = called(scene, inner, kind.of, given)
    scene.body.append(structs.local(scene.sketch, kind.of, call, known))
    q = held(scene, kind, next(reversed(scene.sketch.structs)))
    if dice.chance(65):
        scene.body.append(structs.put(scene.sketch, q.name))
        return []
    return [scene.op("sub", q["place"], p["place"])] if dice.chance(50) else [q["place"], q["speed"]]


RECORDS: Final[tuple[Drawn, ...]] = (*MOTIONS, hit, hit, measured, advanced)
