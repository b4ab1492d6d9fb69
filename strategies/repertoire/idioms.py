"""What simulations and learning code are made of, each drawn from parts: which terms, which guards, which outputs.

A function here gives the statements of one computation and what came of it.  Nothing is a template: between the fixed
steps that make it what it is stand expressions, terms and conditions of the grammar.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from strategies.blocks import rounded, whole
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
    Element,
    Expression,
    For,
    If,
    Literal,
    Logical,
    Name,
    Parameter,
    Statement,
)
from strategies.language.types import BOOL, INT32, Scalar, Type, Vector
from strategies.ops import REACH, overload, result_type
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed

#: What neural networks squash with.
#: Of 100 numbers and vectors that a computation takes up beside its own, how many are expressions of the grammar.
DRAWN: Final = 25
ACTIVATIONS: Final = ("tanh", "tanh", "tanh", "sin", "erf")
#: The primes of the usual spatial hash (Teschner et al. 2003).
PRIMES: Final = (73856093, 19349663, 83492791)


class Lines:
    """The statements of one computation, in the making."""

    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch
        self.dice = sketch.dice
        self.body: list[Statement] = []

    def let(self, value: Typed, mutable: bool = False) -> Typed:
        """A local with `value`."""
        self.body.append(self.sketch.define_as(self.sketch.fit_local(value), mutable))
        return self.sketch.variable(self.sketch.defined[-1])

    def apply(self, op: str, of: Type, *arguments: Typed) -> Typed:
        """An operation, its arguments guarded."""
        return self.sketch.apply(overload(op, [a.type for a in arguments]), of, list(arguments))

    def size(self, value: Typed, measures: tuple[str, ...]) -> Typed:
        """How large a vector is, by one of the `measures` that there are for its type."""
        known = [op for op in measures if result_type(op, (value.type,)) is not None]
        return self.apply(self.dice.one_of(known), self.sketch.main, value)

    def named(self, value: Typed) -> Typed:
        """`value`, under a local name or as it is."""
        return self.let(value) if self.dice.chance(60) else value

    def number(self, low: float, high: float) -> Typed:
        """A small number: a literal, or a parameter of the kernel."""
        main = self.sketch.main
        if self.dice.chance(50):
            return self.sketch.literal(main, Interval(low, high))
        return self.sketch.variable(self.sketch.scalar_parameter(main, Interval(low, high)))

    def array(self, of: Type, interval: Interval, shape: tuple[int, ...] | None = None) -> Parameter:
        """A new input array, with an element for each thread if no shape is given."""
        assert isinstance(of, Scalar | Vector)
        return self.sketch.array(of, shape or self.sketch.launch_shape(), interval)

    def at(self, array: Parameter, *indices: Expression) -> Typed:
        """An element of an array; the thread's own without indices."""
        of = array.type
        assert isinstance(of, types.Array)
        node = Element(of.dtype, array.name, indices or self.sketch.own_indices())
        return Typed(node, Interval(array.low, array.high), types.element_scalar(of).is_float)

    def link(self, extent: int) -> Typed:
        """A place in an array of `extent` elements, read from an array of indices."""
        links = self.array(INT32, Interval(0, extent - 1), self.sketch.launch_shape(spare=False))
        found = self.at(links)
        return self.let(Typed(found.node, found.interval))

    def drawn(self, of: Type | None = None) -> Typed:
        """An expression of the grammar, small."""
        wanted = of or self.sketch.main
        value = self.sketch.expression(wanted, self.dice.between(1, 2))
        return self.sketch.fit(value, symmetric(4.0)) if types.element_scalar(wanted).is_float else value

    def extra(self, of: Scalar | Vector | None = None) -> Typed:
        """What else a computation takes up: the thread's own of another input, mostly, or what the grammar draws."""
        if self.dice.chance(DRAWN):
            return self.drawn(of)
        found = self.at(self.array(of or self.sketch.main, symmetric(1.5)))
        return found if self.dice.chance(60) else self.apply("mul", found.type, found, self.number(0.25, 1.5))

    def test(self, left: Typed, op: str, right: Typed) -> Expression:
        """A comparison."""
        return Compare(BOOL, (op,), (left.node, right.node))

    def change(self, variable: Typed, value: Typed, operator: str | None = None) -> Statement:
        """``name = value``, or ``name += value``, of a local that was made mutable."""
        assert isinstance(variable.node, Name)
        known = next(v for v in self.sketch.scope if v.name == variable.node.name)
        value = self.sketch.fit_local(value)
        known.used, known.live = False, known.live or value.live
        if operator is None:
            known.interval = known.interval.join(value.interval)
            return Assign(variable.node, value.node)
        size = known.interval.size + value.interval.size
        known.interval = symmetric(size)
        return AugmentedAssign(variable.node, operator, value.node)


