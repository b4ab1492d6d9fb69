"""A rounding that a loop repeats adds up as it is, not as independent noise would: tolerances have room for it."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import AT, apply, literal, program_of

from harness.oracle.expectation import expect
from harness.oracle.inputs import Flavour, derive
from harness.oracle.reference import Evaluator
from harness.oracle.tolerance import spread
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Cast,
    Compare,
    Element,
    Expression,
    For,
    Literal,
    Name,
    Parameter,
    Program,
    Statement,
    While,
)
from strategies.language.types import BOOL, FLOAT32, FLOAT64, INT32, array

TURNS = 600
A = Element(FLOAT32, "a", (AT,))
SUM, K = Name(FLOAT64, "total"), Name(INT32, "k")


def whole(value: int) -> Expression:
    return Literal(INT32, value)


#: sums the same product, rounded the same way, in each iteration; the sum itself has no rounding to speak of
ADD = AugmentedAssign(SUM, "add", Cast(FLOAT64, apply("mul", A, literal(FLOAT32, float(np.float32(0.1))))))
LOOPS: dict[str, tuple[Statement, ...]] = {
    "for": (For("k", whole(TURNS), (ADD,)),),
    "while": (
        Assign(K, Cast(INT32, whole(0))),
        While(Compare(BOOL, ("<",), (K, whole(TURNS))), (ADD, AugmentedAssign(K, "add", whole(1)))),
    ),
}


def summing(loop: str) -> Program:
    out = Element(FLOAT64, "total_of", (AT,))
    more = (Parameter("total_of", array(FLOAT64), 0.0, 0.0, (6,), True),)
    start = Assign(SUM, Cast(FLOAT64, literal(FLOAT64, 0.0)))
    return program_of(FLOAT32, start, *LOOPS[loop], Assign(out, SUM), more=more)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_rounding_that_is_repeated_stays_within_the_tolerance(loop: str) -> None:
    program = summing(loop)
    for seed in range(8):
        found = expect(program, seed).outputs["total_of"]
        inputs = derive(program, seed * 4, Flavour.GENERIC)
        native = Evaluator(program, {n: v[None] for n, v in inputs.items()}, True).run().arrays["total_of"][0, 0]
        assert np.all(np.abs(native - found.expected) <= found.tolerance)


def test_noise_that_is_repeated_is_the_same_in_each_iteration_and_only_there() -> None:
    program = summing("for")
    inputs = derive(program, 0, Flavour.GENERIC)
    wide = {n: v.astype(np.float64 if v.dtype.kind == "f" else v.dtype)[None] for n, v in inputs.items()}
    runs = Evaluator(program, wide, False, noise="x").run().arrays["total_of"][:, 0]
    off = np.abs(runs[1:] / runs[0] - 1)
    exact = 2.0**-24
    assert np.allclose(off[-1], exact, rtol=1e-3)  # TURNS times the error of one, in a sum of TURNS
    assert np.all(off[:-1] < exact / 4)


def test_programs_without_loops_have_no_realisation_more() -> None:
    program = program_of(FLOAT32, Assign(Element(FLOAT32, "out", (AT,)), A))
    inputs = {n: v[None] for n, v in derive(program, 0, Flavour.GENERIC).items()}
    assert Evaluator(program, inputs, False, noise="x").run().arrays["out"].shape[0] == 5


def test_realisations_that_agree_by_chance_in_one_cell_leave_it_the_spread_of_its_neighbours() -> None:
    runs = np.array([[[1.0, 2.0, 4.0, 0.0, 8.0]], [[1.0, 2.0 + 2e-15, 4.0 + 1e-14, 0.0, 8.0 + 8e-15]]])
    np.testing.assert_allclose(spread(runs, "float64"), [[1e-15, 2e-15, 1e-14, 0.0, 8e-15]], rtol=0.2)
    # noise of other types is finer than the reference's own rounding
    assert spread(runs, "float32")[0, 0] == 0
    # where more agree, that is what the kernel does
    runs[1, 0, 1] = 2.0
    np.testing.assert_array_equal(spread(runs, "float64")[0, :2], 0.0)
    assert spread(runs[..., 1:3], "float64")[0, 0] == 0
    with np.errstate(invalid="ignore"):
        runs[:, 0, 2] = np.inf
        assert np.isnan(spread(runs, "float64")[0, 2])
