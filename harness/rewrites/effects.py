"""Rewrites that avoid defects around what branches and operands do: `harness.rewrites.base` says what a rewrite is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from harness.rewrites.base import (
    FreshNames,
    calls_one_of,
    everywhere,
    in_blocks,
    is_element,
    links_of,
    register,
    replaced,
    with_all_arguments,
    writing_functions,
)
from harness.rewrites.calls import number_within
from strategies.language.differentiation import derivatives
from strategies.language.hashing import defined_names, unused_name
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Call,
    Cast,
    Compare,
    Conditional,
    Continue,
    Element,
    Expression,
    Function,
    If,
    Literal,
    Logical,
    Name,
    Node,
    Program,
    Return,
    Statement,
    Unpack,
    View,
    While,
    rebuild,
    root,
    walk,
)
from strategies.language.types import BOOL, Array, Scalar, Struct, StructArray
from strategies.language.views import roots


@register
def convert_conditions_first(program: Program) -> Program:
    """``if todo[i]:``, where an arm changes `todo`, as ``if bool(todo[i]):``, which is read once; conditional
    expressions alike."""

    def within(owner: Program | Function) -> Any:
        parts = roots(owner)

        def change(node: Node) -> Any:
            if isinstance(node, Function):
                return within(node)
            node = rebuild(node, change)
            match node:
                case If(test=test):
                    arms: Sequence[Node] = (*node.body, *node.orelse)
                case Conditional(test=test):
                    arms = (node.then, node.otherwise)
                case _:
                    return node
            bare = test.operand if isinstance(test, Cast) and test.implied else test
            if not is_element(bare) or not _name(bare, parts).intersection(_changed(arms, parts)):
                return node
            return msgspec.structs.replace(node, test=Cast(BOOL, bare))

        return rebuild(owner, change)

    rewritten: Program = within(program)
    return rewritten


@register
def end_chains_early(program: Program) -> Program:
    """``a < b < f(c)``, where `f` changes an array, as ``a < b and b < f(c)``, in which `f` may not be called.

    Not where an operand in between is evaluated once for its effects.
    """
    writing = writing_functions(program)

    def pattern(node: Expression) -> Expression | None:
        if not isinstance(node, Compare) or not calls_one_of(writing, *node.operands[2:]):
            return None
        if calls_one_of(writing, *node.operands[1:-1]):
            return None
        return links_of(node)

    return everywhere(program, pattern) if writing else program


@register
def choose_instead_of_joining(program: Program) -> Program:
    """``a or f(y)``, where `f` changes an array, as ``True if a else f(y)``, and ``a and f(y)`` as ``f(y) if a else
    False``."""
    writing = writing_functions(program)

    def pattern(node: Expression) -> Expression | None:
        if not isinstance(node, Logical) or not calls_one_of(writing, *node.operands[1:]):
            return None
        *before, found = node.operands
        for operand in reversed(before):
            decided = Literal(BOOL, node.operator == "or")
            arms = (decided, found) if node.operator == "or" else (found, decided)
            found = Conditional(BOOL, operand, *arms)
        return found

    return everywhere(program, pattern) if writing else program


@register
def call_before_loops(program: Program) -> Program:
    """``while f(y): n += 1``, where `f` changes an array, as ``going = f(y); while going: n += 1; going = f(y)``."""
    writing = writing_functions(program)
    names = FreshNames(program)

    def change(node: Statement) -> list[Statement]:
        if not isinstance(node, While) or not calls_one_of(writing, node.test) or _continues(node.body):
            return [node]
        going = Assign(Name(BOOL, names.fresh("going")), node.test)
        again = () if isinstance(node.body[-1], Break) else (going,)
        return [going, While(going.target, (*node.body, *again))]

    return in_blocks(program, change) if writing else program


def _continues(body: Sequence[Statement]) -> bool:
    """Whether a loop with that body goes on with its next iteration from somewhere within."""
    return any(isinstance(s, Continue) or (isinstance(s, If) and _continues((*s.body, *s.orelse))) for s in body)


@register
def ask_for_gradients_in_callers(program: Program) -> Program:
    """``unused = wp.grad(f)(1.0)`` in front, in functions that call one which asks for a gradient, and do not ask for
    any."""
    names, asking = FreshNames(program), dict[str, Call]()
    functions = []
    for function in program.functions:
        calls = [node for statement in function.body for node in walk(statement) if isinstance(node, Call)]
        own = next((call for call in calls if call.derivative), None)
        through = next((asking[call.function] for call in calls if call.function in asking), None)
        if own is None and through is not None:
            of = program.function(through.function)
            asked = msgspec.structs.replace(through, arguments=tuple(map(number_within, of.parameters)), keywords=())
            unused = [Name(p.type, names.fresh("unused")) for p in of.parameters]
            first = Assign(unused[0], asked) if len(unused) == 1 else Unpack(tuple(unused), (asked,))
            function = msgspec.structs.replace(function, body=(first, *function.body))
        if (found := own or through) is not None:
            asking[function.name] = found
        functions.append(function)
    return (
        program
        if tuple(functions) == program.functions
        else msgspec.structs.replace(program, functions=tuple(functions))
    )


@register
def write_gradients_out(program: Program) -> Program:
    """``g = wp.grad(f)(x)`` in functions as ``g = slope(x)``, `slope` a function that computes what the gradient of `f`
    is said to be, and has itself a gradient of zero."""
    taken, slopes = defined_names(program), dict[str, Function]()

    def slope(call: Call, n: int) -> Call:
        function = program.function(call.function)
        parameter = function.parameters[n]
        of = parameter.type
        name = f"{function.name}.{n}"
        if name not in slopes:
            zeros = tuple(Literal(p.type, 0.0) for p in function.parameters)
            # one with a gradient of its own has no defaults
            parameters = tuple(msgspec.structs.replace(p, default=None) for p in function.parameters)
            slopes[name] = msgspec.structs.replace(
                function,
                name=unused_name(f"slope_{n}_of_{function.name}", taken),
                type=of,
                parameters=parameters,
                # a slope may ask for a gradient itself
                body=(Return((change(function.slopes[n]),)),) if function.slopes else derivatives(function)[n],
                slopes=zeros,
            )
        call = with_all_arguments(call, function)
        return msgspec.structs.replace(call, type=of, function=slopes[name].name, derivative=False)

    def written(call: Expression) -> bool:
        function = program.function(call.function) if isinstance(call, Call) and call.derivative else None
        return function is not None and bool(function.slopes or derivatives(function))

    def change(node: Node) -> Any:
        node = rebuild(node, change)
        return slope(node, 0) if isinstance(node, Call) and written(node) and isinstance(node.type, Scalar) else node

    def one(node: Statement) -> list[Statement]:
        if isinstance(node, Unpack) and len(node.values) == 1 and written(node.values[0]):
            (call,) = node.values
            assert isinstance(call, Call)
            return [Assign(target, slope(call, n)) for n, target in enumerate(node.targets)]
        changed: Statement = change(node)
        return [changed]

    functions: list[Function] = []
    for function in program.functions:
        body = replaced(function.body, one)
        known = len(functions)
        changed = function if body == function.body else msgspec.structs.replace(function, body=body)
        functions[known:] = [*(f for f in slopes.values() if f not in functions), changed]
    return msgspec.structs.replace(program, functions=tuple(functions)) if slopes else program


def _name(target: Expression, parts: Mapping[str, str]) -> set[str]:
    """The array, or the variable, that something is a part of."""
    match root(target):
        case Element(array=name) | Name(name=name) | View(array=name):
            return {parts.get(name, name).partition(".")[0]}
    return set()


def _changed(nodes: Sequence[Node], parts: Mapping[str, str]) -> set[str]:
    """The arrays and variables that statements, or calls in them, may change."""
    found: set[str] = set()
    for target in (target for node in nodes for inner in walk(node) for target in _targets(inner)):
        found |= _name(target, parts)
    return found


def _targets(node: Node) -> Iterator[Expression]:
    match node:
        case Assign(target=target) | AugmentedAssign(target=target):
            yield target
        case Unpack(targets=targets):
            yield from targets
        case Atomic(array=array, value=value):
            yield Element(value.type, array, node.indices)
        case Call(arguments=arguments):
            yield from (a for a in arguments if isinstance(a.type, Array | Struct | StructArray))
