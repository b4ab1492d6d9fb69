"""Functions of a program (``@wp.func``), each drawn like a kernel's body over parameters of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from strategies.blocks import whole
from strategies.calls import Callee, tested
from strategies.inputs import as_bound
from strategies.intervals import TRUTH, Interval, symmetric
from strategies.language import types
from strategies.language.generics import text_name
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Compare,
    Element,
    Evaluate,
    Expression,
    Extent,
    For,
    Function,
    If,
    Literal,
    Name,
    Parameter,
    Return,
    Statement,
    Unpack,
)
from strategies.language.types import BOOL, INT32, VOID, Array, Composite, Scalar, Type, Vector
from strategies.loops import Bounds
from strategies.names import NAMES
from strategies.ops import OPS
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

#: Between which values a float parameter lies: what most expressions give without a guard.
FLOAT_RANGES: Final = (symmetric(4.0), symmetric(4.0), symmetric(2.0), symmetric(8.0))
#: Words that a function may be called by.
CALLED: Final = tuple(name for name in NAMES if len(name) > 3)
PLAIN: Final = Statements(define=5, reassign=2, augment=3)
BRANCHED: Final = Statements(define=4, reassign=2, augment=3, branch=3)
#: Of 100 functions with several results that are alike, how many give one number twice: Warp is known to share what is
#: unpacked, and of results that are the same, no exchange shows.
TWICE: Final = 5
#: Of 100 parameters that a test of the function reads, how many may have a default, which decides the test.
DECIDED: Final = 30


class FunctionSketch(Sketch):
    """Draws one function.  What a kernel reads from arrays, a function takes as parameters."""

    def __init__(self, kernel: Sketch) -> None:
        self.kernel = kernel
        super().__init__(kernel.dice, kernel.launch, kernel.main, kernel.weights, kernel.features)
        self.begin()
        self.allowed, self.mixture = kernel.allowed, kernel.mixture
        self.vectors, self.spread, self.decimals = kernel.vectors, kernel.spread, kernel.decimals
        self.callees, self.called, self.calls = kernel.callees, kernel.called, kernel.calls
        self.max_unroll = kernel.max_unroll
        self.max_arrays = 0
        self.most_parameters = self.weights.functions.parameters
        self.nodes = self.weights.kernels.nodes - self.weights.functions.nodes
        self.scope.taken |= {text_name(c.function.name) for c in kernel.callees}
        #: the name of the function
        free = [name for name in CALLED if name not in kernel.scope.taken]
        self.name = self.dice.one_of(free)
        kernel.scope.taken.add(self.name)
        self.scope.taken.add(self.name)

    def _draw_palette(self) -> frozenset[str]:
        return self.kernel.palette

    # ------------------------------------------------------------ parameters

    def parameter(self, of: Type, interval: Interval | None = None) -> Variable:
        """A new parameter passed by value."""
        scalar = types.element_scalar(of)
        if interval is None:
            ranges = FLOAT_RANGES if isinstance(of, Scalar) else FLOAT_RANGES[:1]
            interval = self.dice.one_of(ranges) if scalar.is_float else self.input_interval(of)
        name = self.fresh()
        low, high = as_bound(interval.low, of), as_bound(interval.high, of)
        self.parameters.append(Parameter(name, of, low, high))
        variable = Variable(name, of, interval, used=False, live=scalar.is_float, mutable=False)
        self.scope.add(variable)
        self.defined.append(variable)
        return variable

    def place(self, extent: int) -> Variable:
        """A new parameter that is a place in an array."""
        return self.count(Interval(0, extent - 1))

    def count(self, interval: Interval) -> Variable:
        """A new parameter that is a small whole number."""
        variable = self.parameter(INT32, interval)
        variable.used = True
        return variable

    def scalar_parameter(self, of: Scalar | Vector, interval: Interval | None = None) -> Variable:
        """A new parameter passed by value."""
        return self.parameter(of, interval)

    # ------------------------------------------------------------ what takes the place of inputs

    def element(self, dtype: Scalar | Composite) -> Typed:
        """An element of an array that was passed, or a parameter, which is made if there is none."""
        arrays = self.readable(dtype)
        if arrays and self.dice.chance(70):
            return self.element_of(self.dice.one_of(arrays))
        fitting = [v for v in self._passed() if v.type is dtype]
        if fitting and (
            len(self.parameters) >= self.most_parameters or not self.dice.chance(50 if len(fitting) < 2 else 15)
        ):
            unused = [v for v in fitting if not v.used]
            return self.variable(self.dice.one_of(unused or fitting))
        if len(self.parameters) < self.most_parameters:
            return self.variable(self.parameter(dtype))
        others = [v for v in self._passed() if isinstance(v.type, Scalar) and v.type is not BOOL]
        if others:
            return self.as_type(self.variable(self.dice.one_of(others)), dtype)
        return self.variable(self.parameter(dtype))

    def other_than(self, value: Typed) -> Typed:
        """A value of the same type that is another one; a matrix or a rotation is passed, as an array's element is."""
        of = value.type
        return super().other_than(value) if isinstance(of, Scalar | Vector) else self.variable(self.parameter(of))

    def _passed(self) -> list[Variable]:
        names = {p.name for p in self.parameters if not isinstance(p.type, Array)}
        return [v for v in self.scope if v.name in names and not v.sum_only]

    def _may_read(self, of: Type) -> bool:
        if isinstance(of, Vector) and not self.vectors:
            return False
        return isinstance(of, Scalar | Vector) and of is not BOOL

    def _index_value(self, of: Scalar) -> Typed:
        return self.element(of)

    def _extent_bound(self, trips: int) -> Bounds:
        small = [p for p in self.parameters if isinstance(p.type, Array) and not p.output and p.shape[0] <= 6]
        if not small:
            return self._parameter_bound(trips)
        chosen = self.dice.one_of(small)
        extent = chosen.shape[0]
        return Bounds(None, Extent(INT32, chosen.name, 0), None, extent, Interval(0, extent - 1))

    def stop_of_loop(self, trips: int) -> Typed:
        """An int32 of up to `trips`: a literal, a parameter, an array's length."""
        match self.dice.below(4):
            case 1 | 2:
                return self.variable(self.count(Interval(self.dice.between(0, 1), trips)))
            case 3:
                found = self._extent_bound(trips)
                return Typed(found.stop, Interval(0, found.trips))
        return Typed(whole(trips), Interval(trips, trips))

    def group(self, cells: int) -> Expression:
        """One of `cells` places."""
        return self.index(cells)

    # ------------------------------------------------------------ the end of it

    def finish(
        self,
        of: Type,
        body: list[Statement],
        results: list[Typed],
        places: tuple[Expression, ...] = (),
        counts: bool = False,
        slopes: tuple[Typed, ...] = (),
        replay: tuple[Statement, ...] = (),
        adjoint: tuple[Statement, ...] = (),
        needed: tuple[str, ...] = (),
        shared: bool = False,
        leaves: Interval | None = None,
    ) -> Callee:
        """The function, known to the kernel from now on; the parameters that are `needed` have no default."""
        names = tuple(place.name for place in places if isinstance(place, Name))
        if not slopes and not adjoint:
            decisive = [p.name for p in self.parameters if p.name in tested(body) and not self.dice.chance(DECIDED)]
            self._give_defaults((*names, *needed, *decisive))
        live = any(r.live for r in results) or bool(slopes or adjoint)
        given = tuple(slope.node for slope in slopes)
        function = Function(self.name, of, tuple(self.parameters), tuple(body), given, replay, adjoint=adjoint)
        intervals = tuple(r.interval for r in results)
        callee = Callee(
            function, intervals, live, names, counts, tuple(slope.interval for slope in slopes), shared, leaves
        )
        self.kernel.callees.append(callee)
        return callee

    def _give_defaults(self, places: tuple[str, ...]) -> None:
        """Defaults for some of the last parameters."""
        if not self.dice.chance(self.weights.functions.defaults):
            return
        for n in range(len(self.parameters) - 1, max(0, len(self.parameters) - 3), -1):
            parameter = self.parameters[n]
            if not isinstance(parameter.type, Scalar) or parameter.type is BOOL or parameter.name in places:
                break
            value = self.literal(parameter.type, Interval(parameter.low, parameter.high)).node
            assert isinstance(value, Literal)
            self.parameters[n] = msgspec.structs.replace(parameter, default=value)
            if not self.dice.chance(40):
                break

    def give(self, of: Type, depth: int) -> Typed:
        """What the function returns, made of everything that it computed."""
        if of is not BOOL:
            value = self.result(of, depth)
            return value if types.element_scalar(of).kind in ("uint", "bool") else self.fit_local(value)
        left = self.result(self.main, depth)
        low, high = left.interval
        middle = self.literal(self.main, Interval(low + (high - low) / 4, high - (high - low) / 4))
        return Typed(Compare(BOOL, (self.dice.one_of(("<", ">", "<=", ">=")),), (left.node, middle.node)), TRUTH)


