"""Atomics of all kinds on arrays of one to four dimensions: sums, extremes, exchanges, bits, counters, in functions."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from strategies.blocks import whole
from strategies.dealing import deal
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    Compare,
    Conditional,
    Element,
    Expression,
    If,
    Literal,
    Name,
    Parameter,
    Statement,
)
from strategies.language.types import BOOL, INT32, Array, Composite, Scalar
from strategies.ops import ATOMICS, EXCHANGES, OPS
from strategies.repertoire.deposits import draw_deposit
from strategies.repertoire.forms import one_for
from strategies.repertoire.pen import Pen
from strategies.repertoire.shared_cells import OPERATIONS, USES, Shared
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

LAUNCHES: Final = (
    (8,), (7,), (12,), (5,), (11,), (9,), (3, 4), (4, 2), (5, 3), (2, 7), (2, 3, 2), (3, 2, 4), (1, 2, 2, 3),
    (2, 1, 3, 2),
)  # fmt: skip
#: What threads share is added to, mostly; the others are as frequent as a test of them needs.
SHARED: Final = (
    (6, "atomic_add"), (3, "atomic_sub"), (3, "atomic_max"), (3, "atomic_min"), (2, "atomic_and"), (2, "atomic_or"),
    (2, "atomic_xor"),
)  # fmt: skip
#: With a cell of its own, a thread may exchange what is in it.
OWN: Final = (*SHARED, (4, "atomic_exch"), (5, "atomic_cas"))
#: Of 100 integers that an atomic works on, how many are of another type than int32.
OTHER_INTEGERS: Final = 65
#: Of 100 sums, how many are of vectors or matrices.
COMPOSITES: Final = 25
#: Of 100 old values of a thread's own cell, how many are read afterwards.
RETURNED: Final = 70
#: Of 100 kernels about an operation that has uses of its own, how many are one of those.
USED: Final = 75
#: Of 100 kernels about a sum, and about another operation that has uses of its own, in how many a function does it.
SUMMED: Final = 50
DEPOSITED: Final = 13
#: Of 100 operations that threads may do to one cell in any order, how many are on cells that they share.
SHARES: Final = 85
#: Of 100 exchanges of integers, how many raise a flag that threads share, and not the thread's own.
FLAGS: Final = 55
#: Operations on bits, of which it does not matter who comes first.
BITS: Final = frozenset(("atomic_and", "atomic_or", "atomic_xor"))
#: Of 100 arrays of floats, how many hold zeros before.
ZERO: Final = 40


#: What the first atomic of each kernel of a stream works on, in turn: every operation on every type of floats that has
#: it, and twice on integers, of which there are more.
_DECK: Final = tuple(
    (op, of)
    for op, takes in ATOMICS.items()
    for of in (*(name for name in types.FLOATS if name in takes), "integer", "integer")
)


def _integer(sketch: Sketch, op: str) -> Scalar:
    dice = sketch.dice
    known = [name for name in ATOMICS[op] if name not in types.FLOATS]
    return types.scalar(dice.one_of(known) if dice.chance(OTHER_INTEGERS) else "int32")


def _dtype(sketch: Sketch, op: str, floats: int) -> Scalar:
    """What an atomic works on: in `floats` of 100, where it takes such, the kernel's float type."""
    main = sketch.main
    if main.notation in ATOMICS[op] and sketch.dice.chance(floats):
        return main
    return _integer(sketch, op)


def _composite(sketch: Sketch, of: Scalar, op: str) -> Composite | None:
    """A vector or a matrix of `of` at times, for a sum or an extreme."""
    dice = sketch.dice
    if not of.is_float or op in EXCHANGES or not dice.chance(COMPOSITES):
        return None
    if dice.chance(30):
        rows, columns = dice.one_of(((2, 2), (3, 3), (2, 3), (4, 4)))
        return types.matrix(rows, columns, of)
    return types.vector(dice.one_of((3, 2, 4, 5)), of)


def _value(sketch: Sketch, of: Scalar | Composite, depth: int) -> Typed:
    """What a thread adds, or offers: a result, or an element as it is of what has no expressions here."""
    if isinstance(of, Composite):
        return sketch.element_of(sketch.array(of, sketch.launch_shape(), sketch.input_interval(of.dtype)))
    if of.is_float:
        plain = not _unused(sketch) and sketch.dice.chance(65)
        return Shared(Pen(sketch), "atomic_add", of).value().typed if plain else sketch.result(of, depth)
    if sketch.dice.chance(60) or not sketch.dice.chance(50):
        sketch.nodes += 2
        source = sketch.array(of, sketch.launch_shape(), _pattern(sketch, of))
        return Typed(Element(of, source.name, sketch.own_indices()), Interval(source.low, source.high))
    return sketch.expression(of, depth)


