"""The folder of a corpus: one writer, and nothing that was acknowledged is ever lost.

::

    verified/<category>.jsonl    one record a line
    failures/<bucket>/case.json  one shrunken failure a folder
    campaigns.jsonl              the journal: how far each campaign has come
    .lock                        held by the one writer

A commit writes, in this order and each made durable before the next: a ``begin`` line in the journal (the
ids that are about to be added and where the files end), the records, and a ``commit`` line.  The records
count from the moment the ``commit`` line stands.  A process that dies before it leaves a ``begin`` line
last in the journal, and the next writer takes out exactly the records which that line names; they will be
drawn again, identically.  Records from elsewhere, appended by hand, are never touched.

When a writer closes, the journal shrinks to the last line of each campaign, so the folder depends on what
was committed and not on how many commits, workers or restarts it took.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Final

import filelock
import msgspec

from corpus import record as record_form
from corpus.case import Case, DamagedCase, check_bucket, check_case, decode_case, encode_case
from corpus.record import (
    CATEGORY,
    CorpusError,
    DamagedRecord,
    Record,
    check_record,
    decode_record,
    encode_record,
)

VERIFIED: Final = "verified"
FAILURES: Final = "failures"
JOURNAL: Final = "campaigns.jsonl"
LOCK: Final = ".lock"
CASE: Final = "case.json"

#: How the line of a record begins; a quotation mark within a string is escaped, so nothing else does.
_RECORD_START: Final = b'{"schema":'

#: Bytes read at once where a file may not fit in memory.
_CHUNK: Final = 1 << 20

#: A file is replaced by writing this beside it and renaming; the next writer removes one left behind.
_TEMPORARY: Final = ".{}.tmp"


class CorpusBusy(CorpusError):
    """Another process is writing to the corpus."""


class DamagedCorpus(CorpusError):
    """A file of the corpus holds something that nothing here wrote; it is left as it is."""


# ---------------------------------------------------------------- the journal


class Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a campaign has come: the next index to commit, its verified pairs, and its counters.

    `counters` hold, for each category, how often each outcome occurred; `stale` is the number of programs since
    the last one that gave a new pair.
    """

    next: int = 0
    verified: int = 0
    counters: dict[str, dict[str, int]] = {}
    stale: int = 0


def _copy(progress: Progress) -> Progress:
    """`progress` with counters of its own, since the caller may go on counting in the ones it gave."""
    counters = {category: dict(counts) for category, counts in progress.counters.items()}
    return Progress(progress.next, progress.verified, counters, progress.stale)


class _Begin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="event", tag="begin"):
    """The records about to be added: by category, where the file ends and the ids that follow."""

    campaign: str
    sizes: dict[str, int]
    ids: dict[str, tuple[str, ...]]


class _Commit(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="event", tag="commit"
):
    """What a campaign has come to, and the size in bytes of every category's file."""

    campaign: str
    next: int
    verified: int
    counters: dict[str, dict[str, int]]
    sizes: dict[str, int]
    stale: int = 0

    @property
    def progress(self) -> Progress:
        """How far the campaign has come."""
        return Progress(self.next, self.verified, self.counters, self.stale)


class _Head(msgspec.Struct, frozen=True):
    """The few fields of a record that an open store keeps in memory."""

    schema: int
    id: str
    type: str
    structure: str
    outline: str


_encoder = msgspec.json.Encoder(order="deterministic")
_event = msgspec.json.Decoder(_Begin | _Commit)
_head = msgspec.json.Decoder(_Head)


