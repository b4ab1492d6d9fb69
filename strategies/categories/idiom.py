"""Computations of simulations, learning and graphics: integrators, springs, networks, rays, contacts, samples."""

from collections.abc import Iterator
from typing import Final

from strategies.composites import computed, undivided
from strategies.language.nodes import Statement
from strategies.repertoire.forms import one_for
from strategies.repertoire.graphics import SCENES
from strategies.repertoire.idioms import IDIOMS, Lines
from strategies.repertoire.learning import LEARNING
from strategies.repertoire.mechanics import MECHANICS
from strategies.repertoire.pen import Pen
from strategies.repertoire.record_functions import RECORDS
from strategies.statements import Sketch
from strategies.weights import Statements

#: Which family a kernel is of: what simulations step and solve, with matrices, rotations, functions and `while` loops;
#: what learning computes along rows; structs; graphics and geometry; lists of neighbours, networks and integrators.
FAMILIES: Final = ((33, "mechanics"), (25, "learning"), (8, "records"), (16, "scenes"), (18, "lines"))
WEIGHTS = Statements(define=4, reassign=1, augment=2, branch=1)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One idiom, or two in a row, with a statement of the grammar before some."""
    dice = sketch.dice
    family = dice.weighted(FAMILIES)
    sketch.vectors = family in ("lines", "records", "mechanics")
    if family in ("mechanics", "records") and sketch.main.bits > 16:
        sketch.mixture = undivided(sketch)
        sketch.max_arrays = 4
        drawn = dice.weighted(MECHANICS) if family == "mechanics" else dice.one_of(RECORDS)
        length = dice.one_of((3, 3, 2))
        yield from computed(sketch, (drawn,), (length, length))
    elif family in ("scenes", "learning", "mechanics"):
        pen = Pen(sketch)
        one_for(len(sketch.launch), SCENES if family == "scenes" else LEARNING, dice)(pen)
        yield from pen.body
    else:
        yield from _lines(sketch)


def _lines(sketch: Sketch) -> Iterator[Statement]:
    dice = sketch.dice
    sketch.max_arrays = 3
    if dice.chance(20):
        yield from sketch.block(1, WEIGHTS, 1)
    for _ in range(2 if dice.chance(12) else 1):
        lines = Lines(sketch)
        dice.one_of(IDIOMS)(lines)
        yield from lines.body
    if any(not v.used for v in sketch.scope if v in sketch.defined):
        yield sketch.store(sketch.output(sketch.main), sketch.result(sketch.main, dice.between(0, 1)))
