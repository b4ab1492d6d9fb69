"""``while`` loops: divisors, digits, searches, chains, iterations; counters, compound tests, break and continue."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.repertoire.nests import OF_WHILES, draw_nest
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "while"))

#: Of 100 loops, how many are drawn whole, as people write them; the others have a body of any statements.
WHOLE = 60
#: Of 100 of those, how many are loops in loops of either kind, returns and stores, or go by floats.
NESTED = 42

WEIGHTS = Statements(define=4, augment=5, reassign=1, branch=1, while_loop=3, leave=2)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One or two ``while`` loops in sequence, some of them nested, with what they read before them."""
    dice = sketch.dice
    if dice.chance(20):
        sketch.allow_integers()
    sketch.vectors = dice.chance(15)
    sketch.counting = dice.chance(sketch.weights.loops.counts)

    def one(depth: int) -> list[Statement]:
        if not dice.chance(WHOLE):
            return sketch.while_loop(WEIGHTS, depth)
        return draw_nest(sketch, OF_WHILES) if dice.chance(NESTED) else sketch.while_form()

    yield from sketch.loops_in_sequence(2, one)
    yield from sketch.end_with_result()
