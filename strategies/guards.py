"""What brings an argument into the domain of an operation: clamps, factors, absolute values, remainders."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Final

import numpy as np

from strategies import intervals
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Apply, Component, Construct, Element, Expression, Literal, Name
from strategies.language.types import Composite, Matrix, Scalar, Transform, Type, Vector
from strategies.leaves import Leaves
from strategies.ops import FACTOR, OPS, Away, Dominant, OpSpec, Rotation, Scaled, Unit, overload
from strategies.ops.spec import Place
from strategies.typed import Typed, representable

#: How much of a scale a matrix has where its scales are to be found again.
SCALES: Final = Interval(0.25, 4.0)
#: A smaller factor would leave nothing of most values.
SMALLEST_SCALE: Final = 1 / 1024
#: What people multiply with, and add, where decimals may stand; no type but float16 holds one of the latter below its
#: value.
SCALES_WRITTEN: Final = (0.5, 0.25, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
LEAST_WRITTEN: Final = (0.001, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0)
#: Of 100 whole numbers that are kept from zero, how many are kept below it: divisions round either way.
NEGATIVE: Final = 12
#: What is added to keep a divisor from zero.
ADDED: Final = (0.1, 0.25, 0.5, 0.75, 1.0, 2.0)
#: What people take remainders of.
DIVISORS: Final = (
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    10,
    12,
    16,
    20,
    32,
    50,
    64,
    100,
    128,
    256,
    500,
    512,
    1000,
    1024,
    4096,
    10000,
    32768,
)


class Guards(Leaves):
    """Wraps expressions in what a person would write where they could leave a domain."""

    @abstractmethod
    def apply(self, row: OpSpec, of: Type, arguments: list[Typed]) -> Typed:
        """``row(*arguments)``, each argument fitted to the row's domain."""

    def fit(self, value: Typed, domain: Place) -> Typed:
        """`value`, wrapped in a guard if it could leave `domain`."""
        match domain:
            case Away():
                return self._fit_away(value, domain)
            case Unit():
                return self.unit(value)
            case Dominant():
                return self._fit_dominant(value, domain)
            case Rotation():
                return self.rotation(value.type)
            case Scaled():
                return self.scaled(value.type)
        if value.interval.within(domain):
            return value
        scalar = types.element_scalar(value.type)
        if scalar.is_integer:
            # of a domain for numbers of every type, what this one can hold
            domain = representable(domain, scalar)
        if isinstance(value.node, Literal) and isinstance(value.type, Scalar):
            return self.literal(value.type, domain)
        choices = []
        if scalar.is_float:
            choices = self._float_guards(value, domain)
        elif scalar.is_integer and isinstance(value.type, Scalar):
            choices = self._remainder(value, domain)
        if isinstance(value.type, Composite) and not isinstance(value.type, Vector):
            return self._shrunk(value, domain)
        # a clamp far inside the interval would hold nearly every value, and end every gradient
        saturates = value.interval.size > self.weights.expressions.saturation * max(domain.size, 1.0)
        if choices and (saturates or not self.dice.chance(25)):
            return self.dice.one_of(choices)
        return self.clamp(value, domain)

    def _remainder(self, value: Typed, domain: Interval) -> list[Typed]:
        """``x % n``, which has the sign of `value`, where both signs that it may have fit into `domain`."""
        negative = value.interval.low < 0
        most = min(domain.high, -domain.low) if negative else domain.high if domain.low <= 0 else 0
        largest = min(most + 1, types.element_scalar(value.type).limits[1])
        divisor = max((n for n in DIVISORS if n <= largest), default=0)
        if not divisor:
            return []
        node = Apply(value.type, "mod", (value.node, self._constant(value.type, divisor)))
        return [Typed(node, Interval(1 - divisor if negative else 0, divisor - 1))]

    def _float_guards(self, value: Typed, domain: Interval) -> list[Typed]:
        """Ways in which a person would bring a float into `domain`."""
        if domain.low > 0 or (domain.low == 0 and value.interval.low < 0):
            return self._raised(value, domain)
        found = self._squashed(value, domain)
        if domain.low < 0 < domain.high:
            found += self._scaled(value, domain)
        return found

    def _squashed(self, value: Typed, domain: Interval) -> list[Typed]:
        """``wp.sin(x)`` and its like, where minus one to one is inside `domain`."""
        of = value.type
        if not isinstance(of, Scalar) or not intervals.UNIT.within(domain):
            return []
        found = []
        for name in ("sin", "cos", "tanh"):
            inside = OPS[name].domain(of)[0]
            if isinstance(inside, Interval) and value.interval.within(inside):
                found.append(Typed(Apply(of, name, (value.node,)), intervals.UNIT, value.live))
        return found

    def _raised(self, value: Typed, domain: Interval) -> list[Typed]:
        """``wp.abs(x) + c``, ``x * x + c`` or ``wp.max(x, c)``, for a domain of positive values."""
        found = []
        of, (low, high), size = value.type, value.interval, value.interval.size
        least = self._least(domain.low, types.element_scalar(of))
        bound = self._constant(of, least)
        if size + least <= domain.high:
            magnitude = Apply(of, "abs", (value.node,))
            total = Apply(of, "add", (magnitude, bound)) if least else magnitude
            found.append(Typed(total, Interval(least, size + least), value.live))
        factor = FACTOR[types.element_scalar(of).notation]
        short = isinstance(value.node, Name | Element | Component)
        if short and isinstance(of, Scalar) and size <= factor and size * size + least <= domain.high:
            square = Apply(of, "mul", (value.node, value.node))
            total = Apply(of, "add", (square, bound)) if least else square
            found.append(Typed(total, Interval(least, size * size + least), value.live))
        if high <= domain.high and low < least <= high:
            raised = Apply(of, "max", (value.node, bound))
            found.append(Typed(raised, Interval(least, high), value.live and high > least))
        return found

    def _shrunk(self, value: Typed, domain: Interval) -> Typed:
        """A matrix or its like times what brings all its numbers into `domain`, which has no other guards."""
        ratio = min(domain.size, -domain.low, domain.high) / value.interval.size
        scale = max(2.0 ** math.floor(math.log2(ratio)), 2.0**-20) if ratio > 0 else 0.0
        factor = self._constant(types.element_scalar(value.type), scale)
        self.nodes += 2
        low, high = value.interval
        node = Apply(value.type, "mul", (value.node, factor))
        return Typed(node, Interval(low * scale, high * scale), value.live and scale > 0)

    def _scaled(self, value: Typed, domain: Interval) -> list[Typed]:
        """``x * 0.25``, with a power of two that brings `value` inside."""
        low, high = value.interval
        ratio = min(
            domain.high / high if high > domain.high else 1.0,
            domain.low / low if low < domain.low else 1.0,
        )
        scale = 2.0 ** math.floor(math.log2(ratio))
        if self._writes_decimals(value.type):
            scale = max((s for s in SCALES_WRITTEN if np.float32(s) <= ratio), default=0.0)
        if scale < SMALLEST_SCALE:
            return []
        factor = self._constant(types.element_scalar(value.type), scale)
        scaled = Apply(value.type, "mul", (value.node, factor))
        return [Typed(scaled, Interval(low * scale, high * scale), value.live)]

    def clamp(self, value: Typed, domain: Interval) -> Typed:
        """`value` held between the ends of `domain`."""
        scalar = types.element_scalar(value.type)
        low, high = self._ends(domain, scalar)
        low_node, high_node = self._constant(value.type, low), self._constant(value.type, high)
        if isinstance(value.type, Scalar):
            node: Expression = Apply(value.type, "clamp", (value.node, low_node, high_node))
        else:
            raised = Apply(value.type, "max", (value.node, low_node))
            node = Apply(value.type, "min", (raised, high_node))
        self.nodes += 3
        held = intervals.clamp(value.interval, Interval(low, low), Interval(high, high))
        return Typed(node, held, value.live and not held.is_point)

    def _writes_decimals(self, of: Type) -> bool:
        return self.decimals and types.element_scalar(of).bits >= 32

    def _least(self, low: float, scalar: Scalar) -> float:
        """A number to write for the lower end of a domain, not below it."""
        if self._writes_decimals(scalar) and low > 0:
            return next((number for number in LEAST_WRITTEN if number >= low), _round_up(low))
        return _round_up(low)

    def _ends(self, domain: Interval, scalar: Scalar) -> tuple[float, float]:
        """The ends of `domain` as literals of a type."""
        if not scalar.is_float:
            low, high = scalar.limits
            return max(math.ceil(domain.low), low), min(math.floor(domain.high), high)
        if self._writes_decimals(scalar):
            low, high = _inwards(domain.low, up=True), _inwards(domain.high, up=False)
            if low < high:
                return low, high
        return domain.low, domain.high

    def _fit_away(self, value: Typed, domain: Away) -> Typed:
        low, high = value.interval
        scalar = types.element_scalar(value.type)
        if (low >= domain.least or high <= -domain.least) and value.interval.size <= domain.reach:
            return value
        least = domain.least if scalar.is_float else 1
        of = value.type
        if isinstance(of, Composite) and not isinstance(of, Vector):
            part = self._fit_away(self._component_of(value), domain)
            return Typed(self.filled(of, part.node), part.interval, part.live)
        if isinstance(value.node, Literal) and isinstance(of, Scalar):
            return self.literal(of, Interval(max(least, 0.25) if scalar.is_float else 2, min(domain.reach, 5)))
        if scalar.is_float or scalar.is_signed:
            positive = self.fit(value, symmetric(domain.reach - 1))
            if scalar.is_integer and self.dice.chance(NEGATIVE):
                self.nodes += 2
                if positive.interval.low > -2:
                    # where the smaller of it and -1 would be -1
                    node = Apply(of, "sub", (self._constant(of, -2), positive.node))
                    return Typed(node, Interval(-2 - positive.interval.high, -2 - positive.interval.low), value.live)
                node = Apply(of, "min", (positive.node, self._constant(of, -1)))
                return Typed(node, Interval(min(positive.interval.low, -1), -1), value.live)
            if self.dice.chance(60):
                added = 1.0
                if scalar.is_float:
                    exact = ADDED if self._writes_decimals(of) else ADDED[1:]
                    added = self.dice.one_of([a for a in exact if a > least] or [_round_up(least) + 0.25])
                magnitude = Apply(of, "abs", (positive.node,))
                node = Apply(of, "add", (magnitude, self._constant(of, added)))
                self.nodes += 3
                return Typed(node, Interval(added, positive.interval.size + added), value.live)
            value = positive
        node = Apply(of, "max", (value.node, self._constant(of, least)))
        self.nodes += 2
        return Typed(node, Interval(least, max(value.interval.high, least)), value.live)

    def unit(self, value: Typed) -> Typed:
        """`value` divided by its length; of a transformation the rotation."""
        of, node = value.type, value.node
        if isinstance(node, Apply) and overload(node.op, node.argument_types).unit:
            return value
        if not isinstance(of, Transform):
            return self.apply(overload("normalize", (of,)), of, [value])
        if isinstance(node, Construct) and len(node.arguments) == 2:
            return value
        parts = [
            self.apply(OPS[f"transform_get_{part}"], result, [value])
            for part, result in (("translation", types.vector(3, of.dtype)), ("rotation", types.quaternion(of.dtype)))
        ]
        parts[1] = self.unit(parts[1])
        self.nodes += 1
        return Typed(Construct(of, tuple(p.node for p in parts)), value.interval.join(intervals.UNIT), value.live)

    def _fit_dominant(self, value: Typed, domain: Dominant) -> Typed:
        """`value` made small, plus a multiple of the identity."""
        of = value.type
        assert isinstance(of, Matrix)
        inner = self.fit(value, symmetric(domain.reach))
        size = of.rows * domain.reach + 1.0
        vector = types.vector(of.rows, of.dtype)
        diagonal = Apply(of, "diag", (self._constant(vector, size),))
        self.nodes += 3
        total = Apply(of, "add", (inner.node, diagonal))
        return Typed(total, Interval(-domain.reach, domain.reach + size), value.live)

    def rotation(self, of: Type) -> Typed:
        """A rotation matrix, out of an element of an array."""
        assert isinstance(of, Matrix)
        source = types.quaternion(of.dtype) if of.rows == 3 else types.transform(of.dtype)
        row = OPS["quat_to_matrix" if of.rows == 3 else "transform_to_matrix"]
        return self.apply(row, of, [self.element(source)])

    def scaled(self, of: Type) -> Typed:
        """A translation, a rotation and positive scales as one matrix, out of elements of arrays."""
        assert isinstance(of, Matrix)
        vector = types.vector(3, of.dtype)
        scales = self.fit(self.element(vector), SCALES)
        parts = [self.element(vector), self.element(types.quaternion(of.dtype)), scales]
        return self.apply(OPS["transform_compose"], of, parts)


def _round_up(value: float) -> float:
    """`value`, on the next multiple of 1/16: a literal that every float type holds."""
    return math.ceil(value * 16) / 16


def _inwards(value: float, up: bool) -> float:
    """A decimal that people write, on one side of `value` and beside it; or `value`, if that is short itself."""
    if float(value * 4).is_integer():
        return value
    step = math.ceil(value * 20) if up else math.floor(value * 20)
    found = float(np.float32(step / 20))
    return step / 20 if (found >= value if up else found <= value) else value
