"""What was found out about a program, or another value that does not change, last: for who asks again."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


def remembered(function: Callable[[K], T]) -> Callable[[K], T]:
    """`function`, with its answer on the last argument kept.

    The argument must be of a kind that does not change, as programs are, which are evaluated a few times in a row; to
    compare two of them would cost as much as most answers, so it has to be the very object.  Whoever gets an answer
    must not change it.
    """
    last: list[tuple[K, T]] = []

    @wraps(function)
    def answer(argument: K) -> T:
        if not last or last[0][0] is not argument:
            last[:] = [(argument, function(argument))]
        return last[0][1]

    return answer
