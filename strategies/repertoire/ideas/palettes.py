"""Operations by how often people use them."""

from __future__ import annotations

from typing import Final

from strategies.inputs import STAPLES
from strategies.statements import Sketch

#: What most kernels are made of, beside sums and products: smooth functions, and some with an edge, where a gradient
#: cannot be checked.
SMOOTH: Final = ("sqrt", "exp", "sin", "cos", "div", "tanh", "log", "pow")
EDGED: Final = ("abs", "min", "max", "clamp", "floor")


def common(sketch: Sketch, few: int = 3, rare: int = 2) -> frozenset[str]:
    """Some common operations and, of what the kernel's palette holds besides, a few."""
    dice = sketch.dice
    own = dice.some_of(SMOOTH, dice.between(few, few + 3)) + dice.some_of(EDGED, dice.between(0, 2))
    others = dice.some_of(sorted(sketch.palette - STAPLES - {*SMOOTH, *EDGED, "where"}), dice.between(0, rare))
    return STAPLES.union(own, others)
