"""Kernels of every category, drawn once and expected once, for tests of what is drawn."""

from __future__ import annotations

from functools import cache

import strategies
from harness.oracle.expectation import Expectation, expect
from strategies.language.nodes import Program

SEED = 5
#: Draws of each category, and those of them that are evaluated, which takes about 40 ms each.
DRAWS = 100
EVALUATED = 25


@cache
def stream(category: str) -> tuple[Program | None, ...]:
    return tuple(strategies.draw(category, SEED, index) for index in range(DRAWS))


@cache
def drawn(category: str) -> tuple[Program, ...]:
    return tuple(program for program in stream(category) if program is not None)


@cache
def expectations(category: str) -> tuple[Expectation, ...]:
    return tuple(expect(program, SEED) for program in drawn(category)[:EVALUATED])