def integrate(lines: Lines) -> None:
    """A step of a body under forces: semi-implicit Euler, with drag, a speed limit or a ground, as drawn."""
    dice, sketch = lines.dice, lines.sketch
    of: Scalar | Vector = sketch.vector_type(sketch.main) if dice.chance(80) else sketch.main
    place, speed = lines.array(of, symmetric(2.0)), lines.array(of, symmetric(2.0))
    step = lines.number(0.0625, 0.25)
    x = lines.let(lines.at(place), mutable=True)
    v = lines.let(lines.at(speed), mutable=True)
    force = lines.at(lines.array(of, symmetric(2.0)))
    if dice.chance(50):
        pull = lines.number(0.125, 2.0)
        force = lines.apply("sub", of, force, lines.apply("mul", of, lines.at(place), pull))
    if dice.chance(40):
        drag = lines.number(0.0625, 0.5)
        force = lines.apply("sub", of, force, lines.apply("mul", of, v, drag))
    if dice.chance(40):
        mass = lines.at(lines.array(sketch.main, Interval(0.5, 3.0)))
        force = lines.apply("div", of, force, lines.named(mass))
    if dice.chance(40):
        force = lines.apply("add", of, force, lines.extra(of))
    lines.body.append(lines.change(v, lines.apply("mul", of, lines.named(force), step), "add"))
    if dice.chance(35):
        size = lines.apply("length", sketch.main, v) if isinstance(of, Vector) else lines.apply("abs", of, v)
        most = lines.number(0.5, 2.0)
        slowed = lines.apply("mul", of, v, lines.number(0.25, 1.0))
        lines.body.append(If(lines.test(size, ">", most), (lines.change(v, slowed),)))
    lines.body.append(lines.change(x, lines.apply("mul", of, v, step), "add"))
    for result in dice.some_of((x, v), dice.between(1, 2)):
        keep(lines, result)


def springs(lines: Lines) -> None:
    """Springs, or constraints of length, between two particles that arrays name: forces or corrections, summed."""
    dice, sketch = lines.dice, lines.sketch
    of, count = sketch.vector_type(sketch.main), dice.between(4, 8)
    place = lines.array(of, symmetric(2.0), (count,))
    i, j = lines.link(count), lines.link(count)
    apart = lines.let(lines.apply("sub", of, lines.at(place, i.node), lines.at(place, j.node)))
    length = lines.let(lines.size(apart, ("length", "length", "norm_l2")))
    rest = lines.at(lines.array(sketch.main, Interval(0.25, 1.5))) if dice.chance(60) else lines.number(0.25, 1.5)
    pull = lines.apply("mul", sketch.main, lines.number(0.25, 2.0), lines.apply("sub", sketch.main, length, rest))
    if dice.chance(45):
        speed = lines.array(of, symmetric(1.0), (count,))
        relative = lines.apply("sub", of, lines.at(speed, i.node), lines.at(speed, j.node))
        damping = lines.apply("dot", sketch.main, relative, apart)
        pull = lines.apply(
            "add", sketch.main, pull, lines.apply("mul", sketch.main, damping, lines.number(0.0625, 0.5))
        )
    if dice.chance(40):
        pull = lines.apply(dice.one_of(("max", "min")), sketch.main, pull, lines.extra())
    if dice.chance(40):
        pull = lines.apply("mul", sketch.main, pull, lines.at(lines.array(sketch.main, Interval(0.25, 1.0))))
    way = lines.apply("normalize", of, apart) if dice.chance(50) else lines.apply("div", of, apart, length)
    force = lines.let(lines.apply("mul", of, way, lines.named(pull)))
    total = sketch.output(of, shape=(count,))
    # both ends get the same
    force = sketch.summand(total, force, math.prod(sketch.launch))
    lines.body += sketch.scatter("atomic_add", total, (i.node,), force)
    if dice.chance(95):
        lines.body += sketch.scatter("atomic_sub", total, (j.node,), force)
    if dice.chance(40):
        energy = lines.apply("mul", sketch.main, pull, pull)
        lines.body += sketch.scatter("atomic_add", sketch.output(sketch.main, shape=(1,)), (whole(0),), energy)


