"""The loop: draw, verify, keep.

Programs are verified in batches of consecutive indices by any of several worker processes, and committed in
the order of their indices by this one.  What is a duplicate, and where a campaign ends, is decided at the
commit.  So the corpus depends on the seed and the categories alone, and not on how many workers there were,
how often the campaign was interrupted, or when.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any, Final, Protocol

from corpus import store as store_form
from corpus.record import Record, decode_record
from corpus.store import Store
from harness.jobs import Versions
from harness.judging import lacking
from harness.outcomes import ReducedFailure, Result
from harness.pairs import make_provenance
from harness.plan import BATCH, Plan
from harness.probes import PROBES
from harness.report import write_report
from harness.shrink import Limits
from harness.triage import Ledger
from harness.workers import WorkerBroke, WorkerDied, WorkerHandle, find_cuda_device
from strategies.categories import CATEGORIES
from strategies.language.nodes import size
from strategies.stream import UnknownCategory

MAX_DEFAULT_WORKERS: Final = 8
"""Workers when nobody says how many: one a core, and no more than this, for each needs 400 MB."""

TASKS_AHEAD: Final = 2
"""Batches that a worker has been asked for at any time: one to build, one to prepare meanwhile."""

BATCHES_AHEAD: Final = 8
"""Batches for each worker that may be finished before the one that is next to be committed: what waits
for a slow one is held in memory."""

COMMIT_SECONDS: Final = 1.0
"""Commits are at least so far apart: each waits for the disk a dozen times."""

TICK_SECONDS: Final = 0.2
"""How long the loop sleeps at most."""

GRACE_SECONDS: Final = 8.0
"""After the time is up, so long is waited for batches that are being built."""

LIVES: Final = 3
"""Workers that may die over one task before the campaign gives up."""

EXPECTED_YIELD: Final = 0.8
"""Share of programs that become a new pair, a little low: near the end, no more batches are begun than are
likely to be needed."""

SURVEY: Final = "builtin"
SURVEY_GAP: Final = 2
"""A hunt draws a kernel of this category after so many of others: two hundred rows of the table are met sooner by
kernels that apply them one by one than by those of any other category."""
FURTHER_SURVEYS: Final = ("flow", "access")
"""Of the others in a hunt every second is of one of these, in turn: small kernels of many ways through a kernel, and
of many ways to an element."""

GROW_LIMITS: Final = Limits(seconds=30.0)
HUNT_LIMITS: Final = Limits(seconds=10.0)
"""For reducing one failure; a hunt must end soon after its time."""

REDUCTIONS_AT_FIRST: Final = 3
REDUCTIONS_PER_BUCKET: Final = 2
"""Failures of one manner are reduced three times, and twice more for every different bug that came of it:
one frequent bug must not eat the campaign, nor hide another."""


class StopReason(Enum):
    """Why a campaign ended; the value is the sentence for the person at the keyboard."""

    COUNT = "the campaign has as many pairs as were asked for"
    SECONDS = "the time is up"
    STALE = "no new pair has come for as many programs as were allowed"
    FAILURE = "a new failure was found"
    INTERRUPTED = "it was interrupted; everything up to here is saved"


@dataclass
class Found:
    """A bug that failures of this run came down to.

    `known` is the id of the known issue that it is, if it is one; `path` is the folder of the saved case.
    """

    bucket: str
    kind: str
    known: str | None
    path: Path | None
    hits: int = 1
    #: from the moment a worker told of the failure to its stored report; None if there is none of this run
    seconds: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """How a campaign stands; a `Summary` without what only its end shows.

    Counts are of the whole campaign, but for `added` and `new_draws`, which are of this run.
    """

    seconds: float
    draws: int
    new_draws: int
    verified: int
    added: int
    counts: Mapping[str, int]
    known: Mapping[str, int]
    failures: Sequence[Found]
    wanted: int | None
    #: programs since the last new pair, and how many may come before the campaign ends
    stale: int
    stale_allowed: int | None
    seconds_left: float | None

    def count(self, what: str) -> int:
        """How many programs ended so."""
        return self.counts.get(what, 0)

    def share(self, what: str) -> float:
        """The share of programs that ended so."""
        return self.count(what) / self.draws if self.draws else 0.0

    @property
    def rate(self) -> float:
        """New pairs a second."""
        return self.added / self.seconds if self.seconds > 0 else 0.0

    @property
    def new_failures(self) -> list[Found]:
        """The failures that are no known issue."""
        return [found for found in self.failures if found.known is None]


@dataclass(frozen=True)
class Summary(Snapshot):
    """What came of a campaign."""

    stop_reason: StopReason = StopReason.COUNT
    #: failures of this run that were not made small, for others of the same manner had been
    unreduced: int = 0
    #: of each probe of a hunt: how many programs it was tried on, and on how many it counted
    probed: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        """1 if there is a new failure, else 0."""
        return int(bool(self.new_failures))


class Handle(Protocol):
    """A worker, as a campaign sees it; `harness.workers.WorkerHandle` says what each member does."""

    tasks: list[dict[str, Any]]
    versions: Versions | None

    def fileno(self) -> int: ...
    def ask(self, task: dict[str, Any]) -> None: ...
    def answers(self) -> Iterator[dict[str, Any]]: ...
    def dismiss(self) -> None: ...
    def close(self) -> None: ...


Engine = Callable[[Plan], Handle]
Watch = Callable[[Snapshot], None]
Say = Callable[[str], None]


def default_workers() -> int:
    """As many workers as there are cores, within reason."""
    return min(os.cpu_count() or 1, MAX_DEFAULT_WORKERS)


def ordered_categories(names: Sequence[str]) -> tuple[str, ...]:
    """`names`, or all categories if there are none, in the one order that campaigns have.

    Raises `UnknownCategory`.
    """
    for name in names:
        if name not in CATEGORIES:
            raise UnknownCategory(name)
    return tuple(name for name in CATEGORIES if not names or name in names)


def hunting_order(categories: tuple[str, ...]) -> tuple[str, ...]:
    """`categories` as a hunt goes through them: `SURVEY` again and again between the others, if it is one of them.

    Whatever else a hunt draws, it meets every row of the op table, and every kind of statement, within its first
    minutes.
    """
    if SURVEY not in categories:
        return categories
    further = [name for name in FURTHER_SURVEYS if name in categories]
    others = [name for name in categories if name != SURVEY and name not in further]
    if not further:
        groups = [others[n : n + SURVEY_GAP] for n in range(0, max(len(others), 1), SURVEY_GAP)]
    else:
        count = max(len(others), len(further))
        groups = [[further[n % len(further)], *others[n : n + 1]] for n in range(count)]
    return tuple(name for group in groups for name in (SURVEY, *group))


@dataclass(frozen=True)
class _Batch:
    indices: range
    results: Sequence[Result]


@dataclass
class _Manner:
    """What has become of the failures of one manner."""

    asked: int = 0
    buckets: set[str] = field(default_factory=set)

    @property
    def allowed(self) -> bool:
        return self.asked < REDUCTIONS_AT_FIRST + REDUCTIONS_PER_BUCKET * len(self.buckets)


class Campaign:
    """Grows a corpus, or hunts for bugs.

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
        self.corpus = Path(corpus)
        self._say = say
        self._engine = engine
        self._count = count
        self._shrinks = shrinks
        self._seconds = seconds
        self._stale = stale
        self._workers = default_workers() if workers is None else workers
        device = find_cuda_device()
        chosen = ordered_categories(categories)
        limits = HUNT_LIMITS if hunt and not keep_known else GROW_LIMITS
        self.plan = Plan(
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
            state = _Run(self, store, started)
            try:
                return state.run(watch)
            finally:
                state.close()


class _Run:
    """One run of a campaign, with all that changes while it runs."""

    def __init__(self, campaign: Campaign, store: Store, started: float) -> None:
        self._campaign = campaign
        self._plan = campaign.plan
        self._store = store
        self._started = started
        self._ledger = Ledger.load()
        self._workers: list[Handle] = []
        self._versions: Versions | None = None
        self._deaths: Counter[str] = Counter()
        # A hunt starts at the beginning each time: it keeps no account of its programs.
        begun = store_form.Progress() if self._plan.hunt else store.progress(self._plan.campaign)
        #: the next index that no worker has been asked for
        self._unasked = begun.next
        #: the next index to commit, the pairs of the campaign, and what became of each program
        self._next = begun.next
        self._first = begun.next
        self._verified = begun.verified
        self._verified_before = begun.verified
        self._counters = {category: Counter(counts) for category, counts in begun.counters.items()}
        #: finished batches, by their first index
        self._finished: dict[int, _Batch] = {}
        #: of the batches that are accounted for and not yet committed
        self._records: list[Record] = []
        self._structures: set[str] = set()
        self._committed_at = started
        self._stale = begun.stale
        self._manners: dict[str, _Manner] = {}
        #: failures that are being reduced, or that were; None for those that are not
        self._reductions: dict[int, ReducedFailure | None] = {}
        self._reducing: dict[int, Result] = {}
        self._found: dict[str, Found] = {}
        #: what is found and not yet saved: the workers are ended first, if nothing is left for them to do
        self._unsaved: list[tuple[ReducedFailure, Result]] = []
        self._known: Counter[str] = Counter()
        self._probed: dict[str, tuple[int, int]] = {}
        self._unreduced = 0
        self._shrinks_said = False
        #: when each failure was told of
        self._seen: dict[int, float] = {}

    # -- the loop

    def run(self, watch: Watch) -> Summary:
        while (reason := self._reason()) is None:
            self._step()
            watch(self._snapshot())
        if reason is StopReason.SECONDS or (self._plan.hunt and reason is StopReason.COUNT):
            # A case of a known issue is worth waiting for: that is what such a hunt is for.
            patience = self._plan.limits.seconds if self._plan.keep_known else 0.0
            deadline = time.monotonic() + GRACE_SECONDS + patience
            while self._busy() and self._reason() is reason and time.monotonic() < deadline:
                self._step(ask=False)
                watch(self._snapshot())
        for worker in self._workers:
            worker.dismiss()
        self._save()
        if self._plan.hunt:
            if reason is not StopReason.FAILURE:
                self._wind_up()
                self._save()
        elif self._reducing:
            self._campaign._say("a failure was still being reduced; the same command will find it again")
        self._commit()
        shot = self._snapshot()
        return Summary(
            **{f: getattr(shot, f) for f in shot.__dataclass_fields__},
            stop_reason=reason,
            unreduced=self._unreduced,
            probed=self._probed,
        )

    def _reason(self) -> StopReason | None:
        campaign = self._campaign
        if campaign._interrupted:
            return StopReason.INTERRUPTED
        if self._plan.fail_fast and any(found.known is None for found in self._found.values()):
            return StopReason.FAILURE
        if (end := self._end(self._verified, self._stale)) is not None:
            return end
        if campaign._seconds is not None and time.monotonic() - self._started >= campaign._seconds:
            return StopReason.SECONDS
        return None

    def _end(self, verified: int, stale: int) -> StopReason | None:
        """Why a campaign with so many pairs, and so many programs since the last, is at its end; None if it is not."""
        campaign = self._campaign
        if campaign._count is not None and verified >= campaign._count:
            return StopReason.COUNT
        if campaign._stale is not None and stale >= campaign._stale:
            return StopReason.STALE
        return None

    def _busy(self) -> bool:
        return any(worker.tasks for worker in self._workers)

    def _step(self, ask: bool = True) -> None:
        if ask:
            self._ask()
        self._listen()
        while self._account():
            pass
        if time.monotonic() - self._committed_at >= COMMIT_SECONDS:
            self._commit()

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.dismiss()
        for worker in self._workers:
            worker.close()
        self._workers.clear()

    # -- workers

    def _ask(self) -> None:
        """Ask for batches, wherever fewer than enough are asked for."""
        while len(self._workers) < self._campaign._workers:
            self._workers.append(self._campaign._engine(self._plan))
        ahead = BATCHES_AHEAD * len(self._workers) * BATCH
        for tasks in range(TASKS_AHEAD):
            for worker in self._workers:
                if len(worker.tasks) == tasks and self._unasked < self._next + ahead and self._more_needed():
                    indices = self._plan.batch(self._unasked)
                    self._unasked = indices.stop
                    self._give(worker, {"verify": indices})

    def _more_needed(self) -> bool:
        if self._campaign._count is None:
            return True
        coming = sum(result.verified for batch in self._finished.values() for result in batch.results)
        asked = sum(len(task["verify"]) for w in self._workers for task in w.tasks if "verify" in task)
        likely = self._verified + EXPECTED_YIELD * (coming + asked)
        return likely < self._campaign._count

    def _give(self, worker: Handle, task: dict[str, Any]) -> None:
        try:
            worker.ask(task)
        except WorkerDied as died:
            self._replace(worker, died)

    def _replace(self, worker: Handle, died: WorkerDied) -> None:
        """A new worker for one that died, with the same tasks."""
        for task in worker.tasks:
            self._deaths[str(task)] += 1
            if self._deaths[str(task)] >= LIVES:
                raise WorkerBroke(f"{died}, {LIVES} times over the same programs", "") from None
        if not worker.tasks:
            self._deaths["idle"] += 1
            if self._deaths["idle"] >= LIVES:
                raise WorkerBroke(f"{died}, {LIVES} times, with nothing to do", "") from None
        worker.close()
        new = self._campaign._engine(self._plan)
        self._workers[self._workers.index(worker)] = new
        for task in worker.tasks:
            new.ask(task)

    def _listen(self) -> None:
        """Take in what the workers have answered; waits a moment for it."""
        ready, _, _ = select.select(self._workers, [], [], TICK_SECONDS)
        for worker in ready:
            try:
                for answer in worker.answers():
                    self._take(answer)
            except WorkerDied as died:
                self._replace(worker, died)
            if self._versions is None and worker.versions is not None:
                self._versions = worker.versions
                self._begin(worker.versions)

    def _begin(self, versions: Versions) -> None:
        """Say what begins, once it is known that it can."""
        say, plan = self._campaign._say, self._plan
        doing = "Hunting; failures go below" if plan.hunt else "Growing the corpus in"
        say(f"{doing} {self._campaign.corpus.resolve()}, with Warp {versions.warp}.")
        if plan.device is None:
            say("There is no CUDA device: the GPU run is skipped.")
        if missing := sorted(lacking(versions)):
            say(f"Warp {versions.warp} lacks {', '.join(missing)}: kernels with these are left out.")
        if plan.hunt:
            for name in plan.probes or PROBES:
                if (reason := PROBES[name].unavailable(versions)) is not None:
                    say(f"The probe {name!r} is skipped: {reason}.")

    def _take(self, answer: Mapping[str, Any]) -> None:
        if "results" in answer:
            results: Sequence[Result] = answer["results"]
            indices = range(results[0].index, results[-1].index + 1)
            self._finished[indices.start] = _Batch(indices, results)
            if self._plan.hunt:
                # A hunt has no order to keep: the smallest program is the quickest to reduce.
                for result in sorted(results, key=_size):
                    if result.what == "failure" or self._has_no_case(result):
                        self._see_to(result)
            return
        reduced: ReducedFailure | None = answer["reduced"]
        result = self._reducing.pop(answer["index"])
        self._reductions[result.index] = reduced
        if reduced is not None:
            self._manners[result.manner].buckets.add(reduced.bucket)
            if self._plan.hunt:
                self._reductions[result.index] = None
                for failure in (reduced, *reduced.others):
                    self._keep(failure, result)

    # -- accounts

    def _account(self) -> bool:
        """Account for the batch that is next, if it is finished and its failures are reduced."""
        batch = self._finished.get(self._next)
        if batch is None or self._end(self._verified, self._stale) is not None:
            return False
        results = self._up_to_end(batch)
        failures = [result for result in results if result.what == "failure"]
        for result in failures:
            self._see_to(result)
        if any(result.index in self._reducing for result in failures):
            return False
        del self._finished[self._next]
        for result in results:
            self._tally(result)
        self._next = results[-1].index + 1
        return True

    def _up_to_end(self, batch: _Batch) -> Sequence[Result]:
        """The results up to the one with which the campaign is at its end, in order."""
        verified, stale, structures = self._verified, self._stale, set()
        for n, result in enumerate(batch.results):
            stale += 1
            if result.verified and not self._duplicate(result) and result.structure not in structures:
                structures.add(result.structure)
                verified += 1
                stale = 0
            if self._end(verified, stale) is not None:
                return batch.results[: n + 1]
        return batch.results

    def _wind_up(self) -> None:
        """Save what a hunt found last as it is, where nothing of that manner could be reduced."""
        for result in sorted(self._reducing.values(), key=_size):
            manner = self._manners[result.manner]
            if result.what == "failure" and not manner.buckets and result.evidence is not None:
                failure = ReducedFailure.unreduced(*result.evidence)
                manner.buckets.add(failure.bucket)
                self._keep(failure, result)
        for _, batch in sorted(self._finished.items()):
            for result in batch.results:
                self._tally(result)

    def _duplicate(self, result: Result) -> bool:
        if self._plan.hunt:
            return False
        return result.structure in self._structures or self._store.has_structure(result.structure)

    def _has_no_case(self, result: Result) -> bool:
        """Whether a result is a known issue that is to be kept, of which there is no case."""
        if not self._plan.keep_known or result.evidence is None:
            return False
        known = result.what.removeprefix("known:")
        return known not in self._found and not (self._store.failure_folder(known) / store_form.CASE).exists()

    def _see_to(self, result: Result) -> None:
        """Have a failure reduced, unless enough of its manner were."""
        if result.index in self._reducing or result.index in self._reductions:
            return
        manner = self._manners.setdefault(result.manner, _Manner())
        shrinks = self._campaign._shrinks
        if shrinks is not None and sum(m.asked for m in self._manners.values()) >= shrinks:
            if not self._shrinks_said:
                self._shrinks_said = True
                self._campaign._say(
                    f"{shrinks} failures were reduced, as many as allowed: further ones are counted only."
                )
            self._reductions[result.index] = None
            self._unreduced += result.what == "failure"
            return
        if not manner.allowed:
            self._reductions[result.index] = None
            self._unreduced += result.what == "failure"
            return
        manner.asked += 1
        self._seen[result.index] = time.monotonic()
        self._reducing[result.index] = result
        self._give(min(self._workers, key=lambda worker: len(worker.tasks)), {"reduce": result.index})

    def _tally(self, result: Result) -> None:
        counts = self._counters.setdefault(result.category, Counter())
        what, self._stale = result.what, self._stale + 1
        if result.verified:
            if self._duplicate(result):
                what = "duplicate"
            elif not self._plan.hunt:
                assert result.record is not None
                self._structures.add(result.structure)
                self._records.append(decode_record(result.record))
                self._stale = 0
        if what in ("backward", "forward"):
            self._verified += 1
        counts[what] += 1
        if result.probe is not None:
            name, counted = result.probe
            tried, changed = self._probed.get(name, (0, 0))
            self._probed[name] = (tried + 1, changed + counted)
        if what.startswith("known:"):
            self._known[what.removeprefix("known:")] += 1
        reduced = self._reductions.pop(result.index, None)
        if reduced is not None:
            for failure in (reduced, *reduced.others):
                self._keep(failure, result)

    def _keep(self, reduced: ReducedFailure, result: Result) -> None:
        """Save a failure, unless it is known or one of its bucket is saved already."""
        if reduced.trouble:
            self._campaign._say(reduced.trouble)
        if reduced.reduced.stopped is not None and reduced.reduced.verifications:
            self._campaign._say(f"reducing {reduced.bucket} was stopped early: {reduced.reduced.stopped}")
        if reduced.bucket in self._found:
            self._found[reduced.bucket].hits += 1
            return
        failure = reduced.reduced.verdict.failure
        assert failure is not None
        known = self._ledger.by_bucket(reduced.bucket, self._versions.warp if self._versions else None)
        path = None
        if known is None or self._plan.keep_known:
            path = self._store.failure_folder(reduced.bucket)
            if not (path / store_form.CASE).exists():
                self._unsaved.append((reduced, result))
        self._found[reduced.bucket] = Found(
            reduced.bucket, failure.kind.value, None if known is None else known.id, path
        )
        if not self._plan.fail_fast:
            self._save()
        if known is not None:
            self._known[known.id] += 1

    def _save(self) -> None:
        """Write the reports of failures; each builds and runs a script."""
        while self._unsaved:
            self._report(*self._unsaved.pop())

    def _report(self, reduced: ReducedFailure, result: Result) -> None:
        assert self._versions is not None
        _, index = self._plan.place(result.index)
        provenance = make_provenance(self._versions, self._plan.seed, index)
        known = self._ledger.by_bucket(reduced.bucket, self._versions.warp)
        report = write_report(
            self._store, reduced.reduced, reduced.bucket, provenance, known,
            python=self._plan.python, device=reduced.device,
        )  # fmt: skip
        if reduced.bucket in self._found and result.index in self._seen:
            self._found[reduced.bucket].seconds = time.monotonic() - self._seen[result.index]
        if not report.confirmed:
            self._campaign._say(f"the script of {reduced.bucket} does not show the failure by itself")

    def _commit(self) -> None:
        """Make durable what is accounted for."""
        self._committed_at = time.monotonic()
        if self._plan.hunt:
            return
        counters = {category: dict(sorted(c.items())) for category, c in self._counters.items()}
        progress = store_form.Progress(self._next, self._verified, counters, self._stale)
        self._store.commit(self._plan.campaign, progress, self._records)
        self._records.clear()
        self._structures.clear()

    # -- showing

    def _snapshot(self) -> Snapshot:
        seconds = time.monotonic() - self._started
        counts: Counter[str] = Counter()
        for of in self._counters.values():
            counts.update(of)
        return Snapshot(
            seconds=seconds,
            draws=self._next,
            new_draws=self._next - self._first,
            verified=self._verified,
            added=self._verified - self._verified_before,
            counts=counts,
            known=dict(self._known),
            failures=list(self._found.values()),
            wanted=self._campaign._count,
            stale=self._stale,
            stale_allowed=self._campaign._stale,
            seconds_left=self._seconds_left(seconds),
        )

    def _seconds_left(self, seconds: float) -> float | None:
        campaign, added = self._campaign, self._verified - self._verified_before
        left = []
        if campaign._seconds is not None:
            left.append(max(0.0, campaign._seconds - seconds))
        if campaign._count is not None and added:
            left.append(max(0.0, (campaign._count - self._verified) * seconds / added))
        return min(left, default=None)


def _size(result: Result) -> int:
    """How large a failing program is."""
    return 0 if result.evidence is None else size(result.evidence[0])
