"""Fewer dimensions, and smaller extents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from harness.shrink.dress import with_parameter
from harness.shrink.tree import substitute
from strategies.language import types
from strategies.language.nodes import (
    Atomic,
    Element,
    Expression,
    Extent,
    Literal,
    Name,
    Node,
    Parameter,
    Program,
    Slice,
    StructParameter,
    ThreadIndex,
    View,
    rebuild,
    walk,
)
from strategies.language.types import INT32, Array, StructArray


def fewer_dimensions(program: Program) -> Iterator[Program]:
    """The launch without one of its axes, and arrays without the axes that this leaves constant."""
    first = program.body[0]
    if isinstance(first, ThreadIndex) and len(first.names) > 1:
        for axis, name in enumerate(first.names):
            names = first.names[:axis] + first.names[axis + 1 :]
            body = tuple(substitute(s, {name: Literal(INT32, 0)}) for s in program.body[1:])
            launch = program.launch[:axis] + program.launch[axis + 1 :]
            new = msgspec.structs.replace(program, launch=launch, body=(ThreadIndex(names), *body))
            yield _without_constant_axes(new)
    flat = _without_constant_axes(program)
    if flat is not program:
        yield flat


def _without_constant_axes(program: Program) -> Program:
    """`program` without the axes of arrays along which every index is a number; the same object if there are none."""
    keep: dict[str, list[int]] = {}
    shapes = _shapes(program)
    for name, found in _accesses(program).items():
        ndim = len(shapes.get(name, ()))
        if ndim < 2 or any(len(indices) != ndim for indices in found):
            continue
        axes = [a for a in range(ndim) if not all(isinstance(i[a], Literal) for i in found)]
        if len(axes) < ndim:
            keep[name] = axes or [0]
    return _with_axes(program, keep) if keep else program


def _accesses(program: Program) -> dict[str, list[tuple[Expression | Slice, ...]]]:
    """The indices by which each array is accessed, one for each axis; none where it is named as a whole."""
    found: dict[str, list[tuple[Expression | Slice, ...]]] = {}
    for node in (n for statement in program.body for n in walk(statement)):
        match node:
            case Element() | Atomic():
                found.setdefault(node.array, []).append(node.indices)
            case View():
                ndim = len(node.indices) + (node.type.ndim if isinstance(node.type, Array) else 0)
                ndim -= sum(isinstance(index, Slice) for index in node.indices)
                found.setdefault(node.array, []).append((*node.indices, *(ndim - len(node.indices)) * (Slice(),)))
            case Extent(array=name) | Name(type=Array() | StructArray(), name=name):
                found.setdefault(name, []).append(())
    return found


def _shapes(program: Program) -> dict[str, tuple[int, ...]]:
    """The shapes of arrays; an array of structs has that of each of its fields."""
    structs = {s.name: s for s in program.structs}
    plain = {p.name: p.shape for p in program.arrays if _whole(p.name) not in structs}
    whole = {_whole(p.name): p.shape for p in program.parameters if _whole(p.name) in structs}
    return plain | {name: shape for name, shape in whole.items() if structs[name].ndim}


def _with_axes(program: Program, keep: Mapping[str, Sequence[int]]) -> Program:
    """`program` with those axes alone of the arrays that `keep` names."""

    def change(node: Node) -> Node:
        if isinstance(node, Element | Atomic) and node.array in keep:
            node = msgspec.structs.replace(node, indices=tuple(node.indices[a] for a in keep[node.array]))
        elif isinstance(node, View) and node.array in keep:
            kept = tuple(node.indices[a] for a in keep[node.array] if a < len(node.indices))
            node = msgspec.structs.replace(node, indices=kept)
        elif isinstance(node, StructParameter) and node.name in keep:
            node = msgspec.structs.replace(node, ndim=len(keep[node.name]))
        elif isinstance(node, Parameter) and (axes := keep.get(_whole(node.name), keep.get(node.name))):
            assert isinstance(node.type, Array)
            of = types.array(node.type.dtype, len(axes))
            node = msgspec.structs.replace(node, type=of, shape=tuple(node.shape[a] for a in axes))
        changed: Node = rebuild(node, change)
        return changed

    changed = {part: tuple(map(change, getattr(program, part))) for part in ("parameters", "structs", "body")}
    return msgspec.structs.replace(program, **changed)


def _whole(name: str) -> str:
    """The struct, or the array of structs, that a field belongs to."""
    return name.partition(".")[0]


#: Extents that launches, arrays and tiles are cut to, smallest first.
EXTENTS: Final = (1, 2, 3, 4)


def extents(program: Program) -> Iterator[Program]:
    """Fewer threads and smaller arrays."""
    for extent in EXTENTS:
        launch = tuple(min(extent, n) for n in program.launch)
        for least in (0, 1, 2):
            most = max(extent, least + 1)
            parameters = tuple(
                msgspec.structs.replace(p, shape=tuple(min(most, n) for n in p.shape)) for p in program.parameters
            )
            yield msgspec.structs.replace(program, launch=launch, parameters=parameters)
    for n, parameter in enumerate(program.parameters):
        for axis, extent in enumerate(parameter.shape):
            for smaller in sorted({*(e for e in EXTENTS if e < extent), *program.launch}):
                if smaller < extent:
                    shape = (*parameter.shape[:axis], smaller, *parameter.shape[axis + 1 :])
                    yield with_parameter(program, n, msgspec.structs.replace(parameter, shape=shape))
