"""Ways to fields of structs: in arrays, and of structs that are loaded or copied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from strategies.language import types
from strategies.language.nodes import Apply, Assign, AugmentedAssign, Component, Element, Expression, Name, Statement
from strategies.language.types import INT32, Composite, Matrix, Scalar, Struct, Type, Vector
from strategies.names import STRUCTS
from strategies.repertoire.access.base import Access, Draw
from strategies.repertoire.access.numbers import number
from strategies.structs import array_of_structs, copied, loaded, locals_of

#: Of 100 fields that are read, how many are read a second time.
AGAIN: Final = 30


def _struct(way: Access) -> Struct:
    """A struct of two to four fields: a number, and vectors or matrices of it, in any order."""
    dice, sketch = way.dice, way.sketch
    fields: list[tuple[str, Type]] = [(sketch.fresh(), way.of)]
    for _ in range(dice.between(1, 3)):
        fields.insert(dice.below(len(fields) + 1), (sketch.fresh(), way.composite() if dice.chance(80) else INT32))
    free = [name for name in STRUCTS if name not in sketch.scope.taken]
    called = dice.one_of(free)
    sketch.scope.taken.add(called)
    return types.struct(called, fields)


def _field(way: Access) -> Iterator[Statement]:
    """Fields of an array of structs: whole, or in one number; or such an array with fields that are stored."""
    dice, sketch = way.dice, way.sketch
    of = _struct(way)
    if dice.chance(35):
        name, field = dice.one_of([(n, f) for n, f in of.fields if f is not INT32])
        assert isinstance(field, Scalar | Composite)
        value: Expression
        target: Element | Component = Element(
            field, f"{array_of_structs(sketch, of, frozenset((name,)))}.{name}", way.own()
        )
        if isinstance(field, Vector | Matrix) and dice.chance(60):
            target, value = number(way, target, chosen=False), way.x()
        else:
            value = way.value(field)
        assert isinstance(target, Element | Component)
        yield AugmentedAssign(target, "add", value) if dice.chance(60) else Assign(target, value)
        return
    array = array_of_structs(sketch, of)
    for name, field in dice.some_of(of.fields, dice.between(2, 3)):
        assert isinstance(field, Scalar | Composite)
        whole_field: Expression = Element(field, f"{array}.{name}", way.own())
        read = whole_field
        if isinstance(field, Vector | Matrix) and dice.chance(50):
            read = Apply(way.of, "mul", (number(way, read), way.x()))
        yield way.stored(way.mixed(read))
        if dice.chance(AGAIN):
            yield way.stored(whole_field)


def _record(way: Access) -> Iterator[Statement]:
    """A struct that is loaded, and a copy of it at times: fields read, some changed in between, and read again."""
    dice, sketch = way.dice, way.sketch
    of = _struct(way)
    statement = loaded(sketch, array_of_structs(sketch, of))
    yield statement
    if dice.chance(30):
        statement = copied(sketch, locals_of(sketch, of)[-1])
        yield statement
    assert isinstance(statement, Assign)
    assert isinstance(statement.target, Name)
    for name, field in dice.some_of(of.fields, dice.between(1, 2)):
        assert isinstance(field, Scalar | Composite)
        read = Name(field, f"{statement.target.name}.{name}")
        yield way.stored(way.mixed(number(way, read) if isinstance(field, Vector | Matrix) else read))
        if field is way.of and dice.chance(40):
            yield AugmentedAssign(read, dice.one_of(("add", "sub")), way.x())
        yield way.stored(read)


WAYS: Final[dict[str, Draw]] = {"field": _field, "record": _record}
