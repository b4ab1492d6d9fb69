"""THE table: one row for each operator and built-in function of Warp.

A row says what the generator, the reference, the tolerance and the coverage report need to know.  Its
reference comes from Warp's documentation or from mathematics and is checked against an independent
high-precision source; it is never fitted to what Warp computes.

References take NumPy arrays whose last axis, for vectors, runs over the components.  In native mode they
see arrays of the kernel's own precision, otherwise float64.  A scalar beside a vector arrives with a
last axis of length one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from strategies import intervals
from strategies.intervals import Interval, Rule, symmetric
from strategies.language import types
from strategies.language.types import Scalar, Type, Vector

Values: TypeAlias = NDArray[Any]
#: Rounds, or perturbs, an intermediate result of a reference that is made of several operations.
Rounding: TypeAlias = Callable[[Values], Values]


# ---------------------------------------------------------------- signatures


class Signature(NamedTuple):
    """Argument and result patterns over the type lattice.

    ``T`` is one scalar type out of `over`, ``V`` a vector of `lengths` components of type ``T``;
    anything else is the notation of a type.
    """

    arguments: tuple[str, ...]
    result: str
    over: tuple[str, ...]
    lengths: tuple[int, ...] = (2, 3, 4)

    def resolve(self, arguments: Sequence[Type]) -> Type | None:
        """The result type for these argument types, or None if they do not match."""
        if len(arguments) != len(self.arguments):
            return None
        bound: dict[str, Type] = {}
        for pattern, given in zip(self.arguments, arguments, strict=True):
            if not self._bind(pattern, given, bound):
                return None
        return bound[self.result] if self.result in bound else types.parse(self.result)

    def _bind(self, pattern: str, given: Type, bound: dict[str, Type]) -> bool:
        if pattern == "V":
            if not isinstance(given, Vector) or given.length not in self.lengths:
                return False
            if not self._bind("T", given.dtype, bound):
                return False
            return bound.setdefault("V", given) is given
        if pattern == "T":
            if not isinstance(given, Scalar) or given.notation not in self.over:
                return False
            return bound.setdefault("T", given) is given
        return given.notation == pattern

    def instances(self, result: Type) -> list[tuple[Type, ...]]:
        """Every tuple of argument types that gives `result`."""
        found = []
        for name in self.over:
            dtype = types.scalar(name)
            vectors = [types.vector(n, dtype) for n in self.lengths] if "V" in self._patterns else [None]
            for vector in vectors:
                bound: dict[str, Type] = {"T": dtype}
                if vector is not None:
                    bound["V"] = vector
                if self._instance(self.result, bound) is result:
                    found.append(tuple(self._instance(p, bound) for p in self.arguments))
        return list(dict.fromkeys(found))

    @property
    def _patterns(self) -> tuple[str, ...]:
        return (*self.arguments, self.result)

    def _instance(self, pattern: str, bound: dict[str, Type]) -> Type:
        return bound[pattern] if pattern in bound else types.parse(pattern)


# ---------------------------------------------------------------- decisions


class Decision(NamedTuple):
    """A choice that an operation makes, and how far its operands are from making another."""

    choice: Values
    distance: Values


Decisions: TypeAlias = Callable[..., list[Decision]]


def _below_zero(x: Values, *_: Values) -> list[Decision]:
    return [Decision(x < 0, np.abs(x))]


def _is_zero(x: Values) -> list[Decision]:
    return [Decision(x == 0, np.abs(x))]


def _order(a: Values, b: Values) -> list[Decision]:
    a, b = np.broadcast_arrays(a, b)
    with np.errstate(invalid="ignore"):
        return [Decision(np.sign(a.astype(np.float64) - b.astype(np.float64)), np.abs(a - b))]


def _clamped(x: Values, low: Values, high: Values) -> list[Decision]:
    return _order(x, low) + _order(np.maximum(x, low), high)


def _sign_of_second(x: Values, y: Values) -> list[Decision]:
    return [*_below_zero(x), Decision(np.signbit(y), np.abs(y))]


def _integer_part(x: Values) -> list[Decision]:
    return [Decision(np.floor(x), np.abs(x - np.round(x)))]


def _nearest_integer(x: Values) -> list[Decision]:
    return [Decision(np.floor(x + 0.5), np.abs(x - np.floor(x) - 0.5))]


def _quotient(a: Values, b: Values) -> list[Decision]:
    if a.dtype.kind != "f":
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        return _integer_part(a / b)


def _extreme(v: Values, sign: int) -> list[Decision]:
    if v.shape[-1] < 2:
        return []
    ordered = np.sort(sign * v.astype(np.float64), axis=-1)
    chosen = np.argmin(v, axis=-1) if sign > 0 else np.argmax(v, axis=-1)
    return [Decision(chosen, ordered[..., 1] - ordered[..., 0])]


def _at_origin(v: Values, *_: Values) -> list[Decision]:
    length = np.sqrt(np.sum(np.square(v.astype(np.float64)), axis=-1))
    return [Decision(length == 0, length)]


# ---------------------------------------------------------------- rows

Domain: TypeAlias = Callable[[Scalar], tuple["Interval | Away", ...]]


class Away(NamedTuple):
    """Every value up to `reach` whose magnitude is at least `least`."""

    least: float
    reach: float


@dataclass(frozen=True, kw_only=True)
class OpSpec:
    """What is known of one operator or built-in function."""

    #: the name in Warp's registry
    name: str
    #: the group of Warp's documentation
    group: str
    signatures: tuple[Signature, ...]
    #: the value, from the arguments' values
    reference: Callable[..., Values]
    #: between which values the result lies, given those between which the arguments lie
    interval: Rule
    #: where each argument may lie so that the result is defined, finite and of moderate size
    domain: Domain
    #: whether `reference` takes a `Rounding` first, for the operations that it is made of
    composite: bool = False
    #: whether IEEE 754 (or integer arithmetic) fixes the result to the last bit
    exact: bool = False
    #: bound of the error on CPU in units in the last place: 0 where the result is always a float itself (`abs`),
    #: 0.5 where it is correctly rounded (`add`), more where the C library is not that good; by type where it
    #: differs.  Measured by `benchmarks/accuracy.py`
    ulps: float | Mapping[str, float] = 0.5
    #: below this magnitude the error does not shrink with the result any more
    error_floor: float = 0.0
    #: bound of the error on CUDA devices: the CUDA programming guide's tables for float32, float64
    cuda_ulps: float = 0.5
    #: where the derivative jumps
    decisions: Decisions | None = None
    #: whether the value jumps there too
    jumps: bool = False
    #: whether what is decided upon was itself rounded: the quotient, for ``a // b``
    decides_on_rounded: bool = False
    #: for each argument, how far off its partial derivative may be, in units roundoff, because the formula for
    #: it cancels; None where the derivative is as accurate as the value
    adjoint_noise: Callable[..., tuple[Values, ...]] | None = None
    #: whether Warp's documentation says that it is differentiable
    differentiable: bool = True
    #: whether the derivative is zero wherever it exists, so that a missing adjoint is no loss
    flat: bool = False
    #: where Warp's text differs from the registry's name: ``**`` is `pow`
    spelling_of: str | None = None

    def error(self, of: Type) -> float:
        """The bound of the error on CPU for results of type `of`, in units in the last place."""
        if not types.element_scalar(of).is_float:
            return 0.0
        if isinstance(self.ulps, float):
            return self.ulps
        return self.ulps[types.element_scalar(of).notation]

    def result_interval(self, of: Type, *arguments: Interval) -> Interval:
        """Between which values a result of type `of` lies; quotients of integers are truncated."""
        found = self.interval(*arguments)
        if types.element_scalar(of).is_integer:
            return Interval(math.trunc(found.low), math.trunc(found.high))
        return found

    def result(self, arguments: Sequence[Type]) -> Type | None:
        """The result type, or None if no signature takes these arguments."""
        for signature in self.signatures:
            found = signature.resolve(arguments)
            if found is not None:
                return found
        return None


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


def _low(dtype: Scalar, reach: float) -> Interval:
    return Interval(0 if dtype.kind in ("uint", "bool") else -reach, reach)


def _any(count: int) -> Domain:
    return lambda t: (_low(t, REACH[t.notation]),) * count


def _terms(count: int) -> Domain:
    return lambda t: (_low(t, REACH[t.notation] / (1 if t.kind == "uint" else 2)),) * count


def _factors(t: Scalar) -> tuple[Interval, ...]:
    return (_low(t, FACTOR[t.notation]),) * 2


def _division(t: Scalar) -> tuple[Interval | Away, ...]:
    reach = REACH[t.notation]
    if t.is_float:
        return (symmetric(reach * LEAST_DIVISOR), Away(LEAST_DIVISOR, reach))
    return (_low(t, reach), Away(1, reach))


def _between(*pairs: tuple[float, float]) -> Domain:
    found = tuple(Interval(*pair) for pair in pairs)
    return lambda _: found


def _whole(reach: float) -> Domain:
    return lambda t: (symmetric(min(reach, REACH[t.notation])),)


def _positive(low: float) -> Domain:
    return lambda t: (Interval(low, REACH[t.notation]),)


def _shift_left(t: Scalar) -> tuple[Interval, ...]:
    half = t.bits // 2
    return (Interval(0, 2 ** (half - 1) - 1), Interval(0, half - 1))


def _shift_right(t: Scalar) -> tuple[Interval, ...]:
    return (_low(t, REACH[t.notation]), Interval(0, t.bits - 1))


FLOAT: Final = types.FLOATS
INT: Final = types.INTEGERS
NUMBER: Final = INT + FLOAT


def _scalar(arity: int, over: tuple[str, ...], result: str = "T") -> Signature:
    return Signature(("T",) * arity, result, over)


def _vector(arity: int, over: tuple[str, ...] = FLOAT, result: str = "V") -> Signature:
    return Signature(("V",) * arity, result, over)


# ---------------------------------------------------------------- references


def _elementwise(function: Callable[[float], float]) -> Callable[[Values], Values]:
    """A float64 function of the standard library, over arrays."""
    over_arrays = np.frompyfunc(function, 1, 1)

    def reference(x: Values) -> Values:
        found: Values = np.asarray(over_arrays(x.astype(np.float64)), dtype=np.float64)
        return found

    return reference


_erf = _elementwise(math.erf)
_erfc = _elementwise(math.erfc)


def _inverse_erf(y: Values) -> Values:
    """Winitzki's approximation, then Newton's method on erf, which doubles the digits each time."""
    y = y.astype(np.float64)
    x: Values
    with np.errstate(all="ignore"):
        log = np.log1p(-y * y)
        half = 2 / (math.pi * 0.147) + log / 2
        x = np.copysign(np.sqrt(np.sqrt(half * half - log / 0.147) - half), y)
        for _ in range(4):
            residual = np.where(np.abs(y) < 0.5, _erf(x) - y, np.sign(y) * ((1 - np.abs(y)) - _erfc(np.abs(x))))
            step = residual * (math.sqrt(math.pi) / 2) * np.exp(x * x)
            x = x - step / (1 + x * step)
    return x


def _inverse_erfc(y: Values) -> Values:
    """The inverse of erfc, by Newton's method on the smaller of erfc(x) and erfc(-x)."""
    y = y.astype(np.float64)
    small = np.minimum(y, 2 - y)
    with np.errstate(all="ignore"):
        x = _inverse_erf(1 - small)
        for _ in range(3):
            step = (_erfc(x) - small) * (math.sqrt(math.pi) / 2) * np.exp(x * x)
            x = x + step / (1 - x * step)
    return np.where(y <= 1, x, -x)


