"""Short runs of named steps, as people write formulas down: a distance, a rotation, a bell, a blend, a step in time.

Each takes numbers that there are by now, or new inputs, and leaves results that later ones may take.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.calls import Callee
from strategies.functions import FunctionSketch
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Name, Return
from strategies.language.types import Scalar, Type, Vector
from strategies.ops import REACH
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value
from strategies.statements import Sketch
from strategies.typed import Typed

#: What a motif takes lies between these, so that squares and products of it need no guards.
TAME: Final = 4.0
#: Inputs after which a kernel works with what it has.
ENOUGH: Final = 4


class Pool:
    """The values that a kernel has computed so far."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.dice = pen.dice
        self.values: list[Value] = []
        #: how many inputs were read
        self.fresh_inputs = 0

    def take(self, reach: float = TAME, of: Type | None = None) -> Value:
        """A value within reach: one that nothing has read so far, mostly, else another or a new input."""
        wanted = of or self.pen.main
        near = [v for v in self.values if v.type is wanted and v.interval.size <= reach and v.variable is not None]
        unread = [v for v in near if v.variable is not None and not v.variable.used]
        full = self.fresh_inputs >= ENOUGH
        if unread and (full or self.dice.chance(75)):
            return self.dice.one_of(unread)
        if near and (full or self.dice.chance(45)):
            return self.dice.one_of(near)
        assert isinstance(wanted, Scalar | Vector)
        self.fresh_inputs += 1
        if isinstance(wanted, Scalar) and self.dice.chance(12):
            return self.pen.scalar(-reach / 2, reach / 2)
        found = self.given(wanted, symmetric(min(2.0, reach)))
        if found.variable is not None:
            return self.put(found)
        return self.put(self.pen.let(found)) if self.dice.chance(75) else found

    def pair(self, reach: float = TAME, of: Type | None = None) -> tuple[Value, Value]:
        """Two values that are not the same."""
        first = self.take(reach, of)
        return first, self.other(first, reach)

    def other(self, first: Value, reach: float = TAME) -> Value:
        """A value of the type of `first` that is another one."""
        wanted = first.type
        for _ in range(4):
            second = self.take(reach, wanted)
            if second.node != first.node:
                return second
        assert isinstance(wanted, Scalar | Vector)
        self.fresh_inputs += 1
        return self.given(wanted, symmetric(min(2.0, reach)))

    def positive(self, low: float = 0.25, high: float = 2.0) -> Value:
        """A number above zero: a width, a mass, a rate."""
        near = [v for v in self.values if v.type is self.pen.main and low <= v.interval.low <= v.interval.high <= TAME]
        if near and self.dice.chance(40):
            return self.dice.one_of(near)
        if self.fresh_inputs < ENOUGH and self.dice.chance(35):
            self.fresh_inputs += 1
            return self.given(self.pen.main, Interval(low, high))
        return self.pen.number(low, high)

    def given(self, of: Scalar | Vector, span: Interval) -> Value:
        """A new input."""
        return self.pen.at(self.pen.input(of, span))

    def put(self, value: Value) -> Value:
        """A result that others may take."""
        self.values.append(value)
        return value

    def let(self, value: Value, mutable: bool = False) -> Value:
        """A result under a name."""
        return self.put(self.pen.let(value, mutable))

    def unread(self) -> list[Value]:
        """What nothing has read so far."""
        return [v for v in self.values if v.variable is not None and not v.variable.used]


# ---------------------------------------------------------------- numbers


def distance(pool: Pool) -> None:
    """``r2 = dx * dx + dy * dy``, and what depends on it."""
    pen, dice = pool.pen, pool.dice
    dx, dy = pool.pair(TAME)
    if dice.chance(40):
        dx, dy = pen.let(dx - pool.other(dx, 2.0)), pen.let(dy - pool.other(dy, 2.0))
    r2 = pen.let(dx * dx + dy * dy)
    if dice.chance(35):
        r2 = pen.let(r2 + 0.25) if dice.chance(50) else r2
    match dice.below(4):
        case 0:
            pool.let(pen.op("sqrt", r2 + 0.0625))
        case 1:
            pool.let(1.0 / (1.0 + r2))
        case 2:
            r = pen.let(pen.op("sqrt", r2 + 0.25))
            pool.let(dx / r)
            pool.let(dy / r)
        case _:
            pool.put(r2)


