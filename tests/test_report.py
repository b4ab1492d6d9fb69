"""What a report promises: a script that needs no warpsmith, shows the defect, and says when it is fixed."""

from __future__ import annotations

import ast
import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from planted import Defect, plant
from tiny import apply

from corpus.case import decode_case
from corpus.record import Provenance
from corpus.store import Store
from harness.jobs import BuildOptions
from harness.reports.launch_text import Shown
from harness.reports.report import MARK, Report, errors_alone, with_releases, write_report
from harness.reports.reproduction import HANG_SECONDS, LAUNCH_SECONDS, regression, repro
from harness.reports.script_run import run_repro
from harness.sandbox import Sandbox
from harness.shrink import Reduced, reduce
from harness.triage import Ledger
from harness.verdict import Failure, FailureKind
from harness.verify import AROUND, verify_all
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Compare,
    Component,
    Conditional,
    Construct,
    Element,
    Literal,
    Name,
    Parameter,
    Program,
    Statement,
    ThreadIndex,
)
from strategies.language.types import BOOL, FLOAT32, INT32

PROVENANCE = Provenance(warp="1.19.0", numpy="2", hypothesis="6", warpsmith="0", seed=1, index=2)
I = Name(INT32, "i")  # noqa: E741
X, OUT = (Element(FLOAT32, name, (I,)) for name in ("x", "out"))


def program(*body: Statement) -> Program:
    array = types.array(FLOAT32)
    return Program(
        "kernel",
        "unary",
        (2,),
        (Parameter("x", array, 0.5, 2.0, (2,)), Parameter("out", array, 0, 0, (2,), True)),
        (ThreadIndex(("i",)), *body),
    )


def half(value: float = 0.5) -> Literal:
    return Literal(FLOAT32, value)


REMAINDER = program(Assign(OUT, apply("mod", half(2.5), X)))
CHAIN = program(Assign(OUT, Conditional(FLOAT32, Compare(BOOL, ("<", "<"), (half(), half(), X)), half(1.0), half(2.0))))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as found:
        yield found


def reduced(given: Program, sandbox: Sandbox) -> Reduced:
    (verdict,) = verify_all([given], sandbox)
    return reduce(given, verdict, sandbox)


@pytest.fixture(scope="module")
def remainder(sandbox: Sandbox) -> Reduced:
    return reduced(REMAINDER, sandbox)


@pytest.fixture(scope="module")
def issue(remainder: Reduced, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report on the remainder."""
    return (report_on(remainder, tmp_path_factory.mktemp("reports")).folder / "README.md").read_text()


def report_on(found: Reduced, folder: Path) -> Report:
    assert found.verdict.failure is not None
    chained = found.verdict.failure.kind is FailureKind.REJECTED
    known = Ledger.load().by_bucket("comparison-chain-element" if chained else "float-remainder-divisor-gradient")
    assert known is not None
    return write_report(folder, found, known.id, PROVENANCE, known)


def ran_by_pytest(folder: Path, *files: Path) -> str:
    """What pytest says of files that are copied into a folder of somebody else's."""
    for number, file in enumerate(files):
        (folder / f"test_{number}.py").write_text(file.read_text())
    environment = {**os.environ, "WARP_CACHE_PATH": str(folder / "cache"), "PYTHONPATH": ""}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:warpsmith", "."],
        capture_output=True, text=True, check=False, cwd=folder, env=environment,
    ).stdout  # fmt: skip


