"""Views of arrays replaced by the arrays that they are parts of."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from harness.shrink.tree import with_body
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    Element,
    Expression,
    Extent,
    Function,
    Literal,
    Name,
    Node,
    Program,
    Slice,
    Statement,
    View,
    Zeros,
    rebuild,
    walk,
)
from strategies.language.types import INT32
from strategies.language.views import definitions, made


def without_views(program: Program) -> Iterator[Program]:
    """`program` with the elements of one local view read and written through the array that it is a part of."""
    owners: tuple[Program | Function, ...] = (program, *program.functions)
    for owner in owners:
        for name, view in definitions(owner.body).items():
            if any(_names_whole(node, name) for statement in owner.body for node in walk(statement)):
                continue
            body = tuple(_through(statement, name, view) for statement in owner.body)
            if all(statement is not None for statement in body):
                yield with_body(program, owner, tuple(s for s in body if s is not None))


def view_definitions(program: Program, body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """The definitions, in `program`, of the arrays that `body` uses and does not define."""
    known: dict[str, View | Zeros] = {**made(program.body), **definitions(program.body)}
    inside = {**made(body), **definitions(body)}
    wanted: set[str] = set()

    def want(node: Node) -> None:
        for part in walk(node):
            name = part.array if isinstance(part, Element | Extent | View | Atomic) else None
            if isinstance(part, Name):
                name = part.name
            if name in known and name not in inside and name not in wanted:
                wanted.add(name)
                want(known[name])

    for statement in body:
        want(statement)
    return tuple(Assign(Name(view.type, name), view) for name, view in known.items() if name in wanted)


def _names_whole(node: Node, name: str) -> bool:
    """Whether a node needs the view itself, for its length."""
    return isinstance(node, Extent) and node.array == name


def _through(node: Node, name: str, view: View) -> Statement | None:
    """A statement with `view` written out; None if an index cannot be."""
    failed: list[Node] = []

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if isinstance(node, Element | Atomic | View) and node.array == name:
            indices = _composed(view, node.indices)
            if indices is None:
                failed.append(node)
                return node
            return msgspec.structs.replace(node, array=view.array, indices=indices)
        if isinstance(node, Name) and node.name == name and node.type is view.type:
            return Name(node.type, name)
        return node

    if isinstance(node, Assign) and node.value is view:
        return node
    changed = change(node)
    return None if failed else changed  # type: ignore[return-value]


def _composed(view: View, indices: tuple[Expression | Slice, ...]) -> tuple[Expression | Slice, ...] | None:
    """The indices, in the whole array, of what has `indices` in the view."""
    left: list[Expression | Slice] = list(indices)
    found: list[Expression | Slice] = []
    for index in view.indices:
        if not isinstance(index, Slice):
            found.append(index)
            continue
        if not left:
            return None
        inner = left.pop(0)
        at: Expression | Slice | None
        at = _joined(index, inner) if isinstance(inner, Slice) else _position(index, inner)
        if at is None:
            return None
        found.append(at)
    return (*found, *left)


def _joined(outer: Slice, inner: Slice) -> Slice | None:
    """The slice of the whole axis that `inner` is of the slice `outer`, if both go forward by numbers."""
    numbers = [_number(part) for part in (outer.start, outer.stop, outer.step, inner.start, inner.stop, inner.step)]
    if any(number is not None and number < 0 for number in numbers):
        return None
    start, stop, step, first, last, stride = numbers
    start, step, first, stride = start or 0, step or 1, first or 0, stride or 1
    ends = [end for end in (stop, None if last is None else start + step * last) if end is not None]
    return Slice(_whole(start + step * first), _whole(min(ends)) if ends else None, _whole(step * stride))


def _number(part: Expression | None) -> int | None:
    """A literal part of a slice; -1 for what is none, None for what is left out."""
    return None if part is None else int(part.value) if isinstance(part, Literal) else -1


def _whole(value: int) -> Literal:
    return Literal(INT32, value)


def _position(index: Slice, at: Expression) -> Expression | None:
    """The position in the whole axis of the one at `at` in a slice that begins and proceeds by numbers."""
    start = 0 if index.start is None else index.start.value if isinstance(index.start, Literal) else None
    step = 1 if index.step is None else index.step.value if isinstance(index.step, Literal) else None
    if start is None or step is None or (isinstance(at, Literal) and at.value < 0):
        return None
    if start < 0 or step < 0:
        return None
    if isinstance(at, Literal):
        return Literal(INT32, int(start + step * at.value))
    scaled = at if step == 1 else Apply(INT32, "mul", (at, Literal(INT32, int(step))))
    return scaled if start == 0 else Apply(INT32, "add", (scaled, Literal(INT32, int(start))))
