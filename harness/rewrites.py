"""Rewrites that keep a program's meaning and avoid one defect of Warp each.

A failure that goes away under the rewrite of a known issue is that issue.  A rewrite returns the very same
program if there is nothing to change.  To add one, write a function from program to program (`everywhere`
does the walking), register it, and name it in `known_issues.toml`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from strategies.language.nodes import (
    Apply,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    For,
    Literal,
    Logical,
    Name,
    Node,
    Program,
    rebuild,
    walk,
)
from strategies.language.types import BOOL, INT32, Scalar

Rewrite: TypeAlias = Callable[[Program], Program]
#: What an expression becomes, or None to leave it; its parts have been rewritten before.
Pattern: TypeAlias = Callable[[Expression], Expression | None]

REWRITES: Final[dict[str, Rewrite]] = {}


def register(rewrite: Rewrite) -> Rewrite:
    """Make a rewrite known by its function's name."""
    REWRITES[rewrite.__name__] = rewrite
    return rewrite


def everywhere(program: Program, pattern: Pattern) -> Program:
    """`program` with `pattern` applied to every computed expression, from the leaves up.

    Names, literals and array elements are not offered: they may be targets.
    """

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if isinstance(node, Apply | Compare | Logical | Cast | Construct | Conditional):
            return pattern(node) or node
        return node

    rewritten: Program = rebuild(program, change)
    return rewritten


def is_element(node: Expression) -> bool:
    """Whether an expression is an array element or a component of one."""
    while isinstance(node, Component):
        node = node.base
    return isinstance(node, Element)


def loop_variables(program: Program) -> frozenset[str]:
    """The names of the loops' variables."""
    return frozenset(node.name for node in walk(program) if isinstance(node, For))


# ---------------------------------------------------------------- one for each defect


@register
def split_comparison_chains(program: Program) -> Program:
    """``a < b < c[i]`` as ``a < b and b < c[i]``; operands have no effects, so evaluating one twice is alike."""

    def pattern(node: Expression) -> Expression | None:
        if not isinstance(node, Compare) or len(node.operators) < 2 or not any(map(is_element, node.operands[1:])):
            return None
        links = zip(node.operators, node.operands, node.operands[1:], strict=False)
        return Logical(BOOL, "and", tuple(Compare(BOOL, (operator,), (a, b)) for operator, a, b in links))

    return everywhere(program, pattern)


@register
def expand_float_remainders(program: Program) -> Program:
    """``a % b`` over floats as ``a - wp.trunc(a / b) * b``.

    The same function with the same derivatives, but it rounds in other places: for gradients only.
    """

    def pattern(node: Expression) -> Expression | None:
        of = node.type
        if not isinstance(node, Apply) or node.op != "mod" or not isinstance(of, Scalar) or not of.is_float:
            return None
        a, b = node.arguments
        whole = Apply(of, "trunc", (Apply(of, "div", (a, b)),))
        return Apply(of, "sub", (a, Apply(of, "mul", (whole, b))))

    return everywhere(program, pattern)


@register
def convert_sums_instead_of_loop_variables(program: Program) -> Program:
    """``wp.float64(n)`` of a loop's variable as ``wp.float64(n + 0)``."""
    variables = loop_variables(program)

    def pattern(node: Expression) -> Expression | None:
        if isinstance(node, Cast) and isinstance(node.operand, Name) and node.operand.name in variables:
            return Cast(node.type, Apply(INT32, "add", (node.operand, Literal(INT32, 0))))
        return None

    return everywhere(program, pattern)
