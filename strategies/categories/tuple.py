"""Tuples: several results unpacked or kept, locals swapped and rotated, in branches and loops too."""

from collections.abc import Iterator
from typing import Final

from strategies import several
from strategies.blocks import Block
from strategies.calls import Callee
from strategies.functions import draw_several, unpacked
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Cast,
    Compare,
    Component,
    Element,
    Expression,
    For,
    If,
    Literal,
    Name,
    Statement,
    Target,
    Unpack,
    While,
)
from strategies.language.types import BOOL, INT32, VOID, Scalar, Tuple, Vector
from strategies.ops import OPS
from strategies.repertoire.helpers import PAIRS, draw_helper
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.tuple_functions import given_tuples
from strategies.typed import Typed
from strategies.weights import Statements

WEIGHTS: Final = Statements(define=6, reassign=2, augment=3)

#: Of 100 loops that move locals, how many have bounds that only a run knows: Warp is known to give both the same
#: value there, and most gradients there are outside of what it documents.
DYNAMIC: Final = 12
#: Of 100 unpacked tuples whose targets change later, how many may hold bare elements: Warp is known to share them.
SHARED: Final = 8
#: Of 100 calls with several results, how many are kept in one variable, whose items are known to have no gradient.
KEPT: Final = 6
#: Of 100 items of such a variable, how many are counted from the end, which Warp is known not to compile.
FROM_THE_END: Final = 12
#: Of 100 unpacked tuples, how many are elements of outputs that are overwritten then, which ends gradients.
EXCHANGES: Final = 12
#: Of 100 kernels, how many unpack the results of a built-in.
BUILT_IN: Final = 12
#: Of 100 kernels, how many have a function that takes a tuple.
TAKEN: Final = 12
#: Of 100 functions, how many are small computations of a name; of 100 calls, of how many the results are stored.
HELPERS: Final = 70
STORED: Final = 15


def _computed(sketch: Sketch, value: Typed) -> Typed:
    """`value`, as an operation if it is only a name."""
    if not isinstance(value.node, Element | Name):
        return value
    other = sketch.literal(sketch.main, Interval(0.5, 2.0))
    return sketch.apply(OPS[sketch.dice.one_of(("mul", "add", "sub"))], sketch.main, [value, other])


def _several(sketch: Sketch, count: int, depth: int) -> Statement:
    """``a, b, c = x[i], y[i], 2.0``: new locals."""
    dice = sketch.dice
    values = [sketch.fit_local(sketch.expression(sketch.main, depth)) for _ in range(count)]
    for n, value in enumerate(values):
        if isinstance(value.node, Literal):
            values[n] = sketch.element(sketch.main)
        if any(values[n].node == other.node for other in values[:n]):
            other = sketch.literal(sketch.main, Interval(0.25, 0.75))
            values[n] = sketch.apply(OPS[dice.one_of(("mul", "add", "sub"))], sketch.main, [values[n], other])
    mutable = dice.chance(60)
    if mutable and not dice.chance(SHARED):
        values = [_computed(sketch, value) for value in values]
    variables = [sketch.new_local(v.type, v.interval, v.live, mutable) for v in values]
    return Unpack(tuple(Name(v.type, v.name) for v in variables), tuple(v.node for v in values))


def _locals(sketch: Sketch, count: int) -> list[Variable]:
    """Locals of the kernel's float type that may be assigned here."""
    return sketch.dice.some_of(sketch.changeable(lambda v: v.type is sketch.main and not v.sum_only), count)


def _moved(sketch: Sketch, chosen: list[Variable]) -> Statement:
    """``a, b = b, a``, a rotation of three, or a step of a recurrence: ``a, b = b, a + b``."""
    dice = sketch.dice
    names: list[Expression] = [Name(v.type, v.name) for v in chosen]
    values = names[1:] + names[:1]
    if len(names) == 2 and dice.chance(45):
        op = dice.one_of(("add", "sub", "mul"))
        half = Literal(sketch.main, dice.one_of((0.5, 0.25)))
        total: Expression = Apply(sketch.main, op, (names[0], names[1]))
        values[1] = Apply(sketch.main, "mul", (total, half)) if op != "mul" or dice.chance(60) else total
        if op == "mul":
            values[1] = Apply(sketch.main, "sin", (total,))
    interval = chosen[0].interval
    for other in chosen[1:]:
        interval = interval.join(other.interval)
    reach = max(interval.size, 1.0)
    live = any(v.live for v in chosen)
    for variable in chosen:
        variable.used, variable.live, variable.interval = False, live, Interval(-reach, reach)
    return Unpack(tuple(Name(v.type, v.name) for v in chosen), tuple(values))