@pytest.mark.parametrize("given", [REMAINDER, CHAIN], ids=["remainder", "chain"])
def test_a_real_defect_is_shown_by_a_short_script_that_stands_alone(given: Program, sandbox: Sandbox, tmp_path: Path):
    report = report_on(reduced(given, sandbox), tmp_path)
    assert report.confirmed, report.output
    script = (report.folder / "repro.py").read_text()
    assert len(script.splitlines()) <= 35
    test = (report.folder / "test_repro.py").read_text()
    for module in ("warpsmith", "harness", "strategies", "corpus"):
        for text in (script, test):
            assert f"import {module}" not in text
            assert f"from {module}" not in text
    issue = (report.folder / "README.md").read_text()
    assert script.strip() in issue
    assert "Known issue" in issue
    case = decode_case((report.folder / "case.json").read_bytes())
    assert case.bucket == report.folder.name
    assert case.evidence["confirmed"] is True
    assert ("x" in case.inputs) == any(p.name == "x" for p in case.program.parameters)


def test_of_a_compilers_words_a_report_has_the_errors_once():
    block = (
        "/a/b/m.cpp:7:13: error: ambiguous\n  7 |  bool(x)\n    |  ^\n/a/builtin.h:1:2: note: candidate\n 1 | half\n"
    )
    said = "Exception: build failed\n" + block + "Warp: Compilation with PCH failed, retrying\n" + block
    assert errors_alone(said) == "Exception: build failed\nmodule.cpp: error: ambiguous\n  7 |  bool(x)\n    |  ^"
    assert errors_alone("no compiler spoke") == "no compiler spoke"


def test_the_line_of_generated_code_at_fault_is_marked(issue: str):
    (marked,) = (line for line in issue.splitlines() if line.endswith(MARK))
    assert marked.strip().startswith("wp::adj_mod(")


def test_a_regression_test_fails_in_another_project_until_the_defect_is_fixed(remainder: Reduced, tmp_path: Path):
    found, failure = remainder, remainder.verdict.failure
    assert failure is not None
    # as if it had been fixed since: Warp's value is the expected one
    right = dataclasses.replace(failure, expected=failure.actual)
    fixed = dataclasses.replace(found, verdict=found.verdict.because(failure=right))
    reports = [
        write_report(tmp_path, found, "there", PROVENANCE),
        write_report(tmp_path, fixed, "gone", PROVENANCE),
    ]
    assert [report.confirmed for report in reports] == [True, False]
    assert [report.folder for report in reports] == [tmp_path / "there", tmp_path / "unreproduced" / "gone"]
    assert "not reproduced" in (reports[1].folder / "README.md").read_text()
    (tmp_path / "elsewhere").mkdir()
    said = ran_by_pytest(tmp_path / "elsewhere", *(report.folder / "test_repro.py" for report in reports))
    assert "1 failed, 1 passed" in said, said
    assert "FAILED test_0.py::test_there" in said


def test_what_is_found_out_of_releases_takes_its_place_in_the_report(issue: str):
    again = with_releases(with_releases(issue, "first"), "since 1.2.0.")
    assert "Releases: since 1.2.0." in again.splitlines()
    assert len(again.splitlines()) == len(issue.splitlines())


def test_a_report_goes_into_the_corpus_and_is_found_there(remainder: Reduced, tmp_path: Path):
    with Store.open(tmp_path / "corpus", write=True) as store:
        report = write_report(store, remainder, "backward-mismatch-mod", PROVENANCE)
        (case,) = store.cases()
    assert report.folder == tmp_path / "corpus" / "failures" / "backward-mismatch-mod"
    assert case.program == remainder.program


