"""Functions over structs: that measure one, make one, or change one and give it back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from strategies.calls import Callee
from strategies.functions import PLAIN, FunctionSketch
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Element,
    Evaluate,
    Expression,
    Function,
    Name,
    Parameter,
    Return,
    Statement,
    names_in,
)
from strategies.language.structs import leaves
from strategies.language.types import BOOL, INT32, VOID, Array, Struct, Type
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.structs import Known, changes, constructed, copied, is_own, local, spelled
from strategies.typed import Typed

#: Of 100 structs that a function changes and gives back, and whose old value nothing reads, how many keep their name.
AGAIN: Final = 60


def call(sketch: Sketch, name: str, depth: int) -> Statement | None:
    """A statement that gives the struct called `name` to a new function: for a number, or for a struct."""
    of = sketch.structs[name]
    if not isinstance(of, Struct) or any(isinstance(field, Array) for _, field in leaves(of)):
        return None
    dice, weights = sketch.dice, sketch.weights.structs
    own = _function(sketch)
    passed = _struct_parameter(own, of, {v.name: v for v in sketch.scope}, name)
    # each thread has its own copy of a parameter, but others may want to read it
    spent = not _is_parameter(sketch, name) and dice.chance(weights.spent)
    if dice.chance(45):
        body = changes(own, passed, 1) if spent else []
        if not spent and not dice.chance(weights.argument):
            for variable in own.scope:
                variable.mutable = False
        found = _measure(sketch, own, name, of, depth, body)
    else:
        found = _changed(sketch, own, name, of, passed, spent)
    if spent and not (isinstance(found, Assign) and found.target == Name(of, name)):
        for path, _ in leaves(of):
            sketch.forget(f"{name}.{path}")
    return found


def _function(sketch: Sketch) -> FunctionSketch:
    """The sketch of a new function over structs, which calls no others."""
    for callee in sketch.callees:
        # it stands before those, and so must not be called like something in them
        sketch.scope.taken |= {p.name for p in callee.function.parameters} | names_in(callee.function.body)
    own = FunctionSketch(sketch)
    own.calls = 0
    own.scope.taken |= {f.name for f in sketch.struct_functions}
    return own


def _is_parameter(sketch: Sketch, name: str) -> bool:
    return any(p.name.startswith(f"{name}.") for p in sketch.parameters)


def looked_up(sketch: Sketch, name: str, depth: int) -> Statement | None:
    """``y = f(s, i)``: the function reads arrays that the struct called `name` holds, at a place that it is passed."""
    of = sketch.structs[name]
    assert isinstance(of, Struct)
    own = _function(sketch)
    _held_parameter(sketch, own, of, name, output=False)
    fitting = [array for array in own.views if types.element_scalar(array.type) is sketch.main]
    if not fitting:
        return None
    array = own.dice.one_of(fitting)
    places = _places(own, array.shape)
    body: list[Statement] = [own.define_as(own.element_of(array), mutable=False)]
    return _measure(sketch, own, name, of, depth, body, {place: sketch.index(n) for place, n in places.items()})


def pushed(sketch: Sketch, name: str, array: Parameter, depth: int) -> Statement:
    """``push(s, i, e)``: the function adds to an array that the struct called `name` holds, or stores there."""
    of, held = sketch.structs[name], array.type
    assert isinstance(of, Struct)
    assert isinstance(held, Array)
    own = _function(sketch)
    passed = _held_parameter(sketch, own, of, name, output=True)
    places = _places(own, array.shape)
    given = own.parameter(held.dtype).name
    value = own.fit_local(own.result(held.dtype, depth))
    alone = is_own(sketch, array)
    target = Element(held.dtype, f"{passed}.{array.name.partition('.')[2]}", tuple(Name(INT32, p) for p in places))
    summed = own.summand(array, value, 1 if alone else math.prod(sketch.launch)).node
    statement: Statement = Atomic("atomic_add", target.array, target.indices, summed)
    if own.dice.chance(60):
        statement = Assign(target, value.node) if alone else AugmentedAssign(target, "add", summed)
    _finish(sketch, own, VOID, [statement])
    what = sketch.fit_local(sketch.result(held.dtype, depth))
    at = sketch.own_indices() if alone else tuple(map(sketch.group, array.shape))
    known = {**dict(zip(places, at, strict=True)), given: _fitted(sketch, own, given, what)}
    return Evaluate(Call(VOID, own.name, _arguments(sketch, own, name, of, known)))


def _fitted(sketch: Sketch, own: FunctionSketch, parameter: str, value: Typed) -> Expression:
    taken = next(p for p in own.parameters if p.name == parameter)
    return sketch.fit(value, Interval(taken.low, taken.high)).node


def _places(own: FunctionSketch, shape: Sequence[int]) -> dict[str, int]:
    """New parameters that are a place in an array of `shape`, with the extents along its axes."""
    return {own.place(extent).name: extent for extent in shape}


def _held_parameter(sketch: Sketch, own: FunctionSketch, of: Struct, given: str, output: bool) -> str:
    """A new parameter that is a struct with arrays, of which the function reads those that nothing writes."""
    name = own.fresh()
    own.structs[name] = of
    own.parameters.append(Parameter(name, of, 0, 0, output=output))
    arrays = {p.name: p for p in sketch.parameters}
    numbers = {v.name: v for v in sketch.scope}
    for path, field in leaves(of):
        if not isinstance(field, Array):
            live = types.element_scalar(field).is_float
            own.scope.add(Variable(f"{name}.{path}", field, numbers[f"{given}.{path}"].interval, live=live))
        elif not arrays[f"{given}.{path}"].output:
            own.views.append(msgspec.structs.replace(arrays[f"{given}.{path}"], name=f"{name}.{path}"))
    return name


def maker(sketch: Sketch, of: Struct, depth: int) -> Statement:
    """``b = f(x, y)``: a struct that a function makes."""
    own = _function(sketch)
    own.parameter(sketch.main)
    body = constructed(own, of, depth)
    made = next(reversed(own.structs))
    if own.dice.chance(40):
        body += changes(own, made, 1)
    body += _used_up(own, made)
    known = _known(own, made, of)
    _finish(sketch, own, of, [*body, Return((Name(of, made),))])
    arguments = [sketch.fit(sketch.expression(p.type, 1), Interval(p.low, p.high)).node for p in own.parameters]
    return local(sketch, of, Call(of, own.name, tuple(arguments)), known)


def _used_up(own: FunctionSketch, made: str) -> list[Statement]:
    """Parameters that nothing has read so far, added to a field of what is made."""
    targets = [v for v in own.scope if v.name.startswith(f"{made}.") and v.type is own.main]
    found: list[Statement] = []
    for variable in [v for v in own.scope if not v.used and v.name in {p.name for p in own.parameters}]:
        target = own.dice.one_of(targets)
        found.append(own._augment_once(target, "add", own.as_type(own.variable(variable), own.main)))
    return found


def _struct_parameter(own: FunctionSketch, of: Struct, fields: dict[str, Variable], given: str) -> str:
    """A new parameter that is a struct, whose fields lie where those of the argument do."""
    name = own.fresh()
    own.structs[name] = of
    own.parameters.append(Parameter(name, of, 0, 0))
    paths = list(leaves(of))
    telling = own.dice.some_of(range(len(paths)), own.dice.between(1, 2))
    for n, (path, field) in enumerate(paths):
        known = fields[f"{given}.{path}"]
        live = types.element_scalar(field).is_float
        variable = Variable(f"{name}.{path}", field, known.interval, mutable=True, used=n not in telling, live=live)
        own.defined.append(own.scope.add(variable))
    return name


def _measure(
    sketch: Sketch,
    own: FunctionSketch,
    name: str,
    of: Struct,
    depth: int,
    first: Sequence[Statement],
    known: Mapping[str, Expression] | None = None,
) -> Statement:
    """``y = f(b)``; the function begins with the statements `first`, and is given what is `known` of its parameters."""
    body = [*first, *own.block(own.dice.below(2), PLAIN, 1)]
    value = own.fit_local(own.give(sketch.main, depth))
    _finish(sketch, own, sketch.main, [*body, Return((value.node,))])
    arguments = _arguments(sketch, own, name, of, known or {})
    result = Variable(sketch.fresh(), sketch.main, value.interval, used=False, live=value.live)
    sketch.defined.append(sketch.scope.add(result))
    return Assign(Name(sketch.main, result.name), Call(sketch.main, own.name, arguments))


def _changed(sketch: Sketch, own: FunctionSketch, name: str, of: Struct, passed: str, spent: bool) -> Statement:
    """``c = f(b)``, or ``b = f(b)``: the function changes a copy of its argument or, if nothing reads what the caller
    has, and rarely else, the argument itself."""
    body: list[Statement] = []
    changed = passed
    if not spent and not own.dice.chance(sketch.weights.structs.argument):
        body.append(copied(own, passed, whole=True))
        changed = next(reversed(own.structs))
    body += changes(own, changed, 2) or changes(own, changed, 1)
    known = _known(own, changed, of)
    _finish(sketch, own, of, [*body, Return((Name(of, changed),))])
    call = Call(of, own.name, _arguments(sketch, own, name, of))
    if spent and own.dice.chance(AGAIN):
        _settle(sketch, name, known)
        return Assign(Name(of, name), call)
    return local(sketch, of, call, known)


def _settle(sketch: Sketch, name: str, known: Mapping[str, Known]) -> None:
    """Note what the fields of the struct called `name` are after a function changed it."""
    fields = {v.name: v for v in sketch.scope}
    for path, (interval, live) in known.items():
        field = fields[f"{name}.{path}"]
        field.interval, field.live, field.used = interval, live, field.type is BOOL


def altered(sketch: Sketch, name: str) -> Statement:
    """``f(b)``: the function is passed a reference to the struct called `name`, and changes the caller's."""
    of = sketch.structs[name]
    assert isinstance(of, Struct)
    own = _function(sketch)
    fields = {v.name: v for v in sketch.scope}
    passed = _struct_parameter(own, of, fields, name)
    own.parameters[-1] = msgspec.structs.replace(own.parameters[-1], reference=True)
    body = changes(own, passed, 2) or changes(own, passed, 1)
    statements = tuple(spelled(statement, own.structs) for statement in body)
    # behind the functions that are known already, whose variables may have its name
    function = Function(own.name, VOID, tuple(own.parameters), statements)
    sketch.callees.append(Callee(function, (), shared=True))
    sketch.called.add(own.name)
    call = Call(VOID, own.name, _arguments(sketch, own, name, of))
    _settle(sketch, name, _known(own, passed, of))
    return Evaluate(call)


def _known(own: Sketch, name: str, of: Struct) -> dict[str, Known]:
    fields = {v.name: v for v in own.scope}
    return {path: (fields[f"{name}.{path}"].interval, fields[f"{name}.{path}"].live) for path, _ in leaves(of)}


def _arguments(
    sketch: Sketch, own: FunctionSketch, name: str, of: Struct, known: Mapping[str, Expression] | None = None
) -> tuple[Expression, ...]:
    """What the function is called with: the struct, what is `known` by parameter, and a number for each other parameter
    that it came to need."""
    found: list[Expression] = []
    for parameter in own.parameters:
        if known and parameter.name in known:
            found.append(known[parameter.name])
            continue
        if isinstance(parameter.type, Struct):
            found.append(Name(of, name))
            continue
        value = sketch.expression(parameter.type, 1)
        if parameter.type is not types.BOOL:
            value = sketch.fit(value, Interval(parameter.low, parameter.high))
        found.append(value.node)
    return tuple(found)


def _finish(sketch: Sketch, own: FunctionSketch, of: Type, body: list[Statement]) -> None:
    statements = tuple(spelled(statement, own.structs) for statement in body)
    sketch.struct_functions.append(Function(own.name, of, tuple(own.parameters), statements))
