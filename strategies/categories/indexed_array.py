"""Indexed arrays: subsets and gathers of one to four dimensions, read whole, by rows and windows, and written."""

import math
from collections.abc import Iterator
from typing import Final

from strategies import views
from strategies.blocks import whole
from strategies.functions import FunctionSketch
from strategies.indexed_arrays import indexed_array
from strategies.intervals import Interval, symmetric
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Call,
    Cast,
    Element,
    Expression,
    Extent,
    For,
    Literal,
    Name,
    Parameter,
    Return,
    Statement,
)
from strategies.language.types import INT32, Array, Scalar, Vector
from strategies.ops import ATOMICS, OPS
from strategies.repertoire.forms import one_for
from strategies.repertoire.pen import Pen
from strategies.repertoire.subsets import SUBSETS
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

#: Of 100 kernels, how many are computations that such arrays are for.
USED: Final = 62
#: Of 100 kernels, how many write to an indexed array: Warp has no gradient of those.
WRITTEN: Final = 50
#: Of 100 atomic operations on an indexed array, how many are extremes: Warp does not compile their adjoints.
EXTREMES: Final = 10
#: Of 100 uses of an indexed array, how many pass it to a function: Warp does not compile the adjoints.
PASSED: Final = 3


def _own(sketch: Sketch, array: Parameter) -> Typed:
    """The thread's own element."""
    return views.element(sketch, array, sketch.own_indices())


def _source(sketch: Sketch) -> Parameter:
    """An indexed array with an element for each thread, or a table of one dimension more."""
    dice, main = sketch.dice, sketch.main
    dtype: Scalar | Vector = main
    if sketch.vectors and dice.chance(50):
        dtype = sketch.vector_type(main)
    shape = sketch.launch
    if len(shape) < 3 and dice.chance(35):
        shape = (*shape, dice.between(2, 5))
    elif dice.chance(20):
        shape = (dice.between(3, 8),)
    return indexed_array(sketch, dtype, shape, sketch.input_interval(main))


def _covers(sketch: Sketch, array: Parameter) -> bool:
    return array.shape == sketch.launch


def _picked(sketch: Sketch, array: Parameter) -> Typed:
    """An element: the thread's own, mostly, else a neighbour of it or one from the end."""
    dice = sketch.dice
    if _covers(sketch, array) and dice.chance(60):
        return _own(sketch, array)
    at = [views.own_or_position(sketch, array, axis) for axis in range(len(array.shape))]
    if _covers(sketch, array):
        axis = dice.below(len(at))
        at[axis] = _beside(sketch, array, axis)
    return views.element(sketch, array, tuple(at))


def _beside(sketch: Sketch, array: Parameter, axis: int) -> Expression:
    """The place next to the thread's own: held at the end, wrapped around, or seen from the other end."""
    dice, own = sketch.dice, sketch.own_indices()[axis]
    extent: Expression = whole(array.shape[axis])
    last: Expression = whole(array.shape[axis] - 1)
    if dice.chance(50):
        extent = Extent(INT32, array.name, axis)
        last = Apply(INT32, "sub", (extent, whole(1)))
    one = whole(dice.between(1, 2))
    match dice.below(4):
        case 0:
            return Apply(INT32, "min", (Apply(INT32, "add", (own, one)), last))
        case 1:
            return Apply(INT32, "max", (Apply(INT32, "sub", (own, one)), whole(0)))
        case 2:
            return Apply(INT32, "mod", (Apply(INT32, "add", (own, one)), extent))
    return Apply(INT32, "sub", (last, own))


def _weight(sketch: Sketch, value: Typed) -> Typed:
    """`value` times an element of a plain array, or with one added."""
    dice, main = sketch.dice, sketch.main
    plain = [p for p in sketch.readable(main) if p.name not in sketch.indexed and p.shape == sketch.launch]
    if not plain or dice.chance(35):
        plain = [sketch.array(main, sketch.launch, sketch.input_interval(main))]
    other = _own(sketch, dice.one_of(plain))
    return sketch.apply(OPS[dice.one_of(("mul", "mul", "add", "sub"))], main, [value, other])


def _combined(sketch: Sketch, array: Parameter, others: list[Parameter]) -> Statement:
    """A local: elements of indexed arrays, one with another or with a plain one."""
    dice = sketch.dice
    first = sketch.as_type(_picked(sketch, array), sketch.main)
    if dice.chance(45):
        other = sketch.as_type(_picked(sketch, dice.one_of(others)), sketch.main)
        if other.node != first.node:
            first = sketch.apply(OPS[dice.one_of(("sub", "add", "mul", "max", "min"))], sketch.main, [first, other])
    return sketch.define_as(sketch.fit_local(_weight(sketch, first)), mutable=dice.chance(40))


def _passed(sketch: Sketch, array: Parameter) -> Statement:
    """A local: what a function gives that is passed the array and a place in it."""
    dice, main = sketch.dice, sketch.main
    own = FunctionSketch(sketch)
    axes = tuple(int(part.name.rpartition("index")[2]) for part in sketch.indexed[array.name][1:])
    taken = Parameter(own.fresh(), array.type, array.low, array.high, array.shape, axes=axes)
    own.parameters.append(taken)
    places = tuple(Name(INT32, own.place(extent).name) for extent in array.shape)
    assert isinstance(array.type, Array)
    read = own.as_type(Typed(Element(array.type.dtype, taken.name, places), Interval(array.low, array.high)), main)
    value = own.fit_local(own.apply(OPS[dice.one_of(("mul", "add"))], main, [read, own.variable(own.parameter(main))]))
    callee = own.finish(main, [Return((value.node,))], [value], places=places)
    last = callee.function.parameters[-1]
    at = tuple(views.own_or_position(sketch, array, axis) for axis in range(len(array.shape)))
    other = sketch.fit(sketch.element(main), Interval(last.low, last.high))
    call = Call(main, callee.function.name, (Name(array.type, array.name), *at, other.node))
    return sketch.define_as(Typed(call, value.interval, True), mutable=False)


