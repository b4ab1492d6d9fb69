"""``break``, ``continue`` and ``return`` in loops: first hits, elements passed over, limits, nested, long, strided."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.repertoire.nests import OF_EXITS, draw_nest
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "leave"))

#: Of 100 loops, how many are drawn whole, as people write them; the others have a body of any statements.
WHOLE = 65
#: Of 100 of those, how many are loops in loops of either kind, one of which is left.
NESTED = 35

WEIGHTS = Statements(define=4, augment=5, reassign=1, branch=1, leave=4)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One or two loops, most of which some threads leave early; strided, reversed or empty at times."""
    dice = sketch.dice
    sketch.vectors = dice.chance(15)
    output = sketch.output(sketch.main)
    sketch.early_output = output
    first = iter((True,))

    def one(depth: int) -> list[Statement]:
        if dice.chance(WHOLE):
            return draw_nest(sketch, OF_EXITS) if dice.chance(NESTED) else sketch.exit_form()
        return sketch.exit_loop(WEIGHTS, depth, certain=next(first, False))

    yield from sketch.loops_in_sequence(2, one)
    yield sketch.store(output, sketch.result(sketch.main, dice.between(0, 2)))
