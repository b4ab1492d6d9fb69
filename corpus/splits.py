"""Training, validation and test rows that do not leak into each other, and the measurement that says so.

Rows that are alike form a cluster, and a cluster goes to one split as a whole.  Two rows are alike if

- their syntax trees are equal without names, literals and operators (`Record.outline`),
- their generated C++ is equal without names and literals (`normalised_cpp`), or
- their Python shares most runs of five tokens, names and literals left out (`shingles`): MinHash signatures
  (Broder 1997), banded as in locality-sensitive hashing.

`measure` does not trust the clusters: it looks for the other rows of a held-out row itself, and compares sets of
shingles exactly.

Needs the extra `dataset`.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import keyword
import re
import tempfile
import tokenize
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from datasketch import MinHash

from corpus.leakage import THRESHOLD, Leakage, Split
from corpus.record import Record

#: Tokens of one shingle: three are shared by any two kernels that multiply array elements, nine by copies only.
SHINGLE: Final = 5
#: Hash functions of a signature: they estimate the share to a standard deviation of 0.04.
PERMUTATIONS: Final = 128
#: Rows are linked from two standard deviations below the threshold on, so that few near-duplicates are missed.
LINKED_FROM: Final = 0.62
#: A row that agrees with another in so much of its signature need not be compared with others as well.
REPRESENTED_FROM: Final = 1 - (THRESHOLD - LINKED_FROM)
#: Signatures are compared where all hashes of a band agree: by 32 bands of 4, pairs at the threshold meet with
#: a probability of 99.98 %.
BAND: Final = 4
#: Shares of clusters; the rest is for training.
TEST_SHARE: Final = 0.1
VALIDATION_SHARE: Final = 0.1
#: Larger clusters are for training: a test should not ask one thing twenty times.
LARGEST_HELD_OUT: Final = 20
#: Held-out rows that near-duplicates are looked for of, spread evenly over all.
MEASURED: Final = 2000

Integers = npt.NDArray[np.integer[Any]]


class Assignment:
    """Which split each row of a corpus is in, and which cluster, by the row's id."""

    def __init__(self, ids: Integers, clusters: Integers, splits: Integers) -> None:
        order = np.argsort(ids)
        self._ids, self._clusters, self._splits = ids[order], clusters[order], splits[order]

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, record: Record) -> bool:
        at = int(np.searchsorted(self._ids, np.uint64(_key(record.id))))
        return at < len(self._ids) and int(self._ids[at]) == _key(record.id)

    def split(self, record: Record) -> Split:
        """The split of `record`; `KeyError` if it was not there."""
        return _SPLITS[int(self._splits[self._at(record)])]

    def cluster(self, record: Record) -> int:
        """The number of the cluster of `record`; `KeyError` if it was not there."""
        return int(self._clusters[self._at(record)])

    def rows(self) -> dict[str, int]:
        """How many rows are in each split."""
        return {split.value: int(np.sum(self._splits == n)) for n, split in enumerate(_SPLITS)}

    def sizes(self) -> Integers:
        """How many rows are in each cluster."""
        return np.unique(self._clusters, return_counts=True)[1]

    def _at(self, record: Record) -> int:
        if record not in self:
            raise KeyError(record.id)
        return int(np.searchsorted(self._ids, np.uint64(_key(record.id))))


_SPLITS: Final = tuple(Split)


# ---------------------------------------------------------------- what is left without names


def normalised_tokens(python: str, numbered: bool = False) -> Iterator[str]:
    """The tokens of a kernel's source: names that it binds as one token, or `numbered` in order of appearance.

    Numbers become one token too, unless names are numbered: then two sources have the same tokens exactly if
    one is the other with its names changed.
    """
    numbers: dict[str, str] = {}
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(python).readline):
        text = token.string
        match token.type:
            case tokenize.NAME if keyword.iskeyword(text) or before == "." or text in _KNOWN:
                yield text
            case tokenize.NAME:
                yield numbers.setdefault(text, f"v{len(numbers)}") if numbered else "v"
            case tokenize.NUMBER:
                yield text if numbered else "0"
            case tokenize.NEWLINE | tokenize.INDENT | tokenize.DEDENT:
                yield tokenize.tok_name[token.type]
            case tokenize.OP:
                yield text
        before = text


#: What is no name of a kernel's own.
_KNOWN: Final = frozenset({"wp", "warp", "range", "len", "int", "float", "bool", "min", "max", "abs"})


def shingles(python: str) -> frozenset[bytes]:
    """The hashes of all runs of `SHINGLE` normalised tokens behind the imports."""
    tokens = list(normalised_tokens(python.partition("@")[2]))
    runs = zip(*(tokens[n:] for n in range(SHINGLE)), strict=False)
    return frozenset(_digest(" ".join(run)) for run in runs)


