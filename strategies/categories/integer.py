"""Integers of all widths: places in grids, divisors, digits, searches; division and remainder of negatives, and
wrap-around of unsigned ones, in place and in loops."""

from collections.abc import Iterator

from strategies.inputs import STAPLES
from strategies.language import types
from strategies.language.nodes import Statement
from strategies.repertoire.ideas.integers import draw_idea, finished
from strategies.repertoire.phrases import Phrase
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "update"))

WEIGHTS = Statements(define=4, reassign=3, augment=2, update=3, branch=1, loop=1)
OPERATIONS = ("floordiv", "mod", "div", "min", "max", "clamp", "neg", "bit_and")
#: What only numbers with a sign need.
SIGNED = ("abs", "sign", "step")
#: Of 100 kernels, how many are what people write; of all, how many end in a float with a gradient.
IDEAS = 65
REAL = 50


def body(sketch: Sketch) -> Iterator[Statement]:
    """An idea about integers and what it decides, or one to six statements out of the operators on them."""
    dice = sketch.dice
    real = sketch.main
    others = [types.scalar(dice.weighted(sketch.weights.kernels.integers)) for _ in range(dice.below(2))]
    main = types.scalar(dice.weighted(sketch.weights.integers.mains))
    sketch.work_in(main, *others)
    if dice.chance(IDEAS):
        phrase = Phrase(sketch, main, real)
        name = draw_idea(phrase)
        finished(phrase, name, dice.chance(REAL))
        yield from phrase.body
        return
    operations = OPERATIONS + (SIGNED if main.is_signed else ())
    sketch.palette = STAPLES.union(dice.some_of(operations, dice.between(3, 6)))
    sketch.wide_integers = dice.chance(40)
    if dice.chance(30):
        sketch.awaited_parameter(main)
    yield from sketch.block(dice.between(1, 5), WEIGHTS, dice.between(1, 2))
    value = sketch.result(main, dice.between(1, 2))
    yield sketch.define_as(value, mutable=False)
    phrase = Phrase(sketch, main, real, h=sketch.variable(sketch.defined[-1]))
    finished(phrase, "h", dice.chance(REAL))
    yield from phrase.body
