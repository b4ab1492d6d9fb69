"""Sums, extremes, counts, histograms and moments over threads, of one value each or of what a loop made of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from strategies.blocks import whole
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Cast,
    Compare,
    Conditional,
    Element,
    Expression,
    If,
    Literal,
    Name,
    Statement,
)
from strategies.language.types import BOOL, INT32, Scalar, Vector
from strategies.loops import Bounds
from strategies.ops import ATOMICS, OPS
from strategies.repertoire.pen import Pen
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

WEIGHTED: Final = ((6, "atomic_add"), (2, "atomic_sub"), (2, "atomic_max"), (2, "atomic_min"))
#: Of 100 atomics, how many are under a condition.
CONDITIONAL: Final = 30
#: Of 100 kernels of plain atomics, how many may reduce whole numbers first.
WHOLE: Final = 45
#: Cells of a histogram: of powers of two the place of a value is exact.
BINS: Final = (4, 8, 2)


def _dtype(sketch: Sketch) -> Scalar | Vector:
    dice = sketch.dice
    if dice.chance(20):
        return types.scalar(dice.one_of([t for t in sorted(sketch.allowed, key=repr) if t is not BOOL]).notation)
    if sketch.vectors and dice.chance(50):
        return sketch.vector_type(sketch.main)
    return sketch.main


def _cell(sketch: Sketch, cells: int) -> Expression:
    """Which of `cells` cells a thread belongs to: by its index, by an array of groups, rarely by a test."""
    dice = sketch.dice
    if cells == 1 or dice.chance(8):
        return sketch.group(cells)
    if dice.chance(55):
        return _group(sketch, cells)
    own = dice.one_of(sketch.indices)
    if dice.chance(35):
        # neighbours share a cell
        return Apply(INT32, "floordiv", (Name(INT32, own.name), whole(int(own.interval.high) // cells + 1)))
    return Apply(INT32, "mod", (Name(INT32, own.name), whole(cells)))


def _each(sketch: Sketch) -> Iterator[Statement]:
    """One to three atomics of a value of each thread, on one cell or by group."""
    dice = sketch.dice
    vectors = sketch.vectors and dice.chance(50)
    whole_numbers = not vectors and dice.chance(WHOLE)
    for n in range(dice.between(1, 2)):
        dtype = _dtype(sketch) if n or whole_numbers else sketch.vector_type(sketch.main) if vectors else sketch.main
        op = dice.weighted(WEIGHTED) if isinstance(dtype, Scalar) else dice.one_of(("atomic_add", "atomic_sub"))
        if types.element_scalar(dtype).notation not in ATOMICS[op]:
            op, dtype = "atomic_add", sketch.main
        cells = dice.one_of((1, 2, 3, 4))
        output, place = sketch.output(dtype, shape=(cells,)), _cell(sketch, cells)
        depth = dice.between(1, 3)
        value = sketch.result(dtype, depth) if n == 0 else sketch.expression(dtype, depth)
        made = sketch.scatter(op, output, (place,), value)
        if dice.chance(CONDITIONAL):
            yield If(sketch.condition(dice.between(1, 2)).node, tuple(made))
        else:
            yield from made


def _looped(sketch: Sketch) -> Iterator[Statement]:
    """What a loop makes of the thread's row, or of every so many elements, then one atomic."""
    dice = sketch.dice
    count = dice.between(3, 6)
    bounds = Bounds(None, whole(count), None, count, Interval(0, count - 1))
    known = len(sketch.defined)
    match dice.below(4):
        case 0:
            yield from sketch.onwards()
        case 1:
            yield from sketch.added(bounds)
        case _:
            yield from dice.one_of((sketch.summed, sketch.summed, sketch.extreme))(bounds)
    left = [v for v in sketch.defined[known:] if not v.used and v.type is sketch.main and v.live]
    op = dice.one_of(("atomic_add", "atomic_add", "atomic_add", "atomic_sub"))
    if left and not left[0].sum_only and dice.chance(40):
        op = dice.one_of(("atomic_max", "atomic_min"))
    if sketch.main.notation not in ATOMICS[op]:
        op = "atomic_add"
    value = sketch.variable(left[0]) if left else sketch.own_element()
    cells = dice.one_of((1, 1, 2, 3))
    output = sketch.output(sketch.main, shape=(cells,))
    yield from sketch.scatter(op, output, (_cell(sketch, cells),), value)


