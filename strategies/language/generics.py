"""Generic kernels and functions: what their instances for other types are, and the same program without them.

A tree holds instances: every node has the one type that it has in the launch, or the call, at hand.  What is generic is
how that is written, and that there may be several instances of one text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from strategies.language import types
from strategies.language.nodes import (
    Call,
    Cast,
    Construct,
    Function,
    Literal,
    Node,
    Parameter,
    Passed,
    Program,
    rebuild,
    walk,
)
from strategies.language.types import Array, Composite, Scalar, Tuple, Type

#: What stands between a function's name in the text and the number of the instance or overload.
NUMBERED: Final = "__"
#: How a generic parameter may be written: ``Any``, or as any float, any whole number or any of both: ``wp.Float``, a
#: vector or a matrix of such.
GENERIC: Final = ("any", "float", "int", "scalar")


def allows(how: str, of: Scalar) -> bool:
    """Whether something generic, written in that way, takes numbers of type `of`."""
    return how == "any" or (of.is_float and how != "int") or (of.is_integer and how != "float")


def text_name(function: str) -> str:
    """The name in the text of a function that the tree calls `function`."""
    return function.partition(NUMBERED)[0]


def groups(program: Program) -> dict[str, list[Function]]:
    """The functions by their names in the text, of those names that several have."""
    found: dict[str, list[Function]] = {}
    for function in program.functions:
        found.setdefault(text_name(function.name), []).append(function)
    return {name: group for name, group in found.items() if len(group) > 1}


def generic_parameters(program: Program) -> tuple[Parameter, ...]:
    """The parameters of the kernel that are written without a type."""
    return tuple(p for p in program.parameters if p.generic)


def is_generic(program: Program) -> bool:
    """Whether anything is written as generic or overloaded code is."""
    return bool(program.overloads) or any(
        (isinstance(n, Parameter) and n.generic)
        or (isinstance(n, Literal | Cast | Construct) and n.like is not None)
        or (isinstance(n, Function) and NUMBERED in n.name)
        for n in walk(program)
    )


def substituted(node: Any, old: Type, new: Type) -> Any:
    """`node` with the type `old`, a scalar or a vector, replaced by `new` in every type."""

    def to(of: Type) -> Type:
        match of:
            case Scalar() | Composite() if of is old:
                return new
            case Composite():
                return types.composite(of.form, new) if of.dtype is old and isinstance(new, Scalar) else of
            case Array():
                dtype = to(of.dtype)
                assert isinstance(dtype, Scalar | Composite)
                return types.array(dtype, of.ndim)
            case Tuple():
                return types.tuple_of([to(item) for item in of.items])
        return of

    def change(part: Node) -> Any:
        part = rebuild(part, change)
        of = getattr(part, "type", None)
        return msgspec.structs.replace(part, type=to(of)) if isinstance(of, Type) and to(of) is not of else part

    return change(node)


def instances(program: Program) -> Iterator[Program]:
    """A generic kernel as it is for its other overloads."""
    for of in program.overloads:
        launched = types.element_scalar(generic_parameters(program)[0].type)
        assert isinstance(of, Scalar)
        if of is not launched:
            yield msgspec.structs.replace(substituted(program, launched, of), overloads=(of,))


def apart(program: Program) -> Program:
    """`program` with a name of its own for every overload, and one instance of each generic kernel and function; the
    same object if it is so already."""
    new = {f.name: f.name for f in program.functions}
    taken = {p.name for f in program.functions for p in f.parameters} | set(new) | {p.name for p in program.parameters}
    for name, group in groups(program).items():
        for number, function in enumerate(group):
            called = name if number == 0 and name not in taken else f"{name}_{number}"
            while called in taken:
                called += "_"
            taken.add(called)
            new[function.name] = called
    launched = {types.element_scalar(p.type) for p in generic_parameters(program)}
    overloads = tuple(of for of in program.overloads if of in launched)
    if overloads == program.overloads and all(old == called for old, called in new.items()):
        return program

    def change(node: Node) -> Any:
        node = rebuild(node, change)
        match node:
            case Call():
                given = tuple(new[name] for name in node.given)
                return msgspec.structs.replace(node, function=new[node.function], given=given)
            case Passed():
                return msgspec.structs.replace(node, function=new[node.function])
            case Function():
                return msgspec.structs.replace(node, name=new[node.name])
        return node

    found: Program = msgspec.structs.replace(change(program), overloads=overloads)
    return found


def concrete(program: Program) -> Program:
    """`program` with all types written, and nothing overloaded; the same object if it is so already."""
    if not is_generic(program):
        return program

    def change(node: Node) -> Any:
        node = rebuild(node, change)
        match node:
            case Literal() | Cast() | Construct() if node.like is not None:
                return msgspec.structs.replace(node, like=None)
            case Parameter() if node.generic:
                return msgspec.structs.replace(node, generic=None)
        return node

    found: Program = msgspec.structs.replace(change(apart(program)), overloads=())
    return found
