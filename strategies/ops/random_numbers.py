"""Random numbers: Warp documents the generator (PCG, as Jarzynski and Olano 2020 give it), so that results are exact.

Points of triangles, disks and balls are uniform by inverse transform sampling (Devroye 1986; triangles: Turk, Graphics
Gems 1990).  Which draw stands for which coordinate no text of Warp's says: here it is the order of its native header
`rand.h`, as of 1.19.  A release that draws otherwise would fail `tests/test_ops.py` before it fails a kernel.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from strategies import intervals
from strategies.intervals import Interval
from strategies.ops.poisson import poisson, poisson_decisions, poisson_steps
from strategies.ops.random_generator import WORD, advanced, unit
from strategies.ops.signatures import Signature
from strategies.ops.spec import OpSpec, Rounding, Values

_ANY_WORD: Final = Interval(0, 2**32 - 1)
_ANY_SEED: Final = Interval(-(2**31), 2**31 - 1)
#: What keeps the logarithm's argument away from zero: about the spacing of what `randf` gives.
_ABOVE_ZERO: Final = float(np.float32(5.96e-8))
#: Two pi, and a third, as floats of 32 bits: an angle is a draw times the one, a radius one to the power of the other.
_TURN: Final = float(np.float32(2 * np.pi))
_THIRD: Final = float(np.float32(1) / np.float32(3))
#: The largest rate of a Poisson variate: more takes no other way through the code.
_RATE: Final = 30.0


def seeded(seed: Values, offset: Values | None = None) -> Values:
    """The state of a seed, and of one of its streams."""
    word = seed.astype(np.uint32)
    if offset is not None:
        word = word + advanced(offset.astype(np.uint32))
    return advanced(word)


def _whole(state: Values, low: Values | None = None, high: Values | None = None) -> Values:
    word = advanced(state)
    if low is None or high is None:
        return word
    span = (high.astype(np.int64) - low).astype(np.uint32)
    return (word % np.maximum(span, np.uint32(1))).astype(np.int64) + low


def _between(r: Rounding, state: Values, low: Values, high: Values) -> Values:
    """``low + (high - low) * randf(state)``"""
    return r(r(r(high - low) * unit(state)) + low)


def _normal(r: Rounding, state: Values) -> Values:
    """Box and Muller's transform of two draws."""
    radius = r(np.sqrt(-2 * r(np.log(r(unit(state) + _ABOVE_ZERO)))))
    return r(radius * r(np.cos(_angle(r, advanced(state)))))


def _to_int(state: Values, low: Values | None = None, high: Values | None = None) -> Values:
    found: Values = _whole(state, low, high).astype(np.uint32 if low is None else np.int64)
    return found.astype(np.int32)


# ---------------------------------------------------------------- points


def _angle(r: Rounding, state: Values) -> Values:
    """A draw as an angle."""
    return r(_TURN * unit(state))


def _triangle(r: Rounding, state: Values) -> Values:
    """``(1 - sqrt(a), b * sqrt(a))``"""
    root = r(np.sqrt(unit(state)))
    return np.stack([r(1 - root), r(root * unit(advanced(state)))], axis=-1)


def _ring(r: Rounding, state: Values) -> Values:
    angle = _angle(r, state)
    return np.stack([r(np.cos(angle)), r(np.sin(angle))], axis=-1)


def _disk(r: Rounding, state: Values) -> Values:
    """A point of the circle times a radius whose square is uniform."""
    return r(_ring(r, advanced(state)) * r(np.sqrt(unit(state)))[..., None])


def _on_sphere(r: Rounding, state: Values, height: int) -> Values:
    """A point whose third coordinate is uniform (Archimedes), from `height` below one to one, and so is its angle."""
    above = 1 - height * unit(state)
    tilt = r(np.arccos(above))
    around = _ring(r, advanced(state))
    return np.concatenate([r(around * r(np.sin(tilt))[..., None]), r(np.cos(tilt))[..., None]], axis=-1)