def _kept(sketch: Sketch, depth: int) -> list[Statement]:
    """``t = f(x)``, and its items used: all results at once in one variable."""
    callee = sketch.dice.one_of([c for c in sketch.callees if isinstance(c.function.type, Tuple)])
    value = sketch.call(callee, depth)
    of = callee.function.type
    assert isinstance(of, Tuple)
    name = Name(of, sketch.fresh())
    body: list[Statement] = [Assign(name, value.node)]
    for n, (item, interval) in enumerate(zip(of.items, callee.intervals, strict=True)):
        assert isinstance(item, Scalar | Vector)
        at = n - len(of.items) if sketch.dice.chance(FROM_THE_END) else n
        part = Component(item, name, Literal(INT32, at))
        live = value.live and types.element_scalar(item).is_float
        body.append(sketch.define_as(Typed(part, interval, live), mutable=False))
    return body


def _looped(sketch: Sketch) -> list[Statement]:
    """Locals that move in every iteration, at times of a loop that only a run can count."""
    dice = sketch.dice
    chosen = _locals(sketch, 2)
    if len(chosen) < 2:
        return [_several(sketch, 2, 1)]
    bounds = sketch._parameter_bound(dice.between(2, 4)) if dice.chance(DYNAMIC) else None
    # an even number of exchanges comes to none at all
    stop: Expression = bounds.stop if bounds is not None else Literal(INT32, dice.one_of((3, 5)))
    for variable in chosen:
        reach = max(variable.interval.size, 1.0)
        variable.interval = Interval(-reach, reach)
    moved = _moved(sketch, chosen)
    extra: Block = ()
    if dice.chance(40) and (array := [p for p in sketch.readable(sketch.main) if len(p.shape) == 1]):
        source = dice.one_of(array)
        size = max(abs(source.low), abs(source.high)) * 5
        target = chosen[0]
        target.interval = Interval(target.interval.low - size, target.interval.high + size)
        chosen[1].interval = target.interval
        element = Element(sketch.main, source.name, (sketch.index(source.shape[0]),))
        extra = (AugmentedAssign(Name(sketch.main, target.name), "add", element),)
    body = (moved, *extra) if dice.chance(50) else (*extra, moved)
    return [For(sketch.fresh(), stop, body)]


def _branched(sketch: Sketch) -> list[Statement]:
    """Locals that are exchanged, or unpacked, in one arm or in both."""
    dice = sketch.dice
    chosen = _locals(sketch, 2)
    if len(chosen) < 2:
        return [_several(sketch, 2, 1)]
    test = sketch.condition(1).node
    if dice.chance(40):
        left, right = (Name(v.type, v.name) for v in chosen)
        test = Compare(BOOL, (dice.one_of((">", "<")),), (left, right))
    moved = _moved(sketch, chosen)
    orelse: Block = ()
    if dice.chance(40):
        targets: tuple[Target, ...] = tuple(Name(v.type, v.name) for v in chosen)
        values = [sketch.fit(sketch.expression(v.type, 1), v.interval) for v in chosen]
        orelse = (Unpack(targets, tuple(v.node for v in values)),)
    return [If(test, (moved,), orelse)]


def _exchanged(sketch: Sketch) -> list[Statement]:
    """``a, b = p[i], q[i]``, ``p[i] = b``, ``q[i] = a``: elements of two outputs change places."""
    own = sketch.own_indices()
    arrays = [sketch.output(sketch.main, sketch.launch) for _ in range(2)]
    elements = [Element(sketch.main, p.name, own) for p in arrays]
    interval = Interval(arrays[0].low, arrays[0].high)
    first, second = (sketch.new_local(sketch.main, interval, False) for _ in range(2))
    names = [Name(sketch.main, v.name) for v in (first, second)]
    return [Unpack(tuple(names), tuple(elements)), Assign(elements[0], names[1]), Assign(elements[1], names[0])]


