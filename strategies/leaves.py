"""Expressions without operations: literals, variables, components, extents; and which of them is drawn."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache, wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from strategies.inputs import Inputs
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Component,
    Construct,
    Expression,
    Extent,
    Literal,
    Name,
    Part,
    Slice,
    Statement,
    names_in,
)
from strategies.language.rules import constructions
from strategies.language.types import BOOL, INT32, Array, Composite, Matrix, Scalar, Type, Vector
from strategies.scope import Variable
from strategies.typed import Typed

#: Float literals that people write and that every float type holds exactly.
FLOATS: Final = (1.0, 0.5, 2.0, 0.25, 1.5, 0.75, 3.0, 4.0, 0.125, 2.5, 6.0, 8.0, 0.0)
#: Further ones, which each float type rounds in its own way: a type's own digits show in them alone.
DECIMALS: Final = (0.1, 0.3, 0.9, 1.2, 0.01, 0.05, 0.7)

P = ParamSpec("P")
Drawn = TypeVar("Drawn", bound="Typed | Statement | None")
Self = TypeVar("Self", bound="Leaves")


def counting_uses(
    draw: Callable[Concatenate[Self, P], Drawn],
) -> Callable[Concatenate[Self, P], Drawn]:
    """`draw`, of an expression or a statement, after which a variable counts as used if what came of it names it.

    On the way other expressions may have been drawn, and replaced.
    """

    @wraps(draw)
    def counted(self: Self, /, *arguments: P.args, **more: P.kwargs) -> Drawn:
        unused = [variable for variable in self.scope if not variable.used]
        value = draw(self, *arguments, **more)
        if unused:
            node = value.node if isinstance(value, Typed) else value
            read = names_in(() if node is None else (node,))
            target = node.target if isinstance(node, Assign | AugmentedAssign) else None
            for variable in unused:
                if isinstance(target, Name) and target.name == variable.name:
                    # the statement says itself whether there is something new to read
                    continue
                variable.used = variable.name in read
        return value

    return counted


class Leaves(Inputs, ABC):
    """Draws the ends of expressions."""

    @abstractmethod
    def comparison(self, depth: int) -> Typed:
        """A comparison of expressions up to `depth` operations deep."""

    @abstractmethod
    def convert(self, source: Typed, of: Scalar) -> Typed:
        """`source` as a value of type `of`."""

    @abstractmethod
    def construct(self, of: Composite, depth: int) -> Typed:
        """A value of several numbers from parts up to `depth` operations deep."""

    def literal(self, of: Scalar, within: Interval | None = None) -> Typed:
        """A number that a person would write, inside `within`."""
        if of.kind == "bool":
            value: bool | int | float = self.dice.chance(50)
        elif of.is_float:
            within = within or symmetric(8.0)
            values = [v for v in FLOATS if within.low <= v <= within.high]
            values += [-v for v in FLOATS[:8] if within.low <= -v <= within.high]
            if self.decimals:
                values += [v for v in DECIMALS if within.low <= v <= within.high]
            value = self.dice.one_of(values) if values else _dyadic(within)
        else:
            telling = self._telling(of, within)
            if telling and self.dice.chance(self.weights.integers.constants):
                value = self.dice.one_of(telling)
            else:
                within = within or Interval(0 if of.kind == "uint" else -4, 9)
                low, high = math.ceil(within.low), math.floor(within.high)
                low, high = max(low, -20), max(min(high, 20), max(low, -20))
                value = self.dice.between(low, high)
        self.nodes += 1
        exact = float(value) if of.is_float else int(value)
        return Typed(Literal(of, value), Interval(exact, exact))

    def _telling(self, of: Scalar, within: Interval | None) -> list[int]:
        """The constants of this kernel that lie inside `within`, or that type `of` can hold."""
        low, high = within or of.limits
        return [c for c in self.constants if low <= c <= high]

    def variable(self, variable: Variable) -> Typed:
        """A read of a variable."""
        variable.used = True
        self.nodes += 1
        return Typed(Name(variable.type, variable.name), variable.interval, variable.live)

    def leaf(self, of: Type) -> Typed:
        """A variable, an element, a component, a literal: an expression without operations."""
        if of is BOOL:
            return self._bool_leaf()
        variables = self.scope.of_type(of)
        unused = [v for v in variables if not v.used]
        sources: list[tuple[int, str]] = []
        if unused:
            sources.append((self.weights.leaves.unused, "unused"))
        if variables:
            sources.append((self.weights.leaves.variable, "variable"))
        if self._may_read(of):
            sources.append((self.weights.leaves.element, "element"))
        if isinstance(of, Scalar):
            sources.append((self.weights.leaves.literal, "literal"))
            if self._components(of):
                sources.append((self.weights.leaves.component, "component"))
            if self.loop_indices and of is not INT32:
                sources.append((self.features.weight("loop index", self.weights.leaves.loop_index), "loop index"))
        if isinstance(of, Vector) and self._longer(of):
            sources.append((self.weights.leaves.part, "part"))
        if isinstance(of, Vector) and variables:
            sources.append((self.weights.leaves.mirrored, "mirrored"))
        if of is INT32 and self.parameters:
            sources.append((self.features.weight("extent", self.weights.leaves.extent), "extent"))
        if not sources:
            sources.append((1, "construct"))
        match self.dice.weighted(tuple(sources)):
            case "unused":
                return self.variable(self.dice.one_of(unused))
            case "variable":
                return self.variable(self.dice.one_of(variables))
            case "element":
                assert isinstance(of, Scalar | Composite)
                return self.element(of)
            case "component":
                assert isinstance(of, Scalar)
                return self._component_of(self.variable(self.dice.one_of(self._components(of))))
            case "part":
                assert isinstance(of, Vector)
                return self._part_of(self.variable(self.dice.one_of(self._longer(of))), of)
            case "mirrored":
                assert isinstance(of, Vector)
                return self._part_of(self.variable(self.dice.one_of(variables)), of)
            case "extent":
                return self._extent()
            case "loop index":
                assert isinstance(of, Scalar)
                return self.convert(self.variable(self.loop_indices[-1]), of)
            case "construct":
                assert isinstance(of, Composite)
                return self.construct(of, 0)
        assert isinstance(of, Scalar)
        return self.literal(of)

    def _bool_leaf(self) -> Typed:
        known = self.facts.interval
        variables = [v for v in self.scope.of_type(BOOL) if not known(Typed(Name(BOOL, v.name), v.interval)).is_point]
        if variables and self.dice.chance(60):
            return self.variable(self.dice.one_of(variables))
        return self.comparison(0)

    def _components(self, of: Scalar) -> list[Variable]:
        return [v for v in self.scope if isinstance(v.type, Composite) and v.type.dtype is of and not v.sum_only]

    def _component_of(self, value: Typed) -> Typed:
        """One number of `value`."""
        of = value.type
        assert isinstance(of, Composite)
        self.nodes += 1
        index = Literal(INT32, self.dice.below(of.shape[0]))
        if isinstance(of, Matrix):
            column = Literal(INT32, self.dice.below(of.columns))
            if self.dice.chance(25):
                row = Component(types.vector(of.columns, of.dtype), value.node, index)
                return Typed(Component(of.dtype, row, column), value.interval, value.live)
            return Typed(Component(of.dtype, value.node, index, column=column), value.interval, value.live)
        attribute = of.length <= 4 and self.dice.chance(50)
        return Typed(Component(of.dtype, value.node, index, attribute), value.interval, value.live)

    def _longer(self, of: Vector) -> list[Variable]:
        """The vectors that are longer than `of`, and the matrices with a row or a column as long or longer."""
        return [
            v
            for v in self.scope
            if (isinstance(v.type, Vector) and v.type.length > of.length)
            or (isinstance(v.type, Matrix) and max(v.type.shape) >= of.length)
            if v.type.dtype is of.dtype and not v.sum_only
        ]

    def _part_of(self, value: Typed, of: Vector) -> Typed:
        """A slice of a vector, or a row, a column or a slice of one, as long as `of`."""
        whole = value.type
        assert isinstance(whole, Vector | Matrix)
        self.nodes += 1
        axis = self.dice.one_of([axis for axis, extent in enumerate(whole.shape) if extent >= of.length])
        known = slices(whole.shape[axis], of.length)
        if isinstance(whole, Vector):
            # all of a vector is the vector
            index = self.dice.one_of([index for index in known if index != Slice()])
            return Typed(Part(of, value.node, index), value.interval, value.live)
        index = self.dice.one_of(known)
        other = Literal(INT32, self.dice.below(whole.shape[1 - axis]))
        if axis == 0:
            return Typed(Part(of, value.node, index, other), value.interval, value.live)
        if index == Slice() and self.dice.chance(70):
            return Typed(Component(of, value.node, other), value.interval, value.live)
        return Typed(Part(of, value.node, other, index), value.interval, value.live)

    def unpacked(self, count: int, of: Scalar, within: Interval | None = None) -> list[Typed]:
        """The numbers of one vector, ``*v``, all of them inside `within`; none if there is no such vector."""
        vector = types.vector(count, of)
        known = [v for v in self.scope.of_type(vector) if within is None or v.interval.within(within)]
        if not known and not self._may_read(vector):
            return []
        value = self.variable(self.dice.one_of(known)) if known else self.element(vector)
        if within is not None and not value.interval.within(within):
            return []
        self.nodes += count
        indices = (Literal(INT32, n) for n in range(count))
        return [Typed(Component(of, value.node, n, starred=True), value.interval, value.live) for n in indices]

    def _extent(self) -> Typed:
        arrays = [p for p in self.parameters if isinstance(p.type, Array)]
        if not arrays:
            return self.literal(INT32)
        chosen = self.dice.one_of(arrays)
        axis = self.dice.below(len(chosen.shape))
        extent = float(chosen.shape[axis])
        return Typed(Extent(INT32, chosen.name, axis), Interval(extent, extent))

    def _constant(self, of: Type, value: float) -> Expression:
        if isinstance(of, Composite):
            return self.filled(of, self._constant(of.dtype, value))
        assert isinstance(of, Scalar)
        return Literal(of, float(value) if of.is_float else int(value))

    @staticmethod
    def filled(of: Composite, part: Expression) -> Construct:
        """A value all of whose numbers are `part`."""
        once = (part.type,) in constructions(of)
        return Construct(of, (part,) * (1 if once else of.length))


@cache
def slices(extent: int, count: int) -> tuple[Slice, ...]:
    """The slices of `count` numbers out of `extent`, as they are written: forwards first, then with a step."""
    firsts = range(extent - count + 1)
    bounds: list[tuple[int | None, int | None, int | None]] = [
        (first or None, first + count if first + count < extent else None, None) for first in firsts
    ]
    bounds += [(None, None, step) for step in (-1, 2, -2) if len(range(extent)[::step]) == count]
    return tuple(Slice(*(None if bound is None else Literal(INT32, bound) for bound in some)) for some in bounds)


def _dyadic(within: Interval) -> float:
    """A short binary fraction inside `within`."""
    low, high = within
    for bits in range(24):
        step = 2.0**-bits
        value = math.floor((low + high) / 2 / step + 0.5) * step
        if low <= value <= high:
            return value
    return low
