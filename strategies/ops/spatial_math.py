"""Spatial vectors and matrices: twists, wrenches, and how they change between frames."""

from __future__ import annotations

from typing import Final

import numpy as np

from strategies.intervals import Interval, symmetric
from strategies.ops import algebra, domains
from strategies.ops.matrix_math import moved, product_factors, products, row
from strategies.ops.signatures import FLOAT, Signature
from strategies.ops.spec import OpSpec, Rounding, Unit, Values

_GROUP: Final = "Spatial Math"
_SINGLE: Final = ("float32",)
_PAIR: Final = Signature(("vec 6", "vec 6"), "vec 6", FLOAT)


def _cross(r: Rounding, a: Values, b: Values) -> Values:
    """``(wa x wb, va x wb + wa x vb)``"""
    wa, va, wb, vb = a[..., :3], a[..., 3:], b[..., :3], b[..., 3:]
    return algebra.joined(algebra.cross(r, wa, wb), r(algebra.cross(r, va, wb) + algebra.cross(r, wa, vb)))


def _cross_dual(r: Rounding, a: Values, b: Values) -> Values:
    """``(w x n + v x f, w x f)``"""
    w, v, n, f = a[..., :3], a[..., 3:], b[..., :3], b[..., 3:]
    return algebra.joined(r(algebra.cross(r, w, n) + algebra.cross(r, v, f)), algebra.cross(r, w, f))


def _adjoint(a: Values, s: Values) -> Values:
    """The blocks ``[[a, 0], [s, a]]``."""
    a, s = np.broadcast_arrays(a, s)
    top = np.concatenate([a, np.zeros_like(a)], axis=-1)
    return np.concatenate([top, np.concatenate([s, a], axis=-1)], axis=-2)


def _velocity(r: Rounding, twist: Values, at: Values) -> Values:
    """``v + w x r``"""
    return r(twist[..., 3:] + algebra.cross(r, twist[..., :3], at))


def _twist(r: Rounding, t: Values, x: Values) -> Values:
    """``w' = R w``, ``v' = R v + p x w'``"""
    w = algebra.rotate(r, t[..., 3:], x[..., :3])
    return algebra.joined(w, r(algebra.rotate(r, t[..., 3:], x[..., 3:]) + algebra.cross(r, t[..., :3], w)))


def _wrench(r: Rounding, t: Values, x: Values) -> Values:
    """``f' = R f``, ``tau' = R tau + p x f'``"""
    f = algebra.rotate(r, t[..., 3:], x[..., 3:])
    return algebra.joined(r(algebra.rotate(r, t[..., 3:], x[..., :3]) + algebra.cross(r, t[..., :3], f)), f)


def _change(t: Interval, x: Interval) -> Interval:
    return symmetric(2 * x.size * (1 + 2 * t.size))


ROWS: Final[tuple[OpSpec, ...]] = (
    row("spatial_dot", algebra.dot, (Signature(("vec 6", "vec 6"), "T", FLOAT),), products, product_factors, _GROUP),
    row("spatial_cross", _cross, (_PAIR,), products, product_factors, _GROUP),
    row("spatial_cross_dual", _cross_dual, (_PAIR,), products, product_factors, _GROUP),
    moved("spatial_top", lambda x: x[..., :3], (Signature(("vec 6",), "vec 3", FLOAT),), group=_GROUP),
    moved("spatial_bottom", lambda x: x[..., 3:], (Signature(("vec 6",), "vec 3", FLOAT),), group=_GROUP),
    moved("spatial_adjoint", _adjoint, (Signature(("mat 3 3", "mat 3 3"), "mat 6 6", FLOAT),), group=_GROUP,
          interval=lambda a, s: a.join(s).join(Interval(0, 0))),
    row("velocity_at_point", _velocity, (Signature(("vec6<float32>", "vec3<float32>"), "vec3<float32>", _SINGLE),),
        lambda a, b: symmetric(a.size + 2 * a.size * b.size), product_factors, _GROUP),
    *(
        row(name, function, (Signature(("transform<float32>", "vec6<float32>"), "vec6<float32>", _SINGLE),), _change,
            lambda t: (Unit(), symmetric(domains.FACTOR[t.notation])), _GROUP)
        for name, function in (("transform_twist", _twist), ("transform_wrench", _wrench))
    ),
)  # fmt: skip
