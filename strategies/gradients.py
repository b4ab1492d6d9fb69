"""Functions with a gradient of their own, the true one in another spelling or one that is meant to differ."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Final

import msgspec

from strategies.blocks import whole
from strategies.calls import Callee
from strategies.functions import PLAIN, FunctionSketch
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Cast,
    Compare,
    Element,
    Expression,
    If,
    Literal,
    Name,
    Return,
    Statement,
    Unpack,
)
from strategies.language.types import BOOL, INT32, Type
from strategies.ops import OPS
from strategies.repertoire.phrases import Phrase
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed

#: Of 100 functions with a replay, how many add to a cell what they return, so that it shows whether the replay ran or
#: the function itself once more, and how many return two values.
COUNTED: Final = 80
PAIRED: Final = 12
#: How many places there are that such a function may tell a thread to take.
SLOTS: Final = 4
#: Functions of one parameter that people give a gradient of their own: the value, and its slope.
_ONE: Final = (
    ("x * x", "2.0 * x"), ("x * x * x", "3.0 * x * x"), ("sin(x)", "cos(x)"), ("exp(x)", "exp(x)"),
    ("tanh(x)", "1.0 - tanh(x) * tanh(x)"), ("sqrt(x * x + 1.0)", "x / sqrt(x * x + 1.0)"),
    ("1.0 / (1.0 + x * x)", "-2.0 * x / ((1.0 + x * x) * (1.0 + x * x))"),
    ("log(1.0 + exp(x))", "1.0 / (1.0 + exp(-x))"), ("exp(-x * x)", "-2.0 * x * exp(-x * x)"),
    ("max(x, 0.0)", "1.0 if x > 0.0 else 0.0"), ("x if x > 0.0 else 0.1 * x", "1.0 if x > 0.0 else 0.1"),
    ("x * x if x > 0.0 else 0.0", "2.0 * x if x > 0.0 else 0.0"),
)  # fmt: skip
#: Those whose slope is held, smoothed, scaled or turned round, so that it is another than the derivative.
_OTHER: Final = (
    ("x * x * x", "min(3.0 * x * x, 2.0)"), ("x * x", "clamp(2.0 * x, -1.0, 1.0)"), ("exp(x)", "min(exp(x), 2.0)"),
    ("max(x, 0.0)", "1.0 if x > 0.0 else 0.1"), ("x", "-x"), ("x", "-1.0"), ("x", "0.5"), ("2.0 * x", "1.0"),
    ("sqrt(abs(x) + 0.25)", "0.5 * sign(x) / max(sqrt(abs(x) + 0.25), 1.0)"), ("clamp(x, -1.0, 1.0)", "1.0"),
    ("abs(x)", "tanh(4.0 * x)"), ("clamp(x, 0.0, 1.0)", "1.0 if x > -0.5 and x < 1.5 else 0.0"),
)  # fmt: skip
#: Steps, whose slope is that of the identity, everywhere or near zero.
_STEPS: Final = (
    ("round(x)", "1.0"), ("floor(x)", "1.0"), ("sign(x)", "1.0 if abs(x) < 1.0 else 0.0"),
    ("round(x * 4.0) * 0.25", "1.0"),
    ("1.0 if x > 0.0 else 0.0", "exp(-x * x)"), ("1.0 if x > 0.0 else -1.0", "1.0 - tanh(x) * tanh(x)"),
)  # fmt: skip
#: Functions of two parameters, and the slopes with respect to both; the second lies between 0.5 and 2.
_TWO: Final = (
    ("x * y", "y", "x"), ("x / y", "1.0 / y", "-x / (y * y)"), ("x * exp(-y)", "exp(-y)", "-x * exp(-y)"),
    ("sqrt(x * x + y * y)", "x / sqrt(x * x + y * y)", "y / sqrt(x * x + y * y)"), ("x - y", "1.0", "-1.0"),
    ("sin(x) * y", "cos(x) * y", "sin(x)"), ("max(x, y)", "1.0 if x > y else 0.0", "0.0 if x > y else 1.0"),
    ("x * x * y", "2.0 * x * y", "x * x"), ("(x - y) * (x - y)", "2.0 * (x - y)", "2.0 * (y - x)"),
    ("x * log(y)", "log(y)", "x / y"), ("tanh(x * y)", "y * (1.0 - tanh(x * y) * tanh(x * y))", "0.0"),
    ("x / (abs(x) + y)", "1.0 / (abs(x) + y)", "-x / ((abs(x) + y) * (abs(x) + y))"),
)  # fmt: skip
#: Of 100 such functions, how many have slopes that are any functions of the parameters.
RANDOM: Final = 15
#: Of 100 others, how many take two numbers, or are combined of two that take one.
PAIRS: Final = 30
COMBINED: Final = 20
#: Of 100 functions with a gradient of their own, how many call another such one, and how those are made of it: the
#: value, and the slope, of what the other gives (``g``) and what is said to be its slope (``d``).
NESTED: Final = 22
_NESTED: Final = (
    ("g * x", "g + x * d"), ("g + 0.5 * x", "d + 0.5"), ("x - g", "1.0 - d"), ("g * g", "2.0 * g * d"),
    ("sin(g)", "cos(g) * d"), ("0.5 * g", "0.5 * d"), ("g", "2.0 * d"), ("g / (1.0 + x * x)", "d / (1.0 + x * x)"),
)  # fmt: skip
#: Of 100 gradients of such functions, how many call the other one again, or ask for its gradient; else they compute it.
ASKED: Final = 50
#: Of 100 functions with an effect and a replay, how many count their calls and have a gradient of their own besides,
#: and how many are told by what they kept what they returned.
SLOPED: Final = 22
KEPT: Final = 30
#: Of 100 functions that ask for a gradient, how many return nothing else: Warp is known to make no adjoint of them.
SLOPES_ALONE: Final = 60


#: Functions without a gradient of their own that a kernel asks Warp for: those whose slope is one everywhere.
_SMOOTH: Final = tuple(row for row in (*_ONE, *_TWO) if not any(word in row[0] for word in ("max(", "abs(")))
#: Of 100 such functions, how many return early, how many name their result, and of 100 of two numbers how many have a
#: default for the second.
EARLY: Final = 30
NAMED: Final = 30
DEFAULTED: Final = 40


class _Own(FunctionSketch):
    """Draws a function over numbers that are given from the start."""

    def __init__(self, kernel: Sketch, ranges: Sequence[Interval]) -> None:
        super().__init__(kernel)
        self.vectors = False
        self.calls = 0
        self.given = [self.parameter(self.main, interval) for interval in ranges]
        self.most_parameters = 0

    def do(self, op: str, *arguments: Typed) -> Typed:
        """An operation on numbers."""
        return self.apply(OPS[op], self.main, list(arguments))

    def phrase(self) -> Phrase:
        """Lines over the parameters, the first of them called ``x`` and the second ``y``."""
        return Phrase(self).bind(**{name: self.variable(v) for name, v in zip("xy", self.given, strict=False)})


def draw_custom(sketch: Sketch) -> Callee:
    """A function with ``@wp.func_grad``."""
    dice = sketch.dice
    if dice.chance(NESTED):
        return _draw_nested(sketch)
    if not dice.chance(RANDOM):
        if dice.chance(PAIRS):
            return _draw_two(sketch)
        return _draw_combined(sketch) if dice.chance(COMBINED) else _draw_one(sketch)
    own = _Own(sketch, [symmetric(2.0)] * dice.between(1, 3))
    with own._inner():
        body = own.block(dice.below(2), PLAIN, 1)
        value = own.give(sketch.main, dice.between(1, 2))
    slopes = [_slope(own) for _ in own.given]
    return own.finish(sketch.main, [*body, Return((value.node,))], [value], slopes=tuple(slopes))


def _table(sketch: Sketch) -> Sequence[tuple[str, str]]:
    return sketch.dice.weighted(((9, _ONE), (6, _OTHER), (2, _STEPS)))


def _returned(own: _Own, lines: Phrase, text: str, slopes: Sequence[Typed]) -> Callee:
    """The function that returns what `text` is, under a name at times."""
    if own.dice.chance(30) and not text.isidentifier():
        lines.write(f"value = {text}")
        text = "value"
    value = lines.value(text)
    return own.finish(own.main, [*lines.body, Return((value.node,))], [value], slopes=tuple(slopes))


def _draw_one(sketch: Sketch) -> Callee:
    """A function of one number."""
    text, slope = sketch.dice.one_of(_table(sketch))
    own = _Own(sketch, [symmetric(2.0)])
    lines = own.phrase()
    return _returned(own, lines, text, [lines.value(slope, own.main)])


def _draw_nested(sketch: Sketch) -> Callee:
    """A function that calls another one with a gradient of its own, and has one itself."""
    dice = sketch.dice
    text, slope = dice.one_of(_table(sketch))
    other = _Own(sketch, [symmetric(2.0)])
    lines = other.phrase()
    inner = _returned(other, lines, text, [lines.value(slope, other.main)])
    sketch.called.add(inner.function.name)
    own = _Own(sketch, [symmetric(2.0)])
    lines, (x,) = own.phrase(), (own.variable(v) for v in own.given)
    call = Call(own.main, inner.function.name, (x.node,))
    value, derived = dice.one_of(_NESTED)
    found = Typed(call, inner.intervals[0], True)
    if dice.chance(40):
        lines.bind(called=found).write("g = called")
    else:
        lines.bind(g=found)
    result = own.fit_local(lines.value(value, own.main))
    back = own.phrase()
    if dice.chance(ASKED):
        back.bind(g=found, d=Typed(msgspec.structs.replace(call, derivative=True), inner.slopes[0], True))
    else:
        back.bind(g=back.value(text, own.main), d=back.value(slope, own.main))
    end = Return((result.node,))
    return own.finish(own.main, [*lines.body, end], [result], slopes=(back.value(derived, own.main),))


def _draw_two(sketch: Sketch) -> Callee:
    """A function of two numbers."""
    text, *slopes = sketch.dice.one_of(_TWO)
    own = _Own(sketch, [symmetric(2.0), Interval(0.5, 2.0)])
    lines = own.phrase()
    return _returned(own, lines, text, [lines.value(slope, own.main) for slope in slopes])


def _draw_combined(sketch: Sketch) -> Callee:
    """A sum, a difference or a product of two functions of one number each."""
    dice = sketch.dice
    own = _Own(sketch, [symmetric(2.0), symmetric(2.0)])
    lines = own.phrase()
    (left, first), (right, second) = dice.some_of(_table(sketch), 2)
    one, two = lines.value(left), lines.value(first, own.main)
    # the second over the second parameter
    lines.bind(x=own.variable(own.given[1]))
    other, slope = lines.value(right), lines.value(second, own.main)
    match dice.below(3):
        case 0:
            value, slopes = own.do("add", one, other), [two, slope]
        case 1:
            value, slopes = own.do("sub", one, other), [two, own.do("neg", slope)]
        case _:
            value, slopes = own.do("mul", one, other), [own.do("mul", two, other), own.do("mul", slope, one)]
    return own.finish(sketch.main, [*lines.body, Return((value.node,))], [value], slopes=tuple(slopes))


def draw_plain(sketch: Sketch, numbers: tuple[int, ...]) -> Callee:
    """A function without a gradient of its own, of one of so many numbers, which `wp.grad` may be asked for."""
    dice, count = sketch.dice, sketch.dice.one_of(numbers)
    rows = [row for row in _SMOOTH if len(row) == count + 1]
    own = _Own(sketch, [symmetric(2.0), Interval(0.5, 2.0)][:count])
    lines = own.phrase()
    texts = dice.some_of(rows, 2 if dice.chance(EARLY) else 1)
    found = [[lines.value(text, own.main) for text in row] for row in texts]
    body: list[Statement] = []
    for value, *_ in found[1:]:
        edge = Literal(own.main, dice.one_of((0.0, 0.5, -0.5, 1.0)))
        test = Compare(BOOL, (dice.one_of((">", "<", ">=", "<=")),), (own.variable(own.given[0]).node, edge))
        body.append(If(test, (Return((value.node,)),)))
    last = found[0][0]
    if dice.chance(NAMED):
        body.append(own.define_as(last, mutable=False))
        last = own.variable(own.defined[-1])
    if count > 1 and dice.chance(DEFAULTED):
        default = Literal(own.main, dice.one_of((0.5, 1.0, 1.5, 2.0)))
        own.parameters[-1] = msgspec.structs.replace(own.parameters[-1], default=default)
    callee = own.finish(own.main, [*body, Return((last.node,))], [_joined([value for value, *_ in found])])
    slopes = tuple(_joined([slopes[n] for _, *slopes in found]).interval for n in range(count))
    sketch.callees[-1] = callee._replace(slopes=slopes)
    return sketch.callees[-1]


def _joined(values: Sequence[Typed]) -> Typed:
    """What is known of one of several values."""
    return values[0]._replace(interval=reduce(Interval.join, (value.interval for value in values)))


def _slope(own: _Own) -> Typed:
    """Any function of the parameters: what a gradient is said to be, it is."""
    value = own.expression(own.main, own.dice.between(1, 2))
    return own.fit(value, symmetric(8.0))


def draw_replayed(sketch: Sketch) -> Callee:
    """A function that keeps what it returns in an array, or counts it there; its replay only computes it again.

    At times it has two results: Warp is known to run no replay of such a one.
    """
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
    cell = Element(sketch.main, kept.name, places)
    store: Statement = Assign(cell, result.node)
    if own.dice.chance(COUNTED):
        store = AugmentedAssign(cell, "add", result.node)
    results = [result]
    of: Type = sketch.main
    if own.dice.chance(PAIRED):
        results = [result, own.fit_local(own.result(sketch.main, 1))]
        of = types.tuple_of([sketch.main] * 2)
    end = Return(tuple(found.node for found in results))
    return own.finish(of, [*body, value, store, end], results, places=places, replay=(*body, value, end))


def draw_counted(sketch: Sketch) -> Callee:
    """A function with a gradient of its own and a replay, which leaves out that it counts its calls."""
    dice = sketch.dice
    text, slope = dice.one_of(_table(sketch))
    own = _Own(sketch, [symmetric(2.0)])
    count = own.array(INT32, sketch.launch_shape(), Interval(-3, 3), output=True)
    places: tuple[Expression, ...] = tuple(Name(INT32, own.place(n).name) for n in sketch.launch)
    add = AugmentedAssign(Element(INT32, count.name, places), "add", whole(dice.between(1, 3)))
    lines = own.phrase()
    value = lines.value(text)
    end = Return((value.node,))
    slopes = (lines.value(slope, own.main),)
    callee = own.finish(own.main, [add, end], [value], places=places, slopes=slopes, replay=(end,))
    # `wp.grad` asks for the gradients of functions of numbers alone
    sketch.callees[-1] = callee._replace(slopes=())
    return sketch.callees[-1]


def draw_slot(sketch: Sketch) -> Callee:
    """``slot = wp.atomic_add(count, i, 1)``, kept in an array that the replay reads: as Warp documents it."""
    own = FunctionSketch(sketch)
    count = own.array(INT32, sketch.launch_shape(), Interval(0, SLOTS - 1), output=True)
    slots = own.array(INT32, sketch.launch_shape(), Interval(0, SLOTS - 1), output=True)
    places: tuple[Expression, ...] = tuple(Name(INT32, own.place(n).name) for n in sketch.launch)
    slot, kept = Name(INT32, own.fresh()), Element(INT32, slots.name, places)
    step = whole(own.dice.between(1, 3))
    change: list[Statement] = [Atomic("atomic_add", count.name, places, step, result=slot)]
    if own.dice.chance(40):
        cell = Element(INT32, count.name, places)
        change = [Assign(slot, Cast(INT32, cell)), AugmentedAssign(cell, "add", step)]
    body = [*change, Assign(kept, slot), Return((slot,))]
    found = Typed(slot, Interval(0, SLOTS - 1))
    return own.finish(INT32, body, [found], places=places, replay=(Return((kept,)),))


def draw_slope(sketch: Sketch, callee: Callee) -> Callee:
    """A function that asks another for its gradient: ``return wp.grad(f)(x)``, or something made of that."""
    own, of = FunctionSketch(sketch), callee.function
    own.vectors, own.calls = False, 0
    given = [own.parameter(own.main, Interval(p.low, p.high)) for p in of.parameters]
    own.most_parameters = len(own.parameters)
    known = of.name in own.called
    body = [derivative(own, callee, 1)]
    if not known:
        # to ask for its gradient is not to call it
        own.called.discard(of.name)
    for variable in given:
        variable.used = True
    if own.dice.chance(SLOPES_ALONE):
        value, *others = (own.variable(v) for v in own.defined if v not in given)
        for other in others:
            value = own.apply(OPS[own.dice.one_of(("add", "sub"))], own.main, [value, other])
        value = own.fit_local(value)
    else:
        value = own.give(own.main, own.dice.below(2))
    return own.finish(own.main, [*body, Return((value.node,))], [value])


def draw_caller(sketch: Sketch, callee: Callee) -> Callee:
    """A function that does little more than call another."""
    own = FunctionSketch(sketch)
    own.vectors, own.calls = False, 0
    own.parameter(own.main)
    body = [own.define_as(own.fit_local(own.call(callee, 1)), mutable=False)]
    value = own.give(own.main, own.dice.between(0, 1))
    return own.finish(own.main, [*body, Return((value.node,))], [value])


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
