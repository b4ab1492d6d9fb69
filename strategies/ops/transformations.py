"""Rigid transformations: composed, inverted, applied, and as matrices."""

from __future__ import annotations

from typing import Final

import numpy as np

from strategies import intervals
from strategies.intervals import Interval, symmetric
from strategies.ops import algebra, domains
from strategies.ops.matrix_math import moved, row
from strategies.ops.signatures import FLOAT, Signature
from strategies.ops.spec import Domain, OpSpec, Place, Rotation, Rounding, Unit, Values

_GROUP: Final = "Transformations"


def _point(r: Rounding, t: Values, v: Values) -> Values:
    return r(algebra.rotate(r, t[..., 3:], v) + t[..., :3])


def _to_matrix(r: Rounding, t: Values) -> Values:
    return algebra.homogeneous(algebra.rotation_matrix(r, t[..., 3:]), t[..., :3])


def _from_matrix(r: Rounding, m: Values) -> Values:
    return algebra.joined(m[..., :3, 3], algebra.quaternion_of(r, m))


def _compose(r: Rounding, position: Values, rotation: Values, scale: Values) -> Values:
    return algebra.homogeneous(r(algebra.rotation_matrix(r, rotation) * scale[..., None, :]), position)


def _rigid(*more: Place) -> Domain:
    return lambda _: (Unit(), *more)


def _reach(*of: Interval) -> Interval:
    return symmetric(max(1.0, 2 * sum(a.size for a in of)))


_PRODUCT: Final = (Signature(("X", "X"), "X", FLOAT),)

ROWS: Final[tuple[OpSpec, ...]] = (
    row("mul", algebra.compose, _PRODUCT, _reach, _rigid(Unit()), "Operators", unit=True),
    row("transform_multiply", algebra.compose, _PRODUCT, _reach, _rigid(Unit()), _GROUP, unit=True),
    row("transform_point", _point, (Signature(("X", "vec 3"), "vec 3", FLOAT),), _reach, _rigid(symmetric(30)), _GROUP),
    row("transform_vector", lambda r, t, v: algebra.rotate(r, t[..., 3:], v),
        (Signature(("X", "vec 3"), "vec 3", FLOAT),), lambda _, v: symmetric(2 * v.size), _rigid(symmetric(30)),
        _GROUP),
    row("transform_inverse", algebra.invert, (Signature(("X",), "X", FLOAT),), _reach, _rigid(), _GROUP, unit=True),
    moved("transform_get_translation", lambda t: t[..., :3], (Signature(("X",), "vec 3", FLOAT),), group=_GROUP),
    moved("transform_get_rotation", lambda t: t[..., 3:], (Signature(("X",), "Q", FLOAT),), group=_GROUP),
    row("transform_to_matrix", _to_matrix, (Signature(("X",), "mat 4 4", FLOAT),), _reach, _rigid(), _GROUP),
    row("transform_from_matrix", _from_matrix, (Signature(("mat 4 4",), "X", FLOAT),), _reach,
        lambda _: (Rotation(),), _GROUP, unit=True, through=("transform_to_matrix",),
        adjoint_noise=lambda m: (np.full(m.shape[:-2], 6.0),)),
    row("transform_compose", _compose, (Signature(("vec 3", "Q", "vec 3"), "mat 4 4", FLOAT),),
        lambda p, _, s: symmetric(max(1.0, p.size, s.size)),
        lambda t: (symmetric(30), Unit(), symmetric(domains.FACTOR[t.notation])), _GROUP),
    OpSpec(name="transform_identity", group=_GROUP, signatures=(Signature((), "X", FLOAT),),
           reference=lambda _: np.array([[[[0, 0, 0, 0, 0, 0, 1]]]]), interval=intervals.constant(0, 1),
           domain=lambda _: (), exact=True, ulps=0.0, differentiable=False, flat=True, unit=True),
)  # fmt: skip
