"""Quaternions: products, rotations, and conversions from and to angles and matrices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Final

import numpy as np

from strategies import intervals
from strategies.intervals import Interval, symmetric
from strategies.ops import algebra, decisions, domains
from strategies.ops.matrix_math import moved, products, row
from strategies.ops.signatures import FLOAT, Signature
from strategies.ops.spec import Decision, Decisions, Domain, OpSpec, Place, Rotation, Rounding, Unit, Values
from strategies.ops.vector_math import projection

_GROUP: Final = "Quaternion Math"
_UNIT: Final = intervals.constant(-1, 1)
_TURN: Final = symmetric(2 * math.pi)
#: Angles of a full turn to either side.
_ANY_ANGLE: Final = 6.375
#: Where Warp takes a quarter of a turn for a lock.
_LOCK: Final = 1e-6
#: float32 alone: these are Warp functions written in Warp.
_SINGLE: Final = ("float32",)


def _rpy(r: Rounding, roll: Values, pitch: Values, yaw: Values) -> Values:
    x, y, z = (algebra.about(r, n, angle) for n, angle in enumerate((roll, pitch, yaw)))
    return algebra.about_one(r, algebra.quaternion_product(r, algebra.quaternion_product(r, z, y), x))


def _normalize(r: Rounding, q: Values) -> Values:
    identity = np.zeros(q.shape, q.dtype)
    identity[..., 3] = 1
    return algebra.normalized(r, q, identity)


def _projection(q: Values) -> tuple[Values, ...]:
    """As for vectors, for whole quaternions."""
    return (projection(q)[0].max(axis=-1) / 2,)


def _slerp(r: Rounding, a: Values, b: Values, t: Values) -> Values:
    """Along the shorter arc, at a constant rate; the angle from the chord, which is exact for small ones too.

    Quaternions of other lengths are outside of what it is for, but Warp's result is as long as the first, and so its
    adjoint has a part along that, which a normalization before takes away but for rounding.
    """
    size = algebra.length(r, b)[..., None]
    b = r(b / np.where(size > 0, size, 1))
    b = np.where(algebra.dot(r, a, b)[..., None] < 0, -b, b)
    half = r(np.arctan2(algebra.length(r, a - b), algebra.length(r, a + b)))[..., None]
    angle, t = 2 * half, t[..., None]
    sine = np.sin(angle)
    near = angle < 1e-4
    sine = np.where(near, 1, sine)
    left = np.where(near, 1 - t, r(np.sin(r((1 - t) * angle)) / sine))
    right = np.where(near, t, r(np.sin(r(t * angle)) / sine))
    return algebra.about_one(r, r(r(left * a) + r(right * b)) * algebra.length(r, a)[..., None])


def _side(a: Values, b: Values, t: Values) -> list[Decision]:
    """Which of the two arcs is the shorter."""
    product = np.sum(a * b, axis=-1)
    return [Decision(product < 0, np.abs(product))]


def _slerp_slope(a: Values, b: Values, t: Values) -> tuple[Values, ...]:
    """The weights' derivatives are quotients by the sine of the angle."""
    product = np.minimum(np.abs(np.sum(a * b, axis=-1)), 1)
    sine = np.sqrt(np.maximum(1 - product**2, 1e-12))
    return 16 / sine, 16 / sine, np.full(sine.shape, 16.0) / np.maximum(sine, 0.05)


def _twist(r: Rounding, axis: Values, q: Values) -> Values:
    return algebra.about_one(r, _normalize(r, _along(r, axis, q)))


def _along(r: Rounding, axis: Values, q: Values) -> Values:
    return algebra.joined(r(axis * algebra.dot(r, axis, q[..., :3])[..., None]), q[..., 3:])


def _twist_angle(r: Rounding, axis: Values, q: Values) -> Values:
    """Twice the inverse cosine of the twist's scalar part, which has large errors near zero."""
    return 2 * _around_one(r, np.arccos(np.clip(_twist(r, axis, q)[..., 3], -1, 1)))


