"""Perlin noise: a gradient at each point of a lattice, and between those a smooth mixture of their planes.

The mixture is that of Perlin, "Improving noise", SIGGRAPH 2002: ``t**3 * (t * (t * 6 - 15) + 10)``.  How points of the
lattice choose their gradients Warp documents to change between releases and devices: here a point is hashed with large
primes (Teschner et al. 2003) as in Warp's native header `noise.h` of 1.19, on the CPU and in its CUDA sources alike.  A
release that does it otherwise would fail `tests/test_ops.py` before it fails a kernel.

Curl noise is the curl of such a field, of three in space, over several octaves (Bridson et al. 2007).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from strategies import intervals
from strategies.intervals import Interval, symmetric
from strategies.language.spellings import FACTORS
from strategies.ops import algebra
from strategies.ops.matrix_math import row
from strategies.ops.random_generator import WORD, unit
from strategies.ops.random_numbers import centred, seeded
from strategies.ops.signatures import Signature
from strategies.ops.spec import Decision, Decisions, OpSpec, Rounding, Values

_PRIMES: Final = tuple(map(np.uint32, (73856093, 19349663, 53471161, 10000019)))
#: With which offsets the state of one field of curl noise becomes that of the next.
_FIELDS: Final = (10019689, 13112221)
_ANY_WORD: Final = Interval(0, 2**32 - 1)
#: How far coordinates reach: a few cells of the lattice.
_REACH: Final = 6.0
_PERIOD: Final = Interval(1, 9)
#: The largest magnitude of a derivative in one octave, and of the derivative of that, by one coordinate.
_SLOPE, _BEND = 8.5, 24.0
#: How large a term of such a derivative is, mostly.
_TERM = 3.0


class _Field(NamedTuple):
    """A value, and its gradient."""

    value: Values
    gradient: Values


def _hash(state: Values, cell: tuple[Values, ...]) -> Values:
    """The state of a lattice point."""
    with np.errstate(over="ignore"):
        parts = [at.astype(np.int64).astype(np.uint32) * prime for at, prime in zip(cell, _PRIMES, strict=False)]
        found = parts[-1] + state.astype(np.uint32)
        for part in parts[:-1]:
            found = found ^ part
    return found


def _gradient(r: Rounding, state: Values, cell: tuple[Values, ...]) -> Values:
    """The gradient of a lattice point: of length one, but along a line between minus one and one."""
    point = _hash(state, cell)
    if len(cell) == 1:
        return (2 * unit(point) - 1)[..., None]
    found = centred(point, len(cell))
    return r(found / algebra.length(r, found)[..., None])


def _field(r: Rounding, state: Values, x: Values, periods: tuple[Values, ...] = ()) -> _Field:
    """The noise at `x`, whose last axis are the coordinates."""
    count = x.shape[-1]
    low = np.floor(x)
    within = r(x - low)
    sides = []
    for n in range(count):
        first, second = low[..., n], low[..., n] + 1
        if periods:
            first = np.fmod(first, periods[n])
            second = np.fmod(first + 1, periods[n])
        sides.append((first, second))
    # all corners at once, in the order of their coordinates: those of a half differ from the other's in the first
    corners = np.array(list(itertools.product((0, 1), repeat=count)))
    cells = tuple(np.stack([sides[n][side] for side in corners[:, n]], axis=-1) for n in range(count))
    gradient = _gradient(r, state[..., None], cells)
    offset = r(within[..., None, :] - corners.astype(x.dtype))
    found = _Field(algebra.dot(r, offset, gradient), gradient)
    for axis in range(count):
        share, slope = (of[..., None] for of in _smooth(r, within[..., axis]))
        half = found.value.shape[-1] // 2
        first_half = _Field(found.value[..., :half], found.gradient[..., :half, :])
        second_half = _Field(found.value[..., half:], found.gradient[..., half:, :])
        found = _mixed(r, first_half, second_half, axis, share, slope)
    return _Field(found.value[..., 0], found.gradient[..., 0, :])


def _smooth(r: Rounding, t: Values) -> tuple[Values, Values]:
    """Perlin's mixture at `t`, and its derivative."""
    share = r(r(r(t * t) * t) * r(r(t * r(r(t * 6) - 15)) + 10))
    slope = r(r(30 * r(t * t)) * r(r(t * r(t - 2)) + 1))
    return share, slope


