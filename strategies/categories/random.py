"""Random numbers from a state of each thread's own: sums, walks, choices; points, noise; functions that draw."""

import math
from collections.abc import Callable, Iterator
from typing import Final

from strategies.blocks import whole
from strategies.calls import Callee
from strategies.composites import finish
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
    Call,
    Compare,
    Component,
    Element,
    Expression,
    For,
    If,
    Literal,
    Logical,
    Name,
    Statement,
    Unpack,
    While,
)
from strategies.language.types import BOOL, FLOAT32, INT32, Scalar, Vector
from strategies.loops import Bounds
from strategies.ops import OPS, overload
from strategies.repertoire.pen import Pen
from strategies.repertoire.samplers import HANDED_ON, SAMPLERS, draw_sampler
from strategies.repertoire.values import Value
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

_STATE: Final = types.scalar("uint32")
_ANY: Final = Interval(*_STATE.limits)
#: Points, and how many coordinates they have.
POINTS: Final = (
    ("triangle", 2), ("unit_ring", 2), ("unit_disk", 2), ("unit_square", 2), ("unit_sphere_surface", 3),
    ("unit_sphere", 3), ("unit_hemisphere_surface", 3), ("unit_hemisphere", 3), ("unit_cube", 3),
)  # fmt: skip
#: In how many dimensions noise is: in four it takes three seconds to compile.
DIMENSIONS: Final = ((4, 1), (5, 2), (5, 3), (1, 4))
#: Of 100 fields of noise, how many have the state that numbers are drawn from, and after how many of 100 functions that
#: were given the state more is drawn: Warp is known to take the gradient of other draws once that is advanced.
SHARED_STATES: Final = 5
#: Of 100 rates, how many are literals; of 100 vectors, how many are stored as they are too.
LITERAL_RATES: Final = 60
#: Of 100 kernels, how many do something with draws that people do; of 100 draws, how many follow one by some threads
#: alone.
FORMED: Final = 65
#: Of 100 kernels, how many leave the drawing to a function.
HELPED: Final = 20
ASIDE: Final = 2
#: Of 100 loops that draw, how many do so a known number of times: gradients through the others are not promised.
LITERAL_COUNTS: Final = 65
#: Of 100 launches of several dimensions, how many have a seed for each thread; the others share those of a row.
FLATTENED: Final = 96
STORED: Final = 35


def _fraction(sketch: Sketch, state: Name) -> Typed:
    return Typed(Apply(FLOAT32, "randf", (state,)), Interval(0.0, 1.0))


def _between(sketch: Sketch, state: Name) -> Typed:
    low, high = sketch.dice.one_of((-2.0, -1.0, 0.0)), sketch.dice.one_of((0.5, 1.0, 3.0))
    bounds = (Literal(FLOAT32, low), Literal(FLOAT32, high))
    return Typed(Apply(FLOAT32, "randf", (state, *bounds)), Interval(low, high))


def _normal(sketch: Sketch, state: Name) -> Typed:
    return Typed(Apply(FLOAT32, "randn", (state,)), Interval(-6.0, 6.0))


def _whole(sketch: Sketch, state: Name) -> Typed:
    low, high = sketch.dice.between(-9, 0), sketch.dice.between(1, 20)
    node = Apply(INT32, "randi", (state, Literal(INT32, low), Literal(INT32, high)))
    return Typed(node, Interval(low, high - 1))


def _unsigned(sketch: Sketch, state: Name) -> Typed:
    if sketch.dice.chance(40):
        # any number of 32 bits, of which people take a few
        drawn = Apply(_STATE, "randu", (state,))
        mask = sketch.dice.one_of((7, 15, 255))
        if sketch.dice.chance(50):
            return Typed(Apply(_STATE, "bit_and", (drawn, Literal(_STATE, mask))), Interval(0, mask))
        return Typed(Apply(_STATE, "mod", (drawn, Literal(_STATE, mask + 3))), Interval(0, mask + 2))
    low, high = sketch.dice.between(0, 9), sketch.dice.between(10, 40)
    node = Apply(_STATE, "randu", (state, Literal(_STATE, low), Literal(_STATE, high)))
    return Typed(node, Interval(low, high - 1))


def _count(sketch: Sketch, state: Name) -> Typed:
    """A Poisson variate, of a rate on either side of where another algorithm begins."""
    if sketch.dice.chance(LITERAL_RATES):
        rate = sketch.dice.one_of((0.5, 1.0, 3.0, 8.0, 12.5, 20.0))
        given = Typed(Literal(FLOAT32, rate), Interval(rate, rate))
    else:
        given = sketch.fit(sketch.expression(FLOAT32, 1), Interval(0.25, 16.0))
    return sketch.apply(OPS["poisson"], _STATE, [Typed(state, _ANY), given])


