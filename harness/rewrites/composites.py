"""Rewrites that avoid defects of vectors, matrices and structs that change in place."""

from __future__ import annotations

from typing import Any

import msgspec

from harness.rewrites.base import (
    FreshNames,
    in_blocks,
    register,
)
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Call,
    Component,
    Construct,
    Expression,
    Field,
    Literal,
    Name,
    Node,
    Part,
    Program,
    Return,
    Statement,
    rebuild,
    root,
    walk,
)
from strategies.language.structs import leaves
from strategies.language.types import (
    INT32,
    Array,
    Composite,
    Matrix,
    Struct,
    Transform,
    Type,
    quaternion,
    vector,
)


@register
def index_component_updates(program: Program) -> Program:
    """``v.y -= e`` as ``v[1] -= e``."""

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if isinstance(node, AugmentedAssign) and isinstance(node.target, Component) and node.target.attribute:
            if isinstance(node.target.base.type, Transform):
                return node
            return msgspec.structs.replace(node, target=msgspec.structs.replace(node.target, attribute=False))
        return node

    rewritten: Program = rebuild(program, change)
    return rewritten


@register
def copy_changed_vectors(program: Program) -> Program:
    """``v[1] -= e`` as ``v = v * 1.0; v[1] -= e``, and ``v[1] = e`` as ``v = wp.vec3(v[0], e, v[2])``; matrices alike.

    What changes in place show by themselves, they show as before.  (Warp documents that components of what has a value
    may not be assigned, so there a copy is not enough.)  A value that is made of `v` is computed before `v` is copied.
    """
    names = FreshNames(program)

    def one(node: Statement) -> list[Statement]:
        match node:
            case Assign(target=Component(base=Name(type=Composite()) as whole) as old) if _is_fixed(old):
                return [Assign(whole, with_part(whole, old, node.value))]
            case (
                Assign(target=Part(base=Name() as whole))
                | AugmentedAssign(target=Component(base=Name() as whole) | Part(base=Name() as whole))
            ) if isinstance(whole.type, Composite):
                copied: Statement = Assign(whole, _copy(whole))
                if not any(isinstance(part, Name) and part.name == whole.name for part in walk(node.value)):
                    return [copied, node]
                value = Name(node.value.type, names.fresh(whole.name))
                return [Assign(value, node.value), copied, msgspec.structs.replace(node, value=value)]
        return [node]

    return in_blocks(program, one)


@register
def rebuild_changed_fields(program: Program) -> Program:
    """``s.v[1] -= e`` as ``s.v = wp.vec3(s.v[0], s.v[1] - e, s.v[2])``, `s` a local struct, and likewise for ``=``."""

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        match node:
            case Assign(target=Component(base=Field() as whole) as old, value=value) if _is_fixed(old):
                pass
            case AugmentedAssign(target=Component(base=Field() as whole) as old) if _is_fixed(old):
                value = Apply(old.type, node.operator, (old, node.value))
            case _:
                return node
        if not isinstance(whole.type, Composite) or not isinstance(root(whole), Name):
            return node
        return Assign(whole, with_part(whole, old, value))

    rewritten: Program = rebuild(program, change)
    return rewritten


@register
def pass_copies_of_structs(program: Program) -> Program:
    """``y = f(s)``, `s` a struct without arrays, which no local holds, as ``t = s; y = f(t)``."""
    names = FreshNames(program)

    def one(node: Statement) -> list[Statement]:
        copies: list[Statement] = []

        def passed(inner: Node) -> Any:
            inner = rebuild(inner, passed)
            if not isinstance(inner, Call):
                return inner
            arguments = list(inner.arguments)
            for n, argument in enumerate(arguments):
                if isinstance(argument, Name) and _may_be_local(argument.type):
                    copy = Name(argument.type, names.fresh(argument.name))
                    copies.append(Assign(copy, argument))
                    arguments[n] = copy
            return msgspec.structs.replace(inner, arguments=tuple(arguments))

        if not isinstance(node, Assign | AugmentedAssign | Return):
            return [node]
        new = passed(node)
        return [*copies, new] if copies else [node]

    return in_blocks(program, one)


def _may_be_local(of: Type) -> bool:
    """Whether a type is that of a struct without arrays."""
    return isinstance(of, Struct) and not any(isinstance(field, Array) for _, field in leaves(of))


def _copy(whole: Name) -> Expression:
    """A local vector, matrix, quaternion or transformation times one: another value, of the same numbers."""
    assert isinstance(whole.type, Composite)
    of = whole.type.dtype
    return Apply(whole.type, "mul", (whole, Literal(of, 1.0 if of.is_float else 1)))


def _halves(base: Expression) -> list[Expression]:
    """The translation and the rotation of a transformation."""
    of = base.type
    assert isinstance(of, Transform)
    kinds = (vector(3, of.dtype), quaternion(of.dtype))
    return [Component(kind, base, Literal(INT32, n), True) for n, kind in enumerate(kinds)]


def _is_fixed(part: Component) -> bool:
    """Whether the place of a part of a value is a number."""
    return isinstance(part.index, Literal) and (part.column is None or isinstance(part.column, Literal))


def with_part(base: Expression, part: Component, value: Expression) -> Construct:
    """`base` with `value` as one part of it."""
    of, index = base.type, part.index
    assert isinstance(of, Composite)
    assert isinstance(index, Literal)
    at = int(index.value)
    if isinstance(of, Transform) and part.attribute:
        translation, rotation = _halves(base)
        return Construct(of, (value, rotation) if at == 0 else (translation, value))
    if not isinstance(of, Matrix):
        numbers: list[Expression] = [Component(of.dtype, base, Literal(INT32, n)) for n in range(of.length)]
        return Construct(of, (*numbers[:at], value, *numbers[at + 1 :]))
    places = [(row, column) for row in range(of.rows) for column in range(of.columns)]
    old = {p: Component(of.dtype, base, Literal(INT32, p[0]), column=Literal(INT32, p[1])) for p in places}
    new: dict[tuple[int, int], Expression] = (
        {(at, int(part.column.value)): value}
        if isinstance(part.column, Literal)
        else {(at, n): Component(of.dtype, value, Literal(INT32, n)) for n in range(of.columns)}
    )
    return Construct(of, tuple(new.get(place, old[place]) for place in places))
