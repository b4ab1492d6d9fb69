"""Matrices, quaternions, transformations and spatial vectors of the op table, against independent formulas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from strategies.language import types as t
from strategies.language.types import Composite, Type
from strategies.ops import OPS, algebra, overload, settled

Values = NDArray[Any]
COUNT = 24
RANDOM = np.random.default_rng(20)


def numbers(*shape: int, low: float = -2.0, high: float = 2.0) -> Values:
    return RANDOM.uniform(low, high, (COUNT, *shape))


def unit(*shape: int) -> Values:
    found = numbers(*shape)
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


def transformations() -> Values:
    return np.concatenate([numbers(3), unit(4)], axis=-1)


def call(op: str, notations: Sequence[str], *arguments: Values) -> Values:
    """``op(*arguments)`` in float64: samples first, then the axes of one value."""
    of = [t.parse(notation) for notation in notations]
    row = overload(op, of)
    assert row.shaped
    given = [a.reshape(1, 1, COUNT, *_shape(kind)) for a, kind in zip(arguments, of, strict=True)]
    found = np.asarray(row.reference(lambda v: v, *given) if row.composite else row.reference(*given))
    result = row.result(of)
    assert result is not None
    return found.reshape(COUNT, *_shape(result))


def _shape(of: Type) -> tuple[int, ...]:
    return of.shape if isinstance(of, Composite) else ()


def same(a: Values, b: Values) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


M, V2, V3, V6, Q, X, F = (
    "mat33<float64>", "vec2<float64>", "vec3<float64>", "vec6<float64>", "quat<float64>", "transform<float64>",
    "float64",
)  # fmt: skip
M4 = "mat44<float64>"
SINGLE = {"vec3<float64>": "vec3<float32>", "vec6<float64>": "vec6<float32>", "quat<float64>": "quat<float32>",
          "transform<float64>": "transform<float32>"}  # fmt: skip


# ---------------------------------------------------------------- matrices


def test_products_are_those_of_numpy() -> None:
    a, b, v, w = numbers(2, 3), numbers(3, 4), numbers(3), numbers(2)
    same(call("mul", ["mat23<float64>", "mat34<float64>"], a, b), a @ b)
    same(call("mul", ["mat23<float64>", V3], a, v), np.einsum("nij,nj->ni", a, v))
    same(call("mul", [V2, "mat23<float64>"], w, a), np.einsum("ni,nij->nj", w, a))
    same(call("outer", [V2, V3], w, v), np.einsum("ni,nj->nij", w, v))
    same(call("ddot", ["mat23<float64>"] * 2, a, 2 * a), 2 * np.einsum("nij,nij->n", a, a))
    same(call("transpose", ["mat23<float64>"], a), np.swapaxes(a, 1, 2))


@pytest.mark.parametrize("size", [2, 3, 4])
def test_determinants_and_inverses_are_those_of_lapack(size: int) -> None:
    a, of = numbers(size, size), f"mat{size}{size}<float64>"
    same(call("determinant", [of], a), np.linalg.det(a))
    well = a / 4 + np.eye(size) * 3
    same(call("inverse", [of], well), np.linalg.inv(well))
    same(call("inverse_approx", [of], well), np.linalg.inv(well))
    same(call("trace", [of], a), np.trace(a, axis1=1, axis2=2))
    same(call("get_diag", [of], a), np.stack([np.diag(one) for one in a]))
    same(call("diag", [f"vec{size}<float64>"], a[:, 0]), np.stack([np.diag(one) for one in a[:, 0]]))


def test_matrices_are_made_of_rows_and_of_columns() -> None:
    rows = numbers(3), numbers(3)
    same(call("matrix_from_rows", [V3, V3], *rows), np.stack(rows, axis=1))
    same(call("matrix_from_cols", [V3, V3], *rows), np.stack(rows, axis=2))
    same(np.einsum("nij,nj->ni", call("skew", [V3], rows[0]), rows[1]), np.cross(*rows))


def test_identities() -> None:
    assert np.array_equal(OPS["identity"].reference(t.parse("mat22<int32>")).ravel(), [1, 0, 0, 1])
    assert OPS["quat_identity"].reference(None).ravel().tolist() == [0, 0, 0, 1]
    assert OPS["transform_identity"].reference(None).ravel().tolist() == [0, 0, 0, 0, 0, 0, 1]


def test_points_move_with_a_matrix_and_directions_do_not() -> None:
    m, v = numbers(4, 4), numbers(3)
    point = np.concatenate([v, np.ones((COUNT, 1))], axis=1)
    same(call("transform_point", [M4, V3], m, v), np.einsum("nij,nj->ni", m, point)[:, :3])
    same(call("transform_vector", [M4, V3], m, v), np.einsum("nij,nj->ni", m[:, :3, :3], v))


# ---------------------------------------------------------------- quaternions


def rodrigues(axis: Values, angle: Values) -> Values:
    """The matrix of a rotation, by Rodrigues' formula."""
    x, y, z = axis.T
    zero = np.zeros(COUNT)
    k = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(COUNT, 3, 3)
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sine * k + (1 - cosine) * k @ k


