"""Atomic operations in functions: deposits into cells that threads share, and what the cells held before, used."""

from __future__ import annotations

from typing import Final

from strategies.blocks import whole
from strategies.calls import Callee
from strategies.functions import FunctionSketch
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    Call,
    Cast,
    Compare,
    Conditional,
    Element,
    Evaluate,
    Expression,
    If,
    Literal,
    Name,
    Parameter,
    Return,
    Statement,
)
from strategies.language.types import BOOL, INT32, VOID, Array, Scalar, Type
from strategies.repertoire.forms import Form, one_for
from strategies.repertoire.pen import Pen
from strategies.repertoire.shared_cells import SUMS, USES, Shared, box, component, listed, rowed
from strategies.repertoire.values import Value
from strategies.typed import Typed

#: Of 100 functions that deposit numbers, how many leave out what is not positive.
GUARDED: Final = 20
#: What is done to shared cells by the one operation.
_USES: Final = tuple(form for form in USES if form.write not in (box, listed, rowed, component))
#: How many cells or slots an array of a function has as far as the function knows: a call tells.
_CELLS: Final = 8


class _Helper(FunctionSketch):
    """Draws a function that changes cells by atomic operations."""

    def cells(self, of: Type, ndim: int = 1) -> Parameter:
        """A parameter that is an array of cells."""
        assert isinstance(of, Scalar | types.Composite)
        return self.array(of, (_CELLS,) * ndim, Interval(0, 0), output=True)

    def number(self, of: Type, low: float = -2.0, high: float = 2.0) -> Name:
        """A parameter that is passed by value."""
        variable = self.parameter(of, Interval(low, high))
        variable.used = True
        return Name(of, variable.name)

    def end(self, *body: Statement, result: Interval | None = None) -> Callee:
        """The function of these statements, which calls of the grammar leave alone; `result` bounds what it gives."""
        of = VOID if result is None else INT32
        found = [] if result is None else [Typed(Literal(INT32, 0), result)]
        needed = tuple(p.name for p in self.parameters)
        self.kernel.called.add(self.name)
        return self.finish(of, list(body), found, needed=needed, shared=True)


def _call(callee: Callee, *arguments: Parameter | Value | int) -> Call:
    given: list[Expression] = []
    for argument in arguments:
        match argument:
            case Parameter(type=Array() as of, name=name):
                given.append(Name(of, name))
            case Value():
                given.append(argument.node)
            case int():
                given.append(whole(argument))
    return Call(callee.function.type, callee.function.name, tuple(given))


class _Helped(Shared):
    """One operation on cells of one type, by a function that does it."""

    def __init__(self, pen: Pen, op: str, of: Scalar) -> None:
        super().__init__(pen, op, of)
        self._made: dict[tuple[Type, int], Callee] = {}

    def change(self, cells: Parameter, value: Value, *indices: Value | int) -> None:
        """A call of the function."""
        key = value.type, len(indices)
        if key not in self._made:
            self._made[key] = self._draw(*key)
        times = 1
        for extent in (*self.pen.sketch.launch, *self.pen.sketch.loop_trips):
            times *= extent
        if self.op in SUMS:
            value = Value(self.pen, self.pen.sketch.summand(cells, value.typed, times))
        self.pen.body.append(Evaluate(_call(self._made[key], cells, *indices, value)))

    def _draw(self, of: Type, ndim: int) -> Callee:
        own = _Helper(self.pen.sketch)
        cells = own.cells(of, ndim)
        at = tuple(own.number(INT32, 0, _CELLS - 1) for _ in range(ndim))
        value = own.number(of)
        change: Statement = Atomic(self.op, cells.name, at, value)
        if isinstance(of, Scalar) and of.is_float and self.dice.chance(GUARDED):
            change = If(Compare(BOOL, (">",), (value, Literal(of, 0.0))), (change,))
        return own.end(change)


def _bin(pen: Pen, count: int) -> Value:
    """Which of `count` cells a thread is about: by an array, or its index."""
    if pen.dice.chance(65):
        return pen.named(pen.at(pen.places(count)), 40)
    return pen.dice.one_of(pen.own) % count


