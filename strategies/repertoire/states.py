"""State that a thread keeps in arrays and updates in place: positions, weights, best values, rows that are scanned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Component,
    Element,
    Name,
    Parameter,
    Statement,
    Unpack,
    walk,
)
from strategies.language.structs import root
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
LINEAR: Final = 74
#: Of 100 kernels, how many have vectors for state, whose numbers may change one by one.
VECTORS: Final = 40
#: Of 100 summands of an update that is not the first, how many are what an earlier one left: nobody writes updates into
#: one kernel that have nothing to do with each other.
FED: Final = 80
#: What is read so is scaled down where it may be larger.
SMALL: Final = 12.0


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

    def scale(self, value: Value, operator: str = "mul") -> None:
        """``x[i] *= value``, or ``x[i] /= value`` of one that is kept off zero, neither of which lets it grow."""
        self.pen.body.append(AugmentedAssign(self._target, operator, value.node))
        self.interval = symmetric(self.interval.size)

    def add_part(self, value: Value, place: int | Value, operator: str) -> None:
        """``x[i].y += value``, or at a place that only a run knows."""
        if value.interval.size > FAR:
            value = self.pen.fitted(value, -FAR / 2, FAR / 2)
        self.pen.body.append(AugmentedAssign(self._part(place), operator, value.node))
        self.interval = symmetric(self.interval.size + value.interval.size)

    def set_part(self, value: Value, place: int | Value) -> None:
        """``x[i].y = value``."""
        if value.interval.size > FAR:
            value = self.pen.fitted(value, -FAR / 2, FAR / 2)
        self.pen.body.append(Assign(self._part(place), value.node))
        self.interval = self.interval.join(value.interval)

    @property
    def _target(self) -> Element:
        found = self.value.node
        assert isinstance(found, Element)
        return found

    def _part(self, place: int | Value) -> Component:
        found = self.value.part(place, self.pen.dice.chance(50)).node
        assert isinstance(found, Component)
        return found


class States:
    """The arrays of one kernel's state."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.dice = pen.dice
        self.of: Scalar | Vector = pen.main
        if pen.dice.chance(VECTORS):
            self.of = types.vector(pen.dice.one_of((3, 2)), pen.main)
        self.cells: dict[str, Cell] = {}
        #: what earlier updates left, beside cells: ends of rows
        self.ends: list[Value] = []
        self._left: list[Cell] = []
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

    def settle(self) -> None:
        """After an update: what it left, the next ones may read."""
        self._left = list(self.cells.values())

    def source(self, but: Cell | None = None) -> Value:
        """A summand: what an earlier update left, in another cell than one of them, or an input."""
        left = (*(cell.value for cell in self._left if cell is not but), *self.ends)
        found = [value for value in left if value.type is self.of]
        if not found or not self.dice.chance(FED):
            return self.given()
        return self._small(self.dice.one_of(found))

    def left(self) -> Value | None:
        """A number that an earlier update left, or one of a vector; None if there is none."""
        found = [cell.value for cell in self._left] + self.ends
        numbers = [v.part(self.dice.below(v.type.length)) if isinstance(v.type, Vector) else v for v in found]
        numbers = [number for number in numbers if number.type is self.pen.main]
        if not numbers or not self.dice.chance(FED):
            return None
        return self._small(self.dice.one_of(numbers))

    @staticmethod
    def _small(value: Value) -> Value:
        return value * 0.25 if value.interval.size > SMALL else value

    def axis(self) -> Value:
        """One of the numbers of a vector that only a run knows."""
        assert isinstance(self.of, Vector)
        return self.pen.named(self.pen.at(self.pen.places(self.of.length)), 60)

    def number(self, low: float, high: float) -> Value:
        """A rate or a limit."""
        return self.pen.number(low, high)

    @property
    def wide(self) -> bool:
        """Whether there is no room for a further axis."""
        return len(self.pen.sketch.launch) == types.MAX_ARRAY_DIMENSIONS


def move(states: States) -> None:
    """Velocity and position, a step on."""
    pen, dice = states.pen, states.dice
    x, v, dt = states.cell("position"), states.cell("velocity"), pen.scalar(0.0625, 0.25)
    if states.linear and dice.chance(35):
        force = states.given() * states.given(Interval(0.25, 2.0), pen.main)
    else:
        force = states.source()
    if not states.linear and dice.chance(30):
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
    best = states.cell("best", pen.main)
    score = pen.let(states.source(best) if states.of is pen.main else states.given(of=pen.main))
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
    w, slope, rate = states.cell("position"), pen.let(states.source()), pen.scalar(0.0625, 0.25)
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
            x.add(states.number(0.125, 0.75) * (states.source(x) - x.value))
        case 1:
            decay = pen.scalar(0.25, 0.875)
            x.set(decay * x.value + (1.0 - decay) * states.source(x))
        case _:
            x.set(0.5 * (x.value + states.source(x)))


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
    span = BEFORE
    match dice.one_of((0, 2)) if states.linear else dice.below(4):
        case 0:
            span = width * _fed(states, row)
            with pen.loop(width, 1) as k:
                pen.store(row, pen.at(row, *own, k - 1).narrowed(-span, span), *own, k, operator="add")
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
    span = max(span, 2 * BEFORE)
    states.ends.append(pen.at(row, *own, width - 1).narrowed(-span, span))


def _fed(states: States, row: Parameter) -> float:
    """How large a row's numbers are after what earlier updates left was added to the first, if anything is."""
    found = states.left()
    if found is None:
        return BEFORE
    states.pen.store(row, found, *states.pen.own, 0, operator=states.dice.one_of(("add", "sub")))
    return BEFORE + found.interval.size


