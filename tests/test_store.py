"""What the folder of a corpus promises: one writer, and nothing acknowledged is ever lost."""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from corpus import files, shards
from corpus.case import Case
from corpus.digests import DigestSet
from corpus.record import (
    CorpusError,
    Provenance,
    Record,
    Verification,
    check_record,
    decode_record,
    encode_record,
    make_record,
)
from corpus.store import CorpusBusy, DamagedCorpus, Progress, Store, check_corpus
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Element,
    Expression,
    Name,
    Parameter,
    Program,
    ThreadIndex,
)
from strategies.language.types import FLOAT32, INT32

KEY = "seed 1: branch, loop"
CATEGORIES = ("loop", "branch")


def record(number: int, seed: int = 1) -> Record:
    """The record at `number` of a campaign's stream: a structure of its own for each number and seed."""
    value: Expression = Element(FLOAT32, "x", (Name(INT32, "i"),))
    for digit in f"{seed:b}2{number:b}":
        value = Apply(FLOAT32, ("sin", "cos", "tan")[int(digit)], (value,))
    program = Program(
        f"k{number}",
        CATEGORIES[number % 2],
        (4,),
        (Parameter("x", types.array(FLOAT32), 0.0, 1.0, (4,), output=True),),
        (ThreadIndex(("i",)), Assign(Element(FLOAT32, "x", (Name(INT32, "i"),)), value)),
    )
    verification = Verification(
        tier="backward",
        devices=("cpu",),
        forward_error=0.0,
        forward_tolerance=1e-6,
        cells_checked=1.0,
        gradients_checked=1.0,
        inputs_seed=number,
        launch=(4,),
        layouts=("contiguous",),
        options={},
    )
    provenance = Provenance(warp="1", numpy="2", hypothesis="6", warpsmith="0", seed=seed, index=number)
    return make_record(program, cpp=f"// {number}\n" * 20, verification=verification, provenance=provenance)


