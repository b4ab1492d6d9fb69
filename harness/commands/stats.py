"""`warpsmith stats`: what a corpus is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from corpus.pairs import EXPECTED, Spread, Tally, is_construct
from corpus.record import Record
from corpus.statistics import CategorySummary, Share, Summary, count_statements, summarise
from corpus.store import Store
from harness.commands.shared import Corpus, Json, existing_corpus

#: Kernels are counted by their number of statements in steps of this many, up to where there are few.
SIZE_STEP: Final = 5
LARGEST: Final = 60
#: Letters in a line that has all columns.
WIDE: Final = 200
#: Pairs that are printed; `--json` has all of them.
SHOWN: Final = 20


def stats(corpus: Corpus = None, json: Json = False) -> int:
    """Show how many pairs there are, how different they are, and how closely they were checked."""
    constructs = Tally()
    sizes: Counter[int] = Counter()

    def noted() -> Iterator[Record]:
        for record in Store.open(existing_corpus(corpus), write=False).records():
            constructs.add(filter(is_construct, record.features))
            sizes[min(count_statements(record.program) // SIZE_STEP * SIZE_STEP, LARGEST)] += 1
            yield record

    summary = summarise(noted())
    found = constructs.spread()
    if json:
        everything = {**msgspec.to_builtins(summary), "constructs": found, "statements": dict(sorted(sizes.items()))}
        print(msgspec.json.encode(everything).decode(), flush=True)
    else:
        _print(summary)
        _print_spread(found, sizes)
    return 0


def _print_spread(found: Spread, sizes: Counter[int]) -> None:
    """How often constructs, and pairs of them, occur."""
    console = _console()
    rows = max(found.rows, 1)
    steps = ", ".join(f"{n}{'+' if n == LARGEST else f' to {n + SIZE_STEP - 1}'}: {sizes[n]}" for n in sorted(sizes))
    console.print(f"Kernels by their number of statements: {steps}.", highlight=False)
    by_count = sorted(found.counts.items(), key=lambda entry: (-entry[1], entry[0]))
    console.print(
        f"{len(by_count)} constructs: {', '.join(f'{name} {count / rows:.1%}' for name, count in by_count)}.",
        highlight=False,
    )
    console.print(
        f"{found.together} of {found.possible} pairs of constructs occur together; {len(found.never)} never have "
        f"although chance alone would have made {EXPECTED:g} or more of them:",
        highlight=False,
    )
    for pair in found.never[:SHOWN]:
        console.print(f"  {pair.first} with {pair.second}: {pair.expected:.0f} expected", highlight=False)
    if len(found.never) > SHOWN:
        console.print(f"  and {len(found.never) - SHOWN} more", highlight=False)


def _console() -> Console:
    """A file or a pipe has no width to fit."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def _table(summary: Summary, columns: int) -> Table:
    """The first so many columns of numbers, a category a row."""
    table = Table()
    table.add_column("category")
    for heading in _HEADINGS[:columns]:
        table.add_column(heading, justify="right")
    for name, category in summary.categories.items():
        table.add_row(name, *_cells(category)[:columns])
    table.add_section()
    table.add_row("all", *_cells(summary.total)[:columns])
    return table


def _print(summary: Summary) -> None:
    console = _console()
    columns = len(_HEADINGS)
    # Columns are left out rather than squeezed to a letter each.
    roomy = console.options.update(width=WIDE)
    while columns > 1 and console.measure(_table(summary, columns), options=roomy).minimum > console.width:
        columns -= 1
    console.print(_table(summary, columns))
    if columns < len(_HEADINGS):
        console.print(
            f"No room for {', '.join(_HEADINGS[columns:])}: a wider terminal or --json shows them.", highlight=False
        )
    console.print(
        "Statements, nodes and tolerances are medians, C++ bytes a mean; shares are smallest / median.",
        highlight=False,
    )


_HEADINGS: Final = (
    "pairs", "backward", "structures", "outlines", "statements", "nodes", "C++ bytes",
    "cells checked", "gradients checked", "gradient tolerance",
)  # fmt: skip


def _cells(of: CategorySummary) -> list[str]:
    return [
        f"{of.rows}",
        f"{of.backward}",
        f"{of.structures}",
        f"{of.outlines}",
        _number(of.median_statements),
        _number(of.median_nodes),
        _number(of.mean_cpp_bytes),
        _share(of.cells_checked),
        _share(of.gradients_checked),
        "" if of.median_gradient_tolerance is None else f"{of.median_gradient_tolerance:.1e}",
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _share(share: Share | None) -> str:
    return "" if share is None else f"{share.smallest:.0%} / {share.median:.0%}"
