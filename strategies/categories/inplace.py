"""Array elements changed in place: state a step on, sums, products, bits, swaps, scans, repeated or shared writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from strategies import views
from strategies.blocks import HEADROOM, whole
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Element,
    Expression,
    For,
    If,
    Name,
    Parameter,
    Statement,
    Unpack,
)
from strategies.language.types import Array, Scalar, Vector
from strategies.ops import OPS, REACH
from strategies.repertoire.pen import Pen
from strategies.repertoire.states import SUMS, UPDATES, States, deposit, parts, writes
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed, held
from strategies.weights import Statements

#: What happens to a cell, by how often people write it.  Warp documents products in place as not differentiable.
FLOAT_CHANGES: Final = (
    (7, "sum"), (2, "store"), (4, "add to itself"), (3, "copy"), (3, "swap"), (2, "loop"), (2, "branch"),
    (1, "product"),
)  # fmt: skip
INTEGER_CHANGES: Final = (
    (5, "sum"), (3, "store"), (3, "add to itself"), (2, "copy"), (3, "swap"), (2, "branch"), (8, "operator"),
)  # fmt: skip
#: Of 100 kernels that work on floats, how many update state as simulations and learning code do.
STATES: Final = 85
#: Operators in place that take whole numbers only.
OPERATORS: Final = ("bit_and", "bit_or", "bit_xor", "floordiv", "mod", "lshift", "rshift", "mul")
#: Of 100 swaps, how many read both elements in one statement: Warp is known to read them again later, and pairs with
#: that are not kept.
UNPACKED: Final = 9
#: Of 100 kernels, how many work on integers.
INTEGERS: Final = 15
#: Of 100 values read from a cell that may change yet, how many are only added up: no adjoint then needs them, and the
#: backward pass, which reads the cell anew, is right.
ADDED_UP: Final = 88


@dataclass
class Cell:
    """One of the thread's own cells: how it is named, and what is known of it."""

    target: Element
    interval: Interval
    live: bool = False
    #: whether nothing has read what was stored last
    unread: bool = False

    def read(self) -> Typed:
        """Its value."""
        self.unread = False
        return Typed(self.target, self.interval, self.live)


