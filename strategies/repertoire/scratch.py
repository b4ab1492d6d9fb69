"""What threads use arrays of their own for: sorting, counting, stacks, tables, windows, recurrences, small matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Assign, AugmentedAssign, Element, Name, Parameter, Zeros
from strategies.language.types import INT32, Scalar
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value
from strategies.typed import Typed

#: Lengths of an axis: small, since the array lies on the thread's stack, and loops over it are unrolled.
LENGTHS: Final = (3, 4, 5, 6)


class Local:
    """An array of the thread's own, which begins with zeros, and between which values its elements lie by now."""

    def __init__(self, pen: Pen, of: Scalar, *shape: int) -> None:
        self.pen, self.of = pen, of
        array = types.array(of, len(shape))
        self.array = Parameter(pen.sketch.fresh(), array, 0, 0, shape, True)
        pen.body.append(Assign(Name(array, self.array.name), Zeros(array, shape)))
        self.interval = Interval(0, 0)

    def _element(self, indices: tuple[Value | int, ...]) -> Element:
        found = self.pen.at(self.array, *indices).node
        assert isinstance(found, Element)
        return found

    def read(self, *indices: Value | int) -> Value:
        """An element."""
        return Value(self.pen, Typed(self._element(indices), self.interval))

    def set(self, value: Value, *indices: Value | int) -> None:
        """``a[k] = value``."""
        typed = self.pen.sketch.fit_local(value.typed)
        self.interval = self.interval.join(typed.interval)
        self.pen.body.append(Assign(self._element(indices), typed.node))

    def add(self, value: Value, *indices: Value | int, times: int) -> None:
        """``a[k] += value``, as often as that at most."""
        size = value.interval.size * times
        low = 0 if value.interval.low >= 0 and self.interval.low >= 0 else -self.interval.size - size
        self.interval = Interval(low, self.interval.size + size)
        self.pen.body.append(AugmentedAssign(self._element(indices), "add", value.node))

    def stop(self) -> Value:
        """Its length."""
        return self.pen.length(self.array, 0, 25)


def _store_all(pen: Pen, a: Local, width: int) -> None:
    """A new output that has a row for each thread, which holds the thread's array then."""
    output = pen.output(a.of, (*pen.sketch.launch, width))
    with pen.loop(width) as k:
        pen.store(output, a.read(k), *pen.own, k)


def _row(pen: Pen, width: int, of: Scalar | None = None) -> tuple[Parameter, tuple[Value, ...]]:
    """Inputs of which each thread has `width`, and where its own are."""
    wanted = of or pen.main
    span = symmetric(2.0) if wanted.is_float else Interval(0, 9)
    if len(pen.own) == types.MAX_ARRAY_DIMENSIONS:
        return pen.input(wanted, span, (*pen.sketch.launch[1:], width)), pen.own[1:]
    return pen.input(wanted, span, (*pen.sketch.launch, width)), pen.own


def _number(pen: Pen) -> Scalar:
    """What is kept: floats of the kernel, or whole numbers."""
    return pen.main if pen.dice.chance(62) else INT32


def _loaded(pen: Pen, width: int, of: Scalar, changed: bool = True) -> Local:
    """An array with what a row of an input holds, as it is or worked on."""
    dice = pen.dice
    found = Local(pen, of, width)
    source, at = _row(pen, width, of)
    scale = pen.number(0.25, 1.5) if changed and of.is_float and dice.chance(40) else None
    with pen.loop(found.stop()) as k:
        value = pen.at(source, *at, k)
        if scale is not None:
            value = value * scale
        elif changed and dice.chance(30):
            value = pen.op("abs", value) if dice.chance(50) else value * value
        found.set(value, k)
    return found


def _give(pen: Pen, value: Value) -> None:
    """A result: as it is, or with an input of the thread's own."""
    if value.type is INT32 and pen.dice.chance(65):
        number = pen.cast(value) * 0.25 if value.interval.size > 8 else pen.cast(value)
        pen.keep(number + pen.at(pen.input()))
    else:
        pen.give(value)