def _truncated_division(a: Values, b: Values) -> Values:
    if a.dtype.kind == "f":
        return a / b
    quotient = np.floor_divide(a, b)
    truncated: Values = (quotient + ((quotient < 0) & (quotient * b != a))).astype(a.dtype)
    return truncated


def _floor_division(a: Values, b: Values) -> Values:
    return np.floor(a / b) if a.dtype.kind == "f" else np.floor_divide(a, b)


def _round_away(x: Values) -> Values:
    whole = np.trunc(np.abs(x))
    rounded: Values = np.copysign(whole + np.where(np.abs(x) - whole >= 0.5, 1, 0), x)
    return rounded


def _bit_count(x: Values) -> Values:
    unsigned = x.view(f"u{x.dtype.itemsize}").astype(np.uint64)
    count = np.zeros(x.shape, np.int32)
    for bit in range(8 * x.dtype.itemsize):
        count += ((unsigned >> np.uint64(bit)) & np.uint64(1)).astype(np.int32)
    return count


def _clamp(x: Values, low: Values, high: Values) -> Values:
    if x.dtype.kind == "f":
        return np.fmin(np.fmax(low, x), high)
    return np.minimum(np.maximum(low, x), high)


def _minimum(a: Values, b: Values | None = None) -> Values:
    smaller = np.fmin if a.dtype.kind == "f" else np.minimum
    found: Values = smaller.reduce(a, axis=-1) if b is None else smaller(a, b)
    return found


