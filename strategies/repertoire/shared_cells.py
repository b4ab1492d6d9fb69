"""What threads do to cells that they share: sums, moments, bins, extremes and boxes, by one atomic operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.blocks import whole
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Assign, Atomic, AugmentedAssign, Component, Element, Name, Parameter
from strategies.language.types import INT32, Scalar
from strategies.repertoire.forms import Form
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value
from strategies.typed import Typed

#: Operations that have these uses; the others have some of their own.
OPERATIONS: Final = ("atomic_add", "atomic_sub", "atomic_max", "atomic_min")
SUMS: Final = ("atomic_add", "atomic_sub")


class Shared:
    """One operation on cells of one type."""

    def __init__(self, pen: Pen, op: str, of: Scalar) -> None:
        self.pen, self.op, self.of = pen, op, of
        self.dice = pen.dice

    def value(self) -> Value:
        """What a thread adds or offers: an element, as it is or worked on."""
        pen, dice = self.pen, self.dice
        if not self.of.is_float:
            return pen.at(pen.input(self.of, Interval(0, 9)))
        found = pen.at(pen.input(self.of, dice.one_of((2.0, 1.0))))
        match dice.below(8):
            case 0:
                return found * pen.at(pen.input(self.of))
            case 1:
                return found * found
            case 2:
                return pen.op("abs", found)
            case 3:
                return found * pen.number(0.25, 2.0)
            case 4:
                return found - pen.at(pen.input(self.of))
            case 5:
                return pen.op(dice.one_of(("exp", "sin", "cos", "tanh")), found)
        return found

    def cells(self, *shape: int) -> Parameter:
        """Cells that threads share: zeros before a sum, mostly; before an extreme what is far on the other side."""
        if self.op in SUMS:
            return self.pen.output(self.of, shape, zero=self.dice.chance(75))
        low = 9.0 if self.op == "atomic_min" else -9.0
        if not self.of.is_float or self.dice.chance(40):
            return self.pen.output(self.of, shape)
        return self.pen.sketch.array(self.of, shape, Interval(low, low), output=True)

    def change(self, cells: Parameter, value: Value, *indices: Value | int) -> None:
        """The operation."""
        self.pen.atomic(self.op, cells, value, *indices)


def _bin(shared: Shared, count: int) -> Value:
    """Which of `count` bins the thread belongs to: by an array, a coordinate, or its index."""
    pen, dice = shared.pen, shared.dice
    match dice.below(5):
        case 0 | 1:
            return pen.named(pen.at(pen.places(count)))
        case 2 | 3:
            x = pen.at(pen.input(span=Interval(0.0, 1.0)))
            found = pen.cut(x * float(count), 0, count)
            return pen.let(pen.op("clamp", found, 0, count - 1))
    own = dice.one_of(pen.own)
    return own % count if dice.chance(60) else (own // 2).narrowed(0, int(own.interval.high) // 2)


def one(shared: Shared) -> None:
    """One cell for all threads: a loss, an energy, the largest of all; at times under a condition."""
    pen, dice = shared.pen, shared.dice
    value = pen.named(shared.value())
    cells = shared.cells(1)
    if dice.chance(30):
        with pen.when(value > (0.0 if value.interval.low < 0 < value.interval.high else value.interval.high / 2)
                      if shared.of.is_float else pen.at(pen.input(INT32, Interval(0, 3))).differs(0)):  # fmt: skip
            shared.change(cells, value, 0)
            if dice.chance(40):
                pen.atomic("atomic_add", pen.output(INT32, (1,), zero=True), pen.whole(1), 0)
    elif shared.of.is_float and shared.op == "atomic_add" and dice.chance(40):
        # moments
        shared.change(cells, value, 0)
        shared.change(shared.cells(1), value * value, 0)
    else:
        shared.change(cells, value, 0)
    if dice.chance(30):
        pen.keep(value)


def grouped(shared: Shared) -> None:
    """The cell of a group or a bin, which may be counted, too, and read for another."""
    pen, dice = shared.pen, shared.dice
    count = dice.one_of((3, 4, 5, 8))
    where = _bin(shared, count)
    if shared.of.is_float and dice.chance(30):
        of = types.vector(dice.one_of((3, 3, 2)), shared.of)
        found = pen.at(pen.input(of))
        if shared.op in SUMS and dice.chance(30):
            found = pen.op("outer", found, found)
        count = max(count, int(where.interval.high) + 1)
        assert isinstance(found.type, types.Composite)
        pen.atomic(shared.op, pen.output(found.type, (count,), zero=dice.chance(75)), found, where)
        return
    if where.interval.high >= count:
        count = int(where.interval.high) + 1
    value = shared.value()
    cells = shared.cells(count) if dice.chance(75) else shared.cells(count, 2)
    further = (dice.below(2),) if len(cells.shape) > 1 else ()
    shared.change(cells, pen.named(value, 30), where, *further)
    if further and dice.chance(60):
        shared.change(cells, shared.value(), where, 1 - further[0])
    elif dice.chance(40):
        pen.atomic("atomic_add", pen.output(INT32, (count,), zero=True), pen.whole(1), where)


def columns(shared: Shared) -> None:
    """A loop over what each thread has several of: sums of columns, or an outer product with itself."""
    pen, dice = shared.pen, shared.dice
    width = dice.between(2, 4)
    shape = (*pen.sketch.launch, width)
    rows = pen.input(shared.of, 1.5 if shared.of.is_float else Interval(0, 9), shape)
    if shared.of.is_float and dice.chance(35):
        cells = shared.cells(width, width)
        with pen.loop(width) as r, pen.loop(width) as c:
            shared.change(cells, pen.at(rows, *pen.own, r) * pen.at(rows, *pen.own, c), r, c)
        return
    grouping = dice.chance(35)
    where = _bin(shared, 4) if grouping else None
    cells = shared.cells(int(where.interval.high) + 1, width) if where is not None else shared.cells(width)
    weight = pen.let(shared.value()) if shared.of.is_float and dice.chance(40) else None
    with pen.loop(pen.length(rows, len(pen.own), 40 if shared.of.is_integer else 0)) as k:
        value = pen.at(rows, *pen.own, k)
        if weight is not None:
            value = weight * value
        shared.change(cells, value, *(() if where is None else (where,)), k)


def along(shared: Shared) -> None:
    """One cell for each place along some axes of the launch."""
    pen, dice = shared.pen, shared.dice
    count = len(pen.own)
    axes = sorted(dice.some_of(range(count), dice.between(1, count - 1)))
    cells = shared.cells(*(pen.sketch.launch[axis] for axis in axes))
    shared.change(cells, shared.value(), *(pen.own[axis] for axis in axes))
    if dice.chance(30):
        other = [axis for axis in range(count) if axis not in axes]
        shared.change(
            shared.cells(*(pen.sketch.launch[a] for a in other)), shared.value(), *(pen.own[a] for a in other)
        )


def neighbours(shared: Shared) -> None:
    """A thread's share for itself and for those beside it."""
    pen, dice, own = shared.pen, shared.dice, shared.pen.own[0]
    extent = pen.sketch.launch[0]
    value = pen.let(shared.value())
    cells = shared.cells(extent)
    half = value * 0.5 if shared.of.is_float and shared.op in SUMS and dice.chance(60) else value
    shared.change(cells, half, own)
    if dice.chance(50):
        with pen.when(own < extent - 1):
            shared.change(cells, half, (own + 1).narrowed(1, extent - 1))
    else:
        shared.change(cells, half, (own + 1) % extent)


