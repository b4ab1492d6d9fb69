"""Lines of a kernel written as text: what people write so often that no choice of operations would come to it.

A `Phrase` reads Python as a Warp user writes it, gives its names to new locals, its numbers the types that they stand
beside, and keeps between which values everything lies; a guard is put only where something could leave its domain.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from strategies import intervals
from strategies.blocks import changeable_value
from strategies.intervals import TRUTH, Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Continue,
    Element,
    Expression,
    Extent,
    For,
    If,
    Literal,
    Logical,
    Name,
    Parameter,
    Return,
    Statement,
    While,
)
from strategies.language.types import BOOL, INT32, Array, Composite, Scalar
from strategies.ops import overload
from strategies.phrase_intervals import Refined, operation, refined
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed, held

#: What a phrase may name: a value, or an array.
Bound: TypeAlias = Typed | Parameter
Block: TypeAlias = tuple[Statement, ...]

_BINARY: Final[dict[type[ast.AST], str]] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.Pow: "pow_operator", ast.BitAnd: "bit_and", ast.BitOr: "bit_or", ast.BitXor: "bit_xor",
    ast.LShift: "lshift", ast.RShift: "rshift",
}  # fmt: skip
_UNARY: Final[dict[type[ast.AST], str]] = {ast.USub: "neg", ast.UAdd: "pos", ast.Invert: "invert", ast.Not: "unot"}
_COMPARISONS: Final[dict[type[ast.AST], str]] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
#: The bits that a float16 literal and one of float64 may have, so that they read well and are exact.
_SHORT_BITS: Final = 6
#: Loops of a phrase run no more often than this for what is known of their locals to be found.
_MOST_TRIPS: Final = 64


@dataclass
class _Known:
    """What the names of a phrase stand for at one point."""

    values: dict[str, Typed] = field(default_factory=dict)

    def copy(self) -> _Known:
        return _Known(dict(self.values))

    def join(self, other: _Known) -> None:
        """What holds on either of two paths."""
        for name, value in self.values.items():
            if (there := other.values.get(name)) is not None:
                self.values[name] = value._replace(
                    interval=value.interval.join(there.interval), live=value.live or there.live
                )


class Phrase:
    """Writes the lines of one idea, in one kernel.

    ``i`` is the thread's place: as the index of an array of as many dimensions as the launch, all of its indices.
    ``F`` is the kernel's float type and ``I`` the type of its whole numbers; other names are those that are `bound`,
    and new locals.
    """

    def __init__(self, sketch: Sketch, whole: Scalar = INT32, real: Scalar | None = None, **bound: Bound) -> None:
        self.sketch, self.dice = sketch, sketch.dice
        self.real, self.whole = real or sketch.main, whole
        self.body: list[Statement] = []
        self.arrays: dict[str, Parameter] = {}
        self._known, self._names = _Known(), dict[str, str]()
        #: parameters that are made when they are read for the first time
        self._waiting: dict[str, Callable[[], Bound]] = {}
        self._changed: set[str] = set()
        #: where the innermost loop is left, or gone on with
        self._exits: list[list[_Known]] = []
        index = sketch.indices[0] if sketch.indices else None
        own = {} if index is None else {"i": Typed(Name(INT32, index.name), index.interval)}
        self.bind(**own, **bound)

    # ------------------------------------------------------------ what lines are about

    def bind(self, **bound: Bound) -> Phrase:
        """Give names to values and arrays."""
        self.arrays.update({name: b for name, b in bound.items() if isinstance(b, Parameter)})
        for name, value in bound.items():
            if isinstance(value, Typed):
                self._known.values[name] = value
                if isinstance(value.node, Name):
                    self._names[name] = value.node.name
        return self

    def _resolve(self, tree: ast.AST) -> None:
        """Make the parameters that are read here for the first time."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in self._waiting:
                self.bind(**{node.id: self._waiting.pop(node.id)()})

    def array(
        self, name: str, of: Scalar | Composite, low: float, high: float, shape: tuple[int, ...] | None = None
    ) -> Phrase:
        """An input array, if anything reads it: one cell a thread without a `shape`."""
        self._waiting[name] = lambda: self.sketch.array(of, shape or self.sketch.launch_shape(), Interval(low, high))
        return self

    def line(self, name: str, of: Scalar | Composite, low: float, high: float, spare: int = 0) -> Phrase:
        """An input array of one dimension, a cell for each first index of the launch."""
        return self.array(name, of, low, high, (self.sketch.launch[0] + spare,))

    def parameter(self, name: str, of: Scalar, low: float, high: float) -> Phrase:
        """A parameter passed by value, if anything reads it."""
        interval = Interval(low, high)
        self._waiting[name] = lambda: self.sketch.variable(self.sketch.scalar_parameter(of, interval))
        return self

    def output(self, name: str, of: Scalar | Composite, shape: tuple[int, ...] | None = None) -> Phrase:
        """An output array."""
        return self.bind(**{name: self.sketch.output(of, shape)})

    def drawn(self, name: str, of: Scalar, reach: float = 4.0) -> Phrase:
        """A small expression of the grammar."""
        self.sketch.allowed = self.sketch.allowed | {of}
        value = self.sketch.expression(of, 1)
        if not value.live:
            value = self.sketch.element(of)
        return self.bind(**{name: self.sketch.fit(value, symmetric(reach))})

    def known(self, name: str) -> Typed:
        """What is known of a name now, for other parts of the kernel to read."""
        return self._known.values[name]

    # ------------------------------------------------------------ statements

    def write(self, text: str) -> Phrase:
        """Add the lines of `text`."""
        tree = ast.parse(text.replace("- -", "+ "))
        self._resolve(tree)
        times = Counter(_assigned(tree))
        self._changed |= {name for name, count in times.items() if count > 1 or name in self._names}
        self.body += self._block(tree.body)
        return self

    def value(self, text: str, of: Scalar | None = None) -> Typed:
        """The expression that `text` is."""
        tree = ast.parse(text, mode="eval")
        self._resolve(tree)
        return self._expression(tree.body, of)

    def inline(self, name: str) -> None:
        """Take back the last line, which gives `name` its value: whoever reads the name reads that instead."""
        match self.body[-1] if self.body else None:
            case Assign(target=Name(name=local), value=value) if local == self._names.get(name):
                if name not in self._changed:
                    self.body.pop()
                    self._known.values[name] = self.known(name)._replace(node=value)

    def has(self, name: str) -> bool:
        """Whether a name stands for a value by now."""
        return name in self._known.values

    def share(self, name: str) -> Typed:
        """A local of these lines, for the rest of the kernel to read."""
        value = self.known(name)
        assert isinstance(value.node, Name)
        variable = Variable(value.node.name, value.type, value.interval, used=False, live=value.live)
        self.sketch.defined.append(self.sketch.scope.add(variable))
        return value

    def _block(self, nodes: list[ast.stmt]) -> list[Statement]:
        return [self._statement(node) for node in nodes]

    def _statement(self, node: ast.stmt) -> Statement:
        match node:
            case ast.Assign(targets=[target], value=value):
                return self._assign(target, value)
            case ast.AugAssign(target=target, op=op, value=value):
                return self._augmented(target, _BINARY[type(op)], value)
            case ast.If(test=test, body=body, orelse=orelse):
                return self._if(test, body, orelse)
            case ast.For(target=ast.Name(id=name), iter=ast.Call(args=bounds), body=body):
                return self._for(name, bounds, body)
            case ast.While(test=test, body=body):
                return self._while(test, body)
            case ast.Break():
                self._exits[-1].append(self._known.copy())
                return Break()
            case ast.Continue():
                self._exits[-1].append(self._known.copy())
                return Continue()
            case ast.Return(value=None):
                return Return()
            case ast.Return(value=ast.expr() as value):
                return Return((self._expression(value, self.real).node,))
            case ast.Expr(value=ast.Call(func=ast.Name(id=op), args=[ast.Name(id=array), *indices, value])):
                of = self.arrays[array]
                assert isinstance(of.type, Array)
                at = tuple(self._expression(index, INT32).node for index in indices)
                return Atomic(op, of.name, at, self._expression(value, types.element_scalar(of.type)).node)
        raise _unread(node)

    def _assign(self, target: ast.expr, value: ast.expr) -> Statement:
        match target:
            case ast.Name(id=name):
                before = self._known.values.get(name)
                of = before.type if before is not None and isinstance(before.type, Scalar) else None
                found = self._expression(value, of)
                if name not in self._names:
                    self._names[name] = self.sketch.fresh()
                local = Name(found.type, self._names[name])
                self._known.values[name] = Typed(local, found.interval, found.live)
                node = changeable_value(found.node) if name in self._changed else found.node
                return Assign(local, node)
            case ast.Subscript() | ast.Attribute():
                place = self._expression(target, None)
                assert isinstance(place.node, Element | Component)
                return Assign(place.node, self._expression(value, types.element_scalar(place.type)).node)
        raise _unread(target)

    def _augmented(self, target: ast.expr, op: str, value: ast.expr) -> Statement:
        place = self._expression(target, None)
        assert isinstance(place.type, Scalar)
        found = self._expression(value, place.type)
        assert isinstance(place.node, Name | Element)
        if isinstance(target, ast.Name):
            self._changed.add(target.id)
            after = self._operation(op, [place, found], guarded=False)
            self._known.values[target.id] = Typed(place.node, after.interval, after.live)
        return AugmentedAssign(place.node, op, found.node)

    def _if(self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> Statement:
        found = self._expression(test, None)
        then, otherwise = refined(self, test)
        entry = self._known.copy()
        made = self._arm(body, then)
        after, self._known = self._known, entry
        other = self._arm(orelse, otherwise)
        if _leaves(body):
            pass
        elif orelse and _leaves(orelse):
            self._known = after
        else:
            self._known.join(after)
        return If(found.node, made, other)

    def _arm(self, body: list[ast.stmt], narrow: Refined) -> Block:
        self.narrow(narrow)
        before = set(self._known.values)
        made = tuple(self._block(body))
        for name in set(self._known.values) - before:
            del self._known.values[name]
        return made

    def narrow(self, found: Refined) -> None:
        """Take notice of what a test says of names."""
        for name, interval in found.items():
            if (known := self._known.values.get(name)) is not None and interval.low <= interval.high:
                self._known.values[name] = known._replace(interval=interval)

    def _for(self, name: str, bounds: list[ast.expr], body: list[ast.stmt]) -> Statement:
        found = [self._expression(bound, INT32) for bound in bounds]
        start = found[0] if len(found) > 1 else Typed(Literal(INT32, 0), Interval(0, 0))
        stop, step = found[min(len(found), 2) - 1], found[2].interval if len(found) > 2 else Interval(1, 1)
        down = step.high < 0
        reach = start.interval.join(stop.interval)
        index = Interval(reach.low + down, reach.high) if down else Interval(reach.low, max(reach.high - 1, reach.low))
        trips = int((reach.high - reach.low) / min(abs(step.low), abs(step.high)) + 0.999)
        self._names.setdefault(name, self.sketch.fresh())
        self._known.values[name] = Typed(Name(INT32, self._names[name]), index)
        made = self._loop(body, trips, {})
        del self._known.values[name]
        first = None if len(found) == 1 else found[0].node
        return For(self._names[name], stop.node, made, first, found[2].node if len(found) > 2 else None)

    def _while(self, test: ast.expr, body: list[ast.stmt]) -> Statement:
        then, _ = refined(self, test)
        made = self._loop(body, _MOST_TRIPS, then, test)
        found = self._expression(test, None)
        _, otherwise = refined(self, test)
        self.narrow(otherwise)
        return While(found.node, made)

    def _loop(self, body: list[ast.stmt], trips: int, narrow: Refined, test: ast.expr | None = None) -> Block:
        """The body of a loop, for whatever its locals may be in any of its iterations."""
        self._changed |= set(_assigned(ast.Module(body, [])))
        for _ in range(min(trips, _MOST_TRIPS)):
            entry = self._known.copy()
            self._exits.append([])
            self._arm(body, refined(self, test)[0] if test is not None else narrow)
            for left in self._exits.pop():
                self._known.join(left)
            self._known.join(entry)
            if self._known == entry:
                break
        entry = self._known.copy()
        self._exits.append([])
        made = self._arm(body, refined(self, test)[0] if test is not None else narrow)
        self._exits.pop()
        self._known = entry
        return made

    # ------------------------------------------------------------ expressions

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
                return self._operation(_BINARY[type(op)], self._alike([left, right], of))
            case ast.BoolOp(op=op, values=values):
                parts = tuple(self._expression(v, None).node for v in values)
                return Typed(Logical(BOOL, "and" if isinstance(op, ast.And) else "or", parts), TRUTH)
            case ast.Compare(left=left, ops=ops, comparators=others):
                operands = tuple(v.node for v in self._alike([left, *others], None))
                return Typed(Compare(BOOL, tuple(_COMPARISONS[type(op)] for op in ops), operands), TRUTH)
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
            case ast.Attribute(value=base, attr=attribute):
                return self._component(self._expression(base, None), "xyzw".index(attribute), True)
        raise _unread(node)

    def _number(self, value: float, of: Scalar | None) -> Typed:
        if of is None or (isinstance(value, float) and not of.is_float) or of is BOOL:
            of = self.real if isinstance(value, float) else INT32
        if of.is_float and of.notation != "float32":
            value = short(float(value))
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

    def _choice(self, node: ast.IfExp, of: Scalar | None) -> Typed:
        test = self._expression(node.test, None)
        entry, found = self._known, dict[int, Typed]()
        arms = list(zip((node.body, node.orelse), refined(self, node.test), strict=True))
        # numbers last: they have the type of what else there is
        for n in sorted((0, 1), key=lambda n: _is_number(arms[n][0])):
            arm, narrow = arms[n]
            self._known = entry.copy()
            self.narrow(narrow)
            beside = next((v.type for v in found.values()), of)
            found[n] = self._expression(arm, beside if isinstance(beside, Scalar) else None)
        self._known = entry
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
            return self.sketch.convert(found, to)
        return Typed(Cast(to, found.node), interval, found.live and to.is_float)

    def _element(self, array: Parameter, index: ast.expr) -> Typed:
        assert isinstance(array.type, Array)
        own = self.sketch.own_indices()
        if isinstance(index, ast.Name) and index.id == "i" and len(array.shape) == len(own):
            at: tuple[Expression, ...] = own
        else:
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            found = [self._expression(part, INT32) for part in parts]
            for part, extent in zip(found, array.shape, strict=True):
                assert part.interval.within(Interval(0, extent - 1)), ast.unparse(index)
            at = tuple(part.node for part in found)
        node = Element(array.type.dtype, array.name, at)
        return Typed(node, Interval(array.low, array.high), self.sketch.has_gradient(array))

    @staticmethod
    def _component(base: Typed, number: int, attribute: bool) -> Typed:
        of = base.type
        assert isinstance(of, Composite)
        node = Component(of.dtype, base.node, Literal(INT32, number), attribute)
        return Typed(node, base.interval, base.live)

    # ------------------------------------------------------------ for the tests of branches

    def interval_of(self, node: ast.expr) -> Interval:
        """Between which values an operand of a test lies."""
        return self._expression(node, None).interval

    def is_whole(self, name: str) -> bool:
        """Whether a name stands for a whole number."""
        value = self._known.values.get(name)
        return value is not None and isinstance(value.type, Scalar) and value.type.is_integer


def short(value: float) -> float:
    """`value` with few binary digits, which every float type holds exactly."""
    if value == 0:
        return value
    scale = 1.0
    while abs(value) * scale < 2 ** (_SHORT_BITS - 1):
        scale *= 2
    while abs(value) * scale >= 2**_SHORT_BITS:
        scale /= 2
    return round(value * scale) / scale


def _is_number(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=value):
            return not isinstance(value, bool)
        case ast.UnaryOp(op=ast.USub() | ast.Invert(), operand=operand):
            return _is_number(operand)
    return False


def _assigned(tree: ast.AST) -> Iterator[str]:
    """The names that lines assign, as often as they do."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AugAssign(target=ast.Name(id=name)):
                yield name


def _leaves(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Return | ast.Break | ast.Continue)


def _unread(node: ast.AST) -> TypeError:
    return TypeError(f"no phrase has {ast.unparse(node)!r}")


__all__ = ["Bound", "Phrase", "short"]
