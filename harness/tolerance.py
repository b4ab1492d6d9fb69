"""How far apart two right answers may be.

The tolerance of a result follows from the program: the spread of the reference over realisations of
rounding noise, times a safety factor, plus the rounding of the result itself.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.lanes import UNDERFLOW, UNIT_ROUNDOFF, Values

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


def forward_tolerance(runs: Values, dtype: str) -> Values:
    """The tolerance of results, from their values in each realisation (realisations first)."""
    spread = np.max(np.abs(runs - runs[0]), axis=0)
    own = UNIT_ROUNDOFF[dtype] * np.abs(runs[0]) + UNDERFLOW[dtype]
    tolerance: Values = SAFETY * spread + RESULT_ROUNDINGS * own
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
