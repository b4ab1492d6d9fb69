"""Plainer types, values and ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from harness.shrink.order import FLOATS, INTEGERS, given_options, literal_cost, range_cost, simple_ranges, type_cost
from harness.shrink.tree import places, with_fields
from strategies.language import types
from strategies.language.manners import plain
from strategies.language.nodes import (
    Cast,
    Construct,
    Expression,
    Literal,
    Node,
    Options,
    Parameter,
    Program,
    rebuild,
    walk,
)
from strategies.language.rules import conversion
from strategies.language.types import (
    FLOAT32,
    INT32,
    Array,
    Composite,
    Matrix,
    Scalar,
    Struct,
    StructArray,
    Tile,
    Tuple,
    Type,
    Vector,
    Void,
)


def fewer_options(program: Program) -> Iterator[Program]:
    """The kernel built as Warp does by default, or with one of its options less."""
    if program.options is None:
        return
    yield msgspec.structs.replace(program, options=None)
    for name in given_options(program):
        fewer = msgspec.structs.replace(program.options, **{name: None})
        if fewer != Options():
            yield msgspec.structs.replace(program, options=fewer)


def plainly_written(program: Program) -> Iterator[Program]:
    """Elements by one pair of brackets, atomics in lines of their own, and annotations in Warp's words."""

    yield plain(program)
    if program.annotations:
        yield msgspec.structs.replace(program, annotations=())


def retyped(program: Program) -> Iterator[Program]:
    """Another scalar type for one that occurs: float32 and int32 are what people read most easily."""
    elements = [_element(node) for node in walk(program)]
    found = {scalar for of in elements if of is not None for scalar in types.scalars_of(of)}
    odd = sorted((s for s in found if type_cost(s)), key=lambda s: s.notation)
    simple = {s: FLOAT32 if s.is_float else INT32 for s in odd}
    for some in (simple, *({s: simple[s]} for s in odd)) if len(odd) > 1 else (simple,):
        if some:
            yield _retype(program, some)
    for length in sorted({n for of in elements if isinstance(of, Vector | Matrix) for n in of.shape}):
        for shorter in (0, *range(2, length)):
            yield _retype(program, {}, {length: shorter})


def _element(node: Node) -> Type | None:
    """The type of `node`'s value, or of its elements."""
    of: Type | None = getattr(node, "type", None)
    return of.dtype if isinstance(of, Array) else of


def _retype(program: Program, mapping: Mapping[Scalar, Scalar], lengths: Mapping[int, int] | None = None) -> Program:
    """`program` with scalar types replaced, and vectors and matrices by ones of other sizes, or, for 0, vectors by
    scalars."""

    def to(of: Type) -> Type:
        match of:
            case Scalar():
                return mapping.get(of, of)
            case Composite():
                dtype = mapping.get(of.dtype, of.dtype)
                shape = [(lengths or {}).get(n, n) for n in of.shape]
                if isinstance(of, Vector):
                    return types.vector(shape[0], dtype) if shape[0] else dtype
                if isinstance(of, Matrix) and all(shape):
                    return types.matrix(shape[0], shape[1], dtype)
                return types.composite(of.form, dtype)
            case Array():
                element = to(of.dtype)
                assert isinstance(element, Scalar | Composite)
                return types.array(element, of.ndim)
            case Tile():
                return types.tile(of.shape, mapping.get(of.dtype, of.dtype))
            case Struct():
                return types.struct(of.name, [(name, to(field)) for name, field in of.fields])
            case StructArray():
                struct = to(of.dtype)
                assert isinstance(struct, Struct)
                return types.struct_array(struct, of.ndim)
            case Tuple():
                return types.tuple_of([to(item) for item in of.items])
            case Void():
                return of
        raise TypeError(f"{of!r} is no type of a value")

    def change(node: Node) -> Node:
        of, given = getattr(node, "type", None), conversion(node)
        copied = isinstance(node, Construct) and given is not None and given.type is of
        node = rebuild(node, change)
        if not isinstance(of, Type) or to(of) is of:
            new = node
        elif isinstance(node, Construct) and isinstance(of, Composite) and not isinstance(to(of), Composite):
            first: Expression = node.arguments[0] if node.arguments else Literal(to(of), 0)
            new = first if first.type is to(of) else Cast(to(of), first)
        else:
            new = msgspec.structs.replace(node, type=to(of))
            if isinstance(node, Construct) and isinstance(of, Composite) and len(node.arguments) == of.length:
                shorter = to(of)
                assert isinstance(shorter, Composite)
                new = with_fields(new, arguments=tuple(map(change, node.arguments[: shorter.length])))
            if isinstance(new, Literal) and new.type is FLOAT32:
                new = with_fields(new, value=float(np.float32(new.value)))
        inner = conversion(new)
        if inner is not None and not copied and inner.type is getattr(new, "type", None):
            return new if isinstance(inner, Literal) else inner
        return new

    changed: Program = rebuild(program, change)
    return changed


def with_parameter(program: Program, n: int, new: Parameter) -> Program:
    parameters = (*program.parameters[:n], new, *program.parameters[n + 1 :])
    return msgspec.structs.replace(program, parameters=parameters)


def plainer_values(program: Program) -> Iterator[Program]:
    """Rounder literals."""

    def simplest(node: Expression) -> Iterator[Expression]:
        if isinstance(node, Literal) and isinstance(node.type, Scalar) and node.type.kind != "bool":
            for value in FLOATS if node.type.is_float else INTEGERS:
                if value >= 0 or node.type.is_signed:
                    new = Literal(node.type, value)
                    if literal_cost(new) < literal_cost(node):
                        yield new

    def every(node: Node) -> Node:
        if isinstance(node, Literal):
            return next(simplest(node), node)
        changed: Node = rebuild(node, every)
        return changed

    yield rebuild(program, every)
    yield from places(program, simplest)


def plainer_ranges(program: Program) -> Iterator[Program]:
    """Simpler ranges of the parameters' values."""
    choices = [
        [p, *(msgspec.structs.replace(p, low=low, high=high) for low, high in simple_ranges(p))]
        for p in program.parameters
    ]
    for number in (1, 2):
        yield msgspec.structs.replace(program, parameters=tuple(c[min(number, len(c) - 1)] for c in choices))
    for n, options in enumerate(choices):
        for option in options[1:]:
            if range_cost(option) < range_cost(program.parameters[n]):
                yield with_parameter(program, n, option)