def rotation(pool: Pool) -> None:
    """Two coordinates turned by an angle."""
    pen, dice = pool.pen, pool.dice
    angle, (x, y) = pool.take(TAME), pool.pair(2.0)
    c, s = pen.let(pen.op("cos", angle)), pen.let(pen.op("sin", angle))
    pool.let(c * x - s * y)
    if dice.chance(75):
        pool.let(s * x + c * y)


def bell(pool: Pool) -> None:
    """``z = (x - mean) / width``, and a function that falls off with it."""
    pen, dice = pool.pen, pool.dice
    x, mean = pool.pair(1.0)
    apart = x - mean if dice.chance(80) else x
    z = pen.let(apart / pool.positive(1.0, 2.0) if dice.chance(60) else apart)
    match dice.below(3):
        case 0:
            pool.let(pen.op("exp", -0.5 * z * z) if dice.chance(50) else pen.op("exp", -(z * z)))
        case 1:
            pool.let(1.0 / (1.0 + z * z))
        case _:
            pool.let(1.0 / (1.0 + pen.op("exp", -z)))


def blend(pool: Pool) -> None:
    """Two values mixed by a weight."""
    pen, dice = pool.pen, pool.dice
    a, b = pool.pair(TAME)
    match dice.below(3):
        case 0:
            t = pen.let(pen.op("clamp", pool.take(TAME), 0.0, 1.0))
            t = pen.let(t * t * (3.0 - 2.0 * t)) if dice.chance(50) else t
        case 1:
            t = pen.let(0.5 + 0.5 * pen.op("sin", pool.take(TAME)))
        case _:
            t = pen.named(pool.given(pen.main, Interval(0.0, 1.0)))
    match dice.below(3):
        case 0:
            pool.let(a + (b - a) * t)
        case 1:
            pool.let((1.0 - t) * a + t * b)
        case _:
            pool.let(pen.op("lerp", a, b, t))


def polynomial(pool: Pool) -> None:
    """Horner's scheme, a line a power."""
    pen, dice = pool.pen, pool.dice
    x = pool.take(1.0)

    def term(product: Value) -> Value:
        number = pen.number(0.125, 1.0)
        return product + number if dice.chance(60) else product - number

    value = pen.let(term(x * pen.number(0.25, 1.0)), mutable=True)
    for _ in range(dice.between(1, 2)):
        pen.assign(value, term(value * x))
    pool.put(value)


def moments(pool: Pool) -> None:
    """The mean of a few values, and how far they lie from it."""
    pen, dice = pool.pen, pool.dice
    a, b = pool.pair(TAME)
    if dice.chance(40):
        c = pool.take(TAME)
        mean, values = pen.let((a + b + c) / 3.0), [a, b, c]
    else:
        mean, values = pen.let((a + b) * 0.5), [a, b]
    apart = [pen.let(v - mean) for v in values]
    squares = apart[0] * apart[0]
    for part in apart[1:]:
        squares = squares + part * part
    variance = pen.let(squares / float(len(values)))
    if dice.chance(50):
        variance = pen.let(pen.op("sqrt", variance + 0.0625))
    pool.put(variance)
    if dice.chance(60):
        pool.put(mean)


def motion(pool: Pool) -> None:
    """A step in time: velocity and position that are changed in place."""
    pen, dice = pool.pen, pool.dice
    of = _kind(pool)
    x = pen.let(pool.given(of, symmetric(2.0)), mutable=True)
    v = pen.let(pool.given(of, symmetric(2.0)), mutable=True)
    dt = pen.scalar(0.0625, 0.25)
    force = pool.take(TAME, of)
    if dice.chance(60):
        force = force - pool.positive(0.25, 1.0) * x
    if dice.chance(40):
        force = pen.let(force - pool.positive(0.25, 1.0) * v)
    pen.add(v, dt * force)
    if dice.chance(40):
        pen.assign(v, v * pen.number(0.5, 1.0))
    pen.add(x, dt * v)
    pool.put(x)
    pool.put(v)


