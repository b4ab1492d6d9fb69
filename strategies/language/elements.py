"""Two ways to write an element of an array of several dimensions: ``a[i, j]`` and ``a[i][j]``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from strategies.language.nodes import Element, Program, Unpack, rebuild


def in_brackets(program: Program, chosen: Callable[[], bool] = lambda: True) -> Program:
    """`program` with those elements as elements of parts, ``a[i][j]``, that are `chosen`.

    Targets of unpacked values stay, for Warp unpacks to nothing else.
    """

    def change(node: Any) -> Any:
        match node:
            case Unpack(targets=targets, values=values):
                targets = tuple(rebuild(place, change) for place in targets)
                return msgspec.structs.replace(node, targets=targets, values=tuple(map(change, values)))
            case Element(indices=(_, _, *_), brackets=False) if chosen():
                return msgspec.structs.replace(rebuild(node, change), brackets=True)
        return rebuild(node, change)

    changed: Program = change(program)
    return program if changed == program else changed


def in_one_bracket(program: Program) -> Program:
    """`program` with all elements written ``a[i, j]``; the same object if they are."""

    def change(node: Any) -> Any:
        node = rebuild(node, change)
        bracketed = isinstance(node, Element) and node.brackets
        return msgspec.structs.replace(node, brackets=False) if bracketed else node

    changed: Program = change(program)
    return program if changed == program else changed
