"""Loops whose bounds only a run knows: parameters, array elements, thread indices, sums of them, changed locals."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "dynamic", "extent"))

WEIGHTS = Statements(define=4, augment=5, reassign=1, branch=1, dynamic_loop=2, reindex=10)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One or two loops in sequence, some of them nested; at times the body changes the index or the bound."""
    dice = sketch.dice
    if dice.chance(20):
        sketch.allow_integers(1)
    sketch.vectors = dice.chance(15)
    yield from sketch.loops_in_sequence(2, lambda depth: sketch.dynamic_loop(WEIGHTS, depth))
    yield sketch.store(sketch.output(sketch.main), sketch.result(sketch.main, dice.between(0, 2)))
