"""Gradients by differences against those that are known, and how wide the tolerances of simple kernels are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tampering import SEED
from tiny import AT, apply, kernel, literal, program_of

import strategies
from harness.oracle.expectation import expect
from harness.oracle.lanes import UNIT_ROUNDOFF
from strategies.categories import CATEGORIES
from strategies.language import types as t
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    If,
    Literal,
    Parameter,
    Program,
    ThreadIndex,
)
from strategies.language.types import BOOL, FLOAT16, FLOAT32, FLOAT64, INT32, Scalar

KNOWN: dict[str, tuple[Callable[..., Expression], Callable[..., Any], Callable[..., Any]]] = {
    "x * x": (lambda a, b: apply("mul", a, a), lambda a, b: 2 * a, lambda a, b: 0 * a),
    "a * b": (lambda a, b: apply("mul", a, b), lambda a, b: b, lambda a, b: a),
    "a - b": (lambda a, b: apply("sub", a, b), lambda a, b: 1 + 0 * a, lambda a, b: -1 + 0 * a),
    "sin": (lambda a, b: apply("sin", a), lambda a, b: np.cos(a), lambda a, b: 0 * a),
    "exp(a) * b": (
        lambda a, b: apply("mul", apply("exp", a), b),
        lambda a, b: np.exp(a) * b,
        lambda a, b: np.exp(a),
    ),
    "a / (b * b + 1)": (
        lambda a, b: apply("div", a, apply("add", apply("mul", b, b), literal(b.type, 1.0))),
        lambda a, b: 1 / (b * b + 1),
        lambda a, b: -2 * a * b / (b * b + 1) ** 2,
    ),
    "tanh(a * b)": (
        lambda a, b: apply("tanh", apply("mul", a, b)),
        lambda a, b: b * (1 - np.tanh(a * b) ** 2),
        lambda a, b: a * (1 - np.tanh(a * b) ** 2),
    ),
    "atan2": (
        lambda a, b: apply("atan2", a, apply("add", apply("abs", b), literal(b.type, 1.0))),
        lambda a, b: (np.abs(b) + 1) / (a * a + (np.abs(b) + 1) ** 2),
        lambda a, b: -a * np.sign(b) / (a * a + (np.abs(b) + 1) ** 2),
    ),
    "floor": (lambda a, b: apply("add", apply("floor", a), b), lambda a, b: 0 * a, lambda a, b: 1 + 0 * a),
    "max": (lambda a, b: apply("max", a, b), lambda a, b: 1.0 * (a > b), lambda a, b: 1.0 * (b > a)),
    "ternary": (
        lambda a, b: Conditional(a.type, Compare(BOOL, ("<",), (a, b)), apply("mul", a, b), apply("neg", a)),
        lambda a, b: np.where(a < b, b, -1.0),
        lambda a, b: np.where(a < b, a, 0.0),
    ),
}


@pytest.mark.parametrize("of", [FLOAT32, FLOAT64], ids=repr)
@pytest.mark.parametrize("name", KNOWN)
def test_differences_give_the_known_gradient(name: str, of: Scalar) -> None:
    value, by_a, by_b = KNOWN[name]
    for seed in range(3):
        found = expect(kernel(of, value), seed)
        a, b = (found.inputs[n].astype(np.float64) for n in "ab")
        cotangent = found.cotangents["out"]
        for n, exact in (("a", by_a(a, b)), ("b", by_b(a, b))):
            cells = found.gradients[n]
            assert cells.share >= 0.8
            np.testing.assert_allclose(
                cells.expected[cells.checked], (exact * cotangent)[cells.checked], rtol=1e-9, atol=1e-10
            )


@pytest.mark.parametrize("op", ["atomic_add", "atomic_sub", "atomic_min", "atomic_max"])
def test_differences_give_the_known_gradient_of_atomics(op: str) -> None:
    square = apply("mul", Element(FLOAT64, "a", (AT,)), Element(FLOAT64, "b", (AT,)))
    found = expect(program_of(FLOAT64, Atomic(op, "out", (Literal(INT32, 0),), square), cells=1))
    a, b = found.inputs["a"], found.inputs["b"]
    products, cotangent = a * b, found.cotangents["out"][0]
    if op == "atomic_add":
        weight = np.ones(6)
    elif op == "atomic_sub":
        weight = -np.ones(6)
    else:
        held = np.append(products, 0.0)  # what the cell holds before takes part
        best = int(np.argmin(held) if op == "atomic_min" else np.argmax(held))
        weight = np.array([1.0 * (n == best) for n in range(6)])
    np.testing.assert_allclose(found.gradients["a"].expected, weight * b * cotangent, atol=1e-10)
    assert found.gradients["out"].expected.tolist() == [cotangent]


def test_differences_follow_an_array_that_several_threads_read() -> None:
    near = Element(FLOAT64, "a", (apply("min", apply("add", AT, Literal(INT32, 1)), Literal(INT32, 5)),))
    product = apply("mul", near, Element(FLOAT64, "a", (AT,)))
    found = expect(program_of(FLOAT64, Assign(Element(FLOAT64, "out", (AT,)), product)))
    a, v = found.inputs["a"], found.cotangents["out"]
    exact = np.array([v[n] * a[min(n + 1, 5)] + (v[n - 1] * a[n - 1] if n else 0) for n in range(6)])
    exact[5] += v[5] * a[5]
    np.testing.assert_allclose(found.gradients["a"].expected, exact, atol=1e-10)


def test_a_gradient_that_float64_rounds_away_is_not_held_to_be_zero() -> None:
    """(a + c * c) - a, with c so small that the sum is a: the difference quotient is zero, the gradient is not."""

    def value(a: Expression, b: Expression) -> Expression:
        small = apply("mul", b, literal(FLOAT32, 2.0**-30))
        return apply("sub", apply("add", a, apply("mul", small, small)), a)

    cells = expect(kernel(FLOAT32, value, 1.0, 2.0)).gradients["b"]
    exact = 2.0**-59 * np.array(expect(kernel(FLOAT32, value, 1.0, 2.0)).inputs["b"], np.float64)
    assert np.all(cells.tolerance > exact)


def test_components_of_a_gradient_are_rounded_apart() -> None:
    """Normalizing twice: what rounding leaves beside the first projection, the second one does not take away."""
    pair = t.vector(2, FLOAT32)

    def value(a: Expression, b: Expression) -> Expression:
        inner = Apply(pair, "normalize", (Construct(pair, (a, a)),))
        return Component(FLOAT32, Apply(pair, "normalize", (inner,)), Literal(INT32, 0))

    cells = expect(kernel(FLOAT32, value, 1.0, 2.0)).gradients["a"]
    assert np.all(cells.tolerance > UNIT_ROUNDOFF["float32"] / 4)


def test_what_a_read_passes_back_is_rounded_at_the_size_of_a_cotangent_that_is_kept() -> None:
    a, out = Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "out", (AT,))
    more = Parameter("scaled", t.array(FLOAT32), 0.0, 0.0, (6,), True)
    never = If(Compare(BOOL, (">",), (a, literal(FLOAT32, 100.0))), (Assign(out, a),))
    scaled = Assign(Element(FLOAT32, "scaled", (AT,)), apply("mul", out, literal(FLOAT32, 1e-5)))
    found = expect(program_of(FLOAT32, never, scaled, more=(more,)))
    cells = found.gradients["out"]
    assert np.all(np.abs(cells.expected - found.cotangents["out"]) < 1e-4)
    assert np.all(cells.tolerance > UNIT_ROUNDOFF["float32"] * np.abs(cells.expected))


def test_what_a_normalization_takes_away_is_rounded_where_an_interpolation_ends() -> None:
    """At its end the result depends on the second quaternion alone, and Warp's adjoint on the length of the first."""
    of, one = t.parse("quat<float32>"), literal(FLOAT32, 1.0)

    def value(a: Expression, b: Expression) -> Expression:
        first, second = (
            Apply(of, "normalize", (Construct(of, parts),)) for parts in ((a, one, a, one), (one, a, a, a))
        )
        scaled = Apply(of, "normalize", (Apply(of, "mul", (b, first)),))
        return Component(FLOAT32, Apply(of, "quat_slerp", (scaled, second, one)), Literal(INT32, 0))

    cells = expect(kernel(FLOAT32, value, 1.0, 2.0)).gradients["b"]
    assert np.all(np.abs(cells.expected) < 1e-9)
    assert np.all(cells.tolerance > UNIT_ROUNDOFF["float32"] / 16)


