"""Truth values: masks, tests under names of their own, functions that say yes or no, short circuits of operands with
effects, locals, parameters and arrays of bools, bools as numbers, any and all."""

from collections.abc import Iterator
from typing import Final

from strategies.answers import asked, draw_answerer
from strategies.blocks import Block, whole
from strategies.calls import Callee
from strategies.conditions import TRIES
from strategies.counters import counted_test, draw_counter
from strategies.functions import draw_expression
from strategies.intervals import TRUTH, Interval
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
    Cast,
    Compare,
    Conditional,
    Element,
    Expression,
    For,
    If,
    Literal,
    Logical,
    Name,
    Statement,
)
from strategies.language.types import BOOL, FLOAT16, INT32
from strategies.repertoire.ideas.numbers import kernel
from strategies.repertoire.ideas.palettes import common
from strategies.repertoire.ideas.truths import draw_idea
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("logical", "negation", "chain"))

WEIGHTS: Final = Statements(define=4, reassign=2, augment=3, branch=4)
#: Of 100 other kernels, how many have a function that counts its calls: those prove the forward pass alone.
COUNTING: Final = 46
#: Of 100 of the rest, how many have one that keeps a number and says something of it.
ANSWERED: Final = 70
#: Of 100 kernels, how many are what people write with masks and tests.
IDEAS: Final = 62


def _flag(sketch: Sketch) -> Typed:
    """An element of an array of bools."""
    found = sketch.readable(BOOL)
    if not found or (len(found) < 2 and sketch.dice.chance(40)):
        found = [sketch.array(BOOL, sketch.launch_shape(), TRUTH)]
    return sketch.element_of(sketch.dice.one_of(found))


def _truth(sketch: Sketch, depth: int) -> Typed:
    """A truth value: of locals, elements, comparisons and functions, combined."""
    dice = sketch.dice
    if depth <= 0:
        local = sketch.scope.of_type(BOOL)
        match dice.below(6):
            case 0 | 1 if local:
                unused = [v for v in local if not v.used]
                return sketch.variable(dice.one_of(unused or local))
            case 2 | 3:
                return _flag(sketch)
        return sketch.condition(1)
    match dice.below(8):
        case 0 | 1 | 2 | 3:
            count = dice.one_of((2, 2, 2, 2, 3, 3, 4))
            return Typed(Logical(BOOL, dice.one_of(("and", "or")), _different(sketch, count, depth - 1)), TRUTH)
        case 4:
            return Typed(Apply(BOOL, "unot", (_truth(sketch, depth - 1).node,)), TRUTH)
        case 5:
            # two truth values compared, as one writes an exclusive or
            return Typed(Compare(BOOL, (dice.one_of(("!=", "==")),), _different(sketch, 2, 0)), TRUTH)
        case 6:
            return Typed(Cast(BOOL, sketch.element(INT32 if dice.chance(60) else sketch.main).node), TRUTH)
        case 7:
            return Typed(Conditional(BOOL, *_different(sketch, 3, 0)), TRUTH)
    return sketch.condition(depth)


def _different(sketch: Sketch, count: int, depth: int) -> tuple[Expression, ...]:
    """`count` truth values, mostly no two of them about the same, so that none decides another."""
    found: list[Expression] = []
    known: set[Expression] = set()
    for _ in range(count):
        value = _truth(sketch, depth).node
        for _ in range(TRIES):
            if not known & sketch.subjects(value):
                break
            value = sketch.comparison(1).node
        known |= sketch.subjects(value)
        found.append(value)
    return tuple(found)


def _number(sketch: Sketch, truth: Typed) -> Typed:
    """``float(flag)``, ``int(flag)``, or ``1.0 if flag else 0.0``."""
    dice, main = sketch.dice, sketch.main
    if dice.chance(75) and main is not FLOAT16:
        return Typed(Cast(main, truth.node), TRUTH)
    return sketch.as_type(truth, main)


def _decides(sketch: Sketch, flag: Variable) -> list[Statement]:
    """What a truth value that nothing has read so far is for: a branch, or a choice between two numbers."""
    dice, main = sketch.dice, sketch.main
    truth = sketch.variable(flag)
    match dice.below(3):
        case 0:
            return [sketch.define_as(_number(sketch, truth), mutable=False)]
        case 1 if sketch.changeable():
            return [sketch.when(truth, lambda: sketch.changes(Statements(), 1))]
    then, otherwise = sketch.element(main), sketch.literal(main)
    arms = (then.node, otherwise.node)
    node: Expression = Apply(main, "where", (truth.node, *arms))
    if dice.chance(40):
        node = Conditional(main, truth.node, *arms)
    return [sketch.define_as(Typed(node, then.interval.join(otherwise.interval), then.live), mutable=False)]


