"""`warpsmith card`: the card of a corpus, written beside its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from corpus.files import write_whole
from corpus.record import Record
from corpus.shards import all_shards, shard_file
from corpus.statistics import summarise
from corpus.store import Store
from harness.commands.shared import Corpus, existing_corpus, needs_dataset_extra, say
from strategies.categories import CATEGORIES

if TYPE_CHECKING:
    from corpus.card import Facts
    from corpus.leakage import Leakage
    from corpus.splits import Assignment

CARD: Final = "README.md"


def card(corpus: Corpus = None) -> int:
    """Write the card of a corpus, README.md in its folder: counts, splits, leakage, versions, how it was made."""
    store = Store.open(existing_corpus(corpus), write=False)
    with needs_dataset_extra():
        from corpus.card import corpus_card
        from corpus.splits import assign
    facts = facts_of(store, assign(store.records(check=False)))
    files = [shard_file(store.path, shard) for shard in all_shards(store.path)]
    text = corpus_card(facts, files, store.path, list(CATEGORIES))
    out: Path = store.path / CARD
    write_whole(out, [text.encode()])
    say(f"{out}: {facts.summary.total.rows} rows; {leakage_in_words(facts.leakage)}")
    return 0


def leakage_in_words(of: Leakage) -> str:
    """The measured leakage, as commands print it."""
    return (
        f"of {of.held_out} held-out rows {of.rename_identical} are in another split but for names, "
        f"{of.structure_identical} but for names and literals, {of.near_duplicates} nearly"
    )


def facts_of(
    store: Store, assignment: Assignment, kept: Callable[[Record], bool] = lambda record: True, *, check: bool = True
) -> Facts:
    """What a card states of the rows that are in `assignment`; the counts of splits are of those that are `kept`.

    The corpus may be growing: rows that have come since the splits were assigned are left out.
    """
    from corpus.card import Facts, Origins
    from corpus.splits import measure

    def assigned(check: bool) -> Iterator[Record]:
        return (record for record in store.records(check=check) if record in assignment)

    splits: Counter[tuple[str, str]] = Counter()

    def counted() -> Iterator[Record]:
        for record in assigned(check):
            if kept(record):
                splits[record.type, assignment.split(record).value] += 1
            yield record

    origins = Origins()
    summary = summarise(origins.passing(counted()))
    return Facts(summary, measure(lambda: assigned(False), assignment), splits, origins, store.campaigns())
