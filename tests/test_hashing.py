"""What makes two programs the same: their content, structure and outline."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from trees import AT, DRAWS, OUT, SIMPLE, SOURCE, T32, TARGET, VEC, A, V, apply, drawn, number, program, whole

from strategies.categories import CATEGORIES
from strategies.language import nodes as n
from strategies.language import types as t
from strategies.language.hashing import content_hash, defined_names, outline_hash, structure_hash
from strategies.language.types import FLOAT32
from strategies.language.widen import widened


def renamed(found: n.Program) -> n.Program:
    """The program with every name that it binds replaced, and the kernel's own."""
    new = {name: f"renamed_{number}" for number, name in enumerate(sorted(defined_names(found)))}

    def visit(node: Any) -> Any:
        changes: dict[str, Any] = {}
        for field in node.__struct_fields__:
            value = getattr(node, field)
            if field in ("name", "array", "function") and isinstance(value, str):
                # a field of a struct in an array is called `name.field`
                # and one of several functions of a name `name__1`
                first, mark, rest = re.split(r"(\.|__|$)", value, maxsplit=1)
                changes[field] = new[first] + mark + rest
            elif field in ("names", "keywords", "given"):
                changes[field] = tuple(new[name.partition("__")[0]] for name in value)
        return n.rebuild(msgspec.structs.replace(node, **changes), visit)

    return n.rebuild(msgspec.structs.replace(found, name="renamed"), visit)


def with_other_numbers(found: n.Program) -> n.Program:
    """The program with other literals, value ranges and array lengths."""

    def visit(node: Any) -> Any:
        match node:
            case n.Literal(value=bool()):
                return msgspec.structs.replace(node, value=not node.value)
            case n.Literal():
                return msgspec.structs.replace(node, value=node.value + 1)
            case n.Parameter():
                shape = tuple(extent + 1 for extent in node.shape)
                return msgspec.structs.replace(node, low=node.low - 1, high=node.high + 1, shape=shape)
        return n.rebuild(node, visit)

    launch = tuple(extent + 1 for extent in found.launch)
    return n.rebuild(msgspec.structs.replace(found, launch=launch), visit)


@pytest.mark.parametrize("category", CATEGORIES)
def test_names_and_numbers_are_no_part_of_the_structure(category: str) -> None:
    for found in drawn(category):
        for other in (renamed(found), with_other_numbers(found)):
            assert structure_hash(other) == structure_hash(found)
            assert outline_hash(other) == outline_hash(found)
            assert content_hash(other) != content_hash(found)


def with_another_operation(found: n.Program) -> n.Program | None:
    """The program with the first addition turned into a subtraction, or the like."""
    done = False

    def visit(node: Any) -> Any:
        nonlocal done
        if not done and isinstance(node, n.Apply):
            done = True
            return msgspec.structs.replace(node, op="another_operation")
        return n.rebuild(node, visit)

    changed_program: n.Program = n.rebuild(found, visit)
    return changed_program if done else None


@pytest.mark.parametrize("category", CATEGORIES)
def test_an_operation_is_part_of_the_structure_but_not_of_the_outline(category: str) -> None:
    tried = 0
    for found in drawn(category):
        if (other := with_another_operation(found)) is not None:
            assert structure_hash(other) != structure_hash(found)
            assert outline_hash(other) == outline_hash(found)
            tried += 1
    assert tried > DRAWS // 2


def test_each_field_of_a_program_changes_its_content() -> None:
    others = [
        msgspec.structs.replace(SIMPLE, name="other"),
        msgspec.structs.replace(SIMPLE, category="unary"),
        msgspec.structs.replace(SIMPLE, launch=(3,)),
        msgspec.structs.replace(SIMPLE, parameters=(msgspec.structs.replace(SOURCE, low=-2.0), TARGET)),
        msgspec.structs.replace(SIMPLE, parameters=(TARGET, SOURCE)),
        msgspec.structs.replace(SIMPLE, body=SIMPLE.body[:-1]),
        program(n.Assign(T32, apply("sin", A)), n.Assign(OUT, apply("mul", T32, number(2.5)))),
    ]
    assert len({content_hash(p) for p in (SIMPLE, *others)}) == len(others) + 1


def test_structure_tells_apart_what_is_not_a_name_or_a_number() -> None:
    def store(value: n.Expression, **changes: Any) -> n.Program:
        return program(n.Assign(V, n.Construct(VEC, (A,))), n.Assign(OUT, value), **changes)

    other = n.Parameter("b", t.array(FLOAT32), -1.0, 1.0, (4,))
    b = n.Element(FLOAT32, "b", (AT,))
    three = (SOURCE, other, TARGET)
    apart = [
        store(A, parameters=three),
        store(b, parameters=three),
        store(apply("sub", A, b), parameters=three),
        store(apply("sub", A, A), parameters=three),
        store(n.Component(FLOAT32, V, whole(0), True), parameters=three),
        store(n.Component(FLOAT32, V, whole(0)), parameters=three),
        store(A),
    ]
    assert len({structure_hash(p) for p in apart}) == len(apart)


def test_the_type_of_a_parameter_is_part_of_the_structure() -> None:
    assert structure_hash(widened(SIMPLE)) != structure_hash(SIMPLE)
    assert outline_hash(widened(SIMPLE)) != outline_hash(SIMPLE)
