"""An expression with what is known of its values, and the interval that an operation leaves."""

from __future__ import annotations

from typing import NamedTuple

from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Expression
from strategies.language.types import Scalar, Type


class Typed(NamedTuple):
    """An expression, between which values it lies, and whether it has a derivative that is not zero."""

    node: Expression
    interval: Interval
    live: bool = False

    @property
    def type(self) -> Type:
        """The type of the expression."""
        return self.node.type


def representable(interval: Interval, of: Scalar) -> Interval:
    """What of an interval a type can hold."""
    low, high = of.limits
    return Interval(max(interval.low, low), min(interval.high, high))


def held(interval: Interval, of: Type) -> Interval:
    """The interval of a result: unsigned integers wrap, so that leaving the range means any value."""
    scalar = types.element_scalar(of)
    if scalar.kind == "uint" and not interval.within(Interval(*scalar.limits)):
        return Interval(*scalar.limits)
    return interval
