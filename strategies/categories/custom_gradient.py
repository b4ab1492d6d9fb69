"""Gradients of functions' own: the true one spelled otherwise, clipped, straight through, of vectors; `wp.grad`."""

import math
from collections.abc import Iterator
from typing import Final

from strategies.adjoints import NUMBERS, draw_written
from strategies.blocks import changeable_value
from strategies.calls import Callee
from strategies.functions import draw_expression, unpacked
from strategies.gradients import (
    KEPT,
    SLOPED,
    SLOTS,
    derivative,
    draw_caller,
    draw_counted,
    draw_custom,
    draw_plain,
    draw_replayed,
    draw_slope,
    draw_slot,
)
from strategies.intervals import Interval, symmetric
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Call,
    Element,
    Expression,
    For,
    Literal,
    Name,
    Parameter,
    Statement,
    Unpack,
)
from strategies.language.types import INT32, Scalar, Tuple, Vector
from strategies.ops import OPS
from strategies.repertoire.ideas.numbers import stored
from strategies.repertoire.ideas.palettes import common
from strategies.repertoire.pen import Pen
from strategies.repertoire.phrases import Phrase
from strategies.repertoire.values import Value
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

#: Of 100 kernels, in how many such a function has a gradient of a few lines; of 100 others, how many do little more
#: than call one.
WRITTEN = 40
SIMPLE = 45
#: Of 100 kernels that do little more than call one, how many do so in a loop, and of how many of those only a run knows
#: how often: such a loop sums alone, so that its gradient is promised.
LOOPED: Final = 35
UNKNOWN: Final = 55
#: Of 100 kernels of several statements, how many have a function that asks another for its gradient; of 100 of those,
#: how many have a further one that calls it, which Warp is known not to build.
SLOPES: Final = 40
CALLERS: Final = 30
#: Of 100 kernels of several statements, how many have a function without a gradient of its own that is asked for one;
#: of 100 others, how many follow the slope of such a function.
PLAIN: Final = 35
DESCENTS: Final = 12
#: Of 100 kernels of several statements, how many have one with a gradient of a few lines, too.
FURTHER = 20
WEIGHTS = Statements(define=6, reassign=2, augment=3, branch=1)


def _called(sketch: Sketch, callee: Callee) -> Typed:
    """A call, with elements that are positive where a parameter has to be: a clamp would end most gradients."""
    function = callee.function
    if callee.effects or not callee.slopes or all(p.low <= 0 for p in function.parameters):
        return sketch.call(callee, 2)
    sketch.called.add(function.name)
    given = []
    for parameter in function.parameters:
        if parameter.low > 0:
            found = sketch.array(sketch.main, sketch.launch_shape(), Interval(parameter.low, parameter.high))
            given.append(
                Typed(Element(sketch.main, found.name, sketch.own_indices()), Interval(found.low, found.high), True)
            )
        else:
            given.append(sketch.argument(parameter, 2))
    node = Call(function.type, function.name, tuple(a.node for a in given))
    return Typed(node, callee.intervals[0], True)


def _of_elements(sketch: Sketch, callee: Callee, shape: tuple[int, ...], at: tuple[Expression, ...]) -> Typed:
    """A call with elements of arrays that hold what the function is for."""
    sketch.called.add(callee.function.name)
    given = []
    for parameter in callee.function.parameters:
        found = sketch.array(sketch.main, shape, Interval(parameter.low, parameter.high))
        given.append(Element(sketch.main, found.name, at))
    return Typed(Call(callee.function.type, callee.function.name, tuple(given)), callee.intervals[0], True)


def _simply(sketch: Sketch) -> list[Statement]:
    """A function with a gradient of its own that a kernel does little more than call, at times in a loop."""
    dice, main = sketch.dice, sketch.main
    callee = draw_custom(sketch)
    phrase = Phrase(sketch)
    if dice.chance(LOOPED):
        trips = dice.between(3, 5)
        stop: Expression = Literal(INT32, trips)
        if dice.chance(UNKNOWN):
            stop = sketch.variable(sketch.scalar_parameter(INT32, Interval(1, trips))).node
        phrase.write("value = F(0.0)")
        if stop != Literal(INT32, trips):
            # a bare constant may not be changed in a loop that stays one: a conversion makes it a variable
            first = phrase.body[-1]
            assert isinstance(first, Assign)
            phrase.body[-1] = Assign(first.target, changeable_value(first.value))
        total, index = phrase.known("value"), sketch.fresh()
        value = _of_elements(sketch, callee, (trips,), (Name(INT32, index),))
        assert isinstance(total.node, Name)
        add = AugmentedAssign(total.node, "add", value.node)
        phrase.body.append(For(index, stop, (add,)))
        phrase.bind(value=Typed(total.node, symmetric(trips * value.interval.size), True))
    else:
        phrase.bind(f=_of_elements(sketch, callee, sketch.launch_shape(), sketch.own_indices()))
        phrase.write("value = f")
        if dice.chance(40):
            phrase.inline("value")
    phrase.array("w", main, -1.0, 1.0).parameter("s", main, 0.25, 2.0).drawn("e", main, 2.0)
    ways = ("value", "value * w[i]", "w[i] - value", "s * value", "value + w[i]", "0.5 * value * value", "value * e")
    stored(phrase, dice.one_of((*ways, "value - e")))
    return phrase.body


