"""Vectors of two to four components: arrays, locals, constructors, components, products, norms."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.ops import OPS, ROWS
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("component", "construct", "assign component"))

WEIGHTS = Statements(define=6, reassign=2, augment=2, component=3)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to five statements over vectors, then a vector or a scalar result."""
    dice = sketch.dice
    sketch.vectors = True
    sketch.palette = sketch.palette.union(dice.some_of([r.name for r in ROWS if r.group == "Vector Math"], 5))
    sketch.max_arrays = 3
    yield from sketch.block(dice.between(0, 4), WEIGHTS, dice.between(1, 3))
    if dice.chance(15):
        yield from sketch.branch(WEIGHTS, 2)
    of = sketch.vector_type(sketch.main) if dice.chance(55) else sketch.main
    value = sketch.result(of, dice.between(1, 4))
    if of is sketch.main and not sketch.touches_vectors:
        vector = sketch.vector_type(sketch.main)
        row = OPS[dice.one_of(("dot", "length_sq", "length"))]
        arguments = [sketch.expression(vector, 1) for _ in row.signatures[0].arguments]
        value = sketch.plus(value, sketch.apply(row, of, arguments))
    yield sketch.store(sketch.output(of), value)
