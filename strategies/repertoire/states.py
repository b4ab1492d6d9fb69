"""State that a thread keeps in arrays and updates in place: positions, weights, best values, rows that are scanned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Element,
    Expression,
    Name,
    Parameter,
    Statement,
    Unpack,
    walk,
)
from strategies.language.types import INT32, Array, Scalar, Vector
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value
from strategies.typed import Typed

#: Between which values state lies before the launch, and how far it may go before it is held.
BEFORE, FAR = 2.0, 16.0
#: Of 100 swaps, how many read both elements in one statement: Warp is known to read them again later, and pairs with
#: that are not kept.
UNPACKED: Final = 20
#: Of 100 kernels, how many change state in sums alone.
LINEAR: Final = 80


class Cell:
    """One of the thread's own cells, and between which values it lies by now."""

    def __init__(self, pen: Pen, array: Parameter, *indices: Value | int) -> None:
        self.pen, self.array, self.indices = pen, array, indices
        self.interval = Interval(array.low, array.high)

    @property
    def value(self) -> Value:
        """What it holds."""
        return self.pen.at(self.array, *self.indices).narrowed(*self.interval)

    def set(self, value: Value, sometimes: bool = False) -> None:
        """``x[i] = value``; under a condition, it may be what it was."""
        if value.interval.size > FAR and types.element_scalar(value.type).is_float:
            value = self.pen.fitted(value, -FAR / 2, FAR / 2)
        self.pen.store(self.array, value, *self.indices)
        self.interval = self.interval.join(value.interval) if sometimes else value.interval

    def add(self, value: Value, operator: str = "add", times: int = 1, sometimes: bool = False) -> None:
        """``x[i] += value``."""
        room = FAR / times
        if value.interval.size > room:
            value = self.pen.fitted(value, -room / 2, room / 2)
        if self.interval.size + value.interval.size * times > 2 * FAR:
            self.set(self.pen.op(operator, self.value, value), sometimes)
            return
        self.pen.store(self.array, value, *self.indices, operator=operator)
        self.interval = symmetric(self.interval.size + value.interval.size * times)


