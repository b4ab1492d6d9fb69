"""Removing what a program does not use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from harness.shrink.tree import Body, names_of, stores, walk, with_fields
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Break,
    Component,
    Continue,
    Element,
    For,
    If,
    Name,
    Node,
    Program,
    Return,
    Statement,
)


def tidy(program: Program) -> Program:
    """`program` without what it does not use: variables, parameters, empty blocks, what is never reached."""
    body = program.body
    while True:
        read = Counter(_reads(body))
        new = _tidy_block(body, read)
        if new == body:
            break
        body = new
    nodes = [node for statement in body for node in walk(statement)]
    used = {name for node in nodes for name in names_of(node)}
    written = {root.array for root in stores(nodes)}
    parameters = tuple(
        p if p.output == (p.name in written) else msgspec.structs.replace(p, output=p.name in written)
        for p in program.parameters
        if p.name in used
    )
    return msgspec.structs.replace(program, parameters=parameters, body=body)


def _reads(body: Body) -> Iterator[str]:
    """Every variable that is read, once a place."""
    for statement in body:
        yield from _reads_of(statement)


def _reads_of(node: Node) -> Iterator[str]:
    match node:
        case Name():
            yield node.name
        case Assign() | AugmentedAssign():
            yield from _reads_of(node.value)
            target: Node = node.target
            while isinstance(target, Component):
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


def _tidy_block(body: Body, read: Mapping[str, int]) -> Body:
    kept: list[Statement] = []
    for node in body:
        match node:
            case Assign() | AugmentedAssign():
                root: Node = node.target
                while isinstance(root, Component):
                    root = root.base
                if isinstance(root, Name) and not read.get(root.name):
                    continue
                kept.append(node)
            case If():
                inner, other = _tidy_block(node.body, read), _tidy_block(node.orelse, read)
                if inner or other:
                    kept.append(with_fields(node, body=inner, orelse=other))
            case For():
                if inner := _tidy_block(node.body, read):
                    kept.append(with_fields(node, body=inner))
            case Break() | Continue() | Return():
                kept.append(node)
                break
            case _:
                kept.append(node)
    return tuple(kept)
