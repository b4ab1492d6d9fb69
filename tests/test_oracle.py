"""The oracle against its adversary: right results of real kernels are verified, and every change to them is noticed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tampering import (
    SEED,
    Run,
    array_of,
    changed,
    clear_cells,
    failure_kind,
    float_inputs,
    in_last_place,
    outputs,
    positions,
    replace_body,
)
from tiny import apply, kernel

import strategies
from harness.jobs import BuildOptions, LaunchResult, Status
from harness.launches import ACCUMULATED, GENERIC, SPECIAL, STRIDED, job, launches
from harness.oracle.accumulation import accumulated
from harness.oracle.expectation import coarsest_float, expect
from harness.oracle.tolerance import CEILING
from harness.sandbox import Sandbox
from harness.verdict import FailureKind, Outcome, Tier
from harness.verify import jobs, judge, refereed, verify_all
from strategies.categories import CATEGORIES
from strategies.language import types as t
from strategies.language.indexed import all_members
from strategies.language.limits import replayed
from strategies.language.nodes import Program
from strategies.language.types import FLOAT32, FLOAT64

#: Kernels of each category: a build costs about 0.2 s.
DRAWS = 3
#: Changes of one cell that are tried on each kernel.
CELLS = 6


@pytest.fixture(scope="module")
def all_runs(sandbox: Sandbox) -> list[Run]:
    """A few kernels of every category; most of them are verified in the backward tier."""
    programs = [p for c in CATEGORIES for k in range(DRAWS) if (p := strategies.draw(c, SEED, k)) is not None]
    expectations = [expect(program) for program in programs]
    jobs = [job(e, f"kernel_{k}") for k, e in enumerate(expectations)]
    results = sandbox.run(jobs)
    return [Run(e, r, judge(e, r)) for e, r in zip(expectations, results, strict=True)]


@pytest.fixture(scope="module")
def runs(all_runs: list[Run]) -> list[Run]:
    return [run for run in all_runs if run.verdict.verified]


@pytest.fixture(scope="module")
def backward_runs(runs: list[Run]) -> list[Run]:
    return [run for run in runs if run.verdict.tier is Tier.BACKWARD]


# ---------------------------------------------------------------- what is right is verified


def test_kernels_of_every_category_are_verified(all_runs: list[Run]) -> None:
    assert {run.program.category for run in all_runs if run.verdict.verified} == set(CATEGORIES)
    assert sum(run.verdict.verified for run in all_runs) >= 0.85 * len(all_runs)
    assert sum(run.verdict.tier is Tier.BACKWARD for run in all_runs) >= 0.7 * len(all_runs)


def test_nearly_every_kernel_can_be_checked_enough() -> None:
    """Of the reference alone: a kernel that computes nothing, or nothing that could be compared, is a draw wasted."""
    programs = [p for c in CATEGORIES for k in range(8) if (p := strategies.draw(c, SEED + 1, k)) is not None]
    lost = [repr(p) for p in programs if expect(p).promise.tier is None]
    assert len(lost) <= 0.05 * len(programs), lost


def test_a_verified_kernel_says_how_close_it_came(runs: list[Run]) -> None:
    for run in runs:
        figures = run.verdict.figures
        assert figures.forward_error <= max(figures.forward_tolerance, 1e-15)
        assert 0.8 <= figures.cells_checked <= 1
        assert run.verdict.devices == ("cpu",)
        assert run.verdict.layouts[:2] == ("contiguous", "strided")
        assert run.verdict.cpp
        if run.verdict.tier is Tier.BACKWARD:
            assert figures.gradient_error <= figures.gradient_tolerance or figures.gradient_error == 0
            assert 0.8 <= figures.gradients_checked <= 1
        else:
            assert run.verdict.reason


# ---------------------------------------------------------------- wrong results


@pytest.mark.parametrize(("launch", "of"), [(GENERIC, "outputs"), (SPECIAL, "special")])
@pytest.mark.parametrize("change", ["zeros", "rolled", "reversed", "scaled"])
def test_wrong_outputs_are_forward_mismatches(runs: list[Run], launch: int, of: str, change: str) -> None:
    seen = 0
    for run in runs:
        for position in outputs(run):
            data = array_of(run, launch, position).data
            flat = data.reshape(-1)
            wrong = {
                "zeros": lambda flat=flat: np.zeros_like(flat),
                "rolled": lambda flat=flat: np.roll(flat, 1),
                "reversed": lambda flat=flat: flat[::-1].copy(),
                "scaled": lambda flat=flat: (flat * 1.002).astype(flat.dtype) if flat.dtype.kind == "f" else ~flat,
            }[change]().reshape(data.shape)
            if not clear_cells(run, position, of, wrong).any():
                continue
            seen += 1
            found = judge(run.expectation, changed(run.result, launch, position, data=wrong)).failure
            assert found is not None, repr(run.program)
            assert found.kind is FailureKind.FORWARD_MISMATCH
            assert found.parameter == run.program.parameters[position].name
            assert found.launch == ("generic" if launch == GENERIC else "special")
            assert found.actual != found.expected
    assert seen >= 0.6 * len(runs)


def test_outputs_of_another_kernel_are_forward_mismatches(runs: list[Run]) -> None:
    seen = 0
    for run in runs:
        for other in runs:
            if other is run:
                continue
            for mine in outputs(run)[:1]:
                for theirs in outputs(other)[:1]:
                    data, wrong = array_of(run, GENERIC, mine).data, array_of(other, GENERIC, theirs).data
                    if data.shape == wrong.shape and data.dtype == wrong.dtype:
                        assert clear_cells(run, mine, "outputs", wrong).any()
                        kind = failure_kind(run, changed(run.result, GENERIC, mine, data=wrong))
                        assert kind is FailureKind.FORWARD_MISMATCH
                        seen += 1
    assert seen >= 3


def test_one_wrong_cell_is_noticed_and_named(runs: list[Run]) -> None:
    for run in runs:
        for position in outputs(run):
            parameter = run.program.parameters[position]
            cells = run.expectation.outputs[parameter.name]
            data = array_of(run, GENERIC, position).data
            for at in np.linspace(0, data.size - 1, CELLS).astype(int):
                wrong = data.copy()
                flat = wrong.reshape(-1)
                # of an integer, bits: twice the largest is none
                flat[at] = flat[at] * 2 + 1 if flat.dtype.kind == "f" else ~flat[at]
                clear = clear_cells(run, position, "outputs", wrong).reshape(-1)
                if not clear[at]:
                    continue
                found = judge(run.expectation, changed(run.result, GENERIC, position, data=wrong)).failure
                assert found is not None
                assert found.kind is FailureKind.FORWARD_MISMATCH
                assert found.cell == np.unravel_index(at, cells.expected.shape)


def test_the_last_bit_of_exact_results_counts(runs: list[Run]) -> None:
    seen = 0
    for run in runs:
        for position in outputs(run):
            cells = run.expectation.outputs[run.program.parameters[position].name]
            at = np.flatnonzero((cells.checked & (cells.tolerance == 0)).reshape(-1))
            if not at.size:
                continue
            wrong = in_last_place(array_of(run, GENERIC, position).data, int(at[0]))
            assert failure_kind(run, changed(run.result, GENERIC, position, data=wrong)) is FailureKind.FORWARD_MISMATCH
            seen += 1
    assert seen >= 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_noticed(runs: list[Run], value: float) -> None:
    for run in runs:
        for position in outputs(run):
            name = run.program.parameters[position].name
            data = array_of(run, GENERIC, position).data
            at = np.flatnonzero(run.expectation.outputs[name].checked.reshape(-1))
            if data.dtype.kind != "f" or not at.size:
                continue
            wrong = data.copy()
            wrong.reshape(-1)[at[-1]] = value
            assert failure_kind(run, changed(run.result, GENERIC, position, data=wrong)) is FailureKind.FORWARD_MISMATCH
    for run in runs:
        if run.expectation.limits:
            continue
        for position in float_inputs(run):
            name = run.program.parameters[position].name
            gradient = array_of(run, GENERIC, position).gradient
            at = np.flatnonzero(run.expectation.gradients[name].checked.reshape(-1))
            if gradient is None or not at.size:
                continue
            wrong = gradient.copy()
            wrong.reshape(-1)[at[0]] = value
            assert judge_gradient(run, position, wrong) is FailureKind.BACKWARD_MISMATCH


# ---------------------------------------------------------------- in every category


def off_by_one(run: Run, position: int) -> np.ndarray[Any, Any]:
    """Each cell's value in the next one."""
    data = array_of(run, GENERIC, position).data
    return np.roll(data.reshape(-1), 1).reshape(data.shape)


