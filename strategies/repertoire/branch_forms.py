"""Branches as people write them: modes, ranges of a value, edges of the launch, early returns, the best of a few."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from strategies.blocks import changeable_value, whole
from strategies.intervals import Interval, symmetric
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Compare,
    Element,
    Expression,
    Extent,
    If,
    Logical,
    Name,
    Parameter,
    Return,
    Statement,
)
from strategies.language.types import BOOL, INT32, Array
from strategies.meetings import Meeting
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed

#: What a threshold of a chain of comparisons is.
THRESHOLDS: Final = (-1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 1.5)
#: Of 100 locals that every arm gives a value, how many have none before.
MET: Final = 40

Block = tuple[Statement, ...]


def compared(left: Expression, op: str, right: Expression) -> Compare:
    """A comparison."""
    return Compare(BOOL, (op,), (left, right))


def mode(sketch: Sketch, count: int) -> Expression:
    """A whole number below `count` that says what is done: a parameter, or an element for each thread."""
    if sketch.dice.chance(55):
        given = sketch.scalar_parameter(INT32, Interval(0, count - 1))
        given.used = True
        return Name(INT32, given.name)
    kinds = sketch.array(INT32, sketch.launch_shape(), Interval(0, count - 1))
    return Element(INT32, kinds.name, sketch.own_indices())


def tests(sketch: Sketch, count: int) -> tuple[list[Statement], list[Expression]]:
    """Tests that exclude one another: of a mode, of ranges of a value, or of the thread's place at an edge."""
    dice = sketch.dice
    choice = dice.below(5)
    if choice < 2:
        kind = mode(sketch, count + 1)
        before: list[Statement] = []
        if isinstance(kind, Element) and dice.chance(50):
            name = Name(INT32, sketch.fresh())
            before.append(Assign(name, kind))
            sketch.copies[name.name] = kind
            kind = name
        return before, [compared(kind, "==", whole(n)) for n in range(count)]
    own, extent = sketch.own_indices()[0], sketch.launch[0]
    whole_launch = sketch.facts.interval(Typed(own, Interval(0, extent - 1))) == Interval(0, extent - 1)
    if choice == 2 and count <= 2 and whole_launch:
        last: Expression = whole(extent - 1)
        fitting = [p for p in sketch.parameters if not p.output and p.shape and p.shape[0] == extent]
        if fitting and dice.chance(40):
            last = Apply(INT32, "sub", (Extent(INT32, fitting[0].name, 0), whole(1)))
        edges: list[Expression] = [compared(own, "==", whole(0)), compared(own, "==", last)]
        if count == 1:
            return [], [Logical(BOOL, "or", tuple(edges))]
        return [], edges
    value = sketch.own_element()
    inside = _inside(sketch, value)
    if len(inside) < count:
        value = sketch.new_element(symmetric(2.0))
        inside = _inside(sketch, value)
    ends = sorted(dice.some_of(inside, count), reverse=(down := dice.chance(40)))
    return [], [compared(value.node, ">" if down else "<", sketch.number_of(sketch.main, end)) for end in ends]


def _inside(sketch: Sketch, value: Typed) -> list[float]:
    """The thresholds that `value` may still lie on either side of."""
    known = sketch.facts.interval(value)
    return [t for t in THRESHOLDS if known.low < t < known.high]


def chain(tests: list[Expression], arms: list[Block], otherwise: Block) -> Block:
    """``if``, ``elif``…, ``else``."""
    found = otherwise
    for test, arm in zip(reversed(tests), reversed(arms), strict=True):
        found = (If(test, arm, found),)
    return found


def chosen(sketch: Sketch, depth: int) -> Iterator[Statement]:
    """A local that an ``elif`` chain gives a value, each arm another: a first one at times, if there are all arms."""
    dice = sketch.dice
    count = dice.between(1, 3)
    before, known = tests(sketch, count)
    if dice.chance(MET):
        yield from before
        yield from _met(sketch, known, depth)
        return
    first = sketch.fit_local(sketch.own_element() if dice.chance(60) else sketch.expression(sketch.main, depth))
    begin = sketch.define_as(first, mutable=True)
    variable = sketch.defined[-1]
    arms = _arms(sketch, variable, known, len(known) + dice.chance(75), depth)
    yield from before
    yield begin
    yield from chain(known, arms[: len(known)], arms[len(known)] if len(arms) > len(known) else ())