def _maximum(a: Values, b: Values | None = None) -> Values:
    larger = np.fmax if a.dtype.kind == "f" else np.maximum
    found: Values = larger.reduce(a, axis=-1) if b is None else larger(a, b)
    return found


def _or_components(order: Decisions, sign: int) -> Decisions:
    """The decisions of a function that takes two operands, or the components of one vector."""
    return lambda a, b=None: _extreme(a, sign) if b is None else order(a, b)


def _degrees(x: Values) -> Values:
    found: Values = x * x.dtype.type(180 / math.pi)
    return found


def _radians(x: Values) -> Values:
    found: Values = x * x.dtype.type(math.pi / 180)
    return found


def _sum(r: Rounding, terms: Values) -> Values:
    total = terms[..., 0]
    for n in range(1, terms.shape[-1]):
        total = r(total + terms[..., n])
    return total


def _dot(r: Rounding, a: Values, b: Values) -> Values:
    return _sum(r, r(a * b))


def _length_squared(r: Rounding, a: Values) -> Values:
    return _dot(r, a, a)


def _length(r: Rounding, a: Values) -> Values:
    return r(np.sqrt(_dot(r, a, a)))


def _normalize(r: Rounding, a: Values) -> Values:
    length = _length(r, a)[..., None]
    return r(np.where(length > 0, a / np.where(length > 0, length, 1), 0).astype(a.dtype))