def result_type(sketch: Sketch) -> Type:
    """What a function returns: mostly the kernel's float type."""
    table: list[tuple[int, Type]] = [(10, sketch.main), (1, INT32), (1, BOOL)]
    if sketch.vectors:
        table.append((6, sketch.vector_type(sketch.main)))
    return sketch.dice.weighted(tuple(table))


def draw_expression(sketch: Sketch, of: Type) -> Callee:
    """A function of a line or a few."""
    own = FunctionSketch(sketch)
    own.parameter(of if isinstance(of, Vector) else sketch.main)
    body = own.block(own.dice.below(3), PLAIN, own.dice.between(1, 2))
    value = own.give(of, own.dice.between(1, 2))
    return own.finish(of, [*body, Return((value.node,))], [value])


def draw_early(sketch: Sketch, of: Type) -> Callee:
    """A function that returns from branches: one or two ways out first, or from all arms of one."""
    own = FunctionSketch(sketch)
    dice = own.dice
    own.parameter(of if isinstance(of, Vector) else sketch.main)
    body = own.block(dice.below(2), PLAIN, 1)
    found: list[Typed] = []

    def way_out() -> tuple[Statement, ...]:
        def draw() -> list[Statement]:
            first = own.block(1, PLAIN, 1) if dice.chance(25) else []
            value = own.give(of, 1)
            # ways out that are alike would hide which of them was taken
            value = _unlike(own, value, found)
            found.append(value)
            return [*first, Return((value.node,))]

        entry = own.scope.snapshot()
        with own._inner():
            made = draw()
        own.scope.restore(entry)
        return tuple(made)

    for _ in range(dice.between(1, 2)):
        test = own.condition(dice.between(1, 2))
        if dice.chance(20):
            other = own.condition(1)
            body.append(If(test.node, way_out(), (If(other.node, way_out()),)))
        else:
            body.append(If(test.node, way_out()))
        if dice.chance(30):
            body += own.block(1, PLAIN, 1)
    if dice.chance(30):
        test = own.condition(1)
        body.append(If(test.node, way_out(), way_out()))
    else:
        value = own.give(of, dice.between(1, 2))
        value = _unlike(own, value, found[-1:])
        found.append(value)
        body.append(Return((value.node,)))
    return _finish_joined(own, of, body, found)


