"""Constants of the module, negated, of 64 bits, named like others; static expressions, tables in unrolled loops."""

from collections.abc import Iterator

from strategies.constants import Constants, bound_names
from strategies.functions import draw_early, draw_expression
from strategies.ideas.palettes import common
from strategies.language.nodes import Statement
from strategies.passing import draw_made
from strategies.statements import Sketch
from strategies.weights import Statements

#: Of 100 kernels, how many have functions that a factory makes, which capture numbers.
MADE = 25
WEIGHTS = Statements(define=6, reassign=2, augment=3, branch=2, loop=1)


def body(sketch: Sketch) -> Iterator[Statement]:
    """Two to five statements and at times a function, many of whose numbers have names."""
    dice, main = sketch.dice, sketch.main
    sketch.palette = common(sketch)
    if dice.chance(50):
        sketch.allow_integers(1)
    sketch.vectors = dice.chance(15)
    if dice.chance(MADE):
        draw_made(sketch)
        sketch.calls = 30
    elif dice.chance(55):
        draw = draw_early if dice.chance(40) else draw_expression
        draw(sketch, main)
        sketch.calls = 30
    constants = Constants(sketch)
    made = sketch.block(dice.between(1, 4), WEIGHTS, dice.between(1, 2))
    if dice.chance(55):
        made += constants.weighted_sum(1)
    for callee in sketch.uncalled():
        made.append(sketch.define_as(sketch.fit_local(sketch.call(callee, 2)), mutable=False))
    made.append(sketch.store(sketch.output(main), sketch.result(main, dice.between(1, 3))))
    names = {n for s in made for n in bound_names(s)} | {p.name for p in sketch.parameters}
    own = frozenset(names | {v.name for v in sketch.indices} | {c.function.name for c in sketch.callees})
    yield from constants.in_body(tuple(made), own)
    functions = frozenset(c.function.name for c in sketch.callees)
    # those of one factory are one text
    sketch.callees[:] = [
        c if c.function.closure else c._replace(function=constants.in_function(c.function, functions))
        for c in sketch.callees
    ]
