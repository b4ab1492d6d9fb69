"""Numbers with names, and numbers that Python computes while a kernel is compiled."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from tiny import AT, apply, literal

from harness.expectation import expect
from harness.sandbox import Sandbox
from harness.verdict import Tier
from harness.verify import verify_all
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.hashing import defined_names
from strategies.language.limits import is_dynamic
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Cast,
    Constant,
    Element,
    Expression,
    For,
    Item,
    Name,
    Parameter,
    Program,
    Statement,
    Static,
    ThreadIndex,
    decode,
    encode,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.types import FLOAT32, FLOAT64, INT32
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


def test_they_are_written_as_a_person_would() -> None:
    assert "GAIN = wp.constant(0.1)\n\n\n@wp.kernel" in render(GAIN)
    assert "out[i] = a[i] * -GAIN" in render(GAIN)
    source = render(WEIGHTS)
    assert "SIZE = wp.constant(3)\nTABLE = (0.1, 0.5, -2.0)\n" in source
    assert "for k in range(SIZE):\n        total += a[i] * wp.static(TABLE[k])" in source
    assert "wp.static(wp.float64(TABLE[k]))" in render(widened(WEIGHTS))


@pytest.mark.parametrize("program", [GAIN, DOUBLES, WEIGHTS, COUNTED])
def test_they_are_checked_and_read_again(program: Program) -> None:
    check_program(program, result_type)
    assert decode(encode(program)) == program
    assert {"SIZE", "TABLE", "GAIN"} & defined_names(program) == {
        n.name for n in (SIZE, TABLE, Constant(FLOAT32, "GAIN", literal(FLOAT32, 0.1))) if n.name in render(program)
    }


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
    verdicts = verify_all([GAIN, DOUBLES, WEIGHTS, COUNTED], sandbox)
    assert [v.tier for v in verdicts] == [Tier.BACKWARD] * 4