def _pattern(sketch: Sketch, of: Scalar) -> Interval:
    """Values of an integer input: small ones, or all sorts of bits."""
    dice = sketch.dice
    if dice.chance(40):
        return Interval(*of.limits) if not of.is_signed else Interval(-(2 ** (of.bits - 4)), 2 ** (of.bits - 4))
    return Interval(0 if of.kind == "uint" else -9, 20)


def _cells(sketch: Sketch) -> tuple[tuple[int, ...], tuple[Expression, ...]]:
    """The shape of a shared array, of up to four dimensions, and which cell of it a thread works on."""
    dice = sketch.dice
    ndim = dice.one_of((1, 1, 1, 2, 2, 3, 4))
    shape: list[int] = []
    indices: list[Expression] = []
    for axis in range(ndim):
        extent = dice.one_of((1, 2, 3, 4)) if ndim < 4 else dice.one_of((1, 2, 3))
        own = sketch.own_indices()
        if axis < len(own) and dice.chance(50) and sketch.launch[axis] <= 5:
            extent = sketch.launch[axis]
            indices.append(own[axis])
        elif extent > 1 and dice.chance(12):
            indices.append(whole(-dice.between(1, extent)))
        else:
            indices.append(_group(sketch, extent))
        shape.append(extent)
    return tuple(shape), tuple(indices)


def _group(sketch: Sketch, cells: int) -> Expression:
    """Which of `cells` cells a thread belongs to: by an array of groups, its index, the bin of a number, or a test."""
    dice = sketch.dice
    if cells == 1:
        return whole(0)
    own = dice.one_of(sketch.own_indices())
    match dice.weighted(((5, "array"), (4, "remainder"), (3, "bin"), (1, "test"))):
        case "array":
            groups = sketch.array(INT32, sketch.launch_shape(spare=False), Interval(0, cells - 1))
            return Element(INT32, groups.name, sketch.own_indices())
        case "bin":
            pen = Pen(sketch)
            scaled = pen.at(pen.input(span=Interval(0.0, 1.0))) * float(cells)
            return pen.op("clamp", pen.cut(scaled, 0, cells), 0, cells - 1).node
        case "test":
            return Conditional(INT32, sketch.comparison(1).node, whole(0), whole(cells - 1))
    return Apply(INT32, "mod", (own, whole(cells)))


def _initial(sketch: Sketch, of: Scalar | Composite) -> Interval:
    """Between which values an output's cells lie before: bits for what works on bits."""
    scalar = types.element_scalar(of)
    if scalar.is_float:
        # most of what is added up or compared begins with zero
        return Interval(0, 0) if sketch.dice.chance(ZERO) else symmetric(3.0)
    return Interval(0 if scalar.kind == "uint" else -7, 15)


def _shared(sketch: Sketch, depth: int, first: tuple[str, Scalar] | None = None) -> Iterator[Statement]:
    """An atomic on cells that threads share, perhaps under a condition; `first` says which, and what it works on."""
    dice = sketch.dice
    of: Scalar | Composite
    if first is None:
        op = dice.weighted(SHARED)
        of = _dtype(sketch, op, 75)
    else:
        op, of = first
    assert isinstance(of, Scalar)
    of = _composite(sketch, of, op) or of
    shape, indices = _cells(sketch)
    output = sketch.array(of, shape, _initial(sketch, of), output=True)
    value = _value(sketch, of, depth)
    made = sketch.scatter(op, output, indices, value)
    if dice.chance(25):
        yield If(sketch.condition(dice.between(1, 2)).node, tuple(made))
    else:
        yield from made


def _own(sketch: Sketch, depth: int, first: tuple[str, Scalar] | None = None) -> Iterator[Statement]:
    """An atomic on the thread's own cell, and what the cell held before; `first` as for `_shared`."""
    dice = sketch.dice
    if first is None:
        op = dice.weighted(OWN)
        of = _dtype(sketch, op, 25 if op in EXCHANGES else 70)
    else:
        op, of = first
    # no number of many is ever met again: of floats, all cells hold the same before
    held = Interval(*[dice.one_of((0, 0, -1, 1))] * 2) if op == "atomic_cas" and of.is_float else _initial(sketch, of)
    state = sketch.array(of, sketch.launch_shape(), held, output=True)
    own = sketch.own_indices()
    compare: Expression | None = None
    value = (
        _value(sketch, of, depth) if op not in ("atomic_cas", "atomic_exch") or dice.chance(40) else _plain(sketch, of)
    )
    if op in ("atomic_add", "atomic_sub"):
        value = sketch.summand(state, value, 1)
    if op == "atomic_cas":
        compare = _expected(sketch, of, state).node
    if not dice.chance(RETURNED):
        yield Atomic(op, state.name, own, value.node, compare)
        return
    result = sketch.fresh()
    yield Atomic(op, state.name, own, value.node, compare, Name(of, result))
    before = Interval(state.low, state.high)
    sketch.defined.append(sketch.scope.add(Variable(result, of, before, used=True)))
    yield _keep(sketch, of, Name(of, result), before)