def order(states: States) -> None:
    """Two or more numbers of a row that are exchanged: put in order, reversed, rotated by an angle."""
    pen, dice = states.pen, states.dice
    if states.wide:
        record(states)
        return
    width, own = dice.between(2, 5), pen.own
    row = states.row(width)
    span = BEFORE
    match 1 if states.linear else dice.below(3):
        case 0:
            ups = dice.chance(70)
            a, b = pen.at(row, *own, 0), pen.at(row, *own, 1)
            with pen.when(a > b if ups else a < b):
                _exchange(pen, row, pen.whole(0), pen.whole(1))
        case 1:
            span = _fed(states, row)
            if width < 4:
                _exchange(pen, row, pen.whole(0), pen.whole(width - 1), span)
            else:
                with pen.loop(width // 2) as k:
                    _exchange(pen, row, k, width - 1 - k, span)
        case _:
            angle = pen.let(states.given(of=pen.main))
            c, s = pen.let(pen.op("cos", angle)), pen.let(pen.op("sin", angle))
            x, y = pen.let(pen.at(row, *own, 0)), pen.let(pen.at(row, *own, 1))
            pen.store(row, c * x - s * y, *own, 0)
            pen.store(row, s * x + c * y, *own, 1)
    span = max(span, 2 * BEFORE)
    states.ends.append(pen.at(row, *own, 0).narrowed(-span, span))


def _exchange(pen: Pen, row: Parameter, one: Value, other: Value, span: float = BEFORE) -> None:
    """Two numbers of a row, neither beyond `span`, exchanged: through one local or two."""
    own, at = pen.own, row.type
    assert isinstance(at, Array)
    if pen.dice.chance(UNPACKED):
        names = [Name(at.dtype, pen.sketch.fresh()) for _ in range(2)]
        values = [pen.at(row, *own, place).narrowed(-span, span) for place in (one, other)]
        pen.body.append(Unpack(tuple(names), tuple(v.node for v in values)))
        for place, name in zip((one, other), reversed(names), strict=True):
            pen.store(row, Value(pen, Typed(name, values[0].interval)), *own, place)
        return
    held = pen.let(pen.at(row, *own, one).narrowed(-span, span))
    pen.store(row, pen.at(row, *own, other).narrowed(-span, span), *own, one)
    pen.store(row, held, *own, other)


def gathered(states: States) -> None:
    """A loop that adds to the thread's own cell, which begins with zero or what was there."""
    pen, dice = states.pen, states.dice
    trips = dice.between(3, 4)
    total = states.cell("total", pen.main, Interval(0, 0) if dice.chance(60) else None)
    before = states.left()
    if before is not None and before.node != total.value.node:
        total.add(before)
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
    if dice.chance(35):
        share = pen.let(states.given() * states.given(1.0, pen.main))
    else:
        share = pen.let(states.source() * states.number(0.25, 1.0))
    one, other = states.cell("position"), states.cell("store")
    if dice.chance(40):
        with pen.when(states.given(of=pen.main) > states.number(-0.5, 0.5)):
            one.add(share, sometimes=True)
            other.add(share, "sub", sometimes=True)
    else:
        one.add(share)
        other.add(share, "sub") if dice.chance(70) else other.add(states.given())


def parts(states: States) -> None:
    """Numbers of a vector changed one by one: gravity along one axis, a push along one that only a run knows."""
    pen, dice = states.pen, states.dice
    assert isinstance(states.of, Vector)
    x = states.cell(dice.one_of(("position", "velocity")))
    for _ in range(dice.between(1, 2)):
        place = states.axis() if dice.chance(45) else dice.below(states.of.length)
        push = states.left() or states.given(of=pen.main)
        value = push * pen.scalar(0.0625, 0.25) if dice.chance(60) else push
        if dice.chance(20):
            x.set_part(value, place)
        else:
            x.add_part(value, place, dice.one_of(("add", "sub")))


def damped(states: States) -> None:
    """State that is scaled in place: friction, what is forgotten by and by, weights that are brought to a sum."""
    pen, dice = states.pen, states.dice
    x = states.cell(dice.one_of(("position", "velocity")))
    if dice.chance(65):
        x.scale(states.number(0.25, 0.875))
    else:
        x.scale(pen.let(1.0 + pen.op("abs", states.given(of=pen.main))), "div")
    if dice.chance(60):
        x.add(states.source(x))


def pooled(states: States) -> None:
    """A share that goes into a cell of the thread's group, which others add to as well."""
    pen, dice = states.pen, states.dice
    groups = dice.one_of((3, 4, 6))
    where = pen.named(pen.at(pen.places(groups)), 60)
    if dice.chance(30):
        share = states.given() * states.given(Interval(0.25, 1.0), pen.main)
    else:
        share = states.source() * states.number(0.25, 1.0) if dice.chance(50) else states.source()
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
    (6, move), (3, learn), (4, scan), (3, order), (4, gathered), (4, deposit), (4, pooled), (9, parts),
)  # fmt: skip
UPDATES: Final[tuple[tuple[int, Callable[[States], None]], ...]] = (
    (5, move), (3, bounce), (3, hold), (3, record), (4, learn), (4, relax), (2, count), (4, scan), (3, order),
    (3, gathered), (2, deposit), (3, pooled), (7, parts), (9, damped),
)  # fmt: skip


def writes(body: list[Statement]) -> int:
    """How many statements write an element."""
    return sum(
        isinstance(node, Assign | AugmentedAssign) and isinstance(root(node.target), Element)
        for statement in body
        for node in walk(statement)
    )
