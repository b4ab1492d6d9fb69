"""Loops that are drawn do something: no exit is known before the run, no sum stays zero, no guard is idle."""

from __future__ import annotations

import pytest
from draws import drawn
from loop_predicates import ends_for_all, guards_nothing, never_skips, same_arms, zeros_left_alone

LOOPS = ("loop", "dynamic_loop", "while_loop", "loop_exit", "control_flow")


@pytest.mark.parametrize("category", LOOPS)
def test_no_constant_range_is_left_at_a_literal(category: str) -> None:
    """It would be a shorter range, and where threads end there, all of them do: the rest of the kernel is dead."""
    assert not [program.name for program in drawn(category) if ends_for_all(program)]


@pytest.mark.parametrize("category", LOOPS)
def test_what_is_passed_over_is_there(category: str) -> None:
    assert not [program.name for program in drawn(category) if never_skips(program)]


@pytest.mark.parametrize("category", LOOPS)
def test_sums_that_begin_with_zero_are_added_to(category: str) -> None:
    dead = [program.name for program in drawn(category) if zeros_left_alone(program)]
    # without room for one more number, what reads the sum reads zero
    assert len(dead) <= len(drawn(category)) / 50


@pytest.mark.parametrize("category", LOOPS)
def test_no_guard_is_idle_and_no_arms_are_alike(category: str) -> None:
    found = [program.name for program in drawn(category) if guards_nothing(program) or same_arms(program)]
    assert len(found) <= len(drawn(category)) / 50