def _expected(sketch: Sketch, of: Scalar, state: Parameter) -> Typed:
    """What the cell is compared with: what it may well hold, for all threads or where a test says so."""
    dice = sketch.dice
    if of.is_integer:
        return sketch.literal(of, Interval(0, 3)) if dice.chance(60) else _plain(sketch, of)
    held = Typed(Literal(of, float(state.low)), Interval(state.low, state.low))
    if dice.chance(40):
        return held
    other = _plain(sketch, of)
    node = Conditional(of, sketch.comparison(1).node, held.node, other.node)
    return Typed(node, held.interval.join(other.interval), False)


def _plain(sketch: Sketch, of: Scalar) -> Typed:
    """A value that is the same for all threads, or an element that is as it is."""
    dice = sketch.dice
    if dice.chance(50):
        return sketch.literal(of, Interval(0, 7))
    source = sketch.array(of, sketch.launch_shape(), _initial(sketch, of))
    return Typed(Element(of, source.name, sketch.own_indices()), Interval(source.low, source.high), of.is_float)


def _keep(sketch: Sketch, of: Scalar, old: Expression, before: Interval) -> Statement:
    """The old value stored: as it is, or with something added."""
    dice = sketch.dice
    value = Typed(old, before)
    if of.is_float and dice.chance(70):
        extra = sketch.element(of)
        value = sketch.apply(OPS[dice.one_of(("add", "sub"))], of, [value, extra])
    elif of.is_integer and dice.chance(30):
        value = sketch.apply(OPS["add"], of, [value, sketch.literal(of, Interval(1, 9))])
    return sketch.store(sketch.output(of), value)


def _counter(sketch: Sketch) -> Iterator[Statement]:
    """A counter: threads take numbers, and what they do with them is the same whoever comes first."""
    dice, threads = sketch.dice, math.prod(sketch.launch)
    of = dice.one_of((INT32, INT32, INT32, types.scalar("uint32"), types.scalar("int64"), sketch.main))
    step = 1 if of is INT32 else dice.between(1, 3)
    # the numbers stay exact in every type, so that the order of a sum does not matter
    count = sketch.array(of, (dice.between(1, 2),), Interval(0, 0), output=True)
    number, where = Name(of, sketch.fresh()), (whole(count.shape[0] - 1),)
    taken: list[Statement] = [
        Atomic("atomic_add", count.name, where, Literal(of, float(step) if of.is_float else step), None, number)
    ]
    top = Interval(0, step * threads)
    if of is INT32 and dice.chance(60):
        main = sketch.main
        slots = sketch.array(main, (threads + dice.below(3),), symmetric(3.0), output=True)
        weight = sketch.scalar_parameter(main) if dice.chance(60) else None
        value = sketch.convert(Typed(number, top), main)
        if weight is not None:
            value = sketch.apply(OPS[dice.one_of(("mul", "add"))], main, [value, sketch.variable(weight)])
        taken.append(Assign(Element(main, slots.name, (number,)), value.node))
    else:
        op = dice.one_of(("atomic_add", "atomic_max", "atomic_add"))
        op = op if of.notation in ATOMICS[op] else "atomic_add"
        total = sketch.array(of, (1,), Interval(0, 0), output=True)
        taken.append(Atomic(op, total.name, (whole(0),), number))
    if dice.chance(50):
        yield If(sketch.comparison(1).node, tuple(taken))
    else:
        yield from taken


