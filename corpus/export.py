"""The rows that other tools read: five fields, numbered."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from corpus.files import write_lines
from corpus.record import Record


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
    rows = (Row(n, of.kernel_name, of.python, of.cpp, of.type) for n, of in enumerate(records))
    return write_lines(Path(out), rows)
