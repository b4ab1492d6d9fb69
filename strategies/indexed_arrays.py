"""Indexed arrays among a kernel's parameters.

While a kernel is drawn, an indexed array is a parameter like any other array, of the shape that it shows to the kernel;
in the end its parts stand in its place.
"""

from __future__ import annotations

from typing import Final

import msgspec

from strategies.intervals import Interval
from strategies.language import types
from strategies.language.indexed import data_of, places_of
from strategies.language.nodes import IndexedParameter, Parameter
from strategies.language.types import INT32, Scalar, Vector
from strategies.statements import Sketch

#: Of 100 axes, how many are indexed; one is for certain.
INDEXED: Final = 52
#: Of 100 arrays of places that need not, how many hold each place once: a subset rather than a gather.
DISTINCT: Final = 50
#: Cells that an indexed axis of the data has beyond those that are picked from it.
LEFT_OUT: Final = (0, 1, 2, 3, 5)


def indexed_array(
    sketch: Sketch, dtype: Scalar | Vector, shape: tuple[int, ...], interval: Interval, output: bool = False
) -> Parameter:
    """A new parameter that picks an array of `shape` out of a larger one, along some of its axes.

    The places of one that is written are distinct, so that no two threads write one cell.
    """
    dice = sketch.dice
    whole = sketch.array(dtype, shape, interval, output)
    sure = dice.below(len(shape))
    axes = [axis for axis in range(len(shape)) if axis == sure or dice.chance(INDEXED)]
    extents = list(shape)
    places = []
    for axis in axes:
        distinct = output or dice.chance(DISTINCT)
        extents[axis] = shape[axis] + dice.one_of(LEFT_OUT)
        if not distinct and dice.chance(40):
            extents[axis] = dice.between(2, 5)
        places.append(
            Parameter(
                places_of(whole.name, axis),
                types.array(INT32),
                0,
                extents[axis] - 1,
                (shape[axis],),
                distinct=distinct,
            )
        )
    data = msgspec.structs.replace(whole, name=data_of(whole.name), shape=tuple(extents))
    sketch.indexed[whole.name] = (data, *places)
    return whole


def indexed_parameters(sketch: Sketch) -> tuple[IndexedParameter, ...]:
    """The indexed arrays among the parameters."""
    return tuple(
        IndexedParameter(name, tuple(int(p.name[-1]) for p in parts[1:])) for name, parts in sketch.indexed.items()
    )
