"""What a kernel is drawn from: its parameters, the values that they hold, and places in arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from strategies import intervals
from strategies.dice import Dice
from strategies.facts import Facts
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.hashing import unused_name
from strategies.language.nodes import (
    Apply,
    Element,
    Expression,
    Extent,
    Function,
    Literal,
    Name,
    Options,
    Parameter,
    View,
)
from strategies.language.types import BOOL, INT32, Array, Composite, Scalar, Type, Vector
from strategies.language.unrolling import MAX_UNROLL
from strategies.names import NAMES
from strategies.ops import FACTOR, OPS, REACH, OpSpec, instances
from strategies.scope import Scope, Variable
from strategies.swarm import ALL, Features
from strategies.typed import Typed
from strategies.weights import Weights

#: What arrays of floats hold: around zero, positive, small.
FLOAT_INPUTS: Final = (symmetric(2.0), symmetric(2.0), Interval(0.125, 3.0), symmetric(1.0), symmetric(5.0))
INTEGER_INPUTS: Final = (Interval(0, 5), Interval(-4, 4), Interval(1, 9), Interval(-20, 20), Interval(-9, -1))
MAX_INPUT_ARRAYS: Final = 4

#: Operators that make up most of arithmetic, and so of every palette.
STAPLES: Final = frozenset(("add", "sub", "mul"))

#: Operations that people use more often than the others: each is drawn three times as often.
POPULAR: Final = frozenset(
    ("div", "neg", "abs", "min", "max", "clamp", "sqrt", "exp", "log", "sin", "cos", "tanh", "pow", "floor", "where",
     "dot", "length", "normalize", "cross")
)  # fmt: skip

#: Forms of values of several numbers that kernels with vectors have, and the groups of what works on those.
VECTOR_FORMS: Final = frozenset(("vec2", "vec3", "vec4"))
_PALETTE_GROUPS: Final = frozenset(("Operators", "Scalar Math", "Vector Math", "Utility"))


def _is_plain(row: OpSpec) -> bool:
    """Whether a row is for kernels of any category: those about matrices and their like choose for themselves."""
    return row.group in _PALETTE_GROUPS and any(
        arguments and all(isinstance(of, Scalar | Vector) for of in (*arguments, result))
        for arguments, result in instances(row)
    )


@cache
def _plain_rows() -> tuple[str, ...]:
    """The names of the rows for kernels of any category, in the order of the table."""
    return tuple(row.name for row in OPS.values() if _is_plain(row))


#: Of 100 elements with one name at two of its places, how many keep that.
DIAGONAL: Final = 12


class Inputs:
    """The parameters and the scope of one kernel, and what its arrays are read at."""

    def __init__(
        self, dice: Dice, launch: tuple[int, ...], main: Scalar, weights: Weights, features: Features = ALL
    ) -> None:
        self.dice = dice
        self.weights = weights
        #: what this program draws from, of what it may do without
        self.features = features
        self.launch = launch
        #: the float type that the kernel mostly works in
        self.main = main
        self.scope = Scope()
        #: locals that began as no more than another name of an element or a variable
        self.copies: dict[str, Expression] = {}
        #: what the tests around this point say
        self.facts = Facts(self._tested, self.copies)
        self.parameters: list[Parameter] = []
        self.nodes = 0
        self.vectors = False
        #: forms of values of several numbers that may appear, beside vectors if there are any
        self.forms: frozenset[str] = frozenset()
        self.allowed: frozenset[Type] = frozenset((main, INT32, BOOL))
        self.palette = self._draw_palette()
        #: the seed and the index of this kernel, if it is one of a stream
        self.dealt: tuple[int, int] | None = None
        #: what inner nodes become
        self.mixture = weights.expressions
        #: whole numbers that this kernel writes, beside small ones
        self.constants: tuple[int, ...] = ()
        #: whether inputs of integers take large values: all of them, or for signed ones, where sums do not overflow
        self.wide_integers = False
        #: whether signed integers may be any pattern of bits
        self.patterns = False
        #: how two integers are combined into a result
        self.joins: tuple[str, ...] = ("add", "sub")
        #: whether locals are of all allowed types alike, instead of mostly the main one
        self.spread = False
        self.max_arrays = MAX_INPUT_ARRAYS
        #: parts of arrays that have a local name here; of a length that moves with the thread, the least
        self.views: list[Parameter] = []
        #: what a part was made of, so that none is made twice
        self.taken: dict[View, Parameter] = {}
        #: those of the parts whose lengths differ between threads
        self.moving: set[str] = set()
        #: the structs, and the arrays of structs, by the name of the variable or parameter
        self.structs: dict[str, Type] = {}
        #: how many threads a block has; none in a kernel without tiles
        self.block_dim = 0
        #: what each indexed array among the parameters is made of, by its name
        self.indexed: dict[str, tuple[Parameter, ...]] = {}
        #: the scalar types that a generic kernel is instantiated for
        self.overloads: tuple[Type, ...] = ()
        #: how the kernel is built, where not by default, and the most iterations of a loop that are unrolled then
        self.options: Options | None = None
        self.max_unroll = MAX_UNROLL
        #: whether literals may be decimals, which no two float types round alike
        self.decimals = True
        #: the functions over structs
        self.struct_functions: list[Function] = []
        #: the thread's indices, and those of the loops around this point
        self.indices: list[Variable] = []
        self.loop_indices: list[Variable] = []

    # ------------------------------------------------------------ set-up

    def _tested(self, node: Expression) -> Interval | None:
        """Between which values a variable or an element lies that a test is about."""
        match node:
            case Name(name=name):
                return next((v.interval for v in self.scope if v.name == name), None)
            case Element(array=name):
                return next((Interval(p.low, p.high) for p in self.parameters if p.name == name), None)
        return None

    def _draw_palette(self) -> frozenset[str]:
        count = self.dice.between(*self.weights.kernels.palette)
        unpromised = self.weights.kernels.unpromised
        known = [
            row.name
            for row in map(OPS.__getitem__, _plain_rows())
            if row.differentiable or row.flat or self.dice.chance(unpromised)
        ]
        known += [name for name in known if name in POPULAR] * 2
        return STAPLES.union(self.dice.some_of(known, count))

    def work_in(self, main: Scalar, *others: Scalar) -> None:
        """Let the kernel work mostly in `main`, and in `others` besides."""
        self.main = main
        self.allowed = frozenset((main, INT32, BOOL, *others))

    def allow_integers(self) -> None:
        """Let one more scalar type appear, at most."""
        self.allowed = self.allowed | {types.scalar(self.dice.weighted(self.weights.kernels.integers))}

    def fresh(self) -> str:
        """A name that is not taken: of any part of a kernel, since all names come from one pool.

        Very large kernels use it up; they have numbered ones then.
        """
        free = [name for name in NAMES if name not in self.scope.taken]
        name = self.dice.one_of(free) if free else unused_name(self.dice.one_of(NAMES), self.scope.taken)
        self.scope.taken.add(name)
        return name

    # ------------------------------------------------------------ parameters

    def array(
        self, dtype: Scalar | Composite, shape: tuple[int, ...], interval: Interval, output: bool = False
    ) -> Parameter:
        """A new array parameter."""
        parameter = Parameter(
            name=self.fresh(),
            type=types.array(dtype, len(shape)),
            low=as_bound(interval.low, dtype),
            high=as_bound(interval.high, dtype),
            shape=shape,
            output=output,
        )
        self.parameters.append(parameter)
        return parameter

    def launch_shape(self, spare: bool = True) -> tuple[int, ...]:
        """The shape of an array with one element a thread, and perhaps some more."""
        extra = self.dice.one_of(self.weights.kernels.spare_cells) if spare else 0
        return (self.launch[0] + extra, *self.launch[1:])

    def input_interval(self, dtype: Type) -> Interval:
        """Between which values the cells of a new input lie."""
        scalar = types.element_scalar(dtype)
        if scalar.kind == "bool":
            return intervals.TRUTH
        if scalar.is_float:
            return self.dice.one_of(FLOAT_INPUTS)
        if (self.patterns or self.wide_integers) and self.dice.chance(self.weights.integers.wide):
            if scalar.is_signed and not self.patterns:
                return symmetric(self.dice.one_of((FACTOR, REACH))[scalar.notation])
            return Interval(*scalar.limits)
        found = self.dice.one_of(INTEGER_INPUTS)
        return found if scalar.is_signed else Interval(0, found.size)

    def scalar_parameter(self, of: Scalar | Vector, interval: Interval | None = None) -> Variable:
        """A new parameter passed by value."""
        found = interval or self.input_interval(of)
        name = self.fresh()
        self.parameters.append(Parameter(name, of, as_bound(found.low, of), as_bound(found.high, of)))
        return self.scope.add(Variable(name, of, found))

    def readable(self, dtype: Type) -> list[Parameter]:
        """The input arrays, and parts of such, with elements of type `dtype`."""
        known = (*self.parameters, *self.views)
        return [p for p in known if isinstance(p.type, Array) and p.type.dtype is dtype and not p.output]

    def _may_read(self, of: Type) -> bool:
        arrays = [p for p in self.parameters if isinstance(p.type, Array) and not p.output]
        if isinstance(of, Composite) and of.form not in self._forms:
            return False
        return bool(self.readable(of)) or (len(arrays) < self.max_arrays and isinstance(of, Scalar | Composite))

    @property
    def _forms(self) -> frozenset[str]:
        return self.forms | VECTOR_FORMS if self.vectors else self.forms

    # ------------------------------------------------------------ indices and elements

    def index(self, extent: int, axis: tuple[Parameter, int] | None = None) -> Expression:
        """An int32 expression between 0 and `extent` - 1, the extent of an array along an axis if there is one."""
        fitting = [
            v
            for v in self.scope.of_type(INT32)
            if v.interval.within(Interval(0, extent - 1)) and v.name != "" and not v.mutable
        ]
        if not fitting:
            return Literal(INT32, self.dice.below(extent))
        chosen = self.dice.one_of(fitting)
        name: Expression = Name(INT32, chosen.name)
        percent = self.features.percent("neighbour", self.weights.leaves.neighbour)
        if extent < 2 or not self.dice.chance(percent):
            return name
        count: Expression = Literal(INT32, extent)
        last: Expression = Literal(INT32, extent - 1)
        if axis is not None and self.dice.chance(60):
            count = Extent(INT32, axis[0].name, axis[1])
            last = Apply(INT32, "sub", (count, Literal(INT32, 1)))
        return self._neighbour(name, chosen.interval, count, last)

    def _neighbour(self, name: Expression, interval: Interval, count: Expression, last: Expression) -> Expression:
        """A cell beside the thread's own, wrapped around or held at the ends."""
        one = Literal(INT32, self.dice.between(1, 2))
        match self.dice.below(5):
            case 0:
                return Apply(INT32, "max", (Apply(INT32, "sub", (name, one)), Literal(INT32, 0)))
            case 1:
                return Apply(INT32, "min", (Apply(INT32, "add", (name, one)), last))
            case 2:
                return Apply(INT32, "mod", (Apply(INT32, "add", (name, one)), count))
            case 3:
                return Apply(INT32, "floordiv", (name, Literal(INT32, 2)))
            case _:
                top = Literal(INT32, int(interval.high))
                return Apply(INT32, "sub", (top, name))

    def element(self, dtype: Scalar | Composite) -> Typed:
        """An element of an input array, which is made if there is none or by chance."""
        if self.loop_indices and self.dice.chance(self.weights.leaves.loop_reads):
            found = self._element_of_loop(dtype)
            if found is not None:
                return found
        arrays = self.readable(dtype)
        inputs = [p for p in self.parameters if isinstance(p.type, Array) and not p.output]
        if not arrays or (len(inputs) < self.max_arrays and self.dice.chance(35)):
            arrays = [self._input_array(dtype)]
        return self.element_of(self.dice.one_of(arrays))

    def element_of(self, array: Parameter) -> Typed:
        """An element of `array`: mostly the thread's own."""
        assert isinstance(array.type, Array)
        dtype = array.type.dtype
        self.nodes += 2
        node = Element(dtype, array.name, self.position(array.shape, array if array in self.parameters else None))
        return Typed(node, Interval(array.low, array.high), self.has_gradient(array))

    def has_gradient(self, array: Parameter) -> bool:
        """Whether what is read from an array has a derivative: Warp takes indexed ones for constants."""
        return types.element_scalar(array.type).is_float and array.name not in self.indexed

    def _element_of_loop(self, dtype: Scalar | Composite) -> Typed | None:
        """An element at a loop's index: of an array that is long enough, or of a new one."""
        index = self.loop_indices[-1]
        if index.interval.low < 0:
            return None
        extent = int(index.interval.high) + 1
        arrays = [p for p in self.readable(dtype) if len(p.shape) == 1 and p.shape[0] >= extent]
        if not arrays:
            if len([p for p in self.parameters if isinstance(p.type, Array) and not p.output]) >= self.max_arrays:
                return None
            spare = self.dice.one_of(self.weights.kernels.spare_cells)
            arrays = [self.array(dtype, (extent + spare,), self.input_interval(dtype))]
        chosen = self.dice.one_of(arrays)
        self.nodes += 2
        node = Element(dtype, chosen.name, (Name(INT32, index.name),))
        return Typed(node, Interval(chosen.low, chosen.high), self.has_gradient(chosen))

    def _input_array(self, dtype: Scalar | Composite) -> Parameter:
        interval = self.input_interval(dtype)
        if len(self.launch) == 1 or not self.dice.chance(25):
            return self.array(dtype, self.launch_shape(), interval)
        return self.array(dtype, (self.dice.one_of(self.launch),), interval)

    def position(self, shape: tuple[int, ...], array: Parameter | None = None) -> tuple[Expression, ...]:
        """A place in an array of `shape`, that parameter if there is one: mostly the thread's own."""
        own = self.indices
        covers = len(shape) == len(own) and all(n >= m for n, m in zip(shape, self.launch, strict=True))
        if covers and not self.dice.chance(20):
            return tuple(Name(INT32, v.name) for v in own)
        return self.off_diagonal(
            [self.index(n, None if array is None else (array, axis)) for axis, n in enumerate(shape)], shape
        )

    def off_diagonal(self, indices: Sequence[Expression], shape: tuple[int, ...]) -> tuple[Expression, ...]:
        """`indices` of an array of `shape`, no name twice, mostly: little of what people write is on a diagonal."""
        found = list[Expression]()
        for index, extent in zip(indices, shape, strict=True):
            if isinstance(index, Name) and index in found and not self.dice.chance(DIAGONAL):
                others = [Name(INT32, v.name) for v in self.indices if v.interval.high < extent]
                fresh = [name for name in others if name not in found and name not in indices]
                index = self.dice.one_of(fresh) if fresh else Literal(INT32, self.dice.below(extent))
            found.append(index)
        return tuple(found)


def as_bound(value: float, of: Type) -> int | float:
    """A bound of a parameter's values, whole for integers: a float beside the largest of them may lie above it."""
    scalar = types.element_scalar(of)
    if scalar.is_float:
        return float(value)
    least, largest = scalar.limits
    return min(max(int(value), least), largest)