def _group(sketch: Sketch, cells: int) -> Expression:
    groups = sketch.array(INT32, sketch.launch_shape(spare=False), Interval(0, cells - 1))
    return Element(INT32, groups.name, sketch.own_indices())


def _histogram(sketch: Sketch) -> Iterator[Statement]:
    """Values counted, and others summed, by the bin that a value between zero and one lies in."""
    dice, main = sketch.dice, sketch.main
    bins = dice.one_of(BINS)
    value = sketch.new_element(Interval(0.0, 1.0))
    scaled = Apply(main, "mul", (value.node, sketch.number_of(main, float(bins))))
    place = Name(INT32, sketch.fresh())
    # one is a value too
    yield Assign(place, Apply(INT32, "clamp", (Cast(INT32, scaled), whole(0), whole(bins - 1))))
    counts = dice.chance(70)
    if counts:
        one = Typed(whole(1), Interval(1, 1))
        yield from sketch.scatter("atomic_add", sketch.output(INT32, shape=(bins,)), (place,), one)
    weight = sketch.own_element() if dice.chance(40) else sketch.result(main, dice.between(1, 2))
    if counts and dice.chance(30):
        test = Compare(BOOL, (">",), (weight.node, sketch.number_of(main, 0.25)))
        yield If(test, tuple(sketch.scatter("atomic_add", sketch.output(main, shape=(bins,)), (place,), weight)))
    else:
        yield from sketch.scatter("atomic_add", sketch.output(main, shape=(bins,)), (place,), weight)


def _counted(sketch: Sketch) -> Iterator[Statement]:
    """How many values pass a test, with their sum or their extreme."""
    dice, main = sketch.dice, sketch.main
    value = sketch.own_element() if dice.chance(50) else _drawn(sketch)
    if not isinstance(value.node, Element) or dice.chance(30):
        yield sketch.define_as(value, mutable=False)
        value = sketch.variable(sketch.defined[-1])
    other = sketch.literal(main, Interval(0.0, 1.0)) if dice.chance(60) else sketch.new_element(Interval(-1.0, 1.0))
    test: Expression = Compare(BOOL, (dice.one_of((">", "<", ">=")),), (value.node, other.node))
    if dice.chance(30):
        test = sketch.condition(1).node
    cells = dice.one_of((1, 1, 2, 3))
    place = _cell(sketch, cells)
    body: list[Statement] = []
    if dice.chance(80):
        one = Typed(whole(1), Interval(1, 1))
        body += sketch.scatter("atomic_add", sketch.output(INT32, shape=(cells,)), (place,), one)
    if dice.chance(40):
        value = sketch.result(main, dice.between(1, 2))
    op = dice.one_of(("atomic_add", "atomic_add", "atomic_max", "atomic_min"))
    op = op if main.notation in ATOMICS[op] else "atomic_add"
    body += sketch.scatter(op, sketch.output(main, shape=(cells,)), (place,), value)
    yield If(test, tuple(body))


def _judged(sketch: Sketch) -> Iterator[Statement]:
    """Whether any thread passes a test, or all do: in a bit that is set or cleared, or as the largest of ones."""
    dice, main = sketch.dice, sketch.main
    value = sketch.new_element(Interval(-1.0, 1.0))
    other = sketch.literal(main, Interval(-0.5, 0.75)) if dice.chance(70) else sketch.own_element()
    test: Expression = Compare(BOOL, (dice.one_of((">", "<", ">=")),), (value.node, other.node))
    if dice.chance(30):
        test = sketch.condition(1).node
    cells = dice.one_of((1, 1, 2, 3))
    place = _cell(sketch, cells)
    every = dice.chance(45)
    of = types.scalar(dice.one_of(("int32", "int32", "uint32", "int64")))
    held = sketch.array(of, (cells,), Interval(1, 1) if every else Interval(0, 0), output=True)
    one, zero = Literal(of, 1), Literal(of, 0)
    if dice.chance(50):
        node = Conditional(of, test, one, zero)
        op = dice.one_of(("atomic_and", "atomic_min") if every else ("atomic_or", "atomic_max"))
        yield from sketch.scatter(op, held, (place,), Typed(node, Interval(0, 1)))
    elif every:
        least = Apply(BOOL, "unot", (test,))
        yield If(least, tuple(sketch.scatter("atomic_and", held, (place,), Typed(zero, Interval(0, 0)))))
    else:
        yield If(test, tuple(sketch.scatter("atomic_or", held, (place,), Typed(one, Interval(1, 1)))))
    if dice.chance(60):
        total = sketch.output(main, shape=(cells,))
        yield from sketch.scatter("atomic_add", total, (place,), sketch.result(main, 1))


