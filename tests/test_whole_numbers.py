"""Kernels about whole numbers and bits erase no value whatever it is, and conversions that wrap do."""

from __future__ import annotations

import pytest
from draws import drawn

from strategies.dice import Dice
from strategies.intervals import Interval, floordiv, width
from strategies.language import types as t
from strategies.language.nodes import Apply, AugmentedAssign, Cast, Literal, Name, walk
from strategies.language.types import FLOAT32, INT32
from strategies.repertoire.phrases import Phrase
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.updates import same_bits
from strategies.weights import WEIGHTS

INT8, INT64 = t.scalar("int8"), t.scalar("int64")


@pytest.fixture
def phrase() -> Phrase:
    sketch = Sketch(Dice(lambda _: 0), (12,), FLOAT32, WEIGHTS)
    sketch.begin()
    sketch.indices.append(sketch.scope.add(Variable("tid", INT32, Interval(0, 11))))
    return Phrase(sketch)


def test_a_value_and_its_complement_leave_nothing_of_it() -> None:
    x = Name(INT32, "x")
    assert same_bits(Apply(INT32, "invert", (x,)), "bit_or", "x")
    assert not same_bits(Apply(INT32, "invert", (x,)), "bit_or", "y")
    assert not same_bits(Apply(INT32, "invert", (x,)), "add", "x")


@pytest.mark.parametrize("category", ["bitwise", "integer"])
def test_no_change_erases_what_it_changes(category: str) -> None:
    for program in drawn(category):
        for node in walk(program):
            if isinstance(node, AugmentedAssign) and isinstance(node.target, Name):
                assert not same_bits(node.value, node.operator, node.target.name)


@pytest.mark.parametrize("category", ["bitwise", "integer"])
def test_nothing_is_shifted_that_is_written_there(category: str) -> None:
    shifts = [n for p in drawn(category) for n in walk(p) if isinstance(n, Apply) and n.op in ("lshift", "rshift")]
    both = [n for n in shifts if all(isinstance(part, Literal) for part in n.arguments)]
    assert len(both) <= len(shifts) / 100


def test_signs_of_unsigned_numbers_decide_nothing() -> None:
    steps = [n for p in drawn("integer") for n in walk(p) if isinstance(n, Apply) and n.op == "step"]
    assert all(isinstance(n.arguments[0].type, t.Scalar) and n.arguments[0].type.is_signed for n in steps)


def test_a_conversion_that_wraps_is_not_held_first(phrase: Phrase) -> None:
    phrase.array("n", INT64, -(2**40), 2**40)
    assert not isinstance(held := phrase.value("int8(n[i])").node, Cast) or isinstance(held.operand, Apply)
    phrase.wraps = True
    found = phrase.value("int8(n[i])")
    assert isinstance(found.node, Cast)
    assert not isinstance(found.node.operand, Apply)
    assert found.interval == Interval(*INT8.limits)


def test_a_float_that_no_whole_number_holds_is_held_all_the_same(phrase: Phrase) -> None:
    phrase.wraps = True
    phrase.array("x", FLOAT32, -1000.0, 1000.0)
    found = phrase.value("int8(x[i])")
    assert isinstance(found.node, Cast)
    assert isinstance(found.node.operand, Apply)


def test_quotients_beyond_53_bits_are_exact() -> None:
    assert floordiv(Interval(2**63 - 1, 2**63 - 1), Interval(2, 2)) == Interval(2**62 - 1, 2**62 - 1)


@pytest.mark.parametrize(("low", "high", "bits"), [(0, 0, 0), (0, 1, 1), (0, 32, 6), (-1, 0, 0), (-128, 127, 7)])
def test_widths_of_whole_numbers(low: int, high: int, bits: int) -> None:
    assert width(Interval(low, high)) == bits
