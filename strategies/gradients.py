"""Functions with a gradient of their own, the true one in another spelling or one that is meant to differ."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from strategies.calls import Callee
from strategies.functions import PLAIN, FunctionSketch
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Call,
    Compare,
    Conditional,
    Element,
    Expression,
    Name,
    Return,
    Statement,
    Unpack,
)
from strategies.language.types import BOOL, INT32
from strategies.ops import OPS
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed

#: A function's result and its slopes, of its one parameter.
_Pair = tuple[Typed, Typed]


class _Own(FunctionSketch):
    """Draws a function over numbers that are given from the start."""

    def __init__(self, kernel: Sketch, count: int, reach: float = 2.0) -> None:
        super().__init__(kernel)
        self.vectors = False
        self.calls = 0
        self.given = [self.parameter(self.main, symmetric(reach)) for _ in range(count)]
        self.most_parameters = 0

    def do(self, op: str, *arguments: Typed) -> Typed:
        """An operation on numbers."""
        return self.apply(OPS[op], self.main, list(arguments))

    def number(self, value: float) -> Typed:
        """A number."""
        return Typed(self._constant(self.main, value), Interval(value, value))


def _square(own: _Own, x: Typed) -> _Pair:
    slope = own.do("mul", own.number(2.0), x) if own.dice.chance(50) else own.do("add", x, x)
    return own.do("mul", x, x), slope


def _sine(own: _Own, x: Typed) -> _Pair:
    return own.do("sin", x), own.do("cos", x)


def _exponential(own: _Own, x: Typed) -> _Pair:
    return own.do("exp", x), own.do("exp", x)


def _hyperbolic(own: _Own, x: Typed) -> _Pair:
    value = own.do("tanh", x)
    return value, own.do("sub", own.number(1.0), own.do("mul", value, value))


def _root(own: _Own, x: Typed) -> _Pair:
    value = own.do("sqrt", own.do("add", own.do("mul", x, x), own.number(1.0)))
    return value, own.do("div", x, value)


def _clipped(own: _Own, x: Typed) -> _Pair:
    """A cube whose gradient is held between bounds."""
    square = own.do("mul", x, x)
    slope = own.do("mul", own.number(3.0), square)
    return own.do("mul", square, x), own.do("min", slope, own.number(2.0))


def _straight_through(own: _Own, x: Typed) -> _Pair:
    """A step whose gradient is that of the identity, everywhere or near zero."""
    value = own.do(own.dice.one_of(("round", "floor", "sign", "step", "rint")), x)
    if own.dice.chance(50):
        return value, own.number(1.0)
    near = Compare(BOOL, ("<",), (own.do("abs", x).node, own.number(1.0).node))
    return value, Typed(Conditional(own.main, near, own.number(1.0).node, own.number(0.0).node), Interval(0, 1))


def _reversed(own: _Own, x: Typed) -> _Pair:
    """The identity, with a gradient that points the other way, or is scaled."""
    return own.do("mul", x, own.number(1.0)), own.number(own.dice.one_of((-1.0, -0.5, 0.25, 2.0)))


def _safe(own: _Own, x: Typed) -> _Pair:
    """A root whose gradient stays finite at zero."""
    size = own.do("abs", x)
    lifted = own.do("max", size, own.number(0.25))
    return own.do("sqrt", size), own.do("div", own.number(0.5), own.do("sqrt", lifted))


_PAIRS: tuple[Callable[[_Own, Typed], _Pair], ...] = (
    _square, _sine, _exponential, _hyperbolic, _root, _clipped, _reversed, _safe,
    _square, _sine, _exponential, _hyperbolic, _root, _clipped, _reversed, _straight_through,
)  # fmt: skip


def draw_custom(sketch: Sketch) -> Callee:
    """A function with ``@wp.func_grad``."""
    dice = sketch.dice
    if dice.chance(55):
        return _draw_pair(sketch)
    own = _Own(sketch, dice.between(1, 3))
    with own._inner():
        body = own.block(dice.below(2), PLAIN, 1)
        value = own.give(sketch.main, dice.between(1, 2))
    slopes = [_slope(own) for _ in own.given]
    return own.finish(sketch.main, [*body, Return((value.node,))], [value], slopes=tuple(slopes))


def _draw_pair(sketch: Sketch) -> Callee:
    dice = sketch.dice
    own = _Own(sketch, dice.between(1, 2))
    found = [dice.one_of(_PAIRS)(own, own.variable(v)) for v in own.given]
    value, slopes = found[0][0], [slope for _, slope in found]
    if len(found) == 2:
        other = found[1][0]
        if dice.chance(50):
            value = own.do(dice.one_of(("add", "sub")), value, other)
        else:
            slopes = [own.do("mul", slopes[0], other), own.do("mul", slopes[1], value)]
            value = own.do("mul", value, other)
    body: list[Statement] = []
    if dice.chance(30):
        body.append(own.define_as(value, mutable=False))
        value = own.variable(own.defined[-1])
    return own.finish(sketch.main, [*body, Return((value.node,))], [value], slopes=tuple(slopes))


def _slope(own: _Own) -> Typed:
    """Any function of the parameters: what a gradient is said to be, it is."""
    value = own.expression(own.main, own.dice.between(1, 2))
    return own.fit(value, symmetric(8.0))


def draw_replayed(sketch: Sketch) -> Callee:
    """A function that keeps what it returns in an array; its replay only computes it again."""
    own = FunctionSketch(sketch)
    own.vectors, own.calls = False, 0
    kept = own.array(sketch.main, sketch.launch_shape(), Interval(-3, 3), output=True)
    places: tuple[Expression, ...] = tuple(Name(INT32, own.place(n).name) for n in sketch.launch)
    own.parameter(sketch.main, symmetric(4.0))
    own.most_parameters = len(own.parameters) + 1
    body = own.block(own.dice.below(2), PLAIN, 1)
    value = own.define_as(own.give(sketch.main, own.dice.between(1, 2)), mutable=False)
    local: Variable = own.defined[-1]
    result = own.variable(local)
    store = Assign(Element(sketch.main, kept.name, places), result.node)
    end = Return((result.node,))
    return own.finish(
        sketch.main, [*body, value, store, end], [result], places=places, replay=(*body, value, end)
    )  # fmt: skip


def derivative(sketch: Sketch, callee: Callee, depth: int) -> Statement:
    """``g = wp.grad(f)(x)``, or several at once."""
    value = sketch.call(callee, depth)
    main, count = sketch.main, len(callee.slopes)
    of = main if count == 1 else types.tuple_of([main] * count)
    node = value.node
    assert isinstance(node, Call)
    node = msgspec.structs.replace(node, type=of, derivative=True)
    if count == 1:
        return sketch.define_as(Typed(node, callee.slopes[0]), mutable=False)
    locals_ = [sketch.new_local(main, interval, False) for interval in callee.slopes]
    return Unpack(tuple(Name(main, v.name) for v in locals_), (node,))
