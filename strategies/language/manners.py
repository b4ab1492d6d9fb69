"""Two ways to write one meaning.

``a[i, j]`` and ``a[i][j]``; ``k = wp.atomic_add(c, 0, 1); x[k] = e`` and ``x[wp.atomic_add(c, 0, 1)] = e``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

import msgspec

from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Compare,
    Conditional,
    Element,
    Extent,
    Function,
    If,
    Logical,
    Name,
    Node,
    Program,
    Return,
    Statement,
    Unpack,
    View,
    children,
    rebuild,
    walk,
)
from strategies.language.views import roots

Body = tuple[Statement, ...]


def plain(program: Program) -> Program:
    """`program` with one way to write everything, by which it is analysed; the same object if it is written so."""

    def change(node: Any) -> Any:
        node = rebuild(node, change)
        match node:
            case Element(brackets=True):
                return msgspec.structs.replace(node, brackets=False)
            case Atomic(inline=True):
                return msgspec.structs.replace(node, inline=False)
        return node

    changed: Program = change(program)
    return changed


def in_brackets(program: Program, chosen: Callable[[], bool] = lambda: True) -> Program:
    """`program` with those elements as elements of parts, ``a[i][j]``, that are `chosen`, each wherever it is read.

    Targets of unpacked values stay, for Warp unpacks to nothing else.
    """
    written: dict[Element, bool] = {}

    def change(node: Any) -> Any:
        match node:
            case Unpack(targets=targets, values=values):
                targets = tuple(rebuild(place, change) for place in targets)
                return msgspec.structs.replace(node, targets=targets, values=tuple(map(change, values)))
            case Element(indices=(_, _, *_), brackets=False):
                if node not in written:
                    written[node] = chosen()
                return msgspec.structs.replace(rebuild(node, change), brackets=written[node])
        return rebuild(node, change)

    changed: Program = change(program)
    return program if changed == program else changed


def in_line(program: Program, chosen: Callable[[Atomic], bool] = lambda _: True) -> Program:
    """`program` with what the `chosen` atomics give written where it is used, wherever that means the same.

    Functions with a replay keep theirs in lines of its own, as the replay has it.
    """

    def owned(owner: Any) -> Any:
        def block(body: Body) -> Body:
            found = [within(s) for s in body]
            for n, (node, following) in enumerate(zip_longest(found, found[1:])):
                if isinstance(node, Atomic) and (node.inline or chosen(node)):
                    found[n] = msgspec.structs.replace(node, inline=may_be_in_line(owner, node, following))
            return tuple(found)

        def within(node: Statement) -> Statement:
            blocks = {name: block(body) for name in ("body", "orelse") if (body := getattr(node, name, ()))}
            return msgspec.structs.replace(node, **blocks) if blocks else node

        return msgspec.structs.replace(owner, body=block(owner.body))

    functions = tuple(f if f.replay else owned(f) for f in program.functions)
    changed: Program = msgspec.structs.replace(owned(program), functions=functions)
    return program if changed == program else changed


def settled(program: Program) -> Program:
    """`program`, after a change, with what atomics give in a line of its own where it must be now."""
    return in_line(program, lambda node: node.inline)


def may_be_in_line(owner: Program | Function, node: Atomic, following: Statement | None) -> bool:
    """Whether an atomic means the same where its result is used, in the statement that follows.

    That must be the only use, reached once and in any case, and nothing else in that statement may know of the
    array or do something to arrays.
    """
    if node.result is None or following is None:
        return False
    name, of = node.result.name, roots(owner)
    uses = sum(isinstance(n, Name) and n.name == name for n in walk(owner))
    parts = [n for part in _evaluated(following) for n in walk(part)]
    arrays = {of.get(n.array, n.array) for n in parts if isinstance(n, Element | Extent | View | Atomic)}
    if isinstance(following, Atomic):
        arrays.add(of.get(following.array, following.array))
    return (
        uses == 2  # with the one that is defined
        and any(isinstance(n, Name) and n.name == name for part in _evaluated(following) for n in _certain(part))
        and of.get(node.array, node.array) not in arrays
        and not any(isinstance(n, Call) for n in parts)
    )


def _evaluated(node: Statement) -> tuple[Node, ...]:
    """The parts of a statement that are evaluated when it is reached, blocks apart."""
    match node:
        case Assign(target=target, value=value) | AugmentedAssign(target=target, value=value):
            # a local that is assigned is none of its own value's parts
            return (value,) if isinstance(target, Name) and isinstance(node, Assign) else (target, value)
        case Atomic(inline=False):
            return (*node.indices, *(() if node.compare is None else (node.compare,)), node.value)
        case If(test=test):
            return (test,)
        case Return(values=values):
            return values
    return ()


def _certain(node: Node) -> Iterator[Node]:
    """The nodes of an expression that are evaluated once, whatever the others give."""
    yield node
    match node:
        case Logical(operands=operands):
            yield from _certain(operands[0])
        case Conditional(test=test):
            yield from _certain(test)
        case Compare(operators=operators) if len(operators) > 1:
            # Warp evaluates what stands between two comparisons twice
            return
        case _:
            for child in children(node):
                yield from _certain(child)
