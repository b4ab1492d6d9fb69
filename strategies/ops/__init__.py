"""THE table: one row for each operator and built-in function of Warp, a module for each group.

A row says what the generator, the reference, the tolerance and the coverage report need to know.  Its
reference comes from Warp's documentation or from mathematics and is checked against an independent
high-precision source; it is never fitted to what Warp computes.

References take NumPy arrays whose last axis, for vectors, runs over the components.  In native mode they
see arrays of the kernel's own precision, otherwise float64.  A scalar beside a vector arrives with a
last axis of length one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from strategies.language import types
from strategies.language.types import Type
from strategies.ops import operators, scalar_math, vector_math
from strategies.ops.atomics import ATOMICS, EXCHANGES
from strategies.ops.domains import FACTOR, REACH
from strategies.ops.signatures import Signature
from strategies.ops.spec import Away, Decision, OpSpec

__all__ = [
    "ATOMICS", "EXCHANGES", "FACTOR", "OPS", "REACH", "ROWS", "Away", "Decision", "OpSpec", "Signature", "instances",
    "producers", "result_type",
]  # fmt: skip

ROWS: Final[tuple[OpSpec, ...]] = (*operators.ROWS, *scalar_math.ROWS, *vector_math.ROWS)
OPS: Final = {row.name: row for row in ROWS}


def result_type(op: str, arguments: Sequence[Type]) -> Type | None:
    """The type of ``op(*arguments)``, or None if there is no such operation.

    An atomic's arguments are the type of the array's elements and that of the value.
    """
    if op in ATOMICS:
        element, value = arguments
        return value if value is element and types.element_scalar(value).notation in ATOMICS[op] else None
    row = OPS.get(op)
    return row.result(arguments) if row else None


@cache
def instances(op: str) -> tuple[tuple[tuple[Type, ...], Type], ...]:
    """Every tuple of argument types that the row `op` takes, with the type of the result."""
    return tuple(instance for signature in OPS[op].signatures for instance in signature.instances())


@cache
def producers(result: Type) -> tuple[tuple[OpSpec, tuple[Type, ...]], ...]:
    """Every row and tuple of argument types that gives `result`."""
    return tuple((row, arguments) for row in ROWS for arguments, given in instances(row.name) if given is result)
