"""Typed expressions, each with the interval of its values: operations, conditionals, conversions, constructions.

The class stands on floors, each of which adds to the one below: `inputs`, `leaves`, `guards`, `conditions`.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from strategies.conditions import Conditions, same
from strategies.inputs import STAPLES
from strategies.intervals import Interval, width
from strategies.language import types
from strategies.language.nodes import Apply, Cast, Conditional, Constant, Construct, Expression, Extent, Literal, Name
from strategies.language.rules import constructions
from strategies.language.types import BOOL, Composite, Matrix, Quaternion, Scalar, Transform, Type, Vector
from strategies.leaves import counting_uses
from strategies.ops import OPS, REACH, OpSpec, Unit, operands, overload, producers
from strategies.ops.spec import Place
from strategies.typed import Typed, held

#: Nobody divides a whole number by one, or asks for the remainder.
DIVISIONS: Final = frozenset(("div", "floordiv", "mod"))
#: Of 100 literals that a whole number with a sign is divided by, how many are below zero.
BELOW: Final = 30
#: Operations that some numbers leave as it is what they are applied to.
WORTHWHILE: Final = frozenset(("add", "sub", "mul"))
SHIFTS: Final = frozenset(("lshift", "rshift"))
#: Of 100 conditionals within another, how many stay: more, and nobody can read them.
NESTED: Final = 20
#: Of 100 quaternions that are constructed, how many are copies of another.
COPIES: Final = 20
#: Of 100 values of several numbers that are made in a kernel of several precisions, how many are converted.
CONVERTED: Final = 40
#: Of 100 vectors that are constructed, how many are given the numbers of another with a star.
UNPACKED: Final = 6


# one kernel asks for some types again and again, and hardly two kernels have one palette
@lru_cache(maxsize=128)
def _candidates(
    result: Type, palette: frozenset[str], allowed: frozenset[Type], forms: frozenset[str]
) -> tuple[tuple[OpSpec, tuple[Type, ...]], ...]:
    """The rows of `palette` that give `result` from arguments of allowed types and forms.

    Nobody selects by a number that they compute for it; the survey does, by one of every type.
    """

    def fits(argument: Type) -> bool:
        if isinstance(argument, Composite):
            return argument.form in forms and argument.dtype in allowed
        return argument in allowed

    return tuple(
        (row, arguments)
        for row, arguments in producers(result)
        if row.name in palette and all(fits(a) for a in arguments)
        if row.name != "where" or arguments[0] is BOOL
    )


def cancels(value: Expression, taken: Expression) -> bool:
    """Whether nothing is left of `value` where `taken` is subtracted from it."""
    if same(value, taken):
        return True
    match taken:
        case Apply(op="add", arguments=arguments):
            return any(same(value, argument) for argument in arguments)
        case Apply(op="sub", arguments=(first, _)):
            return same(value, first)
    return False


class Expressions(Conditions):
    """Draws expressions for one kernel and keeps its parameters and scope."""

    #: conditionals around this point
    _conditionals = 0
    #: of 100 conditionals, in how many a truth value of the module decides
    flags = 0

    @counting_uses
    def expression(self, of: Type, depth: int) -> Typed:
        """An expression of type `of`, up to `depth` operations deep."""
        if depth <= 0 or self.nodes > self.weights.kernels.nodes:
            return self.leaf(of)
        if of is BOOL:
            return self.condition(depth)
        nested = self._conditionals and not self.dice.chance(NESTED)
        kinds = [(0 if nested else self.mixture.conditional, "conditional")]
        if isinstance(of, Scalar):
            kinds.append((self.mixture.cast, "cast"))
            if self._forms and of is self.main:
                kinds.append((self.mixture.component, "component"))
        else:
            kinds.append((self.mixture.construct, "construct"))
        kinds = [(self.features.weight(kind, weight), kind) for weight, kind in kinds]
        kinds = [(self.mixture.operation, "operation"), (self.mixture.leaf, "leaf"), *kinds]
        match self.dice.weighted(tuple(kinds)):
            case "leaf":
                return self.leaf(of)
            case "conditional":
                return self.conditional(of, depth)
            case "cast":
                assert isinstance(of, Scalar)
                return self.cast(of, depth)
            case "component":
                assert isinstance(of, Scalar)
                return self._component_of(self.expression(self.composite_type(of), depth - 1))
            case "construct":
                assert isinstance(of, Composite)
                return self.construct(of, depth)
        return self.operation(of, depth)

    def operation(self, of: Type, depth: int) -> Typed:
        """An operator or built-in out of the palette, its arguments guarded."""
        candidates = _candidates(of, self.palette, self.allowed, self._forms)
        if not candidates:
            return self.leaf(of)
        row, argument_types = self.dice.one_of(candidates)
        flat = row.flat and types.element_scalar(of).is_float and not self.dice.chance(self.weights.expressions.flat)
        if flat or (row.name == "pos" and not self.dice.chance(self.weights.expressions.plus)):
            row, argument_types = self.dice.one_of(candidates)
        arguments = [self.expression(a, depth - 1) for a in argument_types]
        return self.apply(row, of, self.varied(row, arguments))

    def varied(self, row: OpSpec, arguments: list[Typed]) -> list[Typed]:
        """`arguments`, not all of them literals, and no two the same unless for a square or a double."""
        if not arguments:
            return arguments
        bits = next((percent for percent, op in self.weights.integers.literals if op == row.name), 0)
        if bits and isinstance(arguments[1].type, Scalar) and self.dice.chance(bits):
            of = arguments[1].type
            most = of.bits // 2 if row.name in SHIFTS else of.limits[1]
            if row.name == "rshift" and width(arguments[0].interval) < 2 and self._may_read(of):
                arguments[0] = self.element(of)
            if row.name == "rshift":
                # further, and nothing would be left
                most = min(most, max(width(arguments[0].interval) - 1, 1))
            arguments[1] = self.literal(of, Interval(1, most))
        if row.name in DIVISIONS:
            divisor = self._telling_operand(arguments[1], divides=True)
            arguments = [self._telling_operand(arguments[0]), divisor]
        if row.name == "clamp" and isinstance(arguments[0].type, Scalar):
            return self._clamped(arguments[0])
        if all(isinstance(a.node, Literal) for a in arguments):
            first = arguments[0].type
            if isinstance(first, Scalar) and first is not BOOL:
                if self._may_read(first):
                    arguments[0] = self.element(first)
                elif self.indices:
                    arguments[0] = self._index_value(first)
        alternatives = row.name == "where"
        if len(arguments) > 1 and (alternatives or row.name not in STAPLES - {"sub"}):
            left, right = arguments[-2:] if alternatives else arguments[:2]
            if same(left.node, right.node):
                arguments[-1 if alternatives else 1] = self.other_than(left)
        if row.name == "sub" and cancels(arguments[0].node, arguments[1].node):
            arguments[1] = self.other_than(arguments[0])
        if row.name in WORTHWHILE and len(arguments) == 2:
            arguments = [self.worthwhile(row.name, a) if n or row.name != "sub" else a for n, a in enumerate(arguments)]
        return arguments

    def _telling_operand(self, value: Typed, divides: bool = False) -> Typed:
        """The dividend or the divisor of a division, which is neither zero nor one if it is a number."""
        of = value.type
        if not isinstance(value.node, Literal) or not isinstance(of, Scalar):
            return value
        if of.is_integer:
            if abs(value.node.value) >= 2:
                return value
            below = divides and of.is_signed and self.dice.chance(BELOW)
            return self.literal(of, Interval(-9, -2) if below else Interval(2, 9))
        return self.literal(of, Interval(1.5, 4.0)) if value.node.value in (0, 1) else value

    def worthwhile(self, op: str, value: Typed) -> Typed:
        """`value`, unless it is a number that `op` would do nothing with, or that the other sign says better."""
        of, node = value.type, value.node
        if not isinstance(node, Literal) or not isinstance(of, Scalar) or of is BOOL or op not in WORTHWHILE:
            return value
        if op == "mul":
            factors = Interval(1.5, 4.0) if of.is_float else Interval(2, 9)
            return self.literal(of, factors) if node.value in (0, 1) else value
        if node.value == 0:
            return self.literal(of, Interval(0.25, 4.0) if of.is_float else Interval(1, 9))
        if node.value < 0 and -node.value <= of.limits[1]:
            return Typed(replace(node, value=-node.value), Interval(-value.interval.high, -value.interval.low))
        return value

    def _clamped(self, value: Typed) -> list[Typed]:
        """`value` and the bounds of a clamp: two numbers inside what it may be, or one and a variable beyond it."""
        of = value.type
        assert isinstance(of, Scalar)
        if value.interval.is_point:
            value = self.element(of) if self._may_read(of) or not self.indices else self._index_value(of)
        low, high = value.interval
        third = (high - low) / 3
        least, most = self.literal(of, Interval(low, low + third)), self.literal(of, Interval(high - third, high))
        bounds = [v for v in self.scope.of_type(of) if not same(value.node, Name(of, v.name))]
        above = [v for v in bounds if v.interval.low >= least.interval.high]
        below = [v for v in bounds if v.interval.high <= most.interval.low]
        if above and self.dice.chance(self.weights.expressions.bounds):
            most = self.variable(self.dice.one_of(above))
        elif below and self.dice.chance(self.weights.expressions.bounds):
            least = self.variable(self.dice.one_of(below))
        return [value, least, most]

    def other_than(self, value: Typed) -> Typed:
        """A value of the same type that is another one: a number near the middle of it, or an element."""
        of = value.type
        if of is BOOL:
            return self.comparison(0)
        if isinstance(of, Scalar):
            return self.literal(of, self._beside(value))
        assert isinstance(of, Composite)
        if isinstance(of, Vector):
            number = self.literal(of.dtype, self._beside(value))
            return Typed(self.filled(of, number.node), number.interval)
        return self.element_of(self.array(of, self.launch_shape(), self.input_interval(of)))

    def apply(self, row: OpSpec, of: Type, arguments: list[Typed]) -> Typed:
        """``row(*arguments)``, each argument fitted to the row's domain."""
        given = tuple(a.type for a in arguments) or (of,)
        scalar = types.element_scalar(given[0])
        kept = row.are_turned(scalar, [a.interval for a in arguments])
        domain = row.turned(scalar) if kept else self.domain_of(row, scalar)
        fitted = [self.fit(a, d) for a, d in zip(arguments, domain, strict=False)]
        return self.unique(row, self.applied(row, given, fitted))

    def domain_of(self, row: OpSpec, of: Scalar) -> tuple[Place, ...]:
        """Where arguments of type `of` may lie, at times the first two in the other order, if they have another."""
        if row.reversible and self.dice.chance(self.weights.expressions.reversed):
            return row.turned(of)
        return row.domain(of)

    def applied(self, row: OpSpec, given: tuple[Type, ...], arguments: list[Typed]) -> Typed:
        """``row(*arguments)``, which lie in its domain."""
        self.nodes += 1
        raw = row.result(given)
        assert raw is not None
        node = Apply(raw, row.name, tuple(a.node for a in arguments))
        found = row.result_interval(raw, *(a.interval for a in arguments))
        first, last = arguments[0].node if arguments else None, arguments[-1].node if arguments else None
        if row.name == "mul" and isinstance(raw, Scalar) and raw.is_float and first == last:
            # a square
            found = Interval(max(found.low, 0.0), found.high)
        interval = held(found, raw)
        live = not row.flat and not interval.is_point and any(a.live for a in arguments)
        return Typed(node, interval, live)

    def unique(self, row: OpSpec, found: Typed) -> Typed:
        """What a kernel may use of `found`, a result of `row`: it is inside the domain of what makes it unique."""
        for op in row.through:
            given = operands(op, found.type)
            found = self.applied(overload(op, given), given, [found] * len(given))
        return found

    def conditional(self, of: Type, depth: int) -> Typed:
        """``a if c else b``."""
        flag = self._flag() if self.dice.chance(self.flags) else None
        test = flag or self.condition(min(depth - 1, 1))
        self._conditionals += 1
        then, otherwise = self.expression(of, depth - 1), self.expression(of, depth - 1)
        self._conditionals -= 1
        if same(then.node, otherwise.node):
            otherwise = self.literal(of) if isinstance(of, Scalar) else self.other_than(then)
            if otherwise.node == then.node:
                return then
        self.nodes += 1
        node = Conditional(of, test.node, then.node, otherwise.node)
        live = then.live or otherwise.live
        if flag is not None:
            live = (then if flag.interval.low else otherwise).live
        return Typed(node, then.interval.join(otherwise.interval), live)

    def _flag(self) -> Typed:
        """A truth value of the module."""
        value = self.dice.chance(50)
        named = Constant(BOOL, self.fresh().upper(), Literal(BOOL, value), wrapped=self.dice.chance(60))
        return Typed(named, Interval(value, value))

    def cast(self, of: Scalar, depth: int) -> Typed:
        """A value of another scalar type, converted."""
        others = sorted((t for t in self.allowed if t is not of and t is not BOOL), key=repr)
        if not others:
            return self.leaf(of)
        source = self.expression(self.dice.one_of(others), depth - 1)
        if isinstance(source.node, Extent) and self.indices and not self.dice.chance(self.weights.expressions.extents):
            return self._index_value(of)
        return self.convert(source, of)

    def convert(self, source: Typed, of: Scalar) -> Typed:
        """`source` as a value of type `of`, inside the range where the conversion is defined."""
        if source.type is of:
            return source
        if isinstance(source.node, Literal):
            # a conversion of a bare literal is written like a literal of the other type
            return self.literal(of)
        if of.bits == 64 and self._is_constant(source.node) and not self.dice.chance(self.weights.integers.retyped):
            one = self.literal(types.element_scalar(source.type), Interval(1, 1))
            source = self.apply(OPS["add"], source.type, [source, one])
        if of.kind != "bool":
            source = self._within_reach(source, of)
        self.nodes += 1
        interval = source.interval
        if of.is_integer:
            interval = Interval(math.trunc(interval.low), math.trunc(interval.high))
        return Typed(Cast(of, source.node), interval, source.live and of.is_float)

    def convert_numbers(self, source: Typed, of: Composite) -> Typed:
        """A float vector, matrix or quaternion in another precision: ``wp.vec3d(v)``."""
        source = self._within_reach(source, of.dtype)
        self.nodes += 1
        return Typed(Construct(of, (source.node,)), source.interval, source.live)

    def _within_reach(self, source: Typed, of: Scalar) -> Typed:
        """`source` inside the range where its conversion to numbers of type `of` is defined."""
        reach = REACH[of.notation]
        if of.is_float:
            return self.fit(source, Interval(-reach, reach))
        reach = min(reach, REACH[types.element_scalar(source.type).notation])
        return self.fit(source, Interval(0 if of.kind == "uint" else -reach, reach))

    def _is_constant(self, node: Expression) -> bool:
        """Whether `node` is a name that Warp may hold to be a constant: of a loop's index, or of a literal."""
        return isinstance(node, Name) and any(v.name == node.name and v.constant for v in self.scope)

    def vector_type(self, dtype: Scalar) -> Vector:
        """A vector type of this kernel."""
        return types.vector(self.dice.one_of((3, 2, 4)), dtype)

    def composite_type(self, dtype: Scalar) -> Composite:
        """A type of several numbers of this kernel."""
        forms = sorted(self.forms)
        if not forms or (self.vectors and self.dice.chance(30)):
            return self.vector_type(dtype)
        return types.composite(self.dice.one_of(forms), dtype)

    def construct(self, of: Composite, depth: int) -> Typed:
        """A value of several numbers from its parts; of a transformation the rotation has length one."""
        vector = types.vector(3, of.dtype)
        sources = self._in_other_precisions(of)
        match of:
            case _ if sources and depth > 0 and self.dice.chance(CONVERTED):
                return self.convert_numbers(self.expression(self.dice.one_of(sources), depth - 1), of)
            case Transform():
                rotation = self.fit(self.leaf_or(types.quaternion(of.dtype), depth), Unit())
                parts = [self.expression(vector, depth - 1), rotation]
            case Quaternion() if depth > 0 and self.dice.chance(COPIES):
                parts = [self.expression(of, depth - 1)]
            case Quaternion() if self.dice.chance(40):
                parts = [self.expression(vector, depth - 1), self.expression(of.dtype, depth - 1)]
            case Matrix() if of.length > 4:
                parts = [self.leaf(of.dtype) for _ in range(1 if self.dice.chance(20) else of.length)]
            case Vector() if (vector, vector) in constructions(of) and self.dice.chance(60):
                parts = [self.expression(vector, depth - 1) for _ in range(2)]
            case Vector() if self.dice.chance(UNPACKED):
                parts = self.unpacked(self.dice.between(2, min(of.length, 4)), of.dtype)
                parts += [self.expression(of.dtype, depth - 1) for _ in range(of.length - len(parts))]
            case _:
                single = (of.dtype,) in constructions(of) and self.dice.chance(20)
                parts = [self.expression(of.dtype, depth - 1) for _ in range(1 if single else of.length)]
        interval = parts[0].interval
        for part in parts[1:]:
            interval = interval.join(part.interval)
        self.nodes += 1
        return Typed(Construct(of, tuple(p.node for p in parts)), interval, any(p.live for p in parts))

    def _in_other_precisions(self, of: Composite) -> list[Composite]:
        """What a value of type `of` may be converted from: of another type of floats that may appear."""
        floats = [d for d in self.allowed if isinstance(d, Scalar) and d.is_float and of.dtype.is_float]
        found = [types.composite(of.form, d) for d in sorted(floats, key=lambda d: d.bits) if d is not of.dtype]
        return [source for source in found if (source,) in constructions(of)]

    def leaf_or(self, of: Type, depth: int) -> Typed:
        """An expression of type `of`, or a leaf at the end of `depth`."""
        return self.expression(of, depth - 1) if depth > 0 else self.leaf(of)

    def _tests(self) -> bool:
        return bool(_candidates(BOOL, self.palette - {"unot"}, self.allowed, self._forms))
