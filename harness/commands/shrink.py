"""`warpsmith shrink`: reduce stored failures further."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from corpus.case import Case
from harness.campaign.campaign import GROW_LIMITS
from harness.campaign.plan import Plan
from harness.campaign.reduction import Reduction
from harness.commands.cases import Failures, folder_of, read_cases
from harness.commands.shared import BadUsage, Corpus, ShrinkSeconds
from harness.oracle.expectation import ATTEMPTS
from harness.reports.report import write_report
from harness.sandbox import Sandbox
from harness.triage import Ledger
from strategies.language.nodes import size


def shrink(
    failures: Failures,
    corpus: Corpus = None,
    shrink_seconds: ShrinkSeconds = None,
    python: Annotated[
        str, typer.Option("--python", help="The interpreter whose Warp has the failure.")
    ] = sys.executable,
) -> int:
    """Reduce stored failures, and write the report of each that became smaller anew.

    A failure stays in its bucket: what fails in another way is not taken for it.
    """
    limits = GROW_LIMITS if shrink_seconds is None else replace(GROW_LIMITS, seconds=shrink_seconds)
    cases = read_cases(failures, corpus)
    for case in cases:
        if case.source or case.evidence.get("variant"):
            raise BadUsage(f"{case.bucket} is no failure of one program: only the hunt that meets it can reduce it")
    with Sandbox(python) as sandbox:
        for name, case in zip(failures, cases, strict=True):
            # the inputs that the failure was stored with
            seed = int(case.evidence.get("inputs_seed", 0)) // ATTEMPTS
            reduction = Reduction(Plan(seed, (), limits=limits, python=python), sandbox, None)
            print(f"{case.bucket}: {_shrunken(case, reduction, folder_of(name, case, corpus), python)}", flush=True)
    return 0


def _shrunken(case: Case, reduction: Reduction, folder: Path, python: str) -> str:
    """What became of a case, whose report is written anew if there is a smaller program."""
    found = reduction.again(case.program)
    if found is None:
        return "does not fail any more"
    if found.trouble:
        return found.trouble
    limit = "" if found.reduced.stopped is None else f" (stopped early: {found.reduced.stopped})"
    before, after = size(case.program), size(found.reduced.program)
    if found.reduced.program == case.program:
        return f"as small as it was, {before} nodes{limit}"
    ledger = Ledger.load()
    known = ledger.by_bucket(case.bucket)
    if ledger.by_bucket(found.bucket) != known:
        return f"left as it is: what fails now is {found.bucket}"
    report = write_report(folder.parent, found.reduced, case.bucket, case.provenance, known, python=python)
    shown = "" if report.confirmed else "; its script does not show the failure by itself"
    return f"{after} nodes instead of {before}{limit}{shown}"
