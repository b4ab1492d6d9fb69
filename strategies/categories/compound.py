"""Everything in one kernel: loops, branches, vectors, several types, stores and atomics."""

from collections.abc import Iterator

from strategies.language.nodes import If, Statement
from strategies.ops import ATOMICS
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("branch", "loop"))

WEIGHTS = Statements(define=5, reassign=2, augment=3, update=1, component=2, branch=3, loop=3, leave=1)


def body(sketch: Sketch) -> Iterator[Statement]:
    """Three to eight statements of all kinds, a store, and an atomic in half of the kernels."""
    dice = sketch.dice
    sketch.allow_integers(2)
    sketch.vectors = dice.chance(60)
    if dice.chance(40):
        sketch.scalar_parameter(sketch.main)
    output = sketch.output(sketch.main)
    if dice.chance(10):
        yield sketch.leave_early(output, 1)
    yield from sketch.block(dice.between(3, 8), WEIGHTS, dice.between(1, 3))
    if dice.chance(50):
        cells = dice.one_of((1, 2, 3))
        shared = sketch.output(sketch.main, shape=(cells,))
        op = dice.one_of(("atomic_add", "atomic_add", "atomic_max", "atomic_min", "atomic_sub"))
        if sketch.main.notation not in ATOMICS[op]:
            op = "atomic_add"
        atomic = sketch.atomic(op, shared, (sketch.group(cells),), sketch.expression(sketch.main, 2))
        yield If(sketch.condition(1).node, (atomic,)) if dice.chance(30) else atomic
    yield sketch.store(output, sketch.result(sketch.main, dice.between(1, 3)))
