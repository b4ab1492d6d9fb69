"""``break``, ``continue`` and ``return`` in loops, before and after updates, around the length that is unrolled."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.statements import Sketch
from strategies.weights import Statements

WEIGHTS = Statements(define=4, augment=5, reassign=1, branch=1, leave=4)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One or two constant loops, strided, reversed or empty at times, most of them with a way out."""
    dice = sketch.dice
    sketch.vectors = dice.chance(15)
    output = sketch.output(sketch.main)
    sketch.early_output = output
    yield from sketch.block(dice.below(2), Statements(), 2)
    indices: list[str] = []
    for _ in range(dice.between(1, 2)):
        yield from sketch.exit_loop(WEIGHTS, dice.between(1, 2), indices)
        if dice.chance(25):
            yield from sketch.block(1, Statements(), 1)
    yield sketch.store(output, sketch.result(sketch.main, dice.between(0, 2)))
