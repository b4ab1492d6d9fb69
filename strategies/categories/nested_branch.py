"""Branches two to four deep, on several variables, with and, or, not and chains of comparisons."""

from collections.abc import Iterator

from strategies.language.nodes import If, Statement
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("logical", "negation", "chain"))

WEIGHTS = Statements(define=3, reassign=3, augment=2, update=1)


def _nested(sketch: Sketch, levels: int) -> list[Statement]:
    """A branch whose arms hold further ones down to `levels`."""
    dice = sketch.dice
    if levels == 0:
        return sketch.changes(WEIGHTS, dice.between(1, 2))
    before = sketch.changes(WEIGHTS, 1) if dice.chance(25) else []
    test = sketch.condition(2).node
    entry = sketch.scope.snapshot()
    deep = sketch.arm(lambda: _nested(sketch, levels - 1))
    after = sketch.scope.snapshot()
    sketch.scope.restore(entry)
    other: tuple[Statement, ...] = ()
    if dice.chance(75):
        shallower = dice.below(levels) if dice.chance(50) else 0
        other = sketch.arm(lambda: _nested(sketch, shallower))
    sketch.scope.merge(after)
    first, second = (deep, other) if dice.chance(50) or not other else (other, deep)
    return [*before, If(test, first, second)]


def body(sketch: Sketch) -> Iterator[Statement]:
    """Two to three variables, nested branches that change them, and a result of all of them."""
    dice = sketch.dice
    if dice.chance(40):
        sketch.allow_integers(1)
    sketch.arms = 9
    for _ in range(dice.between(1, 3)):
        yield sketch.define(dice.between(1, 2), of=sketch.main, mutable=True)
    yield from _nested(sketch, dice.between(2, 4))
    output = sketch.output(sketch.main)
    yield sketch.store(output, sketch.result(sketch.main, dice.between(0, 2)))