def swap(pool: Pool) -> None:
    """Two values put in order, or exchanged and changed."""
    pen, dice = pool.pen, pool.dice
    a, b = pool.pair(TAME)
    match dice.below(3):
        case 0:
            low, high = pen.let(pen.op("min", a, b)), pen.let(pen.op("max", a, b))
            pool.let(high - low)
            pool.let(low / pen.op("max", high, 0.25) if dice.chance(40) else (low + high) * 0.5)
        case 1:
            x, y = pen.let(a * 1.5, mutable=True), pen.let(b - a, mutable=True)
            held = pen.let(x)
            pen.assign(x, y)
            pen.assign(y, held - y * pen.number(0.25, 1.0))
            pool.put(x)
            pool.put(y)
        case _:
            x, y = pen.let(a - b, mutable=True), pen.let(a * pen.number(0.5, 1.5), mutable=True)
            pen.unpack([x, y], [x + y, x - y])
            pool.put(x)
            pool.put(y)


def root(pool: Pool) -> None:
    """The discriminant of a quadratic and its roots, or Newton's steps towards a square root."""
    pen, dice = pool.pen, pool.dice
    if dice.chance(50):
        a, b, c = pool.positive(0.5, 2.0), pool.take(2.0), pool.take(1.0)
        inside = pen.let(b * b - 4.0 * a * c)
        found = pen.let(pen.op("sqrt", pen.op("max", inside, 0.0625)))
        pool.let((found - b) / (2.0 * a))
        return
    x = pool.positive(1.0, 3.0)
    guess = pen.let(0.5 * (x + 1.0), mutable=True)
    for _ in range(dice.between(1, 2)):
        pen.assign(guess, 0.5 * (guess + x / guess))
    pool.put(guess)


def budget(pool: Pool) -> None:
    """A running total that terms are added to and taken from, one a line."""
    pen, dice = pool.pen, pool.dice
    total = pen.let(pool.take(TAME) * pen.number(0.5, 2.0), mutable=True)
    terms: list[Value] = []
    for _ in range(dice.between(2, 3)):
        a, b = pool.pair(TAME)
        term = dice.one_of((a * b, a, a - b))
        if any(term.node == known.node for known in terms):
            term = a * b + b
        terms.append(term)
        pen.add(total, term * pen.number(0.25, 1.0) if dice.chance(40) else term, dice.one_of(("add", "add", "sub")))
    pool.put(total)


def squash(pool: Pool) -> None:
    """An activation of a weighted sum, and its slope."""
    pen, dice = pool.pen, pool.dice
    x, y = pool.pair(2.0)
    weighted = x * pen.number(-1.5, 1.5) + y * pen.number(-1.5, 1.5)
    z = pen.let(weighted + pen.number(-0.5, 0.5) if dice.chance(60) else weighted)
    h = pool.let(pen.op("tanh", z) if dice.chance(60) else z / (1.0 + pen.op("abs", z)))
    if dice.chance(50):
        pool.let((1.0 - h * h) * pool.take(2.0))


def drawn(pool: Pool) -> None:
    """A step of the grammar, which uses what functions the kernel has."""
    pool.put(pool.pen.let(pool.pen.drawn(depth=2)))


# ---------------------------------------------------------------- vectors


def _kind(pool: Pool) -> Scalar | Vector:
    if pool.pen.sketch.vectors and pool.dice.chance(65):
        return types.vector(3, pool.pen.main)
    return pool.pen.main


def spring(pool: Pool) -> None:
    """A vector between two points, its length, its direction, and a force along it."""
    pen, dice, of = pool.pen, pool.dice, types.vector(3, pool.pen.main)
    p, q = pool.pair(2.0, of)
    apart = pen.let(q - p)
    length = pen.let(pen.op("length", apart))
    way = pen.let(apart / pen.op("max", length, 0.25))
    if dice.chance(60):
        stretch = pen.let(length - pool.positive(0.25, 1.0))
        pool.let(way * (pool.positive() * stretch))
    else:
        pool.put(length)
        pool.put(way)


