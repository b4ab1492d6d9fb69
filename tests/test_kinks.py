"""Where gradients jump, and where rounding decides: what is judged there, and what is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tiny import AT, apply, kernel, literal, program_of

from harness.oracle.expectation import expect
from harness.oracle.lanes import UNIT_ROUNDOFF
from strategies.language import types as t
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    Cast,
    Compare,
    Conditional,
    Construct,
    Element,
    Expression,
    For,
    If,
    Literal,
    Name,
    Parameter,
    Program,
    ThreadIndex,
)
from strategies.language.types import BOOL, FLOAT32, FLOAT64, INT32, Scalar

KINKS: dict[str, tuple[float, Callable[[Expression], Expression]]] = {
    "abs at zero": (0.0, lambda a: apply("abs", a)),
    "max at a tie": (0.5, lambda a: apply("max", a, literal(a.type, 0.5))),
    "min at a tie": (0.5, lambda a: apply("min", literal(a.type, 0.5), a)),
    "clamp at its end": (1.0, lambda a: apply("clamp", a, literal(a.type, -1.0), literal(a.type, 1.0))),
    "sign at zero": (0.0, lambda a: apply("sign", a)),
    "step at zero": (0.0, lambda a: apply("step", a)),
    "floor at a whole number": (2.0, lambda a: apply("floor", a)),
    "rint at a half": (1.5, lambda a: apply("rint", a)),
    "frac at a whole number": (-1.0, lambda a: apply("frac", a)),
    "a comparison at equality": (
        0.25,
        lambda a: Conditional(a.type, Compare(BOOL, ("<",), (a, literal(a.type, 0.25))), a, apply("mul", a, a)),
    ),
    "a conversion at a whole number": (3.0, lambda a: Cast(a.type, Cast(INT32, a))),
}


@pytest.mark.parametrize("of", [FLOAT32, FLOAT64], ids=repr)
@pytest.mark.parametrize("name", KINKS)
def test_gradients_at_a_kink_are_not_judged_but_values_are(name: str, of: Scalar) -> None:
    at, value = KINKS[name]
    found = expect(kernel(of, lambda a, b: apply("add", value(a), apply("mul", b, literal(of, 0.0))), at, at))
    assert not found.gradients["a"].checked.any()
    assert found.outputs["out"].checked.all()
    near = expect(kernel(of, lambda a, b: apply("add", value(a), b), at + 0.125, at + 0.1875))
    assert near.gradients["a"].checked.all()


@pytest.mark.parametrize("op", ["atomic_min", "atomic_max"])
def test_ties_among_the_operands_of_atomics_are_not_judged(op: str) -> None:
    value = Element(FLOAT32, "a", (AT,))
    sign = -1.0 if op == "atomic_min" else 1.0
    body = Atomic(op, "out", (Literal(INT32, 0),), value)
    tied = expect(program_of(FLOAT32, body, low=sign, high=sign, cells=1))
    assert not tied.gradients["a"].checked.any()
    assert tied.outputs["out"].checked.all()
    apart = expect(program_of(FLOAT32, body, cells=1))
    assert apart.gradients["a"].checked.all()


def test_a_branch_that_rounding_could_take_is_judged_neither_way() -> None:
    """sin(a) < sin(a) * 1 + 0, computed in two ways: which holds is a matter of rounding."""
    of = FLOAT32

    def value(a: Expression, b: Expression) -> Expression:
        left = apply("sub", apply("sin", a), apply("mul", apply("cos", a), apply("tan", a)))
        return Conditional(of, Compare(BOOL, ("<",), (left, literal(of, 0.0))), literal(of, 1.0), literal(of, 2.0))

    found = expect(kernel(of, value, 0.25, 1.0))
    assert not found.outputs["out"].checked.any()


def test_a_quotient_near_a_whole_number_is_not_judged_where_its_operands_were_rounded() -> None:
    """1.5 // 0.3 is 4 for real numbers near the float32 ones, and 5 where the quotient is rounded first."""

    def value(a: Expression, b: Expression) -> Expression:
        one = apply("cos", apply("sub", b, b))
        return apply("floordiv", apply("mul", a, one), literal(FLOAT32, 0.3))

    assert not expect(kernel(FLOAT32, value, 1.5, 1.5)).outputs["out"].checked.any()
    assert expect(kernel(FLOAT32, value, 1.6, 1.7)).outputs["out"].checked.all()


# ---------------------------------------------------------------- what looks like a kink and is none


