"""The names that everybody uses, for what is left of a program."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from harness.shrink.tree import walk, with_fields
from strategies.language.nodes import (
    Atomic,
    Element,
    Extent,
    For,
    Name,
    Node,
    Parameter,
    Program,
    ThreadIndex,
    rebuild,
)

_INPUT_NAMES: Final = ("x", "y", "z", "u", "v", "w")
_INDEX_NAMES: Final = ("i", "j", "k", "l")
_LOCAL_NAMES: Final = ("a", "b", "c", "d", "e", "f", "g", "h")
_LOOP_NAMES: Final = ("n", "m", "p", "q")
#: Tried one after the other: a kernel of another name gets other inputs, some of which may not show the bug.
_KERNEL_NAMES: Final = ("kernel", "reduced", "minimal", "small")


def renamings(program: Program) -> Iterator[Program]:
    """The names that everybody uses."""
    new: dict[str, str] = {}
    pools: dict[str, Iterator[str]] = {
        "input": name_pool(_INPUT_NAMES),
        "output": name_pool(("out",)),
        "index": name_pool(_INDEX_NAMES),
        "local": name_pool(_LOCAL_NAMES),
        "loop": name_pool(_LOOP_NAMES),
    }
    for parameter in program.parameters:
        new[parameter.name] = next(pools["output" if parameter.output else "input"])
    for node in walk(program):
        match node:
            case ThreadIndex(names=names):
                new.update((name, next(pools["index"])) for name in names if name not in new)
            case For(name=name) if name not in new:
                new[name] = next(pools["loop"])
            case Name(name=name) if name not in new:
                # a loop's variable is met at its loop first, for parents come first
                new[name] = next(pools["local"])

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        match node:
            case Parameter() | Name() | For():
                return with_fields(node, name=new[node.name])  # type: ignore[no-any-return]
            case ThreadIndex():
                return with_fields(node, names=tuple(new[name] for name in node.names))  # type: ignore[no-any-return]
            case Element() | Extent() | Atomic():
                return with_fields(node, array=new[node.array])  # type: ignore[no-any-return]
        return node

    renamed: Program = rebuild(program, change)
    for name in _KERNEL_NAMES:
        yield msgspec.structs.replace(renamed, name=name)


def name_pool(names: Sequence[str]) -> Iterator[str]:
    yield from names
    for n in itertools.count(1):
        yield f"{names[-1]}{n}"
