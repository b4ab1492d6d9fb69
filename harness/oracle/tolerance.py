"""How far apart two right answers may be.

The tolerance of a result follows from the program: the spread of the reference over realisations of
rounding noise, times a safety factor, plus the rounding of the result itself.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.oracle.lanes import UNDERFLOW, UNIT_ROUNDOFF, Values

#: The spread of four realisations underestimates the worst case; measured over 9,600 results of healthy
#: Warp, a factor of 8 left none outside.
SAFETY: Final = 8.0
#: Roundings of a result that are not an operation of the program: loads, stores, sums of adjoints.
RESULT_ROUNDINGS: Final = 4.0
#: A result whose tolerance is a larger share of its size than this proves nothing: it counts as unchecked.
CEILING: Final = {"float16": 5e-2, "float32": 1e-3, "float64": 1e-6}
#: Results much smaller than the largest beside them (of the array, or of all gradients) are held to a share
#: of that one's size.
SMALL: Final = 0.01


#: The share of an array's cells whose spread may be no more than a chance.  The noise of doubles is of the size of
#: their own rounding: of 20,000 programs one had a cell in which all realisations agreed, and the result was off by
#: four roundings; the quarter of its neighbours that differed least did so by eight.
BY_CHANCE: Final = 0.25


def spread(runs: Values, dtype: str) -> Values:
    """By how much results differ between realisations (realisations first).

    Of doubles by no less of a cell's size than in the cell that differs least but for `BY_CHANCE` of the array's.
    """
    found: Values = np.max(np.abs(runs - runs[0]), axis=0)
    size = np.abs(runs[0])
    usual = (size > 0) & np.isfinite(size) & np.isfinite(found)
    if dtype != "float64" or not usual.any():
        return found
    with np.errstate(over="ignore"):
        relative = np.sort(found[usual] / size[usual])
        least = relative[int(BY_CHANCE * relative.size)]
        return np.where(usual, np.maximum(found, least * size), found)


def forward_tolerance(runs: Values, dtype: str) -> Values:
    """The tolerance of results, from their values in each realisation (realisations first)."""
    own = UNIT_ROUNDOFF[dtype] * np.abs(runs[0]) + UNDERFLOW[dtype]
    tolerance: Values = SAFETY * spread(runs, dtype) + RESULT_ROUNDINGS * own
    return tolerance


def largest(values: Values) -> float:
    """The largest finite magnitude."""
    magnitude = np.abs(values)
    return float(np.max(magnitude, initial=0.0, where=np.isfinite(magnitude)))


def sizes(values: Values, scale: float) -> Values:
    """The size that each value is judged by: its own, or a share of `scale`, the largest beside it."""
    found: Values = np.maximum(np.abs(values), SMALL * scale)
    return found


def _smallest(dtype: str) -> float:
    """The smallest normal number of a float type: below it, spacing does not shrink with size any more."""
    return float(np.finfo(dtype).tiny)


def sharp(tolerance: Values, values: Values, dtype: str, scale: float) -> Values:
    """Whether each tolerance is small enough for the comparison to mean something."""
    size = np.maximum(sizes(values, scale), _smallest(dtype))
    return np.isfinite(tolerance) & (tolerance <= CEILING[dtype] * size)
