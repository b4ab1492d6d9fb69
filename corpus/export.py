"""The rows that other tools read: five fields, numbered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from corpus.record import CorpusError, Record
from corpus.store import replace_file


class Row(msgspec.Struct, frozen=True):
    """One verified pair in the five-field form; `id` is the number of the row, from zero."""

    id: int
    kernel_name: str
    python: str
    cpp: str
    type: str


def export_jsonl(records: Iterable[Record], out: Path) -> int:
    """Writes `records` to the file `out`, a `Row` a line, and returns how many there are.

    The file appears, or changes, when all of it is written.  `CorpusError` if it cannot be.
    """
    written = 0

    def lines() -> Iterator[bytes]:
        nonlocal written
        for record in records:
            row = Row(written, record.kernel_name, record.python, record.cpp, record.type)
            yield msgspec.json.encode(row) + b"\n"
            written += 1

    out = Path(out)
    try:
        replace_file(out, lines())
    except OSError as error:
        raise CorpusError(f"cannot write {out}: {error.strerror or error}") from error
    return written