def neighbours(lines: Lines) -> None:
    """A sum over neighbours that an array lists, weighted by a kernel of the distance, as in SPH or message passing."""
    dice, sketch = lines.dice, lines.sketch
    of, main, most = sketch.vector_type(sketch.main), sketch.main, dice.between(2, 4)
    count = sketch.launch[0]
    place = lines.array(of, symmetric(1.5))
    listed = lines.array(INT32, Interval(0, count - 1), (count, most))
    weight = lines.array(main, Interval(0.25, 2.0))
    own = lines.let(lines.at(place, sketch.own_indices()[0])) if len(place.shape) == 1 else None
    reach = lines.number(1.0, 2.0)
    total = lines.let(lines.sketch.literal(main, Interval(0, 1)), mutable=True)
    inner = Lines(sketch)
    name = Name(INT32, sketch.fresh())
    other = inner.let(Typed(Element(INT32, listed.name, (sketch.own_indices()[0], name)), Interval(0, count - 1)))
    mine = own or lines.at(place)
    apart = inner.let(inner.apply("sub", of, mine, _first(inner, place, other.node)))
    distance = inner.named(inner.size(apart, ("length", "length_sq", "norm_l1")))
    near = _kernel(inner, distance, reach)
    share = inner.apply("mul", main, near, _first(inner, weight, other.node))
    if dice.chance(40):
        share = inner.apply("mul", main, share, inner.extra())
    share = sketch.fit(share, symmetric(rounded(REACH[main.notation] / 64, main)))
    add = inner.change(total, share, "add")
    if dice.chance(60):
        tests = [inner.test(distance, "<", reach)]
        if dice.chance(40):
            tests.append(Compare(BOOL, ("!=",), (other.node, sketch.own_indices()[0])))
        test = tests[0] if len(tests) == 1 else Logical(BOOL, "and", tuple(tests))
        add = If(test, (add,))
    lines.body.append(For(name.name, whole(most), (*inner.body, add)))
    _forget(sketch, inner)
    keep(lines, _widened(lines, total, most))


def _first(lines: Lines, array: Parameter, index: Expression) -> Typed:
    """An element by its first index; further ones are zero."""
    return lines.at(array, index, *[whole(0)] * (len(array.shape) - 1))


def _widened(lines: Lines, total: Typed, times: int) -> Typed:
    known = next(v for v in lines.sketch.scope if isinstance(total.node, Name) and v.name == total.node.name)
    known.interval = symmetric(known.interval.size * times)
    return lines.sketch.variable(known)


def _forget(sketch: Sketch, inner: Lines) -> None:
    """Hide the locals of a loop's body."""
    names = {s.target.name for s in inner.body if isinstance(s, Assign) and isinstance(s.target, Name)}
    gone: list[Variable] = [v for v in sketch.scope if v.name in names]
    for variable in gone:
        variable.type, variable.used = types.VOID, True


def _kernel(lines: Lines, distance: Typed, reach: Typed) -> Typed:
    """How much a neighbour counts: a polynomial, a bell, or an inverse."""
    main = lines.sketch.main
    match lines.dice.below(4):
        case 0:
            gap = lines.apply(
                "max", main, lines.apply("sub", main, reach, distance), lines.sketch.literal(main, Interval(0, 0))
            )
            power = lines.dice.between(1, 3)
            found = gap = lines.named(gap)
            for _ in range(power - 1):
                found = lines.apply("mul", main, found, gap)
            return found
        case 1:
            return lines.apply("exp", main, lines.apply("neg", main, distance))
        case 2:
            return lines.apply("div", main, lines.number(0.5, 1.0), distance)
    return lines.apply("cos", main, lines.apply("mul", main, distance, lines.number(0.5, 2.0)))


