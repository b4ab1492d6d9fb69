"""Integers of all widths: division and remainder of negatives, wrap-around of unsigned ones, in place and in loops."""

from collections.abc import Iterator

from strategies.inputs import STAPLES
from strategies.language import types
from strategies.language.nodes import Statement
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("augment", "update"))

WEIGHTS = Statements(define=4, reassign=3, augment=2, update=3, branch=1, loop=1)
OPERATIONS = ("floordiv", "mod", "div", "min", "max", "abs", "clamp", "sign", "neg", "step", "nonzero", "bit_and")


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to six statements over integers, then an integer result, or a float that it weighs."""
    dice = sketch.dice
    real = sketch.main
    others = [types.scalar(dice.weighted(sketch.weights.kernels.integers)) for _ in range(dice.below(2))]
    sketch.work_in(types.scalar(dice.weighted(sketch.weights.integers.mains)), *others)
    sketch.palette = STAPLES.union(dice.some_of(OPERATIONS, dice.between(3, 6)))
    sketch.wide_integers = True
    if dice.chance(30):
        sketch.scalar_parameter(sketch.main)
    yield from sketch.block(dice.between(1, 6), WEIGHTS, dice.between(1, 3))
    value = sketch.result(sketch.main, dice.between(1, 3))
    if dice.chance(sketch.weights.integers.weighed):
        value = sketch.weighed(value, real)
    yield sketch.store(sketch.output(value.type), value)  # type: ignore[arg-type]
