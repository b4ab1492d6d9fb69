"""Fields that nothing in a kernel names: people pass whole records, but few of what they hold is for nothing.

A field's place in memory depends on those before it, so some that are idle stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from strategies.dice import Dice
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Atomic,
    Construct,
    Element,
    Extent,
    Field,
    Function,
    Name,
    Node,
    Program,
    View,
    rebuild,
    walk,
)
from strategies.language.structs import leaves, struct_types
from strategies.language.types import Struct, StructArray, Type

#: Of 100 fields that nothing names, how many are left out.
LEFT_OUT: Final = 75
#: A field, by the struct that it is one of.
Place = tuple[Struct, str]


def with_fewer_fields(dice: Dice, program: Program) -> Program:
    """`program` without some of the fields that nothing names."""
    whole = set(_whole(program))
    named = set(_named(program, {p.name: p.type for p in program.structs if isinstance(p.type, Struct)}))
    for function in program.functions:
        named |= set(_named(function, {p.name: p.type for p in function.parameters if isinstance(p.type, Struct)}))
    new: dict[Type, Type] = {}
    for of in struct_types(program):
        idle = [name for name, _ in of.fields if of not in whole and (of, name) not in named]
        gone = {name for name in idle if dice.chance(LEFT_OUT)}
        # a struct holds something
        kept = [(name, _in_terms_of(new, kind)) for name, kind in of.fields if name not in gone] or [of.fields[0]]
        new[of] = types.struct(of.name, kept)
    return _with_types(program, {old: of for old, of in new.items() if old is not of})


def _whole(program: Program) -> Iterator[Struct]:
    """The structs all fields of which are there for a purpose: those that are stored whole, and what these hold, and
    those that functions make of their parameters."""
    for node in walk(program):
        if isinstance(node, Assign) and isinstance(node.target, Element) and isinstance(node.target.type, Struct):
            yield from _held(node.target.type)
    for function in program.functions:
        for node in (part for statement in function.body for part in walk(statement)):
            if isinstance(node, Construct) and isinstance(node.type, Struct) and node.arguments:
                yield node.type


def _held(of: Struct) -> Iterator[Struct]:
    yield of
    for _, field in of.fields:
        if isinstance(field, Struct):
            yield from _held(field)


def _named(owner: Program | Function, given: Mapping[str, Struct]) -> Iterator[Place]:
    """The fields that statements of a kernel or a function name; `given` are the structs among its parameters."""
    for node in (part for statement in owner.body for part in walk(statement)):
        match node:
            case Field(base=base, field=field):
                assert isinstance(base.type, Struct)
                yield base.type, field
            case Element(array=name) | Extent(array=name) | View(array=name) | Atomic(array=name) | Name(name=name):
                of: Type | None = given.get(name.partition(".")[0])
                for field in name.split(".")[1:]:
                    if isinstance(of, Struct):
                        yield of, field
                        of = of.field(field)


def _in_terms_of(new: Mapping[Type, Type], of: Type) -> Type:
    if isinstance(of, StructArray):
        held = new.get(of.dtype, of.dtype)
        assert isinstance(held, Struct)
        return types.struct_array(held, of.ndim)
    return new.get(of, of)


def _with_types(program: Program, new: Mapping[Type, Type]) -> Program:
    """`program` with other structs, without what their fields were made of that they no longer have."""
    if not new:
        return program

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        of = getattr(node, "type", None)
        if not isinstance(of, Struct | StructArray):
            return node
        other = _in_terms_of(new, of)
        if isinstance(node, Construct) and isinstance(of, Struct) and isinstance(other, Struct) and node.arguments:
            left = {name for name, _ in other.fields}
            arguments = tuple(a for (name, _), a in zip(of.fields, node.arguments, strict=True) if name in left)
            node = msgspec.structs.replace(node, arguments=arguments)
        return node if other is of else msgspec.structs.replace(node, type=other)

    changed: Program = rebuild(program, change)
    gone = {
        f"{old.name}.{path}" for old in program.structs if isinstance(old.type, Struct) for path, _ in leaves(old.type)
    } - {f"{of.name}.{path}" for of in changed.structs if isinstance(of.type, Struct) for path, _ in leaves(of.type)}
    return msgspec.structs.replace(changed, parameters=tuple(p for p in changed.parameters if p.name not in gone))