def _descends(sketch: Sketch) -> list[Statement]:
    """Steps down the slope of a function: ``x -= 0.125 * wp.grad(f)(x)``."""
    dice, main, index = sketch.dice, sketch.main, sketch.fresh()
    callee, trips = draw_plain(sketch, (1,)), dice.between(1, 4)
    rate = 2.0 ** -min(math.ceil(math.log2(max(trips * callee.slopes[0].size, 4.0))), 5)
    start = sketch.array(main, sketch.launch_shape(), symmetric(1.0))
    begun = sketch.define_as(Typed(Element(main, start.name, sketch.own_indices()), symmetric(1.0), True), mutable=True)
    x = sketch.variable(sketch.defined[-1]).node
    assert isinstance(x, Name)
    slope = Call(main, callee.function.name, (x,), derivative=True)
    steps: list[Statement] = [AugmentedAssign(x, "sub", Apply(main, "mul", (Literal(main, rate), slope)))]
    if dice.chance(40):
        value = Name(main, sketch.fresh())
        steps = [Assign(value, slope), AugmentedAssign(x, "sub", Apply(main, "mul", (Literal(main, rate), value)))]
    found = [begun, *steps] if trips == 1 else [begun, For(index, Literal(INT32, trips), tuple(steps))]
    end = Typed(x, symmetric(2.0), True)
    if dice.chance(50):
        sketch.called.add(callee.function.name)
        end = Typed(Call(main, callee.function.name, (x,)), callee.intervals[0], True)
    return [*found, sketch.store(sketch.output(main), end)]


def _argument(pen: Pen, parameter: Parameter) -> Value:
    """What a function with a gradient of a few lines is called with: an element, worked on at times, or a setting."""
    dice, of = pen.dice, parameter.type
    assert isinstance(of, Scalar | Vector)
    span = Interval(parameter.low, parameter.high)
    if isinstance(of, Scalar) and (of.is_integer or span.low > 0) and dice.chance(65):
        if of is pen.main:
            return pen.number(span.low, span.high)
        return Value(pen, pen.sketch.literal(of, span)) if dice.chance(50) else pen.scalar(span.low, span.high, of)
    found = pen.at(pen.input(of, span))
    match dice.below(8):
        case 0 if span.low < 0:
            return pen.fitted(found - pen.at(pen.input(of, span)), span.low, span.high)
        case 1 if of is pen.main and span.low < 0:
            return found * pen.number(0.25, 1.0)
        case 2 if of is pen.main and span.low < 0:
            return pen.fitted(pen.op(dice.one_of(("sin", "tanh")), found), span.low, span.high)
    return found


def _call_of(pen: Pen, callee: Callee) -> Call:
    function = callee.function
    pen.sketch.called.add(function.name)
    return Call(function.type, function.name, tuple(_argument(pen, p).node for p in function.parameters))


def _written(sketch: Sketch) -> list[Statement]:
    """A function whose gradient has a few lines, and what it gives, used and stored."""
    dice, pen = sketch.dice, Pen(sketch)
    callee = draw_written(sketch)
    function, node = callee.function, _call_of(pen, callee)
    found = [Typed(node, interval, True) for interval in callee.intervals]
    if isinstance(function.type, Tuple):
        names = [sketch.new_local(of, value.interval, True) for of, value in zip(function.results, found, strict=True)]
        pen.body.append(Unpack(tuple(Name(v.type, v.name) for v in names), (node,)))
        found = [sketch.variable(variable) for variable in names]
    values = [Value(pen, value) for value in found]
    if len(values) == 1 and dice.chance(60):
        values = [pen.let(values[0])]
    numbers = [value for value in values if isinstance(value.type, Scalar)]
    if len(numbers) > 1 and dice.chance(45):
        first, second = numbers
        values = [dice.one_of((first * second, first + second, first - second))]
    for value in values:
        _kept(pen, value)
    return pen.body


