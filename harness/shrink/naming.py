"""The names that everybody uses, for what is left of a program."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from harness.shrink.tree import with_fields
from strategies.language.nodes import (
    Atomic,
    Call,
    Element,
    Extent,
    For,
    IndexedParameter,
    Name,
    Node,
    Parameter,
    Program,
    StructParameter,
    ThreadIndex,
    TileStore,
    View,
    rebuild,
    walk,
)

_INPUT_NAMES: Final = ("x", "y", "z", "u", "v", "w")
_INDEX_NAMES: Final = ("i", "j", "k", "l")
_LOCAL_NAMES: Final = ("a", "b", "c", "d", "e", "f", "g", "h")
_LOOP_NAMES: Final = ("n", "m", "p", "q")
_FUNCTION_NAMES: Final = ("f", "g", "h")
#: Tried one after the other: a kernel of another name gets other inputs, some of which may not show the bug.
_KERNEL_NAMES: Final = ("kernel", "reduced", "minimal", "small")


def renamings(program: Program) -> Iterator[Program]:
    """The names that everybody uses."""
    functions = {f.name: name for f, name in zip(program.functions, name_pool(_FUNCTION_NAMES), strict=False)}
    renamed: Program = msgspec.structs.replace(
        _renamed(program, functions),
        functions=tuple(with_fields(_renamed(f, functions), name=functions[f.name]) for f in program.functions),
    )
    for name in _KERNEL_NAMES:
        yield msgspec.structs.replace(renamed, name=name)


def _renamed(owner: Any, functions: Mapping[str, str]) -> Any:
    """The kernel, or one function, with its variables renamed, and the functions that it calls."""
    new: dict[str, str] = {}
    pools: dict[str, Iterator[str]] = {
        "input": name_pool(_INPUT_NAMES),
        "output": name_pool(("out",)),
        "index": name_pool(_INDEX_NAMES),
        "local": name_pool(_LOCAL_NAMES),
        "loop": name_pool(_LOOP_NAMES),
    }
    for parameter in owner.parameters:
        whole = parameter.name.partition(".")[0]
        written = any(p.output for p in owner.parameters if p.name.partition(".")[0] == whole)
        new[whole] = new.get(whole) or next(pools["output" if written else "input"])
    own: tuple[Node, ...] = () if isinstance(owner, Program) else (*owner.slopes, *owner.replay, *owner.adjoint)
    if not isinstance(owner, Program):
        new.update((cotangent.name, cotangent.name) for cotangent in owner.cotangents)
    for node in (n for part in (*owner.body, *own) for n in walk(part)):
        match node:
            case ThreadIndex(names=names):
                new.update((name, next(pools["index"])) for name in names if name not in new)
            case For(name=name) if name not in new:
                new[name] = next(pools["loop"])
            case Name(name=name) if name not in new:
                # a loop's variable is met at its loop first, for parents come first
                new[name] = next(pools["local"])

    def called(name: str) -> str:
        # in what else a function does a parameter may be named that an edit took away
        whole, *path = name.split(".")
        return ".".join((new.get(whole, whole), *path))

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        match node:
            case Parameter() | Name() | For() | StructParameter() | IndexedParameter():
                return with_fields(node, name=called(node.name))  # type: ignore[no-any-return]
            case ThreadIndex():
                return with_fields(node, names=tuple(new[name] for name in node.names))  # type: ignore[no-any-return]
            case Element() | Extent() | View() | Atomic() | TileStore():
                return with_fields(node, array=called(node.array))  # type: ignore[no-any-return]
            case Call():
                return with_fields(node, function=functions[node.function])  # type: ignore[no-any-return]
        return node

    parts = {"parameters": owner.parameters, "body": owner.body}
    if isinstance(owner, Program):
        parts["structs"], parts["indexed"] = owner.structs, owner.indexed
    else:
        parts["slopes"], parts["replay"], parts["adjoint"] = owner.slopes, owner.replay, owner.adjoint
    return with_fields(owner, **{name: tuple(map(change, part)) for name, part in parts.items()})


def name_pool(names: Sequence[str]) -> Iterator[str]:
    yield from names
    for n in itertools.count(1):
        yield f"{names[-1]}{n}"
