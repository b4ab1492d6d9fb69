"""Quaternions: products, rotations of vectors, conversions from and to angles, axes and matrices, interpolation."""

from collections.abc import Iterator

from strategies import composites
from strategies.language.nodes import Statement
from strategies.statements import Sketch

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("component", "construct"))


def body(sketch: Sketch) -> Iterator[Statement]:
    """Locals and operations on quaternions and vectors of three, then one more, stored."""
    dice = sketch.dice
    forms = ["quat", "vec3", *(["mat33"] if dice.chance(35) else [])]
    yield from composites.body(sketch, forms, ["quat"])
