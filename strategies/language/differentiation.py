"""The derivative of a plain function, written out: what ``wp.grad(f)(x)`` is where `f` has no gradient of its own.

The rules are those of calculus.  A function is taken if it is a chain of locals, returns behind tests, and operations
that have one derivative wherever they are defined: at a tie of two numbers it would be a convention of Warp's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from strategies.language.nodes import (
    Apply,
    Assign,
    Call,
    Cast,
    Compare,
    Conditional,
    Constant,
    Expression,
    Function,
    If,
    Literal,
    Logical,
    Name,
    Parameter,
    Return,
    Statement,
    walk,
)
from strategies.language.remembered import remembered
from strategies.language.rules import require, returns
from strategies.language.types import Scalar, Type, tuple_of

#: By the name of a local, its derivative; that of any other name is zero.
_Slopes = Mapping[str, Expression]


class _NotDerived(Exception):
    """Something that has no rule here."""


def derivative(function: Function, parameter: Parameter) -> tuple[Statement, ...] | None:
    """The body of a function that returns the derivative by `parameter`; None if there are no rules for it.

    The parameters and the result are floats of one type.
    """
    of = function.type
    plain = not (function.own_gradient or function.replay or function.passed or function.closure)
    if not plain or not isinstance(of, Scalar) or not of.is_float or any(p.type is not of for p in function.parameters):
        return None
    try:
        return _Derivative(of).block(function.body, {parameter.name: Literal(of, 1.0)})
    except _NotDerived:
        return None


@remembered
def derivatives(function: Function) -> tuple[tuple[Statement, ...], ...]:
    """The derivatives by all parameters in their order; none if there is one without."""
    found = [derivative(function, parameter) for parameter in function.parameters]
    return () if None in found else tuple(body for body in found if body is not None)


def called_type(function: Function, call: Call) -> Type:
    """The type of a call: of ``wp.grad(f)(x)`` a result for each parameter, of its type.

    Raises `IllFormed` if the function has no gradient that its call asks for.
    """
    if not call.derivative:
        return function.type
    given = [p.type for p in function.parameters]
    written = function.own_gradient and len(function.inclined) == len(given) and isinstance(function.type, Scalar)
    require(bool(written) or bool(derivatives(function)), f"{function.name!r} has no gradient to be had")
    return given[0] if len(given) == 1 else tuple_of(given)


class _Derivative:
    def __init__(self, of: Scalar) -> None:
        self._type = of
        self._zero = Literal(of, 0.0)

    def block(self, body: Sequence[Statement], slopes: _Slopes) -> tuple[Statement, ...]:
        """Statements with derivatives in the places of what is returned."""
        found: list[Statement] = []
        for n, statement in enumerate(body):
            match statement:
                case Assign(target=Name(name=name), value=value):
                    again = any(isinstance(part, Name) and part.name == name for s in body[:n] for part in walk(s))
                    if again or name in slopes:
                        raise _NotDerived
                    found.append(statement)
                    slopes = {**slopes, name: self._of(value, slopes)}
                case If(test=test, body=then, orelse=otherwise) if returns(then):
                    rest = (*otherwise, *body[n + 1 :])
                    return (*found, If(test, self.block(then, slopes), self.block(rest, slopes)))
                case Return(values=(value,)):
                    return (*found, Return((self._of(value, slopes),)))
                case _:
                    raise _NotDerived
        raise _NotDerived

    def _of(self, node: Expression, slopes: _Slopes) -> Expression:
        if node.type is not self._type:
            # a whole number, or a truth value: what it is made of has no part in the derivative
            return self._zero
        match node:
            case Name(name=name):
                return slopes.get(name, self._zero)
            case Literal() | Constant():
                return self._zero
            case Cast(operand=operand) if not isinstance(operand.type, Scalar) or not operand.type.is_float:
                return self._zero
            case Conditional(test=Compare() | Logical() as test, then=then, otherwise=otherwise):
                return self._chosen(test, self._of(then, slopes), self._of(otherwise, slopes))
            case Apply():
                return self._applied(node, slopes)
        raise _NotDerived

    def _applied(self, node: Apply, slopes: _Slopes) -> Expression:
        arguments = node.arguments
        if any(argument.type is not self._type for argument in arguments):
            raise _NotDerived
        first, *others = (self._of(argument, slopes) for argument in arguments)
        a, b = arguments[0], arguments[-1]
        match node.op:
            case "add":
                return self._sum(first, others[0])
            case "sub":
                return self._sum(first, self._times(Literal(self._type, -1.0), others[0]))
            case "neg":
                return self._times(Literal(self._type, -1.0), first)
            case "mul":
                return self._sum(self._times(first, b), self._times(a, others[0]))
            case "div":
                falling = self._times(self._do("div", node, b), others[0])
                rising = self._zero if first == self._zero else self._do("div", first, b)
                return self._sum(rising, self._times(Literal(self._type, -1.0), falling))
            case "sin":
                return self._times(self._do("cos", a), first)
            case "cos":
                return self._times(self._do("neg", self._do("sin", a)), first)
            case "exp":
                return self._times(node, first)
            case "log":
                return self._times(self._do("div", Literal(self._type, 1.0), a), first)
            case "sqrt":
                return self._times(self._do("div", Literal(self._type, 0.5), node), first)
            case "tanh":
                square = self._do("mul", node, node)
                return self._times(self._do("sub", Literal(self._type, 1.0), square), first)
        raise _NotDerived

    def _do(self, op: str, *arguments: Expression) -> Expression:
        return Apply(self._type, op, arguments)

    def _sum(self, a: Expression, b: Expression) -> Expression:
        if self._zero in (a, b):
            return b if a == self._zero else a
        return self._do("add", a, b)

    def _times(self, a: Expression, b: Expression) -> Expression:
        one = Literal(self._type, 1.0)
        if self._zero in (a, b):
            return self._zero
        if one in (a, b):
            return b if a == one else a
        return self._do("mul", a, b)

    def _chosen(self, test: Expression, then: Expression, otherwise: Expression) -> Expression:
        return then if then == otherwise else Conditional(self._type, test, then, otherwise)
