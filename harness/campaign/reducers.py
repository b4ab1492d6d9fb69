"""Failures that wait to be reduced, and the processes of their own in which that is done while a campaign goes on.

Which failures are reduced, and in which order they are reported, depends on the order in which they were added and on
what the earlier ones came down to; not on how many processes there are or how long each takes.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from harness.campaign.outcomes import ReducedFailure, Result
from harness.campaign.workers import WorkerDied
from harness.jobs import Versions
from strategies.language.nodes import size

AT_FIRST: Final = 3
PER_BUCKET: Final = 2
"""Failures of one manner are reduced three times, and twice more for every different bug that came of it:
one frequent bug must not eat the campaign, nor hide another."""

LIVES: Final = 3
"""Processes that may die over one failure before it is kept as it is."""

WORKERS_PER_REDUCER: Final = 4
"""A campaign of so many workers has one process that reduces, and one more for every further four."""


class Handle(Protocol):
    """A worker, as a campaign sees it; `harness.campaign.workers.WorkerHandle` says what each member does."""

    tasks: list[dict[str, Any]]
    versions: Versions | None

    def fileno(self) -> int: ...
    def ask(self, task: dict[str, Any]) -> None: ...
    def answers(self) -> Iterator[dict[str, Any]]: ...
    def dismiss(self) -> None: ...
    def close(self) -> None: ...


@dataclass
class _Manner:
    """What has become of the failures of one manner: those asked about, those of them not reported, and the bugs."""

    asked: int = 0
    pending: int = 0
    buckets: set[str] = field(default_factory=set)

    @property
    def allowed(self) -> bool:
        return self.asked < AT_FIRST + PER_BUCKET * len(self.buckets)


@dataclass
class _Begun:
    """A failure that is being reduced, or was, and waits for those before it."""

    result: Result
    deaths: int = 0
    done: bool = False
    reduced: ReducedFailure | None = None


class Reducers:
    """The failures of a campaign, in order.

    Args:
        start: gives a process.
        processes: how many there are, once there is something for them to do.
        shrinks: failures that are reduced at most; any number, if None.
        say: told, in a sentence, what is worth knowing besides.
        wanted: whether a result that is a known issue is to be reduced.
        reported: the buckets of which there is a report.
        seconds: for reducing one failure that is begun now.
        lost: told of a process that died when it was asked; it has `replace` called, and sees to what else that held.
    """

    def __init__(
        self,
        start: Callable[[], Handle],
        processes: int,
        shrinks: int | None,
        say: Callable[[str], None],
        wanted: Callable[[Result], bool],
        reported: Callable[[], Collection[str]],
        seconds: Callable[[], float],
        lost: Callable[[Handle, WorkerDied], None],
    ) -> None:
        self._start, self._processes, self._shrinks, self._say = start, processes, shrinks, say
        self._wanted, self._reported, self._seconds, self._lost = wanted, reported, seconds, lost
        #: not decided about, in order
        self._queue: deque[_Begun] = deque()
        #: asked about, in the same order
        self._begun: deque[_Begun] = deque()
        #: given up until the next run, by index, with their manners
        self._left: dict[int, str] = {}
        self._manners: dict[str, _Manner] = {}
        self._shrinks_said = False
        self.handles: list[Handle] = []
        #: failures that are counted only
        self.unreduced = 0
        #: when each failure was told of, by its index
        self.seen: dict[int, float] = {}

    # -- what there is to do

    def add(self, result: Result) -> None:
        """Have a failure reduced, unless enough of its manner are by then."""
        alike = (other.result for other in self._queue if other.result.manner == result.manner)
        if result.what == "failure" and any(other.evidence for other in alike):
            # One of each manner can be reported as it is, which takes much memory.
            result = replace(result, evidence=None)
        self.seen[result.index] = time.monotonic()
        self._queue.append(_Begun(result))

    @property
    def waiting(self) -> bool:
        """Whether some failure is neither reported nor dropped."""
        return bool(self._queue or self._begun)

    @property
    def busy(self) -> int:
        """How many processes are reducing."""
        return sum(_reducing(handle) for handle in self.handles)

    def remaining(self) -> tuple[tuple[int, str], ...]:
        """The failures that are neither reported nor dropped: the index of each, and its manner."""
        waiting = {begun.result.index: begun.result.manner for begun in (*self._begun, *self._queue)}
        return tuple(sorted({**self._left, **waiting}.items()))

    def without_bucket(self) -> Iterator[Result]:
        """Of each manner of which nothing could be reduced, the smallest failure that is remaining."""
        found: dict[str, Result] = {}
        for begun in sorted((*self._begun, *self._queue), key=lambda begun: program_size(begun.result)):
            result = begun.result
            if result.what == "failure" and result.evidence and not self._manner(result).buckets:
                found.setdefault(result.manner, result)
        yield from found.values()

    # -- the processes

    def ask(self) -> None:
        """Give every process without a task the next failure, if it can be decided upon."""
        while self._queue and self.busy < self._processes:
            wanted = self._decide(self._queue[0].result)
            if wanted is None:
                return
            begun = self._queue.popleft()
            if not wanted:
                self.unreduced += begun.result.what == "failure"
                continue
            self._begun.append(begun)
            idle = next((handle for handle in self.handles if not _reducing(handle)), None)
            if idle is None:
                idle = self._start()
                self.handles.append(idle)
            self._give(idle, begun)

    def _decide(self, result: Result) -> bool | None:
        """Whether the failure that is next is to be reduced; None while that depends on those before it."""
        manner, known = self._manner(result), result.what != "failure"
        if manner.pending and (known or not manner.allowed):
            return None
        enough = self._shrinks is not None and sum(m.asked for m in self._manners.values()) >= self._shrinks
        if enough and not self._shrinks_said:
            self._shrinks_said = True
            self._say(f"{self._shrinks} failures were reduced, as many as allowed: further ones are counted only.")
        wanted = not enough and manner.allowed and (not known or self._wanted(result))
        manner.asked += wanted
        manner.pending += wanted
        return wanted

    def _give(self, handle: Handle, begun: _Begun) -> None:
        result = begun.result
        reported, seconds = frozenset(self._reported()), self._seconds()
        try:
            handle.ask({"reduce": result.index, "manner": result.manner, "reported": reported, "seconds": seconds})
        except WorkerDied as died:
            self._lost(handle, died)

    def replace(self, handle: Handle, died: WorkerDied) -> None:
        """Do without a process that died, and have another reduce what it was reducing."""
        self.handles.remove(handle)
        handle.close()
        for task in handle.tasks:
            if "reduce" not in task:
                continue
            begun = next(begun for begun in self._begun if begun.result.index == task["reduce"])
            begun.deaths += 1
            if begun.deaths < LIVES:
                new = self._start()
                self.handles.append(new)
                self._give(new, begun)
                continue
            begun.done = True
            result, times = begun.result, f"{died}, {LIVES} times over the reduction of one failure"
            if result.evidence is not None:
                begun.reduced = ReducedFailure.unreduced(*result.evidence, trouble=f"{times}: it is kept as it is")
            else:
                self._left[result.index] = result.manner
                self._say(f"{times}, program {result.index} of the campaign; the next run tries again")

    def take(self, answer: Mapping[str, Any]) -> None:
        """Take in what a process has answered."""
        begun = next(begun for begun in self._begun if begun.result.index == answer["index"])
        begun.done, begun.reduced = True, answer["reduced"]

    def finished(self) -> Iterator[tuple[Result, ReducedFailure | None]]:
        """The failures that are reduced, in order; None for those that did not fail again."""
        while self._begun and self._begun[0].done:
            begun = self._begun.popleft()
            manner = self._manner(begun.result)
            manner.pending -= 1
            if begun.reduced is not None:
                manner.buckets.add(begun.reduced.bucket)
            yield begun.result, begun.reduced

    def dismiss(self) -> None:
        """Tell the processes to end, without waiting for it."""
        for handle in self.handles:
            handle.dismiss()

    def close(self) -> None:
        """End the processes."""
        self.dismiss()
        for handle in self.handles:
            handle.close()
        self.handles.clear()

    def _manner(self, result: Result) -> _Manner:
        return self._manners.setdefault(result.manner, _Manner())


def _reducing(handle: Handle) -> bool:
    return any("reduce" in task for task in handle.tasks)


def program_size(result: Result) -> int:
    """How large a failing program is: the smallest is the quickest to reduce."""
    return 0 if result.evidence is None else size(result.evidence[0])