def deposited(pen: Pen, op: str, of: Scalar) -> None:
    """What threads do to shared cells otherwise, by a function."""
    one_for(len(pen.own), _USES, pen.dice)(_Helped(pen, op, of))


def recorded(pen: Pen) -> None:
    """A sum, and a count or the sum of the squares, too, of what falls into a cell."""
    dice, of = pen.dice, pen.main
    own = _Helper(pen.sketch)
    total, held = own.cells(of), [of]
    squares = own.cells(of) if dice.chance(50) else None
    counts = own.cells(INT32) if squares is None or dice.chance(60) else None
    cell, value = own.number(INT32, 0, _CELLS - 1), own.number(of)
    body: list[Statement] = [Atomic("atomic_add", total.name, (cell,), value)]
    if squares is not None:
        body.append(Atomic("atomic_add", squares.name, (cell,), Apply(of, "mul", (value, value))))
        held.append(of)
    if counts is not None:
        body.append(Atomic("atomic_add", counts.name, (cell,), whole(1)))
        held.append(INT32)
    callee = own.end(*body)
    count = dice.one_of((3, 4, 5))
    arrays = [pen.output(kept, (count,), zero=True) for kept in held]
    pen.body.append(Evaluate(_call(callee, *arrays, _bin(pen, count), _value(pen))))


def _value(pen: Pen) -> Value:
    """What a thread has to give."""
    value = pen.at(pen.input(span=1.5))
    match pen.dice.below(5):
        case 0:
            return value * pen.at(pen.input(span=1.5))
        case 1:
            return pen.op(pen.dice.one_of(("sin", "tanh", "abs")), value)
        case 2:
            return value * pen.number(0.25, 2.0)
    return value


def splatted(pen: Pen) -> None:
    """A value shared out to the two cells that a place lies between."""
    of = pen.main
    own = _Helper(pen.sketch)
    grid = own.cells(of)
    x, value = own.number(of, 0.0, _CELLS - 1.25), own.number(of)
    cell, share = Name(INT32, own.fresh()), Name(of, own.fresh())
    rest = Apply(of, "sub", (Literal(of, 1.0), share))
    following = Apply(INT32, "add", (cell, whole(1)))
    callee = own.end(
        Assign(cell, Cast(INT32, x)),
        Assign(share, Apply(of, "sub", (x, Cast(of, cell)))),
        Atomic("atomic_add", grid.name, (cell,), Apply(of, "mul", (rest, value))),
        Atomic("atomic_add", grid.name, (following,), Apply(of, "mul", (share, value))),
    )
    count = pen.dice.one_of((4, 5, 6))
    place = pen.at(pen.input(span=Interval(0.0, count - 1.25)))
    pen.body.append(Evaluate(_call(callee, pen.output(shape=(count,), zero=True), place, _value(pen))))


def exchanged(pen: Pen) -> None:
    """What one cell gets and another gives: a force between two bodies, a flux between two cells."""
    dice = pen.dice
    of: Scalar | types.Vector = types.vector(dice.one_of((3, 2)), pen.main) if dice.chance(40) else pen.main
    own = _Helper(pen.sketch)
    cells = own.cells(of)
    a, b = (own.number(INT32, 0, _CELLS - 1) for _ in range(2))
    value = own.number(of)
    callee = own.end(
        Atomic("atomic_add", cells.name, (a,), value),
        Atomic("atomic_sub", cells.name, (b,), value),
    )
    count = dice.one_of((4, 5, 6))
    given = pen.at(pen.input(of, 1.5)) if isinstance(of, types.Vector) else _value(pen)
    ends = (pen.named(pen.at(pen.places(count)), 50) for _ in range(2))
    out = pen.output(of, (count,), zero=True)
    pen.body.append(Evaluate(_call(callee, out, *ends, given)))


