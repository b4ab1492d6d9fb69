"""What branches and operands do besides giving a value: drawn, meant as Python means it, and its known defects told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import msgspec
import pytest
from tiny import AT, apply, literal, program_of

from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.triage import Ledger
from harness.verdict import FailureKind, Verdict
from harness.verify import verify_all
from strategies import draw
from strategies.language import types
from strategies.language.check import check_program
from strategies.language.nodes import (
    Assign,
    Cast,
    Compare,
    Element,
    Expression,
    If,
    Literal,
    Name,
    Parameter,
    Program,
    Statement,
    decode,
    encode,
)
from strategies.language.rules import IllFormed
from strategies.language.types import BOOL, FLOAT32, INT32, Scalar
from strategies.ops import OPS, result_type

WARP = "1.19.0"
OUT, A = Element(FLOAT32, "out", (AT,)), Element(FLOAT32, "a", (AT,))
VALUE = Name(FLOAT32, "value")
#: Kernels of a category among which what is rare is looked for.
DRAWS = 400


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as found:
        yield found


def judged(program: Program, sandbox: Sandbox) -> tuple[Verdict, str | None]:
    """The verdict on a program, and the known issue that explains it."""
    (verdict,) = verify_all([program], sandbox)
    known = Ledger.load().explain(program, verdict, sandbox, WARP)
    return verdict, None if known is None else known.id


def drawn_somewhere(category: str, rewrite: str) -> bool:
    """Whether a rewrite changes something in a kernel of a category."""
    drawn = (draw(category, 5, index) for index in range(DRAWS))
    return any(program is not None and REWRITES[rewrite](program) is not program for program in drawn)


# ---------------------------------------------------------------- conditions


def mark(of: Scalar) -> Element:
    return Element(of, "todo", (AT,))


def branch(of: Scalar, test: Expression, *arm: Statement, changed: bool = True) -> Program:
    """``if test: arm`` beside an array of marks."""
    todo = Parameter("todo", types.array(of), 0, 1, (6,), output=changed)
    begin = Assign(VALUE, Cast(FLOAT32, literal(FLOAT32, 0.5)))
    return program_of(FLOAT32, begin, If(test, arm), Assign(OUT, VALUE), more=(todo,))


def arm(of: Scalar) -> tuple[Statement, ...]:
    down = Assign(mark(of), Literal(of, False if of is BOOL else 0))
    return (Assign(VALUE, A), down)


def bare(of: Scalar) -> Expression:
    return mark(of) if of is BOOL else Cast(BOOL, mark(of), implied=True)


def test_a_whole_number_stands_for_a_truth_value_in_a_test_alone() -> None:
    program = branch(INT32, bare(INT32), *arm(INT32))
    assert "    if todo[i]:\n" in repr(program)
    assert decode(encode(program)) == program
    with pytest.raises(IllFormed, match="stands for no truth value"):
        branch(INT32, Cast(BOOL, A, implied=True), *arm(INT32))
    kept = Assign(Name(BOOL, "flag"), bare(INT32))
    with pytest.raises(IllFormed, match="what is no test"):
        check_program(msgspec.structs.replace(program, body=(*program.body, kept)), result_type)


@pytest.mark.parametrize("of", [BOOL, INT32], ids=repr)
def test_a_condition_that_its_own_arm_changes_is_known(of: Scalar, sandbox: Sandbox) -> None:
    verdict, known = judged(branch(of, bare(of), *arm(of)), sandbox)
    assert verdict.failure is not None
    assert verdict.failure.kind is FailureKind.FORWARD_MISMATCH
    assert known == "condition-reread-after-body"


def test_a_condition_that_is_compared_or_not_changed_is_verified(sandbox: Sandbox) -> None:
    compared = branch(INT32, Compare(BOOL, ("!=",), (mark(INT32), Literal(INT32, 0))), *arm(INT32))
    unchanged = branch(INT32, bare(INT32), arm(INT32)[0], changed=False)
    for program in (compared, unchanged):
        assert REWRITES["convert_conditions_first"](program) is program
        assert judged(program, sandbox)[0].tier is not None


def test_another_defect_beside_a_condition_is_not_explained_away(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = OPS["exp"]
    monkeypatch.setitem(OPS, "exp", dataclasses.replace(row, reference=lambda *a: row.reference(*a) * 1.25))
    verdict, known = judged(branch(INT32, bare(INT32), Assign(VALUE, apply("exp", A)), arm(INT32)[1]), sandbox)
    assert verdict.failure is not None
    assert known is None


def test_marks_are_drawn_that_branches_change() -> None:
    assert drawn_somewhere("control_flow", "convert_conditions_first")
