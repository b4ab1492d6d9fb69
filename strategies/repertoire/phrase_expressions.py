"""Expressions of a phrase: Python read as a Warp user writes it, into typed nodes with intervals."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from strategies import intervals
from strategies.intervals import TRUTH, Interval
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    Extent,
    Literal,
    Logical,
    Parameter,
)
from strategies.language.types import BOOL, INT32, Array, Composite, Scalar
from strategies.ops import overload
from strategies.repertoire.phrase_intervals import COMPARISONS, Refined, operation, refined
from strategies.statements import Sketch
from strategies.typed import Typed, held

#: What a phrase may name: a value, or an array.
Bound: TypeAlias = Typed | Parameter

BINARY: Final[dict[type[ast.AST], str]] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.Pow: "pow_operator", ast.BitAnd: "bit_and", ast.BitOr: "bit_or", ast.BitXor: "bit_xor",
    ast.LShift: "lshift", ast.RShift: "rshift",
}  # fmt: skip
_UNARY: Final[dict[type[ast.AST], str]] = {ast.USub: "neg", ast.UAdd: "pos", ast.Invert: "invert", ast.Not: "unot"}


@dataclass
class Known:
    """What the names of a phrase stand for at one point."""

    values: dict[str, Typed] = field(default_factory=dict)

    def copy(self) -> Known:
        return Known(dict(self.values))

    def join(self, other: Known) -> None:
        """What holds on either of two paths."""
        for name, value in self.values.items():
            if (there := other.values.get(name)) is not None:
                self.values[name] = value._replace(
                    interval=value.interval.join(there.interval), live=value.live or there.live
                )

    def meet(self, one: Known, other: Known) -> None:
        """Take over the names that both of two paths give their first values."""
        for name, value in one.values.items():
            if (there := other.values.get(name)) is not None and there.type is value.type:
                both = Typed(value.node, value.interval.join(there.interval), value.live or there.live)
                self.values[name] = both


class Reading:
    """Reads expressions, with what is known of the names in them."""

    def __init__(self, sketch: Sketch, whole: Scalar = INT32, real: Scalar | None = None) -> None:
        self.sketch, self.dice = sketch, sketch.dice
        self.real, self.whole = real or sketch.main, whole
        self.arrays: dict[str, Parameter] = {}
        #: whether whole numbers that a type with a sign cannot hold lose their upper bits, instead of being held first
        self.wraps = False
        self._known = Known()

    def narrow(self, found: Refined) -> None:
        """Take notice of what a test says of names."""
        for name, interval in found.items():
            if (known := self._known.values.get(name)) is not None and interval.low <= interval.high:
                self._known.values[name] = known._replace(interval=interval)

    @contextmanager
    def supposing(self, found: Refined) -> Iterator[None]:
        """What is read where a test said so of names."""
        entry, self._known = self._known, self._known.copy()
        self.narrow(found)
        yield
        self._known = entry

    def _expression(self, node: ast.expr, of: Scalar | None) -> Typed:
        """An expression; numbers that stand alone are of type `of`."""
        match node:
            case ast.Constant(value=bool() as value):
                return Typed(Literal(BOOL, value), Interval(value, value))
            case ast.Constant(value=int() | float() as value):
                return self._number(value, of)
            case ast.Name(id=name) if name in self._known.values:
                return self._known.values[name]
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return self._number(-value, of)
            case ast.UnaryOp(op=op, operand=operand):
                return self._operation(_UNARY[type(op)], [self._expression(operand, of)])
            case ast.BinOp(left=left, op=op, right=right):
                return self._operation(BINARY[type(op)], self._alike([left, right], of))
            case ast.BoolOp(op=op, values=values):
                return self._logical(values, isinstance(op, ast.And))
            case ast.Compare(left=left, ops=ops, comparators=others):
                operands = tuple(v.node for v in self._alike([left, *others], None))
                return Typed(Compare(BOOL, tuple(COMPARISONS[type(op)] for op in ops), operands), TRUTH)
            case ast.IfExp():
                return self._choice(node, of)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, arguments, of)
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id=name), attr="shape"), slice=axis):
                array, number = self.arrays[name], ast.literal_eval(axis)
                extent = array.shape[number]
                return Typed(Extent(INT32, array.name, number), Interval(extent, extent))
            case ast.Subscript(value=ast.Name(id=name), slice=index) if name in self.arrays:
                return self._element(self.arrays[name], index)
            case ast.Subscript(value=base, slice=ast.Constant(value=int() as number)):
                return self._component(self._expression(base, None), number, False)
            case ast.Subscript(value=base, slice=ast.Name() as place):
                return self._component(self._expression(base, None), self._expression(place, INT32), False)
            case ast.Attribute(value=base, attr=attribute):
                return self._component(self._expression(base, None), "xyzw".index(attribute), True)
        raise unread(node)

    def _number(self, value: float, of: Scalar | None) -> Typed:
        if of is None or (isinstance(value, float) and not of.is_float) or of is BOOL:
            of = self.real if isinstance(value, float) else INT32
        exact = float(value) if of.is_float else int(value)
        return Typed(Literal(of, exact), Interval(exact, exact))

    def _alike(self, nodes: list[ast.expr], of: Scalar | None) -> list[Typed]:
        """Expressions of one type: numbers have that of what they stand beside."""
        found = {n: self._expression(node, of) for n, node in enumerate(nodes) if not _is_number(node)}
        scalars = [types.element_scalar(v.type) for v in found.values()]
        beside = next((s for s in scalars if s is not BOOL), of)
        return [found[n] if n in found else self._expression(node, beside) for n, node in enumerate(nodes)]

    def _operation(self, op: str, arguments: list[Typed], guarded: bool = True) -> Typed:
        """An operator or built-in; its arguments are guarded where they could leave its domain."""
        row = overload(op, [a.type for a in arguments])
        interval = operation(row, arguments)
        if op == "mul" and interval is not None and arguments[0].node == arguments[1].node:
            interval = intervals.even(lambda x: x * x)(arguments[0].interval)
        if interval is None and guarded:
            result = row.result([a.type for a in arguments])
            assert result is not None
            return self.sketch.apply(row, result, arguments)
        found = row.result([a.type for a in arguments])
        assert found is not None
        if interval is None:
            interval = held(row.result_interval(found, *(a.interval for a in arguments)), found)
        live = not row.flat and not interval.is_point and any(a.live for a in arguments)
        return Typed(Apply(found, op, tuple(a.node for a in arguments)), interval, live)

    def _logical(self, values: list[ast.expr], every: bool) -> Typed:
        """``a and b``, of which `b` is read where `a` holds, or ``a or b``."""
        parts = list[Expression]()
        with self.supposing({}):
            for value in values:
                parts.append(self._expression(value, None).node)
                self.narrow(refined(self, value)[0 if every else 1])
        return Typed(Logical(BOOL, "and" if every else "or", tuple(parts)), TRUTH)

    def _choice(self, node: ast.IfExp, of: Scalar | None) -> Typed:
        test = self._expression(node.test, None)
        found = dict[int, Typed]()
        arms = list(zip((node.body, node.orelse), refined(self, node.test), strict=True))
        # numbers last: they have the type of what else there is
        for n in sorted((0, 1), key=lambda n: _is_number(arms[n][0])):
            arm, narrow = arms[n]
            beside = next((v.type for v in found.values()), of)
            with self.supposing(narrow):
                found[n] = self._expression(arm, beside if isinstance(beside, Scalar) else None)
        then, otherwise = found[0], found[1]
        joined, live = then.interval.join(otherwise.interval), then.live or otherwise.live
        return Typed(Conditional(then.type, test.node, then.node, otherwise.node), joined, live)

    def _call(self, name: str, arguments: list[ast.expr], of: Scalar | None) -> Typed:
        to = {"F": self.real, "I": self.whole, "int": INT32}.get(name)
        if to is not None or name in types.SCALARS:
            return self._cast(to or types.scalar(name), arguments[0])
        if name.startswith("vec"):
            vector = types.composite(name, self.real)
            parts = [self._expression(a, self.real) for a in arguments]
            interval = parts[0].interval
            for part in parts[1:]:
                interval = interval.join(part.interval)
            return Typed(Construct(vector, tuple(p.node for p in parts)), interval, any(p.live for p in parts))
        if name == "len":
            value = self._expression(arguments[0], None)
            assert isinstance(value.type, Composite)
            length = value.type.shape[0]
            return Typed(Apply(INT32, name, (value.node,)), Interval(length, length))
        if name == "where":
            test = self._expression(arguments[0], None)
            then, otherwise = self._alike(arguments[1:], of)
            node = Apply(then.type, name, (test.node, then.node, otherwise.node))
            return Typed(node, then.interval.join(otherwise.interval), then.live or otherwise.live)
        return self._operation(name, self._alike(arguments, of))

    def _cast(self, to: Scalar, operand: ast.expr) -> Typed:
        if _is_number(operand):
            found = self._expression(operand, to)
            return found if found.type is to and to is not INT32 else Typed(Cast(to, found.node), found.interval)
        found = self._expression(operand, None)
        if found.type is to:
            # a bare constant may not be changed in a loop that stays one: a conversion makes it a variable
            return Typed(Cast(to, found.node), found.interval) if isinstance(found.node, Literal) else found
        interval = held(found.interval, to)
        if types.element_scalar(found.type).is_float and not found.interval.within(Interval(*to.limits)):
            # out of range, a conversion to whole numbers is not defined
            return self.sketch.convert(found, to) if to is not BOOL else Typed(Cast(to, found.node), TRUTH)
        if to.is_integer:
            interval = Interval(int(interval.low), int(interval.high))
        elif to is BOOL:
            interval = TRUTH
        if to.kind == "int" and not interval.within(Interval(*to.limits)):
            if not (self.wraps and types.element_scalar(found.type).is_integer):
                return self.sketch.convert(found, to)
            interval = Interval(*to.limits)
        return Typed(Cast(to, found.node), interval, found.live and to.is_float)

    def _element(self, array: Parameter, index: ast.expr) -> Typed:
        assert isinstance(array.type, Array)
        at: tuple[Expression, ...] = ()
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        match parts[0]:
            case ast.Name(id="i") if len(array.shape) == len(self.sketch.own_indices()) + len(parts) - 1:
                at, parts = self.sketch.own_indices(), parts[1:]
        found = [self._expression(part, INT32) for part in parts]
        for part, extent in zip(found, array.shape[len(at) :], strict=True):
            assert part.interval.within(Interval(0, extent - 1)), ast.unparse(index)
        at = (*at, *(part.node for part in found))
        node = Element(array.type.dtype, array.name, at)
        return Typed(node, Interval(array.low, array.high), self.sketch.has_gradient(array))

    @staticmethod
    def _component(base: Typed, place: int | Typed, attribute: bool) -> Typed:
        of = base.type
        assert isinstance(of, Composite)
        index = Literal(INT32, place) if isinstance(place, int) else place.node
        assert isinstance(place, int) or place.interval.within(Interval(0, of.length - 1))
        node = Component(of.dtype, base.node, index, attribute)
        return Typed(node, base.interval, base.live)

    # ------------------------------------------------------------ for the tests of branches

    def interval_of(self, node: ast.expr) -> Interval:
        """Between which values an operand of a test lies."""
        return self._expression(node, None).interval

    def is_whole(self, name: str) -> bool:
        """Whether a name stands for a whole number."""
        value = self._known.values.get(name)
        return value is not None and isinstance(value.type, Scalar) and value.type.is_integer


def _is_number(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=value):
            return not isinstance(value, bool)
        case ast.UnaryOp(op=ast.USub() | ast.Invert(), operand=operand):
            return _is_number(operand)
    return False


def unread(node: ast.AST) -> TypeError:
    return TypeError(f"no phrase has {ast.unparse(node)!r}")
