"""Ways into cells of outputs: what is added to them, by one thread or by several, and what atomics return."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Atomic,
    AugmentedAssign,
    Compare,
    Element,
    Expression,
    If,
    Literal,
    Name,
    Statement,
)
from strategies.language.types import BOOL, Composite, Scalar
from strategies.ops import ATOMICS, EXCHANGES
from strategies.repertoire.access.base import LENGTHS, Access, Draw

#: Between which values floats lie that atomics get.
SIGNS: Final = (symmetric(2.0), Interval(0.125, 3.0), Interval(-3.0, -0.125))


def _added(way: Access) -> Iterator[Statement]:
    """An element of an output that is added to."""
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


def _positive(way: Access) -> Expression:
    return Compare(BOOL, (">",), (way.x(), Literal(way.of, 0.0)))


def _kind(way: Access, op: str, kind: str) -> Scalar:
    """A type that an atomic takes: a type of floats, or one of the signed or unsigned integers."""
    if kind in types.FLOATS:
        return types.scalar(kind)
    integers = [types.scalar(name) for name in ATOMICS[op] if name not in types.FLOATS]
    return way.dice.one_of([of for of in integers if of.is_signed == (kind == "signed")])


def _offered(way: Access, of: Scalar) -> Interval:
    """Between which values lies what atomics get: of one sign or both, small, or so large that every byte counts."""
    if of.is_float:
        return way.dice.one_of(SIGNS)
    if of.is_signed:
        large = 2 ** (of.bits - 8)
        return way.dice.one_of((Interval(-9, 9), Interval(-9, -1), Interval(0, 9), Interval(-large, large)))
    return way.dice.one_of((Interval(0, 9), Interval(*of.limits)))


def _atomic(op: str, kind: str, before: bool, way: Access) -> Iterator[Statement]:
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


def _exchanged(op: str, kind: str, way: Access) -> Iterator[Statement]:
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


#: Every atomic on every type of floats that it takes, on signed and on unsigned integers.
_ATOMICS: Final = tuple(
    (op, kind)
    for op, takes in ATOMICS.items()
    for kind in (*(of for of in types.FLOATS if of in takes), "signed", "unsigned")
)
WAYS: Final[dict[str, Draw]] = {
    "added": _added,
    **{f"{op} of {kind}": partial(_atomic, op, kind, False) for op, kind in _ATOMICS if op not in EXCHANGES},
    **{f"before {op} of {kind}": partial(_atomic, op, kind, True) for op, kind in _ATOMICS if op not in EXCHANGES},
    **{f"{op} of {kind}": partial(_exchanged, op, kind) for op, kind in _ATOMICS if op in EXCHANGES},
}
