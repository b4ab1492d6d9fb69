"""What a campaign promises: the seed alone decides, and nothing that was acknowledged is lost."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

from corpus.case import decode_case
from corpus.checking import check_corpus
from corpus.files import LOCK
from corpus.journal import JOURNAL
from corpus.store import Store
from harness.campaign.campaign import Campaign
from harness.campaign.lane import Lane
from harness.campaign.order import FURTHER_SURVEYS, PECULIAR, SURVEY, hunting_order, ordered_categories
from harness.campaign.outcomes import ReducedFailure, Result
from harness.campaign.plan import BATCH, HUNT_LEVELS, SAMPLE, Plan
from harness.campaign.run import Run
from harness.campaign.summary import Snapshot, StopReason, Summary
from harness.jobs import Versions
from harness.oracle.expectation import Expectation
from harness.sandbox import Sandbox
from harness.triage import Ledger
from harness.verdict import Failure, FailureKind, failed
from harness.verify import try_expect, verify_all
from harness.worker.frames import FrameReader, write_frame
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language.nodes import Apply, Literal, Program, walk
from strategies.stream import UnknownCategory

ROOT: Final = Path(__file__).resolve().parents[1]
SEED: Final = 5
#: Several batches, so that a campaign which has committed its first has more to do.
COUNT: Final = 40
SOME: Final = ("elementwise", "loop")
COMMAND: Final = (sys.executable, "-m", "harness", "grow", "--seed", str(SEED), "-c", "loop", "-c", "elementwise")
#: Wide, for a machine that is busy.
PATIENCE: Final = 300.0


def grow(path: Path, count: int | None = COUNT, **more: Any) -> Summary:
    given: dict[str, Any] = {"seed": SEED, "categories": SOME, "workers": 1, **more}
    return Campaign(path, count=count, **given).run()


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a corpus but its lock and its failures, on whose reduction the clock has a say."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != LOCK and "failures" not in file.parts
    }


@contextmanager
def started(path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A campaign by command, which has committed something and, if it is not over, is killed in the end."""
    command, said = [*COMMAND, "--corpus", str(path), *options], path.with_name(f"{path.name}-said")
    with said.open("w") as stderr:
        process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=stderr)
    with process:
        try:
            await_commit(path / JOURNAL, process, said)
            yield process
        finally:
            process.kill()