def rays(lines: Lines) -> None:
    """A ray against a sphere or a plane: the distance where it hits, and something of the place."""
    dice, sketch, main = lines.dice, lines.sketch, lines.sketch.main
    of = types.vector(3, main)
    start, way = lines.let(lines.at(lines.array(of, symmetric(2.0)))), lines.at(lines.array(of, symmetric(1.0)))
    way = lines.let(lines.apply("normalize", of, way) if dice.chance(70) else way)
    hit = lines.let(lines.number(0.5, 2.0) if dice.chance(50) else sketch.literal(main, Interval(-1, -1)), mutable=True)
    if dice.chance(65):
        centre = lines.at(lines.array(of, symmetric(1.0))) if dice.chance(60) else lines.extra(of)
        to = lines.let(lines.apply("sub", of, start, centre))
        b = lines.let(lines.apply("dot", main, to, way))
        radius = lines.number(0.5, 2.0)
        c = lines.apply("sub", main, lines.apply("dot", main, to, to), lines.apply("mul", main, radius, radius))
        inside = lines.let(lines.apply("sub", main, lines.apply("mul", main, b, b), c))
        test = lines.test(inside, ">", sketch.literal(main, Interval(0.0625, 0.25)))
        root = lines.apply("sqrt", main, inside)
        far = lines.apply(dice.one_of(("sub", "add")), main, lines.apply("neg", main, b), root)
    else:
        normal = lines.at(lines.array(of, symmetric(1.0)))
        slope = lines.let(lines.apply("dot", main, normal, way))
        test = lines.test(slope, dice.one_of(("<", ">")), sketch.literal(main, Interval(-0.25, 0.25)))
        far = lines.apply("div", main, lines.apply("dot", main, normal, start), slope)
    arm: list[Statement] = [lines.change(hit, far)]
    other: tuple[Statement, ...] = (lines.change(hit, lines.extra()),) if dice.chance(35) else ()
    lines.body.append(If(test, tuple(arm), other))
    if dice.chance(50):
        keep(lines, lines.apply("add", of, start, lines.apply("mul", of, way, hit)))
    else:
        keep(lines, hit)


def perceptron(lines: Lines) -> None:
    """A layer or two of a small network: weights times inputs in loops, a bias, an activation."""
    dice, sketch, main = lines.dice, lines.sketch, lines.sketch.main
    wide, hidden, count = dice.between(2, 3), dice.between(2, 3), sketch.launch[0]
    inputs = lines.array(main, symmetric(1.0), (count, wide))
    weights = lines.array(main, symmetric(1.0), (hidden, wide))
    bias = lines.array(main, symmetric(0.5), (hidden,)) if dice.chance(70) else None
    second = lines.array(main, symmetric(1.0), (hidden,))
    j, k = Name(INT32, sketch.fresh()), Name(INT32, sketch.fresh())
    total = lines.let(sketch.literal(main, Interval(0, 0)), mutable=True)
    layer = Lines(sketch)
    begin = layer.at(bias, j) if bias is not None else sketch.literal(main, Interval(0, 0))
    value = layer.let(begin, mutable=True)
    product = layer.apply("mul", main, layer.at(weights, j, k), layer.at(inputs, sketch.own_indices()[0], k))
    layer.body.append(For(k.name, whole(wide), (layer.change(value, product, "add"),)))
    summed = _widened(layer, value, wide)
    if dice.chance(35):
        summed = layer.apply(
            "max", main, summed, layer.apply("mul", main, summed, sketch.literal(main, Interval(0.0625, 0.25)))
        )
    else:
        summed = layer.apply(dice.one_of(ACTIVATIONS), main, summed)
    if dice.chance(40):
        summed = layer.apply("mul", main, summed, layer.extra())
    share = layer.apply("mul", main, layer.named(summed), layer.at(second, j))
    share = sketch.fit(share, symmetric(rounded(REACH[main.notation] / 64, main)))
    layer.body.append(layer.change(total, share, "add"))
    lines.body.append(For(j.name, whole(hidden), tuple(layer.body)))
    _forget(sketch, layer)
    found = _widened(lines, total, hidden)
    if dice.chance(50):
        aim = lines.at(lines.array(main, symmetric(1.0), (count,)), sketch.own_indices()[0])
        error = lines.let(lines.apply("sub", main, found, aim))
        loss = lines.apply("mul", main, error, error) if dice.chance(70) else lines.apply("abs", main, error)
        lines.body += sketch.scatter("atomic_add", sketch.output(main, shape=(1,)), (whole(0),), loss)
    else:
        keep(lines, found)


