"""Which loops Warp unrolls, and which it leaves loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strategies.language.nodes import Break, For, If, Node, Program, Statement, While
from strategies.language.rules import fixed

#: Constant loops of more iterations are dynamic: Warp's default of the option of that name.
MAX_UNROLL: Final = 16


def max_unroll(program: Program) -> int:
    """The most iterations of a constant loop that Warp unrolls."""
    given = None if program.options is None else program.options.max_unroll
    return MAX_UNROLL if given is None else given


def is_dynamic(loop: For, max_unroll: int = MAX_UNROLL) -> bool:
    """Whether Warp leaves `loop` a loop: its bounds are no literals, it is too long, or it has a `break`."""
    bounds = [loop.start, loop.stop, loop.step]
    values = [None if b is None else fixed(b) for b in bounds]
    if any(b is not None and value is None for b, value in zip(bounds, values, strict=True)):
        return True
    start, stop, step = (int(v) if v is not None else d for v, d in zip(values, (0, 0, 1), strict=True))
    return step == 0 or len(range(start, stop, step)) > max_unroll or _breaks(loop.body)


def is_dynamic_loop(node: Node, most: int) -> bool:
    """Whether `node` is a loop that Warp leaves one, and does not unroll, as it does up to `most` iterations."""
    return isinstance(node, While) or (isinstance(node, For) and is_dynamic(node, most))


def _breaks(body: Sequence[Statement]) -> bool:
    for statement in body:
        match statement:
            case Break():
                return True
            case If():
                if _breaks(statement.body) or _breaks(statement.orelse):
                    return True
    return False
