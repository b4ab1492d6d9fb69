"""Straight-line code of five statements and more: named steps, each used by later ones, some changed in place."""

from collections.abc import Iterator

from strategies.language.nodes import AugmentedAssign, Statement
from strategies.repertoire import motifs
from strategies.repertoire.motifs import Pool
from strategies.repertoire.pen import Pen
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "reassign", "update"))

#: Of 100 kernels, how many draw their statements one by one.
ONE_BY_ONE = 8
WEIGHTS = Statements(define=6, reassign=2, augment=4, update=1, component=1)
#: Statements, beside the results, that make a kernel long enough; and nodes of expressions that make it too long.
LEAST, MOST = 4, 80


def body(sketch: Sketch) -> Iterator[Statement]:
    """Two to four formulas that build on each other, with a sum in place in most, and one to three results."""
    dice = sketch.dice
    if dice.chance(25):
        sketch.allow_integers()
    sketch.vectors = dice.chance(30)
    if dice.chance(ONE_BY_ONE):
        yield sketch.define(1, of=sketch.main, mutable=True)
        yield from sketch.block(dice.between(3, 8), WEIGHTS, 1)
        yield sketch.store(sketch.output(sketch.main), sketch.result(sketch.main, 1))
        return
    sketch.max_arrays = 5
    pool = Pool(Pen(sketch))
    for _ in range(dice.between(2, 3)):
        motifs.run(pool)
    while len(pool.pen.body) < LEAST and sketch.nodes < MOST:
        motifs.run(pool)
    if not any(isinstance(s, AugmentedAssign) for s in pool.pen.body) and dice.chance(85):
        _accumulated(pool)
    motifs.finish(pool)
    yield from pool.pen.body


def _accumulated(pool: Pool) -> None:
    """A sum in place of what there is."""
    dice = pool.dice
    motifs.budget(pool) if dice.chance(60) else motifs.motion(pool)
