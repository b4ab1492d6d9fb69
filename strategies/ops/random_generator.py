"""The random generator of Warp: PCG, as Jarzynski and Olano (2020) give it, and its draws as fractions."""

from __future__ import annotations

from typing import Final

import numpy as np

from strategies.ops.spec import Values

#: The type of a state.
WORD: Final = "uint32"
#: The spacing of fractions: 24 bits of a state.
SPACING: Final = 2.0**-24


def advanced(state: Values) -> Values:
    """The next state: one step of a linear congruential generator, then PCG's output permutation."""
    word = state.astype(np.uint32)
    with np.errstate(over="ignore"):
        stepped = word * np.uint32(747796405) + np.uint32(2891336453)
        mixed = ((stepped >> ((stepped >> np.uint32(28)) + np.uint32(4))) ^ stepped) * np.uint32(277803737)
    found: Values = (mixed >> np.uint32(22)) ^ mixed
    return found


def after(state: Values, steps: int | Values) -> Values:
    """The state after some steps, as many in each lane as `steps` says."""
    for n in range(int(np.max(steps))):
        state = np.where(n < np.asarray(steps), advanced(state), state)
    return state


def unit(state: Values) -> Values:
    """The upper 24 bits of the next state as a fraction."""
    found: Values = (advanced(state) >> np.uint32(8)).astype(np.float64) * SPACING
    return found
