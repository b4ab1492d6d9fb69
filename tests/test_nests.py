"""Loops in loops that are given as text: each is drawn, and stays inside of its arrays and of its types."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from harness.oracle.expectation import expect
from strategies.dice import Dice
from strategies.kernel import draw_kernel
from strategies.language.check import check_program
from strategies.language.nodes import For, While, walk
from strategies.ops import result_type
from strategies.repertoire import nests
from strategies.repertoire.nests import Nest, draw_nest

BY_NAME = {name: nest for name, nest in vars(nests).items() if isinstance(nest, Nest)}


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_nest_is_a_valid_kernel_in_all_its_variety(name: str) -> None:
    """The reference refuses an index outside of an array, and a loop that does not end."""
    nest = BY_NAME[name]

    @settings(max_examples=6, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        program = draw_kernel(
            Dice(data.draw),
            "loop",
            lambda sketch: [*draw_nest(sketch, (nest,)), *sketch.end_with_result()],
            launches=((5,), (3, 2)),
        )
        check_program(program, result_type)
        assert any(isinstance(node, For | While) for node in walk(program)), "nothing is left of it"
        expect(program, 3)

    holds()


def test_every_nest_is_drawn_by_some_category() -> None:
    drawn = [nests.OF_LOOPS, nests.OF_BOUNDS, nests.OF_WHILES, nests.OF_EXITS, nests.OF_WAYS, nests.ENDS]
    assert {id(nest) for deck in drawn for nest in deck} == {id(nest) for nest in BY_NAME.values()}