def _flag(sketch: Sketch, first: tuple[str, Scalar] | None = None) -> Iterator[Statement]:
    """A flag that the first of some threads raises, whichever that is, and which then does something once; `first` as
    for `_shared`."""
    dice = sketch.dice
    op = dice.one_of(("atomic_cas", "atomic_exch", "atomic_or")) if first is None else first[0]
    of = _integer(sketch, op) if first is None else first[1]
    shape, indices = _cells(sketch)
    for n, index in enumerate(indices):
        if isinstance(index, Conditional):
            # it is named twice below
            where = Name(INT32, sketch.fresh())
            yield Assign(where, index)
            indices = (*indices[:n], where, *indices[n + 1 :])
    flags = sketch.array(of, shape, Interval(0, 1), output=True)
    one, zero = Literal(of, 1), Literal(of, 0)
    before = Name(of, sketch.fresh())
    yield Atomic(op, flags.name, indices, one, zero if op == "atomic_cas" else None, before)
    firsts = sketch.array(INT32, shape, Interval(0, 0), output=True)
    test = Compare(BOOL, ("==",), (before, zero))
    yield If(test, (Atomic("atomic_add", firsts.name, indices, whole(dice.between(1, 4))),))


def body(sketch: Sketch) -> Iterator[Statement]:
    """One atomic operation in a use that it has, or one to three on shared cells, own ones, counters and flags."""
    dice = sketch.dice
    sketch.max_arrays = 6
    ((op, kind),) = deal(_DECK, sketch.dealt, 1, dice)
    if kind in types.FLOATS:
        sketch.work_in(types.scalar(kind))
    first = op, sketch.main if kind in types.FLOATS else _integer(sketch, op)
    if op in OPERATIONS and dice.chance(SUMMED if op == "atomic_add" else DEPOSITED):
        pen = Pen(sketch)
        draw_deposit(pen, *first)
        if dice.chance(25):
            one_for(len(sketch.launch), USES, dice)(Shared(pen, "atomic_add", sketch.main))
        yield from pen.body
        made = pen.body
    elif op in OPERATIONS and dice.chance(USED):
        pen = Pen(sketch)
        one_for(len(sketch.launch), USES, dice)(Shared(pen, *first))
        if dice.chance(25):
            one_for(len(sketch.launch), USES, dice)(Shared(pen, dice.one_of((op, "atomic_add")), first[1]))
        yield from pen.body
        made = pen.body
    else:
        if dice.chance(20):
            sketch.allow_integers()
        if dice.chance(25):
            yield from sketch.block(1, Statements(branch=1), 2)
        made = list(_operations(sketch, first))
        yield from made
    if _unused(sketch) or not _alive(sketch):
        yield from _tied(sketch, made)


def _tied(sketch: Sketch, made: Sequence[Statement]) -> Iterator[Statement]:
    """What nothing has read so far, and a number that has a gradient, summed into cells that threads share: where the
    last of the statements that were `made` worked, if a sum can go there."""
    main = sketch.main
    shapes = {p.name: p.shape for p in sketch.parameters if p.output}
    owned = set(sketch.own_indices())
    sites = [
        (shapes[s.array], s.indices)
        for s in made
        if isinstance(s, Atomic) and s.array in shapes and not owned <= set(s.indices)
    ]
    shape, indices = sites[-1] if sites else _cells(sketch)
    output = sketch.array(main, shape, _initial(sketch, main), output=True)
    yield from sketch.scatter("atomic_add", output, indices, sketch.result(main, sketch.dice.between(0, 1)))


def _operations(sketch: Sketch, first: tuple[str, Scalar]) -> Iterator[Statement]:
    """The operation that is dealt, on shared cells or the thread's own, and at times another, a counter or a flag."""
    dice = sketch.dice
    depth = dice.between(1, 2)
    shared = (first[0] not in EXCHANGES or first[0] in BITS) and dice.chance(SHARES)
    if not shared and first[0] in ("atomic_cas", "atomic_exch") and first[1].is_integer and dice.chance(FLAGS):
        yield from _flag(sketch, first)
    else:
        yield from _shared(sketch, depth, first) if shared else _own(sketch, depth, first)
    for _ in range(dice.one_of((0, 0, 0, 1, 1))):
        match dice.weighted(((4, "shared"), (1, "own"), (3, "counter"), (3, "flag"))):
            case "own":
                yield from _own(sketch, dice.between(1, 2))
            case "counter":
                yield from _counter(sketch)
            case "flag":
                yield from _flag(sketch)
            case _:
                yield from _shared(sketch, 1)


def _alive(sketch: Sketch) -> bool:
    """Whether the kernel reads floats, or may do without a gradient."""
    inputs = [p for p in sketch.parameters if not p.output and isinstance(p.type, Array)]
    floats = any(types.element_scalar(p.type).is_float for p in inputs)
    return floats or (bool(inputs) and sketch.dice.chance(30))


def _unused(sketch: Sketch) -> list[Variable]:
    return [v for v in sketch.scope if not v.used and v in sketch.defined]
