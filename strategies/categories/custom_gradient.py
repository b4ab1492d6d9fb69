"""Gradients of functions' own: the true one spelled otherwise, clipped, straight through; replays; `wp.grad`."""

from collections.abc import Iterator

from strategies.functions import draw_expression
from strategies.gradients import derivative, draw_custom, draw_replayed
from strategies.ideas.palettes import common
from strategies.language.nodes import Statement
from strategies.statements import Sketch
from strategies.weights import Statements

WEIGHTS = Statements(define=6, reassign=2, augment=3, branch=1)


def body(sketch: Sketch) -> Iterator[Statement]:
    """One or two such functions, at times others that call them, and statements that call all of them."""
    dice, main = sketch.dice, sketch.main
    sketch.palette = common(sketch)
    for _ in range(dice.between(1, 2)):
        draw_custom(sketch)
    if dice.chance(40):
        sketch.calls = 60
        draw_expression(sketch, main)
    replayed = draw_replayed(sketch) if dice.chance(30) else None
    sketch.calls = 40
    yield from sketch.block(dice.below(2), WEIGHTS, dice.between(1, 2))
    custom = [c for c in sketch.callees if c.slopes]
    # one of which nothing but its gradient is asked for
    lonely = dice.one_of(custom) if dice.chance(12) else None
    for callee in list(sketch.callees):
        if callee is lonely and callee.function.name not in sketch.called:
            yield derivative(sketch, callee, 1)
        elif callee is replayed or callee.function.name not in sketch.called:
            yield sketch.define_as(sketch.fit_local(sketch.call(callee, 2)), mutable=dice.chance(50))
    if dice.chance(30):
        yield derivative(sketch, dice.one_of(custom), 1)
    if dice.chance(15):
        # applied to its own result
        callee = dice.one_of(custom)
        yield sketch.define_as(sketch.fit_local(sketch.call(callee, 2)), mutable=False)
    if dice.chance(20):
        # in a loop
        yield from sketch.loop(Statements(define=2, augment=5), 1)
    yield from sketch.block(dice.below(3), WEIGHTS, 2)
    value = sketch.result(main, dice.between(0, 2))
    if dice.chance(35):
        value = sketch.plus(sketch.element(main), value)
    yield sketch.store(sketch.output(main), value)
