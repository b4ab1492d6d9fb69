"""Ways to an element or a part of a value, three to a kernel: each small, with outputs of its own."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from strategies import views
from strategies.blocks import whole
from strategies.dealing import deal
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    Extent,
    For,
    If,
    Literal,
    Name,
    Parameter,
    Part,
    Slice,
    Statement,
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
    Struct,
    Transform,
    Type,
    Vector,
)
from strategies.names import STRUCTS
from strategies.ops import ATOMICS, EXCHANGES
from strategies.repertoire import places
from strategies.statements import Sketch
from strategies.structs import array_of_structs, copied, loaded, locals_of

#: Launches of all dimensions, with extents that differ, so that exchanged ones show.
LAUNCHES: Final = (
    (4,), (5,), (6,), (9,), (2, 3), (3, 2), (5, 2), (2, 3, 2), (3, 2, 2), (1, 2, 2, 3), (2, 1, 3, 2), (2, 2, 1, 3),
)  # fmt: skip
#: Ways that a kernel goes.
WAYS: Final = 3
#: Vectors of all lengths that have code of their own, or a loop of its own; matrices square and not.
LENGTHS: Final = (2, 3, 4, 5, 6)
#: Functions of so many numbers.
_OF_NUMBERS: Final = {2: ("min", "max"), 3: ("lerp",)}
MATRICES: Final = ((2, 2), (3, 3), (4, 4), (2, 3), (3, 2))
#: Parts of several numbers.
SHAPES: Final = ("part of a vector", "row", "part of a row", "part of a column", "block")
ACTIONS: Final = ("read", "assigned", "changed")
#: What is built of numbers, and of 100 such how many of one for all.
BUILT: Final = ("vec2", "vec3", "vec4", "vec5", "vec6", "mat22", "mat33", "mat44", "mat23")
ALIKE: Final = 15
#: Of 100 values whose numbers are assigned, how many are quaternions or transforms.
POSES: Final = 30
#: Of 100 values of several numbers, how many are matrices: they have numbers, and rows.
MATRIX: Final = 45
#: Of 100 numbers of short vectors, how many go by a letter; fewer that are changed in place, where Warp is known to
#: lose gradients.
ATTRIBUTES: Final = 40
CHANGED_ATTRIBUTES: Final = 10
#: Whole numbers of which vectors are compared.
_WHOLE: Final = tuple(types.scalar(name) for name in ("int32", "int32", "uint8", "int64"))
#: Of 100 that are cut off to whole numbers, how many are converted back.
BACK: Final = 50
_FLOATS: Final = tuple(types.scalar(name) for name in types.FLOATS)
_SIGNED: Final = tuple(of for of in map(types.scalar, types.INTEGERS) if of.is_signed)
#: Of 100 such comparisons, how many ask whether values differ, which Warp is known not to compile.
DIFFERENT: Final = 25
#: Of 100 fields that are read, how many are read a second time.
AGAIN: Final = 30
#: Of 100 elements that are read, how many are locals that are stored at the end too, and of 100 values whose numbers
#: are read, how many are: an adjoint must then be added to, not overwritten.
SHARED: Final = 50
WHOLE: Final = 75
#: Of 100 arrays that are sliced, how many are longer than the last axis of a launch.
LONG: Final = 60
#: Between which values floats lie that atomics get.
SIGNS: Final = (symmetric(2.0), Interval(0.125, 3.0), Interval(-3.0, -0.125))


class _Way:
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

    def read(self, array: Parameter) -> Expression:
        """An element of an input at the thread's own place; of floats, some are shared."""
        assert isinstance(array.type, Array)
        of = array.type.dtype
        element = Element(of, array.name, self.own())
        if not types.element_scalar(of).is_float or not self.dice.chance(SHARED):
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


Way = Callable[[_Way], Iterator[Statement]]


