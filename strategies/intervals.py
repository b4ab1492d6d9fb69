"""Interval arithmetic: between which values an expression stays, whatever the inputs.

The generator keeps an interval beside every expression it builds, so that a guard is written exactly
where an argument could leave the domain of an operation, and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple


class Interval(NamedTuple):
    """The closed interval from `low` to `high`."""

    low: float
    high: float

    def within(self, other: Interval) -> bool:
        """Whether every value of this interval lies in `other`."""
        return other.low <= self.low and self.high <= other.high

    def join(self, other: Interval) -> Interval:
        """The smallest interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))

    @property
    def is_point(self) -> bool:
        """Whether it holds one value alone."""
        return self.low == self.high

    @property
    def size(self) -> float:
        """The largest magnitude."""
        return max(abs(self.low), abs(self.high))


#: What holds of two values where a comparison does not, and what holds of them in the other order.
OPPOSITE: Final = {"<": ">=", ">": "<=", "<=": ">", ">=": "<", "==": "!=", "!=": "=="}
MIRRORED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def limited(own: Interval, op: str, limit: Interval, step: int) -> Interval:
    """Where a value in `own` lies that compares so with one in `limit`; `step` is 1 between whole numbers, else 0."""
    low, high = own
    match op:
        case "<":
            return Interval(low, min(high, limit.high - step))
        case "<=":
            return Interval(low, min(high, limit.high))
        case ">":
            return Interval(max(low, limit.low + step), high)
        case ">=":
            return Interval(max(low, limit.low), high)
        case "==":
            return Interval(max(low, limit.low), min(high, limit.high))
    if limit.is_point and low <= limit.low <= high:
        return Interval(low + step * (low == limit.low), high - step * (high == limit.high))
    return own


def width(of: Interval) -> int:
    """How many bits whole numbers between such ends have, without the one of a sign."""
    return max(int(of.high), -int(of.low) - 1, 0).bit_length()


Rule = Callable[..., Interval]

UNIT = Interval(-1.0, 1.0)
TRUTH = Interval(0, 1)


def symmetric(reach: float) -> Interval:
    """From ``-reach`` to ``reach``."""
    return Interval(-reach, reach)


def constant(low: float, high: float) -> Rule:
    """The rule of an operation whose result lies between fixed bounds."""
    found = Interval(low, high)
    return lambda *_: found


def below_zero(then: float, otherwise: float) -> Rule:
    """The rule of a function with one value for negative numbers, and another for all others."""

    def rule(a: Interval) -> Interval:
        if a.high < 0:
            return Interval(then, then)
        return Interval(otherwise, otherwise) if a.low >= 0 else _hull(then, otherwise)

    return rule


def add(a: Interval, b: Interval) -> Interval:
    """The sums."""
    return Interval(a.low + b.low, a.high + b.high)


def sub(a: Interval, b: Interval) -> Interval:
    """The differences."""
    return Interval(a.low - b.high, a.high - b.low)


def neg(a: Interval) -> Interval:
    """The negatives."""
    return Interval(-a.high, -a.low)


def same(a: Interval, *_: Interval) -> Interval:
    """The first argument, unchanged."""
    return a


def _hull(*values: float) -> Interval:
    return Interval(min(values), max(values))


def mul(a: Interval, b: Interval) -> Interval:
    """The products."""
    return _hull(a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high)


def div(a: Interval, b: Interval) -> Interval:
    """The quotients; `b` must not hold zero."""
    return _hull(a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high)


def floordiv(a: Interval, b: Interval) -> Interval:
    """The quotients, rounded down."""
    if all(isinstance(end, int) for end in (*a, *b)):
        # beyond 53 bits, doubles would round them up
        return _hull(*(int(x) // int(y) for x in a for y in b))
    quotient = div(a, b)
    return Interval(math.floor(quotient.low), math.floor(quotient.high))


def mod(a: Interval, b: Interval) -> Interval:
    """C's remainder: the sign of the dividend, smaller than the divisor and no larger than the dividend."""
    largest = min(a.size, b.size)
    return Interval(-largest if a.low < 0 else 0, largest if a.high > 0 else 0)


def absolute(a: Interval) -> Interval:
    """The magnitudes."""
    if a.low <= 0 <= a.high:
        return Interval(0, a.size)
    return _hull(abs(a.low), abs(a.high))


def minimum(a: Interval, b: Interval | None = None) -> Interval:
    """The smaller of two, or the smallest component of one."""
    if b is None:
        return a
    return Interval(min(a.low, b.low), min(a.high, b.high))


def maximum(a: Interval, b: Interval | None = None) -> Interval:
    """The larger of two, or the largest component of one."""
    if b is None:
        return a
    return Interval(max(a.low, b.low), max(a.high, b.high))


def clamp(a: Interval, low: Interval, high: Interval) -> Interval:
    """``min(max(low, a), high)``."""
    return minimum(maximum(low, a), high)


def copysign(a: Interval, b: Interval) -> Interval:
    """The magnitude of `a` with either sign."""
    return symmetric(a.size)


def monotone(function: Callable[[float], float]) -> Rule:
    """The rule of a function that only grows, or only falls."""
    return lambda a: _hull(function(a.low), function(a.high))


def power(a: Interval, b: Interval) -> Interval:
    """``a ** b`` for positive `a`."""
    return _hull(a.low**b.low, a.low**b.high, a.high**b.low, a.high**b.high)


def even(function: Callable[[float], float]) -> Rule:
    """The rule of an even function that grows away from zero."""

    def rule(a: Interval) -> Interval:
        magnitude = absolute(a)
        return _hull(function(magnitude.low), function(magnitude.high))

    return rule


def bits(a: Interval, b: Interval) -> Interval:
    """And, or, exclusive or of two integers: no wider than the wider operand's bits."""
    lows, highs = (int(a.low), int(b.low)), (int(a.high), int(b.high))
    width = max(*highs, *(-low - 1 for low in lows), 0).bit_length()
    return Interval(-(2**width) if min(lows) < 0 else 0, 2**width - 1)


def shift_left(a: Interval, b: Interval) -> Interval:
    """``a << b`` for non-negative operands."""
    return Interval(a.low * 2 ** int(b.low), a.high * 2 ** int(b.high))


def shift_right(a: Interval, b: Interval) -> Interval:
    """``a >> b``: towards zero, or to minus one."""
    return Interval(min(a.low, 0), max(a.high, 0))
