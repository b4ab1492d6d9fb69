"""Ways through a kernel, three to a kernel: each small, with an output of its own, so that nothing covers it up."""

from collections.abc import Callable, Iterator
from typing import Final

from strategies.blocks import whole
from strategies.dealing import deal
from strategies.intervals import Interval, symmetric
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
    Compare,
    Conditional,
    Constant,
    Continue,
    Element,
    Expression,
    For,
    If,
    Literal,
    Logical,
    Name,
    Return,
    Statement,
    Unpack,
    While,
)
from strategies.language.types import BOOL, FLOAT64, INT32, Scalar
from strategies.repertoire.marks import marked
from strategies.repertoire.nests import ENDS, OF_WAYS, draw_nest
from strategies.repertoire.ways import VISITED, Way
from strategies.statements import Sketch

#: Few threads: the way that they go matters.
LAUNCHES: Final = ((4,), (5,), (3,), (6,), (4,), (5,), (2, 3), (2, 2, 2))
#: Ways that a kernel goes.
WAYS: Final = 3
#: What numbers a range is made of: both directions, empty ones, lengths up to what Warp unrolls.
CONSTANT_RANGES: Final = (
    (0, 4, 1), (0, 3, 1), (1, 7, 2), (4, -1, -1), (5, 0, -2), (0, 5, 1), (3, 1, 1), (0, 6, 1), (-2, 3, 1), (7, -8, -5),
    (0, 4, 1), (0, 6, 2), (1, 5, 1), (0, 15, 1), (0, 16, 1), (16, 0, -1), (0, 47, 3),
)  # fmt: skip
#: Ranges that are too long for that; the last number of some is not the end less a step.
LONG_RANGES: Final = (
    (0, 17, 1), (17, 0, -1), (16, -1, -1), (19, 1, -1), (-3, 15, 1), (0, 37, 2), (36, -1, -2), (1, 36, 2), (40, 1, -2),
    (0, 50, 3),
)  # fmt: skip
#: Of 100 ranges, how many name the start or the step that they would have anyway.
SPELLED_OUT: Final = 8
#: Of 100 ranges, how many are such.
LONG: Final = 40
#: Of 100 loops with a target that had a value before, how many may not run at all: Warp is known to lose it then.
EMPTY: Final = 30
#: Of 100 sums in `while` loops, how many are of whole numbers: gradients through others are not promised.
COUNTED: Final = 85
#: The same of loops with a way out, where Warp is known to lose adjoints, which would cover up the rest.
COUNTED_OUT: Final = 100
#: Of 100 loops in loops with a way out, how many are certainly dynamic, both of them.
BOTH_DYNAMIC: Final = 50


Draw = Callable[[Way], Iterator[Statement]]


def _arms(way: Way) -> Iterator[Statement]:
    """A local that some arms change, read after them."""
    dice = way.dice
    value, begin = way.local(way.x())
    yield begin

    drawn: list[Statement] = []

    def arm() -> tuple[Statement, ...]:
        change = way.change(value) if dice.chance(50) else Assign(value, way.times(way.x(), way.x()))
        if change in drawn:
            # what two arms do alike, nobody would ask for
            change = Assign(value, way.times(value, way.x()))
        drawn.append(change)
        return (If(way.test(), (change,)),) if dice.chance(20) else (change,)

    match dice.below(7):
        case 0:
            yield If(way.test(), arm())
        case 1 | 5 | 6:
            # each of two locals in one arm alone
            other, more = way.local(way.x())
            yield more
            yield If(way.test(), (way.change(other),), arm())
            yield way.stored(other)
        case 2:
            yield If(way.test(), arm(), (If(way.test(), arm(), arm()),))
        case 3:
            yield If(way.test(), (If(way.test(), arm(), arm()),), arm())
        case _:
            yield If(way.test(), arm(), arm())
    yield way.stored(way.times(value, way.x()) if dice.chance(50) else value)