class _Journal:
    """The journal as read: its events, and the offset of each."""

    def __init__(self, path: Path) -> None:
        self.events: list[_Begin | _Commit] = []
        self.offsets: list[int] = []
        #: Where the complete lines end.
        self.end = 0
        #: Whether the last line is whole but for its newline.
        self.bare = False
        text = path.read_bytes() if path.exists() else b""
        for number, line in enumerate(_split(text), start=1):
            complete = line.endswith(b"\n")
            try:
                event = _event.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                if not complete:
                    break
                raise DamagedCorpus(f"{JOURNAL}, line {number}: not an entry of the journal: {error}") from error
            before = self.events[-1] if self.events else None
            if isinstance(before, _Begin) and not (isinstance(event, _Commit) and event.campaign == before.campaign):
                raise DamagedCorpus(f"{JOURNAL}, line {number - 1}: what was begun here was never finished")
            self.events.append(event)
            self.offsets.append(self.end)
            self.end += len(line)
            self.bare = not complete
        self.torn = self.end < len(text)

    @property
    def commits(self) -> list[_Commit]:
        """The last commit of each campaign, the latest last."""
        last: dict[str, _Commit] = {}
        for event in self.events:
            if isinstance(event, _Commit):
                last.pop(event.campaign, None)
                last[event.campaign] = event
        return list(last.values())

    @property
    def acknowledged(self) -> dict[str, int]:
        """The bytes of each category's file that were acknowledged last."""
        commits = self.commits
        return commits[-1].sizes if commits else {}

    @property
    def unfinished(self) -> _Begin | None:
        """What was begun last and never acknowledged."""
        last = self.events[-1] if self.events else None
        return last if isinstance(last, _Begin) else None


# ---------------------------------------------------------------- the store


