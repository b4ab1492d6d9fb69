"""Answers about programs are kept while a batch is worked on, and no longer."""

from __future__ import annotations

import gc
import itertools
import weakref
from collections.abc import Callable

from strategies.language.remembered import MOST, forget, remembered


class Thing:
    """What does not change, and equals every other."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing)

    def __hash__(self) -> int:
        return 0


def counting() -> Callable[[Thing], int]:
    """A remembered function whose answer is how often it was worked out."""
    count = itertools.count(1)
    return remembered(lambda thing: next(count))


def test_an_answer_is_of_the_very_object() -> None:
    number = counting()
    one, other = Thing(), Thing()
    assert [number(one), number(other), number(one), number(other)] == [1, 2, 1, 2]


def test_the_answers_on_the_last_arguments_are_kept() -> None:
    number = counting()
    things = [Thing() for _ in range(MOST + 1)]
    first = [number(thing) for thing in things]
    assert number(things[-1]) == first[-1]
    assert number(things[1]) == first[1]
    assert number(things[0]) == MOST + 2


def test_nothing_is_kept_of_a_batch_that_is_done() -> None:
    @remembered
    def itself(thing: Thing) -> Thing:
        return thing

    thing = Thing()
    gone = weakref.ref(itself(thing))
    del thing
    assert gone() is not None
    forget()
    gc.collect()
    assert gone() is None