def test_wrong_results_are_refused_in_every_category(runs: list[Run]) -> None:
    seen: dict[str, Counter[str]] = {category: Counter() for category in CATEGORIES}
    for run in runs:
        for position in outputs(run):
            for change, wrong in (
                ("zeros", np.zeros_like(array_of(run, GENERIC, position).data)),
                ("off by one", off_by_one(run, position)),
            ):
                if not clear_cells(run, position, "outputs", wrong).any():
                    continue
                found = judge(run.expectation, changed(run.result, GENERIC, position, data=wrong)).failure
                assert found is not None, repr(run.program)
                assert (found.kind, found.parameter) == (
                    FailureKind.FORWARD_MISMATCH,
                    run.program.parameters[position].name,
                )
                seen[run.program.category][change] += 1
    lacking = {category: found for category, found in seen.items() if len(found) < 2}
    assert not lacking


def test_wrong_gradients_are_refused_in_every_category(backward_runs: list[Run]) -> None:
    """Scaled by a little, without what one thread adds, and exchanged."""
    seen: dict[str, Counter[str]] = {run.program.category: Counter() for run in backward_runs}
    assert len(seen) >= 0.9 * len(CATEGORIES), set(CATEGORIES) - seen.keys()
    for run in backward_runs:
        scale = 1 + 3 * CEILING[coarsest_float(run.program)]
        for position in float_inputs(run):
            parameter = run.program.parameters[position]
            gradient = array_of(run, GENERIC, position).gradient
            assert gradient is not None
            without = gradient.copy()
            checked = run.expectation.gradients[parameter.name].checked.reshape(gradient.shape)
            size = np.where(checked, np.abs(gradient), 0)
            without.reshape(-1)[int(np.argmax(size))] = 0
            scaled = (gradient * gradient.dtype.type(scale)).astype(gradient.dtype)
            for change, wrong in (("scaled", scaled), ("one thread less", without)):
                if not clear_cells(run, position, "gradients", wrong).any():
                    continue
                result = changed(run.result, GENERIC, position, gradient=wrong)
                found = judge(run.expectation, changed(result, STRIDED, position, gradient=wrong)).failure
                assert found is not None, repr(run.program)
                assert (found.kind, found.parameter, found.gradient) == (
                    FailureKind.BACKWARD_MISMATCH,
                    parameter.name,
                    True,
                )
                seen[run.program.category][change] += 1
    lacking = {category: found for category, found in seen.items() if len(found) < 2}
    assert not lacking


