"""Scalar parameters of several types, mixed with arrays."""

from collections.abc import Iterator

from strategies.language import types
from strategies.language.nodes import Statement
from strategies.language.types import BOOL
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("cast",))


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to four scalar parameters that meet array elements in expressions and conditions."""
    dice = sketch.dice
    sketch.allow_integers(2)
    if dice.chance(30):
        sketch.allowed = sketch.allowed | {types.scalar(dice.weighted(sketch.weights.kernels.floats))}
    sketch.max_arrays = dice.between(1, 3)
    kinds = [sketch.main, *sorted((t for t in sketch.allowed if t is not BOOL), key=repr)]
    scalars = [sketch.scalar_parameter(types.scalar(dice.one_of(kinds).notation)) for _ in range(dice.between(1, 4))]
    for scalar in scalars:
        scalar.used = False
        sketch.defined.append(scalar)
    yield from sketch.block(dice.below(4), Statements(branch=1), dice.between(1, 3))
    value = sketch.result(sketch.main, dice.between(1, 3))
    yield sketch.store(sketch.output(sketch.main), value)