def _slice(way: _Way) -> Iterator[Statement]:
    """A part of an array of one dimension or more, its length, and elements of it."""
    dice, sketch = way.dice, way.sketch
    ndim = dice.one_of((1, 1, 1, 2, 2, 3))
    shape = tuple(dice.one_of((5, 6, 7, 8, 9) if dice.chance(LONG) else (2, 3, 4)) for _ in range(ndim))
    array = way.array(way.of, shape)
    statements, part = views.sliced(sketch, array)
    yield from statements
    if len(part.shape) > 1 and dice.chance(40):
        again, part = views.sliced(sketch, part) if dice.chance(50) else views.row(sketch, part, own=False)
        yield from again
    yield way.stored(way.mixed(_element(way, part)))
    if dice.chance(50):
        yield way.stored(Extent(INT32, part.name, dice.below(len(part.shape))))
    else:
        # the far end, where a length that is off by one shows
        yield way.stored(Element(way.of, part.name, tuple(whole(extent - 1) for extent in part.shape)))


def _element(way: _Way, array: Parameter) -> Expression:
    assert isinstance(array.type, Array)
    return Element(array.type.dtype, array.name, tuple(way.at(extent) for extent in array.shape))


def _sweep(way: _Way) -> Iterator[Statement]:
    """All elements of a part of the thread's row, weighted, so that a wrong place shows."""
    dice, sketch = way.dice, way.sketch
    count = dice.one_of((5, 6, 7, 9))
    array = way.array(way.of, (sketch.launch[0], count) if dice.chance(75) else (count,))
    part, length = views.slice_of(sketch, count)
    rows = way.own()[:1] if len(array.shape) > 1 else ()
    statements, view = views.take(sketch, array, (*rows, part), (length,))
    yield from statements
    total, index = Name(way.of, sketch.fresh()), Name(INT32, sketch.fresh())
    yield Assign(total, Cast(way.of, Literal(way.of, 0.0)))
    if rows and dice.chance(60):
        weight: Expression = Element(way.of, way.array(way.of, (count,)).name, (index,))
    else:
        weight = Cast(way.of, Apply(INT32, "add", (index, whole(1))))
    read = Element(way.of, view.name, (index,))
    stop: Expression = whole(view.shape[0])
    if dice.chance(50) and view.name not in sketch.moving:
        stop = Extent(INT32, view.name, 0)
    yield For(index.name, stop, (AugmentedAssign(total, "add", Apply(way.of, "mul", (read, weight))),))
    # of an array that has no rows the sum is the same for all threads
    yield way.stored(total if rows else Apply(way.of, "mul", (total, way.x())))


def _row(way: _Way) -> Iterator[Statement]:
    """A row, a plane or a line of an array of more dimensions."""
    dice = way.dice
    shape = tuple(dice.one_of((2, 3, 4, 5)) for _ in range(dice.between(2, 4)))
    statements, part = views.row(way.sketch, way.array(way.of, shape), own=False)
    yield from statements
    yield way.stored(way.mixed(_element(way, part)))


def _place(way: _Way) -> Iterator[Statement]:
    """Elements of arrays of one to four dimensions, at the thread's place, at fixed and at given ones."""
    dice = way.dice
    ndim = dice.between(1, 4)
    shape = tuple(dice.one_of((2, 3, 5, 6)) for _ in range(ndim))
    array = way.array(dice.one_of((way.of, way.of, INT32)), shape)
    yield way.stored(way.mixed(_element(way, array)))
    yield way.stored(_element(way, array))


def _twice(way: _Way) -> Iterator[Statement]:
    """One element read several times, whose gradient is the sum."""
    array = way.array(way.of, way.sketch.launch_shape())
    read = Element(way.of, array.name, way.own())
    first, begin = way.local(read)
    yield begin
    yield way.stored(Apply(way.of, way.dice.one_of(("mul", "add")), (first, Apply(way.of, "mul", (read, way.x())))))
    yield way.stored(_element(way, array))


def _threads(way: _Way) -> Iterator[Statement]:
    """Which thread it is, counted through all axes: kept, and where it reads in an array of one axis."""
    sketch, dice = way.sketch, way.dice
    flat, extent = way.own()[0], sketch.launch[0]
    for own, count in zip(way.own()[1:], sketch.launch[1:], strict=True):
        flat = Apply(INT32, "add", (Apply(INT32, "mul", (flat, whole(count))), own))
        extent *= count
    if len(sketch.launch) == 1:
        flat = Apply(INT32, "sub", (whole(extent - 1), flat))
    place, begin = way.local(flat)
    yield begin
    line = way.array(way.of, (extent,))
    yield way.stored(way.mixed(Element(way.of, line.name, (place,))))
    if dice.chance(60):
        yield way.stored(place)


