"""Operators of Python, as Warp defines them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from strategies import intervals
from strategies.intervals import Interval, Rule
from strategies.ops import decisions, domains
from strategies.ops.signatures import (
    ALL_LENGTHS,
    FLOAT,
    INT,
    LENGTHS,
    NUMBER,
    SCALARS_AND_VECTORS,
    Signature,
    scalars,
    vectors,
)
from strategies.ops.spec import Domain, OpSpec, Rounding, Values


def truncated_division(a: Values, b: Values) -> Values:
    """The quotient, rounded towards zero for integers."""
    if a.dtype.kind == "f":
        return a / b
    quotient = np.floor_divide(a, b)
    truncated: Values = (quotient + ((quotient < 0) & (quotient * b != a))).astype(a.dtype)
    return truncated


def _floor_division(r: Rounding, a: Values, b: Values) -> Values:
    return np.floor(r(a / b)) if a.dtype.kind == "f" else np.floor_divide(a, b)


#: Values of several numbers that are added, or multiplied by one number.
_PAIRS: Final = (
    *SCALARS_AND_VECTORS,
    Signature(("M", "M"), "M", NUMBER),
    Signature(("mat 6 6", "mat 6 6"), "mat 6 6", FLOAT),
    Signature(("Q", "Q"), "Q", FLOAT),
    Signature(("X", "X"), "X", FLOAT),
)


def _scaled(of: str, over: tuple[str, ...] = NUMBER, lengths: tuple[int, ...] = LENGTHS) -> tuple[Signature, ...]:
    """A value of several numbers and one number, in both orders."""
    return Signature((of, "T"), of, over, lengths), Signature(("T", of), of, over, lengths)


def _each(over: tuple[str, ...]) -> tuple[Signature, ...]:
    """One number, vector, matrix or, of floats, quaternion."""
    floats = tuple(name for name in over if name in FLOAT)
    quaternions = (Signature(("Q",), "Q", floats),) if floats else ()
    return scalars(1, over), vectors(1, over), Signature(("M",), "M", over), *quaternions


_MULTIPLES: Final = (
    *_scaled("V", NUMBER, ALL_LENGTHS), *_scaled("M"), *_scaled("Q", FLOAT), *_scaled("mat 6 6", FLOAT)
)  # fmt: skip


def _operator(name: str, function: Callable[..., Values], interval: Rule, domain: Domain, **more: Any) -> OpSpec:
    return OpSpec(
        name=name,
        group="Operators",
        reference=function,
        interval=interval,
        domain=domain,
        exact=more.pop("exact", True),
        **more,
    )


def _bitwise(name: str, function: Callable[..., Values], interval: Rule, domain: Domain, arity: int = 2) -> OpSpec:
    return _operator(
        name,
        function,
        interval,
        domain,
        signatures=(scalars(arity, INT), vectors(arity, INT), Signature(("M",) * arity, "M", INT)),
        differentiable=False,
        flat=True,
    )


ROWS: Final[tuple[OpSpec, ...]] = (
    _operator("add", np.add, intervals.add, domains.terms(2), signatures=_PAIRS),
    _operator("sub", np.subtract, intervals.sub, domains.terms(2), signatures=_PAIRS),
    _operator(
        "mul",
        np.multiply,
        intervals.mul,
        domains.factors,
        signatures=(scalars(2, NUMBER), *_MULTIPLES, *_scaled("X", FLOAT)),
    ),
    _operator(
        "div",
        truncated_division,
        intervals.div,
        domains.division,
        signatures=(scalars(2, NUMBER), *_MULTIPLES),
    ),
    _operator(
        "floordiv",
        _floor_division,
        intervals.floordiv,
        domains.division,
        signatures=(scalars(2, NUMBER),),
        decisions=decisions.quotient,
        jumps=True,
        composite=True,
        decides_on_rounded=True,
        differentiable=False,
        flat=True,
    ),
    _operator(
        "mod",
        np.fmod,
        intervals.mod,
        domains.division,
        ulps=0.0,
        signatures=(scalars(2, NUMBER),),
        decisions=decisions.remainder,
        jumps=True,
    ),
    _operator(
        "mod",
        np.fmod,
        intervals.mod,
        domains.division,
        ulps=0.0,
        signatures=(vectors(2, NUMBER),),
        decisions=decisions.remainder,
        jumps=True,
        differentiable=False,
    ),
    _operator(
        "div_approx",
        np.divide,
        intervals.div,
        domains.division,
        signatures=(
            scalars(2, FLOAT),
            *_scaled("V", FLOAT, ALL_LENGTHS),
            *_scaled("M", FLOAT),
            *_scaled("Q", FLOAT),
        ),
        exact=False,
    ),
    _operator(
        "neg",
        np.negative,
        intervals.neg,
        domains.anywhere(1),
        ulps=0.0,
        # of a number without a sign, it wraps
        signatures=_each(NUMBER),
    ),
    _operator(
        "pos",
        np.positive,
        intervals.same,
        domains.anywhere(1),
        ulps=0.0,
        signatures=_each(NUMBER),
    ),
    _operator(
        "unot",
        np.logical_not,
        intervals.constant(0, 1),
        domains.anywhere(1),
        signatures=(scalars(1, ("bool", *INT), "bool"),),
        differentiable=False,
        flat=True,
    ),
    _bitwise("bit_and", np.bitwise_and, intervals.bits, domains.patterns(2)),
    _bitwise("bit_or", np.bitwise_or, intervals.bits, domains.patterns(2)),
    _bitwise("bit_xor", np.bitwise_xor, intervals.bits, domains.patterns(2)),
    _bitwise("lshift", np.left_shift, intervals.shift_left, domains.shift_left),
    _bitwise("rshift", np.right_shift, intervals.shift_right, domains.shift_right),
    _bitwise("invert", np.invert, lambda a: Interval(-a.high - 1, -a.low - 1), domains.patterns(1), arity=1),
)
