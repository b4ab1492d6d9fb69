"""Kernels by index: entry `i` of the stream of a seed and a category, drawn alone and always the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from strategies.categories import CATEGORIES
from strategies.dice import Dice
from strategies.habits import spelled_out
from strategies.kernel import draw_kernel
from strategies.language.nodes import Program
from strategies.weights import WEIGHTS, Weights

#: Bytes of choices for one kernel: the largest kernels use about a quarter of it, and Hypothesis gives up
#: on an example that runs out of them.
CHOICE_BYTES: Final = 8192


class UnknownCategory(ValueError):
    """There is no category of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no category {name!r}; there are {', '.join(CATEGORIES)}")


#: The seed and the index of the kernel that is being drawn, if it is one of a stream.
_place: ContextVar[tuple[int, int] | None] = ContextVar("place", default=None)


@cache
def kernels(category: str, weights: Weights = WEIGHTS) -> st.SearchStrategy[Program]:
    """A strategy for kernels of one category, drawn by `weights`; `UnknownCategory` if there is none of that name.

    Every `Program` drawn is valid by construction, and its `repr` is its source.
    """
    if category not in CATEGORIES:
        raise UnknownCategory(category)

    @st.composite
    def kernel(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Program:
        chosen, dice = CATEGORIES[category], Dice(draw)
        drawn = draw_kernel(dice, category, chosen.body, chosen.launches, _place.get(), chosen.distinctive, weights)
        return spelled_out(drawn, dice)

    return kernel()


@cache
def _recorder(category: str, weights: Weights) -> tuple[Callable[[bytes], object], list[Program]]:
    found: list[Program] = []

    @settings(database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(kernels(category, weights))
    def record(program: Program) -> None:
        found.append(program)

    return record.hypothesis.fuzz_one_input, found  # type: ignore[attr-defined]


def draw(category: str, seed: int, index: int, weights: Weights = WEIGHTS) -> Program | None:
    """The kernel at `index` of the stream of `seed` and `category`; None if the draw was discarded.

    The choices are a hash of the three, so that any index can be drawn alone, in any process, whatever
    was drawn before and whatever modules are imported.
    """
    fuzz, found = _recorder(category, weights)
    found.clear()
    token = _place.set((seed, index))
    try:
        fuzz(hashlib.shake_128(f"{seed}/{category}/{index}".encode()).digest(CHOICE_BYTES))
    finally:
        _place.reset(token)
    return found.pop() if found else None
