"""Built-ins whose text is more than a name and arguments that are values: those with whole numbers behind them.

Warp takes such numbers only where they are constants, so they belong to the operation: ``quat_from_euler_210`` is
``wp.quat_from_euler(e, 2, 1, 0)``.
"""

from __future__ import annotations

import re
from typing import Final

_AXES: Final = re.compile(r"(quat_from_euler)_([012])([012])([012])")


def spelled(op: str) -> tuple[str, tuple[int, ...]]:
    """The name that Warp has for an operation, and the whole numbers that are written behind its arguments."""
    found = _AXES.fullmatch(op)
    return (op, ()) if found is None else (found[1], tuple(map(int, found.groups()[1:])))