def _number(way: _Way, base: Expression, chosen: bool = True, attributes: int = ATTRIBUTES) -> Component:
    """One number of a vector, matrix or quaternion: by a literal, an attribute, or an index that only a run knows."""
    of, dice = base.type, way.dice
    assert isinstance(of, Vector | Matrix | Quaternion | Transform)

    def index(extent: int) -> Expression:
        return way.at(extent, from_end=False) if chosen and dice.chance(35) else whole(dice.below(extent))

    if isinstance(of, Matrix):
        return Component(way.of, base, index(of.shape[0]), column=index(of.shape[1]))
    attribute = of.length <= 4 and dice.chance(attributes)
    return Component(way.of, base, whole(dice.below(of.length)) if attribute else index(of.length), attribute)


def _part(way: _Way) -> Iterator[Statement]:
    """Numbers of a vector or a matrix, a row, out of a local or right out of an array."""
    yield from _numbers(way, way.composite())


def _part_of_pose(way: _Way) -> Iterator[Statement]:
    """Numbers of a quaternion or a transform, and the parts that a transform has."""
    yield from _numbers(way, way.dice.one_of((types.quaternion(way.of), types.transform(way.of))))


def _numbers(way: _Way, of: Composite) -> Iterator[Statement]:
    base: Expression = Element(of, way.array(of).name, way.own())
    if way.dice.chance(75):
        base, begin = way.local(base)
        yield begin
    number = _number(way, base)
    # the gradient of one that is read twice is a sum
    other = number if way.dice.chance(50) else _number(way, base)
    yield way.stored(Apply(way.of, "mul", (number, other)))
    if isinstance(of, Matrix):
        row = Component(types.vector(of.shape[1], way.of), base, whole(way.dice.below(of.shape[0])))
        yield way.stored(row)
        yield way.stored(Apply(way.of, "dot", (row, row)))
    if isinstance(of, Transform):
        parts = (types.vector(3, way.of), types.quaternion(way.of))
        yield way.stored(way.dice.one_of([Component(part, base, whole(n), True) for n, part in enumerate(parts)]))
    if way.dice.chance(WHOLE):
        yield way.stored(base)


def _assigned(way: _Way) -> Iterator[Statement]:
    """A number of a new local vector or matrix that is assigned, and one that is added to."""
    poses = (types.quaternion(way.of), types.transform(way.of))
    of = way.dice.one_of(poses) if way.dice.chance(POSES) else way.composite()
    local = Name(of, way.sketch.fresh())
    yield Assign(local, Construct(of, ()))
    yield Assign(_number(way, local, chosen=False), way.x())
    yield AugmentedAssign(_number(way, local, chosen=False), "add", way.x())
    yield way.stored(local)


def _formed(way: _Way, form: str) -> Composite:
    """A vector, a matrix, a quaternion or a transform."""
    match form:
        case "vector":
            return types.vector(way.dice.one_of(LENGTHS), way.of)
        case "matrix":
            return types.matrix(*way.dice.one_of(MATRICES), way.of)
    return types.composite({"quaternion": "quat"}.get(form, form), way.of)


def _updated(operator: str, form: str, way: _Way) -> Iterator[Statement]:
    """A number of a local that is changed in place."""
    dice = way.dice
    of = _formed(way, form)
    local, begin = way.local(Element(of, way.array(of).name, way.own()))
    yield begin
    yield AugmentedAssign(_number(way, local, dice.chance(40), CHANGED_ATTRIBUTES), operator, way.x())
    yield way.stored(local)


def _bounds(way: _Way, extent: int) -> tuple[Slice, int]:
    """A slice of two numbers or more out of `extent`, in either direction, and how many they are."""
    ways = ((None, None, -1), (None, None, 2), (None, None, -2), (-1, 0, -1), (1, None, None), (None, -1, None),
            (-2, None, None), (0, 2, None))  # fmt: skip
    counts = {bounds: len(range(extent)[slice(*bounds)]) for bounds in ways}
    chosen = way.dice.one_of([bounds for bounds, count in counts.items() if count > 1])
    return Slice(*(None if bound is None else whole(bound) for bound in chosen)), counts[chosen]


