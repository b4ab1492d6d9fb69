"""`warpsmith replay`: do the stored failures still fail?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from corpus.case import Case, DamagedCase, check_case, decode_case
from corpus.case import Values as CaseValues
from corpus.store import CASE, FAILURES, Store
from harness.commands.shared import BadUsage, Corpus, existing_corpus, say
from harness.inputs import components
from harness.lanes import Values
from harness.report import FAILING, FIXED, REPRO, repro, run_repro
from harness.sandbox import BuildOptions, Sandbox
from harness.triage import Ledger, bucket
from harness.verdict import Failure, FailureKind
from harness.verify import verify_all
from strategies.language.nodes import Program


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
    level = case.options.get("optimization_level")
    level = level if isinstance(level, int) else None
    failure = _failure(case)
    if case.evidence.get("confirmed") and case.inputs:
        return _run_script(case, failure, level)
    # Its script never showed it, so only the oracle can say.
    (verdict,) = verify_all([case.program], sandbox, options=BuildOptions(optimization_level=level))
    if verdict.failure is None:
        return (Now.FIXED, "") if verdict.verified else (Now.CHANGED, verdict.reason or "")
    found = bucket(case.program, verdict.failure)
    return (Now.FAILS, "") if found == case.bucket else (Now.CHANGED, f"now it is {found}")


def _run_script(case: Case, failure: Failure, level: int | None) -> tuple[Now, str]:
    """Render the script from the syntax tree, for text from a file is never run."""
    script = repro(
        case.program, failure, _values(case.program, case.inputs), _values(case.program, case.cotangents), level
    )
    with tempfile.TemporaryDirectory(prefix="warpsmith-replay-") as folder:
        path = Path(folder) / REPRO
        path.write_text(script, encoding="utf-8")
        status, output = run_repro(path)
    last = output.splitlines()[-1] if output else ""
    if status == FAILING:
        return Now.FAILS, last
    if status == FIXED:
        return Now.FIXED, last
    how = "it did not end" if status is None else f"it ended with status {status}"
    return Now.CHANGED, f"{how}: {last}"


def _failure(case: Case) -> Failure:
    found = case.evidence

    def number(name: str) -> float | None:
        value = found.get(name)
        return None if value is None else float(value)

    return Failure(
        kind=FailureKind(case.kind),
        message=str(found.get("message", "")),
        parameter=found.get("parameter"),
        gradient=bool(found.get("gradient")),
        cell=tuple(found.get("cell", ())),
        expected=number("expected"),
        actual=number("actual"),
        tolerance=number("tolerance"),
        launch=str(found.get("launch", "generic")),
    )


def _values(program: Program, stored: Mapping[str, CaseValues]) -> dict[str, Values]:
    """Stored values as arrays of cells[, components]."""
    arrays: dict[str, Any] = {}
    for name, values in stored.items():
        dtype = np.dtype("?" if values.dtype == "bool" else values.dtype)
        shape = (-1, *components(program.parameter(name).type))
        arrays[name] = np.array(values.numbers(), dtype=dtype).reshape(shape)
    return arrays
