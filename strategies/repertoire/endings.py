"""What becomes of a number before it is stored: it is scaled, squashed, held, blended, weighed."""

from __future__ import annotations

from strategies.intervals import Interval
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value

#: A number beyond this is not squared or passed to an exponential.
TAME = 4.0


def worked_on(pen: Pen, value: Value) -> Value:
    """`value` as it is, or after one of the steps that people put behind a sum, a mean or a sample."""
    dice = pen.dice
    match dice.below(16):
        case 0:
            bias = pen.number(0.125, 1.0)
            return value * pen.number(0.25, 1.5) + bias if dice.chance(50) else value * pen.number(0.25, 1.5) - bias
        case 1:
            return pen.op("max", value, 0.0)
        case 2:
            return pen.op("tanh", value)
        case 3:
            return pen.op("clamp", value, -1.0, 1.0) if value.interval.size > 1.0 else value * 0.5
        case 4:
            # a step from what there was towards it
            old = pen.let(pen.at(pen.input()))
            return old + pen.number(0.25, 0.75) * (value - old)
        case 5:
            return value * pen.at(pen.input(span=Interval(0.0, 1.0)))
        case 6:
            return value / (pen.op("abs", pen.at(pen.input())) + pen.number(0.5, 1.0))
        case 7:
            found = pen.let(value)
            return found * found if found.interval.size <= TAME else pen.op("abs", found)
        case 8:
            found = pen.let(value)
            return pen.choose(found > 0.0, found, found * pen.number(0.125, 0.25))
        case 9:
            apart = pen.let(value - pen.at(pen.input()))
            return apart * apart if apart.interval.size <= TAME else pen.op("abs", apart)
        case 10 if value.interval.size <= TAME:
            return pen.op("exp", -pen.op("abs", value))
        case 11:
            return pen.op("sqrt", value * value + 0.25) if value.interval.size <= TAME else pen.op("sin", value)
    return value


def finish(pen: Pen, value: Value) -> None:
    """`value`, mostly worked on, in an output: with what is the thread's own, or added to what there is."""
    pen.give(worked_on(pen, value) if value.type is pen.main else value)
