"""`warpsmith card`: the card of a corpus, written beside its records."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from corpus.files import write_whole
from corpus.shards import all_shards, shard_file
from corpus.store import Store
from harness.commands.facts import assignment_of, facts_of, leakage_in_words
from harness.commands.shared import Corpus, existing_corpus, needs_dataset_extra, say
from strategies.categories import CATEGORIES

CARD: Final = "README.md"


def card(corpus: Corpus = None) -> int:
    """Write the card of a corpus, README.md in its folder: counts, splits, leakage, versions, how it was made."""
    store = Store.open(existing_corpus(corpus), write=False)
    with needs_dataset_extra():
        from corpus.card import corpus_card
    facts = facts_of(store, assignment_of(store))
    files = [shard_file(store.path, shard) for shard in all_shards(store.path)]
    text = corpus_card(facts, files, store.path, list(CATEGORIES))
    out: Path = store.path / CARD
    write_whole(out, [text.encode()])
    say(f"{out}: {facts.summary.total.rows} rows; {leakage_in_words(facts.leakage)}")
    return 0
