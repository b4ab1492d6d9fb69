"""What a phrase knows of its values beyond the rows of the op table: masks, shifts, remainders, and tests of names."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol, TypeAlias

from strategies.intervals import MIRRORED, OPPOSITE, Interval, limited
from strategies.language import types
from strategies.language.types import Scalar
from strategies.ops import OpSpec
from strategies.typed import Typed, held

#: Names, with what a test says of them.
Refined: TypeAlias = dict[str, Interval]

#: Python's comparisons as nodes have them.
COMPARISONS: Final[dict[type[ast.AST], str]] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
#: Operations of which more is known than their rows say.
_BITS = frozenset(("bit_and", "mod", "rshift"))
_WHOLE: dict[str, Callable[[float], float]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
    "round": lambda x: math.floor(x + 0.5),
}
#: Results that are larger are guarded: beside them, what else there is would be rounded away.
_LARGEST = {"float16": 1000.0, "float32": 1e6, "float64": 1e6}


def operation(row: OpSpec, arguments: Sequence[Typed]) -> Interval | None:
    """Between which values a result lies; None if an argument, or what is computed, may leave its domain."""
    given = [a.interval for a in arguments]
    of = row.result([a.type for a in arguments])
    assert of is not None
    scalar, result = types.element_scalar(arguments[0].type), types.element_scalar(of)
    if not _inside(row, scalar, given):
        return None
    found = _bits(row.name, *given) if row.name in _BITS else None
    if row.name in _WHOLE:
        found = Interval(*(float(_WHOLE[row.name](end)) for end in given[0]))
    found = found or row.result_interval(of, *given)
    if result.kind == "int" and not found.within(Interval(*result.limits)):
        return None
    if result.is_float and found.size > _LARGEST[result.notation]:
        return None
    return held(found, of)


def _inside(row: OpSpec, scalar: Scalar, given: Sequence[Interval]) -> bool:
    """Whether arguments lie where an operation is defined; for sums and products, what they come to is looked at."""
    if row.name in ("div", "floordiv", "mod"):
        return given[1].low >= (0.25 if scalar.is_float else 1) or given[1].high <= -(0.25 if scalar.is_float else 1)
    if row.name == "lshift" and scalar.kind == "int":
        return _shifted(given, scalar.bits)
    if row.name in ("add", "sub", "mul", "neg") or (scalar.is_integer and row.name not in ("lshift", "rshift")):
        return True
    return all(
        isinstance(place, Interval) and interval.within(place)
        for interval, place in zip(given, row.places(scalar, *given), strict=False)
    )


def _shifted(given: Sequence[Interval], bits: int) -> bool:
    """Whether a shift of a signed number to the left loses nothing."""
    value, count = given
    return value.low >= 0 and count.low >= 0 and count.high < bits and value.high * 2**count.high < 2 ** (bits - 1)


def _bits(op: str, a: Interval, b: Interval) -> Interval | None:
    """What is known of the bits of numbers that are not negative."""
    if op == "bit_and" and (a.low >= 0 or b.low >= 0):
        return Interval(0, min(i.high for i in (a, b) if i.low >= 0))
    if op == "mod" and b.low > 0:
        most = b.high - 1 if float(b.high).is_integer() else b.high
        return Interval(-min(most, a.size) if a.low < 0 else 0, min(most, max(a.high, 0)))
    if op == "rshift" and a.low >= 0:
        return Interval(int(a.low) >> int(b.high), int(a.high) >> int(b.low))
    return None


class Knowing(Protocol):
    """What tells the intervals of operands."""

    def interval_of(self, node: ast.expr) -> Interval: ...
    def is_whole(self, name: str) -> bool: ...
    def supposing(self, found: Refined) -> AbstractContextManager[None]: ...


def refined(known: Knowing, test: ast.expr) -> tuple[Refined, Refined]:
    """What a test says of the names in it where it holds, and where it does not."""
    match test:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            symbol = COMPARISONS[type(op)]
            return _compared(known, left, symbol, right), _compared(known, left, OPPOSITE[symbol], right)
        case ast.Compare(left=left, ops=[first, second], comparators=[middle, right]):
            both = _compared(known, left, COMPARISONS[type(first)], middle)
            return _met(both, _compared(known, middle, COMPARISONS[type(second)], right)), {}
        case ast.BoolOp(op=op, values=values):
            every, found = isinstance(op, ast.And), Refined()
            for value in values:
                with known.supposing(found):
                    found = _met(found, refined(known, value)[0 if every else 1])
            return (found, {}) if every else ({}, found)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            then, otherwise = refined(known, operand)
            return otherwise, then
    return {}, {}


def _met(one: Refined, other: Refined) -> Refined:
    both = {
        name: Interval(max(one[name].low, i.low), min(one[name].high, i.high))
        for name, i in other.items()
        if name in one
    }
    return {**one, **other, **both}


def _compared(known: Knowing, left: ast.expr, op: str, right: ast.expr) -> Refined:
    found: Refined = {}
    for name, how, other in ((left, op, right), (right, MIRRORED[op], left)):
        if isinstance(name, ast.Name):
            limit, own = known.interval_of(other), known.interval_of(name)
            found[name.id] = limited(own, how, limit, 1 if known.is_whole(name.id) else 0)
    return found
