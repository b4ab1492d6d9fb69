"""What was found out about a program, or another value that does not change: for who asks again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Final, TypeVar

K = TypeVar("K")
T = TypeVar("T")

MOST: Final = 64
"""Arguments whose answers are kept: a batch of programs is drawn, evaluated, launched and judged step by step, and each
step asks about every program, and about what it is without structs."""


_CLEAR: Final[list[Callable[[], None]]] = []


def remembered(function: Callable[[K], T]) -> Callable[[K], T]:
    """`function`, with its answers on the last arguments kept.

    An argument must be of a kind that does not change, as programs are; to compare two of them would cost as much as
    most answers, so it has to be the very object.  Whoever gets an answer must not change it.
    """
    #: the argument as well, so that no other object has its number meanwhile
    kept: OrderedDict[int, tuple[K, T]] = OrderedDict()
    _CLEAR.append(kept.clear)

    @wraps(function)
    def answer(argument: K) -> T:
        found = kept.get(id(argument))
        if found is None:
            found = kept[id(argument)] = (argument, function(argument))
            if len(kept) > MOST:
                kept.popitem(last=False)
        else:
            kept.move_to_end(id(argument))
        return found[1]

    return answer


def forget() -> None:
    """Let go of all that is remembered: nobody asks about the programs of a batch that is done."""
    for clear in _CLEAR:
        clear()