class Cells:
    """The thread's own cells of the arrays that it changes."""

    def __init__(self, sketch: Sketch, of: Scalar) -> None:
        self.sketch = sketch
        self.of = of
        self.cells: list[Cell] = []
        self.most = REACH[of.notation] * HEADROOM

    def add(self, state: Parameter, positions: tuple[tuple[Expression, ...], ...]) -> None:
        """Cells of `state` at some positions."""
        held = Interval(state.low, state.high)
        self.cells += [Cell(Element(self.of, state.name, at), held) for at in positions]

    def value(self, depth: int, but: Cell | None = None) -> Typed:
        """An expression, at times with what another cell holds added to it, or subtracted."""
        sketch, dice = self.sketch, self.sketch.dice
        value = sketch.fit_local(sketch.expression(self.of, depth))
        others = [c for c in self.cells if c is not but]
        if others and dice.chance(40):
            other = dice.one_of(others).read()
            if self.of.is_float and dice.chance(40):
                other = sketch.apply(OPS["mul"], self.of, [other, sketch.literal(self.of, Interval(0.25, 0.75))])
            value = sketch.apply(OPS[dice.one_of(("add", "sub"))], self.of, [value, other])
        return sketch.fit_local(value)

    def sum(self, cell: Cell) -> Statement | None:
        """``cell += value``."""
        operator = self.sketch.dice.one_of(("add", "add", "sub"))
        value = self.value(self.sketch.dice.between(1, 2), cell)
        size = max(abs(value.interval.low), abs(value.interval.high))
        if not self._holds(cell, size):
            return None
        self._widen(cell, size, value.live)
        return AugmentedAssign(cell.target, operator, value.node)

    def _holds(self, cell: Cell, more: float) -> bool:
        if self.of.kind == "uint":
            return True
        return max(abs(cell.interval.low), abs(cell.interval.high)) + more <= self.most * 2

    def _widen(self, cell: Cell, size: float, live: bool) -> None:
        if self.of.kind == "uint":
            cell.interval = Interval(*self.of.limits)
        else:
            cell.interval = Interval(cell.interval.low - size, cell.interval.high + size)
        cell.live = cell.live or live

    def store(self, cell: Cell) -> Statement:
        """``cell = value``; what was stored before and nothing has read is not thrown away."""
        value = self.value(self.sketch.dice.between(1, 2), cell)
        if cell.unread:
            value = self.sketch.fit_local(self.sketch.plus(cell.read(), value, linear=True))
        cell.interval, cell.live, cell.unread = value.interval, value.live, True
        return Assign(cell.target, value.node)

    def add_to_itself(self, cell: Cell) -> Statement | None:
        """``cell = cell + value``, or the other way round."""
        sketch, dice = self.sketch, self.sketch.dice
        value = self.value(1, cell)
        size = max(abs(value.interval.low), abs(value.interval.high))
        if not self._holds(cell, size):
            return None
        both = [cell.read(), value] if dice.chance(70) else [value, cell.read()]
        total = sketch.apply(OPS[dice.one_of(("add", "add", "sub"))], self.of, both)
        cell.interval, cell.live = total.interval, total.live
        return Assign(cell.target, total.node)

    def copy(self, cell: Cell) -> Statement:
        """``name = cell``, which goes on holding what the cell held."""
        sketch = self.sketch
        statement = sketch.define_as(cell.read(), mutable=False)
        sketch.defined[-1].sum_only = self.of.is_float and sketch.dice.chance(ADDED_UP)
        return statement

    def swap(self, one: Cell, other: Cell) -> list[Statement]:
        """Two cells exchanged, through one local or two."""
        sketch, dice = self.sketch, self.sketch.dice
        first, second = Name(self.of, sketch.fresh()), Name(self.of, sketch.fresh())
        one.interval, other.interval = other.interval, one.interval
        one.live, other.live = other.live, one.live
        one.unread, other.unread = other.unread, one.unread
        if dice.chance(UNPACKED):
            return [
                Unpack((first, second), (one.target, other.target)),
                Assign(one.target, second),
                Assign(other.target, first),
            ]
        return [Assign(first, one.target), Assign(one.target, other.target), Assign(other.target, first)]

    def change(self, cell: Cell, operators: tuple[str, ...]) -> Statement | None:
        """``cell *= value``, ``cell //= value``, ``cell |= value`` and the like."""
        sketch = self.sketch
        row = OPS[sketch.dice.one_of(operators)]
        first, second = row.domain(self.of)[:2]
        if not isinstance(first, Interval) or not cell.interval.within(first):
            return None
        value = sketch.fit(sketch.expression(self.of, 1), second)
        if value.interval.is_point:
            value = sketch.literal(self.of, second if isinstance(second, Interval) else Interval(2, 9))
            value = sketch.fit(value, second)
        interval = held(row.result_interval(self.of, cell.interval, value.interval), self.of)
        if self.of.kind != "uint" and not interval.within(symmetric(self.most * 2)):
            return None
        cell.interval, cell.live = interval, (cell.live or value.live) and not row.flat
        return AugmentedAssign(cell.target, row.name, value.node)

    def loop(self, cell: Cell) -> Statement | None:
        """``for k in range(n): cell += x[k]``."""
        sketch, trips = self.sketch, self.sketch.dice.between(2, 4)
        index = Name(types.INT32, sketch.fresh())
        held = Interval(0, 7) if self.of.kind == "uint" else symmetric(2.0) if self.of.is_float else Interval(-4, 4)
        own = len(sketch.launch) == 1 and sketch.dice.chance(50)
        values = sketch.array(self.of, (sketch.launch[0], trips) if own else (trips,), held)
        size = held.size * trips
        if not self._holds(cell, size):
            return None
        self._widen(cell, size, self.of.is_float)
        at = (*sketch.own_indices(), index) if own else (index,)
        change = AugmentedAssign(cell.target, "add", Element(self.of, values.name, at))
        return For(index.name, whole(trips), (change,))

    def branch(self, cell: Cell) -> Statement | None:
        """A change under a condition."""
        test = self.sketch.condition(self.sketch.dice.between(1, 2))
        before, was_live = cell.interval, cell.live
        change = self.store(cell) if self.sketch.dice.chance(40) else self.sum(cell)
        if change is None:
            return None
        cell.interval, cell.live = cell.interval.join(before), cell.live or was_live
        return If(test.node, (change,))


