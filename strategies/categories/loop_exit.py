"""``break``, ``continue`` and ``return`` in loops, before and after updates, around the length that is unrolled."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "leave"))

WEIGHTS = Statements(define=4, augment=5, reassign=1, branch=1, leave=4)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One or two constant loops, strided, reversed or empty at times, most of them with a way out."""
    dice = sketch.dice
    sketch.vectors = dice.chance(15)
    output = sketch.output(sketch.main)
    sketch.early_output = output
    indices: list[str] = []
    yield from sketch.loops_in_sequence(2, lambda depth: sketch.exit_loop(WEIGHTS, depth, indices))
    yield sketch.store(output, sketch.result(sketch.main, dice.between(0, 2)))
