"""Random numbers: Warp documents the generator (PCG, as Jarzynski and Olano 2020 give it), so that results are exact.

Which point of a disk or a sphere a state gives is not documented, but that one on a circle or a sphere has length one
is.  The algorithm behind `wp.poisson` and noise is not documented.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from strategies import intervals
from strategies.intervals import Interval
from strategies.ops.signatures import Signature
from strategies.ops.spec import OpSpec, Rounding, Values

_WORD: Final = ("uint32",)
_ANY_WORD: Final = Interval(0, 2**32 - 1)
_ANY_SEED: Final = Interval(-(2**31), 2**31 - 1)
#: What keeps the logarithm's argument away from zero: the spacing of what `randf` gives.
_SPACING: Final = 2.0**-24


def advanced(state: Values) -> Values:
    """The next state: one step of a linear congruential generator, then PCG's output permutation."""
    word = state.astype(np.uint32)
    with np.errstate(over="ignore"):
        stepped = word * np.uint32(747796405) + np.uint32(2891336453)
        mixed = ((stepped >> ((stepped >> np.uint32(28)) + np.uint32(4))) ^ stepped) * np.uint32(277803737)
    found: Values = (mixed >> np.uint32(22)) ^ mixed
    return found


def _seeded(seed: Values, offset: Values | None = None) -> Values:
    word = seed.astype(np.uint32)
    if offset is not None:
        word = word + advanced(offset.astype(np.uint32))
    return advanced(word)


def _unit(state: Values) -> Values:
    """The upper 24 bits as a fraction."""
    found: Values = (advanced(state) >> np.uint32(8)).astype(np.float64) * _SPACING
    return found


def _whole(state: Values, low: Values | None = None, high: Values | None = None) -> Values:
    word = advanced(state)
    if low is None or high is None:
        return word
    span = (high.astype(np.int64) - low).astype(np.uint32)
    return (word % np.maximum(span, np.uint32(1))).astype(np.int64) + low


def _between(r: Rounding, state: Values, low: Values, high: Values) -> Values:
    """``low + (high - low) * randf(state)``"""
    return r(r(r(high - low) * _unit(state)) + low)


def _normal(r: Rounding, state: Values) -> Values:
    """Box and Muller's transform of two draws."""
    radius = r(np.sqrt(-2 * r(np.log(r(_unit(state) + _SPACING)))))
    return r(radius * r(np.cos(r(2 * np.pi * _unit(advanced(state))))))


def _row(
    name: str, arguments: tuple[str, ...], result: str, interval: Interval, *places: Interval, **more: Any
) -> OpSpec:
    return OpSpec(
        name=name,
        group="Random",
        signatures=(Signature(arguments, result, _WORD),),
        interval=intervals.constant(*interval),
        domain=lambda _: places,
        differentiable=False,
        **{"exact": True, "advances": 1, "flat": True, **more},
    )


def _to_int(state: Values, low: Values | None = None, high: Values | None = None) -> Values:
    found: Values = _whole(state, low, high).astype(np.uint32 if low is None else np.int64)
    return found.astype(np.int32)


def _some_point(count: int) -> Callable[[Rounding, Values], Values]:
    """Some vector of length one: which one is not documented, so that its length alone is used."""
    return lambda r, state: r(np.broadcast_to(np.full(count, count**-0.5), (*state.shape[:3], count)))


ROWS: Final[tuple[OpSpec, ...]] = (
    _row("rand_init", ("int32",), "uint32", _ANY_WORD, _ANY_SEED, reference=_seeded, advances=0),
    _row("rand_init", ("int32", "int32"), "uint32", _ANY_WORD, _ANY_SEED, _ANY_SEED, reference=_seeded, advances=0),
    _row("randi", ("uint32",), "int32", _ANY_SEED, _ANY_WORD, reference=_to_int),
    _row("randi", ("uint32", "int32", "int32"), "int32", Interval(-100, 99), _ANY_WORD, Interval(-100, 0),
         Interval(1, 100), reference=_to_int),
    _row("randu", ("uint32",), "uint32", _ANY_WORD, _ANY_WORD, reference=_whole),
    _row("randu", ("uint32", "uint32", "uint32"), "uint32", Interval(0, 199), _ANY_WORD, Interval(0, 100),
         Interval(101, 200), reference=_whole),
    _row("randf", ("uint32",), "float32", Interval(0, 1), _ANY_WORD, reference=_unit),
    _row("randf", ("uint32", "float32", "float32"), "float32", Interval(-4, 4), _ANY_WORD, Interval(-4, 0),
         Interval(0.5, 4), reference=_between, composite=True, exact=False, flat=False),
    _row("randn", ("uint32",), "float32", Interval(-6, 6), _ANY_WORD, reference=_normal, composite=True, exact=False,
         advances=2),
    *(
        OpSpec(name=f"sample_unit_{name}", group="Random",
               signatures=(Signature(("uint32",), f"vec{n}<float32>", _WORD),), reference=_some_point(n),
               interval=intervals.constant(-1, 1), domain=lambda _: (_ANY_WORD,), composite=True,
               ulps=4.0, through="length", differentiable=False, flat=True)
        for name, n in (("ring", 2), ("sphere_surface", 3), ("hemisphere_surface", 3))
    ),
)  # fmt: skip
