"""Functions whose calls can be told apart by their order, and expressions in which that order shows."""

from __future__ import annotations

from typing import Final

from strategies.blocks import whole
from strategies.calls import Callee
from strategies.functions import FunctionSketch
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Compare,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    For,
    If,
    Logical,
    Name,
    Return,
    Statement,
    While,
)
from strategies.language.types import BOOL, INT32
from strategies.ops import OPS
from strategies.statements import Sketch
from strategies.typed import Typed

#: What a counter may reach: a cell starts within three of zero, and a kernel has few calls of steps up to three.
COUNTED: Final = Interval(-3, 120)
#: Trips of a loop whose test counts.
MOST_TRIPS: Final = 4
#: Of 100 chains with a call, how many end with it: whether Warp calls what a chain leaves out is known.
CALLED_LAST: Final = 50
#: What an operand made of calls is brought back to before it is multiplied or summed on.
SMALL: Final = Interval(-8, 8)


def draw_counter(sketch: Sketch) -> Callee:
    """``count[i] += step``, ``return count[i]``, or the value from before."""
    own = FunctionSketch(sketch)
    dice = own.dice
    count = own.array(INT32, sketch.launch, Interval(-3, 3), output=True)
    places: tuple[Expression, ...] = tuple(Name(INT32, own.place(n).name) for n in sketch.launch)
    target = Element(INT32, count.name, places)
    step: Expression = whole(dice.between(1, 3))
    if dice.chance(50):
        step = Name(INT32, own.count(Interval(1, 3)).name)
    result = Typed(target, COUNTED)
    if dice.chance(50):
        body: list[Statement] = [AugmentedAssign(target, "add", step), Return((target,))]
        return own.finish(INT32, body, [result], places, counts=True)
    old = Name(INT32, own.fresh())
    body = [Assign(old, target), Assign(target, Apply(INT32, "add", (old, step)))]
    body.append(Return((old if dice.chance(60) else target,)))
    return own.finish(INT32, body, [result], places, counts=True)


def counted(sketch: Sketch, counter: Callee, depth: int) -> Typed:
    """A whole number made of calls: what it is depends on which of them run, and in which order."""
    dice = sketch.dice
    if depth <= 0:
        if dice.chance(sketch.weights.functions.lazy_reads) and (array := _counts(sketch, counter)):
            return Typed(Element(INT32, array, sketch.own_indices()), COUNTED)
        if not dice.chance(80):
            return sketch.leaf(INT32)
        return sketch.call(counter, 1)
    match dice.below(8):
        case 0:
            return sketch.call(counter, 1)
        case 1 | 2 | 3:
            left, right = counted(sketch, counter, depth - 1), counted(sketch, counter, depth - 1)
            op = dice.one_of(("sub", "add", "mul", "max"))
            pair = [sketch.fit(v, SMALL) if op == "mul" else v for v in (left, right)]
            return sketch.apply(OPS[op], INT32, pair)
        case 4:
            number = dice.one_of((10, 2, 3, 100))
            factor = Typed(whole(number), Interval(number, number))
            value = counted(sketch, counter, depth - 1)
            return sketch.apply(OPS["mul"], INT32, [sketch.fit(value, COUNTED), factor])
        case 5:
            then, otherwise = counted(sketch, counter, depth - 1), sketch.leaf(INT32)
            pair = [then, otherwise] if dice.chance(50) else [otherwise, then]
            node = Conditional(INT32, sketch.condition(1).node, pair[0].node, pair[1].node)
            return Typed(node, then.interval.join(otherwise.interval))
        case 6:
            of = types.vector(dice.one_of((2, 3)), INT32)
            parts = [counted(sketch, counter, depth - 1) for _ in range(of.length)]
            interval = parts[0].interval
            for part in parts[1:]:
                interval = interval.join(part.interval)
            vector = Construct(of, tuple(p.node for p in parts))
            if dice.chance(50):
                return Typed(Component(INT32, vector, whole(dice.below(of.length)), True), interval)
            return Typed(Apply(INT32, dice.one_of(("max", "min")), (vector,)), interval)
    extent, index = sketch.launch[0], counted(sketch, counter, depth - 1)
    table = sketch.array(INT32, (extent,), Interval(-4, 4))
    return Typed(Element(INT32, table.name, (_wrapped(sketch, index, extent),)), Interval(-4, 4))


def _wrapped(sketch: Sketch, value: Typed, extent: int) -> Expression:
    """`value` as an index of `extent` cells."""
    magnitude = Apply(INT32, "abs", (sketch.fit(value, Interval(-1000, 1000)).node,))
    return Apply(INT32, "mod", (magnitude, whole(extent)))