def _signed_twist_angle(r: Rounding, axis: Values, q: Values) -> Values:
    return 2 * r(np.arctan2(_around_one(r, algebra.dot(r, axis, q[..., :3])), q[..., 3]))


def _twist_cut(r: Rounding, axis: Values, q: Values) -> list[Decision]:
    """On which side of a whole turn it is; half a turn across the axis has no angle about it."""
    return [_half_turn(_around_one(r, np.sum(axis * q[..., :3], axis=-1)), q[..., 3])]


def _around_one(r: Rounding, of_units: Values) -> Values:
    """What is computed of two vectors of length one: it rounds as numbers around one do, be it next to nothing."""
    return r(of_units + 0.7) - 0.7


def _half_turn(y: Values, x: Values) -> Decision:
    """On which side of half a turn the angle of a point is."""
    return Decision((y < 0) & (x < 0), np.where(x < 0, np.abs(y), np.hypot(x, y)))


def _no_twist(axis: Values, q: Values) -> list[Decision]:
    """To which side it turns, and whether there is a twist: of none, the identity is taken."""
    along = np.sum(axis * q[..., :3], axis=-1)
    size = np.hypot(along, q[..., 3])
    return [Decision(along < 0, np.abs(along)), Decision(size == 0, size)]


def _to_rpy(r: Rounding, q: Values) -> Values:
    m = algebra.rotation_matrix(r, q)
    roll = r(np.arctan2(m[..., 2, 1], m[..., 2, 2]))
    pitch = r(np.arcsin(np.clip(-m[..., 2, 0], -1, 1)))
    yaw = r(np.arctan2(m[..., 1, 0], m[..., 0, 0]))
    return np.stack([roll, pitch, yaw], axis=-1)


def _branch_cuts(q: Values) -> list[Decision]:
    """On which side of half a turn roll and yaw are, and whether the pitch is at its end."""
    m = algebra.rotation_matrix(lambda v: v, q)
    found = (_half_turn(m[..., 2, 1], m[..., 2, 2]), _half_turn(m[..., 1, 0], m[..., 0, 0]))
    return [*found, Decision(np.abs(m[..., 2, 0]) >= 1, np.abs(1 - np.abs(m[..., 2, 0])))]


#: The axes of three rotations about fixed axes, no two in a row alike.
_SEQUENCES: Final = tuple(axes for axes in itertools.product(range(3), repeat=3) if axes[0] != axes[1] != axes[2])


def _from_euler(axes: tuple[int, ...]) -> Callable[..., Values]:
    """Rotations about fixed axes, one after another; each angle is that of its axis."""

    def reference(r: Rounding, angles: Values) -> Values:
        first, second, third = (algebra.about(r, axis, angles[..., axis]) for axis in axes)
        product = algebra.quaternion_product(r, third, algebra.quaternion_product(r, second, first))
        return algebra.about_one(r, product)

    return reference


def _to_euler(axes: tuple[int, ...]) -> Callable[..., Values]:
    """The angles of such rotations about three different axes, each at the place of its axis."""
    i, j, k = axes
    sign = _parity(axes)

    def reference(r: Rounding, q: Values) -> Values:
        m = algebra.rotation_matrix(r, q)
        found = {
            i: r(np.arctan2(sign * m[..., k, j], m[..., k, k])),
            j: r(np.arcsin(np.clip(-sign * m[..., k, i], -1, 1))),
            k: r(np.arctan2(sign * m[..., j, i], m[..., i, i])),
        }
        return np.stack([found[n] for n in range(3)], axis=-1)

    return reference


def _parity(axes: tuple[int, ...]) -> int:
    """Whether the axes follow each other as x, y and z do, or the other way round."""
    return 1 if (axes[1] - axes[0]) % 3 == 1 else -1


def _at_lock(axes: tuple[int, ...], q: Values) -> Values:
    """The cosine of the second angle: where it is none, the other two are not unique."""
    m = algebra.rotation_matrix(lambda v: v, q)
    found: Values = np.hypot(m[..., axes[0], axes[0]], m[..., axes[1], axes[0]])
    return found


