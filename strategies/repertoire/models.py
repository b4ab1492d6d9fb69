"""Structs of arrays, as simulations keep them: a state and the one after it, forces and cells that are summed up in
one, a layer of a network.  The kernel writes some of the arrays, and reads the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from strategies import structs
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Atomic, Call, Evaluate, Expression, Function, Name, Parameter
from strategies.language.types import INT32, VOID, Array, Composite, Scalar, Type
from strategies.repertoire.record_functions import function_of
from strategies.repertoire.records import COMMON, Record, read, record
from strategies.repertoire.scenes import Drawn, Scene
from strategies.typed import Typed

#: Of 100 steps, how many write to another struct of the same type, and not to arrays of their own in the one.
APART: Final = 60
#: Of 100 kernels that add up forces, how many do so by a function that is passed the struct.
CALLED: Final = 40


@dataclass(frozen=True)
class Model:
    """A parameter that is a struct with arrays; its numbers and its arrays by role."""

    kind: Record
    name: str
    numbers: Mapping[str, Typed]
    arrays: Mapping[str, Parameter]


def model(
    scene: Scene, kind: Record, written: Collection[str] = (), shapes: Mapping[str, tuple[int, ...]] | None = None
) -> Model:
    """A new parameter of the kernel, which writes the arrays `written`; `shapes` are of those that have no element for
    each thread."""
    sketch, names = scene.sketch, kind.names
    lengths = {names[role]: shape for role, shape in (shapes or {}).items()}
    name = structs.struct_parameter(sketch, kind.of, kind.known, {names[role] for role in written}, lengths)
    held = {p.name: p for p in sketch.parameters}
    visible = {v.name: v for v in sketch.scope}
    arrays = {role: held[f"{name}.{field}"] for role, field in names.items() if isinstance(kind.type(role), Array)}
    numbers = {role: read(visible[f"{name}.{field}"]) for role, field in names.items() if role not in arrays}
    return Model(kind, name, numbers, arrays)


def own(scene: Scene, of: Scalar | Composite) -> Array:
    """The type of an array with an element for each thread."""
    return types.array(of, len(scene.sketch.launch))


def keep(scene: Scene, array: Parameter, value: Typed) -> None:
    """``state.x[i] = value``."""
    scene.body.append(scene.sketch.store(array, scene.sketch.fit_local(value)))


def stepped(scene: Scene) -> list[Typed]:
    """A step in time: speeds and places out of one struct, the new ones into another, or into arrays beside them."""
    dice, of = scene.dice, scene.vector(scene.rows)
    moving: dict[str, tuple[Type, Interval]] = {"place": (own(scene, of), COMMON), "speed": (own(scene, of), COMMON)}
    settings: dict[str, tuple[Type, Interval]] = {
        "step": (scene.main, Interval(0.0625, 0.25)),
        "pull": (of, COMMON),
        "weight": (own(scene, scene.main), Interval(0.25, 2.0)),
    }
    if dice.chance(40):
        settings["drag"] = (scene.main, Interval(0.125, 0.5))
    if dice.chance(APART):
        kind, world = record(scene, moving), model(scene, record(scene, settings))
        before, after = model(scene, kind), model(scene, kind, ("place", "speed")).arrays
        numbers = {**world.numbers}
        weights = world.arrays["weight"]
    else:
        new: dict[str, tuple[Type, Interval]] = {"next place": moving["place"], "next speed": moving["speed"]}
        whole = record(scene, {**moving, **new, **settings})
        before = model(scene, whole, tuple(new))
        after = {role: before.arrays[f"next {role}"] for role in moving}
        numbers, weights = {**before.numbers}, before.arrays["weight"]
    place, speed = (scene.named(scene.at(before.arrays[role])) for role in ("place", "speed"))
    change = scene.op("mul", scene.read(of), scene.at(weights))
    change = scene.op("add", numbers["pull"], change) if dice.chance(75) else scene.op("sub", change, numbers["pull"])
    if "drag" in numbers:
        change = scene.op("sub", change, scene.op("mul", speed, numbers["drag"]))
    faster = scene.let(scene.op("add", speed, scene.op("mul", scene.named(change), numbers["step"])))
    keep(scene, after["speed"], faster)
    keep(scene, after["place"], scene.op("add", place, scene.op("mul", faster, numbers["step"])))
    return []


def sprung(scene: Scene) -> list[Typed]:
    """Springs in arrays of a struct, whose forces are summed up in a state of several bodies; at times their energy."""
    dice, of, count = scene.dice, scene.vector(scene.rows), scene.dice.between(4, 7)
    ends = (own(scene, INT32), Interval(0, count - 1))
    stiff = scene.main if dice.chance(50) else own(scene, scene.main)
    springs = model(
        scene,
        record(
            scene,
            {
                "first": ends,
                "second": ends,
                "rest": (own(scene, scene.main), Interval(0.25, 1.5)),
                "stiff": (stiff, Interval(0.5, 2.0)),
            },
        ),
    )
    roles: dict[str, tuple[Type, Interval]] = {
        "place": (types.array(of), COMMON),
        "force": (types.array(of), COMMON),
    }
    if dice.chance(35):
        roles["energy"] = (types.array(scene.main), COMMON)
    written = tuple(role for role in roles if role != "place")
    shapes = {"place": (count,), "force": (count,), **({"energy": (1,)} if "energy" in roles else {})}
    state = model(scene, record(scene, roles), written, shapes)
    first, second = (scene.let(scene.at(springs.arrays[role])) for role in ("first", "second"))
    places = state.arrays["place"]
    apart = scene.let(scene.op("sub", scene.at(places, second.node), scene.at(places, first.node)))
    length = scene.let(scene.op("length", apart))
    stretch = scene.let(scene.op("sub", length, scene.at(springs.arrays["rest"])))
    k = springs.numbers["stiff"] if "stiff" in springs.numbers else scene.at(springs.arrays["stiff"])
    pull = scene.op("mul", k, stretch)
    force = scene.let(scene.op("mul", apart, scene.op("div", pull, length)))
    if dice.chance(CALLED):
        _add_by_function(scene, state, force, (first.node, second.node))
    else:
        scene.body += scene.sketch.scatter("atomic_add", state.arrays["force"], (first.node,), force)
        scene.body += scene.sketch.scatter("atomic_sub", state.arrays["force"], (second.node,), force)
    if "energy" in roles:
        energy = scene.product(scene.literal(0.5), k, scene.op("mul", stretch, stretch))
        zero = scene.sketch.group(1)
        scene.body += scene.sketch.scatter("atomic_add", state.arrays["energy"], (zero,), energy)
    return []


def _add_by_function(scene: Scene, state: Model, force: Typed, ends: tuple[Expression, Expression]) -> None:
    """``push(state, i, f)`` and ``push(state, j, -f)``."""
    sketch, array = scene.sketch, state.arrays["force"]
    force = scene.let(sketch.summand(array, force, 2 * sketch.launch[0]))
    inner = function_of(sketch)
    helper = inner.sketch
    name = helper.fresh()
    helper.structs[name] = state.kind.of
    helper.parameters.append(Parameter(name, state.kind.of, 0, 0, output=True))
    at = Name(INT32, helper.place(array.shape[0]).name)
    value = helper.variable(helper.parameter(force.type, force.interval))
    target = f"{name}.{state.kind.names['force']}"
    body = Atomic("atomic_add", target, (at,), helper.summand(array, value, 2 * sketch.launch[0]).node)
    sketch.struct_functions.append(Function(helper.name, VOID, tuple(helper.parameters), (body,)))
    for end, given in zip(ends, (force, scene.op("neg", force)), strict=True):
        passed = Name(state.kind.of, state.name)
        scene.body.append(Evaluate(Call(VOID, helper.name, (passed, end, given.node))))


def binned(scene: Scene) -> list[Typed]:
    """What particles carry, added to the cells of a grid that they lie in: masses, and mass times speed."""
    dice, of, cells = scene.dice, scene.vector(scene.rows), scene.dice.between(3, 6)
    roles: dict[str, tuple[Type, Interval]] = {
        "mass": (types.array(scene.main), COMMON),
        "momentum": (types.array(of), COMMON),
        "scale": (scene.main, Interval(0.25, 1.5)),
    }
    grid = model(scene, record(scene, roles), ("mass", "momentum"), {"mass": (cells,), "momentum": (cells,)})
    cell = scene.link(cells)
    mass = scene.let(scene.op("mul", scene.read(scene.main), grid.numbers["scale"]))
    scene.body += scene.sketch.scatter("atomic_add", grid.arrays["mass"], (cell.node,), mass)
    carried = scene.op("mul", mass, scene.read(of))
    if dice.chance(40):
        carried = scene.op("mul", carried, scene.gain())
    scene.body += scene.sketch.scatter("atomic_add", grid.arrays["momentum"], (cell.node,), scene.let(carried))
    return []


def layer(scene: Scene) -> list[Typed]:
    """A layer of a network: weights, biases and what comes out in one struct."""
    dice, main, sketch = scene.dice, scene.main, scene.sketch
    width = dice.between(2, 4)
    rows = types.array(main, 2)
    roles: dict[str, tuple[Type, Interval]] = {
        "weights": (rows, COMMON),
        "bias": (types.array(main), symmetric(1.0)),
        "out": (own(scene, main), COMMON),
    }
    shape = (sketch.launch[0], width)
    held = model(scene, record(scene, roles), ("out",), {"weights": shape, "bias": shape[:1]})
    row = sketch.own_indices()[0]
    given = scene.array(main, COMMON, (width,))
    total = scene.let(scene.at(held.arrays["bias"], row), mutable=True)

    def body(inner: Scene, index: Name) -> None:
        inner.grow(total, inner.op("mul", inner.at(held.arrays["weights"], row, index), inner.at(given, index)), width)

    scene.repeat(width, [total], body)
    found = scene.now(total)
    match dice.below(3):
        case 0:
            found = scene.op("tanh", found)
        case 1:
            found = scene.op("max", found, scene.literal(0.0))
    if len(sketch.launch) > 1:
        found = scene.op("mul", found, scene.read(main))
    keep(scene, held.arrays["out"], found)
    return []


MODELS: Final[tuple[Drawn, ...]] = (stepped, stepped, sprung, binned, layer)
