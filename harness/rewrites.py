"""Rewrites that keep a program's meaning and avoid one defect of Warp each.

A failure that goes away under the rewrite of a known issue is that issue.  A rewrite returns the very same
program if there is nothing to change.  To add one, write an expression pattern, register it, and name it in
`known_issues.toml`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from strategies.language.nodes import (
    Apply,
    Compare,
    Component,
    Element,
    Expression,
    Logical,
    Node,
    Program,
    rebuild,
)
from strategies.language.types import BOOL, Scalar

Rewrite: TypeAlias = Callable[[Program], Program]
#: What an expression becomes, or None to leave it; its parts have been rewritten before.
Pattern: TypeAlias = Callable[[Expression], Expression | None]

REWRITES: Final[dict[str, Rewrite]] = {}


def expression_rewrite(pattern: Pattern) -> Pattern:
    """Register `pattern`, applied to every expression from the leaves up, under its function's name."""

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if isinstance(node, Apply | Compare):
            return pattern(node) or node
        return node

    def rewrite(program: Program) -> Program:
        rewritten: Program = rebuild(program, change)
        return rewritten

    REWRITES[pattern.__name__] = rewrite
    return pattern


def _is_element(node: Expression) -> bool:
    """Whether an expression is an array element or a component of one."""
    while isinstance(node, Component):
        node = node.base
    return isinstance(node, Element)


@expression_rewrite
def split_comparison_chains(node: Expression) -> Expression | None:
    """``a < b < c[i]`` as ``a < b and b < c[i]``; operands have no effects, so evaluating one twice is alike."""
    if not isinstance(node, Compare) or len(node.operators) < 2 or not any(map(_is_element, node.operands[1:])):
        return None
    links = zip(node.operators, node.operands, node.operands[1:], strict=False)
    return Logical(BOOL, "and", tuple(Compare(BOOL, (operator,), (a, b)) for operator, a, b in links))


@expression_rewrite
def expand_float_remainders(node: Expression) -> Expression | None:
    """``a % b`` over floats as ``a - wp.trunc(a / b) * b``.

    The same function with the same derivatives, but it rounds in other places.
    """
    if not isinstance(node, Apply) or node.op != "mod":
        return None
    of = node.type
    if not isinstance(of, Scalar) or not of.is_float:
        return None
    a, b = node.arguments
    whole = Apply(of, "trunc", (Apply(of, "div", (a, b)),))
    return Apply(of, "sub", (a, Apply(of, "mul", (whole, b))))