def normalised_cpp(cpp: str) -> str:
    """Generated C++ without comments, directives and literals, and with its names numbered.

    Up to the backward function, which follows from the rest: what is equal as a whole is equal here.
    """
    numbers: dict[str, str] = {}
    parts = []
    for text in _CPP_PART.findall(cpp.partition("_kernel_backward(")[0]):
        if text.lstrip().startswith(("//", "#", "/*")):
            continue
        if text[0].isdigit() or text[0] in "\"'":
            parts.append("0")
        elif (text[0].isalpha() or text[0] == "_") and not text.startswith("wp::"):
            parts.append(numbers.setdefault(text, f"v{len(numbers)}"))
        else:
            parts.append(text)
    return " ".join(parts)


_CPP_PART: Final = re.compile(
    r"//[^\n]*|^[ \t]*#[^\n]*|/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
    r"|wp::\w+|[A-Za-z_]\w*|\.?\d(?:[eEpP][+-]|[\w.])*|[^\s\w]",
    re.MULTILINE | re.DOTALL,
)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def _key(id: str) -> int:
    """The first 64 bits of an id, which is a hash itself."""
    return int(id[:16], 16)


def _hashed(text: str) -> int:
    return int.from_bytes(_digest(text), "big")


# ---------------------------------------------------------------- clusters


def assign(records: Iterable[Record]) -> Assignment:
    """The splits of `records`, in one pass: 24 bytes a row stay in memory; at work it is 100, and 512 on disk.

    A row keeps its split while a corpus grows, unless its cluster changes: by a new row that joins it to another,
    has the smallest id of it, or is one more than `LARGEST_HELD_OUT`.
    """
    ids, outlines, texts = array("Q"), array("Q"), array("Q")
    with tempfile.TemporaryFile() as file:
        for record in records:
            ids.append(_key(record.id))
            outlines.append(_key(record.outline))
            texts.append(_hashed(normalised_cpp(record.cpp)))
            file.write(_signature(shingles(record.python)).tobytes())
        file.flush()
        if not ids:
            return Assignment(*(np.zeros(0, np.uint64) for _ in range(3)))
        signatures = np.memmap(file, np.uint32, "r", shape=(len(ids), PERMUTATIONS))
        clusters = _Clusters(len(ids))
        for keys in (outlines, texts):
            for group in _groups(np.asarray(keys)):
                if len(group) > 1:
                    clusters.join(group)
        _join_near_duplicates(clusters, signatures)
        del signatures
    roots = clusters.roots()
    return Assignment(np.asarray(ids), roots, _splits(np.asarray(ids), roots))


def _signature(of: frozenset[bytes]) -> npt.NDArray[np.uint32]:
    minhash = _EMPTY.copy()
    minhash.update_batch(of)
    return np.asarray(minhash.hashvalues, np.uint32)


def _first_32_bits(digest: bytes) -> int:
    return int.from_bytes(digest[:4], "big")


#: Copied, since drawing the hash functions takes longer than using them.  The scheme is named because splits must
#: not change with the library's default.
_EMPTY: Final = MinHash(PERMUTATIONS, hashfunc=_first_32_bits, scheme="affine32")


class _Clusters:
    """Disjoint sets of rows (union by the smaller index, with path halving)."""

    def __init__(self, rows: int) -> None:
        self._parents = np.arange(rows)

    def find(self, row: int) -> int:
        parents = self._parents
        while parents[row] != row:
            parents[row] = parents[parents[row]]
            row = int(parents[row])
        return row

    def join(self, rows: Iterable[int]) -> None:
        """Put `rows` into one set."""
        first, *others = {self.find(int(row)) for row in rows}
        least = min(first, *others) if others else first
        for root in (first, *others):
            self._parents[root] = least

    def roots(self) -> Integers:
        """The smallest row of each row's set."""
        return np.fromiter(map(self.find, range(len(self._parents))), np.int64, len(self._parents))