def _in_ball(r: Rounding, state: Values, height: int) -> Values:
    """A point of the surface times a radius whose cube is uniform."""
    radius = r(unit(advanced(advanced(state))) ** _THIRD)
    return r(_on_sphere(r, state, height) * radius[..., None])


def centred(state: Values, count: int) -> Values:
    """A draw less one half for each coordinate: exact, for draws are multiples of a power of two."""
    found = []
    for _ in range(count):
        found.append(unit(state) - 0.5)
        state = advanced(state)
    return np.stack(found, axis=-1)


# ---------------------------------------------------------------- rows


def _row(
    name: str, arguments: tuple[str, ...], result: str, interval: Interval, *places: Interval, **more: Any
) -> OpSpec:
    return OpSpec(
        name=name,
        group="Random",
        signatures=(Signature(arguments, result, (WORD,)),),
        interval=intervals.constant(*interval),
        domain=lambda _: places,
        differentiable=False,
        **{"exact": True, "advances": 1, "flat": True, **more},
    )


def _point(name: str, count: int, draws: int, low: float, high: float, **more: Any) -> OpSpec:
    """A row that gives a point, made of `draws` draws, each coordinate between `low` and `high`."""
    return _row(
        f"sample_{name}", (WORD,), f"vec{count}<float32>", Interval(low, high), _ANY_WORD, advances=draws,
        **{"composite": True, "exact": False, "ulps": 4.0, **more},
    )  # fmt: skip


ROWS: Final[tuple[OpSpec, ...]] = (
    _row("rand_init", ("int32",), WORD, _ANY_WORD, _ANY_SEED, reference=seeded, advances=0),
    _row("rand_init", ("int32", "int32"), WORD, _ANY_WORD, _ANY_SEED, _ANY_SEED, reference=seeded, advances=0),
    _row("randi", (WORD,), "int32", _ANY_SEED, _ANY_WORD, reference=_to_int),
    _row("randi", (WORD, "int32", "int32"), "int32", Interval(-100, 99), _ANY_WORD, Interval(-100, 0),
         Interval(1, 100), reference=_to_int),
    _row("randu", (WORD,), WORD, _ANY_WORD, _ANY_WORD, reference=_whole),
    _row("randu", (WORD, WORD, WORD), WORD, Interval(0, 199), _ANY_WORD, Interval(0, 100),
         Interval(101, 200), reference=_whole),
    _row("randf", (WORD,), "float32", Interval(0, 1), _ANY_WORD, reference=unit),
    _row("randf", (WORD, "float32", "float32"), "float32", Interval(-4, 4), _ANY_WORD, Interval(-4, 0),
         Interval(0.5, 4), reference=_between, composite=True, exact=False, flat=False),
    _row("randn", (WORD,), "float32", Interval(-6, 6), _ANY_WORD, reference=_normal, composite=True, exact=False,
         advances=2),
    _row("poisson", (WORD, "float32"), WORD, Interval(0, 4 * _RATE), _ANY_WORD, Interval(0, _RATE),
         reference=poisson, composite=True, advances=poisson_steps, decisions=poisson_decisions, jumps=True,
         decides_on_the_way=True),
    _point("triangle", 2, 2, 0, 1, reference=_triangle),
    _point("unit_ring", 2, 1, -1, 1, reference=_ring),
    _point("unit_disk", 2, 2, -1, 1, reference=_disk),
    _point("unit_sphere_surface", 3, 2, -1, 1, reference=lambda r, state: _on_sphere(r, state, 2)),
    _point("unit_sphere", 3, 3, -1, 1, reference=lambda r, state: _in_ball(r, state, 2)),
    _point("unit_hemisphere_surface", 3, 2, -1, 1, reference=lambda r, state: _on_sphere(r, state, 1)),
    _point("unit_hemisphere", 3, 3, -1, 1, reference=lambda r, state: _in_ball(r, state, 1)),
    *(
        _point(name, count, count, -0.5, 0.5, composite=False, exact=True, ulps=0.0,
               reference=lambda state, count=count: centred(state, count))
        for name, count in (("unit_square", 2), ("unit_cube", 3))
    ),
)  # fmt: skip
