"""What a merge promises: everything of both corpora, nothing twice, and nothing of a damaged one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from stores import KEY, SMALL, case, contents, grow, progress, record, sharded

from corpus import shards
from corpus.checking import check_corpus
from corpus.files import CorpusBusy
from corpus.journal import JOURNAL
from corpus.merge import UNKNOWN, Merged, merge
from corpus.record import DamagedCorpus, encode_record
from corpus.store import Store
from harness.commands import run

OTHER = "seed 2: branch, loop"


@pytest.fixture
def one(tmp_path: Path) -> Path:
    grow(tmp_path / "one", 8)
    return tmp_path / "one"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Begins as `one` does, and has a campaign of its own."""
    grow(tmp_path / "two", 4)
    grow(tmp_path / "two", 5, key=OTHER, seed=2)
    with Store.open(tmp_path / "two", write=True) as store:
        (store.save_case(case("bug")) / "README.md").write_text("about it")
    return tmp_path / "two"


def test_a_merge_has_everything_once(one: Path, two: Path, tmp_path: Path) -> None:
    before = contents(one), contents(two)
    assert merge([one, two], tmp_path / "both") == Merged(added=13, duplicates=4, failures=1)
    assert (contents(one), contents(two)) == before
    assert check_corpus(tmp_path / "both") == []
    with Store.open(tmp_path / "both", write=False) as store:
        assert {r.id for r in store.records()} == {
            *(record(n).id for n in range(8)),
            *(record(n, seed=2).id for n in range(5)),
        }
        assert store.campaigns() == {KEY: progress(8), OTHER: progress(5)}
        assert list(store.cases()) == [case("bug")]
    assert (tmp_path / "both" / "failures" / "bug" / "README.md").read_text() == "about it"


def test_a_campaign_goes_on_in_a_merged_corpus(one: Path, two: Path, tmp_path: Path) -> None:
    # The second came less far, so in whichever order: the campaign goes on after its eighth program.
    for sources in ([one, two], [two, one]):
        path = tmp_path / f"into {sources[0].name}"
        merge(sources, path)
        grow(path, 12)
        with Store.open(path, write=False) as store:
            assert sum(1 for _ in store.records()) == 17
        assert check_corpus(path) == []


def test_a_merge_that_is_done_again_changes_nothing(one: Path, two: Path) -> None:
    assert merge([one, two], one).added == 5
    before = contents(one)
    assert merge([one, two], one) == Merged(added=0, duplicates=9, failures=0)
    assert contents(one) == before


def test_a_merge_that_was_interrupted_is_finished_by_the_next(
    one: Path, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge([one, two], tmp_path / "whole")
    real, left = Store.commit, 2

    def interrupted(self: Store, *arguments: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        real(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "commit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            merge([one, two], tmp_path / "both")
    assert check_corpus(tmp_path / "both") == []
    merge([one, two], tmp_path / "both")
    assert contents(tmp_path / "both") == contents(tmp_path / "whole")


def test_a_merge_of_one_writes_it_in_order_and_without_what_stands_twice(
    one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = encode_record(record(0)) + b"\n"
    with (one / "verified" / "loop.jsonl").open("ab") as file:
        file.write(again)
    monkeypatch.setattr(shards, "SHARD_BYTES", SMALL)
    assert merge([one], tmp_path / "new") == Merged(added=8, duplicates=1, failures=0)
    assert len(sharded(tmp_path / "new")) == 4
    assert check_corpus(tmp_path / "new") == []


def test_records_without_a_journal_are_merged_too(one: Path, tmp_path: Path) -> None:
    (one / JOURNAL).unlink()
    assert merge([one], tmp_path / "new").added == 8
    with Store.open(tmp_path / "new", write=False) as store:
        assert list(store.campaigns()) == [UNKNOWN]


def test_nothing_is_merged_from_a_damaged_corpus(one: Path, two: Path, tmp_path: Path) -> None:
    file = two / "verified" / "loop.jsonl"
    file.write_bytes(file.read_bytes().replace(b"import warp", b"import wart", 1))
    with pytest.raises(DamagedCorpus, match=r"loop\.jsonl, line 1"):
        merge([one, two], tmp_path / "both")
    assert not (tmp_path / "both").exists()


@pytest.mark.parametrize("text", [b"{", b"{}"])
def test_nothing_is_merged_from_a_corpus_with_a_damaged_case(text: bytes, one: Path, two: Path, tmp_path: Path) -> None:
    (two / "failures" / "bug" / "case.json").write_bytes(text)
    with pytest.raises(DamagedCorpus, match=r"two/failures/bug/case\.json"):
        merge([one, two], tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_a_busy_corpus_is_not_merged_into(one: Path, two: Path) -> None:
    before = contents(one)
    with Store.open(one, write=True), pytest.raises(CorpusBusy):
        merge([two], one)
    assert contents(one) == before


def test_the_command_merges_into_the_first_unless_told_otherwise(
    one: Path, two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(one, copy)
    assert run(["merge", str(copy), str(two), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"added": 5, "duplicates": 4, "failures": 1}
    assert run(["merge", str(one), str(two), "--into", str(tmp_path / "both")]) == 0
    assert contents(tmp_path / "both") == contents(copy)
    assert run(["merge", str(one), str(tmp_path / "none")]) == 2
