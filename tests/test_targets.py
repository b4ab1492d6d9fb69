"""What is assigned to: parts of parts, and what Warp is known to make of them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from tiny import AT, apply, literal

from harness.oracle.expectation import TRAITS
from harness.oracle.inputs import Flavour, derive
from harness.oracle.reference import Evaluator
from harness.sandbox import Sandbox
from harness.triage import REWRITES, Ledger
from harness.verdict import FailureKind, Tier
from harness.verify import verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Call,
    Component,
    Construct,
    Element,
    Expression,
    Function,
    Literal,
    Name,
    Options,
    Parameter,
    Part,
    Program,
    Return,
    Slice,
    Statement,
    ThreadIndex,
    root,
    walk,
)
from strategies.language.render import render
from strategies.language.structs import flattened
from strategies.language.types import FLOAT32, INT32, Composite, Scalar
from strategies.ops import result_type

VEC3, MAT, POSE = t.vector(3, FLOAT32), t.matrix(3, 3, FLOAT32), t.transform(FLOAT32)
X = Element(FLOAT32, "x", (AT,))


def at(number: int) -> Expression:
    return literal(INT32, number)


def kernel(of: Composite | Scalar, *body: Statement) -> Program:
    """`body`, given ``a[i]`` of type `of` and ``x[i]``, writes ``out[i]``."""
    parameters = (
        Parameter("a", t.array(of), 0.25, 1.0, (6,)),
        Parameter("x", t.array(FLOAT32), 0.25, 1.0, (6,)),
        Parameter("out", t.array(of), 0.0, 0.0, (6,), True),
    )
    found = Program("known", "lvalue", (6,), parameters, (ThreadIndex(("i",)), *body))
    check_program(found, result_type)
    return found


def local(of: Composite, *body: Statement) -> Program:
    return kernel(of, Assign(Name(of, "v"), Element(of, "a", (AT,))), *body, Assign(place(of), Name(of, "v")))


def place(of: Composite | Scalar) -> Element:
    return Element(of, "out", (AT,))


def row(base: Expression, column: int, named: bool) -> Component:
    return Component(FLOAT32, Component(VEC3, base, at(1)), Literal(INT32, column), named)


def moved(base: Expression, axis: int, named: bool) -> Component:
    return Component(FLOAT32, Component(VEC3, base, at(0), True), Literal(INT32, axis), named)


def turned(base: Expression) -> Component:
    return Component(FLOAT32, Component(t.quaternion(FLOAT32), base, at(1), True), at(3), True)


M, T = Name(MAT, "v"), Name(POSE, "v")
LOST = {
    "v[1].y = x[i]": local(MAT, Assign(row(M, 1, True), X)),
    "v[1].z += x[i]": local(MAT, AugmentedAssign(row(M, 2, True), "add", X)),
    "v.p.x = x[i]": local(POSE, Assign(moved(T, 0, True), X)),
    "v.p[2] -= x[i]": local(POSE, AugmentedAssign(moved(T, 2, False), "sub", X)),
    "v.q.w += x[i]": local(POSE, AugmentedAssign(turned(T), "add", X)),
}
KEPT = {
    "v[1][2] += x[i]": local(MAT, AugmentedAssign(row(M, 2, False), "add", X)),
    "out[i][1].y = x[i]": kernel(MAT, Assign(row(place(MAT), 1, True), X)),
    "out[i][1][2] += x[i]": kernel(MAT, AugmentedAssign(row(place(MAT), 2, False), "add", X)),
    "out[i].p.z += x[i]": kernel(POSE, AugmentedAssign(moved(place(POSE), 2, True), "add", X)),
    "out[i].p[0] = x[i]": kernel(POSE, Assign(moved(place(POSE), 0, False), X)),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as found:
        yield found


@pytest.mark.parametrize("text", [*LOST, *KEPT])
def test_a_part_of_a_part_is_written_as_it_is_called(text: str):
    assert f"    {text}\n" in render({**LOST, **KEPT}[text])


@pytest.mark.parametrize("text", LOST)
def test_what_is_stored_in_the_whole_is_what_was_stored_in_a_part_of_a_part(text: str):
    given = LOST[text]
    rewritten = REWRITES["store_in_the_whole"](given)
    check_program(rewritten, result_type)
    assert f"    {text}\n" not in render(rewritten)
    inputs = {name: values[None] for name, values in derive(given, 0, Flavour.GENERIC).items()}
    before, after = (Evaluator(p, inputs, native=True).run().arrays["out"] for p in (given, rewritten))
    np.testing.assert_array_equal(before, after)
    assert not np.array_equal(before[0], inputs["a"])


@pytest.mark.parametrize("text", KEPT)
def test_what_warp_stores_rightly_is_left_as_it_is(text: str):
    assert REWRITES["store_in_the_whole"](KEPT[text]) is KEPT[text]


def test_parts_of_parts_of_elements_are_verified_and_those_of_locals_are_known_to_be_lost(sandbox: Sandbox):
    ledger = Ledger.load()
    for program, verdict in zip(KEPT.values(), verify_all(list(KEPT.values()), sandbox), strict=True):
        assert verdict.tier is Tier.BACKWARD, (verdict, program)
    for program, verdict in zip(LOST.values(), verify_all(list(LOST.values()), sandbox), strict=True):
        assert verdict.failure is not None
        assert verdict.failure.kind is FailureKind.FORWARD_MISMATCH
        known = ledger.explain(program, verdict, sandbox, sandbox.versions.warp)
        assert known is not None
        assert known.id == "nested-component-store-lost"


def test_a_number_of_a_row_that_had_a_value_is_outside_of_the_limit():
    assert Limit.COMPONENT_REASSIGNED in crossed(local(MAT, Assign(row(M, 1, False), X)), TRAITS)
    assert Limit.COMPONENT_REASSIGNED in crossed(local(POSE, Assign(moved(T, 1, True), X)), TRAITS)
    fresh = kernel(
        MAT,
        Assign(M, Construct(MAT, ())),
        *(Assign(row(M, n, False), X) for n in range(3)),
        Assign(place(MAT), M),
    )
    assert not crossed(fresh, TRAITS)


SCALED = {
    "v *= x[i]": local(MAT, AugmentedAssign(M, "mul", X)),
    "v[1] /= x[i]": local(MAT, AugmentedAssign(Component(VEC3, M, at(1)), "div", X)),
    "v[0, 2] *= x[i]": local(MAT, AugmentedAssign(Component(FLOAT32, M, at(0), column=at(2)), "mul", X)),
    "v[:2] *= x[i]": local(
        VEC3, AugmentedAssign(Part(t.vector(2, FLOAT32), Name(VEC3, "v"), Slice(None, at(2))), "mul", X)
    ),
}


def test_a_part_that_is_scaled_is_assigned_again_and_the_whole_is_new(sandbox: Sandbox):
    """The documentation lets sums alone follow an assignment of a part; an option lifts that."""
    for text, program in SCALED.items():
        assert f"    {text}\n" in render(program)
        limits = () if text == "v *= x[i]" else (Limit.COMPONENT_REASSIGNED,)
        assert crossed(program, TRAITS) == limits, text
    lifted = [msgspec.structs.replace(p, options=Options(component_overwrites=True)) for p in SCALED.values()]
    for program, verdict in zip(lifted, verify_all(lifted, sandbox), strict=True):
        assert verdict.tier is Tier.BACKWARD, (verdict, program)


@pytest.mark.parametrize("operator", ["mul", "div", "floordiv"])
def test_an_element_that_is_scaled_has_no_gradient_by_the_documentation(operator: str):
    assert Limit.IN_PLACE_PRODUCT in crossed(kernel(FLOAT32, AugmentedAssign(place(FLOAT32), operator, X)), TRAITS)


def test_another_operator_on_an_element_reads_what_it_overwrites():
    remainder = kernel(FLOAT32, AugmentedAssign(place(FLOAT32), "mod", X))
    assert crossed(remainder, TRAITS, held=True) == (Limit.ELEMENT_OVERWRITTEN,)


def test_parts_of_parts_are_drawn_of_locals_and_of_elements():
    found = set()
    for n in range(400):
        program = draw("lvalue", 1, n)
        for node in walk(program) if program is not None else ():
            match node:
                case (
                    Assign(target=Component(base=Component()) as target)
                    | AugmentedAssign(target=Component(base=Component()) as target)
                ):
                    found.add((type(root(target)), target.attribute))
    assert found == {(kind, named) for kind in (Name, Element) for named in (True, False)}


# ---------------------------------------------------------------- vectors that functions are given

VEC2 = t.vector(2, FLOAT32)
V, OUT = Name(VEC2, "v"), Element(FLOAT32, "out", (AT,))


def number(of: Expression, index: int) -> Component:
    return Component(FLOAT32, of, at(index))


def calling(*change: Statement, again: bool = True) -> Program:
    """``v = wp.vec2(x[i], y[i])``, of which a function makes ``v[0]`` after `change`; and `v` is read again."""
    y = Element(FLOAT32, "y", (AT,))
    function = Function("f", FLOAT32, (Parameter("v", VEC2, -2.0, 2.0),), (*change, Return((number(V, 0),))))
    called: Expression = Call(FLOAT32, "f", (V,))
    found = apply("add", called, apply("mul", number(V, 0), number(V, 1))) if again else called
    parameters = (
        *(Parameter(name, t.array(FLOAT32), 0.25, 1.0, (6,)) for name in "xy"),
        Parameter("out", t.array(FLOAT32), 0.0, 0.0, (6,), True),
    )
    body = (ThreadIndex(("i",)), Assign(V, Construct(VEC2, (X, y))), Assign(OUT, found))
    program = Program("known", "function", (6,), parameters, body, (function,))
    check_program(program, result_type)
    return program


SUM = AugmentedAssign(number(V, 0), "add", apply("mul", literal(FLOAT32, 2.0), number(V, 1)))


def test_what_a_function_adds_to_its_vector_is_known_to_meet_what_the_caller_does_with_it(sandbox: Sandbox):
    """Changed as a whole, or not read again, it is verified."""
    whole = Assign(V, Apply(VEC2, "mul", (V, number(V, 1))))
    programs = [calling(SUM), calling(SUM, again=False), calling(whole)]
    shared, *right = verify_all(programs, sandbox)
    assert [verdict.tier for verdict in right] == [Tier.BACKWARD] * 2, right
    assert shared.failure is not None
    assert shared.failure.kind is FailureKind.BACKWARD_MISMATCH
    known = Ledger.load().explain(programs[0], shared, sandbox, sandbox.versions.warp)
    assert known is not None
    assert known.id == "vector-argument-updated-gradient"


def test_a_function_that_changes_a_part_of_what_it_is_given_changes_a_copy_instead():
    rewritten = REWRITES["copy_changed_arguments"](calling(SUM))
    check_program(rewritten, result_type)
    assert "    v_1 = v\n    v_1[0] += 2.0 * v_1[1]\n    return v_1[0]\n" in render(rewritten)
    whole = calling(Assign(V, Apply(VEC2, "mul", (V, number(V, 1)))))
    assert REWRITES["copy_changed_arguments"](whole) is whole


def test_a_component_of_a_parameter_has_a_value_already():
    assert Limit.COMPONENT_REASSIGNED in crossed(calling(Assign(number(V, 0), number(V, 1))), TRAITS)
    assert not crossed(calling(SUM), TRAITS)


def test_functions_that_change_numbers_of_their_vector_are_drawn():
    programs = [p for n in range(250) if (p := draw("function", 1, n)) is not None]
    changed = [p for p in programs if REWRITES["copy_changed_arguments"](p) is not p]
    assert 5 < len(changed) < 40


# ---------------------------------------------------------------- slices of what stands in an array

FIRST, LAST = (Part(t.vector(2, FLOAT32), place(VEC3), Slice(*cut)) for cut in ((None, at(2)), (at(1), None)))
PAIR = Part(t.vector(2, FLOAT32), Element(VEC3, "a", (AT,)), Slice(at(1), at(3)))
ROW = Part(t.vector(2, FLOAT32), place(MAT), at(1), Slice(None, at(2)))
SLICED = {
    "out[i][:2] = a[i][1:3]": kernel(VEC3, Assign(FIRST, PAIR)),
    "out[i][1:] -= a[i][1:3]": kernel(VEC3, AugmentedAssign(LAST, "sub", PAIR)),
    "out[i][1:] = out[i][:2]": kernel(VEC3, Assign(LAST, FIRST)),
    "out[i][1, :2] = x[i] * wp.vec2(1.0)": kernel(
        MAT, Assign(ROW, Apply(ROW.type, "mul", (X, Construct(ROW.type, (literal(FLOAT32, 1.0),)))))
    ),
}


def test_a_slice_in_an_array_is_the_numbers_that_it_names():
    """What stands at the right is computed before anything is stored."""
    inputs = {"a": np.array([[[1.0, 2.0, 3.0]] * 6]), "x": np.ones((1, 6)), "out": np.array([[[5.0, 6.0, 7.0]] * 6])}
    wanted = {
        "out[i][:2] = a[i][1:3]": [2, 3, 7],
        "out[i][1:] -= a[i][1:3]": [5, 4, 4],
        "out[i][1:] = out[i][:2]": [5, 5, 6],
    }
    for text, numbers in wanted.items():
        for program in (SLICED[text], REWRITES["store_slices_of_elements_by_number"](SLICED[text])):
            found = Evaluator(flattened(program), inputs, native=False).run().arrays["out"]
            assert found[0, 0, 0].tolist() == numbers, text


def test_a_slice_in_an_array_is_known_to_be_refused_and_verified_by_number(sandbox: Sandbox):
    ledger = Ledger.load()
    for (text, program), verdict in zip(SLICED.items(), verify_all(list(SLICED.values()), sandbox), strict=True):
        assert f"    {text}\n" in render(program)
        assert verdict.failure is not None
        assert verdict.failure.kind is FailureKind.REJECTED
        known = ledger.explain(program, verdict, sandbox, sandbox.versions.warp)
        assert known is not None
        assert known.id == "slice-of-array-element-stored"


def test_a_slice_of_a_local_is_left_as_it_is():
    value = Construct(ROW.type, (X, X))
    local_slice = local(MAT, Assign(Part(ROW.type, Component(VEC3, M, at(1)), Slice(None, at(2))), value))
    assert REWRITES["store_slices_of_elements_by_number"](local_slice) is local_slice


def test_slices_of_elements_are_drawn_as_targets():
    programs = [p for n in range(300) if (p := draw("lvalue", 1, n)) is not None]
    sliced = [p for p in programs if REWRITES["store_slices_of_elements_by_number"](p) is not p]
    assert 2 < len(sliced) < 25


# ---------------------------------------------------------------- parts of poses


def half(base: Expression) -> Component:
    return Component(VEC3, base, at(0), True)


ALONG = Apply(VEC3, "mul", (half(Element(POSE, "a", (AT,))), X))
MOVED = {
    "v.p = a[i].p * x[i]": local(POSE, Assign(half(T), ALONG)),
    "v.p += a[i].p * x[i]": local(POSE, AugmentedAssign(half(T), "add", ALONG)),
    "wp.transform_set_translation(v, a[i].p * x[i])": local(POSE, Assign(half(T), ALONG, called=True)),
}


def test_another_translation_of_a_pose_is_within_the_limits_and_known_to_have_a_wrong_gradient(sandbox: Sandbox):
    ledger = Ledger.load()
    for (text, program), verdict in zip(MOVED.items(), verify_all(list(MOVED.values()), sandbox), strict=True):
        assert f"    {text}\n" in render(program)
        assert not crossed(program, TRAITS)
        assert verdict.failure is not None
        assert verdict.failure.kind is FailureKind.BACKWARD_MISMATCH
        known = ledger.explain(program, verdict, sandbox, sandbox.versions.warp)
        assert known is not None
        assert known.id == "transform-part-store-gradient"


def test_a_pose_that_is_made_part_by_part_is_verified(sandbox: Sandbox):
    program = kernel(POSE, Assign(T, Construct(POSE, ())), Assign(half(T), ALONG), Assign(place(POSE), T))
    (verdict,) = verify_all([program], sandbox)
    assert verdict.tier is Tier.BACKWARD, verdict


def test_a_pose_is_rebuilt_with_its_other_part():
    (program, *_) = MOVED.values()
    assert "    v = wp.transform(a[i].p * x[i], v.q)\n" in render(REWRITES["rebuild_poses"](program))
    number = local(POSE, Assign(moved(T, 1, False), X))
    assert REWRITES["rebuild_poses"](number) is number


def test_poses_that_are_given_another_part_are_drawn():
    programs = [p for n in range(300) if (p := draw("transform", 1, n)) is not None]
    stored = [p for p in programs if REWRITES["rebuild_poses"](p) is not p]
    assert any(Limit.COMPONENT_REASSIGNED not in crossed(p, TRAITS) for p in stored)
    assert any(isinstance(node, Assign) and isinstance(node.value, Element) for p in stored for node in p.body)
