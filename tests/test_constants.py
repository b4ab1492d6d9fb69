"""Numbers with names, and numbers that Python computes while a kernel is compiled."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from simpler import candidates
from tiny import AT, apply, literal

import strategies
from corpus.record import check_names
from harness.oracle.expectation import expect
from harness.sandbox import Sandbox
from harness.shrink import well_formed
from harness.shrink.calls import without_passing
from harness.verdict import Tier
from harness.verify import verify_all
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.hashing import defined_names
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Cast,
    Component,
    Constant,
    Construct,
    Element,
    Expression,
    For,
    Item,
    Name,
    Numbers,
    Parameter,
    Program,
    Statement,
    Static,
    ThreadIndex,
    decode,
    encode,
    walk,
)
from strategies.language.render import render
from strategies.language.rules import WARPS_OWN, IllFormed
from strategies.language.structs import with_names
from strategies.language.types import FLOAT32, FLOAT64, INT32
from strategies.language.unrolling import is_dynamic
from strategies.language.widen import widened
from strategies.ops import result_type

K, TOTAL = Name(INT32, "k"), Name(FLOAT32, "total")
A, OUT = Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "out", (AT,))
SIZE = Constant(INT32, "SIZE", literal(INT32, 3))
TABLE = Item(FLOAT32, "TABLE", (literal(FLOAT32, 0.1), literal(FLOAT32, 0.5), literal(FLOAT32, -2.0)), K)


def kernel(*body: Statement) -> Program:
    parameters = (
        Parameter("a", t.array(FLOAT32), 0.5, 2.0, (6,)),
        Parameter("out", t.array(FLOAT32), 0.0, 0.0, (6,), True),
    )
    return Program("known", "constant", (6,), parameters, (ThreadIndex(("i",)), *body))


def stored(value: Expression) -> Program:
    return kernel(Assign(OUT, value))


def summed(weight: Expression) -> Program:
    start = Assign(TOTAL, Cast(FLOAT32, literal(FLOAT32, 0.0)))
    loop = For("k", SIZE, (AugmentedAssign(TOTAL, "add", apply("mul", A, weight)),))
    return kernel(start, loop, Assign(OUT, TOTAL))


GAIN = stored(apply("mul", A, Apply(FLOAT32, "neg", (Constant(FLOAT32, "GAIN", literal(FLOAT32, 0.1)),))))
DOUBLES = stored(apply("mul", A, Static(FLOAT32, apply("mul", literal(FLOAT32, 0.3), literal(FLOAT32, 3.0)))))
WEIGHTS = summed(Static(FLOAT32, TABLE))
COUNTED = summed(Static(FLOAT32, apply("mul", K, literal(FLOAT32, 0.25))))


VEC3, MAT22 = t.vector(3, FLOAT32), t.matrix(2, 2, FLOAT32)


def several(name: str, of: t.Composite, *numbers: float, wrapped: bool = True) -> Constant:
    return Constant(of, name, Numbers(of, tuple(literal(of.dtype, number) for number in numbers)), wrapped)


GRAVITY = several("GRAVITY", VEC3, 0.0, -9.81, 0.1)
HALF = several("HALF", VEC3, 0.5, wrapped=False)
#: Numbers of constants of all forms, as operands and by place.
DIRECTED = stored(apply("mul", A, Apply(FLOAT32, "dot", (GRAVITY, HALF))))
PULLED = summed(Component(FLOAT32, GRAVITY, K))
PAIR = t.vector(2, FLOAT32)
PRODUCT = Apply(PAIR, "mul", (several("M", MAT22, 1.0, 2.0, 3.0, 0.1), Construct(PAIR, (A, A))))
MAPPED = stored(Apply(FLOAT32, "dot", (PRODUCT, Construct(PAIR, (A, literal(FLOAT32, 1.0))))))
TURN = several("Q", t.quaternion(FLOAT32), 0.0, 0.6, 0.0, 0.8)
TURNED = stored(Component(FLOAT32, Apply(VEC3, "quat_rotate", (TURN, Construct(VEC3, (A, A, A)))), literal(INT32, 0)))
SECOND = Component(FLOAT64, several("D", t.vector(3, FLOAT64), 0.1, 0.2, 0.3), literal(INT32, 1))
EXACT = stored(apply("mul", A, Cast(FLOAT32, SECOND)))
TURNS = stored(apply("mul", A, Constant(FLOAT32, "wp.TAU", literal(FLOAT32, math.tau))))
SEVERAL = [DIRECTED, PULLED, MAPPED, TURNED, EXACT]


def test_those_of_several_numbers_are_written_as_a_person_would() -> None:
    source = render(DIRECTED)
    assert "GRAVITY = wp.constant(wp.vec3(0.0, -9.81, 0.1))\nHALF = wp.vec3(0.5)\n" in source
    assert "out[i] = a[i] * wp.dot(GRAVITY, HALF)" in source
    assert "total += a[i] * GRAVITY[k]" in render(PULLED)
    assert "M = wp.constant(wp.mat22(1.0, 2.0, 3.0, 0.1))" in render(MAPPED)
    # Python makes doubles of plain numbers
    assert "D = wp.constant(wp.vec3d(0.1, 0.2, 0.3))" in render(EXACT)
    assert "wp.vec3d(0.0, -9.81, 0.1)" in render(widened(DIRECTED))


def test_those_of_several_numbers_mean_what_their_numbers_do() -> None:
    found = expect(MAPPED)
    a = found.inputs["a"].ravel().astype(np.float64)
    np.testing.assert_allclose(found.outputs["out"].expected.ravel(), (1 + 2) * a * a + (3 + 0.1) * a, rtol=1e-6)
    # a rotation by the angle whose half has the cosine 0.8, about the second axis: x cos + z sin
    turned = expect(TURNED)
    a = turned.inputs["a"].ravel().astype(np.float64)
    np.testing.assert_allclose(turned.outputs["out"].expected.ravel(), a * (0.28 + 0.96), rtol=1e-6)
    exact = expect(EXACT)
    expected = exact.inputs["a"].ravel() * np.float32(0.2)
    np.testing.assert_array_equal(exact.outputs["out"].expected.ravel().astype(np.float32), expected)


@pytest.mark.parametrize(
    "constant",
    [
        several("V", VEC3, 1.0, 2.0),
        several("Q", t.quaternion(FLOAT32), 1.0),
        several("H", t.vector(3, t.FLOAT16), 0.5, 0.5, 0.5),
        Constant(VEC3, "V", Numbers(VEC3, (literal(FLOAT64, 1.0),))),
        Constant(VEC3, "V", Numbers(t.vector(2, FLOAT32), (literal(FLOAT32, 1.0),))),
    ],
)
def test_what_python_cannot_make_of_numbers_is_refused(constant: Constant) -> None:
    value = Component(FLOAT32, constant, literal(INT32, 0))
    with pytest.raises(IllFormed):
        check_program(stored(value), result_type)
    assert not well_formed(stored(value))


def test_one_of_several_numbers_is_reduced_to_what_the_kernel_makes() -> None:
    found = [render(program) for program in candidates(DIRECTED)]
    assert any("wp.dot(wp.vec3(0.0, -9.81, 0.1), HALF)" in source for source in found)


def test_what_a_factory_captured_is_made_where_it_does_without() -> None:
    drawn = (strategies.draw("constant", 11, index) for index in range(200))
    program = next(p for p in drawn if p is not None and any(
        isinstance(n.value, Numbers) for f in p.functions if f.closure is not None for n in f.closure.numbers
    ))  # fmt: skip
    found = without_passing(program)
    check_program(found, result_type)
    assert not any(f.closure for f in found.functions)
    assert any(isinstance(n, Construct) for f in found.functions for n in walk(f))


def test_they_are_written_as_a_person_would() -> None:
    assert "GAIN = wp.constant(0.1)\n\n\n@wp.kernel" in render(GAIN)
    assert "out[i] = a[i] * -GAIN" in render(GAIN)
    source = render(WEIGHTS)
    assert "SIZE = wp.constant(3)\nTABLE = (0.1, 0.5, -2.0)\n" in source
    assert "for k in range(SIZE):\n        total += a[i] * wp.static(TABLE[k])" in source
    assert "wp.static(wp.float64(TABLE[k]))" in render(widened(WEIGHTS))


def test_warps_own_are_not_defined_and_have_the_digits_of_their_type() -> None:
    source = render(TURNS)
    assert "out[i] = a[i] * wp.TAU" in source
    assert source.count("TAU") == 1
    assert "a[i] * wp.float64(wp.TAU)" in render(widened(TURNS))
    assert not any(name.startswith("wp.") for name in defined_names(TURNS))


def test_a_number_that_is_none_of_warps_is_refused() -> None:
    for name, value in (("wp.TAU", 6.28), ("wp.SIZE", 3.0)):
        with pytest.raises(IllFormed):
            check_program(stored(apply("mul", A, Constant(FLOAT32, name, literal(FLOAT32, value)))), result_type)


def test_the_names_of_warps_own_mean_what_they_do_in_warp() -> None:
    import warp as wp

    assert {name: getattr(wp, name.removeprefix("wp.")) for name in WARPS_OWN} == WARPS_OWN


@pytest.mark.parametrize("program", [GAIN, DOUBLES, WEIGHTS, COUNTED, *SEVERAL])
def test_they_are_checked_and_read_again(program: Program) -> None:
    check_program(program, result_type)
    assert decode(encode(program)) == program
    named = {n.name for n in walk(program) if isinstance(n, Constant | Item)}
    assert named <= defined_names(program)


def test_python_computes_in_doubles() -> None:
    """0.3 times 3 in doubles, rounded once, is another float than in floats."""
    found = expect(DOUBLES)
    factor = np.float32(0.3 * 3.0)
    assert factor != np.float32(0.3) * np.float32(3.0)
    expected = found.outputs["out"].expected.ravel().astype(np.float32)
    assert np.array_equal(expected, found.inputs["a"].ravel() * factor)


def test_a_loop_up_to_a_constant_is_unrolled() -> None:
    assert not is_dynamic(For("k", SIZE, ()))
    assert is_dynamic(For("k", msgspec.structs.replace(SIZE, value=literal(INT32, 17)), ()))


@pytest.mark.parametrize(
    "value",
    [
        Static(FLOAT32, A),
        Static(FLOAT32, Apply(FLOAT32, "sin", (literal(FLOAT32, 1.0),))),
        Static(INT32, Name(INT32, "nowhere")),
        Constant(FLOAT32, "a", literal(FLOAT32, 1.0)),
        Constant(FLOAT64, "GAIN", literal(FLOAT32, 1.0)),
    ],
)
def test_what_python_cannot_know_is_refused(value: Expression) -> None:
    with pytest.raises(IllFormed):
        check_program(stored(value), result_type)


def test_warp_agrees(sandbox: Sandbox) -> None:
    verdicts = verify_all([GAIN, DOUBLES, WEIGHTS, COUNTED, *SEVERAL, TURNS, widened(TURNS)], sandbox)
    assert [v.tier for v in verdicts] == [Tier.BACKWARD] * 11


def test_a_stored_program_may_name_numbers_of_warp_and_no_others() -> None:
    check_names(TURNS)
    for wrong in ("wp.init", "wp.PI()", "os.environ"):
        with pytest.raises(ValueError, match="is no name"):
            check_names(with_names(TURNS, {"wp.TAU": wrong}))
