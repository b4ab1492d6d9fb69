"""Constants of the module: steps, limits, tags, sizes, masks, negated, of 64 bits, named like others, of vectors,
matrices and quaternions; static expressions, tables in unrolled loops."""

from collections.abc import Iterator, Sequence

from strategies.constants import Constants, bound_names
from strategies.functions import draw_early, draw_expression
from strategies.language.nodes import Constant, Item, Statement, walk
from strategies.language.types import FLOAT16
from strategies.passing import draw_directed, draw_made
from strategies.repertoire.ideas import directions
from strategies.repertoire.ideas.constants import Named, draw_idea
from strategies.repertoire.ideas.numbers import stored
from strategies.repertoire.ideas.palettes import common
from strategies.statements import Sketch
from strategies.weights import Statements

#: Of 100 kernels, how many have functions that a factory makes, which capture numbers.
MADE = 32
#: Of 100 kernels, how many are what people give names to.
IDEAS = 58
#: Of those, how many have names for vectors, matrices or quaternions.
SEVERAL = 35
#: Of the factories, how many capture vectors, matrices or quaternions.
DIRECTED = 45
#: How often numbers are given names anew where none got one.
TRIES = 4
WEIGHTS = Statements(define=6, reassign=2, augment=3, branch=2, loop=1)


def body(sketch: Sketch) -> Iterator[Statement]:
    """An idea with named numbers, or two to five statements and at times a function, many of whose numbers have."""
    dice, main = sketch.dice, sketch.main
    sketch.palette = common(sketch)
    constants = Constants(sketch)
    if dice.chance(IDEAS):
        phrase = Named(constants, main)
        # Warp makes vectors of float16 in a module only after it was initialized
        if main is not FLOAT16 and dice.chance(SEVERAL):
            sketch.vectors = True
            directions.draw_idea(phrase)
        else:
            stored(phrase, draw_idea(phrase))
        yield from _named(sketch, constants, phrase.body)
        return
    if dice.chance(50):
        sketch.allow_integers()
    sketch.vectors = dice.chance(15)
    if dice.chance(MADE):
        if main is not FLOAT16 and dice.chance(DIRECTED):
            sketch.vectors = True
            draw_directed(sketch)
        else:
            draw_made(sketch)
        sketch.calls = 30
    elif dice.chance(55):
        draw = draw_early if dice.chance(40) else draw_expression
        draw(sketch, main)
        sketch.calls = 30
    made = sketch.block(dice.between(1, 4), WEIGHTS, dice.between(1, 2))
    if dice.chance(55):
        made += constants.weighted_sum()
    for callee in sketch.uncalled():
        made.append(sketch.define_as(sketch.fit_local(sketch.call(callee, 2)), mutable=False))
    made.append(sketch.store(sketch.output(main), sketch.result(main, dice.between(1, 3))))
    yield from _named(sketch, constants, made)


def _named(sketch: Sketch, constants: Constants, made: Sequence[Statement]) -> Iterator[Statement]:
    """Statements with names for many of their numbers, those of the functions too."""
    names = {n for s in made for n in bound_names(s)} | {p.name for p in sketch.parameters}
    own = frozenset(names | {v.name for v in sketch.indices} | {c.function.name for c in sketch.callees})
    for _ in range(TRIES):
        found = constants.in_body(tuple(made), own)
        if any(isinstance(n, Constant | Item) for s in found for n in walk(s)):
            break
    yield from found
    functions = frozenset(c.function.name for c in sketch.callees)
    # those of one factory are one text
    sketch.callees[:] = [
        c if c.function.closure else c._replace(function=constants.in_function(c.function, functions))
        for c in sketch.callees
    ]
