"""`warpsmith export`: the corpus in the form that other tools read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpus.dataset import DatasetRow, Example, arrow_schema, make_row, write_jsonl, write_parquet
from corpus.export import export_jsonl
from corpus.files import replace_file
from corpus.record import CorpusError, Record
from corpus.statistics import count_statements
from corpus.store import Store
from harness.commands.card import gather
from harness.commands.shared import BadUsage, Category, Corpus, existing_corpus, needs_dataset_extra, say
from harness.examples import example_of, expectation_of, texts_of
from strategies.categories import CATEGORIES
from strategies.stream import UnknownCategory

if TYPE_CHECKING:
    from corpus.splits import Assignment


class Format(str, Enum):
    """What can be written."""

    JSONL = "jsonl"
    JSONL_FULL = "jsonl-full"
    PARQUET = "parquet"


class Tier(str, Enum):
    """How much of a row was verified."""

    FORWARD = "forward"
    BACKWARD = "backward"


@dataclass(frozen=True)
class Filters:
    """Which rows are wanted; `words` are those of the command line, for the card."""

    categories: tuple[str, ...]
    tier: Tier | None
    min_statements: int
    features: tuple[str, ...]

    def keeps(self, record: Record) -> bool:
        """Whether `record` is wanted."""
        return (
            (not self.categories or record.type in self.categories)
            and (self.tier is None or record.verification.tier == self.tier.value)
            and set(self.features) <= set(record.features)
            and (self.min_statements == 0 or count_statements(record.program) >= self.min_statements)
        )

    @property
    def words(self) -> str:
        return " ".join(
            [f"--category {name}" for name in self.categories]
            + ([f"--tier {self.tier.value}"] if self.tier else [])
            + ([f"--min-statements {self.min_statements}"] if self.min_statements else [])
            + [f"--feature {name}" for name in self.features]
        )


def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; for parquet, a new folder.")],
    format: Annotated[
        Format,
        typer.Option(
            "--format",
            help="jsonl: five fields, a row a line. jsonl-full: all columns, a row a line. parquet: all columns, "
            "in configs and splits that datasets.load_dataset reads, with a card.",
        ),
    ] = Format.JSONL,
    corpus: Corpus = None,
    category: Category = None,
    tier: Annotated[Tier | None, typer.Option("--tier", help="Only rows of this tier.")] = None,
    min_statements: Annotated[int, typer.Option("--min-statements", min=0, help="Only rows of at least so many.")] = 0,
    feature: Annotated[
        list[str] | None, typer.Option("--feature", metavar="KIND:NAME", help="Only rows with it, such as op:sin.")
    ] = None,
    examples: Annotated[
        bool,
        typer.Option("--examples/--no-examples", help="Inputs, outputs and gradients to run against."),
    ] = True,
) -> int:
    """Write the verified pairs as rows for other tools.

    Splits are those of the whole corpus, whatever rows are chosen.
    """
    unknown = sorted(set(category or ()) - set(CATEGORIES))
    if unknown:
        raise UnknownCategory(unknown[0])
    filters = Filters(tuple(category or ()), tier, min_statements, tuple(feature or ()))
    store = Store.open(existing_corpus(corpus), write=False)

    def records() -> Iterator[Record]:
        return filter(filters.keeps, store.records())

    if format is Format.JSONL:
        rows = export_jsonl(records(), out)
    elif format is Format.JSONL_FULL:
        rows = write_jsonl(_rows(records, _assigned(store), examples), out)
    else:
        rows = _export_parquet(store, filters, records, examples, out)
    say(f"{rows} rows written to {out}")
    return 0


def _assigned(store: Store) -> Assignment:
    with needs_dataset_extra():
        from corpus.splits import assign
    return assign(store.records(check=False))


def _rows(records: Callable[[], Iterator[Record]], assignment: Assignment, examples: bool) -> Iterator[DatasetRow]:
    for record in records():
        example = example_of(expectation_of(record)) if examples else Example()
        yield make_row(record, assignment.split(record).value, assignment.cluster(record), texts_of(record), example)


def _export_parquet(
    store: Store, filters: Filters, records: Callable[[], Iterator[Record]], examples: bool, out: Path
) -> int:
    with needs_dataset_extra():
        from corpus.card import export_card

        arrow_schema()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadUsage(f"{out} is not an empty folder; choose a new one for --out")
    assignment = _assigned(store)
    facts = gather(store, assignment, filters.keeps)
    if not facts.splits:
        raise BadUsage(f"no row of {store.path} is {filters.words or 'there'}")
    rows = write_parquet(_rows(records, assignment, examples), out, facts.splits)
    try:
        replace_file(out / "README.md", [export_card(facts, filters.words, list(CATEGORIES)).encode()])
    except OSError as error:
        raise CorpusError(f"cannot write {out}: {error.strerror or error}") from error
    return rows
