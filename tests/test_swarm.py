"""Swarm testing: what a program does without it does not have, and what its category is for it always may have."""

from __future__ import annotations

import dataclasses

import pytest

import strategies
from strategies.categories import CATEGORIES
from strategies.language.nodes import (
    Apply,
    AugmentedAssign,
    Cast,
    Compare,
    Conditional,
    Extent,
    For,
    If,
    Logical,
    Node,
    Program,
    While,
    walk,
)
from strategies.swarm import ALL, FEATURES
from strategies.weights import WEIGHTS, Swarm

NOTHING = dataclasses.replace(WEIGHTS, swarm=Swarm(kept=(0,)))
EVERYTHING = dataclasses.replace(WEIGHTS, swarm=Swarm(kept=(100,)))


def kinds(programs: list[Program]) -> set[type[Node]]:
    return {type(node) for program in programs for node in walk(program)}


def drawn(category: str, weights: object, count: int = 60) -> list[Program]:
    found = [strategies.draw(category, 3, index, weights) for index in range(count)]  # type: ignore[arg-type]
    return [program for program in found if program is not None]


def test_a_program_has_nothing_of_what_it_does_without() -> None:
    # conversions come of operations on other types, too
    assert not kinds(drawn("elementwise", NOTHING)) & {Conditional, Extent, If, For, While}
    assert {Conditional, Cast, Logical} <= kinds(drawn("elementwise", EVERYTHING))
    assert AugmentedAssign not in kinds(drawn("ternary", NOTHING))


@pytest.mark.parametrize(
    ("category", "kind"), [("ternary", Conditional), ("conversion", Cast), ("loop", For), ("nested_branch", Logical)]
)
def test_what_a_category_is_for_is_there_whatever_a_program_does_without(category: str, kind: type[Node]) -> None:
    assert kind in kinds(drawn(category, NOTHING))


def test_features_have_the_names_that_are_drawn_by() -> None:
    for category in CATEGORIES.values():
        assert category.distinctive <= set(FEATURES), category.name


def test_without_swarm_testing_features_have_their_weights() -> None:
    assert [ALL.weight("cast", 3), ALL.percent("chain", 10), ALL.percent("chain", 70)] == [3, 10, 70]


def test_programs_differ_in_what_they_do_without() -> None:
    programs = drawn("branch", WEIGHTS)
    chains = [sum(isinstance(n, Compare) and len(n.operators) > 1 for n in walk(p)) for p in programs]
    negations = [sum(isinstance(n, Apply) and n.op == "unot" for n in walk(p)) for p in programs]
    assert sum(c == 0 for c in chains) / len(programs) >= 0.3
    assert sum(n == 0 for n in negations) / len(programs) >= 0.3
    assert max(chains) >= 2
