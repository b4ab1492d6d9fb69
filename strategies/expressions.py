"""Typed expressions, each with the interval of its values."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final, NamedTuple

from strategies import intervals
from strategies.dice import Dice
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    Extent,
    Function,
    Literal,
    Logical,
    Name,
    Parameter,
    View,
)
from strategies.language.rules import constructions
from strategies.language.types import (
    BOOL,
    INT32,
    Array,
    Composite,
    Matrix,
    Quaternion,
    Scalar,
    Transform,
    Type,
    Vector,
)
from strategies.names import NAMES
from strategies.ops import (
    FACTOR,
    OPS,
    REACH,
    Away,
    Dominant,
    OpSpec,
    Rotation,
    Unit,
    instances,
    overload,
    producers,
)
from strategies.ops.spec import Place
from strategies.scope import Scope, Variable
from strategies.weights import (
    BARE_ELEMENT,
    CHAINS,
    CONSTANTS,
    EXPRESSIONS,
    FLAT,
    INTEGER_TYPES,
    LEAVES,
    LITERAL_BITS,
    LOOP_READS,
    NODE_BUDGET,
    PALETTE,
    RETYPED_CONSTANTS,
    SATURATION,
    SPARE_CELLS,
    UNPROMISED,
    WIDE_INPUTS,
)


class Typed(NamedTuple):
    """An expression, between which values it lies, and whether it has a derivative that is not zero."""

    node: Expression
    interval: Interval
    live: bool = False

    @property
    def type(self) -> Type:
        """The type of the expression."""
        return self.node.type


#: Float literals that people write and that every float type holds exactly.
FLOATS: Final = (1.0, 0.5, 2.0, 0.25, 1.5, 0.75, 3.0, 4.0, 0.125, 2.5, 6.0, 8.0, 0.0)
#: Further ones, for float32 alone, where a bare literal is rounded once.
DECIMALS: Final = (0.1, 0.3, 0.9, 1.2, 0.01, 3.14159, 0.7)
#: What arrays of floats hold: around zero, positive, small.
FLOAT_INPUTS: Final = (symmetric(2.0), symmetric(2.0), Interval(0.125, 3.0), symmetric(1.0), symmetric(5.0))
INTEGER_INPUTS: Final = (Interval(0, 5), Interval(-4, 4), Interval(1, 9), Interval(-20, 20))
MAX_INPUT_ARRAYS: Final = 4
#: Operators that make up most of arithmetic, and so of every palette.
STAPLES: Final = frozenset(("add", "sub", "mul"))
#: Nobody divides a whole number by one, or asks for the remainder.
DIVISIONS: Final = frozenset(("div", "floordiv", "mod"))
SHIFTS: Final = frozenset(("lshift", "rshift"))
#: Of 100 quaternions that are constructed, how many are copies of another.
COPIES: Final = 8
#: A smaller factor would leave nothing of most values.
SMALLEST_SCALE: Final = 1 / 1024
_COMPARISONS: Final = ("<", ">", "<=", ">=", "==", "!=")
_ORDERINGS: Final = ("<", ">", "<=", ">=")


#: Forms of values of several numbers that kernels with vectors have, and the groups of what works on those.
VECTOR_FORMS: Final = frozenset(("vec2", "vec3", "vec4"))
_PALETTE_GROUPS: Final = frozenset(("Operators", "Scalar Math", "Vector Math"))


def _is_plain(row: OpSpec) -> bool:
    """Whether a row is for kernels of any category: those about matrices and their like choose for themselves."""
    return row.group in _PALETTE_GROUPS and any(
        arguments and all(isinstance(of, Scalar | Vector) for of in (*arguments, result))
        for arguments, result in instances(row)
    )


@lru_cache(maxsize=4096)
def _candidates(
    result: Type, palette: frozenset[str], allowed: frozenset[Type], forms: frozenset[str]
) -> tuple[tuple[OpSpec, tuple[Type, ...]], ...]:
    """The rows of `palette` that give `result` from arguments of allowed types and forms."""

    def fits(argument: Type) -> bool:
        if isinstance(argument, Composite):
            return argument.form in forms and argument.dtype in allowed
        return argument in allowed

    return tuple(
        (row, arguments)
        for row, arguments in producers(result)
        if row.name in palette and all(fits(a) for a in arguments)
    )


class Expressions:
    """Draws expressions for one kernel and keeps its parameters and scope."""

    def __init__(self, dice: Dice, launch: tuple[int, ...], main: Scalar) -> None:
        self.dice = dice
        self.launch = launch
        #: the float type that the kernel mostly works in
        self.main = main
        self.scope = Scope()
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
        self.mixture = EXPRESSIONS
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
        #: the functions over structs
        self.struct_functions: list[Function] = []
        #: the thread's indices, and those of the loops around this point
        self.indices: list[Variable] = []
        self.loop_indices: list[Variable] = []

    # ------------------------------------------------------------ set-up

    def _draw_palette(self) -> frozenset[str]:
        count = self.dice.between(*PALETTE)
        known = [
            row.name
            for row in OPS.values()
            if _is_plain(row) and (row.differentiable or row.flat or self.dice.chance(UNPROMISED))
        ]
        drawn = self.dice.some_of(known, count)
        return STAPLES.union(drawn)

    def work_in(self, main: Scalar, *others: Scalar) -> None:
        """Let the kernel work mostly in `main`, and in `others` besides."""
        self.main = main
        self.allowed = frozenset((main, INT32, BOOL, *others))

    def allow_integers(self, count: int) -> None:
        """Let up to `count` more scalar types appear."""
        extra = {types.scalar(self.dice.weighted(INTEGER_TYPES)) for _ in range(count)}
        self.allowed = self.allowed | extra

    def fresh(self) -> str:
        """A name that is not taken: of any part of a kernel, since all names come from one pool."""
        name = self.dice.one_of([name for name in NAMES if name not in self.scope.taken])
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
            low=_plain(interval.low, dtype),
            high=_plain(interval.high, dtype),
            shape=shape,
            output=output,
        )
        self.parameters.append(parameter)
        return parameter

    def launch_shape(self, spare: bool = True) -> tuple[int, ...]:
        """The shape of an array with one element a thread, and perhaps some more."""
        extra = self.dice.one_of(SPARE_CELLS) if spare else 0
        return (self.launch[0] + extra, *self.launch[1:])

    def input_interval(self, dtype: Type) -> Interval:
        """Between which values the cells of a new input lie."""
        scalar = types.element_scalar(dtype)
        if scalar.kind == "bool":
            return intervals.TRUTH
        if scalar.is_float:
            return self.dice.one_of(FLOAT_INPUTS)
        if (self.patterns or self.wide_integers) and self.dice.chance(WIDE_INPUTS):
            if scalar.is_signed and not self.patterns:
                return symmetric(self.dice.one_of((FACTOR, REACH))[scalar.notation])
            return Interval(*scalar.limits)
        found = self.dice.one_of(INTEGER_INPUTS)
        return found if scalar.is_signed else Interval(0, found.high)

    def scalar_parameter(self, of: Scalar, interval: Interval | None = None) -> Variable:
        """A new parameter passed by value."""
        found = interval or self.input_interval(of)
        name = self.fresh()
        self.parameters.append(Parameter(name, of, _plain(found.low, of), _plain(found.high, of)))
        return self.scope.add(Variable(name, of, found))

    def readable(self, dtype: Type) -> list[Parameter]:
        """The input arrays, and parts of such, with elements of type `dtype`."""
        known = (*self.parameters, *self.views)
        return [p for p in known if isinstance(p.type, Array) and p.type.dtype is dtype and not p.output]

    # ------------------------------------------------------------ indices

    def index(self, extent: int) -> Expression:
        """An int32 expression between 0 and `extent` - 1."""
        fitting = [
            v
            for v in self.scope.of_type(INT32)
            if v.interval.within(Interval(0, extent - 1)) and v.name != "" and not v.mutable
        ]
        if not fitting:
            return Literal(INT32, self.dice.below(extent))
        chosen = self.dice.one_of(fitting)
        name: Expression = Name(INT32, chosen.name)
        if extent < 2 or not self.dice.chance(15):
            return name
        return self._neighbour(name, chosen.interval, extent)

    def _neighbour(self, name: Expression, interval: Interval, extent: int) -> Expression:
        """A cell beside the thread's own, wrapped around or held at the ends."""
        one = Literal(INT32, self.dice.between(1, 2))
        last = Literal(INT32, extent - 1)
        match self.dice.below(5):
            case 0:
                return Apply(INT32, "max", (Apply(INT32, "sub", (name, one)), Literal(INT32, 0)))
            case 1:
                return Apply(INT32, "min", (Apply(INT32, "add", (name, one)), last))
            case 2:
                return Apply(INT32, "mod", (Apply(INT32, "add", (name, one)), Literal(INT32, extent)))
            case 3:
                return Apply(INT32, "floordiv", (name, Literal(INT32, 2)))
            case _:
                top = Literal(INT32, int(interval.high))
                return Apply(INT32, "sub", (top, name))

    def element(self, dtype: Scalar | Composite) -> Typed:
        """An element of an input array, which is made if there is none or by chance."""
        if self.loop_indices and self.dice.chance(LOOP_READS):
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
        node = Element(dtype, array.name, self.position(array.shape))
        return Typed(node, Interval(array.low, array.high), types.element_scalar(dtype).is_float)

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
            spare = self.dice.one_of(SPARE_CELLS)
            arrays = [self.array(dtype, (extent + spare,), self.input_interval(dtype))]
        chosen = self.dice.one_of(arrays)
        self.nodes += 2
        node = Element(dtype, chosen.name, (Name(INT32, index.name),))
        return Typed(node, Interval(chosen.low, chosen.high), types.element_scalar(dtype).is_float)

    def _input_array(self, dtype: Scalar | Composite) -> Parameter:
        interval = self.input_interval(dtype)
        if len(self.launch) == 1 or not self.dice.chance(25):
            return self.array(dtype, self.launch_shape(), interval)
        return self.array(dtype, (self.dice.one_of(self.launch),), interval)

    def position(self, shape: tuple[int, ...]) -> tuple[Expression, ...]:
        """A place in an array of `shape`: mostly the thread's own."""
        own = self.indices
        covers = len(shape) == len(own) and all(n >= m for n, m in zip(shape, self.launch, strict=True))
        if covers and not self.dice.chance(20):
            return tuple(Name(INT32, v.name) for v in own)
        return tuple(self.index(extent) for extent in shape)

    # ------------------------------------------------------------ leaves

    def literal(self, of: Scalar, within: Interval | None = None) -> Typed:
        """A number that a person would write, inside `within`."""
        if of.kind == "bool":
            value: bool | int | float = self.dice.chance(50)
        elif of.is_float:
            within = within or symmetric(8.0)
            values = [v for v in FLOATS if within.low <= v <= within.high]
            values += [-v for v in FLOATS[:8] if within.low <= -v <= within.high]
            if of.notation == "float32":
                values += [v for v in DECIMALS if within.low <= v <= within.high]
            value = self.dice.one_of(values) if values else _dyadic(within)
        else:
            telling = self._telling(of, within)
            if telling and self.dice.chance(CONSTANTS):
                value = self.dice.one_of(telling)
            else:
                within = within or Interval(0 if of.kind == "uint" else -4, 9)
                low, high = math.ceil(within.low), math.floor(within.high)
                low, high = max(low, -20), max(min(high, 20), max(low, -20))
                value = self.dice.between(low, high)
        self.nodes += 1
        exact = float(value) if of.is_float else int(value)
        return Typed(Literal(of, value), Interval(exact, exact))

    def _telling(self, of: Scalar, within: Interval | None) -> list[int]:
        """The constants of this kernel that lie inside `within`, or that type `of` can hold."""
        low, high = within or of.limits
        return [c for c in self.constants if low <= c <= high]

    def variable(self, variable: Variable) -> Typed:
        """A read of a variable."""
        variable.used = True
        self.nodes += 1
        return Typed(Name(variable.type, variable.name), variable.interval, variable.live)

    def leaf(self, of: Type) -> Typed:
        """A variable, an element, a component, a literal: an expression without operations."""
        if of is BOOL:
            return self._bool_leaf()
        variables = self.scope.of_type(of)
        unused = [v for v in variables if not v.used]
        sources: list[tuple[int, str]] = []
        if unused:
            sources.append((LEAVES.unused, "unused"))
        if variables:
            sources.append((LEAVES.variable, "variable"))
        if self._may_read(of):
            sources.append((LEAVES.element, "element"))
        if isinstance(of, Scalar):
            sources.append((LEAVES.literal, "literal"))
            if self._components(of):
                sources.append((LEAVES.component, "component"))
            if self.loop_indices and of is not INT32:
                sources.append((LEAVES.loop_index, "loop index"))
        if of is INT32 and self.parameters:
            sources.append((LEAVES.extent, "extent"))
        if not sources:
            sources.append((1, "construct"))
        match self.dice.weighted(tuple(sources)):
            case "unused":
                return self.variable(self.dice.one_of(unused))
            case "variable":
                return self.variable(self.dice.one_of(variables))
            case "element":
                assert isinstance(of, Scalar | Composite)
                return self.element(of)
            case "component":
                assert isinstance(of, Scalar)
                return self._component_of(self.variable(self.dice.one_of(self._components(of))))
            case "extent":
                return self._extent()
            case "loop index":
                assert isinstance(of, Scalar)
                return self.convert(self.variable(self.loop_indices[-1]), of)
            case "construct":
                assert isinstance(of, Composite)
                return self.construct(of, 0)
        assert isinstance(of, Scalar)
        return self.literal(of)

    def _bool_leaf(self) -> Typed:
        variables = self.scope.of_type(BOOL)
        if variables and self.dice.chance(60):
            return self.variable(self.dice.one_of(variables))
        return self.comparison(0)

    def _may_read(self, of: Type) -> bool:
        arrays = [p for p in self.parameters if isinstance(p.type, Array) and not p.output]
        if isinstance(of, Composite) and of.form not in self._forms:
            return False
        return bool(self.readable(of)) or (len(arrays) < self.max_arrays and isinstance(of, Scalar | Composite))

    @property
    def _forms(self) -> frozenset[str]:
        return self.forms | VECTOR_FORMS if self.vectors else self.forms

    def _components(self, of: Scalar) -> list[Variable]:
        return [v for v in self.scope if isinstance(v.type, Composite) and v.type.dtype is of and not v.sum_only]

    def _component_of(self, value: Typed) -> Typed:
        """One number of `value`."""
        of = value.type
        assert isinstance(of, Composite)
        self.nodes += 1
        index = Literal(INT32, self.dice.below(of.shape[0]))
        if isinstance(of, Matrix):
            column = Literal(INT32, self.dice.below(of.columns))
            if self.dice.chance(25):
                row = Component(types.vector(of.columns, of.dtype), value.node, index)
                return Typed(Component(of.dtype, row, column), value.interval, value.live)
            return Typed(Component(of.dtype, value.node, index, column=column), value.interval, value.live)
        attribute = of.length <= 4 and self.dice.chance(50)
        return Typed(Component(of.dtype, value.node, index, attribute), value.interval, value.live)

    def _extent(self) -> Typed:
        arrays = [p for p in self.parameters if isinstance(p.type, Array)]
        if not arrays:
            return self.literal(INT32)
        chosen = self.dice.one_of(arrays)
        axis = self.dice.below(len(chosen.shape))
        extent = float(chosen.shape[axis])
        return Typed(Extent(INT32, chosen.name, axis), Interval(extent, extent))

    # ------------------------------------------------------------ inner nodes

    def expression(self, of: Type, depth: int) -> Typed:
        """An expression of type `of`, up to `depth` operations deep."""
        if depth <= 0 or self.nodes > NODE_BUDGET:
            return self.leaf(of)
        if of is BOOL:
            return self.condition(depth)
        kinds = [(self.mixture.operation, "operation"), (self.mixture.leaf, "leaf")]
        kinds.append((self.mixture.conditional, "conditional"))
        if isinstance(of, Scalar):
            kinds.append((self.mixture.cast, "cast"))
            if self._forms and of is self.main:
                kinds.append((self.mixture.component, "component"))
        else:
            kinds.append((3, "construct"))
        match self.dice.weighted(tuple(kinds)):
            case "leaf":
                return self.leaf(of)
            case "conditional":
                return self.conditional(of, depth)
            case "cast":
                assert isinstance(of, Scalar)
                return self.cast(of, depth)
            case "component":
                assert isinstance(of, Scalar)
                return self._component_of(self.expression(self.composite_type(of), depth - 1))
            case "construct":
                assert isinstance(of, Composite)
                return self.construct(of, depth)
        return self.operation(of, depth)

    def operation(self, of: Type, depth: int) -> Typed:
        """An operator or built-in out of the palette, its arguments guarded."""
        candidates = _candidates(of, self.palette, self.allowed, self._forms)
        if not candidates:
            return self.leaf(of)
        row, argument_types = self.dice.one_of(candidates)
        if row.flat and types.element_scalar(of).is_float and not self.dice.chance(FLAT):
            row, argument_types = self.dice.one_of(candidates)
        arguments = [self.expression(a, depth - 1) for a in argument_types]
        return self.apply(row, of, self.varied(row, arguments))

    def varied(self, row: OpSpec, arguments: list[Typed]) -> list[Typed]:
        """`arguments`, not all of them literals, and no two the same unless for a square or a double."""
        if not arguments:
            return arguments
        if all(isinstance(a.node, Literal) for a in arguments):
            first = arguments[0].type
            if isinstance(first, Scalar) and first is not BOOL and self._may_read(first):
                arguments[0] = self.element(first)
        bits = LITERAL_BITS.get(row.name)
        if bits is not None and isinstance(arguments[1].type, Scalar) and self.dice.chance(bits):
            of = arguments[1].type
            most = of.bits // 2 if row.name in SHIFTS else of.limits[1]
            arguments[1] = self.literal(of, Interval(1, most))
        if row.name in DIVISIONS and isinstance(arguments[1].node, Literal) and abs(arguments[1].node.value) < 2:
            divisor = arguments[1].type
            if isinstance(divisor, Scalar) and divisor.is_integer:
                arguments[1] = self.literal(divisor, Interval(2, 9))
        if len(arguments) > 1 and row.name not in STAPLES - {"sub"}:
            left, right = arguments[0], arguments[1]
            if left.node == right.node and isinstance(right.type, Scalar) and right.type is not BOOL:
                arguments[1] = self.literal(right.type, self._beside(left))
            elif left.node == right.node and isinstance(right.type, Vector):
                other = self.literal(right.type.dtype, self._beside(left))
                arguments[1] = Typed(self.filled(right.type, other.node), other.interval)
            elif left.node == right.node and isinstance(right.type, Composite):
                arguments[1] = self.element_of(
                    self.array(right.type, self.launch_shape(), self.input_interval(right.type))
                )
        return arguments

    @staticmethod
    def _beside(value: Typed) -> Interval | None:
        """Where a literal may lie that `value` is compared or combined with."""
        low, high = value.interval
        centre, spread = (low + high) / 2, (high - low) / 6
        return Interval(centre - spread, centre + spread) if high > low else None

    def apply(self, row: OpSpec, of: Type, arguments: list[Typed]) -> Typed:
        """``row(*arguments)``, each argument fitted to the row's domain."""
        given = tuple(a.type for a in arguments) or (of,)
        domain = row.domain(types.element_scalar(given[0]))
        fitted = [self.fit(a, d) for a, d in zip(arguments, domain, strict=False)]
        self.nodes += 1
        raw = row.result(given)
        assert raw is not None
        node = Apply(raw, row.name, tuple(a.node for a in fitted))
        interval = held(row.result_interval(raw, *(a.interval for a in fitted)), raw)
        live = not row.flat and not interval.is_point and any(a.live for a in fitted)
        found = Typed(node, interval, live)
        if row.through is not None:
            return self.apply(overload(row.through, (raw,)), of, [found])
        return found

    def conditional(self, of: Type, depth: int) -> Typed:
        """``a if c else b``."""
        test = self.condition(min(depth - 1, 1))
        then, otherwise = self.expression(of, depth - 1), self.expression(of, depth - 1)
        if then.node == otherwise.node and isinstance(of, Scalar):
            otherwise = self.literal(of)
        self.nodes += 1
        node = Conditional(of, test.node, then.node, otherwise.node)
        return Typed(node, then.interval.join(otherwise.interval), then.live or otherwise.live)

    def cast(self, of: Scalar, depth: int) -> Typed:
        """A value of another scalar type, converted."""
        others = sorted((t for t in self.allowed if t is not of and t is not BOOL), key=repr)
        if not others:
            return self.leaf(of)
        source = self.expression(self.dice.one_of(others), depth - 1)
        return self.convert(source, of)

    def convert(self, source: Typed, of: Scalar) -> Typed:
        """`source` as a value of type `of`, inside the range where the conversion is defined."""
        if source.type is of:
            return source
        if isinstance(source.node, Literal):
            # a conversion of a bare literal is written like a literal of the other type
            return self.literal(of)
        if of.bits == 64 and self._is_constant(source.node) and not self.dice.chance(RETYPED_CONSTANTS):
            one = self.literal(types.element_scalar(source.type), Interval(1, 1))
            source = self.apply(OPS["add"], source.type, [source, one])
        if not of.is_float and of.kind != "bool":
            reach = min(REACH[of.notation], REACH[types.element_scalar(source.type).notation])
            source = self.fit(source, Interval(0 if of.kind == "uint" else -reach, reach))
        elif of.is_float:
            source = self.fit(source, Interval(-REACH[of.notation], REACH[of.notation]))
        self.nodes += 1
        interval = source.interval
        if of.is_integer:
            interval = Interval(math.trunc(interval.low), math.trunc(interval.high))
        return Typed(Cast(of, source.node), interval, source.live and of.is_float)

    def _is_constant(self, node: Expression) -> bool:
        """Whether `node` is a name that Warp may hold to be a constant: of a loop's index, or of a literal."""
        return isinstance(node, Name) and any(v.name == node.name and v.constant for v in self.scope)

    def vector_type(self, dtype: Scalar) -> Vector:
        """A vector type of this kernel."""
        return types.vector(self.dice.one_of((3, 2, 4)), dtype)

    def composite_type(self, dtype: Scalar) -> Composite:
        """A type of several numbers of this kernel."""
        forms = sorted(self.forms)
        if not forms or (self.vectors and self.dice.chance(30)):
            return self.vector_type(dtype)
        return types.composite(self.dice.one_of(forms), dtype)

    def construct(self, of: Composite, depth: int) -> Typed:
        """A value of several numbers from its parts; of a transformation the rotation has length one."""
        vector = types.vector(3, of.dtype)
        match of:
            case Transform():
                rotation = self.fit(self.leaf_or(types.quaternion(of.dtype), depth), Unit())
                parts = [self.expression(vector, depth - 1), rotation]
            case Quaternion() if self.dice.chance(COPIES):
                parts = [self.expression(of, depth - 1)]
            case Quaternion() if self.dice.chance(40):
                parts = [self.expression(vector, depth - 1), self.expression(of.dtype, depth - 1)]
            case Matrix() if of.length > 4:
                parts = [self.leaf(of.dtype) for _ in range(1 if self.dice.chance(20) else of.length)]
            case Vector(length=6) if of.dtype.is_float and self.dice.chance(60):
                parts = [self.expression(vector, depth - 1) for _ in range(2)]
            case _:
                single = (of.dtype,) in constructions(of) and self.dice.chance(20)
                parts = [self.expression(of.dtype, depth - 1) for _ in range(1 if single else of.length)]
        interval = parts[0].interval
        for part in parts[1:]:
            interval = interval.join(part.interval)
        self.nodes += 1
        return Typed(Construct(of, tuple(p.node for p in parts)), interval, any(p.live for p in parts))

    def leaf_or(self, of: Type, depth: int) -> Typed:
        """An expression of type `of`, or a leaf at the end of `depth`."""
        return self.expression(of, depth - 1) if depth > 0 else self.leaf(of)

    # ------------------------------------------------------------ conditions

    def condition(self, depth: int) -> Typed:
        """A truth value."""
        if depth <= 0:
            return self._bool_leaf()
        match self.dice.below(6):
            case 3:
                return self.logical(depth)
            case 4:
                inner = self.condition(depth - 1)
                self.nodes += 1
                return Typed(Apply(BOOL, "unot", (inner.node,)), intervals.TRUTH)
            case 5 if self._tests():
                return self._uncertain(self.operation(BOOL, depth), depth)
        return self.comparison(depth)

    def _uncertain(self, test: Typed, depth: int) -> Typed:
        """`test`, together with a comparison if it always has the same value, as `wp.isnan` has of finite numbers."""
        if not test.interval.is_point:
            return test
        operator = "and" if test.interval.low else "or"
        self.nodes += 1
        return Typed(Logical(BOOL, operator, (test.node, self.comparison(depth).node)), intervals.TRUTH)

    def _tests(self) -> bool:
        return bool(_candidates(BOOL, self.palette - {"unot"}, self.allowed, self._forms))

    def logical(self, depth: int) -> Typed:
        """``and``, ``or``."""
        count = 3 if self.dice.chance(20) else 2
        operands = tuple(self.condition(depth - 1).node for _ in range(count))
        self.nodes += 1
        return Typed(Logical(BOOL, self.dice.one_of(("and", "or")), operands), intervals.TRUTH)

    def comparison(self, depth: int) -> Typed:
        """One comparison, or a chain of two, that neither always nor never holds as far as intervals tell."""
        numbers = sorted((t for t in self.allowed if t is not BOOL), key=lambda t: (t is not self.main, repr(t)))
        of = self.main if self.dice.chance(60) else self.dice.one_of(numbers)
        assert isinstance(of, Scalar)
        left = self.expression(of, depth - 1)
        if left.interval.is_point:
            left = self.element(of) if self._may_read(of) else self._index_value(of)
        operators = _ORDERINGS if of.is_float else _COMPARISONS
        self.nodes += 1
        if self.dice.chance(CHAINS):
            low, high = self._middle(left, of), self._bound(left, of, depth - 1)
            pair = (self.dice.one_of(("<", "<=")), self.dice.one_of(("<", "<=")))
            return Typed(Compare(BOOL, pair, (low.node, left.node, high.node)), intervals.TRUTH)
        right = self._middle(left, of) if self.dice.chance(60) else self.expression(of, depth - 1)
        if right.node == left.node:
            right = self._middle(left, of)
        return Typed(Compare(BOOL, (self.dice.one_of(operators),), (left.node, right.node)), intervals.TRUTH)

    def _bound(self, left: Typed, of: Scalar, depth: int) -> Typed:
        """The last operand of a chain; rarely a bare array element, which Warp is known to refuse there."""
        value = self.expression(of, depth)
        lazy = isinstance(value.node, Element) or (isinstance(value.node, Name) and "." in value.node.name)
        if isinstance(value.node, Literal) or (lazy and not self.dice.chance(BARE_ELEMENT)):
            low, high = left.interval
            return self.literal(of, Interval(high - (high - low) / 4, high))
        return value

    def _middle(self, value: Typed, of: Scalar) -> Typed:
        """A literal near the middle of what `value` may be."""
        return self.literal(of, self._beside(value))

    def _index_value(self, of: Scalar) -> Typed:
        """A thread index as a value of type `of`: something that differs between threads."""
        index = self.dice.one_of(self.indices)
        return self.convert(Typed(Name(INT32, index.name), index.interval), of)

    # ------------------------------------------------------------ guards

    def fit(self, value: Typed, domain: Place) -> Typed:
        """`value`, wrapped in a guard if it could leave `domain`."""
        match domain:
            case Away():
                return self._fit_away(value, domain)
            case Unit():
                return self.unit(value)
            case Dominant():
                return self._fit_dominant(value, domain)
            case Rotation():
                return self.rotation(value.type)
        if value.interval.within(domain):
            return value
        scalar = types.element_scalar(value.type)
        choices = []
        if scalar.is_float:
            choices = self._float_guards(value, domain)
        elif scalar.is_integer and isinstance(value.type, Scalar):
            choices = self._remainder(value, domain)
        if isinstance(value.type, Composite) and not isinstance(value.type, Vector):
            return self._shrunk(value, domain)
        # a clamp far inside the interval would hold nearly every value, and end every gradient
        saturates = value.interval.size > SATURATION * max(domain.size, 1.0)
        if choices and (saturates or not self.dice.chance(25)):
            return self.dice.one_of(choices)
        return self.clamp(value, domain)

    def _remainder(self, value: Typed, domain: Interval) -> list[Typed]:
        """``x % n``, which has the sign of `value`, where both signs that it may have fit into `domain`."""
        negative = value.interval.low < 0
        most = min(domain.high, -domain.low) if negative else domain.high if domain.low <= 0 else 0
        divisor = int(min(most + 1, 1 << 15, types.element_scalar(value.type).limits[1]))
        if divisor < 2:
            return []
        node = Apply(value.type, "mod", (value.node, self._constant(value.type, divisor)))
        return [Typed(node, Interval(1 - divisor if negative else 0, divisor - 1))]

    def _float_guards(self, value: Typed, domain: Interval) -> list[Typed]:
        """Ways in which a person would bring a float into `domain`."""
        if domain.low > 0 or (domain.low == 0 and value.interval.low < 0):
            return self._raised(value, domain)
        found = self._squashed(value, domain)
        if domain.low < 0 < domain.high:
            found += self._scaled(value, domain)
        return found

    def _squashed(self, value: Typed, domain: Interval) -> list[Typed]:
        """``wp.sin(x)`` and its like, where minus one to one is inside `domain`."""
        of = value.type
        if not isinstance(of, Scalar) or not intervals.UNIT.within(domain):
            return []
        found = []
        for name in ("sin", "cos", "tanh"):
            inside = OPS[name].domain(of)[0]
            if isinstance(inside, Interval) and value.interval.within(inside):
                found.append(Typed(Apply(of, name, (value.node,)), intervals.UNIT, value.live))
        return found

    def _raised(self, value: Typed, domain: Interval) -> list[Typed]:
        """``wp.abs(x) + c``, ``x * x + c`` or ``wp.max(x, c)``, for a domain of positive values."""
        found = []
        of, (low, high), size = value.type, value.interval, value.interval.size
        least = _round_up(domain.low)
        bound = self._constant(of, least)
        if size + least <= domain.high:
            total = Apply(of, "add", (Apply(of, "abs", (value.node,)), bound))
            found.append(Typed(total, Interval(least, size + least), value.live))
        factor = FACTOR[types.element_scalar(of).notation]
        if isinstance(of, Scalar) and size <= factor and size * size + least <= domain.high:
            total = Apply(of, "add", (Apply(of, "mul", (value.node, value.node)), bound))
            found.append(Typed(total, Interval(least, size * size + least), value.live))
        if high <= domain.high and low < least <= high:
            raised = Apply(of, "max", (value.node, bound))
            found.append(Typed(raised, Interval(least, high), value.live and high > least))
        return found

    def _shrunk(self, value: Typed, domain: Interval) -> Typed:
        """A matrix or its like times what brings all its numbers into `domain`, which has no other guards."""
        ratio = min(domain.size, -domain.low, domain.high) / value.interval.size
        scale = max(2.0 ** math.floor(math.log2(ratio)), 2.0**-20) if ratio > 0 else 0.0
        factor = self._constant(types.element_scalar(value.type), scale)
        self.nodes += 2
        low, high = value.interval
        node = Apply(value.type, "mul", (value.node, factor))
        return Typed(node, Interval(low * scale, high * scale), value.live and scale > 0)

    def _scaled(self, value: Typed, domain: Interval) -> list[Typed]:
        """``x * 0.25``, with a power of two that brings `value` inside."""
        low, high = value.interval
        ratio = min(
            domain.high / high if high > domain.high else 1.0,
            domain.low / low if low < domain.low else 1.0,
        )
        scale = 2.0 ** math.floor(math.log2(ratio))
        if scale < SMALLEST_SCALE:
            return []
        factor = self._constant(types.element_scalar(value.type), scale)
        scaled = Apply(value.type, "mul", (value.node, factor))
        return [Typed(scaled, Interval(low * scale, high * scale), value.live)]

    def clamp(self, value: Typed, domain: Interval) -> Typed:
        """`value` held between the ends of `domain`."""
        scalar = types.element_scalar(value.type)
        low, high = _inner(domain, scalar)
        low_node, high_node = self._constant(value.type, low), self._constant(value.type, high)
        if isinstance(value.type, Scalar):
            node: Expression = Apply(value.type, "clamp", (value.node, low_node, high_node))
        else:
            raised = Apply(value.type, "max", (value.node, low_node))
            node = Apply(value.type, "min", (raised, high_node))
        self.nodes += 3
        held = intervals.clamp(value.interval, Interval(low, low), Interval(high, high))
        return Typed(node, held, value.live and not held.is_point)

    def _fit_away(self, value: Typed, domain: Away) -> Typed:
        low, high = value.interval
        scalar = types.element_scalar(value.type)
        if (low >= domain.least or high <= -domain.least) and value.interval.size <= domain.reach:
            return value
        least = domain.least if scalar.is_float else 1
        of = value.type
        if isinstance(of, Composite) and not isinstance(of, Vector):
            part = self._fit_away(self._component_of(value), domain)
            return Typed(self.filled(of, part.node), part.interval, part.live)
        if scalar.is_float or scalar.is_signed:
            positive = self.fit(value, symmetric(domain.reach - 1))
            if self.dice.chance(60):
                added = _round_up(least) + self.dice.one_of((0.25, 0.75)) if scalar.is_float else 1
                magnitude = Apply(of, "abs", (positive.node,))
                node = Apply(of, "add", (magnitude, self._constant(of, added)))
                self.nodes += 3
                return Typed(node, Interval(added, positive.interval.size + added), value.live)
            value = positive
        node = Apply(of, "max", (value.node, self._constant(of, least)))
        self.nodes += 2
        return Typed(node, Interval(least, max(value.interval.high, least)), value.live)

    def unit(self, value: Typed) -> Typed:
        """`value` divided by its length; of a transformation the rotation."""
        of, node = value.type, value.node
        if isinstance(node, Apply) and overload(node.op, node.argument_types).unit:
            return value
        if not isinstance(of, Transform):
            return self.apply(overload("normalize", (of,)), of, [value])
        if isinstance(node, Construct) and len(node.arguments) == 2:
            return value
        parts = [
            self.apply(OPS[f"transform_get_{part}"], result, [value])
            for part, result in (("translation", types.vector(3, of.dtype)), ("rotation", types.quaternion(of.dtype)))
        ]
        parts[1] = self.unit(parts[1])
        self.nodes += 1
        return Typed(Construct(of, tuple(p.node for p in parts)), value.interval.join(intervals.UNIT), value.live)

    def _fit_dominant(self, value: Typed, domain: Dominant) -> Typed:
        """`value` made small, plus a multiple of the identity."""
        of = value.type
        assert isinstance(of, Matrix)
        inner = self.fit(value, symmetric(domain.reach))
        size = of.rows * domain.reach + 1.0
        vector = types.vector(of.rows, of.dtype)
        diagonal = Apply(of, "diag", (self._constant(vector, size),))
        self.nodes += 3
        total = Apply(of, "add", (inner.node, diagonal))
        return Typed(total, Interval(-domain.reach, domain.reach + size), value.live)

    def rotation(self, of: Type) -> Typed:
        """A rotation matrix, out of an element of an array."""
        assert isinstance(of, Matrix)
        source = types.quaternion(of.dtype) if of.rows == 3 else types.transform(of.dtype)
        row = OPS["quat_to_matrix" if of.rows == 3 else "transform_to_matrix"]
        return self.apply(row, of, [self.element(source)])

    @staticmethod
    def filled(of: Composite, part: Expression) -> Construct:
        """A value all of whose numbers are `part`."""
        once = (part.type,) in constructions(of)
        return Construct(of, (part,) * (1 if once else of.length))

    def _constant(self, of: Type, value: float) -> Expression:
        if isinstance(of, Composite):
            return self.filled(of, self._constant(of.dtype, value))
        assert isinstance(of, Scalar)
        return Literal(of, float(value) if of.is_float else int(value))