VECTOR = types.vector(2, types.FLOAT64)
EVERYTHING = Program(
    "np",
    "vector",
    (1, 2),
    (
        Parameter("tape", types.array(VECTOR, 2), 0.5, 2.0, (1, 2)),
        Parameter("n", INT32, 1, 2),
        Parameter("v", VECTOR, 1, 2),
        Parameter("flags", types.array(BOOL), 0, 1, (2,)),
        Parameter("out", types.array(VECTOR, 2), 0, 0, (1, 2), True),
    ),
    (
        ThreadIndex(("i", "j")),
        Assign(
            Element(VECTOR, "out", (I, Name(INT32, "j"))),
            Conditional(
                VECTOR,
                Compare(BOOL, ("<",), (Name(INT32, "n"), Literal(INT32, 5))),
                apply("add", Element(VECTOR, "tape", (I, Name(INT32, "j"))), Name(VECTOR, "v")),
                Construct(VECTOR, (Literal(types.FLOAT64, 1.0),)),
            ),
        ),
    ),
)
INPUTS = {
    "tape": np.array([[0.5, 0.25], [1.5, 2.0]]),
    "n": np.array([2], np.int32),
    "v": np.array([[1.0, 2.0]]),
    "flags": np.array([True, False]),
    "out": np.zeros((2, 2)),
}
COTANGENTS = {"out": np.array([[1.0, -1.0], [0.5, 2.0]])}


SHOWN = [
    Failure(FailureKind.BACKWARD_MISMATCH, "", "tape", True, (0, 1), -1.0, 0.0, 1e-9),
    Failure(FailureKind.LAYOUT_MISMATCH, "", "tape", True, (1, 1), 1.0, 0.0, 0.0, "strided"),
    Failure(FailureKind.MEMORY, "an input array was changed", "tape"),
    Failure(FailureKind.MEMORY, f"{AROUND} was changed", "tape"),
    Failure(FailureKind.BACKWARD_MISMATCH, "", "tape", True, (0, 1), -1.0, 0.0, 1e-9, "again"),
    Failure(FailureKind.BACKWARD_MISMATCH, "", "tape", True, (0, 1), -1.0, 0.0, 1e-9, "withheld flags"),
]
OTHERS = [
    Failure(FailureKind.FORWARD_MISMATCH, "", "out", False, (1, 1), 4.0, 5.0, 1e-9),
    Failure(FailureKind.NONDETERMINISTIC, ""),
    Failure(FailureKind.CRASH, "signal 11"),
    Failure(FailureKind.HANG, ""),
    Failure(FailureKind.REJECTED, "no"),
    Failure(FailureKind.BUILD_ERROR, "no"),
]


def kind(failure: Failure) -> str:
    return failure.kind.value


@pytest.mark.parametrize("failure", SHOWN, ids=kind)
def test_a_script_takes_what_is_right_for_fixed(failure: Failure):
    ran = run_repro(repro(Shown(EVERYTHING, failure, INPUTS, COTANGENTS)))
    assert ran.fixed, ran.output


@pytest.mark.parametrize("written", [repro, lambda shown: regression(shown, "ends", "It does not end.")])
def test_a_launch_that_may_hang_ends_though_nobody_waits_for_it(written: Callable[[Shown], str]) -> None:
    text = written(Shown(EVERYTHING, Failure(FailureKind.HANG, ""), INPUTS, COTANGENTS))
    before, _, behind = text.partition(f"signal.alarm({HANG_SECONDS})")
    assert "wp.load_module(" not in before
    building, _, running = behind.partition(f"signal.alarm({LAUNCH_SECONDS})")
    assert "wp.load_module(" in building
    assert "wp.launch(" not in building
    assert "wp.launch(" in running


def test_a_number_of_a_matrix_is_looked_at_by_its_row_and_column():
    of = types.matrix(2, 3, FLOAT32)
    number = Component(FLOAT32, Element(of, "m", (I,)), Literal(INT32, 1), column=Literal(INT32, 2))
    given = Program(
        "pick",
        "matrix",
        (2,),
        (Parameter("m", types.array(of), 0, 1, (2,)), Parameter("out", types.array(FLOAT32), 0, 0, (2,), True)),
        (ThreadIndex(("i",)), Assign(Element(FLOAT32, "out", (I,)), number)),
    )
    inputs = {"m": np.zeros((2, 6), np.float32), "out": np.zeros(2, np.float32)}
    failure = Failure(FailureKind.BACKWARD_MISMATCH, "", "m", True, (1, 5), -2.0, 0.0, 1e-9)
    script = repro(Shown(given, failure, inputs, {"out": np.array([1.0, -2.0])}))
    assert "m.grad.numpy()[1, 1, 2]" in script
    assert run_repro(script).fixed


