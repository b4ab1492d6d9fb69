"""Floats of several precisions in one kernel: half, single and double, widened, narrowed and summed in another."""

from collections.abc import Iterator

from strategies.language import types
from strategies.language.nodes import Statement
from strategies.ops import ROWS
from strategies.repertoire.ideas.palettes import common
from strategies.repertoire.ideas.precisions import draw_precision
from strategies.repertoire.phrases import Phrase
from strategies.statements import Sketch
from strategies.weights import Expressions, Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("cast",))

WEIGHTS = Statements(define=5, reassign=2, augment=3, update=1, branch=1, loop=2)
#: A sixth of the inner nodes goes to another precision.
MIXTURE = Expressions(operation=10, leaf=2, conditional=1, cast=3)
FLOATS = tuple(types.scalar(name) for name in types.FLOATS)
#: Functions that are computed in each precision by code of its own.
FUNCTIONS = tuple(r.name for r in ROWS if r.group == "Scalar Math" and r.differentiable and not r.jumps)
#: Of 100 kernels, how many are what people mix precisions for.
IDEAS = 68
#: Of 100 others, how many have vectors.
VECTORS = 40


def body(sketch: Sketch) -> Iterator[Statement]:
    """What people mix precisions for; or locals of two or three of them, a loop at times, one or two results."""
    dice = sketch.dice
    if dice.chance(IDEAS):
        sketch.palette = common(sketch)
        phrase = Phrase(sketch)
        draw_precision(phrase)
        yield from phrase.body
        return
    main = dice.one_of(FLOATS)
    others = dice.some_of([t for t in FLOATS if t is not main], dice.between(1, 2))
    sketch.work_in(main, *others)
    sketch.vectors = dice.chance(VECTORS)
    sketch.palette = common(sketch, few=2, rare=0).union(dice.some_of(FUNCTIONS, dice.between(0, 2)))
    sketch.spread = True
    sketch.mixture = MIXTURE
    for of in dice.some_of([main, *others], 2):
        if dice.chance(35):
            sketch.awaited_parameter(of)
    yield sketch.define_as(sketch.element(others[0]), mutable=True)
    yield from sketch.block(dice.between(1, 5), WEIGHTS, dice.between(1, 2))
    if dice.chance(35):
        of = dice.one_of(others)
        yield sketch.store(sketch.output(of), sketch.expression(of, 2))
    yield sketch.store(sketch.output(main), sketch.result(main, dice.between(1, 2)))
