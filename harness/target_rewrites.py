"""Rewrites that avoid defects of what is assigned to: `harness.rewrites` says what a rewrite is."""

from __future__ import annotations

import msgspec

from harness.rewrites import register
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Component,
    Element,
    Expression,
    Literal,
    Node,
    Program,
    rebuild,
)
from strategies.language.structs import root
from strategies.language.types import INT32, Matrix, Transform


@register
def store_in_the_whole(program: Program) -> Program:
    """``m[0].x = e`` as ``m[0, 0] = e`` and ``t.p[1] += e`` as ``t[1] += e``, of locals; elements of arrays stay."""

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if isinstance(node, Assign | AugmentedAssign) and isinstance(node.target, Component):
            direct = _direct(node.target)
            if direct is not node.target:
                return msgspec.structs.replace(node, target=direct)
        return node

    rewritten: Program = rebuild(program, change)
    return rewritten


def _direct(target: Component) -> Component:
    """A number of a row or of a part of a transformation as a number of the whole, if that is no array's element."""
    match target.base:
        case _ if isinstance(root(target), Element):
            return target
        case Component(base=whole, index=row, column=None) if isinstance(whole.type, Matrix) and target.attribute:
            return Component(target.type, whole, row, column=target.index)
        case Component(base=whole, index=Literal(value=half), attribute=True) if isinstance(whole.type, Transform):
            return Component(target.type, whole, _behind(target.index, 3 * int(half)))
    return target


def _behind(index: Expression, start: int) -> Expression:
    """The place of a number of a part that begins at `start`."""
    if isinstance(index, Literal):
        return Literal(INT32, start + int(index.value))
    return Apply(INT32, "add", (Literal(INT32, start), index)) if start else index
