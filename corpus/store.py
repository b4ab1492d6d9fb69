"""The folder of a corpus: one writer, and nothing that was acknowledged is ever lost.

::

    verified/<category>.jsonl    one record a line; a large category has a folder of such files, see `corpus.shards`
    failures/<bucket>/case.json  one shrunken failure a folder
    campaigns.jsonl              the journal: how far each campaign has come
    .lock                        held by the one writer

A commit writes, in this order and each made durable before the next: a ``begin`` line in the journal (the
ids that are about to be added and where the files end), the records, and a ``commit`` line.  The records
count from the moment the ``commit`` line stands.  A process that dies before it leaves a ``begin`` line
last in the journal, and the next writer takes out exactly the records which that line names; they will be
drawn again, identically.  Records from elsewhere, appended by hand, are never touched.

When a writer closes, the journal shrinks to the last line of each campaign, so the folder depends on what
was committed and not on how many commits, workers or restarts it took.  It does so on the way too, whenever it has
grown by `JOURNAL_BYTES`: a campaign of days commits every second.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

import filelock

from corpus import files
from corpus.case import CASE, FAILURES, UNREPRODUCED, Case, check_bucket, check_case, encode_case
from corpus.checking import case_files, read_case, require_corpus
from corpus.digests import DigestSet
from corpus.files import explained, located, replace_file
from corpus.heads import heads, lines_of_category
from corpus.journal import JOURNAL, Begin, Commit, Journal, Progress, encode_event
from corpus.mending import mend, require_acknowledged
from corpus.record import (
    CorpusError,
    DamagedCorpus,
    DamagedRecord,
    Record,
    check_record,
    decode_record,
    encode_record,
)
from corpus.shards import VERIFIED, all_shards, by_shard, categories, category_of, make_folder, shard_file, shards

JOURNAL_BYTES: Final = 1 << 20
"""By so much the journal grows before it shrinks to the last line of each campaign: a few minutes of commits, of up
to 7 KB each."""


class Store:
    """The folder of a corpus, opened by `Store.open`; a context manager.

    A store opened for writing belongs to the process that opened it.
    """

    def __init__(self, path: Path, lock: filelock.BaseFileLock | None) -> None:
        self.path = path
        self._lock = lock
        self._process = os.getpid()
        self._broken = False
        #: the size of the journal when it was shrunk last
        self._compacted = 0
        self._progress: dict[str, Progress] = {}
        self._structures: DigestSet | None = None

    # ------------------------------------------------------------ opening and closing

    @classmethod
    def open(cls, path: Path, write: bool) -> Store:
        """The corpus in the folder `path`, which is made, and mended after a crash, if it is to be written.

        Raises `CorpusBusy` if another process writes to it, `DamagedCorpus` if a file holds something that
        cannot be read, and `CorpusError` if the folder itself cannot be used.
        """
        path = Path(path)
        with explained(path), located(path):
            if not write:
                return cls._open_to_read(path)
            os.makedirs(path / VERIFIED, exist_ok=True)
            store = cls(path, files.lock(path))
        try:
            with explained(path), located(path):
                mend(path)
                store._load_progress()
                store._kept_structures()
        except BaseException:
            store._release()
            raise
        return store

    @classmethod
    def _open_to_read(cls, path: Path) -> Store:
        require_corpus(path)
        store = cls(path, None)
        store._load_progress()
        return store

    def close(self) -> None:
        """Shrinks the journal to one line a campaign and lets the next writer in; again, does nothing."""
        if self._lock is None or self._process != os.getpid():
            return
        try:
            if not self._broken:
                with explained(self.path):
                    self._compact()
        finally:
            self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            # What went wrong first is what the person should hear of.
            with suppress(CorpusError):
                self.close()

    def _compact(self) -> None:
        path = self.path / JOURNAL
        if not path.exists():
            return
        text = b"".join(map(encode_event, Journal(path).commits))
        if files.size(path) != len(text) or path.read_bytes() != text:
            replace_file(path, [text])
        self._compacted = len(text)

    def _load_progress(self) -> None:
        self._progress = {commit.campaign: commit.progress for commit in Journal(self.path / JOURNAL).commits}

    def _kept_structures(self) -> DigestSet:
        """The structures of all records; they are read once."""
        if self._structures is None:
            structures = DigestSet()
            for category in self.categories():
                for _, _, head in heads(self.path, category):
                    structures.add(head.structure)
            self._structures = structures
        return self._structures

    # ------------------------------------------------------------ asking

    def progress(self, campaign: str) -> Progress:
        """How far `campaign` has come; at the start if it is not known."""
        return self._progress.get(campaign, Progress()).copy()

    def campaigns(self) -> dict[str, Progress]:
        """How far every known campaign has come, the latest last."""
        return {campaign: progress.copy() for campaign, progress in self._progress.items()}

    def has_structure(self, structure: str) -> bool:
        """Whether a record of this structure hash is kept."""
        return structure in self._kept_structures()

    def categories(self) -> tuple[str, ...]:
        """The categories that have a file, sorted."""
        with explained(self.path), located(self.path):
            return tuple(categories(self.path))

    def records(self, category: str | None = None, *, check: bool = True) -> Iterator[Record]:
        """The records of `category`, or of all in turn, in the order of the files.

        Each is checked against its syntax tree unless `check` is false.  Raises `DamagedCorpus`, naming file
        and line, or the file from which acknowledged records are missing.  A last line that is still being written
        is left out.
        """
        names = self.categories() if category is None else (category,)
        with located(self.path):
            with explained(self.path):
                journal = Journal(self.path / JOURNAL)
            for name in names:
                for where, line in lines_of_category(self.path, name):
                    yield _record(where, line, check)
                for shard in shards(self.path, name):
                    with explained(self.path):
                        require_acknowledged(self.path, journal, shard)

    def find(self, prefix: str) -> Record:
        """The record whose id starts with `prefix`; `CorpusError` if none does, or more than one."""
        found: dict[str, tuple[str, bytes]] = {}
        for category in self.categories() if prefix else ():
            with located(self.path):
                for where, line, head in heads(self.path, category):
                    if head.id.startswith(prefix):
                        found.setdefault(head.id, (where, line))
        if not found:
            raise CorpusError(f"no record in {self.path} has an id that starts with {prefix!r}")
        if len(found) > 1:
            raise CorpusError(f"{len(found)} records in {self.path} have an id that starts with {prefix!r}")
        ((where, line),) = found.values()
        with located(self.path):
            return _record(where, line, check=True)

    def failure_folder(self, bucket: str) -> Path:
        """The folder of the failures that are one bug; `ValueError` if `bucket` can name none."""
        check_bucket(bucket)
        return self.path / FAILURES / bucket

    def cases(self) -> Iterator[Case]:
        """The kept failures, sorted by bucket; `DamagedCorpus` if one cannot be read."""
        with explained(self.path):
            found = case_files(self.path)
        for file in found:
            with explained(self.path):
                text = file.read_bytes()
            with located(self.path):
                case = read_case(self.path, file, text)
            yield case

    # ------------------------------------------------------------ keeping

    def commit(self, campaign: str, progress: Progress, records: Sequence[Record] = ()) -> None:
        """Adds `records` and notes how far `campaign` has come; both are durable when this returns.

        To commit what is already so does nothing.  Raises `ValueError`, before anything is written, for a
        structure that is already kept or given twice, and for a campaign that would go backwards; and
        `CorpusError` if writing fails: the store then takes no more commits, and whoever opens it next finds
        all of this one or nothing of it.
        """
        self._require_writer()
        before = self.progress(campaign)
        if progress.next < before.next or progress.verified < before.verified:
            raise ValueError(f"campaign {campaign!r} would go back from {before} to {progress}")
        if progress == before and not records:
            return
        structures = self._kept_structures()
        added: set[str] = set()
        for record in records:
            if record.structure in structures or record.structure in added:
                raise ValueError(f"the structure of record {record.id} is in the corpus already")
            added.add(record.structure)
        try:
            with explained(self.path):
                self._write(campaign, progress, records)
        except BaseException:
            self._broken = True
            # If this fails too, the next writer does it.
            with suppress(OSError, CorpusError):
                mend(self.path)
            raise
        self._progress.pop(campaign, None)
        self._progress[campaign] = progress.copy()
        for structure in added:
            structures.add(structure)

    def _write(self, campaign: str, progress: Progress, records: Sequence[Record]) -> None:
        parts = self._parts(records)
        if parts:
            begin = Begin(
                campaign,
                {shard: files.size(shard_file(self.path, shard)) for shard in parts},
                {shard: tuple(record.id for record, _ in part) for shard, part in parts.items()},
            )
            files.append_lines(self.path / JOURNAL, encode_event(begin))
        for shard in sorted(parts):
            if "/" in shard:
                make_folder(self.path, category_of(shard))
            files.append_lines(shard_file(self.path, shard), b"".join(line for _, line in parts[shard]))
        commit = Commit(
            campaign,
            progress.next,
            progress.verified,
            progress.counters,
            {shard: files.size(shard_file(self.path, shard)) for shard in all_shards(self.path)},
            progress.stale,
            progress.unreduced,
        )
        files.append_lines(self.path / JOURNAL, encode_event(commit))
        if files.size(self.path / JOURNAL) > self._compacted + JOURNAL_BYTES:
            self._compact()

    def _parts(self, records: Sequence[Record]) -> dict[str, list[tuple[Record, bytes]]]:
        """`records` with their lines, by the shards that they go to."""
        of_category: dict[str, list[tuple[Record, bytes]]] = {}
        for record in records:
            of_category.setdefault(record.type, []).append((record, encode_record(record) + b"\n"))
        return {
            shard: [part[n] for n in numbers]
            for category, part in of_category.items()
            for shard, numbers in by_shard(self.path, category, [line for _, line in part]).items()
        }

    def save_case(self, case: Case, texts: Mapping[str, str] | None = None, *, unreproduced: bool = False) -> Path:
        """Writes `case` into the folder of its bucket, over an earlier one, and returns that folder.

        `texts` are what lies beside it, by the names of the files.  One that is `unreproduced` is kept for a person to
        look at, in a folder of its own, and is no failure of the corpus.
        """
        self._require_writer()
        check_case(case)
        folder = self.failure_folder(case.bucket)
        if unreproduced:
            folder = self.path / UNREPRODUCED / case.bucket
        with explained(self.path):
            write_case(folder, case, texts or {})
        return folder

    def _require_writer(self) -> None:
        if self._lock is None:
            raise ValueError("the store is not open for writing")
        if self._process != os.getpid():
            raise ValueError("the store belongs to the process that opened it")
        if self._broken:
            raise CorpusError(f"writing to {self.path} has failed before; start again")


def write_case(folder: Path, case: Case, texts: Mapping[str, str]) -> None:
    """Writes `case`, and `texts` by the names of the files, into `folder`, which is made if need be.

    The case comes last: with it the folder is whole.
    """
    os.makedirs(folder, exist_ok=True)
    for name, text in texts.items():
        replace_file(folder / name, [text.encode()])
    replace_file(folder / CASE, [encode_case(case) + b"\n"])


def _record(where: str, line: bytes, check: bool) -> Record:
    try:
        record = decode_record(line)
        if check:
            check_record(record)
    except DamagedRecord as error:
        raise DamagedCorpus(f"{where}: {error.reason}") from error
    return record
