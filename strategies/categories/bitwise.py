"""Patterns of bits: masks, shifts, flags, packed fields and the mixing steps of hashes."""

from collections.abc import Iterator

from strategies.language import types
from strategies.language.nodes import Statement
from strategies.repertoire.ideas.bits import draw_idea, finished
from strategies.repertoire.phrases import Phrase
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("update",))

WEIGHTS = Statements(define=4, reassign=3, augment=1, update=5, branch=1, loop=1)
OPERATIONS = frozenset(("bit_and", "bit_or", "bit_xor", "lshift", "rshift", "invert"))
ARITHMETIC = ("mul", "add", "sub", "neg", "bit_count", "min", "max", "mod")
#: Of 100 kernels, how many are what people write; of all, how many end in a float with a gradient.
IDEAS = 70
REAL = 50


def body(sketch: Sketch) -> Iterator[Statement]:
    """One or two ideas about bits and what they decide, or one to six statements out of the operators on bits."""
    dice = sketch.dice
    real = sketch.main
    sketch.work_in(types.scalar(dice.weighted(sketch.weights.integers.bits_mains)))
    if dice.chance(IDEAS):
        phrase = Phrase(sketch, sketch.main, real)
        name = draw_idea(phrase)
        finished(phrase, name, dice.chance(REAL))
        yield from phrase.body
        return
    sketch.palette = OPERATIONS.union(dice.some_of(ARITHMETIC, 3))
    sketch.patterns = True
    sketch.constants = (*sketch.weights.integers.masks, *sketch.weights.integers.multipliers)
    sketch.joins = ("bit_xor", "bit_xor", "add", "bit_or")
    if dice.chance(25):
        sketch.awaited_parameter(sketch.main)
    yield from sketch.block(dice.between(1, 6), WEIGHTS, dice.between(1, 3))
    value = sketch.result(sketch.main, dice.between(1, 3))
    yield sketch.define_as(value, mutable=False)
    phrase = Phrase(sketch, sketch.main, real, h=sketch.variable(sketch.defined[-1]))
    finished(phrase, "h", dice.chance(REAL) and value.interval.low >= 0)
    yield from phrase.body