def _point(sketch: Sketch, state: Name) -> Typed:
    name, count = sketch.dice.one_of(POINTS)
    of = types.vector(count, FLOAT32)
    row = OPS[f"sample_{name}"]
    return Typed(Apply(of, row.name, (state,)), row.result_interval(of, _ANY))


def _coordinate(sketch: Sketch, count: int) -> Typed:
    """Where noise is looked up: most often at an element of an array."""
    of = FLOAT32 if count == 1 else types.vector(count, FLOAT32)
    value = sketch.expression(of, 1) if sketch.dice.chance(40) and of is FLOAT32 else sketch.element(of)
    if not value.live:
        # noise at one place is one number
        value = sketch.element(of)
    return sketch.apply(OPS["mul"], of, [value, sketch.literal(FLOAT32)]) if sketch.dice.chance(40) else value


def _field(sketch: Sketch, state: Name) -> Typed:
    """The state of a field of noise: of one seed in all threads, or of an element of an array."""
    if sketch.dice.chance(SHARED_STATES):
        return Typed(state, _ANY)
    if sketch.dice.chance(25):
        return sketch.element(_STATE)
    return Typed(Apply(_STATE, "rand_init", (sketch.literal(INT32, Interval(0, 99)).node,)), _ANY)


def _noise(sketch: Sketch, state: Name) -> Typed:
    at = _coordinate(sketch, sketch.dice.weighted(DIMENSIONS))
    return sketch.apply(overload("noise", (_STATE, at.type)), FLOAT32, [_field(sketch, state), at])


def _periodic(sketch: Sketch, state: Name) -> Typed:
    count = sketch.dice.weighted(DIMENSIONS)
    at = _coordinate(sketch, count)
    periods = [sketch.literal(INT32, Interval(1, 9)) for _ in range(count)]
    row = overload("pnoise", (_STATE, at.type, *(p.type for p in periods)))
    return sketch.apply(row, FLOAT32, [_field(sketch, state), at, *periods])


def _curl(sketch: Sketch, state: Name) -> Typed:
    count = max(2, sketch.dice.weighted(DIMENSIONS))
    row = overload(f"curlnoise_{sketch.dice.between(1, 3)}", (_STATE, types.vector(count, FLOAT32)))
    of = types.vector(min(count, 3), FLOAT32)
    return sketch.apply(row, of, [_field(sketch, state), _coordinate(sketch, count)])


#: What is drawn: most of it numbers, as in most kernels; noise takes longest to compile.
DRAWS: Final[tuple[tuple[int, Callable[[Sketch, Name], Typed]], ...]] = (
    (5, _fraction), (3, _between), (3, _normal), (3, _whole), (4, _unsigned), (9, _count), (18, _point), (4, _noise),
    (2, _periodic), (2, _curl),
)  # fmt: skip


# ---------------------------------------------------------------- what is done with draws


def _local(sketch: Sketch, value: Typed, mutable: bool) -> tuple[Statement, Name]:
    """A local with `value`, and its name."""
    made = sketch.define_as(value, mutable)
    return made, Name(value.type, sketch.defined[-1].name)


def _times(sketch: Sketch, most: int) -> tuple[Expression, bool]:
    """How often a loop draws, up to `most`, and whether only a run knows: a number, a parameter, the thread's own."""
    if sketch.dice.chance(LITERAL_COUNTS):
        return whole(most), most > sketch.max_unroll
    if sketch.dice.chance(50):
        given = sketch.scalar_parameter(INT32, Interval(1, most))
        given.used = True
        return Name(INT32, given.name), True
    return sketch.new_element(Interval(0, most), INT32).node, True