# ---------------------------------------------------------------- wrong gradients


def judge_gradient(run: Run, position: int, wrong: np.ndarray[Any, Any]) -> FailureKind | None:
    """The failure if contiguous and strided arrays agree on a gradient that is wrong."""
    result = changed(run.result, GENERIC, position, gradient=wrong)
    return failure_kind(run, changed(result, STRIDED, position, gradient=wrong))


@pytest.mark.parametrize(("dtype", "factor"), [("float32", 1 + 1e-3), ("float64", 1 + 1e-6), ("float16", 1.1)])
def test_gradients_that_are_a_little_too_large_are_noticed(backward_runs: list[Run], dtype: str, factor: float) -> None:
    seen, possible = 0, 0
    for run in backward_runs:
        for position in float_inputs(run):
            parameter = run.program.parameters[position]
            gradient = array_of(run, GENERIC, position).gradient
            if t.element_scalar(parameter.type).notation != dtype or gradient is None or not gradient.any():
                continue
            possible += 1
            wrong = (gradient * gradient.dtype.type(factor)).astype(gradient.dtype)
            if not clear_cells(run, position, "gradients", wrong).any():
                continue
            seen += 1
            assert judge_gradient(run, position, wrong) is FailureKind.BACKWARD_MISMATCH
    assert seen >= 0.8 * possible


