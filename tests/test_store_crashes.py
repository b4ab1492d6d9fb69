"""Whenever the process that writes a corpus dies, nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from stores import KEY, SMALL, append, commit_up_to, contents, grow, progress, record

from corpus import files, shards
from corpus.checking import check_corpus
from corpus.record import decode_record, encode_record
from corpus.store import JOURNAL_BYTES, Store


class Killed(BaseException):
    """The process is gone: from now on nothing it does has an effect."""


@contextmanager
def killed_at(count: int, monkeypatch: pytest.MonkeyPatch, half: bool) -> Iterator[Callable[[], bool]]:
    """Kills the process at its `count`-th change of a file, in the middle of a write if `half`."""
    calls = 0

    def dying(name: str) -> None:
        real = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == count and half and name == "write":
                real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            if calls >= count:
                raise Killed
            return real(*arguments, **named)

        patch.setattr(os, name, call)

    with monkeypatch.context() as patch:
        for name in ("write", "fsync", "ftruncate", "replace", "unlink", "mkdir", "rmdir"):
            dying(name)
        yield lambda: calls >= count


def crashed(start: Path, path: Path, monkeypatch: pytest.MonkeyPatch, half: bool, seen: Callable[[], bool]) -> None:
    """Copies `start` to `path` and kills a campaign there, at the first moment at which `seen` is true."""
    for count in range(1, 100):
        shutil.copytree(start, path)
        with killed_at(count, monkeypatch, half) as happened:
            doing(path, lambda store: commit_up_to(store, 8))
        assert happened()
        if seen():
            return
        shutil.rmtree(path)


def doing(path: Path, work: Callable[[Store], None]) -> None:
    """Opens, works and closes; a `Killed` on the way leaves the folder as it is, unlocked."""
    store = None
    try:
        store = Store.open(path, write=True)
        work(store)
        store.close()
    except Killed:
        pass
    finally:
        if store is not None:
            store._release()


def mend(path: Path, acknowledged: int) -> None:
    """Open a corpus after a crash: nothing that was acknowledged is lost, and all that is there is one stream."""
    with Store.open(path, write=True) as store:
        done = store.progress(KEY).next
        kept = [kept.provenance.index for kept in store.records()]
        assert done >= acknowledged
        assert sorted(kept) == list(range(done))
    assert check_corpus(path) == []


@pytest.mark.parametrize(
    ("half", "shard_bytes", "journal_bytes"),
    [(False, shards.SHARD_BYTES, JOURNAL_BYTES), (True, SMALL, JOURNAL_BYTES), (True, shards.SHARD_BYTES, 0)],
)
def test_a_process_killed_at_any_instruction_loses_nothing_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: bool, shard_bytes: int, journal_bytes: int
) -> None:
    monkeypatch.setattr(shards, "SHARD_BYTES", shard_bytes)
    monkeypatch.setattr("corpus.store.JOURNAL_BYTES", journal_bytes)
    grow(tmp_path / "whole", 12)
    whole = contents(tmp_path / "whole")
    for count in range(1, 1000):
        path = tmp_path / str(count)
        acknowledged = 0

        def work(store: Store) -> None:
            nonlocal acknowledged
            for total in (5, 6, 11):
                commit_up_to(store, total, batch=5)
                acknowledged = total

        with killed_at(count, monkeypatch, half) as happened:
            doing(path, work)
        if not happened():
            break
        mend(path, acknowledged)
        assert all(contents(path).values())
        grow(path, 12)
        assert contents(path) == whole
    assert 30 < count < 1000


def test_a_process_killed_while_it_mends_mends_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = [encode_record(record(n, seed=9)) + b"\n" for n in (1, 3, 5)]
    torn = tmp_path / "torn"
    grow(tmp_path / "start", 4)
    crashed(
        tmp_path / "start",
        torn,
        monkeypatch,
        half=True,
        seen=lambda: not contents(torn)["verified/branch.jsonl"].endswith(b"\n"),
    )
    for after in ([], foreign):
        expected = tmp_path / f"expected{len(after)}"
        shutil.copytree(torn, expected)
        append(expected, "branch", b"".join(after))
        before = len(contents(expected)["verified/branch.jsonl"])
        Store.open(expected, write=True).close()
        mended = contents(expected)
        assert len(mended["verified/branch.jsonl"]) < before
        start = contents(tmp_path / "start")["verified/branch.jsonl"]
        assert mended["verified/branch.jsonl"] == start + b"".join(after)
        for half in (False, True):
            for count in range(1, 100):
                path = tmp_path / f"mending{len(after)}{half}{count}"
                shutil.copytree(torn, path)
                append(path, "branch", b"".join(after))
                with killed_at(count, monkeypatch, half) as happened:
                    doing(path, lambda store: None)
                if not happened():
                    break
                Store.open(path, write=True).close()
                assert contents(path) == mended
            assert 3 < count < 100


WRITER = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from stores import KEY, commit_up_to
from corpus.store import Store
with Store.open(Path(sys.argv[3]), write=True) as store:
    print(flush=True)
    for total in range(2, 61, 2):
        commit_up_to(store, total, batch=2)
        print(total, flush=True)
"""


