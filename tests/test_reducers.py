"""Failures are reduced in processes of their own: the campaign goes on, and timing and deaths change nothing."""

from __future__ import annotations

import functools
import itertools
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from planted import Defect, plant

from corpus.case import CASE, decode_case
from corpus.files import LOCK
from corpus.store import Store
from harness.campaign.campaign import GROW_LIMITS, HUNT_LIMITS, Campaign
from harness.campaign.outcomes import ReducedFailure, Result
from harness.campaign.pairs import make_provenance
from harness.campaign.plan import Plan
from harness.campaign.reducers import AT_FIRST, LIVES, Handle, Reducers
from harness.campaign.run import GRACE_SECONDS, PATIENCE_SECONDS, REPORT_SECONDS, SHRINK_SECONDS, Run
from harness.campaign.summary import Snapshot, StopReason
from harness.campaign.workers import WorkerDied, WorkerHandle
from harness.commands import run
from harness.reports.stored_case import make_case
from harness.sandbox import Sandbox
from harness.shrink import Reduced
from harness.verdict import Failure, FailureKind, Verdict, failed
from harness.verify import verify_all
from strategies import draw
from strategies.language.nodes import Program, size

# ---------------------------------------------------------------- which, and in which order


class Process:
    """Answers when it is told to, with the bucket that `bucket_of` gives; dies over `deadly` failures."""

    def __init__(self, deadly: frozenset[int] = frozenset()) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.versions = None
        self.deadly = deadly
        self.closed = False

    def fileno(self) -> int:
        raise AssertionError("nobody waits in this test")

    def ask(self, task: dict[str, Any]) -> None:
        self.tasks.append(task)

    def answers(self) -> Iterator[dict[str, Any]]:
        task = self.tasks[0]
        if task["reduce"] in self.deadly:
            raise WorkerDied("a worker died of SIGKILL")
        self.tasks.remove(task)
        yield {"index": task["reduce"], "reduced": reduced(task["reduce"])}

    def dismiss(self) -> None:
        self.close()

    def close(self) -> None:
        self.closed = True


def program() -> Program:
    found = draw("unary", 0, 0)
    assert found is not None
    return found


PROGRAM = program()
VERDICT: Verdict = failed(Failure(FailureKind.FORWARD_MISMATCH, "planted"))


def bucket_of(index: int) -> str:
    """Every fifth failure is one of five others; every seventh does not fail again."""
    return f"bug-{index % 25}" if index % 5 == 0 else "bug"


def reduced(index: int) -> ReducedFailure | None:
    return None if index % 7 == 6 else ReducedFailure(bucket_of(index), Reduced(PROGRAM, VERDICT, 1), "cpu")


def failures() -> list[Result]:
    manners = random.Random(3).choices(("a", "b"), k=40)
    return [Result(n, "unary", "failure", manner=m, evidence=(PROGRAM, VERDICT)) for n, m in enumerate(manners)]


def nobody(handle: Handle, died: WorkerDied) -> None:
    raise AssertionError("no process dies in this test when it is asked")


class Fates:
    """Reduces failures that come in by and by, in an order that `seed` decides."""

    def __init__(self, processes: int, seed: int, shrinks: int | None = None, deadly: frozenset[int] = frozenset()):
        self.said: list[str] = []
        self.made: list[Process] = []
        self.found: list[tuple[int, str | None]] = []
        self.troubles: list[str] = []
        self.reducers = Reducers(
            lambda: self._process(deadly),
            processes,
            shrinks,
            self.said.append,
            lambda result: True,
            lambda: (),
            lambda: 10.0,
            lambda handle, died: self.reducers.replace(handle, died),
        )
        chance, coming = random.Random(seed), failures()
        while coming or self.reducers.waiting:
            if coming and (chance.random() < 0.5 or not self.reducers.waiting):
                self.reducers.add(coming.pop(0))
            self.reducers.ask()
            assert self.reducers.busy <= processes
            busy = [handle for handle in self.reducers.handles if handle.tasks]
            if busy and chance.random() < 0.5:
                self._hear(chance.choice(busy))
            for result, failure in self.reducers.finished():
                self.found.append((result.index, None if failure is None else failure.bucket))
                self.troubles += [failure.trouble] if failure is not None and failure.trouble else []
        self.reducers.close()
        assert all(process.closed for process in self.made)

    def _process(self, deadly: frozenset[int]) -> Process:
        self.made.append(Process(deadly))
        return self.made[-1]

    def _hear(self, handle: Any) -> None:
        try:
            for answer in handle.answers():
                self.reducers.take(answer)
        except WorkerDied as died:
            self.reducers.replace(handle, died)


