"""Operators in place beyond sums and products: ``//=``, ``%=``, ``**=``, ``&=``, ``<<=`` and the others."""

from __future__ import annotations

from typing import Final

from strategies.blocks import Blocks
from strategies.intervals import Interval, width
from strategies.language import types
from strategies.language.nodes import Apply, AugmentedAssign, Expression, Name, Statement
from strategies.language.types import Matrix, Scalar, Vector
from strategies.leaves import counting_uses
from strategies.ops import OPS, overload
from strategies.scope import Variable
from strategies.typed import held

#: The operators that a kernel about integers changes a variable with.
INTEGER_UPDATES: Final = ("mul", "floordiv", "mod", "div", "bit_and", "bit_or", "bit_xor", "lshift", "rshift")
#: Those of floats: people divide in place more often than they take remainders or powers so.
FLOAT_UPDATES: Final = ("div", "div", "div", "pow_operator", "pow_operator", "mod", "floordiv")
#: Those of vectors and matrices, by one number.
SCALINGS: Final = ("mul", "div")


def same_bits(node: Expression, operator: str, name: str) -> bool:
    """Whether ``name op= node`` is all ones, or all zeros, whatever `name` is: ``x |= ~x``."""
    match node:
        case Apply(op="invert", arguments=(Name(name=other),)):
            return operator in ("bit_and", "bit_or", "bit_xor") and other == name
    return False


class Updates(Blocks):
    """Draws changes of a variable in place, by any operator."""

    def update(self, depth: int) -> Statement | None:
        """``name op= expression``, the operator out of the palette if it holds one; vectors and matrices are scaled."""
        variables = self.changeable(lambda v: isinstance(v.type, Scalar | Vector | Matrix) and not v.sum_only)
        if not variables:
            return None
        variable = self.dice.one_of(variables)
        if not isinstance(variable.type, Scalar):
            return self.update_by(variable, self.dice.one_of(SCALINGS), depth)
        known = INTEGER_UPDATES if variable.type.is_integer else FLOAT_UPDATES
        operators = [name for name in known if name in self.palette] or list(known)
        return self.update_by(variable, self.dice.one_of(operators), depth)

    def power(self, depth: int) -> list[Statement]:
        """``name **= expression``, of a new local whose values are positive: a power of others is no number."""
        row, of = OPS["pow_operator"], self.main
        base = row.domain(of)[0]
        value = self.fit(self.expression(of, depth - 1), base)
        if value.interval.is_point:
            value = self.fit(self.element(of), base)
        body = [self.define_as(value, mutable=True)]
        changed = self.update_by(self.defined[-1], row.name, depth - 1)
        return body if changed is None else [*body, changed]

    @counting_uses
    def update_by(self, variable: Variable, operator: str, depth: int) -> Statement | None:
        """``name operator= expression``; None if the variable's values may lie outside the operator's domain."""
        of, scalar = variable.type, types.element_scalar(variable.type)
        row = overload(operator, (of, scalar))
        first, second = row.domain(scalar)[:2]
        if not isinstance(first, Interval) or not variable.interval.within(first):
            return None
        value = self.expression(scalar, depth)
        if value.interval.low == value.interval.high or value.node == Name(of, variable.name):
            value = self.literal(scalar, second if isinstance(second, Interval) else Interval(2, 9))
        if same_bits(value.node, operator, variable.name):
            value = self.literal(scalar, Interval(1, scalar.limits[1]))
        if operator == "rshift" and value.interval.low >= width(variable.interval):
            # else nothing would be left
            value = self.literal(scalar, Interval(1, max(1, width(variable.interval) - 1)))
        value = self.fit(value, second)
        interval = held(row.result_interval(of, variable.interval, value.interval), of)
        if variable.budget is not None and not interval.within(variable.interval):
            return None
        if variable.budget is None:
            variable.interval = interval
        variable.used = False
        variable.live = (variable.live or value.live) and not row.flat
        return AugmentedAssign(Name(of, variable.name), operator, value.node)