class Store:
    """The folder of a corpus, opened by `Store.open`; a context manager.

    A store opened for writing belongs to the process that opened it.
    """

    def __init__(self, path: Path, lock: filelock.BaseFileLock | None) -> None:
        self.path = path
        self._lock = lock
        self._process = os.getpid()
        self._broken = False
        self._progress: dict[str, Progress] = {}
        self._index: tuple[set[str], set[str]] | None = None

    # ------------------------------------------------------------ opening and closing

    @classmethod
    def open(cls, path: Path, write: bool) -> Store:
        """The corpus in the folder `path`, which is made, and mended after a crash, if it is to be written.

        Raises `CorpusBusy` if another process writes to it, `DamagedCorpus` if a file holds something that
        cannot be read, and `CorpusError` if the folder itself cannot be used.
        """
        path = Path(path)
        with _explained(path):
            if not write:
                return cls._open_to_read(path)
            os.makedirs(path / VERIFIED, exist_ok=True)
            store = cls(path, _lock(path))
        try:
            with _explained(path):
                _mend(path)
                store._load_progress()
                store._load_index()
        except BaseException:
            store._release()
            raise
        return store

    @classmethod
    def _open_to_read(cls, path: Path) -> Store:
        _require_folder(path)
        store = cls(path, None)
        store._load_progress()
        return store

    def close(self) -> None:
        """Shrinks the journal to one line a campaign and lets the next writer in; again, does nothing."""
        if self._lock is None or self._process != os.getpid():
            return
        try:
            if not self._broken:
                with _explained(self.path):
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
        text = b"".join(_encoder.encode(commit) + b"\n" for commit in _Journal(path).commits)
        if path.read_bytes() != text:
            replace_file(path, [text])

    def _load_progress(self) -> None:
        self._progress = {commit.campaign: commit.progress for commit in _Journal(self.path / JOURNAL).commits}

    def _load_index(self) -> tuple[set[str], set[str]]:
        structures: set[str] = set()
        outlines: set[str] = set()
        for category in self.categories():
            for _, _, head in self._heads(category):
                structures.add(head.structure)
                outlines.add(head.outline)
        self._index = (structures, outlines)
        return self._index

    # ------------------------------------------------------------ asking

    def progress(self, campaign: str) -> Progress:
        """How far `campaign` has come; at the start if it is not known."""
        return _copy(self._progress.get(campaign, Progress()))

    def campaigns(self) -> dict[str, Progress]:
        """How far every known campaign has come, the latest last."""
        return {campaign: _copy(progress) for campaign, progress in self._progress.items()}

    def has_structure(self, structure: str) -> bool:
        """Whether a record of this structure hash is kept."""
        return structure in (self._index or self._load_index())[0]

    def has_outline(self, outline: str) -> bool:
        """Whether a record of this outline hash is kept."""
        return outline in (self._index or self._load_index())[1]

    def categories(self) -> tuple[str, ...]:
        """The categories that have a file, sorted."""
        with _explained(self.path):
            return tuple(file.stem for file in _category_files(self.path))

    def records(self, category: str | None = None, *, check: bool = True) -> Iterator[Record]:
        """The records of `category`, or of all in turn, in the order of the files.

        Each is checked against its syntax tree unless `check` is false.  Raises `DamagedCorpus`, naming file
        and line.  A last line that is still being written is left out.
        """
        for name in self.categories() if category is None else (category,):
            for number, line in self._lines(name):
                yield self._record(name, number, line, check)

    def find(self, prefix: str) -> Record:
        """The record whose id starts with `prefix`; `CorpusError` if none does, or more than one."""
        found: dict[str, tuple[str, int, bytes]] = {}
        for category in self.categories() if prefix else ():
            for number, line, head in self._heads(category):
                if head.id.startswith(prefix):
                    found.setdefault(head.id, (category, number, line))
        if not found:
            raise CorpusError(f"no record in {self.path} has an id that starts with {prefix!r}")
        if len(found) > 1:
            raise CorpusError(f"{len(found)} records in {self.path} have an id that starts with {prefix!r}")
        ((category, number, line),) = found.values()
        return self._record(category, number, line, check=True)

    def failure_folder(self, bucket: str) -> Path:
        """The folder of the failures that are one bug; `ValueError` if `bucket` can name none."""
        check_bucket(bucket)
        return self.path / FAILURES / bucket

    def cases(self) -> Iterator[Case]:
        """The kept failures, sorted by bucket; `DamagedCorpus` if one cannot be read."""
        with _explained(self.path):
            files = _case_files(self.path)
        for file in files:
            with _explained(self.path):
                text = file.read_bytes()
            yield _case(self.path, file, text)

    def _lines(self, category: str) -> Iterator[tuple[int, bytes]]:
        """The complete lines of a category's file, numbered from one."""
        with _explained(self.path), (self.path / VERIFIED / f"{category}.jsonl").open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n") and not _is_record(line):
                    return
                yield number, line

    def _heads(self, category: str) -> Iterator[tuple[int, bytes, _Head]]:
        for number, line in self._lines(category):
            yield number, line, _read_head(category, number, line)

    def _record(self, category: str, number: int, line: bytes, check: bool) -> Record:
        try:
            record = decode_record(line)
            if check:
                check_record(record)
        except DamagedRecord as error:
            raise DamagedCorpus(f"{_place(category, number)}: {error.reason}") from error
        return record

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
        structures, outlines = self._index or self._load_index()
        added: set[str] = set()
        for record in records:
            if record.structure in structures or record.structure in added:
                raise ValueError(f"the structure of record {record.id} is in the corpus already")
            added.add(record.structure)
        try:
            with _explained(self.path):
                self._write(campaign, progress, records)
        except BaseException:
            self._broken = True
            # If this fails too, the next writer does it.
            with suppress(OSError, CorpusError):
                _mend(self.path)
            raise
        self._progress.pop(campaign, None)
        self._progress[campaign] = _copy(progress)
        structures |= added
        outlines.update(record.outline for record in records)

    def _write(self, campaign: str, progress: Progress, records: Sequence[Record]) -> None:
        lines: dict[str, bytearray] = {}
        ids: dict[str, list[str]] = {}
        for record in records:
            lines.setdefault(record.type, bytearray()).extend(encode_record(record) + b"\n")
            ids.setdefault(record.type, []).append(record.id)
        if records:
            sizes = {category: _size(self._file(category)) for category in ids}
            begin = _Begin(campaign, sizes, {category: tuple(of) for category, of in ids.items()})
            self._append(self.path / JOURNAL, _encoder.encode(begin) + b"\n")
        for category in sorted(lines):
            self._append(self._file(category), bytes(lines[category]))
        commit = _Commit(
            campaign,
            progress.next,
            progress.verified,
            progress.counters,
            {file.stem: _size(file) for file in _category_files(self.path)},
            progress.stale,
        )
        self._append(self.path / JOURNAL, _encoder.encode(commit) + b"\n")

    def _append(self, path: Path, text: bytes) -> None:
        size = _size(path)
        if size and _read(path, size - 1, size) != b"\n":
            raise CorpusError(f"something else is writing to {path}; end it and start again")
        _append(path, text)

    def save_case(self, case: Case) -> Path:
        """Writes `case` into the folder of its bucket, over an earlier one, and returns that folder."""
        self._require_writer()
        check_case(case)
        folder = self.failure_folder(case.bucket)
        with _explained(self.path):
            os.makedirs(folder, exist_ok=True)
            replace_file(folder / CASE, [encode_case(case) + b"\n"])
        return folder

    def _file(self, category: str) -> Path:
        return self.path / VERIFIED / f"{category}.jsonl"

    def _require_writer(self) -> None:
        if self._lock is None:
            raise ValueError("the store is not open for writing")
        if self._process != os.getpid():
            raise ValueError("the store belongs to the process that opened it")
        if self._broken:
            raise CorpusError(f"writing to {self.path} has failed before; start again")