# ---------------------------------------------------------------- how wide tolerances are


SIMPLE: dict[str, Callable[[Expression, Expression], Expression]] = {
    name: value for name, (value, _, _) in KNOWN.items() if name not in ("floor", "max", "ternary")
}


@pytest.mark.parametrize("name", SIMPLE)
def test_tolerances_of_simple_kernels_are_narrow(name: str) -> None:
    for of, least in ((FLOAT32, 1e-4), (FLOAT64, 1e-9)):
        found = expect(kernel(of, SIMPLE[name]))
        for cells in (found.outputs["out"], found.gradients["a"], found.gradients["b"]):
            size = np.maximum(np.abs(cells.expected), 0.01 * np.max(np.abs(cells.expected)))
            assert cells.checked.all()
            assert np.all((cells.tolerance <= least * size) | (cells.expected == 0))


def test_sums_and_products_of_floats_are_compared_bit_for_bit() -> None:
    found = expect(kernel(FLOAT32, lambda a, b: apply("add", apply("mul", a, b), a)))
    assert not found.outputs["out"].tolerance.any()
    assert found.outputs["out"].expected.dtype == np.float32


def test_tolerances_grow_with_cancellation() -> None:
    def cancelling(a: Expression, b: Expression) -> Expression:
        shifted = apply("add", apply("sin", a), literal(a.type, 64.0))
        return apply("sub", shifted, literal(a.type, 64.0))

    plain = expect(kernel(FLOAT32, lambda a, b: apply("sin", a))).outputs["out"]
    worse = expect(kernel(FLOAT32, cancelling)).outputs["out"]
    assert np.median(worse.tolerance) > 3 * np.median(plain.tolerance)