def plane(pool: Pool) -> None:
    """What of a vector lies along a normal, and what across; or its reflection."""
    pen, dice, of = pool.pen, pool.dice, types.vector(3, pool.pen.main)
    v, n = pool.pair(2.0, of)
    normal = pen.let(pen.op("normalize", n))
    along = pen.let(pen.op("dot", v, normal))
    if dice.chance(30):
        pool.let(v - 2.0 * along * normal)
    else:
        across = pool.let(v - normal * along)
        if dice.chance(50):
            pool.let(pen.op("length_sq", across))


def frame(pool: Pool) -> None:
    """A product of vectors, its parts, and numbers that are put together to a vector."""
    pen, dice, of = pool.pen, pool.dice, types.vector(3, pool.pen.main)
    a, b = pool.pair(2.0, of)
    found = pen.let(pen.op("cross", a, b))
    if dice.chance(50):
        pool.let(0.5 * pen.op("length", found))
    else:
        pool.let(pen.vector(found.part(0), found.part(1) * pool.take(1.0), pen.op("dot", a, b)))


NUMBERS: Final[tuple[tuple[int, Callable[[Pool], None]], ...]] = (
    (4, distance), (3, rotation), (3, bell), (4, blend), (3, polynomial), (3, moments), (3, motion), (3, swap),
    (3, root), (4, budget), (3, squash), (3, drawn),
)  # fmt: skip
VECTORS: Final[tuple[tuple[int, Callable[[Pool], None]], ...]] = ((4, spring), (3, plane), (2, frame), (2, motion))


class Inner(Pool):
    """The values of a function, which takes what a kernel reads from arrays."""

    def __init__(self, own: FunctionSketch) -> None:
        super().__init__(Pen(own))
        self.own = own

    def given(self, of: Scalar | Vector, span: Interval) -> Value:
        variable = self.own.parameter(of, span)
        return Value(self.pen, Typed(Name(of, variable.name), span, True), variable)


def function(sketch: Sketch) -> Callee:
    """A function of one motif or two, with one result."""
    own = FunctionSketch(sketch)
    own.vectors = False
    pool = Inner(own)
    pool.fresh_inputs = 1
    for _ in range(1 if own.dice.chance(65) else 2):
        own.dice.weighted(NUMBERS)(pool)
    left = pool.unread() or [pool.take()]
    while len(left) > 1:
        second, first = left.pop(), left.pop()
        left.append(_joined(pool, first, second))
    result = own.fit_local(left[0].typed)
    return own.finish(sketch.main, [*pool.pen.body, Return((result.node,))], [result])


def run(pool: Pool) -> None:
    """One of them."""
    table = VECTORS if pool.pen.sketch.vectors and pool.dice.chance(55) else NUMBERS
    pool.dice.weighted(table)(pool)


def finish(pool: Pool, most: int = 3) -> None:
    """Outputs of what nothing has read: one each, the last one of what is left."""
    pen, dice = pool.pen, pool.dice
    left = pool.unread()
    if not left:
        left = [pool.take()]
    while len(left) > 1 and (len(left) > most or dice.chance(45)):
        second, first = left.pop(), left.pop()
        left.append(_joined(pool, first, second))
    if len(left) == 1 and dice.chance(35):
        # a value that is there already, in another result
        known = [v for v in pool.values if v.type is pen.main and v.interval.size <= TAME and v.variable is not None]
        if known:
            pen.keep(left[0])
            again, other = dice.one_of(known), pool.take()
            pen.keep(again * other if again.node != other.node else again * again)
            return
    for value in left:
        pen.keep(value)


def _joined(pool: Pool, first: Value, second: Value) -> Value:
    pen, dice = pool.pen, pool.dice
    if first.type is second.type:
        tame = isinstance(first.type, Scalar) and max(first.interval.size, second.interval.size) <= TAME
        return pen.op(dice.one_of(("add", "sub", "mul") if tame else ("add", "sub")), first, second)
    if isinstance(first.type, Scalar) and isinstance(second.type, Vector):
        first, second = second, first
    if isinstance(first.type, Vector) and isinstance(second.type, Scalar):
        room = REACH[pen.main.notation] / 4
        if first.interval.size * second.interval.size <= room:
            return first * second
        return second + first.part(dice.below(first.type.length))
    return first
