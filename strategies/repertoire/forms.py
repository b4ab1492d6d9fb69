"""Tables of what may be drawn: how often each, and for launches of how many axes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from strategies.dice import Dice
from strategies.language.types import MAX_ARRAY_DIMENSIONS

F = TypeVar("F")


@dataclass(frozen=True)
class Form(Generic[F]):
    """What writes one computation, its weight, and the least and most axes that a launch for it has."""

    weight: int
    write: F
    least: int = 1
    most: int = MAX_ARRAY_DIMENSIONS


def one_for(axes: int, forms: tuple[Form[F], ...], dice: Dice) -> F:
    """One of the forms that a launch of so many axes is for."""
    found: F = dice.weighted(_fitting(axes, forms))
    return found


@cache
def _fitting(axes: int, forms: tuple[Form[Any], ...]) -> tuple[tuple[int, Any], ...]:
    return tuple((form.weight, form.write) for form in forms if form.least <= axes <= form.most)
