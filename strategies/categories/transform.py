"""Rigid transformations: points and poses changed between frames, chained, compared, blended, moved, as matrices."""

from collections.abc import Iterator

from strategies import composites
from strategies.language.nodes import Statement
from strategies.repertoire.frames import FRAMES
from strategies.statements import Sketch

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("component", "construct"))


def body(sketch: Sketch) -> Iterator[Statement]:
    """What simulations and robots compute with frames, or operations on them, points and rotations, stored."""
    dice = sketch.dice
    forms = ["transform", "vec3", "quat", *(["mat44"] if dice.chance(30) else [])]
    yield from composites.body(sketch, forms, ["transform"], FRAMES)
