"""Functions that take tuples, ``t: tuple[wp.float32, wp.int32]``, and what is given to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from strategies.blocks import whole
from strategies.calls import Callee
from strategies.functions import BRANCHED, FunctionSketch, result_type
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Call,
    Component,
    Construct,
    Expression,
    Name,
    Node,
    Options,
    Parameter,
    Return,
    Statement,
    Unpack,
    rebuild,
)
from strategies.language.types import BOOL, INT32, Scalar, Tuple, Type, Vector, holds_floats
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed

#: Between which values the items of a tuple lie.
FLOATS: Final = Interval(-4.0, 4.0)
COUNTS: Final = Interval(0, 7)
#: Of 100 tuples, how many hold whole numbers alone: they have no gradient that could be wrong.
WHOLE: Final = 35
#: Of 100 kernels that pass floats in tuples, how many have a backward pass: Warp is known to give items no gradient.
BACKWARD: Final = 10
#: Of 100 functions, how many return a tuple: the very one that they take, or its items in another order.
RETURNED: Final = 25
#: Of 100 functions, how many unpack their tuple, which Warp is known not to do.
UNPACKED: Final = 4
#: Of 100 tuples, how many have a name, and how many of those are given to the function twice or read.
NAMED: Final = 60
AGAIN: Final = 40


def _item(sketch: Sketch) -> Scalar | Vector:
    table: list[tuple[int, Scalar | Vector]] = [(6, sketch.main), (2, INT32)]
    if sketch.vectors:
        table.append((4, sketch.vector_type(sketch.main)))
    return sketch.dice.weighted(tuple(table))


def _tuple_type(sketch: Sketch) -> Tuple:
    count = sketch.dice.between(2, 3)
    if sketch.dice.chance(WHOLE):
        return types.tuple_of([INT32] * count)
    return types.tuple_of([sketch.main, *(_item(sketch) for _ in range(count - 1))])


def _holds(of: Type) -> Interval:
    return COUNTS if of is INT32 else FLOATS


def _tuple_parameter(own: FunctionSketch, of: Tuple) -> str:
    """A new parameter that is a tuple, each of whose items is a variable ``t.0`` while the function is drawn."""
    name = own.fresh()
    within = [_holds(item) for item in of.items]
    own.parameters.append(Parameter(name, of, min(i.low for i in within), max(i.high for i in within)))
    for n, (item, interval) in enumerate(zip(of.items, within, strict=True)):
        live = types.element_scalar(item).is_float
        variable = Variable(f"{name}.{n}", item, interval, used=False, live=live)
        own.defined.append(own.scope.add(variable))
    return name


def _spelled(node: Any, name: str, of: Tuple) -> Any:
    """`node` with ``t.0`` written as ``t[0]``."""

    def change(inner: Node) -> Any:
        match inner:
            case Name(name=item) if item.startswith(f"{name}."):
                return Component(inner.type, Name(of, name), whole(int(item.removeprefix(f"{name}."))))
        return rebuild(inner, change)

    return change(node)


def _unpacked(own: FunctionSketch, name: str, of: Tuple) -> Statement:
    """``a, b = t``."""
    targets = []
    for item in of.items:
        assert isinstance(item, Scalar | Vector)
        local = own.new_local(item, _holds(item), types.element_scalar(item).is_float)
        targets.append(Name(item, local.name))
    for variable in own.scope:
        variable.used |= variable.name.startswith(f"{name}.")
    return Unpack(tuple(targets), (Name(of, name),))


def _returned(own: FunctionSketch, name: str, of: Tuple) -> tuple[Expression, ...]:
    """The tuple that is taken, or its items, those of one type in another order."""
    if own.dice.chance(50):
        return (Name(of, name),)
    order = list(range(len(of.items)))
    for n in range(len(order) - 1):
        if of.items[n] is of.items[n + 1]:
            order[n], order[n + 1] = order[n + 1], order[n]
    return tuple(Name(of.items[n], f"{name}.{n}") for n in order)


def draw_taker(sketch: Sketch) -> Callee:
    """A function of a tuple, and of numbers beside it."""
    of = _tuple_type(sketch)
    own = FunctionSketch(sketch)
    own.calls = 0
    name = _tuple_parameter(own, of)
    result: Type
    if own.dice.chance(RETURNED):
        values, result = _returned(own, name, of), of
        intervals = tuple(_holds(item) for item in of.items)
        body: list[Statement] = [Return(values)]
    else:
        result = result_type(sketch)
        body = [_unpacked(own, name, of)] if own.dice.chance(UNPACKED) else []
        body += own.block(own.dice.below(2), BRANCHED, 1)
        value = own.give(result, own.dice.between(0, 1))
        intervals = (value.interval,)
        body.append(Return((value.node,)))
    body = [_spelled(statement, name, of) for statement in body]
    found = own.finish(result, body, [], needed=tuple(p.name for p in own.parameters), shared=True)
    sketch.callees[-1] = found._replace(intervals=intervals, live=holds_floats(of))
    return sketch.callees[-1]


def _filled(sketch: Sketch, of: Tuple) -> Construct:
    """``(x[i], 3)``."""
    items = []
    for item in of.items:
        value = sketch.expression(item, 1) if sketch.dice.chance(60) or item is INT32 else None
        assert isinstance(item, Scalar | Vector)
        items.append(sketch.fit(value or sketch.element(item), _holds(item)).node)
    return Construct(of, tuple(items))


def _call(sketch: Sketch, callee: Callee, given: Expression) -> Statement:
    """A call, with the tuple `given`; what it returns is a new local."""
    function = callee.function
    first, *others = function.parameters
    assert isinstance(first.type, Tuple)
    arguments = [given, *(sketch.argument(p, 1).node for p in others)]
    call = Call(function.type, function.name, tuple(arguments))
    live = sketch.options is None and holds_floats(first.type)
    if isinstance(function.type, Tuple):
        return Assign(Name(function.type, sketch.fresh()), call)
    return sketch.define_as(Typed(call, callee.intervals[0], live and function.type is not BOOL), mutable=False)


def _read(sketch: Sketch, tuple_: Name, intervals: tuple[Interval, ...]) -> Iterator[Statement]:
    """Items of a variable, each a local."""
    of = tuple_.type
    assert isinstance(of, Tuple)
    for n, (item, interval) in enumerate(zip(of.items, intervals, strict=True)):
        yield sketch.define_as(Typed(Component(item, tuple_, whole(n)), interval), mutable=False)


def given_tuples(sketch: Sketch) -> Iterator[Statement]:
    """A function that takes a tuple, and one or two calls of it."""
    dice = sketch.dice
    callee = draw_taker(sketch)
    sketch.called.add(callee.function.name)
    of = callee.function.parameters[0].type
    assert isinstance(of, Tuple)
    if holds_floats(of) and not dice.chance(BACKWARD):
        sketch.options = Options(enable_backward=False)
    given: Expression = _filled(sketch, of)
    named = dice.chance(NAMED)
    if named:
        name = Name(of, sketch.fresh())
        yield Assign(name, given)
        given = name
    times = 2 if named and dice.chance(AGAIN) else 1
    for _ in range(times):
        made = _call(sketch, callee, given)
        yield made
        if isinstance(made, Assign) and isinstance(made.target, Name) and isinstance(made.target.type, Tuple):
            yield from _read(sketch, made.target, callee.intervals)
    if isinstance(given, Name) and dice.chance(AGAIN):
        yield from _read(sketch, given, tuple(_holds(item) for item in of.items))
