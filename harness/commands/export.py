"""`warpsmith export`: the corpus in the form that other tools read."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from corpus.export import export_jsonl
from corpus.store import Store
from harness.commands.shared import Corpus, existing_corpus, say


class Format(str, Enum):
    """What can be written."""

    JSONL = "jsonl"


def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")],
    format: Annotated[Format, typer.Option("--format", help="jsonl: five fields, a row a line.")] = Format.JSONL,
    corpus: Corpus = None,
) -> int:
    """Write the verified pairs as rows of id, kernel_name, python, cpp and type."""
    store = Store.open(existing_corpus(corpus), write=False)
    rows = export_jsonl(store.records(), out)
    say(f"{rows} rows written to {out}")
    return 0
