"""How complicated a program is: the one total order in which candidates come."""

from __future__ import annotations

import math
from typing import Final

from harness.shrink.naming import renamings
from strategies.language import types
from strategies.language.generics import NUMBERED
from strategies.language.nodes import (
    Apply,
    Atomic,
    AugmentedAssign,
    Call,
    Cast,
    Construct,
    Element,
    Literal,
    Name,
    Options,
    Parameter,
    Program,
    encode,
    size,
    walk,
)
from strategies.language.types import Array, Composite, Struct, StructArray, Tile, Type

#: Values that a literal is tried at, simplest first.
FLOATS: Final = (1.0, 0.0, 2.0, 0.5, -1.0, 3.0)
INTEGERS: Final = (0, 1, 2, 3, -1)
#: Ranges that a parameter is tried with, simplest first.
_FLOAT_RANGES: Final = ((0.5, 2.0), (-2.0, 2.0), (-8.0, 8.0), (0.0, 1.0))
_INTEGER_RANGES: Final = ((0, 0), (0, 1), (1, 3), (-3, 3), (0, 100))


def cost(program: Program) -> tuple[object, ...]:
    """How complicated a program is: the nodes first, then types, extents, values and names.

    A total order: programs of equal cost are equal.
    """
    return (size(program), *_dress(program), encode(program))


def _dress(program: Program) -> tuple[object, ...]:
    nodes = list(walk(program))
    typed = (n for n in nodes if isinstance(n, Literal | Name | Apply | Cast | Construct | Element | Parameter))
    return (
        len(given_options(program)),
        sum(bool(n.generic) for n in nodes if isinstance(n, Parameter)) + len(program.overloads),
        sum(NUMBERED in function.name for function in program.functions),
        sum(len(n.keywords) for n in nodes if isinstance(n, Call)),
        sum(n.brackets for n in nodes if isinstance(n, Element))
        + sum(n.inline for n in nodes if isinstance(n, Atomic)),
        len(program.annotations),
        sum(type_cost(n.type) for n in typed),
        sum(isinstance(n, AugmentedAssign | Atomic) for n in nodes),
        len(program.launch) + sum(len(p.shape) for p in program.parameters),
        math.prod(program.launch) + sum(math.prod(p.shape) for p in program.parameters),
        sum(literal_cost(n) for n in nodes if isinstance(n, Literal)),
        sum(range_cost(p) for p in program.parameters),
        _renaming_cost(program),
    )


def given_options(program: Program) -> list[str]:
    """The options of a kernel's build that are not left to Warp."""
    return [name for name in Options.__struct_fields__ if getattr(program.options, name, None) is not None]


def _renaming_cost(program: Program) -> int:
    renamed = list(renamings(program))
    return renamed.index(program) if program in renamed else len(renamed)


def type_cost(of: Type) -> int:
    if isinstance(of, Struct | StructArray):
        whole = of if isinstance(of, Struct) else of.dtype
        return sum(1 + type_cost(field) for _, field in whole.fields)
    element = of.dtype if isinstance(of, Array) else of
    length = element.length if isinstance(element, Composite) else 0
    if isinstance(element, Tile):
        length = sum(element.shape)
    return length + sum(scalar.notation not in ("float32", "int32", "bool") for scalar in types.scalars_of(of))


def literal_cost(node: Literal) -> int:
    simple: tuple[float, ...] = FLOATS if isinstance(node.value, float) else INTEGERS
    return simple.index(node.value) if node.value in simple else len(simple) + len(repr(node.value))


def range_cost(parameter: Parameter) -> int:
    if types.element_scalar(parameter.type).kind == "bool":
        return 0
    given = (parameter.low, parameter.high)
    simple = simple_ranges(parameter)
    return simple.index(given) if given in simple else len(simple) + len(repr(given))


def simple_ranges(parameter: Parameter) -> tuple[tuple[float, float], ...]:
    if parameter.output:
        return ((0, 0),)
    scalar = types.element_scalar(parameter.type)
    if scalar.is_float:
        return _FLOAT_RANGES
    return tuple(r for r in _INTEGER_RANGES if r[0] >= 0 or scalar.is_signed)
