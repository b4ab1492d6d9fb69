"""`warpsmith export`: the corpus in the form that other tools read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpus.dataset import DatasetRow, Example, arrow_schema, make_row, write_parquet
from corpus.export import export_jsonl
from corpus.files import new_folder, write_lines, write_whole
from corpus.record import Record
from corpus.statistics import count_statements
from corpus.store import Store
from harness.campaign.plan import CUDA_ARCH
from harness.commands.facts import assignment_of, facts_of, leakage_in_words
from harness.commands.shared import (
    BadUsage,
    Category,
    Corpus,
    existing_corpus,
    needs_dataset_extra,
    of_installed_warp,
    say,
)
from harness.cpp.cuda_text import ArchitectureUnknown, cuda_texts
from harness.scoring.examples import example_of, expectation_of, texts_of
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


@dataclass(frozen=True)
class Derived:
    """Which columns are derived from the stored trees, since records do not hold them: PTX for `architecture`."""

    examples: bool
    cuda: bool
    architecture: int | None

    def rows(self, records: Iterator[Record], assignment: Assignment) -> Iterator[DatasetRow]:
        """The rows of `records`, in their order, without those that have come since `assignment` was made."""
        for record, cuda, ptx in self._with_cuda(record for record in records if record in assignment):
            example = example_of(expectation_of(record)) if self.examples else Example()
            texts = texts_of(record, cuda, ptx)
            yield make_row(record, assignment.split(record).value, assignment.cluster(record), texts, example)

    @property
    def columns(self) -> str | None:
        """The columns that are filled, in words."""
        if self.architecture is not None:
            return f"`cuda` and, for sm_{self.architecture}, `ptx`"
        return "`cuda`" if self.cuda else None

    def _with_cuda(self, records: Iterator[Record]) -> Iterator[tuple[Record, str | None, str | None]]:
        if not self.cuda:
            yield from ((record, None, None) for record in records)
            return
        try:
            for record, text in cuda_texts(map(_its_own_warp, records), self.architecture or CUDA_ARCH):
                if text.error is not None:
                    say(f"{record.type} {record.id[:12]}: no CUDA text: {text.error}")
                yield record, text.cuda, text.ptx if self.architecture else None
        except ArchitectureUnknown as error:
            raise BadUsage(f"--ptx sm_{self.architecture}: {error}") from None


def _architecture(name: str | None) -> int | None:
    if name is None:
        return None
    found = re.fullmatch(r"(?:sm_)?(\d{2,3})", name)
    if found is None:
        raise BadUsage(f"--ptx {name}: an architecture is a name like sm_90")
    return int(found.group(1))


def _its_own_warp(record: Record) -> Record:
    return of_installed_warp(record, "its CUDA text would not belong to its C++")


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
    cuda: Annotated[
        bool, typer.Option("--cuda", help="Fill the column cuda, by the installed Warp; no GPU needed.")
    ] = False,
    ptx: Annotated[
        str | None,
        typer.Option("--ptx", metavar="ARCH", help="Fill the columns cuda and ptx; for sm_90, say. No GPU needed."),
    ] = None,
) -> int:
    """Write the verified pairs as rows for other tools.

    Splits are those of the whole corpus, whatever rows are chosen.
    """
    if (cuda or ptx is not None) and format is Format.JSONL:
        raise BadUsage("the five fields have no column for CUDA: choose --format jsonl-full or parquet")
    derived = Derived(examples, cuda or ptx is not None, _architecture(ptx))
    unknown = sorted(set(category or ()) - set(CATEGORIES))
    if unknown:
        raise UnknownCategory(unknown[0])
    filters = Filters(tuple(category or ()), tier, min_statements, tuple(feature or ()))
    store = Store.open(existing_corpus(corpus), write=False)

    def records() -> Iterator[Record]:
        for name in store.categories():
            if not filters.categories or name in filters.categories:
                yield from filter(filters.keeps, store.records(name))

    if filters.words and next(records(), None) is None:
        raise BadUsage(f"no row of {store.path} is {filters.words}")
    if format is Format.JSONL:
        rows = export_jsonl(records(), out)
    elif format is Format.JSONL_FULL:
        rows = write_lines(out, derived.rows(records(), assignment_of(store)))
    else:
        rows = _export_parquet(store, filters, records, derived, out)
    say(f"{rows} rows written to {out}")
    return 0


def _export_parquet(
    store: Store, filters: Filters, records: Callable[[], Iterator[Record]], derived: Derived, out: Path
) -> int:
    with needs_dataset_extra():
        from corpus.card import export_card

        arrow_schema()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadUsage(f"{out} is not an empty folder; choose a new one for --out")
    assignment = assignment_of(store)
    # The rows that are exported are checked as they are read.
    facts = facts_of(store, assignment, filters.keeps, check=False)
    if not facts.splits:
        raise BadUsage(f"no row of {store.path} is {filters.words or 'there'}")
    with new_folder(out) as folder:
        rows = write_parquet(derived.rows(records(), assignment), folder, facts.splits)
        text = export_card(facts, filters.words, list(CATEGORIES), derived.columns)
        write_whole(folder / "README.md", [text.encode()])
    say(leakage_in_words(facts.leakage))
    return rows
