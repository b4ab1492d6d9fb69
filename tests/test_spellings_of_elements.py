"""What two ways to write an element promise: one meaning, whatever is analysed, and that Warp takes both."""

from __future__ import annotations

import pytest
from tiny import AT, literal

from harness.sandbox import Sandbox
from harness.shrink.candidates import candidates
from harness.verdict import Tier
from harness.verify import verify_all
from strategies import draw
from strategies.habits import PLAIN
from strategies.language.check import check_program
from strategies.language.elements import in_brackets, in_one_bracket
from strategies.language.limits import crossed
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Element,
    Parameter,
    Program,
    ThreadIndex,
    decode,
    encode,
    walk,
)
from strategies.language.render import MANNERS, render
from strategies.language.rules import IllFormed
from strategies.language.structs import flattened
from strategies.language.types import FLOAT32, INT32, array
from strategies.ops import result_type


def element(name: str, column: int, brackets: bool = True) -> Element:
    return Element(FLOAT32, name, (AT, literal(INT32, column)), brackets=brackets)


def program() -> Program:
    return Program(
        "blend_rows",
        "multi_dim",
        (3,),
        (
            Parameter("x", array(FLOAT32, 2), -2.0, 2.0, (3, 2)),
            Parameter("out", array(FLOAT32, 2), -2.0, 2.0, (3, 2), output=True),
        ),
        (
            ThreadIndex(("i",)),
            Assign(element("out", 0), element("x", 1)),
            AugmentedAssign(element("out", 1), "add", element("x", 0)),
        ),
    )


def test_it_is_written_as_it_says_and_read_back() -> None:
    found = program()
    assert "out[i][0] = x[i][1]\n" in render(found)
    assert "out[i][1] += x[i][0]\n" in render(found)
    assert decode(encode(found)) == found
    assert b"brackets" not in encode(in_one_bracket(found))


def test_what_is_analysed_has_one_way() -> None:
    found = program()
    assert flattened(found) == in_one_bracket(found)
    for index in range(20):
        drawn = draw("inplace", 5, index)
        assert drawn is not None
        bracketed = in_brackets(drawn)
        assert flattened(bracketed) == flattened(drawn)


def test_one_index_takes_one_pair_and_unpacked_values_go_nowhere_else() -> None:
    one = Element(FLOAT32, "x", (AT,), brackets=True)
    flat = Program(
        "blend_rows",
        "multi_dim",
        (3,),
        (
            Parameter("x", array(FLOAT32, 1), -2.0, 2.0, (3,)),
            Parameter("out", array(FLOAT32, 1), -2.0, 2.0, (3,), output=True),
        ),
        (ThreadIndex(("i",)), Assign(Element(FLOAT32, "out", (AT,)), one)),
    )
    with pytest.raises(IllFormed, match="one index"):
        check_program(flat, result_type)


def test_warp_takes_both_and_gives_the_same(sandbox: Sandbox) -> None:
    found = program()
    verdicts = verify_all([found, in_one_bracket(found)], sandbox)
    assert [v.tier for v in verdicts] == [Tier.BACKWARD] * 2


def test_a_reduced_program_has_one_pair_where_it_fails_all_the_same() -> None:
    assert any(not any(isinstance(n, Element) and n.brackets for n in walk(c)) for c in candidates(program()))


def test_limits_do_not_depend_on_it() -> None:
    from harness.oracle.expectation import TRAITS

    for category in ("inplace", "multi_dim", "stencil", "lvalue"):
        for index in range(15):
            drawn = draw(category, 6, index)
            assert drawn is not None
            assert crossed(in_brackets(drawn), TRAITS) == crossed(in_one_bracket(drawn), TRAITS)


def test_annotations_come_in_every_manner() -> None:
    found = [p.annotations for n in range(60) if (p := draw("multi_dim", 8, n)) is not None]
    assert {manner for manners in found for manner in manners} == set(MANNERS) == set(PLAIN)
    assert () in found
    text = "".join(render(p) for n in range(60) if (p := draw("multi_dim", 8, n)) is not None)
    assert "wp.array2d(dtype=float)" in text
    assert "ndim=2" in text
