"""What two ways to write an element promise: one meaning, whatever is analysed, and that Warp takes both."""

from __future__ import annotations

import msgspec
import pytest
from simpler import candidates
from tiny import AT, literal

from harness.sandbox import Sandbox
from harness.verdict import Tier
from harness.verify import verify_all
from strategies import draw
from strategies.habits import PLAIN
from strategies.language.check import check_program
from strategies.language.limits import crossed
from strategies.language.manners import in_brackets, in_line, plain, settled
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Element,
    Name,
    Parameter,
    Program,
    ThreadIndex,
    Unpack,
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
    assert b"brackets" not in encode(plain(found))


def test_what_is_analysed_has_one_way() -> None:
    found = program()
    assert flattened(found) == plain(found)
    for index in range(20):
        drawn = draw("inplace", 5, index)
        assert drawn is not None
        bracketed = in_brackets(drawn)
        assert flattened(bracketed) == flattened(drawn)


def test_several_results_come_of_one_call_however_its_arguments_are_written() -> None:
    drawn = draw("transform", 2, 0)
    assert drawn is not None
    found = [n for n in walk(drawn) if isinstance(n, Unpack)]
    assert any(isinstance(n, Element) and n.brackets for unpack in found for n in walk(unpack))
    check_program(drawn, result_type)


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
    verdicts = verify_all([found, plain(found)], sandbox)
    assert [v.tier for v in verdicts] == [Tier.BACKWARD] * 2


def test_a_reduced_program_has_one_pair_where_it_fails_all_the_same() -> None:
    assert any(not any(isinstance(n, Element) and n.brackets for n in walk(c)) for c in candidates(program()))


def test_limits_do_not_depend_on_it() -> None:
    from harness.oracle.expectation import TRAITS

    for category in ("inplace", "multi_dim", "stencil", "lvalue"):
        for index in range(15):
            drawn = draw(category, 6, index)
            assert drawn is not None
            assert crossed(in_brackets(drawn), TRAITS) == crossed(plain(drawn), TRAITS)


def counted(inline: bool) -> Program:
    """Each thread puts what it reads into a cell of its own, whose number a counter gives."""
    slot = Name(INT32, "slot")
    zero, one = literal(INT32, 0), literal(INT32, 1)
    return Program(
        "pack_values",
        "atomics",
        (1,),
        (
            Parameter("x", array(FLOAT32, 1), -2.0, 2.0, (1,)),
            Parameter("count", array(INT32, 1), 0, 0, (1,), output=True),
            Parameter("out", array(FLOAT32, 1), -2.0, 2.0, (1,), output=True),
        ),
        (
            ThreadIndex(("i",)),
            Atomic("atomic_add", "count", (zero,), one, result=slot, inline=inline),
            Assign(Element(FLOAT32, "out", (slot,)), Element(FLOAT32, "x", (AT,))),
        ),
    )


def test_what_an_atomic_gives_may_stand_where_it_is_used(sandbox: Sandbox) -> None:
    found = in_line(counted(False))
    assert found == counted(True)
    assert plain(found) == counted(False)
    assert "    out[wp.atomic_add(count, 0, 1)] = x[i]\n" in render(found)
    check_program(found, result_type)
    verdicts = verify_all([found, counted(False)], sandbox)
    assert [v.tier for v in verdicts] == [Tier.FORWARD] * 2


def test_it_stands_nowhere_else() -> None:
    found = counted(True)
    index, atomic, store = found.body
    again = msgspec.structs.replace(found, body=(index, atomic, store, store))
    copied = msgspec.structs.replace(
        found, body=(index, atomic, Assign(Name(FLOAT32, "kept"), literal(FLOAT32, 1)), store)
    )
    last = msgspec.structs.replace(found, body=(index, atomic))
    for wrong in (again, copied, last):
        with pytest.raises(IllFormed, match="not used in the next statement alone"):
            check_program(wrong, result_type)
        assert not any(isinstance(n, Atomic) and n.inline for n in walk(settled(wrong)))


@pytest.mark.parametrize("category", ["atomics", "access"])
def test_atomics_stand_where_they_are_used_in_an_eighth(category: str) -> None:
    found = [p for n in range(60) if (p := draw(category, 4, n)) is not None]
    assert sum(any(isinstance(n, Atomic) and n.inline for n in walk(p)) for p in found) >= 7


def test_annotations_come_in_every_manner() -> None:
    found = [p.annotations for n in range(60) if (p := draw("multi_dim", 8, n)) is not None]
    assert {manner for manners in found for manner in manners} == set(MANNERS) == set(PLAIN)
    assert () in found
    text = "".join(render(p) for n in range(60) if (p := draw("multi_dim", 8, n)) is not None)
    assert "wp.array2d(dtype=float)" in text
    assert "ndim=2" in text
