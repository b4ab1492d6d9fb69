"""Which constructs meet: counted, and missed where they should have met."""

from __future__ import annotations

from corpus.pairs import Pair, is_construct, spread


def test_pairs_are_counted_once_a_row() -> None:
    found = spread([("node:if", "op:sin", "op:sin"), ("node:if",), ("op:sin", "op:cos")])
    assert found.rows == 3
    assert found.counts == {"node:if": 2, "op:cos": 1, "op:sin": 2}
    assert (found.together, found.possible) == (2, 3)


def test_what_should_have_met_and_never_has_is_named_the_most_surprising_first() -> None:
    rows = [("node:if", "op:sin")] * 30 + [("node:for", "op:cos")] * 20 + [("op:tan",)] * 50
    never = spread(rows).never
    assert [(p.first, p.second) for p in never[:2]] == [("node:if", "op:tan"), ("op:sin", "op:tan")]
    assert never[0] == Pair("node:if", "op:tan", 0, 15.0)
    assert all(p.met == 0 for p in never)


def test_what_is_too_rare_to_have_met_is_no_surprise() -> None:
    assert spread([("op:a",), ("op:b",)]).never == ()


def test_dimensions_of_a_launch_exclude_one_another() -> None:
    assert spread([("launch:1",)] * 50 + [("launch:2",)] * 50).never == ()


def test_no_rows_have_no_pairs() -> None:
    assert spread([]).rows == 0


def test_types_are_no_constructs() -> None:
    assert [f for f in ("node:for", "type:float32", "op:add", "vector:3") if is_construct(f)] == ["node:for", "op:add"]
