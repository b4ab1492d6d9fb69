"""Results that are not unique, and what makes them so: the factors of a matrix, the quaternion of a rotation.

The row of such an operation names those that its result has to go `through`, each on the result of the one before; what
comes of the last is the same whichever result it was.
"""

from __future__ import annotations

from collections.abc import Mapping

from strategies.language.nodes import Apply, Expression, Name
from strategies.language.tiles import is_tiled
from strategies.ops import overload, result_type


def ahead(node: Expression, locals_: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The operations that the value of `node` has to go through before it is unique: of most there are none.

    `locals_` says it of the names that hold such values.
    """
    if isinstance(node, Name):
        return locals_.get(node.name, ())
    if not isinstance(node, Apply) or is_tiled(node) or result_type(node.op, node.argument_types) is None:
        return ()
    if own := overload(node.op, node.argument_types).through:
        return own
    if not node.arguments or any(argument != node.arguments[0] for argument in node.arguments):
        return ()
    before = ahead(node.arguments[0], locals_)
    return before[1:] if before[:1] == (node.op,) else ()
