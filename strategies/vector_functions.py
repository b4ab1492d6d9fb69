"""Functions that change numbers of a vector that they are given: it is passed by value, so the caller's stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from strategies.blocks import whole
from strategies.calls import Callee
from strategies.functions import PLAIN, FunctionSketch
from strategies.intervals import Interval, symmetric
from strategies.language.nodes import AugmentedAssign, Call, Component, Name, Return, Statement
from strategies.language.types import Vector
from strategies.statements import Sketch
from strategies.typed import Typed

#: Of 100 changes of a number, how many name it, ``v.x``: Warp is known to have wrong gradients of those.
NAMED: Final = 15
#: Of 100 vectors that are given to such a function, how many the kernel reads once more after the call: there, too,
#: Warp's gradient is known to be wrong.
READ_AGAIN: Final = 80


def draw_changed(sketch: Sketch) -> Callee:
    """A function that adds to numbers of its vector, and makes a number or a vector of it."""
    of = sketch.vector_type(sketch.main)
    own = FunctionSketch(sketch)
    dice = own.dice
    own.vectors, own.calls = True, 0
    given = own.parameter(of)
    body = own.block(dice.below(2), PLAIN, 1)
    given.mutable = True
    for n in dice.some_of(range(of.length), dice.between(1, 2)):
        value = own.fit_local(own.expression(of.dtype, 1))
        target = Component(of.dtype, Name(of, given.name), whole(n), dice.chance(NAMED))
        body.append(AugmentedAssign(target, dice.one_of(("add", "add", "sub")), value.node))
        given.interval = symmetric(given.interval.size + value.interval.size)
        given.used = False
    body += own.block(dice.below(2), PLAIN, 1)
    result = of if dice.chance(30) else sketch.main
    value = own.give(result, dice.between(0, 1))
    return own.finish(result, [*body, Return((value.node,))], [value], needed=(given.name,))


def given_a_local(sketch: Sketch, callee: Callee) -> Iterator[Statement]:
    """``v = x[i]; y = f(v)``, and mostly something is made of `v` later."""
    first, *others = callee.function.parameters
    of = first.type
    assert isinstance(of, Vector)
    value = sketch.element(of) if sketch.dice.chance(50) else sketch.expression(of, 1)
    value = sketch.fit(value, Interval(first.low, first.high))
    yield sketch.define_as(value, mutable=False)
    variable = sketch.defined[-1]
    arguments = [sketch.variable(variable), *(sketch.argument(p, 1) for p in others)]
    sketch.called.add(callee.function.name)
    node = Call(callee.function.type, callee.function.name, tuple(a.node for a in arguments))
    live = callee.live and any(a.live for a in arguments)
    yield sketch.define_as(sketch.fit_local(Typed(node, callee.intervals[0], live)), mutable=False)
    variable.used = not sketch.dice.chance(READ_AGAIN)
