"""The typed tree, as the edits of the reducer see it: walked quickly, and changed in one place at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from strategies.language.kept import keeps
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Cast,
    Compare,
    Component,
    Conditional,
    Constant,
    Construct,
    Element,
    Expression,
    Extent,
    Field,
    For,
    Function,
    IndexedParameter,
    Literal,
    Logical,
    Name,
    Node,
    Parameter,
    Part,
    Program,
    Return,
    Statement,
    Static,
    StructParameter,
    Target,
    ThreadIndex,
    TileStore,
    Unpack,
    View,
    rebuild,
    root,
    size,
    walk,
)
from strategies.language.several import called

Body: TypeAlias = tuple[Statement, ...]


#: The program, its output, ``i = wp.tid()`` and ``out[i] = …``: what every kernel has.
BARE: Final = 6


def beyond_bare(program: Program) -> int:
    """The nodes of a reduced program that are there for its defect."""
    return size(program) - BARE


def names_of(node: Node) -> tuple[str, ...]:
    match node:
        case Parameter() | Name() | For() | StructParameter() | IndexedParameter():
            return (node.name.partition(".")[0],)
        case ThreadIndex():
            return node.names
        case Element() | Extent() | View() | Atomic() | TileStore():
            return (node.array.partition(".")[0],)
        case Call() | Function():
            return (node.function if isinstance(node, Call) else node.name,)
    return ()


def all_names(program: Program) -> set[str]:
    return {name for node in walk(program) for name in names_of(node)} | {program.name}


def assigned(body: Iterable[Node]) -> set[str]:
    """The variables that statements give a value."""
    return {name for statement in body for node in walk(statement) for name in variables_of(node)}


def variables_of(node: Node) -> list[str]:
    """The variables that a statement itself, not one within it, gives a value."""
    return [found.name for target in targets_of(node) if isinstance(found := root(target), Name)]


def targets_of(node: Node) -> tuple[Target, ...]:
    """What a statement assigns."""
    match node:
        case Assign() | AugmentedAssign():
            return (node.target,)
        case Atomic(result=Name() as result):
            return (result,)
        case Unpack():
            return node.targets
    return ()


def with_body(program: Program, owner: Program | Function, body: Body) -> Program:
    """`program` with another body of its kernel, or of one of its functions."""
    if isinstance(owner, Program):
        return msgspec.structs.replace(program, body=body)
    new = msgspec.structs.replace(owner, body=body)
    return msgspec.structs.replace(program, functions=tuple(new if f is owner else f for f in program.functions))


def with_replays(program: Program) -> Program:
    """`program` with the replay of each function that has one what the function does but for its stores.

    Whatever else it were, the backward pass would see other values than the forward pass had.
    """

    def replay(function: Function) -> Body:
        match function.replay:
            case (Return(values=(Element(),)),):
                # it gives what the function kept, if that is what it still does
                return function.replay if keeps(function) else ()
        return without(function.body, lambda s: bool(stored_in(s)))

    found = tuple(with_fields(f, replay=replay(f)) if f.replay else f for f in program.functions)
    changed: Program = with_fields(program, functions=found)
    return changed


def stored_in(statement: Statement) -> set[str]:
    """The arrays that a statement itself, not one within it, stores in."""
    if isinstance(statement, Atomic | TileStore):
        return {statement.array}
    return {found.array for target in targets_of(statement) if isinstance(found := root(target), Element)}


def without(body: Body, unwanted: Callable[[Statement], bool]) -> Body:
    """`body` without the statements that are `unwanted`, at any depth."""
    kept = []
    for statement in body:
        if not unwanted(statement):
            blocks = {name: without(getattr(statement, name), unwanted) for name in _BLOCKS if hasattr(statement, name)}
            kept.append(with_fields(statement, **blocks))
    return tuple(kept)


_BLOCKS: Final = ("body", "orelse")


def with_fields(node: Any, **fields: object) -> Any:
    changed = {name: value for name, value in fields.items() if getattr(node, name) != value}
    return msgspec.structs.replace(node, **changed) if changed else node


def substitute(node: Any, values: Mapping[str, Expression]) -> Any:
    """`node` with variables that it reads replaced."""
    if isinstance(node, Name):
        return values.get(node.name, node)
    if isinstance(node, Assign | AugmentedAssign) and isinstance(node.target, Name):
        return with_fields(node, value=substitute(node.value, values))
    if isinstance(node, Atomic) and node.result is not None:
        return with_fields(substitute(with_fields(node, result=None), values), result=node.result)
    if isinstance(node, Unpack):
        targets = tuple(t if isinstance(t, Name) else substitute(t, values) for t in node.targets)
        return with_fields(node, targets=targets, values=tuple(substitute(v, values) for v in node.values))
    return rebuild(node, lambda child: substitute(child, values))


EXPRESSIONS: Final = (
    Literal,
    Constant,
    Static,
    Name,
    Apply,
    Compare,
    Logical,
    Cast,
    Construct,
    Component,
    Field,
    Element,
    Part,
    Extent,
    Conditional,
    Call,
)


def places(node: Node, edit: Callable[[Expression], Iterator[Expression]]) -> Iterator[Any]:
    """`node` with one expression somewhere in it edited, in every way that `edit` offers."""
    if isinstance(node, Unpack) and (several := called(node)) is not None:
        # the tree has the arguments once for each result
        for n, argument in enumerate(several.arguments):
            for new in _place(argument, edit, True):
                given = (*several.arguments[:n], new, *several.arguments[n + 1 :])
                yield with_fields(node, values=tuple(with_fields(value, arguments=given) for value in node.values))
        return
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if name in ("target", "base", "result") and isinstance(value, Name | Field):
            continue
        if isinstance(value, Node):
            editable = not isinstance(value, Program | Parameter) and name != "target"
            for new in _place(value, edit, editable):
                yield msgspec.structs.replace(node, **{name: new})
        elif isinstance(value, tuple):
            for n, item in enumerate(value):
                if isinstance(item, Node) and not (name == "targets" and isinstance(item, Name)):
                    for new in _place(item, edit, name != "targets" and not isinstance(item, Parameter)):
                        yield msgspec.structs.replace(node, **{name: (*value[:n], new, *value[n + 1 :])})


def _place(node: Any, edit: Callable[[Expression], Iterator[Expression]], editable: bool) -> Iterator[Any]:
    if editable and isinstance(node, EXPRESSIONS):
        yield from edit(node)
    yield from places(node, edit)


def below(node: Expression) -> Iterator[Expression]:
    """The expressions below `node`, each once."""
    seen = set()
    for child in walk(node):
        if child is not node and isinstance(child, EXPRESSIONS) and child not in seen:
            seen.add(child)
            yield child
