"""Loops whose bounds only a run knows: segments between offsets, parameters, array elements, thread indices."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.repertoire.nests import OF_BOUNDS, draw_nest
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "dynamic", "extent"))

#: Of 100 loops, how many are drawn whole, as people write them; the others have a body of any statements.
WHOLE = 60
#: Of 100 of those, how many are loops in loops of which the inner one is as long as the outer one says.
NESTED = 25

WEIGHTS = Statements(define=4, augment=5, reassign=1, branch=1, dynamic_loop=2, reindex=5)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One or two loops in sequence, some of them nested; at times the body changes the index or the bound."""
    dice = sketch.dice
    if dice.chance(20):
        sketch.allow_integers()
    sketch.vectors = dice.chance(15)

    def one(depth: int) -> list[Statement]:
        if not dice.chance(WHOLE):
            return sketch.dynamic_loop(WEIGHTS, depth)
        return draw_nest(sketch, OF_BOUNDS, known=False) if dice.chance(NESTED) else sketch.form_of_dynamic_loop()

    yield from sketch.loops_in_sequence(2, one)
    yield from sketch.end_with_result()
