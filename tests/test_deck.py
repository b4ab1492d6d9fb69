"""The survey deals out every row of the op table, in every form, before it deals any a second time."""

from __future__ import annotations

import itertools

import pytest

import strategies
from strategies.categories.builtin import CONVERSIONS
from strategies.deck import HAND, cards, hand
from strategies.language.nodes import Apply, AugmentedAssign, Cast, walk
from strategies.language.types import Composite, Type
from strategies.ops import ITEMS, ROWS, overload

#: Kernels after which each row and form has come once.
FIRST_ROUND = -(-len(cards()[0]) // HAND)


def test_every_row_is_dealt_in_the_first_round_whatever_the_seed() -> None:
    for seed in (0, 1):
        dealt = [card for index in range(FIRST_ROUND) for card in hand(seed, index)]
        assert set(cards()[0]) <= set(dealt)
        # of a built-in with several results, the first stands for all
        first = (row.name for row in ITEMS if row.name.endswith("__0"))
        assert {card.row.name for card in dealt} == {*(row.name for row in ROWS), *first}


def test_every_card_is_dealt_and_none_twice_before_the_rounds_are_over() -> None:
    total = sum(map(len, cards()))
    dealt = [card for index in range(total // HAND + 1) for card in hand(7, index)][:total]
    assert len(set(dealt)) == total


@pytest.mark.parametrize(
    ("op", "forms"), [("div", ("scalar", "vec")), ("mul", ("mat", "vec")), ("determinant", ("mat",))]
)
def test_each_size_that_has_code_of_its_own_comes_in_one_of_the_first_rounds(op: str, forms: tuple[str, ...]) -> None:
    sizes = set()
    for card in itertools.chain(*cards()[:4]):
        for arguments, _ in card.choices:
            if card.row.name == op and tuple(map(form_of, arguments)) == forms:
                sizes.add(max(of.shape[0] for of in arguments if isinstance(of, Composite)))
    assert {2, 3, 4} <= sizes


def form_of(of: Type) -> str:
    return of.form.rstrip("0123456789") if isinstance(of, Composite) else "scalar"


def test_hands_of_different_seeds_differ() -> None:
    assert hand(0, 3) != hand(1, 3)
    assert hand(0, 3) == hand(0, 3)


def test_the_kernels_of_a_stream_hold_what_they_are_dealt() -> None:
    for index in range(0, FIRST_ROUND, 3):
        program = strategies.draw("builtin", 4, index)
        assert program is not None
        used = {n.op for n in walk(program) if isinstance(n, Apply)}
        used |= {n.operator for n in walk(program) if isinstance(n, AugmentedAssign)}
        assert {card.row.name for card in hand(4, index)} <= used


def test_the_survey_converts_every_type_to_every_other_in_turn() -> None:
    programs = [strategies.draw("builtin", 4, index) for index in range(len(CONVERSIONS))]
    found = {(n.operand.type, n.type) for p in programs if p is not None for n in walk(p) if isinstance(n, Cast)}
    assert set(CONVERSIONS) <= found


def test_every_overload_of_the_first_round_is_the_one_that_its_arguments_tell() -> None:
    for card in cards()[0]:
        for arguments, result in card.choices:
            assert overload(card.row.name, arguments or (result,)) is card.row
