"""The JSON of programs: nothing is lost, and what is damaged is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from trees import SIMPLE, drawn, number, program, whole

from strategies.categories import CATEGORIES
from strategies.language import nodes as n
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.rules import IllFormed
from strategies.language.types import BOOL, FLOAT32, FLOAT64, INT32
from strategies.ops import result_type


@pytest.mark.parametrize("category", CATEGORIES)
def test_drawn_programs_survive_json(category: str) -> None:
    for before in drawn(category):
        text = n.encode(before)
        after = n.decode(text)
        assert after == before
        assert n.encode(after) == text
        assert b"\n" not in text
        assert repr(after) == repr(before)


@pytest.mark.parametrize(
    "value",
    [
        n.Literal(t.scalar("uint64"), 2**64 - 1),
        n.Literal(t.scalar("int64"), -(2**63)),
        number(-0.0),
        number(1e-45),
        number(5e-324, FLOAT64),
        n.Literal(BOOL, True),
        whole(1),
        number(1.0),
    ],
    ids=repr,
)
def test_literals_keep_value_and_kind_in_json(value: n.Literal) -> None:
    before = program(n.Assign(n.Name(value.type, "t"), value))
    after = n.decode(n.encode(before)).body[1]
    assert isinstance(after, n.Assign)
    assert isinstance(after.value, n.Literal)
    assert repr(after.value.value) == repr(value.value)
    assert after.value.type is value.type


def test_types_are_the_same_object_after_json() -> None:
    after = n.decode(n.encode(SIMPLE))
    assert after.parameters[0].type is t.array(FLOAT32)
    assert {id(node.type) for node in n.walk(after) if isinstance(node, n.Name)} <= {id(INT32), id(FLOAT32)}


def changed(path: tuple[Any, ...], value: Any) -> bytes:
    """The JSON of a program with one value replaced, or removed if `value` is Ellipsis."""
    plain: Any = json.loads(n.encode(SIMPLE))
    inner = plain
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return json.dumps(plain).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("surprise",), 1),
        (("body", 1, "surprise"), 1),
        (("body", 1, "value", "surprise"), None),
        (("launch",), ...),
        (("parameters",), ...),
        (("body", 1, "value", "op"), ...),
        (("body", 1, "value", "type"), ...),
        (("launch",), "4"),
        (("launch",), ["4"]),
        (("launch",), [4.5]),
        (("launch",), None),
        (("name",), 7),
        (("parameters", 0, "low"), "0"),
        (("parameters", 0, "output"), 1),
        (("node",), "kernel"),
        (("body", 1, "node"), "while"),
        (("body", 1, "node"), "literal"),
        (("body", 1, "target", "node"), "apply"),
        (("body", 2, "value", "arguments", 1, "value"), "2"),
        (("body", 2, "value", "arguments", 1, "value"), None),
        (("body", 2, "value", "arguments", 1, "type"), "float33"),
        (("parameters", 0, "type"), "array5<float32>"),
        (("parameters", 0, "type"), "array1<array1<float32>>"),
        (("parameters", 0, "type"), "vec0<float32>"),
        (("parameters", 0, "type"), "vec3<vec3<float32>>"),
        (("parameters", 0, "type"), "float32 "),
        (("parameters", 0, "type"), ""),
        (("parameters", 0, "type"), 32),
    ],
    ids=repr,
)
def test_damaged_json_is_refused(path: tuple[Any, ...], value: Any) -> None:
    text = changed(path, value)
    with pytest.raises(msgspec.ValidationError):
        n.decode(text)


@pytest.mark.parametrize("text", [b"", b"{", b"[]x", n.encode(SIMPLE)[:-1], n.encode(SIMPLE) + b"}"])
def test_torn_json_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        n.decode(text)


def test_integers_without_bound_are_refused_by_the_check() -> None:
    text = changed(("body", 2, "value", "arguments", 1, "value"), 10**30)
    try:
        found = n.decode(text)
    except msgspec.ValidationError:
        return
    check_program(found, result_type)  # as a float32, 1e30 is a value
    text = changed(("launch",), [10**15])
    with pytest.raises(IllFormed):
        check_program(n.decode(text), result_type)