@pytest.mark.parametrize("read", [False, True])
def test_a_step_that_changes_a_whole_number_beside_the_result_is_judged(read: bool) -> None:
    """``level[i] = int(a[i] * 30000.0)``: every step of a difference changes it, and nothing that has a derivative
    unless it is read."""
    place = (AT,)
    a, level = Element(FLOAT32, "a", place), Element(INT32, "level", place)
    stored = Cast(INT32, apply("mul", a, literal(FLOAT32, 30000.0)))
    result = apply("mul", a, Cast(FLOAT32, level) if read else literal(FLOAT32, 3.0))
    parameters = (
        Parameter("a", t.array(FLOAT32, 1), 0.5, 2.0, (8,)),
        Parameter("level", t.array(INT32, 1), 0, 0, (8,), output=True),
        Parameter("out", t.array(FLOAT32, 1), 0, 0, (8,), output=True),
    )
    body = (ThreadIndex(("i",)), Assign(level, stored), Assign(Element(FLOAT32, "out", place), result))
    found = expect(Program("kernel", "conversion", (8,), parameters, body))
    assert found.outputs["level"].checked.all()
    assert found.gradients["a"].checked.any() != read
    assert found.gradients["a"].checked.all() != read


def test_a_step_into_another_bin_of_a_histogram_is_judged() -> None:
    a = Element(FLOAT32, "a", (AT,))
    place = Cast(INT32, apply("mul", a, literal(FLOAT32, 30000.0)))
    place = Apply(INT32, "bit_and", (place, Literal(INT32, 3)))
    parameters = (
        Parameter("a", t.array(FLOAT32, 1), 0.5, 2.0, (8,)),
        Parameter("bins", t.array(INT32, 1), 0, 0, (4,), output=True),
        Parameter("out", t.array(FLOAT32, 1), 0, 0, (8,), output=True),
    )
    count = Atomic("atomic_add", "bins", (place,), Literal(INT32, 1))
    body = (ThreadIndex(("i",)), count, Assign(Element(FLOAT32, "out", (AT,)), apply("sin", a)))
    found = expect(Program("kernel", "atomics", (8,), parameters, body))
    assert found.outputs["bins"].checked.all()
    assert found.gradients["a"].checked.all()


def test_the_larger_of_two_equal_values_is_judged_whichever_is_taken() -> None:
    """``best = max(best, value)`` once more: a tie of one function with itself."""
    best, value = Name(FLOAT32, "best"), apply("sin", Element(FLOAT32, "a", (AT,)))
    again = For("k", Literal(INT32, 3), (Assign(best, apply("max", best, value)),))
    out = Element(FLOAT32, "out", (AT,))
    cells = expect(program_of(FLOAT32, Assign(best, literal(FLOAT32, -2.0)), again, Assign(out, best))).gradients["a"]
    assert cells.checked.all()
    assert np.all(cells.expected != 0)


def test_what_truncation_does_at_zero_is_judged() -> None:
    """trunc, frac and conversions are constant or smooth across zero; floor is not."""
    tiny = apply("mul", apply("sin", Element(FLOAT32, "a", (AT,))), literal(FLOAT32, 2.0**-30))
    zero = apply("sub", tiny, tiny)

    def checked(value: Expression) -> bool:
        found = expect(kernel(FLOAT32, lambda a, b: apply("add", value, b)))
        return bool(found.outputs["out"].checked.all() and found.gradients["b"].checked.all())

    assert checked(apply("trunc", zero))
    assert checked(apply("frac", zero))
    assert checked(apply("mod", zero, literal(FLOAT32, 0.5)))
    assert checked(Cast(FLOAT32, Cast(INT32, zero)))
    assert not checked(apply("floor", zero))


def test_a_magnitude_near_zero_is_no_jump_of_copysign_but_a_sign_near_zero_is_one() -> None:
    tiny = apply("mul", apply("sin", Element(FLOAT32, "a", (AT,))), literal(FLOAT32, 2.0**-30))
    zero = apply("sub", tiny, tiny)
    assert (
        expect(kernel(FLOAT32, lambda a, b: apply("add", apply("copysign", zero, b), b))).outputs["out"].checked.all()
    )
    assert not expect(kernel(FLOAT32, lambda a, b: apply("copysign", b, zero))).outputs["out"].checked.any()


def test_the_sign_of_a_zero_that_may_be_either_decides_nothing() -> None:
    """That of a product is known, that of max(-0.0, 0.0) is not."""
    zero = literal(FLOAT32, 0.0)
    below = apply("sub", Element(FLOAT32, "b", (AT,)), literal(FLOAT32, 4.0))
    known = apply("mul", Element(FLOAT32, "a", (AT,)), zero)
    either = apply("max", known, zero)

    def checked(value: Expression) -> np.ndarray:
        return expect(kernel(FLOAT32, lambda a, b: value)).outputs["out"].checked

    assert checked(apply("copysign", below, known)).all()
    assert not checked(apply("copysign", below, either)).any()
    assert not checked(apply("atan2", either, below)).any()