def _groups(keys: npt.NDArray[Any]) -> Iterator[Integers]:
    """The positions of equal keys, in order, for each key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    for start, end in itertools.pairwise(np.concatenate(([0], starts, [len(order)]))):
        yield order[start:end]


def _join_near_duplicates(clusters: _Clusters, signatures: npt.NDArray[np.uint32]) -> None:
    """Join the rows whose signatures agree in `LINKED_FROM` of their hashes, as far as they agree in a band."""
    for start in range(0, PERMUTATIONS, BAND):
        band = np.ascontiguousarray(signatures[:, start : start + BAND])
        for group in _groups(band.view(f"V{band.itemsize * BAND}").ravel()):
            if len(group) > 1:
                _join_in_band(clusters, group, np.asarray(signatures[group]))


def _join_in_band(clusters: _Clusters, rows: Integers, signatures: npt.NDArray[np.uint32]) -> None:
    """Join those of `rows` that are near-duplicates, each compared with what represents the rows before it.

    A row that agrees with a representative in `REPRESENTED_FROM` of its hashes becomes none itself.  Whatever agrees
    with that row in `THRESHOLD` of them agrees with its representative in `LINKED_FROM`, so that it is found.
    """
    representing = [0]
    chosen = np.empty_like(signatures)
    chosen[0] = signatures[0]
    for n in range(1, len(rows)):
        agreeing = np.count_nonzero(chosen[: len(representing)] == signatures[n], axis=1)
        linked = np.flatnonzero(agreeing >= LINKED_FROM * PERMUTATIONS)
        if len(linked):
            clusters.join([int(rows[n]), *(int(rows[representing[k]]) for k in linked)])
        if agreeing.max() < REPRESENTED_FROM * PERMUTATIONS:
            chosen[len(representing)] = signatures[n]
            representing.append(n)


def _splits(ids: Integers, roots: Integers) -> Integers:
    """The number of each row's split: a function of the smallest id in its cluster, hashed."""
    splits = np.zeros(len(ids), np.uint8)
    for group in _groups(roots):
        least = int(ids[group].min())
        place = _hashed(f"split/{least:016x}") / 2**64
        if len(group) <= LARGEST_HELD_OUT:
            splits[group] = 2 if place < TEST_SHARE else 1 if place < TEST_SHARE + VALIDATION_SHARE else 0
    return splits


# ---------------------------------------------------------------- leakage


#: What two rows of different splits must not have in common, by the field of `Leakage` that counts it.
VIEWS: Final[dict[str, Callable[[Record], str]]] = {
    "rename_identical": lambda record: " ".join(normalised_tokens(record.python, numbered=True)),
    "structure_identical": lambda record: record.structure,
    "outline_identical": lambda record: record.outline,
    "cpp_identical": lambda record: normalised_cpp(record.cpp),
}


def measure(records: Callable[[], Iterable[Record]], assignment: Assignment) -> Leakage:
    """How much leaks between the splits of `assignment`, in two passes over `records()`."""
    held_out = sum(count for split, count in assignment.rows().items() if split != Split.TRAIN.value)
    step = max(1, -(-held_out // MEASURED))
    near = _NearDuplicates()
    seen: dict[str, dict[int, int]] = {name: {} for name in VIEWS}
    number = 0
    for record in records():
        split = assignment.split(record)
        for name, view in VIEWS.items():
            key = _hashed(view(record))
            seen[name][key] = seen[name].get(key, 0) | 1 << _SPLITS.index(split)
        if split is not Split.TRAIN:
            if number % step == 0:
                near.hold_out(split, shingles(record.python))
            number += 1
    leaking = dict.fromkeys(VIEWS, 0)
    for record in records():
        split = assignment.split(record)
        near.compare(split, shingles(record.python))
        if split is not Split.TRAIN:
            own = 1 << _SPLITS.index(split)
            for name, view in VIEWS.items():
                leaking[name] += seen[name][_hashed(view(record))] != own
    sizes = assignment.sizes()
    return Leakage(
        rows=assignment.rows(),
        clusters=len(sizes),
        largest_cluster=int(sizes.max(initial=0)),
        held_out=held_out,
        rename_identical=leaking["rename_identical"],
        structure_identical=leaking["structure_identical"],
        outline_identical=leaking["outline_identical"],
        cpp_identical=leaking["cpp_identical"],
        near_duplicates=near.found,
        near_duplicates_of=len(near),
    )


class _NearDuplicates:
    """Held-out rows, and the largest share of shingles that each has in common with a row of another split."""

    def __init__(self) -> None:
        self._splits: list[Split] = []
        self._sizes: list[int] = []
        self._holders: dict[bytes, list[int]] = {}
        self._closest: list[float] = []

    def __len__(self) -> int:
        return len(self._splits)

    def hold_out(self, split: Split, of: frozenset[bytes]) -> None:
        """Add a row to look for counterparts of."""
        for shingle in of:
            self._holders.setdefault(shingle, []).append(len(self._splits))
        self._splits.append(split)
        self._sizes.append(len(of))
        self._closest.append(0.0)

    def compare(self, split: Split, of: frozenset[bytes]) -> None:
        """See how close a row of any split comes."""
        common: Counter[int] = Counter()
        for shingle in of:
            common.update(self._holders.get(shingle, ()))
        for n, shared in common.items():
            if self._splits[n] is not split:
                self._closest[n] = max(self._closest[n], shared / (self._sizes[n] + len(of) - shared))

    @property
    def found(self) -> int:
        """How many of the held-out rows have a near-duplicate in another split."""
        return sum(closest >= THRESHOLD for closest in self._closest)