def _mixed(r: Rounding, a: _Field, b: _Field, axis: int, share: Values, slope: Values) -> _Field:
    difference = r(b.value - a.value)
    value = r(r(difference * share) + a.value)
    gradient = r(r(r(b.gradient - a.gradient) * share[..., None]) + a.gradient)
    along = np.zeros(gradient.shape[-1], gradient.dtype)
    along[axis] = 1
    return _Field(value, r(gradient + r(difference * slope)[..., None] * along))


# ---------------------------------------------------------------- built-ins


def _coordinates(x: Values) -> Values:
    return x if x.ndim > 3 else x[..., None]


def _noise(r: Rounding, state: Values, x: Values, *periods: Values) -> Values:
    return _field(r, state, _coordinates(x), periods).value


def _octaves(octaves: int, frequency: float, amplitude: float) -> list[tuple[float, float]]:
    """The frequency and the amplitude of each octave."""
    return [(frequency**n, amplitude**n) for n in range(octaves)]


def _curl(octaves: list[tuple[float, float]]) -> Callable[..., Values]:
    def reference(r: Rounding, state: Values, x: Values) -> Values:
        plane = x.shape[-1] == 2
        # what a slope of a field is made of is mostly of this size, and cancels
        size = x.dtype.type(_TERM * sum(amplitude for _, amplitude in octaves))
        sums = [np.zeros((), x.dtype)] * (1 if plane else 3)
        for frequency, amplitude in octaves:
            at = r(x * x.dtype.type(frequency))
            for n in range(len(sums)):
                found = _field(r, state, at).gradient
                sums[n] = r(sums[n] + r(x.dtype.type(amplitude) * found))
                if n < len(sums) - 1:
                    state = seeded(state, np.asarray(_FIELDS[n]))
        if plane:
            (one,) = sums
            return algebra.beside(r, np.stack([-one[..., 1], one[..., 0]], axis=-1), size)
        one, two, three = sums
        pairs = ((three[..., 1], two[..., 2]), (one[..., 2], three[..., 0]), (two[..., 0], one[..., 1]))
        return algebra.beside(r, np.stack([r(a - b) for a, b in pairs], axis=-1), size)

    return reference


def _cells(frequencies: tuple[float, ...] = (1.0,)) -> Decisions:
    """In which cell of the lattice a point is: there the higher derivatives jump, never the value."""

    def decisions(state: Values, x: Values, *_: Values) -> list[Decision]:
        places = [_coordinates(x) * f for f in frequencies]
        return [Decision(np.floor(at), np.abs(at - np.round(at)), jumps=False) for at in places]

    return decisions


def _slopes(size: float) -> Callable[..., tuple[Values, ...]]:
    """Derivatives are sums of terms of up to `size`, which cancel; a state and periods have none."""

    def noise(state: Values, x: Values, *periods: Values) -> tuple[Values, ...]:
        none = np.zeros(())
        lanes = np.full(x.shape[:3], 6 * size)
        return (np.broadcast_to(none, state.shape[:3]), lanes, *(np.broadcast_to(none, p.shape[:3]) for p in periods))

    return noise


def _coordinate(count: int) -> str:
    return "float32" if count == 1 else f"vec{count}<float32>"


ROWS: Final[tuple[OpSpec, ...]] = (
    *(
        row("noise", _noise, (Signature((WORD, _coordinate(n)), "float32", (WORD,)),), intervals.constant(-2, 2),
            lambda _: (_ANY_WORD, symmetric(_REACH)), "Random", decisions=_cells(), adjoint_noise=_slopes(_SLOPE))
        for n in (1, 2, 3, 4)
    ),
    *(
        row("pnoise", _noise, (Signature((WORD, _coordinate(n), *("int32",) * n), "float32", (WORD,)),),
            intervals.constant(-2, 2), lambda _: (_ANY_WORD, Interval(0, 2 * _REACH), *(_PERIOD,) * 4), "Random",
            decisions=_cells(), adjoint_noise=_slopes(_SLOPE))
        for n in (1, 2, 3, 4)
    ),
    *(
        row(name, _curl(octaves), (Signature((WORD, f"vec{n}<float32>"), f"vec{min(n, 3)}<float32>", (WORD,)),),
            intervals.constant(*symmetric(2 * _SLOPE * sum(a for _, a in octaves))),
            lambda _: (_ANY_WORD, symmetric(_REACH)), "Random", decisions=_cells(tuple(f for f, _ in octaves)),
            adjoint_noise=_slopes(_BEND * sum(f * a for f, a in octaves)), spelling_of="curlnoise")
        for name, octaves in ((f"curlnoise_{n}", _octaves(n, *factors)) for n, factors in FACTORS.items())
        for n in (2, 3, 4)
    ),
)  # fmt: skip
