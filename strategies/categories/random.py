"""Random numbers: a state of each thread's own, and what is drawn from it: numbers, points, counts, noise."""

from collections.abc import Callable, Iterator
from typing import Final

from strategies.composites import finish
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Apply, Assign, Component, If, Literal, Name, Statement
from strategies.language.types import FLOAT32, INT32, Scalar, Vector
from strategies.ops import OPS, overload
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
#: Of 100 fields of noise, how many have the state that numbers are drawn from: Warp is known to take the gradient of
#: another field once that is advanced.
SHARED_STATES: Final = 5
#: Of 100 rates, how many are literals; of 100 vectors, how many are stored as they are too.
LITERAL_RATES: Final = 60
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
    (6, _fraction), (3, _between), (3, _normal), (3, _whole), (1, _unsigned), (3, _count), (6, _point), (2, _noise),
    (1, _periodic), (1, _curl),
)  # fmt: skip


def body(sketch: Sketch) -> Iterator[Statement]:
    """A state, draws into locals, at times in one thread's branch alone, and a weighted result."""
    dice = sketch.dice
    sketch.work_in(FLOAT32)
    state = Name(_STATE, sketch.fresh())
    seed = sketch.scalar_parameter(INT32, Interval(0, 999)) if dice.chance(60) else None
    start = sketch.variable(seed).node if seed is not None else Literal(INT32, dice.below(100))
    offset = Name(INT32, sketch.indices[0].name)
    yield Assign(state, Apply(_STATE, "rand_init", (start, offset) if dice.chance(80) else (start,)))
    yield from sketch.block(dice.below(3), Statements(), 2)
    value = sketch.plus(sketch.element(FLOAT32), sketch.expression(FLOAT32, dice.below(3)))
    for _ in range(dice.between(1, 4)):
        drawn = dice.weighted(DRAWS)(sketch, state)
        if dice.chance(20):
            # only some threads draw, and the others go on from where they were
            yield If(sketch.comparison(0).node, (Assign(state, Apply(_STATE, "randu", (state,))),))
        yield sketch.define_as(drawn, mutable=False)
        number = sketch.variable(sketch.defined[-1])
        if isinstance(drawn.type, Vector):
            if dice.chance(STORED):
                yield sketch.store(sketch.output(drawn.type), number)
            number = _part(sketch, number)
        elif drawn.type is not FLOAT32 and dice.chance(50):
            assert isinstance(drawn.type, Scalar)
            yield sketch.store(sketch.output(drawn.type), number)
            continue
        op = dice.one_of(("add", "mul", "sub"))
        value = sketch.apply(OPS[op], FLOAT32, [value, sketch.convert(number, FLOAT32)])
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
