"""Functions over structs: that measure one, make one, or change one and give it back."""

from __future__ import annotations

import msgspec

from strategies.calls import Callee
from strategies.functions import PLAIN, FunctionSketch
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Call,
    Evaluate,
    Expression,
    Function,
    Name,
    Parameter,
    Return,
    Statement,
)
from strategies.language.structs import leaves
from strategies.language.types import BOOL, VOID, Array, Scalar, Struct
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.structs import Known, changes, constructed, copied, local, spelled


def call(sketch: Sketch, name: str, depth: int) -> Statement | None:
    """A statement that gives the struct called `name` to a new function: for a number, or for a struct."""
    of = sketch.structs[name]
    if not isinstance(of, Struct) or any(isinstance(field, Array) for _, field in leaves(of)):
        return None
    own = FunctionSketch(sketch)
    own.calls = 0
    own.scope.taken |= {f.name for f in sketch.struct_functions}
    passed = _struct_parameter(own, of, {v.name: v for v in sketch.scope}, name)
    if sketch.dice.chance(45):
        if not sketch.dice.chance(sketch.weights.structs.argument):
            for variable in own.scope:
                variable.mutable = False
        return _measure(sketch, own, name, of, depth)
    return _changed(sketch, own, name, of, passed)


def maker(sketch: Sketch, of: Struct, depth: int) -> Statement:
    """``b = f(x, y)``: a struct that a function makes."""
    own = FunctionSketch(sketch)
    own.calls = 0
    own.scope.taken |= {f.name for f in sketch.struct_functions}
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


def _measure(sketch: Sketch, own: FunctionSketch, name: str, of: Struct, depth: int) -> Statement:
    """``y = f(b)``."""
    body = own.block(own.dice.below(2), PLAIN, 1)
    value = own.fit_local(own.give(sketch.main, depth))
    _finish(sketch, own, sketch.main, [*body, Return((value.node,))])
    arguments = _arguments(sketch, own, name, of)
    result = Variable(sketch.fresh(), sketch.main, value.interval, used=False, live=value.live)
    sketch.defined.append(sketch.scope.add(result))
    return Assign(Name(sketch.main, result.name), Call(sketch.main, own.name, arguments))


def _changed(sketch: Sketch, own: FunctionSketch, name: str, of: Struct, passed: str) -> Statement:
    """``c = f(b)``: the function changes a copy of its argument or, rarely, the argument itself."""
    body: list[Statement] = []
    changed = passed
    if not own.dice.chance(sketch.weights.structs.argument):
        body.append(copied(own, passed, whole=True))
        changed = next(reversed(own.structs))
    body += changes(own, changed, 2) or changes(own, changed, 1)
    known = _known(own, changed, of)
    _finish(sketch, own, of, [*body, Return((Name(of, changed),))])
    arguments = _arguments(sketch, own, name, of)
    return local(sketch, of, Call(of, own.name, arguments), known)


def altered(sketch: Sketch, name: str) -> Statement:
    """``f(b)``: the function is passed a reference to the struct called `name`, and changes the caller's."""
    of = sketch.structs[name]
    assert isinstance(of, Struct)
    own = FunctionSketch(sketch)
    own.calls = 0
    own.scope.taken |= {f.name for f in sketch.struct_functions}
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
    for path, (interval, live) in _known(own, passed, of).items():
        field = fields[f"{name}.{path}"]
        field.interval, field.live, field.used = interval, live, field.type is BOOL
    return Evaluate(call)


def _known(own: Sketch, name: str, of: Struct) -> dict[str, Known]:
    fields = {v.name: v for v in own.scope}
    return {path: (fields[f"{name}.{path}"].interval, fields[f"{name}.{path}"].live) for path, _ in leaves(of)}


def _arguments(sketch: Sketch, own: FunctionSketch, name: str, of: Struct) -> tuple[Expression, ...]:
    """What the function is called with: the struct, and a number for each parameter that it came to need."""
    found: list[Expression] = []
    for parameter in own.parameters:
        if isinstance(parameter.type, Struct):
            found.append(Name(of, name))
            continue
        value = sketch.expression(parameter.type, 1)
        if parameter.type is not types.BOOL:
            value = sketch.fit(value, Interval(parameter.low, parameter.high))
        found.append(value.node)
    return tuple(found)


def _finish(sketch: Sketch, own: FunctionSketch, of: Struct | Scalar, body: list[Statement]) -> None:
    statements = tuple(spelled(statement, own.structs) for statement in body)
    sketch.struct_functions.append(Function(own.name, of, tuple(own.parameters), statements))
