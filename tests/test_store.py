"""What the folder of a corpus promises: one writer, and what was committed is there for the next reader."""

from __future__ import annotations

import itertools
import os
import threading
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from stores import KEY, append, case, contents, grow, progress, record

from corpus.checking import check_corpus
from corpus.files import CorpusBusy
from corpus.journal import Journal, Progress
from corpus.record import CorpusError, DamagedCorpus, Record, check_record
from corpus.shards import VERIFIED
from corpus.store import Store

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
    (tmp_path / VERIFIED).mkdir()
    with Store.open(tmp_path, write=False) as store:
        with pytest.raises(ValueError, match="not open for writing"):
            store.commit(KEY, progress(1))
        assert store.categories() == ()
    assert list(tmp_path.rglob("*")) == [tmp_path / VERIFIED]


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


def test_the_journal_of_a_campaign_that_goes_on_for_days_stays_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("corpus.store.JOURNAL_BYTES", 4000)
    journal = tmp_path / "campaigns.jsonl"
    grow(tmp_path, 4, key="another campaign")
    with Store.open(tmp_path, write=True) as store:
        sizes = []
        for total in range(1, 100):
            store.commit(KEY, progress(total))
            sizes.append(journal.stat().st_size)
        assert max(sizes) <= 4000 + 3 * len(journal.read_bytes().splitlines(keepends=True)[0])
        assert sum(after < before for before, after in itertools.pairwise(sizes)) >= 2
    with Store.open(tmp_path, write=False) as store:
        assert store.campaigns() == {"another campaign": progress(4), KEY: progress(99)}


def test_of_a_long_journal_only_what_counts_is_held_in_memory(tmp_path: Path) -> None:
    grow(tmp_path, 4)
    journal = tmp_path / "campaigns.jsonl"
    line = journal.read_bytes()
    journal.write_bytes(line * (8_000_000 // len(line)))
    tracemalloc.start()
    (commit,) = Journal(journal).commits
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert commit.progress == progress(4)
    assert most < 1_000_000


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


# ---------------------------------------------------------------- failures


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
