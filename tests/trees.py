"""Programs over two arrays, put together by hand and not checked, and drawn ones."""

from __future__ import annotations

from functools import cache
from typing import Any

import strategies
from strategies.language import nodes as n
from strategies.language import types as t
from strategies.language.types import BOOL, FLOAT32, INT32

#: Draws of each category.
DRAWS = 8
AT = n.Name(INT32, "i")
A = n.Element(FLOAT32, "a", (AT,))
OUT = n.Element(FLOAT32, "out", (AT,))
VEC = t.vector(3, FLOAT32)
V = n.Name(VEC, "v")
T32 = n.Name(FLOAT32, "t")


@cache
def drawn(category: str) -> tuple[n.Program, ...]:
    found = (strategies.draw(category, 11, index) for index in range(DRAWS))
    return tuple(program for program in found if program is not None)


def number(value: float, of: t.Type = FLOAT32) -> n.Literal:
    return n.Literal(of, value)


def whole(value: int) -> n.Literal:
    return n.Literal(INT32, value)


def apply(op: str, *arguments: n.Expression, of: t.Type = FLOAT32) -> n.Apply:
    return n.Apply(of, op, arguments)


def less(left: n.Expression, right: n.Expression) -> n.Compare:
    return n.Compare(BOOL, ("<",), (left, right))


SOURCE = n.Parameter("a", t.array(FLOAT32), -1.0, 1.0, (4,))
TARGET = n.Parameter("out", t.array(FLOAT32), -1.0, 1.0, (4,), True)


def program(*body: n.Statement, **changes: Any) -> n.Program:
    """A kernel over `a` and `out` whose thread index is `i`."""
    fields = {
        "name": "kernel",
        "category": "elementwise",
        "launch": (4,),
        "parameters": (SOURCE, TARGET),
        "body": (n.ThreadIndex(("i",)), *body),
    }
    return n.Program(**(fields | changes))


SIMPLE = program(
    n.Assign(n.Name(FLOAT32, "t"), apply("sin", A)), n.Assign(OUT, apply("mul", n.Name(FLOAT32, "t"), number(2.0)))
)
