"""What holds of gradients beside their values: they add up, a second pass adds what is left, arrays may have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planted import Defect, sandbox_with
from tiny import AT, apply, literal, program_of

from harness.cpp.code_paths import SPECIALIZED, runs_specialized_code
from harness.jobs import ArrayArgument, JobResult
from harness.launches import ACCUMULATED, COPIED, REUSED, SILENT, WITHHELD, job, launches
from harness.oracle.accumulation import accumulated, starts
from harness.oracle.expectation import Expectation, expect
from harness.reports.launch_text import Shown
from harness.reports.reproduction import repro
from harness.sandbox import Sandbox
from harness.verdict import Failure, FailureKind, Tier
from harness.verify import AGAIN, judge, verify_all
from strategies.language.nodes import Assign, Atomic, Cast, Element, For, Literal, Name, Parameter, Program
from strategies.language.types import FLOAT32, INT32, array

A, B, OUT = (Element(FLOAT32, name, (AT,)) for name in ("a", "b", "out"))
N, TWO = Element(INT32, "n", (AT,)), Element(FLOAT32, "two", (AT,))
WHOLE = (Parameter("n", array(INT32), 0, 5, (6,)),)
MORE = (*WHOLE, Parameter("two", array(FLOAT32), 0.0, 0.0, (6,), True))
PRODUCT = apply("mul", A, B)
GATHERED = Element(FLOAT32, "a", (N,))

PROGRAMS: dict[str, Program] = {
    "stored": program_of(FLOAT32, Assign(OUT, apply("mul", GATHERED, B)), more=WHOLE),
    "added": program_of(FLOAT32, Atomic("atomic_add", "out", (Literal(INT32, 0),), PRODUCT)),
    "both": program_of(FLOAT32, Assign(TWO, PRODUCT), Atomic("atomic_add", "out", (N,), A), more=MORE),
    "two outputs": program_of(FLOAT32, Assign(OUT, PRODUCT), Assign(TWO, Cast(FLOAT32, N)), more=MORE),
    "often": program_of(
        FLOAT32,
        For("k", Literal(INT32, 9), (Atomic("atomic_sub", "out", (Name(INT32, "k"),), apply("sin", B)),)),
        Assign(TWO, apply("add", A, literal(FLOAT32, 1.0))),
        cells=9,
        more=MORE,
    ),
}


@pytest.fixture(scope="module")
def runs(sandbox: Sandbox) -> dict[str, tuple[Expectation, JobResult]]:
    expectations = {name: expect(program) for name, program in PROGRAMS.items()}
    results = sandbox.run([job(e, f"kernel_{n}") for n, e in enumerate(expectations.values())])
    return {name: (e, r) for (name, e), r in zip(expectations.items(), results, strict=True)}


Runs = dict[str, tuple[Expectation, JobResult]]
Change = Callable[[Any], Any]


def failure(run: tuple[Expectation, JobResult], launch: str, array: str, **changes: Change) -> Failure | None:
    """What is found if fields of one array's result of one launch are changed."""
    expectation, result = run
    at = list(launches(expectation)).index(launch)
    position = [p.name for p in expectation.program.parameters].index(array)
    arrays = list(result.launches[at].arrays)
    found = arrays[position]
    assert found is not None
    arrays[position] = replace(found, **{name: change(getattr(found, name)) for name, change in changes.items()})
    changed = [*result.launches]
    changed[at] = replace(changed[at], arrays=tuple(arrays))
    return judge(expectation, replace(result, launches=tuple(changed))).failure


@pytest.mark.parametrize("name", PROGRAMS)
def test_right_gradients_are_verified(runs: Runs, name: str) -> None:
    verdict = judge(*runs[name])
    assert verdict.tier is Tier.BACKWARD, verdict.failure


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_that_replace_what_was_there_are_refused(runs: Runs, name: str) -> None:
    begun = starts(runs[name][0])
    found = failure(runs[name], ACCUMULATED, "b", gradient=lambda g: (g - begun["b"]).astype(g.dtype))
    assert found is not None
    assert (found.kind, found.launch, found.parameter) == (FailureKind.BACKWARD_MISMATCH, ACCUMULATED, "b")


