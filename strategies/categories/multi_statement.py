"""Five to twenty statements that reuse and reassign locals."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "reassign", "update"))

WEIGHTS = Statements(define=4, reassign=4, augment=5, update=2, component=1)


def body(sketch: Sketch) -> Iterator[Statement]:
    """Straight-line code with augmented assignment, and one or two results."""
    dice = sketch.dice
    if dice.chance(40):
        sketch.allow_integers(1)
    sketch.vectors = dice.chance(20)
    yield sketch.define(1, of=sketch.main, mutable=True)
    yield from sketch.block(dice.between(3, 14), WEIGHTS, dice.between(1, 2))
    if dice.chance(20):
        yield sketch.store(sketch.output(sketch.main), sketch.expression(sketch.main, 1))
    yield sketch.store(sketch.output(sketch.main), sketch.result(sketch.main, 1))
