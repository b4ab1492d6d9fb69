"""Marks: a truth value, or a whole number that stands for one, that a branch goes by and sets anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Cast,
    Compare,
    Element,
    Expression,
    If,
    Literal,
    Name,
    Statement,
)
from strategies.language.types import BOOL, INT32, Scalar, Type
from strategies.repertoire.ways import Way
from strategies.structs import array_of_structs, loaded, struct_of

#: What marks are made of; more numbers than one say what is left to do.
_KINDS: Final = (BOOL, BOOL, INT32, INT32, types.scalar("uint8"), types.scalar("int64"))
#: Of 100 marks, how many the branch sets anew.
CHANGED: Final = 70
#: Of 100 branches, how many go by the mark as it stands, without a comparison.
BARE: Final = 60
#: Of 100 sums beside marks, how many are of whole numbers: what is read of an element that is overwritten has no
#: gradient that Warp promises.
COUNTED: Final = 75


def marked(way: Way) -> Iterator[Statement]:
    """``if todo[i]: todo[i] = 0; total += 2``, or a branch that only looks at its mark."""
    dice = way.dice
    of = dice.one_of(_KINDS)
    changed = dice.chance(CHANGED)
    found, mark = _mark(way, of, changed)
    yield from found
    total, begin = way.total(COUNTED)
    yield begin
    test, opposite = _test(way, mark)
    met, other = [way.change(total)], [way.change(total)] if dice.chance(60) else []
    if changed:
        met.insert(dice.below(2), _taken_down(way, mark))
        if other and dice.chance(20):
            other.append(Assign(mark, _number(of, 1)))
    if opposite:
        met, other = other, met
    yield If(test, tuple(met), tuple(other)) if met else If(test, (way.change(total),), tuple(other))
    yield way.stored(total)
    if isinstance(mark, Name):
        yield way.stored(mark if of in (BOOL, INT32) else Cast(INT32, mark))


def _mark(way: Way, of: Scalar, changed: bool) -> tuple[list[Statement], Element | Name]:
    """A mark: an element at the thread's own place, such a field of an array of structs, or one of a local struct."""
    sketch, span = way.sketch, Interval(0, 1 if of is BOOL else 2)
    if way.dice.chance(60):
        array = sketch.array(of, sketch.launch_shape(), span, output=changed)
        return [], Element(of, array.name, sketch.own_indices())
    name = sketch.fresh()
    fields: list[tuple[str, Type]] = [(sketch.fresh(), way.of), (name, of)]
    struct = struct_of(sketch, fields)
    local = way.dice.chance(60)
    written = frozenset((name,)) if changed and not local else frozenset()
    whole_array = array_of_structs(sketch, struct, written, {name: span})
    if not local:
        return [], Element(of, f"{whole_array}.{name}", sketch.own_indices())
    statement = loaded(sketch, whole_array)
    assert isinstance(statement, Assign)
    assert isinstance(statement.target, Name)
    return [statement], Name(of, f"{statement.target.name}.{name}")


def _test(way: Way, mark: Element | Name) -> tuple[Expression, bool]:
    """A test of a mark, and whether it is the opposite."""
    dice, of = way.dice, mark.type
    assert isinstance(of, Scalar)
    if dice.chance(BARE):
        return mark if of is BOOL else Cast(BOOL, mark, implied=True), False
    match dice.below(3):
        case 0:
            return Cast(BOOL, mark), False
        case 1:
            return Apply(BOOL, "unot", (mark,)), True
    return Compare(BOOL, ("!=",), (mark, _number(of, 0))), False


def _taken_down(way: Way, mark: Element | Name) -> Statement:
    """What a branch makes of the mark that it went by."""
    of = mark.type
    assert isinstance(of, Scalar)
    if of is BOOL or way.dice.chance(70):
        return Assign(mark, _number(of, 0))
    one = _number(of, 1)
    return AugmentedAssign(mark, "sub", one) if way.dice.chance(60) else Assign(mark, Apply(of, "sub", (mark, one)))


def _number(of: Scalar, value: int) -> Literal:
    return Literal(of, bool(value) if of is BOOL else value)
