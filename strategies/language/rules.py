"""Rules of types and definedness that the checker, the reference, the analyses and the generator share.

What values are made of, what a component, a call and a return give, what a name may be, and what certainly happens.
"""

from __future__ import annotations

import keyword
import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from strategies.language.nodes import (
    Apply,
    Break,
    Call,
    Cast,
    Component,
    Constant,
    Construct,
    Continue,
    Expression,
    For,
    Function,
    If,
    Literal,
    Name,
    Node,
    Numbers,
    Parameter,
    Return,
    Statement,
    Unpack,
)
from strategies.language.types import (
    FLOAT16,
    FLOATS,
    INT32,
    INTEGERS,
    VOID,
    Composite,
    Matrix,
    Quaternion,
    Scalar,
    Transform,
    Tuple,
    Type,
    Vector,
    composite,
    is_alias,
    quaternion,
    scalar,
    tuple_of,
    vector,
)

#: Names that a kernel must not rebind: the module that every kernel uses, and what it is rendered with.
_RESERVED: Final = frozenset(("wp", "range", "float", "int", "bool", "type", "Any"))


class IllFormed(ValueError):
    """A program that cannot be a kernel; the message says why."""


def require(condition: bool, reason: str) -> None:
    """Raise `IllFormed` for `reason` unless `condition` holds."""
    if not condition:
        raise IllFormed(reason)


def check_name(name: str) -> None:
    """Raise `IllFormed` unless a variable, a function or a kernel may be called `name`."""
    require(
        name.isidentifier()
        and name.isascii()
        and not keyword.iskeyword(name)
        and name not in _RESERVED
        and not is_alias(name),
        f"{name!r} is no name for a variable",
    )


@cache
def constructions(of: Composite) -> frozenset[tuple[Type, ...]]:
    """The types of arguments that values of type `of` are made of.

    One of a value of the same form is a conversion, number by number, or a copy.
    """
    one: tuple[Type, ...] = (of.dtype,)
    found: set[tuple[Type, ...]] = {(), one * of.length}
    match of:
        case Vector(length=6) if of.dtype.is_float:
            # a spatial vector, which is not made of one number, nor of another such
            found.add((vector(3, of.dtype),) * 2)
        case Vector() | Matrix():
            found |= {one, *((composite(of.form, scalar(name)),) for name in (*INTEGERS, *FLOATS))}
        case Quaternion():
            found |= {(vector(3, of.dtype), of.dtype), *((quaternion(scalar(name)),) for name in FLOATS)}
        case Transform():
            found |= {one, (vector(3, of.dtype), quaternion(of.dtype)), (of,)}
    return frozenset(found)


def conversion(node: Node) -> Expression | None:
    """What a node converts to its own type: a number, or numbers that stay together; None for other nodes."""
    match node:
        case Cast(operand=operand):
            return operand
        case Construct(type=Composite(), arguments=(operand,)) if isinstance(operand.type, Composite):
            return operand
    return None


def component_type(base: Composite, node: Component) -> Type | None:
    """The type of the component of a value of type `base` that `node` names, or None if there is none."""
    if not isinstance(base, Matrix) and node.column is not None:
        return None
    match base:
        case Matrix() if node.attribute:
            return None
        case Matrix():
            return base.dtype if node.column is not None else vector(base.columns, base.dtype)
        case Transform() if node.attribute:
            parts: dict[object, Type] = {0: vector(3, base.dtype), 1: quaternion(base.dtype)}
            return parts.get(node.index.value) if isinstance(node.index, Literal) else None
        case _ if node.attribute and not (isinstance(node.index, Literal) and base.length <= 4):
            return None
    return base.dtype


