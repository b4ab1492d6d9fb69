"""Matrices, quaternions and transformations: types, parts, arrays and parameters of them, and their gradients."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from simpler import candidates

from harness.oracle.exactness import exact_outputs
from harness.oracle.expectation import expect
from harness.oracle.reference import Evaluator, InvalidProgram
from harness.oracle.tolerance import forward_tolerance
from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.triage import Ledger
from harness.verdict import Tier, Verdict
from harness.verify import verify_all
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.nodes import (
    Apply,
    Assign,
    Component,
    Construct,
    Element,
    Expression,
    Literal,
    Name,
    Parameter,
    Program,
    Statement,
    ThreadIndex,
    decode,
    encode,
    size,
)
from strategies.language.render import expression, render, type_name
from strategies.language.rules import IllFormed, constructions, conversion
from strategies.language.types import FLOAT16, FLOAT32, FLOAT64, INT32, Composite, Type
from strategies.language.widen import widened_type
from strategies.ops import overload, result_type

AT = Name(INT32, "i")
MAT23, MAT33, MAT66 = t.matrix(2, 3, FLOAT32), t.matrix(3, 3, FLOAT64), t.matrix(6, 6, FLOAT32)
QUAT, TRANSFORM = t.quaternion(FLOAT32), t.transform(FLOAT32)
VEC2, VEC3, VEC5, VEC6 = (t.vector(n, FLOAT32) for n in (2, 3, 5, 6))
VEC2D, VEC2H, VEC2I, QUATD, MAT23D = (
    t.parse(of) for of in ("vec2<float64>", "vec2<float16>", "vec2<int32>", "quat<float64>", "mat23<float64>")
)


def whole(value: int) -> Literal:
    return Literal(INT32, value)


def numbers(*values: float) -> tuple[Literal, ...]:
    return tuple(Literal(FLOAT32, value) for value in values)


def kernel(of: Composite, result: Type, *body: Statement | Expression, more: tuple[Parameter, ...] = ()) -> Program:
    """A kernel that reads a local ``v`` from an array of type `of`, and stores the last of `body`."""
    first: tuple[Statement, ...] = (ThreadIndex(("i",)), Assign(Name(of, "v"), Element(of, "a", (AT,))))
    *rest, value = body
    assert isinstance(result, t.Scalar | Composite)
    output = Parameter("out", t.array(result), -1.0, 1.0, (5,), True)
    statements = tuple(s for s in rest if isinstance(s, Assign))
    program = Program(
        "composite", "matrix", (5,), (Parameter("a", t.array(of), -2.0, 2.0, (6,)), *more, output),
        (*first, *statements, Assign(Element(result, "out", (AT,)), value)),  # type: ignore[arg-type]
    )  # fmt: skip
    check_program(program, result_type)
    return program


def part(
    result: Type, base: Composite, index: int, column: int | None = None, attribute: bool = False, of: str = "v"
) -> Component:
    return Component(result, Name(base, of), whole(index), attribute, None if column is None else whole(column))


def zeros(of: Composite) -> Assign:
    return Assign(Name(of, "z"), Construct(of, ()))


Z23 = Name(MAT23, "z")


PROGRAMS = {
    "an element": kernel(MAT23, FLOAT32, part(FLOAT32, MAT23, 1, 2)),
    "a row": kernel(MAT23, VEC3, part(VEC3, MAT23, 1)),
    "an element of a row": kernel(MAT23, FLOAT32, Component(FLOAT32, part(VEC3, MAT23, 0), whole(2))),
    "an element at the thread's own place": kernel(
        MAT23, FLOAT32,
        Component(
            FLOAT32, Name(MAT23, "v"), Apply(INT32, "mod", (AT, whole(2))), column=Apply(INT32, "mod", (AT, whole(3)))
        ),
    ),
    "an element assigned": kernel(
        MAT23, MAT23, zeros(MAT23), Assign(part(FLOAT32, MAT23, 1, 0, of="z"), part(FLOAT32, MAT23, 0, 1)), Z23
    ),
    "a row assigned": kernel(
        MAT23, MAT23, zeros(MAT23), Assign(part(VEC3, MAT23, 0, of="z"), part(VEC3, MAT23, 1)), Z23
    ),
    "a row assigned to what was read": kernel(
        MAT23, MAT23, Assign(part(VEC3, MAT23, 0), part(VEC3, MAT23, 1)), Name(MAT23, "v")
    ),
    "a translation assigned": kernel(
        VEC3, TRANSFORM, zeros(TRANSFORM),
        Assign(part(VEC3, TRANSFORM, 0, attribute=True, of="z"), Name(VEC3, "v")), Name(TRANSFORM, "z"),
    ),
    "a rotation and a number assigned": kernel(
        QUAT, TRANSFORM, zeros(TRANSFORM),
        Assign(part(QUAT, TRANSFORM, 1, attribute=True, of="z"), Name(QUAT, "v")),
        Assign(part(FLOAT32, TRANSFORM, 2, of="z"), part(FLOAT32, QUAT, 1)), Name(TRANSFORM, "z"),
    ),
    "a square matrix in float64": kernel(MAT33, MAT33, Name(MAT33, "v")),
    "a spatial matrix": kernel(MAT66, VEC6, part(VEC6, MAT66, 5)),
    "a matrix constructed": kernel(VEC2, MAT23, Construct(MAT23, (*numbers(1, 2, 3, 4, 5), part(FLOAT32, VEC2, 1)))),
    "a matrix of one number": kernel(VEC2, MAT23, Construct(MAT23, (part(FLOAT32, VEC2, 0),))),
    "a vector of five": kernel(VEC5, VEC5, Name(VEC5, "v")),
    "a spatial vector of two": kernel(VEC3, VEC6, Construct(VEC6, (Construct(VEC3, numbers(2.0)), Name(VEC3, "v")))),
    "a quaternion's component": kernel(QUAT, FLOAT32, part(FLOAT32, QUAT, 3, attribute=True)),
    "a quaternion's components assigned": kernel(
        QUAT, QUAT, zeros(QUAT), Assign(part(FLOAT32, QUAT, 1, of="z"), part(FLOAT32, QUAT, 3)),
        Assign(part(FLOAT32, QUAT, 3, attribute=True, of="z"), part(FLOAT32, QUAT, 0)), Name(QUAT, "z"),
    ),
    "a quaternion of a vector and a number": kernel(VEC3, QUAT, Construct(QUAT, (Name(VEC3, "v"), *numbers(2.0)))),
    "a translation": kernel(TRANSFORM, VEC3, part(VEC3, TRANSFORM, 0, attribute=True)),
    "a rotation": kernel(TRANSFORM, QUAT, part(QUAT, TRANSFORM, 1, attribute=True)),
    "a number of a transformation": kernel(TRANSFORM, FLOAT32, part(FLOAT32, TRANSFORM, 4)),
    "a transformation": kernel(
        QUAT, TRANSFORM, Construct(TRANSFORM, (Construct(VEC3, numbers(1, 2, 3)), Name(QUAT, "v")))
    ),
    "a transformation of seven numbers": kernel(
        QUAT, TRANSFORM, Construct(TRANSFORM, (*numbers(1, 2, 3, 4, 5, 6), part(FLOAT32, QUAT, 2)))
    ),
    "a transformation of one number": kernel(QUAT, TRANSFORM, Construct(TRANSFORM, (part(FLOAT32, QUAT, 2),))),
    "a copy of a transformation": kernel(TRANSFORM, TRANSFORM, Construct(TRANSFORM, (Name(TRANSFORM, "v"),))),
    "a copy of a vector": kernel(VEC2, VEC2, Construct(VEC2, (Name(VEC2, "v"),))),
    "a vector in double": kernel(VEC2, VEC2D, Construct(VEC2D, (Name(VEC2, "v"),))),
    "a vector in half": kernel(VEC2D, VEC2H, Construct(VEC2H, (Name(VEC2D, "v"),))),
    "a vector of whole numbers": kernel(VEC2, VEC2I, Construct(VEC2I, (Name(VEC2, "v"),))),
    "a vector made of whole numbers": kernel(VEC2I, VEC2, Construct(VEC2, (Name(VEC2I, "v"),))),
    "a matrix in double": kernel(MAT23, MAT23D, Construct(MAT23D, (Name(MAT23, "v"),))),
    "a quaternion in single": kernel(QUATD, QUAT, Construct(QUAT, (Name(QUATD, "v"),))),
    "nothing": kernel(VEC2, FLOAT32, Assign(Name(QUAT, "z"), Construct(QUAT, ())), part(FLOAT32, VEC2, 0)),
    "a matrix passed by value": kernel(
        VEC2, VEC3, Component(VEC3, Name(MAT23, "m"), whole(1)), more=(Parameter("m", MAT23, -1.0, 1.0),)
    ),
    "a transformation passed by value": kernel(
        VEC2, FLOAT32, Component(FLOAT32, Name(TRANSFORM, "m"), whole(6)), more=(Parameter("m", TRANSFORM, -1.0, 1.0),)
    ),
}  # fmt: skip
#: Nothing that these compute depends on the array, or they change a component of what has a derivative already.
FORWARD_ONLY = (
    "a matrix passed by value", "a transformation passed by value", "a row assigned to what was read",
    "a vector of whole numbers", "a vector made of whole numbers",
)  # fmt: skip


@pytest.fixture(scope="module")
def verdicts(sandbox: Sandbox) -> dict[str, Verdict]:
    return dict(zip(PROGRAMS, verify_all(list(PROGRAMS.values()), sandbox), strict=True))


@pytest.mark.parametrize("name", PROGRAMS)
def test_parts_and_constructions_are_verified_with_their_gradients(verdicts: dict[str, Verdict], name: str) -> None:
    verdict = verdicts[name]
    assert verdict.failure is None, verdict
    assert verdict.tier is (Tier.FORWARD if name in FORWARD_ONLY else Tier.BACKWARD), verdict


def test_a_conversion_is_of_numbers_that_stay_together() -> None:
    vector = Name(VEC3, "v")
    assert conversion(Construct(VEC3, (vector,))) is vector
    assert conversion(Construct(t.struct("Body", [("v", VEC3)]), (vector,))) is None
    assert conversion(Construct(VEC6, (vector, vector))) is None


def test_halves_of_doubles_are_rounded_twice_and_others_once() -> None:
    assert "out" not in exact_outputs(PROGRAMS["a vector in half"])
    assert "out" in exact_outputs(PROGRAMS["a quaternion in single"])


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_comes_back_from_json(program: Program) -> None:
    assert decode(encode(program)) == program


@pytest.mark.parametrize(
    ("notation", "name"),
    [
        ("mat22<float32>", "wp.mat22"), ("mat44<float64>", "wp.mat44d"), ("mat23<float16>", "mat23h"),
        ("mat33<int32>", "mat33i"), ("vec5<float32>", "vec5"), ("vec6<float32>", "wp.spatial_vector"),
        ("vec6<int32>", "vec6i"), ("mat66<float64>", "wp.spatial_matrixd"), ("quat<float16>", "wp.quath"),
        ("transform<float32>", "wp.transform"),
    ],
)  # fmt: skip
def test_a_type_has_the_name_that_warp_or_the_file_gives_it(notation: str, name: str) -> None:
    of = t.parse(notation)
    assert type_name(of) == name
    assert isinstance(of, Composite)
    program = kernel(of, of, Name(of, "v")) if of.dtype.is_float else None
    if program is not None and not name.startswith("wp."):
        assert f"\n{name} = wp.types." in render(program)


@pytest.mark.parametrize("notation", ["mat03<float32>", "quat<int32>", "transform<bool>", "mat3<float32>"])
def test_what_is_no_type_is_refused(notation: str) -> None:
    with pytest.raises(ValueError, match="is not a type"):
        t.parse(notation)


def test_widening_keeps_the_form() -> None:
    assert widened_type(t.array(t.matrix(3, 4, FLOAT16))) is t.array(t.matrix(3, 4, FLOAT64))
    assert widened_type(t.transform(FLOAT32)) is t.transform(FLOAT64)


@pytest.mark.parametrize(
    "broken",
    [
        part(FLOAT32, MAT23, 2, 0), part(FLOAT32, MAT23, 0, 3), part(FLOAT32, MAT23, 0), part(VEC3, MAT23, 0, 1),
        part(FLOAT32, TRANSFORM, 7), part(QUAT, TRANSFORM, 2, attribute=True), part(FLOAT32, QUAT, 0, 0),
        part(VEC3, MAT23, 0, attribute=True), Construct(QUAT, numbers(1.0)), Construct(MAT23, numbers(1.0, 2.0)),
        Construct(t.transform(FLOAT64), (Construct(TRANSFORM, ()),)), Construct(VEC6, (Construct(VEC6, ()),)),
    ],
)  # fmt: skip
def test_a_part_that_is_not_there_is_refused(broken: Expression) -> None:
    base = broken.base.type if isinstance(broken, Component) else MAT23
    assert isinstance(base, Composite)
    with pytest.raises(IllFormed):
        kernel(base, broken.type, broken)


def test_shrinking_reaches_smaller_matrices_and_no_bad_programs() -> None:
    program = kernel(
        t.matrix(4, 4, FLOAT64), FLOAT64,
        Component(FLOAT64, Name(t.matrix(4, 4, FLOAT64), "v"), whole(1), column=whole(1)),
    )  # fmt: skip
    found = list(candidates(program))
    assert any("wp.mat22" in render(new) for new in found)
    for new in found:
        check_program(new, result_type)
        assert size(new) <= size(program)


def test_a_row_made_of_the_matrix_that_it_goes_to_is_a_known_defect_of_warp(sandbox: Sandbox) -> None:
    of, row = t.matrix(2, 2, FLOAT32), Name(VEC2, "v")
    z = Name(of, "z")
    made = Apply(VEC2, "mul", (row, z))
    program = kernel(
        VEC2, of, zeros(of), Assign(part(VEC2, of, 0, of="z"), row), Assign(part(VEC2, of, 1, of="z"), made), z
    )
    issue = next(i for i in Ledger.load().issues if i.id == "component-update-overwrites-value")
    assert issue.rewrite is not None
    rewritten = REWRITES[issue.rewrite](program)
    check_program(rewritten, result_type)
    found, clean = verify_all([program, rewritten], sandbox)
    assert found.failure is not None
    assert found.failure.gradient
    assert clean.tier is Tier.BACKWARD, clean


def test_the_old_form_of_a_component_reads_as_before() -> None:
    program = kernel(VEC3, FLOAT32, part(FLOAT32, VEC3, 1))
    assert b"column" not in encode(program)
    assert msgspec.json.decode(encode(program))["body"][-1]["value"]["node"] == "component"


def test_a_matrix_is_kept_row_by_row() -> None:
    assert MAT23.shape == (2, 3)
    assert MAT23.length == 6
    assert np.arange(6).reshape(MAT23.shape)[1, 2] == 5


TINY = float(np.float32(1.7632415e-38))
#: What the reference loses in a sum, Warp may keep, in another order; and a length that underflows is zero.
SPECIAL = {
    "quat_rotate_inv": ((0.5, 0.5, 0.5, 0.5), (TINY, -0.0, 30.0), (0.0, 30.0, TINY / 2)),
    "quat_rotate": ((0.5, 0.5, 0.5, 0.5), (30.0, TINY, 0.0), (0.0, 30.0, TINY)),
}


@pytest.mark.parametrize("op", SPECIAL)
def test_a_tolerance_has_room_for_what_the_order_of_a_sum_decides(op: str) -> None:
    q, v, other = SPECIAL[op]
    quaternion = t.parse("quat<float32>")
    body = Assign(
        Element(VEC3, "out", (AT,)), Apply(VEC3, op, (Element(quaternion, "q", (AT,)), Element(VEC3, "v", (AT,))))
    )
    given = (("q", quaternion, False), ("v", VEC3, False), ("out", VEC3, True))
    parameters = tuple(Parameter(name, t.array(of), -1.0, 1.0, (1,), output) for name, of, output in given)
    program = Program("turn", "quaternion", (1,), parameters, (ThreadIndex(("i",)), body))
    inputs = {"q": np.array([[q]]), "v": np.array([[v]]), "out": np.zeros((1, 1, 3))}
    runs = Evaluator(program, inputs, False, noise="x").run().arrays["out"][:, 0, 0]
    allowed = forward_tolerance(runs, "float32")
    assert np.all(np.abs(runs[0] - np.array(other)) <= allowed)
    assert np.all(allowed < 1e-4)


def test_a_rotation_is_asked_for_what_has_length_one() -> None:
    def turned(given: Expression) -> Program:
        vector = Construct(VEC3, (Literal(FLOAT32, 1.0), Literal(FLOAT32, 0.0), Literal(FLOAT32, 0.5)))
        body = Assign(Element(VEC3, "out", (AT,)), Apply(VEC3, "quat_rotate", (given, vector)))
        q, out = Parameter("q", t.array(QUAT), 0.5, 2.0, (4,)), Parameter("out", t.array(VEC3), 0.0, 0.0, (4,), True)
        return Program("turn", "quaternion", (4,), (q, out), (ThreadIndex(("i",)), body))

    plain = Element(QUAT, "q", (AT,))
    assert expect(turned(Apply(QUAT, "normalize", (plain,)))).promise.tier is not None
    with pytest.raises(InvalidProgram, match="no rotation"):
        expect(turned(plain))


@pytest.mark.parametrize("seed", range(40))
def test_noise_of_doubles_is_never_none(seed: int) -> None:
    of = t.parse("quat<float64>")
    op = Apply(of, "quat_slerp", (*(Element(of, name, (AT,)) for name in ("a", "b")), Literal(t.FLOAT64, 0.75)))
    given = (("a", False), ("b", False), ("out", True))
    parameters = tuple(Parameter(name, t.array(of), -1.0, 1.0, (1,), output) for name, output in given)
    body = Assign(Element(of, "out", (AT,)), op)
    program = Program("turn", "quaternion", (1,), parameters, (ThreadIndex(("i",)), body))
    a, b = np.array([0.6, 0.0, 0.0, 0.8]), np.array([0.8, 0.6, 1e-7, 0.0])
    inputs = {"a": a[None, None], "b": b[None, None] / np.linalg.norm(b), "out": np.zeros((1, 1, 4))}
    runs = Evaluator(program, inputs, False, noise=f"{seed}").run().arrays["out"][:, 0, 0]
    # Warp's quaternion has an error of numbers around one in all its parts
    assert forward_tolerance(runs, "float64")[2] > 1e-16


@pytest.mark.parametrize(
    ("q", "fragile"),
    [
        ((0.0, 0.0, -1.0, -0.0), True),
        ((-2e-42, -2e-42, -1.0, -2e-42), True),
        ((1e-9, 0.0, -0.6, -0.8), True),
        ((0.0, 0.0, -0.6, 0.8), False),
        ((0.6, 0.0, 0.0, -0.8), False),
    ],
    ids=["half a turn across", "nearly so", "a whole turn", "none about it", "a large one"],
)
def test_a_twist_has_no_angle_where_rounding_decides(q: tuple[float, ...], fragile: bool) -> None:
    of, axis = t.parse("quat<float32>"), t.parse("vec3<float32>")
    given = (("a", axis, False), ("q", of, False), ("out", t.FLOAT32, True))
    parameters = tuple(Parameter(name, t.array(kind), -1.0, 1.0, (1,), output) for name, kind, output in given)
    twist = Apply(t.FLOAT32, "quat_twist_angle_signed", (Element(axis, "a", (AT,)), Element(of, "q", (AT,))))
    body = Assign(Element(t.FLOAT32, "out", (AT,)), twist)
    program = Program("turn", "quaternion", (1,), parameters, (ThreadIndex(("i",)), body))
    inputs = {"a": np.array([[[0.6, 0.8, 0.0]]]), "q": np.array([[q]]), "out": np.zeros((1, 1))}
    assert Evaluator(program, inputs, False, noise="0").run().fragile[0] == fragile


def test_a_spatial_vector_is_made_of_two_vectors_and_written_without_its_type() -> None:
    for notation, allowed in (("vec6<float32>", True), ("vec6<float64>", True), ("vec6<int32>", False)):
        of = t.parse(notation)
        assert isinstance(of, t.Vector)
        half = t.vector(3, of.dtype)
        assert ((half, half) in constructions(of)) is allowed
        assert allowed is ((of.dtype,) not in constructions(of))
        assert expression(Construct(of, (Name(half, "a"), Name(half, "b")))) == "wp.spatial_vector(a, b)"
    pair = t.vector(2, t.FLOAT64)
    assert expression(Construct(pair, (Name(t.FLOAT64, "a"), Name(t.FLOAT64, "b")))) == "wp.vec2d(a, b)"


def test_spatial_vectors_of_doubles_are_rewritten_by_their_numbers_and_no_others() -> None:
    def stored(of: t.Type) -> Program:
        assert isinstance(of, t.Vector)
        half = t.vector(3, of.dtype)
        made = Construct(of, (Name(half, "a"), Name(half, "b")))
        parameters = (Parameter("a", half, 0, 1), Parameter("b", half, 0, 1))
        out = Parameter("out", t.array(of), 0, 0, (1,), True)
        at = Element(of, "out", (Name(t.INT32, "i"),))
        return Program("kernel", "spatial", (1,), (*parameters, out), (ThreadIndex(("i",)), Assign(at, made)))

    rewrite = REWRITES["make_spatial_vectors_of_numbers"]
    single, double = stored(t.parse("vec6<float32>")), stored(t.parse("vec6<float64>"))
    assert rewrite(single) is single
    assert "wp.spatial_vectord(a[0], a[1], a[2], b[0], b[1], b[2])" in repr(rewrite(double))


@pytest.mark.parametrize(
    ("op", "of", "there", "lost"),
    [
        ("normalize", QUAT, [0, 1, 0, 0], [0, 0, 0, 1]),
        ("normalize", t.parse("vec4<float32>"), [0, 1, 0, 0], [0, 0, 0, 0]),
        ("quat_to_axis_angle__0", QUAT, [0, 1, 0], [0, 0, 0]),
    ],
)
def test_of_what_has_a_length_whose_square_underflows_warp_may_find_none(
    op: str, of: t.Type, there: list[float], lost: list[float]
) -> None:
    given, found = np.array([[[[0.0, 2e-42, 0.0, 0.0]]]]), overload(op, [of]).reference
    assert found(lambda v: v, given).ravel().tolist() == there
    assert found(lambda v: v + 1.4e-45, given).ravel().tolist() == lost