def _unlike(own: FunctionSketch, value: Typed, others: Iterable[Typed]) -> Typed:
    """`value` or, if one of `others` is the same, its negative, or the other truth."""
    if all(value.node != other.node for other in others):
        return value
    if value.type is BOOL:
        return Typed(Apply(BOOL, "unot", (value.node,)), TRUTH)
    return value if types.element_scalar(value.type).kind == "uint" else own.apply(OPS["neg"], value.type, [value])


def _finish_joined(own: FunctionSketch, of: Type, body: list[Statement], found: list[Typed]) -> Callee:
    """A function whose result is one of `found`."""
    interval = found[0].interval
    for other in found[1:]:
        interval = interval.join(other.interval)
    joined = Typed(found[-1].node, interval, any(f.live for f in found))
    return own.finish(of, body, [joined])


def draw_loop(sketch: Sketch, of: Type) -> Callee:
    """A function with a loop: of literal bounds, of a count that is passed, ``while``, or with a way out."""
    own = FunctionSketch(sketch)
    dice = own.dice
    own.parameter(of if isinstance(of, Vector) else sketch.main)
    weights = Statements(define=4, augment=5, reassign=1, branch=1, leave=1)
    body = own.while_loop(weights, dice.between(1, 2)) if dice.chance(12) else own.loop(weights, dice.between(1, 2))
    value = own.give(of, dice.below(2))
    last = body[-1]
    if isinstance(last, For) and of is sketch.main and dice.chance(20):
        # a return out of the loop
        test = own.condition(1)
        early = own.fit_local(own.expression(of, 1))
        body[-1] = msgspec.structs.replace(last, body=(*last.body, If(test.node, (Return((early.node,)),))))
        return _finish_joined(own, of, [*body, Return((value.node,))], [early, value])
    return own.finish(of, [*body, Return((value.node,))], [value])


def draw_reader(sketch: Sketch, of: Type) -> Callee:
    """A function that is passed an array and a place in it, and may visit some of its elements."""
    own = FunctionSketch(sketch)
    dice = own.dice
    assert isinstance(of, Scalar | Vector)
    extent = dice.one_of((sketch.launch[0], sketch.launch[0], 3, 4, 6))
    array = own.array(of, (extent,), own.input_interval(of))
    place = own.place(extent)
    at: Expression = Name(INT32, place.name)
    first = Typed(Element(of, array.name, (at,)), Interval(array.low, array.high), types.element_scalar(of).is_float)
    body: list[Statement] = [own.define_as(first, mutable=dice.chance(60))]
    if extent <= 6 and dice.chance(45):
        body += own.loop(Statements(define=4, augment=6), 1)
    body += own.block(dice.below(2), BRANCHED, 1)
    value = own.give(of, dice.between(0, 2))
    return own.finish(of, [*body, Return((value.node,))], [value])


