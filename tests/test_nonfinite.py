"""NaN, infinities and the ends of the float range: what Warp documents of them, and what they must not spoil."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from planted import Defect, sandbox_with
from tiny import AT, apply, kernel, literal, program_of

import strategies
from harness.jobs import JobResult
from harness.launches import job, launches
from harness.oracle.expectation import Expectation, expect
from harness.oracle.inputs import Flavour, derive
from harness.oracle.nonfinite import has_floats, is_defined
from harness.oracle.reference import Evaluator
from harness.sandbox import Sandbox
from harness.verdict import FailureKind, Tier
from harness.verify import judge, try_expect, verify_all
from strategies.categories import CATEGORIES
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    For,
    If,
    Literal,
    Name,
    Parameter,
    Program,
    Return,
    Statement,
    Static,
    ThreadIndex,
    While,
    walk,
)
from strategies.language.types import BOOL, FLOAT16, FLOAT32, FLOAT64, INT32, Matrix, Scalar
from strategies.ops import ROWS, OpSpec, instances, result_type
from strategies.ops.decisions import place_of_extreme

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
        lambda a, b: Conditional(FLOAT32, Compare(BOOL, ("<",), (a, b)), apply("mul", b, b), apply("sub", a, b)),
    ),
}
Runs = dict[str, tuple[Expectation, JobResult]]


VECTOR, WHOLE, UINT32 = t.vector(3, FLOAT32), t.vector(3, INT32), t.scalar("uint32")
PLACES = Program(
    "places",
    "vector",
    (6,),
    (
        Parameter("a", t.array(VECTOR), -2.0, 2.0, (6,)),
        Parameter("least", t.array(UINT32), 0, 9, (6,), True),
        Parameter("most", t.array(UINT32), 0, 9, (6,), True),
        Parameter("out", t.array(FLOAT32), 0.0, 1.0, (6,), True),
    ),
    (
        ThreadIndex(("i",)),
        Assign(Element(UINT32, "least", (AT,)), Apply(UINT32, "argmin", (Element(VECTOR, "a", (AT,)),))),
        Assign(Element(UINT32, "most", (AT,)), Apply(UINT32, "argmax", (Element(VECTOR, "a", (AT,)),))),
        Assign(Element(FLOAT32, "out", (AT,)), Apply(FLOAT32, "min", (Element(VECTOR, "a", (AT,)),))),
    ),
)


@pytest.fixture(scope="module")
def runs(sandbox: Sandbox) -> Runs:
    programs = {
        **PROGRAMS,
        **PARTLY,
        **{f"places {k}": msgspec.structs.replace(PLACES, name=f"places_{k}") for k in range(3)},
    }
    expectations = {name: expect(program) for name, program in programs.items()}
    results = sandbox.run([job(e, f"kernel_{n}") for n, e in enumerate(expectations.values())])
    return {name: (e, r) for (name, e), r in zip(expectations.items(), results, strict=True)}


# ---------------------------------------------------------------- what has a meaning there

OTHER = Parameter("other", t.array(FLOAT32), 0.0, 1.0, (6,), True)
COUNT = Parameter("count", t.array(INT32), 0, 9, (6,), True)
OUT, SECOND = Element(FLOAT32, "out", (AT,)), Element(FLOAT32, "other", (AT,))
MAX = Assign(SECOND, apply("max", A, B))
K = Name(INT32, "k")
COUNTED = Element(INT32, "count", (AT,))
POSITIVE = Compare(BOOL, (">",), (apply("acos", A), literal(FLOAT32, 0.0)))


def partly(*body: Statement) -> Program:
    """A kernel that writes ``max(a[i], b[i])`` to `other`, which has a meaning, and more elsewhere."""
    return program_of(FLOAT32, MAX, *body, low=-0.5, high=0.5, more=(OTHER, COUNT))


PARTLY = {
    "NaN as an integer": partly(Assign(COUNTED, Cast(INT32, A))),
    "vectors of NaN as integers": partly(
        Assign(COUNTED, Component(INT32, Construct(WHOLE, (Construct(VECTOR, (A,)),)), Literal(INT32, 1)))
    ),
    "NaN as an integer and back": partly(Assign(OUT, Cast(FLOAT32, Cast(INT32, A)))),
    "a function with a choice of its own": partly(Assign(OUT, apply("acos", A))),
    "a choice by what has no meaning": partly(
        Assign(OUT, Conditional(FLOAT32, POSITIVE, literal(FLOAT32, 1.0), literal(FLOAT32, 2.0)))
    ),
    "a branch by what has no meaning": partly(If(POSITIVE, (Assign(OUT, literal(FLOAT32, 1.0)),))),
    "a loop over what has no meaning": partly(
        Assign(K, Cast(INT32, A)),
        For("j", Literal(INT32, 2), (AugmentedAssign(OUT, "add", Cast(FLOAT32, K)),)),
    ),
}
#: Those that write to `count`.
COUNTING = ("NaN as an integer", "vectors of NaN as integers")


def threads_with_nan(found: Expectation, array: str = "a") -> np.ndarray[Any, Any]:
    assert found.nonfinite is not None
    return ~np.isfinite(found.nonfinite.inputs[array])


QUAT = t.parse("quat<float32>")
#: A rotation about z, x and z again, by angles of which the first and the last are one: its y is zero but for rounding.
SCALED_ROTATION = Program(
    "scaled_rotation",
    "quaternion",
    (6,),
    (
        Parameter("a", t.array(VECTOR), 0.5, 2.0, (6,)),
        Parameter("b", t.array(FLOAT32), 0.5, 2.0, (6,)),
        Parameter("out", t.array(QUAT), 0.0, 1.0, (6,), True),
    ),
    (
        ThreadIndex(("i",)),
        Assign(
            Element(QUAT, "out", (AT,)),
            Apply(QUAT, "mul", (Apply(QUAT, "quat_from_euler_202", (Element(VECTOR, "a", (AT,)),)), B)),
        ),
    ),
)


def test_an_infinity_times_what_is_nothing_but_rounding_may_be_anything() -> None:
    seen = 0
    # of four realisations and the one without noise, all have one sign once in sixteen times
    for seed in range(150):
        found = expect(SCALED_ROTATION, seed)
        assert found.nonfinite is not None
        doubtful = np.isinf(found.nonfinite.inputs["b"]) & np.isfinite(found.nonfinite.inputs["a"]).all(axis=1)
        assert not found.nonfinite.outputs["out"].checked[doubtful, 1].any()
        seen += doubtful.sum()
    assert seen >= 64


def test_gradients_beside_a_chain_of_comparisons_are_not_compared_among_infinities() -> None:
    """Warp evaluates all of a chain, and its adjoint makes NaN of what the reference does not read."""
    chain = Compare(BOOL, ("<", "<"), (literal(FLOAT32, 0.5), A, apply("exp", B)))
    found = expect(kernel(FLOAT32, lambda a, b: Conditional(FLOAT32, chain, apply("mul", a, a), apply("neg", a))))
    assert found.nonfinite is not None
    assert not found.nonfinite.gradients["a"].checked.any()
    assert not found.nonfinite.gradients["b"].checked.any()
    assert found.gradients["a"].checked.all()


@pytest.mark.parametrize("name", PARTLY)
def test_cells_that_follow_from_what_has_no_meaning_are_left_out_and_no_others(name: str) -> None:
    seen = 0
    for seed in range(4):
        found = expect(PARTLY[name], seed)
        assert found.nonfinite is not None
        outputs = found.nonfinite.outputs
        assert outputs["other"].checked.all()
        written = "count" if name in COUNTING else "out"
        np.testing.assert_array_equal(outputs[written].checked, ~threads_with_nan(found))
        seen += int(threads_with_nan(found).sum())
    assert seen >= 4


AS_INTEGER = Cast(FLOAT32, Cast(INT32, A))
SMALL = Compare(BOOL, ("<",), (AS_INTEGER, literal(FLOAT32, 1.5)))


@pytest.mark.parametrize(
    "choice",
    [
        If(SMALL, (AugmentedAssign(OUT, "sub", B),)),
        Assign(OUT, Conditional(FLOAT32, SMALL, B, literal(FLOAT32, 2.0))),
    ],
)
def test_it_is_not_known_what_a_thread_reads_that_chooses_by_what_has_no_meaning(choice: Statement) -> None:
    """Where the reference does not read ``b[i]``, Warp may: a gradient of zero proves nothing."""
    found = expect(program_of(FLOAT32, Assign(OUT, A), choice, low=-0.5, high=0.5))
    assert found.nonfinite is not None
    assert not found.nonfinite.gradients["b"].checked.any()
    assert found.gradients["b"].checked.all()


def test_a_thread_that_may_return_early_leaves_nothing_certain() -> None:
    leaves = If(Compare(BOOL, (">",), (apply("acos", A), literal(FLOAT32, 9.0))), (Return(()),))
    found = expect(program_of(FLOAT32, leaves, MAX, low=-0.5, high=0.5, more=(OTHER,)))
    assert found.nonfinite is not None
    np.testing.assert_array_equal(found.nonfinite.outputs["other"].checked, ~threads_with_nan(found))


def test_only_nan_makes_the_cell_of_an_atomic_minimum_uncertain() -> None:
    at_most = Atomic("atomic_min", "out", (AT,), A)
    seen = {"nan": 0, "infinity": 0}
    for seed in range(12):
        found = expect(partly(at_most), seed)
        assert found.nonfinite is not None
        values, checked = found.nonfinite.inputs["a"], found.nonfinite.outputs["out"].checked
        np.testing.assert_array_equal(checked, ~np.isnan(values))
        assert not found.nonfinite.gradients["a"].checked[threads_with_nan(found)].any()
        seen["nan"] += int(np.isnan(values).sum())
        seen["infinity"] += int(np.isinf(values).sum())
    assert min(seen.values()) >= 3


NOWHERE = {
    "an index": Assign(Element(FLOAT32, "out", (K,)), A),
    "the bound of a loop": For("j", K, (AugmentedAssign(OUT, "add", A),)),
    "a divisor": Assign(Element(INT32, "count", (AT,)), Apply(INT32, "div", (Literal(INT32, 8), K))),
    "the condition of a loop": While(
        Compare(BOOL, ("<",), (K, Literal(INT32, 0))), (AugmentedAssign(K, "add", Literal(INT32, 1)),)
    ),
}


@pytest.mark.parametrize("name", NOWHERE)
def test_where_what_has_no_meaning_would_steer_there_is_no_such_launch(name: str) -> None:
    index = Apply(INT32, "add", (Cast(INT32, A), Name(INT32, "i") if name == "an index" else Literal(INT32, 1)))
    program = partly(Assign(K, index), NOWHERE[name])
    if name == "a divisor":
        program = partly(Assign(K, Apply(INT32, "add", (Cast(INT32, A), Literal(INT32, 3)))), NOWHERE[name])
    assert "nonfinite" not in launches(expect(program))


def test_a_conversion_that_a_clamp_guards_has_a_meaning_for_nan() -> None:
    clamped = apply("clamp", apply("mul", A, literal(FLOAT32, 2.0)), literal(FLOAT32, 0.0), literal(FLOAT32, 1.0))
    found = expect(partly(Assign(K, Cast(INT32, clamped)), Assign(OUT, Element(FLOAT32, "b", (K,)))))
    assert found.nonfinite is not None
    assert found.nonfinite.outputs["out"].checked.all()
    assert threads_with_nan(found).any()


def test_what_the_kernels_own_types_cannot_hold_is_not_compared() -> None:
    """A clamp leaves a thousand of an infinity, whose exponential is finite in doubles alone."""
    size = apply("clamp", apply("abs", apply("mul", A, B)), literal(FLOAT32, 0.0), literal(FLOAT32, 30.0))
    half = kernel(FLOAT32, lambda a, b: Cast(FLOAT32, Cast(FLOAT16, apply("exp", size))))
    seen = 0
    for seed in range(8):
        found = expect(half, seed).nonfinite
        assert found is not None
        overflows = np.isinf(found.inputs["a"] * found.inputs["b"]).ravel()[:6]
        np.testing.assert_array_equal(found.outputs["out"].checked.ravel()[:6], ~overflows)
        seen += overflows.sum()
    assert seen > 0


def test_what_python_computes_for_a_kernel_may_mix_types() -> None:
    mixed = Static(FLOAT32, Apply(FLOAT32, "mul", (Literal(INT32, 2), literal(FLOAT32, 0.5))))
    found = expect(partly(Assign(OUT, apply("acos", apply("mul", A, mixed)))))
    assert found.nonfinite is not None
    np.testing.assert_array_equal(found.nonfinite.outputs["out"].checked, ~threads_with_nan(found))


def test_most_drawn_kernels_have_a_launch_with_nan() -> None:
    """All but those without floats, and where NaN would be an index or a divisor."""
    programs = [p for c in CATEGORIES for k in range(2) if (p := strategies.draw(c, 3, k)) is not None]
    floats = [p for p in programs if has_floats(p)]
    found = [e.nonfinite for p in floats if isinstance(e := try_expect(p, 0), Expectation)]
    assert sum(one is not None for one in found) >= 0.9 * len(found)
    cells = [c.checked for one in found if one is not None for c in one.outputs.values()]
    assert np.mean([c.mean() for c in cells]) >= 0.75


@pytest.mark.parametrize("name", PROGRAMS)
def test_others_are_launched_with_nan_and_infinities(name: str) -> None:
    found = launches(expect(PROGRAMS[name]))
    assert "nonfinite" in found
    draws = [derive(PROGRAMS[name], seed, Flavour.NONFINITE)["a"] for seed in range(20)]
    values = np.concatenate(draws)
    assert np.isnan(values).any()
    assert np.isposinf(values).any()
    assert np.isneginf(values).any()
    assert 0.6 < np.isfinite(values).mean() < 0.95


def test_each_operand_meets_nan_while_all_others_are_finite() -> None:
    def names(count: int) -> list[str]:
        return [f"a{n}" for n in range(count)]

    for count in (2, 5, 9):
        parameters = tuple(Parameter(name, t.array(FLOAT32), -2, 2, (8,)) for name in names(count))
        program = msgspec.structs.replace(PROGRAMS["sum"], parameters=parameters)
        alone = dict.fromkeys(names(count), 0)
        for seed in range(8):
            values = derive(program, seed, Flavour.NONFINITE)
            bad = np.stack([~np.isfinite(values[name]) for name in names(count)])
            for name, own in zip(names(count), bad, strict=True):
                alone[name] += int((own & (bad.sum(axis=0) == 1)).sum())
        assert min(alone.values()) >= 1, alone


def test_special_inputs_hold_numbers_too_small_to_be_normal() -> None:
    for of in (FLOAT16, FLOAT32, FLOAT64):
        program = kernel(of, lambda a, b: apply("add", a, b))
        values = np.concatenate([derive(program, seed, Flavour.SPECIAL)["a"] for seed in range(20)])
        sizes = np.abs(values[values != 0])
        assert sizes.min() < np.finfo(of.notation).tiny
        assert np.signbit(values[values == 0]).any()


def test_an_array_of_few_cells_holds_most_special_values() -> None:
    parameters = (Parameter("a", t.array(FLOAT32), -2, 2, (16,)),)
    program = msgspec.structs.replace(PROGRAMS["sum"], parameters=parameters)
    arrays = [derive(program, seed, Flavour.SPECIAL)["a"] for seed in range(200)]
    # there are sixteen such values for twelve places; by chance alone, each would be in half of the arrays
    for value in (0.5, -0.5, 1.0, -1.0, 1.5, -1.5):
        assert np.mean([value in array for array in arrays]) > 0.6, value


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


def test_warp_does_what_it_documents(runs: Runs) -> None:
    for run in runs.values():
        verdict = judge(*run)
        assert verdict.verified, verdict.failure


def test_the_place_of_the_smallest_component_passes_over_nan(runs: Runs) -> None:
    for components, least, most in (
        ([NAN, 2.0, 1.0], 2, 1),
        ([2.0, NAN, NAN], 0, 0),
        ([NAN, INF, INF], 1, 1),
        ([NAN, -INF, NAN], 1, 1),
        ([NAN, NAN, NAN], 0, 0),
        ([INF, -INF, NAN], 1, 0),
    ):
        v = np.array(components, np.float32)
        assert (place_of_extreme(v, 1), place_of_extreme(v, -1)) == (least, most)
    seen = 0
    for name in ("places 0", "places 1", "places 2"):
        expectation, _ = runs[name]
        assert expectation.nonfinite is not None
        values, places = expectation.nonfinite.inputs["a"], expectation.nonfinite.outputs["least"]
        assert places.checked.all()
        first = np.isnan(values[:, 0]) & ~np.isnan(values).all(axis=1)
        seen += int(first.sum())
        for cell in np.flatnonzero(first):
            assert places.expected[cell] > 0
            failure = judge(expectation, tampered(runs[name], "least", "data", {int(cell): 0})).failure
            assert failure is not None
            assert (failure.kind, failure.launch) == (FailureKind.FORWARD_MISMATCH, "nonfinite")
    assert seen >= 1


def test_beside_what_has_no_meaning_other_outputs_are_judged(runs: Runs) -> None:
    for name in PARTLY:
        expectation, _ = runs[name]
        for cell in np.flatnonzero(threads_with_nan(expectation)):
            failure = judge(expectation, tampered(runs[name], "other", "data", {int(cell): 7.0})).failure
            assert failure is not None
            assert (failure.kind, failure.launch, failure.parameter) == (
                FailureKind.FORWARD_MISMATCH, "nonfinite", "other",
            )  # fmt: skip
            free = "count" if name in COUNTING else "out"
            assert judge(expectation, tampered(runs[name], free, "data", {int(cell): 7})).failure is None


def every_row() -> list[Program]:
    """For each row that has a meaning for NaN a kernel that applies it, of one precision and of each shape."""
    found = []
    for n, row in enumerate(row for row in ROWS if is_defined(row)):
        for k, (arguments, result) in enumerate(chosen_instances(row)):
            values = tuple(Element(of, f"in_{m}", (AT,)) for m, of in enumerate(arguments))
            inputs = [
                Parameter(f"in_{m}", t.array(of), 0, 1, (8,))
                if not t.element_scalar(of).is_float
                else Parameter(f"in_{m}", t.array(of), 0.5, 0.9, (8,))
                for m, of in enumerate(arguments)
            ]
            out = Parameter("out", t.array(result), 0, 1, (8,), True)
            body = (ThreadIndex(("i",)), Assign(Element(result, "out", (AT,)), Apply(result, row.name, values)))
            program = Program(f"row_{n}_{k}", "builtin", (8,), (*inputs, out), body)
            check_program(program, result_type)
            found.append(program)
    return found


def chosen_instances(row: OpSpec) -> list[tuple[tuple[t.Type, ...], t.Type]]:
    """The float32 overload of a row for scalars, and one for each form of a value of several numbers."""
    found = {}
    for arguments, result in instances(row):
        floats = [of for of in arguments if t.element_scalar(of).is_float]
        if floats and all(t.element_scalar(of) is FLOAT32 for of in floats):
            found.setdefault(tuple(type(of).__name__ for of in arguments), (arguments, result))
    return list(found.values())


def test_every_row_with_a_meaning_for_nan_agrees_with_warp(sandbox: Sandbox) -> None:
    programs = every_row()
    assert len(programs) >= 60
    verdicts = verify_all(programs, sandbox)
    failures = [(repr(p), v.failure) for p, v in zip(programs, verdicts, strict=True) if v.failure is not None]
    # of `a % b` the gradient with respect to `b` is wrong for any numbers: a known issue
    wrong = [(p, f) for p, f in failures if " % " not in p or f.kind is not FailureKind.BACKWARD_MISMATCH]
    assert not wrong, "\n".join(map(str, wrong))
    met = [e.nonfinite for p in programs if isinstance(e := try_expect(p, 0), Expectation)]
    assert len(met) == len(programs)
    assert all(one is not None and all(c.checked.all() for c in one.outputs.values()) for one in met)


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


def test_a_gradient_to_the_operand_that_is_nan_and_a_place_that_stops_at_nan_are_seen(tmp_path: Path) -> None:
    adjoint = (
        r"(adj_max\(T a, T b, T& adj_a, T& adj_b, T adj_ret\) \\\n\{ \\\n\s+if \(::isnan\(float\(a\)\)\) \\\n\s+)adj_b"
    )
    skipped = r"(unsigned argmin\([^{]*\{\s+unsigned ret = 0;\s+while \(ret < Length && )::isnan"
    defects = [Defect("native/builtin.h", adjoint, r"\1adj_a"), Defect("native/vec.h", skipped, r"\1false && ::isnan")]
    many = [
        kernel(FLOAT32, lambda a, b, k=k: apply("max", a, apply("add", b, literal(FLOAT32, k)))) for k in (0.0, 1.0)
    ]
    with sandbox_with(tmp_path, defects) as broken:
        verdicts = [v for seed in (1, 2, 3) for v in verify_all([PROGRAMS["max"], *many], broken, seed)]
        places = [v for seed in range(1, 7) for v in verify_all([PLACES], broken, seed)]
    found = [v.failure for v in verdicts if v.failure is not None]
    assert {(f.kind, f.launch) for f in found} == {(FailureKind.BACKWARD_MISMATCH, "nonfinite")}
    assert ("least", "nonfinite") in [(v.failure.parameter, v.failure.launch) for v in places if v.failure is not None]


def test_a_verified_program_may_give_nan(sandbox: Sandbox) -> None:
    program: Program = kernel(FLOAT32, lambda a, b: apply("mul", apply("sin", a), b))
    (verdict,) = verify_all([program], sandbox)
    assert verdict.tier is Tier.BACKWARD, verdict.failure


def test_rows_over_matrices_are_evaluated_like_others() -> None:
    found = [p for k in range(16) if (p := strategies.draw("matrix", 0, k)) is not None]
    assert all(any(isinstance(getattr(node, "type", None), Matrix) for node in walk(p)) for p in found)
    assert any(expect(p).nonfinite is not None for p in found)
