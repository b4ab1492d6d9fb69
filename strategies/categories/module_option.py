"""Options of a kernel's own: another `max_unroll`, no backward pass, debug mode, unfused sums, components set again."""

from collections.abc import Iterator

from strategies.blocks import whole
from strategies.composites import undivided
from strategies.functions import draw_loop
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import If, Options, Statement
from strategies.language.types import Scalar, Vector
from strategies.loops import Bounds
from strategies.statements import Sketch
from strategies.targets import Place, change, composite_type, kept, local_place, part
from strategies.typed import Typed
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "loop"))

#: Of 100 first loops, how many are drawn whole, as people write them; the others have a body of any statements.
WHOLE = 70
#: Of 100 changes of a part, how many are under a condition.
CONDITIONAL = 15
#: How many are plain stores, which the option is for; the others are sums in place.
STORED = 60
#: Of 100 changes, how many are followed by a read of what was changed, or of all of it: a store that another one hides
#: proves nothing.
READ_BETWEEN = 50

WEIGHTS = Statements(define=5, augment=5, reassign=2, branch=2, loop=2)


def _options(sketch: Sketch) -> Options:
    """What the kernel's decorator says."""
    dice = sketch.dice
    backward = dice.weighted(sketch.weights.builds.backward)
    unroll = dice.weighted(sketch.weights.builds.max_unroll) if dice.chance(sketch.weights.builds.unrolls) else None
    fuse = dice.chance(50) if dice.chance(sketch.weights.builds.fuses) else None
    mode = dice.weighted(sketch.weights.builds.mode) if dice.chance(sketch.weights.builds.modes) else None
    overwrites = True if dice.chance(sketch.weights.builds.overwrites) else None
    if overwrites:
        # those kernels have no loop
        unroll = None
    if overwrites and backward == "off":
        # the option is there for the backward pass
        backward = "unsaid"
    found = Options({"on": True, "off": False}.get(backward), unroll, fuse, mode, overwrites)
    return Options(max_unroll=dice.weighted(sketch.weights.builds.max_unroll)) if found == Options() else found


def _around(sketch: Sketch) -> Bounds:
    """A range about as long as the longest that is unrolled."""
    dice, most = sketch.dice, sketch.max_unroll
    trips = max(2, most + dice.between(-1, 2))
    if dice.chance(25):
        return Bounds(whole(trips - 1), whole(-1), whole(-1), trips, Interval(0, trips - 1))
    if dice.chance(25):
        return Bounds(whole(1), whole(2 * trips), whole(2), trips, Interval(1, 2 * trips - 1))
    return Bounds(None, whole(trips), None, trips, Interval(0, trips - 1))


def _crossing(sketch: Sketch) -> tuple[int, int]:
    """Trips of two nested loops, each about as long as the longest that is unrolled, and much longer together."""
    most = min(sketch.max_unroll, 6)
    return max(2, sketch.dice.between(most // 2, most)), max(2, most + sketch.dice.between(-1, 1))


def _overwritten(sketch: Sketch) -> Iterator[Statement]:
    """A local vector or matrix, or two, whose numbers and slices are assigned and changed, some more than once."""
    dice = sketch.dice
    sketch.vectors = True
    sketch.max_arrays = 4
    sketch.mixture = undivided(sketch)
    yield from sketch.block(dice.below(2), WEIGHTS, 2)
    places = []
    for _ in range(dice.between(1, 2)):
        of = composite_type(sketch)
        made, place = local_place(sketch, of if of.dtype.is_float else sketch.vector_type(sketch.main))
        yield made
        places.append(place)
    for n in range(dice.between(4, 7)):
        place = places[n % len(places)]
        before, piece = place.interval, part(sketch, place)
        if piece is place:
            continue
        changed = change(sketch, piece, dice.between(1, 2), STORED)
        place.interval = before.join(piece.interval)
        if changed is not None:
            yield If(sketch.condition(1).node, (changed,)) if dice.chance(CONDITIONAL) else changed
            if dice.chance(READ_BETWEEN):
                yield _read(sketch, place, piece)
    for place in places:
        yield from kept(sketch, place)
    if any(not v.used for v in sketch.scope if v in sketch.defined):
        yield from sketch.end_with_result()


def _read(sketch: Sketch, place: Place, piece: Place) -> Statement:
    """A new local that holds what was changed just now, or the place that it is a part of."""
    read = piece if isinstance(piece.type, Scalar | Vector) and sketch.dice.chance(60) else place
    live = types.element_scalar(read.type).is_float
    return sketch.define_as(sketch.fit_local(Typed(read.node, place.interval, live)), mutable=False)


def body(sketch: Sketch) -> Iterator[Statement]:
    """A loop or two around the length that is unrolled, one in another at times, and a function at times."""
    dice, main = sketch.dice, sketch.main
    sketch.vectors = dice.chance(20)
    sketch.options = _options(sketch)
    if sketch.options.max_unroll is not None:
        sketch.max_unroll = sketch.options.max_unroll
    if sketch.options.component_overwrites:
        yield from _overwritten(sketch)
        return
    if dice.chance(20):
        draw_loop(sketch, main)
        sketch.calls = 30
    yield from sketch.block(dice.below(2), WEIGHTS, 2)
    if dice.chance(WHOLE):
        yield from sketch.form_over(_around(sketch))
    else:
        yield from sketch.loop(WEIGHTS, dice.between(1, 2), leave=dice.chance(10), bounds=_around(sketch))
    if dice.chance(40):
        yield from sketch.rows(*_crossing(sketch))
    elif dice.chance(35):
        yield from sketch.form_over(_around(sketch))
    yield from sketch.block(dice.below(2), WEIGHTS, 1)
    for callee in sketch.uncalled():
        yield sketch.define_as(sketch.fit_local(sketch.call(callee, 2)), mutable=False)
    yield from sketch.end_with_result()
