"""Computations of simulations, learning and graphics: integrators, springs, networks, rays, contacts, samples."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.repertoire.forms import one_for
from strategies.repertoire.graphics import SCENES
from strategies.repertoire.idioms import IDIOMS, Lines
from strategies.repertoire.pen import Pen
from strategies.statements import Sketch
from strategies.weights import Statements

#: Of 100 kernels, how many are of graphics, geometry and solvers; the others of simulations and learning.
SEEN = 40
WEIGHTS = Statements(define=4, reassign=1, augment=2, branch=1)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One idiom, or two in a row, with a statement of the grammar before some."""
    dice = sketch.dice
    if dice.chance(SEEN):
        pen = Pen(sketch)
        one_for(len(sketch.launch), SCENES, dice)(pen)
        yield from pen.body
        return
    sketch.vectors = True
    sketch.max_arrays = 3
    if dice.chance(20):
        yield from sketch.block(1, WEIGHTS, 1)
    for _ in range(2 if dice.chance(12) else 1):
        lines = Lines(sketch)
        dice.one_of(IDIOMS)(lines)
        yield from lines.body
    if any(not v.used for v in sketch.scope if v in sketch.defined):
        yield sketch.store(sketch.output(sketch.main), sketch.result(sketch.main, dice.between(0, 1)))