def _cells(sketch: Sketch, of: Scalar) -> tuple[list[Statement], Cells]:
    """The arrays that a kernel changes, and the thread's own cells of them: one each, or a short row."""
    dice = sketch.dice
    found, before = Cells(sketch, of), list[Statement]()
    held = Interval(0, 7) if of.kind == "uint" else symmetric(3.0) if of.is_float else Interval(-7, 9)
    own = sketch.own_indices()
    if len(own) < types.MAX_ARRAY_DIMENSIONS and dice.chance(60):
        count = dice.between(2, 4)
        state = sketch.array(of, (*sketch.launch, count), held, output=True)
        if dice.chance(40):
            made, part = views.row(sketch, state)
            before += made
            found.add(part, tuple((whole(n if n < count - 1 or dice.chance(70) else -1),) for n in range(count)))
        else:
            found.add(state, tuple((*own, whole(n)) for n in range(count)))
    else:
        for _ in range(dice.between(1, 2)):
            found.add(sketch.array(of, sketch.launch_shape(), held, output=True), (own,))
    return before, found


def _step(cells: Cells, integers: bool) -> list[Statement]:
    dice = cells.sketch.dice
    cell = dice.one_of(cells.cells)
    made: Statement | None
    match dice.weighted(INTEGER_CHANGES if integers else FLOAT_CHANGES):
        case "store":
            made = cells.store(cell)
        case "add to itself":
            made = cells.add_to_itself(cell)
        case "copy":
            made = cells.copy(cell)
        case "swap" if len(cells.cells) > 1:
            other = dice.one_of([c for c in cells.cells if c is not cell])
            return cells.swap(cell, other)
        case "loop":
            made = cells.loop(cell)
        case "branch":
            made = cells.branch(cell)
        case "product":
            made = cells.change(cell, ("mul", "div"))
        case "operator":
            made = cells.change(cell, OPERATORS)
        case _:
            made = cells.sum(cell)
    return [made or cells.store(cell)]


def body(sketch: Sketch) -> Iterator[Statement]:
    """Updates of state, or three to six changes of the thread's own cells and at times a result of what they hold."""
    dice = sketch.dice
    sketch.adds_in_place = True
    integers = dice.chance(INTEGERS)
    if not integers and dice.chance(STATES):
        yield from _updates(sketch)
        return
    of = types.scalar(dice.weighted(sketch.weights.integers.mains)) if integers else sketch.main
    if integers:
        sketch.work_in(of, sketch.main)
    sketch.max_arrays = 5
    before, cells = _cells(sketch, of)
    yield from before
    yield from sketch.block(dice.below(2), Statements(), 1)
    for _ in range(dice.between(3, 6)):
        yield from _step(cells, integers)
    unused = [v for v in sketch.scope if not v.used and v in sketch.defined]
    if unused or dice.chance(60):
        yield from _end(sketch, cells)


def _updates(sketch: Sketch) -> Iterator[Statement]:
    """A few updates of the same state, one after another."""
    pen, dice = Pen(sketch), sketch.dice
    kept, done = States(pen), list[object]()
    table = SUMS if kept.linear else UPDATES
    if not isinstance(kept.of, Vector):
        table = tuple(entry for entry in table if entry[1] is not parts)
    while len(done) < 2 or (writes(pen.body) < 3 and len(done) < 5):
        update = dice.weighted(table)
        if update not in done:
            update(kept)
            kept.settle()
        done.append(update)
    if not any(isinstance(p.type, Array) and types.element_scalar(p.type).is_float for p in _given(sketch)):
        deposit(kept)
    yield from pen.body


def _given(sketch: Sketch) -> list[Parameter]:
    return [p for p in sketch.parameters if not p.output]


def _end(sketch: Sketch, cells: Cells) -> Iterator[Statement]:
    """A result: of what cells hold now, which nothing changes any more, and of what is left unused."""
    dice, of = sketch.dice, cells.of
    value = sketch.result(of, 1)
    cell = dice.one_of(cells.cells).read()
    linear = any(isinstance(v, Variable) and v.sum_only for v in sketch.defined)
    value = sketch.plus(sketch.fit_local(cell), value, linear=linear)
    output = sketch.output(of)
    yield sketch.store(output, value)
