"""A program without tuples that are made or passed whole: a tuple is a value, and so no more than its items.

A variable becomes one variable an item, and so does a parameter.  The new names hold a dot, so that no name of the
program is taken.  Warp builds the other program; the reference and the analysis of limits see this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from strategies.language.nodes import (
    Assign,
    Call,
    Component,
    Construct,
    Expression,
    Function,
    Literal,
    Name,
    Node,
    Parameter,
    Program,
    Return,
    Statement,
    Unpack,
    rebuild,
    walk,
)
from strategies.language.remembered import remembered
from strategies.language.types import Tuple, element_scalar


@remembered
def makes_tuples(program: Program) -> bool:
    """Whether a tuple is made of its items, or passed."""
    return any(isinstance(n, Parameter | Construct) and isinstance(n.type, Tuple) for n in walk(program))


def without_tuples(program: Program) -> Program:
    """`program` with items in the place of tuples; the same object if it makes and passes none."""
    if not makes_tuples(program):
        return program
    functions = tuple(map(_function, program.functions))
    return msgspec.structs.replace(program, functions=functions, body=_block(program.body))


def items(node: Expression) -> list[Expression]:
    """The items of a variable or a display of a tuple type; a value of another type as it is."""
    match node:
        case Name(type=Tuple() as of, name=name):
            return [Name(item, f"{name}.{n}") for n, item in enumerate(of.items)]
        case Construct(type=Tuple(), arguments=arguments):
            return [_plain(argument) for argument in arguments]
    return [_plain(node)]


def _function(function: Function) -> Function:
    parameters = tuple(part for p in function.parameters for part in _parameters(p))
    return msgspec.structs.replace(function, parameters=parameters, body=_block(function.body))


def _parameters(parameter: Parameter) -> Iterator[Parameter]:
    """A parameter for each item, with the range of the whole."""
    if not isinstance(parameter.type, Tuple):
        yield parameter
        return
    for n, of in enumerate(parameter.type.items):
        whole = not element_scalar(of).is_float
        low, high = (int(v) if whole else v for v in (parameter.low, parameter.high))
        yield msgspec.structs.replace(parameter, name=f"{parameter.name}.{n}", type=of, low=low, high=high)


def _block(body: Sequence[Statement]) -> tuple[Statement, ...]:
    return tuple(new for statement in body for new in _statement(statement))


def _statement(node: Statement) -> Iterator[Statement]:
    match node:
        case Assign(target=Name(type=Tuple()) as target, value=Call() as call):
            yield Unpack(tuple(items(target)), (_plain(call),))  # type: ignore[arg-type]
        case Assign(target=Name(type=Tuple()) as target, value=value):
            yield from map(Assign, items(target), items(value))  # type: ignore[arg-type]
        case Return(values=values):
            yield Return(tuple(part for value in values for part in items(value)))
        case Unpack(values=(Name(type=Tuple()) as whole,)):
            yield Unpack(tuple(map(_plain, node.targets)), tuple(items(whole)))
        case _:
            yield _plain(node)


def _plain(node: Node) -> Any:
    """A node that is no tuple itself."""
    match node:
        case Component(base=Name(type=Tuple()) as whole, index=Literal(value=at)):
            return items(whole)[int(at)]
        case Call(arguments=arguments):
            given = tuple(part for argument in arguments for part in items(argument))
            return msgspec.structs.replace(node, arguments=given)
        case _ if hasattr(node, "body"):
            return _compound(node)
    return rebuild(node, _plain)


def _compound(node: Node) -> Node:
    """A statement with others in it."""
    fields: dict[str, object] = {}
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if name in ("body", "orelse"):
            fields[name] = _block(value)
        elif isinstance(value, Node):
            fields[name] = _plain(value)
    changed: Node = msgspec.structs.replace(node, **fields)
    return changed
