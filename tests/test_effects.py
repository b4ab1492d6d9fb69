"""What branches and operands do besides giving a value: drawn, meant as Python means it, and its known defects told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
import numpy as np
import pytest
from tiny import AT, apply, literal, program_of

from harness.oracle.expectation import TRAITS, expect
from harness.oracle.inputs import Flavour, derive
from harness.oracle.reference import Evaluator
from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.triage import Ledger
from harness.verdict import FailureKind, Tier, Verdict
from harness.verify import verify_all
from strategies import draw
from strategies.language import types
from strategies.language.check import check_program
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
    Call,
    Cast,
    Compare,
    Conditional,
    Continue,
    Element,
    Expression,
    For,
    Function,
    If,
    Literal,
    Logical,
    Name,
    Parameter,
    Program,
    Return,
    Statement,
    Unpack,
    While,
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
    element = Element(INT32, "numbers", (AT,))
    twice = counted(N, COUNT, element)
    assert REWRITES["split_comparison_chains"](twice) is twice
    assert "n < 1 and 1 < count(counts, i)" in repr(divide(counted(N, Literal(INT32, 1), COUNT)))


def test_chains_that_end_with_a_call_are_drawn() -> None:
    assert drawn_somewhere("boolean", "end_chains_early")


# ---------------------------------------------------------------- what decides a truth value

KEPT = Name(types.array(FLOAT32), "out")


def keeping(
    join: Callable[[Expression], Expression], answer: Expression, *before: Statement, more: tuple[Parameter, ...] = ()
) -> Program:
    """A test with a function that keeps three times ``a[i]`` and says `answer`."""
    given = (
        Parameter("kept", types.array(FLOAT32), 0.0, 0.0, (6,), True),
        Parameter("i", INT32, 0, 5),
        Parameter("value", FLOAT32, -9.0, 9.0),
    )
    kept = Assign(Element(FLOAT32, "kept", (AT,)), VALUE)
    keep = Function("keep", BOOL, given, (kept, Return((answer,))))
    call = Call(BOOL, "keep", (KEPT, AT, apply("mul", literal(FLOAT32, 3.0), A)))
    found = program_of(FLOAT32, more=more)
    done = Assign(Name(BOOL, "done"), join(call))
    found = msgspec.structs.replace(found, body=(*found.body, *before, done), functions=(keep,))
    check_program(found, result_type)
    return found


def behind(operator: str) -> Callable[[Expression], Expression]:
    """Behind an operand that leaves the call to decide."""
    small = Compare(BOOL, ("<" if operator == "or" else ">",), (Element(FLOAT32, "b", (AT,)), literal(FLOAT32, -9.0)))
    return lambda call: Logical(BOOL, operator, (small, call))


@pytest.mark.parametrize(("operator", "decides"), [("or", True), ("and", False)])
def test_the_operand_that_decides_has_a_gradient(operator: str, decides: bool, sandbox: Sandbox) -> None:
    program = keeping(behind(operator), Literal(BOOL, decides))
    found = expect(program, 0)
    np.testing.assert_allclose(found.gradients["a"].expected, 3.0 * found.cotangents["out"], rtol=1e-6)
    verdict, known = judged(program, sandbox)
    assert verdict.failure is not None
    assert known == "boolop-operand-adjoint-skipped"
    assert judged(keeping(behind(operator), Literal(BOOL, not decides)), sandbox)[0].tier is Tier.BACKWARD


def test_a_call_in_front_of_others_or_denied_is_verified(sandbox: Sandbox) -> None:
    for join in (
        lambda call: Logical(BOOL, "or", (call, Compare(BOOL, ("<",), (A, literal(FLOAT32, 0.5))))),
        lambda call: Apply(BOOL, "unot", (call,)),
    ):
        program = keeping(join, Literal(BOOL, True))
        assert REWRITES["choose_instead_of_joining"](program) is program
        assert judged(program, sandbox)[0].tier is Tier.BACKWARD


def test_what_a_loop_decides_about_a_call_is_not_there_in_the_backward_pass() -> None:
    """``i > k and keep(...)``, where a loop has computed `k`."""
    begin = Assign(N, Cast(INT32, Literal(INT32, 0)))
    loop = For("k", Name(INT32, "size"), (AugmentedAssign(N, "add", Literal(INT32, 1)),))

    def limits(*before: Statement) -> tuple[Limit, ...]:
        behind_n = partial(_behind, Compare(BOOL, (">",), (N, AT)))
        size = Parameter("size", INT32, 0, 3)
        return crossed(keeping(behind_n, Literal(BOOL, True), *before, more=(size,)), TRAITS)

    assert limits(begin) == ()
    assert limits(begin, loop) == (Limit.DYNAMIC_LOOP,)


def _behind(first: Expression, call: Expression) -> Expression:
    return Logical(BOOL, "and", (first, call))


def test_operands_that_keep_a_number_and_decide_are_drawn() -> None:
    assert drawn_somewhere("boolean", "choose_instead_of_joining")


# ---------------------------------------------------------------- conditions of loops


def looping(program: Program, *body: Statement) -> Program:
    """A program of `keeping` whose test is the condition of a loop."""
    *before, done = program.body
    assert isinstance(done, Assign)
    begin = Assign(N, Cast(INT32, Literal(INT32, 0)))
    found = msgspec.structs.replace(program, body=(*before, begin, While(done.value, body)))
    check_program(found, result_type)
    return found


COUNTED = AugmentedAssign(N, "add", Literal(INT32, 1))
ONCE = looping(keeping(lambda call: call, Literal(BOOL, True)), COUNTED, Break())


def test_the_condition_of_a_loop_has_a_gradient(sandbox: Sandbox) -> None:
    found = expect(ONCE, 0)
    np.testing.assert_allclose(found.gradients["a"].expected, 3.0 * found.cotangents["out"], rtol=1e-6)
    assert crossed(ONCE, TRAITS) == ()
    verdict, known = judged(ONCE, sandbox)
    assert verdict.failure is not None
    assert known == "while-condition-adjoint-missing"


def test_how_often_a_condition_moves_a_derivative_is_not_there_in_the_backward_pass() -> None:
    leave = If(Compare(BOOL, (">",), (N, Literal(INT32, 2))), (Break(),))
    assert crossed(looping(keeping(lambda call: call, Literal(BOOL, True)), COUNTED, leave), TRAITS) == (
        Limit.DYNAMIC_LOOP,
    )


def test_a_condition_is_called_before_a_loop_unless_an_iteration_ends_early() -> None:
    call = REWRITES["call_before_loops"]
    assert "    going_1 = keep(out, i, 3.0 * a[i])\n    while going_1:\n        n += 1\n        break\n" in repr(
        call(ONCE)
    )
    keep = keeping(lambda call: call, Literal(BOOL, True))
    assert repr(call(looping(keep, COUNTED))).endswith("        n += 1\n        going_1 = keep(out, i, 3.0 * a[i])\n")
    leave = If(Compare(BOOL, (">",), (N, Literal(INT32, 2))), (Continue(),))
    early = looping(keep, COUNTED, leave, Break())
    assert call(early) is early


def test_conditions_that_keep_a_number_are_drawn() -> None:
    assert drawn_somewhere("boolean", "call_before_loops")


# ---------------------------------------------------------------- functions that ask for a gradient

X = Name(FLOAT32, "x")
INPUT = Parameter("x", FLOAT32, -2.0, 2.0)
CUBE = Function(
    "cube",
    FLOAT32,
    (INPUT,),
    (Return((apply("mul", apply("mul", X, X), X),)),),
    slopes=(apply("mul", apply("mul", literal(FLOAT32, 3.0), X), X),),
)
PRODUCT = Function(
    "product",
    FLOAT32,
    (INPUT, Parameter("y", FLOAT32, -2.0, 2.0)),
    (Return((apply("mul", X, Name(FLOAT32, "y")),)),),
    slopes=(Name(FLOAT32, "y"), X),
)
SLOPE = Call(FLOAT32, "cube", (X,), derivative=True)


def function(name: str, *body: Statement) -> Function:
    return Function(name, FLOAT32, (INPUT,), body)


def calling(*functions: Function) -> Program:
    """``out[i] = f(a[i]) + cube(a[i]) + product(a[i], a[i])``, `f` the last of `functions`."""
    called = [Call(FLOAT32, f.name, (A,) * len(f.parameters)) for f in (functions[-1], CUBE, PRODUCT)]
    program = program_of(FLOAT32)
    value = Assign(OUT, apply("add", apply("add", called[0], called[1]), called[2]))
    found = msgspec.structs.replace(program, body=(*program.body, value), functions=(CUBE, PRODUCT, *functions))
    check_program(found, result_type)
    return found


ASKING = function("slope", Return((SLOPE,)))
BOTH = tuple(Name(FLOAT32, name) for name in "uv")
OF_TWO = Call(types.tuple_of((FLOAT32, FLOAT32)), "product", (X, X), derivative=True)
#: Its slope is that of the cube.
AROUND = Function("around", FLOAT32, (INPUT,), (Return((Call(FLOAT32, "cube", (X,)),)),), slopes=(SLOPE,))
OF_AROUND = Call(FLOAT32, "around", (X,), derivative=True)
ASKING_AROUND = function("less", Return((apply("sub", OF_AROUND, X),)))
ASKING_TWICE = function("slopes", Unpack(BOTH, (OF_TWO,)), Return((apply("sub", apply("mul", *BOTH), X),)))


def twice(name: str) -> Function:
    return function(f"twice_{name}", Return((apply("mul", literal(FLOAT32, 2.0), Call(FLOAT32, name, (X,))),)))


def test_a_function_may_ask_for_a_gradient(sandbox: Sandbox) -> None:
    assert judged(calling(ASKING), sandbox)[0].tier is Tier.BACKWARD


@pytest.mark.parametrize("program", [calling(ASKING, twice("slope")), calling(ASKING_TWICE, twice("slopes"))])
def test_a_function_that_calls_one_which_asks_for_a_gradient_is_known(program: Program, sandbox: Sandbox) -> None:
    verdict, known = judged(program, sandbox)
    assert verdict.failure is not None
    assert verdict.failure.kind is FailureKind.BUILD_ERROR
    assert known == "caller-of-grad-user"


@pytest.mark.parametrize(
    "program",
    [
        calling(function("less", Return((apply("sub", SLOPE, X),)))),
        calling(ASKING_TWICE),
        # called in front, for else it does not compile
        REWRITES["call_differentiated_functions"](calling(AROUND, ASKING_AROUND)),
    ],
    ids=["one gradient", "two", "one whose slope asks for another"],
)
def test_what_a_gradient_is_used_with_has_one_itself(program: Program, sandbox: Sandbox) -> None:
    found = expect(program, 0)
    a = found.inputs["a"].astype(np.float64)
    np.testing.assert_allclose(
        found.gradients["a"].expected, (3.0 * a * a + 2.0 * a - 1.0) * found.cotangents["out"], rtol=1e-5, atol=1e-6
    )
    verdict, known = judged(program, sandbox)
    assert verdict.failure is not None
    assert known == "grad-user-without-adjoint"


@pytest.mark.parametrize("rewrite", ["ask_for_gradients_in_callers", "write_gradients_out"])
def test_functions_that_ask_for_gradients_are_drawn_and_keep_their_meaning(rewrite: str) -> None:
    assert drawn_somewhere("custom_gradient", rewrite)
    program = calling(ASKING, ASKING_TWICE, twice("slopes"), twice("twice_slopes"))
    rewritten = REWRITES[rewrite](program)
    check_program(rewritten, result_type)
    values = {name: array[None] for name, array in derive(program, 0, Flavour.GENERIC).items()}
    before, after = (Evaluator(p, values, native=True).run().arrays["out"] for p in (program, rewritten))
    np.testing.assert_array_equal(before, after)
    plain = calling(twice("cube"))
    assert REWRITES[rewrite](plain) is plain
