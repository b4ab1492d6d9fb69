"""Ways to the numbers of a vector, a matrix or a pose: one or several, read, assigned, changed, unpacked, compared."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from strategies.blocks import whole
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Compare,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    Name,
    Part,
    Slice,
    Statement,
)
from strategies.language.types import BOOL, Composite, Matrix, Quaternion, Transform, Vector
from strategies.repertoire.access.base import LENGTHS, MATRICES, Access, Draw

#: Parts of several numbers.
SHAPES: Final = ("part of a vector", "row", "part of a row", "part of a column", "block")
ACTIONS: Final = ("read", "assigned", "changed")
#: Of 100 values whose numbers are read, how many are stored as a whole too.
KEPT: Final = 75
#: Of 100 values whose numbers are assigned, how many are quaternions or transforms.
POSES: Final = 30
#: Of 100 parts that are assigned, how many are of a new value.
NEW: Final = 75
#: Of 100 numbers of short vectors, how many go by a letter; fewer that are changed in place, where Warp is known to
#: lose gradients.
ATTRIBUTES: Final = 40
CHANGED_ATTRIBUTES: Final = 10
#: Whole numbers of which vectors are compared.
_WHOLE: Final = tuple(types.scalar(name) for name in ("int32", "int32", "uint8", "int64"))
#: Of 100 such comparisons, how many ask whether values differ, which Warp is known not to compile.
DIFFERENT: Final = 25
#: Functions of so many numbers.
_OF_NUMBERS: Final = {2: ("min", "max"), 3: ("lerp",)}


def number(way: Access, base: Expression, chosen: bool = True, attributes: int = ATTRIBUTES) -> Component:
    """One number of a vector, matrix or quaternion: by a literal, an attribute, or an index that only a run knows."""
    of, dice = base.type, way.dice
    assert isinstance(of, Vector | Matrix | Quaternion | Transform)

    def index(extent: int) -> Expression:
        return way.at(extent, from_end=False) if chosen and dice.chance(35) else whole(dice.below(extent))

    if isinstance(of, Matrix):
        return Component(way.of, base, index(of.shape[0]), column=index(of.shape[1]))
    attribute = of.length <= 4 and dice.chance(attributes)
    return Component(way.of, base, whole(dice.below(of.length)) if attribute else index(of.length), attribute)


def _part(way: Access) -> Iterator[Statement]:
    """Numbers of a vector or a matrix, a row, out of a local or right out of an array."""
    yield from _numbers(way, way.composite())


def _part_of_pose(way: Access) -> Iterator[Statement]:
    """Numbers of a quaternion or a transform, and the parts that a transform has."""
    yield from _numbers(way, way.dice.one_of((types.quaternion(way.of), types.transform(way.of))))


def _numbers(way: Access, of: Composite) -> Iterator[Statement]:
    base: Expression = way.element(way.array(of))
    if way.dice.chance(75):
        base, begin = way.local(base)
        yield begin
    first = number(way, base)
    # the gradient of one that is read twice is a sum
    other = first if way.dice.chance(50) else number(way, base)
    yield way.stored(Apply(way.of, "mul", (first, other)))
    if isinstance(of, Matrix):
        row = Component(types.vector(of.shape[1], way.of), base, whole(way.dice.below(of.shape[0])))
        yield way.stored(row)
        yield way.stored(Apply(way.of, "dot", (row, row)))
    if isinstance(of, Transform):
        parts = (types.vector(3, way.of), types.quaternion(way.of))
        yield way.stored(way.dice.one_of([Component(part, base, whole(n), True) for n, part in enumerate(parts)]))
    if way.dice.chance(KEPT):
        yield way.stored(base)


def _assigned(way: Access) -> Iterator[Statement]:
    """A number of a new local vector or matrix that is assigned, and one that is added to."""
    poses = (types.quaternion(way.of), types.transform(way.of))
    of = way.dice.one_of(poses) if way.dice.chance(POSES) else way.composite()
    local = Name(of, way.sketch.fresh())
    yield Assign(local, Construct(of, ()))
    yield Assign(number(way, local, chosen=False), way.x())
    yield AugmentedAssign(number(way, local, chosen=False), "add", way.x())
    yield way.stored(local)


def _updated(operator: str, form: str, way: Access) -> Iterator[Statement]:
    """A number of a local that is changed in place."""
    dice = way.dice
    of = way.formed(form)
    local, begin = way.local(way.element(way.array(of)))
    yield begin
    yield AugmentedAssign(number(way, local, dice.chance(40), CHANGED_ATTRIBUTES), operator, way.x())
    yield way.stored(local)


def _bounds(way: Access, extent: int) -> tuple[Slice, int]:
    """A slice of two numbers or more out of `extent`, in either direction, and how many they are."""
    ways = ((None, None, -1), (None, None, 2), (None, None, -2), (-1, 0, -1), (1, None, None), (None, -1, None),
            (-2, None, None), (0, 2, None))  # fmt: skip
    counts = {bounds: len(range(extent)[slice(*bounds)]) for bounds in ways}
    chosen = way.dice.one_of([bounds for bounds, count in counts.items() if count > 1])
    return Slice(*(None if bound is None else whole(bound) for bound in chosen)), counts[chosen]


def _cut(shape: str, action: str, way: Access) -> Iterator[Statement]:
    """Several numbers of a local vector or matrix at once: read, assigned or changed."""
    dice = way.dice
    of: Composite = types.vector(dice.one_of(LENGTHS), way.of)
    if shape != "part of a vector":
        of = types.matrix(*dice.one_of(MATRICES), way.of)
    # of what has numbers already, Warp documents no gradient once one is assigned
    new = action == "assigned" and dice.chance(NEW)
    local, begin = way.local(Construct(of, ()) if new else way.element(way.array(of)))
    yield begin
    part = _shaped(way, shape, local, of)
    assert isinstance(part.type, Composite)
    if action == "read":
        yield way.stored(part)
    else:
        value = way.value(part.type)
        yield Assign(part, value) if action == "assigned" else AugmentedAssign(part, dice.one_of(("add", "sub")), value)
    yield way.stored(local)


def _shaped(way: Access, shape: str, local: Name, of: Composite) -> Part | Component:
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


def _compared(way: Access) -> Iterator[Statement]:
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


def _unpacked(way: Access) -> Iterator[Statement]:
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


def _unpacked_rows(way: Access) -> Iterator[Statement]:
    """What is made of the rows of a matrix of two, unpacked: ``wp.dot(*m)``."""
    row = types.vector(way.dice.one_of((2, 3)), way.of)
    base, statements = _held(way, types.matrix(2, row.length, way.of))
    yield from statements
    rows = tuple(Component(row, base, whole(n), starred=True) for n in range(2))
    op = way.dice.one_of(("dot", "min", "cw_mul") if row.length == 2 else ("dot", "cross", "cw_mul"))
    yield way.stored(Apply(way.of if op == "dot" else row, op, rows))


def _held(way: Access, of: Composite) -> tuple[Expression, list[Statement]]:
    """An input of several numbers: right out of its array, or in a local."""
    read = way.element(way.array(of))
    if way.dice.chance(50):
        return read, []
    local, begin = way.local(read)
    return local, [begin]


WAYS: Final[dict[str, Draw]] = {
    "part": _part, "part of a pose": _part_of_pose, "assigned": _assigned, "compared": _compared,
    "unpacked": _unpacked, "unpacked rows": _unpacked_rows,
    **{f"{shape} {action}": partial(_cut, shape, action) for shape in SHAPES for action in ACTIONS},
    **{
        f"{operator} in place of a {form}": partial(_updated, operator, form)
        for operator in ("add", "sub")
        for form in ("vector", "matrix", "quaternion", "transform")
    },
}  # fmt: skip
