"""Two spellings of one meaning, which need no reference to be compared.

A respelling is a function from program to program, as the rewrites of known issues are, and returns the very same
program where it finds nothing to respell.  Results must agree to the bit: the same operations are applied to the same
values in the same order.  Gradients may be summed in another order, so they are held against the reference, where
neither spelling is outside of a documented limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np

from harness.jobs import BuildOptions, Versions
from harness.oracle.expectation import TRAITS, Expectation
from harness.probes.probe import Probed, Ran, bits_differ, misjudged, not_run
from harness.sandbox import Sandbox
from harness.shrink.tree import assigned, names_of, variables_of
from harness.verdict import FailureKind
from harness.verify import jobs
from strategies.language.check import check_program
from strategies.language.generics import apart
from strategies.language.hashing import defined_names, unused_name
from strategies.language.limits import Limit, crossed
from strategies.language.manners import in_brackets
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Cast,
    Conditional,
    Element,
    Extent,
    For,
    Function,
    If,
    Literal,
    Name,
    Node,
    Parameter,
    Program,
    Return,
    Statement,
    While,
    rebuild,
    root,
    walk,
)
from strategies.language.references import referring
from strategies.language.rules import IllFormed
from strategies.language.tiles import is_tiled
from strategies.language.types import INT32, Array, Scalar, Tuple
from strategies.ops import overload, result_type

Respelling = Callable[[Program], Program]
Body = tuple[Statement, ...]
#: What a statement of the kernel's body becomes, or None to leave it; blocks in it have been respelled before.
Pattern = Callable[[Statement], Sequence[Statement] | None]


def _blocks(body: Body, change: Callable[[Body], Body]) -> Body:
    """A body with `change` applied to every block in it, the innermost first."""
    found: list[Statement] = []
    for node in body:
        match node:
            case If():
                node = msgspec.structs.replace(
                    node, body=_blocks(node.body, change), orelse=_blocks(node.orelse, change)
                )
            case For() | While():
                node = msgspec.structs.replace(node, body=_blocks(node.body, change))
        found.append(node)
    return change(tuple(found))


def _each(program: Program, pattern: Pattern) -> Program:
    """`program` with `pattern` applied to every statement of the kernel; the same object if nothing changed."""

    def change(body: Body) -> Body:
        found: list[Statement] = []
        for node in body:
            new = pattern(node)
            found += [node] if new is None else new
        return tuple(found)

    body = _blocks(program.body, change)
    return program if body == program.body else msgspec.structs.replace(program, body=body)


def update_as_assignment(program: Program) -> Program:
    """``x += y`` of a local as ``x = x + y``."""

    def pattern(node: Statement) -> Sequence[Statement] | None:
        if not isinstance(node, AugmentedAssign) or not isinstance(root(node.target), Name):
            return None
        target = node.target
        return [Assign(target, Apply(target.type, node.operator, (target, node.value)))]

    return _each(program, pattern)


def conditional_as_branch(program: Program) -> Program:
    """``x = a if c else b`` as an ``if`` with two arms."""

    def pattern(node: Statement) -> Sequence[Statement] | None:
        match node:
            case Assign(target=Name() as target, value=Conditional(test=test, then=then, otherwise=otherwise)):
                if isinstance(then, Literal) or isinstance(otherwise, Literal):
                    # A bare literal in an arm is a constant to Warp, and merging constants is another matter.
                    then, otherwise = (Cast(e.type, e) if isinstance(e, Literal) else e for e in (then, otherwise))
                return [If(test, (Assign(target, then),), (Assign(target, otherwise),))]
        return None

    return _each(program, pattern)


def bound_as_parameter(program: Program) -> Program:
    """``range(4)`` as ``range(count)``, `count` a parameter of the kernel; the first loop with a constant bound."""
    name = unused_name("count", defined_names(program))
    bound: list[int] = []

    def pattern(node: Statement) -> Sequence[Statement] | None:
        if bound or not isinstance(node, For) or not isinstance(node.stop, Literal):
            return None
        bound.append(int(node.stop.value))
        return [msgspec.structs.replace(node, stop=Name(INT32, name))]

    respelled = _each(program, pattern)
    if not bound:
        return program
    return msgspec.structs.replace(
        respelled, parameters=(*program.parameters, Parameter(name, INT32, bound[0], bound[0]))
    )


def call_in_place(program: Program) -> Program:
    """``x = f(a)`` as the body of `f`, where that ends in its only ``return`` and changes no parameter."""
    taken = set(defined_names(program))

    def fresh(base: str) -> str:
        name = unused_name(base, taken)
        taken.add(name)
        return name

    def pattern(node: Statement) -> Sequence[Statement] | None:
        if not isinstance(node, Assign) or not isinstance(node.value, Call) or isinstance(node.value.type, Tuple):
            return None
        call, function = node.value, program.function(node.value.function)
        plain = not call.derivative and not call.keywords and len(call.arguments) == len(function.parameters)
        if not plain or not _straight(function):
            return None
        names: dict[str, str] = {}
        before: list[Statement] = []
        for parameter, argument in zip(function.parameters, call.arguments, strict=True):
            if isinstance(argument.type, Array):
                if not isinstance(argument, Name):
                    return None
                names[parameter.name] = argument.name
                continue
            names[parameter.name] = fresh(parameter.name)
            value = Cast(argument.type, argument) if isinstance(argument, Literal) else argument
            before.append(Assign(Name(argument.type, names[parameter.name]), value))
        for inner in walk(function):
            for name in _defined(inner):
                names.setdefault(name, fresh(name))
        *rest, last = (_renamed(statement, names) for statement in function.body)
        return [*before, *rest, Assign(node.target, last.values[0])]

    return _each(program, pattern)


#: The nodes whose names `_renamed` knows how to change.
_RENAMED: Final = (Name, Element, Extent, Atomic, For)


def _straight(function: Function) -> bool:
    """Whether a function's body can stand in the place of a call: it may have no gradient or replay of its own."""
    last = function.body[-1]
    returns = [node for node in walk(function) if isinstance(node, Return)]
    own = {parameter.name for parameter in function.parameters}
    named = {id(n) for n in walk(function) if names_of(n) and not isinstance(n, (*_RENAMED, Parameter, Function, Call))}
    return (
        isinstance(last, Return)
        and len(last.values) == 1
        and returns == [last]
        and not named
        and not own & (assigned(function.body) | _advanced(function))
        and not function.own_gradient
        and not function.replay
        and not referring(function)
        and all(isinstance(p.type, Scalar | Array) for p in function.parameters)
    )