@pytest.mark.parametrize("dtype", t.FLOATS)
def test_checked_gradients_are_held_to_the_ceiling(backward_runs: list[Run], dtype: str) -> None:
    """Whatever the noise says: a relative error of thrice the ceiling, in the largest gradient, is always noticed."""
    seen = 0
    for run in (run for run in backward_runs if coarsest_float(run.program) == dtype):
        for position in float_inputs(run):
            parameter = run.program.parameters[position]
            cells = run.expectation.gradients[parameter.name]
            size = np.where(cells.checked, np.abs(cells.expected), 0)
            if not size.any():
                continue
            at = int(np.argmax(size))
            largest = max(
                float(np.max(np.abs(run.expectation.gradients[run.program.parameters[p].name].expected), initial=0))
                for p in float_inputs(run)
            )
            if size.reshape(-1)[at] < 0.01 * largest:
                continue
            gradient = array_of(run, GENERIC, position).gradient
            assert gradient is not None
            wrong = gradient.copy()
            wrong.reshape(-1)[at] *= 1 + 3 * CEILING[dtype]
            seen += 1
            assert judge_gradient(run, position, wrong) is FailureKind.BACKWARD_MISMATCH
    assert seen


def test_exchanged_gradients_are_noticed(backward_runs: list[Run]) -> None:
    seen = 0
    for run in backward_runs:
        found = float_inputs(run)
        for first in found:
            for second in found:
                a, b = array_of(run, GENERIC, first).gradient, array_of(run, GENERIC, second).gradient
                assert a is not None
                assert b is not None
                if first >= second or a.shape != b.shape or a.dtype != b.dtype:
                    continue
                if not (
                    clear_cells(run, first, "gradients", b).any() or clear_cells(run, second, "gradients", a).any()
                ):
                    continue
                result = run.result
                for launch in (GENERIC, STRIDED):
                    result = changed(result, launch, first, gradient=b)
                    result = changed(result, launch, second, gradient=a)
                assert failure_kind(run, result) is FailureKind.BACKWARD_MISMATCH
                seen += 1
    assert seen >= 3


@pytest.mark.parametrize("change", ["zero", "sign", "double", "neighbour"])
def test_one_wrong_gradient_is_noticed_and_named(backward_runs: list[Run], change: str) -> None:
    seen = 0
    for run in backward_runs:
        for position in float_inputs(run):
            parameter = run.program.parameters[position]
            cells = run.expectation.gradients[parameter.name]
            gradient = array_of(run, GENERIC, position).gradient
            assert gradient is not None
            for at in np.linspace(0, gradient.size - 1, CELLS).astype(int):
                wrong = gradient.copy()
                flat = wrong.reshape(-1)
                flat[at] = {"zero": 0.0, "sign": -flat[at], "double": 2 * flat[at], "neighbour": flat[at - 1]}[change]
                if not clear_cells(run, position, "gradients", wrong).reshape(-1)[at]:
                    continue
                seen += 1
                result = changed(run.result, GENERIC, position, gradient=wrong)
                found = judge(run.expectation, changed(result, STRIDED, position, gradient=wrong)).failure
                assert found is not None
                assert found.kind is FailureKind.BACKWARD_MISMATCH
                assert found.gradient
                assert found.parameter == parameter.name
                assert found.cell == np.unravel_index(at, cells.expected.shape)
    assert seen >= 2 * len(backward_runs)


def test_a_gradient_where_none_belongs_is_noticed(backward_runs: list[Run]) -> None:
    """Cells that no thread reads, integers, and cotangents that a store has consumed."""
    seen = {"unread": 0, "integer": 0, "consumed": 0}
    for run in backward_runs:
        for position, parameter in enumerate(run.program.parameters):
            if not isinstance(parameter.type, t.Array):
                continue
            cells = run.expectation.gradients[parameter.name]
            gradient = array_of(run, GENERIC, position).gradient
            if gradient is None:
                assert parameter.name in all_members(run.program)
                continue
            silent = np.flatnonzero((cells.checked & (cells.expected == 0)).reshape(-1))
            if not silent.size:
                continue
            wrong = gradient.copy()
            wrong.reshape(-1)[silent[-1]] += 1
            assert judge_gradient(run, position, wrong) is FailureKind.BACKWARD_MISMATCH
            kind = t.element_scalar(parameter.type)
            seen["consumed" if parameter.output else "unread" if kind.is_float else "integer"] += 1
    assert min(seen.values()) >= 1, seen