def _accumulated(sketch: Sketch) -> list[Statement]:
    """Whether any, or all, of some elements pass a test, or how many do."""
    dice, main = sketch.dice, sketch.main
    extent = dice.one_of((3, 4, 5))
    array = sketch.array(main, (extent + dice.below(2),), sketch.input_interval(main))
    index = sketch.fresh()
    element = Element(main, array.name, (Name(INT32, index),))
    low, high = array.low, array.high
    limit = sketch.literal(main, Interval(low + (high - low) / 3, high - (high - low) / 6)).node
    test: Expression = Compare(BOOL, (dice.one_of((">", "<", ">=")),), (element, limit))
    if dice.chance(35):
        test = Logical(BOOL, dice.one_of(("and", "or")), (test, _flag(sketch).node))
    if dice.chance(30):
        name = sketch.fresh()
        first: Statement = Assign(Name(INT32, name), Cast(INT32, whole(0)))
        step: Statement = AugmentedAssign(Name(INT32, name), "add", Cast(INT32, test))
        if dice.chance(40):
            step = If(test, (AugmentedAssign(Name(INT32, name), "add", whole(1)),))
        made = [first, For(index, whole(extent), (step,))]
        total = Typed(Name(INT32, name), Interval(0, extent))
        return [*made, sketch.define_as(sketch.convert(total, main), mutable=False)]
    every = dice.chance(50)
    local = Name(BOOL, sketch.new_local(BOOL, TRUTH, False).name)
    if dice.chance(60):
        both = (local, test) if dice.chance(70) else (test, local)
        inner: Block = (Assign(local, Logical(BOOL, "and" if every else "or", both)),)
    else:
        reached = Apply(BOOL, "unot", (test,)) if every else test
        inner = (If(reached, (Assign(local, Literal(BOOL, not every)), *((Break(),) if dice.chance(40) else ()))),)
    # a bare constant may not be changed in a loop that stays one: a conversion makes it a variable
    return [Assign(local, Cast(BOOL, Literal(BOOL, every))), For(index, whole(extent), inner)]


def _effects(sketch: Sketch, counter: Callee) -> list[Statement]:
    """A test that counts, kept in a local, in a branch, or behind others."""
    dice = sketch.dice
    test = counted_test(sketch, counter)
    if dice.chance(35):
        more = (_truth(sketch, 0).node, test.node, counted_test(sketch, counter).node)
        operands = more if dice.chance(50) else more[:2]
        test = Typed(Logical(BOOL, dice.one_of(("and", "or")), operands), TRUTH)
    if dice.chance(20):
        test = Typed(Apply(BOOL, "unot", (test.node,)), TRUTH)
    if dice.chance(60):
        return [sketch.define_as(test, mutable=False)]
    return [sketch.when(test, lambda: sketch.changes(Statements(), 1))]


def _changed(sketch: Sketch) -> list[Statement]:
    """A bool that an arm gives another value: ``if test: flag = not flag``."""
    dice = sketch.dice
    local = sketch.scope.of_type(BOOL)
    if not local:
        return [sketch.define_as(_truth(sketch, 2), mutable=False)]
    name = Name(BOOL, dice.one_of(local).name)
    value: Expression = Apply(BOOL, "unot", (name,))
    other = _truth(sketch, 0).node
    if other != name and dice.chance(60):
        value = Logical(BOOL, dice.one_of(("and", "or")), (name, other))
    assign = Assign(name, value)
    return [If(sketch.condition(1).node, (assign,))] if dice.chance(60) else [assign]


def body(sketch: Sketch) -> Iterator[Statement]:
    """An idea about truth values, or three to six statements on them, and a result that they decide."""
    dice, main = sketch.dice, sketch.main
    if dice.chance(IDEAS):
        yield from kernel(sketch, draw_idea)
        return
    sketch.palette = common(sketch)
    counter = draw_counter(sketch) if dice.chance(COUNTING) else None
    answerer = None
    if counter is None and dice.chance(ANSWERED):
        answerer = draw_answerer(sketch, BOOL if dice.chance(60) else INT32)
    if dice.chance(45):
        draw_expression(sketch, BOOL)
        sketch.calls = 30
    first = sketch.element(main)
    yield sketch.define_as(first, mutable=True)
    yield sketch.define_as(_truth(sketch, dice.between(1, 2)), mutable=False)
    for _ in range(dice.between(1, 4)):
        match dice.below(7):
            case 0 | 1:
                yield sketch.define_as(_truth(sketch, dice.between(1, 2)), mutable=False)
            case 2:
                yield from _accumulated(sketch)
            case 3:
                yield from _changed(sketch)
            case 4:
                yield sketch.define_as(_number(sketch, _truth(sketch, 1)), mutable=False)
            case 5:
                yield sketch.when(_truth(sketch, 2), lambda: sketch.changes(Statements(), 1))
            case _:
                yield from sketch.block(1, WEIGHTS, 1)
    if counter is not None:
        for _ in range(dice.between(1, 2)):
            yield from _effects(sketch, counter)
    if answerer is not None:
        yield from asked(sketch, answerer)
    for callee in sketch.uncalled():
        if not callee.effects:
            yield sketch.define_as(sketch.call(callee, 1), mutable=False)
    if dice.chance(40):
        yield sketch.store(sketch.output(BOOL), _truth(sketch, 2))
    for flag in [v for v in sketch.scope if v.type is BOOL and not v.used and v in sketch.defined]:
        yield from _decides(sketch, flag)
    yield sketch.store(sketch.output(main), sketch.result(main, dice.between(0, 1)))
