"""The lines of a shard, and as much of a record as can be read cheaply."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from corpus import record as record_form
from corpus.files import explained
from corpus.record import DamagedCorpus, DamagedRecord, decode_record
from corpus.shards import category_of, open_shard, shard_file, shards

#: How the line of a record begins; a quotation mark within a string is escaped, so nothing else does.
RECORD_START: Final = b'{"schema":'


class Head(msgspec.Struct, frozen=True):
    """The few fields of a record by which it is found and told from others."""

    schema: int
    id: str
    type: str
    structure: str


_head = msgspec.json.Decoder(Head)


def is_record(line: bytes) -> bool:
    """Whether `line` is whole; no part of a JSON object, short of all of it, is one."""
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def lines_of_shard(path: Path, shard: str) -> Iterator[tuple[str, bytes]]:
    """The lines of a shard, each with its place for a person: ``verified/loop.jsonl, line 2``."""
    with explained(path), open_shard(path, shard) as file:
        name = shard_file(path, shard).relative_to(path).as_posix()
        for number, line in enumerate(file, start=1):
            yield f"{name}, line {number}", line


def lines_of_category(path: Path, category: str) -> Iterator[tuple[str, bytes]]:
    """The lines of a category, each with its place; without a last one that is still being written."""
    with explained(path):
        names = shards(path, category)
    for shard in names:
        for where, line in lines_of_shard(path, shard):
            if shard == names[-1] and not line.endswith(b"\n") and not is_record(line):
                return
            yield where, line


def read_head(category: str, where: str, line: bytes) -> Head:
    """The head of a record of `category`, with as much checked as is cheap; `DamagedCorpus` if it cannot be read."""
    try:
        try:
            head = _head.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            head = None
        if head is None or head.schema != record_form.SCHEMA:
            # A full reading upgrades an older schema, or says best what is wrong.
            whole = decode_record(line)
            head = Head(whole.schema, whole.id, whole.type, whole.structure)
    except DamagedRecord as error:
        raise DamagedCorpus(f"{where}: {error.reason}") from error
    if head.type != category:
        raise DamagedCorpus(f"{where}: it is of type {head.type!r}")
    return head


def heads(path: Path, category: str) -> Iterator[tuple[str, bytes, Head]]:
    """The records of a category: where each is, its line and its head."""
    for where, line in lines_of_category(path, category):
        yield where, line, read_head(category, where, line)


def require_readable(path: Path, shard: str) -> None:
    """Raises `DamagedCorpus` for the first line of a shard that cannot be read."""
    if shard_file(path, shard).exists():
        for where, line in lines_of_shard(path, shard):
            if line.endswith(b"\n") or is_record(line):
                read_head(category_of(shard), where, line)
