"""Loops with static expressions of their index, and a way out of them."""

from __future__ import annotations

import numpy as np
from test_after_loops import verdicts
from tiny import AT, apply, program_of

from harness.oracle.expectation import expect
from harness.rewrites.loops import guard_exits_of_static_loops
from harness.sandbox import Sandbox
from harness.verdict import Tier
from strategies import draw
from strategies.language.check import check_program
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
    Cast,
    Compare,
    Continue,
    Element,
    Expression,
    For,
    If,
    Literal,
    Name,
    Program,
    Statement,
    Static,
)
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.ops import result_type

K, OUTER, TOTAL = Name(INT32, "k"), Name(INT32, "m"), Name(FLOAT32, "total")
A, OUT = Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "out", (AT,))
STATIC = Static(FLOAT32, Apply(FLOAT32, "add", (K, Literal(FLOAT32, 1.0))))


def looped(leave: Statement, weight: Expression = STATIC, outer: Expression | None = AT) -> Program:
    """Sums of ``a[i]`` times a weight, in a loop that is left, in another one."""
    late = Compare(BOOL, (">",), (Apply(INT32, "add", (K, OUTER if outer else AT)), Literal(INT32, 2)))
    add = AugmentedAssign(TOTAL, "add", apply("mul", A, weight))
    inner: Statement = For("k", Literal(INT32, 3), (If(late, (leave,)), add))
    loop = For("m", outer, (inner, AugmentedAssign(TOTAL, "add", A))) if outer else inner
    return program_of(FLOAT32, Assign(TOTAL, Cast(FLOAT32, Literal(FLOAT32, 0.0))), loop, Assign(OUT, TOTAL))


def test_a_break_ends_the_loop_with_the_static_expression_alone(sandbox: Sandbox) -> None:
    program = looped(Break())
    found = expect(program)
    weights = [sum(1 + sum(k + 1 for k in range(3) if k + m <= 2) for m in range(i)) for i in range(6)]
    np.testing.assert_allclose(found.outputs["out"].expected, found.inputs["a"] * weights, rtol=1e-6)
    known, rewritten = "static-loop-break-leaves-outer", guard_exits_of_static_loops(program)
    check_program(rewritten, result_type)
    judged = verdicts(sandbox, program, looped(Break(), outer=None), rewritten, looped(Continue()))
    assert judged == [known, known, Tier.BACKWARD, Tier.BACKWARD]


def test_only_loops_with_both_are_guarded() -> None:
    for untouched in (looped(Break(), Literal(FLOAT32, 0.5)), looped(AugmentedAssign(TOTAL, "add", A))):
        assert guard_exits_of_static_loops(untouched) is untouched


def test_such_loops_are_drawn() -> None:
    found = 0
    for program in (draw("constant", 4, n) for n in range(100)):
        assert program is not None
        changed = guard_exits_of_static_loops(program)
        check_program(changed, result_type)
        found += changed is not program
    assert 1 <= found <= 15
