"""``if``, ``elif``, ``else``: modes, ranges, edges of the launch, the best of a few, early ends; some ternaries."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.repertoire import branch_forms
from strategies.statements import Sketch
from strategies.weights import Statements

WEIGHTS = Statements(define=3, reassign=3, augment=2)


#: Of 100 branches, how many are drawn whole, as people write them; the others hold any statements.
WHOLE = 55


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to three branches at one level, with statements between them."""
    dice = sketch.dice
    if dice.chance(35):
        sketch.allow_integers()
    output = sketch.output(sketch.main)
    if dice.chance(15):
        yield from branch_forms.guarded(sketch, output)
    elif dice.chance(15):
        yield sketch.leave_early(output, dice.between(1, 2))
    sketch.arms = 2
    for n in range(dice.between(1, 2)):
        yield from sketch.block(dice.below(2), WEIGHTS, 2)
        if dice.chance(WHOLE):
            yield from dice.one_of(branch_forms.FORMS)(sketch)
        elif n and dice.chance(40):
            value = sketch.fit_local(sketch.conditional(sketch.main, 2))
            yield sketch.define_as(value, mutable=True)
        else:
            yield from sketch.branch(WEIGHTS, dice.between(1, 3))
    if dice.chance(15):
        yield from branch_forms.stored(sketch, output, 1)
    else:
        yield sketch.store(output, sketch.result(sketch.main, dice.between(0, 2)))
