"""Arrays that a thread makes for itself: sorted, counted into, stacks, tables, rings, small matrices, sums."""

from collections.abc import Iterator
from typing import Final

from strategies import views
from strategies.blocks import whole
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Compare,
    Element,
    Expression,
    Extent,
    For,
    If,
    Name,
    Parameter,
    Statement,
    Zeros,
)
from strategies.language.types import BOOL, INT32, Scalar, Vector
from strategies.ops import OPS
from strategies.repertoire.pen import Pen
from strategies.repertoire.scratch import PLACED, USES
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

#: Lengths of an axis: small, since the array lies on the thread's stack, and loops over it are unrolled.
LENGTHS: Final = (3, 4, 5, 6, 8)
#: Of 100 kernels, how many have an array for one of the uses that people have for them.
USED: Final = 75
#: Between which values the elements stay.
REACH_OF_ELEMENTS: Final = 16.0


def make(sketch: Sketch, of: Scalar | Vector, shape: tuple[int, ...]) -> tuple[Statement, Parameter]:
    """``name = wp.zeros(shape=(4,), dtype=wp.float32)``, and what it is from here on."""
    array = types.array(of, len(shape))
    found = Parameter(sketch.fresh(), array, 0, 0, shape, True)
    return Assign(Name(array, found.name), Zeros(array, shape, sketch.dice.chance(PLACED))), found


class Scratch:
    """One array of the thread's own, and between which values its elements lie."""

    def __init__(self, sketch: Sketch, of: Scalar | Vector, shape: tuple[int, ...]) -> None:
        self.sketch = sketch
        self.of = of
        self.made, self.array = make(sketch, of, shape)
        self.interval = Interval(0, 0)
        #: the places that statements write, as far as they are the same in all threads, and along the other axes
        self.written: list[tuple[Expression, ...]] = []
        #: where, along further axes, most statements work
        self.rest = tuple(views.position(sketch, n) for n in shape[1:])

    @property
    def length(self) -> int:
        """The length of the first axis."""
        return self.array.shape[0]

    def at(self, *indices: Expression) -> Element:
        """An element."""
        return Element(self.of, self.array.name, indices)

    def read(self, *indices: Expression) -> Typed:
        """The value of an element; no derivative passes through such an array."""
        self.sketch.nodes += 1 + len(indices)
        return Typed(self.at(*indices), self.interval)

    def _place(self, loop: Expression) -> tuple[Expression, ...]:
        """Where a statement writes: along the first axis with a loop, and along the others where all statements work,
        so that nothing is read but what was written."""
        return (loop, *self.rest)

    def place_of_result(self) -> tuple[Expression, ...]:
        """An element that a result reads: one that was written."""
        if self.written and self.sketch.dice.chance(95):
            return self.sketch.dice.one_of(self.written)
        return (views.position(self.sketch, self.length), *self.rest)

    def gathered(self) -> Iterator[Statement]:
        """The elements that were written one by one, summed in a new local: none of them was written for nothing."""
        places = list(dict.fromkeys(self.written))
        value = self.read(*places[0])
        for place in places[1:]:
            value = self.sketch.apply(OPS[self.sketch.dice.one_of(("add", "sub"))], self.of, [value, self.read(*place)])
        yield self.sketch.define_as(self.sketch.fit_local(value), mutable=False)

    def _value(self, depth: int) -> Typed:
        value = self.sketch.expression(self.of, depth)
        scalar = types.element_scalar(self.of)
        return self.sketch.fit(value, Interval(0 if scalar.kind == "uint" else -REACH_OF_ELEMENTS, REACH_OF_ELEMENTS))

    def _held(self, value: Typed) -> None:
        self.interval = self.interval.join(value.interval)

    def _stop(self) -> Expression:
        if self.sketch.dice.chance(35):
            return Extent(INT32, self.array.name, 0)
        return whole(self.length)

    def stores(self) -> Iterator[Statement]:
        """A few elements, each with a value of its own."""
        for n in range(self.sketch.dice.between(1, min(3, self.length))):
            place = self._place(whole(n if self.sketch.dice.chance(70) else n - self.length))
            value = self._value(2)
            self._held(value)
            self.written.append(place)
            yield Assign(self.at(*place), value.node)

    def fill(self) -> Iterator[Statement]:
        """``for k in range(n): a[k] = value``, the value out of a row or of the loop's index."""
        sketch, dice = self.sketch, self.sketch.dice
        index = Name(INT32, sketch.fresh())
        value = self._value(1)
        if isinstance(self.of, Scalar):
            number = sketch.convert(Typed(index, Interval(0, self.length - 1)), self.of)
            if dice.chance(50):
                row = sketch.array(self.of, (self.length,), Interval(0, 3))
                number = Typed(Element(self.of, row.name, (index,)), Interval(0, 3))
            value = sketch.apply(OPS[dice.one_of(("add", "mul"))], self.of, [value, number])
        self._held(value)
        place = self._place(index)
        self.written.append((views.position(sketch, self.length), *place[1:]))
        yield For(index.name, self._stop(), (Assign(self.at(*place), value.node),))

    def count(self) -> Iterator[Statement]:
        """``a[group] += 1``, into elements that an array or the thread's index names."""
        sketch = self.sketch
        value = self._value(1)
        place = (sketch.group(self.length), *self.rest)
        self.written.append(place)
        size = max(abs(value.interval.low), abs(value.interval.high))
        low = 0 if types.element_scalar(self.of).kind == "uint" else self.interval.low - size
        self.interval = Interval(low, self.interval.high + size)
        yield AugmentedAssign(self.at(*place), "add", value.node)

    def scan(self) -> Iterator[Statement]:
        """``for k in range(1, n): a[k] += a[k - 1]``: running sums."""
        index = Name(INT32, self.sketch.fresh())
        before = Apply(INT32, "sub", (index, whole(1)))
        rest = self.rest
        change = AugmentedAssign(self.at(index, *rest), "add", self.at(before, *rest))
        low, high = self.interval
        self.interval = Interval(min(low, low * self.length), max(high, high * self.length))
        yield For(index.name, self._stop(), (change,), whole(1))

    def sort(self) -> Iterator[Statement]:
        """Neighbours exchanged where they are out of order, once along the array."""
        index, held = Name(INT32, self.sketch.fresh()), Name(self.of, self.sketch.fresh())
        rest = self.rest
        after = Apply(INT32, "add", (index, whole(1)))
        one, other = self.at(index, *rest), self.at(after, *rest)
        test = Compare(BOOL, (self.sketch.dice.one_of((">", "<")),), (one, other))
        swap = (Assign(held, one), Assign(one, other), Assign(other, held))
        yield For(index.name, whole(self.length - 1), (If(test, swap),))

    def total(self) -> Iterator[Statement]:
        """The sum of the elements in a new local."""
        sketch = self.sketch
        index = Name(INT32, sketch.fresh())
        rest = self.rest
        assert isinstance(self.of, Scalar)
        yield sketch.define_as(sketch.literal(self.of, Interval(0, 1)), mutable=True)
        variable = sketch.defined[-1]
        size = max(abs(self.interval.low), abs(self.interval.high)) * self.length + 1
        variable.interval = Interval(0 if self.of.kind == "uint" else -size, size)
        change = AugmentedAssign(Name(self.of, variable.name), "add", self.at(index, *rest))
        yield For(index.name, self._stop(), (change,))