def _cut(shape: str, action: str, way: _Way) -> Iterator[Statement]:
    """Several numbers of a local vector or matrix at once: read, assigned or changed."""
    dice = way.dice
    of: Composite = types.vector(dice.one_of(LENGTHS), way.of)
    if shape != "part of a vector":
        of = types.matrix(*dice.one_of(MATRICES), way.of)
    local, begin = way.local(Element(of, way.array(of).name, way.own()))
    yield begin
    part = _shaped(way, shape, local, of)
    assert isinstance(part.type, Composite)
    if action == "read":
        yield way.stored(part)
    else:
        value = way.value(part.type)
        yield Assign(part, value) if action == "assigned" else AugmentedAssign(part, dice.one_of(("add", "sub")), value)
    yield way.stored(local)


def _shaped(way: _Way, shape: str, local: Name, of: Composite) -> Part | Component:
    """A part of a local vector or matrix, of one of `SHAPES`."""
    if not isinstance(of, Matrix):
        index, count = _bounds(way, of.length)
        return Part(types.vector(count, way.of), local, index)
    (rows, height), (columns, width) = (_bounds(way, extent) for extent in of.shape)
    row, column = (whole(way.dice.below(extent)) for extent in of.shape)
    match shape:
        case "row":
            return Component(types.vector(of.columns, way.of), local, row)
        case "part of a row":
            return Part(types.vector(width, way.of), local, row, columns)
        case "part of a column":
            return Part(types.vector(height, way.of), local, rows, column)
    return Part(types.matrix(height, width, way.of), local, rows, columns)


def _built(form: str, way: _Way) -> Iterator[Statement]:
    """A vector or matrix made of numbers, or of one."""
    of = types.composite(form, way.of)
    count = 1 if (of.dtype,) in constructions(of) and way.dice.chance(ALIKE) else of.length
    if count > 6:
        base = way.value(of)
        yield way.stored(Construct(of, tuple(_number_at(way, base, n) for n in reversed(range(count)))))
        return
    yield way.stored(Construct(of, tuple(way.x() for _ in range(count))))


def _built_of_parts(way: _Way) -> Iterator[Statement]:
    """A quaternion, a transform or a spatial vector, of each kind of parts that it is made of."""
    turn, vector = types.quaternion(way.of), types.vector(3, way.of)
    parts: tuple[Scalar | Composite, ...]
    of, parts = way.dice.one_of(
        (
            (turn, (way.of,) * 4),
            (turn, (vector, way.of)),
            (types.transform(way.of), (vector, turn)),
            (types.transform(way.of), (way.of,) * 7),
            (types.transform(way.of), (way.of,)),
            (types.transform(way.of), (types.transform(way.of),)),
            (types.vector(6, way.of), (vector, vector)),
        )
    )
    yield way.stored(Construct(of, tuple(way.value(part) for part in parts)))


def _compared(way: _Way) -> Iterator[Statement]:
    """Which of two inputs it is, by whether two values of several numbers are alike: of whole numbers, some are."""
    dice, sketch = way.dice, way.sketch
    real = dice.chance(30)
    of: Composite = way.composite() if real else types.vector(dice.one_of((2, 3)), dice.one_of(_WHOLE))
    if real and dice.chance(20):
        of = types.quaternion(way.of)
    span = symmetric(2.0) if real else Interval(0, 1)
    left, right = (sketch.array(of, sketch.launch_shape(), span).name for _ in range(2))
    operator = "!=" if dice.chance(DIFFERENT) else "=="
    test = Compare(BOOL, (operator,), (Element(of, left, way.own()), Element(of, right, way.own())))
    yield way.stored(Conditional(way.of, test, way.x(), way.x()))