def test_the_gradient_of_an_integer_array_must_keep_what_was_there(runs: Runs) -> None:
    assert np.all(starts(runs["stored"][0])["n"] != 0)
    found = failure(runs["stored"], ACCUMULATED, "n", gradient=lambda g: 0 * g)
    assert found is not None
    assert (found.launch, found.parameter) == (ACCUMULATED, "n")


def test_a_second_pass_over_what_was_stored_must_add_nothing(runs: Runs) -> None:
    expectation, _ = runs["stored"]
    assert expectation.keeps_cotangents is False
    gradient = expectation.gradients["b"].expected.astype(np.float32)
    found = failure(runs["stored"], ACCUMULATED, "b", again=lambda g: g + gradient)
    assert found is not None
    assert (found.kind, found.launch) == (FailureKind.BACKWARD_MISMATCH, AGAIN)


def test_a_second_pass_over_what_was_added_must_add_as_much_again(runs: Runs) -> None:
    expectation, _ = runs["added"]
    assert expectation.keeps_cotangents is True
    gradient = expectation.gradients["b"].expected.astype(np.float32)
    assert failure(runs["added"], ACCUMULATED, "b", again=lambda g: g) is None
    found = failure(runs["added"], ACCUMULATED, "b", again=lambda g: g - gradient)
    assert found is not None
    assert found.launch == AGAIN


def test_a_second_pass_that_changes_a_cotangent_is_refused(runs: Runs) -> None:
    found = failure(runs["added"], ACCUMULATED, "out", again=lambda g: 2 * g)
    assert found is not None
    assert (found.launch, found.parameter) == (AGAIN, "out")


def test_what_is_stored_and_what_is_added_are_told_apart(runs: Runs) -> None:
    assert runs["both"][0].keeps_cotangents is None


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_comes_through_a_copy_must_be_the_same(runs: Runs, name: str) -> None:
    found = failure(runs[name], COPIED, "b", gradient=lambda g: np.nextafter(g, np.float32(9)))
    assert found is not None
    assert (found.kind, found.launch, found.parameter) == (FailureKind.BACKWARD_MISMATCH, COPIED, "b")
    assert "through a copy on the same tape" in found.message


def test_a_tape_that_goes_back_in_the_order_of_the_forward_pass_is_seen(tmp_path: Path) -> None:
    order = Defect("_src/tape.py", r"for launch in reversed\(self\.launches\)", "for launch in self.launches")
    with sandbox_with(tmp_path, [order]) as broken:
        verdicts = verify_all(list(PROGRAMS.values()), broken)
    assert all(v.failure is not None and v.failure.launch == COPIED for v in verdicts)
    stored = verdicts[list(PROGRAMS).index("stored")]
    assert stored.failure is not None
    text = repro(Shown(PROGRAMS["stored"], stored.failure, stored.inputs, stored.cotangents))
    for copied in ("copy_0 = wp.clone(out, requires_grad=True)", "copy_0.grad.assign("):
        assert copied in text
    compile(text, "repro.py", "exec")


@pytest.mark.parametrize(
    ("file", "pattern", "replacement"),
    [
        ("_src/tape.py", r"a\.grad\.assign\(g\)", "a.grad.fill_(1.0)"),
        ("_src/tape.py", r"(def zero\(self\):\n)", r"\1        return\n"),
    ],
    ids=["cotangents replaced by ones", "gradients not cleared"],
)
def test_a_tape_that_cannot_be_used_again_is_seen(tmp_path: Path, file: str, pattern: str, replacement: str) -> None:
    with sandbox_with(tmp_path, [Defect(file, pattern, replacement)]) as broken:
        (verdict,) = verify_all([PROGRAMS["stored"]], broken)
    assert verdict.failure is not None
    assert verdict.failure.launch == REUSED
    text = repro(Shown(PROGRAMS["stored"], verdict.failure, verdict.inputs, verdict.cotangents))
    assert "tape.zero()" in text
    assert text.count("tape.backward(grads={out: wp.array(") == 2
    compile(text, "repro.py", "exec")