def await_commit(journal: Path, process: subprocess.Popen[str], said: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not journal.exists() or b'"commit"' not in journal.read_bytes():
        assert process.poll() is None, f"it ended before it committed anything: {said.read_text()}"
        assert time.monotonic() < deadline, f"it has not committed anything: {said.read_text()}"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """The processes that `pid` started and those that they did."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [child for child, parent in parents.items() if parent == pid]
    return found + [grandchild for child in found for grandchild in children(child)]


def await_end(pids: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, "processes are left behind"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus that one worker grew without being disturbed."""
    path = tmp_path_factory.mktemp("reference") / "corpus"
    summary = grow(path)
    assert summary.verified == summary.added == COUNT
    assert summary.stop_reason is StopReason.COUNT
    return path


# ---------------------------------------------------------------- the seed alone decides


def test_two_workers_leave_the_corpus_that_one_leaves(reference: Path, tmp_path: Path) -> None:
    grow(tmp_path, workers=2)
    assert contents(tmp_path) == contents(reference)


def test_a_campaign_goes_on_where_a_smaller_count_ended_it(reference: Path, tmp_path: Path) -> None:
    assert grow(tmp_path, 5).verified == 5
    assert grow(tmp_path).added == COUNT - 5
    assert contents(tmp_path) == contents(reference)


def test_a_killed_campaign_started_again_leaves_the_same_corpus(reference: Path, tmp_path: Path) -> None:
    with started(tmp_path, "--workers", "1", "--count", str(COUNT)) as process:
        left = children(process.pid)
        process.kill()
        process.communicate()
    assert left
    await_end(left)
    with Store.open(tmp_path, write=False) as store:
        assert 0 < sum(p.verified for p in store.campaigns().values()) < COUNT
    grow(tmp_path, workers=2)
    assert contents(tmp_path) == contents(reference)


def test_a_worker_that_dies_costs_nothing(reference: Path, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill_one(snapshot: Snapshot) -> None:
        if snapshot.verified and not killed:
            killed.append(children(os.getpid())[0])
            os.kill(killed[0], signal.SIGKILL)

    Campaign(tmp_path, seed=SEED, categories=SOME, count=COUNT, workers=1).run(kill_one)
    assert killed
    assert contents(tmp_path) == contents(reference)


def test_the_same_campaign_again_adds_nothing(reference: Path, tmp_path: Path) -> None:
    shutil.copytree(reference, tmp_path, dirs_exist_ok=True)
    again = grow(tmp_path)
    assert (again.added, again.verified, again.stop_reason) == (0, COUNT, StopReason.COUNT)
    assert contents(tmp_path) == contents(reference)


def test_another_seed_leaves_another_corpus(reference: Path, tmp_path: Path) -> None:
    grow(tmp_path, 6, seed=SEED + 1)
    ours = {record.id for record in Store.open(tmp_path, write=False).records()}
    theirs = {record.id for record in Store.open(reference, write=False).records()}
    assert len(ours) == 6
    assert not ours & theirs


def test_a_structure_that_is_there_is_counted_and_not_added(reference: Path, tmp_path: Path) -> None:
    shutil.copytree(reference, tmp_path, dirs_exist_ok=True)
    # The stream of a category is the same whatever other categories there are.
    summary = grow(tmp_path, COUNT, categories=SOME[:1], stale=6)
    assert summary.stop_reason is StopReason.STALE
    assert summary.count("duplicate") > 0
    assert summary.added == 0


def test_a_stale_campaign_ends_at_the_same_program_however_it_came_there(reference: Path, tmp_path: Path) -> None:
    shutil.copytree(reference, tmp_path, dirs_exist_ok=True)
    # The elementwise kernels are in the reference, so nothing that this campaign draws first is new.
    for allowed in (1, 3, 3):
        summary = grow(tmp_path, None, categories=SOME[:1], stale=allowed)
        assert summary.stop_reason is StopReason.STALE
        assert summary.draws == summary.stale == allowed


# ---------------------------------------------------------------- ends


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_campaign_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "--json") as process:
        left = children(process.pid)
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode in (0, 1)
    summary = json.loads(output.splitlines()[-1])
    assert summary["stop_reason"] == "interrupted"
    assert check_corpus(tmp_path) == []
    assert sum(1 for _ in Store.open(tmp_path, write=False).records()) == summary["verified"] > 0
    assert left
    await_end(left)


def test_a_campaign_ends_when_its_time_is_up(tmp_path: Path) -> None:
    summary = grow(tmp_path, None, seconds=1.0)
    assert summary.stop_reason is StopReason.SECONDS
    assert summary.seconds < 20


# ---------------------------------------------------------------- hunting


def plant(folder: Path) -> None:
    """A copy of the installed Warp in which the adjoint of `sin` has the wrong sign."""
    spec = find_spec("warp")
    assert spec is not None
    assert spec.origin is not None
    original = Path(spec.origin).parent
    leave_out = shutil.ignore_patterns("bin", "tests", "examples", "__pycache__")
    shutil.copytree(original, folder / "warp", ignore=leave_out)
    (folder / "warp" / "bin").symlink_to(original / "bin")
    header = folder / "warp" / "native" / "builtin.h"
    text, number = re.subn(r"(void adj_sin\(T x.*?\badj_x) \+=", r"\1 -=", header.read_text(), count=1, flags=re.S)
    assert number == 1
    header.write_text(text)


def test_a_hunt_finds_a_planted_defect_and_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path / "planted")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "planted"))
    corpus = tmp_path / "hunt"
    summary = Campaign(corpus, categories=("unary",), seconds=100.0, workers=2, hunt=True, fail_fast=True).run()
    assert summary.stop_reason is StopReason.FAILURE
    assert summary.exit_status == 1
    (found,) = summary.new_failures
    assert found.kind == "backward-mismatch"
    assert "sin" in found.bucket
    (case,) = Store.open(corpus, write=False).cases()
    assert case.bucket == found.bucket
    assert not list(corpus.glob("verified/*"))


def right() -> Program:
    """A kernel that Warp builds well."""
    program = draw("unary", 0, 0)
    assert program is not None
    return program


@pytest.mark.parametrize("of_batch", [True, False])
def test_what_failed_once_and_does_not_in_its_script_is_unreproduced_and_no_failure(
    tmp_path: Path, of_batch: bool
) -> None:
    program = right()
    expected = try_expect(program, 0)
    assert isinstance(expected, Expectation)
    name = program.outputs[0].name
    value = float(expected.outputs[name].expected.ravel()[0])
    cell = (0,) * expected.outputs[name].expected.ndim
    failure = Failure(FailureKind.FORWARD_MISMATCH, "it was damaged", name, False, cell, value, value + 1, 1e-3)
    verdict = failed(failure).because(inputs=expected.inputs, cotangents=expected.cotangents, inputs_seed=expected.seed)
    said: list[str] = []
    campaign = Campaign(tmp_path, categories=("unary",), hunt=True, say=said.append)
    with Store.open(tmp_path, write=True) as store:
        run = Run(campaign, store, 0.0)
        run._versions = Versions("1.19.0", "2")
        found = replace(ReducedFailure.unreduced(program, verdict), of_batch=of_batch)
        run._keep(found, Result(0, "unary", "failure", evidence=(program, verdict)))
        assert run._snapshot().new_failures == []
        (seen,) = run._snapshot().failures
        assert list(store.cases()) == []
    assert not list(tmp_path.glob("failures/*"))
    assert seen.path == tmp_path / "unreproduced" / seen.bucket
    assert "not reproduced" in (seen.path / "README.md").read_text()
    assert decode_case((seen.path / "case.json").read_bytes()).program == program
    (sentence,) = (sentence for sentence in said if "not reproduced" in sentence)
    assert ("beside others" in sentence) == of_batch


# ---------------------------------------------------------------- plans


