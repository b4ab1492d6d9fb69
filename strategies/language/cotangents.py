"""Whether a gradient of a function's own is linear in its cotangents, as the derivative of anything is.

Of one that is not, a clipped cotangent say, the gradient of the kernel would depend on what the result is used for in
ways that no perturbation of inputs tells.
"""

from __future__ import annotations

from collections.abc import Sequence

from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Component,
    Conditional,
    Construct,
    Contribute,
    Expression,
    Function,
    If,
    Literal,
    Name,
    Statement,
    walk,
)
from strategies.language.rules import require

#: Operations that are linear in each argument, and those that are so in all of them at once.
_PRODUCTS = frozenset(("mul", "dot", "cross", "cw_mul"))
_SUMS = frozenset(("add", "sub", "neg", "pos"))
#: Those that are linear in their first argument.
_QUOTIENTS = frozenset(("div", "cw_div"))


def check_linear(function: Function) -> None:
    """Raise `IllFormed` unless each contribution is linear in the cotangents, and no test depends on them."""
    _Degrees(function).block(function.own_gradient)


class _Degrees:
    """Which variables are linear in the cotangents; the others do not depend on them."""

    def __init__(self, function: Function) -> None:
        self._where = f"the gradient of {function.name!r}"
        self._linear = {cotangent.name for cotangent in function.cotangents}
        self._plain = {parameter.name for parameter in function.parameters}

    def block(self, body: Sequence[Statement]) -> None:
        for statement in body:
            match statement:
                case Assign(target=Name(name=name), value=value):
                    of = self._is_linear(value)
                    other = self._plain if of else self._linear
                    require(name not in other, f"{self._where} has {name!r} as a cotangent and as something else")
                    (self._linear if of else self._plain).add(name)
                case AugmentedAssign(target=Name() as target, operator=op, value=value):
                    of = self._is_linear(Apply(target.type, op, (target, value)))
                    require(of == (target.name in self._linear), f"{self._where} makes {target.name!r} a cotangent")
                case If(test=test, body=then, orelse=orelse):
                    require(not self._depends(test), f"{self._where} depends on a cotangent in a test")
                    self.block(then)
                    self.block(orelse)
                case Contribute(value=value):
                    require(self._is_linear(value) or _is_zero(value), f"{self._where} is not linear in cotangents")
                case _:
                    require(False, f"{self._where} has a statement that no gradient has here")

    def _depends(self, node: Expression) -> bool:
        return any(isinstance(part, Name) and part.name in self._linear for part in walk(node))

    def _is_linear(self, node: Expression) -> bool:
        """Whether `node` is linear in the cotangents, or else independent of them; it must be one of the two."""
        if not self._depends(node):
            return False
        match node:
            case Name():
                return True
            case Apply(op=op, arguments=parts) if op in _PRODUCTS:
                found = sum(map(self._is_linear, parts)) == 1
            case Apply(op=op, arguments=parts) if op in _SUMS:
                found = self._all(parts)
            case Apply(op=op, arguments=(first, second)) if op in _QUOTIENTS:
                found = self._is_linear(first) and not self._depends(second)
            case Construct(arguments=parts):
                # whole numbers are cut off
                found = all(scalar.is_float for scalar in types.scalars_of(node.type)) and self._all(parts)
            case Component(base=base, index=index):
                found = self._is_linear(base) and not self._depends(index)
            case Conditional(test=test, then=then, otherwise=otherwise):
                found = not self._depends(test) and self._all((then, otherwise))
            case _:
                found = False
        require(found, f"{self._where} is not linear in cotangents")
        return True

    def _all(self, parts: Sequence[Expression]) -> bool:
        return all(self._is_linear(part) or _is_zero(part) for part in parts)


def _is_zero(node: Expression) -> bool:
    match node:
        case Construct(arguments=parts):
            return all(map(_is_zero, parts))
        case Literal(value=value):
            return value == 0
    return False
