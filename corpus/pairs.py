"""Which constructs occur, which occur together, and which never have, counted over sets of features.

Defects of a code generator live where features meet; a pair that the kernels of a corpus should have had by chance, and
have not, is a place that nobody has looked at.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from typing import Final, NamedTuple

import msgspec

#: Kinds of features of which a kernel has one alone: two of them never meet.
EXCLUSIVE: Final = frozenset(("launch",))
#: Kinds that are constructs of the language; the others are types and sizes.
CONSTRUCTS: Final = frozenset(("node", "op", "augmented", "logical", "member"))
#: A pair counts as missed if chance alone would have brought it about this often.
EXPECTED: Final = 5.0
#: Of the pairs that have met least for what they are, how many are listed.
SHOWN: Final = 20


class Pair(NamedTuple):
    """Two features, in how many rows they have met, and in how many they would if they had nothing to do with one
    another."""

    first: str
    second: str
    met: int
    expected: float


class Spread(msgspec.Struct, frozen=True):
    """How features are spread over rows.

    `rows` is the number of rows, `counts` says in how many each feature occurs, `together` counts the pairs that occur,
    and `never` lists those that do not although chance alone would have made at least `EXPECTED` of them, the most
    surprising first.
    """

    rows: int
    counts: dict[str, int]
    together: int
    possible: int
    never: tuple[Pair, ...]
    rarest: tuple[Pair, ...]


def is_construct(feature: str) -> bool:
    """Whether a feature is a construct of the language, not a type or a size."""
    return feature.partition(":")[0] in CONSTRUCTS


class Tally:
    """Counts of features, and of pairs of them, over rows that come one at a time and are not kept."""

    def __init__(self) -> None:
        self._rows = 0
        self._counts: Counter[str] = Counter()
        self._together: Counter[tuple[str, str]] = Counter()

    def add(self, row: Iterable[str]) -> None:
        """Counts the features of one row."""
        self._rows += 1
        # Strings that were decoded are new objects in every row: what is kept of them should be one object each.
        features = sorted(set(map(sys.intern, row)))
        self._counts.update(features)
        self._together.update(combinations(features, 2))

    def spread(self) -> Spread:
        """How the features of the rows so far are spread."""
        counts, together = self._counts, self._together
        pairs = [
            Pair(first, second, together[first, second], counts[first] * counts[second] / self._rows)
            for first, second in combinations(sorted(counts), 2)
            if not _exclusive(first, second)
        ]
        never = [p for p in pairs if p.met == 0 and p.expected >= EXPECTED]
        met = [p for p in pairs if p.met]
        return Spread(
            rows=self._rows,
            counts=dict(sorted(counts.items())),
            together=len(met),
            possible=len(pairs),
            never=tuple(sorted(never, key=lambda p: (-p.expected, p.first, p.second))),
            rarest=tuple(sorted(met, key=lambda p: (p.met / p.expected, p.first, p.second))[:SHOWN]),
        )


def spread(rows: Iterable[Iterable[str]]) -> Spread:
    """How the features of `rows`, one set a row, are spread."""
    tally = Tally()
    for row in rows:
        tally.add(row)
    return tally.spread()


def _exclusive(first: str, second: str) -> bool:
    kind, other = first.partition(":")[0], second.partition(":")[0]
    return kind == other and kind in EXCLUSIVE