def _multiplied(sketch: Sketch) -> Iterator[Statement]:
    """The product of what each thread has several of, summed: of chances, of growth rates."""
    dice, pen = sketch.dice, Pen(sketch)
    count = dice.between(2, 5)
    rows = pen.input(span=1.0, shape=(*sketch.launch[:3], count))
    held = Interval(-4.0, 4.0)
    product = pen.let(pen.literal(1.0), mutable=True, within=held)
    rate = dice.one_of((0.25, 0.125))
    with pen.loop(count) as k:
        value = pen.at(rows, *pen.own[:3], k)
        factor = 1.0 + rate * value if dice.chance(60) else 0.75 * value
        if dice.chance(60):
            assert isinstance(product.node, Name)
            pen.body.append(AugmentedAssign(product.node, "mul", factor.node))
        else:
            pen.assign(product, (product * factor).narrowed(*held))
    assert product.variable is not None
    product.variable.live = True
    cells = dice.one_of((1, 1, 3))
    yield from pen.body
    target = sketch.output(sketch.main, shape=(cells,))
    yield from sketch.scatter("atomic_add", target, (_cell(sketch, cells),), product.typed)


def _drawn(sketch: Sketch) -> Typed:
    """A value of the thread's that inputs move."""
    value = sketch.fit_local(sketch.expression(sketch.main, sketch.dice.between(1, 2)))
    return value if value.live else sketch.own_element()


def _moments(sketch: Sketch) -> Iterator[Statement]:
    """Sums of a value and of its square, of products of two, or the smallest and the largest."""
    dice, main = sketch.dice, sketch.main
    value = sketch.own_element() if dice.chance(30) else _drawn(sketch)
    yield sketch.define_as(value, mutable=False)
    value = sketch.variable(sketch.defined[-1])
    if dice.chance(40) and main.notation in ATOMICS["atomic_min"]:
        ops = [("atomic_min", value), ("atomic_max", value)]
    else:
        other = value if dice.chance(60) else sketch.own_element()
        ops = [("atomic_add", value), ("atomic_add", sketch.apply(OPS["mul"], main, [value, other]))]
    if dice.chance(50):
        output = sketch.output(main, shape=(2,))
        for n, (op, given) in enumerate(ops):
            yield from sketch.scatter(op, output, (whole(n),), given)
    else:
        for op, given in ops:
            yield from sketch.scatter(op, sketch.output(main, shape=(1,)), (whole(0),), given)


#: How often each way to reduce is drawn.
WAYS: Final[tuple[tuple[int, Callable[[Sketch], Iterator[Statement]]], ...]] = (
    (8, _each), (6, _looped), (2, _histogram), (3, _counted), (2, _moments), (3, _judged), (3, _multiplied),
)  # fmt: skip


def body(sketch: Sketch) -> Iterator[Statement]:
    """One way to reduce, after some preparation, and a sum of what that left."""
    dice = sketch.dice
    if dice.chance(30):
        sketch.allow_integers()
    sketch.vectors = dice.chance(20)
    yield from sketch.block(dice.below(2), Statements(branch=1), 2)
    way = dice.weighted(WAYS)
    yield from way(sketch)
    if any(not v.used for v in sketch.scope if v in sketch.defined):
        cells = dice.one_of((1, 2, 3))
        value = sketch.result(sketch.main, 0)
        output = sketch.output(sketch.main, shape=(cells,))
        yield from sketch.scatter("atomic_add", output, (_cell(sketch, cells),), value)
