"""Scalar maths: the built-in functions over numbers, which some of them take a vector's components for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from strategies import intervals
from strategies.intervals import Interval, Rule
from strategies.ops import decisions, domains
from strategies.ops.signatures import ALL_LENGTHS, FLOAT, INT, NUMBER, SCALARS_AND_VECTORS, Signature, scalars, vectors
from strategies.ops.spec import Away, Decisions, Domain, OpSpec, Values

_TURN = (-10.0, 10.0)
_GROWS = intervals.monotone
#: A bound for the float functions of the C library that Warp links on CPU.
LIBM: Final[dict[str, Any]] = {
    "ulps": {"float16": 1.0, "float32": 2.0, "float64": 2.0},
}

#: In float64 both come from one approximation with an absolute error: 113 units in the last place were measured
#: away from zero, and 7e-17 at results of 1e-6, which is 7e5 units there.
_INVERSE_ERF_ULPS: Final = {"float16": 1.0, "float32": 2.0, "float64": 256.0}


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


def _degrees(x: Values) -> Values:
    found: Values = x * x.dtype.type(180 / math.pi)
    return found


def _radians(x: Values) -> Values:
    found: Values = x * x.dtype.type(math.pi / 180)
    return found


def _one_minus_square(x: Values) -> tuple[Values, ...]:
    """tanh' is computed as 1 - tanh(x)**2: off by up to about four units roundoff, however small it is."""
    return (np.full(x.shape, 4.0),)


def _root_of_one_minus_square(x: Values) -> tuple[Values, ...]:
    """asin' is computed as 1 / sqrt(1 - x**2): the difference's error, through the root."""
    slope = 1 / np.sqrt(np.maximum(1 - x * x, 1e-9))
    return (2 * slope**3,)


def _sign(x: Values) -> Values:
    return np.where(x < 0, -1, 1).astype(x.dtype)


# ---------------------------------------------------------------- rows


def _math(
    name: str, function: Callable[..., Values], interval: Rule, domain: Domain, arity: int = 1, **more: Any
) -> OpSpec:
    """A row of the scalar maths group over floats."""
    return OpSpec(
        name=name,
        group="Scalar Math",
        signatures=(scalars(arity, FLOAT),),
        reference=function,
        interval=interval,
        domain=domain,
        **{**LIBM, **more},
    )


def _stepwise(name: str, function: Callable[[Values], Values], decisions: Decisions) -> OpSpec:
    """A row of a function that rounds to a whole number."""
    return _math(
        name,
        function,
        lambda a: Interval(math.floor(a.low), math.ceil(a.high)),
        domains.whole(domains.REACH["float32"]),
        exact=True,
        ulps=0.0,
        decisions=decisions,
        jumps=True,
        differentiable=False,
        flat=True,
    )


#: Lanes have three axes (see `harness/oracle/lanes.py`); a vector's components are a fourth.
_LANE_AXES = 3


def _predicate(
    name: str, function: Callable[[Values], Values], combine: Callable[..., Any], *, of_finite: bool
) -> OpSpec:
    """A row of a test of a float, or of all or any of a vector's components.

    `of_finite` is its value for finite numbers.
    """

    def reference(x: Values) -> Values:
        found = function(x)
        combined: Values = combine(found, axis=-1) if x.ndim > _LANE_AXES else found
        return combined

    return OpSpec(
        name=name,
        group="Scalar Math",
        signatures=tuple(Signature((of,), "bool", FLOAT) for of in ("T", "V", "Q", "M")),
        reference=reference,
        interval=lambda a: Interval(of_finite, of_finite) if math.isfinite(a.size) else intervals.TRUTH,
        domain=domains.anywhere(1),
        exact=True,
        differentiable=False,
        flat=True,
    )


