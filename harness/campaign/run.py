"""One run of a campaign: batches are asked for, and the answers accounted for in order, saved and shown."""

from __future__ import annotations

import select
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from corpus import case as case_form
from corpus import journal
from corpus.record import Record, decode_record
from corpus.store import Store
from harness.campaign.judging import lacking
from harness.campaign.memory import give_memory_back
from harness.campaign.outcomes import ReducedFailure, Result
from harness.campaign.pairs import make_provenance
from harness.campaign.plan import BATCH
from harness.campaign.reducers import LIVES, WORKERS_PER_REDUCER, Handle, Reducers, program_size
from harness.campaign.summary import Found, Snapshot, StopReason, Summary
from harness.campaign.workers import WorkerBroke, WorkerDied
from harness.jobs import Versions
from harness.probes import PROBES
from harness.reports.report import draft, store_report
from harness.triage import Ledger

if TYPE_CHECKING:
    from harness.campaign.campaign import Campaign

TASKS_AHEAD: Final = 2
"""Batches that a worker has been asked for at any time, so that it need not wait for the next."""

BATCHES_AHEAD: Final = 8
"""Batches for each worker that may be finished before the one that is next to be committed: what waits
for a slow one is held in memory."""

COMMIT_SECONDS: Final = 1.0
"""Commits are at least so far apart: each waits for the disk a dozen times."""

TICK_SECONDS: Final = 0.2
"""How long the loop sleeps at most."""

GRACE_SECONDS: Final = 8.0
"""After the time is up, so long is waited for batches that are being built."""

PATIENCE_SECONDS: Final = 10.0
"""And so much longer for failures that are being reduced: a large program is a poor report, and a small one takes
six seconds on a quiet machine."""

REPORT_SECONDS: Final = 4.0
"""Time for the script of a report on a quiet machine, nearly all of it to import Warp and to compile one kernel."""

SHRINK_SECONDS: Final = 2.0
"""At least so long is spent on a failure that a hunt meets just before its end: a third of a usual reduction."""

MAX_BROKEN: Final = 10
"""Programs over which warpsmith itself may break before a campaign ends: one must not cost a night."""

EXPECTED_YIELD: Final = 0.8
"""Share of programs that become a new pair, a little low: near the end, no more batches are begun than are
likely to be needed."""


Watch = Callable[[Snapshot], None]


