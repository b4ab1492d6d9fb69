"""Parameters that are references: what a caller may pass for one, and a program without them that means the same.

A function that changes what it is passed is one that returns it, beside its results, and whose caller assigns it:
``advance(x, h)`` means ``x = advance(x, h)``.  That is so because nothing else stands for what is passed while the
function runs, which is checked.  Warp builds the other program; the reference and the analysis of limits see this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Call,
    Component,
    Constant,
    Element,
    Evaluate,
    Expression,
    Field,
    For,
    Function,
    Literal,
    Name,
    Node,
    Program,
    Return,
    Statement,
    Static,
    Target,
    Unpack,
    View,
    names_in,
    rebuild,
    walk,
)
from strategies.language.remembered import remembered
from strategies.language.rules import bound_arguments, require, returns
from strategies.language.rules import fixed as known_number
from strategies.language.types import Array, Composite, Scalar, Struct, Type
from strategies.language.views import arrays_named, roots

#: What Warp keeps as a number that it knows, and not as a variable whose address can be passed.
_CONSTANT: Final = (Literal, Constant, Static)


@remembered
def has_references(program: Program) -> bool:
    """Whether a function has a parameter that is a reference."""
    return any(referring(function) for function in program.functions)


def referring(function: Function) -> bool:
    """Whether a parameter of `function` is a reference."""
    return any(p.reference for p in function.parameters)


def without_references(program: Program) -> Program:
    """`program`, which has no structs, with what is changed returned; the same object if it has no references."""
    if not has_references(program):
        return program
    known = {f.name: f for f in program.functions if referring(f)}
    functions = tuple(_giving_back(f, known) for f in program.functions)
    return msgspec.structs.replace(program, functions=functions, body=_block(program.body, known))


def _giving_back(function: Function, known: Mapping[str, Function]) -> Function:
    """`function`, which returns its references behind its results."""
    body = _block(function.body, known)
    if not referring(function):
        return msgspec.structs.replace(function, body=body)
    own = tuple(Name(p.type, p.name) for p in function.parameters if p.reference)

    def change(node: Node) -> Any:
        return Return((*node.values, *own)) if isinstance(node, Return) else rebuild(node, change)

    body = tuple(map(change, body))
    return msgspec.structs.replace(
        function,
        type=_result(function),
        parameters=tuple(msgspec.structs.replace(p, reference=False) for p in function.parameters),
        body=body if returns(body) else (*body, Return(own)),
    )


def _result(function: Function) -> Type:
    found = (*function.results, *(p.type for p in function.parameters if p.reference))
    return found[0] if len(found) == 1 else types.tuple_of(found)


def _block(body: Sequence[Statement], known: Mapping[str, Function]) -> tuple[Statement, ...]:
    def change(node: Node) -> Any:
        call = _called(node)
        if call is None or call.function not in known:
            return rebuild(node, change)
        function = known[call.function]
        targets: tuple[Any, ...] = (*_targets(node), *_passed(function, call))
        value = msgspec.structs.replace(call, type=_result(function))
        return Assign(targets[0], value) if len(targets) == 1 else Unpack(targets, (value,))

    return tuple(map(change, body))


def _called(node: Node) -> Call | None:
    """The call that is all that a statement evaluates."""
    match node:
        case Evaluate(value=Call() as call) | Assign(value=Call() as call) | Unpack(values=(Call() as call,)):
            return call
    return None


def _targets(node: Node) -> tuple[Target, ...]:
    match node:
        case Assign(target=target):
            return (target,)
        case Unpack(targets=targets):
            return targets
    return ()


def _passed(function: Function, call: Call) -> list[Expression]:
    """What a call gives for the references, in the order of the parameters."""
    bound = {p.name: argument for p, argument in bound_arguments(function, call)}
    return [bound[p.name] for p in function.parameters if p.reference]


# ---------------------------------------------------------------- what may be passed


def check_references(program: Program) -> None:
    """Raise `IllFormed` where a call passes what no reference can be to, or the same thing twice.

    A kernel that calls such functions is built without a backward pass: Warp has none for them, and says so.
    """
    if not has_references(program):
        return
    options = program.options
    require(options is not None and options.enable_backward is False, "references are passed, and there is a gradient")
    for function in program.functions:
        if referring(function):
            _check_function(function)
    functions = {f.name: f for f in program.functions}
    owners: tuple[Program | Function, ...] = (program, *program.functions)
    for owner in owners:
        alone = {id(call) for s in owner.body for node in walk(s) if (call := _called(node)) is not None}
        for statement in (node for s in owner.body for node in walk(s)):
            if isinstance(statement, Call) and referring(functions[statement.function]):
                require(id(statement) in alone, f"{statement.function!r} changes what it is passed, in an expression")
            call = _called(statement)
            if call is not None and referring(functions[call.function]):
                _check_call(owner, functions[call.function], statement, call)


def _check_function(function: Function) -> None:
    plain = not (function.passed or function.closure or function.replay or function.own_gradient)
    require(plain, f"{function.name!r} has references, and more than a body")
    for parameter in function.parameters:
        of = parameter.type
        if parameter.reference:
            whole = isinstance(of, Struct) and not any(isinstance(field, Array) for _, field in of.fields)
            require(whole or isinstance(of, Scalar | Composite), f"{parameter.name!r} is a reference to no value")
            rest = parameter.default is None and parameter.generic is None and not parameter.output
            require(rest, f"{parameter.name!r}, a reference, is more than that")
    for node in (n for s in function.body for n in walk(s)):
        if isinstance(node, Return):
            require(len(node.values) == len(function.results), f"{function.name!r} returns a tuple as it is")


def _check_call(owner: Program | Function, function: Function, statement: Node, call: Call) -> None:
    require(not (call.derivative or call.folds or call.given), f"{call.function!r} is called in another manner")
    passed = _passed(function, call)
    places = [_root(argument) for argument in passed]
    names = {root.array if isinstance(root, Element) else root.name for root in places}
    require(len(names) == len(places), f"{call.function!r} is passed one thing twice")
    for argument in passed:
        require(not names & names_in(_indices(argument)), f"{call.function!r} changes where its argument is")
    wholes = roots(owner)
    given = {arrays_named(argument) or "" for argument in call.arguments if isinstance(argument.type, Array)}
    arrays = {wholes.get(name, name) for name in given}
    elements = {wholes.get(place.array, place.array) for place in places if isinstance(place, Element)}
    require(not arrays & elements, f"{call.function!r} takes the array that its reference is into")
    for target in _targets(statement):
        require(isinstance(target, Name) and target.name not in names, "a result is assigned to what is passed")
    for root in places:
        if isinstance(root, Name):
            require(root.name in _variables(owner), f"{root.name!r} is no variable that can be passed")


def _root(argument: Expression) -> Name | Element:
    """The variable, or the element, that an argument is, or is a part of."""
    found = argument
    while isinstance(found, Component | Field):
        require(not isinstance(found, Component) or not found.starred, "a reference is unpacked")
        found = found.base
    require(isinstance(found, Name | Element), "a reference is passed what has no place")
    assert isinstance(found, Name | Element)
    return found


def _indices(argument: Expression) -> Iterator[Expression]:
    """What tells which part is passed."""
    found = argument
    while isinstance(found, Component | Field):
        if isinstance(found, Component):
            yield from (part for part in (found.index, found.column) if part is not None)
        found = found.base
    if isinstance(found, Element):
        yield from found.indices


def _variables(owner: Program | Function) -> set[str]:
    """The variables that are no more than that: none is a loop's, or is given a number that Warp knows."""
    nodes = [node for s in owner.body for node in walk(s)]
    found = {p.name for p in owner.parameters if isinstance(owner, Function) and p.reference}
    fixed = {node.name for node in nodes if isinstance(node, For)}
    for node in nodes:
        values = (node.value,) if isinstance(node, Assign) else node.values if isinstance(node, Unpack) else ()
        for n, target in enumerate(_targets(node)):
            if isinstance(target, Name):
                found.add(target.name)
                value = values[n if len(values) > 1 else 0]
                constant = isinstance(value, (*_CONSTANT, View)) or known_number(value) is not None
                if constant and target.name not in {p.name for p in owner.parameters}:
                    fixed.add(target.name)
    return found - fixed
