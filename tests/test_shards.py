"""Categories that one file does not hold: their shards, and what it takes to know all structures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from stores import SMALL, contents, grow, record, refusal, sharded

from corpus import shards
from corpus.checking import check_corpus
from corpus.digests import DigestSet
from corpus.record import DamagedCorpus, encode_record
from corpus.store import Store


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
