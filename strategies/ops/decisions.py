"""The choices that operations make: where their derivatives jump, or their values."""

from __future__ import annotations

import numpy as np

from strategies.ops.spec import Decision, Decisions, Rounding, Values


def below_zero(x: Values, *_: Values) -> list[Decision]:
    """Whether a value is negative: `abs`, `sign`."""
    return [Decision(x < 0, np.abs(x))]


def is_zero(x: Values) -> list[Decision]:
    """Whether a value is zero: `nonzero`."""
    return [Decision(x == 0, np.abs(x))]


def order(a: Values, b: Values) -> list[Decision]:
    """Which of two values is larger: `min`, `max`."""
    a, b = np.broadcast_arrays(a, b)
    with np.errstate(invalid="ignore"):
        return [Decision(np.sign(a.astype(np.float64) - b.astype(np.float64)), np.abs(a - b), meets=True)]


def clamped(x: Values, low: Values, high: Values) -> list[Decision]:
    """On which side of its bounds a value lies."""
    return order(x, low) + order(np.maximum(x, low), high)


def sign_of_second(x: Values, y: Values) -> list[Decision]:
    """The signs of both operands of `copysign`."""
    return [Decision(x < 0, np.abs(x), jumps=False), Decision(np.signbit(y), np.abs(y), by_sign=True)]


def branch_cut(y: Values, x: Values) -> list[Decision]:
    """On which side of the negative axis a point lies: `atan2`."""
    y, x = np.broadcast_arrays(y, x)
    return [Decision(np.signbit(y) & (x < 0), np.where(x < 0, np.abs(y), np.hypot(x, y)), by_sign=True)]


def integer_part(x: Values) -> list[Decision]:
    """Between which whole numbers a value lies: `floor`, `ceil`."""
    return [Decision(np.floor(x), np.abs(x - np.round(x)))]


def nearest_integer(x: Values) -> list[Decision]:
    """Which whole number is nearest: `round`."""
    return [Decision(np.floor(x + 0.5), np.abs(x - np.floor(x) - 0.5))]


def truncated(x: Values) -> list[Decision]:
    """The whole part of a value: `trunc`, `frac`, conversions to integers.  It is the same on both sides of zero."""
    size = np.abs(x)
    return [Decision(np.trunc(x), np.where(size < 0.5, 1 - size, np.abs(x - np.round(x))))]


def remainder(a: Values, b: Values) -> list[Decision]:
    """The whole part of a float quotient: `%`."""
    if a.dtype.kind != "f":
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        return truncated(a / b)


def quotient(r: Rounding, a: Values, b: Values) -> list[Decision]:
    """Between which whole numbers a float quotient lies once it is rounded: `//`."""
    if a.dtype.kind != "f":
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        found = a / b
        return [Decision(np.floor(r(found)), np.abs(found - np.round(found)))]


def place_of_extreme(v: Values, sign: int) -> Values:
    """The index of the smallest (`sign` 1) or the largest (`sign` -1) component that is a number; 0 if none is."""
    choose = np.argmin if sign > 0 else np.argmax
    if v.dtype.kind != "f":
        return np.asarray(choose(v, axis=-1))
    nan = np.isnan(v)
    found = choose(np.where(nan, sign * np.inf, v), axis=-1)
    missed = np.take_along_axis(nan, np.asarray(found)[..., None], axis=-1)[..., 0]
    # beside nothing but infinities, which stand for NaN above
    place: Values = np.where(missed, np.argmin(nan, axis=-1), found)
    return place


def extreme(v: Values, sign: int) -> list[Decision]:
    """Which component is the smallest (`sign` 1) or the largest (`sign` -1)."""
    if v.shape[-1] < 2:
        return []
    ordered = np.sort(sign * v.astype(np.float64), axis=-1)
    return [Decision(place_of_extreme(v, sign), ordered[..., 1] - ordered[..., 0], meets=True)]


def at_origin(v: Values, *_: Values) -> list[Decision]:
    """Whether a vector is zero, where its length has no derivative."""
    length = np.sqrt(np.sum(np.square(v.astype(np.float64)), axis=-1))
    return [Decision(length == 0, length)]


def beyond(a: Values, delta: Values) -> list[Decision]:
    """On which side of Huber's threshold a vector's length lies."""
    length = np.sqrt(np.sum(np.square(a.astype(np.float64)), axis=-1))
    return [Decision(length <= delta[..., 0], np.abs(length - delta[..., 0]))]


def or_components(order: Decisions, sign: int) -> Decisions:
    """The decisions of a function that takes two operands, or the components of one vector."""
    return lambda a, b=None: extreme(a, sign) if b is None else order(a, b)