def _window(sketch: Sketch, array: Parameter) -> list[Statement]:
    """A weighted sum along an axis: of a row of a table, or of all that a line has."""
    dice, axis = sketch.dice, len(array.shape) - 1
    extent = array.shape[axis]
    index = Name(INT32, sketch.fresh())
    at = (*(views.own_or_position(sketch, array, n) for n in range(axis)), index)
    value = sketch.as_type(views.element(sketch, array, at), sketch.main)
    weights = sketch.array(sketch.main, (extent,), symmetric(1.0))
    value = sketch.apply(OPS["mul"], sketch.main, [value, views.element(sketch, weights, (index,))])
    value = sketch.fit(value, symmetric(8.0))
    total = sketch.define_as(Typed(Literal(sketch.main, 0.0), Interval(0, 0)), mutable=True)
    variable = sketch.defined[-1]
    variable.interval, variable.live = symmetric(8.0 * extent + 1), True
    change = AugmentedAssign(Name(sketch.main, variable.name), "add", value.node)
    stop: Expression = whole(extent) if dice.chance(75) else Extent(INT32, array.name, axis)
    found: list[Statement] = [total, For(index.name, stop, (change,))]
    if dice.chance(30):
        count = Typed(Cast(sketch.main, Extent(INT32, array.name, axis)), Interval(extent, extent))
        mean = sketch.apply(OPS["div"], sketch.main, [sketch.variable(variable), count])
        found.append(sketch.define_as(mean, mutable=False))
    return found


def _written(sketch: Sketch) -> Iterator[Statement]:
    """The result in an indexed array: stored, added, or summed into a few cells."""
    dice, main = sketch.dice, sketch.main
    if dice.chance(35):
        cells = dice.between(2, 4)
        target = indexed_array(sketch, main, (cells,), sketch.output_interval(main), output=True)
        op = "atomic_add"
        if dice.chance(EXTREMES) and main.notation in ATOMICS["atomic_max"]:
            op = dice.one_of(("atomic_min", "atomic_max"))
        elif dice.chance(25):
            op = "atomic_sub"
        yield sketch.atomic(op, target, (sketch.group(cells),), sketch.result(main, dice.below(2)))
        return
    output = indexed_array(sketch, main, sketch.launch, sketch.output_interval(main), output=True)
    place: tuple[Expression, ...] = tuple(
        _mirrored(sketch, output, axis) if dice.chance(15) else own for axis, own in enumerate(sketch.own_indices())
    )
    cell = Element(main, output.name, place)
    value = sketch.result(main, dice.between(0, 2))
    if dice.chance(35):
        yield AugmentedAssign(cell, dice.one_of(("add", "add", "sub")), sketch.summand(output, value, 1).node)
    else:
        yield Assign(cell, value.node)


def _mirrored(sketch: Sketch, array: Parameter, axis: int) -> Expression:
    """The thread's place from the other end."""
    last: Expression = whole(array.shape[axis] - 1)
    if sketch.dice.chance(50):
        last = Apply(INT32, "sub", (Extent(INT32, array.name, axis), whole(1)))
    return Apply(INT32, "sub", (last, sketch.own_indices()[axis]))


def _summed(sketch: Sketch) -> Statement:
    """A sum over all threads, divided by how many there are."""
    main = sketch.main
    output = sketch.output(main, shape=(1,))
    value = sketch.summand(output, sketch.result(main, 1), math.prod(sketch.launch))
    return sketch.atomic("atomic_add", output, (whole(0),), value)


def body(sketch: Sketch) -> Iterator[Statement]:
    """A subset in a use that such have; or one or two indexed arrays, locals and sums out of elements, a result."""
    dice = sketch.dice
    if dice.chance(USED):
        pen = Pen(sketch)
        one_for(len(sketch.launch), SUBSETS, dice)(pen)
        yield from pen.body
        return
    sketch.vectors = dice.chance(20)
    sketch.max_arrays = 6
    arrays = [_source(sketch) for _ in range(dice.between(1, 2))]
    for n in range(dice.between(len(arrays), 3)):
        array = arrays[n % len(arrays)]
        if dice.chance(PASSED):
            yield _passed(sketch, array)
        elif len(array.shape) != len(sketch.launch) and dice.chance(60):
            yield from _window(sketch, array)
        else:
            yield _combined(sketch, array, arrays)
    yield from sketch.block(dice.below(3), Statements(branch=1), 2)
    if dice.chance(WRITTEN):
        yield from _written(sketch)
    elif dice.chance(25):
        yield _summed(sketch)
    else:
        output = sketch.output(sketch.main)
        assert isinstance(output.type, Array)
        value = sketch.result(sketch.main, dice.between(0, 2))
        yield sketch.store_sum(output, value) if dice.chance(20) else sketch.store(output, value)
