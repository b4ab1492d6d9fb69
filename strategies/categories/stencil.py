"""Stencils: neighbours of a cell in one to three dimensions, held at the ends, wrapped around, or inside alone."""

from collections.abc import Iterator

from strategies.blocks import whole
from strategies.intervals import Interval, symmetric
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
    Logical,
    Name,
    Parameter,
    Statement,
)
from strategies.language.types import BOOL, INT32, Array
from strategies.ops import OPS
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("neighbour",))


def _last(sketch: Sketch, field: Parameter, axis: int) -> Expression:
    """The last position along an axis: a number, or from the array's shape."""
    if sketch.dice.chance(50):
        return whole(field.shape[axis] - 1)
    return Apply(INT32, "sub", (Extent(INT32, field.name, axis), whole(1)))


def _cell(sketch: Sketch, field: Parameter, axis: int, at: Expression) -> Typed:
    """The cell of `field` at this thread's place, but for `at` along one axis."""
    assert isinstance(field.type, Array)
    own = sketch.own_indices()
    sketch.nodes += 3
    node = Element(field.type.dtype, field.name, (*own[:axis], at, *own[axis + 1 :]))
    return Typed(node, Interval(field.low, field.high), True)


def _held(sketch: Sketch, field: Parameter, axis: int, offset: int) -> Expression:
    """The place beside the thread's own, or the last one."""
    own = sketch.own_indices()[axis]
    if offset == 0:
        return own
    if offset < 0:
        return Apply(INT32, "max", (Apply(INT32, "sub", (own, whole(-offset))), whole(0)))
    return Apply(INT32, "min", (Apply(INT32, "add", (own, whole(offset))), _last(sketch, field, axis)))


def _wrapped(sketch: Sketch, field: Parameter, axis: int, offset: int) -> Expression:
    """The place beside the thread's own, on a ring."""
    own, extent = sketch.own_indices()[axis], field.shape[axis]
    if offset == 0:
        return own
    return Apply(INT32, "mod", (Apply(INT32, "add", (own, whole(offset % extent))), whole(extent)))


def _inner(sketch: Sketch, field: Parameter, axis: int, offset: int) -> Expression:
    """The place beside the thread's own, which is inside."""
    own = sketch.own_indices()[axis]
    return Apply(INT32, "sub" if offset < 0 else "add", (own, whole(abs(offset))))


def _combined(sketch: Sketch, cells: list[Typed]) -> Typed:
    """Neighbours added, subtracted, or the largest of them, scaled at times."""
    total = cells[0]
    for cell in cells[1:]:
        op = sketch.dice.one_of(("add", "add", "add", "sub", "max", "min"))
        total = sketch.apply(OPS[op], sketch.main, [total, cell])
    if sketch.dice.chance(60):
        total = sketch.apply(OPS["mul"], sketch.main, [total, sketch.literal(sketch.main, Interval(0.125, 1.0))])
    return total


def _window(sketch: Sketch, field: Parameter, axis: int) -> list[Statement]:
    """``for k in range(-1, 2): acc += x[clamp(i + k)] * w``, a loop over a window."""
    name = Name(INT32, sketch.fresh())
    reach = sketch.dice.between(1, 2)
    moved = Apply(INT32, "add", (sketch.own_indices()[axis], name))
    at = Apply(INT32, "clamp", (moved, whole(0), _last(sketch, field, axis)))
    weight = sketch.literal(sketch.main, Interval(0.125, 1.0))
    cell = sketch.apply(OPS["mul"], sketch.main, [_cell(sketch, field, axis, at), weight])
    cell = sketch.fit(cell, symmetric(8.0))
    total = sketch.define_as(sketch.literal(sketch.main, Interval(0, 1)), mutable=True)
    variable = sketch.defined[-1]
    variable.interval, variable.live = symmetric(8.0 * (2 * reach + 2)), True
    change = AugmentedAssign(Name(sketch.main, variable.name), "add", cell.node)
    return [total, For(name.name, whole(reach + 1), (change,), whole(-reach))]


def _interior(sketch: Sketch, field: Parameter, axis: int) -> list[Statement]:
    """``if i > 0 and i < n - 1``: neighbours inside, the cell itself at the ends."""
    own = sketch.own_indices()[axis]
    start = sketch.fit_local(_cell(sketch, field, axis, own))
    first = sketch.define_as(start, mutable=True)
    variable = sketch.defined[-1]
    cells = [_cell(sketch, field, axis, _inner(sketch, field, axis, d)) for d in (-1, 1)]
    value = sketch.fit_local(_combined(sketch, [sketch.variable(variable), *cells]))
    variable.interval, variable.used = variable.interval.join(value.interval), False
    above = Compare(BOOL, (">",), (own, whole(0)))
    below = Compare(BOOL, ("<",), (own, _last(sketch, field, axis)))
    test = Logical(BOOL, "and", (above, below))
    return [first, If(test, (Assign(Name(sketch.main, variable.name), value.node),))]


def body(sketch: Sketch) -> Iterator[Statement]:
    """One to three stencils on one or two fields, and a result of them."""
    dice = sketch.dice
    fields = [
        sketch.array(sketch.main, sketch.launch_shape(spare=False), sketch.input_interval(sketch.main))
        for _ in range(dice.between(1, 2))
    ]
    if dice.chance(30):
        sketch.scalar_parameter(sketch.main)
    for _ in range(dice.between(1, 3)):
        field, axis = dice.one_of(fields), dice.below(len(sketch.launch))
        match dice.below(4):
            case 2:
                yield from _window(sketch, field, axis)
            case 3:
                yield from _interior(sketch, field, axis)
            case kind:
                place = (_held, _wrapped)[kind]
                offsets = dice.one_of(((-1, 1), (-1, 0, 1), (1,), (-2, 2), (-1, 1, 2)))
                cells = [_cell(sketch, field, axis, place(sketch, field, axis, d)) for d in offsets]
                yield sketch.define_as(sketch.fit_local(_combined(sketch, cells)), mutable=dice.chance(40))
    yield from sketch.block(dice.below(2), Statements(), 1)
    yield sketch.store(sketch.output(sketch.main), sketch.result(sketch.main, dice.between(0, 2)))
