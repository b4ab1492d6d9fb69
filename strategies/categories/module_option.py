"""Kernels with options of their own: loops around another `max_unroll`, no backward pass, debug mode, unfused sums."""

from collections.abc import Iterator

from strategies.blocks import whole
from strategies.functions import draw_loop
from strategies.intervals import Interval
from strategies.language.nodes import Options, Statement
from strategies.loops import Bounds
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "loop"))

#: Of 100 first loops, how many are drawn whole, as people write them; the others have a body of any statements.
WHOLE = 70

WEIGHTS = Statements(define=5, augment=5, reassign=2, branch=2, loop=2)


def _options(sketch: Sketch) -> Options:
    """What the kernel's decorator says."""
    dice = sketch.dice
    backward = dice.weighted(sketch.weights.builds.backward)
    unroll = dice.weighted(sketch.weights.builds.max_unroll) if dice.chance(sketch.weights.builds.unrolls) else None
    fuse = dice.chance(50) if dice.chance(sketch.weights.builds.fuses) else None
    mode = dice.weighted(sketch.weights.builds.mode) if dice.chance(sketch.weights.builds.modes) else None
    found = Options({"on": True, "off": False}.get(backward), unroll, fuse, mode)
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


def body(sketch: Sketch) -> Iterator[Statement]:
    """A loop or two around the length that is unrolled, one in another at times, and a function at times."""
    dice, main = sketch.dice, sketch.main
    sketch.vectors = dice.chance(20)
    sketch.options = _options(sketch)
    if sketch.options.max_unroll is not None:
        sketch.max_unroll = sketch.options.max_unroll
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
