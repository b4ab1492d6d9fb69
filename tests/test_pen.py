"""What a pen writes stays in range, and is seen where it is defined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies.blocks import whole
from strategies.dice import Dice
from strategies.intervals import Interval, symmetric
from strategies.language.nodes import For, If, Name, Slice
from strategies.language.types import FLOAT32, INT32
from strategies.repertoire.axes import Line
from strategies.repertoire.forms import Form, one_for
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
def test_a_part_of_an_array_has_a_name_and_the_lengths_that_are_left(data: st.DataObject) -> None:
    pen = pen_of(data, (3, 4))
    volume = pen.input(shape=(5, 4, 6))
    row = pen.part(volume, Slice(whole(1), whole(-1)), pen.own[1], lengths=(3,))
    assert row.shape == (3, 6)
    assert pen.at(row, pen.own[0], 5).interval == symmetric(2.0)
    assert pen.part(volume, Slice(whole(1), whole(-1)), pen.own[1], lengths=(3,)) is row
    assert len(pen.body) == 1


@with_data
def test_a_line_along_any_axis_is_read_at_its_places(data: st.DataObject) -> None:
    for named in (0, 100):
        for axis in range(3):
            pen = pen_of(data, (3, 4))
            shape = [3, 4]
            shape.insert(axis, 6)
            line = Line(pen, pen.input(shape=tuple(shape)), axis, pen.own, named)
            assert line.length == 6
            assert line.at(5).interval == symmetric(2.0)
            assert len(line.indices(5)) == (1 if named else 3)
            with pytest.raises(AssertionError):
                line.at(6)


def scripted(choice: int) -> Dice:
    """Dice that always give one number."""
    return Dice(lambda strategy: choice)


def test_forms_are_drawn_for_the_axes_that_they_are_for() -> None:
    forms = (Form(2, "any"), Form(1, "line", most=1), Form(1, "volume", least=3))
    known = {axes: {one_for(axes, forms, scripted(n)) for n in range(2 if axes == 2 else 3)} for axes in (1, 2, 3, 4)}
    assert known == {1: {"any", "line"}, 2: {"any"}, 3: {"any", "volume"}, 4: {"any", "volume"}}


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
