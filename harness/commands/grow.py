"""`warpsmith grow`: verified pairs into the corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from harness.campaign import ray_engine
from harness.campaign.campaign import Campaign
from harness.campaign.plan import Plan
from harness.campaign.progress import progress
from harness.campaign.reducers import Handle
from harness.campaign.workers import WorkerHandle
from harness.commands.shared import (
    DEFAULT_CORPUS,
    BadUsage,
    Category,
    CheckCuda,
    Json,
    Seconds,
    Seed,
    Shrinks,
    ShrinkSeconds,
    Workers,
    as_json,
    print_json,
    run_campaign,
    sum_up,
)


class Engine(str, Enum):
    """Where kernels are verified."""

    LOCAL = "local"
    RAY = "ray"


@contextmanager
def _engine(engine: Engine, address: str | None) -> Iterator[tuple[Callable[[Plan], Handle], int | None]]:
    """What makes a worker, and how many there are to be unless somebody says otherwise."""
    if engine is Engine.LOCAL:
        yield WorkerHandle, None
        return
    try:
        with ray_engine.cluster(address) as places:
            yield ray_engine.RayHandle, places
    except (ray_engine.RayMissing, ray_engine.NoCluster) as error:
        raise BadUsage(str(error)) from None


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
    shrink_seconds: ShrinkSeconds = None,
    shrinks: Shrinks = None,
    engine: Annotated[
        Engine,
        typer.Option("--engine", help="Where kernels are verified: processes of this machine, or a Ray cluster."),
    ] = Engine.LOCAL,
    address: Annotated[
        str | None, typer.Option("--address", help="The Ray cluster; one is started on this machine if left out.")
    ] = None,
    json: Json = False,
) -> int:
    """Add verified pairs to a corpus, until there are enough or until Ctrl-C.

    A seed and a set of categories are a campaign. The same command again goes on where it stopped, and adds
    nothing once the campaign has its pairs; another seed adds others.
    """
    if address is not None and engine is not Engine.RAY:
        raise BadUsage("--address is for --engine ray")
    with _engine(engine, address) as (start, places), progress() as display:
        campaign = Campaign(
            corpus,
            seed=seed,
            categories=category or (),
            count=count,
            seconds=seconds,
            stale=stop_after_stale,
            workers=workers or places,
            check_cuda=check_cuda,
            shrink_seconds=shrink_seconds,
            shrinks=shrinks,
            say=display.say,
            engine=start,
        )
        summary = run_campaign(campaign, display)
    sum_up(summary)
    if json:
        print_json(as_json(summary))
    return summary.exit_status