def _locked(axes: tuple[int, ...]) -> Decisions:
    """Whether the second angle is at its end."""

    def decisions(q: Values) -> list[Decision]:
        cosine = _at_lock(axes, q)
        return [Decision(cosine < _LOCK, np.abs(cosine - _LOCK), jumps=False)]

    return decisions


def _euler_slope(axes: tuple[int, ...]) -> Callable[..., tuple[Values, ...]]:
    """The angles' derivatives are quotients by the cosine of the second one."""
    return lambda q: (32 / np.maximum(_at_lock(axes, q), _LOCK),)


def _axis(r: Rounding, q: Values) -> Values:
    """The axis of the rotation, on the side on which the angle is at most half a turn; none of no rotation."""
    axis = algebra.normalized(r, q[..., :3])
    return np.where(q[..., 3:] < 0, -axis, axis)


def _angle(r: Rounding, q: Values) -> Values:
    """The angle about that axis, between no and half a turn."""
    return r(2 * np.arctan2(algebra.length(r, q[..., :3]), np.abs(q[..., 3])))


def _turned(q: Values) -> list[Decision]:
    """Which way it turns, and whether it does."""
    part = q[..., 3]
    return [Decision(part < 0, np.abs(part)), *decisions.at_origin(q[..., :3])]


def _unit_then(*more: Place) -> Domain:
    return lambda _: (Unit(), *more)


