"""A kernel that is defined again is the one that is run, whatever was built under its name before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from planted import Defect, sandbox_with
from tiny import apply, kernel

from harness.jobs import BuildOptions
from harness.probes import PROBES, probed
from harness.probes.redefined import REDEFINITIONS
from harness.reports.launch_text import Shown
from harness.reports.reproduction import repro
from harness.reports.script_run import run_repro
from harness.sandbox import Sandbox
from harness.triage import bucket
from harness.verdict import FailureKind, Verdict
from harness.verify import jobs, settle, try_expect
from strategies.language.types import FLOAT32

PLAIN = kernel(FLOAT32, lambda a, b: apply("mul", a, b))
REFUSED, BUILT = REDEFINITIONS
CONTEXT = "_src/context.py"
#: A module reports that it failed to build for ever, and one that was built is never built again.
FORGETFUL = {
    REFUSED: Defect(CONTEXT, r"        # clear build failures\n        self\.failed_builds = \{\}\n", ""),
    BUILT: Defect(CONTEXT, r"(def register_kernel\((?:(?!\n    def )[\s\S])*)\n        self\.mark_modified\(\)", r"\1"),
}


def through(name: str, sandbox: Sandbox) -> tuple[Verdict, bool]:
    """The verdict of a probe on a kernel that is right without it, and whether it tried something else."""
    expectations = [try_expect(PLAIN, 9)]
    results = sandbox.run(jobs(expectations), BuildOptions(0))
    verdicts = settle(expectations, results, sandbox)
    assert verdicts[0].verified
    found, counted = probed(PROBES[name], expectations, results, verdicts, sandbox)
    return found[0], counted == {0: True}


@pytest.mark.parametrize("name", REDEFINITIONS)
def test_the_last_definition_counts(name: str, sandbox: Sandbox) -> None:
    verdict, counted = through(name, sandbox)
    assert counted
    assert verdict.verified


@pytest.fixture(params=REDEFINITIONS)
def forgetful(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Sandbox]]:
    with sandbox_with(tmp_path, [FORGETFUL[request.param]]) as damaged:
        yield request.param, damaged


def test_an_old_definition_that_is_still_there_is_seen(forgetful: tuple[str, Sandbox]) -> None:
    name, damaged = forgetful
    verdict, _ = through(name, damaged)
    assert verdict.failure is not None
    assert verdict.failure.kind is FailureKind.REDEFINITION_MISMATCH
    assert bucket(PLAIN, verdict.failure).startswith("redefinition-mismatch-defined-again-after-it-was-")
    script = repro(Shown(PLAIN, verdict.failure, verdict.inputs, verdict.cotangents))
    assert script.count("\ndef known(") == 2
    # on the damaged Warp, which is the first on the path
    assert run_repro(script).fails
