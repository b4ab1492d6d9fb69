"""A program without indexed arrays that means the same: ``x[i]`` is ``data[places[i]]``.

As with structs, the new names hold a dot, so that no name of the program is taken.  The reference, the differences and
the analysis of limits see this program; what Warp builds is the other one.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from strategies.language.nodes import (
    Atomic,
    Element,
    Expression,
    Extent,
    IndexedParameter,
    Node,
    Program,
    rebuild,
)
from strategies.language.types import INT32


def data_of(name: str) -> str:
    """The parameter that holds the elements of the indexed array `name`, and others."""
    return f"{name}.data"


def places_of(name: str, axis: int) -> str:
    """The parameter that says which places along `axis` of the data the indexed array `name` has."""
    return f"{name}.index{axis}"


def members(given: IndexedParameter) -> tuple[str, ...]:
    """The parameters that an indexed array is made of, in order."""
    return (data_of(given.name), *(places_of(given.name, axis) for axis in given.axes))


def all_members(program: Program) -> frozenset[str]:
    """The parameters that are parts of indexed arrays."""
    return frozenset(name for given in program.indexed for name in members(given))


def shape_of(program: Program, given: IndexedParameter) -> tuple[int, ...]:
    """The shape that an indexed array shows to the kernel."""
    extents = list(program.parameter(data_of(given.name)).shape)
    for axis in given.axes:
        (extents[axis],) = program.parameter(places_of(given.name, axis)).shape
    return tuple(extents)


def without_indexed(program: Program, chosen: Callable[[IndexedParameter], bool] = lambda _: True) -> Program:
    """`program` without those indexed arrays that are chosen: all of them; the same object if there are none."""
    known = {given.name: given for given in program.indexed if chosen(given)}
    if not known:
        return program

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        match node:
            case Element() | Atomic() if node.array in known:
                given = known[node.array]
                indices = tuple(_place(given, axis, index) for axis, index in enumerate(node.indices))
                return msgspec.structs.replace(node, array=data_of(given.name), indices=indices)
            case Extent(array=array, axis=axis) if array in known:
                if axis in known[array].axes:
                    return Extent(INT32, places_of(array, axis), 0)
                return Extent(INT32, data_of(array), axis)
        return node

    left = tuple(given for given in program.indexed if given.name not in known)
    return msgspec.structs.replace(program, indexed=left, body=tuple(map(change, program.body)))


def _place(given: IndexedParameter, axis: int, index: Expression) -> Expression:
    return Element(INT32, places_of(given.name, axis), (index,)) if axis in given.axes else index
