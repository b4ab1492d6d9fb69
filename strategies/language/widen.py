"""The same program in float64."""

from __future__ import annotations

from typing import Any

import msgspec

from strategies.language import types
from strategies.language.generics import apart
from strategies.language.nodes import Node, Program, Static, rebuild
from strategies.language.types import FLOAT64, Array, Composite, Scalar, Struct, StructArray, Tile, Tuple, Type, Void


def widened(program: Program) -> Program:
    """`program` with every float type replaced by float64; the same object if there is no other.

    What has one name for several types of floats has several names then.
    """
    found: Program = _widen(program)
    if found is program:
        return program
    found = _widen(apart(program))
    return msgspec.structs.replace(found, overloads=tuple(map(widened_type, found.overloads)))


def widened_type(of: Type) -> Type:
    """`of` with its float type, if it has one, replaced by float64."""
    match of:
        case Scalar():
            return FLOAT64 if of.is_float else of
        case Composite():
            return types.composite(of.form, FLOAT64) if of.dtype.is_float else of
        case Array():
            dtype = widened_type(of.dtype)
            assert isinstance(dtype, Scalar | Composite)
            return types.array(dtype, of.ndim)
        case Tile():
            return types.tile(of.shape, FLOAT64) if of.dtype.is_float else of
        case Struct():
            fields = [(name, widened_type(field)) for name, field in of.fields]
            return types.struct(of.name, fields)
        case StructArray():
            struct = widened_type(of.dtype)
            assert isinstance(struct, Struct)
            return types.struct_array(struct, of.ndim)
        case Tuple():
            wide = tuple(map(widened_type, of.items))
            return of if wide == of.items else types.tuple_of(wide)
        case Void():
            return of
    raise TypeError(f"{of!r} is not a type of the kernel language")


def _widen(node: Any) -> Any:
    if isinstance(node, Static):
        # what Python computes has no type
        return msgspec.structs.replace(node, type=widened_type(node.type))
    new = rebuild(node, _widen)
    if isinstance(node, Node) and (of := getattr(node, "type", None)) is not None:
        wide = widened_type(of)
        if wide is not of:
            new = msgspec.structs.replace(new, type=wide)
    return new
