"""One run of a campaign, with workers that answer as they are told: what it asks for, takes in, and says."""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.journal import Progress
from corpus.store import Store
from harness.campaign.campaign import Campaign
from harness.campaign.outcomes import Result
from harness.campaign.plan import BATCH, Plan
from harness.campaign.progress import PlainProgress
from harness.campaign.run import MAX_BROKEN, Run
from harness.campaign.summary import Snapshot, StopReason, Summary
from harness.campaign.workers import WorkerBroke, WorkerDied
from harness.commands import run
from harness.commands.grow import grow
from harness.jobs import Versions

#: Seconds after which a campaign is taken to wait for ever.
PATIENCE = 20.0


class Worker:
    """Answers at once, one batch when it is listened to; its first program fails, and fails no more when reduced."""

    def __init__(self, plan: Plan, dead_if_asked: Callable[[dict[str, Any]], bool] = lambda task: False) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.versions: Versions | None = Versions("1.0", "2.0")
        self._plan = plan
        self._dead_if_asked = dead_if_asked
        # a pipe with something in it: there is always something to listen to
        self._ready, self._finished = os.pipe()
        os.write(self._finished, b".")

    def fileno(self) -> int:
        return self._ready

    def ask(self, task: dict[str, Any]) -> None:
        self.tasks.append(task)
        if self._dead_if_asked(task):
            raise WorkerDied("a worker died of SIGKILL")

    def answers(self) -> Iterator[dict[str, Any]]:
        if not self.tasks:
            return
        task = self.tasks.pop(0)
        if "reduce" in task:
            yield {"index": task["reduce"], "reduced": None}
        else:
            yield {"results": [self._result(index) for index in task["verify"]]}

    def _result(self, index: int) -> Result:
        what = "inconclusive" if index else "failure"
        return Result(index, self._plan.place(index)[0], what, manner=f"of program {index}")

    def dismiss(self) -> None:
        pass

    def close(self) -> None:
        for end in (self._ready, self._finished):
            os.close(end)


def test_the_batches_of_a_worker_that_is_dead_when_it_is_to_reduce_are_asked_for_again(tmp_path: Path) -> None:
    died = []

    def dead_if_asked(task: dict[str, Any]) -> bool:
        if "reduce" not in task or died:
            return False
        died.append([other for other in started[0].tasks if "verify" in other])
        return True

    started: list[Worker] = []

    def start(plan: Plan) -> Worker:
        started.append(Worker(plan, dead_if_asked))
        return started[-1]

    campaign = Campaign(tmp_path, categories=("unary",), stale=4 * BATCH, workers=1, engine=start)
    begun = time.monotonic()

    def interrupt(snapshot: Snapshot) -> None:
        if time.monotonic() - begun > PATIENCE:
            campaign.interrupt()

    summary = campaign.run(interrupt)
    assert died[0], "it held no batch when it died"
    assert summary.stop_reason is StopReason.STALE
    assert summary.counts == {"failure": 1, "inconclusive": 4 * BATCH - 1}


def test_what_fails_in_its_batch_and_not_alone_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    Campaign(tmp_path, categories=("unary",), stale=BATCH, workers=1, engine=Worker, say=said.append, hunt=True).run()
    assert [line for line in said if "not alone" in line] == [
        "program 0 of the campaign failed in its batch, and not alone: no report"
    ]


class Breaking(Worker):
    """Warpsmith breaks over every `EACH`-th of its programs."""

    EACH = 5

    def _result(self, index: int) -> Result:
        what = "inconclusive" if index % self.EACH else "broken"
        return Result(index, self._plan.place(index)[0], what, trouble=f"kernel {index}: it broke\nin line 3")


def test_a_campaign_goes_on_where_warpsmith_breaks_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    summary = Campaign(tmp_path, categories=("unary",), stale=12, workers=1, engine=Breaking, say=said.append).run()
    assert summary.counts == {"broken": 3, "inconclusive": 9}
    assert summary.exit_status == 3
    assert [line for line in said if "broke" in line] == [
        f"warpsmith itself broke over kernel {n}: it broke\nin line 3" for n in (0, 5, 10)
    ]
    again = Campaign(tmp_path, categories=("unary",), stale=14, workers=1, engine=Breaking).run()
    assert (again.draws, again.exit_status) == (14, 0)