def _mean(sketch: Sketch, state: Name) -> Iterator[Statement]:
    """A Monte Carlo sum: of what is found at random places, or of terms that are weighted at random."""
    dice, count = sketch.dice, sketch.dice.between(3, 8)
    index = sketch.new_index(Bounds(None, whole(count), None, count, Interval(0, count - 1)))
    total, begin = sketch.start(FLOAT32, 0.0)
    drawn = dice.one_of((_fraction, _between, _normal))(sketch, state)
    name = Name(FLOAT32, sketch.fresh())
    point = drawn._replace(node=name)
    match dice.below(3):
        case 0:
            value = sketch.product(point, point)
        case 1:
            row = OPS[dice.one_of(("sin", "cos", "exp", "tanh", "abs"))]
            value = sketch.apply(row, FLOAT32, [sketch.fit(point, symmetric(3.0))])
        case _:
            value = sketch.product(point, sketch.own_element())
    if not value.live and dice.chance(60):
        value = sketch.product(value, sketch.own_element())
    value = sketch.share(value, count)
    stop, dynamic = _times(sketch, count)
    yield begin
    yield For(index.name, stop, (Assign(name, drawn.node), AugmentedAssign(total, "add", value.node)))
    yield from sketch.leave_result(total, symmetric(value.interval.size * count), value.live, dynamic)


def _walk(sketch: Sketch, state: Name) -> Iterator[Statement]:
    """A random walk from the thread's own place: steps of any size, or to either side."""
    dice, count = sketch.dice, sketch.dice.between(3, 8)
    first = sketch.own_element()
    place, begin = sketch.start_at(first.node)
    index = Name(INT32, sketch.fresh())
    size = dice.one_of((0.5, 0.25, 1.0))
    length = Literal(FLOAT32, size)
    if dice.chance(60):
        drawn = dice.one_of((_between, _normal))(sketch, state)
        scaled = drawn.node if size == 1.0 else Apply(FLOAT32, "mul", (length, drawn.node))
        step = AugmentedAssign(place, "add", scaled)
        body: list[Statement] = [step]
        reach = drawn.interval.size * size * count
    else:
        side = Compare(BOOL, ("<",), (_fraction(sketch, state).node, Literal(FLOAT32, 0.5)))
        body = [If(side, (AugmentedAssign(place, "add", length),), (AugmentedAssign(place, "sub", length),))]
        reach = size * count
    stop, dynamic = _times(sketch, count)
    yield begin
    yield For(index.name, stop, tuple(body))
    yield from sketch.leave_result(place, symmetric(first.interval.size + reach), True, dynamic)


def _hits(sketch: Sketch, state: Name) -> Iterator[Statement]:
    """How many of a few random points lie in a circle, as for pi; or how many draws are below a rate."""
    dice, count = sketch.dice, sketch.dice.between(4, 16)
    hits, begin = sketch.start(INT32, 0)
    index = Name(INT32, sketch.fresh())
    body: list[Statement] = []
    if dice.chance(60):
        x, y = Name(FLOAT32, sketch.fresh()), Name(FLOAT32, sketch.fresh())
        body += [Assign(x, _fraction(sketch, state).node), Assign(y, _fraction(sketch, state).node)]
        squares = [Apply(FLOAT32, "mul", (n, n)) for n in (x, y)]
        inside = Compare(
            BOOL, (dice.one_of(("<", "<=")),), (Apply(FLOAT32, "add", tuple(squares)), Literal(FLOAT32, 1.0))
        )
    else:
        inside = Compare(BOOL, ("<",), (_fraction(sketch, state).node, _rate(sketch)))
    body.append(If(inside, (AugmentedAssign(hits, "add", whole(1)),)))
    yield begin
    yield For(index.name, _times(sketch, count)[0], tuple(body))
    yield from sketch.leave_result(hits, Interval(0, count), False, True)


def _rejected(sketch: Sketch, state: Name) -> Iterator[Statement]:
    """Rejection sampling with a bound on the tries: the first draw that passes a test is kept."""
    dice, tries = sketch.dice, sketch.dice.between(4, 10)
    kept, begin = sketch.start(FLOAT32, 0.0)
    index, drawn = Name(INT32, sketch.fresh()), Name(FLOAT32, sketch.fresh())
    low, high = Literal(FLOAT32, -1.0), Literal(FLOAT32, 1.0)
    candidate = Assign(drawn, Apply(FLOAT32, "randf", (state, low, high)))
    if dice.chance(50):
        left: Expression = Apply(FLOAT32, "abs", (drawn,))
    else:
        left = Apply(FLOAT32, "mul", (drawn, drawn))
    passes = Compare(BOOL, ("<",), (_fraction(sketch, state).node, Apply(FLOAT32, "sub", (high, left))))
    if dice.chance(40):
        passes = Compare(BOOL, ("<",), (left, Literal(FLOAT32, dice.one_of((0.25, 0.5)))))
    yield begin
    stop, _ = _times(sketch, tries)
    yield For(index.name, stop, (candidate, If(passes, (Assign(kept, drawn), Break()))))
    yield from sketch.leave_result(kept, Interval(-1.0, 1.0), False, True)


