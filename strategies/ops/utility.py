"""Utilities that compute values: interpolation, selection, lengths."""

from __future__ import annotations

from typing import Final

import numpy as np

from strategies import intervals
from strategies.intervals import Interval
from strategies.ops import decisions, domains
from strategies.ops.signatures import ALL_LENGTHS, FLOAT, INT, NUMBER, Signature
from strategies.ops.spec import Decision, OpSpec, Rounding, Values

_GROUP: Final = "Utility"


def _lerp(r: Rounding, a: Values, b: Values, t: Values) -> Values:
    """``a * (1 - t) + b * t``"""
    return r(r(a * r(1 - t)) + r(b * t))


def _smoothstep(r: Rounding, a: Values, b: Values, x: Values) -> Values:
    """``t * t * (3 - 2 * t)``, `t` being the place of `x` between `a` and `b`."""
    t = np.clip(r(r(x - a) / r(b - a)), 0, 1)
    return r(r(t * t) * r(3 - 2 * t))


def _held(a: Values, b: Values, x: Values) -> list[Decision]:
    """On which side of its ends `x` lies; both ends are flat."""
    return [d._replace(meets=False) for d in decisions.order(x, a) + decisions.order(x, b)]


def _mixed(a: Interval, b: Interval, t: Interval) -> Interval:
    return a.join(b)


def _chosen(_: Interval, a: Interval, b: Interval) -> Interval:
    return a.join(b)


def _where(test: Values, a: Values, b: Values) -> Values:
    found: Values = np.where(test != 0, a, b)
    return found


_VALUES: Final = ("T", "V", "M", "Q", "X")
#: What a condition may be.
_CONDITIONS: Final = ("bool", *INT)

ROWS: Final[tuple[OpSpec, ...]] = (
    OpSpec(
        name="lerp",
        group=_GROUP,
        signatures=tuple(
            Signature((of, of, "T"), of, FLOAT, ALL_LENGTHS if of == "V" else (2, 3, 4)) for of in _VALUES
        ),
        reference=_lerp,
        interval=_mixed,
        domain=lambda t: (*domains.terms(2)(t), Interval(0, 1)),
        composite=True,
    ),
    OpSpec(
        name="smoothstep",
        group=_GROUP,
        signatures=(Signature(("T", "T", "T"), "T", FLOAT),),
        reference=_smoothstep,
        interval=intervals.constant(0, 1),
        domain=domains.between((-2.0, -0.25), (0.25, 2.0), (-3.0, 3.0)),
        reversible=True,
        composite=True,
        decisions=_held,
    ),
    OpSpec(
        name="where",
        group=_GROUP,
        signatures=tuple(
            Signature((condition, of, of), of, NUMBER if of in ("T", "V", "M") else FLOAT)
            for condition in _CONDITIONS
            for of in _VALUES
        ),
        reference=_where,
        interval=_chosen,
        domain=lambda t: (Interval(*t.limits), *(Interval(-16, 16),) * 2),
        exact=True,
        ulps=0.0,
    ),
    OpSpec(
        name="len",
        group=_GROUP,
        signatures=tuple(
            Signature((of,), "int32", NUMBER if of == "V" else FLOAT, ALL_LENGTHS if of == "V" else (2, 3, 4))
            for of in ("V", "M", "Q", "X")
        ),
        reference=lambda x: np.full((1, 1, 1), x.shape[3], np.int32),
        interval=intervals.constant(2, 7),
        domain=domains.anywhere(1),
        shaped=True,
        exact=True,
        differentiable=False,
        flat=True,
    ),
)