def test_cotangents_that_atomics_must_keep_are_noticed_when_gone(backward_runs: list[Run]) -> None:
    seen = 0
    for run in backward_runs:
        for position in outputs(run):
            cells = run.expectation.gradients[run.program.parameters[position].name]
            gradient = array_of(run, GENERIC, position).gradient
            assert gradient is not None
            if np.any(cells.checked & (cells.expected != 0)):
                assert judge_gradient(run, position, np.zeros_like(gradient)) is FailureKind.BACKWARD_MISMATCH
                seen += 1
    assert seen >= 2


# ---------------------------------------------------------------- memory, layout, repetition, status


@pytest.mark.parametrize("launch", [GENERIC, STRIDED, SPECIAL])
def test_a_changed_input_is_a_memory_failure(runs: list[Run], launch: int) -> None:
    for run in runs:
        for position in positions(run, lambda p: not p.output):
            wrong = in_last_place(array_of(run, launch, position).data)
            assert failure_kind(run, changed(run.result, launch, position, data=wrong)) is FailureKind.MEMORY


@pytest.mark.parametrize("launch", [GENERIC, STRIDED, SPECIAL])
@pytest.mark.parametrize("field", ["canary_intact", "intact_after_backward"])
def test_memory_that_must_not_change_is_a_memory_failure(runs: list[Run], launch: int, field: str) -> None:
    for run in runs:
        excused = replayed(run.program) if field == "intact_after_backward" else frozenset()
        for position in positions(run, lambda p, excused=excused: p.name not in excused):
            found = judge(run.expectation, changed(run.result, launch, position, **{field: False})).failure
            assert found is not None
            assert found.kind is FailureKind.MEMORY
            assert found.parameter == run.program.parameters[position].name


def test_an_output_cell_that_is_not_written_must_keep_its_value(runs: list[Run]) -> None:
    seen = 0
    for run in runs:
        for position in outputs(run):
            parameter = run.program.parameters[position]
            before = run.expectation.inputs[parameter.name]
            cells = run.expectation.outputs[parameter.name]
            kept = np.flatnonzero((cells.checked & (cells.expected == before)).reshape(-1))
            if kept.size:
                data = array_of(run, GENERIC, position).data.copy()
                data.reshape(-1)[kept[-1]] = 77 if data.dtype.kind != "b" else not data.reshape(-1)[kept[-1]]
                kind = failure_kind(run, changed(run.result, GENERIC, position, data=data))
                assert kind is FailureKind.FORWARD_MISMATCH
                seen += 1
    assert seen >= 3


def test_other_bits_the_second_time_are_noticed(runs: list[Run]) -> None:
    for run in runs:
        launches = list(run.result.launches)
        for of_gradients in (False, True):
            launches[GENERIC] = replace(launches[GENERIC], same_bits=of_gradients, same_gradients=not of_gradients)
            result = replace(run.result, launches=tuple(launches))
            # outside of the limits gradients may be anything
            wrong = None if of_gradients and run.expectation.limits else FailureKind.NONDETERMINISTIC
            assert failure_kind(run, result) is wrong


def test_one_other_bit_on_strided_arrays_is_a_layout_failure(runs: list[Run]) -> None:
    for run in runs:
        for position in outputs(run):
            wrong = in_last_place(array_of(run, STRIDED, position).data)
            found = judge(run.expectation, changed(run.result, STRIDED, position, data=wrong)).failure
            assert found is not None
            assert found.kind is FailureKind.LAYOUT_MISMATCH
            assert not found.gradient


