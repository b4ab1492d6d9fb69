"""`warpsmith grow`: verified pairs into the corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.campaign import Campaign
from harness.commands.shared import (
    DEFAULT_CORPUS,
    Category,
    CheckCuda,
    Json,
    Seconds,
    Seed,
    Workers,
    as_json,
    print_json,
    run_campaign,
    sum_up,
)
from harness.progress import progress


def grow(
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=0, help="The campaign's verified pairs in all.")
    ] = None,
    seconds: Seconds = None,
    seed: Seed = 0,
    category: Category = None,
    corpus: Annotated[Path, typer.Option("--corpus", help="The folder of the corpus.")] = DEFAULT_CORPUS,
    workers: Workers = None,
    stop_after_stale: Annotated[
        int | None, typer.Option("--stop-after-stale", min=1, help="Stop once so many draws in a row gave no new pair.")
    ] = None,
    check_cuda: CheckCuda = False,
    json: Json = False,
) -> int:
    """Add verified pairs to a corpus, until there are enough or until Ctrl-C.

    A seed and a set of categories are a campaign. The same command again goes on where it stopped, and adds
    nothing once the campaign has its pairs; another seed adds others.
    """
    with progress() as display:
        campaign = Campaign(
            corpus,
            seed=seed,
            categories=category or (),
            count=count,
            seconds=seconds,
            stale=stop_after_stale,
            workers=workers,
            check_cuda=check_cuda,
            say=display.say,
        )
        summary = run_campaign(campaign, display)
    sum_up(summary)
    if json:
        print_json(as_json(summary))
    return summary.exit_status