def test_the_gradient_of_a_slice_begins_where_the_slice_does(tmp_path: Path) -> None:
    begin = Defect(
        "_src/types.py",
        r"ptr=self\.grad\.ptr \+ ptr_offset if self\.grad\.ptr is not None else None",
        "ptr=self.grad.ptr",
    )
    with sandbox_with(tmp_path, [begin]) as broken:
        (verdict,) = verify_all([PROGRAMS["stored"]], broken)
    assert verdict.failure is not None
    assert verdict.failure.launch == "strided"


def test_a_tape_that_forgets_the_second_launch_of_a_kernel_is_seen(tmp_path: Path) -> None:
    forgetful = Defect(
        "_src/tape.py",
        r"(\n +)self\.launches\.append\(\[kernel,",
        r"\1if not any(isinstance(of, list) for of in self.launches):\1    self.launches.append([kernel,",
    )
    with sandbox_with(tmp_path, [forgetful]) as broken:
        (verdict,) = verify_all([PROGRAMS["stored"]], broken)
    assert verdict.failure is not None
    assert verdict.failure.launch == COPIED
    text = repro(Shown(PROGRAMS["stored"], verdict.failure, verdict.inputs, verdict.cotangents))
    assert text.count("wp.launch(") == 2
    compile(text, "repro.py", "exec")


@pytest.mark.parametrize(("name", "array"), [("stored", "n"), ("stored", "a"), ("two outputs", "n")])
def test_an_array_without_a_gradient_must_not_change_others(runs: Runs, name: str, array: str) -> None:
    found = failure(runs[name], WITHHELD + array, "b", gradient=lambda g: np.nextafter(g, np.float32(9)))
    assert found is not None
    assert (found.kind, found.launch, found.parameter) == (FailureKind.BACKWARD_MISMATCH, WITHHELD + array, "b")
    assert f"where {array} has no gradient" in found.message


def test_an_output_without_a_gradient_counts_as_one_whose_cotangent_is_zero(runs: Runs) -> None:
    expectation, _ = runs["often"]
    names = list(launches(expectation))
    assert names.index(SILENT + "out") < names.index(WITHHELD + "out")
    found = failure(runs["often"], WITHHELD + "out", "b", gradient=lambda g: g + 1)
    assert found is not None
    assert found.launch == WITHHELD + "out"


def test_each_input_array_is_once_without_a_gradient() -> None:
    for program in PROGRAMS.values():
        planned = launches(expect(program))
        for parameter in (p for p in program.arrays if not p.output):
            arguments = planned[WITHHELD + parameter.name].arguments
            missing = [
                p.name
                for p, a in zip(program.parameters, arguments, strict=True)
                if isinstance(a, ArrayArgument) and not a.gradient
            ]
            assert missing == [parameter.name]


def test_tolerances_of_sums_leave_no_room_for_a_start_that_is_lost(runs: Runs) -> None:
    for expectation, _ in runs.values():
        for name, cells in accumulated(expectation).items():
            assert cells.checked.all()
            assert np.all(cells.tolerance <= 1e-3 * np.abs(starts(expectation)[name]))


# ---------------------------------------------------------------- which code runs


def test_the_code_for_contiguous_arrays_runs_both_ways_unless_a_gradient_is_missing(runs: Runs) -> None:
    for expectation, result in runs.values():
        assert result.cpp is not None
        for name, launch in launches(expectation).items():
            expected = launch.backward and name != "strided" and not name.startswith(WITHHELD)
            assert runs_specialized_code(expectation.program, result.cpp, launch) is expected, name
        assert SPECIALIZED in judge(expectation, result).layouts


def test_a_defect_in_the_backward_code_for_contiguous_arrays_alone_is_seen(tmp_path: Path) -> None:
    line = r'(backward_lines\.append\(f"        wp_contiguous_adj_args\.\{arg\.label\}\.strides\[0\] = )sizeof'
    with sandbox_with(tmp_path, [Defect("_src/codegen.py", line, r"\g<1>2 * (int)sizeof")]) as broken:
        (verdict,) = verify_all([PROGRAMS["added"]], broken)
    assert verdict.failure is not None
