"""What a rewrite is, and what they all stand on.

A rewrite keeps a program's meaning and avoids one defect of Warp.  It returns the very same program if there is
nothing to change.  To add one, write a function from program to program (`everywhere` does the walking), register
it, and name it in `known_issues.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import wraps
from typing import Final, TypeAlias

import msgspec

from strategies.language.effects import function_effects
from strategies.language.hashing import defined_names
from strategies.language.manners import settled
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Cast,
    Compare,
    Conditional,
    Construct,
    Element,
    Expression,
    Field,
    Function,
    Literal,
    Logical,
    Name,
    Node,
    Program,
    Statement,
    rebuild,
    root,
    walk,
)
from strategies.language.rules import bound_arguments
from strategies.language.tiles import is_tiled
from strategies.language.types import (
    BOOL,
    INT32,
    Scalar,
    Type,
    Vector,
)
from strategies.ops import overload

Rewrite: TypeAlias = Callable[[Program], Program]
#: What an expression becomes, or None to leave it; its parts have been rewritten before.
Pattern: TypeAlias = Callable[[Expression], Expression | None]
#: What a statement becomes: itself alone to leave it.
Replacement: TypeAlias = Callable[[Statement], list[Statement]]

REWRITES: Final[dict[str, Rewrite]] = {}
#: Expressions that are computed; names, literals and array elements may be targets.
_COMPUTED: Final = (Apply, Compare, Logical, Cast, Construct, Conditional)


def register(rewrite: Rewrite) -> Rewrite:
    """Make a rewrite known by its function's name."""

    @wraps(rewrite)
    def settling(program: Program) -> Program:
        return settled(rewrite(program))

    REWRITES[rewrite.__name__] = settling
    return rewrite


def everywhere(program: Program, pattern: Pattern, kinds: tuple[type[Expression], ...] = _COMPUTED) -> Program:
    """`program` with `pattern` applied to every expression of those `kinds`, from the leaves up."""

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        return pattern(node) or node if isinstance(node, kinds) else node

    rewritten: Program = rebuild(program, change)
    return rewritten


def with_all_arguments(call: Call, function: Function) -> Call:
    """`call` with an argument for each parameter, in their order."""
    given = {parameter.name: argument for parameter, argument in bound_arguments(function, call)}
    return msgspec.structs.replace(call, arguments=tuple(given[p.name] for p in function.parameters), keywords=())


def bodies(program: Program, change: Callable[[Program | Function], tuple[Statement, ...]]) -> Program:
    """`program` with the bodies that `change` gives its kernel and its functions."""
    functions = tuple(
        f if (body := change(f)) == f.body else msgspec.structs.replace(f, body=body) for f in program.functions
    )
    body = change(program)
    if body == program.body and functions == program.functions:
        return program
    return msgspec.structs.replace(program, body=body, functions=functions)


def replaced(body: tuple[Statement, ...], change: Replacement) -> tuple[Statement, ...]:
    """`body` with what `change` puts in the place of each statement, innermost first."""

    def with_blocks(node: Statement) -> Statement:
        blocks = {name: block for name in ("body", "orelse") if (block := getattr(node, name, ()))}
        changed = {name: new for name, old in blocks.items() if (new := replaced(old, change)) != old}
        return msgspec.structs.replace(node, **changed) if changed else node

    return tuple(new for statement in body for new in change(with_blocks(statement)))


def in_blocks(program: Program, change: Replacement) -> Program:
    """`program` with what `change` puts in the place of each statement of its kernel and functions, innermost first."""
    return bodies(program, lambda owner: replaced(owner.body, change))


def within(owner: Program | Function) -> Iterator[Node]:
    """The nodes in the body of a kernel or a function."""
    for statement in owner.body:
        yield from walk(statement)


def is_element(node: Expression) -> bool:
    """Whether an expression is an array element, or a part of one or of a struct: Warp loads those when it must."""
    return isinstance(root(node), Element) or isinstance(node, Field)


def calls_one_of(names: Collection[str], *nodes: Expression) -> bool:
    """Whether a call in one of `nodes` is of one of the functions `names`."""
    return any(isinstance(inner, Call) and inner.function in names for node in nodes for inner in walk(node))


def writing_functions(program: Program) -> frozenset[str]:
    """The functions that change an array that they are given."""
    return frozenset(name for name, found in function_effects(program).items() if found.written)


def acts(node: Node, writing: Collection[str]) -> bool:
    """Whether an operation does more than give its value, so that it must not be done again; functions do that are
    among `writing`."""
    if isinstance(node, Call):
        return node.function in writing
    if isinstance(node, Atomic):
        return True
    return isinstance(node, Apply) and not is_tiled(node) and bool(overload(node.op, node.argument_types).advances)


def links_of(chain: Compare) -> Expression:
    """``a < b < c`` as ``a < b and b < c``, in which `b` is evaluated twice."""
    links = zip(chain.operators, chain.operands, chain.operands[1:], strict=False)
    return Logical(BOOL, "and", tuple(Compare(BOOL, (operator,), (a, b)) for operator, a, b in links))


def zero_of(of: Type) -> Expression:
    """A zero of a scalar or vector type that a variable may start with."""
    if isinstance(of, Vector):
        return Construct(of, ())
    assert isinstance(of, Scalar)
    zero = Literal(of, False if of.kind == "bool" else 0.0 if of.is_float else 0)
    return Cast(of, zero) if of.notation in ("float32", "int32") else zero


def holds(flag: Name, value: int) -> Expression:
    return Compare(BOOL, ("==",), (flag, Literal(INT32, value)))


def assigned_in(loop: Node) -> set[str]:
    """The locals that statements of a loop assign, whole."""
    return {
        node.target.name
        for node in walk(loop)
        if isinstance(node, Assign | AugmentedAssign) and isinstance(node.target, Name)
    }


class FreshNames:
    """Names that a program does not use."""

    def __init__(self, program: Program) -> None:
        self._taken = set(defined_names(program))

    def fresh(self, base: str) -> str:
        """`base` with a number that makes it new."""
        number = 1
        while f"{base}_{number}" in self._taken:
            number += 1
        self._taken.add(f"{base}_{number}")
        return f"{base}_{number}"
