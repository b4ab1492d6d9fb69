"""What a pen writes stays in range, and is seen where it is defined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies.dice import Dice
from strategies.intervals import Interval, symmetric
from strategies.language.nodes import For, If, Name
from strategies.language.types import FLOAT32, INT32
from strategies.repertoire.pen import Pen
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.weights import WEIGHTS

Draw = Callable[[st.SearchStrategy[Any]], Any]


def pen_of(data: st.DataObject, launch: tuple[int, ...] = (8,)) -> Pen:
    sketch = Sketch(Dice(data.draw), launch, FLOAT32, WEIGHTS)
    sketch.begin()
    for name, extent in zip("ij", launch, strict=False):
        sketch.indices.append(sketch.scope.add(Variable(name, INT32, Interval(0, extent - 1))))
    return Pen(sketch)


def with_data(test: Callable[[st.DataObject], None]) -> Callable[[], None]:
    several = settings(max_examples=5, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    found: Callable[[], None] = several(given(st.data())(test))
    return found


@with_data
def test_an_index_out_of_range_is_refused(data: st.DataObject) -> None:
    pen = pen_of(data)
    row = pen.input(shape=(8,))
    with pytest.raises(AssertionError, match="has 8 places here"):
        pen.at(row, pen.own[0] + 1)
    with pytest.raises(AssertionError, match="has no place -1"):
        pen.at(row, pen.own[0] - 1)
    assert pen.at(row, pen.op("min", pen.own[0] + 1, 7)).interval == symmetric(2.0)
    assert pen.at(row, (pen.own[0] + 1) % 8).interval == symmetric(2.0)


@with_data
def test_a_square_is_not_negative(data: st.DataObject) -> None:
    pen = pen_of(data)
    x = pen.let(pen.at(pen.input()))
    assert (x * x).interval == Interval(0, 4)
    assert (x * x + 1.0).interval == Interval(1, 5)


@with_data
def test_a_sum_is_as_large_as_the_loops_around_it_make_it(data: st.DataObject) -> None:
    pen = pen_of(data)
    total = pen.total()
    with pen.loop(3), pen.loop(4):
        pen.add(total, pen.at(pen.input()))
    assert pen.settled(total).interval == symmetric(24.0)


@with_data
def test_what_a_block_defines_is_gone_behind_it(data: st.DataObject) -> None:
    pen = pen_of(data)
    before = {v.name for v in pen.sketch.scope}
    with pen.loop(4) as k:
        inner = pen.let(pen.cast(k))
        with pen.when(inner > 1.0):
            pen.let(inner * 2.0)
    assert {v.name for v in pen.sketch.scope} == before
    assert not pen.sketch.loop_trips
    (loop,) = pen.body
    assert isinstance(loop, For)
    assert isinstance(loop.body[-1], If)


@with_data
def test_a_local_that_stays_within_bounds_is_held_there(data: st.DataObject) -> None:
    pen = pen_of(data)
    x = pen.let(pen.at(pen.input()), mutable=True, within=symmetric(4.0))
    with pen.loop(3):
        pen.assign(x, x * 3.0)
    assert x.interval == symmetric(4.0)
    assert isinstance(x.node, Name)
