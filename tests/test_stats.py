"""What statistics cost: a corpus may be larger than memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from stores import grow, record

from corpus.record import Record
from corpus.store import Store
from harness.commands.stats import stats

#: Rows before memory is looked at first, and last.
SETTLED: Final = 500
ROWS: Final = 2500
#: Bytes a row; the figures that medians are taken of are numbers in arrays, and take half of it.
MOST: Final = 200


def test_memory_hardly_grows_with_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As they are decoded: the strings of every row are objects of its own."""
    grow(tmp_path, 2)
    row, names = record(0), [f"op:{n}" for n in range(20)]
    held: list[int] = []

    def rows(store: Store, **options: Any) -> Iterator[Record]:
        for n in range(1, ROWS + 1):
            if n in (SETTLED, ROWS):
                held.append(tracemalloc.get_traced_memory()[0])
            yield msgspec.structs.replace(row, features=tuple(name[:1] + name[1:] for name in names))

    monkeypatch.setattr(Store, "records", rows)
    tracemalloc.start()
    try:
        assert stats(tmp_path, json=True) == 0
    finally:
        tracemalloc.stop()
    first, last = held
    assert last - first < MOST * (ROWS - SETTLED)
    printed = msgspec.json.decode(capsys.readouterr().out)
    assert printed["constructs"]["counts"] == dict.fromkeys(names, ROWS)
