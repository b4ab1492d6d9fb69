"""Two corpora become one, without duplicates."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from corpus.case import CASE, FAILURES
from corpus.checking import case_files
from corpus.digests import DigestSet
from corpus.files import explained, names, replace_file
from corpus.journal import Progress
from corpus.record import Record
from corpus.store import Store

RECORDS_TOGETHER: Final = 500
"""Records of one commit: a few megabytes in memory, and few waits for the disk."""

UNKNOWN: Final = "merged"
"""The campaign in the journal that records come under whose own corpus has no journal."""


class Merged(msgspec.Struct, frozen=True):
    """What a merge did: pairs and failures that were added, and pairs whose structure was there already."""

    added: int
    duplicates: int
    failures: int


def merge(sources: Sequence[Path], into: Path) -> Merged:
    """Adds to the corpus in `into`, which is made if need be, what `sources` have and it has not.

    Pairs come in the order of the sources and their files; of two of one structure the first stays.  Of every
    campaign the journal keeps how far it came in the corpus where it came furthest: it goes on from there.  A
    merge that was interrupted is done by doing it again, and one that was done changes nothing.

    Raises `CorpusError`; every record and every case is read and checked before the first is added, so that a
    source with a damaged one adds nothing.
    """
    opened = [Store.open(source, write=False) for source in sources]
    for source in opened:
        for _ in itertools.chain(source.records(), source.cases()):
            pass
    added = duplicates = failures = 0
    with Store.open(into, write=True) as target:
        for source in opened:
            if source.path.resolve() == target.path.resolve():
                continue
            campaigns = source.campaigns()
            key = next(reversed(campaigns), UNKNOWN)
            for batch, skipped in _batches(source, target):
                if batch:
                    target.commit(key, target.progress(key), batch)
                added += len(batch)
                duplicates += skipped
            for campaign, progress in campaigns.items():
                target.commit(campaign, _further(target.progress(campaign), progress))
            failures += _copy_failures(source.path, target.path)
    return Merged(added, duplicates, failures)


def _batches(source: Store, target: Store) -> Iterator[tuple[list[Record], int]]:
    """Records that `target` lacks, and how many it has, some at a time."""
    batch: list[Record] = []
    structures = DigestSet()
    skipped = 0
    for record in source.records(check=False):
        if target.has_structure(record.structure) or not structures.add(record.structure):
            skipped += 1
        else:
            batch.append(record)
        if len(batch) == RECORDS_TOGETHER:
            yield batch, skipped
            batch, structures, skipped = [], DigestSet(), 0
    yield batch, skipped


def _further(one: Progress, other: Progress) -> Progress:
    """The one of two that came further; with the pairs of the one that found more, for both are kept."""
    last = max(one, other, key=lambda progress: progress.next)
    return msgspec.structs.replace(last, verified=max(one.verified, other.verified))


def _copy_failures(source: Path, target: Path) -> int:
    """Copies the folders of failures that `target` has no case of, and returns how many."""
    copied = 0
    for case in case_files(source):
        folder = target / FAILURES / case.parent.name
        if (folder / CASE).exists():
            continue
        with explained(target):
            os.makedirs(folder, exist_ok=True)
            # The case comes last: with it the folder is whole.
            for name in sorted(names(case.parent), key=lambda name: name == CASE):
                if (file := case.parent / name).is_file():
                    replace_file(folder / name, [file.read_bytes()])
        copied += 1
    return copied
