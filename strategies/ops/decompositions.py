"""Matrices as products: singular values, QR, and transformations taken apart.

Warp documents the factors' properties, not which of several pairs of factors it gives: columns may change their signs.
So what a kernel may use of one is its numbers squared, and of a rotation its matrix.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from strategies import intervals
from strategies.intervals import Interval
from strategies.ops import algebra
from strategies.ops.matrix_math import moved, row
from strategies.ops.signatures import Signature
from strategies.ops.spec import Decision, Dominant, OpSpec, Rounding, Scaled, Values

#: How far the off-diagonal numbers of what is decomposed reach: its singular values are then within three and a half.
_DOMAIN: Final = Dominant(0.5)
_LARGEST: Final = 3.5
#: How many roundings of the largest number there are in what is small.
_LOST: Final = 4.0
#: Floats of 16 bits are left out: of so few digits a decomposition leaves none that can be checked.
_PRECISE: Final = ("float32", "float64")
_PAIR: Final = Signature(("mat 2 2",), "mat 2 2", _PRECISE)
_TRIPLE: Final = Signature(("mat 3 3",), "mat 3 3", _PRECISE)


# ---------------------------------------------------------------- singular values of two by two matrices


def _halves(r: Rounding, a: Values) -> tuple[Values, ...]:
    """A matrix as a rotation with a scale, and a reflection with one: half the sums and differences of its numbers.

    Warp finds them through squares, which lose what is small beside the largest number.
    """
    x, y, z, w = (a[..., n // 2, n % 2] for n in range(4))
    size = _LOST * np.abs(a).max(axis=(-2, -1))
    return tuple(algebra.beside(r, half, size) for half in ((x + w) / 2, (z - y) / 2, (x - w) / 2, (z + y) / 2))


def _singular(r: Rounding, a: Values) -> Values:
    """The sum and the difference of the two scales."""
    e, h, f, g = _halves(r, a)
    turned, mirrored = r(np.hypot(e, h)), r(np.hypot(f, g))
    return np.stack([r(turned + mirrored), r(np.abs(r(turned - mirrored)))], axis=-1)


def _rotation(r: Rounding, angle: Values) -> Values:
    sine, cosine = r(np.sin(angle)), r(np.cos(angle))
    return algebra.about_one(r, algebra.rows((cosine, -sine), (sine, cosine)))


def _cancelled(a: Values) -> Values:
    """How many roundings the directions lose.

    Warp takes them from ``diff + root - 2 * shared`` and ``diff - root + 2 * shared``: `diff` the difference of the
    columns' squared lengths, `shared` their product, `root` the length of both of these.  Where the columns lean the
    same way and are nearly equally long, nothing is left of it but `diff`, and the rounding of the others.
    """
    first, second = a[..., 0], a[..., 1]
    shared = 2 * (first * second).sum(axis=-1)
    apart = np.abs((first * first).sum(axis=-1) - (second * second).sum(axis=-1))
    lost: Values = np.divide(shared, apart, out=np.zeros_like(shared), where=(shared > 0) & (apart > 0))
    return lost


def _left(r: Rounding, a: Values) -> Values:
    e, h, f, g = _halves(r, a)
    return _rotation(r, algebra.beside(r, r(np.arctan2(h, e) + np.arctan2(g, f)) / 2, _cancelled(a)))


def _right(r: Rounding, a: Values) -> Values:
    e, h, f, g = _halves(r, a)
    return _rotation(r, algebra.beside(r, r(np.arctan2(g, f) - np.arctan2(h, e)) / 2, _cancelled(a)))


def _apart(a: Values) -> Values:
    """How far the two singular values are apart."""
    values = _singular(lambda v: v, a)
    found: Values = values[..., 0] - values[..., 1]
    return found


def _equal(a: Values) -> list[Decision]:
    """Whether they are equal, where neither factor nor derivatives are unique."""
    apart = _apart(a)
    return [Decision(apart < _SAME, np.abs(apart - _SAME))]


#: Singular values so near to each other count as equal: derivatives are quotients by the difference.
_SAME: Final = 1e-3


def _singular_slope(a: Values) -> tuple[Values, ...]:
    return (32 * (1 + _cancelled(a)) / np.maximum(_apart(a), _SAME),)


# ---------------------------------------------------------------- QR


def _orthogonal(r: Rounding, a: Values) -> Values:
    """Gram and Schmidt's, the last column so that the determinant is one."""
    first = r(a[..., 0] / algebra.length(r, a[..., 0])[..., None])
    rest = r(a[..., 1] - r(algebra.dot(r, first, a[..., 1])[..., None] * first))
    second = r(rest / algebra.length(r, rest)[..., None])
    return algebra.about_one(r, np.stack([first, second, algebra.cross(r, first, second)], axis=-1))