def test_one_other_bit_of_a_strided_gradient_is_a_layout_failure(backward_runs: list[Run]) -> None:
    for run in backward_runs:
        for position in positions(run, lambda p: True):
            gradient = array_of(run, STRIDED, position).gradient
            if gradient is None:
                assert run.program.parameters[position].name in all_members(run.program)
                continue
            wrong = in_last_place(gradient, gradient.size - 1)
            found = judge(run.expectation, changed(run.result, STRIDED, position, gradient=wrong)).failure
            assert found is not None
            assert found.kind is FailureKind.LAYOUT_MISMATCH
            assert found.gradient


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (Status.REJECTED, FailureKind.REJECTED),
        (Status.BUILD_ERROR, FailureKind.BUILD_ERROR),
        (Status.CRASH, FailureKind.CRASH),
        (Status.HANG, FailureKind.HANG),
    ],
)
def test_what_does_not_run_fails(runs: list[Run], status: Status, kind: FailureKind) -> None:
    ended = replace(runs[0].result, status=status, message="why", launches=())
    found = judge(runs[0].expectation, ended)
    assert found.outcome is Outcome.FAILURE
    assert found.failure is not None
    assert (found.failure.kind, found.failure.message) == (kind, "why")


def test_a_failure_carries_what_is_needed_to_see_it_again(runs: list[Run]) -> None:
    run = runs[0]
    (position, *_) = outputs(run)
    wrong = np.zeros_like(array_of(run, SPECIAL, position).data) + 9
    found = judge(run.expectation, changed(run.result, SPECIAL, position, data=wrong))
    assert found.inputs is run.expectation.special_inputs
    assert found.cotangents == run.expectation.cotangents
    assert found.inputs_seed == run.expectation.seed


@pytest.mark.parametrize("kind", FailureKind, ids=lambda kind: kind.value)
def test_every_kind_of_failure_is_a_sentence(kind: FailureKind) -> None:
    assert kind.sentence[0].isupper()
    assert kind.sentence.endswith(".")


# ---------------------------------------------------------------- the referee


def single_precision(backward_runs: list[Run]) -> tuple[Run, int, int]:
    """A run with a float32 gradient that is checked, its position, and the cell."""
    for run in backward_runs:
        for position in float_inputs(run):
            parameter = run.program.parameters[position]
            cells = run.expectation.gradients[parameter.name]
            clear = cells.checked & (np.abs(cells.expected) > 1e5 * cells.tolerance)
            if t.element_scalar(parameter.type) is FLOAT32 and clear.any() and len(run.program.outputs) == 1:
                return run, position, int(np.flatnonzero(clear.reshape(-1))[0])
    raise AssertionError("no such run")


@pytest.mark.parametrize(("times", "cleared"), [(3.0, True), (1000.0, False)])
def test_the_referee_clears_what_float64_does_not_show_and_is_small(
    backward_runs: list[Run], sandbox: Sandbox, times: float, cleared: bool
) -> None:
    run, position, at = single_precision(backward_runs)
    name = run.program.parameters[position].name
    cells = run.expectation.gradients[name]
    wrong = cells.expected.copy()
    wrong.reshape(-1)[at] += times * cells.tolerance.reshape(-1)[at]
    # all launches agree, and the reference does not agree with them
    gradients = {**run.expectation.gradients, name: replace(cells, expected=wrong)}
    expectation = replace(run.expectation, gradients=gradients)
    verdict = judge(expectation, run.result)
    assert verdict.failure is not None
    found = refereed(expectation, run.result, verdict, sandbox, BuildOptions())
    assert found.verified is cleared
    if not cleared:
        assert found.failure is not None
        assert found.failure.referee == "this precision only"


