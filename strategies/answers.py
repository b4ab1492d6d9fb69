"""Functions that keep a number in an array and say something of it, and the tests that ask them."""

from __future__ import annotations

from typing import Final

from strategies.blocks import whole
from strategies.calls import Callee
from strategies.functions import PLAIN, FunctionSketch
from strategies.intervals import TRUTH, Interval
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
    Compare,
    Conditional,
    Element,
    Expression,
    Literal,
    Logical,
    Name,
    Return,
    Statement,
    While,
)
from strategies.language.types import BOOL, INT32, Scalar
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

#: Of 100 truth values that such a function gives, how many are operands of others, and of 100 whole numbers, how many
#: end a chain: Warp is known to lose the adjoints of the former, and to ask for the latter in any case.
JOINED: Final = 65
LAST: Final = 55
#: Of 100 calls, how many are the condition of a ``while`` loop, of which Warp is known to make no adjoint.
ONCE: Final = 30
#: Of 100 functions that say yes or no, how many always say the same, and are asked for their effect alone.
SETTLED: Final = 10
#: What a whole number that one gives lies between.
RANK: Final = Interval(0, 5)


def draw_answerer(sketch: Sketch, of: Scalar) -> Callee:
    """``kept[i] = value``, ``return value > 0.5``, or what it was told, or ``True``."""
    own = FunctionSketch(sketch)
    own.vectors, own.calls = False, 0
    dice = own.dice
    kept = own.array(sketch.main, sketch.launch_shape(), Interval(-3, 3), output=True)
    places: tuple[Expression, ...] = tuple(Name(INT32, own.place(n).name) for n in sketch.launch)
    own.parameter(sketch.main)
    rank = own.count(RANK) if of is INT32 else None
    body = own.block(dice.below(2), PLAIN, 1)
    body.append(own.define_as(own.give(sketch.main, dice.between(1, 2)), mutable=False))
    value = own.variable(own.defined[-1])
    body.append(Assign(Element(sketch.main, kept.name, places), value.node))
    low, high = value.interval
    middle = own.literal(sketch.main, Interval(low + (high - low) / 3, high - (high - low) / 3)).node
    answer: Expression = Compare(BOOL, (dice.one_of(("<", ">")),), (value.node, middle))
    if rank is not None:
        number: Expression = Name(INT32, rank.name)
        given = number if dice.chance(60) else Conditional(INT32, answer, number, whole(dice.between(0, 5)))
        return own.finish(INT32, [*body, Return((given,))], [Typed(given, RANK)], places=places)
    if dice.chance(SETTLED):
        answer = Literal(BOOL, dice.chance(70))
    return own.finish(BOOL, [*body, Return((answer,))], [Typed(answer, TRUTH)], places=places)


def asked(sketch: Sketch, answerer: Callee) -> list[Statement]:
    """A test with a call, under a name or in a branch: alone, denied, behind others or in front of them, in a chain."""
    dice = sketch.dice
    call = sketch.call(answerer, 1).node
    if dice.chance(ONCE):
        return _once(sketch, call)
    test = _ranked(sketch, call) if call.type is INT32 else _joined(sketch, call)
    if dice.chance(60):
        return [sketch.define_as(Typed(test, TRUTH), mutable=False)]
    return [sketch.when(Typed(test, TRUTH), lambda: sketch.changes(Statements(), 1))]


def _once(sketch: Sketch, call: Expression) -> list[Statement]:
    """``while keep(kept, i, x): n += 2``, at most once; more often, no gradient is promised."""
    dice = sketch.dice
    made = sketch.define_as(sketch.literal(INT32, Interval(0, 3)), mutable=True)
    local = sketch.defined[-1]
    local.interval, local.used = Interval(0, 8), False
    test = call if call.type is BOOL else Compare(BOOL, (dice.one_of((">", "<")),), (call, whole(dice.between(1, 3))))
    return [made, While(test, (AugmentedAssign(Name(INT32, local.name), "add", whole(dice.between(1, 4))), Break()))]


def _joined(sketch: Sketch, call: Expression) -> Expression:
    dice = sketch.dice
    if not dice.chance(JOINED):
        match dice.below(4):
            case 0:
                return Apply(BOOL, "unot", (call,))
            case 1:
                return Logical(BOOL, dice.one_of(("and", "or")), (call, sketch.condition(1).node))
        return call
    operands = [sketch.condition(1).node, call]
    if dice.chance(25):
        operands.append(sketch.condition(1).node)
    return Logical(BOOL, dice.one_of(("and", "or")), tuple(operands))


def _ranked(sketch: Sketch, call: Expression) -> Expression:
    dice = sketch.dice
    bound = whole(dice.between(1, 3))
    pair = (dice.one_of(("<", "<=")), dice.one_of(("<", "<=")))
    if dice.chance(LAST):
        first = sketch.fit(sketch.leaf(INT32), RANK).node
        return Compare(BOOL, pair, (first, bound, call))
    if dice.chance(50):
        return Compare(BOOL, pair, (bound, call, whole(dice.between(3, 5))))
    return Compare(BOOL, (dice.one_of((">", "<", "==")),), (call, bound))
