"""Edits of one expression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from harness.shrink.naming import name_pool
from harness.shrink.tree import all_names, below, places, with_fields
from strategies.language import types
from strategies.language.nodes import (
    Compare,
    Constant,
    Construct,
    Element,
    Expression,
    Literal,
    Logical,
    Name,
    Numbers,
    Parameter,
    Program,
    ThreadIndex,
    size,
)
from strategies.language.types import INT32, Array, Composite, Matrix, Scalar, Type, Vector


class Leaves:
    """The simple expressions of a program, by type."""

    def __init__(self, program: Program) -> None:
        self._program = program
        first = program.body[0]
        names = first.names if isinstance(first, ThreadIndex) else ()
        self._indices = tuple(Name(INT32, name) for name in names)
        self._names = all_names(program)

    def existing(self, of: Type) -> Iterator[Expression]:
        """Parameters of type `of`, as they stand."""
        for parameter in self._program.parameters:
            match parameter.type:
                case Array(dtype=dtype, ndim=ndim) if dtype is of and not parameter.output:
                    if ndim == len(self._indices):
                        yield Element(of, parameter.name, self._indices)
                case other if other is of:
                    yield Name(of, parameter.name)

    def literals(self, of: Type) -> Iterator[Expression]:
        """The simplest values of a scalar type, or of a vector or a matrix."""
        if isinstance(of, Vector | Matrix):
            yield Construct(of, ())
        if isinstance(of, Scalar) and of.kind != "bool":
            for value in (1, 0, 2):
                yield Literal(of, float(value) if of.is_float else value)

    def fresh(self, of: Type, taken: Sequence[str] = ()) -> tuple[Parameter, Element] | None:
        """A new array to read a value of type `of` from."""
        if not isinstance(of, Scalar | Composite):
            return None
        name = next(n for n in name_pool(("x",)) if n not in self._names and n not in taken)
        low, high = (0.5, 2.0) if types.element_scalar(of).is_float else (1, 3)
        if types.element_scalar(of).kind == "bool":
            low, high = 0, 1
        array = types.array(of, len(self._indices))
        return Parameter(name, array, low, high, self._program.launch), Element(of, name, self._indices)


def simpler(program: Program) -> Iterator[Program]:
    """One expression replaced by a part of it or by a leaf."""
    leaves = Leaves(program)

    def edit(node: Expression) -> Iterator[Expression]:
        own = size(node)
        if own == 1:
            return
        yield from (child for child in below(node) if child.type is node.type)
        yield from (leaf for leaf in leaves.existing(node.type) if size(leaf) < own)
        yield from leaves.literals(node.type)
        match node:
            case Logical(operands=operands) if len(operands) > 2:
                for n in range(len(operands)):
                    yield with_fields(node, operands=operands[:n] + operands[n + 1 :])
            case Compare(operators=operators, operands=operands) if len(operators) > 1:
                for n in range(len(operators)):
                    yield with_fields(node, operators=operators[n : n + 1], operands=operands[n : n + 2])
                    if len(operators) > 2:
                        yield with_fields(
                            node,
                            operators=operators[:n] + operators[n + 1 :],
                            operands=operands[:n] + operands[n + 1 :],
                        )
            case Constant(value=Numbers()):
                yield node.made
            case Construct(arguments=arguments) if len(arguments) > 1:
                yield with_fields(node, arguments=arguments[:1])

    for new in places(program, edit):
        yield new
    # a large part read from a new array instead
    bound: list[Parameter] = []

    def outsource(node: Expression) -> Iterator[Expression]:
        if size(node) > 2 + len(program.launch) + 1 and (found := leaves.fresh(node.type)) is not None:
            bound[:] = [found[0]]
            yield found[1]

    for new in places(program, outsource):
        yield msgspec.structs.replace(new, parameters=(bound[0], *new.parameters))