@pytest.mark.parametrize("shrinks", [None, 7])
def test_what_is_reduced_and_in_which_order_does_not_depend_on_processes_and_timing(shrinks: int | None) -> None:
    wanted = Fates(1, 0, shrinks)
    assert len(wanted.found) == (shrinks or len(wanted.found)) > AT_FIRST
    assert len(wanted.found) + wanted.reducers.unreduced == len(failures())
    assert any("as many as allowed" in sentence for sentence in wanted.said) == (shrinks is not None)
    for processes, seed in itertools.product((1, 2, 5), range(20)):
        fates = Fates(processes, seed, shrinks)
        assert fates.found == wanted.found
        assert fates.reducers.unreduced == wanted.reducers.unreduced


def test_one_bug_is_reduced_three_times_and_twice_more_for_the_bug_that_it_is() -> None:
    reducers = Reducers(Process, 1, None, lambda sentence: None, lambda result: True, lambda: (), lambda: 10.0, nobody)
    for n in range(1, 5 * 20):
        if n % 5 and n % 7 != 6:
            reducers.add(Result(n, "unary", "failure", manner="one"))
    times = 0
    while reducers.waiting:
        reducers.ask()
        for handle in reducers.handles:
            for answer in [*handle.answers()] if handle.tasks else []:
                reducers.take(answer)
        times += len([*reducers.finished()])
    assert times == AT_FIRST + 2


def test_a_failure_over_which_processes_die_is_tried_again_and_then_kept_as_it_is() -> None:
    fates = Fates(2, 1, deadly=frozenset({0}))
    index, bucket = fates.found[0]
    assert index == 0
    assert bucket == ReducedFailure.unreduced(PROGRAM, VERDICT).bucket
    (trouble,) = fates.troubles
    assert f"{LIVES} times" in trouble
    assert len(fates.made) >= LIVES


def test_a_failure_of_which_nothing_is_held_is_left_to_the_next_run_if_processes_die_over_it() -> None:
    said: list[str] = []
    start = functools.partial(Process, frozenset({4}))
    reducers = Reducers(start, 1, None, said.append, lambda result: True, lambda: (), lambda: 10.0, nobody)
    reducers.add(Result(4, "unary", "failure", manner="m"))
    while reducers.waiting:
        reducers.ask()
        for handle in reducers.handles:
            try:
                list(handle.answers())
            except WorkerDied as died:
                reducers.replace(handle, died)
        assert [failure for _, failure in reducers.finished()] in ([], [None])
    assert reducers.remaining() == ((4, "m"),)
    assert "the next run" in said[0]


def test_a_hunt_gives_a_late_failure_the_time_that_is_left(tmp_path: Path) -> None:
    def seconds(began: float, **more: Any) -> float:
        with Store.open(tmp_path, write=True) as store:
            return Run(Campaign(tmp_path, seconds=60.0, **more), store, time.monotonic() - began)._shrink_seconds()

    assert seconds(10.0, hunt=True) == HUNT_LIMITS.seconds
    assert 5.0 < seconds(58.0, hunt=True) <= 2.0 + GRACE_SECONDS + PATIENCE_SECONDS - REPORT_SECONDS
    assert seconds(80.0, hunt=True) == SHRINK_SECONDS
    # a corpus keeps what is not reduced for the next run
    assert seconds(80.0) == GROW_LIMITS.seconds


# ---------------------------------------------------------------- a campaign on a Warp with a defect

#: Of the first elementwise programs of this seed two fail with a wrong sine: the second, and one behind the fifth.
SEED, COUNT = 15, 20
HALTED_UNTIL = 17
SINE = Defect("native/builtin.h", r"(void adj_sin\(T x[^}]*?\badj_x) \+=", r"\1 -=")


