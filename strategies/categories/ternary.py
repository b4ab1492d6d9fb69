"""Conditional expressions: nested, between array elements, as operands, arguments and indices."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.statements import Sketch
from strategies.weights import Expressions, Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("conditional",))

WEIGHTS = Statements(define=5, reassign=3, augment=3)
#: Nearly half of the inner nodes are conditional.
MIXTURE = Expressions(operation=8, leaf=1, conditional=8)


def body(sketch: Sketch) -> Iterator[Statement]:
    """Up to three statements, then a conditional result."""
    dice = sketch.dice
    if dice.chance(35):
        sketch.allow_integers(1)
    sketch.vectors = dice.chance(15)
    sketch.mixture = MIXTURE
    yield from sketch.block(dice.below(4), WEIGHTS, dice.between(1, 2))
    value = sketch.conditional(sketch.main, dice.between(1, 3))
    yield sketch.define_as(sketch.fit_local(value), mutable=False)
    yield sketch.store(sketch.output(sketch.main), sketch.result(sketch.main, dice.between(0, 2)))
