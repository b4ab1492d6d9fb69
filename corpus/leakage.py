"""What is said of the splits of a corpus, by those who need not make them."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

#: The share of shingles in common (Jaccard) from which on two kernels are near-duplicates.
THRESHOLD: Final = 0.7


class Split(str, Enum):
    """What a row is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Leakage(msgspec.Struct, frozen=True):
    """How many held-out rows have a counterpart in another split.

    `rename_identical` rows differ from it in names only, `structure_identical` ones in names and literals,
    `outline_identical` ones in names, literals and operators, `cpp_identical` ones in names and literals of the
    generated C++; `near_duplicates` share `THRESHOLD` of their shingles or more, as measured on
    `near_duplicates_of` rows.  `largest_cluster` is in rows.
    """

    rows: dict[str, int]
    clusters: int
    largest_cluster: int
    held_out: int
    rename_identical: int
    structure_identical: int
    outline_identical: int
    cpp_identical: int
    near_duplicates: int
    near_duplicates_of: int
