"""Vectors of two to four components: reflections, distances, forces, motions, products, norms, components."""

from collections.abc import Iterator

from strategies.composites import computed, finish, undivided
from strategies.language.nodes import Node, Statement, walk
from strategies.language.types import Vector
from strategies.ops import OPS, ROWS
from strategies.repertoire.directions import DIRECTIONS
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("component", "construct", "assign component"))

WEIGHTS = Statements(define=6, reassign=2, augment=2, component=3)

#: Of 100 kernels, how many are one of the computations that people write with vectors, and not drawn freely.
COMPUTED = 76


def body(sketch: Sketch) -> Iterator[Statement]:
    """What simulations and shaders compute with vectors, or one to four statements over them and a result."""
    dice = sketch.dice
    sketch.vectors = True
    sketch.palette = sketch.palette.union(dice.some_of([r.name for r in ROWS if r.group == "Vector Math"], 5))
    sketch.max_arrays = 3
    sketch.mixture = undivided(sketch)
    if sketch.main.bits > 16 and dice.chance(COMPUTED):
        length = dice.one_of((3, 3, 2, 4))
        yield from computed(sketch, DIRECTIONS, (length, length))
        return
    yield from sketch.block(dice.between(1, 3), WEIGHTS, dice.between(1, 2))
    if dice.chance(15):
        yield from sketch.branch(WEIGHTS, 2)
    of = sketch.vector_type(sketch.main) if dice.chance(55) else sketch.main
    value = sketch.expression(of, dice.between(1, 2))
    if of is sketch.main and not _has_vectors(value.node):
        vector = sketch.vector_type(sketch.main)
        row = OPS[dice.one_of(("dot", "length_sq", "length"))]
        arguments = [sketch.expression(vector, 1) for _ in row.signatures[0].arguments]
        value = sketch.plus(value, sketch.apply(row, of, arguments))
    yield from finish(sketch, value)


def _has_vectors(node: Node) -> bool:
    return any(isinstance(getattr(part, "type", None), Vector) for part in walk(node))