def sort(pen: Pen) -> None:
    """A full sort, by exchange or by insertion, and the median, the ends or all of it."""
    dice, width = pen.dice, pen.dice.one_of(LENGTHS)
    of = _number(pen)
    a = _loaded(pen, width, of)
    down = dice.chance(25)
    if dice.chance(60):
        with pen.loop(width - 1) as p:
            short = dice.chance(50)
            with pen.loop((width - 1 - p) if short else width - 1) as q:
                after = (q + 1).narrowed(0, width - 1)
                q = q.narrowed(0, width - 2)
                one, other = a.read(q), a.read(after)
                with pen.when(one < other if down else one > other):
                    held = pen.let(one)
                    a.set(other, q)
                    a.set(held, after)
    else:
        with pen.loop(width) as p, pen.loop(width, p + 1) as q:
            q = q.narrowed(0, width - 1)
            one, other = a.read(p), a.read(q)
            with pen.when(other > one if down else other < one):
                held = pen.let(one)
                a.set(other, p)
                a.set(held, q)
    match dice.below(4):
        case 0 if len(pen.own) < types.MAX_ARRAY_DIMENSIONS:
            _store_all(pen, a, width)
        case 1:
            _give(pen, a.read(0))
            _give(pen, a.read(width - 1) if dice.chance(60) else a.read(-1))
        case 2:
            _give(pen, a.read(width - 1) - a.read(0))
        case _:
            _give(pen, a.read(width // 2))


def nearest(pen: Pen) -> None:
    """Distances that are kept, then the least of them and where it is."""
    dice, width = pen.dice, pen.dice.one_of(LENGTHS)
    a = Local(pen, pen.main, width)
    source, at = _row(pen, width)
    x = pen.let(pen.at(pen.input()))
    with pen.loop(a.stop()) as k:
        apart = pen.let(pen.at(source, *at, k) - x) if dice.chance(50) else pen.at(source, *at, k) - x
        a.set(apart * apart if dice.chance(50) else pen.op("abs", apart), k)
    best = pen.let(pen.whole(0), mutable=True, within=Interval(0, width - 1))
    least = dice.chance(75)
    with pen.loop(width, 1) as k, pen.when(a.read(k) < a.read(best) if least else a.read(k) > a.read(best)):
        pen.assign(best, k)
    _give(pen, pen.at(source, *at, best) if dice.chance(50) else a.read(best))
    if dice.chance(50):
        _give(pen, best)


def stack(pen: Pen) -> None:
    """What passes a test, one behind the other, and how many there are; then a loop over those."""
    dice, width = pen.dice, pen.dice.one_of(LENGTHS)
    of = _number(pen)
    source, at = _row(pen, width, of)
    a = Local(pen, of, width)
    top = pen.let(pen.whole(0), mutable=True, within=Interval(0, width))
    least = pen.number(-0.5, 0.5) if of.is_float else pen.whole(4)
    with pen.loop(width) as k:
        value = pen.let(pen.at(source, *at, k))
        with pen.when(value > least if dice.chance(70) else value < least):
            # as many as were seen so far at most
            a.set(value, top.narrowed(0, width - 1))
            pen.add(top, pen.whole(1))
    if dice.chance(30):
        found = pen.choose(top > 0, a.read(pen.op("max", top - 1, 0).narrowed(0, width - 1)), 0)
        _give(pen, found)
        return
    total = pen.total(of)
    with pen.loop(top) as k:
        k = k.narrowed(0, width - 1)
        pen.add(total, a.read(k) * a.read(k) if of.is_float and dice.chance(40) else a.read(k))
    _give(pen, pen.settled(total))
    if dice.chance(50):
        _give(pen, top)


def histogram(pen: Pen) -> None:
    """Bins that are counted over a loop, and which has most, or all of them."""
    dice, bins, many = pen.dice, pen.dice.between(3, 5), pen.dice.between(4, 8)
    h = Local(pen, INT32 if dice.chance(60) else pen.main, bins)
    floats = dice.chance(40)
    source, at = _row(pen, many, pen.main if floats else INT32)
    with pen.loop(many) as k:
        value = pen.at(source, *at, k)
        if floats:
            where = pen.let(pen.op("clamp", pen.cut(value + bins * 0.5, -1, bins + 2), 0, bins - 1))
        else:
            where = pen.let((value % bins) if dice.chance(60) else pen.op("min", value, bins - 1))
        h.add(pen.literal(1, h.of), where, times=many)
    match dice.below(3):
        case 0 if len(pen.own) < types.MAX_ARRAY_DIMENSIONS:
            output = pen.output(h.of, (*pen.sketch.launch, bins))
            with pen.loop(bins) as k:
                pen.store(output, h.read(k), *pen.own, k)
        case 1:
            _give(pen, h.read(pen.at(pen.places(bins))))
        case _:
            most = pen.let(pen.whole(0), mutable=True, within=Interval(0, bins - 1))
            with pen.loop(bins, 1) as k, pen.when(h.read(k) > h.read(most)):
                pen.assign(most, k)
            _give(pen, most)
            if dice.chance(50):
                _give(pen, h.read(most))


def table(pen: Pen) -> None:
    """A table that is worked out once and looked up at places that data names."""
    dice, width = pen.dice, pen.dice.one_of(LENGTHS)
    t = Local(pen, pen.main, width)
    factor = pen.at(pen.input(span=1.0)) if dice.chance(60) else pen.number(0.25, 1.0)
    factor = pen.let(factor)
    kind = dice.below(3)
    if kind == 0:
        # powers
        t.set(pen.literal(1.0), 0)
        with pen.loop(width, 1) as k:
            t.set(t.read(k - 1).narrowed(-1, 1) * factor, k)
    else:
        with pen.loop(t.stop()) as k:
            step = pen.cast(k) * factor
            t.set(pen.op("exp", -step) if factor.interval.low >= 0 and kind == 1 else pen.op("cos", step), k)
    many = dice.between(2, 4)
    if dice.chance(50):
        _give(pen, t.read(pen.let(pen.at(pen.places(width)))) * pen.at(pen.input()))
        return
    source, at = _row(pen, many)
    places = pen.places(width, (many,))
    total = pen.total()
    with pen.loop(many) as k:
        pen.add(total, t.read(pen.at(places, k)) * pen.at(source, *at, k))
    _give(pen, pen.settled(total))


def window(pen: Pen) -> None:
    """A ring of the last few values, whose mean is taken as it goes along a row."""
    dice, width = pen.dice, pen.dice.between(2, 3)
    many = dice.between(4, 6)
    source, at = _row(pen, many)
    ring = Local(pen, pen.main, width)
    ring.interval = symmetric(2.0)
    total = pen.total()
    with pen.loop(many) as k:
        where = k % width
        ring.set(pen.at(source, *at, k), where)
        if dice.chance(50):
            with pen.when(k >= width - 1):
                mean = pen.let((ring.read(0) + ring.read(1)) * 0.5 if width == 2 else
                               (ring.read(0) + ring.read(1) + ring.read(2)) / 3.0)  # fmt: skip
                pen.add(total, mean * mean if dice.chance(50) else pen.op("abs", mean))
        else:
            older = ((k + 1) % width) if width > 1 else k
            pen.add(total, ring.read(older) * pen.at(source, *at, k))
    _give(pen, pen.settled(total))


def scan(pen: Pen) -> None:
    """Running sums, or the largest so far, and what they are used for."""
    dice, width = pen.dice, pen.dice.one_of(LENGTHS)
    of = _number(pen)
    a = _loaded(pen, width, of, changed=False)
    wide = a.interval
    if dice.chance(65):
        a.interval = Interval(min(0, wide.low * width), wide.high * width)
        with pen.loop(width, 1) as k:
            if dice.chance(60):
                pen.body.append(AugmentedAssign(a._element((k,)), "add", a.read(k - 1).node))
            else:
                pen.body.append(Assign(a._element((k,)), (a.read(k) + a.read(k - 1)).node))
    else:
        with pen.loop(width, 1) as k:
            a.set(pen.op(dice.one_of(("max", "min")), a.read(k), a.read(k - 1)), k)
    match dice.below(3):
        case 0 if len(pen.own) < types.MAX_ARRAY_DIMENSIONS:
            _store_all(pen, a, width)
        case 1:
            _give(pen, a.read(-1) - a.read(0) if dice.chance(50) else a.read(-1))
        case _:
            where = pen.let(pen.at(pen.places(width)))
            _give(pen, a.read(where))


def recurrence(pen: Pen) -> None:
    """Each value out of the two before: Chebyshev's or Legendre's polynomials, or counts of ways; then their sum."""
    dice, width = pen.dice, pen.dice.between(4, 6)
    if dice.chance(25):
        a = Local(pen, INT32, width)
        a.set(pen.whole(1), 0)
        a.set(pen.whole(1), 1)
        a.interval = Interval(0, 40)
        with pen.loop(width, 2) as k:
            pen.body.append(Assign(a._element((k,)), (a.read(k - 1) + a.read(k - 2)).node))
        _give(pen, a.read(pen.let(pen.at(pen.places(width)))))
        return
    x = pen.let(pen.at(pen.input(span=1.0)))
    a = Local(pen, pen.main, width)
    a.set(pen.literal(1.0), 0)
    a.set(x, 1)
    with pen.loop(width, 2) as k:
        # between minus one and one, as x is; with rounding a little more
        a.set((2.0 * x * a.read(k - 1) - a.read(k - 2)).narrowed(-1.5, 1.5), k)
    weights = pen.input(span=1.0, shape=(width,))
    total = pen.total()
    with pen.loop(a.stop()) as k:
        pen.add(total, pen.at(weights, k) * a.read(k))
    _give(pen, pen.settled(total, linear=True))


def product(pen: Pen) -> None:
    """Two rows' convolution, or a small matrix that is filled and multiplied with a row."""
    dice, width = pen.dice, pen.dice.between(2, 3)
    one, at = _row(pen, width)
    other = pen.input(span=1.0, shape=(width,))
    if dice.chance(30):
        c = Local(pen, pen.main, 2 * width - 1)
        with pen.loop(width) as p, pen.loop(width) as q:
            c.add(pen.at(one, *at, p) * pen.at(other, q), p + q, times=width)
        _give(pen, c.read(width - 1 if dice.chance(50) else pen.let(pen.at(pen.places(2 * width - 1)))))
        return
    m = Local(pen, pen.main, width, width)
    with pen.loop(width) as r, pen.loop(width) as c2:
        value = pen.at(one, *at, r) * pen.at(other, c2)
        m.set(value if dice.chance(60) else value + pen.choose(r.equals(c2), pen.literal(1.0), 0.0), r, c2)
    if dice.chance(40):
        trace = pen.total()
        with pen.loop(m.stop()) as r:
            pen.add(trace, m.read(r, r))
        _give(pen, pen.settled(trace))
        return
    y = Local(pen, pen.main, width)
    with pen.loop(width) as r, pen.loop(width) as c3:
        y.add(m.read(r, c3) * pen.at(one, *at, c3), r, times=width)
    _give(pen, y.read(dice.below(width)) + y.read(width - 1) if dice.chance(30) else y.read(pen.at(pen.places(width))))


USES: Final[tuple[tuple[int, Callable[[Pen], None]], ...]] = (
    (4, histogram), (4, sort), (3, nearest), (3, stack), (3, table), (2, window), (2, scan), (2, recurrence),
    (7, product),
)  # fmt: skip
