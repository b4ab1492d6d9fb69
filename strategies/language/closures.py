"""Functions that a factory makes, ``scaled = make_blend(0.25, square)``: names, and the numbers that they capture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from strategies.language.nodes import Closure, Constant, Expression, rebuild

#: With what the name of a factory begins.
MAKE: Final = "make_"


def made_name(closure: Closure) -> str:
    """What a factory calls what it makes: ``make_blend`` makes ``blend``; nothing if its own name is no such."""
    return closure.factory.removeprefix(MAKE) if closure.factory.startswith(MAKE) else ""


def with_captured(node: Any, values: Mapping[str, Expression]) -> Any:
    """`node` with something else in the place of the constants that are called so."""
    if isinstance(node, Constant) and node.name in values:
        return values[node.name]
    return rebuild(node, lambda child: with_captured(child, values))
