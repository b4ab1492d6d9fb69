"""Long expressions in steps: what would not fit on a line is computed under names of its own first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Compare,
    Conditional,
    Construct,
    Expression,
    If,
    Logical,
    Name,
    Node,
    Program,
    Return,
    Statement,
    Static,
    View,
    Zeros,
    children,
    rebuild,
    walk,
)
from strategies.language.render import expression, has_name
from strategies.language.tiles import is_tiled
from strategies.language.types import Composite, Scalar
from strategies.ops import overload
from strategies.uniqueness import ahead

#: Characters of the values of a statement up to which a person leaves it as it is.
LONG: Final = 90
#: Characters that a step is made of at least.
SHORT: Final = 24
#: Steps that one statement is divided into at most.
MOST: Final = 4


def in_steps(program: Program, fresh: Callable[[], str]) -> Program:
    """`program`, whose kernel has locals for parts of its long expressions, with names that `fresh` gives.

    Nothing is taken out of what is evaluated later or not at all: of the arms of a conditional, the operands behind
    an ``and``, loops, whose every local counts for the limits of Warp's backward pass, and expressions that call
    functions or advance a random generator, whose order tells.
    """
    return msgspec.structs.replace(program, body=tuple(_divided(program.body, fresh)))


def _divided(body: tuple[Statement, ...], fresh: Callable[[], str]) -> Iterator[Statement]:
    for statement in body:
        match statement:
            case Assign() | AugmentedAssign() | Atomic() | Return():
                yield from _steps(statement, fresh)
            case If(body=inner, orelse=orelse):
                own, other = tuple(_divided(inner, fresh)), tuple(_divided(orelse, fresh))
                # the steps of an `elif` would make it another `if` within an `else`
                kept = orelse if len(orelse) == 1 and isinstance(orelse[0], If) and len(other) != 1 else other
                yield msgspec.structs.replace(statement, body=own, orelse=kept)
            case _:
                yield statement


def _steps(statement: Statement, fresh: Callable[[], str]) -> Iterator[Statement]:
    for _ in range(MOST):
        length = _length(statement)
        if length <= LONG or not _is_orderly(statement):
            break
        part = _part(statement, length)
        if part is None:
            break
        name = Name(part.type, fresh())
        yield from _steps(Assign(name, part), fresh)
        statement = _replaced(statement, part, name)
    yield statement


def _values(statement: Statement) -> Iterator[Expression]:
    match statement:
        case Assign(value=value) | AugmentedAssign(value=value) | Atomic(value=value):
            yield value
        case Return(values=values):
            yield from values


def _length(statement: Statement) -> int:
    return sum(len(expression(value)) for value in _values(statement))


def _is_orderly(statement: Statement) -> bool:
    """Whether the parts of a statement may be computed in any order."""
    for node in walk(statement):
        if isinstance(node, Call | View | Zeros):
            return False
        if isinstance(node, Apply) and (is_tiled(node) or overload(node.op, node.argument_types).advances):
            return False
    return True


def _part(statement: Statement, length: int) -> Expression | None:
    """The part of a statement's values that comes nearest to half of it."""
    best: tuple[float, Expression] | None = None
    for value in _values(statement):
        for node in _movable(value):
            own = len(expression(node))
            if node is not value and own >= SHORT:
                distance = abs(own - length / 2)
                if best is None or distance < best[0]:
                    best = distance, node
    return None if best is None else best[1]


def _movable(node: Node) -> Iterator[Expression]:
    """The parts of an expression that are evaluated in any case, and that a local may hold."""
    if isinstance(node, Static):
        return
    if isinstance(node, Apply | Construct | Conditional) and _has_local(node):
        yield node
    if isinstance(node, Conditional):
        yield from _movable(node.test)
    elif isinstance(node, Logical):
        yield from _movable(node.operands[0])
    elif isinstance(node, Compare):
        for operand in node.operands[:2]:
            yield from _movable(operand)
    else:
        for child in children(node):
            yield from _movable(child)


def _has_local(node: Apply | Construct | Conditional) -> bool:
    """Whether a local may hold a value: a result that is not unique stays in what makes it so."""
    if ahead(node, {}):
        return False
    return isinstance(node.type, Scalar | Composite) and has_name(node.type)


def _replaced(node: Any, part: Expression, name: Name) -> Any:
    if node == part:
        return name
    return rebuild(node, lambda child: _replaced(child, part, name))
