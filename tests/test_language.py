"""Types and nodes as values."""

from __future__ import annotations

import pytest
from trees import OUT, SIMPLE, T32, VEC, A, apply, number, program

from strategies.language import nodes as n
from strategies.language import types as t
from strategies.language.widen import widened


@pytest.mark.parametrize("notation", ["float32", "vec3<float16>", "array2<vec4<int8>>", "array4<bool>", "uint64"])
def test_a_type_is_its_notation(notation: str) -> None:
    found = t.parse(notation)
    assert repr(found) == notation
    assert t.parse(notation) is found


@pytest.mark.parametrize(
    "notation", ["", "float", "int", "vec<float32>", "vec03<int8>", "array0<int8>", "array1<>", "bool "]
)
def test_what_is_no_type_is_refused(notation: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        t.parse(notation)


def test_types_survive_pickling_as_the_same_object() -> None:
    import copy
    import pickle

    assert pickle.loads(pickle.dumps(t.array(VEC, 2))) is t.array(VEC, 2)
    assert copy.deepcopy(VEC) is VEC


def test_nodes_are_immutable_values() -> None:
    for node in n.walk(SIMPLE):
        field = node.__struct_fields__[0]
        with pytest.raises(AttributeError):
            setattr(node, field, None)
    twin = program(n.Assign(T32, apply("sin", A)), n.Assign(OUT, apply("mul", T32, number(2.0))))
    assert twin == SIMPLE
    assert hash(twin) == hash(SIMPLE)
    assert len({twin, SIMPLE}) == 1


def test_rebuilding_without_a_change_gives_the_same_object() -> None:
    assert n.rebuild(SIMPLE, lambda node: node) is SIMPLE
    wide = widened(SIMPLE)
    assert widened(wide) is wide
    assert n.size(SIMPLE) == sum(1 for _ in n.walk(SIMPLE))
