"""Built-ins whose text is more than a name and arguments that are values: those with numbers behind them.

Warp takes axes only where they are constants, and has no derivative by the octaves of noise, so such numbers belong to
the operation: ``quat_from_euler_210`` is ``wp.quat_from_euler(e, 2, 1, 0)``.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from strategies.language import types
from strategies.language.types import FLOAT32, INT32, Scalar

_AXES: Final = re.compile(r"(quat_(?:from|to)_euler)_([012])([012])([012])")
_OCTAVES: Final = re.compile(r"(curlnoise)_([123])")
#: The factors of frequencies and of amplitudes for each number of octaves: Warp's own, and others.
FACTORS: Final = {1: (2.0, 0.5), 2: (2.0, 0.5), 3: (1.5, 0.75)}


class Further(NamedTuple):
    """A number behind the arguments of a call: its text and its type."""

    text: str
    type: Scalar


def spelled(op: str) -> tuple[str, tuple[Further, ...]]:
    """The name that Warp has for an operation, and the numbers that are written behind its arguments."""
    axes, octaves = _AXES.fullmatch(op), _OCTAVES.fullmatch(op)
    if axes is not None:
        return axes[1], tuple(Further(axis, INT32) for axis in axes.groups()[1:])
    if octaves is not None:
        count = Further(f"wp.uint32({octaves[2]})", types.scalar("uint32"))
        return octaves[1], (count, *(Further(f"{factor}", FLOAT32) for factor in FACTORS[int(octaves[2])]))
    return op, ()
