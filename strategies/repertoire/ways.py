"""Small parts of a way through a kernel: inputs, numbers, tests, locals and changes, and what is stored at its end."""

from __future__ import annotations

from typing import Final

from strategies.blocks import is_bare, whole
from strategies.intervals import Interval, symmetric
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Cast,
    Compare,
    Conditional,
    Element,
    Expression,
    Extent,
    Literal,
    Name,
    Statement,
)
from strategies.language.types import BOOL, INT32, Scalar
from strategies.statements import Sketch

#: Float inputs after which new ones are rare.
MOST_INPUTS: Final = 3
#: What a parameter or an element that bounds a loop may be.
FEW: Final = (0, 5)
#: Of 100 names of whole numbers that become floats of 64 bits, how many do as they stand: Warp is known to convert the
#: constant that a name may stand for.
CONVERTED: Final = 15
#: An array that is read at the index of a loop with such a bound.
VISITED: Final = 9


class Way:
    """Draws one way: numbers to go by, and what is stored at its end."""

    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch
        self.dice = sketch.dice
        self.of = sketch.main

    def x(self, apart: tuple[Expression, ...] = ()) -> Expression:
        """An element of a float input: of one that is there, or of a new one; none that is in `apart`."""
        taken = {node.array for node in apart if isinstance(node, Element)}
        arrays = [p for p in self.sketch.readable(self.of) if len(p.shape) == len(self.sketch.launch)]
        launch = self.sketch.launch
        arrays = [p for p in arrays if p.high <= 2.0 and all(n >= m for n, m in zip(p.shape, launch, strict=True))]
        arrays = [p for p in arrays if p.name not in taken]
        array = (
            self.dice.one_of(arrays) if arrays and self.dice.chance(95 if len(arrays) >= MOST_INPUTS else 55) else None
        )
        array = array or self.sketch.array(self.of, self.sketch.launch_shape(), symmetric(2.0))
        return Element(self.of, array.name, self.sketch.own_indices())

    def at(self, of: Scalar, index: Expression, extent: int = VISITED) -> Expression:
        """An element of an input at the index of a loop, mostly of the thread's own row."""
        head = self.sketch.own_indices()[:1] if self.dice.chance(60) else ()
        shape = (*self.sketch.launch[: len(head)], extent)
        arrays = [p for p in self.sketch.readable(of) if len(p.shape) == len(shape) and p.high <= 5]
        arrays = [p for p in arrays if all(n >= m for n, m in zip(p.shape, shape, strict=True))]
        array = self.dice.one_of(arrays) if arrays and self.dice.chance(70) else None
        held = Interval(0, 5) if of is INT32 else symmetric(2.0)
        return Element(of, (array or self.sketch.array(of, shape, held)).name, (*head, index))

    def n(self, tested: bool = False) -> Expression:
        """A whole number that only a run knows: a parameter's, an element's, the thread's own, or an extent.

        One that is `tested` is no extent: how long an array is, is no question.
        """
        sketch = self.sketch
        match self.dice.below(5):
            case 0:
                array = sketch.array(INT32, sketch.launch_shape(), few())
                return Element(INT32, array.name, sketch.own_indices())
            case 1 if not tested:
                floats = [p for p in sketch.readable(self.of) if max(p.shape) < VISITED - 1]
                if floats:
                    array = self.dice.one_of(floats)
                    return Extent(INT32, array.name, self.dice.below(len(array.shape)))
            case 2:
                return Apply(INT32, "mod", (self.dice.one_of(list(sketch.own_indices())), whole(5)))
        return Name(INT32, sketch.scalar_parameter(INT32, few()).name)

    def local(self, value: Expression) -> tuple[Name, Statement]:
        """A new local with a value that may change: ``float(0.0)``, where a bare literal would be a constant."""
        name = Name(value.type, self.sketch.fresh())
        return name, Assign(name, Cast(value.type, value) if is_bare(value) else value)

    def number(self, value: float) -> Expression:
        return Literal(self.of, value)

    def test(self) -> Expression:
        """A comparison of inputs."""
        operator = self.dice.one_of(("<", "<=", ">", ">=", "!="))
        if self.dice.chance(30):
            return Compare(
                BOOL, (self.dice.one_of(("<", ">", "==", "!=")),), (self.n(tested=True), whole(self.dice.between(0, 4)))
            )
        first, other = self.x(), self.number(self.dice.one_of((0.0, 0.5, -0.75)))
        second = self.x() if self.dice.chance(50) else other
        return Compare(BOOL, (operator,), (first, other if second == first else second))

    def float_of(self, number: Expression) -> Expression:
        """A whole number as a float, moved or scaled before or after.

        Hardly ever the bare name as one of 64 bits, since Warp may take that for a constant, and convert it for good.
        """
        dice, bare = self.dice, isinstance(number, Name | Literal)
        match dice.below(6):
            case 0 | 1:
                op, by = dice.one_of((("add", 1), ("add", 2), ("sub", 1)))
                return Cast(self.of, Apply(INT32, op, (number, whole(by))))
            case 2:
                return Cast(self.of, Apply(INT32, "mul", (number, whole(dice.between(2, 3)))))
            case 3:
                return Cast(self.of, Apply(INT32, "mod", (number, whole(dice.between(3, 5)))))
        if bare and self.of.bits == 64 and not dice.chance(CONVERTED):
            return Cast(self.of, Apply(INT32, "add", (number, whole(1))))
        as_float = Cast(self.of, number)
        match dice.below(3):
            case 0:
                return Apply(self.of, "mul", (as_float, self.number(dice.one_of((0.5, 0.25, -0.5)))))
            case 1:
                return Apply(self.of, "add", (as_float, self.number(dice.one_of((0.5, 1.0)))))
        return as_float

    def times(self, *factors: Expression) -> Expression:
        found = factors[0]
        for factor in factors[1:]:
            found = Apply(self.of, "mul", (found, factor))
        return found

    def stored(self, value: Expression) -> Statement:
        """The value in an output of its own; a truth value as one of two inputs, a whole number added to one at times.

        Not multiplied by it: the adjoint of a product needs a number that a loop computed.
        """
        if value.type is BOOL:
            value = Conditional(self.of, value, self.x(), Apply(self.of, "neg", (self.x(),)))
        elif value.type is INT32 and self.dice.chance(40):
            value = Apply(self.of, "add", (self.x(), self.float_of(value)))
        of = INT32 if value.type is INT32 else self.of
        output = self.sketch.output(of)
        return Assign(Element(of, output.name, self.sketch.own_indices()), value)

    def change(self, target: Name, index: Expression | None = None, extent: int = VISITED) -> Statement:
        """A change of a local: in a loop mostly by an element at its index.

        Not so with an `extent` of zero, where the index may be negative.
        """
        dice = self.dice
        operator = dice.one_of(("add", "add", "sub"))
        if index is not None and extent and dice.chance(90):
            assert isinstance(target.type, Scalar)
            value = self.at(target.type, index, extent)
            if target.type is not INT32 and dice.chance(40):
                value = self.times(value, self.x())
            return AugmentedAssign(target, operator, value)
        if target.type is INT32:
            amount = index or whole(dice.between(1, 5))
            return AugmentedAssign(target, operator, amount if index is None or dice.chance(60) else _doubled(amount))
        value = self.x()
        if index is not None and dice.chance(80):
            value = self.times(value, self.float_of(index))
        if dice.chance(40):
            return Assign(target, Apply(self.of, operator, (target, value)))
        return AugmentedAssign(target, operator, value)

    def total(self, counted: int = 30) -> tuple[Name, Statement]:
        """A local to sum into: a whole number in `counted` of 100."""
        return self.local(
            whole(self.dice.below(3)) if self.dice.chance(counted) else self.number(self.dice.below(3) / 2)
        )


def _doubled(number: Expression) -> Expression:
    return Apply(INT32, "mul", (number, whole(2)))


def few() -> Interval:
    return Interval(*FEW)
