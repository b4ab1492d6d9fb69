"""Removing what a program does not use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec

from harness.shrink.tree import Body, names_of, targets_of, with_fields
from strategies.language.effects import called_functions, effects, function_effects
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Call,
    Component,
    Continue,
    Element,
    Evaluate,
    Expression,
    Extent,
    Field,
    For,
    Function,
    If,
    IndexedParameter,
    Name,
    Node,
    Parameter,
    Part,
    Program,
    Return,
    Statement,
    StructParameter,
    Unpack,
    View,
    While,
    children,
    rebuild,
    root,
    walk,
)
from strategies.language.rules import bound_arguments


def tidy(program: Program) -> Program:
    """`program` without what it does not use: variables, parameters, functions, empty blocks, what is never reached."""
    while True:
        new = _without_unused_parameters(_with_tidy_bodies(program))
        if new == program:
            return program
        program = new


def _with_tidy_bodies(program: Program) -> Program:
    called = called_functions(program)
    functions = tuple(with_fields(f, body=_tidy_body(f.body, program)) for f in program.functions if f.name in called)
    return with_fields(program, body=_tidy_body(program.body, program), functions=functions)  # type: ignore[no-any-return]


def _tidy_body(body: Body, program: Program) -> Body:
    empty = {f.name for f in program.functions if not f.body}
    while True:
        new = _tidy_block(body, Counter(_reads(body)), empty)
        if new == body:
            return body
        body = new


def _without_unused_parameters(program: Program) -> Program:
    """`program` with the parameters that are used, and those outputs that are written."""
    inner = function_effects(program)
    dropped: dict[str, set[str]] = {}
    functions = []
    for function in program.functions:
        kept = _used_parameters(function, inner[function.name].written)
        dropped[function.name] = {p.name for p in function.parameters} - {p.name for p in kept}
        functions.append(with_fields(function, parameters=kept))

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if isinstance(node, Call) and dropped[node.function]:
            kept = [
                (n, argument)
                for n, (parameter, argument) in enumerate(bound_arguments(program.function(node.function), node))
                if parameter.name not in dropped[node.function] and n < len(node.arguments)
            ]
            plain = len(node.arguments) - len(node.keywords)
            keywords = tuple(node.keywords[n - plain] for n, _ in kept if n >= plain)
            node = msgspec.structs.replace(node, arguments=tuple(a for _, a in kept), keywords=keywords)
        return node

    written = effects(program).written
    if any(dropped.values()):
        functions = [rebuild(f, change) for f in functions]
        program = rebuild(program, change)
    return with_fields(  # type: ignore[no-any-return]
        program,
        functions=tuple(functions),
        parameters=_used_parameters(program, written),
        structs=_used(program, program.structs),
        indexed=_used(program, program.indexed),
    )


_Whole = TypeVar("_Whole", StructParameter, IndexedParameter)


def _used(program: Program, wholes: tuple[_Whole, ...]) -> tuple[_Whole, ...]:
    """Those of the structs, or of the indexed arrays, that are used."""
    used = {name for statement in program.body for node in walk(statement) for name in names_of(node)}
    return tuple(p for p in wholes if p.name in used)


def _used_parameters(owner: Program | Function, written: frozenset[str]) -> tuple[Parameter, ...]:
    own = owner.own_gradient if isinstance(owner, Function) else ()
    used = {name for statement in (*owner.body, *own) for node in walk(statement) for name in names_of(node)}
    return tuple(
        with_fields(p, output=any(f"{w}.".startswith(f"{p.name}.") for w in written))
        for p in owner.parameters
        if p.name.partition(".")[0] in used
    )


def _reads(body: Body) -> Iterator[str]:
    """Every variable that is read, once a place."""
    for statement in body:
        yield from _reads_of(statement)


def _reads_of(node: Node) -> Iterator[str]:
    match node:
        case Name():
            yield node.name
        case Element() | Extent() | View() | Atomic():
            yield node.array
            for child in children(node):
                if not (isinstance(node, Atomic) and child is node.result):
                    yield from _reads_of(child)
        case Assign() | AugmentedAssign() | Unpack():
            for value in node.values if isinstance(node, Unpack) else (node.value,):
                yield from _reads_of(value)
            for place in targets_of(node):
                target: Expression = place
                while isinstance(target, Component | Field | Part):
                    if isinstance(target, Component):
                        yield from _reads_of(target.index)
                    target = target.base
                if isinstance(target, Element):
                    yield from _reads_of(target)
        case _:
            for name in node.__struct_fields__:
                part = getattr(node, name)
                for child in part if isinstance(part, tuple) else (part,):
                    if isinstance(child, Node):
                        yield from _reads_of(child)


def _tidy_block(body: Body, read: Mapping[str, int], empty: set[str]) -> Body:
    kept: list[Statement] = []
    for node in body:
        match node:
            case Assign() | AugmentedAssign() | Unpack():
                roots = [root(target) for target in targets_of(node)]
                if any(not isinstance(root, Name) or read.get(root.name) for root in roots):
                    kept.append(node)
            case Atomic(result=Name(name=name)) if not read.get(name):
                kept.append(with_fields(node, result=None, inline=False))
            case If():
                inner, other = _tidy_block(node.body, read, empty), _tidy_block(node.orelse, read, empty)
                if inner or other:
                    kept.append(with_fields(node, body=inner, orelse=other))
            case For() | While():
                if inner := _tidy_block(node.body, read, empty):
                    kept.append(with_fields(node, body=inner))
            case Evaluate():
                if node.value.function not in empty:
                    kept.append(node)
            case Break() | Continue() | Return():
                kept.append(node)
                break
            case _:
                kept.append(node)
    return tuple(kept)
