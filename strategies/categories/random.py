"""Random numbers: a state of each thread's own, and draws of whole numbers, fractions and normal variates from it."""

from collections.abc import Iterator

from strategies.composites import finish
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Apply, Assign, If, Literal, Name, Statement
from strategies.language.types import FLOAT32, INT32, Scalar
from strategies.ops import OPS
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

_STATE = types.scalar("uint32")


def _draw(sketch: Sketch, state: Name) -> Typed:
    """One draw, which changes the state."""
    dice = sketch.dice
    match dice.below(5):
        case 0 | 1:
            return Typed(Apply(FLOAT32, "randf", (state,)), Interval(0.0, 1.0))
        case 2:
            low, high = dice.one_of((-2.0, -1.0, 0.0)), dice.one_of((0.5, 1.0, 3.0))
            bounds = (Literal(FLOAT32, low), Literal(FLOAT32, high))
            return Typed(Apply(FLOAT32, "randf", (state, *bounds)), Interval(low, high))
        case 3:
            return Typed(Apply(FLOAT32, "randn", (state,)), Interval(-6.0, 6.0))
    low, high = dice.between(-9, 0), dice.between(1, 20)
    node = Apply(INT32, "randi", (state, Literal(INT32, low), Literal(INT32, high)))
    return Typed(node, Interval(low, high - 1))


def body(sketch: Sketch) -> Iterator[Statement]:
    """A state, draws into locals, at times in one thread's branch alone, and a weighted result."""
    dice = sketch.dice
    sketch.work_in(FLOAT32)
    state = Name(_STATE, sketch.fresh())
    seed = sketch.scalar_parameter(INT32, Interval(0, 999)) if dice.chance(60) else None
    start = sketch.variable(seed).node if seed is not None else Literal(INT32, dice.below(100))
    offset = Name(INT32, sketch.indices[0].name)
    yield Assign(state, Apply(_STATE, "rand_init", (start, offset) if dice.chance(80) else (start,)))
    yield from sketch.block(dice.below(3), Statements(), 2)
    value = sketch.plus(sketch.element(FLOAT32), sketch.expression(FLOAT32, dice.below(3)))
    for _ in range(dice.between(1, 4)):
        drawn = _draw(sketch, state)
        assert isinstance(drawn.type, Scalar)
        if dice.chance(20):
            # only some threads draw, and the others go on from where they were
            yield If(sketch.comparison(0).node, (Assign(state, Apply(_STATE, "randu", (state,))),))
        yield sketch.define_as(drawn, mutable=False)
        number = sketch.variable(sketch.defined[-1])
        if drawn.type is INT32 and dice.chance(50):
            yield sketch.store(sketch.output(INT32), number)
            continue
        op = dice.one_of(("add", "mul", "sub"))
        value = sketch.apply(OPS[op], FLOAT32, [value, sketch.convert(number, FLOAT32)])
    yield from finish(sketch, value)
