"""Files that are durable when a call returns, and what it means for a person when the system refuses."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import filelock
import msgspec

from corpus.record import CorpusError, DamagedCorpus

LOCK: Final = ".lock"

#: What the system says where a file cannot grow.
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

#: Bytes read at once where a file may not fit in memory.
CHUNK: Final = 1 << 20

#: A file is replaced by writing this beside it and renaming; the next writer removes one left behind.
TEMPORARY: Final = ".{}.tmp"


class CorpusBusy(CorpusError):
    """Another process is writing to the corpus."""


def lock(path: Path) -> filelock.BaseFileLock:
    """The lock of the one writer to the folder `path`, held; `CorpusBusy` if another holds it."""
    held = filelock.FileLock(path / LOCK, thread_local=False)
    try:
        held.acquire(timeout=0)
    except filelock.Timeout:
        raise CorpusBusy(f"another campaign is running on {path}; wait for it or choose another --corpus") from None
    return held


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Says what an error of the operating system means for the corpus in the folder `path`."""
    try:
        yield
    except OSError as error:
        raise CorpusError(_sentence(path, error)) from error


@contextmanager
def located(path: Path) -> Iterator[None]:
    """Says of which corpus, the one in the folder `path`, a file is damaged."""
    try:
        yield
    except DamagedCorpus as error:
        raise DamagedCorpus(f"{path}/{error}") from error


def _sentence(path: Path, error: OSError) -> str:
    """One sentence for the person at the keyboard on why the file or folder `path` cannot be used."""
    place = error.filename if isinstance(error.filename, str) else path
    match error.errno:
        case number if number in NO_ROOM:
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


def require_folder(path: Path) -> None:
    """Raises `CorpusError` if there is nothing at `path`, and `OSError` if it is no folder to look into."""
    if not path.exists():
        raise CorpusError(f"there is no corpus at {path}")
    os.listdir(path)


def size(path: Path) -> int:
    """The bytes of a file; none if there is no such file."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def names(folder: Path) -> list[str]:
    """What is in `folder`, sorted; nothing if it is not there."""
    return sorted(os.listdir(folder)) if folder.exists() else []


def split_lines(text: bytes) -> list[bytes]:
    """The lines of `text`, each with its newline; only the last may lack one."""
    *lines, last = text.split(b"\n")
    return [line + b"\n" for line in lines] + ([last] if last else [])


def read(path: Path, start: int, end: int) -> bytes:
    """The bytes of `path` from `start` to `end`."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read(end - start)


def chunks(path: Path, end: int) -> Iterator[bytes]:
    """The first `end` bytes of `path`, in pieces that fit in memory."""
    for start in range(0, end, CHUNK):
        yield read(path, start, min(start + CHUNK, end))


def _write_all(descriptor: int, text: bytes) -> None:
    view = memoryview(text)
    while view:
        view = view[os.write(descriptor, view) :]


def append(path: Path, text: bytes) -> None:
    """Appends `text` and makes it durable."""
    new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _write_all(descriptor, text)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        sync_folder(path.parent)


def append_lines(path: Path, text: bytes) -> None:
    """Appends lines to a file of lines; `CorpusError` if somebody else has left its last one unfinished."""
    before = size(path)
    if before and read(path, before - 1, before) != b"\n":
        raise CorpusError(f"something else is writing to {path}; end it and start again")
    append(path, text)


def cut(path: Path, end: int) -> None:
    """Cuts `path` to its first `end` bytes and makes that durable."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(descriptor, end)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_empty(file: Path) -> None:
    """Removes `file` if there is nothing in it."""
    if file.exists() and size(file) == 0:
        os.unlink(file)
        sync_folder(file.parent)


def replace_file(path: Path, parts: Iterable[bytes]) -> None:
    """Writes `parts` as the whole of `path`, which at no moment holds anything but the old or the new."""
    temporary = path.with_name(TEMPORARY.format(path.name))
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
    sync_folder(path.parent)


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """`replace_file`, for a person who has asked for the file `path`: `CorpusError` if it cannot be written.

    Where `path` is a link, what it leads to is written.  A device or a pipe, such as /dev/stdout, is written to and
    stays what it is: to rename a file over it would take it from everybody.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as place:
                place.writelines(parts)
        else:
            replace_file(path.resolve() if path.is_symlink() else path, parts)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CorpusError(f"cannot write {path}: {error.strerror or error}") from error


def write_lines(path: Path, rows: Iterable[msgspec.Struct]) -> int:
    """Writes `rows` as JSON to the file `path`, one a line, and returns how many there are; as `write_whole`."""
    written = 0

    def lines() -> Iterator[bytes]:
        nonlocal written
        for row in rows:
            yield msgspec.json.encode(row) + b"\n"
            written += 1

    write_whole(path, lines())
    return written


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `path` when the block ends, and goes if it fails.

    `CorpusError` if there is something at `path`, but for an empty folder, or no folder can be made beside it.
    """
    temporary = path.with_name(TEMPORARY.format(path.name))
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise CorpusError(f"{path} is not an empty folder; choose a new one for --out")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            if path.exists():
                path.rmdir()
            temporary.rename(path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise CorpusError(f"cannot write {path}: {error.strerror or error}") from error


def sync_folder(path: Path) -> None:
    """Makes durable which files are in the folder `path`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