def ends(shared: Shared) -> None:
    """Both ends of an edge: what one gets the other gives, or the best that either is offered."""
    pen, dice = shared.pen, shared.dice
    count = dice.one_of((5, 6, 8))
    a, b = pen.let(pen.at(pen.places(count))), pen.let(pen.at(pen.places(count)))
    cells = shared.cells(count)
    if shared.op not in SUMS:
        values = pen.input(shared.of, 2.0 if shared.of.is_float else Interval(0, 9), (count,))
        shared.change(cells, pen.at(values, a), b)
        shared.change(cells, pen.at(values, b), a)
        return
    share = pen.let(shared.value())
    shared.change(cells, share, a)
    other = shared.op if dice.chance(40) or shared.of.is_integer else next(op for op in SUMS if op != shared.op)
    pen.atomic(other, cells, share, b)


def box(shared: Shared) -> None:
    """The box around all points, or around those of a group."""
    pen, dice = shared.pen, shared.dice
    if not shared.of.is_float or shared.op in SUMS:
        one(shared)
        return
    of = types.vector(dice.one_of((3, 3, 2)), shared.of)
    point = pen.let(pen.at(pen.input(of)))
    groups = dice.one_of((1, 1, 3, 4))
    where: Value | int = 0 if groups == 1 else pen.let(pen.at(pen.places(groups)))
    radius = pen.at(pen.input(shared.of, Interval(0.125, 0.5))) if dice.chance(35) else None
    if dice.chance(60):
        for op in ("atomic_min", "atomic_max") if dice.chance(60) else ("atomic_max", "atomic_min"):
            corner = point if radius is None else _moved(pen, point, radius, op)
            cells = pen.output(of, (groups,), zero=dice.chance(40))
            pen.atomic(op, cells, corner, where)
    else:
        cells = shared.cells(groups, of.length)
        for n in range(of.length):
            shared.change(cells, point.part(n), where, n)


def _moved(pen: Pen, point: Value, radius: Value, op: str) -> Value:
    assert isinstance(point.type, types.Vector)
    spread = pen.filled(point.type, radius)
    return point - spread if op == "atomic_min" else point + spread