def test_categories_have_one_order_whatever_order_is_given() -> None:
    assert ordered_categories(("loop", "elementwise")) == ordered_categories(("elementwise", "loop"))
    assert ordered_categories(()) == tuple(CATEGORIES)
    with pytest.raises(UnknownCategory, match="no-such"):
        ordered_categories(("no-such",))


def test_categories_take_turns() -> None:
    plan = Plan(0, ("a", "b"))
    assert [plan.place(n) for n in range(4)] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


@pytest.mark.parametrize("hunt", [False, True])
def test_a_batch_is_built_in_one_way(hunt: bool) -> None:
    plan = Plan(0, ("a",), hunt=hunt)
    for start in range(0, SAMPLE * BATCH, BATCH):
        levels = {plan.options(n).optimization_level for n in plan.batch(start + 1)}
        assert len(levels) == 1


def test_some_batches_are_built_at_the_default_level() -> None:
    plan = Plan(0, ("a",))
    levels = [plan.options(n * BATCH).optimization_level for n in range(SAMPLE)]
    assert levels.count(None) == 1
    hunted = {Plan(0, ("a",), hunt=True).options(n * BATCH).optimization_level for n in range(len(HUNT_LEVELS))}
    assert hunted == set(HUNT_LEVELS)


# ---------------------------------------------------------------- failures first


class Noting(Lane):
    """Notes what it is asked for, in the order in which it would be done, and is told of its end after the last."""

    def __init__(self, requests: int, writing: int) -> None:
        self._replies = os.open(os.devnull, os.O_WRONLY)
        self._requests = requests
        self._writing = writing
        self.done: list[str] = []

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.done += request
        if len(self.done) == self._requests:
            os.close(self._writing)
        return {}


def test_a_failure_does_not_wait_for_batches_that_were_asked_for_before_it_was_met() -> None:
    reading, writing = os.pipe()
    frames = [{"verify": [0]}, {"verify": [1]}, {"reduce": 0}]
    for frame in frames:
        write_frame(writing, frame)
    lane = Noting(len(frames), writing)
    lane.serve(FrameReader(reading))
    os.close(reading)
    assert lane.done == ["reduce", "verify", "verify"]


# ---------------------------------------------------------------- known issues


REMAINDER: Final = "float-remainder-divisor-gradient"
#: Pairs after which a hunt ends: what is among so many programs has been met by then.
HUNTED: Final = 6


def seed_with_a_known_issue(sandbox: Sandbox, category: str) -> int:
    """A seed among whose first programs one divides with remainder, of which Warp gets the gradient wrong."""
    ledger = Ledger.load()
    for seed, n in itertools.product(range(400), range(HUNTED)):
        program = draw(category, seed, n)
        if program is None or not any(
            isinstance(node, Apply) and node.op == "mod" and not isinstance(node.arguments[1], Literal)
            for node in walk(program)
        ):
            continue
        (verdict,) = verify_all([program], sandbox, seed)
        known = ledger.explain(program, verdict, sandbox, sandbox.versions.warp, seed)
        if known is not None and known.id == REMAINDER:
            return seed
    raise AssertionError("no program shows the known issue")


def test_a_hunt_saves_a_case_of_a_known_issue_if_it_is_asked_to(sandbox: Sandbox, tmp_path: Path) -> None:
    seed = seed_with_a_known_issue(sandbox, "elementwise")
    hunt: dict[str, Any] = {"seed": seed, "categories": ("elementwise",), "count": HUNTED, "workers": 1, "hunt": True}
    plain = Campaign(tmp_path / "plain", **hunt).run()
    assert REMAINDER in plain.known
    assert not list((tmp_path / "plain").glob("failures/*"))
    kept = Campaign(tmp_path / "kept", keep_known=True, **hunt).run()
    assert kept.exit_status == 0
    folder = tmp_path / "kept" / "failures" / REMAINDER
    assert {file.name for file in folder.iterdir()} == {"README.md", "case.json", "repro.py", "test_repro.py"}
    with Store.open(tmp_path / "kept", write=False) as store:
        (case,) = store.cases()
    assert case.evidence["confirmed"] is True
    assert case.evidence["known"] == REMAINDER


def test_a_hunt_goes_through_the_op_table_between_its_other_kernels() -> None:
    order = hunting_order(tuple(CATEGORIES))
    assert set(order) == set(CATEGORIES)
    assert order.count(SURVEY) == 2 * len(order) / 6
    assert order[:4] == (SURVEY, "control_flow", SURVEY, "access")
    assert all(order.count(name) > 5 for name in FURTHER_SURVEYS)
    assert all(order.count(name) >= 3 for name in PECULIAR)
    assert hunting_order(("tuple", SURVEY)) == (SURVEY, SURVEY, "tuple")
    assert hunting_order(("loop", "branch")) == ("loop", "branch")
    plan = Plan(0, order, hunt=True)
    places = [plan.place(n) for n in range(3 * len(order))]
    assert len(set(places)) == len(places)
    drawn = sorted(n for category, n in places if category == SURVEY)
    assert drawn == list(range(len(drawn)))
