"""Vector maths: products, norms and components of vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from strategies import intervals
from strategies.intervals import Interval, Rule, symmetric
from strategies.language.types import Scalar
from strategies.ops import algebra, decisions, domains
from strategies.ops.operators import truncated_division
from strategies.ops.scalar_math import LIBM
from strategies.ops.signatures import ALL_LENGTHS, FLOAT, NUMBER, Signature
from strategies.ops.spec import Domain, OpSpec, Rounding, Values


def _length_squared(r: Rounding, a: Values) -> Values:
    return algebra.dot(r, a, a)


def _l1(r: Rounding, a: Values) -> Values:
    return algebra.total(r, np.abs(a))


def _huber(r: Rounding, a: Values, delta: Values) -> Values:
    length, delta = algebra.length(r, a), delta[..., 0]
    inside = r(0.5 * algebra.dot(r, a, a))
    outside = r(delta * r(length - r(0.5 * delta)))
    return np.where(length <= delta, inside, outside)


def _pseudo_huber(r: Rounding, a: Values, delta: Values) -> Values:
    delta = delta[..., 0]
    return r(delta * r(np.sqrt(r(1 + r(algebra.dot(r, a, a) / r(delta * delta))))))


def _smooth_normalize(r: Rounding, a: Values, delta: Values) -> Values:
    return r(a / _pseudo_huber(r, a, delta)[..., None])


def projection(a: Values) -> tuple[Values, ...]:
    """normalize's derivative is a difference of two terms of the size of the inverse length."""
    length = np.sqrt(np.sum(a * a, axis=-1, keepdims=True))
    return (np.broadcast_to(8 / np.maximum(length, 1e-9), a.shape),)


def _size(a: Values) -> Values:
    found: Values = np.sqrt(np.sum(a * a, axis=-1, keepdims=True))
    return found


def _beyond_threshold(a: Values, delta: Values) -> tuple[Values, ...]:
    """norm_huber's derivative by its threshold is a difference of two terms of the size of the length."""
    return np.zeros(a.shape), 2 * np.maximum(_size(a), delta)


def _root_and_quotient(a: Values, delta: Values) -> tuple[Values, ...]:
    """norm_pseudo_huber's derivative by its threshold is ``s - (s * s - 1) / s``, s being ``sqrt(1 + (|a| / d)**2)``.

    Each term takes about four operations.
    """
    return np.zeros(a.shape), 8 * np.sqrt(1 + np.square(_size(a) / delta))


def _smooth_projection(a: Values, delta: Values) -> tuple[Values, ...]:
    """smooth_normalize's derivatives: those of a quotient by norm_pseudo_huber, which cancel in either argument.

    By the threshold, the error is one of the norm's derivative, so it lies in the direction of the vector.
    """
    norm = delta * np.sqrt(1 + np.square(_size(a) / delta))
    _, by_threshold = _root_and_quotient(a, delta)
    return 8 / norm, by_threshold * a / np.square(norm)


def _integer(function: Callable[[Values], Values]) -> Callable[[Values], Values]:
    return lambda x: np.asarray(function(x), dtype=np.uint32)


def _vectors(
    name: str, function: Callable[..., Values], signature: Signature, interval: Rule, domain: Domain, **more: Any
) -> OpSpec:
    return OpSpec(
        name=name,
        group="Vector Math",
        signatures=(signature,),
        reference=function,
        interval=interval,
        domain=domain,
        composite=more.pop("composite", True),
        **{**LIBM, **more},
    )


def _small_factors(t: Scalar) -> tuple[Interval, ...]:
    """Factors of which two products may be subtracted."""
    return domains.factors(t) if t.is_float else (domains.reaching(t, domains.FACTOR[t.notation] / 2.5),) * 2


def _normalized(a: Interval, _: Interval) -> Interval:
    """At most one, and of the sign of the component."""
    return Interval(-1 if a.low < 0 else 0, 1 if a.high > 0 else 0)


def _sum_of_products(a: Interval, b: Interval) -> Interval:
    return symmetric(6 * a.size * b.size)