# ---------------------------------------------------------------- reading


def _place(category: str, number: int) -> str:
    return f"{VERIFIED}/{category}.jsonl, line {number}"


def _require_folder(path: Path) -> None:
    if not path.exists():
        raise CorpusError(f"there is no corpus at {path}")
    os.listdir(path)


def _category_files(path: Path) -> list[Path]:
    folder = path / VERIFIED
    if not folder.exists():
        return []
    return [folder / name for name in sorted(os.listdir(folder)) if _is_category_file(name)]


def _is_category_file(name: str) -> bool:
    return name.endswith(".jsonl") and CATEGORY.fullmatch(name[: -len(".jsonl")]) is not None


def _case_files(path: Path) -> list[Path]:
    folder = path / FAILURES
    if not folder.exists():
        return []
    return [file for name in sorted(os.listdir(folder)) if (file := folder / name / CASE).exists()]


def _case(path: Path, file: Path, text: bytes) -> Case:
    try:
        case = decode_case(text)
        check_case(case)
    except DamagedCase as error:
        raise DamagedCorpus(f"{file.relative_to(path).as_posix()}: {error.reason}") from error
    if case.bucket != file.parent.name:
        raise DamagedCorpus(f"{file.relative_to(path).as_posix()}: its bucket is {case.bucket!r}")
    return case


def _read_head(category: str, number: int, line: bytes) -> _Head:
    """The head of a record, with as much checked as is cheap."""
    try:
        try:
            head = _head.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            head = None
        if head is None or head.schema != record_form.SCHEMA:
            # A full reading upgrades an older schema, or says best what is wrong.
            whole = decode_record(line)
            head = _Head(whole.schema, whole.id, whole.type, whole.structure, whole.outline)
    except DamagedRecord as error:
        raise DamagedCorpus(f"{_place(category, number)}: {error.reason}") from error
    if head.type != category:
        raise DamagedCorpus(f"{_place(category, number)}: it is of type {head.type!r}")
    return head


def _is_record(line: bytes) -> bool:
    """Whether `line` is whole; no part of a JSON object, short of all of it, is one."""
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


# ---------------------------------------------------------------- mending


def _mend(path: Path) -> None:
    """Brings the folder back to the last acknowledged commit after a crash; keeps what others appended."""
    journal = _Journal(path / JOURNAL)
    for category, size in journal.acknowledged.items():
        found = _size(path / VERIFIED / f"{category}.jsonl")
        if found < size:
            _find_damage(path, category)
            raise DamagedCorpus(
                f"{VERIFIED}/{category}.jsonl has {found} bytes where {size} were acknowledged: records are "
                f"missing; restore the file, or delete {JOURNAL} to have all campaigns start again"
            )
    if journal.unfinished is not None:
        _roll_back(path, journal.unfinished)
    for file in _category_files(path):
        _mend_tail(file, journal.acknowledged.get(file.stem, 0))
    if journal.unfinished is not None:
        _cut(path / JOURNAL, journal.offsets[-1])
    elif journal.torn:
        _cut(path / JOURNAL, journal.end)
    elif journal.bare:
        _append(path / JOURNAL, b"\n")
    _remove_empty(path / JOURNAL)
    for pattern in (JOURNAL, f"{VERIFIED}/*.jsonl", f"{FAILURES}/*/{CASE}"):
        folder, _, name = pattern.rpartition("/")
        for left in path.glob(f"{folder}/{_TEMPORARY.format(name)}".lstrip("/")):
            os.unlink(left)


