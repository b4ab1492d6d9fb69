"""The reference on kernels by hand: inactive lanes, what Warp does not define, ranges, rounding, noise."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from evaluating import drawn, evaluate

from harness.oracle.inputs import Flavour, derive
from harness.oracle.reference import Evaluator, InvalidProgram
from strategies.language import types as t
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Continue,
    Element,
    Expression,
    For,
    If,
    Literal,
    Logical,
    Name,
    Parameter,
    Program,
    Return,
    Statement,
    ThreadIndex,
    decode,
    encode,
)
from strategies.language.structs import flattened
from strategies.language.types import BOOL, FLOAT32, FLOAT64, INT32

AT = Name(INT32, "i")
A = Element(FLOAT32, "a", (AT,))
K = Element(INT32, "k", (AT,))
OUT = Element(FLOAT32, "out", (AT,))
WHOLE = Element(INT32, "whole", (AT,))
T = Name(FLOAT32, "t")
J = Name(INT32, "j")


def number(value: float) -> Literal:
    return Literal(FLOAT32, value)


def whole(value: int) -> Literal:
    return Literal(INT32, value)


def of(op: str, *arguments: Expression, type_: t.Type = INT32) -> Apply:
    return Apply(type_, op, arguments)


def compare(op: str, left: Expression, right: Expression) -> Compare:
    return Compare(BOOL, (op,), (left, right))


def kernel(*body: Statement, launch: int = 4) -> Program:
    return Program(
        "kernel",
        "branch",
        (launch,),
        (
            Parameter("a", t.array(FLOAT32), -8.0, 8.0, (4,)),
            Parameter("k", t.array(INT32), -(2**31), 2**31 - 1, (4,)),
            Parameter("out", t.array(FLOAT32), 0.0, 0.0, (4,), True),
            Parameter("whole", t.array(INT32), 0, 0, (4,), True),
        ),
        (ThreadIndex(("i",)), *body),
    )


def run(*body: Statement, a: Sequence[float] = (1, 2, 3, 4), k: Sequence[int] = (0, 1, 2, 3), launch: int = 4) -> Any:
    inputs = {
        "a": np.array(a, np.float32),
        "k": np.array(k, np.int32),
        "out": np.full(4, -9.0, np.float32),
        "whole": np.full(4, -9, np.int32),
    }
    return evaluate(kernel(*body, launch=launch), inputs)


DIVIDED = of("div", whole(12), K)
POISONED: dict[str, tuple[tuple[Statement, ...], list[float]]] = {
    "a division under an if": (
        (Assign(WHOLE, whole(0)), If(compare("!=", K, whole(0)), (Assign(WHOLE, DIVIDED),))),
        [0, 12, 6, 4],
    ),
    "a division in the else": (
        (If(compare("==", K, whole(0)), (Assign(WHOLE, whole(7)),), (Assign(WHOLE, DIVIDED),)),),
        [7, 12, 6, 4],
    ),
    "a division in a ternary": (
        (Assign(WHOLE, Conditional(INT32, compare("==", K, whole(0)), whole(7), DIVIDED)),),
        [7, 12, 6, 4],
    ),
    "a division behind an and": (
        (
            Assign(WHOLE, whole(0)),
            If(
                Logical(BOOL, "and", (compare("!=", K, whole(0)), compare(">", DIVIDED, whole(5)))),
                (Assign(WHOLE, whole(1)),),
            ),
        ),
        [0, 1, 1, 0],
    ),
    "a division behind an or": (
        (
            Assign(WHOLE, whole(0)),
            If(
                Logical(BOOL, "or", (compare("==", K, whole(0)), compare(">", DIVIDED, whole(5)))),
                (Assign(WHOLE, whole(1)),),
            ),
        ),
        [1, 1, 1, 0],
    ),
    "a division later in a chain": (
        (
            Assign(WHOLE, whole(0)),
            If(Compare(BOOL, ("<", "<"), (whole(0), K, DIVIDED)), (Assign(WHOLE, whole(1)),)),
        ),
        [0, 1, 1, 1],
    ),
    "a division after a return": (
        (If(compare("==", K, whole(0)), (Assign(WHOLE, whole(5)), Return())), Assign(WHOLE, DIVIDED)),
        [5, 12, 6, 4],
    ),
    "a division after a continue": (
        (
            Assign(WHOLE, whole(0)),
            For("j", whole(2), (If(compare("==", K, whole(0)), (Continue(),)), AugmentedAssign(WHOLE, "add", DIVIDED))),
        ),
        [0, 24, 12, 8],
    ),
    "a division after a break": (
        (
            Assign(WHOLE, whole(0)),
            For("j", whole(2), (If(compare("==", K, whole(0)), (Break(),)), AugmentedAssign(WHOLE, "add", DIVIDED))),
        ),
        [0, 24, 12, 8],
    ),
    "a division in a loop that does not run": (
        (Assign(WHOLE, whole(0)), For("j", K, (AugmentedAssign(WHOLE, "add", DIVIDED),))),
        [0, 12, 12, 12],
    ),
    "an index under an if": (
        (
            Assign(WHOLE, whole(0)),
            If(compare("<", AT, whole(3)), (Assign(WHOLE, Element(INT32, "k", (of("add", AT, whole(1)),))),)),
        ),
        [1, 2, 3, 0],
    ),
    "a store under an if": (
        (
            If(
                compare("<", AT, whole(3)),
                (Assign(Element(INT32, "whole", (of("add", AT, whole(1)),)), K),),
            ),
        ),
        [-9, 0, 1, 2],
    ),
    "an atomic under an if": (
        (
            If(
                compare("<", AT, whole(2)),
                (Atomic("atomic_add", "whole", (of("mul", AT, whole(3)),), whole(1)),),
            ),
        ),
        [-8, -9, -9, -8],
    ),
    "an overflow under an if": (
        (
            Assign(WHOLE, whole(0)),
            If(compare("==", K, whole(0)), (Assign(WHOLE, of("add", K, whole(1))),), ()),
            If(compare(">", K, whole(9)), (Assign(WHOLE, of("mul", K, whole(2**30))),)),
        ),
        [1, 0, 0, 0],
    ),
    "a shift under an if": (
        (
            Assign(WHOLE, whole(0)),
            If(compare(">", K, whole(1)), (Assign(WHOLE, of("rshift", whole(8), of("sub", K, whole(2)))),)),
        ),
        [0, 0, 8, 4],
    ),
    "a variable of one arm, read under the same condition": (
        (
            Assign(WHOLE, whole(0)),
            If(compare(">", K, whole(1)), (Assign(Name(INT32, "u"), K), Assign(WHOLE, Name(INT32, "u")))),
        ),
        [0, 0, 2, 3],
    ),
}


@pytest.mark.parametrize("what", POISONED)
def test_lanes_that_are_not_active_do_nothing(what: str) -> None:
    body, expected = POISONED[what]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(*body)["whole"].tolist() == expected


def test_an_inactive_lane_prolongs_no_loop() -> None:
    body = (
        Assign(WHOLE, whole(0)),
        If(compare("<", K, whole(3)), (For("j", K, (AugmentedAssign(WHOLE, "add", J),)),)),
    )
    assert run(*body, k=(0, 2, 2**31 - 1, 1))["whole"].tolist() == [0, 1, 0, 0]


def test_an_inactive_lane_makes_no_decision() -> None:
    """A kink under a condition counts for the threads that come there alone."""
    body = (
        Assign(OUT, number(0.0)),
        If(compare("<", AT, whole(2)), (Assign(OUT, of("abs", A, type_=FLOAT32)),)),
    )
    lanes = np.array([[0.0, 1, 0, 1], [0.01, 1.01, 0.01, 1.01], [-0.01, 0.99, -0.01, 0.99]])
    others = {"k": np.zeros((1, 4), np.int32), "out": np.zeros((1, 4)), "whole": np.zeros((1, 4), np.int32)}
    found = Evaluator(kernel(*body), {"a": lanes, **others}, native=False).run()
    assert found.changed.any(axis=0).tolist() == [True, False, False, False]


INVALID: dict[str, tuple[str, tuple[Statement, ...]]] = {
    "an index beyond the end": ("outside 'k'", (Assign(WHOLE, Element(INT32, "k", (of("add", AT, whole(1)),))),)),
    "an index far below zero": ("outside 'k'", (Assign(WHOLE, Element(INT32, "k", (of("sub", AT, whole(5)),))),)),
    "a store beyond the end": ("outside 'whole'", (Assign(Element(INT32, "whole", (of("add", AT, whole(1)),)), K),)),
    "an atomic beyond the end": ("outside 'whole'", (Atomic("atomic_add", "whole", (whole(4),), K),)),
    "an integer divided by zero": ("by zero", (Assign(WHOLE, of("div", whole(1), K)),)),
    "an integer floor-divided by zero": ("by zero", (Assign(WHOLE, of("floordiv", whole(1), K)),)),
    "a remainder by zero": ("by zero", (Assign(WHOLE, of("mod", whole(1), K)),)),
    "zero to a power": ("zero to a power", (Assign(OUT, of("pow", Cast(FLOAT32, K), A, type_=FLOAT32)),)),
    "a random number below a bound that is the other": (
        "no numbers",
        (Assign(WHOLE, Apply(INT32, "randi", (Literal(t.scalar("uint32"), 7), K, K))),),
    ),
    "a division by zero in place": ("by zero", (Assign(WHOLE, whole(9)), AugmentedAssign(WHOLE, "div", K))),
    "a sum that overflows": ("overflows", (Assign(WHOLE, of("add", K, whole(2**31 - 1))),)),
    "a difference that overflows": ("overflows", (Assign(WHOLE, of("sub", of("neg", K), whole(2**31 - 1))),)),
    "a product that overflows": ("overflows", (Assign(WHOLE, of("mul", K, whole(2**30))),)),
    "a shift that overflows": ("overflows", (Assign(WHOLE, of("lshift", K, whole(30))),)),
    "a shift by too much": ("too many", (Assign(WHOLE, of("rshift", K, whole(32))),)),
    "a shift by less than nothing": ("too many", (Assign(WHOLE, of("lshift", whole(1), of("sub", K, whole(1)))),)),
    "a float that is no integer of that size": (
        "cannot hold",
        (Assign(WHOLE, Cast(INT32, of("mul", A, number(1e9), type_=FLOAT32))),),
    ),
    "an arc sine beyond one": ("finite", (Assign(OUT, of("asin", A, type_=FLOAT32)),)),
    "a float divided by zero": ("finite", (Assign(OUT, of("div", A, Cast(FLOAT32, K), type_=FLOAT32)),)),
    "two stores to one cell": ("two threads", (Assign(Element(INT32, "whole", (whole(0),)), K),)),
    "a store beside an atomic": (
        "two threads",
        (Atomic("atomic_add", "whole", (whole(0),), K), Assign(WHOLE, K)),
    ),
    "a read of what another thread stores": (
        "another writes",
        (Assign(WHOLE, K), Assign(OUT, Cast(FLOAT32, Element(INT32, "whole", (whole(1),))))),
    ),
    "a variable that some threads do not have": (
        "no value",
        (If(compare(">", K, whole(1)), (Assign(Name(INT32, "u"), K),)), Assign(WHOLE, Name(INT32, "u"))),
    ),
    "a variable that a loop did not set": (
        "no value",
        (For("j", K, (Assign(Name(INT32, "u"), J),)), Assign(WHOLE, Name(INT32, "u"))),
    ),
    "a step of zero": ("step of zero", (For("j", whole(3), (), whole(0), K),)),
    "a loop without end in sight": ("loops more than", (For("j", whole(2**30), ()),)),
}
VEC = t.vector(3, FLOAT32)
DYNAMIC = Component(FLOAT32, Construct(VEC, (A,)), K)
SMALLEST = Name(INT32, "smallest")
INVALID |= {
    "a component beyond the end": ("component", (Assign(OUT, DYNAMIC),)),
    "an assigned component beyond the end": (
        "component",
        (
            Assign(Name(VEC, "v"), Construct(VEC, (A,))),
            Assign(Component(FLOAT32, Name(VEC, "v"), K), A),
            Assign(OUT, Component(FLOAT32, Name(VEC, "v"), whole(0))),
        ),
    ),
    "the smallest integer divided by minus one": (
        "overflows",
        (
            Assign(SMALLEST, of("sub", of("sub", of("mul", K, whole(0)), whole(2**31 - 1)), whole(1))),
            Assign(WHOLE, of("div", SMALLEST, whole(-1))),
        ),
    ),
    "a sum in place that overflows": (
        "overflows",
        (Assign(WHOLE, whole(2**31 - 1)), AugmentedAssign(WHOLE, "add", K)),
    ),
    "an atomic sum that overflows": ("overflows", (Atomic("atomic_add", "whole", (whole(0),), whole(2**31 - 1)),)),
}


@pytest.mark.parametrize("what", INVALID)
def test_what_warp_does_not_define_is_an_invalid_program(what: str) -> None:
    sentence, body = INVALID[what]
    with pytest.raises(InvalidProgram, match=sentence):
        run(*body)


def test_unsigned_integers_wrap() -> None:
    of8 = t.scalar("uint8")
    program = Program(
        "kernel",
        "elementwise",
        (2,),
        (
            Parameter("k", t.array(of8), 0, 255, (2,)),
            Parameter("out", t.array(of8), 0, 255, (2,), True),
        ),
        (
            ThreadIndex(("i",)),
            Assign(Element(of8, "out", (AT,)), Apply(of8, "add", (Element(of8, "k", (AT,)), Literal(of8, 250)))),
        ),
    )
    found = evaluate(program, {"k": np.array([3, 10], np.uint8), "out": np.zeros(2, np.uint8)})
    assert found["out"].tolist() == [253, 4]


def test_negative_indices_count_from_the_end() -> None:
    body = (Assign(WHOLE, Element(INT32, "k", (of("sub", AT, whole(4)),))),)
    assert run(*body, k=(5, 6, 7, 8))["whole"].tolist() == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((None, 3, None), [0, 1, 2]),
        ((1, 4, None), [1, 2, 3]),
        ((0, 7, 3), [0, 3, 6]),
        ((4, -1, -1), [4, 3, 2, 1, 0]),
        ((6, 0, -2), [6, 4, 2]),
        ((3, 3, None), []),
        ((3, 1, None), []),
        ((1, 3, -1), []),
        ((-2, 2, None), [-2, -1, 0, 1]),
        ((5, -1, -2), [5, 3, 1]),
    ],
)
def test_ranges_are_pythons(bounds: tuple[int | None, int, int | None], expected: list[int]) -> None:
    start, stop, step = (None if b is None else whole(b) for b in bounds)
    assert stop is not None
    body = (
        Assign(WHOLE, whole(0)),
        For("j", stop, (Assign(WHOLE, of("add", of("mul", WHOLE, whole(11)), J)),), start, step),
    )
    code = 0
    for k in expected:
        code = code * 11 + k
    assert run(*body)["whole"].tolist() == [code] * 4


def test_native_precision_rounds_every_operation() -> None:
    body = (Assign(OUT, of("sub", of("add", A, number(1.0), type_=FLOAT32), number(1.0), type_=FLOAT32)),)
    tiny = 2.0**-24
    inputs = {
        "a": np.full(4, tiny, np.float32),
        "k": np.zeros(4, np.int32),
        "out": np.zeros(4, np.float32),
        "whole": np.zeros(4, np.int32),
    }
    assert evaluate(kernel(*body), inputs)["out"].tolist() == [0.0] * 4
    assert evaluate(kernel(*body), inputs, native=False)["out"].tolist() == [tiny] * 4


def test_a_literal_keeps_the_value_that_its_own_type_has() -> None:
    wide = evaluate(kernel(Assign(OUT, number(0.1))), derive(kernel(), 0, Flavour.GENERIC), native=False)
    assert wide["out"].tolist() == [float(np.float32(0.1))] * 4
    assert evaluate(
        Program(
            "kernel",
            "unary",
            (1,),
            (Parameter("out", t.array(FLOAT64), 0.0, 0.0, (1,), True),),
            (ThreadIndex(("i",)), Assign(Element(FLOAT64, "out", (AT,)), Literal(FLOAT64, 0.1))),
        ),
        {"out": np.zeros(1)},
    )["out"].tolist() == [0.1]


def test_noise_leaves_the_first_realisation_alone() -> None:
    for program in drawn("compound")[:5]:
        inputs = {
            name: (v.astype(np.float64) if v.dtype.kind == "f" else v)[None]
            for name, v in derive(program, 0, Flavour.GENERIC).items()
        }
        plain = Evaluator(flattened(program), inputs, native=False).run()
        noisy = Evaluator(flattened(program), inputs, native=False, noise="label").run()
        again = Evaluator(flattened(decode(encode(program))), inputs, native=False, noise="label").run()
        for name in plain.arrays:
            # NumPy's functions take numbers several at a time, and those left over one by one: a last bit may differ
            np.testing.assert_allclose(noisy.arrays[name][:1], plain.arrays[name], rtol=1e-14)
            np.testing.assert_array_equal(noisy.arrays[name], again.arrays[name])


def test_evaluating_changes_no_input() -> None:
    for program in drawn("reduction")[:5]:
        inputs = derive(program, 0, Flavour.GENERIC)
        before = {name: values.copy() for name, values in inputs.items()}
        evaluate(program, inputs)
        for name, values in inputs.items():
            np.testing.assert_array_equal(values, before[name])
