"""Computations of simulations and learning code: integrators, springs, neighbour sums, rays, networks, filters."""

from collections.abc import Iterator

from strategies.idioms import IDIOMS, Lines
from strategies.language.nodes import Statement
from strategies.statements import Sketch
from strategies.weights import Statements

WEIGHTS = Statements(define=4, reassign=1, augment=2, branch=1)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One idiom, or two in a row, with statements of the grammar before and after some."""
    dice = sketch.dice
    sketch.vectors = True
    sketch.max_arrays = 3
    if dice.chance(35):
        yield from sketch.block(1, WEIGHTS, 2)
    for _ in range(2 if dice.chance(20) else 1):
        lines = Lines(sketch)
        dice.one_of(IDIOMS)(lines)
        yield from lines.body
    if any(not v.used for v in sketch.scope if v in sketch.defined):
        yield sketch.store(sketch.output(sketch.main), sketch.result(sketch.main, dice.between(0, 1)))