def _until(sketch: Sketch, state: Name) -> Iterator[Statement]:
    """A ``while`` that draws until a draw passes a test, until draws sum up, or as long as a coin falls on one side."""
    dice, most = sketch.dice, sketch.dice.between(4, 9)
    tries, zero = sketch.start(INT32, 0)
    up = AugmentedAssign(tries, "add", whole(1))
    few = Compare(BOOL, ("<",), (tries, whole(most)))
    yield zero
    match dice.below(3):
        case 0:
            kept = Name(FLOAT32, sketch.fresh())
            again = Apply(FLOAT32, "randf", (state, Literal(FLOAT32, -1.0), Literal(FLOAT32, 1.0)))
            square = Apply(FLOAT32, "mul", (kept, kept))
            large = Compare(BOOL, (">",), (square, Literal(FLOAT32, dice.one_of((0.5, 0.25)))))
            yield Assign(kept, again)
            yield While(Logical(BOOL, "and", (large, few)), (Assign(kept, again), up))
            yield from sketch.leave_result(kept, Interval(-1.0, 1.0), False, True)
        case 1:
            total, begin = sketch.start(FLOAT32, 0.0)
            add = AugmentedAssign(total, "add", _fraction(sketch, state).node)
            small = Compare(BOOL, ("<",), (total, Literal(FLOAT32, dice.one_of((1.0, 2.0)))))
            yield begin
            yield While(Logical(BOOL, "and", (small, few)), (add, up))
            yield from sketch.leave_result(total, Interval(0.0, 3.0), False, True)
        case _:
            fell = Compare(BOOL, ("<",), (_fraction(sketch, state).node, _rate(sketch)))
            tests = (few, fell) if dice.chance(50) else (fell, few)
            yield While(Logical(BOOL, "and", tests), (up,))
    yield from sketch.leave_result(tries, Interval(0, most), False, True)


def _picked(sketch: Sketch, state: Name) -> Iterator[Statement]:
    """An element at a random place."""
    count = sketch.launch[0]
    fitting = [p for p in sketch.readable(FLOAT32) if len(p.shape) == 1]
    table = sketch.dice.one_of(fitting) if fitting else sketch.array(FLOAT32, (count,), symmetric(2.0))
    place = Name(INT32, sketch.fresh())
    yield Assign(place, Apply(INT32, "randi", (state, whole(0), whole(table.shape[0]))))
    yield sketch.define_as(sketch.read(table, place), mutable=False)


def _rate(sketch: Sketch) -> Expression:
    """A probability: a literal, or a parameter."""
    if sketch.dice.chance(50):
        return Literal(FLOAT32, sketch.dice.one_of((0.5, 0.25, 0.75, 0.1, 0.3)))
    given = sketch.scalar_parameter(FLOAT32, Interval(0.125, 0.875))
    given.used = True
    return Name(FLOAT32, given.name)


def _perhaps(sketch: Sketch, state: Name) -> Iterator[Statement]:
    """A change that happens with some probability: a value dropped, turned around, or disturbed."""
    dice = sketch.dice
    first = sketch.own_element()
    begin, value = _local(sketch, first, mutable=True)
    variable = sketch.defined[-1]
    test = Compare(BOOL, ("<",), (_fraction(sketch, state).node, _rate(sketch)))
    reach = first.interval.size
    match dice.below(4):
        case 0:
            change: Statement = Assign(value, Literal(FLOAT32, 0.0))
        case 1:
            change = Assign(value, Apply(FLOAT32, "neg", (value,)))
        case 2:
            noise = _normal(sketch, state)
            change = AugmentedAssign(value, "add", Apply(FLOAT32, "mul", (Literal(FLOAT32, 0.25), noise.node)))
            reach += noise.interval.size / 4
        case _:
            change = AugmentedAssign(value, "mul", Literal(FLOAT32, dice.one_of((0.5, 2.0))))
            reach *= 2
    yield begin
    yield If(test, (change,))
    variable.interval, variable.live, variable.used = symmetric(reach), True, False


#: What a kernel does with draws, beside storing and summing them.
FORMS: Final[tuple[Callable[[Sketch, Name], Iterator[Statement]], ...]] = (
    _mean, _mean, _walk, _hits, _rejected, _until, _until, _picked, _perhaps, _perhaps,
)  # fmt: skip


