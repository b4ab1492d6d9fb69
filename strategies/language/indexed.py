"""A program without indexed arrays that means the same: ``x[i]`` is ``data[places[i]]``.

As with structs, the new names hold a dot, so that no name of the program is taken.  The reference, the differences and
the analysis of limits see this program; what Warp builds is the other one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from strategies.language.nodes import (
    Atomic,
    Call,
    Element,
    Expression,
    Extent,
    Function,
    IndexedParameter,
    Name,
    Parameter,
    Program,
    rebuild,
    walk,
)
from strategies.language.types import INT32, array


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
    """`program` without those indexed arrays that are chosen: all of them; the same object if there are none.

    A function that is given one takes its data and its places instead; all that it is given must be chosen, or none.
    """
    known = {given.name: given for given in program.indexed if chosen(given)}
    if not known:
        return program
    taking: dict[str, set[str]] = {}
    for call in (n for statement in program.body for n in walk(statement) if isinstance(n, Call)):
        # beside names there is no indexed array, so that each goes by its place
        for parameter, argument in zip(program.function(call.function).parameters, call.arguments, strict=False):
            if isinstance(argument, Name) and argument.name in known:
                taking.setdefault(call.function, set()).add(parameter.name)
    functions = tuple(_without(f, taking[f.name]) if f.name in taking else f for f in program.functions)
    left = tuple(given for given in program.indexed if given.name not in known)
    body = tuple(_looked_up(statement, known) for statement in program.body)
    return msgspec.structs.replace(program, indexed=left, functions=functions, body=body)


def _without(function: Function, names: Collection[str]) -> Function:
    """`function` with its parameters `names`, indexed arrays, as data and places."""
    known, parameters = {}, list[Parameter]()
    for parameter in function.parameters:
        if parameter.name not in names:
            parameters.append(parameter)
            continue
        known[parameter.name] = IndexedParameter(parameter.name, parameter.axes)
        parameters.append(msgspec.structs.replace(parameter, name=data_of(parameter.name), axes=()))
        for axis in parameter.axes:
            parameters.append(Parameter(places_of(parameter.name, axis), array(INT32), 0, 0, (1,)))
    body = tuple(_looked_up(statement, known) for statement in function.body)
    return msgspec.structs.replace(function, parameters=tuple(parameters), body=body)


def _looked_up(node: Any, known: Mapping[str, IndexedParameter]) -> Any:
    """`node` with the elements of indexed arrays as those of their data."""
    node = rebuild(node, lambda child: _looked_up(child, known))
    match node:
        case Element() | Atomic() if node.array in known:
            given = known[node.array]
            indices = tuple(_place(given, axis, index) for axis, index in enumerate(node.indices))
            return msgspec.structs.replace(node, array=data_of(given.name), indices=indices)
        case Extent(array=name, axis=axis) if name in known:
            return Extent(INT32, *((places_of(name, axis), 0) if axis in known[name].axes else (data_of(name), axis)))
        case Call():
            return msgspec.structs.replace(node, arguments=tuple(_parts_of(node.arguments, known)))
    return node


def _parts_of(arguments: Iterable[Expression], known: Mapping[str, IndexedParameter]) -> Iterator[Expression]:
    for argument in arguments:
        if not (isinstance(argument, Name) and argument.name in known):
            yield argument
            continue
        given = known[argument.name]
        yield Name(argument.type, data_of(given.name))
        yield from (Name(array(INT32), places_of(given.name, axis)) for axis in given.axes)


def _place(given: IndexedParameter, axis: int, index: Expression) -> Expression:
    return Element(INT32, places_of(given.name, axis), (index,)) if axis in given.axes else index