@pytest.mark.parametrize(("times", "cleared"), [(3.0, True), (1000.0, False)])
def test_the_referee_clears_sums_that_are_a_little_off_alone(
    backward_runs: list[Run], sandbox: Sandbox, times: float, cleared: bool
) -> None:
    """What a gradient holds before is rounded at the size of contributions that cancel, which nobody knows."""
    for run in backward_runs:
        if ACCUMULATED not in launches(run.expectation):
            continue
        at = list(launches(run.expectation)).index(ACCUMULATED)
        for position in float_inputs(run):
            parameter = run.program.parameters[position]
            sums = accumulated(run.expectation)[parameter.name]
            array = run.result.launches[at].arrays[position]
            if t.element_scalar(parameter.type) is FLOAT32 and sums.checked.any() and array is not None:
                cell = int(np.flatnonzero(sums.checked.reshape(-1))[0])
                wrong = (sums.expected + 0.0).reshape(-1)
                wrong[cell] += times * sums.tolerance.reshape(-1)[cell]
                gradient = wrong.reshape(array.gradient.shape)
                again = array.again if run.expectation.keeps_cotangents else gradient
                result = changed(run.result, at, position, gradient=gradient, again=again)
                verdict = judge(run.expectation, result)
                assert verdict.failure is not None
                assert refereed(run.expectation, result, verdict, sandbox, BuildOptions()).verified is cleared
                return
    raise AssertionError("no such run")


def test_the_referee_clears_nothing_if_the_float64_program_fails(
    backward_runs: list[Run], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, position, at = single_precision(backward_runs)
    name = run.program.parameters[position].name
    cells = run.expectation.gradients[name]
    wrong = cells.expected.copy()
    wrong.reshape(-1)[at] += 3.0 * cells.tolerance.reshape(-1)[at]
    expectation = replace(
        run.expectation, gradients={**run.expectation.gradients, name: replace(cells, expected=wrong)}
    )
    verdict = judge(expectation, run.result)
    died = replace(run.result, status=Status.CRASH, message="died of SIGSEGV", launches=())
    monkeypatch.setattr(sandbox, "run", lambda jobs, options: [died] * len(jobs))
    found = refereed(expectation, run.result, verdict, sandbox, BuildOptions())
    assert (found.outcome, found.failure) == (Outcome.INCONCLUSIVE, None)


def test_what_died_in_company_and_not_alone_is_neither_a_pair_nor_a_failure(runs: list[Run]) -> None:
    found = judge(runs[0].expectation, replace(runs[0].result, message="a first run ended otherwise: died of SIGSEGV"))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "a first run ended otherwise" in (found.reason or "")


def test_what_is_a_little_off_in_float64_is_no_failure(sandbox: Sandbox) -> None:
    expectation = expect(kernel(FLOAT64, lambda a, b: apply("mul", a, apply("sin", b))))
    (result,) = sandbox.run(jobs([expectation]), BuildOptions(optimization_level=0))
    cells = expectation.outputs["out"]
    for times, fails in ((2.0, False), (1000.0, True)):
        wrong = {"out": replace(cells, expected=cells.expected + times * cells.tolerance)}
        off = replace(expectation, outputs=wrong)
        verdict = judge(off, result)
        assert verdict.failure is not None
        found = refereed(off, result, verdict, sandbox, BuildOptions())
        assert (found.failure is not None) is fails
        assert found.failure is None or found.failure.referee == "float64 itself"


def test_the_referee_is_asked_about_mismatches_alone(backward_runs: list[Run], sandbox: Sandbox) -> None:
    run = backward_runs[0]
    result = changed(run.result, GENERIC, outputs(run)[0], canary_intact=False)
    verdict = judge(run.expectation, result)
    assert refereed(run.expectation, result, verdict, sandbox, BuildOptions()) is verdict


# ---------------------------------------------------------------- what proves nothing


def emptied(run: Run) -> Program:
    return replace_body(run.program, run.program.body[:1])


def test_a_kernel_that_computes_nothing_is_not_verified(runs: list[Run], sandbox: Sandbox) -> None:
    verdicts = verify_all([emptied(run) for run in runs[:: len(runs) // 4]], sandbox)
    assert not any(verdict.verified for verdict in verdicts)


def test_launch_results_are_complete(runs: list[Run]) -> None:
    for run in runs:
        assert len(run.result.launches) == len(launches(run.expectation)) >= 3
        for launch in run.result.launches:
            assert isinstance(launch, LaunchResult)
            assert len(launch.arrays) == len(run.program.parameters)
        assert run.result.launches[GENERIC].same_bits is True
        assert run.result.launches[GENERIC].same_gradients is True
