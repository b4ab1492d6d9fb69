"""Rewrites that avoid defects of what is assigned to: `harness.rewrites.base` says what a rewrite is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from harness.rewrites.base import FreshNames, bodies, everywhere, in_blocks, is_element, register
from harness.rewrites.composites import with_part
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Component,
    Element,
    Expression,
    Function,
    Literal,
    Name,
    Node,
    Part,
    Program,
    Slice,
    Statement,
    Target,
    Unpack,
    rebuild,
    root,
    walk,
)
from strategies.language.parts import is_backwards, numbers
from strategies.language.structs import with_names
from strategies.language.types import INT32, Composite, Matrix, Transform, Vector


@register
def index_the_whole(program: Program) -> Program:
    """``v[1:][0]`` as ``v[1]``, and ``m[0:2, 1][0]`` as ``m[0, 1]``."""

    def pattern(node: Expression) -> Expression | None:
        match node:
            case Component(base=Part(type=Vector()) as part, index=Literal(value=at), attribute=False):
                found = numbers(part)
                return found[int(at)] if -len(found) <= at < len(found) else None
        return None

    return everywhere(program, pattern, (Component,))


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


@register
def copy_changed_arguments(program: Program) -> Program:
    """``def f(v): v[0] += e`` as ``def f(v): w = v; w[0] += e``, `v` a vector, a matrix, a quaternion or a
    transformation."""
    names = FreshNames(program)

    def body(owner: Program | Function) -> tuple[Statement, ...]:
        changed = {name for statement in owner.body for node in walk(statement) for name in _changed_in_part(node)}
        given = (
            [] if isinstance(owner, Program) else [p for p in owner.parameters if p.name in changed and not p.reference]
        )
        if not given:
            return owner.body
        copies = {p.name: names.fresh(p.name) for p in given}
        first = [Assign(Name(p.type, copies[p.name]), Name(p.type, p.name)) for p in given]
        return (*first, *(with_names(statement, copies) for statement in owner.body))

    return bodies(program, body)


def _changed_in_part(node: Node) -> Iterator[str]:
    """The variables of which a statement changes a part."""
    targets: tuple[Target, ...] = ()
    match node:
        case Assign(target=target) | AugmentedAssign(target=target):
            targets = (target,)
        case Unpack():
            targets = node.targets
    for target in targets:
        whole = root(target)
        if isinstance(target, Component | Part) and isinstance(whole, Name) and isinstance(whole.type, Composite):
            yield whole.name


@register
def store_slices_of_elements_by_number(program: Program) -> Program:
    """``a[i][0:2] = e`` as ``u = e; a[i][0] = u[0]; a[i][1] = u[1]``, and ``+=`` alike; of fields of structs, too."""
    return _by_number(program, lambda target: is_element(target.base))


@register
def store_backwards_by_number(program: Program) -> Program:
    """``v[::-1] = e`` as ``u = e; v[2] = u[0]; v[1] = u[1]; v[0] = u[2]`` where components may be assigned again."""
    if program.options is None or not program.options.component_overwrites:
        return program
    return _by_number(program, is_backwards)


def _by_number(program: Program, wanted: Callable[[Part], bool]) -> Program:
    """`program` with the numbers of slices that are `wanted` assigned one by one, after their value is computed."""
    names = FreshNames(program)

    def one(node: Statement) -> list[Statement]:
        if not isinstance(node, Assign | AugmentedAssign) or not isinstance(node.target, Part):
            return [node]
        if not wanted(node.target):
            return [node]
        value, of = Name(node.value.type, names.fresh("part")), node.value.type
        targets = numbers(node.target)
        given: Sequence[Expression] = [value] * len(targets)
        if isinstance(of, Vector | Matrix):
            given = numbers(Part(of, value, Slice(), Slice() if isinstance(of, Matrix) else None))
        pairs = zip(targets, given, strict=True)
        return [Assign(value, node.value), *(msgspec.structs.replace(node, target=t, value=v) for t, v in pairs)]

    return in_blocks(program, one)


@register
def rebuild_poses(program: Program) -> Program:
    """``t.p = e`` as ``t = wp.transform(e, t.q)``, and ``t.q = e`` and ``t.p += e`` alike, of locals."""

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if not isinstance(node, Assign | AugmentedAssign) or not isinstance(node.target, Component):
            return node
        old, whole, of = node.target, node.target.base, node.target.base.type
        if not isinstance(of, Transform) or not old.attribute or not isinstance(whole, Name):
            return node
        value = node.value if isinstance(node, Assign) else Apply(old.type, node.operator, (old, node.value))
        return Assign(whole, with_part(whole, old, value))

    rewritten: Program = rebuild(program, change)
    return rewritten
