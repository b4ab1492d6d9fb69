"""In which order campaigns and hunts go through the categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strategies.categories import CATEGORIES
from strategies.stream import UnknownCategory

SURVEY: Final = "builtin"
SURVEY_GAP: Final = 2
"""A hunt draws a kernel of this category after so many of others: two hundred rows of the table are met sooner by
kernels that apply them one by one than by those of any other category."""
FURTHER_SURVEYS: Final = ("control_flow", "access")
"""Of the others in a hunt every second is of one of these, in turn: small kernels of many ways through a kernel, and
of many ways to an element."""


def ordered_categories(names: Sequence[str]) -> tuple[str, ...]:
    """`names`, or all categories if there are none, in the one order that campaigns have.

    Raises `UnknownCategory`.
    """
    for name in names:
        if name not in CATEGORIES:
            raise UnknownCategory(name)
    return tuple(name for name in CATEGORIES if not names or name in names)


def hunting_order(categories: tuple[str, ...]) -> tuple[str, ...]:
    """`categories` as a hunt goes through them: `SURVEY` again and again between the others, if it is one of them.

    Whatever else a hunt draws, it meets every row of the op table, and every kind of statement, within its first
    minutes.
    """
    if SURVEY not in categories:
        return categories
    further = [name for name in FURTHER_SURVEYS if name in categories]
    others = [name for name in categories if name != SURVEY and name not in further]
    if not further:
        groups = [others[n : n + SURVEY_GAP] for n in range(0, max(len(others), 1), SURVEY_GAP)]
    else:
        count = max(len(others), len(further))
        groups = [[further[n % len(further)], *others[n : n + 1]] for n in range(count)]
    return tuple(name for group in groups for name in (SURVEY, *group))
