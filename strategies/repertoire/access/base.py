"""What all ways to an element share: inputs, elements of them, locals, and what is stored at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from strategies.blocks import whole
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Apply, Assign, Element, Expression, Name, Parameter, Statement
from strategies.language.types import INT32, Array, Composite, Scalar
from strategies.statements import Sketch

#: Vectors of all lengths that have code of their own, or a loop of its own; matrices square and not.
LENGTHS: Final = (2, 3, 4, 5, 6)
MATRICES: Final = ((2, 2), (3, 3), (4, 4), (2, 3), (3, 2))
#: Of 100 values of several numbers, how many are matrices: they have numbers, and rows.
MATRIX: Final = 45
#: Of 100 elements that are read, how many are locals that are stored at the end too: an adjoint must then be added to,
#: not overwritten.
SHARED: Final = 50


class Access:
    """Draws one way: what is read by it, and what is stored at its end."""

    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch
        self.dice = sketch.dice
        self.of = sketch.main
        #: definitions that come before all else, and what they define
        self.begun: list[Statement] = []
        self.shared: list[Name] = []

    def own(self) -> tuple[Expression, ...]:
        return self.sketch.own_indices()

    def array(self, dtype: Scalar | Composite, shape: tuple[int, ...] | None = None) -> Parameter:
        """A new input."""
        scalar = types.element_scalar(dtype)
        span = symmetric(2.0) if scalar.is_float else Interval(0, 9)
        return self.sketch.array(dtype, shape or self.sketch.launch_shape(), span)

    def element(self, array: Parameter) -> Element:
        """An element at the thread's own place."""
        assert isinstance(array.type, Array)
        return Element(array.type.dtype, array.name, self.own())

    def read(self, array: Parameter) -> Expression:
        """An element of an input at the thread's own place; of floats, some are shared."""
        element = self.element(array)
        if not types.element_scalar(element.type).is_float or not self.dice.chance(SHARED):
            return element
        local, begin = self.local(element)
        self.begun.append(begin)
        self.shared.append(local)
        return local

    def value(self, of: Scalar | Composite) -> Expression:
        """An element of a new input at the thread's own place."""
        return self.read(self.array(of))

    def x(self) -> Expression:
        """A number out of a new input at the thread's own place."""
        return self.value(self.of)

    def at(self, extent: int, from_end: bool = True) -> Expression:
        """A place along an axis: the thread's, a number from either end, or what an array of numbers says."""
        match self.dice.below(5):
            case 0:
                return whole(self.dice.below(extent))
            case 1 if from_end:
                return whole(-self.dice.between(1, extent))
            case 2:
                numbers = self.sketch.array(INT32, self.sketch.launch_shape(), Interval(0, extent - 1))
                return Element(INT32, numbers.name, self.own())
        fitting = [v for v in self.sketch.indices if v.interval.high < extent]
        if fitting:
            return Name(INT32, self.dice.one_of(fitting).name)
        own = self.dice.one_of(list(self.own()))
        return Apply(INT32, "mod", (own, whole(extent))) if extent > 1 else whole(0)

    def composite(self) -> Composite:
        """A vector or a matrix."""
        if self.dice.chance(MATRIX):
            return types.matrix(*self.dice.one_of(MATRICES), self.of)
        return types.vector(self.dice.one_of(LENGTHS), self.of)

    def formed(self, form: str) -> Composite:
        """The type of a vector, a matrix, a quaternion or a transform."""
        match form:
            case "vector":
                return types.vector(self.dice.one_of(LENGTHS), self.of)
            case "matrix":
                return types.matrix(*self.dice.one_of(MATRICES), self.of)
            case "quaternion":
                return types.quaternion(self.of)
        return types.transform(self.of)

    def stored(self, value: Expression) -> Statement:
        """The value in an output of its own."""
        of = value.type
        assert isinstance(of, Scalar | Composite)
        output = self.sketch.output(of)
        return Assign(Element(of, output.name, self.own()), value)

    def local(self, value: Expression) -> tuple[Name, Statement]:
        """A new local."""
        name = Name(value.type, self.sketch.fresh())
        return name, Assign(name, value)

    def mixed(self, value: Expression) -> Expression:
        """A number as it is, or with an input."""
        if value.type is not self.of or self.dice.chance(40):
            return value
        return Apply(self.of, self.dice.one_of(("mul", "add", "mul")), (value, self.x()))


Draw: TypeAlias = Callable[[Access], Iterator[Statement]]