def _met(way: Way) -> Iterator[Statement]:
    """A local that every arm gives its first value, read after them; in a loop at times, where it is one of many."""
    dice = way.dice
    of = dice.one_of((way.of, way.of, INT32, BOOL))
    name = Name(of, way.sketch.fresh())
    given: list[Expression] = []

    def value() -> Expression:
        if of is BOOL:
            return way.test()
        if of is INT32:
            return way.n() if dice.chance(60) else Apply(INT32, "mul", (way.n(), whole(2)))
        return way.x() if dice.chance(50) else way.times(way.x(), way.x())

    def arm() -> tuple[Statement, ...]:
        found = value()
        if found in given:
            found = Apply(of, "unot" if of is BOOL else "neg", (found,))
        given.append(found)
        return (Assign(name, found),)

    match dice.below(6):
        case 0:
            branch = If(way.test(), (If(way.test(), arm(), arm()),), arm())
        case 1 | 2:
            branch = If(way.test(), arm(), (If(way.test(), arm(), arm()),))
        case _:
            branch = If(way.test(), arm(), arm())
    if of is BOOL or dice.chance(65):
        yield branch
        yield way.stored(way.times(name, way.x()) if of is way.of and dice.chance(50) else name)
        return
    total, begin = way.local(whole(0) if of is INT32 else way.number(0.0))
    index = Name(INT32, way.sketch.fresh())
    yield begin
    yield _loop(way, index.name, (branch, AugmentedAssign(total, "add", name), way.change(total, index, 0)))
    yield way.stored(total)


def _looped(way: Way) -> Iterator[Statement]:
    """A loop in an arm of a branch, or one in each, or in a branch within another."""
    dice = way.dice
    total, begin = way.total(50)
    yield begin

    def loop() -> tuple[Statement, ...]:
        index = Name(INT32, way.sketch.fresh())
        return (_loop(way, index.name, (way.change(total, index),)),)

    def other() -> tuple[Statement, ...]:
        return (way.change(total),)

    match dice.below(5):
        case 0:
            yield If(way.test(), loop())
        case 1:
            yield If(way.test(), loop(), loop())
        case 2:
            yield If(way.test(), other(), (If(way.test(), loop(), other()),))
        case 3:
            yield If(way.test(), (If(way.test(), loop(), other()), way.change(total)), other())
        case _:
            yield If(way.test(), loop(), other())
    yield way.stored(total)


def _choice(way: Way) -> Iterator[Statement]:
    """Conditional expressions: nested, as operands, of whole numbers."""
    dice = way.dice
    first: Expression = Conditional(way.of, way.test(), way.x(), way.times(way.x(), way.x()))
    if dice.chance(50):
        first = Conditional(way.of, way.test(), first, way.x())
    if dice.chance(30):
        yield way.stored(Conditional(INT32, way.test(), way.n(), whole(7)))
    yield way.stored(Apply(way.of, dice.one_of(("add", "mul", "sub")), (first, way.x())) if dice.chance(60) else first)


def _chain(way: Way) -> Iterator[Statement]:
    """An ``elif`` chain: over a mode that a parameter or an element says, or over ranges of a value."""
    dice, sketch = way.dice, way.sketch
    value, begin = way.local(way.x())
    count = dice.between(2, 4)
    if dice.chance(65):
        array = sketch.array(INT32, sketch.launch_shape(), Interval(0, count))
        mode: Expression = Element(INT32, array.name, sketch.own_indices())
        if dice.chance(35):
            mode = Name(INT32, sketch.scalar_parameter(INT32, Interval(0, count)).name)
        tests: list[Expression] = [Compare(BOOL, ("==",), (mode, whole(n))) for n in range(count)]
    else:
        first = way.x()
        ends = sorted(dice.some_of((-1.0, -0.5, 0.25, 0.75, 1.5), count))
        tests = [Compare(BOOL, ("<",), (first, way.number(end))) for end in ends]

    drawn: list[Statement] = []

    def arm() -> tuple[Statement, ...]:
        change = way.change(value) if dice.chance(40) else Assign(value, way.times(way.x(), way.x()))
        if change in drawn:
            change = Assign(value, Apply(way.of, "sub", (way.number(len(drawn) + 0.5), way.x())))
        drawn.append(change)
        return (change,)

    chain: tuple[Statement, ...] = arm() if dice.chance(75) else ()
    for test in reversed(tests):
        chain = (If(test, arm(), chain),)
    yield begin
    yield from chain
    yield way.stored(value)


