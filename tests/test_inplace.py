"""Array elements that are read and changed: which gradients are right, and that wrong ones are seen."""

from __future__ import annotations

import pytest
from planted import Defect, sandbox_with
from tiny import AT, program_of

from harness.oracle.expectation import TRAITS, expect
from harness.sandbox import Sandbox
from harness.shrink import reduce, size
from harness.verdict import FailureKind, Tier
from harness.verify import verify_all
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Element,
    Expression,
    If,
    Literal,
    Name,
    Parameter,
    Program,
    Statement,
    ThreadIndex,
)
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.ops import result_type

I, T, S = Name(INT32, "i"), Name(FLOAT32, "t"), Name(FLOAT32, "s")  # noqa: E741


def cell(array: str, *indices: int) -> Element:
    return Element(FLOAT32, array, (I, *(Literal(INT32, n) for n in indices)))


X, Y, OUT = cell("x"), cell("y"), cell("out")
FIRST, SECOND, THIRD = (cell("grid", n) for n in range(3))


def apply(op: str, *arguments: Expression) -> Apply:
    return Apply(FLOAT32, op, arguments)


SQUARE = apply("mul", X, X)


def program(*body: Statement) -> Program:
    line, plane = t.array(FLOAT32), t.array(FLOAT32, 2)
    found = Program(
        "cells",
        "inplace",
        (3,),
        (
            Parameter("x", line, 0.5, 2.0, (3,)),
            Parameter("y", line, 0.5, 2.0, (3,)),
            Parameter("grid", plane, -1.0, 1.0, (3, 4), True),
            Parameter("out", line, 0.0, 0.0, (3,), True),
        ),
        (ThreadIndex(("i",)), *body),
    )
    check_program(found, result_type)
    return found


PRODUCT = apply("mul", X, Y)
#: Kernels whose adjoints need nothing that is overwritten: all that reads does is linear.
LINEAR: dict[str, tuple[Statement, ...]] = {
    "a sum of old and new": (
        Assign(T, apply("add", FIRST, SQUARE)),
        Assign(FIRST, T),
        Assign(OUT, apply("mul", FIRST, Y)),
    ),
    "a cell in its own new value": (Assign(FIRST, apply("sub", PRODUCT, FIRST)),),
    "a swap": (Assign(FIRST, SQUARE), Assign(T, FIRST), Assign(FIRST, SECOND), Assign(SECOND, T)),
    "a cell added to itself": (Assign(FIRST, SQUARE), AugmentedAssign(FIRST, "add", FIRST)),
    "a read before a sum": (
        Assign(T, FIRST),
        AugmentedAssign(FIRST, "sub", SQUARE),
        Assign(OUT, apply("add", T, FIRST)),
    ),
    "a store over a store": (Assign(FIRST, SQUARE), Assign(FIRST, PRODUCT), Assign(OUT, FIRST)),
    "a rotation": (
        Assign(T, FIRST),
        Assign(FIRST, SECOND),
        Assign(SECOND, THIRD),
        Assign(THIRD, apply("add", T, SQUARE)),
    ),
    "an atomic after a read": (Assign(T, FIRST), Atomic("atomic_add", "grid", FIRST.indices, apply("add", T, SQUARE))),
}
REPLACED = Defect(
    "native/array.h",
    r"        adj_atomic_add\(&index\(adj_buf, i, j\), adj_output\);\n",
    "        index(adj_buf, i, j) = adj_output;\n",
)


def test_reads_that_are_only_added_up_have_right_gradients(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    programs = [program(*body) for body in LINEAR.values()]
    assert [crossed(found, TRAITS) for found in programs] == [()] * len(programs)
    verdicts = dict(zip(LINEAR, verify_all(programs, sandbox), strict=True))
    assert {what: verdict.tier for what, verdict in verdicts.items()} == dict.fromkeys(LINEAR, Tier.BACKWARD)
    with sandbox_with(tmp_path_factory.mktemp("inplace"), [REPLACED]) as wrong:
        found = dict(zip(LINEAR, verify_all(programs, wrong), strict=True))
        kinds = {what for what, v in found.items() if v.failure and v.failure.kind is FailureKind.BACKWARD_MISMATCH}
        # what flows in through a read is added to what the gradient of an output holds already
        assert {"a read before a sum", "a cell added to itself", "an atomic after a read"} <= kinds
        failing = "a read before a sum"
        reduced = reduce(program(*LINEAR[failing]), found[failing], wrong)
    # the program itself, two parameters and the thread's index are what every kernel has
    assert size(reduced.program) - 4 <= 12


def test_the_gradient_of_an_output_is_that_of_what_it_held() -> None:
    kept = expect(program(Assign(T, FIRST), AugmentedAssign(FIRST, "add", SQUARE), Assign(OUT, T)))
    cotangents, left = kept.cotangents, kept.gradients["grid"].expected.reshape(3, 4)
    grid, out = cotangents["grid"].reshape(3, 4), cotangents["out"]
    # the sum leaves its cotangent there, and the read adds that of `out`
    assert left[:, 0] == pytest.approx(grid[:, 0] + out)
    assert left[:, 1:].tolist() == grid[:, 1:].tolist()
    stored = expect(program(Assign(T, FIRST), Assign(FIRST, SQUARE), Assign(OUT, T)))
    assert stored.gradients["grid"].expected.reshape(3, 4)[:, 0] == pytest.approx(stored.cotangents["out"])
    unwritten = expect(program(Assign(OUT, apply("mul", FIRST, X)), If(Literal(BOOL, False), (Assign(SECOND, X),))))
    expected = unwritten.cotangents["grid"].reshape(3, 4)[:, 0] + unwritten.cotangents["out"] * unwritten.inputs["x"]
    assert unwritten.gradients["grid"].expected.reshape(3, 4)[:, 0] == pytest.approx(expected)


@pytest.mark.parametrize(("op", "compared"), [("sin", False), ("neg", True)])
def test_an_adjoint_that_needs_what_was_overwritten_is_not_held_to_it(op: str, compared: bool) -> None:
    """``out[i] = wp.sin(out[i])``: the backward pass reads the array again, and finds the sine there."""
    out, kept = Element(FLOAT32, "out", (AT,)), Name(FLOAT32, "kept")
    for body in ((Assign(out, apply(op, out)),), (Assign(kept, out), Assign(out, apply(op, kept)))):
        changed = program_of(FLOAT32, *body)
        assert crossed(changed, TRAITS) == ()
        assert crossed(changed, TRAITS, held=True) == (() if compared else (Limit.ELEMENT_OVERWRITTEN,))
        assert expect(changed).gradients["out"].checked.any() == compared
