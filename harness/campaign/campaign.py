"""The loop: draw, verify, keep.

Programs are verified in batches of consecutive indices by any of several worker processes, and committed in
the order of their indices by this one.  What is a duplicate, and where a campaign ends, is decided at the
commit.  So the corpus depends on the seed and the categories alone, and not on how many workers there were,
how often the campaign was interrupted, or when.

What a person chooses about a campaign is here; one run of it is in `harness.campaign.run`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from corpus.store import Store
from harness.campaign.order import hunting_order, ordered_categories
from harness.campaign.plan import Plan
from harness.campaign.reducers import Handle
from harness.campaign.run import Run, Watch
from harness.campaign.summary import Summary
from harness.campaign.workers import WorkerHandle, find_cuda_device
from harness.shrink import Limits

MAX_DEFAULT_WORKERS: Final = 8
"""Workers when nobody says how many: one a core, and no more than this, for each needs 400 MB."""

GROW_LIMITS: Final = Limits(seconds=30.0)
HUNT_LIMITS: Final = Limits(seconds=10.0)
"""For reducing one failure; a hunt must end soon after its time."""

Engine = Callable[[Plan], Handle]
Say = Callable[[str], None]


def default_workers() -> int:
    """As many workers as there are cores, within reason."""
    return min(os.cpu_count() or 1, MAX_DEFAULT_WORKERS)


class Campaign:
    """Grows a corpus, or hunts for bugs.

    What decides its programs is in its `plan`; the other arguments are attributes under their own names, which nothing
    changes.

    Args:
        corpus: the folder that pairs and failures go to; it is made if need be.
        seed: of the programs, and of their inputs.
        categories: of kernels; all, if there are none.
        count: the verified pairs that the campaign is to have in all.
        seconds: time to draw for.
        stale: stop after so many programs in a row that gave no new pair, runs before this one included.
        workers: processes that draw and verify, each with a sandbox.
        hunt: look for failures, under changing build options, and keep no pairs.
        fail_fast: stop at the first new failure, once it is reduced and saved.
        check_cuda: generate and compile the CUDA text as well, and store it.
        keep_known: in a hunt, reduce and save one failure of every known issue that has no case yet.
        probes: in a hunt, the probes (`harness.probes.PROBES`) that every batch goes through in turn; a few batches
            of each if there are none.
        python: the interpreter whose Warp is used.
        shrink_seconds: time on the clock for reducing one failure; 10 in a hunt, else 30, if None.
        shrinks: failures that are reduced at most; any number, if None.
        say: told, in a sentence, what is worth knowing besides.
        engine: what makes a worker for a plan; processes of this machine, if it is left out.
    """

    def __init__(
        self,
        corpus: Path,
        *,
        seed: int = 0,
        categories: Sequence[str] = (),
        count: int | None = None,
        seconds: float | None = None,
        stale: int | None = None,
        workers: int | None = None,
        hunt: bool = False,
        fail_fast: bool = False,
        check_cuda: bool = False,
        keep_known: bool = False,
        probes: Sequence[str] = (),
        python: str = sys.executable,
        shrink_seconds: float | None = None,
        shrinks: int | None = None,
        say: Say = lambda sentence: None,
        engine: Engine = WorkerHandle,
    ) -> None:
        self.corpus: Final = Path(corpus)
        self.count: Final = count
        self.seconds: Final = seconds
        self.stale: Final = stale
        self.workers: Final = default_workers() if workers is None else workers
        self.shrinks: Final = shrinks
        self.say: Final = say
        self.engine: Final = engine
        device = find_cuda_device()
        chosen = ordered_categories(categories)
        limits = HUNT_LIMITS if hunt and not keep_known else GROW_LIMITS
        self.plan: Final = Plan(
            seed=seed,
            categories=hunting_order(chosen) if hunt else chosen,
            hunt=hunt,
            check_cuda=check_cuda,
            device=device,
            limits=limits if shrink_seconds is None else replace(limits, seconds=shrink_seconds),
            keep_known=keep_known,
            fail_fast=fail_fast,
            probes=tuple(probes),
            python=python,
        )
        self._interrupted = False

    @property
    def interrupted(self) -> bool:
        """Whether somebody wants `run` to end."""
        return self._interrupted

    def interrupt(self) -> None:
        """Have `run` end soon, with everything saved; may be called by a signal's handler."""
        self._interrupted = True

    def run(self, watch: Watch = lambda snapshot: None) -> Summary:
        """Draw, verify and keep until there is a reason to stop; `watch` is called a few times a second.

        Raises:
            CorpusError: the folder cannot be used, or another campaign uses it.
            SandboxError: there is no Warp that can be used.
            WorkerBroke: a worker met something that it was not made for.
        """
        started = time.monotonic()
        with Store.open(self.corpus, write=True) as store:
            state = Run(self, store, started)
            try:
                return state.run(watch)
            finally:
                state.close()