def _search(way: Way) -> Iterator[Statement]:
    """A loop that ends at the first hit, or that keeps what is best."""
    sketch = way.sketch
    known = len(sketch.defined)
    form = way.dice.one_of((sketch.first_hit, sketch.run, sketch.limited, sketch.extreme, sketch.passed_over))
    yield from form(sketch.searched())
    for variable in sketch.defined[known:]:
        if not variable.used:
            yield way.stored(sketch.variable(variable).node)


def _truth(way: Way) -> Iterator[Statement]:
    """`and`, `or`, `not`, chains of comparisons."""
    dice = way.dice
    operands = tuple(way.test() for _ in range(dice.one_of((2, 2, 3, 3, 4, 5))))
    found: Expression = Logical(BOOL, dice.one_of(("and", "or")), operands)
    if dice.chance(40):
        found = Logical(BOOL, dice.one_of(("and", "or")), (way.test(), found))
    if dice.chance(30):
        found = Apply(BOOL, "unot", (found,))
    if dice.chance(30):
        middle, begin = way.local(way.n())
        yield begin
        found = Compare(BOOL, ("<", dice.one_of(("<", "<="))), (whole(0), middle, whole(dice.between(2, 4))))
    yield way.stored(found)


def _signs(way: Way) -> Iterator[Statement]:
    """Unary operators on what may be negative."""
    yield way.stored(Apply(way.of, way.dice.one_of(("pos", "neg")), (way.x(),)))
    shifted = Apply(INT32, "sub", (way.n(), whole(3)))
    yield way.stored(Apply(INT32, way.dice.one_of(("pos", "neg")), (shifted,)))


def _constant(way: Way) -> Iterator[Statement]:
    """A loop over numbers that are known, unrolled or just too long for that; its index used after it at times."""
    start, stop, step = way.dice.one_of(LONG_RANGES if way.dice.chance(LONG) else CONSTANT_RANGES)
    values = range(start, stop, step)
    extent = max(values) + 1 if values and min(values) >= 0 else 0
    # an index that may be negative is a factor of an input, not a place
    total, begin = way.total(30 if extent else 0)
    index = Name(INT32, way.sketch.fresh())
    yield begin
    yield _range(way, index.name, whole(start), whole(stop), whole(step), (way.change(total, index, extent),))
    yield way.stored(total)


def _range(
    way: Way, name: str, start: Expression, stop: Expression, step: Expression, body: tuple[Statement, ...]
) -> Statement:
    one = isinstance(step, Literal) and step.value == 1
    zero = isinstance(start, Literal) and start.value == 0
    if one and zero and not way.dice.chance(SPELLED_OUT):
        return For(name, stop, body)
    return For(name, stop, body, start, None if one and not way.dice.chance(SPELLED_OUT) else step)


def _dynamic(way: Way) -> Iterator[Statement]:
    """A loop whose bounds only a run knows, up and down, with steps."""
    total, begin = way.total(50)
    index = Name(INT32, way.sketch.fresh())
    yield begin
    yield _dynamic_range(way, index.name, (way.change(total, index),))
    yield way.stored(total)


def _dynamic_range(way: Way, name: str, body: tuple[Statement, ...]) -> Statement:
    dice = way.dice
    match dice.below(5):
        case 0:
            return For(name, whole(dice.between(-1, 0)), body, way.n(), whole(dice.between(-2, -1)))
        case 1:
            return _range(way, name, way.n(), whole(dice.between(2, 6)), whole(dice.between(1, 3)), body)
        case 2:
            return For(name, way.n(), body, whole(6), whole(-dice.between(1, 3)))
        case 3:
            # a step that only a run knows
            step = Apply(INT32, "add", (way.n(), whole(1)))
            return For(name, whole(7), body, whole(0), step)
        case _:
            return _range(way, name, whole(dice.below(2)), way.n(), whole(1), body)


def _nested(way: Way) -> Iterator[Statement]:
    """One loop in another, unrolled or not, and a local that both change."""
    dice = way.dice
    total, begin = way.total(50)
    outer, inner = (Name(INT32, way.sketch.fresh()) for _ in range(2))
    yield begin
    body: list[Statement] = []
    step: Name | None = None
    if dice.chance(50):
        # a local that begins anew in each iteration of the outer loop
        step, anew = way.local(whole(0))
        body.append(anew)
    changes = (way.change(step or total, inner),)
    body.append(_loop(way, inner.name, changes))
    body.append(
        AugmentedAssign(total, "add", step if total.type is INT32 else way.float_of(step))
        if step
        else way.change(total, outer)
    )
    yield _loop(way, outer.name, tuple(body))
    yield way.stored(total)


