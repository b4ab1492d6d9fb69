"""Quaternions: orientations integrated, compared, blended, chained, of and as angles and matrices, vectors turned."""

from collections.abc import Iterator

from strategies import composites
from strategies.language.nodes import Statement
from strategies.repertoire.rotations import ROTATIONS
from strategies.statements import Sketch

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("component", "construct"))


def body(sketch: Sketch) -> Iterator[Statement]:
    """What people compute with orientations, or operations on quaternions and vectors of three, stored."""
    dice = sketch.dice
    forms = ["quat", "vec3", *(["mat33"] if dice.chance(35) else [])]
    yield from composites.body(sketch, forms, ["quat"], ROTATIONS)