class Run:
    """One run of a campaign, with all that changes while it runs."""

    def __init__(self, campaign: Campaign, store: Store, started: float) -> None:
        self._campaign = campaign
        self._plan = campaign.plan
        self._store = store
        self._started = started
        self._ledger = Ledger.load()
        self._workers: list[Handle] = []
        self._dismissed: list[Handle] = []
        self._versions: Versions | None = None
        self._deaths: Counter[str] = Counter()
        # A hunt starts at the beginning each time: it keeps no account of its programs.
        begun = journal.Progress() if self._plan.hunt else store.progress(self._plan.campaign)
        #: the next index that no worker has been asked for
        self._unasked = begun.next
        #: the next index to commit, the pairs of the campaign, and what became of each program
        self._next = begun.next
        self._first = begun.next
        self._verified = begun.verified
        self._verified_before = begun.verified
        self._counters = {category: Counter(counts) for category, counts in begun.counters.items()}
        #: finished batches, by their first index
        self._finished: dict[int, Sequence[Result]] = {}
        #: of the batches that are accounted for and not yet committed
        self._records: list[Record] = []
        self._structures: set[str] = set()
        self._committed_at = started
        self._stale = begun.stale
        self._reducers = Reducers(
            self._reducer,
            max(1, campaign.workers // WORKERS_PER_REDUCER),
            campaign.shrinks,
            campaign.say,
            self._has_no_case,
            self._reported,
            self._shrink_seconds,
            self._replace,
        )
        for index, manner in begun.unreduced:
            self._reducers.add(Result(index, self._plan.place(index)[0], "failure", manner=manner))
        self._found: dict[str, Found] = {}
        self._known: Counter[str] = Counter()
        self._probed: dict[str, tuple[int, int]] = {}
        self._broken = 0

    # -- the loop

    def run(self, watch: Watch) -> Summary:
        while (reason := self._reason()) is None:
            self._step()
            watch(self._snapshot())
        if reason in (StopReason.COUNT, StopReason.STALE):
            self._reducers.ask()
            self._dismiss_workers()
            self._finish(reason, float("inf"), watch)
        elif reason is StopReason.SECONDS:
            # A case of a known issue is worth waiting for: that is what such a hunt is for.
            patience = self._plan.limits.seconds if self._plan.keep_known else 0.0
            self._finish(reason, time.monotonic() + GRACE_SECONDS + patience, watch)
        # What met an end meanwhile says so: a failure, or the person at the keyboard.
        reason = self._reason() or reason
        self._dismiss_workers()
        self._reducers.dismiss()
        if self._plan.hunt:
            if reason is not StopReason.FAILURE:
                self._wind_up()
        elif left := len(self._reducers.remaining()):
            self._campaign.say(f"{left} failures are still to be reduced; the same command does that first")
        self._commit()
        shot = self._snapshot()
        return Summary(
            **{f: getattr(shot, f) for f in shot.__dataclass_fields__},
            stop_reason=reason,
            unreduced=self._reducers.unreduced,
            broken=self._broken,
            probed=self._probed,
        )

    def _reason(self) -> StopReason | None:
        campaign = self._campaign
        if campaign.interrupted:
            return StopReason.INTERRUPTED
        if self._plan.fail_fast and any(found.new for found in self._found.values()):
            return StopReason.FAILURE
        if (end := self._end(self._verified, self._stale)) is not None:
            return end
        if campaign.seconds is not None and time.monotonic() - self._started >= campaign.seconds:
            return StopReason.SECONDS
        return None

    def _end(self, verified: int, stale: int) -> StopReason | None:
        """Why a campaign with so many pairs, and so many programs since the last, is at its end; None if it is not."""
        campaign = self._campaign
        if campaign.count is not None and verified >= campaign.count:
            return StopReason.COUNT
        if campaign.stale is not None and stale >= campaign.stale:
            return StopReason.STALE
        return None

    def _finish(self, reason: StopReason, deadline: float, watch: Watch) -> None:
        """Wait for what was begun, and for the failures that were met, unless there is another reason to end."""
        while self._busy() and self._reason() is reason:
            more = PATIENCE_SECONDS if self._reducers.waiting else 0.0
            if time.monotonic() >= deadline + more:
                break
            self._step(ask=False)
            watch(self._snapshot())

    def _busy(self) -> bool:
        return any(worker.tasks for worker in self._workers) or self._reducers.waiting

    def _step(self, ask: bool = True) -> None:
        # First, while the worker that told of a failure has not been asked for more.
        self._reducers.ask()
        # The last failure that a campaign needs is reduced in half of the time where nothing is built beside it.
        if ask and not (self._plan.fail_fast and self._reducers.busy):
            self._ask()
        self._listen()
        while self._account():
            pass
        for result, reduced in self._reducers.finished():
            if reduced is None and (result.index, result.manner) not in self._reducers.remaining():
                self._campaign.say(
                    f"program {result.index} of the campaign failed in its batch, and not alone: no report"
                )
            for failure in () if reduced is None else (reduced, *reduced.others):
                self._keep(failure, result)
        if time.monotonic() - self._committed_at >= COMMIT_SECONDS:
            self._commit()

    def _dismiss_workers(self) -> None:
        """Tell the workers to end; nobody waits for them until the end."""
        for worker in self._workers:
            worker.dismiss()
        self._dismissed += self._workers
        self._workers.clear()

    def close(self) -> None:
        """End the workers."""
        self._reducers.dismiss()
        self._dismiss_workers()
        for worker in self._dismissed:
            worker.close()
        self._reducers.close()

    # -- workers

    def _ask(self) -> None:
        """Ask for batches, wherever fewer than enough are asked for."""
        # A process that reduces takes the place of a worker, for there is one for every core.
        wanted = max(1, self._campaign.workers - self._reducers.busy)
        while len(self._workers) < wanted:
            self._workers.append(self._campaign.engine(self._plan))
        active = self._workers[:wanted]
        ahead = BATCHES_AHEAD * len(active) * BATCH
        for tasks in range(TASKS_AHEAD):
            for worker in active:
                if len(worker.tasks) == tasks and self._unasked < self._next + ahead and self._more_needed():
                    indices = self._plan.batch(self._unasked)
                    self._unasked = indices.stop
                    self._give(worker, {"verify": indices})

    def _more_needed(self) -> bool:
        if self._campaign.count is None:
            return True
        coming = sum(result.verified for batch in self._finished.values() for result in batch)
        handles = (*self._workers, *self._reducers.handles)
        tasks: list[range] = [task["verify"] for handle in handles for task in handle.tasks if "verify" in task]
        asked = sum(index >= self._next for indices in tasks for index in indices)
        likely = self._verified + EXPECTED_YIELD * (coming + asked)
        return likely < self._campaign.count

    def _reducer(self) -> Handle:
        """A process to reduce failures: a worker that is warm and soon ready, if there is one; it draws no more."""
        warm = [worker for worker in self._workers if worker.versions is not None]
        if not warm:
            return self._campaign.engine(self._plan)
        chosen = min(warm, key=lambda worker: len(worker.tasks))
        self._workers.remove(chosen)
        return chosen

    def _give(self, worker: Handle, task: dict[str, Any]) -> None:
        try:
            worker.ask(task)
        except WorkerDied as died:
            self._replace(worker, died)

    def _replace(self, worker: Handle, died: WorkerDied) -> None:
        """A new worker for one that died, with the same tasks."""
        tasks = [task for task in worker.tasks if "verify" in task]
        for task in tasks:
            self._deaths[str(task)] += 1
            if self._deaths[str(task)] >= LIVES:
                raise WorkerBroke(f"{died}, {LIVES} times over the same programs", "") from None
        if not worker.tasks:
            self._deaths["idle"] += 1
            if self._deaths["idle"] >= LIVES:
                raise WorkerBroke(f"{died}, {LIVES} times, with nothing to do", "") from None
        if worker in self._reducers.handles:
            self._reducers.replace(worker, died)
        else:
            self._workers.remove(worker)
            worker.close()
        if tasks:
            self._workers.insert(0, self._campaign.engine(self._plan))
        for task in tasks:
            self._give(self._workers[0], task)

    def _listen(self) -> None:
        """Take in what the workers have answered; waits a moment for it."""
        handles = {handle.fileno(): handle for handle in (*self._workers, *self._reducers.handles)}
        # `select` itself knows no descriptors above 1,023
        poll = select.poll()
        for descriptor in handles:
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(1000 * TICK_SECONDS):
            worker = handles[descriptor]
            try:
                for answer in worker.answers():
                    self._take(answer) if "results" in answer else self._reducers.take(answer)
            except WorkerDied as died:
                self._replace(worker, died)
            if self._versions is None and worker.versions is not None:
                self._versions = worker.versions
                self._begin(worker.versions)

    def _begin(self, versions: Versions) -> None:
        """Say what begins, once it is known that it can."""
        say, plan = self._campaign.say, self._plan
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
        # What an earlier run has committed of a batch in whose midst it was cut stays as it is.
        results: Sequence[Result] = [result for result in answer["results"] if result.index >= self._next]
        self._finished[results[0].index] = results

    # -- accounts

    def _account(self) -> bool:
        """Account for the batch that is next, if it is finished."""
        batch = self._finished.get(self._next)
        if batch is None or self._end(self._verified, self._stale) is not None:
            return False
        results = self._up_to_end(batch)
        del self._finished[self._next]
        for result in results:
            self._tally(result)
        self._see_to(results)
        self._next = results[-1].index + 1
        return True

    def _see_to(self, results: Sequence[Result]) -> None:
        """Have the failures of a batch reduced, the smallest program first."""
        for result in sorted(results, key=program_size):
            if result.what == "failure" or self._has_no_case(result):
                self._reducers.add(result)

    def _up_to_end(self, batch: Sequence[Result]) -> Sequence[Result]:
        """The results up to the one with which the campaign is at its end, in order."""
        verified, stale, structures = self._verified, self._stale, set()
        for n, result in enumerate(batch):
            stale += 1
            if result.verified and not self._duplicate(result) and result.structure not in structures:
                structures.add(result.structure)
                verified += 1
                stale = 0
            if self._end(verified, stale) is not None:
                return batch[: n + 1]
        return batch

    def _wind_up(self) -> None:
        """Save what a hunt found last as it is, where nothing of that manner could be reduced."""
        # What was drawn beyond the end of a campaign depends on how many workers there were.
        if self._end(self._verified, self._stale) is None:
            for _, batch in sorted(self._finished.items()):
                for result in batch:
                    self._tally(result)
                self._see_to(batch)
        for result in self._reducers.without_bucket():
            assert result.evidence is not None
            self._keep(replace(ReducedFailure.unreduced(*result.evidence), of_batch=True), result)

    def _duplicate(self, result: Result) -> bool:
        if self._plan.hunt:
            return False
        return result.structure in self._structures or self._store.has_structure(result.structure)

    def _has_no_case(self, result: Result) -> bool:
        """Whether a result is a known issue that is to be kept, of which there is no case."""
        if not self._plan.keep_known or result.evidence is None:
            return False
        known = result.what.removeprefix("known:")
        return known not in self._found and not (self._store.failure_folder(known) / case_form.CASE).exists()

    def _shrink_seconds(self) -> float:
        """Time for a reduction that is begun now: in a hunt that ends soon, what is left for it before its report."""
        allowed, seconds = self._plan.limits.seconds, self._campaign.seconds
        if not self._plan.hunt or seconds is None:
            return allowed
        left = self._started + seconds + GRACE_SECONDS + PATIENCE_SECONDS - REPORT_SECONDS - time.monotonic()
        return min(allowed, max(SHRINK_SECONDS, left))

    def _reported(self) -> set[str]:
        """The buckets that need no report any more."""
        stored = self._store.failure_folder("any").parent.glob(f"*/{case_form.CASE}")
        return {*self._found, *(case.parent.name for case in stored)}

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
        if what == "broken":
            self._broken += 1
            self._campaign.say(f"warpsmith itself broke over {result.trouble}")
            if self._broken >= MAX_BROKEN:
                raise WorkerBroke(f"warpsmith itself broke over {self._broken} programs", result.trouble)
        if result.probe is not None:
            name, counted = result.probe
            tried, changed = self._probed.get(name, (0, 0))
            self._probed[name] = (tried + 1, changed + counted)
        if what.startswith("known:"):
            self._known[what.removeprefix("known:")] += 1

    def _keep(self, reduced: ReducedFailure, result: Result) -> None:
        """Save a failure, unless it is known or one of its bucket is saved already."""
        if reduced.trouble:
            self._campaign.say(reduced.trouble)
        if reduced.reduced.stopped is not None and reduced.reduced.verifications:
            self._campaign.say(f"reducing {reduced.bucket} was stopped early: {reduced.reduced.stopped}")
        if reduced.bucket in self._found:
            self._found[reduced.bucket].hits += 1
            return
        failure = reduced.reduced.verdict.failure
        assert failure is not None
        known = self._ledger.by_bucket(reduced.bucket, self._versions.warp if self._versions else None)
        self._found[reduced.bucket] = found = Found(
            reduced.bucket, failure.kind.value, None if known is None else known.id, None
        )
        if known is not None:
            self._known[known.id] += 1
        if known is None or self._plan.keep_known:
            found.path = self._store.failure_folder(reduced.bucket)
            if not (found.path / case_form.CASE).exists():
                self._report(reduced, result, found)

    def _report(self, reduced: ReducedFailure, result: Result, found: Found) -> None:
        assert self._versions is not None
        _, index = self._plan.place(result.index)
        ready = reduced.report
        if ready is None:
            provenance = make_provenance(self._versions, self._plan.seed, index)
            known = self._ledger.by_bucket(reduced.bucket, self._versions.warp)
            ready = draft(
                reduced.reduced, reduced.bucket, provenance, known, python=self._plan.python, device=reduced.device
            )
        report = store_report(self._store, ready)
        if result.index in self._reducers.seen:
            found.seconds = time.monotonic() - self._reducers.seen[result.index]
        if report.unreproduced:
            found.unreproduced, found.path = True, report.folder
            why = "it failed beside others, and not alone" if reduced.of_batch else "its script shows the right result"
            self._campaign.say(
                f"kernel {index} of category {result.category}, seed {self._plan.seed}, is not reproduced "
                f"({reduced.bucket}): {why}; it lies in {report.folder}"
            )
        elif not report.confirmed:
            self._campaign.say(f"the script of {reduced.bucket} does not show the failure by itself")

    def _commit(self) -> None:
        """Make durable what is accounted for."""
        self._committed_at = time.monotonic()
        if self._plan.hunt:
            return
        counters = {category: dict(sorted(c.items())) for category, c in self._counters.items()}
        progress = journal.Progress(self._next, self._verified, counters, self._stale, self._reducers.remaining())
        self._store.commit(self._plan.campaign, progress, self._records)
        self._records.clear()
        self._structures.clear()
        give_memory_back()

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
            wanted=self._campaign.count,
            stale=self._stale,
            stale_allowed=self._campaign.stale,
            seconds_left=self._seconds_left(seconds),
        )

    def _seconds_left(self, seconds: float) -> float | None:
        campaign, added = self._campaign, self._verified - self._verified_before
        left = []
        if campaign.seconds is not None:
            left.append(max(0.0, campaign.seconds - seconds))
        if campaign.count is not None and added:
            left.append(max(0.0, (campaign.count - self._verified) * seconds / added))
        return min(left, default=None)