class States:
    """The arrays of one kernel's state."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.dice = pen.dice
        self.of: Scalar | Vector = pen.main
        if pen.dice.chance(25):
            self.of = types.vector(pen.dice.one_of((3, 2)), pen.main)
        self.cells: dict[str, Cell] = {}
        #: whether no product or function takes what is overwritten later, so that gradients are what Warp promises
        self.linear = pen.dice.chance(LINEAR)

    def cell(self, role: str, of: Scalar | Vector | None = None, before: Interval | None = None) -> Cell:
        """The state of one role: ``position``, ``velocity``; the same each time."""
        if role not in self.cells:
            wanted = of or self.of
            held = before or (symmetric(BEFORE) if types.element_scalar(wanted).is_float else Interval(0, 5))
            array = self.pen.sketch.array(wanted, self.pen.sketch.launch_shape(), held, output=True)
            self.cells[role] = Cell(self.pen, array)
        return self.cells[role]

    def row(self, count: int) -> Parameter:
        """State of several numbers a thread."""
        held = symmetric(BEFORE)
        return self.pen.sketch.array(self.pen.main, (*self.pen.sketch.launch, count), held, output=True)

    def given(self, span: float | Interval = 2.0, of: Scalar | Vector | None = None) -> Value:
        """An input."""
        return self.pen.at(self.pen.input(of or self.of, span))

    def number(self, low: float, high: float) -> Value:
        """A rate or a limit."""
        return self.pen.number(low, high)

    @property
    def wide(self) -> bool:
        """Whether there is no room for a further axis."""
        return len(self.pen.sketch.launch) == types.MAX_ARRAY_DIMENSIONS

    def test(self, cell: Cell) -> Expression:
        """Whether something is so."""
        own = cell.value
        if isinstance(own.type, Vector):
            return self.pen.op("length", own) > self.number(0.5, 1.5)
        return self.dice.one_of((own.__gt__, own.__lt__))(self.number(-0.5, 0.5))


def move(states: States) -> None:
    """Velocity and position, a step on."""
    pen, dice = states.pen, states.dice
    x, v, dt = states.cell("position"), states.cell("velocity"), pen.scalar(0.0625, 0.25)
    force = states.given()
    if states.linear:
        if dice.chance(50):
            force = force * states.given(Interval(0.25, 2.0), pen.main)
    elif dice.chance(30):
        force = force - states.number(0.25, 1.0) * x.value
    v.add(dt * force) if dice.chance(70) else v.set(v.value + dt * force)
    if not states.linear and dice.chance(35):
        v.set(v.value * states.number(0.5, 0.875))
    x.add(dt * v.value) if dice.chance(70) else x.set(x.value + v.value * dt)


def bounce(states: States) -> None:
    """What has gone through a wall or the floor comes back."""
    pen, dice = states.pen, states.dice
    x, v = states.cell("position"), states.cell("velocity")
    if isinstance(states.of, Vector):
        place = pen.let(x.value)
        with pen.when(place.part(1) < 0.0):
            back = pen.vector(*[-place.part(n) if n == 1 else place.part(n) for n in range(states.of.length)])
            x.set(back, sometimes=True)
            v.set(v.value * -0.5, sometimes=True)
        return
    wall = states.number(-0.5, 0.5) if dice.chance(30) else pen.literal(0.0)
    with pen.when(x.value < wall):
        x.set(-x.value if wall.interval.is_point and wall.interval.low == 0 else 2.0 * wall - x.value, sometimes=True)
        if dice.chance(70):
            v.set(-v.value if dice.chance(40) else v.value * -0.5, sometimes=True)


def hold(states: States) -> None:
    """``x[i] = wp.clamp(x[i] + step, low, high)``, or one bound alone."""
    pen, dice = states.pen, states.dice
    x = states.cell("position")
    if isinstance(states.of, Vector):
        speed = states.cell("velocity")
        size = pen.let(pen.op("length", speed.value))
        with pen.when(size > 1.0):
            speed.set(speed.value / size.narrowed(1.0, max(1.0, size.interval.high)), sometimes=True)
        return
    new = x.value + states.given(1.0) if dice.chance(60) else x.value
    match dice.below(3):
        case 0:
            x.set(pen.op("clamp", new, -1.0, 1.0))
        case 1:
            x.set(pen.op("max", new, 0.0))
        case _:
            x.set(pen.op("min", new, states.number(0.5, 1.5)))


def record(states: States) -> None:
    """The best so far, and at times which it was."""
    pen, dice = states.pen, states.dice
    best, score = states.cell("best", pen.main), pen.let(states.given(of=pen.main))
    op = dice.one_of(("max", "min"))
    if dice.chance(40):
        best.set(pen.op(op, best.value, score))
        return
    with pen.when(score > best.value if op == "max" else score < best.value):
        best.set(score, sometimes=True)
        if dice.chance(60):
            at = states.cell("which", INT32)
            at.set(pen.own[0], sometimes=True)
            at.interval = Interval(0, 99)


def learn(states: States) -> None:
    """A step of descent: with momentum, with weight decay, or with a mean of squares."""
    pen, dice = states.pen, states.dice
    w, slope, rate = states.cell("position"), pen.let(states.given()), pen.scalar(0.0625, 0.25)
    if not states.linear and dice.chance(30):
        slope = pen.let(slope + states.number(0.125, 0.5) * w.value)
    kind = 0 if states.linear else dice.below(3)
    if kind == 0:
        w.add(rate * slope, "sub")
    elif kind == 1 or isinstance(states.of, Vector):
        m = states.cell("momentum")
        m.set(states.number(0.5, 0.875) * m.value + slope)
        w.add(rate * m.value, "sub")
    else:
        v = states.cell("squares", pen.main, Interval(0.25, 2.0))
        v.set(pen.let(0.75 * v.value + 0.25 * (slope * slope)).narrowed(0.1875, 8.0))
        w.add(rate * slope / pen.op("sqrt", v.value), "sub")


def relax(states: States) -> None:
    """Towards a target, or a mean that runs along."""
    pen, dice = states.pen, states.dice
    x = states.cell("position")
    match dice.below(3):
        case 0:
            x.add(states.number(0.125, 0.75) * (states.given() - x.value))
        case 1:
            decay = pen.scalar(0.25, 0.875)
            x.set(decay * x.value + (1.0 - decay) * states.given())
        case _:
            x.set(0.5 * (x.value + states.given()))


def count(states: States) -> None:
    """A counter that goes up, and what happens when it is full."""
    pen, dice = states.pen, states.dice
    age = states.cell("age", INT32)
    x = states.cell("position")
    age.add(pen.whole(1))
    age.interval = Interval(1, 6)
    most = pen.scalar(2, 5, INT32) if dice.chance(40) else pen.whole(dice.between(2, 5))
    with pen.when(age.value >= most):
        age.set(pen.whole(0), sometimes=True)
        x.set(states.given() if dice.chance(60) else x.value * 0.5, sometimes=True)


def scan(states: States) -> None:
    """A row that each place of is changed by the one before: running sums, a filter; or all of it in a loop."""
    pen, dice = states.pen, states.dice
    if states.wide:
        relax(states)
        return
    width = dice.between(3, 5)
    row, own = states.row(width), pen.own
    match dice.one_of((0, 2)) if states.linear else dice.below(4):
        case 0:
            with pen.loop(width, 1) as k:
                pen.store(row, pen.at(row, *own, k - 1).narrowed(-8.0, 8.0), *own, k, operator="add")
        case 1:
            keep = pen.scalar(0.25, 0.75)
            with pen.loop(width, 1) as k:
                before = pen.at(row, *own, k - 1)
                pen.store(row, keep * before + (1.0 - keep) * pen.at(row, *own, k), *own, k)
        case 2:
            factors = pen.input(span=1.0, shape=(width,))
            with pen.loop(width) as k:
                value = pen.at(factors, k) * states.given(of=pen.main)
                pen.store(row, value, *own, k, operator=dice.one_of(("add", "sub")))
        case _:
            total = pen.total()
            with pen.loop(width) as k:
                pen.add(total, pen.at(row, *own, k))
            mean = pen.let(pen.settled(total) / float(width))
            with pen.loop(width) as k:
                pen.store(row, mean, *own, k, operator="sub")


def order(states: States) -> None:
    """Two or more numbers of a row that are exchanged: put in order, reversed, rotated by an angle."""
    pen, dice = states.pen, states.dice
    if states.wide:
        record(states)
        return
    width, own = dice.between(2, 4), pen.own
    row = states.row(width)
    match 1 if states.linear else dice.below(3):
        case 0:
            ups = dice.chance(70)
            a, b = pen.at(row, *own, 0), pen.at(row, *own, 1)
            with pen.when(a > b if ups else a < b):
                _exchange(pen, row, pen.whole(0), pen.whole(1))
        case 1:
            with pen.loop(max(1, width // 2)) as k:
                _exchange(pen, row, k, width - 1 - k)
        case _:
            angle = pen.let(states.given(of=pen.main))
            c, s = pen.let(pen.op("cos", angle)), pen.let(pen.op("sin", angle))
            x, y = pen.let(pen.at(row, *own, 0)), pen.let(pen.at(row, *own, 1))
            pen.store(row, c * x - s * y, *own, 0)
            pen.store(row, s * x + c * y, *own, 1)


def _exchange(pen: Pen, row: Parameter, one: Value, other: Value) -> None:
    """Two numbers of a row exchanged, through one local or two."""
    own, at = pen.own, row.type
    assert isinstance(at, Array)
    if pen.dice.chance(UNPACKED):
        names = [Name(at.dtype, pen.sketch.fresh()) for _ in range(2)]
        values = [pen.at(row, *own, place) for place in (one, other)]
        pen.body.append(Unpack(tuple(names), tuple(v.node for v in values)))
        for place, name in zip((one, other), reversed(names), strict=True):
            pen.store(row, Value(pen, Typed(name, values[0].interval)), *own, place)
        return
    held = pen.let(pen.at(row, *own, one))
    pen.store(row, pen.at(row, *own, other), *own, one)
    pen.store(row, held, *own, other)


def gathered(states: States) -> None:
    """A loop that adds to the thread's own cell, which begins with zero or what was there."""
    pen, dice = states.pen, states.dice
    trips = dice.between(3, 4)
    total = states.cell("total", pen.main, Interval(0, 0) if dice.chance(60) else None)
    if states.wide or dice.chance(40):
        x, weights = pen.input(span=1.0, shape=(pen.sketch.launch[0] + trips,)), pen.input(span=1.0, shape=(trips,))
        with pen.loop(trips) as k:
            total.add(pen.at(weights, k) * pen.at(x, pen.own[0] + k), times=trips)
    else:
        a = pen.input(span=1.5, shape=(*pen.sketch.launch, trips))
        with pen.loop(trips) as k:
            value = pen.at(a, *pen.own, k)
            total.add(value * value if dice.chance(40) else value, times=trips)
    if not states.linear and dice.chance(40):
        total.set(total.value / float(trips))


