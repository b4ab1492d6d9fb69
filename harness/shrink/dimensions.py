"""Fewer dimensions, and smaller extents."""

from __future__ import annotations

from collections.abc import Iterator
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
    accesses: dict[str, list[tuple[Expression | Slice, ...]]] = {}
    for node in (n for statement in program.body for n in walk(statement)):
        if isinstance(node, Element | Atomic):
            accesses.setdefault(node.array, []).append(node.indices)
        elif isinstance(node, View):
            ndim = len(node.indices) + (node.type.ndim if isinstance(node.type, Array) else 0)
            ndim -= sum(isinstance(index, Slice) for index in node.indices)
            accesses.setdefault(node.array, []).append((*node.indices, *(ndim - len(node.indices)) * (Slice(),)))
        elif isinstance(node, Extent):
            accesses.setdefault(node.array, []).append(())
        elif isinstance(node, Name) and isinstance(node.type, Array | StructArray):
            accesses.setdefault(node.name, []).append(())
    keep: dict[str, list[int]] = {}
    shapes = {p.name: p.shape for p in program.arrays if _whole(p.name) not in {s.name for s in program.structs}}
    # an array of structs has the shape of each of its fields
    shapes |= {
        s.name: p.shape for s in program.structs if s.ndim for p in program.parameters if _whole(p.name) == s.name
    }
    for name, found in accesses.items():
        if name not in shapes:
            continue
        ndim = len(shapes[name])
        if any(len(indices) != ndim for indices in found):
            continue
        axes = [a for a in range(ndim) if not all(isinstance(i[a], Literal) for i in found)]
        if len(axes) < ndim and ndim > 1:
            keep[name] = axes or [0]
    if not keep:
        return program

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
