"""Choices drawn from Hypothesis: small integers only, simplest first, so that they shrink and stay quick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

Draw = Callable[[st.SearchStrategy[Any]], Any]


@cache
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


class Dice:
    """Draws choices for one kernel."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw

    def below(self, count: int) -> int:
        """A number from 0 to `count` - 1."""
        return int(self._draw(_below(count))) if count > 1 else 0

    def between(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def one_of(self, items: Sequence[T]) -> T:
        """One of `items`; the first is the simplest."""
        return items[self.below(len(items))]

    def chance(self, percent: int) -> bool:
        """True in `percent` of 100 draws; shrinks to False."""
        return self.below(100) >= 100 - percent

    def weighted(self, table: tuple[tuple[int, T], ...]) -> T:
        """An item of a table of weights and items."""
        at = self.below(sum(weight for weight, _ in table))
        for weight, item in table:
            at -= weight
            if at < 0:
                return item
        raise ValueError("the table is empty")

    def some_of(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items, or all of them."""
        left, found = list(items), list[T]()
        while left and len(found) < count:
            found.append(left.pop(self.below(len(left))))
        return found
