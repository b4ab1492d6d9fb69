"""Atomics on one or several cells: sums, differences, minima and maxima, weighted, conditional, by group."""

from collections.abc import Iterator

from strategies.language import types
from strategies.language.nodes import Expression, If, Parameter, Statement
from strategies.language.types import Scalar, Vector
from strategies.ops import ATOMICS
from strategies.statements import Sketch
from strategies.weights import Statements

WEIGHTED = ((6, "atomic_add"), (2, "atomic_sub"), (2, "atomic_max"), (2, "atomic_min"))


def _dtype(sketch: Sketch) -> Scalar | Vector:
    dice = sketch.dice
    if dice.chance(20):
        return types.scalar(dice.one_of([t for t in sorted(sketch.allowed, key=repr) if t is not types.BOOL]).notation)
    if sketch.vectors and dice.chance(50):
        return sketch.vector_type(sketch.main)
    return sketch.main


def _target(sketch: Sketch, dtype: Scalar | Vector) -> tuple[Parameter, tuple[Expression, ...]]:
    """An output of one to four cells and which of them this thread adds to."""
    dice = sketch.dice
    cells = dice.one_of((1, 1, 2, 3, 4))
    output = sketch.output(dtype, shape=(cells,))
    return output, (sketch.group(cells),)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to three atomics after some preparation, perhaps under a condition or in a loop."""
    dice = sketch.dice
    if dice.chance(40):
        sketch.allow_integers(1)
    sketch.vectors = dice.chance(25)
    yield from sketch.block(dice.below(3), Statements(branch=1, loop=1), 2)
    for n in range(dice.between(1, 3)):
        dtype = sketch.main if n == 0 and not sketch.vectors else _dtype(sketch)
        op = dice.weighted(WEIGHTED) if isinstance(dtype, Scalar) else dice.one_of(("atomic_add", "atomic_sub"))
        if types.element_scalar(dtype).notation not in ATOMICS[op]:
            op, dtype = "atomic_add", sketch.main
        output, indices = _target(sketch, dtype)
        depth = dice.between(1, 3)
        value = sketch.result(dtype, depth) if n == 0 else sketch.expression(dtype, depth)
        atomic = sketch.atomic(op, output, indices, value)
        if dice.chance(30):
            yield If(sketch.condition(dice.between(1, 2)).node, (atomic,))
        else:
            yield atomic