def _seed(sketch: Sketch) -> Iterator[Statement]:
    """The thread's own place as one number, if it has more than one index, under a name."""
    own = sketch.own_indices()
    flat = own[0]
    for index, extent in zip(own[1:], sketch.launch[1:], strict=True):
        before = Apply(INT32, "mul", (flat, whole(extent))) if extent > 1 else flat
        flat = Apply(INT32, "add", (before, index))
    yield Assign(Name(INT32, sketch.fresh()), flat)


def _start(sketch: Sketch) -> tuple[list[Statement], Expression, Expression]:
    """What makes a state, a seed and the thread's place, after the statements that tell the place."""
    dice = sketch.dice
    made = list(_seed(sketch)) if len(sketch.launch) > 1 and dice.chance(FLATTENED) else []
    place: Expression = sketch.own_indices()[0]
    if made and isinstance(made[0], Assign) and isinstance(made[0].target, Name):
        place = made[0].target
    seed = sketch.scalar_parameter(INT32, Interval(0, 999)) if dice.chance(60) else None
    return made, sketch.variable(seed).node if seed is not None else Literal(INT32, dice.below(100)), place


def _begin(sketch: Sketch) -> tuple[list[Statement], Name]:
    """The state, of a seed and the thread's place."""
    dice = sketch.dice
    made, start, place = _start(sketch)
    state = Name(_STATE, sketch.fresh())
    arguments: tuple[Expression, ...] = (start, place)
    if dice.chance(10):
        arguments = (Apply(INT32, "add", (start, place)),)
    made.append(Assign(state, Apply(_STATE, "rand_init", arguments)))
    return made, state


# ---------------------------------------------------------------- functions that draw


def _called(pen: Pen, callee: Callee, *first: Expression) -> Typed:
    """A call with a state, or what one is made of, and elements and settings."""
    given: list[Typed] = []
    for parameter in callee.function.parameters[len(first) :]:
        span = Interval(parameter.low, parameter.high)
        wide = span.low < 0 or pen.dice.chance(15)
        given.append((pen.at(pen.input(span=span)) if wide else pen.number(span.low, span.high)).typed)
    node = Call(callee.function.type, callee.function.name, (*first, *(value.node for value in given)))
    reads = any(value.live and isinstance(value.node, Element) for value in given)
    return Typed(node, callee.intervals[0], callee.live and reads)


def _seeded(pen: Pen) -> list[Value]:
    """What a function draws that is given a seed and a place, at times once more for another seed."""
    dice, sketch = pen.dice, pen.sketch
    made, seed, place = _start(sketch)
    pen.body += made
    callee = draw_sampler(sketch, dice.one_of(SAMPLERS), math.prod(sketch.launch))
    found = [pen.let(Value(pen, _called(pen, callee, seed, place)))]
    if dice.chance(35):
        if not isinstance(seed, Literal):
            seed = Apply(INT32, "add", (seed, whole(dice.one_of((1, 2, 7)))))
        else:
            seed = Literal(INT32, int(seed.value) + dice.between(1, 9))
        found.append(pen.let(Value(pen, _called(pen, callee, seed, place))))
    return found


def _by_value(pen: Pen) -> list[Value]:
    """What functions draw that are given the state as it is: it goes on from there, and not from where they left it."""
    dice, sketch = pen.dice, pen.sketch
    made, state = _begin(sketch)
    pen.body += made
    found = []
    if dice.chance(35):
        found.append(pen.let(Value(pen, _fraction(sketch, state))))
    callee = draw_sampler(sketch, dice.one_of(SAMPLERS))
    found.append(pen.let(Value(pen, _called(pen, callee, state))))
    if dice.chance(SHARED_STATES if found[-1].typed.live else 50):
        # the next draw is the first that the function had
        found.append(pen.let(Value(pen, _between(sketch, state))))
    if dice.chance(40):
        another = draw_sampler(sketch, dice.one_of(SAMPLERS)) if dice.chance(50) else callee
        found.append(pen.let(Value(pen, _called(pen, another, state))))
    return found


def _handed_on(pen: Pen) -> list[Value]:
    """Draws by a function that gives the state back, too: one or two, or a few in a loop."""
    dice, sketch = pen.dice, pen.sketch
    made, state = _begin(sketch)
    pen.body += made
    callee = draw_sampler(sketch, dice.one_of(HANDED_ON))
    of, interval = callee.function.results[0], callee.intervals[0]

    def drawn() -> tuple[Unpack, Typed]:
        call = _called(pen, callee, state)
        name = Name(of, sketch.fresh())
        return Unpack((name, state), (call.node,)), Typed(name, interval, call.live)

    if of is FLOAT32 and dice.chance(35):
        total = pen.total()
        with pen.loop(dice.between(3, 6)):
            taken, value = drawn()
            pen.body.append(taken)
            pen.add(total, Value(pen, value))
        return [pen.settled(total)]
    found = []
    for _ in range(dice.between(1, 2)):
        taken, value = drawn()
        pen.body.append(taken)
        found.append(Value(pen, value))
    if dice.chance(30):
        found.append(pen.let(Value(pen, _fraction(sketch, state))))
    return found


