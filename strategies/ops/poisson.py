"""Poisson variates, in the two ways in which NumPy and, after it, Warp make them.

Below a rate of ten, uniform numbers are multiplied until their product falls below ``exp(-rate)`` (Knuth 1969).  From
there on, candidates are transformed uniform numbers that are accepted or rejected: Hoermann's PTRS, "The transformed
rejection method for generating Poisson random variables", Insurance: Mathematics and Economics 12 (1993).
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from strategies.ops import algebra
from strategies.ops.random_generator import advanced, unit
from strategies.ops.spec import Decision, Rounding, Values

#: From this rate on, candidates are rejected.
_LARGE: Final = 10.0
#: How often numbers are drawn at most: of rates up to thirty, no state takes nearly as many.
_MOST: Final = 200
#: Logarithms of factorials, by a table.
_FACTORIALS: Final = np.array([math.lgamma(n + 1.0) for n in range(400)])
#: A distance from any other choice that no rounding bridges.
_FAR: Final = 1.0


class _Variate(NamedTuple):
    number: Values
    #: how many steps of the generator it took
    steps: Values
    #: how near a comparison on the way was to going otherwise
    margin: Values


def poisson(r: Rounding, state: Values, rate: Values) -> Values:
    """The variate."""
    return _drawn(r, state, rate).number


def poisson_steps(state: Values, rate: Values) -> Values:
    """How many steps of the generator it takes: none for a rate of zero."""
    return _drawn(lambda v: v, state, rate).steps


def poisson_decisions(r: Rounding, state: Values, rate: Values) -> list[Decision]:
    """Which number it is, and in which way it is made."""
    found = _drawn(r, state, rate)
    return [
        Decision(rate == 0, np.abs(rate)),
        Decision(rate >= _LARGE, np.abs(rate - _LARGE)),
        Decision(found.number, found.margin),
    ]


def _drawn(r: Rounding, state: Values, rate: Values) -> _Variate:
    with np.errstate(all="ignore"):
        small, large = _multiplied(r, state, rate), _rejected(r, state, rate)
    return _Variate(*(np.where(rate >= _LARGE, b, a) for a, b in zip(small, large, strict=True)))


def _multiplied(r: Rounding, state: Values, rate: Values) -> _Variate:
    least = r(np.exp(-rate))
    active = (rate > 0) & (rate < _LARGE) & np.isfinite(least) & (state == state)
    product = np.ones(active.shape, rate.dtype)
    count, steps = np.zeros(active.shape, np.int64), np.zeros(active.shape, np.int64)
    margin = np.full(active.shape, _FAR)
    for _ in range(_MOST):
        if not active.any():
            break
        product = np.where(active, r(product * unit(state).astype(rate.dtype)), product)
        state, steps = advanced(state), steps + active
        margin = np.where(active, np.minimum(margin, np.abs(product - least)), margin)
        active = active & (product > least)
        count = count + active
    return _Variate(count, steps, margin)


def _rejected(r: Rounding, state: Values, rate: Values) -> _Variate:
    of = rate.dtype.type
    root = r(np.sqrt(rate))
    b = r(of(0.931) + r(of(2.53) * root))
    a = r(of(-0.059) + r(of(0.02483) * b))
    inverse = r(of(1.1239) + r(of(1.1328) / r(b - of(3.4))))
    squeeze = r(of(0.9277) - r(of(3.6224) / r(b - of(2))))
    active = (rate >= _LARGE) & np.isfinite(rate + squeeze) & (state == state)
    count, steps = np.zeros(active.shape, np.int64), np.zeros(active.shape, np.int64)
    margin = np.full(active.shape, _FAR)
    for _ in range(_MOST):
        if not active.any():
            break
        u = (unit(state) - 0.5).astype(rate.dtype)
        v = unit(advanced(state)).astype(rate.dtype)
        state, steps = advanced(advanced(state)), steps + 2 * active
        beside = of(0.5) - np.abs(u)
        candidate = r(r(r(r(r(2 * a / beside) + b) * u) + rate) + of(0.43))
        k = np.floor(candidate)
        bound = _bound(r, rate, k)
        density = r(r(np.log(v)) + r(np.log(inverse))) - r(np.log(r(r(a / r(beside * beside)) + b)))
        at_once = (beside >= of(0.07)) & (v <= squeeze)
        again = (k < 0) | ((beside < of(0.013)) & (v > beside))
        accepted = active & (at_once | (~again & (density <= bound)))
        margins = (
            np.where(np.isfinite(candidate), np.abs(candidate - np.round(candidate)), _FAR),
            np.where(at_once | again, _FAR, np.abs(density - bound)),
            np.where(beside >= of(0.07), np.abs(v - squeeze), _FAR),
        )
        for near in margins:
            margin = np.where(active, np.minimum(margin, near), margin)
        count = np.where(accepted, k.astype(np.int64), count)
        active = active & ~accepted
    return _Variate(count, steps, margin)


def _bound(r: Rounding, rate: Values, k: Values) -> Values:
    """``-rate + k * log(rate) - log(k!)``"""
    whole = np.clip(np.nan_to_num(k), 0, len(_FACTORIALS) - 1)
    factorial = _FACTORIALS[whole.astype(np.int64)].astype(rate.dtype)
    # a difference of terms of the size of k log k, in whatever order
    factorial = algebra.beside(r, factorial, (whole + 2) * np.log(whole + 2))
    return r(r(r(whole * r(np.log(rate))) - rate) - factorial)
