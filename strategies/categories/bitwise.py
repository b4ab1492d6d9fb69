"""Patterns of bits: masks, shifts, flags, packed fields and the mixing steps of hashes."""

from collections.abc import Iterator

from strategies.language import types
from strategies.language.nodes import Statement
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("update",))

WEIGHTS = Statements(define=4, reassign=3, augment=1, update=5, branch=1, loop=1)
OPERATIONS = frozenset(("bit_and", "bit_or", "bit_xor", "lshift", "rshift", "invert"))
ARITHMETIC = ("mul", "add", "sub", "bit_count", "min", "max", "mod")


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to six statements over patterns of bits, then one of them, or a float that it weighs."""
    dice = sketch.dice
    real = sketch.main
    sketch.work_in(types.scalar(dice.weighted(sketch.weights.integers.bits_mains)))
    sketch.palette = OPERATIONS.union(dice.some_of(ARITHMETIC, 3))
    sketch.patterns = True
    sketch.constants = (*sketch.weights.integers.masks, *sketch.weights.integers.multipliers)
    sketch.joins = ("bit_xor", "bit_xor", "add", "bit_or")
    if dice.chance(25):
        sketch.scalar_parameter(sketch.main)
    yield from sketch.block(dice.between(1, 6), WEIGHTS, dice.between(1, 3))
    value = sketch.result(sketch.main, dice.between(1, 3))
    if dice.chance(sketch.weights.integers.weighed):
        value = sketch.weighed(value, real)
    yield sketch.store(sketch.output(value.type), value)  # type: ignore[arg-type]