def _advanced(node: Node) -> set[str]:
    """The variables whose random state is advanced in `node`, which is to say written."""
    return {
        inner.arguments[0].name
        for inner in walk(node)
        if isinstance(inner, Apply) and inner.arguments and isinstance(inner.arguments[0], Name) and not is_tiled(inner)
        if overload(inner.op, [argument.type for argument in inner.arguments]).advances
    }


def _defined(node: Node) -> list[str]:
    return [node.name] if isinstance(node, For) else variables_of(node)


def _renamed(node: Any, names: dict[str, str]) -> Any:
    def change(inner: Node) -> Node:
        inner = rebuild(inner, change)
        match inner:
            case Name() | For():
                return msgspec.structs.replace(inner, name=names.get(inner.name, inner.name))
            case Element() | Extent() | Atomic():
                return msgspec.structs.replace(inner, array=names.get(inner.array, inner.array))
        return inner

    return change(node)


def element_as_copy(program: Program) -> Program:
    """``x = a[i]``, which Warp keeps as a reference, as ``x = wp.float32(a[i])``, which is a copy."""

    def pattern(node: Statement) -> Sequence[Statement] | None:
        match node:
            case Assign(target=Name(), value=Element(type=Scalar()) as element):
                return [msgspec.structs.replace(node, value=Cast(element.type, element))]
        return None

    return _each(program, pattern)


