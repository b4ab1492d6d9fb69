"""Products of vectors, matrices and quaternions over NumPy arrays, each operation rounded once.

Values have lanes in front; a vector has one axis more, a matrix two (rows, columns), a quaternion one of x, y, z, w, a
transformation one of a translation and a quaternion.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from strategies.ops.spec import Rounding, Values

_NEXT: Final = [1, 2, 0]
_LAST: Final = [2, 0, 1]
#: What was divided by its length and is shorter than half has lost it.
_LENGTH_LOST: Final = 0.25
#: A number around one that no float type holds, so that its rounding is never left out.
_BESIDE_ONE: Final = 1.1


def total(r: Rounding, terms: Values) -> Values:
    """The sum over the last axis, one term after another."""
    found: Values = terms[..., 0]
    for n in range(1, terms.shape[-1]):
        found = r(found + terms[..., n])
    return found


def dot(r: Rounding, a: Values, b: Values) -> Values:
    """The sum of the products of two vectors' components."""
    return total(r, r(a * b))


def cross(r: Rounding, a: Values, b: Values) -> Values:
    """The vector product of three components each."""
    return r(r(a[..., _NEXT] * b[..., _LAST]) - r(a[..., _LAST] * b[..., _NEXT]))


def matmul(r: Rounding, a: Values, b: Values) -> Values:
    """The product of two matrices."""
    found = r(a[..., :, :1] * b[..., :1, :])
    for k in range(1, a.shape[-1]):
        found = r(found + r(a[..., :, k : k + 1] * b[..., k : k + 1, :]))
    return found


def matvec(r: Rounding, a: Values, v: Values) -> Values:
    """A matrix times a column vector."""
    return matmul(r, a, v[..., None])[..., 0]


def vecmat(r: Rounding, v: Values, a: Values) -> Values:
    """A row vector times a matrix."""
    return matmul(r, v[..., None, :], a)[..., 0, :]


def outer(a: Values, b: Values) -> Values:
    """The matrix of all products of two vectors' components."""
    found: Values = a[..., :, None] * b[..., None, :]
    return found


def transpose(a: Values) -> Values:
    """Rows as columns."""
    return np.swapaxes(a, -1, -2)


def skew(v: Values) -> Values:
    """The matrix that gives the vector product with `v`."""
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    zero = np.zeros_like(x)
    return rows((zero, -z, y), (z, zero, -x), (-y, x, zero))


def rows(*of: tuple[Values, ...]) -> Values:
    """A matrix of given numbers."""
    return np.stack([np.stack(np.broadcast_arrays(*row), axis=-1) for row in of], axis=-2)


def diagonal(v: Values) -> Values:
    """The matrix with `v` as its diagonal."""
    on_it = np.eye(v.shape[-1], dtype=bool)
    # not a product: zero times infinity is none
    return np.where(on_it, v[..., :, None], v.dtype.type(0))


def _minor(a: Values, row: int, column: int) -> Values:
    return np.delete(np.delete(a, row, -2), column, -1)


def determinant(r: Rounding, a: Values) -> Values:
    """Laplace's expansion by the first row."""
    if a.shape[-1] == 1:
        return np.asarray(a[..., 0, 0])
    if a.shape[-1] == 2:
        return r(r(a[..., 0, 0] * a[..., 1, 1]) - r(a[..., 0, 1] * a[..., 1, 0]))
    signs = [(-1) ** n for n in range(a.shape[-1])]
    terms = [r(a[..., 0, n] * determinant(r, _minor(a, 0, n))) * sign for n, sign in enumerate(signs)]
    return total(r, np.stack(terms, axis=-1))


def inverse(r: Rounding, a: Values) -> Values:
    """The adjugate, divided by the determinant (Cramer's rule)."""
    count = a.shape[-1]
    cofactors = [tuple((-1) ** (i + j) * determinant(r, _minor(a, j, i)) for j in range(count)) for i in range(count)]
    return r(rows(*cofactors) / determinant(r, a)[..., None, None])


def about_one(r: Rounding, v: Values) -> Values:
    """`v` with the error of numbers around one, as parts of something of length one have however small they are."""
    return beside(r, v, np.asarray(_BESIDE_ONE, v.dtype))


def beside(r: Rounding, v: Values, size: Values) -> Values:
    """`v` with the error of one rounding of numbers of `size`; without noise, `v` itself.

    The error is to the side to which `v` has moved already, in each realisation of noise: of few realisations, the two
    would else take each other away in all of one cell in some hundred, and leave it without a tolerance.
    """
    moved = v + size
    error = r(moved) - moved
    # as in the first perturbation, for an error is the same in all of them
    own = v[:, :1] - v[:1, :1]
    side = np.where(own * error[:, :1] < 0, -1, 1).astype(v.dtype)
    found: Values = np.where(np.isfinite(moved), v + side * error, v)
    return found


# ---------------------------------------------------------------- quaternions


def conjugate(q: Values) -> Values:
    """The inverse rotation."""
    found: Values = q * np.array([-1, -1, -1, 1], q.dtype)
    return found


def quaternion_product(r: Rounding, a: Values, b: Values) -> Values:
    """Hamilton's product: vector part ``aw bv + bw av + av x bv``, scalar part ``aw bw - av . bv``."""
    av, aw, bv, bw = a[..., :3], a[..., 3:], b[..., :3], b[..., 3:]
    vector = r(r(r(aw * bv) + r(bw * av)) + cross(r, av, bv))
    # in whatever order the terms are added, the largest one's rounding may take up the smallest
    largest = np.abs(a).max(axis=-1, keepdims=True) * np.abs(b).max(axis=-1, keepdims=True)
    return beside(r, joined(vector, r(r(aw * bw) - dot(r, av, bv)[..., None])), largest)


