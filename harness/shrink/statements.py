"""Edits of statements: fewer, unwrapped, and plainer ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from harness.shrink.tree import Body, substitute, with_body, with_fields
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Element,
    For,
    Function,
    If,
    Literal,
    Name,
    Program,
    Statement,
    ThreadIndex,
    Unpack,
    While,
)
from strategies.language.types import INT32


def _blocks(body: Body, edit: Callable[[Body], Iterator[Body]]) -> Iterator[Body]:
    """`body` with one block in it, or itself, edited."""
    yield from edit(body)
    for n, statement in enumerate(body):
        for name in ("body", "orelse"):
            inner = getattr(statement, name, ())
            if inner:
                for new in _blocks(inner, edit):
                    changed: Any = msgspec.structs.replace(statement, **{name: new})
                    yield (*body[:n], changed, *body[n + 1 :])


def fewer_statements(program: Program) -> Iterator[Program]:
    """Statements dropped, branches and loops replaced by what is in them, variables by their values."""

    def edit(body: Body) -> Iterator[Body]:
        first = 1 if body and isinstance(body[0], ThreadIndex) else 0
        length = len(body) - first
        chunk = length
        while chunk:
            for start in range(first, len(body), chunk):
                yield body[:start] + body[start + chunk :]
            chunk //= 2
        for n, statement in enumerate(body):
            for instead in _unwrapped(statement):
                yield body[:n] + instead + body[n + 1 :]
            if isinstance(statement, Assign) and isinstance(statement.target, Name):
                values = {statement.target.name: statement.value}
                yield body[:n] + tuple(substitute(s, values) for s in body[n + 1 :])

    yield from _edited(program, edit)


def _edited(program: Program, edit: Callable[[Body], Iterator[Body]]) -> Iterator[Program]:
    """`program` with one block edited, of its kernel, of a function, or of a gradient of a function's own."""
    owners: tuple[Program | Function, ...] = (program, *program.functions)
    for owner in owners:
        for new in _blocks(owner.body, edit):
            yield with_body(program, owner, new)
    for n, function in enumerate(program.functions):
        for new in _blocks(function.adjoint, edit) if function.adjoint else ():
            changed = with_fields(function, adjoint=new)
            yield with_fields(program, functions=(*program.functions[:n], changed, *program.functions[n + 1 :]))


def _unwrapped(statement: Statement) -> Iterator[Body]:
    match statement:
        case If(body=body, orelse=orelse):
            yield body
            if orelse:
                yield orelse
                yield (with_fields(statement, orelse=()),)
                if len(orelse) == 1 and isinstance(orelse[0], If):
                    yield orelse
                    yield (with_fields(statement, orelse=orelse[0].body),)
                    yield (with_fields(statement, orelse=orelse[0].orelse),)
        case While(body=body):
            yield body
        case For():
            for value in (0, 1):
                body = tuple(substitute(s, {statement.name: Literal(INT32, value)}) for s in statement.body)
                yield body
            for trips in (1, 2):
                yield (with_fields(statement, stop=Literal(INT32, trips), start=None, step=None),)
            if statement.start is not None or statement.step is not None:
                yield (with_fields(statement, start=None, step=None),)
                yield (with_fields(statement, step=None),)


def plainer_statements(program: Program) -> Iterator[Program]:
    """Plain stores instead of atomics and augmented assignments."""

    def edit(body: Body) -> Iterator[Body]:
        for n, statement in enumerate(body):
            match statement:
                # a number may be added to all of a slice, and not assigned to it
                case AugmentedAssign(target=target, value=value) if target.type is value.type:
                    new = Assign(target, value)
                case Unpack(targets=targets, values=values) if len(values) == len(targets):
                    yield (*body[:n], *map(Assign, targets, values), *body[n + 1 :])
                    continue
                case Atomic(array=array, indices=indices, value=value, result=None):
                    new = Assign(Element(value.type, array, indices), value)
                case _:
                    continue
            yield (*body[:n], new, *body[n + 1 :])

    yield from _edited(program, edit)