def _find_damage(path: Path, category: str) -> None:
    """Raises `DamagedCorpus` for the first line that cannot be read: it says more than a size does."""
    if (path / VERIFIED / f"{category}.jsonl").exists():
        for _ in Store(path, None)._heads(category):
            pass


def _roll_back(path: Path, begin: _Begin) -> None:
    """Takes out the records that `begin` names and nothing else."""
    for category, ids in begin.ids.items():
        file = path / VERIFIED / f"{category}.jsonl"
        start = begin.sizes[category]
        size = _size(file)
        if size <= start:
            _remove_empty(file)
            continue
        left = set(ids)
        kept = []
        for line in map(_without_torn, _split(_read(file, start, size))):
            named = _id(line)
            if named in left:
                left.remove(named)
            else:
                kept.append(line)
        if kept and not kept[-1].endswith(b"\n") and not _is_record(kept[-1]):
            kept.pop()
        if kept:
            replace_file(file, chain(_chunks(file, start), kept))
        else:
            _cut(file, start)
            _remove_empty(file)


def _without_torn(line: bytes) -> bytes:
    """`line` without a torn record before a whole one, which a hand appended to it after a crash."""
    if _is_record(line):
        return line
    whole = line[max(0, line.rfind(_RECORD_START)) :]
    return whole if _is_record(whole) else line


class _Id(msgspec.Struct):
    id: str


def _id(line: bytes) -> str | None:
    try:
        return msgspec.json.decode(line, type=_Id).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _mend_tail(file: Path, acknowledged: int) -> None:
    """Cuts off a torn last line, or ends a whole one that lacks its newline."""
    size = _size(file)
    end = size
    tail = b""
    while end and b"\n" not in tail:
        start = max(0, end - _CHUNK)
        tail = _read(file, start, end) + tail
        end = start
    last = tail[tail.rfind(b"\n") + 1 :]
    if not last:
        return
    if _is_record(last):
        _append(file, b"\n")
        return
    if size - len(last) < acknowledged:
        raise DamagedCorpus(f"{VERIFIED}/{file.name}: its last line was acknowledged and is torn")
    _cut(file, size - len(last))
    _remove_empty(file)


def _remove_empty(file: Path) -> None:
    if file.exists() and _size(file) == 0:
        os.unlink(file)
        _sync_folder(file.parent)


# ---------------------------------------------------------------- checking


def check_corpus(path: Path) -> list[str]:
    """Everything that is wrong with the corpus in the folder `path`, a sentence each with file and line.

    Looks at every byte and changes none.  `CorpusError` if the folder itself cannot be used.
    """
    path = Path(path)
    with _explained(path):
        _require_folder(path)
    problems: list[str] = []
    try:
        journal = _checked_journal(path, problems)
    except DamagedCorpus as error:
        problems.append(str(error))
        journal = None
    with _explained(path):
        files = _category_files(path)
        if (path / VERIFIED).exists():
            for name in sorted(os.listdir(path / VERIFIED)):
                if not _is_category_file(name) and not name.startswith("."):
                    problems.append(f"{VERIFIED}/{name}: it is not the file of a category")
        for category, size in (journal.acknowledged if journal else {}).items():
            found = _size(path / VERIFIED / f"{category}.jsonl")
            if found < size:
                problems.append(f"{VERIFIED}/{category}.jsonl: it has {found} bytes where {size} were acknowledged")
        ids: dict[str, str] = {}
        structures: dict[str, str] = {}
        for file in files:
            with file.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    problems += _line_problems(file.stem, number, line, ids, structures)
        for file in _case_files(path):
            try:
                _case(path, file, file.read_bytes())
            except DamagedCorpus as error:
                problems.append(str(error))
    return problems