def bound_arguments(function: Function, call: Call) -> Iterator[tuple[Parameter, Expression]]:
    """The parameters of `function` with what `call` gives for them, in the order of evaluation: the arguments as they
    are written, then defaults.  Raises `IllFormed` if they do not fit.  Of a fold there are none: its function gets
    numbers of a tile, two at a time."""
    if call.folds:
        return
    plain = len(call.arguments) - len(call.keywords)
    require(plain <= len(function.parameters), f"{function.name!r} takes fewer arguments")
    left = {p.name: p for p in function.parameters[plain:]}
    yield from zip(function.parameters, call.arguments[:plain], strict=False)
    for name, argument in zip(call.keywords, call.arguments[plain:], strict=True):
        require(name in left, f"{function.name!r} has no further parameter {name!r}")
        yield left.pop(name), argument
    for parameter in left.values():
        require(parameter.default is not None, f"{function.name!r} is called without {parameter.name!r}")
        assert parameter.default is not None
        yield parameter, parameter.default


def returned_type(node: Return) -> Type:
    """The type of what a function gives its caller."""
    found = [value.type for value in node.values]
    return VOID if not found else found[0] if len(found) == 1 else tuple_of(found)


def unpacked_types(node: Unpack) -> list[Type]:
    """The types of what is unpacked, in order: those of the values, or of the items of one that is a tuple."""
    found = [value.type for value in node.values]
    return list(found[0].items) if len(found) == 1 and isinstance(found[0], Tuple) else found


def returns(body: Sequence[Statement]) -> bool:
    """Whether every path through `body` that reaches its end has returned before."""
    match body[-1] if body else None:
        case Return():
            return True
        case If() as last:
            return returns(last.body) and returns(last.orelse)
    return False


#: The numbers that Warp has names for, by those.
WARPS_OWN: Final = {
    "wp.PI": math.pi, "wp.TAU": math.tau, "wp.HALF_PI": math.pi / 2, "wp.E": math.e, "wp.PHI": (1 + math.sqrt(5)) / 2,
    "wp.LN2": math.log(2),
}  # fmt: skip


def is_warps(node: Constant) -> bool:
    """Whether a constant is one of Warp's own, and the float that it is."""
    of, value = node.type, node.value
    if not isinstance(of, Scalar) or not of.is_float or not isinstance(value, Literal):
        return False
    return value.type is of and WARPS_OWN.get(node.name) == value.value


def is_given(value: Literal | Numbers) -> bool:
    """Whether Python can make what a constant is to be: several numbers have one type, and are as many as it holds.

    Vectors of float16 are none: outside of a kernel, Warp makes them only after it was initialized.
    """
    if isinstance(value, Literal):
        return True
    of, count = value.type, len(value.values)
    if not isinstance(of, Vector | Matrix | Quaternion) or of.dtype is FLOAT16:
        return False
    filled = count == 1 and not isinstance(of, Quaternion)
    return (filled or count == of.length) and all(isinstance(v, Literal) and v.type is of.dtype for v in value.values)


def fixed(node: Expression) -> int | None:
    """The whole number that a literal or a constant is, or the length of a vector; None for any other expression."""
    if isinstance(node, Apply) and node.op == "len":
        of = node.arguments[0].type
        return of.shape[0] if isinstance(of, Composite) else None
    found = node.value if isinstance(node, Constant) else node
    return int(found.value) if isinstance(found, Literal) else None


def certainly_runs(loop: For, parameters: Sequence[Parameter] = ()) -> bool:
    """Whether the body certainly runs, so that the loop's variable has a value afterwards: the bounds are numbers, or
    it counts up to one of a kernel's `parameters`, whose values are known to be large enough."""
    bounds = (loop.start or Literal(INT32, 0), loop.stop, loop.step or Literal(INT32, 1))
    least = {p.name: int(p.low) for p in parameters if p.type is INT32}
    start, stop, step = (least.get(b.name) if isinstance(b, Name) and b is loop.stop else fixed(b) for b in bounds)
    if start is None or stop is None or step is None or step == 0:
        return False
    return len(range(start, stop, step)) > 0 and (step > 0 or not isinstance(loop.stop, Name))


def leaves_early(body: Sequence[Statement]) -> bool:
    """Whether an iteration of the loop with that body may end before the end of the body."""
    return any(
        isinstance(s, Break | Continue | Return)
        or (isinstance(s, If) and (leaves_early(s.body) or leaves_early(s.orelse)))
        for s in body
    )
