"""Computations on arrays of several dimensions: products of matrices, planes summed, rows normalized, patches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from strategies.blocks import whole
from strategies.functions import FunctionSketch
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Call, Literal, Name, Parameter, Return, Slice
from strategies.repertoire.axes import AXES
from strategies.repertoire.endings import finish
from strategies.repertoire.forms import Form
from strategies.repertoire.images import IMAGES
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value
from strategies.typed import Typed

#: An element: the array or a part of it, and the place in that.
Cell: TypeAlias = tuple[Parameter, tuple[Value | int, ...]]


def product(pen: Pen) -> None:
    """A product of matrices, of which each thread has an element or a row: by indices, or by a row and a column."""
    dice, launch = pen.dice, pen.sketch.launch
    inner = dice.between(2, 4)
    if len(launch) == 1:
        wide = dice.between(2, 4)
        a, b = pen.input(span=1.0, shape=(launch[0], inner)), pen.input(span=1.0, shape=(inner, wide))
        output = pen.output(shape=(launch[0], wide))
        with pen.loop(pen.length(b, 1, 0)) as c:
            total = pen.total()
            with pen.loop(inner) as k:
                pen.add(total, pen.at(a, pen.own[0], k) * pen.at(b, k, c))
            found = pen.settled(total)
            match dice.below(4):
                case 0:
                    found = found + pen.at(pen.input(shape=(wide,)), c)
                case 1:
                    found = found * pen.number(0.25, 1.5)
                case 2:
                    found = pen.op("max", found, 0.0)
            pen.store(output, found, pen.own[0], c)
        return
    *batch, i, j = pen.own[-3:] if len(launch) > 2 else pen.own
    many = tuple(launch[-3:-2]) if len(launch) > 2 else ()
    both = dice.chance(50)
    a = pen.input(span=1.0, shape=(*many, launch[-2], inner))
    b = pen.input(span=1.0, shape=(*(many if both else ()), inner, launch[-1]))
    turned = dice.chance(30)
    if turned:
        b = pen.input(span=1.0, shape=(launch[-1], inner))
    row = pen.part(a, *batch, i) if dice.chance(45) else None
    column = None
    if not turned and dice.chance(55):
        column = pen.part(b, *(batch if both else ()), Slice(), j, lengths=(inner,))
    total = pen.total()
    with pen.loop(inner) as k:
        left = pen.at(row, k) if row is not None else pen.at(a, *batch, i, k)
        if turned:
            right = pen.at(b, j, k)
        elif column is not None:
            right = pen.at(column, k)
        else:
            right = pen.at(b, *(batch if both else ()), k, j)
        pen.add(total, left * right)
    found = pen.settled(total)
    if dice.chance(40):
        found = found + pen.at(pen.input(shape=(launch[-1],)), j)
    if dice.chance(25):
        found = pen.op("max", found, 0.0) if dice.chance(60) else pen.op("tanh", found)
    finish(pen, found)


def planes(pen: Pen) -> None:
    """Two nested loops over the axes that the launch has not, of a plane that may have a name."""
    dice, launch = pen.dice, pen.sketch.launch
    height, width = dice.between(2, 3), dice.between(2, 4)
    array = pen.input(span=1.5, shape=(*launch, height, width))
    weights = pen.input(span=1.0, shape=(height, width)) if dice.chance(55) else None
    part: Parameter | None = None
    if dice.chance(75):
        part = pen.part(array, *pen.own)
    axes = (len(launch), len(launch) + 1) if part is None else (0, 1)
    total = pen.total()
    shaped = 100 if dice.chance(30) else 0
    source = part or array
    with pen.loop(pen.length(source, axes[0], shaped)) as p, pen.loop(pen.length(source, axes[1], shaped)) as q:
        value = pen.at(part, p, q) if part is not None else pen.at(array, *pen.own, p, q)
        if weights is not None:
            value = value * pen.at(weights, p, q)
        elif dice.chance(50):
            value = value * value
        pen.add(total, value)
    found = pen.settled(total, linear=bool(shaped))
    if shaped:
        pen.keep(found + pen.at(pen.input()) if dice.chance(50) else found)
        return
    if weights is None and dice.chance(60):
        found = found / float(height * width)
    finish(pen, found)


def patch(pen: Pen) -> None:
    """A window of a larger array that begins at the thread's place: weighted, or its largest value."""
    dice, launch = pen.dice, pen.sketch.launch
    axes = min(2, len(launch))
    size = 2 if axes == 2 else dice.between(2, 3)
    grid = (*launch[:-axes], *(n + size - 1 for n in launch[-axes:]))
    array = pen.input(span=1.5, shape=grid)
    taps = pen.input(span=1.0, shape=(size,) * axes) if dice.chance(65) else None
    outer, own = pen.own[:-axes], pen.own[-axes:]
    view: Parameter | None = None
    if dice.chance(85):
        starts = tuple(Slice(v.node) for v in own)
        view = pen.part(array, *outer, *starts, lengths=(size,) * axes)
    best = taps is None and dice.chance(50)
    if best:
        total = pen.let(pen.at(view, *[0] * axes) if view is not None else pen.at(array, *outer, *own), mutable=True)
    else:
        total = pen.total()

    def visit(offsets: list[Value]) -> None:
        if len(offsets) < axes:
            with pen.loop(size) as k:
                visit([*offsets, k])
            return
        at = [v + k for v, k in zip(own, offsets, strict=True)]
        value = pen.at(view, *offsets) if view is not None else pen.at(array, *outer, *at)
        if best:
            pen.assign(total, pen.op("max", total, value))
        else:
            pen.add(total, value if taps is None else value * pen.at(taps, *offsets))

    visit([])
    found = total if best else pen.settled(total)
    finish(pen, found / float(size**axes) if taps is None and not best else found)


