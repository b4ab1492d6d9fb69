"""Calls replaced by what the function computes, or does."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import starmap
from typing import Any, Final

import msgspec

from harness.shrink.tree import Body, all_names, assigned, substitute, with_fields
from strategies.language.closures import with_captured
from strategies.language.generics import apart
from strategies.language.nodes import (
    Assign,
    Atomic,
    Call,
    Element,
    Expression,
    Extent,
    For,
    Function,
    If,
    Name,
    Node,
    Parameter,
    Program,
    Return,
    Statement,
    Unpack,
    View,
    While,
    rebuild,
    walk,
)
from strategies.language.rules import bound_arguments
from strategies.language.types import Array, Struct, StructArray, Tuple, Type

_STRUCTS: Final = Struct | StructArray


def inlined(program: Program) -> Iterator[Program]:
    """`program` with all calls of one function replaced by its result, where that is one expression, or by its body."""
    for function in program.functions:
        result = _result(function)
        if result is not None:
            yield _inlined(program, function, result)
        elif _may_be_spliced(program, function):
            yield _spliced(program, function)


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
            return _bound(result, function, node) or node
        return node

    changed: Program = rebuild(program, change)
    return changed


def _bound(node: Node, function: Function, call: Call, changed: Collection[str] = ()) -> Any:
    """A part of `function` in terms of a call's arguments but for `changed` parameters; None if a view is passed."""
    bound = list(bound_arguments(function, call))
    arrays = {p.name: a for p, a in bound if isinstance(p.type, Array | _STRUCTS)}
    if any(isinstance(a, View) for a in arrays.values()):
        return None
    values = {p.name: a for p, a in bound if not isinstance(p.type, Array | StructArray) and p.name not in changed}
    named = {name: a.name for name, a in arrays.items() if isinstance(a, Name) and name not in changed}
    return substitute(_with_arrays(node, named), values)


def _may_be_spliced(program: Program, function: Function) -> bool:
    """Whether a function returns by its last statement, if at all, and has names of its own for all that it changes."""
    ends = [node for statement in function.body for node in walk(statement) if isinstance(node, Return)]
    loops = {node.name for statement in function.body for node in walk(statement) if isinstance(node, For)}
    others = msgspec.structs.replace(program, functions=tuple(f for f in program.functions if f is not function))
    return not (ends and ends != [function.body[-1]]) and not (assigned(function.body) | loops) & all_names(others)


def _spliced(program: Program, function: Function) -> Program:
    """`program` with what `function` does in front of every statement that calls it, once, and gives a value."""

    def change(node: Any) -> Any:
        blocks = {name: block(getattr(node, name)) for name in ("body", "orelse") if hasattr(node, name)}
        return with_fields(node, **blocks)

    def block(body: Body) -> Body:
        return tuple(new for statement in body for new in instead(statement))

    def instead(statement: Statement) -> Body:
        calls = [node for node in walk(statement) if isinstance(node, Call) and node.function == function.name]
        if isinstance(statement, If | For | While) or len(calls) != 1:
            return (change(statement),)
        changed = assigned(function.body)
        given = [(Name(p.type, p.name), a) for p, a in bound_arguments(function, calls[0]) if p.name in changed]
        body = tuple(_bound(one, function, calls[0], changed) for one in (*starmap(Assign, given), *function.body))
        if None in body:
            return (statement,)
        match statement, body[-1]:
            case Unpack(values=(Call(),)), Return(values=values):
                return (*body[:-1], with_fields(statement, values=values))
            case _, Return(values=(value,)):
                return (*body[:-1], _replaced(statement, calls[0], value))
        return body

    return change(with_fields(program, functions=tuple(map(change, program.functions))))  # type: ignore[no-any-return]


def _replaced(node: Node, old: Node, new: Node) -> Node:
    return new if node == old else rebuild(node, lambda child: _replaced(child, old, new))


def fewer_results(program: Program) -> Iterator[Program]:
    """`program` with one result of a function that has several, where they are unpacked."""
    for function in program.functions:
        if isinstance(function.type, Tuple) and not function.own_gradient:
            for n, of in enumerate(function.type.items):
                yield _with_result(program, function, n, of)


def _with_result(program: Program, function: Function, n: int, of: Type) -> Program:
    def change(node: Any) -> Any:
        node = rebuild(node, change)
        match node:
            case Unpack(targets=targets, values=(Call() as call,)) if call.function == function.name:
                return Assign(targets[n], msgspec.structs.replace(call, type=of))
            case Function() if node.name == function.name:
                return msgspec.structs.replace(_returning(node, n), type=of)
        return node

    return change(program)  # type: ignore[no-any-return]


def _returning(node: Any, n: int) -> Any:
    node = rebuild(node, lambda child: _returning(child, n))
    return msgspec.structs.replace(node, values=node.values[n : n + 1]) if isinstance(node, Return) else node


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
        case Element() | Extent() | Atomic() | View():
            whole, *path = node.array.split(".")
            return msgspec.structs.replace(node, array=".".join((arrays.get(whole, whole), *path)))
        case Name(type=Array()):
            return Name(node.type, arrays.get(node.name, node.name))
    return node
