"""How fast Parquet is written, and in how much memory: `python benchmarks/export.py [ROWS]`.

Rows are those of the corpus of the checkout over and over, with numbers in their text changed so that no two compress
as one.  What is measured is `corpus.dataset.write_parquet` alone: the examples of a row come from the reference, which
takes longer than writing it.
"""

from __future__ import annotations

import itertools
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

import corpus
from corpus.dataset import DatasetRow, Example, make_row, write_parquet
from corpus.store import Store
from harness.scoring.examples import texts_of

ROWS = 100_000
DIFFERENT = 50
SPLITS = ("train",) * 8 + ("validation", "test")


def planned(rows: int) -> Iterator[tuple[str, int]]:
    """The category and the number of every row."""
    categories = Store.open(Path(corpus.__file__).parent, write=False).categories()
    for number, category in enumerate(categories):
        for n in range(rows * number // len(categories), rows * (number + 1) // len(categories)):
            yield category, n


def synthetic(rows: int) -> Iterator[DatasetRow]:
    """So many rows, category by category."""
    store = Store.open(Path(corpus.__file__).parent, write=False)
    for category, numbers in itertools.groupby(planned(rows), key=lambda plan: plan[0]):
        some = list(itertools.islice(store.records(category, check=False), DIFFERENT))
        bases = [make_row(record, "train", 0, texts_of(record), Example()) for record in some]
        for _, n in numbers:
            base = bases[n % len(bases)]
            yield msgspec.structs.replace(
                base,
                id=f"{n:032x}",
                split=SPLITS[n % len(SPLITS)],
                cpp=base.cpp.replace("var_1", f"var_{n}"),
                cpp_forward=base.cpp_forward.replace("var_1", f"var_{n}"),
            )


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    totals = Counter((category, SPLITS[n % len(SPLITS)]) for category, n in planned(rows))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        start, used = time.perf_counter(), time.process_time()
        written = write_parquet(synthetic(rows), Path(folder) / "export", totals)
        seconds, used = time.perf_counter() - start, time.process_time() - used
        size = sum(file.stat().st_size for file in Path(folder).rglob("*.parquet"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{written:,} rows, {size / 1e6:,.0f} MB, in {seconds:.0f} s ({used:.0f} s of CPU time)")
    print(f"{written / seconds:,.0f} rows a second; peak memory {peak / 1024:,.0f} MiB ({before / 1024:,.0f} before)")


if __name__ == "__main__":
    main()
