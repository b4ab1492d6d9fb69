"""Conditional expressions: at the ends of arrays, for signs and limits; of vectors, matrices and rotations; nested, as
operands, arguments, indices, bounds of loops and results of functions."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.repertoire.alternatives import ALTERNATIVES
from strategies.repertoire.ideas.choices import draw_idea
from strategies.repertoire.ideas.numbers import stored
from strategies.repertoire.ideas.palettes import common
from strategies.repertoire.pen import Pen
from strategies.repertoire.phrases import Phrase
from strategies.statements import Sketch
from strategies.weights import Expressions, Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("conditional",))

WEIGHTS = Statements(define=5, reassign=3, augment=3)
#: A quarter of the inner nodes is conditional.
MIXTURE = Expressions(operation=9, leaf=1, conditional=3)
#: Of 100 conditionals of the grammar, in how many a truth value of the module decides.
FLAGS = 8
#: Of 100 kernels that may add in place, how many choose something else than a number, or use what they choose as
#: something else; of those, how many do so twice; of the others, how many are what people write; of those, how many are
#: two of them, one after the other.
CHOSEN = 62
TWO = 40
IDEAS = 66
SECOND = 35


def body(sketch: Sketch) -> Iterator[Statement]:
    """One or two ideas that a conditional expression is for; or up to three statements, then a conditional result."""
    dice = sketch.dice
    if sketch.features.weight("augment", 1) and dice.chance(CHOSEN):
        pen = Pen(sketch)
        for _ in range(2 if dice.chance(TWO) else 1):
            dice.weighted(ALTERNATIVES)(pen)
        yield from pen.body
        return
    if dice.chance(IDEAS):
        phrase = Phrase(sketch)
        text = draw_idea(phrase)
        if dice.chance(SECOND):
            phrase.write(f"first = {text}")
            more = Phrase(sketch, first=phrase.known("first"))
            text = f"first {dice.one_of(('+', '*', '-'))} ({draw_idea(more)})"
            stored(more, text)
            yield from (*phrase.body, *more.body)
            return
        stored(phrase, text)
        yield from phrase.body
        return
    if dice.chance(35):
        sketch.allow_integers()
    sketch.vectors = dice.chance(30)
    sketch.palette = common(sketch)
    yield from sketch.block(dice.below(3), WEIGHTS, 1)
    sketch.mixture = MIXTURE
    sketch.flags = FLAGS
    value = sketch.conditional(sketch.main, dice.between(1, 2))
    yield sketch.define_as(sketch.fit_local(value), mutable=False)
    yield sketch.store(sketch.output(sketch.main), sketch.result(sketch.main, dice.between(0, 1)))
