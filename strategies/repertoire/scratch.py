"""What threads use arrays of their own for: sorting, counting, stacks, tables, windows, recurrences, small matrices;
and where they make them: anew in each iteration, in one arm of a branch, in a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.functions import FunctionSketch
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Call,
    Component,
    Element,
    Name,
    Parameter,
    Return,
    Zeros,
)
from strategies.language.types import INT32, Scalar, Vector
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value
from strategies.typed import Typed

#: Lengths of an axis: small, since the array lies on the thread's stack, and loops over it are unrolled.
LENGTHS: Final = (3, 4, 5, 6)
#: Of 100 arrays, how many are written ``wp.zeros(3, dtype=float)``, without the shape's name.
PLACED: Final = 25


class Local:
    """An array of the thread's own, which begins with zeros, and between which values its elements lie by now."""

    def __init__(self, pen: Pen, of: Scalar | Vector, *shape: int) -> None:
        self.pen, self.of = pen, of
        array = types.array(of, len(shape))
        self.array = Parameter(pen.sketch.fresh(), array, 0, 0, shape, True)
        pen.body.append(Assign(Name(array, self.array.name), Zeros(array, shape, pen.dice.chance(PLACED))))
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

    def set_part(self, value: Value, part: int | Value, *indices: Value | int) -> None:
        """``a[k].y = value``, or at a place that only a run knows."""
        self.interval = self.interval.join(value.interval)
        self.pen.body.append(Assign(self._part(part, indices), value.node))

    def add_part(self, value: Value, part: int | Value, *indices: Value | int, times: int) -> None:
        """``a[k].y += value``, as often as that at most."""
        self.interval = symmetric(self.interval.size + value.interval.size * times)
        self.pen.body.append(AugmentedAssign(self._part(part, indices), "add", value.node))

    def _part(self, part: int | Value, indices: tuple[Value | int, ...]) -> Component:
        found = self.read(*indices).part(part, self.pen.dice.chance(50)).node
        assert isinstance(found, Component)
        return found

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
        found = pen.choose(top > 0, a.read((top - 1).narrowed(0, width - 1)), 0)
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
    _give(pen, y.read(0) + y.read(width - 1) if dice.chance(30) else y.read(pen.at(pen.places(width))))


def _trips(pen: Pen, many: int) -> Value:
    """How often a loop runs: as often as a number or a thread's own count says."""
    if pen.dice.chance(50):
        return pen.whole(many)
    return pen.named(pen.at(pen.input(INT32, Interval(pen.dice.between(0, 1), many))), 40)


def _where(pen: Pen, width: int, k: Value, many: int) -> Value:
    """One of `width` places, which depends on an iteration: its remainder, or what an array says of it."""
    return k % width if pen.dice.chance(40) else pen.named(pen.at(pen.places(width, (many,)), k), 40)


def renewed(pen: Pen) -> None:
    """An array that is made anew in each iteration, or in one arm of a branch: it is zero again each time."""
    dice, width, many = pen.dice, pen.dice.between(2, 4), pen.dice.between(2, 4)
    source, at = _row(pen, many)
    rounds = pen.input(span=1.0, shape=(width,))
    limit = pen.number(-0.5, 0.5) if dice.chance(35) else None
    total = pen.total()
    with pen.loop(_trips(pen, many)) as j:
        value = pen.let(pen.at(source, *at, j)) if dice.chance(50) or limit is not None else pen.at(source, *at, j)
        if limit is None:
            _use_once(pen, value, j, total, rounds, many)
        else:
            with pen.when(value > limit):
                _use_once(pen, value, j, total, rounds, many)
            if dice.chance(50):
                with pen.otherwise():
                    pen.add(total, value * 0.5 if dice.chance(50) else value)
    _give(pen, pen.settled(total, linear=True))


def _use_once(pen: Pen, value: Value, j: Value, total: Value, rounds: Parameter, many: int) -> None:
    """An array of one iteration: a number that goes to one place, more to others, and what they are all worth."""
    dice, width = pen.dice, rounds.shape[0]
    a = Local(pen, pen.main, width)
    a.add(value, _where(pen, width, j, many), times=1)
    if dice.chance(60):
        a.add(pen.at(pen.input()), _where(pen, width, j, many), times=1)
    if dice.chance(40):
        with pen.loop(width, 1) as k:
            # each of up to two numbers goes through all the places behind its own at most
            pen.body.append(AugmentedAssign(a._element((k,)), "add", a.read(k - 1).node))
        a.interval = symmetric(a.interval.size * width)
    if dice.chance(30):
        pen.add(total, a.read(0) - a.read(width - 1))
        return
    with pen.loop(a.stop()) as k:
        pen.add(total, a.read(k) * pen.at(rounds, k))