def rotate(r: Rounding, q: Values, v: Values) -> Values:
    """``q v conjugate(q)``, for a quaternion of length one."""
    pure = joined(v, np.zeros_like(v[..., :1]))
    return quaternion_product(r, quaternion_product(r, q, pure), conjugate(q))[..., :3]


def rotation_matrix(r: Rounding, q: Values) -> Values:
    """The matrix whose columns are the rotated axes, for a quaternion of length one."""
    x, y, z, w = (q[..., n] for n in range(4))

    def off(a: Values, b: Values, c: Values, d: Values, sign: int) -> Values:
        return 2 * r(r(a * b) + sign * r(c * d))

    def on(a: Values, b: Values) -> Values:
        return r(1 - 2 * r(r(a * a) + r(b * b)))

    found = rows(
        (on(y, z), off(x, y, z, w, -1), off(x, z, y, w, 1)),
        (off(x, y, z, w, 1), on(x, z), off(y, z, x, w, -1)),
        (off(x, z, y, w, -1), off(y, z, x, w, 1), on(x, y)),
    )
    return about_one(r, found)


def quaternion_of(r: Rounding, m: Values) -> Values:
    """A quaternion of a rotation matrix, of whichever sign (Shepperd 1978: through its largest component)."""
    a = [[m[..., i, j] for j in range(3)] for i in range(3)]
    trace = a[0][0] + a[1][1] + a[2][2]
    sizes = np.stack([a[0][0], a[1][1], a[2][2], trace], axis=-1)
    #: the largest of each lane, the same for all perturbations of it
    chosen = np.argmax(sizes[:1, :1], axis=-1)
    differences = (r(a[2][1] - a[1][2]), r(a[0][2] - a[2][0]), r(a[1][0] - a[0][1]))
    sums = {(0, 1): r(a[0][1] + a[1][0]), (0, 2): r(a[0][2] + a[2][0]), (1, 2): r(a[1][2] + a[2][1])}
    candidates = []
    for k in range(4):
        square = 1 + 2 * sizes[..., k] - trace if k < 3 else 1 + trace
        root = r(np.sqrt(np.maximum(r(square), 1e-6)))
        parts = [
            0.5 * root if n == k
            else r(differences[min(n, k)] / (2 * root)) if 3 in (n, k)
            else r(sums[(min(n, k), max(n, k))] / (2 * root))
            for n in range(4)
        ]  # fmt: skip
        candidates.append(np.stack(np.broadcast_arrays(*parts), axis=-1))
    return about_one(r, np.choose(chosen[..., None], candidates))


def axis_angle(r: Rounding, axis: Values, angle: Values) -> Values:
    """``(axis * sin(angle / 2), cos(angle / 2))``."""
    half = angle[..., None] / 2
    return joined(r(axis * r(np.sin(half))), r(np.cos(half)))


def about(r: Rounding, axis: int, angle: Values) -> Values:
    """The rotation about a coordinate axis."""
    unit = np.zeros(3, angle.dtype)
    unit[axis] = 1
    return axis_angle(r, np.broadcast_to(unit, (*angle.shape, 3)), angle)


def length(r: Rounding, v: Values) -> Values:
    """The root of the sum of squares."""
    return r(np.sqrt(dot(r, v, v)))


def normalized(r: Rounding, v: Values, otherwise: Values | float = 0.0) -> Values:
    """A vector by its length, or `otherwise` if it has none.

    A length whose square underflows is far too large under noise: for Warp it may as well be none.
    """
    size = length(r, v)[..., None]
    found = r(v / np.where(size > 0, size, 1))
    lost = np.sum(found * found, axis=-1, keepdims=True) <= _LENGTH_LOST
    return np.where((size > 0) & ~lost, found, otherwise).astype(v.dtype)


# ---------------------------------------------------------------- transformations


def compose(r: Rounding, a: Values, b: Values) -> Values:
    """The transformation that applies `b`, then `a`."""
    translation = r(a[..., :3] + rotate(r, a[..., 3:], b[..., :3]))
    return joined(translation, quaternion_product(r, a[..., 3:], b[..., 3:]))


def joined(*parts: Values) -> Values:
    """Vectors one after another, over the same lanes."""
    lanes = np.broadcast_shapes(*(p.shape[:-1] for p in parts))
    return np.concatenate([np.broadcast_to(p, (*lanes, p.shape[-1])) for p in parts], axis=-1)


def invert(r: Rounding, t: Values) -> Values:
    """The transformation back."""
    back = conjugate(t[..., 3:])
    return joined(-rotate(r, back, t[..., :3]), back)


def homogeneous(linear: Values, translation: Values) -> Values:
    """The four by four matrix of a linear map and a translation."""
    lanes = np.broadcast_shapes(linear.shape[:-2], translation.shape[:-1])
    columns = (linear, translation[..., None])
    top = np.concatenate([np.broadcast_to(c, (*lanes, *c.shape[-2:])) for c in columns], axis=-1)
    last = np.zeros((*top.shape[:-2], 1, 4), top.dtype)
    last[..., 3] = 1
    return np.concatenate([top, last], axis=-2)
