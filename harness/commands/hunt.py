"""`warpsmith hunt`: the same engine, pointed at bugs."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from harness.campaign.campaign import Campaign
from harness.campaign.progress import progress
from harness.commands.shared import (
    BadUsage,
    Category,
    CheckCuda,
    Corpus,
    Json,
    Seconds,
    Seed,
    Shrinks,
    ShrinkSeconds,
    Workers,
    as_json,
    print_json,
    run_campaign,
    say,
    sum_up,
)
from harness.frontend import hunting
from harness.probes import PROBES

FRONTEND_SECONDS: Final = 60.0
"""How long a hunt in the front end takes when nobody says."""


def hunt(
    seconds: Seconds = None,
    seed: Seed = 0,
    count: Annotated[
        int | None,
        typer.Option("--count", "-n", min=0, help="Stop after so many verified kernels; with --frontend, texts."),
    ] = None,
    category: Category = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first new failure.")] = False,
    corpus: Corpus = None,
    workers: Workers = None,
    check_cuda: CheckCuda = False,
    keep_known: Annotated[
        bool, typer.Option("--keep-known", help="Save a case of every known issue met that has none.")
    ] = False,
    probe: Annotated[
        list[str] | None,
        typer.Option(
            "--probe",
            metavar="NAME",
            help="A second way in which every kernel must give the same; more than once for several in turn. A few "
            f"batches of each if left out: {', '.join(PROBES)}.",
        ),
    ] = None,
    python: Annotated[
        str, typer.Option("--python", help="The interpreter whose Warp is hunted in; 1.14 or newer.")
    ] = sys.executable,
    shrink_seconds: ShrinkSeconds = None,
    shrinks: Shrinks = None,
    frontend: Annotated[
        bool,
        typer.Option("--frontend", help="Give Warp Python that is not in its language, which it must refuse clearly."),
    ] = False,
    json: Json = False,
) -> int:
    """Look for defects of Warp under changing build options; keeps failures and no pairs.

    Failures go below the folder given with --corpus, else into a new folder for temporary files.
    """
    for name in probe or ():
        if name not in PROBES:
            raise BadUsage(f"there is no probe {name!r}; there are {', '.join(PROBES)}")
    if frontend:
        unheeded = {
            "--category": category, "--workers": workers, "--check-cuda": check_cuda, "--probe": probe,
            "--shrink-seconds": shrink_seconds, "--shrinks": shrinks,
        }  # fmt: skip
        if given := [name for name, value in unheeded.items() if value not in (None, False, [])]:
            raise BadUsage(f"without a meaning beside --frontend: {', '.join(given)}")
    scratch = None
    if corpus is None:
        scratch = Path(tempfile.mkdtemp(prefix="warpsmith-hunt-"))
    folder = scratch or corpus
    assert folder is not None
    with contextlib.ExitStack() as stack:
        if scratch is not None:
            stack.callback(_remove_if_empty, scratch)
        if frontend:
            return _in_the_front_end(folder, seed, seconds, count, python, fail_fast, keep_known, json)
        with progress() as display:
            campaign = Campaign(
                folder,
                seed=seed,
                categories=category or (),
                count=count,
                seconds=seconds,
                workers=workers,
                hunt=True,
                fail_fast=fail_fast,
                check_cuda=check_cuda,
                keep_known=keep_known,
                probes=probe or (),
                python=python,
                shrink_seconds=shrink_seconds,
                shrinks=shrinks,
                say=display.say,
            )
            summary = run_campaign(campaign, display)
        sum_up(summary)
        if json:
            print_json(as_json(summary))
        return summary.exit_status


def _in_the_front_end(
    folder: Path,
    seed: int,
    seconds: float | None,
    count: int | None,
    python: str,
    fail_fast: bool,
    keep_known: bool,
    json: bool,
) -> int:
    limit = FRONTEND_SECONDS if seconds is None else seconds
    tally = hunting.hunt(folder, seed, limit, python, say, count=count, fail_fast=fail_fast, keep_known=keep_known)
    hunting.sum_up(tally, say)
    if json:
        failures = [
            {
                "bucket": bucket,
                "kind": met.kind,
                "known": met.known,
                "path": None if met.path is None else str(met.path),
                "hits": met.hits,
            }
            for bucket, met in tally.met.items()
            if not met.unreproduced
        ]
        unreproduced = [bucket for bucket, met in tally.met.items() if met.unreproduced]
        print_json({"texts": tally.texts, "failures": failures, "unreproduced": unreproduced})
    return int(bool(tally.new))


def _remove_if_empty(scratch: Path) -> None:
    if not any(scratch.glob("failures/*")):
        shutil.rmtree(scratch, ignore_errors=True)
