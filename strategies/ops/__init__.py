"""THE table: one row for each operator and built-in function of Warp, a module for each group.

A row says what the generator, the reference, the tolerance and the coverage report need to know.  Its
reference comes from Warp's documentation or from mathematics and is checked against an independent
high-precision source; it is never fitted to what Warp computes.

References take NumPy arrays whose last axis, for vectors, runs over the components (those of `shaped` rows take
matrices as rows and columns).  In native mode they
see arrays of the kernel's own precision, otherwise float64.  A scalar beside a vector arrives with a
last axis of length one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from strategies.language import types
from strategies.language.types import Type
from strategies.ops import (
    decompositions,
    matrix_math,
    operators,
    perlin,
    quaternion_math,
    random_numbers,
    scalar_math,
    spatial_math,
    transformations,
    utility,
    vector_math,
)
from strategies.ops.atomics import ATOMICS, EXCHANGES
from strategies.ops.domains import FACTOR, REACH
from strategies.ops.signatures import Signature
from strategies.ops.spec import Away, Decision, Dominant, OpSpec, Rotation, Scaled, Unit

__all__ = [
    "ATOMICS", "EXCHANGES", "FACTOR", "ITEMS", "OPS", "REACH", "ROWS", "Away", "Decision", "Dominant", "NoOverload",
    "OpSpec", "Rotation", "Scaled", "Signature", "Unit", "instances", "operands", "overload", "producers",
    "result_type", "rows", "settled",
]  # fmt: skip

ROWS: Final[tuple[OpSpec, ...]] = (
    *operators.ROWS, *scalar_math.ROWS, *vector_math.ROWS, *matrix_math.ROWS, *quaternion_math.ROWS,
    *transformations.ROWS, *spatial_math.ROWS, *utility.ROWS, *random_numbers.ROWS, *perlin.ROWS,
)  # fmt: skip
#: Results of built-ins with several (`strategies.language.several`), a row each.  They stand in no expression, so that
#: nothing draws them as it draws others.
ITEMS: Final[tuple[OpSpec, ...]] = (*quaternion_math.ITEMS, *decompositions.ITEMS)
#: The first row of each name.  Where overloads differ in more than their types, further rows follow it.
OPS: Final = {row.name: row for row in reversed((*ROWS, *ITEMS))}
_FURTHER: Final = {name: tuple(r for r in ROWS if r.name == name and r is not OPS[name]) for name in OPS}


class NoOverload(TypeError):
    """An operation that does not take arguments of some types."""


def overload(op: str, arguments: Sequence[Type]) -> OpSpec:
    """The row of ``op(*arguments)``: the first of the name that takes such arguments.

    Raises `KeyError` if there is no operation `op`, and `NoOverload` if none of that name takes them.
    """
    found = _overload(op, arguments)
    if found is None:
        raise NoOverload(f"{op!r} does not take {list(arguments)!r}")
    return found


def rows(op: str) -> tuple[OpSpec, ...]:
    """The rows of an operation, the first of them in `OPS`; `KeyError` if there is none."""
    return (OPS[op], *_FURTHER[op])


def _overload(op: str, arguments: Sequence[Type]) -> OpSpec | None:
    at = _position(op, tuple(arguments))
    return None if at is None else rows(op)[at]


@cache
def _position(op: str, arguments: tuple[Type, ...]) -> int | None:
    return next((n for n, row in enumerate(rows(op)) if row.result(arguments) is not None), None)


def result_type(op: str, arguments: Sequence[Type]) -> Type | None:
    """The type of ``op(*arguments)``, or None if there is no such operation.

    An atomic's arguments are the type of the array's elements and that of the value.
    """
    if op in ATOMICS:
        element, value = arguments
        return value if value is element and types.element_scalar(value).notation in ATOMICS[op] else None
    row = _overload(op, arguments) if op in OPS else None
    return row.result(arguments) if row else None


@cache
def instances(row: OpSpec) -> tuple[tuple[tuple[Type, ...], Type], ...]:
    """Every tuple of argument types that `row` takes, with the type of the result."""
    return tuple(dict.fromkeys(instance for signature in row.signatures for instance in signature.instances()))


def settled(row: OpSpec, result: Type) -> Type:
    """The type of what a kernel may use of a result of `row`: that of the operations which make it unique."""
    for op in row.through:
        found = result_type(op, operands(op, result))
        assert found is not None
        result = found
    return result


def operands(op: str, of: Type) -> tuple[Type, ...]:
    """The arguments of an operation on a value of type `of` alone: that value, or the same one twice."""
    return (of,) if result_type(op, (of,)) is not None else (of, of)


@cache
def producers(result: Type) -> tuple[tuple[OpSpec, tuple[Type, ...]], ...]:
    """Every row and tuple of argument types that gives `result`, or leads to it through another."""
    return tuple(
        (row, arguments) for row in ROWS for arguments, given in instances(row) if settled(row, given) is result
    )
