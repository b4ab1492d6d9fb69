"""NaN, infinities and the ends of the float range: what Warp documents of them, and what they must not spoil."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted import Defect, sandbox_with
from tiny import AT, apply, kernel, literal, program_of

import strategies
from harness.expectation import Expectation, expect
from harness.inputs import Flavour, derive
from harness.jobs import JobResult
from harness.nonfinite import takes_nonfinite
from harness.reference import Evaluator
from harness.sandbox import Sandbox
from harness.verdict import FailureKind, Tier
from harness.verify import job, judge, launches, verify_all
from strategies.language import types as t
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    Cast,
    Compare,
    Conditional,
    Element,
    Expression,
    Parameter,
    Program,
    walk,
)
from strategies.language.types import BOOL, FLOAT16, FLOAT32, FLOAT64, INT32, Matrix, Scalar

A, B = Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "b", (AT,))
FLAG = Parameter("flag", t.array(BOOL), 0, 0, (6,), True)
PROGRAMS = {
    "max": kernel(FLOAT32, lambda a, b: apply("max", a, b)),
    "min": kernel(FLOAT64, lambda a, b: apply("min", a, b)),
    "clamp": kernel(FLOAT16, lambda a, b: apply("clamp", a, b, literal(FLOAT16, 0.5))),
    "sum": kernel(FLOAT32, lambda a, b: apply("add", apply("mul", a, b), a)),
    "isnan": program_of(FLOAT32, Assign(Element(BOOL, "flag", (AT,)), Apply(BOOL, "isnan", (A,))), more=(FLAG,)),
    "choice": kernel(
        FLOAT32,
        lambda a, b: Conditional(FLOAT32, Compare(BOOL, ("<",), (a, b)), apply("mul", b, b), apply("neg", b)),
    ),
}
Runs = dict[str, tuple[Expectation, JobResult]]


@pytest.fixture(scope="module")
def runs(sandbox: Sandbox) -> Runs:
    expectations = {name: expect(program) for name, program in PROGRAMS.items()}
    results = sandbox.run([job(e, f"kernel_{n}") for n, e in enumerate(expectations.values())])
    return {name: (e, r) for (name, e), r in zip(expectations.items(), results, strict=True)}


# ---------------------------------------------------------------- which programs have a meaning there

CASTS = Cast(FLOAT32, Cast(INT32, A))
UNDEFINED = {
    "NaN as an integer": Assign(Element(FLOAT32, "out", (AT,)), CASTS),
    "the smallest by atomics": Atomic("atomic_min", "out", (AT,), A),
    "a function with a choice of its own": Assign(Element(FLOAT32, "out", (AT,)), apply("acos", A)),
}


@pytest.mark.parametrize("name", UNDEFINED)
def test_programs_without_a_meaning_for_nan_have_no_launch_with_it(name: str) -> None:
    program = program_of(FLOAT32, UNDEFINED[name], low=-0.5, high=0.5)
    assert not takes_nonfinite(program)
    assert "nonfinite" not in launches(expect(program))


@pytest.mark.parametrize("name", PROGRAMS)
def test_others_are_launched_with_nan_and_infinities(name: str) -> None:
    found = launches(expect(PROGRAMS[name]))
    assert "nonfinite" in found
    draws = [derive(PROGRAMS[name], seed, Flavour.NONFINITE)["a"] for seed in range(20)]
    values = np.concatenate(draws)
    assert np.isnan(values).any()
    assert np.isposinf(values).any()
    assert np.isneginf(values).any()
    assert 0.7 < np.isfinite(values).mean() < 0.95


def test_special_inputs_hold_numbers_too_small_to_be_normal() -> None:
    for of in (FLOAT16, FLOAT32, FLOAT64):
        program = kernel(of, lambda a, b: apply("add", a, b))
        values = np.concatenate([derive(program, seed, Flavour.SPECIAL)["a"] for seed in range(20)])
        sizes = np.abs(values[values != 0])
        assert sizes.min() < np.finfo(of.notation).tiny
        assert np.signbit(values[values == 0]).any()


# ---------------------------------------------------------------- what is documented

NAN, INF = np.nan, np.inf


def value(of: Scalar, make: Expression, a: list[float], b: list[float], native: bool) -> list[float]:
    program = program_of(of, Assign(Element(of, "out", (AT,)), make))
    wide = np.dtype(of.notation if native else "float64")
    inputs = {"a": np.array([a], wide), "b": np.array([b], wide), "out": np.zeros((1, 6), wide)}
    return list(Evaluator(program, inputs, native).run().arrays["out"][0, 0])


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (apply("min", A, B), [1.0, 2.0, NAN, -INF, 3.0, 0.0]),
        (apply("max", A, B), [1.0, 2.0, NAN, 5.0, INF, 0.0]),
        (apply("clamp", A, literal(FLOAT32, 0.5), B), [0.5, 2.0, 0.5, 0.5, 3.0, 0.0]),
        (apply("step", A), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
        (apply("sign", A), [1.0, 1.0, 1.0, -1.0, 1.0, 1.0]),
        (apply("nonzero", A), [1.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
        (apply("mul", A, literal(FLOAT32, 0.0)), [NAN, 0.0, NAN, NAN, NAN, 0.0]),
        (
            Conditional(FLOAT32, Compare(BOOL, ("<",), (A, B)), A, literal(FLOAT32, 9.0)),
            [9.0, 9.0, 9.0, -INF, 9.0, 9.0],
        ),
    ],
    ids=lambda part: part.op if isinstance(part, Apply) else None,
)
def test_the_reference_follows_the_documentation(make: Expression, expected: list[float], native: bool) -> None:
    found = value(FLOAT32, make, [NAN, 2.0, NAN, -INF, INF, 0.0], [1.0, NAN, NAN, 5.0, 3.0, 0.0], native)
    np.testing.assert_array_equal(np.abs(found) if expected[1] == 0 else found, expected)


# ---------------------------------------------------------------- against Warp


@pytest.mark.parametrize("name", PROGRAMS)
def test_warp_does_what_it_documents(runs: Runs, name: str) -> None:
    verdict = judge(*runs[name])
    assert verdict.verified, verdict.failure


def tampered(run: tuple[Expectation, JobResult], array: str, field: str, change: dict[int, float]) -> JobResult:
    """The result with other values in the launch with NaN and infinities."""
    expectation, result = run
    at = list(launches(expectation)).index("nonfinite")
    position = [p.name for p in expectation.program.parameters].index(array)
    arrays = list(result.launches[at].arrays)
    found = arrays[position]
    assert found is not None
    values = getattr(found, field).copy()
    for cell, new in change.items():
        values.reshape(-1)[cell] = new
    arrays[position] = replace(found, **{field: values})
    changed = list(result.launches)
    changed[at] = replace(changed[at], arrays=tuple(arrays))
    return replace(result, launches=tuple(changed))


@pytest.mark.parametrize("name", ["max", "min", "sum"])
def test_a_number_in_place_of_nan_and_nan_in_place_of_a_number_are_refused(runs: Runs, name: str) -> None:
    expectation, _ = runs[name]
    assert expectation.nonfinite is not None
    cells = expectation.nonfinite.outputs["out"]
    assert cells.checked.all()
    for cell, wanted in enumerate(cells.expected):
        new = NAN if np.isfinite(wanted) else 1.0
        failure = judge(expectation, tampered(runs[name], "out", "data", {cell: new})).failure
        assert failure is not None
        assert (failure.kind, failure.launch) == (FailureKind.FORWARD_MISMATCH, "nonfinite")


def test_nan_in_one_lane_must_not_spoil_the_gradient_of_another(runs: Runs) -> None:
    expectation, _ = runs["sum"]
    assert expectation.nonfinite is not None
    cells, inputs = expectation.nonfinite.gradients["a"], expectation.nonfinite.inputs
    finite = np.isfinite(inputs["a"]) & np.isfinite(inputs["b"])
    assert 0 < finite.sum() < finite.size
    np.testing.assert_array_equal(cells.checked, finite)
    for cell in np.flatnonzero(finite):
        failure = judge(expectation, tampered(runs["sum"], "a", "gradient", {int(cell): NAN})).failure
        assert failure is not None
        assert (failure.kind, failure.launch) == (FailureKind.BACKWARD_MISMATCH, "nonfinite")


def test_an_operand_that_is_passed_over_has_no_gradient_and_the_other_has_all_of_it() -> None:
    seen = 0
    for seed in range(8):
        found = expect(PROGRAMS["max"], seed).nonfinite
        assert found is not None
        at = np.isnan(found.inputs["a"]) & np.isfinite(found.inputs["b"])
        seen += int(at.sum())
        assert found.gradients["a"].checked[at].all()
        assert found.gradients["b"].checked[at].all()
        assert not found.gradients["a"].expected[at].any()
        assert np.all(np.abs(found.gradients["b"].expected[at]) >= 0.5)
    assert seen >= 3


def test_a_gradient_that_goes_to_the_operand_that_is_nan_is_seen(tmp_path: Path) -> None:
    text = (
        r"(adj_max\(T a, T b, T& adj_a, T& adj_b, T adj_ret\) \\\n\{ \\\n\s+if \(::isnan\(float\(a\)\)\) \\\n\s+)adj_b"
    )
    many = [
        kernel(FLOAT32, lambda a, b, k=k: apply("max", a, apply("add", b, literal(FLOAT32, k)))) for k in (0.0, 1.0)
    ]
    with sandbox_with(tmp_path, [Defect("native/builtin.h", text, r"\1adj_a")]) as broken:
        verdicts = [v for seed in (1, 2, 3) for v in verify_all([PROGRAMS["max"], *many], broken, seed)]
    assert FailureKind.BACKWARD_MISMATCH in [v.failure.kind for v in verdicts if v.failure is not None]


def test_a_verified_program_may_give_nan(sandbox: Sandbox) -> None:
    program: Program = kernel(FLOAT32, lambda a, b: apply("mul", apply("sin", a), b))
    (verdict,) = verify_all([program], sandbox)
    assert verdict.tier is Tier.BACKWARD, verdict.failure


def test_rows_over_matrices_are_evaluated_like_others() -> None:
    found = [p for k in range(16) if (p := strategies.draw("matrix", 0, k)) is not None]
    assert all(any(isinstance(getattr(node, "type", None), Matrix) for node in walk(p)) for p in found)
    assert any(expect(p).nonfinite is not None for p in found)
