"""`warpsmith replay`: do the stored failures still fail?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from corpus.case import Case
from corpus.store import Store
from harness.commands.cases import read_cases
from harness.commands.recheck import recheck
from harness.commands.shared import Corpus, Workers, existing_corpus, say
from harness.jobs import BuildOptions
from harness.reports.case_script import script_of
from harness.reports.script_run import run_repro
from harness.reports.stored_case import failure_of, shown
from harness.sandbox import Sandbox
from harness.triage import Ledger, bucket, message_head
from harness.verdict import Failure, FailureKind
from harness.verify import verify_all


class Now(Enum):
    """What has become of a stored failure; the value is for the person at the keyboard."""

    FAILS = "still fails"
    FIXED = "fixed"
    CHANGED = "changed"


def replay(
    cases: Annotated[
        list[str] | None, typer.Argument(help="Folders or files of cases, or names of buckets; all if left out.")
    ] = None,
    corpus: Corpus = None,
    everything: Annotated[bool, typer.Option("--all", help="Verify the verified pairs again as well.")] = False,
    python: Annotated[str, typer.Option("--python", help="The interpreter whose Warp is used.")] = sys.executable,
    workers: Workers = None,
) -> int:
    """Run stored failures again, on their stored inputs, and with --all the verified pairs.

    Ends with status 1 if a failure that the ledger of known issues names no longer fails, or if a verified pair
    no longer verifies.
    """
    ledger = Ledger.load()
    outdated = 0
    replayed = 0
    with Sandbox(python) as sandbox:
        for case in _cases(cases or [], corpus):
            now, said = _replay(case, sandbox, python)
            known = ledger.by_bucket(case.bucket)
            replayed += 1
            outdated += known is not None and now is not Now.FAILS
            name = case.bucket if known is None else f"{case.bucket} (known issue {known.id})"
            print(f"{name}: {now.value}" + (f": {said}" if said else ""), flush=True)
    say(f"{replayed} failures replayed, {outdated} of them known issues that no longer fail.")
    lost = _verified_again(existing_corpus(corpus), workers, python) if everything else 0
    return int(outdated + lost > 0)


def _verified_again(corpus: Path, workers: int | None, python: str) -> int:
    """How many pairs no longer verify; each of them, and each whose generated code changed, is named."""
    total = lost = changed = 0
    for found in recheck(Store.open(corpus, write=False).records(), workers, python):
        total += 1
        lost += found.problem is not None
        changed += found.problem is None and not found.same_text
        what = found.problem or (None if found.same_text else "its generated code changed")
        if what is not None:
            print(f"{found.record.type} {found.record.id[:12]}: {what}", flush=True)
    say(f"{total} pairs verified again: {lost} no longer verify, the generated code of {changed} others changed.")
    return lost


def _cases(names: list[str], corpus: Path | None) -> Iterator[Case]:
    if not names:
        yield from Store.open(existing_corpus(corpus), write=False).cases()
    yield from read_cases(names, corpus)


def _replay(case: Case, sandbox: Sandbox, python: str) -> tuple[Now, str]:
    given = shown(case)
    if case.source or (case.evidence.get("confirmed") and case.inputs):
        return _run_script(case, python)
    # Its script never showed it, so only the oracle can say.
    (verdict,) = verify_all([case.program], sandbox, options=BuildOptions(optimization_level=given.level))
    if verdict.failure is None:
        return (Now.FIXED, "") if verdict.verified else (Now.CHANGED, verdict.reason or "")
    found = bucket(case.program, verdict.failure)
    return (Now.FAILS, "") if found == case.bucket else (Now.CHANGED, f"now it is {found}")


def _run_script(case: Case, python: str) -> tuple[Now, str]:
    ran = run_repro(script_of(case), python)
    last = ran.output.splitlines()[-1] if ran.output else ""
    if ran.fails:
        return (Now.FAILS if _same_face(failure_of(case), ran.output) else Now.CHANGED), last
    if ran.fixed:
        return Now.FIXED, last
    return Now.CHANGED, f"it {ran.ending}: {last}"


def _same_face(failure: Failure, output: str) -> bool:
    """Whether Warp, or the compiler, complains of what it complained of when the case was stored."""
    if failure.kind not in (FailureKind.REJECTED, FailureKind.BUILD_ERROR):
        return True
    return message_head(output.partition("actual: ")[2]) == message_head(failure.message)