def _met(sketch: Sketch, known: list[Expression], depth: int) -> Block:
    """A chain all of whose arms give one or two names their first values."""
    given = [Meeting(sketch.fresh(), sketch.main), *sketch.meetings()[:1]]
    arms: list[Block] = []
    for n in range(len(known) + 1):
        with sketch.facts.supposing_first(known, n):
            arms.append(sketch.arm(lambda: [sketch.first_value(meeting, depth) for meeting in given]))
    sketch.meet(given)
    return chain(known, arms[:-1], arms[-1])


def _arms(sketch: Sketch, variable: Variable, known: list[Expression], count: int, depth: int) -> list[Block]:
    """Arms that give a local a value, or change the one that it has."""
    found: list[Block] = []
    entry = sketch.scope.snapshot()
    reach, live = variable.interval, variable.live
    for n in range(count):
        sketch.scope.restore(entry)
        variable.used = False
        with sketch.facts.supposing_first(known, n):
            body = sketch.arm(lambda: _arm(sketch, variable, depth, found))
        reach, live = reach.join(variable.interval), live or variable.live
        found.append(body)
    variable.interval, variable.live, variable.used = reach, live, False
    return found


def _arm(sketch: Sketch, variable: Variable, depth: int, others: list[Block]) -> list[Statement]:
    target = Name(variable.type, variable.name)
    value = sketch.fit_local(sketch.expression(variable.type, depth))
    if sketch.dice.chance(35):
        value = sketch.fit_local(sketch.plus(sketch.variable(variable), value))
    elif value.node == target:
        value = sketch.own_element()
    if (Assign(target, value.node),) in others:
        value = sketch.fit_local(sketch.plus(value, sketch.own_element()))
    variable.interval, variable.live, variable.used = value.interval, value.live, False
    return [Assign(target, value.node)]


def guarded(sketch: Sketch, output: Parameter) -> Iterator[Statement]:
    """An early end of the thread: at an edge, by a flag, or where a value is out of bounds."""
    dice = sketch.dice
    before, (test, *_) = tests(sketch, 1)
    body: list[Statement] = []
    assert isinstance(output.type, Array)
    if dice.chance(80):
        rest = sketch.own_element() if dice.chance(50) else sketch.literal(sketch.main, Interval(-1.0, 1.0))
        body.append(sketch.store(output, rest))
    yield from before
    yield If(test, (*body, Return()))
    sketch.facts.note(test, False)


def best(sketch: Sketch) -> Iterator[Statement]:
    """The largest or smallest of a few values, and which of them it is."""
    dice, main = sketch.dice, sketch.main
    op = dice.one_of((">", "<"))
    values: list[Typed] = []
    for _ in range(dice.between(2, 4)):
        value = sketch.own_element() if dice.chance(60) else sketch.fit_local(sketch.expression(main, 1))
        if not value.live or any(value.node == other.node for other in values):
            value = sketch.read(
                sketch.array(main, sketch.launch_shape(), sketch.input_interval(main)), *sketch.own_indices()
            )
        values.append(value)
    yield sketch.define_as(values[0], mutable=True)
    found = sketch.defined[-1]
    name, which = Name(main, found.name), Name(INT32, sketch.fresh())
    yield Assign(which, changeable_value(whole(0)))
    for n, value in enumerate(values[1:], 1):
        yield If(compared(value.node, op, name), (Assign(name, value.node), Assign(which, whole(n))))
        found.interval, found.live, found.used = found.interval.join(value.interval), True, False
    yield sketch.store(sketch.output(INT32), Typed(which, Interval(0, 3)))


