"""`warpsmith card`: the card of a corpus, written beside its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from corpus.files import replace_file
from corpus.record import CorpusError, Record
from corpus.shards import all_shards, shard_file
from corpus.statistics import summarise
from corpus.store import Store
from harness.commands.shared import Corpus, existing_corpus, needs_dataset_extra, say
from strategies.categories import CATEGORIES

if TYPE_CHECKING:
    from corpus.card import Facts
    from corpus.splits import Assignment, Leakage

CARD: Final = "README.md"


def card(corpus: Corpus = None) -> int:
    """Write the card of a corpus, README.md in its folder: counts, splits, leakage, versions, how it was made."""
    store = Store.open(existing_corpus(corpus), write=False)
    with needs_dataset_extra():
        from corpus.card import corpus_card
        from corpus.splits import assign
    facts = gather(store, assign(store.records(check=False)))
    files = [shard_file(store.path, shard) for shard in all_shards(store.path)]
    text = corpus_card(facts, files, store.path, list(CATEGORIES))
    out: Path = store.path / CARD
    try:
        replace_file(out, [text.encode()])
    except OSError as error:
        raise CorpusError(f"cannot write {out}: {error.strerror or error}") from error
    say(f"{out}: {facts.summary.total.rows} rows; {leakage_in_words(facts.leakage)}")
    return 0


def leakage_in_words(of: Leakage) -> str:
    """The measured leakage, as commands print it."""
    return (
        f"of {of.held_out} held-out rows {of.rename_identical} are in another split but for names, "
        f"{of.structure_identical} but for names and literals, {of.near_duplicates} nearly"
    )


def gather(store: Store, assignment: Assignment, kept: Callable[[Record], bool] = lambda record: True) -> Facts:
    """What a card states of a corpus; the counts of splits are of the rows that are `kept`."""
    from corpus.card import Facts, Origins
    from corpus.splits import measure

    origins = Origins()
    summary = summarise(origins.passing(store.records()))
    leakage = measure(lambda: store.records(check=False), assignment)
    splits = Counter(
        (record.type, assignment.split(record).value) for record in store.records(check=False) if kept(record)
    )
    return Facts(summary, leakage, splits, origins, store.campaigns())