def normalized(pen: Pen) -> None:
    """A row less its mean, over its sum or its length, or the softmax of it; through views of input and output."""
    dice, launch = pen.dice, pen.sketch.launch
    width = dice.between(3, 5)
    source, output = pen.input(span=1.5, shape=(*launch, width)), pen.output(shape=(*launch, width))
    row, out = source, output
    at: tuple[Value, ...] = pen.own
    if dice.chance(70):
        row, out, at = pen.part(source, *pen.own), pen.part(output, *pen.own), ()
    kind = dice.one_of(("mean", "softmax", "length", "share"))
    total = pen.total()
    with pen.loop(width) as k:
        value = pen.at(row, *at, k)
        if kind == "softmax":
            value = pen.op("exp", value)
        elif kind == "length":
            value = value * value
        elif kind == "share":
            value = pen.op("abs", value)
        pen.add(total, value)
    if kind == "mean":
        found = pen.let(pen.settled(total) / float(width))
    elif kind == "length":
        found = pen.let(pen.op("sqrt", pen.above(total, 0.0) + 0.25))
    elif kind == "softmax":
        # each exponential is above 0.2, and there are at least three
        found = pen.above(total, 0.5)
    else:
        found = pen.let(pen.above(total, 0.0) + 0.25)
    with pen.loop(width) as k:
        value = pen.at(row, *at, k)
        value = pen.op("exp", value) if kind == "softmax" else value
        pen.store(out, value - found if kind == "mean" else value / found, *at, k)


def strided(pen: Pen) -> None:
    """The even and the odd places of a row, or the row backwards, by slices with a step."""
    dice, launch = pen.dice, pen.sketch.launch
    half = dice.between(2, 3)
    array = pen.input(shape=(*launch, 2 * half))
    first = pen.part(array, *pen.own, Slice(None, None, whole(2)), lengths=(half,))
    if dice.chance(60):
        second = pen.part(array, *pen.own, Slice(whole(1), None, whole(2)), lengths=(half,))
    else:
        second = pen.part(array, *pen.own, Slice(None, None, whole(-1)), lengths=(2 * half,))
    if dice.chance(45):
        output = pen.part(pen.output(shape=(*launch, half)), *pen.own)
        with pen.loop(half) as k:
            one, other = pen.at(first, k), pen.at(second, k)
            value = dice.one_of((one - other, 0.5 * (one + other), one * other))
            pen.store(output, value * pen.at(pen.input()) if dice.chance(30) else value, k)
        return
    total = pen.total()
    weights = pen.input(span=1.0, shape=(half,)) if dice.chance(35) else None
    with pen.loop(half) as k:
        one, other = pen.at(first, k), pen.at(second, k)
        if weights is not None:
            pen.add(total, pen.at(weights, k) * (one + other if dice.chance(50) else one - other))
        elif dice.chance(40):
            apart = pen.let(one - other)
            pen.add(total, apart * apart)
        else:
            pen.add(total, one * other)
    found = pen.settled(total)
    finish(pen, found if dice.chance(60) else found / float(half))


