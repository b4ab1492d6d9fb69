"""Bringing the folder of a corpus back to the last acknowledged commit after a crash."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec

from corpus import files
from corpus.case import FAILURES, UNREPRODUCED
from corpus.files import TEMPORARY, append, chunks, cut, read, remove_empty, replace_file, size, split_lines
from corpus.heads import RECORD_START, is_record, require_readable
from corpus.journal import JOURNAL, Begin, Journal
from corpus.record import DamagedCorpus
from corpus.shards import VERIFIED, all_shards, categories, remove_needless_folder, shard_file

#: The files that are replaced as wholes.
_REPLACED: Final = (JOURNAL, f"{VERIFIED}/*.jsonl", f"{VERIFIED}/*/*.jsonl", f"{FAILURES}/*/*", f"{UNREPRODUCED}/*/*")


def mend(path: Path) -> None:
    """Takes out what was begun and not acknowledged, and torn ends of files; keeps what others appended.

    Raises `DamagedCorpus` if something that was acknowledged is missing.
    """
    journal = Journal(path / JOURNAL)
    for shard in journal.acknowledged:
        require_acknowledged(path, journal, shard)
    if journal.unfinished is not None:
        _roll_back(path, journal.unfinished)
    for category in categories(path):
        remove_needless_folder(path, category)
    for shard in all_shards(path):
        _mend_tail(path, shard_file(path, shard), journal.acknowledged.get(shard, 0))
    if journal.unfinished is not None:
        cut(path / JOURNAL, journal.unfinished_at)
    elif journal.torn:
        cut(path / JOURNAL, journal.end)
    elif journal.bare:
        append(path / JOURNAL, b"\n")
    remove_empty(path / JOURNAL)
    for pattern in _REPLACED:
        folder, _, name = pattern.rpartition("/")
        for left in path.glob(f"{folder}/{TEMPORARY.format(name)}".lstrip("/")):
            os.unlink(left)


def require_acknowledged(path: Path, journal: Journal, shard: str) -> None:
    """Raises `DamagedCorpus` if something of a shard that was acknowledged is missing."""
    file, acknowledged = shard_file(path, shard), journal.acknowledged.get(shard, 0)
    found = size(file)
    if found < acknowledged:
        require_readable(path, shard)
        raise DamagedCorpus(
            f"{_name(path, file)} has {found} bytes where {acknowledged} were acknowledged: records are "
            f"missing; restore the file, or delete {JOURNAL} to have all campaigns start again"
        )


def _name(path: Path, file: Path) -> str:
    return file.relative_to(path).as_posix()


def _roll_back(path: Path, begin: Begin) -> None:
    """Takes out the records that `begin` names and nothing else."""
    for shard, ids in begin.ids.items():
        file = shard_file(path, shard)
        start = begin.sizes[shard]
        end = size(file)
        if end <= start:
            remove_empty(file)
            continue
        left = set(ids)
        kept = []
        for line in map(_without_torn, split_lines(read(file, start, end))):
            named = _id(line)
            if named in left:
                left.remove(named)
            else:
                kept.append(line)
        if kept and not kept[-1].endswith(b"\n") and not is_record(kept[-1]):
            kept.pop()
        if kept:
            replace_file(file, chain(chunks(file, start), kept))
        else:
            cut(file, start)
            remove_empty(file)


def _without_torn(line: bytes) -> bytes:
    """`line` without a torn record before a whole one, which a hand appended to it after a crash."""
    if is_record(line):
        return line
    whole = line[max(0, line.rfind(RECORD_START)) :]
    return whole if is_record(whole) else line


class _Id(msgspec.Struct):
    id: str


def _id(line: bytes) -> str | None:
    try:
        return msgspec.json.decode(line, type=_Id).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _mend_tail(path: Path, file: Path, acknowledged: int) -> None:
    """Cuts off a torn last line, or ends a whole one that lacks its newline."""
    whole = size(file)
    end = whole
    tail = b""
    while end and b"\n" not in tail:
        start = max(0, end - files.CHUNK)
        tail = read(file, start, end) + tail
        end = start
    last = tail[tail.rfind(b"\n") + 1 :]
    if not last:
        return
    if is_record(last):
        append(file, b"\n")
        return
    if whole - len(last) < acknowledged:
        raise DamagedCorpus(f"{_name(path, file)}: its last line was acknowledged and is torn")
    cut(file, whole - len(last))
    remove_empty(file)