def statements_swapped(program: Program) -> Program:
    """Two assignments to locals that follow each other, and do not read what the other writes, in the other order.

    What draws from a random state writes that state.
    """

    def change(body: Body) -> Body:
        found = list(body)
        n = 0
        while n + 1 < len(found):
            if _independent(found[n], found[n + 1]):
                found[n], found[n + 1] = found[n + 1], found[n]
                n += 1
            n += 1
        return tuple(found)

    body = _blocks(program.body, change)
    return program if body == program.body else msgspec.structs.replace(program, body=body)


def _independent(one: Statement, other: Statement) -> bool:
    match one, other:
        case Assign(target=Name(name=first)), Assign(target=Name(name=second)):
            values = one.value, other.value
        case _:
            return False
    if any(isinstance(node, Call) for value in values for node in walk(value)):
        return False
    reads = [{name for node in walk(value) for name in names_of(node)} for value in values]
    writes = [{name, *_advanced(value)} for name, value in zip((first, second), values, strict=True)]
    return not writes[0] & (reads[1] | writes[1]) and not writes[1] & reads[0]


@dataclass(frozen=True)
class Metamorphic:
    """A second spelling of programs."""

    name: str
    respell: Respelling

    def unavailable(self, versions: Versions) -> str | None:
        """A spelling can be had everywhere."""
        return None

    def other(self, program: Program) -> Program:
        """`program` in the second spelling; the same object where there is none."""
        alone = apart(program)
        respelled = self.respell(alone)
        if respelled is alone:
            return program
        try:
            check_program(respelled, result_type)
        except IllFormed:
            return program
        return respelled

    def expected(self, expectation: Expectation) -> Expectation:
        """What is expected of the second spelling: the same, on the same inputs, within the limits of both."""
        program = self.other(expectation.program)
        bounds = program.parameters[len(expectation.program.parameters) :]
        more = {p.name: np.array([p.low], np.int32) for p in bounds}
        nonfinite = expectation.nonfinite
        if nonfinite is not None:
            nonfinite = replace(nonfinite, inputs={**nonfinite.inputs, **more})
        limits = {*expectation.limits, *crossed(program, TRAITS)}
        return replace(
            expectation,
            program=program,
            inputs={**expectation.inputs, **more},
            special_inputs={**expectation.special_inputs, **more},
            nonfinite=nonfinite,
            limits=tuple(limit for limit in Limit if limit in limits),
        )

    def apply(self, given: Sequence[Ran], sandbox: Sandbox) -> list[Probed]:
        """Build and run the programs that have a second spelling."""
        expected = [self.expected(ran.expectation) for ran in given]
        respelled = [n for n, e in enumerate(expected) if e.program is not given[n].expectation.program]
        options = BuildOptions(optimization_level=0)
        results = sandbox.run(jobs([expected[n] for n in respelled]), options) if respelled else []
        found = [Probed()] * len(given)
        kind = FailureKind.METAMORPHIC_MISMATCH
        for n, result in zip(respelled, results, strict=True):
            failure = (
                not_run(kind, self.name, result)
                or bits_differ(kind, self.name, given[n], expected[n], result, gradients=False)
                or misjudged(kind, self.name, expected[n], result)
            )
            found[n] = Probed(failure, True, result.cpp)
        return found


METAMORPHIC: Final = (
    Metamorphic("update as assignment", update_as_assignment),
    Metamorphic("conditional as branch", conditional_as_branch),
    Metamorphic("bound as parameter", bound_as_parameter),
    Metamorphic("call in place", call_in_place),
    Metamorphic("element as copy", element_as_copy),
    Metamorphic("statements swapped", statements_swapped),
    Metamorphic("element of part", in_brackets),
)

SPELLINGS: Final = {spelling.name: spelling for spelling in METAMORPHIC}
