"""What happens between a launch and the backward pass of its tape must not change the gradients."""

from __future__ import annotations

import pytest
from tiny import apply, kernel

from harness.jobs import BuildOptions
from harness.probes import PROBES, probed
from harness.probes.tapes import INDEXED_ARRAY, LIST_CHANGED, STRUCT_CHANGED, TAPES
from harness.reports.launch_text import Shown
from harness.reports.reproduction import regression, repro
from harness.reports.script_run import run_repro
from harness.sandbox import Sandbox
from harness.triage import Ledger
from harness.verdict import FailureKind, Verdict
from harness.verify import jobs, settle, try_expect
from strategies import draw
from strategies.language.nodes import Program
from strategies.language.types import FLOAT32

PLAIN = kernel(FLOAT32, lambda a, b: apply("mul", a, b))
ISSUES = {
    STRUCT_CHANGED: "tape-keeps-struct-itself",
    LIST_CHANGED: "tape-keeps-list-of-inputs",
    INDEXED_ARRAY: "tape-with-indexed-array",
}
CATEGORIES = {STRUCT_CHANGED: "struct", INDEXED_ARRAY: "indexed_array"}


def through(name: str, program: Program, sandbox: Sandbox) -> tuple[Verdict | None, bool]:
    """The verdict of a probe, if the program is right without it, and whether it was launched so."""
    expectations = [try_expect(program, 9)]
    results = sandbox.run(jobs(expectations), BuildOptions(0))
    verdicts = settle(expectations, results, sandbox)
    found, counted = probed(PROBES[name], expectations, results, verdicts, sandbox)
    return (found[0] if verdicts[0].verified else None), counted == {0: True}


def concerned(name: str) -> list[Program]:
    if name == LIST_CHANGED:
        return [PLAIN]
    (probe,) = (tape for tape in TAPES if tape.name == name)
    drawn = (draw(CATEGORIES[name], 9, n) for n in range(12))
    return [p for p in drawn if p is not None and probe.concerns(p)]


@pytest.mark.parametrize("name", ISSUES)
def test_what_a_tape_keeps_is_a_known_issue_that_its_script_shows(name: str, sandbox: Sandbox) -> None:
    for program in concerned(name):
        verdict, counted = through(name, program, sandbox)
        if verdict is None or verdict.failure is None:
            continue
        assert counted
        assert verdict.failure.kind is FailureKind.TAPE_MISMATCH
        issue = Ledger.load().explain(program, verdict, sandbox, sandbox.versions.warp)
        assert issue is not None
        assert issue.id == ISSUES[name]
        shown = Shown(program, verdict.failure, verdict.inputs, verdict.cotangents)
        assert run_repro(repro(shown)).fails
        assert "tape.backward()" in regression(shown, "tape", "a sentence")
        return
    pytest.fail("no program shows it")


def test_a_tape_that_nothing_happens_to_gives_the_gradients_again(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROBES, LIST_CHANGED, type(TAPES[1])(LIST_CHANGED, "", TAPES[1].concerns))
    verdict, counted = through(LIST_CHANGED, PLAIN, sandbox)
    assert counted
    assert verdict is not None
    assert verdict.verified
