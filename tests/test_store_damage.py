"""What is damaged in a corpus, or cannot be used, is named in a sentence, and never dropped."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from stores import KEY, append, commit_up_to, contents, grow, progress, record

from corpus import heads
from corpus.checking import check_corpus
from corpus.record import CorpusError, DamagedCorpus, encode_record, make_record
from corpus.shards import open_shard
from corpus.store import Store
from strategies.language.nodes import Program

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


def test_what_stands_twice_is_looked_up_in_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number: of categories that a merge has appended to themselves there may be thousands."""
    grow(tmp_path, 40)
    for category in ("branch", "loop"):
        append(tmp_path, category, (tmp_path / "verified" / f"{category}.jsonl").read_bytes())
    opened: list[str] = []

    def counted(path: Path, shard: str) -> BinaryIO:
        opened.append(shard)
        return open_shard(path, shard)

    monkeypatch.setattr(heads, "open_shard", counted)
    assert check_corpus(tmp_path) == [
        f"verified/{category}.jsonl, line {n + 20}: the same record stands in verified/{category}.jsonl, line {n}"
        for category in ("branch", "loop")
        for n in range(1, 21)
    ]
    assert opened == ["branch", "loop"] * 2


def test_what_stands_twice_is_named_beside_lines_that_cannot_be_read(tmp_path: Path) -> None:
    """A record in a file of another category counts, though its place is not told."""
    grow(tmp_path, 4)
    append(tmp_path, "branch", b"nonsense\n" + encode_record(record(0)) + b"\n")
    append(tmp_path, "loop", encode_record(record(2)) + b"\n")
    _, misplaced, *twice = check_corpus(tmp_path)
    assert misplaced == "verified/branch.jsonl, line 4: it is of type 'loop'"
    assert twice == [
        "verified/loop.jsonl, line 1: the same record stands in another line",
        "verified/loop.jsonl, line 3: the same record stands in verified/loop.jsonl, line 2",
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