def test_kill_9_at_a_random_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    tests = Path(__file__).parent
    path = tmp_path / "corpus"
    chance = random.Random(1)
    acknowledged = kills = 0
    for _ in range(10):
        command = [sys.executable, "-c", WRITER, str(tests), str(tests.parent), str(path)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.03))
        writer.send_signal(signal.SIGKILL)
        said = [int(line) for line in writer.stdout.read().split() if line.strip()]
        writer.stdout.close()
        kills += writer.wait() == -signal.SIGKILL
        acknowledged = max([acknowledged, *said])
        mend(path, acknowledged)
    assert kills > 0
    grow(path, 60)
    grow(tmp_path / "whole", 60)
    assert contents(path) == contents(tmp_path / "whole")


def test_records_from_elsewhere_are_kept_through_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seed or not, appended before or after the crash: only the unacknowledged are taken out."""
    foreign = [record(n, seed=seed) for seed in (1, 9) for n in (100, 102)]
    grow(tmp_path / "start", 4)
    append(tmp_path / "start", "loop", b"".join(encode_record(r) + b"\n" for r in foreign[:2]))
    path = tmp_path / "path"
    loop = "verified/loop.jsonl"
    crashed(tmp_path / "start", path, monkeypatch, False, lambda: contents(path)[loop].count(b"\n") == 6)
    append(path, "loop", b"".join(encode_record(r) + b"\n" for r in foreign[2:]))
    with Store.open(path, write=True) as store:
        assert list(store.records("loop")) == [record(0), record(2), *foreign]
        assert store.has_structure(foreign[-1].structure)
        assert store.progress(KEY) == progress(4)
    assert check_corpus(path) == []


def test_a_copy_of_an_unacknowledged_record_appended_by_hand_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path / "start", 4)
    path = tmp_path / "path"
    loop = "verified/loop.jsonl"
    crashed(tmp_path / "start", path, monkeypatch, False, lambda: contents(path)[loop].count(b"\n") == 4)
    append(path, "loop", encode_record(record(4)) + b"\n")
    with Store.open(path, write=True) as store:
        assert list(store.records("loop")) == [record(0), record(2), record(4)]
        assert store.progress(KEY) == progress(4)


def test_a_torn_last_line_is_cut_off_and_a_whole_one_ended(tmp_path: Path) -> None:
    grow(tmp_path, 4)
    line = encode_record(record(100, seed=9))
    append(tmp_path, "loop", line)
    append(tmp_path, "branch", encode_record(record(101, seed=9))[:-1])
    append(tmp_path, "new", b'{"schema":1')
    with (tmp_path / "campaigns.jsonl").open("ab") as file:
        file.write(b'{"event":"begin","camp')
    problems = check_corpus(tmp_path)
    assert problems == [
        "campaigns.jsonl, line 2: it breaks off",
        "verified/branch.jsonl, line 3: it breaks off",
        "verified/loop.jsonl, line 3: it does not end in a newline",
        "verified/new.jsonl, line 1: it breaks off",
    ]
    with Store.open(tmp_path, write=False) as store:
        assert len(list(store.records())) == 5
    with Store.open(tmp_path, write=True) as store:
        assert list(store.records("branch")) == [record(1), record(3)]
        assert list(store.records("loop"))[-1] == decode_record(line)
        assert store.categories() == ("branch", "loop")
        assert store.progress(KEY) == progress(4)
    assert check_corpus(tmp_path) == []


def test_a_journal_without_its_last_newline_is_whole(tmp_path: Path) -> None:
    grow(tmp_path, 4)
    before = contents(tmp_path)
    journal = tmp_path / "campaigns.jsonl"
    journal.write_bytes(journal.read_bytes()[:-1])
    grow(tmp_path, 4)
    assert contents(tmp_path) == before


def test_a_long_torn_line_is_cut_where_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK", 16)
    grow(tmp_path, 4)
    before = contents(tmp_path)
    append(tmp_path, "loop", encode_record(record(100))[:-1])
    grow(tmp_path, 4)
    assert contents(tmp_path) == before


def test_files_left_by_a_broken_off_replacement_are_removed(tmp_path: Path) -> None:
    grow(tmp_path, 4)
    before = contents(tmp_path)
    (tmp_path / "failures" / "b").mkdir(parents=True)
    (tmp_path / "unreproduced" / "c").mkdir(parents=True)
    left = [".campaigns.jsonl.tmp", "verified/.loop.jsonl.tmp", "failures/b/.case.json.tmp", "failures/b/.repro.py.tmp"]
    left += ["unreproduced/c/.README.md.tmp"]
    for name in left:
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / ".other.tmp").write_bytes(b"not ours")
    grow(tmp_path, 4)
    assert contents(tmp_path) == {**before, ".other.tmp": b"not ours"}
