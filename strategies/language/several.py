"""Built-ins with several results: ``axis, angle = wp.quat_to_axis_angle(q)``.

In the tree such a call is an `Unpack` whose values are its results one by one: the operation
``quat_to_axis_angle__0`` of the quaternion, and ``quat_to_axis_angle__1`` of the same.  So each result has a row of its
own in the op table, and neither the reference nor the differences nor the limits know of tuples here.  Such an
operation stands nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from strategies.language.nodes import Apply, Call, Expression, Unpack, walk
from strategies.language.types import Type

_ITEM: Final = re.compile(r"([a-z0-9_]+)__([0-9])")


class Several(NamedTuple):
    """A call of a built-in with several results."""

    name: str
    arguments: tuple[Expression, ...]


def item(name: str, number: int) -> str:
    """The operation that is one result of a built-in."""
    return f"{name}__{number}"


def is_item(op: str) -> bool:
    """Whether an operation is one of several results."""
    return _ITEM.fullmatch(op) is not None


def called(node: Unpack) -> Several | None:
    """The built-in whose results, all that there are in their order, the values of `node` are."""
    first = node.values[0]
    found = _ITEM.fullmatch(first.op) if isinstance(first, Apply) else None
    if found is None or len(node.values) < 2:
        return None
    assert isinstance(first, Apply)
    for number, value in enumerate(node.values):
        if not (isinstance(value, Apply) and value.op == item(found[1], number) and value.arguments == first.arguments):
            return None
    return Several(found[1], first.arguments)


def is_whole(node: Unpack, result_type: Callable[[str, Sequence[Type]], Type | None]) -> bool:
    """Whether `node` unpacks all results of a built-in, each of its type, of arguments without an effect.

    The tree has the arguments once for each result.
    """
    found = called(node)
    if found is None:
        return False
    given = [argument.type for argument in found.arguments]
    results = [result_type(item(found.name, number), given) for number in range(len(node.values) + 1)]
    if results != [*(value.type for value in node.values), None]:
        return False
    parts = [part for argument in found.arguments for part in walk(argument)]
    return not any(isinstance(part, Call) or (isinstance(part, Apply) and is_item(part.op)) for part in parts)
