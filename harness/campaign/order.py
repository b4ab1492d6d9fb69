"""In which order campaigns and hunts go through the categories."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from strategies.categories import CATEGORIES
from strategies.stream import UnknownCategory

SURVEY: Final = "builtin"
"""Two of six kernels of a hunt are of this category: the rows of the table, each in several forms and types, are met
sooner by kernels that apply them one by one than by those of any other category."""
FURTHER_SURVEYS: Final = ("control_flow", "access")
"""Two more are of these: small kernels of many ways through a kernel, and of many ways to an element."""
PECULIAR: Final = (
    "constant", "custom_gradient", "tile", "function", "generic", "lvalue", "struct", "module_option", "tuple",
)  # fmt: skip
"""And one is of these: a fifth of the ways through Warp's code generator are taken by one of them alone, and a minute
of a hunt in which each category has its turn draws two kernels of each."""


def ordered_categories(names: Sequence[str]) -> tuple[str, ...]:
    """`names`, or all categories if there are none, in the one order that campaigns have.

    Raises `UnknownCategory`.
    """
    for name in names:
        if name not in CATEGORIES:
            raise UnknownCategory(name)
    return tuple(name for name in CATEGORIES if not names or name in names)


def hunting_order(categories: tuple[str, ...]) -> tuple[str, ...]:
    """`categories` as a hunt goes through them: the surveys, and what is peculiar, again and again between the others.

    Whatever else a hunt draws, it meets every row of the op table, and every kind of statement, within its first
    minutes.  `categories` as they are where `SURVEY` is not one of them.
    """
    if SURVEY not in categories:
        return categories
    further = [name for name in FURTHER_SURVEYS if name in categories]
    surveyed = [name for pair in zip_longest((SURVEY, SURVEY), further) for name in pair if name]
    peculiar = [name for name in categories if name in PECULIAR]
    others = [name for name in categories if name != SURVEY and name not in (*further, *peculiar)]
    turns = range(max(len(peculiar), len(others), 1))
    return tuple(
        name for turn in turns for name in (*surveyed, *(some[turn % len(some)] for some in (peculiar, others) if some))
    )
