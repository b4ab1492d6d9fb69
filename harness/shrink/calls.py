"""Calls replaced by what the function computes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from harness.shrink.tree import substitute
from strategies.language.closures import with_captured
from strategies.language.generics import apart
from strategies.language.nodes import (
    Assign,
    Call,
    Element,
    Expression,
    Extent,
    Function,
    Name,
    Node,
    Parameter,
    Program,
    Return,
    View,
    rebuild,
)
from strategies.language.rules import bound_arguments
from strategies.language.types import Array, Struct, StructArray

_STRUCTS: Final = Struct | StructArray


def inlined(program: Program) -> Iterator[Program]:
    """`program` with all calls of one function replaced by its result, where that is one expression."""
    for function in program.functions:
        result = _result(function)
        if result is not None:
            yield _inlined(program, function, result)


def _result(function: Function) -> Expression | None:
    """The result of a function that only computes, in terms of its parameters."""
    values: dict[str, Expression] = {}
    for statement in function.body:
        match statement:
            case Assign(target=Name(name=name), value=value):
                values[name] = substitute(value, values)
            case Return(values=(value,)):
                found: Expression = substitute(value, values)
                return found
            case _:
                return None
    return None


def _inlined(program: Program, function: Function, result: Expression) -> Program:
    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if isinstance(node, Call) and node.function == function.name:
            bound = list(bound_arguments(function, node))
            arrays = {p.name: a for p, a in bound if isinstance(p.type, Array | _STRUCTS)}
            values = {p.name: a for p, a in bound if not isinstance(p.type, Array | StructArray)}
            if any(isinstance(a, View) for a in arrays.values()):
                return node
            named = {name: a.name for name, a in arrays.items() if isinstance(a, Name)}
            return substitute(_with_arrays(result, named), values)  # type: ignore[no-any-return]
        return node

    changed: Program = rebuild(program, change)
    return changed


def plainer_calls(program: Program) -> Iterator[Program]:
    """`program` with every argument given, by its place, and without defaults."""
    functions = {f.name: f for f in program.functions}

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if isinstance(node, Call):
            bound = {p.name: argument for p, argument in bound_arguments(functions[node.function], node)}
            arguments = tuple(bound[p.name] for p in functions[node.function].parameters)
            return msgspec.structs.replace(node, arguments=arguments, keywords=())
        return msgspec.structs.replace(node, default=None) if isinstance(node, Parameter) and node.default else node

    yield rebuild(program, change)
    yield without_passing(program)


def without_passing(program: Program) -> Program:
    """`program` with functions called by their names, not passed as arguments, and without factories."""

    def change(node: Node) -> Node:
        if isinstance(node, Function) and node.closure is not None:
            numbers = {number.name: number.made for number in node.closure.numbers}
            node = with_captured(msgspec.structs.replace(node, closure=None), numbers)
        node = rebuild(node, change)
        if isinstance(node, Call) and (node.given or node.through):
            return msgspec.structs.replace(node, given=(), through=None)
        return msgspec.structs.replace(node, passed=()) if isinstance(node, Function) and node.passed else node

    found: Program = change(apart(program))  # type: ignore[assignment]
    return found


def _with_arrays(node: Node, arrays: dict[str, str]) -> Node:
    node = rebuild(node, lambda child: _with_arrays(child, arrays))
    match node:
        case Element() | Extent():
            whole, *path = node.array.split(".")
            return msgspec.structs.replace(node, array=".".join((arrays[whole], *path)))
        case Name(type=Array()):
            return Name(node.type, arrays[node.name])
    return node
