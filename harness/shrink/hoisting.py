"""A part of a program as a program of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from harness.shrink.expressions import Leaves
from harness.shrink.naming import name_pool
from harness.shrink.tree import EXPRESSIONS, Body, all_names, assigned, substitute
from harness.shrink.views import view_definitions
from strategies.language import types
from strategies.language.effects import effects
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Conditional,
    Construct,
    Element,
    Evaluate,
    Expression,
    Extent,
    For,
    If,
    Literal,
    Name,
    Node,
    Parameter,
    Program,
    Statement,
    ThreadIndex,
    Unpack,
    While,
    size,
    walk,
)
from strategies.language.rules import conversion
from strategies.language.types import FLOAT32, INT32, Array, Composite, Scalar, Type

#: Statements that are tried alone.
_STATEMENTS: Final = (If, For, While, Assign, AugmentedAssign, Atomic, Evaluate, Unpack)


def hoisted(program: Program) -> Iterator[Program]:
    """Each expression, and each statement, as the only one, with what it reads coming from new arrays.

    This finds in one step what would take many: most defects sit in one construct.
    """
    first = program.body[0]
    assert isinstance(first, ThreadIndex)
    own = size(program)
    seen: set[Node] = set()
    for statement in program.body[1:]:
        for node in walk(statement):
            if node in seen:
                continue
            seen.add(node)
            if isinstance(node, EXPRESSIONS):
                made = isinstance(node, Construct) and conversion(node) is None
                if size(node) > 1 and not made and not isinstance(node, Element | Extent):
                    yield from _expression_alone(program, node)
            elif isinstance(node, _STATEMENTS) and size(node) < own // 2:
                yield from _statement_alone(program, node)


def _expression_alone(program: Program, node: Expression) -> Iterator[Program]:
    values = [node]
    if node.type is types.BOOL:
        values.append(Conditional(FLOAT32, node, Literal(FLOAT32, 1.0), Literal(FLOAT32, 0.0)))
    for value in values:
        if not isinstance(value.type, Scalar | Composite):
            return
        output, target = _output(program, value.type)
        found = _closed(program, (Assign(target, value),))
        if found is not None:
            body, new = found
            parameters = (*new, *(p for p in program.parameters if not p.output), output)
            yield _alone(program, parameters, body)


def _statement_alone(program: Program, node: Statement) -> Iterator[Program]:
    found = _closed(program, (node,))
    if found is None:
        return
    body, new = found
    parameters = (*new, *program.parameters)
    if effects(_alone(program, parameters, body)).written:
        yield _alone(program, parameters, body)
        return
    kinds = {n.name: n.type for n in walk(node) if isinstance(n, Name)}
    for name in sorted(assigned((node,))):
        of = kinds.get(name)
        if isinstance(of, Scalar | Composite):
            output, target = _output(program, of)
            others = tuple(p for p in parameters if p.name != output.name)
            yield _alone(program, (*others, output), (*body, Assign(target, Name(of, name))))


def _alone(program: Program, parameters: tuple[Parameter, ...], body: Body) -> Program:
    return msgspec.structs.replace(program, parameters=parameters, body=(program.body[0], *body))


def _output(program: Program, of: Type) -> tuple[Parameter, Element]:
    """An array that a value of type `of` can be stored in: one of the program's, or a new one."""
    first = program.body[0]
    assert isinstance(first, ThreadIndex)
    assert isinstance(of, Scalar | Composite)
    indices = tuple(Name(INT32, name) for name in first.names)
    names = all_names(program)
    name = next(n for n in name_pool(("out",)) if n not in names)
    parameter = Parameter(name, types.array(of, len(indices)), 0, 0, program.launch, True)
    for given in program.outputs:
        if isinstance(given.type, Array) and given.type.dtype is of and given.type.ndim == len(indices):
            parameter = given
    return parameter, Element(of, parameter.name, indices)


def _closed(program: Program, body: Body) -> tuple[Body, tuple[Parameter, ...]] | None:
    """`body` with the variables that it does not define read from new arrays, or with their definitions."""
    first = program.body[0]
    assert isinstance(first, ThreadIndex)
    body = (*view_definitions(program, body), *body)
    known = {p.name for p in program.parameters} | {p.name for p in program.structs} | set(first.names)
    defined = {n.name for s in body for n in walk(s) if isinstance(n, For)}
    defined |= {n.result.name for s in body for n in walk(s) if isinstance(n, Atomic) and n.result is not None}
    changed = assigned(body)
    given = {s.target.name: s for s in reversed(program.body) if isinstance(s, Assign) and isinstance(s.target, Name)}
    leaves = Leaves(program)
    new: list[Parameter] = []
    values: dict[str, Expression] = {}
    before: list[Statement] = []
    for node in (n for s in body for n in walk(s)):
        if not isinstance(node, Name) or isinstance(node.type, Array) or node.name in known | defined | set(values):
            continue
        made = leaves.fresh(node.type, [p.name for p in new])
        if made is None:
            # a struct, say: what it is made of must be there
            if node.name not in given or not _variables(given[node.name].value) <= known:
                return None
            before.append(given[node.name])
            defined.add(node.name)
            continue
        new.append(made[0])
        values[node.name] = made[1]
        if node.name in changed:
            before.append(Assign(node, made[1]))
    values = {name: value for name, value in values.items() if name not in changed}
    return (*before, *(substitute(s, values) for s in body)), tuple(new)


def _variables(node: Node) -> set[str]:
    return {n.name for n in walk(node) if isinstance(n, Name) and not isinstance(n.type, Array)}
