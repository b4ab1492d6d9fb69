"""Edits of statements: fewer, unwrapped, and plainer ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from harness.shrink.expressions import Leaves
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
    Node,
    Parameter,
    Part,
    Program,
    Slice,
    Statement,
    ThreadIndex,
    Unpack,
    While,
    rebuild,
)
from strategies.language.types import INT32, Vector


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
            for value in dict.fromkeys((0, 1, *_ends(statement))):
                body = tuple(substitute(s, {statement.name: Literal(INT32, value)}) for s in statement.body)
                yield body
            for trips in (1, 2):
                yield (with_fields(statement, stop=Literal(INT32, trips), start=None, step=None),)
            if statement.start is not None or statement.step is not None:
                yield (with_fields(statement, start=None, step=None),)
                yield (with_fields(statement, step=None),)


def _ends(loop: For) -> tuple[int, ...]:
    """The first and the last value that a loop whose bounds are numbers counts through."""
    bounds = (loop.start or Literal(INT32, 0), loop.stop, loop.step or Literal(INT32, 1))
    if not all(isinstance(bound, Literal) for bound in bounds):
        return ()
    values = range(*(int(bound.value) for bound in bounds if isinstance(bound, Literal)))
    return (*values[:1], *values[-1:])


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


def stored_at_once(program: Program) -> Iterator[Program]:
    """An element of an array instead of the variable whose last value is stored in it, or added to it, say."""
    for n, statement in enumerate(program.body):
        match statement:
            case Assign(target=Element() as element, value=Name(name=name)):
                pass
            case Atomic(array=array, indices=indices, value=Name(type=of, name=name), result=None):
                element = Element(of, array, indices)
            case _:
                continue
        others = (*program.body[:n], *program.body[n + 1 :])
        body = (_retargeted(substitute(other, {name: element}), name, element) for other in others)
        yield with_fields(program, body=tuple(body))


def _retargeted(node: Node, name: str, element: Element) -> Any:
    """`node` with what is assigned to a variable assigned to `element`."""
    node = rebuild(node, lambda child: _retargeted(child, name, element))
    match node:
        case Assign(target=Name(name=found)) | AugmentedAssign(target=Name(name=found)) if found == name:
            return with_fields(node, target=element)
    return node


def fewer_bounds(program: Program) -> Iterator[Program]:
    """A slice with a bound less; all of a vector assigned, out of a new array, where a slice of it was."""
    yield from _without_bound(program)
    leaves, added = Leaves(program), list[Parameter]()

    def edit(body: Body) -> Iterator[Body]:
        for n, statement in enumerate(body):
            match statement:
                case (
                    Assign(target=Part(base=base, index=Slice() as index) as target)
                    | AugmentedAssign(target=Part(base=base, index=Slice() as index) as target)
                ) if isinstance(base.type, Vector) and index != Slice():
                    found = leaves.fresh(base.type)
                case _:
                    continue
            if found is not None:
                added[:], value = found[:1], found[1]
                whole = with_fields(target, type=base.type, index=Slice())
                yield (*body[:n], with_fields(statement, target=whole, value=value), *body[n + 1 :])

    for new in _edited(program, edit):
        yield with_fields(new, parameters=(*added, *new.parameters))


def _without_bound(node: Node) -> Iterator[Any]:
    """`node` with a bound less in one of its slices."""
    for name in node.__struct_fields__:
        value = getattr(node, name)
        parts = value if isinstance(value, tuple) else (value,)
        for n, part in enumerate(parts):
            if isinstance(part, Slice):
                fewer = (with_fields(part, **{bound: None}) for bound in Slice.__struct_fields__)
                edited: Iterator[Node] = (new for new in fewer if new != part)
            else:
                edited = _without_bound(part) if isinstance(part, Node) else iter(())
            for new in edited:
                changed = (*parts[:n], new, *parts[n + 1 :]) if isinstance(value, tuple) else new
                yield with_fields(node, **{name: changed})
