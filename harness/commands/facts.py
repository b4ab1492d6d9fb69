"""What a card states of rows, whether they stay in their corpus or are exported.

All of it needs the extra `dataset`: `assignment_of`, which comes first, says so where that is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from corpus.record import Record
from corpus.statistics import summarise
from corpus.store import Store
from harness.commands.shared import needs_dataset_extra

if TYPE_CHECKING:
    from corpus.card import Facts
    from corpus.leakage import Leakage
    from corpus.splits import Assignment


def assignment_of(store: Store) -> Assignment:
    """The splits of a whole corpus; `BadUsage` without the extra."""
    with needs_dataset_extra():
        from corpus.splits import assign
    return assign(store.records(check=False))


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