def pauli(q: Values) -> Values:
    """A quaternion as a complex matrix, whose products are those of quaternions."""
    x, y, z, w = q.T
    return np.stack([w + 1j * x, y + 1j * z, -y + 1j * z, w - 1j * x], axis=1).reshape(COUNT, 2, 2)


def test_the_product_of_quaternions_is_that_of_complex_matrices() -> None:
    a, b = numbers(4), numbers(4)
    same(pauli(call("mul", [Q, Q], a, b)), pauli(a) @ pauli(b))


def test_rotations_follow_rodrigues() -> None:
    axis, angle, v = unit(3), numbers(), numbers(3)
    q = call("quat_from_axis_angle", [V3, F], axis, angle)
    r = rodrigues(axis, angle)
    same(call("quat_to_matrix", [Q], q), r)
    same(call("quat_rotate", [Q, V3], q, v), np.einsum("nij,nj->ni", r, v))
    same(call("quat_rotate_inv", [Q, V3], q, v), np.einsum("nji,nj->ni", r, v))
    same(call("quat_to_matrix", [Q], call("quat_inverse", [Q], q)), np.swapaxes(r, 1, 2))


def test_a_quaternion_of_a_matrix_is_the_rotation_again_in_each_of_the_four_cases() -> None:
    q = np.concatenate([unit(4)[:20], np.eye(4)])
    found = call("quat_from_matrix", [M], call("quat_to_matrix", [Q], q))
    assert {int(np.argmax(np.abs(one))) for one in q} == {0, 1, 2, 3}
    same(np.abs(np.sum(found * q, axis=1)), np.ones(COUNT))
    whole = call("transform_to_matrix", [X], np.concatenate([numbers(3), q], axis=1))
    same(np.abs(np.sum(call("quat_from_matrix", [M4], whole) * q, axis=1)), np.ones(COUNT))
    assert settled(OPS["quat_from_matrix"], t.parse(Q)) is t.parse(M)


def test_roll_pitch_and_yaw_are_rotations_about_fixed_axes_in_that_order() -> None:
    angles = [numbers(low=-1.4, high=1.4) for _ in range(3)]
    axes = [np.broadcast_to(axis, (COUNT, 3)) for axis in np.eye(3)]
    x, y, z = (rodrigues(axis, angle) for axis, angle in zip(axes, angles, strict=True))
    q = call("quat_rpy", [F] * 3, *angles)
    same(call("quat_to_matrix", [Q], q), z @ y @ x)
    same(call("quat_to_rpy", [SINGLE[Q]], q), np.stack(angles, axis=1))


def test_angles_about_axes_in_any_order_are_products_of_rotations() -> None:
    angles = [numbers(low=-1.4, high=1.4) for _ in range(3)]
    turns = [rodrigues(np.broadcast_to(np.eye(3)[n], (COUNT, 3)), angles[n]) for n in range(3)]
    sequences = [(i, j, k) for i in range(3) for j in range(3) for k in range(3) if i != j != k]
    names = {row.name for row in OPS.values() if row.spelling_of == "quat_from_euler"}
    assert names == {"quat_from_euler_" + "".join(map(str, axes)) for axes in sequences}
    for i, j, k in sequences:
        q = call(f"quat_from_euler_{i}{j}{k}", [SINGLE[V3]], np.stack(angles, axis=1))
        same(call("quat_to_matrix", [Q], q), turns[k] @ turns[j] @ turns[i])


