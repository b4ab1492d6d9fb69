"""What branches and operands do besides giving a value: drawn, meant as Python means it, and its known defects told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import msgspec
import pytest
from tiny import AT, apply, literal, program_of

from harness.inputs import Flavour, derive
from harness.reference import Evaluator
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
    AugmentedAssign,
    Call,
    Cast,
    Compare,
    Conditional,
    Element,
    Expression,
    Function,
    If,
    Literal,
    Name,
    Parameter,
    Program,
    Return,
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


# ---------------------------------------------------------------- what a chain leaves out

N = Name(INT32, "n")


def counter(answer: Expression) -> Function:
    """A function that counts its calls."""
    given = (Parameter("counts", types.array(INT32), 0, 9, (6,), True), Parameter("i", INT32, 0, 5))
    count = AugmentedAssign(Element(INT32, "counts", (AT,)), "add", Literal(INT32, 1))
    return Function("count", INT32, given, (count, Return((answer,))))


def counted(*operands: Expression) -> Program:
    """A chain of comparisons beside an array of counts, and a whole number from 0 to 3 for each thread."""
    more = (
        Parameter("numbers", types.array(INT32), 0, 3, (6,)),
        Parameter("counts", types.array(INT32), 0, 0, (6,), True),
    )
    test = Compare(BOOL, ("<",) * (len(operands) - 1), operands)
    body = (
        Assign(N, Element(INT32, "numbers", (AT,))),
        Assign(OUT, Conditional(FLOAT32, test, A, literal(FLOAT32, 0.5))),
    )
    found = program_of(FLOAT32, more=more)
    found = msgspec.structs.replace(found, body=(*found.body, *body), functions=(counter(Literal(INT32, 2)),))
    check_program(found, result_type)
    return found


COUNT = Call(INT32, "count", (Name(types.array(INT32), "counts"), AT))


def test_what_a_chain_leaves_out_is_not_called(sandbox: Sandbox) -> None:
    program = counted(N, Literal(INT32, 1), COUNT)
    inputs = {name: values[None] for name, values in derive(program, 0, Flavour.GENERIC).items()}
    counts = Evaluator(program, inputs, native=True).run().arrays["counts"][0, 0]
    assert counts.tolist() == [int(n < 1) for n in inputs["numbers"][0]]
    verdict, known = judged(program, sandbox)
    assert verdict.failure is not None
    assert known == "comparison-chain-no-short-circuit"


def test_a_call_in_the_middle_of_a_chain_is_verified(sandbox: Sandbox) -> None:
    program = counted(N, COUNT, Literal(INT32, 3))
    assert judged(program, sandbox)[0].tier is not None


def test_a_chain_is_divided_where_no_operand_is_evaluated_twice_for_its_effects() -> None:
    divide = REWRITES["end_chains_early"]
    for program in (counted(N, COUNT, Literal(INT32, 3)), counted(N, COUNT, COUNT)):
        assert divide(program) is program
    assert "n < 1 and 1 < count(counts, i)" in repr(divide(counted(N, Literal(INT32, 1), COUNT)))


def test_chains_that_end_with_a_call_are_drawn() -> None:
    assert drawn_somewhere("boolean", "end_chains_early")