def passed(pen: Pen) -> None:
    """An array of the thread's own that is passed to a function, which sums, weighs or searches its first elements."""
    dice, width = pen.dice, pen.dice.one_of(LENGTHS)
    a = _loaded(pen, width, pen.main)
    own = FunctionSketch(pen.sketch)
    most = max(1.0, a.interval.size)
    given = Parameter(own.fresh(), types.array(pen.main), -most, most, (width,))
    own.parameters.append(given)
    inner = Pen(own)
    known = own.count(Interval(0, width))
    count = Value(inner, Typed(Name(INT32, known.name), known.interval), known)
    kind = dice.below(3)
    if kind == 2:
        found = inner.let(inner.at(given, 0), mutable=True, within=symmetric(most))
        with inner.loop(count, 1) as k:
            k = k.narrowed(1, width - 1)
            inner.assign(found, inner.op(dice.one_of(("max", "min")), found, inner.at(given, k)))
    else:
        found = inner.total()
        with inner.loop(count) as k:
            k = k.narrowed(0, width - 1)
            inner.add(found, inner.at(given, k) * inner.at(given, k) if kind else inner.at(given, k))
        found = inner.settled(found, linear=True)
    result = own.fit_local(found.typed)
    callee = own.finish(pen.main, [*inner.body, Return((result.node,))], [result], needed=(given.name, known.name))
    pen.sketch.called.add(callee.function.name)

    def called(first: Value) -> Value:
        node = Call(pen.main, callee.function.name, (Name(a.array.type, a.array.name), first.node))
        return Value(pen, Typed(node, result.interval, True))

    number = pen.at(pen.input(INT32, Interval(0, width))) if dice.chance(50) else pen.whole(width)
    value = pen.named(called(number), 60)
    if dice.chance(40):
        # what changes in between, the second call sees
        a.set(pen.at(pen.input()), dice.below(width))
        value = value - called(pen.whole(dice.between(2, width)))
    _give(pen, value)


def inside(pen: Pen) -> None:
    """A function that makes an array for itself, called twice: powers of a number, weighed, or one of them."""
    dice, width = pen.dice, pen.dice.one_of(LENGTHS)
    own = FunctionSketch(pen.sketch)
    x = own.parameter(pen.main, symmetric(1.0))
    inner = Pen(own)
    base = Value(inner, Typed(Name(pen.main, x.name), x.interval, True), x)
    t = Local(inner, pen.main, width)
    t.set(inner.literal(1.0) if dice.chance(60) else base, 0)
    with inner.loop(width, 1) as k:
        t.set(t.read(k - 1).narrowed(-1, 1) * base, k)
    if dice.chance(50):
        total = inner.total()
        with inner.loop(t.stop()) as k:
            share = t.read(k) / inner.cast(k + 1) if dice.chance(50) else t.read(k) * t.read(width - 1 - k)
            inner.add(total, share)
        found = inner.settled(total)
        needed: tuple[str, ...] = (x.name,)
    else:
        place = own.place(width)
        found = t.read(Value(inner, Typed(Name(INT32, place.name), place.interval), place)) * base
        needed = (x.name, place.name)
    result = own.fit_local(found.typed)
    callee = own.finish(pen.main, [*inner.body, Return((result.node,))], [result], needed=needed)
    pen.sketch.called.add(callee.function.name)
    places = [pen.at(pen.places(width)) for _ in needed[1:]]

    def called(value: Value) -> Value:
        node = Call(pen.main, callee.function.name, (value.node, *(p.node for p in places)))
        return Value(pen, Typed(node, result.interval, True))

    one, other = (pen.at(pen.input(span=1.0)) for _ in range(2))
    _give(pen, dice.one_of((called(one) - called(other), called(one) * called(other), called(one) * other)))


def vectors(pen: Pen) -> None:
    """An array of vectors: points that are loaded and changed, some by one number, and what they come to."""
    dice, width = pen.dice, pen.dice.between(3, 4)
    of = types.vector(dice.one_of((2, 3)), pen.main)
    if len(pen.own) < types.MAX_ARRAY_DIMENSIONS:
        source, at = pen.input(of, 2.0, (*pen.sketch.launch, width)), pen.own
    else:
        source, at = pen.input(of, 2.0, (*pen.sketch.launch[1:], width)), pen.own[1:]
    a = Local(pen, of, width)
    with pen.loop(a.stop()) as k:
        a.set(pen.at(source, *at, k) * pen.at(pen.input(span=1.0)) if dice.chance(40) else pen.at(source, *at, k), k)
    for _ in range(dice.between(1, 2)):
        number = pen.at(pen.input())
        part = pen.named(pen.at(pen.places(of.length)), 50) if dice.chance(40) else dice.below(of.length)
        where = pen.at(pen.places(width)) if dice.chance(40) else dice.below(width)
        if dice.chance(35):
            a.set_part(number, part, where)
        else:
            a.add_part(number, part, where, times=1)
    match dice.below(3):
        case 0:
            with pen.loop(width, 1) as k:
                a.set(a.read(k).narrowed(-6.0, 6.0) - a.read(k - 1).narrowed(-12.0, 12.0) * 0.5, k)
            _give(pen, a.read(width - 1))
        case 1:
            total = pen.total(of)
            with pen.loop(a.stop()) as k:
                pen.add(total, a.read(k))
            pen.keep(pen.settled(total))
        case _:
            total = pen.total()
            with pen.loop(width - 1) as k:
                pen.add(total, pen.op("dot", a.read(k), a.read((k + 1).narrowed(1, width - 1))))
            _give(pen, pen.settled(total))


USES: Final[tuple[tuple[int, Callable[[Pen], None]], ...]] = (
    (4, histogram), (4, sort), (3, nearest), (3, stack), (3, table), (2, window), (2, scan), (2, recurrence),
    (7, product), (6, renewed), (4, passed), (4, inside), (4, vectors),
)  # fmt: skip