def _grid(sketch: Sketch) -> list[Statement]:
    """``row, col = i // n, i % n``, and an element of an array of two dimensions at that place."""
    wide = sketch.dice.between(2, 5)
    high = -(-sketch.launch[0] // wide)
    index = Name(INT32, sketch.indices[0].name)
    row, column = (sketch.new_local(INT32, Interval(0, most - 1), False) for most in (high, wide))
    values = [Apply(INT32, op, (index, Literal(INT32, wide))) for op in ("floordiv", "mod")]
    targets = [Name(INT32, v.name) for v in (row, column)]
    field = sketch.array(sketch.main, (high, wide), sketch.input_interval(sketch.main))
    row.used = column.used = True
    at = Typed(Element(sketch.main, field.name, (targets[0], targets[1])), Interval(field.low, field.high), True)
    return [Unpack((targets[0], targets[1]), tuple(values)), sketch.define_as(at, mutable=sketch.dice.chance(60))]


def _counted(sketch: Sketch) -> list[Statement]:
    """Two whole numbers that a loop moves on: ``a, b = b, a + b``, or to their greatest common divisor."""
    dice = sketch.dice
    a, b = (sketch.new_local(INT32, Interval(0, 256), False) for _ in range(2))
    names = (Name(INT32, a.name), Name(INT32, b.name))
    if dice.chance(50):
        numbers = [Literal(INT32, n) for n in dice.one_of(((0, 1), (1, 1), (2, 1)))]
        start = Unpack(names, tuple(Cast(INT32, number) for number in numbers))
        step = Unpack(names, (names[1], Apply(INT32, "add", names)))
        loop: Statement = For(sketch.fresh(), Literal(INT32, dice.between(3, 6)), (step,))
        b.used = True
        return [start, loop]
    own = Name(INT32, dice.one_of(sketch.indices).name)
    more = Apply(INT32, "add", (own, Literal(INT32, dice.between(4, 12))))
    start = Unpack(names, (more, Cast(INT32, Literal(INT32, dice.between(2, 12)))))
    test = Compare(BOOL, (dice.one_of((">", "!=")),), (names[1], Literal(INT32, 0)))
    b.used, b.type = True, VOID
    return [start, While(test, (Unpack(names, (names[1], Apply(INT32, "mod", names))),))]


def _stored(sketch: Sketch, callee: Callee) -> list[Statement]:
    """``a, b = f(x)``, and each in an output of its own."""
    body: list[Statement] = [unpacked(sketch, callee, 2)]
    for variable in sketch.defined[-len(callee.intervals) :]:
        assert isinstance(variable.type, Scalar | Vector)
        body.append(sketch.store(sketch.output(variable.type), sketch.variable(variable)))
    return body


def _flagged(sketch: Sketch, callee: Callee) -> list[Statement]:
    """``hit, t = f(x)``, and a local that changes where the flag says so."""
    dice = sketch.dice
    body = [unpacked(sketch, callee, 2)]
    found = sketch.defined[-len(callee.intervals) :]
    flag = next(v for v in found if v.type is BOOL)
    number = next(v for v in found if v.type is sketch.main)
    start = sketch.literal(sketch.main, Interval(-1.0, 1.0)) if dice.chance(50) else sketch.element(sketch.main)
    body.append(sketch.define_as(start, mutable=True))
    local = sketch.defined[-1]

    def arm() -> list[Statement]:
        value = sketch.fit_local(sketch.variable(number))
        if dice.chance(60):
            factor = sketch.element(sketch.main)
            value = sketch.fit_local(sketch.apply(OPS[dice.one_of(("mul", "add"))], sketch.main, [value, factor]))
        local.interval, local.live, local.used = value.interval, local.live or value.live, False
        return [Assign(Name(sketch.main, local.name), value.node)]

    body.append(sketch.when(sketch.variable(flag), arm))
    return body


def _functions(sketch: Sketch) -> None:
    """One function with several results, or two."""
    dice = sketch.dice
    for _ in range(dice.one_of((1, 1, 2))):
        if sketch.main.bits > 16 and dice.chance(HELPERS):
            draw_helper(sketch, dice.one_of(PAIRS))
        else:
            draw_several(sketch, dice.one_of((2, 2, 3, 3, 4)))


def _results(sketch: Sketch, callee: Callee) -> list[Statement]:
    """What a function gives, unpacked, kept, stored, or used where its flag says so."""
    dice, of = sketch.dice, callee.function.type
    assert isinstance(of, Tuple)
    if BOOL in of.items and sketch.main in of.items and dice.chance(75):
        return _flagged(sketch, callee)
    if dice.chance(KEPT):
        return _kept(sketch, 2)
    return _stored(sketch, callee) if dice.chance(STORED) else [unpacked(sketch, callee, 2)]


def body(sketch: Sketch) -> Iterator[Statement]:
    """A function or two with several results, and three to six statements on tuples."""
    dice = sketch.dice
    sketch.vectors = dice.chance(20)
    _functions(sketch)
    if len(sketch.launch) == 1 and dice.chance(30):
        yield from _grid(sketch)
    yield _several(sketch, dice.one_of((2, 2, 3)), dice.between(0, 1))
    if dice.chance(BUILT_IN):
        yield from several.unpacked(sketch, dice.one_of(several.NAMES), sketch.main, 1)
    for callee in list(sketch.callees):
        if callee.function.name not in sketch.called:
            yield from _results(sketch, callee)
    swapped = False
    for _ in range(dice.between(1, 3)):
        match dice.below(7):
            case 0 | 1 if not swapped:
                swapped = True
                chosen = _locals(sketch, dice.one_of((2, 2, 3)))
                yield _moved(sketch, chosen) if len(chosen) > 1 else _several(sketch, 2, 1)
            case 6:
                yield from _counted(sketch)
            case 2:
                yield from _looped(sketch)
            case 3:
                yield from _branched(sketch)
            case 4 if dice.chance(EXCHANGES):
                yield from _exchanged(sketch)
            case 4:
                yield _several(sketch, dice.one_of((2, 3)), dice.between(1, 2))
            case _:
                yield from sketch.block(1, WEIGHTS, dice.between(1, 2))
    for callee in list(sketch.callees):
        if callee.function.name not in sketch.called:
            yield unpacked(sketch, callee, 1)
    if dice.chance(TAKEN):
        yield from given_tuples(sketch)
    yield sketch.store(sketch.output(sketch.main), sketch.result(sketch.main, dice.between(0, 2)))
