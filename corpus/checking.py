"""A full check of a corpus: every byte is looked at and none is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from corpus.case import CASE, FAILURES, Case, DamagedCase, check_case, decode_case
from corpus.digests import DigestSet
from corpus.files import explained, names, require_folder, size
from corpus.heads import is_record, lines_of_category, lines_of_shard, read_head
from corpus.journal import JOURNAL, Journal
from corpus.record import CorpusError, DamagedCorpus, DamagedRecord, Record, check_record, decode_record
from corpus.shards import VERIFIED, categories, category_of, shard_file, shards, strangers


def require_corpus(path: Path) -> None:
    """Raises `CorpusError` if there is no corpus in the folder `path`, `OSError` if it is no folder to look into."""
    require_folder(path)
    if not is_corpus(path):
        raise CorpusError(f"{path} is no corpus: it has neither {VERIFIED} nor {FAILURES}")


def is_corpus(path: Path) -> bool:
    """Whether a folder has what a corpus has."""
    return (path / VERIFIED).is_dir() or (path / FAILURES).is_dir()


def check_corpus(path: Path) -> list[str]:
    """Everything that is wrong with the corpus in the folder `path`, a sentence each with file and line.

    Looks at every byte and changes none.  `CorpusError` if the folder itself cannot be used.
    """
    path = Path(path)
    with explained(path):
        require_corpus(path)
    problems = list(_problems(path))
    with explained(path):
        first = _first_places(path, {problem.what for problem in problems if isinstance(problem, _Twice)})
    return [problem.sentence(first) if isinstance(problem, _Twice) else problem for problem in problems]


def _problems(path: Path) -> Iterator[str | _Twice]:
    journal = None
    try:
        with explained(path):
            journal = Journal(path / JOURNAL)
    except DamagedCorpus as error:
        yield str(error)
    if journal is not None:
        yield from _journal_problems(journal)
    with explained(path):
        for name in strangers(path):
            yield f"{name}: it is not the file of a category"
        for shard, acknowledged in (journal.acknowledged if journal else {}).items():
            file = shard_file(path, shard)
            if size(file) < acknowledged:
                name = file.relative_to(path).as_posix()
                yield f"{name}: it has {size(file)} bytes where {acknowledged} were acknowledged"
        kept = _Kept()
        for category in categories(path):
            try:
                found = shards(path, category)
            except DamagedCorpus as error:
                yield str(error)
                continue
            for shard in found:
                for where, line in lines_of_shard(path, shard):
                    yield from _line_problems(category_of(shard), where, line, kept)
        for file in case_files(path):
            try:
                read_case(path, file, file.read_bytes())
            except DamagedCorpus as error:
                yield str(error)


def _journal_problems(journal: Journal) -> Iterator[str]:
    if journal.torn:
        yield f"{JOURNAL}, line {journal.entries + 1}: it breaks off"
    if journal.unfinished is not None:
        yield (
            f"{JOURNAL}, line {journal.entries}: a commit was begun and not finished; the next campaign takes it back"
        )


class _Hash(NamedTuple):
    """What two records have in common: the id or the structure, which may be the same string."""

    field: Literal["id", "structure"]
    value: str


class _Twice(NamedTuple):
    """A record that stands in the corpus already; `where` it stands again."""

    where: str
    what: _Hash

    def sentence(self, first: Mapping[_Hash, str]) -> str:
        """What is wrong, by the place where each hash stands first."""
        same = "the same record" if self.what.field == "id" else "a record of the same structure"
        place = first.get(self.what, self.where)
        # What stands first may be in a line that cannot be read, which is said of that line.
        return f"{self.where}: {same} stands in {place if place != self.where else 'another line'}"


class _Kept:
    """The records met so far, by their digests: where one is, is looked up only when it stands twice."""

    def __init__(self) -> None:
        self._ids = DigestSet()
        self._structures = DigestSet()

    def twice(self, record: Record) -> _Hash | None:
        """What `record` has in common with one that stands in the corpus already."""
        if not self._ids.add(record.id):
            return _Hash("id", record.id)
        if not self._structures.add(record.structure):
            return _Hash("structure", record.structure)
        return None


def _first_places(path: Path, wanted: Set[_Hash]) -> dict[_Hash, str]:
    """Where each of the hashes `wanted` stands first, in one pass over the lines that can be read."""
    found: dict[_Hash, str] = {}
    for category in categories(path) if wanted else ():
        # A category whose files are not in order, or a line that cannot be read, is a problem that is named already.
        with suppress(DamagedCorpus):
            for where, line in lines_of_category(path, category):
                with suppress(DamagedCorpus):
                    head = read_head(category, where, line)
                    for what in (_Hash("id", head.id), _Hash("structure", head.structure)):
                        if what in wanted:
                            found.setdefault(what, where)
    return found


def _line_problems(category: str, where: str, line: bytes, kept: _Kept) -> Iterator[str | _Twice]:
    if not line.endswith(b"\n"):
        yield f"{where}: it does not end in a newline" if is_record(line) else f"{where}: it breaks off"
        if not is_record(line):
            return
    try:
        record = decode_record(line)
        check_record(record)
    except DamagedRecord as error:
        yield f"{where}: {error.reason}"
        return
    if record.type != category:
        yield f"{where}: it is of type {record.type!r}"
    if (what := kept.twice(record)) is not None:
        yield _Twice(where, what)


def case_files(path: Path) -> list[Path]:
    """The kept failures, sorted by bucket."""
    folder = path / FAILURES
    return [file for name in names(folder) if (file := folder / name / CASE).exists()]


def read_case(path: Path, file: Path, text: bytes) -> Case:
    """The case that is stored in `file` as `text`; `DamagedCorpus` if it is none."""
    name = file.relative_to(path).as_posix()
    try:
        case = decode_case(text)
        check_case(case)
    except DamagedCase as error:
        raise DamagedCorpus(f"{name}: {error.reason}") from error
    if case.bucket != file.parent.name:
        raise DamagedCorpus(f"{name}: its bucket is {case.bucket!r}")
    return case
