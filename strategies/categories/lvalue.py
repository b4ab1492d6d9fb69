"""Targets of assignments: components in loops, parts under a condition or exchanged, rows; every operator in place."""

from collections.abc import Iterator

from strategies.composites import computed, undivided
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Component,
    Element,
    If,
    Name,
    Node,
    Options,
    Part,
    Statement,
    walk,
)
from strategies.language.structs import root
from strategies.language.types import MAX_ARRAY_DIMENSIONS, Scalar
from strategies.repertoire.placements import PLACEMENTS
from strategies.statements import Sketch
from strategies.targets import (
    SUMS,
    Place,
    change,
    composite_type,
    element_place,
    field_places,
    kept,
    local_place,
    part,
    row_places,
    stored,
)
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("assign component", "augment", "update"))

#: Of 100 kernels, how many are one of the computations that people write by parts, and not drawn freely; of 100
#: changes of those, how many are under a condition.
COMPUTED = 60
CONDITIONAL = 18
#: Of 100 kernels that are drawn freely, how many are built without a backward pass: Warp takes ``a[i].x *= e`` in those
#: alone.
FORWARD = 12
#: Of 100 kernels that scale numbers of a local, in how many components may be assigned again, so that the gradient is
#: what Warp promises: each of those is a module of its own, and a build.
OVERWRITES = 35

WEIGHTS = Statements(define=4, reassign=2, augment=2, component=3, update=1)


def body(sketch: Sketch) -> Iterator[Statement]:
    """The statements, after which it is known whether the kernel is built with options."""
    statements = list(_drawn(sketch))
    scaled = any(map(_scales_a_part, (node for statement in statements for node in walk(statement))))
    if scaled and sketch.options is None and sketch.dice.chance(OVERWRITES):
        sketch.options = Options(component_overwrites=True)
    yield from statements


def _scales_a_part(node: Node) -> bool:
    """Whether a part of a local is changed by another operator than a sum."""
    return (
        isinstance(node, AugmentedAssign)
        and isinstance(node.target, Component | Part)
        and isinstance(root(node.target), Name)
        and node.operator not in SUMS
    )


def _drawn(sketch: Sketch) -> Iterator[Statement]:
    """What people write by parts; or one to four roots and two to seven changes of parts, some under a condition."""
    dice = sketch.dice
    sketch.vectors = True
    sketch.max_arrays = 4
    sketch.mixture = undivided(sketch)
    if sketch.main.bits > 16 and dice.chance(COMPUTED):
        length = dice.one_of((3, 3, 2, 4))
        yield from computed(sketch, PLACEMENTS, (length, length))
        return
    if dice.chance(FORWARD):
        sketch.options = Options(enable_backward=False)
    if dice.chance(40):
        sketch.scalar_parameter(sketch.main)
    places: list[Place] = []
    yield from sketch.block(dice.between(1, 2), WEIGHTS, 2)
    for _ in range(dice.between(1, 3)):
        match dice.below(5):
            case 0 | 1:
                places.append(element_place(sketch))
            case 2:
                places += field_places(sketch)
            case 3 if len(sketch.launch) < MAX_ARRAY_DIMENSIONS:
                statement, found = row_places(sketch)
                yield statement
                places += found
            case _:
                made, local = local_place(sketch, composite_type(sketch))
                yield made
                places.append(local)
    written: set[int] = set()
    for n in range(max(len(places), dice.between(2, 7))):
        number = n if n < len(places) else dice.below(len(places))
        place, before = places[number], places[number].interval
        piece = part(sketch, place)
        made_change = change(sketch, piece, dice.between(1, 2)) or change(sketch, place, 1)
        # what a part holds now, the whole may
        place.interval = place.interval.join(piece.interval)
        if made_change is not None:
            again = isinstance(made_change, Assign) and number in written
            written.add(number)
            # what was assigned before stays in some threads: nobody assigns the same place twice for nothing
            if again or dice.chance(CONDITIONAL):
                place.interval = place.interval.join(before)
                made_change = If(sketch.condition(1).node, (made_change,))
            yield made_change
        if dice.chance(20):
            yield from sketch.block(1, WEIGHTS, dice.between(1, 2))
    for number, place in enumerate(places):
        if number not in written:
            yield stored(sketch, place)
    for place in places:
        if not place.slot:
            yield from kept(sketch, place)
        elif not isinstance(place.node, Name):
            yield from _touched(sketch, place)
    if any(not v.used for v in sketch.scope if v in sketch.defined):
        yield sketch.store(sketch.output(sketch.main), sketch.result(sketch.main, dice.between(1, 2)))


def _touched(sketch: Sketch, place: Place) -> Iterator[Statement]:
    """A last sum into an element, so that it is written for certain."""
    of = place.type
    if isinstance(of, Scalar) and of.is_float and sketch.dice.chance(30):
        value = sketch.fit_local(sketch.expression(of, 1))
        if isinstance(place.node, Element | Component):
            yield AugmentedAssign(place.node, "add", value.node)