def draw_writer(sketch: Sketch, of: Type) -> Callee:
    """A function that stores or adds to a cell, and at times returns what it stored."""
    own = FunctionSketch(sketch)
    dice = own.dice
    assert isinstance(of, Scalar | Vector)
    out = own.array(of, sketch.launch_shape(), Interval(-3, 3), output=True)
    places: tuple[Expression, ...] = tuple(Name(INT32, own.place(n).name) for n in sketch.launch)
    own.parameter(of)
    test = own.condition(1) if dice.chance(40) else None
    body = own.block(dice.below(2), PLAIN, 1)
    value = own.give(of, dice.between(1, 2))
    target, before = Element(of, out.name, places), Interval(out.low, out.high)
    term = own.summand(out, value, 4)
    leaves = symmetric(before.size + term.interval.size)
    match dice.below(8):
        # a store comes to the same when the backward pass runs the function again; a sum does not
        case 0 | 1 | 2 | 3 | 4 | 5:
            body.append(Assign(target, value.node))
            leaves = before.join(value.interval)
        case 6:
            body.append(AugmentedAssign(target, dice.one_of(("add", "sub")), term.node))
        case _:
            body.append(Atomic("atomic_add", out.name, places, term.node))
    if types.element_scalar(of).kind == "uint":
        leaves = Interval(*types.element_scalar(of).limits)
    if not dice.chance(35):
        body = body if test is None else [If(test.node, tuple(body))]
        return own.finish(VOID, body, [], places=places, leaves=leaves)
    back = own.fit_local(own.expression(of, 1))
    return own.finish(of, [*body, Return((back.node,))], [back], places=places, leaves=leaves)


def draw_several(sketch: Sketch, count: int) -> Callee:
    """A function with `count` results."""
    own = FunctionSketch(sketch)
    dice = own.dice
    own.parameter(sketch.main)
    body = own.block(dice.below(3), BRANCHED, dice.between(1, 2))
    kinds: list[Type] = []
    for _ in range(count):
        extra: list[Type] = [INT32, *([sketch.vector_type(sketch.main)] if sketch.vectors else [])]
        kinds.append(sketch.main if dice.chance(70) else dice.one_of(extra))
    if sketch.main not in kinds:
        kinds[-1] = sketch.main
    last = max(n for n, k in enumerate(kinds) if k is sketch.main)
    alike = [n for n, k in enumerate(kinds) if k is sketch.main and n != last]
    twice = dice.one_of(alike) if alike and dice.chance(TWICE) else last
    drawn: dict[int, Typed] = {}
    for n, kind in enumerate(kinds):
        if n not in (twice, last):
            drawn[n] = _unlike(own, own.fit_local(own.expression(kind, dice.between(1, 2))), drawn.values())
    # drawn after the others, for it uses what they left
    drawn[last] = _unlike(own, own.fit_local(own.result(kinds[last], 1)), drawn.values())
    if twice != last:
        if not isinstance(drawn[last].node, Name):
            body.append(own.define_as(drawn[last], mutable=False))
            drawn[last] = own.variable(own.defined[-1])
        drawn[twice] = drawn[last]
    values = [drawn[n] for n in range(count)]
    of = types.tuple_of(kinds)
    if dice.chance(25):
        test = own.condition(1)
        others: list[Typed] = []
        for kind in kinds:
            others.append(_unlike(own, own.fit_local(own.expression(kind, 1)), others))
        body.append(If(test.node, (Return(tuple(v.node for v in others)),)))
        merged = [
            Typed(v.node, v.interval.join(o.interval), v.live or o.live) for v, o in zip(values, others, strict=True)
        ]
        return own.finish(of, [*body, Return(tuple(v.node for v in values))], merged)
    return own.finish(of, [*body, Return(tuple(v.node for v in values))], values)


def unpacked(sketch: Sketch, callee: Callee, depth: int) -> Statement:
    """``a, b = f(x)``."""
    value = sketch.call(callee, depth)
    of = callee.function.type
    assert isinstance(of, types.Tuple)
    targets = []
    for item, interval in zip(of.items, callee.intervals, strict=True):
        assert isinstance(item, Scalar | Vector)
        floats = types.element_scalar(item).is_float
        variable = sketch.new_local(item, interval, value.live and floats)
        targets.append(Name(item, variable.name))
    return Unpack(tuple(targets), (value.node,))


def evaluated(sketch: Sketch, callee: Callee, depth: int) -> Statement:
    """A call for its effect; what it returns is kept at times, if it returns anything."""
    value = sketch.call(callee, depth)
    if callee.function.type is VOID:
        return Evaluate(value.node)  # type: ignore[arg-type]
    return sketch.define_as(value, mutable=False)
