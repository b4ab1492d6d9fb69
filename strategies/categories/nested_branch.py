"""Branches two to four deep: modes, ranges, edges, early ends; with and, or, not and chains of comparisons."""

from collections.abc import Iterator, Sequence
from typing import Final

from strategies.language.nodes import Assign, Element, If, Name, Statement
from strategies.meetings import Meeting
from strategies.repertoire import branch_forms
from strategies.statements import Sketch
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("logical", "negation", "chain"))

#: Of 100 branches, how many are a chain of tests that exclude one another; the others test anything.
WHOLE = 35

WEIGHTS = Statements(define=3, reassign=3, augment=2, update=1, component=1, loops_in_arms=True)

#: Of 100 kernels, how many have vectors.
VECTORS: Final = 25
#: Of 100 branches, in how many the arms give no name its first value, for those below would all have to.
ALONE: Final = 60
#: Of 100 arms that hold a branch, how many begin with an early end of the thread.
ENDS: Final = 9
#: Of 100 arms without one, how many store something in an output of their own, and of those how many read it again.
STORES: Final = 9
READS: Final = 60


def _nested(sketch: Sketch, levels: int, given: Sequence[Meeting] = ()) -> list[Statement]:
    """A branch whose arms hold further ones down to `levels`, and give names their first values."""
    dice = sketch.dice
    if levels == 0:
        body = sketch.changes(WEIGHTS, dice.between(1, 2), given)
        return body + _stored(sketch) if dice.chance(STORES) else body
    before = sketch.changes(WEIGHTS, 1) if dice.chance(25) else []
    own = () if given or dice.chance(ALONE) else sketch.meetings()
    test = sketch.condition(2).node
    entry = sketch.scope.snapshot()
    second = dice.chance(35)
    all_of_them = (*given, *own)
    with sketch.facts.supposing(test, not second):
        deep = sketch.arm(lambda: _inside(sketch, levels - 1, second, all_of_them))
    after = sketch.scope.snapshot()
    sketch.scope.restore(entry)
    other: tuple[Statement, ...] = ()
    if second or all_of_them or dice.chance(70):
        shallower = dice.below(levels) if dice.chance(40) else 0
        with sketch.facts.supposing(test, second):
            other = sketch.arm(lambda: _inside(sketch, shallower, not second, all_of_them))
    sketch.scope.merge(after)
    if other == deep and not all_of_them:
        # two arms that are one decide nothing
        sketch.scope.merge(entry)
        return [*before, If(test, deep)]
    sketch.meet(own)
    return [*before, If(test, other, deep) if second else If(test, deep, other)]


def _inside(sketch: Sketch, levels: int, otherwise: bool, given: Sequence[Meeting]) -> list[Statement]:
    """The statements of an arm; in an ``else`` a change comes first, for an ``elif`` is no branch in a branch."""
    lead = sketch.changes(WEIGHTS, 1) if otherwise and levels else []
    if levels and sketch.dice.chance(ENDS):
        output = next(p for p in sketch.parameters if p.output)
        lead.append(sketch.leave_early(output, 1))
    if levels and sketch.dice.chance(WHOLE):
        return [*lead, *_form(sketch, levels, given)]
    return [*lead, *_nested(sketch, levels, given)]


def _form(sketch: Sketch, levels: int, given: Sequence[Meeting] = ()) -> list[Statement]:
    """An ``elif`` chain of a mode, of ranges or of places, with a branch in one of its arms."""
    before, tests = branch_forms.tests(sketch, sketch.dice.between(1, 3))
    own = () if given or sketch.dice.chance(ALONE) else sketch.meetings()
    all_of_them = (*given, *own)
    entry = sketch.scope.snapshot()
    with sketch.facts.supposing_first(tests, 0):
        deep = sketch.arm(lambda: _nested(sketch, levels - 1, all_of_them))
    arms = [deep]
    for n in range(1, len(tests) + bool(all_of_them)):
        after = sketch.scope.snapshot()
        sketch.scope.restore(entry)
        with sketch.facts.supposing_first(tests, n):
            arms.append(sketch.arm(lambda: _nested(sketch, 0, all_of_them)))
        sketch.scope.merge(after)
    sketch.scope.merge(entry)
    sketch.meet(own)
    return [*before, *branch_forms.chain(tests, arms[: len(tests)], arms[-1] if all_of_them else ())]


def _stored(sketch: Sketch) -> list[Statement]:
    """A store in an output that no other thread and no other arm writes, which is read again at times."""
    value = sketch.expression(sketch.main, 1)
    if not value.live:
        value = sketch.element(sketch.main)
    output = sketch.output(sketch.main)
    store = sketch.store(output, value)
    variables = sketch.changeable(lambda v: v.type is sketch.main and not v.sum_only)
    if not variables or not sketch.dice.chance(READS):
        return [store]
    assert isinstance(store, Assign)
    assert isinstance(store.target, Element)
    variable = sketch.dice.one_of(variables)
    changed = sketch.fit_local(sketch.plus(sketch.variable(variable), value._replace(node=store.target)))
    variable.interval, variable.live, variable.used = changed.interval, True, False
    return [store, Assign(Name(variable.type, variable.name), changed.node)]


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to three variables, an early end at times, nested branches that change them, and a result of all of them."""
    dice = sketch.dice
    if dice.chance(40):
        sketch.allow_integers()
    sketch.vectors = dice.chance(VECTORS)
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
