"""`warpsmith rebuild`: the stored programs on the Warp that is installed now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from corpus.checking import is_corpus
from corpus.digests import DigestSet
from corpus.files import explained
from corpus.journal import Progress
from corpus.record import Record
from corpus.store import Store
from harness.campaign.pairs import make_pair, make_provenance
from harness.commands.recheck import Recheck, recheck
from harness.commands.shared import BadUsage, Workers, say

COMMITTED_TOGETHER: Final = 100
"""Pairs to a commit, each of which waits for the disk."""


def rebuild(
    corpus: Annotated[Path, typer.Argument(help="The folder of the corpus.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="A new folder for the rebuilt pairs, or one to go on in; without, only reports."
        ),
    ] = None,
    workers: Workers = None,
) -> int:
    """Render and verify the stored programs anew on the installed Warp, and report what is different.

    The same command again goes on where it was interrupted.
    """
    store = Store.open(corpus, write=False)
    if out is None:
        return _report(store, None, workers)
    if not _can_hold_it(out):
        raise BadUsage(f"{out} is not empty, and no rebuilt corpus; choose a new folder for --out")
    with Store.open(out, write=True) as target:
        return _report(store, target, workers)


def _can_hold_it(out: Path) -> bool:
    """Whether a folder is new, or holds what an earlier rebuild put there and nothing else."""
    with explained(out):
        if not out.exists() or not any(out.iterdir()):
            return True
        if not is_corpus(out):
            return False
    begun = Store.open(out, write=False)
    return set(begun.campaigns()) == {_CAMPAIGN} or not (begun.campaigns() or begun.categories())


def _report(store: Store, target: Store | None, workers: int | None) -> int:
    counts: Counter[str] = Counter()
    rebuilt: list[Record] = []
    try:
        _rebuild(store, target, workers, counts, rebuilt)
    finally:
        _commit(target, rebuilt, counts)
    for what, number in sorted(counts.items()):
        say(f"{number} {what}")
    return int(counts[_LOST] > 0)


def _rebuild(
    store: Store, target: Store | None, workers: int | None, counts: Counter[str], rebuilt: list[Record]
) -> None:
    """Count what became of the records, and collect the pairs of those that are verified."""

    def missing() -> Iterator[Record]:
        met = DigestSet()
        for record in store.records():
            if not met.add(record.structure):
                counts[_TWICE] += 1
            elif target is not None and target.has_structure(record.structure):
                counts[_DONE] += 1
            else:
                yield record

    for found in recheck(missing(), workers):
        what = _difference(found)
        counts[what.partition(":")[0]] += 1
        if what != _SAME:
            print(f"{found.record.type} {found.record.id[:12]}: {what}", flush=True)
        if found.verdict.verified:
            rebuilt.append(_pair(found))
            if len(rebuilt) >= COMMITTED_TOGETHER:
                _commit(target, rebuilt, counts)


_CAMPAIGN: Final = "rebuild"
_DONE: Final = "rebuilt before"
_TWICE: Final = "left out, for a record before has the same structure"
_SAME: Final = "the same"
_LOST: Final = "no longer as it was"


def _difference(found: Recheck) -> str:
    if found.problem is not None:
        return f"{_LOST}: {found.problem}"
    return _SAME if found.same_text else f"other text: made with Warp {found.record.provenance.warp}"


def _pair(found: Recheck) -> Record:
    before = found.record.provenance
    after = make_provenance(found.versions, before.seed, before.index)
    # The draw was that version's; only the verdict is new.
    after = msgspec.structs.replace(after, hypothesis=before.hypothesis)
    return make_pair(found.record.program, found.verdict, found.options, after)


def _commit(target: Store | None, rebuilt: list[Record], counts: Counter[str]) -> None:
    if target is not None and rebuilt:
        before = target.progress(_CAMPAIGN)
        total = max(before.next, sum(counts.values()))
        target.commit(_CAMPAIGN, Progress(total, before.verified + len(rebuilt), {}), rebuilt)
    rebuilt.clear()