def _helped(sketch: Sketch) -> list[Statement]:
    """A function that draws, and what it draws used: each result weighed or added to an element, and stored."""
    dice, pen = sketch.dice, Pen(sketch)
    found = dice.weighted(((5, _seeded), (4, _by_value), (4, _handed_on)))(pen)
    numbers = [value for value in found if value.type is FLOAT32]
    points = [value for value in found if isinstance(value.type, Vector)]
    if len(numbers) > 1 and dice.chance(75):
        total = numbers[0]
        for other in numbers[1:]:
            total = dice.one_of((total + other, total * other, total - other))
        numbers = [total]
    for value in [*numbers, *points]:
        element = pen.at(pen.input(value.type, 2.0))  # type: ignore[arg-type]
        if value.typed.live and dice.chance(60):
            pen.give(value)
        elif isinstance(value.type, Vector) and dice.chance(50):
            pen.give(pen.op("dot", element, value))
        else:
            pen.give(dice.one_of((element + value, element * value if value.type is FLOAT32 else element - value)))
    return pen.body


def body(sketch: Sketch) -> Iterator[Statement]:
    """A state of the thread's own, sums, walks and choices that it decides, and draws into a weighted result."""
    dice = sketch.dice
    sketch.work_in(FLOAT32)
    if dice.chance(HELPED):
        yield from _helped(sketch)
        return
    made, state = _begin(sketch)
    yield from made
    yield from sketch.block(dice.below(2), Statements(), 2)
    forms = dice.chance(FORMED)
    if forms:
        yield from dice.one_of(FORMS)(sketch, state)
    drawn = dice.one_of((1, 0, 1, 2)) if forms else dice.between(1, 3)
    if drawn:
        yield from _weighted(sketch, state, drawn)
    else:
        yield from sketch.end_with_result()


def _weighted(sketch: Sketch, state: Name, count: int) -> Iterator[Statement]:
    """Draws into locals, each stored or a factor or a term of the result."""
    dice = sketch.dice
    value = sketch.own_element()
    if dice.chance(40):
        value = sketch.plus(value, sketch.expression(FLOAT32, dice.below(2)))
    for _ in range(count):
        drawn = dice.weighted(DRAWS)(sketch, state)
        if dice.chance(ASIDE):
            # only some threads draw, and the others go on from where they were
            yield If(sketch.comparison(0).node, (Assign(state, Apply(_STATE, "randu", (state,))),))
        yield sketch.define_as(drawn, mutable=False)
        number = sketch.variable(sketch.defined[-1])
        if isinstance(drawn.type, Vector):
            if dice.chance(STORED):
                yield sketch.store(sketch.output(drawn.type), number)
            number = _part(sketch, number)
        elif drawn.type is not FLOAT32 and dice.chance(30):
            assert isinstance(drawn.type, Scalar)
            yield sketch.store(sketch.output(drawn.type), number)
            continue
        op = dice.one_of(("add", "mul", "sub"))
        value = sketch.apply(OPS[op], FLOAT32, [value, sketch.convert(number, FLOAT32)])
    for variable in [v for v in sketch.scope if not v.used and v in sketch.defined]:
        extra = sketch.as_type(sketch.variable(variable), FLOAT32)
        value = sketch.plus(value, extra, linear=True)
    yield from finish(sketch, value)


def _part(sketch: Sketch, vector: Typed) -> Typed:
    """A number of a vector: a component, the length, or a product with another vector."""
    assert isinstance(vector.type, Vector)
    match sketch.dice.below(3):
        case 0:
            row = overload("length_sq", (vector.type,))
            return sketch.apply(row, FLOAT32, [vector])
        case 1:
            row = overload("dot", (vector.type, vector.type))
            return sketch.apply(row, FLOAT32, [vector, sketch.element(vector.type)])
    index = Literal(INT32, sketch.dice.below(vector.type.length))
    return Typed(Component(FLOAT32, vector.node, index, sketch.dice.chance(50)), vector.interval, vector.live)
