"""Functions: small named computations, searches and sums of arrays, defaults, keywords, early returns, effects."""

from collections.abc import Iterator

from strategies.calls import Callee
from strategies.counters import counting, draw_counter
from strategies.functions import (
    draw_early,
    draw_expression,
    draw_loop,
    draw_reader,
    draw_several,
    draw_writer,
    evaluated,
    result_type,
    unpacked,
)
from strategies.language import types
from strategies.language.nodes import Element, If, Statement
from strategies.language.types import BOOL, INT32, VOID, Array, Scalar, Tuple, Vector
from strategies.passing import draw_made, draw_passing
from strategies.reference_functions import references
from strategies.repertoire.deposits import draw_deposit
from strategies.repertoire.directions import NAMED
from strategies.repertoire.helpers import CURVES, PAIRS, SEARCHES, draw_helper
from strategies.repertoire.pen import Pen
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.vector_functions import draw_changed, given_a_local
from strategies.weights import Statements

#: Of 100 kernels, how many have a function with atomic operations, too.
DEPOSITED = 9
WEIGHTS = Statements(define=6, reassign=2, augment=3, branch=1, loop=1)
#: Of 100 kernels, how many have functions that change what they are passed by reference, too; those have no gradient.
REFERENCES = 8
#: Of 100 arrays that a function changes, how many the kernel reads again behind the call: of one that nothing reads
#: only the last store shows.
READ_AGAIN = 50
#: How a function is made.  A counter proves evaluation order, but no kernel with one has gradients that Warp promises
#: (`EFFECT_REPLAYED`).
KINDS = (
    (26, "curve"),
    (12, "search"),
    (12, "vector"),
    (8, "pair"),
    (6, "expression"),
    (7, "early"),
    (10, "loop"),
    (6, "reader"),
    (14, "writer"),
    (3, "several"),
    (8, "changed"),
    (7, "passing"),
    (6, "made"),
    (5, "counter"),
)

#: Those that are small computations with a name; not of halves, whose bounds are too narrow for most.
HELPERS = {"curve": CURVES, "search": SEARCHES, "vector": NAMED, "pair": PAIRS}


def _function(sketch: Sketch, kind: str) -> Callee:
    if kind in HELPERS and sketch.main.bits > 16:
        return draw_helper(sketch, sketch.dice.one_of(HELPERS[kind]))
    of = result_type(sketch)
    match kind:
        case "early":
            return draw_early(sketch, of)
        case "loop":
            return draw_loop(sketch, of)
        case "reader":
            return draw_reader(sketch, of if isinstance(of, Scalar | Vector) and of is not BOOL else sketch.main)
        case "writer":
            return draw_writer(sketch, of if isinstance(of, Scalar | Vector) and of is not BOOL else sketch.main)
        case "several":
            return draw_several(sketch, sketch.dice.between(2, 3))
        case "counter":
            return draw_counter(sketch)
        case "changed":
            return draw_changed(sketch)
        case "passing":
            return draw_passing(sketch)[0]
        case "made":
            return draw_made(sketch)[0]
    return draw_expression(sketch, of)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to three functions, statements that call them, and what none of those has called."""
    dice = sketch.dice
    if dice.chance(20):
        sketch.allow_integers()
    sketch.max_arrays = 5
    kinds = [dice.weighted(KINDS) for _ in range(dice.between(1, 3))]
    sketch.vectors = dice.chance(25) or not {"vector", "changed"}.isdisjoint(kinds)
    # functions call those before them
    sketch.calls = 25
    drawn = [(kind, _function(sketch, kind)) for kind in kinds]
    sketch.calls = 40
    output = sketch.output(sketch.main)
    yield from sketch.block(dice.below(3), WEIGHTS, dice.between(1, 2))
    for kind, callee in drawn:
        if kind == "changed":
            yield from given_a_local(sketch, callee)
    for callee in list(sketch.callees):
        of = callee.function.type
        if isinstance(of, Tuple):
            yield unpacked(sketch, callee, 2)
        elif callee.effects:
            yield from _with_effects(sketch, callee)
        elif callee.function.name not in sketch.called:
            yield sketch.define_as(sketch.fit_local(sketch.call(callee, 2)), mutable=dice.chance(40))
    yield from sketch.block(dice.below(2), WEIGHTS, 1)
    if dice.chance(DEPOSITED):
        pen = Pen(sketch)
        draw_deposit(pen, "atomic_add", sketch.main if sketch.main.bits > 16 and dice.chance(70) else INT32)
        yield from pen.body
    if dice.chance(REFERENCES):
        yield from references(sketch)
    value = sketch.result(sketch.main, dice.between(0, 2))
    if dice.chance(35):
        value = sketch.plus(sketch.element(sketch.main), value)
    yield sketch.store(output, value)


def _with_effects(sketch: Sketch, callee: Callee) -> Iterator[Statement]:
    """Calls of a function that changes an array."""
    dice = sketch.dice
    if callee.counts:
        for _ in range(dice.between(1, 2)):
            yield from counting(sketch, callee)
        return
    call = evaluated(sketch, callee, 2)
    yield If(sketch.condition(1).node, (call,)) if callee.function.type is VOID and dice.chance(30) else call
    changed = [p for key, p in sketch.changed.items() if key.startswith(f"{callee.function.name}.")]
    if callee.leaves is not None and dice.chance(READ_AGAIN):
        (array,) = changed
        assert isinstance(array.type, Array)
        cell = Element(array.type.dtype, array.name, sketch.own_indices())
        live = types.element_scalar(array.type).is_float
        yield sketch.define_as(sketch.fit_local(Typed(cell, callee.leaves, live)), mutable=False)