def _number_at(way: _Way, base: Expression, n: int) -> Expression:
    of = base.type
    assert isinstance(of, Composite)
    if isinstance(of, Matrix):
        return Component(way.of, base, whole(n // of.shape[1]), column=whole(n % of.shape[1]))
    return Component(way.of, base, whole(n))


def _unpacked(way: _Way) -> Iterator[Statement]:
    """What is made of the numbers of a vector or elements of an array, unpacked with a star: ``wp.vec4(*v, x)``."""
    dice, count = way.dice, way.dice.between(2, 4)
    if dice.chance(35):
        first = dice.below(3)
        array = way.array(way.of, (first + count + dice.below(2),)).name
        parts: list[Expression] = [Element(way.of, array, (whole(first + n),), starred=True) for n in range(count)]
    else:
        of = types.quaternion(way.of) if dice.chance(20) else types.vector(count + dice.below(2), way.of)
        base, statements = _held(way, of)
        yield from statements
        parts = [Component(way.of, base, whole(of.length - count + n), starred=True) for n in range(count)]
    if count in _OF_NUMBERS and dice.chance(40):
        yield way.stored(Apply(way.of, dice.one_of(_OF_NUMBERS[count]), tuple(parts)))
        return
    further = [way.x() for _ in range(dice.below(3))]
    parts = [*parts, *further] if dice.chance(60) else [*further, *parts]
    yield way.stored(Construct(types.vector(len(parts), way.of), tuple(parts)))


def _unpacked_rows(way: _Way) -> Iterator[Statement]:
    """What is made of the rows of a matrix of two, unpacked: ``wp.dot(*m)``."""
    row = types.vector(way.dice.one_of((2, 3)), way.of)
    base, statements = _held(way, types.matrix(2, row.length, way.of))
    yield from statements
    rows = tuple(Component(row, base, whole(n), starred=True) for n in range(2))
    op = way.dice.one_of(("dot", "min", "cw_mul") if row.length == 2 else ("dot", "cross", "cw_mul"))
    yield way.stored(Apply(way.of if op == "dot" else row, op, rows))


def _held(way: _Way, of: Composite) -> tuple[Expression, list[Statement]]:
    """An input of several numbers: right out of its array, or in a local."""
    read = Element(of, way.array(of).name, way.own())
    if way.dice.chance(50):
        return read, []
    local, begin = way.local(read)
    return local, [begin]


def _converted(form: str, way: _Way) -> Iterator[Statement]:
    """A vector, a matrix or a quaternion in another precision, of whole numbers, cut off to such, or copied."""
    dice, target = way.dice, _formed(way, form)
    if (target,) not in constructions(target):
        # a spatial vector
        target = types.vector(3, way.of)
    scalars = _SIGNED if form != "quaternion" and dice.chance(30) else _FLOATS
    source = types.composite(target.form, dice.one_of(scalars))
    if scalars is _SIGNED and dice.chance(40):
        found = Construct(source, (way.value(target),))
        yield way.stored(Construct(target, (found,)) if dice.chance(BACK) else found)
        return
    yield way.stored(Construct(target, (way.value(source),)))


def _added(way: _Way) -> Iterator[Statement]:
    """An element of an output that is added to, whole or in one number."""
    dice = way.dice
    of: Scalar | Composite = way.composite() if dice.chance(50) else way.of
    output = way.sketch.output(of)
    target = Element(of, output.name, way.own())
    value = way.value(of)
    match dice.below(4):
        case 0:
            yield Atomic(dice.one_of(("atomic_add", "atomic_sub")), output.name, way.own(), value)
        case 1:
            yield If(_positive(way), (AugmentedAssign(target, "add", value),))
        case _:
            yield AugmentedAssign(target, dice.one_of(("add", "sub")), value)


def _positive(way: _Way) -> Expression:
    return Compare(BOOL, (">",), (way.x(), Literal(way.of, 0.0)))


def _kind(way: _Way, op: str, kind: str) -> Scalar:
    """A type that an atomic takes: a type of floats, or one of the signed or unsigned integers."""
    if kind in types.FLOATS:
        return types.scalar(kind)
    integers = [types.scalar(name) for name in ATOMICS[op] if name not in types.FLOATS]
    return way.dice.one_of([of for of in integers if of.is_signed == (kind == "signed")])


def _offered(way: _Way, of: Scalar) -> Interval:
    """Between which values lies what atomics get: of one sign or both, small, or so large that every byte counts."""
    if of.is_float:
        return way.dice.one_of(SIGNS)
    if of.is_signed:
        large = 2 ** (of.bits - 8)
        return way.dice.one_of((Interval(-9, 9), Interval(-9, -1), Interval(0, 9), Interval(-large, large)))
    return way.dice.one_of((Interval(0, 9), Interval(*of.limits)))


def _atomic(op: str, kind: str, before: bool, way: _Way) -> Iterator[Statement]:
    """A sum or an extreme, of floats of a type or of integers: in cells that threads share, or what was `before`."""
    dice, sketch = way.dice, way.sketch
    number = _kind(way, op, kind)
    of: Scalar | Composite = number
    if number.is_float and dice.chance(30):
        of = types.vector(dice.one_of(LENGTHS), number)
    # what is added up or compared begins with zero, mostly, and values of one sign show what an extreme makes of it
    start = Interval(0, 0) if dice.chance(50) else sketch.output_interval(number)
    source = sketch.array(of, sketch.launch_shape(), _offered(way, number))
    if before:
        # of a cell of the thread's own, so that the order of threads is nothing to it
        own = sketch.array(of, sketch.launch_shape(), start, output=True)
        old = Name(of, sketch.fresh())
        yield Atomic(op, own.name, way.own(), way.read(source), result=old)
        yield way.stored(old)
        return
    count = dice.between(1, 3)
    cells = sketch.array(of, (count,), start, output=True)
    yield Atomic(op, cells.name, (sketch.group(count),), way.read(source))


def _exchanged(op: str, kind: str, way: _Way) -> Iterator[Statement]:
    """What is put into a cell of the thread's own, or into its bits, and what was there before."""
    dice, sketch = way.dice, way.sketch
    of = _kind(way, op, kind)
    few = Interval(-1 if of.is_signed or of.is_float else 0, 1)
    cells = sketch.array(of, sketch.launch_shape(), few if op == "atomic_cas" else _offered(way, of), output=True)
    new = Element(of, sketch.array(of, sketch.launch_shape(), _offered(way, of)).name, way.own())
    compare: Expression | None = None
    if op == "atomic_cas":
        # floats that are drawn meet by chance alone, unless one is the cell's own
        same = of.is_float and dice.chance(50)
        array = cells if same else sketch.array(of, sketch.launch_shape(), few)
        compare = Element(of, array.name, way.own())
    old = Name(of, sketch.fresh())
    yield Atomic(op, cells.name, way.own(), new, compare, old)
    yield way.stored(old)


def _struct(way: _Way) -> Struct:
    """A struct of two to four fields: a number, and vectors or matrices of it, in any order."""
    dice, sketch = way.dice, way.sketch
    fields: list[tuple[str, Type]] = [(sketch.fresh(), way.of)]
    for _ in range(dice.between(1, 3)):
        fields.insert(dice.below(len(fields) + 1), (sketch.fresh(), way.composite() if dice.chance(80) else INT32))
    free = [name for name in STRUCTS if name not in sketch.scope.taken]
    called = dice.one_of(free)
    sketch.scope.taken.add(called)
    return types.struct(called, fields)


def _field(way: _Way) -> Iterator[Statement]:
    """Fields of an array of structs: whole, or in one number; or such an array with fields that are stored."""
    dice, sketch = way.dice, way.sketch
    of = _struct(way)
    if dice.chance(35):
        name, field = dice.one_of([(n, f) for n, f in of.fields if f is not INT32])
        assert isinstance(field, Scalar | Composite)
        value: Expression
        target: Element | Component = Element(
            field, f"{array_of_structs(sketch, of, frozenset((name,)))}.{name}", way.own()
        )
        if isinstance(field, Vector | Matrix) and dice.chance(60):
            target, value = _number(way, target, chosen=False), way.x()
        else:
            value = way.value(field)
        assert isinstance(target, Element | Component)
        yield AugmentedAssign(target, "add", value) if dice.chance(60) else Assign(target, value)
        return
    array = array_of_structs(sketch, of)
    for name, field in dice.some_of(of.fields, dice.between(2, 3)):
        assert isinstance(field, Scalar | Composite)
        whole_field: Expression = Element(field, f"{array}.{name}", way.own())
        read = whole_field
        if isinstance(field, Vector | Matrix) and dice.chance(50):
            read = Apply(way.of, "mul", (_number(way, read), way.x()))
        yield way.stored(way.mixed(read))
        if dice.chance(AGAIN):
            yield way.stored(whole_field)


def _record(way: _Way) -> Iterator[Statement]:
    """A struct that is loaded, and a copy of it at times: fields read, some changed in between, and read again."""
    dice, sketch = way.dice, way.sketch
    of = _struct(way)
    statement = loaded(sketch, array_of_structs(sketch, of))
    yield statement
    if dice.chance(30):
        statement = copied(sketch, locals_of(sketch, of)[-1])
        yield statement
    assert isinstance(statement, Assign)
    assert isinstance(statement.target, Name)
    for name, field in dice.some_of(of.fields, dice.between(1, 2)):
        assert isinstance(field, Scalar | Composite)
        read = Name(field, f"{statement.target.name}.{name}")
        yield way.stored(way.mixed(_number(way, read) if isinstance(field, Vector | Matrix) else read))
        if field is way.of and dice.chance(40):
            yield AugmentedAssign(read, dice.one_of(("add", "sub")), way.x())
        yield way.stored(read)


def _scattered(way: _Way) -> Iterator[Statement]:
    """A store through a part of an output: a row of it, or a slice with the thread's own place."""
    dice, sketch = way.dice, way.sketch
    own = way.own()
    more = dice.between(1, 3)
    extents = (*sketch.launch, more) if len(sketch.launch) < 4 else sketch.launch
    output = sketch.output(way.of, shape=extents)
    if len(own) == 1 or not dice.chance(60):
        index = (*own, whole(dice.below(more)))[: len(extents)]
        yield Assign(Element(way.of, output.name, index), way.x())
        return
    statements, part = views.take(sketch, output, own[:1], ())
    yield from statements
    index = (*own[1:], whole(dice.below(more)))[: len(part.shape)]
    yield Assign(Element(way.of, part.name, index), way.x())


def _placed(draw: Callable[[Sketch], Iterator[Statement]]) -> Way:
    return lambda way: draw(way.sketch)


#: Every atomic on every type of floats that it takes, on signed and on unsigned integers.
_ATOMICS: Final = tuple(
    (op, kind)
    for op, takes in ATOMICS.items()
    for kind in (*(of for of in types.FLOATS if of in takes), "signed", "unsigned")
)
WAYS_BY_NAME: Final[dict[str, Way]] = {
    "slice": _slice, "sweep": _sweep, "row": _row, "place": _place, "twice": _twice, "threads": _threads,
    "part": _part, "part of a pose": _part_of_pose, "assigned": _assigned,
    "built of parts": _built_of_parts, "added": _added, "field": _field,
    "compared": _compared, "unpacked": _unpacked, "unpacked rows": _unpacked_rows,
    "record": _record, "scattered": _scattered, "beside": _placed(places.beside), "filled": _placed(places.filled),
    "paired": _placed(places.paired), "turned": _placed(places.turned),
    **{f"{op} of {kind}": partial(_atomic, op, kind, False) for op, kind in _ATOMICS if op not in EXCHANGES},
    **{f"before {op} of {kind}": partial(_atomic, op, kind, True) for op, kind in _ATOMICS if op not in EXCHANGES},
    **{f"{shape} {action}": partial(_cut, shape, action) for shape in SHAPES for action in ACTIONS},
    **{f"{form} built": partial(_built, form) for form in BUILT},
    **{f"converted {form}": partial(_converted, form) for form in ("vector", "matrix", "quaternion")},
    **{
        f"{operator} in place of a {form}": partial(_updated, operator, form)
        for operator in ("add", "sub")
        for form in ("vector", "matrix", "quaternion", "transform")
    },
    **{f"{op} of {kind}": partial(_exchanged, op, kind) for op, kind in _ATOMICS if op in EXCHANGES},
}  # fmt: skip
#: Slices have the most ways to go wrong.
_DECK: Final = (
    *WAYS_BY_NAME,
    "slice",
    "slice",
    "slice",
    "slice",
    "sweep",
    "row",
    "row",
    "beside",
    "filled",
    "filled",
    "part",
    "part",
    "part of a pose",
    "built of parts",
    "assigned",
    "add in place of a vector",
    "sub in place of a vector",
    "sweep",
    "sweep",
    "part",
    "field",
    "record",
    "record",
    "place",
    "slice",
    "part",
    "unpacked",
)


def body(sketch: Sketch) -> Iterator[Statement]:
    """A few ways, each to another array or value."""
    sketch.max_arrays = 99
    for name in deal(_DECK, sketch.dealt, WAYS, sketch.dice):
        way = _Way(sketch)
        statements = list(WAYS_BY_NAME[name](way))
        yield from (*way.begun, *statements)
        # after all else, so that other adjoints find one that they have to add to
        yield from map(way.stored, way.shared)
