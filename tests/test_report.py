"""What a report promises: a script that needs no warpsmith, shows the defect, and says when it is fixed."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from corpus.case import decode_case
from corpus.record import Provenance
from corpus.store import Store
from harness.report import Report, repro, run_repro, write_report
from harness.sandbox import Sandbox
from harness.shrink import Reduced, reduce
from harness.triage import Ledger, bucket
from harness.verdict import Failure, FailureKind, failed
from harness.verify import verify_all
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Compare,
    Conditional,
    Construct,
    Element,
    Expression,
    Literal,
    Name,
    Parameter,
    Program,
    Statement,
    ThreadIndex,
)
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.ops import OPS

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


def apply(op: str, *arguments: Expression) -> Apply:
    return Apply(arguments[0].type, op, arguments)


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


def report_on(found: Reduced, folder: Path) -> Report:
    assert found.verdict.failure is not None
    name = bucket(found.program, found.verdict.failure)
    return write_report(folder, found, name, PROVENANCE, Ledger.load().by_bucket(name))


@pytest.mark.parametrize("given", [REMAINDER, CHAIN], ids=["remainder", "chain"])
def test_a_real_defect_is_shown_by_a_short_script_that_stands_alone(given: Program, sandbox: Sandbox, tmp_path: Path):
    report = report_on(reduced(given, sandbox), tmp_path)
    assert report.confirmed, report.output
    script = (report.folder / "repro.py").read_text()
    assert len(script.splitlines()) <= 35
    for module in ("warpsmith", "harness", "strategies", "corpus"):
        assert f"import {module}" not in script
        assert f"from {module}" not in script
    issue = (report.folder / "README.md").read_text()
    assert script.strip() in issue
    assert "Known issue" in issue
    case = decode_case((report.folder / "case.json").read_bytes())
    assert case.bucket == report.folder.name
    assert case.evidence["confirmed"] is True
    assert ("x" in case.inputs) == any(p.name == "x" for p in case.program.parameters)


def test_what_warp_does_right_is_reported_as_not_reproduced(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, tmp_path: Path
):
    row = OPS["sin"]
    monkeypatch.setitem(OPS, "sin", dataclasses.replace(row, reference=lambda x: row.reference(x) * 1.25))
    found = reduced(program(Assign(OUT, apply("sin", X))), sandbox)
    failure = found.verdict.failure
    assert failure is not None
    # as if it had been fixed since: Warp's value is the expected one
    right = dataclasses.replace(failure, expected=failure.actual)
    fixed = dataclasses.replace(found, verdict=found.verdict.because(failure=right))
    report = write_report(tmp_path, fixed, "forward-mismatch-sin", PROVENANCE)
    assert not report.confirmed
    assert "not reproduced" in (report.folder / "README.md").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(report.folder / "test_repro.py")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_report_goes_into_the_corpus_and_is_found_there(sandbox: Sandbox, tmp_path: Path):
    found = reduced(REMAINDER, sandbox)
    with Store.open(tmp_path / "corpus", write=True) as store:
        report = write_report(store, found, "backward-mismatch-mod", PROVENANCE)
        (case,) = store.cases()
    assert report.folder == tmp_path / "corpus" / "failures" / "backward-mismatch-mod"
    assert case.program == found.program


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


def status(
    given: Program, failure: Failure, folder: Path, inputs=INPUTS, cotangents=COTANGENTS
) -> tuple[int | None, str]:
    path = folder / "repro.py"
    path.write_text(repro(given, failure, inputs, cotangents))
    return run_repro(path)


SHOWN = [
    Failure(FailureKind.BACKWARD_MISMATCH, "", "tape", True, (0, 1), -1.0, 0.0, 1e-9),
    Failure(FailureKind.LAYOUT_MISMATCH, "", "tape", True, (0, 1, 1), 1.0, 0.0, 0.0, "strided"),
    Failure(FailureKind.MEMORY, "an input array was changed", "tape"),
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
def test_a_script_takes_what_is_right_for_fixed(failure: Failure, tmp_path: Path):
    path = tmp_path / "repro.py"
    path.write_text(repro(EVERYTHING, failure, INPUTS, COTANGENTS))
    status, output = run_repro(path)
    assert status == 0, output


@pytest.mark.parametrize("failure", SHOWN + OTHERS, ids=kind)
def test_every_kind_of_failure_has_a_script(failure: Failure):
    compile(repro(EVERYTHING, failure, INPUTS, COTANGENTS, level=0), "repro.py", "exec")


def test_a_crash_is_shown_in_a_process_of_its_own(tmp_path: Path):
    zero = Element(INT32, "out", (I,))
    integers = types.array(INT32)
    given = Program(
        "kernel", "unary", (1,),
        (Parameter("x", integers, 0, 0, (1,)), Parameter("out", integers, 0, 0, (1,), True)),
        (ThreadIndex(("i",)), Assign(zero, apply("div", Literal(INT32, 1), Element(INT32, "x", (I,))))),
    )  # fmt: skip
    found = failed(Failure(FailureKind.CRASH, "signal 8"))
    inputs = {"x": np.zeros(1, np.int32), "out": np.zeros(1, np.int32)}
    path = tmp_path / "repro.py"
    assert found.failure is not None
    path.write_text(repro(given, found.failure, inputs, {}, level=0))
    code, output = run_repro(path)
    assert code == 1, output