def deposit(states: States) -> None:
    """Something taken from one array and given to another, or added under a condition."""
    pen, dice = states.pen, states.dice
    share = pen.let(states.given() * (states.given(1.0, pen.main) if dice.chance(50) else states.number(0.25, 1.0)))
    one, other = states.cell("position"), states.cell("store")
    if dice.chance(40):
        with pen.when(states.given(of=pen.main) > states.number(-0.5, 0.5)):
            one.add(share, sometimes=True)
            other.add(share, "sub", sometimes=True)
    else:
        one.add(share)
        other.add(share, "sub") if dice.chance(70) else other.add(states.given())


def pooled(states: States) -> None:
    """A share that goes into a cell of the thread's group, which others add to as well."""
    pen, dice = states.pen, states.dice
    groups = dice.one_of((3, 4, 6))
    where = pen.named(pen.at(pen.places(groups)), 60)
    share = states.given()
    if dice.chance(60):
        share = share * (states.given(Interval(0.25, 1.0), pen.main) if dice.chance(50) else states.number(0.25, 1.0))
    if dice.chance(50):
        share = pen.let(share)
        states.cell("position").add(share, dice.one_of(("add", "sub")))
    assert isinstance(share.type, Scalar | Vector)
    op = dice.one_of(("atomic_add", "atomic_add", "atomic_sub"))
    pen.atomic(op, pen.output(share.type, (groups,), zero=dice.chance(70)), share, where)
    if dice.chance(30):
        pen.atomic("atomic_add", pen.output(INT32, (groups,), zero=True), pen.whole(1), where)


#: What changes state in sums alone, if it is asked to.
SUMS: Final[tuple[tuple[int, Callable[[States], None]], ...]] = (
    (6, move), (3, learn), (4, scan), (3, order), (4, gathered), (4, deposit), (5, pooled),
)  # fmt: skip
UPDATES: Final[tuple[tuple[int, Callable[[States], None]], ...]] = (
    (5, move), (3, bounce), (3, hold), (3, record), (4, learn), (4, relax), (2, count), (4, scan), (3, order),
    (3, gathered), (2, deposit), (3, pooled),
)  # fmt: skip


def writes(body: list[Statement]) -> int:
    """How many statements write an element."""
    return sum(
        isinstance(node, Assign | AugmentedAssign) and isinstance(node.target, Element)
        for statement in body
        for node in walk(statement)
    )
