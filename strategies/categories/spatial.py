"""Spatial vectors and matrices: twists, wrenches, their products, and their change between frames."""

from collections.abc import Iterator

from strategies import composites
from strategies.language import types
from strategies.language.nodes import Statement
from strategies.repertoire.screws import SCREWS
from strategies.statements import Sketch

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("component", "construct"))

#: What appears beside spatial vectors.
EXTRA = ((4, ""), (3, "mat66"), (4, "transform"))


def body(sketch: Sketch) -> Iterator[Statement]:
    """What people compute with twists and wrenches, or operations on spatial vectors, stored."""
    dice = sketch.dice
    forms = ["vec6", "vec3"]
    extra = dice.weighted(EXTRA)
    if extra:
        forms.append(extra)
    if extra == "transform":
        # Warp has those functions for float32 alone
        sketch.work_in(types.FLOAT32)
        yield from composites.body(sketch, [*forms, "quat"], ["vec6"], SCREWS)
        return
    main = ["vec6", *([extra] if extra == "mat66" else [])]
    yield from composites.body(sketch, [*forms, *(["mat33"] if extra == "mat66" else [])], main, SCREWS)