def _nest(way: Way) -> Iterator[Statement]:
    """Loops in loops of either kind: a `while` in a `for`, a `for` in a `while`, three of them."""
    sketch = way.sketch
    known = len(sketch.defined)
    yield from draw_nest(sketch, OF_WAYS)
    for variable in sketch.defined[known:]:
        if not variable.used:
            yield way.stored(sketch.variable(variable).node)


def _target(way: Way) -> Iterator[Statement]:
    """A loop whose target had a value before, and a local that each iteration sets: what is read of both after it."""
    dice = way.dice
    total, begin = way.total(50)
    index, first = way.local(way.n() if dice.chance(50) else whole(dice.between(-2, 7)))
    last, value = way.local(way.x())
    yield begin
    yield first
    start, stop, step = dice.one_of(LONG_RANGES if dice.chance(50) else CONSTANT_RANGES)
    values = range(start, stop, step)
    extent = max(values) + 1 if values and min(values) >= 0 else 0
    if dynamic := dice.chance(EMPTY):
        extent = VISITED
    if dynamic or not values or dice.chance(40):
        yield value
    of_last = way.at(way.of, index, extent) if extent else way.times(way.x(), way.float_of(index))
    body = [way.change(total, index, extent), Assign(last, of_last)]
    body = body if dice.chance(70) else body[::-1]
    if dynamic:
        loop = _dynamic_range(way, index.name, tuple(body))
    else:
        loop = _range(way, index.name, whole(start), whole(stop), whole(step), tuple(body))
    if dice.chance(30):
        loop = For(way.sketch.fresh(), whole(dice.between(2, 3)), (loop, way.change(total, index, 0)))
    yield loop
    yield way.stored(index)
    yield way.stored(last)
    yield way.stored(total)


def _chosen(way: Way) -> Iterator[Statement]:
    """A local that a flag of the module chooses while the kernel is compiled, changed after, beside what was chosen."""
    dice = way.dice
    first, begin = way.total(30)
    other: Expression = way.n() if first.type is INT32 else way.times(way.x(), way.x())
    flag = dice.chance(50)
    test: Expression = Constant(BOOL, way.sketch.fresh().upper(), Literal(BOOL, flag), wrapped=dice.chance(60))
    if dice.chance(25):
        test = Apply(BOOL, "unot", (test,))
    arms = (first, other) if flag == dice.chance(75) else (other, first)
    second = Name(first.type, way.sketch.fresh())
    yield begin
    yield way.change(first)
    yield Assign(second, Conditional(first.type, test, *arms))
    index = Name(INT32, way.sketch.fresh())
    body = (way.change(first if dice.chance(30) else second, index),)
    match dice.below(4):
        case 0:
            yield way.change(second)
        case 1:
            yield If(way.test(), (way.change(second),))
        case _:
            yield _loop(way, index.name, body)
    yield way.stored(second)
    yield way.stored(first)


def _loop(way: Way, name: str, body: tuple[Statement, ...]) -> Statement:
    """A short loop of any sort."""
    dice = way.dice
    if dice.chance(50):
        return For(name, whole(dice.between(2, 4)), body)
    if dice.chance(20):
        return For(name, whole(-1), body, whole(6), whole(-2))
    return _dynamic_range(way, name, body)


