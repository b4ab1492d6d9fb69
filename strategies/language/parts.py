"""Slices of vectors and matrices: which numbers they are, and a program without them, of the same meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from strategies.language import types
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Call,
    Component,
    Construct,
    Element,
    Expression,
    Field,
    Literal,
    Name,
    Node,
    Part,
    Program,
    Slice,
    Statement,
    Unpack,
    children,
    rebuild,
    root,
    walk,
)
from strategies.language.types import INT32, Matrix, Scalar, Type, Vector


def is_backwards(node: Part) -> bool:
    """Whether a part is taken in reverse, along an axis or both."""
    steps = [axis.step for axis in (node.index, node.column) if isinstance(axis, Slice)]
    return any(isinstance(step, Literal) and step.value < 0 for step in steps)


def part_type(base: Type, node: Part) -> Type | None:
    """The type of the part of a vector or a matrix that `node` names; None if there is none of several numbers."""
    match base:
        case Vector() if node.column is None and isinstance(node.index, Slice):
            count = len(_places(node.index, base.length) or ())
            return types.vector(count, base.dtype) if count > 1 else None
        case Matrix():
            extents = [(node.index, base.rows), (node.column if node.column is not None else Slice(), base.columns)]
            places = [_places(index, extent) for index, extent in extents]
            if any(not found for found in places) or not any(isinstance(index, Slice) for index, _ in extents):
                return None
            rows, columns = (len(found or ()) for found in places)
            kept = [isinstance(index, Slice) for index, _ in extents]
            if all(kept):
                return types.matrix(rows, columns, base.dtype) if min(rows, columns) > 1 else None
            count = columns if kept[1] else rows
            return types.vector(count, base.dtype) if count > 1 and node.column is not None else None
    return None


def _places(index: Expression | Slice, extent: int) -> list[int] | None:
    """The places that an index with literals alone means; None if it is another, or out of range."""
    if isinstance(index, Literal):
        return [int(index.value)] if 0 <= index.value < extent else None
    if not isinstance(index, Slice):
        return None
    parts = (index.start, index.stop, index.step)
    if not all(part is None or isinstance(part, Literal) for part in parts):
        return None
    start, stop, step = (int(part.value) if isinstance(part, Literal) else None for part in parts)
    if step == 0 or any(bound is not None and not -extent <= bound <= extent for bound in (start, stop)):
        return None
    return list(range(*slice(start, stop, step).indices(extent)))


def numbers(node: Part) -> tuple[Component, ...]:
    """The numbers of a part, in order; none of a part of what has no parts, as the reducer may try it."""
    of = node.base.type
    if not isinstance(of, Vector | Matrix):
        return ()
    rows = _places(node.index, of.shape[0]) or []
    if isinstance(of, Vector):
        return tuple(Component(of.dtype, node.base, Literal(INT32, n)) for n in rows)
    columns = _places(node.column if node.column is not None else Slice(), of.columns) or []
    return tuple(
        Component(of.dtype, node.base, Literal(INT32, row), column=Literal(INT32, column))
        for row in rows
        for column in columns
    )


def all_numbers(value: Expression) -> tuple[Component, ...]:
    """The numbers of a vector or a matrix, in order."""
    return numbers(Part(value.type, value, Slice(), Slice() if isinstance(value.type, Matrix) else None))


def changes_itself(target: Part, value: Expression, views: Mapping[str, str]) -> bool:
    """Whether a new value of a part is made of what it is a part of, `views` being the arrays that local names are of;
    what a call reads of arrays is not known here."""
    whole = root(target)
    if isinstance(whole, Name):
        return any(isinstance(n, Name) and n.name == whole.name for n in walk(value))
    assert isinstance(whole, Element)
    changed = _field(target.base)
    return any(isinstance(n, Call) for n in walk(value)) or any(
        views.get(array, array) == views.get(whole.array, whole.array) and all(map(str.__eq__, changed, read))
        for array, read in _reads(value)
    )


def _field(node: Expression) -> tuple[str, ...]:
    """The fields that lead to what a part is part of: those of ``bodies[i].pose.p`` are ``pose`` and ``p``."""
    fields: list[str] = []
    while isinstance(node, Component | Field | Part):
        # what is within a number, or a row, is no field any more
        fields = [node.field, *fields] if isinstance(node, Field) else []
        node = node.base
    return tuple(fields)


def _reads(node: Node) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The arrays whose elements are read, each with the fields of which it is; none if it is all of the element."""
    inner: Node = node
    while isinstance(inner, Field):
        inner = inner.base
    if isinstance(inner, Element):
        yield inner.array, _field(node) if isinstance(node, Field) else ()
    for child in children(inner):
        yield from _reads(child)


def without_parts(program: Program) -> Program:
    """`program` with its slices of values as numbers one by one; the same object if it has none."""
    if not any(isinstance(node, Part) for node in walk(program)):
        return program
    found: Program = _lowered(program)
    return found


def _lowered(node: Any) -> Any:
    fields: dict[str, object] = {}
    for name in ("body", "orelse", "replay", "adjoint"):
        if statements := getattr(node, name, ()):
            fields[name] = tuple(new for statement in statements for new in _statements(statement))
    if fields:
        rest = {
            name: _each(value)
            for name in node.__struct_fields__
            if name not in fields and (value := getattr(node, name))
        }
        return msgspec.structs.replace(node, **fields, **rest)
    node = rebuild(node, _lowered)
    return Construct(node.type, numbers(node)) if isinstance(node, Part) else node


def _each(value: Any) -> Any:
    if isinstance(value, Node):
        return _lowered(value)
    return tuple(map(_each, value)) if isinstance(value, tuple) else value


def _statements(node: Statement) -> Iterator[Statement]:
    match node:
        case Assign(target=Part() as target):
            value: Expression = _lowered(node.value)
            targets = numbers(target)
            # a number stands there in what the reducer tries, before that is checked
            values = (value,) * len(targets) if isinstance(value.type, Scalar) else _parts(value)[: len(targets)]
            if not isinstance(root(target), Name) or changes_itself(target, value, {}):
                # what stands at the right is computed before anything is stored
                yield Unpack(targets, values)
            else:
                yield from map(Assign, targets, values)
        case AugmentedAssign(target=Part() as target):
            value = _lowered(node.value)
            values = (value,) * len(numbers(target)) if isinstance(value.type, Scalar) else _parts(value)
            for number, given in zip(numbers(target), values, strict=False):
                yield AugmentedAssign(number, node.operator, given)
        case _:
            yield _lowered(node)


def _parts(value: Expression) -> tuple[Expression, ...]:
    """The numbers of a vector or a matrix, in order."""
    of = value.type
    assert isinstance(of, Vector | Matrix)
    if isinstance(value, Construct) and len(value.arguments) == of.length:
        return value.arguments
    return all_numbers(value)
