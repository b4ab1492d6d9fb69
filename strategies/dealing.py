"""Decks: what the kernels of a stream take in turn, shuffled anew each time all of it was dealt."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from strategies.dice import Dice

T = TypeVar("T")


def deal(deck: Sequence[T], place: tuple[int, int] | None, count: int, dice: Dice) -> list[T]:
    """The next `count` of a deck for the kernel at `place`, a seed and an index; by chance if it is of no stream."""
    if place is None:
        return [dice.one_of(deck) for _ in range(count)]
    seed, index = place
    found = []
    for number in range(index * count, (index + 1) * count):
        turn, at = divmod(number, len(deck))
        found.append(deck[_order(seed, turn, len(deck))[at]])
    return found


def _order(seed: int, turn: int, count: int) -> list[int]:
    return sorted(range(count), key=lambda n: hashlib.sha256(f"{seed}/{turn}/{n}".encode()).digest())
