"""Tiny kernels over two arrays, written by hand."""

from __future__ import annotations

from collections.abc import Callable

from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.nodes import (
    Apply,
    Assign,
    Element,
    Expression,
    Literal,
    Name,
    Parameter,
    Program,
    Statement,
    ThreadIndex,
)
from strategies.language.types import INT32, Scalar
from strategies.ops import result_type

AT = Name(INT32, "i")


def kernel(
    of: Scalar, value: Callable[[Expression, Expression], Expression], low: float = -2.0, high: float = 2.0
) -> Program:
    """``out[i] = value(a[i], b[i])``"""
    a, b = Element(of, "a", (AT,)), Element(of, "b", (AT,))
    return program_of(of, Assign(Element(of, "out", (AT,)), value(a, b)), low=low, high=high)


def program_of(
    of: Scalar,
    *body: Statement,
    low: float = -2.0,
    high: float = 2.0,
    cells: int = 6,
    more: tuple[Parameter, ...] = (),
) -> Program:
    found = Program(
        "known",
        "elementwise",
        (6,),
        (
            Parameter("a", t.array(of), low, high, (6,)),
            Parameter("b", t.array(of), low, high, (6,)),
            Parameter("out", t.array(of), 0.0, 0.0, (cells,), True),
            *more,
        ),
        (ThreadIndex(("i",)), *body),
    )
    check_program(found, result_type)
    return found


def apply(op: str, *arguments: Expression) -> Apply:
    return Apply(arguments[0].type, op, arguments)


def literal(of: t.Type, value: float) -> Literal:
    return Literal(of, value)