@pytest.fixture(scope="module")
def warp_with_a_defect(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant(tmp_path_factory.mktemp("planted"), [SINE])


class Halted(WorkerHandle):
    """A worker whose first reduction begins when the test says so, or is killed."""

    def __init__(self, plan: Plan) -> None:
        self.asked: list[dict[str, Any]] = []
        super().__init__(plan)
        self.halt = True

    def ask(self, task: dict[str, Any]) -> None:
        if "reduce" in task and self.halt:
            self.asked.append(task)
            self.tasks.append(task)
        else:
            super().ask(task)

    def go_on(self) -> None:
        self.halt = False
        for task in self.asked:
            self._write(task)
        self.asked.clear()


def test_pairs_are_committed_while_a_failure_is_reduced_and_killing_its_process_loses_nothing(
    warp_with_a_defect: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(warp_with_a_defect))
    handles: list[Halted] = []

    def start(plan: Plan) -> Halted:
        handles.append(Halted(plan))
        return handles[-1]

    verified_meanwhile: list[int] = []

    def let_go(snapshot: Snapshot) -> None:
        for handle in handles:
            if handle.asked:
                verified_meanwhile.append(snapshot.verified)
                if snapshot.verified >= HALTED_UNTIL:
                    handle.go_on()

    given: dict[str, Any] = {"seed": SEED, "categories": ("elementwise",), "count": COUNT, "shrinks": 1}
    summary = Campaign(tmp_path / "halted", workers=1, engine=start, **given).run(let_go)
    assert summary.stop_reason is StopReason.COUNT
    assert verified_meanwhile[-1] >= HALTED_UNTIL > verified_meanwhile[0]

    killed: list[int] = []

    def kill(snapshot: Snapshot) -> None:
        for handle in handles:
            if handle.asked and not killed:
                killed.append(handle.pid)
                handle.asked.clear()
                os.kill(handle.pid, signal.SIGKILL)
            elif handle.asked:
                handle.go_on()

    handles.clear()
    again = Campaign(tmp_path / "killed", workers=2, engine=start, **given).run(kill)
    assert killed
    assert [found.bucket for found in again.failures] == [found.bucket for found in summary.failures]
    assert "sin" in summary.new_failures[0].bucket
    assert contents(tmp_path / "killed") == contents(tmp_path / "halted")
    for handle in handles:
        assert not Path(f"/proc/{handle.pid}").exists()


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a corpus but its lock; of failures the case."""
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and file.name != LOCK]
    return {str(f.relative_to(path)): f.read_bytes() for f in files if "failures" not in f.parts or f.suffix == ".json"}


def test_a_failure_that_a_campaign_did_not_come_to_reduce_is_reduced_by_the_next_run(
    warp_with_a_defect: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(warp_with_a_defect))
    said: list[str] = []
    given: dict[str, Any] = {"seed": SEED, "categories": ("elementwise",), "count": 5, "workers": 1, "shrinks": 1}
    first = Campaign(tmp_path, say=said.append, engine=Halted, **given)

    def interrupt(snapshot: Snapshot) -> None:
        if snapshot.count("failure"):
            first.interrupt()

    assert first.run(interrupt).failures == []
    assert any("still to be reduced" in sentence for sentence in said)
    with Store.open(tmp_path, write=False) as store:
        (progress,) = store.campaigns().values()
    assert [index for index, _ in progress.unreduced] == [1]
    again = Campaign(tmp_path, **given).run()
    assert "sin" in again.new_failures[0].bucket
    with Store.open(tmp_path, write=False) as store:
        (progress,) = store.campaigns().values()
    assert progress.unreduced == ()


def test_a_stored_failure_is_reduced_by_command(
    warp_with_a_defect: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(warp_with_a_defect))
    program = draw("elementwise", SEED, 1)
    assert program is not None
    with Sandbox() as sandbox:
        (verdict,) = verify_all([program], sandbox, SEED)
        provenance = make_provenance(sandbox.versions, SEED, 1)
    found = ReducedFailure.unreduced(program, verdict)
    with Store.open(tmp_path, write=True) as store:
        folder = store.save_case(make_case(found.reduced, found.bucket, provenance))
    assert run(["shrink", found.bucket, "--corpus", str(tmp_path)]) == 0
    assert f"nodes instead of {size(program)}" in capsys.readouterr().out
    case = decode_case((folder / CASE).read_bytes())
    assert case.bucket == found.bucket
    assert size(case.program) < size(program)
    assert case.evidence["confirmed"] is True