def _exit(way: Way) -> Iterator[Statement]:
    """A loop, or one in another, with `break` or `continue` before or after a change."""
    dice = way.dice
    total, begin = way.total(COUNTED_OUT)
    index, inner = (Name(INT32, way.sketch.fresh()) for _ in range(2))
    yield begin
    leave: Statement = Break() if dice.chance(50) else Continue()

    def leaving(of: Name) -> Statement:
        element = way.at(INT32, of)
        test: Expression = Compare(BOOL, (dice.one_of(("==", ">", ">=")),), (element, whole(dice.between(2, 4))))
        if dice.chance(30):
            test = Compare(BOOL, (dice.one_of(("==", ">")),), (of, way.n(tested=True)))
        if dice.chance(30):
            return If(test, (way.change(total),), (leave,))
        return If(test, (way.change(total), leave) if dice.chance(30) else (leave,))

    def around(of: Name) -> tuple[Statement, ...]:
        parts = [leaving(of), way.change(total, of)]
        return tuple(parts if isinstance(leave, Continue) or dice.chance(65) else parts[::-1])

    if dice.chance(50):
        yield _loop(way, index.name, around(index))
    else:
        # two loops that are not unrolled have labels of their own, to which their exits jump
        over = _dynamic_range if dice.chance(BOTH_DYNAMIC) else _loop
        inside = over(way, inner.name, around(inner))
        after = (way.change(total, index),)
        yield over(way, index.name, (inside, *after) if dice.chance(70) else (*after, inside))
    yield way.stored(total)


def _while(way: Way) -> Iterator[Statement]:
    """A `while` loop that counts, up or down, and may not run at all."""
    dice = way.dice
    down = dice.chance(50)
    count, begin = way.local(way.n() if down or dice.chance(50) else whole(0))
    # how often it runs, nobody knows in the backward pass
    total, zero = way.total(COUNTED)
    yield begin
    yield zero
    test = Compare(BOOL, (">",) if down else ("<",), (count, whole(1) if down else way.n()))
    step = AugmentedAssign(count, "sub" if down else "add", whole(dice.between(1, 2)))
    change = way.change(total, count)
    body: tuple[Statement, ...] = (change, step) if dice.chance(50) else (step, change)
    if dice.chance(25):
        body = (*body, If(Compare(BOOL, (">",), (total, whole(6))), (Break(),))) if total.type is INT32 else body
    yield While(test, body)
    yield way.stored(total)
    if dice.chance(40):
        yield way.stored(count)


def _in_place(way: Way) -> Iterator[Statement]:
    """The operators in place on locals."""
    dice = way.dice
    value, begin = way.local(way.x())
    yield begin
    for _ in range(dice.between(1, 2)):
        operator = dice.one_of(("add", "sub", "mul", "div"))
        operand = (
            Apply(way.of, "add", (Apply(way.of, "abs", (way.x(),)), way.number(0.5))) if operator == "div" else way.x()
        )
        yield AugmentedAssign(value, operator, operand)
    yield way.stored(value)
    operator = dice.one_of(
        ("floordiv", "floordiv", "mod", "mod", "bit_and", "bit_or", "bit_xor", "lshift", "rshift", "mul")
    )
    by = dice.between(2, 4)
    begun = way.n()
    if operator in ("floordiv", "mod", "mul") and dice.chance(60):
        # below zero, where rounding and remainders differ
        begun = Apply(INT32, "sub", (begun, whole(dice.between(3, 6))))
        by = -by if dice.chance(40) else by
    number, start = way.local(begun)
    yield start
    yield AugmentedAssign(number, operator, whole(by))
    yield way.stored(number)
    if dice.chance(30):
        part, begin = way.local(way.x())
        yield begin
        yield AugmentedAssign(part, "floordiv", way.number(dice.one_of((0.25, 0.5, -0.5))))
        yield way.stored(way.times(part, way.x()))


def _known(way: Way) -> Iterator[Statement]:
    """Numbers that are known when the kernel is built, with their sign changed: literals, names, an unrolled index."""
    dice, sketch = way.dice, way.sketch

    def known(of: Scalar, value: float) -> Expression:
        literal = Literal(of, value)
        found = Constant(of, sketch.fresh().upper(), literal) if dice.chance(60) else literal
        return Apply(of, "neg", (found,)) if found is not literal and dice.chance(60) else found

    # most have no exact double, so that one which was rounded to less shows
    factor = dice.one_of((0.1, -0.3, 1.7, -0.7, 2.5, -4.0))
    if dice.chance(60):
        yield way.stored(way.times(way.x(), known(way.of, factor)))
    else:
        own = sketch.own_indices()
        wide = Element(FLOAT64, sketch.array(FLOAT64, sketch.launch_shape(), symmetric(2.0)).name, own)
        product = Apply(FLOAT64, "mul", (wide, known(FLOAT64, factor)))
        yield Assign(Element(FLOAT64, sketch.output(FLOAT64).name, own), product)
    yield way.stored(Apply(INT32, "add", (way.n(), known(INT32, dice.one_of((-3, -2, 2, 5))))))
    start, stop, step = dice.one_of(((-2, 3, 1), (-3, 0, 1), (2, -3, -1), (-4, 3, 2), (0, 4, 1)))
    index = Name(INT32, sketch.fresh())
    total, begin = way.local(way.number(0.0))
    yield begin
    weight = way.float_of(Apply(INT32, "neg", (index,)))
    change = AugmentedAssign(total, "add", way.times(way.x(), weight))
    yield _range(way, index.name, whole(start), whole(stop), whole(step), (change,))
    yield way.stored(total)


