"""A kernel that is defined again is the one that is run, whatever was built under its name before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from planted import Defect, sandbox_with
from test_tapes import PLAIN, through

from harness.probes.redefined import REDEFINITIONS
from harness.reports.launch_text import Shown
from harness.reports.reproduction import repro
from harness.reports.script_run import run_repro
from harness.sandbox import Sandbox
from harness.triage import bucket
from harness.verdict import FailureKind

REFUSED, BUILT = REDEFINITIONS
CONTEXT = "_src/context.py"
#: A module reports that it failed to build for ever, and one that was built is never built again.
FORGETFUL = {
    REFUSED: Defect(CONTEXT, r"        # clear build failures\n        self\.failed_builds = \{\}\n", ""),
    BUILT: Defect(CONTEXT, r"(def register_kernel\((?:(?!\n    def )[\s\S])*)\n        self\.mark_modified\(\)", r"\1"),
}


@pytest.mark.parametrize("name", REDEFINITIONS)
def test_the_last_definition_counts(name: str, sandbox: Sandbox) -> None:
    verdict, counted = through(name, PLAIN, sandbox)
    assert counted
    assert verdict is not None
    assert verdict.verified


@pytest.fixture(params=REDEFINITIONS)
def forgetful(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Sandbox]]:
    with sandbox_with(tmp_path, [FORGETFUL[request.param]]) as damaged:
        yield request.param, damaged


def test_an_old_definition_that_is_still_there_is_seen(forgetful: tuple[str, Sandbox]) -> None:
    name, damaged = forgetful
    verdict, _ = through(name, PLAIN, damaged)
    assert verdict is not None
    assert verdict.failure is not None
    assert verdict.failure.kind is FailureKind.REDEFINITION_MISMATCH
    assert bucket(PLAIN, verdict.failure).startswith("redefinition-mismatch-defined-again-after-it-was-")
    script = repro(Shown(PLAIN, verdict.failure, verdict.inputs, verdict.cotangents))
    assert script.count("\ndef known(") == 2
    # on the damaged Warp, which is the first on the path
    assert run_repro(script).fails