def window(lines: Lines) -> None:
    """A filter: a window over one axis or two, with weights that an array or the distance gives."""
    dice, sketch, main = lines.dice, lines.sketch, lines.sketch.main
    field = lines.array(main, symmetric(2.0), sketch.launch)
    axes = dice.some_of(range(len(sketch.launch)), dice.between(1, min(2, len(sketch.launch))))
    reach = 1 if len(axes) > 1 else dice.between(1, 2)
    names = [Name(INT32, sketch.fresh()) for _ in axes]
    total = lines.let(sketch.literal(main, Interval(0, 0)), mutable=True)
    at = list(sketch.own_indices())
    for axis, name in zip(axes, names, strict=True):
        moved = Apply(INT32, "add", (at[axis], name))
        last = whole(sketch.launch[axis] - 1)
        at[axis] = (
            Apply(INT32, "clamp", (moved, whole(0), last))
            if dice.chance(60)
            else Apply(
                INT32, "mod", (Apply(INT32, "add", (moved, whole(sketch.launch[axis]))), whole(sketch.launch[axis]))
            )
        )
    inner = Lines(sketch)
    cell = inner.named(inner.at(field, *at))
    if dice.chance(50):
        taps = inner.array(main, symmetric(1.0), (2 * reach + 1,) * len(axes))
        offsets = [Apply(INT32, "add", (name, whole(reach))) for name in names]
        factor = inner.at(taps, *offsets)
    else:
        squares: Expression = Apply(INT32, "mul", (names[0], names[0]))
        for name in names[1:]:
            squares = Apply(INT32, "add", (squares, Apply(INT32, "mul", (name, name))))
        distance = sketch.convert(Typed(squares, Interval(0, 8)), main)
        factor = inner.apply(
            "exp", main, inner.apply("neg", main, inner.apply("mul", main, distance, inner.number(0.25, 1.0)))
        )
    if dice.chance(40):
        own = inner.at(field)
        factor = inner.apply("mul", main, factor, inner.apply("cos", main, inner.apply("sub", main, cell, own)))
    share = sketch.fit(inner.apply("mul", main, cell, factor), symmetric(rounded(REACH[main.notation] / 64, main)))
    change: Statement = inner.change(total, share, "add")
    if dice.chance(30):
        change = If(inner.test(cell, dice.one_of((">", "<")), inner.number(0.5, 1.0)), (change,))
    block: tuple[Statement, ...] = (*inner.body, change)
    for name in names:
        block = (For(name.name, whole(reach + 1), block, whole(-reach)),)
    lines.body += block
    _forget(sketch, inner)
    keep(lines, _widened(lines, total, (2 * reach + 1) ** len(axes)))


