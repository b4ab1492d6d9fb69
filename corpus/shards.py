"""How the records of a category are spread over files.

::

    verified/loop.jsonl                  a category that fits in one file
    verified/loop/00000.jsonl, 00001…    one that does not

A record goes to the last shard of its category, or to a new one if that would grow beyond `SHARD_BYTES`.  So
which record stands where depends on the records and their order alone, and only the last shard ever changes,
which is what those like who keep a corpus under version control.  When a second shard is begun, the file of
the first is moved into the folder, by one renaming: the name of a shard, which the journal speaks of, stays.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from corpus.files import names, size, sync_folder
from corpus.record import CATEGORY, DamagedCorpus

VERIFIED: Final = "verified"

SHARD_BYTES: Final = 32 << 20
"""Some 1,300 pairs of 25 KB; hosts of git repositories warn of files beyond 50 MB and refuse 100 MB."""

_SUFFIX: Final = ".jsonl"
_NUMBERED: Final = re.compile(r"[0-9]{5,}\.jsonl")


def shard_name(category: str, number: int) -> str:
    """The name of a shard, whichever file it is in: the first is called as its category."""
    return category if number == 0 else f"{category}/{number:05d}"


def category_of(shard: str) -> str:
    """The category of the shard of this name."""
    return shard.partition("/")[0]


def shard_file(path: Path, shard: str) -> Path:
    """The file of a shard of the corpus in the folder `path`, or the one that it would have."""
    category, _, number = shard.partition("/")
    flat = path / VERIFIED / f"{category}{_SUFFIX}"
    if number:
        return path / VERIFIED / category / f"{number}{_SUFFIX}"
    first = path / VERIFIED / category / f"{0:05d}{_SUFFIX}"
    return first if first.exists() and not flat.exists() else flat


def open_shard(path: Path, shard: str) -> BinaryIO:
    """The file of a shard, open for reading, even if it is being moved."""
    try:
        return shard_file(path, shard).open("rb")
    except FileNotFoundError:
        return shard_file(path, shard).open("rb")


def categories(path: Path) -> list[str]:
    """The categories that have a file, sorted."""
    found = names(path / VERIFIED)
    flat = {name.removesuffix(_SUFFIX) for name in found if is_category_file(name)}
    return sorted(flat | {name for name in found if CATEGORY.fullmatch(name) and _numbers(path, name)})


def shards(path: Path, category: str) -> list[str]:
    """The names of the shards of a category, in order; `DamagedCorpus` if a file stands for two, or none for one."""
    flat = (path / VERIFIED / f"{category}{_SUFFIX}").exists()
    numbers = _numbers(path, category)
    if flat and 0 in numbers:
        raise DamagedCorpus(
            f"{VERIFIED}/{category}{_SUFFIX} and {VERIFIED}/{category}/{0:05d}{_SUFFIX} both hold the first records "
            "of the category; remove one of them"
        )
    numbers |= {0} if flat else set()
    missing = next((number for number in range(len(numbers)) if number not in numbers), None)
    if missing is not None:
        raise DamagedCorpus(f"{VERIFIED}/{category}/{missing:05d}{_SUFFIX} is missing; restore it")
    return [shard_name(category, number) for number in sorted(numbers)]


def all_shards(path: Path) -> Iterator[str]:
    """The names of all shards of a corpus, category by category."""
    for category in categories(path):
        yield from shards(path, category)


def is_category_file(name: str) -> bool:
    """Whether a file of this name holds all records of a category."""
    return name.endswith(_SUFFIX) and CATEGORY.fullmatch(name.removesuffix(_SUFFIX)) is not None


def strangers(path: Path) -> Iterator[str]:
    """What lies among the shards and is none, but for hidden files."""
    for name in names(path / VERIFIED):
        folder = path / VERIFIED / name
        if CATEGORY.fullmatch(name) and folder.is_dir():
            others = (file for file in names(folder) if not _NUMBERED.fullmatch(file) and not file.startswith("."))
            yield from (f"{VERIFIED}/{name}/{file}" for file in others)
        elif not is_category_file(name) and not name.startswith("."):
            yield f"{VERIFIED}/{name}"


def _numbers(path: Path, category: str) -> set[int]:
    folder = path / VERIFIED / category
    if not folder.is_dir():
        return set()
    return {int(name.removesuffix(_SUFFIX)) for name in names(folder) if _NUMBERED.fullmatch(name)}


def by_shard(path: Path, category: str, lines: list[bytes]) -> dict[str, list[int]]:
    """Which of `lines` go to which shard, by their numbers."""
    last = shards(path, category)
    number = max(len(last) - 1, 0)
    filled = size(shard_file(path, shard_name(category, number)))
    found: dict[str, list[int]] = {}
    for n, line in enumerate(lines):
        if filled and filled + len(line) > SHARD_BYTES:
            number, filled = number + 1, 0
        filled += len(line)
        found.setdefault(shard_name(category, number), []).append(n)
    return found


def make_folder(path: Path, category: str) -> None:
    """Makes room for a second shard: the first moves into the folder of its category."""
    folder = path / VERIFIED / category
    os.makedirs(folder, exist_ok=True)
    flat = path / VERIFIED / f"{category}{_SUFFIX}"
    if flat.exists():
        os.replace(flat, folder / f"{0:05d}{_SUFFIX}")
    sync_folder(folder)
    sync_folder(folder.parent)


def remove_needless_folder(path: Path, category: str) -> None:
    """Undoes `make_folder` where there is no second shard."""
    folder = path / VERIFIED / category
    flat = path / VERIFIED / f"{category}{_SUFFIX}"
    if not folder.is_dir():
        return
    if _numbers(path, category) == {0} and not flat.exists():
        os.replace(folder / f"{0:05d}{_SUFFIX}", flat)
        sync_folder(folder.parent)
    if not names(folder):
        os.rmdir(folder)
        sync_folder(folder.parent)