def _triangular(r: Rounding, a: Values) -> Values:
    q = _orthogonal(r, a)
    product = algebra.matmul(r, algebra.transpose(q), a)
    return np.where(np.tri(3, k=-1, dtype=bool), a.dtype.type(0), product)


def _qr_slope(a: Values) -> tuple[Values, ...]:
    """Derivatives are products with the inverse of the triangular factor."""
    size = np.abs(np.linalg.inv(a.astype(np.float64))).sum(axis=-1).max(axis=-1)
    return (32 * np.maximum(size, 1),)


# ---------------------------------------------------------------- transformations


def _scale(r: Rounding, m: Values) -> Values:
    """The lengths of the first three columns."""
    return algebra.length(r, algebra.transpose(m[..., :3, :3]))


def _unscaled(r: Rounding, m: Values) -> Values:
    return algebra.quaternion_of(r, r(m[..., :3, :3] / _scale(r, m)[..., None, :]))


# ---------------------------------------------------------------- rows

_UNIT: Final = intervals.constant(-1, 1)
_SCALED: Final = Signature(("mat 4 4",), "vec 3", _PRECISE)


ITEMS: Final[tuple[OpSpec, ...]] = (
    row("svd2__0", _left, (_PAIR,), _UNIT, lambda _: (_DOMAIN,), decisions=_equal, adjoint_noise=_singular_slope,
        through=("cw_mul",), spelling_of="svd2"),
    row("svd2__1", _singular, (Signature(("mat 2 2",), "vec 2", _PRECISE),), intervals.constant(0, _LARGEST),
        lambda _: (_DOMAIN,), decisions=_equal, adjoint_noise=_singular_slope, spelling_of="svd2"),
    row("svd2__2", _right, (_PAIR,), _UNIT, lambda _: (_DOMAIN,), decisions=_equal, adjoint_noise=_singular_slope,
        through=("cw_mul",), spelling_of="svd2"),
    row("qr3__0", _orthogonal, (_TRIPLE,), _UNIT, lambda _: (_DOMAIN,), adjoint_noise=_qr_slope, through=("cw_mul",),
        spelling_of="qr3"),
    row("qr3__1", _triangular, (_TRIPLE,), intervals.constant(-_LARGEST, _LARGEST), lambda _: (_DOMAIN,),
        adjoint_noise=_qr_slope, through=("get_diag", "cw_mul"), spelling_of="qr3"),
    moved("transform_decompose__0", lambda m: m[..., :3, 3], (_SCALED,), domain=lambda _: (Scaled(),),
          group="Transformations", spelling_of="transform_decompose"),
    row("transform_decompose__1", _unscaled, (Signature(("mat 4 4",), "Q", _PRECISE),), _UNIT, lambda _: (Scaled(),),
        "Transformations", unit=True, through=("quat_to_matrix",), spelling_of="transform_decompose",
        adjoint_noise=lambda m: (8 / _scale(lambda v: v, m).min(axis=-1),)),
    row("transform_decompose__2", _scale, (_SCALED,), lambda m: Interval(0, 2 * m.size), lambda _: (Scaled(),),
        "Transformations", spelling_of="transform_decompose"),
)  # fmt: skip