@pytest.mark.parametrize("of", [FLOAT32, FLOAT64], ids=repr)
def test_a_quotient_of_inputs_is_rounded_as_warp_rounds_it(of: Scalar) -> None:
    """1.5 // 0.3, both without an error of their own: the reference knows the rounded quotient to the bit."""
    found = expect(kernel(of, lambda a, b: apply("floordiv", literal(of, 1.5), apply("mul", b, b)), 0.5, 0.5))
    assert found.outputs["out"].checked.all()
    assert found.outputs["out"].expected.tolist() == [6.0] * 6
    third = literal(of, float(np.float32(0.3)) if of is FLOAT32 else 0.3)
    found = expect(kernel(of, lambda a, b: apply("floordiv", a, third), 1.5, 1.5))
    exact = np.float32(1.5) / np.float32(0.3) if of is FLOAT32 else 1.5 / 0.3
    assert found.outputs["out"].checked.all()
    assert found.outputs["out"].expected.tolist() == [float(np.floor(exact))] * 6


@pytest.mark.parametrize("op", ["atomic_min", "atomic_max"])
def test_a_thread_that_clearly_loses_is_judged_beside_others_that_tie(op: str) -> None:
    """Threads with even indices offer one value, the others something that is far off."""
    a, b = (Element(FLOAT32, name, (AT,)) for name in "ab")
    sign = -1.0 if op == "atomic_min" else 1.0
    even = Compare(BOOL, ("==",), (apply("mod", AT, Literal(INT32, 2)), Literal(INT32, 0)))
    value = Conditional(FLOAT32, even, apply("mul", a, literal(FLOAT32, 4.0)), apply("mul", b, b))
    body = Atomic(op, "out", (Literal(INT32, 0),), value)
    found = expect(program_of(FLOAT32, body, low=sign, high=sign, cells=1))
    assert not found.gradients["a"].checked[::2].any()
    assert found.gradients["b"].checked[1::2].all()
    assert not found.gradients["b"].expected.any()


def test_a_cell_is_judged_unless_a_thread_that_rounding_could_lead_there_writes_it() -> None:
    """Thread 0 may or may not store; the cells of others, and those of nobody, are what they are."""
    a, out = Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "out", (AT,))
    zero = apply("sub", apply("sin", a), apply("mul", apply("cos", a), apply("tan", a)))
    first = Compare(BOOL, ("==",), (AT, Literal(INT32, 0)))
    bound = Conditional(FLOAT32, first, zero, a)
    body = If(Compare(BOOL, (">",), (bound, literal(FLOAT32, 0.0))), (Assign(out, apply("mul", a, a)),))
    cells = expect(program_of(FLOAT32, body, low=0.25, high=1.0, cells=9)).outputs["out"]
    assert cells.checked.tolist() == [False] + [True] * 8


def test_a_sum_is_judged_where_no_thread_takes_part_that_rounding_could_lead_elsewhere() -> None:
    a = Element(FLOAT32, "a", (AT,))
    zero = apply("sub", apply("sin", a), apply("mul", apply("cos", a), apply("tan", a)))
    first = Compare(BOOL, ("==",), (AT, Literal(INT32, 0)))
    value = Conditional(FLOAT32, first, apply("step", zero), a)
    group = apply("mod", AT, Literal(INT32, 3))
    cells = expect(program_of(FLOAT32, Atomic("atomic_add", "out", (group,), value), cells=3)).outputs["out"]
    assert cells.checked.tolist() == [False, True, True]


def test_a_derivative_by_a_threshold_that_cancels_is_held_to_what_its_formula_can_give() -> None:
    """Of norm_pseudo_huber((9, 9), 0.25) by its threshold: 50.9 - 50.9, of which 0.02 are left."""
    pair = t.vector(2, FLOAT32)

    def value(a: Expression, b: Expression) -> Expression:
        return Apply(FLOAT32, "norm_pseudo_huber", (Construct(pair, (literal(FLOAT32, 9.0),)), a))

    cells = expect(kernel(FLOAT32, value, 0.25, 0.5)).gradients["a"]
    assert np.all(cells.tolerance > 16 * UNIT_ROUNDOFF["float32"])
    assert np.all(np.abs(cells.expected) < 0.1)


def test_results_that_are_all_zero_are_judged() -> None:
    found = expect(kernel(FLOAT32, lambda a, b: apply("mul", apply("step", apply("exp", a)), apply("sin", b))))
    assert found.outputs["out"].checked.all()
    assert not found.outputs["out"].expected.any()