def visited(pen: Pen) -> None:
    """How many cells are met at all: whoever comes first, as a function tells, counts."""
    dice = pen.dice
    own = _Helper(pen.sketch)
    seen = own.cells(INT32)
    cell, old = own.number(INT32, 0, _CELLS - 1), Name(INT32, own.fresh())
    op, compare = dice.one_of((("atomic_add", None), ("atomic_max", None), ("atomic_cas", whole(0))))
    change = Atomic(op, seen.name, (cell,), whole(1), compare, old)
    callee = own.end(change, Return((old,)), result=Interval(0, 64))
    count = dice.one_of((4, 5, 6))
    call = _call(callee, pen.output(INT32, (count,), zero=True), _bin(pen, count))
    first: Expression = call
    if dice.chance(50):
        first = pen.let(Value(pen, Typed(call, Interval(0, 64)))).node
    met = pen.output(INT32, (1,), zero=True)
    with pen.when(Compare(BOOL, ("==",), (first, whole(0)))):
        pen.atomic("atomic_add", met, pen.whole(1), 0)
    _forget(pen, first)


def pushed(pen: Pen) -> None:
    """A list for each thread, which a function appends to as long as there is room."""
    dice, of = pen.dice, pen.main
    room, others = dice.between(2, 3), dice.between(3, 5)
    own = _Helper(pen.sketch)
    counts, items = own.cells(INT32), own.cells(of, 2)
    row, value, slot = own.number(INT32, 0, _CELLS - 1), own.number(of), Name(INT32, own.fresh())
    callee = own.end(
        Atomic("atomic_add", counts.name, (row,), whole(1), None, slot),
        If(
            Compare(BOOL, ("<",), (slot, whole(room))),
            (Assign(Element(of, items.name, (row, slot)), value),),
        ),
    )
    (extent,) = pen.sketch.launch
    counted, kept = pen.output(INT32, (extent,), zero=True), pen.output(of, (extent, room))
    x, y = pen.input(), pen.input(shape=(others,))
    reach = pen.number(0.5, 1.5)
    with pen.loop(others) as k:
        near = pen.op("abs", pen.at(x) - pen.at(y, k)) < reach
        with pen.when(near):
            pen.body.append(Evaluate(_call(callee, counted, kept, pen.own[0], pen.at(y, k))))


def reserved(pen: Pen) -> None:
    """Slots that are handed out as long as there are any; who gets none is counted."""
    dice = pen.dice
    own = _Helper(pen.sketch)
    count = own.cells(INT32)
    most, slot = own.number(INT32, 1, _CELLS), Name(INT32, own.fresh())
    taken = Atomic("atomic_add", count.name, (whole(0),), whole(1), None, slot)
    full = Compare(BOOL, (">=",), (slot, most))
    if dice.chance(50):
        rest: tuple[Statement, ...] = (If(full, (Return((whole(-1),)),)), Return((slot,)))
    else:
        rest = (Return((Conditional(INT32, full, whole(-1), slot),)),)
    room = dice.between(2, 4)
    callee = own.end(taken, *rest, result=Interval(-1, room - 1))
    given = pen.let(Value(pen, Typed(_call(callee, pen.output(INT32, (1,), zero=True), room), Interval(-1, room - 1))))
    used, dropped = pen.output(INT32, (room,), zero=True), pen.output(INT32, (1,), zero=True)
    with pen.when(given >= 0):
        pen.store(used, pen.whole(1), given.narrowed(0, room - 1))
    with pen.otherwise():
        pen.atomic("atomic_add", dropped, pen.whole(1), 0)
    _forget(pen, given.node)


def _forget(pen: Pen, old: Expression) -> None:
    """Nothing else may read what an atomic returned, which depends on the order of the threads."""
    if isinstance(old, Name):
        pen.sketch.forget(old.name)


#: Uses of functions beside the one operation: where numbers are added up, and where whole ones are.
_SUMMING: Final = (
    Form(5, recorded), Form(4, splatted), Form(4, exchanged), Form(2, visited), Form(2, pushed, most=1),
)  # fmt: skip
_COUNTING: Final = (Form(4, visited), Form(4, pushed, most=1), Form(3, reserved))
#: Of 100 functions with atomic operations, how many do nothing but the one operation.
_PLAIN: Final = 32


def draw_deposit(pen: Pen, op: str, of: Scalar) -> None:
    """A function that does `op`, or a sum or a count of several steps, on cells of numbers of type `of`; and calls."""
    if op != "atomic_add" or pen.dice.chance(_PLAIN):
        deposited(pen, op, of)
    else:
        one_for(len(pen.own), _SUMMING if of.is_float else _COUNTING, pen.dice)(pen)
