"""`warpsmith replay`: do the stored failures still fail?"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from corpus.case import Case, DamagedCase, check_case, decode_case
from corpus.store import CASE, FAILURES, Store
from harness.commands.shared import BadUsage, Corpus, existing_corpus, say
from harness.reproduction import Shown, repro, run_repro
from harness.sandbox import BuildOptions, Sandbox
from harness.stored_case import shown
from harness.triage import Ledger, bucket
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
) -> int:
    """Run stored failures again, on their stored inputs.

    Ends with status 1 if a failure that the ledger of known issues names no longer fails.
    """
    ledger = Ledger.load()
    outdated = 0
    replayed = 0
    with Sandbox() as sandbox:
        for case in _cases(cases or [], corpus):
            now, said = _replay(case, sandbox)
            known = ledger.by_bucket(case.bucket)
            replayed += 1
            outdated += known is not None and now is not Now.FAILS
            name = case.bucket if known is None else f"{case.bucket} (known issue {known.id})"
            print(f"{name}: {now.value}" + (f": {said}" if said else ""), flush=True)
    say(f"{replayed} failures replayed, {outdated} of them known issues that no longer fail.")
    return int(outdated > 0)


def _cases(names: list[str], corpus: Path | None) -> Iterator[Case]:
    if not names:
        yield from Store.open(existing_corpus(corpus), write=False).cases()
    for name in names:
        yield _read(name, corpus)


def _read(name: str, corpus: Path | None) -> Case:
    given = Path(name)
    file = given / CASE if given.is_dir() else given
    if not file.is_file():
        file = existing_corpus(corpus) / FAILURES / name / CASE
    try:
        case = decode_case(file.read_bytes())
        check_case(case)
    except OSError as error:
        raise BadUsage(f"there is no case {name!r}: {error.strerror or error}") from error
    except DamagedCase as error:
        raise BadUsage(f"{file}: {error.reason}") from error
    return case


def _replay(case: Case, sandbox: Sandbox) -> tuple[Now, str]:
    given = shown(case)
    if case.evidence.get("confirmed") and case.inputs:
        return _run_script(given)
    # Its script never showed it, so only the oracle can say.
    (verdict,) = verify_all([case.program], sandbox, options=BuildOptions(optimization_level=given.level))
    if verdict.failure is None:
        return (Now.FIXED, "") if verdict.verified else (Now.CHANGED, verdict.reason or "")
    found = bucket(case.program, verdict.failure)
    return (Now.FAILS, "") if found == case.bucket else (Now.CHANGED, f"now it is {found}")


def _run_script(given: Shown) -> tuple[Now, str]:
    """Render the script from the syntax tree, for text from a file is never run."""
    ran = run_repro(repro(given))
    last = ran.output.splitlines()[-1] if ran.output else ""
    if ran.fails:
        return Now.FAILS, last
    if ran.fixed:
        return Now.FIXED, last
    return Now.CHANGED, f"it {ran.ending}: {last}"