def test_a_campaign_ends_where_warpsmith_breaks_again_and_again(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, categories=("unary",), stale=1000, workers=1, engine=Breaking)
    with pytest.raises(WorkerBroke, match=f"broke over {MAX_BROKEN} programs"):
        campaign.run()


def test_what_broke_a_worker_comes_back_from_another_process() -> None:
    error = WorkerBroke("it broke", "in line 3")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is WorkerBroke
    assert str(again) == str(error) == "it broke"
    assert again.trace == "in line 3"


def test_a_batch_in_whose_midst_a_campaign_was_cut_is_asked_for_whole_and_counted_from_there(tmp_path: Path) -> None:
    started: list[Worker] = []
    asked: list[range] = []

    def note(task: dict[str, Any]) -> bool:
        asked.extend([task["verify"]] if "verify" in task else [])
        return False

    def start(plan: Plan) -> Worker:
        started.append(Worker(plan, note))
        return started[-1]

    def grown(stale: int) -> Summary:
        asked.clear()
        return Campaign(tmp_path, categories=("unary",), stale=stale, workers=1, engine=start).run()

    assert grown(BATCH + 5).draws == BATCH + 5
    assert grown(2 * BATCH + 7).counts == {"failure": 1, "inconclusive": 2 * BATCH + 6}
    assert asked[0] == range(BATCH, 2 * BATCH)


@pytest.mark.parametrize(
    ("count", "seconds", "verified", "left"),
    [
        (43, None, 10, 60.0),  # ten pairs took twenty seconds
        (43, None, 0, None),  # nobody knows how long the first will take
        (None, 50.0, 10, 30.0),
        (None, 15.0, 10, 0.0),
        (43, 50.0, 10, 30.0),
        (43, 100.0, 10, 60.0),
        (43, 100.0, 0, 80.0),
        (None, None, 10, None),
    ],
)
def test_what_is_left_is_told_from_what_was_asked_for_and_how_fast_it_went(
    count: int | None, seconds: float | None, verified: int, left: float | None, tmp_path: Path
) -> None:
    campaign = Campaign(tmp_path, categories=("unary",), count=count, seconds=seconds, engine=Worker)
    with Store.open(tmp_path, write=True) as store:
        # three pairs of an earlier run say nothing of how fast this one is
        store.commit(campaign.plan.campaign, Progress(3, 3))
        state = Run(campaign, store, time.monotonic() - 20.0)
        state._verified += verified
        told = state._snapshot().seconds_left
    assert told == (None if left is None else pytest.approx(left, abs=1.0))


@pytest.mark.parametrize(("left", "said"), [(12.4, ", left 12 s"), (None, "")])
def test_a_line_for_those_who_do_not_watch_tells_what_is_left(
    left: float | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.campaign.progress.PLAIN_SECONDS", 0.0)
    shot = Snapshot(4.0, 5, 5, 3, 3, {"inconclusive": 2}, {}, [], 10, 0, None, left)
    PlainProgress().show(shot)
    figures = "verified 3 of 10, pairs/s 0.8, inconclusive 2, known issues 0, new failures 0, elapsed 4 s"
    assert capsys.readouterr().err == f"{figures}{said}\n"


@pytest.mark.parametrize(
    ("options", "reason"), [(("--stop-after-stale", "3"), StopReason.STALE), (("--seconds", "1"), StopReason.SECONDS)]
)
def test_why_a_campaign_stopped_is_said_in_words(
    options: tuple[str, str],
    reason: StopReason,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.modules[grow.__module__], "WorkerHandle", Worker)
    assert run(["grow", *options, "-c", "unary", "--workers", "1", "--corpus", str(tmp_path)]) == 0
    assert f"Stopped: {reason.value}." in capsys.readouterr().err
