"""``for`` loops: constant, parameter and array-length bounds, steps, reversed ranges, nested, break, continue."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "loop"))

WEIGHTS = Statements(define=4, augment=5, reassign=1, branch=1, loop=4, leave=2)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to three loops in sequence, some of them nested."""
    dice = sketch.dice
    if dice.chance(20):
        sketch.allow_integers(1)
    sketch.vectors = dice.chance(15)
    yield from sketch.loops_in_sequence(3, lambda depth: sketch.loop(WEIGHTS, depth))
    output = sketch.output(sketch.main)
    yield sketch.store(output, sketch.result(sketch.main, dice.between(0, 2)))
