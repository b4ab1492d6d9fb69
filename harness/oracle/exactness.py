"""Which outputs IEEE 754 fixes to the last bit: those that only correctly rounded operations lead to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Cast,
    Component,
    Conditional,
    Constant,
    Construct,
    Element,
    Expression,
    Literal,
    Name,
    Node,
    Program,
    Return,
    Statement,
    Static,
    Unpack,
    View,
    Zeros,
    changed_name,
    children,
    root,
    walk,
)
from strategies.language.remembered import remembered
from strategies.language.rules import bound_arguments
from strategies.language.types import FLOAT16, FLOAT64, Array, Scalar, Type, holds_floats
from strategies.language.views import arrays_named, definitions
from strategies.ops import overload


def exact_outputs(program: Program) -> frozenset[str]:
    """The outputs whose every value comes from exact operations alone, in an order that is fixed.

    Sums that threads make together are left out: their order is not the reference's.
    """
    functions: dict[str, _Inexact] = {}
    for function in program.functions:
        functions[function.name] = _Inexact(program, functions)
        functions[function.name].settle(function.body)
    kernel = _Inexact(program, functions)
    kernel.settle(program.body)
    return frozenset(p.name for p in program.outputs) - kernel.names


#: Operations on floats that give zeros their signs as IEEE 754 says.  `min`, `max` and `clamp` may choose either zero.
_SIGNED: Final = frozenset(
    (
        *("add", "sub", "mul", "div", "floordiv", "mod", "neg", "pos", "abs", "sign", "step", "nonzero", "copysign"),
        *("sqrt", "round", "rint", "trunc", "floor", "ceil", "frac"),
    )
)


#: Operations that give either of two zeros.
_CHOICES: Final = frozenset(("min", "max", "clamp"))


def signs_zeros(program: Program) -> bool:
    """Whether exact results have their sign, too, where they are zero."""
    return _signs_hold(program, lambda op: op in _SIGNED)


@remembered
def confuses_zeros(program: Program) -> bool:
    """Whether a zero may have another sign than the reference gives it: that of an extreme, of a sum in another order,
    or, as a literal, of the other spelling."""
    return not _signs_hold(program, lambda op: op not in _CHOICES)


def _signs_hold(program: Program, certain: Callable[[str], bool]) -> bool:
    """Whether zeros have their signs if operations on numbers that are `certain` to keep them do."""
    for node in walk(program):
        match node:
            case Apply() if holds_floats(node.type):
                if not certain(node.op) or not all(isinstance(of, Scalar) for of in node.argument_types):
                    return False
            case Atomic() if holds_floats(node.value.type):
                return False
            case Literal() if _is_negative_zero(node):
                return False
    return True


def _is_negative_zero(node: Literal) -> bool:
    """Whether a literal is zero, negated, in a kernel."""
    return isinstance(node.value, float) and node.value == 0 and math.copysign(1.0, node.value) < 0


class _Inexact:
    """Names of variables and arrays that may hold a value rounded in an unspecified way.

    Of a function it is known whether its results, and what it writes to arrays, are exact if its arguments are.
    """

    def __init__(self, program: Program, functions: Mapping[str, _Inexact]) -> None:
        self._program = program
        self._functions = functions
        self.names: set[str] = set()
        #: whether a result may be inexact
        self.result = False
        #: the array that each local view is a part of
        self._roots: dict[str, str] = {}

    def _array(self, name: str) -> str:
        return self._roots.get(name, name)

    def settle(self, body: tuple[Statement, ...]) -> None:
        """Visit `body` until nothing more is found."""
        for name, view in definitions(body).items():
            self._roots[name] = self._array(view.array)
        before: tuple[int, bool] | None = None
        while before != (len(self.names), self.result):
            before = (len(self.names), self.result)
            for statement in body:
                self.visit(statement)

    def visit(self, node: Node) -> None:
        match node:
            case Assign() | AugmentedAssign():
                inexact = (
                    isinstance(node, AugmentedAssign)
                    and not overload(node.operator, (node.target.type, node.value.type)).exact
                )
                # a sum in place may be one that threads make together
                inexact |= (
                    isinstance(node, AugmentedAssign)
                    and isinstance(root(node.target), Element)
                    and holds_floats(node.value.type)
                )
                if inexact or self._of(node.value):
                    self.names.add(self._array(changed_name(node.target)))
            case Atomic():
                sums = node.op in ("atomic_add", "atomic_sub") and holds_floats(node.value.type)
                if sums or self._of(node.value):
                    self.names.add(self._array(node.array))
                if node.result is not None and self._array(node.array) in self.names:
                    self.names.add(node.result.name)
            case Unpack():
                for n, target in enumerate(node.targets):
                    if self._of(node.values[n if len(node.values) > 1 else 0]):
                        self.names.add(self._array(changed_name(target)))
            case Return():
                self.result |= any(self._of(v) for v in node.values)
        for child in children(node):
            if isinstance(child, Call):
                self._call(child)
            self.visit(child)

    def _call(self, node: Call) -> bool:
        """Note what a call writes; whether its result may be inexact."""
        inner = self._functions[node.function]
        if node.derivative:
            return True
        function = self._program.function(node.function)
        bound = list(bound_arguments(function, node))
        given = any(self._of(a) for _, a in bound if not isinstance(a.type, Array))
        for parameter, argument in bound:
            written = isinstance(parameter.type, Array) and parameter.output
            array = arrays_named(argument)
            if array is not None and written and (given or parameter.name in inner.names):
                self.names.add(self._array(array))
        return given or inner.result

    def _of(self, node: Expression) -> bool:
        """Whether the value of an expression is inexact; integers and truth values never are."""
        if not holds_floats(node.type):
            return False
        match node:
            case Literal() | Constant() | Static():
                return False
            case Zeros():
                return False
            case Element() | View():
                return self._array(node.array) in self.names
            case Name():
                return self._array(node.name) in self.names
            case Apply():
                row = overload(node.op, node.argument_types)
                return not row.exact or any(self._of(a) for a in node.arguments)
            case Cast():
                return self._of(node.operand) or _rounds_twice(node.type, node.operand.type)
            case Construct():
                return any(self._of(a) or _rounds_twice(node.type, a.type) for a in node.arguments)
            case Component():
                return self._of(node.base)
            case Conditional():
                return self._of(node.then) or self._of(node.otherwise)
            case Call():
                return self._call(node)
        return True


def _rounds_twice(target: Type, source: Type) -> bool:
    """Whether a conversion makes halves of doubles, which Warp does by way of floats."""
    return FLOAT16 in types.scalars_of(target) and FLOAT64 in types.scalars_of(source)
