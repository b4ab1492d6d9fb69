"""Rewrites that avoid defects around calls and tuples: see `harness.rewrites.base`, which keeps the register."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from harness.rewrites.base import (
    FreshNames,
    acts,
    everywhere,
    in_blocks,
    register,
    with_all_arguments,
    writing_functions,
)
from strategies.language.nodes import (
    Apply,
    Assign,
    Call,
    Cast,
    Component,
    Conditional,
    Construct,
    Element,
    Evaluate,
    Expression,
    Field,
    Function,
    Literal,
    Name,
    Node,
    Parameter,
    Part,
    Program,
    Return,
    Statement,
    Unpack,
    rebuild,
    root,
    walk,
)
from strategies.language.parts import all_numbers, numbers
from strategies.language.rules import bound_arguments, conversion
from strategies.language.several import called
from strategies.language.structs import renamed, with_names
from strategies.language.tuples import makes_tuples, without_tuples
from strategies.language.types import BOOL, FLOAT16, FLOAT32, INT32, VOID, Composite, Matrix, Scalar, Tuple, Vector

#: The names that kernels have for values and Warp for built-ins.
BUILT_INS_TOO: Final = frozenset(("load", "pos", "step", "trace"))


@register
def name_values_unlike_built_ins(program: Program) -> Program:
    """``pos = bodies[i]`` as ``pos_1 = bodies[i]``, for locals whose names are those of built-ins."""
    owners: tuple[Program | Function, ...] = (program, *program.functions)
    own = {n.name for owner in owners for s in owner.body for n in walk(s) if isinstance(n, Name)}
    given = {p.name.partition(".")[0] for owner in owners for p in owner.parameters}
    names = FreshNames(program)
    new = {name: names.fresh(name) for name in own & BUILT_INS_TOO - given}
    return with_names(program, new) if new else program


@register
def choose_halves(program: Program) -> Program:
    """``wp.float16(flag)`` as ``wp.float16(1.0) if flag else wp.float16(0.0)``."""
    one, zero = Literal(FLOAT16, 1.0), Literal(FLOAT16, 0.0)

    def pattern(node: Expression) -> Expression | None:
        if isinstance(node, Cast) and node.type is FLOAT16 and node.operand.type is BOOL:
            return Conditional(FLOAT16, node.operand, one, zero)
        return None

    return everywhere(program, pattern)


@register
def unpack_tuples(program: Program) -> Program:
    """``t = f(x)``, ``y = t[1]`` as ``a, b = f(x)``, ``y = b``, and ``f((x, y))`` as ``f(x, y)``."""
    if makes_tuples(program):
        return renamed(without_tuples(program))
    names = FreshNames(program)
    items: dict[str, tuple[Name, ...]] = {}
    for node in walk(program):
        if isinstance(node, Assign) and isinstance(node.target, Name) and isinstance(node.target.type, Tuple):
            kinds = node.target.type.items
            items.setdefault(node.target.name, tuple(Name(of, names.fresh("item")) for of in kinds))

    def change(node: Any) -> Any:
        match node:
            case Component(base=Name(name=name, type=Tuple()), index=Literal(value=at)) if name in items:
                return items[name][int(at)]
            case Assign(target=Name(name=name, type=Tuple()), value=value):
                return Unpack(items[name], (rebuild(value, change),))
        return rebuild(node, change)

    return change(program) if items else program


@register
def read_items_of_parameters(program: Program) -> Program:
    """``a, b = t``, where `t` is a parameter, as ``a = t[0]``, ``b = t[1]``."""
    given = {p.name for f in program.functions for p in f.parameters if isinstance(p.type, Tuple)}

    def change(node: Statement) -> list[Statement]:
        match node:
            case Unpack(values=(Name(name=name, type=Tuple() as of) as whole,)) if name in given:
                parts = (Component(item, whole, Literal(INT32, n)) for n, item in enumerate(of.items))
                return [*map(Assign, node.targets, parts)]
        return [node]

    return in_blocks(program, change) if given else program


@register
def count_items_from_the_start(program: Program) -> Program:
    """``t[-1]`` as ``t[1]``, of a tuple of two."""

    def pattern(node: Expression) -> Expression | None:
        match node:
            case Component(base=Name(type=Tuple() as of), index=Literal(value=at)) if at < 0:
                return msgspec.structs.replace(node, index=Literal(INT32, at + len(of.items)))
        return None

    return everywhere(program, pattern, (Component,))


@register
def name_numbers_of_items(program: Program) -> Program:
    """``t[1][0]`` as ``t[1].x``, and ``t[1][:2]`` as ``wp.vec2(t[1].x, t[1].y)``.

    The tuple holds a vector of two to four numbers.
    """

    def pattern(node: Expression) -> Expression | None:
        match node:
            case Component(base=Component(type=Vector() as of, base=Name(type=Tuple())), index=Literal(value=at)):
                return msgspec.structs.replace(node, attribute=True) if 0 <= at < of.length <= 4 else None
            case Part(base=Component(type=Vector() as of, base=Name(type=Tuple()))) if of.length <= 4:
                named = tuple(msgspec.structs.replace(number, attribute=True) for number in numbers(node))
                return Construct(node.type, named)
        return None

    return everywhere(program, pattern, (Component, Part))


@register
def keep_effects_apart_from_results(program: Program) -> Program:
    """``a, b = f(c, i, x)``, `f` with a replay, as ``f_1(c, i, x)``, ``a, b = f_2(c, i, x)``: its effects, its results.

    The first has the replay, and no results; the second is what was the replay, which has no effects.
    """
    names = FreshNames(program)
    apart: dict[str, tuple[Function, Function]] = {}
    for function in program.functions:
        if function.replay and len(function.results) > 1:
            effects, replay = (tuple(map(_without_results, body)) for body in (function.body, function.replay))
            changed = {"name": names.fresh(function.name), "type": VOID, "body": effects, "replay": replay}
            pure = {"name": names.fresh(function.name), "body": function.replay, "replay": ()}
            apart[function.name] = (
                msgspec.structs.replace(function, **changed),
                msgspec.structs.replace(function, **pure),
            )

    def change(node: Statement) -> list[Statement]:
        match node:
            case Unpack(values=(Call(function=name) as call,)) if name in apart:
                effect, pure = apart[name]
                for_effects = msgspec.structs.replace(call, function=effect.name, type=VOID)
                results = msgspec.structs.replace(call, function=pure.name)
                return [Evaluate(for_effects), msgspec.structs.replace(node, values=(results,))]
        return [node]

    if not apart:
        return program
    functions = tuple(part for f in program.functions for part in apart.get(f.name, (f,)))
    return in_blocks(msgspec.structs.replace(program, functions=functions), change)


def _without_results(node: Any) -> Any:
    return Return() if isinstance(node, Return) else rebuild(node, _without_results)


@register
def name_unpacked_values(program: Program) -> Program:
    """``a, b = b, x[i]`` as ``c = b``, ``d = x[i]``, ``a = c``, ``b = d``."""
    names = FreshNames(program)

    def change(node: Statement) -> list[Statement]:
        if not isinstance(node, Unpack) or len(node.values) < 2 or called(node) is not None:
            return [node]
        copies = [Name(value.type, names.fresh("value")) for value in node.values]
        values = [Cast(v.type, v) if isinstance(v, Literal) and v.type in (INT32, FLOAT32) else v for v in node.values]
        return [*map(Assign, copies, values), *map(Assign, node.targets, copies)]

    return in_blocks(program, change)


@register
def read_elements_first(program: Program) -> Program:
    """``c[i] - f(c, i)`` as ``+c[i] - f(c, i)``, where `f` changes `c`: the operator reads the element at once."""
    writing = writing_functions(program)

    def read(node: Any) -> Any:
        # a field of an element is read, and not the whole
        node = node if isinstance(node, Field) else rebuild(node, read)
        place = isinstance(node, Element) or (isinstance(node, Field) and isinstance(root(node), Element))
        return Apply(node.type, "pos", (node,)) if place and _is_number(node) else node

    def change(node: Any) -> list[Any]:
        changed = {}
        for name in _EXPRESSIONS:
            part = getattr(node, name, None)
            parts = part if isinstance(part, tuple) else (part,) if isinstance(part, Node) else ()
            if any(isinstance(n, Call) and n.function in writing for p in parts for n in walk(p)):
                changed[name] = tuple(map(read, part)) if isinstance(part, tuple) else read(part)
        return [msgspec.structs.replace(node, **changed) if changed else node]

    return in_blocks(program, change) if writing else program


#: The fields of statements that are evaluated.
_EXPRESSIONS: Final = ("value", "values", "test", "start", "stop", "step", "indices")


def _is_number(node: Expression) -> bool:
    return isinstance(node.type, Scalar | Composite) and node.type.notation != "bool"


@register
def give_generic_arguments_by_place(program: Program) -> Program:
    """``f(x, step=h)``, of a generic function, as ``f(x, h)``."""
    generic = {f.name: f for f in program.functions if any(p.generic for p in f.parameters)}

    def change(node: Node) -> Any:
        node = rebuild(node, change)
        if not isinstance(node, Call) or not node.keywords or node.function not in generic:
            return node
        given = {p.name: argument for p, argument in bound_arguments(generic[node.function], node)}
        arguments = tuple(given[p.name] for p in generic[node.function].parameters)
        return msgspec.structs.replace(node, arguments=arguments, keywords=())

    found: Program = change(program)
    return found


@register
def make_spatial_vectors_of_numbers(program: Program) -> Program:
    """``wp.spatial_vector(a, b)``, not of float32, of the six numbers of both."""
    writing = writing_functions(program)

    def pattern(node: Expression) -> Expression | None:
        if not isinstance(node, Construct) or not isinstance(node.type, Vector):
            return None
        if not all(isinstance(part.type, Vector) for part in node.arguments) or len(node.arguments) != 2:
            return None
        of = node.type.dtype
        if of is FLOAT32 or any(isinstance(n, Call) and n.function in writing for n in walk(node)):
            return None
        return Construct(node.type, tuple(part for half in node.arguments for part in all_numbers(half)))

    return everywhere(program, pattern)


@register
def convert_numbers_to_halves(program: Program) -> Program:
    """``wp.mat22h(m)``, of a matrix of another type, of its numbers, each converted."""
    return _convert_numbers(program, lambda of, source: isinstance(of, Matrix) and of.dtype is FLOAT16)


@register
def cut_numbers_off(program: Program) -> Program:
    """``wp.vec3i(v)``, of a vector of floats, of its numbers, each cut off."""
    return _convert_numbers(program, lambda of, source: of.dtype.is_integer and source.dtype.is_float)


def _convert_numbers(program: Program, concerned: Callable[[Composite, Composite], bool]) -> Program:
    """Conversions of several numbers at once, of those types that are `concerned`, number by number."""
    writing = writing_functions(program)

    def pattern(node: Expression) -> Expression | None:
        source = conversion(node)
        if source is None or not isinstance(source.type, Composite) or source.type is node.type:
            return None
        assert isinstance(node.type, Composite)
        if not concerned(node.type, source.type) or any(acts(part, writing) for part in walk(source)):
            return None
        return Construct(node.type, tuple(Cast(node.type.dtype, part) for part in all_numbers(source)))

    return everywhere(program, pattern)


@register
def call_differentiated_functions(program: Program) -> Program:
    """``g = wp.grad(f)(x)``, where `f` has a gradient of its own, behind a call of it with numbers."""
    calls = [node for node in walk(program) if isinstance(node, Call) and node.derivative]
    added: list[Statement] = []
    for name in dict.fromkeys(call.function for call in calls):
        function = program.function(name)
        if function.own_gradient and all(isinstance(p.type, Scalar) for p in function.parameters):
            called = Evaluate(Call(function.type, name, tuple(map(number_within, function.parameters))))
            added += [] if called in program.body else [called]
    if not added:
        return program
    return msgspec.structs.replace(program, body=(*program.body[:1], *added, *program.body[1:]))


@register
def give_defaults_to_gradients(program: Program) -> Program:
    """``wp.grad(f)(x)``, of a function with a default, as ``wp.grad(f)(x, 2.0)``."""

    def pattern(node: Expression) -> Expression | None:
        if not isinstance(node, Call) or not node.derivative:
            return None
        function = program.function(node.function)
        return None if len(node.arguments) == len(function.parameters) else with_all_arguments(node, function)

    return everywhere(program, pattern, (Call,))


def number_within(parameter: Parameter) -> Literal:
    """A number that a function may be given."""
    assert isinstance(parameter.type, Scalar)
    if parameter.type.kind == "bool":
        return Literal(parameter.type, False)
    middle = (parameter.low + parameter.high) / 2
    return Literal(parameter.type, middle if parameter.type.is_float else int(middle))
