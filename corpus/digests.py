"""A set of strings that knows only a digest of each: sixteen bytes or so a string, however long they are."""

from __future__ import annotations

import hashlib
from array import array
from typing import Final

DIGEST_BYTES: Final = 8
"""Among a million strings two have the same digest once in 37 million corpora."""

SMALLEST: Final = 1024
"""Slots to begin with; a power of two."""

FULLEST: Final = 2 / 3
"""Share of slots in use beyond which the table is doubled: a search meets two slots on average, up to here."""


class DigestSet:
    """Strings that can be added and asked for, and not listed: a table with open addressing."""

    def __init__(self) -> None:
        # No digest is zero: zero is a free slot.
        self._table = array("Q", bytes(DIGEST_BYTES * SMALLEST))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, text: str) -> bool:
        return self._table[self._slot(_digest(text))] != 0

    @property
    def table_bytes(self) -> int:
        """The size of the table in memory."""
        return len(self._table) * DIGEST_BYTES

    def add(self, text: str) -> bool:
        """Adds `text`, and says whether it was new."""
        digest = _digest(text)
        slot = self._slot(digest)
        if self._table[slot]:
            return False
        self._table[slot] = digest
        self._count += 1
        if self._count > FULLEST * len(self._table):
            self._double()
        return True

    def _slot(self, digest: int) -> int:
        """Where `digest` is, or would be put."""
        table, mask = self._table, len(self._table) - 1
        slot = digest & mask
        while table[slot] not in (0, digest):
            slot = (slot + 1) & mask
        return slot

    def _double(self) -> None:
        digests = self._table
        self._table = array("Q", bytes(2 * DIGEST_BYTES * len(digests)))
        for digest in digests:
            if digest:
                self._table[self._slot(digest)] = digest


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).digest(), "little") or 1