def _cross(r: Rounding, a: Values, b: Values) -> Values:
    left = r(a[..., [1, 2, 0]] * b[..., [2, 0, 1]])
    right = r(a[..., [2, 0, 1]] * b[..., [1, 2, 0]])
    return r(left - right)


def _l1(r: Rounding, a: Values) -> Values:
    return _sum(r, np.abs(a))


def _huber(r: Rounding, a: Values, delta: Values) -> Values:
    length, delta = _length(r, a), delta[..., 0]
    inside = r(0.5 * _dot(r, a, a))
    outside = r(delta * r(length - r(0.5 * delta)))
    return np.where(length <= delta, inside, outside)


def _pseudo_huber(r: Rounding, a: Values, delta: Values) -> Values:
    delta = delta[..., 0]
    return r(delta * r(np.sqrt(r(1 + r(_dot(r, a, a) / r(delta * delta))))))


def _smooth_normalize(r: Rounding, a: Values, delta: Values) -> Values:
    return r(a / _pseudo_huber(r, a, delta)[..., None])


def _beyond(a: Values, delta: Values) -> list[Decision]:
    length = np.sqrt(np.sum(np.square(a.astype(np.float64)), axis=-1))
    return [Decision(length <= delta[..., 0], np.abs(length - delta[..., 0]))]


def _one_minus_square(x: Values) -> tuple[Values, ...]:
    """tanh' is computed as 1 - tanh(x)**2: off by up to about four units roundoff, however small it is."""
    return (np.full(x.shape, 4.0),)


def _root_of_one_minus_square(x: Values) -> tuple[Values, ...]:
    """asin' is computed as 1 / sqrt(1 - x**2): the difference's error, through the root."""
    slope = 1 / np.sqrt(np.maximum(1 - x * x, 1e-9))
    return (2 * slope**3,)


def _projection(a: Values) -> tuple[Values, ...]:
    """normalize's derivative is a difference of two terms of the size of the inverse length."""
    length = np.sqrt(np.sum(a * a, axis=-1, keepdims=True))
    return (np.broadcast_to(8 / np.maximum(length, 1e-9), a.shape),)


def _sign(x: Values) -> Values:
    return np.where(x < 0, -1, 1).astype(x.dtype)


def _integer(function: Callable[[Values], Values]) -> Callable[[Values], Values]:
    return lambda x: np.asarray(function(x), dtype=np.uint32)


# ---------------------------------------------------------------- the table

_SCALAR_MATH, _OPERATORS, _VECTOR_MATH = "Scalar Math", "Operators", "Vector Math"
_TURN = (-10.0, 10.0)
_GROWS = intervals.monotone
#: A bound for the float functions of the C library that Warp links on CPU, and for those of CUDA.
_LIBM: Final[dict[str, Any]] = {
    "ulps": {"float16": 1.0, "float32": 2.0, "float64": 2.0},
    "cuda_ulps": 4.0,
}

#: In float64 both come from one approximation with an absolute error: 113 units in the last place were measured
#: away from zero, and 7e-17 at results of 1e-6, which is 7e5 units there.
_INVERSE_ERF_ULPS: Final = {"float16": 1.0, "float32": 2.0, "float64": 256.0}