def _dtype(sketch: Sketch) -> Scalar | Vector:
    dice = sketch.dice
    if dice.chance(35):
        return types.scalar(dice.one_of(("int32", "int32", "int32", "int64", "uint32")))
    return sketch.vector_type(sketch.main) if sketch.vectors and dice.chance(60) else sketch.main


def _work(scratch: Scratch) -> Iterator[Statement]:
    """Something is put into the array, then something is done to it."""
    dice = scratch.sketch.dice
    match dice.below(4):
        case 0:
            yield from scratch.stores()
        case 1 if isinstance(scratch.of, Scalar):
            yield from scratch.count()
        case _:
            yield from scratch.fill()
    small = max(abs(scratch.interval.low), abs(scratch.interval.high)) * scratch.length <= REACH_OF_ELEMENTS * 16
    match dice.below(4):
        case 0 if isinstance(scratch.of, Scalar) and scratch.length > 2:
            yield from scratch.sort()
        case 1 if isinstance(scratch.of, Scalar) and small:
            yield from scratch.scan()
        case 2:
            yield from scratch.stores()


def body(sketch: Sketch) -> Iterator[Statement]:
    """An array of the thread's own in a use that such have; or one or two, worked on, and a result out of them."""
    dice, main = sketch.dice, sketch.main
    if dice.chance(USED):
        pen = Pen(sketch)
        dice.weighted(USES)(pen)
        if dice.chance(15):
            dice.weighted(USES)(pen)
        yield from pen.body
        return
    sketch.vectors = dice.chance(15)
    yield from sketch.block(dice.below(2), Statements(), 2)
    value: Typed | None = None
    for _ in range(dice.between(1, 2)):
        of = _dtype(sketch)
        if isinstance(of, Scalar) and of is not main:
            sketch.allowed = sketch.allowed | {of}
        shape = (dice.one_of(LENGTHS),) if dice.chance(70) else (dice.one_of((2, 3)), dice.one_of((2, 3, 4)))
        scratch = Scratch(sketch, of, shape)
        yield scratch.made
        yield from _work(scratch)
        if isinstance(of, Scalar) and dice.chance(45):
            yield from scratch.total()
            continue
        if isinstance(of, Scalar) and len(set(scratch.written)) > 1:
            yield from scratch.gathered()
            continue
        place = scratch.place_of_result()
        if len(shape) == 2 and dice.chance(50):
            made, part = views.take(sketch, scratch.array, place[:1], ())
            sketch.views.remove(part)
            yield from made
            found = Typed(Element(of, part.name, place[1:]), scratch.interval)
        else:
            found = scratch.read(*place)
        number = sketch.as_type(sketch.fit_local(found), main)
        value = (
            number if value is None else sketch.apply(OPS[dice.one_of(("add", "sub", "mul"))], main, [value, number])
        )
    result = sketch.result(main, dice.between(0, 2))
    if value is not None:
        result = sketch.apply(
            OPS[dice.one_of(("add", "sub"))], main, [sketch.fit_local(value), sketch.fit_local(result)]
        )
    yield sketch.store(sketch.output(main), result)
