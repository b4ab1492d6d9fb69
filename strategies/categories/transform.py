"""Rigid transformations: composed, inverted, applied to points and vectors, taken apart, as matrices."""

from collections.abc import Iterator

from strategies import composites
from strategies.language.nodes import Statement
from strategies.statements import Sketch

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("component", "construct"))


def body(sketch: Sketch) -> Iterator[Statement]:
    """Locals and operations on transformations, points and rotations, then one more, stored."""
    dice = sketch.dice
    forms = ["transform", "vec3", "quat", *(["mat44"] if dice.chance(30) else [])]
    yield from composites.body(sketch, forms, ["transform"])
