"""How a reference evaluation is laid out, and the random numbers it is fed.

Every value has three leading axes: *realisations* of rounding noise (the first one has none),
*perturbations* of the inputs (the first one has none), and *threads*.  A value that does not vary along
an axis has length one there.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]

#: Relative spacing of floats, halved: the largest relative error of one correctly rounded operation.
UNIT_ROUNDOFF: Final = {"float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
#: Spacing of the smallest floats: the largest absolute error that underflow adds to one operation.
UNDERFLOW: Final = {"float16": 2.0**-24, "float32": 2.0**-149, "float64": 2.0**-1074}


def any_component(found: Mask) -> Mask:
    """Of threads, or other things, with axes of components: whether it holds of some component of each."""
    return np.asarray(found.reshape(len(found), -1).any(axis=1))


def numbers_last(value: Values) -> Values:
    """A value with its numbers on a fourth axis, of length one if it is a number."""
    return value if value.ndim == 4 else value[..., None]


def uniform(label: str, count: int) -> NDArray[np.float64]:
    """`count` numbers in [0, 1), multiples of 2**-32, determined by `label` alone.

    A hash stretched to length, not a library's generator: streams of NumPy's generators may change
    between releases, and a stored seed must give the same inputs for ever.
    """
    words = np.frombuffer(hashlib.shake_128(label.encode()).digest(4 * count), dtype="<u4")
    return words.astype(np.float64) * 2.0**-32