def prefix(lines: Lines) -> None:
    """A running sum up to the thread's own place, or over a segment that arrays bound."""
    dice, sketch, main = lines.dice, lines.sketch, lines.sketch.main
    count = sketch.launch[0]
    values = lines.array(main, symmetric(1.0), (count,))
    name, own = Name(INT32, sketch.fresh()), sketch.own_indices()[0]
    start: Expression | None = None
    stop: Expression = own if dice.chance(50) else Apply(INT32, "add", (own, whole(1)))
    if dice.chance(45):
        half = count // 2
        starts = lines.array(INT32, Interval(0, half), sketch.launch_shape(spare=False))
        start = lines.let(Typed(lines.at(starts).node, Interval(0, half))).node
        ends = lines.array(INT32, Interval(half, count), sketch.launch_shape(spare=False))
        stop = lines.let(Typed(lines.at(ends).node, Interval(half, count))).node
    total = lines.let(sketch.literal(main, Interval(0, 1)), mutable=True)
    value = lines.at(values, name)
    if dice.chance(50):
        value = lines.apply(dice.one_of(("sin", "cos", "exp")), main, value)
    if dice.chance(40):
        value = lines.apply("mul", main, value, lines.at(lines.array(main, symmetric(1.0), (count,)), name))
    share = sketch.fit(value, symmetric(rounded(REACH[main.notation] / 64, main)))
    change: Statement = lines.change(total, share, dice.one_of(("add", "add", "sub")))
    if dice.chance(30):
        change = If(Compare(BOOL, ("!=",), (name, own)), (change,))
    lines.body.append(For(name.name, stop, (change,), start))
    known = _widened(lines, total, count)
    for variable in sketch.scope:
        if isinstance(known.node, Name) and variable.name == known.node.name:
            variable.sum_only = True
    keep(lines, known, linear=True)


def hashed(lines: Lines) -> None:
    """The cell of a grid that a point falls into, by a hash of its coordinates: counted, or summed into."""
    dice, sketch, main = lines.dice, lines.sketch, lines.sketch.main
    of, size = types.vector(dice.one_of((2, 3)), main), dice.one_of((4, 8, 16))
    point = lines.let(lines.at(lines.array(of, symmetric(4.0))))
    scale = lines.number(0.5, 2.0)
    parts: list[Expression] = []
    for n in range(of.length):
        component = Typed(Component(main, point.node, whole(n), dice.chance(60)), point.interval, point.live)
        spread = lines.apply("floor", main, lines.apply("mul", main, component, scale))
        cell = Typed(Cast(INT32, spread.node), Interval(-16, 16))
        cell = lines.let(cell) if dice.chance(60) else cell
        unsigned = Cast(types.scalar("uint32"), cell.node)
        parts.append(Apply(types.scalar("uint32"), "mul", (unsigned, Literal(types.scalar("uint32"), PRIMES[n]))))
    joined = parts[0]
    for part in parts[1:]:
        joined = Apply(types.scalar("uint32"), dice.one_of(("bit_xor", "add")), (joined, part))
    slots = Literal(types.scalar("uint32"), size if dice.chance(40) else size - 1)
    op = "mod" if slots.value == size else "bit_and"
    slot = lines.let(Typed(Cast(INT32, Apply(types.scalar("uint32"), op, (joined, slots))), Interval(0, size - 1)))
    if dice.chance(40):
        lines.body.append(Atomic("atomic_add", sketch.output(INT32, shape=(size,)).name, (slot.node,), whole(1)))
    if dice.chance(60):
        share = lines.size(point, ("length", "length_sq", "norm_l1"))
        if dice.chance(50):
            share = lines.apply("mul", main, share, lines.extra())
        lines.body += sketch.scatter("atomic_add", sketch.output(main, shape=(size,)), (slot.node,), share)
    table = lines.array(main, symmetric(2.0), (size,))
    keep(lines, lines.apply("mul", main, lines.at(table, slot.node), lines.extra()))


def keep(lines: Lines, value: Typed, linear: bool = False) -> None:
    """Store a result, whole or scaled."""
    dice, sketch = lines.dice, lines.sketch
    of = value.type
    assert isinstance(of, Scalar | Vector)
    if not linear and dice.chance(35):
        value = lines.apply("mul", of, value, lines.number(0.25, 2.0))
    output = sketch.output(of, sketch.launch_shape())
    lines.body.append(sketch.store(output, value) if dice.chance(80) else sketch.store_sum(output, value))


IDIOMS: Final[tuple[Callable[[Lines], None], ...]] = (
    integrate, springs, neighbours, rays, perceptron, window, prefix, hashed,
)  # fmt: skip
