"""What is read after a loop: its target, and what its body defined."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import AT, apply, program_of

from harness.oracle.expectation import expect
from harness.rewrites.loops import begin_loop_variables, copy_loop_targets
from harness.sandbox import Sandbox
from harness.shrink.validity import well_formed
from harness.triage import Ledger
from harness.verdict import Tier
from harness.verify import verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Break,
    Cast,
    Compare,
    Element,
    Expression,
    For,
    If,
    Literal,
    Name,
    Parameter,
    Program,
    Statement,
)
from strategies.language.rules import IllFormed
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.ops import result_type

K, N, T, S = Name(INT32, "k"), Name(INT32, "n"), Name(FLOAT32, "t"), Name(FLOAT32, "s")
OUT = Element(FLOAT32, "out", (AT,))
A_K, A_AT = (Element(FLOAT32, "a", (at,)) for at in (K, AT))


def whole(value: int) -> Literal:
    return Literal(INT32, value)


def target(stop: Expression, first: Expression = Cast(INT32, whole(7))) -> Program:  # noqa: B008
    """A loop up to `stop`, whose target is stored."""
    body = (
        Assign(S, Cast(FLOAT32, Literal(FLOAT32, 0.0))),
        Assign(K, first),
        For("k", stop, (AugmentedAssign(S, "add", A_K),)),
        Assign(OUT, apply("add", S, Cast(FLOAT32, apply("add", K, whole(0))))),
    )
    return program_of(FLOAT32, *body)


MANY = (Parameter("table", t.array(FLOAT32, 2), -2.0, 2.0, (6, 20)),)
LAST: tuple[Statement, ...] = (Assign(T, apply("sub", Element(FLOAT32, "table", (AT, K)), A_AT)),)


def last(stop: int, *body: Statement, read: Expression = T) -> Program:
    """A loop whose body defines `t`, which is stored."""
    loop = For("k", whole(stop), body or LAST)
    return program_of(FLOAT32, loop, Assign(OUT, apply("mul", read, A_AT)), more=MANY)


def verdicts(sandbox: Sandbox, *programs: Program) -> list[object]:
    """The tier of each program that verifies, and the known issue of each that fails."""
    ledger, found = Ledger.load(), []
    for program, verdict in zip(programs, verify_all(programs, sandbox), strict=True):
        known = ledger.explain(program, verdict, sandbox, sandbox.versions.warp)
        found.append(verdict.tier if verdict.failure is None else known and known.id)
    return found


def test_a_target_keeps_its_value_where_no_iteration_runs() -> None:
    found = expect(target(AT))
    expected = found.outputs["out"].expected - np.cumsum(np.append(0.0, found.inputs["a"][:5]), dtype=np.float32)
    np.testing.assert_allclose(expected, [7, 0, 1, 2, 3, 4], atol=1e-5)


def test_a_lost_target_is_seen_and_a_kept_one_verifies(sandbox: Sandbox) -> None:
    assert verdicts(sandbox, target(AT), target(AT, whole(7)), target(whole(3))) == [
        "empty-loop-target-lost",
        "empty-loop-target-lost",
        Tier.BACKWARD,
    ]


def test_only_targets_that_may_be_lost_are_copied() -> None:
    assert copy_loop_targets(target(whole(3))) is not copy_loop_targets(target(AT))
    for untouched in (target(whole(3)), target(whole(20))):
        assert copy_loop_targets(untouched) is untouched
    unread = target(AT)
    unread = program_of(FLOAT32, *unread.body[1:4], Assign(OUT, S))
    assert copy_loop_targets(unread) is unread
    rewritten = copy_loop_targets(target(AT, whole(7)))
    loop = rewritten.body[3]
    assert isinstance(loop, For)
    assert (loop.name, loop.body[0]) == ("k_1", Assign(K, Name(INT32, "k_1")))
    assert rewritten.body[2] == Assign(K, Cast(INT32, whole(7)))
    check_program(rewritten, result_type)


def test_a_variable_of_a_loop_that_runs_is_there_after_it() -> None:
    counted = Parameter("n", INT32, 1, 4)
    body = (For("k", N, (Assign(T, A_K),)), Assign(OUT, T))
    assert well_formed(program_of(FLOAT32, *body, more=(counted,)))
    early = (If(Compare(BOOL, (">",), (K, whole(2))), (Break(),)), *LAST)
    for wrong in ((0, *LAST), (4, *early)):
        with pytest.raises(IllFormed, match="'t'"):
            last(*wrong)  # type: ignore[arg-type]
    with pytest.raises(IllFormed, match="'t'"):
        program_of(FLOAT32, *body, more=(Parameter("n", INT32, 0, 4),))


def test_a_lost_gradient_of_a_variable_of_a_loop_is_seen(sandbox: Sandbox) -> None:
    # of a product the documentation promises nothing where a loop computed a factor
    known = program_of(FLOAT32, For("k", whole(20), LAST), Assign(OUT, T), more=MANY)
    before = program_of(FLOAT32, Assign(T, Cast(FLOAT32, Literal(FLOAT32, 0.0))), *known.body[1:], more=MANY)
    unrolled = last(5)
    assert verdicts(sandbox, known, before, unrolled, last(20)) == [
        "loop-variable-used-after-loop-gradient",
        Tier.BACKWARD,
        Tier.BACKWARD,
        Tier.FORWARD,
    ]
    assert begin_loop_variables(known).body[1] == before.body[1]
    for untouched in (before, unrolled, last(20, read=Literal(FLOAT32, 1.0))):
        assert begin_loop_variables(untouched) is untouched


def test_loops_with_what_is_read_after_them_are_drawn() -> None:
    wanted = {copy_loop_targets: 0, begin_loop_variables: 0}
    for program in (draw("dynamic_loop", 5, n) for n in range(60)):
        assert program is not None
        for rewrite in wanted:
            changed = rewrite(program)
            check_program(changed, result_type)
            wanted[rewrite] += changed is not program
    assert all(1 <= count <= 9 for count in wanted.values()), wanted
