"""Where the arguments of operations may lie: defined, finite, of moderate size."""

from __future__ import annotations

from typing import Final

from strategies.intervals import Interval, symmetric
from strategies.language.types import Scalar
from strategies.ops.spec import Away, Domain

#: Values of moderate size keep rounding errors, and with them tolerances, small.
REACH: Final = {
    "float16": 64.0, "float32": 1000.0, "float64": 1000.0,
    "int8": 100, "int16": 10_000, "int32": 100_000, "int64": 1_000_000,
    "uint8": 255, "uint16": 65_535, "uint32": 2**32 - 1, "uint64": 2**64 - 1,
    "bool": 1,
}  # fmt: skip
#: Factors whose product stays within `REACH`.
FACTOR: Final = {
    "float16": 8.0, "float32": 30.0, "float64": 30.0,
    "int8": 10, "int16": 100, "int32": 300, "int64": 1000,
    "uint8": 255, "uint16": 255, "uint32": 2**32 - 1, "uint64": 2**64 - 1,
    "bool": 1,
}  # fmt: skip
#: A divisor's least magnitude: quotients grow by no more than this factor's inverse.
LEAST_DIVISOR: Final = 0.25


def reaching(dtype: Scalar, reach: float) -> Interval:
    """Values up to `reach` in magnitude."""
    return Interval(0 if dtype.kind in ("uint", "bool") else -reach, reach)


def anywhere(count: int) -> Domain:
    """Arguments of moderate size."""
    return lambda t: (reaching(t, REACH[t.notation]),) * count


def terms(count: int) -> Domain:
    """Terms whose sum is of moderate size."""
    return lambda t: (reaching(t, REACH[t.notation] / (1 if t.kind == "uint" else 2)),) * count


def factors(t: Scalar) -> tuple[Interval, ...]:
    """Two factors whose product is of moderate size."""
    return (reaching(t, FACTOR[t.notation]),) * 2


def division(t: Scalar) -> tuple[Interval | Away, ...]:
    """A dividend, and a divisor away from zero."""
    reach = REACH[t.notation]
    if t.is_float:
        return (symmetric(reach * LEAST_DIVISOR), Away(LEAST_DIVISOR, reach))
    return (reaching(t, reach), Away(1, reach))


def between(*pairs: tuple[float, float]) -> Domain:
    """Arguments within fixed bounds."""
    found = tuple(Interval(*pair) for pair in pairs)
    return lambda _: found


def whole(reach: float) -> Domain:
    """An argument up to `reach` in magnitude, or what its type can take."""
    return lambda t: (symmetric(min(reach, REACH[t.notation])),)


def positive(low: float) -> Domain:
    """An argument of at least `low`."""
    return lambda t: (Interval(low, REACH[t.notation]),)


def patterns(count: int) -> Domain:
    """Arguments of any bits."""
    return lambda t: (Interval(*t.limits),) * count


def shift_left(t: Scalar) -> tuple[Interval, ...]:
    """A value of which no bit is lost; an unsigned one may lose some, and wraps."""
    if t.kind == "uint":
        return (Interval(*t.limits), Interval(0, t.bits - 1))
    half = t.bits // 2
    return (Interval(0, 2 ** (half - 1) - 1), Interval(0, half - 1))


def shift_right(t: Scalar) -> tuple[Interval, ...]:
    """A value, and a shift within its width."""
    return (Interval(*t.limits), Interval(0, t.bits - 1))
