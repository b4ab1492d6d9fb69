"""What was found out about a program last, for who asks again."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from strategies.language.nodes import Program

T = TypeVar("T")


def remembered(function: Callable[[Program], T]) -> Callable[[Program], T]:
    """`function`, with its answer on the last program kept.

    A program does not change, and one is evaluated a few times in a row; to compare programs would cost as much as
    most answers, so it has to be the very object.  Whoever gets an answer must not change it.
    """
    last: list[tuple[Program, T]] = []

    @wraps(function)
    def answer(program: Program) -> T:
        if not last or last[0][0] is not program:
            last[:] = [(program, function(program))]
        return last[0][1]

    return answer
