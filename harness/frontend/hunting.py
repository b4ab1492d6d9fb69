"""The hunt in the front end: text after text, and a report of each new way in which one is not taken well."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from corpus.case import CASE
from corpus.store import Store
from harness.campaign.pairs import make_provenance
from harness.frontend import foreign
from harness.frontend.judge import Rejection, judge
from harness.frontend.report import typical, write_report
from harness.frontend.shrink import shrink
from harness.frontend.texts import edited
from harness.sandbox import Sandbox
from harness.triage import KnownIssue, Ledger

Say = Callable[[str], None]


@dataclass
class Met:
    """One way in which Warp does not take a text well: the issue that it is, how often it was met, and where its
    report is; `unreproduced` says that its script does not show it."""

    kind: str
    known: str | None
    hits: int = 1
    path: Path | None = None
    unreproduced: bool = False

    @property
    def new(self) -> bool:
        return self.known is None and not self.unreproduced

    @property
    def unsaved(self) -> bool:
        return self.new and self.path is None


@dataclass
class Tally:
    """What came of a hunt: the texts that were tried, and the ways in which they were not taken well, by bucket;
    `interrupted` is whether a person ended it."""

    texts: int = 0
    discarded: int = 0
    interrupted: bool = False
    met: dict[str, Met] = field(default_factory=dict)

    @property
    def new(self) -> list[str]:
        return [bucket for bucket, met in self.met.items() if met.new]


def hunt(
    corpus: Path,
    seed: int,
    seconds: float,
    python: str,
    say: Say,
    *,
    count: int | None = None,
    fail_fast: bool = False,
    keep_known: bool = False,
) -> Tally:
    """Give Warp texts for so long, or so many, or until Ctrl-C; one of each new bucket is made small, and saved with
    a script that shows it.

    Args:
        corpus: the folder in which failures are saved.
        seed: of the texts.
        seconds: time to look for.
        python: the interpreter whose Warp is used.
        say: told, in a sentence, what is worth knowing.
        count: texts at most; any number, if None.
        fail_fast: stop at the first new failure.
        keep_known: save one failure of every known issue that has no case yet.
    """
    ledger = Ledger.load()
    tally = Tally()
    deadline = time.monotonic() + seconds
    if not foreign.available():
        say("hypothesmith is not installed (pip install 'warpsmith[frontend]'): kernels are edited only.")
    with Store.open(corpus, write=True) as store, Sandbox(python) as sandbox:
        try:
            index = -1
            while time.monotonic() < deadline and (count is None or tally.texts < count):
                index += 1
                source = edited(seed, index)
                if source is None:
                    tally.discarded += 1
                    continue
                tally.texts += 1
                found = judge(source, sandbox)
                if found is None:
                    continue
                if found.bucket in tally.met:
                    tally.met[found.bucket].hits += 1
                    continue
                known = ledger.by_bucket(found.bucket, sandbox.versions.warp)
                met = tally.met[found.bucket] = Met(found.kind.value, None if known is None else known.id)
                if known is None or (keep_known and not (store.failure_folder(known.id) / CASE).exists()):
                    _save(store, found, met, known, sandbox, (seed, index), python, say)
                if fail_fast and met.new:
                    break
        except KeyboardInterrupt:
            tally.interrupted = True
            # The one that was being reduced, if any: the same seed meets it again.
            tally.met = {bucket: met for bucket, met in tally.met.items() if not met.unsaved}
    return tally


def _save(
    store: Store,
    found: Rejection,
    met: Met,
    known: KnownIssue | None,
    sandbox: Sandbox,
    place: tuple[int, int],
    python: str,
    say: Say,
) -> None:
    small = typical(shrink(found, sandbox), sandbox)
    provenance = make_provenance(sandbox.versions, *place)
    report = write_report(store, small, provenance, known, python)
    if report.confirmed:
        met.path = report.folder
        say(f"{found.bucket}: saved in {report.folder}")
    else:
        met.unreproduced = True
        said = report.output.strip().splitlines()[-1:] or ["nothing"]
        say(f"{found.bucket} is not reproduced: its script, in a fresh process, said {said[0]!r}.")
        say(f"The text was:\n{small.source}")


def sum_up(tally: Tally, say: Say) -> None:
    """A hunt in words."""
    if tally.interrupted:
        say("Stopped: it was interrupted; everything up to here is saved.")
    say(f"{tally.texts} texts, {tally.discarded} discarded; {len(tally.met)} ways in which Warp did not take one well.")
    for bucket, met in sorted(tally.met.items(), key=lambda item: -item[1].hits):
        what = f"known issue {met.known}" if met.known else "not reproduced" if met.unreproduced else "new"
        say(f"  {bucket}: {what}, {met.hits} hits")
