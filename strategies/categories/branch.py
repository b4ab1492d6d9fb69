"""``if``, ``elif``, ``else`` and ternaries: variables assigned in the arms and read after, early stores."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.statements import Sketch
from strategies.weights import Statements

WEIGHTS = Statements(define=3, reassign=3, augment=2)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to three branches at one level, with statements between them."""
    dice = sketch.dice
    if dice.chance(35):
        sketch.allow_integers(1)
    output = sketch.output(sketch.main)
    if dice.chance(25):
        yield sketch.leave_early(output, dice.between(1, 2))
    sketch.arms = 2
    for _ in range(dice.between(1, 3)):
        yield from sketch.block(dice.below(2), WEIGHTS, 2)
        if dice.chance(20):
            value = sketch.fit_local(sketch.conditional(sketch.main, 2))
            yield sketch.define_as(value, mutable=True)
        else:
            yield from sketch.branch(WEIGHTS, dice.between(1, 3))
    if dice.chance(15):
        yield from sketch.store_in_arms(output, 2)
    else:
        yield sketch.store(output, sketch.result(sketch.main, dice.between(1, 2)))