def _kept(pen: Pen, value: Value) -> None:
    """A result in an output: as it is, weighted, with a target, or a number made of a vector."""
    dice = pen.dice
    of = value.type
    if isinstance(of, Vector):
        match dice.below(6):
            case 0:
                value = pen.op("dot", value, pen.at(pen.input(of, 1.0)))
            case 1:
                value = value * pen.number(0.25, 2.0)
            case 2:
                value = value - pen.at(pen.input(of))
            case 3:
                value = pen.at(pen.input(of)) + value
    elif dice.chance(20):
        value = pen.let(value - pen.at(pen.input()))
        value = value * value
    pen.give(value)


def _replayed(sketch: Sketch) -> Callee:
    """A function with an effect and a replay that leaves it out."""
    draw = sketch.dice.weighted(((SLOPED, draw_counted), (KEPT, draw_slot), (100 - SLOPED - KEPT, draw_replayed)))
    return draw(sketch)


def _taken(sketch: Sketch, slot: Typed) -> Iterator[Statement]:
    """The place that a function gave the thread, kept, and what is there: which gradient it gets, the replay says."""
    yield sketch.define_as(slot, mutable=False)
    table = sketch.array(sketch.main, (SLOTS,), sketch.input_interval(sketch.main))
    place = sketch.variable(sketch.defined[-1]).node
    element = Typed(Element(sketch.main, table.name, (place,)), Interval(table.low, table.high), True)
    other = sketch.fit_local(sketch.element(sketch.main))
    value = sketch.apply(OPS[sketch.dice.one_of(("mul", "mul", "add"))], sketch.main, [element, other])
    yield sketch.define_as(sketch.fit_local(value), mutable=sketch.dice.chance(50))


def body(sketch: Sketch) -> Iterator[Statement]:
    """One or two such functions, at times others that call them, and statements that call all of them."""
    dice, main = sketch.dice, sketch.main
    sketch.palette = common(sketch)
    if dice.chance(WRITTEN):
        yield from _written(sketch)
        return
    if dice.chance(DESCENTS):
        yield from _descends(sketch)
        return
    if dice.chance(SIMPLE):
        if dice.chance(40):
            draw_custom(sketch)
        yield from _simply(sketch)
        others = [c for c in sketch.callees if c.function.name not in sketch.called]
        for callee in others:
            value = _of_elements(sketch, callee, sketch.launch_shape(), sketch.own_indices())
            yield sketch.store(sketch.output(main), value)
        return
    for _ in range(dice.between(1, 2)):
        draw_custom(sketch)
    plain = draw_plain(sketch, (1, 2)) if dice.chance(PLAIN) else None
    if dice.chance(40):
        sketch.calls = 60
        draw_expression(sketch, main)
    replayed = _replayed(sketch) if dice.chance(60) else None
    if dice.chance(FURTHER):
        draw_written(sketch, ((1, NUMBERS),))
    if dice.chance(SLOPES):
        slope = draw_slope(sketch, dice.one_of([c for c in sketch.callees if c.slopes]))
        if dice.chance(CALLERS):
            draw_caller(sketch, slope)
    sketch.calls = 20
    yield from sketch.block(dice.below(2), WEIGHTS, dice.between(1, 2))
    custom = [c for c in sketch.callees if c.slopes]
    # one of which nothing but its gradient is asked for
    lonely = dice.one_of(custom) if dice.chance(12) else None
    for callee in list(sketch.callees):
        if callee is lonely and callee.function.name not in sketch.called:
            yield derivative(sketch, callee, 1)
        elif callee.function.adjoint:
            value = Typed(_call_of(Pen(sketch), callee), callee.intervals[0], True)
            yield sketch.define_as(value, mutable=False)
        elif callee is replayed and isinstance(callee.function.type, Tuple):
            yield unpacked(sketch, callee, 2)
        elif callee is replayed and callee.function.type is INT32:
            yield from _taken(sketch, _called(sketch, callee))
        elif callee is replayed or callee.function.name not in sketch.called:
            yield sketch.define_as(sketch.fit_local(_called(sketch, callee)), mutable=dice.chance(50))
    if plain is not None and dice.chance(75):
        yield derivative(sketch, plain, 1)
    elif dice.chance(60):
        yield derivative(sketch, dice.one_of(custom), 1)
    if dice.chance(15):
        # applied to its own result
        callee = dice.one_of(custom)
        yield sketch.define_as(sketch.fit_local(_called(sketch, callee)), mutable=False)
    if dice.chance(20):
        # in a loop
        yield from sketch.loop(Statements(define=2, augment=5), 1)
    yield from sketch.block(dice.below(3), WEIGHTS, 2)
    value = sketch.result(main, dice.between(0, 2))
    if dice.chance(35):
        value = sketch.plus(sketch.element(main), value)
    yield sketch.store(sketch.output(main), value)