ROWS: Final[tuple[OpSpec, ...]] = (
    row("mul", algebra.quaternion_product, (Signature(("Q", "Q"), "Q", FLOAT),), products,
        lambda t: (symmetric(domains.FACTOR[t.notation] / 2),) * 2, "Operators"),
    row("dot", algebra.dot, (Signature(("Q", "Q"), "T", FLOAT),), products,
        lambda t: (symmetric(domains.FACTOR[t.notation] / 2),) * 2, _GROUP),
    row("length", algebra.length, (Signature(("Q",), "T", FLOAT),), lambda a: Interval(0, 2 * a.size),
        domains.whole(30), decisions=decisions.at_origin),
    row("length_sq", lambda r, q: algebra.dot(r, q, q), (Signature(("Q",), "T", FLOAT),),
        lambda a: Interval(0, 4 * a.size**2), lambda t: (symmetric(domains.FACTOR[t.notation] / 2),)),
    row("normalize", _normalize, (Signature(("Q",), "Q", FLOAT),), _UNIT, domains.whole(30),
        decisions=decisions.at_origin, jumps=True, adjoint_noise=_projection, unit=True),
    moved("quat_inverse", algebra.conjugate, (Signature(("Q",), "Q", FLOAT),), group=_GROUP, domain=domains.anywhere(1),
          interval=lambda a: symmetric(a.size)),
    row("quat_from_axis_angle", algebra.axis_angle, (Signature(("vec 3", "T"), "Q", FLOAT),), _UNIT,
        _unit_then(symmetric(6.0)), _GROUP),
    row("quat_rpy", _rpy, (Signature(("T", "T", "T"), "Q", FLOAT),), _UNIT, domains.between(*((-6.0, 6.0),) * 3),
        _GROUP, unit=True),
    row("quat_rotate", algebra.rotate, (Signature(("Q", "vec 3"), "vec 3", FLOAT),),
        lambda _, v: symmetric(2 * v.size), _unit_then(symmetric(30)), _GROUP),
    row("quat_rotate_inv", lambda r, q, v: algebra.rotate(r, algebra.conjugate(q), v),
        (Signature(("Q", "vec 3"), "vec 3", FLOAT),), lambda _, v: symmetric(2 * v.size), _unit_then(symmetric(30)),
        _GROUP),
    row("quat_to_matrix", algebra.rotation_matrix, (Signature(("Q",), "mat 3 3", FLOAT),), _UNIT, _unit_then(), _GROUP),
    row("quat_from_matrix", algebra.quaternion_of,
        (Signature(("mat 3 3",), "Q", FLOAT), Signature(("mat 4 4",), "Q", FLOAT)), _UNIT, lambda _: (Rotation(),),
        _GROUP, unit=True, through=("quat_to_matrix",), adjoint_noise=lambda m: (np.full(m.shape[:-2], 6.0),)),
    row("quat_slerp", _slerp, (Signature(("Q", "Q", "T"), "Q", FLOAT),), _UNIT,
        lambda _: (Unit(), Unit(), Interval(0, 1)), _GROUP, unit=True, decisions=_side, jumps=True,
        adjoint_noise=_slerp_slope),
    row("quat_twist", _twist, (Signature(("vec3<float32>", "quat<float32>"), "quat<float32>", _SINGLE),), _UNIT,
        lambda _: (Unit(), Unit()), _GROUP, unit=True, through=("quat_to_matrix",), decisions=_no_twist, jumps=True),
    row("quat_twist_angle", _twist_angle, (Signature(("vec3<float32>", "quat<float32>"), "float32", _SINGLE),),
        intervals.constant(0, 6.5), lambda _: (Unit(), Unit()), _GROUP, decisions=_no_twist, jumps=True),
    row("quat_twist_angle_signed", _signed_twist_angle,
        (Signature(("vec3<float32>", "quat<float32>"), "float32", _SINGLE),), lambda *_: _TURN,
        lambda _: (Unit(), Unit()), _GROUP, decisions=_twist_cut, decides_on_the_way=True, jumps=True),
    row("quat_to_rpy", _to_rpy, (Signature(("quat<float32>",), "vec3<float32>", _SINGLE),),
        intervals.constant(-3.25, 3.25), _unit_then(), _GROUP, decisions=_branch_cuts, jumps=True),
    *(
        row(f"quat_from_euler_{i}{j}{k}", _from_euler((i, j, k)),
            (Signature(("vec3<float32>",), "quat<float32>", _SINGLE),), _UNIT,
            domains.between((-_ANY_ANGLE, _ANY_ANGLE)), _GROUP, unit=True, spelling_of="quat_from_euler")
        for i, j, k in _SEQUENCES
    ),
    # the first and the last angle are unique up to full turns, the rotation by all three is unique; of sequences that
    # come back to an axis, Warp documents that no function makes a rotation of the angles again
    *(
        row("quat_to_euler_" + "".join(map(str, axes)), _to_euler(axes),
            (Signature(("quat<float32>",), "vec3<float32>", _SINGLE),), intervals.constant(-_ANY_ANGLE, _ANY_ANGLE),
            _unit_then(), _GROUP, decisions=_locked(axes), adjoint_noise=_euler_slope(axes),
            through=("quat_from_euler_" + "".join(map(str, axes)), "quat_to_matrix"), spelling_of="quat_to_euler")
        for axes in _SEQUENCES if axes[0] != axes[2]
    ),
    OpSpec(name="quat_identity", group=_GROUP, signatures=(Signature((), "Q", FLOAT),),
           reference=lambda _: np.array([[[[0, 0, 0, 1]]]]), interval=intervals.constant(0, 1), domain=lambda _: (),
           exact=True, ulps=0.0, differentiable=False, flat=True, unit=True),
)  # fmt: skip
#: ``axis, angle = wp.quat_to_axis_angle(q)``.
ITEMS: Final[tuple[OpSpec, ...]] = (
    row("quat_to_axis_angle__0", _axis, (Signature(("Q",), "vec 3", FLOAT),), _UNIT, _unit_then(), _GROUP,
        decisions=_turned, jumps=True, adjoint_noise=_projection, spelling_of="quat_to_axis_angle"),
    row("quat_to_axis_angle__1", _angle, (Signature(("Q",), "T", FLOAT),), intervals.constant(0, 3.25), _unit_then(),
        _GROUP, decisions=_turned, adjoint_noise=_projection, spelling_of="quat_to_axis_angle"),
)  # fmt: skip