def test_angles_of_rotations_about_three_axes_make_the_rotation_again() -> None:
    q = unit(4)
    whole = call("quat_to_matrix", [Q], q)
    sequences = [(i, j, k) for i in range(3) for j in range(3) for k in range(3) if len({i, j, k}) == 3]
    names = {row.name for row in OPS.values() if row.spelling_of == "quat_to_euler"}
    assert names == {"quat_to_euler_" + "".join(map(str, axes)) for axes in sequences}
    for i, j, k in sequences:
        row = OPS[f"quat_to_euler_{i}{j}{k}"]
        angles = call(row.name, [SINGLE[Q]], q)
        assert np.all(np.abs(angles[:, j]) <= math.pi / 2)
        turns = [rodrigues(np.broadcast_to(np.eye(3)[n], (COUNT, 3)), angles[:, n]) for n in range(3)]
        same(turns[k] @ turns[j] @ turns[i], whole)
        back = call(row.through[0], [SINGLE[V3]], angles)
        same(call(row.through[1], [Q], back), whole)
        assert settled(row, t.parse(SINGLE[V3])) is t.parse("mat33<float32>")


def test_interpolation_turns_by_a_share_of_the_smaller_angle() -> None:
    a, b, share = unit(4), 1.5 * unit(4), numbers(low=0, high=1)
    found = call("quat_slerp", [Q, Q, F], a, b, share)
    b = b / np.linalg.norm(b, axis=1, keepdims=True)
    b = np.where(np.sum(a * b, axis=1, keepdims=True) < 0, -b, b)

    def angle(p: Values, q: Values) -> Values:
        return 2 * np.arcsin(np.linalg.norm(p - q, axis=1) / 2)

    same(np.linalg.norm(found, axis=1), np.ones(COUNT))
    same(angle(a, found), share * angle(a, b))
    same(angle(found, b), (1 - share) * angle(a, b))
    close = a + 1e-9 * b
    np.testing.assert_allclose(call("quat_slerp", [Q, Q, F], a, close, share), a, atol=1e-8)


def test_a_twist_is_about_the_axis_and_leaves_a_swing_across_it() -> None:
    axis, q = unit(3), unit(4)
    of = [SINGLE[V3], SINGLE[Q]]
    twist = call("quat_twist", of, axis, q)
    swing = call("mul", [Q, Q], q, call("quat_inverse", [Q], twist))
    same(np.cross(twist[:, :3], axis), np.zeros((COUNT, 3)))
    same(np.sum(swing[:, :3] * axis, axis=1), np.zeros(COUNT))
    signed = call("quat_twist_angle_signed", of, axis, q)
    again = call("quat_from_axis_angle", [V3, F], axis, signed)
    same(np.abs(np.sum(again * twist, axis=1)), np.ones(COUNT))
    same(call("quat_twist_angle", of, axis, q), np.abs(signed))


def test_the_norms_of_quaternions() -> None:
    q = numbers(4)
    same(call("length", [Q], q), np.linalg.norm(q, axis=1))
    same(call("length_sq", [Q], q), np.linalg.norm(q, axis=1) ** 2)
    same(call("normalize", [Q], q), q / np.linalg.norm(q, axis=1, keepdims=True))
    same(call("dot", [Q, Q], q, 3 * q), 3 * np.sum(q * q, axis=1))
    assert np.array_equal(call("normalize", [Q], np.zeros((COUNT, 4)))[0], [0, 0, 0, 1])


# ---------------------------------------------------------------- transformations


def matrix(x: Values) -> Values:
    """A transformation as a matrix, by Rodrigues' formula."""
    angle = 2 * np.arctan2(np.linalg.norm(x[:, 3:6], axis=1), x[:, 6])
    found = np.zeros((COUNT, 4, 4))
    found[:, :3, :3] = rodrigues(x[:, 3:6] / np.linalg.norm(x[:, 3:6], axis=1, keepdims=True), angle)
    found[:, :3, 3] = x[:, :3]
    found[:, 3, 3] = 1
    return found


@pytest.mark.parametrize("op", ["mul", "transform_multiply"])
def test_transformations_compose_as_matrices_do(op: str) -> None:
    a, b = transformations(), transformations()
    same(matrix(call(op, [X, X], a, b)), matrix(a) @ matrix(b))


def test_transformations_as_matrices() -> None:
    x, v = transformations(), numbers(3)
    m = matrix(x)
    same(call("transform_to_matrix", [X], x), m)
    same(matrix(call("transform_inverse", [X], x)), np.linalg.inv(m))
    same(matrix(call("transform_from_matrix", [M4], m)), m)
    same(call("transform_point", [X, V3], x, v), np.einsum("nij,nj->ni", m[:, :3, :3], v) + m[:, :3, 3])
    same(call("transform_vector", [X, V3], x, v), np.einsum("nij,nj->ni", m[:, :3, :3], v))
    same(call("transform_get_translation", [X], x), x[:, :3])
    same(call("transform_get_rotation", [X], x), x[:, 3:])
    scale = numbers(3)
    scaled = m.copy()
    scaled[:, :3, :3] = m[:, :3, :3] @ np.stack([np.diag(one) for one in scale])
    same(call("transform_compose", [V3, Q, V3], x[:, :3], x[:, 3:], scale), scaled)


