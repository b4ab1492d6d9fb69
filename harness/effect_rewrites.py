"""Rewrites that avoid defects around what branches and operands do: `harness.rewrites` says what a rewrite is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from harness.rewrites import everywhere, is_element, register
from strategies.language.effects import function_effects
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Cast,
    Compare,
    Conditional,
    Element,
    Expression,
    Function,
    If,
    Literal,
    Logical,
    Name,
    Node,
    Program,
    Unpack,
    View,
    rebuild,
    walk,
)
from strategies.language.structs import root
from strategies.language.types import BOOL, Array, Struct, StructArray
from strategies.language.views import roots


@register
def convert_conditions_first(program: Program) -> Program:
    """``if todo[i]:``, where an arm changes `todo`, as ``if bool(todo[i]):``, which is read once; conditional
    expressions alike."""

    def within(owner: Program | Function) -> Any:
        parts = roots(owner)

        def change(node: Node) -> Any:
            if isinstance(node, Function):
                return within(node)
            node = rebuild(node, change)
            match node:
                case If(test=test):
                    arms: Sequence[Node] = (*node.body, *node.orelse)
                case Conditional(test=test):
                    arms = (node.then, node.otherwise)
                case _:
                    return node
            bare = test.operand if isinstance(test, Cast) and test.implied else test
            if not is_element(bare) or not _name(bare, parts).intersection(_changed(arms, parts)):
                return node
            return msgspec.structs.replace(node, test=Cast(BOOL, bare))

        return rebuild(owner, change)

    rewritten: Program = within(program)
    return rewritten


@register
def end_chains_early(program: Program) -> Program:
    """``a < b < f(c)``, where `f` changes an array, as ``a < b and b < f(c)``, in which `f` may not be called.

    Not where an operand in between is evaluated once for its effects.
    """
    writing = {name for name, found in function_effects(program).items() if found.written}

    def pattern(node: Expression) -> Expression | None:
        if not isinstance(node, Compare) or not any(_writes(operand, writing) for operand in node.operands[2:]):
            return None
        if any(_writes(operand, writing) for operand in node.operands[1:-1]):
            return None
        links = zip(node.operators, node.operands, node.operands[1:], strict=False)
        return Logical(BOOL, "and", tuple(Compare(BOOL, (operator,), (a, b)) for operator, a, b in links))

    return everywhere(program, pattern) if writing else program


@register
def choose_instead_of_joining(program: Program) -> Program:
    """``a or f(y)``, where `f` changes an array, as ``True if a else f(y)``, and ``a and f(y)`` as ``f(y) if a else
    False``."""
    writing = {name for name, found in function_effects(program).items() if found.written}

    def pattern(node: Expression) -> Expression | None:
        if not isinstance(node, Logical) or not any(_writes(operand, writing) for operand in node.operands[1:]):
            return None
        *before, found = node.operands
        for operand in reversed(before):
            decided = Literal(BOOL, node.operator == "or")
            arms = (decided, found) if node.operator == "or" else (found, decided)
            found = Conditional(BOOL, operand, *arms)
        return found

    return everywhere(program, pattern) if writing else program


def _writes(node: Expression, writing: Collection[str]) -> bool:
    """Whether a call in an expression is of a function among `writing`."""
    return any(isinstance(inner, Call) and inner.function in writing for inner in walk(node))


def _name(target: Expression, parts: Mapping[str, str]) -> set[str]:
    """The array, or the variable, that something is a part of."""
    match root(target):
        case Element(array=name) | Name(name=name) | View(array=name):
            return {parts.get(name, name).partition(".")[0]}
    return set()


def _changed(nodes: Sequence[Node], parts: Mapping[str, str]) -> set[str]:
    """The arrays and variables that statements, or calls in them, may change."""
    found: set[str] = set()
    for target in (target for node in nodes for inner in walk(node) for target in _targets(inner)):
        found |= _name(target, parts)
    return found


def _targets(node: Node) -> Iterator[Expression]:
    match node:
        case Assign(target=target) | AugmentedAssign(target=target):
            yield target
        case Unpack(targets=targets):
            yield from targets
        case Atomic(array=array, value=value):
            yield Element(value.type, array, node.indices)
        case Call(arguments=arguments):
            yield from (a for a in arguments if isinstance(a.type, Array | Struct | StructArray))