def _counts(sketch: Sketch, counter: Callee) -> str | None:
    """The array that `counter` counts in, if it has been called."""
    found = [p.name for key, p in sketch.changed.items() if key.startswith(f"{counter.function.name}.")]
    return found[0] if found else None


def counted_test(sketch: Sketch, counter: Callee) -> Typed:
    """A comparison with a call in it: of both sides, in a chain, or behind ``and`` or ``or``."""
    dice = sketch.dice
    left = sketch.call(counter, 1)
    low = whole(dice.between(0, 3))
    match dice.below(5):
        case 1:
            test: Expression = Compare(BOOL, ("<",), (left.node, sketch.call(counter, 1).node))
        case 2 if dice.chance(CALLED_LAST):
            # which is not called where the first link does not hold
            bound, value = whole(dice.between(-1, 2)), sketch.fit(sketch.leaf(INT32), COUNTED).node
            first = (value, bound) if dice.chance(60) or isinstance(value, Element) else (bound, value)
            test = Compare(BOOL, (dice.one_of(("<", "<=")), dice.one_of(("<", "<="))), (*first, left.node))
        case 2:
            test = Compare(BOOL, ("<", "<="), (low, left.node, whole(dice.between(3, 6))))
        case 3 | 4:
            second = Compare(BOOL, (dice.one_of((">", "<", "==")),), (left.node, low))
            operands = [sketch.condition(1).node, second]
            if dice.chance(30):
                operands.append(Compare(BOOL, (">",), (sketch.call(counter, 1).node, low)))
            elif dice.chance(30):
                operands.reverse()
            test = Logical(BOOL, dice.one_of(("and", "or")), tuple(operands))
        case _:
            test = Compare(BOOL, (dice.one_of((">", "<", "==")),), (left.node, low))
    return Typed(test, Interval(0, 1))


def counting(sketch: Sketch, counter: Callee) -> list[Statement]:
    """One or two statements in which a call stands as an operand, an argument, a test or a bound."""
    dice = sketch.dice
    match dice.below(7):
        case 3:
            made = sketch.define_as(sketch.literal(INT32, Interval(0, 3)), mutable=True)
            local = sketch.defined[-1]
            name = Name(INT32, local.name)
            change = AugmentedAssign(name, "add", sketch.fit(counted(sketch, counter, 1), COUNTED).node)
            orelse: tuple[Statement, ...] = ()
            if dice.chance(50):
                orelse = (AugmentedAssign(name, "sub", sketch.call(counter, 1).node),)
            local.interval, local.used = Interval(-400, 400), False
            return [made, If(counted_test(sketch, counter).node, (change,), orelse)]
        case 4:
            return _counting_loop(sketch, counter)
        case 5:
            return _while_counting(sketch, counter)
        case 6:
            test = counted_test(sketch, counter)
            value = Conditional(INT32, test.node, counted(sketch, counter, 1).node, whole(0))
            return [sketch.define_as(Typed(value, Interval(-2000, 2000)), mutable=False)]
    return [sketch.define_as(sketch.fit_local(counted(sketch, counter, 2)), mutable=dice.chance(30))]


def _counting_loop(sketch: Sketch, counter: Callee) -> list[Statement]:
    """A range whose end is counted, once; its body may count too."""
    dice = sketch.dice
    made = sketch.define_as(sketch.literal(INT32, Interval(0, 3)), mutable=True)
    local = sketch.defined[-1]
    stop = _wrapped(sketch, sketch.call(counter, 1), MOST_TRIPS)
    index = sketch.fresh()
    term: Expression = sketch.call(counter, 1).node if dice.chance(50) else Name(INT32, index)
    local.interval, local.used = Interval(-400, 400), False
    add = AugmentedAssign(Name(INT32, local.name), dice.one_of(("add", "sub")), term)
    return [made, For(index, stop, (add,))]


def _while_counting(sketch: Sketch, counter: Callee) -> list[Statement]:
    """``while bump(count, i) < 5``: the test counts."""
    dice = sketch.dice
    made = sketch.define_as(sketch.literal(INT32, Interval(0, 3)), mutable=True)
    local = sketch.defined[-1]
    test = Compare(BOOL, ("<",), (sketch.call(counter, 1).node, whole(dice.between(2, 6))))
    local.interval, local.used = Interval(0, 40), False
    add = AugmentedAssign(Name(INT32, local.name), "add", whole(dice.between(1, 3)))
    return [made, While(test, (add,))]
