"""Swarm testing: of what programs may do without, each draws from a random part, and from that more densely."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from strategies.dice import Dice
from strategies.weights import Swarm

#: What a program may do without.  Operations are no part of it: each program has a palette of those.
FEATURES: Final = (
    # expressions
    "conditional", "cast", "component", "construct",
    # truth values
    "logical", "negation", "test", "chain",
    # leaves
    "extent", "loop index", "neighbour",
    # statements
    "reassign", "augment", "update", "assign component", "branch", "loop", "while", "dynamic", "leave",
)  # fmt: skip


class Features:
    """How often one program draws each feature: never, or more often than by its weight alone."""

    def __init__(
        self, weights: Swarm | None = None, without: Collection[str] = (), distinctive: Collection[str] = ()
    ) -> None:
        self._weights = weights
        self._without, self._distinctive = frozenset(without), frozenset(distinctive)

    def _factor(self, feature: str) -> int:
        if feature in self._without:
            return 0
        if self._weights is None:
            return 1
        return self._weights.distinctive if feature in self._distinctive else self._weights.dense

    def weight(self, feature: str, weight: int) -> int:
        """The weight of a feature in a table of weights."""
        return weight * self._factor(feature)

    def percent(self, feature: str, percent: int) -> int:
        """In how many of 100 draws a feature is drawn; a chance of one half or more is that of what is no rare one."""
        return min(percent * self._factor(feature), max(percent, 50))


#: Every feature, by its own weight.
ALL: Final = Features()


def draw_features(dice: Dice, weights: Swarm, distinctive: Collection[str]) -> Features:
    """The features of one program: those of its category that are `distinctive`, and some of the others."""
    kept = dice.one_of(weights.kept)
    without = [f for f in FEATURES if f not in distinctive and not dice.chance(kept)]
    return Features(weights, without, distinctive)