ROWS: Final[tuple[OpSpec, ...]] = (
    _vectors(
        "dot",
        algebra.dot,
        Signature(("V", "V"), "T", NUMBER, ALL_LENGTHS),
        _sum_of_products,
        lambda t: (domains.reaching(t, domains.FACTOR[t.notation] / 2.5),) * 2,
    ),
    _vectors("cross", algebra.cross, Signature(("V", "V"), "V", NUMBER, (3,)), _sum_of_products, _small_factors),
    _vectors(
        "length",
        algebra.length,
        Signature(("V",), "T", FLOAT, ALL_LENGTHS),
        lambda a: Interval(0, 2.5 * a.size),
        domains.whole(30),
        decisions=decisions.at_origin,
    ),
    _vectors(
        "length_sq",
        _length_squared,
        Signature(("V",), "T", NUMBER, ALL_LENGTHS),
        lambda a: Interval(0, 6 * a.size**2),
        lambda t: (domains.reaching(t, domains.FACTOR[t.notation] / 2.5),),
    ),
    _vectors(
        "normalize",
        algebra.normalized,
        Signature(("V",), "V", FLOAT, ALL_LENGTHS),
        intervals.constant(-1, 1),
        domains.whole(30),
        decisions=decisions.at_origin,
        jumps=True,
        adjoint_noise=projection,
    ),
    # these are Warp functions written in Warp, for float32 alone
    _vectors(
        "norm_l1",
        _l1,
        Signature(("V",), "T", ("float32",), ALL_LENGTHS),
        lambda a: Interval(0, 6 * a.size),
        domains.whole(30),
        decisions=decisions.below_zero,
    ),
    _vectors(
        "norm_l2",
        algebra.length,
        Signature(("V",), "T", ("float32",), ALL_LENGTHS),
        lambda a: Interval(0, 2.5 * a.size),
        domains.whole(30),
        decisions=decisions.at_origin,
    ),
    _vectors(
        "norm_huber",
        _huber,
        Signature(("V", "T"), "T", ("float32",), ALL_LENGTHS),
        lambda a, d: Interval(0, 2.5 * a.size * d.high),
        domains.between((-15, 15), (0.25, 4)),
        decisions=decisions.beyond,
        adjoint_noise=_beyond_threshold,
    ),
    _vectors(
        "norm_pseudo_huber",
        _pseudo_huber,
        Signature(("V", "T"), "T", ("float32",), ALL_LENGTHS),
        lambda a, d: Interval(0, 2.5 * a.size + d.high),
        domains.between((-15, 15), (0.25, 4)),
        adjoint_noise=_root_and_quotient,
    ),
    _vectors(
        "smooth_normalize",
        _smooth_normalize,
        Signature(("V", "T"), "V", ("float32",), ALL_LENGTHS),
        _normalized,
        domains.between((-15, 15), (0.25, 4)),
        adjoint_noise=_smooth_projection,
    ),
    *(
        OpSpec(
            name=name,
            group="Vector Math",
            signatures=(Signature(("V", "V"), "V", NUMBER, ALL_LENGTHS), Signature(("M", "M"), "M", NUMBER)),
            reference=function,
            interval=interval,
            domain=domain,
            exact=True,
            **LIBM,
        )
        for name, function, interval, domain in (
            ("cw_mul", np.multiply, intervals.mul, domains.factors),
            ("cw_div", truncated_division, intervals.div, domains.division),
        )
    ),
    OpSpec(
        name="argmin",
        group="Vector Math",
        signatures=(Signature(("V",), "uint32", NUMBER, ALL_LENGTHS),),
        reference=_integer(lambda v: decisions.place_of_extreme(v, 1)),
        interval=intervals.constant(0, 5),
        domain=domains.anywhere(1),
        exact=True,
        decisions=lambda v: decisions.extreme(v, 1),
        jumps=True,
        differentiable=False,
        flat=True,
    ),
    OpSpec(
        name="argmax",
        group="Vector Math",
        signatures=(Signature(("V",), "uint32", NUMBER, ALL_LENGTHS),),
        reference=_integer(lambda v: decisions.place_of_extreme(v, -1)),
        interval=intervals.constant(0, 5),
        domain=domains.anywhere(1),
        exact=True,
        decisions=lambda v: decisions.extreme(v, -1),
        jumps=True,
        differentiable=False,
        flat=True,
    ),
)
