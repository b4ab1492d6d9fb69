"""Matrices taken apart, against LAPACK, in what is unique of the factors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.shrink.validity import well_formed
from strategies.language import types as t
from strategies.language.nodes import Apply, Assign, Element, Expression, Name, Parameter, Program, ThreadIndex, Unpack
from strategies.language.types import FLOAT32, INT32
from strategies.ops import OPS, decompositions

Values = NDArray[Any]
COUNT = 24
RANDOM = np.random.default_rng(21)


def factor(name: str, a: Values) -> Values:
    """A result of a decomposition of each of `a`."""
    row = OPS[name]
    given = a.reshape(1, 1, *a.shape)
    found = row.reference(lambda v: v, given) if row.composite else row.reference(given)
    return np.asarray(found)[0, 0]


def same(a: Values, b: Values) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_singular_values_and_vectors_are_those_of_lapack(shift: float) -> None:
    a = RANDOM.uniform(-1, 1, (COUNT, 2, 2)) + shift * np.eye(2)
    left, values, right = np.linalg.svd(a)
    same(factor("svd2__1", a), values)
    same(factor("svd2__0", a) ** 2, left**2)
    same(factor("svd2__2", a) ** 2, np.swapaxes(right, 1, 2) ** 2)


def test_an_orthogonal_factor_is_a_rotation_and_makes_the_matrix_again() -> None:
    a = RANDOM.uniform(-1, 1, (COUNT, 3, 3))
    q, upper = factor("qr3__0", a), factor("qr3__1", a)
    same(q @ upper, a)
    same(q @ np.swapaxes(q, 1, 2), np.broadcast_to(np.eye(3), q.shape))
    same(np.linalg.det(q), np.ones(COUNT))
    orthogonal, triangular = np.linalg.qr(a)
    same(q**2, orthogonal**2)
    same(np.diagonal(upper, axis1=1, axis2=2) ** 2, np.diagonal(triangular, axis1=1, axis2=2) ** 2)


def test_a_transformation_with_scales_is_taken_apart() -> None:
    position, scale = RANDOM.uniform(-2, 2, (COUNT, 3)), RANDOM.uniform(0.25, 4, (COUNT, 3))
    rotation = np.linalg.qr(RANDOM.uniform(-1, 1, (COUNT, 3, 3)))[0]
    rotation *= np.linalg.det(rotation)[:, None, None]
    m = np.broadcast_to(np.eye(4), (COUNT, 4, 4)).copy()
    m[:, :3, :3], m[:, :3, 3] = rotation * scale[:, None, :], position
    same(factor("transform_decompose__0", m), position)
    same(factor("quat_to_matrix", factor("transform_decompose__1", m)), rotation)
    same(factor("transform_decompose__2", m), scale)


def test_of_what_is_not_unique_only_squares_or_a_matrix_are_used() -> None:
    through = {row.name: row.through for row in decompositions.ITEMS if row.through}
    assert through == {
        "svd2__0": ("cw_mul",),
        "svd2__2": ("cw_mul",),
        "qr3__0": ("cw_mul",),
        "qr3__1": ("get_diag", "cw_mul"),
        "transform_decompose__1": ("quat_to_matrix",),
    }


PAIR, AT = t.parse("mat22<float32>"), (Name(INT32, "i"),)
LEFT = Name(PAIR, "u")


def kernel(used: Expression) -> Program:
    """A kernel that stores `used`, made of the left factor of a matrix."""
    values = Name(t.vector(2, FLOAT32), "s")
    given = (Element(PAIR, "a", AT),)
    results = tuple(Apply(of.type, f"svd2__{n}", given) for n, of in enumerate((LEFT, values, LEFT)))
    parameters = (Parameter("a", t.array(PAIR), -1.0, 1.0, (4,)), Parameter("out", t.array(PAIR), 0.0, 0.0, (4,), True))
    unpacked = Unpack((LEFT, values, Name(PAIR, "v")), results)
    body = (ThreadIndex(("i",)), unpacked, Assign(Element(PAIR, "out", AT), used))
    return Program("known", "matrix", (4,), parameters, body)


def test_reducing_never_uses_a_factor_as_it_is() -> None:
    squares = Apply(PAIR, "cw_mul", (LEFT, LEFT))
    assert well_formed(kernel(squares))
    assert not well_formed(kernel(LEFT))
    assert not well_formed(kernel(Apply(PAIR, "cw_mul", (LEFT, Element(PAIR, "a", AT)))))
    assert not well_formed(kernel(Apply(PAIR, "add", (squares, LEFT))))


def test_reducing_keeps_all_that_makes_a_result_unique() -> None:
    quaternion, angles, matrix = t.parse("quat<float32>"), t.vector(3, FLOAT32), t.matrix(3, 3, FLOAT32)

    def stored(value: Expression) -> Program:
        parameters = (
            Parameter("q", t.array(quaternion), -1.0, 1.0, (4,)),
            Parameter("out", t.array(value.type), 0.0, 0.0, (4,), True),
        )
        body = (ThreadIndex(("i",)), Assign(Element(value.type, "out", AT), value))
        return Program("known", "quaternion", (4,), parameters, body)

    euler = Apply(angles, "quat_to_euler_102", (Apply(quaternion, "normalize", (Element(quaternion, "q", AT),)),))
    turned = Apply(quaternion, "quat_from_euler_102", (euler,))
    assert well_formed(stored(Apply(matrix, "quat_to_matrix", (turned,))))
    assert not well_formed(stored(turned)), "angles of the other half of a turn make the negative quaternion"
    assert not well_formed(stored(euler))