def test_that_there_is_no_gpu_is_no_part_of_what_a_script_says() -> None:
    script = (
        "import sys\n"
        'print("out: expected 1.0, got 2.0")\n'
        'print("Warp CUDA warning: Could not find or load the NVIDIA CUDA driver. No GPU.", file=sys.stderr)\n'
        "sys.exit(1)\n"
    )
    assert run_repro(script) == (1, "out: expected 1.0, got 2.0")


def test_a_script_that_cannot_run_shows_nothing():
    ran = run_repro("import no_such_module")
    assert ran.status == 1
    assert not ran.fails
    assert not ran.fixed


@pytest.mark.parametrize("failure", SHOWN + OTHERS, ids=kind)
def test_every_kind_of_failure_has_a_script_and_a_regression_test(failure: Failure):
    shown = Shown(EVERYTHING, failure, INPUTS, COTANGENTS, level=0)
    compile(repro(shown), "repro.py", "exec")
    tree = ast.parse(regression(shown, "Some-thing.1", "A sentence."))
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)][-1] == "test_some_thing_1"
    assert ast.get_docstring(tree) == "A sentence."


def test_a_store_beyond_the_end_of_an_array_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    beyond = Defect("native/array.h", r"(    index\(buf, i, j\) = value;)", r"\1 (&index(buf, i, j))[1] = value;")
    failure = Failure(FailureKind.MEMORY, f"{AROUND} was changed", "out")
    script = repro(Shown(EVERYTHING, failure, INPUTS, COTANGENTS))
    assert run_repro(script).fixed
    monkeypatch.setenv("PYTHONPATH", str(plant(tmp_path / "planted", [beyond])))
    ran = run_repro(script)
    assert ran.fails, ran.output
    assert "expected 165" in ran.output


def test_a_crash_is_shown_in_a_process_of_its_own(tmp_path: Path):
    zero = Element(INT32, "out", (I,))
    integers = types.array(INT32)
    given = Program(
        "kernel", "unary", (1,),
        (Parameter("x", integers, 0, 0, (1,)), Parameter("out", integers, 0, 0, (1,), True)),
        (ThreadIndex(("i",)), Assign(zero, apply("div", Literal(INT32, 1), Element(INT32, "x", (I,))))),
    )  # fmt: skip
    inputs = {"x": np.zeros(1, np.int32), "out": np.zeros(1, np.int32)}
    shown = Shown(given, Failure(FailureKind.CRASH, "signal 8"), inputs, {}, level=0)
    ran = run_repro(repro(shown))
    assert ran.fails, ran.output
    (tmp_path / "regression.py").write_text(regression(shown, "crash", "It crashes."))
    assert "1 failed" in ran_by_pytest(tmp_path, tmp_path / "regression.py")


def test_what_nvrtc_alone_refuses_is_shown_without_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Defect(
        "native/builtin.h", r"(#if defined\(__CUDA_ARCH__\)\n)(\ninline __device__ float approx_rcp)", r"\1no c++\2"
    )
    monkeypatch.setenv("PYTHONPATH", str(plant(tmp_path / "planted", [broken])))
    given, options = program(Assign(OUT, X)), BuildOptions(optimization_level=0, cuda_arch=90)
    with Sandbox() as sandbox:
        (verdict,) = verify_all([given], sandbox, options=options)
    assert verdict.failure is not None
    assert verdict.failure.kind is FailureKind.BUILD_ERROR
    found = Reduced(given, verdict, 0)
    assert write_report(tmp_path, found, "there", PROVENANCE).confirmed
    monkeypatch.delenv("PYTHONPATH")
    assert write_report(tmp_path, found, "gone", PROVENANCE).unreproduced