def edges(sketch: Sketch) -> Iterator[Statement]:
    """A difference or a mean of neighbours, one-sided at both ends of the launch."""
    dice, main, extent = sketch.dice, sketch.main, sketch.launch[0]
    field = sketch.array(main, (extent,), sketch.input_interval(main))
    own = sketch.own_indices()[0]

    def at(offset: int) -> Expression:
        op = "add" if offset > 0 else "sub"
        place: Expression = Apply(INT32, op, (own, whole(abs(offset)))) if offset else own
        return Element(main, field.name, (place,))

    def gap(left: Expression, right: Expression) -> Expression:
        return Apply(main, "sub", (left, right))

    half = sketch.number_of(main, 0.5)
    middle: Expression = Apply(main, "mul", (gap(at(1), at(-1)), half))
    first, final = gap(at(1), at(0)), gap(at(0), at(-1))
    if dice.chance(40):
        middle = Apply(main, "mul", (Apply(main, "add", (at(-1), at(1))), half))
        first, final = at(1), at(-1)
    reach = Interval(field.low - field.high, field.high - field.low).join(Interval(field.low, field.high))
    begin = sketch.define_as(Typed(sketch.number_of(main, 0.0), Interval(0.0, 0.0)), mutable=True)
    variable = sketch.defined[-1]
    name = Name(main, variable.name)
    at_start = compared(own, "==", whole(0))
    at_end = compared(own, "==", whole(extent - 1))
    if not dice.chance(MET):
        yield begin
    yield If(at_start, (Assign(name, first),), (If(at_end, (Assign(name, final),), (Assign(name, middle),)),))
    variable.interval, variable.live, variable.used = reach, True, False


def held(sketch: Sketch) -> Iterator[Statement]:
    """A value that comparisons keep between two others, or fold back at them."""
    dice, main = sketch.dice, sketch.main
    value = sketch.own_element() if dice.chance(50) else sketch.fit_local(sketch.expression(main, 1))
    if not value.live or not Interval(-1.0, 1.5).within(value.interval):
        value = sketch.new_element(symmetric(dice.one_of((2.0, 3.0))))
    low, high = dice.one_of((-1.0, -0.5, 0.0)), dice.one_of((0.5, 1.0, 1.5))
    least, most = (sketch.number_of(main, n) for n in (low, high))
    yield sketch.define_as(value, mutable=True)
    variable = sketch.defined[-1]
    name = Name(main, variable.name)
    below: Statement = Assign(name, least)
    above: Statement = Assign(name, most)
    if dice.chance(40):
        factor = sketch.number_of(main, dice.one_of((0.5, 0.25)))
        over = Apply(main, "mul", (factor, Apply(main, "sub", (name, most))))
        above = Assign(name, Apply(main, "add", (most, over)))
        if dice.chance(50):
            below = AugmentedAssign(name, "mul", factor)
    too_small, too_large = compared(name, "<", least), compared(name, ">", most)
    yield If(too_small, (below,), (If(too_large, (above,)),))
    variable.interval = variable.interval.join(Interval(low, high))
    variable.used = False


def stored(sketch: Sketch, output: Parameter, depth: int) -> Iterator[Statement]:
    """The result stored by every arm of a chain."""
    main = sketch.main
    before, known = tests(sketch, sketch.dice.between(1, 3))
    result = sketch.result(main, depth)
    values = [result]
    for _ in known:
        other = sketch.expression(main, depth)
        if not other.live or any(other.node == value.node for value in values):
            other = sketch.own_element()
        if any(other.node == value.node for value in values):
            other = sketch.plus(other, sketch.new_element(sketch.input_interval(main)))
        values.append(other)
    stores: list[Block] = [(sketch.store(output, value),) for value in values]
    yield from before
    yield from chain(known, stores[: len(known)], stores[len(known)])


FORMS: Final[tuple[Callable[[Sketch], Iterator[Statement]], ...]] = (
    best, edges, held, lambda sketch: chosen(sketch, 1), lambda sketch: chosen(sketch, 2),
)  # fmt: skip