def _swap(way: Way) -> Iterator[Statement]:
    """Several targets at once: exchanged, rotated, or given something else."""
    dice = way.dice
    count = dice.one_of((2, 3, 3, 4))
    names = []
    first: list[Expression] = []
    for _ in range(count):
        # of two that are the same, nobody sees whether they were exchanged
        first.append(way.x(tuple(first)))
        name, begin = way.local(first[-1])
        names.append(name)
        yield begin
    values: list[Expression] = [names[(n + 1) % count] for n in range(count)]
    if dice.chance(50):
        at = dice.below(count)
        values[at] = way.times(values[at], way.x())
    yield Unpack(tuple(names), tuple(values))
    for name in names[: dice.between(1, 2)]:
        yield way.stored(way.times(name, way.x()) if dice.chance(30) else name)
    yield way.stored(Apply(way.of, "sub", (names[-1], names[0])))


def _carried(way: Way) -> Iterator[Statement]:
    """Two locals that change each other in a loop, and a change under a condition in it."""
    dice = way.dice
    one, begin = way.total(80)
    two, again = way.local(way.n() if one.type is INT32 else way.x())
    index = Name(INT32, way.sketch.fresh())
    yield begin
    yield again
    mixed = Assign(one, Apply(one.type, "add", (one, two)))
    test = Compare(BOOL, (dice.one_of((">", ">", "==")),), (index, whole(0)))
    if dice.chance(60):
        test = Compare(BOOL, (dice.one_of((">", "==", "<")),), (way.at(INT32, index), whole(dice.between(1, 3))))
    guarded: Statement = If(test, (way.change(two, index),))
    body = (mixed, guarded) if dice.chance(50) else (guarded, mixed)
    if one.type is INT32 and dice.chance(50):
        body = (*body, Assign(two, Apply(INT32, "mod", (one, whole(5)))))
    yield _loop(way, index.name, body)
    yield way.stored(one)
    yield way.stored(two)


WAYS_BY_NAME: Final[dict[str, Draw]] = {
    "arms": _arms, "choice": _choice, "truth": _truth, "signs": _signs, "constant": _constant, "dynamic": _dynamic,
    "chain": _chain, "search": _search, "nested": _nested, "exit": _exit,
    "while": _while, "in place": _in_place, "known": _known, "swap": _swap, "carried": _carried,
    "marked": marked, "met": _met, "looped": _looped,
    "target": _target, "chosen": _chosen, "nest": _nest,
}  # fmt: skip
#: Loops have the most ways to go wrong.
_DECK: Final = (
    *WAYS_BY_NAME,
    "arms",
    "met",
    "constant",
    "constant",
    "dynamic",
    "dynamic",
    "nested",
    "nested",
    "exit",
    "exit",
    "while",
    "chain",
    "known",
    "search",
    "search",
    "nest",
    "nest",
)


def body(sketch: Sketch) -> Iterator[Statement]:
    """Three ways, and an early end of the thread before the last of them at times, out of a loop too."""
    sketch.max_arrays = 99
    way = Way(sketch)
    for n, name in enumerate(deal(_DECK, sketch.dealt, WAYS, sketch.dice)):
        if n == WAYS - 1 and sketch.dice.chance(12):
            yield If(way.test(), (way.stored(way.x()), Return()))
        elif n == WAYS - 1 and sketch.dice.chance(8):
            yield from draw_nest(sketch, ENDS) if sketch.dice.chance(60) else sketch.returned(sketch.searched())
        yield from WAYS_BY_NAME[name](way)
