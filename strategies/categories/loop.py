"""``for`` loops: sums, extremes, recurrences, pairs, windows; steps, reversed ranges, nested, break, continue."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.repertoire.nests import OF_LOOPS, draw_nest
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "loop"))

#: Of 100 loops, how many are drawn whole, as people write them; the others have a body of any statements.
WHOLE = 60
#: Of 100 of those, how many are loops in loops of some depth, and rows that are read as they are written.
NESTED = 18

WEIGHTS = Statements(define=4, augment=5, reassign=1, branch=1, loop=4, leave=2)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to three loops in sequence, some of them nested."""
    dice = sketch.dice
    if dice.chance(20):
        sketch.allow_integers()
    sketch.vectors = dice.chance(15)

    def one(depth: int) -> list[Statement]:
        if not dice.chance(WHOLE):
            return sketch.loop(WEIGHTS, depth)
        return draw_nest(sketch, OF_LOOPS) if dice.chance(NESTED) else sketch.form_of_loop()

    yield from sketch.loops_in_sequence(dice.between(1, 3), one)
    yield from sketch.end_with_result()