ROWS: Final[tuple[OpSpec, ...]] = (
    OpSpec(
        name="min",
        group="Scalar Math",
        signatures=(*SCALARS_AND_VECTORS, Signature(("V",), "T", NUMBER, ALL_LENGTHS)),
        reference=_minimum,
        interval=intervals.minimum,
        domain=domains.anywhere(2),
        exact=True,
        ulps=0.0,
        decisions=decisions.or_components(decisions.order, 1),
    ),
    OpSpec(
        name="max",
        group="Scalar Math",
        signatures=(*SCALARS_AND_VECTORS, Signature(("V",), "T", NUMBER, ALL_LENGTHS)),
        reference=_maximum,
        interval=intervals.maximum,
        domain=domains.anywhere(2),
        exact=True,
        ulps=0.0,
        decisions=decisions.or_components(decisions.order, -1),
    ),
    OpSpec(
        name="clamp",
        group="Scalar Math",
        signatures=(scalars(3, NUMBER),),
        reference=_clamp,
        interval=intervals.clamp,
        domain=domains.anywhere(3),
        exact=True,
        ulps=0.0,
        decisions=decisions.clamped,
    ),
    OpSpec(
        name="abs",
        group="Scalar Math",
        signatures=(scalars(1, NUMBER), vectors(1, NUMBER)),
        reference=np.abs,
        interval=intervals.absolute,
        domain=domains.anywhere(1),
        exact=True,
        ulps=0.0,
        decisions=decisions.below_zero,
    ),
    OpSpec(
        name="sign",
        group="Scalar Math",
        signatures=(scalars(1, NUMBER), vectors(1, NUMBER)),
        reference=_sign,
        interval=intervals.below_zero(-1, 1),
        domain=domains.anywhere(1),
        exact=True,
        ulps=0.0,
        decisions=decisions.below_zero,
        jumps=True,
        differentiable=False,
        flat=True,
    ),
    OpSpec(
        name="step",
        group="Scalar Math",
        signatures=(scalars(1, NUMBER),),
        reference=lambda x: np.where(x < 0, 1, 0).astype(x.dtype),
        interval=intervals.below_zero(1, 0),
        domain=domains.anywhere(1),
        exact=True,
        ulps=0.0,
        decisions=decisions.below_zero,
        jumps=True,
        differentiable=False,
        flat=True,
    ),
    OpSpec(
        name="nonzero",
        group="Scalar Math",
        signatures=(scalars(1, NUMBER),),
        reference=lambda x: np.where(x == 0, 0, 1).astype(x.dtype),
        interval=intervals.constant(0, 1),
        domain=domains.anywhere(1),
        exact=True,
        ulps=0.0,
        decisions=decisions.is_zero,
        jumps=True,
        differentiable=False,
        flat=True,
    ),
    OpSpec(
        name="bit_count",
        group="Scalar Math",
        signatures=(scalars(1, INT, "int32"),),
        reference=_bit_count,
        interval=intervals.constant(0, 64),
        domain=domains.anywhere(1),
        exact=True,
        differentiable=False,
        flat=True,
    ),
    _math(
        "copysign",
        np.copysign,
        intervals.copysign,
        domains.anywhere(2),
        2,
        exact=True,
        ulps=0.0,
        decisions=decisions.sign_of_second,
        jumps=True,
    ),
    _math("sin", np.sin, intervals.constant(-1, 1), domains.between(_TURN)),
    _math("cos", np.cos, intervals.constant(-1, 1), domains.between(_TURN)),
    _math("tan", np.tan, _GROWS(math.tan), domains.between((-1.25, 1.25))),
    _math(
        "asin",
        np.arcsin,
        _GROWS(math.asin),
        domains.between((-0.96875, 0.96875)),
        adjoint_noise=_root_of_one_minus_square,
    ),
    _math(
        "acos",
        np.arccos,
        _GROWS(math.acos),
        domains.between((-0.96875, 0.96875)),
        adjoint_noise=_root_of_one_minus_square,
    ),
    _math("atan", np.arctan, _GROWS(math.atan), domains.anywhere(1)),
    _math(
        "atan2",
        np.arctan2,
        intervals.constant(-math.pi, math.pi),
        lambda t: (intervals.symmetric(domains.REACH[t.notation]), Away(0.125, domains.REACH[t.notation])),
        2,
        decisions=decisions.branch_cut,
        jumps=True,
    ),
    _math("sinh", np.sinh, _GROWS(math.sinh), domains.between((-4, 4))),
    _math("cosh", np.cosh, intervals.even(math.cosh), domains.between((-4, 4))),
    _math("tanh", np.tanh, _GROWS(math.tanh), domains.whole(8), adjoint_noise=_one_minus_square),
    _math("degrees", _degrees, _GROWS(math.degrees), domains.whole(8)),
    _math("radians", _radians, _GROWS(math.radians), domains.anywhere(1)),
    _math("sqrt", np.sqrt, _GROWS(math.sqrt), domains.positive(0.0625), exact=True, ulps=0.5),
    _math(
        "cbrt",
        np.cbrt,
        _GROWS(lambda x: math.copysign(abs(x) ** (1 / 3), x)),
        lambda t: (Away(0.0625, domains.REACH[t.notation]),),
        ulps={"float16": 1.0, "float32": 2.0, "float64": 4.0},
    ),
    _math("log", np.log, _GROWS(math.log), domains.positive(0.0625)),
    _math("log2", np.log2, _GROWS(math.log2), domains.positive(0.0625)),
    _math("log10", np.log10, _GROWS(math.log10), domains.positive(0.0625)),
    _math("exp", np.exp, _GROWS(math.exp), domains.between((-6, 4))),
    _math("pow", np.power, intervals.power, domains.between((0.25, 4), (-3, 3)), 2),
    _math(
        "pow_operator",
        np.power,
        intervals.power,
        domains.between((0.25, 4), (-3, 3)),
        2,
        spelling_of="pow",
    ),
    _math("erf", _erf, _GROWS(math.erf), domains.between((-4, 4))),
    _math("erfc", _erfc, _GROWS(math.erfc), domains.between((-4, 3))),
    _math(
        "erfinv",
        _inverse_erf,
        _GROWS(lambda y: float(_inverse_erf(np.array(y)))),
        domains.between((-0.96875, 0.96875)),
        ulps=_INVERSE_ERF_ULPS,
        error_floor=1 / 16,
    ),
    _math(
        "erfcinv",
        _inverse_erfc,
        _GROWS(lambda y: float(_inverse_erfc(np.array(y)))),
        domains.between((0.03125, 1.96875)),
        ulps=_INVERSE_ERF_ULPS,
        error_floor=1 / 16,
    ),
    _stepwise("round", _round_away, decisions.nearest_integer),
    _stepwise("rint", np.rint, decisions.nearest_integer),
    _stepwise("trunc", np.trunc, decisions.truncated),
    _stepwise("floor", np.floor, decisions.integer_part),
    _stepwise("ceil", np.ceil, decisions.integer_part),
    _math(
        "frac",
        lambda x: x - np.trunc(x),
        intervals.constant(-1, 1),
        domains.anywhere(1),
        exact=True,
        ulps=0.0,
        decisions=decisions.truncated,
        jumps=True,
        differentiable=False,
    ),
    _predicate("isfinite", np.isfinite, np.all, of_finite=True),
    _predicate("isnan", np.isnan, np.any, of_finite=False),
    _predicate("isinf", np.isinf, np.any, of_finite=False),
)
