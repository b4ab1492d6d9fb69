"""Scalar parameters of several types beside arrays: factors, counts, offsets, limits, modes, flags."""

from collections.abc import Iterator

from strategies.language import types
from strategies.language.nodes import Statement
from strategies.language.types import BOOL
from strategies.repertoire.ideas.numbers import stored
from strategies.repertoire.ideas.palettes import common
from strategies.repertoire.ideas.scalars import draw_idea
from strategies.repertoire.phrases import Phrase
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("cast",))
#: Of 100 kernels, how many are what people write.
IDEAS = 66


def body(sketch: Sketch) -> Iterator[Statement]:
    """What single numbers are passed for; or one to three that meet array elements in expressions and conditions."""
    dice = sketch.dice
    if dice.chance(IDEAS):
        phrase = Phrase(sketch)
        text = draw_idea(phrase)
        if not any(p.shape == () for p in sketch.parameters):
            phrase.parameter("factor", sketch.main, 0.25, 2.0)
            text = f"factor * ({text})"
        stored(phrase, text)
        yield from phrase.body
        return
    sketch.allow_integers()
    sketch.palette = common(sketch)
    sketch.max_arrays = dice.between(1, 3)
    others = sorted((t for t in sketch.allowed if t not in (BOOL, sketch.main)), key=repr)
    kinds = [sketch.main] + [t for t in others for _ in range(1 if dice.chance(60) else 0)]
    for _ in range(dice.between(1, 3)):
        sketch.awaited_parameter(types.scalar(dice.one_of(kinds).notation))
    yield from sketch.block(dice.between(1, 3), Statements(branch=2), dice.between(1, 2))
    value = sketch.result(sketch.main, dice.between(1, 2))
    yield sketch.store(sketch.output(sketch.main), value)