def ranged(shared: Shared) -> None:
    """The entries of a sparse row, each given to the cell that it names: a product with a transposed matrix."""
    pen, dice, own = shared.pen, shared.dice, shared.pen.own[0]
    count, entries = dice.one_of((4, 5, 6)), dice.between(8, 14)
    if dice.chance(60):
        offsets = pen.input(INT32, Interval(0, entries), (pen.sketch.launch[0] + 1,))
        start, stop = pen.let(pen.at(offsets, own)), pen.let(pen.at(offsets, own + 1))
    else:
        begins = pen.input(INT32, Interval(0, entries - 4), (pen.sketch.launch[0],))
        start = pen.let(pen.at(begins, own))
        stop = pen.let(start + pen.at(pen.input(INT32, Interval(0, 4), (pen.sketch.launch[0],)), own))
    places = pen.places(count, (entries,))
    weight = pen.let(shared.value()) if shared.of.is_float and dice.chance(60) else None
    cells = shared.cells(count)
    degrees = pen.output(INT32, (count,), zero=True) if dice.chance(30) else None
    with pen.loop(stop, start) as k:
        where = pen.at(places, k)
        where = pen.let(where) if degrees is not None or dice.chance(40) else where
        value = pen.at(pen.input(shared.of, 1.0 if shared.of.is_float else Interval(0, 9), (entries,)), k)
        shared.change(cells, value if weight is None else value * weight, where)
        if degrees is not None:
            pen.atomic("atomic_add", degrees, pen.whole(1), where)


def rowed(shared: Shared) -> None:
    """A row of cells that has a name: one of them, or each of them in a loop."""
    pen, dice = shared.pen, shared.dice
    count, width = dice.one_of((3, 4)), dice.between(2, 4)
    where = pen.let(pen.at(pen.places(count)))
    row = pen.part(shared.cells(count, width), where)
    if dice.chance(50):
        shared.change(row, shared.value(), pen.named(pen.at(pen.places(width)), 40))
        return
    rows = pen.input(shared.of, 1.5 if shared.of.is_float else Interval(0, 9), (*pen.sketch.launch, width))
    with pen.loop(width) as k:
        shared.change(row, pen.at(rows, *pen.own, k), k)


def component(shared: Shared) -> None:
    """Numbers of a vector that threads share, added to one by one: in a loop, or the one that matters."""
    pen, dice = shared.pen, shared.dice
    if not shared.of.is_float or shared.op not in SUMS:
        grouped(shared)
        return
    of = types.vector(dice.one_of((3, 3, 2)), shared.of)
    count = dice.one_of((1, 3, 4))
    where = pen.let(pen.at(pen.places(count))).node if count > 1 else pen.whole(0).node
    cells = Element(of, pen.output(of, (count,), zero=dice.chance(75)).name, (where,))
    operator = shared.op.removeprefix("atomic_")
    point = pen.let(pen.at(pen.input(of, 1.5)))
    if dice.chance(50):
        with pen.loop(of.length) as k:
            part = Component(shared.of, point.node, k.node)
            value = Value(pen, Typed(part, point.interval, True))
            if dice.chance(50):
                value = value * pen.at(pen.input(shared.of, 1.5))
            pen.body.append(AugmentedAssign(Component(shared.of, cells, k.node), operator, value.node))
        return
    axis = dice.below(of.length)
    value = shared.value()
    named = dice.chance(60)
    pen.body.append(AugmentedAssign(Component(shared.of, cells, whole(axis), named), operator, value.node))
    if dice.chance(50):
        other = Component(shared.of, cells, whole((axis + 1) % of.length), named)
        pen.body.append(AugmentedAssign(other, operator, point.part((axis + 1) % of.length, named).node))


def listed(shared: Shared) -> None:
    """A list for each thread, of what is near: its counter gives the slot that the next is stored in."""
    pen, dice = shared.pen, shared.dice
    if shared.op != "atomic_add" or not shared.of.is_float:
        grouped(shared)
        return
    others = dice.between(3, 5)
    x, y = pen.input(shared.of), pen.input(shared.of, shape=(others,))
    counts = pen.output(INT32, pen.sketch.launch, zero=True)
    near = pen.output(shared.of, (*pen.sketch.launch, others))
    reach = pen.number(0.5, 1.5)
    with pen.loop(others) as k:
        apart = pen.let(pen.op("abs", pen.at(x) - pen.at(y, k)))
        with pen.when(apart < reach):
            slot = Name(INT32, pen.sketch.fresh())
            where = tuple(v.node for v in pen.own)
            pen.body.append(Atomic("atomic_add", counts.name, where, pen.whole(1).node, None, slot))
            taken = Element(shared.of, near.name, (*where, slot))
            pen.body.append(Assign(taken, pen.at(y, k).node))
    shared.change(shared.cells(1), shared.value(), 0)


USES: Final[tuple[Form[Callable[[Shared], None]], ...]] = (
    Form(3, one), Form(5, grouped), Form(3, columns, most=2), Form(3, along, least=2), Form(3, neighbours, most=1),
    Form(3, ends), Form(3, box), Form(1, listed, most=1), Form(5, ranged), Form(4, rowed, most=3), Form(3, component),
)  # fmt: skip
