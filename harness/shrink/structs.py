"""Structs dissolved, and made of fewer fields; indexed arrays as plain ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from strategies.language import types
from strategies.language.indexed import all_members, data_of, members, places_of, shape_of
from strategies.language.nodes import Construct, Field, Node, Program, rebuild, walk
from strategies.language.structs import destructured, leaves, struct_types
from strategies.language.types import Struct, StructArray, Type


def without_structs(program: Program) -> Iterator[Program]:
    """`program` without structs, or with one field fewer in one of them."""
    if plain := struct_types(program):
        yield destructured(program)
        accessed = {(n.base.type, n.field) for n in walk(program) if isinstance(n, Field)}
        for of in plain:
            free = [name for name, _ in of.fields if (of, name) not in accessed]
            if len(free) > 1:
                yield _without(program, of, frozenset(free))
            for name in free:
                yield _without(program, of, frozenset((name,)))


def without_indexed(program: Program) -> Iterator[Program]:
    """`program` with a plain array in the place of an indexed one, all axes of which are there, or one axis fewer."""
    for given in program.indexed:
        data = program.parameter(data_of(given.name))
        plain = msgspec.structs.replace(data, name=given.name, shape=shape_of(program, given))
        own, others = members(given), tuple(p for p in program.indexed if p is not given)
        kept = tuple(plain if p is data else p for p in program.parameters if p is data or p.name not in own)
        yield msgspec.structs.replace(program, parameters=kept, indexed=others)
        for axis in given.axes if len(given.axes) > 1 else ():
            fewer = msgspec.structs.replace(given, axes=tuple(n for n in given.axes if n != axis))
            yield msgspec.structs.replace(
                program,
                parameters=tuple(p for p in program.parameters if p.name != places_of(given.name, axis)),
                indexed=tuple(fewer if p is given else p for p in program.indexed),
            )


def _without(program: Program, of: Struct, fields: frozenset[str]) -> Program:
    """`program`, the struct `of` without some of its fields."""
    if len(fields) == len(of.fields):
        fields -= {of.fields[0][0]}
    new: Mapping[Type, Type] = {of: types.struct(of.name, [(n, t) for n, t in of.fields if n not in fields])}

    def to(given: Type) -> Type:
        match given:
            case Struct() if given in new:
                return new[given]
            case Struct():
                return types.struct(given.name, [(name, to(field)) for name, field in given.fields])
            case StructArray():
                struct = to(given.dtype)
                assert isinstance(struct, Struct)
                return types.struct_array(struct, given.ndim)
        return given

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if isinstance(node, Construct) and node.type is of and node.arguments:
            kept = zip(of.fields, node.arguments, strict=True)
            node = msgspec.structs.replace(node, arguments=tuple(a for (name, _), a in kept if name not in fields))
        if isinstance(given := getattr(node, "type", None), Type) and to(given) is not given:
            node = msgspec.structs.replace(node, type=to(given))
        return node

    changed: Program = rebuild(program, change)
    parts = all_members(changed)
    known = parts | {
        f"{p.name}.{path}" for p in changed.structs if isinstance(p.type, Struct) for path, _ in leaves(p.type)
    }
    kept = tuple(p for p in changed.parameters if "." not in p.name or p.name in known)
    return msgspec.structs.replace(changed, parameters=kept)
