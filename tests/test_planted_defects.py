"""Warp with planted defects: each sort of failure is reported as what it is, and its neighbours are verified."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import islice

import pytest
from planted import Defect, sandbox_with

import strategies
from harness.campaign.plan import Plan
from harness.campaign.reduction import Reduction
from harness.jobs import BuildOptions
from harness.launches import job
from harness.oracle.expectation import Cells, Expectation, expect
from harness.sandbox import Sandbox
from harness.shrink import reduce
from harness.verdict import FailureKind, Tier, Verdict
from harness.verify import judge, refereed, try_expect, verify_all
from strategies.language import types as t
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Cast,
    Compare,
    Conditional,
    Constant,
    Continue,
    Element,
    Expression,
    For,
    If,
    Literal,
    Name,
    Parameter,
    Program,
    Statement,
    ThreadIndex,
    walk,
)
from strategies.language.types import BOOL, FLOAT32, INT32

HEADER = "native/builtin.h"
CODEGEN = "_src/codegen.py"

WRONG_ADJOINT = Defect(HEADER, r"(void adj_sin\([^)]*\)[\s\\]*\{[\s\\]*adj_x )\+=", r"\1-=")
WRONG_FORWARD = Defect(HEADER, r"x < T\(0\) \? T\(1\) : T\(0\)", r"x < T(0) ? T(0) : T(1)")
NULL_POINTER = Defect(
    HEADER,
    r"float cbrt\(float x\) \{[^}]*\}",
    r"float cbrt(float x) { volatile float* nowhere = nullptr; return *nowhere; }",
)
ENDLESS_LOOP = Defect(
    HEADER,
    r"float sinh\(float x\) \{[^}]*\}",
    r"float sinh(float x) { volatile bool forever = true; while (forever) { } return x; }",
)
REFUSAL = Defect(
    CODEGEN, r"(\n    def emit_IfExp\(adj, node\):\n)", r"\1        raise RuntimeError('planted refusal')\n"
)
NO_CPP = Defect(
    CODEGEN,
    r"(\n    def emit_UnaryOp\(adj, node\):\n)",
    r"\1        adj.add_forward('no_such_function_in_cpp();')\n",
)

# ---------------------------------------------------------------- kernels

AT = Name(INT32, "i")
A, OUT = Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "out", (AT,))


def kernel(name: str, *body: Statement) -> Program:
    return Program(
        name,
        "elementwise",
        (6,),
        (
            Parameter("a", t.array(FLOAT32), 0.25, 2.0, (6,)),
            Parameter("out", t.array(FLOAT32), 0.0, 1.0, (6,), True),
        ),
        (ThreadIndex(("i",)), *body),
    )


def stored(name: str, value: Expression) -> Program:
    return kernel(name, Assign(OUT, value))


def apply(op: str, *arguments: Expression) -> Apply:
    return Apply(FLOAT32, op, arguments)


def operations(program: Program) -> set[str]:
    return {node.op for node in walk(program) if isinstance(node, Apply)}


HEALTHY = [stored("square", apply("mul", A, A)), stored("root", apply("sqrt", A))]


@cache
def drawn() -> tuple[Program, ...]:
    programs = (strategies.draw(category, 1, k) for category in ("elementwise", "unary", "branch") for k in range(60))
    return tuple(p for p in programs if p is not None and "mod" not in operations(p))


def containing(op: str, count: int) -> list[Program]:
    """Drawn kernels in which an operation stands."""
    return [p for p in drawn() if op in operations(p)][:count]


def without(*ops: str, count: int) -> list[Program]:
    """Drawn kernels in which no such operation stands, and of which a right build can be verified."""

    def promising(program: Program) -> bool:
        expected = try_expect(program, 0)
        return isinstance(expected, Expectation) and expected.promise.tier is not None

    return list(islice(filter(promising, (p for p in drawn() if not operations(p) & set(ops))), count))


def kind(verdict: Verdict) -> FailureKind | None:
    return None if verdict.failure is None else verdict.failure.kind


# ---------------------------------------------------------------- wrong numbers


@pytest.fixture(scope="module")
def wrong_numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("wrong_numbers")
    with sandbox_with(folder, [WRONG_ADJOINT, WRONG_FORWARD]) as found:
        yield found


def test_a_wrong_sign_in_an_adjoint_is_a_backward_mismatch(wrong_numbers: Sandbox, sandbox: Sandbox) -> None:
    programs = [p for p in containing("sin", 6) if "step" not in operations(p)]
    others = without("sin", "step", count=3)
    healthy = verify_all([*programs, *others], sandbox)
    affected = [n for n in range(len(programs)) if healthy[n].tier is Tier.BACKWARD]
    assert len(affected) >= 3
    assert all(verdict.verified for verdict in healthy[len(programs) :])
    found = verify_all([*programs, *others], wrong_numbers)
    wrong = [kind(found[n]) for n in affected]
    assert wrong.count(FailureKind.BACKWARD_MISMATCH) >= 2
    assert set(wrong) <= {FailureKind.BACKWARD_MISMATCH, None}
    assert all(verdict.verified for verdict in found[len(programs) :])


def test_a_wrong_function_is_a_forward_mismatch(wrong_numbers: Sandbox, sandbox: Sandbox) -> None:
    step = apply("step", apply("sub", A, Literal(FLOAT32, 1.0)))
    values = (apply("add", step, A), apply("mul", A, step), apply("sqrt", apply("add", A, step)))
    programs = [stored(f"step{n}", value) for n, value in enumerate(values)]
    assert all(verdict.verified for verdict in verify_all(programs, sandbox))
    found = verify_all(programs, wrong_numbers)
    assert [kind(verdict) for verdict in found] == [FailureKind.FORWARD_MISMATCH] * 3


def test_a_defect_is_named_by_array_and_cell_and_seen_in_all_precisions(wrong_numbers: Sandbox) -> None:
    sine, step, fine = verify_all(
        [stored("sine", apply("sin", A)), stored("step", apply("add", apply("step", A), A)), HEALTHY[0]], wrong_numbers
    )
    assert fine.verified
    assert sine.failure is not None
    assert (sine.failure.kind, sine.failure.parameter) == (FailureKind.BACKWARD_MISMATCH, "a")
    assert sine.failure.gradient
    assert sine.failure.expected == pytest.approx(-float(sine.failure.actual or 0), rel=1e-4)
    assert sine.failure.referee == "all precisions"
    assert step.failure is not None
    assert (step.failure.kind, step.failure.parameter) == (FailureKind.FORWARD_MISMATCH, "out")
    assert step.failure.referee == "all precisions"
    assert set(sine.inputs) == {"a", "out"}
    assert sine.cpp is not None
    assert "adj_sin" in sine.cpp


def unchecked(gradients: dict[str, Cells]) -> dict[str, Cells]:
    return {name: cells.unchecked() for name, cells in gradients.items()}


@pytest.mark.parametrize("compared", [True, False])
def test_rounding_beside_a_defect_is_not_what_is_reported(wrong_numbers: Sandbox, compared: bool) -> None:
    expectation = expect(stored("sine", apply("sin", A)))
    (result,) = wrong_numbers.run([job(expectation, "sine")])
    cells = expectation.outputs["out"]
    off = replace(cells, expected=(cells.expected + 3 * cells.tolerance).astype(cells.expected.dtype))
    expectation = replace(expectation, outputs={"out": off})
    if not compared:
        assert expectation.nonfinite is not None
        nonfinite = replace(expectation.nonfinite, gradients=unchecked(expectation.nonfinite.gradients))
        expectation = replace(expectation, gradients=unchecked(expectation.gradients), nonfinite=nonfinite)
    verdict = judge(expectation, result)
    assert verdict.failure is not None
    assert verdict.failure.kind is FailureKind.FORWARD_MISMATCH
    found = refereed(expectation, result, verdict, wrong_numbers, BuildOptions()).failure
    if compared:
        assert found is not None
        assert (found.kind, found.parameter, found.referee) == (FailureKind.BACKWARD_MISMATCH, "a", "all precisions")
    else:
        # the float64 program fails, but in the gradient
        assert found is None


def test_a_failure_with_a_known_issue_and_another_defect_is_reduced_to_the_other(wrong_numbers: Sandbox) -> None:
    divisor = apply("add", A, Literal(FLOAT32, 3.0))
    both = stored("both", apply("mod", apply("sin", A), divisor))
    found = Reduction(Plan(0, ("unary",)), wrong_numbers, None).again(both)
    assert found is not None
    assert found.bucket == "backward-mismatch-sin"


def test_a_wrong_gradient_that_a_known_wrong_result_hides_is_what_the_failure_is_reduced_to(
    wrong_numbers: Sandbox,
) -> None:
    a, b, one = Name(FLOAT32, "v"), Name(FLOAT32, "w"), Literal(FLOAT32, 1.0)
    flag = Constant(BOOL, "FLAG", Literal(BOOL, True))
    aliased = kernel(
        "aliased",
        Assign(a, apply("sin", A)),
        Assign(b, Conditional(FLOAT32, flag, a, one)),
        For("n", AT, (Assign(a, one),)),
        Assign(OUT, b),
    )
    (verdict,) = verify_all([aliased], wrong_numbers)
    assert kind(verdict) is FailureKind.FORWARD_MISMATCH
    found = Reduction(Plan(0, ("unary",)), wrong_numbers, None).again(aliased)
    assert found is not None
    assert found.bucket == "backward-mismatch-sin"


# ---------------------------------------------------------------- what dies, hangs, or is refused


@pytest.fixture(scope="module")
def fatal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("fatal")
    with sandbox_with(folder, [NULL_POINTER, ENDLESS_LOOP, REFUSAL, NO_CPP]) as found:
        yield found


CRASHING = stored("crashing", apply("add", A, apply("cbrt", A)))
HANGING = stored("hanging", apply("sinh", A))
REFUSED = stored(
    "refused", Conditional(FLOAT32, Compare(BOOL, (">",), (A, Literal(FLOAT32, 1.0))), A, apply("mul", A, A))
)
NO_BUILD = stored("no_build", apply("neg", A))


def assert_told_apart(found: Verdict, neighbour: Verdict, expected: FailureKind) -> None:
    assert found.failure is not None
    assert found.failure.kind is expected
    assert found.failure.message
    assert neighbour.tier is Tier.BACKWARD


def test_a_kernel_that_dies_and_one_that_is_refused_are_told_from_their_neighbours(fatal: Sandbox) -> None:
    crashing, first, refused, second = verify_all([CRASHING, HEALTHY[0], REFUSED, HEALTHY[1]], fatal)
    assert_told_apart(crashing, first, FailureKind.CRASH)
    assert_told_apart(refused, second, FailureKind.REJECTED)


def test_a_kernel_that_loops_for_ever_is_told_from_its_neighbour(
    fatal: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fatal, "cpu_seconds", 3.0)
    hanging, first = verify_all([HANGING, HEALTHY[0]], fatal)
    assert_told_apart(hanging, first, FailureKind.HANG)


def test_a_kernel_whose_cpp_does_not_compile_is_told_from_its_neighbour(fatal: Sandbox) -> None:
    failing, first = verify_all([NO_BUILD, HEALTHY[0]], fatal)
    assert_told_apart(failing, first, FailureKind.BUILD_ERROR)


def surrounded(name: str, value: Expression, slow: bool = False) -> Program:
    """The value amid statements that have nothing to do with it: few, if each candidate is slow to try."""
    x, y = Name(FLOAT32, "x"), Name(FLOAT32, "y")
    if slow:
        return kernel(
            name,
            Assign(x, apply("mul", A, value)),
            AugmentedAssign(x, "sub", apply("cos", A)),
            Assign(OUT, apply("max", x, A)),
        )
    return kernel(
        name,
        Assign(x, apply("add", apply("mul", A, A), Literal(FLOAT32, 0.5))),
        AugmentedAssign(x, "sub", apply("cos", A)),
        Assign(y, apply("mul", x, value)),
        AugmentedAssign(y, "add", apply("sqrt", A)),
        Assign(OUT, apply("max", apply("mul", y, Literal(FLOAT32, 0.25)), x)),
    )


#: A kernel of one line, after the thread's index.
HANDFUL = 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (apply("cbrt", A), FailureKind.CRASH),
        (apply("sinh", A), FailureKind.HANG),
        (REFUSED.body[1].value, FailureKind.REJECTED),  # type: ignore[union-attr]
    ],
    ids=lambda value: value.value if isinstance(value, FailureKind) else "",
)
def test_what_dies_hangs_or_is_refused_is_reduced_to_a_handful_of_lines(
    fatal: Sandbox, monkeypatch: pytest.MonkeyPatch, value: Expression, expected: FailureKind
) -> None:
    if expected is FailureKind.HANG:
        # Each candidate that hangs is waited for twice.
        monkeypatch.setattr(fatal, "cpu_seconds", 1.0)
    given = surrounded("given", value, slow=expected is FailureKind.HANG)
    (verdict,) = verify_all([given], fatal)
    assert kind(verdict) is expected
    reduced = reduce(given, verdict, fatal)
    assert kind(reduced.verdict) is expected
    assert len(reduced.program.body) <= HANDFUL


@pytest.mark.parametrize(
    ("op", "expected"), [("sin", FailureKind.BACKWARD_MISMATCH), ("step", FailureKind.FORWARD_MISMATCH)]
)
def test_wrong_numbers_are_reduced_to_a_handful_of_lines(
    wrong_numbers: Sandbox, op: str, expected: FailureKind
) -> None:
    given = surrounded("given", apply("add", apply(op, A), A))
    (verdict,) = verify_all([given], wrong_numbers)
    assert kind(verdict) is expected
    reduced = reduce(given, verdict, wrong_numbers)
    assert kind(reduced.verdict) is expected
    assert len(reduced.program.body) <= HANDFUL
    assert op in operations(reduced.program)


def test_the_same_kernels_are_verified_by_the_warp_that_is_installed(sandbox: Sandbox) -> None:
    total = Name(FLOAT32, "acc")
    skipping = kernel(
        "skipping",
        Assign(total, Cast(FLOAT32, Literal(FLOAT32, 0.0))),
        For(
            "j",
            Literal(INT32, 3),
            (
                If(Compare(BOOL, (">",), (A, Literal(FLOAT32, 1.0))), (Continue(),)),
                AugmentedAssign(total, "add", A),
            ),
        ),
        Assign(OUT, apply("add", total, A)),
    )
    verdicts = verify_all([CRASHING, HANGING, REFUSED, NO_BUILD, skipping, *HEALTHY], sandbox)
    assert [verdict.failure for verdict in verdicts] == [None] * len(verdicts)
    assert all(verdict.tier is Tier.BACKWARD for verdict in verdicts)