def test_cells_beyond_the_ceiling_are_not_checked() -> None:
    def hopeless(a: Expression, b: Expression) -> Expression:
        shifted = apply("add", apply("sin", a), literal(a.type, 4096.0))
        for _ in range(3):
            shifted = apply("add", apply("sub", shifted, literal(a.type, 4095.0)), literal(a.type, 4095.0))
        return apply("sub", shifted, literal(a.type, 4096.0))

    found = expect(kernel(FLOAT32, hopeless, 0.001, 0.002))
    assert not found.outputs["out"].checked.any()


def test_an_expectation_is_the_same_every_time() -> None:
    for category in CATEGORIES:
        program = strategies.draw(category, SEED, 0)
        assert program is not None
        one, other = expect(program, 3), expect(program, 3)
        assert one.seed == other.seed
        for name, cells in (*one.outputs.items(), *one.gradients.items()):
            twin = (
                other.outputs.get(name, other.gradients[name])
                if cells is one.outputs.get(name)
                else other.gradients[name]
            )
            np.testing.assert_array_equal(cells.expected, twin.expected)
            np.testing.assert_array_equal(cells.tolerance, twin.tolerance)


def test_an_adjoint_that_passes_through_half_precision_may_underflow_there() -> None:
    """Before the conversion to a half comes its adjoint, a half too: what is less than 2**-24 is lost in it."""
    tiny = literal(FLOAT64, 2.0**-40)
    found = expect(kernel(FLOAT64, lambda a, b: apply("mul", Cast(FLOAT64, Cast(FLOAT16, a)), tiny)))
    assert np.all(found.gradients["a"].tolerance >= 2.0**-24)
    plain = expect(kernel(FLOAT64, lambda a, b: apply("mul", a, tiny)))
    assert np.all(plain.gradients["a"].tolerance < 2.0**-40)


QUATH = t.parse("quat<float16>")


@pytest.mark.parametrize(("size", "compared"), [(1.0, True), (2.0**-7, False)])
def test_adjoints_that_may_overflow_half_precision_on_their_way_are_not_compared(size: float, compared: bool) -> None:
    """The adjoint of `normalize` divides by the third power of a length: of 1/64, that is no half."""
    given = Element(QUATH, "a", (AT,))
    program = Program(
        "turned",
        "quaternion",
        (4,),
        (
            Parameter("a", t.array(QUATH), size / 2, size, (4,)),
            Parameter("out", t.array(QUATH), 0.0, 1.0, (4,), True),
        ),
        (ThreadIndex(("i",)), Assign(Element(QUATH, "out", (AT,)), Apply(QUATH, "normalize", (given,)))),
    )
    assert expect(program).gradients["a"].checked.any() == compared


def test_a_cell_that_rounding_alone_makes_a_thread_read_is_not_compared() -> None:
    """`erfc(-4)` is a little less than 2, and 2 in float32: threads read one cell, and the reference another."""
    number = Cast(INT32, Apply(FLOAT32, "erfc", (literal(FLOAT32, -4.0),)))
    place = Apply(INT32, "mul", (number, literal(INT32, 1)))
    program = program_of(FLOAT32, Assign(Element(FLOAT32, "out", (AT,)), Element(FLOAT32, "a", (place,))))
    checked = expect(program).gradients["a"].checked
    assert not checked[1]
    assert not checked[2]
    assert checked[0]