def progress(next: int) -> Progress:
    return Progress(next, next, {"loop": {"verified": (next + 1) // 2}, "branch": {"verified": next // 2}})


def grow(path: Path, total: int, batch: int = 4, key: str = KEY, seed: int = 1) -> None:
    """A whole campaign, from wherever it stands."""
    with Store.open(path, write=True) as store:
        commit_up_to(store, total, batch, key, seed)


def commit_up_to(store: Store, total: int, batch: int = 4, key: str = KEY, seed: int = 1) -> None:
    while (start := store.progress(key).next) < total:
        stop = min(start + batch, total)
        store.commit(key, progress(stop), [record(number, seed) for number in range(start, stop)])


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a corpus but the lock."""
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


def append(path: Path, category: str, text: bytes) -> None:
    folder = path / "verified"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{category}.jsonl").open("ab") as file:
        file.write(text)


# ---------------------------------------------------------------- keeping


def test_what_was_committed_is_there_for_the_next_reader(tmp_path: Path) -> None:
    with Store.open(tmp_path / "new" / "corpus", write=True) as store:
        assert store.progress(KEY) == Progress()
        assert not store.has_structure(record(0).structure)
        store.commit(KEY, progress(3), [record(n) for n in range(3)])
        assert store.has_structure(record(0).structure)
    with Store.open(tmp_path / "new" / "corpus", write=False) as store:
        assert store.progress(KEY) == progress(3)
        assert store.campaigns() == {KEY: progress(3)}
        assert store.categories() == ("branch", "loop")
        assert list(store.records("loop")) == [record(0), record(2)]
        assert list(store.records()) == [record(1), record(0), record(2)]
        assert store.has_structure(record(2).structure)
        assert not store.has_structure(record(3).structure)
    assert check_corpus(tmp_path / "new" / "corpus") == []


def test_the_folder_does_not_depend_on_batches_or_restarts(tmp_path: Path) -> None:
    grow(tmp_path / "a", 20, batch=20)
    grow(tmp_path / "b", 20, batch=1)
    for total in (3, 4, 13, 20, 20):
        grow(tmp_path / "c", total, batch=3)
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == contents(tmp_path / "c")
    assert len(contents(tmp_path / "a")["campaigns.jsonl"].splitlines()) == 1


def test_opening_and_closing_changes_no_byte_and_no_date(tmp_path: Path) -> None:
    grow(tmp_path, 5)
    grow(tmp_path, 5, key="other", seed=2)

    def dates() -> list[int]:
        return [file.stat().st_mtime_ns for file in sorted(tmp_path.rglob("*.jsonl"))]

    before = contents(tmp_path), dates()
    with Store.open(tmp_path, write=True) as store:
        store.commit(KEY, progress(5))
    assert (contents(tmp_path), dates()) == before


def test_campaigns_share_a_folder(tmp_path: Path) -> None:
    grow(tmp_path, 5)
    grow(tmp_path, 7, key="other", seed=2)
    grow(tmp_path, 6)
    with Store.open(tmp_path, write=False) as store:
        assert list(store.campaigns().items()) == [("other", progress(7)), (KEY, progress(6))]
        assert len(list(store.records())) == 13


def test_a_commit_without_records_notes_how_far_the_campaign_came(tmp_path: Path) -> None:
    with Store.open(tmp_path, write=True) as store:
        store.commit(KEY, Progress(10, 0, {"loop": {"discarded": 10}}))
    with Store.open(tmp_path, write=False) as store:
        assert store.progress(KEY) == Progress(10, 0, {"loop": {"discarded": 10}})
    assert list(contents(tmp_path)) == ["campaigns.jsonl"]


def test_counters_that_the_caller_goes_on_counting_in_are_its_own(tmp_path: Path) -> None:
    counters = {"loop": {"discarded": 1}}
    with Store.open(tmp_path, write=True) as store:
        store.commit(KEY, Progress(0, 0, counters))
        counters["loop"]["discarded"] = 2
        store.commit(KEY, Progress(0, 0, counters))
        store.progress(KEY).counters["loop"]["discarded"] = 9
    with Store.open(tmp_path, write=False) as store:
        assert store.progress(KEY).counters == {"loop": {"discarded": 2}}


def test_the_journal_does_not_depend_on_the_order_of_counters(tmp_path: Path) -> None:
    counters = {"loop": {"a": 1, "b": 2}, "branch": {"a": 3}}
    for name in ("forth", "back"):
        with Store.open(tmp_path / name, write=True) as store:
            store.commit(KEY, Progress(1, 0, counters))
        counters = {key: dict(reversed(of.items())) for key, of in reversed(counters.items())}
    assert contents(tmp_path / "forth") == contents(tmp_path / "back")


def test_a_structure_is_kept_once(tmp_path: Path) -> None:
    with Store.open(tmp_path, write=True) as store:
        store.commit(KEY, progress(1), [record(0)])
        before = contents(tmp_path)
        with pytest.raises(ValueError, match="already"):
            store.commit(KEY, progress(2), [record(0)])
        with pytest.raises(ValueError, match="already"):
            store.commit(KEY, progress(3), [record(1), record(1)])
        assert contents(tmp_path) == before
        store.commit(KEY, progress(2), [record(1)])


def test_a_campaign_does_not_go_backwards(tmp_path: Path) -> None:
    with Store.open(tmp_path, write=True) as store:
        store.commit(KEY, progress(4))
        with pytest.raises(ValueError, match="back"):
            store.commit(KEY, progress(3))


def test_a_reader_writes_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path, write=False) as store:
        with pytest.raises(ValueError, match="not open for writing"):
            store.commit(KEY, progress(1))
        assert store.categories() == ()
    assert list(tmp_path.iterdir()) == []


def test_a_record_is_found_by_the_start_of_its_id(tmp_path: Path) -> None:
    grow(tmp_path, 40)
    with Store.open(tmp_path, write=False) as store:
        assert store.find(record(7).id) == record(7)
        assert store.find(record(7).id[:12]) == record(7)
        with pytest.raises(CorpusError, match="no record"):
            store.find("zz")
        with pytest.raises(CorpusError, match="no record"):
            store.find("")
        shared = next(d for d in "0123456789abcdef" if sum(record(n).id[0] == d for n in range(40)) > 1)
        with pytest.raises(CorpusError, match=r"\d+ records"):
            store.find(shared)


def test_the_journal_speaks_only_after_the_records_are_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[tuple[str, str]] = []

    def noted(name: str) -> None:
        real = getattr(os, name)

        def call(descriptor: int, *arguments: Any) -> Any:
            log.append((name, Path(os.readlink(f"/proc/self/fd/{descriptor}")).name))
            return real(descriptor, *arguments)

        monkeypatch.setattr(os, name, call)

    with Store.open(tmp_path, write=True) as store:
        store.commit(KEY, progress(2), [record(0), record(1)])
        noted("write")
        noted("fsync")
        store.commit(KEY, progress(4), [record(2), record(3)])
        monkeypatch.undo()
    files = ("campaigns.jsonl", "branch.jsonl", "loop.jsonl", "campaigns.jsonl")
    assert log == [(call, file) for file in files for call in ("write", "fsync")]


# ---------------------------------------------------------------- one writer


def test_a_second_writer_is_turned_away_at_once(tmp_path: Path) -> None:
    with Store.open(tmp_path, write=True):
        start = time.monotonic()
        with pytest.raises(CorpusBusy, match=r"another campaign is running on .*; wait for it or choose"):
            Store.open(tmp_path, write=True)
        assert time.monotonic() - start < 1.0
        with Store.open(tmp_path, write=False):
            pass
    with Store.open(tmp_path, write=True):
        pass


def test_any_thread_may_let_the_next_writer_in(tmp_path: Path) -> None:
    store = Store.open(tmp_path, write=True)
    thread = threading.Thread(target=store.close)
    thread.start()
    thread.join()
    Store.open(tmp_path, write=True).close()


def test_a_store_that_could_not_be_opened_is_not_locked(tmp_path: Path) -> None:
    append(tmp_path, "loop", b"nonsense\n")
    for _ in range(2):
        with pytest.raises(DamagedCorpus):
            Store.open(tmp_path, write=True)


def test_a_forked_worker_neither_holds_the_lock_nor_gives_it_away(tmp_path: Path) -> None:
    store = Store.open(tmp_path, write=True)
    ready, go_on = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        refused = False
        try:
            store.commit(KEY, progress(1), [record(0)])
        except ValueError:
            refused = True
        store.close()
        os.close(go_on)
        os.read(ready, 1)
        os._exit(0 if refused else 1)
    try:
        time.sleep(0.1)
        with pytest.raises(CorpusBusy):
            Store.open(tmp_path, write=True)
        store.close()
        Store.open(tmp_path, write=True).close()
    finally:
        os.close(ready)
        os.close(go_on)
        _, status = os.waitpid(child, 0)
    assert status == 0


# ---------------------------------------------------------------- large categories


#: Bytes of a shard that two records of these tests fit in, and not a third.
SMALL: int = 2 * len(encode_record(record(16))) + 60


def sharded(path: Path) -> dict[str, int]:
    """The records in each file of a corpus."""
    return {name: text.count(b"\n") for name, text in contents(path).items() if name.startswith("verified")}


def test_a_large_category_is_spread_over_files_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_BYTES", SMALL)
    grow(tmp_path / "four", 4)
    assert sharded(tmp_path / "four") == {"verified/branch.jsonl": 2, "verified/loop.jsonl": 2}
    grow(tmp_path / "ten", 10)
    assert sharded(tmp_path / "ten") == {
        f"verified/{category}/{number:05d}.jsonl": 1 if number == 2 else 2
        for category in ("branch", "loop")
        for number in range(3)
    }
    with Store.open(tmp_path / "ten", write=False) as store:
        assert [r.provenance.index for r in store.records("loop")] == [0, 2, 4, 6, 8]
        assert store.categories() == ("branch", "loop")
        assert store.has_structure(record(9).structure)
        assert store.find(record(9).id) == record(9)
    assert check_corpus(tmp_path / "ten") == []


def test_shards_depend_neither_on_commits_nor_on_restarts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_BYTES", SMALL)
    grow(tmp_path / "at once", 20, batch=20)
    grow(tmp_path / "one by one", 20, batch=1)
    for total in (3, 9, 20):
        grow(tmp_path / "again", total, batch=3)
    assert contents(tmp_path / "at once") == contents(tmp_path / "one by one") == contents(tmp_path / "again")


def test_a_category_in_one_file_goes_on_in_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(tmp_path, 10)
    before = contents(tmp_path)
    monkeypatch.setattr(shards, "SHARD_BYTES", SMALL)
    grow(tmp_path, 11)
    after = contents(tmp_path)
    assert after["verified/loop/00000.jsonl"] == before["verified/loop.jsonl"]
    assert after["verified/loop/00001.jsonl"] == encode_record(record(10)) + b"\n"
    assert after["verified/branch.jsonl"] == before["verified/branch.jsonl"]


def test_shards_that_are_missing_or_double_or_strange_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SHARD_BYTES", SMALL)
    grow(tmp_path, 10)
    folder = tmp_path / "verified" / "loop"
    (folder / "notes.txt").write_text("mine")
    assert check_corpus(tmp_path) == ["verified/loop/notes.txt: it is not the file of a category"]
    (folder / "notes.txt").unlink()
    shutil.copy(folder / "00000.jsonl", folder.with_suffix(".jsonl"))
    for problem in (*check_corpus(tmp_path), str(refusal(tmp_path))):
        assert "verified/loop.jsonl and verified/loop/00000.jsonl both hold" in problem
    folder.with_suffix(".jsonl").unlink()
    (folder / "00001.jsonl").unlink()
    assert any("verified/loop/00001.jsonl is missing" in problem for problem in check_corpus(tmp_path))
    assert "verified/loop/00001.jsonl has 0 bytes" in str(refusal(tmp_path))
    with pytest.raises(DamagedCorpus, match=r"loop/00001\.jsonl is missing"):
        list(Store.open(tmp_path, write=False).records())


def test_a_reader_misses_acknowledged_records_that_are_gone(tmp_path: Path) -> None:
    grow(tmp_path, 3)
    file = tmp_path / "verified" / "loop.jsonl"
    file.write_bytes(file.read_bytes()[:300])
    store = Store.open(tmp_path, write=False)
    with pytest.raises(DamagedCorpus, match=r"loop\.jsonl has 300 bytes where \d+ were acknowledged"):
        list(store.records())


def refusal(path: Path) -> DamagedCorpus:
    with pytest.raises(DamagedCorpus) as caught:
        Store.open(path, write=True)
    return caught.value


def test_a_million_structures_take_forty_megabytes_at_most() -> None:
    kept = DigestSet()
    for number in range(20_000):
        assert kept.add(f"{number}")
    assert not kept.add("7")
    assert "19999" in kept
    assert "20000" not in kept
    assert len(kept) == 20_000
    # The table is doubled at most once more than it need be.
    assert kept.table_bytes / len(kept) < 40


# ---------------------------------------------------------------- crashes


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


@pytest.mark.parametrize(("half", "shard_bytes"), [(False, shards.SHARD_BYTES), (True, SMALL)])
def test_a_process_killed_at_any_instruction_loses_nothing_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: bool, shard_bytes: int
) -> None:
    monkeypatch.setattr(shards, "SHARD_BYTES", shard_bytes)
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
        with Store.open(path, write=True) as store:
            done = store.progress(KEY).next
            kept = [kept.provenance.index for kept in store.records()]
            assert done >= acknowledged
            assert sorted(kept) == list(range(done))
        assert check_corpus(path) == []
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
from test_store import KEY, commit_up_to
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
        with Store.open(path, write=True) as store:
            done = store.progress(KEY).next
            kept = [kept.provenance.index for kept in store.records()]
            assert done >= acknowledged
            assert sorted(kept) == list(range(done))
        assert check_corpus(path) == []
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
    left = [".campaigns.jsonl.tmp", "verified/.loop.jsonl.tmp", "failures/b/.case.json.tmp"]
    for name in left:
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / ".other.tmp").write_bytes(b"not ours")
    grow(tmp_path, 4)
    assert contents(tmp_path) == {**before, ".other.tmp": b"not ours"}


# ---------------------------------------------------------------- damage


def spoil(line: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(line), **changes}).encode() + b"\n"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda line: b"nonsense\n", "line 2: not a record"),
        (lambda line: b"\n", "line 2: not a record"),
        (lambda line: line[:50] + b"\n", "line 2: not a record"),
        (lambda line: line[:50] + line, "line 2: not a record"),
        (lambda line: b"\x00" * 80 + b"\n", "line 2: not a record"),
        (lambda line: b"[" * 100_000 + b"\n", "line 2: not a record"),
        (lambda line: spoil(line, schema=2), "line 2: it has schema 2, but"),
        (lambda line: spoil(line, schema=-1), "line 2: it has schema -1, which never was"),
        (lambda line: spoil(line, type="branch"), "line 2: it is of type 'branch'"),
    ],
)
def test_a_damaged_line_is_named_and_never_dropped(tmp_path: Path, damage: Callable[[bytes], bytes], said: str) -> None:
    grow(tmp_path, 6)
    file = tmp_path / "verified" / "loop.jsonl"
    first, second, third = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + damage(second) + third)
    before = contents(tmp_path)
    with pytest.raises(DamagedCorpus, match=rf"verified/loop\.jsonl, {said}"):
        Store.open(tmp_path, write=True)
    assert contents(tmp_path) == before
    with Store.open(tmp_path, write=False) as store:
        with pytest.raises(DamagedCorpus, match=r"line 2:"):
            list(store.records("loop"))
        with pytest.raises(DamagedCorpus, match=r"line 2:"):
            store.has_structure("")
    assert any("loop.jsonl, line 2:" in problem for problem in check_corpus(tmp_path))


def test_source_that_is_not_the_trees_is_named(tmp_path: Path) -> None:
    grow(tmp_path, 6)
    file = tmp_path / "verified" / "loop.jsonl"
    first, second, third = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + second.replace(b"import warp", b"import wart") + third)
    with Store.open(tmp_path, write=False) as store:
        with pytest.raises(DamagedCorpus, match=r"loop\.jsonl, line 2: record .*stored Python differs"):
            list(store.records())
        assert len(list(store.records(check=False))) == 6
        with pytest.raises(DamagedCorpus, match="stored Python differs"):
            store.find(record(2).id)
    assert len(check_corpus(tmp_path)) == 1


def test_acknowledged_records_that_are_gone_are_missed(tmp_path: Path) -> None:
    grow(tmp_path, 6)
    file = tmp_path / "verified" / "loop.jsonl"
    text = file.read_bytes()
    for short in (text[:-1], text[:-7], text[: text.index(b"\n") + 1], b""):
        file.write_bytes(short)
        with pytest.raises(DamagedCorpus, match=r"loop\.jsonl has \d+ bytes where \d+ were acknowledged"):
            Store.open(tmp_path, write=True)
        assert file.read_bytes() == short
        assert any("were acknowledged" in problem for problem in check_corpus(tmp_path))
    file.unlink()
    with pytest.raises(DamagedCorpus, match="were acknowledged"):
        Store.open(tmp_path, write=True)


def test_an_acknowledged_last_line_that_is_torn_is_not_cut_off(tmp_path: Path) -> None:
    grow(tmp_path, 6)
    file = tmp_path / "verified" / "loop.jsonl"
    spoiled = file.read_bytes()[:-9] + b"#" * 9
    file.write_bytes(spoiled)
    with pytest.raises(DamagedCorpus, match=r"loop\.jsonl: its last line was acknowledged and is torn"):
        Store.open(tmp_path, write=True)
    assert file.read_bytes() == spoiled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"nonsense\n", "line 1: not an entry"),
        (b'{"event":"commit"}\n', "line 1: not an entry"),
        (b'{"event":"begin","campaign":"a","sizes":{},"ids":{}}\n', "line 1: what was begun here"),
    ],
)
def test_a_damaged_journal_is_named(tmp_path: Path, text: bytes, said: str) -> None:
    grow(tmp_path, 4)
    journal = tmp_path / "campaigns.jsonl"
    journal.write_bytes(text + journal.read_bytes())
    before = contents(tmp_path)
    for write in (True, False):
        with pytest.raises(DamagedCorpus, match=rf"campaigns\.jsonl, {said}"):
            Store.open(tmp_path, write=write)
    assert contents(tmp_path) == before
    assert any(said in problem for problem in check_corpus(tmp_path))


def test_a_full_check_finds_what_stands_twice_and_what_does_not_belong(tmp_path: Path) -> None:
    grow(tmp_path, 4)
    append(tmp_path, "loop", encode_record(record(0)) + b"\n")
    other = make_record(
        Program("renamed", "branch", (4,), record(0).program.parameters, record(0).program.body),
        cpp="",
        verification=record(0).verification,
        provenance=record(0).provenance,
    )
    append(tmp_path, "branch", encode_record(other) + b"\n")
    (tmp_path / "verified" / "notes.txt").write_text("mine")
    assert check_corpus(tmp_path) == [
        "verified/notes.txt: it is not the file of a category",
        "verified/loop.jsonl, line 1: a record of the same structure stands in verified/branch.jsonl, line 3",
        "verified/loop.jsonl, line 3: the same record stands in verified/loop.jsonl, line 1",
    ]


# ---------------------------------------------------------------- a folder that cannot be used


def test_a_place_that_is_no_folder_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for path in (file, file / "below"):
        with pytest.raises(CorpusError, match=r"is no folder that can hold a corpus|there is no corpus"):
            Store.open(path, write=False)
        with pytest.raises(CorpusError, match="is no folder that can hold a corpus"):
            Store.open(path, write=True)
    with pytest.raises(CorpusError, match="there is no corpus at"):
        Store.open(tmp_path / "missing", write=False)
    for path in (file, tmp_path / "missing"):
        with pytest.raises(CorpusError):
            check_corpus(path)
    (tmp_path / "verified").write_text("mine")
    with pytest.raises(CorpusError, match="is no folder"):
        Store.open(tmp_path, write=True)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "no permission"),
        (errno.EPERM, "no permission"),
        (errno.EROFS, "read-only file system"),
        (errno.ENOSPC, "no room left"),
        (errno.EIO, "cannot use"),
    ],
)
@pytest.mark.parametrize("call", ["mkdir", "open", "listdir"])
def test_a_folder_that_refuses_gets_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, said: str
) -> None:
    """Simulated, since the tests may run as root, for whom every folder is open."""
    real = getattr(os, call)

    def refuse(path: Any, *arguments: Any, **named: Any) -> Any:
        if str(path).startswith(str(tmp_path)):
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *arguments, **named)

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(CorpusError, match=said) as caught:
        Store.open(tmp_path / "corpus", write=True)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="every folder is open to root")
def test_a_folder_without_permission_gets_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CorpusError, match="no permission"):
        Store.open(tmp_path, write=True)
    tmp_path.chmod(0o000)
    with pytest.raises(CorpusError, match="no permission"):
        Store.open(tmp_path, write=False)
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("room", [0, 100, 2000, 6000])
def test_a_full_disk_keeps_what_was_committed(tmp_path: Path, room: int) -> None:
    """The limit on the size of a file stands in for the disk's."""
    grow(tmp_path, 4)
    before = contents(tmp_path)
    most = max(map(len, before.values()))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = Store.open(tmp_path, write=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most + room, hard))
    try:
        with pytest.raises(CorpusError, match="no room left"):
            commit_up_to(store, 60, batch=20)
        with pytest.raises(CorpusError, match="has failed before"):
            commit_up_to(store, 5)
        store.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        store.close()
    assert contents(tmp_path) == before
    grow(tmp_path, 60)
    grow(tmp_path.with_name("whole"), 60)
    assert contents(tmp_path) == contents(tmp_path.with_name("whole"))


def test_a_disk_that_is_full_at_any_write_keeps_what_was_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full for good: nothing can be written after, but files can still be cut."""
    grow(tmp_path / "start", 4)
    start = contents(tmp_path / "start")
    said: set[str] = set()
    for count in range(1, 100):
        path = tmp_path / str(count)
        shutil.copytree(tmp_path / "start", path)
        left = count
        real = os.write

        def write(descriptor: int, text: Any, real: Callable[[int, Any], int] = real) -> int:
            nonlocal left
            left -= 1
            if left == 0:
                return real(descriptor, bytes(text)[: len(text) // 2])
            if left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(descriptor, text)

        with monkeypatch.context() as patch:
            store = Store.open(path, write=True)
            patch.setattr(os, "write", write)
            try:
                store.commit(KEY, progress(8), [record(n) for n in range(4, 8)])
                break
            except CorpusError as error:
                said.add(str(error))
                assert contents(path) == start
            finally:
                patch.undo()
                store.close()
    assert count == 5
    assert len(said) == 4
    assert all("no room left" in sentence for sentence in said)


def test_an_interrupt_in_a_commit_leaves_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for count in range(1, 20):
        path = tmp_path / str(count)
        left = count
        real = os.fsync

        def interrupted(descriptor: int, real: Callable[[int], None] = real) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            real(descriptor)

        store = Store.open(path, write=True)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", interrupted)
            try:
                with store:
                    commit_up_to(store, 4)
            except KeyboardInterrupt:
                pass
            else:
                break
        assert check_corpus(path) == []
        with Store.open(path, write=False) as store:
            assert len(list(store.records())) == store.progress(KEY).next
    assert 5 < count < 20


def test_an_error_of_the_caller_is_not_hidden_by_closing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def work() -> None:
        with Store.open(tmp_path, write=True) as store:
            commit_up_to(store, 8)
            monkeypatch.setattr(os, "write", full)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    monkeypatch.undo()
    assert check_corpus(tmp_path) == []
    Store.open(tmp_path, write=True).close()


def test_someone_else_writing_in_between_is_noticed(tmp_path: Path) -> None:
    with Store.open(tmp_path, write=True) as store:
        commit_up_to(store, 4)
        append(tmp_path, "loop", b'{"schema":1,')
        with pytest.raises(CorpusError, match="something else is writing"):
            commit_up_to(store, 8)
    with Store.open(tmp_path, write=True) as store:
        assert [r.provenance.index for r in store.records("loop")] == [0, 2]


# ---------------------------------------------------------------- failures


def case(bucket: str) -> Case:
    return Case(
        bucket=bucket,
        kind="rejected",
        program=record(0).program,
        inputs={},
        cotangents={},
        layout="contiguous",
        options={},
        evidence={"message": "no"},
        provenance=record(0).provenance,
    )


def test_a_case_has_a_folder_for_its_bucket(tmp_path: Path) -> None:
    with Store.open(tmp_path, write=True) as store:
        folder = store.save_case(case("b"))
        store.save_case(case("b"))
        store.save_case(case("a.1"))
        assert folder == store.failure_folder("b") == tmp_path / "failures" / "b"
        for bucket in ("..", "a/b", ""):
            with pytest.raises(ValueError, match="bucket"):
                store.failure_folder(bucket)
    with Store.open(tmp_path, write=False) as store:
        assert list(store.cases()) == [case("a.1"), case("b")]
        with pytest.raises(ValueError, match="writing"):
            store.save_case(case("c"))
    assert check_corpus(tmp_path) == []
    (tmp_path / "failures" / "b").rename(tmp_path / "failures" / "c")
    (tmp_path / "failures" / "a.1" / "case.json").write_bytes(b"{}")
    assert [problem.split(":")[0] for problem in check_corpus(tmp_path)] == [
        "failures/a.1/case.json",
        "failures/c/case.json",
    ]
    with Store.open(tmp_path, write=False) as store, pytest.raises(DamagedCorpus, match=r"a\.1/case\.json"):
        list(store.cases())


def test_the_records_of_the_tests_are_true() -> None:
    kept: Sequence[Record] = [record(n, seed) for n in range(60) for seed in (1, 2, 9)]
    for one in kept:
        check_record(one)
    assert len({one.structure for one in kept}) == len(kept)