def _checked_journal(path: Path, problems: list[str]) -> _Journal:
    with _explained(path):
        journal = _Journal(path / JOURNAL)
    if journal.torn:
        problems.append(f"{JOURNAL}, line {len(journal.events) + 1}: it breaks off")
    if journal.unfinished is not None:
        problems.append(
            f"{JOURNAL}, line {len(journal.events)}: a commit was begun and not finished; "
            "the next campaign takes it back"
        )
    return journal


def _line_problems(
    category: str, number: int, line: bytes, ids: dict[str, str], structures: dict[str, str]
) -> Iterator[str]:
    place = _place(category, number)
    if not line.endswith(b"\n"):
        yield f"{place}: it does not end in a newline" if _is_record(line) else f"{place}: it breaks off"
        if not _is_record(line):
            return
    try:
        record = decode_record(line)
        check_record(record)
    except DamagedRecord as error:
        yield f"{place}: {error.reason}"
        return
    if record.type != category:
        yield f"{place}: it is of type {record.type!r}"
    if record.id in ids:
        yield f"{place}: the same record stands in {ids[record.id]}"
    elif record.structure in structures:
        yield f"{place}: a record of the same structure stands in {structures[record.structure]}"
    ids.setdefault(record.id, place)
    structures.setdefault(record.structure, place)


# ---------------------------------------------------------------- files


def _lock(path: Path) -> filelock.BaseFileLock:
    lock = filelock.FileLock(path / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise CorpusBusy(f"another campaign is running on {path}; wait for it or choose another --corpus") from None
    return lock


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Says what an error of the operating system means for the corpus in the folder `path`."""
    try:
        yield
    except OSError as error:
        raise CorpusError(_sentence(path, error)) from error


def _sentence(path: Path, error: OSError) -> str:
    """One sentence for the person at the keyboard on why the file or folder `path` cannot be used."""
    place = error.filename if isinstance(error.filename, str) else path
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return f"there is no room left to write to {path}; what was committed before is kept"
        case errno.EACCES | errno.EPERM:
            return f"no permission to use {place}; change it or choose another place"
        case errno.EROFS:
            return f"{path} is on a read-only file system; choose another place"
        case errno.ENOTDIR | errno.EEXIST:
            return f"{path} is no folder that can hold a corpus: {place} is a file, or lies below one"
        case errno.EISDIR:
            return f"{place} is a folder where a file should be"
    return f"cannot use {place}: {error.strerror or error}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _split(text: bytes) -> list[bytes]:
    """The lines of `text`, each with its newline; only the last may lack one."""
    *lines, last = text.split(b"\n")
    return [line + b"\n" for line in lines] + ([last] if last else [])


def _read(path: Path, start: int, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(end - start)


def _chunks(path: Path, end: int) -> Iterator[bytes]:
    """The first `end` bytes of `path`, in pieces that fit in memory."""
    for start in range(0, end, _CHUNK):
        yield _read(path, start, min(start + _CHUNK, end))


def _write_all(descriptor: int, text: bytes) -> None:
    view = memoryview(text)
    while view:
        view = view[os.write(descriptor, view) :]


def _append(path: Path, text: bytes) -> None:
    """Appends `text` and makes it durable."""
    new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _write_all(descriptor, text)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        _sync_folder(path.parent)


def _cut(path: Path, size: int) -> None:
    """Cuts `path` to its first `size` bytes and makes that durable."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(descriptor, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, parts: Iterable[bytes]) -> None:
    """Writes `parts` as the whole of `path`, which at no moment holds anything but the old or the new."""
    temporary = path.with_name(_TEMPORARY.format(path.name))
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        try:
            for part in parts:
                _write_all(descriptor, part)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
