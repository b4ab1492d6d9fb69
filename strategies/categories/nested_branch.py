"""Branches two to four deep: modes, ranges, edges, early ends; with and, or, not and chains of comparisons."""

from collections.abc import Iterator

from strategies.language.nodes import If, Statement
from strategies.repertoire import branch_forms
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("logical", "negation", "chain"))

#: Of 100 branches, how many are a chain of tests that exclude one another; the others test anything.
WHOLE = 35

WEIGHTS = Statements(define=3, reassign=3, augment=2, update=1)


def _nested(sketch: Sketch, levels: int) -> list[Statement]:
    """A branch whose arms hold further ones down to `levels`."""
    dice = sketch.dice
    if levels == 0:
        return sketch.changes(WEIGHTS, dice.between(1, 2))
    before = sketch.changes(WEIGHTS, 1) if dice.chance(25) else []
    test = sketch.condition(2).node
    entry = sketch.scope.snapshot()
    second = dice.chance(35)
    deep = sketch.arm(lambda: _inside(sketch, levels - 1, second))
    after = sketch.scope.snapshot()
    sketch.scope.restore(entry)
    other: tuple[Statement, ...] = ()
    if second or dice.chance(70):
        shallower = dice.below(levels) if dice.chance(40) else 0
        other = sketch.arm(lambda: _inside(sketch, shallower, not second))
    sketch.scope.merge(after)
    return [*before, If(test, other, deep) if second else If(test, deep, other)]


def _inside(sketch: Sketch, levels: int, otherwise: bool) -> list[Statement]:
    """The statements of an arm; in an ``else`` a change comes first, for an ``elif`` is no branch in a branch."""
    lead = sketch.changes(WEIGHTS, 1) if otherwise and levels else []
    if levels and sketch.dice.chance(WHOLE):
        return [*lead, *_form(sketch, levels)]
    return [*lead, *_nested(sketch, levels)]


def _form(sketch: Sketch, levels: int) -> list[Statement]:
    """An ``elif`` chain of a mode, of ranges or of places, with a branch in one of its arms."""
    before, tests = branch_forms.tests(sketch, sketch.dice.between(1, 3))
    entry = sketch.scope.snapshot()
    deep = sketch.arm(lambda: _nested(sketch, levels - 1))
    arms = [deep]
    for _ in tests[1:]:
        after = sketch.scope.snapshot()
        sketch.scope.restore(entry)
        arms.append(sketch.arm(lambda: _nested(sketch, 0)))
        sketch.scope.merge(after)
    sketch.scope.merge(entry)
    return [*before, *branch_forms.chain(tests, arms, ())]


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to three variables, an early end at times, nested branches that change them, and a result of all of them."""
    dice = sketch.dice
    if dice.chance(40):
        sketch.allow_integers(1)
    sketch.arms = 9
    output = sketch.output(sketch.main)
    if dice.chance(20):
        yield from branch_forms.guarded(sketch, output)
    for _ in range(dice.between(1, 2)):
        yield sketch.define(dice.between(1, 2), of=sketch.main, mutable=True)
    levels = dice.one_of((2, 3, 3, 4))
    yield from _form(sketch, levels) if dice.chance(WHOLE) else _nested(sketch, levels)
    if dice.chance(20):
        yield from branch_forms.best(sketch)
    if dice.chance(15):
        yield from branch_forms.stored(sketch, output, 1)
    else:
        yield sketch.store(output, sketch.result(sketch.main, dice.between(0, 2)))