def flat(pen: Pen) -> None:
    """An array of one axis with rows one behind the other: ``x[i * columns + j]``, or a row of it in a loop."""
    dice, launch = pen.dice, pen.sketch.launch
    if len(launch) == 1:
        wide = dice.between(2, 4)
        array = pen.input(span=1.0, shape=(launch[0] * wide,))
        weights = pen.input(span=1.0, shape=(wide,))
        total = pen.total()
        with pen.loop(pen.length(weights, 0, 0)) as k:
            pen.add(total, pen.at(array, pen.own[0] * wide + k) * pen.at(weights, k))
        found = pen.settled(total)
        finish(pen, found if dice.chance(50) else found + pen.at(pen.input()))
        return
    place, extent = pen.own[0], launch[0]
    for own, count in zip(pen.own[1:], launch[1:], strict=True):
        place, extent = place * count + own, extent * count
    line = pen.input(shape=(extent,))
    where = pen.let(place)
    value = pen.at(line, where)
    other = pen.at(pen.input())
    if dice.chance(40):
        pen.store(pen.output(shape=(extent,)), other * pen.number(0.5, 1.5) + value, where)
    else:
        finish(pen, value * other if dice.chance(50) else value - other)


def passed(pen: Pen) -> None:
    """A row that is passed to a function, which goes through it."""
    dice, launch = pen.dice, pen.sketch.launch
    width = dice.between(3, 5)
    own = FunctionSketch(pen.sketch)
    given = Parameter(own.fresh(), types.array(pen.main), -1.5, 1.5, (width,))
    own.parameters.append(given)
    inner = Pen(own)
    factor = own.parameter(pen.main, symmetric(2.0))
    scale = Value(inner, Typed(Name(pen.main, factor.name), factor.interval, True), factor)
    total = inner.total()
    kind = dice.below(3)
    length = inner.length(given, 0, 30)
    with inner.loop(length) as k:
        value = inner.at(given, k)
        if kind == 0:
            inner.add(total, value * value)
        elif kind == 1:
            apart = inner.let(value - scale)
            inner.add(total, apart * apart)
        else:
            inner.add(total, value)
    found = inner.settled(total)
    if kind != 1 and not isinstance(length.node, Literal):
        # of a loop that is not unrolled, nothing but sums may read the result
        found = found + scale
    elif kind != 1:
        found = found * scale
    result = own.fit_local(found.typed)
    callee = own.finish(pen.main, [*inner.body, Return((result.node,))], [result])
    pen.sketch.called.add(callee.function.name)
    row = pen.part(pen.input(span=1.5, shape=(*launch, width)), *pen.own)
    argument = pen.sketch.fit(pen.at(pen.input()).typed, Interval(-2.0, 2.0))
    call = Call(pen.main, callee.function.name, (Name(row.type, row.name), argument.node))
    finish(pen, pen.named(Value(pen, Typed(call, result.interval, True)), 50))


def rewritten(pen: Pen) -> None:
    """A thread's own row that has a name and is changed: through the array and read through the row, or the other way
    round, or through a row of it that begins later."""
    dice, launch = pen.dice, pen.sketch.launch
    width, span = dice.between(3, 5), symmetric(3.0)
    array = pen.sketch.array(pen.main, (*launch, width), span, output=True)
    row = pen.part(array, *pen.own)
    begin = dice.between(1, width - 2)
    rest = pen.part(row, Slice(whole(begin)), lengths=(width - begin,)) if dice.chance(35) else None

    def through(k: int) -> Cell:
        return (rest, (k - begin,)) if rest is not None and k >= begin else (row, (k,))

    def plain(k: int) -> Cell:
        return array, (*pen.own, k)

    # where one name of a cell is written, another is read
    there, here = (through, plain) if dice.chance(50) else (plain, through)

    def read(k: int) -> Value:
        source, at = here(k)
        return pen.at(source, *at)

    def write(k: int, value: Value) -> None:
        target, at = there(k)
        pen.store(target, pen.fitted(value, span.low, span.high), *at)

    first, second, third = dice.some_of(range(width), 3)
    before = pen.let(read(first)) if dice.chance(60) else None
    value = pen.at(pen.input(span=1.5))
    write(first, value + pen.let(read(second)) if dice.chance(50) else value * value)
    if dice.chance(40):
        write(second, pen.at(pen.input(span=1.5)))
    found = read(first)
    if dice.chance(60):
        other = read(second if dice.chance(60) else third)
        found = found * other if dice.chance(40) else found + other
    finish(pen, found if before is None else found - before)


GRIDS: Final[tuple[Form[Callable[[Pen], None]], ...]] = (
    Form(4, product), Form(3, planes, most=2), Form(3, patch), Form(3, normalized, most=3), Form(10, strided, most=3),
    Form(2, flat), Form(11, passed, most=3), Form(6, rewritten, most=3), *AXES, *IMAGES,
)  # fmt: skip