# ---------------------------------------------------------------- spatial vectors


def crossing(v: Values) -> Values:
    """The matrix of the vector product with `v`."""
    return np.stack([np.cross(v, np.broadcast_to(axis, v.shape)) for axis in np.eye(3)], axis=2)


def blocks(a: Values, lower: Values) -> Values:
    zero = np.zeros((COUNT, 3, 3))
    return np.concatenate([np.concatenate([a, zero], axis=2), np.concatenate([lower, a], axis=2)], axis=1)


def test_spatial_products_are_those_of_six_by_six_matrices() -> None:
    a, b = numbers(6), numbers(6)
    motion = blocks(crossing(a[:, :3]), crossing(a[:, 3:]))
    same(call("spatial_cross", [V6, V6], a, b), np.einsum("nij,nj->ni", motion, b))
    same(call("spatial_cross_dual", [V6, V6], a, b), np.einsum("nji,nj->ni", -motion, b))
    same(call("spatial_dot", [V6, V6], a, b), np.sum(a * b, axis=1))
    same(call("spatial_top", [V6], a), a[:, :3])
    same(call("spatial_bottom", [V6], a), a[:, 3:])
    r, s = numbers(3, 3), numbers(3, 3)
    same(call("spatial_adjoint", [M, M], r, s), blocks(r, s))


def test_twists_and_wrenches_change_frames_so_that_power_stays() -> None:
    x, twist, wrench, at = transformations(), numbers(6), numbers(6), numbers(3)
    m = matrix(x)
    adjoint = blocks(m[:, :3, :3], crossing(x[:, :3]) @ m[:, :3, :3])
    moved = call("transform_twist", [SINGLE[X], SINGLE[V6]], x, twist)
    pushed = call("transform_wrench", [SINGLE[X], SINGLE[V6]], x, wrench)
    same(moved, np.einsum("nij,nj->ni", adjoint, twist))
    same(np.sum(moved * pushed, axis=1), np.sum(twist * wrench, axis=1))
    velocity = call("velocity_at_point", [SINGLE[V6], SINGLE[V3]], twist, at)
    same(velocity, twist[:, 3:] + np.cross(twist[:, :3], at))


def test_values_are_mixed_and_chosen() -> None:
    def plain(op: str, *arguments: Values) -> Values:
        row = OPS[op]
        given = [np.asarray(a).reshape(1, 1, COUNT) for a in arguments]
        found = row.reference(lambda v: v, *given) if row.composite else row.reference(*given)
        return np.asarray(found).reshape(COUNT)

    a, b, share = numbers(), numbers(), numbers(low=0, high=1)
    same(plain("lerp", a, b, share), a + share * (b - a))
    low, high = numbers(low=-2, high=-0.5), numbers(low=0.5, high=2)
    share = np.clip((a - low) / (high - low), 0, 1)
    same(plain("smoothstep", low, high, a), 3 * share**2 - 2 * share**3)
    test = np.arange(COUNT) % 3
    assert plain("where", test, a, b).tolist() == [x if n else y for n, x, y in zip(test, a, b, strict=True)]
    of = t.parse(M)
    assert OPS["len"].result([of]) is t.INT32
    assert OPS["len"].reference(np.zeros((1, 1, 1, 3, 4))).item() == 3


def test_every_shaped_row_is_compared_here() -> None:
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    #: those of random fields are in `test_random_numbers`
    elsewhere = {"len", "noise", "pnoise"}
    shaped = {row.name for row in OPS.values() if row.shaped and row.spelling_of is None} - elsewhere
    assert not {name for name in shaped if f'"{name}"' not in text}
    assert math.isclose(RANDOM.uniform(1, 1), 1)


def test_an_error_beside_a_value_never_takes_that_of_the_value_away() -> None:
    """Both come in steps of double precision: where they did in all realisations, a cell had no tolerance."""
    step = 2.0**-52
    steps = np.array([(own, other) for own in (-2, -1, 1, 2) for other in (-2, -1, 1, 2)])
    # the first realisation has no noise
    own, other = (np.concatenate(([0], of)).reshape(-1, 1, 1) for of in steps.T)
    found = algebra.about_one(lambda v: v * (1 + other * step), 0.5 + own * step)
    assert found[0].item() == 0.5
    assert (np.abs(found[1:] - 0.5) >= 2 * step).all()
