"""Conversions between all scalar types: grid cells, bytes, means, look-ups; chains, truth values and numbers."""

from collections.abc import Iterator

from strategies.intervals import TRUTH
from strategies.language import types
from strategies.language.nodes import Cast, Statement
from strategies.language.types import BOOL, FLOAT16, Scalar
from strategies.repertoire.ideas.conversions import draw_conversion
from strategies.repertoire.ideas.palettes import common
from strategies.repertoire.phrases import Phrase
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Expressions, Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("cast",))

WEIGHTS = Statements(define=6, reassign=1, augment=1, branch=1)
#: A third of the inner nodes converts.
MIXTURE = Expressions(operation=8, leaf=2, conditional=1, cast=5)
#: Of 100 steps from a float16, how many make a truth value: Warp is known not to compile it.
HALF_TRUTHS = 2
NUMBERS = tuple(types.scalar(name) for name in types.SCALARS if name != "bool")
#: Of 100 kernels, how many are what people convert for; of 100 chains of conversions, how many are longer than one.
IDEAS = 64
CHAINS = 35


def _chain(sketch: Sketch, value: Typed, steps: int) -> Typed:
    """`value` converted again and again."""
    dice = sketch.dice
    for _ in range(steps):
        assert isinstance(value.type, Scalar)
        if value.type is not BOOL and dice.chance(HALF_TRUTHS if value.type is FLOAT16 else 12):
            value = Typed(Cast(BOOL, value.node), TRUTH)
        else:
            others = [t for t in NUMBERS if t is not value.type]
            value = sketch.convert(value, dice.one_of(others))
    return value


def body(sketch: Sketch) -> Iterator[Statement]:
    """What people convert for; or locals of two to four types, some chains of conversions, a result of any type."""
    dice = sketch.dice
    real = sketch.main
    if dice.chance(IDEAS):
        sketch.palette = common(sketch)
        phrase = Phrase(sketch)
        draw_conversion(phrase)
        yield from phrase.body
        return
    sketch.palette = common(sketch, few=3, rare=1)
    kinds = dice.some_of([t for t in NUMBERS if t is not real], dice.between(1, 3))
    sketch.work_in(real, *kinds)
    sketch.spread = True
    sketch.mixture = MIXTURE
    sketch.max_arrays = 3
    for _ in range(dice.between(1, 3)):
        source = sketch.element(dice.one_of([real, *kinds]))
        steps = dice.between(2, 3) if dice.chance(CHAINS) else 1
        yield sketch.define_as(sketch.fit_local(_chain(sketch, source, steps)), mutable=dice.chance(30))
    yield from sketch.block(dice.between(1, 3), WEIGHTS, dice.between(1, 2))
    of = real if dice.chance(75) else dice.one_of(kinds)
    value = sketch.result(of, dice.between(1, 2))
    yield sketch.store(sketch.output(of), value)