def _plain(value: float, of: Type) -> int | float:
    """A bound of a parameter's values, whole for integers: a float beside the largest of them may lie above it."""
    scalar = types.element_scalar(of)
    if scalar.is_float:
        return float(value)
    least, largest = scalar.limits
    return min(max(int(value), least), largest)


def _round_up(value: float) -> float:
    """`value`, on the next multiple of 1/16: a literal that every float type holds."""
    return math.ceil(value * 16) / 16


def _dyadic(within: Interval) -> float:
    """A short binary fraction inside `within`."""
    low, high = within
    for bits in range(24):
        step = 2.0**-bits
        value = math.floor((low + high) / 2 / step + 0.5) * step
        if low <= value <= high:
            return value
    return low


def _inner(domain: Interval, scalar: Scalar) -> tuple[float, float]:
    """The ends of `domain` as literals of a type."""
    if scalar.is_float:
        return (domain.low, domain.high)
    low, high = scalar.limits
    return (max(math.ceil(domain.low), low), min(math.floor(domain.high), high))


def held(interval: Interval, of: Type) -> Interval:
    """The interval of a result: unsigned integers wrap, so that leaving the range means any value."""
    scalar = types.element_scalar(of)
    if scalar.kind == "uint" and not interval.within(Interval(*scalar.limits)):
        return Interval(*scalar.limits)
    return interval