def _math(
    name: str, function: Callable[..., Values], interval: Rule, domain: Domain, arity: int = 1, **more: Any
) -> OpSpec:
    """A row of the scalar maths group over floats."""
    return OpSpec(
        name=name,
        group=_SCALAR_MATH,
        signatures=(_scalar(arity, FLOAT),),
        reference=function,
        interval=interval,
        domain=domain,
        **{**_LIBM, **more},
    )


def _stepwise(name: str, function: Callable[[Values], Values], decisions: Decisions) -> OpSpec:
    """A row of a function that rounds to a whole number."""
    return _math(
        name,
        function,
        lambda a: Interval(math.floor(a.low), math.ceil(a.high)),
        _whole(REACH["float32"]),
        exact=True,
        ulps=0.0,
        decisions=decisions,
        jumps=True,
        differentiable=False,
        flat=True,
    )


#: Lanes have three axes (see `harness/lanes.py`); a vector's components are a fourth.
_LANE_AXES = 3


def _predicate(name: str, function: Callable[[Values], Values], combine: Callable[..., Any]) -> OpSpec:
    """A row of a test of a float, or of all or any of a vector's components."""

    def reference(x: Values) -> Values:
        found = function(x)
        combined: Values = combine(found, axis=-1) if x.ndim > _LANE_AXES else found
        return combined

    return OpSpec(
        name=name,
        group=_SCALAR_MATH,
        signatures=(_scalar(1, FLOAT, "bool"), _vector(1, FLOAT, "bool")),
        reference=reference,
        interval=intervals.constant(0, 1),
        domain=_any(1),
        exact=True,
        differentiable=False,
        flat=True,
    )


def _operator(name: str, function: Callable[..., Values], interval: Rule, domain: Domain, **more: Any) -> OpSpec:
    return OpSpec(
        name=name,
        group=_OPERATORS,
        reference=function,
        interval=interval,
        domain=domain,
        exact=more.pop("exact", True),
        **more,
    )


def _bitwise(name: str, function: Callable[..., Values], interval: Rule, domain: Domain, arity: int = 2) -> OpSpec:
    return _operator(
        name,
        function,
        interval,
        domain,
        signatures=(_scalar(arity, INT), _vector(arity, INT)),
        differentiable=False,
        flat=True,
    )


def _vectors(
    name: str, function: Callable[..., Values], signature: Signature, interval: Rule, domain: Domain, **more: Any
) -> OpSpec:
    return OpSpec(
        name=name,
        group=_VECTOR_MATH,
        signatures=(signature,),
        reference=function,
        interval=interval,
        domain=domain,
        composite=more.pop("composite", True),
        **{**_LIBM, **more},
    )


def _normalized(a: Interval, _: Interval) -> Interval:
    """At most one, and of the sign of the component."""
    return Interval(-1 if a.low < 0 else 0, 1 if a.high > 0 else 0)


def _sum_of_products(a: Interval, b: Interval) -> Interval:
    return symmetric(4 * a.size * b.size)


_SCALAR_AND_VECTOR = (_scalar(2, NUMBER), _vector(2, NUMBER))

