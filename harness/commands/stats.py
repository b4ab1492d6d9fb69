"""`warpsmith stats`: what a corpus is made of."""

from __future__ import annotations

import msgspec
from rich.console import Console
from rich.table import Table

from corpus.statistics import CategorySummary, Share, Summary, summarise
from corpus.store import Store
from harness.commands.shared import Corpus, Json, existing_corpus


def stats(corpus: Corpus = None, json: Json = False) -> int:
    """Show how many pairs there are, how different they are, and how closely they were checked."""
    summary = summarise(Store.open(existing_corpus(corpus), write=False).records())
    if json:
        print(msgspec.json.encode(summary).decode(), flush=True)
    else:
        _print(summary)
    return 0


def _print(summary: Summary) -> None:
    table = Table()
    table.add_column("category")
    for heading in (
        "pairs", "backward", "structures", "outlines", "statements", "nodes", "C++ bytes",
        "cells checked", "gradients checked", "gradient tolerance",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for name, category in summary.categories.items():
        table.add_row(name, *_cells(category))
    table.add_section()
    table.add_row("all", *_cells(summary.total))
    # A file or a pipe has no width to fit.
    console = Console()
    console = console if console.is_terminal else Console(width=200)
    console.print(table)
    console.print(
        "Statements, nodes and tolerances are medians, C++ bytes a mean; shares are smallest / median.",
        highlight=False,
    )


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
