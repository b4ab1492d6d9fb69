"""Gathers and scatters: reads through index arrays, sums into cells that an array names, stores at permuted places."""

import math
from collections.abc import Iterator

from strategies.blocks import whole
from strategies.intervals import Interval
from strategies.language.nodes import Apply, Assign, Element, Expression, Parameter, Statement
from strategies.language.types import INT32, Array
from strategies.ops import ATOMICS
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

#: Cells of an array that is read or written through indices.
EXTENTS = (4, 6, 9, 12)


def _index(sketch: Sketch, extent: int) -> Typed:
    """A place below `extent`, out of an array of places, at times at a place out of another one."""
    dice = sketch.dice
    places = sketch.array(INT32, sketch.launch_shape(), Interval(0, extent - 1))
    node = Element(INT32, places.name, sketch.own_indices())
    if dice.chance(20):
        length = dice.one_of(EXTENTS)
        table = sketch.array(INT32, (length,), Interval(0, extent - 1))
        inner = sketch.array(INT32, sketch.launch_shape(), Interval(0, length - 1))
        node = Element(INT32, table.name, (Element(INT32, inner.name, sketch.own_indices()),))
    if dice.chance(25):
        step = Apply(INT32, "add", (node, whole(dice.between(1, 3))))
        return Typed(Apply(INT32, "mod", (step, whole(extent))), Interval(0, extent - 1))
    return Typed(node, Interval(0, extent - 1))


def _gathered(sketch: Sketch, index: Typed, source: Parameter) -> Typed:
    assert isinstance(source.type, Array)
    sketch.nodes += 3
    return Typed(Element(source.type.dtype, source.name, (index.node,)), Interval(source.low, source.high), True)


def _permuted(sketch: Sketch) -> tuple[Expression, ...]:
    """The thread's place in another order along its first axis: backwards, rotated, or in strides."""
    dice, own, extent = sketch.dice, sketch.own_indices(), sketch.launch[0]
    match dice.below(3):
        case 0:
            first = Apply(INT32, "sub", (whole(extent - 1), own[0]))
        case 1:
            moved = Apply(INT32, "add", (own[0], whole(dice.between(1, extent - 1))))
            first = Apply(INT32, "mod", (moved, whole(extent)))
        case _:
            stride = dice.one_of([n for n in range(2, extent) if math.gcd(n, extent) == 1] or [1])
            first = Apply(INT32, "mod", (Apply(INT32, "mul", (own[0], whole(stride))), whole(extent)))
    return (first, *own[1:])


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to three gathers, then a scatter: a sum, an extreme, or a store at a permuted place."""
    dice, main = sketch.dice, sketch.main
    sketch.max_arrays = 6
    extent = dice.one_of(EXTENTS)
    sources = [sketch.array(main, (extent,), sketch.input_interval(main)) for _ in range(dice.between(1, 2))]
    index = _index(sketch, extent)
    if dice.chance(60):
        yield sketch.define_as(index, mutable=False)
        chosen = sketch.defined[-1]
        index = sketch.variable(chosen)
    value = _gathered(sketch, index, sources[0])
    for source in sources[1:]:
        other = index if dice.chance(50) else _index(sketch, extent)
        value = sketch.plus(value, _gathered(sketch, other, source))
    yield sketch.define_as(sketch.fit_local(value), mutable=dice.chance(40))
    yield from sketch.block(dice.below(3), Statements(branch=1), 2)
    result = sketch.result(main, dice.between(0, 2))
    if dice.chance(55):
        cells = dice.one_of(EXTENTS)
        op = dice.one_of(("atomic_add", "atomic_add", "atomic_sub", "atomic_max", "atomic_min"))
        if main.notation not in ATOMICS[op]:
            op = "atomic_add"
        target = _index(sketch, cells)
        yield sketch.atomic(op, sketch.output(main, shape=(cells,)), (target.node,), result)
    else:
        yield Assign(Element(main, sketch.output(main).name, _permuted(sketch)), result.node)