ROWS: Final[tuple[OpSpec, ...]] = (
    # ------------------------------------------------------------ operators
    _operator("add", np.add, intervals.add, _terms(2), signatures=_SCALAR_AND_VECTOR),
    _operator("sub", np.subtract, intervals.sub, _terms(2), signatures=_SCALAR_AND_VECTOR),
    _operator(
        "mul",
        np.multiply,
        intervals.mul,
        _factors,
        signatures=(
            _scalar(2, NUMBER),
            Signature(("V", "T"), "V", NUMBER),
            Signature(("T", "V"), "V", NUMBER),
        ),
    ),
    _operator(
        "div",
        _truncated_division,
        intervals.div,
        _division,
        signatures=(
            _scalar(2, NUMBER),
            Signature(("V", "T"), "V", NUMBER),
            Signature(("T", "V"), "V", NUMBER),
        ),
        cuda_ulps=2.0,
    ),
    _operator(
        "floordiv",
        _floor_division,
        intervals.floordiv,
        _division,
        signatures=(_scalar(2, NUMBER),),
        decisions=_quotient,
        jumps=True,
        decides_on_rounded=True,
        differentiable=False,
        flat=True,
    ),
    _operator(
        "mod",
        np.fmod,
        intervals.mod,
        _division,
        ulps=0.0,
        signatures=(_scalar(2, NUMBER),),
        decisions=_quotient,
        jumps=True,
    ),
    _operator(
        "neg",
        np.negative,
        intervals.neg,
        _any(1),
        ulps=0.0,
        signatures=(_scalar(1, types.SIGNED + FLOAT), _vector(1, types.SIGNED + FLOAT)),
    ),
    _operator(
        "pos",
        np.positive,
        intervals.same,
        _any(1),
        ulps=0.0,
        signatures=(_scalar(1, NUMBER), _vector(1, NUMBER)),
    ),
    _operator(
        "unot",
        np.logical_not,
        intervals.constant(0, 1),
        _any(1),
        signatures=(_scalar(1, ("bool",)),),
        differentiable=False,
        flat=True,
    ),
    _bitwise("bit_and", np.bitwise_and, intervals.bits, _any(2)),
    _bitwise("bit_or", np.bitwise_or, intervals.bits, _any(2)),
    _bitwise("bit_xor", np.bitwise_xor, intervals.bits, _any(2)),
    _bitwise("lshift", np.left_shift, intervals.shift_left, _shift_left),
    _bitwise("rshift", np.right_shift, intervals.shift_right, _shift_right),
    _bitwise("invert", np.invert, lambda a: Interval(-a.high - 1, -a.low - 1), _any(1), arity=1),
    # ------------------------------------------------------------ scalar maths
    OpSpec(
        name="min",
        group=_SCALAR_MATH,
        signatures=(*_SCALAR_AND_VECTOR, Signature(("V",), "T", NUMBER)),
        reference=_minimum,
        interval=intervals.minimum,
        domain=_any(2),
        exact=True,
        ulps=0.0,
        decisions=_or_components(_order, 1),
    ),
    OpSpec(
        name="max",
        group=_SCALAR_MATH,
        signatures=(*_SCALAR_AND_VECTOR, Signature(("V",), "T", NUMBER)),
        reference=_maximum,
        interval=intervals.maximum,
        domain=_any(2),
        exact=True,
        ulps=0.0,
        decisions=_or_components(_order, -1),
    ),
    OpSpec(
        name="clamp",
        group=_SCALAR_MATH,
        signatures=(_scalar(3, NUMBER),),
        reference=_clamp,
        interval=intervals.clamp,
        domain=_any(3),
        exact=True,
        ulps=0.0,
        decisions=_clamped,
    ),
    OpSpec(
        name="abs",
        group=_SCALAR_MATH,
        signatures=(_scalar(1, NUMBER), _vector(1, NUMBER)),
        reference=np.abs,
        interval=intervals.absolute,
        domain=_any(1),
        exact=True,
        ulps=0.0,
        decisions=_below_zero,
    ),
    OpSpec(
        name="sign",
        group=_SCALAR_MATH,
        signatures=(_scalar(1, NUMBER), _vector(1, NUMBER)),
        reference=_sign,
        interval=intervals.constant(-1, 1),
        domain=_any(1),
        exact=True,
        ulps=0.0,
        decisions=_below_zero,
        jumps=True,
        differentiable=False,
        flat=True,
    ),
    OpSpec(
        name="step",
        group=_SCALAR_MATH,
        signatures=(_scalar(1, NUMBER),),
        reference=lambda x: np.where(x < 0, 1, 0).astype(x.dtype),
        interval=intervals.constant(0, 1),
        domain=_any(1),
        exact=True,
        ulps=0.0,
        decisions=_below_zero,
        jumps=True,
        differentiable=False,
        flat=True,
    ),
    OpSpec(
        name="nonzero",
        group=_SCALAR_MATH,
        signatures=(_scalar(1, NUMBER),),
        reference=lambda x: np.where(x == 0, 0, 1).astype(x.dtype),
        interval=intervals.constant(0, 1),
        domain=_any(1),
        exact=True,
        ulps=0.0,
        decisions=_is_zero,
        jumps=True,
        differentiable=False,
        flat=True,
    ),
    OpSpec(
        name="bit_count",
        group=_SCALAR_MATH,
        signatures=(_scalar(1, INT, "int32"),),
        reference=_bit_count,
        interval=intervals.constant(0, 64),
        domain=_any(1),
        exact=True,
        differentiable=False,
        flat=True,
    ),
    _math(
        "copysign",
        np.copysign,
        intervals.copysign,
        _any(2),
        2,
        exact=True,
        ulps=0.0,
        decisions=_sign_of_second,
        jumps=True,
    ),
    _math("sin", np.sin, intervals.constant(-1, 1), _between(_TURN)),
    _math("cos", np.cos, intervals.constant(-1, 1), _between(_TURN)),
    _math("tan", np.tan, _GROWS(math.tan), _between((-1.25, 1.25))),
    _math(
        "asin",
        np.arcsin,
        _GROWS(math.asin),
        _between((-0.96875, 0.96875)),
        adjoint_noise=_root_of_one_minus_square,
    ),
    _math(
        "acos",
        np.arccos,
        _GROWS(math.acos),
        _between((-0.96875, 0.96875)),
        adjoint_noise=_root_of_one_minus_square,
    ),
    _math("atan", np.arctan, _GROWS(math.atan), _any(1)),
    _math(
        "atan2",
        np.arctan2,
        intervals.constant(-math.pi, math.pi),
        lambda t: (symmetric(REACH[t.notation]), Interval(0.125, REACH[t.notation])),
        2,
    ),
    _math("sinh", np.sinh, _GROWS(math.sinh), _between((-4, 4))),
    _math("cosh", np.cosh, intervals.even(math.cosh), _between((-4, 4))),
    _math("tanh", np.tanh, intervals.constant(-1, 1), _whole(8), adjoint_noise=_one_minus_square),
    _math("degrees", _degrees, _GROWS(math.degrees), _whole(8)),
    _math("radians", _radians, _GROWS(math.radians), _any(1)),
    _math("sqrt", np.sqrt, _GROWS(math.sqrt), _positive(0.0625), exact=True, ulps=0.5),
    _math(
        "cbrt",
        np.cbrt,
        _GROWS(lambda x: math.copysign(abs(x) ** (1 / 3), x)),
        _positive(0.0625),
        ulps={"float16": 1.0, "float32": 2.0, "float64": 4.0},
    ),
    _math("log", np.log, _GROWS(math.log), _positive(0.0625)),
    _math("log2", np.log2, _GROWS(math.log2), _positive(0.0625)),
    _math("log10", np.log10, _GROWS(math.log10), _positive(0.0625)),
    _math("exp", np.exp, _GROWS(math.exp), _between((-6, 4))),
    _math("pow", np.power, intervals.power, _between((0.25, 4), (-3, 3)), 2, cuda_ulps=8.0),
    _math(
        "pow_operator",
        np.power,
        intervals.power,
        _between((0.25, 4), (-3, 3)),
        2,
        cuda_ulps=8.0,
        spelling_of="pow",
    ),
    _math("erf", _erf, intervals.constant(-1, 1), _between((-4, 4))),
    _math("erfc", _erfc, intervals.constant(0, 2), _between((-4, 3))),
    _math(
        "erfinv",
        _inverse_erf,
        intervals.constant(-1.75, 1.75),
        _between((-0.96875, 0.96875)),
        ulps=_INVERSE_ERF_ULPS,
        error_floor=1 / 16,
    ),
    _math(
        "erfcinv",
        _inverse_erfc,
        intervals.constant(-1.75, 1.75),
        _between((0.03125, 1.96875)),
        ulps=_INVERSE_ERF_ULPS,
        error_floor=1 / 16,
    ),
    _stepwise("round", _round_away, _nearest_integer),
    _stepwise("rint", np.rint, _nearest_integer),
    _stepwise("trunc", np.trunc, _integer_part),
    _stepwise("floor", np.floor, _integer_part),
    _stepwise("ceil", np.ceil, _integer_part),
    _math(
        "frac",
        lambda x: x - np.trunc(x),
        intervals.constant(-1, 1),
        _any(1),
        exact=True,
        ulps=0.0,
        decisions=_integer_part,
        jumps=True,
        differentiable=False,
    ),
    _predicate("isfinite", np.isfinite, np.all),
    _predicate("isnan", np.isnan, np.any),
    _predicate("isinf", np.isinf, np.any),
    # ------------------------------------------------------------ vector maths
    _vectors(
        "dot",
        _dot,
        Signature(("V", "V"), "T", NUMBER),
        _sum_of_products,
        lambda t: (_low(t, FACTOR[t.notation] / 2),) * 2,
    ),
    _vectors("cross", _cross, Signature(("V", "V"), "V", FLOAT, (3,)), _sum_of_products, _factors),
    _vectors(
        "length",
        _length,
        Signature(("V",), "T", FLOAT),
        lambda a: Interval(0, 2 * a.size),
        _whole(30),
        decisions=_at_origin,
    ),
    _vectors(
        "length_sq",
        _length_squared,
        Signature(("V",), "T", NUMBER),
        lambda a: Interval(0, 4 * a.size**2),
        lambda t: (_low(t, FACTOR[t.notation] / 2),),
    ),
    _vectors(
        "normalize",
        _normalize,
        Signature(("V",), "V", FLOAT),
        intervals.constant(-1, 1),
        _whole(30),
        decisions=_at_origin,
        jumps=True,
        adjoint_noise=_projection,
    ),
    # these are Warp functions written in Warp, for float32 alone
    _vectors(
        "norm_l1",
        _l1,
        Signature(("V",), "T", ("float32",)),
        lambda a: Interval(0, 4 * a.size),
        _whole(30),
        decisions=_below_zero,
    ),
    _vectors(
        "norm_l2",
        _length,
        Signature(("V",), "T", ("float32",)),
        lambda a: Interval(0, 2 * a.size),
        _whole(30),
        decisions=_at_origin,
    ),
    _vectors(
        "norm_huber",
        _huber,
        Signature(("V", "T"), "T", ("float32",)),
        lambda a, d: Interval(0, 2 * a.size * d.high),
        _between((-15, 15), (0.25, 4)),
        decisions=_beyond,
    ),
    _vectors(
        "norm_pseudo_huber",
        _pseudo_huber,
        Signature(("V", "T"), "T", ("float32",)),
        lambda a, d: Interval(0, 2 * a.size + d.high),
        _between((-15, 15), (0.25, 4)),
    ),
    _vectors(
        "smooth_normalize",
        _smooth_normalize,
        Signature(("V", "T"), "V", ("float32",)),
        _normalized,
        _between((-15, 15), (0.25, 4)),
    ),
    _vectors(
        "cw_mul",
        np.multiply,
        Signature(("V", "V"), "V", NUMBER),
        intervals.mul,
        _factors,
        exact=True,
        composite=False,
    ),
    _vectors(
        "cw_div",
        _truncated_division,
        Signature(("V", "V"), "V", NUMBER),
        intervals.div,
        _division,
        exact=True,
        composite=False,
    ),
    OpSpec(
        name="argmin",
        group=_VECTOR_MATH,
        signatures=(Signature(("V",), "uint32", NUMBER),),
        reference=_integer(lambda v: np.argmin(v, axis=-1)),
        interval=intervals.constant(0, 3),
        domain=_any(1),
        exact=True,
        decisions=lambda v: _extreme(v, 1),
        jumps=True,
        differentiable=False,
        flat=True,
    ),
    OpSpec(
        name="argmax",
        group=_VECTOR_MATH,
        signatures=(Signature(("V",), "uint32", NUMBER),),
        reference=_integer(lambda v: np.argmax(v, axis=-1)),
        interval=intervals.constant(0, 3),
        domain=_any(1),
        exact=True,
        decisions=lambda v: _extreme(v, -1),
        jumps=True,
        differentiable=False,
        flat=True,
    ),
)
OPS: Final = {row.name: row for row in ROWS}

#: The scalar types whose arrays each atomic takes, as its documentation and its error message say.
ATOMICS: Final = {
    "atomic_add": ("int32", "uint32", "int64", "uint64", *FLOAT),
    "atomic_sub": ("int32", "uint32", "int64", "uint64", *FLOAT),
    "atomic_min": ("int32", "uint32", "int64", "uint64", "float32", "float64"),
    "atomic_max": ("int32", "uint32", "int64", "uint64", "float32", "float64"),
}


def result_type(op: str, arguments: Sequence[Type]) -> Type | None:
    """The type of ``op(*arguments)``, or None if there is no such operation.

    An atomic's arguments are the type of the array's elements and that of the value.
    """
    if op in ATOMICS:
        element, value = arguments
        return value if value is element and types.element_scalar(value).notation in ATOMICS[op] else None
    row = OPS.get(op)
    return row.result(arguments) if row else None


@cache
def producers(result: Type) -> tuple[tuple[OpSpec, tuple[Type, ...]], ...]:
    """Every row and tuple of argument types that gives `result`."""
    return tuple(
        (row, arguments) for row in ROWS for signature in row.signatures for arguments in signature.instances(result)
    )
